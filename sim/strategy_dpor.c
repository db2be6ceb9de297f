/*
 * strategy_dpor.c - one schedule of each class of schedules that differ in the order of independent
 * steps alone: optimal dynamic partial-order reduction, with sleep sets and wakeup trees.
 *
 * P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas: Optimal Dynamic Partial Order Reduction, POPL
 * 2014; Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction, JACM 2017.
 *
 * The path to the current run is a stack of nodes, one a step. A node has those that sleep there:
 * every schedule in which they go next has been explored already; and a wakeup tree: sequences of
 * steps that are still to be made from there. After a run each race in it is looked at: two
 * dependent steps that could have come in the other order. What happened after the first but not
 * because of it, and then the second step, is a sequence that goes into the tree of the first one's
 * node, unless one that sleeps there, or a sequence in the tree, leads to the same. So a class is
 * explored once. A run that finds all that could go asleep is cut, and counts as a repetition.
 *
 * Where this departs from the papers
 *   - Who would have to wait does not go. Two tasks that meet on a channel without a buffer do it in
 *     one step of both. So it makes no class of its own who was there first. Where waiting can be
 *     seen, since others stand behind a writer or a large request, a race asks for it (waits). A
 *     run in which that wait comes to an end, and nobody has seen it, is a repetition; as it is
 *     not made to its end, its races do not show, so somebody else goes first wherever that could
 *     have been done since (let_others_see). Who is asleep waiting is not for having gone without.
 *   - A step may have several outcomes (pirn_choose): all are explored at its node. A task may go
 *     in several ways (alone, or meeting one or another): all these are, too, where one is.
 *   - A select of few cases goes in one way for each case that is ready: in each it looks at that
 *     channel alone (with those before it if it takes the first, and all if it fails). So nothing
 *     that is done to the other channels races with it; but each case that it had not taken could
 *     have been, wherever in the run it would have been ready (dpor_cases.c). As it may choose
 *     otherwise later, a step that sleeps and commutes with a sequence is no reason to leave that
 *     out where its task has chosen otherwise (chose_otherwise), and a sequence that is longer than
 *     a branch of the tree is appended to that.
 *   - What is put into a tree may turn out impossible, where a step has other causes than in the run
 *     that it was taken from. Then what was to come after it goes first; at the end, whatever could.
 *   - A step that comes elsewhere than in the run may do something else there: a send finds the
 *     channel open, a try fails. It is taken for all that it could do to the same objects
 *     (footprint_widen).
 *   - In a run that is cut, those who would have to wait do so at its end: their races may show nowhere
 *     else.
 *   - At the end of a sequence from a wakeup tree nothing sleeps, so that all that comes after it is
 *     open. Where a step's accesses are not known beforehand that may fail. Longer sequences are
 *     appended then; but where several processes share the search and it has been given out
 *     already, or shards, none of which knows of the races that others find, those who sleep since
 *     before stand for a sequence only if they are part of it, as in source sets.
 *   - That all which begins with a branch is explored below it counts on what is asked for by those
 *     that went before it, where a step that sleeps hides what its task could do instead, or who
 *     would see that somebody waits. A shard explores such a sequence itself, below a branch that
 *     another one explores (hidden).
 *   - Steps that touch nothing that others can see are made at once: a task begins, or goes on from a
 *     wait. But the code that follows may look at the clock. Once a run has shown that, and that
 *     there are timers, which may fire before, the search begins anew, and these are steps like
 *     others (late). Of two that meet each may then come first, as the other one goes on at once.
 *   - A task that spins is put off until something has changed (search_spins).
 *
 * This file is what goes on in a run; what is made of it afterwards is in the others: see dpor.h.
 */
#include "sim/dpor.h"

struct dpor_run *dpor;
struct pool *dpor_pool;

/* ---- A run --------------------------------------------------------------------------------- */

/* The task of that identity, which can run as in the executions before. */
static struct task *find_task(uint64_t identity) {
    for (size_t i = 0; i < sim.count; i++)
        if (sim.runnable[i]->identity == identity) return sim.runnable[i];
    search_diverge();
}

/* There is nothing new to be found from here. */
static _Noreturn void cut(void) {
    dpor->cut = true;
    sim.log->cut = true;
    sim_leave();
}

/* The next node, which is new. */
static struct node *push(bool forced) {
    struct node *node, *before = dpor->count ? &dpor->nodes[dpor->count - 1] : NULL;
    if (dpor->count == dpor->room) {
        dpor->gaps = true;
        sim_stop(PIRN_LIVELOCK, "more steps than a run has room for");
    }
    node = &dpor->nodes[dpor->count++];
    dpor->next++;
    memset(node, 0, offsetof(struct node, footprint));
    node->forced = forced;
    if (!before) return node;
    node->candidates = before->candidates + before->candidate_count + before->waiter_count;
    node->sleeping = branches_inherit(before->sleeping, before);
    node->tree = before->below;
    before->below = 0;
    return node;
}

/* A node that turned out not to be one. */
static void take_back(struct node *node) {
    branches_free(&node->sleeping);
    branches_free(&node->tree);
    dpor->count--;
    dpor->next--;
}

/* A pick that is to be made. */
struct pick {
    uint64_t values;            /* 0 .. values - 1 */
    const struct task *cases;   /* whose ready cases they are; NULL: they are something else */
    const struct task *arrived; /* which has made some of them ready; NULL: whichever they are */
    uint32_t outcomes;          /* that it can have */
};

static uint64_t take_outcome(struct node *node, const struct pick *pick);

/* Who of two that are to meet comes first. Between selects in order that is an outcome too; and
 * where the one that comes second goes on at once, and may look at the clock. */
static struct task *take_turns(struct node *node, struct task *a, struct task *b) {
    struct task *first = dependence_meeting(a, b);
    if (!first || !(dpor->late ? dependence_either(a, b) : dependence_turns(a, b))) return first;
    node->turns = 1;
    return take_outcome(node, &(struct pick){.values = 2, .outcomes = 2}) ? b : a;
}

/* Begins the step of a node whose label is set; returns who goes first. NULL: the clock. */
static struct task *begin_step(struct node *node) {
    struct task *first, *other;
    node->log_steps = (uint32_t)sim.log->steps;
    node->picks.count = node->turns = 0;
    node->chose = false;
    memset(&node->footprint, 0, offsetof(struct footprint, accesses));
    dependence_footprint = &node->footprint;
    dependence_since = (uint32_t)sim.log->steps;
    dpor->epoch = sim.epoch;
    if (node->label.task == CLOCK) return NULL;
    first = find_task(node->label.task);
    node->local = dependence_ready(first) == READY_LOCAL;
    node->queues = dependence_queues(first);
    node->waited = node->waits && dependence_ready(first) == READY_WAITS;
    if (!node->label.other) return first;
    other = find_task(node->label.other);
    first = take_turns(node, first, other);
    if (!first) search_diverge();
    dpor->second = first->identity == node->label.task ? node->label.other : node->label.task;
    return first;
}

static void begin(struct strategy *strategy, uint64_t seed) {
    (void)strategy;
    (void)seed;
    dpor_pool = &dpor->pool;
    dpor->pool.count = dpor->kept;
    dpor->pool.free = 0;
    dpor->pool.full = false;
    dpor->count = dpor->planned;
    if (dpor->planned) {
        struct node *last = &dpor->nodes[dpor->planned - 1];
        last->tree = last->outcomes = 0;
        last->impossible = false;
        last->sleeping = branches_copy(dpor_pool, dpor->asleep);
        last->below = branches_copy(dpor_pool, dpor->below);
    }
    dpor->next = 0;
    dpor->epoch = 0;
    dpor->second = dpor->vain = dpor->unseen = 0;
    dpor->cut = dpor->blocked = dpor->lost = dpor->gaps = dpor->unfair = false;
    dpor->timers.task_steps = UINT64_MAX;
}

/* The first step is main's, and nobody asks for it. */
static void begin_first(void) {
    if (dpor->epoch == sim.epoch) return;
    dependence_footprint = NULL;
    dpor->second = 0;
    if (dpor->next == dpor->count)
        push(true);
    else
        dpor->next++;
    dpor->nodes[dpor->next - 1].label = (struct label){sim.main->identity, 0, 0};
    dpor->nodes[dpor->next - 1].log_steps = (uint32_t)sim.log->steps;
    dpor->epoch = sim.epoch;
    memset(&dpor->nodes[dpor->next - 1].footprint, 0, offsetof(struct footprint, accesses));
}

static void add_candidate(struct node *node, struct label label) {
    if (node->candidates + node->candidate_count == dpor->candidate_room)
        dpor->gaps = true;
    else
        dpor->candidates[node->candidates + node->candidate_count++] = label;
}

/* A task that need not wait: by the cases that it can take. */
static void add_alone(struct node *node, const struct task *task) {
    size_t index = SIZE_MAX;
    struct label label = {task->identity, 0, 0};
    if (dependence_by_case(task)) index = dependence_next_case(task, index);
    if (index == SIZE_MAX) add_candidate(node, label);
    for (; index != SIZE_MAX; index = dependence_next_case(task, index)) {
        label.take = index + 1;
        add_candidate(node, label);
    }
}

/* After all candidates. */
static void find_waiters(struct node *node) {
    for (size_t i = 0; i < sim.count; i++) {
        if (!dependence_queues(sim.runnable[i]) || dependence_ready(sim.runnable[i]) != READY_WAITS)
            continue;
        if (node->candidates + node->candidate_count + node->waiter_count == dpor->candidate_room)
            dpor->gaps = true;
        else
            dpor->candidates[node->candidates + node->candidate_count + node->waiter_count++] =
                (struct label){sim.runnable[i]->identity, 0, 0};
    }
}

/* Finds who could go: tasks that need not wait, two that can meet, the clock. */
static void find_candidates(struct node *node, bool timer) {
    uint32_t spinning = 0;
    for (size_t i = 0; i < sim.count; i++) {
        struct task *task = sim.runnable[i];
        enum readiness ready = dependence_ready(task);
        bool spins = ready == READY_GOES && search_spins(task);
        if (ready == READY_LOCAL) add_candidate(node, (struct label){task->identity, 0, 0});
        if (ready == READY_GOES && !spins) add_alone(node, task);
        spinning += spins;
        for (size_t j = 0; j < i; j++)
            if (dependence_meeting(task, sim.runnable[j]))
                add_candidate(node, meeting(task->identity, sim.runnable[j]->identity));
    }
    if (timer) add_candidate(node, (struct label){CLOCK, 0, 0});
    if (!spinning) {
        dpor->vain = 0;
        return;
    }
    if (node->candidate_count) {
        dpor->unfair = true;
        dpor->vain = 0;
        return;
    }
    dpor->unfair = true;
    dpor->lost = ++dpor->vain == SEARCH_PATIENCE;
    for (size_t i = 0; i < sim.count; i++)
        if (dependence_ready(sim.runnable[i]) == READY_GOES) add_alone(node, sim.runnable[i]);
}

static bool can_go(const void *at, const struct branch *branch) {
    const struct node *node = at;
    return is_candidate(node, branch->label) || (branch->waits && is_waiter(node, branch->label));
}

/* Makes a branch the node's that goes. */
static void follow(struct node *node, uint32_t number) {
    struct branch *branch = branch_at(number);
    node->label = branch->label;
    node->waits = branch->waits;
    node->arrives = false;
    node->below = branch->first;
    node->wanted = branch->picks;
    node->follows = true;
    branch->first = 0;
    branches_free(&number);
}

/* Takes the first branch of the wakeup tree that can go. Those that cannot were possible only
 * because of what would come after them. */
static bool follow_tree(struct node *node) {
    while (node->tree && !can_go(node, branch_at(node->tree)))
        branches_put_off(&node->tree, node, can_go);
    if (node->tree) follow(node, branches_take(&node->tree));
    return node->follows;
}

/* Whoever is awake, the current task if it can. */
static bool take_any(struct node *node, const struct task *current) {
    const struct label *chosen = NULL;
    for (uint32_t i = 0; i < node->candidate_count; i++) {
        const struct label *label = candidate(node, i);
        if (is_asleep(node->sleeping, *label)) continue;
        if (!chosen || (current && !label->other && label->task == current->identity))
            chosen = label;
    }
    if (chosen) node->label = *chosen;
    return chosen;
}

/* In the second half of a long run tasks take turns, as under any strategy. */
static bool take_turn(struct node *node) {
    if (sim.log->steps - sim.first_step < sim.options.max_steps / 2) return false;
    dpor->gaps = true;
    for (const struct task *task = sim.oldest; task; task = task->newer)
        for (uint32_t i = 0; i < node->candidate_count; i++) {
            node->label = *candidate(node, i);
            if (node->label.task == task->identity && !node->label.other) return true;
        }
    return false;
}

/* Whether a step has found somebody waiting for the object, or might have. */
static bool has_seen(const struct node *node, uint64_t object) {
    const struct footprint *footprint = &node->footprint;
    bool looks = footprint->everything;
    if (node->waited) return false;
    for (int i = 0; i < footprint->count; i++) {
        const struct access *access = &footprint->accesses[i];
        if (access->object != object) continue;
        if (access->way == WAY_UNLOCK || access->way == WAY_RUNLOCK || access->way == WAY_RELEASE)
            return false;
        looks = true;
    }
    return looks;
}

/* Whether the task has gone to wait for others to see it, and none has. */
static bool has_waited_in_vain(const struct task *task) {
    const struct node *node;
    size_t from = dpor->count;
    while (from && !takes_part(dpor->nodes[from - 1].label, task->identity)) from--;
    if (!from) return false;
    node = &dpor->nodes[from - 1];
    if (!node->waited || !node->footprint.count) return false;
    for (size_t i = from; i < dpor->count; i++)
        if (has_seen(&dpor->nodes[i], node->footprint.accesses[0].object)) return false;
    dpor->unseen = from;
    return true;
}

/* Somebody who has to wait goes to do so. */
static struct task *arrive(struct node *node) {
    size_t i = 0;
    while (i < sim.count && dependence_ready(sim.runnable[i]) != READY_WAITS) i++;
    node->arrives = i < sim.count;
    if (node->arrives) node->label = (struct label){sim.runnable[i]->identity, 0, 0};
    if (!node->arrives || branches_wait(node->sleeping, node->label)) {
        take_back(node);
        cut();
    }
    return begin_step(node);
}

static struct task *go_on(struct task *current, bool timer) {
    struct node *node;

    for (size_t i = 0; i < sim.count; i++) {
        struct task *task = sim.runnable[i];
        if (dependence_ready(task) != READY_LOCAL) continue;
        /* What comes after is what it is without the wait. */
        if (has_waited_in_vain(task)) cut();
        if (dpor->late) continue;
        node = push(true);
        node->label.task = task->identity;
        node->below = node->tree;
        node->tree = 0;
        return begin_step(node);
    }
    node = push(false);
    find_candidates(node, timer);
    find_waiters(node);
    if (take_turn(node)) return begin_step(node);
    if (follow_tree(node)) return begin_step(node);
    if (take_any(node, current)) return begin_step(node);
    /* All that can be done is to wait; or is nothing new, but that some have to wait is. */
    dpor->blocked = node->candidate_count;
    if (dpor->blocked) dpor->cut = sim.log->cut = true;
    return arrive(node);
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    struct node *node;
    (void)strategy;
    begin_first();
    if (dpor->cut && !dpor->blocked) cut();
    if (dpor->second) {
        uint64_t second = dpor->second;
        dpor->second = 0;
        return find_task(second);
    }
    dependence_footprint = NULL;
    if (dpor->blocked) return arrive(push(false));
    if (dpor->lost) return sim.oldest;
    if (timer && !search_timer(&dpor->timers)) {
        dpor->unfair = true;
        timer = timers_awaited();
    }
    if (dpor->next == dpor->count) return go_on(current, timer);
    node = &dpor->nodes[dpor->next++];
    if (node->label.task == CLOCK && !timer) search_diverge();
    return begin_step(node);
}

/* Nothing can run, so the clock goes on. */
static void fires(struct strategy *strategy) {
    struct node *node;
    (void)strategy;
    begin_first();
    if (dpor->cut) cut();
    dependence_footprint = NULL;
    if (dpor->lost) return;
    if (dpor->next < dpor->count) {
        node = &dpor->nodes[dpor->next++];
        if (node->label.task != CLOCK) search_diverge();
    } else {
        node = push(true);
        node->label.task = CLOCK;
        node->below = node->tree;
        node->tree = 0;
    }
    begin_step(node);
}

/* What a value goes by in all runs: of a case of a select it is the index. */
static uint32_t name_of(const struct pick *pick, uint64_t value) {
    return (uint32_t)(pick->cases ? dependence_ready_case(pick->cases, value) : value);
}

/* Two that meet take a case that their meeting has made ready; the others come alone. */
static bool is_outcome(const struct pick *pick, uint64_t value) {
    return !pick->arrived || dependence_met(pick->cases, pick->arrived, name_of(pick, value));
}

static struct pick look_at_pick(const struct node *node, uint64_t n) {
    struct pick pick = {.values = n};
    if (!node->chose && dependence_chooses(sim.current)) {
        pick.cases = sim.current;
        for (const struct task *task = sim.tasks; task && node->label.other; task = task->next)
            if (task != sim.current && takes_part(node->label, task->identity)) pick.arrived = task;
    }
    for (uint64_t value = 0; value < n; value++) pick.outcomes += is_outcome(&pick, value);
    return pick;
}

/* Which value has that name. */
static uint64_t rank_of(const struct pick *pick, uint32_t name) {
    uint64_t value = 0;
    while (value < pick->values && name_of(pick, value) != name) value++;
    return value;
}

static uint64_t only_outcome(const struct pick *pick) {
    uint64_t value = 0;
    while (!is_outcome(pick, value)) value++;
    return value;
}

/* Whether there is nothing new in an outcome. Not so where two meet and more is asked for after that:
 * before they had met it was not known what their meeting commutes with, so that it was not asked
 * for where they sleep. */
static bool is_done(const struct node *node, const struct picks *picks) {
    if (node->label.other && node->below) return false;
    return branches_have(node->sleeping, node->label, picks);
}

/* The value that is explored now; the other outcomes of the step after this one, at the same node.
 * What can have one outcome alone is no pick: elsewhere it may not be asked for. */
static uint64_t take_outcome(struct node *node, const struct pick *pick) {
    const struct picks *wanted = &node->wanted;
    struct picks picks = node->picks;
    uint8_t at = picks.count++;
    uint64_t taken = pick->values;
    uint32_t number;
    bool known = at < wanted->count, new = dpor->next == dpor->count;

    if (pick->outcomes == 1) return only_outcome(pick);
    picks.among[at] = pick->outcomes;
    for (uint64_t value = pick->values; value-- > 0;) {
        if (!is_outcome(pick, value)) continue;
        picks.values[at] = name_of(pick, value);
        if (known ? wanted->values[at] == picks.values[at] : !is_done(node, &picks)) taken = value;
    }
    if (taken == pick->values) {
        if (!new) search_diverge();
        /* It ends with this step. */
        node->impossible = known;
        node->picks = picks;
        dpor->cut = sim.log->cut = true;
        return pick->values - 1;
    }
    for (uint64_t value = pick->values; value-- > 0 && new;) {
        picks.values[at] = name_of(pick, value);
        if (value == taken || !is_outcome(pick, value)) continue;
        if (is_done(node, &picks)) continue;
        if (branches_have(node->tree, node->label, &picks)) continue;
        if (!(number = branch_new(node->label, &picks))) break;
        branches_put_first(&node->tree, number);
        node->outcomes++;
    }
    picks.values[at] = name_of(pick, taken);
    node->picks = picks;
    return taken;
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    struct node *node;
    struct pick pick;
    uint64_t value;
    (void)strategy;
    begin_first();
    if (dpor->lost) return 0;
    node = &dpor->nodes[dpor->next - 1];
    if (node->picks.count == MOST_PICKS || n > UINT32_MAX) {
        dpor->gaps = true;
        return 0;
    }
    pick = look_at_pick(node, n);
    node->chose |= pick.cases != NULL;
    if (!pick.cases || !dependence_by_case(sim.current)) return take_outcome(node, &pick);
    value = node->label.take ? rank_of(&pick, (uint32_t)node->label.take - 1)
                             : take_outcome(node, &pick);
    if (value == n) search_diverge();
    dependence_take(sim.current, name_of(&pick, value));
    return value;
}

static uint64_t draw(struct strategy *strategy) {
    (void)strategy;
    return search_random(dpor->seed);
}

static void close(struct strategy *strategy) {
    (void)strategy;
    dependence_footprint = NULL;
    prefixes_close();
    races_close();
}

static int open(struct strategy *strategy, const struct search_request *search) {
    (void)strategy;
    return prefixes_open(search);
}

static unsigned next(struct strategy *strategy, const struct log *log) {
    dependence_footprint = NULL;
    return prefixes_next(strategy, log);
}

static const struct strategy_memory memory[] = {
    {&dpor, sizeof dpor}, {&dpor_pool, sizeof dpor_pool}, {NULL, 0}};

struct strategy strategy_dpor = {
    .name = "dpor",
    .summary = "one schedule of each class that differ in the order of independent steps alone",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .open = open,
    .next = next,
    .close = close,
    .fires = fires,
    .position = prefixes_position,
    .go_to = prefixes_go_to,
    .share = prefixes_share,
    .give = prefixes_give,
    .turn_to = prefixes_turn_to,
    .memory = memory,
    .ends = true,
    .fair = true, /* by search_spins and take_turn */
};
