/* annotate.c - see annotate.h. */
#include "sim/cli/annotate.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "viz/tool.h"

enum { MOST_LINES = 20 };

/* Seen from the current folder, where it lies below that: so servers know which file it is. */
static const char *relative(const char *path) {
    char folder[PATH_MAX];
    size_t length;
    if (!getcwd(folder, sizeof folder)) return path;
    length = strlen(folder);
    return !strncmp(path, folder, length) && path[length] == '/' ? path + length + 1 : path;
}

/* What would end a message, or a property, is written with its code. */
static void add_escaped(struct tool_text *to, const char *text, const char *special) {
    for (; *text; text++) {
        if (strchr(special, *text))
            tool_text_addf(to, "%%%02X", (unsigned char)*text);
        else
            tool_text_add_bytes(to, text, 1);
    }
}

static void add_github(struct tool_text *line, const struct trace_site *site, const char *kind,
                       const char *message) {
    tool_text_add(line, "::error ");
    if (site) {
        tool_text_add(line, "file=");
        add_escaped(line, relative(site->path), "%\r\n:,");
        tool_text_addf(line, ",line=%lld,", (long long)site->line);
    }
    tool_text_addf(line, "title=%s::", kind);
    add_escaped(line, message, "%\r\n");
}

void annotate_run(FILE *out, const struct trace_run *run, enum annotate form) {
    for (size_t i = 0; i < run->finding_count && i < MOST_LINES; i++) {
        const struct trace_finding *finding = &run->findings[i];
        const struct trace_site *site = NULL;
        struct tool_text line = {0};
        if (finding->event != TRACE_NONE && run->events[finding->event].site != TRACE_NONE)
            site = &run->sites[run->events[finding->event].site];
        if (site && (!*site->path || site->line <= 0)) site = NULL;
        if (form == ANNOTATE_GITHUB)
            add_github(&line, site, finding->kind, finding->message);
        else if (site)
            tool_text_addf(&line, "%s:%lld: error: %s: %s", relative(site->path),
                           (long long)site->line, finding->kind, finding->message);
        else
            tool_text_addf(&line, "error: %s: %s", finding->kind, finding->message);
        fprintf(out, "%s\n", line.data);
        tool_text_free(&line);
    }
}
