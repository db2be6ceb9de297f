/*
 * dpor_prefixes.c - all that is still to be done in a search of dpor, and who does it: see dpor.h.
 *
 * A run is a path of steps; what may still have to be tried beside it begins with one of its
 * prefixes. Each of these has those that sleep there, and its wakeup tree. The next run is that of
 * the first branch in the tree of the youngest prefix: depth first. Where several processes share
 * the work, more runs are given out before that one is over, of older prefixes, one of each at a
 * time: the next branch of a prefix has to know what the step of the one before it accesses, as
 * that sleeps then.
 *
 * What the races of a run ask for is put into the trees as if the runs were made one after the
 * other, in the order in which branches have left their prefix: a sequence that begins with a
 * branch which has left since then goes where that has led. So each class is explored once all the
 * same. The order of the runs depends on how many are given out at a time, but not on who makes
 * them and how long that takes.
 *
 * Shards begin alike: each makes the first runs, breadth first, until there are enough branches in
 * all trees. Of these each is explored by one shard; in the others it sleeps as soon as it is known
 * what its step accesses, for which they make one run of it. What the races of a shard's own runs
 * ask for beside that it explores itself; and such a sequence below a branch of another shard's
 * which that may not come to, as something else that a task could have done sleeps there. Others
 * may come to the same, since none knows of the others' races; that is all that is made more than
 * once.
 *
 * All is in memory of its own, so that the program's does not depend on it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/dpor.h"

enum {
    SHARES = 16,   /* branches for each shard */
    BRANCHES = 16, /* of a run, for each step */
    MORE = 4       /* times as many of all prefixes */
};

struct dpor_search dpor_search;

static struct {
    struct pool pool;
    struct prefix *prefixes, *free; /* those that are free are linked by parent */
    size_t prefix_count, prefix_room;
    struct label *labels; /* in blocks of 1, 2, 4, ... */
    uint64_t free_labels
        [32]; /* by the binary logarithm: the index of one, plus 1, which has the next's */
    size_t label_count, label_room;
    struct share share;
    uint64_t seed;
    size_t room;      /* steps of a run */
    uint64_t attempt; /* how many times it has begun anew */
    bool keeps;       /* some prefixes are kept for what others might find */
    size_t given;     /* parts */
    char *parts;      /* a run each */
    size_t count, size;
    void *memory;
    size_t memory_size;
} own;

static struct dpor_run *part_at(size_t part) {
    return (struct dpor_run *)(void *)(own.parts + part * own.size);
}

/* ---- Memory -------------------------------------------------------------------------------- */

static size_t aligned(size_t size) { return (size + 63) / 64 * 64; }

static int make_parts(size_t count) {
    enum { PAGE = 4096 };
    size_t head = aligned(sizeof *dpor), nodes = aligned(own.room * sizeof *dpor->nodes),
           branches = aligned(BRANCHES * own.room * sizeof *own.pool.branches),
           labels = BRANCHES * own.room * sizeof *dpor->candidates;
    own.size = (head + nodes + branches + labels + PAGE - 1) / PAGE * PAGE;
    if (count > SIZE_MAX / own.size) return -ENOMEM;
    if (!(own.parts = search_memory(count * own.size))) return -ENOMEM;
    own.count = count;
    for (size_t i = 0; i < count; i++) {
        struct dpor_run *run = part_at(i);
        char *at = (char *)run + head;
        run->seed = own.seed;
        run->room = own.room;
        run->nodes = (struct node *)(void *)at;
        run->pool.room = run->candidate_room = (uint32_t)(BRANCHES * own.room);
        run->pool.branches = (struct branch *)(void *)(at + nodes);
        run->candidates = (struct label *)(void *)(at + nodes + branches);
    }
    dpor = part_at(0);
    return 0;
}

static void release_parts(void) {
    search_release(own.parts, own.count * own.size);
    own.parts = NULL;
    own.count = own.given = 0;
    dpor = NULL;
}

static int make_room(void) {
    size_t path = aligned(own.room * sizeof *dpor_search.path), some = MORE * own.room,
           more = MORE * BRANCHES * own.room;
    size_t prefixes = aligned(some * sizeof *own.prefixes),
           branches = aligned(more * sizeof *own.pool.branches);
    char *at;
    own.memory_size = path + prefixes + branches + more * sizeof *own.labels;
    if (!(own.memory = at = search_memory(own.memory_size))) return -ENOMEM;
    dpor_search.path = (struct prefix **)(void *)at;
    own.prefixes = (struct prefix *)(void *)(at + path);
    own.prefix_room = some;
    own.pool.branches = (struct branch *)(void *)(at + path + prefixes);
    own.pool.room = more < UINT32_MAX ? (uint32_t)more : UINT32_MAX;
    own.labels = (struct label *)(void *)(at + path + prefixes + branches);
    own.label_room = more;
    return 0;
}

void prefixes_close(void) {
    release_parts();
    search_release(own.memory, own.memory_size);
    own.memory = NULL;
}

int prefixes_open(const struct search_request *request) {
    memset(&own, 0, sizeof own);
    own.room = (size_t)request->max_steps + 1024;
    own.seed = request->seed;
    own.share = request->share;
    dpor_search = (struct dpor_search){.first = true, .dealing = own.share.shards > 1};
    if (make_room() || make_parts(1)) {
        prefixes_close();
        return -ENOMEM;
    }
    prefixes_give(NULL, 0);
    return 0;
}

/* ---- Prefixes ------------------------------------------------------------------------------ */

static unsigned logarithm(size_t count) {
    unsigned log = 0;
    while ((size_t)1 << log < count) log++;
    return log;
}

bool prefix_make_labels(struct prefix *prefix, uint32_t candidates, uint32_t waiters) {
    size_t count = (size_t)candidates + waiters, at;
    unsigned log = logarithm(count);
    if (!count) return true;
    if (own.free_labels[log]) {
        at = own.free_labels[log] - 1;
        own.free_labels[log] = own.labels[at].task;
    } else if (own.label_room - own.label_count >= (size_t)1 << log) {
        at = own.label_count;
        own.label_count += (size_t)1 << log;
    } else {
        return false;
    }
    prefix->labels = &own.labels[at];
    prefix->candidate_count = candidates;
    prefix->waiter_count = waiters;
    return true;
}

static void free_labels(const struct prefix *prefix) {
    size_t count = (size_t)prefix->candidate_count + prefix->waiter_count;
    unsigned log = logarithm(count);
    if (!count) return;
    prefix->labels->task = own.free_labels[log];
    own.free_labels[log] = (uint64_t)(prefix->labels - own.labels) + 1;
}

struct prefix *prefix_add(struct prefix *parent) {
    struct prefix *prefix = own.free;
    if (prefix)
        own.free = prefix->parent;
    else if (own.prefix_count < own.prefix_room)
        prefix = &own.prefixes[own.prefix_count++];
    else
        return NULL;
    *prefix = (struct prefix){.parent = parent,
                              .sibling = parent ? parent->children : NULL,
                              .older = dpor_search.newest,
                              .serial = ++dpor_search.serial,
                              .labels = own.labels,
                              .depth = parent ? parent->depth + 1 : 0};
    if (parent) parent->children = prefix;
    *(prefix->older ? &prefix->older->newer : &dpor_search.oldest) = prefix;
    dpor_search.newest = prefix;
    return prefix;
}

static void forget(struct prefix *prefix) {
    struct prefix **link;
    if (prefix->parent) {
        for (link = &prefix->parent->children; *link != prefix; link = &(*link)->sibling) continue;
        *link = prefix->sibling;
    }
    *(prefix->older ? &prefix->older->newer : &dpor_search.oldest) = prefix->newer;
    *(prefix->newer ? &prefix->newer->older : &dpor_search.newest) = prefix->older;
    branches_free(&prefix->sleeping);
    branches_free(&prefix->tree);
    branches_free(&prefix->given);
    free_labels(prefix);
    prefix->parent = own.free;
    own.free = prefix;
}

struct prefix *prefix_after(const struct prefix *prefix, uint32_t branch) {
    struct prefix *child = prefix->children;
    while (child && child->branch != branch) child = child->sibling;
    return child;
}

static bool can_go(const void *after, const struct branch *branch) {
    const struct prefix *prefix = after;
    return is_among(prefix->labels, prefix->candidate_count, branch->label) ||
           (branch->waits && is_among(prefix->labels + prefix->candidate_count,
                                      prefix->waiter_count, branch->label));
}

/* Whoever is awake, where branches have been left out that may have stood for it. */
static void take_any(struct prefix *prefix) {
    prefix->dropped = false;
    for (uint32_t i = 0; i < prefix->candidate_count && !prefix->tree; i++)
        if (!is_asleep(prefix->sleeping, prefix->labels[i]))
            prefix->tree = branch_new(prefix->labels[i], NULL);
}

/*
 * Has the tree begin with a branch that can be given out, unless there is none. Those that cannot
 * go were possible only because of what would come after them. Returns whether the prefix is still
 * needed.
 */
static bool settle(struct prefix *prefix) {
    if (prefix->given) return true;
    while (prefix->tree) {
        struct branch *branch = branch_at(prefix->tree);
        if (can_go(prefix, branch)) {
            prefix->dropped = false;
            if (!branch->known || branch_is_own(branch)) return true;
            branches_free(&branch->first);
            branches_put_last(&prefix->sleeping, branches_take(&prefix->tree));
        } else if (!branches_put_off(&prefix->tree, prefix, can_go)) {
            prefix->dropped = true;
        }
    }
    if (prefix->children) return true;
    if (prefix->dropped) take_any(prefix);
    return prefix->tree;
}

/*
 * Whether a prefix without anything to be done may still get it from a run of an elder branch:
 * those that have left one of its own prefixes before, and after which something is to be done.
 * Where it is open that would come to nothing new, unless somebody sleeps there.
 */
static bool is_kept(const struct prefix *prefix) {
    if (prefix->open && !prefix->strict) return false;
    for (; prefix->parent; prefix = prefix->parent)
        for (const struct prefix *p = prefix->parent->children; p; p = p->sibling)
            if (p->serial < prefix->serial) return own.keeps = true;
    return false;
}

static bool is_needed(struct prefix *prefix) {
    return prefix->children || settle(prefix) || is_kept(prefix);
}

void prefixes_settle(void) {
    bool changed = true;
    while (changed) {
        changed = own.keeps = false;
        for (struct prefix *prefix = dpor_search.newest, *older; prefix; prefix = older) {
            older = prefix->older;
            if (is_needed(prefix)) continue;
            forget(prefix);
            changed = true;
        }
    }
}

void prefixes_select(void) { dpor_pool = &own.pool; }

bool prefixes_shared(void) { return own.share.shards > 1; }

void prefixes_clear(void) {
    prefixes_select();
    while (dpor_search.newest) forget(dpor_search.newest);
    dpor->given = false;
    own.given = 0;
}

/* ---- Given out ----------------------------------------------------------------------------- */

/* The one that goes on next. */
static struct prefix *find_next(void) {
    struct prefix *prefix = dpor_search.dealing ? dpor_search.oldest : dpor_search.newest;
    while (prefix && (prefix->given || !prefix->tree || !settle(prefix) || !prefix->tree))
        prefix = dpor_search.dealing ? prefix->newer : prefix->older;
    return prefix;
}

/* The node that comes after a prefix, with the step that leads to the next one; NULL: it is
 * open. */
static void lay_node(struct dpor_run *to, const struct prefix *prefix, const struct prefix *next) {
    struct node *node = &to->nodes[prefix->depth];
    size_t count = (size_t)prefix->candidate_count + prefix->waiter_count;
    memset(node, 0, offsetof(struct node, footprint));
    node->forced = prefix->forced;
    if (prefix->depth)
        node->candidates = node[-1].candidates + node[-1].candidate_count + node[-1].waiter_count;
    if (to->candidate_room - node->candidates < count) {
        dpor_search.gaps = true;
    } else {
        memcpy(&to->candidates[node->candidates], prefix->labels, count * sizeof *prefix->labels);
        node->candidate_count = prefix->candidate_count;
        node->waiter_count = prefix->waiter_count;
    }
    if (!next) return;
    node->serial = next->serial;
    node->label = next->label;
    node->wanted = next->picks;
    node->waits = next->waits;
    node->arrives = next->arrives;
}

/* Of the nodes on the way some may be there from the run before. */
static void lay_path(struct dpor_run *to, struct prefix *prefix) {
    struct prefix *next = NULL, *at = prefix;
    const struct branch *branch = branch_at(prefix->given);
    struct node *last = &to->nodes[prefix->depth];
    while (at && !(next && at->depth < to->laid && to->nodes[at->depth].serial == next->serial)) {
        next = dpor_search.path[at->depth] = at;
        at = at->parent;
    }
    for (size_t i = at ? at->depth + 1 : 0; i <= prefix->depth; i++)
        lay_node(to, dpor_search.path[i], i < prefix->depth ? dpor_search.path[i + 1] : NULL);
    last->label = branch->label;
    last->wanted = branch->picks;
    last->waits = branch->waits;
    to->laid = prefix->depth;
    to->planned = to->laid + 1;
}

static void lay_lists(struct dpor_run *to, const struct prefix *prefix) {
    const struct branch *branch = branch_at(prefix->given);
    dpor_pool = &to->pool;
    to->asleep = branches_copy(&own.pool, prefix->sleeping);
    to->below = branches_copy(&own.pool, branch->first);
    if (branch->elsewhere) branches_leave_own(&to->below);
    to->kept = to->pool.count;
    if (to->pool.full) dpor_search.gaps = true;
    prefixes_select();
}

bool prefixes_give(struct strategy *strategy, size_t part) {
    struct dpor_run *to = part_at(part);
    struct prefix *prefix = NULL;
    (void)strategy;
    prefixes_select();
    if (dpor_search.dealing && own.given) return false;
    if (!dpor_search.first && !(prefix = find_next())) return false;
    dpor_search.first = false;
    to->prefix = prefix;
    to->planned = to->kept = to->asleep = to->below = 0;
    to->pool.count = to->pool.free = 0;
    to->pool.full = false;
    to->given = true;
    to->late = dpor_search.late;
    to->learns = false;
    to->attempt = own.attempt;
    own.given++;
    if (!prefix) {
        to->laid = 0;
        return true;
    }
    prefix->given = branches_take(&prefix->tree);
    to->learns = !branch_is_own(branch_at(prefix->given));
    lay_path(to, prefix);
    lay_lists(to, prefix);
    return true;
}

int prefixes_share(struct strategy *strategy, size_t parts) {
    struct prefix *prefix = dpor->prefix;
    (void)strategy;
    prefixes_select();
    if (dpor->given && prefix) {
        branches_put_first(&prefix->tree, prefix->given);
        prefix->given = 0;
    } else if (dpor->given) {
        dpor_search.first = true;
    }
    release_parts();
    return make_parts(parts);
}

void prefixes_turn_to(struct strategy *strategy, size_t part) {
    (void)strategy;
    dpor = part_at(part);
}

/* ---- A run that is over -------------------------------------------------------------------- */

/* The wakeup tree goes on with the branch that the run has followed. Those before it could not go,
 * or begin what has been found since. */
static uint32_t follow(struct prefix *prefix, struct node *node) {
    uint32_t below = 0, *list = &prefix->tree, number;
    while (*list) {
        struct branch *branch = branch_at(*list);
        if (!can_go(prefix, branch)) {
            branches_put_off(list, prefix, can_go);
        } else if (!node->follows || !same(branch->label, node->label) ||
                   !same_picks(&branch->picks, &node->wanted)) {
            if (!node->follows) break;
            list = &branch->next;
        } else {
            number = branches_take(list);
            below = branch_at(number)->first;
            node->elsewhere = branch_at(number)->elsewhere;
            branch_at(number)->first = 0;
            branches_free(&number);
            break;
        }
    }
    return below;
}

/* Takes over what else a step could pick: behind all that has been asked for, which counts on what
 * comes before it alone. `below` is asked for after each outcome, unless the run was to have its
 * own. */
static void add_outcomes(struct prefix *prefix, const struct node *node, uint32_t below) {
    const struct branch *from = dpor->pool.branches;
    uint32_t outcome = node->tree, number;
    for (uint32_t i = 0; i < node->outcomes; i++, outcome = from[outcome].next) {
        const struct branch *branch = &from[outcome];
        if (branches_have(prefix->tree, branch->label, &branch->picks)) continue;
        if (!(number = branch_new(branch->label, &branch->picks))) return;
        branch_at(number)->elsewhere = node->elsewhere;
        if (node->wanted.count < branch->picks.count)
            branch_at(number)->first = branches_copy(&own.pool, below);
        branches_put_last(&prefix->tree, number);
    }
}

/* Adds the prefix which ends with the step of the node before. */
static struct prefix *add_after(struct prefix *parent, const struct node *node) {
    struct prefix *prefix = prefix_add(parent);
    if (!prefix) return NULL;
    if (!prefix_make_labels(prefix, node->candidate_count, node->waiter_count)) {
        forget(prefix);
        return NULL;
    }
    memcpy(prefix->labels, candidate(node, 0),
           ((size_t)node->candidate_count + node->waiter_count) * sizeof *prefix->labels);
    prefix->forced = node->forced;
    if (!parent) return prefix;
    prefix->label = node[-1].label;
    prefix->picks = node[-1].picks;
    prefix->waits = node[-1].waits;
    prefix->arrives = node[-1].arrives;
    prefix->sleeping = branches_inherit(parent->sleeping, &node[-1]);
    for (uint32_t b = prefix->sleeping; b; b = branch_at(b)->next) prefix->inherited++;
    return prefix;
}

/*
 * At the end of a sequence that has been asked for all should be awake. Where they are not, since
 * it is not known of each step what it accesses, what they keep from being done does not show what
 * else is to be tried. One process alone appends what is asked for to the sequence; where that may
 * have been given out before, and where others do not learn of it, more is asked for instead.
 */
static bool is_strict(const struct prefix *prefix) {
    if (prefix->parent && prefix->parent->strict) return true;
    return prefixes_shared() || (own.count > 1 && prefix->open && prefix->sleeping);
}

/* Adds the prefixes of the run that are new; `below`: what the first of them is to be followed by.
 * Without room, none. */
static bool add_path(uint32_t below) {
    struct prefix *prefix = dpor->prefix;
    size_t first = dpor->planned;
    for (size_t i = first; i < dpor->next; i++) {
        struct node *node = &dpor->nodes[i];
        if (!(prefix = add_after(prefix, node))) {
            while (i-- > first) forget(dpor_search.path[i]);
            branches_free(&below);
            return false;
        }
        dpor_search.path[i] = prefix;
        prefix->open = !below;
        prefix->strict = is_strict(prefix);
        if (node->forced) continue;
        prefix->tree = below;
        below = follow(prefix, node);
        add_outcomes(prefix, node, below);
    }
    branches_free(&below);
    return true;
}

/* What has been done goes to sleep where there is more to be done; all else is forgotten. */
static void conclude(void) {
    size_t last = dpor->planned ? dpor->planned - 1 : 0;
    struct prefix *child = NULL;
    for (size_t i = dpor->next > last ? dpor->next : last + (dpor->planned > 0); i-- > 0;) {
        struct prefix *prefix = dpor_search.path[i];
        const struct node *node = &dpor->nodes[i];
        bool made = i >= last && i < dpor->next && !node->forced && !node->impossible;
        if (made && (prefix->children || prefix->tree || prefix->dropped || is_kept(prefix))) {
            uint32_t number = branch_of(node);
            if (number) {
                branch_at(number)->elsewhere = node->elsewhere;
                branches_put_last(&prefix->sleeping, number);
            }
            if (child) child->branch = number;
        }
        if (is_needed(prefix)) {
            child = prefix;
            if (i < last) return;
            continue;
        }
        forget(prefix);
        child = NULL;
    }
}

/* The branch of another shard has been followed to see what its step accesses: of all its outcomes,
 * where there are several, that is not known. */
static void learn(struct prefix *prefix, uint32_t number) {
    struct branch *branch = branch_at(number);
    const struct node *node = &dpor->nodes[prefix->depth];
    branch->known = dpor->next > dpor->planned && node->picks.count == branch->picks.count;
    if (branch->known) footprint_copy(&branch->footprint, &node->footprint);
    if (branch_is_own(branch)) {
        branches_put_first(&prefix->tree, number);
    } else {
        branches_free(&branch->first);
        branches_put_last(&prefix->sleeping, number);
    }
}

/* Where a wait comes to an end that nobody has seen the run is cut, but somebody might have who did
 * not come to it: others are to go first. */
static void let_others_see(void) {
    for (size_t i = dpor->unseen; i && i < dpor->next; i++)
        if (!dpor->nodes[i].forced) dpor_search.path[i]->dropped = true;
}

static void analyse(const struct log *log, uint32_t number) {
    uint32_t below = 0;
    if (number) {
        below = branch_at(number)->first;
        dpor->nodes[dpor->planned - 1].elsewhere = branch_at(number)->elsewhere;
        branch_at(number)->first = 0;
        branches_free(&number);
    }
    if (dpor->planned && dpor->next >= dpor->planned)
        add_outcomes(dpor->prefix, &dpor->nodes[dpor->planned - 1], below);
    if (!add_path(below)) {
        dpor->gaps = true;
        dpor->next = dpor->planned;
    } else {
        races_find(log);
        let_others_see();
    }
    conclude();
}

/* Once there are enough branches each shard has its own. */
static void deal(void) {
    uint64_t count = 0, branches = own.share.branches ? own.share.branches : SHARES;
    for (const struct prefix *p = dpor_search.oldest; p; p = p->newer)
        for (uint32_t b = p->tree; b; b = branch_at(b)->next) count++;
    if (count && count < branches * own.share.shards) return;
    count = 0;
    for (const struct prefix *p = dpor_search.oldest; p; p = p->newer)
        for (uint32_t b = p->tree; b; b = branch_at(b)->next) {
            if (count++ % own.share.shards == own.share.shard - 1) continue;
            branch_at(b)->elsewhere = true;
            branches_deal_out(branch_at(b)->first);
        }
    dpor_search.dealing = false;
    own.keeps = true;
}

unsigned prefixes_say(void) {
    unsigned found = dpor_search.first || own.given || dpor_search.newest ? SEARCH_MORE : 0;
    if (dpor_search.gaps) found |= SEARCH_GAPS;
    return dpor_search.unfair ? found | SEARCH_UNFAIR : found;
}

/*
 * A run has shown that tasks need not begin at once, which all that is there rests on; what others
 * are still running comes to nothing. A shard that has its part already explores all: the others
 * may not know.
 */
static unsigned begin_anew(struct strategy *strategy) {
    prefixes_clear();
    own.attempt++;
    dpor_search.first = dpor_search.late = true;
    dpor_search.made = 0;
    if (own.count == 1) prefixes_give(strategy, 0);
    return SEARCH_REPEATED | prefixes_say();
}

unsigned prefixes_next(struct strategy *strategy, const struct log *log) {
    struct prefix *prefix = dpor->prefix;
    unsigned found = dpor->cut ? SEARCH_REPEATED : 0;
    uint32_t number;
    prefixes_select();
    dpor->given = false;
    if (dpor->attempt != own.attempt) return SEARCH_REPEATED | prefixes_say();
    if (!dpor_search.late && races_need_late()) return begin_anew(strategy);
    number = prefix ? prefix->given : 0;
    own.given--;
    if (prefix) {
        prefix->given = 0;
        for (struct prefix *p = prefix; p; p = p->parent) dpor_search.path[p->depth] = p;
    }
    if (dpor->learns) {
        found = SEARCH_ELSEWHERE;
        learn(prefix, number);
        own.keeps = true;
    } else {
        if ((!dpor->cut && search_cut(log)) || dpor->lost || dpor->next < dpor->count ||
            dpor->pool.full)
            dpor->gaps = true;
        if (dpor_search.dealing && !found &&
            dpor_search.made++ % own.share.shards != own.share.shard - 1)
            found |= SEARCH_ELSEWHERE;
        analyse(log, number);
        dpor_search.gaps |= dpor->gaps || own.pool.full;
        dpor_search.unfair |= dpor->unfair;
        if (dpor_search.dealing) deal();
    }
    if (own.keeps) prefixes_settle();
    if (own.count == 1) prefixes_give(strategy, 0);
    return found | prefixes_say();
}
