/* context.c - the first switch to a stack; context.h has the others. */
#include "lib/core/context.h"

#include <stdlib.h>
#include <string.h>

#if PIRN_CONTEXT_UCONTEXT

static __thread void *in_passing;

/* Not inlined, nor known to anybody: the thread is another after a switch. */
static CONTEXT_BOUNDARY void hand(void *passed) {
    __asm__ volatile("");
    in_passing = passed;
}
static CONTEXT_BOUNDARY void *handed(void) {
    __asm__ volatile("");
    return in_passing;
}

CONTEXT_BOUNDARY void *context_switch(struct context *from, struct context *to, void *passed) {
    hand(passed);
    swapcontext(&from->machine, &to->machine);
    return handed();
}

/* makecontext passes ints. */
static void start(unsigned entry_low, unsigned entry_high, unsigned arg_low, unsigned arg_high) {
    uintptr_t entry = (uintptr_t)((uint64_t)entry_high << 32 | entry_low);
    uintptr_t arg = (uintptr_t)((uint64_t)arg_high << 32 | arg_low);
    ((context_entry *)entry)((void *)arg, handed());
    abort();
}

void context_init(struct context *context, void *base, size_t size, context_entry *entry, void *arg,
                  uint64_t control) {
    uint64_t e = (uintptr_t)entry, a = (uintptr_t)arg;
    (void)control; /* getcontext takes the caller's */
    getcontext(&context->machine);
    context->machine.uc_stack.ss_sp = base;
    context->machine.uc_stack.ss_size = size;
    context->machine.uc_link = NULL;
    makecontext(&context->machine, (void (*)(void))(uintptr_t)start, 4, (unsigned)e,
                (unsigned)(e >> 32), (unsigned)a, (unsigned)(a >> 32));
}

uint64_t context_control(void) { return 0; }

#else

void context_start(void) __attribute__((visibility("hidden")));
void context_begin(void) __attribute__((visibility("hidden")));

#if defined __x86_64__

/*
 * Where the first switch to a stack goes on: above the control words are the frame pointer, the
 * argument and the function; and where context_restart goes on, with all that in registers. A
 * backtrace ends here, since there is no caller.
 */
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
        "movq %rbx, %rsi\n\t"
        "popq %rax\n\t"
        ".hidden context_begin\n\t"
        ".globl context_begin\n"
        "context_begin:\n\t"
        "xorl %ebp, %ebp\n\t"
        "leaq 1f(%rip), %rdx\n\t"
        "pushq %rdx\n\t"
        "jmp *%rax\n"
        "1:\n\t"
        "ud2\n\t"
        ".cfi_endproc\n\t"
        ".size context_start, .-context_start\n");

/* MXCSR, whose lowest six bits are flags and not control, and the x87's control word above it. */
uint64_t context_control(void) {
    uint32_t mxcsr;
    uint16_t x87;
    __asm__("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    return (mxcsr & 0xffc0) | (uint64_t)x87 << 32;
}

/* At the call of `entry` the stack pointer is a multiple of 16, as the ABI has it. */
static uintptr_t *top(void *base, size_t size) {
    return (uintptr_t *)(void *)((char *)base + size - 16);
}

void context_init(struct context *context, void *base, size_t size, context_entry *entry, void *arg,
                  uint64_t control) {
    uintptr_t *sp = top(base, size);
    *--sp = (uintptr_t)entry;
    *--sp = (uintptr_t)arg;
    *--sp = 0;
    *--sp = control;
    *--sp = (uintptr_t)context_start;
    context->sp = sp;
}

_Noreturn void context_restart(void *base, size_t size, context_entry *entry, void *arg,
                               void *passed, uint64_t control) {
    if (context_control() != control) {
        uint32_t mxcsr = (uint32_t)control;
        uint16_t x87 = (uint16_t)(control >> 32);
        __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87));
    }
    __asm__ volatile("movq %0, %%rsp\n\tjmp context_begin"
                     :
                     : "r"(top(base, size)), "a"(entry), "D"(arg), "S"(passed)
                     : "memory");
    __builtin_unreachable();
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
        "mov x1, x2\n\t"
        ".hidden context_begin\n\t"
        ".globl context_begin\n"
        "context_begin:\n\t"
        "mov x29, xzr\n\t"
        "mov x30, xzr\n\t"
        "blr x9\n\t"
        "brk #1\n\t"
        ".cfi_endproc\n\t"
        ".size context_start, .-context_start\n");

uint64_t context_control(void) {
    uint64_t fpcr;
    __asm__("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

static uintptr_t *top(void *base, size_t size) {
    return (uintptr_t *)(void *)((char *)base + size - 16);
}

void context_init(struct context *context, void *base, size_t size, context_entry *entry, void *arg,
                  uint64_t control) {
    uintptr_t *sp = top(base, size);
    *--sp = (uintptr_t)entry;
    *--sp = (uintptr_t)arg;
    *--sp = 0; /* link register */
    *--sp = 0; /* frame pointer */
    *--sp = control;
    *--sp = (uintptr_t)context_start;
    context->sp = sp;
}

_Noreturn void context_restart(void *base, size_t size, context_entry *entry, void *arg,
                               void *passed, uint64_t control) {
    register void *arg_ __asm__("x0") = arg;
    register void *passed_ __asm__("x1") = passed;
    register context_entry *entry_ __asm__("x9") = entry;
    if (context_control() != control) __asm__ volatile("msr fpcr, %0" : : "r"(control));
    __asm__ volatile("mov sp, %0\n\tb context_begin"
                     :
                     : "r"(top(base, size)), "r"(arg_), "r"(passed_), "r"(entry_)
                     : "memory");
    __builtin_unreachable();
}

#endif
#endif
