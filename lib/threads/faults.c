/*
 * faults.c - what is said when a program cannot go on: deadlock, misuse, panic, an overflowing
 * stack.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/core/dump.h"
#include "lib/core/report.h"
#include "lib/core/task.h"
#include "lib/threads/runtime.h"

enum { HALT_TRIES = 50, SIGNAL_STACK = 64 * 1024 };

static void say(const char *text) {
    size_t length = strlen(text);
    while (length) {
        ssize_t n = write(STDERR_FILENO, text, length);
        if (n <= 0) return;
        text += n;
        length -= (size_t)n;
    }
}

/* Prints every task, after asking running ones to stop. */
static void dump_tasks(void) {
    int others =
        atomic_load(&runtime.running) ? atomic_load(&runtime.active) - (worker_self() != NULL) : 0;
    atomic_store(&runtime.halting, true);
    worker_interrupt_all();
    for (int i = 0; i < HALT_TRIES; i++) {
        if (atomic_load(&runtime.halted) + atomic_load(&runtime.idle_count) >= others) break;
        usleep(1000);
    }
    dump_write(STDERR_FILENO, false);
    atomic_store(&runtime.halting, false);
    worker_interrupt_end();
}

void report_deadlock(void) {
    if (PIRN_RECORDED) recorded_deadlock();
    say(runtime.main_ended
            ? "pirn: deadlock: the main task has ended, and every other task is blocked\n"
            : "pirn: deadlock: every task is blocked\n");
    dump_write(STDERR_FILENO, false);
}

_Noreturn void engine_fail(struct task *self, enum failure failure, const struct place *place,
                           const char *message) {
    static _Atomic bool failing;
    /* One report is enough; the other failing threads wait for the end. */
    while (atomic_exchange(&failing, true)) usleep(100000);
    say(failure == FAILURE_PANIC ? "pirn: panic: " : "pirn: misuse: ");
    say(message);
    say("\n");
    if (PIRN_RECORDED) recorded_failure(self, failure, place, message);
    (void)self;
    (void)place;
    dump_tasks();
    abort();
}

void engine_describe_object(struct text *text, const struct place *place) {
    text_add(text, "%s", object_names[place->kind]);
    if (place->queue && place->queue->kind && engine_object_site(place->queue)) {
        text_add(text, " from ");
        text_add_line(text, (const void *)(uintptr_t)engine_object_site(place->queue));
    }
}

/* ---- Stacks that overflow ------------------------------------------------------------------ */

static struct sigaction other_handlers[2];

static void say_overflow(const struct task *task) {
    char buffer[512];
    struct text text = text_in(buffer, sizeof buffer);
    text_add(&text, "pirn: stack overflow: ");
    text_add_task(&text, task);
    text_add(&text, " has used up its stack of %zu KiB; started in ", task->stack.size / 1024);
    text_add_site(&text, task->core.site);
    text_add(
        &text,
        ". Ask for more with pirn_attr.stack_size, pirn_config.stack_size or PIRN_STACK_SIZE.\n");
    say(buffer);
    if (PIRN_RECORDED) recorded_overflow(task, buffer);
}

_Noreturn void report_overflow(const struct task *task) {
    say_overflow(task);
    abort();
}

static void on_fault(int number, siginfo_t *info, void *machine) {
    const struct task *task = threads_self;
    (void)machine;
    if (task && stack_in_guard(&task->stack, info->si_addr)) {
        say_overflow(task);
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    if (PIRN_RECORDED) recorded_crash(number);
    /* Not ours: the fault comes again, to who was there before us. What was sent does not. */
    sigaction(number, &other_handlers[number == SIGBUS], NULL);
    if (info->si_code <= 0) raise(number);
}

void faults_begin(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &other_handlers[0]);
    sigaction(SIGBUS, &action, &other_handlers[1]);
}

void faults_end(void) {
    sigaction(SIGSEGV, &other_handlers[0], NULL);
    sigaction(SIGBUS, &other_handlers[1], NULL);
}

void faults_thread_begin(struct worker *worker) {
    stack_t stack;
    memset(&stack, 0, sizeof stack);
    worker->signal_stack = malloc(SIGNAL_STACK);
    if (!worker->signal_stack) return; /* the fault is then not explained */
    stack.ss_sp = worker->signal_stack;
    stack.ss_size = SIGNAL_STACK;
    sigaltstack(&stack, &worker->other_signal_stack);
}

void faults_thread_end(struct worker *worker) {
    if (!worker->signal_stack) return;
    sigaltstack(&worker->other_signal_stack, NULL);
    free(worker->signal_stack);
}
