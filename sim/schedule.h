/*
 * schedule.h - a schedule as one line of text: "pirn1:", then base64url, which passes through logs
 * and shells unharmed.
 *
 * The bytes: fingerprint of the program (4), hash of the run's events (4), number of steps
 * (varint), number of choices (varint), the choices, CRC-32 of all that (4). Numbers of 4 bytes
 * begin with the lowest; varints are LEB128. Choices are run-length coded: a varint of twice the
 * value, plus one where a varint follows that says how many more times the same choice is made.
 * Where plain accesses to memory were scheduling points, the choices are followed by their number
 * (varint) and the hash of each place (4).
 */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

struct schedule {
    uint32_t program;    /* fingerprint; 0: unknown */
    uint32_t event_hash; /* of the run it was taken from */
    uint64_t steps;      /* of that run */
    uint64_t *choices;
    size_t count;
    uint32_t *points; /* places where plain accesses are scheduling points */
    size_t point_count;
};

/* Returns the text, which the caller frees; NULL when memory is short. */
char *schedule_print(const struct schedule *schedule);

/*
 * Reads the text; surrounding blanks are ignored. Returns 0; -EINVAL with a line in `message` that
 * says what is wrong; -ENOMEM. After success schedule_free frees the choices.
 */
int schedule_read(const char *text, struct schedule *schedule, char *message, size_t size);

void schedule_free(struct schedule *schedule);

#endif
