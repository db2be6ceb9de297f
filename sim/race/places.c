/*
 * places.c - see places.h.
 *
 * In the trace each place is RUN:NAME, where a search says where it stands.
 */
#include "sim/race/places.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/explore.h"
#include "sim/race/race.h"

/* The run that the epoch of this one begins with, and that after it. */
static uint64_t epoch_of(uint64_t run, uint64_t *end) {
    uint64_t begin = LESSONS;
    if (run < LESSONS) {
        *end = run + 1;
        return run;
    }
    while (begin <= run / 2) begin *= 2;
    *end = begin + begin / 2;
    if (run < *end) return begin;
    begin = *end;
    *end = begin > UINT64_MAX / 4 * 3 ? UINT64_MAX : begin / 3 * 4;
    return begin;
}

/* Whether the runs of the exploration learn of places at all. */
static bool is_taught(const struct exploration *e) {
    return !e->replay && !e->strategy->ends && e->run.points == POINTS_ATOMIC;
}

static bool add(struct places *places, uint32_t name, uint64_t run) {
    for (size_t i = 0; i < places->count; i++)
        if (places->list[i].name == name) return true;
    if (places->count == LOG_POINTS) return false;
    places->list[places->count++] = (struct racy_place){name, run};
    return true;
}

/* ---- From time to time --------------------------------------------------------------------- */

static char *write_all(void *context) {
    const struct exploration *e = context;
    enum { LONGEST = 32 };
    char *text = malloc(e->places.count * LONGEST + 1), *end = text;
    for (size_t i = 0; text && i < e->places.count; i++)
        end += snprintf(end, LONGEST, "%s%" PRIu64 ":%08" PRIx32, i ? " " : "",
                        e->places.list[i].run, e->places.list[i].name);
    return text;
}

static void record(struct exploration *e) {
    if (e->recorder && e->share.shards) recorder_ask_position(e->recorder, write_all, e);
}

static int damaged(struct exploration *e) {
    snprintf(e->message, sizeof e->message,
             "what the trace says of the places that have raced is damaged: begin a new "
             "exploration");
    return -EIO;
}

static int read_all(struct exploration *e, const char *text) {
    uint64_t run, before = 0;
    uint32_t name;
    for (int length; *text; text += length) {
        length = 0;
        if (sscanf(text, "%" SCNu64 ":%8" SCNx32 "%n", &run, &name, &length) != 2 || !length ||
            run < before || run >= (e->next > LESSONS ? e->next : LESSONS) ||
            !add(&e->places, name, run))
            return damaged(e);
        before = run;
    }
    return 0;
}

int places_begin(struct exploration *e) {
    char *text = NULL;
    int rc = 0;
    if (!is_taught(e) || !e->resumed || !e->recorder) return 0;
    if (recorder_resume_position(e->recorder, &text)) {
        snprintf(e->message, sizeof e->message, "%s", recorder_error(e->recorder));
        return -EIO;
    }
    if (text) rc = read_all(e, text);
    free(text);
    if (rc == 0 && e->places.count) record(e);
    return rc;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

void places_learn(struct exploration *e, uint64_t run) {
    const struct log *log = e->log;
    size_t count = log->point_count < LOG_POINTS ? log->point_count : LOG_POINTS;
    if (run < LESSONS && log->watched) e->places.watched = true;
    if (log->points_used >= count || !is_taught(e)) return;
    for (size_t i = log->points_used; i < count; i++) add(&e->places, log->points[i], run);
    record(e);
}

uint64_t places_give(const struct exploration *e, struct log *log, uint64_t run) {
    uint64_t end, begin = epoch_of(run, &end);
    size_t count = 0;
    if (!is_taught(e)) return UINT64_MAX;
    for (; count < e->places.count && e->places.list[count].run < begin; count++)
        log->points[count] = e->places.list[count].name;
    log->points_used = log->point_count = count;
    return e->places.watched ? end : UINT64_MAX;
}
