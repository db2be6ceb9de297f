/* seal.c - see seal.h. */
#include "lib/core/seal.h"

#include <string.h>

#include "lib/core/crc32c.h"

_Static_assert(BLOCK_PAGES % 3 == 1, "the pages behind the first are summed by threes");

/* The first page with that seal, and without sums. */
static uint32_t sum_of_first(const unsigned char *block, uint32_t seal) {
    struct block_head head;
    memcpy(&head, block, sizeof head);
    head.seal = seal;
    memset(head.sums, 0, sizeof head.sums);
    return crc32c(crc32c(0, &head, sizeof head), block + sizeof head, BLOCK_PAGE - sizeof head);
}

void seal_sums(const unsigned char *block, uint32_t seal, unsigned pages, uint32_t *sums) {
    unsigned page = 1;
    if (pages) sums[0] = sum_of_first(block, seal);
    for (; page + 3 <= pages; page += 3)
        crc32c_three(block + page * (size_t)BLOCK_PAGE, BLOCK_PAGE, &sums[page]);
    for (; page < pages; page++)
        sums[page] = crc32c(0, block + page * (size_t)BLOCK_PAGE, BLOCK_PAGE);
}

void seal_block(unsigned char *block, size_t used) {
    struct block_head *head = (struct block_head *)block;
    memset(block + used, 0, BLOCK_SIZE - used);
    seal_sums(block, BLOCK_SEALED, BLOCK_PAGES, head->sums);
    __atomic_store_n(&head->seal, BLOCK_SEALED, __ATOMIC_RELEASE);
}
