/* report.c - tasks, objects and places in words. */
#include "lib/core/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/core/fd.h"
#include "lib/core/label.h"
#include "lib/core/symbol.h"
#include "lib/core/task.h"
#include "lib/core/wait.h"

void text_add_object(struct text *text, const struct place *place) {
    char label[LABEL_SIZE];
    struct place whole = *place; /* of which the channel may be a part */
    if (place->queue && place->queue->kind) whole.kind = (enum object_kind)place->queue->kind;
    if (!place->object) {
        text_add(text, "%s",
                 place->kind == OBJECT_CHAN ? "a NULL channel" : object_names[place->kind]);
        return;
    }
    if (place->kind == OBJECT_CHAN && whole.kind == OBJECT_CONTEXT)
        text_add(text, "the done channel of ");
    if (place->kind == OBJECT_FD)
        text_add(text, "%s %d", object_names[OBJECT_FD], fd_number(place->object));
    else if (label_get(place->object, label))
        text_add(text, "%s %s", object_names[whole.kind], label);
    else
        engine_describe_object(text, &whole);
}

void text_add_task_name(struct text *text, const struct task *task) {
    const struct task_core *core = (const struct task_core *)task;
    struct symbol s;
    if (core->name) {
        text_add(text, " (%s)", core->name);
        return;
    }
    symbol_resolve((const char *)(uintptr_t)core->fn + 1, &s);
    text_add(text, " (%s)", *s.function ? s.function : "unnamed");
}

void text_add_task(struct text *text, const struct task *task) {
    const struct task_core *core = (const struct task_core *)task;
    if (!core->id) {
        text_add(text, "a thread of the program");
        return;
    }
    text_add(text, "task %llu", (unsigned long long)core->id);
    text_add_task_name(text, task);
}

static const char *doing(enum op op) {
    switch (op) {
    case OP_SEND:
        return "sending to";
    case OP_RECV:
        return "receiving from";
    case OP_SELECT:
    case OP_SELECT_FIRST:
        return "in select";
    case OP_LOCK:
        return "locking";
    case OP_RLOCK:
        return "read-locking";
    case OP_WAIT:
        return "waiting for";
    case OP_ONCE:
        return "waiting for";
    case OP_ACQUIRE:
        return "acquiring";
    case OP_SLEEP:
        return "sleeping";
    case OP_WAIT_FD:
        return "waiting for";
    case OP_READ:
        return "reading from";
    case OP_WRITE:
        return "writing to";
    case OP_ACCEPT:
        return "accepting on";
    case OP_CONNECT:
        return "connecting";
    case OP_BLOCK:
        return "in a blocking call";
    default:
        return op_names[op];
    }
}

void text_add_case(struct text *text, size_t index, bool sends, const void *chan, waitq *queue) {
    struct place on = PLACE(NONE, CHAN, chan, queue, NULL);
    text_add(text, "%s%s ", index ? " or " : ": ", sends ? "sending to" : "receiving from");
    text_add_object(text, &on);
}

void text_add_waiting(struct text *text, const struct place *place, const struct wait *wait) {
    bool select = place->op == OP_SELECT || place->op == OP_SELECT_FIRST;
    text_add(text, "%s", doing(place->op));
    if (place->kind != OBJECT_NONE) {
        text_add(text, " ");
        text_add_object(text, place);
    }
    if (!select || !wait) return;
    if (!wait->count) text_add(text, " without a case that could ever run");
    for (size_t i = 0; i < wait->count; i++) {
        const struct waiter *w = &wait->waiters[i];
        /* A channel begins with its queue of senders. */
        text_add_case(text, i, w->queue == w->guard, w->guard, w->guard);
    }
}

void text_add_origin(struct text *text, const struct task *task) {
    const struct task_core *core = (const struct task_core *)task;
    if (core->site) {
        text_add(text, "; started ");
        if (core->parent) text_add(text, "by task %llu ", (unsigned long long)core->parent);
        text_add(text, "in ");
        text_add_site(text, core->site);
    }
    if (core->daemon) text_add(text, "; daemon");
}

void text_add_state(struct text *text, const struct task *task, const char *running) {
    const struct task_core *core = (const struct task_core *)task;
    text_add_task(text, task);
    text_add(text, ": ");
    if (core->waits.op == OP_NONE) {
        text_add(text, "%s", running);
    } else {
        text_add_waiting(text, &core->waits, wait_of(task));
        text_add(text, ", in ");
        text_add_site(text, core->waits.site);
    }
    text_add_origin(text, task);
}

_Noreturn void misuse(struct task *self, const struct place *place, const char *message) {
    char buffer[512];
    struct text text = text_in(buffer, sizeof buffer);
    text_add(&text, "%s: ", message);
    if (place->kind != OBJECT_NONE) {
        text_add_object(&text, place);
        text_add(&text, ", ");
    }
    text_add(&text, "by ");
    text_add_task(&text, self);
    text_add(&text, " in ");
    text_add_site(&text, task_site(self, place->site));
    engine_fail(self, FAILURE_MISUSE, place, buffer);
}

EXPORT void pirn_panic(const char *format, ...) {
    struct task *self = engine_self();
    struct place place = PLACE_ALONE(NONE, CALLER());
    char buffer[512];
    struct text text = text_in(buffer, sizeof buffer);
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(buffer, sizeof buffer - 160, format, ap);
    va_end(ap);
    text.length = n < 0 ? 0 : (size_t)n < sizeof buffer - 160 ? (size_t)n : sizeof buffer - 161;
    text_add(&text, ", by ");
    text_add_task(&text, self);
    text_add(&text, " in ");
    text_add_site(&text, task_site(self, place.site));
    engine_fail(self, FAILURE_PANIC, &place, buffer);
}
