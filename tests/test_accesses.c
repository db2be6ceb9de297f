/*
 * test_accesses.c - each function that a compiler calls for an access with -fsanitize=thread: what
 * it reads and writes, how much of it, and what an atomic orders, in a run and outside of runs.
 *
 * The calls are made here as a compiler makes them. What programs compiled by `pirn cc` come to is
 * for tests/races.sh and tests/cc.sh to see.
 */
#include <pthread.h>

#include "tests/support.h"

/* Where it compiles with a sanitizer gcc knows them, with types of its own that are passed alike. */
#if !defined __clang__
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

void __tsan_init(void);

typedef __int128 wide;

static wide bytes[16], others[16];

static pirn_sim_result explore(pirn_fn *fn, void *arg, const char *strategy, uint64_t runs) {
    pirn_sim_options options = {.strategy = strategy, .seed = 1, .runs = runs};
    pirn_sim_result result;
    __tsan_init();
    check_equal(pirn_sim_explore(&options, fn, arg, &result), 0);
    return result;
}

/* ---- Plain accesses ------------------------------------------------------------------------ */

struct access {
    const char *name;
    void (*call)(void *address);
    size_t size;
    bool reads, writes;
};

#define DECLARE(prefix, size)                         \
    void __tsan_##prefix##read##size(void *address);  \
    void __tsan_##prefix##write##size(void *address); \
    void __tsan_##prefix##read_write##size(void *address);
#define EACH(prefix, size)                                                        \
    {#prefix "read" #size, __tsan_##prefix##read##size, size, true, false},       \
        {#prefix "write" #size, __tsan_##prefix##write##size, size, false, true}, \
        {#prefix "read_write" #size, __tsan_##prefix##read_write##size, size, true, true},
/* clang-format off */
#define ALL(X) \
    X(, 1) X(, 2) X(, 4) X(, 8) X(, 16) \
    X(unaligned_, 2) X(unaligned_, 4) X(unaligned_, 8) X(unaligned_, 16) \
    X(volatile_, 1) X(volatile_, 2) X(volatile_, 4) X(volatile_, 8) X(volatile_, 16) \
    X(unaligned_volatile_, 2) X(unaligned_volatile_, 4) X(unaligned_volatile_, 8) X(unaligned_volatile_, 16)
/* clang-format on */
ALL(DECLARE)

void __tsan_read_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size);
void __tsan_vptr_read(void **address);
void __tsan_vptr_update(void **address, void *value);
void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memset(void *to, int byte, size_t size);

static void read_range(void *address) { __tsan_read_range(address, 7); }
static void write_range(void *address) { __tsan_write_range(address, 7); }
static void read_vptr(void *address) { __tsan_vptr_read(address); }
static void keep_vptr(void *address) { __tsan_vptr_update(address, *(void **)address); }
static void change_vptr(void *address) { __tsan_vptr_update(address, others); }
static void copy_from(void *address) { check(__tsan_memcpy(others, address, 7) == others); }
static void copy_to(void *address) { check(__tsan_memcpy(address, others, 7) == address); }
static void move_from(void *address) { check(__tsan_memmove(others, address, 7) == others); }
static void move_to(void *address) { check(__tsan_memmove(address, others, 7) == address); }
static void set_bytes(void *address) {
    check(__tsan_memset(address, 7, 7) == address);
    for (int i = 0; i < 7; i++) check_equal(((char *)address)[i], 7);
}

static const struct access accesses[] = {
    ALL(EACH) /* */
    {"read_range", read_range, 7, true, false},
    {"write_range", write_range, 7, false, true},
    {"vptr_read", read_vptr, 8, true, false},
    {"vptr_update with the same", keep_vptr, 8, true, false},
    {"vptr_update with another", change_vptr, 8, false, true},
    {"memcpy from", copy_from, 7, true, false},
    {"memcpy to", copy_to, 7, false, true},
    {"memmove from", move_from, 7, true, false},
    {"memmove to", move_to, 7, false, true},
    {"memset", set_bytes, 7, false, true},
};

/* One task touches a single byte, and then another makes the access, twice. */
struct meeting {
    const struct access *access;
    size_t byte;
    bool written;
};

static void touch(void *arg) {
    const struct meeting *meeting = arg;
    char *byte = (char *)bytes + meeting->byte;
    if (meeting->written)
        pirn_note_write(byte, 1);
    else
        pirn_note_read(byte, 1);
}

static void make_access(void *arg) {
    const struct meeting *meeting = arg;
    meeting->access->call(bytes);
    meeting->access->call(bytes);
}

static void meet(void *arg) {
    pirn_waitgroup both = {0};
    memset(bytes, 0, sizeof bytes);
    check_equal(pirn_waitgroup_go(&both, touch, arg), 0);
    check_equal(pirn_waitgroup_go(&both, make_access, arg), 0);
    pirn_waitgroup_wait(&both);
}

static void each_access_is_seen_as_what_it_is(void) {
    for (size_t i = 0; i < sizeof accesses / sizeof *accesses; i++) {
        const struct access *access = &accesses[i];
        char words[64];
        for (int how = 0; how < 6; how++) {
            struct meeting meeting = {
                access, (size_t[]){0, access->size - 1, access->size}[how % 3], how >= 3};
            bool races = meeting.byte < access->size && (meeting.written || access->writes);
            pirn_sim_result r = explore(meet, &meeting, "fifo", 1);
            if (!check_equal(r.outcome, races ? PIRN_RACE : PIRN_OK))
                fprintf(stderr, "%s, byte %zu %s: %s\n", access->name, meeting.byte,
                        meeting.written ? "written" : "read", r.message);
            snprintf(words, sizeof words, "make_access) %s %zu byte%s in ",
                     meeting.written && access->reads ? "reads" : "writes", access->size,
                     access->size == 1 ? "" : "s");
            if (races) check_contains(r.message, words);
            pirn_sim_result_free(&r);
        }
        access->call(bytes); /* outside of runs: nothing */
    }
    conclude("accesses");
}

/* ---- Atomics ------------------------------------------------------------------------------- */

/* What can be done with the flag: as 128 bits, whatever it has. */
struct width {
    unsigned bits;
    wide (*load)(int order);
    void (*store)(wide value, int order);
    wide (*exchange)(wide value, int order);
    wide (*modify[6])(wide value, int order); /* add, sub, and, or, xor, nand */
    bool (*strong)(wide *expected, wide value, int order, int failure);
    bool (*weak)(wide *expected, wide value, int order, int failure);
    wide (*val)(wide expected, wide value, int order, int failure);
};

static _Alignas(16) wide flag;

#define FLAG(type) ((volatile type *)&flag)
#define MODIFIER(bits, type, name)                                                   \
    type __tsan_atomic##bits##_##name(volatile type *object, type value, int order); \
    static wide name##bits(wide value, int order) {                                  \
        return __tsan_atomic##bits##_##name(FLAG(type), (type)value, order);         \
    }
#define COMPARER(bits, type, name)                                                              \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile type *object, type *expected,    \
                                                      type value, int order, int failure);      \
    static bool name##bits(wide *expected, wide value, int order, int failure) {                \
        type wanted = (type)*expected;                                                          \
        bool same = __tsan_atomic##bits##_compare_exchange_##name(FLAG(type), &wanted,          \
                                                                  (type)value, order, failure); \
        *expected = wanted;                                                                     \
        return same;                                                                            \
    }
#define WIDTH(bits, type)                                                                          \
    type __tsan_atomic##bits##_load(const volatile type *object, int order);                       \
    void __tsan_atomic##bits##_store(volatile type *object, type value, int order);                \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *object, type expected,          \
                                                    type value, int order, int failure);           \
    static wide load##bits(int order) { return __tsan_atomic##bits##_load(FLAG(type), order); }    \
    static void store##bits(wide value, int order) {                                               \
        __tsan_atomic##bits##_store(FLAG(type), (type)value, order);                               \
    }                                                                                              \
    static wide val##bits(wide expected, wide value, int order, int failure) {                     \
        return __tsan_atomic##bits##_compare_exchange_val(FLAG(type), (type)expected, (type)value, \
                                                          order, failure);                         \
    }                                                                                              \
    MODIFIER(bits, type, exchange)                                                                 \
    MODIFIER(bits, type, fetch_add)                                                                \
    MODIFIER(bits, type, fetch_sub)                                                                \
    MODIFIER(bits, type, fetch_and)                                                                \
    MODIFIER(bits, type, fetch_or)                                                                 \
    MODIFIER(bits, type, fetch_xor)                                                                \
    MODIFIER(bits, type, fetch_nand)                                                               \
    COMPARER(bits, type, strong)                                                                   \
    COMPARER(bits, type, weak)                                                                     \
    static const struct width width##bits = {bits,                                                 \
                                             load##bits,                                           \
                                             store##bits,                                          \
                                             exchange##bits,                                       \
                                             {fetch_add##bits, fetch_sub##bits, fetch_and##bits,   \
                                              fetch_or##bits, fetch_xor##bits, fetch_nand##bits},  \
                                             strong##bits,                                         \
                                             weak##bits,                                           \
                                             val##bits};

WIDTH(8, char)
WIDTH(16, short)
WIDTH(32, int)
WIDTH(64, long)
WIDTH(128, wide)

static const struct width *const widths[] = {&width8, &width16, &width32, &width64, &width128};
enum { WIDTHS = sizeof widths / sizeof *widths, ADD = 0, SUB, AND, OR, XOR, NAND, MODIFIERS };

enum { RELAXED = __ATOMIC_RELAXED, SEQ_CST = __ATOMIC_SEQ_CST };

static bool same(wide one, wide other) { return one == other; }

/* In a task, or outside of runs. */
static void compute(void *arg) {
    const struct width *w = arg;
    wide expected = 3;
    /* Of the highest bits, too: wider than any narrower one. */
    wide high = (wide)1 << (w->bits - 2);
    flag = 0;
    w->store(high | 12, SEQ_CST);
    w->store(high | 12, RELAXED);
    check(same(w->load(SEQ_CST), high | 12));
    check(same(w->exchange(12, SEQ_CST), high | 12));
    check(same(w->exchange(12, RELAXED), 12));
    check(same(w->modify[ADD](high, SEQ_CST), 12));
    check(same(w->modify[SUB](high, RELAXED), high | 12));
    check(same(w->modify[SUB](0, RELAXED), 12));
    check(same(w->modify[AND](6, SEQ_CST), 12));
    check(same(w->modify[OR](high, SEQ_CST), 4));
    check(same(w->modify[XOR](high | 5, SEQ_CST), high | 4));
    check(same(w->modify[NAND](3, SEQ_CST), 1));
    check(same(w->load(__ATOMIC_ACQUIRE), -2));
    w->store(1, __ATOMIC_RELEASE);
    check(!w->strong(&expected, 7, SEQ_CST, SEQ_CST) && same(expected, 1));
    check(w->strong(&expected, 7, SEQ_CST, RELAXED) && same(expected, 1));
    check(!w->weak(&expected, 9, SEQ_CST, RELAXED) && same(expected, 7));
    while (!w->weak(&expected, 7, SEQ_CST, RELAXED)) continue; /* it may fail for no reason */
    check(same(w->val(8, 9, SEQ_CST, RELAXED), 7));
    check(same(w->val(7, high, SEQ_CST, RELAXED), 7));
    check(same(w->load(RELAXED), high));
}

static void values_are_those_of_the_operations(void) {
    for (int i = 0; i < WIDTHS; i++) {
        pirn_sim_result r;
        compute((void *)widths[i]);
        r = explore(compute, (void *)widths[i], NULL, 50);
        check_equal(r.outcome, PIRN_OK);
        pirn_sim_result_free(&r);
    }
    conclude("values");
}

/* ---- What they order ----------------------------------------------------------------------- */

enum way { PLAINLY, EXCHANGING, MODIFYING, STRONG, WEAK, VAL, WAYS };

struct message {
    const struct width *width;
    enum way sent, received;
    int release, acquire;
};

static void publish(void *arg) {
    const struct message *m = arg;
    const struct width *w = m->width;
    wide expected = 0;
    pirn_note_write(others, 1);
    switch (m->sent) {
    case PLAINLY:
        w->store(1, m->release);
        break;
    case EXCHANGING:
        w->exchange(1, m->release);
        break;
    case MODIFYING:
        w->modify[OR](1, m->release);
        break;
    case STRONG:
        w->strong(&expected, 1, m->release, RELAXED);
        break;
    case WEAK:
        while (!w->weak(&expected, 1, m->release, RELAXED)) continue;
        break;
    default:
        w->val(0, 1, m->release, RELAXED);
    }
}

/* A compare-exchange fails: so it is the order of failure that counts. */
static void receive(void *arg) {
    const struct message *m = arg;
    const struct width *w = m->width;
    wide got = 2;
    switch (m->received) {
    case PLAINLY:
        got = w->load(m->acquire);
        break;
    case EXCHANGING:
        got = w->exchange(3, m->acquire);
        break;
    case MODIFYING:
        got = w->modify[AND](1, m->acquire);
        break;
    case STRONG:
        w->strong(&got, 3, SEQ_CST, m->acquire);
        break;
    case WEAK:
        w->weak(&got, 3, SEQ_CST, m->acquire);
        break;
    default:
        got = w->val(2, 3, SEQ_CST, m->acquire);
    }
    if (got == 1) pirn_note_read(others, 1);
}

static void pass_on(void *arg) {
    pirn_waitgroup both = {0};
    flag = 0;
    check_equal(pirn_waitgroup_go(&both, publish, arg), 0);
    check_equal(pirn_waitgroup_go(&both, receive, arg), 0);
    pirn_waitgroup_wait(&both);
}

static void check_message(struct message m, bool ordered) {
    pirn_sim_result r = explore(pass_on, &m, "random", 50);
    if (!check_equal(r.outcome, ordered ? PIRN_OK : PIRN_RACE))
        fprintf(stderr, "%u bits, sent by %d in order %d, received by %d in order %d: %s\n",
                m.width->bits, (int)m.sent, m.release, (int)m.received, m.acquire, r.message);
    pirn_sim_result_free(&r);
}

static void orders_are_what_they_say(void) {
    for (int i = 0; i < WIDTHS; i++) {
        for (int sent = PLAINLY; sent < WAYS; sent++) {
            for (int received = PLAINLY; received < WAYS; received++) {
                struct message m = {widths[i], sent, received, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE};
                check_message(m, true);
                m.acquire = RELAXED;
                check_message(m, false);
                m.release = m.acquire = __ATOMIC_ACQ_REL;
                if (sent != PLAINLY && received != PLAINLY) check_message(m, true);
                /* What has failed has not written, and so does not release. */
                m.release = SEQ_CST;
                m.acquire = __ATOMIC_RELEASE;
                if (received >= STRONG) check_message(m, false);
            }
        }
    }
    conclude("orders");
}

/* ---- Threads outside of runs ---------------------------------------------------------------- */

enum { ROUNDS = 20000 };

struct worker {
    const struct width *width;
    wide bit;
};

/* Each leaves the flag as it was, unless an operation of the other one is lost. */
static void *hammer(void *arg) {
    const struct worker *worker = arg;
    const struct width *w = worker->width;
    wide bit = worker->bit, expected;
    for (int i = 0; i < ROUNDS; i++) {
        w->modify[OR](bit, SEQ_CST);
        w->modify[AND](~bit, SEQ_CST);
        w->modify[XOR](bit, SEQ_CST);
        w->modify[XOR](bit, SEQ_CST);
        w->modify[ADD](bit, SEQ_CST);
        w->modify[SUB](bit, SEQ_CST);
        for (expected = w->load(SEQ_CST); !w->strong(&expected, expected ^ bit, SEQ_CST, SEQ_CST);)
            continue;
        for (expected = w->load(SEQ_CST); !w->weak(&expected, expected ^ bit, SEQ_CST, SEQ_CST);)
            continue;
    }
    return NULL;
}

/* Turning all bits round, an even number of times. */
static void *turn(void *arg) {
    const struct worker *worker = arg;
    for (int i = 0; i < ROUNDS; i++) worker->width->modify[NAND](-1, SEQ_CST);
    return NULL;
}

static void nothing_is_lost_among_threads(void) {
    for (int i = 0; i < WIDTHS; i++) {
        for (int turns = 0; turns < 2; turns++) {
            struct worker workers[] = {{widths[i], 1}, {widths[i], 8}};
            pthread_t threads[2];
            flag = 64;
            for (int t = 0; t < 2; t++)
                check_equal(pthread_create(&threads[t], NULL, turns ? turn : hammer, &workers[t]),
                            0);
            for (int t = 0; t < 2; t++) check_equal(pthread_join(threads[t], NULL), 0);
            check(same(widths[i]->load(SEQ_CST), 64));
        }
    }
    conclude("threads");
}

static const struct test tests[] = {
    TEST(each_access_is_seen_as_what_it_is),
    TEST(values_are_those_of_the_operations),
    TEST(orders_are_what_they_say),
    TEST(nothing_is_lost_among_threads),
};

HARNESS(tests)
