/* negative-waitgroup.c - a cancelled task is done twice. */
#include <pirn.h>

static pirn_waitgroup parts;

static bool is_cancelled(pirn_ctx *ctx) {
    if (pirn_ctx_err(ctx) == 0) return false;
    pirn_waitgroup_done(&parts); /* nothing to do */
    return true;
}

static void render(void *arg) {
    pirn_ctx *ctx = arg;
    if (!is_cancelled(ctx)) pirn_yield(); /* the work */
    pirn_ctx_unref(ctx);
    pirn_waitgroup_done(&parts);
}

static void draw(void *arg) {
    pirn_ctx *ctx = pirn_ctx_with_cancel(NULL);
    (void)arg;
    pirn_label(&parts, "parts");
    for (int i = 0; i < 2; i++) {
        pirn_waitgroup_add(&parts, 1);
        pirn_go(render, pirn_ctx_ref(ctx));
    }
    pirn_ctx_cancel(ctx);
    pirn_waitgroup_wait(&parts);
    pirn_ctx_unref(ctx);
}

int main(void) { return pirn_run(NULL, draw, NULL) != 0; }
