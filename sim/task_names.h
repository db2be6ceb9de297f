/*
 * task_names.h - a name for each task of a run that no other task of the run has.
 *
 * Main is "main". Another task has the name that it was given, else that of its function, where
 * nobody else has it. Tasks that share one are told apart by a number, in the order of their
 * creation: worker.1, worker.2, ...
 */
#ifndef SIM_TASK_NAMES_H
#define SIM_TASK_NAMES_H

#include <stddef.h>

enum { TASK_NAME = 160 };

struct task_names;

/*
 * Prepares for `count` tasks, where base[i] is the name that task i + 1 would like to have. The
 * strings must outlive the result. Returns NULL when memory is short.
 */
struct task_names *task_names_new(const char *const *base, size_t count);
void task_names_free(struct task_names *names);

/* Writes the name of task i + 1; to be asked for each task once, in order. */
void task_names_next(struct task_names *names, size_t i, char name[TASK_NAME]);

#endif
