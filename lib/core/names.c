/* names.c - the words for operations, objects and edges. */
#include "lib/core/engine.h"

#define X(name, word) word,
const char *const op_names[OP_COUNT] = {OPERATIONS(X)};
const char *const object_names[OBJECT_COUNT] = {OBJECTS(X)};
const char *const edge_names[EDGE_COUNT] = {EDGES(X)};
#undef X
