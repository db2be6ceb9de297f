/* send-on-closed.c - the receiver closes the channel that the sender uses. */
#include <pirn.h>

static pirn_chan *lines;
static pirn_waitgroup writers;

static void write_lines(void *arg) {
    (void)arg;
    for (int line = 1; line <= 9; line++) {
        if (pirn_send(lines, &line) != 0) break;
    }
}

static void find_line(void *arg) {
    int line = 0;
    (void)arg;
    lines = pirn_chan_new(sizeof(int), 0);
    pirn_label(lines, "lines");
    pirn_label(&writers, "writers");
    pirn_waitgroup_go(&writers, write_lines, NULL);
    while (line != 3) pirn_recv(lines, &line);
    pirn_close(lines);
    pirn_waitgroup_wait(&writers);
    pirn_chan_unref(lines);
}

int main(void) { return pirn_run(NULL, find_line, NULL) != 0; }
