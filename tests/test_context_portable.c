/* test_context_portable.c - the tests of test_context.c on <ucontext.h>, whatever the library
 * uses. */
#ifndef PIRN_CONTEXT_UCONTEXT
#define PIRN_CONTEXT_UCONTEXT 1
#define context_init portable_context_init
#define context_control portable_context_control
#include "lib/core/context.c"
#endif

#include "test_context.c"
