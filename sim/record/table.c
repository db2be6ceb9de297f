/* table.c - see table.h. */
#include "sim/record/table.h"

#include <stdlib.h>

static struct table_entry *slot(const struct table *table, uint32_t id) {
    size_t at = (id * UINT32_C(0x9e3779b1)) & (table->room - 1);
    while (table->slots[at].id && table->slots[at].id != id) at = (at + 1) & (table->room - 1);
    return &table->slots[at];
}

void *table_find(const struct table *table, uint32_t id) {
    return table->room ? slot(table, id)->value : NULL;
}

static bool resize(struct table *table, size_t room) {
    struct table old = *table;
    table->slots = calloc(room, sizeof *table->slots);
    if (!table->slots) {
        *table = old;
        return false;
    }
    table->room = room;
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].id) *slot(table, old.slots[i].id) = old.slots[i];
    free(old.slots);
    return true;
}

bool table_add(struct table *table, uint32_t id, void *value) {
    if (2 * table->count >= table->room && !resize(table, table->room ? 2 * table->room : 64))
        return false;
    *slot(table, id) = (struct table_entry){id, value};
    table->count++;
    return true;
}

void table_sweep(struct table *table, bool (*keep)(void *value, void *arg), void *arg) {
    struct table swept = {calloc(table->room, sizeof *swept.slots), 0, table->room};
    if (!swept.slots) return;
    for (size_t i = 0; i < table->room; i++) {
        struct table_entry *entry = &table->slots[i];
        if (!entry->id || !keep(entry->value, arg)) continue;
        *slot(&swept, entry->id) = *entry;
        swept.count++;
    }
    free(table->slots);
    *table = swept;
}

void table_free(struct table *table) {
    free(table->slots);
    *table = (struct table){0};
}
