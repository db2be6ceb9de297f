/* symbol.c - addresses to source lines, by libbacktrace, and by the dynamic linker where that
 * knows nothing. */
#include "lib/core/symbol.h"

#include <backtrace.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct backtrace_state *state;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void ignore_error(void *data, const char *message, int code) {
    /* A module without debugging information: what is known is shown. */
    (void)data;
    (void)message;
    (void)code;
}

static void open_state(void) { state = backtrace_create_state(NULL, 1, ignore_error, NULL); }

/* The innermost function comes first; where a call was inlined that is the one which contains
 * it. */
static int take_line(void *data, uintptr_t pc, const char *file, int line, const char *function) {
    struct symbol *symbol = data;
    (void)pc;
    if (file) symbol->file = file;
    if (file) symbol->line = line;
    if (function) symbol->function = function;
    return 1;
}

static void take_name(void *data, uintptr_t pc, const char *name, uintptr_t value, uintptr_t size) {
    struct symbol *symbol = data;
    (void)pc;
    (void)value;
    (void)size;
    if (name) symbol->function = name;
}

const char *symbol_basename(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void symbol_resolve(const void *return_address, struct symbol *symbol) {
    uintptr_t pc = (uintptr_t)return_address - 1; /* within the call */
    Dl_info info;

    *symbol = (struct symbol){"", 0, "", "", 0};
    if (!return_address) return;
    pthread_once(&once, open_state);
    if (state) backtrace_pcinfo(state, pc, take_line, ignore_error, symbol);
    if (state && !*symbol->function) backtrace_syminfo(state, pc, take_name, ignore_error, symbol);
    if (!dladdr((const void *)pc, &info)) return;
    if (info.dli_fname) symbol->module = symbol_basename(info.dli_fname);
    symbol->offset = pc - (uintptr_t)info.dli_fbase;
    if (!*symbol->function && info.dli_sname) symbol->function = info.dli_sname;
}

struct variable {
    uintptr_t address, offset;
    const char *name;
};

static void take_variable(void *data, uintptr_t pc, const char *name, uintptr_t value,
                          uintptr_t size) {
    struct variable *variable = data;
    (void)pc;
    if (!name || variable->address - value >= (size ? size : 1)) return;
    variable->name = name;
    variable->offset = variable->address - value;
}

const char *symbol_variable(const void *address, uintptr_t *offset) {
    struct variable variable = {(uintptr_t)address, 0, NULL};
    pthread_once(&once, open_state);
    if (state) backtrace_syminfo(state, (uintptr_t)address, take_variable, ignore_error, &variable);
    *offset = variable.offset;
    return variable.name;
}
