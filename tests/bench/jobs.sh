#!/bin/sh
# How many runs a second `pirn explore -j N` makes, beside -j 1: measured in turn, the median of several. The start of the
# program, which is once for each, is taken off.
#
# An exploration with -j 1 is two processes already: one explores and counts, while the other performs runs. So where there are
# two processors it has one of them and a small part of the other, which grows with --trace. What a run takes of processors is shown where perf(1) can count it; "on one processor" is -j 1 with a single one for all of it.
#
# Usage: jobs.sh BUILD-FOLDER [JOBS]...      PIRN_BENCH_RUNS: how often each is measured (5); PIRN_BENCH_COUNT: runs (60000)

build=${1:?usage: jobs.sh BUILD-FOLDER [JOBS]...}
shift
test $# -gt 0 || set -- 2
repeat=${PIRN_BENCH_RUNS:-5}
count=${PIRN_BENCH_COUNT:-60000}
few=1000
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

bind=
first=1
if taskset -c 0 true 2>/dev/null; then
    bind='taskset -c 0'
    first='bound 1'
fi
perf=
! perf stat -x, -e task-clock -o "$scratch/perf" true 2>/dev/null || perf="perf stat -x, -e task-clock -o $scratch/perf"

# Prints the seconds that $2 runs take in $1 processes, by the clock, and of processors (0: unknown).
seconds() {
    jobs=$1 how=
    test "$1" != bound || { jobs=1 how=$bind; }
    $perf $how "$build/pirn" explore --json --seed=1 -j "$jobs" -n "$2" "$build/docs/examples/transactions-fixed" >"$scratch/out"
    sed -n 's/.*"type":"summary","runs":'"$2"',.*"seconds":\([0-9.]*\).*/\1/p' "$scratch/out"
    spent=0
    test -z "$perf" || spent=$(sed -n 's/^\([0-9.]*\),[a-z]*,task-clock.*/\1/p' "$scratch/perf")
    echo "${spent:-0}"
}

i=0
while test $i -lt "$repeat"; do
    for jobs in $first "$@"; do
        echo "$jobs" $(seconds "$jobs" $few) $(seconds "$jobs" "$count")
    done
    i=$((i + 1))
done | awk -v count="$count" -v few=$few '
    NF != 5 { failed = 1; exit }
    { took = $4 - $2; if (!took) took = 1e-6 # so few runs that nothing can be said
      rate[$1, ++seen[$1]] = (count - few) / took; cpu[$1, seen[$1]] = 1000 * ($5 - $3) / (count - few) }
    seen[$1] == 1 { order[++jobs] = $1 }
    function median(of, values,    i, j, value, sorted) {
        for (i = 1; i <= seen[of]; i++) sorted[i] = values[of, i]
        for (i = 2; i <= seen[of]; i++)
            for (j = i; j > 1 && sorted[j] < sorted[j - 1]; j--) { value = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = value }
        return seen[of] % 2 ? sorted[(seen[of] + 1) / 2] : (sorted[seen[of] / 2] + sorted[seen[of] / 2 + 1]) / 2
    }
    END {
        if (failed || !jobs) { print "jobs.sh: an exploration failed" > "/dev/stderr"; exit 1 }
        one = median("1", rate)
        bound = "bound" in seen ? median("bound", rate) : 0
        for (i = 1; i <= jobs; i++) {
            rate_of = median(order[i], rate)
            printf "explore %-24s %8.0f runs/s  %.2f times -j 1", order[i] == "bound" ? "-j 1 on one processor" : "-j " order[i], rate_of, rate_of / one
            if (bound) printf ", %.2f times that on one processor", rate_of / bound
            if (median(order[i], cpu) > 0) printf "; %.1f us of processors for a run", median(order[i], cpu)
            print ""
        }
    }'
