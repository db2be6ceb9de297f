/*
 * strategy_dfs.c - every schedule: the tree of choices, depth first.
 *
 * The path to the current run is a stack of decisions. A run follows it and takes the first
 * alternative wherever it comes to a new one; afterwards the last decision that has an alternative
 * left takes the next, and those behind it are forgotten. The first alternative is that the task
 * goes on.
 *
 * With a bound, the schedules without a preemption come first, then those with one, and so on
 * (M. Musuvathi, S. Qadeer: Iterative Context Bounding for Systematic Testing of Multithreaded
 * Programs, PLDI 2007): most errors need few. Each round follows the schedules of the one before
 * again where they do not use up their preemptions; those do not count. A timer that fires while the
 * task at a scheduling point could go on is a preemption too; to put off a task that spins is none.
 */
#include "sim/strategies.h"
#include "sim/systematic.h"

struct decision {
    uint32_t alternatives, taken;
};

static struct tree {
    struct search_timers timers;
    uint64_t seed;
    size_t size;           /* of all this */
    uint64_t bound, round; /* preemptions at most, at all and in this round */
    uint64_t preemptions;  /* in this run */
    size_t count, next;    /* decisions: on the path, and met in this run */
    size_t room;
    bool left_out; /* the round has left out what needs one more */
    bool gaps, unfair;
    struct decision path[];
} * tree;

static int open(struct strategy *strategy, const struct search_request *search) {
    /* As many as the log has room for choices. */
    size_t room = 4 * ((size_t)search->max_steps + 1024);
    size_t size = sizeof *tree + room * sizeof *tree->path;
    if (!(tree = search_memory(size))) return -ENOMEM;
    tree->size = size;
    tree->room = room;
    tree->seed = search->seed;
    tree->bound = strategy->depth >= 0 ? (uint64_t)strategy->depth : UINT64_MAX;
    tree->round = strategy->depth >= 0 ? 0 : UINT64_MAX;
    return 0;
}

static void close(struct strategy *strategy) {
    (void)strategy;
    search_release(tree, tree ? tree->size : 0);
    tree = NULL;
}

static void begin(struct strategy *strategy, uint64_t seed) {
    (void)strategy;
    (void)seed;
    tree->next = tree->preemptions = 0;
    tree->timers.task_steps = UINT64_MAX;
}

/* Takes one of so many alternatives. */
static uint32_t decide(uint64_t alternatives) {
    struct decision *decision = &tree->path[tree->next];
    if (alternatives < 2) return 0;
    if (alternatives > UINT32_MAX || tree->next == tree->room) {
        tree->gaps = true;
        return 0;
    }
    if (tree->next++ == tree->count) {
        tree->count++;
        *decision = (struct decision){(uint32_t)alternatives, 0};
    } else if (decision->alternatives != alternatives) {
        search_diverge();
    }
    return decision->taken;
}

/* The n-th of the tasks that do not spin; the current one is the first. */
static struct task *find(struct task *current, size_t n) {
    if (current && !search_spins(current) && n-- == 0) return current;
    for (size_t i = 0; i < sim.count; i++) {
        struct task *task = sim.runnable[i];
        if (task != current && !search_spins(task) && n-- == 0) return task;
    }
    return NULL;
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    size_t tasks = 0, alternatives, taken;
    bool goes_on;
    (void)strategy;
    if (timer && !search_timer(&tree->timers)) {
        tree->unfair = true;
        timer = false;
    }
    for (size_t i = 0; i < sim.count; i++) tasks += !search_spins(sim.runnable[i]);
    if (tasks < sim.count) tree->unfair = true;
    if (tasks == 0 && !timer) {
        /* They take turns; if none comes to something else ever, it is a livelock. */
        return sim.oldest;
    }
    goes_on = current && !search_spins(current);
    alternatives = tasks + timer;
    if (goes_on && alternatives > 1 && tree->preemptions == tree->round) {
        tree->left_out = true;
        alternatives = 1;
    }
    taken = decide(alternatives);
    if (goes_on && taken) tree->preemptions++;
    return taken == tasks ? NULL : find(current, taken);
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    (void)strategy;
    return decide(n);
}

static uint64_t draw(struct strategy *strategy) {
    (void)strategy;
    return search_random(tree->seed);
}

static unsigned next(struct strategy *strategy, const struct log *log) {
    bool repeated = tree->round != UINT64_MAX && tree->preemptions < tree->round;
    unsigned found = repeated ? SEARCH_REPEATED : 0;
    (void)strategy;
    if (search_cut(log)) tree->gaps = true;
    /* A run that ends before all of the path is no longer what it was. */
    if (tree->next < tree->count) {
        tree->count = tree->next;
        tree->gaps = true;
    }
    while (tree->count) {
        struct decision *last = &tree->path[tree->count - 1];
        if (++last->taken < last->alternatives) {
            found |= SEARCH_MORE;
            break;
        }
        tree->count--;
    }
    if (!tree->count && tree->left_out && tree->round < tree->bound) {
        tree->round++;
        tree->left_out = false;
        found |= SEARCH_MORE;
    }
    if (tree->gaps) found |= SEARCH_GAPS;
    return tree->unfair ? found | SEARCH_UNFAIR : found;
}

struct strategy strategy_dfs = {
    .name = "dfs",
    .summary = "every schedule; dfs:depth=N: those with at most N preemptions, fewest first",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .open = open,
    .next = next,
    .close = close,
    .ends = true,
    .most_depth = MOST_DEPTH,
    .bounded = true,
};
