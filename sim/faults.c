/*
 * faults.c - runs that crash, and runs that do not end.
 *
 * A signal's handler runs on a stack of its own. It writes down what happened and leaves the run
 * for good: the process, where it was forked for this run, or the task's stack.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "lib/core/report.h"
#include "sim/sim.h"

enum { SIGNAL_STACK = 256 * 1024, TICKS = 4, MOST_FRAMES = 64 };

/* The sanitizers explain crashes better than we do, and end the process. */
enum {
#if PIRN_ASAN || PIRN_TSAN
    SANITIZED = 1
#else
    SANITIZED = 0
#endif
};

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { CRASHES = sizeof crashes / sizeof *crashes };

static struct sigaction before[CRASHES], before_tick;
static stack_t stack_before;
static void *signal_stack;
static timer_t clock_timer;
static bool watching;
static int64_t watch_limit;
static uint32_t watched_epoch;
static int ticks;

static int tick_signal(void) { return SIGRTMAX - 2; }

static const void *program_counter(const void *machine) {
    const ucontext_t *context = machine;
#if defined __x86_64__
    return (const void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (const void *)context->uc_mcontext.pc;
#else
    (void)context;
    return NULL;
#endif
}

/* The run is over: writes its end and leaves. */
static _Noreturn void leave(pirn_outcome outcome, const void *site, const char *message,
                            int number) {
    const struct task *self = sim.current;
    sigset_t set;
    sim_outcome(outcome, message);
    log_find(sim.log, outcome, self ? self->step : 0, 0, site, message);
    if (sim.forked) {
        finish_log();
        sim.log->finished = true;
        _exit(1);
    }
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sim_leave();
}

static const char *signal_words(int number) {
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV, memory that is not there";
    case SIGBUS:
        return "SIGBUS, memory that cannot be used so";
    case SIGFPE:
        return "SIGFPE, bad arithmetic";
    case SIGILL:
        return "SIGILL, no such instruction";
    default:
        return "SIGABRT, abort or a failed assertion";
    }
}

/* Where the module that holds the address begins in memory; NULL if that is unknown. */
static const void *module_of(const void *address) {
    Dl_info info;
    return address && dladdr(address, &info) ? info.dli_fbase : NULL;
}

struct search {
    const void *module; /* of the task's function */
    const void *found;
    int frames;
};

static _Unwind_Reason_Code look_at_frame(struct _Unwind_Context *context, void *arg) {
    struct search *search = arg;
    const void *pc = (const void *)_Unwind_GetIP(context);
    if (module_of(pc) == search->module) search->found = pc;
    return search->found || ++search->frames == MOST_FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/*
 * The place that a person wants: where the fault is or, if that is in a library, the call in the
 * task's own module that led there. (Only then is the stack walked: a library that aborts has left
 * it in order.)
 */
static const void *place_of_fault(const void *pc) {
    const struct task *self = sim.current;
    struct search search = {.module = self ? module_of((void *)(uintptr_t)self->core.fn) : NULL};
    if (search.module && module_of(pc) != search.module) _Unwind_Backtrace(look_at_frame, &search);
    return search.found ? search.found : (const char *)pc + 1;
}

/* Returns the place of the fault; NULL: unknown. */
static const void *add_place(struct text *text, const void *machine) {
    const struct task *self = sim.current;
    const void *pc = program_counter(machine), *place = pc ? place_of_fault(pc) : NULL;
    const struct log_event *event = self && self->step ? &sim.log->events[self->step - 1] : NULL;
    if (self) {
        text_add(text, " by ");
        text_add_task(text, self);
    }
    if (pc) {
        text_add(text, " in ");
        text_add_site(text, place);
    }
    if (event && event->site) {
        text_add(text, ", after %s in ", op_names[event->op]);
        text_add_site(text, event->site);
    }
    return place;
}

static void on_crash(int number, siginfo_t *info, void *machine) {
    char buffer[LOG_MESSAGE];
    struct text text = text_in(buffer, sizeof buffer);
    const struct task *self = sim.current;
    const void *place = NULL;

    bool overflow = self && (number == SIGSEGV || number == SIGBUS) &&
                    stack_in_guard(&self->stack, info->si_addr);

    if (!sim.active || !self || (SANITIZED && !overflow)) {
        /* Not ours: it comes again, to who was there before us. */
        for (int i = 0; i < CRASHES; i++)
            if (crashes[i] == number) sigaction(number, &before[i], NULL);
        if (info->si_code <= 0) raise(number);
        return;
    }
    if (overflow) {
        text_add(&text, "stack overflow: ");
        text_add_task(&text, self);
        text_add(&text, " has used up its stack of %zu KiB", self->stack.size / 1024);
    } else {
        text_add(&text, "%s", signal_words(number));
        /* A signal that somebody has sent has none. */
        if ((number == SIGSEGV || number == SIGBUS) && info->si_code > 0)
            text_add(&text, " (address %#llx)", (unsigned long long)(uintptr_t)info->si_addr);
        place = add_place(&text, machine);
    }
    leave(PIRN_CRASH, place, buffer, number);
}

static void on_tick(int number, siginfo_t *info, void *machine) {
    char buffer[LOG_MESSAGE];
    struct text text = text_in(buffer, sizeof buffer);
    (void)info;
    if (!sim.active || !sim.current) return;
    if (watched_epoch != sim.epoch) {
        watched_epoch = sim.epoch;
        ticks = 0;
    }
    if (++ticks <= TICKS) return;
    text_add(&text, "no end after %.3g s", (double)watch_limit / 1e9);
    /* Where it is at that moment says less than the words. */
    add_place(&text, machine);
    leave(PIRN_TIMEOUT, NULL, buffer, number);
}

static void catch (int number, void (*handler)(int, siginfo_t *, void *), int flags,
                   struct sigaction *old) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, old);
}

void faults_begin(int64_t limit) {
    stack_t stack;
    memset(&stack, 0, sizeof stack);
    signal_stack = malloc(SIGNAL_STACK);
    if (signal_stack) {
        stack.ss_sp = signal_stack;
        stack.ss_size = SIGNAL_STACK;
        sigaltstack(&stack, &stack_before);
    }
    for (int i = 0; i < CRASHES; i++) catch (crashes[i], on_crash, 0, &before[i]);
    catch (tick_signal(), on_tick, SA_RESTART, &before_tick);
    faults_watch(limit);
}

void faults_watch(int64_t limit) {
    struct sigevent event;
    int64_t tick = limit / TICKS;
    struct itimerspec interval = {{tick / PIRN_SEC, tick % PIRN_SEC},
                                  {tick / PIRN_SEC, tick % PIRN_SEC}};

    watch_limit = limit;
    ticks = 0;
    watching = false;
    if (limit <= 0) return;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = tick_signal();
    if (timer_create(CLOCK_MONOTONIC, &event, &clock_timer) != 0) return;
    watching = timer_settime(clock_timer, 0, &interval, NULL) == 0;
}

void faults_end(void) {
    if (watching) timer_delete(clock_timer);
    watching = false;
    for (int i = 0; i < CRASHES; i++) sigaction(crashes[i], &before[i], NULL);
    sigaction(tick_signal(), &before_tick, NULL);
    if (signal_stack) sigaltstack(&stack_before, NULL);
    free(signal_stack);
    signal_stack = NULL;
}
