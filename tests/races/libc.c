/* libc.c - which bytes functions of the C library touch, and what they allocate: each is known. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "races.h"

static char a[64], b[64], number[16];
static int keys[4], nothing, zeroes;
static FILE *sink, *source;

static void begin(void) {
    strcpy(a, "hello world");
    strcpy(b, "help me now");
    strcpy(number, "42 apples");
    if (sink) return;
    sink = fopen("/dev/null", "w");
    source = fopen("/dev/zero", "r");
    nothing = open("/dev/null", O_WRONLY);
    zeroes = open("/dev/zero", O_RDONLY);
}

/* The call touches the array up to its element `last`, and nothing of it behind that. */
#define TOUCHES(name, array, last, call)         \
    TASK(name##_call) { call; }                  \
    TASK(name##_last) { array[last] = 1; }       \
    TASK(name##_next) { array[(last) + 1] = 1; } \
    RACE(name) {                                 \
        begin();                                 \
        both(name##_call, name##_last);          \
    }                                            \
    CLEAN(name##_no_more) {                      \
        begin();                                 \
        both(name##_call, name##_next);          \
    }

/* ---- Blocks -------------------------------------------------------------------------------- */

TOUCHES(mempcpy_reads, a, 5, mempcpy(b, a, 6))
TOUCHES(mempcpy_writes, b, 5, mempcpy(b, a, 6))
TOUCHES(bcopy_reads, a, 5, bcopy(a, b, 6))
TOUCHES(bcopy_writes, b, 5, bcopy(a, b, 6))
TOUCHES(bzero_writes, b, 5, bzero(b, 6))
TOUCHES(memcmp_one, a, 3, use(memcmp(a, b, 6)))
TOUCHES(memcmp_other, b, 3, use(memcmp(a, b, 6)))
TOUCHES(bcmp_one, a, 1, use(bcmp(a, b, 2)))
TOUCHES(memchr_found, a, 4, use((long)memchr(a, 'o', 20)))
TOUCHES(memchr_not_found, a, 5, use((long)memchr(a, '#', 6)))

/* ---- Strings ------------------------------------------------------------------------------- */

TOUCHES(strnlen_reads, a, 4, use((long)strnlen(a, 5)))
TOUCHES(stpcpy_reads, a, 11, stpcpy(b, a))
TOUCHES(stpcpy_writes, b, 11, stpcpy(b, a))
TOUCHES(strncpy_reads, a, 3, strncpy(b, a, 4))
TOUCHES(strncpy_writes, b, 3, strncpy(b, a, 4))
TOUCHES(strcat_reads, a, 11, strcat(b, a))
TOUCHES(strcat_writes, b, 22, strcat(b, a))
TOUCHES(strncat_reads, a, 2, strncat(b, a, 3))
TOUCHES(strncat_writes, b, 14, strncat(b, a, 3))
TOUCHES(strcmp_reads, a, 3, use(strcmp(a, b)))
TOUCHES(strncmp_reads, b, 1, use(strncmp(a, b, 2)))
TOUCHES(strcasecmp_reads, a, 3, use(strcasecmp(a, b)))
TOUCHES(strncasecmp_reads, b, 1, use(strncasecmp(a, b, 2)))
TOUCHES(strchr_found, a, 4, use((long)strchr(a, 'o')))
TOUCHES(strchr_not_found, a, 11, use((long)strchr(a, '#')))
TOUCHES(strrchr_reads, a, 11, use((long)strrchr(a, 'o')))
TOUCHES(strstr_found, a, 8, use((long)strstr(a, "wor")))
TOUCHES(strstr_not_found, a, 11, use((long)strstr(a, "xyz")))
TOUCHES(strspn_reads, a, 5, use((long)strspn(a, "helo")))
TOUCHES(strcspn_reads, a, 5, use((long)strcspn(a, " ")))
TOUCHES(strpbrk_reads, a, 6, use((long)strpbrk(a, "w")))
static char *rest;
TOUCHES(strtok_r_cuts, a, 5, use((long)strtok_r(a, " ", &rest)))

/* ---- Numbers, arrays ----------------------------------------------------------------------- */

static char *end;
TOUCHES(strtol_reads, number, 2, use(strtol(number, &end, 10)))
TOUCHES(strtoll_reads, number, 2, use((long)strtoll(number, NULL, 10)))
TOUCHES(strtoul_reads, number, 2, use((long)strtoul(number, &end, 10)))
TOUCHES(strtoull_reads, number, 2, use((long)strtoull(number, &end, 10)))
TOUCHES(strtod_reads, number, 2, use((long)strtod(number, &end)))
TOUCHES(atoi_reads, number, 2, use(atoi(number)))
TOUCHES(atol_reads, number, 2, use(atol(number)))

static int compare(const void *x, const void *y) { return *(const int *)x - *(const int *)y; }
TOUCHES(bsearch_reads, keys, 0, use((long)bsearch(&(int){0}, keys, 1, sizeof *keys, compare)))

/* ---- Printing, files ----------------------------------------------------------------------- */

static void print_to(char *to, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (size)
        vsnprintf(to, size, format, arguments);
    else
        vsprintf(to, format, arguments);
    va_end(arguments);
}
TOUCHES(snprintf_cuts, b, 2, snprintf(b, 3, "%d", 12345))
TOUCHES(sprintf_writes, b, 2, sprintf(b, "%d", 42))
TOUCHES(vsnprintf_writes, b, 2, print_to(b, 9, "%d", 42))
TOUCHES(vsprintf_writes, b, 2, print_to(b, 0, "%d", 42))
TOUCHES(puts_reads, number, 9, puts(number))
TOUCHES(fputs_reads, a, 11, fputs(a, sink))
TOUCHES(fwrite_reads, a, 5, use((long)fwrite(a, 2, 3, sink)))
TOUCHES(fread_writes, b, 5, use((long)fread(b, 2, 3, source)))
TASK(get_line) {
    FILE *file = fmemopen("abc\nd", 5, "r");
    use((long)fgets(b, sizeof b, file));
    fclose(file);
}
TOUCHES(fgets_writes, b, 4, get_line(NULL))
TOUCHES(read_writes, b, 5, use(read(zeroes, b, 6)))
TOUCHES(pread_writes, b, 5, use(pread(zeroes, b, 6, 0)))
TOUCHES(write_reads, a, 5, use(write(nothing, a, 6)))
TOUCHES(pwrite_reads, a, 5, use(pwrite(nothing, a, 6, 0)))

/* ---- Memory -------------------------------------------------------------------------------- */

static char *block;
TASK(write_block) { block[0] = 1; }
TASK(read_block) { use(block[0]); }

/* What has been allocated so is watched like everything else, until it is freed. */
#define ALLOCATES(name, call)          \
    RACE(name##_is_shared) {           \
        begin();                       \
        block = call;                  \
        both(write_block, read_block); \
        free(block);                   \
    }                                  \
    MISUSE(name##_is_freed) {          \
        begin();                       \
        block = call;                  \
        free(block);                   \
        read_block(NULL);              \
    }                                  \
    CLEAN(name##_is_new) {             \
        begin();                       \
        block = call;                  \
        write_block(NULL);             \
        free(block);                   \
    }

static char *placed(void) {
    void *start = NULL;
    return posix_memalign(&start, 64, 128) == 0 ? start : NULL;
}
static char *printed(int by_list, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, by_list);
    if (by_list ? vasprintf(&text, "%d", arguments) < 0 : asprintf(&text, "%d", 42) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}
ALLOCATES(calloc, calloc(2, 8))
ALLOCATES(reallocarray, reallocarray(NULL, 2, 8))
ALLOCATES(realloc, realloc(malloc(8), 4000))
ALLOCATES(aligned_alloc, aligned_alloc(64, 128))
ALLOCATES(memalign, memalign(64, 128))
ALLOCATES(posix_memalign, placed())
ALLOCATES(strdup, strdup(a))
ALLOCATES(strndup, strndup(a, 3))
ALLOCATES(asprintf, printed(0))
ALLOCATES(vasprintf, printed(1, 42))

MISUSE(realloc_frees_the_old) {
    char *old = malloc(8);
    block = realloc(old, 100000);
    if (block == old) {
        free(block);
        block = old;
    }
    use(old[0]);
}
MISUSE(realloc_to_nothing) {
    char *old = malloc(8);
    use((long)realloc(old, 0));
    use(old[0]);
}
CLEAN(too_much_is_refused) {
    volatile size_t much = SIZE_MAX / 2;
    use((long)reallocarray(NULL, much, 8));
    use((long)calloc(much, 8));
}

/* What a mapping held before it was made has nothing to do with it. */
TASK(map_and_write) {
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = 1;
    munmap(page, 4096);
}
CLEAN(mappings_are_new) { all_three(map_and_write, map_and_write, map_and_write); }

/* ---- Atomics of sizes for which there are no instructions ----------------------------------- */

struct large {
    char bytes[24];
};
static _Atomic struct large large;
static int guarded;
TASK(publish) {
    guarded = 1;
    atomic_store(&large, (struct large){"ready"});
}
TASK(look_and_read) {
    struct large seen = atomic_load(&large);
    if (seen.bytes[0]) use(guarded);
}
TASK(look_and_read_at_once) {
    struct large seen = atomic_load(&large);
    use(seen.bytes[0] + guarded);
}
TASK(take_and_read) {
    struct large seen = atomic_exchange(&large, (struct large){""});
    if (seen.bytes[0]) use(guarded);
}
TASK(swap_and_read) {
    struct large expected = {"ready"};
    if (atomic_compare_exchange_strong(&large, &expected, (struct large){"taken"})) use(guarded);
}
static void begin_large(void) { atomic_init(&large, (struct large){""}); }
CLEAN(large_store_publishes) {
    begin_large();
    both(publish, look_and_read);
}
RACE(large_load_alone_orders_nothing) {
    begin_large();
    both(publish, look_and_read_at_once);
}
CLEAN(large_exchange_publishes) {
    begin_large();
    both(publish, take_and_read);
}
CLEAN(large_swap_publishes) {
    begin_large();
    both(publish, swap_and_read);
}
