/* pipeline-early-exit-fixed.c - every stage waits for `quit` as well. */
#include <pirn.h>

static pirn_chan *numbers, *squares, *quit;

/* Returns false when nobody wants any more. */
static bool pass_on(pirn_chan *to, int value) {
    pirn_case cases[] = {PIRN_CASE_SEND(to, &value), PIRN_CASE_RECV(quit, NULL)};
    return pirn_select(cases, 2, PIRN_FOREVER) == 0;
}

static void count(void *arg) {
    (void)arg;
    for (int i = 1; i <= 9 && pass_on(numbers, i); i++) continue;
    pirn_close(numbers);
}

static void square(void *arg) {
    int number;
    (void)arg;
    while (pirn_recv(numbers, &number) == 0 && pass_on(squares, number * number)) continue;
}

static void add(void *arg) {
    int first, second;
    (void)arg;
    numbers = pirn_chan_new(sizeof(int), 0);
    squares = pirn_chan_new(sizeof(int), 0);
    quit = pirn_chan_new(0, 0);
    pirn_label(quit, "quit");
    pirn_label(numbers, "numbers");
    pirn_label(squares, "squares");
    pirn_go(count, NULL);
    pirn_go(square, NULL);
    pirn_recv(squares, &first);
    pirn_recv(squares, &second);
    pirn_close(quit);
    pirn_assert(first + second == 5);
}

int main(void) { return pirn_run(NULL, add, NULL) != 0; }
