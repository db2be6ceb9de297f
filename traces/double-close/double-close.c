/* double-close.c - two tasks find a channel open and close it. */
#include <pirn.h>

static pirn_mutex lock;
static bool stopped; /* guarded by the lock */
static pirn_chan *quit;
static pirn_waitgroup tasks;

static bool is_stopped(void) {
    pirn_mutex_lock(&lock);
    bool result = stopped;
    pirn_mutex_unlock(&lock);
    return result;
}

static void close_quit(void *arg) {
    (void)arg;
    pirn_close(quit);
    pirn_mutex_lock(&lock);
    stopped = true;
    pirn_mutex_unlock(&lock);
}

static void stop(void *arg) {
    if (!is_stopped()) close_quit(arg);
}

static void server(void *arg) {
    (void)arg;
    quit = pirn_chan_new(0, 0);
    pirn_label(quit, "quit");
    pirn_label(&lock, "guard");
    pirn_label(&tasks, "tasks");
    pirn_waitgroup_go(&tasks, stop, NULL);
    pirn_waitgroup_go(&tasks, stop, NULL);
    pirn_recv(quit, NULL);
    pirn_waitgroup_wait(&tasks);
    pirn_assert(is_stopped());
    pirn_chan_unref(quit);
}

int main(void) { return pirn_run(NULL, server, NULL) != 0; }
