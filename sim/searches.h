/* searches.h - explorations whose strategy is systematic, from run to run and from time to time. */
#ifndef SIM_SEARCHES_H
#define SIM_SEARCHES_H

#include "sim/explore.h"

/*
 * Makes the strategy ready; where the exploration goes on from another time, brings it to where it
 * was. With any strategy. Returns 0, -ENOMEM, or -EIO: the trace cannot be written, or does not say
 * where that is.
 */
int search_begin(struct exploration *exploration, struct strategy *strategy);

/* Tells the strategy of the run that is over. Returns whether the run counts. */
bool search_on(struct exploration *exploration, struct strategy *strategy);

/* Records where the search stands for the last time, and gives back what it has used. */
void search_end(struct exploration *exploration, struct strategy *strategy);

#endif
