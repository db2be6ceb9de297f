#!/bin/sh
# The shared libraries export the functions that the public headers declare, under one version, and
# no more.

. "$top_srcdir/tests/tap.sh"

version=PIRN_0.1

# The functions that a header declares, one a line; $1: its name, $2: its path.
declared() {
    printf '#include <%s>\n' "$1" |
        $CC -I"$top_srcdir/lib" -I"$top_srcdir/sim" -E - |
        awk -v path="$2" '/^#/ { ours = index($0, path "\"") > 0; next } ours' |
        tr '\n' ' ' | tr ';' '\n' |
        sed -n '/typedef\|static/d; s/^[^(]*\<\(pirn_[a-z0-9_]*\) *(.*/\1/p' |
        LC_ALL=C sort -u
}

# What a library defines for others, without what is for the pirn command alone, what is for code that
# `pirn cc` compiles, and what takes the place of functions of the C library: they have no version.
exported() {
    ${NM:-nm} -D --defined-only "$1" | awk '$2 != "A" && (/@/ || $3 ~ /pirn/) { print $3 }' |
        grep -v -e '^__odr_asan' -e '^pirn__[a-z0-9_]*@@PIRN_PRIVATE$' -e '^__[a-z0-9_]*@@PIRN_COMPILED$' | LC_ALL=C sort -u
}

compare() {
    sed "s/\$/@@$version/" "$1" | LC_ALL=C sort >"$scratch/expected"
    exported "$2" >"$scratch/found"
    test -s "$scratch/expected" && diff -u "$scratch/expected" "$scratch/found"
}

declared pirn.h lib/pirn.h >"$scratch/pirn"
declared pirn-sim.h sim/pirn-sim.h >"$scratch/more"
LC_ALL=C sort -u "$scratch/pirn" "$scratch/more" >"$scratch/pirn-sim"

# All of them are of the C library, and libpirn has none.
taken_over() {
    ${NM:-nm} -D --defined-only "$1" | awk '$2 != "A" && !/@/ { print $3 }' | LC_ALL=C sort >"$scratch/taken"
    sed -n 's/^    X(\([A-Za-z0-9_]*\)).*/\1/p' "$top_srcdir/sim/interpose.c" | LC_ALL=C sort >"$scratch/meant"
    diff -u "$scratch/$2" "$scratch/taken"
}
: >"$scratch/none"

run "the headers declare functions" grep -qx pirn_sim_explore "$scratch/more"
for name in pirn pirn-sim; do
    library=$top_builddir/.libs/lib$name.so
    run "lib$name exports its interface alone" compare "$scratch/$name" "$library"
done
if test -n "${SANITIZED-}"; then
    skip "libpirn-sim takes over what it means to" "a sanitizer has symbols of its own"
else
    run "libpirn-sim takes over what it means to, and no more" taken_over "$top_builddir/.libs/libpirn-sim.so" meant
    run "libpirn takes over nothing" taken_over "$top_builddir/.libs/libpirn.so" none
fi
done_testing
