/*
 * record.c - programs that are to be recorded (PIRN_TRACE).
 *
 * libpirn knows nothing of recording. The library that does, libpirn-trace, is the same runtime
 * compiled once more; it takes the place of this one where it is loaded before it. So a program
 * started with PIRN_TRACE set is started anew with that in LD_PRELOAD, before anything of it has
 * run. That is done only where it is certain that nothing has: the program itself names this
 * library as one that it needs.
 */
#include <dlfcn.h>
#include <elf.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "lib/threads/runtime.h"

static const char *wish(void) {
    const char *value = getenv("PIRN_TRACE");
    return value && *value ? value : NULL;
}

void record_check(void) {
    static _Atomic bool said;
    if (wish() && !atomic_exchange(&said, true))
        fputs(
            "pirn: PIRN_TRACE has no effect: this program cannot be started anew with the library "
            "that records; link it with -lpirn dynamically, or use pirn record\n",
            stderr);
}

#ifdef PIC /* in an archive it is too late to do anything about it */

#define RECORDING_LIBRARY "libpirn-trace.so"

/* An address in this library. */
static const char here;

/* Whether the functions that the program calls are this library's. */
static bool in_use(void) {
    Dl_info ours, used;
    void *function = dlsym(RTLD_DEFAULT, "pirn_run");
    return function && dladdr(&here, &ours) && dladdr(function, &used) &&
           ours.dli_fbase == used.dli_fbase;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The first module is the program itself. */
static int look_at_program(struct dl_phdr_info *info, size_t size, void *arg) {
    const char *name = *(const char **)arg, *strings = NULL;
    const ElfW(Dyn) *dynamic = NULL;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            dynamic = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    for (const ElfW(Dyn) *d = dynamic; d && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_STRTAB) strings = (const char *)d->d_un.d_ptr;
    for (const ElfW(Dyn) *d = dynamic; strings && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_NEEDED && !strcmp(base_name(strings + d->d_un.d_val), name)) return 2;
    return 1;
}

static bool is_needed(const char *path) {
    const char *name = base_name(path);
    return dl_iterate_phdr(look_at_program, &name) == 2;
}

/* The arguments of this process; NULL: they cannot be had. */
static char **arguments(void) {
    char *text = NULL, **list = NULL;
    size_t size = 0, count = 0;
    FILE *file = fopen("/proc/self/cmdline", "re");
    if (!file) return NULL;
    if (getdelim(&text, &size, EOF, file) > 0 && !ferror(file)) {
        size_t length = (size_t)ftell(file);
        for (size_t i = 0; i < length; i++) count += text[i] == '\0';
        list = calloc(count + 1, sizeof *list);
        for (size_t at = 0, i = 0; list && i < count; at += strlen(text + at) + 1)
            list[i++] = text + at;
    }
    fclose(file);
    if (!list) free(text);
    return list;
}

static void start_anew(const char *library) {
    const char *more = getenv("LD_PRELOAD");
    char program[PATH_MAX], *before = more ? strdup(more) : NULL, *list;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char **list_of_arguments = arguments();
    if (length <= 0 || !list_of_arguments) return;
    program[length] = '\0';
    if (asprintf(&list, "%s%s%s", library, before && *before ? ":" : "", before ? before : "") < 0)
        return;
    setenv("LD_PRELOAD", list, 1);
    execv(program, list_of_arguments);
    /* Then it goes on as it is, and pirn_run says so. */
    if (before)
        setenv("LD_PRELOAD", before, 1);
    else
        unsetenv("LD_PRELOAD");
}

static __attribute__((constructor)) void look_for_wish(void) {
    char library[PATH_MAX];
    Dl_info info;
    const char *slash;
    if (!wish() || getauxval(AT_SECURE) || !in_use()) return;
    if (!dladdr(&here, &info) || !info.dli_fname || !is_needed(info.dli_fname)) return;
    slash = strrchr(info.dli_fname, '/');
    if (!slash || snprintf(library, sizeof library, "%.*s/" RECORDING_LIBRARY,
                           (int)(slash - info.dli_fname), info.dli_fname) >= (int)sizeof library)
        return;
    /* In LD_PRELOAD blanks and colons part one library from the next. */
    if (strpbrk(library, " :") || access(library, R_OK)) return;
    start_anew(library);
}

#endif
