/* suppress.c - races that a file says to keep quiet about. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/symbol.h"
#include "sim/race/report.h"

struct suppression {
    bool top; /* the innermost function alone */
    char *pattern;
};

static struct suppression *all;
static size_t count;

/* '*' stands for any text; what of it a later one may take, too, an earlier one need not, so that
 * only the last is tried again. '$' is the end. */
static bool matches_here(const char *pattern, const char *text) {
    const char *star = NULL, *tried = NULL;
    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            tried = text;
        } else if (!*pattern || (*pattern == '$' && !pattern[1] && !*text)) {
            return true;
        } else if (*text && *pattern == *text && (*pattern != '$' || pattern[1])) {
            pattern++;
            text++;
        } else if (star && *tried) {
            pattern = star;
            text = ++tried;
        } else {
            return false;
        }
    }
}

/* Anywhere in the text, unless the pattern begins with '^'. */
static bool matches(const char *pattern, const char *text) {
    if (*pattern == '^') return matches_here(pattern + 1, text);
    do
        if (matches_here(pattern, text)) return true;
    while (*text++);
    return false;
}

static bool matches_symbol(const char *pattern, const struct symbol *symbol) {
    return (*symbol->function && matches(pattern, symbol->function)) ||
           (*symbol->file && matches(pattern, symbol->file)) ||
           (*symbol->module && matches(pattern, symbol->module));
}

static bool matches_call(const char *pattern, const void *site, bool top) {
    struct symbol symbols[SYMBOL_DEPTH];
    unsigned calls = symbol_resolve_all(site, symbols, top ? 1 : SYMBOL_DEPTH);
    for (unsigned i = 0; i < calls; i++)
        if (matches_symbol(pattern, &symbols[i])) return true;
    return false;
}

static bool matches_access(const struct suppression *one, const struct log_access *access) {
    unsigned calls = one->top && access->calls ? 1 : access->calls;
    for (unsigned i = 0; i < calls && i < LOG_CALLS; i++)
        if (matches_call(one->pattern, access->sites[i], one->top)) return true;
    return false;
}

bool race_suppressed(const struct log_race *race) {
    uintptr_t offset;
    const char *name = count ? symbol_variable(race->address, &offset) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (matches_access(&all[i], &race->now) || matches_access(&all[i], &race->before))
            return true;
        if (name && !all[i].top && matches(all[i].pattern, name)) return true;
    }
    return false;
}

/* ---- The file ------------------------------------------------------------------------------ */

/* What ThreadSanitizer has besides, which means nothing here. */
static bool is_foreign(const char *kind, size_t length) {
    static const char *const kinds[] = {"thread", "mutex", "signal", "deadlock", "called_from_lib"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i]) == length && !strncmp(kinds[i], kind, length)) return true;
    return false;
}

static int add(char *line, size_t number, const char *path, char *message, size_t size) {
    char *colon, *end = line + strlen(line);
    struct suppression *bigger;
    size_t length;
    bool top;

    while (end > line && strchr(" \t\r\n", end[-1])) *--end = '\0';
    line += strspn(line, " \t");
    if (!*line || *line == '#') return 0;
    colon = strchr(line, ':');
    length = colon ? (size_t)(colon - line) : 0;
    top = length == 8 && !strncmp(line, "race_top", 8);
    if (colon && is_foreign(line, length)) return 0;
    if (!colon || !colon[1] || (!top && !(length == 4 && !strncmp(line, "race", 4)))) {
        snprintf(message, size,
                 "%s:%zu: not a suppression: one is race:PATTERN, such as race:^log_", path,
                 number);
        return -EINVAL;
    }
    bigger = realloc(all, (count + 1) * sizeof *all);
    if (bigger) all = bigger;
    if (!bigger || !(all[count].pattern = strdup(colon + 1))) {
        snprintf(message, size, "not enough memory for %s", path);
        return -ENOMEM;
    }
    all[count++].top = top;
    return 0;
}

int race_suppress(const char *path, char *message, size_t size) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0, number = 0;
    int rc = 0;
    if (!file) {
        rc = -errno;
        snprintf(message, size, "%s: %s", path, strerror(errno));
        return rc;
    }
    while (!rc && getline(&line, &room, file) >= 0) rc = add(line, ++number, path, message, size);
    if (!rc && ferror(file)) {
        rc = -EIO;
        snprintf(message, size, "%s: cannot be read", path);
    }
    free(line);
    fclose(file);
    return rc;
}
