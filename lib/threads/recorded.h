/*
 * recorded.h - where the threaded engine tells of what tasks do, in the library that records
 * (lib/threads/recording/). In libpirn PIRN_RECORDED is 0, and nothing of this is called.
 *
 * An operation becomes a step of the trace. Its number, from one counter that all threads share, is
 * taken as late as is right: when the operation first touches a mark, or says engine_order, which is
 * under the lock of its object, and where there is no lock after it got what it waited for and
 * before it lets others have it. So the steps on one object are numbered in the order in which they
 * came, and what happens before a step has a smaller number.
 *
 * A mark is 0, a step, or a list of steps: which list, and how many of its steps are meant. Marks
 * of an earlier run are void.
 */
#ifndef THREADS_RECORDED_H
#define THREADS_RECORDED_H

#if PIRN_RECORDED
/* A task's operation under way. */
struct recorded {
    uint64_t step;   /* its number; 0: not taken yet */
    uint64_t last;   /* the step before; 0: none */
    uint64_t cause;  /* the step that started the task, or armed the timer that fires */
    uint64_t run;    /* of a thread of the program: in which it got its id */
    uint32_t id;     /* in the trace; 0: the clock */
    uint32_t object; /* its number; 0: none */
    uint32_t parent; /* the task that started this one; 0: none */
    uint8_t state;   /* whether it slept in the step before, and how */
    const void *site;
    enum op op;
    bool active, clock;
};
#endif

/* As their namesakes in the contract. NULL for a task stands for the clock. */
void recorded_begin(struct task *self, const struct place *place);
void recorded_end(struct task *self, int64_t result);
void recorded_release(struct task *self, uint64_t *mark);
void recorded_release_also(struct task *self, uint64_t *mark);
void recorded_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind);
void recorded_order(struct task *self);
void recorded_select_case(struct task *self, enum op op, waitq *queue);
void recorded_object(waitq *queue, const void *object, size_t capacity, size_t value_size,
                     const void *site);
void recorded_object_end(waitq *queue, const void *object);
uint64_t recorded_object_site(const waitq *queue);
void recorded_label(const void *object, const char *label);

/* The number of a place's object, which it gets now if it has none. */
uint64_t recorded_number(const struct place *place);

/* The task is about to park, and goes on. */
void recorded_park(struct task *self, bool timed);
void recorded_resume(struct task *self);

/* A task has been made, by `self` unless it is the main one; it begins; it ends. */
void recorded_spawn(struct task *self, struct task *task, bool main);
void recorded_start(struct task *self);
void recorded_exit(struct task *self);

/* For task_each: tells of a task that has not ended. */
void recorded_state(struct task *task, void *arg);

/* The calling task, or the callback of a timer, arms a timer; its callback is called next. */
struct timer;
void recorded_arm(struct timer *timer);
void recorded_fire(const struct timer *timer);

/* A run begins. It has ended: what has been recorded is in the file when that returns. */
void recorded_run_begin(void);
void recorded_run_end(int result);

/* Nothing can run any more; the tasks are still there. */
void recorded_deadlock(void);

/* The process is about to end because of that; what has been recorded is in the file when these
 * return. */
void recorded_failure(struct task *self, enum failure failure, const struct place *place,
                      const char *message);
void recorded_overflow(const struct task *self, const char *message);

/* A signal has come that ends the process; as far as that can be, the same. For a handler. */
void recorded_crash(int number);

#endif
