/* structures.c - data structures without locks, right and wrong. */
#include "races.h"

/* ---- Singletons ---------------------------------------------------------------------------- */

struct thing {
    int value;
};
static _Atomic(struct thing *) thing;
static struct thing *plain_thing;
static pirn_mutex mutex;
ANEW(mutex)

static struct thing *make(void) {
    struct thing *new = malloc(sizeof *new);
    new->value = 7;
    return new;
}

#define DOUBLE_CHECKED(name, load_order, store_order)                \
    TASK(name) {                                                     \
        struct thing *it = atomic_load_explicit(&thing, load_order); \
        if (!it) {                                                   \
            pirn_mutex_lock(&mutex);                                 \
            it = atomic_load_explicit(&thing, memory_order_relaxed); \
            if (!it) {                                               \
                it = make();                                         \
                atomic_store_explicit(&thing, it, store_order);      \
            }                                                        \
            pirn_mutex_unlock(&mutex);                               \
        }                                                            \
        use(it->value);                                              \
    }
DOUBLE_CHECKED(check_right, memory_order_acquire, memory_order_release)
DOUBLE_CHECKED(check_relaxed, memory_order_relaxed, memory_order_relaxed)
DOUBLE_CHECKED(check_without_release, memory_order_acquire, memory_order_relaxed)
TASK(check_plainly) {
    if (!plain_thing) {
        pirn_mutex_lock(&mutex);
        if (!plain_thing) plain_thing = make();
        pirn_mutex_unlock(&mutex);
    }
    use(plain_thing->value);
}

static void end_thing(void) { free(atomic_exchange(&thing, NULL)); }

CLEAN(double_checked) {
    atomic_store(&thing, NULL);
    both(check_right, check_right);
    end_thing();
}
RACE(double_checked_relaxed) {
    atomic_store(&thing, NULL);
    both(check_relaxed, check_relaxed);
    end_thing();
}
RACE(double_checked_no_release) {
    atomic_store(&thing, NULL);
    both(check_without_release, check_without_release);
    end_thing();
}
RACE(double_checked_plain) {
    plain_thing = NULL;
    both(check_plainly, check_plainly);
    free(plain_thing);
}

/* ---- A sequence lock ----------------------------------------------------------------------- */

static atomic_uint sequence;
static atomic_int seq_data[2];
static int seq_plain[2];

TASK(seq_write) {
    unsigned now = atomic_load_explicit(&sequence, memory_order_relaxed);
    atomic_store_explicit(&sequence, now + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&seq_data[0], 1, memory_order_relaxed);
    atomic_store_explicit(&seq_data[1], 1, memory_order_relaxed);
    atomic_store_explicit(&sequence, now + 2, memory_order_release);
}
TASK(seq_read) {
    unsigned before = atomic_load_explicit(&sequence, memory_order_acquire);
    int one = atomic_load_explicit(&seq_data[0], memory_order_relaxed);
    int two = atomic_load_explicit(&seq_data[1], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (!(before & 1) && before == atomic_load_explicit(&sequence, memory_order_relaxed))
        pirn_assert(one == two);
}
TASK(seq_write_plain) {
    atomic_fetch_add(&sequence, 1);
    seq_plain[0] = seq_plain[1] = 1;
    atomic_fetch_add(&sequence, 1);
}
TASK(seq_read_plain) {
    unsigned before = atomic_load(&sequence);
    use(seq_plain[0] + seq_plain[1]);
    use(before == atomic_load(&sequence));
}
CLEAN(seqlock) {
    atomic_store(&sequence, 0);
    atomic_store(&seq_data[0], 0);
    atomic_store(&seq_data[1], 0);
    both(seq_write, seq_read);
}
RACE(seqlock_of_plain_data) {
    atomic_store(&sequence, 0);
    both(seq_write_plain, seq_read_plain);
}

/* ---- A stack by R. K. Treiber -------------------------------------------------------------- */

struct node {
    struct node *next;
    int value;
};
static _Atomic(struct node *) top;
static struct node nodes[4];

static void push(struct node *node, memory_order order) {
    struct node *old = atomic_load_explicit(&top, memory_order_relaxed);
    node->value = 1;
    do node->next = old;
    while (!atomic_compare_exchange_weak_explicit(&top, &old, node, order, memory_order_relaxed));
}
/* Nodes are not used again, or another pop could change what is read: ABA. */
static struct node *pop(void) {
    struct node *old = atomic_load_explicit(&top, memory_order_acquire);
    while (old && !atomic_compare_exchange_weak_explicit(
                      &top, &old, old->next, memory_order_acquire, memory_order_acquire))
        continue;
    return old;
}
TASK(push_first) { push(&nodes[0], memory_order_release); }
TASK(push_second) { push(&nodes[1], memory_order_release); }
TASK(push_relaxed) { push(&nodes[0], memory_order_relaxed); }
TASK(pop_one) {
    struct node *node = pop();
    if (node) use(node->value++);
}
TASK(pop_and_push) {
    struct node *node = pop();
    if (node) push(node, memory_order_release);
}
CLEAN(treiber_stack) {
    atomic_store(&top, NULL);
    all_three(push_first, push_second, pop_one);
}
RACE(treiber_stack_relaxed) {
    atomic_store(&top, NULL);
    both(push_relaxed, pop_one);
}
RACE(treiber_stack_aba) {
    atomic_store(&top, NULL);
    push(&nodes[0], memory_order_release);
    push(&nodes[1], memory_order_release);
    both(pop_and_push, pop_one);
}

/* ---- A queue by M. M. Michael and M. L. Scott ---------------------------------------------- */

struct link {
    _Atomic(struct link *) next;
    int value;
};
static struct link links[4];
static _Atomic(struct link *) head, tail;

static void enqueue(struct link *link, memory_order order) {
    link->value = 1;
    atomic_store_explicit(&link->next, NULL, memory_order_relaxed);
    for (;;) {
        struct link *last = atomic_load_explicit(&tail, memory_order_acquire), *none = NULL;
        struct link *next = atomic_load_explicit(&last->next, memory_order_acquire);
        if (next) {
            atomic_compare_exchange_strong_explicit(&tail, &last, next, memory_order_release,
                                                    memory_order_relaxed);
        } else if (atomic_compare_exchange_strong_explicit(&last->next, &none, link, order,
                                                           memory_order_relaxed)) {
            atomic_compare_exchange_strong_explicit(&tail, &last, link, memory_order_release,
                                                    memory_order_relaxed);
            return;
        }
    }
}
static int dequeue(void) {
    for (;;) {
        struct link *first = atomic_load_explicit(&head, memory_order_acquire);
        struct link *next = atomic_load_explicit(&first->next, memory_order_acquire);
        if (!next) return 0;
        if (atomic_compare_exchange_strong_explicit(&head, &first, next, memory_order_release,
                                                    memory_order_relaxed))
            return next->value;
    }
}
static void queue_start(void) {
    atomic_store(&links[0].next, NULL);
    atomic_store(&head, &links[0]);
    atomic_store(&tail, &links[0]);
}
TASK(enqueue_one) { enqueue(&links[1], memory_order_release); }
TASK(enqueue_two) { enqueue(&links[2], memory_order_release); }
TASK(enqueue_relaxed) {
    struct link *link = &links[1];
    link->value = 1;
    atomic_store_explicit(&link->next, NULL, memory_order_relaxed);
    atomic_store_explicit(&links[0].next, link, memory_order_relaxed);
}
TASK(dequeue_one) { use(dequeue()); }
CLEAN(michael_scott_queue) {
    queue_start();
    all_three(enqueue_one, enqueue_two, dequeue_one);
}
RACE(michael_scott_queue_relaxed) {
    queue_start();
    both(enqueue_relaxed, dequeue_one);
}

/* ---- A ring of one producer and one consumer ----------------------------------------------- */

enum { RING = 2 };
static int ring[RING];
static atomic_uint written, taken;

#define RING_TASKS(name, publish, look)                                                     \
    TASK(name##_produce) {                                                                  \
        for (unsigned i = 0; i < 3; i++) {                                                  \
            while (i - atomic_load_explicit(&taken, look) == RING) pirn_yield();            \
            ring[i % RING] = (int)i;                                                        \
            atomic_store_explicit(&written, i + 1, publish);                                \
        }                                                                                   \
    }                                                                                       \
    TASK(name##_consume) {                                                                  \
        for (unsigned i = 0; i < 3; i++) {                                                  \
            while (atomic_load_explicit(&written, memory_order_acquire) == i) pirn_yield(); \
            use(ring[i % RING]);                                                            \
            atomic_store_explicit(&taken, i + 1, memory_order_release);                     \
        }                                                                                   \
    }
RING_TASKS(right, memory_order_release, memory_order_acquire)
RING_TASKS(unpublished, memory_order_relaxed, memory_order_acquire)
RING_TASKS(unlooked, memory_order_release, memory_order_relaxed)
#define RING_START() atomic_store(&written, 0), atomic_store(&taken, 0)
CLEAN(ring_of_two) { RING_START(), both(right_produce, right_consume); }
RACE(ring_without_release) { RING_START(), both(unpublished_produce, unpublished_consume); }
RACE(ring_reused_too_early) { RING_START(), both(unlooked_produce, unlooked_consume); }

/* ---- A deque by D. Chase and Y. Lev -------------------------------------------------------- */

enum { DEQUE = 4 };
static atomic_int bottom, start;
static _Atomic(struct thing *) deque[DEQUE];
static struct thing things[2];

static void deque_push(struct thing *it, memory_order fence) {
    int at = atomic_load_explicit(&bottom, memory_order_relaxed);
    it->value = 1;
    atomic_store_explicit(&deque[at % DEQUE], it, memory_order_relaxed);
    atomic_thread_fence(fence);
    atomic_store_explicit(&bottom, at + 1, memory_order_relaxed);
}
static struct thing *deque_take(void) {
    int at = atomic_load_explicit(&bottom, memory_order_relaxed) - 1, from;
    struct thing *it = NULL;
    atomic_store_explicit(&bottom, at, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    from = atomic_load_explicit(&start, memory_order_relaxed);
    if (from <= at) it = atomic_load_explicit(&deque[at % DEQUE], memory_order_relaxed);
    if (from == at && !atomic_compare_exchange_strong_explicit(
                          &start, &from, from + 1, memory_order_seq_cst, memory_order_relaxed))
        it = NULL;
    if (from >= at) atomic_store_explicit(&bottom, at + 1, memory_order_relaxed);
    return it;
}
static struct thing *deque_steal(void) {
    int from = atomic_load_explicit(&start, memory_order_acquire), to;
    struct thing *it;
    atomic_thread_fence(memory_order_seq_cst);
    to = atomic_load_explicit(&bottom, memory_order_acquire);
    if (from >= to) return NULL;
    it = atomic_load_explicit(&deque[from % DEQUE], memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(&start, &from, from + 1, memory_order_seq_cst,
                                                 memory_order_relaxed))
        return NULL;
    return it;
}
TASK(deque_owner) {
    struct thing *it;
    deque_push(&things[0], memory_order_release);
    deque_push(&things[1], memory_order_release);
    if ((it = deque_take())) it->value++;
}
TASK(deque_owner_relaxed) {
    deque_push(&things[0], memory_order_relaxed);
    deque_push(&things[1], memory_order_relaxed);
}
TASK(deque_thief) {
    struct thing *it = deque_steal();
    if (it) it->value++;
}
#define DEQUE_START() atomic_store(&bottom, 0), atomic_store(&start, 0)
CLEAN(chase_lev_deque) { DEQUE_START(), all_three(deque_owner, deque_thief, deque_thief); }
RACE(chase_lev_deque_relaxed) { DEQUE_START(), both(deque_owner_relaxed, deque_thief); }

/* ---- P. Dekker's and G. L. Peterson's ------------------------------------------------------ */

static atomic_int wants[2], turn;
static int guarded;
#define PETERSON(name, me, order)                                                            \
    TASK(name) {                                                                             \
        atomic_store_explicit(&wants[me], 1, order);                                         \
        atomic_store_explicit(&turn, !(me), order);                                          \
        while (atomic_load_explicit(&wants[!(me)], order == memory_order_relaxed             \
                                                       ? memory_order_relaxed                \
                                                       : memory_order_seq_cst) &&            \
               atomic_load_explicit(&turn, order) != (me))                                   \
            pirn_yield();                                                                    \
        guarded++;                                                                           \
        atomic_store_explicit(&wants[me], 0,                                                 \
                              order == memory_order_relaxed ? order : memory_order_release); \
    }
PETERSON(peterson_relaxed_0, 0, memory_order_relaxed)
PETERSON(peterson_relaxed_1, 1, memory_order_relaxed)
PETERSON(peterson_0, 0, memory_order_seq_cst)
PETERSON(peterson_1, 1, memory_order_seq_cst)
CLEAN(peterson) {
    atomic_store(&wants[0], 0);
    atomic_store(&wants[1], 0);
    both(peterson_0, peterson_1);
}
RACE(peterson_relaxed) {
    atomic_store(&wants[0], 0);
    atomic_store(&wants[1], 0);
    both(peterson_relaxed_0, peterson_relaxed_1);
}
