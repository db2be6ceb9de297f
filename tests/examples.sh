#!/bin/sh
# The examples do on both engines what they say that they do.

. "$top_srcdir/tests/tap.sh"

examples=$top_builddir/docs/examples
pirn=$top_builddir/pirn

# Runs a command that has to end with status $1 and print a line that matches $2.
ends() {
    expected=$1
    pattern=$2
    shift 2
    "$@" >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    if test $status -ne "$expected"; then
        echo "the exit status is $status, not $expected"
        return 1
    fi
    grep -qi -e "$pattern" "$scratch/out" || { echo "no line matches: $pattern" && return 1; }
}

# For a bug that is rare on threads: the program ends well and prints a line that matches $1, or it
# reports the bug.
ends_or_deadlocks() {
    ends 0 "$@" || grep -q 'deadlock' "$scratch/out"
}

# Explores a program with the fixed seed that makes the result the same each time.
finds() {
    expected=$1
    pattern=$2
    shift 2
    ends "$expected" "$pattern" "$pirn" explore --seed 1 "$@"
}

# What is recorded can be repeated, told and drawn.
finds_repeats_and_tells() {
    rm -f "$scratch/trace.db"
    finds 1 "$1" --trace "$scratch/trace.db" "$2" &&
        ends 1 "$1" "$pirn" replay "$scratch/trace.db" "$2" &&
        ends 0 "$1" "$pirn" explain "$scratch/trace.db"
}

run "transactions works on threads" ends_or_deadlocks '^3 of 3 transfers done' "$examples/transactions"
run "transactions-fixed works on threads" ends 0 '^3 of 3 transfers done' "$examples/transactions-fixed"
run "worker-pool works on threads" ends 0 'is no number' "$examples/worker-pool"
run "pipeline works on threads" ends 0 'add up to 385' "$examples/pipeline"
run "sieve works on threads" ends 0 '^2 3 5 7 11$' "$examples/sieve"
run "cancel stops at the first failure on threads" ends 0 '^all pages: No such file' "$examples/cancel"
run "sieve counts far" ends 0 ' 541$' "$examples/sieve" 100
run "sieve refuses nonsense" ends 2 usage "$examples/sieve" nonsense
run "echo works on threads" ends 0 '^3 clients' "$examples/echo"
run "philosophers end on threads" ends_or_deadlocks . "$examples/philosophers"
run "hello ends on threads" ends_or_deadlocks Tony "$examples/hello"

for engine in "" -sim; do
    case $engine in
    "") how="linked with libpirn, unchanged" ;;
    *) how="linked with libpirn-sim" ;;
    esac
    run "a deadlock is found in transactions, $how" finds_repeats_and_tells deadlock "$examples/transactions$engine"
    run "a leak is found in worker-pool, $how" finds_repeats_and_tells leak "$examples/worker-pool$engine"
    run "a deadlock is found in philosophers, $how" finds_repeats_and_tells deadlock "$examples/philosophers$engine"
    run "a deadlock is found among two philosophers, $how" finds 1 deadlock "$examples/philosophers$engine" 2
    run "a deadlock is found in hello, $how" finds_repeats_and_tells deadlock "$examples/hello$engine"
    for correct in transactions-fixed pipeline sieve cancel echo; do
        run "nothing is found in $correct, $how" finds 0 '^200 runs.* 0 failures' -n 200 "$examples/$correct$engine"
    done
    run "nothing is found in a longer sieve, $how" finds 0 ' 0 failures' -n 50 "$examples/sieve$engine" 9
done

run "the demonstration finds its bug" ends 0 '^The picture is\|^\$ ./pirn view' \
    sh "$top_srcdir/docs/examples/demo.sh" "$top_builddir"
done_testing
