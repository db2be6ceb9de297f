/* objects.c - the numbers that objects have in the log, and what is known of them. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/core/chan.h"
#include "lib/core/ctx.h"
#include "lib/core/fd.h"
#include "lib/core/label.h"
#include "lib/core/report.h"
#include "sim/allocated.h"
#include "sim/dependence.h"

static struct object_address {
    const void *address;
    uint64_t key;
    bool channel; /* or begins with one; made in this run, and there */
} * addresses;    /* by number; index 0 is unused */
static size_t address_room;
static uint32_t fds_epoch; /* of the last run with a descriptor */

static uint64_t key_made_by(const struct task *task, uint64_t number) {
    return mix(task->identity, number) & ~KEY_MOVES;
}

/* Whether the address is that of a variable of the program or of a library, or is on the stack of
 * whoever has begun the run. */
static bool stays(const void *address) {
    static struct {
        pthread_t thread;
        const char *base;
        size_t size;
    } outside;
    struct dl_find_object found;
    pthread_attr_t attributes;
    if (_dl_find_object((void *)(uintptr_t)address, &found) == 0) return true;
    if (!outside.size || !pthread_equal(outside.thread, pthread_self())) {
        void *base;
        if (pthread_getattr_np(pthread_self(), &attributes)) return false;
        if (pthread_attr_getstack(&attributes, &base, &outside.size) == 0) outside.base = base;
        pthread_attr_destroy(&attributes);
        outside.thread = pthread_self();
    }
    return (size_t)((const char *)address - outside.base) < outside.size;
}

/*
 * Of an object that nobody has made, which is the program's memory. On a stack it goes by its task,
 * whose stack may be another in another run, and on the heap by who has allocated it, if that is
 * known; else it may be elsewhere in another run.
 */
static uint64_t key_of(enum object_kind kind, const void *address) {
    uint64_t name;
    for (const struct task *task = sim.tasks; task; task = task->next) {
        size_t offset = (size_t)((const char *)address - (const char *)task->stack.base);
        if (offset < task->stack.size) return key_made_by(task, offset);
    }
    if (kind == OBJECT_FD) return (uintptr_t)address;
    if (allocated_name(address, &name)) return name & ~KEY_MOVES;
    return (uintptr_t)address | (allocated_all() || stays(address) ? 0 : KEY_MOVES);
}

uint64_t object_key(uint32_t number) { return addresses[number].key; }

uint64_t object_key_at(const struct place *place) {
    const waitq *queue = place->queue;
    bool numbered = queue->object >> 32 == sim.epoch;
    return numbered ? addresses[(uint32_t)queue->object].key : key_of(place->kind, place->object);
}

static uint32_t add_object(waitq *queue, enum object_kind kind, const void *address,
                           size_t capacity, size_t value_size, const void *site) {
    struct log *log = sim.log;
    struct log_object *object;
    uint32_t number;

    if (log->object_count + 1 >= log->object_room)
        sim_stop(PIRN_LIVELOCK, "more objects than a run has room for");
    number = (uint32_t)log->object_count + 1;
    if (number >= address_room) {
        size_t more = address_room ? 2 * address_room : 64;
        void *bigger = realloc(addresses, more * sizeof *addresses);
        if (!bigger) return 0; /* it stays without a number, and nameless */
        addresses = bigger;
        address_room = more;
    }
    log->object_count++;
    object = &log->objects[number - 1];
    object->kind = (uint8_t)kind;
    object->labelled = false;
    object->capacity = capacity;
    object->value_size = value_size;
    object->site = site;
    object->address = kind == OBJECT_FD ? NULL : address;
    if (UNLIKELY(kind == OBJECT_FD)) fds_epoch = sim.epoch;
    /* Nobody else asks for it. */
    addresses[number] =
        (struct object_address){address, sim.strategy->next ? key_of(kind, address) : 0, false};
    queue->object = (uint64_t)sim.epoch << 32 | number;
    return number;
}

uint32_t object_add(const struct place *place) {
    waitq *queue = place->queue;
    size_t capacity = 0, value_size = 0;
    if (place->kind == OBJECT_CHAN) {
        capacity = ((const pirn_chan *)place->object)->capacity;
        value_size = ((const pirn_chan *)place->object)->value_size;
    }
    return add_object(queue, queue->kind ? queue->kind : place->kind, place->object, capacity,
                      value_size, place->site);
}

void engine_object(waitq *queue, enum object_kind kind, const void *object, size_t capacity,
                   size_t value_size, const void *site) {
    uint32_t number;
    queue->kind = kind;
    if (!sim.active) return;
    number = add_object(queue, kind, object, capacity, value_size, site);
    if (number && sim.current) {
        addresses[number].key = mix(~sim.current->identity, ++sim.current->made) & ~KEY_MOVES;
        if (kind == OBJECT_CONTEXT)
            dependence_object((uint32_t)((const pirn_ctx *)object)->root->done.senders.object,
                              WAY_ANY);
    }
    if (number) addresses[number].channel = kind == OBJECT_CHAN || kind == OBJECT_CONTEXT;
}

bool objects_labelled(void) { return label_newest || fds_epoch == sim.epoch; }

void object_take_label(uint32_t number) {
    struct log_object *object = number ? &sim.log->objects[number - 1] : NULL;
    if (!object || !addresses[number].address) return;
    if (object->kind == OBJECT_FD) {
        /* What everybody knows it by. */
        snprintf(object->label, sizeof object->label, "%s %d", object_names[OBJECT_FD],
                 fd_number(addresses[number].address));
        object->labelled = true;
        return;
    }
    if (label_newest) object->labelled = label_get(addresses[number].address, object->label);
}

void engine_object_end(waitq *queue, const void *object) {
    uint32_t number = (uint32_t)queue->object;
    (void)object;
    if (!sim.active || queue->object >> 32 != sim.epoch) return;
    object_take_label(number);
    addresses[number].address = NULL;
    addresses[number].channel = false;
}

/* Takes the labels of objects that are still there. */
void objects_take_labels(void) {
    for (uint32_t number = 1; number <= sim.log->object_count; number++) object_take_label(number);
}

static pirn_chan *channel(uint32_t number) {
    return addresses[number].channel ? (pirn_chan *)(uintptr_t)addresses[number].address : NULL;
}

/*
 * Frees the channels of a run that was cut short, whose owners will not come back to do it. A
 * context holds a reference to another, which is older: so the youngest go first, and nothing goes
 * before its turn.
 */
void objects_free_channels(void) {
    uint32_t count = (uint32_t)sim.log->object_count;
    for (uint32_t number = 1; number <= count; number++)
        if (channel(number)) atomic_store(&channel(number)->owners, SIZE_MAX / 2);
    for (uint32_t number = count; number; number--) {
        pirn_chan *chan = channel(number);
        /* The program may still free a timer, and with it the channel. */
        if (!chan || chan->of_timer) continue;
        atomic_store(&chan->owners, 1);
        pirn_chan_unref(chan);
    }
}

void engine_describe_object(struct text *text, const struct place *place) {
    uint32_t number = place->queue && place->queue->object >> 32 == sim.epoch
                          ? (uint32_t)place->queue->object
                          : 0;
    const struct log_object *object = number ? &sim.log->objects[number - 1] : NULL;
    text_add(text, "%s", object_names[place->kind]);
    if (object && object->labelled) text_add(text, " %s", object->label);
    if (!object || object->labelled || !object->site) return;
    text_add(text, " from ");
    text_add_line(text, object->site);
}

uint64_t engine_object_site(const waitq *queue) {
    if (!(uint32_t)queue->object || queue->object >> 32 != sim.epoch) return 0;
    return (uintptr_t)sim.log->objects[(uint32_t)queue->object - 1].site;
}

void objects_release(void) {
    free(addresses);
    addresses = NULL;
    address_room = 0;
}
