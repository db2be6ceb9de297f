/* double-unlock-fixed.c - the way out alone unlocks. */
#include <pirn.h>

static pirn_mutex lock;
static int version; /* guarded by the lock */
static pirn_waitgroup editors;

static int get_version(void) {
    pirn_mutex_lock(&lock);
    int result = version;
    pirn_mutex_unlock(&lock);
    return result;
}

static void edit(void *arg) {
    bool conflict = false;
    int seen = get_version();
    (void)arg;
    pirn_mutex_lock(&lock);
    if (version != seen) {
        conflict = true;
        goto out;
    }
    version++;
out:
    pirn_mutex_unlock(&lock);
    if (conflict) pirn_yield(); /* tell the user */
}

static void wiki(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&editors, "editors");
    pirn_waitgroup_go(&editors, edit, NULL);
    pirn_waitgroup_go(&editors, edit, NULL);
    pirn_waitgroup_wait(&editors);
}

int main(void) { return pirn_run(NULL, wiki, NULL) != 0; }
