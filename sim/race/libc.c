/* libc.c - see libc.h. Each says what it touches, and calls the C library. */
#include "sim/race/libc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sim/race/atomics.h"
#include "sim/race/race.h"

void libc_reads(const void *address, size_t size, const void *site) {
    struct task *self = race_task();
    if (self && size) shadow_access(self, (uintptr_t)address, size, 0, site);
}

void libc_writes(const void *address, size_t size, const void *site) {
    struct task *self = race_task();
    if (self && size) shadow_access(self, (uintptr_t)address, size, ACCESS_WRITE, site);
}

#define READS(address, size) libc_reads(address, size, CALLER())
#define WRITES(address, size) libc_writes(address, size, CALLER())
#define READS_TEXT(text) READS(text, strlen(text) + 1)

/* ---- Memory -------------------------------------------------------------------------------- */

EXPORT void *__wrap_memcpy(void *to, const void *from, size_t size) {
    READS(from, size);
    WRITES(to, size);
    return memcpy(to, from, size);
}

EXPORT void *__wrap_memmove(void *to, const void *from, size_t size) {
    READS(from, size);
    WRITES(to, size);
    return memmove(to, from, size);
}

EXPORT void *__wrap_mempcpy(void *to, const void *from, size_t size) {
    READS(from, size);
    WRITES(to, size);
    return mempcpy(to, from, size);
}

EXPORT void *__wrap_memset(void *to, int byte, size_t size) {
    WRITES(to, size);
    return memset(to, byte, size);
}

EXPORT void __wrap_bcopy(const void *from, void *to, size_t size) {
    READS(from, size);
    WRITES(to, size);
    memmove(to, from, size);
}

EXPORT void __wrap_bzero(void *to, size_t size) {
    WRITES(to, size);
    memset(to, 0, size);
}

/* As far as they are the same, and one byte more. */
static size_t compared(const void *a, const void *b, size_t size) {
    const char *x = a, *y = b;
    size_t same = 0;
    while (same < size && x[same] == y[same]) same++;
    return same < size ? same + 1 : size;
}

EXPORT int __wrap_memcmp(const void *a, const void *b, size_t size) {
    size_t read = compared(a, b, size);
    READS(a, read);
    READS(b, read);
    return memcmp(a, b, size);
}

EXPORT int __wrap_bcmp(const void *a, const void *b, size_t size) {
    size_t read = compared(a, b, size);
    READS(a, read);
    READS(b, read);
    return memcmp(a, b, size);
}

EXPORT void *__wrap_memchr(const void *from, int byte, size_t size) {
    void *found = memchr(from, byte, size);
    READS(from, found ? (size_t)((char *)found - (const char *)from) + 1 : size);
    return found;
}

/* ---- Text ---------------------------------------------------------------------------------- */

static size_t read_of(const char *text, size_t most) {
    size_t length = strnlen(text, most);
    return length < most ? length + 1 : most;
}

EXPORT size_t __wrap_strlen(const char *text) {
    READS_TEXT(text);
    return strlen(text);
}

EXPORT size_t __wrap_strnlen(const char *text, size_t most) {
    READS(text, read_of(text, most));
    return strnlen(text, most);
}

EXPORT char *__wrap_strcpy(char *to, const char *from) {
    size_t size = strlen(from) + 1;
    READS(from, size);
    WRITES(to, size);
    return strcpy(to, from);
}

EXPORT char *__wrap_stpcpy(char *to, const char *from) {
    size_t size = strlen(from) + 1;
    READS(from, size);
    WRITES(to, size);
    return stpcpy(to, from);
}

EXPORT char *__wrap_strncpy(char *to, const char *from, size_t size) {
    READS(from, read_of(from, size));
    WRITES(to, size);
    return strncpy(to, from, size);
}

EXPORT char *__wrap_strcat(char *to, const char *from) {
    size_t length = strlen(to), size = strlen(from) + 1;
    READS(to, length + 1);
    READS(from, size);
    WRITES(to + length, size);
    return strcat(to, from);
}

EXPORT char *__wrap_strncat(char *to, const char *from, size_t most) {
    size_t length = strlen(to);
    READS(to, length + 1);
    READS(from, read_of(from, most));
    WRITES(to + length, strnlen(from, most) + 1);
    return strncat(to, from, most);
}

typedef int fold(int);

static int same(int c) { return c; }
static int lower(int c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }

static size_t compared_text(const char *a, const char *b, size_t most, fold *as) {
    size_t i = 0;
    while (i < most && a[i] && as((unsigned char)a[i]) == as((unsigned char)b[i])) i++;
    return i < most ? i + 1 : most;
}

EXPORT int __wrap_strcmp(const char *a, const char *b) {
    size_t read = compared_text(a, b, SIZE_MAX, same);
    READS(a, read);
    READS(b, read);
    return strcmp(a, b);
}

EXPORT int __wrap_strncmp(const char *a, const char *b, size_t most) {
    size_t read = compared_text(a, b, most, same);
    READS(a, read);
    READS(b, read);
    return strncmp(a, b, most);
}

EXPORT int __wrap_strcasecmp(const char *a, const char *b) {
    size_t read = compared_text(a, b, SIZE_MAX, lower);
    READS(a, read);
    READS(b, read);
    return strcasecmp(a, b);
}

EXPORT int __wrap_strncasecmp(const char *a, const char *b, size_t most) {
    size_t read = compared_text(a, b, most, lower);
    READS(a, read);
    READS(b, read);
    return strncasecmp(a, b, most);
}

EXPORT char *__wrap_strchr(const char *text, int byte) {
    char *found = strchr(text, byte);
    READS(text, found ? (size_t)(found - text) + 1 : strlen(text) + 1);
    return found;
}

EXPORT char *__wrap_strrchr(const char *text, int byte) {
    READS_TEXT(text);
    return strrchr(text, byte);
}

EXPORT char *__wrap_strstr(const char *text, const char *part) {
    char *found = strstr(text, part);
    READS_TEXT(part);
    READS(text, found ? (size_t)(found - text) + strlen(part) : strlen(text) + 1);
    return found;
}

EXPORT size_t __wrap_strspn(const char *text, const char *set) {
    size_t length = strspn(text, set);
    READS_TEXT(set);
    READS(text, length + 1);
    return length;
}

EXPORT size_t __wrap_strcspn(const char *text, const char *set) {
    size_t length = strcspn(text, set);
    READS_TEXT(set);
    READS(text, length + 1);
    return length;
}

EXPORT char *__wrap_strpbrk(const char *text, const char *set) {
    READS_TEXT(set);
    READS(text, strcspn(text, set) + 1);
    return strpbrk(text, set);
}

EXPORT char *__wrap_strtok_r(char *text, const char *set, char **rest) {
    char *from = text ? text : *rest, *token;
    READS_TEXT(set);
    READS(rest, sizeof *rest);
    token = strtok_r(text, set, rest);
    READS(from, *rest > from ? (size_t)(*rest - from) : 1);
    if (token && *rest > token && !(*rest)[-1]) WRITES(*rest - 1, 1);
    WRITES(rest, sizeof *rest);
    return token;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* What a number was read from, its end included. */
static void reads_number(const char *text, const char *end, const void *site) {
    libc_reads(text, (size_t)(end - text) + 1, site);
}

#define NUMBER(type, call)                          \
    char *stop;                                     \
    type value = call;                              \
    reads_number(text, stop, CALLER());             \
    if (end) WRITES(end, sizeof *end), *end = stop; \
    return value

EXPORT long __wrap_strtol(const char *text, char **end, int base) {
    NUMBER(long, strtol(text, &stop, base));
}

EXPORT long long __wrap_strtoll(const char *text, char **end, int base) {
    NUMBER(long long, strtoll(text, &stop, base));
}

EXPORT unsigned long __wrap_strtoul(const char *text, char **end, int base) {
    NUMBER(unsigned long, strtoul(text, &stop, base));
}

EXPORT unsigned long long __wrap_strtoull(const char *text, char **end, int base) {
    NUMBER(unsigned long long, strtoull(text, &stop, base));
}

EXPORT double __wrap_strtod(const char *text, char **end) { NUMBER(double, strtod(text, &stop)); }

EXPORT int __wrap_atoi(const char *text) {
    char *stop;
    long value = strtol(text, &stop, 10);
    reads_number(text, stop, CALLER());
    return (int)value;
}

EXPORT long __wrap_atol(const char *text) {
    char *stop;
    long value = strtol(text, &stop, 10);
    reads_number(text, stop, CALLER());
    return value;
}

/* ---- Arrays -------------------------------------------------------------------------------- */

EXPORT void __wrap_qsort(void *base, size_t count, size_t size,
                         int (*compare)(const void *, const void *)) {
    READS(base, count * size);
    WRITES(base, count * size);
    qsort(base, count, size, compare);
}

/* The comparison tells what is read. */
EXPORT void *__wrap_bsearch(const void *key, const void *base, size_t count, size_t size,
                            int (*compare)(const void *, const void *)) {
    return bsearch(key, base, count, size, compare);
}

/* ---- Printing ------------------------------------------------------------------------------ */

static int print(char *to, size_t size, const char *format, va_list arguments, const void *site) {
    int length = vsnprintf(to, size, format, arguments);
    libc_reads(format, strlen(format) + 1, site);
    if (length >= 0 && size)
        libc_writes(to, (size_t)length < size ? (size_t)length + 1 : size, site);
    return length;
}

EXPORT int __wrap_vsnprintf(char *to, size_t size, const char *format, va_list arguments) {
    return print(to, size, format, arguments, CALLER());
}

EXPORT int __wrap_snprintf(char *to, size_t size, const char *format, ...) {
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = print(to, size, format, arguments, CALLER());
    va_end(arguments);
    return length;
}

static int print_all(char *to, const char *format, va_list arguments, const void *site) {
    int length = vsprintf(to, format, arguments);
    libc_reads(format, strlen(format) + 1, site);
    if (length >= 0) libc_writes(to, (size_t)length + 1, site);
    return length;
}

EXPORT int __wrap_vsprintf(char *to, const char *format, va_list arguments) {
    return print_all(to, format, arguments, CALLER());
}

EXPORT int __wrap_sprintf(char *to, const char *format, ...) {
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = print_all(to, format, arguments, CALLER());
    va_end(arguments);
    return length;
}

/* ---- Files --------------------------------------------------------------------------------- */

EXPORT int __wrap_puts(const char *text) {
    READS_TEXT(text);
    return puts(text);
}

EXPORT int __wrap_fputs(const char *text, FILE *file) {
    READS_TEXT(text);
    return fputs(text, file);
}

EXPORT char *__wrap_fgets(char *to, int size, FILE *file) {
    char *got = fgets(to, size, file);
    if (got) WRITES(to, strlen(to) + 1);
    return got;
}

EXPORT size_t __wrap_fread(void *to, size_t size, size_t count, FILE *file) {
    size_t got = fread(to, size, count, file);
    WRITES(to, got * size);
    return got;
}

EXPORT size_t __wrap_fwrite(const void *from, size_t size, size_t count, FILE *file) {
    READS(from, count * size);
    return fwrite(from, size, count, file);
}

EXPORT ssize_t __wrap_read(int fd, void *to, size_t size) {
    ssize_t got = read(fd, to, size);
    if (got > 0) WRITES(to, (size_t)got);
    return got;
}

EXPORT ssize_t __wrap_pread(int fd, void *to, size_t size, off_t offset) {
    ssize_t got = pread(fd, to, size, offset);
    if (got > 0) WRITES(to, (size_t)got);
    return got;
}

EXPORT ssize_t __wrap_write(int fd, const void *from, size_t size) {
    READS(from, size);
    return write(fd, from, size);
}

EXPORT ssize_t __wrap_pwrite(int fd, const void *from, size_t size, off_t offset) {
    READS(from, size);
    return pwrite(fd, from, size, offset);
}

/* ---- Atomics of sizes for which there are no instructions ---------------------------------- */

static char lock_of_large;

static void lock_large(void) {
    while (__atomic_test_and_set(&lock_of_large, __ATOMIC_ACQUIRE)) continue;
}

static void unlock_large(void) { __atomic_clear(&lock_of_large, __ATOMIC_RELEASE); }

EXPORT void __wrap___atomic_load(size_t size, void *object, void *to, int order) {
    struct atomic atomic = atomic_begin(OP_LOAD, object, (unsigned)size, order, CALLER());
    lock_large();
    memcpy(to, object, size);
    unlock_large();
    atomic_end(&atomic, true, false, false, 0);
}

EXPORT void __wrap___atomic_store(size_t size, void *object, void *from, int order) {
    struct atomic atomic = atomic_begin(OP_STORE, object, (unsigned)size, order, CALLER());
    bool changed;
    lock_large();
    changed = memcmp(object, from, size) != 0;
    memcpy(object, from, size);
    unlock_large();
    atomic_end(&atomic, false, true, changed, 0);
}

EXPORT void __wrap___atomic_exchange(size_t size, void *object, void *from, void *to, int order) {
    struct atomic atomic = atomic_begin(OP_RMW, object, (unsigned)size, order, CALLER());
    bool changed;
    lock_large();
    changed = memcmp(object, from, size) != 0;
    memcpy(to, object, size);
    memcpy(object, from, size);
    unlock_large();
    atomic_end(&atomic, true, true, changed, 0);
}

EXPORT _Bool __wrap___atomic_compare_exchange(size_t size, void *object, void *expected, void *from,
                                              int order, int failure_order) {
    struct atomic atomic = atomic_begin(OP_CAS, object, (unsigned)size, order, CALLER());
    bool equal, changed;
    lock_large();
    equal = memcmp(object, expected, size) == 0;
    changed = equal && memcmp(object, from, size) != 0;
    memcpy(equal ? object : expected, equal ? from : object, size);
    unlock_large();
    if (!equal) atomic.order = failure_order;
    atomic_end(&atomic, true, equal, changed, equal);
    return equal;
}
