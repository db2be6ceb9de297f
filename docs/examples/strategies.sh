#!/bin/sh
# Which strategy finds which bug after how many runs: the table of docs/exploring.md, the mean over
# explorations with different seeds. One that finds nothing within the limit counts as the limit,
# and its mean is marked with a plus.
#
# Usage: strategies.sh BUILD-FOLDER [EXPLORATIONS [LIMIT]]

build=${1:-.}
explorations=${2:-20}
limit=${3:-10000}
strategies="random pct pos surw portfolio"

if ! test -x "$build/pirn"; then
    echo "usage: strategies.sh BUILD-FOLDER [EXPLORATIONS [LIMIT]]" >&2
    exit 2
fi

# Prints how many runs one exploration took, or nothing.
runs() {
    strategy=$1
    seed=$2
    shift 2
    "$build/pirn" explore --quiet --json --record=none -n "$limit" --strategy="$strategy" --seed="$seed" "$@" |
        sed -n 's/.*"type":"summary","runs":\([0-9]*\),.*"failures":\([0-9]*\),.*/\1 \2/p'
}

mean() {
    i=0
    while test $i -lt "$explorations"; do
        # Far enough apart that no run is in two explorations.
        runs "$1" $((1 + i * 1000000)) "$2" ${3:+"$3"}
        i=$((i + 1))
    done | awk '{ sum += $1; found += $2 } END { printf " %.1f%s |", sum / NR, found < NR ? "+" : "" }'
}

printf '| program |'
for strategy in $strategies; do printf ' %s |' "$strategy"; done
printf '\n| --- |'
for strategy in $strategies; do printf ' ---: |'; done
echo
for program in late-start hello worker-pool transactions "philosophers 2" "philosophers 3" "philosophers 5"; do
    printf '| %s |' "$program"
    for strategy in $strategies; do
        mean "$strategy" "$build/docs/examples/${program% *}" "$(expr "$program" : '.* \(.*\)')"
    done
    echo
done
