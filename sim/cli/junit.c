/*
 * junit.c - see junit.h.
 *
 * The exploration is one test suite. Without a failure it has one test, "explore", which passed;
 * else each kind of failure is a test that failed, the first under that name, so that a server
 * which keeps a history sees one test from build to build.
 */
#include "sim/cli/junit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/core/output.h"
#include "viz/utf8.h"

static void add_attribute(struct tool_text *to, const char *name, const char *value) {
    tool_text_addf(to, " %s=\"", name);
    utf8_add_xml(to, value);
    tool_text_add(to, "\"");
}

int junit_begin(struct junit *junit, const char *path, const char *program) {
    char message[512];
    *junit = (struct junit){.path = path, .program = program};
    if (!path) return TOOL_OK;
    if (!output_claim(path, true, message, sizeof message)) {
        tool_error("%s", message);
        return TOOL_USAGE;
    }
    if ((junit->file = fopen(path, "we"))) return TOOL_OK;
    tool_error("%s: cannot be written: %s", path, strerror(errno));
    return TOOL_USAGE;
}

static void add_case(struct junit *junit, unsigned number) {
    tool_text_add(&junit->cases, "  <testcase");
    add_attribute(&junit->cases, "classname", junit->program);
    if (number == 1)
        tool_text_add(&junit->cases, " name=\"explore\"");
    else
        tool_text_addf(&junit->cases, " name=\"explore, failure %u\"", number);
}

void junit_failure(struct junit *junit, const struct control_message *failure, const char *text) {
    struct tool_text *to = &junit->cases;
    if (!junit->file) return;
    add_case(junit, ++junit->failures);
    tool_text_add(to, ">\n    <failure");
    add_attribute(to, "type", pirn_outcome_name(failure->outcome));
    add_attribute(to, "message", failure->message);
    tool_text_add(to, ">");
    utf8_add_xml(to, text);
    tool_text_add(to, "</failure>\n  </testcase>\n");
}

int junit_end(struct junit *junit, const struct control_message *figures, double seconds,
              int status) {
    struct tool_text head = {0};
    bool error = status != TOOL_OK && status != TOOL_FOUND;
    if (!junit->file) return TOOL_OK;
    if (error || !junit->failures) {
        add_case(junit, junit->failures + 1);
        tool_text_add(&junit->cases,
                      error ? ">\n    <error message=\"the exploration could not be carried "
                              "through; standard error says why\"/>\n  </testcase>\n"
                            : "/>\n");
    }
    add_attribute(&head, "name", "pirn explore");
    tool_text_addf(&head, " tests=\"%u\" failures=\"%u\" errors=\"%d\" time=\"%.3f\"",
                   junit->failures + (error || !junit->failures), junit->failures, error, seconds);
    fprintf(junit->file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite%s>\n"
            "  <properties>\n"
            "    <property name=\"runs\" value=\"%" PRIu64 "\"/>\n"
            "    <property name=\"distinct\" value=\"%" PRIu64 "\"/>\n"
            "    <property name=\"failing runs\" value=\"%" PRIu64 "\"/>\n"
            "  </properties>\n%s</testsuite>\n",
            head.data, figures->runs, figures->distinct, figures->failures, junit->cases.data);
    tool_text_free(&head);
    tool_text_free(&junit->cases);
    status = tool_flush(junit->file, junit->path);
    fclose(junit->file);
    junit->file = NULL;
    return status;
}
