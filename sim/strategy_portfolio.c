/*
 * strategy_portfolio.c - several strategies in turn, since none is the best for every program: what
 * one finds in ten runs takes another ten thousand. On the mean it needs at most about as many
 * times the runs of the best as there are members.
 *
 * The seed decides whose turn it is, so runs with following seeds take turns.
 */
#include "sim/strategies.h"

/* Each has the same share of the runs. `begin` is the one place that says whose a run is. */
static struct strategy *const members[] = {&strategy_random, &strategy_pct, &strategy_pos,
                                           &strategy_surw};

enum { MEMBERS = sizeof members / sizeof *members };

static struct strategy *turn = &strategy_random; /* whose run it is */

static void start(struct strategy *strategy) {
    for (int i = 0; i < MEMBERS; i++) {
        members[i]->depth = strategy->depth;
        strategy_start(members[i]);
    }
}

static void begin(struct strategy *strategy, uint64_t seed) {
    (void)strategy;
    turn = members[seed % MEMBERS];
    turn->begin(turn, seed);
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    (void)strategy;
    return turn->task(turn, current, timer);
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    (void)strategy;
    return turn->pick(turn, n);
}

static uint64_t draw(struct strategy *strategy) {
    (void)strategy;
    return turn->random(turn);
}

/* Every member learns from the runs of all. */
static void learn(struct strategy *strategy, struct log *log) {
    (void)strategy;
    for (int i = 0; i < MEMBERS; i++)
        if (members[i]->learn) members[i]->learn(members[i], log);
}

struct strategy strategy_portfolio = {
    .name = "portfolio",
    .summary = "random, pct, pos and surw in turn (the default)",
    .start = start,
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .learn = learn,
    .most_depth = MOST_DEPTH,
    .sampling = true,
};
