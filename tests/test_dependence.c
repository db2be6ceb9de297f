/*
 * test_dependence.c - what is taken for independent is: each pair of operations on an object, in each
 * state in which both are possible, in either order.
 *
 * Two tasks come to their operations, and a strategy makes the one before the other. Where dpor says
 * that the steps commute, both orders have to give the same results, the same state, which a third
 * task looks at, and the same graph. Where it says that they do not, but no state shows a difference,
 * the pair is told of: that costs runs, and nothing else.
 */
#include "lib/core/config.h"
#include "sim/dependence.h"
#include "sim/strategies.h"
#include "tests/support.h"

static pirn_chan *chan;
static pirn_mutex mutex;
static pirn_rwmutex rwmutex;
static pirn_sem sem;
static pirn_waitgroup group;
static pirn_once once;
static pirn_ctx *context;

/* ---- States -------------------------------------------------------------------------------- */

static void fill(size_t capacity, int values, bool closed) {
    chan = pirn_chan_new(sizeof(int), capacity);
    for (int i = 0; i < values; i++) pirn_send(chan, &i);
    if (closed) pirn_close(chan);
}
static void unbuffered(void) { fill(0, 0, false); }
static void unbuffered_closed(void) { fill(0, 0, true); }
static void empty(void) { fill(3, 0, false); }
static void one_value(void) { fill(3, 1, false); }
static void two_values(void) { fill(3, 2, false); }
static void full(void) { fill(3, 3, false); }
static void closed_empty(void) { fill(3, 0, true); }
static void closed_with_values(void) { fill(3, 2, true); }

static void fresh(void) {}
static void locked(void) { pirn_mutex_lock(&mutex); }
static void read_locked(void) { pirn_rwmutex_rlock(&rwmutex); }
static void read_locked_twice(void) {
    read_locked();
    read_locked();
}
static void write_locked(void) { pirn_rwmutex_lock(&rwmutex); }
static void three_permits(void) { pirn_sem_init(&sem, 3); }
static void two_permits(void) { pirn_sem_init(&sem, 2); }
static void one_permit(void) { pirn_sem_init(&sem, 1); }
static void one_to_wait_for(void) { pirn_waitgroup_add(&group, 1); }
static void two_to_wait_for(void) { pirn_waitgroup_add(&group, 2); }
static void nothing(void *arg) { (void)arg; }
static void done_once(void) { pirn_once_do(&once, nothing, NULL); }
static void canceled(void) { pirn_ctx_cancel(context); }

/* ---- Operations ---------------------------------------------------------------------------- */

static int value_of(int task) { return 100 + task; }
static int received(int rc, int value) { return rc ? rc : value; }

static int act_send(int task) {
    int value = value_of(task);
    return pirn_send(chan, &value);
}
static int act_recv(int task) {
    int value = task;
    int rc = pirn_recv(chan, &value);
    return received(rc, value);
}
static int act_try_send(int task) {
    int value = value_of(task);
    return pirn_try_send(chan, &value);
}
static int act_try_recv(int task) {
    int value = task;
    int rc = pirn_try_recv(chan, &value);
    return received(rc, value);
}
static int act_close(int task) {
    (void)task;
    return pirn_close(chan);
}
static int act_len(int task) {
    (void)task;
    return (int)pirn_chan_len(chan);
}
static int choose(int task, int64_t deadline, bool sends) {
    int value = value_of(task);
    pirn_case choice = {.op = sends ? PIRN_SEND : PIRN_RECV, .chan = chan, .value = &value};
    int rc = pirn_select(&choice, 1, deadline);
    return rc ? rc : received(choice.status, value);
}
static int act_select_send(int task) { return choose(task, PIRN_FOREVER, true); }
static int act_select_recv(int task) { return choose(task, PIRN_FOREVER, false); }
static int act_select_send_now(int task) { return choose(task, PIRN_NOW, true); }
static int act_select_recv_now(int task) { return choose(task, PIRN_NOW, false); }
static int act_lock(int task) {
    (void)task;
    pirn_mutex_lock(&mutex);
    return 0;
}
static int act_trylock(int task) {
    (void)task;
    return pirn_mutex_trylock(&mutex);
}
static int act_unlock(int task) {
    (void)task;
    pirn_mutex_unlock(&mutex);
    return 0;
}
static int act_write_lock(int task) {
    (void)task;
    pirn_rwmutex_lock(&rwmutex);
    return 0;
}
static int act_write_trylock(int task) {
    (void)task;
    return pirn_rwmutex_trylock(&rwmutex);
}
static int act_write_unlock(int task) {
    (void)task;
    pirn_rwmutex_unlock(&rwmutex);
    return 0;
}
static int act_rlock(int task) {
    (void)task;
    pirn_rwmutex_rlock(&rwmutex);
    return 0;
}
static int act_tryrlock(int task) {
    (void)task;
    return pirn_rwmutex_tryrlock(&rwmutex);
}
static int act_runlock(int task) {
    (void)task;
    pirn_rwmutex_runlock(&rwmutex);
    return 0;
}
static int act_acquire(int task) {
    (void)task;
    return pirn_sem_acquire(&sem, 1, PIRN_FOREVER);
}
static int act_acquire_two(int task) {
    (void)task;
    return pirn_sem_acquire(&sem, 2, PIRN_FOREVER);
}
static int act_acquire_now(int task) {
    (void)task;
    return pirn_sem_acquire(&sem, 1, PIRN_NOW);
}
static int act_release(int task) {
    (void)task;
    pirn_sem_release(&sem, 1);
    return 0;
}
static int act_add(int task) {
    (void)task;
    pirn_waitgroup_add(&group, 1);
    return 0;
}
static int act_done(int task) {
    (void)task;
    pirn_waitgroup_done(&group);
    return 0;
}
static int act_wait(int task) {
    (void)task;
    pirn_waitgroup_wait(&group);
    return 0;
}
static int act_once(int task) {
    (void)task;
    pirn_once_do(&once, nothing, NULL);
    return 0;
}
static int act_cancel(int task) {
    (void)task;
    pirn_ctx_cancel(context);
    return 0;
}
static int act_err(int task) {
    (void)task;
    return pirn_ctx_err(context);
}
static int act_yield(int task) {
    (void)task;
    pirn_yield();
    return 0;
}
static int act_choose(int task) {
    (void)task;
    return (int)pirn_choose(2);
}

struct operation {
    const char *name;
    int (*act)(int task);
};

/* Pairs that are taken for dependent although no state here shows why: a select at a buffer is, of
 * all that is done to the channel; a writer's try that fails, of a reader who is not alone there. */
enum { NEEDLESS = 5 };

enum { MOST = 16 };

/* Operations on one object, and the states that it may be in. */
static const struct family {
    const char *name;
    struct operation operations[MOST];
    void (*states[MOST])(void);
} families[] = {
    {"channel",
     {{"send", act_send},
      {"recv", act_recv},
      {"try_send", act_try_send},
      {"try_recv", act_try_recv},
      {"close", act_close},
      {"len", act_len},
      {"select send", act_select_send},
      {"select recv", act_select_recv},
      {"select send now", act_select_send_now},
      {"select recv now", act_select_recv_now}},
     {unbuffered, unbuffered_closed, empty, one_value, two_values, full, closed_empty,
      closed_with_values}},
    {"mutex",
     {{"lock", act_lock}, {"trylock", act_trylock}, {"unlock", act_unlock}},
     {fresh, locked}},
    {"rwmutex, free or read",
     {{"lock", act_write_lock},
      {"trylock", act_write_trylock},
      {"rlock", act_rlock},
      {"tryrlock", act_tryrlock},
      {"runlock", act_runlock}},
     {fresh, read_locked, read_locked_twice}},
    {"rwmutex, written",
     {{"trylock", act_write_trylock}, {"tryrlock", act_tryrlock}, {"unlock", act_write_unlock}},
     {write_locked}},
    {"semaphore",
     {{"acquire 1", act_acquire},
      {"acquire 2", act_acquire_two},
      {"acquire now", act_acquire_now},
      {"release", act_release}},
     {fresh, one_permit, two_permits, three_permits}},
    {"wait group",
     {{"add", act_add}, {"done", act_done}, {"wait", act_wait}},
     {fresh, one_to_wait_for, two_to_wait_for}},
    {"once", {{"once", act_once}, {"err", act_err}}, {fresh, done_once}},
    {"context", {{"cancel", act_cancel}, {"err", act_err}}, {fresh, canceled}},
    {"no object", {{"yield", act_yield}, {"choose", act_choose}, {"send", act_send}}, {empty}},
};

/* ---- One order ----------------------------------------------------------------------------- */

enum { MAIN = 1, ONE, OTHER, PROBE };

static struct order {
    void (*state)(void);
    const struct operation *operations[2];
    int first; /* ONE or OTHER */
    int made;
    bool waits;                     /* one would have to wait */
    bool misuse;                    /* the run has failed */
    struct footprint footprints[2]; /* of ONE and OTHER */
    int results[2];
    int found[8];
    uint64_t graph;
} * order;

static void play(void *arg) {
    int task = *(int *)arg;
    order->results[task - ONE] = order->operations[task - ONE]->act(task);
}

static void probe(void *arg) {
    int value = 0, n = 0;
    (void)arg;
    order->found[n++] = chan ? (int)pirn_chan_len(chan) : 0;
    while (chan && pirn_try_recv(chan, &value) == 0) order->found[n++] = value;
    order->found[7] =
        (pirn_mutex_trylock(&mutex) == 0) + 2 * (pirn_rwmutex_tryrlock(&rwmutex) == 0);
    while (pirn_sem_acquire(&sem, 1, PIRN_NOW) == 0) order->found[6]++;
    order->found[5] = pirn_waitgroup_wait_until(&group, PIRN_NOW);
}

static void begin(void *arg) {
    (void)arg;
    chan = NULL;
    memset(&mutex, 0, sizeof mutex);
    memset(&rwmutex, 0, sizeof rwmutex);
    memset(&sem, 0, sizeof sem);
    memset(&group, 0, sizeof group);
    memset(&once, 0, sizeof once);
    context = pirn_ctx_with_cancel(pirn_ctx_background());
    order->state();
    for (int task = ONE; task <= OTHER; task++) pirn_go_copy(play, &task, sizeof task);
    pirn_go(probe, NULL);
}

static struct task *find(int task) {
    for (size_t i = 0; i < sim.count; i++)
        if (sim.runnable[i]->core.id - sim.first_task == (uint64_t)task) return sim.runnable[i];
    return NULL;
}

/* Main first, then both up to their operations, then these in the order that is asked for. */
static struct task *next_task(struct strategy *strategy, struct task *current, bool timer) {
    struct task *task = find(MAIN);
    (void)strategy, (void)current, (void)timer;
    dependence_footprint = NULL;
    for (int i = ONE; i <= OTHER && !task; i++) {
        task = find(i);
        if (task && task->step) task = NULL;
    }
    if (task) return task;
    if (order->made < 2) {
        int turn = order->made++ ? ONE + OTHER - order->first : order->first;
        task = find(turn);
        if (!task || dependence_ready(task) != READY_GOES) {
            order->waits = true;
            sim_leave();
        }
        dependence_footprint = &order->footprints[turn - ONE];
        dependence_since = (uint32_t)sim.log->steps;
        return task;
    }
    for (int i = ONE; i <= PROBE && !task; i++) task = find(i);
    return task;
}

static uint64_t first_of(struct strategy *strategy, uint64_t n) {
    (void)strategy, (void)n;
    return 0;
}

static uint64_t no_chance(struct strategy *strategy) {
    (void)strategy;
    return 0;
}

static void fires(struct strategy *strategy) { (void)strategy; }

static void make(struct order *wanted, struct log *log) {
    static struct strategy strategy = {
        .name = "order", .task = next_task, .pick = first_of, .random = no_chance, .fires = fires};
    struct run_options options = {.max_steps = 1000,
                                  .allow = PIRN_ALLOW_LEAK | PIRN_ALLOW_SEND_ON_CLOSED |
                                           PIRN_ALLOW_DOUBLE_CLOSE,
                                  .late_timers = true};
    pirn_config config;
    check_equal(config_resolve(NULL, &config), 0);
    order = wanted;
    log_reset(log);
    check_equal(sim_run(&config, begin, NULL, log, &strategy, &options), 0);
    dependence_footprint = NULL;
    order->misuse = log->outcome == PIRN_MISUSE;
    order->graph = log->graph;
}

/* ---- All pairs ----------------------------------------------------------------------------- */

struct verdict {
    int states, independent, dependent, different;
};

static void compare(const struct family *family, const struct operation *a,
                    const struct operation *b, struct log *log, struct verdict *verdict) {
    for (int s = 0; family->states[s]; s++) {
        struct order one = {.state = family->states[s], .operations = {a, b}, .first = ONE};
        struct order other = one;
        bool apart, same;
        other.first = OTHER;
        make(&one, log);
        if (one.waits || one.misuse) continue;
        make(&other, log);
        if (other.waits || other.misuse) continue;
        verdict->states++;
        apart = dependence_apart(&one.footprints[0], &one.footprints[1]);
        same = !memcmp(one.results, other.results, sizeof one.results) &&
               !memcmp(one.found, other.found, sizeof one.found) && one.graph == other.graph;
        if (!check_equal(apart, dependence_apart(&other.footprints[0], &other.footprints[1])) ||
            !check(same || !apart))
            fprintf(stderr, "    %s, state %d: %s and %s\n", family->name, s, a->name, b->name);
        verdict->independent += apart;
        verdict->dependent += !apart;
        verdict->different += !same;
    }
}

static void independent_operations_commute(void) {
    struct log *log = log_new(1000);
    int pairs = 0, compared = 0, needless = 0;
    check(log != NULL);
    for (size_t f = 0; log && f < sizeof families / sizeof *families; f++) {
        const struct family *family = &families[f];
        for (int i = 0; family->operations[i].act; i++)
            for (int k = i; family->operations[k].act; k++) {
                struct verdict verdict = {0};
                compare(family, &family->operations[i], &family->operations[k], log, &verdict);
                pairs++;
                compared += verdict.states;
                if (!verdict.dependent || verdict.different) continue;
                needless++;
                fprintf(stderr, "    needless: %s: %s and %s, in %d of %d states\n", family->name,
                        family->operations[i].name, family->operations[k].name, verdict.dependent,
                        verdict.states);
            }
    }
    check(pairs > 80 && compared > 400);
    check_equal(needless, NEEDLESS);
    sim_release();
    log_free(log);
    conclude("operations");
}

/* What is said of operations ahead of time is no less: that they commute, whatever they find. */
static void operations_ahead_commute(void) {
    static const struct {
        enum op a, b;
        bool commute;
    } pairs[] = {
        {OP_LEN, OP_LEN, true},           {OP_LEN, OP_SEND, false},
        {OP_RLOCK, OP_RLOCK, true},       {OP_RLOCK, OP_TRYRLOCK, true},
        {OP_TRYRLOCK, OP_TRYRLOCK, true}, {OP_RLOCK, OP_RUNLOCK, false},
        {OP_RUNLOCK, OP_RUNLOCK, true},   {OP_RLOCK, OP_LOCK, false},
        {OP_ADD, OP_DONE, true},          {OP_DONE, OP_DONE, true},
        {OP_DONE, OP_WAIT, false},        {OP_LOAD, OP_LOAD, true},
        {OP_LOAD, OP_STORE, false},       {OP_STORE, OP_STORE, false},
        {OP_SEND, OP_SEND, false},        {OP_SEND, OP_RECV, false},
        {OP_LOCK, OP_LOCK, false},        {OP_RELEASE, OP_RELEASE, false},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        check_equal(operations_commute(pairs[i].a, pairs[i].b), pairs[i].commute);
        check_equal(operations_commute(pairs[i].b, pairs[i].a), pairs[i].commute);
    }
    conclude("operations ahead");
}

static const struct test tests[] = {
    TEST(independent_operations_commute),
    TEST(operations_ahead_commute),
};

HARNESS(tests)
