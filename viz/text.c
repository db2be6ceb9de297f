/*
 * text.c - the space-time diagram as text: a column a task where there is room, else a list.
 *
 * The lines down a column say what its task does between its events: runs, is blocked, is stuck for
 * ever.
 */
#include "viz/picture.h"

#include <stdlib.h>
#include <string.h>

#include "viz/label.h"
#include "viz/utf8.h"

#define COLUMNS_FROM 100 /* a narrower page gets a list */
#define LEAST_COLUMN 14  /* narrower columns cannot be read */
#define MOST_COLUMN 34
#define MOST_PLACE 28

enum { MARK_NONE, MARK_RUNS, MARK_BLOCKED, MARK_STUCK, MARKS };

static const char *const marks[2][MARKS] = {{" ", "│", "┃", "╏"}, {" ", "|", "#", "!"}};

struct page {
    struct tool_text *out;
    const struct picture *picture;
    const struct picture_text_options *options;
    size_t number; /* width of the step numbers */
    size_t place;  /* width of the places */
    size_t *width; /* of each column, the space after it included */
    char *state;   /* of each column, a MARK_ */
    size_t next;   /* event: those before it are in `state` */
};

/* ---- Cells --------------------------------------------------------------------------------- */

static void cell_text(const struct picture *p, const struct spacetime_row *row,
                      struct tool_text *text) {
    tool_text_clear(text);
    if (row->kind == SPACETIME_FOLD) {
        tool_text_addf(text, "... %zu local events", row->count);
        return;
    }
    bool evidence = p->spacetime->evidence[row->event];
    if (evidence) tool_text_add(text, "*");
    label_event(text, p->run, row->event);
    size_t task = p->run->events[row->event].task;
    if (evidence && task != TRACE_NONE && p->waits->tasks[task].tag > 0 &&
        p->waits->tasks[task].event == row->event)
        tool_text_addf(text, " %c%d", p->waits->letter, p->waits->tasks[task].tag);
}

static void pad(struct tool_text *out, size_t used, size_t width) {
    while (used++ < width) tool_text_add_bytes(out, " ", 1);
}

/* Adds a text cut to `width` - 1 and filled up to `width`. */
static void add_cell(struct page *page, const char *text, size_t width, const char *color) {
    size_t room = width > 1 ? width - 1 : 0;
    if (color != NULL) tool_text_add(page->out, color);
    utf8_add_clipped(page->out, text, room);
    if (color != NULL) tool_text_add(page->out, "\033[0m");
    size_t used = utf8_columns(text);
    pad(page->out, used < room ? used : room, width);
}

static const char *row_color(const struct page *page, const struct spacetime_row *row) {
    if (!page->options->color) return NULL;
    if (row->kind == SPACETIME_EVENT && page->picture->spacetime->evidence[row->event])
        return "\033[1;31m";
    bool faint = row->kind != SPACETIME_EVENT || page->picture->run->events[row->event].slept;
    return faint ? "\033[2m" : NULL;
}

static void trim_line(struct tool_text *out) {
    while (out->length > 0 && out->data[out->length - 1] == ' ') out->data[--out->length] = '\0';
    tool_text_add(out, "\n");
}

/* ---- Columns ------------------------------------------------------------------------------- */

/* Measures the columns. Returns false when they do not fit the page, however narrow. */
static bool measure(struct page *page) {
    const struct picture *p = page->picture;
    const struct spacetime *st = p->spacetime;
    struct tool_text text = {0};
    for (size_t i = 0; i < st->column_count; i++) {
        size_t name = utf8_columns(trace_task_name(p->run, st->columns[i])) + 2;
        page->width[i] = name < LEAST_COLUMN ? LEAST_COLUMN : name;
    }
    for (size_t i = 0; i < st->row_count; i++) {
        const struct spacetime_row *row = &st->rows[i];
        if (!spacetime_is_shown(row)) continue;
        cell_text(p, row, &text);
        size_t *width = &page->width[spacetime_column(st, p->run, row->event)],
               wanted = utf8_columns(text.data) + 2;
        if (*width < wanted) *width = wanted;
        size_t place = utf8_columns(trace_place(p->run, p->run->events[row->event].site));
        if (page->place < place) page->place = place;
    }
    tool_text_free(&text);
    if (page->place > MOST_PLACE) page->place = MOST_PLACE;
    size_t sum = page->number + 2 + page->place;
    for (size_t i = 0; i < st->column_count; i++) {
        if (page->width[i] > MOST_COLUMN) page->width[i] = MOST_COLUMN;
        sum += page->width[i];
    }
    /* Too wide: the widest column gives way first. */
    while (sum > page->options->width) {
        size_t widest = 0;
        for (size_t i = 1; i < st->column_count; i++) {
            if (page->width[i] > page->width[widest]) widest = i;
        }
        if (st->column_count == 0 || page->width[widest] <= LEAST_COLUMN) return false;
        page->width[widest]--;
        sum--;
    }
    return true;
}

/* Brings the states of the columns up to before the event `until`. */
static void advance(struct page *page, size_t until) {
    const struct picture *p = page->picture;
    for (; page->next < until; page->next++) {
        const struct trace_event *event = &p->run->events[page->next];
        size_t column = spacetime_column(p->spacetime, p->run, page->next);
        if (column == TRACE_NONE || event->task == TRACE_NONE) continue;
        bool stuck = event->next == TRACE_NONE && waits_is_culprit(p->waits, event->task);
        page->state[column] = event->op == TRACE_OP_EXIT ? MARK_NONE
                              : !event->slept            ? MARK_RUNS
                              : stuck                    ? MARK_STUCK
                                                         : MARK_BLOCKED;
    }
}

static void add_marks(struct page *page, size_t column) {
    int state = (unsigned char)page->state[column];
    const char *mark = marks[page->options->ascii][state];
    add_cell(page, mark, page->width[column],
             page->options->color && state == MARK_STUCK ? "\033[31m" : NULL);
}

static void draw_row(struct page *page, const struct spacetime_row *row) {
    const struct picture *p = page->picture;
    const struct spacetime *st = p->spacetime;
    struct tool_text text = {0};
    if (!spacetime_is_shown(row)) {
        advance(page, row->event + row->count);
        if (row->kind == SPACETIME_HIDDEN) return;
        pad(page->out, 0, page->number - 3);
        tool_text_addf(page->out, "...  ");
        label_gap(&text, row->kind == SPACETIME_ROUNDS ? row->period : 0, row->count);
        if (page->options->color)
            tool_text_addf(page->out, "\033[2m%s\033[0m\n", text.data);
        else
            tool_text_addf(page->out, "%s\n", text.data);
        tool_text_free(&text);
        return;
    }
    tool_text_addf(page->out, "%*lld  ", (int)page->number,
                   (long long)p->run->events[row->event].step);
    advance(page, row->event + row->count);
    cell_text(p, row, &text);
    size_t own = spacetime_column(st, p->run, row->event);
    for (size_t i = 0; i < st->column_count; i++) {
        if (i == own)
            add_cell(page, text.data, page->width[i], row_color(page, row));
        else
            add_marks(page, i);
    }
    utf8_add_clipped(page->out, trace_place(p->run, p->run->events[row->event].site), MOST_PLACE);
    trim_line(page->out);
    tool_text_free(&text);
}

static void draw_columns(struct page *page) {
    const struct picture *p = page->picture;
    const struct spacetime *st = p->spacetime;
    tool_text_addf(page->out, "%*s  ", (int)page->number, "step");
    for (size_t i = 0; i < st->column_count; i++)
        add_cell(page, trace_task_name(p->run, st->columns[i]), page->width[i],
                 page->options->color ? "\033[1m" : NULL);
    tool_text_add(page->out, "where\n");
    for (size_t i = 0; i < st->row_count; i++) draw_row(page, &st->rows[i]);
    const char *const *m = marks[page->options->ascii];
    tool_text_addf(page->out,
                   "\n%*s  %s running  %s blocked  %s stuck for ever  ? falls asleep  * evidence\n",
                   (int)page->number, "", m[MARK_RUNS], m[MARK_BLOCKED], m[MARK_STUCK]);
    if (st->others > 0)
        tool_text_addf(page->out, "%*s  %zu other task%s not shown\n", (int)page->number, "",
                       st->others, st->others == 1 ? "" : "s");
}

/* ---- List ---------------------------------------------------------------------------------- */

/* Returns the rows by level, those of one level in the order of the steps. */
static size_t *by_level(const struct spacetime *st) {
    size_t *rows = tool_alloc(st->row_count, sizeof *rows),
           *next = tool_alloc(st->level_count + 2, sizeof *next);
    for (size_t i = 0; i < st->row_count; i++) next[st->rows[i].level + 1]++;
    for (size_t i = 0; i <= st->level_count; i++) next[i + 1] += next[i];
    for (size_t i = 0; i < st->row_count; i++) rows[next[st->rows[i].level]++] = i;
    free(next);
    return rows;
}

static void draw_list(struct page *page) {
    const struct picture *p = page->picture;
    const struct spacetime *st = p->spacetime;
    struct tool_text text = {0};
    size_t task = 4, cell = 8;
    for (size_t i = 0; i < st->row_count; i++) {
        if (!spacetime_is_shown(&st->rows[i])) continue;
        cell_text(p, &st->rows[i], &text);
        size_t wanted = utf8_columns(text.data),
               name = utf8_columns(trace_task_name(p->run, p->run->events[st->rows[i].event].task));
        cell = wanted > cell ? wanted : cell;
        task = name > task ? name : task;
    }
    cell = cell > MOST_COLUMN ? MOST_COLUMN : cell;
    task = task > LABEL_NAME ? LABEL_NAME : task;
    size_t *rows = by_level(st);
    for (size_t i = 0; i < st->row_count; i++) {
        const struct spacetime_row *row = &st->rows[rows[i]];
        if (row->kind == SPACETIME_HIDDEN) continue;
        if (!spacetime_is_shown(row)) {
            tool_text_addf(page->out, "  %*s  ", (int)page->number, "...");
            label_gap(page->out, row->kind == SPACETIME_ROUNDS ? row->period : 0, row->count);
            tool_text_add(page->out, "\n");
            continue;
        }
        const struct trace_event *event = &p->run->events[row->event];
        cell_text(p, row, &text);
        tool_text_addf(page->out, "  %*lld  ", (int)page->number,
                       st->causal ? (long long)row->level + 1 : (long long)event->step);
        add_cell(page, trace_task_name(p->run, event->task), task + 2, NULL);
        add_cell(page, text.data, cell + 2, row_color(page, row));
        utf8_add_clipped(page->out, trace_place(p->run, event->site), MOST_PLACE);
        trim_line(page->out);
    }
    free(rows);
    tool_text_free(&text);
}

/* ---- Pages --------------------------------------------------------------------------------- */

static size_t number_width(const struct trace_run *run) {
    int64_t last = run->event_count > 0 ? run->events[run->event_count - 1].step : 0;
    size_t width = 1;
    while (last >= 10) {
        last /= 10;
        width++;
    }
    return width < 4 ? 4 : width;
}

static void draw_page(struct tool_text *out, const struct picture *picture,
                      const struct picture_text_options *options, bool columns) {
    struct tool_text text = {0};
    struct page page = {.out = &text, .picture = picture, .options = options};
    page.number = number_width(picture->run);
    page.place = 5;
    page.width = tool_alloc(picture->spacetime->column_count, sizeof *page.width);
    page.state = tool_alloc(picture->spacetime->column_count, 1);
    /* Columns tell what goes on at a step, which a causal depth is not. */
    if (columns && !picture->spacetime->causal && options->width >= COLUMNS_FROM && measure(&page))
        draw_columns(&page);
    else
        draw_list(&page);
    if (options->ascii)
        utf8_add_ascii(out, tool_text_string(&text));
    else
        tool_text_add_bytes(out, tool_text_string(&text), text.length);
    tool_text_free(&text);
    free(page.width);
    free(page.state);
}

void picture_text(struct tool_text *out, const struct picture *picture,
                  const struct picture_text_options *options) {
    draw_page(out, picture, options, true);
}

void picture_list(struct tool_text *out, const struct picture *picture,
                  const struct picture_text_options *options) {
    draw_page(out, picture, options, false);
}
