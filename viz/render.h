/*
 * render.h - pictures on disk: runs Graphviz's `dot`, and writes files whole or not at all.
 */
#ifndef VIZ_RENDER_H
#define VIZ_RENDER_H

#include "viz/tool.h"

#define RENDER_SECONDS 30 /* how long `dot` may take */

/*
 * Has the `dot` program turn `dot` into `format` ("svg", "png", "pdf") and appends what it wrote to
 * `picture`. It is found in PATH, run without a shell and killed after `seconds`. Returns TOOL_OK,
 * or TOOL_FAILED with a message: it is not installed, failed, or took too long.
 */
int render_dot(const char *format, const struct tool_text *dot, unsigned seconds,
               struct tool_text *picture);

/*
 * Writes the bytes to the file, which is there with all of them or, on failure, as it was before.
 * "-" is standard output; what is no regular file (a pipe, a device) is written to directly.
 * Returns TOOL_OK, or TOOL_FAILED with a message.
 */
int render_save(const char *path, const struct tool_text *bytes);

#endif
