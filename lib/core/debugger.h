/*
 * debugger.h - what a debugger needs to know of the inside: names with the offset of a member, the
 * address of a variable or a constant.
 *
 * Each library holds one such table, pirn__debugger_threads or pirn__debugger_sim, which
 * lib/pirn-gdb.py reads. So it needs no debugging information of the library, works with a core
 * file, and fits the library that it looks into.
 */
#ifndef CORE_DEBUGGER_H
#define CORE_DEBUGGER_H

#include "lib/core/chan.h"
#include "lib/core/context.h"
#include "lib/core/label.h"
#include "lib/core/task.h"

/* The last row has an empty name. */
struct debugger_row {
    char name[24];
    uintptr_t value;
};

#define DEBUGGER_ADDRESS(x) ((uintptr_t)(void *)&(x))

/* How a context keeps what it needs, from struct context on. */
#if PIRN_CONTEXT_UCONTEXT && defined __x86_64__
#define DEBUGGER_REGISTER(name, number) \
    { "register." name, offsetof(ucontext_t, uc_mcontext.gregs) + (number) * sizeof(greg_t) }
#define DEBUGGER_CONTEXT                                                                   \
    DEBUGGER_REGISTER("rip", REG_RIP), DEBUGGER_REGISTER("rsp", REG_RSP),                  \
        DEBUGGER_REGISTER("rbp", REG_RBP), DEBUGGER_REGISTER("rbx", REG_RBX),              \
        DEBUGGER_REGISTER("r12", REG_R12), DEBUGGER_REGISTER("r13", REG_R13),              \
        DEBUGGER_REGISTER("r14", REG_R14), {                                               \
        "register.r15", offsetof(ucontext_t, uc_mcontext.gregs) + REG_R15 * sizeof(greg_t) \
    }
#elif PIRN_CONTEXT_UCONTEXT
#define DEBUGGER_CONTEXT \
    { "context.unknown", 1 }
#else
#define DEBUGGER_CONTEXT \
    { "context.sp", offsetof(struct context, sp) }
#endif

/* The rows that both engines have; struct task is complete where this stands. */
#define DEBUGGER_ROWS                                                                           \
    {"version", 1}, {"task.id", offsetof(struct task, core.id)},                                \
        {"task.parent", offsetof(struct task, core.parent)},                                    \
        {"task.fn", offsetof(struct task, core.fn)},                                            \
        {"task.site", offsetof(struct task, core.site)},                                        \
        {"task.name", offsetof(struct task, core.name)},                                        \
        {"task.daemon", offsetof(struct task, core.daemon)},                                    \
        {"task.waits", offsetof(struct task, core.waits)},                                      \
        {"task.wait", offsetof(struct task, sleep.wait)},                                       \
        {"task.context", offsetof(struct task, context)},                                       \
        {"task.stack", offsetof(struct task, stack.base)},                                      \
        {"task.stack_size", offsetof(struct task, stack.size)},                                 \
        {"task.state", offsetof(struct task, state)}, {"place.op", offsetof(struct place, op)}, \
        {"place.kind", offsetof(struct place, kind)},                                           \
        {"place.object", offsetof(struct place, object)},                                       \
        {"place.queue", offsetof(struct place, queue)},                                         \
        {"place.site", offsetof(struct place, site)}, {"queue.first", offsetof(waitq, first)},  \
        {"queue.kind", offsetof(waitq, kind)}, {"queue.object", offsetof(waitq, object)},       \
        {"waiter.size", sizeof(struct waiter)}, {"waiter.next", offsetof(struct waiter, next)}, \
        {"waiter.wait", offsetof(struct waiter, wait)},                                         \
        {"waiter.queue", offsetof(struct waiter, queue)},                                       \
        {"waiter.guard", offsetof(struct waiter, guard)},                                       \
        {"wait.task", offsetof(struct wait, task)},                                             \
        {"wait.waiters", offsetof(struct wait, waiters)},                                       \
        {"wait.count", offsetof(struct wait, count)},                                           \
        {"wait.under_way", offsetof(struct wait, under_way)},                                   \
        {"chan.receivers", offsetof(struct pirn_chan, receivers)},                              \
        {"chan.value_size", offsetof(struct pirn_chan, value_size)},                            \
        {"chan.capacity", offsetof(struct pirn_chan, capacity)},                                \
        {"chan.count", offsetof(struct pirn_chan, count)},                                      \
        {"chan.closed", offsetof(struct pirn_chan, closed)},                                    \
        {"label.object", offsetof(struct label, object)},                                       \
        {"label.next", offsetof(struct label, next)},                                           \
        {"label.text", offsetof(struct label, text)},                                           \
        {"label_newest", DEBUGGER_ADDRESS(label_newest)},                                       \
        {"op_names", DEBUGGER_ADDRESS(op_names)}, {"ops", OP_COUNT},                            \
        {"object_names", DEBUGGER_ADDRESS(object_names)}, {"kinds", OBJECT_COUNT},              \
        {"kind_chan", OBJECT_CHAN}, {"kind_fd", OBJECT_FD}, {"kind_context", OBJECT_CONTEXT},   \
        {"op_select", OP_SELECT}, {"op_select_first", OP_SELECT_FIRST},                         \
        {"return_site", DEBUGGER_ADDRESS(task_return_site)},                                    \
        {"return_site_in_group", DEBUGGER_ADDRESS(task_return_site_in_group)}, DEBUGGER_CONTEXT

#endif
