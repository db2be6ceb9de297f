/*
 * waitgroup.c - wait groups (M4).
 *
 * `mark` collects the steps that count down, until a wait has ended and the count rises again: they
 * happen before the waits that the last of them releases. `waiters.mark` tells that a wait has ended. A released task does not touch the group again,
 * which may be gone by then.
 */
#include "lib/core/waitgroup.h"

#include "lib/core/report.h"

static struct place place_of(enum op op, pirn_waitgroup *group, const void *site) {
    return (struct place){op, OBJECT_WAITGROUP, group, &group->waiters, site};
}

void waitgroup_count(struct task *self, const struct place *place, pirn_waitgroup *group,
                     int64_t delta) {
    struct waiter *waiter, *woken = NULL;
    int64_t count;

    engine_intend(self, PIRN_FOREVER, delta, NULL, 0);
    engine_begin(self, place);
    engine_lock(&group->waiters);
    if (__builtin_add_overflow(group->count, delta, &count) || count < 0) {
        engine_unlock(&group->waiters);
        misuse(self, place,
               count < 0 && delta < 0 ? "the count of a wait group would be negative"
                                      : "the count of a wait group would overflow");
    }
    if (group->count == 0 && delta > 0) {
        if (group->waiters.first) {
            engine_unlock(&group->waiters);
            misuse(self, place, "add to a wait group that is at zero while a task waits on it");
        }
        if (group->waiters.mark) group->mark = group->waiters.mark = 0;
    }
    if (delta < 0) engine_release_also(self, &group->mark);
    group->count = count;
    if (count == 0) {
        while ((waiter = wait_next(&group->waiters))) {
            wait_end(self, waiter, 0);
            waiter->wait->mark = group->mark;
            engine_release(self, &group->waiters.mark);
            waiter->next = woken;
            woken = waiter;
        }
    }
    engine_unlock(&group->waiters);
    wait_wake_all(woken);
    engine_end(self, count);
}

void waitgroup_add(struct task *self, enum op op, pirn_waitgroup *group, int64_t delta,
                   const void *site) {
    struct place place = place_of(op, group, site);
    waitgroup_count(self, &place, group, delta);
}

int waitgroup_wait(struct task *self, const struct place *place, pirn_waitgroup *group,
                   int64_t deadline) {
    struct sleep *sleep;
    int rc = 0;

    engine_intend_until(self, deadline);
    engine_begin(self, place);
    engine_lock(&group->waiters);
    if (group->count == 0) {
        engine_acquire(self, &group->mark, EDGE_DONE);
        engine_release(self, &group->waiters.mark);
        engine_unlock(&group->waiters);
    } else if (deadline != PIRN_FOREVER && (deadline == PIRN_NOW || deadline <= engine_now())) {
        engine_unlock(&group->waiters);
        rc = deadline == PIRN_NOW ? -EAGAIN : -ETIMEDOUT;
    } else {
        sleep = wait_in_one(self, &group->waiters, &group->waiters, NULL, 0);
        wait_enqueue(&sleep->waiter);
        rc = wait_park_queued(&sleep->wait, place, deadline);
        if (rc == 0) engine_acquire(self, &sleep->wait.mark, EDGE_DONE);
    }
    engine_end(self, rc);
    return rc;
}

static int wait_until(pirn_waitgroup *group, int64_t deadline, const void *site) {
    struct place place = place_of(OP_WAIT, group, site);
    return waitgroup_wait(engine_self(), &place, group, deadline);
}

EXPORT void pirn_waitgroup_add(pirn_waitgroup *group, int64_t delta) {
    waitgroup_add(engine_self(), OP_ADD, group, delta, CALLER());
}

EXPORT void pirn_waitgroup_done(pirn_waitgroup *group) {
    waitgroup_add(engine_self(), OP_DONE, group, -1, CALLER());
}

EXPORT void pirn_waitgroup_wait(pirn_waitgroup *group) {
    wait_until(group, PIRN_FOREVER, CALLER());
}

EXPORT int pirn_waitgroup_wait_until(pirn_waitgroup *group, int64_t deadline) {
    return wait_until(group, deadline, CALLER());
}
