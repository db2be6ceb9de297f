/*
 * dump.h - every task in words, those alike in one line.
 *
 * An engine shows its tasks one after the other, each as it was at one moment; tasks that do the same
 * in the same place, and were started in the same place, become a group. So a million tasks need
 * neither much memory nor many lines.
 */
#ifndef CORE_DUMP_H
#define CORE_DUMP_H

#include "lib/core/engine.h"

enum dump_state { DUMP_RUNNING, DUMP_RUNNABLE, DUMP_WAITING, DUMP_STATES };

/* Cases of a select that are shown. */
enum { DUMP_CASES = 8, DUMP_NAME = 64 };

struct dump_case {
    bool sends;
    const void *chan;
    waitq queue; /* a copy of its */
};

/* A task at one moment. Of the program's memory there are copies only: it may be gone. */
struct dump_task {
    struct task_core
        core; /* without `sleep`; `waits` is of use if it waits, and its queue is a copy */
    char name[DUMP_NAME]; /* where core.name points, unless it is NULL */
    waitq queue;          /* where core.waits.queue points, unless it is NULL */
    enum dump_state state;
    int worker;       /* that it runs on; -1: there are none */
    int64_t time;     /* for which it has waited, or run; -1: unknown */
    size_t cases;     /* of its select that have a channel */
    size_t cases_got; /* of these, in `shown` */
    struct dump_case shown[DUMP_CASES];
};

struct dump;

/* Adds a task. For engine_dump. */
void dump_add(struct dump *dump, const struct dump_task *task);

/* How many workers there are, and how many threads of the program's own wait; times below `grain`
 * are not known. Without this call there are none, and times are exact. */
void dump_engine(struct dump *dump, int workers, int strangers, int64_t grain);

/* Writes the tasks to a descriptor, for a report; `whole`: for who wants to look, with a line that
 * counts them, and with times. Returns 0 or a negative errno value. */
int dump_write(int fd, bool whole);

#endif
