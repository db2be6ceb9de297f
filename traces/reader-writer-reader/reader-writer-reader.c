/* reader-writer-reader.c - two readers of two tables wait for each other, since writers wait as well. */
#include <pirn.h>

static pirn_rwmutex users, groups;
static pirn_waitgroup tasks;

static void list_users(void *arg) {
    (void)arg;
    pirn_rwmutex_rlock(&users);
    pirn_rwmutex_rlock(&groups);
    pirn_rwmutex_runlock(&groups);
    pirn_rwmutex_runlock(&users);
}

static void list_groups(void *arg) {
    pirn_rwmutex *first = &groups, *second = &users;
    (void)arg;
    pirn_rwmutex_rlock(first);
    pirn_rwmutex_rlock(second);
    pirn_rwmutex_runlock(second);
    pirn_rwmutex_runlock(first);
}

static void change(void *arg) {
    pirn_rwmutex *table = arg;
    pirn_rwmutex_lock(table);
    pirn_rwmutex_unlock(table);
}

static void directory(void *arg) {
    (void)arg;
    pirn_label(&users, "users");
    pirn_label(&groups, "groups");
    pirn_label(&tasks, "tasks");
    pirn_waitgroup_go(&tasks, list_users, NULL);
    pirn_waitgroup_go(&tasks, list_groups, NULL);
    pirn_waitgroup_go(&tasks, change, &users);
    pirn_waitgroup_go(&tasks, change, &groups);
    pirn_waitgroup_wait(&tasks);
}

int main(void) { return pirn_run(NULL, directory, NULL) != 0; }
