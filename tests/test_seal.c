/* test_seal.c - check sums, by the processor's instruction and by tables, and the blocks that they
 * seal. */
#include <stdlib.h>

#include "tests/harness.h"

/* Which of the two ways it goes is hidden in it. */
#include "lib/core/crc32c.c"
#include "lib/core/seal.c"

static _Alignas(8) unsigned char bytes[BLOCK_SIZE], copy[BLOCK_SIZE];

static void fill(void) {
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        bytes[i] = (unsigned char)(state >> 56);
    }
}

/* Those that RFC 3720 has as examples, and the usual one. */
static void check_known(void) {
    unsigned char data[32];
    CU_ASSERT_EQUAL(crc32c(0, "123456789", 9), 0xe3069283);
    CU_ASSERT_EQUAL(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    CU_ASSERT_EQUAL(crc32c(0, "", 0), 0);
    memset(data, 0, sizeof data);
    CU_ASSERT_EQUAL(crc32c(0, data, sizeof data), 0x8a9136aa);
    memset(data, 0xff, sizeof data);
    CU_ASSERT_EQUAL(crc32c(0, data, sizeof data), 0x62a8ab43);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)i;
    CU_ASSERT_EQUAL(crc32c(0, data, sizeof data), 0x46dd794e);
}

static void sums_are_those_that_are_known(void) {
    check_known();
    has_instruction = false;
    make_tables();
    check_known();
}

/* Where there is no instruction the tables are compared with themselves, byte by byte. */
static void both_ways_give_the_same(void) {
    bool has = has_instruction;
    fill();
    make_tables();
    for (size_t size = 0; size < 100; size++) {
        uint32_t whole, parts = 0, three[3], again[3];
        has_instruction = has;
        whole = crc32c(7, bytes + size, size);
        crc32c_three(bytes + size, size / 8 * 8, three);
        has_instruction = false;
        CU_ASSERT_EQUAL(crc32c(7, bytes + size, size), whole);
        crc32c_three(bytes + size, size / 8 * 8, again);
        for (int i = 0; i < 3; i++) {
            parts = crc32c(0, bytes + size + size / 8 * 8 * (size_t)i, size / 8 * 8);
            CU_ASSERT_EQUAL(three[i], parts);
            CU_ASSERT_EQUAL(again[i], parts);
        }
        parts = 7;
        for (size_t i = 0; i < size; i++) parts = crc32c(parts, bytes + size + i, 1);
        CU_ASSERT_EQUAL(parts, whole);
    }
}

static void make_block(size_t used) {
    struct block_head *head = (struct block_head *)bytes;
    fill();
    *head = (struct block_head){.magic = RECORDING_MAGIC, .process = 5, .run = 1};
    seal_block(bytes, used);
}

/* The pages of the block whose sums are not those in its head, as bits. */
static unsigned wrong_pages(void) {
    const struct block_head *head = (const struct block_head *)bytes;
    uint32_t sums[BLOCK_PAGES];
    unsigned wrong = 0;
    seal_sums(bytes, head->seal, BLOCK_PAGES, sums);
    for (int i = 0; i < BLOCK_PAGES; i++) wrong |= (unsigned)(sums[i] != head->sums[i]) << i;
    return wrong;
}

static void a_block_is_sealed(void) {
    const struct block_head *head = (const struct block_head *)bytes;
    uint32_t sums[BLOCK_PAGES];
    make_block(5000);
    CU_ASSERT_EQUAL(head->seal, BLOCK_SEALED);
    CU_ASSERT_EQUAL(head->process, 5);
    for (size_t i = 5000; i < BLOCK_SIZE; i++) CU_ASSERT_FATAL(!bytes[i]);
    CU_ASSERT_EQUAL(wrong_pages(), 0);
    for (unsigned pages = 0; pages <= BLOCK_PAGES; pages++) {
        seal_sums(bytes, BLOCK_SEALED, pages, sums);
        CU_ASSERT(!memcmp(sums, head->sums, pages * sizeof *sums));
    }
    memcpy(copy, bytes, sizeof copy);
    seal_block(bytes, 5000);
    CU_ASSERT(!memcmp(copy, bytes, sizeof copy));
}

/* Each bit of the head, some of the others: it is the page with that bit whose sum is another one, or
 * the page of a sum that has changed. */
static void each_bit_counts(void) {
    size_t first = offsetof(struct block_head, sums), last = sizeof(struct block_head);
    make_block(60000);
    for (size_t bit = 0; bit < 8 * (size_t)BLOCK_SIZE; bit += bit < 8 * last ? 1 : 509) {
        size_t at = bit / 8, page = at < first || at >= last ? at / BLOCK_PAGE : (at - first) / 4;
        bytes[at] ^= (unsigned char)(1 << bit % 8);
        CU_ASSERT_EQUAL_FATAL(wrong_pages(), 1u << page);
        bytes[at] ^= (unsigned char)(1 << bit % 8);
    }
    CU_ASSERT_EQUAL(wrong_pages(), 0);
}

static const struct test suite[] = {
    TEST(sums_are_those_that_are_known),
    TEST(both_ways_give_the_same),
    TEST(a_block_is_sealed),
    TEST(each_bit_counts),
};

HARNESS(suite)
