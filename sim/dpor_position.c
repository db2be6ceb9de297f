/*
 * dpor_position.c - where a search of dpor is, as text: see dpor.h.
 *
 * Hexadecimal numbers with a blank before each: remarks and the runs made for all shards, how many
 * prefixes there are, these from the oldest on, and a sum of all the text before. A list is a
 * number for each of its branches, and 0.
 */
#include <errno.h>

#include "sim/dpor.h"

enum { FIRST = 1, GAPS = 2, UNFAIR = 4, DEALING = 8, LATE = 16, ALL_REMARKS = 31 };
enum { WAITS = 1, ARRIVES = 2, FORCED = 4, OPEN = 8, DROPPED = 16, STRICT = 32, ALL_FLAGS = 63 };
enum { BRANCH = 1, MAY_WAIT = 2, KNOWN = 4, ELSEWHERE = 8, EVERYTHING = 16, ALL_MARKS = 31 };

static uint64_t sum_of(const char *text, size_t length) {
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++) sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3u;
    return sum;
}

/* ---- Written ------------------------------------------------------------------------------- */

struct writer {
    char *data; /* NULL: there was no memory */
    size_t length, room;
};

static void put(struct writer *to, uint64_t number) {
    enum { LONGEST = 18 };
    int shift = 60;
    if (!to->data) return;
    if (to->room - to->length < LONGEST) {
        char *bigger = realloc(to->data, 2 * to->room);
        if (!bigger) free(to->data);
        to->data = bigger;
        to->room *= 2;
        if (!bigger) return;
    }
    while (shift && !(number >> shift)) shift -= 4;
    to->data[to->length++] = ' ';
    for (; shift >= 0; shift -= 4)
        to->data[to->length++] = "0123456789abcdef"[number >> shift & 15];
    to->data[to->length] = 0;
}

static void put_label(struct writer *to, struct label label) {
    put(to, label.task);
    put(to, label.other);
    put(to, label.take);
}

static void put_picks(struct writer *to, const struct picks *picks) {
    put(to, picks->count);
    for (uint8_t i = 0; i < picks->count; i++) {
        put(to, picks->values[i]);
        put(to, picks->among[i]);
    }
}

static void put_branch(struct writer *to, const struct branch *branch) {
    const struct footprint *footprint = &branch->footprint;
    put(to, BRANCH | (branch->waits ? MAY_WAIT : 0) | (branch->known ? KNOWN : 0) |
                (branch->elsewhere ? ELSEWHERE : 0) |
                (branch->known && footprint->everything ? EVERYTHING : 0));
    put_label(to, branch->label);
    put_picks(to, &branch->picks);
    if (!branch->known) return;
    put(to, footprint->count);
    for (uint8_t i = 0; i < footprint->count; i++) {
        put(to, footprint->accesses[i].object);
        put(to, (uint64_t)footprint->accesses[i].number);
        put(to, footprint->accesses[i].way);
        put(to, footprint->accesses[i].capacity);
        put(to, footprint->accesses[i].index);
        put(to, footprint->accesses[i].kind);
    }
}

static void put_list(struct writer *to, uint32_t list) {
    for (; list; list = branch_at(list)->next) {
        put_branch(to, branch_at(list));
        put_list(to, branch_at(list)->first);
    }
    put(to, 0);
}

/* The rank of a branch in a list, from 1; 0: it is not there. */
static uint64_t rank_of(uint32_t list, uint32_t branch) {
    uint64_t rank = 1;
    for (; list && list != branch; list = branch_at(list)->next) rank++;
    return list ? rank : 0;
}

/* What is given out is to be done first. */
static void put_prefix(struct writer *to, const struct prefix *prefix) {
    const struct prefix *parent = prefix->parent;
    uint32_t labels = prefix->candidate_count + prefix->waiter_count;
    put(to, parent ? parent->rank : 0);
    put(to, parent && prefix->branch ? rank_of(parent->sleeping, prefix->branch) : 0);
    put(to, (prefix->waits ? WAITS : 0) | (prefix->arrives ? ARRIVES : 0) |
                (prefix->forced ? FORCED : 0) | (prefix->open ? OPEN : 0) |
                (prefix->dropped ? DROPPED : 0) | (prefix->strict ? STRICT : 0));
    put(to, prefix->inherited);
    put_label(to, prefix->label);
    put_picks(to, &prefix->picks);
    put(to, prefix->candidate_count);
    put(to, prefix->waiter_count);
    for (uint32_t i = 0; i < labels; i++) put_label(to, prefix->labels[i]);
    put_list(to, prefix->sleeping);
    if (prefix->given) branch_at(prefix->given)->next = prefix->tree;
    put_list(to, prefix->given ? prefix->given : prefix->tree);
    if (prefix->given) branch_at(prefix->given)->next = 0;
}

/* Whether the first run is still to be made, if only because it has been given out. */
static bool is_first(void) { return dpor_search.first || (dpor->given && !dpor->prefix); }

char *prefixes_position(struct strategy *strategy) {
    struct writer to = {malloc(4096), 0, 4096};
    uint64_t count = 0;
    (void)strategy;
    prefixes_select();
    put(&to, (is_first() ? FIRST : 0) | (dpor_search.gaps ? GAPS : 0) |
                 (dpor_search.unfair ? UNFAIR : 0) | (dpor_search.dealing ? DEALING : 0) |
                 (dpor_search.late ? LATE : 0));
    put(&to, dpor_search.made);
    for (struct prefix *p = dpor_search.oldest; p; p = p->newer) p->rank = ++count;
    put(&to, count);
    for (const struct prefix *p = dpor_search.oldest; p; p = p->newer) put_prefix(&to, p);
    if (to.data) put(&to, sum_of(to.data, to.length));
    return to.data;
}

/* ---- Read ---------------------------------------------------------------------------------- */

struct reader {
    const char *at;
    bool wrong; /* it is no position, and all that is read further is 0 */
    bool full;  /* there is no room */
    uint64_t count;
    struct prefix **prefixes; /* read so far */
};

static uint64_t get(struct reader *from, uint64_t most) {
    static const char digits[] = "0123456789abcdef";
    uint64_t number = 0;
    const char *digit;
    int count = 0;
    if (from->wrong || *from->at != ' ') {
        from->wrong = true;
        return 0;
    }
    for (from->at++; *from->at && (digit = strchr(digits, *from->at)); from->at++, count++)
        number = number << 4 | (uint64_t)(digit - digits);
    from->wrong = !count || count > 16 || number > most;
    return from->wrong ? 0 : number;
}

static struct label get_label(struct reader *from) {
    struct label label;
    label.task = get(from, UINT64_MAX);
    label.other = get(from, UINT64_MAX);
    label.take = get(from, UINT32_MAX);
    return label;
}

static void get_picks(struct reader *from, struct picks *picks) {
    picks->count = (uint8_t)get(from, MOST_PICKS);
    for (uint8_t i = 0; i < picks->count; i++) {
        picks->values[i] = (uint32_t)get(from, UINT32_MAX);
        picks->among[i] = (uint32_t)get(from, UINT32_MAX);
        if (!picks->among[i]) from->wrong = true;
    }
}

static void get_footprint(struct reader *from, struct footprint *footprint) {
    *footprint = (struct footprint){.count = (uint8_t)get(from, MOST_ACCESSES)};
    for (uint8_t i = 0; i < footprint->count; i++) {
        footprint->accesses[i].object = get(from, UINT64_MAX);
        footprint->accesses[i].number = (int64_t)get(from, UINT64_MAX);
        footprint->accesses[i].way = (uint8_t)get(from, WAYS - 1);
        footprint->accesses[i].capacity = (uint32_t)get(from, CASE_ROOM);
        footprint->accesses[i].index = (uint16_t)get(from, UINT16_MAX);
        footprint->accesses[i].kind = (uint8_t)get(from, CASE_ALL);
    }
}

static uint32_t get_branch(struct reader *from, uint64_t marks) {
    struct label label = get_label(from);
    struct picks picks;
    struct branch *branch;
    uint32_t number;
    get_picks(from, &picks);
    if (!(number = branch_new(label, &picks))) {
        from->full = from->wrong = true;
        return 0;
    }
    branch = branch_at(number);
    branch->waits = marks & MAY_WAIT;
    branch->elsewhere = marks & ELSEWHERE;
    if (!(branch->known = marks & KNOWN)) return number;
    get_footprint(from, &branch->footprint);
    branch->footprint.everything = marks & EVERYTHING;
    return number;
}

static uint32_t get_list(struct reader *from, unsigned depth) {
    enum { DEEPEST = 1 << 16 };
    uint32_t list = 0, *end = &list;
    uint64_t marks;
    if (depth == DEEPEST) from->wrong = true;
    while ((marks = get(from, ALL_MARKS))) {
        uint32_t number = get_branch(from, marks);
        if (!(marks & BRANCH)) from->wrong = true;
        if (!number) break;
        *end = number;
        end = &branch_at(number)->next;
        branch_at(number)->first = get_list(from, depth + 1);
    }
    return list;
}

/* The branch of a rank in a list; 0: there is none. */
static uint32_t branch_ranked(uint32_t list, uint64_t rank) {
    while (list && --rank) list = branch_at(list)->next;
    return list;
}

static void get_labels(struct reader *from, struct prefix *prefix) {
    uint32_t candidates = (uint32_t)get(from, UINT32_MAX / 4),
             waiters = (uint32_t)get(from, UINT32_MAX / 4);
    if (!prefix_make_labels(prefix, candidates, waiters)) {
        from->full = from->wrong = true;
        return;
    }
    for (uint32_t i = 0; i < candidates + waiters && !from->wrong; i++)
        prefix->labels[i] = get_label(from);
}

/* Behind those that came before, the first of which alone has no parent. */
static void get_prefix(struct reader *from) {
    uint64_t parent = get(from, from->count), rank = get(from, UINT32_MAX),
             flags = get(from, ALL_FLAGS), inherited = get(from, UINT32_MAX);
    struct prefix *prefix;
    if (!parent != !from->count) from->wrong = true;
    if (from->wrong) return;
    prefix = prefix_add(parent ? from->prefixes[parent - 1] : NULL);
    if (!prefix) {
        from->full = from->wrong = true;
        return;
    }
    from->prefixes[from->count++] = prefix;
    if (rank && !(prefix->branch = branch_ranked(parent ? prefix->parent->sleeping : 0, rank)))
        from->wrong = true;
    prefix->waits = flags & WAITS;
    prefix->arrives = flags & ARRIVES;
    prefix->forced = flags & FORCED;
    prefix->open = flags & OPEN;
    prefix->dropped = flags & DROPPED;
    prefix->strict = flags & STRICT;
    prefix->inherited = (uint32_t)inherited;
    prefix->label = get_label(from);
    get_picks(from, &prefix->picks);
    get_labels(from, prefix);
    prefix->sleeping = get_list(from, 0);
    prefix->tree = get_list(from, 0);
}

static void get_all(struct reader *from) {
    uint64_t remarks = get(from, ALL_REMARKS), count;
    dpor_search.made = get(from, UINT64_MAX);
    count = get(from, strlen(from->at) / 2);
    dpor_search.first = remarks & FIRST;
    dpor_search.gaps = remarks & GAPS;
    dpor_search.unfair = remarks & UNFAIR;
    dpor_search.dealing = remarks & DEALING;
    dpor_search.late = remarks & LATE;
    from->prefixes = calloc(count + 1, sizeof *from->prefixes);
    if (!from->prefixes) from->full = from->wrong = true;
    for (uint64_t i = 0; i < count && !from->wrong; i++) get_prefix(from);
    if (*from->at) from->wrong = true;
}

/* The text without its sum; NULL: that is another one, or there is no memory. */
static char *check_sum(const char *text, int *rc) {
    const char *last = strrchr(text, ' ');
    struct reader sum = {.at = last ? last : ""};
    char *rest;
    *rc = -EINVAL;
    if (get(&sum, UINT64_MAX) != sum_of(text, last ? (size_t)(last - text) : 0) || sum.wrong ||
        *sum.at)
        return NULL;
    rest = strndup(text, (size_t)(last - text));
    *rc = rest ? 0 : -ENOMEM;
    return rest;
}

int prefixes_go_to(struct strategy *strategy, const char *text, unsigned *found) {
    struct reader from = {0};
    int rc;
    char *rest;
    if (*text == ' ') text++; /* which parts it from what comes before */
    if (!(rest = check_sum(text, &rc))) return rc;
    prefixes_clear();
    from.at = rest;
    get_all(&from);
    free(from.prefixes);
    free(rest);
    if (from.wrong) return from.full ? -ENOMEM : -EINVAL;
    if (dpor_search.dealing && !prefixes_shared()) return -EINVAL;
    prefixes_settle();
    prefixes_give(strategy, 0);
    *found = prefixes_say();
    return 0;
}
