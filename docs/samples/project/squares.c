/* squares.c - see squares.h: numbers go down one channel, squares come back up another. */
#include "squares.h"

#include <pirn.h>

PIRN_CHAN_TYPE(ints, int);
PIRN_CHAN_TYPE(longs, long);

struct work {
    int n;
    ints numbers;
    longs squares;
};

static void feed(void *arg) {
    struct work *work = arg;
    for (int i = 1; i <= work->n; i++) ints_send(work->numbers, i);
    ints_close(work->numbers);
}

static void square(void *arg) {
    struct work *work = arg;
    for (int number; ints_recv(work->numbers, &number) == 0;)
        longs_send(work->squares, (long)number * number);
}

long squares_sum(int n, int workers) {
    struct work work = {n, ints_new(0), longs_new(0)};
    pirn_waitgroup running = {0};
    long sum = 0, one;

    pirn_assert(work.numbers.chan && work.squares.chan);
    pirn_assert(pirn_waitgroup_go(&running, feed, &work) == 0);
    for (int i = 0; i < workers; i++) pirn_assert(pirn_waitgroup_go(&running, square, &work) == 0);
    for (int i = 0; i < n && longs_recv(work.squares, &one) == 0; i++) sum += one;
    pirn_waitgroup_wait(&running);
    ints_unref(work.numbers);
    longs_unref(work.squares);
    return sum;
}
