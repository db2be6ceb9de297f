/*
 * tsan.c - what gcc and clang call in code compiled with -fsanitize=thread. The names and types are
 * theirs; libpirn-sim is linked in place of their own library.
 */
#include "sim/race/atomics.h"
#include "sim/race/calls.h"
#include "sim/race/libc.h"
#include "sim/race/shadow.h"

#if !PIRN_TSAN /* else the compiler's own library has them all */

/* Where it compiles with a sanitizer gcc knows them, with types of its own that are passed alike. */
#if !defined __clang__
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

#define PLAIN(address, size, writes)                                             \
    do                                                                           \
        if (UNLIKELY(!shadow_knows_plain((uintptr_t)(address), (size), writes))) \
            shadow_missed((uintptr_t)(address), (size), writes, CALLER());       \
    while (false)
#define READ(address, size) PLAIN(address, size, false)
#define WRITE(address, size) PLAIN(address, size, true)
#define READ_RANGE(address, size) libc_reads(address, size, CALLER())
#define WRITE_RANGE(address, size) libc_writes(address, size, CALLER())

/* Most of what a program calls: what is done for an access that is nothing new lies in one line of
 * the processor's cache. */
#define OFTEN __attribute__((aligned(64)))

/* Called by a constructor of each object file. */
EXPORT void __tsan_init(void);
EXPORT void __tsan_init(void) { race_programmed = true; }

EXPORT void __tsan_func_entry(void *site);
EXPORT OFTEN void __tsan_func_entry(void *site) {
    struct task *self = race_task();
    if (self && !calls_entered(self, site, __builtin_frame_address(0)))
        calls_enter(self, site, __builtin_frame_address(0));
}

EXPORT void __tsan_func_exit(void);
EXPORT OFTEN void __tsan_func_exit(void) {
    struct task *self = race_task();
    if (self) calls_leave(self);
}

/* ---- Plain accesses ------------------------------------------------------------------------ */

#define ACCESSES(prefix, size)                                                              \
    EXPORT void __tsan_##prefix##read##size(void *address);                                 \
    EXPORT OFTEN void __tsan_##prefix##read##size(void *address) { READ(address, size); }   \
    EXPORT void __tsan_##prefix##write##size(void *address);                                \
    EXPORT OFTEN void __tsan_##prefix##write##size(void *address) { WRITE(address, size); } \
    EXPORT void __tsan_##prefix##read_write##size(void *address);                           \
    EXPORT void __tsan_##prefix##read_write##size(void *address) {                          \
        READ(address, size);                                                                \
        WRITE(address, size);                                                               \
    }

ACCESSES(, 1)
ACCESSES(, 2)
ACCESSES(, 4)
ACCESSES(, 8)
ACCESSES(, 16)
ACCESSES(unaligned_, 2)
ACCESSES(unaligned_, 4)
ACCESSES(unaligned_, 8)
ACCESSES(unaligned_, 16)
ACCESSES(volatile_, 1)
ACCESSES(volatile_, 2)
ACCESSES(volatile_, 4)
ACCESSES(volatile_, 8)
ACCESSES(volatile_, 16)
ACCESSES(unaligned_volatile_, 2)
ACCESSES(unaligned_volatile_, 4)
ACCESSES(unaligned_volatile_, 8)
ACCESSES(unaligned_volatile_, 16)

EXPORT void __tsan_read_range(void *address, size_t size);
EXPORT void __tsan_read_range(void *address, size_t size) { READ_RANGE(address, size); }

EXPORT void __tsan_write_range(void *address, size_t size);
EXPORT void __tsan_write_range(void *address, size_t size) { WRITE_RANGE(address, size); }

/* A pointer to a table of virtual functions; storing the one that is there changes nothing. */
EXPORT void __tsan_vptr_update(void **address, void *value);
EXPORT void __tsan_vptr_update(void **address, void *value) {
    if (*address == value)
        READ(address, sizeof *address);
    else
        WRITE(address, sizeof *address);
}

EXPORT void __tsan_vptr_read(void **address);
EXPORT void __tsan_vptr_read(void **address) { READ(address, sizeof *address); }

EXPORT void *__tsan_memcpy(void *to, const void *from, size_t size);
EXPORT void *__tsan_memcpy(void *to, const void *from, size_t size) {
    READ_RANGE(from, size);
    WRITE_RANGE(to, size);
    return __builtin_memcpy(to, from, size);
}

EXPORT void *__tsan_memmove(void *to, const void *from, size_t size);
EXPORT void *__tsan_memmove(void *to, const void *from, size_t size) {
    READ_RANGE(from, size);
    WRITE_RANGE(to, size);
    return __builtin_memmove(to, from, size);
}

EXPORT void *__tsan_memset(void *to, int byte, size_t size);
EXPORT void *__tsan_memset(void *to, int byte, size_t size) {
    WRITE_RANGE(to, size);
    return __builtin_memset(to, byte, size);
}

/* ---- Atomics ------------------------------------------------------------------------------- */

/* Operations of up to 8 bytes are the processor's, for what happens outside of tasks. */
#define LOAD(object) __atomic_load_n(object, __ATOMIC_SEQ_CST)
#define STORE(object, value) __atomic_store_n(object, value, __ATOMIC_SEQ_CST)
#define SWAP(object, value) __atomic_exchange_n(object, value, __ATOMIC_SEQ_CST)
#define CAS(object, expected, value) \
    __atomic_compare_exchange_n(object, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Those of 16 bytes are made of a lock. */
typedef __int128 wide;
static char wide_lock;

static void lock_wide(void) {
    while (__atomic_test_and_set(&wide_lock, __ATOMIC_ACQUIRE)) continue;
}

static void unlock_wide(void) { __atomic_clear(&wide_lock, __ATOMIC_RELEASE); }

static wide load_wide(volatile wide *object) {
    wide value;
    lock_wide();
    value = *object;
    unlock_wide();
    return value;
}

static wide swap_wide(volatile wide *object, wide value) {
    wide before;
    lock_wide();
    before = *object;
    *object = value;
    unlock_wide();
    return before;
}

static bool cas_wide(volatile wide *object, wide *expected, wide value) {
    bool same;
    lock_wide();
    same = *object == *expected;
    if (same)
        *object = value;
    else
        *expected = *object;
    unlock_wide();
    return same;
}

#define STORE_WIDE(object, value) (void)swap_wide(object, value)

static int no_writing(int order) {
    return order == __ATOMIC_RELEASE   ? __ATOMIC_RELAXED
           : order == __ATOMIC_ACQ_REL ? __ATOMIC_ACQUIRE
                                       : order;
}

#define MODIFY(bits, type, name, expression, cas, load)                                      \
    EXPORT type __tsan_atomic##bits##_##name(volatile type *object, type value, int order);  \
    EXPORT type __tsan_atomic##bits##_##name(volatile type *object, type value, int order) { \
        struct atomic atomic = atomic_begin(OP_RMW, object, sizeof(type), order, CALLER());  \
        type before = load(object);                                                          \
        type after;                                                                          \
        do after = (type)(expression);                                                       \
        while (!cas(object, &before, after));                                                \
        atomic_end(&atomic, true, true, after != before, (int64_t)before);                   \
        return before;                                                                       \
    }

#define COMPARE(bits, type, name, weak, cas)                                                \
    EXPORT int __tsan_atomic##bits##_compare_exchange_##name(                               \
        volatile type *object, type *expected, type value, int order, int failure_order);   \
    EXPORT int __tsan_atomic##bits##_compare_exchange_##name(                               \
        volatile type *object, type *expected, type value, int order, int failure_order) {  \
        struct atomic atomic = atomic_begin(OP_CAS, object, sizeof(type), order, CALLER()); \
        return compare##bits(&atomic, object, expected, value, failure_order, weak);        \
    }

/* A compare-exchange reads what it expects, and where it fails writes there. */
#define ATOMICS(bits, type, load, store, swap, cas)                                            \
    EXPORT type __tsan_atomic##bits##_load(const volatile type *object, int order);            \
    EXPORT type __tsan_atomic##bits##_load(const volatile type *object, int order) {           \
        struct atomic atomic = atomic_begin(OP_LOAD, object, sizeof(type), order, CALLER());   \
        type value = load((volatile type *)(uintptr_t)object);                                 \
        atomic_end(&atomic, true, false, false, (int64_t)value);                               \
        return value;                                                                          \
    }                                                                                          \
    EXPORT void __tsan_atomic##bits##_store(volatile type *object, type value, int order);     \
    EXPORT void __tsan_atomic##bits##_store(volatile type *object, type value, int order) {    \
        struct atomic atomic = atomic_begin(OP_STORE, object, sizeof(type), order, CALLER());  \
        bool changed = atomic.self && load(object) != value;                                   \
        store(object, value);                                                                  \
        atomic_end(&atomic, false, true, changed, (int64_t)value);                             \
    }                                                                                          \
    EXPORT type __tsan_atomic##bits##_exchange(volatile type *object, type value, int order);  \
    EXPORT type __tsan_atomic##bits##_exchange(volatile type *object, type value, int order) { \
        struct atomic atomic = atomic_begin(OP_RMW, object, sizeof(type), order, CALLER());    \
        type before = swap(object, value);                                                     \
        atomic_end(&atomic, true, true, before != value, (int64_t)before);                     \
        return before;                                                                         \
    }                                                                                          \
    static int compare##bits(struct atomic *atomic, volatile type *object, type *expected,     \
                             type value, int failure_order, bool weak) {                       \
        type wanted = *expected;                                                               \
        bool same = load(object) == wanted && !(weak && atomic_fails(atomic)) &&               \
                    cas(object, expected, value);                                              \
        if (!same) {                                                                           \
            *expected = load(object);                                                          \
            atomic->order = no_writing(failure_order & 0xff);                                  \
        }                                                                                      \
        atomic_end(atomic, true, same, same &&value != wanted, same);                          \
        return same;                                                                           \
    }                                                                                          \
    COMPARE(bits, type, strong, false, cas)                                                    \
    COMPARE(bits, type, weak, true, cas)                                                       \
    EXPORT type __tsan_atomic##bits##_compare_exchange_val(                                    \
        volatile type *object, type expected, type value, int order, int failure_order);       \
    EXPORT type __tsan_atomic##bits##_compare_exchange_val(                                    \
        volatile type *object, type expected, type value, int order, int failure_order) {      \
        struct atomic atomic = atomic_begin(OP_CAS, object, sizeof(type), order, CALLER());    \
        compare##bits(&atomic, object, &expected, value, failure_order, false);                \
        return expected;                                                                       \
    }                                                                                          \
    MODIFY(bits, type, fetch_add, (unsigned type)before + (unsigned type)value, cas, load)     \
    MODIFY(bits, type, fetch_sub, (unsigned type)before - (unsigned type)value, cas, load)     \
    MODIFY(bits, type, fetch_and, before &value, cas, load)                                    \
    MODIFY(bits, type, fetch_or, before | value, cas, load)                                    \
    MODIFY(bits, type, fetch_xor, before ^ value, cas, load)                                   \
    MODIFY(bits, type, fetch_nand, ~(before & value), cas, load)

ATOMICS(8, char, LOAD, STORE, SWAP, CAS)
ATOMICS(16, short, LOAD, STORE, SWAP, CAS)
ATOMICS(32, int, LOAD, STORE, SWAP, CAS)
ATOMICS(64, long, LOAD, STORE, SWAP, CAS)
ATOMICS(128, __int128, load_wide, STORE_WIDE, swap_wide, cas_wide)

EXPORT void __tsan_atomic_thread_fence(int order);
EXPORT void __tsan_atomic_thread_fence(int order) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    atomic_fence(order, CALLER());
}

/* Between a thread and its signal handlers only. */
EXPORT void __tsan_atomic_signal_fence(int order);
EXPORT void __tsan_atomic_signal_fence(int order) { (void)order; }

#endif
