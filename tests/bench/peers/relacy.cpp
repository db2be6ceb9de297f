// relacy.cpp - the programs of ../explorer.c for Relacy, with its random scheduler: the rows
// counter-... and queue-... that record nothing, whose seconds are of CPU time. For other rows it
// prints "none".
//
// Usage: relacy ROW COUNT, or relacy --version
#include <relacy/relacy.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>

struct counter : rl::test_suite<counter, 3> {
    rl::mutex mutex;
    rl::var<int> n;

    void before() { n($) = 0; }
    void thread(unsigned) {
        mutex.lock($);
        n($) = n($) + 1;
        mutex.unlock($);
    }
};

struct producers : rl::test_suite<producers, 3> {
    enum { PLACES = 2, ITEMS = 2 };

    rl::mutex mutex;
    rl::condition_variable not_full, not_empty;
    rl::var<int> items;

    void before() { items($) = 0; }
    void thread(unsigned index) {
        if (index == 0)
            consume();
        else
            produce();
    }
    void produce() {
        for (int i = 0; i < ITEMS; i++) {
            mutex.lock($);
            while (items($) == PLACES) not_full.wait(mutex, $);
            items($) = items($) + 1;
            not_empty.notify_one($);
            mutex.unlock($);
        }
    }
    void consume() {
        for (int i = 0; i < 2 * ITEMS; i++) {
            mutex.lock($);
            while (items($) == 0) not_empty.wait(mutex, $);
            items($) = items($) - 1;
            not_full.notify_one($);
            mutex.unlock($);
        }
    }
};

static double seconds_of(clockid_t clock) {
    timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

template <typename Program> static int run(unsigned long runs) {
    rl::test_params parameters;
    std::ostringstream said;
    double wall, cpu;

    parameters.iteration_count = runs;
    parameters.search_type = rl::random_scheduler_type;
    parameters.output_stream = &said;
    parameters.progress_stream = &said;
    wall = seconds_of(CLOCK_MONOTONIC);
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (!rl::simulate<Program>(parameters)) {
        fputs(said.str().c_str(), stderr);
        return 1;
    }
    wall = seconds_of(CLOCK_MONOTONIC) - wall;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.3f %.6f %.6f\n", (double)runs / cpu, wall, cpu);
    return 0;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("Relacy, compiled by %s\n", __VERSION__);
        return 0;
    }
    if (argc != 3) {
        fprintf(stderr, "usage: %s ROW COUNT, or --version\n", argv[0]);
        return 2;
    }
    unsigned long runs = strtoul(argv[2], nullptr, 10);
    if (!strstr(argv[1], "-recorded") && begins(argv[1], "counter-")) return run<counter>(runs);
    if (!strstr(argv[1], "-recorded") && begins(argv[1], "queue-")) return run<producers>(runs);
    puts("none");
    return 0;
}
