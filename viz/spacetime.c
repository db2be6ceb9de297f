/*
 * spacetime.c - chooses the events to show and gives them rows and columns.
 *
 * A slice starts from the evidence: the events in which the culprits fell asleep, those that gave
 * the locks to their holders, the steps of other findings. It goes back along happens-before,
 * latest step first, until the last event that all of the evidence has in its past, or until the
 * budget is spent. What the evidence rests on is shown whatever the budget, with up to two events
 * of context on either side.
 */
#include "viz/spacetime.h"

#include <stdlib.h>
#include <string.h>

#include "viz/backoff.h"
#include "viz/tool.h"

#define CONTEXT 2        /* events of the same task before and after a piece of evidence */
#define FOLD_AT 3        /* fewer local events in a row are shown as they are */
#define CLOSE_GAPS_TO 2  /* a gap of so few events takes more room than they do */
#define LONGEST_ROUND 16 /* events of a loop's round */
#define LEAST_ROUNDS 4   /* fewer are shown as they are */
#define MOST_EVIDENCE \
    12 /* culprits that a slice shows; a thousand leaked tasks look all the same */

struct slicer {
    const struct trace_run *run;
    const struct waits *waits;
    const struct spacetime_options *options;
    struct spacetime *result;
    bool *keep;     /* by event */
    bool *must;     /* by event: keep it whatever the budget */
    size_t *rounds; /* by event: 0, or of repeated rounds the first event + 1 */
    size_t *period; /* by event: of the first of repeated rounds, the length of one */
    size_t kept;
};

size_t spacetime_column(const struct spacetime *spacetime, const struct trace_run *run,
                        size_t event) {
    size_t task = run->events[event].task;
    return spacetime->task_column[task != TRACE_NONE ? task : run->task_count];
}

/* ---- Evidence ------------------------------------------------------------------------------ */

/* Of a run without an end: who stands in whose way. */
static void find_backoff(struct slicer *s) {
    struct backoff found[MOST_EVIDENCE];
    size_t count = 0, last = backoff_last(s->run);
    if (last != TRACE_NONE) count = backoff_find(s->run, last, found, MOST_EVIDENCE);
    for (size_t i = 0; i < count; i++) {
        size_t steps[] = {found[i].event, found[i].holder};
        for (int k = 0; k < 2; k++) s->must[steps[k]] = s->result->causes[steps[k]] = true;
    }
}

static void find_evidence(struct slicer *s) {
    const struct trace_run *run = s->run;
    bool *evidence = s->result->evidence;
    size_t culprits = 0, behind = 0, most = s->options->budget / 4;
    if (most > MOST_EVIDENCE) most = MOST_EVIDENCE;
    for (size_t i = 0; i < run->task_count; i++) {
        const struct waits_task *task = &s->waits->tasks[i];
        if (task->event == TRACE_NONE || task->role == WAITS_FREE) continue;
        if (waits_is_culprit(s->waits, i)) {
            evidence[task->event] = true;
            s->must[task->event] = culprits++ < most;
        } else {
            s->must[task->event] = behind++ < most / 2;
        }
        for (size_t k = 0; s->must[task->event] && k < task->arc_count; k++) {
            const struct waits_arc *arc = &s->waits->arcs[task->first_arc + k];
            if (!arc->cycle && task->role != WAITS_ROOT) continue;
            s->must[arc->since] = true;
            s->result->causes[arc->since] = true;
        }
        /* What it has missed is not in its past. */
        size_t missed[] = {task->unheard, task->diverted};
        for (int k = 0; k < 2; k++) {
            if (s->must[task->event] && missed[k] != TRACE_NONE)
                s->must[missed[k]] = s->result->causes[missed[k]] = true;
        }
    }
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        if (strcmp(finding->kind, "deadlock") == 0 || strcmp(finding->kind, "leak") == 0) continue;
        size_t steps[] = {finding->event, finding->other};
        for (int k = 0; k < 2; k++) {
            if (steps[k] != TRACE_NONE) evidence[steps[k]] = s->must[steps[k]] = true;
        }
    }
    find_backoff(s);
}

/* ---- Rounds -------------------------------------------------------------------------------- */

/* Whether two events look the same but for the values that went through them. */
static bool alike(const struct slicer *s, size_t a, size_t b) {
    const struct trace_event *x = &s->run->events[a], *y = &s->run->events[b];
    return x->task == y->task && x->op == y->op && x->object == y->object && x->site == y->site &&
           x->slept == y->slept && (x->result < 0) == (y->result < 0) && !s->must[a] &&
           !s->must[b] && x->op != TRACE_OP_START && x->op != TRACE_OP_EXIT &&
           x->op != TRACE_OP_GO && x->op != TRACE_OP_OTHER;
}

/* Marks events that repeat those before them. The first round is left as it is. */
static void mark_rounds(struct slicer *s, size_t first, size_t end, size_t period) {
    size_t from = first + period, to = first + (end - first) / period * period;
    if (to < first + LEAST_ROUNDS * period) return;
    for (size_t i = first; i < to; i++) {
        if (s->rounds[i] != 0) return;
    }
    for (size_t i = from; i < to; i++) s->rounds[i] = from + 1;
    s->period[from] = period;
}

/* Shorter rounds come first: of two that fit, the shorter says more. */
static void find_rounds(struct slicer *s) {
    size_t count = s->run->event_count;
    for (size_t period = 1; period <= LONGEST_ROUND; period++) {
        for (size_t i = 0; i + period < count;) {
            size_t end = i + period;
            while (end < count && s->rounds[end] == 0 && alike(s, end - period, end)) end++;
            if (end > i + period) mark_rounds(s, i, end, period);
            i = end > i + period ? end - period + 1 : i + 1;
        }
    }
}

/* ---- Slice --------------------------------------------------------------------------------- */

/* What is folded takes no room. */
static void keep_event(struct slicer *s, size_t event) {
    s->kept += !s->keep[event] && s->rounds[event] == 0;
    s->keep[event] = true;
}

static void keep_context(struct slicer *s) {
    const struct trace_run *run = s->run;
    size_t pieces = 0;
    for (size_t i = 0; i < run->event_count; i++) pieces += s->must[i];
    int context = CONTEXT;
    while (context > 0 && pieces * (size_t)(2 * context + 1) > s->options->budget) context--;
    for (size_t i = 0; i < run->event_count; i++) {
        if (!s->must[i]) continue;
        keep_event(s, i);
        size_t before = run->events[i].previous, after = run->events[i].next;
        for (int k = 0; k < context; k++) {
            if (before != TRACE_NONE) {
                keep_event(s, before);
                before = run->events[before].previous;
            }
            if (after != TRACE_NONE) {
                keep_event(s, after);
                after = run->events[after].next;
            }
        }
    }
}

/*
 * Keeps the causal past of the evidence from the last step backwards. `seen` holds a bit for each
 * of the first 64 pieces of evidence that an event comes before; an event with all of the bits is
 * in everybody's past, and what lies before it made no difference between them.
 */
static void keep_past(struct slicer *s) {
    const struct trace_run *run = s->run;
    uint64_t *seen = tool_alloc(run->event_count, sizeof *seen), all = 0;
    size_t pieces = 0, edge = run->edge_count;
    for (size_t i = 0; i < run->event_count; i++) {
        if (s->must[i] && s->result->evidence[i]) {
            seen[i] = (uint64_t)1 << (pieces++ % 64);
            all |= seen[i];
        }
    }
    /* Nothing to start from: the end of the run is what there is to see. */
    if (pieces == 0 && run->event_count > 0) seen[run->event_count - 1] = all = 1;
    for (size_t i = run->event_count; i-- > 0 && s->kept < s->options->budget;) {
        if (seen[i] != 0 || pieces == 0) keep_event(s, i);
        if (pieces > 1 && seen[i] == all) break;
        if (run->events[i].previous != TRACE_NONE) seen[run->events[i].previous] |= seen[i];
        while (edge > 0 && run->edges[edge - 1].after > i) edge--;
        for (; edge > 0 && run->edges[edge - 1].after == i; edge--)
            seen[run->edges[edge - 1].before] |= seen[i];
    }
    free(seen);
}

/* Shows what was left out where the gap would be as long, if its tasks have columns anyway. */
static void close_gaps(struct slicer *s, const bool *has_column) {
    const struct trace_run *run = s->run;
    for (size_t i = 0; i < run->event_count;) {
        size_t end = i;
        bool known = true;
        while (end < run->event_count && !s->keep[end]) {
            known =
                known && run->events[end].task != TRACE_NONE && has_column[run->events[end].task];
            end++;
        }
        if (end > i && end - i <= CLOSE_GAPS_TO && known &&
            s->kept + (end - i) <= s->options->budget) {
            for (size_t k = i; k < end; k++) keep_event(s, k);
        }
        i = end + 1;
    }
}

/* Whether the user has said which events to show. */
static bool is_chosen(const struct spacetime_options *options) {
    return options->from > 0 || options->to > 0 || options->tasks != NULL ||
           options->objects != NULL;
}

static bool is_asked_for(const struct spacetime_options *options, const struct trace_event *event) {
    if ((options->from > 0 || options->to > 0) &&
        (event->step < options->from || event->step > options->to))
        return false;
    if (options->tasks != NULL && (event->task == TRACE_NONE || !options->tasks[event->task]))
        return false;
    return options->objects == NULL ||
           (event->object != TRACE_NONE && options->objects[event->object]);
}

/* Repeated rounds are one row, so they are kept or left out together. */
static void keep_whole_rounds(struct slicer *s) {
    for (size_t i = 0; i < s->run->event_count;) {
        size_t end = i, any = 0;
        for (; end < s->run->event_count && s->rounds[i] != 0 && s->rounds[end] == s->rounds[i];
             end++)
            any += s->keep[end];
        /* With the round that they repeat. */
        for (size_t k = i - (end > i ? s->period[i] : 0); any > 0 && k < end; k++) keep_event(s, k);
        i = end > i ? end : i + 1;
    }
}

static void choose(struct slicer *s) {
    const struct trace_run *run = s->run;
    const struct spacetime_options *options = s->options;
    s->result->sliced =
        !options->full && !is_chosen(options) && run->event_count > options->all_up_to;
    if (!s->result->sliced) {
        for (size_t i = 0; i < run->event_count; i++) {
            if (is_asked_for(options, &run->events[i])) keep_event(s, i);
        }
        return;
    }
    find_rounds(s);
    keep_context(s);
    keep_past(s);
    bool *has_column = tool_alloc(run->task_count, sizeof *has_column);
    for (size_t i = 0; i < run->event_count; i++) {
        if (s->keep[i] && run->events[i].task != TRACE_NONE) has_column[run->events[i].task] = true;
    }
    close_gaps(s, has_column);
    keep_whole_rounds(s);
    free(has_column);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* An event that concerns its own task only, and is no part of the finding. */
static bool is_local(const struct slicer *s, const bool *has_edge, size_t event) {
    const struct trace_event *self = &s->run->events[event];
    bool woken = self->previous != TRACE_NONE && s->run->events[self->previous].slept;
    return s->keep[event] && s->rounds[event] == 0 && !has_edge[event] && !s->must[event] &&
           !self->slept && !woken && self->task != TRACE_NONE && self->op != TRACE_OP_START &&
           self->op != TRACE_OP_EXIT && self->op != TRACE_OP_GO;
}

/* Only neighbouring steps fold, so that the rows stay in the order of the steps. */
static size_t fold_length(const struct slicer *s, const bool *has_edge, size_t event) {
    size_t count = 0;
    while (event + count < s->run->event_count && is_local(s, has_edge, event + count) &&
           s->run->events[event + count].task == s->run->events[event].task)
        count++;
    return count;
}

static void add_row(struct slicer *s, enum spacetime_row_kind kind, size_t event, size_t count,
                    size_t *capacity) {
    struct spacetime *result = s->result;
    result->rows = tool_grow(result->rows, capacity, result->row_count + 1, sizeof *result->rows);
    for (size_t i = 0; i < count; i++) result->event_row[event + i] = result->row_count;
    result->rows[result->row_count++] = (struct spacetime_row){
        .kind = kind, .event = event, .count = count, .period = s->period[event]};
    result->shown += kind == SPACETIME_EVENT;
}

bool spacetime_is_shown(const struct spacetime_row *row) {
    return row->kind == SPACETIME_EVENT || row->kind == SPACETIME_FOLD;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* One row below the latest of what happens before it; what is not shown hands on how deep it
 * would be. */
static void level_by_cause(struct slicer *s) {
    const struct trace_run *run = s->run;
    struct spacetime *result = s->result;
    size_t *depth = tool_alloc(run->event_count, sizeof *depth), edge = 0;
    for (size_t i = 0; i < run->event_count; i++) {
        struct spacetime_row *row = &result->rows[result->event_row[i]];
        size_t previous = run->events[i].previous;
        if (previous != TRACE_NONE) depth[i] = depth[previous];
        for (; edge < run->edge_count && run->edges[edge].after == i; edge++)
            depth[i] = larger(depth[i], depth[run->edges[edge].before]);
        /* A folded run has one place, below all that its first event comes after. */
        if (spacetime_is_shown(row)) {
            if (row->event == i) row->level = depth[i];
            depth[i] = larger(depth[i], row->level + 1);
        }
        result->level_count = larger(result->level_count, depth[i]);
    }
    free(depth);
}

static void level_by_step(struct slicer *s) {
    struct spacetime *result = s->result;
    for (size_t i = 0; i < result->row_count; i++) {
        result->rows[i].level = result->level_count;
        result->level_count += result->rows[i].kind != SPACETIME_HIDDEN;
    }
}

static void make_rows(struct slicer *s) {
    const struct trace_run *run = s->run;
    const struct spacetime_options *options = s->options;
    bool quiet = options->causal || options->tasks != NULL || options->objects != NULL;
    size_t capacity = 0;
    bool *has_edge = tool_alloc(run->event_count, sizeof *has_edge);
    for (size_t i = 0; i < run->edge_count; i++) {
        const struct trace_edge *edge = &run->edges[i];
        if (run->events[edge->before].task != run->events[edge->after].task)
            has_edge[edge->before] = has_edge[edge->after] = true;
    }
    for (size_t i = 0; i < run->event_count;) {
        size_t count = 0;
        while (i + count < run->event_count && !s->keep[i + count]) count++;
        if (count > 0) {
            add_row(s, quiet ? SPACETIME_HIDDEN : SPACETIME_GAP, i, count, &capacity);
        } else if (s->rounds[i] != 0) {
            while (i + count < run->event_count && s->rounds[i + count] == s->rounds[i]) count++;
            add_row(s, options->causal ? SPACETIME_HIDDEN : SPACETIME_ROUNDS, i, count, &capacity);
        } else {
            count = s->result->sliced ? fold_length(s, has_edge, i) : 0;
            if (count < FOLD_AT) count = 1;
            add_row(s, count > 1 ? SPACETIME_FOLD : SPACETIME_EVENT, i, count, &capacity);
        }
        i += count;
    }
    free(has_edge);
    s->result->causal = options->causal;
    if (options->causal)
        level_by_cause(s);
    else
        level_by_step(s);
}

/* ---- Columns ------------------------------------------------------------------------------- */

static void make_columns(struct slicer *s) {
    const struct trace_run *run = s->run;
    struct spacetime *result = s->result;
    bool *has_column = tool_alloc(run->task_count + 1, sizeof *has_column);
    bool chosen = is_chosen(s->options);
    for (size_t i = 0; i < run->event_count; i++) {
        if (s->keep[i])
            has_column[run->events[i].task != TRACE_NONE ? run->events[i].task : run->task_count] =
                true;
    }
    for (size_t i = 0; i < run->task_count && !result->sliced && !chosen; i++) has_column[i] = true;
    result->columns = tool_alloc(run->task_count + 1, sizeof *result->columns);
    for (size_t i = 0; i <= run->task_count; i++) {
        result->task_column[i] = TRACE_NONE;
        if (has_column[i]) {
            result->task_column[i] = result->column_count;
            result->columns[result->column_count++] = i < run->task_count ? i : TRACE_NONE;
        } else if (i < run->task_count) {
            result->others++;
        }
    }
    free(has_column);
}

struct spacetime *spacetime_build(const struct trace_run *run, const struct waits *waits,
                                  const struct spacetime_options *options) {
    struct spacetime *result = tool_alloc(1, sizeof *result);
    struct slicer s = {.run = run, .waits = waits, .options = options, .result = result};
    result->evidence = tool_alloc(run->event_count, sizeof *result->evidence);
    result->causes = tool_alloc(run->event_count, sizeof *result->causes);
    result->event_row = tool_alloc(run->event_count, sizeof *result->event_row);
    result->task_column = tool_alloc(run->task_count + 1, sizeof *result->task_column);
    s.keep = tool_alloc(run->event_count, sizeof *s.keep);
    s.must = tool_alloc(run->event_count, sizeof *s.must);
    s.rounds = tool_alloc(run->event_count, sizeof *s.rounds);
    s.period = tool_alloc(run->event_count, sizeof *s.period);
    find_evidence(&s);
    choose(&s);
    make_rows(&s);
    make_columns(&s);
    free(s.keep);
    free(s.must);
    free(s.rounds);
    free(s.period);
    return result;
}

void spacetime_free(struct spacetime *spacetime) {
    if (spacetime == NULL) return;
    free(spacetime->rows);
    free(spacetime->columns);
    free(spacetime->task_column);
    free(spacetime->event_row);
    free(spacetime->evidence);
    free(spacetime->causes);
    free(spacetime);
}
