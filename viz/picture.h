/*
 * picture.h - the forms that a run is shown in: Graphviz's DOT, and text.
 *
 * Both are written into memory, depend on nothing but their arguments, and are the same bytes each
 * time.
 */
#ifndef VIZ_PICTURE_H
#define VIZ_PICTURE_H

#include "viz/spacetime.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/waits.h"

struct picture {
    const struct trace_run *run;
    const struct waits *waits;
    const struct spacetime *spacetime;
    const bool *implied; /* by edge: order_reduce's */
    const char *title;   /* the trace's file name without its folder */
    size_t parts;        /* 0, or the event + 1 above which a line says that two runs part */
};

/* The space-time diagram with a position for everything, so that Graphviz draws it and lays nothing
 * out. */
void picture_dot(struct tool_text *out, const struct picture *picture);

/* Two runs side by side in one drawing. */
void picture_dot_pair(struct tool_text *out, const struct picture *left,
                      const struct picture *right);

struct picture_text_options {
    size_t
        width; /* columns of the terminal or page; below 100 a list is written instead of columns */
    bool ascii; /* no character outside ASCII */
    bool color; /* with ANSI escape sequences */
};

/* The same as columns of text, or as a list; without the explanation. */
void picture_text(struct tool_text *out, const struct picture *picture,
                  const struct picture_text_options *options);

/* The rows as a list only, each line indented by two spaces. */
void picture_list(struct tool_text *out, const struct picture *picture,
                  const struct picture_text_options *options);

#endif
