#!/bin/sh
# The public headers compile alone, as C11 and C++17, without a warning.

. "$top_srcdir/tests/tap.sh"

warnings='-Wall -Wextra -Wshadow -pedantic -Werror'

# A source that includes $1 twice and uses what its macros make.
source_for() {
    cat <<END
#include <$1>
#include <$1>

PIRN_CHAN_TYPE(ints, int);

int main(void) {
    static pirn_mutex mutex;
    ints c = ints_new(1);
    int value = 1;
    const int sent = 2;
    pirn_case cases[2];

    cases[0] = PIRN_CASE_SEND(c.chan, &sent);
    cases[1] = PIRN_CASE_RECV(c.chan, &value);
    pirn_mutex_lock(&mutex);
    pirn_assert(pirn_select(cases, 2, PIRN_NOW) == 0);
    pirn_mutex_unlock(&mutex);
    ints_unref(c);
    return PIRN_VERSION_MAJOR;
}
END
}

for header in pirn.h pirn-sim.h; do
    source_for $header >"$scratch/test.c"
    cp "$scratch/test.c" "$scratch/test.cpp"
    run "$header is C11" \
        $CC -std=c11 $warnings -I"$top_srcdir/lib" -I"$top_srcdir/sim" -fsyntax-only "$scratch/test.c"
    if test -n "$CXX"; then
        run "$header is C++17" \
            $CXX -std=c++17 $warnings -I"$top_srcdir/lib" -I"$top_srcdir/sim" -fsyntax-only "$scratch/test.cpp"
    else
        skip "$header is C++17" "no C++ compiler"
    fi
done
done_testing
