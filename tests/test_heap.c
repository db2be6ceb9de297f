/*
 * test_heap.c - the heap of programs that `pirn cc` compiles: what its functions return, what is known
 * of a block when it is misused, and blocks that come from elsewhere: from before a run, from before
 * anything was watched, from another thread.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <wchar.h>

#include "tests/support.h"

#include "sim/race/libc.h"

/* Where it compiles with a sanitizer gcc knows them, with types of its own that are passed alike. */
#if !defined __clang__
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

void __tsan_init(void);
int __tsan_atomic32_fetch_add(volatile int *object, int value, int order);
int __tsan_atomic32_load(const volatile int *object, int order);
void __tsan_atomic32_store(volatile int *object, int value, int order);
long __tsan_atomic64_exchange(volatile long *object, long value, int order);
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

static pirn_waitgroup group;

/* Explores a body; the outcome has to be this one, with the words in its message. */
static void expect(pirn_fn *fn, uint64_t runs, pirn_outcome outcome, const char *words) {
    pirn_sim_options options = {.strategy = "fifo", .seed = 1, .runs = runs};
    pirn_sim_result result;
    check_equal(pirn_sim_explore(&options, fn, NULL, &result), 0);
    if (!check_equal(result.outcome, outcome)) fprintf(stderr, "%s\n", result.message);
    check_contains(result.message, words);
    pirn_sim_result_free(&result);
}

/* Has another task do something with the block, before or after which nothing is known. */
static void elsewhere(pirn_fn *fn, void *arg) {
    group = (pirn_waitgroup){0};
    check_equal(pirn_waitgroup_go(&group, fn, arg), 0);
}

static void write_first(void *arg) { pirn_note_write(arg, 1); }
static void write_ninth(void *arg) { pirn_note_write((char *)arg + 8, 1); }
static void release(void *arg) { __wrap_free(arg); }

/* ---- What the functions do ------------------------------------------------------------------ */

static __attribute__((format(printf, 2, 3))) int print(char **text, const char *format, ...) {
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = __wrap_vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}

/* The compiler knows what cannot be. */
static volatile size_t too_much = SIZE_MAX / 2;

static void use_all(void *arg) {
    char *block, *other;
    void *aligned = NULL;
    (void)arg;
    __wrap_free(NULL);
    check((block = __wrap_malloc(0)) != NULL);
    __wrap_free(block);
    check((block = __wrap_calloc(3, 7)) != NULL);
    for (int i = 0; i < 21; i++) check_equal(block[i], 0);
    memset(block, 'x', 21);
    check((block = __wrap_realloc(block, 5)) != NULL);
    check((block = __wrap_reallocarray(block, 100, 10)) != NULL);
    check_equal(memcmp(block, "xxxxx", 5), 0);
    errno = 0;
    check(__wrap_reallocarray(block, too_much, 3) == NULL);
    check_equal(errno, ENOMEM);
#if !ASAN /* which ends the program for these */
    check(__wrap_realloc(block, too_much) == NULL);
    check(__wrap_malloc(too_much) == NULL);
    check(__wrap_calloc(too_much, 1) == NULL);
    check_equal(__wrap_posix_memalign(&aligned, too_much, 10), EINVAL);
#endif
    check_equal(memcmp(block, "xxxxx", 5), 0);
    check(__wrap_realloc(block, 0) == NULL);
    check((block = __wrap_realloc(NULL, 9)) != NULL);
    __wrap_free(block);
    check((uintptr_t)(block = __wrap_aligned_alloc(64, 128)) % 64 == 0 && block);
    check((uintptr_t)(other = __wrap_memalign(128, 5)) % 128 == 0 && other);
    check_equal(__wrap_posix_memalign(&aligned, 256, 10), 0);
    check((uintptr_t)aligned % 256 == 0);
    __wrap_free(aligned);
    __wrap_free(block);
    __wrap_free(other);
    block = __wrap_strdup("a text");
    other = __wrap_strndup("a text", 3);
    check(!strcmp(block, "a text") && !strcmp(other, "a t"));
    __wrap_free(other);
    other = __wrap_strndup("a text", 30);
    check(!strcmp(other, "a text"));
    __wrap_free(block);
    __wrap_free(other);
    check_equal(__wrap_asprintf(&block, "%d texts", 12), 8);
    check_equal(print(&other, "%s", "another"), 7);
    check(!strcmp(block, "12 texts") && !strcmp(other, "another"));
    __wrap_free(block);
    __wrap_free(other);
    /* A character that the locale does not have. */
    check_equal(__wrap_asprintf(&block, "%lc", (wint_t)0x7fffffff), -1);
    check_equal(print(&block, "%lc", (wint_t)0x7fffffff), -1);
    block = __wrap_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(block != MAP_FAILED);
    munmap(block, 4096);
    check(__wrap_mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void *use_in_thread(void *arg) {
    use_all(arg);
    return NULL;
}

static void functions_do_what_they_do(void) {
    pthread_t thread;
    use_all(NULL);
    expect(use_all, 2, PIRN_OK, ""); /* nothing is watched */
    __tsan_init();
    use_all(NULL);
    expect(use_all, 2, PIRN_OK, "");
    use_all(NULL);
    check_equal(pthread_create(&thread, NULL, use_in_thread, NULL), 0);
    check_equal(pthread_join(thread, NULL), 0);
    expect(use_all, 2, PIRN_OK, "");
    conclude("functions");
}

/* ---- Misuse --------------------------------------------------------------------------------- */

static char *kept;

static void free_twice(void *arg) {
    char *block = __wrap_malloc(10);
    (void)arg;
    __wrap_free(block);
    __wrap_free(block);
}
static void free_what_was_moved(void *arg) {
    char *block = __wrap_malloc(10), *moved = __wrap_realloc(block, 1000);
    (void)arg;
    __wrap_free(moved);
    __wrap_free(block);
}
static void use_what_was_freed(void *arg) {
    char *block = __wrap_malloc(0);
    (void)arg;
    __wrap_free(block);
    pirn_note_read(block, 1);
}
static void realloc_what_was_freed(void *arg) {
    char *block = __wrap_calloc(2, 6);
    (void)arg;
    __wrap_free(block);
    __wrap_realloc(block, 20);
}

static void misuse_is_told(void) {
    __tsan_init();
    expect(free_twice, 1, PIRN_MISUSE, "freed twice: task 1 (main) frees 10 bytes in ");
    expect(free_what_was_moved, 1, PIRN_MISUSE, "freed twice: task 1 (main) frees 10 bytes");
    expect(use_what_was_freed, 1, PIRN_MISUSE, "used after free: task 1 (main) reads 1 byte in");
    expect(realloc_what_was_freed, 1, PIRN_MISUSE, "used after free: task 1 (main) reads 12 bytes");
    expect(use_all, 1, PIRN_OK, "");
    conclude("misuse");
}

/* ---- Blocks from elsewhere ------------------------------------------------------------------ */

static void make(void *arg) {
    (void)arg;
    kept = __wrap_malloc(12);
}
static void race_on_it(void *arg) {
    (void)arg;
    elsewhere(write_first, kept);
    pirn_note_write(kept, 1);
    pirn_waitgroup_wait(&group);
}
static void race_to_free_it(void *arg) {
    (void)arg;
    elsewhere(release, kept);
    pirn_note_write(kept, 1);
    pirn_waitgroup_wait(&group);
}
static void grow_it(void *arg) {
    (void)arg;
    check((kept = __wrap_realloc(kept, 100)) != NULL);
}

static void blocks_outlive_runs(void) {
    __tsan_init();
    expect(make, 1, PIRN_OK, "");
    expect(race_on_it, 1, PIRN_RACE, "data race on a heap block of 12 bytes: ");
    expect(grow_it, 1, PIRN_OK, "");
    expect(race_on_it, 1, PIRN_RACE, "data race on a heap block of 100 bytes: ");
    kept = __wrap_realloc(kept, 200); /* which is no longer watched */
    expect(race_to_free_it, 1, PIRN_RACE, "frees 200 bytes in ");
    conclude("outlive");
}

/* Of what the C library has allocated for itself is known what it tells. */
static void blocks_of_others_are_known_by_their_size(void) {
    __tsan_init();
    kept = malloc(40);
    expect(race_on_it, 1, PIRN_RACE, "data race: ");
    expect(grow_it, 1, PIRN_OK, "");
    kept = malloc(40);
    char words[64];
    snprintf(words, sizeof words, "frees %zu bytes in ", malloc_usable_size(kept));
    expect(race_to_free_it, 1, PIRN_RACE, words);
    conclude("others");
}

/* Where the first note comes in the middle of the run, what was before is not known. */
static void note_late(void *arg) {
    char *early = __wrap_malloc(10), *late;
    (void)arg;
    __wrap_free(__wrap_realloc(__wrap_malloc(1), 2));
    pirn_note_write(early, 1);
    late = __wrap_malloc(20);
    elsewhere(write_ninth, late);
    pirn_note_write(late + 8, 1);
    pirn_waitgroup_wait(&group);
    __wrap_free(early);
    __wrap_free(late);
}
static void blocks_are_watched_from_the_first_note_on(void) {
    expect(note_late, 1, PIRN_RACE, "data race on a heap block of 20 bytes: ");
    conclude("late");
}

/* The table of blocks and the list of what is kept grow. */
static void free_many(void *arg) {
    void *blocks[600];
    (void)arg;
    for (size_t i = 0; i < 600; i++) check((blocks[i] = __wrap_malloc(i)) != NULL);
    for (size_t i = 0; i < 600; i++) __wrap_free(blocks[i]);
    __wrap_free(blocks[599]);
}
static void any_number_of_blocks(void) {
    __tsan_init();
    for (int i = 0; i < 3; i++)
        expect(free_many, 1, PIRN_MISUSE, "freed twice: task 1 (main) frees 599 bytes");
    conclude("number");
}

/* ---- Many atomics --------------------------------------------------------------------------- */

enum { MANY = 70000, TASKS = 100 };
static int *many;
static _Alignas(8) int pair[2];

static void touch_many(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY; i++) __tsan_atomic32_fetch_add(&many[i], 1, __ATOMIC_RELEASE);
}

/* What has been used as a whole is one location, also for its halves. */
static void publish(void *arg) {
    (void)arg;
    pirn_note_write(&kept, 1);
    __tsan_atomic_signal_fence(__ATOMIC_SEQ_CST);
    __tsan_atomic_thread_fence(__ATOMIC_RELAXED);
    __tsan_atomic64_exchange((long *)pair, -(1L << 40) + 1, __ATOMIC_RELEASE);
}
static void receive(void *arg) {
    (void)arg;
    if (__tsan_atomic32_load(&pair[1], __ATOMIC_ACQUIRE)) pirn_note_read(&kept, 1);
}
static void halves(void *arg) {
    (void)arg;
    memset(pair, 0, sizeof pair);
    __tsan_atomic32_store(&pair[0], 0, __ATOMIC_RELAXED);
    __tsan_atomic64_exchange((long *)pair, 0, __ATOMIC_RELAXED);
    elsewhere(publish, NULL);
    for (int i = 0; i < TASKS; i++) check_equal(pirn_waitgroup_go(&group, receive, NULL), 0);
    pirn_waitgroup_wait(&group);
    check_equal(pair[0], 1);
}

static void atomics_of_any_number_and_size(void) {
    pirn_sim_options options = {.strategy = "random", .seed = 1, .runs = 30};
    pirn_sim_result result;
    __tsan_init();
    many = calloc(MANY, sizeof *many);
    check(many != NULL);
    expect(touch_many, 1, PIRN_OK, "");
    check_equal(pirn_sim_explore(&options, halves, NULL, &result), 0);
    check_equal(result.outcome, PIRN_OK);
    pirn_sim_result_free(&result);
    expect(touch_many, 2, PIRN_OK, "");
    check_equal(many[MANY - 1], 3);
    free(many);
    conclude("atomics");
}

static const struct test tests[] = {
    TEST(functions_do_what_they_do),
    TEST(misuse_is_told),
    TEST(blocks_outlive_runs),
    TEST(blocks_of_others_are_known_by_their_size),
    TEST(blocks_are_watched_from_the_first_note_on),
    TEST(any_number_of_blocks),
    TEST(atomics_of_any_number_and_size),
};

HARNESS(tests)
