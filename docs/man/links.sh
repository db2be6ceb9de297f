#!/bin/sh
# Prints a line for each name that a page of section 3 describes besides its own: the name, and the
# page. `make install` makes each a page that leads there.
#
# Usage: links.sh PAGE...

for page; do
    family=$(basename "$page" .3)
    awk -v family="$family" '
        /^\.Sh/ { inside = $2 == "NAME" }
        inside && $1 == ".Nm" && $2 != family { print $2, family }' "$page"
done
