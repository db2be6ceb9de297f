/*
 * graph.h - the graphs of a run that have no time in them, in DOT for Graphviz to lay out.
 */
#ifndef VIZ_GRAPH_H
#define VIZ_GRAPH_H

#include "viz/spacetime.h"
#include "viz/tool.h"
#include "viz/waits.h"

enum graph_kind { GRAPH_SPACE_TIME, GRAPH_WAIT_FOR, GRAPH_LOCK_ORDER, GRAPH_CHANNELS };

/* Reads the argument of --graph. Returns false, and leaves `kind`, when it is not one of the
 * words. */
bool graph_parse(const char *word, enum graph_kind *kind);

/*
 * Appends the graph of a kind other than GRAPH_SPACE_TIME: who waits for whom at the end; which
 * lock was asked for while which was held, cycles in red; which task sends to whom through which
 * channel. With `tasks` or `objects` in the options, only those. Returns TOOL_OK, or TOOL_USAGE
 * with a message when there is nothing to draw or more than Graphviz can lay out.
 */
int graph_dot(struct tool_text *out, const struct trace_run *run, const struct waits *waits,
              enum graph_kind kind, const struct spacetime_options *options);

#endif
