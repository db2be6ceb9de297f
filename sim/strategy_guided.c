/*
 * strategy_guided.c - follows a plan as far as it can be met, or literal choices up to some step;
 * guide.h has more of it.
 *
 * In both cases the strategy has to be fair by itself: what was done about fairness when the run
 * was recorded is in its schedule.
 */
#include "sim/guide.h"
#include "sim/sim.h"
#include "sim/strategies.h"

static struct {
    struct plan plan;
    struct strategy *replay; /* instead of the plan; NULL: none */
    struct notes *notes;
    size_t next;
    uint64_t turn, departs; /* the step at which it leaves the replayed schedule */
    bool departed;
} guide;

static void begin(struct strategy *strategy, uint64_t seed) {
    (void)strategy;
    guide.next = 0;
    guide.turn = 0;
    guide.departed = false;
    if (guide.notes) guide.notes->count = 0;
    if (guide.replay) guide.replay->begin(guide.replay, seed);
    strategy_random.begin(&strategy_random, seed);
}

static void note(bool timer, struct draw draw) {
    struct notes *notes = guide.notes;
    if (!notes || notes->count == notes->room) return;
    notes->entries[notes->count++] = (struct note){(uint32_t)sim.log->steps, timer, draw};
}

/* From here on the run is one of the random strategy, which the engine has to keep fair. */
static bool has_departed(void) {
    if (guide.departed || sim.log->steps < guide.departs) return guide.departed;
    guide.departed = true;
    sim.idle = sim.turn = 0;
    sim.patience = PATIENCE;
    sim.fair_from = sim.first_step + sim.options.max_steps / 2;
    sim_plan();
    return true;
}

/* ---- Tasks --------------------------------------------------------------------------------- */

static struct task *find(uint64_t identity) {
    for (size_t i = 0; i < sim.count; i++)
        if (sim.runnable[i]->identity == identity) return sim.runnable[i];
    return NULL;
}

/* Without an end to it one that only tries in vain would never let the others on. */
static bool met(const struct task *task, const struct wish *wish) {
    if (wish->until == UNTIL_IT_WAITS) return sim.idle >= LEAST_PATIENCE;
    return task->steps >= wish->until;
}

static struct task *in_turn(bool timer) {
    if (timer && ++guide.turn > sim.count) {
        guide.turn = 0;
        return NULL;
    }
    return sim.oldest;
}

static struct task *follow(struct task *current, bool timer) {
    for (; guide.next < guide.plan.wish_count; guide.next++) {
        const struct wish *wish = &guide.plan.wishes[guide.next];
        struct task *task;
        if (!wish->identity) {
            if (!timer) continue;
            guide.next++;
            return NULL;
        }
        task = current && current->identity == wish->identity ? current : find(wish->identity);
        if (task && !met(task, wish)) return task;
    }
    if (sim.idle >= LEAST_PATIENCE || sim.log->steps - sim.first_step >= sim.options.max_steps / 2)
        return in_turn(timer);
    return current ? current : sim.oldest;
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    struct task *chosen;
    (void)strategy;
    if (!guide.replay)
        chosen = follow(current, timer);
    else if (has_departed())
        chosen = strategy_random.task(&strategy_random, current, timer);
    else
        chosen = guide.replay->task(guide.replay, current, timer);
    if (!chosen) note(true, (struct draw){0});
    return chosen;
}

/* ---- Draws --------------------------------------------------------------------------------- */

/* The draw that comes, without its value. */
static struct draw next_draw(void) {
    struct task *task = sim.current ? sim.current : &sim.clock;
    return (struct draw){task->identity, task->rank++, 0};
}

static uint64_t planned(const struct draw *asked) {
    const struct plan *plan = &guide.plan;
    size_t low = 0, high = plan->draw_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct draw *draw = &plan->draws[middle];
        if (draw->identity == asked->identity && draw->nth == asked->nth) return draw->value;
        if (draw->identity < asked->identity ||
            (draw->identity == asked->identity && draw->nth < asked->nth))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    struct draw draw = next_draw();
    (void)strategy;
    if (!guide.replay)
        draw.value = planned(&draw);
    else if (has_departed())
        draw.value = strategy_random.pick(&strategy_random, n);
    else
        draw.value = guide.replay->pick(guide.replay, n);
    if (draw.value >= n) draw.value = 0;
    note(false, draw);
    return draw.value;
}

static uint64_t draw(struct strategy *strategy) {
    struct draw draw = next_draw();
    (void)strategy;
    if (!guide.replay)
        draw.value = planned(&draw);
    else if (has_departed())
        draw.value = strategy_random.random(&strategy_random);
    else
        draw.value = guide.replay->random(guide.replay);
    note(false, draw);
    return draw.value;
}

/* ---- Making one ---------------------------------------------------------------------------- */

static struct strategy strategy = {
    .name = "shrink",
    .summary = "follows a plan",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .fair = true,
};

struct strategy *strategy_guided(const struct plan *plan, struct notes *notes) {
    guide.plan = *plan;
    guide.replay = NULL;
    guide.notes = notes;
    return &strategy;
}

struct strategy *strategy_noting(const uint64_t *choices, size_t count, struct notes *notes) {
    guide.replay = strategy_replay(choices, count);
    guide.notes = notes;
    guide.departs = UINT64_MAX;
    return &strategy;
}

struct strategy *strategy_departing(const uint64_t *choices, size_t count, uint64_t steps) {
    strategy_noting(choices, count, NULL);
    guide.departs = steps;
    return &strategy;
}
