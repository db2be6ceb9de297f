/* read.c - see read.h. */
#include "sim/record/read.h"

#include <string.h>

#include "lib/core/seal.h"

bool block_has_head(const struct block *block) {
    return block->size >= sizeof(struct block_head) &&
           !memcmp(block_head(block)->magic, RECORDING_MAGIC, sizeof block_head(block)->magic);
}

static uint32_t seal_of(const struct block *block) {
    return __atomic_load_n(&block_head(block)->seal, __ATOMIC_ACQUIRE);
}

bool block_sealed(const struct block *block) { return seal_of(block) != 0; }

size_t block_whole(const struct block *block) {
    uint32_t sums[BLOCK_PAGES], seal = seal_of(block);
    unsigned pages = (unsigned)(block->size / BLOCK_PAGE), whole = 0;
    if (!seal) return block->size;
    seal_sums(block->bytes, seal, pages, sums);
    while (whole < pages && sums[whole] == block_head(block)->sums[whole]) whole++;
    return seal == BLOCK_SEALED ? (size_t)whole * BLOCK_PAGE : 0;
}

void block_begin(struct block_reader *reader, const struct block *block) {
    const struct block_head *head = block_head(block);
    *reader = (struct block_reader){.at = block->bytes + sizeof *head,
                                    .end = block->bytes + block->whole,
                                    .step = head->step,
                                    .ticks = head->ticks,
                                    .site = head->site};
}

/* ---- What items are made of ---------------------------------------------------------------- */

/* What follows is none that was written. */
static void stop(struct block_reader *r) { r->at = r->end = NULL; }

/* Past the end there are zeros, and the reader stays there. */
static uint8_t get_byte(struct block_reader *r) {
    if (r->at < r->end) return *r->at++;
    stop(r);
    return 0;
}

/* In no more bytes than it needs. */
static uint64_t get_number(struct block_reader *r) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = get_byte(r);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte >= 0x80) continue;
        if (!byte && shift) stop(r);
        return value;
    }
    stop(r);
    return value;
}

static int64_t unfold(uint64_t value) { return (int64_t)(value >> 1 ^ -(value & 1)); }

static int64_t get_signed(struct block_reader *r) { return unfold(get_number(r)); }

static uint32_t get_id(struct block_reader *r) { return (uint32_t)get_number(r); }

static void get_text(struct block_reader *r, struct item *item) {
    uint64_t length = get_number(r);
    if (!r->at || length > (size_t)(r->end - r->at)) {
        stop(r);
        return;
    }
    item->text = (const char *)r->at;
    item->length = (size_t)length;
    r->at += length;
}

/* ---- Items --------------------------------------------------------------------------------- */

/* A number of so many bytes. */
static uint64_t get_bytes(struct block_reader *r, unsigned length) {
    uint64_t value = 0;
    if (length > sizeof value || !r->at || (size_t)(r->end - r->at) < length) {
        stop(r);
        return 0;
    }
    for (unsigned i = 0; i < length; i++) value |= (uint64_t)r->at[i] << 8 * i;
    r->at += length;
    return value;
}

/* One that needs as many. */
static uint64_t get_short(struct block_reader *r, unsigned length) {
    uint64_t value = get_bytes(r, length);
    if (r->at && length && !(value >> 8 * (length - 1) & 0xff)) stop(r);
    return value;
}

static void get_event(struct block_reader *r, struct item *item) {
    uint32_t head = (uint32_t)get_bytes(r, EVENT_HEAD - 1);
    uint64_t numbers[EVENT_NUMBERS];
    item->op = (uint8_t)(head >> 4 * EVENT_NUMBERS);
    for (int i = 0; i < EVENT_NUMBERS; i++) numbers[i] = get_short(r, head >> 4 * i & 0xf);
    if (item->flags & ~EVENT_FLAGS) stop(r);
    item->step = r->step += numbers[0] + 1;
    item->time = r->ticks += (uint64_t)unfold(numbers[1]);
    item->result = unfold(numbers[2]);
    item->site = r->site += (uint64_t)unfold(numbers[3]);
    item->task = r->task += (uint32_t)unfold(numbers[4]);
    item->object = r->object += (uint32_t)unfold(numbers[5]);
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
        if (r->at) item->result = (int64_t)get_number(r);
        if (r->at) item->site = get_number(r);
        break;
    case ITEM_FINDING:
        item->task = get_id(r);
        item->site = get_number(r);
        item->flags = (uint8_t)get_number(r);
        get_text(r, item);
        break;
    default:
        stop(r);
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
