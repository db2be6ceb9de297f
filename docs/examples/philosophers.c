/*
 * philosophers.c - N philosophers at a round table, with a fork between each two of them.
 *
 * To eat one needs both forks. Each takes the left one, then the right one: when all have taken
 * their left fork at the same time, each waits for a neighbour for ever. On threads that is rare,
 * because it takes longer to start a task than to eat.
 *
 * Usage: philosophers [N]
 */
#include <pirn.h>

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 100, MEALS = 2 };

static int seats;
static pirn_mutex forks[MOST];
static pirn_waitgroup guests;

static void dine(void *arg) {
    int seat = *(int *)arg;
    pirn_mutex *left = &forks[seat], *right = &forks[(seat + 1) % seats];

    for (int meal = 0; meal < MEALS; meal++) {
        pirn_mutex_lock(left);
        pirn_mutex_lock(right);
        printf("philosopher %d eats\n", seat);
        pirn_mutex_unlock(right);
        pirn_mutex_unlock(left);
    }
    pirn_waitgroup_done(&guests);
}

static void dinner(void *arg) {
    static int seat[MOST];
    (void)arg;
    pirn_waitgroup_add(&guests, seats);
    for (int i = 0; i < seats; i++) {
        pirn_attr attr = {0};
        char name[32];
        snprintf(name, sizeof name, "philosopher %d", i);
        attr.name = name;
        pirn_label(&forks[i], "fork %d", i);
        seat[i] = i;
        pirn_go_with(&attr, dine, &seat[i]);
    }
    pirn_waitgroup_wait(&guests);
    printf("all have eaten\n");
}

int main(int argc, char **argv) {
    seats = argc > 1 ? atoi(argv[1]) : 3;
    if (seats < 2 || seats > MOST) {
        fprintf(stderr, "usage: %s [N], where N is 2 to %d\n", argv[0], MOST);
        return 2;
    }
    return pirn_run(NULL, dinner, NULL) != 0;
}
