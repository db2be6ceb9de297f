#!/bin/sh
# What recording costs the transaction service: its wall-clock time with and without, measured in turn; medians.
#
# Usage: record.sh BUILD-FOLDER [CLIENTS REQUESTS]      PIRN_BENCH_RUNS: how often each is measured (5)

build=${1:?usage: record.sh BUILD-FOLDER [CLIENTS REQUESTS]}
repeat=${PIRN_BENCH_RUNS:-5}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-bench.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# Prints the seconds of one run; $1: what to record.
seconds() {
    rm -f "$scratch/trace.db"
    before=$(date +%s%N)
    PIRN_TRACE=$1 "$build/docs/examples/service" "${clients:-64}" "${requests:-300}" >/dev/null || return 1
    after=$(date +%s%N)
    awk -v ns=$((after - before)) 'BEGIN { print ns / 1e9 }'
}

clients=$2
requests=$3
i=0
while test $i -lt "$repeat"; do
    echo "off $(seconds '')"
    echo "all $(seconds "$scratch/trace.db")"
    echo "last=100000 $(seconds "$scratch/trace.db,last=100000")"
    i=$((i + 1))
done | awk '
    NF != 2 { failed = 1; exit }
    { time[$1, ++seen[$1]] = $2 }
    seen[$1] == 1 { order[++kinds] = $1 }
    function median(of, i, j, value) {
        for (i = 2; i <= seen[of]; i++)
            for (j = i; j > 1 && time[of, j] < time[of, j - 1]; j--) {
                value = time[of, j]; time[of, j] = time[of, j - 1]; time[of, j - 1] = value
            }
        return seen[of] % 2 ? time[of, (seen[of] + 1) / 2] : (time[of, seen[of] / 2] + time[of, seen[of] / 2 + 1]) / 2
    }
    END {
        if (failed || !kinds) { print "record.sh: the service failed" > "/dev/stderr"; exit 1 }
        for (i = 1; i <= kinds; i++) printf "recorded %-12s %6.3f s  %.3f times off\n", order[i], median(order[i]), median(order[i]) / median(order[1])
    }'
