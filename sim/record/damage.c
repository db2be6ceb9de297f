/* damage.c - see damage.h. */
#include "sim/record/damage.h"

#include "lib/core/engine.h"

static bool is_zero(const unsigned char *from, const unsigned char *to) {
    while (from < to)
        if (*from++) return false;
    return true;
}

/* A process that is killed while it makes a block leaves zeros, or a head without its first word,
 * which is written last. */
bool damage_of_gap(const struct block *block) {
    const unsigned char *end = block->bytes + block->size;
    const size_t word = offsetof(struct block_head, process), head = sizeof(struct block_head);
    if (block->size < head) return !is_zero(block->bytes, end);
    return !is_zero(block->bytes, block->bytes + word) || !is_zero(block->bytes + head, end);
}

/* Whether the items of a block end where `reader` has stopped. */
static bool is_end(const struct block_reader *reader, bool is_last,
                   const struct damage_of_run *run) {
    if (!reader->at || reader->at >= reader->end) return false;
    /* The next one is begun when this one has no room left. */
    if (!is_last) return reader->end - reader->at <= LONGEST_ITEM + OPERATION_ROOM;
    /* An item may be half written. Nothing was ever behind it, but in memory that is used again. */
    return !run->ended || run->in_memory || reader->end - reader->at <= LONGEST_ITEM ||
           is_zero(reader->at + LONGEST_ITEM, reader->end);
}

/* Reads a block. Returns whether it is as it was written; `*step` is the last one before it. */
static bool is_whole(const struct block *block, bool is_last, struct damage_of_run *run,
                     uint64_t *step) {
    struct block_reader reader;
    struct item item;
    bool whole = block->whole == BLOCK_SIZE && (is_last || block_sealed(block));
    block_begin(&reader, block);
    while (block_next(&reader, &item)) {
        if (item.type != ITEM_EVENT) continue;
        if (item.op >= OP_COUNT || item.step <= *step) whole = false;
        if (item.step > *step) *step = item.step;
        if (item.step <= run->base || item.step > run->last) continue;
        run->steps++;
        if (item.step > run->newest) run->newest = item.step;
    }
    return whole && is_end(&reader, is_last, run);
}

bool damage_of_buffer(const struct block *blocks, size_t count, struct damage_of_run *run) {
    const struct block_head *head = block_head(&blocks[0]);
    /* Of the blocks in memory the first are left out; so are those of earlier runs. */
    bool damaged = head->index != 0 && head->run == 1 && !run->in_memory;
    uint64_t step = 0;
    for (size_t i = 0; i < count; i++) {
        if (block_head(&blocks[i])->index != head->index + i) damaged = true;
        if (!is_whole(&blocks[i], i + 1 == count, run, &step)) damaged = true;
    }
    return damaged;
}
