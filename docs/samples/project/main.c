/* main.c - prints the sum of the squares of 1 to 10. */
#include <pirn.h>
#include <stdio.h>

#include "squares.h"

static void print_sum(void *arg) {
    long *sum = arg;
    *sum = squares_sum(10, 3);
    printf("%ld\n", *sum);
}

int main(void) {
    long sum = -1;
    return pirn_run(NULL, print_sum, &sum) != 0 || sum != 385;
}
