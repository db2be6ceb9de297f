/* test_chan.c - channels; the rules C1 to C16. */
#include "tests/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* ---- One value, one partner ---------------------------------------------------------------- */

struct pair {
    pirn_chan *chan;
    pirn_waitgroup group;
    atomic_int done;
    int value;
};

static void send_seven(void *arg) {
    struct pair *p = arg;
    int value = 7;
    check_equal(pirn_send(p->chan, &value), 0);
    atomic_fetch_add(&p->done, 1);
}

static void receive_one(void *arg) {
    struct pair *p = arg;
    int value = -1;
    check_equal(pirn_recv(p->chan, &value), 0);
    p->value = value;
    atomic_fetch_add(&p->done, 1);
}

static void rendezvous_of_a_sender(void *arg) {
    struct pair p = {.chan = pirn_chan_new(sizeof(int), 0)};
    int value = 0;
    (void)arg;
    check_equal(pirn_waitgroup_go(&p.group, send_seven, &p), 0);
    settle();
    check_equal(p.done, 0); /* nobody has taken the value */
    check_equal(pirn_chan_len(p.chan), 0);
    check_equal(pirn_recv(p.chan, &value), 0);
    check_equal(value, 7);
    pirn_waitgroup_wait(&p.group);
    check_equal(p.done, 1);
    pirn_chan_unref(p.chan);
}

static void rendezvous_of_a_receiver(void *arg) {
    struct pair p = {.chan = pirn_chan_new(sizeof(int), 0)};
    int value = 9;
    (void)arg;
    check_equal(pirn_waitgroup_go(&p.group, receive_one, &p), 0);
    settle();
    check_equal(p.done, 0);
    check_equal(pirn_send(p.chan, &value), 0);
    pirn_waitgroup_wait(&p.group);
    check_equal(p.done, 1);
    check_equal(p.value, 9);
    pirn_chan_unref(p.chan);
}

/* C1 */
static void rendezvous_needs_both_sides(void) {
    run_settled(rendezvous_of_a_sender, NULL);
    run_settled(rendezvous_of_a_receiver, NULL);
}

static void fill_and_drain(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 3);
    int value;
    (void)arg;
    for (int round = 0; round < 3; round++) { /* the buffer's ends meet at each place */
        for (value = 1; value <= 3; value++) {
            check_equal(pirn_send(chan, &value), 0);
            check_equal(pirn_chan_len(chan), value);
        }
        check_equal(pirn_try_send(chan, &value), -EAGAIN);
        check_equal(pirn_recv(chan, &value), 0);
        check_equal(value, 1);
        value = 4;
        check_equal(pirn_try_send(chan, &value), 0);
        for (int expected = 2; expected <= 4; expected++) {
            check_equal(pirn_try_recv(chan, &value), 0);
            check_equal(value, expected);
        }
        value = 55;
        check_equal(pirn_try_recv(chan, &value), -EAGAIN);
        check_equal(value, 55); /* left alone */
        check_equal(pirn_chan_len(chan), 0);
        check_equal(pirn_chan_cap(chan), 3);
    }
    pirn_chan_unref(chan);
}

/* C1, C2, C10 */
static void buffer_takes_what_fits(void) { run_body(fill_and_drain, NULL); }

/* ---- Values -------------------------------------------------------------------------------- */

enum { GUARD = 16 };

struct sized {
    pirn_chan *chan;
    size_t size;
    pirn_waitgroup group;
};

static unsigned char pattern(size_t index, int round) {
    return (unsigned char)(index * 131 + (index >> 8) * 7 + (size_t)round * 29 + 1);
}

static void send_patterns(void *arg) {
    struct sized *s = arg;
    unsigned char *value = malloc(s->size + 1);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < s->size; i++) value[i] = pattern(i, round);
        check_equal(pirn_send(s->chan, value), 0);
        memset(value, 0xee, s->size); /* the channel has its own copy */
    }
    free(value);
}

static void pass_values(size_t size, size_t capacity) {
    struct sized s = {pirn_chan_new(size, capacity), size, {0}};
    unsigned char *value = malloc(size + GUARD);
    size_t wrong = 0;

    if (!check(s.chan != NULL)) return;
    check_equal(pirn_waitgroup_go(&s.group, send_patterns, &s), 0);
    for (int round = 0; round < 5; round++) {
        memset(value, 0x55, size + GUARD);
        check_equal(pirn_recv(s.chan, value), 0);
        for (size_t i = 0; i < size; i++) wrong += value[i] != pattern(i, round);
        for (size_t i = 0; i < GUARD; i++) wrong += value[size + i] != 0x55;
    }
    check_equal(wrong, 0);
    pirn_waitgroup_wait(&s.group);
    pirn_chan_unref(s.chan);
    free(value);
}

static void pass_every_size(void *arg) {
    static const size_t sizes[] = {0, 1, 3, 8, 17, 4096, 65536, 100000};
    (void)arg;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t capacity = 0; capacity < 4; capacity++) pass_values(sizes[i], capacity);
}

static void values_of_every_size_are_copied(void) { run_body(pass_every_size, NULL); }

static void count_signals(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 5);
    char untouched = 'u';
    (void)arg;
    for (size_t i = 0; i < 5; i++) {
        check_equal(pirn_send(chan, i % 2 ? NULL : &untouched), 0);
        check_equal(pirn_chan_len(chan), i + 1);
    }
    check_equal(pirn_try_send(chan, NULL), -EAGAIN);
    for (size_t i = 5; i-- > 0;) {
        check_equal(pirn_recv(chan, i % 2 ? NULL : &untouched), 0);
        check_equal(pirn_chan_len(chan), i);
    }
    check_equal(pirn_try_recv(chan, &untouched), -EAGAIN);
    check_equal(untouched, 'u');
    pirn_chan_unref(chan);

    chan = pirn_chan_new(0, 100000); /* costs no storage for values */
    if (!check(chan != NULL)) return;
    check_equal(pirn_chan_cap(chan), 100000);
    check_equal(pirn_send(chan, NULL), 0);
    check_equal(pirn_close(chan), 0);
    check_equal(pirn_recv(chan, NULL), 0);
    check_equal(pirn_recv(chan, &untouched), -EPIPE);
    check_equal(untouched, 'u');
    pirn_chan_unref(chan);
}

/* C12 */
static void signals_are_counted(void) { run_body(count_signals, NULL); }

static void receive_to_nowhere(void *arg) {
    struct pair *p = arg;
    check_equal(pirn_recv(p->chan, NULL), 0);
    check_equal(pirn_send(p->chan, NULL), 0);
}

static void pass_nothing(void *arg) {
    struct pair p = {.chan = pirn_chan_new(sizeof(int), (size_t)(uintptr_t)arg)};
    int value = 5;
    check_equal(pirn_waitgroup_go(&p.group, receive_to_nowhere, &p), 0);
    check_equal(pirn_send(p.chan, &value), 0);
    pirn_waitgroup_wait(&p.group);
    check_equal(pirn_recv(p.chan, &value), 0);
    check_equal(value, 0); /* a NULL value sends zeroes */
    pirn_chan_unref(p.chan);
}

static void pass_nothing_unbuffered(void *arg) {
    struct pair p = {.chan = pirn_chan_new(sizeof(int), 0)};
    int value = 5;
    (void)arg;
    check_equal(pirn_waitgroup_go(&p.group, receive_to_nowhere, &p), 0);
    check_equal(pirn_send(p.chan, &value), 0); /* C13: completes though nobody keeps the value */
    check_equal(pirn_recv(p.chan, &value), 0);
    check_equal(value, 0);
    pirn_waitgroup_wait(&p.group);
    pirn_chan_unref(p.chan);
}

static void null_value_discards_or_sends_zeroes(void) {
    run_body(pass_nothing, (void *)(uintptr_t)1);
    run_body(pass_nothing, (void *)(uintptr_t)3);
    run_body(pass_nothing_unbuffered, NULL);
}

static void make_impossible_channels(void *arg) {
    (void)arg;
    check(pirn_chan_new(SIZE_MAX, 2) == NULL);
    check(pirn_chan_new(2, SIZE_MAX) == NULL);
    check(pirn_chan_new(8, SIZE_MAX / 8 + 1) == NULL);
    check(pirn_chan_new(SIZE_MAX / 2, 2) == NULL);
    check(pirn_chan_new(1, PTRDIFF_MAX) == NULL);
    check(pirn_chan_new(1, SIZE_MAX) == NULL);
    check(pirn_chan_new(((size_t)1 << 32) + 1, (size_t)1 << 32) == NULL);
}

/* C11 */
static void impossible_size_is_refused(void) { run_body(make_impossible_channels, NULL); }

static void answer_through_the_channel_received(void *arg) {
    pirn_chan *questions = arg, *answers = NULL;
    int answer = 42;
    while (pirn_recv(questions, &answers) == 0) check_equal(pirn_send(answers, &answer), 0);
}

static void send_channels(void *arg) {
    pirn_chan *questions = pirn_chan_new(sizeof(pirn_chan *), 0), *mine, *got = NULL;
    pirn_waitgroup group = {0};
    int answer;
    (void)arg;
    check_equal(pirn_waitgroup_go(&group, answer_through_the_channel_received, questions), 0);
    for (int i = 0; i < 3; i++) {
        mine = pirn_chan_new(sizeof(int), 0);
        answer = 0;
        check_equal(pirn_send(questions, &mine), 0);
        check_equal(pirn_recv(mine, &answer), 0);
        check_equal(answer, 42);
        pirn_chan_unref(mine);
    }
    check_equal(pirn_close(questions), 0);
    pirn_waitgroup_wait(&group);
    pirn_chan_unref(questions);

    mine = pirn_chan_new(sizeof(pirn_chan *), 1); /* a channel may hold itself */
    check_equal(pirn_send(mine, &mine), 0);
    check_equal(pirn_recv(mine, &got), 0);
    check(got == mine);
    pirn_chan_unref(mine);
}

/* C15 */
static void channels_travel_through_channels(void) { run_body(send_channels, NULL); }

/* ---- Order --------------------------------------------------------------------------------- */

enum { RECEIVERS = 3, SENDERS = 4 };

struct flow {
    pirn_chan *chan;
    pirn_waitgroup senders, receivers;
    atomic_int next_sender;
    int count;          /* values of each sender */
    atomic_uchar *seen; /* how often each value came */
    atomic_llong sum;
};

struct tagged {
    int sender, number;
};

static void send_numbers(void *arg) {
    struct flow *f = arg;
    struct tagged value = {atomic_fetch_add(&f->next_sender, 1), 0};
    for (; value.number < f->count; value.number++)
        if (!check_equal(pirn_send(f->chan, &value), 0)) break;
}

static void receive_numbers(void *arg) {
    struct flow *f = arg;
    struct tagged value;
    int last[SENDERS] = {-1, -1, -1, -1};
    while (pirn_recv(f->chan, &value) == 0) { /* C16 */
        if (!check(value.sender >= 0 && value.sender < SENDERS && value.number >= 0 &&
                   value.number < f->count))
            continue;
        check(value.number > last[value.sender]); /* C2 */
        last[value.sender] = value.number;
        atomic_fetch_add(&f->seen[value.sender * f->count + value.number], 1);
    }
}

static void pass_numbers(size_t capacity, int count) {
    struct flow f = {.chan = pirn_chan_new(sizeof(struct tagged), capacity), .count = count};
    int wrong = 0;

    f.seen = calloc((size_t)(SENDERS * count), sizeof *f.seen);
    for (int i = 0; i < RECEIVERS; i++)
        check_equal(pirn_waitgroup_go(&f.receivers, receive_numbers, &f), 0);
    for (int i = 0; i < SENDERS; i++)
        check_equal(pirn_waitgroup_go(&f.senders, send_numbers, &f), 0);
    pirn_waitgroup_wait(&f.senders);
    check_equal(pirn_close(f.chan), 0);
    pirn_waitgroup_wait(&f.receivers);
    for (int i = 0; i < SENDERS * count; i++) wrong += f.seen[i] != 1;
    check_equal(wrong, 0);
    pirn_chan_unref(f.chan);
    free(f.seen);
}

static void pass_few_numbers(void *arg) {
    (void)arg;
    pass_numbers(0, 4);
    pass_numbers(1, 4);
    pass_numbers(3, 4);
}

static void pass_many_numbers(void *arg) {
    (void)arg;
    pass_numbers(0, MANY(10000, 200));
    pass_numbers(1, MANY(10000, 200));
    pass_numbers(16, MANY(10000, 200));
    pass_numbers(1000, MANY(10000, 200));
}

/* C2 */
static void every_value_arrives_once_and_in_order(void) {
    run_body(pass_few_numbers, NULL);
    run_heavy(pass_many_numbers, NULL);
}

enum { QUEUE = 6 };

struct queue {
    pirn_chan *chan;
    pirn_waitgroup group;
    int got[QUEUE];
    atomic_int sent[QUEUE];
};

struct place_in_queue {
    struct queue *queue;
    int number;
};

static void receive_in_queue(void *arg) {
    struct place_in_queue *p = arg;
    check_equal(pirn_recv(p->queue->chan, &p->queue->got[p->number]), 0);
}

static void send_in_queue(void *arg) {
    struct place_in_queue *p = arg;
    check_equal(pirn_send(p->queue->chan, &p->number), 0);
    p->queue->sent[p->number] = 1;
}

static void line_up(struct queue *q, pirn_fn *fn) {
    for (int i = 0; i < QUEUE; i++) {
        struct place_in_queue place = {q, i};
        check_equal(pirn_waitgroup_go_copy(&q->group, fn, &place, sizeof place), 0);
        settle();
    }
}

static void serve_receivers(void *arg) {
    struct queue q = {.chan = pirn_chan_new(sizeof(int), (size_t)(uintptr_t)arg)};
    line_up(&q, receive_in_queue);
    for (int i = 0; i < QUEUE; i++) {
        int value = 100 + i;
        check_equal(pirn_try_send(q.chan, &value), 0);
        check_equal(pirn_chan_len(q.chan), 0); /* C3: straight to the waiter */
    }
    check_equal(pirn_try_recv(q.chan, NULL), -EAGAIN); /* and no newcomer gets it */
    pirn_waitgroup_wait(&q.group);
    for (int i = 0; i < QUEUE; i++) check_equal(q.got[i], 100 + i);
    pirn_chan_unref(q.chan);
}

static void serve_senders(void *arg) {
    size_t capacity = (size_t)(uintptr_t)arg;
    struct queue q = {.chan = pirn_chan_new(sizeof(int), capacity)};
    line_up(&q, send_in_queue);
    for (int i = 0; i < QUEUE; i++) check_equal(q.sent[i], (size_t)i < capacity);
    for (int i = 0; i < QUEUE; i++) {
        int value = -1;
        size_t left = (size_t)(QUEUE - i - 1);
        check_equal(pirn_try_recv(q.chan, &value), 0);
        check_equal(value, i);
        check_equal(pirn_chan_len(q.chan), left < capacity ? left : capacity); /* C4 */
        if (left >= capacity) check_equal(pirn_try_send(q.chan, &value), -EAGAIN);
    }
    pirn_waitgroup_wait(&q.group);
    pirn_chan_unref(q.chan);
}

/* C3 */
static void waiting_receivers_are_served_in_order(void) {
    run_settled(serve_receivers, (void *)(uintptr_t)0);
    run_settled(serve_receivers, (void *)(uintptr_t)1);
    run_settled(serve_receivers, (void *)(uintptr_t)4);
}

/* C3, C4 */
static void waiting_senders_are_served_in_order(void) {
    run_settled(serve_senders, (void *)(uintptr_t)0);
    run_settled(serve_senders, (void *)(uintptr_t)1);
    run_settled(serve_senders, (void *)(uintptr_t)4);
}

static void only_try_to_send(void *arg) {
    struct pair *p = arg;
    for (int i = 0; i < 100; i++) {
        if (pirn_try_send(p->chan, &i) == 0) atomic_fetch_add(&p->done, 1);
        pirn_yield();
    }
}

static void two_tries(void *arg) {
    struct pair p = {.chan = pirn_chan_new(sizeof(int), 0)};
    (void)arg;
    check_equal(pirn_waitgroup_go(&p.group, only_try_to_send, &p), 0);
    for (int i = 0; i < 100; i++) {
        if (pirn_try_recv(p.chan, NULL) == 0) atomic_fetch_add(&p.done, 1);
        pirn_yield();
    }
    pirn_waitgroup_wait(&p.group);
    check_equal(p.done, 0);
    pirn_chan_unref(p.chan);
}

static void two_tries_never_meet(void) { run_body(two_tries, NULL); }

/* ---- Closing ------------------------------------------------------------------------------- */

static void use_closed_channels(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 2);
    int value = 1;
    (void)arg;
    check_equal(pirn_send(chan, &value), 0);
    check_equal(pirn_close(chan), 0);
    check_equal(pirn_send(chan, &value), -EPIPE); /* C5: though the buffer has room */
    check_equal(pirn_try_send(chan, &value), -EPIPE);
    check_equal(pirn_send_until(chan, &value, PIRN_NOW), -EPIPE);
    check_equal(pirn_send_until(chan, &value, pirn_now() - 1), -EPIPE);
    check_equal(pirn_send_until(chan, &value, PIRN_FOREVER), -EPIPE);
    check_equal(pirn_send(chan, NULL), -EPIPE);
    check_equal(pirn_chan_len(chan), 1);
    check_equal(pirn_close(chan), -EPIPE); /* C6 */
    check_equal(pirn_close(chan), -EPIPE);
    value = 0;
    check_equal(pirn_recv(chan, &value), 0); /* C6: usable by others */
    check_equal(value, 1);
    check_equal(pirn_recv(chan, &value), -EPIPE);
    pirn_chan_unref(chan);

    chan = pirn_chan_new(sizeof(int), 0);
    check_equal(pirn_close(chan), 0);
    check_equal(pirn_send(chan, &value), -EPIPE);
    check_equal(pirn_try_send(chan, &value), -EPIPE);
    check_equal(pirn_close(chan), -EPIPE);
    pirn_chan_unref(chan);
}

/* C5, C6 */
static void closed_channel_refuses_values(void) { run_body(use_closed_channels, NULL); }

static void close_nothing(void *arg) {
    (void)arg;
    check_equal(pirn_close(NULL), -EINVAL);
    NOT_A_TAIL_CALL();
}

/* C6. The simulator counts it as misuse, which nothing allows. */
static void closing_null_is_refused(void) {
#if SIMULATED
    expect_outcome(close_nothing, 1, PIRN_ALLOW_SEND_ON_CLOSED | PIRN_ALLOW_DOUBLE_CLOSE,
                   PIRN_MISUSE, NULL);
    conclude("closing NULL");
#else
    run_body(close_nothing, NULL);
#endif
}

static void drain_closed_channels(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int64_t), 3);
    int64_t value;
    (void)arg;
    for (value = 2; value >= 0; value--) check_equal(pirn_send(chan, &value), 0);
    check_equal(pirn_close(chan), 0);
    for (int64_t expected = 2; expected >= 0; expected--) {
        value = -1;
        check_equal(pirn_chan_len(chan), expected + 1); /* C10 */
        check_equal(pirn_recv(chan, &value), 0);        /* C8: a zero that was sent is a value */
        check_equal(value, expected);
    }
    for (int i = 0; i < 3; i++) {
        value = -1;
        check_equal(pirn_recv(chan, &value), -EPIPE);
        check_equal(value, 0);
        value = -1;
        check_equal(pirn_try_recv(chan, &value), -EPIPE);
        check_equal(value, 0);
        value = -1;
        check_equal(pirn_recv_until(chan, &value, pirn_now() - 5), -EPIPE);
        check_equal(value, 0);
        check_equal(pirn_recv(chan, NULL), -EPIPE);
    }
    check_equal(pirn_chan_len(chan), 0);
    check_equal(pirn_chan_cap(chan), 3);
    pirn_chan_unref(chan);
}

static void zero_a_large_value(void *arg) {
    size_t size = 65536, wrong = 0;
    pirn_chan *chan = pirn_chan_new(size, 0);
    unsigned char *value = malloc(size + GUARD);
    (void)arg;
    memset(value, 0x77, size + GUARD);
    check_equal(pirn_close(chan), 0);
    check_equal(pirn_recv(chan, value), -EPIPE);
    for (size_t i = 0; i < size + GUARD; i++) wrong += value[i] != (i < size ? 0 : 0x77);
    check_equal(wrong, 0);
    free(value);
    pirn_chan_unref(chan);
}

/* C8, C10 */
static void closed_channel_drains_then_gives_zeroes(void) {
    run_body(drain_closed_channels, NULL);
    run_body(zero_a_large_value, NULL);
}

enum { BLOCKED = 20 };

struct crowd {
    pirn_chan *chan;
    pirn_waitgroup group;
    atomic_int woken, served;
};

static void receive_until_closed(void *arg) {
    struct crowd *c = arg;
    unsigned char value[24];
    int rc;
    memset(value, 0xaa, sizeof value);
    rc = pirn_recv(c->chan, value);
    check(rc == 0 || rc == -EPIPE);
    if (rc == -EPIPE)
        for (size_t i = 0; i < sizeof value; i++) check_equal(value[i], 0);
    atomic_fetch_add(rc ? &c->woken : &c->served, 1);
}

static void send_until_closed(void *arg) {
    struct crowd *c = arg;
    unsigned char value[24] = {1};
    int rc = pirn_send(c->chan, value);
    check(rc == 0 || rc == -EPIPE);
    atomic_fetch_add(rc ? &c->woken : &c->served, 1);
}

static void gather(struct crowd *c, pirn_fn *fn, size_t capacity) {
    memset(c, 0, sizeof *c);
    c->chan = pirn_chan_new(24, capacity);
    for (int i = 0; i < BLOCKED; i++) check_equal(pirn_waitgroup_go(&c->group, fn, c), 0);
}

static void disperse(struct crowd *c) {
    check_equal(pirn_close(c->chan), 0);
    pirn_waitgroup_wait(&c->group);
    check_equal(c->woken + c->served, BLOCKED);
    pirn_chan_unref(c->chan);
}

static void close_on_receivers(void *arg) {
    struct crowd c;
    (void)arg;
    gather(&c, receive_until_closed, 0);
    disperse(&c);
    check_equal(c.woken, BLOCKED);

    gather(&c, receive_until_closed, 3); /* what was sent before the close is received */
    for (int i = 0; i < 3; i++) check_equal(pirn_send(c.chan, NULL), 0);
    disperse(&c);
    check_equal(c.served, 3);
}

static void close_on_settled_receivers(void *arg) {
    struct crowd c;
    (void)arg;
    gather(&c, receive_until_closed, 0);
    settle();
    disperse(&c);
    check_equal(c.woken, BLOCKED);
}

/* C7 */
static void close_wakes_every_receiver(void) {
    run_settled(close_on_settled_receivers, NULL);
    run_body(close_on_receivers, NULL);
}

static void close_on_senders(void *arg) {
    struct crowd c;
    (void)arg;
    gather(&c, send_until_closed, 0);
    disperse(&c);
    check_equal(c.woken, BLOCKED);

    gather(&c, send_until_closed, 2);
    disperse(&c);
    check(c.served <= 2);
}

static void close_on_settled_senders(void *arg) {
    struct crowd c;
    unsigned char value[24];
    (void)arg;
    gather(&c, send_until_closed, 2);
    settle();
    check_equal(pirn_chan_len(c.chan), 2);
    check_equal(pirn_close(c.chan), 0);
    pirn_waitgroup_wait(&c.group);
    check_equal(c.served, 2);
    check_equal(c.woken, BLOCKED - 2);
    for (int i = 0; i < 2;
         i++) { /* C8: the buffer is still there, and nothing of the senders that were refused */
        check_equal(pirn_recv(c.chan, value), 0);
        check_equal(value[0], 1);
    }
    check_equal(pirn_recv(c.chan, value), -EPIPE);
    pirn_chan_unref(c.chan);
}

/* C7 */
static void close_wakes_every_sender(void) {
    run_settled(close_on_settled_senders, NULL);
    run_body(close_on_senders, NULL);
}

static void close_it(void *arg) { check_equal(pirn_close(arg), 0); }

static void look_while_closing(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(500, 5); i++) {
        pirn_chan *chan = pirn_chan_new(sizeof(int), 1);
        pirn_waitgroup group = {0};
        int value = 1, rc;
        check_equal(pirn_send(chan, &value), 0);
        check_equal(pirn_waitgroup_go(&group, close_it, chan), 0);
        value = 0;
        check_equal(pirn_try_recv(chan, &value),
                    0); /* never "empty": it holds a value throughout */
        check_equal(value, 1);
        rc = pirn_try_recv(chan, &value);
        check(rc == -EAGAIN || rc == -EPIPE);
        pirn_waitgroup_wait(&group);
        check_equal(pirn_try_recv(chan, &value), -EPIPE);
        pirn_chan_unref(chan);
    }
}

/* C14 */
static void try_recv_never_misses_a_value(void) { run_body(look_while_closing, NULL); }

/* ---- NULL channels ------------------------------------------------------------------------- */

static void use_null_channels(void *arg) {
    int value = 3;
    int64_t deadline;
    (void)arg;
    check_equal(pirn_try_send(NULL, &value), -EAGAIN);
    check_equal(pirn_try_recv(NULL, &value), -EAGAIN);
    check_equal(pirn_send_until(NULL, &value, PIRN_NOW), -EAGAIN);
    check_equal(pirn_recv_until(NULL, &value, PIRN_NOW), -EAGAIN);
    check_equal(pirn_send_until(NULL, &value, pirn_now() - 1), -ETIMEDOUT);
    check_equal(pirn_recv_until(NULL, &value, pirn_now() - 1), -ETIMEDOUT);
    deadline = pirn_now() + PIRN_MSEC;
    check_equal(pirn_send_until(NULL, &value, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    deadline = pirn_now() + PIRN_MSEC;
    check_equal(pirn_recv_until(NULL, &value, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    check_equal(value, 3);
    check_equal(pirn_chan_len(NULL), 0);
    check_equal(pirn_chan_cap(NULL), 0);
    check(pirn_chan_ref(NULL) == NULL);
    pirn_chan_unref(NULL);
}

/* C9 */
static void null_channel_is_never_ready(void) { run_body(use_null_channels, NULL); }

static void send_to_null(void *arg) {
    (void)arg;
    pirn_send(NULL, NULL);
    check(!"a send on a NULL channel returned");
}

static void receive_from_null(void *arg) {
    (void)arg;
    pirn_recv(NULL, NULL);
    check(!"a receive from a NULL channel returned");
}

/* C9 */
static void null_channel_blocks_for_ever(void) {
    free(run_report(send_to_null, -EDEADLK));
    free(run_report(receive_from_null, -EDEADLK));
    conclude("NULL channels");
}

/* ---- Deadlines ----------------------------------------------------------------------------- */

static void pass_deadlines(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 1);
    int value = 1;
    int64_t deadline, ahead[] = {1, PIRN_USEC, PIRN_MSEC};
    (void)arg;
    check_equal(pirn_recv_until(chan, &value, PIRN_NOW), -EAGAIN);
    check_equal(pirn_recv_until(chan, &value, pirn_now() - PIRN_SEC), -ETIMEDOUT);
    check_equal(pirn_recv_until(chan, &value, 0), -ETIMEDOUT);
    check_equal(pirn_recv_until(chan, &value, -1), -ETIMEDOUT);
    check_equal(pirn_recv_until(chan, &value, PIRN_NOW + 1), -ETIMEDOUT);
    for (size_t i = 0; i < 3; i++) {
        deadline = pirn_now() + ahead[i];
        check_equal(pirn_recv_until(chan, &value, deadline), -ETIMEDOUT);
        check(pirn_now() >= deadline);
    }
    check_equal(value, 1);

    check_equal(pirn_send_until(chan, &value, pirn_now() - 1), 0); /* what can be done is done */
    check_equal(pirn_send_until(chan, &value, PIRN_NOW), -EAGAIN);
    check_equal(pirn_send_until(chan, &value, pirn_now() - 1), -ETIMEDOUT);
    for (size_t i = 0; i < 3; i++) {
        deadline = pirn_now() + ahead[i];
        check_equal(pirn_send_until(chan, &value, deadline), -ETIMEDOUT);
        check(pirn_now() >= deadline);
    }
    check_equal(pirn_chan_len(chan), 1); /* what timed out left nothing behind */
    check_equal(pirn_recv_until(chan, &value, PIRN_NOW), 0);
    check_equal(pirn_try_recv(chan, &value), -EAGAIN);
    check_equal(pirn_send_until(chan, &value, PIRN_FOREVER), 0);
    check_equal(pirn_recv_until(chan, &value, PIRN_FOREVER), 0);
    check_equal(pirn_send_until(chan, &value, PIRN_NOW), 0);
    check_equal(pirn_recv_until(chan, &value, pirn_now() - 1), 0);
    pirn_chan_unref(chan);

    chan = pirn_chan_new(sizeof(int), 0);
    check_equal(pirn_send_until(chan, &value, pirn_now() + 1), -ETIMEDOUT);
    check_equal(pirn_try_recv(chan, &value), -EAGAIN); /* the sender is gone */
    check_equal(pirn_recv_until(chan, &value, pirn_now() + 1), -ETIMEDOUT);
    check_equal(pirn_try_send(chan, &value), -EAGAIN);
    pirn_chan_unref(chan);
}

static void deadlines_are_kept(void) { run_body(pass_deadlines, NULL); }

struct hurry {
    pirn_chan *chan;
    pirn_waitgroup group;
    atomic_int sent, received, closed;
    atomic_llong sum_sent, sum_received;
};

static void send_in_a_hurry(void *arg) {
    struct hurry *h = arg;
    for (int i = 1; i <= MANY(300, 10); i++) {
        int rc = pirn_send_until(h->chan, &i, pirn_now() + (int64_t)pirn_choose(3) * PIRN_USEC);
        check(rc == 0 || rc == -ETIMEDOUT);
        if (rc == 0) atomic_fetch_add(&h->sent, 1), atomic_fetch_add(&h->sum_sent, i);
    }
}

static void receive_in_a_hurry(void *arg) {
    struct hurry *h = arg;
    for (int i = 1; i <= MANY(300, 10); i++) {
        int value = -1,
            rc = pirn_recv_until(h->chan, &value, pirn_now() + (int64_t)pirn_choose(3) * PIRN_USEC);
        check(rc == 0 || rc == -ETIMEDOUT);
        check((rc == 0) == (value > 0));
        if (rc == 0) atomic_fetch_add(&h->received, 1), atomic_fetch_add(&h->sum_received, value);
    }
}

static void hurry(void *arg) {
    struct hurry h = {.chan = pirn_chan_new(sizeof(int), (size_t)(uintptr_t)arg)};
    int value;
    for (int i = 0; i < 3; i++) {
        check_equal(pirn_waitgroup_go(&h.group, send_in_a_hurry, &h), 0);
        check_equal(pirn_waitgroup_go(&h.group, receive_in_a_hurry, &h), 0);
    }
    pirn_waitgroup_wait(&h.group);
    while (pirn_try_recv(h.chan, &value) == 0) {
        h.received++;
        h.sum_received += value;
    }
    check_equal(h.sent, h.received);
    check_equal(h.sum_sent, h.sum_received);
    pirn_chan_unref(h.chan);
}

static void deadline_and_partner_do_not_both_win(void) {
    run_body(hurry, (void *)(uintptr_t)0);
    run_body(hurry, (void *)(uintptr_t)2);
}

/* ---- Ownership ----------------------------------------------------------------------------- */

static void count_owners(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 1);
    int value = 8;
    (void)arg;
    check(pirn_chan_ref(chan) == chan);
    check(pirn_chan_ref(chan) == chan);
    pirn_chan_unref(chan);
    check_equal(pirn_send(chan, &value), 0);
    pirn_chan_unref(chan);
    value = 0;
    check_equal(pirn_recv(chan, &value), 0);
    check_equal(value, 8);
    check_equal(pirn_send(chan, &value), 0);
    pirn_chan_unref(chan); /* with a value in it */
}

static void channel_lives_as_long_as_an_owner(void) { run_body(count_owners, NULL); }

static void send_once_to(void *arg) {
    int value = 6;
    check_equal(pirn_send(arg, &value), 0);
}

static void send_by_select_to(void *arg) {
    int value = 6;
    pirn_case cases[] = {PIRN_CASE_SEND(arg, &value)};
    check_equal(pirn_select(cases, 1, PIRN_FOREVER), 0);
}

static void drop_after_receiving(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(2000, 10); i++) {
        pirn_chan *chan = pirn_chan_new(sizeof(int), 0);
        pirn_waitgroup group = {0};
        int value = 0;
        check_equal(pirn_waitgroup_go(&group, i % 2 ? send_once_to : send_by_select_to, chan), 0);
        check_equal(pirn_recv(chan, &value), 0);
        pirn_chan_unref(chan); /* the sender may still be returning */
        check_equal(value, 6);
        pirn_waitgroup_wait(&group);
    }
}

static void receiver_may_drop_the_last_reference(void) { run_body(drop_after_receiving, NULL); }

struct point {
    double x, y;
    char name[20];
};

PIRN_CHAN_TYPE(ints, int);
PIRN_CHAN_TYPE(points, struct point);
PIRN_CHAN_TYPE(unused_channel, char *);

static void send_a_point(void *arg) {
    points *c = arg;
    check_equal(points_send(*c, (struct point){1.5, -2.5, "here"}), 0);
    check_equal(points_close(*c), 0);
}

static void use_typed_channels(void *arg) {
    ints c = ints_new(2), same;
    points p = points_new(0);
    struct point got = {0, 0, "nowhere"};
    pirn_waitgroup group = {0};
    int value = 0;
    (void)arg;
    if (!check(c.chan && p.chan)) return;
    check_equal(pirn_chan_cap(c.chan), 2);
    check_equal(ints_send(c, 4), 0);
    check_equal(ints_try_send(c, 5), 0);
    check_equal(ints_try_send(c, 6), -EAGAIN);
    check_equal(ints_recv(c, &value), 0);
    check_equal(value, 4);
    same = ints_ref(c);
    check(same.chan == c.chan);
    ints_unref(c);
    check_equal(ints_try_recv(same, &value), 0);
    check_equal(value, 5);
    check_equal(ints_try_recv(same, &value), -EAGAIN);
    check_equal(ints_close(same), 0);
    check_equal(ints_recv(same, &value), -EPIPE);
    check_equal(value, 0);
    ints_unref(same);

    check_equal(pirn_waitgroup_go(&group, send_a_point, &p), 0);
    check_equal(points_recv(p, &got), 0);
    check(got.x == 1.5 && got.y == -2.5 && strcmp(got.name, "here") == 0);
    check_equal(points_recv(p, &got), -EPIPE);
    check(got.x == 0 && got.y == 0 && got.name[0] == '\0');
    pirn_waitgroup_wait(&group);
    points_unref(p);
}

static void typed_channels_pass_their_type(void) { run_body(use_typed_channels, NULL); }

/* ---- Much at once -------------------------------------------------------------------------- */

static void add_up(void *arg) {
    struct flow *f = arg;
    int value;
    long long sum = 0;
    while (pirn_recv(f->chan, &value) == 0) sum += value;
    atomic_fetch_add(&f->sum, sum);
}

static void send_up_to_count(void *arg) {
    struct flow *f = arg;
    for (int i = 1; i <= f->count; i++)
        if (!check_equal(pirn_send(f->chan, &i), 0)) return;
}

static void many_to_many(void *arg) {
    static const size_t capacities[] = {0, 1, 128};
    (void)arg;
    for (size_t k = 0; k < 3; k++) {
        struct flow f = {.chan = pirn_chan_new(sizeof(int), capacities[k]),
                         .count = MANY(10000, 100)};
        for (int i = 0; i < 8; i++) {
            check_equal(pirn_waitgroup_go(&f.senders, send_up_to_count, &f), 0);
            check_equal(pirn_waitgroup_go(&f.receivers, add_up, &f), 0);
        }
        pirn_waitgroup_wait(&f.senders);
        check_equal(pirn_close(f.chan), 0);
        pirn_waitgroup_wait(&f.receivers);
        check_equal(f.sum, 8LL * f.count * (f.count + 1) / 2);
        pirn_chan_unref(f.chan);
    }
}

static void sums_of_many_messages_agree(void) { run_heavy(many_to_many, NULL); }

struct ring {
    pirn_chan *in, *out;
};

static void pass_on(void *arg) {
    struct ring *r = arg;
    int value;
    while (pirn_recv(r->in, &value) == 0) {
        value++;
        if (pirn_send(r->out, &value)) break;
    }
    check_equal(pirn_close(r->out), 0);
}

static void daisy_chain(void *arg) {
    enum { LENGTH = 100 };
    pirn_chan *links[LENGTH + 1];
    pirn_waitgroup group = {0};
    int value;
    (void)arg;
    for (int i = 0; i <= LENGTH; i++) links[i] = pirn_chan_new(sizeof(int), 0);
    for (int i = 0; i < LENGTH; i++) {
        struct ring r = {links[i], links[i + 1]};
        check_equal(pirn_waitgroup_go_copy(&group, pass_on, &r, sizeof r), 0);
    }
    for (int round = 0; round < MANY(100, 3); round++) {
        check_equal(pirn_send(links[0], &round), 0);
        check_equal(pirn_recv(links[LENGTH], &value), 0);
        check_equal(value, round + LENGTH);
    }
    check_equal(pirn_close(links[0]), 0);
    check_equal(pirn_recv(links[LENGTH], &value), -EPIPE);
    pirn_waitgroup_wait(&group);
    for (int i = 0; i <= LENGTH; i++) pirn_chan_unref(links[i]);
}

static void values_pass_a_chain_of_tasks(void) { run_heavy(daisy_chain, NULL); }

/* ---- Beyond the runtime -------------------------------------------------------------------- */

static void use_older_channel(void *arg) {
    int value = 0;
    check_equal(pirn_try_recv(arg, &value), 0);
    check_equal(value, 11);
    value = 12;
    check_equal(pirn_send(arg, &value), 0);
}

static void channel_may_be_older_than_the_run(void) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 1);
    int value = 11;
    CU_ASSERT_PTR_NOT_NULL_FATAL(chan);
    CU_ASSERT_EQUAL(pirn_try_send(chan, &value), 0);
    CU_ASSERT_EQUAL(pirn_run(NULL, use_older_channel, chan), 0);
    CU_ASSERT_EQUAL(pirn_chan_len(chan), 1);
    CU_ASSERT_EQUAL(pirn_try_recv(chan, &value), 0);
    CU_ASSERT_EQUAL(value, 12);
    pirn_chan_unref(chan);
    conclude("older channel");
}

#if !SIMULATED
struct foreign {
    pirn_chan *to_tasks, *to_threads;
    atomic_llong sum;
};

static void *foreign_thread(void *arg) {
    struct foreign *f = arg;
    check_equal(pirn_self(), 0);
    for (int i = 1; i <= 500; i++) {
        int value = 0;
        check_equal(pirn_send(f->to_tasks, &i), 0);
        check_equal(pirn_recv(f->to_threads, &value), 0);
        atomic_fetch_add(&f->sum, value);
    }
    return NULL;
}

static void double_values(void *arg) {
    struct foreign *f = arg;
    int value;
    while (pirn_recv(f->to_tasks, &value) == 0) {
        value *= 2;
        check_equal(pirn_send(f->to_threads, &value), 0);
    }
}

static void wait_for_thread(void *arg) { pthread_join(*(pthread_t *)arg, NULL); }

static void serve_foreign_threads(void *arg) {
    struct foreign f = {pirn_chan_new(sizeof(int), 0), pirn_chan_new(sizeof(int), 4), 0};
    pirn_waitgroup group = {0};
    pthread_t threads[3];
    (void)arg;
    check_equal(pirn_waitgroup_go(&group, double_values, &f), 0);
    check_equal(pirn_waitgroup_go(&group, double_values, &f), 0);
    for (int i = 0; i < 3; i++)
        check_equal(pthread_create(&threads[i], NULL, foreign_thread, &f), 0);
    while (f.sum < 3 * 500 * 501) pirn_sleep(PIRN_MSEC); /* joining would block a worker */
    for (int i = 0; i < 3; i++) wait_for_thread(&threads[i]);
    check_equal(f.sum, 3 * 500 * 501);
    check_equal(pirn_close(f.to_tasks), 0);
    pirn_waitgroup_wait(&group);
    pirn_chan_unref(f.to_tasks);
    pirn_chan_unref(f.to_threads);
}

static void foreign_threads_send_and_receive(void) { run_body(serve_foreign_threads, NULL); }

static _Atomic bool foreign_known; /* to the runtime */

static void *foreign_user(void *arg) {
    pirn_chan *chan = arg;
    struct timespec wait = {0, 30000000};
    int value = 77, rc = pirn_try_recv(chan, NULL);
    atomic_store(&foreign_known, true);
    check_equal(rc, -EAGAIN);
    check_equal(pirn_recv_until(chan, NULL, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    nanosleep(&wait, NULL);
    check_equal(pirn_send(chan, &value), 0);
    return NULL;
}

static void wait_for_foreign_thread(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 0);
    pthread_t thread;
    int value = 0;
    (void)arg;
    atomic_store(&foreign_known, false);
    check_equal(pthread_create(&thread, NULL, foreign_user, chan), 0);
    while (!atomic_load(&foreign_known)) pirn_sleep(PIRN_MSEC);
    check_equal(pirn_recv(chan, &value), 0); /* no task can run, yet this is no deadlock */
    check_equal(value, 77);
    wait_for_thread(&thread);
    pirn_chan_unref(chan);
}

/* G4 */
static void foreign_thread_may_still_wake_a_task(void) { run_body(wait_for_foreign_thread, NULL); }

static void *foreign_visitor(void *arg) {
    check_equal(pirn_try_recv(arg, NULL), -EAGAIN);
    return NULL;
}

static void wait_for_ended_thread(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 0);
    pthread_t thread;
    (void)arg;
    check_equal(pthread_create(&thread, NULL, foreign_visitor, chan), 0);
    pthread_join(thread, NULL);
    pirn_recv(chan, NULL);
    check(!"received from nobody");
}

/* G4: the thread that used the library is gone, so nothing can wake main. */
static void ended_foreign_thread_wakes_nobody(void) {
    free(run_report(wait_for_ended_thread, -EDEADLK));
    conclude("ended thread");
}
#endif

static const struct test tests[] = {
    TEST(rendezvous_needs_both_sides),
    TEST(buffer_takes_what_fits),
    TEST(values_of_every_size_are_copied),
    TEST(signals_are_counted),
    TEST(null_value_discards_or_sends_zeroes),
    TEST(impossible_size_is_refused),
    TEST(channels_travel_through_channels),
    TEST_SECONDS(every_value_arrives_once_and_in_order, 60),
    TEST(waiting_receivers_are_served_in_order),
    TEST(waiting_senders_are_served_in_order),
    TEST(two_tries_never_meet),
    TEST(closed_channel_refuses_values),
    TEST(closing_null_is_refused),
    TEST(closed_channel_drains_then_gives_zeroes),
    TEST(close_wakes_every_receiver),
    TEST(close_wakes_every_sender),
    TEST(try_recv_never_misses_a_value),
    TEST(null_channel_is_never_ready),
    TEST(null_channel_blocks_for_ever),
    TEST(deadlines_are_kept),
    TEST_SECONDS(deadline_and_partner_do_not_both_win, 60),
    TEST(channel_lives_as_long_as_an_owner),
    TEST_SECONDS(receiver_may_drop_the_last_reference, 60),
    TEST(typed_channels_pass_their_type),
    TEST_SECONDS(sums_of_many_messages_agree, 60),
    TEST_SECONDS(values_pass_a_chain_of_tasks, 60),
    TEST(channel_may_be_older_than_the_run),
#if !SIMULATED
    TEST(foreign_threads_send_and_receive),
    TEST(foreign_thread_may_still_wake_a_task),
    TEST(ended_foreign_thread_wakes_nobody),
#endif
};

HARNESS(tests)
