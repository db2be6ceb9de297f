/*
 * again.h - now and then a run is repeated and compared: all else rests on runs being functions of
 * their schedules.
 */
#ifndef SIM_AGAIN_H
#define SIM_AGAIN_H

#include <stdint.h>

struct exploration;

enum { AGAIN_EVERY = 1000 };

/*
 * Repeats the run in the log, that of that number, from its schedule and compares event by event. Where they
 * differ the log is that of the repeated run, with the outcome PIRN_DIVERGED and a message that
 * names the first event that differs; else it is as before. Returns 0, 1 in a child, a negative
 * errno.
 */
int run_again(struct exploration *exploration, uint64_t number);

#endif
