/* draw.c - DOT for things with a given position. */
#include "viz/draw.h"

#include <math.h>
#include <string.h>

#include "viz/utf8.h"

/* Advance widths of DejaVu Sans from the space to the tilde, in thousandths of the size; Verdana's
 * are alike. */
static const short widths[95] = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838,
};
#define OTHER_WIDTH 650 /* of a column of any other character */
#define BOLD 1.13

double draw_text_width(const char *text, double size, bool bold) {
    double sum = 0;
    size_t length = strlen(text), others = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte < 0x7f)
            sum += widths[byte - 0x20];
        else
            others++;
    }
    if (others > 0) {
        size_t plain = length - others, columns = utf8_columns(text);
        sum += columns > plain ? (double)(columns - plain) * OTHER_WIDTH : 0;
    }
    return sum * size / 1000 * (bold ? BOLD : 1);
}

/* A number with one decimal, whatever the locale's decimal point. */
static void add_number(struct tool_text *out, double value, int decimals) {
    long scale = decimals == 1 ? 10 : 1000;
    long number = lround(value * (double)scale);
    if (number < 0) {
        tool_text_add(out, "-");
        number = -number;
    }
    tool_text_addf(out, "%ld", number / scale);
    if (number % scale != 0) tool_text_addf(out, ".%0*ld", decimals, number % scale);
}

static void add_point(struct drawing *d, double x, double y) {
    add_number(d->out, d->left + x, 1);
    tool_text_add(d->out, ",");
    add_number(d->out, d->height - y, 1);
}

void draw_at(struct drawing *d, double x, double y) {
    tool_text_add(d->out, "pos=\"");
    add_point(d, x, y);
    tool_text_add(d->out, "\"");
}

void draw_size(struct drawing *d, double width, double height) {
    tool_text_add(d->out, "width=");
    add_number(d->out, width / 72, 3);
    tool_text_add(d->out, ", height=");
    add_number(d->out, height / 72, 3);
}

/* Graphviz reads backslash escapes and HTML entities in labels; a text from a trace must be
 * neither. */
void draw_quote(struct tool_text *out, const char *text) {
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            tool_text_addf(out, "\\%c", *p);
        else if (*p == '&')
            tool_text_add(out, "&amp;");
        else
            tool_text_add_bytes(out, p, 1);
    }
}

void draw_label(struct drawing *d, const char *name, const struct draw_label *label) {
    static const char *const plain_end[] = {"\\l", "", "\\r"};
    static const char *const markup_end[] = {"<BR ALIGN=\"LEFT\"/>", "", "<BR ALIGN=\"RIGHT\"/>"};
    double width = draw_text_width(label->text, label->size, label->bold) + 4;
    double centre = label->x;
    if (label->align == DRAW_LEFT)
        centre += width / 2;
    else if (label->align == DRAW_RIGHT)
        centre -= width / 2;
    tool_text_addf(d->out, "  %s%s [", d->prefix, name);
    draw_at(d, centre, label->y);
    tool_text_add(
        d->out, ", shape=box, fixedsize=shape, color=white, fillcolor=white, margin=\"0.02,0\", ");
    draw_size(d, width, label->size + 2.5);
    tool_text_addf(d->out, ", fontsize=%d, fontcolor=\"%s\", label=", (int)label->size,
                   label->color);
    /* Bold is markup, since a font called "... Bold" is found by Graphviz but by no browser that
     * shows the SVG. */
    if (label->bold) {
        tool_text_add(d->out, "<<B>");
        utf8_add_xml(d->out, label->text);
        tool_text_addf(d->out, "</B>%s>", markup_end[label->align]);
    } else {
        tool_text_add(d->out, "\"");
        draw_quote(d->out, label->text);
        tool_text_addf(d->out, "%s\"", plain_end[label->align]);
    }
    tool_text_add(d->out, ", tooltip=\"");
    draw_quote(d->out, label->tip != NULL ? label->tip : label->text);
    tool_text_add(d->out, "\"];\n");
}

#define ARROW 6 /* length of an arrowhead, which begins where the line ends */

void draw_line(struct drawing *d, double x0, double y0, double x1, double y1, double before,
               double after, bool arrow) {
    double length = hypot(x1 - x0, y1 - y0);
    double ux = length > 0 ? (x1 - x0) / length : 0, uy = length > 0 ? (y1 - y0) / length : 0;
    double ex = x1 - ux * after, ey = y1 - uy * after;
    x0 += ux * before;
    y0 += uy * before;
    x1 = ex - (arrow ? ux * ARROW : 0);
    y1 = ey - (arrow ? uy * ARROW : 0);
    tool_text_add(d->out, "pos=\"");
    if (arrow) {
        tool_text_add(d->out, "e,");
        add_point(d, ex, ey);
        tool_text_add(d->out, " ");
    }
    for (int i = 0; i <= 3; i++) {
        if (i > 0) tool_text_add(d->out, " ");
        add_point(d, x0 + (x1 - x0) * i / 3, y0 + (y1 - y0) * i / 3);
    }
    tool_text_add(d->out, "\"");
}

void draw_hang(struct drawing *d, double x0, double x1, double y, double depth) {
    /* The lowest point of a cubic curve is three quarters of the way to its control points. */
    double low = y + depth * 4 / 3;
    tool_text_add(d->out, "pos=\"e,");
    add_point(d, x1, y);
    tool_text_add(d->out, " ");
    add_point(d, x0, y);
    tool_text_add(d->out, " ");
    add_point(d, x0, low);
    tool_text_add(d->out, " ");
    add_point(d, x1, low);
    tool_text_add(d->out, " ");
    add_point(d, x1, y + ARROW + 1);
    tool_text_add(d->out, "\"");
}

/* ---- What is drawn how ---------------------------------------------------------------------- */

const struct draw_shape draw_shapes[DRAW_SHAPES] = {
    {"circle", "#ffffff", "start"},
    {"invtriangle", DRAW_BLUE, "send"},
    {"triangle", DRAW_BLUE, "receive"},
    {"invtriangle", "#ffffff", "close"},
    {"box", DRAW_INK, "lock"},
    {"box", "#ffffff", "unlock, exit"},
    {"diamond", "#ffffff", "go, select, wait"},
    {"octagon", "#ffffff", "time"},
    {"circle", "#d9d9d9", "other"},
    {"circle", DRAW_INK, "write"},
    {"circle", "#ffffff", "read"},
};

static bool is_access(const struct trace_run *run, const struct trace_event *event) {
    return event->object != TRACE_NONE &&
           strcmp(run->objects[event->object].kind_word, "memory") == 0;
}

int draw_shape_of(const struct trace_run *run, size_t index) {
    const struct trace_event *event = &run->events[index];
    if (is_access(run, event)) return event->op == TRACE_OP_READ ? DRAW_READ : DRAW_WRITE;
    switch (event->op) {
    case TRACE_OP_START:
        return 0;
    case TRACE_OP_SEND:
    case TRACE_OP_TRY_SEND:
    case TRACE_OP_WRITE:
    case TRACE_OP_CONNECT:
        return 1;
    case TRACE_OP_RECV:
    case TRACE_OP_TRY_RECV:
    case TRACE_OP_READ:
    case TRACE_OP_ACCEPT:
        return 2;
    case TRACE_OP_CLOSE:
    case TRACE_OP_CANCEL:
    case TRACE_OP_CLOSE_FD:
        return 3;
    case TRACE_OP_LOCK:
    case TRACE_OP_TRYLOCK:
    case TRACE_OP_RLOCK:
    case TRACE_OP_TRYRLOCK:
    case TRACE_OP_ACQUIRE:
        return 4;
    case TRACE_OP_UNLOCK:
    case TRACE_OP_RUNLOCK:
    case TRACE_OP_RELEASE:
    case TRACE_OP_EXIT:
        return 5;
    case TRACE_OP_GO:
    case TRACE_OP_SELECT:
    case TRACE_OP_SELECT_FIRST:
    case TRACE_OP_WAIT:
    case TRACE_OP_SIGNAL:
    case TRACE_OP_BROADCAST:
    case TRACE_OP_ADD:
    case TRACE_OP_DONE:
    case TRACE_OP_ONCE:
    case TRACE_OP_ONCE_DONE:
    case TRACE_OP_WAIT_FD:
        return 6;
    case TRACE_OP_SLEEP:
    case TRACE_OP_ARM:
    case TRACE_OP_STOP:
    case TRACE_OP_RESET:
    case TRACE_OP_FIRE:
        return 7;
    default:
        return 8;
    }
}

bool draw_has_row(const struct picture *picture, size_t event) {
    const struct spacetime *st = picture->spacetime;
    return st->rows[st->event_row[event]].kind == SPACETIME_EVENT;
}

bool draw_shows_pair(const struct picture *picture, const struct trace_finding *finding) {
    return strcmp(finding->kind, "race") == 0 && finding->event != TRACE_NONE &&
           finding->other != TRACE_NONE && draw_has_row(picture, finding->event) &&
           draw_has_row(picture, finding->other);
}

/* Messages and starts are shown always; of the others those that do not follow from the rest. That
 * there was room for what is sent is no news; that it let a waiting sender go on is. */
bool draw_shows_edge(const struct picture *picture, size_t index) {
    const struct trace_run *run = picture->run;
    const struct trace_edge *edge = &run->edges[index];
    const struct trace_event *before = &run->events[edge->before],
                             *after = &run->events[edge->after];
    if (before->task == after->task || !draw_has_row(picture, edge->before) ||
        !draw_has_row(picture, edge->after))
        return false;
    bool woken = after->previous != TRACE_NONE && run->events[after->previous].slept;
    if (edge->kind == TRACE_EDGE_SLOT && !woken) return false;
    return edge->kind == TRACE_EDGE_MESSAGE || edge->kind == TRACE_EDGE_GO ||
           !picture->implied[index];
}
