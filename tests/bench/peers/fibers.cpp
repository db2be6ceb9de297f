// fibers.cpp - rows of tests/bench in Boost.Fiber: a task is a fiber. With several workers the fibers
// are shared by as many threads. For rows that it lacks it prints "none".
//
// Usage: fibers ROW COUNT, or fibers --version
//
// Exit status: 0, 1 wrong results, 2 usage.
#include <boost/fiber/all.hpp>
#include <boost/version.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace fibers = boost::fibers;
using number = std::uint64_t;

// ---- Measuring ----

struct stopwatch {
    double wall, cpu, value;

    static double seconds(timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }
    static double wall_now() {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }
    static double cpu_now() {
        rusage u;
        getrusage(RUSAGE_SELF, &u);
        return seconds(u.ru_utime) + seconds(u.ru_stime);
    }
    void start() {
        cpu = -cpu_now();
        wall = -wall_now();
    }
    void stop(number units) {
        wall += wall_now();
        cpu += cpu_now();
        value = wall * 1e9 / (double)units;
    }
};

static void expect(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "fibers: not true: %s\n", what);
    _exit(1);
}

// ---- Fibers ----

// Of the stacks only what is touched takes memory. (Pools of stacks are for one thread alone.)
static fibers::fixedsize_stack stacks(64 * 1024);

template <typename Fn> static fibers::fiber go(Fn fn) {
    return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks, std::move(fn));
}

using channel = fibers::unbuffered_channel<number>;
using buffer = fibers::buffered_channel<number>;

// ---- Rows ----

static void spawn(stopwatch &watch, number count) {
    const number batch = 1000, batches = (count + batch - 1) / batch;
    std::vector<fibers::fiber> started(batch);

    watch.start();
    for (number i = 0; i < batches; i++) {
        for (auto &fiber : started) fiber = go([] {});
        for (auto &fiber : started) fiber.join();
    }
    watch.stop(batches * batch);
}

static void skynet_node(channel &parent, number first, number leaves) {
    if (leaves == 1) {
        parent.push(first);
        return;
    }
    channel results;
    fibers::fiber children[10];
    for (number i = 0; i < 10; i++)
        children[i] =
            go([&results, first, leaves, i] { skynet_node(results, first + i * (leaves / 10), leaves / 10); });
    number sum = 0;
    for (int i = 0; i < 10; i++) sum += results.value_pop();
    for (auto &child : children) child.join();
    parent.push(sum);
}

static void skynet(stopwatch &watch, number count) {
    channel result;
    watch.start();
    fibers::fiber root = go([&result, count] { skynet_node(result, 0, count); });
    number sum = result.value_pop();
    watch.stop(count);
    root.join();
    expect(sum == count * (count - 1) / 2, "skynet's sum");
}

static double resident_bytes() {
    unsigned long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    expect(f && fscanf(f, "%lu %lu", &size, &resident) == 2, "/proc/self/statm is there");
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void parked(stopwatch &watch, number count) {
    channel never;
    std::atomic<number> about_to_park{0}, woken{0};
    std::vector<fibers::fiber> started(count);

    double before = resident_bytes();
    watch.start();
    for (auto &fiber : started)
        fiber = go([&] {
            number value;
            about_to_park++;
            expect(never.pop(value) == fibers::channel_op_status::closed, "the channel is closed");
            woken++;
        });
    while (about_to_park < count) boost::this_fiber::yield();
    boost::this_fiber::sleep_for(std::chrono::milliseconds(20));
    watch.stop(count);
    watch.value = (resident_bytes() - before) / (double)count;
    never.close();
    for (auto &fiber : started) fiber.join();
    expect(woken == count, "all have been woken");
}

static void pingpong(stopwatch &watch, number count) {
    channel there, back;
    number value = 0;

    watch.start();
    fibers::fiber answer = go([&] {
        number received;
        while (there.pop(received) == fibers::channel_op_status::success) back.push(received + 1);
    });
    for (number i = 0; i < count; i++) {
        there.push(value);
        value = back.value_pop();
    }
    watch.stop(count);
    expect(value == count, "as many answers");
    there.close();
    answer.join();
}

template <typename Channel> static void transfer(stopwatch &watch, number count, Channel &chan) {
    number received = 0, sum = 0;

    watch.start();
    fibers::fiber producer = go([&] {
        for (number i = 0; i < count; i++) chan.push(i);
        chan.close();
    });
    fibers::fiber consumer = go([&] {
        for (number value; chan.pop(value) == fibers::channel_op_status::success; received++) sum += value;
    });
    producer.join();
    consumer.join();
    watch.stop(count);
    expect(received == count && sum == count * (count - 1) / 2, "all values");
}

static void unbuffered(stopwatch &watch, number count) {
    channel chan;
    transfer(watch, count, chan);
}

static void buffered(stopwatch &watch, number count) {
    buffer chan(128);
    transfer(watch, count, chan);
}

static void mutex_8(stopwatch &watch, number count) {
    number each = count / 8, counter = 0;
    fibers::mutex mutex;
    std::vector<fibers::fiber> started(8);

    watch.start();
    for (auto &fiber : started)
        fiber = go([&] {
            for (number i = 0; i < each; i++) {
                std::lock_guard<fibers::mutex> guard(mutex);
                counter++;
            }
        });
    for (auto &fiber : started) fiber.join();
    watch.stop(8 * each);
    expect(counter == 8 * each, "the counter");
}

static void sleepers(stopwatch &watch, number count) {
    std::vector<fibers::fiber> started(count);

    watch.start();
    for (number i = 0; i < count; i++)
        started[i] =
            go([i] { boost::this_fiber::sleep_for(std::chrono::milliseconds(i * 37 % 100 + 1)); });
    for (auto &fiber : started) fiber.join();
    watch.stop(count);
    watch.value = watch.cpu * 1000;
}

static const struct {
    const char *name;
    void (*run)(stopwatch &watch, number count);
} rows[] = {
    {"spawn", spawn},       {"skynet", skynet},     {"parked", parked},
    {"pingpong", pingpong}, {"buffered", buffered}, {"unbuffered", unbuffered},
    {"mutex_8", mutex_8},   {"sleepers", sleepers},
};

// Runs it in a fiber that any of the threads may take.
static void on_threads(unsigned threads, const std::function<void()> &work) {
    if (threads == 1) {
        go(work).join();
        return;
    }
    bool done = false;
    fibers::mutex mutex;
    fibers::condition_variable_any ended;
    auto take_part = [&] {
        std::unique_lock<fibers::mutex> lock(mutex);
        ended.wait(lock, [&] { return done; });
    };
    std::vector<std::thread> others;
    fibers::use_scheduling_algorithm<fibers::algo::shared_work>(true);
    for (unsigned i = 1; i < threads; i++)
        others.emplace_back([&] {
            fibers::use_scheduling_algorithm<fibers::algo::shared_work>(true);
            take_part();
        });
    go(work).join();
    {
        std::lock_guard<fibers::mutex> guard(mutex);
        done = true;
    }
    ended.notify_all();
    for (auto &other : others) other.join();
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("Boost.Fiber, of Boost %d.%d.%d\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
               BOOST_VERSION % 100);
        return 0;
    }
    char *end = nullptr;
    number count = argc == 3 ? strtoull(argv[2], &end, 10) : 0;
    if (count == 0 || *end != '\0') {
        fputs("usage: fibers ROW COUNT, or fibers --version\n", stderr);
        return 2;
    }
    const char *workers = getenv("PIRN_WORKERS");
    int threads = workers ? atoi(workers) : 1;
    for (const auto &row : rows) {
        if (strcmp(row.name, argv[1]) != 0) continue;
        stopwatch watch{};
        on_threads(threads > 1 ? (unsigned)threads : 1, [&] { row.run(watch, count); });
        printf("%.3f %.6f %.6f\n", watch.value, watch.wall, watch.cpu);
        return 0;
    }
    puts("none");
    return 0;
}
