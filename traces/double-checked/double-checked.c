/* double-checked.c - the flag is set before what it stands for is there. */
#include <pirn.h>

static pirn_mutex lock;
static _Atomic bool ready;
static _Atomic int port;
static pirn_waitgroup servers;

static void read_configuration(void) {
    pirn_sleep(PIRN_MSEC); /* a slow disk */
    port = 8080;
}

static int get_port(void) {
    if (!ready) {
        pirn_mutex_lock(&lock);
        if (!ready) {
            ready = true;
            read_configuration();
        }
        pirn_mutex_unlock(&lock);
    }
    return port;
}

static void serve(void *arg) {
    (void)arg;
    pirn_assert(get_port() == 8080);
}

static void start(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&servers, "servers");
    pirn_waitgroup_go(&servers, serve, NULL);
    pirn_waitgroup_go(&servers, serve, NULL);
    pirn_waitgroup_wait(&servers);
}

int main(void) { return pirn_run(NULL, start, NULL) != 0; }
