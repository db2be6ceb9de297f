# tap.sh - sourced by the scripts that test; reports as TAP.
#
#     . "$top_srcdir/tests/tap.sh"
#     run "what should hold" COMMAND...    passes if the command succeeds, shows its output if not
#     skip "what should hold" REASON
#     done_testing
#
# `scratch` is an empty folder that goes away at the end.
# shellcheck shell=sh

number=0
failures=0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-test.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

run() {
    title=$1
    shift
    number=$((number + 1))
    if "$@" >"$scratch/.log" 2>&1 </dev/null; then
        echo "ok $number - $title"
    else
        echo "not ok $number - $title"
        awk '{ print "# " $0 }' "$scratch/.log"
        failures=$((failures + 1))
    fi
}

skip() {
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

done_testing() {
    echo "1..$number"
    test "$failures" -eq 0
    exit
}
