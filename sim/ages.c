/* ages.c - the runnable tasks by how long they have been so without a step. */
#include "sim/sim.h"

void task_link_newest(struct task *task) {
    task->newer = NULL;
    task->older_link = sim.newest_link;
    *sim.newest_link = task;
    sim.newest_link = &task->newer;
}

void task_unlink_age(struct task *task) {
    struct task *newer = task->newer;
    *task->older_link = newer;
    *(newer ? &newer->older_link : &sim.newest_link) = task->older_link;
}

void task_becomes_newest(struct task *task) {
    if (!task->newer) return;
    task_unlink_age(task);
    task_link_newest(task);
}

/* The last step that it has begun, or in which it was made runnable. */
static uint64_t step_of(const struct task *task) {
    return task->step > task->woken ? task->step : task->woken;
}

/* Of tasks made runnable in one step that of the one that took it is the oldest. */
static bool is_older(const struct task *a, const struct task *b) {
    if (step_of(a) != step_of(b)) return step_of(a) < step_of(b);
    if ((a->step > a->woken) != (b->step > b->woken)) return a->step > a->woken;
    return a->core.id < b->core.id;
}

static struct task *merge(struct task *a, struct task *b) {
    struct task *first = NULL, **last = &first;
    while (a && b) {
        struct task **older = is_older(a, b) ? &a : &b;
        *last = *older;
        last = &(*older)->newer;
        *older = *last;
    }
    *last = a ? a : b;
    return first;
}

/* Links runnable[from .. to), the oldest first. */
static struct task *sort(size_t from, size_t to) {
    size_t middle = from + (to - from) / 2;
    if (to - from == 0) return NULL;
    if (to - from > 1) return merge(sort(from, middle), sort(middle, to));
    sim.runnable[from]->newer = NULL;
    return sim.runnable[from];
}

void ages_keep(void) {
    struct task *task, *newer;
    if (sim.aged) return;
    sim.aged = sim.extras = true;
    sim.newest_link = &sim.oldest;
    for (task = sort(0, sim.count); task; task = newer) {
        newer = task->newer;
        task_link_newest(task);
    }
}
