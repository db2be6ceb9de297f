/* error-channel.c - who returns at the first error leaves the other senders behind. */
#include <pirn.h>

enum { CHECKS = 3 };

static pirn_chan *errors;

static void check(void *arg) {
    int error = *(int *)arg > 1;
    pirn_send(errors, &error);
}

static bool all_well(void) {
    errors = pirn_chan_new(sizeof(int), 0);
    pirn_label(errors, "errors");
    for (int i = 1; i <= CHECKS; i++) pirn_go_copy(check, &i, sizeof i);
    for (int i = 1; i <= CHECKS; i++) {
        int error;
        pirn_recv(errors, &error);
        if (error) return false;
    }
    return true;
}

static void doctor(void *arg) {
    (void)arg;
    pirn_assert(!all_well());
}

int main(void) { return pirn_run(NULL, doctor, NULL) != 0; }
