# recorded-runs.sh - sourced by the scripts that record runs on threads, in place of tap.sh.
#
#     ends STATUS COMMAND...         runs a command, which has to end so; $scratch/out holds what it printed
#     ask QUESTION, answers ANSWER QUESTION
#                                    the answer to a question in SQL about $trace, which the command makes of what was
#                                    recorded there; unless `damaged` is yes it has nothing to complain of
# shellcheck shell=sh

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
recorded=$top_builddir/tests/recorded
trace=$scratch/trace.db
unset PIRN_TRACE

if ! command -v sqlite3 >/dev/null; then
    echo "1..0 # SKIP sqlite3 is not installed"
    exit 0
fi

ends() {
    expected=$1
    shift
    timeout 120 "$@" >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    test $status -eq "$expected" || { echo "the exit status is $status, not $expected"; return 1; }
}

damaged=
ask() {
    "$pirn" list "$trace" >/dev/null && { test "$damaged" = yes || test ! -e "$trace-damaged"; } && sqlite3 "$trace" "$1"
}

answers() {
    answer=$(ask "$2")
    test "$answer" = "$1" || { echo "$2"; echo "the answer is $answer, not $1"; return 1; }
}
