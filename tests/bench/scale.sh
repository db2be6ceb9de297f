#!/bin/sh
# What it costs to read large traces: recorded runs of 250,000, 500,000 and 1,000,000 steps are made traces, listed, told
# and drawn. Processor seconds, and the most memory; the last column is what a step costs.
#
# Each run ends in a deadlock, to which it is sliced.
#
# Usage: scale.sh BUILD-FOLDER

build=${1:?usage: scale.sh BUILD-FOLDER}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-scale.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
trace=$scratch/trace.db

# Prints the row of a command, $2...: what is done, wall-clock and processor seconds.
row() {
    name=$1
    shift
    before=$(date +%s%N)
    used=$("$@" >/dev/null 2>&1; status=$?; times; exit $status) || { echo "scale.sh: $name failed" >&2; exit 1; }
    after=$(date +%s%N)
    echo "$used" | awk -v steps="$steps" -v name="$name" -v ns=$((after - before)) '
        function seconds(text, parts) { split(text, parts, /[ms]/); return parts[1] * 60 + parts[2] }
        END { used = seconds($1) + seconds($2); printf "%9d steps  %-22s %7.2f s  processor %6.2f s  %6.2f us a step\n", steps, name, ns / 1e9, used, used * 1e6 / steps }'
}

for rounds in 41667 83333 166667; do
    rm -f "$trace"
    PIRN_TRACE=$trace "$build/tests/recorded" late $rounds 2>"$scratch/out"
    test $? -eq 1 || { cat "$scratch/out" >&2; exit 1; }
    steps=$((rounds * 6 + 12))
    row "into a trace" "$build/pirn" list "$trace"
    row "listed" "$build/pirn" list "$trace"
    row "told" "$build/pirn" explain "$trace"
    row "sliced, as text" "$build/pirn" view "$trace"
    row "sliced and drawn" "$build/pirn" view "$trace" -o "$scratch/picture.dot"
    # 1 GiB is enough.
    (ulimit -v 1048576 && exec "$build/pirn" view "$trace" -o "$scratch/picture.dot") || { echo "scale.sh: 1 GiB is not enough" >&2; exit 1; }
done
echo "1 GiB of memory was enough for each"
