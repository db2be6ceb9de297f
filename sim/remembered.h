/*
 * remembered.h - what strategies remember from run to run, taken from the process that explores to
 * the one that performs runs.
 */
#ifndef SIM_REMEMBERED_H
#define SIM_REMEMBERED_H

#include "sim/strategy.h"

/* How many bytes that is. */
size_t remembered_size(const struct strategy *strategy);

/* Writes it, and what has changed only, to where it has been written before. */
void remembered_save(const struct strategy *strategy, void *to);

/* Has the strategy remember what another process has saved; writes only what has changed. */
void remembered_load(struct strategy *strategy, const void *from);

#endif
