/* test_workers.c - what the workers owe to every task: a turn, its errno, its stack; and what they
 * leave behind. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support.h"

static void nothing(void *arg) { (void)arg; }
static void set(void *arg) { atomic_store((atomic_int *)arg, 1); }

/* Entries of a directory of /proc, "." and ".." among them. */
static int count_entries(const char *path) {
    DIR *directory = opendir(path);
    int count = 0;
    if (!check(directory != NULL)) return -1;
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

static int count_threads(void) { return count_entries("/proc/self/task") - 2; }

/* ---- Greedy tasks ---------------------------------------------------------------------------- */

struct greed {
    atomic_int by_task, by_timer, by_descriptor, stop;
    int pipe[2];
};

static void read_byte(void *arg) {
    struct greed *g = arg;
    char byte;
    check_equal(pirn_read(g->pipe[0], &byte, 1, PIRN_FOREVER), 1);
    atomic_store(&g->by_descriptor, 1);
}

static void start_to_run(void *arg) {
    struct greed *g = arg;
    atomic_store(&g->by_task, 1);
    check_equal(write(g->pipe[1], "x", 1), 1);
}

static void sleep_a_little(void *arg) {
    struct greed *g = arg;
    pirn_sleep(PIRN_MSEC);
    atomic_store(&g->by_timer, 1);
}

/* Spins, without a scheduling point, for what the others do. */
static void spin_for_the_others(void *arg) {
    struct greed g = {0};
    (void)arg;
    check_equal(pipe(g.pipe), 0);
    check_equal(pirn_go(read_byte, &g), 0);
    check_equal(pirn_go(sleep_a_little, &g), 0);
    for (int i = 0; i < 5; i++) pirn_yield();
    check_equal(pirn_go(start_to_run, &g), 0);
    while (!g.by_task || !g.by_timer || !g.by_descriptor) __asm__ volatile("");
    close(g.pipe[0]);
    close(g.pipe[1]);
}

static void others_go_on_beside_a_greedy_task(void) { run_body(spin_for_the_others, NULL); }

static void spin_for_a_timer(void *arg) {
    atomic_int flag = 0;
    pirn_timer *timer = pirn_timer_func(PIRN_MSEC, set, &flag);
    (void)arg;
    while (!flag) __asm__ volatile("");
    pirn_timer_free(timer);
}

/* Main is the only task there has ever been. */
static void timer_goes_off_beside_a_greedy_task(void) { run_body(spin_for_a_timer, NULL); }

static void ask_for_a_context(void *arg) {
    pirn_ctx *ctx = pirn_ctx_with_deadline(pirn_ctx_background(), pirn_now() + PIRN_MSEC);
    (void)arg;
    while (!pirn_ctx_err(ctx)) continue;
    check_equal(pirn_ctx_err(ctx), -ETIMEDOUT);
    pirn_ctx_unref(ctx);
}

static void deadline_comes_to_who_asks_all_the_time(void) { run_body(ask_for_a_context, NULL); }

static void write_later(void *arg) {
    pirn_sleep(PIRN_MSEC);
    check_equal(write(*(int *)arg, "x", 1), 1);
}

static void read_blocking(void *arg) {
    int fds[2];
    char byte;
    (void)arg;
    check_equal(pipe(fds), 0);
    check_equal(pirn_go(write_later, &fds[1]), 0);
    check_equal(read(fds[0], &byte, 1), 1); /* the kernel's: the whole thread waits */
    close(fds[0]);
    close(fds[1]);
}

static void others_go_on_beside_a_blocking_call(void) { run_body(read_blocking, NULL); }

struct crowd {
    int threads; /* at least as many shall run the greedy */
    atomic_int stop, spinning, running, most, steps;
    pirn_waitgroup greedy, workers;
};

static void spin_until_stopped(void *arg) {
    struct crowd *crowd = arg;
    atomic_fetch_add(&crowd->spinning, 1);
    while (!crowd->stop) __asm__ volatile("");
}

/* Counts how many tasks run at once, between two scheduling points. */
static void take_part(void *arg) {
    struct crowd *crowd = arg;
    while (crowd->steps > 0) {
        int now = atomic_fetch_add(&crowd->running, 1) + 1, most = crowd->most;
        while (now > most && !atomic_compare_exchange_weak(&crowd->most, &most, now)) continue;
        for (int i = 0; i < 20000; i++) __asm__ volatile("");
        atomic_fetch_sub(&crowd->running, 1);
        atomic_fetch_sub(&crowd->steps, 1);
        pirn_yield();
    }
}

enum { GREEDY = 60 };

/* More than one for each of the workers gets to run, and still there is an end to it. */
static void *look_at_crowd(void *arg) {
    struct crowd *crowd = arg;
    while (crowd->spinning < crowd->threads) usleep(1000);
    for (int i = 0; i < 40; i++) {
        usleep(5000);
        check(count_threads() <= 2 * crowd->threads + 20);
    }
    check(crowd->spinning < GREEDY);
    atomic_store(&crowd->stop, 1);
    return NULL;
}

static void be_greedy(void *arg) {
    int workers = *(int *)arg;
    struct crowd crowd = {.threads = workers + 2};
    pthread_t thread;

    for (int i = 0; i < GREEDY; i++)
        check_equal(pirn_waitgroup_go(&crowd.greedy, spin_until_stopped, &crowd), 0);
    check_equal(pthread_create(&thread, NULL, look_at_crowd, &crowd), 0);
    pirn_waitgroup_wait(&crowd.greedy);
    pthread_join(thread, NULL);
    check_equal(crowd.spinning, GREEDY);
    /* In the end no more tasks run at once than there shall be workers; or this never ends. */
    do {
        crowd.most = 0;
        crowd.steps = 2000;
        for (int i = 0; i < 2 * workers + 4; i++)
            check_equal(pirn_waitgroup_go(&crowd.workers, take_part, &crowd), 0);
        pirn_waitgroup_wait(&crowd.workers);
    } while (crowd.most > workers);
}

static void greedy_tasks_get_a_bounded_number_of_threads(void) {
    static const int workers[] = {1, 2, 3};
    for (int i = 0; i < 3; i++) {
        pirn_config config = {.workers = workers[i]};
        check_equal(pirn_run(&config, be_greedy, (void *)(uintptr_t)&workers[i]), 0);
    }
    conclude("greedy");
}

static int bottomless(volatile int *depth) {
    volatile char frame[512];
    if (*depth < 0) return 0; /* never */
    frame[0] = (char)++*depth;
    return frame[0] + bottomless(depth) + frame[1];
}

static void overflow(void *arg) {
    volatile int depth = 0;
    (void)arg;
    check(bottomless(&depth) == 0);
}

static void spin_beside_overflow(void *arg) {
    pirn_attr attr = {.name = "bottomless"};
    (void)arg;
    check_equal(pirn_go_with(&attr, overflow, NULL), 0);
    for (;;) __asm__ volatile("");
}

static void run_beside_overflow(void *arg) {
    pirn_config config = {.workers = 1};
    (void)arg;
    pirn_run(&config, spin_beside_overflow, NULL);
}

/* A worker that stands in for another is one as any: signals come to it too. */
static void overflow_beside_a_greedy_task_is_told(void) {
    char *error = NULL;
    int status = harness_child(run_beside_overflow, NULL, &error);
    check(WIFSIGNALED(status));
    check_contains(error, "bottomless");
    check_contains(error, "overflow");
    free(error);
    conclude("overflow");
}

struct signals {
    sigset_t expected, blocked;
    atomic_int noted;
};

static void note_and_tell(void *arg) {
    struct signals *signals = arg;
    pthread_sigmask(SIG_SETMASK, NULL, &signals->blocked);
    atomic_store(&signals->noted, 1);
}

static void spin_until_noted(void *arg) {
    struct signals *signals = arg;
    pthread_sigmask(SIG_SETMASK, NULL, &signals->expected);
    check_equal(pirn_go(note_and_tell, signals), 0);
    while (!signals->noted) __asm__ volatile("");
}

/* Which signals a thread takes is the program's to say, whatever thread the library adds. */
static void stand_in_takes_the_programs_signals(void) {
    pirn_config config = {.workers = 1};
    struct signals signals = {0};
    check_equal(pirn_run(&config, spin_until_noted, &signals), 0);
    for (int i = 1; i < 32; i++)
        check_equal(sigismember(&signals.blocked, i), sigismember(&signals.expected, i));
    conclude("signals");
}

/* ---- Idle workers ---------------------------------------------------------------------------- */

static int64_t cpu_time(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * PIRN_SEC +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * PIRN_USEC;
}

static void receive(void *arg) { pirn_recv(arg, NULL); }

static void sleep_for_a_second(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    int64_t before;
    (void)arg;
    for (int i = 0; i < 100; i++) check_equal(pirn_go(receive, chan), 0);
    pirn_sleep(10 * PIRN_MSEC);
    before = cpu_time();
    pirn_sleep(PIRN_SEC);
    /* Not how long it took: what it cost. */
    check(cpu_time() - before < 50 * PIRN_MSEC);
    pirn_close(chan);
}

static void waiting_costs_nothing(void) {
    static const int workers[] = {1, 4};
    for (int i = 0; i < 2; i++) {
        pirn_config config = {.workers = workers[i]};
        check_equal(pirn_run(&config, sleep_for_a_second, NULL), 0);
    }
    conclude("waiting");
}

/* ---- Fairness -------------------------------------------------------------------------------- */

struct chain {
    atomic_int begun;
    atomic_int links;
    pirn_waitgroup group;
};

static void begin(void *arg) { atomic_store(&((struct chain *)arg)->begun, 1); }

/* Each task starts the next and ends, and none of them yields. */
static void add_link(void *arg) {
    struct chain *chain = arg;
    if (chain->begun || ++chain->links == MANY(3000000, 0)) return;
    check_equal(pirn_waitgroup_go(&chain->group, add_link, chain), 0);
}

static void yield_until_begun(void *arg) {
    struct chain *chain = arg;
    while (!chain->begun && chain->links < MANY(3000000, 0)) pirn_yield();
}

static void start_chain(void *arg) {
    struct chain chain = {0};
    check_equal(pirn_waitgroup_go(&chain.group, begin, &chain), 0);
    if (arg)
        for (int i = 0; i < 3; i++)
            check_equal(pirn_waitgroup_go(&chain.group, yield_until_begun, &chain), 0);
    check_equal(pirn_waitgroup_go(&chain.group, add_link, &chain), 0);
    pirn_waitgroup_wait(&chain.group);
    check(chain.links < MANY(3000000, 0));
}

/* The newest begins first, but not for ever. */
static void task_begins_beside_those_that_start_others(void) {
    int others = 1;
    run_heavy(start_chain, NULL);
    run_heavy(start_chain, &others);
}

enum { BYSTANDERS = 10 };

struct pair {
    pirn_chan *to, *from;
    atomic_int passes, stop;
    atomic_int steps[BYSTANDERS];
    atomic_int next;
};

static void return_all(void *arg) {
    struct pair *pair = arg;
    while (pirn_recv(pair->to, NULL) == 0)
        if (pirn_send(pair->from, NULL) != 0) return;
}

static void step(void *arg) {
    struct pair *pair = arg;
    int own = atomic_fetch_add(&pair->next, 1);
    while (!pair->stop) {
        atomic_fetch_add(&pair->steps[own], 1);
        pirn_yield();
    }
}

static bool all_have_stepped(const struct pair *pair) {
    for (int i = 0; i < BYSTANDERS; i++)
        if (pair->steps[i] < 100) return false;
    return true;
}

static void play(void *arg) {
    struct pair pair = {.to = pirn_chan_new(0, 0), .from = pirn_chan_new(0, 0)};
    pirn_waitgroup group = {0}, others = {0};
    (void)arg;
    check_equal(pirn_waitgroup_go(&group, return_all, &pair), 0);
    for (int i = 0; i < BYSTANDERS; i++) check_equal(pirn_waitgroup_go(&others, step, &pair), 0);
    /* Two that hand each other the processor get 32 turns in a row at most: if they kept it for
     * themselves this would go on until the time limit. */
    while (!all_have_stepped(&pair)) {
        check_equal(pirn_send(pair.to, NULL), 0);
        check_equal(pirn_recv(pair.from, NULL), 0);
    }
    atomic_store(&pair.stop, 1);
    pirn_close(pair.to);
    pirn_waitgroup_wait(&group);
    pirn_waitgroup_wait(&others);
    pirn_chan_unref(pair.to);
    pirn_chan_unref(pair.from);
}

static void two_that_play_do_not_starve_others(void) { run_heavy(play, NULL); }

enum { BUSY = 1000 };

struct busy {
    atomic_int armed, fired;
    pirn_waitgroup group;
};

static void yield_until_fired(void *arg) {
    struct busy *busy = arg;
    /* The bound is so far off that only a timer that waits for idleness comes to it. */
    for (long i = 0; !busy->fired; i += busy->armed) {
        pirn_yield();
        if (!check(i < 1000000)) break;
    }
}

static void start_busy(void *arg) {
    struct busy busy = {0};
    pirn_timer *timer;
    (void)arg;
    for (int i = 0; i < BUSY; i++)
        check_equal(pirn_waitgroup_go(&busy.group, yield_until_fired, &busy), 0);
    check((timer = pirn_timer_func(PIRN_MSEC, set, &busy.fired)) != NULL);
    atomic_store(&busy.armed, 1);
    pirn_waitgroup_wait(&busy.group);
    pirn_timer_free(timer);
}

static void timer_goes_off_beside_busy_tasks(void) { run_heavy(start_busy, NULL); }

enum { CHOICES = 4 };

static void select_often(void *arg) {
    pirn_chan *chans[CHOICES];
    pirn_case cases[CHOICES];
    unsigned seen[CHOICES] = {0};
    const double shares[CHOICES] = {1, 1, 1, 1};
    (void)arg;
    for (int i = 0; i < CHOICES; i++) {
        chans[i] = pirn_chan_new(0, 1);
        check_equal(pirn_send(chans[i], NULL), 0);
        cases[i] = PIRN_CASE_RECV(chans[i], NULL);
    }
    for (int i = 0; i < MANY(100000, 0); i++) {
        int chosen = pirn_select(cases, CHOICES, PIRN_FOREVER);
        if (!check(chosen >= 0 && chosen < CHOICES)) break;
        seen[chosen]++;
        check_equal(pirn_send(chans[chosen], NULL), 0);
        if (i % 64 == 0) pirn_yield(); /* on another worker, perhaps */
    }
    check_shares(seen, shares, CHOICES);
    for (int i = 0; i < CHOICES; i++) pirn_chan_unref(chans[i]);
}

static void select_in_many(void *arg) {
    pirn_waitgroup group = {0};
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&group, select_often, arg), 0);
    pirn_waitgroup_wait(&group);
}

static void select_is_uniform(void) { run_heavy(select_in_many, NULL); }

/* ---- What belongs to a task, and what to its thread ------------------------------------------ */

/* Not inlined: the compiler may keep the address of what is the thread's, and the task may come to
 * another. */
static __attribute__((noinline)) int get_errno(void) {
    __asm__ volatile("");
    return errno;
}
static __attribute__((noinline)) void set_errno(int value) {
    __asm__ volatile("");
    errno = value;
}

static __thread pthread_t of_thread;

static __attribute__((noinline)) pthread_t get_of_thread(void) {
    __asm__ volatile("");
    return of_thread;
}
static __attribute__((noinline)) void set_of_thread(void) {
    __asm__ volatile("");
    of_thread = pthread_self();
}
static __attribute__((noinline)) pthread_t get_thread(void) {
    __asm__ volatile("");
    return pthread_self();
}

struct travel {
    pirn_chan *chan;
    pirn_mutex mutex;
    pirn_waitgroup group;
    atomic_int moves, number;
};

static void do_something(struct travel *t, int i) {
    switch (i % 6) {
    case 0:
        pirn_yield();
        break;
    case 1:
        pirn_try_send(t->chan, NULL);
        break;
    case 2:
        pirn_recv_until(t->chan, NULL, pirn_now() + 10 * PIRN_USEC);
        break;
    case 3:
        pirn_mutex_lock(&t->mutex);
        pirn_yield();
        pirn_mutex_unlock(&t->mutex);
        break;
    case 4:
        pirn_send_until(t->chan, NULL, pirn_now() + 10 * PIRN_USEC);
        break;
    default:
        pirn_sleep(10 * PIRN_USEC);
    }
}

static void travel(void *arg) {
    struct travel *t = arg;
    int own = 1000 + atomic_fetch_add(&t->number, 1);
    for (int i = own; i < own + MANY(300, 0); i++) {
        pthread_t before = get_thread();
        set_errno(own);
        do_something(t, i);
        if (!pthread_equal(before, get_thread())) atomic_fetch_add(&t->moves, 1);
        if (!check_equal(get_errno(), own)) break;
        /* The program's own is the thread's, wherever the task is. */
        set_of_thread();
        if (!check(pthread_equal(get_of_thread(), get_thread()))) break;
        for (int j = 0; j < 3000; j++) __asm__ volatile("");
    }
}

static void travel_in_a_crowd(void *arg) {
    struct travel t = {.chan = pirn_chan_new(0, 2)};
    (void)arg;
    for (int i = 0; i < 40; i++) check_equal(pirn_waitgroup_go(&t.group, travel, &t), 0);
    pirn_waitgroup_wait(&t.group);
    pirn_chan_unref(t.chan);
}

static void errno_goes_with_its_task(void) { run_heavy(travel_in_a_crowd, NULL); }

/* ---- Nothing is left behind ------------------------------------------------------------------ */

static long resident_pages(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;
    if (!check(file != NULL)) return 0;
    check_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
    fclose(file);
    return resident;
}

static int count_mappings(void) {
    FILE *file = fopen("/proc/self/maps", "r");
    int lines = 0, c;
    if (!check(file != NULL)) return 0;
    while ((c = getc(file)) != EOF) lines += c == '\n';
    fclose(file);
    return lines;
}

struct remains {
    pirn_chan *chan, *after;
    pirn_timer *timer;
    pirn_ctx *ctx;
    int number, pipe[2];
};

static void sleep_long(void *arg) {
    (void)arg;
    pirn_sleep(1000 * PIRN_SEC);
}

static void read_for_ever(void *arg) {
    char byte;
    pirn_read(*(int *)arg, &byte, 1, PIRN_FOREVER);
}

static void select_for_ever(void *arg) {
    struct remains *r = arg;
    pirn_case cases[] = {PIRN_CASE_RECV(r->chan, NULL), PIRN_CASE_RECV(r->after, NULL)};
    pirn_select(cases, 2, PIRN_FOREVER);
}

static void leave_much(void *arg) {
    struct remains *r = arg;
    pirn_attr attr = {.name = "of its own", .stack_size = 256 << 10};
    char large[200] = {0};
    for (int i = 0; i < 4; i++) check_equal(pirn_go(receive, r->chan), 0);
    check_equal(pirn_go_copy(nothing, large, sizeof large), 0);
    check_equal(pirn_go_with(&attr, receive, r->chan), 0);
    check_equal(pirn_go(sleep_long, NULL), 0);
    check_equal(pirn_go(select_for_ever, r), 0);
    check_equal(pirn_go(read_for_ever, &r->pipe[0]), 0);
    for (int i = 0; i < 4; i++) pirn_yield();
    if (r->number % 16 == 0) check_equal(pirn_block(nothing, NULL), 0);
    if (r->number % 64 == 0) pirn_sleep(PIRN_USEC);
}

static void run_and_leave(int number) {
    pirn_config config = {.workers = number % 2 + 1};
    struct remains r = {.chan = pirn_chan_new(0, 0), .number = number / 2};
    check_equal(pipe(r.pipe), 0);
    r.after = pirn_chan_new(0, 0);
    check_equal(pirn_run(&config, leave_much, &r), 0);
    pirn_chan_unref(r.chan);
    pirn_chan_unref(r.after);
    close(r.pipe[0]);
    close(r.pipe[1]);
}

/* One that has been joined may still be on its way out. */
static bool threads_are(int count) {
    for (int i = 0; i < 10000 && count_threads() > count; i++) usleep(1000);
    return count_threads() <= count;
}

static void ten_thousand_runs_leave_nothing(void) {
    int runs = TSAN || ASAN ? 500 : 10000, mappings, threads, descriptors;
    long resident;
    for (int i = 0; i < 200; i++) run_and_leave(i);
    check(threads_are(TSAN ? 3 : 1)); /* it has one or two of its own */
    threads = count_threads();
    mappings = count_mappings();
    descriptors = count_entries("/proc/self/fd");
    resident = resident_pages();
    for (int i = 0; i < runs; i++) run_and_leave(i);
    check(threads_are(threads));
    check_equal(count_entries("/proc/self/fd"), descriptors);
    if (!TSAN && !ASAN) { /* which have maps of their own */
        check(count_mappings() <= mappings + 8);
        check(resident_pages() <= resident + 512);
    }
    conclude("runs");
}

static void few_runs(void *arg) {
    for (int i = 0; i < *(int *)arg; i++) run_and_leave(i);
}

/* For valgrind, which starts this program anew. */
static void runs_for_a_checker(void) {
    int runs = 200;
    few_runs(&runs);
    conclude("runs");
}

/* ---- Many stacks ----------------------------------------------------------------------------- */

struct stacks {
    pirn_chan *chan;
    atomic_int parked;
};

static void wait_in_crowd(void *arg) {
    struct stacks *stacks = arg;
    atomic_fetch_add(&stacks->parked, 1);
    pirn_recv(stacks->chan, NULL);
}

static void fill_stacks(struct stacks *stacks, int count) {
    stacks->chan = pirn_chan_new(0, 0);
    for (int i = 0; i < count; i++) {
        if (!check_equal(pirn_go(wait_in_crowd, stacks), 0)) return;
        if (i % 1000 == 0) pirn_yield();
    }
    while (stacks->parked < count) pirn_yield();
}

static void overflow_behind_many(void *arg) {
    struct stacks stacks = {0};
    pirn_attr attr = {.name = "bottomless"};
    (void)arg;
    fill_stacks(&stacks, MANY(100000, 0) / (ASAN ? 10 : 1));
    check_equal(pirn_go_with(&attr, overflow, NULL), 0);
    pirn_recv(NULL, NULL);
}

static void run_behind_many(void *arg) {
    (void)arg;
    pirn_run(NULL, overflow_behind_many, NULL);
}

static void last_of_many_stacks_has_a_guard(void) {
    char *error = NULL;
    int status;
    if (TSAN) return; /* it knows no more than some 8,000 stacks */
    status = harness_child(run_behind_many, NULL, &error);
    check(WIFSIGNALED(status));
    check_contains(error, "bottomless");
    check_contains(error, "overflow");
    free(error);
    conclude("guard");
}

static void park_many(void *arg) {
    struct stacks stacks = {0};
    fill_stacks(&stacks, *(int *)arg);
    check_equal(pirn_close(stacks.chan), 0);
}

/* A million in `make check-long`, where there is room. */
static void as_many_tasks_as_are_asked_for(void) {
    const char *number = getenv("PIRN_TEST_TASKS");
    int count = number ? atoi(number) : 50000;
    if (TSAN) count = 5000;
    if (ASAN && count > 20000) count = 20000;
    if (sysconf(_SC_AVPHYS_PAGES) / 2 < count) return; /* each has two pages */
    check_equal(pirn_run(NULL, park_many, &count), 0);
    conclude("many");
}

static const struct test tests[] = {
    TEST(others_go_on_beside_a_greedy_task),
    TEST(timer_goes_off_beside_a_greedy_task),
    TEST(deadline_comes_to_who_asks_all_the_time),
    TEST(others_go_on_beside_a_blocking_call),
    TEST_SECONDS(greedy_tasks_get_a_bounded_number_of_threads, 120),
    TEST(overflow_beside_a_greedy_task_is_told),
    TEST(stand_in_takes_the_programs_signals),
    TEST(waiting_costs_nothing),
    TEST_SECONDS(task_begins_beside_those_that_start_others, 60),
    TEST_SECONDS(two_that_play_do_not_starve_others, 60),
    TEST_SECONDS(timer_goes_off_beside_busy_tasks, 120),
    TEST_SECONDS(select_is_uniform, 60),
    TEST_SECONDS(errno_goes_with_its_task, 60),
    TEST_SECONDS(ten_thousand_runs_leave_nothing, 120),
    TEST_SECONDS(runs_for_a_checker, 120),
    TEST_SECONDS(last_of_many_stacks_has_a_guard, 120),
    TEST_SECONDS(as_many_tasks_as_are_asked_for, 120),
};

HARNESS(tests)
