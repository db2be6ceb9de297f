/*
 * hello.c - two workers share out five greetings. It works nearly every time.
 *
 * The bug: between looking whether a name is left and taking it, the other worker may have taken
 * the last one.
 */
#include <pirn.h>
#include <stdio.h>

static pirn_chan *names;
static pirn_waitgroup workers;

static void greet(void *arg) {
    const char *name;
    while (pirn_chan_len(names) > 0) {
        pirn_recv(names, &name);
        printf("%s, %s!\n", (const char *)arg, name);
    }
}

static void hello(void *arg) {
    (void)arg;
    static const char *const all[] = {"Ada", "Barbara", "Edsger", "Grace", "Tony"};
    names = pirn_chan_new(sizeof(char *), 5);
    for (int i = 0; i < 5; i++) pirn_send(names, &all[i]);
    pirn_waitgroup_go(&workers, greet, (void *)"Hello");
    pirn_waitgroup_go(&workers, greet, (void *)"Good day");
    pirn_waitgroup_wait(&workers);
    pirn_chan_unref(names);
}

int main(void) { return pirn_run(NULL, hello, NULL) != 0; }
