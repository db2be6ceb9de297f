/*
 * places.h - the places of the program whose accesses have raced in an exploration: they are
 * scheduling points in later runs, where the strategy draws schedules at random.
 *
 * Each of the first runs (LESSONS of share.h) learns from all before it. After that runs come in
 * epochs: those that begin with run 16, 24, 32, 48, 64, 96 and so on. What a run has shown counts
 * from the next epoch on, so within one nothing changes, and runs can be made side by side. A run
 * is a function of the program, the first seed and its number, whoever makes it; but a shard knows of
 * its own runs alone, beside the first ones.
 */
#ifndef SIM_RACE_PLACES_H
#define SIM_RACE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/log.h"

struct exploration;

struct places {
    struct racy_place {
        uint32_t name;  /* of points.c */
        uint64_t run;   /* that it has raced in first */
    } list[LOG_POINTS]; /* as the runs follow each other */
    size_t count;
    bool watched; /* one of the first runs was */
};

/* Takes those that the exploration in the trace had, where it goes on. Returns 0, or a negative
 * errno with a line in `message`. */
int places_begin(struct exploration *exploration);

/* Has the run in the log taught what it can, that of this number. */
void places_learn(struct exploration *exploration, uint64_t run);

/* Gives the log the points of a run, and returns the first run that may have others. Those before
 * its epoch have been taken in. */
uint64_t places_give(const struct exploration *exploration, struct log *log, uint64_t run);

#endif
