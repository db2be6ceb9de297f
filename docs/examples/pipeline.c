/*
 * pipeline.c - three stages joined by channels: generate numbers, square them, add them up.
 *
 * Each stage closes the channel that it sends to when it has no more to send; the next stage
 * receives until it finds the channel closed and empty. So the end travels down the pipeline behind
 * the last value.
 */
#include <pirn.h>

#include <stdio.h>

enum { NUMBERS = 10, SQUARERS = 2 };

static pirn_chan *numbers, *squares;
static pirn_waitgroup squarers;

static void generate(void *arg) {
    (void)arg;
    for (int n = 1; n <= NUMBERS; n++) pirn_send(numbers, &n);
    pirn_close(numbers);
}

static void square(void *arg) {
    int n;
    (void)arg;
    while (pirn_recv(numbers, &n) == 0) {
        n *= n;
        pirn_send(squares, &n);
    }
}

/* Several tasks send squares; only when all have ended may the channel be closed. */
static void close_squares(void *arg) {
    (void)arg;
    pirn_waitgroup_wait(&squarers);
    pirn_close(squares);
}

static void pipeline(void *arg) {
    int n, sum = 0;
    (void)arg;
    numbers = pirn_chan_new(sizeof(int), 0);
    squares = pirn_chan_new(sizeof(int), 2);
    pirn_label(numbers, "numbers");
    pirn_label(squares, "squares");

    pirn_go(generate, NULL);
    for (int i = 0; i < SQUARERS; i++) pirn_waitgroup_go(&squarers, square, NULL);
    pirn_go(close_squares, NULL);

    while (pirn_recv(squares, &n) == 0) sum += n;
    printf("the squares of 1 to %d add up to %d\n", NUMBERS, sum);
    pirn_assert(sum == NUMBERS * (NUMBERS + 1) * (2 * NUMBERS + 1) / 6);
}

int main(void) { return pirn_run(NULL, pipeline, NULL) != 0; }
