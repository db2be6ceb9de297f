/* log.c - the mapping that holds what a run leaves behind. */
#include "sim/log.h"

#include <string.h>
#include <sys/mman.h>

#include "sim/random.h"
#include "sim/sim.h"

/* Room for each kind of row, for runs of so many steps. Most steps make one edge and no choice;
 * some make many. */
static void make_room(struct log *log, uint64_t steps) {
    size_t n = (size_t)steps + 1024;
    log->event_room = n;
    log->choice_room = 4 * n;
    log->edge_room = 8 * n;
    log->case_room = 4 * n;
    log->task_room = n;
    log->object_room = n;
    log->mark_room = 2 * n;
}

static size_t place(size_t *end, size_t size) {
    size_t at = *end;
    *end += (size + 63) / 64 * 64;
    return at;
}

struct log *log_new(uint64_t most_steps) {
    struct log plan = {0}, *log;
    size_t end = 0, events, choices, edges, cases, tasks, objects, findings, marks, races;
    char *start;

    if (most_steps > UINT32_MAX / 16) return NULL; /* steps are 32 bits wide */
    make_room(&plan, most_steps);
    place(&end, sizeof plan);
    events = place(&end, plan.event_room * sizeof *plan.events);
    choices = place(&end, plan.choice_room * sizeof *plan.choices);
    edges = place(&end, plan.edge_room * sizeof *plan.edges);
    cases = place(&end, plan.case_room * sizeof *plan.cases);
    tasks = place(&end, plan.task_room * sizeof *plan.task_table);
    objects = place(&end, plan.object_room * sizeof *plan.objects);
    findings = place(&end, LOG_FINDINGS * sizeof *plan.findings);
    marks = place(&end, plan.mark_room * sizeof *plan.marks);
    races = place(&end, LOG_FINDINGS * sizeof *plan.races);
    start =
        mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return NULL;
    log = (struct log *)(void *)start;
    *log = plan;
    log->size = end;
    log->most_steps = most_steps;
    log->events = (void *)(start + events);
    log->choices = (void *)(start + choices);
    log->edges = (void *)(start + edges);
    log->cases = (void *)(start + cases);
    log->task_table = (void *)(start + tasks);
    log->objects = (void *)(start + objects);
    log->findings = (void *)(start + findings);
    log->marks = (void *)(start + marks);
    log->races = (void *)(start + races);
    return log;
}

void log_free(struct log *log) {
    if (log) munmap(log, log->size);
}

void log_reset(struct log *log) {
    log->finished = log->cut = log->armed = log->turns = log->brief = false;
    log->outcome = PIRN_OK;
    log->message[0] = '\0';
    log->seed = log->steps = log->tasks = log->switches = log->preemptions = log->graph = 0;
    log->virtual_ns = log->wall_ns = 0;
    log->choice_count = log->edge_count = log->case_count = log->object_count = log->finding_count =
        0;
    log->mark_count = log->race_count = 0;
    log->point_count = log->points_used;
    log->watched = false;
    log->performer = 0;
}

/* The log may have been overwritten by a program that crashed. */
uint32_t log_event_hash(const struct log *log) {
    size_t count = log->steps < log->event_room ? (size_t)log->steps : log->event_room;
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++) {
        const struct log_event *event = &log->events[i];
        hash = mix(hash, (uint64_t)event->task << 40 ^ (uint64_t)event->object << 8 ^ event->op);
        if (event->has_result) hash = mix(hash, (uint64_t)event->result);
    }
    return (uint32_t)hash;
}

void log_tally(struct log *log) {
    size_t tasks = log->tasks < log->task_room ? (size_t)log->tasks : log->task_room;
    size_t count = log->steps < log->event_room ? (size_t)log->steps : log->event_room;
    for (size_t i = 0; i < tasks; i++) log->task_table[i].last_step = log->task_table[i].steps = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = log->events[i].task;
        if (!id || id > tasks) continue;
        log->task_table[id - 1].last_step = (uint32_t)i + 1;
        log->task_table[id - 1].steps++;
    }
}

uint32_t log_last_task(const struct log *log) {
    uint64_t step = log->steps;
    while (step && !log->events[step - 1].task) step--;
    return step ? log->events[step - 1].task : 0;
}

void log_copy(struct log *to, const struct log *from) {
    struct log here = *to;
    size_t tasks = (size_t)from->tasks, steps = (size_t)from->steps;
    *to = *from;
    to->events = here.events;
    to->choices = here.choices;
    to->edges = here.edges;
    to->cases = here.cases;
    to->task_table = here.task_table;
    to->objects = here.objects;
    to->findings = here.findings;
    to->marks = here.marks;
    to->races = here.races;
    to->size = here.size;
    memcpy(to->events, from->events, steps * sizeof *to->events);
    memcpy(to->choices, from->choices, from->choice_count * sizeof *to->choices);
    memcpy(to->edges, from->edges, from->edge_count * sizeof *to->edges);
    memcpy(to->cases, from->cases, from->case_count * sizeof *to->cases);
    memcpy(to->task_table, from->task_table, tasks * sizeof *to->task_table);
    memcpy(to->objects, from->objects, from->object_count * sizeof *to->objects);
    memcpy(to->findings, from->findings, from->finding_count * sizeof *to->findings);
    memcpy(to->races, from->races, from->race_count * sizeof *to->races);
    memcpy(to->marks, from->marks, (from->mark_count + 1) * sizeof *to->marks);
}

struct log_figures log_figures(const struct log *log) {
    return (struct log_figures){log->steps,       log->tasks, log->switches,
                                log->preemptions, log->graph, log->virtual_ns};
}

void log_take_figures(struct log *log, const struct log_figures *figures) {
    uint64_t seed = log->seed;
    log_reset(log);
    log->seed = seed;
    log->steps = figures->steps;
    log->tasks = figures->tasks;
    log->switches = figures->switches;
    log->preemptions = figures->preemptions;
    log->graph = figures->graph;
    log->virtual_ns = figures->virtual_ns;
    log->finished = log->brief = true;
}

void log_take_points(struct log *to, const struct log *from) {
    memcpy(to->points, from->points, sizeof to->points);
    to->point_count = to->points_used = from->points_used;
}

void log_find(struct log *log, pirn_outcome kind, uint32_t step, uint32_t object, const void *site,
              const char *message) {
    struct log_finding *finding;
    if (log->finding_count == LOG_FINDINGS) return;
    if (log->finding_count == 0) debugger_found(kind, message);
    finding = &log->findings[log->finding_count++];
    finding->kind = (uint8_t)kind;
    finding->step = step;
    finding->other_step = 0;
    finding->object = object;
    finding->site = site;
    finding->race = 0;
    strncpy(finding->message, message, sizeof finding->message - 1);
    finding->message[sizeof finding->message - 1] = '\0';
}
