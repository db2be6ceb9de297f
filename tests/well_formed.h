/* well_formed.h - whether a text is JSON, XML or plain. */
#ifndef TESTS_WELL_FORMED_H
#define TESTS_WELL_FORMED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline const char *json_value(const char *p);

static inline const char *json_space(const char *p) { return p ? p + strspn(p, " \n\t\r") : NULL; }

static inline const char *json_text(const char *p) {
    if (*p++ != '"') return NULL;
    while (*p && *p != '"') {
        if ((unsigned char)*p < 0x20) return NULL;
        if (*p == '\\') {
            p++;
            if (*p == 'u') {
                if (strspn(p + 1, "0123456789abcdefABCDEF") < 4) return NULL;
            } else if (!*p || !strchr("\"\\/bfnrt", *p)) {
                return NULL;
            }
        }
        p++;
    }
    return *p ? p + 1 : NULL;
}

static inline const char *json_list(const char *p, char end, bool keys) {
    p = json_space(p + 1);
    if (*p == end) return p + 1;
    while (p) {
        if (keys) {
            p = json_space(json_text(p));
            if (!p || *p++ != ':') return NULL;
        }
        p = json_space(json_value(json_space(p)));
        if (!p) return NULL;
        if (*p == end) return p + 1;
        if (*p++ != ',') return NULL;
        p = json_space(p);
    }
    return NULL;
}

/* Returns what follows a JSON value; NULL when there is none. */
static inline const char *json_value(const char *p) {
    static const char *const words[] = {"true", "false", "null"};
    size_t digits;

    if (*p == '{') return json_list(p, '}', true);
    if (*p == '[') return json_list(p, ']', false);
    if (*p == '"') return json_text(p);
    for (int i = 0; i < 3; i++)
        if (!strncmp(p, words[i], strlen(words[i]))) return p + strlen(words[i]);
    p += *p == '-';
    digits = strspn(p, "0123456789");
    return digits > 0 && !(digits > 1 && *p == '0') ? p + digits : NULL;
}

/* Whether a text is one JSON value, or one on each line. */
static inline bool is_json(const char *text, bool lines) {
    const char *p = text;

    do {
        p = json_value(json_space(p));
        if (!p) return false;
        if (lines && *p != '\n') return false;
        p = json_space(p);
    } while (lines && *p);
    return *p == '\0';
}

/* No control character but newlines: no escape reaches a terminal, no line is broken. */
static inline bool is_plain(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 && *text != '\n') return false;
    return true;
}

/* Whether each < of a text is one of XML's own: tags and quotes match in pairs. */
static inline bool is_xml(const char *p) {
    int depth = 0;

    for (; *p; p++) {
        if (*p == '&' && strncmp(p, "&lt;", 4) != 0 && strncmp(p, "&gt;", 4) != 0 &&
            strncmp(p, "&amp;", 5) != 0 && strncmp(p, "&quot;", 6) != 0)
            return false;
        if (*p == '>') return false;
        if (*p != '<') continue;
        bool closes = p[1] == '/', declares = p[1] == '?', quoted = false;
        for (p++; *p && (*p != '>' || quoted); p++) {
            quoted ^= *p == '"';
            if (*p == '<') return false;
        }
        if (!*p) return false;
        depth += closes ? -1 : declares || p[-1] == '/' ? 0 : 1;
        if (depth < 0) return false;
    }
    return depth == 0;
}

#endif
