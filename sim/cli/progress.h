/* progress.h - how far an exploration has come, on the last line of a terminal. Nothing is shown
 * elsewhere. */
#ifndef SIM_CLI_PROGRESS_H
#define SIM_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/control.h"

struct progress {
    uint64_t runs;      /* of how many; 0: not known */
    uint64_t before;    /* of them, made another time */
    int64_t time_limit; /* ns; 0: none */
    int64_t begun, shown_at;
    bool enabled, shown;
};

/* `wanted` is false for --quiet and the like. */
void progress_begin(struct progress *progress, const struct control_options *control, bool wanted);
/* Shows the figures, a few times a second. */
void progress_show(struct progress *progress, const struct control_message *figures);
/* Takes the line away, before anything else is printed and at the end. */
void progress_erase(struct progress *progress);
/* Seconds since progress_begin. */
double progress_seconds(const struct progress *progress);

#endif
