/* buffer.c - see buffer.h. */
#include "lib/threads/recording/buffer.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/core/engine.h"
#include "lib/core/seal.h"
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
    size_t used;     /* of the bytes */
    unsigned char bytes[BLOCK_SIZE];
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct filled *) oldest;
static struct filled *latest;

static struct filled *of_block(unsigned char *block) {
    return (struct filled *)(block - offsetof(struct filled, bytes));
}

/* Puts a block of which so much is filled behind the others; `block` may be NULL. Returns one that
 * is not needed any more, or a new one; NULL: no memory. */
static unsigned char *exchange(unsigned char *block, size_t used) {
    uint64_t now = atomic_load(&run.steps);
    struct filled *found;
    pthread_mutex_lock(&guard);
    if (block) {
        struct filled *filled = of_block(block);
        filled->newest = now;
        filled->used = used;
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

static bool in_memory(const struct buffer *buffer) { return run.last_events && buffer->number; }

static void write_block(const unsigned char *block, size_t used) {
    static unsigned char copy[BLOCK_SIZE];
    const struct block_head *head = (const struct block_head *)block;
    if (head->run != atomic_load(&run.number)) return;
    memcpy(copy, block, used);
    seal_block(copy, used);
    if (file_add(copy, sizeof copy)) atomic_fetch_add(&run.blocks, 1);
}

/* ---- Closing ------------------------------------------------------------------------------- */

enum { PATIENCE = 1000 }; /* ms, for all of a run: a new block takes as long as the disk does */

/* Keeps its owner from taking another block. Returns false if it takes one all the time. */
static bool hold(struct buffer *buffer, int *patience) {
    const struct timespec pause = {0, 1000000};
    while (atomic_exchange(&buffer->changing, true)) {
        /* If it is the caller a handler has come between. */
        if (buffer == buffer_own || *patience <= 0) return false;
        --*patience;
        nanosleep(&pause, NULL);
    }
    return true;
}

static void release(struct buffer *buffer) { atomic_store(&buffer->changing, false); }

static size_t used_of(const struct buffer *buffer, const unsigned char *block) {
    return (size_t)(__atomic_load_n(&buffer->at, __ATOMIC_ACQUIRE) - block);
}

/* Its owner may still put an item, into memory that takes the place of the file's. */
static void seal_elsewhere(struct buffer *buffer, unsigned char *block) {
    size_t used = used_of(buffer, block);
    unsigned char *there = file_map_block(buffer->place);
    if (!there) return;
    if (mmap(block, BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) != MAP_FAILED)
        seal_block(there, used);
    munmap(there, BLOCK_SIZE);
}

static void seal(struct buffer *buffer, int *patience) {
    unsigned char *block;
    if (!hold(buffer, patience)) return;
    block = atomic_load(&buffer->block);
    if (block && buffer->run == atomic_load(&run.number) && buffer->closed != buffer->run) {
        buffer->closed = buffer->run;
        seal_elsewhere(buffer, block);
    }
    release(buffer);
}

void buffer_seal(struct buffer *buffer) {
    int patience = PATIENCE;
    seal(buffer, &patience);
}

void buffers_seal(void) {
    int patience = PATIENCE;
    if (run.last_events) return;
    for (struct buffer *b = atomic_load(&buffers); b; b = b->next) seal(b, &patience);
}

void buffers_write(void) {
    int patience = PATIENCE;
    if (!run.last_events) return;
    for (struct buffer *b = atomic_load(&buffers); b; b = b->next) {
        unsigned char *block;
        if (!hold(b, &patience)) continue;
        b->closed = atomic_load(&run.number);
        if ((block = atomic_load(&b->block))) write_block(block, used_of(b, block));
        release(b);
    }
    for (struct filled *f = atomic_load(&oldest); f; f = atomic_load(&f->next))
        write_block(f->bytes, f->used);
}

/* ---- Blocks -------------------------------------------------------------------------------- */

/* Seals what is full, unless that was done at the end of its run. */
static void leave_block(struct buffer *buffer, unsigned char *block) {
    if (buffer->closed != buffer->run) seal_block(block, used_of(buffer, block));
    buffer->closed = buffer->run;
    buffer->full = buffer->at;
}

static unsigned char *next_block(struct buffer *buffer) {
    unsigned char *block, *before = atomic_load(&buffer->block);
    char message[1024];
    if (in_memory(buffer)) {
        if (!(block = exchange(before, before ? used_of(buffer, before) : 0)))
            run_give_up("not enough memory to record");
        return block;
    }
    if (before) leave_block(buffer, before);
    if (!(block = file_add_block(&buffer->place, message, sizeof message))) run_give_up(message);
    if (block && before) munmap(before, BLOCK_SIZE);
    return block;
}

static bool begin_block(struct buffer *buffer) {
    struct block_head *head;
    unsigned char *block = next_block(buffer);
    if (!block) return false;
    buffer->run = atomic_load(&run.number);
    buffer->closed = 0;
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
    if (!in_memory(buffer)) atomic_fetch_add(&run.blocks, 1);
    return true;
}

bool buffer_take_block(struct buffer *buffer) {
    bool taken;
    while (atomic_exchange(&buffer->changing, true)) {
        /* That of the run is not shared: a handler has come between. */
        if (!buffer->number) return false;
        sched_yield();
    }
    taken = buffer->closed != atomic_load(&run.number) && begin_block(buffer);
    release(buffer);
    return taken;
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
