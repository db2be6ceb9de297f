/*
 * below.c - what is below the runtime in its models (shim.h), on the simulator's primitives, and the
 * main function of every model.
 *
 *     MODEL CASE                  one simulated run, as of any program: for pirn explore and replay
 *     MODEL CASE dpor             all runs, in this process; a line at the end tells of them
 *     MODEL CASE dfs:depth=N      those with at most N preemptions
 *     MODEL CASE random=RUNS      so many
 *
 * MODEL_SECONDS limits the time.
 *
 * What is kept here (which primitive stands for which word) is no part of the model: it is not
 * watched, and changed within steps only.
 */
#include <errno.h>
#include <pirn-sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/core/dump.h"
#include "lib/core/symbol.h"
#include "lib/threads/runtime.h"

bool model_shared;
_Atomic uint32_t *model_sleeps_on;

#define UNWATCHED __attribute__((noinline, no_sanitize_thread))

_Noreturn static void give_up(const char *why) {
    fprintf(stderr, "model: %s\n", why);
    abort();
}

/* ---- Which primitive stands for which address ---------------------------------------------- */

struct object {
    bool used;
    pirn_mutex mutex;
    pirn_cond cond;
    pirn_sem told;
    const struct thread *holder; /* of the mutex */
};

/*
 * A place for each four bytes of variables and of threads' memory: the simulator knows a mutex by its
 * address, which must not depend on who comes first.
 */
enum { OBJECTS_USED = 256 };
static struct object *objects; /* outside of what is restored, as the arena is */
static struct object *used[OBJECTS_USED];
static unsigned used_count;

enum { ARENA = 1 << 18 };
static char *arena;

extern char __data_start[], _end[];

UNWATCHED static struct object *object_of(const volatile void *address) {
    const char *at = (const char *)(uintptr_t)address;
    struct object *object = objects;
    if (at >= __data_start && at < _end)
        object += (at - __data_start) / 4;
    else if (at >= arena && at < arena + MODEL_THREADS * ARENA)
        object += (_end - __data_start) / 4 + 1 + (at - arena) / 4;
    else
        give_up("a lock that is no variable");
    if (!object->used) {
        if (used_count == OBJECTS_USED) give_up("too many objects");
        used[used_count++] = object;
        object->used = true;
    }
    return object;
}

UNWATCHED static void forget_objects(void) {
    for (unsigned i = 0; i < used_count; i++) *used[i] = (struct object){0};
}

/* ---- Threads ------------------------------------------------------------------------------- */

enum { LOCALS = 12, KEYS = 2 };

struct thread {
    struct {
        const void *variable;
        void *value;
    } locals[LOCALS];
    void *specific[KEYS];
    size_t used; /* of its memory */
    void *(*body)(void *);
    void *arg;
    pirn_sem ended;
};

static struct thread threads[MODEL_THREADS];
static unsigned thread_count;
static void (*destructors[KEYS])(void *);
static unsigned key_count;

/* A stack: on which thread it runs now. */
struct coroutine {
    struct thread *thread;
    pirn_sem turn;
    void *passed;
    context_entry *entry;
    void *arg;
};

enum { TASKS = 64 };
static struct coroutine coroutines[TASKS], *of_task[TASKS]; /* by the simulator's id of the task */
static unsigned coroutine_count;

UNWATCHED static struct coroutine *new_coroutine(void) {
    if (coroutine_count == TASKS) give_up("too many stacks");
    return &coroutines[coroutine_count++];
}

UNWATCHED static struct coroutine *here(void) {
    uint64_t id = pirn_self();
    if (id >= TASKS) give_up("too many tasks");
    if (!of_task[id]) { /* a thread's own */
        of_task[id] = new_coroutine();
        of_task[id]->thread = &threads[0];
    }
    return of_task[id];
}

UNWATCHED static void move(struct coroutine *to, struct thread *thread, void *passed) {
    to->thread = thread;
    to->passed = passed;
}
UNWATCHED static struct thread *thread_of(const struct coroutine *coroutine) {
    return coroutine->thread;
}
UNWATCHED static void *passed_to(const struct coroutine *coroutine) { return coroutine->passed; }

/* ---- Memory: of each thread, at the same addresses in each run, so that runs are alike ------ */

UNWATCHED void *model_malloc(size_t size) {
    struct thread *thread = thread_of(here());
    char *at = arena + (size_t)(thread - threads) * ARENA + thread->used;
    thread->used += (size + 31) / 16 * 16;
    if (thread->used > ARENA) give_up("no memory");
    *(size_t *)(void *)at = size;
    for (size_t i = 0; i < size; i++) at[16 + i] = 0;
    return at + 16;
}

void *model_calloc(size_t count, size_t size) { return model_malloc(count * size); }

UNWATCHED void *model_realloc(void *memory, size_t size) {
    char *from = memory, *to = model_malloc(size);
    for (size_t i = 0; from && i < size && i < *(size_t *)(void *)(from - 16); i++) to[i] = from[i];
    return to;
}

void *model_aligned_alloc(size_t alignment, size_t size) {
    uintptr_t memory = (uintptr_t)model_malloc(size + alignment);
    return (void *)((memory + alignment - 1) / alignment * alignment);
}

void model_free(void *memory) { (void)memory; }

/* ---- What threads have of their own, and their beginning and end ------------------------------ */

UNWATCHED void *model_own(const void *variable, size_t size) {
    struct thread *thread = thread_of(here());
    for (int i = 0; i < LOCALS; i++) {
        if (!thread->locals[i].variable) {
            thread->locals[i].variable = variable;
            thread->locals[i].value = model_malloc(size);
        }
        if (thread->locals[i].variable == variable) return thread->locals[i].value;
    }
    give_up("too many thread-local variables");
}

UNWATCHED static struct thread *begin_thread(void *arg) {
    struct thread *thread = arg;
    here()->thread = thread;
    return thread;
}

UNWATCHED static void end_thread(struct thread *thread) {
    for (unsigned i = 0; i < key_count; i++)
        if (thread->specific[i]) destructors[i](thread->specific[i]);
}

static void thread_main(void *arg) {
    struct thread *thread = begin_thread(arg);
    thread->body(thread->arg);
    end_thread(thread);
    pirn_sem_release(&thread->ended, 1);
}

UNWATCHED static struct thread *new_thread(void *(*body)(void *), void *arg) {
    struct thread *thread;
    if (!thread_count) thread_count = 1; /* main */
    if (thread_count == MODEL_THREADS) give_up("too many threads");
    thread = &threads[thread_count++];
    thread->body = body;
    thread->arg = arg;
    return thread;
}

int model_pthread_create(pthread_t *thread, void *(*body)(void *), void *arg) {
    struct thread *made = new_thread(body, arg);
    *thread = (pthread_t)(made - threads);
    return pirn_go(thread_main, made);
}

int model_pthread_join(pthread_t thread) {
    pirn_sem_acquire(&threads[thread].ended, 1, PIRN_FOREVER);
    return 0;
}

static struct start {
    void (*body)(void *);
    void *arg;
} starts[MODEL_THREADS];
static unsigned start_count;
static pthread_t started[MODEL_THREADS];

static void *started_main(void *arg) {
    struct start *start = arg;
    start->body(start->arg);
    return NULL;
}

void model_thread(void (*body)(void *), void *arg) {
    starts[start_count] = (struct start){body, arg};
    model_pthread_create(&started[start_count], started_main, &starts[start_count]);
    start_count++;
}

void model_join_all(void) {
    for (unsigned i = 0; i < start_count; i++) model_pthread_join(started[i]);
}

UNWATCHED int model_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    if (key_count == KEYS) give_up("too many keys");
    destructors[key_count] = destructor;
    *key = key_count++;
    return 0;
}

UNWATCHED int model_setspecific(pthread_key_t key, const void *value) {
    thread_of(here())->specific[key] = (void *)(uintptr_t)value;
    return 0;
}

int model_once(pthread_once_t *once, void (*function)(void)) {
    struct object *object = object_of(once);
    pirn_mutex_lock(&object->mutex);
    if (!*(int *)once) {
        *(int *)once = 1;
        function();
    }
    pirn_mutex_unlock(&object->mutex);
    return 0;
}

int model_sched_yield(void) {
    pirn_yield();
    return 0;
}

/* No signals come. */
int model_sigmask(int how, const sigset_t *set, sigset_t *before) {
    (void)how, (void)set, (void)before;
    return 0;
}

unsigned model_choose(unsigned n) { return (unsigned)pirn_choose(n); }

void model_await(const void *address) {
    pirn_sem_acquire(&object_of(address)->told, 1, PIRN_FOREVER);
}
void model_tell(const void *address) { pirn_sem_release(&object_of(address)->told, 1); }

void model_fail(const char *file, int line, const char *condition) {
    pirn_panic("%s:%d: not so: %s", file, line, condition);
}

/* ---- Locks --------------------------------------------------------------------------------- */

UNWATCHED static void hold(struct object *lock) { lock->holder = thread_of(here()); }
UNWATCHED static bool let_go(struct object *lock) {
    if (lock->holder != thread_of(here())) return false;
    lock->holder = NULL;
    return true;
}

bool threads_trylock(uint32_t *word) {
    struct object *lock = object_of(word);
    if (pirn_mutex_trylock(&lock->mutex) != 0) return false;
    hold(lock);
    return true;
}

void threads_lock(uint32_t *word) {
    struct object *lock = object_of(word);
    pirn_mutex_lock(&lock->mutex);
    hold(lock);
}

/* Who is alone unlocks what it has not locked. Nobody else has, either. */
void threads_unlock(uint32_t *word) {
    struct object *lock = object_of(word);
    if (!let_go(lock) && pirn_mutex_trylock(&lock->mutex) != 0)
        pirn_panic("unlocks what another has locked");
    pirn_mutex_unlock(&lock->mutex);
}

int model_mutex_lock(pthread_mutex_t *mutex) {
    pirn_mutex_lock(&object_of(mutex)->mutex);
    return 0;
}
int model_mutex_unlock(pthread_mutex_t *mutex) {
    pirn_mutex_unlock(&object_of(mutex)->mutex);
    return 0;
}
int model_setclock(pthread_condattr_t *attributes, clockid_t clock) {
    (void)attributes, (void)clock; /* there is one */
    return 0;
}
int model_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes) {
    (void)cond, (void)attributes;
    return 0;
}
/* Time runs out so often in a run, then no more: or there would be no end of cases. */
enum { TIMEOUTS = 1 };
static int timeouts;

UNWATCHED static int count_timeout(int more) { return timeouts += more; }

int model_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                         const struct timespec *until) {
    struct object *object = object_of(cond), *lock = object_of(mutex);
    int rc = 0;
    if (count_timeout(0) == TIMEOUTS)
        pirn_cond_wait(&object->cond, &lock->mutex);
    else
        rc = pirn_cond_wait_until(&object->cond, &lock->mutex,
                                  until->tv_sec * PIRN_SEC + until->tv_nsec);
    if (rc) count_timeout(1);
    return -rc;
}
int model_cond_signal(pthread_cond_t *cond) {
    pirn_cond_signal(&object_of(cond)->cond);
    return 0;
}
int model_cond_broadcast(pthread_cond_t *cond) {
    pirn_cond_broadcast(&object_of(cond)->cond);
    return 0;
}

/* ---- futex.c, random.c --------------------------------------------------------------------- */

/* The lock is what the kernel has for a futex. */
void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until) {
    struct object *futex = object_of(word);
    pirn_mutex_lock(&futex->mutex);
    if (atomic_load_explicit(word, memory_order_relaxed) == value) {
        if (word == model_sleeps_on) model_tell(word);
        if (until == PIRN_FOREVER)
            pirn_cond_wait(&futex->cond, &futex->mutex);
        else
            pirn_cond_wait_until(&futex->cond, &futex->mutex, until);
    }
    pirn_mutex_unlock(&futex->mutex);
}

void futex_wake(_Atomic uint32_t *word, int count) {
    struct object *futex = object_of(word);
    pirn_mutex_lock(&futex->mutex);
    while (count-- > 0) pirn_cond_signal(&futex->cond);
    pirn_mutex_unlock(&futex->mutex);
}

int64_t engine_now(void) { return pirn_now(); }

uint64_t threads_random(void) { return 0; }

/* ---- Stacks -------------------------------------------------------------------------------- */

void *context_switch(struct context *from, struct context *to, void *passed) {
    struct coroutine *self = here(), *next;
    from->left = self;
    next = to->left;
    move(next, thread_of(self), passed);
    pirn_sem_release(&next->turn, 1);
    pirn_sem_acquire(&self->turn, 1, PIRN_FOREVER);
    return passed_to(self);
}

UNWATCHED static struct coroutine *begin_stack(void *arg) { return of_task[pirn_self()] = arg; }

static void stack_main(void *arg) {
    struct coroutine *self = begin_stack(arg);
    pirn_sem_acquire(&self->turn, 1, PIRN_FOREVER);
    self->entry(self->arg, passed_to(self));
}

UNWATCHED static struct coroutine *prepare(context_entry *entry, void *arg) {
    struct coroutine *coroutine = new_coroutine();
    coroutine->entry = entry;
    coroutine->arg = arg;
    return coroutine;
}

void context_init(struct context *context, void *base, size_t size, context_entry *entry, void *arg,
                  uint64_t control) {
    (void)base, (void)size, (void)control;
    context->left = prepare(entry, arg);
    if (pirn_go_with(&(pirn_attr){.daemon = true}, stack_main, context->left))
        give_up("no more tasks");
}

/* ---- faults.c, dump.c, record.c: what is told of a run fails it ------------------------------ */

void report_deadlock(void) { pirn_panic("the runtime says that nothing can run any more"); }

_Noreturn void report_overflow(const struct task *task) {
    (void)task;
    give_up("a stack has overflowed");
}

_Noreturn void engine_fail(struct task *self, enum failure failure, const struct place *place,
                           const char *message) {
    (void)self, (void)failure, (void)place;
    pirn_panic("the runtime fails: %s", message);
    abort();
}

void engine_describe_object(struct text *text, const struct place *place) {
    (void)text, (void)place;
}

void symbol_resolve(const void *return_address, struct symbol *symbol) {
    (void)return_address;
    *symbol = (struct symbol){"", 0, "", "", 0};
}
const char *symbol_basename(const char *path) { return path; }

void faults_begin(void) {}
void faults_end(void) {}
void faults_thread_begin(struct worker *worker) { (void)worker; }
void faults_thread_end(struct worker *worker) { (void)worker; }
void tasks_hold(void) {}
void tasks_let_go(void) {}
int dump_write(int fd, bool whole) {
    (void)fd, (void)whole;
    return 0;
}
void record_check(void) {}

/* ---- main ---------------------------------------------------------------------------------- */

static uint64_t *saved;

/* Each run finds all variables of the model as they were at first. */
UNWATCHED static void restore(void) {
    const uint64_t *from = saved;
    if (!from) return;
    forget_objects();
    for (uint64_t *at = (uint64_t *)__data_start; at < (uint64_t *)_end; at++) *at = *from++;
}

static void one_run(void *arg) {
    const struct model_case *what = arg;
    restore();
    what->run();
}

static int explore(const char *name, const struct model_case *what, const char *how) {
    const char *seconds = getenv("MODEL_SECONDS");
    pirn_sim_options options = {.strategy = how, .seed = 1};
    pirn_sim_result result;
    time_t began = time(NULL);
    bool limited = false;
    int rc;
    if (seconds) options.time_limit = atoll(seconds) * PIRN_SEC;
    if (!strncmp(how, "random=", 7)) {
        options.strategy = "random";
        options.runs = strtoull(how + 7, NULL, 10);
        limited = true;
    }
#undef malloc
    saved = malloc((size_t)(_end - __data_start) + sizeof *saved);
    if (!saved) give_up("no memory");
    memcpy(saved, __data_start, (size_t)(_end - __data_start));
    rc = pirn_sim_explore(&options, one_run, (void *)(uintptr_t)what, &result);
    if (rc) {
        fprintf(stderr, "%s: %s\n", name, result.message);
        return 2;
    }
    if (seconds) limited |= time(NULL) - began >= atoll(seconds);
    if (result.outcome == PIRN_OK)
        printf("%s %s %s: %llu executions%s\n", name, what->name, how,
               (unsigned long long)result.runs,
               result.exhausted ? ", all there are"
               : limited        ? ", not all"
                                : ", all that are fair");
    else
        printf("%s %s %s: %s in execution %llu: %s\n", name, what->name, how,
               pirn_outcome_name(result.outcome), (unsigned long long)result.runs, result.message);
    rc = result.outcome != PIRN_OK;
    pirn_sim_result_free(&result);
    return rc;
}

static void *reserve(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) give_up("no memory");
    return memory;
}

int main(int argc, char **argv) {
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    const struct model_case *what = model_cases;
    while (what->name && (argc < 2 || strcmp(what->name, argv[1]) != 0)) what++;
    if (!what->name) {
        fprintf(stderr, "usage: %s CASE [dpor|dfs|dfs:depth=N|random=RUNS]\ncases:", name);
        for (what = model_cases; what->name; what++) fprintf(stderr, " %s", what->name);
        fputc('\n', stderr);
        return 2;
    }
    arena = reserve((size_t)ARENA * MODEL_THREADS);
    objects = reserve(((size_t)(_end - __data_start) + (size_t)ARENA * MODEL_THREADS) / 4 *
                      sizeof *objects);
    if (argc > 2) return explore(name, what, argv[2]);
    return pirn_run(NULL, one_run, (void *)(uintptr_t)what);
}
