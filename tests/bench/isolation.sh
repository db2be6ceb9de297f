#!/bin/sh
# How many runs of a whole program a second: each in a process of its own, and all in one that is
# put back. What an exploration takes before its first run is left out.
#
# Usage: isolation.sh BUILD-FOLDER [ROUNDS]

build=${1:-.}
rounds=${2:-5}
program=$build/docs/examples/transactions-fixed

if ! test -x "$build/pirn" || ! test -x "$program"; then
    echo "usage: isolation.sh BUILD-FOLDER [ROUNDS]" >&2
    exit 2
fi

# Seconds for $2 runs in the way of $1.
seconds() {
    "$build/pirn" explore --seed 1 --json -n "$2" --isolate="$1" "$program" |
        sed -n "s/.*\"type\":\"summary\".*\"seconds\":\([0-9.]*\),.*\"isolation\":\"$1\".*/\1/p"
}

# One way and the other in turn, so that both meet the same disturbances.
round=0
while test $round -lt "$rounds"; do
    echo "$(seconds fork 100) $(seconds fork 1100) $(seconds snapshot 1000) $(seconds snapshot 21000)"
    round=$((round + 1))
done | awk '
    function median(values, n,    i, j, v) {
        for (i = 2; i <= n; i++) {
            v = values[i]
            for (j = i - 1; j >= 1 && values[j] > v; j--) values[j + 1] = values[j]
            values[j + 1] = v
        }
        return values[int((n + 1) / 2)]
    }
    NF != 4 || $2 <= $1 || $4 <= $3 { exit broken = 1 }
    {
        forks[NR] = 1000 / ($2 - $1)
        kept[NR] = 20000 / ($4 - $3)
        ratios[NR] = kept[NR] / forks[NR]
    }
    END {
        if (broken || !NR) {
            print "isolation: a way of isolation is not what was asked for" >"/dev/stderr"
            exit 1
        }
        printf "\nisolation: runs/s of transactions-fixed, the median of %d: fork %.0f, snapshot %.0f, ratio %.1f\n",
            NR, median(forks, NR), median(kept, NR), median(ratios, NR)
    }'
