/*
 * join.c - model: the helper threads of blocking calls, their idle ends and their last one
 * (lib/threads/block.c). Each call is made once, its task is woken when it has been, and in the end no
 * helper is left. Who calls is a thread, since a task would need a whole run.
 */
#include "lib/threads/block.c"

static int made[3];

static void make(void *arg) { ++*(int *)arg; }

static void block_in(int *made_here) {
    const struct place place = {.op = OP_BLOCK};
    struct task *self = engine_self();
    struct call call = {.task = self, .fn = make, .arg = made_here};
    model_check(promise() == 0);
    engine_park(self, &place, NULL, PIRN_FOREVER, submit, &call);
    model_check(*made_here == 1);
}

static void block_once(void *arg) { block_in(arg); }

static void block_twice(void *arg) {
    block_in(arg);
    block_in((int *)arg + 1);
}

static void finish(int calls) {
    model_join_all();
    block_end();
    for (int i = 0; i < calls; i++) model_check(made[i] == 1);
    for (int i = 0; i < MOST_HELPERS; i++) model_check(!helpers[i].started);
    model_check(!first);
}

static void one(void) {
    model_thread(block_once, &made[0]);
    finish(1);
}

/* Between the calls the helper may have found that it is not needed any more. */
static void one_after_another(void) {
    model_thread(block_twice, &made[0]);
    finish(2);
}

static void two_at_once(void) {
    model_thread(block_once, &made[0]);
    model_thread(block_once, &made[1]);
    finish(2);
}

/* The run ends, and who called with it: the call has been made, or never will be. */
static void call_and_go(void *arg) {
    static struct call call;
    (void)arg;
    call = (struct call){.task = engine_self(), .fn = make, .arg = &made[0]};
    model_check(promise() == 0);
    submit(&call);
}

static void abandoned(void) {
    model_thread(call_and_go, NULL);
    model_join_all();
    block_end();
    model_check(made[0] <= 1);
    made[0]++;
    model_check(!first && !calls);
}

const struct model_case model_cases[] = {{"one", one},
                                         {"one-after-another", one_after_another},
                                         {"two-at-once", two_at_once},
                                         {"abandoned", abandoned},
                                         {NULL, NULL}};
