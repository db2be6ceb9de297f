/*
 * strategy_portfolio.c - several strategies in turn, since none is the best for every program: what
 * one finds in ten runs takes another ten thousand. On the mean it needs at most about as many
 * times the runs of the best as there are members.
 *
 * An exploration begins with a few runs of dfs, those with the fewest preemptions: what goes wrong
 * in the plainest schedules is found at once, and always. Not where there is to be one run alone:
 * that is a function of its seed.
 *
 * The seed decides whose turn it is, so runs with following seeds take turns.
 */
#include "sim/strategies.h"

/* Each has the same share of the runs. `begin` is the one place that says whose a run is. */
static struct strategy *const members[] = {&strategy_random, &strategy_pct, &strategy_pos,
                                           &strategy_surw};

enum { MEMBERS = sizeof members / sizeof *members };

enum { FIRST_RUNS = 16, FIRST_BOUND = 1 };
static int first_runs; /* of dfs that are still to be made */

static void start(struct strategy *strategy) {
    for (int i = 0; i < MEMBERS; i++) {
        members[i]->depth = strategy->depth;
        strategy_start(members[i]);
    }
}

static int open(struct strategy *strategy, const struct search_request *search) {
    struct search_request alone = *search;
    alone.share = (struct share){0}; /* every shard makes these runs */
    strategy_dfs.depth = FIRST_BOUND;
    first_runs = search->runs == 1 ? 0 : FIRST_RUNS;
    strategy->sampling = !first_runs;
    return strategy_dfs.open(&strategy_dfs, &alone);
}

static unsigned next(struct strategy *strategy, const struct log *log) {
    unsigned found = 0;
    (void)strategy;
    if (first_runs) {
        found = strategy_dfs.next(&strategy_dfs, log);
        first_runs = found & SEARCH_MORE ? first_runs - 1 : 0;
    }
    return (found & SEARCH_REPEATED) | SEARCH_MORE | SEARCH_GAPS;
}

/* What the last run was is known by now. */
static void close(struct strategy *strategy) {
    strategy_dfs.close(&strategy_dfs);
    strategy->sampling = true;
    first_runs = 0;
}

static void begin(struct strategy *strategy, uint64_t seed) {
    struct strategy *turn = first_runs ? &strategy_dfs : members[seed % MEMBERS];
    strategy->sampling = !first_runs;
    strategy->turn = turn;
    turn->begin(turn, seed);
}

/* Every member learns from the runs of all. Of what kind the next run is shows here too: it may be
 * performed by another process. */
static void learn(struct strategy *strategy, struct log *log) {
    strategy->sampling = !first_runs;
    for (int i = 0; i < MEMBERS; i++)
        if (members[i]->learn) members[i]->learn(members[i], log);
}

static const struct strategy_memory memory[] = {{&first_runs, sizeof first_runs}, {NULL, 0}};

static struct strategy *const parts[] = {&strategy_dfs, &strategy_random, &strategy_pct,
                                         &strategy_pos, &strategy_surw,   NULL};

struct strategy strategy_portfolio = {
    .name = "portfolio",
    .summary = "a few runs of dfs, then random, pct, pos and surw in turn (the default)",
    .start = start,
    .begin = begin,
    .learn = learn,
    .open = open,
    .next = next,
    .close = close,
    .memory = memory,
    .parts = parts,
    .most_depth = MOST_DEPTH,
    .sampling = true,
};
