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
static pirn_cond cond;
static pirn_ctx *context, *child;
static pirn_timer *watch;
static uint32_t cell;

/* What `pirn cc` makes of atomic operations; compilers that watch for races know them too. */
unsigned int __tsan_atomic32_load(const volatile void *object, int order);
void __tsan_atomic32_store(volatile void *object, unsigned int value, int order);
unsigned int __tsan_atomic32_fetch_add(volatile void *object, unsigned int value, int order);
unsigned int __tsan_atomic32_fetch_or(volatile void *object, unsigned int value, int order);
unsigned int __tsan_atomic32_exchange(volatile void *object, unsigned int value, int order);
_Bool __tsan_atomic32_compare_exchange_strong(volatile void *object, void *expected,
                                              unsigned int desired, int order, int failed);

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
static void canceled_child(void) { pirn_ctx_cancel(child); }
static void until_a_deadline(void) {
    context = pirn_ctx_with_deadline(pirn_ctx_background(), pirn_now() + PIRN_SEC);
    child = pirn_ctx_with_cancel(context);
}
static void one_stored(void) { cell = 1; }

static void armed(void) { watch = pirn_timer_new(PIRN_MSEC); }
static void stopped(void) {
    armed();
    pirn_timer_stop(watch);
}
static void fired(void) {
    armed();
    pirn_sleep(2 * PIRN_MSEC);
}

/* Somebody waits already. */
static void wait_in_background(pirn_fn *fn);
static int helped;
static void wait_for_signal(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutex);
    pirn_cond_wait(&cond, &mutex);
    pirn_mutex_unlock(&mutex);
    helped++;
}
static void receive_in_time(void *arg) {
    int value = 0;
    (void)arg;
    helped = pirn_recv_until(chan, &value, pirn_now() + PIRN_SEC);
    if (!helped) helped = value;
}
static void send_in_time(void *arg) {
    int value = 77;
    (void)arg;
    helped = 1 + pirn_send_until(chan, &value, pirn_now() + PIRN_SEC);
}
static void lock_in_time(void *arg) {
    (void)arg;
    helped = 1 + pirn_mutex_lock_until(&mutex, pirn_now() + PIRN_SEC);
    if (helped == 1) pirn_mutex_unlock(&mutex);
}
static void acquire_in_time(void *arg) {
    (void)arg;
    helped = 1 + pirn_sem_acquire(&sem, 2, pirn_now() + PIRN_SEC);
}
static void one_waits(void) { wait_in_background(wait_for_signal); }
static void two_wait(void) {
    one_waits();
    one_waits();
}
static void receiver_waits(void) {
    empty();
    wait_in_background(receive_in_time);
}
static void receiver_waits_unbuffered(void) {
    unbuffered();
    wait_in_background(receive_in_time);
}
static void sender_waits(void) {
    full();
    wait_in_background(send_in_time);
}
static void sender_waits_unbuffered(void) {
    unbuffered();
    wait_in_background(send_in_time);
}
static void locker_waits(void) {
    locked();
    wait_in_background(lock_in_time);
}
static void acquirer_waits(void) {
    one_permit();
    wait_in_background(acquire_in_time);
}

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
static int act_cancel_child(int task) {
    (void)task;
    pirn_ctx_cancel(child);
    return 0;
}
static int act_err_child(int task) {
    (void)task;
    return pirn_ctx_err(child);
}
static int act_try_done(int task) {
    (void)task;
    return pirn_try_recv(pirn_ctx_done(child), NULL);
}
static int act_select_done(int task) {
    pirn_case choice = PIRN_CASE_RECV(pirn_ctx_done(context), NULL);
    (void)task;
    return pirn_select(&choice, 1, PIRN_NOW);
}
static int act_signal(int task) {
    (void)task;
    pirn_cond_signal(&cond);
    return 0;
}
static int act_broadcast(int task) {
    (void)task;
    pirn_cond_broadcast(&cond);
    return 0;
}
static int act_cond_wait_now(int task) {
    int rc = pirn_cond_wait_until(&cond, &mutex, PIRN_NOW);
    (void)task;
    pirn_mutex_unlock(&mutex);
    return rc;
}
static int act_stop(int task) {
    (void)task;
    return pirn_timer_stop(watch);
}
static int act_reset(int task) {
    (void)task;
    return pirn_timer_reset(watch, PIRN_MSEC);
}
static int act_reset_late(int task) {
    (void)task;
    return pirn_timer_reset(watch, 2 * PIRN_MSEC);
}
static int act_take_time(int task) {
    (void)task;
    return pirn_try_recv(pirn_timer_chan(watch), NULL);
}
static int act_sleep(int task) {
    (void)task;
    pirn_sleep(PIRN_MSEC);
    return 0;
}
static int act_recv_until(int task) {
    int value = task;
    int rc = pirn_recv_until(chan, &value, pirn_now() + PIRN_MSEC);
    return received(rc, value);
}
static int act_send_until(int task) {
    int value = value_of(task);
    return pirn_send_until(chan, &value, pirn_now() + PIRN_MSEC);
}
static int act_lock_until(int task) {
    (void)task;
    return pirn_mutex_lock_until(&mutex, pirn_now() + PIRN_MSEC);
}
static int act_acquire_until(int task) {
    (void)task;
    return pirn_sem_acquire(&sem, 1, pirn_now() + PIRN_MSEC);
}
static int act_wait_until(int task) {
    (void)task;
    return pirn_waitgroup_wait_until(&group, pirn_now() + PIRN_MSEC);
}
static int act_load(int task) {
    (void)task;
    return (int)__tsan_atomic32_load(&cell, __ATOMIC_SEQ_CST);
}
static int act_store(int task) {
    __tsan_atomic32_store(&cell, (uint32_t)task + 1, __ATOMIC_SEQ_CST);
    return 0;
}
static int act_fetch_add(int task) {
    (void)task;
    return (int)__tsan_atomic32_fetch_add(&cell, 1, __ATOMIC_SEQ_CST);
}
static int act_exchange_zero(int task) {
    uint32_t expected = 0;
    (void)task;
    return __tsan_atomic32_compare_exchange_strong(&cell, &expected, 1, __ATOMIC_SEQ_CST,
                                                   __ATOMIC_SEQ_CST);
}
static int act_load_relaxed(int task) {
    (void)task;
    return (int)__tsan_atomic32_load(&cell, __ATOMIC_RELAXED);
}
/* What may be there already. */
static int act_store_one(int task) {
    (void)task;
    __tsan_atomic32_store(&cell, 1, __ATOMIC_RELAXED);
    return 0;
}
static int act_add_nothing(int task) {
    (void)task;
    return (int)__tsan_atomic32_fetch_add(&cell, 0, __ATOMIC_RELAXED);
}
static int act_fetch_or(int task) {
    (void)task;
    return (int)__tsan_atomic32_fetch_or(&cell, 1, __ATOMIC_ACQ_REL);
}
static int act_swap(int task) {
    return (int)__tsan_atomic32_exchange(&cell, (uint32_t)task + 1, __ATOMIC_ACQ_REL);
}
static int act_exchange_one(int task) {
    uint32_t expected = 1;
    (void)task;
    return __tsan_atomic32_compare_exchange_strong(&cell, &expected, 0, __ATOMIC_RELEASE,
                                                   __ATOMIC_RELAXED);
}
static int act_cond_wait(int task) {
    (void)task;
    pirn_cond_wait(&cond, &mutex);
    pirn_mutex_unlock(&mutex);
    return 1;
}
static int act_cond_wait_until(int task) {
    int rc = pirn_cond_wait_until(&cond, &mutex, pirn_now() + PIRN_MSEC);
    (void)task;
    pirn_mutex_unlock(&mutex);
    return rc;
}
static int act_arm(int task) {
    pirn_timer *timer = pirn_timer_new((task + 1) * PIRN_MSEC);
    return pirn_timer_stop(timer);
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

/*
 * Pairs that are taken for dependent although no state here shows why: what may wait until a
 * deadline is, of all that is done to the object (six of channels, one of mutexes, three of wait
 * groups); a wait for a condition that is over at once, of signals; a context, of others in its
 * tree (two); resetting or stopping a timer, of sleeping, and that of sleeping as long (four); a
 * writer's try that fails, of a reader who is not alone there.
 */
enum { NEEDLESS = 19 };

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
      {"select recv now", act_select_recv_now},
      {"send until", act_send_until},
      {"recv until", act_recv_until}},
     {unbuffered, unbuffered_closed, empty, one_value, two_values, full, closed_empty,
      closed_with_values, receiver_waits, receiver_waits_unbuffered, sender_waits,
      sender_waits_unbuffered}},
    {"mutex",
     {{"lock", act_lock},
      {"trylock", act_trylock},
      {"unlock", act_unlock},
      {"lock until", act_lock_until}},
     {fresh, locked, locker_waits}},
    {"condition",
     {{"signal", act_signal},
      {"broadcast", act_broadcast},
      {"wait now", act_cond_wait_now},
      {"wait", act_cond_wait},
      {"wait until", act_cond_wait_until},
      {"lock", act_lock},
      {"trylock", act_trylock},
      {"unlock", act_unlock}},
     {fresh, locked, one_waits, two_wait}},
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
      {"release", act_release},
      {"acquire until", act_acquire_until}},
     {fresh, one_permit, two_permits, three_permits, acquirer_waits}},
    {"wait group",
     {{"add", act_add}, {"done", act_done}, {"wait", act_wait}, {"wait until", act_wait_until}},
     {fresh, one_to_wait_for, two_to_wait_for}},
    {"once", {{"once", act_once}, {"err", act_err}}, {fresh, done_once}},
    {"context",
     {{"cancel", act_cancel},
      {"err", act_err},
      {"cancel child", act_cancel_child},
      {"err child", act_err_child},
      {"try done", act_try_done},
      {"select done now", act_select_done}},
     {fresh, canceled, canceled_child, until_a_deadline}},
    {"timer",
     {{"stop", act_stop},
      {"reset", act_reset},
      {"reset late", act_reset_late},
      {"try_recv", act_take_time},
      {"sleep", act_sleep},
      {"arm another", act_arm}},
     {stopped, armed, fired}},
    {"atomic object",
     {{"load", act_load},
      {"store", act_store},
      {"fetch_add", act_fetch_add},
      {"exchange zero", act_exchange_zero},
      {"load relaxed", act_load_relaxed},
      {"store one", act_store_one},
      {"add nothing", act_add_nothing},
      {"fetch_or", act_fetch_or},
      {"swap", act_swap},
      {"exchange one", act_exchange_one}},
     {fresh, one_stored}},
    {"no object", {{"yield", act_yield}, {"choose", act_choose}, {"send", act_send}}, {empty}},
};

/* ---- One order ----------------------------------------------------------------------------- */

enum { MAIN = 1, ONE, OTHER, PROBE };

/* `helpers` come before ONE. */
static struct order {
    void (*state)(void);
    int helpers;
    const struct operation *operations[2];
    int first; /* ONE or OTHER */
    int made;
    bool waits;                     /* one would have to wait */
    bool misuse;                    /* the run has failed */
    struct footprint footprints[2]; /* of ONE and OTHER */
    int results[2];
    int found[8];
    int helped;
    uint64_t graph;
} * order;

static void play(void *arg) {
    int task = *(int *)arg;
    order->results[task - ONE] = order->operations[task - ONE]->act(task);
}

static void wait_in_background(pirn_fn *fn) {
    order->helpers++;
    pirn_go(fn, NULL);
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
    order->found[4] += (int)__tsan_atomic32_load(&cell, __ATOMIC_SEQ_CST);
    if (watch) order->found[3] += 10 * pirn_timer_stop(watch);
}

static void begin(void *arg) {
    (void)arg;
    chan = NULL;
    memset(&mutex, 0, sizeof mutex);
    memset(&rwmutex, 0, sizeof rwmutex);
    memset(&sem, 0, sizeof sem);
    memset(&group, 0, sizeof group);
    memset(&once, 0, sizeof once);
    memset(&cond, 0, sizeof cond);
    watch = NULL;
    cell = 0;
    helped = 0;
    context = pirn_ctx_with_cancel(pirn_ctx_background());
    child = pirn_ctx_with_cancel(context);
    order->state();
    for (int task = ONE; task <= OTHER; task++) pirn_go_copy(play, &task, sizeof task);
    pirn_go(probe, NULL);
}

static struct task *find(int task) {
    if (task != MAIN) task += order->helpers;
    for (size_t i = 0; i < sim.count; i++)
        if (sim.runnable[i]->core.id - sim.first_task == (uint64_t)task) return sim.runnable[i];
    return NULL;
}

/* Any that has been there before ONE. */
static struct task *find_helper(void) {
    struct task *task = NULL;
    for (int i = 1; i <= order->helpers && !task; i++) task = find(ONE - i);
    return task;
}

/* Main first, then who is to wait, then both up to their operations, then these in the order that
 * is asked for. */
static struct task *next_task(struct strategy *strategy, struct task *current, bool timer) {
    struct task *task = find(MAIN);
    (void)strategy, (void)current, (void)timer;
    dependence_footprint = NULL;
    if (!task && !order->made) task = find_helper();
    if (task) return task;
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
    for (int i = ONE; i <= OTHER && !task; i++) task = find(i);
    if (!task) task = find_helper();
    return task ? task : find(PROBE);
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

static unsigned no_next(struct strategy *strategy, const struct log *log) {
    (void)strategy, (void)log;
    return 0;
}

static void make(struct order *wanted, struct log *log) {
    static struct strategy strategy = {
        .name = "order",
        .task = next_task,
        .pick = first_of,
        .random = no_chance,
        .next = no_next,
        .fires = fires,
        .ends = true, /* as a search: what steps access is noted, and objects have keys */
    };
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
    order->helped = helped;
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
               !memcmp(one.found, other.found, sizeof one.found) && one.helped == other.helped &&
               one.graph == other.graph;
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
    check(pairs > 270 && compared > 1100);
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
