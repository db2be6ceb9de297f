/*
 * schedule.c - reads schedules that were made or changed at random.
 *
 *     tests/fuzz/schedule [ROUNDS [SEED]]
 *
 * Each is to be read or refused, in little memory, with one line; what has been read is printed as a
 * text that says the same, and the text of what was printed is read as it was. A third of them are
 * bytes at random with the right check sum, a third are the texts of schedules, with a few
 * characters changed, and the others are left as they were printed. Built with clang
 * -fsanitize=fuzzer -DPIRN_LIBFUZZER=1, the fuzzer makes them: as texts, or the bytes of one, whose
 * check sum is then set right.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/core/sanitize.h"
#include "sim/schedule.h"

enum { LONGEST = 600, MOST_MEMORY = 512 << 20 };

#if !PIRN_LIBFUZZER
static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}
#endif

/* ---- Texts --------------------------------------------------------------------------------- */

static uint32_t sum_of(const unsigned char *data, size_t size) {
    uint32_t sum = ~0u;
    for (size_t i = 0; i < size; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
}

static void encode(const unsigned char *data, size_t size, char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t group = 0;
    int bits = 0;
    text += sprintf(text, "pirn1:");
    for (size_t i = 0; i < size; i++) {
        group = group << 8 | data[i];
        for (bits += 8; bits >= 6; bits -= 6) *text++ = digits[group >> (bits - 6) & 63];
    }
    if (bits) *text++ = digits[group << (6 - bits) & 63];
    *text = '\0';
}

/* The text of bytes, for whose check sum there is room. */
static void encode_summed(unsigned char *data, size_t size, char *text) {
    uint32_t sum = sum_of(data, size);
    for (int i = 0; i < 4; i++) data[size++] = (unsigned char)(sum >> 8 * i);
    encode(data, size, text);
}

#if !PIRN_LIBFUZZER
/* Mostly small numbers, as the fields and the runs of choices are. */
static void make_bytes(char *text) {
    unsigned char data[LONGEST];
    size_t size = draw(LONGEST - 4);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(draw(3) ? draw(6) : draw(8) ? draw(256) : 0xff);
    encode_summed(data, size, text);
}

static void fill(struct schedule *schedule, uint64_t *choices, uint32_t *points) {
    *schedule = (struct schedule){.program = (uint32_t)draw(UINT32_MAX),
                                  .event_hash = (uint32_t)draw(UINT32_MAX),
                                  .steps = draw(100000),
                                  .choices = choices,
                                  .count = draw(40),
                                  .points = points,
                                  .point_count = draw(3) ? 0 : draw(10)};
    for (size_t i = 0; i < schedule->count; i++)
        choices[i] = draw(8) ? draw(4) : UINT64_MAX >> draw(64);
    for (size_t i = 0; i < schedule->point_count; i++) points[i] = (uint32_t)draw(UINT32_MAX);
}

#endif

static bool equal(const struct schedule *a, const struct schedule *b) {
    return a->program == b->program && a->event_hash == b->event_hash && a->steps == b->steps &&
           a->count == b->count && a->point_count == b->point_count &&
           (!a->count || !memcmp(a->choices, b->choices, a->count * sizeof *a->choices)) &&
           (!a->point_count || !memcmp(a->points, b->points, a->point_count * sizeof *a->points));
}

/* ---- Rounds -------------------------------------------------------------------------------- */

/* Reads what it says, and reads what is printed of that. */
static bool holds(const char *text, const struct schedule *wanted) {
    char message[256] = "";
    struct schedule read, again;
    char *printed;
    bool same;
    int rc = schedule_read(text, &read, message, sizeof message);
    if (rc)
        return rc == -EINVAL && *message && strlen(message) < sizeof message - 1 &&
               !strchr(message, '\n') && !read.choices && !wanted;
    if (!(printed = schedule_print(&read)) ||
        schedule_read(printed, &again, message, sizeof message) != 0)
        return false;
    same = equal(&read, &again) && (!wanted || equal(&read, wanted));
    free(printed);
    schedule_free(&again);
    schedule_free(&read);
    return same;
}

#if PIRN_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned char bytes[LONGEST];
    char text[2 * LONGEST] = "";
    if (size >= LONGEST - 4 || size == 0) return 0;
    if (data[0] == 'p') {
        memcpy(text, data, size);
    } else {
        memcpy(bytes, data + 1, size - 1);
        encode_summed(bytes, size - 1, text);
    }
    if (!holds(text, NULL)) abort();
    return 0;
}
#else
static bool round_holds(void) {
    uint64_t choices[40];
    uint32_t points[10];
    struct schedule schedule;
    char text[2 * LONGEST], *printed;
    bool held;
    switch (draw(3)) {
    case 0:
        make_bytes(text);
        held = holds(text, NULL);
        break;
    case 1:
        fill(&schedule, choices, points);
        if (!(printed = schedule_print(&schedule))) return false;
        held = holds(printed, &schedule);
        free(printed);
        break;
    default:
        fill(&schedule, choices, points);
        if (!(printed = schedule_print(&schedule))) return false;
        for (uint64_t i = 0, count = 1 + draw(4); i < count; i++)
            printed[draw(strlen(printed))] = (char)(1 + draw(255));
        held = holds(printed, NULL);
        free(printed);
    }
    return held;
}

#if !PIRN_SANITIZED /* whose own memory would count */
/* A few bytes that stand for a thousand million choices. */
static bool refuses_what_is_too_large(void) {
    static const unsigned char fields[] = {0, 0,    0,    0,    0,    0,    0,
                                           0, 1,    0xff, 0xff, 0xff, 0xff, 0x03, /* choices */
                                           3, 0xfe, 0xff, 0xff, 0xff, 0x03};
    unsigned char data[sizeof fields + 4];
    char text[2 * sizeof data], message[256] = "";
    struct schedule read;
    memcpy(data, fields, sizeof fields);
    encode_summed(data, sizeof fields, text);
    return schedule_read(text, &read, message, sizeof message) == -EINVAL &&
           strstr(message, "memory");
}
#endif

int main(int argc, char **argv) {
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000,
             seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
#if !PIRN_SANITIZED /* whose own memory would count */
    struct rlimit limit = {.rlim_cur = MOST_MEMORY, .rlim_max = MOST_MEMORY};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) return 3;
    if (!refuses_what_is_too_large()) {
        printf("a schedule of 1073741823 choices was not refused\n");
        return 1;
    }
#endif
    for (uint64_t round = 0; round < rounds; round++) {
        state = seed + round;
        draw(1);
        if (round_holds()) continue;
        printf("failed with seed %llu: tests/fuzz/schedule 1 %llu\n",
               (unsigned long long)(seed + round), (unsigned long long)(seed + round));
        return 1;
    }
    printf("%llu schedules were read or refused\n", (unsigned long long)rounds);
    return 0;
}
#endif
