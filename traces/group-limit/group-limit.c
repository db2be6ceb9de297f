/* group-limit.c - tasks of a group with a limit start tasks in it, each keeping its own slot. */
#include <pirn.h>

enum { DEPTH = 2, SUBFOLDERS = 2, AT_ONCE = 2 };

static pirn_group *walkers;

static int walk(pirn_ctx *ctx, void *arg) {
    const int *depth = arg;
    (void)ctx;
    for (int i = 0; *depth > 0 && i < SUBFOLDERS; i++) {
        static const int depths[DEPTH] = {0, 1};
        pirn_group_go(walkers, walk, (void *)&depths[*depth - 1]);
    }
    return 0;
}

static void list(void *arg) {
    static int depth = DEPTH;
    (void)arg;
    walkers = pirn_group_new(NULL);
    pirn_label(walkers, "walkers");
    pirn_group_limit(walkers, AT_ONCE);
    pirn_group_go(walkers, walk, &depth);
    pirn_assert(pirn_group_wait(walkers) == 0);
}

int main(void) { return pirn_run(NULL, list, NULL) != 0; }
