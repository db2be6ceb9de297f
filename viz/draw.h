/*
 * draw.h - DOT for things with a given position; what dot.c and band.c share.
 *
 * Coordinates are points, x to the right and y downwards from the top; DOT's y goes upwards, so a
 * drawing knows its height before the first thing is drawn.
 */
#ifndef VIZ_DRAW_H
#define VIZ_DRAW_H

#include "viz/picture.h"

#define DRAW_INK "#333333"
#define DRAW_BLUE "#1f5fa8"
#define DRAW_RED "#c81e1e"
#define DRAW_GREY "#8a8a8a"
#define DRAW_BLOCKED "#d9d9d9"
#define DRAW_STUCK "#f3bcbc"

#define BAND_LEVEL 21 /* height of a level of arcs */

struct draw_arc;

struct drawing {
    struct tool_text *out;
    const struct picture *picture;
    const char *prefix; /* of all names */
    double left;        /* added to all x */
    double *x;          /* of each column's lifeline; one more for the tasks without a column */
    double *box;        /* width of each column's final state */
    double *apart;      /* from the column before it, at least, for the arcs between them */
    double width, height;
    double head, first, band,
        legend;            /* y of the headers, the first row, the final states, the legend */
    struct draw_arc *arcs; /* below the band */
    size_t arc_count, levels;
};

enum draw_align { DRAW_LEFT, DRAW_CENTRE, DRAW_RIGHT };

/* The width of a text in the font of the pictures. */
double draw_text_width(const char *text, double size, bool bold);

/* Appends a text for a place between quotation marks in DOT. */
void draw_quote(struct tool_text *out, const char *text);

/* Appends pos="x,y". */
void draw_at(struct drawing *d, double x, double y);

/* Appends width=, height= for a size in points. */
void draw_size(struct drawing *d, double width, double height);

/*
 * A text in a white box that hides what is beneath it: `align` is the side of the box that is at x.
 * `name` is that of the node; `tip` may be NULL.
 */
struct draw_label {
    const char *text;
    double x, y, size;
    enum draw_align align;
    const char *color;
    bool bold;
    const char *tip;
};
void draw_label(struct drawing *d, const char *name, const struct draw_label *label);

/* Appends pos= of a straight line, or arrow, that keeps `before` and `after` points away from its
 * ends. */
void draw_line(struct drawing *d, double x0, double y0, double x1, double y1, double before,
               double after, bool arrow);

/* Appends pos= of an arrow that leaves downwards, hangs down to `depth` and comes back up to y. */
void draw_hang(struct drawing *d, double x0, double x1, double y, double depth);

/* The final states, the arcs below them, and the legend (band.c): band_measure sets `box` and
 * `apart`, and band_lay_out, once the columns have their places, sets `arcs` and `levels`. */
void band_measure(struct drawing *d);
void band_lay_out(struct drawing *d);
double band_legend_width(const struct drawing *d);
void band_draw(struct drawing *d);
void band_draw_legend(struct drawing *d);

/* How an operation is drawn. */
struct draw_shape {
    const char *shape, *fill, *legend;
};
enum { DRAW_WRITE = 9, DRAW_READ, DRAW_SHAPES };
extern const struct draw_shape draw_shapes[DRAW_SHAPES];
int draw_shape_of(const struct trace_run *run, size_t event);

/* Whether an event has a row of its own, rather than being folded or left out. */
bool draw_has_row(const struct picture *picture, size_t event);

/* Whether a finding is a race with both of its steps in the picture. */
bool draw_shows_pair(const struct picture *picture, const struct trace_finding *finding);

/* Whether an edge is drawn: it leads from one column to another, and says something that the others
 * do not. */
bool draw_shows_edge(const struct picture *picture, size_t edge);

#endif
