/*
 * page_run.c - a run as JSON for the page: one array for each column, since 50,000 objects would be
 * ten times the size; labels once each. viz/page/model.js reads it.
 */
#include <stdlib.h>
#include <string.h>

#include "viz/label.h"
#include "viz/page.h"
#include "viz/waits.h"

#define EXACT ((int64_t)1 << 53) /* JavaScript's numbers are exact up to here */

/* ---- Strings that come once ---------------------------------------------------------------- */

struct words {
    struct tool_text text; /* each with its NUL */
    size_t *starts;
    size_t count, capacity;
    size_t *slots; /* of a hash table: index + 1; 0: free */
    size_t slot_count;
};

static size_t hash_of(const char *word) {
    size_t hash = 14695981039346656037U;
    for (; *word != '\0'; word++) hash = (hash ^ (unsigned char)*word) * 1099511628211U;
    return hash ^ hash >> 32;
}

static size_t *find_slot(struct words *words, const char *word) {
    size_t i = hash_of(word) & (words->slot_count - 1);
    while (words->slots[i] != 0 &&
           /* A slot that is taken has its word. NOLINTNEXTLINE(clang-analyzer-core.*) */
           strcmp(words->text.data + words->starts[words->slots[i] - 1], word) != 0)
        i = (i + 1) & (words->slot_count - 1);
    return &words->slots[i];
}

static void grow_slots(struct words *words) {
    free(words->slots);
    words->slot_count = words->slot_count != 0 ? words->slot_count * 2 : 64;
    words->slots = tool_alloc(words->slot_count, sizeof *words->slots);
    for (size_t i = 0; i < words->count; i++)
        *find_slot(words, words->text.data + words->starts[i]) = i + 1;
}

/* Returns the word's number, a new one where it has none. */
static size_t number_of(struct words *words, const char *word) {
    if (2 * words->count >= words->slot_count) grow_slots(words);
    size_t *slot = find_slot(words, word);
    if (*slot != 0) return *slot - 1;
    words->starts = tool_grow(words->starts, &words->capacity, words->count + 1, sizeof(size_t));
    words->starts[words->count] = words->text.length;
    tool_text_add_bytes(&words->text, word, strlen(word) + 1);
    *slot = ++words->count;
    return words->count - 1;
}

static void end_words(struct tool_text *out, const char *name, struct words *words) {
    tool_text_addf(out, ",\n\"%s\":[", name);
    for (size_t i = 0; i < words->count; i++) {
        if (i > 0) tool_text_add(out, ",");
        page_json_string(out, words->text.data + words->starts[i]);
    }
    tool_text_add(out, "]");
    tool_text_free(&words->text);
    free(words->starts);
    free(words->slots);
}

/* ---- Pieces -------------------------------------------------------------------------------- */

static void add_index(struct tool_text *out, size_t index) {
    if (index == TRACE_NONE)
        tool_text_add(out, "-1");
    else
        tool_text_addf(out, "%zu", index);
}

static void add_number(struct tool_text *out, int64_t number) {
    bool exact = number >= -EXACT && number <= EXACT;
    tool_text_addf(out, exact ? "%lld" : "\"%lld\"", (long long)number);
}

/* ---- The schedule -------------------------------------------------------------------------- */

/* The next byte of base64url; -1: there is none. */
static int next_byte(const char **text, unsigned *bits, int *count) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    while (*count < 8) {
        const char *digit = **text != '\0' ? strchr(digits, **text) : NULL;
        if (digit == NULL) return -1;
        *bits = *bits << 6 | (unsigned)(digit - digits);
        *count += 6;
        (*text)++;
    }
    *count -= 8;
    return (int)(*bits >> *count & 0xff);
}

/* How many choices a schedule has: behind 8 bytes and the number of steps, both in bytes of seven
 * bits; -1: it is none. */
static int64_t choice_count(const char *schedule) {
    static const char prefix[] = "pirn1:";
    const char *text = schedule + sizeof prefix - 1;
    unsigned bits = 0;
    int count = 0, byte;
    uint64_t number = 0;
    if (strncmp(schedule, prefix, sizeof prefix - 1) != 0) return -1;
    for (int i = 0; i < 8; i++) next_byte(&text, &bits, &count);
    do byte = next_byte(&text, &bits, &count);
    while (byte >= 0x80);
    for (unsigned shift = 0; shift < 49; shift += 7) {
        if (byte < 0 || (byte = next_byte(&text, &bits, &count)) < 0) return -1;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return (int64_t)number;
    }
    return -1;
}

static void add_summary(struct tool_text *out, const struct trace_summary *summary) {
    int64_t choices = choice_count(summary->schedule);
    tool_text_addf(out, "\"id\":\"%lld\",\"outcome\":", (long long)summary->id);
    page_json_string(out, summary->outcome);
    tool_text_add(out, ",\"strategy\":");
    page_json_string(out, summary->strategy);
    tool_text_addf(out, ",\"seed\":\"0x%llx\"", (unsigned long long)summary->seed);
    if (choices >= 0) tool_text_addf(out, ",\"choices\":%lld", (long long)choices);
}

static void add_tasks(struct tool_text *out, const struct trace_run *run,
                      const struct waits *waits) {
    static const char *const states[] = {"exited", "blocked", "sleeping", "runnable", ""};
    tool_text_add(out, ",\n\"tasks\":[");
    for (size_t i = 0; i < run->task_count; i++) {
        const struct trace_task *task = &run->tasks[i];
        tool_text_addf(out, "%s{\"name\":", i > 0 ? ",\n" : "");
        page_json_string(out, task->name);
        tool_text_add(out, ",\"parent\":");
        add_index(out, task->parent);
        tool_text_addf(out, ",\"state\":\"%s\",\"daemon\":%s", states[task->state],
                       task->daemon ? "true" : "false");
        if (waits_is_culprit(waits, i))
            tool_text_addf(out, ",\"culprit\":true,\"tag\":\"%c%d\"", waits->letter,
                           waits->tasks[i].tag);
        tool_text_add(out, "}");
    }
    tool_text_add(out, "]");
}

static void add_objects(struct tool_text *out, const struct trace_run *run) {
    tool_text_add(out, ",\n\"objects\":[");
    for (size_t i = 0; i < run->object_count; i++) {
        const struct trace_object *object = &run->objects[i];
        tool_text_addf(out, "%s{\"name\":", i > 0 ? ",\n" : "");
        page_json_string(out, object->name);
        tool_text_add(out, ",\"kind\":");
        page_json_string(out, object->kind_word);
        tool_text_addf(out, ",\"labelled\":%s,\"capacity\":%lld}",
                       object->labelled ? "true" : "false",
                       (long long)(object->capacity < 0       ? -1
                                   : object->capacity > EXACT ? EXACT
                                                              : object->capacity));
    }
    tool_text_add(out, "]");
}

/* ---- Events -------------------------------------------------------------------------------- */

struct columns {
    struct tool_text *out;
    const struct trace_run *run;
    struct page_sites *sites;
    struct words ops, labels;
    struct tool_text text; /* scratch */
};

static const struct trace_event *event_at(const struct columns *c, size_t i) {
    return &c->run->events[i];
}

static void add_step(struct columns *c, size_t i) {
    tool_text_addf(c->out, "%lld", (long long)event_at(c, i)->step);
}

static void add_task(struct columns *c, size_t i) { add_index(c->out, event_at(c, i)->task); }

static void add_op(struct columns *c, size_t i) {
    add_index(c->out, number_of(&c->ops, event_at(c, i)->op_word));
}

static void add_object(struct columns *c, size_t i) { add_index(c->out, event_at(c, i)->object); }

static void add_result(struct columns *c, size_t i) { add_number(c->out, event_at(c, i)->result); }

static void add_label(struct columns *c, size_t i) {
    tool_text_clear(&c->text);
    label_event(&c->text, c->run, i);
    add_index(c->out, number_of(&c->labels, tool_text_string(&c->text)));
}

static void add_site(struct columns *c, size_t i) {
    tool_text_addf(c->out, "%ld", page_site(c->sites, c->run, event_at(c, i)->site));
}

/* As a difference, which is 0 mostly. Unsigned, since a damaged trace may hold anything. */
static void add_time(struct columns *c, size_t i) {
    uint64_t before = i > 0 ? (uint64_t)event_at(c, i - 1)->time : 0;
    tool_text_addf(c->out, "%lld", (long long)((uint64_t)event_at(c, i)->time - before));
}

static void add_column(struct columns *c, const char *name,
                       void (*add)(struct columns *c, size_t i)) {
    tool_text_addf(c->out, ",\n\"%s\":[", name);
    for (size_t i = 0; i < c->run->event_count; i++) {
        if (i > 0) tool_text_add(c->out, ",");
        add(c, i);
    }
    tool_text_add(c->out, "]");
}

static bool is_asleep(const struct trace_run *run, size_t event) {
    return run->events[event].slept;
}

static bool is_sending_select(const struct trace_run *run, size_t event) {
    const struct trace_event *e = &run->events[event];
    return (e->op == TRACE_OP_SELECT || e->op == TRACE_OP_SELECT_FIRST) && !e->slept &&
           e->result >= 0 && e->object != TRACE_NONE && label_select_sends(run, event);
}

/* The indexes of some events. */
static void add_some(struct columns *c, const char *name,
                     bool (*is)(const struct trace_run *run, size_t event)) {
    const char *comma = "";
    tool_text_addf(c->out, ",\n\"%s\":[", name);
    for (size_t i = 0; i < c->run->event_count; i++) {
        if (!is(c->run, i)) continue;
        tool_text_addf(c->out, "%s%zu", comma, i);
        comma = ",";
    }
    tool_text_add(c->out, "]");
}

/* The task that an event starts, or TRACE_NONE. */
static size_t started(const struct trace_run *run, const struct trace_event *e) {
    bool timer = e->op == TRACE_OP_FIRE && e->object != TRACE_NONE &&
                 run->objects[e->object].kind == TRACE_KIND_TIMER;
    return (e->op == TRACE_OP_GO || timer) && e->result > 0 ? trace_find_task(run, e->result)
                                                            : TRACE_NONE;
}

static void add_started(struct columns *c) {
    const char *comma = "";
    tool_text_add(c->out, "\"started\":{");
    for (size_t i = 0; i < c->run->event_count; i++) {
        size_t task = started(c->run, event_at(c, i));
        if (task == TRACE_NONE) continue;
        tool_text_addf(c->out, "%s\"%zu\":%zu", comma, i, task);
        comma = ",";
    }
    tool_text_add(c->out, "}");
}

static void add_events(struct tool_text *out, const struct trace_run *run,
                       struct page_sites *sites) {
    struct columns c = {.out = out, .run = run, .sites = sites};
    bool dense = run->event_count == 0 ||
                 run->events[run->event_count - 1].step == (int64_t)run->event_count;
    tool_text_add(out, ",\n\"events\":{");
    add_started(&c);
    if (!dense) add_column(&c, "step", add_step);
    add_column(&c, "task", add_task);
    add_column(&c, "op", add_op);
    add_column(&c, "object", add_object);
    add_column(&c, "result", add_result);
    add_column(&c, "label", add_label);
    add_column(&c, "site", add_site);
    add_column(&c, "time", add_time);
    add_some(&c, "slept", is_asleep);
    add_some(&c, "sends", is_sending_select);
    tool_text_add(out, "}");
    end_words(out, "ops", &c.ops);
    end_words(out, "labels", &c.labels);
    tool_text_free(&c.text);
}

/* ---- What refers to events ----------------------------------------------------------------- */

static void add_cases(struct tool_text *out, const struct trace_run *run) {
    tool_text_add(out, ",\n\"cases\":[");
    for (size_t i = 0; i < run->case_count; i++) {
        const struct trace_case *entry = &run->cases[i];
        bool first = i == 0 || entry[-1].event != entry->event;
        if (first) tool_text_addf(out, "%s[%zu,[", i > 0 ? "]]," : "", entry->event);
        tool_text_addf(out, "%s[%d,", first ? "" : ",", entry->sends);
        add_index(out, entry->object);
        tool_text_add(out, "]");
    }
    tool_text_add(out, run->case_count > 0 ? "]]]" : "]");
}

static void add_edges(struct tool_text *out, const struct trace_run *run) {
    struct words kinds = {0};
    tool_text_add(out, ",\n\"edges\":{\"before\":[");
    for (size_t i = 0; i < run->edge_count; i++)
        tool_text_addf(out, "%s%zu", i > 0 ? "," : "", run->edges[i].before);
    tool_text_add(out, "],\n\"after\":[");
    for (size_t i = 0; i < run->edge_count; i++)
        tool_text_addf(out, "%s%zu", i > 0 ? "," : "", run->edges[i].after);
    tool_text_add(out, "],\n\"kind\":[");
    for (size_t i = 0; i < run->edge_count; i++)
        tool_text_addf(out, "%s%zu", i > 0 ? "," : "", number_of(&kinds, run->edges[i].kind_word));
    tool_text_add(out, "]}");
    end_words(out, "kinds", &kinds);
}

static void add_findings(struct tool_text *out, const struct trace_run *run) {
    tool_text_add(out, ",\n\"findings\":[");
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        tool_text_addf(out, "%s{\"kind\":", i > 0 ? ",\n" : "");
        page_json_string(out, finding->kind);
        tool_text_add(out, ",\"event\":");
        add_index(out, finding->event);
        tool_text_add(out, ",\"other\":");
        add_index(out, finding->other);
        tool_text_add(out, "}");
    }
    tool_text_add(out, "]");
}

static void add_arcs(struct tool_text *out, const struct waits *waits) {
    const char *comma = "";
    tool_text_add(out, ",\n\"arcs\":[");
    for (size_t i = 0; i < waits->arc_count; i++) {
        const struct waits_arc *arc = &waits->arcs[i];
        if (waits->tasks[arc->from].role == WAITS_FREE) continue;
        tool_text_addf(out, "%s{\"from\":%zu,\"to\":%zu,\"object\":", comma, arc->from, arc->to);
        add_index(out, arc->object);
        tool_text_addf(out, ",\"why\":\"%s\",\"cycle\":%s}", waits_why_word(arc),
                       arc->cycle ? "true" : "false");
        comma = ",\n";
    }
    tool_text_add(out, "]");
}

void page_run(struct tool_text *out, const struct trace_run *run, struct page_sites *sites) {
    struct waits *waits = waits_find(run);
    tool_text_add(out, "{");
    add_summary(out, &run->summary);
    add_tasks(out, run, waits);
    add_objects(out, run);
    add_events(out, run, sites);
    add_cases(out, run);
    add_edges(out, run);
    add_findings(out, run);
    add_arcs(out, waits);
    tool_text_add(out, "}");
    waits_free(waits);
}
