/* task.h - what an engine runs on a task's stack. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include "lib/core/engine.h"

/* To be called before the first task runs. */
void task_prepare(void);

/* Where a task's function returns to; that of a group's task. */
HIDDEN extern const void *task_return_site, *task_return_site_in_group;

/*
 * The place to name for a call by this task that returns to `site`. A function that ends with a
 * call may have left its frame to that call, which then returns to the library, of no use to
 * anyone: the task's function is named instead.
 */
static inline const void *task_site(const struct task *self, const void *site) {
    const struct task_core *core = (const struct task_core *)self;
    if (LIKELY(site != task_return_site && site != task_return_site_in_group) || !core->fn)
        return site;
    return (const char *)(uintptr_t)core->fn + 1;
}

/* Starts a task, as pirn_go does. */
int task_start(const struct spawn *spawn);

/* Runs the task's function. */
void task_call_plain(pirn_fn *fn, void *arg);
void task_call_in_group(struct task *self);
static inline void task_call(struct task *self) {
    const struct task_core *core = (const struct task_core *)self;
    if (LIKELY(!core->team))
        task_call_plain(core->fn, core->arg);
    else
        task_call_in_group(self);
}

/* Runs the task's function and ends the task; does not return. */
_Noreturn void task_body(struct task *self);

/* The task's function has returned: tells its wait group or group. engine_exit comes next. */
void task_tell_groups(struct task *self);
static inline void task_tell_end(struct task *self) {
    const struct task_core *core = (const struct task_core *)self;
    if (core->group || core->team) task_tell_groups(self);
}

#endif
