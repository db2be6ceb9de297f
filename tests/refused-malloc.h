/*
 * refused-malloc.h - allocations that fail where refuse("malloc") says so, in a test that has taken
 * other calls over as well. Included once in a program, behind its refuse().
 */
#ifndef TESTS_REFUSED_MALLOC_H
#define TESTS_REFUSED_MALLOC_H

#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size) { return refuse("malloc") ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
    return refuse("malloc") ? NULL : __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
    return size && refuse("malloc") ? NULL : __libc_realloc(block, size);
}

#endif
