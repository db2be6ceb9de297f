/*
 * share.h - which of an exploration's runs are whose.
 *
 * The runs of an exploration are numbered from 0, and run i has the i-th seed. A shard has every
 * so-many-th group of runs, so that all shards together have each run once, wherever they stop. It
 * counts its own runs, too: that number is a run's position.
 *
 * A strategy learns from the first LESSONS runs alone. So a later run is a function of the
 * program, the exploration's first seed and the run's own number, whoever makes it, and beside
 * whatever else: a shard and a process only have to be taught by the same lessons. Places of the
 * program that race are learned later, too: see race/places.h.
 */
#ifndef SIM_SHARE_H
#define SIM_SHARE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SHARE_GROUP = 4, /* the portfolio has as many members: a shard has runs of each */
    LESSONS = 16
};

struct share {
    uint64_t shard, shards; /* the shard-th, from 1, of so many */
    uint64_t branches;      /* of a search, for each shard; 0: as many as are best */
};

/* The run at a position. */
static inline uint64_t share_run(const struct share *share, uint64_t position) {
    uint64_t group = position / SHARE_GROUP * share->shards + share->shard - 1;
    return group * SHARE_GROUP + position % SHARE_GROUP;
}

/* How many of the runs before this one are the shard's: the position of the next one that is. */
static inline uint64_t share_position(const struct share *share, uint64_t run) {
    uint64_t round = run / (SHARE_GROUP * share->shards),
             rest = run % (SHARE_GROUP * share->shards), first = (share->shard - 1) * SHARE_GROUP;
    uint64_t own = rest <= first ? 0 : rest - first < SHARE_GROUP ? rest - first : SHARE_GROUP;
    return round * SHARE_GROUP + own;
}

static inline bool share_has(const struct share *share, uint64_t run) {
    return run / SHARE_GROUP % share->shards == share->shard - 1;
}

#endif
