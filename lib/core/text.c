/* text.c - text that is written into a buffer, and places of the program in words. */
#include <stdarg.h>
#include <stdio.h>

#include "lib/core/report.h"
#include "lib/core/symbol.h"

void text_add(struct text *text, const char *format, ...) {
    va_list ap;
    int n;
    va_start(ap, format);
    n = vsnprintf(text->start + text->length, text->size - text->length, format, ap);
    va_end(ap);
    if (n < 0) return;
    text->length += (size_t)n;
    if (text->length >= text->size) text->length = text->size - 1;
}

void text_add_symbol(struct text *text, const struct symbol *s) {
    if (*s->file)
        text_add(text, "%s%s%s:%d", s->function, *s->function ? " at " : "",
                 symbol_basename(s->file), s->line);
    else if (*s->function)
        text_add(text, "%s in %s", s->function, *s->module ? s->module : "an unknown module");
    else
        text_add(text, "%s+%#zx", *s->module ? s->module : "unknown module", (size_t)s->offset);
}

void text_add_site(struct text *text, const void *site) {
    struct symbol s;
    symbol_resolve(site, &s);
    text_add_symbol(text, &s);
}

void text_add_line(struct text *text, const void *site) {
    struct symbol s;
    symbol_resolve(site, &s);
    if (*s.file)
        text_add(text, "%s:%d", symbol_basename(s.file), s.line);
    else
        text_add_site(text, site);
}
