/* utf8.c - decoding, cleaning and measuring text. */
#include "viz/utf8.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "viz/tool.h"

size_t utf8_size(const char *bytes, size_t length) {
    if (length == 0) return 0;
    unsigned char lead = (unsigned char)bytes[0];
    if (lead < 0x80) return 1;
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length < size) return 0;
    for (size_t i = 1; i < size; i++) {
        if (((unsigned char)bytes[i] & 0xc0) != 0x80) return 0;
    }
    /* Longer than need be, a surrogate, or beyond Unicode. */
    unsigned char second = (unsigned char)bytes[1];
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
        return 0;
    return size;
}

bool utf8_valid(const char *bytes, size_t length) {
    for (size_t i = 0; i < length;) {
        size_t size = utf8_size(bytes + i, length - i);
        if (size == 0) return false;
        i += size;
    }
    return true;
}

/* The code point of a valid character of `size` bytes. */
static uint32_t decode(const char *bytes, size_t size) {
    unsigned char lead = (unsigned char)bytes[0];
    uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) point = point << 6 | ((unsigned char)bytes[i] & 0x3f);
    return point;
}

static bool is_hostile(uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || (point & 0xfffe) == 0xfffe;
}

void utf8_add_clean(struct tool_text *text, const char *bytes, size_t length) {
    for (size_t i = 0; i < length;) {
        size_t size = utf8_size(bytes + i, length - i);
        if (size == 1 && (bytes[i] == '\n' || bytes[i] == '\t'))
            tool_text_add_bytes(text, " ", 1);
        else if (size == 0 || is_hostile(decode(bytes + i, size)))
            tool_text_add_bytes(text, "?", 1);
        else
            tool_text_add_bytes(text, bytes + i, size);
        i += size > 0 ? size : 1;
    }
}

/* Columns of a code point: the blocks of wide and of combining characters that are met in practice.
 */
static size_t point_columns(uint32_t point) {
    if (point < 0x300) return 1;
    if (point <= 0x36f || (point >= 0xfe00 && point <= 0xfe0f)) return 0;
    bool wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
                (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
                (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) ||
                (point >= 0x1f300 && point <= 0x1faff) || (point >= 0x20000 && point <= 0x3fffd);
    return wide ? 2 : 1;
}

size_t utf8_columns(const char *string) {
    size_t length = strlen(string), columns = 0;
    for (size_t i = 0; i < length;) {
        size_t size = utf8_size(string + i, length - i);
        columns += size > 0 ? point_columns(decode(string + i, size)) : 1;
        i += size > 0 ? size : 1;
    }
    return columns;
}

void utf8_add_clipped(struct tool_text *text, const char *string, size_t columns) {
    if (utf8_columns(string) <= columns) {
        tool_text_add(text, string);
        return;
    }
    size_t length = strlen(string), room = columns > 3 ? columns - 3 : 0, used = 0, i = 0;
    while (i < length) {
        size_t size = utf8_size(string + i, length - i);
        size_t width = size > 0 ? point_columns(decode(string + i, size)) : 1;
        if (used + width > room) break;
        used += width;
        i += size > 0 ? size : 1;
    }
    tool_text_add_bytes(text, string, i);
    tool_text_add_bytes(text, "...", columns < 3 ? columns : 3);
}

void utf8_add_ascii(struct tool_text *text, const char *string) {
    size_t length = strlen(string);
    for (size_t i = 0; i < length;) {
        size_t size = utf8_size(string + i, length - i);
        tool_text_add_bytes(text, size == 1 ? string + i : "?", 1);
        i += size > 0 ? size : 1;
    }
}

bool utf8_is_wanted(void) {
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void utf8_add_xml(struct tool_text *text, const char *string) {
    struct tool_text clean = {0};
    for (const char *line = string; *line;) {
        size_t length = strcspn(line, "\n");
        utf8_add_clean(&clean, line, length);
        line += length;
        if (*line) tool_text_add(&clean, "\n"), line++;
    }
    for (const char *c = tool_text_string(&clean); *c; c++) {
        if (*c == '<')
            tool_text_add(text, "&lt;");
        else if (*c == '>')
            tool_text_add(text, "&gt;");
        else if (*c == '&')
            tool_text_add(text, "&amp;");
        else if (*c == '"')
            tool_text_add(text, "&quot;");
        else
            tool_text_add_bytes(text, c, 1);
    }
    tool_text_free(&clean);
}
