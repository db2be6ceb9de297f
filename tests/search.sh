#!/bin/sh
# The systematic strategies in whole programs: a search that is interrupted and goes on, or is shared among processes or
# shards, makes the runs that one process makes in one go, each once.

. "$top_srcdir/tests/command-line.sh"

if ! command -v sqlite3 >/dev/null; then
    skip "searches" "no sqlite3 program"
    done_testing
fi
if test -n "${SANITIZED-}"; then
    skip "searches" "a plain program cannot load a sanitized library"
    done_testing
fi

# gives, whether something is found or not.
explores() { gives 0 explore "$@" >log || test "$status" -eq 1 || { cat log; return 1; }; }
# The runs in a trace, in an order of its columns.
runs() { sql "$1" "SELECT strategy, schedule, outcome, message, steps, graph FROM run ORDER BY $2"; }
# What was found, and whether that is all, without the time it took.
figures() { sed -n 's/ in [0-9.e+-]* s ([a-z ]*)$//; s/ ([0-9]* of them before)//; / distinct, /p; /covered/p' out; }
once_each() { test "$(sql "$1" 'SELECT count(*) - count(DISTINCT schedule) FROM run')" -eq 0; }
build() {
    cat >"$1.c" && $CC -I"$top_srcdir/lib" "$1.c" -o "$1" -L"$top_builddir/.libs" -lpirn -Wl,-rpath,"$top_builddir/.libs"
}

# TASKS tasks lock a mutex, that of all or each its own.
build locks <<'END_OF_PROGRAM' || exit 1
#include <pirn.h>
#include <stdlib.h>
static pirn_mutex mutexes[8];
static int tasks, times, own;
static void lock(void *arg) {
    pirn_mutex *mutex = &mutexes[own ? *(int *)arg : 0];
    for (int i = 0; i < times; i++) {
        pirn_mutex_lock(mutex);
        pirn_mutex_unlock(mutex);
    }
}
static void body(void *arg) {
    static int numbers[8];
    (void)arg;
    for (int i = 0; i < tasks; i++) {
        numbers[i] = i;
        pirn_go(lock, &numbers[i]);
    }
}
int main(int argc, char **argv) {
    tasks = argc > 1 ? atoi(argv[1]) : 2;
    times = argc > 2 ? atoi(argv[2]) : 1;
    own = argc > 3;
    return pirn_run(NULL, body, NULL);
}
END_OF_PROGRAM

# A select over two channels; one of the choices ends in a deadlock.
build chooses <<'END_OF_PROGRAM' || exit 1
#include <pirn.h>
static pirn_chan *a, *b;
static void give(void *arg) {
    int value = 1;
    pirn_send(arg, &value);
}
static void body(void *arg) {
    int value;
    (void)arg;
    a = pirn_chan_new(sizeof value, 0);
    b = pirn_chan_new(sizeof value, 1);
    pirn_go(give, a);
    if (pirn_choose(3)) pirn_go(give, b);
    pirn_case cases[] = {PIRN_CASE_RECV(a, &value), PIRN_CASE_RECV(b, &value)};
    pirn_select(cases, 2, PIRN_FOREVER);
    pirn_recv(b, &value);
}
int main(void) { return pirn_run(NULL, body, NULL); }
END_OF_PROGRAM

# Tasks that make some operations each, as the argument draws them.
build mixed <<'END_OF_PROGRAM' || exit 1
#include <pirn.h>
#include <stdlib.h>
enum { TASKS = 3, MOST = 5 };
static pirn_mutex mutexes[2];
static pirn_rwmutex shared;
static pirn_sem permits;
static pirn_chan *channels[2];
static unsigned long state;
static unsigned ops[TASKS][MOST], count;
static unsigned draw(unsigned n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}
static void make(unsigned op, int value) {
    int got;
    pirn_mutex *mutex = &mutexes[op & 1], *other = &mutexes[1 - (op & 1)];
    pirn_chan *channel = channels[op & 1];
    pirn_case cases[] = {PIRN_CASE_RECV(channels[0], &got), PIRN_CASE_SEND(channels[1], &value)};
    switch (op / 2) {
    case 0: pirn_mutex_lock(mutex); pirn_mutex_unlock(mutex); break;
    case 1: pirn_send(channel, &value); break;
    case 2: pirn_recv(channel, &got); break;
    case 3: pirn_select(cases, 2, op & 1 ? PIRN_NOW : PIRN_FOREVER); break;
    case 4:
        if (op & 1) {
            pirn_rwmutex_lock(&shared);
            pirn_rwmutex_unlock(&shared);
        } else {
            pirn_rwmutex_rlock(&shared);
            pirn_rwmutex_runlock(&shared);
        }
        break;
    case 5:
        pirn_sem_acquire(&permits, 1 + (op & 1), PIRN_FOREVER);
        pirn_sem_release(&permits, 1 + (op & 1));
        break;
    case 6:
        pirn_mutex_lock(mutex);
        pirn_mutex_lock(other);
        pirn_mutex_unlock(other);
        pirn_mutex_unlock(mutex);
        break;
    default: if (pirn_mutex_trylock(mutex) == 0) pirn_mutex_unlock(mutex);
    }
}
static void play(void *arg) {
    int task = *(int *)arg;
    for (unsigned i = 0; i < count; i++) make(ops[task][i], task);
}
static void body(void *arg) {
    static int numbers[TASKS];
    (void)arg;
    channels[0] = pirn_chan_new(sizeof(int), 0);
    channels[1] = pirn_chan_new(sizeof(int), 1);
    pirn_sem_init(&permits, 2);
    for (int i = 0; i < TASKS; i++) {
        numbers[i] = i;
        pirn_go(play, &numbers[i]);
    }
}
int main(int argc, char **argv) {
    state = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15u;
    count = 2 + draw(2);
    for (int t = 0; t < TASKS; t++)
        for (unsigned i = 0; i < count; i++) ops[t][i] = draw(16);
    return pirn_run(NULL, body, NULL);
}
END_OF_PROGRAM

# Whether two traces have the same runs, in whatever order; of dpor, for which a class may be another one of its schedules, the
# same classes.
same_runs() {
    if test "$1" = dpor; then order=graph what=graph; else order=schedule what='strategy, schedule, outcome, message, steps, graph'; fi
    for trace in "$2" "$3"; do sql "$trace" "SELECT $what FROM run ORDER BY $order" >"$trace.runs"; done
    cmp "$2.runs" "$3.runs"
}
# Shards of dpor may have some classes in common.
same_classes() {
    for trace in "$1" "$2"; do sql "$trace" "SELECT DISTINCT graph FROM run ORDER BY graph" >"$trace.classes"; done
    cmp "$1.classes" "$2.classes"
}
# What one process finds in one go: whole.db, `expected`.
in_one_go() {
    strategy=$1
    shift
    rm -f whole.db parts.db merged.db shard*.db
    explores --strategy="$strategy" --keep-going --trace whole.db "$@" && figures | tee expected
    grep -q '^exhausted: ' expected && once_each whole.db
}
# In several goes, of so many runs each, and once more when all is done.
in_parts() {
    goes=$1
    strategy=$2
    shift 2
    in_one_go "$strategy" "$@" || return 1
    explores --strategy="$strategy" --keep-going -n 1 --trace parts.db "$@" || return 1
    for n in $goes; do explores --keep-going -n "$n" --resume parts.db "$@" || return 1; done
    for again in 1 2; do
        explores --keep-going --resume parts.db "$@" && figures | diff expected - || return 1
        runs whole.db id >whole && runs parts.db id >parts && cmp whole parts || return 1
    done
    test "$(sql parts.db 'SELECT count(*) FROM exploration')" -eq 1
}
in_parts_of_processes() {
    strategy=$1
    shift
    in_one_go "$strategy" "$@" || return 1
    explores --strategy="$strategy" --keep-going -n 5 -j 2 --trace parts.db "$@" &&
        explores --keep-going -n 9 --resume parts.db "$@" &&
        explores --keep-going -n 11 -j 3 --resume parts.db "$@" &&
        explores --keep-going --resume parts.db "$@" && figures | diff expected - && same_runs "$strategy" whole.db parts.db
}
in_processes() {
    strategy=$1
    shift
    in_one_go "$strategy" "$@" || return 1
    for jobs in 2 5; do
        rm -f parts.db again.db
        explores -j $jobs --strategy="$strategy" --keep-going --trace parts.db "$@" && figures | diff expected - &&
            same_runs "$strategy" whole.db parts.db || return 1
        # In the same order each time.
        explores -j 4 --strategy="$strategy" --keep-going --trace again.db "$@" || return 1
        runs parts.db id >parts && runs again.db id >again && cmp parts again || return 1
    done
}
in_shards() {
    of=$1
    strategy=$2
    shift 2
    in_one_go "$strategy" "$@" || return 1
    shard=1
    while test $shard -le "$of"; do
        explores --seed=1 --shard=$shard/"$of" -n 2 --strategy="$strategy" --keep-going --trace shard$shard.db "$@" &&
            explores -j $((shard % 2 + 1)) --keep-going --resume shard$shard.db "$@" &&
            prints "^exhausted: every schedule of shard $shard/$of is covered" || return 1
        shard=$((shard + 1))
    done
    gives 0 merge merged.db shard*.db || return 1
    if test "$strategy" = dpor; then same_classes whole.db merged.db; else same_runs "$strategy" whole.db merged.db; fi || return 1
    test "$(sql merged.db 'SELECT count(*) - count(DISTINCT seed) FROM run')" -eq 0
}

# ---- Counts ----

counts() {
    count=$1
    shift
    in_one_go "$@" && grep -q "^$count runs*, " expected
}
run "dpor: three tasks lock one mutex" counts 6 dpor ./locks 3
run "dpor: two tasks lock one mutex three times" counts 20 dpor ./locks 2 3
run "dpor: three tasks lock mutexes of their own" counts 1 dpor ./locks 3 1 own
run "dpor: two philosophers" counts 11 dpor "$examples/philosophers" 2
run "dpor: three philosophers" counts 106 dpor "$examples/philosophers" 3
run "dpor: four philosophers" counts 831 dpor "$examples/philosophers" 4

# ---- In parts ----

run "dpor goes on: a mutex" in_parts '1 2 7' dpor ./locks 4
run "dpor goes on: philosophers" in_parts '1 3 2' dpor "$examples/philosophers" 2
run "dpor goes on: channels" in_parts '1 1' dpor ./chooses
run "dpor goes on after each run" in_parts '1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1' dpor ./locks 4
run "dpor goes on: a mixture, where some runs are nothing new" in_parts '1 1 1 3 20 1 40' dpor ./mixed 13
run "dfs goes on: a mutex" in_parts '1 2 30' dfs ./locks 2
run "dfs goes on: channels" in_parts '1 20 3' dfs ./chooses
run "dfs goes on, with a bound: mutexes" in_parts '1 1 2 7 20' dfs:depth=2 ./locks 2 2
run "dfs goes on, with a bound: philosophers" in_parts '5 9' dfs:depth=1 "$examples/philosophers" 2
run "one process goes on with what several have begun" in_parts_of_processes dfs ./locks 2
run "likewise, with a bound" in_parts_of_processes dfs:depth=2 ./locks 2 2
run "likewise, dpor" in_parts_of_processes dpor ./locks 5
run "likewise, dpor, philosophers" in_parts_of_processes dpor "$examples/philosophers" 3

# Ctrl-C after some runs.
interrupted() {
    strategy=$1
    shift
    in_one_go "$strategy" "$@" || return 1
    total=$(sql whole.db 'SELECT count(*) FROM run')
    for jobs in ${JOBS-1}; do
        rm -f parts.db
        sh -c 'echo $$ >pid.new; mv pid.new pid; exec "$@"' sh "$pirn" explore --strategy="$strategy" -j $jobs --keep-going \
            --trace parts.db "$@" >out 2>err </dev/null &
        i=0
        until test "$(sql parts.db 'SELECT count(*) > 3 FROM run' 2>/dev/null)" = 1; do
            i=$((i + 1))
            test $i -lt 600 || return 1
            sleep 0.1
        done
        kill -TERM "$(cat pid)"
        wait $!
        cat out err
        echo "$(sql parts.db 'SELECT count(*) FROM run') of $total runs"
        explores -j $jobs --keep-going --resume parts.db "$@" && figures | diff expected - &&
            same_runs "$strategy" whole.db parts.db || return 1
    done
}
JOBS='1 2'
run "dpor goes on after an interruption" interrupted dpor "$examples/philosophers" 4
run "dfs goes on after an interruption" interrupted dfs ./chooses

# ---- Shared ----

run "dfs in several processes: a mutex" in_processes dfs ./locks 2
run "dfs in several processes: channels" in_processes dfs ./chooses
run "dfs in several processes, with a bound: mutexes" in_processes dfs:depth=2 ./locks 2 2
run "dfs in several processes, with a bound: philosophers" in_processes dfs:depth=1 "$examples/philosophers" 2
run "dpor in several processes: a mutex" in_processes dpor ./locks 5
run "dpor in several processes: mutexes" in_processes dpor ./locks 3 2
run "dpor in several processes: mutexes of their own" in_processes dpor ./locks 3 1 own
run "dpor in several processes: channels" in_processes dpor ./chooses
run "dpor in several processes: three philosophers" in_processes dpor "$examples/philosophers" 3
run "dpor in several processes: four philosophers" in_processes dpor "$examples/philosophers" 4
run "two shards of dfs: a mutex" in_shards 2 dfs ./locks 2
run "three shards of dfs: channels" in_shards 3 dfs ./chooses
run "two shards of dfs, with a bound: philosophers" in_shards 2 dfs:depth=1 "$examples/philosophers" 2
run "two shards of dpor: a mutex" in_shards 2 dpor ./locks 5
run "three shards of dpor: mutexes" in_shards 3 dpor ./locks 3 2
run "two shards of dpor: channels" in_shards 2 dpor ./chooses
run "two shards of dpor: three philosophers" in_shards 2 dpor "$examples/philosophers" 3
run "five shards of dpor: four philosophers" in_shards 5 dpor "$examples/philosophers" 4
# Everybody comes to the same classes, shards together, and random runs to none beside them.
mixtures() {
    for seed in "$@"; do
        rm -f whole.db parts.db merged.db shard*.db random.db
        explores --strategy=dpor --keep-going --allow=leak --trace whole.db ./mixed "$seed" && figures | tee expected
        grep -q '^exhausted: ' expected || return 1
        explores -j 2 --strategy=dpor --keep-going --allow=leak --trace parts.db ./mixed "$seed" || return 1
        for shard in 1 2; do
            explores --seed=1 --shard=$shard/2 --strategy=dpor --keep-going --allow=leak --trace shard$shard.db ./mixed "$seed" || return 1
        done
        gives 0 merge merged.db shard1.db shard2.db || return 1
        for trace in whole parts merged; do sql $trace.db 'SELECT DISTINCT graph FROM run' | sort >$trace; done
        cmp whole parts && cmp whole merged || return 1
        explores --strategy=random --seed=1 -n 500 --keep-going --allow=leak --trace random.db ./mixed "$seed" || return 1
        sql random.db 'SELECT DISTINCT graph FROM run' | sort >random
        test -z "$(comm -13 whole random)" || return 1
    done
}
run "dpor: the same classes in processes, shards and at random" mixtures 5 7 13 17 20
more_shards_than_runs() {
    rm -f shard*.db
    total=0
    for shard in 1 2 3; do
        explores --seed=1 --shard=$shard/3 --strategy="$1" --keep-going --trace shard$shard.db ./locks 1 &&
            prints "^exhausted: every schedule of shard $shard/3 is covered" || return 1
        total=$((total + $(sql shard$shard.db 'SELECT count(*) FROM run')))
    done
    explores --strategy="$1" --keep-going ./locks 1 && prints "^$total run"
}
run "more shards than runs" more_shards_than_runs dfs
run "more shards than runs, dpor" more_shards_than_runs dpor
killed() {
    strategy=$1
    shift
    in_one_go "$strategy" "$@" || return 1
    "$pirn" explore --strategy="$strategy" -j 2 --keep-going --trace parts.db "$@" >out 2>err </dev/null &
    pid=$!
    i=0
    until test "$(sql parts.db 'SELECT count(*) > 3 FROM run' 2>/dev/null)" = 1; do
        i=$((i + 1))
        test $i -lt 600 || return 1
        sleep 0.1
    done
    kill -KILL $pid
    wait $pid
    explores --keep-going --resume parts.db "$@" && figures | diff expected - && same_runs "$strategy" whole.db parts.db
}
run "dfs goes on after kill -9" killed dfs ./chooses
run "dpor goes on after kill -9" killed dpor "$examples/philosophers" 4

# ---- Refused ----

damaged() {
    rm -f parts.db
    explores --strategy="$1" -n 2 --trace parts.db ./locks 3 && sql parts.db "UPDATE exploration SET position = $2" &&
        refuses "$3" 3 explore --resume parts.db ./locks 3
}
run "a search without a position" damaged dpor NULL 'does not say where the search had come to'
run "a search with another position" damaged dfs "'0 1 2'" 'is damaged'
run "a search with a path that is none" damaged dfs "'0 18446744073709551615 0 0 1:1/1'" 'is damaged'
run "a search of dpor with no more than a number" damaged dpor 5 'is damaged'
run "a search of dpor with another position" damaged dpor "'0 0 0 0 846'" 'is damaged'
run "a search of dpor whose position has lost its end" damaged dpor 'substr(position, 1, length(position) - 40)' 'is damaged'
run "a search of dpor with a digit changed" damaged dpor "substr(position, 1, 70) || char(48 + (unicode(substr(position, 71)) + 1) % 8) || substr(position, 72)" 'is damaged'

done_testing
