#!/bin/sh
# What programs that are linked already rely on, as it was noted at the last release (tests/abi), is still so:
# functions under their versions, sizes and offsets in public structs, values of constants. What is new is
# no failure, only said; docs/releasing.md tells when to note it.

. "$top_srcdir/tests/tap.sh"

noted=$top_srcdir/tests/abi

# note WHAT...: as it is now.
note() { sh "$noted/note.sh" "$@"; }

# Shows what stands in $1 and no longer in $2, which is sorted alike.
nothing_gone() {
    LC_ALL=C sort "$1" >"$scratch/before"
    LC_ALL=C sort "$2" >"$scratch/now"
    test -s "$scratch/before" && LC_ALL=C comm -23 "$scratch/before" "$scratch/now" >"$scratch/gone"
    cat "$scratch/gone"
    test -s "$scratch/before" && test ! -s "$scratch/gone"
}

# What is there and has not been noted is no failure.
tell_new() {
    LC_ALL=C comm -13 "$scratch/before" "$scratch/now" | sed 's/^/# not noted yet (make abi-note): /'
}

functions() { note functions "$top_builddir/.libs/$1.so" >"$scratch/functions" && nothing_gone "$noted/$1.functions" "$scratch/functions"; }
layout() { note layout >"$scratch/layout" && nothing_gone "$noted/layout" "$scratch/layout"; }
described() { note compare "$noted/$1.abi" "$top_builddir/.libs/$1.so"; }

# A function less, another size and another value are noticed, each alone.
notices() {
    LC_ALL=C sort "$noted/libpirn.functions" | sed 1d >"$scratch/fewer"
    ! nothing_gone "$noted/libpirn.functions" "$scratch/fewer" || return 1
    for change in 's/^\(struct pirn_mutex\) .*/\1 1 1/' 's/^\(struct pirn_case.value\) .*/\1 1 1/' 's/^PIRN_RECV .*/PIRN_RECV 3/'; do
        sed "$change" "$noted/layout" >"$scratch/changed"
        ! cmp -s "$noted/layout" "$scratch/changed" && ! nothing_gone "$noted/layout" "$scratch/changed" || return 1
    done
}

# Nothing in the headers is overlooked: each struct and enum that they define, by other means.
all_types() {
    cat "$top_srcdir/lib/pirn.h" "$top_srcdir/sim/pirn-sim.h" |
        sed -n 's/^\(typedef \)\{0,1\}\(struct\|enum\) \(pirn_[a-z0-9_]*\) {.*/\2 \3/p' | LC_ALL=C sort -u >"$scratch/types"
    note layout | sed -n 's/^\(\(struct\|enum\) [a-z0-9_]*\) .*/\1/p' | LC_ALL=C sort -u | diff "$scratch/types" - && test -s "$scratch/types"
}

# The header, in one piece and in three, and configure.ac.
one_version() {
    version=$(sed -n 's/^AC_INIT(\[pirn\], \[\(.*\)\])/\1/p' "$top_srcdir/configure.ac")
    printf '#include <pirn.h>\nPIRN_VERSION PIRN_VERSION_MAJOR PIRN_VERSION_MINOR PIRN_VERSION_PATCH\n' |
        $CC -I"$top_srcdir/lib" -E -P - | tail -n 1 >"$scratch/version"
    cat "$scratch/version"
    test -n "$version" && grep -qx "\"$version\" $(echo "$version" | tr . ' ')" "$scratch/version"
}

run "the header's version is that of configure.ac" one_version
run "what is noted would be missed" notices
for name in libpirn libpirn-sim; do
    run "$name exports what it did" functions $name
    tell_new
done
run "the layout covers each public type" all_types
if test "$(getconf LONG_BIT)" = 64; then
    run "structs and constants are as they were" layout
    tell_new
else
    skip "structs and constants are as they were" "noted for 64 bits"
fi
for name in libpirn libpirn-sim; do
    title="$name has the interface that abidw described"
    if test -n "${SANITIZED-}"; then
        skip "$title" "sanitized"
    elif ! command -v abidiff >/dev/null; then
        skip "$title" "no abidiff (Debian: abigail-tools)"
    else
        case $CC in
        *clang*) skip "$title" "gcc's debugging information is described" ;;
        *) run "$title" described $name ;;
        esac
    fi
done
done_testing
