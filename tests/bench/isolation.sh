#!/bin/sh
# How many runs of a whole program a second: each in a process of its own, and all in one that is
# put back. A short series is what a user waits for at a first try, so it begins with the start of
# the program and of all that is needed for it; a long one shows what a further run costs.
#
# Usage: isolation.sh BUILD-FOLDER [ROUNDS]

build=${1:-.}
rounds=${2:-5}
short=1000 forks=1000 long=100000

if ! test -x "$build/pirn" || ! test -x "$build/docs/examples/transactions-fixed"; then
    echo "usage: isolation.sh BUILD-FOLDER [ROUNDS]" >&2
    exit 2
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
source=$(dirname "$0")/counter.c
"$build/pirn" cc -O2 -o "$scratch/counter" "$source" || exit 1

# Seconds that $2 runs of $3 take in the way of $1, by the clock and of processors.
seconds() {
    { time -p "$build/pirn" explore --seed 1 --json -n "$2" --isolate="$1" "$3" >"$scratch/out"; } 2>"$scratch/time"
    grep -q "\"type\":\"summary\".*\"isolation\":\"$1\"" "$scratch/out" &&
        awk '/^real/ { wall = $2 } /^user|^sys/ { cpu += $2 } END { print wall, cpu }' "$scratch/time"
}

# One way and the other in turn, so that both meet the same disturbances.
measure() {
    round=0
    while test $round -lt "$rounds"; do
        echo "$(seconds fork $short "$1") $(seconds fork $((short + forks)) "$1")" \
            "$(seconds snapshot $short "$1") $(seconds snapshot $((short + long)) "$1")"
        round=$((round + 1))
    done | awk -v short=$short -v forks=$forks -v long=$long -v name="$2" '
        function median(values, n,    i, j, v) {
            for (i = 2; i <= n; i++) {
                v = values[i]
                for (j = i - 1; j >= 1 && values[j] > v; j--) values[j + 1] = values[j]
                values[j + 1] = v
            }
            return values[int((n + 1) / 2)]
        }
        NF != 8 || $3 <= $1 || $4 <= $2 || $7 <= $5 || $8 <= $6 { exit broken = 1 }
        {
            rate["fork", "short", NR] = short / $1; cpu["fork", "short", NR] = $2 / short
            rate["fork", "long", NR] = forks / ($3 - $1); cpu["fork", "long", NR] = ($4 - $2) / forks
            rate["snapshot", "short", NR] = short / $5; cpu["snapshot", "short", NR] = $6 / short
            rate["snapshot", "long", NR] = long / ($7 - $5); cpu["snapshot", "long", NR] = ($8 - $6) / long
        }
        function middle(of, how, series,    i, values) {
            for (i = 1; i <= NR; i++) values[i] = of[how, series, i]
            return median(values, NR)
        }
        function line(series, what,    a, b, c, d) {
            a = middle(rate, "fork", series); b = middle(rate, "snapshot", series)
            c = middle(cpu, "fork", series); d = middle(cpu, "snapshot", series)
            printf "  %-42s %7.0f %9.0f %8.1f %9.0f us %7.1f us %7.1f\n", what, a, b, b / a, 1e6 * c, 1e6 * d, c / d
        }
        END {
            if (broken || !NR) {
                print "isolation: a way of isolation is not what was asked for" >"/dev/stderr"
                exit 1
            }
            printf "\n%s, the median of %d\n", name, NR
            printf "  %-42s %7s %9s %8s %12s %10s %7s\n", "", "fork", "snapshot", "ratio", "fork", "snapshot", "ratio"
            line("short", "the first " short " runs, with all that precedes")
            line("long", "each further run")
        }'
}

echo
echo "isolation: runs/s by the clock, and processor time for a run"
measure "$build/docs/examples/transactions-fixed" transactions-fixed && measure "$scratch/counter" "three tasks and a counter, compiled by pirn cc"
