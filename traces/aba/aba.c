/* aba.c - the top of a stack is what it was before, but what is below it is not. */
#include <pirn.h>

enum node { NONE, A, B, NODES };

/* What is on top of a stack. */
struct top {
    enum node node;
};

static pirn_chan *cell; /* holds the top; who has received it has it alone */
static _Atomic enum node below[NODES] = {[A] = B};
static _Atomic enum node kept;
static pirn_waitgroup tasks;

static struct top load(void) {
    struct top top;
    pirn_recv(cell, &top);
    pirn_send(cell, &top);
    return top;
}

static bool compare_and_swap(struct top seen, enum node node) {
    struct top top;
    pirn_recv(cell, &top);
    bool same = top.node == seen.node;
    if (same) top.node = node;
    pirn_send(cell, &top);
    return same;
}

static void push(enum node node) {
    struct top top;
    do {
        top = load();
        below[node] = top.node;
    } while (!compare_and_swap(top, node));
}

static enum node pop(void) {
    struct top top;
    do {
        top = load();
        if (top.node == NONE) return NONE;
    } while (!compare_and_swap(top, below[top.node]));
    return top.node;
}

static void take_one(void *arg) {
    (void)arg;
    pop();
}

static void take_two_and_put_one_back(void *arg) {
    enum node first = pop();
    (void)arg;
    kept = pop();
    if (first != NONE) push(first);
}

static void stack(void *arg) {
    struct top top = {.node = A};
    (void)arg;
    cell = pirn_chan_new(sizeof(struct top), 1);
    pirn_label(cell, "cell");
    pirn_label(&tasks, "tasks");
    pirn_send(cell, &top);
    pirn_waitgroup_go(&tasks, take_one, NULL);
    pirn_waitgroup_go(&tasks, take_two_and_put_one_back, NULL);
    pirn_waitgroup_wait(&tasks);
    pirn_assert(kept == NONE || pop() != kept);
    pirn_chan_unref(cell);
}

int main(void) { return pirn_run(NULL, stack, NULL) != 0; }
