#!/bin/sh
# Small programs with races and without, compiled by `pirn cc` with each compiler and optimisation:
# what is found in each is known, at random and in all of its schedules.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn

builds() {
    "$pirn" cc --cc="$1" "$2" -std=gnu11 -w -o "$scratch/races$1$2" "$top_srcdir"/tests/races/*.c
}

# Explores each of them, with a search where one is given; shows what was not as it should be.
explores() {
    RACES_STRATEGY=$3
    export RACES_STRATEGY
    test -n "$3" || unset RACES_STRATEGY
    "$scratch/races$1$2" "$1 $2" >"$scratch/out"
    status=$?
    grep -v '^ok' "$scratch/out"
    test "$(grep -c '^ok' "$scratch/out")" -ge 320 || return 1
    return $status
}

for compiler in gcc clang; do
    for level in -O0 -O1 -O2; do
        programs="the races of 320 small programs, $compiler $level"
        if test "${SANITIZED:-no}" = yes; then
            skip "$programs" 'a sanitizer has its own library'
        elif command -v "$compiler" >/dev/null; then
            run "$programs" builds "$compiler" "$level"
            run "$programs, at random" explores "$compiler" "$level" ''
            run "$programs, all schedules by dpor" explores "$compiler" "$level" dpor
            run "$programs, all schedules by dfs" explores "$compiler" "$level" dfs
        else
            skip "$programs" "there is no $compiler"
        fi
    done
done

done_testing
