#!/bin/sh
# How many runs a second `pirn explore -j N` makes, beside -j 1: measured in turn, the median of several. The start of the
# program, which is once for each, is taken off.
#
# Usage: jobs.sh BUILD-FOLDER [JOBS]...      PIRN_BENCH_RUNS: how often each is measured (5); PIRN_BENCH_COUNT: runs (6000)

build=${1:?usage: jobs.sh BUILD-FOLDER [JOBS]...}
shift
test $# -gt 0 || set -- 2
repeat=${PIRN_BENCH_RUNS:-5}
count=${PIRN_BENCH_COUNT:-6000}

# Prints the seconds that so many runs take in so many processes.
seconds() {
    "$build/pirn" explore --json --seed=1 -j "$1" -n "$2" "$build/docs/examples/transactions-fixed" |
        sed -n 's/.*"type":"summary","runs":'"$2"',.*"seconds":\([0-9.]*\).*/\1/p'
}

i=0
while test $i -lt "$repeat"; do
    for jobs in 1 "$@"; do
        echo "$jobs $(seconds "$jobs" 20) $(seconds "$jobs" "$count")"
    done
    i=$((i + 1))
done | awk -v count="$count" '
    NF != 3 { failed = 1; exit }
    { rate[$1, ++seen[$1]] = (count - 20) / ($3 - $2) }
    seen[$1] == 1 { order[++jobs] = $1 }
    function median(of, i, j, value) {
        for (i = 2; i <= seen[of]; i++)
            for (j = i; j > 1 && rate[of, j] < rate[of, j - 1]; j--) {
                value = rate[of, j]; rate[of, j] = rate[of, j - 1]; rate[of, j - 1] = value
            }
        return seen[of] % 2 ? rate[of, (seen[of] + 1) / 2] : (rate[of, seen[of] / 2] + rate[of, seen[of] / 2 + 1]) / 2
    }
    END {
        if (failed || !jobs) { print "jobs.sh: an exploration failed" > "/dev/stderr"; exit 1 }
        one = median(order[1])
        for (i = 1; i <= jobs; i++) printf "explore -j %-3s %8.0f runs/s  %.2f times -j 1\n", order[i], median(order[i]), median(order[i]) / one
    }'
