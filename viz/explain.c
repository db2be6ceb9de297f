/* explain.c - a run's failure in plain sentences. */
#include "viz/explain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "viz/certainty.h"
#include "viz/check.h"
#include "viz/label.h"
#include "viz/picture.h"
#include "viz/predict.h"
#include "viz/spacetime.h"
#include "viz/utf8.h"

#define MOST_TASKS 12 /* told in full of each kind; the others are counted */
#define MOST_NAMES 4  /* in one sentence */
#define STEPS 12
#define MESSAGE_LENGTH 400
#define MOST_PREDICTIONS 6 /* told */

struct teller {
    struct tool_text *out;
    const struct trace_run *run;
    const struct waits *waits;
};

static bool is_waiting(const struct trace_run *run) {
    return strcmp(run->summary.outcome, "deadlock") == 0 ||
           strcmp(run->summary.outcome, "leak") == 0;
}

/* ---- Headline ------------------------------------------------------------------------------ */

static void add_tags(struct tool_text *out, const struct waits *waits) {
    for (int i = 1; i <= waits->tags && i <= MOST_NAMES; i++)
        tool_text_addf(out, "%s%c%d", i == 1 ? " (" : ", ", waits->letter, i);
    if (waits->tags > 0) tool_text_add(out, waits->tags > MOST_NAMES ? ", ...)" : ")");
}

static void add_stuck(struct tool_text *out, const struct trace_run *run,
                      const struct waits *waits) {
    const char *ever = waits->letter == 'L' ? "blocked for ever" : "stuck";
    size_t task = 0, cycle = 0;
    for (size_t i = run->task_count; i-- > 0;) {
        if (waits_is_culprit(waits, i)) task = i;
        cycle += waits->tasks[i].role == WAITS_CYCLE;
    }
    if (waits->culprits == 1) {
        label_task(out, run, task);
        if (cycle == 1)
            tool_text_add(out, " waits for itself");
        else
            tool_text_addf(out, " is %s", ever);
    } else if (waits->tags == 1) {
        tool_text_addf(out, "%zu tasks wait for each other", waits->culprits);
    } else {
        tool_text_addf(out, "%zu tasks are %s", waits->stuck, ever);
    }
    add_tags(out, waits);
}

/* A message, in which "(../orders/bank.c:12)" is "(bank.c:12)", as places are elsewhere. */
static void add_message(struct tool_text *out, const char *message) {
    struct tool_text text = {0};
    for (const char *from = message; *from != '\0';) {
        size_t length = strcspn(from, "(");
        tool_text_add_bytes(&text, from, length);
        from += length;
        if (*from == '\0') break;
        size_t inside = strcspn(++from, "()");
        size_t path = strcspn(from, ": ()");
        const char *slash = memrchr(from, '/', path);
        bool place = path < inside && from[path] == ':' &&
                     path + 1 + strspn(from + path + 1, "0123456789") == inside;
        tool_text_add(&text, "(");
        if (slash != NULL && place && from[inside] == ')') from = slash + 1;
    }
    utf8_add_clipped(out, tool_text_string(&text), MESSAGE_LENGTH);
    tool_text_free(&text);
}

void explain_headline(struct tool_text *out, const struct trace_run *run,
                      const struct waits *waits) {
    const struct trace_summary *summary = &run->summary;
    utf8_add_clipped(out, summary->outcome, LABEL_NAME);
    if (is_waiting(run) && waits->culprits > 0) {
        tool_text_add(out, ": ");
        add_stuck(out, run, waits);
    } else if (*summary->message != '\0') {
        tool_text_add(out, ": ");
        add_message(out, summary->message);
    } else if (strcmp(summary->outcome, "ok") == 0) {
        tool_text_add(out, ": nothing was found");
    }
}

/* ---- Why a task waits ---------------------------------------------------------------------- */

static void add_step(const struct teller *t, size_t event) {
    tool_text_addf(t->out, "step %lld at ", (long long)t->run->events[event].step);
    label_place(t->out, t->run, event);
}

/* "a", "a and b", "a, b, c and 4 others": the tasks that arcs lead to. */
static void add_names(const struct teller *t, const struct waits_arc *arcs, size_t count) {
    for (size_t i = 0; i < count && i < MOST_NAMES; i++) {
        bool last = i + 1 == count;
        tool_text_add(t->out, i == 0 ? "" : last ? " and " : ", ");
        label_task(t->out, t->run, arcs[i].to);
    }
    if (count > MOST_NAMES) tool_text_addf(t->out, " and %zu others", count - MOST_NAMES);
}

static void begin(const struct teller *t) { tool_text_add(t->out, "      "); }

/* A holder is certain: it is told with the step since which it holds. */
static void tell_holder(const struct teller *t, const struct waits_arc *arc) {
    struct tool_text *out = t->out;
    bool self = arc->from == arc->to, exited = t->waits->tasks[arc->to].state == WAITS_EXITED;
    begin(t);
    if (exited) {
        label_task(out, t->run, arc->to);
        tool_text_add(out, " locked ");
        label_object(out, t->run, arc->object);
        tool_text_add(out, " in ");
        add_step(t, arc->since);
        tool_text_add(out, " and has exited without unlocking it.\n");
        return;
    }
    if (self)
        tool_text_add(out, "It has locked ");
    else
        label_task(out, t->run, arc->to);
    if (!self) tool_text_add(out, " holds ");
    label_object(out, t->run, arc->object);
    tool_text_addf(out, "%s%s in ", arc->why == WAITS_READS ? " for reading" : "",
                   self ? " itself," : ", locked");
    add_step(t, arc->since);
    tool_text_add(out, ".\n");
}

static void tell_one(const struct teller *t, const struct waits_arc *arc) {
    struct tool_text *out = t->out;
    if (arc->why == WAITS_HOLDS || arc->why == WAITS_READS) {
        tell_holder(t, arc);
        return;
    }
    begin(t);
    if (arc->why == WAITS_RUNS) {
        label_task(out, t->run, arc->to);
        tool_text_addf(out, arc->from == arc->to ? " runs that function itself, since "
                                                 : " runs that function, since ");
    } else if (arc->why == WAITS_HAS_PERMITS) {
        label_task(out, t->run, arc->to);
        tool_text_add(out, " has acquired permits that it has not released, in ");
    } else {
        label_task(out, t->run, arc->to);
        tool_text_add(out, " waits to lock ");
        label_object(out, t->run, arc->object);
        tool_text_add(out, " for writing, which keeps new readers out, since ");
    }
    add_step(t, arc->since);
    tool_text_add(out, ".\n");
}

/* Those that could help, judged by what they have done before. */
static void tell_users(const struct teller *t, const struct waits_arc *arcs, size_t count) {
    struct tool_text *out = t->out;
    static const char *const done[] = {"received from", "sent on", "signalled"};
    const char *verb = done[arcs[0].why - WAITS_RECEIVES];
    begin(t);
    if (count == 1 && arcs[0].from == arcs[0].to) {
        tool_text_addf(out, "No other task has %s ", verb);
        label_object(out, t->run, arcs[0].object);
        tool_text_add(out, " in this run.\n");
        return;
    }
    if (arcs[0].only) tool_text_add(out, "Only ");
    add_names(t, arcs, count);
    tool_text_addf(out, " %s %s ", count == 1 ? "has" : "have", verb);
    label_object(out, t->run, arcs[0].object);
    if (count == 1) {
        tool_text_add(out, t->run->events[arcs[0].since].slept ? ", waiting in " : ", last in ");
        add_step(t, arcs[0].since);
    }
    tool_text_add(out, ".\n");
}

static void tell_members(const struct teller *t, const struct waits_task *task,
                         const struct waits_arc *arcs, size_t count) {
    begin(t);
    tool_text_addf(t->out, "%lld %s left: ", (long long)task->left, task->left == 1 ? "is" : "are");
    add_names(t, arcs, count);
    tool_text_addf(t->out, " %s not called done%s.\n", count == 1 ? "has" : "have",
                   (int64_t)count < task->left ? "; of the others the trace does not tell" : "");
}

/* Nobody is known that could help. */
static void tell_lack(const struct teller *t, const struct waits_task *task) {
    const struct trace_event *event = &t->run->events[task->event];
    struct tool_text *out = t->out;
    bool select = event->op == TRACE_OP_SELECT || event->op == TRACE_OP_SELECT_FIRST;
    size_t first;
    begin(t);
    if (select && trace_cases(t->run, task->event, &first) == 0) {
        tool_text_add(out, "A select without cases blocks for ever.\n");
    } else if (!select && event->object == TRACE_NONE) {
        tool_text_add(out, "Nothing can come through a NULL channel.\n");
    } else if (task->left >= 0) {
        tool_text_addf(out,
                       "%lld %s left; the trace does not tell which tasks have yet to call done.\n",
                       (long long)task->left, task->left == 1 ? "is" : "are");
    } else if (event->op == TRACE_OP_LOCK || event->op == TRACE_OP_RLOCK ||
               event->op == TRACE_OP_ONCE || event->op == TRACE_OP_ACQUIRE ||
               (event->object != TRACE_NONE &&
                t->run->objects[event->object].kind == TRACE_KIND_FD)) {
        tool_text_add(out, "The trace does not tell who could let it go on.\n");
    } else {
        bool context = event->object != TRACE_NONE &&
                       t->run->objects[event->object].kind == TRACE_KIND_CONTEXT;
        const char *verb = context                      ? "cancelled it"
                           : event->op == TRACE_OP_SEND ? "received from it"
                           : event->op == TRACE_OP_RECV ? "sent on it"
                           : select                     ? "met any of its cases"
                                                        : "signalled it";
        if (task->gone == 1) {
            label_task(out, t->run, task->gone_task);
            tool_text_addf(out, ", which has %s, has exited.\n", verb);
        } else if (task->gone > 1) {
            tool_text_addf(out, "The %zu tasks that have %s have exited.\n", task->gone, verb);
        } else if (task->timer) {
            tool_text_addf(out, "Only a timer has %s.\n", verb);
        } else {
            tool_text_addf(out, "No other task has %s in this run.\n", verb);
        }
    }
}

static void tell_arcs(const struct teller *t, size_t index) {
    const struct waits_task *task = &t->waits->tasks[index];
    const struct waits_arc *arcs = t->waits->arcs + task->first_arc;
    if (task->arc_count == 0) {
        tell_lack(t, task);
        return;
    }
    for (size_t i = 0; i < task->arc_count;) {
        size_t end = i + 1;
        while (end < task->arc_count && arcs[end].why == arcs[i].why &&
               arcs[end].object == arcs[i].object)
            end++;
        if (arcs[i].why >= WAITS_RECEIVES && arcs[i].why <= WAITS_SIGNALS) {
            tell_users(t, &arcs[i], end - i);
        } else if (arcs[i].why == WAITS_HAS_NOT_DONE) {
            tell_members(t, task, &arcs[i], end - i);
        } else {
            for (size_t k = i; k < end && k < i + MOST_NAMES; k++) tell_one(t, &arcs[k]);
        }
        i = end;
    }
}

static void begin_signal(const struct teller *t, size_t event) {
    bool broadcast = t->run->events[event].op == TRACE_OP_BROADCAST;
    begin(t);
    tool_text_add(t->out, broadcast ? "The broadcast by " : "The signal by ");
    label_task(t->out, t->run, t->run->events[event].task);
    tool_text_add(t->out, " in ");
    add_step(t, event);
}

/* The task that a signal woke, or TRACE_NONE. */
static size_t who_was_woken(const struct trace_run *run, size_t event) {
    for (size_t i = 0; i < run->edge_count; i++) {
        const struct trace_edge *edge = &run->edges[i];
        if (edge->before == event && edge->kind == TRACE_EDGE_SIGNAL)
            return run->events[edge->after].task;
    }
    return TRACE_NONE;
}

/* What would have ended the wait, had it come later, or to this task. */
static void tell_signals(const struct teller *t, size_t index) {
    const struct waits_task *task = &t->waits->tasks[index];
    if (task->unheard != TRACE_NONE) {
        begin_signal(t, task->unheard);
        tool_text_add(t->out, " woke nobody: it came before ");
        label_task(t->out, t->run, index);
        tool_text_addf(t->out, " waited in step %lld, and is not kept for later.\n",
                       (long long)t->run->events[task->event].step);
    }
    if (task->diverted != TRACE_NONE) {
        size_t other = who_was_woken(t->run, task->diverted);
        begin_signal(t, task->diverted);
        tool_text_add(t->out, ", the last one, woke ");
        if (other == TRACE_NONE)
            tool_text_add(t->out, "others");
        else
            label_task(t->out, t->run, other);
        tool_text_add(t->out, " instead.\n");
    }
}

static void tell_task(const struct teller *t, size_t index) {
    const struct waits_task *task = &t->waits->tasks[index];
    tool_text_add(t->out, "  ");
    label_task(t->out, t->run, index);
    tool_text_add(t->out, " waits ");
    label_wait_sentence(t->out, t->run, task->event);
    tool_text_add(t->out, ", since ");
    add_step(t, task->event);
    tool_text_add(t->out, ".\n");
    tell_signals(t, index);
    tell_arcs(t, index);
}

/* ---- Deadlocks and leaks ------------------------------------------------------------------- */

/* The member of the same cycle that this one waits for, if it has not been told yet. */
static size_t next_in_cycle(const struct teller *t, size_t index, const bool *told) {
    const struct waits_task *task = &t->waits->tasks[index];
    for (size_t i = 0; i < task->arc_count; i++) {
        const struct waits_arc *arc = &t->waits->arcs[task->first_arc + i];
        if (arc->cycle && !told[arc->to]) return arc->to;
    }
    return TRACE_NONE;
}

static void tell_rest(const struct teller *t, const char *title, enum waits_role role) {
    size_t count = 0;
    for (size_t i = 0; i < t->run->task_count; i++) {
        if (t->waits->tasks[i].role != role) continue;
        if (count == 0) tool_text_addf(t->out, "\n%s\n\n", title);
        if (count++ < MOST_TASKS) tell_task(t, i);
    }
    if (count > MOST_TASKS) tool_text_addf(t->out, "  and %zu other tasks.\n", count - MOST_TASKS);
}

static void tell_stuck(const struct teller *t) {
    bool *told = tool_alloc(t->run->task_count, sizeof *told);
    size_t count = 0;
    int tag = 0;
    for (size_t i = 0; i < t->run->task_count; i++) {
        /* Each cycle is told along its arcs, from its first member on. */
        for (size_t task = i; task != TRACE_NONE && waits_is_culprit(t->waits, task) && !told[task];
             task = next_in_cycle(t, task, told)) {
            told[task] = true;
            if (count++ >= MOST_TASKS) continue;
            if (t->waits->tags > 1 && t->waits->tasks[task].tag != tag) {
                tag = t->waits->tasks[task].tag;
                tool_text_addf(t->out, "%s%c%d\n", count > 1 ? "\n" : "", t->waits->letter, tag);
            }
            tell_task(t, task);
        }
    }
    if (count > MOST_TASKS)
        tool_text_addf(t->out, "\n  and %zu other tasks.\n", count - MOST_TASKS);
    free(told);
    tell_rest(t, "Stuck behind them:", WAITS_BEHIND);
    tell_rest(t, "Stuck as well:", WAITS_LOOSE);
}

/* ---- Other findings ------------------------------------------------------------------------ */

/* They have been laid out by who wrote them. */
static void add_lines(const struct teller *t, const char *lines) {
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        tool_text_add(t->out, "  ");
        utf8_add_clean(t->out, lines, length);
        tool_text_add(t->out, "\n");
        lines += length + (lines[length] != '\0');
    }
}

static void tell_findings(const struct teller *t) {
    const struct trace_run *run = t->run;
    size_t count = 0;
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        /* What all tasks wait for is told in tell_stuck. */
        if (strcmp(finding->kind, "deadlock") == 0 || strcmp(finding->kind, "leak") == 0) continue;
        if (count++ >= MOST_TASKS) continue;
        if (*finding->details != '\0') {
            /* Of the first the headline has said it. */
            if (strcmp(finding->message, run->summary.message) != 0)
                tool_text_addf(t->out, "\n  %s\n", finding->message);
            add_lines(t, finding->details);
            continue;
        }
        tool_text_add(t->out, "  ");
        if (finding->event != TRACE_NONE) {
            label_task(t->out, run, run->events[finding->event].task);
            tool_text_add(t->out, ", ");
            add_step(t, finding->event);
            tool_text_add(t->out, " (");
            label_event(t->out, run, finding->event);
            tool_text_add(t->out, "): ");
        }
        utf8_add_clipped(t->out, *finding->message != '\0' ? finding->message : finding->kind,
                         MESSAGE_LENGTH);
        tool_text_add(t->out, "\n");
        if (finding->other != TRACE_NONE) {
            begin(t);
            tool_text_add(t->out, "The other one: ");
            label_task(t->out, run, run->events[finding->other].task);
            tool_text_add(t->out, ", ");
            add_step(t, finding->other);
            tool_text_add(t->out, " (");
            label_event(t->out, run, finding->other);
            tool_text_add(t->out, ").\n");
        }
    }
    if (count > MOST_TASKS)
        tool_text_addf(t->out, "  and %zu other findings.\n", count - MOST_TASKS);
}

/* ---- What else there is to tell ------------------------------------------------------------ */

static void tell_predictions(const struct teller *t) {
    struct predictions *predictions = predict(t->run);
    if (predictions->count > 0)
        tool_text_add(t->out, "\nIn another interleaving, if the values allow it:\n\n");
    for (size_t i = 0; i < predictions->count && i < MOST_PREDICTIONS; i++) {
        tool_text_add(t->out, "  ");
        predict_sentence(t->out, t->run, predictions, i);
        tool_text_add(t->out, "\n");
    }
    if (predictions->count > MOST_PREDICTIONS)
        tool_text_addf(t->out, "  and %zu more like these.\n",
                       predictions->count - MOST_PREDICTIONS);
    if (predictions->cut)
        tool_text_add(t->out, "  There are too many lock orders to look at all of them.\n");
    predict_free(predictions);
}

static void tell_differences(const struct teller *t) {
    struct tool_text lines = {0};
    if (check_findings(&lines, t->run) > 0)
        tool_text_addf(t->out,
                       "\nWhat the trace says was found and what its steps show differ:\n\n%s",
                       lines.data);
    tool_text_free(&lines);
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* Whether it was recorded on threads, and so has no schedule. */
static bool is_real(const struct trace_run *run) {
    return !strcmp(run->summary.strategy, "threads");
}

void explain_replay_command(struct tool_text *out, const struct trace_run *run, const char *trace) {
    struct tool_text name = {0};
    tool_shell_quote(out, tool_command);
    if (is_real(run)) {
        tool_text_add(out, " explore");
    } else {
        tool_text_addf(&name, "%s#%lld", trace, (long long)run->summary.id);
        tool_text_add(out, " replay ");
        tool_shell_quote(out, name.data);
    }
    tool_text_add(out, " -- ");
    tool_shell_quote_all(out, run->program.arguments, run->program.argument_count);
    tool_text_free(&name);
}

static void tell_steps(const struct teller *t, const struct explain_options *options) {
    struct spacetime_options slice = {.all_up_to = options->steps, .budget = options->steps};
    struct spacetime *spacetime = spacetime_build(t->run, t->waits, &slice);
    struct picture picture = {
        .run = t->run, .waits = t->waits, .spacetime = spacetime, .title = ""};
    struct picture_text_options text = {.ascii = options->ascii, .color = options->color};
    tool_text_add(t->out, "\nThe way there:\n\n");
    picture_list(t->out, &picture, &text);
    spacetime_free(spacetime);
}

void explain_text(struct tool_text *out, const struct trace_run *run, const struct waits *waits,
                  const struct explain_options *options) {
    struct tool_text text = {0};
    struct teller t = {&text, run, waits};
    bool ok = strcmp(run->summary.outcome, "ok") == 0;
    explain_headline(&text, run, waits);
    text.data[0] = (char)toupper((unsigned char)text.data[0]);
    if (text.data[text.length - 1] != '.') tool_text_add(&text, ".");
    if (options->color && !ok) {
        struct tool_text line = {0};
        tool_text_addf(&line, "\033[1;31m%s\033[0m", text.data);
        tool_text_free(&text);
        text = line;
    }
    tool_text_add(&text, "\n");
    size_t begin_details = text.length;
    tool_text_add(&text, "\n");
    size_t details = text.length;
    if (waits->stuck > 0) tell_stuck(&t);
    tell_findings(&t);
    if (text.length == details) text.data[text.length = begin_details] = '\0';
    certainty_tell(&text, run);
    if (run->event_count == 0)
        tool_text_add(&text, "\nIts steps were not recorded; pirn explore --record=all records "
                             "those of every run.\n");
    else if (options->steps > 0 && !ok)
        tell_steps(&t, options);
    tell_differences(&t);
    if (options->predict) tell_predictions(&t);
    if (options->trace != NULL) {
        tool_text_add(&text, is_real(run)
                                 ? "\nrecorded on threads; to look for it in the simulator: "
                                 : "\nreplay: ");
        explain_replay_command(&text, run, options->trace);
        tool_text_add(&text, "\n");
    }
    if (options->ascii)
        utf8_add_ascii(out, text.data);
    else
        tool_text_add_bytes(out, text.data, text.length);
    tool_text_free(&text);
}

int explain_run(FILE *out, const struct trace_run *run, const struct explain_options *options) {
    static const struct explain_options defaults = {.steps = STEPS};
    struct waits *waits = waits_find(run);
    struct tool_text text = {0};
    explain_text(&text, run, waits, options != NULL ? options : &defaults);
    fwrite(text.data, 1, text.length, out);
    tool_text_free(&text);
    waits_free(waits);
    return tool_flush(out, "the output");
}
