/* hooks.c - what the threaded engine tells of; see lib/threads/recorded.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/chan.h"
#include "lib/core/fd.h"
#include "lib/core/label.h"
#include "lib/core/task.h"
#include "lib/threads/runtime.h"
#include "lib/threads/recording/alive.h"
#include "lib/threads/recording/buffer.h"
#include "lib/threads/recording/run.h"

/* ---- Whose operation it is ----------------------------------------------------------------- */

static __thread struct recorded the_clock
    __attribute__((tls_model("initial-exec"))) = {.clock = true};

static inline struct recorded *recorded_of(struct task *self) {
    return LIKELY(self != NULL) ? &self->recorded : &the_clock;
}

/* The buffer, with room for an item; NULL: recording is over. */
static inline struct buffer *begin_item(void) {
    struct buffer *buffer = buffer_mine();
    if (UNLIKELY(!buffer)) {
        run_give_up("not enough memory to record");
        return NULL;
    }
    return LIKELY(buffer_room(buffer, run_number())) ? buffer : NULL;
}

/* ---- Steps --------------------------------------------------------------------------------- */

static inline uint64_t take_number(struct recorded *r) {
    if (r->step) return r->step;
    /* Who is alone needs no atomic operation. */
    if (threads_alone()) {
        r->step = atomic_load_explicit(&run.steps, memory_order_relaxed) + 1;
        atomic_store_explicit(&run.steps, r->step, memory_order_relaxed);
    } else {
        r->step = atomic_fetch_add_explicit(&run.steps, 1, memory_order_acq_rel) + 1;
    }
    return r->step;
}

/* How many bytes a number has, which may be none. Without a branch, which nobody could predict. */
static inline unsigned length_of_number(uint64_t value) {
    return (71 - (unsigned)__builtin_clzll(value | 1)) / 8 - (value == 0);
}

/* Writes a number whole, over what was too much of the one before; returns where the next one goes. */
static inline unsigned char *put_short(unsigned char *to, uint64_t value, unsigned length) {
    memcpy(to, &value, sizeof value);
    return to + length;
}

static inline void put_event(struct recorded *r, int64_t result, unsigned flags) {
    uint64_t step = take_number(r), ticks = run_ticks(), site = (uintptr_t)r->site;
    struct buffer *buffer = begin_item();
    if (UNLIKELY(!buffer)) return;
    uint32_t id = r->id, number = r->object;
    uint64_t steps = step - buffer->step - 1, time = fold((int64_t)(ticks - buffer->ticks)),
             value = fold(result), place = fold((int64_t)(site - buffer->site)),
             task = fold((int32_t)(id - buffer->task)),
             object = fold((int32_t)(number - buffer->object));
    unsigned of_steps = length_of_number(steps), of_time = length_of_number(time),
             of_value = length_of_number(value), of_place = length_of_number(place),
             of_task = length_of_number(task), of_object = length_of_number(object);
    uint32_t head = of_steps | of_time << 4 | of_value << 8 | of_place << 12 | of_task << 16 |
                    of_object << 20 | (uint32_t)r->op << 4 * EVENT_NUMBERS;
    unsigned char *at = buffer->at, *to = at + EVENT_HEAD;
    buffer->step = step;
    buffer->ticks = ticks;
    buffer->site = site;
    buffer->task = id;
    buffer->object = number;
    r->last = step;
    r->state = (uint8_t)flags;
    to = put_short(to, steps, of_steps);
    to = put_short(to, time, of_time);
    to = put_short(to, value, of_value);
    to = put_short(to, place, of_place);
    to = put_short(to, task, of_task);
    to = put_short(to, object, of_object);
    memcpy(at + 1, &head, sizeof head);
    buffer_put(buffer, (unsigned char)(ITEM_EVENT | flags), to);
}

static unsigned char *put_text(unsigned char *to, const char *text) {
    size_t length = text ? strnlen(text, RECORDING_MESSAGE) : 0;
    to = put_number(to, length);
    if (length) memcpy(to, text, length);
    return to + length;
}

static void put_task(const struct task *task) {
    const struct recorded *r = &task->recorded;
    struct buffer *buffer = begin_item();
    unsigned char *to;
    if (!buffer) return;
    to = put_number(buffer->at + 1, r->id);
    to = put_number(to, r->parent);
    to = put_number(to, (uintptr_t)task->core.fn);
    to = put_number(to, (uintptr_t)task->core.site);
    to = put_number(to, task->core.daemon ? ITEM_DAEMON : 0);
    to = put_text(to, task->foreign ? "thread" : task->core.name);
    buffer_put(buffer, ITEM_TASK, to);
}

/* A thread of the program comes for the first time in this run. */
static __attribute__((noinline)) void introduce(struct task *self) {
    struct recorded *r = &self->recorded;
    uint64_t number = run_number();
    if (r->run == number) return;
    *r = (struct recorded){.run = number};
    r->id = (uint32_t)(atomic_fetch_add(&runtime.last_id, 1) + 1);
    put_task(self);
}

void recorded_begin(struct task *self, const struct place *place) {
    struct recorded *r = recorded_of(self);
    struct buffer *buffer;

    r->active = false;
    if (UNLIKELY(!run_recording())) return;
    if (LIKELY(self != NULL)) {
        if (UNLIKELY(self->foreign)) introduce(self);
        if (UNLIKELY(!(buffer = begin_item()) || !buffer_prepare(buffer, run_number()))) return;
    }
    r->op = place->op;
    r->site = self ? task_site(self, place->site) : place->site;
    r->object = place->queue ? (uint32_t)recorded_number(place) : 0;
    r->step = 0;
    r->active = true;
    if (UNLIKELY(r->cause != 0) && r->clock) recorded_acquire(self, &r->cause, EDGE_TIMER);
}

void recorded_end(struct task *self, int64_t result) {
    struct recorded *r = recorded_of(self);
    bool select = r->op == OP_SELECT || r->op == OP_SELECT_FIRST;
    if (!r->active) return;
    r->active = false;
    if (LIKELY(run_recording())) put_event(r, result, select && result >= 0 ? ITEM_CHOSEN : 0);
    if (r->clock) r->last = r->cause = 0;
}

void recorded_park(struct task *self, bool timed) {
    struct recorded *r = recorded_of(self);
    if (r->active && run_recording()) put_event(r, 0, ITEM_SLEEPS | (timed ? ITEM_TIMED : 0));
}

void recorded_resume(struct task *self) { recorded_of(self)->step = 0; }

void recorded_order(struct task *self) {
    struct recorded *r = recorded_of(self);
    if (r->active && run_recording()) take_number(r);
}

/* ---- Tasks --------------------------------------------------------------------------------- */

void recorded_spawn(struct task *self, struct task *task, bool main) {
    struct recorded *by = recorded_of(self);
    task->recorded = (struct recorded){.id = (uint32_t)task->core.id};
    if (!run_recording()) return;
    task->recorded.parent = main ? 0 : by->id;
    put_task(task);
    if (!main) task->recorded.cause = by->active ? take_number(by) : by->last;
}

/* A step that is over as soon as it begins. */
static void short_step(struct task *self, enum op op) {
    struct place place = PLACE_ALONE(NONE, (const char *)(uintptr_t)self->core.fn + 1);
    struct recorded *r = &self->recorded;
    place.op = op;
    r->active = run_recording();
    if (!r->active) return;
    r->op = op;
    r->site = place.site;
    r->object = 0;
    r->step = 0;
    if (op == OP_START) recorded_acquire(self, &r->cause, EDGE_GO);
    recorded_end(self, 0);
}

void recorded_start(struct task *self) { short_step(self, OP_START); }

void recorded_exit(struct task *self) {
    short_step(self, OP_EXIT);
    /* What was told at its beginning may be forgotten by now. */
    if (run.last_events && run_recording()) put_task(self);
}

void recorded_state(struct task *task, void *arg) {
    const struct recorded *r = &task->recorded;
    struct buffer *buffer;
    unsigned char *to;
    (void)arg;
    if (!r->id) return;
    put_task(task);
    if (!(buffer = begin_item())) return;
    to = put_number(buffer->at + 1, r->id);
    to = put_number(to, r->state);
    to = put_number(to, r->object);
    buffer_put(buffer, ITEM_STATE, to);
}

void recorded_arm(struct timer *timer) {
    struct task *self = threads_running();
    struct recorded *r = self ? &self->recorded : &the_clock;
    if (!self && !worker_self()) r = &threads_foreign()->recorded;
    /* A callback that arms its own timer again leaves it at who armed it first. */
    if (r->clock) return;
    timer->armed = !run_recording() ? 0 : r->active ? take_number(r) : r->last;
}

void recorded_fire(const struct timer *timer) {
    the_clock.cause = timer->armed > run.base ? timer->armed : 0;
}

/* ---- Marks --------------------------------------------------------------------------------- */

#define LIST (UINT64_C(1) << 63)
enum { LENGTH_BITS = 31 };
#define MOST_LENGTH ((UINT64_C(1) << LENGTH_BITS) - 1)

static uint64_t list_mark(uint32_t list, uint64_t length) {
    return LIST | (uint64_t)list << LENGTH_BITS | length;
}
static bool is_list(uint64_t mark) { return mark & LIST; }
static uint32_t list_of(uint64_t mark) { return (uint32_t)(mark >> LENGTH_BITS); }
static uint64_t length_of(uint64_t mark) { return mark & MOST_LENGTH; }

/* Whether it was made in this run. */
static bool is_valid(uint64_t mark) {
    return is_list(mark) ? list_of(mark) > run.list_base : mark > run.base;
}

/* Marks of one object are mostly written under its lock; but not those of readers. */
static uint64_t load_mark(const uint64_t *mark) {
    return atomic_load_explicit((const _Atomic uint64_t *)mark, memory_order_acquire);
}

/* The step that the caller is in, or has just done; 0: none. */
static uint64_t step_of(struct recorded *r) { return r->active ? take_number(r) : r->last; }

void recorded_release(struct task *self, uint64_t *mark) {
    uint64_t step;
    if (!run_recording() || !(step = step_of(recorded_of(self)))) return;
    atomic_store_explicit((_Atomic uint64_t *)mark, step, memory_order_release);
}

static void put_add(uint32_t list, uint64_t index, uint64_t step) {
    struct buffer *buffer = begin_item();
    unsigned char *to;
    if (!buffer) return;
    to = put_number(buffer->at + 1, list);
    to = put_number(to, index);
    to = put_signed(to, (int64_t)(step - buffer->step));
    buffer_put(buffer, ITEM_ADD, to);
}

void recorded_release_also(struct task *self, uint64_t *mark) {
    uint64_t before, after, step;
    uint32_t made = 0;
    if (!run_recording() || !(step = step_of(recorded_of(self)))) return;
    before = load_mark(mark);
    do {
        if (!before || !is_valid(before)) {
            after = step;
        } else if (is_list(before)) {
            if (length_of(before) == MOST_LENGTH) return;
            after = before + 1;
        } else {
            if (before == step) return;
            if (!made) made = atomic_fetch_add(&run.lists, 1) + 1;
            after = list_mark(made, 2);
        }
    } while (!atomic_compare_exchange_weak_explicit((_Atomic uint64_t *)mark, &before, after,
                                                    memory_order_acq_rel, memory_order_acquire));
    if (!is_list(after)) return;
    if (!is_list(before) || !is_valid(before)) put_add(list_of(after), 0, before);
    put_add(list_of(after), length_of(after) - 1, step);
}

void recorded_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind) {
    struct recorded *r = recorded_of(self);
    struct buffer *buffer;
    unsigned char *to;
    uint64_t step, from;

    if (!r->active || !run_recording()) return;
    step = take_number(r);
    from = load_mark(mark);
    if (!from || !is_valid(from) || from == step) return;
    if (!(buffer = begin_item())) return;
    to = buffer->at + 1;
    *to++ = (unsigned char)kind;
    if (is_list(from)) {
        to = put_number(to, list_of(from));
        to = put_number(to, length_of(from));
        buffer_put(buffer, ITEM_EDGES, to);
    } else {
        to = put_signed(to, (int64_t)(from - buffer->step));
        buffer_put(buffer, ITEM_EDGE, to);
    }
}

/* ---- Objects ------------------------------------------------------------------------------- */

/* Where each object was made or first used, by number; for reports, also where no run is recorded. */
enum { SITES = 1 << 16 };
static _Atomic(const void **) sites[1 << 16];

static void keep_site(uint32_t number, const void *site) {
    const void **none = NULL, **chunk = atomic_load(&sites[number / SITES]);
    if (!chunk) {
        if (!(chunk = calloc(SITES, sizeof *chunk))) return;
        if (!atomic_compare_exchange_strong(&sites[number / SITES], &none, chunk)) {
            free(chunk);
            chunk = none;
        }
    }
    chunk[number % SITES] = site;
}

static const void *site_of(uint32_t number) {
    const void **chunk = atomic_load(&sites[number / SITES]);
    return number && chunk ? chunk[number % SITES] : NULL;
}

static void put_object(const struct alive *object) {
    struct buffer *buffer = begin_item();
    unsigned char *to;
    if (!buffer) return;
    to = put_number(buffer->at + 1, object->number);
    *to++ = (unsigned char)object->kind;
    to = put_number(to, object->capacity);
    to = put_number(to, object->value_size);
    to = put_number(to, (uintptr_t)object->site);
    to = put_number(to, (uintptr_t)object->address);
    buffer_put(buffer, ITEM_OBJECT, to);
}

static void put_label(uint32_t number, const char *label) {
    struct buffer *buffer = begin_item();
    if (!buffer) return;
    buffer_put(buffer, ITEM_LABEL, put_text(put_number(buffer->at + 1, number), label));
}

/* Tells what it is called, if it has a name. */
static void put_name(uint32_t number, enum object_kind kind, const void *object) {
    char label[LABEL_SIZE];
    if (kind == OBJECT_FD)
        snprintf(label, sizeof label, "%s %d", object_names[OBJECT_FD], fd_number(object));
    else if (!label_get(object, label))
        return;
    put_label(number, label);
}

static void begin_object(const struct alive *object) {
    if (!run_recording()) return;
    put_object(object);
    if (run.last_events && !alive_add(object)) run_give_up("not enough memory to record");
}

void recorded_object_again(const struct alive *object) {
    put_object(object);
    put_name(object->number, object->kind, object->address);
}

void recorded_label(const void *object, const char *label) {
    struct buffer *buffer;
    /* With the last steps alone, names are told at the end. */
    if (!run_recording() || run.last_events || !(buffer = begin_item())) return;
    buffer_put(buffer, ITEM_LABEL_AT,
               put_text(put_number(buffer->at + 1, (uintptr_t)object), label));
}

void recorded_object(waitq *queue, const void *object, size_t capacity, size_t value_size,
                     const void *site) {
    uint32_t number = atomic_fetch_add(&run.objects, 1) + 1;
    keep_site(number, site);
    atomic_store_explicit((_Atomic uint64_t *)&queue->object, number, memory_order_release);
    begin_object(&(struct alive){.number = number,
                                 .kind = (enum object_kind)queue->kind,
                                 .address = object,
                                 .capacity = capacity,
                                 .value_size = value_size,
                                 .site = site});
}

/* Gives a number to an object that has none in this run; another thread may do so too. */
static __attribute__((noinline)) uint64_t add_object(const struct place *place, uint64_t before) {
    _Atomic uint64_t *at = (_Atomic uint64_t *)&place->queue->object;
    uint32_t kind = place->queue->kind ? place->queue->kind : (uint32_t)place->kind;
    const void *site = before ? site_of((uint32_t)before) : place->site;
    size_t capacity = 0, value_size = 0;
    uint32_t number = atomic_fetch_add(&run.objects, 1) + 1;

    keep_site(number, site);
    if (!atomic_compare_exchange_strong(at, &before, number)) return before;
    if (kind == OBJECT_CHAN) {
        capacity = ((const pirn_chan *)place->object)->capacity;
        value_size = ((const pirn_chan *)place->object)->value_size;
    }
    begin_object(&(struct alive){.number = number,
                                 .kind = (enum object_kind)kind,
                                 .address = place->object,
                                 .capacity = capacity,
                                 .value_size = value_size,
                                 .site = site});
    if (run_recording()) put_name(number, (enum object_kind)kind, place->object);
    return number;
}

uint64_t recorded_number(const struct place *place) {
    uint64_t number =
        atomic_load_explicit((_Atomic uint64_t *)&place->queue->object, memory_order_acquire);
    return LIKELY(number > run.object_base) ? number : add_object(place, number);
}

void recorded_object_end(waitq *queue, const void *object) {
    uint64_t number = queue->object;
    char label[LABEL_SIZE];
    struct alive again;
    struct buffer *buffer;
    if (number <= run.object_base || !run_recording()) return;
    /* What was told at its beginning may be forgotten by now. */
    if (run.last_events && alive_remove((uint32_t)number, &again)) put_object(&again);
    if (label_get(object, label)) put_label((uint32_t)number, label);
    if (!(buffer = begin_item())) return;
    buffer_put(buffer, ITEM_OBJECT_END, put_number(buffer->at + 1, number));
}

uint64_t recorded_object_site(const waitq *queue) {
    return queue->kind ? (uintptr_t)site_of((uint32_t)queue->object) : 0;
}

void recorded_select_case(struct task *self, enum op op, waitq *queue) {
    struct place place =
        PLACE(NONE, CHAN, queue, queue, NULL); /* a channel begins with its queue */
    struct buffer *buffer;
    unsigned char *to;
    uint32_t number;
    if (!recorded_of(self)->active || !run_recording()) return;
    number = queue ? (uint32_t)recorded_number(&place) : 0;
    if (!(buffer = begin_item())) return;
    to = buffer->at + 1;
    *to++ = (unsigned char)op;
    buffer_put(buffer, ITEM_CASE, put_number(to, number));
}
