#!/bin/sh
# The program in README.md does what README.md says, word for word but for times and schedules.

. "$top_srcdir/tests/tap.sh"

readme=$top_srcdir/README.md

if test -n "${SANITIZED-}"; then
    skip "README.md" "a plain program cannot load a sanitized library"
    done_testing
fi

# The text of the n-th block between lines of three backquotes.
block() {
    awk -v n="$1" '/^```/ { inside = !inside; if (inside) ++count; next } inside && count == n' "$readme"
}

# The output that follows a command in a block.
output_of() {
    awk -v command="\$ $2" '$0 == command { show = 1; next } /^\$ / { show = 0 } show' <<END
$(block "$1")
END
}

# Takes out what differs from run to run and from build to build.
settle() {
    sed -e 's/pirn1:[A-Za-z0-9_-]*/pirn1:.../' -e 's/ in [0-9.]* s / in ... s /' -e 's/replay: [^ ]*pirn /replay: pirn /'
}

compiles() {
    block 1 >"$scratch/hello.c"
    test -s "$scratch/hello.c" && $CC -g -fno-optimize-sibling-calls -I"$top_srcdir/lib" "$scratch/hello.c" \
        -o "$scratch/hello" -L"$top_builddir/.libs" -lpirn -Wl,-rpath,"$top_builddir/.libs"
}

is_the_example() {
    sed '1,/^ \*\//d' "$top_srcdir/docs/examples/hello.c" | diff - "$scratch/hello.c"
}

runs_on_threads() {
    output_of 2 ./hello >"$scratch/expected"
    # It has a bug; a run in which that shows says nothing about the output.
    for try in 1 2 3 4 5; do
        (cd "$scratch" && ./hello) >"$scratch/got" 2>/dev/null && break
    done
    # Which worker comes first is open, and so are the greetings.
    sed 's/^Good day/Hello/' "$scratch/got" | sort | diff "$scratch/expected" -
}

explores() {
    output_of 3 'pirn explore --seed 1 ./hello' | settle >"$scratch/expected"
    test -s "$scratch/expected" || return 1
    (cd "$scratch" && pirn explore --seed 1 ./hello) | settle >"$scratch/got"
    diff "$scratch/expected" "$scratch/got"
}

run "the first program compiles" compiles
run "it is the example" is_the_example
run "its output on threads" runs_on_threads
case $CC in
*clang*) skip "its output under the simulator" "gcc's debugging information is shown" ;;
*) run "its output under the simulator" explores ;;
esac
done_testing
