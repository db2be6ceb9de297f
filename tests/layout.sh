#!/bin/sh
# The map of CONTRIBUTING.md is that of the sources: what it names is there, each folder is named, and
# `make help` names each target that it or a document tells to make.

. "$top_srcdir/tests/tap.sh"

guide=$top_srcdir/CONTRIBUTING.md

# The paths between backquotes in its tables and texts; those with a word to be filled in are none.
named() {
    grep -o '`[^`]*`' "$guide" | tr -d '`' | tr ' ' '\n' |
        grep -x '\.\{0,1\}[A-Za-z0-9_.-]*\(/[A-Za-z0-9_.-]*\)*' | grep -e / -e '\.\(md\|mk\|h\|c\|map\)$' -e '^\(sim\|viz\|traces\|docs\|tests\)$' |
        grep -v -e NAME -e SUBJECT -e '^\./' -e '^local\.mk$' -e '^build' -e '\.o$' | LC_ALL=C sort -u
}

names_what_is_there() {
    named >"$scratch/named"
    test "$(wc -l <"$scratch/named")" -ge 40 || return 1
    missing=0
    while read -r path; do
        test -e "$top_srcdir/$path" || { echo "$path is not there" && missing=1; }
    done <"$scratch/named"
    return $missing
}

# Folders with files of the project, without those of the gallery's single bugs. A release's archive may
# lie in a folder where it has been built.
folders() {
    (cd "$top_srcdir" && find . -name .git -prune -o -name 'build*' -prune -o -name autom4te.cache -prune -o -name m4 -prune -o -name .libs -prune -o -name .deps -prune -o -name _build -prune -o -name _inst -prune \
        -o -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.md' -o -name '*.mk' -o -name '*.go' -o -name '*.py' -o -name '*.[1357]' -o -name 'run' \) -print) |
        sed 's|^\./||; s|/[^/]*$||' | grep -v -e '^traces/' -e '\.' | LC_ALL=C sort -u
}

names_each_folder() {
    folders >"$scratch/folders"
    test "$(wc -l <"$scratch/folders")" -ge 15 || return 1
    missing=0
    while read -r folder; do
        grep -q "\`$folder\`\|\`$folder/" "$guide" || { echo "$folder is not named" && missing=1; }
    done <"$scratch/folders"
    return $missing
}

# Includes that would turn the layers round.
includes() {
    (cd "$top_srcdir" && grep -rn --include='*.[ch]' -e "#include \"$2" "$1")
}
layers() {
    { includes sim lib/threads/; includes sim viz/ | grep -v '^sim/cli/'; includes viz sim/; includes viz lib/threads/
        includes lib viz/; includes lib sim/ | grep -v '^lib/core/engine.h:.*sim/engine_sim.h'
        includes lib/core lib/threads/ | grep -v '^lib/core/engine.h:.*lib/threads/engine_threads.h'; } >"$scratch/wrong"
    cat "$scratch/wrong"
    test ! -s "$scratch/wrong"
}

# What is told to be made: in backquotes, and in blocks a line that begins with it.
told() {
    cat "$top_srcdir"/README.md "$guide" "$top_srcdir"/docs/*.md "$top_srcdir"/traces/*.md |
        sed -n -e 's/^    \(make [^#]*\).*/\1/p' -e 's/^[^`]*`\(make [^`]*\)`/\1\n/p' |
        sed -n 's/^make \(-C build \)\{0,1\}\([a-z][a-z-]*\)\([ ;].*\)\{0,1\}$/\2/p' | grep -vx help | LC_ALL=C sort -u
}

help_names_targets() {
    ${MAKE:-make} -C "$top_builddir" --no-print-directory help >"$scratch/help" || return 1
    told >"$scratch/told"
    test "$(wc -l <"$scratch/told")" -ge 10 || return 1
    missing=0
    while read -r target; do
        grep -q "^make $target " "$scratch/help" || { echo "make $target is told of, and not helped with" && missing=1; }
    done <"$scratch/told"
    return $missing
}

# And each that the fragments declare, but what only clears away.
help_names_phony() {
    missing=0
    for target in $(sed -n 's/^\.PHONY: //p' "$top_srcdir"/Makefile.am "$top_srcdir"/*/local.mk "$top_srcdir"/tests/bench/local.mk | tr ' ' '\n' | grep -v -e clean -e '^help$'); do
        grep -q "^make $target " "$scratch/help" || { echo "make $target is not helped with" && missing=1; }
    done
    return $missing
}

help_fits() { awk 'length > 110 { print; wide = 1 } END { exit wide }' "$scratch/help"; }

unset MAKEFLAGS MFLAGS MAKELEVEL
run "what CONTRIBUTING.md names is there" names_what_is_there
run "it names each folder" names_each_folder
run "make help names what documents tell to make" help_names_targets
run "make help names every target" help_names_phony
run "make help is no wider than a terminal" help_fits
run "no layer includes what is above it" layers
done_testing
