/* table.h - numbers to pointers: a hash table that keeps no order. */
#ifndef RECORD_TABLE_H
#define RECORD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    struct table_entry {
        uint32_t id; /* 0: a free slot */
        void *value;
    } * slots;
    size_t count, room; /* a power of two, or 0 */
};

/* What belongs to a number other than 0; NULL: nothing. */
void *table_find(const struct table *table, uint32_t id);

/* Adds what is not there yet. Returns false when memory is short. */
bool table_add(struct table *table, uint32_t id, void *value);

/* Takes out all for which keep(value, arg) is false, which frees the value; without memory to do so
 * it does nothing. */
void table_sweep(struct table *table, bool (*keep)(void *value, void *arg), void *arg);

/* Gives back the table, not what is in it. */
void table_free(struct table *table);

#endif
