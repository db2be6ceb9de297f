/* graph.c - the graphs of a run that have no time in them. */
#include "viz/graph.h"

#include <stdlib.h>
#include <string.h>

#include "viz/draw.h"
#include "viz/label.h"
#include "viz/locks.h"
#include "viz/predict.h"
#include "viz/usage.h"

#define MOST_NODES 200 /* that Graphviz lays out in good time, and a person reads */
#define FONT "fontname=\"DejaVu Sans,Verdana,sans-serif\""

struct graph {
    struct tool_text *out;
    const struct trace_run *run;
    const struct waits *waits;
    const struct spacetime_options *options;
    bool *task_used, *object_used; /* they have a node */
    size_t nodes, edges;
};

bool graph_parse(const char *word, enum graph_kind *kind) {
    static const char *const words[] = {"space-time", "wait-for", "lock-order", "channels"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(word, words[i]) != 0) continue;
        *kind = (enum graph_kind)i;
        return true;
    }
    return false;
}

static bool wants_task(const struct graph *g, size_t task) {
    return g->options->tasks == NULL || (task != TRACE_NONE && g->options->tasks[task]);
}

static bool wants_object(const struct graph *g, size_t object) {
    return g->options->objects == NULL || (object != TRACE_NONE && g->options->objects[object]);
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static void quote_task(struct graph *g, size_t task) {
    struct tool_text text = {0};
    label_task(&text, g->run, task);
    draw_quote(g->out, text.data);
    tool_text_free(&text);
}

static void quote_object(struct graph *g, size_t object) {
    struct tool_text text = {0};
    label_object(&text, g->run, object);
    draw_quote(g->out, text.data);
    tool_text_free(&text);
}

static void quote_place(struct graph *g, size_t event) {
    struct tool_text text = {0};
    label_place(&text, g->run, event);
    draw_quote(g->out, text.data);
    tool_text_free(&text);
}

static void task_node(struct graph *g, size_t task) {
    size_t index = task != TRACE_NONE ? task : g->run->task_count;
    if (g->task_used[index]) return;
    g->task_used[index] = true;
    g->nodes++;
    bool culprit = waits_is_culprit(g->waits, task),
         stuck = task != TRACE_NONE && g->waits->tasks[task].role != WAITS_FREE;
    tool_text_addf(g->out,
                   "  t%zu [shape=box, style=\"rounded,filled\", fillcolor=\"%s\", color=\"%s\"%s, "
                   "label=\"",
                   index,
                   culprit ? "#fde8e8"
                   : stuck ? "#eeeeee"
                           : "#e8eef6",
                   culprit ? DRAW_RED
                   : stuck ? DRAW_GREY
                           : "#6b83a5",
                   culprit ? ", penwidth=2" : "");
    quote_task(g, task);
    if (stuck) {
        struct tool_text wait = {0};
        label_wait(&wait, g->run, g->waits->tasks[task].event);
        tool_text_add(g->out, culprit ? "\\nstuck: " : "\\nwaits: ");
        draw_quote(g->out, wait.data);
        tool_text_add(g->out, "\\n");
        quote_place(g, g->waits->tasks[task].event);
        tool_text_free(&wait);
    }
    tool_text_add(g->out, "\"];\n");
}

static void object_node(struct graph *g, size_t object, const char *shape) {
    if (g->object_used[object]) return;
    g->object_used[object] = true;
    g->nodes++;
    const struct trace_object *self = &g->run->objects[object];
    tool_text_addf(g->out, "  o%zu [shape=%s, label=\"", object, shape);
    quote_object(g, object);
    if (self->kind == TRACE_KIND_CHANNEL && self->capacity > 0)
        tool_text_addf(g->out, "\\nholds %lld", (long long)self->capacity);
    else if (self->kind == TRACE_KIND_CHANNEL)
        tool_text_add(g->out, "\\nunbuffered");
    tool_text_add(g->out, "\", tooltip=\"");
    draw_quote(g->out, self->kind_word);
    tool_text_add(g->out, ", made at ");
    draw_quote(g->out, trace_place(g->run, self->site));
    tool_text_add(g->out, "\"];\n");
}

/* ---- Wait-for ------------------------------------------------------------------------------ */

static void wait_for(struct graph *g) {
    for (size_t i = 0; i < g->run->task_count; i++) {
        if (g->waits->tasks[i].role != WAITS_FREE && wants_task(g, i)) task_node(g, i);
    }
    for (size_t i = 0; i < g->waits->arc_count; i++) {
        const struct waits_arc *arc = &g->waits->arcs[i];
        if (g->waits->tasks[arc->from].role == WAITS_FREE || !wants_task(g, arc->from) ||
            !wants_object(g, arc->object))
            continue;
        task_node(g, arc->to);
        g->edges++;
        tool_text_addf(g->out, "  t%zu -> t%zu [%s, label=\"", arc->from, arc->to,
                       arc->cycle ? "color=\"" DRAW_RED "\", fontcolor=\"" DRAW_RED "\", penwidth=2"
                                  : "color=\"" DRAW_GREY "\", style=dashed");
        quote_object(g, arc->object);
        tool_text_addf(g->out, "\\n%s, since step %lld\\n", waits_why_word(arc),
                       (long long)g->run->events[arc->since].step);
        quote_place(g, arc->since);
        tool_text_add(g->out, "\"];\n");
    }
}

/* ---- Lock order ---------------------------------------------------------------------------- */

struct lock_edge {
    size_t from, to;
    size_t request; /* the first of them */
    uint64_t times;
    bool cycle;  /* could deadlock */
    bool turned; /* also taken the other way round, but kept apart */
};

static int compare_edges(const void *left, const void *right) {
    const struct lock_edge *a = left, *b = right;
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    return a->request < b->request ? -1 : a->request > b->request;
}

static struct lock_edge *find_edge(struct lock_edge *edges, size_t count, size_t from, size_t to) {
    for (size_t i = 0; i < count; i++) {
        if (edges[i].from == from && edges[i].to == to) return &edges[i];
    }
    return NULL;
}

static size_t collect_edges(const struct locks *locks, struct lock_edge **edges) {
    struct lock_edge *list = tool_alloc(locks->held_count, sizeof *list);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < locks->request_count; i++) {
        const struct locks_request *request = &locks->requests[i];
        for (size_t k = 0; k < request->held; k++)
            list[count++] = (struct lock_edge){
                .from = locks->held[request->first + k].object,
                .to = request->object,
                .request = i,
                .times = request->times,
            };
    }
    if (count > 0) qsort(list, count, sizeof *list, compare_edges);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && list[kept - 1].from == list[i].from && list[kept - 1].to == list[i].to)
            list[kept - 1].times += list[i].times;
        else
            list[kept++] = list[i];
    }
    *edges = list;
    return kept;
}

static void mark_cycles(struct graph *g, struct lock_edge *edges, size_t count) {
    struct predictions *predictions = predict(g->run);
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->list[i];
        if (p->kind != PREDICT_DEADLOCK) continue;
        for (size_t k = 0; k + 1 < p->count; k += 2) {
            struct lock_edge *edge =
                find_edge(edges, count, g->run->events[predictions->events[p->first + k]].object,
                          g->run->events[predictions->events[p->first + k + 1]].object);
            if (edge != NULL) edge->cycle = true;
        }
    }
    predict_free(predictions);
    /* The cycle that has happened is one as well. */
    for (size_t i = 0; i < g->waits->arc_count; i++) {
        const struct waits_arc *arc = &g->waits->arcs[i];
        for (size_t k = 0; k < count && arc->cycle && arc->why == WAITS_HOLDS; k++) {
            size_t next = g->waits->tasks[arc->to].event;
            if (edges[k].from == arc->object && next != TRACE_NONE &&
                edges[k].to == g->run->events[next].object)
                edges[k].cycle = true;
        }
    }
    for (size_t i = 0; i < count; i++)
        edges[i].turned = find_edge(edges, count, edges[i].to, edges[i].from) != NULL;
}

static void lock_order(struct graph *g) {
    struct locks *locks = locks_find(g->run);
    struct lock_edge *edges;
    size_t count = collect_edges(locks, &edges);
    if (count <= MOST_NODES * 4) mark_cycles(g, edges, count);
    for (size_t i = 0; i < count && g->nodes <= MOST_NODES; i++) {
        const struct lock_edge *edge = &edges[i];
        const struct locks_request *request = &locks->requests[edge->request];
        if (!wants_task(g, request->task) ||
            !(wants_object(g, edge->from) || wants_object(g, edge->to)))
            continue;
        object_node(g, edge->from, "box");
        object_node(g, edge->to, "box");
        g->edges++;
        tool_text_addf(g->out, "  o%zu -> o%zu [%s, label=\"", edge->from, edge->to,
                       edge->cycle ? "color=\"" DRAW_RED "\", fontcolor=\"" DRAW_RED
                                     "\", penwidth=2"
                       : edge->turned ? "color=\"" DRAW_GREY "\", style=dashed"
                                      : "color=\"" DRAW_INK "\"");
        quote_task(g, request->task);
        tool_text_add(g->out, "  ");
        quote_place(g, request->event);
        if (edge->times > 1) tool_text_addf(g->out, "\\nx %llu", (unsigned long long)edge->times);
        if (edge->turned && !edge->cycle) tool_text_add(g->out, "\\nkept apart");
        tool_text_add(g->out, "\"];\n");
    }
    free(edges);
    locks_free(locks);
}

/* ---- Channels ------------------------------------------------------------------------------ */

static void count_label(struct graph *g, bool *any, uint64_t count, const char *what) {
    if (count == 0) return;
    tool_text_addf(g->out, "%s%s", *any ? "\\n" : "", what);
    if (count > 1) tool_text_addf(g->out, " x %llu", (unsigned long long)count);
    *any = true;
}

static void channel_edge(struct graph *g, const struct usage *usage, const struct usage_link *link,
                         bool sends) {
    uint64_t count = sends ? link->counts.sends : link->counts.receives,
             blocked = sends ? link->counts.blocked_sends : link->counts.blocked_receives,
             ends = sends ? 0 : link->counts.ends;
    size_t task = link->task != TRACE_NONE ? link->task : g->run->task_count,
           closed = usage->channels[link->object].closed;
    bool closes = sends && link->closes && closed != TRACE_NONE, any = false;
    if (count == 0 && blocked == 0 && ends == 0 && !closes) return;
    g->edges++;
    if (sends)
        tool_text_addf(g->out, "  t%zu -> o%zu", task, link->object);
    else
        tool_text_addf(g->out, "  o%zu -> t%zu", link->object, task);
    tool_text_addf(g->out, " [color=\"" DRAW_BLUE "\"%s, label=\"",
                   count == 0 ? ", style=dashed" : "");
    count_label(g, &any, count, sends ? "sent" : "received");
    count_label(g, &any, blocked, "waited");
    count_label(g, &any, ends, "saw it closed");
    count_label(g, &any, closes, "closed it");
    tool_text_add(g->out, "\"];\n");
}

static void channels(struct graph *g) {
    struct usage *usage = usage_find(g->run);
    for (size_t i = 0; i < usage->link_count && g->nodes <= MOST_NODES; i++) {
        const struct usage_link *link = &usage->links[i];
        if (!wants_task(g, link->task) || !wants_object(g, link->object)) continue;
        task_node(g, link->task);
        object_node(g, link->object, "ellipse");
        channel_edge(g, usage, link, true);
        channel_edge(g, usage, link, false);
    }
    usage_free(usage);
}

/* ---- Public -------------------------------------------------------------------------------- */

int graph_dot(struct tool_text *out, const struct trace_run *run, const struct waits *waits,
              enum graph_kind kind, const struct spacetime_options *options) {
    static const struct {
        void (*draw)(struct graph *);
        const char *about, *empty;
    } kinds[] = {
        {NULL, "", ""},
        {wait_for, "Wait-for graph of the end of the run.", "nobody waits for ever in this run"},
        {lock_order, "Lock order: A -> B when B was asked for while A was held.",
         "no task asked for a lock while it held another"},
        {channels, "Channels: who sends what to whom.", "no channel was used"},
    };
    struct graph g = {.out = out, .run = run, .waits = waits, .options = options};
    g.task_used = tool_alloc(run->task_count + 1, sizeof *g.task_used);
    g.object_used = tool_alloc(run->object_count, sizeof *g.object_used);
    tool_text_addf(
        out,
        "// %s\ndigraph trace {\n"
        "  graph [rankdir=LR, nodesep=0.35, ranksep=0.7, bgcolor=white, pad=0.15, " FONT "];\n"
        "  node [" FONT ", fontsize=10, style=filled, fillcolor=white, color=\"" DRAW_INK "\"];\n"
        "  edge [" FONT ", fontsize=8, arrowsize=0.7];\n",
        kinds[kind].about);
    kinds[kind].draw(&g);
    tool_text_add(out, "}\n");
    free(g.task_used);
    free(g.object_used);
    if (g.nodes > MOST_NODES) {
        tool_error("the graph has more than %d nodes, which nobody could read; --task or --object "
                   "draws a part",
                   MOST_NODES);
        return TOOL_USAGE;
    }
    if (g.nodes == 0) {
        tool_error("there is nothing to draw: %s", kinds[kind].empty);
        return TOOL_USAGE;
    }
    return TOOL_OK;
}
