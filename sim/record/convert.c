/* convert.c - see convert.h. */
#include "sim/record/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/record/modules.h"
#include "sim/record/rows.h"
#include "sim/program.h"

enum { LONGEST_TEXT = 1 << 20 }; /* of what is told of a program */

/* A block of the file. */
struct place_of_block {
    const unsigned char *block;
    const struct block_head *head;
};

/* A run: the blocks of it, those of the run itself first. */
struct part {
    struct place_of_block *blocks;
    size_t count;
    const unsigned char *first; /* of them in the file */
    struct stream *streams;
    size_t stream_count;
    /* What is told of the run */
    char *texts[PROGRAM_TEXTS];
    size_t lengths[PROGRAM_TEXTS];
    uint64_t base, last, started;
    bool told, ended;
    uint64_t end_ticks;
    int64_t end_ns;
    struct modules *modules;
    struct rows_clock clock;
    struct rows_end end;
};

struct recording {
    const unsigned char *bytes;
    size_t size;
    struct place_of_block *blocks;
    size_t block_count;
    struct part *parts;
    size_t part_count;
};

bool recording_is(const char *path) {
    char magic[sizeof RECORDING_MAGIC - 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
              !memcmp(magic, RECORDING_MAGIC, sizeof magic);
    if (fd >= 0) close(fd);
    return is;
}

/* ---- Blocks and runs ----------------------------------------------------------------------- */

static int compare(uint64_t x, uint64_t y) { return (x > y) - (x < y); }

static int by_run(const void *a, const void *b) {
    const struct place_of_block *x = a, *y = b;
    int order = compare(x->head->process, y->head->process);
    if (!order) order = compare(x->head->run, y->head->run);
    if (!order) order = compare(x->head->buffer, y->head->buffer);
    if (!order) order = compare(x->head->index, y->head->index);
    return order ? order : compare((uintptr_t)x->block, (uintptr_t)y->block);
}

static int by_place(const void *a, const void *b) {
    const struct part *x = a, *y = b;
    return compare((uintptr_t)x->first, (uintptr_t)y->first);
}

static bool find_blocks(struct recording *r) {
    size_t most = r->size / BLOCK_SIZE;
    r->blocks = malloc((most + 1) * sizeof *r->blocks);
    if (!r->blocks) return false;
    for (size_t i = 0; i < most; i++) {
        const unsigned char *block = r->bytes + i * BLOCK_SIZE;
        const struct block_head *head = block_head(block);
        if (head) r->blocks[r->block_count++] = (struct place_of_block){block, head};
    }
    qsort(r->blocks, r->block_count, sizeof *r->blocks, by_run);
    return true;
}

static bool same_run(const struct block_head *a, const struct block_head *b) {
    return a->process == b->process && a->run == b->run;
}

static bool find_parts(struct recording *r) {
    r->parts = calloc(r->block_count + 1, sizeof *r->parts);
    if (!r->parts) return false;
    for (size_t i = 0; i < r->block_count; i++) {
        struct place_of_block *at = &r->blocks[i];
        struct part *part = r->part_count ? &r->parts[r->part_count - 1] : NULL;
        if (!part || !same_run(part->blocks->head, at->head)) {
            part = &r->parts[r->part_count++];
            *part = (struct part){.blocks = at, .first = at->block, .base = at->head->step};
        }
        part->count++;
        if (at->block < part->first) part->first = at->block;
    }
    qsort(r->parts, r->part_count, sizeof *r->parts, by_place);
    return true;
}

static bool add_to_stream(struct stream *stream, const unsigned char *block) {
    if (stream->count == stream->room) {
        size_t room = stream->room ? 2 * stream->room : 8;
        void *larger = realloc(stream->blocks, room * sizeof *stream->blocks);
        if (!larger) return false;
        stream->blocks = larger;
        stream->room = room;
    }
    stream->blocks[stream->count++] = block;
    return true;
}

static bool find_streams(struct part *part) {
    part->streams = calloc(part->count, sizeof *part->streams);
    if (!part->streams) return false;
    for (size_t i = 0; i < part->count; i++) {
        if (!i || part->blocks[i].head->buffer != part->blocks[i - 1].head->buffer)
            part->stream_count++;
        if (!add_to_stream(&part->streams[part->stream_count - 1], part->blocks[i].block))
            return false;
    }
    return true;
}

/* ---- What is told of a run ----------------------------------------------------------------- */

static bool add_text(struct part *part, const struct item *item) {
    size_t before, length = item->length;
    char *longer;
    if (item->kind >= PROGRAM_TEXTS) return true;
    before = part->lengths[item->kind];
    if (length > LONGEST_TEXT - before) length = LONGEST_TEXT - before;
    longer = realloc(part->texts[item->kind], before + length + 1);
    if (!longer) return false;
    memcpy(longer + before, item->text, length);
    longer[before + length] = '\0';
    part->texts[item->kind] = longer;
    part->lengths[item->kind] = before + length;
    return true;
}

static const char *text_of(const struct part *part, enum program_text what) {
    return part->texts[what] ? part->texts[what] : "";
}

/* Whether a file is as it was when the run began. */
static bool is_as_it_was(const struct part *part, const char *path) {
    struct stat status;
    char build[PROGRAM_BUILD_ID];
    if (!strcmp(path, text_of(part, PROGRAM_PATH)))
        return !program_build_id_of(path, build) && !strcmp(build, text_of(part, PROGRAM_BUILD));
    return !stat(path, &status) && status.st_mtime >= 0 &&
           (uint64_t)status.st_mtime <= part->started;
}

static bool add_module(struct part *part, const struct item *item) {
    char *path = strndup(item->text, item->length);
    bool done = path && modules_add(part->modules, path, item->step, item->time,
                                    (uint64_t)item->result, is_as_it_was(part, path));
    free(path);
    return done;
}

static bool add_finding(struct rows_end *end, const struct item *item) {
    if (end->finding_count == end->finding_room) {
        size_t room = end->finding_room ? 2 * end->finding_room : 8;
        void *larger = realloc(end->findings, room * sizeof *end->findings);
        if (!larger) return false;
        end->findings = larger;
        end->finding_room = room;
    }
    end->findings[end->finding_count++] = *item;
    return true;
}

static bool take_item(struct part *part, const struct item *item) {
    switch (item->type) {
    case ITEM_RUN:
        part->told = true;
        part->base = item->step;
        part->started = item->time;
        part->last = (uint64_t)item->result;
        return true;
    case ITEM_PROGRAM:
        return add_text(part, item);
    case ITEM_MODULE:
        return add_module(part, item);
    case ITEM_FINDING:
        return add_finding(&part->end, item);
    case ITEM_ENDING:
        part->ended = true;
        part->end_ticks = item->time;
        part->end_ns = (int64_t)item->step;
        part->end.outcome = (pirn_outcome)item->kind;
        snprintf(part->end.message, sizeof part->end.message, "%.*s", (int)item->length,
                 item->text);
        return true;
    default:
        return true;
    }
}

/* Reads the blocks of the run itself, which have no steps. */
static bool read_run(struct part *part) {
    if (!(part->modules = modules_new())) return false;
    for (size_t i = 0; i < part->count && part->blocks[i].head->buffer == 0; i++) {
        struct block_reader reader;
        struct item item;
        block_begin(&reader, part->blocks[i].block);
        while (block_next(&reader, &item))
            if (!take_item(part, &item)) return false;
    }
    return true;
}

/* ---- The clock ----------------------------------------------------------------------------- */

/* The time of a tick, by the two readings that are furthest apart: each block has one, and the end. */
static void set_clock(struct part *part) {
    const struct block_head *first = part->blocks->head, *last = first;
    uint64_t ticks;
    int64_t ns;
    for (size_t i = 1; i < part->count; i++) {
        const struct block_head *head = part->blocks[i].head;
        if (head->ticks < first->ticks) first = head;
        if (head->ticks > last->ticks) last = head;
    }
    ticks = part->ended ? part->end_ticks : last->ticks;
    ns = part->ended ? part->end_ns : last->ns;
    part->clock.start = first->ticks;
    part->clock.tick = ticks > first->ticks && ns > first->ns
                           ? ((double)ns - (double)first->ns) / (double)(ticks - first->ticks)
                           : 0;
}

/* The last step that is told of; 0: none. */
static uint64_t find_newest(const struct part *part) {
    uint64_t newest = 0;
    for (size_t i = 0; i < part->count; i++) {
        struct block_reader reader;
        struct item item;
        block_begin(&reader, part->blocks[i].block);
        while (block_next(&reader, &item))
            if (item.type == ITEM_EVENT && item.step > newest) newest = item.step;
    }
    return newest;
}

/* ---- A run into a trace -------------------------------------------------------------------- */

static void resolve(void *context, const void *address, struct symbol *symbol) {
    modules_resolve(context, address, symbol);
}

static int write_rows(struct part *part, struct recorder *recorder) {
    uint64_t newest = part->last ? find_newest(part) : 0, base = part->base;
    struct rows_of_run *rows;
    int rc;
    if (newest > base && newest - base > part->last && part->last) base = newest - part->last;
    rows = rows_new(recorder, base, &part->clock);
    if (!rows) return -ENOMEM;
    drain_all(rows_drain(rows), part->streams, part->stream_count);
    rc = rows_finish(rows, &part->end);
    rows_free(rows);
    return rc;
}

static int write_part(struct part *part, const char *path, bool ended, char *message, size_t size) {
    struct recorder_program program;
    struct recorder *recorder;
    int rc;

    if (!find_streams(part) || !read_run(part)) {
        snprintf(message, size, "not enough memory to read the recording");
        return -ENOMEM;
    }
    if (!part->told) return 0; /* killed before it had begun */
    if (!part->ended) {
        part->end.outcome = PIRN_CRASH;
        snprintf(part->end.message, sizeof part->end.message, "%s",
                 ended ? "the process ended without a word: it was killed, or the machine stopped"
                       : "the program was still running when its recording was read");
    }
    set_clock(part);
    program = (struct recorder_program){.path = text_of(part, PROGRAM_PATH),
                                        .build_id = text_of(part, PROGRAM_BUILD),
                                        .arguments = text_of(part, PROGRAM_ARGUMENTS),
                                        .version = text_of(part, PROGRAM_VERSION),
                                        .started = (int64_t)part->started,
                                        .resolve = resolve,
                                        .context = part->modules};
    if (!(recorder = recorder_open_for(path, &program, message, size))) return -EIO;
    rc = write_rows(part, recorder);
    if (rc == -ENOMEM)
        snprintf(message, size, "not enough memory to read the recording");
    else if (rc == -EFBIG)
        snprintf(message, size, "a trace has room for 4294967295 steps of a run");
    else if (rc)
        snprintf(message, size, "%s", recorder_error(recorder));
    if (recorder_close(recorder, rc ? NULL : message, size) && !rc) rc = -EIO;
    return rc;
}

static void free_part(struct part *part) {
    for (size_t i = 0; i < part->stream_count; i++) {
        free(part->streams[i].blocks);
        free(part->streams[i].pending);
    }
    for (int i = 0; i < PROGRAM_TEXTS; i++) free(part->texts[i]);
    free(part->streams);
    free(part->end.findings);
    modules_free(part->modules);
}

static int convert(struct recording *r, const char *trace, bool ended, char *message, size_t size) {
    int rc = 0;
    if (!find_blocks(r) || !find_parts(r)) {
        snprintf(message, size, "not enough memory to read the recording");
        return -ENOMEM;
    }
    for (size_t i = 0; i < r->part_count && !rc; i++) {
        rc = write_part(&r->parts[i], trace, ended, message, size);
        free_part(&r->parts[i]);
    }
    free(r->parts);
    free(r->blocks);
    return rc;
}

int recording_convert(const char *recording, const char *trace, bool ended, char *message,
                      size_t size) {
    struct recording r = {0};
    struct stat status;
    int rc, fd = open(recording, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status)) {
        rc = -errno;
        snprintf(message, size, "%s: cannot be read: %s", recording, strerror(-rc));
        if (fd >= 0) close(fd);
        return rc;
    }
    r.size = (size_t)status.st_size;
    r.bytes = r.size ? mmap(NULL, r.size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    if (r.bytes == MAP_FAILED) {
        rc = -errno;
        snprintf(message, size, "%s: cannot be read: %s", recording, strerror(-rc));
    } else {
        rc = convert(&r, trace, ended, message, size);
        if (r.size) munmap((void *)(uintptr_t)r.bytes, r.size);
    }
    close(fd);
    return rc;
}
