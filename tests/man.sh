#!/bin/sh
# The manual pages are well formed, and say what there is: every function as the header declares
# it, every subcommand with the options of its --help, every table of a trace. That their examples
# do what they show is tested by docs.sh.

. "$top_srcdir/tests/tap.sh"

pages=$top_srcdir/docs/man

# What mandoc says of other pages depends on what is installed.
lint() {
    mandoc -T lint -W style "$1" 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db' >"$scratch/lint"
    cat "$scratch/lint"
    test ! -s "$scratch/lint"
}

# The functions that a library exports, one a line.
exported() { sed -n 's/^ *\(pirn_[a-z0-9_]*\);.*/\1/p' "$1" | grep -v '^pirn__' | LC_ALL=C sort -u; }

# The declarations in a page's synopsis, as C.
declared() {
    awk '
        function word(s) { gsub(/"/, "", s); return s }
        /^\.Sh/ { inside = $2 == "SYNOPSIS"; next }
        !inside { next }
        $1 == ".In" { print "#include <" $2 ">" }
        $1 == ".Ft" { sub(/^\.Ft /, ""); type = word($0); next }
        $1 == ".Fn" && type != "" && $2 ~ /^pirn_/ {
            name = $2
            sub(/^\.Fn [^ ]* */, "")
            gsub(/" "/, ", ")
            print type " " name "(" word($0) ");"
            type = ""
            next
        }
        $1 == ".Fo" { name = $2; arguments = "" }
        $1 == ".Fa" { sub(/^\.Fa /, ""); arguments = arguments (arguments == "" ? "" : ", ") word($0) }
        $1 == ".Fc" { print type " " name "(" arguments ");" }' "$1"
}

# Is each declaration that of the header? A compiler takes a function declared twice alike only.
as_in_header() {
    declared "$1" >"$scratch/synopsis.c"
    cat "$scratch/synopsis.c"
    grep -q '(' "$scratch/synopsis.c" &&
        $CC -std=c11 -Werror -fsyntax-only -I"$top_srcdir/lib" -I"$top_srcdir/sim" "$scratch/synopsis.c"
}

every_function() {
    for page in "$pages"/*.3; do declared "$page"; done | sed -n 's/^.*[ *]\(pirn_[a-z0-9_]*\)(.*/\1/p' | LC_ALL=C sort >"$scratch/described"
    exported "$1" >"$scratch/exported"
    test -s "$scratch/exported" && LC_ALL=C sort -u "$scratch/described" | LC_ALL=C comm -13 - "$scratch/exported" >"$scratch/missing"
    cat "$scratch/missing"
    test ! -s "$scratch/missing" && test -z "$(uniq -d "$scratch/described")"
}

# Can each function be asked for by its name?
every_link() {
    sh "$pages/links.sh" "$pages"/*.3 | awk '{ print $1 }' >"$scratch/names"
    for page in "$pages"/*.3; do basename "$page" .3; done >>"$scratch/names"
    exported "$top_srcdir/sim/pirn-sim.map" | while read -r name; do
        grep -qx "$name" "$scratch/names" || echo "$name"
    done >"$scratch/missing"
    cat "$scratch/missing"
    test ! -s "$scratch/missing" && test -z "$(LC_ALL=C sort "$scratch/names" | uniq -d)"
}

has_its_options() {
    whole=--help
    ! pirn "$1" --help | grep -q -e --help=all || whole=--help=all
    pirn "$1" $whole | sed -n 's/^  *\(-[a-zA-Z], \)\{0,1\}--\([a-z-]*\).*/\2/p' | LC_ALL=C sort >"$scratch/help"
    sed -n 's/^\.It .*Fl Fl \([a-z-]*\).*/\1/p' "$pages/pirn-$1.1" | LC_ALL=C sort >"$scratch/page"
    test -s "$scratch/help" && diff "$scratch/help" "$scratch/page" && grep -q "^\.It Xr pirn-$1 1" "$pages/pirn.1"
}

# Do references to our own pages lead somewhere?
refers_to_pages() {
    sh "$pages/links.sh" "$pages"/*.3 | awk '{ print $1 "." 3 }' >"$scratch/names"
    (cd "$pages" && ls) >>"$scratch/names"
    grep -h '^\.\(It \)\{0,1\}Xr pirn' "$1" | sed 's/^\.\(It \)\{0,1\}Xr //' | awk '{ print $1 "." $2 }' | while read -r name; do
        grep -qx "$name" "$scratch/names" || echo "$name"
    done >"$scratch/missing"
    cat "$scratch/missing"
    test ! -s "$scratch/missing"
}

# The tables and views of a trace, with their columns: "run id", "run program", ...
columns() {
    awk '/^CREATE TABLE/ { split($3, part, "("); table = part[1]; print table, ""; next }
        /^CREATE VIEW/ { print $3, "" }
        /^\)/ { table = "" }
        table != "" && $1 ~ /^[a-z]/ { print table, $1 }' "$top_srcdir/traces/schema.sql"
}

every_column() {
    columns | while read -r table column; do
        awk -v table="$table" -v column="$column" '
            $1 == ".It" || $1 == ".Ss" { inside = $0 == ".It Sy " table; if (inside && column == "") found = 1 }
            inside && $1 == ".Li" && $2 == column { found = 1 }
            END { exit !found }' "$pages/pirn-trace.5" || echo "$table $column"
    done >"$scratch/missing"
    cat "$scratch/missing"
    test ! -s "$scratch/missing" && test "$(columns | wc -l)" -gt 50
}

for page in "$pages"/*.[1-9]; do
    name=$(basename "$page")
    if command -v mandoc >/dev/null; then
        run "$name is well formed" lint "$page"
    else
        skip "$name is well formed" "there is no mandoc"
    fi
    run "$name refers to pages that there are" refers_to_pages "$page"
done
for page in "$pages"/*.3; do
    run "$(basename "$page") declares as the header does" as_in_header "$page"
done
run "every function of libpirn is described, once" every_function "$top_srcdir/lib/pirn.map"
run "every function of libpirn-sim is described, once" every_function "$top_srcdir/sim/pirn-sim.map"
run "every function has a page of its name" every_link
for subcommand in $(pirn --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p' | grep -v '^pirn$'); do
    run "pirn-$subcommand.1 has the options of its help" has_its_options "$subcommand"
done
run "pirn-trace.5 has every table and column" every_column
done_testing
