/* timer-against-stop.c - the function of a stopped timer may still be to come. */
#include <pirn.h>

static pirn_mutex lock;
static bool connected; /* guarded by the lock */
static pirn_chan *pinged;

static void set_connected(bool value) {
    pirn_mutex_lock(&lock);
    connected = value;
    pirn_mutex_unlock(&lock);
}

static void ping(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    pirn_assert(connected);
    pirn_mutex_unlock(&lock);
    pirn_send(pinged, NULL);
}

static void client(void *arg) {
    (void)arg;
    pinged = pirn_chan_new(0, 1);
    pirn_label(pinged, "pinged");
    pirn_label(&lock, "guard");
    set_connected(true);
    pirn_timer *timer = pirn_timer_func(PIRN_SEC, ping, NULL);
    pirn_sleep(PIRN_SEC); /* the work */
    pirn_timer_stop(timer);
    set_connected(false);
    pirn_timer_free(timer);
    pirn_sleep(PIRN_SEC); /* something else */
}

int main(void) { return pirn_run(NULL, client, NULL) != 0; }
