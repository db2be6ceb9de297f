/*
 * searches.c - see searches.h.
 *
 * The position of a search, as it is recorded, is the number of runs that were nothing new, and
 * behind a blank what the strategy says of where it is.
 */
#include "sim/searches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_note(struct exploration *e, unsigned found) {
    e->exhausted = !(found & (SEARCH_MORE | SEARCH_GAPS | SEARCH_UNFAIR));
    e->fair = !(found & (SEARCH_MORE | SEARCH_GAPS));
    e->searching = found & SEARCH_MORE;
}

static unsigned next(struct exploration *e, struct strategy *strategy) {
    unsigned found = SEARCH_MORE | SEARCH_GAPS;
    if (strategy->next) found = strategy->next(strategy, e->log);
    take_note(e, found);
    return found;
}

bool search_on(struct exploration *e, struct strategy *strategy) {
    unsigned found = next(e, strategy);
    if (found & SEARCH_REPEATED) e->repeated++;
    return !(found & (SEARCH_REPEATED | SEARCH_ELSEWHERE));
}

/* ---- From time to time --------------------------------------------------------------------- */

static char *position(void *context) {
    enum { LONGEST_NUMBER = 20 };
    const struct exploration *e = context;
    char *where = e->strategy->position(e->strategy), *text;
    size_t room = LONGEST_NUMBER + 2;
    if (!where) return NULL;
    room += strlen(where);
    text = malloc(room);
    if (text) snprintf(text, room, "%llu %s", (unsigned long long)e->repeated, where);
    free(where);
    return text;
}

static void record_position(struct exploration *e) {
    recorder_reached(e->recorder, e->next);
    recorder_ask_position(e->recorder, position, e);
}

static int complain(struct exploration *e, int error, const char *what) {
    snprintf(e->message, sizeof e->message, "%s", what);
    return error;
}

static int no_memory(struct exploration *e) { return complain(e, -ENOMEM, "not enough memory"); }

static int go_on(struct exploration *e, struct strategy *strategy, const char *text) {
    unsigned found;
    int length = 0, rc;
    unsigned long long repeated;
    if (!text || sscanf(text, "%llu%n", &repeated, &length) != 1)
        return complain(e, -EIO,
                        "the trace does not say where the search had come to: begin a new "
                        "exploration");
    e->repeated = repeated;
    rc = strategy->go_to(strategy, text + length, &found);
    if (rc == -ENOMEM) return no_memory(e);
    if (rc)
        return complain(e, -EIO,
                        "what the trace says of where the search had come to is "
                        "damaged: begin a new exploration");
    take_note(e, found);
    return 0;
}

int search_begin(struct exploration *e, struct strategy *strategy) {
    const struct search_request request = {e->seed, e->runs, e->run.max_steps, e->share};
    char *text = NULL;
    int rc;
    e->searching = true;
    if (strategy->open && strategy->open(strategy, &request)) return no_memory(e);
    if (!strategy->ends || !e->share.shards || !e->recorder) return 0;
    if (e->resumed) {
        rc = recorder_resume_position(e->recorder, &text);
        if (rc) return complain(e, rc, recorder_error(e->recorder));
        rc = go_on(e, strategy, text);
        free(text);
        if (rc) return rc;
    }
    record_position(e);
    return 0;
}

void search_end(struct exploration *e, struct strategy *strategy) {
    if (e->recorder) {
        recorder_commit(e->recorder); /* whatever goes wrong shows when it is closed, too */
        recorder_ask_position(e->recorder, NULL, NULL);
    }
    if (strategy->close) strategy->close(strategy);
}
