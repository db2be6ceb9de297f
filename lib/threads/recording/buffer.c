/* buffer.c - see buffer.h. */
#include "lib/threads/recording/buffer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/core/engine.h"
#include "lib/threads/recording/file.h"
#include "lib/threads/recording/run.h"

static _Atomic(struct buffer *) buffers;
static _Atomic uint32_t numbers;
__thread struct buffer *buffer_own __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- Blocks in memory ---------------------------------------------------------------------- */

/* Those that have been filled, the oldest first. */
struct filled {
    _Atomic(struct filled *) next;
    uint64_t newest; /* no step of it is newer */
    unsigned char bytes[BLOCK_SIZE];
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct filled *) oldest;
static struct filled *latest;

static struct filled *of_block(unsigned char *block) {
    return (struct filled *)(block - offsetof(struct filled, bytes));
}

/* Puts a filled block behind the others; `block` may be NULL. Returns one that is not needed any
 * more, or a new one; NULL: no memory. */
static unsigned char *exchange(unsigned char *block) {
    uint64_t now = atomic_load(&run.steps);
    struct filled *found;
    pthread_mutex_lock(&guard);
    if (block) {
        struct filled *filled = of_block(block);
        filled->newest = now;
        atomic_store(&filled->next, NULL);
        if (latest)
            atomic_store(&latest->next, filled);
        else
            atomic_store(&oldest, filled);
        latest = filled;
    }
    found = atomic_load(&oldest);
    if (found && found->newest + run.last_events < now) {
        atomic_store(&oldest, atomic_load(&found->next));
        if (found == latest) latest = NULL;
    } else {
        found = NULL;
    }
    pthread_mutex_unlock(&guard);
    if (!found) found = malloc(sizeof *found);
    return found ? found->bytes : NULL;
}

static void write_block(const unsigned char *block) {
    const struct block_head *head = (const struct block_head *)block;
    if (head->run == atomic_load(&run.number)) file_add(block, BLOCK_SIZE);
}

void buffers_write(void) {
    if (!run.last_events) return;
    for (struct filled *f = atomic_load(&oldest); f; f = atomic_load(&f->next))
        write_block(f->bytes);
    for (struct buffer *b = atomic_load(&buffers); b; b = b->next) {
        unsigned char *block = atomic_load(&b->block);
        if (block && b->number) write_block(block);
    }
}

/* ---- Blocks -------------------------------------------------------------------------------- */

static bool in_memory(const struct buffer *buffer) { return run.last_events && buffer->number; }

static unsigned char *next_block(struct buffer *buffer) {
    unsigned char *block, *before = atomic_load(&buffer->block);
    char message[1024];
    if (in_memory(buffer)) {
        if (!(block = exchange(before))) run_give_up("not enough memory to record");
        return block;
    }
    if (!(block = file_add_block(message, sizeof message))) run_give_up(message);
    if (block && before) munmap(before, BLOCK_SIZE);
    return block;
}

bool buffer_take_block(struct buffer *buffer) {
    struct block_head *head;
    unsigned char *block = next_block(buffer);
    if (!block) return false;
    buffer->run = atomic_load(&run.number);
    buffer->step = run.base;
    buffer->ticks = run_ticks();
    buffer->site = (uintptr_t)&buffers;
    buffer->task = buffer->object = 0;
    head = (struct block_head *)block;
    *head = (struct block_head){.process = run.process,
                                .run = (uint32_t)buffer->run,
                                .buffer = buffer->number,
                                .index = buffer->index++,
                                .step = buffer->step,
                                .ticks = buffer->ticks,
                                .ns = engine_now(),
                                .site = buffer->site};
    block[sizeof *head] = ITEM_NONE;
    buffer->at = block + sizeof *head;
    buffer->full = block + BLOCK_FULL;
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(head->magic, RECORDING_MAGIC, sizeof head->magic);
    atomic_store(&buffer->block, block);
    return true;
}

/* ---- Buffers ------------------------------------------------------------------------------- */

/* The thread ends; another may go on with its buffer. */
static void thread_ends(void *value) {
    buffer_own = NULL;
    atomic_store_explicit(&((struct buffer *)value)->used, false, memory_order_release);
}

static void make_key(void) { pthread_key_create(&key, thread_ends); }

static struct buffer *take_unused(void) {
    for (struct buffer *b = atomic_load(&buffers); b; b = b->next) {
        bool used = false;
        if (!atomic_load_explicit(&b->used, memory_order_relaxed) &&
            atomic_compare_exchange_strong(&b->used, &used, true))
            return b;
    }
    return NULL;
}

static struct buffer *make(void) {
    struct buffer *b = calloc(1, sizeof *b), *before;
    if (!b) return NULL;
    b->number = atomic_fetch_add(&numbers, 1) + 1;
    atomic_init(&b->used, true);
    before = atomic_load(&buffers);
    do b->next = before;
    while (!atomic_compare_exchange_weak(&buffers, &before, b));
    return b;
}

struct buffer *buffer_find(void) {
    struct buffer *b;
    pthread_once(&once, make_key);
    b = take_unused();
    if (!b) b = make();
    if (!b) return NULL;
    buffer_own = b;
    pthread_setspecific(key, b);
    return b;
}

struct buffer *buffer_for_run(void) {
    static struct buffer own;
    return buffer_take_block(&own) ? &own : NULL;
}
