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
    run "$what" valgrind -q --leak-check=full --error-exitcode=9 \
        "$top_builddir/tests/test_workers.t" runs_for_a_checker
fi

done_testing
