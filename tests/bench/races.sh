#!/bin/sh
# What it costs to look for races: memory.c as it is, compiled by `pirn cc`, and with the compiler's own
# ThreadSanitizer. The three run in turn; the best of PIRN_BENCH_RUNS (5) counts.
#
# usage: races.sh SOURCE-FOLDER BUILD-FOLDER COMPILER

set -e
source=$1/tests/bench/memory.c
build=$2
compiler=$3
rounds=${PIRN_BENCH_RUNS:-5}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

"$compiler" -O2 -o "$scratch/plain" "$source"
"$build/pirn" cc --cc="$compiler" -O2 -DWITH_PIRN -o "$scratch/pirn" "$source"
# ThreadSanitizer's layout of memory has no room for every randomised one.
fixed=
setarch -R true 2>/dev/null && fixed='setarch -R'
programs='plain pirn'
if "$compiler" -O2 -fsanitize=thread -o "$scratch/tsan" "$source" 2>/dev/null &&
    $fixed "$scratch/tsan" hash >/dev/null 2>&1; then
    programs='plain pirn tsan'
fi

# The best of the figures in a file; $2: r where more is better.
best() { sort -g"$2" "$1" | head -1; }

echo '| accesses to memory | plain | `pirn cc` | times | ThreadSanitizer | times |'
echo '| --- | ---: | ---: | ---: | ---: | ---: |'
for row in matrix sort hash; do
    round=0
    while test $round -lt "$rounds"; do
        for program in $programs; do
            $fixed "$scratch/$program" $row >>"$scratch/$program.$row"
        done
        round=$((round + 1))
    done
    tsan=
    test ! -e "$scratch/tsan.$row" || tsan=$(best "$scratch/tsan.$row")
    awk -v row=$row -v plain="$(best "$scratch/plain.$row")" -v pirn="$(best "$scratch/pirn.$row")" \
        -v tsan="$tsan" 'BEGIN {
            printf "| %s | %.1f ms | %.1f ms | %.1f |", row, 1e3 * plain, 1e3 * pirn, pirn / plain
            if (tsan) printf " %.1f ms | %.1f |\n", 1e3 * tsan, tsan / plain
            else print " - | - |" }'
done
round=0
while test $round -lt "$rounds"; do
    "$scratch/pirn" counter >>"$scratch/runs"
    round=$((round + 1))
done
echo
echo "three tasks and a counter, watched for races: $(best "$scratch/runs" r) runs a second"
