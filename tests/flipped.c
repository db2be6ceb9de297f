/*
 * flipped.c - a recording in which one bit is another one: is that noticed?
 *
 *     tests/flipped RECORDING COUNT [open]
 *
 * Looks at the recording COUNT times, each time with one bit changed, as the command does before it
 * makes a trace of it. The bits are evenly spread; with a large COUNT it is each bit once. The
 * recording itself is to be whole; with any bit changed it is to be damaged. With `open` its last
 * blocks are first made what a process leaves that is killed, without sums, and only bytes that are
 * not 0 are changed; then it is printed how often that is noticed.
 */
#include <stdio.h>

/* What it finds out before it writes. */
#include "sim/record/convert.c"

static unsigned char *bytes;
static size_t size;

static bool is_damaged(void) {
    struct recording r = {.bytes = bytes, .size = size, .ended = true};
    bool damaged = !look_through(&r) || r.damaged;
    /* The command's next question is whether there is something to be written. */
    for (size_t i = 0; i < r.part_count && !damaged; i++) damaged |= !is_worth(&r, &r.parts[i]);
    free_recording(&r);
    return damaged;
}

static bool read_all(const char *path) {
    FILE *file = fopen(path, "r");
    struct stat status;
    if (!file) return false;
    size = fstat(fileno(file), &status) ? 0 : (size_t)status.st_size;
    bytes = size ? malloc(size) : NULL;
    if (bytes && fread(bytes, 1, size, file) != size) size = 0;
    fclose(file);
    return bytes && size;
}

/* One that another follows has been sealed when it was full. */
static void open_last_blocks(void) {
    struct recording r = {.bytes = bytes, .size = size, .ended = true};
    if (find_blocks(&r))
        for (size_t i = 0; i < r.block_count; i++) {
            struct block_head *head = (struct block_head *)(uintptr_t)r.blocks[i].bytes;
            if (i + 1 < r.block_count && block_head(&r.blocks[i + 1])->buffer == head->buffer)
                continue;
            head->seal = 0;
            memset(head->sums, 0, sizeof head->sums);
        }
    free_recording(&r);
}

int main(int argc, char **argv) {
    size_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, step, flipped = 0, noticed = 0;
    bool open_ones = argc > 3 && !strcmp(argv[3], "open");
    if (!count || !read_all(argv[1])) {
        fputs("usage: flipped RECORDING COUNT [open]\n", stderr);
        return 2;
    }
    step = 8 * size / count | 1;
    if (open_ones) open_last_blocks();
    if (is_damaged()) {
        puts("it is damaged as it is");
        return 1;
    }
    for (size_t bit = 0; bit < 8 * size; bit += step) {
        bool damaged;
        if (open_ones && !bytes[bit / 8]) continue;
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        damaged = is_damaged();
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        flipped++;
        noticed += damaged;
        if (!damaged && !open_ones) printf("byte %zu, bit %zu\n", bit / 8, bit % 8);
    }
    printf("%zu of %zu are noticed\n", noticed, flipped);
    return open_ones ? noticed < flipped / 2 : noticed < flipped;
}
