#!/bin/sh
# The gallery (traces/): each bug is found as its `expect` says, its shrunk schedule still fails so, and its
# repaired twin is clean.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
source=$top_srcdir/traces
build=$top_builddir/traces

value() { sed -n "s/^$1 //p" "$source/$name/expect"; }

# A failure is told on a line "OUTCOME: MESSAGE", behind the words $1.
failed_as_expected() {
    wanted="$1$(value outcome)$2: $(value message)"
    sh "$source/gallery.sh" plain "$source" <"$scratch/out" >"$scratch/plain"
    sed "s/ in run [0-9]*:/ in run:/" "$scratch/plain" | grep -q -F -x -e "$wanted" ||
        { cat "$scratch/out"; echo "no line says: $wanted"; return 1; }
}

# Runs pirn, which has to end with status $1.
gives() {
    expected=$1
    shift
    timeout -k 5 120 "$pirn" "$@" >"$scratch/out" 2>&1 </dev/null
    status=$?
    test $status -eq "$expected" || { cat "$scratch/out"; echo "status $status: pirn $*"; return 1; }
}

# A single run would be another one: portfolio begins a series with runs that no seed changes.
most_runs() {
    runs=$(value runs)
    test "$runs" -gt 1 || runs=2
    echo "$runs"
}

# shellcheck disable=SC2046 # options are words
is_found() {
    gives 1 explore $(value options) -n "$(most_runs)" "$build/$name/$name" && failed_as_expected "FAIL " " in run"
}

repeats() {
    gives 1 replay $(value options | grep -o -e '--max-steps=[0-9]*') "$(cat "$source/$name/schedule")" "$build/$name/$name" &&
        failed_as_expected "" ""
}

# shellcheck disable=SC2046
is_clean() {
    gives 0 explore $(value fixed) "$build/$name/$name-fixed" || return 1
    case $(value fixed) in
    *dpor*) grep -q '^exhausted: every schedule that was asked for is covered' "$scratch/out" || { cat "$scratch/out"; return 1; } ;;
    *) grep -q '^1000 runs, .* 0 failures' "$scratch/out" || { cat "$scratch/out"; return 1; } ;;
    esac
}

# A heading and three sentences, each on a line of its own, and the two programs with nothing but them.
is_told() {
    awk 'NR == 1 && !/^# [A-Z]/ || NR == 2 && NF || NR > 2 && !/^[A-Z].*\.$/ { bad = 1 } END { exit bad || NR != 5 }' "$source/$name/README.md"
}

index_is_fresh() { sh "$source/gallery.sh" index "$source" | diff "$source/GALLERY.md" -; }

count=0
for folder in "$source"/*/; do
    name=$(basename "$folder")
    count=$((count + 1))
    run "$name is found: $(value outcome)" is_found
    run "$name: the shrunk schedule fails so, too" repeats
    run "$name-fixed is clean" is_clean
    run "$name is told in three sentences" is_told
done
run "the gallery has 25 bugs or more" test $count -ge 25
run "GALLERY.md is what traces/gallery.sh makes of them" index_is_fresh
done_testing
