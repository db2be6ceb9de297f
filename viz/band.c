/*
 * band.c - the foot of the space-time diagram: a box with the final state of each task, the
 * wait-for arcs between them, and the legend.
 *
 * The arcs hang below the boxes, each at a level where no other arc or label is in its way. Drawn
 * among the events a cycle could not be made out.
 */
#include <stdlib.h>
#include <string.h>

#include "viz/backoff.h"
#include "viz/draw.h"
#include "viz/label.h"
#include "viz/utf8.h"

#define BOX_HEIGHT 19
#define MOST_ARCS 200 /* more are no picture; the text names them all */
#define STATE_LENGTH 40
#define MOST_HELD 2     /* told */
#define MOST_REFUSED 12 /* tasks of a run without an end */
#define MOST_ALIKE 4    /* arcs of one task for one reason; of more, one is drawn */

struct draw_arc {
    const struct waits_arc *arc;
    double x0, x1;   /* where it leaves and arrives */
    double from, to; /* what it covers, its label included */
    size_t level;    /* from 1 */
};

/* ---- Final states -------------------------------------------------------------------------- */

static void add_count(struct tool_text *text, size_t count, const char *word) {
    if (count > 0) tool_text_addf(text, "%s%zu %s", text->length > 0 ? ", " : "", count, word);
}

/* The tasks without a column, counted. */
static void others_text(const struct drawing *d, struct tool_text *text) {
    const struct picture *p = d->picture;
    size_t exited = 0, stuck = 0, waiting = 0, rest = 0;
    for (size_t i = 0; i < p->run->task_count; i++) {
        if (p->spacetime->task_column[i] != TRACE_NONE) continue;
        const struct waits_task *task = &p->waits->tasks[i];
        if (task->state == WAITS_EXITED)
            exited++;
        else if (task->role != WAITS_FREE)
            stuck++;
        else if (task->state == WAITS_BLOCKED || task->state == WAITS_SLEEPING)
            waiting++;
        else
            rest++;
    }
    add_count(text, exited, "exited");
    add_count(text, stuck, "stuck");
    add_count(text, waiting, "waiting");
    add_count(text, rest, "could run");
}

/* What a task holds that another of its cycle waits for. */
static void add_holds(struct tool_text *text, const struct picture *p, size_t task) {
    size_t count = 0, last = TRACE_NONE;
    for (size_t i = 0; i < p->waits->arc_count; i++) {
        const struct waits_arc *arc = &p->waits->arcs[i];
        bool holds = arc->why == WAITS_HOLDS || arc->why == WAITS_READS;
        if (arc->to != task || !arc->cycle || !holds || arc->object == last) continue;
        last = arc->object;
        if (count++ >= MOST_HELD) continue;
        tool_text_add(text, count == 1 ? ", holds " : ", ");
        label_object(text, p->run, arc->object);
    }
    if (count > MOST_HELD) tool_text_add(text, ", ...");
}

/* What a task has that others of a run without an end are refused. */
static void add_refused(struct tool_text *text, const struct picture *p, size_t task) {
    const struct trace_run *run = p->run;
    struct backoff found[MOST_REFUSED];
    size_t count = 0, last = backoff_last(run);
    if (last != TRACE_NONE) count = backoff_find(run, last, found, MOST_REFUSED);
    for (size_t i = 0; i < count; i++) {
        const struct trace_event *event = &run->events[found[i].holder];
        size_t later = event->next;
        while (later != TRACE_NONE && run->events[later].object != event->object)
            later = run->events[later].next;
        if (event->task != task || later != TRACE_NONE) continue;
        tool_text_add(text, ", holds ");
        label_object(text, run, event->object);
        return;
    }
}

static void state_text(const struct drawing *d, size_t column, struct tool_text *text) {
    const struct picture *p = d->picture;
    tool_text_clear(text);
    if (column == p->spacetime->column_count) {
        others_text(d, text);
        return;
    }
    size_t index = p->spacetime->columns[column];
    if (index == TRACE_NONE) return;
    const struct waits_task *task = &p->waits->tasks[index];
    switch (task->state) {
    case WAITS_EXITED:
        tool_text_add(text, "exited");
        break;
    case WAITS_UNBORN:
        tool_text_add(text, "never ran");
        break;
    case WAITS_RUNNABLE:
        tool_text_add(text, "could run");
        add_refused(text, p, index);
        break;
    case WAITS_SLEEPING:
    case WAITS_BLOCKED: {
        struct tool_text wait = {0};
        const struct trace_event *event = &p->run->events[task->event];
        bool culprit = waits_is_culprit(p->waits, index);
        tool_text_add(text, culprit ? "stuck: " : "waits: ");
        /* "waits: wait workers" would stammer. */
        if (!culprit && event->op == TRACE_OP_WAIT && event->object != TRACE_NONE)
            label_object(&wait, p->run, event->object);
        else
            label_wait(&wait, p->run, task->event);
        utf8_add_clipped(text, tool_text_string(&wait), STATE_LENGTH);
        tool_text_free(&wait);
        if (culprit) add_holds(text, p, index);
        break;
    }
    }
    if (p->run->tasks[index].daemon) tool_text_add(text, " (daemon)");
}

/* Whether both ends of an arc have columns, and its task is stuck. */
static bool has_room(const struct picture *p, const struct waits_arc *arc) {
    return p->spacetime->task_column[arc->from] != TRACE_NONE &&
           p->spacetime->task_column[arc->to] != TRACE_NONE &&
           p->waits->tasks[arc->from].role != WAITS_FREE;
}

static bool alike(const struct waits_arc *a, const struct waits_arc *b) {
    return a->from == b->from && a->why == b->why && a->object == b->object;
}

/* Of many that could help a task behind the others, one stands for all: returns how many there are
 * in the picture, with their first one in `*first`. An arc of a cycle stands for itself. */
static size_t count_alike(const struct picture *p, const struct waits_arc *arc,
                          const struct waits_arc **first) {
    const struct waits_task *task = &p->waits->tasks[arc->from];
    const struct waits_arc *arcs = p->waits->arcs + task->first_arc;
    size_t count = 0;
    *first = arc;
    if (arc->cycle) return 1;
    for (size_t i = 0; i < task->arc_count; i++) {
        if (!alike(&arcs[i], arc) || arcs[i].cycle || !has_room(p, &arcs[i])) continue;
        if (count++ == 0) *first = &arcs[i];
    }
    return count;
}

static bool shows_arc(const struct picture *p, const struct waits_arc *arc) {
    const struct waits_arc *first;
    return has_room(p, arc) && (count_alike(p, arc, &first) <= MOST_ALIKE || first == arc);
}

static void arc_text(const struct drawing *d, const struct waits_arc *arc, struct tool_text *text) {
    const struct waits_arc *first;
    size_t count = count_alike(d->picture, arc, &first);
    tool_text_clear(text);
    label_object(text, d->picture->run, arc->object);
    tool_text_addf(text, " (%s", waits_why_word(arc));
    if (count > MOST_ALIKE) tool_text_addf(text, ", one of %zu", count);
    tool_text_add(text, ")");
}

void band_measure(struct drawing *d) {
    const struct spacetime *st = d->picture->spacetime;
    struct tool_text text = {0};
    for (size_t i = 0; i < st->column_count + (st->others > 0); i++) {
        state_text(d, i, &text);
        double width = text.length > 0 ? draw_text_width(text.data, 9, false) + 16 : 0;
        d->box[i] = text.length > 0 && width < 64 ? 64 : width;
    }
    /* An arc between neighbours needs to be seen on both sides of its label. */
    const struct picture *p = d->picture;
    for (size_t i = 0; i < p->waits->arc_count; i++) {
        const struct waits_arc *arc = &p->waits->arcs[i];
        if (!shows_arc(p, arc)) continue;
        size_t a = st->task_column[arc->from], b = st->task_column[arc->to], right = a > b ? a : b;
        if (a + 1 != b && b + 1 != a) continue;
        arc_text(d, arc, &text);
        double needed =
            draw_text_width(text.data, 8, arc->cycle) + d->box[a] / 4 + d->box[b] / 4 + 30;
        if (d->apart[right] < needed) d->apart[right] = needed;
    }
    tool_text_free(&text);
}

static void draw_state(struct drawing *d, size_t column) {
    const struct picture *p = d->picture;
    bool others = column == p->spacetime->column_count;
    size_t task = others ? TRACE_NONE : p->spacetime->columns[column];
    struct tool_text text = {0};
    state_text(d, column, &text);
    if (text.length > 0) {
        bool culprit = waits_is_culprit(p->waits, task);
        bool waits = task != TRACE_NONE && p->waits->tasks[task].state >= WAITS_SLEEPING;
        const char *color = culprit ? DRAW_RED : waits ? "#6a6a6a" : DRAW_GREY;
        tool_text_addf(d->out, "  %sf%zu [", d->prefix, column);
        draw_at(d, d->x[column], d->band);
        tool_text_addf(d->out,
                       ", shape=box, style=\"filled,rounded\", color=\"%s\", fillcolor=\"%s\", "
                       "fontcolor=\"%s\", ",
                       color,
                       culprit ? "#fde8e8"
                       : waits ? "#eeeeee"
                               : "#ffffff",
                       color);
        draw_size(d, d->box[column], BOX_HEIGHT);
        tool_text_add(d->out, ", label=\"");
        draw_quote(d->out, text.data);
        tool_text_add(d->out, "\", tooltip=\"at the end: ");
        draw_quote(d->out, text.data);
        tool_text_add(d->out, "\"];\n");
    }
    tool_text_free(&text);
}

/* ---- Arcs ---------------------------------------------------------------------------------- */

/* Short arcs first, so that they are the upper ones; among equals the order of the tasks. */
static int compare_arcs(const void *left, const void *right) {
    const struct draw_arc *a = left, *b = right;
    double span_a = a->to - a->from, span_b = b->to - b->from;
    if (span_a < span_b || span_a > span_b) return span_a < span_b ? -1 : 1;
    return a->arc < b->arc ? -1 : a->arc > b->arc;
}

/* The first level that no arc on it crosses. A short arc that hangs inside a long one is out of its
 * way as soon as it is the upper one, so only those with the same ground are asked. */
static size_t free_level(const struct draw_arc *arcs, size_t count, const struct draw_arc *arc) {
    size_t level = 1;
    for (size_t i = 0; i < count; i++) {
        if (arcs[i].level >= level && arc->from < arcs[i].to && arcs[i].from < arc->to)
            level = arcs[i].level + 1;
    }
    return level;
}

void band_lay_out(struct drawing *d) {
    const struct picture *p = d->picture;
    size_t capacity = 0;
    struct tool_text text = {0};
    for (size_t i = 0; i < p->waits->arc_count && d->arc_count < MOST_ARCS; i++) {
        const struct waits_arc *arc = &p->waits->arcs[i];
        if (!shows_arc(p, arc)) continue;
        size_t from = p->spacetime->task_column[arc->from], to = p->spacetime->task_column[arc->to];
        struct draw_arc drawn = {.arc = arc, .x0 = d->x[from], .x1 = d->x[to]};
        bool rightwards = drawn.x1 >= drawn.x0;
        /* One that goes back to the left hangs around those that go to the right. */
        drawn.x0 += rightwards ? d->box[from] / 4 : d->box[from] / 10;
        drawn.x1 -= rightwards ? d->box[to] / 4 : d->box[to] / 10;
        arc_text(d, arc, &text);
        double half = draw_text_width(text.data, 8, arc->cycle) / 2 + 6,
               middle = (drawn.x0 + drawn.x1) / 2;
        double low = drawn.x0 < drawn.x1 ? drawn.x0 : drawn.x1,
               high = drawn.x0 < drawn.x1 ? drawn.x1 : drawn.x0;
        drawn.from = low < middle - half ? low : middle - half;
        drawn.to = high > middle + half ? high : middle + half;
        if (drawn.to + 8 > d->width) d->width = drawn.to + 8;
        d->arcs = tool_grow(d->arcs, &capacity, d->arc_count + 1, sizeof *d->arcs);
        d->arcs[d->arc_count++] = drawn;
    }
    tool_text_free(&text);
    if (d->arc_count > 0) qsort(d->arcs, d->arc_count, sizeof *d->arcs, compare_arcs);
    for (size_t i = 0; i < d->arc_count; i++) {
        d->arcs[i].level = free_level(d->arcs, i, &d->arcs[i]);
        if (d->arcs[i].level > d->levels) d->levels = d->arcs[i].level;
    }
}

static void draw_arc(struct drawing *d, const struct draw_arc *drawn, size_t number) {
    const struct picture *p = d->picture;
    const struct waits_arc *arc = drawn->arc;
    double y = d->band + BOX_HEIGHT / 2.0 + 1, depth = 8 + BAND_LEVEL * (double)drawn->level;
    struct tool_text text = {0}, tip = {0};
    arc_text(d, arc, &text);
    label_task(&tip, p->run, arc->from);
    tool_text_add(&tip, " waits for ");
    label_task(&tip, p->run, arc->to);
    tool_text_addf(&tip, ": %s", text.data);
    if (arc->since != TRACE_NONE) {
        tool_text_addf(&tip, ", step %lld at ", (long long)p->run->events[arc->since].step);
        label_place(&tip, p->run, arc->since);
    }
    tool_text_addf(d->out, "  %sf%zu -> %sf%zu [", d->prefix, p->spacetime->task_column[arc->from],
                   d->prefix, p->spacetime->task_column[arc->to]);
    draw_hang(d, drawn->x0, drawn->x1, y, depth);
    tool_text_addf(d->out, ", color=\"%s\", penwidth=%s, tooltip=\"",
                   arc->cycle ? DRAW_RED : DRAW_GREY, arc->cycle ? "2.2" : "1.1, style=dashed");
    draw_quote(d->out, tip.data);
    tool_text_add(d->out, "\"];\n");
    char name[32];
    snprintf(name, sizeof name, "w%zu", number);
    draw_label(d, name,
               &(struct draw_label){text.data, (drawn->x0 + drawn->x1) / 2, y + depth, 8,
                                    DRAW_CENTRE, arc->cycle ? DRAW_RED : "#6a6a6a", arc->cycle,
                                    tip.data});
    tool_text_free(&text);
    tool_text_free(&tip);
}

void band_draw(struct drawing *d) {
    const struct spacetime *st = d->picture->spacetime;
    for (size_t i = 0; i < st->column_count + (st->others > 0); i++) draw_state(d, i);
    for (size_t i = 0; i < d->arc_count; i++) draw_arc(d, &d->arcs[i], i);
}

/* ---- Legend -------------------------------------------------------------------------------- */

enum { LINE_MESSAGE, LINE_GO, LINE_OTHER, LINE_CYCLE, LINE_RACE, LINES };

static const struct {
    const char *text, *style;
} lines[LINES] = {
    {"message", "color=\"" DRAW_BLUE "\", penwidth=1.4"},
    {"starts", "color=\"#777777\", style=dotted, arrowhead=vee"},
    {"happens before", "color=\"" DRAW_BLUE "\", style=dashed, arrowhead=vee"},
    {"wait for each other", "color=\"" DRAW_RED "\", penwidth=2.2"},
    {"race", "color=\"" DRAW_RED ":white:" DRAW_RED "\", penwidth=1.6, dir=none"},
};

enum { BAR_BLOCKED, BAR_STUCK, BARS };

static const struct {
    const char *text, *color;
} bars[BARS] = {{"blocked", DRAW_BLOCKED}, {"stuck for ever", DRAW_STUCK}};

struct legend {
    bool shapes[DRAW_SHAPES], lines[LINES], bars[BARS], fold, sleeper;
};

/* Only what the picture holds is in its legend. */
static struct legend find_legend(const struct drawing *d) {
    const struct picture *p = d->picture;
    const struct spacetime *st = p->spacetime;
    struct legend legend = {0};
    for (size_t i = 0; i < st->row_count; i++) {
        const struct spacetime_row *row = &st->rows[i];
        if (row->kind == SPACETIME_FOLD) legend.fold = true;
        if (row->kind != SPACETIME_EVENT) continue;
        const struct trace_event *event = &p->run->events[row->event];
        legend.shapes[draw_shape_of(p->run, row->event)] = true;
        if (event->slept) {
            bool stuck = event->next == TRACE_NONE && waits_is_culprit(p->waits, event->task);
            legend.bars[stuck ? BAR_STUCK : BAR_BLOCKED] = true;
            legend.sleeper = true;
        }
    }
    for (size_t i = 0; i < p->run->edge_count; i++) {
        const struct trace_edge *edge = &p->run->edges[i];
        if (!draw_shows_edge(p, i)) continue;
        legend.lines[edge->kind == TRACE_EDGE_MESSAGE ? LINE_MESSAGE
                     : edge->kind == TRACE_EDGE_GO    ? LINE_GO
                                                      : LINE_OTHER] = true;
    }
    for (size_t i = 0; i < p->run->finding_count; i++)
        legend.lines[LINE_RACE] |= draw_shows_pair(p, &p->run->findings[i]);
    for (size_t i = 0; i < d->arc_count; i++) legend.lines[LINE_CYCLE] |= d->arcs[i].arc->cycle;
    return legend;
}

static void legend_label(struct drawing *d, const char *prefix, int number, double *x,
                         const char *text) {
    if (d->out != NULL) {
        char name[32];
        snprintf(name, sizeof name, "g%s%d", prefix, number);
        draw_label(d, name,
                   &(struct draw_label){text, *x, d->legend, 8, DRAW_LEFT, "#555555", false, ""});
    }
    *x += draw_text_width(text, 8, false) + 19;
}

/* Draws the legend, or only measures it when there is nowhere to draw to. Returns its width. */
static double legend(struct drawing *d) {
    struct legend legend = find_legend(d);
    double x = 18, y = d->legend;
    struct tool_text *out = d->out;
    for (int i = 0; i < DRAW_SHAPES; i++) {
        if (!legend.shapes[i]) continue;
        if (out != NULL) {
            tool_text_addf(out, "  %sgs%d [", d->prefix, i);
            draw_at(d, x, y);
            tool_text_addf(out,
                           ", shape=%s, fillcolor=\"%s\", color=\"" DRAW_INK
                           "\", width=.13, height=.13, tooltip=\"\"];\n",
                           draw_shapes[i].shape, draw_shapes[i].fill);
        }
        x += 8;
        legend_label(d, "sl", i, &x, draw_shapes[i].legend);
    }
    if (legend.fold) {
        if (out != NULL) {
            tool_text_addf(out, "  %sgf [", d->prefix);
            draw_at(d, x + 4, y);
            tool_text_add(out, ", shape=ellipse, fillcolor=\"#ffffff\", color=\"" DRAW_INK
                               "\", width=.26, height=.13, tooltip=\"\"];\n");
        }
        x += 16;
        legend_label(d, "fl", 0, &x, "folded");
    }
    for (int i = 0; i < LINES; i++) {
        if (!legend.lines[i]) continue;
        if (out != NULL) {
            for (int end = 0; end < 2; end++) {
                tool_text_addf(out, "  %sg%c%d [", d->prefix, "ab"[end], i);
                draw_at(d, x - 6 + 26 * end, y);
                tool_text_add(out, ", shape=point, width=.01, style=invis];\n");
            }
            tool_text_addf(out, "  %sga%d -> %sgb%d [", d->prefix, i, d->prefix, i);
            draw_line(d, x - 6, y, x + 20, y, 0, 0, true);
            tool_text_addf(out, ", %s];\n", lines[i].style);
        }
        x += 24;
        legend_label(d, "ll", i, &x, lines[i].text);
    }
    for (int i = 0; i < BARS; i++) {
        if (!legend.bars[i]) continue;
        if (out != NULL) {
            tool_text_addf(out, "  %sgk%d [", d->prefix, i);
            draw_at(d, x, y);
            tool_text_addf(out,
                           ", shape=box, fillcolor=\"%s\", color=\"%s\", width=.12, height=.2, "
                           "tooltip=\"\"];\n",
                           bars[i].color, bars[i].color);
        }
        x += 8;
        legend_label(d, "kl", i, &x, bars[i].text);
    }
    if (legend.sleeper) {
        x -= 5;
        legend_label(d, "ql", 0, &x, "?  falls asleep");
    }
    return x;
}

double band_legend_width(const struct drawing *d) {
    struct drawing measured = *d;
    measured.out = NULL;
    return legend(&measured);
}

void band_draw_legend(struct drawing *d) { legend(d); }
