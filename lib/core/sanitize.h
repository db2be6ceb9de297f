/*
 * sanitize.h - what AddressSanitizer, ThreadSanitizer and Valgrind must be told about stacks and
 * switches. Nothing where they are not there.
 *
 * A switch is announced before it with sanitize_leave and completed on the other side with
 * sanitize_arrive. Each context has a struct fiber; that of a thread's own stack comes from
 * sanitize_thread.
 */
#ifndef CORE_SANITIZE_H
#define CORE_SANITIZE_H

#include <stddef.h>

#if defined __SANITIZE_ADDRESS__
#define PIRN_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define PIRN_ASAN 1
#endif
#endif

#if defined __SANITIZE_THREAD__
#define PIRN_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define PIRN_TSAN 1
#endif
#endif

#ifndef PIRN_ASAN
#define PIRN_ASAN 0
#endif
#ifndef PIRN_TSAN
#define PIRN_TSAN 0
#endif

/* Whether memory has a shadow, which belongs to a sanitizer. */
#if PIRN_ASAN || PIRN_TSAN
#define PIRN_SANITIZED 1
#else
#define PIRN_SANITIZED 0
#endif

#if PIRN_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if PIRN_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
/* Whether it runs the program: asking it costs more than looking here. */
extern unsigned sanitize_valgrind __attribute__((visibility("hidden")));
#endif

struct fiber {
#if PIRN_ASAN
    const void *base;
    size_t size;
    void *fake_stack;
#endif
#if PIRN_TSAN
    void *tsan;
#endif
#if HAVE_VALGRIND_VALGRIND_H
    unsigned valgrind;
#endif
    char unused; /* so that it is a struct without any of them */
};

/* A new stack for a task. */
static inline void sanitize_stack(struct fiber *fiber, void *base, size_t size) {
    (void)fiber;
    (void)base;
    (void)size;
#if PIRN_ASAN
    fiber->base = base;
    fiber->size = size;
    fiber->fake_stack = NULL;
#endif
#if PIRN_TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
#if HAVE_VALGRIND_VALGRIND_H
    if (__builtin_expect(sanitize_valgrind, 0))
        fiber->valgrind = VALGRIND_STACK_REGISTER(base, (char *)base + size);
#endif
}

/* The task's stack is not used any more; not called on it. */
static inline void sanitize_stack_end(struct fiber *fiber) {
    (void)fiber;
#if PIRN_TSAN
    __tsan_destroy_fiber(fiber->tsan);
#endif
#if HAVE_VALGRIND_VALGRIND_H
    if (__builtin_expect(sanitize_valgrind, 0)) VALGRIND_STACK_DEREGISTER(fiber->valgrind);
#endif
}

/* The calling thread's own stack. Its bounds become known at the first arrival elsewhere. */
static inline void sanitize_thread(struct fiber *fiber) {
    (void)fiber;
#if PIRN_ASAN
    fiber->base = NULL;
    fiber->size = 0;
    fiber->fake_stack = NULL;
#endif
#if PIRN_TSAN
    fiber->tsan = __tsan_get_current_fiber();
#endif
}

/* Just before the switch. `ends`: the context left is never returned to. */
static inline __attribute__((always_inline)) void sanitize_leave(struct fiber *from,
                                                                 struct fiber *to, int ends) {
    (void)from;
    (void)to;
    (void)ends;
#if PIRN_ASAN
    __sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->base, to->size);
#endif
#if PIRN_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
}

/* Just after it, on the new stack. `from` is where it came from; NULL when that is unknown or
 * gone. */
static inline __attribute__((always_inline)) void sanitize_arrive(struct fiber *self,
                                                                  struct fiber *from) {
    (void)self;
    (void)from;
#if PIRN_ASAN
    const void *base;
    size_t size;
    __sanitizer_finish_switch_fiber(self->fake_stack, &base, &size);
    if (from && !from->base) {
        from->base = base;
        from->size = size;
    }
#endif
}

/* What an earlier task left of the shadow of its frames must not accuse the next one. */
static inline void sanitize_stack_reused(void *base, size_t size) {
    (void)base;
    (void)size;
#if PIRN_ASAN
    __asan_unpoison_memory_region(base, size);
#endif
}

#endif
