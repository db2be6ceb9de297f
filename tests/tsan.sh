#!/bin/sh
# The same program under `pirn cc` and, on threads, under the compiler's own ThreadSanitizer: both
# find its race, and both are silent when it is correct. For the latter the library is compiled here
# with -fsanitize=thread, so that it tells the sanitizer about its tasks.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
PIRN_CC=${CC%% *}
export PIRN_CC

if test "${SANITIZED:-no}" = yes; then
    skip 'a race on threads and simulated' 'a sanitizer has its own library'
    done_testing
fi

cat >"$scratch/both.c" <<'END'
/* With an argument: correct. */
#include <pirn.h>
static long counter;
static pirn_mutex lock;
static pirn_waitgroup group;
static pirn_chan *chan;
static int careful;
static void work(void *arg) {
    (void)arg;
    for (int i = 0; i < 100; i++) {
        if (careful) pirn_mutex_lock(&lock);
        counter++;
        if (careful) pirn_mutex_unlock(&lock);
        pirn_yield();
    }
    pirn_send(chan, &(int){1});
}
static void body(void *arg) {
    int got;
    (void)arg;
    chan = pirn_chan_new(sizeof(int), 0);
    for (int i = 0; i < 4; i++) pirn_waitgroup_go(&group, work, 0);
    for (int i = 0; i < 4; i++) pirn_recv(chan, &got);
    pirn_waitgroup_wait(&group);
    pirn_chan_unref(chan);
    if (careful) pirn_assert(counter == 400);
}
int main(int argc, char **argv) {
    (void)argv;
    careful = argc > 1;
    return pirn_run(0, body, 0);
}
END

# ThreadSanitizer's layout of memory has no room for every randomised one.
fixed=
setarch -R true 2>/dev/null && fixed='setarch -R'

build_for_threads() {
    for folder in core threads; do
        mkdir -p "$scratch/$folder" && cd "$scratch/$folder" || return 1
        for file in "$top_srcdir/lib/$folder"/*.c; do
            ${CC} -c -g -O1 -w -fsanitize=thread -std=gnu11 -pthread -D_GNU_SOURCE= -I"$top_builddir" \
                -I"$top_srcdir" -I"$top_srcdir/lib" -I"$top_builddir/lib/found" "$file" || return 1
        done
    done
    cd "$scratch" && ${CC} -g -O1 -fsanitize=thread -pthread -I"$top_srcdir/lib" -o on-threads both.c \
        core/*.o threads/*.o -L"$(dirname "$(gcc -print-file-name=libbacktrace.a)")" -lbacktrace
}

# Which tasks meet is up to the machine: it may take a few runs.
found_on_threads() {
    for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        PIRN_WORKERS=4 $fixed ./on-threads >out 2>&1
        grep 'ThreadSanitizer: data race' out && grep 'both.c:12' out && return 0
    done
    cat out
    return 1
}

silent_on_threads() {
    for round in 1 2 3 4 5; do
        PIRN_WORKERS=4 $fixed ./on-threads careful >out 2>&1 || { cat out && return 1; }
        test ! -s out || { cat out && return 1; }
    done
}

found_simulated() {
    "$pirn" explore --seed 1 ./simulated >out
    test $? -eq 1 && grep 'data race on counter' out && grep 'in work at both.c:12' out
}

silent_simulated() {
    "$pirn" explore --seed 1 -n 100 ./simulated careful >out
    status=$?
    cat out
    return $status
}

cd "$scratch" || exit 1
run 'compiles for the simulator' "$pirn" cc -O1 -o simulated both.c
run 'the race is found in the simulator' found_simulated
run 'the correct program is silent there' silent_simulated

echo 'int main(void) { return 0; }' >probe.c
if ${CC} -fsanitize=thread -o probe probe.c 2>/dev/null && $fixed ./probe; then
    run 'compiles for threads with -fsanitize=thread' build_for_threads
    cd "$scratch" || exit 1
    run 'the same race is found on threads' found_on_threads
    run 'the correct program is silent there too' silent_on_threads
else
    skip 'the same race on threads' 'the compiler has no ThreadSanitizer that runs here'
fi

done_testing
