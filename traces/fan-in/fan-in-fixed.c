/* fan-in-fixed.c - who has waited for all senders closes the channel. */
#include <pirn.h>

enum { INPUTS = 2 };

static pirn_chan *inputs[INPUTS], *output;
static pirn_waitgroup copiers;

static void copy(void *arg) {
    pirn_chan *input = arg;
    int value;
    while (pirn_recv(input, &value) == 0) pirn_send(output, &value);
}

static void close_output(void *arg) {
    (void)arg;
    pirn_waitgroup_wait(&copiers);
    pirn_close(output);
}

static void merge(void *arg) {
    int value, sum = 0;
    (void)arg;
    output = pirn_chan_new(sizeof(int), 0);
    pirn_label(output, "output");
    pirn_label(&copiers, "copiers");
    for (int i = 0; i < INPUTS; i++) {
        inputs[i] = pirn_chan_new(sizeof(int), 1);
        pirn_label(inputs[i], "input %d", i);
        pirn_send(inputs[i], &(int){i + 1});
        pirn_close(inputs[i]);
        pirn_waitgroup_go(&copiers, copy, inputs[i]);
    }
    pirn_go(close_output, NULL);
    while (pirn_recv(output, &value) == 0) sum += value;
    pirn_waitgroup_wait(&copiers);
    pirn_assert(sum == 3);
}

int main(void) { return pirn_run(NULL, merge, NULL) != 0; }
