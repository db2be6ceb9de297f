/* context.c - the first switch to a stack; context.h has the others. */
#include "lib/core/context.h"

#include <stdlib.h>
#include <string.h>

#if PIRN_CONTEXT_UCONTEXT

/* makecontext passes ints. */
static void start(unsigned entry_low, unsigned entry_high, unsigned arg_low, unsigned arg_high) {
    uintptr_t entry = (uintptr_t)((uint64_t)entry_high << 32 | entry_low);
    uintptr_t arg = (uintptr_t)((uint64_t)arg_high << 32 | arg_low);
    ((void (*)(void *))entry)((void *)arg);
    abort();
}

void context_init(struct context *context, void *base, size_t size, void (*entry)(void *arg),
                  void *arg) {
    uint64_t e = (uintptr_t)entry, a = (uintptr_t)arg;
    getcontext(&context->machine);
    context->machine.uc_stack.ss_sp = base;
    context->machine.uc_stack.ss_size = size;
    context->machine.uc_link = NULL;
    makecontext(&context->machine, (void (*)(void))(uintptr_t)start, 4, (unsigned)e,
                (unsigned)(e >> 32), (unsigned)a, (unsigned)(a >> 32));
}

#else

void context_start(void) __attribute__((visibility("hidden")));

#if defined __x86_64__

/* Stands where a switch goes on: above the control words are the frame pointer, the argument and
 * the function. A backtrace ends here, since there is no caller. */
__asm__(".text\n\t"
        ".p2align 4\n\t"
        ".hidden context_start\n\t"
        ".globl context_start\n\t"
        ".type context_start, @function\n"
        "context_start:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_undefined rip\n\t"
        "addq $16, %rsp\n\t"
        "popq %rdi\n\t"
        "popq %rax\n\t"
        "xorl %ebp, %ebp\n\t"
        "call *%rax\n\t"
        "ud2\n\t"
        ".cfi_endproc\n\t"
        ".size context_start, .-context_start\n");

void context_init(struct context *context, void *base, size_t size, void (*entry)(void *arg),
                  void *arg) {
    /* At the call of `entry` the stack pointer is a multiple of 16, as the ABI has it. */
    uintptr_t *sp = (uintptr_t *)(void *)((char *)base + size - 16);
    uint32_t mxcsr;
    uint16_t x87;
    __asm__("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    *--sp = (uintptr_t)entry;
    *--sp = (uintptr_t)arg;
    *--sp = 0;
    *--sp = mxcsr | (uintptr_t)x87 << 32;
    *--sp = (uintptr_t)context_start;
    context->sp = sp;
}

#elif defined __aarch64__

__asm__(".text\n\t"
        ".p2align 4\n\t"
        ".hidden context_start\n\t"
        ".globl context_start\n\t"
        ".type context_start, %function\n"
        "context_start:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_undefined x30\n\t"
        "hint #36\n\t"
        "ldp x0, x9, [sp], #16\n\t"
        "mov x29, xzr\n\t"
        "mov x30, xzr\n\t"
        "blr x9\n\t"
        "brk #1\n\t"
        ".cfi_endproc\n\t"
        ".size context_start, .-context_start\n");

void context_init(struct context *context, void *base, size_t size, void (*entry)(void *arg),
                  void *arg) {
    uintptr_t *sp = (uintptr_t *)(void *)((char *)base + size - 16), fpcr;
    __asm__("mrs %0, fpcr" : "=r"(fpcr));
    *--sp = (uintptr_t)entry;
    *--sp = (uintptr_t)arg;
    *--sp = 0; /* link register */
    *--sp = 0; /* frame pointer */
    *--sp = fpcr;
    *--sp = (uintptr_t)context_start;
    context->sp = sp;
}

#endif
#endif
