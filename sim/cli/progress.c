/* progress.c - see progress.h. */
#include "sim/cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define EVERY 100000000 /* ns */

enum { BAR = 20, LINE = 160 };

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void progress_begin(struct progress *progress, const struct control_options *control, bool wanted) {
    const char *term = getenv("TERM");
    *progress =
        (struct progress){.runs = control->runs, .time_limit = control->time_limit, .begun = now()};
    progress->enabled = wanted && isatty(STDERR_FILENO) == 1 && term && strcmp(term, "dumb") != 0;
}

double progress_seconds(const struct progress *progress) {
    return (double)(now() - progress->begun) / 1e9;
}

/* Which part is done, by runs or by time, whichever limit is nearer. */
static double part_done(const struct progress *progress, uint64_t runs) {
    double by_runs = progress->runs ? (double)runs / (double)progress->runs : 0;
    double by_time =
        progress->time_limit ? (double)(now() - progress->begun) / (double)progress->time_limit : 0;
    double part = by_runs > by_time ? by_runs : by_time;
    return part < 1 ? part : 1;
}

void progress_show(struct progress *progress, const struct control_message *figures) {
    char line[LINE + 1], bar[BAR + 1];
    struct winsize window = {0};
    double seconds = progress_seconds(progress);
    if (!progress->enabled || (progress->shown && now() - progress->shown_at < EVERY)) return;
    int full = (int)(part_done(progress, figures->runs) * BAR);
    for (int i = 0; i < BAR; i++) bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    int length = snprintf(
        line, sizeof line,
        "[%s] %" PRIu64 " runs, %.0f/s, %" PRIu64 " distinct, %" PRIu64 " failure%s", bar,
        figures->runs, seconds > 0 ? (double)(figures->runs - progress->before) / seconds : 0.0,
        figures->distinct, figures->failures, figures->failures == 1 ? "" : "s");
    /* A line that wraps could not be taken away. */
    if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &window) && window.ws_col > 1 && length >= window.ws_col)
        line[window.ws_col - 1] = '\0';
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->shown = true;
    progress->shown_at = now();
}

void progress_erase(struct progress *progress) {
    if (!progress->shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->shown = false;
}
