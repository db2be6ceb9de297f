#!/bin/sh
# Usage: note.sh functions LIBRARY            prints what the library exports under versions of its interface
#        note.sh layout                       prints what programs are compiled with (layout.awk)
#        note.sh dump LIBRARY                 prints abidw's description of the library
#        note.sh compare NOTED LIBRARY        shows by abidiff what of a description is no longer so
#        note.sh write BUILD                  writes all of it, for the libraries of BUILD, beside this script
#
# CC and NM are the compiler and nm. Exit status: 0, or 1 when something failed.

set -u
unset CDPATH

here=$(cd "$(dirname "$0")" && pwd) || exit 1
sources=$here/../..
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-abi.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT

functions() { ${NM:-nm} -D --defined-only "$1" | sed -n 's/^[0-9a-f]* [^A] \(pirn_[^_].*@@PIRN_[0-9.]*\)$/\1/p' | LC_ALL=C sort; }

headers() { printf '#include <%s>\n' pirn.h pirn-sim.h; }

# The compiler may have options:
# shellcheck disable=SC2086
compile() { ${CC:-cc} -std=gnu11 -I"$sources/lib" -I"$sources/sim" "$@"; }

layout() {
    headers | compile -E -P - >"$scratch/headers" || return 1
    constants=$(headers | compile -E -dM - |
        sed -n 's/^#define \(PIRN_[A-Z_]*[A-Z]\) .*/\1/p' | grep -v '^PIRN_VERSION\|_H$' | LC_ALL=C sort)
    awk -v constants="$(echo "$constants" | tr '\n' ' ')" -f "$here/layout.awk" "$scratch/headers" >"$scratch/layout.c" &&
        compile "$scratch/layout.c" -o "$scratch/layout" && "$scratch/layout"
}

# Of the types only those of the public headers.
public() { mkdir -p "$scratch/public" && cp "$sources/lib/pirn.h" "$sources/sim/pirn-sim.h" "$scratch/public"; }

dump() {
    public && abidw --suppr "$here/public.suppr" --headers-dir "$scratch/public" --drop-private-types \
        --drop-undefined-syms --exported-interfaces-only --no-show-locs --no-corpus-path --no-comp-dir-path "$1" |
        sed "s|path='[^']*/\(lib/[^']*'\)|path='\1|; s|path='[^']*/\(sim/[^']*'\)|path='\1|"
}

compare() {
    public && abidiff --suppr "$here/public.suppr" --headers-dir2 "$scratch/public" --drop-private-types \
        --no-added-syms "$1" "$2"
}

write() {
    layout >"$scratch/noted" && mv "$scratch/noted" "$here/layout" || return 1
    for name in libpirn libpirn-sim; do
        functions "$1/.libs/$name.so" >"$scratch/noted" && test -s "$scratch/noted" &&
            mv "$scratch/noted" "$here/$name.functions" || return 1
        if command -v abidw >/dev/null; then
            dump "$1/.libs/$name.so" >"$scratch/noted" && test -s "$scratch/noted" && mv "$scratch/noted" "$here/$name.abi" || return 1
        else
            echo "abidw is not installed (Debian: abigail-tools): $name.abi stays as it was" >&2
        fi
    done
}

case ${1-} in
functions | dump | write) "$1" "${2:?which?}" ;;
compare) compare "${2:?which?}" "${3:?which?}" ;;
layout) layout ;;
*) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
