/*
 * options.c - reads the options of subcommands that were put together at random.
 *
 *     tests/fuzz/options [ROUNDS [SEED]]
 *
 * They are to be taken, with values in the range that the help tells, or refused with status 2 and
 * lines on standard error in which nothing but what can be printed stands, or to have asked for
 * help. Built with clang -fsanitize=fuzzer -DPIRN_LIBFUZZER=1, the fuzzer makes them in place of the
 * seed.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/cli/options.h"
#include "sim/shrink.h"

enum { MOST_WORDS = 20, LONGEST_WORD = 200, LONGEST_OUTPUT = 20000 };

static const struct options_usage usages[] = {
    {OPTIONS_RUN, "run", "PROGRAM", "Runs.", "examples\n"},
    {OPTIONS_EXPLORE, "explore", "PROGRAM", "Explores.", "examples\n"},
    {OPTIONS_REPLAY, "replay", "SCHEDULE PROGRAM", "Replays.", "examples\n"},
    {OPTIONS_SHRINK, "shrink", "SCHEDULE PROGRAM", "Shrinks.", "examples\n"},
};

/* Where standard output and standard error go meanwhile. */
static int written;

/* Messages: each line is text, and the first one is pirn's. */
static bool is_told(const char *text, size_t size) {
    if (size < 7 || strncmp(text, "pirn: ", 6) != 0 || text[size - 1] != '\n') return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\n') || c == 0x7f) return false;
    }
    return true;
}

static bool is_in_range(const struct options *o) {
    const struct control_options *c = &o->control;
    return c->time_limit >= 0 && c->run_time_limit >= 0 && c->jobs <= MOST_JOBS &&
           c->shard <= c->shards && (!c->shards || c->shard) && c->samples <= MOST_SAMPLES &&
           c->max_steps <= UINT32_MAX / 16 && memchr(c->trace, '\0', sizeof c->trace) &&
           memchr(c->suppressions, '\0', sizeof c->suppressions) &&
           memchr(c->strategy, '\0', sizeof c->strategy);
}

static bool holds(const struct options_usage *usage, int argc, char **argv) {
    static char output[LONGEST_OUTPUT];
    struct options options;
    int status = -1;
    bool taken, held;
    ssize_t size;
    if (ftruncate(written, 0) != 0 || lseek(written, 0, SEEK_SET) != 0) return false;
    taken = options_read(&options, usage, argc, argv, &status);
    fflush(stdout);
    size = pread(written, output, sizeof output, 0);
    if (taken) {
        held = size == 0 && is_in_range(&options) && options.program >= argv &&
               options.program <= argv + argc;
        options_free(&options);
        return held;
    }
    if (status == TOOL_OK) return size > 0; /* the help */
    return status == TOOL_USAGE && size > 0 && is_told(output, (size_t)size);
}

/* The words of a line of arguments: each ends with a zero byte, as they do in memory. */
static bool words_hold(char *text, size_t size) {
    char *argv[MOST_WORDS + 2];
    int argc = 0;
    size_t at = 1;
    argv[argc++] = text;
    while (at < size && argc <= MOST_WORDS) {
        argv[argc++] = text + at;
        at += strlen(text + at) + 1;
    }
    argv[argc] = NULL;
    return holds(&usages[(unsigned char)text[0] % 4], argc, argv);
}

/* Standard output and error go to a file without a name; returns what standard error was. */
static int take_output(void) {
    int before = dup(STDERR_FILENO);
    written = memfd_create("output", MFD_CLOEXEC);
    if (before < 0 || written < 0 || dup2(written, STDOUT_FILENO) < 0 ||
        dup2(written, STDERR_FILENO) < 0)
        exit(3);
    return before;
}

#if PIRN_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char text[MOST_WORDS * LONGEST_WORD + 2] = "";
    int kept[2] = {dup(STDOUT_FILENO), 0};
    bool held = true;
    kept[1] = take_output();
    if (size < sizeof text - 1) {
        memcpy(text, data, size);
        held = words_hold(text, size);
    }
    dup2(kept[0], STDOUT_FILENO);
    dup2(kept[1], STDERR_FILENO);
    for (int i = 0; i < 2; i++) close(kept[i]);
    close(written);
    if (!held) abort();
    return 0;
}
#else
static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

#define PICK(list) ((list)[draw(sizeof(list) / sizeof *(list))])

static size_t add_noise(char *to) {
    size_t size = draw(5) ? draw(8) : draw(LONGEST_WORD);
    for (size_t i = 0; i < size; i++)
        to[i] = (char)(draw(3) ? "0123456789-/.,=x:"[draw(17)] : (char)(1 + draw(255)));
    return size;
}

static size_t make_words(char *text) {
    static const char *const options[] = {
        "-n",        "-t",          "-j",       "-q",      "-h",           "--",       "-",
        "--runs",    "--time",      "--jobs",   "--seed",  "--strategy",   "--shard",  "--trace",
        "--resume",  "--record",    "--shrink", "--json",  "--samples",    "--allow",  "--gdb",
        "--until",   "--max-steps", "--points", "--help",  "--suppress",   "--timers", "--timeout",
        "--isolate", "--quiet",     "--junit",  "--annot", "--keep-going", "--color",  "--t",
    };
    static const char *const values[] = {
        "1",
        "0",
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "0x",
        "0x1f",
        "1e9",
        "0.5",
        "1000000001",
        ".",
        "1/2",
        "2/1",
        "1/",
        "/",
        "1000000/1000000",
        "pct:depth=3",
        "pct:",
        "dpor",
        "surw:",
        "help",
        "portfolio",
        "all",
        "none",
        "leak",
        "leak,",
        "race,leak",
        "early",
        "snapshot",
        "github",
        "",
        "finding",
        "always",
        "pirn1:AAAA",
        "./program",
        "dfs:depth=",
    };
    size_t size = 0;
    text[size++] = (char)draw(4);
    for (uint64_t words = draw(MOST_WORDS), i = 0; i < words; i++) {
        if (draw(10)) size += (size_t)sprintf(text + size, "%s", PICK(options));
        if (draw(2)) text[size++] = draw(2) ? '=' : '\0';
        size += draw(4) ? (size_t)sprintf(text + size, "%s", PICK(values)) : add_noise(text + size);
        text[size++] = '\0';
    }
    return size;
}

int main(int argc, char **argv) {
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000,
             seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    int console = dup(STDOUT_FILENO), status = 0;
    take_output();
    for (uint64_t round = 0; round < rounds && !status; round++) {
        char text[MOST_WORDS * (LONGEST_WORD + 64)];
        state = seed + round;
        draw(1);
        if (words_hold(text, make_words(text))) continue;
        dprintf(console, "failed: tests/fuzz/options 1 %llu\n", (unsigned long long)(seed + round));
        status = 1;
    }
    if (!status)
        dprintf(console, "%llu lines of options were read or refused\n",
                (unsigned long long)rounds);
    return status;
}
#endif
