/*
 * recording.c - makes traces of recordings that were made at random.
 *
 *     tests/fuzz/recording [ROUNDS [SEED]]
 *
 * Each is to become a trace whose runs can be loaded, or to be refused, in little memory, with one
 * line. Bytes stand for it, so that they get past the check sums: of each block six bytes for its
 * head, two for the length of its items, then the items; what is not there is zeros. The block is
 * then sealed, or left open; and some bits say what is to be damaged afterwards. Built with clang
 * -fsanitize=fuzzer -DPIRN_LIBFUZZER=1, the fuzzer makes these bytes in place of the seed. Traces
 * are made in /dev/shm where that is there, else in the current folder.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/core/engine.h"
#include "lib/core/sanitize.h"
#include "lib/core/seal.h"
#include "sim/record/convert.h"
#include "viz/tool.h"
#include "viz/trace.h"

enum { MOST_BLOCKS = 12, HEAD_BYTES = 8, HANGS_AFTER = 60, MOST_MEMORY = 256 << 20 };

/* The first byte of a block. */
enum { OPEN = 1, SPOILED = 2, CUT = 4, RUNNING = 8 };

/* ---- The recording ------------------------------------------------------------------------- */

static _Alignas(64) unsigned char bytes[MOST_BLOCKS * BLOCK_SIZE];
static size_t size;
static bool ended;

/* Makes a block of what is at `data`, and returns how much of that it was. */
static size_t add_block(const uint8_t *data, size_t rest) {
    unsigned char *block = bytes + size;
    size_t used = data[6] | (size_t)data[7] << 8;
    uint8_t how = data[0];
    memset(block, 0, BLOCK_SIZE);
    *(struct block_head *)block = (struct block_head){.magic = RECORDING_MAGIC,
                                                      .process = data[1] % 4,
                                                      .run = 1 + data[2] % 4,
                                                      .buffer = data[3] % 8,
                                                      .index = data[4],
                                                      .step = data[5],
                                                      .ticks = 1000,
                                                      .ns = 1000000,
                                                      .site = 0x1000};
    if (used > rest - HEAD_BYTES) used = rest - HEAD_BYTES;
    memcpy(block + sizeof(struct block_head), data + HEAD_BYTES, used);
    if (!(how & OPEN)) seal_block(block, sizeof(struct block_head) + used);
    if (how & SPOILED) block[(how >> 4) * 523 + data[4]] ^= 0x40;
    if (how & RUNNING) ended = false;
    size += how & CUT && HEAD_BYTES + used == rest ? BLOCK_SIZE - (how >> 4) * 4001 : BLOCK_SIZE;
    return HEAD_BYTES + used;
}

static void make_recording(const uint8_t *data, size_t length) {
    size = 0;
    ended = true;
    for (size_t at = 0; at + HEAD_BYTES <= length && size + BLOCK_SIZE <= sizeof bytes;)
        at += add_block(data + at, length - at);
}

/* ---- What becomes of it -------------------------------------------------------------------- */

static char made_path[64];
static struct trace *trace;
static int loading;

static void load_run(void *context, const struct trace_summary *summary) {
    struct trace_run *run = NULL;
    (void)context;
    if (!loading) loading = trace_load(trace, summary->id, &run);
    trace_run_free(run);
}

static bool can_be_loaded(void) {
    loading = trace_open(made_path, &trace);
    if (loading != TOOL_OK) return false;
    if (trace_each_run(trace, load_run, NULL) != TOOL_OK) loading = TOOL_FAILED;
    trace_close(trace);
    return loading == TOOL_OK;
}

static bool holds(const uint8_t *data, size_t length) {
    char message[2048] = "", path[64];
    int file = memfd_create("recording", MFD_CLOEXEC), rc;
    bool damaged = false, held;
    make_recording(data, length);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size) return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    snprintf(made_path, sizeof made_path, "%s/pirn-fuzz-%d.db",
             access("/dev/shm", W_OK) ? "." : "/dev/shm", (int)getpid());
    alarm(HANGS_AFTER);
    rc = recording_convert(path, made_path, ended, &damaged, message, sizeof message);
    held = rc == 0          ? (!damaged || *message) && can_be_loaded()
           : rc == -EBADMSG ? damaged && *message
                            : (rc == -ENODATA || rc == -EFBIG) && *message;
    held = held && !strchr(message, '\n') && strlen(message) < sizeof message - 1;
    alarm(0);
    unlink(made_path);
    close(file);
    if (!held) fprintf(stderr, "%d: %s\n", rc, message);
    return held;
}

#if PIRN_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (!holds(data, length)) abort();
    return 0;
}
#else
static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* ---- Items --------------------------------------------------------------------------------- */

/* Mostly small, as most are. */
static uint64_t draw_number(void) {
    return draw(12) ? draw(8) : draw(4) ? draw(1000) : UINT64_MAX >> draw(64);
}

static unsigned char *put_some(unsigned char *to, int count) {
    while (count--) to = put_number(to, draw_number());
    return to;
}

static unsigned char *put_text(unsigned char *to) {
    static const char *const texts[] = {"", "main", "./p", "[]", "left", "\"<&\n\x01\xff", "a \\N"};
    const char *text = texts[draw(sizeof texts / sizeof *texts)];
    to = put_number(to, strlen(text));
    return (unsigned char *)stpcpy((char *)to, text);
}

static unsigned char *put_event(unsigned char *to) {
    unsigned char *numbers = to + EVENT_HEAD - 1;
    uint32_t head = (uint32_t)draw(draw(20) ? OP_COUNT : 256) << 4 * EVENT_NUMBERS;
    for (int i = 0; i < EVENT_NUMBERS; i++) {
        uint64_t value = i == 0 && draw(10) ? 0 : draw_number();
        uint32_t length = 0;
        for (; value; value >>= 8, length++) *numbers++ = (unsigned char)value;
        head |= length << 4 * i;
    }
    memcpy(to, &head, sizeof head);
    return numbers;
}

/* As hooks.c and run.c write them. */
static unsigned char *put_item(unsigned char *to) {
    static const struct {
        unsigned char kind, numbers, kind_last, text, more;
    } forms[ITEM_TYPES] = {[ITEM_EDGE] = {1, 1, 0, 0, 0},     [ITEM_EDGES] = {1, 2, 0, 0, 0},
                           [ITEM_ADD] = {0, 3, 0, 0, 0},      [ITEM_CASE] = {1, 1, 0, 0, 0},
                           [ITEM_TASK] = {0, 5, 0, 1, 0},     [ITEM_STATE] = {0, 3, 0, 0, 0},
                           [ITEM_OBJECT] = {0, 1, 1, 0, 4},   [ITEM_LABEL] = {0, 1, 0, 1, 0},
                           [ITEM_LABEL_AT] = {0, 1, 0, 1, 0}, [ITEM_OBJECT_END] = {0, 1, 0, 0, 0},
                           [ITEM_RUN] = {0, 3, 0, 0, 0},      [ITEM_PROGRAM] = {1, 0, 0, 1, 0},
                           [ITEM_MODULE] = {0, 3, 0, 1, 0},   [ITEM_ENDING] = {1, 2, 0, 1, 2},
                           [ITEM_FINDING] = {0, 3, 0, 1, 0}};
    unsigned type = 1 + (unsigned)draw(ITEM_TYPES - 1);
    if (draw(2)) {
        *to++ = (unsigned char)(ITEM_EVENT | (draw(3) ? 0 : draw(EVENT_FLAGS + 1)));
        return put_event(to);
    }
    *to++ = (unsigned char)type;
    if (forms[type].kind) *to++ = (unsigned char)draw(8);
    to = put_some(to, forms[type].numbers);
    if (forms[type].kind_last) *to++ = (unsigned char)draw(12);
    if (forms[type].text) to = put_text(to);
    return put_some(to, forms[type].more);
}

/* Two to nine blocks, of which the first has told of its run. */
static size_t make_bytes(unsigned char *to) {
    unsigned char *begin = to;
    uint64_t index[8] = {0};
    for (uint64_t i = 0, blocks = 2 + draw(8); i < blocks; i++) {
        unsigned char *head = to, buffer = (unsigned char)(i ? draw(4) : 0);
        size_t length;
        to += HEAD_BYTES;
        if (!i) {
            *to++ = ITEM_RUN;
            to = put_number(put_number(put_number(to, 0), 1000000), draw(4) ? 0 : draw_number());
        }
        for (uint64_t items = draw(60); items; items--) to = put_item(to);
        if (!draw(20)) *to++ = (unsigned char)draw(256);
        length = (size_t)(to - head) - HEAD_BYTES;
        memset(head, 0, HEAD_BYTES);
        head[0] = (unsigned char)(draw(4) ? 0 : draw(256));
        head[2] = (unsigned char)(draw(10) ? 0 : draw(2));
        head[3] = buffer;
        head[4] = (unsigned char)(draw(20) ? index[buffer] : draw(3));
        index[buffer]++;
        head[6] = (unsigned char)length;
        head[7] = (unsigned char)(length >> 8);
    }
    return (size_t)(to - begin);
}

#if !PIRN_SANITIZED /* whose own memory would count */
/* Whether an item of a few bytes that stands for 67 million steps of a list takes little memory. */
static bool is_read_in_little_memory(void) {
    unsigned char data[96] = {0}, *to = data + HEAD_BYTES;
    struct rlimit limit = {.rlim_cur = MOST_MEMORY, .rlim_max = MOST_MEMORY};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) exit(3);
    *to++ = ITEM_RUN;
    to = put_number(put_number(put_number(to, 0), 0), 0);
    *to++ = ITEM_ADD;
    to = put_signed(put_number(put_number(to, 1), (1 << 26) - 1), 1);
    *to++ = ITEM_EVENT;
    to = put_event(to);
    data[6] = (unsigned char)(to - data - HEAD_BYTES);
    return holds(data, (size_t)(to - data));
}
#endif

static char failure[96];

static void took_too_long(int number) {
    (void)number;
    if (write(STDOUT_FILENO, failure, strlen(failure)) < 0) _exit(3);
    _exit(1);
}

int main(int argc, char **argv) {
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 100,
             seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
#if !PIRN_SANITIZED
    if (!is_read_in_little_memory()) {
        puts("a recording with a list of 67108864 steps was not read");
        return 1;
    }
#endif
    signal(SIGALRM, took_too_long);
    for (uint64_t round = 0; round < rounds; round++) {
        static unsigned char data[1 << 17];
        state = seed + round;
        draw(1);
        snprintf(failure, sizeof failure, "failed: tests/fuzz/recording 1 %llu\n",
                 (unsigned long long)(seed + round));
        if (holds(data, make_bytes(data))) continue;
        fputs(failure, stdout);
        return 1;
    }
    printf("%llu recordings were read or refused\n", (unsigned long long)rounds);
    return 0;
}
#endif
