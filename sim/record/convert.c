/* convert.c - see convert.h. */
#include "sim/record/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/record/damage.h"
#include "sim/record/modules.h"
#include "sim/record/rows.h"
#include "lib/core/program.h"

enum { LONGEST_TEXT = 1 << 20 };         /* of what is told of a program */
#define LAST_DATE UINT64_C(253402300799) /* of those that a trace has: the end of 9999 */

/* A run: the blocks of it, those of the run itself first. */
struct part {
    struct block *blocks;
    size_t count;
    const unsigned char *first; /* of them in the file */
    struct stream *streams;
    size_t stream_count;
    /* What is told of the run */
    char *texts[PROGRAM_TEXTS];
    size_t lengths[PROGRAM_TEXTS];
    uint64_t base, last_events, started;
    bool told, ended;
    uint64_t end_ticks, end_steps; /* the last number; 0: not known */
    uint64_t end_blocks;           /* that the program has written */
    int64_t end_ns;
    struct modules *modules;
    struct rows_clock clock;
    struct rows_end end;
    struct damage_of_run found; /* by looking at its blocks */
    bool damaged;
    uint64_t written, expected; /* steps; the latter 0: nobody knows */
};

struct recording {
    const unsigned char *bytes;
    size_t size;
    struct block *blocks;
    size_t block_count;
    struct part *parts;
    size_t part_count;
    bool ended;
    bool damaged; /* a piece of it that is no run's, or one of a run */
};

enum { MAGIC = sizeof RECORDING_MAGIC - 1, NAME = sizeof RECORDING_NAME - 1 };

/* What the first two blocks begin with, which need not be there. */
static void read_magics(const char *path, char magics[2][MAGIC]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    for (int i = 0; i < 2; i++)
        if (fd < 0 || pread(fd, magics[i], MAGIC, (off_t)i * BLOCK_SIZE) != MAGIC)
            memset(magics[i], 0, MAGIC);
    if (fd >= 0) close(fd);
}

bool recording_is(const char *path) {
    char magics[2][MAGIC];
    read_magics(path, magics);
    return !memcmp(magics[0], RECORDING_MAGIC, MAGIC) ||
           (!memcmp(magics[1], RECORDING_MAGIC, MAGIC) &&
            memcmp(magics[0], "SQLite f", MAGIC) != 0);
}

bool recording_is_foreign(const char *path, char *message, size_t size) {
    char magics[2][MAGIC];
    char digit;
    read_magics(path, magics);
    digit = magics[0][NAME];
    if (memcmp(magics[0], RECORDING_NAME, NAME) != 0 || digit < '0' || digit > '9' ||
        recording_is(path))
        return false;
    snprintf(message, size,
             "%s: a recording of format %c, and this is pirn for format %c; read it with the pirn "
             "that it was recorded with",
             path, digit, RECORDING_MAGIC[NAME]);
    return true;
}

/* ---- Blocks and runs ----------------------------------------------------------------------- */

static int compare(uint64_t x, uint64_t y) { return (x > y) - (x < y); }

static int by_run(const void *a, const void *b) {
    const struct block *x = a, *y = b;
    const struct block_head *head = block_head(x), *other = block_head(y);
    int order = compare(head->process, other->process);
    if (!order) order = compare(head->run, other->run);
    if (!order) order = compare(head->buffer, other->buffer);
    if (!order) order = compare(head->index, other->index);
    return order ? order : compare((uintptr_t)x->bytes, (uintptr_t)y->bytes);
}

static int by_place(const void *a, const void *b) {
    const struct part *x = a, *y = b;
    return compare((uintptr_t)x->first, (uintptr_t)y->first);
}

static bool find_blocks(struct recording *r) {
    r->blocks = malloc((r->size / BLOCK_SIZE + 1) * sizeof *r->blocks);
    if (!r->blocks) return false;
    for (size_t at = 0; at < r->size; at += BLOCK_SIZE) {
        size_t rest = r->size - at;
        struct block block = {.bytes = r->bytes + at,
                              .size = rest < BLOCK_SIZE ? rest : BLOCK_SIZE};
        bool has_head = block_has_head(&block);
        if (has_head) block.whole = block_whole(&block);
        if (block.whole)
            r->blocks[r->block_count++] = block;
        else if (r->ended && (has_head || damage_of_gap(&block)))
            r->damaged = true;
    }
    qsort(r->blocks, r->block_count, sizeof *r->blocks, by_run);
    return true;
}

static bool same_run(const struct block_head *a, const struct block_head *b) {
    return a->process == b->process && a->run == b->run;
}

static bool find_parts(struct recording *r) {
    r->parts = calloc(r->block_count + 1, sizeof *r->parts);
    struct part *part = NULL;
    if (!r->parts) return false;
    for (size_t i = 0; i < r->block_count; i++) {
        struct block *at = &r->blocks[i];
        const struct block_head *head = block_head(at);
        if (!part || !same_run(block_head(part->blocks), head)) {
            part = &r->parts[r->part_count++];
            *part = (struct part){.blocks = at, .first = at->bytes, .base = head->step};
        }
        part->count++;
        if (at->bytes < part->first) part->first = at->bytes;
    }
    qsort(r->parts, r->part_count, sizeof *r->parts, by_place);
    return true;
}

/* The blocks of each buffer follow each other. */
static bool find_streams(struct part *part) {
    part->streams = calloc(part->count, sizeof *part->streams);
    if (!part->streams) return false;
    for (size_t i = 0; i < part->count; i++) {
        const struct block *at = &part->blocks[i];
        if (!i || block_head(at)->buffer != block_head(at - 1)->buffer)
            part->streams[part->stream_count++].blocks = at;
        part->streams[part->stream_count - 1].count++;
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
    if (stat(path, &status) || !S_ISREG(status.st_mode)) return false;
    if (!strcmp(path, text_of(part, PROGRAM_PATH)))
        return !program_build_id_of(path, build) && !strcmp(build, text_of(part, PROGRAM_BUILD));
    return status.st_mtime >= 0 && (uint64_t)status.st_mtime <= part->started;
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

static const pirn_outcome outcomes[ENDS] = {
    [ENDED_WELL] = PIRN_OK,       [ENDED_DEADLOCK] = PIRN_DEADLOCK, [ENDED_PANIC] = PIRN_PANIC,
    [ENDED_MISUSE] = PIRN_MISUSE, [ENDED_CRASH] = PIRN_CRASH,       [ENDED_EXIT] = PIRN_EXIT,
};

static bool take_item(struct part *part, const struct item *item) {
    switch (item->type) {
    case ITEM_RUN:
        part->told = true;
        part->base = item->step;
        part->started = item->time <= LAST_DATE ? item->time : 0;
        part->last_events = (uint64_t)item->result;
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
        part->end_steps = (uint64_t)item->result;
        part->end_blocks = item->site;
        part->end.outcome = item->kind < ENDS ? outcomes[item->kind] : PIRN_CRASH;
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
    for (size_t i = 0; i < part->count && block_head(&part->blocks[i])->buffer == 0; i++) {
        struct block_reader reader;
        struct item item;
        block_begin(&reader, &part->blocks[i]);
        while (block_next(&reader, &item))
            if (!take_item(part, &item)) return false;
    }
    return true;
}

/* ---- The clock ----------------------------------------------------------------------------- */

/* The time of a tick, by the two readings that are furthest apart: each block has one, and the end. */
static void set_clock(struct part *part) {
    const struct block_head *first = block_head(part->blocks), *last = first;
    uint64_t ticks;
    int64_t ns;
    for (size_t i = 1; i < part->count; i++) {
        const struct block_head *head = block_head(&part->blocks[i]);
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

/* ---- A run into a trace -------------------------------------------------------------------- */

static void resolve(void *context, const void *address, struct symbol *symbol) {
    modules_resolve(context, address, symbol);
}

/* Whether steps are missing that a program has told of. Each thread may have been at one when the
 * run ended; what was in memory may not have been written. */
static void count_steps(struct part *part, uint64_t base, const struct rows_of_run *rows) {
    bool is_known = part->end_steps >= base && part->ended;
    part->written = rows_count(rows);
    part->expected = is_known ? part->end_steps - base : 0;
    if (is_known && part->expected > part->written + part->stream_count) part->damaged = true;
    if (part->written > part->expected) part->expected = is_known ? part->written : 0;
    if (!is_known && !part->found.in_memory && part->found.ended &&
        rows_last(rows) > part->written + part->stream_count)
        part->damaged = true;
}

static void tell_how_much(uint64_t written, uint64_t expected, char *message, size_t size) {
    if (expected)
        snprintf(message, size, "%" PRIu64 " of %" PRIu64 " steps can be read", written, expected);
    else
        snprintf(message, size, "%" PRIu64 " %s can be read", written,
                 written == 1 ? "step" : "steps");
}

/* In the words that tell how the run ended. */
static void tell_damage(struct part *part) {
    char how_much[80], *message = part->end.message;
    size_t length = strnlen(message, sizeof part->end.message - 1);
    size_t most = sizeof part->end.message - sizeof how_much - 40;
    if (length > most) length = most;
    tell_how_much(part->written, part->expected, how_much, sizeof how_much);
    snprintf(message + length, sizeof part->end.message - length, "%sthe recording is damaged: %s",
             length ? "; " : "", how_much);
}

static int write_rows(struct part *part, struct recorder *recorder) {
    uint64_t newest = part->found.newest, base = part->base;
    struct rows_of_run *rows;
    int rc;
    if (part->last_events && newest > base && newest - base > part->last_events)
        base = newest - part->last_events;
    rows = rows_new(recorder, base, part->found.last, &part->clock);
    if (!rows) return -ENOMEM;
    drain_all(rows_drain(rows), part->streams, part->stream_count);
    if ((rows_drain(rows)->cut || rows_drain(rows)->twice) && part->found.ended)
        part->damaged = true;
    count_steps(part, base, rows);
    if (part->damaged) tell_damage(part);
    rc = rows_finish(rows, &part->end);
    rows_free(rows);
    return rc;
}

static int write_part(struct part *part, const char *path, char *message, size_t size) {
    struct recorder_program program;
    struct recorder *recorder;
    int rc;

    if (!part->ended) {
        part->end.outcome = PIRN_CRASH;
        snprintf(part->end.message, sizeof part->end.message, "%s",
                 !part->found.ended ? "the program was still running when its recording was read"
                 : part->damaged
                     ? "how the program ended is not told"
                     : "the process ended without a word: it was killed, or the machine stopped");
    }
    set_clock(part);
    program = (struct recorder_program){.path = text_of(part, PROGRAM_PATH),
                                        .build_id = text_of(part, PROGRAM_BUILD),
                                        .arguments = text_of(part, PROGRAM_ARGUMENTS),
                                        .version = text_of(part, PROGRAM_VERSION),
                                        .started = (int64_t)part->started,
                                        .resolve = resolve,
                                        .context = part->modules};
    if (!(recorder = recorder_open_for(path, &program, message, size, &rc))) return rc;
    rc = write_rows(part, recorder);
    if (rc == -ENOMEM)
        snprintf(message, size, "not enough memory to read the recording");
    else if (rc == -EFBIG)
        snprintf(message, size, "a trace has room for 4294967295 steps of a run");
    else if (rc)
        snprintf(message, size, "%s", recorder_error(recorder));
    int closed = recorder_close(recorder, rc ? NULL : message, size);
    return rc ? rc : closed;
}

/* ---- All runs ------------------------------------------------------------------------------ */

static void free_part(struct part *part) {
    for (size_t i = 0; i < part->stream_count; i++) free(part->streams[i].pending);
    for (int i = 0; i < PROGRAM_TEXTS; i++) free(part->texts[i]);
    free(part->streams);
    free(part->end.findings);
    modules_free(part->modules);
}

/* Reads what is told of the run, and finds out what there is of it. */
static bool look_at(struct part *part, bool ended) {
    if (!find_streams(part) || !read_run(part)) return false;
    part->found = (struct damage_of_run){
        .base = part->base,
        .last = part->end_steps ? part->end_steps + part->stream_count : UINT64_MAX,
        .ended = ended,
        .in_memory = part->last_events != 0};
    for (size_t i = 0; i < part->stream_count; i++) {
        struct stream *stream = &part->streams[i];
        /* What is told of the run itself was never in memory. */
        if (block_head(stream->blocks)->buffer == 0) part->found.in_memory = false;
        if (damage_of_buffer(stream->blocks, stream->count, &part->found) && ended)
            part->damaged = true;
        part->found.in_memory = part->last_events != 0;
    }
    /* One that was killed before it had begun has told nothing. */
    if (!part->told && part->found.steps) part->damaged = true;
    if (part->count < part->end_blocks && ended) part->damaged = true;
    return true;
}

/* Whether there is something in it to be written: each run, but of a damaged one some steps. */
static bool is_worth(const struct recording *r, const struct part *part) {
    return part->found.steps || (part->told && !r->damaged);
}

static int tell_of_nothing(const struct recording *r, const char *path, char *message,
                           size_t size) {
    if (r->damaged) {
        snprintf(message, size, "no step of a run can be read");
        return -EBADMSG;
    }
    snprintf(message, size, "%s: the recording holds no run: %s", path,
             r->ended ? "the program ended before it began one" : "the program has begun none yet");
    return -ENODATA;
}

static int write_parts(struct recording *r, const char *trace, char *message, size_t size) {
    uint64_t written = 0, expected = 0, lost = 0;
    char steps[80];
    int rc = 0;
    for (size_t i = 0; i < r->part_count && !rc; i++) {
        struct part *part = &r->parts[i];
        if (!is_worth(r, part)) {
            lost += part->told;
            continue;
        }
        rc = write_part(part, trace, message, size);
        written += part->written;
        expected += part->expected ? part->expected : part->written;
        r->damaged |= part->damaged;
    }
    if (rc || !r->damaged) return rc;
    tell_how_much(written, expected > written ? expected : 0, steps, sizeof steps);
    if (lost)
        snprintf(message, size, "%s, and nothing of %" PRIu64 " other %s", steps, lost,
                 lost == 1 ? "run" : "runs");
    else
        snprintf(message, size, "%s", steps);
    return 0;
}

static void free_recording(struct recording *r) {
    for (size_t i = 0; i < r->part_count; i++) free_part(&r->parts[i]);
    free(r->parts);
    free(r->blocks);
}

/* Finds its runs, and what there is of them. Returns false when memory is short. */
static bool look_through(struct recording *r) {
    bool done = find_blocks(r) && find_parts(r);
    for (size_t i = 0; i < r->part_count && done; i++) {
        done = look_at(&r->parts[i], r->ended);
        r->damaged |= r->parts[i].damaged;
    }
    return done;
}

static int convert(struct recording *r, const char *path, const char *trace, char *message,
                   size_t size) {
    bool done = look_through(r), any = false;
    int rc;
    for (size_t i = 0; i < r->part_count; i++) any |= is_worth(r, &r->parts[i]);
    if (!done) {
        snprintf(message, size, "not enough memory to read the recording");
        rc = -ENOMEM;
    } else if (!any) {
        rc = tell_of_nothing(r, path, message, size);
    } else {
        rc = write_parts(r, trace, message, size);
    }
    free_recording(r);
    return rc;
}

int recording_convert(const char *recording, const char *trace, bool ended, bool *damaged,
                      char *message, size_t size) {
    struct recording r = {.ended = ended};
    struct stat status;
    int rc, fd = open(recording, O_RDONLY | O_CLOEXEC);
    *damaged = false;
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
        rc = convert(&r, recording, trace, message, size);
        *damaged = r.damaged;
        if (r.size) munmap((void *)(uintptr_t)r.bytes, r.size);
    }
    close(fd);
    return rc;
}
