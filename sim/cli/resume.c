/* resume.c - see resume.h. */
#include "sim/cli/resume.h"

#include <inttypes.h>
#include <string.h>

#include "viz/reader.h"

enum { ID, STRATEGY, SEED, SHARD, SHARDS, ALLOW, MAX_STEPS, LATE_TIMERS, NEXT, RUNS };

/* Whether the row of the reader is the one that is looked for. */
static bool fits(struct reader *row, const struct control_options *c) {
    return !c->shards || (reader_int(row, SHARD) == (int64_t)c->shard &&
                          reader_int(row, SHARDS) == (int64_t)c->shards);
}

static void check(struct reader *row, const struct control_options *c) {
    if (c->shard < 1 || c->shard > c->shards || c->max_steps < 1 ||
        c->max_steps > UINT32_MAX / 16 || pirn__strategy_check(c->strategy))
        reader_wrong(row, "exploration %" PRId64 " is not as pirn writes it", c->resumed);
}

static void take(struct reader *row, struct trace_arena *arena, struct control_options *c,
                 uint64_t *before) {
    snprintf(c->strategy, sizeof c->strategy, "%s", reader_text(row, STRATEGY, arena));
    c->resumed = reader_int(row, ID);
    c->seed = (uint64_t)reader_int(row, SEED);
    c->shard = (uint64_t)reader_int(row, SHARD);
    c->shards = (uint64_t)reader_int(row, SHARDS);
    c->allow = (unsigned)reader_int(row, ALLOW);
    c->max_steps = (uint64_t)reader_int(row, MAX_STEPS);
    c->late_timers = reader_int(row, LATE_TIMERS) != 0;
    c->next = (uint64_t)reader_int(row, NEXT);
    *before = (uint64_t)reader_int(row, RUNS);
    check(row, c);
}

/* The options that a replay needs as well, as the user gave them that time. */
static void repeat(struct options *o) {
    static const struct {
        unsigned bit;
        const char *word;
    } allowed[] = {{PIRN_ALLOW_LEAK, "leak"},
                   {PIRN_ALLOW_RACE, "race"},
                   {PIRN_ALLOW_SEND_ON_CLOSED, "send-on-closed"},
                   {PIRN_ALLOW_DOUBLE_CLOSE, "double-close"}};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (o->control.allow & allowed[i].bit)
            tool_text_addf(&o->repeated, "--allow=%s ", allowed[i].word);
    tool_text_addf(&o->repeated, "--max-steps=%" PRIu64 " ", o->control.max_steps);
    if (o->control.late_timers) tool_text_add(&o->repeated, "--timers=late ");
}

static int read_exploration(struct options *o, struct trace *trace, uint64_t *before) {
    struct trace_arena *arena = trace_arena_new();
    struct reader row;
    bool found = false;
    reader_begin(&row, trace, "exploration",
                 "SELECT id, strategy, seed, shard, shards, allow, max_steps, late_timers, next, "
                 "(SELECT count(*) FROM explored WHERE explored.exploration = exploration.id) "
                 "FROM exploration ORDER BY id DESC",
                 0);
    while (!found && reader_next(&row)) {
        found = fits(&row, &o->control);
        if (found) take(&row, arena, &o->control, before);
    }
    int status = reader_end(&row);
    trace_arena_free(arena);
    if (status != TOOL_OK || found) return status;
    tool_error("%s: no exploration%s to go on with; 'pirn explore --trace=FILE' records one",
               trace_path(trace), o->control.shards ? " of this shard" : "");
    return TOOL_USAGE;
}

int resume(struct options *options, uint64_t *before) {
    struct control_options *c = &options->control;
    struct trace *trace;
    if (options->fixed)
        return tool_usage_error("explore",
                                "--resume goes on as the exploration began: --%s "
                                "cannot be given",
                                options->fixed);
    int status = trace_open(options->resume, &trace);
    if (status != TOOL_OK) return status;
    status = read_exploration(options, trace, before);
    trace_close(trace);
    if (status != TOOL_OK) return status;
    if (!options->runs_given && pirn__strategy_ends(c->strategy)) c->runs = 0;
    if (c->runs && c->runs > UINT64_MAX - c->next)
        c->runs = 0;
    else if (c->runs)
        c->runs += c->next;
    repeat(options);
    return TOOL_OK;
}
