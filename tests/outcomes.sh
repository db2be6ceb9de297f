#!/bin/sh
# Two engines, one meaning: random programs may do on threads what the simulator says they can do,
# and nothing else; dpor finds all that random runs find; and what is done to channels is what their
# specification says, on both.

. "$top_srcdir/tests/tap.sh"

simulated=$top_builddir/tests/outcomes-sim
threads=$top_builddir/tests/outcomes-threads

# How many programs, and from which seed on. More than some 1000 do not fit the time that a script has: make check-long takes
# 10,000 in portions, from other seeds each. Of those that do nothing but use channels there are ten times as many, as a run of
# theirs is short: no pair of operations of which dpor thinks wrongly should get through.
programs=${PIRN_TEST_PROGRAMS:-300}
first=${PIRN_TEST_FROM:-1}
if test -n "${SANITIZED-}"; then programs=$((programs / 5)); fi
of_channels=$((10 * programs))
first_of_channels=$((4294967296 + 10 * first))
first_of_locks=$((8589934592 + 10 * first))

# The output is shown when the test fails. What the runtime wrote about the last run is in `err`.
explores() {
    "$simulated" "$@" >"$scratch/set"
    status=$?
    grep -v '^[0-9]' "$scratch/set"
    return $status
}
plays() {
    "$threads" "$@" >"$scratch/out" 2>"$scratch/err"
    status=$?
    cat "$scratch/out"
    test $status -le 1 || cat "$scratch/err"
    return $status
}

fits() {
    explores --from="$first" --programs="$programs" || return 1
    plays "$scratch/set"
}
told() { sed -n 's/^# \([0-9]* programs, \)/# \1/p' "$scratch/set" "$scratch/out"; }

# Each of these is wrong on purpose. One shows only where tasks meet in the middle of a step.
caught() {
    runs=5
    test "$2" != unlocked || runs=40
    case $1 in
    simulated) explores --programs=300 --runs=1 --mutant="$2" >"$scratch/told" ;;
    threads) plays --runs=$runs --mutant="$2" "$scratch/set" >"$scratch/told" ;;
    esac
    status=$?
    grep '^#' "$scratch/told"
    test $status -eq 1
}

if test ! -x "$simulated"; then
    # ThreadSanitizer watches threads, and the simulator has none.
    run "histories on threads are linearizable" plays --histories --programs=$programs
    done_testing
fi

run "$programs programs from seed $first on: threads do what the simulator says" fits
told

run "$of_channels programs of channels alone: dpor finds what random runs find" \
    explores --from=$first_of_channels --programs=$of_channels --runs=200
sed -n 's/^# \([0-9]* programs, \)/# \1/p' "$scratch/set"

run "$of_channels programs of locks alone: the same" \
    explores --from=$first_of_locks --programs=$of_channels --runs=200
sed -n 's/^# \([0-9]* programs, \)/# \1/p' "$scratch/set"

few=$((programs / 3))
for from in $first_of_channels $first_of_locks; do
    case $from in "$first_of_channels") kind=channels ;; *) kind=locks ;; esac
    run "$programs of $kind: runs given out ahead find the same" \
        explores --shared --from=$from --programs=$programs
    run "$of_channels of $kind: so do shards" explores --shards --from=$from --programs=$of_channels
    run "$few of $kind: dpor makes the graphs that dfs makes" \
        explores --graphs --from=$from --programs=$few
done

# Which dpor, or its shards, got wrong once, and chance had to be lucky to show.
for seed in 200784 3017630 8589936080 8590989035 4600035654; do
    run "program $seed: dpor finds what random runs find" explores --from=$seed --programs=1 --runs=20000
done
for seed in 4295042657 4296005932 4400000507 8590948057 8590954610; do
    run "program $seed: shards find what one search finds" explores --shards --from=$seed --programs=1
done

run "the outcomes to compare mutants with" explores --programs=300
for mutant in value capacity unlocked swapped stack discard open last eager; do
    run "threads: $mutant is caught" caught threads $mutant
done
for mutant in value capacity swapped stack discard open last eager; do
    run "the simulator: $mutant is caught" caught simulated $mutant
done

done_testing
