/* source.c - see source.h. */
#include "sim/cli/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int source_suggest_program(const struct source *source, const struct options_usage *usage,
                           const char *name) {
    const struct trace_run *run = source->run;
    struct tool_text text = {0};
    int status = options_no_program(usage);
    if (run && run->program.argument_count > 0) {
        tool_text_add(&text, "it was recorded with: ");
        tool_shell_quote(&text, tool_command);
        tool_text_addf(&text, " %s ", usage->name);
        tool_shell_quote(&text, name);
        tool_text_add(&text, " -- ");
        tool_shell_quote(&text, run->program.path);
        for (size_t i = 1; i < run->program.argument_count; i++) {
            tool_text_add(&text, " ");
            tool_shell_quote(&text, run->program.arguments[i]);
        }
        fprintf(stderr, "%s\n", text.data);
    }
    tool_text_free(&text);
    return status;
}

/* `from` is the trace that it was read from; NULL: the command line. */
static int read_schedule(struct source *source, const char *from) {
    char message[256] = "";
    if (from && !*source->text) {
        tool_error("%s: it was recorded on threads, where nobody has decided its schedule; pirn "
                   "explore looks for such a run in the simulator",
                   from);
        return TOOL_USAGE;
    }
    int rc = schedule_read(source->text, &source->schedule, message, sizeof message);
    if (rc == 0) return TOOL_OK;
    tool_error("%s%s%s", from ? from : "", from ? ": " : "", message);
    return rc == -ENOMEM ? TOOL_FAILED : TOOL_USAGE;
}

int source_read(struct source *source, const char *name) {
    struct trace *trace;
    int64_t number;
    int status;
    if (!strncmp(name, "pirn1:", 6)) {
        source->text = tool_copy(name);
        return read_schedule(source, NULL);
    }
    if ((status = trace_open_named(name, &trace, &number)) != TOOL_OK) return status;
    status = trace_load(trace, number, &source->run);
    if (status == TOOL_OK) {
        source->text = tool_copy(source->run->summary.schedule);
        source->path = tool_copy(trace_path(trace));
    }
    trace_close(trace);
    return status == TOOL_OK ? read_schedule(source, name) : status;
}

void source_free(struct source *source) {
    trace_run_free(source->run);
    schedule_free(&source->schedule);
    free(source->text);
    free(source->path);
}
