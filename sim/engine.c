/* engine.c - steps, switches and choices; sim.h has the rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/report.h"
#include "lib/core/task.h"
#include "lib/core/wait.h"
#include "sim/allocated.h"
#include "sim/dependence.h"
#include "sim/race/race.h"
#include "sim/race/report.h"

struct sim sim = {
    .newest_link = &sim.oldest, .clock_used = true, .now = CLOCK_START, .mark = NO_MARK};

const struct place place_nowhere = {0};

/* Stands for the calling thread outside any task. */
static struct log_event nothing; /* what it does is logged nowhere */
static struct task outside = {
    .core.sleep = &outside.sleep, .next_place = &place_nowhere, .event = &nothing};
__thread bool sim_thread;

struct task *sim_outside(void) {
    if (sim.active && !sim_thread) {
        fputs("pirn: a thread of the program has called the library during a simulated run, which "
              "has room for tasks only\n",
              stderr);
        abort();
    }
    return &outside;
}

bool sim_in_task(void) { return sim.current && sim_thread; }

EXPORT uint64_t pirn_self(void) { return sim.current ? sim.current->core.id - sim.first_task : 0; }

/* ---- Runnable tasks ------------------------------------------------------------------------ */

/* There is room: engine_spawn has made it. */
static inline void make_runnable(struct task *task) {
    task->state = TASK_RUNNABLE;
    task->position = sim.count;
    sim.runnable[sim.count++] = task;
    task->woken = sim.log->steps;
    if (UNLIKELY(sim.aged)) task_link_newest(task);
}

static inline void make_unrunnable(struct task *task, enum task_state state) {
    struct task *last = sim.runnable[--sim.count];
    sim.runnable[task->position] = last;
    last->position = task->position;
    if (UNLIKELY(sim.aged)) task_unlink_age(task);
    task->state = state;
}

void engine_wake(struct task *task) {
    /* What it has waited for may be gone before it runs. */
    task->core.waits.op = OP_NONE;
    make_runnable(task);
    if (dependence_footprint) dependence_woken(task);
}

/* ---- Choices ------------------------------------------------------------------------------- */

_Noreturn void sim_stop_choosing(void) {
    sim_stop(PIRN_LIVELOCK, "more choices than a run has room for");
}

uint64_t engine_choose(uint64_t n) {
    uint64_t value;
    if (n < 2) return 0;
    if (!sim.active) return (uint64_t)rand() % n;
    value = sim.strategy->pick(sim.strategy, n);
    sim_log_choice(value);
    return value;
}

uint64_t engine_random(void) {
    uint64_t value;
    if (!sim.active) return (uint64_t)rand() << 32 ^ (uint64_t)rand();
    value = sim.strategy->random(sim.strategy);
    sim_log_choice(value);
    return value;
}

int64_t engine_now(void) {
    if (dependence_footprint) dependence_thing(THING_CLOCK, WAY_CLOCK, 0);
    return sim.now;
}

/* ---- Switching ----------------------------------------------------------------------------- */

static inline void link_task(struct task *task) {
    struct task *before = sim.youngest;
    task->previous = before;
    task->next = NULL;
    if (LIKELY(before != NULL))
        before->next = task;
    else
        sim.tasks = task;
    sim.youngest = task;
}

static inline void unlink_task(struct task *task) {
    struct task *before = task->previous, *next = task->next;
    if (LIKELY(before != NULL))
        before->next = next;
    else
        sim.tasks = next;
    if (next)
        next->previous = before;
    else
        sim.youngest = before;
}

/* Keeps the struct for another task, and the stack with it. */
static inline void free_task(struct task *task) {
    if (UNLIKELY(task->copy != NULL)) free(task->copy);
    if (UNLIKELY(task->name != NULL)) free(task->name);
    sanitize_stack_end(&task->fiber);
    stack_keep(&sim.stacks, &task->stack);
    task->next = sim.free_tasks;
    sim.free_tasks = task;
}

/* Not while it looks for who comes next: timers fire then, which may start tasks. */
static inline void free_dead(void) {
    if (!sim.dead || sim.dead == sim.current) return;
    free_task(sim.dead);
    sim.dead = NULL;
}

void sim_free_dead(void) { free_dead(); }

static inline __attribute__((always_inline)) _Noreturn void leave_for_home(void) {
    static struct task none;
    struct task *self = sim.current ? sim.current : &none;
    sim.current = NULL;
    if (PIRN_SANITIZED) sim.came_from = &self->fiber;
    sanitize_leave(&self->fiber, &sim.home_fiber, 0);
    context_switch(&self->context, &sim.home, NULL);
    abort();
}

CONTEXT_BOUNDARY _Noreturn void sim_leave(void) { leave_for_home(); }

/*
 * A strategy may let a task spin for ever that waits for what another would do, if only that came
 * to run. So where tasks have only tried in vain for long, and in the second half of a long run,
 * they take turns, and the next timer with them. What does not end then is a livelock.
 */
static bool must_be_fair(void) {
    return UNLIKELY(sim.idle >= sim.patience || sim.log->steps >= sim.fair_from);
}

static struct task *in_turn(bool timer) {
    ages_keep();
    sim.log->turns = true;
    if (timer && ++sim.turn > sim.count) {
        sim.turn = 0;
        return NULL;
    }
    return sim.oldest;
}

static inline void plan(void) {
    sim.plain_until = sim.fair_from;
    if (timers_armed || fds_changed || sim.idle >= sim.patience) sim.plain_until = 0;
    if (sim.main_returned && sim.main_steps + STEPS_AFTER_MAIN < sim.plain_until)
        sim.plain_until = sim.main_steps + STEPS_AFTER_MAIN;
}

void sim_plan(void) { plan(); }

struct task *sim_choose_anyhow(struct task *current) {
    for (;;) {
        struct timer *timer = timers_first();
        bool early = timer && !sim.options.late_timers;
        struct task *task;

        if (sim.main_returned && sim.log->steps - sim.main_steps >= STEPS_AFTER_MAIN) {
            sim.log->cut = true;
            sim_leave();
        }
        if (UNLIKELY(fds_changed)) fds_look();
        if (sim.count == 0) {
            if (fds_wait(timer && timers_awaited())) continue;
            if (!timer || !timers_awaited()) {
                finish_at_rest();
                return NULL;
            }
            timers_skip();
            if (sim.strategy->fires) sim.strategy->fires(sim.strategy);
            timers_fire();
            continue;
        }
        if (sim.count == 1 && !early && !sim.strategy->fires) return sim.runnable[0];
        task = must_be_fair() ? in_turn(early) : sim.strategy->task(sim.strategy, current, early);
        if (sim.count == 1 && !early) return task;
        if (UNLIKELY(!task)) {
            sim_log_choice(CHOICE_TIMER);
            timers_fire();
            continue;
        }
        sim_log_task(task, current);
        return task;
    }
}

/* Takes part in the simulation: a task, not the thread outside any. */
static bool simulated(const struct task *self) { return self == sim.current; }

/*
 * A place is copied member by member: the caller has just written it so, and a processor that reads
 * two writes at once has to wait for both to reach its cache.
 */
static void copy_place(struct place *to, const volatile struct place *from) {
    to->op = from->op;
    to->kind = from->kind;
    to->object = from->object;
    to->queue = from->queue;
    to->site = from->site;
}

/* Of the clock; before and after a run nothing is logged. */
void sim_begin_outside(struct task *self, const struct place *place) {
    if (sim.active && self == &sim.clock) {
        /* Here its step is still the one that armed the timer. */
        uint64_t armed = self->step, mark = (uint64_t)sim.epoch << 33 | armed;
        event_add_watched(self, place, object_number(place));
        if (dependence_footprint) dependence_begin(self, place);
        if (armed) engine_acquire(self, &mark, EDGE_TIMER);
    }
}

CONTEXT_BOUNDARY void engine_begin(struct task *self, const struct place *place) {
    engine_begin_here(self, place->op, place);
}

CONTEXT_BOUNDARY void engine_yield(struct task *self, const struct place *place) {
    engine_begin_here(self, OP_YIELD, place);
    engine_end_here(self, OP_YIELD, 0);
}

static __attribute__((cold)) _Noreturn void wait_outside(const struct place *place) {
    char buffer[256];
    struct text text = text_in(buffer, sizeof buffer);
    text_add(&text, "pirn: outside pirn_run this waits for ever under the simulator: %s in ",
             op_names[place->op]);
    text_add_site(&text, place->site);
    fprintf(stderr, "%s\n", buffer);
    abort();
}

CONTEXT_BOUNDARY void engine_park(struct task *self, const struct place *place, struct timer *timer,
                                  int64_t when, void (*after)(void *), void *arg) {
    struct task *next;
    uint32_t object;
    if (UNLIKELY(!simulated(self))) wait_outside(place);
    copy_place(&self->core.waits, place);
    self->core.waits.site = task_site(self, place->site);
    self->timed = timer != NULL;
    self->slept_in = place;
    self->since = sim.now;
    sim.parks++;
    object = object_number(place);
    make_unrunnable(self, TASK_PARKED);
    /* Without memory for a timer the deadline comes at once. */
    if (timer && engine_timer_arm(timer, when) != 0)
        timer->core.kind->fire(&timer->core, &sim.clock);
    if (after) after(arg);
    if (!(next = sim_choose(NULL))) sim_leave();
    if (next != self) {
        if (self->state == TASK_RUNNABLE) sim.log->preemptions++;
        sim_switch(self, next, false);
    }
    /* Virtual time can be long. */
    if (__builtin_add_overflow(sim.blocked, sim.now - self->since, &sim.blocked))
        sim.blocked = INT64_MAX;
    event_add(self, place->op, place, object);
    if (UNLIKELY(sim.extras)) {
        step_extras(self, NULL);
        if (dependence_footprint && dependence_ready(self) != READY_LOCAL)
            dependence_begin(self, place);
    }
    self->slept_in = &place_nowhere;
}

int engine_block(struct task *self, const struct place *place, pirn_fn *fn, void *arg) {
    (void)place;
    /* Before the function, which may have steps of its own. */
    engine_end(self, 0);
    fn(arg);
    return 0;
}

/* ---- Tasks --------------------------------------------------------------------------------- */

/* Ends the calling task. */
static inline __attribute__((always_inline)) _Noreturn void leave_for_ever(struct task *self) {
    struct task *next;
    event_add_outer(self, OP_EXIT);
    if (UNLIKELY(sim.extras)) {
        step_extras(self, NULL);
        if (dependence_footprint && sim.max_tasks) dependence_thing(THING_TASKS, WAY_ANY, 0);
    }
    engine_end_here(self, OP_EXIT, 0);
    make_unrunnable(self, TASK_ENDED);
    sim.live--;
    if (self == sim.main) {
        /* Others may hold pointers into what was its stack: that stays as it is. */
        if (!sim.main_returned) sim.main_ended = true;
        sim.main_steps = sim.log->steps;
        plan();
    } else {
        finish_ended(self);
        unlink_task(self);
        free_dead();
        sim.dead = self;
    }
    if (!(next = sim_choose(NULL))) leave_for_home();
    sim_switch(self, next, true);
    __builtin_unreachable();
}

CONTEXT_BOUNDARY _Noreturn void engine_exit(struct task *self) { leave_for_ever(self); }

/*
 * At the bottom of each stack, and not left by a call where the task's function has returned: then
 * there are as many returns in a run as calls, and a processor goes on predicting them.
 */
static CONTEXT_BOUNDARY void begin_task(void *arg, void *passed) {
    struct task *self = arg;
    (void)passed;
    sim_arrive(&self->fiber);
    event_add_outer(self, OP_START);
    if (UNLIKELY(sim.extras)) step_extras(self, NULL);
    self->entry->first_step = self->step;
    engine_acquire(self, &self->started, EDGE_GO);
    engine_end_here(self, OP_START, 0);
    if (UNLIKELY(race_programmed || race_live)) race_task_begins(self);
    task_call(self);
    if (self == sim.main) sim.main_returned = true;
    task_tell_end(self);
    leave_for_ever(self);
}

static __attribute__((noinline)) bool make_room_for(size_t tasks) {
    size_t more = sim.room ? 2 * sim.room : 64;
    struct task **bigger;
    while (more < tasks) more *= 2;
    bigger = realloc(sim.runnable, more * sizeof(struct task *));
    if (!bigger) return false;
    sim.runnable = bigger;
    sim.room = more;
    return true;
}

/* A task's argument and name, in its struct where they are short. */
static bool copy_argument(struct task *task, const struct spawn *spawn) {
    if (LIKELY(!spawn->copy)) return true;
    task->copy_size = spawn->copy;
    if (spawn->copy > sizeof task->copy_room && !(task->copy = malloc(spawn->copy))) return false;
    task->core.arg = task->copy ? task->copy : task->copy_room;
    memcpy(task->core.arg, spawn->arg, spawn->copy);
    return true;
}

static bool copy_name(struct task *task, const struct spawn *spawn) {
    size_t length;
    if (LIKELY(!spawn->name)) return true;
    length = strlen(spawn->name);
    if (length >= sizeof task->name_room && !(task->name = malloc(length + 1))) return false;
    task->core.name = memcpy(task->name ? task->name : task->name_room, spawn->name, length + 1);
    return true;
}

/* What others expect to find as zero, in the order in which it lies there, so that a compiler makes
 * few writes of it; engine_spawn sets the rest. */
static inline void task_clear(struct task *task) {
    task->core.name = NULL;
    task->core.waits.op = OP_NONE;
    task->next_place = task->slept_in = &place_nowhere;
    task->sleep.wait.under_way = false;
    task->event = NULL;
    task->step = task->steps = 0;
    task->inputs = 0;
    task->started = 0;
    task->children = task->made = 0;
    task->step_before = task->ranked_at = 0;
    task->children_planned = 0;
    task->timed = task->planned = false;
    task->rank = 0;
    task->copy = task->name = NULL;
    task->copy_size = 0;
}

static __attribute__((noinline)) struct task *make_task(void) {
    struct task *task = calloc(1, sizeof *task);
    if (task) task->core.sleep = &task->sleep;
    return task;
}

static inline __attribute__((always_inline)) struct task *new_task(const struct spawn *spawn) {
    struct task *task;
    free_dead();
    task = sim.free_tasks;
    if (task)
        sim.free_tasks = task->next;
    else if (!(task = make_task()))
        return NULL;
    task_clear(task);
    task->core.arg = spawn->arg;
    if (UNLIKELY(!copy_argument(task, spawn) || !copy_name(task, spawn) ||
                 !stack_get_again(&sim.stacks, spawn->stack_size, &task->stack)))
        goto failed;
    return task;

failed:
    free(task->copy);
    free(task->name);
    task->next = sim.free_tasks;
    sim.free_tasks = task;
    return NULL;
}

static __attribute__((noinline)) void log_name(struct log_task *entry, const char *name) {
    size_t length = strnlen(name, LOG_NAME - 1);
    memcpy(entry->name, name, length);
    entry->name[length] = '\0';
}

bool engine_room(void) { return !sim.max_tasks || sim.live < sim.max_tasks; }

int engine_spawn(struct task *self, const struct spawn *spawn, uint64_t *id) {
    struct log *log = sim.log;
    struct log_task *entry;
    struct task *task;

    if (!sim.active) return -EPERM;
    if (!engine_room()) return -EAGAIN;
    if (log->tasks == log->task_room) sim_stop(PIRN_LIVELOCK, "more tasks than a run has room for");
    if (UNLIKELY(sim.live >= sim.room) && !make_room_for(sim.live + 1)) return -ENOMEM;
    if (!(task = new_task(spawn))) return -ENOMEM;

    task->core.id = *id = ++log->tasks;
    task->core.parent = self->core.id;
    task->core.fn = spawn->fn;
    task->core.group = spawn->group;
    task->core.team = spawn->team;
    task->core.site = spawn->site;
    task->core.daemon = spawn->daemon;
    task->identity = task->history = mix(self->identity, ++self->children);
    engine_release(self, &task->started);
    link_task(task);
    if (++sim.live > sim.most_live) sim.most_live = sim.live;

    entry = task->entry = &log->task_table[task->core.id - 1];
    entry->parent = (uint32_t)task->core.parent;
    entry->first_step = 0;
    entry->identity = task->identity;
    entry->state = LOG_RUNNABLE;
    entry->daemon = spawn->daemon;
    entry->function = (const void *)(uintptr_t)spawn->fn;
    entry->site = spawn->site;
    entry->name[0] = '\0';
    if (UNLIKELY(spawn->name != NULL)) log_name(entry, spawn->name);

    sanitize_stack(&task->fiber, task->stack.base, task->stack.size);
    context_init(&task->context, task->stack.base, task->stack.size, begin_task, task, sim.control);
    make_runnable(task);
    return 0;
}

/* ---- The end of a run ---------------------------------------------------------------------- */

void sim_outcome(pirn_outcome outcome, const char *message) {
    struct log *log = sim.log;
    log->outcome = outcome;
    strncpy(log->message, message, sizeof log->message - 1);
    log->message[sizeof log->message - 1] = '\0';
}

static _Noreturn void stop_at(pirn_outcome outcome, const void *site, const char *message) {
    struct task *self = sim.current;
    struct log_event *event = self && self->step ? &sim.log->events[self->step - 1] : NULL;
    sim_outcome(outcome, message);
    log_find(sim.log, outcome, self ? self->step : 0, event ? event->object : 0, site, message);
    sim_leave();
}

_Noreturn void sim_stop(pirn_outcome outcome, const char *message) {
    stop_at(outcome, NULL, message);
}

static bool allowed(enum fault fault) {
    switch (fault) {
    case FAULT_SEND_ON_CLOSED:
        return sim.options.allow & PIRN_ALLOW_SEND_ON_CLOSED;
    case FAULT_DOUBLE_CLOSE:
        return sim.options.allow & PIRN_ALLOW_DOUBLE_CLOSE;
    default:
        return false;
    }
}

void engine_fault(struct task *self, enum fault fault, const struct place *place) {
    static const char *const messages[] = {"send on a closed channel", "close of a closed channel",
                                           "close of a NULL channel"};
    struct place gone = *place;
    waitq number = {0};
    uint32_t object;
    if (!simulated(self) || allowed(fault)) return;
    /* Its number is all that is known for sure. */
    object = sim.log->events[self->step - 1].object;
    number.object = (uint64_t)sim.epoch << 32 | object;
    if (place->object) {
        if (object) number.kind = sim.log->objects[object - 1].kind;
        object_take_label(object);
        gone.object = gone.queue = &number;
    }
    misuse(self, &gone, messages[fault]);
}

_Noreturn void engine_fail(struct task *self, enum failure failure, const struct place *place,
                           const char *message) {
    if (simulated(self)) {
        /* Where the call had not begun a step of its own, the report is at the one before. */
        stop_at(failure == FAILURE_PANIC ? PIRN_PANIC : PIRN_MISUSE, place->site, message);
    }
    fprintf(stderr, "pirn: %s: %s\n", failure == FAILURE_PANIC ? "panic" : "misuse", message);
    abort();
}

static int start_main(pirn_fn *main_fn, void *arg) {
    static const char name[] = "main";
    struct spawn spawn = {.fn = main_fn, .arg = arg};
    uint64_t id;
    int rc = engine_spawn(&outside, &spawn, &id);
    if (rc) return rc;
    sim.main = sim.youngest;
    sim.main->core.name = name;
    memcpy(sim.log->task_table[id - 1].name, name, sizeof name);
    return 0;
}

/* Runs the first task; comes back when the run is over. */
static CONTEXT_BOUNDARY void leave_home(void) {
    struct task *first = sim.runnable[0];
    sanitize_thread(&sim.home_fiber);
    sim.current = first;
    if (PIRN_SANITIZED) sim.came_from = &sim.home_fiber;
    sanitize_leave(&sim.home_fiber, &first->fiber, 0);
    context_switch(&sim.home, &first->context, NULL);
    sim_arrive(&sim.home_fiber);
}

/* After a signal nothing that the program can write to is to be trusted, and the heap may be
 * locked. */
static bool interrupted(void) {
    return sim.log->outcome == PIRN_CRASH || sim.log->outcome == PIRN_TIMEOUT;
}

/* Takes every task out of what it waits for, and puts its memory aside. */
static void discard_tasks(void) {
    struct task *task, *next;
    for (task = sim.tasks; task; task = next) {
        next = task->next;
        if (interrupted())
            task->copy = task->name = NULL;
        else if (wait_of(task))
            wait_abandon(wait_of(task), task->state != TASK_PARKED);
        free_task(task);
    }
    if (sim.dead && interrupted()) sim.dead->copy = sim.dead->name = NULL;
    free_dead();
    sim.tasks = sim.youngest = NULL;
    sim.count = 0;
    sim.oldest = NULL;
    sim.newest_link = &sim.oldest;
}

int sim_run(const pirn_config *config, pirn_fn *main_fn, void *arg, struct log *log,
            struct strategy *strategy, const struct run_options *options) {
    int rc;

    if (sim.stack_size != config->stack_size) {
        for (struct task *task = sim.free_tasks; task; task = task->next) task->stack.base = NULL;
        stack_pool_end(&sim.stacks);
        stack_pool_init(&sim.stacks, config->stack_size);
        sim.stack_size = config->stack_size;
    }
    sim.log = log;
    sim.strategy = strategy->turn ? strategy->turn : strategy;
    sim.aged = sim.extras = sim.strategy->fair || sim.strategy->ends;
    sim.options = *options;
    sim.max_tasks = config->max_tasks;
    sim.live = 0;
    sim.epoch = sim.epoch % MOST_EPOCHS + 1;
    sim.first_step = log->steps;
    sim.last_step = options->max_steps < log->most_steps - log->steps
                        ? log->steps + options->max_steps
                        : log->most_steps;
    sim.mark = (uint64_t)sim.epoch << 33;
    debugger_plan();
    sim.first_task = log->tasks;
    sim.main_returned = sim.main_ended = false;
    sim.idle = sim.turn = sim.clock_steps = 0;
    sim.patience = strategy->fair ? UINT64_MAX : PATIENCE;
    sim.fair_from = strategy->fair ? UINT64_MAX : log->steps + options->max_steps / 2;
    if (sim.clock_used) {
        task_clear(&sim.clock);
        sim.clock.identity = sim.clock.history = 0;
        sim.clock_used = false;
    }
    outside.identity = outside.history = log->tasks;
    outside.children = outside.step = 0;
    plan();
    if (log->steps == 0) sim.now = CLOCK_START;
    sim.control = context_control();
    task_prepare();
    sim_thread = true;
    sim.active = true;
    race_begin();
    stats_begin();
    rc = start_main(main_fn, arg);
    if (rc == 0) {
        leave_home();
        if (objects_labelled()) objects_take_labels();
        finish_log();
        if (options->failed) race_conclude(log);
        if (options->failed && log->outcome != PIRN_OK) options->failed();
    }
    sim.active = false;
    sim.mark = NO_MARK;
    discard_tasks();
    if ((log->outcome != PIRN_OK || log->cut) && !interrupted()) objects_free_channels();
    timers_clear();
    fds_clear();
    return rc;
}

void sim_release(void) {
    struct task *next;
    stats_keep();
    sim.log = NULL;
    for (struct task *task = sim.free_tasks; task; task = next) {
        next = task->next;
        free(task);
    }
    sim.free_tasks = NULL;
    stack_pool_end(&sim.stacks);
    sim.stack_size = 0;
    free(sim.runnable);
    sim.runnable = NULL;
    sim.room = 0;
    objects_release();
    allocated_release();
    timers_release();
    fds_release();
}
