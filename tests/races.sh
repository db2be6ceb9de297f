#!/bin/sh
# Small programs with races and without, compiled by `pirn cc` with each compiler and optimisation:
# what is found in each is known. RACES_STRATEGY explores by another strategy than the usual one.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn

# Builds all of them and explores each; shows what was not as it should be.
explores() {
    "$pirn" cc --cc="$1" "$2" -std=gnu11 -w -o "$scratch/races$2" "$top_srcdir"/tests/races/*.c &&
        "$scratch/races$2" "$1 $2" >"$scratch/out"
    status=$?
    grep -v '^ok' "$scratch/out"
    test "$(grep -c '^ok' "$scratch/out")" -ge 180 || return 1
    return $status
}

for compiler in gcc clang; do
    for level in -O0 -O1 -O2; do
        title="the races of 180 small programs, $compiler $level"
        if test "${SANITIZED:-no}" = yes; then
            skip "$title" 'a sanitizer has its own library'
        elif command -v "$compiler" >/dev/null; then
            run "$title" explores "$compiler" "$level"
        else
            skip "$title" "there is no $compiler"
        fi
    done
done

done_testing
