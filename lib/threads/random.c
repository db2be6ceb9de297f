/* random.c - random numbers, of each thread. */
#include "lib/threads/runtime.h"

/* xoroshiro128+ (D. Blackman and S. Vigna, 2018), seeded by splitmix64, one for each thread. */
uint64_t threads_random(void) {
    static LOCAL(uint64_t, state[2]);
    static _Atomic uint64_t seeds;
    uint64_t a = state[0], b = state[1], result;
    if (UNLIKELY(!(a | b))) {
        uint64_t seed = atomic_fetch_add(&seeds, 0x9e3779b97f4a7c15u) ^ (uint64_t)engine_now();
        for (int i = 0; i < 2; i++) {
            uint64_t z = seed += 0x9e3779b97f4a7c15u;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
            state[i] = z ^ (z >> 31);
        }
        a = state[0] | 1;
        b = state[1];
    }
    result = a + b;
    b ^= a;
    state[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    state[1] = (b << 37) | (b >> 27);
    return result;
}
