/*
 * block.c - helper threads that make blocking calls for tasks.
 *
 * A helper is started when there are more calls than helpers, up to MOST_HELPERS; further calls
 * wait in line. One that has had nothing to do for a while ends. What a helper calls it calls as a
 * thread of the program; but only until its function has returned, so that idle helpers hide no
 * deadlock.
 *
 * `calls` counts from before a helper is looked for until the function has returned, so that the
 * last helper does not end in between.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "lib/threads/runtime.h"

enum { MOST_HELPERS = 64, IDLE_SECONDS = 5 };

/* A call, on the stack of its task. */
struct call {
    struct call *next;
    struct task *task;
    pirn_fn *fn;
    void *arg;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrival;
static bool prepared, ending;
static struct call *first, *last;
static int calls, helper_count;
static struct helper {
    pthread_t thread;
    bool started; /* and not joined */
    bool ended;
} helpers[MOST_HELPERS];

static _Atomic int waiting; /* tasks */

/* Waits for a call; the mutex is held. NULL: the helper is not needed any more. */
static struct call *next_call(void) {
    struct timespec until;
    struct call *call;
    int rc;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    while (!first && !ending) {
        rc = pthread_cond_timedwait(&arrival, &mutex, &until);
        if (rc != ETIMEDOUT) continue;
        if (helper_count > calls) break;
        until.tv_sec += IDLE_SECONDS;
    }
    if (ending || !first) return NULL;
    call = first;
    first = call->next;
    if (!first) last = NULL;
    return call;
}

static void *help(void *arg) {
    struct helper *self = arg;
    struct call *call;

    pthread_mutex_lock(&mutex);
    while ((call = next_call())) {
        struct task *task = call->task;
        pthread_mutex_unlock(&mutex);
        call->fn(call->arg);
        foreign_forget();
        pthread_mutex_lock(&mutex);
        calls--;
        pthread_mutex_unlock(&mutex);
        engine_wake(task);
        pthread_mutex_lock(&mutex);
    }
    self->ended = true;
    helper_count--;
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static int prepare(void) {
    pthread_condattr_t attributes;
    int rc;
    if (prepared) return 0;
    rc = pthread_condattr_init(&attributes);
    if (rc) return -rc;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    rc = pthread_cond_init(&arrival, &attributes);
    pthread_condattr_destroy(&attributes);
    prepared = rc == 0;
    return -rc;
}

/* Starts one more helper; the mutex is held. */
static int add_helper(void) {
    struct helper *helper = helpers;
    int rc;
    while (helper->started && !helper->ended) helper++;
    if (helper->started) pthread_join(helper->thread, NULL);
    helper->ended = false;
    rc = pthread_create(&helper->thread, NULL, help, helper);
    helper->started = rc == 0;
    if (rc == 0) helper_count++;
    return -rc;
}

/* Sees to it that there is a helper for one more call. */
static int promise(void) {
    int rc;
    pthread_mutex_lock(&mutex);
    rc = prepare();
    if (!rc && calls >= helper_count && helper_count < MOST_HELPERS) rc = add_helper();
    /* Where there are others it waits for one of them. */
    if (helper_count) rc = 0;
    if (!rc) calls++;
    pthread_mutex_unlock(&mutex);
    return rc;
}

/* The task has left its stack. */
static void submit(void *arg) {
    struct call *call = arg;
    call->next = NULL;
    pthread_mutex_lock(&mutex);
    *(last ? &last->next : &first) = call;
    last = call;
    pthread_cond_signal(&arrival);
    pthread_mutex_unlock(&mutex);
}

int engine_block(struct task *self, const struct place *place, pirn_fn *fn, void *arg) {
    struct call call = {.task = self, .fn = fn, .arg = arg};
    int rc;
    if (self->foreign) {
        if (PIRN_RECORDED) recorded_end(self, 0);
        fn(arg);
        return 0;
    }
    rc = promise();
    if (!rc) {
        /* What the function does follows. */
        if (PIRN_RECORDED) recorded_end(self, 0);
        atomic_fetch_add(&waiting, 1);
        engine_park(self, place, NULL, PIRN_FOREVER, submit, &call);
        atomic_fetch_sub(&waiting, 1);
    }
    engine_end(self, rc);
    return rc;
}

bool block_awaited(void) { return atomic_load(&waiting) > 0; }

int block_helpers(void) {
    int count;
    pthread_mutex_lock(&mutex);
    count = helper_count;
    pthread_mutex_unlock(&mutex);
    return count;
}

void block_end(void) {
    pthread_mutex_lock(&mutex);
    ending = true;
    if (prepared) pthread_cond_broadcast(&arrival);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < MOST_HELPERS; i++)
        if (helpers[i].started) pthread_join(helpers[i].thread, NULL);
    memset(helpers, 0, sizeof helpers);
    first = last = NULL;
    calls = 0;
    ending = false;
    atomic_store(&waiting, 0);
}
