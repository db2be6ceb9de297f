/* dependence.c - see dependence.h. */
#include "sim/dependence.h"

#include <string.h>

#include "lib/core/chan.h"
#include "lib/core/ctx.h"

struct footprint *dependence_footprint;
uint32_t dependence_since;

enum { MOST_CASES = 6 }; /* of a select that is looked at case by case */

enum { MUTEX_LOCKED = 1, MUTEX_COMPETE = 1 };
#define RW_WRITER ((uint32_t)1 << 31)
enum { ONCE_FRESH, ONCE_RUNNING, ONCE_FINISHED };

/* The operation that a task is in, or before. */
static enum op op_of(const struct task *task) {
    return task->next_place->op != OP_NONE || !task->step
               ? task->next_place->op
               : (enum op)sim.log->events[task->step - 1].op;
}

static bool in_order(const struct task *task) { return op_of(task) == OP_SELECT_FIRST; }

/* ---- Noting -------------------------------------------------------------------------------- */

static void note(const struct access *access) {
    struct footprint *footprint = dependence_footprint;
    if (!footprint) return;
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].object == access->object &&
            footprint->accesses[i].way == access->way &&
            footprint->accesses[i].index == access->index &&
            footprint->accesses[i].number == access->number)
            return;
    footprint_add(footprint, *access);
}

void dependence_read_only(void) {
    struct footprint *footprint = dependence_footprint;
    if (!footprint) return;
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].way == WAY_WRITE) footprint->accesses[i].way = WAY_READ;
}

void dependence_object(uint32_t number, enum way way) {
    if (dependence_footprint && number)
        note(&(struct access){.object = object_key(number), .way = (uint8_t)way});
}

void dependence_thing(uint64_t thing, enum way way, int64_t number) {
    note(&(struct access){.object = thing & ~KEY_MOVES, .way = (uint8_t)way, .number = number});
}

/* It does not wait, or not for ever. */
static bool timed(const struct task *self) { return self->intent.deadline != PIRN_FOREVER; }

/* It waits, but not for ever: others may come and find it, and so it goes in any case. */
static bool parks(const struct task *self) {
    return timed(self) && self->intent.deadline > sim.now;
}

/* How it does what it does: CASE_..., or-ed. */
static uint8_t kind_of(const struct task *self) {
    bool now = timed(self) && !parks(self);
    return (uint8_t)((in_order(self) ? CASE_IN_ORDER : 0) | (now ? CASE_NOW : 0));
}

/* The current task stands at a channel without a buffer. */
static void note_offer(uint32_t number, bool sends) {
    if (number)
        note(&(struct access){.object = object_key(number),
                              .number = (int64_t)sim.current->identity,
                              .way = sends ? WAY_OFFER_SEND : WAY_OFFER_RECV,
                              .kind = kind_of(sim.current)});
}

static uint32_t number_of(const waitq *queue) {
    return queue->object >> 32 == sim.epoch ? (uint32_t)queue->object : 0;
}

/* What stands for a context: the root of its tree, which is cancelled in one step. */
static pirn_chan *tree_of(waitq *queue) { return &((pirn_ctx *)(void *)queue)->root->done; }

/* The number of a channel, or of a context. */
static uint32_t number_of_channel(waitq *queue, uint32_t number) {
    return queue->kind == OBJECT_CONTEXT ? number_of(&tree_of(queue)->senders) : number;
}

static bool waits_nowhere(const waitq *queue) { return queue->kind == OBJECT_CONTEXT; }

void dependence_case(enum op op, waitq *queue) {
    struct place place = PLACE(NONE, CHAN, queue, queue, NULL);
    const pirn_chan *chan = (const pirn_chan *)(void *)queue;
    uint32_t number;
    if (!dependence_footprint || dependence_by_case(sim.current)) return;
    number = number_of_channel(queue, object_number(&place));
    dependence_object(number, chan->capacity || parks(sim.current) ? WAY_ANY : WAY_MEET);
    if (!chan->capacity && !waits_nowhere(queue)) note_offer(number, op == OP_SEND);
}

static void refuse_others(const struct task *task, const struct wait *wait);

void dependence_woken(const struct task *task) {
    const struct wait *wait = wait_of(task);
    dependence_thing(task->identity, WAY_ANY, 0);
    if (!wait) return;
    if (wait->timed && wait->result != -ETIMEDOUT) dependence_footprint->disarms = true;
    /* Nobody can find it any more where it stands; unless nobody else could have done so before. */
    if (task->step > dependence_since) {
        refuse_others(task, wait);
        return;
    }
    for (size_t i = 0; i < wait->count; i++) {
        waitq *guard = wait->waiters[i].guard;
        dependence_object(number_of_channel(guard, number_of(guard)), WAY_ANY);
    }
}

/* On a channel without a buffer: the tasks meet, or find it closed. */
static void begin_meeting(const struct task *self, const struct place *place,
                          struct access *access) {
    const pirn_chan *chan = place->object;
    bool sends = place->op == OP_SEND || place->op == OP_TRY_SEND;
    access->way = parks(self) ? WAY_ANY : chan->closed && !timed(self) ? WAY_CLOSED : WAY_MEET;
    if (!waits_nowhere(place->queue)) note_offer(number_of(place->queue), sends);
}

/* How many values have been sent into a channel with a buffer. */
static int64_t values_sent(const pirn_chan *chan) {
    uint64_t mark = chan->senders.mark;
    return mark >> 33 == sim.epoch ? (uint32_t)mark : 0;
}

/* On a channel with a buffer, what does something else where it would have to wait. What it needs
 * is one more access. */
static void begin_try(const struct place *place, uint64_t object, struct access *access) {
    const pirn_chan *chan = place->object;
    bool sends = place->op == OP_TRY_SEND || place->op == OP_SEND;
    int64_t sent = values_sent(chan);
    struct access needs = {.object = object};
    access->number = sends;
    if (sends ? chan->closed : !chan->count) {
        access->way = chan->closed ? WAY_SHUT : WAY_REFUSED;
        if (sends || !chan->closed) return;
        needs.way = WAY_NO_RECV;
    } else if (sends && chan->count == chan->capacity) {
        access->way = WAY_REFUSED;
        return;
    } else {
        access->way = sends ? WAY_SEND : WAY_RECV;
        access->number = sends ? sent + 1 : sent - (int64_t)chan->count + 1;
        needs.way = sends ? WAY_ROOM : WAY_HAS;
        needs.number = sends ? access->number - (int64_t)chan->capacity : access->number;
    }
    note(&needs);
}

static void begin_chan(const struct task *self, const struct place *place, uint64_t object,
                       struct access *access) {
    const pirn_chan *chan = place->object;
    switch (place->op) {
    case OP_TRY_SEND:
    case OP_TRY_RECV:
        if (chan->capacity)
            begin_try(place, object, access);
        else
            begin_meeting(self, place, access);
        break;
    case OP_SEND:
        access->number = values_sent(chan) + 1;
        if (!chan->capacity)
            begin_meeting(self, place, access);
        else if (!timed(self))
            /* Where more has been sent than there is room for, it may have had to wait for it. */
            access->way = !chan->closed                                 ? WAY_SEND
                          : values_sent(chan) < (int64_t)chan->capacity ? WAY_SHUT
                                                                        : WAY_CLOSED;
        else if (!parks(self) || chan_can_offer(chan))
            begin_try(place, object, access);
        break;
    case OP_FIRE:
        access->way = WAY_SEND;
        access->number = values_sent(chan) + 1;
        break;
    case OP_RECV:
        access->number = values_sent(chan) - (int64_t)chan->count + 1;
        if (!chan->capacity)
            begin_meeting(self, place, access);
        else if (!timed(self))
            access->way = chan->closed && !chan->count ? WAY_NO_RECV : WAY_RECV;
        else if (!parks(self) || chan_can_take(chan))
            begin_try(place, object, access);
        break;
    case OP_CLOSE:
        access->way = chan->closed ? WAY_SHUT : WAY_CLOSE;
        break;
    case OP_LEN:
        access->way = WAY_LOOK;
        break;
    default:
        break;
    }
}

/* ---- Selects, case by case ----------------------------------------------------------------- */

static const pirn_case *case_at(const struct task *self, size_t index) {
    return &((const pirn_case *)self->intent.more)[index];
}

static bool case_ready(const pirn_case *c) {
    if (!c->chan) return false;
    return c->op == PIRN_SEND ? chan_can_offer(c->chan) : chan_can_take(c->chan);
}

bool dependence_by_case(const struct task *task) {
    enum op op = op_of(task);
    return (op == OP_SELECT || op == OP_SELECT_FIRST) && task->intent.count <= MOST_CASES;
}

size_t dependence_next_case(const struct task *task, size_t index) {
    if (index != SIZE_MAX && in_order(task)) return SIZE_MAX;
    for (size_t i = index + 1; i < task->intent.count; i++)
        if (case_ready(case_at(task, i))) return i;
    return SIZE_MAX;
}

/* A case that is not ready, of a select that goes on without it. */
static void refuse(const pirn_case *c) {
    uint32_t number;
    if (!c->chan) return;
    number = number_of_channel(&c->chan->senders, number_of(&c->chan->senders));
    if (!number) return;
    note(&(struct access){.object = object_key(number),
                          .number = c->op == PIRN_SEND,
                          .way = c->chan->capacity ? WAY_REFUSED : WAY_MEET});
}

static void refuse_before(const struct task *task, size_t index) {
    for (size_t i = 0; i < index && dependence_by_case(task); i++) refuse(case_at(task, i));
}

/* A select has waited, and was met in the same step. That it waited matters where the other one
 * need not have, or where it would have taken the first case. */
static void refuse_others(const struct task *task, const struct wait *wait) {
    size_t met = wait->fired ? (size_t)wait->fired->number : 0;
    const struct task *finder = sim.current;
    bool all = finder && (kind_of(finder) & CASE_NOW || dependence_by_case(finder));
    if (!wait->fired || !dependence_by_case(task)) return;
    for (size_t i = 0; i < task->intent.count; i++)
        if (i != met && (all || (wait->in_order && i < met))) refuse(case_at(task, i));
}

/* As a send or receive; as a try where it would do something else than wait if it could not. */
void dependence_take(struct task *self, size_t index) {
    const pirn_case *c = case_at(self, index);
    bool sends = c->op == PIRN_SEND, first = in_order(self);
    bool tries = timed(self) || (first && index + 1 < self->intent.count);
    waitq *queue = &c->chan->senders;
    struct place place = {OP_NONE, OBJECT_CHAN, c->chan, queue, NULL};
    struct access access = {.way = WAY_ANY};
    uint32_t number = number_of_channel(queue, number_of(queue));

    if (!dependence_footprint || !dependence_by_case(self)) return;
    place.op = sends ? (tries ? OP_TRY_SEND : OP_SEND) : tries ? OP_TRY_RECV : OP_RECV;
    if (first) refuse_before(self, index);
    if (!number || waits_nowhere(queue)) return;
    access.object = object_key(number);
    begin_chan(self, &place, access.object, &access);
    note(&access);
}

static bool asks_contexts(const struct task *self) {
    for (size_t i = 0; i < self->intent.count; i++)
        if (case_at(self, i)->chan && waits_nowhere(&case_at(self, i)->chan->senders)) return true;
    return false;
}

/* What it could do, and what it does if that is certain. */
static void begin_select(struct task *self) {
    size_t first = dependence_next_case(self, SIZE_MAX);
    bool fails = first == SIZE_MAX && timed(self) && !parks(self);
    bool waits = first == SIZE_MAX && parks(self);
    uint8_t kind = kind_of(self);

    if (asks_contexts(self)) kind |= CASE_MORE;
    if (parks(self)) kind |= CASE_SOON;
    for (size_t i = 0; i < self->intent.count; i++) {
        const pirn_case *c = case_at(self, i);
        waitq *queue = c->chan ? &c->chan->senders : NULL;
        bool sends = c->op == PIRN_SEND;
        struct place place = PLACE(NONE, CHAN, c->chan, queue, NULL);
        uint32_t number = c->chan ? number_of_channel(queue, object_number(&place)) : 0;
        if (!number) continue;
        if (waits) dependence_object(number, WAY_ANY);
        if (waits_nowhere(queue)) {
            dependence_object(number, WAY_MEET);
            continue;
        }
        note(&(struct access){
            .object = object_key(number),
            .number = (int64_t)self->identity,
            .capacity = c->chan->capacity < CASE_ROOM ? (uint32_t)c->chan->capacity : CASE_ROOM,
            .index = (uint16_t)i,
            .way = sends ? WAY_CASE_SEND : WAY_CASE_RECV,
            .kind = kind});
        if (!c->chan->capacity) note_offer(number, sends);
        if (fails) refuse(c);
    }
    if (first != SIZE_MAX && dependence_next_case(self, first) == SIZE_MAX)
        dependence_take(self, first);
}

enum way dependence_way_of_case(const struct access *access) {
    if (access->way == WAY_CASE_SEND) return WAY_SEND;
    return access->way == WAY_CASE_RECV ? WAY_RECV : WAY_ANY;
}

/* ---- Other objects ------------------------------------------------------------------------- */

static void begin_mutex(const struct task *self, const struct place *place, struct access *access) {
    bool locked = ((const pirn_mutex *)place->object)->state & MUTEX_LOCKED;
    if (place->op == OP_UNLOCK) access->way = WAY_UNLOCK;
    if (place->op == OP_TRYLOCK) access->way = locked ? WAY_BUSY : WAY_TRIED;
    if (place->op == OP_LOCK) access->way = timed(self) ? WAY_ANY : WAY_LOCK;
}

static void begin_rwmutex(const struct place *place, struct access *access) {
    uint32_t state = ((const pirn_rwmutex *)place->object)->state;
    bool reads = !(state & RW_WRITER), writes = state == 0;
    if (place->op == OP_LOCK) access->way = WAY_LOCK;
    if (place->op == OP_RLOCK) access->way = WAY_RLOCK;
    if (place->op == OP_UNLOCK) access->way = WAY_UNLOCK;
    if (place->op == OP_RUNLOCK) access->way = WAY_RUNLOCK;
    if (place->op == OP_TRYLOCK) access->way = writes ? WAY_TRIED : WAY_BUSY;
    if (place->op == OP_TRYRLOCK) access->way = reads ? WAY_RTRIED : WAY_RBUSY;
}

#define AROUND(queue, type) \
    ((const type *)(const void *)((const char *)(queue)-offsetof(type, waiters)))

/* What a wait group's count will be. */
static int64_t count_after(const struct task *self, const struct place *place) {
    return AROUND(place->queue, pirn_waitgroup)->count + self->intent.number;
}

static void begin_waitgroup(const struct task *self, const struct place *place,
                            struct access *access) {
    if (place->op == OP_WAIT)
        access->way = timed(self) ? WAY_ANY : WAY_WAIT;
    else if (count_after(self, place) >= 0) {
        access->way = self->intent.number < 0 ? WAY_DONE : WAY_ADD;
        access->number = access->way == WAY_DONE ? count_after(self, place) : self->intent.number;
    }
}

static void begin_once(const struct place *place, struct access *access) {
    uint32_t state = ((const pirn_once *)place->object)->state;
    access->way = place->op == OP_ONCE_DONE ? WAY_UNLOCK
                  : state == ONCE_FRESH     ? WAY_LOCK
                                            : WAY_RLOCK;
}

static void begin_sem(const struct task *self, const struct place *place, struct access *access) {
    access->number = self->intent.number;
    if (place->op == OP_RELEASE) access->way = WAY_RELEASE;
    if (place->op != OP_ACQUIRE || timed(self)) return;
    access->way = WAY_ACQUIRE;
    access->number = AROUND(place->queue, pirn_sem)->permits - self->intent.number;
}

void dependence_begin(struct task *self, const struct place *place) {
    struct access access = {.way = WAY_ANY};
    uint32_t number;

    if (!dependence_footprint) return;
    if (place->kind == OBJECT_FD || place->op == OP_BLOCK) {
        dependence_thing(THING_DESCRIPTORS, WAY_ANY, 0);
        return;
    }
    if (place->op == OP_GO && sim.max_tasks) dependence_thing(THING_TASKS, WAY_ANY, 0);
    if (place->kind == OBJECT_NONE && dependence_by_case(self)) begin_select(self);
    if (!place->object || !place->queue) return;
    number = object_number(place);
    switch (place->kind) {
    case OBJECT_CHAN:
        number = number_of_channel(place->queue, number);
        if (number) begin_chan(self, place, object_key(number), &access);
        break;
    case OBJECT_CONTEXT:
        number = number_of_channel(place->queue, number);
        if (place->op == OP_ERR) access.way = WAY_MEET;
        if (place->op == OP_CANCEL && ((const pirn_ctx *)place->object)->err)
            access.way = WAY_SHUT; /* that has been done */
        break;
    case OBJECT_MUTEX:
        begin_mutex(self, place, &access);
        break;
    case OBJECT_RWMUTEX:
        begin_rwmutex(place, &access);
        break;
    case OBJECT_WAITGROUP:
    case OBJECT_GROUP:
        begin_waitgroup(self, place, &access);
        break;
    case OBJECT_ONCE:
        begin_once(place, &access);
        break;
    case OBJECT_SEM:
        begin_sem(self, place, &access);
        break;
    case OBJECT_ATOMIC:
    case OBJECT_MEMORY:
        access.way = place->op == OP_LOAD ? WAY_READ : WAY_WRITE;
        break;
    default:
        break;
    }
    if (number) {
        access.object = object_key(number);
        note(&access);
    }
    if (place->kind == OBJECT_COND && place->op == OP_WAIT) {
        pirn_mutex *mutex = (pirn_mutex *)(uintptr_t)self->intent.more;
        struct place of_mutex = {OP_UNLOCK, OBJECT_MUTEX, mutex, &mutex->waiters, place->site};
        dependence_object(object_number(&of_mutex), WAY_UNLOCK);
    }
}

/* ---- Who would have to wait ---------------------------------------------------------------- */

static bool selects(const struct task *task) {
    return task->next_place->op == OP_SELECT || task->next_place->op == OP_SELECT_FIRST;
}

static bool select_goes(const struct task *task) {
    const pirn_case *cases = task->intent.more;
    for (size_t i = 0; i < task->intent.count; i++)
        if (case_ready(&cases[i])) return true;
    return false;
}

static bool goes(const struct task *task) {
    const struct place *place = task->next_place;
    const pirn_chan *chan = place->object;
    switch (place->op) {
    case OP_SELECT:
    case OP_SELECT_FIRST:
        return timed(task) || select_goes(task);
    case OP_SEND:
        return timed(task) || (chan && chan_can_offer(chan));
    case OP_RECV:
        return timed(task) || (chan && chan_can_take(chan));
    case OP_LOCK:
        if (place->kind == OBJECT_RWMUTEX) return ((const pirn_rwmutex *)place->object)->state == 0;
        return timed(task) || !(((const pirn_mutex *)place->object)->state & MUTEX_LOCKED);
    case OP_RLOCK:
        return !(((const pirn_rwmutex *)place->object)->state & RW_WRITER);
    case OP_ONCE:
        return ((const pirn_once *)place->object)->state != ONCE_RUNNING;
    case OP_ACQUIRE:
        return timed(task) || (!place->queue->first &&
                               AROUND(place->queue, pirn_sem)->permits >= task->intent.number);
    case OP_WAIT:
        if (place->kind != OBJECT_WAITGROUP && place->kind != OBJECT_GROUP) return true;
        return timed(task) || AROUND(place->queue, pirn_waitgroup)->count == 0;
    default:
        return true;
    }
}

/* A task that has been woken: what it has waited for has been done, but for a mutex that it has to
 * compete for, and what a deadline or the kernel has ended. */
static enum readiness woken(const struct task *task) {
    const struct place *place = task->slept_in;
    int result = task->sleep.wait.result;
    if (place->op == OP_NONE) return READY_LOCAL;
    if (place->kind == OBJECT_FD || result == -ETIMEDOUT) return READY_GOES;
    if (place->kind != OBJECT_MUTEX || result != MUTEX_COMPETE) return READY_LOCAL;
    return ((const pirn_mutex *)place->object)->state & MUTEX_LOCKED ? READY_WAITS : READY_GOES;
}

enum readiness dependence_ready(const struct task *task) {
    if (task->next_place->op == OP_NONE) return woken(task);
    return goes(task) ? READY_GOES : READY_WAITS;
}

bool dependence_queues(const struct task *task) {
    const struct place *place = task->next_place;
    return place->op == OP_ACQUIRE || (place->op == OP_LOCK && place->kind == OBJECT_RWMUTEX);
}

/* ---- Meetings ------------------------------------------------------------------------------ */

/* The n-th channel without a buffer at which the task stands; false: there are fewer. */
static bool stands_at(const struct task *task, size_t n, const pirn_chan **chan, bool *sends) {
    const struct place *place = task->next_place;
    const pirn_case *c;
    *chan = NULL;
    if (selects(task)) {
        if (n >= task->intent.count) return false;
        c = &((const pirn_case *)task->intent.more)[n];
        *chan = c->chan;
        *sends = c->op == PIRN_SEND;
    } else {
        *sends = place->op == OP_SEND || place->op == OP_TRY_SEND;
        if (n || (!*sends && place->op != OP_RECV && place->op != OP_TRY_RECV)) return false;
        *chan = place->object;
    }
    if (*chan && ((*chan)->capacity || (*chan)->closed)) *chan = NULL;
    return true;
}

/* Whether the task would be met by others that come to the channel after it: nobody stands there
 * before it. */
static bool is_met_first(const pirn_chan *chan, bool sends) {
    return !chan_somebody(sends ? &chan->senders : &chan->receivers);
}

/* Whether `first` would wait, and `second` would then find it. */
static bool could_meet(const struct task *first, const struct task *second) {
    const pirn_chan *one, *other;
    size_t before = SIZE_MAX; /* an earlier case is ready without the other */
    bool sends, sends_too;
    if (dependence_ready(first) != READY_WAITS) return false;
    if (selects(second) && in_order(second)) before = dependence_next_case(second, SIZE_MAX);
    for (size_t i = 0; stands_at(first, i, &one, &sends); i++) {
        if (!one || !is_met_first(one, sends)) continue;
        for (size_t j = 0; stands_at(second, j, &other, &sends_too); j++)
            if (one == other && sends != sends_too && j <= before) return true;
    }
    return false;
}

/* At how many channels with buffers a task stands in a select. */
static size_t buffers_of(const struct task *task) {
    size_t buffers = 0;
    for (size_t i = 0; selects(task) && i < task->intent.count; i++)
        buffers += case_at(task, i)->chan && case_at(task, i)->chan->capacity;
    return buffers;
}

/*
 * Who comes second chooses among its cases, unless it takes the first one in order. So that goes
 * first if it can: the other one may then take any of the cases at which they meet. Of two that
 * choose the one goes first that fewer others can keep from waiting.
 */
struct task *dependence_meeting(struct task *a, struct task *b) {
    bool a_first = in_order(a) || in_order(b) ? !selects(a) || (in_order(a) && selects(b))
                                              : buffers_of(a) < buffers_of(b);
    struct task *one = a_first ? a : b, *other = a_first ? b : a;
    if (could_meet(one, other)) return one;
    return could_meet(other, one) ? other : NULL;
}

/* The cases that `second`, which takes the first in order, and `first` end with when they meet;
 * false: there is no channel at which they could. */
static bool meet_in_order(const struct task *first, const struct task *second, size_t *of_first,
                          size_t *of_second) {
    const pirn_chan *one, *other;
    bool sends, sends_too;
    for (*of_second = 0; stands_at(second, *of_second, &one, &sends); ++*of_second) {
        if (!one) continue;
        for (*of_first = 0; stands_at(first, *of_first, &other, &sends_too); ++*of_first)
            if (one == other && sends != sends_too) return true;
    }
    return false;
}

bool dependence_either(const struct task *a, const struct task *b) {
    return could_meet(a, b) && could_meet(b, a);
}

bool dependence_turns(const struct task *a, const struct task *b) {
    size_t a_first[2], b_first[2];
    if (!in_order(a) || !in_order(b) || !dependence_either(a, b)) return false;
    return meet_in_order(a, b, &a_first[0], &a_first[1]) &&
           meet_in_order(b, a, &b_first[1], &b_first[0]) &&
           (a_first[0] != b_first[0] || a_first[1] != b_first[1]);
}

size_t dependence_ready_case(const struct task *task, uint64_t rank) {
    const pirn_case *cases = task->intent.more;
    size_t i = 0;
    while (i < task->intent.count && (!case_ready(&cases[i]) || rank--)) i++;
    return i;
}

bool dependence_chooses(const struct task *task) {
    return task->step && sim.log->events[task->step - 1].op == OP_SELECT &&
           dependence_ready_case(task, 1) < task->intent.count;
}

bool dependence_met(const struct task *task, const struct task *arrived, size_t index) {
    const struct wait *wait = wait_of(arrived);
    const pirn_case *c = case_at(task, index);
    /* At a buffer each comes alone. */
    if (c->chan->capacity) return false;
    for (size_t k = 0; wait && k < wait->count; k++)
        if (wait->waiters[k].queue ==
            (c->op == PIRN_SEND ? &c->chan->receivers : &c->chan->senders))
            return true;
    return !wait;
}
