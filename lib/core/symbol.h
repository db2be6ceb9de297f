/* symbol.h - from an address in the program to the function, file and line that a person knows. */
#ifndef CORE_SYMBOL_H
#define CORE_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of an address. The strings live as long as the module is loaded; "" and 0 stand
 * for unknown. */
struct symbol {
    const char *module; /* file name of the executable or library */
    uintptr_t offset;   /* in it */
    const char *function;
    const char *file;
    int line;
};

/*
 * Resolves the place of a call, given the address it returns to, or a function's address plus one.
 * Reads the debugging information at the first call, so it is slow then, and allocates. Any thread
 * may call it.
 */
void symbol_resolve(const void *return_address, struct symbol *symbol);

/* What functions are inlined in each other as a rule. */
enum { SYMBOL_DEPTH = 16 };

/*
 * The same, and behind it the functions that this one was inlined in, the innermost first, each
 * with the line that calls the one before it; `most` of them at most, which is not 0. Returns how
 * many; at least 1.
 */
unsigned symbol_resolve_all(const void *return_address, struct symbol *symbols, unsigned most);

/* Fills in what libbacktrace knows of an address: function, file and line. Returns false where the
 * system refused something that this needs, such as memory; the state stays without it. */
struct backtrace_state;
bool symbol_take(struct backtrace_state *from, uintptr_t pc, struct symbol *symbol);

/* The name of the variable that the address lies in, and where in it; NULL: it is in none that is
 * known. The name lives as long as the module is loaded. */
const char *symbol_variable(const void *address, uintptr_t *offset);

/* Returns the last component of a path. */
const char *symbol_basename(const char *path);

#endif
