/* timeout-leak.c - the task that fetches is left behind when the deadline passes. */
#include <pirn.h>

static void fetch(void *arg) {
    pirn_chan *answers = arg;
    int answer = 42;
    pirn_sleep(10 * PIRN_MSEC);
    pirn_send(answers, &answer);
    pirn_chan_unref(answers);
}

static void ask(void *arg) {
    int answer = 0;
    pirn_chan *answers = pirn_chan_new(sizeof(int), 0);
    (void)arg;
    pirn_label(answers, "answers");
    pirn_go(fetch, pirn_chan_ref(answers));
    int rc = pirn_recv_until(answers, &answer, pirn_now() + 10 * PIRN_MSEC);
    pirn_assert(rc != 0 || answer == 42);
    pirn_chan_unref(answers);
}

int main(void) { return pirn_run(NULL, ask, NULL) != 0; }
