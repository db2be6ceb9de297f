/* report.c - see report.h. */
#include "sim/race/report.h"

#include <stdio.h>
#include <string.h>

#include "lib/core/symbol.h"
#include "sim/race/race.h"

/* ---- Names --------------------------------------------------------------------------------- */

static void add_task(struct text *text, const struct log *log, uint32_t task) {
    const struct log_task *entry;
    struct symbol symbol;
    text_add(text, "task %u", task);
    if (!task || task > log->tasks || task > log->task_room) return;
    entry = &log->task_table[task - 1];
    if (*entry->name) {
        text_add(text, " (%.*s)", LOG_NAME, entry->name);
        return;
    }
    if (!entry->function) return;
    symbol_resolve((const char *)entry->function + 1, &symbol);
    if (*symbol.function) text_add(text, " (%s)", symbol.function);
}

static void add_object(struct text *text, const struct log *log, uint32_t number) {
    const struct log_object *object = &log->objects[number - 1];
    uintptr_t offset;
    const char *name;
    text_add(text, "%s", object_names[object->kind < OBJECT_COUNT ? object->kind : 0]);
    if (object->labelled) {
        text_add(text, " %.*s", LOG_NAME, object->label);
    } else if (object->address && (name = symbol_variable(object->address, &offset))) {
        text_add(text, offset ? " %s+%llu" : " %s", name, (unsigned long long)offset);
    } else if (object->site) {
        text_add(text, " from ");
        text_add_line(text, object->site);
    }
}

static bool is_object(const struct log *log, uint32_t number) {
    return number && number <= log->object_count && number <= log->object_room;
}

static const void *site_of(const struct log_access *access) {
    return access->calls ? access->sites[0] : NULL;
}

static void add_size(struct text *text, uint64_t size) {
    text_add(text, size == 1 ? "1 byte" : "%llu bytes", (unsigned long long)size);
}

static void add_access(struct text *text, const struct log *log, const struct log_access *access,
                       bool past) {
    static const char *const words[2][3] = {{"reads", "writes", "frees"},
                                            {"read", "wrote", "freed"}};
    unsigned word = access->how & ACCESS_FREE ? 2 : access->how & ACCESS_WRITE ? 1 : 0;
    add_task(text, log, access->task);
    text_add(text, access->how & ACCESS_ATOMIC ? " atomically %s " : " %s ", words[past][word]);
    add_size(text, access->size);
}

/* The variable, as short as can be; nothing where it has no name. */
static bool add_variable(struct text *text, const struct log_race *race) {
    uintptr_t offset;
    const char *name;
    if (race->memory != LOG_MEMORY_OTHER || !(name = symbol_variable(race->address, &offset)))
        return false;
    text_add(text, offset ? "%s+%llu" : "%s", name, (unsigned long long)offset);
    return true;
}

/* ---- The line ------------------------------------------------------------------------------ */

static void add_line(struct text *text, const struct log *log, const struct log_finding *finding) {
    const struct log_race *race = &log->races[finding->race - 1];
    if (finding->kind == PIRN_MISUSE) {
        text_add(text, race->now.how & ACCESS_FREE ? "freed twice: " : "used after free: ");
    } else {
        text_add(text, "data race");
        if (race->memory == LOG_MEMORY_STACK) {
            text_add(text, " on the stack of ");
            add_task(text, log, race->owner);
        } else if (race->memory == LOG_MEMORY_HEAP) {
            text_add(text, " on a heap block of ");
            add_size(text, race->size);
        } else {
            struct text rest = *text;
            text_add(text, " on ");
            if (!add_variable(text, race)) {
                *text = rest;
                text->start[text->length] = '\0';
            }
        }
        text_add(text, ": ");
    }
    add_access(text, log, &race->now, false);
    text_add(text, " in ");
    text_add_site(text, site_of(&race->now));
    text_add(text, ", ");
    add_access(text, log, &race->before, true);
    text_add(text, " in ");
    text_add_site(text, site_of(&race->before));
}

/* ---- The rest ------------------------------------------------------------------------------ */

/* The calls, without those of this library between a task's function and the program's. */
static void add_calls(struct text *text, const struct log_access *access) {
    for (unsigned i = 0; i < access->calls && i < LOG_CALLS; i++) {
        struct symbol symbols[SYMBOL_DEPTH];
        unsigned count = symbol_resolve_all(access->sites[i], symbols, SYMBOL_DEPTH);
        if (i && !strncmp(symbols->module, "libpirn", 7)) continue;
        for (unsigned j = 0; j < count; j++) {
            text_add(text, i || j ? "\n        called in " : "\n        in ");
            text_add_symbol(text, &symbols[j]);
        }
    }
}

enum { MOST_HELD = 8 };

struct held {
    uint32_t object, step;
    bool shared;
};

static unsigned drop(struct held held[MOST_HELD], unsigned count, uint32_t object, bool shared) {
    for (unsigned i = 0; i < count; i++) {
        if (held[i].object != object || held[i].shared != shared) continue;
        memmove(&held[i], &held[i + 1], (count - i - 1) * sizeof *held);
        return count - 1;
    }
    return count;
}

/* The locks that the task holds in that step. */
static unsigned find_held(const struct log *log, const struct log_access *access,
                          struct held held[MOST_HELD]) {
    unsigned count = 0;
    for (uint32_t step = 1; step <= access->step && step <= log->steps; step++) {
        const struct log_event *event = &log->events[step - 1];
        bool mine = event->task == access->task;
        if (!event->has_result || event->result != 0 || !is_object(log, event->object)) continue;
        switch (event->op) {
        case OP_LOCK:
        case OP_TRYLOCK:
        case OP_RLOCK:
        case OP_TRYRLOCK:
            if (mine && count < MOST_HELD)
                held[count++] = (struct held){event->object, step,
                                              event->op == OP_RLOCK || event->op == OP_TRYRLOCK};
            break;
        case OP_UNLOCK: /* which any task may do */
            count = drop(held, count, event->object, false);
            break;
        case OP_RUNLOCK:
            if (mine) count = drop(held, count, event->object, true);
            break;
        default:
            break;
        }
    }
    return count;
}

static void add_held(struct text *text, const struct log *log, const struct held *held,
                     unsigned count) {
    text_add(text, "\n        holding %s", count ? "" : "no lock");
    for (unsigned i = 0; i < count; i++) {
        if (i) text_add(text, ", ");
        add_object(text, log, held[i].object);
        text_add(text, held[i].shared ? " for reading, since " : ", since ");
        text_add_site(text, log->events[held[i].step - 1].site);
    }
}

static void add_start(struct text *text, const struct log *log, uint32_t task) {
    const struct log_task *entry;
    if (!task || task > log->tasks || task > log->task_room) return;
    entry = &log->task_table[task - 1];
    if (!entry->site) return;
    text_add(text, "\n        started by ");
    if (entry->parent)
        add_task(text, log, entry->parent);
    else
        text_add(text, "a timer");
    text_add(text, " in ");
    text_add_site(text, entry->site);
}

static void add_whole_access(struct text *text, const struct log *log,
                             const struct log_access *access, bool past) {
    struct held held[MOST_HELD];
    text_add(text, past ? "\n    earlier, in step %u, " : "\n    in step %u, ", access->step);
    add_access(text, log, access, past);
    add_calls(text, access);
    add_held(text, log, held, find_held(log, access, held));
    add_start(text, log, access->task);
}

static void add_memory(struct text *text, const struct log *log, const struct log_race *race) {
    uintptr_t offset;
    const char *name;
    switch (race->memory) {
    case LOG_MEMORY_STACK:
        text_add(text, "\n    the memory is on the stack of ");
        add_task(text, log, race->owner);
        return;
    case LOG_MEMORY_HEAP:
        text_add(text, "\n    the memory is byte %llu of a heap block of ",
                 (unsigned long long)((uintptr_t)race->address - race->start));
        add_size(text, race->size);
        if (!race->owner) {
            text_add(text, ", allocated before the run");
            return;
        }
        text_add(text, ", allocated by ");
        add_task(text, log, race->owner);
        add_calls(text, &race->allocated);
        return;
    default:
        name = symbol_variable(race->address, &offset);
        if (name)
            text_add(text, "\n    the memory is byte %llu of the variable %s",
                     (unsigned long long)offset, name);
        else
            text_add(text, "\n    the memory has no name");
    }
}

/* What the later task knew of the earlier one, and what was missing. */
static void add_order(struct text *text, const struct log *log, const struct log_race *race) {
    const struct log_event *event =
        race->known && race->known <= log->steps ? &log->events[race->known - 1] : NULL;
    text_add(text, "\n    ");
    add_task(text, log, race->now.task);
    if (!event) {
        text_add(text, " has synchronised with nothing that ");
        add_task(text, log, race->before.task);
        text_add(text, " did");
        return;
    }
    text_add(text, " has last synchronised with ");
    add_task(text, log, race->before.task);
    text_add(text, " by its step %u, %s", race->known,
             op_names[event->op < OP_COUNT ? event->op : 0]);
    if (is_object(log, event->object)) {
        text_add(text, " of ");
        add_object(text, log, event->object);
    }
    if (event->site) {
        text_add(text, " in ");
        text_add_site(text, event->site);
    }
    text_add(text, ": before the earlier access");
}

static void add_remedy(struct text *text, const struct log *log, const struct log_race *race) {
    struct held now[MOST_HELD], before[MOST_HELD];
    unsigned now_count = find_held(log, &race->now, now),
             before_count = find_held(log, &race->before, before);
    const struct held *lock = now_count ? now : before_count ? before : NULL;
    unsigned atomic = race->now.how & ACCESS_ATOMIC || race->before.how & ACCESS_ATOMIC;

    text_add(text, "\n    to order them: ");
    if ((race->now.how | race->before.how) & ACCESS_FREE) {
        text_add(text,
                 "free it only after a message, or a wait group, that says that it is done with");
    } else if (lock) {
        text_add(text, "hold ");
        add_object(text, log, lock->object);
        text_add(text, " for both%s", lock->shared ? ", and for writing where one writes" : "");
    } else if (atomic) {
        text_add(text, "make both accesses atomic");
    } else {
        text_add(text, "hold one mutex for both, send a message after the first and receive it "
                       "before the second, or publish it with release and acquire");
    }
}

void race_describe(struct text *text, const struct log *log, const struct log_finding *finding) {
    const struct log_race *race = &log->races[finding->race - 1];
    add_line(text, log, finding);
    add_whole_access(text, log, &race->now, false);
    add_whole_access(text, log, &race->before, true);
    add_memory(text, log, race);
    /* What is freed and used one after the other is wrong in any order. */
    if (race->now.task == race->before.task || race->known > race->before.step) return;
    add_order(text, log, race);
    add_remedy(text, log, race);
}

/* ---- The run ------------------------------------------------------------------------------- */

static bool is_race(const struct log *log, const struct log_finding *finding) {
    return finding->race && finding->race <= log->race_count && finding->race <= LOG_FINDINGS;
}

/* Worse, or of another kind altogether. */
static bool outweighs(pirn_outcome outcome) {
    return outcome == PIRN_CRASH || outcome == PIRN_PANIC || outcome == PIRN_MISUSE ||
           outcome == PIRN_DIVERGED || outcome == PIRN_RACE;
}

static bool same_line(const void *a, const void *b) {
    struct symbol x, y;
    symbol_resolve(a, &x);
    symbol_resolve(b, &y);
    if (!*x.file || !*y.file) return a == b;
    return x.line == y.line && !strcmp(x.file, y.file) && !strcmp(x.function, y.function);
}

/* Whether one of the first `count` findings is a race of the same two lines. */
static bool is_told(const struct log *log, size_t count, const struct log_race *race) {
    const void *a = site_of(&race->before), *b = site_of(&race->now);
    for (size_t i = 0; i < count; i++) {
        const struct log_race *other;
        if (log->findings[i].kind != PIRN_RACE || !log->findings[i].race) continue;
        other = &log->races[log->findings[i].race - 1];
        const void *c = site_of(&other->before), *d = site_of(&other->now);
        if ((same_line(a, c) && same_line(b, d)) || (same_line(a, d) && same_line(b, c)))
            return true;
    }
    return false;
}

void race_conclude(struct log *log) {
    size_t count = log->finding_count < LOG_FINDINGS ? log->finding_count : LOG_FINDINGS, kept = 0;
    const struct log_finding *first = NULL;

    if (!log->race_count) return;
    for (size_t i = 0; i < count; i++) {
        struct log_finding *finding = &log->findings[i];
        if (is_race(log, finding)) {
            struct text text = text_in(finding->message, sizeof finding->message);
            const struct log_race *race = &log->races[finding->race - 1];
            if (finding->kind == PIRN_RACE && (race_suppressed(race) || is_told(log, kept, race)))
                continue;
            add_line(&text, log, finding);
            if (finding->kind == PIRN_MISUSE)
                snprintf(log->message, sizeof log->message, "%s", finding->message);
        } else {
            finding->race = 0;
        }
        if (finding->kind == PIRN_RACE && !first) first = &log->findings[kept];
        if (&log->findings[kept] != finding) log->findings[kept] = *finding;
        kept++;
    }
    log->finding_count = kept;
    if (!first || outweighs(log->outcome)) return;
    log->outcome = PIRN_RACE;
    snprintf(log->message, sizeof log->message, "%s", first->message);
}
