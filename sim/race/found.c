/* found.c - what has been found goes into the log, as numbers and addresses; report.c, in the
 * process that explores, makes words of it. */
#include <link.h>
#include <string.h>

#include "sim/race/race.h"

/* ---- Thread-local storage ------------------------------------------------------------------ */

/* All tasks have one thread here, and so one copy of what each thread has a copy of: which accesses
 * to it meet on threads nobody can say. */
static int look_at_module(struct dl_phdr_info *info, size_t size, void *arg) {
    uintptr_t address = *(uintptr_t *)arg, start;
    (void)size;
    if (!info->dlpi_tls_data) return 0;
    start = (uintptr_t)info->dlpi_tls_data;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS && address - start < info->dlpi_phdr[i].p_memsz)
            return 1;
    return 0;
}

static bool is_thread_local(uintptr_t address) {
    return dl_iterate_phdr(look_at_module, &address) != 0;
}

/* ---- Into the log -------------------------------------------------------------------------- */

static void take_access(struct log_access *access, struct seen seen, size_t of_current) {
    size_t size;
    unsigned how;
    access->step = seen.step;
    access->task = sim.log->events[seen.step - 1].task;
    access->calls = (uint8_t)calls_read(seen.place, access->sites, LOG_CALLS, &how, &size);
    access->size = (uint32_t)(of_current ? of_current : size);
    access->how = (uint8_t)how;
}

static void take_memory(struct log_race *race, uintptr_t address) {
    const struct heap_block *block;
    size_t size;
    unsigned how;
    race->address = (const void *)address;
    race->memory = LOG_MEMORY_OTHER;
    race->owner = 0;
    race->allocated.calls = 0;
    for (const struct task *task = sim.tasks; task; task = task->next) {
        if (address - (uintptr_t)task->stack.base >= task->stack.size) continue;
        race->memory = LOG_MEMORY_STACK;
        race->owner = (uint32_t)task->core.id;
        return;
    }
    if (!(block = heap_find(address))) return;
    race->memory = LOG_MEMORY_HEAP;
    race->owner = block->task;
    race->start = block->start;
    race->size = block->size;
    race->allocated.calls =
        (uint8_t)calls_read(block->place, race->allocated.sites, LOG_CALLS, &how, &size);
}

static struct log_race *new_race(uintptr_t address, size_t size, struct seen before,
                                 struct seen now) {
    struct log *log = sim.log;
    struct log_race *race;
    if (log->finding_count == LOG_FINDINGS || log->race_count == LOG_FINDINGS) return NULL;
    race = &log->races[log->race_count];
    take_access(&race->before, before, 0);
    take_access(&race->now, now, size < UINT32_MAX ? size : 0);
    take_memory(race, address);
    race->known = clock_of(race->now.task, race->before.task);
    return race;
}

static const void *site_of(const struct log_access *access) {
    return access->calls ? access->sites[0] : NULL;
}

static bool is_known(const struct log_race *race) {
    for (size_t i = 0; i < sim.log->race_count; i++) {
        const struct log_race *other = &sim.log->races[i];
        const void *a = site_of(&race->before), *b = site_of(&race->now),
                   *c = site_of(&other->before), *d = site_of(&other->now);
        if ((a == c && b == d) || (a == d && b == c)) return true;
    }
    return false;
}

/* Whether nothing orders the two. */
static bool is_unordered(const struct log_race *race) {
    return race->now.task != race->before.task && race->known <= race->before.step;
}

static void learn(const struct log_race *race) {
    if (site_of(&race->before)) points_learn(site_of(&race->before));
    if (site_of(&race->now)) points_learn(site_of(&race->now));
}

static void add(const struct log_race *race, pirn_outcome kind) {
    struct log *log = sim.log;
    struct log_finding *finding;
    log_find(log, kind, race->now.step, 0, site_of(&race->now), "");
    finding = &log->findings[log->finding_count - 1];
    finding->other_step = race->before.step;
    finding->race = (uint32_t)++log->race_count;
}

void race_found(struct task *self, uintptr_t address, size_t size, struct seen before,
                struct seen now) {
    struct log_race *race;
    (void)self;
    if (is_thread_local(address) || !(race = new_race(address, size, before, now))) return;
    learn(race);
    if (!(sim.options.allow & PIRN_ALLOW_RACE) && !is_known(race)) add(race, PIRN_RACE);
}

_Noreturn void race_misuse(struct task *self, uintptr_t address, struct seen freed,
                           struct seen now) {
    struct log_race *race = new_race(address, 0, freed, now);
    bool twice = race && race->now.how & ACCESS_FREE;
    const char *message = twice ? "memory is freed twice" : "memory is used after it was freed";
    (void)self;
    if (!race) sim_stop(PIRN_MISUSE, message);
    if (is_unordered(race)) learn(race);
    add(race, PIRN_MISUSE);
    sim_outcome(PIRN_MISUSE, message);
    sim_leave();
}
