/*
 * cancel.c - a crawler with a deadline that stops at the first failure.
 *
 * At most three pages are fetched at once, each in a task of a group. All have one context, with a
 * deadline: it is cancelled when the time is up, or when a page cannot be fetched, so that nobody
 * waits for an answer that is of no use any more. pirn_group_wait returns when the last task is
 * gone, with the first failure.
 */
#include <pirn.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 6, AT_ONCE = 3 };

struct page {
    const char *name;
    int64_t time; /* that the server takes to answer */
    bool found;
};

static const struct page pages[PAGES] = {
    {"index", 2 * PIRN_MSEC, true},   {"news", 5 * PIRN_MSEC, true},
    {"archive", 9 * PIRN_MSEC, true}, {"lost", 4 * PIRN_MSEC, false},
    {"about", 90 * PIRN_MSEC, true},  {"contact", 3 * PIRN_MSEC, true},
};

/* Waits for the answer or until nobody wants it any more. */
static int fetch(pirn_ctx *ctx, void *arg) {
    const struct page *page = arg;
    pirn_chan *answer = pirn_after(page->time);
    pirn_case cases[] = {PIRN_CASE_RECV(pirn_ctx_done(ctx), NULL), PIRN_CASE_RECV(answer, NULL)};
    bool answered;

    if (!answer) return -ENOMEM;
    answered = pirn_select(cases, 2, PIRN_FOREVER) == 1;
    pirn_chan_unref(answer);
    if (!answered) {
        printf("%s: given up\n", page->name);
        return pirn_ctx_err(ctx);
    }
    printf("%s: %s\n", page->name, page->found ? "fetched" : "not found");
    return page->found ? 0 : -ENOENT;
}

static int fetch_all(size_t count, int64_t deadline) {
    pirn_ctx *ctx = pirn_ctx_with_deadline(NULL, deadline);
    pirn_group *group = ctx ? pirn_group_new(ctx) : NULL;
    int rc = 0;

    pirn_ctx_unref(ctx); /* the group's context keeps it */
    if (!group) return -ENOMEM;
    pirn_group_limit(group, AT_ONCE);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = pirn_group_go(group, fetch, (void *)&pages[i]);
    if (rc) printf("cannot start a task: %s\n", strerror(-rc));
    rc = pirn_group_wait(group);
    return rc;
}

static void crawl(void *arg) {
    const char *what[] = {"the first three pages", "a page too slow", "all pages"};
    int results[3];
    (void)arg;
    results[0] = fetch_all(3, pirn_now() + 60 * PIRN_SEC);
    results[1] = fetch_all(1, pirn_now() + PIRN_MSEC / 2);
    results[2] = fetch_all(PAGES, pirn_now() + 60 * PIRN_SEC);
    for (int i = 0; i < 3; i++)
        printf("%s: %s\n", what[i], results[i] ? strerror(-results[i]) : "done");
}

int main(void) { return pirn_run(NULL, crawl, NULL) != 0; }
