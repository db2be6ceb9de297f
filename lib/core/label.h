/* label.h - the names that pirn_label gives to addresses. Any thread may call these. */
#ifndef CORE_LABEL_H
#define CORE_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LABEL_SIZE = 64 };

struct label {
    const void *object;
    struct label *next; /* the one set before */
    char text[LABEL_SIZE];
};

/* All labels, the newest first; for debuggers. */
extern struct label *label_newest;

/* Copies the label of the address into `label`; returns false if it has none. */
bool label_get(const void *object, char label[LABEL_SIZE]);

/* Forgets the label of an object that has ended. */
void label_forget(const void *object);

/* Marks the labels that there are now; label_restore drops all that have been set since. For
 * runs that follow each other in one process and whose objects happen to get the same addresses. */
void label_keep(void);
void label_restore(void);

#endif
