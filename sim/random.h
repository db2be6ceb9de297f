/* random.h - the generator behind the strategies, and the hash of what runs do: the same numbers
 * from the same seed, everywhere. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#define RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

/* splitmix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014). */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += RANDOM_STEP;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/*
 * Whether that number gives one of 0..n-1, which are the upper 32 bits of the product then, without a
 * division. It seldom does not (D. Lemire: Fast Random Integer Generation in an Interval, TOMACS
 * 2019).
 */
static inline bool random_is_even(uint64_t number, uint64_t n, uint64_t *product) {
    *product = (number >> 32) * n;
    return (uint32_t)*product >= n;
}

/* One of 0..n-1; n >= 1. Rejects what would make it uneven. */
static inline uint64_t random_below(uint64_t *state, uint64_t n) {
    uint64_t value, limit;
    if (n <= UINT32_MAX) {
        if (!random_is_even(random_next(state), n, &value))
            for (limit = (0 - (uint32_t)n) % n; (uint32_t)value < limit;)
                value = (random_next(state) >> 32) * n;
        return value >> 32;
    }
    limit = UINT64_MAX - UINT64_MAX % n;
    do value = random_next(state);
    while (value >= limit);
    return value % n;
}

/* Uniform in [0, 1). */
static inline double random_unit(uint64_t *state) {
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

/*
 * A hash of both: the two halves of a product, folded (as in wyhash, by Wang Yi). For inputs of
 * which one is a hash already, or constant.
 */
static inline uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product =
        (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xc4ceb9fe1a85ec53u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A number for each state that is as good as random_next's, in less time (wyrand, by Wang Yi). */
static inline uint64_t random_hash(uint64_t state) { return mix(state, state); }

#endif
