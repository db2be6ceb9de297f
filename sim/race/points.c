/*
 * points.c - plain accesses that are scheduling points.
 *
 * Two places that have raced are points in the runs that come after, where the strategy draws
 * schedules at random: what the race leads to shows then. The list is in the log, which outlives
 * the run, as numbers that are the same in every process; it is a part of the run's schedule.
 */
#include <dlfcn.h>
#include <string.h>

#include "lib/core/symbol.h"
#include "sim/race/race.h"

bool points_any;

/* The place within its module. */
static uint32_t name_of(const void *site) {
    Dl_info info;
    uint64_t hash = 1;
    if (!dladdr(site, &info) || !info.dli_fname) return 0;
    for (const char *c = symbol_basename(info.dli_fname); *c; c++)
        hash = mix(hash, (unsigned char)*c);
    return (uint32_t)mix(hash, (uintptr_t)site - (uintptr_t)info.dli_fbase);
}

static bool is_listed(uint32_t name, size_t count) {
    for (size_t i = 0; i < count && i < LOG_POINTS; i++)
        if (sim.log->points[i] == name) return true;
    return false;
}

bool points_at(const void *site) {
    enum { KNOWN = 1024 };
    static struct known {
        const void *site;
        uint32_t name;
    } known[KNOWN];
    struct known *slot = &known[mix((uintptr_t)site, 0) % KNOWN];
    if (sim.options.points == POINTS_ACCESS) return true;
    if (slot->site != site) *slot = (struct known){site, name_of(site)};
    return is_listed(slot->name, sim.log->points_used);
}

void points_learn(const void *site) {
    struct log *log = sim.log;
    uint32_t name;
    if (sim.options.points != POINTS_ATOMIC) return;
    name = name_of(site);
    if (log->point_count < LOG_POINTS && !is_listed(name, log->point_count))
        log->points[log->point_count++] = name;
}
