/* spec.c - see spec.h. */
#include "tests/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum spec_mutant spec_mutant;

/* ---- Lists --------------------------------------------------------------------------------- */

struct list {
    unsigned char count, item[MOST_CALLS];
};

static void append(struct list *list, int item) { list->item[list->count++] = (unsigned char)item; }

static int take_at(struct list *list, int place) {
    int item = list->item[place];
    list->count--;
    memmove(&list->item[place], &list->item[place + 1], (size_t)(list->count - place));
    list->item[list->count] = 0;
    return item;
}

static void take_out(struct list *list, int item) {
    for (int i = list->count; i-- > 0;)
        if (list->item[i] == item) take_at(list, i);
}

/* ---- The specification --------------------------------------------------------------------- */

enum state { ABSENT, WAITING, OVER };

struct channel {
    struct list values, senders, receivers; /* the latter two: calls */
    bool closed;
};

/* Bytes alone, so that two can be compared as memory. */
struct world {
    struct channel channels[CHANNELS];
    unsigned char calls[MOST_CALLS]; /* enum state */
};

/* Where the search is. */
struct search {
    const struct history *history;
    struct world *been; /* worlds that lead nowhere; owned */
    size_t count, room;
    bool short_of_memory;
};

static bool matches(const struct step *step, int chosen, int channel, bool sends) {
    return chosen >= 0 && chosen < step->cases && step->channels[chosen] == channel &&
           step->sends[chosen] == sends;
}

/* A call is done in one of its cases, or in none. Returns whether that is what was seen. */
static bool end(struct world *world, const struct history *history, int number, int chosen,
                int status, int value) {
    const struct call *call = &history->calls[number];

    world->calls[number] = OVER;
    for (int i = 0; i < CHANNELS; i++) {
        take_out(&world->channels[i].senders, number);
        take_out(&world->channels[i].receivers, number);
    }
    return call->ended && call->chosen == chosen && call->status == status && call->value == value;
}

/* Whoever has waited longest for it sends to, or receives from, a call that has come. Of several
 * cases that would do, any may be the one. */
static bool wake(struct world *world, const struct history *history, int channel, bool sends,
                 int status, int *value) {
    struct channel *c = &world->channels[channel];
    struct list *waiting = sends ? &c->senders : &c->receivers;
    int number = waiting->item[0];
    const struct call *call = &history->calls[number];

    if (!call->ended || !matches(call->step, call->chosen, channel, sends)) return false;
    if (sends) *value = call->sent + call->chosen;
    return end(world, history, number, call->chosen, status, sends ? UNTOUCHED : *value);
}

static bool ready(const struct world *world, const struct history *history, const struct step *step,
                  int which) {
    int channel = step->channels[which];
    const struct channel *c = &world->channels[channel];

    if (c->closed) return true;
    if (step->sends[which])
        return c->receivers.count || c->values.count < history->capacities[channel];
    return c->values.count || c->senders.count;
}

static bool send(struct world *world, const struct history *history, int number, int which) {
    const struct call *call = &history->calls[number];
    int channel = call->step->channels[which], value = call->sent + which;
    struct channel *c = &world->channels[channel];

    if (c->closed && spec_mutant != SPEC_OPEN)
        return end(world, history, number, which, -EPIPE, UNTOUCHED);
    if (!c->receivers.count)
        append(&c->values, value);
    else if (!wake(world, history, channel, false, 0, &value))
        return false;
    return end(world, history, number, which, 0, UNTOUCHED);
}

static bool receive(struct world *world, const struct history *history, int number, int which) {
    int channel = history->calls[number].step->channels[which], value = 0;
    struct channel *c = &world->channels[channel];

    if (c->values.count) {
        int head = take_at(&c->values, spec_mutant == SPEC_STACK ? c->values.count - 1 : 0);
        if (c->senders.count) {
            if (!wake(world, history, channel, true, 0, &value)) return false;
            append(&c->values, value);
        }
        return end(world, history, number, which, 0, head);
    }
    if (!c->senders.count) return end(world, history, number, which, -EPIPE, 0);
    return wake(world, history, channel, true, 0, &value) &&
           end(world, history, number, which, 0, value);
}

static bool close_channel(struct world *world, const struct history *history, int number) {
    int channel = history->calls[number].step->channels[0], zero = 0;
    struct channel *c = &world->channels[channel];

    if (c->closed) return end(world, history, number, -EPIPE, 0, UNTOUCHED);
    c->closed = true;
    if (spec_mutant == SPEC_DISCARD) c->values = (struct list){0};
    while (c->receivers.count)
        if (!wake(world, history, channel, false, -EPIPE, &zero)) return false;
    while (c->senders.count)
        if (!wake(world, history, channel, true, -EPIPE, &zero)) return false;
    return end(world, history, number, 0, 0, UNTOUCHED);
}

/* A call arrives. Returns whether what comes of it is what was seen. */
static bool arrive(struct world *world, const struct history *history, int number) {
    const struct call *call = &history->calls[number];
    const struct step *step = call->step;
    int first = -1, which = call->chosen;

    if (step->verb == CLOSE) return close_channel(world, history, number);
    if (step->verb == LENGTH)
        return end(world, history, number, world->channels[step->channels[0]].values.count, 0,
                   UNTOUCHED);
    for (int i = 0; i < step->cases; i++)
        if (ready(world, history, step, i) && (first < 0 || spec_mutant == SPEC_LAST)) first = i;
    if (first >= 0 && spec_mutant != SPEC_EAGER) {
        /* Any that is ready may be chosen, unless the first one has to be. */
        if (!call->ended || which < 0 || which >= step->cases ||
            !ready(world, history, step, which))
            return false;
        if (step->verb == SELECT && step->first && which != first) return false;
        return step->sends[which] ? send(world, history, number, which)
                                  : receive(world, history, number, which);
    }
    if (step->patience == NOT_AT_ALL) return end(world, history, number, -EAGAIN, 0, UNTOUCHED);
    if (step->patience == UNTIL_PAST) return end(world, history, number, -ETIMEDOUT, 0, UNTOUCHED);
    world->calls[number] = WAITING;
    for (int i = 0; i < step->cases; i++) {
        struct channel *c = &world->channels[step->channels[i]];
        struct list *waiting = step->sends[i] ? &c->senders : &c->receivers;
        take_out(waiting, number); /* it stands in a queue once */
        append(waiting, number);
    }
    return true;
}

/* ---- The search ---------------------------------------------------------------------------- */

/* Whether every call that had ended before this one began is over. */
static bool may_arrive(const struct world *world, const struct history *history, int number) {
    for (int i = 0; i < history->count; i++) {
        const struct call *call = &history->calls[i];
        if (call->ended && call->ended < history->calls[number].began && world->calls[i] != OVER)
            return false;
    }
    return true;
}

static bool been_here(struct search *search, const struct world *world) {
    for (size_t i = 0; i < search->count; i++)
        if (memcmp(&search->been[i], world, sizeof *world) == 0) return true;
    if (search->count == search->room) {
        size_t room = search->room ? 2 * search->room : 64;
        struct world *been = realloc(search->been, room * sizeof *been);
        if (!been) {
            search->short_of_memory = true;
            return true;
        }
        search->been = been;
        search->room = room;
    }
    search->been[search->count++] = *world;
    return false;
}

static bool explain(struct search *search, const struct world *world) {
    const struct history *history = search->history;
    bool all = true;

    for (int i = 0; i < history->count; i++)
        all &= world->calls[i] == (history->calls[i].ended ? OVER : WAITING);
    if (all) return true;
    if (been_here(search, world)) return false;
    for (int i = 0; i < history->count; i++) {
        struct world next = *world;
        bool goes;
        if (world->calls[i] == ABSENT)
            goes = may_arrive(world, history, i) && arrive(&next, history, i);
        else
            goes = world->calls[i] == WAITING && history->calls[i].step->patience == UNTIL_SOON &&
                   end(&next, history, i, -ETIMEDOUT, 0, UNTOUCHED);
        if (goes && explain(search, &next)) return true;
    }
    return false;
}

int spec_explains(const struct history *history) {
    struct search search = {.history = history};
    struct world start;
    bool found;

    memset(&start, 0, sizeof start);
    found = explain(&search, &start);
    free(search.been);
    return found ? 1 : search.short_of_memory ? -ENOMEM : 0;
}

void spec_print(const struct history *history, FILE *file) {
    for (int i = 0; i < history->count; i++) {
        const struct call *call = &history->calls[i];
        const struct step *step = call->step;
        fprintf(file, "    %llu to ", (unsigned long long)call->began);
        if (call->ended)
            fprintf(file, "%llu:", (unsigned long long)call->ended);
        else
            fputs("no end:", file);
        if (step->verb == CLOSE || step->verb == LENGTH)
            fprintf(file, " %s c%d", step->verb == CLOSE ? "close" : "len", step->channels[0]);
        else
            for (int k = 0; k < step->cases; k++) {
                fprintf(file, "%s%s c%d", k ? " or " : " ", step->sends[k] ? "send" : "recv",
                        step->channels[k]);
                if (step->sends[k]) fprintf(file, " (%d)", call->sent + k);
            }
        if (call->ended) fprintf(file, ": %d, status %d", call->chosen, call->status);
        if (call->value != UNTOUCHED) fprintf(file, ", value %d", call->value);
        fputs("\n", file);
    }
}
