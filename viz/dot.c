/*
 * dot.c - the space-time diagram in DOT.
 *
 * Time goes downwards, a row a step; a column is a task. Every node and edge has its position and
 * `layout=nop2` tells any Graphviz engine to keep it. Edges are drawn first: labels are white boxes
 * above them.
 */
#include "viz/picture.h"

#include <stdlib.h>
#include <string.h>

#include "viz/draw.h"
#include "viz/explain.h"
#include "viz/label.h"
#include "viz/utf8.h"

#define ROW 22      /* height of a row */
#define LEFT 20     /* room beside the step numbers */
#define NODE 10     /* size of an event */
#define CLEAR 6     /* an edge keeps this far from the middle of an event */
#define LABEL_AT 10 /* a label begins this far from its lifeline */
#define LOWER 10    /* and so far below an event to which arrows come from both sides */
#define HEAD 26     /* what shows of an arrow, from its lifeline on */
#define BAR 8.6     /* width of a blocked bar */
#define LABEL_LENGTH 60
#define PAIR 150 /* between the columns of a race */
#define TITLE_LENGTH 150
#define BETWEEN 40 /* two drawings side by side */

static double level_y(const struct drawing *d, size_t level) {
    return d->first + (double)level * ROW;
}

static double row_y(const struct drawing *d, size_t row) {
    return level_y(d, d->picture->spacetime->rows[row].level);
}

/* ---- Labels -------------------------------------------------------------------------------- */

enum side { SIDE_RIGHT, SIDE_LEFT, SIDE_BELOW };

/* Where an event has the ends of arrows. */
enum { TAIL_RIGHT = 1, TAIL_LEFT = 2, HEAD_RIGHT = 4, HEAD_LEFT = 8 };

/* Away from the arrows, and from their heads at least, which come from above. */
static enum side side_of(unsigned arrows) {
    bool right = arrows & (TAIL_RIGHT | HEAD_RIGHT), left = arrows & (TAIL_LEFT | HEAD_LEFT);
    if (!right) return SIDE_RIGHT;
    if (!left) return SIDE_LEFT;
    if (!(arrows & HEAD_RIGHT)) return SIDE_RIGHT;
    return arrows & HEAD_LEFT ? SIDE_BELOW : SIDE_LEFT;
}

/* For each event the side on which its label is. */
static unsigned char *find_sides(const struct drawing *d) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    unsigned char *arrows = tool_alloc(run->event_count, 1),
                  *sides = tool_alloc(run->event_count, 1);
    for (size_t i = 0; i < run->edge_count; i++) {
        const struct trace_edge *edge = &run->edges[i];
        if (!draw_shows_edge(d->picture, i)) continue;
        size_t from = spacetime_column(st, run, edge->before),
               to = spacetime_column(st, run, edge->after);
        arrows[edge->before] |= to > from ? TAIL_RIGHT : TAIL_LEFT;
        arrows[edge->after] |= to > from ? HEAD_LEFT : HEAD_RIGHT;
    }
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        if (!draw_shows_pair(d->picture, finding)) continue;
        size_t one = spacetime_column(st, run, finding->event),
               other = spacetime_column(st, run, finding->other);
        arrows[finding->event] |= other > one ? TAIL_RIGHT : TAIL_LEFT;
        arrows[finding->other] |= other > one ? TAIL_LEFT : TAIL_RIGHT;
    }
    for (size_t i = 0; i < run->event_count; i++) sides[i] = (unsigned char)side_of(arrows[i]);
    free(arrows);
    return sides;
}

static void event_label(const struct drawing *d, size_t event, struct tool_text *text) {
    const struct trace_run *run = d->picture->run;
    tool_text_clear(text);
    struct tool_text whole = {0};
    label_event(&whole, run, event);
    utf8_add_clipped(text, tool_text_string(&whole), LABEL_LENGTH);
    tool_text_free(&whole);
    const struct spacetime *st = d->picture->spacetime;
    if (!st->evidence[event] && !st->causes[event]) return;
    tool_text_add(text, "  ");
    label_place(text, run, event);
    if (!st->evidence[event]) return;
    size_t task = run->events[event].task;
    const struct waits *waits = d->picture->waits;
    if (task != TRACE_NONE && waits->tasks[task].tag > 0 && waits->tasks[task].event == event)
        tool_text_addf(text, "  %c%d", waits->letter, waits->tasks[task].tag);
}

static void event_tip(const struct drawing *d, size_t index, struct tool_text *text) {
    const struct trace_run *run = d->picture->run;
    const struct trace_event *event = &run->events[index];
    tool_text_clear(text);
    tool_text_addf(text, "step %lld  ", (long long)event->step);
    label_task(text, run, event->task);
    tool_text_add(text, "  ");
    label_event(text, run, index);
    tool_text_add(text, "  at ");
    label_place(text, run, index);
    if (event->site != TRACE_NONE && *run->sites[event->site].function != '\0') {
        tool_text_add(text, " in ");
        utf8_add_clipped(text, run->sites[event->site].function, LABEL_NAME);
    }
}

static void fold_label(const struct spacetime_row *row, struct tool_text *text) {
    tool_text_clear(text);
    tool_text_addf(text, "%zu local events", row->count);
}

/* ---- Layout -------------------------------------------------------------------------------- */

static double larger(double a, double b) { return a > b ? a : b; }

/* Where the step numbers are centred: the last is the longest. */
static double number_middle(const struct drawing *d) {
    const struct trace_run *run = d->picture->run;
    char number[32] = "";
    if (run->event_count > 0)
        snprintf(number, sizeof number, "%lld", (long long)run->events[run->event_count - 1].step);
    return 4 + draw_text_width(number, 8, false) / 2;
}

static double header_width(const struct drawing *d, size_t column, struct tool_text *text) {
    const struct spacetime *st = d->picture->spacetime;
    tool_text_clear(text);
    if (column == st->column_count)
        tool_text_addf(text, "%zu other%s", st->others, st->others == 1 ? "" : "s");
    else
        label_task(text, d->picture->run, st->columns[column]);
    return larger(draw_text_width(tool_text_string(text), 11, false) + 18, 70);
}

/* The line between neighbours needs to be seen on both sides of its label. */
static void make_room_for_pairs(struct drawing *d) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        if (!draw_shows_pair(d->picture, finding)) continue;
        size_t a = spacetime_column(st, run, finding->event),
               b = spacetime_column(st, run, finding->other), right = a > b ? a : b;
        if (a + 1 == b || b + 1 == a) d->apart[right] = larger(d->apart[right], PAIR);
    }
}

/* Labels that share a row with the end of an arrow leave its head free. */
static void make_room_for_heads(const struct drawing *d, double *left, double *right) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    for (size_t i = 0; i < run->edge_count; i++) {
        if (!draw_shows_edge(d->picture, i)) continue;
        size_t from = spacetime_column(st, run, run->edges[i].before),
               to = spacetime_column(st, run, run->edges[i].after);
        double *room = to > from ? left : right;
        room[to] = larger(room[to], HEAD);
    }
}

/* Gives the columns as much room as their labels need. Where only one row's label is on a line it may
 * reach as far as the next lifeline, but no farther. */
static void lay_out(struct drawing *d, const unsigned char *sides) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    size_t count = st->column_count + (st->others > 0);
    double *left = tool_alloc(count, sizeof *left), *right = tool_alloc(count, sizeof *right);
    struct tool_text text = {0};
    for (size_t i = 0; i < st->row_count; i++) {
        const struct spacetime_row *row = &st->rows[i];
        if (!spacetime_is_shown(row)) continue;
        if (row->kind == SPACETIME_FOLD)
            fold_label(row, &text);
        else
            event_label(d, row->event, &text);
        size_t column = spacetime_column(st, run, row->event);
        double width =
            draw_text_width(tool_text_string(&text), 9, st->evidence[row->event]) + LABEL_AT + 10;
        double *room =
            sides[row->event] == SIDE_LEFT && row->kind == SPACETIME_EVENT ? left : right;
        room[column] = larger(room[column], width);
    }
    if (st->causal) make_room_for_heads(d, left, right);
    band_measure(d);
    make_room_for_pairs(d);
    double x = LEFT + 2 * number_middle(d), reach = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        double half = larger(header_width(d, i, &text), d->box[i]) / 2;
        double labels = st->causal ? reach + left[i] : larger(reach, left[i]);
        double step = larger(larger(labels, before + half + 12), d->apart[i]);
        x += i == 0 ? larger(left[0], half) : larger(step, 80);
        d->x[i] = x;
        reach = right[i];
        before = half;
    }
    d->width = count > 0 ? x + larger(reach, before) + 8 : 200;
    free(left);
    free(right);
    tool_text_free(&text);
    band_lay_out(d);
    d->head = 54;
    d->first = d->head + 30;
    d->band = level_y(d, st->level_count) + 16;
    d->legend = d->band + 40 + BAND_LEVEL * (double)d->levels;
    d->height = d->legend + 14;
}

/* ---- Parts --------------------------------------------------------------------------------- */

static void draw_title(struct drawing *d, const char *title) {
    draw_label(d, "title", &(struct draw_label){title, 4, 14, 12, DRAW_LEFT, DRAW_INK, true, NULL});
}

static void invisible(struct drawing *d, const char *name, size_t number, double x, double y) {
    tool_text_addf(d->out, "  %s%s%zu [", d->prefix, name, number);
    draw_at(d, x, y);
    tool_text_add(d->out, ", shape=point, width=.01, style=invis];\n");
}

static void draw_column(struct drawing *d, size_t column) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    bool others = column == st->column_count;
    size_t task = others ? TRACE_NONE : st->columns[column];
    double x = d->x[column], bottom = d->band - 13;
    struct tool_text text = {0};
    double width = header_width(d, column, &text);
    tool_text_addf(d->out, "  %sh%zu [", d->prefix, column);
    draw_at(d, x, d->head);
    tool_text_addf(d->out,
                   ", shape=box, style=\"filled,rounded\", fillcolor=\"%s\", color=\"#6b83a5\", ",
                   others ? "#ffffff" : "#e8eef6");
    draw_size(d, width, 21.6);
    tool_text_add(d->out, ", fontsize=11, label=\"");
    draw_quote(d->out, tool_text_string(&text));
    tool_text_add(d->out, "\", tooltip=\"");
    if (task != TRACE_NONE) {
        size_t last = run->tasks[task].last;
        if (last != TRACE_NONE && run->events[last].op == TRACE_OP_EXIT &&
            (!st->causal || draw_has_row(d->picture, last)))
            bottom = row_y(d, st->event_row[last]);
        draw_quote(d->out, tool_text_string(&text));
        tool_text_addf(d->out, ": task %lld", (long long)run->tasks[task].id);
        if (run->tasks[task].site != TRACE_NONE) {
            tool_text_add(d->out, ", started at ");
            draw_quote(d->out, trace_place(run, run->tasks[task].site));
        }
    } else {
        tool_text_add(d->out, others ? "tasks that are not shown" : "timers");
    }
    tool_text_add(d->out, "\"];\n");
    tool_text_free(&text);
    invisible(d, "z", column, x, bottom);
    tool_text_addf(d->out, "  %sh%zu -> %sz%zu [", d->prefix, column, d->prefix, column);
    draw_line(d, x, d->head + 11, x, bottom, 0, 0, false);
    tool_text_addf(d->out, ", color=\"" DRAW_GREY "\", penwidth=%s, arrowhead=none];\n",
                   task == TRACE_NONE ? "0.8, style=dotted" : "1.2");
}

/* A bar from where the task fell asleep to where it went on, or to the bottom. */
static void draw_bar(struct drawing *d, size_t index) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    const struct trace_event *event = &run->events[index];
    size_t column = spacetime_column(st, run, index);
    if (!event->slept || column == TRACE_NONE || event->task == TRACE_NONE) return;
    bool last = event->next == TRACE_NONE;
    double from = row_y(d, st->event_row[index]),
           to = last ? d->band - 13 : row_y(d, st->event_row[event->next]);
    /* What is left out has no place of its own among causal depths. */
    if (st->causal && !draw_has_row(d->picture, index)) return;
    if (st->causal && !last && !draw_has_row(d->picture, event->next)) to = from + ROW;
    if (to <= from) return;
    const char *color =
        last && waits_is_culprit(d->picture->waits, event->task) ? DRAW_STUCK : DRAW_BLOCKED;
    tool_text_addf(d->out, "  %sk%lld [", d->prefix, (long long)event->step);
    draw_at(d, d->x[column], (from + to) / 2);
    tool_text_addf(d->out, ", shape=box, fillcolor=\"%s\", color=\"%s\", ", color, color);
    draw_size(d, BAR, to - from);
    tool_text_add(d->out, ", tooltip=\"");
    struct tool_text tip = {0};
    label_task(&tip, run, event->task);
    tool_text_add(&tip, " waits ");
    label_wait_sentence(&tip, run, index);
    tool_text_add(&tip, " at ");
    label_place(&tip, run, index);
    draw_quote(d->out, tool_text_string(&tip));
    tool_text_free(&tip);
    tool_text_add(d->out, "\"];\n");
}

/* The step, or where events share a row how deep it is. */
static void draw_number(struct drawing *d, size_t row, double y, int64_t value) {
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)value);
    tool_text_addf(d->out, "  %ss%zu [", d->prefix, row);
    draw_at(d, number_middle(d), y);
    tool_text_add(d->out, ", shape=plaintext, style=\"\", ");
    draw_size(d, draw_text_width(number, 8, false) + 8, 12);
    tool_text_addf(d->out, ", fontsize=8, fontcolor=\"#9a9a9a\", label=\"%s\"];\n", number);
}

static void draw_step_number(struct drawing *d, size_t row) {
    const struct spacetime *st = d->picture->spacetime;
    if (!st->causal)
        draw_number(d, row, row_y(d, row), d->picture->run->events[st->rows[row].event].step);
}

static void draw_depths(struct drawing *d) {
    for (size_t i = 0; i < d->picture->spacetime->level_count; i++)
        draw_number(d, i, level_y(d, i), (int64_t)i + 1);
}

static void draw_gap(struct drawing *d, size_t row) {
    const struct spacetime_row *r = &d->picture->spacetime->rows[row];
    double y = row_y(d, row);
    struct tool_text text = {0};
    char name[32];
    label_gap(&text, r->kind == SPACETIME_ROUNDS ? r->period : 0, r->count);
    invisible(d, "va", row, 4, y);
    invisible(d, "vb", row, d->width - 4, y);
    tool_text_addf(d->out, "  %sva%zu -> %svb%zu [", d->prefix, row, d->prefix, row);
    draw_line(d, 4, y, d->width - 4, y, 0, 0, false);
    tool_text_add(d->out, ", color=\"#c4c4c4\", style=dashed, penwidth=0.8, arrowhead=none];\n");
    snprintf(name, sizeof name, "vl%zu", row);
    draw_label(
        d, name,
        &(struct draw_label){tool_text_string(&text), 14, y, 8, DRAW_LEFT, "#8a8a8a", false, NULL});
    tool_text_free(&text);
}

static void draw_fold(struct drawing *d, size_t row) {
    const struct spacetime_row *r = &d->picture->spacetime->rows[row];
    double x = d->x[spacetime_column(d->picture->spacetime, d->picture->run, r->event)],
           y = row_y(d, row);
    struct tool_text text = {0};
    char name[32];
    fold_label(r, &text);
    draw_step_number(d, row);
    tool_text_addf(d->out, "  %so%zu [", d->prefix, row);
    draw_at(d, x, y);
    tool_text_add(d->out, ", shape=ellipse, fillcolor=\"#ffffff\", color=\"" DRAW_INK
                          "\", width=.26, height=.14];\n");
    snprintf(name, sizeof name, "ol%zu", row);
    draw_label(d, name,
               &(struct draw_label){tool_text_string(&text), x + LABEL_AT + 4, y, 9, DRAW_LEFT,
                                    "#6a6a6a", false, NULL});
    tool_text_free(&text);
}

static void draw_event(struct drawing *d, size_t row, enum side side) {
    const struct trace_run *run = d->picture->run;
    size_t index = d->picture->spacetime->rows[row].event;
    const struct trace_event *event = &run->events[index];
    const struct draw_shape *shape = &draw_shapes[draw_shape_of(run, index)];
    bool evidence = d->picture->spacetime->evidence[index];
    double x = d->x[spacetime_column(d->picture->spacetime, run, index)], y = row_y(d, row);
    double label_y = side == SIDE_BELOW ? y + LOWER : y;
    const char *fill = evidence && shape == &draw_shapes[DRAW_WRITE]      ? DRAW_RED
                       : evidence || (!event->slept && event->result < 0) ? "#ffffff"
                       : event->slept                                     ? "#bdbdbd"
                                                                          : shape->fill;
    struct tool_text text = {0}, tip = {0};
    char name[32];
    event_tip(d, index, &tip);
    event_label(d, index, &text);
    draw_step_number(d, row);
    tool_text_addf(d->out, "  %se%lld [", d->prefix, (long long)event->step);
    draw_at(d, x, y);
    tool_text_addf(d->out, ", shape=%s, fillcolor=\"%s\", color=\"%s\", penwidth=%s, ",
                   shape->shape, fill, evidence ? DRAW_RED : DRAW_INK, evidence ? "2" : "1");
    draw_size(d, evidence ? NODE + 2 : NODE, evidence ? NODE + 2 : NODE);
    tool_text_addf(d->out, ", id=\"%sev%lld\", URL=\"#%sev%lld\", tooltip=\"", d->prefix,
                   (long long)event->step, d->prefix, (long long)event->step);
    draw_quote(d->out, tool_text_string(&tip));
    tool_text_add(d->out, "\"];\n");
    snprintf(name, sizeof name, "l%lld", (long long)event->step);
    draw_label(d, name,
               &(struct draw_label){tool_text_string(&text),
                                    side == SIDE_LEFT ? x - LABEL_AT : x + LABEL_AT, label_y, 9,
                                    side == SIDE_LEFT ? DRAW_RIGHT : DRAW_LEFT,
                                    evidence       ? DRAW_RED
                                    : event->slept ? "#6a6a6a"
                                                   : "#222222",
                                    evidence, tool_text_string(&tip)});
    tool_text_free(&text);
    tool_text_free(&tip);
}

/* ---- Edges --------------------------------------------------------------------------------- */

static void draw_edge(struct drawing *d, size_t index) {
    const struct trace_run *run = d->picture->run;
    const struct trace_edge *edge = &run->edges[index];
    const struct spacetime *st = d->picture->spacetime;
    if (!draw_shows_edge(d->picture, index)) return;
    size_t from = spacetime_column(st, run, edge->before),
           to = spacetime_column(st, run, edge->after);
    const struct trace_event *before = &run->events[edge->before],
                             *after = &run->events[edge->after];
    tool_text_addf(d->out, "  %se%lld -> %se%lld [", d->prefix, (long long)before->step, d->prefix,
                   (long long)after->step);
    draw_line(d, d->x[from], row_y(d, st->event_row[edge->before]), d->x[to],
              row_y(d, st->event_row[edge->after]), CLEAR, CLEAR, true);
    if (edge->kind == TRACE_EDGE_MESSAGE)
        tool_text_add(d->out, ", color=\"" DRAW_BLUE "\", penwidth=1.4");
    else if (edge->kind == TRACE_EDGE_GO)
        tool_text_add(d->out, ", color=\"#777777\", style=dotted, arrowhead=vee");
    else
        tool_text_add(d->out, ", color=\"" DRAW_BLUE "\", style=dashed, arrowhead=vee");
    tool_text_add(d->out, ", tooltip=\"");
    draw_quote(d->out, edge->kind_word);
    if (before->object != TRACE_NONE) {
        tool_text_add(d->out, " ");
        draw_quote(d->out, run->objects[before->object].name);
    }
    tool_text_add(d->out, "\"];\n");
}

/* Two accesses that nothing orders: a double line between them, without an arrowhead. */
static void draw_pair(struct drawing *d, const struct trace_finding *finding, int number) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    if (!draw_shows_pair(d->picture, finding)) return;
    double x0 = d->x[spacetime_column(st, run, finding->event)],
           y0 = row_y(d, st->event_row[finding->event]);
    double x1 = d->x[spacetime_column(st, run, finding->other)],
           y1 = row_y(d, st->event_row[finding->other]);
    char name[32], text[32];
    tool_text_addf(d->out, "  %se%lld -> %se%lld [", d->prefix,
                   (long long)run->events[finding->event].step, d->prefix,
                   (long long)run->events[finding->other].step);
    draw_line(d, x0, y0, x1, y1, CLEAR, CLEAR, false);
    tool_text_add(d->out,
                  ", color=\"" DRAW_RED ":white:" DRAW_RED "\", penwidth=1.6, dir=none];\n");
    snprintf(name, sizeof name, "r%d", number);
    snprintf(text, sizeof text, "R%d: unordered", number);
    draw_label(d, name,
               &(struct draw_label){text, (x0 + x1) / 2, (y0 + y1) / 2, 9, DRAW_CENTRE, DRAW_RED,
                                    true, NULL});
}

/* Where two runs part. */
static void draw_parting(struct drawing *d) {
    const struct spacetime *st = d->picture->spacetime;
    if (d->picture->parts == 0) return;
    double y = row_y(d, st->event_row[d->picture->parts - 1]) - ROW / 2.0;
    invisible(d, "pa", 0, 4, y);
    invisible(d, "pb", 0, d->width - 4, y);
    tool_text_addf(d->out, "  %spa0 -> %spb0 [", d->prefix, d->prefix);
    draw_line(d, 4, y, d->width - 4, y, 0, 0, false);
    tool_text_add(d->out, ", color=\"" DRAW_RED "\", penwidth=1.2, arrowhead=none];\n");
    draw_label(d, "pl",
               &(struct draw_label){"the runs part here", d->width - 8, y, 8, DRAW_RIGHT, DRAW_RED,
                                    false, NULL});
}

/* Makes what is behind `start` shorter, for a title: who did it where is in the picture. */
static void shorten(struct tool_text *text, size_t start) {
    char *who = strstr(text->data + start, ", by task ");
    if (!who) return;
    *who = '\0';
    text->length = (size_t)(who - text->data);
}

static void begin_drawing(struct drawing *d, unsigned char **sides, struct tool_text *title) {
    const struct picture *picture = d->picture;
    const struct spacetime *st = picture->spacetime;
    struct tool_text whole = {0};
    d->x = tool_alloc(st->column_count + 1, sizeof *d->x);
    d->box = tool_alloc(st->column_count + 1, sizeof *d->box);
    d->apart = tool_alloc(st->column_count + 1, sizeof *d->apart);
    *sides = find_sides(d);
    lay_out(d, *sides);
    utf8_add_clean(&whole, picture->title, strlen(picture->title));
    tool_text_addf(&whole, "  run %lld  ", (long long)picture->run->summary.id);
    if (strcmp(picture->run->summary.strategy, "replay") != 0)
        tool_text_addf(&whole, "seed 0x%llx  ", (unsigned long long)picture->run->summary.seed);
    size_t headline = whole.length;
    explain_headline(&whole, picture->run, picture->waits);
    shorten(&whole, headline);
    utf8_add_clipped(title, whole.data, TITLE_LENGTH);
    tool_text_free(&whole);
    d->width =
        larger(d->width, larger(band_legend_width(d), draw_text_width(title->data, 12, true) + 30));
}

static void draw_all(struct drawing *d, const unsigned char *sides, const char *title) {
    const struct trace_run *run = d->picture->run;
    const struct spacetime *st = d->picture->spacetime;
    draw_title(d, title);
    for (size_t i = 0; i < st->column_count + (st->others > 0); i++) draw_column(d, i);
    if (st->causal) draw_depths(d);
    for (size_t i = 0; i < run->event_count; i++) draw_bar(d, i);
    for (size_t i = 0; i < st->row_count; i++) {
        switch (st->rows[i].kind) {
        case SPACETIME_GAP:
        case SPACETIME_ROUNDS:
            draw_gap(d, i);
            break;
        case SPACETIME_FOLD:
            draw_fold(d, i);
            break;
        case SPACETIME_EVENT:
            draw_event(d, i, (enum side)sides[st->rows[i].event]);
            break;
        case SPACETIME_HIDDEN:
            break;
        }
    }
    draw_parting(d);
    for (size_t i = 0; i < run->edge_count; i++) draw_edge(d, i);
    int races = 0;
    for (size_t i = 0; i < run->finding_count; i++) {
        if (strcmp(run->findings[i].kind, "race") == 0) draw_pair(d, &run->findings[i], ++races);
    }
    band_draw(d);
    band_draw_legend(d);
}

static void end_drawing(struct drawing *d, unsigned char *sides, struct tool_text *title) {
    tool_text_free(title);
    free(sides);
    free(d->x);
    free(d->box);
    free(d->apart);
    free(d->arcs);
}

static void begin_graph(struct tool_text *out) {
    tool_text_add(
        out,
        "// Space-time diagram. Positions are given; nop2 tells any Graphviz engine to keep them:\n"
        "// dot -Tsvg -O FILE.dot\n"
        "digraph trace {\n"
        "  graph [layout=nop2, bgcolor=white, outputorder=edgesfirst, splines=true, pad=0.15, "
        "fontname=\"DejaVu Sans,Verdana,sans-serif\"];\n"
        "  node [fontname=\"DejaVu Sans,Verdana,sans-serif\", fontsize=9, fixedsize=true, "
        "label=\"\", "
        "style=filled, penwidth=1];\n"
        "  edge [fontname=\"DejaVu Sans,Verdana,sans-serif\", fontsize=8, arrowsize=0.6];\n");
}

void picture_dot(struct tool_text *out, const struct picture *picture) {
    struct drawing d = {.out = out, .picture = picture, .prefix = ""};
    struct tool_text title = {0};
    unsigned char *sides;
    begin_drawing(&d, &sides, &title);
    begin_graph(out);
    draw_all(&d, sides, title.data);
    tool_text_add(out, "}\n");
    end_drawing(&d, sides, &title);
}

void picture_dot_pair(struct tool_text *out, const struct picture *left,
                      const struct picture *right) {
    struct drawing a = {.out = out, .picture = left, .prefix = ""},
                   b = {.out = out, .picture = right, .prefix = "b"};
    struct tool_text titles[2] = {{0}};
    unsigned char *sides[2];
    begin_drawing(&a, &sides[0], &titles[0]);
    begin_drawing(&b, &sides[1], &titles[1]);
    b.left = a.width + BETWEEN;
    /* Both begin at the same height, and DOT counts it from below. */
    a.height = b.height = larger(a.height, b.height);
    begin_graph(out);
    draw_all(&a, sides[0], titles[0].data);
    draw_all(&b, sides[1], titles[1].data);
    tool_text_add(out, "}\n");
    end_drawing(&a, sides[0], &titles[0]);
    end_drawing(&b, sides[1], &titles[1]);
}
