/* label.c - events and waits in words. */
#include "viz/label.h"

#include <errno.h>
#include <string.h>

#include "viz/tool.h"
#include "viz/utf8.h"

#define SHOWN_CASES 4 /* of a select; the others are counted */

void label_task(struct tool_text *text, const struct trace_run *run, size_t task) {
    utf8_add_clipped(text, trace_task_name(run, task), LABEL_NAME);
}

void label_object(struct tool_text *text, const struct trace_run *run, size_t object) {
    utf8_add_clipped(text, object != TRACE_NONE ? run->objects[object].name : "a NULL channel",
                     LABEL_NAME);
}

void label_place(struct tool_text *text, const struct trace_run *run, size_t event) {
    utf8_add_clipped(
        text, trace_place(run, event != TRACE_NONE ? run->events[event].site : TRACE_NONE), 40);
}

/* Edges are sorted by `after`: those that end in an event are found at once. Those that begin in it
 * are not, so the direction of a select is known at once for a receive, and anything else that ran
 * a case is taken for a send. */
bool label_select_sends(const struct trace_run *run, size_t event) {
    size_t first;
    size_t count = trace_cases(run, event, &first);
    const struct trace_event *self = &run->events[event];
    /* After a sleep the cases are at the event where it fell asleep. */
    if (count == 0 && self->previous != TRACE_NONE && run->events[self->previous].slept)
        count = trace_cases(run, self->previous, &first);
    for (size_t i = 0; i < count; i++) {
        if (run->cases[first + i].object == self->object) return run->cases[first + i].sends;
    }
    size_t low = 0, high = run->edge_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run->edges[middle].after < event)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < run->edge_count && run->edges[low].after == event; low++) {
        if (run->edges[low].kind == TRACE_EDGE_MESSAGE || run->edges[low].kind == TRACE_EDGE_CLOSE)
            return false;
    }
    return true;
}

/* Whether it is the step of a timer that calls a function. */
static bool of_function(const struct trace_run *run, const struct trace_event *event) {
    return event->op == TRACE_OP_FIRE && event->object != TRACE_NONE &&
           run->objects[event->object].kind == TRACE_KIND_TIMER;
}

/* What a negative result means; "" for a success. */
static const char *failure(const struct trace_run *run, const struct trace_event *event) {
    bool starts = event->op == TRACE_OP_GO || of_function(run, event);
    if (event->slept || event->result >= 0 || event->op == TRACE_OP_RANDOM ||
        event->op == TRACE_OP_CHOOSE)
        return "";
    switch (event->result) {
    case -EPIPE:
        return ": closed";
    case -ECANCELED:
        return ": cancelled";
    case -ETIMEDOUT:
        return ": timed out";
    case -EAGAIN:
        return starts                       ? ": too many tasks"
               : event->op == TRACE_OP_FIRE ? ": dropped"
                                            : ": would block";
    case -EBUSY:
        return ": busy";
    case -EINVAL:
        return ": invalid";
    case -ENOMEM:
        return ": no memory";
    default:
        return ": failed";
    }
}

static void add_cases(struct tool_text *text, const struct trace_run *run, size_t event,
                      bool sentence) {
    size_t first;
    size_t count = trace_cases(run, event, &first);
    if (count == 0) {
        tool_text_add(text, "no case");
        return;
    }
    tool_text_addf(text, "%zu case%s", count, count == 1 ? "" : "s");
    if (!sentence) return;
    for (size_t i = 0; i < count && i < SHOWN_CASES; i++) {
        tool_text_addf(text, "%s%s ", i == 0 ? " (" : ", ",
                       run->cases[first + i].sends ? "send" : "recv");
        label_object(text, run, run->cases[first + i].object);
    }
    if (count > SHOWN_CASES) tool_text_addf(text, ", %zu more", count - SHOWN_CASES);
    tool_text_add(text, ")");
}

static bool is_select(enum trace_op op) {
    return op == TRACE_OP_SELECT || op == TRACE_OP_SELECT_FIRST;
}

/* The number after the name, where the result is one. */
static void add_result(struct tool_text *text, const struct trace_run *run,
                       const struct trace_event *event) {
    long long result = event->result;
    bool memory =
        event->object != TRACE_NONE && strcmp(run->objects[event->object].kind_word, "memory") == 0;
    if (event->slept || result < 0 || memory) return;
    switch (event->op) {
    case TRACE_OP_ADD:
    case TRACE_OP_DONE:
        tool_text_addf(text, " (%lld left)", result);
        break;
    case TRACE_OP_SIGNAL:
    case TRACE_OP_BROADCAST:
        tool_text_addf(text, " (wakes %lld)", result);
        break;
    case TRACE_OP_LEN:
    case TRACE_OP_READ:
    case TRACE_OP_WRITE:
        tool_text_addf(text, " = %lld", result);
        break;
    case TRACE_OP_STOP:
    case TRACE_OP_RESET:
        tool_text_add(text, result == 1 ? " (was armed)" : " (was not armed)");
        break;
    case TRACE_OP_ONCE:
        tool_text_add(text, result == 1 ? " (runs it)" : " (had run)");
        break;
    case TRACE_OP_CANCEL:
        if (result == 0) tool_text_add(text, " (had been)");
        break;
    default:
        break;
    }
}

void label_event(struct tool_text *text, const struct trace_run *run, size_t index) {
    const struct trace_event *event = &run->events[index];
    utf8_add_clipped(text, event->op_word, LABEL_NAME);
    if (event->slept) tool_text_add(text, "?");
    if (event->op == TRACE_OP_GO) {
        size_t task = event->result > 0 ? trace_find_task(run, event->result) : TRACE_NONE;
        if (task != TRACE_NONE) {
            tool_text_add(text, " ");
            label_task(text, run, task);
        }
    } else if (event->op == TRACE_OP_RANDOM || event->op == TRACE_OP_CHOOSE) {
        tool_text_addf(text, " %lld", (long long)event->result);
    } else if (is_select(event->op) && event->slept) {
        tool_text_add(text, " ");
        add_cases(text, run, index, false);
    } else if (is_select(event->op) && event->object != TRACE_NONE) {
        tool_text_add(text, label_select_sends(run, index) ? ": send " : ": recv ");
        label_object(text, run, event->object);
    } else if (event->object != TRACE_NONE) {
        tool_text_add(text, " ");
        label_object(text, run, event->object);
    } else if (event->op == TRACE_OP_SEND || event->op == TRACE_OP_RECV) {
        tool_text_add(text, " NULL");
    }
    if (of_function(run, event) && event->result > 0) {
        size_t task = trace_find_task(run, event->result);
        if (task != TRACE_NONE) {
            tool_text_add(text, " starts ");
            label_task(text, run, task);
        }
    }
    add_result(text, run, event);
    tool_text_add(text, failure(run, event));
}

void label_wait(struct tool_text *text, const struct trace_run *run, size_t index) {
    const struct trace_event *event = &run->events[index];
    utf8_add_clipped(text, event->op_word, LABEL_NAME);
    tool_text_add(text, " ");
    if (is_select(event->op))
        add_cases(text, run, index, false);
    else if (event->object != TRACE_NONE)
        label_object(text, run, event->object);
    else if (event->op == TRACE_OP_SEND || event->op == TRACE_OP_RECV)
        tool_text_add(text, "NULL");
    else
        text->data[--text->length] = '\0'; /* the space */
}

static bool is_kind(const struct trace_run *run, size_t object, enum trace_kind kind) {
    return object != TRACE_NONE && run->objects[object].kind == kind;
}

void label_wait_sentence(struct tool_text *text, const struct trace_run *run, size_t index) {
    const struct trace_event *event = &run->events[index];
    const char *before = "for ", *after = "";
    switch (event->op) {
    case TRACE_OP_SEND:
        before = "to send on ";
        break;
    case TRACE_OP_RECV:
        before = "to receive from ";
        if (is_kind(run, event->object, TRACE_KIND_CONTEXT))
            before = "for ", after = " to be cancelled";
        break;
    case TRACE_OP_LOCK:
        before = "to lock ";
        break;
    case TRACE_OP_RLOCK:
        before = "to lock ", after = " for reading";
        break;
    case TRACE_OP_WAIT:
        if (is_kind(run, event->object, TRACE_KIND_COND))
            before = "for a signal on ";
        else if (event->object != TRACE_NONE && run->objects[event->object].labelled)
            before = is_kind(run, event->object, TRACE_KIND_GROUP) ? "for the group "
                                                                   : "for the wait group ";
        break;
    case TRACE_OP_ONCE:
        before = "for the function of ", after = " to return";
        break;
    case TRACE_OP_ACQUIRE:
        before = "for permits of ";
        break;
    case TRACE_OP_READ:
        before = "to read ";
        break;
    case TRACE_OP_WRITE:
        before = "to write to ";
        break;
    case TRACE_OP_ACCEPT:
        before = "to accept on ";
        break;
    case TRACE_OP_CONNECT:
        before = "to connect ";
        break;
    case TRACE_OP_WAIT_FD:
        break;
    case TRACE_OP_SELECT:
    case TRACE_OP_SELECT_FIRST:
        tool_text_add(text, "in a select of ");
        add_cases(text, run, index, true);
        return;
    default:
        tool_text_add(text, "in ");
        label_wait(text, run, index);
        return;
    }
    tool_text_add(text, before);
    label_object(text, run, event->object);
    tool_text_add(text, after);
}

void label_gap(struct tool_text *text, size_t period, size_t steps) {
    if (period == 0)
        tool_text_addf(text, "%zu step%s left out", steps, steps == 1 ? "" : "s");
    else if (period == 1)
        tool_text_addf(text, "the last step again, x %zu", steps);
    else
        tool_text_addf(text, "the last %zu steps again, x %zu", period, steps / period);
}
