/* plain.c - tests without a framework: a main function. */
#include <stdio.h>

#include "explored.h"
#include "stock.h"

int main(void) {
    const char *found = explored(two_buyers, NULL);
    printf("%sok 1 - two buyers\n1..1\n", *found ? "not " : "");
    if (*found) fprintf(stderr, "%s\n", found);
    return *found != '\0';
}
