/* dpor_branches.c - those that sleep, and wakeup trees: see dpor.h. */
#include "sim/dpor.h"

/* How much of the outcomes that begin with these picks lead to those, where each pick's are
 * alike. */
static double share_of(const struct picks *picks, uint8_t from) {
    double share = 1;
    for (uint8_t i = from; i < picks->count; i++) share /= picks->among[i];
    return share;
}

uint32_t branch_new(struct label label, const struct picks *picks) {
    struct pool *pool = dpor_pool;
    uint32_t number = pool->free;
    struct branch *branch;
    if (number) {
        pool->free = branch_at(number)->next;
    } else if (pool->count + 1 < pool->room) {
        number = ++pool->count;
    } else {
        pool->full = true;
        return 0;
    }
    branch = branch_at(number);
    branch->label = label;
    branch->picks.count = 0;
    if (picks) branch->picks = *picks;
    branch->waits = branch->known = branch->elsewhere = false;
    branch->next = branch->first = 0;
    return number;
}

uint32_t branch_of(const struct node *node) {
    uint32_t number = branch_new(node->label, &node->picks);
    if (!number) return 0;
    footprint_copy(&branch_at(number)->footprint, &node->footprint);
    branch_at(number)->known = true;
    branch_at(number)->waits = node->waited;
    return number;
}

void branches_free(uint32_t *list) {
    while (*list) {
        uint32_t number = *list, *end = &branch_at(number)->first;
        /* What is below comes next in the list. */
        while (*end) end = &branch_at(*end)->next;
        *end = branch_at(number)->next;
        *list = branch_at(number)->first;
        branch_at(number)->next = dpor_pool->free;
        dpor_pool->free = number;
    }
}

uint32_t branches_take(uint32_t *list) {
    uint32_t number = *list;
    *list = branch_at(number)->next;
    branch_at(number)->next = 0;
    return number;
}

void branches_put_first(uint32_t *list, uint32_t number) {
    if (!number) return;
    branch_at(number)->next = *list;
    *list = number;
}

void branches_put_last(uint32_t *list, uint32_t number) {
    while (*list) list = &branch_at(*list)->next;
    *list = number;
}

/* A copy of that in no list, with nothing below. */
static uint32_t copy_alone(const struct branch *branch) {
    uint32_t number = branch_new(branch->label, &branch->picks);
    if (!number) return 0;
    branch_at(number)->waits = branch->waits;
    branch_at(number)->known = branch->known;
    branch_at(number)->elsewhere = branch->elsewhere;
    if (branch->known) footprint_copy(&branch_at(number)->footprint, &branch->footprint);
    return number;
}

/* `depth`: of how many before it the same is true. Of more than the stack has room for the rest is
 * left out, as where the pool is full. */
static bool put_off(uint32_t *list, const void *node, branches_can_go *can_go, unsigned depth) {
    enum { MOST = 64 };
    uint32_t number = branches_take(list), copy, *end = &branch_at(number)->first;
    bool any = false;
    while (*end) {
        struct branch *next = branch_at(*end);
        if (!can_go(node, next)) {
            if (depth < MOST) {
                any |= put_off(end, node, can_go, depth + 1);
            } else {
                copy = branches_take(end);
                branches_free(&copy);
                dpor_pool->full = true;
            }
            continue;
        }
        if (!(copy = copy_alone(branch_at(number)))) break;
        branch_at(copy)->first = next->first;
        next->first = copy;
        end = &next->next;
        any = true;
    }
    branches_free(end);
    *end = *list;
    *list = branch_at(number)->first;
    branch_at(number)->first = 0;
    branches_free(&number);
    return any;
}

bool branches_put_off(uint32_t *list, const void *node, branches_can_go *can_go) {
    return put_off(list, node, can_go, 0);
}

/* Copies a list to where a number belongs, with all below; what comes last goes on in the loop, as
 * sequences are long. */
static void copy_list(const struct pool *from, uint32_t list, uint32_t *end) {
    while (list) {
        const struct branch *branch = &from->branches[list];
        uint32_t number = copy_alone(branch);
        if (!number) return;
        *end = number;
        list = branch->next ? branch->next : branch->first;
        end = branch->next ? &branch_at(number)->next : &branch_at(number)->first;
        if (branch->next) copy_list(from, branch->first, &branch_at(number)->first);
    }
}

uint32_t branches_copy(const struct pool *from, uint32_t list) {
    uint32_t first = 0;
    copy_list(from, list, &first);
    return first;
}

/* In these functions, too, what comes last goes on in the loop. */
bool branches_have_own(uint32_t list) {
    while (list) {
        const struct branch *branch = branch_at(list);
        if (!branch->elsewhere || (branch->next && branches_have_own(branch->first))) return true;
        list = branch->next ? branch->next : branch->first;
    }
    return false;
}

void branches_leave_own(uint32_t *list) {
    while (*list) {
        struct branch *branch = branch_at(*list);
        if (!branch_is_own(branch)) {
            uint32_t number = branches_take(list);
            branches_free(&number);
        } else if (branch->next) {
            branches_leave_own(&branch->first);
            list = &branch->next;
        } else {
            list = &branch->first;
        }
    }
}

void branches_deal_out(uint32_t list) {
    while (list) {
        struct branch *branch = branch_at(list);
        branch->elsewhere = true;
        if (branch->next) branches_deal_out(branch->first);
        list = branch->next ? branch->next : branch->first;
    }
}

bool branches_have(uint32_t list, struct label label, const struct picks *picks) {
    double done = 0;
    for (uint32_t b = list; b && done < 0.999; b = branch_at(b)->next) {
        const struct branch *branch = branch_at(b);
        if (branch->waits || !same(branch->label, label) || !same_picks(&branch->picks, picks))
            continue;
        done += branch->picks.count > picks->count ? share_of(&branch->picks, picks->count) : 1;
    }
    return done >= 0.999;
}

bool branches_wait(uint32_t list, struct label label) {
    for (uint32_t b = list; b; b = branch_at(b)->next)
        if (same(branch_at(b)->label, label)) return true;
    return false;
}

uint32_t branches_inherit(uint32_t sleeping, const struct node *before) {
    uint32_t list = 0;
    for (uint32_t b = sleeping; b; b = branch_at(b)->next) {
        const struct branch *branch = branch_at(b);
        uint32_t copy;
        if (!branch->known || overlap(branch->label, before->label)) continue;
        if (!dependence_apart(&before->footprint, &branch->footprint)) continue;
        if (!(copy = branch_new(branch->label, &branch->picks))) continue;
        footprint_copy(&branch_at(copy)->footprint, &branch->footprint);
        branch_at(copy)->known = true;
        branch_at(copy)->waits = branch->waits;
        branches_put_first(&list, copy);
    }
    return list;
}
