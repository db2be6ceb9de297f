#!/bin/sh
# The samples of docs/testing.md: with each framework a test that is explored, and a whole binary
# under pirn explore; both pass, and where the code is broken both find it, with a schedule that has
# it again.

. "$top_srcdir/tests/tap.sh"

samples=$top_srcdir/docs/samples/testing
if test -n "${SANITIZED-}"; then
    skip "samples" "a plain program cannot be linked with a sanitized library"
    done_testing
fi
cd "$scratch" || exit 1
cp "$samples"/* .

flags="-g -Wall -Wextra -Werror -fno-optimize-sibling-calls -I$top_srcdir/lib -I$top_srcdir/sim"
link="-L$top_builddir/.libs -Wl,-rpath,$top_builddir/.libs"

# compile NAME SOURCE LIBRARY OPTIONS...: a test program, from C or C++.
compile() {
    name=$1 source=$2 library=$3
    shift 3
    $CC -std=gnu11 $flags "$@" -c stock.c -o "$name-stock.o" || return 1
    case $source in
    *.cpp) $CXX -std=c++14 $flags "$@" "$source" "$name-stock.o" $link $library $framework_libs -o "$name" ;;
    *) $CC -std=gnu11 $flags "$@" "$source" "$name-stock.o" $link $library $framework_libs -o "$name" ;;
    esac
}

explored_passes() { compile explored $source -lpirn-sim && ./explored; }

# It fails with the schedule in what it prints, and fails alike with that alone.
explored_finds() {
    compile broken $source -lpirn-sim -DBROKEN || return 1
    ./broken >out 2>&1
    status=$?
    cat out
    schedule=$(sed -n 's/.*PIRN_REPLAY=\(pirn1:[A-Za-z0-9_-]*\).*/\1/p' out | head -n 1)
    test $status -ne 0 && grep -q 'panic' out && test -n "$schedule" || return 1
    ! PIRN_REPLAY=$schedule ./broken >again 2>&1 && cat again && grep -qF "$schedule" again
}

whole_passes() {
    compile whole $source -lpirn -DON_THREADS && CK_FORK=no pirn explore -n 200 ./whole
}

whole_finds() {
    compile whole-broken $source -lpirn -DON_THREADS -DBROKEN || return 1
    CK_FORK=no pirn explore -n 1000 --trace whole.db --annotate=github ./whole-broken >out
    status=$?
    cat out
    test $status -eq 1 && grep -q '^FAIL panic' out && grep -q '^::error file=.*stock.c,line=[0-9]*,title=panic::' out || return 1
    CK_FORK=no pirn replay whole.db ./whole-broken
    test $? -eq 1 && rm whole.db
}

sample() {
    source=$2
    framework_libs=$3
    run "$1: an explored test passes" explored_passes
    run "$1: an explored test finds what is broken" explored_finds
    run "$1: a whole binary passes" whole_passes
    run "$1: a whole binary with something broken" whole_finds
}

# needs HEADER COMPILER: whether a framework is there.
needs() {
    echo "#include <$1>" >needs.cpp
    $2 -E needs.cpp >/dev/null 2>&1
}

sample "plain main" plain.c ''
sample "CUnit" cunit.c -lcunit
if needs check.h "$CC"; then
    sample "Check" check.c "$(pkg-config --libs check 2>/dev/null || echo '-lcheck_pic -lrt -lm -lsubunit')"
else
    skip "Check" "it is not installed"
fi
if printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <cmocka.h>\n' | $CC -E - >/dev/null 2>&1; then
    sample "cmocka" cmocka.c -lcmocka
else
    skip "cmocka" "it is not installed"
fi
if test -n "$CXX" && needs gtest/gtest.h "$CXX"; then
    sample "GoogleTest" gtest.cpp "-lgtest -pthread"
else
    skip "GoogleTest" "it is not installed, or there is no C++ compiler"
fi

# ---- pirn-cunit.h ----

# Another test than the one that PIRN_TEST names is left out.
names_the_test() {
    compile named cunit.c -lpirn-sim -DBROKEN && ./named >out
    cat out
    grep -q "two_buyers: panic in run [0-9]*: .*; again: PIRN_TEST='two buyers' PIRN_REPLAY=pirn1:" out || return 1
    schedule=$(sed -n 's/.*PIRN_REPLAY=\(pirn1:[A-Za-z0-9_-]*\).*/\1/p' out)
    PIRN_TEST=another PIRN_REPLAY=$schedule ./named && ! PIRN_TEST='two buyers' PIRN_REPLAY=$schedule ./named
}
bad_schedule() {
    ! PIRN_REPLAY=pirn1:nonsense ./named >out && cat out && grep -q 'two_buyers could not be explored: ' out
}

framework_libs=-lcunit
run "pirn-cunit.h names the test" names_the_test
run "pirn-cunit.h tells why it could not explore" bad_schedule

# ---- The workflow ----

# Its shell commands do what they say on a broken program; what only a server can do is left out.
workflow_commands() {
    mkdir -p ci && cp whole-broken ci/test_suite && cd ci &&
        awk -v step="$1" '/^      - / { show = index($0, "name: " step) > 0; body = 0 }
            body && /^          / { print substr($0, 11) }
            /^        [a-z]/ { body = show && /run: \|/ }' ../workflow.yml |
        sed 's/-t 300/-n 200/' >commands.sh && test -s commands.sh && sh -e commands.sh
}
workflow_explores() {
    (workflow_commands Explore)
    test $? -eq 1 && test -s ci/failing.db && test -s ci/concurrency.xml
}
workflow_says_how() {
    (workflow_commands 'How to have it again') >out || return 1
    cat out
    schedule=$(sed -n 's/^    pirn replay \(pirn1:[^ ]*\) .*# panic$/\1/p' out | head -n 1)
    test -n "$schedule" && {
        pirn replay "$schedule" ./whole-broken
        test $? -eq 1
    }
}
run "the workflow explores, and keeps trace and report" workflow_explores
run "the workflow says how to have it again" workflow_says_how
done_testing
