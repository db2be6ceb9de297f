/* squares.h - sums of squares, computed by several tasks. */
#ifndef SQUARES_H
#define SQUARES_H

/* Returns the sum of the squares of 1 to `n`, computed by `workers` tasks, at least one. To be
 * called from a task. */
long squares_sum(int n, int workers);

#endif
