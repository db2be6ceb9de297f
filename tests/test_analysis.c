/*
 * test_analysis.c - what the reader of traces works out by itself: happens-before, predictions,
 * differences to what the recorder says, how much channels were used.
 */
#include "tests/viz_support.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/check.h"
#include "viz/order.h"
#include "viz/predict.h"
#include "viz/usage.h"
#include "viz/viz.h"

/* ---- Happens-before ------------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A run in memory: events of random tasks, edges between random ones; the last task is the clock
 * when `clock` is set. */
static struct trace_run *random_run(uint32_t seed, size_t tasks, size_t events, size_t edges) {
    struct trace_run *run = tool_alloc(1, sizeof *run);

    run->task_count = tasks;
    run->tasks = tool_alloc(tasks, sizeof *run->tasks);
    run->event_count = events;
    run->events = tool_alloc(events, sizeof *run->events);
    for (size_t i = 0; i < tasks; i++) run->tasks[i].first = run->tasks[i].last = TRACE_NONE;
    for (size_t i = 0; i < events; i++) {
        struct trace_event *event = &run->events[i];
        size_t task = next_random(&seed) % (tasks + 1);

        *event = (struct trace_event){.step = (int64_t)i + 1, .object = TRACE_NONE};
        event->task = task < tasks ? task : TRACE_NONE;
        event->previous = event->next = TRACE_NONE;
        if (event->task == TRACE_NONE) continue;
        event->previous = run->tasks[task].last;
        if (event->previous != TRACE_NONE) run->events[event->previous].next = i;
        if (run->tasks[task].first == TRACE_NONE) run->tasks[task].first = i;
        run->tasks[task].last = i;
    }
    /* By `after`, then `before`, as in a loaded run. */
    run->edges = tool_alloc(edges + events, sizeof *run->edges);
    for (size_t after = 1; after < events; after++) {
        size_t count = next_random(&seed) % 3 * edges / events, before = 0;

        for (size_t k = 0; k < count && before < after; k++) {
            before += next_random(&seed) % (after - before);
            run->edges[run->edge_count++] =
                (struct trace_edge){.before = before, .after = after, .kind = TRACE_EDGE_MESSAGE};
            before++;
        }
    }
    return run;
}

static void free_run(struct trace_run *run) {
    free(run->tasks);
    free(run->events);
    free(run->edges);
    free(run);
}

/* By pairs: whether the first comes before the second, or is it. `without` is an edge that is left
 * out. */
static bool *close_over(const struct trace_run *run, size_t without) {
    size_t n = run->event_count, edge = 0;
    bool *before = tool_alloc(n * n, sizeof *before);

    for (size_t i = 0; i < n; i++) {
        before[i * n + i] = true;
        if (run->events[i].previous != TRACE_NONE) {
            for (size_t k = 0; k < i; k++)
                before[i * n + k] |= before[run->events[i].previous * n + k];
        }
        for (; edge < run->edge_count && run->edges[edge].after == i; edge++) {
            if (edge == without) continue;
            for (size_t k = 0; k < i; k++)
                before[i * n + k] |= before[run->edges[edge].before * n + k];
        }
    }
    return before;
}

static void order_is_the_transitive_closure(void) {
    static const size_t tasks[] = {1, 2, 7, 8, 9, 63, 64, 65, 100};

    begin();
    for (uint32_t seed = 1; seed <= 18; seed++) {
        struct trace_run *run = random_run(seed, tasks[seed % 9], 200, 300);
        struct order *order = order_new(run, ORDER_ALL);
        bool *before = close_over(run, SIZE_MAX);
        size_t wrong = 0;

        while (order_next(order)) {
            size_t now = order_event(order);

            for (size_t i = 0; i <= now; i++) {
                /* What the clock did is known to nobody. */
                bool expected =
                    run->events[i].task == TRACE_NONE ? i == now : before[now * 200 + i];

                wrong += order_knows(order, i) != expected;
            }
        }
        CU_ASSERT_EQUAL(wrong, 0);
        free(before);
        order_free(order);
        free_run(run);
    }
}

static void reduction_leaves_what_nothing_implies(void) {
    static const size_t tasks[] = {1, 3, 9, 70};
    size_t kept = 0, left_out = 0;

    begin();
    for (uint32_t seed = 1; seed <= 8; seed++) {
        struct trace_run *run = random_run(seed, tasks[seed % 4], 60, 90);
        bool *implied = order_reduce(run);
        size_t wrong = 0;

        for (size_t i = 0; i < run->edge_count; i++) {
            const struct trace_edge *edge = &run->edges[i];
            bool *before;

            (implied[i] ? left_out++ : kept++);
            if (run->events[edge->before].task == TRACE_NONE) {
                wrong += implied[i];
                continue;
            }
            before = close_over(run, i);
            wrong += implied[i] != before[edge->after * 60 + edge->before];
            free(before);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        free(implied);
        free_run(run);
    }
    CU_ASSERT(kept > 0 && left_out > 0);
}

static void marks_outlive_their_event(void) {
    struct trace_run *run = random_run(5, 10, 120, 200);
    struct order *order = order_new(run, ORDER_ALL);
    bool *before = close_over(run, SIZE_MAX);
    struct order_mark marks[120];
    size_t wrong = 0;

    begin();
    while (order_next(order)) marks[order_event(order)] = order_mark(order);
    for (size_t i = 0; i < 120; i++) {
        for (size_t k = 0; k < i; k++) {
            if (run->events[k].task != TRACE_NONE)
                wrong += order_mark_knows(order, &marks[i], k) != before[i * 120 + k];
        }
        order_release(order, &marks[i]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(before);
    order_free(order);
    free_run(run);
}

/* ---- Predictions --------------------------------------------------------------------------- */

/* The sentences of what is predicted for small events, with what `more` adds (edges, ...). */
static char *predicted(const char *events, const char *more) {
    struct tool_text out = {0};
    struct trace_run *run;
    struct predictions *predictions;

    make_small(events, more);
    run = load("small.db");
    predictions = predict(run);
    for (size_t i = 0; i < predictions->count; i++) {
        predict_sentence(&out, run, predictions, i);
        tool_text_add(&out, "\n");
    }
    predict_free(predictions);
    trace_run_free(run);
    printf("%s", tool_text_string(&out));
    return out.data ? out.data : tool_copy("");
}

static bool predicts(const char *events, const char *more, const char *words) {
    char *text = predicted(events, more);
    bool found = strstr(text, words) != NULL;

    free(text);
    return found;
}

/* anna takes mu then rw, bert rw then mu, one after the other. */
#define ABBA                                                                     \
    "(1,1,2,'lock',2,0,1,0), (1,2,2,'lock',3,0,2,0), (1,3,2,'unlock',3,0,1,0), " \
    "(1,4,2,'unlock',2,0,1,0), (1,5,3,'lock',3,0,2,0), (1,6,3,'lock',2,0,3,0), " \
    "(1,7,3,'unlock',2,0,1,0), (1,8,3,'unlock',3,0,1,0)"

static void lock_orders_that_could_deadlock(void) {
    begin();
    CU_ASSERT(predicts(ABBA, NULL,
                       "2 tasks could deadlock, since they lock in different orders: anna locks rw "
                       "(step 2, p.c:20) while it holds mu (step 1, p.c:10) and bert locks mu "
                       "(step 6, p.c:30) while it holds rw (step 5, p.c:20)."));
    /* That one got a lock after the other was chance. */
    CU_ASSERT(predicts(ABBA, "INSERT INTO edge VALUES(1, 3, 5, 'unlock'), (1, 4, 6, 'unlock')",
                       "could deadlock"));
    /* Three tasks in a ring. */
    CU_ASSERT(
        predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'lock',3,0,1,0), (1,3,2,'unlock',3,0,1,0), "
                 "(1,4,2,'unlock',2,0,1,0), (1,5,3,'lock',3,0,2,0), (1,6,3,'lock',5,0,2,0), "
                 "(1,7,3,'unlock',5,0,1,0), (1,8,3,'unlock',3,0,1,0), (1,9,4,'lock',5,0,3,0), "
                 "(1,10,4,'lock',2,0,3,0), (1,11,4,'unlock',2,0,1,0), (1,12,4,'unlock',5,0,1,0)",
                 NULL, "3 tasks could deadlock"));
    /* A reader and a writer. */
    CU_ASSERT(
        predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'rlock',3,0,1,0), (1,3,2,'runlock',3,0,1,0), "
                 "(1,4,2,'unlock',2,0,1,0), (1,5,3,'lock',3,0,2,0), (1,6,3,'lock',2,0,2,0)",
                 NULL, "2 tasks could deadlock"));
}

static void lock_orders_that_could_not(void) {
    begin();
    /* A message, or the start, makes one come first. */
    CU_ASSERT(!predicts(ABBA, "INSERT INTO edge VALUES(1, 4, 5, 'message')", "deadlock"));
    CU_ASSERT(!predicts(ABBA, "INSERT INTO edge VALUES(1, 3, 5, 'go')", "deadlock"));
    /* It comes too late: the locks have been asked for by then. */
    CU_ASSERT(predicts(ABBA, "INSERT INTO edge VALUES(1, 4, 7, 'message')", "deadlock"));
    /* A gate that both hold. */
    CU_ASSERT(!predicts("(1,1,2,'lock',5,0,1,0), (1,2,2,'lock',2,0,1,0), (1,3,2,'lock',3,0,1,0), "
                        "(1,4,2,'unlock',3,0,1,0), (1,5,2,'unlock',2,0,1,0), "
                        "(1,6,2,'unlock',5,0,1,0), (1,7,3,'lock',5,0,2,0), (1,8,3,'lock',3,0,2,0), "
                        "(1,9,3,'lock',2,0,2,0)",
                        NULL, "deadlock"));
    /* A gate that both hold for reading is none. */
    CU_ASSERT(
        predicts("(1,1,2,'rlock',5,0,1,0), (1,2,2,'lock',2,0,1,0), (1,3,2,'lock',3,0,1,0), "
                 "(1,4,2,'unlock',3,0,1,0), (1,5,2,'unlock',2,0,1,0), "
                 "(1,6,2,'runlock',5,0,1,0), (1,7,3,'rlock',5,0,2,0), (1,8,3,'lock',3,0,2,0), "
                 "(1,9,3,'lock',2,0,2,0)",
                 NULL, "deadlock"));
    /* One task, the same order, readers alone, and a request that does not wait. */
    CU_ASSERT(!predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'lock',3,0,1,0), (1,3,2,'unlock',3,0,1,0), "
                        "(1,4,2,'unlock',2,0,1,0), (1,5,2,'lock',3,0,2,0), (1,6,2,'lock',2,0,2,0)",
                        NULL, "deadlock"));
    CU_ASSERT(!predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'lock',3,0,1,0), (1,3,2,'unlock',3,0,1,0), "
                        "(1,4,2,'unlock',2,0,1,0), (1,5,3,'lock',2,0,2,0), (1,6,3,'lock',3,0,2,0)",
                        NULL, "deadlock"));
    CU_ASSERT(
        !predicts("(1,1,2,'rlock',2,0,1,0), (1,2,2,'rlock',3,0,1,0), (1,3,2,'runlock',3,0,1,0), "
                  "(1,4,2,'runlock',2,0,1,0), (1,5,3,'rlock',3,0,2,0), (1,6,3,'rlock',2,0,2,0)",
                  NULL, "deadlock"));
    CU_ASSERT(
        !predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'lock',3,0,1,0), (1,3,2,'unlock',3,0,1,0), "
                  "(1,4,2,'unlock',2,0,1,0), (1,5,3,'lock',3,0,2,0), (1,6,3,'trylock',2,0,2,0)",
                  NULL, "deadlock"));
    /* A mutex that a wait on a condition variable let go of is not held. */
    CU_ASSERT(
        !predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'wait',7,NULL,1,0), (1,3,3,'lock',2,0,2,0), "
                  "(1,4,3,'lock',3,0,2,0), (1,5,3,'unlock',3,0,2,0), (1,6,3,'unlock',2,0,2,0), "
                  "(1,7,3,'signal',7,1,2,0), (1,8,2,'wait',7,0,1,0), (1,9,2,'lock',3,0,3,0), "
                  "(1,10,2,'lock',2,0,1,0)",
                  "INSERT INTO edge VALUES(1, 7, 8, 'signal')", "deadlock"));
    /* The deadlock that has happened is no prediction, nor are earlier rounds of it. */
    CU_ASSERT(!predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'lock',3,0,2,0), (1,3,2,'unlock',3,0,2,0), "
                        "(1,4,2,'unlock',2,0,1,0), (1,5,2,'lock',2,0,1,0), (1,6,3,'lock',3,0,2,0), "
                        "(1,7,2,'lock',3,NULL,2,0), (1,8,3,'lock',2,NULL,3,0)",
                        NULL, "deadlock"));
    CU_ASSERT(
        !predicts("(1,1,2,'lock',2,0,1,0), (1,2,3,'lock',3,0,1,0), (1,3,2,'lock',3,NULL,2,0), "
                  "(1,4,3,'lock',2,NULL,3,0)",
                  NULL, "deadlock"));
}

static void sends_that_could_meet_a_closed_channel(void) {
    begin();
    CU_ASSERT(predicts("(1,1,2,'send',1,0,1,0), (1,2,3,'close',1,0,2,0)", NULL,
                       "A send could meet a closed channel: nothing makes anna send on ch (step 1, "
                       "p.c:10) before bert closes it (step 2, p.c:20)."));
    CU_ASSERT(!predicts("(1,1,2,'send',1,0,1,0), (1,2,2,'close',1,0,2,0)", NULL, "closed"));
    CU_ASSERT(!predicts("(1,1,2,'send',1,0,1,0), (1,2,2,'done',4,0,1,0), (1,3,3,'wait',4,0,2,0), "
                        "(1,4,3,'close',1,0,2,0)",
                        "INSERT INTO edge VALUES(1, 2, 3, 'done')", "closed"));
    /* Whoever sends under the lock that the closer takes looks before he does. */
    CU_ASSERT(!predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'send',1,0,1,0), (1,3,2,'unlock',2,0,1,0), "
                        "(1,4,3,'lock',2,0,2,0), (1,5,3,'close',1,0,2,0), (1,6,3,'unlock',2,0,2,0)",
                        "INSERT INTO edge VALUES(1, 3, 4, 'unlock')", "closed"));
    /* A send that waited is seen where it arrived: whoever received from it may close. */
    CU_ASSERT(!predicts("(1,1,2,'send',1,NULL,1,0), (1,2,3,'recv',1,0,2,0), "
                        "(1,3,2,'send',1,0,1,0), (1,4,3,'close',1,0,2,0)",
                        "INSERT INTO edge VALUES(1, 1, 2, 'message'), (1, 2, 3, 'slot')",
                        "closed"));
    /* Another lock does not. */
    CU_ASSERT(predicts("(1,1,2,'lock',2,0,1,0), (1,2,2,'send',1,0,1,0), (1,3,2,'unlock',2,0,1,0), "
                       "(1,4,3,'lock',3,0,2,0), (1,5,3,'close',1,0,2,0), (1,6,3,'unlock',3,0,2,0)",
                       NULL, "closed"));
    CU_ASSERT(predicts("(1,1,2,'select',1,0,1,0), (1,2,3,'close',1,0,2,0)", NULL, "closed"));
    CU_ASSERT(!predicts("(1,1,2,'recv',1,0,1,0), (1,2,3,'close',1,0,2,0)", NULL, "closed"));
}

static void messages_whose_order_was_chance(void) {
    begin();
    CU_ASSERT(predicts("(1,1,2,'send',1,0,1,0), (1,2,3,'send',1,0,2,0)", NULL,
                       "It was chance that anna (step 1, p.c:10) sent on ch before bert (step 2, "
                       "p.c:20) did."));
    CU_ASSERT(!predicts("(1,1,2,'send',1,0,1,0), (1,2,2,'send',1,0,2,0)", NULL, "chance"));
    CU_ASSERT(!predicts("(1,1,2,'send',1,0,1,0), (1,2,2,'done',4,0,1,0), (1,3,3,'wait',4,0,1,0), "
                        "(1,4,3,'send',1,0,2,0)",
                        "INSERT INTO edge VALUES(1, 2, 3, 'done')", "chance"));
    /* A free slot is no order that the program made. */
    CU_ASSERT(predicts("(1,1,2,'send',1,0,1,0), (1,2,4,'recv',1,0,1,0), (1,3,3,'send',1,0,2,0)",
                       "INSERT INTO edge VALUES(1, 1, 2, 'message'), (1, 2, 3, 'slot')",
                       "anna (step 1, p.c:10) sent on ch before bert"));
    CU_ASSERT(predicts("(1,1,2,'recv',1,0,1,0), (1,2,3,'start',NULL,0,1,0), (1,3,3,'recv',1,0,2,0)",
                       NULL, "received from ch before bert"));
    CU_ASSERT(!predicts("(1,1,2,'send',1,NULL,1,0), (1,2,4,'recv',1,0,1,0), "
                        "(1,3,2,'send',1,0,1,0), (1,4,4,'go',NULL,3,1,0), "
                        "(1,5,3,'start',NULL,0,1,0), (1,6,3,'send',1,0,2,0)",
                        "INSERT INTO edge VALUES(1, 1, 2, 'message'), (1, 2, 3, 'slot'), "
                        "(1, 4, 5, 'go')",
                        "chance"));
    /* Seeing that a channel is closed takes nothing from anybody. */
    CU_ASSERT(!predicts(
        "(1,1,4,'close',1,0,1,0), (1,2,2,'start',NULL,0,1,0), (1,3,3,'start',NULL,0,1,0), "
        "(1,4,2,'select',1,0,1,0), (1,5,3,'select',1,0,2,0)",
        "INSERT INTO edge VALUES(1, 1, 4, 'close'), (1, 1, 5, 'close')", "chance"));
}

static void explain_tells_predictions(void) {
    begin();
    make_small(ABBA, "UPDATE run SET outcome = 'ok', message = ''; DELETE FROM finding");
    CU_ASSERT_EQUAL(call(explain_main, "small.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Ok: nothing was found."));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "In another interleaving, if the values allow it:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "2 tasks could deadlock"));
}

/* ---- Differences --------------------------------------------------------------------------- */

static bool differs(const char *events, const char *more, const char *words) {
    struct tool_text out = {0};
    struct trace_run *run;
    size_t lines;
    bool found;

    make_small(events, more);
    run = load("small.db");
    lines = check_findings(&out, run);
    printf("%s", tool_text_string(&out));
    found = *words ? strstr(tool_text_string(&out), words) != NULL : lines == 0;
    trace_run_free(run);
    tool_text_free(&out);
    return found;
}

#define STUCK "(1,1,2,'lock',2,0,1,0), (1,2,2,'exit',NULL,0,1,0), (1,3,1,'lock',2,NULL,2,0)"
#define MEMORY "UPDATE object SET kind = 'memory', label = 'total' WHERE id = 1;"
#define RACE "INSERT INTO finding VALUES(1, 20, 'race', 2, 1, 1, '')"

static void who_is_stuck_is_seen_from_the_steps(void) {
    begin();
    CU_ASSERT(differs(STUCK, NULL, ""));
    CU_ASSERT(differs(STUCK, "UPDATE finding SET object = 3",
                      "main is said to wait for rw, but waits to lock mu."));
    CU_ASSERT(
        differs(STUCK, "UPDATE finding SET step = 2",
                "anna is said to be stuck, but did not wait in its last step, step 2 (p.c:10)."));
    CU_ASSERT(
        differs(STUCK, "DELETE FROM finding",
                "main is asleep since step 3 (p.c:20), but is not among those said to be stuck."));
    CU_ASSERT(
        differs(STUCK, "DELETE FROM finding; UPDATE run SET outcome = 'ok'",
                "main is asleep since step 3 (p.c:20), but nothing is said to have gone wrong."));
    CU_ASSERT(differs("(1,1,2,'lock',2,0,1,0), (1,2,1,'lock',2,NULL,2,0)",
                      "DELETE FROM finding WHERE id = 2",
                      "A deadlock is said to be the end, but anna could go on after step 1"));
    make_small(STUCK, "UPDATE finding SET object = 3");
    CU_ASSERT_EQUAL(call(explain_main, "small.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "its steps show differ:"));
}

static void races_are_seen_from_the_order(void) {
    static const char *const pair = "(1,1,2,'write',1,0,1,0), (1,2,3,'read',1,0,2,0)";
    static const char *const ok = "UPDATE run SET outcome = 'race'; DELETE FROM finding;" MEMORY;
    char more[512];

    begin();
    CU_ASSERT(differs(pair, ok,
                      "Nothing orders step 1 (p.c:10) and step 2 (p.c:20), which access total"));
    snprintf(more, sizeof more, "%s%s", ok, RACE);
    CU_ASSERT(differs(pair, more, ""));
    snprintf(more, sizeof more, "%sINSERT INTO edge VALUES(1, 1, 2, 'message');", ok);
    CU_ASSERT(differs(pair, more, ""));
    snprintf(more, sizeof more, "%sINSERT INTO edge VALUES(1, 1, 2, 'unlock');%s", ok, RACE);
    CU_ASSERT(differs(pair, more,
                      "A race is said to be between step 1 (p.c:10) and step 2 (p.c:20), but the "
                      "first happens before"));
    /* Two reads do not race; a write races with the reads before it. */
    CU_ASSERT(differs("(1,1,2,'read',1,0,1,0), (1,2,3,'read',1,0,2,0)", ok, ""));
    CU_ASSERT(differs("(1,1,2,'read',1,0,1,0), (1,2,3,'read',1,0,2,0), (1,3,4,'write',1,0,3,0)", ok,
                      "Nothing orders step 1 (p.c:10) and step 3 (p.c:30)"));
    /* An access that is no event of its own comes after the event that is named. */
    snprintf(more, sizeof more,
             "UPDATE run SET outcome = 'race'; DELETE FROM finding;"
             "INSERT INTO edge VALUES(1, 1, 2, 'unlock');%s",
             RACE);
    CU_ASSERT(differs("(1,1,2,'unlock',2,0,1,0), (1,2,3,'lock',2,0,2,0)", more, ""));
}

/* ---- Use ----------------------------------------------------------------------------------- */

static void channels_are_counted(void) {
    struct trace_run *run;
    struct usage *usage;

    begin();
    make_small("(1,1,2,'send',1,0,1,0), (1,2,2,'send',1,0,1,0), (1,3,2,'send',1,NULL,1,0), "
               "(1,4,3,'recv',1,0,1,0), (1,5,2,'send',1,0,1,0), (1,6,3,'recv',1,0,1,0), "
               "(1,7,3,'try_recv',1,-11,1,0), (1,8,2,'close',1,0,1,0), (1,9,4,'recv',1,-32,1,0), "
               "(1,10,3,'select',1,0,1,0)",
               "UPDATE object SET capacity = 2 WHERE id = 1;"
               "INSERT INTO edge VALUES(1, 8, 10, 'close')");
    run = load("small.db");
    usage = usage_find(run);
    CU_ASSERT_EQUAL(usage->channels[0].counts.sends, 3);
    CU_ASSERT_EQUAL(usage->channels[0].counts.blocked_sends, 1);
    CU_ASSERT_EQUAL(usage->channels[0].counts.receives, 2);
    CU_ASSERT_EQUAL(usage->channels[0].counts.blocked_receives, 0);
    CU_ASSERT_EQUAL(usage->channels[0].counts.ends, 2);
    CU_ASSERT_EQUAL(usage->channels[0].longest, 2);
    CU_ASSERT_EQUAL(usage->channels[0].closed, 7);
    CU_ASSERT_EQUAL(usage->link_count, 3);
    CU_ASSERT(usage->links[0].closes && !usage->links[1].closes);
    CU_ASSERT_EQUAL(usage->links[1].counts.receives, 2);
    CU_ASSERT_EQUAL(usage->waits[1], 1);
    CU_ASSERT_EQUAL(usage->steps[1], 5);
    usage_free(usage);
    trace_run_free(run);
}

static const struct test tests[] = {
    TEST(order_is_the_transitive_closure),
    TEST(reduction_leaves_what_nothing_implies),
    TEST(marks_outlive_their_event),
    TEST(lock_orders_that_could_deadlock),
    TEST(lock_orders_that_could_not),
    TEST(sends_that_could_meet_a_closed_channel),
    TEST(messages_whose_order_was_chance),
    TEST(explain_tells_predictions),
    TEST(who_is_stuck_is_seen_from_the_steps),
    TEST(races_are_seen_from_the_order),
    TEST(channels_are_counted),
};

HARNESS(tests)
