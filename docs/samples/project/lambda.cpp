// lambda.cpp - the same from C++: lambdas as tasks, a lock that is released by itself.
#include <pirn.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>

// What std::lock_guard asks for.
class Mutex {
  public:
    void lock() { pirn_mutex_lock(&mutex_); }
    void unlock() { pirn_mutex_unlock(&mutex_); }

  private:
    pirn_mutex mutex_ = {};
};

// Tasks that are waited for at the end of the block. No exception may leave a task.
class Tasks {
  public:
    ~Tasks() { pirn_waitgroup_wait(&group_); }

    bool go(std::function<void()> work) {
        auto *kept = new std::function<void()>(std::move(work));
        if (pirn_waitgroup_go(&group_, call, kept) == 0) return true;
        delete kept;
        return false;
    }

  private:
    static void call(void *arg) {
        std::unique_ptr<std::function<void()>> work(static_cast<std::function<void()> *>(arg));
        (*work)();
    }

    pirn_waitgroup group_ = {};
};

static void sum_up(void *arg) {
    auto &sum = *static_cast<long *>(arg);
    Mutex mutex;
    Tasks tasks;
    for (long i = 1; i <= 10; i++) {
        tasks.go([&, i] {
            std::lock_guard<Mutex> held(mutex);
            sum += i * i;
        });
    }
}

int main() {
    long sum = 0;
    if (pirn_run(nullptr, sum_up, &sum) != 0) return 1;
    std::printf("%ld\n", sum);
    return sum != 385;
}
