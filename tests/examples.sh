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

ends_or_panics() {
    ends 0 "$@" || grep -q 'panic: the log is not open' "$scratch/out"
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

# What service says that became of its requests adds up to how many there were.
adds_up() {
    ends 0 '^the balances add up to 8000' "$@" &&
        tr -d ',:' <"$scratch/out" | awk 'NR == 1 {
            if ($2 != "requests" || NF != 13) exit 1
            exit $1 < 14400 || $1 != $3 + $5 + $7 + $9 + $12
        }'
}

ends_in_every_way() {
    ends 0 '^ok' "$pirn" run --seed 1 --timers=late "$examples/service" 20 20 &&
        ! grep -E '[ :]0 (accepted|refused|rejected|timed out|cancelled)' "$scratch/out"
}

# Files with all that can stand between two words, and at the borders of what is read at once.
texts=$scratch/texts
mkdir -p "$texts/below/further" "$texts/empty"
printf 'The cat, the dog -- THE END.\n\tx1 X1\0nul\r\ncaf\303\251 Caf\303\251 tie' >"$texts/small"
: >"$texts/below/none"
awk 'BEGIN {
    for (i = 0; i < 40000; i++) printf "%s%s", "w" i % 701 * i % 97, i % 11 ? " " : "\n"
    for (i = 0; i < 100000; i++) printf "long"
    print " b a"
}' >"$texts/below/further/large"
cp "$texts/below/further/large" "$texts/below/again and again"
ln -s ../small "$texts/below/link"

# The same in a pipeline. Some versions of uniq pad with other numbers of spaces.
counted_by_sort() {
    find "$texts" -type f -exec sh -c 'cat "$0"; echo' {} \; | LC_ALL=C tr 'A-Z' 'a-z' | LC_ALL=C tr -cs 'a-z0-9\200-\377' '\n' |
        sed '/^$/d' | LC_ALL=C sort | uniq -c | awk '{ printf "%7d %s\n", $1, $2 }' | LC_ALL=C sort -k1,1nr -k2
}

counts_words() {
    "$examples/wordcount" "$@" "$texts" >"$scratch/words" && diff "$scratch/expected" "$scratch/words"
}

# Two files that are not there, and a good one, which is counted.
counts_what_it_can() {
    "$examples/wordcount" -n 2 "$scratch/none" "$texts/small" "$scratch/neither" >"$scratch/out" 2>"$scratch/errors"
    status=$?
    cat "$scratch/out" "$scratch/errors"
    test $status -eq 1 && test "$(cat "$scratch/out")" = "$(printf '      3 the\n      2 caf\303\251')" &&
        test "$(grep -c '^wordcount: .*/\(none\|neither\): No such file' "$scratch/errors")" = 2
}

tells_of_a_full_disk() {
    test -w /dev/full || return 0
    "$examples/wordcount" "$texts" 2>&1 >/dev/full | grep '^wordcount: standard output: '
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
run "http-echo serves clients of its own" ends 0 '^20 requests, at most' "$examples/http-echo" -c 10
for workers in 1 2 4; do
    PIRN_WORKERS=$workers
    export PIRN_WORKERS
    run "service adds up under load on $workers threads" adds_up "$examples/service" 64 300
    unset PIRN_WORKERS
done
counted_by_sort >"$scratch/expected"
for workers in 1 2 4; do
    run "wordcount counts as sort and uniq do, $workers workers" counts_words -n 0 -w $workers
    run "and one file at a time, $workers workers" counts_words -n 0 -w $workers -j 1
done
run "wordcount reads a pipe" ends 0 '^ *2 x$' sh -c 'printf "x y x" | "$0" /dev/stdin' "$examples/wordcount"
run "wordcount goes on without what it cannot read" counts_what_it_can
run "wordcount tells when it cannot write" tells_of_a_full_disk
run "wordcount refuses to count nothing" ends 2 usage "$examples/wordcount"
run "each way in which a request can end is seen" ends_in_every_way
run "service refuses nonsense" ends 2 usage "$examples/service" nonsense
run "philosophers end on threads" ends_or_deadlocks . "$examples/philosophers"
run "late-start ends on threads" ends_or_panics '^log: 8 requests' "$examples/late-start"
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
    run "a panic is found in late-start, $how" finds_repeats_and_tells 'the log is not open' "$examples/late-start$engine"
    run "a deadlock is found in hello, $how" finds_repeats_and_tells deadlock "$examples/hello$engine"
    for correct in transactions-fixed pipeline sieve cancel echo; do
        run "nothing is found in $correct, $how" finds 0 '^200 runs.* 0 failures' -n 200 "$examples/$correct$engine"
    done
    run "nothing is found in service, $how" finds 0 '^300 runs.* 0 failures' -n 300 "$examples/service$engine" 5 4
    run "nothing is found in service with late timers, $how" \
        finds 0 '^300 runs.* 0 failures' -n 300 --timers=late "$examples/service$engine" 12 4
    run "nothing is found in http-echo, $how" finds 0 '^50 runs.* 0 failures' -n 50 "$examples/http-echo$engine" -c 3
    run "nothing is found in wordcount, $how" \
        finds 0 '^50 runs.* 0 failures' -n 50 "$examples/wordcount$engine" -j 3 "$top_srcdir/docs/examples"
    run "nothing is found in a longer sieve, $how" finds 0 ' 0 failures' -n 50 "$examples/sieve$engine" 9
done

run "the demonstration finds its bug" ends 0 '^The picture is\|^\$ ./pirn view' \
    sh "$top_srcdir/docs/examples/demo.sh" "$top_builddir"
done_testing
