/* dump.c - groups of tasks that do the same, and pirn_dump; dump.h has the idea. */
#include "lib/core/dump.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/label.h"
#include "lib/core/nonblock.h"
#include "lib/core/report.h"
#include "lib/core/symbol.h"
#include "lib/core/task.h"

/* Lines, and tasks named in each. The table has twice the room, so that looking up is quick. */
enum { MOST_GROUPS = 1000, TABLE = 2048, FEW = 8, SHORT_NAME = 24, LINE = 2048 };

struct group {
    uint64_t key;
    size_t count;
    int64_t least, most; /* of their times */
    struct dump_task one;
    char doing[512]; /* written at once, since the label may go with the object */
    bool one_object, one_name, one_parent;
    struct {
        uint64_t id;
        char name[SHORT_NAME];
    } few[FEW]; /* with the lowest ids, in order */
};

struct dump {
    struct group *groups;
    uint16_t table[TABLE]; /* by key: index of the group + 1 */
    size_t group_count;
    size_t counts[DUMP_STATES];
    size_t left_out;
    int workers, strangers;
    int64_t grain;
    bool whole;
};

/* ---- Grouping ------------------------------------------------------------------------------ */

static uint64_t combine(uint64_t key, uint64_t value) {
    key = (key ^ value) * 0x9e3779b97f4a7c15u;
    return key ^ key >> 29;
}

static uint64_t mix_text(uint64_t key, const char *text) {
    while (*text) key = combine(key, (unsigned char)*text++);
    return combine(key, 0);
}

/* What reports say of an object: its label, else where it was made. */
static uint64_t mix_object(uint64_t key, const void *object, const waitq *queue) {
    char label[LABEL_SIZE];
    if (label_get(object, label)) return mix_text(key, label);
    return combine(combine(key, queue->kind), engine_object_site(queue));
}

/* Tasks with the same key are shown in one line. */
static uint64_t key_of(const struct dump_task *task) {
    const struct place *waits = &task->core.waits;
    uint64_t key = combine(task->state, (uintptr_t)task->core.fn);
    key = combine(key, (uintptr_t)task->core.site);
    key = combine(key, task->core.daemon);
    if (task->state == DUMP_RUNNING) return combine(key, (uint64_t)task->worker);
    if (task->state != DUMP_WAITING) return key;
    key = combine(combine(combine(key, waits->op), waits->kind), (uintptr_t)waits->site);
    if (waits->object && waits->queue && waits->kind != OBJECT_FD)
        key = mix_object(key, waits->object, waits->queue);
    key = combine(key, task->cases);
    for (size_t i = 0; i < task->cases_got; i++)
        key = mix_object(combine(key, task->shown[i].sends), task->shown[i].chan,
                         &task->shown[i].queue);
    return key;
}

static void describe(struct group *group, const struct dump_task *task) {
    struct text text = text_in(group->doing, sizeof group->doing);
    struct place waits = task->core.waits;
    text_add_waiting(&text, &waits, NULL);
    for (size_t i = 0; i < task->cases_got; i++) {
        waitq queue = task->shown[i].queue;
        text_add_case(&text, i, task->shown[i].sends, task->shown[i].chan, &queue);
    }
    if (task->cases > task->cases_got)
        text_add(&text, " or %zu more", task->cases - task->cases_got);
}

static struct group *group_for(struct dump *dump, const struct dump_task *task) {
    uint64_t key = key_of(task);
    uint16_t *place = &dump->table[key % TABLE];
    struct group *group;
    while (*place && dump->groups[*place - 1].key != key)
        place = place == &dump->table[TABLE - 1] ? dump->table : place + 1;
    if (*place) return &dump->groups[*place - 1];
    if (dump->group_count == MOST_GROUPS) return NULL;
    group = &dump->groups[dump->group_count++];
    *place = (uint16_t)dump->group_count;
    group->key = key;
    group->one = *task;
    group->one.core.waits.queue = NULL; /* that was a copy in `task` */
    group->one_object = group->one_name = group->one_parent = true;
    group->least = group->most = task->time;
    if (task->state == DUMP_WAITING) describe(group, task);
    return group;
}

/* Adds to those that are named; group->count has not been raised yet. */
static void note_few(struct group *group, uint64_t id, const char *name) {
    size_t at = group->count < FEW ? group->count : FEW;
    while (at && group->few[at - 1].id > id) at--;
    if (at == FEW) return;
    memmove(&group->few[at + 1], &group->few[at], (FEW - 1 - at) * sizeof *group->few);
    group->few[at].id = id;
    snprintf(group->few[at].name, SHORT_NAME, "%s", name);
}

static const char *name_of(const struct dump_task *task) {
    return task->core.name ? task->name : "";
}

/* Takes a task, or a whole group of them, into a group. */
static void note_alike(struct group *group, const struct dump_task *task) {
    group->one_object &= group->one.core.waits.object == task->core.waits.object;
    group->one_name &= strcmp(name_of(task), name_of(&group->one)) == 0;
    group->one_parent &= group->one.core.parent == task->core.parent;
}

static void note_times(struct group *group, int64_t least, int64_t most) {
    if (least < group->least) group->least = least;
    if (most > group->most) group->most = most;
}

void dump_add(struct dump *dump, const struct dump_task *task) {
    struct group *group = group_for(dump, task);
    dump->counts[task->state]++;
    if (!group) {
        dump->left_out++;
        return;
    }
    note_alike(group, task);
    note_times(group, task->time, task->time);
    note_few(group, task->core.id, name_of(task));
    group->count++;
}

void dump_engine(struct dump *dump, int workers, int strangers, int64_t grain) {
    dump->workers = workers;
    dump->strangers = strangers;
    dump->grain = grain;
}

/* ---- In words ------------------------------------------------------------------------------ */

static void add_time(struct text *text, int64_t ns, int64_t grain) {
    if (ns < grain)
        text_add(text, "under %" PRId64 " ms", grain / PIRN_MSEC);
    else if (ns < PIRN_USEC)
        text_add(text, "%" PRId64 " ns", ns);
    else if (ns < PIRN_MSEC)
        text_add(text, "%.3g us", (double)ns / PIRN_USEC);
    else if (ns < PIRN_SEC)
        text_add(text, "%" PRId64 " ms", ns / PIRN_MSEC);
    else if (ns < 100 * PIRN_SEC)
        text_add(text, "%.3g s", (double)ns / PIRN_SEC);
    else if (ns < 6000 * PIRN_SEC)
        text_add(text, "%" PRId64 " min", ns / (60 * PIRN_SEC));
    else
        text_add(text, "%" PRId64 " h", ns / (3600 * PIRN_SEC));
}

static void add_times(struct text *text, const struct dump *dump, const struct group *group) {
    if (!dump->whole || group->most < 0) return;
    text_add(text, " for ");
    add_time(text, group->least, dump->grain);
    if (group->most / PIRN_MSEC == group->least / PIRN_MSEC || group->most < dump->grain) return;
    text_add(text, " to ");
    add_time(text, group->most, dump->grain);
}

static void add_doing(struct text *text, const struct dump *dump, const struct group *group) {
    const struct place *waits = &group->one.core.waits;
    struct place alone = PLACE_ALONE(NONE, NULL);
    switch (group->one.state) {
    case DUMP_RUNNING:
        text_add(text, "running");
        if (group->one.worker >= 0) text_add(text, " on worker %d", group->one.worker);
        add_times(text, dump, group);
        return;
    case DUMP_WAITING:
        break;
    default:
        text_add(text, "runnable");
        return;
    }
    if (waits->kind == OBJECT_FD && !group->one_object) {
        alone.op = waits->op;
        text_add_waiting(text, &alone, NULL);
        text_add(text, " descriptors");
    } else {
        text_add(text, "%s", group->doing);
        if (!group->one_object) text_add(text, " (not all the same one)");
    }
    add_times(text, dump, group);
    text_add(text, ", in ");
    text_add_site(text, waits->site);
}

static void add_few(struct text *text, const struct group *group) {
    size_t shown = group->count < FEW ? group->count : FEW;
    for (size_t i = 0; i < shown; i++) {
        text_add(text, "%s%" PRIu64, i ? ", " : ": ", group->few[i].id);
        if (!group->one_name && *group->few[i].name) text_add(text, " (%s)", group->few[i].name);
    }
    if (group->count > shown) text_add(text, " and %zu more", group->count - shown);
}

static void add_group(struct text *text, const struct dump *dump, struct group *group) {
    struct task_core *core = &group->one.core;
    text_add(text, "  ");
    core->name = group->one_name && core->name ? group->one.name : NULL;
    if (group->count == 1) {
        text_add_task(text, (const struct task *)core);
    } else {
        text_add(text, "%zu tasks", group->count);
        text_add_task_name(text, (const struct task *)core);
    }
    text_add(text, ": ");
    add_doing(text, dump, group);
    if (!group->one_parent) core->parent = 0;
    text_add_origin(text, (const struct task *)core);
    if (group->count > 1) add_few(text, group);
    text_add(text, "\n");
}

/*
 * A compiler may have made several calls of one in the source, by inlining or by unrolling a loop.
 * What reads the same is one group.
 */
static uint64_t key_in_words(const struct group *group, char *buffer) {
    static const struct dump plain;
    struct text text = text_in(buffer, LINE);
    struct task_core core = group->one.core;
    core.name = NULL;
    core.parent = 0;
    text_add_task_name(&text, (const struct task *)&core);
    add_doing(&text, &plain, group);
    text_add_origin(&text, (const struct task *)&core);
    return mix_text(0, buffer);
}

static void merge(struct group *group, const struct group *other) {
    size_t named = other->count < FEW ? other->count : FEW;
    note_alike(group, &other->one);
    group->one_object &= other->one_object;
    group->one_name &= other->one_name;
    group->one_parent &= other->one_parent;
    note_times(group, other->least, other->most);
    for (size_t i = 0; i < named; i++) {
        note_few(group, other->few[i].id, other->few[i].name);
        group->count++;
    }
    group->count += other->count - named;
}

static void merge_groups(struct dump *dump, char *buffer) {
    size_t kept = 0, j;
    for (size_t i = 0; i < dump->group_count; i++) {
        struct group *group = &dump->groups[i];
        group->key = key_in_words(group, buffer);
        for (j = 0; j < kept && dump->groups[j].key != group->key; j++) continue;
        if (j < kept)
            merge(&dump->groups[j], group);
        else if (kept++ < i)
            dump->groups[kept - 1] = *group;
    }
    dump->group_count = kept;
}

static void add_header(struct text *text, const struct dump *dump) {
    size_t total = 0;
    for (int i = 0; i < DUMP_STATES; i++) total += dump->counts[i];
    text_add(text, "pirn: %zu task%s: %zu running, %zu runnable, %zu waiting", total,
             total == 1 ? "" : "s", dump->counts[DUMP_RUNNING], dump->counts[DUMP_RUNNABLE],
             dump->counts[DUMP_WAITING]);
    if (dump->workers)
        text_add(text, "; %d worker%s", dump->workers, dump->workers == 1 ? "" : "s");
    if (dump->strangers)
        text_add(text, "; %d thread%s of the program wait%s", dump->strangers,
                 dump->strangers == 1 ? "" : "s", dump->strangers == 1 ? "s" : "");
    text_add(text, "\n");
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* The descriptor may be a non-blocking one. */
static int write_all(int fd, const char *bytes, size_t size) {
    while (size) {
        ssize_t n = nonblock_write_quietly(fd, bytes, size);
        if (n == -EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
            continue;
        }
        if (n <= 0) return n ? (int)n : -EIO;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static int by_id(const void *a, const void *b) {
    const struct group *x = a, *y = b;
    return (x->few[0].id > y->few[0].id) - (x->few[0].id < y->few[0].id);
}

static int write_groups(struct dump *dump, int fd, char *buffer) {
    struct text text = text_in(buffer, LINE);
    int rc = 0;
    merge_groups(dump, buffer);
    qsort(dump->groups, dump->group_count, sizeof *dump->groups, by_id);
    if (dump->whole) {
        add_header(&text, dump);
        rc = write_all(fd, buffer, text.length);
    }
    for (size_t i = 0; i < dump->group_count && !rc; i++) {
        text = text_in(buffer, LINE);
        add_group(&text, dump, &dump->groups[i]);
        /* However much has been cut off. */
        buffer[text.length - 1] = '\n';
        rc = write_all(fd, buffer, text.length);
    }
    if (!dump->left_out || rc) return rc;
    text = text_in(buffer, LINE);
    text_add(&text, "  ... and %zu more in other places\n", dump->left_out);
    return write_all(fd, buffer, text.length);
}

int dump_write(int fd, bool whole) {
    static const char nothing[] = "pirn: no runtime is running\n";
    /* Not on the stack, which may be small. */
    struct dump *dump = calloc(1, sizeof *dump + LINE);
    int number = errno, rc = -ENOMEM;
    if (dump) dump->groups = calloc(MOST_GROUPS, sizeof *dump->groups);
    if (dump && dump->groups) {
        /* The first look at debugging information takes long; let it not be amid the tasks. */
        symbol_resolve(CALLER(), &(struct symbol){0});
        dump->whole = whole;
        rc = engine_dump(dump) ? write_groups(dump, fd, (char *)(dump + 1))
                               : write_all(fd, nothing, sizeof nothing - 1);
    }
    if (dump) free(dump->groups);
    free(dump);
    errno = number;
    return rc;
}

EXPORT int pirn_dump(int fd) { return dump_write(fd, true); }
