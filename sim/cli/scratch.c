/* scratch.c - see scratch.h. */
#include "sim/cli/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viz/tool.h"

static struct tool_text folder;

static void remove_all(void) {
    static const char *const names[] = {"trace.db", "trace.db-journal"};
    struct tool_text path = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tool_text_clear(&path);
        tool_text_addf(&path, "%s/%s", folder.data, names[i]);
        unlink(path.data);
    }
    rmdir(folder.data);
    tool_text_free(&path);
    tool_text_free(&folder);
}

int scratch_trace(char *path, size_t size) {
    const char *where = getenv("TMPDIR");
    char here[4096];
    if (!where || !*where) where = "/tmp";
    /* The program may go to another folder before it records. */
    if (*where != '/' && getcwd(here, sizeof here)) tool_text_addf(&folder, "%s/", here);
    tool_text_addf(&folder, "%s/pirn-XXXXXX", where);
    if (folder.length + sizeof "/trace.db" > size || !mkdtemp(folder.data)) {
        tool_error("%s: cannot make a temporary folder: %s (TMPDIR may name another)", where,
                   strerror(folder.length + sizeof "/trace.db" > size ? ENAMETOOLONG : errno));
        tool_text_free(&folder);
        return TOOL_FAILED;
    }
    snprintf(path, size, "%s/trace.db", folder.data);
    atexit(remove_all);
    return TOOL_OK;
}
