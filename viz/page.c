/* page.c - puts the page together. */
#include "viz/page.h"

#include <string.h>

#include "viz/explain.h"

/* Firefox lays out no more than some 17 million pixels below each other, Chromium twice that; a
 * row has 22. */
#define MOST_EVENTS 750000

void page_json_string(struct tool_text *out, const char *string) {
    struct tool_text json = {0};
    tool_json_string(&json, string);
    for (const char *p = json.data; *p != '\0'; p++) {
        /* U+2028 and U+2029 end a line in old JavaScript. */
        bool line_end = memcmp(p, "\xe2\x80", 2) == 0 && (p[2] == '\xa8' || p[2] == '\xa9');
        if (*p == '<' || *p == '>' || *p == '&') {
            tool_text_addf(out, "\\u%04x", (unsigned char)*p);
        } else if (line_end) {
            tool_text_add(out, p[2] == '\xa8' ? "\\u2028" : "\\u2029");
            p += 2;
        } else {
            tool_text_add_bytes(out, p, 1);
        }
    }
    tool_text_free(&json);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static void add_words(struct tool_text *out, const struct trace_run *run, const struct waits *waits,
                      const char *path) {
    struct tool_text text = {0};
    struct explain_options options = {.trace = path};
    explain_headline(&text, run, waits);
    tool_text_add(out, ",\"headline\":");
    page_json_string(out, tool_text_string(&text));
    tool_text_clear(&text);
    explain_text(&text, run, waits, &options);
    /* The headline stands above it. */
    const char *details = strchr(tool_text_string(&text), '\n');
    tool_text_add(out, ",\"explanation\":");
    page_json_string(out, details != NULL ? details + strspn(details, "\n") : "");
    tool_text_free(&text);
}

static int too_long(struct trace *trace, const struct trace_run *run) {
    if (run->event_count <= MOST_EVENTS) return TOOL_OK;
    tool_error("%s: run %lld has %zu steps, too many for a page; --format=svg draws those that led "
               "to the failure",
               trace_path(trace), (long long)run->summary.id, run->event_count);
    return TOOL_USAGE;
}

/* Loads the run beside it, if there is to be one. */
static int load_other(struct trace *trace, const struct trace_run *run, int64_t with,
                      struct trace_run **other) {
    *other = NULL;
    int64_t id = with;
    int status = TOOL_OK;
    if (with == PAGE_WITH_NEAREST) status = page_nearest(trace, run, &id);
    if (status != TOOL_OK || id <= 0) return status;
    status = trace_load(trace, id, other);
    if (status != TOOL_OK) return status;
    if ((*other)->event_count == 0) {
        tool_error("%s: the steps of run %lld were not recorded, so it cannot be shown beside "
                   "another; pirn explore --record=all records those of every run",
                   trace_path(trace), (long long)id);
        status = TOOL_USAGE;
    } else {
        status = too_long(trace, *other);
    }
    if (status != TOOL_OK) {
        trace_run_free(*other);
        *other = NULL;
    }
    return status;
}

static int add_data(struct tool_text *out, struct trace *trace, const struct trace_run *run,
                    const struct page_options *options) {
    struct trace_run *other;
    int status = load_other(trace, run, options->with, &other);
    if (status != TOOL_OK) return status;
    struct waits *waits = waits_find(run);
    struct page_sites *sites = page_sites_new(run);
    tool_text_add(out, "{\"format\":1,\"title\":");
    page_json_string(out, trace_title(trace));
    add_words(out, run, waits, trace_path(trace));
    tool_text_addf(out, ",\"asked\":%s,\n\"runs\":[", options->with > 0 ? "true" : "false");
    page_run(out, run, sites);
    if (other != NULL) {
        tool_text_add(out, ",\n");
        page_run(out, other, sites);
    }
    tool_text_add(out, "],\n");
    status = page_sources(out, sites, trace, run, options->sources);
    tool_text_add(out, "}");
    page_sites_free(sites);
    waits_free(waits);
    trace_run_free(other);
    return status;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void add_policy(struct tool_text *out) {
    tool_text_add(out, "default-src 'none'; script-src 'sha256-");
    page_hash(out, page_js, strlen(page_js));
    tool_text_add(out, "'; style-src 'sha256-");
    page_hash(out, page_css, strlen(page_css));
    tool_text_add(out,
                  "'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'");
}

/* The template with its names in @ replaced. */
int page_write(struct tool_text *out, struct trace *trace, const struct trace_run *run,
               const struct page_options *options) {
    struct tool_text policy = {0}, data = {0};
    int status = too_long(trace, run);
    if (status == TOOL_OK) status = add_data(&data, trace, run, options);
    add_policy(&policy);
    const struct {
        const char *name, *text;
    } parts[] = {{"@POLICY@", tool_text_string(&policy)},
                 {"@STYLE@", page_css},
                 {"@DATA@", tool_text_string(&data)},
                 {"@SCRIPT@", page_js}};
    const char *rest = page_html;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == TOOL_OK; i++) {
        const char *at = strstr(rest, parts[i].name);
        tool_text_add_bytes(out, rest, (size_t)(at - rest));
        tool_text_add(out, parts[i].text);
        rest = at + strlen(parts[i].name);
    }
    tool_text_add(out, rest);
    tool_text_free(&policy);
    tool_text_free(&data);
    return status;
}
