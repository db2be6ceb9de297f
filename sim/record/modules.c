/*
 * modules.c - see modules.h.
 *
 * libbacktrace reads the file that it is told is the executable. If that is one which may be loaded
 * anywhere, it takes it to be where the executable of this process is; else, where the file says.
 * What it has read takes long and much memory, and is never given back: so a file is read once in
 * this process, for all runs and wherever it was loaded in them.
 */
#include "sim/record/modules.h"

#include <backtrace.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file as it was when it was read. */
struct source {
    struct source *next;
    dev_t device;
    ino_t inode;
    struct timespec changed;
    struct backtrace_state *state;
    uintptr_t base; /* where libbacktrace takes it to be */
    bool failed;    /* the system refused something: the next run reads the file anew */
};

struct module {
    char *path;
    uint64_t bias, start, end;
    bool known, opened;
    struct source *source; /* NULL: nothing is known of it */
};

struct modules {
    struct module *all;
    size_t count, room;
};

static struct source *sources;

struct modules *modules_new(void) {
    return calloc(1, sizeof(struct modules));
}

void modules_free(struct modules *modules) {
    for (size_t i = 0; modules && i < modules->count; i++) free(modules->all[i].path);
    if (modules) free(modules->all);
    free(modules);
}

bool modules_add(struct modules *modules, const char *path, uint64_t bias, uint64_t start,
                 uint64_t end, bool known) {
    struct module *module;
    for (size_t i = 0; i < modules->count; i++)
        if (modules->all[i].start == start && !strcmp(modules->all[i].path, path)) return true;
    if (modules->count == modules->room) {
        size_t room = modules->room ? 2 * modules->room : 16;
        void *larger = realloc(modules->all, room * sizeof *modules->all);
        if (!larger) return false;
        modules->all = larger;
        modules->room = room;
    }
    module = &modules->all[modules->count];
    *module = (struct module){
        .path = strdup(path), .bias = bias, .start = start, .end = end, .known = known};
    if (!module->path) return false;
    modules->count++;
    return true;
}

static void ignore_error(void *data, const char *message, int code) {
    (void)data;
    (void)message;
    (void)code;
}

/* Where the executable of this process has been loaded: the first. */
static int take_base(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    *(uintptr_t *)arg = info->dlpi_addr;
    return 1;
}

static bool is_of(const struct source *source, const struct stat *status) {
    return !source->failed && source->device == status->st_dev && source->inode == status->st_ino &&
           source->changed.tv_sec == status->st_mtim.tv_sec &&
           source->changed.tv_nsec == status->st_mtim.tv_nsec;
}

static struct source *read_source(const char *path, int fd, const struct stat *status) {
    ElfW(Ehdr) head;
    struct source *source;
    if (read(fd, &head, sizeof head) != (ssize_t)sizeof head ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) || !(source = malloc(sizeof *source)))
        return NULL;
    *source = (struct source){.next = sources,
                              .device = status->st_dev,
                              .inode = status->st_ino,
                              .changed = status->st_mtim};
    if (head.e_type == ET_DYN) dl_iterate_phdr(take_base, &source->base);
    if (!(source->state = backtrace_create_state(path, 0, ignore_error, NULL))) {
        free(source);
        return NULL;
    }
    return sources = source;
}

static void open_module(struct module *module) {
    struct stat status;
    int fd = module->known ? open(module->path, O_RDONLY | O_CLOEXEC) : -1;
    module->opened = true;
    if (fd < 0) return;
    if (!fstat(fd, &status)) {
        for (module->source = sources; module->source; module->source = module->source->next)
            if (is_of(module->source, &status)) break;
        if (!module->source) module->source = read_source(module->path, fd, &status);
    }
    close(fd);
}

void modules_resolve(struct modules *modules, const void *return_address, struct symbol *symbol) {
    uint64_t pc = (uint64_t)(uintptr_t)return_address - 1;
    *symbol = (struct symbol){"", 0, "", "", 0};
    for (size_t i = 0; i < modules->count; i++) {
        struct module *module = &modules->all[i];
        uintptr_t at;
        if (pc < module->start || pc >= module->end) continue;
        symbol->module = symbol_basename(module->path);
        symbol->offset = (uintptr_t)(pc - module->start);
        if (!module->opened) open_module(module);
        if (!module->source) return;
        at = module->source->base + (uintptr_t)(pc - module->bias);
        if (!symbol_take(module->source->state, at, symbol)) module->source->failed = true;
        return;
    }
}
