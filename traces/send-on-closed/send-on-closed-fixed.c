/* send-on-closed-fixed.c - the receiver says by a channel of its own that it has enough. */
#include <pirn.h>

static pirn_chan *lines, *enough;
static pirn_waitgroup writers;

static void write_lines(void *arg) {
    (void)arg;
    for (int line = 1; line <= 9; line++) {
        pirn_case cases[] = {PIRN_CASE_SEND(lines, &line), PIRN_CASE_RECV(enough, NULL)};
        if (pirn_select(cases, 2, PIRN_FOREVER) == 1) break;
    }
}

static void find_line(void *arg) {
    int line = 0;
    (void)arg;
    lines = pirn_chan_new(sizeof(int), 0);
    pirn_label(lines, "lines");
    enough = pirn_chan_new(0, 0);
    pirn_label(enough, "enough");
    pirn_label(&writers, "writers");
    pirn_waitgroup_go(&writers, write_lines, NULL);
    while (line != 3) pirn_recv(lines, &line);
    pirn_close(enough);
    pirn_waitgroup_wait(&writers);
    pirn_chan_unref(lines);
    pirn_chan_unref(enough);
}

int main(void) { return pirn_run(NULL, find_line, NULL) != 0; }
