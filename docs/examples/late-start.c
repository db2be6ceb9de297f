/*
 * late-start.c - a server that opens its log in a task of its own, and never waits for that.
 *
 * On threads it mostly works: when it comes to the first entry the log has long been open, since all
 * requests have been answered before. But nothing says that the task has begun by then. For the bug
 * to show one task has to start late, and nothing else: a walk that takes every task as likely at
 * each step hardly ever passes over one of them for so long, while strategies with priorities do so
 * in one run of ten or so. Run
 *
 *     pirn explore ./late-start
 *     pirn explore --strategy=random ./late-start
 */
#include <pirn.h>

#include <stdio.h>

enum { REQUESTS = 8 };

static pirn_chan *requests;
static pirn_mutex lock;
static bool log_is_open; /* guarded by the lock */

static void open_log(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    log_is_open = true;
    pirn_mutex_unlock(&lock);
}

static void client(void *arg) {
    (void)arg;
    for (int i = 1; i <= REQUESTS; i++) pirn_send(requests, &i);
    pirn_close(requests);
}

static void add_to_log(int answered) {
    pirn_mutex_lock(&lock);
    if (!log_is_open) pirn_panic("the log is not open");
    printf("log: %d requests answered\n", answered);
    pirn_mutex_unlock(&lock);
}

static void serve(void *arg) {
    int request, answered = 0;
    (void)arg;
    requests = pirn_chan_new(sizeof(int), 0);
    pirn_go(client, NULL);
    pirn_go(open_log, NULL);
    while (pirn_recv(requests, &request) == 0) answered++;
    add_to_log(answered);
    pirn_chan_unref(requests);
}

int main(void) { return pirn_run(NULL, serve, NULL) != 0; }
