/* ticker-stopped.c - a task waits for the next tick of a ticker that is stopped. */
#include <pirn.h>

static pirn_timer *ticker;
static _Atomic int written;

static void write_back(void *arg) {
    (void)arg;
    while (pirn_recv(pirn_timer_chan(ticker), NULL) == 0) written++;
}

static void cache(void *arg) {
    (void)arg;
    ticker = pirn_ticker_new(PIRN_SEC);
    pirn_label(pirn_timer_chan(ticker), "ticker");
    pirn_go(write_back, NULL);
    pirn_sleep(2 * PIRN_SEC);
    pirn_timer_stop(ticker);
}

int main(void) { return pirn_run(NULL, cache, NULL) != 0; }
