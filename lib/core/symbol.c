/*
 * symbol.c - addresses to source lines, by libbacktrace, and by the dynamic linker where that
 * knows nothing.
 *
 * libbacktrace reads the debugging information of every module that is loaded as soon as it is
 * asked for one address, and what the C library's alone takes is often more than all the rest. So
 * each module has a state of its own, which is shown that module alone: its calls of
 * dl_iterate_phdr come here (--wrap). Where the linker has not been told to do so, as in a static
 * library, one state has all modules.
 */
#include "lib/core/symbol.h"

#include <backtrace.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { MOST_MODULES = 64 }; /* that addresses are asked of; those beyond share a state */

struct module {
    _Atomic uintptr_t base; /* 0: free */
    struct backtrace_state *state;
};

static struct module modules[MOST_MODULES];
static atomic_size_t module_count;
static struct backtrace_state *all; /* modules in one state */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- The modules that libbacktrace sees ---------------------------------------------------- */

typedef int look_at_module(struct dl_phdr_info *info, size_t size, void *arg);

/* The linker's names. NULL: it has not wrapped anything. */
int __real_dl_iterate_phdr(look_at_module *look, void *arg) __attribute__((weak));
int __wrap_dl_iterate_phdr(look_at_module *look, void *arg);

/* In the module that is to be seen; 0: all are. */
static _Thread_local uintptr_t wanted;

static bool has(const struct dl_phdr_info *info, uintptr_t address) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD &&
            address - (info->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            return true;
    }
    return false;
}

struct viewer {
    look_at_module *look;
    void *arg;
};

static int show_wanted(struct dl_phdr_info *info, size_t size, void *arg) {
    const struct viewer *viewer = arg;
    return has(info, wanted) ? viewer->look(info, size, viewer->arg) : 0;
}

int __wrap_dl_iterate_phdr(look_at_module *look, void *arg) {
    struct viewer viewer = {look, arg};
    return wanted ? __real_dl_iterate_phdr(show_wanted, &viewer)
                  : __real_dl_iterate_phdr(look, arg);
}

/* ---- States -------------------------------------------------------------------------------- */

static void ignore_error(void *data, const char *message, int code) {
    /* A module without debugging information: what is known is shown. */
    (void)data;
    (void)message;
    (void)code;
}

static void open_all(void) { all = backtrace_create_state(NULL, 1, ignore_error, NULL); }

static struct backtrace_state *state_of_all(void) {
    pthread_once(&once, open_all);
    return all;
}

/* Takes the name of the file that has the address; NULL: it is the executable. */
static int take_path(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    if (!has(info, wanted)) return 0;
    *(const char **)arg = *info->dlpi_name ? info->dlpi_name : NULL;
    return 1;
}

static struct backtrace_state *open_module(uintptr_t base) {
    const char *path = NULL;
    struct backtrace_state *state;
    size_t at;
    if (!__real_dl_iterate_phdr(take_path, &path) ||
        !(state = backtrace_create_state(path, 1, ignore_error, NULL)))
        return NULL;
    /* Two threads may do so at once: the one that is found later on is as good. */
    if ((at = atomic_fetch_add(&module_count, 1)) < MOST_MODULES) {
        modules[at].state = state;
        atomic_store(&modules[at].base, base);
    }
    return state;
}

/* The state to be asked for an address in the module that is loaded at `base`; 0: in none. */
static struct backtrace_state *begin_asking(uintptr_t address, uintptr_t base) {
    if (!__real_dl_iterate_phdr) return state_of_all();
    if (!base) return NULL;
    wanted = address;
    for (size_t i = 0; i < MOST_MODULES; i++)
        if (atomic_load(&modules[i].base) == base) return modules[i].state;
    if (atomic_load(&module_count) < MOST_MODULES) return open_module(base);
    wanted = 0;
    return state_of_all();
}

static void end_asking(void) { wanted = 0; }

/* ---- Places -------------------------------------------------------------------------------- */

struct lookup {
    struct symbol *symbol;
    unsigned room, count; /* further ones of functions that the call was inlined in */
    bool entry;           /* of a function */
    bool failed;          /* the system refused something */
};

/* The code of an error that is none of the system's is 0 or less. */
static void note_error(void *data, const char *message, int code) {
    struct lookup *lookup = data;
    (void)message;
    lookup->failed |= code > 0;
}

/* The innermost function comes first; where a call was inlined that is the one which contains
 * it. A function is meant by its entry whatever was inlined there. */
static int take_line(void *data, uintptr_t pc, const char *file, int line, const char *function) {
    struct lookup *lookup = data;
    (void)pc;
    if (file) lookup->symbol->file = file;
    if (file) lookup->symbol->line = line;
    if (function) lookup->symbol->function = function;
    if (lookup->entry) return 0;
    if (++lookup->count == lookup->room) return 1;
    lookup->symbol[1] = *lookup->symbol;
    lookup->symbol++;
    return 0;
}

static void look_for_entry(void *data, uintptr_t pc, const char *name, uintptr_t value,
                           uintptr_t size) {
    struct lookup *lookup = data;
    (void)name;
    (void)size;
    lookup->entry = value == pc;
}

static void take_name(void *data, uintptr_t pc, const char *name, uintptr_t value, uintptr_t size) {
    struct lookup *lookup = data;
    (void)pc;
    (void)value;
    (void)size;
    if (name) lookup->symbol->function = name;
}

const char *symbol_basename(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static struct lookup take(struct backtrace_state *from, uintptr_t pc, struct symbol *symbols,
                          unsigned most) {
    struct lookup lookup = {.symbol = symbols, .room = most};
    backtrace_syminfo(from, pc, look_for_entry, note_error, &lookup);
    backtrace_pcinfo(from, pc, take_line, note_error, &lookup);
    lookup.symbol = symbols;
    if (!*symbols->function) backtrace_syminfo(from, pc, take_name, note_error, &lookup);
    if (!lookup.count) lookup.count = 1;
    return lookup;
}

bool symbol_take(struct backtrace_state *from, uintptr_t pc, struct symbol *symbol) {
    return !take(from, pc, symbol, 1).failed;
}

unsigned symbol_resolve_all(const void *return_address, struct symbol *symbols, unsigned most) {
    uintptr_t pc = (uintptr_t)return_address - 1; /* within the call */
    struct backtrace_state *state;
    unsigned count = 1;
    Dl_info info = {0};

    *symbols = (struct symbol){"", 0, "", "", 0};
    if (!return_address) return 1;
    if (!dladdr((const void *)pc, &info)) info = (Dl_info){0};
    if (info.dli_fname) symbols->module = symbol_basename(info.dli_fname);
    if (info.dli_fbase) symbols->offset = pc - (uintptr_t)info.dli_fbase;
    state = begin_asking(pc, (uintptr_t)info.dli_fbase);
    if (state) count = take(state, pc, symbols, most).count;
    end_asking();
    if (!*symbols->function && info.dli_sname) symbols->function = info.dli_sname;
    return count;
}

void symbol_resolve(const void *return_address, struct symbol *symbol) {
    symbol_resolve_all(return_address, symbol, 1);
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
    struct backtrace_state *state;
    Dl_info info = {0};
    if (!dladdr(address, &info)) info.dli_fbase = NULL;
    state = begin_asking((uintptr_t)address, (uintptr_t)info.dli_fbase);
    if (state) backtrace_syminfo(state, (uintptr_t)address, take_variable, ignore_error, &variable);
    end_asking();
    *offset = variable.offset;
    return variable.name;
}
