/* page_source.c - the places that a page names, and the lines of the program around them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viz/page.h"
#include "viz/reader.h"
#include "viz/utf8.h"

enum {
    AROUND = 4,              /* lines before and after a place */
    TAB = 8,                 /* columns */
    LONGEST_LINE = 200,      /* columns */
    LARGEST_FILE = 4 << 20,  /* bytes; what is larger is no source that anybody reads */
    LARGEST_SHARE = 1 << 20, /* of the page, in bytes */
    MOST_FILES = 500
};

struct page_sites {
    long *numbers; /* by the run's site: its number in the page; -1: not named yet */
    size_t site_count;
    struct trace_site *named; /* by their numbers; the strings are the run's */
    size_t count, capacity;
};

/* ---- Places -------------------------------------------------------------------------------- */

struct page_sites *page_sites_new(const struct trace_run *run) {
    struct page_sites *sites = tool_alloc(1, sizeof *sites);
    sites->site_count = run->site_count;
    sites->numbers = tool_alloc(run->site_count, sizeof *sites->numbers);
    for (size_t i = 0; i < run->site_count; i++) sites->numbers[i] = -1;
    return sites;
}

void page_sites_free(struct page_sites *sites) {
    if (sites == NULL) return;
    free(sites->numbers);
    free(sites->named);
    free(sites);
}

/* All runs of a trace have the same sites; those that a writer adds meanwhile come last. */
long page_site(struct page_sites *sites, const struct trace_run *run, size_t site) {
    if (site == TRACE_NONE || site >= sites->site_count) return -1;
    if (sites->numbers[site] < 0) {
        sites->named =
            tool_grow(sites->named, &sites->capacity, sites->count + 1, sizeof *sites->named);
        sites->named[sites->count] = run->sites[site];
        sites->numbers[site] = (long)sites->count++;
    }
    return sites->numbers[site];
}

/* ---- Files --------------------------------------------------------------------------------- */

struct place {
    const char *path;
    int64_t line;
    size_t number; /* of the site in the page */
};

struct sources {
    struct trace_arena *arena; /* owns the paths */
    struct place *places;
    size_t count, capacity;
    int64_t started; /* when the program was, in seconds since 1970; 0: unknown */
    int *of_site;    /* by the site's number: its file's number in the page, or -1 */
    int files;
    size_t share; /* of the page that is left */
};

static bool is_source(const char *path) {
    static const char *const ends[] = {".c", ".h", ".cc", ".hh", ".cpp", ".hpp", ".cxx", ".hxx"};
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof ends / sizeof *ends; i++) {
        if (strcmp(dot, ends[i]) == 0) return true;
    }
    return false;
}

/* Returns the file's text, with a NUL behind it; NULL when it is none, or cannot be read. */
static char *read_source(const char *path, struct stat *status, size_t *length) {
    char *text = NULL;
    size_t size = 0;
    ssize_t n = 0;
    /* What is no file must not hold us up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return NULL;
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) && status->st_size <= LARGEST_FILE) {
        size = (size_t)status->st_size;
        text = tool_alloc(size + 1, 1);
        *length = 0;
        while (*length < size && (n = read(fd, text + *length, size - *length)) > 0)
            *length += (size_t)n;
    }
    close(fd);
    if (text != NULL && (n < 0 || memchr(text, '\0', *length) != NULL)) {
        free(text);
        return NULL;
    }
    return text;
}

static void add_line(struct tool_text *out, const char *line, size_t length) {
    struct tool_text wide = {0}, clean = {0}, cut = {0};
    for (size_t i = 0; i < length && wide.length < 4 * LONGEST_LINE; i++) {
        if (line[i] == '\t') do
                tool_text_add(&wide, " ");
            while (wide.length % TAB != 0);
        else if (line[i] != '\r')
            tool_text_add_bytes(&wide, line + i, 1);
    }
    utf8_add_clean(&clean, tool_text_string(&wide), wide.length);
    utf8_add_clipped(&cut, tool_text_string(&clean), LONGEST_LINE);
    page_json_string(out, tool_text_string(&cut));
    tool_text_free(&wide);
    tool_text_free(&clean);
    tool_text_free(&cut);
}

/* Appends the lines around the places, which are those of one file, by line: "[first,[...]],...".
 */
static void add_parts(struct tool_text *out, const struct place *places, size_t count,
                      const char *text) {
    const char *comma = "";
    int64_t line = 1;
    for (size_t i = 0; i < count && *text != '\0';) {
        int64_t first = places[i].line - AROUND, last = places[i].line;
        if (first < 1) first = 1;
        while (i < count && places[i].line - AROUND <= last + AROUND) last = places[i++].line;
        last += AROUND;
        for (; line <= last && *text != '\0'; line++) {
            const char *end = strchrnul(text, '\n');
            if (line >= first) {
                if (line == first) tool_text_addf(out, "%s[%lld,[", comma, (long long)first);
                tool_text_add(out, line == first ? "" : ",");
                add_line(out, text, (size_t)(end - text));
            }
            text = *end == '\n' ? end + 1 : end;
        }
        if (line > first) {
            tool_text_add(out, "]]");
            comma = ",\n";
        }
    }
}

static void add_file(struct tool_text *out, struct sources *sources, const struct place *places,
                     size_t count) {
    struct stat status;
    struct tool_text parts = {0};
    size_t length;
    char *text = NULL;
    if (sources->files < MOST_FILES && is_source(places->path))
        text = read_source(places->path, &status, &length);
    if (text != NULL) add_parts(&parts, places, count, text);
    if (parts.length > 0 && parts.length <= sources->share) {
        bool changed = sources->started > 0 && status.st_mtime > sources->started;
        tool_text_addf(out, "%s{\"changed\":%s,\"parts\":[%s]}", sources->files > 0 ? ",\n" : "",
                       changed ? "true" : "false", parts.data);
        sources->share -= parts.length;
        for (size_t i = 0; i < count; i++) sources->of_site[places[i].number] = sources->files;
        sources->files++;
    }
    tool_text_free(&parts);
    free(text);
}

/* ---- What the trace tells ------------------------------------------------------------------ */

/* The paths of the sites, which the run has without their folders. */
static int load_places(struct sources *sources, const struct page_sites *sites, struct trace *trace,
                       const struct trace_run *run) {
    struct reader reader;
    size_t k = 0;
    reader_begin(&reader, trace, "site", "SELECT id, file, line FROM site ORDER BY id", 0);
    while (reader_next(&reader)) {
        int64_t id = reader_int(&reader, 0), line = reader_int(&reader, 2);
        while (k < run->site_count && run->sites[k].id < id) k++;
        if (k == run->site_count || run->sites[k].id != id || sites->numbers[k] < 0) continue;
        const char *path = reader_text_raw(&reader, 1, sources->arena);
        if (*path == '\0' || line < 1 || line > INT32_MAX) continue;
        sources->places = tool_grow(sources->places, &sources->capacity, sources->count + 1,
                                    sizeof *sources->places);
        sources->places[sources->count++] = (struct place){path, line, (size_t)sites->numbers[k]};
    }
    return reader_end(&reader);
}

static int load_start(struct sources *sources, struct trace *trace, const struct trace_run *run) {
    struct reader reader;
    reader_begin(&reader, trace, "program",
                 "SELECT CAST(strftime('%s', started_at) AS INTEGER) FROM program WHERE id = "
                 "(SELECT program FROM run WHERE id = ?1)",
                 run->summary.id);
    if (reader_next(&reader)) sources->started = reader_int_or(&reader, 0, 0);
    return reader_end(&reader);
}

static int compare_places(const void *left, const void *right) {
    const struct place *a = left, *b = right;
    int order = strcmp(a->path, b->path);
    if (order != 0) return order;
    return a->line < b->line ? -1 : a->line > b->line;
}

int page_sources(struct tool_text *out, struct page_sites *sites, struct trace *trace,
                 const struct trace_run *run, bool read) {
    struct sources sources = {.arena = trace_arena_new(), .share = LARGEST_SHARE};
    int status = TOOL_OK;
    sources.of_site = tool_alloc(sites->count, sizeof *sources.of_site);
    for (size_t i = 0; i < sites->count; i++) sources.of_site[i] = -1;
    if (read) status = load_places(&sources, sites, trace, run);
    if (read && status == TOOL_OK) status = load_start(&sources, trace, run);
    if (sources.count > 0)
        qsort(sources.places, sources.count, sizeof *sources.places, compare_places);
    tool_text_add(out, "\"sources\":[");
    for (size_t i = 0, end; i < sources.count && status == TOOL_OK; i = end) {
        for (end = i; end < sources.count;) {
            if (strcmp(sources.places[end].path, sources.places[i].path) != 0) break;
            end++;
        }
        add_file(out, &sources, &sources.places[i], end - i);
    }
    tool_text_add(out, "],\n\"sites\":[");
    for (size_t i = 0; i < sites->count; i++) {
        const struct trace_site *site = &sites->named[i];
        tool_text_add(out, i > 0 ? ",\n[" : "[");
        page_json_string(out, site->place);
        tool_text_add(out, ",");
        page_json_string(out, site->function);
        tool_text_addf(out, ",%d,%lld]", sources.of_site[i],
                       (long long)(sources.of_site[i] >= 0 ? site->line : 0));
    }
    tool_text_add(out, "]");
    free(sources.places);
    free(sources.of_site);
    trace_arena_free(sources.arena);
    return status;
}
