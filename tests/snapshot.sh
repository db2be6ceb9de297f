#!/bin/sh
# Runs that share a process do what runs in processes of their own do, and where they cannot they
# get processes of their own.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
habits=$top_builddir/tests/habits

# As many runs as check-long asks for, or fewer.
runs=500
test -n "${PIRN_TEST_TASKS-}" && runs=10000

# Explores; the output is in $scratch/out. Any failures are of the program.
explore() {
    "$pirn" explore --seed 1 --keep-going --quiet --json "$@" >"$scratch/out"
    status=$?
    tail -n 3 "$scratch/out"
    test $status -le 1
}

# What a run is: its schedule has the hash of all its events.
runs_of() {
    sqlite3 "$1" "SELECT seed, schedule, outcome, message, steps, tasks, switches, preemptions, virtual_ns, graph FROM run ORDER BY seed"
}

says() {
    grep "\"type\":\"summary\".*$1" "$scratch/out"
}

# The same runs either way.
same() {
    n=$1
    shift
    rm -f "$scratch/fork.db" "$scratch/snapshot.db"
    explore -n "$n" --record=none --isolate=fork --trace "$scratch/fork.db" "$@" && says '"isolation":"fork"' &&
        explore -n "$n" --record=none --trace "$scratch/snapshot.db" "$@" || return 1
    runs_of "$scratch/fork.db" >"$scratch/a" && runs_of "$scratch/snapshot.db" >"$scratch/b" &&
        test "$(wc -l <"$scratch/a")" -eq "$n" && cmp "$scratch/a" "$scratch/b"
}
same_put_back() {
    same "$@" && says '"isolation":"snapshot"'
}

# Everything that a trace says of its runs.
same_events() {
    for how in fork snapshot; do
        rm -f "$scratch/$how.db"
        explore -n "${events_of:-60}" --record=all --isolate=$how --trace "$scratch/$how.db" "$@" && says "\"isolation\":\"$how\"" &&
            sqlite3 "$scratch/$how.db" "SELECT * FROM task; SELECT * FROM object; SELECT * FROM event; SELECT * FROM select_case;
                SELECT * FROM edge; SELECT * FROM finding; SELECT * FROM site" >"$scratch/$how" || return 1
    done
    test -s "$scratch/fork" && cmp "$scratch/fork" "$scratch/snapshot"
}

# Runs that depend on those before: the same runs, and the same is said of them.
same_search() {
    n=$1
    shift
    for how in fork snapshot; do
        rm -f "$scratch/$how.db"
        explore -n "$n" --record=none --isolate=$how --trace "$scratch/$how.db" "$@" && says "\"isolation\":\"$how" || return 1
        runs_of "$scratch/$how.db" >"$scratch/$how"
        sed -n 's/"seconds":[0-9.]*,//; s/"isolation".*//; /"type":"summary"/p' "$scratch/out" >>"$scratch/$how"
    done
    cat "$scratch/snapshot"
    test "$(wc -l <"$scratch/fork")" -gt 3 && cmp "$scratch/fork" "$scratch/snapshot"
}

# Goes back to processes of its own by itself, for a reason.
cannot() {
    same 40 "$habits" "$1" && says "\"isolation\":\"fork\"" && says "\"not_restored\":\"[^\"]*$2"
}

# What is said of runs of which nothing is recorded but what fails: most are told of in figures alone.
same_figures() {
    for how in fork snapshot; do
        explore -n 1500 --isolate=$how "$@" && says "\"isolation\":\"$how" || return 1
        sed 's/"seconds":[0-9.]*,//; s/"isolation".*//' "$scratch/out" >"$scratch/$how"
    done
    says '"pairs":[1-9]' && cmp "$scratch/fork" "$scratch/snapshot"
}

# The function alone, again and again: the same where it leaves nothing.
none() {
    for how in fork none; do
        explore -n 2500 --isolate=$how "$top_builddir/docs/examples/pipeline" && says "\"isolation\":\"$how\"" || return 1
        sed 's/"seconds":[0-9.]*,//; s/"isolation".*//' "$scratch/out" >"$scratch/$how"
    done
    cmp "$scratch/fork" "$scratch/none"
}
none_counts() {
    explore -n 300 --isolate=none "$habits" count "$scratch/counter.so"
    says '"failures":[1-9]'
}

# Where it may not write as much as a copy of the memory needs.
small_files() {
    (ulimit -f 1000 && explore -n 40 "$top_builddir/docs/examples/transactions-fixed") && says '"failures":0' && says '"isolation":"fork"' &&
        says '"not_restored":"[^"]*ulimit -f'
}

counts() {
    explore -n 300 --isolate="$1" "$habits" count "$scratch/counter.so" && says '"failures":0' && says "\"isolation\":\"$1\""
}

asked_for() {
    explore -n 50 --isolate=fork "$habits" count "$scratch/counter.so" && says '"isolation":"fork"' && ! says not_restored
}

if test -n "${SANITIZED-}"; then
    sanitized() {
        explore -n 20 "$top_builddir/docs/examples/hello" && says '"isolation":"fork"' && says '"not_restored":"[^"]*sanitizer'
    }
    run "not with a sanitizer" sanitized
    done_testing
fi

echo 'int counter = 41;' | $CC -shared -fPIC -xc -o "$scratch/counter.so" - || exit 1
run "every kind of memory is as new in a process of its own" counts fork
run "every kind of memory is put back" counts snapshot
run "a process for each run can be asked for" asked_for
for program in transactions transactions-fixed pipeline; do
    run "$program comes to the same figures" same_figures "$top_builddir/docs/examples/$program"
done
run "several processes come to the same figures" same_figures -j 3 "$top_builddir/docs/examples/transactions"
run "so does a shard: figures" same_figures --shard=2/3 "$top_builddir/docs/examples/transactions-fixed"
run "files may not be large" small_files
run "nothing is put back where that is asked for" none
run "what a run leaves is seen then" none_counts
if ! command -v sqlite3 >/dev/null; then
    skip "the same runs" "sqlite3 is not installed"
    done_testing
fi
for program in transactions transactions-fixed philosophers worker-pool pipeline; do
    run "$program does the same" same_put_back "$runs" "$top_builddir/docs/examples/$program"
done
for strategy in dfs dfs:depth=2 dpor; do
    run "philosophers does the same with $strategy" same_search 300 --strategy=$strategy "$top_builddir/docs/examples/philosophers" 3
done
run "pipeline does the same with dpor" same_search 300 --strategy=dpor "$top_builddir/docs/examples/pipeline"
run "several processes do the same" same_put_back "$runs" -j 3 "$top_builddir/docs/examples/transactions"
run "so do several with dfs" same_search 300 -j 3 --strategy=dfs:depth=1 "$top_builddir/docs/examples/philosophers" 3
run "so does a shard" same_search 300 --shard=2/3 "$top_builddir/docs/examples/transactions"
run "so does every event" same_events "$top_builddir/docs/examples/transactions"
run "a file that is closed again is nothing" same_put_back 100 "$habits" file
run "panics are put back" same_put_back 200 "$habits" panic
run "exit in the middle of a run is put back" same_put_back 200 "$habits" exit
run "a crash is a crash" same_put_back 300 "$habits" crash
run "crashes all the time" cannot crash-always "crash too often"
run "descriptors left open" cannot open descriptors
run "descriptors closed" cannot close descriptors
run "descriptors replaced" cannot replace descriptors
run "another folder" cannot folder folder
run "handlers of signals" cannot signal signals
run "threads" cannot thread threads
run "processes" cannot process processes
run "protected memory" cannot protect mappings
run "too much memory" cannot reserve "more memory than"

# ---- Programs that are watched for races: what is remembered of their memory tells one run from another ----

cat >"$scratch/one.c" <<'END'
#include <stdio.h>
#include <races.h>
static struct race_case *cases;
void race_case_add(struct race_case *one) { one->next = cases; cases = one; }
void race_object_add(struct race_object *one) { one->next = NULL; } /* it is new in each run by itself */
/* Runs the case of a name as a program of its own; without one lists all names. */
int main(int argc, char **argv) {
    for (struct race_case *one = cases; one; one = one->next)
        if (argc < 2)
            puts(one->name);
        else if (!strcmp(one->name, argv[1]))
            return pirn_run(NULL, one->fn, NULL) ? 1 : 0;
    return argc < 2 ? 0 : 2;
}
END
races=$top_srcdir/tests/races
if ! "$pirn" cc --cc="$CC" -O1 -std=gnu11 -w -I"$races" -o "$scratch/one" "$scratch/one.c" "$races/atomics.c" "$races/memory.c" \
    "$races/structures.c" "$races/sync.c"; then
    fails() { false; }
    run "programs with races can be built" fails
    done_testing
fi
# All of them where check-long asks for it.
cases='buffered_back handing_over_and_keeping stack_shared copies_of_arguments read_set_one_ordered read_set_both_ordered seqlock_of_plain_data'
test -z "${PIRN_TEST_TASKS-}" || cases=$("$scratch/one")
events_of=40
for case in $cases; do
    run "races: $case has the same events and findings" same_events "$scratch/one" "$case"
done
run "races: the same runs" same_put_back "$runs" "$scratch/one" seqlock_of_plain_data
run "races: the same where each access is a scheduling point" same_put_back 100 --points=access "$scratch/one" read_set_both_ordered
run "races: the same with dpor" same_search 100 --strategy=dpor "$scratch/one" seqlock_of_plain_data

# Memory in so many places that not all of them can be watched from run to run.
cat >"$scratch/far.c" <<'END'
#define _GNU_SOURCE
#include <pirn.h>
#include <stdint.h>
#include <sys/mman.h>
enum { PLACES = 140, FIRST = 512 };
static char *places[PLACES];
static void count(void *arg) {
    (void)arg;
    for (int i = 0; i < PLACES; i++) places[i][0]++;
}
static void both(void *arg) {
    pirn_waitgroup group = {0};
    pirn_waitgroup_go(&group, count, arg);
    pirn_waitgroup_go(&group, count, arg);
    pirn_waitgroup_wait(&group);
    pirn_assert(places[PLACES - 1][0] == 2);
}
int main(void) {
    for (uintptr_t i = 0; i < PLACES; i++) {
        places[i] = mmap((void *)((i + FIRST) << 30), 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (places[i] == MAP_FAILED) return 2;
    }
    return pirn_run(0, both, 0);
}
END
far() {
    "$pirn" cc --cc="$CC" -O1 -o "$scratch/far" "$scratch/far.c" && same 30 "$scratch/far" && says '"failures":30' &&
        says '"isolation":"fork"' && says '"not_restored":"it accesses more memory'
}
run "races: memory in very many places" far
done_testing
