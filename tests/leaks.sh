#!/bin/sh
# Runs that leave tasks, timers and descriptors behind lose no memory and touch none that is not
# theirs, says Valgrind.

. "$top_srcdir/tests/tap.sh"

what='two hundred runs under Valgrind'
if test "${SANITIZED-}" = yes; then
    skip "$what" 'a sanitizer is at work already'
elif ! command -v valgrind >/dev/null; then
    skip "$what" 'there is no valgrind'
else
    valgrind -q --leak-check=full --error-exitcode=9 \
        "$top_builddir/tests/test_workers.t" runs_for_a_checker >"$scratch/out" 2>&1
    status=$?
    if grep -q 'Valgrind: debuginfo reader' "$scratch/out"; then
        skip "$what" 'it cannot read what this compiler writes for debuggers'
    else
        run "$what" sh -c 'cat "$1"; exit "$2"' sh "$scratch/out" $status
    fi
fi

done_testing
