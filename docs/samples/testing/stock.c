/*
 * stock.c - see stock.h.
 *
 * Compiled with -DBROKEN it looks and takes under the lock, but lets go of it in between.
 */
#include "stock.h"

bool stock_take(struct stock *stock) {
    pirn_mutex_lock(&stock->lock);
    bool some = stock->left > 0;
#ifdef BROKEN
    pirn_mutex_unlock(&stock->lock);
    pirn_mutex_lock(&stock->lock);
#endif
    if (some) stock->left--;
    pirn_mutex_unlock(&stock->lock);
    return some;
}

static void buy(void *arg) { stock_take((struct stock *)arg); }

void two_buyers(void *arg) {
    struct stock stock = {.left = 1};
    pirn_waitgroup buyers = {0};
    (void)arg;
    pirn_assert(pirn_waitgroup_go(&buyers, buy, &stock) == 0);
    pirn_assert(pirn_waitgroup_go(&buyers, buy, &stock) == 0);
    pirn_waitgroup_wait(&buyers);
    pirn_assert(stock.left == 0);
}
