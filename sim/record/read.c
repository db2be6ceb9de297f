/* read.c - see read.h. */
#include "sim/record/read.h"

#include <string.h>

const struct block_head *block_head(const unsigned char *block) {
    const struct block_head *head = (const struct block_head *)block;
    return memcmp(head->magic, RECORDING_MAGIC, sizeof head->magic) ? NULL : head;
}

void block_begin(struct block_reader *reader, const unsigned char *block) {
    const struct block_head *head = (const struct block_head *)block;
    *reader = (struct block_reader){.at = block + sizeof *head,
                                    .end = block + BLOCK_SIZE,
                                    .step = head->step,
                                    .ticks = head->ticks,
                                    .site = head->site};
}

/* ---- What items are made of ---------------------------------------------------------------- */

/* Past the end there are zeros, and the reader stays there. */
static uint8_t get_byte(struct block_reader *r) {
    if (r->at < r->end) return *r->at++;
    r->at = NULL;
    r->end = NULL;
    return 0;
}

static uint64_t get_number(struct block_reader *r) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = get_byte(r);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return value;
}

static int64_t get_signed(struct block_reader *r) {
    uint64_t value = get_number(r);
    return (int64_t)(value >> 1 ^ -(value & 1));
}

static uint32_t get_id(struct block_reader *r) { return (uint32_t)get_number(r); }

static void get_text(struct block_reader *r, struct item *item) {
    uint64_t length = get_number(r);
    if (!r->at || length > (size_t)(r->end - r->at)) {
        r->at = r->end = NULL;
        return;
    }
    item->text = (const char *)r->at;
    item->length = (size_t)length;
    r->at += length;
}

/* ---- Items --------------------------------------------------------------------------------- */

static void get_event(struct block_reader *r, struct item *item) {
    item->op = get_byte(r);
    item->step = r->step += (uint64_t)get_signed(r);
    item->time = r->ticks += (uint64_t)get_signed(r);
    item->result = get_signed(r);
    item->site = r->site += (uint64_t)get_signed(r);
    item->task = r->task += (uint32_t)get_signed(r);
    item->object = r->object += (uint32_t)get_signed(r);
}

/* Of any other type. */
static void get_rest(struct block_reader *r, struct item *item) {
    switch (item->type) {
    case ITEM_EDGE:
        item->kind = get_byte(r);
        item->step = r->step + (uint64_t)get_signed(r);
        break;
    case ITEM_EDGES:
        item->kind = get_byte(r);
        item->object = get_id(r);
        item->result = (int64_t)get_number(r);
        break;
    case ITEM_ADD:
        item->object = get_id(r);
        item->result = (int64_t)get_number(r);
        item->step = r->step + (uint64_t)get_signed(r);
        break;
    case ITEM_CASE:
        item->op = get_byte(r);
        item->object = get_id(r);
        break;
    case ITEM_TASK:
        item->task = get_id(r);
        item->object = get_id(r);
        item->result = (int64_t)get_number(r);
        item->site = get_number(r);
        item->flags = (uint8_t)get_number(r);
        get_text(r, item);
        break;
    case ITEM_STATE:
        item->task = get_id(r);
        item->flags = (uint8_t)get_number(r);
        item->object = get_id(r);
        break;
    case ITEM_OBJECT:
        item->object = get_id(r);
        item->kind = get_byte(r);
        item->step = get_number(r);
        item->time = get_number(r);
        item->site = get_number(r);
        item->result = (int64_t)get_number(r);
        break;
    case ITEM_LABEL:
        item->object = get_id(r);
        get_text(r, item);
        break;
    case ITEM_LABEL_AT:
        item->result = (int64_t)get_number(r);
        get_text(r, item);
        break;
    case ITEM_OBJECT_END:
        item->object = get_id(r);
        break;
    case ITEM_RUN:
        item->step = get_number(r);
        item->time = get_number(r);
        item->result = (int64_t)get_number(r);
        break;
    case ITEM_PROGRAM:
        item->kind = get_byte(r);
        get_text(r, item);
        break;
    case ITEM_MODULE:
        item->step = get_number(r);
        item->time = get_number(r);
        item->result = (int64_t)get_number(r);
        get_text(r, item);
        break;
    case ITEM_ENDING:
        item->kind = get_byte(r);
        item->time = get_number(r);
        item->step = get_number(r);
        get_text(r, item);
        break;
    case ITEM_FINDING:
        item->task = get_id(r);
        item->site = get_number(r);
        item->flags = (uint8_t)get_number(r);
        get_text(r, item);
        break;
    default:
        r->at = r->end = NULL;
    }
}

bool block_next(struct block_reader *r, struct item *item) {
    uint8_t type;
    if (!r->at || r->at >= r->end) return false;
    type = __atomic_load_n(r->at, __ATOMIC_ACQUIRE);
    if (type == ITEM_NONE) return false;
    r->at++;
    *item = (struct item){.type = type};
    if (type & ITEM_EVENT) {
        item->type = ITEM_EVENT;
        item->flags = type & ~ITEM_EVENT;
        get_event(r, item);
    } else {
        get_rest(r, item);
    }
    return r->at != NULL;
}
