/*
 * libc.h - functions of the C library that touch memory of the program. `pirn cc` has them called
 * as __wrap_NAME, in code that it compiles; those of the C library itself and of other libraries
 * stay as they are.
 */
#ifndef SIM_RACE_LIBC_H
#define SIM_RACE_LIBC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* The calling task, if it is one, reads or writes. */
void libc_reads(const void *address, size_t size, const void *site);
void libc_writes(const void *address, size_t size, const void *site);

/* A block has been allocated; returns its start. */
void *heap_got(void *start, size_t size, const void *site);

/* Name, type of the result, parameters. sim/cli/cc.c tells the linker the names. */
#define LIBC_FUNCTIONS(X)                                                                \
    X(malloc, void *, (size_t))                                                          \
    X(calloc, void *, (size_t, size_t))                                                  \
    X(free, void, (void *))                                                              \
    X(realloc, void *, (void *, size_t))                                                 \
    X(reallocarray, void *, (void *, size_t, size_t))                                    \
    X(aligned_alloc, void *, (size_t, size_t))                                           \
    X(memalign, void *, (size_t, size_t))                                                \
    X(posix_memalign, int, (void **, size_t, size_t))                                    \
    X(strdup, char *, (const char *))                                                    \
    X(strndup, char *, (const char *, size_t))                                           \
    X(asprintf, int, (char **, const char *, ...))                                       \
    X(vasprintf, int, (char **, const char *, va_list))                                  \
    X(mmap, void *, (void *, size_t, int, int, int, off_t))                              \
    X(memcpy, void *, (void *, const void *, size_t))                                    \
    X(memmove, void *, (void *, const void *, size_t))                                   \
    X(mempcpy, void *, (void *, const void *, size_t))                                   \
    X(memset, void *, (void *, int, size_t))                                             \
    X(bcopy, void, (const void *, void *, size_t))                                       \
    X(bzero, void, (void *, size_t))                                                     \
    X(memcmp, int, (const void *, const void *, size_t))                                 \
    X(bcmp, int, (const void *, const void *, size_t))                                   \
    X(memchr, void *, (const void *, int, size_t))                                       \
    X(strlen, size_t, (const char *))                                                    \
    X(strnlen, size_t, (const char *, size_t))                                           \
    X(strcpy, char *, (char *, const char *))                                            \
    X(stpcpy, char *, (char *, const char *))                                            \
    X(strncpy, char *, (char *, const char *, size_t))                                   \
    X(strcat, char *, (char *, const char *))                                            \
    X(strncat, char *, (char *, const char *, size_t))                                   \
    X(strcmp, int, (const char *, const char *))                                         \
    X(strncmp, int, (const char *, const char *, size_t))                                \
    X(strcasecmp, int, (const char *, const char *))                                     \
    X(strncasecmp, int, (const char *, const char *, size_t))                            \
    X(strchr, char *, (const char *, int))                                               \
    X(strrchr, char *, (const char *, int))                                              \
    X(strstr, char *, (const char *, const char *))                                      \
    X(strspn, size_t, (const char *, const char *))                                      \
    X(strcspn, size_t, (const char *, const char *))                                     \
    X(strpbrk, char *, (const char *, const char *))                                     \
    X(strtok_r, char *, (char *, const char *, char **))                                 \
    X(atoi, int, (const char *))                                                         \
    X(atol, long, (const char *))                                                        \
    X(strtol, long, (const char *, char **, int))                                        \
    X(strtoll, long long, (const char *, char **, int))                                  \
    X(strtoul, unsigned long, (const char *, char **, int))                              \
    X(strtoull, unsigned long long, (const char *, char **, int))                        \
    X(strtod, double, (const char *, char **))                                           \
    X(qsort, void, (void *, size_t, size_t, int (*)(const void *, const void *)))        \
    X(bsearch, void *,                                                                   \
      (const void *, const void *, size_t, size_t, int (*)(const void *, const void *))) \
    X(sprintf, int, (char *, const char *, ...))                                         \
    X(vsprintf, int, (char *, const char *, va_list))                                    \
    X(snprintf, int, (char *, size_t, const char *, ...))                                \
    X(vsnprintf, int, (char *, size_t, const char *, va_list))                           \
    X(puts, int, (const char *))                                                         \
    X(fputs, int, (const char *, FILE *))                                                \
    X(fgets, char *, (char *, int, FILE *))                                              \
    X(fread, size_t, (void *, size_t, size_t, FILE *))                                   \
    X(fwrite, size_t, (const void *, size_t, size_t, FILE *))                            \
    X(read, ssize_t, (int, void *, size_t))                                              \
    X(pread, ssize_t, (int, void *, size_t, off_t))                                      \
    X(write, ssize_t, (int, const void *, size_t))                                       \
    X(pwrite, ssize_t, (int, const void *, size_t, off_t))                               \
    X(__atomic_load, void, (size_t, void *, void *, int))                                \
    X(__atomic_store, void, (size_t, void *, void *, int))                               \
    X(__atomic_exchange, void, (size_t, void *, void *, void *, int))                    \
    X(__atomic_compare_exchange, _Bool, (size_t, void *, void *, void *, int, int))

#define X(name, type, parameters) type __wrap_##name parameters;
LIBC_FUNCTIONS(X)
#undef X

#endif
