/*
 * dump.c - looking at tasks that go on meanwhile.
 *
 * A struct task stays as long as the run, but it may change while it is read, and be used for
 * another task. So what has been read counts only if the task's state shows afterwards that it has
 * stood still: the same id, and if it was parked the same parking. (A sequence lock, whose writers
 * have nothing to do but to change task.state; no thread waits.) What is reached through pointers
 * may even be gone while it is read; the kernel copies that, and says if it is not there.
 */
#include <pthread.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/core/dump.h"
#include "lib/core/task.h"
#include "lib/threads/runtime.h"

/* Times a task may change under the eyes, before it is shown without what it waits for. */
enum { TRIES = 16 };

#if PIRN_TSAN
#define RACES __attribute__((no_sanitize_thread))
#else
#define RACES
#endif

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

void tasks_hold(void) { pthread_mutex_lock(&held); }
void tasks_let_go(void) { pthread_mutex_unlock(&held); }

/* ---- Reading what may change --------------------------------------------------------------- */

/* Copies part of a struct task, word by word. */
static RACES void copy_words(void *to, const void *from, size_t size) {
    const volatile uintptr_t *source = from;
    for (size_t i = 0; i < size / sizeof *source; i++) {
        uintptr_t word = source[i];
        memcpy((char *)to + i * sizeof word, &word, sizeof word);
    }
}

/* Copies what may be gone; returns the number of bytes, less than `size` where it is. */
static size_t copy_through_kernel(void *to, const void *from, size_t size) {
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};
    ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    return n < 0 ? 0 : (size_t)n;
}

static bool copy_queue(waitq *to, const waitq *from) {
    return copy_through_kernel(to, from, sizeof *to) == sizeof *to;
}

static void copy_name(struct dump_task *seen) {
    const char *name = seen->core.name;
    if (!name) return;
    /* It may lie at the end of what is mapped. */
    memset(seen->name, 0, sizeof seen->name);
    seen->core.name =
        copy_through_kernel(seen->name, name, sizeof seen->name - 1) ? seen->name : NULL;
}

static void copy_cases(struct dump_task *seen, const struct task *task) {
    struct wait wait;
    struct waiter waiter;
    copy_words(&wait, &task->sleep.wait, sizeof wait);
    if (!wait.under_way) return;
    seen->cases = wait.count;
    while (seen->cases_got < wait.count && seen->cases_got < DUMP_CASES) {
        struct dump_case *shown = &seen->shown[seen->cases_got];
        const struct waiter *from = &wait.waiters[seen->cases_got];
        if (copy_through_kernel(&waiter, from, sizeof waiter) != sizeof waiter ||
            !copy_queue(&shown->queue, waiter.guard))
            return;
        shown->chan = waiter.guard;
        shown->sends = waiter.queue == waiter.guard; /* as in text_add_waiting */
        seen->cases_got++;
    }
}

/* ---- Tasks --------------------------------------------------------------------------------- */

struct look {
    struct dump *dump;
    int64_t now;
};

static void see_parked(struct dump_task *seen, const struct task *task, int64_t now) {
    struct place *waits = &seen->core.waits;
    int64_t since;
    copy_words(&since, &task->since, sizeof since);
    seen->state = DUMP_WAITING;
    seen->time = now > since ? now - since : 0;
    waits->site = task_site((const struct task *)&seen->core, waits->site);
    if (waits->queue) {
        if (copy_queue(&seen->queue, waits->queue))
            waits->queue = &seen->queue;
        else
            waits->queue = NULL;
    }
    if (waits->op == OP_SELECT || waits->op == OP_SELECT_FIRST) copy_cases(seen, task);
}

static void see_running(struct dump_task *seen, int index, int64_t now) {
    struct worker *worker = &runtime.workers[index];
    int64_t since = atomic_load(&worker->seen_at);
    seen->state = DUMP_RUNNING;
    seen->worker = index;
    if (!since) return; /* nobody watches */
    seen->time = 0;
    if (atomic_load(&worker->seen_tick) == atomic_load(&worker->tick) && now > since)
        seen->time = now - since;
}

/* Returns whether what has been seen was so at one moment; ends with state DUMP_STATES if there is
 * no task. */
static bool see(struct dump_task *seen, struct task *task, int64_t now, bool waits) {
    uint32_t state = atomic_load_explicit(&task->state, memory_order_acquire), after;
    uint64_t id;

    seen->state = DUMP_STATES;
    if (state % TASK_STATES == TASK_DEAD) return true;
    copy_words(&seen->core, &task->core, sizeof seen->core);
    copy_name(seen);
    seen->state = DUMP_RUNNABLE;
    seen->worker = -1;
    seen->time = -1;
    seen->cases = seen->cases_got = 0;
    if (state % TASK_STATES == TASK_RUNNING)
        see_running(seen, (int)(state / TASK_STATES), now);
    else if (state % TASK_STATES == TASK_PARKED && waits)
        see_parked(seen, task, now);
    if (seen->state != DUMP_WAITING) seen->core.waits = (struct place){0};

    /* Adds nothing, but as a release keeps what was read before it there. The state before the id:
     * a struct is dead before it gets another. */
    after = atomic_fetch_add_explicit(&task->state, 0, memory_order_acq_rel);
    copy_words(&id, &task->core.id, sizeof id);
    if (after % TASK_STATES == TASK_DEAD || id != seen->core.id) return false;
    return seen->state != DUMP_WAITING || after == state;
}

static void look_at(struct task *task, void *arg) {
    struct look *look = arg;
    struct dump_task seen;
    int tries = TRIES;
    while (tries && !see(&seen, task, look->now, tries > 1)) tries--;
    if (tries && seen.state != DUMP_STATES) dump_add(look->dump, &seen);
}

bool engine_dump(struct dump *dump) {
    struct look look = {dump, engine_now()};
    bool running;
    tasks_hold();
    running = atomic_load(&runtime.running);
    if (running) {
        dump_engine(dump, atomic_load(&runtime.active), atomic_load(&runtime.foreign_waiting),
                    10 * PIRN_MSEC);
        task_each(look_at, &look);
    }
    tasks_let_go();
    return running;
}
