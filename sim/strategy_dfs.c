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
 *
 * What is to be done is a list of subtrees (subtrees.h). One process takes one of them whole; where
 * several share the work, each run is given out with what is below it, and what turns out to be
 * below it goes back to the list. So nothing is made twice or left out, and the order of the runs
 * depends on how many are given out at a time, but not on who makes them and how long that takes.
 *
 * Shards begin alike: each makes the first runs, until there are enough subtrees, and keeps those
 * that are its own. No shard knows what the others have left out, so there are no rounds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/share.h"
#include "sim/strategies.h"
#include "sim/subtrees.h"
#include "sim/systematic.h"

/* A run that is to be made, and what it was. */
static struct tree {
    struct search_timers timers;
    uint64_t round;       /* preemptions at most */
    uint64_t preemptions; /* in this run */
    bool given;           /* it is to be made; else all of this is old */
    size_t floor, planned;
    size_t count, next; /* decisions: on the path, and met in this run */
    bool left_out;      /* the run has left out what needs one more preemption */
    bool gaps, unfair;
    struct decision path[];
} * tree;

enum { SHARES = 16 /* subtrees for each shard */ };

/* Of the process that explores; those that perform runs look at what stays as it is. */
static struct {
    uint64_t seed;
    uint64_t bound, round; /* preemptions at most, at all and in this round */
    bool left_out, gaps, unfair;
    struct share share;
    bool dealing;  /* subtrees are still being made for all shards */
    uint64_t made; /* runs for that */
    struct subtrees todo;
    size_t room;  /* decisions of a run */
    size_t given; /* parts */
    char *parts;  /* shared: a tree each */
    size_t count, size;
} search;

static struct tree *part_at(size_t part) {
    return (struct tree *)(void *)(search.parts + part * search.size);
}

/* Gives a part what it is to do; false: there is nothing, for the time being. */
static bool give(struct strategy *strategy, size_t part) {
    struct tree *to = part_at(part);
    (void)strategy;
    if (!search.todo.count || (search.dealing && search.given)) return false;
    if (search.count == 1 || search.dealing) {
        size_t index = search.dealing ? 0 : search.todo.count - 1;
        subtrees_take(&search.todo, index, to->path, &to->floor, &to->planned);
    } else {
        subtrees_split(&search.todo, to->path, &to->planned);
        to->floor = to->planned;
    }
    to->round = search.round;
    to->given = true;
    search.given++;
    return true;
}

static int make_room(size_t count) {
    enum { PAGE = 4096 };
    /* As many decisions as the log has room for choices. */
    search.size = (sizeof *tree + search.room * sizeof *tree->path + PAGE - 1) / PAGE * PAGE;
    if (count > SIZE_MAX / search.size) return -ENOMEM;
    if (!(search.parts = search_memory(count * search.size))) return -ENOMEM;
    search.count = count;
    tree = part_at(0);
    return 0;
}

static void release_parts(void) {
    search_release(search.parts, search.count * search.size);
    search.parts = NULL;
    search.count = search.given = 0;
    tree = NULL;
}

static void close(struct strategy *strategy) {
    (void)strategy;
    release_parts();
    subtrees_free(&search.todo);
}

static int open(struct strategy *strategy, const struct search_request *request) {
    bool bounded = strategy->depth >= 0;
    memset(&search, 0, sizeof search);
    search.seed = request->seed;
    search.share = request->share;
    search.dealing = request->share.shards > 1;
    search.bound = bounded ? (uint64_t)strategy->depth : UINT64_MAX;
    search.round = bounded && !search.dealing ? 0 : search.bound;
    search.room = 4 * ((size_t)request->max_steps + 1024);
    if (make_room(1) || subtrees_add(&search.todo, NULL, 0, 0)) {
        close(strategy);
        return -ENOMEM;
    }
    give(strategy, 0);
    return 0;
}

static int share(struct strategy *strategy, size_t parts) {
    int rc = 0;
    (void)strategy;
    if (tree->given) {
        rc = subtrees_add(&search.todo, tree->path, tree->floor, tree->planned);
        if (rc == 0 && search.dealing) subtrees_last_first(&search.todo);
    }
    release_parts();
    return rc ? rc : make_room(parts);
}

static void turn_to(struct strategy *strategy, size_t part) {
    (void)strategy;
    tree = part_at(part);
}

static void begin(struct strategy *strategy, uint64_t seed) {
    (void)strategy;
    (void)seed;
    tree->count = tree->planned;
    tree->next = tree->preemptions = 0;
    tree->left_out = tree->gaps = tree->unfair = false;
    tree->timers.task_steps = UINT64_MAX;
}

/* Takes one of so many alternatives. */
static uint32_t decide(uint64_t alternatives) {
    struct decision *decision = &tree->path[tree->next];
    if (alternatives < 2) return 0;
    if (alternatives > UINT32_MAX || tree->next == search.room) {
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
    return search_random(search.seed);
}

/* What is left beside the run that is over. */
static void put_back(void) {
    int rc = 0;
    if (search.dealing) {
        rc = subtrees_add_each(&search.todo, tree->path, tree->floor, tree->count);
        if (!search.todo.count || search.todo.count >= SHARES * search.share.shards) {
            subtrees_keep(&search.todo, search.share.shard - 1, search.share.shards);
            search.dealing = false;
        }
    } else if (subtree_advance(tree->path, tree->floor, &tree->count)) {
        tree->planned = tree->count;
        tree->given = search.count == 1;
        search.given += tree->given;
        if (!tree->given) rc = subtrees_add(&search.todo, tree->path, tree->floor, tree->planned);
    }
    if (rc) search.gaps = true;
}

static unsigned say(void) {
    unsigned found = search.given || search.todo.count ? SEARCH_MORE : 0;
    if (search.gaps) found |= SEARCH_GAPS;
    return search.unfair ? found | SEARCH_UNFAIR : found;
}

static unsigned next(struct strategy *strategy, const struct log *log) {
    bool rounds = search.bound != UINT64_MAX && search.share.shards <= 1;
    bool repeated = rounds && tree->preemptions < tree->round;
    unsigned found = repeated ? SEARCH_REPEATED : 0;
    if (search.dealing && search.made++ % search.share.shards != search.share.shard - 1)
        found |= SEARCH_ELSEWHERE;
    search.left_out |= tree->left_out;
    search.unfair |= tree->unfair;
    search.gaps |= tree->gaps || search_cut(log);
    /* A run that ends before all of the path is no longer what it was. */
    if (tree->next < tree->count) {
        tree->count = tree->next;
        search.gaps = true;
    }
    tree->given = false;
    search.given--;
    put_back();
    if (!search.given && !search.todo.count && search.left_out && search.round < search.bound) {
        search.round++;
        search.left_out = false;
        if (subtrees_add(&search.todo, NULL, 0, 0)) search.gaps = true;
    }
    if (search.count == 1 && !search.given) give(strategy, 0);
    return found | say();
}

/* ---- As text ------------------------------------------------------------------------------- */

enum { LEFT_OUT = 1, GAPS = 2, UNFAIR = 4, DEALING = 8 };

static void write_given(struct subtree_text *text) {
    for (size_t i = 0; i < search.count; i++) {
        const struct tree *part = part_at(i);
        if (part->given) subtree_write(text, part->path, part->floor, part->planned);
    }
}

static char *position(struct strategy *strategy) {
    enum { HEAD = 64 };
    unsigned flags = (search.left_out ? LEFT_OUT : 0) | (search.gaps ? GAPS : 0) |
                     (search.unfair ? UNFAIR : 0) | (search.dealing ? DEALING : 0);
    struct subtree_text text = {.data = malloc(HEAD), .room = HEAD};
    (void)strategy;
    if (!text.data) return NULL;
    text.length =
        (size_t)snprintf(text.data, HEAD, "%llu %u %llu", (unsigned long long)search.round, flags,
                         (unsigned long long)search.made);
    /* Where they are taken from the list next. */
    if (search.dealing) write_given(&text);
    for (size_t i = 0; i < search.todo.count; i++) {
        const struct subtree *subtree = &search.todo.all[i];
        subtree_write(&text, subtree->path, subtree->floor, subtree->count);
    }
    if (!search.dealing) write_given(&text);
    return text.data;
}

static int go_to(struct strategy *strategy, const char *text, unsigned *found) {
    unsigned long long round, made;
    unsigned flags;
    int length = 0, rc;
    if (sscanf(text, "%llu %u %llu%n", &round, &flags, &made, &length) != 3) return -EINVAL;
    if (round > search.bound || ((flags & DEALING) && search.share.shards < 2)) return -EINVAL;
    subtrees_free(&search.todo);
    if ((rc = subtrees_read(&search.todo, text + length, search.room))) return rc;
    search.round = round;
    search.made = made;
    search.left_out = flags & LEFT_OUT;
    search.gaps = flags & GAPS;
    search.unfair = flags & UNFAIR;
    search.dealing = flags & DEALING;
    tree->given = false;
    search.given = 0;
    give(strategy, 0);
    *found = say();
    return 0;
}

static const struct strategy_memory memory[] = {
    {&tree, sizeof tree}, {&search, sizeof search}, {NULL, 0}};

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
    .position = position,
    .go_to = go_to,
    .share = share,
    .give = give,
    .turn_to = turn_to,
    .memory = memory,
    .ends = true,
    .most_depth = MOST_DEPTH,
    .bounded = true,
};
