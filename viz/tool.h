/*
 * tool.h - what the subcommands of `pirn` share: exit statuses, messages, colour, quoting, text.
 *
 * Messages go to standard error, one line each, and begin with "pirn: ". Memory that cannot be had
 * ends the process with a message and TOOL_FAILED: no caller could do more than that.
 */
#ifndef VIZ_TOOL_H
#define VIZ_TOOL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit statuses of every subcommand, and what the functions here and in trace.h return. */
enum {
    TOOL_OK = 0,      /* done; nothing was found */
    TOOL_FOUND = 1,   /* a bug was found in the program under test */
    TOOL_USAGE = 2,   /* the request cannot be met as it stands */
    TOOL_FAILED = 3,  /* the tool or the machine failed */
    TOOL_DIVERGED = 4 /* a replay met something else than what was recorded */
};

#if defined __GNUC__
#define TOOL_PRINTF(position, first) __attribute__((format(printf, position, first)))
#else
#define TOOL_PRINTF(position, first)
#endif

/* Prints "pirn: message" to standard error. Control characters in the result are replaced by '?',
 * since file names and labels from a trace may hold terminal escapes. */
void tool_error(const char *format, ...) TOOL_PRINTF(1, 2);

/* As tool_error, then a line that points to `pirn SUBCOMMAND --help`. Returns TOOL_USAGE. */
int tool_usage_error(const char *subcommand, const char *format, ...) TOOL_PRINTF(2, 3);

/*
 * Reports what getopt_long found wrong (`option` is what it returned: '?' or ':'; its short options
 * must begin with ':' so that it is silent and tells a missing argument from an unknown option), and
 * what may have been meant, of `options`, which it was given. Returns TOOL_USAGE.
 */
struct option;
int tool_option_error(const char *subcommand, char **argv, int option,
                      const struct option *options);

enum { TOOL_MOST_OPTIONS = 64 }; /* of a subcommand */

/* Which of `count` names a misspelt word may mean: one that it begins, or that differs in two letters
 * at most; NULL: none. */
const char *tool_nearest(const char *word, const char *const *names, size_t count);

enum tool_color_mode { TOOL_COLOR_AUTO, TOOL_COLOR_ALWAYS, TOOL_COLOR_NEVER };

/* Reads the argument of --color. Returns false, and leaves `mode`, when it is not one of the words.
 */
bool tool_color_parse(const char *word, enum tool_color_mode *mode);

/* Whether to write colours to `stream`. With TOOL_COLOR_AUTO: a terminal, not TERM=dumb, no
 * NO_COLOR. */
bool tool_color(FILE *stream, enum tool_color_mode mode);

/* How this command is called in lines that the user may paste: "pirn", unless main sets it. */
extern const char *tool_command;

/* Flushes `stream`. Returns TOOL_OK, or TOOL_FAILED with a message when anything written to it
 * since it was opened did not arrive (a full disk, a closed descriptor). A closed pipe is no error
 * worth telling. */
int tool_flush(FILE *stream, const char *name);

/* ---- Memory -------------------------------------------------------------------------------- */

/* Returns zeroed memory for `count` things of `size` bytes, never NULL; free() frees it. */
void *tool_alloc(size_t count, size_t size);

/* Returns `array` or a larger copy of it, with room for `needed` things of `size` bytes; updates
 * `capacity`. What is new is not zeroed. */
void *tool_grow(void *array, size_t *capacity, size_t needed, size_t size);

/* Returns a copy of `string`; free() frees it. */
char *tool_copy(const char *string);

/* ---- Text ---------------------------------------------------------------------------------- */

/* A string that grows; zero-initialised it is empty. `data` is NULL while empty, else ends with a
 * NUL. */
struct tool_text {
    char *data;
    size_t length;
    size_t capacity;
};

void tool_text_add(struct tool_text *text, const char *string);
void tool_text_add_bytes(struct tool_text *text, const char *bytes, size_t length);
void tool_text_addf(struct tool_text *text, const char *format, ...) TOOL_PRINTF(2, 3);
void tool_text_addv(struct tool_text *text, const char *format, va_list arguments)
    TOOL_PRINTF(2, 0);
void tool_text_clear(struct tool_text *text); /* makes it empty, keeps the memory */
void tool_text_free(struct tool_text *text);  /* makes it empty, frees the memory */

/* Returns the text, "" when empty; valid until the text changes. */
const char *tool_text_string(const struct tool_text *text);

/*
 * Appends `argument` so that a POSIX shell reads it back as one word, byte for byte. Plain words
 * stay as they are; what holds control characters is written with printf, so that a line stays a
 * line.
 */
void tool_shell_quote(struct tool_text *text, const char *argument);

/* Appends `count` arguments, quoted, with a space between each two. */
void tool_shell_quote_all(struct tool_text *text, char *const *arguments, size_t count);

/* Appends `string` as a JSON string with its quotation marks; invalid UTF-8 becomes U+FFFD. */
void tool_json_string(struct tool_text *text, const char *string);

#endif
