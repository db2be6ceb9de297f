/* atomics.c - what C11 atomics order, by their memory orders. */
#include "races.h"

static int data, more;
static atomic_int flag, second;

#define WRITER(name, order)                     \
    TASK(name) {                                \
        data = 1;                               \
        atomic_store_explicit(&flag, 1, order); \
    }
#define READER(name, order)                                \
    TASK(name) {                                           \
        if (atomic_load_explicit(&flag, order)) use(data); \
    }

WRITER(write_relaxed, memory_order_relaxed)
WRITER(write_release, memory_order_release)
WRITER(write_seq_cst, memory_order_seq_cst)
READER(read_relaxed, memory_order_relaxed)
READER(read_acquire, memory_order_acquire)
READER(read_consume, memory_order_consume)
READER(read_seq_cst, memory_order_seq_cst)

#define START() atomic_store(&flag, 0), atomic_store(&second, 0)

/* ---- Publication --------------------------------------------------------------------------- */

CLEAN(release_acquire) { START(), both(write_release, read_acquire); }
CLEAN(release_consume) { START(), both(write_release, read_consume); }
CLEAN(seq_cst_seq_cst) { START(), both(write_seq_cst, read_seq_cst); }
CLEAN(seq_cst_acquire) { START(), both(write_seq_cst, read_acquire); }
RACE(relaxed_acquire) { START(), both(write_relaxed, read_acquire); }
RACE(release_relaxed) { START(), both(write_release, read_relaxed); }
RACE(relaxed_relaxed) { START(), both(write_relaxed, read_relaxed); }

TASK(read_whatever) {
    atomic_load_explicit(&flag, memory_order_acquire);
    use(data);
}
RACE(acquire_without_looking) { START(), both(write_release, read_whatever); }

/* ---- Atomic and plain ---------------------------------------------------------------------- */

TASK(store_atomically) { atomic_store_explicit(&flag, 1, memory_order_relaxed); }
TASK(load_atomically) { use(atomic_load_explicit(&flag, memory_order_relaxed)); }
TASK(read_plainly) { use(*(int *)&flag); }
TASK(write_plainly) { *(int *)&flag = 3; }
CLEAN(atomic_stores) { START(), both(store_atomically, store_atomically); }
CLEAN(atomic_load_and_store) { START(), both(store_atomically, load_atomically); }
RACE(atomic_store_plain_read) { START(), both(store_atomically, read_plainly); }
RACE(atomic_load_plain_write) { START(), both(load_atomically, write_plainly); }
CLEAN(atomic_load_plain_read) { START(), both(load_atomically, read_plainly); }

/* Of two atomic stores, a plain read is ordered after one only. */
static pirn_chan *done;
TASK(store_and_tell) {
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
    pirn_send(done, NULL);
}
TASK(wait_and_read_plainly) {
    pirn_recv(done, NULL);
    use(*(int *)&flag);
}
RACE(two_stores_one_ordered) {
    START();
    done = pirn_chan_new(0, 2);
    all_three(store_and_tell, store_atomically, wait_and_read_plainly);
    pirn_chan_unref(done);
}

/* ---- Release sequences --------------------------------------------------------------------- */

/* Publishes with 1; others change it on, and the reader reads from what is left. */
TASK(add_relaxed) {
    if (atomic_load_explicit(&flag, memory_order_relaxed) == 1)
        atomic_fetch_add_explicit(&flag, 1, memory_order_relaxed);
}
TASK(overwrite_relaxed) {
    if (atomic_load_explicit(&flag, memory_order_relaxed) == 1)
        atomic_store_explicit(&flag, 2, memory_order_relaxed);
}
TASK(read_if_two) {
    if (atomic_load_explicit(&flag, memory_order_acquire) == 2) use(data);
}
TASK(write_and_store_again) {
    data = 1;
    atomic_store_explicit(&flag, 1, memory_order_release);
    atomic_store_explicit(&flag, 2, memory_order_relaxed);
}
CLEAN(sequence_by_rmw) { START(), all_three(write_release, add_relaxed, read_if_two); }
RACE(sequence_broken) { START(), all_three(write_release, overwrite_relaxed, read_if_two); }
CLEAN(sequence_of_same_task) { START(), both(write_and_store_again, read_if_two); }

TASK(exchange_release) {
    data = 1;
    atomic_exchange_explicit(&flag, 1, memory_order_release);
}
TASK(exchange_acquire) {
    if (atomic_exchange_explicit(&flag, 5, memory_order_acquire) == 1) use(data);
}
TASK(exchange_relaxed) {
    if (atomic_exchange_explicit(&flag, 5, memory_order_relaxed) == 1) use(data);
}
CLEAN(exchanging) { START(), both(exchange_release, exchange_acquire); }
RACE(exchanging_relaxed) { START(), both(exchange_release, exchange_relaxed); }

/* ---- Fences -------------------------------------------------------------------------------- */

TASK(fence_and_store) {
    data = 1;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
TASK(load_and_fence) {
    if (!atomic_load_explicit(&flag, memory_order_relaxed)) return;
    atomic_thread_fence(memory_order_acquire);
    use(data);
}
TASK(store_and_fence) {
    data = 1;
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}
TASK(fence_and_load) {
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&flag, memory_order_relaxed)) use(data);
}
TASK(signal_fence_and_store) {
    data = 1;
    atomic_signal_fence(memory_order_release);
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
TASK(fence_write_store) {
    atomic_thread_fence(memory_order_release);
    data = 1;
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
CLEAN(fence_to_fence) { START(), both(fence_and_store, load_and_fence); }
CLEAN(fence_to_acquire) { START(), both(fence_and_store, read_acquire); }
CLEAN(release_to_fence) { START(), both(write_release, load_and_fence); }
RACE(fence_behind_store) { START(), both(store_and_fence, load_and_fence); }
RACE(fence_before_load) { START(), both(fence_and_store, fence_and_load); }
RACE(fence_of_signals) { START(), both(signal_fence_and_store, load_and_fence); }
RACE(fence_before_write) { START(), both(fence_write_store, load_and_fence); }

/* ---- Compare and exchange ------------------------------------------------------------------ */

static atomic_int spin;
#define SPIN_LOCK(weakness, order)                                                            \
    for (int zero = 0; !atomic_compare_exchange_##weakness##_explicit(&spin, &zero, 1, order, \
                                                                      memory_order_relaxed);  \
         zero = 0)                                                                            \
        pirn_yield();
TASK(add_spinning_weak) {
    SPIN_LOCK(weak, memory_order_acquire)
    data++;
    atomic_store_explicit(&spin, 0, memory_order_release);
}
TASK(add_spinning_strong) {
    SPIN_LOCK(strong, memory_order_acquire)
    data++;
    atomic_store_explicit(&spin, 0, memory_order_release);
}
TASK(add_spinning_relaxed) {
    SPIN_LOCK(strong, memory_order_relaxed)
    data++;
    atomic_store_explicit(&spin, 0, memory_order_release);
}
CLEAN(spin_lock) { atomic_store(&spin, 0), both(add_spinning_weak, add_spinning_strong); }
RACE(spin_lock_relaxed) { atomic_store(&spin, 0), both(add_spinning_relaxed, add_spinning_strong); }

static atomic_flag busy;
TASK(add_with_flag) {
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) pirn_yield();
    data++;
    atomic_flag_clear_explicit(&busy, memory_order_release);
}
CLEAN(flag_as_lock) { atomic_flag_clear(&busy), both(add_with_flag, add_with_flag); }

/* A failed compare-exchange has the other order. */
TASK(fail_acquire) {
    int expected = 7;
    if (!atomic_compare_exchange_strong_explicit(&flag, &expected, 8, memory_order_relaxed,
                                                 memory_order_acquire) &&
        expected == 1)
        use(data);
}
TASK(fail_relaxed) {
    int expected = 7;
    if (!atomic_compare_exchange_strong_explicit(&flag, &expected, 8, memory_order_acquire,
                                                 memory_order_relaxed) &&
        expected == 1)
        use(data);
}
CLEAN(failing_with_acquire) { START(), both(write_release, fail_acquire); }
RACE(failing_relaxed) { START(), both(write_release, fail_relaxed); }

/* A weak one may fail for no reason, and a program that relies on it not to is wrong. */
TASK(weak_once) {
    int expected = 0;
    if (!atomic_compare_exchange_weak(&second, &expected, 1)) data = 1;
}
TASK(strong_once) {
    int expected = 0;
    if (!atomic_compare_exchange_strong(&second, &expected, 1)) data = 1;
}
TASK(read_data) { use(data); }
#ifdef __clang__
CLEAN(weak_fails_for_no_reason) /* clang makes strong ones of them */
#else
RACE(weak_fails_for_no_reason)
#endif
{
    START(), both(weak_once, read_data);
}
CLEAN(strong_does_not) { START(), both(strong_once, read_data); }

/* ---- Sizes and counts ---------------------------------------------------------------------- */

#define COUNTED(name, type)                                                               \
    static _Atomic(type) name##_object;                                                   \
    TASK(name##_release) {                                                                \
        data = 1;                                                                         \
        atomic_fetch_add_explicit(&name##_object, 1, memory_order_release);               \
    }                                                                                     \
    TASK(name##_acquire) {                                                                \
        if (atomic_fetch_or_explicit(&name##_object, 0, memory_order_acquire)) use(data); \
    }                                                                                     \
    CLEAN(name) {                                                                         \
        atomic_store(&name##_object, 0);                                                  \
        both(name##_release, name##_acquire);                                             \
    }
COUNTED(of_one_byte, unsigned char)
COUNTED(of_two_bytes, short)
COUNTED(of_eight_bytes, long)

static _Atomic(__int128) wide;
TASK(wide_release) {
    data = 1;
    atomic_store_explicit(&wide, 1, memory_order_release);
}
TASK(wide_acquire) {
    if (atomic_load_explicit(&wide, memory_order_acquire)) use(data);
}
CLEAN(of_sixteen_bytes) {
    atomic_store(&wide, 0);
    both(wide_release, wide_acquire);
}

/* The older built-ins are full barriers. */
static int count;
TASK(sync_release) {
    data = 1;
    __sync_fetch_and_add(&count, 1);
}
TASK(sync_acquire) {
    if (__sync_fetch_and_add(&count, 0)) use(data);
}
CLEAN(sync_built_ins) {
    __sync_lock_release(&count);
    both(sync_release, sync_acquire);
}

/* Who takes the last reference frees. */
struct counted {
    atomic_int owners;
    int value;
};
static struct counted *object;
#define DROP(name, order)                                                            \
    TASK(name) {                                                                     \
        object->value++;                                                             \
        if (atomic_fetch_sub_explicit(&object->owners, 1, order) == 1) free(object); \
    }
#define DROP_READING(name, order)                                                    \
    TASK(name) {                                                                     \
        use(object->value);                                                          \
        if (atomic_fetch_sub_explicit(&object->owners, 1, order) == 1) free(object); \
    }
DROP_READING(drop_acq_rel, memory_order_acq_rel)
DROP_READING(drop_relaxed, memory_order_relaxed)
static struct counted *counted_new(void) {
    struct counted *new = malloc(sizeof *new);
    atomic_init(&new->owners, 2);
    new->value = 0;
    return new;
}
CLEAN(reference_count) {
    object = counted_new();
    both(drop_acq_rel, drop_acq_rel);
}
RACE(reference_count_relaxed) {
    object = counted_new();
    both(drop_relaxed, drop_relaxed);
}

/* Order on one object orders nothing on another. */
TASK(store_other) {
    data = 1;
    atomic_store(&flag, 1);
}
TASK(load_other) {
    if (atomic_load(&second)) return;
    atomic_store(&second, 1);
    more = 1;
    use(data);
}
RACE(different_objects) { START(), both(store_other, load_other); }
