/* ticker-stopped-fixed.c - the task is told that it is over. */
#include <pirn.h>

static pirn_timer *ticker;
static pirn_chan *quit;
static _Atomic int written;

static void write_back(void *arg) {
    pirn_case cases[] = {PIRN_CASE_RECV(pirn_timer_chan(ticker), NULL), PIRN_CASE_RECV(quit, NULL)};
    (void)arg;
    while (pirn_select(cases, 2, PIRN_FOREVER) == 0) written++;
}

static void cache(void *arg) {
    (void)arg;
    quit = pirn_chan_new(0, 0);
    pirn_label(quit, "quit");
    ticker = pirn_ticker_new(PIRN_SEC);
    pirn_label(pirn_timer_chan(ticker), "ticker");
    pirn_go(write_back, NULL);
    pirn_sleep(2 * PIRN_SEC);
    pirn_timer_stop(ticker);
    pirn_close(quit);
}

int main(void) { return pirn_run(NULL, cache, NULL) != 0; }
