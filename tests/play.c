/* play.c - see play.h. */
#include "tests/play.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <pirn.h>

#include "sim/random.h"

/* What UNTIL_SOON waits; every time in a program is the same, since chance decides how much of it
 * passes between two steps. */
#define SOON (100 * PIRN_USEC)

/* At most two values and one more are taken from each channel, and it is asked once more. */
enum { MAIN = MOST_TASKS, DRAINS = 8 };

enum player_mutant player_mutant;
uint64_t play_delays;

/* ---- Making programs ----------------------------------------------------------------------- */

static void make_step(struct step *step, uint64_t *random) {
    *step = (struct step){0};
    /* Half of all is done to channels. */
    step->verb = random_below(random, 2)   ? (enum verb)random_below(random, VERB_COUNT)
                 : random_below(random, 3) ? PLAIN
                                           : SELECT;
    step->patience =
        random_below(random, 2) ? FOR_EVER : (enum patience)random_below(random, PATIENCES);
    step->first = random_below(random, 3) == 0;
    step->locked = random_below(random, 8) == 0;
    step->n = 1 + (int)random_below(random, 2);
    /* With more than one permit there is a queue to stand in, which others see; how late a
     * deadline comes must not be seen. */
    if (step->verb == ACQUIRE && step->patience == UNTIL_SOON) step->n = 1;
    step->cases = step->verb == SELECT ? 2 : 1;
    for (int i = 0; i < 2; i++) {
        step->sends[i] = random_below(random, 2);
        step->channels[i] = (int)random_below(random, CHANNELS);
    }
}

/* A step that does something to channels. */
static void make_channel_step(struct step *step, uint64_t *random, uint64_t patiences) {
    uint64_t kind = random_below(random, 8);
    *step = (struct step){.n = 1, .cases = 1};
    step->verb = kind == 0 ? CLOSE : kind == 1 ? LENGTH : kind < 5 ? PLAIN : SELECT;
    if (step->verb == SELECT) step->cases = 2;
    step->patience = (enum patience)random_below(random, patiences);
    step->first = random_below(random, 2);
    for (int i = 0; i < 2; i++) {
        step->sends[i] = random_below(random, 2);
        step->channels[i] = (int)random_below(random, CHANNELS);
    }
}

/* A step that does something to locks, or stands between two that do. */
static void make_lock_step(struct step *step, uint64_t *random) {
    static const enum verb verbs[] = {COUNT,   TRY_COUNT, READ,    TRY_READ, WRITE, TRY_WRITE,
                                      ACQUIRE, ACQUIRE,   RELEASE, PLAIN,    PLAIN};
    *step = (struct step){.cases = 1};
    step->verb = verbs[random_below(random, sizeof verbs / sizeof *verbs)];
    step->patience = random_below(random, 2) ? FOR_EVER : NOT_AT_ALL;
    step->locked = random_below(random, 4) == 0;
    step->n = 1 + (int)random_below(random, 2);
    step->sends[0] = random_below(random, 2);
    step->channels[0] = (int)random_below(random, CHANNELS);
}

/* Few steps, and all of them meet each other. */
static void make_few(struct program *program, uint64_t random) {
    bool of_locks = program->seed >= OF_LOCKS;
    uint64_t patiences = of_locks ? 0 : 1 + random_below(&random, PATIENCES);
    uint64_t more;
    program->tasks = 2 + (int)random_below(&random, MOST_TASKS - 1);
    for (int i = 0; i < CHANNELS; i++) program->capacities[i] = (int)random_below(&random, 3);
    if (of_locks) program->permits = (int)random_below(&random, 3);
    for (int i = 0; i < program->tasks; i++) program->steps[i] = 1;
    more = random_below(&random, (uint64_t)(6 - program->tasks));
    while (more--) program->steps[random_below(&random, (uint64_t)program->tasks)]++;
    for (int i = 0; i < program->tasks; i++)
        for (int k = 0; k < program->steps[i]; k++)
            if (of_locks)
                make_lock_step(&program->step[i][k], &random);
            else
                make_channel_step(&program->step[i][k], &random, patiences);
}

void play_make(struct program *program, uint64_t seed) {
    uint64_t random = seed;

    *program = (struct program){.seed = seed};
    if (seed >= OF_CHANNELS) {
        make_few(program, random);
        return;
    }
    program->tasks = 2 + (int)random_below(&random, MOST_TASKS - 1);
    program->permits = (int)random_below(&random, 3);
    for (int i = 0; i < CHANNELS; i++) program->capacities[i] = (int)random_below(&random, 3);
    for (int i = 0; i < program->tasks; i++) {
        program->steps[i] = 1 + (int)random_below(&random, (uint64_t)(6 - program->tasks));
        for (int k = 0; k < program->steps[i]; k++) {
            make_step(&program->step[i][k], &random);
            program->work += program->step[i][k].verb == DONE;
        }
    }
}

void play_print(const struct program *program, FILE *file) {
    static const char *const verbs[] = {
#define X(name, word) word,
        VERBS(X)
#undef X
    };
    static const char *const waits[] = {"", " now", " past", " soon"};

    fprintf(file, "program %llu: capacities %d %d, %d permits, %d of work\n",
            (unsigned long long)program->seed, program->capacities[0], program->capacities[1],
            program->permits, program->work);
    for (int i = 0; i < program->tasks; i++) {
        fprintf(file, "    task %d:", i);
        for (int k = 0; k < program->steps[i]; k++) {
            const struct step *step = &program->step[i][k];
            fprintf(file, "%s %s%s%s", k ? "," : "", step->locked ? "locked " : "",
                    verbs[step->verb], step->verb == SELECT && step->first ? "first " : "");
            for (int c = 0; step->verb <= SELECT && c < step->cases; c++)
                fprintf(file, "%s%s c%d", c ? " or " : "", step->sends[c] ? "send" : "recv",
                        step->channels[c]);
            if (step->verb == CLOSE || step->verb == LENGTH)
                fprintf(file, " c%d", step->channels[0]);
            if (step->verb == ACQUIRE || step->verb == RELEASE) fprintf(file, " %d", step->n);
            if (step->verb <= SELECT || step->verb == ACQUIRE || step->verb == WAIT)
                fputs(waits[step->patience], file);
        }
        fputs("\n", file);
    }
}

/* ---- Playing them -------------------------------------------------------------------------- */

/* What one step has shown. */
struct seen {
    bool ended;
    int result, value;
};

static struct {
    struct program program;
    bool ended;
    _Atomic uint64_t clock;
    uint64_t random[MOST_TASKS + 1];
    struct seen seen[MOST_TASKS][MOST_STEPS];
    struct call calls[MOST_TASKS + 1][DRAINS];
    int drains;
    /* What the program works on. */
    pirn_chan *channels[CHANNELS];
    pirn_mutex mutex, outer;
    pirn_rwmutex rwmutex;
    pirn_sem sem;
    pirn_waitgroup work, tasks;
    pirn_cond cond;
    pirn_once once;
    pirn_ctx *ctx;
    int counted, written, done_once;
} run;

/* Comes between any two things that a task does. */
static void delay(int task) {
    uint64_t *random = &run.random[task];
    if (!play_delays) return;
    switch (random_below(random, 10)) {
    case 0:
    case 1:
    case 2:
        pirn_yield();
        break;
    case 3:
        for (uint64_t i = random_below(random, 4); i > 0; i--) pirn_yield();
        break;
    case 4:
        for (uint64_t i = random_below(random, 3000); i > 0; i--) __asm__ volatile("");
        break;
    case 5:
        if (random_below(random, 4) == 0) pirn_sleep((int64_t)random_below(random, 2 * SOON));
        break;
    default:
        break;
    }
}

static int64_t deadline_of(const struct step *step) {
    switch (step->patience) {
    case FOR_EVER:
        return PIRN_FOREVER;
    case NOT_AT_ALL:
        return PIRN_NOW;
    case UNTIL_PAST:
        return pirn_now() - 1;
    default:
        return pirn_now() + SOON;
    }
}

/* A send or receive, which is the case 0 of itself. */
static void plain(const struct step *step, struct call *call) {
    pirn_chan *chan = run.channels[step->channels[0]];
    int rc, sent = call->sent;

    if (step->patience == FOR_EVER)
        rc = step->sends[0] ? pirn_send(chan, &sent) : pirn_recv(chan, &call->value);
    else if (step->patience == NOT_AT_ALL && step->first)
        rc = step->sends[0] ? pirn_try_send(chan, &sent) : pirn_try_recv(chan, &call->value);
    else
        rc = step->sends[0] ? pirn_send_until(chan, &sent, deadline_of(step))
                            : pirn_recv_until(chan, &call->value, deadline_of(step));
    call->chosen = rc == -EPIPE ? 0 : rc;
    call->status = rc == -EPIPE ? rc : 0;
}

static void choose(const struct step *step, struct call *call) {
    int values[2];
    pirn_case cases[2];
    int64_t deadline = deadline_of(step);

    for (int i = 0; i < 2; i++) {
        values[i] = step->sends[i] ? call->sent + i : UNTOUCHED;
        cases[i] = (pirn_case){.op = step->sends[i] ? PIRN_SEND : PIRN_RECV,
                               .chan = run.channels[step->channels[i]],
                               .value = &values[i]};
    }
    call->chosen =
        step->first ? pirn_select_first(cases, 2, deadline) : pirn_select(cases, 2, deadline);
    call->status = call->chosen < 0 ? 0 : cases[call->chosen].status;
    if (call->chosen >= 0 && !step->sends[call->chosen]) call->value = values[call->chosen];
}

static void call_channels(const struct step *step, int task, int index) {
    struct call *call = &run.calls[task][index];

    *call = (struct call){
        .step = step, .value = UNTOUCHED, .sent = 1 + 2 * (task * MOST_STEPS + index)};
    call->began = atomic_fetch_add(&run.clock, 1) + 1;
    if (step->verb == PLAIN)
        plain(step, call);
    else if (step->verb == SELECT)
        choose(step, call);
    else if (step->verb == CLOSE)
        call->chosen = pirn_close(run.channels[step->channels[0]]);
    else
        call->chosen = (int)pirn_chan_len(run.channels[step->channels[0]]);
    if (player_mutant == PLAYS_VALUE && step->patience != FOR_EVER && call->value != UNTOUCHED)
        call->value++;
    call->ended = atomic_fetch_add(&run.clock, 1) + 1;
}

static int add_one(int task) {
    int counted = run.counted;
    delay(task);
    run.counted = counted + 1;
    return counted;
}

static int count(const struct step *step, int task, int *value) {
    int rc = 0;
    if (player_mutant == PLAYS_UNLOCKED) {
        *value = add_one(task);
        return 0;
    }
    if (step->verb == TRY_COUNT)
        rc = pirn_mutex_trylock(&run.mutex);
    else if (step->verb == COUNT_UNTIL)
        rc = pirn_mutex_lock_until(&run.mutex, deadline_of(step));
    else
        pirn_mutex_lock(&run.mutex);
    if (rc) return rc;
    *value = add_one(task);
    pirn_mutex_unlock(&run.mutex);
    return 0;
}

static int share(enum verb verb, int task, int number, int *value) {
    int rc = 0;
    if (verb == READ || verb == TRY_READ) {
        if (verb == TRY_READ)
            rc = pirn_rwmutex_tryrlock(&run.rwmutex);
        else
            pirn_rwmutex_rlock(&run.rwmutex);
        if (rc) return rc;
        delay(task);
        *value = run.written;
        pirn_rwmutex_runlock(&run.rwmutex);
        return 0;
    }
    if (verb == TRY_WRITE)
        rc = pirn_rwmutex_trylock(&run.rwmutex);
    else
        pirn_rwmutex_lock(&run.rwmutex);
    if (rc) return rc;
    *value = run.written;
    delay(task);
    run.written = number;
    pirn_rwmutex_unlock(&run.rwmutex);
    return 0;
}

static void note_once(void *number) { run.done_once = *(int *)number; }

static int meet(enum verb verb) {
    int rc = 0;
    pirn_mutex_lock(&run.mutex);
    if (verb == COND_WAIT)
        pirn_cond_wait(&run.cond, &run.mutex);
    else if (verb == COND_WAIT_UNTIL)
        rc = pirn_cond_wait_until(&run.cond, &run.mutex, pirn_now() + SOON);
    else if (verb == SIGNAL)
        pirn_cond_signal(&run.cond);
    else
        pirn_cond_broadcast(&run.cond);
    pirn_mutex_unlock(&run.mutex);
    return rc;
}

static void do_step(const struct step *step, int task, int index) {
    struct seen *seen = &run.seen[task][index];
    int number = 1 + task * MOST_STEPS + index, result = 0, value = 0;

    switch (step->verb) {
    case PLAIN:
    case SELECT:
    case CLOSE:
    case LENGTH:
        call_channels(step, task, index);
        break;
    case COUNT:
    case TRY_COUNT:
    case COUNT_UNTIL:
        result = count(step, task, &value);
        break;
    case READ:
    case TRY_READ:
    case WRITE:
    case TRY_WRITE:
        result = share(step->verb, task, number, &value);
        break;
    case ACQUIRE:
        result = pirn_sem_acquire(&run.sem, step->n, deadline_of(step));
        break;
    case RELEASE:
        pirn_sem_release(&run.sem, step->n);
        break;
    case DONE:
        pirn_waitgroup_done(&run.work);
        break;
    case WAIT:
        result = pirn_waitgroup_wait_until(&run.work, deadline_of(step));
        break;
    case ONCE:
        pirn_once_do(&run.once, note_once, &number);
        value = run.done_once;
        break;
    case COND_WAIT:
    case COND_WAIT_UNTIL:
    case SIGNAL:
    case BROADCAST:
        result = meet(step->verb);
        break;
    case CANCEL:
        pirn_ctx_cancel(run.ctx);
        break;
    case ASK:
        result = pirn_ctx_err(run.ctx);
        break;
    default:
        pirn_sleep(SOON);
        break;
    }
    *seen = (struct seen){true, result, value};
}

static void play_task(void *arg) {
    int task = *(int *)arg;
    for (int i = 0; i < run.program.steps[task]; i++) {
        const struct step *step = &run.program.step[task][i];
        delay(task);
        if (step->locked) pirn_mutex_lock(&run.outer);
        if (step->locked) delay(task);
        do_step(step, task, i);
        if (step->locked) pirn_mutex_unlock(&run.outer);
    }
}

static void swap(struct call *a, struct call *b) {
    int value = a->value;
    if (player_mutant != PLAYS_SWAPPED || a->chosen || b->chosen || a->status || b->status) return;
    a->value = b->value;
    b->value = value;
}

/* What is left in the channels comes out. */
static void drain(void) {
    static const struct step takes[CHANNELS] = {
        {.verb = PLAIN, .patience = NOT_AT_ALL, .first = true, .cases = 1, .channels = {0}},
        {.verb = PLAIN, .patience = NOT_AT_ALL, .first = true, .cases = 1, .channels = {1}}};
    for (int i = 0; i < CHANNELS; i++) {
        struct call *first = &run.calls[MAIN][run.drains], *call;
        do {
            call = &run.calls[MAIN][run.drains];
            call_channels(&takes[i], MAIN, run.drains++);
        } while (call->chosen == 0 && call->status == 0);
        swap(first, first + 1);
    }
}

void play_main(void *program) {
    int more = player_mutant == PLAYS_CAPACITY;

    memset(&run, 0, sizeof run);
    run.program = *(const struct program *)program;
    for (int i = 0; i <= MOST_TASKS; i++)
        run.random[i] = play_delays + (uint64_t)i * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < CHANNELS; i++) {
        run.channels[i] = pirn_chan_new(sizeof(int), (size_t)(run.program.capacities[i] + more));
        pirn_assert(run.channels[i]);
    }
    run.ctx = pirn_ctx_with_cancel(pirn_ctx_background());
    pirn_assert(run.ctx);
    pirn_sem_init(&run.sem, run.program.permits);
    pirn_waitgroup_add(&run.work, run.program.work);
    for (int i = 0; i < run.program.tasks; i++) {
        delay(MAIN);
        pirn_assert(pirn_waitgroup_go_copy(&run.tasks, play_task, &i, sizeof i) == 0);
    }
    pirn_waitgroup_wait(&run.tasks);
    drain();
    for (int i = 0; i < CHANNELS; i++) pirn_chan_unref(run.channels[i]);
    pirn_ctx_unref(run.ctx);
    run.ended = true;
}

/* ---- What they did ------------------------------------------------------------------------- */

static const char *word(int result) {
    switch (result) {
    case 0:
        return "ok";
    case -EAGAIN:
        return "again";
    case -EBUSY:
        return "busy";
    case -EPIPE:
        return "closed";
    case -ETIMEDOUT:
        return "late";
    case -ECANCELED:
        return "canceled";
    default:
        return "?";
    }
}

static void print_call(FILE *file, const struct call *call) {
    enum verb verb = call->step->verb;
    if (verb == LENGTH)
        fprintf(file, " %d", call->chosen);
    else if (call->chosen < 0 || verb == CLOSE)
        fprintf(file, " %s", word(call->chosen));
    else {
        fprintf(file, " %s", word(call->status));
        if (verb == SELECT) fprintf(file, "@%d", call->chosen);
        if (call->value != UNTOUCHED) fprintf(file, "=%d", call->value);
    }
}

void play_outcome(char *room) {
    FILE *file = fmemopen(room, OUTCOME_ROOM, "w");

    for (int i = 0; file && i < run.program.tasks; i++) {
        if (i) fputs(" |", file);
        for (int k = 0; k < run.program.steps[i]; k++) {
            const struct seen *seen = &run.seen[i][k];
            enum verb verb = run.program.step[i][k].verb;
            if (!seen->ended) {
                fputs(" -", file);
                break;
            }
            if (verb <= LENGTH)
                print_call(file, &run.calls[i][k]);
            else
                fprintf(file, " %s", word(seen->result));
            if (seen->value) fprintf(file, "=%d", seen->value);
        }
    }
    if (file && run.ended) {
        fputs(" ; left", file);
        for (int i = 0; i < run.drains; i++) print_call(file, &run.calls[MAIN][i]);
        fprintf(file, " counted %d written %d", run.counted, run.written);
    } else if (file)
        fputs(" ; deadlock", file);
    if (!file || fclose(file)) snprintf(room, OUTCOME_ROOM, "memory is short");
}

void play_history(struct history *history) {
    history->count = 0;
    for (int i = 0; i < CHANNELS; i++) history->capacities[i] = run.program.capacities[i];
    for (int i = 0; i <= MOST_TASKS; i++)
        for (int k = 0; k < DRAINS; k++)
            if (run.calls[i][k].began) history->calls[history->count++] = run.calls[i][k];
}
