#!/bin/sh
# Programs with atomics, mutexes and channels of which it is known how many classes of schedules they
# have, compiled by `pirn cc` with each compiler: dpor makes one run of each.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
further=0
test -z "${PIRN_TEST_TASKS:-}" || further=3 # make check-long

counts() {
    "$pirn" cc --cc="$1" "$2" -std=gnu11 -o "$scratch/counts" "$top_srcdir/tests/counts/counts.c" &&
        "$scratch/counts" $further >"$scratch/out"
    status=$?
    grep -v '^ok' "$scratch/out"
    test "$(grep -c '^ok' "$scratch/out")" -ge 96 || return 1
    return $status
}

for compiler in gcc clang; do
    for level in -O0 -O2; do
        title="the schedules of programs with atomics, to the last one, $compiler $level"
        if test "${SANITIZED:-no}" = yes; then
            skip "$title" 'a sanitizer has its own library'
        elif command -v "$compiler" >/dev/null; then
            run "$title" counts "$compiler" "$level"
        else
            skip "$title" "there is no $compiler"
        fi
    done
done

done_testing
