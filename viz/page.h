/*
 * page.h - a run as one HTML file that needs nothing else: the drawing to be stepped through, what
 * each task does at each step, and another run beside it.
 *
 * The page's script and style are files in viz/page. A policy in the page lets only these run, by
 * their hashes, and nothing be fetched. What comes from the trace is in the page as JSON, from
 * which the script makes text, never markup.
 */
#ifndef VIZ_PAGE_H
#define VIZ_PAGE_H

#include <stdbool.h>

#include "viz/tool.h"
#include "viz/trace.h"

/* Values of `with` that are no run. */
#define PAGE_WITH_NEAREST 0
#define PAGE_WITH_NONE (-1)

struct page_options {
    int64_t with; /* the run beside it, or one of the above */
    bool sources; /* with the lines of the program around each place, where the files are found */
};

/*
 * Appends the page of a run. PAGE_WITH_NEAREST is the passing run of the same program that goes the
 * same way for longest, among those recorded in full, if there is one. Returns TOOL_OK; TOOL_USAGE
 * or TOOL_FAILED with a message when the other run cannot be shown, or the run is too long.
 */
int page_write(struct tool_text *out, struct trace *trace, const struct trace_run *run,
               const struct page_options *options);

/* ---- Its parts ----------------------------------------------------------------------------- */

struct page_sites; /* the places that the page names, and the sources around them */

/* Appends a string as JSON that may stand in HTML. */
void page_json_string(struct tool_text *out, const char *string);

/* Appends a run as JSON; notes which sites it names. */
void page_run(struct tool_text *out, const struct trace_run *run, struct page_sites *sites);

/* The sites of a trace. page_sites_free frees them; NULL is ignored there. */
struct page_sites *page_sites_new(const struct trace_run *run);
void page_sites_free(struct page_sites *sites);

/* Returns the number in the page of a run's site, -1 for TRACE_NONE. */
long page_site(struct page_sites *sites, const struct trace_run *run, size_t site);

/*
 * Appends "sites":[...],"sources":[...], for the sites that have been asked for. Only regular files
 * that are named as C or C++ sources are read, so that a trace from elsewhere cannot put other
 * files into the page. One that cannot be read is left out. Returns TOOL_OK or TOOL_FAILED.
 */
int page_sources(struct tool_text *out, struct page_sites *sites, struct trace *trace,
                 const struct trace_run *run, bool read);

/* Sets `*other` to the passing run of the same program whose events are the same for longest; to
 * 0 when there is none. Returns TOOL_OK or TOOL_FAILED. */
int page_nearest(struct trace *trace, const struct trace_run *run, int64_t *other);

/* Appends the SHA-256 digest of the bytes in base64. */
void page_hash(struct tool_text *out, const char *bytes, size_t length);

/* What viz/page holds, as the build makes it into strings. */
extern const char page_html[], page_css[], page_js[];

#endif
