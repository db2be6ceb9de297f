#!/bin/sh
# The page that pirn view writes, used in a browser by clicks and keys.

lacks() {
    echo "1..0 # SKIP no $1 (Debian: chromium, chromium-driver, python3)"
    exit 0
}

command -v python3 >/dev/null || lacks python3
command -v chromedriver >/dev/null || lacks chromedriver
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || lacks Chromium
PIRN=${PIRN:-$top_builddir/pirn} EXAMPLES=${EXAMPLES:-$top_builddir/docs/examples}
export PIRN EXAMPLES
exec python3 -B "$top_srcdir/tests/browser/page.py"
