/* test_select.c - select; the rules S1 to S11. */
#include "tests/support.h"

static pirn_chan *new_chan(size_t capacity) { return pirn_chan_new(sizeof(int), capacity); }

/* ---- Cases that are ready ------------------------------------------------------------------ */

static void run_ready_cases(void *arg) {
    pirn_chan *empty = new_chan(0), *full = new_chan(1), *room = new_chan(1);
    int one = 1, from_empty = 70, from_full = 71, value = 0;
    pirn_case cases[] = {PIRN_CASE_RECV(empty, &from_empty), PIRN_CASE_RECV(full, &from_full)};
    (void)arg;
    check_equal(pirn_send(full, &one), 0);
    cases[0].status = cases[1].status = 99;
    check_equal(pirn_select(cases, 2, PIRN_FOREVER), 1);
    check_equal(cases[1].status, 0);
    check_equal(from_full, 1);
    check_equal(from_empty, 70); /* left alone */
    check_equal(cases[0].status, 99);
    check_equal(pirn_chan_len(full), 0);

    value = 5;
    cases[1] = PIRN_CASE_SEND(room, &value);
    check_equal(pirn_select(cases, 2, PIRN_FOREVER), 1);
    check_equal(cases[1].status, 0);
    value = 6; /* what was sent was a copy */
    check_equal(pirn_select(cases, 2, PIRN_NOW), -EAGAIN);
    check_equal(value, 6);
    check_equal(pirn_recv(room, &value), 0);
    check_equal(value, 5);

    cases[0] = PIRN_CASE_SEND(full, NULL); /* NULL sends zeroes, and discards */
    check_equal(pirn_select(cases, 1, PIRN_FOREVER), 0);
    check_equal(pirn_recv(full, &value), 0);
    check_equal(value, 0);
    check_equal(pirn_send(full, &one), 0);
    cases[0] = PIRN_CASE_RECV(full, NULL);
    check_equal(pirn_select(cases, 1, PIRN_FOREVER), 0);
    check_equal(pirn_chan_len(full), 0);
    pirn_chan_unref(empty);
    pirn_chan_unref(full);
    pirn_chan_unref(room);
}

/* S1 */
static void one_ready_case_runs(void) { run_body(run_ready_cases, NULL); }

enum { DRAWS = 12000 };

static void draw_ready(void *arg) {
    pirn_chan *a = new_chan(1), *b = new_chan(1), *c = new_chan(1), *never = new_chan(0);
    unsigned seen[6] = {0};
    (void)arg;
    check_equal(pirn_send(a, NULL), 0);
    check_equal(pirn_send(c, NULL), 0);
    for (int i = 0; i < DRAWS; i++) {
        /* Ready are receiving from a, twice, sending to b and receiving from c. */
        pirn_case cases[] = {PIRN_CASE_RECV(a, NULL), PIRN_CASE_RECV(never, NULL),
                             PIRN_CASE_SEND(b, NULL), PIRN_CASE_RECV(a, NULL),
                             PIRN_CASE_RECV(c, NULL), PIRN_CASE_SEND(NULL, NULL)};
        int rc = pirn_select(cases, 6, i % 2 ? PIRN_NOW : PIRN_FOREVER);
        if (!check(rc >= 0 && rc < 6)) return;
        seen[rc]++;
        if (rc == 0 || rc == 3) check_equal(pirn_send(a, NULL), 0);
        if (rc == 2) check_equal(pirn_recv(b, NULL), 0);
        if (rc == 4) check_equal(pirn_send(c, NULL), 0);
    }
    check_equal(seen[1] + seen[5], 0);
    check_shares(((unsigned[]){seen[0], seen[2], seen[3], seen[4]}), ((double[]){1, 1, 1, 1}), 4);
    pirn_chan_unref(a);
    pirn_chan_unref(b);
    pirn_chan_unref(c);
    pirn_chan_unref(never);
}

/* S2 */
static void choice_among_ready_cases_is_uniform(void) { run_heavy(draw_ready, NULL); }

struct feed {
    pirn_chan *chan, *other;
    pirn_waitgroup group;
    int count;
};

/* A try succeeds only where a partner waits, so each of these values goes to a select that had
 * to wait. */
static void feed_waiting(void *arg) {
    struct feed *f = arg;
    for (int i = 0; i < f->count; i++)
        while (pirn_try_send(f->chan, &i) != 0) pirn_yield();
}

static void draw_waiting(void *arg) {
    struct feed f = {new_chan(0), new_chan(0), {0}, MANY(10000, 6000)};
    unsigned seen[4] = {0};
    int value;
    (void)arg;
    check_equal(pirn_waitgroup_go(&f.group, feed_waiting, &f), 0);
    for (int i = 0; i < f.count; i++) {
        int values[4] = {-1, -1, -1, -1}, rc;
        pirn_case cases[] = {
            PIRN_CASE_RECV(f.chan, &values[0]), PIRN_CASE_RECV(f.other, &values[1]),
            PIRN_CASE_RECV(f.chan, &values[2]), PIRN_CASE_RECV(f.chan, &values[3])};
        rc = pirn_select(cases, 4, PIRN_FOREVER);
        if (!check(rc >= 0 && rc < 4)) return;
        seen[rc]++;
        for (int k = 0; k < 4; k++) check_equal(values[k], k == rc ? i : -1); /* S4 */
    }
    pirn_waitgroup_wait(&f.group);
    check_equal(seen[1], 0);
    check_shares(((unsigned[]){seen[0], seen[2], seen[3]}), ((double[]){1, 1, 1}), 3);
    check_equal(pirn_try_recv(f.chan, &value), -EAGAIN);
    pirn_chan_unref(f.chan);
    pirn_chan_unref(f.other);
}

/* S2, also where the select had to wait */
static void choice_is_uniform_after_waiting(void) { run_heavy(draw_waiting, NULL); }

static void close_after_reading(void *arg) {
    struct feed *f = arg;
    pirn_chan *chan;
    while (pirn_recv(f->chan, &chan) == 0) {
        for (int i = 0; i < 3; i++) pirn_yield();
        check_equal(pirn_close(chan), 0);
    }
}

static void draw_closed(void *arg) {
    struct feed f = {.chan = pirn_chan_new(sizeof(pirn_chan *), 0), .count = MANY(10000, 3000)};
    unsigned seen[3] = {0};
    (void)arg;
    check_equal(pirn_waitgroup_go(&f.group, close_after_reading, &f), 0);
    for (int i = 0; i < f.count; i++) {
        pirn_chan *chan = new_chan(0), *quiet = new_chan(0);
        int values[3] = {-1, -1, -1}, rc;
        pirn_case cases[] = {PIRN_CASE_RECV(chan, &values[0]), PIRN_CASE_RECV(quiet, &values[1]),
                             PIRN_CASE_RECV(chan, &values[2])};
        check_equal(pirn_send(f.chan, &chan), 0);
        rc = pirn_select(cases, 3, PIRN_FOREVER);
        if (!check(rc == 0 || rc == 2)) return;
        seen[rc]++;
        check_equal(cases[rc].status, -EPIPE);
        check_equal(values[rc], 0);
        check_equal(values[2 - rc], -1);
        pirn_chan_unref(quiet);
        check_equal(pirn_recv(chan, NULL), -EPIPE);
        pirn_chan_unref(chan); /* the close may still be returning */
    }
    check_shares(((unsigned[]){seen[0], seen[2]}), ((double[]){1, 1}), 2);
    check_equal(pirn_close(f.chan), 0);
    pirn_waitgroup_wait(&f.group);
    pirn_chan_unref(f.chan);
}

static void choice_is_uniform_after_a_close(void) { run_heavy(draw_closed, NULL); }

static void take_the_first(void *arg) {
    pirn_chan *a = new_chan(8), *b = new_chan(8);
    pirn_case cases[3] = {PIRN_CASE_RECV(NULL, NULL), PIRN_CASE_RECV(a, NULL),
                          PIRN_CASE_RECV(b, NULL)};
    int64_t deadline;
    (void)arg;
    check_equal(pirn_select_first(cases, 3, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select_first(cases, 3, pirn_now() - 1), -ETIMEDOUT);
    deadline = pirn_now() + PIRN_USEC;
    check_equal(pirn_select_first(cases, 3, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    for (int i = 0; i < 8; i++) {
        check_equal(pirn_send(a, NULL), 0);
        check_equal(pirn_send(b, NULL), 0);
    }
    for (int i = 0; i < 8; i++) check_equal(pirn_select_first(cases, 3, PIRN_FOREVER), 1);
    for (int i = 0; i < 8; i++) check_equal(pirn_select_first(cases, 3, PIRN_NOW), 2);
    check_equal(pirn_select_first(cases, 3, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select_first(cases, 65537, PIRN_NOW), -EINVAL);
    check_equal(pirn_select_first(NULL, 0, PIRN_NOW), -EAGAIN);
    check_equal(pirn_close(b), 0);
    check_equal(pirn_select_first(cases, 3, PIRN_NOW), 2);
    check_equal(cases[2].status, -EPIPE);
    pirn_chan_unref(a);
    pirn_chan_unref(b);
}

static void receive_first(void *arg) {
    struct feed *f = arg;
    for (int i = 0; i < 10; i++) {
        int value = -1;
        pirn_case cases[] = {PIRN_CASE_RECV(f->other, NULL), PIRN_CASE_RECV(f->chan, &value)};
        check_equal(pirn_select_first(cases, 2, PIRN_FOREVER), 1);
        check_equal(value, i);
    }
}

static void wait_for_the_first(void *arg) {
    struct feed f = {new_chan(0), new_chan(0), {0}, 10};
    (void)arg;
    check_equal(pirn_waitgroup_go(&f.group, receive_first, &f), 0);
    feed_waiting(&f);
    pirn_waitgroup_wait(&f.group);
    pirn_chan_unref(f.chan);
    pirn_chan_unref(f.other);
}

static void select_first_takes_the_first(void) {
    run_body(take_the_first, NULL);
    run_body(wait_for_the_first, NULL);
}

static void one_case(void *arg) {
    pirn_chan *chan = new_chan(1);
    int value = 4;
    pirn_case send[] = {PIRN_CASE_SEND(chan, &value)}, receive[] = {PIRN_CASE_RECV(chan, &value)};
    (void)arg;
    check_equal(pirn_select(receive, 1, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select(send, 1, PIRN_NOW), 0);
    check_equal(pirn_select(send, 1, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select(send, 1, pirn_now() + 1), -ETIMEDOUT);
    value = 0;
    check_equal(pirn_select(receive, 1, PIRN_FOREVER), 0);
    check_equal(value, 4);
    check_equal(pirn_select(receive, 1, pirn_now() + 1), -ETIMEDOUT);
    check_equal(pirn_close(chan), 0);
    check_equal(pirn_select(receive, 1, PIRN_FOREVER), 0);
    check_equal(receive[0].status, -EPIPE);
    check_equal(value, 0);
    check_equal(pirn_select(send, 1, PIRN_FOREVER), 0);
    check_equal(send[0].status, -EPIPE);
    check_equal(pirn_select(send, 1, PIRN_NOW), 0); /* C5: closed beats default */
    check_equal(send[0].status, -EPIPE);
    pirn_chan_unref(chan);
}

/* S10 */
static void one_case_is_the_plain_operation(void) { run_body(one_case, NULL); }

/* ---- None ready ---------------------------------------------------------------------------- */

static void never_ready(void *arg) {
    pirn_case cases[] = {PIRN_CASE_RECV(NULL, NULL), PIRN_CASE_SEND(NULL, NULL)};
    int64_t deadline;
    (void)arg;
    check_equal(pirn_select(cases, 2, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select(cases, 2, pirn_now() - 1), -ETIMEDOUT);
    deadline = pirn_now() + PIRN_MSEC;
    check_equal(pirn_select(cases, 2, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    check_equal(pirn_select(NULL, 0, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select(NULL, 0, pirn_now() - 1), -ETIMEDOUT);
    deadline = pirn_now() + PIRN_MSEC;
    check_equal(pirn_select(cases, 0, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
}

static void select_nothing(void *arg) {
    (void)arg;
    pirn_select(NULL, 0, PIRN_FOREVER);
    check(!"a select without cases returned");
}

static void select_null(void *arg) {
    pirn_case cases[] = {PIRN_CASE_RECV(NULL, NULL), PIRN_CASE_SEND(NULL, NULL)};
    (void)arg;
    pirn_select(cases, 2, PIRN_FOREVER);
    check(!"a select with NULL channels returned");
}

/* S6 */
static void null_cases_are_never_ready(void) {
    run_body(never_ready, NULL);
    free(run_report(select_nothing, -EDEADLK));
    free(run_report(select_null, -EDEADLK));
    conclude("selects that block for ever");
}

static void pass_deadlines(void *arg) {
    pirn_chan *empty = new_chan(0), *full = new_chan(1);
    int64_t ahead[] = {1, PIRN_USEC, PIRN_MSEC};
    pirn_case cases[] = {PIRN_CASE_RECV(empty, NULL), PIRN_CASE_SEND(full, NULL)};
    (void)arg;
    check_equal(pirn_select(cases, 2, pirn_now() - PIRN_SEC),
                1); /* a ready case wins over a deadline */
    check_equal(pirn_select(cases, 2, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select(cases, 2, pirn_now() - PIRN_SEC), -ETIMEDOUT);
    check_equal(pirn_select(cases, 2, 0), -ETIMEDOUT);
    check_equal(pirn_select(cases, 2, PIRN_NOW + 1), -ETIMEDOUT);
    for (int i = 0; i < 3; i++) {
        int64_t deadline = pirn_now() + ahead[i];
        check_equal(pirn_select(cases, 2, deadline), -ETIMEDOUT);
        check(pirn_now() >= deadline);
    }
    check_equal(pirn_try_send(empty, NULL), -EAGAIN); /* nothing was left in the queues */
    check_equal(pirn_recv(full, NULL), 0);
    check_equal(pirn_chan_len(full), 0);
    pirn_chan_unref(empty);
    pirn_chan_unref(full);
}

static void deadlines_are_kept(void) { run_body(pass_deadlines, NULL); }

struct two {
    pirn_chan *a, *b;
    pirn_waitgroup group;
    atomic_int done;
};

static void look_at_both(void *arg) {
    struct two *t = arg;
    pirn_case cases[] = {PIRN_CASE_RECV(t->a, NULL), PIRN_CASE_RECV(t->b, NULL)};
    check(pirn_select(cases, 2, PIRN_NOW) >= 0);
}

static void move_the_value(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(1000, 5); i++) {
        struct two t = {.a = new_chan(1), .b = new_chan(1)};
        check_equal(pirn_send(t.a, NULL), 0);
        check_equal(pirn_waitgroup_go(&t.group, look_at_both, &t), 0);
        check_equal(pirn_send(t.b, NULL),
                    0); /* from here on b has a value, so a may lose its own */
        pirn_try_recv(t.a, NULL);
        pirn_waitgroup_wait(&t.group);
        pirn_chan_unref(t.a);
        pirn_chan_unref(t.b);
    }
}

/* S3 */
static void default_needs_one_instant_with_none_ready(void) { run_body(move_the_value, NULL); }

static void limits(void *arg) {
    enum { MOST = 65536 };
    pirn_chan *chan = new_chan(1), *never = new_chan(0);
    pirn_case *cases = calloc(MOST + 1, sizeof *cases);
    (void)arg;
    for (int i = 0; i <= MOST; i++) cases[i] = PIRN_CASE_RECV(i % 2 ? never : NULL, NULL);
    check_equal(pirn_select(cases, MOST + 1, PIRN_NOW), -EINVAL);
    check_equal(pirn_select(cases, SIZE_MAX, PIRN_NOW), -EINVAL);
    check_equal(pirn_select(cases, MOST, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select(cases, MOST, pirn_now() + PIRN_USEC), -ETIMEDOUT);
    cases[MOST - 1] = PIRN_CASE_SEND(chan, NULL);
    check_equal(pirn_select(cases, MOST, PIRN_FOREVER), MOST - 1);
    check_equal(pirn_chan_len(chan), 1);
    cases[1].op = (pirn_op)0;
    check_equal(pirn_select(cases, 2, PIRN_NOW), -EINVAL);
    check_equal(pirn_select_first(cases, 2, PIRN_NOW), -EINVAL);
    cases[1].op = (pirn_op)3;
    check_equal(pirn_select(cases, 2, PIRN_FOREVER), -EINVAL);
    free(cases);
    pirn_chan_unref(chan);
    pirn_chan_unref(never);
}

/* S11 */
static void limits_are_checked(void) { run_heavy(limits, NULL); }

/* ---- Waiting ------------------------------------------------------------------------------- */

static void meet_yourself(void *arg) {
    struct two *t = arg;
    int sent = 1, got = 0;
    pirn_case cases[] = {PIRN_CASE_SEND(t->a, &sent), PIRN_CASE_RECV(t->a, &got)};
    int rc = pirn_select(cases, 2, PIRN_FOREVER);
    check(rc == 0 || rc == 1);
    check_equal(got, rc);
    if (rc >= 0) check_equal(cases[rc].status, 0);
    atomic_fetch_add(&t->done, rc == 1);
}

static void select_both_ways(void *arg) {
    struct two t = {.a = new_chan(0)};
    pirn_case cases[] = {PIRN_CASE_SEND(t.a, NULL), PIRN_CASE_RECV(t.a, NULL)};
    (void)arg;
    check_equal(pirn_select(cases, 2, PIRN_NOW), -EAGAIN);
    check_equal(pirn_select(cases, 2, pirn_now() + PIRN_USEC), -ETIMEDOUT);
    check_equal(pirn_waitgroup_go(&t.group, meet_yourself, &t), 0);
    check_equal(pirn_waitgroup_go(&t.group, meet_yourself, &t), 0);
    pirn_waitgroup_wait(&t.group);
    check_equal(t.done, 1); /* one sent, the other received */
    pirn_chan_unref(t.a);
}

/* S7 */
static void task_never_meets_itself(void) { run_body(select_both_ways, NULL); }

/* A select waits with several cases on one channel, until one comes that makes them ready. */
struct meeting {
    pirn_chan *chan;
    pirn_waitgroup group;
    bool first, sends[3];
    int chosen;
};

static void wait_in_three(void *arg) {
    struct meeting *m = arg;
    int value = 5;
    pirn_case cases[3];
    for (int i = 0; i < 3; i++)
        cases[i] = (pirn_case){m->sends[i] ? PIRN_SEND : PIRN_RECV, m->chan, &value, .status = 1};
    m->chosen =
        m->first ? pirn_select_first(cases, 3, PIRN_FOREVER) : pirn_select(cases, 3, PIRN_FOREVER);
    if (!check(m->chosen >= 0 && m->chosen < 3)) return;
    check_equal(cases[m->chosen].status, m->sends[0] && m->sends[1] ? 0 : -EPIPE);
    if (!m->sends[m->chosen]) check_equal(value, 0);
}

static int meet(bool first, const bool *sends, bool close) {
    struct meeting m = {.chan = new_chan(0), .first = first};
    memcpy(m.sends, sends, sizeof m.sends);
    check_equal(pirn_waitgroup_go(&m.group, wait_in_three, &m), 0);
    settle();
    check_equal(close ? pirn_close(m.chan) : pirn_recv(m.chan, NULL), 0);
    pirn_waitgroup_wait(&m.group);
    pirn_chan_unref(m.chan);
    return m.chosen;
}

static void first_of_a_channel(void *arg) {
    (void)arg;
    for (int i = 0; i < 16; i++) {
        check_equal(meet(true, (bool[]){true, true, true}, false), 0);
        check_equal(meet(true, (bool[]){false, true, false}, true), 0);
        check_equal(meet(true, (bool[]){true, false, true}, true), 0);
    }
}

/* The first of those that become ready together. */
static void select_first_waits_in_order(void) { run_settled(first_of_a_channel, NULL); }

static void any_of_a_channel(void *arg) {
    unsigned seen[3] = {0};
    (void)arg;
    for (int i = 0; i < 100; i++) seen[meet(false, (bool[]){false, true, false}, true)]++;
    for (int i = 0; i < 3; i++) check(seen[i] > 0);
}

static void close_makes_every_case_ready(void) {
#if SIMULATED
    run_heavy(any_of_a_channel, NULL);
#else
    run_settled(any_of_a_channel, NULL);
#endif
}

static void closed_cases(void *arg) {
    pirn_chan *closed = new_chan(1), *full = new_chan(1);
    unsigned seen[2] = {0};
    (void)arg;
    check_equal(pirn_close(closed), 0);
    check_equal(pirn_send(full, NULL), 0);
    for (int i = 0; i < DRAWS; i++) {
        pirn_case cases[] = {PIRN_CASE_SEND(closed, NULL), PIRN_CASE_RECV(full, NULL)};
        int rc = pirn_select(cases, 2, i % 2 ? PIRN_NOW : PIRN_FOREVER);
        if (!check(rc == 0 || rc == 1)) return;
        check_equal(cases[rc].status, rc == 0 ? -EPIPE : 0);
        seen[rc]++;
        if (rc == 1) check_equal(pirn_send(full, NULL), 0);
    }
    check_shares(seen, ((double[]){1, 1}), 2);
    pirn_chan_unref(closed);
    pirn_chan_unref(full);
}

/* S8 */
static void closed_channels_are_ready(void) { run_heavy(closed_cases, NULL); }

static void wait_for_close(void *arg) {
    struct two *t = arg;
    int value = 44;
    pirn_case cases[] = {PIRN_CASE_RECV(t->a, &value), PIRN_CASE_SEND(t->b, &value)};
    int rc = pirn_select(cases, 2, PIRN_FOREVER);
    check(rc == 0 || rc == 1);
    if (rc >= 0) check_equal(cases[rc].status, -EPIPE);
    check_equal(value, rc == 0 ? 0 : 44);
    atomic_fetch_add(&t->done, 1);
}

static void close_on_selects(void *arg) {
    for (int which = 0; which < 2; which++) {
        struct two t = {.a = new_chan(0), .b = new_chan(0)};
        for (int i = 0; i < 20; i++)
            check_equal(pirn_waitgroup_go(&t.group, wait_for_close, &t), 0);
        if (arg) settle();
        check_equal(t.done, 0);
        check_equal(pirn_close(which ? t.a : t.b), 0);
        pirn_waitgroup_wait(&t.group);
        check_equal(t.done, 20);
        check_equal(pirn_try_send(t.a, NULL), which ? -EPIPE : -EAGAIN);
        check_equal(pirn_try_recv(t.b, NULL), which ? -EAGAIN : -EPIPE);
        pirn_chan_unref(t.a);
        pirn_chan_unref(t.b);
    }
}

/* C7, S8 */
static void close_wakes_every_select(void) {
    run_settled(close_on_selects, (void *)1);
    run_body(close_on_selects, NULL);
}

enum { LINE = 7 };

struct line {
    pirn_chan *wanted, *other;
    pirn_waitgroup group;
    int got[LINE];
};

struct place_in_line {
    struct line *line;
    int number;
};

static void wait_in_line(void *arg) {
    struct place_in_line *p = arg;
    struct line *l = p->line;
    int value = -1;
    if (p->number % 2) {
        pirn_case cases[] = {PIRN_CASE_RECV(l->other, &value), PIRN_CASE_RECV(l->wanted, &value)};
        pirn_select(cases, 2, PIRN_FOREVER);
    } else {
        check_equal(pirn_recv(l->wanted, &value), 0);
    }
    l->got[p->number] = value;
}

static void serve_line(void *arg) {
    struct line l = {.wanted = new_chan(0), .other = new_chan(0)};
    int value = 100;
    (void)arg;
    for (int i = 0; i < LINE; i++) {
        struct place_in_line p = {&l, i};
        check_equal(pirn_waitgroup_go_copy(&l.group, wait_in_line, &p, sizeof p), 0);
        settle();
    }
    /* 1 and 3 leave from the middle of the queue; the others keep their places (S5). */
    check_equal(pirn_try_send(l.other, &value), 0);
    value++;
    check_equal(pirn_try_send(l.other, &value), 0);
    for (int i = 0; i < LINE - 2; i++) {
        value = i;
        check_equal(pirn_try_send(l.wanted, &value), 0);
    }
    check_equal(pirn_try_send(l.wanted, &value), -EAGAIN);
    check_equal(pirn_try_send(l.other, &value), -EAGAIN);
    pirn_waitgroup_wait(&l.group);
    check_equal(l.got[1], 100);
    check_equal(l.got[3], 101);
    check_equal(l.got[0], 0);
    check_equal(l.got[2], 1);
    check_equal(l.got[4], 2);
    check_equal(l.got[5], 3);
    check_equal(l.got[6], 4);
    pirn_chan_unref(l.wanted);
    pirn_chan_unref(l.other);
}

/* S5, S9 */
static void selects_stand_in_line_with_others(void) { run_settled(serve_line, NULL); }

struct mesh {
    pirn_chan *chans[4];
    pirn_chan *done;
    pirn_waitgroup senders, receivers;
    atomic_int next;
    int count;
    atomic_uchar *seen;
};

static void send_to_any(void *arg) {
    struct mesh *m = arg;
    int me = atomic_fetch_add(&m->next, 1);
    for (int i = 0; i < m->count; i++) {
        int value = me * m->count + i;
        pirn_case cases[4];
        for (int k = 0; k < 4; k++) cases[k] = PIRN_CASE_SEND(m->chans[(k + me) % 4], &value);
        check(pirn_select(cases, 4, PIRN_FOREVER) >= 0);
    }
}

static void receive_from_any(void *arg) {
    struct mesh *m = arg;
    for (;;) {
        int values[4] = {-1, -1, -1, -1}, rc;
        pirn_case cases[5];
        for (int k = 0; k < 4; k++) cases[k] = PIRN_CASE_RECV(m->chans[3 - k], &values[k]);
        cases[4] = PIRN_CASE_RECV(m->done, NULL);
        rc = pirn_select(cases, 5, PIRN_FOREVER);
        if (!check(rc >= 0 && rc < 5) || rc == 4) return;
        for (int k = 0; k < 4; k++) check((values[k] >= 0) == (k == rc)); /* S4 */
        if (check(values[rc] >= 0 && values[rc] < 4 * m->count))
            atomic_fetch_add(&m->seen[values[rc]], 1);
    }
}

static void select_on_both_sides(void *arg) {
    struct mesh m = {.count = *(int *)arg};
    int wrong = 0;
    for (int k = 0; k < 4; k++) m.chans[k] = new_chan(k == 3 ? 2 : 0);
    m.done = pirn_chan_new(0, 0);
    m.seen = calloc((size_t)(4 * m.count), sizeof *m.seen);
    for (int i = 0; i < 4; i++) {
        check_equal(pirn_waitgroup_go(&m.senders, send_to_any, &m), 0);
        check_equal(pirn_waitgroup_go(&m.receivers, receive_from_any, &m), 0);
    }
    pirn_waitgroup_wait(&m.senders);
    for (;;) { /* the last values may still be in the buffer */
        int value;
        if (pirn_try_recv(m.chans[3], &value)) break;
        m.seen[value]++;
    }
    check_equal(pirn_close(m.done), 0);
    pirn_waitgroup_wait(&m.receivers);
    for (int i = 0; i < 4 * m.count; i++) wrong += m.seen[i] != 1;
    check_equal(wrong, 0);
    for (int k = 0; k < 4; k++) pirn_chan_unref(m.chans[k]);
    pirn_chan_unref(m.done);
    free(m.seen);
}

/* S4 */
static void every_value_goes_through_one_case(void) {
    int few = 4, many = MANY(5000, 200);
    run_body(select_on_both_sides, &few);
    run_heavy(select_on_both_sides, &many);
}

static void exchange(void *arg) {
    struct two *t = arg;
    for (int i = 0; i < MANY(2000, 10); i++) {
        pirn_case cases[] = {PIRN_CASE_SEND(t->b, NULL), PIRN_CASE_RECV(t->a, NULL)};
        check(pirn_select(cases, 2, PIRN_FOREVER) >= 0);
    }
}

static void exchange_crosswise(void *arg) {
    struct two t = {.a = new_chan(0), .b = new_chan(0)}, mirrored = {.a = t.b, .b = t.a};
    (void)arg;
    check_equal(pirn_waitgroup_go(&t.group, exchange, &t), 0);
    check_equal(pirn_waitgroup_go(&t.group, exchange, &mirrored), 0);
    pirn_waitgroup_wait(&t.group);
    check_equal(pirn_try_send(t.a, NULL), -EAGAIN);
    check_equal(pirn_try_send(t.b, NULL), -EAGAIN);
    pirn_chan_unref(t.a);
    pirn_chan_unref(t.b);
}

static void selects_meet_crosswise(void) { run_body(exchange_crosswise, NULL); }

static void quiet_channel(void *arg) {
    struct feed f = {new_chan(0), new_chan(0), {0}, MANY(20000, 300)};
    (void)arg;
    check_equal(pirn_waitgroup_go(&f.group, feed_waiting, &f), 0);
    for (int i = 0; i < f.count; i++) {
        int value = -1;
        pirn_case cases[] = {PIRN_CASE_RECV(f.chan, &value), PIRN_CASE_RECV(f.other, NULL)};
        check_equal(pirn_select(cases, 2, PIRN_FOREVER), 0);
        check_equal(value, i);
    }
    pirn_waitgroup_wait(&f.group);
    check_equal(pirn_try_send(f.other, NULL), -EAGAIN); /* nobody is left waiting there */
    pirn_chan_unref(f.chan);
    pirn_chan_unref(f.other);
}

/* S5 */
static void nothing_piles_up_on_a_quiet_channel(void) { run_heavy(quiet_channel, NULL); }

static void wait_for_any_of_many(void *arg) {
    enum { MOST = 300 };
    static const size_t counts[] = {1, 31, 32, 33, MOST};
    pirn_chan *chans[MOST];
    (void)arg;
    for (int i = 0; i < MOST; i++) chans[i] = new_chan(0);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        pirn_case cases[MOST];
        size_t targets[] = {0, counts[k] / 2, counts[k] - 1};
        for (int t = 0; t < 3; t++) {
            struct feed f = {chans[targets[t]], NULL, {0}, 1};
            for (size_t i = 0; i < counts[k]; i++) cases[i] = PIRN_CASE_RECV(chans[i], NULL);
            check_equal(pirn_waitgroup_go(&f.group, feed_waiting, &f), 0);
            check_equal(pirn_select(cases, counts[k], PIRN_FOREVER), targets[t]);
            pirn_waitgroup_wait(&f.group);
        }
    }
    for (int i = 0; i < MOST; i++) {
        check_equal(pirn_try_send(chans[i], NULL), -EAGAIN);
        pirn_chan_unref(chans[i]);
    }
}

static void select_waits_for_many_channels(void) { run_body(wait_for_any_of_many, NULL); }

struct hurry {
    pirn_chan *a, *b;
    pirn_waitgroup group;
    atomic_int sent, received;
};

static void send_in_a_hurry(void *arg) {
    struct hurry *h = arg;
    for (int i = 0; i < MANY(500, 10); i++) {
        pirn_case cases[] = {PIRN_CASE_SEND(h->a, &i), PIRN_CASE_SEND(h->b, &i)};
        int rc = pirn_select(cases, 2, pirn_now() + (int64_t)pirn_choose(3) * PIRN_USEC);
        check(rc == 0 || rc == 1 || rc == -ETIMEDOUT);
        atomic_fetch_add(&h->sent, rc >= 0);
    }
}

static void receive_in_a_hurry(void *arg) {
    struct hurry *h = arg;
    for (int i = 0; i < MANY(500, 10); i++) {
        pirn_case cases[] = {PIRN_CASE_RECV(h->b, NULL), PIRN_CASE_RECV(h->a, NULL)};
        int rc = pirn_select(cases, 2, pirn_now() + (int64_t)pirn_choose(3) * PIRN_USEC);
        check(rc == 0 || rc == 1 || rc == -ETIMEDOUT);
        atomic_fetch_add(&h->received, rc >= 0);
    }
}

static void hurry(void *arg) {
    struct hurry h = {.a = new_chan(0), .b = new_chan(1)};
    (void)arg;
    for (int i = 0; i < 3; i++) {
        check_equal(pirn_waitgroup_go(&h.group, send_in_a_hurry, &h), 0);
        check_equal(pirn_waitgroup_go(&h.group, receive_in_a_hurry, &h), 0);
    }
    pirn_waitgroup_wait(&h.group);
    check_equal(h.sent, h.received + (int)pirn_chan_len(h.b));
    check_equal(pirn_try_recv(h.a, NULL), -EAGAIN);
    pirn_chan_unref(h.a);
    pirn_chan_unref(h.b);
}

static void deadline_and_partner_do_not_both_win(void) { run_body(hurry, NULL); }

static const struct test tests[] = {
    TEST(one_ready_case_runs),
    TEST_SECONDS(choice_among_ready_cases_is_uniform, 60),
    TEST_SECONDS(choice_is_uniform_after_waiting, 60),
    TEST_SECONDS(choice_is_uniform_after_a_close, 60),
    TEST(select_first_takes_the_first),
    TEST(select_first_waits_in_order),
    TEST(close_makes_every_case_ready),
    TEST(one_case_is_the_plain_operation),
    TEST(null_cases_are_never_ready),
    TEST(deadlines_are_kept),
    TEST_SECONDS(default_needs_one_instant_with_none_ready, 60),
    TEST_SECONDS(limits_are_checked, 60),
    TEST(task_never_meets_itself),
    TEST_SECONDS(closed_channels_are_ready, 60),
    TEST(close_wakes_every_select),
    TEST(selects_stand_in_line_with_others),
    TEST_SECONDS(every_value_goes_through_one_case, 60),
    TEST_SECONDS(selects_meet_crosswise, 60),
    TEST_SECONDS(nothing_piles_up_on_a_quiet_channel, 60),
    TEST_SECONDS(select_waits_for_many_channels, 60),
    TEST_SECONDS(deadline_and_partner_do_not_both_win, 60),
};

HARNESS(tests)
