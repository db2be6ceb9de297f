/* again.c - see again.h. */
#include "sim/again.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/report.h"
#include "sim/explore.h"

static bool same(const struct log_event *a, const struct log_event *b) {
    return a->task == b->task && a->object == b->object && a->op == b->op &&
           a->has_result == b->has_result && a->result == b->result && a->site == b->site &&
           a->time == b->time;
}

static void add_event(struct text *text, const struct log_event *event) {
    text_add(text, "%s by task %u in ", op_names[event->op < OP_COUNT ? event->op : 0],
             event->task);
    text_add_site(text, event->site);
    if (event->has_result) text_add(text, " with the result %lld", (long long)event->result);
}

/* What is not told of each: which object it is, and when. */
static void add_rest(struct text *text, const struct log_event *a, const struct log_event *b) {
    if (a->object != b->object)
        text_add(text, ", on object %u, then %u, as they are numbered in a run", a->object,
                 b->object);
    if (a->time != b->time) text_add(text, ", %lld ns later", (long long)(b->time - a->time));
}

static size_t steps_of(const struct log *log) {
    return log->steps < log->event_room ? log->steps : log->event_room;
}

/* Says what the first difference is, and returns its step; 0 where it lies in how the run ended. */
static uint32_t tell(struct log *log, uint64_t number, const struct log_event *events, size_t count,
                     const char *outcome) {
    size_t i = 0, again = steps_of(log);
    char ended[LOG_MESSAGE];
    struct text text;
    memcpy(ended, log->message, sizeof ended);
    text = text_in(log->message, sizeof log->message);
    while (i < count && i < again && same(&events[i], &log->events[i])) i++;
    text_add(&text, "run %llu was repeated from its schedule and did something else: ",
             (unsigned long long)number);
    if (i == count && i == again) {
        text_add(&text, "it ended as %s, then as %s%s%s", outcome, pirn_outcome_name(log->outcome),
                 *ended ? ": " : "", ended);
        return 0;
    }
    text_add(&text, "step %zu was ", i + 1);
    if (i < count)
        add_event(&text, &events[i]);
    else
        text_add(&text, "none");
    text_add(&text, ", then ");
    if (i < again)
        add_event(&text, &log->events[i]);
    else
        text_add(&text, "none (%s)", *ended ? ended : pirn_outcome_name(log->outcome));
    if (i < count && i < again) add_rest(&text, &events[i], &log->events[i]);
    return i < again ? (uint32_t)i + 1 : 0;
}

int run_again(struct exploration *e, uint64_t number) {
    struct log *log = e->log;
    size_t count = steps_of(log), choices = log->choice_count;
    struct log_event *events = malloc((count + 1) * sizeof *events);
    uint64_t *schedule = malloc((choices + 1) * sizeof *schedule);
    uint32_t hash = log_event_hash(log);
    pirn_outcome outcome = log->outcome;
    int64_t wall_ns = log->wall_ns;
    int rc = 0;

    /* What depends on the clock of this machine, or ended at an unknown place, is not compared. */
    if (events && schedule && outcome != PIRN_TIMEOUT && outcome != PIRN_CRASH) {
        memcpy(events, log->events, count * sizeof *events);
        memcpy(schedule, log->choices, choices * sizeof *schedule);
        rc = explore_once(e, strategy_replay(schedule, choices), log->seed);
        /* In the child the run needs them. */
        if (rc == 1) return 1; /* NOLINT(clang-analyzer-unix.Malloc) */
        log->wall_ns = wall_ns;
        if (rc == 0 &&
            (log->outcome != outcome || log->steps != count || log_event_hash(log) != hash)) {
            uint32_t step = tell(log, number, events, count, pirn_outcome_name(outcome));
            log->outcome = PIRN_DIVERGED;
            log->finding_count = 0;
            log_find(log, PIRN_DIVERGED, step, 0, NULL, log->message);
        }
    }
    free(events);
    free(schedule);
    return rc;
}
