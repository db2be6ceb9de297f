/* seal.h - the check sums of a recording's blocks (recording.h). */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "lib/core/recording.h"

/* The sums that a block with this seal has for its first `pages` pages, which it need not have. */
void seal_sums(const unsigned char *block, uint32_t seal, unsigned pages, uint32_t *sums);

/* Nothing more comes into a block, of which `used` bytes are: makes zeros of the others and seals
 * it. Whoever reads it meanwhile finds it open, or sealed. Async-signal-safe. */
void seal_block(unsigned char *block, size_t used);

#endif
