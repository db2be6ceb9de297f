/*
 * cc.c - `pirn cc`: a compiler that instruments memory accesses and links the simulator.
 *
 * What only compiles is one call of the compiler with flags added, and so is what only links. Where
 * one command does both, each source is compiled into a temporary folder first: the instrumentation
 * must be asked for when compiling, and not when linking, or the compiler would link its own
 * library for it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/cli/command.h"
#include "sim/pirn-sim.h"
#include "sim/race/libc.h"
#include "viz/tool.h"

static const char help[] =
    "usage: pirn cc [--cc=COMPILER] ARGUMENT...\n"
    "\n"
    "Calls the compiler with these arguments, so that the simulator sees each access\n"
    "to memory and each C11 atomic of what it compiles, and links libpirn-sim in\n"
    "place of libpirn. It stands for the compiler in any build: make CC=\"pirn cc\",\n"
    "./configure CC=\"pirn cc\".\n"
    "\n"
    "      --cc=COMPILER       gcc, clang, or what they are called (PIRN_CC, else cc)\n"
    "      --help              this text\n"
    "\n"
    "What is so built reports data races: two accesses to the same bytes, one of them\n"
    "a write, not both atomic, that nothing orders. Run alone it is one simulated\n"
    "run, and exits with 1 instead of 0 after a race; pirn run, explore and replay\n"
    "run it as any program.\n"
    "\n"
    "Atomics are interleaved as if they were sequentially consistent; what\n"
    "synchronises is decided by their memory order, as C11 says. So a publication\n"
    "that is too relaxed is found as a race of what it publishes; values that only\n"
    "weak memory shows are out of scope.\n"
    "\n"
    "  pirn cc -O1 -o orders orders.c && pirn explore ./orders\n"
    "  pirn cc --cc=clang -c orders.c\n";

/* ---- Lists of arguments -------------------------------------------------------------------- */

struct list {
    char **at; /* NULL-terminated */
    size_t count, room;
};

static void add(struct list *list, const char *argument) {
    list->at = tool_grow(list->at, &list->room, list->count + 2, sizeof *list->at);
    list->at[list->count++] = tool_copy(argument);
    list->at[list->count] = NULL;
}

static void TOOL_PRINTF(2, 3) addf(struct list *list, const char *format, ...) {
    char buffer[PATH_MAX + 64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    add(list, buffer);
}

static void add_all(struct list *list, const struct list *more) {
    for (size_t i = 0; i < more->count; i++) add(list, more->at[i]);
}

static void list_free(struct list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->at[i]);
    free(list->at);
    *list = (struct list){0};
}

static bool begins(const char *text, const char *with) {
    return !strncmp(text, with, strlen(with));
}

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (!strcmp(text, *words)) return true;
    return false;
}

/* ---- What the arguments mean --------------------------------------------------------------- */

/* Whose argument may be the next one. */
static const char *const with_argument[] = {"-o",        "-x",           "-I",
                                            "-L",        "-D",           "-U",
                                            "-l",        "-B",           "-A",
                                            "-T",        "-u",           "-z",
                                            "-e",        "-MF",          "-MT",
                                            "-MQ",       "-include",     "-imacros",
                                            "-isystem",  "-iquote",      "-idirafter",
                                            "-iprefix",  "-iwithprefix", "-isysroot",
                                            "-Xlinker",  "-Xassembler",  "-Xpreprocessor",
                                            "-Xclang",   "-mllvm",       "-target",
                                            "--param",   "-aux-info",    "-wrapper",
                                            "-dumpbase", "-dumpdir",     NULL};

static const char *const without_linking[] = {"-c", "-S", "-E", "-M", "-MM", "-fsyntax-only", NULL};

/* Of the linker: of no use, and some a reason to warn, where nothing is linked. */
static const char *const of_linker[] = {
    "-shared",       "-static", "-static-pie", "-static-libgcc", "-shared-libgcc",
    "-rdynamic",     "-pie",    "-no-pie",     "-nostdlib",      "-nodefaultlibs",
    "-nostartfiles", "-s",      "-r",          "-symbolic",      NULL};
static const char *const of_linker_with_argument[] = {"-L", "-l", "-T",       "-u",
                                                      "-z", "-e", "-Xlinker", NULL};
/* Of the preprocessor. */
static const char *const of_dependencies[] = {"-MD", "-MMD", "-MP", "-MG", NULL};
static const char *const of_dependencies_with_argument[] = {"-MF", "-MT", "-MQ", NULL};

static bool is_source(const char *path) {
    static const char *const ends[] = {".c", ".i",  ".cc", ".cp", ".cxx", ".cpp", ".c++",
                                       ".C", ".ii", ".m",  ".s",  ".S",   ".sx",  NULL};
    const char *dot = strrchr(path, '.');
    return dot && is_one_of(dot, ends);
}

static bool is_library(const char *path) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return !strcmp(path, "-lpirn") || !strcmp(path, "-lpirn-sim") || !strcmp(name, "libpirn.so") ||
           !strcmp(name, "libpirn.a") || begins(name, "libpirn.so.") ||
           !strcmp(name, "libpirn-sim.so") || begins(name, "libpirn-sim.so.");
}

struct source {
    const char *path, *language; /* of -x; NULL: by its name */
};

struct command {
    const char *compiler;
    struct list arguments;
    struct list compiling; /* those of them that a compilation alone gets */
    struct list linking;   /* and linking alone; a source is NULL's place, by the name below */
    struct source *sources;
    size_t source_count, source_room, inputs;
    const char *output;
    bool links, relocates, has_file; /* has_file: -MF */
    bool depends;
};

static void add_source(struct command *c, const char *path, const char *language) {
    c->sources = tool_grow(c->sources, &c->source_room, c->source_count + 1, sizeof *c->sources);
    c->sources[c->source_count++] = (struct source){path, language};
}

/* Takes an argument that is no option. */
static void take_input(struct command *c, char *argument, const char *language) {
    bool source = strcmp(language ? language : "none", "none") || is_source(argument) ||
                  !strcmp(argument, "-");
    c->inputs++;
    if (source) {
        add_source(c, argument, language);
        addf(&c->linking, "source %zu", c->source_count - 1);
    } else if (!is_library(argument)) {
        add(&c->linking, argument);
    }
}

/* Takes an option, and `value`, if it has a separate one. */
static void take_option(struct command *c, const char *option, const char *value) {
    bool links = is_one_of(option, of_linker) || begins(option, "-Wl,") || begins(option, "-l") ||
                 begins(option, "-L") || (value && is_one_of(option, of_linker_with_argument));
    bool depends = is_one_of(option, of_dependencies) ||
                   (value && is_one_of(option, of_dependencies_with_argument));
    char library[PATH_MAX];

    if (is_one_of(option, without_linking)) c->links = false;
    if (!strcmp(option, "-r")) c->relocates = true;
    if (!strcmp(option, "-MD") || !strcmp(option, "-MMD")) c->depends = true;
    if (!strcmp(option, "-MF")) c->has_file = true;
    if (!strcmp(option, "-l") && value) {
        snprintf(library, sizeof library, "-l%s", value);
        if (is_library(library)) return;
    }
    if (is_library(option)) {
        c->inputs++;
        return;
    }
    if (begins(option, "-l")) c->inputs++;
    if (!links) {
        add(&c->compiling, option);
        if (value) add(&c->compiling, value);
    }
    if (!depends && strcmp(option, "-fsanitize=thread")) {
        add(&c->linking, option);
        if (value) add(&c->linking, value);
    }
}

static void understand(struct command *c) {
    const char *language = NULL;
    c->links = true;
    for (size_t i = 0; i < c->arguments.count; i++) {
        char *argument = c->arguments.at[i], *value = NULL;
        if (argument[0] != '-' || !argument[1]) {
            take_input(c, argument, language);
            continue;
        }
        if (is_one_of(argument, with_argument)) value = c->arguments.at[i + 1];
        if (value) i++;
        if (!strcmp(argument, "-o") && value)
            c->output = value;
        else if (begins(argument, "-o"))
            c->output = argument + 2;
        else if (!strcmp(argument, "-x") && value)
            language = value;
        else if (begins(argument, "-x"))
            language = argument + 2;
        else
            take_option(c, argument, value);
    }
}

/* ---- Files of arguments -------------------------------------------------------------------- */

/* Adds what is in the file: words between blanks, with quotes and backslashes as in a shell. */
static bool add_from(struct list *list, const char *path) {
    FILE *file = fopen(path, "re");
    struct tool_text word = {0};
    bool inside = false;
    int c, quote = 0;
    if (!file) return false;
    while ((c = getc(file)) != EOF) {
        char byte = (char)c;
        if (c == '\\' && quote != '\'') {
            if ((c = getc(file)) == EOF) break;
            byte = (char)c;
        } else if (quote ? c == quote : c == '"' || c == '\'') {
            quote = quote ? 0 : c;
            inside = true;
            continue;
        } else if (!quote && strchr(" \t\r\n\f\v", c)) {
            if (inside) add(list, tool_text_string(&word));
            tool_text_clear(&word);
            inside = false;
            continue;
        }
        tool_text_add_bytes(&word, &byte, 1);
        inside = true;
    }
    if (inside) add(list, tool_text_string(&word));
    tool_text_free(&word);
    fclose(file);
    return true;
}

/* ---- Flags --------------------------------------------------------------------------------- */

/* Functions that compilers replace by code of their own, which the instrumentation does not see. */
static const char *const replaced[] = {
    "memcpy",  "memmove",  "mempcpy",  "memset",    "bcopy",      "bzero",       "memcmp",
    "bcmp",    "memchr",   "strlen",   "strnlen",   "strcpy",     "stpcpy",      "strncpy",
    "strcat",  "strncat",  "strcmp",   "strncmp",   "strcasecmp", "strncasecmp", "strchr",
    "strrchr", "strstr",   "strspn",   "strcspn",   "strpbrk",    "strdup",      "strndup",
    "sprintf", "snprintf", "vsprintf", "vsnprintf", "fputs",      "puts",        NULL};

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether the compiler is gcc; others are taken for clang. */
static bool is_gcc(const char *compiler) {
    struct tool_text line = {0};
    char word[64] = "";
    FILE *pipe;
    if (strstr(base_name(compiler), "clang")) return false;
    if (strstr(base_name(compiler), "gcc") || strstr(base_name(compiler), "g++")) return true;
    tool_shell_quote(&line, compiler);
    tool_text_add(&line, " -x c -E -P - 2>/dev/null <<'END'\n__clang__\nEND\n");
    fflush(NULL);
    if ((pipe = popen(line.data, "re"))) {
        if (!fgets(word, sizeof word, pipe)) word[0] = '\0';
        pclose(pipe);
    }
    tool_text_free(&line);
    return begins(word, "__clang__");
}

static void add_compile_flags(struct list *list, const char *compiler) {
    add(list, "-g");
    add(list, "-fsanitize=thread");
    /* There are calls at each access: without a detour. */
    add(list, "-fno-plt");
    for (size_t i = 0; replaced[i]; i++) addf(list, "-fno-builtin-%s", replaced[i]);
    if (!is_gcc(compiler)) return;
    /* No loop becomes one of them either; and its own library has no fences, but ours has. */
    add(list, "-fno-tree-loop-distribute-patterns");
    /* What is fetched at once should have as many of those calls as can be. */
    add(list, "-falign-loops=64");
    add(list, "-Wno-tsan");
}

/* The library's folder: where this command has it from. */
static bool find_folder(char folder[PATH_MAX]) {
    Dl_info info;
    char *slash;
    if (!dladdr(pirn_outcome_name(PIRN_OK), &info) || !info.dli_fname ||
        !realpath(info.dli_fname, folder) || !(slash = strrchr(folder, '/')))
        return false;
    *slash = '\0';
    return true;
}

/* The headers, behind all that the program itself names: beside the library's folder where it was
 * built, else where they are installed. */
static void add_headers(struct list *list) {
    char folder[PATH_MAX], path[PATH_MAX + 32];
    if (!find_folder(folder)) return;
    snprintf(path, sizeof path, "%s/../include/pirn.h", folder);
    add(list, "-idirafter");
    if (access(path, R_OK))
        add(list, INCLUDE_FOLDER);
    else
        addf(list, "%s/../include", folder);
}

static int add_link_flags(struct list *list) {
    static const char *const wrapped[] = {
#define X(name, type, parameters) #name,
        LIBC_FUNCTIONS(X)
#undef X
    };
    char folder[PATH_MAX];
    if (!find_folder(folder)) {
        tool_error("cannot find libpirn-sim.so; this command needs to be linked with it "
                   "dynamically");
        return TOOL_FAILED;
    }
    for (size_t i = 0; i < sizeof wrapped / sizeof *wrapped; i++)
        addf(list, "-Wl,--wrap=%s", wrapped[i]);
    addf(list, "-L%s", folder);
    addf(list, "-Wl,-rpath,%s", folder);
    add(list, "-lpirn-sim");
    return TOOL_OK;
}

/* ---- Running the compiler ------------------------------------------------------------------ */

static int cannot_run(const char *compiler) {
    tool_error("%s: cannot be run: %s (--cc names another compiler)", compiler, strerror(errno));
    return TOOL_USAGE;
}

static int become(const struct list *list) {
    execvp(list->at[0], list->at);
    return cannot_run(list->at[0]);
}

/* Returns its exit status. */
static int run(const struct list *list) {
    int status;
    pid_t child;
    fflush(NULL);
    child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        execvp(list->at[0], list->at);
        _exit(cannot_run(list->at[0]));
    }
    if (child < 0) {
        tool_error("cannot make a process: %s", strerror(errno));
        return TOOL_FAILED;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int compile_only(const struct command *c) {
    struct list list = {0};
    add(&list, c->compiler);
    add_compile_flags(&list, c->compiler);
    add_all(&list, &c->arguments);
    add(&list, "-U_FORTIFY_SOURCE");
    add_headers(&list);
    return become(&list);
}

/* Where gcc and clang put the dependencies of a program that is made at once. */
static void add_dependencies(struct list *list, const struct command *c, const char *path) {
    char name[PATH_MAX];
    char *dot;
    if (!c->depends || c->has_file) return;
    snprintf(name, sizeof name, "%s", base_name(path));
    if ((dot = strrchr(name, '.'))) *dot = '\0';
    add(list, "-MF");
    if (c->output)
        addf(list, "%s-%s.d", c->output, name);
    else
        addf(list, "%s.d", name);
}

static int compile(const struct command *c, size_t i, const char *object) {
    struct list list = {0};
    int status;
    add(&list, c->compiler);
    add_compile_flags(&list, c->compiler);
    add_all(&list, &c->compiling);
    add(&list, "-U_FORTIFY_SOURCE");
    add_headers(&list);
    add_dependencies(&list, c, c->sources[i].path);
    add(&list, "-c");
    add(&list, "-o");
    add(&list, object);
    if (c->sources[i].language) addf(&list, "-x%s", c->sources[i].language);
    add(&list, c->sources[i].path);
    status = run(&list);
    list_free(&list);
    return status;
}

static int link_all(const struct command *c, const char *folder, bool last) {
    struct list list = {0};
    size_t source;
    int status = TOOL_OK;
    add(&list, c->compiler);
    if (c->output) {
        add(&list, "-o");
        add(&list, c->output);
    }
    for (size_t i = 0; i < c->linking.count; i++) {
        if (sscanf(c->linking.at[i], "source %zu", &source) == 1)
            addf(&list, "%s/%zu.o", folder, source);
        else
            add(&list, c->linking.at[i]);
    }
    if (!c->relocates) status = add_link_flags(&list);
    if (status == TOOL_OK) status = last ? become(&list) : run(&list);
    list_free(&list);
    return status;
}

static void remove_folder(const struct command *c, const char *folder) {
    struct tool_text path = {0};
    for (size_t i = 0; i < c->source_count; i++) {
        tool_text_clear(&path);
        tool_text_addf(&path, "%s/%zu.o", folder, i);
        unlink(path.data);
    }
    rmdir(folder);
    tool_text_free(&path);
}

static int compile_and_link(const struct command *c) {
    const char *where = getenv("TMPDIR");
    char folder[PATH_MAX], object[PATH_MAX + 32];
    int status = TOOL_OK;
    snprintf(folder, sizeof folder, "%s/pirn-XXXXXX", where && *where ? where : "/tmp");
    if (!mkdtemp(folder)) {
        tool_error("%s: cannot make a temporary folder: %s (TMPDIR may name another)", folder,
                   strerror(errno));
        return TOOL_FAILED;
    }
    /* The compiler gets them too, and ends. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    for (size_t i = 0; i < c->source_count && status == TOOL_OK; i++) {
        snprintf(object, sizeof object, "%s/%zu.o", folder, i);
        status = compile(c, i, object);
    }
    if (status == TOOL_OK) status = link_all(c, folder, false);
    remove_folder(c, folder);
    return status;
}

int cc_main(int argc, char **argv) {
    struct command c = {.compiler = getenv("PIRN_CC")};
    int first = 1, status;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(help, stdout);
        return tool_flush(stdout, "standard output");
    }
    if (!c.compiler || !*c.compiler) c.compiler = "cc";
    for (; first < argc && begins(argv[first], "--cc="); first++) c.compiler = argv[first] + 5;
    if (first == argc || !*c.compiler)
        return tool_usage_error("cc", "what is to be compiled? pirn cc -o PROGRAM FILE.c");
    for (int i = first; i < argc; i++)
        if (argv[i][0] != '@' || !add_from(&c.arguments, argv[i] + 1)) add(&c.arguments, argv[i]);
    understand(&c);
    signal(SIGPIPE, SIG_DFL);
    if (!c.inputs) {
        struct list list = {0}; /* a question, such as --version */
        add(&list, c.compiler);
        add_all(&list, &c.arguments);
        status = become(&list);
        list_free(&list);
    } else if (!c.links) {
        status = compile_only(&c);
    } else {
        status = c.source_count ? compile_and_link(&c) : link_all(&c, "", true);
    }
    list_free(&c.arguments);
    list_free(&c.compiling);
    list_free(&c.linking);
    free(c.sources);
    return status;
}
