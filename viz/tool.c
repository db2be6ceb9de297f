/* tool.c - messages, colour, memory and text for the subcommands of `pirn`. */
#include "viz/tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viz/utf8.h"

const char *tool_command = "pirn";

static void print_message(const char *format, va_list arguments) {
    struct tool_text message = {0};
    tool_text_add(&message, "pirn: ");
    tool_text_addv(&message, format, arguments);
    struct tool_text line = {0};
    utf8_add_clean(&line, message.data, message.length);
    tool_text_add(&line, "\n");
    fflush(stdout);
    /* One call, so that messages of several processes do not mix. */
    fwrite(line.data, 1, line.length, stderr);
    tool_text_free(&message);
    tool_text_free(&line);
}

void tool_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
}

int tool_usage_error(const char *subcommand, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
    fprintf(stderr, "try 'pirn %s --help'\n", subcommand);
    return TOOL_USAGE;
}

/* ---- Misspellings -------------------------------------------------------------------------- */

enum { LONGEST_NAME = 24 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* How many letters have to be inserted, removed, replaced or exchanged with their neighbour to make
 * one word of the other; at most LONGEST_NAME. */
static size_t distance(const char *a, const char *b) {
    size_t rows[3][LONGEST_NAME + 1], length = strlen(b);
    if (strlen(a) > LONGEST_NAME || length > LONGEST_NAME) return LONGEST_NAME;
    for (size_t j = 0; j <= length; j++) rows[0][j] = j;
    for (size_t i = 1; i <= strlen(a); i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[strlen(a) % 3][length];
}

const char *tool_nearest(const char *word, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t best = 3; /* farther ones are no misspelling */
    for (size_t i = 0; i < count; i++) {
        size_t far = *word && !strncmp(names[i], word, strlen(word)) ? 0 : distance(word, names[i]);
        if (far >= best || far >= strlen(names[i])) continue;
        best = far;
        nearest = names[i];
    }
    return nearest;
}

/* An option that is none of them, or the beginning of several. */
static int unknown_option(const char *subcommand, const char *word, const struct option *options) {
    const char *names[TOOL_MOST_OPTIONS] = {NULL}, *nearest;
    size_t count = 0, length = strcspn(word + 2, "="), alike = 0;
    struct tool_text wanted = {0}, list = {0};
    tool_text_add_bytes(&wanted, word + 2, length);
    for (; count < TOOL_MOST_OPTIONS && options[count].name; count++) {
        names[count] = options[count].name;
        if (strncmp(names[count], wanted.data ? wanted.data : "", length)) continue;
        tool_text_addf(&list, "%s--%s", alike++ ? ", " : "", names[count]);
    }
    nearest = tool_nearest(tool_text_string(&wanted), names, count);
    if (alike > 1 && length)
        tool_usage_error(subcommand, "option '--%s' is ambiguous: %s", tool_text_string(&wanted),
                         list.data);
    else if (nearest)
        tool_usage_error(subcommand, "unknown option '--%s'; did you mean '--%s'?",
                         tool_text_string(&wanted), nearest);
    else
        tool_usage_error(subcommand, "unknown option '--%s'", tool_text_string(&wanted));
    tool_text_free(&wanted);
    tool_text_free(&list);
    return TOOL_USAGE;
}

int tool_option_error(const char *subcommand, char **argv, int option,
                      const struct option *options) {
    const char *word = argv[optind - 1];
    if (option == ':') return tool_usage_error(subcommand, "option '%s' needs an argument", word);
    if (optopt != 0 && strncmp(word, "--", 2) == 0)
        return tool_usage_error(subcommand, "option '%s' takes no argument", word);
    if (optopt != 0) return tool_usage_error(subcommand, "unknown option '-%c'", optopt);
    return unknown_option(subcommand, word, options);
}

bool tool_color_parse(const char *word, enum tool_color_mode *mode) {
    static const char *const words[] = {"auto", "always", "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *mode = (enum tool_color_mode)i;
            return true;
        }
    }
    return false;
}

bool tool_color(FILE *stream, enum tool_color_mode mode) {
    if (mode != TOOL_COLOR_AUTO) return mode == TOOL_COLOR_ALWAYS;
    const char *no_color = getenv("NO_COLOR");
    if (no_color != NULL && *no_color != '\0') return false;
    const char *term = getenv("TERM");
    if (term == NULL || strcmp(term, "dumb") == 0) return false;
    return isatty(fileno(stream)) == 1;
}

int tool_flush(FILE *stream, const char *name) {
    errno = 0;
    if (fflush(stream) == 0 && !ferror(stream)) return TOOL_OK;
    if (errno != EPIPE)
        tool_error("cannot write to %s: %s", name,
                   errno != 0 ? strerror(errno) : "an earlier write failed");
    return TOOL_FAILED;
}

/* ---- Memory -------------------------------------------------------------------------------- */

_Noreturn static void out_of_memory(void) {
    /* Not through tool_error, which allocates. */
    static const char message[] = "pirn: out of memory\n";
    fwrite(message, 1, sizeof message - 1, stderr);
    exit(TOOL_FAILED);
}

void *tool_alloc(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (memory == NULL) out_of_memory();
    return memory;
}

void *tool_grow(void *array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return array;
    size_t larger = *capacity < SIZE_MAX / 2 ? *capacity * 2 : needed;
    if (larger < needed) larger = needed;
    if (larger < 16) larger = 16;
    if (larger > SIZE_MAX / size) out_of_memory();
    array = realloc(array, larger * size);
    if (array == NULL) out_of_memory();
    *capacity = larger;
    return array;
}

char *tool_copy(const char *string) {
    size_t size = strlen(string) + 1;
    return memcpy(tool_alloc(size, 1), string, size);
}

/* ---- Text ---------------------------------------------------------------------------------- */

void tool_text_add_bytes(struct tool_text *text, const char *bytes, size_t length) {
    if (length >= SIZE_MAX - text->length) out_of_memory();
    text->data = tool_grow(text->data, &text->capacity, text->length + length + 1, 1);
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void tool_text_add(struct tool_text *text, const char *string) {
    tool_text_add_bytes(text, string, strlen(string));
}

void tool_text_addv(struct tool_text *text, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) out_of_memory();
    text->data = tool_grow(text->data, &text->capacity, text->length + (size_t)length + 1, 1);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    text->length += (size_t)length;
    va_end(again);
}

void tool_text_addf(struct tool_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    tool_text_addv(text, format, arguments);
    va_end(arguments);
}

void tool_text_clear(struct tool_text *text) {
    text->length = 0;
    if (text->data != NULL) text->data[0] = '\0';
}

void tool_text_free(struct tool_text *text) {
    free(text->data);
    *text = (struct tool_text){0};
}

const char *tool_text_string(const struct tool_text *text) {
    return text->data != NULL ? text->data : "";
}

/* ---- Quoting ------------------------------------------------------------------------------- */

static bool is_plain(const char *argument) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:,@%^#";
    /* '=' would make an assignment of a first word, so it counts as special; '#' begins a comment,
     * but within a word, as in "trace.db#17", it is like any other. */
    return *argument != '\0' && *argument != '#' && argument[strspn(argument, plain)] == '\0';
}

static bool has_control(const char *argument) {
    for (const unsigned char *p = (const unsigned char *)argument; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) return true;
    }
    return !utf8_valid(argument, strlen(argument));
}

void tool_shell_quote(struct tool_text *text, const char *argument) {
    if (is_plain(argument)) {
        tool_text_add(text, argument);
        return;
    }
    if (has_control(argument)) {
        /* $'...' would be shorter, but not every shell has it. $() drops newlines at the end, so
         * these follow as they are. */
        size_t length = strlen(argument), kept = length;
        while (kept > 0 && argument[kept - 1] == '\n') kept--;
        tool_text_add(text, "\"$(printf '%b' '");
        for (size_t i = 0; i < kept; i++) {
            unsigned char byte = (unsigned char)argument[i];
            if (byte < 0x20 || byte >= 0x7f || byte == '\\' || byte == '\'')
                tool_text_addf(text, "\\0%03o", byte);
            else
                tool_text_add_bytes(text, argument + i, 1);
        }
        tool_text_add(text, "')\"");
        if (kept < length) tool_text_addf(text, "'%s'", argument + kept);
        return;
    }
    tool_text_add(text, "'");
    for (const char *p = argument; *p != '\0'; p++) {
        if (*p == '\'')
            tool_text_add(text, "'\\''");
        else
            tool_text_add_bytes(text, p, 1);
    }
    tool_text_add(text, "'");
}

void tool_shell_quote_all(struct tool_text *text, char *const *arguments, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0) tool_text_add(text, " ");
        tool_shell_quote(text, arguments[i]);
    }
}

void tool_json_string(struct tool_text *text, const char *string) {
    size_t length = strlen(string);
    tool_text_add(text, "\"");
    for (size_t i = 0; i < length;) {
        unsigned char byte = (unsigned char)string[i];
        size_t size = utf8_size(string + i, length - i);
        if (size == 0) {
            tool_text_add(text, "\\ufffd");
            size = 1;
        } else if (byte == '"' || byte == '\\') {
            tool_text_addf(text, "\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            tool_text_addf(text, "\\u%04x", byte);
        } else {
            tool_text_add_bytes(text, string + i, size);
        }
        i += size;
    }
    tool_text_add(text, "\"");
}
