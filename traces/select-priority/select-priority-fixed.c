/* select-priority-fixed.c - what must win is asked for first. */
#include <pirn.h>

enum { IN_TIME = 1, TOO_LATE };

static pirn_chan *orders, *closed;
static pirn_waitgroup staff;

static void serve(void *arg) {
    int order;
    pirn_case cases[] = {PIRN_CASE_RECV(closed, NULL), PIRN_CASE_RECV(orders, &order)};
    (void)arg;
    while (pirn_select_first(cases, 2, PIRN_FOREVER) == 1) pirn_assert(order != TOO_LATE);
}

static void shop(void *arg) {
    int order = IN_TIME;
    (void)arg;
    orders = pirn_chan_new(sizeof(int), 2);
    closed = pirn_chan_new(0, 0);
    pirn_label(orders, "orders");
    pirn_label(closed, "closed");
    pirn_label(&staff, "staff");
    pirn_waitgroup_go(&staff, serve, NULL);
    pirn_send(orders, &order);
    pirn_close(closed);
    order = TOO_LATE;
    pirn_send(orders, &order);
    pirn_waitgroup_wait(&staff);
    pirn_chan_unref(orders);
    pirn_chan_unref(closed);
}

int main(void) { return pirn_run(NULL, shop, NULL) != 0; }
