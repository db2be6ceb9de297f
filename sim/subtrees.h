/*
 * subtrees.h - parts of a tree of choices that are still to be explored, by whoever takes them.
 *
 * A run is the path of its decisions. A subtree is a path, of which the first `floor` decisions are
 * fixed: its next run follows all of the path, and those after that differ in what is not fixed,
 * the last decision first.
 */
#ifndef SIM_SUBTREES_H
#define SIM_SUBTREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decision {
    uint32_t alternatives, taken;
};

struct subtree {
    size_t floor, count;
    struct decision *path; /* owned */
};

struct subtrees {
    struct subtree *all;
    size_t count, room;
};

/* Turns a path to the next run. Returns false where all have been made. */
bool subtree_advance(struct decision *path, size_t floor, size_t *count);

/* Adds a copy behind the others. Returns 0 or -ENOMEM. */
int subtrees_add(struct subtrees *subtrees, const struct decision *path, size_t floor,
                 size_t count);

/* Makes the last the first. */
void subtrees_last_first(struct subtrees *subtrees);

/* Adds each run beside the path, by itself, those that leave it first before the others: the
 * subtree without the run that follows the path. Returns likewise. */
int subtrees_add_each(struct subtrees *subtrees, struct decision *path, size_t floor, size_t count);

/* Takes out the subtree at `index`: its path is copied to `path`. */
void subtrees_take(struct subtrees *subtrees, size_t index, struct decision *path, size_t *floor,
                   size_t *count);

/* Takes the next run alone, and what is below it, out of the last subtree. */
void subtrees_split(struct subtrees *subtrees, struct decision *path, size_t *count);

/* Keeps every `step`-th, from `first` on. */
void subtrees_keep(struct subtrees *subtrees, size_t first, size_t step);

/* Adds what subtree_write has written: returns -EINVAL where it is not of that kind, or has a path
 * of more than `most` decisions; else as above. */
int subtrees_read(struct subtrees *subtrees, const char *text, size_t most);

void subtrees_free(struct subtrees *subtrees);

/* Text that grows, and the caller frees; data is NULL, and stays so, without memory. */
struct subtree_text {
    char *data;
    size_t length, room;
    bool failed;
};
void subtree_write(struct subtree_text *text, const struct decision *path, size_t floor,
                   size_t count);

#endif
