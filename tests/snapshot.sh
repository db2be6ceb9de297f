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
        explore -n 60 --record=all --isolate=$how --trace "$scratch/$how.db" "$@" && says "\"isolation\":\"$how\"" &&
            sqlite3 "$scratch/$how.db" "SELECT * FROM task; SELECT * FROM object; SELECT * FROM event; SELECT * FROM select_case;
                SELECT * FROM edge; SELECT * FROM finding; SELECT * FROM site" >"$scratch/$how" || return 1
    done
    test -s "$scratch/fork" && cmp "$scratch/fork" "$scratch/snapshot"
}

# Goes back to processes of its own by itself, for a reason.
cannot() {
    same 40 "$habits" "$1" && says "\"isolation\":\"fork\"" && says "\"not_restored\":\"[^\"]*$2"
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
if ! command -v sqlite3 >/dev/null; then
    skip "the same runs" "sqlite3 is not installed"
    done_testing
fi
for program in transactions transactions-fixed philosophers worker-pool pipeline; do
    run "$program does the same" same_put_back "$runs" "$top_builddir/docs/examples/$program"
done
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
done_testing
