/* lock-and-channel-fixed.c - the lock is given back before the send. */
#include <pirn.h>

static pirn_mutex lock;
static int next_number, sum; /* guarded by the lock */
static pirn_chan *numbers;

static void produce(void *arg) {
    (void)arg;
    for (int i = 0; i < 2; i++) {
        pirn_mutex_lock(&lock);
        int number = ++next_number;
        pirn_mutex_unlock(&lock);
        pirn_send(numbers, &number);
    }
    pirn_close(numbers);
}

static void consume(void *arg) {
    int number;
    (void)arg;
    numbers = pirn_chan_new(sizeof(int), 0);
    pirn_label(numbers, "numbers");
    pirn_label(&lock, "guard");
    pirn_go(produce, NULL);
    while (pirn_recv(numbers, &number) == 0) {
        pirn_mutex_lock(&lock);
        sum += number;
        pirn_mutex_unlock(&lock);
    }
    pirn_assert(sum == 3);
    pirn_chan_unref(numbers);
}

int main(void) { return pirn_run(NULL, consume, NULL) != 0; }
