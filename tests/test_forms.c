/* test_forms.c - the forms that a run is written in for other programs: well-formed whatever the
 * trace holds, and the same bytes each time. */
#include "tests/viz_support.h"
#include "tests/well_formed.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "viz/viz.h"

/* ---- Golden files -------------------------------------------------------------------------- */

static void golden_view(const char *name, const char *file, const char *option, const char *other) {
    char trace[64];

    snprintf(trace, sizeof trace, "%s.db", name);
    CU_ASSERT_EQUAL(call(view_main, trace, "-o", file, option, other, NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(last_error, "");
    compare(file, file);
}

static void golden_views(void) {
    begin();
    make_trace("orders", NULL);
    make_trace("panic", NULL);
    golden_view("orders", "orders.json", NULL, NULL);
    golden_view("orders", "orders.trace", NULL, NULL);
    golden_view("orders", "orders.shiviz", NULL, NULL);
    golden_view("orders", "orders.mmd", NULL, NULL);
    golden_view("orders", "orders-causal.dot", "--rows=causal", NULL);
    golden_view("orders", "orders-causal.txt", "--rows=causal", NULL);
    golden_view("orders", "orders-log.txt", "--object=log", NULL);
    golden_view("orders", "orders-wait-for.dot", "--graph=wait-for", NULL);
    golden_view("orders", "orders-channels.dot", "--graph=channels", NULL);
    golden_view("panic", "panic.mmd", NULL, NULL);
}

static void golden_reports(void) {
    static const char *const formats[] = {"markdown", "github", "junit", "sarif", "json"};

    begin();
    make_trace("orders", NULL);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char option[64], file[64];

        snprintf(option, sizeof option, "--format=%s", formats[i]);
        snprintf(file, sizeof file, "orders.explain.%s", formats[i]);
        CU_ASSERT_EQUAL(call(explain_main, option, "-o", file, "orders.db", NULL), TOOL_OK);
        CU_ASSERT_STRING_EQUAL(last_error, "");
        compare(file, file);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void json_checker_checks(void) {
    begin();
    CU_ASSERT(is_json("{\"a\":[1,-2,{\"b\":\"\\u00e9\\n\"}],\"c\":null}", false));
    CU_ASSERT(is_json("{}\n[]\n", true));
    CU_ASSERT(!is_json("{\"a\":}", false) && !is_json("{\"a\":1,}", false));
    CU_ASSERT(!is_json("\"a\nb\"", false) && !is_json("\"a", false) && !is_json("[1 2]", false));
    CU_ASSERT(!is_json("{} {}", false) && !is_json("{}{}\n", true) && !is_json("01", false));
}

/* ---- Hostile names ------------------------------------------------------------------------- */

static const char *const fixtures[] = {"orders", "abba", "leak",   "panic",
                                       "group",  "race", "hostile"};
#define FIXTURES (sizeof fixtures / sizeof *fixtures)

static void every_form_is_well_formed(void) {
    begin();
    CU_ASSERT(is_xml("<a b=\"1\"><c/>&lt;</a>") && !is_xml("<a><b></a>") && !is_xml("<a>></a>"));
    for (size_t i = 0; i < FIXTURES; i++) {
        char trace[64];

        make_trace(fixtures[i], NULL);
        snprintf(trace, sizeof trace, "%s.db", fixtures[i]);
        CU_ASSERT_EQUAL(call(view_main, "--format=json", trace, NULL), TOOL_OK);
        CU_ASSERT(is_json(last_output, true));
        CU_ASSERT_EQUAL(call(view_main, "--format=chrome", trace, NULL), TOOL_OK);
        CU_ASSERT(is_json(last_output, false));
        CU_ASSERT_EQUAL(call(view_main, "--format=mermaid", trace, NULL), TOOL_OK);
        CU_ASSERT(is_plain(last_output) && !strpbrk(last_output, "<\"[]{}"));
        CU_ASSERT_EQUAL(call(view_main, "--format=shiviz", trace, NULL), TOOL_OK);
        CU_ASSERT(is_plain(last_output));
        CU_ASSERT_EQUAL(call(explain_main, "--format=json", trace, NULL), TOOL_OK);
        CU_ASSERT(is_json(last_output, false));
        CU_ASSERT_EQUAL(call(explain_main, "--format=sarif", trace, NULL), TOOL_OK);
        CU_ASSERT(is_json(last_output, false));
        CU_ASSERT_EQUAL(call(explain_main, "--format=junit", trace, NULL), TOOL_OK);
        CU_ASSERT(is_xml(last_output) && is_plain(last_output));
        CU_ASSERT_EQUAL(call(explain_main, "--format=github", trace, NULL), TOOL_OK);
        CU_ASSERT(is_plain(last_output) && !strncmp(last_output, "::error ", 8));
        CU_ASSERT_EQUAL(call(stats_main, "--json", trace, NULL), TOOL_OK);
        CU_ASSERT(is_json(last_output, true));
        CU_ASSERT_EQUAL(call(list_main, "--json", trace, NULL), TOOL_OK);
        CU_ASSERT(is_json(last_output, true));
        CU_ASSERT_EQUAL(call(stats_main, trace, NULL), TOOL_OK);
        CU_ASSERT(is_plain(last_output));
        CU_ASSERT_EQUAL(call(diff_main, "--format=json", trace, trace, NULL), TOOL_OK);
        CU_ASSERT(is_json(last_output, false));
    }
}

/* What a trace says of a task without a step cannot be true. */
static void tasks_that_never_ran(void) {
    begin();
    make_small("(1,1,1,'start',NULL,0,1,0)",
               "INSERT INTO task VALUES(1, 2, 1, 'anna', 1, NULL, NULL, 'sleeping', 0), "
               "(1, 3, 1, 'bert', 1, NULL, NULL, 'blocked', 0)");
    CU_ASSERT_EQUAL(call(view_main, "--full", "--format=dot", "small.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "never ran"));
    CU_ASSERT_PTR_NULL(strstr(last_output, "waits"));
    CU_ASSERT_EQUAL(call(view_main, "--format=json", "small.db", NULL), TOOL_OK);
    CU_ASSERT(is_json(last_output, true));
}

/* Outside the fence nothing is left of a tag; the fence is longer than any within. */
static void markdown_holds_its_names(void) {
    const char *fence;

    begin();
    make_trace("hostile", "");
    execute("hostile.db",
            "INSERT INTO program VALUES(1, './p', '', '[]', '', '');"
            "INSERT INTO run VALUES(1, 1, 'x', 1, '', 'panic', '```` <script>', 1, 1, 0, 0, 0, 0, "
            "0, NULL);"
            "INSERT INTO task VALUES(1, 1, NULL, '\"><script>', NULL, 1, 1, 'runnable', 0);"
            "INSERT INTO event VALUES(1, 1, 1, 'yield', NULL, 0, NULL, 0);"
            "INSERT INTO finding VALUES(1, 1, 'panic', 1, NULL, NULL, '````` <script> *x*')");
    CU_ASSERT_EQUAL(call(explain_main, "--format=markdown", "hostile.db", NULL), TOOL_OK);
    fence = strstr(last_output, "\n``````\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(fence);
    CU_ASSERT(strstr(last_output, "<script>") > fence);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "\\`\\`\\`\\`\\` &lt;script\\> \\*x\\*"));
    CU_ASSERT_PTR_NULL(strstr(fence + 8, "\n```````"));
}

/* ---- What the formats want ----------------------------------------------------------------- */

/* Slices of one thread follow each other; each arrow begins and ends within one. */
static void chrome_slices_nest(void) {
    begin();
    for (size_t i = 0; i < FIXTURES; i++) {
        unsigned long long end[64] = {0};
        size_t slices = 0, begun = 0, ended = 0;
        char trace[64];

        make_trace(fixtures[i], NULL);
        snprintf(trace, sizeof trace, "%s.db", fixtures[i]);
        CU_ASSERT_EQUAL(call(view_main, "--format=chrome", trace, NULL), TOOL_OK);
        for (char *line = strtok(last_output, "\n"); line; line = strtok(NULL, "\n")) {
            unsigned long long thread, ts, length;

            if (sscanf(line, "{\"ph\":\"X\",\"pid\":1,\"tid\":%llu,\"ts\":%llu,\"dur\":%llu,",
                       &thread, &ts, &length) == 3) {
                CU_ASSERT_FATAL(thread < 64);
                CU_ASSERT(ts >= end[thread]);
                end[thread] = ts + length;
                slices++;
            }
            begun += !strncmp(line, "{\"ph\":\"s\",", 10);
            ended += !strncmp(line, "{\"ph\":\"f\",\"bp\":\"e\",", 19);
        }
        CU_ASSERT(slices > 0);
        CU_ASSERT_EQUAL(begun, ended);
    }
}

/* A clock counts its own task's events, from one, without a gap. */
static void shiviz_clocks_count(void) {
    begin();
    for (size_t i = 0; i < FIXTURES; i++) {
        char trace[64], hosts[64][64];
        unsigned last[64] = {0};
        size_t count = 0, line_number = 0;

        make_trace(fixtures[i], NULL);
        snprintf(trace, sizeof trace, "%s.db", fixtures[i]);
        CU_ASSERT_EQUAL(call(view_main, "--format=shiviz", trace, NULL), TOOL_OK);
        for (char *line = strtok(last_output, "\n"); line; line = strtok(NULL, "\n")) {
            char host[64], key[70], *own;
            size_t k = 0;

            if (line_number++ % 2 == 0) continue;
            CU_ASSERT_EQUAL_FATAL(sscanf(line, "%63s {", host), 1);
            snprintf(key, sizeof key, "\"%s\":", host);
            own = strstr(line, key);
            CU_ASSERT_PTR_NOT_NULL_FATAL(own);
            while (k < count && strcmp(hosts[k], host) != 0) k++;
            if (k == count) strcpy(hosts[count++], host);
            CU_ASSERT_EQUAL(strtoul(own + strlen(key), NULL, 10), ++last[k]);
        }
        CU_ASSERT_EQUAL(line_number % 2, 0);
        CU_ASSERT(count > 0);
    }
}

static void mermaid_stays_small(void) {
    struct tool_text sql = {0};
    size_t lines = 0;

    begin();
    tool_text_add(&sql, "(1,1,1,'start',NULL,0,1,0)");
    for (int i = 2; i < 3000; i++)
        tool_text_addf(&sql, ",(1,%d,%d,'%s',%d,0,%d,0)", i, 1 + i * 7 % 4,
                       i % 3 ? "yield" : "random", 1 + i % 5, 1 + i * 5 % 3);
    make_small(sql.data, NULL);
    tool_text_free(&sql);
    CU_ASSERT_EQUAL(call(view_main, "--format=mermaid", "--full", "small.db", NULL), TOOL_OK);
    for (const char *p = last_output; *p; p++) lines += *p == '\n';
    CU_ASSERT(lines < 500 && strlen(last_output) < 50000);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Mermaid takes no more"));
}

/* ---- Choosing ------------------------------------------------------------------------------ */

static void tasks_and_objects_are_chosen(void) {
    begin();
    make_trace("orders", NULL);
    CU_ASSERT_EQUAL(call(view_main, "--task=worker", "--width=80", "orders.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "lock mu_table"));
    CU_ASSERT_PTR_NULL(strstr(last_output, "logger"));
    CU_ASSERT_PTR_NULL(strstr(last_output, "left out"));
    CU_ASSERT_EQUAL(call(view_main, "--task=3", "--task=logger", "--object=log", "--width=80",
                         "orders.db", NULL),
                    TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "send log"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "recv log"));
    CU_ASSERT_PTR_NULL(strstr(last_output, "add workers"));
    CU_ASSERT_PTR_NULL(strstr(last_output, "recv jobs "));
    CU_ASSERT_EQUAL(call(view_main, "--task=nobody", "orders.db", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("run 4117 has no task 'nobody'"));
    CU_ASSERT_EQUAL(call(view_main, "--object=99", "orders.db", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("run 4117 has no object '99'"));
    CU_ASSERT_EQUAL(call(view_main, "--rows=many", "orders.db", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(view_main, "--graph=pie", "orders.db", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(view_main, "--graph=channels", "--format=txt", "orders.db", NULL),
                    TOOL_USAGE);
    CU_ASSERT(said_once("--graph is drawn as svg, png, pdf or dot, not as txt"));
    CU_ASSERT_EQUAL(call(explain_main, "--format=pdf", "orders.db", NULL), TOOL_USAGE);
}

static void graphs_say_when_there_is_nothing(void) {
    begin();
    make_small("(1,1,1,'start',NULL,0,1,0), (1,2,1,'exit',NULL,0,1,0)",
               "UPDATE run SET outcome = 'ok'; DELETE FROM finding");
    CU_ASSERT_EQUAL(call(view_main, "--graph=wait-for", "small.db", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("nobody waits for ever"));
    CU_ASSERT_EQUAL(call(view_main, "--graph=lock-order", "small.db", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("no task asked for a lock while it held another"));
    CU_ASSERT_EQUAL(call(view_main, "--graph=channels", "small.db", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("no channel was used"));
}

static void lock_orders_are_drawn(void) {
    begin();
    make_trace("abba", NULL);
    CU_ASSERT_EQUAL(call(view_main, "--graph=lock-order", "abba.db", NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(last_error, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "color=\"#c81e1e\""));
}

/* ---- Two runs, several traces -------------------------------------------------------------- */

/* small.db with a second run: the same events, but for what `change` does to them. */
static void make_pair(const char *events, const char *change) {
    struct tool_text more = {0};

    tool_text_addf(
        &more,
        "INSERT INTO run SELECT 2, program, strategy, 2, schedule, 'ok', '', steps, tasks, 0, 0, "
        "0, 0, "
        "2, NULL FROM run;"
        "INSERT INTO task SELECT 2, id, parent, name, site, first_step, last_step, state, daemon "
        "FROM task;"
        "INSERT INTO object SELECT 2, id, kind, label, capacity, value_size, site FROM object;"
        "INSERT INTO event SELECT 2, step, task, op, object, result, site, time FROM event;%s",
        change);
    make_small(events, more.data);
    tool_text_free(&more);
}

#define BOTH                                                                        \
    "(1,1,1,'go',NULL,2,1,0), (1,2,2,'start',NULL,0,1,0), (1,3,2,'lock',2,0,2,0), " \
    "(1,4,1,'lock',2,NULL,3,0)"

static void runs_are_compared(void) {
    begin();
    make_pair(BOTH, "");
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", "#2", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Both runs did the same 4 steps."));
    make_pair(BOTH, "UPDATE event SET task = 1, site = 3 WHERE run = 2 AND step = 3;"
                    "UPDATE event SET task = 2, result = 0, site = 2 WHERE run = 2 AND step = 4;");
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", "small.db#2", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(last_output, "The first 2 steps are the same. Then another task takes the step:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "A: anna  lock mu  p.c:20"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "B: main  lock mu  p.c:30"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "main, after 1 operation alike:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "A: lock? mu (step 4, p.c:30)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "B: lock mu (step 3, p.c:30)"));
    make_pair(BOTH, "UPDATE event SET op = 'trylock' WHERE run = 2 AND step = 3");
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", "#2", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Then the same task goes another way:"));
    CU_ASSERT_EQUAL(call(diff_main, "--format=dot", "small.db#1", "#2", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "the runs part here"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "id=\"ev3\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "id=\"bev3\""));
    /* One run that is the beginning of the other. */
    make_pair(BOTH, "DELETE FROM event WHERE run = 2 AND step > 2");
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", "#2", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "B: the run ends"));
    CU_ASSERT_EQUAL(call(diff_main, "--format=dot", "small.db#2", "#1", NULL), TOOL_OK);
    make_pair(BOTH, "DELETE FROM event WHERE run = 2");
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", "#2", NULL), TOOL_USAGE);
    CU_ASSERT(said_once("were not recorded"));
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", "#3", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(diff_main, "small.db#1", "#2", "-o", "x.gif", NULL), TOOL_USAGE);
}

static void findings_are_grouped(void) {
    begin();
    make_trace("orders", NULL);
    make_trace("panic", NULL);
    CU_ASSERT_EQUAL(call(stats_main, "orders.db", "panic.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "orders.db: 2 runs"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "1      4117     37   deadlock: producer, worker"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "panic.db: "));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(last_output, "jobs              3       1         2       1            1/1  no"));
    CU_ASSERT_EQUAL(call(stats_main, "--json", "orders.db", "panic.db", NULL), TOOL_OK);
    CU_ASSERT(is_json(last_output, true));
    CU_ASSERT_EQUAL(call(list_main, "orders.db", "panic.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "panic.db:\n"));
    CU_ASSERT_EQUAL(call(stats_main, "orders.db", "missing.db", NULL), TOOL_USAGE);
    CU_ASSERT_EQUAL(call(stats_main, NULL), TOOL_USAGE);
}

/* ---- Scale --------------------------------------------------------------------------------- */

/* 20 tasks that send to each other at random, and in the end two that lock in turn. */
static const char crowd[] =
    "INSERT INTO program VALUES(1, './many', '', '[\"./many\"]', '', '');"
    "INSERT INTO site VALUES(1, 'many', 1, 'f', 'many.c', 10);"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
    "INSERT INTO task SELECT 1, i, iif(i = 1, NULL, 1), 'task ' || i, 1, i, i, 'blocked', 0 FROM n;"
    "INSERT INTO object SELECT 1, id, 'channel', 'ring ' || id, 1, 8, 1 FROM task;"
    "INSERT INTO object VALUES(1, 21, 'mutex', 'left', NULL, NULL, 1), (1, 22, 'mutex', 'right', "
    "NULL, NULL, 1);"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %lld)"
    "INSERT INTO event SELECT 1, i, ((i + i %% 2) * 7919 / 2 %% 1009 + i %% 2) %% 20 + 1, "
    "iif(i %% 2, 'send', 'recv'), (i + i %% 2) * 7919 / 2 %% 1009 %% 20 + 1, 0, 1, i FROM n;"
    "INSERT INTO edge SELECT 1, step, step + 1, 'message' FROM event WHERE op = 'send';"
    "INSERT INTO event VALUES(1, %lld + 1, 19, 'lock', 21, 0, 1, 0), (1, %lld + 2, 20, 'lock', 22, "
    "0, 1, 0), (1, %lld + 3, 19, 'lock', 22, NULL, 1, 0), (1, %lld + 4, 20, 'lock', 21, NULL, 1, "
    "0);"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 18)"
    "INSERT INTO event SELECT 1, %lld + 4 + i, i, 'recv', i, NULL, 1, 0 FROM n;"
    "INSERT INTO run VALUES(1, 1, 'random', 1, 'pirn1:', 'deadlock', '', %lld, 20, 1, 1, 1, 1, 1, "
    "NULL);"
    "INSERT INTO finding SELECT 1, task, 'deadlock', max(step), NULL, object, '' FROM event GROUP "
    "BY task;";

/* PIRN_TEST_EVENTS asks for more than make check looks at. All of it has to fit in 1 GiB, which a
 * sanitizer's shadow memory does not. */
static void many_events_fit(void) {
    const char *wanted = getenv("PIRN_TEST_EVENTS");
    long long count = wanted ? strtoll(wanted, NULL, 10) / 2 * 2 : 60000;
    struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    struct tool_text sql = {0};

    begin();
    tool_text_addf(&sql, crowd, count, count, count, count, count, count, count);
    make_trace("many", sql.data);
    tool_text_free(&sql);
    if (!getenv("SANITIZED")) CU_ASSERT_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
    CU_ASSERT_EQUAL(call(list_main, "many.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "1 run: 1 deadlock"));
    CU_ASSERT_EQUAL(call(view_main, "many.db", "--format=dot", NULL), TOOL_OK);
    CU_ASSERT_STRING_EQUAL(last_error, "");
    CU_ASSERT(strlen(last_output) < 200000);
    CU_ASSERT_EQUAL(call(explain_main, "many.db", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Deadlock: 2 tasks wait for each other (D1)."));
    CU_ASSERT_EQUAL(call(stats_main, "many.db", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(call(diff_main, "many.db", "#1", NULL), TOOL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_output, "Both runs did the same"));
}

static const struct test tests[] = {
    TEST(golden_views),
    TEST(golden_reports),
    TEST(json_checker_checks),
    TEST(every_form_is_well_formed),
    TEST(tasks_that_never_ran),
    TEST(markdown_holds_its_names),
    TEST(chrome_slices_nest),
    TEST(shiviz_clocks_count),
    TEST(mermaid_stays_small),
    TEST(tasks_and_objects_are_chosen),
    TEST(graphs_say_when_there_is_nothing),
    TEST(lock_orders_are_drawn),
    TEST(runs_are_compared),
    TEST(findings_are_grouped),
    TEST_SECONDS(many_events_fit, 300),
};

HARNESS(tests)
