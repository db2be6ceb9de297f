/*
 * foreign.c - threads that the program made itself.
 *
 * Such a thread has a stand-in for a task, so that it can wait in the queues of objects; it sleeps
 * as a thread. While one that has used the library in this run exists, it may still wake a task, so
 * there is no deadlock to report.
 */
#include <string.h>

#include "lib/threads/runtime.h"

static LOCAL(struct task, stand_in);
static LOCAL(uint64_t, known_in); /* the run in which it was counted */
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/*
 * A thread may use objects where no runtime runs, and be in the middle of it when one starts; that
 * one must then take the locks from its beginning. The thread that starts it is in the middle of
 * nothing.
 */
static LOCAL(bool, known);
static _Atomic int known_threads;

int threads_own(void) { return OWN(known) ? 1 : 0; }

bool threads_none_but(int own) { return atomic_load(&known_threads) == own; }

/* The thread ends. If it was the last one that could have woken a task, somebody must look
 * again. */
static void thread_ends(void *value) {
    bool counted;
    (void)value;
    runtime_lock();
    counted = atomic_load(&runtime.running) && OWN(known_in) == runtime_epoch();
    if (counted) runtime.foreign_count--;
    OWN(known_in) = 0;
    runtime_unlock();
    if (OWN(known)) atomic_fetch_sub(&known_threads, 1);
    OWN(known) = false;
    threads_unshare();
    if (counted) worker_wake_one();
}

void foreign_forget(void) { thread_ends(NULL); }

static void make_key(void) { pthread_key_create(&key, thread_ends); }

struct task *threads_foreign(void) {
    bool running;
    OWN(stand_in).foreign = true;
    OWN(stand_in).core.sleep = &OWN(stand_in).sleep;
    /* A worker between two tasks is not the program's thread. */
    if (worker_self()) return &OWN(stand_in);
    running = atomic_load_explicit(&runtime.running, memory_order_acquire);
    if (OWN(known) && (!running || OWN(known_in) == runtime_epoch())) return &OWN(stand_in);
    pthread_once(&once, make_key);
    runtime_lock();
    if (!OWN(known)) {
        /* Where its end would not be told, it counts for ever. */
        OWN(known) = pthread_setspecific(key, &OWN(stand_in)) == 0;
        atomic_fetch_add(&known_threads, 1);
    }
    running = atomic_load(&runtime.running);
    if (running && OWN(known)) {
        runtime.foreign_count++;
        OWN(known_in) = runtime_epoch();
    }
    runtime_unlock();
    if (running) threads_share();
    return &OWN(stand_in);
}
