/*
 * utf8.h - text that comes from outside, made safe to show.
 *
 * Names in a trace are whatever a program said. Before they reach a terminal or a picture they are
 * valid UTF-8 without control characters, on one line.
 */
#ifndef VIZ_UTF8_H
#define VIZ_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tool_text;

/* Returns the number of bytes of the character at `bytes`, 1 to 4, or 0 when there is no valid one
 * in `length`. */
size_t utf8_size(const char *bytes, size_t length);

/* Whether all of it is valid UTF-8. */
bool utf8_valid(const char *bytes, size_t length);

/* Appends the bytes with invalid ones, control characters and those that change the direction of
 * writing replaced by
 * '?', newlines and tabs by a space. */
void utf8_add_clean(struct tool_text *text, const char *bytes, size_t length);

/* Returns the columns that a clean string takes on a terminal. */
size_t utf8_columns(const char *string);

/* Appends as much of a clean string as fits in `columns`; what is cut off is replaced by "...". */
void utf8_add_clipped(struct tool_text *text, const char *string, size_t columns);

/* Appends a clean string with each character outside ASCII replaced by '?'. */
void utf8_add_ascii(struct tool_text *text, const char *string);

/* Whether the locale's characters are UTF-8; bars in a wrong encoding would be rubbish on the
 * terminal. Sets LC_CTYPE from the environment. */
bool utf8_is_wanted(void);

/* Appends text as XML may hold it: valid UTF-8, markup spelt out, no control characters but for ends
 * of lines. */
void utf8_add_xml(struct tool_text *text, const char *string);

#endif
