/*
 * chan.c - model: the lock of a channel, and the sleep of threads in its queues (lib/core/chan.c,
 * wait.h, engine_threads.h; lib/threads/worker.c, foreign.c). What is sent arrives once, with what was
 * written before; who waits is woken.
 */
#include "lib/threads/runtime.h"

static pirn_chan *chan;
static int written, received;

static void send_one(void *arg) {
    int value = 1 + (int)(intptr_t)arg;
    model_check(pirn_send(chan, &value) == 0);
}

static void send_after_writing(void *arg) {
    written = 5;
    send_one(arg);
}

static void receive_one(void *arg) {
    int value = 0;
    (void)arg;
    model_check(pirn_recv(chan, &value) == 0);
    model_check(value == 1 && written == 5);
    received++;
}

static void receive_two(void *arg) {
    int first = 0, second = 0;
    (void)arg;
    model_check(pirn_recv(chan, &first) == 0 && pirn_recv(chan, &second) == 0);
    model_check(first + second == 3 && first != second);
    received = 2;
}

static void receive_end(void *arg) {
    int value;
    (void)arg;
    while (pirn_recv(chan, &value) == 0) received++;
    model_check(written == 5);
}

static void close_it(void *arg) {
    (void)arg;
    written = 5;
    model_check(pirn_close(chan) == 0);
}

static void begin(size_t capacity) { chan = pirn_chan_new(sizeof(int), capacity); }

static void meet(size_t capacity) {
    begin(capacity);
    model_thread(send_after_writing, NULL);
    model_thread(receive_one, NULL);
    model_join_all();
    model_check(received == 1);
}
static void unbuffered(void) { meet(0); }
static void buffered(void) { meet(1); }

static void two_senders(void) {
    begin(1);
    model_thread(send_one, (void *)0);
    model_thread(send_one, (void *)1);
    model_thread(receive_two, NULL);
    model_join_all();
    model_check(received == 2);
}

static void closed(void) {
    begin(0);
    model_thread(receive_end, NULL);
    model_thread(close_it, NULL);
    model_join_all();
    model_check(received == 0);
}

const struct model_case model_cases[] = {{"unbuffered", unbuffered},
                                         {"buffered", buffered},
                                         {"two-senders", two_senders},
                                         {"closed", closed},
                                         {NULL, NULL}};
