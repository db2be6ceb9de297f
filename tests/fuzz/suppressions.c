/*
 * suppressions.c - reads files of suppressions that were made at random, and asks them about races.
 *
 *     tests/fuzz/suppressions [ROUNDS [SEED]]
 *
 * A file is to be read, or refused with one line. Those that were read must say of a race what a
 * table of all prefixes says, which takes as long as pattern and name are long, one times the other;
 * so must they: a round that takes seconds fails. Built with clang -fsanitize=fuzzer
 * -DPIRN_LIBFUZZER=1, the fuzzer makes the files in place of the seed.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Its tables have to be emptied, its names made up. */
#include "sim/race/suppress.c"

enum { LONGEST = 2000, LONGEST_NAME = 200, CALLS = 3, HANGS_AFTER = 20 };

/* What stands at each address: the names that the file itself talks of, so that some match. */
static struct symbol symbols[2 * CALLS];
static const char *variable;

unsigned symbol_resolve_all(const void *address, struct symbol *to, unsigned most) {
    (void)most;
    *to = symbols[(uintptr_t)address - 1];
    return 1;
}

const char *symbol_variable(const void *address, uintptr_t *offset) {
    (void)address;
    *offset = 0;
    return variable;
}

/* ---- What is right ------------------------------------------------------------------------- */

/* Whether the pattern matches somewhere, or from the beginning: before[i] says whether what of it
 * has been looked at may end before character i of the text. */
static bool occurs(const char *pattern, const char *text) {
    bool before[LONGEST_NAME + 1], after[LONGEST_NAME + 1];
    size_t length = strlen(text);
    for (size_t i = 0; i <= length; i++) before[i] = *pattern != '^' || i == 0;
    for (pattern += *pattern == '^'; *pattern; pattern++) {
        bool any = false;
        if (*pattern == '$' && !pattern[1]) return before[length];
        for (size_t i = 0; i <= length; i++) {
            any = any || before[i];
            after[i] = *pattern == '*' ? any : i > 0 && before[i - 1] && text[i - 1] == *pattern;
        }
        memcpy(before, after, length + 1);
    }
    for (size_t i = 0; i <= length; i++)
        if (before[i]) return true;
    return false;
}

static bool is_suppressed(const struct log_race *race) {
    for (size_t i = 0; i < count; i++) {
        const char *pattern = all[i].pattern;
        for (int which = 0; which < 2; which++) {
            const struct log_access *access = which ? &race->before : &race->now;
            for (int call = 0; call < (all[i].top ? 1 : CALLS); call++) {
                const struct symbol *symbol = &symbols[(uintptr_t)access->sites[call] - 1];
                if ((*symbol->function && occurs(pattern, symbol->function)) ||
                    (*symbol->file && occurs(pattern, symbol->file)) ||
                    (*symbol->module && occurs(pattern, symbol->module)))
                    return true;
            }
        }
        if (variable && !all[i].top && occurs(pattern, variable)) return true;
    }
    return false;
}

/* ---- Rounds -------------------------------------------------------------------------------- */

static char names[3 * 2 * CALLS + 1][LONGEST_NAME + 1];

/* Pieces of the file, without the characters that mean something. */
static void make_names(const char *text, size_t size) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t from = size ? (i * 37) % size : 0, length = 0;
        for (; from < size && length < LONGEST_NAME - i && text[from] && text[from] != '\n'; from++)
            if (!strchr("*^$", text[from])) names[i][length++] = text[from];
        names[i][length] = '\0';
    }
    for (int i = 0; i < 2 * CALLS; i++)
        symbols[i] = (struct symbol){.function = names[3 * i],
                                     .file = names[3 * i + 1],
                                     .module = i % 2 ? names[3 * i + 2] : ""};
    variable = size % 3 ? names[3 * 2 * CALLS] : NULL;
}

static bool holds(const char *text, size_t size) {
    struct log_race race = {.now.calls = CALLS, .before.calls = CALLS};
    char path[64], message[512] = "";
    int file = memfd_create("suppressions", MFD_CLOEXEC), rc;
    bool held;
    if (file < 0 || write(file, text, size) != (ssize_t)size) return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    make_names(text, size);
    for (uintptr_t i = 0; i < CALLS; i++) {
        race.now.sites[i] = (const void *)(i + 1);
        race.before.sites[i] = (const void *)(CALLS + i + 1);
    }
    alarm(HANGS_AFTER);
    rc = race_suppress(path, message, sizeof message);
    held = rc ? rc == -EINVAL && *message && !strchr(message, '\n')
              : race_suppressed(&race) == is_suppressed(&race);
    alarm(0);
    close(file);
    for (size_t i = 0; i < count; i++) free(all[i].pattern);
    free(all);
    all = NULL;
    count = 0;
    return held;
}

#if PIRN_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size <= LONGEST && !holds((const char *)data, size)) abort();
    return 0;
}
#else
static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* Lines of which most are suppressions, with few letters, so that patterns match in many ways. */
static size_t make_text(char *text) {
    static const char *const starts[] = {
        "race:", "race:", "race:^", "race_top:", " race:", "thread:", "# race:", "race"};
    size_t size = 0;
    for (uint64_t lines = draw(6), line = 0; line < lines; line++) {
        const char *start = starts[draw(20) ? draw(5) : draw(8)];
        size += (size_t)sprintf(text + size, "%s", start);
        for (uint64_t left = draw(4) ? draw(12) : draw(250); left; left--)
            text[size++] = draw(200) ? "aab*$"[draw(5)] : (char)draw(256);
        text[size++] = draw(30) ? '\n' : '\r';
    }
    return size;
}

static char failure[96];

static void took_too_long(int number) {
    (void)number;
    if (write(STDOUT_FILENO, failure, strlen(failure)) < 0) _exit(3);
    _exit(1);
}

int main(int argc, char **argv) {
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000,
             seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    signal(SIGALRM, took_too_long);
    for (uint64_t round = 0; round < rounds; round++) {
        char text[LONGEST];
        state = seed + round;
        draw(1);
        snprintf(failure, sizeof failure, "failed: tests/fuzz/suppressions 1 %llu\n",
                 (unsigned long long)(seed + round));
        if (holds(text, make_text(text))) continue;
        fputs(failure, stdout);
        return 1;
    }
    printf("%llu files of suppressions were read or refused\n", (unsigned long long)rounds);
    return 0;
}
#endif
