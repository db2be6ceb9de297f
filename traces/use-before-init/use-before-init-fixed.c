/* use-before-init-fixed.c - what a task needs is made before the task is started. */
#include <pirn.h>

static pirn_mutex lock;
static pirn_chan *events; /* guarded by the lock */

static pirn_chan *get_events(void) {
    pirn_mutex_lock(&lock);
    pirn_chan *chan = events;
    pirn_mutex_unlock(&lock);
    return chan;
}

static void make_events(void) {
    pirn_mutex_lock(&lock);
    events = pirn_chan_new(sizeof(int), 1);
    pirn_label(events, "events");
    pirn_mutex_unlock(&lock);
}

static void listen_for_key(void *arg) {
    int key = 'q';
    (void)arg;
    pirn_send(get_events(), &key);
}

static void editor(void *arg) {
    int key;
    (void)arg;
    pirn_label(&lock, "guard");
    make_events();
    pirn_go(listen_for_key, NULL);
    pirn_recv(get_events(), &key);
    pirn_assert(key == 'q');
}

int main(void) { return pirn_run(NULL, editor, NULL) != 0; }
