#!/bin/sh
# What recording costs, in wall-clock and in processor time: the transaction service, the transactions that are over at
# once (which is what starting to record costs), and two tasks that do nothing but send to each other. Each is measured in
# turn without and with; medians, and how many times that is of what it takes unrecorded.
#
# Usage: record.sh BUILD-FOLDER [CLIENTS REQUESTS]      PIRN_BENCH_RUNS: how often each is measured (5)

build=${1:?usage: record.sh BUILD-FOLDER [CLIENTS REQUESTS]}
repeat=${PIRN_BENCH_RUNS:-5}
clients=${2:-64}
requests=${3:-1000}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-bench.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# The program of a row, $1, is run.
program() {
    case $1 in
    service) "$build/docs/examples/service" "$clients" "$requests" ;;
    transactions) i=0; while test $i -lt 20; do "$build/docs/examples/transactions-fixed" || return 1; i=$((i + 1)); done ;;
    ping-pong-1) PIRN_WORKERS=1 "$build/tests/recorded" many 500000 ;;
    ping-pong-2) PIRN_WORKERS=2 "$build/tests/recorded" many 500000 ;;
    esac
}

# Prints row, kind, seconds and processor seconds of one run; $2: the kind, $3: what to record.
measure() {
    rm -f "$scratch"/*
    before=$(date +%s%N)
    used=$(PIRN_TRACE=$3 && export PIRN_TRACE && program "$1" >/dev/null && times) || return 1
    after=$(date +%s%N)
    echo "$used" | awk -v row="$1" -v kind="$2" -v ns=$((after - before)) '
        function seconds(text, parts) { split(text, parts, /[ms]/); return parts[1] * 60 + parts[2] }
        END { print row, kind, ns / 1e9, seconds($1) + seconds($2) }'
}

i=0
while test $i -lt "$repeat"; do
    for row in service transactions ping-pong-1 ping-pong-2; do
        measure $row off '' || echo failed
        measure $row all "$scratch/trace.db" || echo failed
        measure $row last=100000 "$scratch/trace.db,last=100000" || echo failed
    done
    i=$((i + 1))
done | awk '
    NF != 4 { failed = 1; exit }
    !(($1, $2) in seen) { order[++count] = $1 " " $2 }
    { seen[$1, $2]++; wall[$1, $2, seen[$1, $2]] = $3; used[$1, $2, seen[$1, $2]] = $4 }
    function median(of, row, kind, n, i, j, value) {
        n = seen[row, kind]
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && of[row, kind, j] < of[row, kind, j - 1]; j--) {
                value = of[row, kind, j]; of[row, kind, j] = of[row, kind, j - 1]; of[row, kind, j - 1] = value
            }
        return n % 2 ? of[row, kind, (n + 1) / 2] : (of[row, kind, n / 2] + of[row, kind, n / 2 + 1]) / 2
    }
    function ratio(value, base) { return base > 0 ? sprintf("%5.2f", value / base) : "    -" }
    END {
        if (failed || !count) { print "record.sh: a program failed" > "/dev/stderr"; exit 1 }
        printf "%-13s %-12s %8s %6s %9s %6s\n", "", "recorded", "wall s", "times", "processor", "times"
        for (i = 1; i <= count; i++) {
            split(order[i], name, " ")
            w = median(wall, name[1], name[2]); c = median(used, name[1], name[2])
            if (name[2] == "off") { w0 = w; c0 = c }
            printf "%-13s %-12s %8.3f %s %9.3f %s\n", name[1], name[2], w, ratio(w, w0), c, ratio(c, c0)
        }
    }'
