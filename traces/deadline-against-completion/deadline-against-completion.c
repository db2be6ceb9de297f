/* deadline-against-completion.c - shipped in the moment in which the deadline passes. */
#include <pirn.h>

static pirn_mutex lock;
static bool shipped, refunded; /* guarded by the lock */
static pirn_waitgroup tasks;

static void ship(void *arg) {
    pirn_ctx *ctx = arg;
    pirn_sleep(PIRN_SEC / 2); /* to wrap it up */
    if (pirn_ctx_err(ctx) != 0) return;
    pirn_mutex_lock(&lock);
    shipped = true;
    pirn_mutex_unlock(&lock);
}

static void refund(void *arg) {
    pirn_ctx *ctx = arg;
    pirn_recv(pirn_ctx_done(ctx), NULL);
    pirn_mutex_lock(&lock);
    refunded = true;
    pirn_mutex_unlock(&lock);
}

static void shop(void *arg) {
    pirn_ctx *ctx = pirn_ctx_with_deadline(NULL, pirn_now() + PIRN_SEC);
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&tasks, "tasks");
    pirn_label(ctx, "deadline");
    pirn_waitgroup_go(&tasks, ship, ctx);
    pirn_waitgroup_go(&tasks, refund, ctx);
    pirn_waitgroup_wait(&tasks);
    pirn_assert(!(shipped && refunded));
    pirn_ctx_unref(ctx);
}

int main(void) { return pirn_run(NULL, shop, NULL) != 0; }
