/* crc32c.h - check sums: CRC-32C, by the processor's instruction where it has one. */
#ifndef CORE_CRC32C_H
#define CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The sum of `size` bytes; `sum` is that of the bytes before them, or 0. Async-signal-safe. */
uint32_t crc32c(uint32_t sum, const void *bytes, size_t size);

/* The sums of three pieces that follow each other, each of `size` bytes, a multiple of 8; together
 * they take hardly longer than one. Async-signal-safe. */
void crc32c_three(const void *bytes, size_t size, uint32_t sums[3]);

#endif
