/* crc32c.c - see crc32c.h: eight bytes at a time, by an instruction or by eight tables. */
#include "lib/core/crc32c.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL UINT32_C(0x82f63b78) /* bits reversed */

enum { WORD = 8 };

/* What a byte does to the sum, with so many bytes behind it. */
static uint32_t tables[WORD][256];

static uint32_t four_bytes(const unsigned char *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t add_by_tables(uint32_t sum, const unsigned char *at, size_t size) {
    for (; size >= WORD; at += WORD, size -= WORD) {
        uint32_t low = sum ^ four_bytes(at), high = four_bytes(at + 4);
        sum = 0;
        for (int i = 0; i < 4; i++)
            sum ^= tables[7 - i][low >> 8 * i & 0xff] ^ tables[3 - i][high >> 8 * i & 0xff];
    }
    while (size--) sum = sum >> 8 ^ tables[0][(sum ^ *at++) & 0xff];
    return sum;
}

static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = sum;
    }
    for (int i = 1; i < WORD; i++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t sum = tables[i - 1][byte];
            tables[i][byte] = sum >> 8 ^ tables[0][sum & 0xff];
        }
}

#if defined __x86_64__
#define HAS_INSTRUCTION __builtin_cpu_supports("sse4.2")
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))

static inline uint64_t eight_bytes(const unsigned char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

WITH_INSTRUCTION
static uint32_t add_by_instruction(uint32_t before, const unsigned char *at, size_t size) {
    uint64_t sum = before;
    for (; size >= WORD; at += WORD, size -= WORD)
        sum = __builtin_ia32_crc32di(sum, eight_bytes(at));
    while (size--) sum = __builtin_ia32_crc32qi((uint32_t)sum, *at++);
    return (uint32_t)sum;
}

/* The instruction's result comes three cycles later, but one can begin in each. */
WITH_INSTRUCTION
static void three_by_instruction(const unsigned char *at, size_t size, uint32_t sums[3]) {
    uint64_t a = ~UINT32_C(0), b = a, c = a;
    for (size_t i = 0; i < size; i += WORD) {
        a = __builtin_ia32_crc32di(a, eight_bytes(at + i));
        b = __builtin_ia32_crc32di(b, eight_bytes(at + size + i));
        c = __builtin_ia32_crc32di(c, eight_bytes(at + 2 * size + i));
    }
    sums[0] = ~(uint32_t)a;
    sums[1] = ~(uint32_t)b;
    sums[2] = ~(uint32_t)c;
}
#else
#define HAS_INSTRUCTION false
#define add_by_instruction add_by_tables
#define three_by_instruction three_by_tables
#endif

static void three_by_tables(const unsigned char *at, size_t size, uint32_t sums[3]) {
    for (int i = 0; i < 3; i++) sums[i] = ~add_by_tables(~UINT32_C(0), at + (size_t)i * size, size);
}

static bool has_instruction;

static __attribute__((constructor)) void choose(void) {
    has_instruction = HAS_INSTRUCTION;
    if (!has_instruction) make_tables();
}

uint32_t crc32c(uint32_t sum, const void *bytes, size_t size) {
    return ~(has_instruction ? add_by_instruction : add_by_tables)(~sum, bytes, size);
}

void crc32c_three(const void *bytes, size_t size, uint32_t sums[3]) {
    (has_instruction ? three_by_instruction : three_by_tables)(bytes, size, sums);
}
