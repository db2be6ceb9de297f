/* certainty.h - where the failure of a run became inevitable, in words. */
#ifndef VIZ_CERTAINTY_H
#define VIZ_CERTAINTY_H

#include "viz/tool.h"
#include "viz/trace.h"

/* Appends a paragraph with an empty line before it; nothing where it is not known. */
void certainty_tell(struct tool_text *out, const struct trace_run *run);

#endif
