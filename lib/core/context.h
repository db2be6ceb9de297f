/*
 * context.h - switching from one stack to another.
 *
 * A context is the stack pointer of something that has left its stack, with what the ABI obliges a
 * call to preserve saved there. The switch is inlined: the registers that a call preserves are
 * declared as overwritten, so the compiler saves those that are in use and no others, and it leaves
 * by a jump to an address it has loaded rather than by a return, which the processor would predict
 * to go back to the caller it last saw.
 *
 * A switch carries one pointer along, which whoever goes on there gets: after a switch a task may be
 * on another thread, and this tells it which without a look at a thread-local.
 *
 * Compiled with PIRN_CONTEXT_UCONTEXT, and on processors not known here, <ucontext.h> does the
 * same.
 */
#ifndef CORE_CONTEXT_H
#define CORE_CONTEXT_H

/*
 * For every function that calls context_switch. gcc takes an assembler statement for something that
 * calls no function, so it may keep a static variable in a register over it, which another context
 * changes meanwhile; such a function must be opaque to its callers.
 */
#if defined __clang__
#define CONTEXT_BOUNDARY __attribute__((noinline))
#else
#define CONTEXT_BOUNDARY __attribute__((noipa))
#endif

#include <stddef.h>
#include <stdint.h>

#if !defined PIRN_CONTEXT_UCONTEXT && !defined __x86_64__ && !defined __aarch64__
#define PIRN_CONTEXT_UCONTEXT 1
#endif

#if PIRN_CONTEXT_UCONTEXT

#include <ucontext.h>

struct context {
    ucontext_t machine;
};

void *context_switch(struct context *from, struct context *to, void *passed);

#else

struct context {
    void *sp;
};

#if defined __x86_64__

#if defined __AVX512F__
#define CONTEXT_MORE_CLOBBERS                                                                     \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",   \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", \
        "k7"
#else
#define CONTEXT_MORE_CLOBBERS
#endif

/*
 * Saved, from the stack pointer up: where to go on, the control bits of MXCSR and of the x87 (which
 * a call preserves; loading them is slow, so it is done where they differ), the frame pointer; then
 * the 128 bytes below the stack pointer that a function may use without asking.
 */
static inline __attribute__((always_inline)) void *
context_switch(struct context *from, struct context *to, void *passed) {
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "pushq %%rbp\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "subq $8, %%rsp\n\t"
                     "stmxcsr (%%rsp)\n\t"
                     "fnstcw 4(%%rsp)\n\t"
                     "movl (%%rsp), %%edx\n\t"
                     "movzwl 4(%%rsp), %%ecx\n\t"
                     "pushq %%rax\n\t"
                     "movq %%rsp, (%%rdi)\n\t"
                     "movq (%%rsi), %%rsp\n\t"
                     "popq %%rax\n\t"
                     "xorl (%%rsp), %%edx\n\t"
                     "testl $0xffc0, %%edx\n\t"
                     "jz 2f\n\t"
                     "ldmxcsr (%%rsp)\n"
                     "2:\n\t"
                     "cmpw 4(%%rsp), %%cx\n\t"
                     "je 3f\n\t"
                     "fldcw 4(%%rsp)\n"
                     "3:\n\t"
                     "jmp *%%rax\n"
                     "1:\n\t"
                     "addq $8, %%rsp\n\t"
                     "popq %%rbp\n\t"
                     "leaq 128(%%rsp), %%rsp\n\t"
                     : "+D"(from), "+S"(to), "+b"(passed)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc",
                       "memory" CONTEXT_MORE_CLOBBERS);
    return passed;
}

#elif defined __aarch64__

/* Saved, from the stack pointer up: where to go on, FPCR, the frame pointer and the link
 * register. */
static inline __attribute__((always_inline)) void *
context_switch(struct context *from, struct context *to, void *passed) {
    register struct context *from_ __asm__("x0") = from;
    register struct context *to_ __asm__("x1") = to;
    register void *passed_ __asm__("x2") = passed;
    __asm__ volatile("adr x9, 1f\n\t"
                     "mrs x10, fpcr\n\t"
                     "stp x29, x30, [sp, #-16]!\n\t"
                     "stp x9, x10, [sp, #-16]!\n\t"
                     "mov x11, sp\n\t"
                     "str x11, [x0]\n\t"
                     "ldr x11, [x1]\n\t"
                     "mov sp, x11\n\t"
                     "ldp x9, x11, [sp], #16\n\t"
                     "cmp x10, x11\n\t"
                     "b.eq 2f\n\t"
                     "msr fpcr, x11\n"
                     "2:\n\t"
                     "ldp x29, x30, [sp], #16\n\t"
                     "br x9\n"
                     "1:\n\t"
                     "hint #36\n\t" /* bti j: this is where a jump may land */
                     : "+r"(from_), "+r"(to_), "+r"(passed_)
                     :
                     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25",
                       "x26", "x27", "x28", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8",
                       "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",
                       "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
                       "v31", "cc", "memory");
    return passed_;
}

#endif
#endif

/* Where the memory begins that a switch to it touches first. */
static inline const void *context_prefetch(const struct context *context) {
#if PIRN_CONTEXT_UCONTEXT
    return context;
#else
    return context->sp;
#endif
}

/*
 * Prepares a context that will call entry(arg, passed) at the top of the stack [base, base + size),
 * with what the first switch to it passes. `entry` must not return. `base` and `size` are aligned to
 * 16 bytes. `control` is what context_control returned where floating point was as `entry` shall
 * find it.
 */
typedef void context_entry(void *arg, void *passed);
void context_init(struct context *context, void *base, size_t size, context_entry *entry, void *arg,
                  uint64_t control);

/* The control bits of floating point, as they are now. */
uint64_t context_control(void);

#if !PIRN_CONTEXT_UCONTEXT
/* Leaves the stack that it is called on for ever and calls entry(arg, passed) at the top of the
 * stack [base, base + size), which may be the same. */
_Noreturn void context_restart(void *base, size_t size, context_entry *entry, void *arg,
                               void *passed, uint64_t control);
#endif

#endif
