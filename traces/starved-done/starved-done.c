/* starved-done.c - the end of the day comes second, and there is always something first. */
#include <pirn.h>

static pirn_chan *letters;
static pirn_waitgroup staff;

static void postman(void *arg) {
    pirn_ctx *day = arg;
    for (;;) {
        int letter;
        pirn_case cases[] = {
            PIRN_CASE_RECV(letters, &letter),
            PIRN_CASE_RECV(pirn_ctx_done(day), NULL),
        };
        int chosen = pirn_select_first(cases, 2, PIRN_FOREVER);
        if (cases[chosen].chan != letters) break;
        pirn_send(letters, &letter); /* nobody at home: once more */
    }
}

static void office(void *arg) {
    int letter = 1;
    pirn_ctx *day = pirn_ctx_with_cancel(NULL);
    (void)arg;
    letters = pirn_chan_new(sizeof(int), 1);
    pirn_label(letters, "letters");
    pirn_label(&staff, "staff");
    pirn_waitgroup_go(&staff, postman, day);
    pirn_ctx_cancel(day);
    pirn_send(letters, &letter); /* late */
    pirn_waitgroup_wait(&staff);
    pirn_ctx_unref(day);
}

int main(void) { return pirn_run(NULL, office, NULL) != 0; }
