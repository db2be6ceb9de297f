#!/bin/sh
# Usage: demo.sh BUILD_DIR
#
# Looks for a bug in the transaction service (docs/examples/transactions.c), repeats what it finds, tells it in words
# and draws it. BUILD_DIR is where Pirn was built. Exit status: 0 when the bug was found, repeated and drawn, else 1.

build=${1:?usage: demo.sh BUILD_DIR}
cd -- "$build" || exit 1
program=docs/examples/transactions
trace=transactions.db
picture=transactions.svg

title() {
    printf '\n---- %s\n' "$*"
}

failed() {
    echo "demo: $*" >&2
    exit 1
}

# Prints a command, runs it, and fails unless it ends with the status that comes first.
step() {
    expected=$1
    shift
    printf '$ %s\n' "$*"
    "$@"
    status=$?
    test $status -eq "$expected" || failed "expected exit status $expected and got $status"
}

rm -f "$trace" "$trace-journal" "$trace-wal" "$trace-shm" "$picture"

title "A bank that moves money between accounts. On threads it works."
step 0 "./$program"

title "The same program, not even linked anew, where each run takes another interleaving"
step 1 ./pirn explore --quiet --seed 1 --trace "$trace" "./$program"

title "The failing run once more"
step 1 ./pirn replay "$trace" "./$program"

title "What has happened"
step 0 ./pirn explain "$trace"

title "As a picture"
if command -v dot >/dev/null; then
    step 0 ./pirn view "$trace" -o "$picture"
    test -s "$picture" || failed "no picture was written"
    printf '\nThe picture is %s/%s\n' "$(pwd)" "$picture"
else
    # Graphviz draws it; without that there is the same in text.
    step 0 ./pirn view "$trace" -o transactions.txt
    cat transactions.txt
fi
