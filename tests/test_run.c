/* test_run.c - starting the runtime, tasks and their ends; the rules G1 to G4. */
#include "tests/support.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nothing(void *arg) { (void)arg; }

static void set_flag(void *arg) { atomic_store((atomic_int *)arg, 1); }

/* ---- The runtime --------------------------------------------------------------------------- */

static void add_one(void *arg) { ++*(int *)arg; }

static void run_returns_when_main_has(void) {
    pirn_config config = {0};
    int count = 0;
    CU_ASSERT_EQUAL(pirn_run(NULL, add_one, &count), 0);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(pirn_run(&config, add_one, &count), 0);
    CU_ASSERT_EQUAL(count, 2);
    CU_ASSERT_STRING_EQUAL(pirn_version(), PIRN_VERSION);
}

static void start_some(void *arg) {
    pirn_waitgroup group = {0};
    atomic_int flag = 0;
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&group, set_flag, &flag), 0);
    pirn_waitgroup_wait(&group);
    check_equal(flag, 1);
    add_one(arg);
}

static void runs_a_thousand_times(void) {
    int count = 0;
    for (int i = 0; i < 1000; i++) check_equal(pirn_run(NULL, start_some, &count), 0);
    CU_ASSERT_EQUAL(count, 1000);
    conclude("runs");
}

static void bad_setup_is_refused(void) {
    pirn_config config = {.workers = -1};
    int count = 0;
    CU_ASSERT_EQUAL(pirn_run(NULL, NULL, NULL), -EINVAL);
    CU_ASSERT_EQUAL(pirn_run(&config, add_one, &count), -EINVAL);
    config.workers = 1025;
    CU_ASSERT_EQUAL(pirn_run(&config, add_one, &count), -EINVAL);
    config.workers = 0;
    config.stack_size = SIZE_MAX;
    CU_ASSERT(pirn_run(&config, add_one, &count) < 0);
    config.stack_size = 1; /* rounded up */
    CU_ASSERT_EQUAL(pirn_run(&config, add_one, &count), 0);
    CU_ASSERT_EQUAL(count, 1);
}

struct setting {
    const char *name, *value;
    int rc;
};

static void run_with_setting(void *arg) {
    const struct setting *s = arg;
    int count = 0, rc;
    setenv(s->name, s->value, 1);
    rc = pirn_run(NULL, add_one, &count);
    _exit(rc == s->rc && count == (rc == 0) ? 0 : 1);
}

static void bad_environment_is_refused(void) {
    static const struct setting settings[] = {
        {"PIRN_STACK_SIZE", "lots", -EINVAL},
        {"PIRN_STACK_SIZE", "-1", -EINVAL},
        {"PIRN_STACK_SIZE", "65536x", -EINVAL},
        {"PIRN_STACK_SIZE", "65536", 0},
#if !SIMULATED
        {"PIRN_WORKERS", "many", -EINVAL},
        {"PIRN_WORKERS", "-3", -EINVAL},
        {"PIRN_WORKERS", "2000", -EINVAL},
        {"PIRN_WORKERS", "99999999999999999999", -EINVAL},
        {"PIRN_WORKERS", "3", 0},
#endif
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char *error = NULL;
        int status = harness_child(run_with_setting, (void *)&settings[i], &error);
        if (!check_equal(status, 0))
            fprintf(stderr, "    with %s=%s\n", settings[i].name, settings[i].value);
        if (settings[i].rc) check_contains(error, settings[i].name);
        free(error);
    }
    conclude("environment");
}

static void run_within(void *arg) {
    check_equal(pirn_run(NULL, add_one, arg), -EBUSY);
    check_equal(*(int *)arg, 0);
}

static void run_inside_a_run_is_refused(void) {
    int count = 0;
    run_body(run_within, &count);
}

static void no_runtime_no_task(void) {
    atomic_int flag = 0;
    pirn_attr attr = {0};
    for (int i = 0; i < 2; i++) { /* before the first run and after it */
        CU_ASSERT_EQUAL(pirn_go(set_flag, &flag), -EPERM);
        CU_ASSERT_EQUAL(pirn_go_copy(set_flag, &flag, sizeof flag), -EPERM);
        CU_ASSERT_EQUAL(pirn_go_with(&attr, set_flag, &flag), -EPERM);
        CU_ASSERT_EQUAL(pirn_self(), 0);
        CU_ASSERT(pirn_now() > 0);
        pirn_yield();
        CU_ASSERT_EQUAL(pirn_run(NULL, nothing, NULL), 0);
    }
    CU_ASSERT_EQUAL(flag, 0);
}

static void keep_errno(void *arg) {
    pirn_chan *chan = pirn_chan_new(4, 0);
    (void)arg;
    errno = 123;
    check_equal(pirn_try_recv(NULL, NULL), -EAGAIN);
    check_equal(pirn_try_send(chan, NULL), -EAGAIN);
    check_equal(pirn_go(NULL, NULL), -EINVAL);
    check(pirn_chan_new(SIZE_MAX, SIZE_MAX) == NULL);
    check_equal(pirn_run(NULL, nothing, NULL), -EBUSY);
    check_equal(errno, 123);
    pirn_chan_unref(chan);
}

static void errno_is_left_alone(void) { run_body(keep_errno, NULL); }

/* ---- Tasks --------------------------------------------------------------------------------- */

static void start_badly(void *arg) {
    (void)arg;
    check_equal(pirn_go(NULL, NULL), -EINVAL);
    check_equal(pirn_go_copy(NULL, NULL, 0), -EINVAL);
    check_equal(pirn_go_with(NULL, NULL, NULL), -EINVAL);
}

static void task_needs_a_function(void) { run_body(start_badly, NULL); }

struct copied {
    pirn_chan *out;
    int number;
    char filler[1000];
};

static void send_copy(void *arg) {
    struct copied *c = arg;
    check_equal((uintptr_t)arg % _Alignof(max_align_t), 0);
    pirn_yield();
    for (size_t i = 0; i < sizeof c->filler; i++)
        if (!check_equal(c->filler[i], (char)c->number)) break;
    check_equal(pirn_send(c->out, &c->number), 0);
}

static void send_null(void *arg) { check(arg == NULL); }

static void copy_a_loop_variable(void *arg) {
    struct copied c = {pirn_chan_new(sizeof(int), 0), 0, ""};
    bool seen[50] = {false};
    int number;
    (void)arg;
    check_equal(pirn_go_copy(send_null, NULL, 0), 0);
    for (c.number = 0; c.number < 50; c.number++) {
        memset(c.filler, c.number, sizeof c.filler);
        check_equal(pirn_go_copy(send_copy, &c, sizeof c), 0);
    }
    for (int i = 0; i < 50; i++) {
        check_equal(pirn_recv(c.out, &number), 0);
        if (check(number >= 0 && number < 50)) {
            check(!seen[number]);
            seen[number] = true;
        }
    }
    pirn_chan_unref(c.out);
}

static void copied_argument_is_the_tasks_own(void) { run_body(copy_a_loop_variable, NULL); }

struct passing {
    int value;
    pirn_chan *done;
};

static void read_value(void *arg) {
    struct passing *p = arg;
    check_equal(p->value, 31); /* what came before the start happened before */
    p->value = 32;
    check_equal(pirn_send(p->done, NULL), 0);
}

static void pass_value(void *arg) {
    struct passing p = {31, pirn_chan_new(0, 0)};
    pirn_attr attr = {.name = "reader", .stack_size = 100000};
    (void)arg;
    check_equal(pirn_go(read_value, &p), 0);
    check_equal(pirn_recv(p.done, NULL), 0);
    check_equal(p.value, 32);
    p.value = 31;
    check_equal(pirn_go_with(&attr, read_value, &p), 0);
    check_equal(pirn_recv(p.done, NULL), 0);
    p.value = 31;
    check_equal(pirn_go_with(NULL, read_value, &p), 0);
    check_equal(pirn_recv(p.done, NULL), 0);
    pirn_chan_unref(p.done);
}

/* G8 */
static void start_happens_before_the_first_step(void) { run_body(pass_value, NULL); }

struct ids {
    pirn_mutex mutex;
    pirn_waitgroup group;
    uint64_t ids[40];
    int count;
};

static void note_id(void *arg) {
    struct ids *n = arg;
    uint64_t id = pirn_self();
    pirn_yield();
    check_equal(pirn_self(), id);
    pirn_mutex_lock(&n->mutex);
    n->ids[n->count++] = id;
    pirn_mutex_unlock(&n->mutex);
}

static void compare_ids(void *arg) {
    struct ids n = {0};
    (void)arg;
    check_equal(pirn_self(), 1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++) check_equal(pirn_waitgroup_go(&n.group, note_id, &n), 0);
        pirn_waitgroup_wait(&n.group); /* ids of ended tasks do not come back */
    }
    check_equal(n.count, 40);
    for (int i = 0; i < 40; i++) {
        check(n.ids[i] > 1);
        for (int k = 0; k < i; k++) check(n.ids[i] != n.ids[k]);
    }
}

static void every_task_has_an_id(void) { run_body(compare_ids, NULL); }

static void wait_for_turn(void *arg) {
    atomic_int *turn = arg;
    for (int i = 0; i < 100; i++) {
        while (*turn != 2 * i + 1) pirn_yield();
        *turn = 2 * i + 2;
    }
}

static void take_turns(void *arg) {
    atomic_int turn = 0;
    pirn_waitgroup group = {0};
    (void)arg;
    check_equal(pirn_waitgroup_go(&group, wait_for_turn, &turn), 0);
    for (int i = 0; i < 100; i++) {
        while (turn != 2 * i) pirn_yield();
        turn = 2 * i + 1;
    }
    pirn_waitgroup_wait(&group);
    check_equal(turn, 200);
}

/* G1: with one worker, too. */
static void yield_lets_others_run(void) { run_body(take_turns, NULL); }

static atomic_int steps;

static void go_on_for_ever(void *arg) {
    (void)arg;
    for (;;) {
        atomic_fetch_add(&steps, 1);
        pirn_yield();
    }
}

static void start_endless_tasks(void *arg) {
    int before = steps;
    (void)arg;
    for (int i = 0; i < 4; i++) check_equal(pirn_go(go_on_for_ever, NULL), 0);
    while (steps < before + 100) pirn_yield();
}

/* G2 */
static void other_tasks_end_with_main(void) {
    for (int workers = 1; workers <= 4; workers++) {
        pirn_config config = {.workers = workers};
        struct timespec pause = {0, 5000000};
        int after;
        CU_ASSERT_EQUAL(pirn_run(&config, start_endless_tasks, NULL), 0);
        after = steps;
        nanosleep(&pause, NULL);
        CU_ASSERT_EQUAL(steps, after);
    }
    conclude("endless tasks");
}

static void block_for_ever(void *arg) {
    pirn_recv(arg, NULL);
    check(!"a discarded task went on");
}

static void lock_for_ever(void *arg) {
    pirn_mutex_lock(arg);
    check(!"a discarded task got a lock");
}

static void leave_blocked_tasks(void *arg) {
    static pirn_mutex mutex;
    pirn_chan *chan = pirn_chan_new(0, 0);
    (void)arg;
    memset(&mutex, 0, sizeof mutex);
    pirn_mutex_lock(&mutex);
    for (int i = 0; i < 20; i++) {
        check_equal(pirn_go(block_for_ever, chan), 0);
        check_equal(pirn_go(lock_for_ever, &mutex), 0);
    }
    pirn_yield();
}

/* G2 */
static void blocked_tasks_are_discarded(void) { run_body_leaving(leave_blocked_tasks, NULL); }

static void exit_at_once(void *arg) {
    atomic_fetch_add((atomic_int *)arg, 1);
    pirn_exit();
}

static void end_tasks_early(void *arg) {
    atomic_int count = 0;
    pirn_waitgroup group = {0};
    (void)arg;
    for (int i = 0; i < 10; i++) check_equal(pirn_waitgroup_go(&group, exit_at_once, &count), 0);
    pirn_waitgroup_wait(&group);
    check_equal(count, 10);
}

/* G2 */
static void exit_ends_one_task(void) { run_body(end_tasks_early, NULL); }

static atomic_int ended;

static void end_late(void *arg) {
    (void)arg;
    pirn_yield();
    pirn_sleep(PIRN_MSEC);
    atomic_fetch_add(&ended, 1);
}

static void leave_others(void *arg) {
    (void)arg;
    ended = 0;
    for (int i = 0; i < 5; i++) check_equal(pirn_go(end_late, NULL), 0);
    pirn_exit();
}

/* G2: pirn_run waits for the others then. */
static void main_may_exit_before_the_others(void) {
    CU_ASSERT_EQUAL(pirn_run(NULL, leave_others, NULL), 0);
    CU_ASSERT_EQUAL(ended, 5);
    run_body(leave_others, NULL);
    CU_ASSERT_EQUAL(ended, 5);
    conclude("exit of main");
}

static void leave_a_blocked_task(void *arg) {
    (void)arg;
    check_equal(pirn_go(block_for_ever, NULL), 0);
    pirn_exit();
}

/* G4 */
static void deadlock_after_the_exit_of_main(void) {
    char *report = run_report(leave_a_blocked_task, -EDEADLK);
    check_contains(report, "block_for_ever");
    free(report);
    conclude("exit of main");
}

static void leave_a_daemon(void *arg) {
    pirn_attr attr = {.name = "daemon", .daemon = true};
    check_equal(pirn_go_with(&attr, block_for_ever, NULL), 0);
    pirn_yield();
    if (arg) pirn_exit();
}

static void daemon_may_stay_blocked(void) {
    run_body(leave_a_daemon, NULL);
    CU_ASSERT_EQUAL(pirn_run(NULL, leave_a_daemon, (void *)1), 0);
    conclude("daemons");
}

struct gate {
    pirn_chan *chan;
    pirn_waitgroup group;
};

static void wait_at_gate(void *arg) {
    check_equal(pirn_recv(((struct gate *)arg)->chan, NULL), -EPIPE);
}

static void reach_the_limit(void *arg) {
    struct gate gate = {.chan = pirn_chan_new(0, 0)};
    pirn_attr attr = {0};
    int rc;
    (void)arg;
    for (int i = 0; i < 4; i++) check_equal(pirn_waitgroup_go(&gate.group, wait_at_gate, &gate), 0);
    check_equal(pirn_go(nothing, NULL), -EAGAIN); /* main counts, too */
    check_equal(pirn_go_copy(nothing, &rc, sizeof rc), -EAGAIN);
    check_equal(pirn_go_with(&attr, nothing, NULL), -EAGAIN);
    check_equal(pirn_waitgroup_go(&gate.group, nothing, NULL), -EAGAIN);
    check_equal(pirn_close(gate.chan), 0);
    pirn_waitgroup_wait(&gate.group);
    while ((rc = pirn_waitgroup_go(&gate.group, nothing, NULL)) == -EAGAIN)
        pirn_yield(); /* until they are gone */
    check_equal(rc, 0);
    pirn_waitgroup_wait(&gate.group);
    pirn_chan_unref(gate.chan);
}

static void number_of_tasks_is_limited(void) {
    pirn_config config = {.max_tasks = 5};
    CU_ASSERT_EQUAL(pirn_run(&config, reach_the_limit, NULL), 0);
    config.workers = 1;
    CU_ASSERT_EQUAL(pirn_run(&config, reach_the_limit, NULL), 0);
    conclude("limit");
}

/* ---- Many tasks ---------------------------------------------------------------------------- */

enum { CROWD = SIMULATED ? 10000 : TSAN ? 2000 : 100000 };

static void gather_and_release(void *arg) {
    struct gate gate = {.chan = pirn_chan_new(0, 0)};
    (void)arg;
    for (int i = 0; i < CROWD; i++)
        if (!check_equal(pirn_waitgroup_go(&gate.group, wait_at_gate, &gate), 0)) break;
    settle();
    check_equal(pirn_close(gate.chan), 0);
    pirn_waitgroup_wait(&gate.group);
    pirn_chan_unref(gate.chan);
}

static void crowd_waits_and_is_released(void) {
    run_settled(gather_and_release, NULL);
    run_heavy(gather_and_release, NULL);
}

struct family {
    pirn_waitgroup group;
    atomic_int born;
};

struct member {
    struct family *family;
    int generation;
};

static void have_children(void *arg) {
    struct member *m = arg, child = {m->family, m->generation - 1};
    atomic_fetch_add(&m->family->born, 1);
    if (m->generation == 0) return;
    for (int i = 0; i < 2; i++)
        check_equal(pirn_waitgroup_go_copy(&m->family->group, have_children, &child, sizeof child),
                    0);
}

static void grow_a_family(void *arg) {
    enum { GENERATIONS = SIMULATED ? 8 : TSAN ? 10 : 14 };
    struct family family = {0};
    struct member first = {&family, GENERATIONS};
    (void)arg;
    check_equal(pirn_waitgroup_go_copy(&family.group, have_children, &first, sizeof first), 0);
    pirn_waitgroup_wait(&family.group);
    check_equal(family.born, (1 << (GENERATIONS + 1)) - 1);
}

static void tasks_start_tasks(void) { run_heavy(grow_a_family, NULL); }

static void every_number_of_workers_works(void) {
    for (int workers = 1; workers <= 8; workers++) {
        pirn_config config = {.workers = workers};
        CU_ASSERT_EQUAL(pirn_run(&config, take_turns, NULL), 0);
        CU_ASSERT_EQUAL(pirn_run(&config, compare_ids, NULL), 0);
        CU_ASSERT_EQUAL(pirn_run(&config, copy_a_loop_variable, NULL), 0);
    }
    conclude("workers");
}

/* ---- Stacks -------------------------------------------------------------------------------- */

struct stacks {
    pirn_waitgroup group;
    pirn_chan *gate;
    pirn_mutex mutex;
    uintptr_t at[50];
    int count;
};

static void show_stack(void *arg) {
    struct stacks *s = arg;
    volatile char local[4000];
    memset((char *)local, (int)pirn_self(), sizeof local);
    pirn_mutex_lock(&s->mutex);
    s->at[s->count++] = (uintptr_t)local;
    pirn_mutex_unlock(&s->mutex);
    check_equal(pirn_recv(s->gate, NULL), -EPIPE);
    for (size_t i = 0; i < sizeof local; i++)
        if (!check_equal(local[i], (char)(int)pirn_self())) break;
}

static void compare_stacks(void *arg) {
    struct stacks s = {.gate = pirn_chan_new(0, 0)};
    (void)arg;
    for (int i = 0; i < 50; i++) check_equal(pirn_waitgroup_go(&s.group, show_stack, &s), 0);
    for (int count = 0; count < 50;) {
        pirn_mutex_lock(&s.mutex);
        count = s.count;
        pirn_mutex_unlock(&s.mutex);
        pirn_yield();
    }
    for (int i = 0; i < 50; i++)
        for (int k = 0; k < i; k++) {
            uintptr_t distance = s.at[i] > s.at[k] ? s.at[i] - s.at[k] : s.at[k] - s.at[i];
            check(distance >= 4000);
        }
    check_equal(pirn_close(s.gate), 0);
    pirn_waitgroup_wait(&s.group);
    pirn_chan_unref(s.gate);
}

static void every_task_has_a_stack(void) { run_body(compare_stacks, NULL); }

static void use_much_stack(void *arg) {
    volatile char large[3 << 20];
    for (size_t i = 0; i < sizeof large; i += 1000) large[i] = (char)(i / 1000);
    pirn_yield();
    for (size_t i = 0; i < sizeof large; i += 1000)
        if (!check_equal(large[i], (char)(i / 1000))) break;
    check_equal(pirn_send(arg, NULL), 0);
}

static void start_with_much_stack(void *arg) {
    pirn_attr attr = {.stack_size = 4 << 20};
    pirn_chan *done = pirn_chan_new(0, 0);
    (void)arg;
    check_equal(pirn_go_with(&attr, use_much_stack, done), 0);
    check_equal(pirn_recv(done, NULL), 0);
    pirn_chan_unref(done);
    attr.stack_size = SIZE_MAX - 100;
    check(pirn_go_with(&attr, nothing, NULL) < 0);
}

static void configured_stack(void *arg) {
    pirn_chan *done = pirn_chan_new(0, 0);
    (void)arg;
    check_equal(pirn_go(use_much_stack, done), 0);
    check_equal(pirn_recv(done, NULL), 0);
    pirn_chan_unref(done);
}

static void stack_size_can_be_asked_for(void) {
    pirn_config config = {.stack_size = 4 << 20};
    run_body(start_with_much_stack, NULL);
    CU_ASSERT_EQUAL(pirn_run(&config, configured_stack, NULL), 0);
    conclude("stack size");
}

static int recurse(volatile int *depth) {
    volatile char frame[512];
    if (*depth < 0) return 0; /* never */
    frame[0] = (char)++*depth;
    return frame[0] + recurse(depth) + frame[1];
}

static void overflow(void *arg) {
    volatile int depth = 0;
    (void)arg;
    memset((void *)&depth, 0, sizeof depth);
    check(recurse(&depth) == 0);
}

static void overflow_in_a_task(void *arg) {
    pirn_attr attr = {.name = "bottomless"};
    (void)arg;
    check_equal(pirn_go_with(&attr, overflow, NULL), 0);
    pirn_recv(NULL, NULL);
}

static void run_overflow(void *arg) {
    (void)arg;
    pirn_run(NULL, overflow_in_a_task, NULL);
}

static void stack_overflow_is_told_by_name(void) {
    char *error = NULL;
    int status = harness_child(run_overflow, NULL, &error);
    CU_ASSERT(WIFSIGNALED(status));
    check_contains(error, "bottomless");
    check_contains(error, "overflow");
    free(error);
    conclude("overflow");
}

/* ---- Deadlocks ----------------------------------------------------------------------------- */

static pirn_mutex oven;
static pirn_waitgroup guests;

static void bake(void *arg) {
    (void)arg;
    HERE_NEXT();
    pirn_mutex_lock(&oven);
    NOT_A_TAIL_CALL();
}

static void choose_a_cake(void *arg) {
    pirn_case cases[] = {PIRN_CASE_RECV(arg, NULL), PIRN_CASE_SEND(arg, NULL)};
    HERE_NEXT();
    pirn_select(cases, 2, PIRN_FOREVER);
    NOT_A_TAIL_CALL();
}

static void open_bakery(void *arg) {
    pirn_chan *orders = pirn_chan_new(8, 0), *cakes = pirn_chan_new(8, 0);
    pirn_attr attr = {.name = "baker"};
    (void)arg;
    pirn_label(orders, "orders of %s", "today");
    pirn_label(cakes, "cakes");
    pirn_label(&oven, "oven");
    pirn_mutex_lock(&oven);
    check_equal(pirn_go_with(&attr, bake, NULL), 0);
    check_equal(pirn_go(choose_a_cake, cakes), 0);
    HERE_NEXT();
    pirn_recv(orders, NULL);
    NOT_A_TAIL_CALL();
}

/* G4 */
static void deadlock_is_reported(void) {
    char *report = run_report(open_bakery, -EDEADLK);
    check_contains(report, "deadlock");
    check_contains(report, "baker");
    check_contains(report, "bake");
    check_contains(report, "oven");
    check_contains(report, "lock");
    check_contains(report, "open_bakery");
    check_contains(report, "orders of today");
    check_contains(report, "recei");
    check_contains(report, "choose_a_cake");
    check_contains(report, "cakes");
    check_contains(report, "select");
    check_places(report);
    free(report);
    conclude("deadlock");
}

static void wait_on_group(void *arg) {
    (void)arg;
    pirn_label(&guests, "guests");
    pirn_waitgroup_add(&guests, 1);
    HERE_NEXT();
    pirn_waitgroup_wait(&guests);
    NOT_A_TAIL_CALL();
}

static void wait_on_sem(void *arg) {
    static pirn_sem tables;
    (void)arg;
    pirn_label(&tables, "tables");
    HERE_NEXT();
    pirn_sem_acquire(&tables, 2, PIRN_FOREVER);
    NOT_A_TAIL_CALL();
}

static void wait_on_cond(void *arg) {
    static pirn_cond bell;
    (void)arg;
    pirn_label(&bell, "bell");
    pirn_mutex_lock(&oven);
    HERE_NEXT();
    pirn_cond_wait(&bell, &oven);
    NOT_A_TAIL_CALL();
}

static void wait_on_rwmutex(void *arg) {
    static pirn_rwmutex menu;
    (void)arg;
    pirn_label(&menu, "menu");
    pirn_rwmutex_rlock(&menu);
    HERE_NEXT();
    pirn_rwmutex_lock(&menu);
    NOT_A_TAIL_CALL();
}

static void wait_to_send(void *arg) {
    pirn_chan *tray = pirn_chan_new(1, 1);
    (void)arg;
    pirn_label(tray, "tray");
    check_equal(pirn_send(tray, NULL), 0);
    HERE_NEXT();
    pirn_send(tray, NULL);
    NOT_A_TAIL_CALL();
}

static void wait_to_read(void *arg) {
    static pirn_rwmutex menu;
    (void)arg;
    pirn_label(&menu, "menu");
    pirn_rwmutex_lock(&menu);
    HERE_NEXT();
    pirn_rwmutex_rlock(&menu);
    NOT_A_TAIL_CALL();
}

static void every_kind_of_wait_is_reported(void) {
    static const struct {
        pirn_fn *fn;
        const char *label, *function;
    } waits[] = {
        {wait_on_group, "guests", "wait_on_group"}, {wait_on_sem, "tables", "wait_on_sem"},
        {wait_on_cond, "bell", "wait_on_cond"},     {wait_on_rwmutex, "menu", "wait_on_rwmutex"},
        {wait_to_send, "tray", "wait_to_send"},     {wait_to_read, "menu", "wait_to_read"},
    };
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        char *report = run_report(waits[i].fn, -EDEADLK);
        check_contains(report, waits[i].label);
        check_contains(report, waits[i].function);
        check_places(report);
        free(report);
    }
    conclude("waits");
}

static void run_after_deadlock(void *arg) {
    int count = 0;
    (void)arg;
    if (pirn_run(NULL, open_bakery, NULL) != -EDEADLK) _exit(1);
    memset(&oven, 0, sizeof oven);
    if (pirn_run(NULL, start_some, &count) != 0 || count != 1) _exit(2);
}

static void next_run_works_after_a_deadlock(void) {
    char *error = NULL;
    int status = harness_child(run_after_deadlock, NULL, &error);
    CU_ASSERT_EQUAL(status, 0);
    free(error);
}

static void only_the_daemon_could(void *arg) {
    pirn_attr attr = {.name = "daemon", .daemon = true};
    pirn_chan *chan = pirn_chan_new(0, 0);
    (void)arg;
    check_equal(pirn_go_with(&attr, block_for_ever, chan), 0);
    pirn_recv(chan, NULL);
}

/* G4 */
static void blocked_daemon_does_not_hide_a_deadlock(void) {
    free(run_report(only_the_daemon_could, -EDEADLK));
    conclude("daemon");
}

/* ---- Threads of the program's own ---------------------------------------------------------- */

#if !SIMULATED
struct visit {
    atomic_int started, done;
};

static void visited(void *arg) { atomic_fetch_add(&((struct visit *)arg)->started, 1); }

static void *visitor(void *arg) {
    struct visit *v = arg;
    pirn_waitgroup group = {0};
    int64_t start = pirn_now();
    check_equal(pirn_self(), 0);
    for (int i = 0; i < 50; i++) check_equal(pirn_waitgroup_go(&group, visited, v), 0);
    pirn_waitgroup_wait(&group); /* blocks this thread alone */
    pirn_sleep(PIRN_MSEC);
    check(pirn_now() >= start + PIRN_MSEC);
    pirn_yield();
    check_equal(pirn_run(NULL, nothing, NULL), -EBUSY);
    check_equal(pirn_self(), 0);
    atomic_fetch_add(&v->done, 1);
    return NULL;
}

static void receive_visitors(void *arg) {
    struct visit v = {0};
    pthread_t threads[4];
    (void)arg;
    for (int i = 0; i < 4; i++) check_equal(pthread_create(&threads[i], NULL, visitor, &v), 0);
    while (v.done < 4) pirn_sleep(PIRN_MSEC);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    check_equal(v.started, 200);
}

static void foreign_threads_start_tasks(void) { run_body(receive_visitors, NULL); }
#endif

static const struct test tests[] = {
    TEST(run_returns_when_main_has),
    TEST_SECONDS(runs_a_thousand_times, 60),
    TEST(bad_setup_is_refused),
    TEST(bad_environment_is_refused),
    TEST(run_inside_a_run_is_refused),
    TEST(no_runtime_no_task),
    TEST(errno_is_left_alone),
    TEST(task_needs_a_function),
    TEST(copied_argument_is_the_tasks_own),
    TEST(start_happens_before_the_first_step),
    TEST(every_task_has_an_id),
    TEST(yield_lets_others_run),
    TEST(other_tasks_end_with_main),
    TEST(blocked_tasks_are_discarded),
    TEST(exit_ends_one_task),
    TEST(main_may_exit_before_the_others),
    TEST(deadlock_after_the_exit_of_main),
    TEST(daemon_may_stay_blocked),
    TEST(number_of_tasks_is_limited),
    TEST_SECONDS(crowd_waits_and_is_released, 120),
    TEST_SECONDS(tasks_start_tasks, 60),
    TEST(every_number_of_workers_works),
    TEST(every_task_has_a_stack),
    TEST(stack_size_can_be_asked_for),
    TEST(stack_overflow_is_told_by_name),
    TEST(deadlock_is_reported),
    TEST_SECONDS(every_kind_of_wait_is_reported, 60),
    TEST(next_run_works_after_a_deadlock),
    TEST(blocked_daemon_does_not_hide_a_deadlock),
#if !SIMULATED
    TEST(foreign_threads_start_tasks),
#endif
};

HARNESS(tests)
