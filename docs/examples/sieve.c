/*
 * sieve.c - the first N primes by a chain of tasks, one for each prime found.
 *
 * A counter sends 2, 3, 4, ... into the chain. Each link drops the multiples of its own prime and
 * passes the rest on; the first number that comes out at the end is the next prime, and gets a link
 * of its own. When main has enough it closes `quit`. Each task waits for that, too, in every send
 * and receive, so none stays behind.
 *
 * Usage: sieve [N]
 */
#include <pirn.h>

#include <stdio.h>
#include <stdlib.h>

static pirn_chan *quit;
static pirn_waitgroup tasks;

/* Sends or receives an int; returns false once it is time to quit. */
static bool send_or_quit(pirn_chan *chan, int *value) {
    pirn_case cases[] = {PIRN_CASE_SEND(chan, value), PIRN_CASE_RECV(quit, NULL)};
    return pirn_select(cases, 2, PIRN_FOREVER) == 0;
}

static bool receive_or_quit(pirn_chan *chan, int *value) {
    pirn_case cases[] = {PIRN_CASE_RECV(chan, value), PIRN_CASE_RECV(quit, NULL)};
    return pirn_select(cases, 2, PIRN_FOREVER) == 0;
}

static void count(void *arg) {
    pirn_chan *out = *(pirn_chan **)arg;
    int n = 2;
    while (send_or_quit(out, &n)) n++;
    pirn_chan_unref(out);
}

struct link {
    int prime;
    pirn_chan *in, *out;
};

static void filter(void *arg) {
    struct link *link = arg;
    int n;
    while (receive_or_quit(link->in, &n))
        if (n % link->prime != 0 && !send_or_quit(link->out, &n)) break;
    pirn_chan_unref(link->in);
    pirn_chan_unref(link->out);
}

static pirn_chan *new_link(int number) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 0);
    pirn_label(chan, "link %d", number);
    return chan;
}

static void sieve(void *arg) {
    int wanted = *(int *)arg;
    pirn_chan *end = new_link(0); /* where the numbers come out that no link has dropped */

    quit = pirn_chan_new(0, 0);
    pirn_label(quit, "quit");
    pirn_chan_ref(end); /* both tasks that a channel joins own it */
    pirn_waitgroup_go_copy(&tasks, count, &end, sizeof end);
    for (int found = 1; found <= wanted; found++) {
        struct link link = {0, end, new_link(found)};
        pirn_recv(end, &link.prime);
        printf("%d%c", link.prime, found < wanted ? ' ' : '\n');
        end = pirn_chan_ref(link.out);
        pirn_waitgroup_go_copy(&tasks, filter, &link, sizeof link);
    }
    pirn_close(quit);
    pirn_waitgroup_wait(&tasks);
    pirn_chan_unref(end);
    pirn_chan_unref(quit);
}

int main(int argc, char **argv) {
    int wanted = argc > 1 ? atoi(argv[1]) : 5;
    if (wanted < 1 || wanted > 1000) {
        fprintf(stderr, "usage: %s [N], where N is 1 to 1000\n", argv[0]);
        return 2;
    }
    return pirn_run(NULL, sieve, &wanted) != 0;
}
