/* group.h - what a task has to do with the group that it runs for. */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

#include "lib/core/engine.h"

typedef int group_fn(pirn_ctx *ctx, void *arg);

/* The context that the group's tasks get. */
pirn_ctx *group_ctx(pirn_group *group);

/* A task's function has returned that, at `site`. */
void group_result(struct task *self, pirn_group *group, int result, const void *site);

/* A task ends. The group may be gone when this returns. */
void group_leave(struct task *self, pirn_group *group, const void *site);

#endif
