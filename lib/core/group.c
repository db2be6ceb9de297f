/*
 * group.c - groups: tasks that are waited for together, fail together and share a context.
 *
 * A group is a wait group that counts its tasks, a semaphore that keeps them to the limit, and a
 * context, whose memory it is: so a context that outlives the group, because a task has kept a
 * reference or made a child, is no trouble.
 */
#include "lib/core/group.h"

#include "lib/core/ctx.h"
#include "lib/core/report.h"
#include "lib/core/sem.h"
#include "lib/core/task.h"
#include "lib/core/waitgroup.h"

struct pirn_group {
    pirn_ctx ctx; /* first, so that they have one label */
    pirn_waitgroup tasks;
    pirn_sem slots; /* where there is a limit: how many more may run */
    bool limited;
    int result; /* the first that was not 0; under the lock of the context's tree */
};

/* The group itself, and its slots. */
static struct place place_of(enum op op, pirn_group *group, const void *site) {
    return (struct place){op, OBJECT_GROUP, group, &group->tasks.waiters, site};
}

static struct place slots_of(enum op op, pirn_group *group, const void *site) {
    return (struct place){op, OBJECT_SEM, group, &group->slots.waiters, site};
}

pirn_ctx *group_ctx(pirn_group *group) { return &group->ctx; }

EXPORT pirn_group *pirn_group_new(pirn_ctx *parent) {
    const void *site = CALLER();
    pirn_group *group = (pirn_group *)ctx_new(parent, sizeof *group, site);
    if (group) engine_object(&group->tasks.waiters, OBJECT_GROUP, group, 0, 0, site);
    return group;
}

EXPORT void pirn_group_limit(pirn_group *group, size_t n) {
    struct place place = place_of(OP_NONE, group, CALLER());
    struct task *self = engine_self(); /* a thread of the program becomes known before it locks */
    bool busy;

    engine_lock(&group->tasks.waiters);
    busy = group->tasks.count != 0;
    engine_unlock(&group->tasks.waiters);
    engine_lock(&group->slots.waiters);
    busy |= group->slots.waiters.first != NULL;
    engine_unlock(&group->slots.waiters);
    if (busy) misuse(self, &place, "a new limit for a group while its tasks run or start");
    group->limited = n <= INT64_MAX;
    if (!group->limited) return;
    group->slots.permits = (int64_t)n;
    if (!group->slots.waiters.kind)
        engine_object(&group->slots.waiters, OBJECT_SEM, group, 0, 0, place.site);
}

static void give_back(struct task *self, pirn_group *group, const void *site) {
    struct place slots = slots_of(OP_RELEASE, group, site);
    if (group->limited) sem_release(self, &slots, &group->slots, 1);
}

EXPORT int pirn_group_go(pirn_group *group, int (*fn)(pirn_ctx *ctx, void *arg), void *arg) {
    struct task *self = engine_self();
    struct spawn spawn = {
        .fn = (pirn_fn *)(void (*)(void))fn, .arg = arg, .team = group, .site = CALLER()};
    struct place place, slots;
    int rc;

    if (!group || !fn) return -EINVAL;
    place = place_of(OP_ADD, group, spawn.site);
    slots = slots_of(OP_ACQUIRE, group, spawn.site);
    if (group->limited) sem_acquire(self, &slots, &group->slots, 1, PIRN_FOREVER);
    waitgroup_count(self, &place, &group->tasks, 1);
    rc = task_start(&spawn);
    if (rc) {
        give_back(self, group, spawn.site);
        place.op = OP_DONE;
        waitgroup_count(self, &place, &group->tasks, -1);
    }
    return rc;
}

void group_result(struct task *self, pirn_group *group, int result, const void *site) {
    if (result) ctx_cancel(self, &group->ctx, &group->result, result, site);
}

void group_leave(struct task *self, pirn_group *group, const void *site) {
    struct place place = place_of(OP_DONE, group, site);
    give_back(self, group, site);
    waitgroup_count(self, &place, &group->tasks, -1);
}

EXPORT int pirn_group_wait(pirn_group *group) {
    struct task *self = engine_self();
    struct place place = place_of(OP_WAIT, group, CALLER());
    int result;

    waitgroup_wait(self, &place, &group->tasks, PIRN_FOREVER);
    result = group->result;
    ctx_cancel(self, &group->ctx, NULL, 0, place.site);
    engine_object_end(&group->tasks.waiters, group);
    engine_object_end(&group->slots.waiters, group);
    chan_unref(&group->ctx.done, place.site);
    return result;
}
