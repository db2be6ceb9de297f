/* forgotten-cancel-fixed.c - the context is cancelled on every way out. */
#include <pirn.h>

#include <errno.h>

static void watch(void *arg) {
    pirn_ctx *ctx = arg;
    pirn_recv(pirn_ctx_done(ctx), NULL);
    pirn_ctx_unref(ctx);
}

static int answer(int request) {
    int rc = 0;
    pirn_ctx *ctx = pirn_ctx_with_cancel(NULL);
    pirn_label(ctx, "request %d", request);
    pirn_go(watch, pirn_ctx_ref(ctx));
    if (request == 0) rc = -EINVAL;
    pirn_ctx_cancel(ctx);
    pirn_ctx_unref(ctx);
    return rc;
}

static void server(void *arg) {
    (void)arg;
    answer(1);
    answer(0);
}

int main(void) { return pirn_run(NULL, server, NULL) != 0; }
