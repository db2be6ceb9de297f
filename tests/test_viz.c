/*
 * test_viz.c - the reader of traces: what it understands, draws, writes, and makes of bad input.
 */
#include "tests/viz_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "viz/explain.h"
#include "viz/picture.h"
#include "viz/render.h"
#include "viz/spacetime.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/viz.h"
#include "viz/waits.h"

/* What is said about a run made of these events, without the steps that led there. */
static char *explain_small(const char *events) {
    struct tool_text out = {0};
    struct explain_options options = {0};
    struct trace_run *run;
    struct waits *waits;

    make_small(events, NULL);
    run = load("small.db");
    waits = waits_find(run);
    explain_text(&out, run, waits, &options);
    waits_free(waits);
    trace_run_free(run);
    printf("%s", out.data);
    return out.data;
}

#define ASSERT_TOLD(events, ...)                                               \
    do {                                                                       \
        const char *const told_[] = {__VA_ARGS__};                             \
        char *text_ = explain_small(events);                                   \
        for (size_t i_ = 0; i_ < sizeof told_ / sizeof *told_; i_++) {         \
            if (!strstr(text_, told_[i_])) printf("missing: %s\n", told_[i_]); \
            CU_ASSERT_PTR_NOT_NULL(strstr(text_, told_[i_]));                  \
        }                                                                      \
        free(text_);                                                           \
    } while (0)

/* ---- Golden files -------------------------------------------------------------------------- */

static void golden(const char *name, bool picture) {
    char trace[64], text[64], dot[64];

    begin();
    snprintf(trace, sizeof trace, "%s.db", name);
    snprintf(text, sizeof text, "%s.txt", name);
    snprintf(dot, sizeof dot, "%s.dot", name);
    make_trace(name, NULL);
    CU_ASSERT_EQUAL(call(view_main, trace, "-o", text, NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(last_error, "");
    compare(text, text);
    if (!picture) return;
    CU_ASSERT_EQUAL(call(view_main, trace, "-o", dot, NULL), TOOL_OK);
    compare(dot, dot);
}

static void golden_orders(void) { golden("orders", true); }

static void golden_abba(void) { golden("abba", true); }

static void golden_leak(void) { golden("leak", true); }

static void golden_panic(void) { golden("panic", true); }

/* The same picture: its title has no folders, and not who failed where. */
static void title_is_short(void) {
    begin();
    make_trace("panic", NULL);
    execute("panic.db", "UPDATE run SET message = 'assertion failed: n < 30 "
                        "(/home/me/shop/server.c:52), by task 2 (serve) in serve at server.c:52'");
    CU_ASSERT_EQUAL(call(view_main, "panic.db", "-o", "panic.dot", NULL), TOOL_OK);
    compare("panic.dot", "panic.dot");
}

static void golden_group(void) { golden("group", true); }

static void golden_race(void) { golden("race", true); }

/* Whether a label of the picture lies over the head of one of its arrows. */
static bool covers_head(const char *dot) {
    const char *edge, *node;
    for (edge = strstr(dot, "[pos=\"e,"); edge; edge = strstr(edge + 1, "[pos=\"e,")) {
        double head_x, head_y, x, y, width;
        if (sscanf(edge, "[pos=\"e,%lf,%lf", &head_x, &head_y) != 2) return true;
        for (node = strstr(dot, "\n  l"); node; node = strstr(node + 1, "\n  l")) {
            const char *size = strstr(node, "width=");
            if (sscanf(node, "\n  l%*d [pos=\"%lf,%lf", &x, &y) != 2 || !size) continue;
            width = strtod(size + 6, NULL) * 72;
            if (head_x > x - width / 2 - 6 && head_x < x + width / 2 + 6 && head_y > y - 6 &&
                head_y < y + 6)
                return true;
        }
    }
    return false;
}

/* Two events in one row, of which one has a long label and the other an arrow's head; and one to
 * which arrows come from both sides. */
static void heads_are_free(void) {
    static const char *const rows[] = {"step", "causal"};
    begin();
    make_small("(1,1,1,'start',NULL,0,1,0), (1,2,1,'lock',2,0,1,0), (1,3,1,'unlock',2,0,1,0),"
               "(1,4,2,'start',NULL,0,1,0), (1,5,2,'lock',2,0,1,0), (1,6,2,'unlock',2,0,1,0),"
               "(1,7,2,'trylock',3,-16,1,0), (1,8,3,'start',NULL,0,1,0), (1,9,3,'lock',2,0,1,0),"
               "(1,10,3,'unlock',2,0,1,0), (1,11,4,'start',NULL,0,1,0), (1,12,4,'send',1,0,1,0),"
               "(1,13,3,'recv',1,0,1,0)",
               "INSERT INTO edge VALUES(1,3,9,'lock'), (1,6,13,'cond'), (1,12,13,'message');");
    for (size_t i = 0; i < 2; i++) {
        char option[32], *dot;
        snprintf(option, sizeof option, "--rows=%s", rows[i]);
        CU_ASSERT_EQUAL(call(view_main, "--full", option, "-o", "heads.dot", "small.db", NULL), 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dot = read_path("heads.dot"));
        CU_ASSERT_FALSE(covers_head(dot));
        free(dot);
    }
}

/* Who goes round, and who has what that one wants, which has not moved for long. */
static void livelock_shows_both(void) {
    struct tool_text events = {0};
    char *dot;
    begin();
    tool_text_add(&events, "(1,1,1,'start',NULL,0,1,0), (1,2,2,'start',NULL,0,1,0),"
                           "(1,3,2,'lock',2,0,2,0), (1,4,2,'yield',NULL,0,1,0)");
    for (int step = 5; step < 400; step += 2)
        tool_text_addf(&events, ",(1,%d,1,'trylock',2,-16,3,0), (1,%d,1,'yield',NULL,0,1,0)", step,
                       step + 1);
    make_small(events.data,
               "DELETE FROM finding; UPDATE run SET outcome = 'livelock';"
               "UPDATE task SET state = 'runnable';"
               "INSERT INTO finding VALUES(1, 1, 'livelock', 400, NULL, NULL, 'no end')");
    CU_ASSERT_EQUAL(call(view_main, "-o", "livelock.dot", "small.db", NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dot = read_path("livelock.dot"));
    CU_ASSERT_PTR_NOT_NULL(strstr(dot, "label=\"anna\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(dot, "label=\"lock mu  p.c:20"));
    CU_ASSERT_PTR_NOT_NULL(strstr(dot, "label=\"trylock mu: busy  p.c:30"));
    CU_ASSERT_PTR_NOT_NULL(strstr(dot, "could run, holds mu"));
    free(dot);
    tool_text_free(&events);
}

static void golden_hostile(void) { golden("hostile", false); }

/* ---- Meaning ------------------------------------------------------------------------------- */

static void finds_the_cycle_only(void) {
    struct trace_run *run;
    struct waits *waits;

    begin();
    make_trace("orders", NULL);
    run = load("orders.db");
    waits = waits_find(run);
    CU_ASSERT_EQUAL(run->summary.id, 4117);
    CU_ASSERT_EQUAL(waits->culprits, 3);
    CU_ASSERT_EQUAL(waits->stuck, 4);
    CU_ASSERT_EQUAL(waits->tasks[0].role, WAITS_BEHIND);
    CU_ASSERT_EQUAL(waits->tasks[0].left, 2);
    CU_ASSERT_EQUAL(waits->tasks[0].arc_count, 2);
    CU_ASSERT_EQUAL(waits->tasks[1].role, WAITS_CYCLE);
    CU_ASSERT_EQUAL(waits->tasks[3].state, WAITS_EXITED);
    CU_ASSERT_EQUAL(waits->arcs[waits->tasks[1].first_arc].why, WAITS_RECEIVES);
    CU_ASSERT(waits->arcs[waits->tasks[1].first_arc].only);
    CU_ASSERT_EQUAL(waits->arcs[waits->tasks[2].first_arc].to, 4);
    CU_ASSERT_EQUAL(run->events[waits->arcs[waits->tasks[2].first_arc].since].step, 16);
    waits_free(waits);
    trace_run_free(run);
}

static void tells_why_locks_wait(void) {
    begin();
    ASSERT_TOLD("(1,1,1,'lock',2,0,1,0), (1,2,1,'lock',2,NULL,2,0)",
                "Deadlock: main waits for itself (D1).",
                "It has locked mu itself, in step 1 at p.c:10.");
    ASSERT_TOLD("(1,1,2,'lock',2,0,1,0), (1,2,2,'exit',NULL,0,1,0), (1,3,1,'lock',2,NULL,2,0)",
                "main is stuck (D1)",
                "anna locked mu in step 1 at p.c:10 and has exited without unlocking it.");
    ASSERT_TOLD("(1,1,2,'rlock',3,0,1,0), (1,2,1,'lock',3,NULL,2,0), (1,3,2,'rlock',3,NULL,2,0)",
                "2 tasks wait for each other (D1)", "anna holds rw for reading, locked in step 1",
                "main waits to lock rw for writing, which keeps new readers out, since step 2");
    /* A mutex that a task unlocked while it waited on a condition variable belongs to who took it
     * next. */
    ASSERT_TOLD("(1,1,2,'lock',2,0,1,0), (1,2,2,'wait',7,NULL,1,0), (1,3,1,'lock',2,0,2,0), "
                "(1,4,1,'signal',7,1,2,0),"
                "(1,5,2,'wait',7,0,1,0), (1,6,2,'lock',2,NULL,1,0), (1,7,1,'lock',2,NULL,3,0)",
                "main waits for itself (D1)",
                "Stuck behind them:", "main holds mu, locked in step 3");
    ASSERT_TOLD("(1,1,1,'once',5,1,1,0), (1,2,1,'once',5,NULL,2,0)",
                "main waits for the function of once to return",
                "main runs that function itself, since step 1");
    ASSERT_TOLD("(1,1,2,'acquire',6,0,1,0), (1,2,2,'acquire',6,0,1,0), (1,3,2,'release',6,0,1,0),"
                "(1,4,1,'acquire',6,NULL,2,0), (1,5,2,'acquire',6,NULL,2,0)",
                "anna has acquired permits that it has not released");
}

static void tells_why_channels_wait(void) {
    begin();
    ASSERT_TOLD("(1,1,1,'send',1,NULL,1,0)", "main is stuck (D1)",
                "No other task has received from it in this run.");
    ASSERT_TOLD("(1,1,1,'send',NULL,NULL,1,0)", "to send on a NULL channel",
                "Nothing can come through a NULL channel.");
    ASSERT_TOLD("(1,1,1,'select',NULL,NULL,1,0)", "in a select of no case",
                "A select without cases blocks for ever.");
    ASSERT_TOLD("(1,1,2,'recv',1,0,1,0), (1,2,2,'exit',NULL,0,1,0), (1,3,1,'send',1,NULL,1,0)",
                "anna, which has received from it, has exited.");
    ASSERT_TOLD("(1,1,2,'recv',1,0,1,0), (1,2,3,'recv',1,0,1,0), (1,3,3,'lock',2,0,1,0), "
                "(1,4,2,'lock',2,NULL,1,0),"
                "(1,5,1,'send',1,NULL,1,0), (1,6,3,'wait',7,NULL,1,0)",
                "anna and bert have received from ch.",
                "No other task has signalled it in this run.");
    ASSERT_TOLD("(1,1,0,'fire',1,0,NULL,0), (1,2,1,'recv',1,0,1,0), (1,3,1,'recv',1,NULL,1,0)",
                "Only a timer has sent on it.");
    ASSERT_TOLD("(1,1,1,'recv',1,0,1,0), (1,2,1,'send',1,NULL,1,0)",
                "No other task has received from ch in this run.");
}

static void tells_why_wait_groups_wait(void) {
    begin();
    ASSERT_TOLD(
        "(1,1,1,'add',4,3,1,0), (1,2,1,'wait',4,NULL,2,0), (1,3,2,'lock',2,0,1,0), "
        "(1,4,2,'lock',2,NULL,2,0)",
        "Stuck as well:", "3 are left; the trace does not tell which tasks have yet to call done.");
    ASSERT_TOLD("(1,1,1,'add',4,1,1,0), (1,2,1,'go',NULL,2,1,0), (1,3,1,'add',4,2,1,0), "
                "(1,4,1,'go',NULL,3,1,0),"
                "(1,5,3,'done',4,1,1,0), (1,6,3,'exit',NULL,0,1,0), (1,7,2,'recv',NULL,NULL,2,0), "
                "(1,8,1,'wait',4,NULL,2,0)",
                "anna is stuck (D1)", "Stuck behind them:", "1 is left: anna has not called done.");
}

/* Whether the output has each of the words, up to a NULL. */
static bool told(const char *const *words) {
    for (; *words; words++) {
        if (strstr(last_output, *words)) continue;
        printf("standard output has no \"%s\"\n", *words);
        return false;
    }
    return true;
}

static void tells_why_groups_and_contexts_wait(void) {
    static const char *const reasons[] = {
        "main waits for permits of uploads, since step 21",
        "fetch has acquired permits that it has not released, in step 9", /* main did it for them */
        "store has acquired permits that it has not released, in step 12",
        "fetch waits for uploads to be cancelled, since step 18",
        "No other task has cancelled it in this run.",
        "store waits in a select of 2 cases (recv uploads, recv context 7), since step 20",
        NULL};
    static const char *const steps[] = {
        "fire context 1",         "recv request: closed", "cancel request (had been)",
        "err request: timed out", "cancel context 6 ",    "err context 6: cancelled",
        "err uploads ",           "add uploads (2 left)", NULL};

    begin();
    make_trace("group", NULL);
    CU_ASSERT_EQUAL(call(explain_main, "group.db", NULL), TOOL_OK);
    CU_ASSERT(told(reasons));
    CU_ASSERT_EQUAL(call(view_main, "--full", "--width=80", "group.db", NULL), TOOL_OK);
    CU_ASSERT(told(steps));
}

static void tells_only_whom_it_can(void) {
    char *text;

    begin();
    text = explain_small(
        "(1,1,2,'lock',2,0,1,0), (1,2,3,'lock',3,0,1,0), (1,3,2,'lock',3,NULL,1,0),"
        "(1,4,3,'lock',2,NULL,1,0), (1,5,4,'lock',2,NULL,1,0), (1,6,1,'recv',1,NULL,1,0)");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "2 tasks wait for each other (D1)"));
    CU_ASSERT(strstr(text, "anna waits") < strstr(text, "Stuck behind them:"));
    CU_ASSERT(strstr(text, "bert waits") < strstr(text, "Stuck behind them:"));
    CU_ASSERT(strstr(text, "carl waits") > strstr(text, "Stuck behind them:"));
    CU_ASSERT(strstr(text, "main waits") > strstr(text, "Stuck as well:"));
    free(text);
}

/* ---- Forms --------------------------------------------------------------------------------- */

static bool is_ascii(const char *text) {
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p >= 0x80 || ((unsigned char)*p < 0x20 && *p != '\n')) return false;
    return true;
}

/* Characters in the longest line before `until`. */
static size_t widest_line(const char *text, const char *until) {
    const char *end = strstr(text, until);
    size_t columns = 0, widest = 0;

    for (; *text && text != end; text++) {
        columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xc0) != 0x80);
        if (columns > widest) widest = columns;
    }
    return widest;
}

static void text_fits_its_page(void) {
    begin();
    make_trace("orders", NULL);
    CU_ASSERT_EQUAL(call(view_main, "--ascii", "orders.db", NULL), TOOL_OK);
    CU_ASSERT(is_ascii(last_output));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "!"));
    CU_ASSERT_EQUAL(call(view_main, "--width=80", "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NULL(strstr(last_output, "running"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "worker    *lock? mu_state D1"));
    CU_ASSERT_EQUAL(call(view_main, "--width=100", "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "running"));
    CU_ASSERT(widest_line(last_output, "\nDeadlock") <= 100);
    setenv("LC_ALL", "C", 1);
    CU_ASSERT_EQUAL(call(view_main, "orders.db", NULL), TOOL_OK);
    CU_ASSERT(is_ascii(last_output));
}

static void color_only_when_wanted(void) {
    begin();
    make_trace("orders", NULL);
    CU_ASSERT_EQUAL(call(view_main, "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NULL(strchr(last_output, '\033'));
    CU_ASSERT_EQUAL(call(view_main, "--color=always", "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strchr(last_output, '\033'));
    CU_ASSERT_EQUAL(call(explain_main, "--color=never", "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NULL(strchr(last_output, '\033'));
}

static void steps_can_be_chosen(void) {
    begin();
    make_trace("panic", NULL);
    CU_ASSERT_EQUAL(call(view_main, "--steps=10..14", "panic.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "fire tick"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "9 steps left out"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "150 steps left out"));
    CU_ASSERT_EQUAL(call(view_main, "--full", "panic.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NULL(strstr(last_output, "left out"));
    CU_ASSERT_PTR_NULL(strstr(last_output, "local events"));
    CU_ASSERT_EQUAL(call(view_main, "--steps=900..", "panic.db", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("no such steps; its last is 164"));
    CU_ASSERT_EQUAL(call(view_main, "--steps=9..8", "panic.db", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(view_main, "--steps=x", "panic.db", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(view_main, "--steps=..99999999999999999999", "panic.db", NULL),
                    TOOL_USAGE);
}

static void same_bytes_each_time(void) {
    char *first;

    begin();
    make_trace("orders", NULL);
    CU_ASSERT_EQUAL(call(view_main, "--format=dot", "orders.db", NULL), TOOL_OK);
    first = tool_copy(last_output);
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    CU_ASSERT_EQUAL(call(view_main, "--format=dot", "orders.db", NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(first, last_output);
    free(first);
}

static void tells_certainty(void) {
    begin();
    make_trace("abba", NULL);
    execute("abba.db", "INSERT INTO certainty VALUES(1, 6, 100, 63)");
    CU_ASSERT_EQUAL(call(explain_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "It became certain with step 6 ("));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(last_output,
               "Of 100 random continuations from there all end so, from one step earlier 63."));
    execute("abba.db", "UPDATE certainty SET step = 0, before = 0");
    CU_ASSERT_EQUAL(call(explain_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(last_output, "It was certain from the beginning: 100 of 100 random runs end so."));
    execute("abba.db", "UPDATE certainty SET before = 101");
    CU_ASSERT_EQUAL(call(explain_main, "abba.db", NULL), TOOL_FAILED);
}

static void lists_orders(void) {
    begin();
    make_trace("abba", NULL);
    CU_ASSERT_EQUAL(call(coverage_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "no two tasks have used one object"));
    execute("abba.db",
            "INSERT INTO site VALUES(901, 'm', 1, 'one', '/src/a.c', 1), (902, 'm', 2, 'two', "
            "'/src/a.c', 2), (903, 'm', 3, 'two', '/src/a.c', 2);"
            "INSERT INTO call_order VALUES(1, 'lock', 901, 'lock', 902, 5, 1), (1, 'lock', 903, "
            "'lock', 901, 2, NULL), (1, 'send', 901, 'recv', 902, 3, 1), (1, 'send', 901, 'recv', "
            "903, 4, 1), (1, 'lock', 901, 'lock', 901, 9, 1)");
    CU_ASSERT_EQUAL(call(coverage_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(last_output,
                           "send in one at a.c:1 before recv in two at a.c:2: in 7 runs, first in "
                           "#1\n\n1 of 2 pairs of calls on one object came in one order only\n");
    CU_ASSERT_EQUAL(call(coverage_main, "--json", "abba.db", NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(
        last_output, "{\"format\":1,\"runs\":7,\"run\":1,\"before\":{\"op\":\"send\",\"function\":"
                     "\"one\",\"place\":\"/src/a.c:1\"},\"after\":{\"op\":\"recv\",\"function\":"
                     "\"two\",\"place\":\"/src/a.c:2\"}}\n");
    CU_ASSERT_EQUAL(call(coverage_main, NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(coverage_main, "nowhere.db", NULL), TOOL_USAGE);
}

static void lists_runs(void) {
    begin();
    make_trace("orders", NULL);
    CU_ASSERT_EQUAL(call(list_main, "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "4117  deadlock  random    0x5eee     37"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "2 runs: 1 ok, 1 deadlock"));
    CU_ASSERT_EQUAL(call(list_main, "--json", "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(last_output, "{\"format\":1,\"run\":4117,\"outcome\":\"deadlock\""));
    CU_ASSERT_EQUAL(call(list_main, "orders.db#4117", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(explain_main, "orders.db#4117", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "The way there:"));
    CU_ASSERT_EQUAL(call(explain_main, "orders.db#1", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Ok: nothing was found."));
    CU_ASSERT_EQUAL(call(view_main, "orders.db#1", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("were not recorded"));
}

static void tells_its_usage(void) {
    int (*const mains[])(int, char **) = {list_main, view_main, explain_main, coverage_main};

    begin();
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(call(mains[i], "--help", NULL), TOOL_OK);
        CU_ASSERT_EQUAL(strncmp(last_output, "usage: pirn ", 12), 0);
        CU_ASSERT_STRING_EQUAL(last_error, "");
        CU_ASSERT_EQUAL(call(mains[i], "--wrong", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("option '--wrong'"));
        CU_ASSERT_EQUAL(call(mains[i], "-x", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("unknown option '-x'"));
        CU_ASSERT_EQUAL(call(mains[i], "--help=me", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("takes no argument"));
        CU_ASSERT_EQUAL(call(mains[i], NULL), TOOL_USAGE);
        CU_ASSERT_EQUAL(call(mains[i], "a", "b", NULL), TOOL_USAGE);
        CU_ASSERT_EQUAL(call(mains[i], "--color=blue", "a", NULL), TOOL_USAGE);
    }
    CU_ASSERT_EQUAL(call(view_main, "a", "-o", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("needs an argument"));
    CU_ASSERT_EQUAL(call(view_main, "a", "-o", "b.gif", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("use .html, .svg, .png, .pdf, .dot or .txt"));
    CU_ASSERT_EQUAL(call(view_main, "a", "--format=gif", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(view_main, "a", "--width=3", NULL), TOOL_USAGE);
}

/* ---- Graphviz ------------------------------------------------------------------------------ */

static bool have_dot(void) {
    if (harness_command("dot -V", 20, NULL, NULL) == 0) return true;
    puts("dot is not installed");
    return false;
}

static void dot_accepts_every_picture(void) {
    static const char *const names[] = {"orders", "abba", "leak", "panic", "race", "hostile"};

    begin();
    if (!have_dot()) return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char trace[64], command[64], *output, *error;

        make_trace(names[i], NULL);
        snprintf(trace, sizeof trace, "%s.db", names[i]);
        CU_ASSERT_EQUAL(call(view_main, trace, "--full", "-o", "picture.dot", NULL), TOOL_OK);
        snprintf(command, sizeof command, "dot -Tsvg picture.dot");
        CU_ASSERT_EQUAL(harness_command(command, 20, &output, &error), 0);
        CU_ASSERT_STRING_EQUAL(error, "");
        CU_ASSERT_PTR_NOT_NULL(strstr(output, "</svg>"));
        CU_ASSERT_PTR_NOT_NULL(strstr(output, "id=\"ev1\""));
        CU_ASSERT_PTR_NULL(strstr(output, "<script"));
        free(output);
        free(error);
    }
}

static void pictures_are_written(void) {
    char *bytes;

    begin();
    if (!have_dot()) return;
    make_trace("abba", NULL);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "a.svg", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "a.png", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "a.pdf", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "--format=svg", "-o", "a", NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(last_error, "");
    bytes = read_path("a.svg");
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes, "</svg>"));
    free(bytes);
    bytes = read_path("a.png");
    CU_ASSERT_EQUAL(memcmp(bytes, "\x89PNG", 4), 0);
    free(bytes);
    bytes = read_path("a.pdf");
    CU_ASSERT_EQUAL(memcmp(bytes, "%PDF", 4), 0);
    free(bytes);
}

/* Puts a program called dot first in PATH. */
static void fake_dot(const char *script) {
    char path[128];

    if (mkdir("bin", 0755) != 0) CU_ASSERT(exists("bin"));
    write_path("bin/dot", script, strlen(script));
    CU_ASSERT_EQUAL(chmod("bin/dot", 0755), 0);
    snprintf(path, sizeof path, "%s/bin:/usr/bin:/bin", scratch_dir);
    setenv("PATH", path, 1);
}

static void dot_may_be_missing_or_fail(void) {
    char path[4096];

    begin();
    make_trace("abba", NULL);
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    setenv("PATH", "/nowhere", 1);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "a.svg", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("Debian package graphviz"));
    setenv("PATH", path, 1);
    fake_dot("#!/bin/sh\necho 'a strange mistake' >&2\necho half a picture\nexit 7\n");
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "a.svg", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("dot failed with status 7: a strange mistake"));
    fake_dot("#!/bin/sh\nkill -SEGV $$\n");
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "a.svg", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("dot was ended by signal 11"));
    fake_dot("#!/bin/sh\nexit 0\n");
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "a.svg", NULL), TOOL_FAILED);
    CU_ASSERT(!exists("a.svg"));
}

static void dot_may_hang(void) {
    struct tool_text dot = {0}, picture = {0};
    time_t before = time(NULL);

    begin();
    tool_text_add(&dot, "digraph {}");
    fake_dot("#!/bin/sh\nsleep 600\n");
    CU_ASSERT_EQUAL(render_dot("svg", &dot, 1, &picture), TOOL_FAILED);
    fake_dot("#!/bin/sh\nexec >&-\nsleep 600\n");
    CU_ASSERT_EQUAL(render_dot("svg", &dot, 1, &picture), TOOL_FAILED);
    fake_dot("#!/bin/sh\nexec yes\n");
    CU_ASSERT_EQUAL(render_dot("svg", &dot, 1, &picture), TOOL_FAILED);
    CU_ASSERT(time(NULL) - before < 15);
    tool_text_free(&dot);
    tool_text_free(&picture);
}

static void output_is_whole_or_not_there(void) {
    struct tool_text old = {0}, new = {0};
    struct rlimit limit;
    struct stat status;
    char *text, *output;

    begin();
    make_trace("abba", NULL);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "no/such/folder.dot", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("cannot write no/such/folder.dot"));
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", ".", "--format=dot", NULL), TOOL_FAILED);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", "-o", "/dev/full", "--format=dot", NULL),
                    TOOL_FAILED);
    CU_ASSERT(said_once("No space left on device"));
    CU_ASSERT(stat("/dev/full", &status) == 0 && S_ISCHR(status.st_mode));

    tool_text_add(&old, "as it was");
    for (int i = 0; i < 1000; i++) tool_text_add(&new, "a longer text that does not fit\n");
    CU_ASSERT_EQUAL(render_save("file", &old), TOOL_OK);
    CU_ASSERT_EQUAL(chmod("file", 0640), 0);
    CU_ASSERT_EQUAL(symlink("file", "link"), 0);
    /* No room for all of it: the file stays as it was, and nothing is beside it. */
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 5000;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CU_ASSERT_EQUAL(render_save("file", &new), TOOL_FAILED);
    limit.rlim_cur = limit.rlim_max;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    text = read_path("file");
    CU_ASSERT_STRING_EQUAL(text, "as it was");
    free(text);

    CU_ASSERT_EQUAL(render_save("link", &new), TOOL_OK);
    text = read_path("file");
    CU_ASSERT_STRING_EQUAL(text, new.data);
    CU_ASSERT(lstat("link", &status) == 0 && S_ISLNK(status.st_mode));
    CU_ASSERT(stat("file", &status) == 0 && (status.st_mode & 0777) == 0640);
    free(text);
    CU_ASSERT_EQUAL(harness_command("ls", 5, &output, NULL), 0);
    CU_ASSERT_STRING_EQUAL(output, "abba.db\nfile\nlink\noutput\n");
    free(output);
    tool_text_free(&old);
    tool_text_free(&new);
}

/* ---- Bad input ----------------------------------------------------------------------------- */

static void files_that_are_no_traces(void) {
    int (*const mains[])(int, char **) = {list_main, view_main, explain_main};

    begin();
    write_path("empty.db", "", 0);
    write_path("text.db", "all work and no play makes jack a dull boy", 42);
    execute("foreign.db", "CREATE TABLE run(id)");
    make_trace("later", "PRAGMA user_version = 2");
    make_trace("bare", "DROP TABLE edge; DROP VIEW steps");
    make_trace("norun", "");
    make_trace("abba", NULL);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(call(mains[i], "missing.db", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("missing.db: no such file"));
        CU_ASSERT_EQUAL(call(mains[i], "empty.db", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("not a Pirn trace"));
        CU_ASSERT_EQUAL(call(mains[i], "text.db", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("not a Pirn trace"));
        CU_ASSERT_EQUAL(call(mains[i], ".", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("not a file"));
        CU_ASSERT_EQUAL(call(mains[i], "foreign.db", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("a database of another program"));
        CU_ASSERT_EQUAL(call(mains[i], "later.db", NULL), TOOL_USAGE);
        CU_ASSERT(said_once("format 2"));
        CU_ASSERT_EQUAL(call(mains[i], "bare.db", NULL), TOOL_FAILED);
        CU_ASSERT(said_once("1 of its 13 tables"));
    }
    CU_ASSERT_EQUAL(call(view_main, "norun.db", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("holds no run yet"));
    CU_ASSERT_EQUAL(call(list_main, "norun.db", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(call(view_main, "abba.db#2", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("has no run 2"));
    CU_ASSERT_EQUAL(call(view_main, "abba.db#one", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("'one' is not the number of a run"));
    CU_ASSERT_EQUAL(call(view_main, "abba.db#99999999999999999999", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(rename("abba.db", "file:a#1?mode=x"), 0);
    CU_ASSERT_EQUAL(call(view_main, "file:a#1?mode=x", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(call(view_main, "file:a#1?mode=x#1", NULL), TOOL_OK);
}

static void rows_that_do_not_fit(void) {
    static const struct {
        const char *sql, *message;
    } rows[] = {
        {"UPDATE event SET task = 9 WHERE step = 5", "table event, row 5: task 9 does not exist"},
        {"UPDATE event SET task = -1 WHERE step = 5", "task -1 does not exist"},
        {"UPDATE event SET object = 99 WHERE step = 5", "object 99 does not exist"},
        {"UPDATE event SET site = 9223372036854775807 WHERE step = 5",
         "site 9223372036854775807 does not exist"},
        {"UPDATE event SET step = 0 WHERE step = 1", "number 0 is out of order"},
        {"UPDATE task SET id = -3 WHERE id = 2", "number -3 is out of order"},
        {"UPDATE run SET outcome = '', message = ''", "outcome is empty"},
        {"UPDATE task SET parent = 3 WHERE id = 2", "parent 3 does not exist"},
        {"UPDATE task SET site = 77", "site 77 does not exist"},
        {"DELETE FROM site WHERE id = 4", "site 4 does not exist"},
        {"UPDATE object SET site = 77", "table object, row 1: site 77 does not exist"},
        {"INSERT INTO edge VALUES(1, 5, 4, 'message')", "step 5 cannot happen before step 4"},
        {"INSERT INTO edge VALUES(1, 5, 5, 'message')", "step 5 cannot happen before step 5"},
        {"INSERT INTO edge VALUES(1, 1, 999, 'message')", "step 999 does not exist"},
        {"INSERT INTO select_case VALUES(1, 999, 0, 'send', 1)", "step 999 does not exist"},
        {"INSERT INTO finding VALUES(1, 9, 'panic', 999, NULL, NULL, '')",
         "step 999 does not exist"},
        {"DROP TABLE event; CREATE TABLE event(run, step, task, op, object, result, site, time);"
         "INSERT INTO event VALUES(1, 'one', 1, 'start', NULL, 0, 1, 0)",
         "step is not a whole number"},
        {"DROP TABLE event; CREATE TABLE event(run, step, task, op, object, result, site, time);"
         "INSERT INTO event VALUES(1, 1, 1, x'00', NULL, 0, 1, 0)",
         "op is not text"},
        {"DROP TABLE event; CREATE TABLE event(run, step)", "no such column"},
    };

    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_trace("abba", NULL);
        execute("abba.db", rows[i].sql);
        CU_ASSERT_EQUAL(call(view_main, "abba.db", NULL), TOOL_FAILED);
        CU_ASSERT(said_once(rows[i].message));
        CU_ASSERT_STRING_EQUAL(last_output, "");
        CU_ASSERT_EQUAL(unlink("abba.db"), 0);
    }
}

static void damaged_files(void) {
    struct stat status;

    begin();
    make_trace("panic", NULL);
    CU_ASSERT_EQUAL(stat("panic.db", &status), 0);
    CU_ASSERT_EQUAL(truncate("panic.db", status.st_size / 3), 0);
    CU_ASSERT_EQUAL(call(view_main, "panic.db", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("the file is damaged or cut short"));
    CU_ASSERT_EQUAL(truncate("panic.db", 50), 0);
    CU_ASSERT_EQUAL(call(view_main, "panic.db", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("the file is cut short"));
}

/* Bytes changed at random, the same ones each time: any answer but a crash, a hang or a status of
 * its own. */
static void random_damage(void) {
    uint32_t state = 12345;
    char *whole;
    struct stat status;

    begin();
    make_trace("orders", NULL);
    CU_ASSERT_EQUAL_FATAL(stat("orders.db", &status), 0);
    whole = read_path("orders.db");
    for (int round = 0; round < 150; round++) {
        size_t size = (size_t)status.st_size;
        char *bytes = memcpy(tool_alloc(size, 1), whole, size);
        int result;

        for (int i = 0; i < 1 + round % 40; i++) {
            state = state * 1664525 + 1013904223;
            bytes[100 + (state >> 8) % (size - 100)] = (char)(state >> 3);
        }
        write_path("damaged.db", bytes, size);
        free(bytes);
        result = call(view_main, round % 2 ? "--format=dot" : "--format=txt", "damaged.db", NULL);
        if (result != TOOL_OK && result != TOOL_USAGE && result != TOOL_FAILED)
            printf("round %d: status %d\n%s", round, result, last_error);
        CU_ASSERT(result == TOOL_OK || result == TOOL_USAGE || result == TOOL_FAILED);
        CU_ASSERT(result == TOOL_OK || strncmp(last_error, "pirn: ", 6) == 0);
    }
    free(whole);
}

/* A writer that is killed in the middle of a transaction leaves a journal; its half-written run is
 * not there. */
static void killed_writer(void) {
    pid_t child;

    begin();
    make_trace("abba", NULL);
    child = fork();
    if (child == 0) {
        sqlite3 *db;

        if (sqlite3_open("abba.db", &db) != SQLITE_OK) _exit(1);
        sqlite3_exec(
            db,
            "PRAGMA cache_size = 2; BEGIN; DELETE FROM task; UPDATE run SET outcome = 'ok';"
            "WITH RECURSIVE n(i) AS (VALUES(100) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            "INSERT INTO event SELECT 1, i, 1, 'yield', NULL, 0, 1, 0 FROM n",
            NULL, NULL, NULL);
        kill(getpid(), SIGKILL);
    }
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT(exists("abba.db-journal"));
    CU_ASSERT_EQUAL(call(view_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Deadlock: 2 tasks wait for each other"));
    CU_ASSERT(!exists("abba.db-journal"));
}

static void read_only_file(void) {
    begin();
    make_trace("abba", NULL);
    write_path("output", "", 0);
    CU_ASSERT_EQUAL(chmod("abba.db", 0444), 0);
    CU_ASSERT_EQUAL(chmod(".", 0555), 0);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(chmod(".", 0755), 0);
}

/* ---- Scale --------------------------------------------------------------------------------- */

/* 20 tasks that send to each other round and round, 20,000 events; the last two end in a deadlock
 * of locks. */
static const char many_events[] =
    "INSERT INTO program VALUES(1, './many', '', '[\"./many\"]', '', '');"
    "INSERT INTO site VALUES(1, 'many', 1, 'f', 'many.c', 10);"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
    "INSERT INTO task SELECT 1, i, iif(i = 1, NULL, 1), 'task ' || i, 1, i, i, 'blocked', 0 FROM n;"
    "INSERT INTO object SELECT 1, id, 'channel', 'ring ' || id, 1, 8, 1 FROM task;"
    "INSERT INTO object VALUES(1, 21, 'mutex', 'left', NULL, NULL, 1), (1, 22, 'mutex', 'right', "
    "NULL, NULL, 1);"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 19978)"
    "INSERT INTO event SELECT 1, i, (i + i % 2) / 2 % 20 + 1, iif(i % 2, 'recv', 'send'), (i + 1 - "
    "i % 2) / 2 % 20 + 1, 0, 1, i FROM n;"
    "INSERT INTO edge SELECT 1, step, step + 1, 'message' FROM event WHERE op = 'send' AND step < "
    "19978;"
    "INSERT INTO event VALUES(1, 19979, 19, 'lock', 21, 0, 1, 0), (1, 19980, 20, 'lock', 22, 0, 1, "
    "0),"
    " (1, 19981, 19, 'lock', 22, NULL, 1, 0), (1, 19982, 20, 'lock', 21, NULL, 1, 0);"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 18)"
    "INSERT INTO event SELECT 1, 19982 + i, i, 'recv', (i + 18) % 20 + 1, NULL, 1, 0 FROM n;"
    "INSERT INTO run VALUES(1, 1, 'random', 1, 'pirn1:', 'deadlock', '', 20000, 20, 1, 1, 1, 1, 1, "
    "NULL);"
    "INSERT INTO finding SELECT 1, task, 'deadlock', max(step), NULL, object, '' FROM event GROUP "
    "BY task;";

static size_t count_lines(const char *text, const char *until) {
    const char *end = strstr(text, until);
    size_t lines = 0;

    for (const char *p = text; *p && p != end; p++) lines += *p == '\n';
    return lines;
}

/* Not by strstr, which takes the length of the whole each time under AddressSanitizer. */
static size_t count_words(const char *text, const char *word) {
    size_t count = 0, length = strlen(word);

    for (const char *p = text; *p; p++) count += *p == *word && strncmp(p, word, length) == 0;
    return count;
}

static void many_events_are_sliced(void) {
    begin();
    make_trace("many", many_events);
    CU_ASSERT_EQUAL(call(view_main, "many.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Deadlock: 2 tasks wait for each other (D1)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "left out"));
    CU_ASSERT(count_lines(last_output, "\nDeadlock") < 60);
    CU_ASSERT_EQUAL(call(view_main, "many.db", "--format=dot", NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(last_error, "");
    CU_ASSERT(count_words(last_output, "id=\"ev") <= 60);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, " others\""));
    CU_ASSERT_EQUAL(call(view_main, "many.db", "--full", "--format=dot", NULL), TOOL_OK);
    CU_ASSERT(said_once("the picture has 20000 steps"));
    CU_ASSERT_EQUAL(count_words(last_output, "id=\"ev"), 20000);
}

/* A thousand tasks leaked at one place, and one mutex that a thousand wait for. */
static void many_tasks_are_told_in_short(void) {
    static const char sql[] =
        "INSERT INTO program VALUES(1, './many', '', '[\"./many\"]', '', '');"
        "INSERT INTO site VALUES(1, 'many', 1, 'f', 'many.c', 10);"
        "INSERT INTO object VALUES(1, 1, 'channel', 'sink', 0, 8, 1), (1, 2, 'mutex', 'mu', NULL, "
        "NULL, 1);"
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 2001)"
        "INSERT INTO task SELECT 1, i, iif(i = 1, NULL, 1), 'task ' || i, 1, i, i, 'blocked', 0 "
        "FROM n;"
        "INSERT INTO event VALUES(1, 1, 2, 'lock', 2, 0, 1, 0);"
        "INSERT INTO event SELECT 1, 1 + id, id, iif(id < 1002, 'send', 'lock'), iif(id < 1002, 1, "
        "2), NULL, 1, 0 FROM task;"
        "INSERT INTO run VALUES(1, 1, 'random', 1, 'pirn1:', 'leak', '', 2002, 2001, 1, 1, 1, 1, "
        "1, NULL);"
        "INSERT INTO finding SELECT 1, task, 'leak', max(step), NULL, object, '' FROM event GROUP "
        "BY task;";

    begin();
    make_trace("crowd", sql);
    CU_ASSERT_EQUAL(call(view_main, "crowd.db", NULL), TOOL_OK);
    CU_ASSERT(count_lines(last_output, "\nno such line") < 200);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(last_output, "Leak: 2001 tasks are blocked for ever (L1, L2, L3, L4, ...)."));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "and 988 other tasks."));
    CU_ASSERT_EQUAL(call(view_main, "crowd.db", "--format=dot", NULL), TOOL_OK);
    CU_ASSERT(count_words(last_output, "id=\"ev") <= 80);
}

/* ---- Tools --------------------------------------------------------------------------------- */

static void quoting_survives_the_shell(void) {
    static const char *const words[] = {"plain",
                                        "",
                                        "two words",
                                        "it's",
                                        "$HOME `id` \"q\" \\",
                                        "a\nb\n\n",
                                        "\033[31m\001",
                                        "\xff\xfe",
                                        "A=b",
                                        "~",
                                        "*",
                                        "#1",
                                        "!x",
                                        "日本",
                                        "-n",
                                        "a\\0101b\n"};

    begin();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct tool_text command = {0};
        char *output, *expected = tool_copy(words[i]);

        tool_text_add(&command, "printf '<%s>' ");
        tool_shell_quote(&command, words[i]);
        CU_ASSERT_EQUAL(harness_command(command.data, 5, &output, NULL), 0);
        CU_ASSERT_EQUAL(strlen(output), strlen(expected) + 2);
        CU_ASSERT_EQUAL(strncmp(output + 1, expected, strlen(expected)), 0);
        free(output);
        free(expected);
        tool_text_free(&command);
    }
}

static void json_is_escaped(void) {
    struct tool_text text = {0};

    begin();
    tool_json_string(&text, "a\"b\\c\n\x7f\xff日");
    CU_ASSERT_STRING_EQUAL(text.data, "\"a\\\"b\\\\c\\u000a\\u007f\\ufffd日\"");
    tool_text_free(&text);
}

static void color_is_decided(void) {
    enum tool_color_mode mode = TOOL_COLOR_AUTO;

    begin();
    CU_ASSERT(!tool_color_parse("sometimes", &mode));
    CU_ASSERT(tool_color_parse("always", &mode) && mode == TOOL_COLOR_ALWAYS);
    CU_ASSERT(tool_color(stdout, TOOL_COLOR_ALWAYS));
    CU_ASSERT(!tool_color(stdout, TOOL_COLOR_NEVER));
    CU_ASSERT(!tool_color(stdout, TOOL_COLOR_AUTO));
}

static void full_disk_is_told(void) {
    FILE *full;

    begin();
    make_trace("abba", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(full = fopen("/dev/full", "w"));
    {
        struct trace_run *run = load("abba.db");

        CU_ASSERT_EQUAL(explain_run(full, run, NULL), TOOL_FAILED);
        trace_run_free(run);
    }
    fclose(full);
}

static const struct test tests[] = {
    TEST(golden_orders),
    TEST(golden_abba),
    TEST(golden_leak),
    TEST(golden_panic),
    TEST(title_is_short),
    TEST(golden_group),
    TEST(golden_race),
    TEST(heads_are_free),
    TEST(livelock_shows_both),
    TEST(golden_hostile),
    TEST(finds_the_cycle_only),
    TEST(tells_why_locks_wait),
    TEST(tells_why_channels_wait),
    TEST(tells_why_wait_groups_wait),
    TEST(tells_why_groups_and_contexts_wait),
    TEST(tells_only_whom_it_can),
    TEST(text_fits_its_page),
    TEST(color_only_when_wanted),
    TEST(steps_can_be_chosen),
    TEST(same_bytes_each_time),
    TEST(tells_certainty),
    TEST(lists_orders),
    TEST(lists_runs),
    TEST(tells_its_usage),
    TEST(dot_accepts_every_picture),
    TEST(pictures_are_written),
    TEST(dot_may_be_missing_or_fail),
    TEST(dot_may_hang),
    TEST(output_is_whole_or_not_there),
    TEST(files_that_are_no_traces),
    TEST(rows_that_do_not_fit),
    TEST(damaged_files),
    TEST_SECONDS(random_damage, 60),
    TEST(killed_writer),
    TEST(read_only_file),
    TEST(many_events_are_sliced),
    TEST(many_tasks_are_told_in_short),
    TEST(quoting_survives_the_shell),
    TEST(json_is_escaped),
    TEST(color_is_decided),
    TEST(full_disk_is_told),
};

HARNESS(tests)
