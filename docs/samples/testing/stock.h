/* stock.h - things that several tasks take from. Zero-initialised with `left` set it is ready. */
#ifndef STOCK_H
#define STOCK_H

#include <pirn.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stock {
    pirn_mutex lock;
    int left;
};

/* Takes one; returns false when none is left. */
bool stock_take(struct stock *stock);

/* A test: two buyers want the last one, and one of them gets it. A main function for pirn_run. */
void two_buyers(void *arg);

#ifdef __cplusplus
}
#endif

#endif
