/* subtrees.c - see subtrees.h. */
#include "sim/subtrees.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool subtree_advance(struct decision *path, size_t floor, size_t *count) {
    for (; *count > floor; --*count) {
        struct decision *last = &path[*count - 1];
        if (++last->taken < last->alternatives) return true;
    }
    return false;
}

int subtrees_add(struct subtrees *s, const struct decision *path, size_t floor, size_t count) {
    struct decision *copy = malloc((count + 1) * sizeof *copy);
    if (!copy) return -ENOMEM;
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        struct subtree *bigger = realloc(s->all, room * sizeof *bigger);
        if (!bigger) {
            free(copy);
            return -ENOMEM;
        }
        s->all = bigger;
        s->room = room;
    }
    if (count) memcpy(copy, path, count * sizeof *copy);
    s->all[s->count++] = (struct subtree){floor, count, copy};
    return 0;
}

void subtrees_last_first(struct subtrees *s) {
    struct subtree last = s->all[s->count - 1];
    memmove(&s->all[1], s->all, (s->count - 1) * sizeof last);
    s->all[0] = last;
}

int subtrees_add_each(struct subtrees *s, struct decision *path, size_t floor, size_t count) {
    int rc = 0;
    for (size_t i = floor; i < count && !rc; i++) {
        uint32_t taken = path[i].taken;
        while (!rc && ++path[i].taken < path[i].alternatives)
            rc = subtrees_add(s, path, i + 1, i + 1);
        path[i].taken = taken;
    }
    return rc;
}

static void forget(struct subtrees *s, size_t index) {
    free(s->all[index].path);
    memmove(&s->all[index], &s->all[index + 1], (--s->count - index) * sizeof *s->all);
}

void subtrees_take(struct subtrees *s, size_t index, struct decision *path, size_t *floor,
                   size_t *count) {
    const struct subtree *taken = &s->all[index];
    memcpy(path, taken->path, taken->count * sizeof *path);
    *floor = taken->floor;
    *count = taken->count;
    forget(s, index);
}

void subtrees_split(struct subtrees *s, struct decision *path, size_t *count) {
    struct subtree *last = &s->all[s->count - 1];
    memcpy(path, last->path, last->count * sizeof *path);
    *count = last->count;
    if (!subtree_advance(last->path, last->floor, &last->count)) forget(s, s->count - 1);
}

void subtrees_keep(struct subtrees *s, size_t first, size_t step) {
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (i % step == first)
            s->all[kept++] = s->all[i];
        else
            free(s->all[i].path);
    }
    s->count = kept;
}

void subtrees_free(struct subtrees *s) {
    for (size_t i = 0; i < s->count; i++) free(s->all[i].path);
    free(s->all);
    *s = (struct subtrees){0};
}

/* ---- As text ------------------------------------------------------------------------------- */

/* A subtree is " FLOOR", and behind a colon its decisions, each TAKEN/ALTERNATIVES, with commas. */

static void add(struct subtree_text *text, char before, size_t number) {
    enum { LONGEST = 32 };
    if (text->failed) return;
    if (text->room - text->length < LONGEST) {
        size_t room = 2 * text->room + LONGEST;
        char *bigger = realloc(text->data, room);
        if (!bigger) {
            free(text->data);
            text->data = NULL;
            text->failed = true;
            return;
        }
        text->data = bigger;
        text->room = room;
    }
    text->length += (size_t)snprintf(text->data + text->length, LONGEST, "%c%zu", before, number);
}

void subtree_write(struct subtree_text *text, const struct decision *path, size_t floor,
                   size_t count) {
    add(text, ' ', floor);
    for (size_t i = 0; i < count; i++) {
        add(text, i ? ',' : ':', path[i].taken);
        add(text, '/', path[i].alternatives);
    }
}

static bool read_number(const char **text, size_t most, size_t *number) {
    char *end;
    unsigned long long value;
    if (**text < '0' || **text > '9') return false;
    errno = 0;
    value = strtoull(*text, &end, 10);
    if (errno || value > most) return false;
    *text = end;
    *number = (size_t)value;
    return true;
}

static bool skip(const char **text, char c) {
    if (**text != c) return false;
    ++*text;
    return true;
}

static bool read_path(const char **text, struct decision *path, size_t most, size_t *count) {
    size_t taken, alternatives;
    *count = 0;
    if (!skip(text, ':')) return true;
    do {
        if (*count == most || !read_number(text, UINT32_MAX, &taken) || !skip(text, '/') ||
            !read_number(text, UINT32_MAX, &alternatives) || taken >= alternatives)
            return false;
        path[(*count)++] = (struct decision){(uint32_t)alternatives, (uint32_t)taken};
    } while (skip(text, ','));
    return true;
}

int subtrees_read(struct subtrees *s, const char *text, size_t most) {
    size_t floor, count,
        longest = strlen(text) / 4 + 1; /* of decisions, which have so many bytes */
    struct decision *path = malloc(longest * sizeof *path);
    int rc = path ? 0 : -ENOMEM;
    if (most > longest) most = longest;
    while (rc == 0 && *text) {
        if (!skip(&text, ' ') || !read_number(&text, most, &floor) ||
            !read_path(&text, path, most, &count) || floor > count)
            rc = -EINVAL;
        else
            rc = subtrees_add(s, path, floor, count);
    }
    free(path);
    return rc;
}
