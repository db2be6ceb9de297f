/* schedule.c - schedules as text; schedule.h has the format. */
#include "sim/schedule.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char prefix[] = "pirn1:";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

typedef unsigned __int128 wide; /* twice a choice of 64 bits */

struct bytes {
    unsigned char *data;
    size_t size, room;
    bool failed;
};

static uint32_t crc32(const unsigned char *data, size_t size) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void put(struct bytes *out, unsigned char byte) {
    if (out->size == out->room) {
        size_t more = out->room ? 2 * out->room : 256;
        unsigned char *bigger = realloc(out->data, more);
        if (!bigger) {
            out->failed = true;
            return;
        }
        out->data = bigger;
        out->room = more;
    }
    out->data[out->size++] = byte;
}

static void put_fixed(struct bytes *out, uint32_t value) {
    for (int i = 0; i < 4; i++) put(out, (unsigned char)(value >> 8 * i));
}

static void put_varint(struct bytes *out, wide value) {
    for (; value >= 128; value >>= 7) put(out, (unsigned char)(value | 128));
    put(out, (unsigned char)value);
}

static char *to_text(const struct bytes *in) {
    size_t length = sizeof prefix - 1, at = 0;
    char *text = malloc(length + (in->size + 2) / 3 * 4 + 1), *out;
    if (!text) return NULL;
    memcpy(text, prefix, length);
    for (out = text + length; at < in->size; at += 3) {
        size_t left = in->size - at;
        uint32_t group = (uint32_t)in->data[at] << 16;
        if (left > 1) group |= (uint32_t)in->data[at + 1] << 8;
        if (left > 2) group |= in->data[at + 2];
        *out++ = digits[group >> 18 & 63];
        *out++ = digits[group >> 12 & 63];
        if (left > 1) *out++ = digits[group >> 6 & 63];
        if (left > 2) *out++ = digits[group & 63];
    }
    *out = '\0';
    return text;
}

char *schedule_print(const struct schedule *schedule) {
    struct bytes out = {0};
    char *text = NULL;

    put_fixed(&out, schedule->program);
    put_fixed(&out, schedule->event_hash);
    put_varint(&out, schedule->steps);
    put_varint(&out, schedule->count);
    for (size_t i = 0, run; i < schedule->count; i += run) {
        uint64_t choice = schedule->choices[i];
        for (run = 1; i + run < schedule->count && schedule->choices[i + run] == choice; run++)
            continue;
        put_varint(&out, (wide)choice << 1 | (run > 1));
        if (run > 1) put_varint(&out, run - 1);
    }
    if (schedule->point_count) put_varint(&out, schedule->point_count);
    for (size_t i = 0; i < schedule->point_count; i++) put_fixed(&out, schedule->points[i]);
    put_fixed(&out, crc32(out.data, out.size));
    if (!out.failed) text = to_text(&out);
    free(out.data);
    return text;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct reader {
    const unsigned char *at, *end;
    bool failed;
};

static uint32_t get_fixed(struct reader *in) {
    uint32_t value = 0;
    if (in->end - in->at < 4) {
        in->failed = true;
        return 0;
    }
    for (int i = 0; i < 4; i++) value |= (uint32_t)*in->at++ << 8 * i;
    return value;
}

static wide get_varint(struct reader *in) {
    wide value = 0;
    for (int shift = 0; in->at < in->end && shift < 70; shift += 7) {
        unsigned char byte = *in->at++;
        value |= (wide)(byte & 127) << shift;
        if (!(byte & 128)) return value;
    }
    in->failed = true;
    return 0;
}

static int complain(char *message, size_t size, const char *what) {
    snprintf(message, size, "%s: copy the whole of the line that begins with pirn1:", what);
    return -EINVAL;
}

/* Decodes base64url; returns false where it is none, or cut off within a byte. */
static bool from_text(const char *text, size_t length, struct bytes *out) {
    uint32_t group = 0;
    int bits = 0;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit) return false;
        group = group << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            put(out, (unsigned char)(group >> bits));
        }
    }
    /* What is left over is less than a byte, and zero in what we write. */
    return bits < 6 && !(group & ((1u << bits) - 1));
}

static int read_choices(struct reader *in, struct schedule *schedule, size_t count) {
    while (schedule->count < count) {
        wide coded = get_varint(in), more = coded & 1 ? get_varint(in) : 0;
        if (in->failed || coded >> 65 || more >= count - schedule->count) return -EINVAL;
        for (wide i = 0; i <= more; i++)
            schedule->choices[schedule->count++] = (uint64_t)(coded >> 1);
    }
    return 0;
}

static int read_points(struct reader *in, struct schedule *schedule) {
    wide count = in->at < in->end ? get_varint(in) : 0;
    if (in->failed || count * 4 != (wide)(in->end - in->at)) return -EINVAL;
    if (!count) return 0;
    if (!(schedule->points = malloc((size_t)count * sizeof *schedule->points))) return -ENOMEM;
    while (schedule->point_count < count) schedule->points[schedule->point_count++] = get_fixed(in);
    return 0;
}

/* A few bytes can say that a choice was made a thousand million times: as many as fit into a quarter
 * of the memory. */
static size_t most_choices(void) {
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur < memory) memory = limit.rlim_cur;
    return (size_t)(memory / 4 / sizeof *((struct schedule *)0)->choices);
}

static int read_bytes(const struct bytes *bytes, struct schedule *schedule, char *message,
                      size_t size) {
    size_t length = bytes->size < 4 ? 0 : bytes->size - 4;
    struct reader in = {bytes->data, length ? bytes->data + length : NULL, false};
    struct reader sum = {in.end, length ? in.end + 4 : NULL, false};
    wide steps, count;
    int rc;

    if (!length || get_fixed(&sum) != crc32(bytes->data, length))
        return complain(message, size, "the schedule is damaged or not complete");
    schedule->program = get_fixed(&in);
    schedule->event_hash = get_fixed(&in);
    steps = get_varint(&in);
    count = get_varint(&in);
    /* No schedule of a run can be larger, and a hostile one shall not take all memory. */
    if (in.failed || steps > UINT32_MAX || count > UINT32_MAX / 4)
        return complain(message, size, "the schedule is damaged");
    if (count > most_choices()) {
        snprintf(message, size,
                 "the schedule has %llu choices, more than a quarter of the memory holds",
                 (unsigned long long)count);
        return -EINVAL;
    }
    schedule->steps = (uint64_t)steps;
    schedule->choices = malloc(((size_t)count + 1) * sizeof *schedule->choices);
    if (!schedule->choices) {
        snprintf(message, size, "not enough memory for the schedule");
        return -ENOMEM;
    }
    rc = read_choices(&in, schedule, (size_t)count);
    if (rc == 0) rc = read_points(&in, schedule);
    if (rc == 0) return 0;
    schedule_free(schedule);
    if (rc == -ENOMEM) return rc;
    return complain(message, size, "the schedule is damaged");
}

int schedule_read(const char *text, struct schedule *schedule, char *message, size_t size) {
    struct bytes bytes = {0};
    size_t length;
    int rc;

    memset(schedule, 0, sizeof *schedule);
    while (isspace((unsigned char)*text)) text++;
    length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1])) length--;
    if (length < sizeof prefix - 1 || memcmp(text, prefix, sizeof prefix - 1) != 0) {
        snprintf(message, size, "not a schedule: one begins with pirn1:");
        return -EINVAL;
    }
    if (!from_text(text + sizeof prefix - 1, length - (sizeof prefix - 1), &bytes))
        rc = complain(message, size, "the schedule is damaged or not complete");
    else if (bytes.failed)
        rc = -ENOMEM;
    else
        rc = read_bytes(&bytes, schedule, message, size);
    if (rc == -ENOMEM) snprintf(message, size, "not enough memory for the schedule");
    free(bytes.data);
    return rc;
}

void schedule_free(struct schedule *schedule) {
    free(schedule->choices);
    free(schedule->points);
    schedule->choices = NULL;
    schedule->points = NULL;
    schedule->count = schedule->point_count = 0;
}
