/* guide.c - plans and notes; guide.h says what they are. */
#include "sim/guide.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/core/engine.h"

/* Returns the array, or a larger one, with room for one more; NULL: no memory, and it is as it
 * was. */
static void *room_for_one(void *array, size_t count, size_t *room, size_t size) {
    size_t more = *room ? 2 * *room : 64;
    void *larger;
    if (count < *room) return array;
    larger = realloc(array, more * size);
    if (larger) *room = more;
    return larger;
}

bool plan_wish(struct plan *plan, struct wish wish) {
    struct wish *wishes =
        room_for_one(plan->wishes, plan->wish_count, &plan->wish_room, sizeof *wishes);
    if (!wishes) return false;
    plan->wishes = wishes;
    wishes[plan->wish_count++] = wish;
    return true;
}

bool plan_draw(struct plan *plan, struct draw draw) {
    struct draw *draws =
        room_for_one(plan->draws, plan->draw_count, &plan->draw_room, sizeof *draws);
    if (!draws) return false;
    plan->draws = draws;
    draws[plan->draw_count++] = draw;
    return true;
}

static int compare(const void *a, const void *b) {
    const struct draw *one = a, *other = b;
    if (one->identity != other->identity) return one->identity < other->identity ? -1 : 1;
    return (one->nth > other->nth) - (one->nth < other->nth);
}

void plan_sort(struct plan *plan) {
    if (plan->draw_count) qsort(plan->draws, plan->draw_count, sizeof *plan->draws, compare);
}

void plan_clear(struct plan *plan) { plan->wish_count = plan->draw_count = 0; }

bool plan_copy(struct plan *to, const struct plan *from) {
    plan_clear(to);
    for (size_t i = 0; i < from->wish_count; i++)
        if (!plan_wish(to, from->wishes[i])) return false;
    for (size_t i = 0; i < from->draw_count; i++)
        if (!plan_draw(to, from->draws[i])) return false;
    return true;
}

void plan_free(struct plan *plan) {
    free(plan->wishes);
    free(plan->draws);
    *plan = (struct plan){0};
}

struct notes *notes_new(const struct log *log) {
    size_t size = sizeof(struct notes) + log->choice_room * sizeof(struct note);
    struct notes *notes =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (notes == MAP_FAILED) return NULL;
    notes->room = log->choice_room;
    notes->size = size;
    return notes;
}

void notes_free(struct notes *notes) {
    if (notes) munmap(notes, notes->size);
}

/* ---- From a run to its plan ---------------------------------------------------------------- */

/* Whether the task ran until it had to wait, or ended, with this event. */
static bool waited(const struct log_event *event) {
    return !event->has_result || event->op == OP_EXIT;
}

/* The last wish of a task, timers left out; NULL: there is none. */
static struct wish *last_wish(struct plan *plan) {
    for (size_t i = plan->wish_count; i-- > 0;)
        if (plan->wishes[i].identity) return &plan->wishes[i];
    return NULL;
}

bool plan_step(struct plan *plan, uint64_t identity, uint32_t done, const struct log_event *event) {
    struct wish *last = last_wish(plan), *end = plan->wishes + plan->wish_count;
    bool goes_on = !waited(event);
    if (last && last->identity == identity) {
        if (last == end - 1) {
            last->until = done;
            last->preempted = goes_on;
            return true;
        }
        last->preempted = false; /* a timer has fired in between, and that is all */
    }
    return plan_wish(plan, (struct wish){identity, done, goes_on});
}

static bool add_note(struct plan *plan, const struct note *note) {
    if (note->timer) return plan_wish(plan, (struct wish){0});
    return !note->draw.value || plan_draw(plan, note->draw);
}

bool plan_derive(struct plan *plan, const struct log *log, const struct notes *notes) {
    size_t steps = log->steps < log->event_room ? log->steps : log->event_room, next = 0;
    size_t tasks = log->tasks < log->task_room ? log->tasks : log->task_room;
    uint32_t *done = calloc(tasks + 1, sizeof *done);
    struct wish *last;
    bool fits = done != NULL;

    plan_clear(plan);
    for (size_t i = 0; i <= steps && fits; i++) {
        const struct log_event *event = &log->events[i];
        for (; next < notes->count && (notes->entries[next].step <= i || i == steps) && fits;
             next++)
            fits = add_note(plan, &notes->entries[next]);
        if (fits && i < steps && event->task && event->task <= tasks)
            fits = plan_step(plan, log->task_table[event->task - 1].identity, ++done[event->task],
                             event);
    }
    if ((last = last_wish(plan))) last->preempted = false;
    plan_sort(plan);
    free(done);
    return fits;
}
