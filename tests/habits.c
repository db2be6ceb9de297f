/*
 * habits.c - a program that does things which a later run could see, for tests/snapshot.sh.
 *
 *     habits count LIBRARY    counts in every kind of memory: each count must begin anew
 *     habits WHAT             does something that memory does not show, or crashes now and then
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pirn.h>

enum { LARGE = 300000, MAPPED = 1 << 20, GIVEN_BACK = MAPPED / 8, BEFORE = 41 };
#define RESERVED ((size_t)64 << 30) /* of address space */

static int in_data = BEFORE, in_bss;
static __thread int in_thread = BEFORE;
static int *in_heap, *in_mapping, *on_main_stack, *in_library;
static char *large; /* malloc maps it by itself */
static const char *what;
static void *last_block;

/* A count that is not what it should be ends the process with a status that says which. */
static void expect(bool as_new, int status) {
    if (!as_new) _exit(status);
}

static void send_one(void *arg) { pirn_send(*(pirn_chan **)arg, &(int){1}); }

/* Something to schedule. */
static int sum_of_two(void) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 0);
    int a, b;
    pirn_go(send_one, &chan);
    pirn_go(send_one, &chan);
    pirn_recv(chan, &a);
    pirn_recv(chan, &b);
    pirn_chan_unref(chan);
    return a + b;
}

static void count(void *arg) {
    char *text, *block;
    int file;
    (void)arg;
    expect(sum_of_two() == 2, 10);
    expect(++in_data == BEFORE + 1 && ++in_bss == 1, 11);
    expect(++in_thread == BEFORE + 1, 12);
    expect(++*in_heap == BEFORE + 1, 13);
    expect(++*in_mapping == BEFORE + 1, 14);
    expect(++*on_main_stack == BEFORE + 1, 15);
    expect(++*in_library == BEFORE + 1, 16);
    expect(errno != EDOM, 17);
    errno = EDOM;
    expect(__fpending(stdout) == 0, 18);
    printf("some text that stays in the buffer");
    expect(!getenv("HABIT"), 19);
    setenv("HABIT", "yes", 1);
    /* What is handed out, and what is in it, does not depend on earlier runs. */
    block = calloc(1, 5000);
    expect(block && (!last_block || block == last_block), 20);
    for (int i = 0; i < 5000; i++) expect(!block[i], 21);
    memset(block, 1, 5000);
    last_block = block;
    text = malloc(8 << 20);
    expect(text, 22);
    memset(text, 1, 8 << 20);
    /* One that was there before goes. */
    for (int i = 0; i < LARGE; i += 1000) expect(large[i] == 'x', 23);
    memset(large, 'y', LARGE);
    free(large);
    /* What the kernel writes counts as well. */
    file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    expect(!in_mapping[5000] && read(file, in_mapping + 5000, 8) == 8, 24);
    close(file);
    /* Pages that are given back are empty. */
    expect(in_mapping[GIVEN_BACK] == BEFORE, 27);
    expect(!madvise(&in_mapping[GIVEN_BACK], 4096, MADV_DONTNEED), 28);
    expect(!in_mapping[GIVEN_BACK], 29);
}

static int handlers;

static void at_exit(void) {
    expect(++handlers == 1 && in_data == BEFORE + 2, 30);
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) _exit(31);
}

/* ---- What memory does not show ------------------------------------------------------------- */

static void *nothing(void *arg) { return arg; }
static void on_signal(int number) { (void)number; }

static void do_it(void *arg) {
    (void)arg;
    sum_of_two();
    if (!strcmp(what, "open")) expect(open("/dev/null", O_RDONLY) >= 0, 40);
    if (!strcmp(what, "close")) expect(!close(STDIN_FILENO), 41);
    if (!strcmp(what, "replace")) expect(dup2(STDERR_FILENO, STDIN_FILENO) == STDIN_FILENO, 42);
    if (!strcmp(what, "folder")) expect(!chdir(".."), 43);
    if (!strcmp(what, "signal")) signal(SIGUSR1, on_signal);
    if (!strcmp(what, "protect")) expect(!mprotect(in_mapping, MAPPED, PROT_READ), 44);
    if (!strcmp(what, "file")) {
        /* Nothing is left of it. */
        FILE *file = fopen("/proc/self/stat", "r");
        expect(file && fgetc(file) != EOF && !fclose(file), 45);
    }
    if (!strcmp(what, "thread")) {
        pthread_t thread;
        expect(!pthread_create(&thread, NULL, nothing, NULL) && !pthread_join(thread, NULL), 46);
    }
    if (!strcmp(what, "process")) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        expect(waitpid(child, NULL, 0) == child, 47);
    }
    if (!strcmp(what, "crash") && pirn_choose(50) == 7) *(volatile int *)0 = 1;
    if (!strcmp(what, "crash-always")) abort();
    if (!strcmp(what, "exit") && pirn_choose(10) == 7) exit(3);
    if (!strcmp(what, "panic") && pirn_choose(10) == 7) pirn_panic("seven");
}

int main(int argc, char **argv) {
    int local = BEFORE, rc;
    void *library;
    what = argc > 1 ? argv[1] : "";
    in_heap = calloc(1, 100);
    in_mapping = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!in_heap || in_mapping == MAP_FAILED) return 2;
    if (!strcmp(what, "reserve") &&
        mmap(NULL, RESERVED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
             -1, 0) == MAP_FAILED)
        return 2;
    if (strcmp(what, "count") != 0) return pirn_run(NULL, do_it, NULL) ? 1 : 0;

    library = dlopen(argc > 2 ? argv[2] : "", RTLD_NOW);
    in_library = library ? dlsym(library, "counter") : NULL;
    large = malloc(LARGE);
    if (!in_library || !large) return 2;
    memset(large, 'x', LARGE);
    on_main_stack = &local;
    *in_heap = *in_mapping = in_mapping[GIVEN_BACK] = BEFORE;
    atexit(at_exit);
    rc = pirn_run(NULL, count, NULL);
    if (rc || local != BEFORE + 1) return 25;
    expect(++in_data == BEFORE + 2, 26);
    return 0;
}
