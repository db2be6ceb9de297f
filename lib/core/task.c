/* task.c - starting and ending tasks, and what needs no object. */
#include "lib/core/task.h"

#include "lib/core/context.h"
#include "lib/core/group.h"
#include "lib/core/report.h"
#include "lib/core/waitgroup.h"

EXPORT const char *pirn_version(void) { return PIRN_VERSION; }

CONTEXT_BOUNDARY int task_start(const struct spawn *spawn) {
    struct task *self = engine_self();
    struct place place = PLACE_ALONE(GO, spawn->site);
    uint64_t id = 0;
    int rc;

    if (!spawn->fn) return -EINVAL;
    if (spawn->copy) engine_touch(spawn->arg, spawn->copy, false, spawn->site);
    engine_begin_here(self, OP_GO, &place);
    rc = engine_spawn(self, spawn, &id);
    engine_end_here(self, OP_GO, rc ? rc : (int64_t)id);
    return rc;
}

EXPORT int pirn_go(pirn_fn *fn, void *arg) {
    struct spawn spawn = {.fn = fn, .arg = arg, .site = CALLER()};
    return task_start(&spawn);
}

EXPORT int pirn_go_copy(pirn_fn *fn, const void *arg, size_t size) {
    struct spawn spawn = {
        .fn = fn, .arg = size ? (void *)(uintptr_t)arg : NULL, .copy = size, .site = CALLER()};
    if (size && !arg) return -EINVAL;
    return task_start(&spawn);
}

EXPORT int pirn_go_with(const pirn_attr *attr, pirn_fn *fn, void *arg) {
    struct spawn spawn = {.fn = fn, .arg = arg, .site = CALLER()};
    if (attr) {
        spawn.name = attr->name;
        spawn.stack_size = attr->stack_size;
        spawn.daemon = attr->daemon;
    }
    return task_start(&spawn);
}

static int start_in_group(pirn_waitgroup *group, struct spawn *spawn) {
    int rc;
    if (!spawn->fn) return -EINVAL;
    waitgroup_add(engine_self(), OP_ADD, group, 1, spawn->site);
    spawn->group = group;
    rc = task_start(spawn);
    if (rc) waitgroup_add(engine_self(), OP_DONE, group, -1, spawn->site);
    return rc;
}

EXPORT int pirn_waitgroup_go(pirn_waitgroup *group, pirn_fn *fn, void *arg) {
    struct spawn spawn = {.fn = fn, .arg = arg, .site = CALLER()};
    return start_in_group(group, &spawn);
}

EXPORT int pirn_waitgroup_go_copy(pirn_waitgroup *group, pirn_fn *fn, const void *arg,
                                  size_t size) {
    struct spawn spawn = {
        .fn = fn, .arg = size ? (void *)(uintptr_t)arg : NULL, .copy = size, .site = CALLER()};
    if (size && !arg) return -EINVAL;
    return start_in_group(group, &spawn);
}

const void *task_return_site, *task_return_site_in_group;

static void find_return_site(void *arg) {
    (void)arg;
    task_return_site = __builtin_return_address(0);
}

static int find_return_site_in_group(pirn_ctx *ctx, void *arg) {
    (void)ctx;
    (void)arg;
    task_return_site_in_group = __builtin_return_address(0);
    return 0;
}

__attribute__((noinline)) void task_call_plain(pirn_fn *fn, void *arg) {
    fn(arg);
    __asm__ volatile(""); /* or the call would become a jump */
}

static __attribute__((noinline)) int call_in_group(group_fn *fn, pirn_ctx *ctx, void *arg) {
    int result = fn(ctx, arg);
    __asm__ volatile("");
    return result;
}

void task_prepare(void) {
    /* Volatile, or copies of the callers would be made for these. */
    pirn_fn *volatile probe = find_return_site;
    group_fn *volatile probe_in_group = find_return_site_in_group;
    if (task_return_site) return;
    task_call_plain(probe, NULL);
    call_in_group(probe_in_group, NULL, NULL);
}

/* Its function is as good a place as any for the end of a task; there is no call to name. */
static const void *end_site(const struct task_core *core) {
    return (const char *)(uintptr_t)core->fn + 1;
}

void task_call_in_group(struct task *self) {
    struct task_core *core = (struct task_core *)self;
    int result =
        call_in_group((group_fn *)(void (*)(void))core->fn, group_ctx(core->team), core->arg);
    group_result(self, core->team, result, end_site(core));
}

void task_tell_groups(struct task *self) {
    struct task_core *core = (struct task_core *)self;
    if (core->group) waitgroup_add(self, OP_DONE, core->group, -1, end_site(core));
    if (core->team) group_leave(self, core->team, end_site(core));
}

static _Noreturn void task_end(struct task *self) {
    task_tell_end(self);
    engine_exit(self);
}

void task_body(struct task *self) {
    task_call(self);
    task_end(self);
}

EXPORT void pirn_exit(void) {
    struct task *self = engine_self();
    struct place place = PLACE_ALONE(EXIT, CALLER());
    if (!pirn_self()) misuse(self, &place, "pirn_exit outside any task");
    task_end(self);
}

EXPORT void pirn_yield(void) {
    struct place place = PLACE_ALONE(YIELD, CALLER());
    engine_yield(engine_self(), &place);
}

EXPORT uint64_t pirn_random(void) {
    struct task *self = engine_self();
    struct place place = PLACE_ALONE(RANDOM, CALLER());
    uint64_t value;
    engine_begin(self, &place);
    value = engine_random();
    engine_end(self, (int64_t)value);
    return value;
}

EXPORT uint64_t pirn_choose(uint64_t n) {
    struct task *self = engine_self();
    struct place place = PLACE_ALONE(CHOOSE, CALLER());
    uint64_t value;
    engine_begin(self, &place);
    value = n < 2 ? 0 : engine_choose(n);
    engine_end(self, (int64_t)value);
    return value;
}
