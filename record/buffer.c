/* buffer.c - see buffer.h. */
#include "record/buffer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "record/run.h"

static _Atomic(struct buffer *) buffers;
static __thread struct buffer *mine __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Chunks to be used again. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *spare;
static unsigned spare_count;

enum { MOST_SPARE = 64 };

static struct chunk *chunk_new(void) {
    struct chunk *chunk;
    pthread_mutex_lock(&guard);
    chunk = spare;
    if (chunk) {
        spare = atomic_load_explicit(&chunk->next, memory_order_relaxed);
        spare_count--;
    }
    pthread_mutex_unlock(&guard);
    if (!chunk && !(chunk = malloc(sizeof *chunk))) return NULL;
    atomic_init(&chunk->next, NULL);
    atomic_init(&chunk->count, 0);
    return chunk;
}

static void chunk_free(struct chunk *chunk) {
    pthread_mutex_lock(&guard);
    if (spare_count < MOST_SPARE) {
        atomic_store_explicit(&chunk->next, spare, memory_order_relaxed);
        spare = chunk;
        spare_count++;
        chunk = NULL;
    }
    pthread_mutex_unlock(&guard);
    free(chunk);
}

/* The thread ends; another may go on with its buffer. */
static void thread_ends(void *value) {
    mine = NULL;
    atomic_store_explicit(&((struct buffer *)value)->used, false, memory_order_release);
}

static void make_key(void) { pthread_key_create(&key, thread_ends); }

static struct buffer *take_unused(void) {
    for (struct buffer *b = buffer_first(); b; b = b->next) {
        bool used = false;
        if (!atomic_load_explicit(&b->used, memory_order_relaxed) &&
            atomic_compare_exchange_strong(&b->used, &used, true))
            return b;
    }
    return NULL;
}

static struct buffer *make(void) {
    struct buffer *b = calloc(1, sizeof *b), *before;
    if (!b || !(b->first = b->last = chunk_new())) {
        free(b);
        return NULL;
    }
    atomic_init(&b->used, true);
    before = atomic_load(&buffers);
    do b->next = before;
    while (!atomic_compare_exchange_weak(&buffers, &before, b));
    return b;
}

static __attribute__((noinline)) struct buffer *find_mine(void) {
    struct buffer *b;
    pthread_once(&once, make_key);
    b = take_unused();
    if (!b) b = make();
    if (!b) return NULL;
    mine = b;
    pthread_setspecific(key, b);
    return b;
}

struct buffer *buffer_mine(void) {
    return __builtin_expect(mine != NULL, 1) ? mine : find_mine();
}

struct item *buffer_next(struct buffer *buffer) {
    struct chunk *chunk = buffer->last;
    uint32_t count = atomic_load_explicit(&chunk->count, memory_order_relaxed);
    if (__builtin_expect(count < CHUNK_ITEMS, 1)) return &chunk->items[count];
    if (!(chunk = chunk_new())) return NULL;
    if (atomic_fetch_add(&buffer->behind, 1) > BUFFER_MOST / 4) run_wake_writer();
    atomic_store_explicit(&buffer->last->next, chunk, memory_order_release);
    buffer->last = chunk;
    return &chunk->items[0];
}

void buffer_wait_slowly(struct buffer *buffer) {
    struct timespec pause = {0, 100000};
    int number = errno;
    run_wake_writer();
    while (atomic_load(&buffer->behind) > BUFFER_MOST / 2 && run_recording())
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    errno = number;
}

struct buffer *buffer_first(void) {
    return atomic_load(&buffers);
}

const struct item *buffer_peek(struct buffer *buffer) {
    struct chunk *chunk = buffer->first, *next;
    if (buffer->taken < atomic_load_explicit(&chunk->count, memory_order_acquire))
        return &chunk->items[buffer->taken];
    if (buffer->taken < CHUNK_ITEMS) return NULL;
    next = atomic_load_explicit(&chunk->next, memory_order_acquire);
    if (!next) return NULL;
    buffer->first = next;
    buffer->taken = 0;
    atomic_fetch_sub(&buffer->behind, 1);
    chunk_free(chunk);
    return buffer_peek(buffer);
}

bool buffer_any_behind(void) {
    for (const struct buffer *b = buffer_first(); b; b = b->next)
        if (atomic_load(&b->behind)) return true;
    return false;
}
