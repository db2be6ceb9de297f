/*
 * orders.h - in which order calls were seen that concern each other: operations on one object by
 * two tasks, which do not commute and which starting the later task does not order.
 *
 * A pair that came in one order only is a schedule that has not been tried, or one that cannot be.
 */
#ifndef SIM_ORDERS_H
#define SIM_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/log.h"

struct exploration;
struct recorder;

/* Operations called from one line. */
struct call_site {
    uint64_t key; /* the same for equal ones */
    const void *site;
    uint8_t op;
};

/* One came before the other. */
struct call_order {
    struct call_site before, after;
    uint64_t runs, last; /* how many; the last of them, counted from 1 */
    int64_t run;         /* the first of them in the trace; 0: it is not there */
};

struct orders {
    struct call_order *table; /* a hash table; after.key 0: a free slot */
    size_t count, room;
    /* Who has used an object in the run that is looked at. */
    struct use {
        struct call_site call;
        uint32_t task, step, next; /* `next` of the same object, 0: none */
    } * uses;
    size_t use_count, use_room;
    uint32_t *first;   /* use of each object */
    uint32_t *started; /* for each task the step that started it; 0: unknown */
    size_t object_room, task_room;
};

/* Counts the orders in the exploration's last run. What there is no memory for is left out. */
void orders_count(struct orders *orders, struct exploration *exploration);

/* How many pairs of calls there are, and how many of them came in one order only. */
void orders_sum(const struct orders *orders, uint64_t *pairs, uint64_t *one_way);

/* Adds them to the trace. Returns as recorder_add. */
int orders_record(const struct orders *orders, struct recorder *recorder);

void orders_free(struct orders *orders);

#endif
