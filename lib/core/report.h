/*
 * report.h - what both engines say about tasks, objects and places: names and lines, never
 * addresses.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "lib/core/engine.h"

/* Text of bounded size; what does not fit is cut off. */
struct text {
    char *start;
    size_t size, length;
};

static inline struct text text_in(char *buffer, size_t size) {
    buffer[0] = '\0';
    return (struct text){buffer, size, 0};
}

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds "function at file:line", or what of it is known. */
void text_add_site(struct text *text, const void *site);
/* The same of what has been resolved. */
struct symbol;
void text_add_symbol(struct text *text, const struct symbol *symbol);

/* Adds the same without the function, for a name: "file:line". */
void text_add_line(struct text *text, const void *site);

/* Adds an object's kind and name: "channel jobs", or "channel from file:line" without a label. */
void text_add_object(struct text *text, const struct place *place);

/* Adds the name of a task: "task 3 (worker)". */
void text_add_task(struct text *text, const struct task *task);

/* Adds that name without the number: " (worker)". */
void text_add_task_name(struct text *text, const struct task *task);

/* Adds where it was started, and whether it is a daemon: "; started by task 1 in main at x.c:3". */
void text_add_origin(struct text *text, const struct task *task);

/* Adds a case of a select: ": sending to channel jobs"; `queue` is the channel's, or a copy. */
void text_add_case(struct text *text, size_t index, bool sends, const void *chan, waitq *queue);

/* Adds what somebody who waits in that place does: "receiving from channel jobs". `wait` tells
 * of a select. */
void text_add_waiting(struct text *text, const struct place *place, const struct wait *wait);

/* Adds a task's line in a dump: name, state, where it was started. */
void text_add_state(struct text *text, const struct task *task, const char *running);

/*
 * Ends the run because of a bug in the caller. The message becomes
 * "MESSAGE: mutex balance, by task 3 (worker) in transfer at service.c:41".
 */
_Noreturn void misuse(struct task *self, const struct place *place, const char *message);

#endif
