# command-line.sh - sourced by the scripts that test the command pirn, in place of tap.sh. They run in
# `scratch`, and temporary files are below it.
#
#     gives STATUS ARGUMENT...             runs pirn, which must end so; `out` and `err` hold what it printed, $status its
#                                          exit status. Not more than PIRN_TEST_LIMIT seconds (300)
#     call ARGUMENT...                     the same with any status
#     says WORDS, prints WORDS             a line of `err`, of `out`, has them
#     once                                 there is one message
#     refuses WORDS STATUS ARGUMENT...     the same with nothing printed, and the words in it
#     run_sql TITLE COMMAND...             a test that needs the program sqlite3, as `sql` does
# shellcheck shell=sh

. "$top_srcdir/tests/tap.sh"

pirn=${PIRN:-$top_builddir/pirn}
examples=${EXAMPLES:-$top_builddir/docs/examples}
TMPDIR=$scratch/tmp
export TMPDIR
mkdir "$TMPDIR"
cd "$scratch" || exit 1

call() {
    timeout "${PIRN_TEST_LIMIT:-300}" "$pirn" "$@" >out 2>err </dev/null
    status=$?
    cat out err
    echo "status $status: pirn $*"
}
gives() {
    wanted=$1
    shift
    call "$@"
    test "$status" -eq "$wanted"
}
says() { grep -q -e "$1" err; }
prints() { grep -q -e "$1" out; }
once() { test "$(grep -c '^pirn: ' err)" -eq 1; }
refuses() {
    word=$1
    wanted=$2
    shift 2
    gives "$wanted" "$@" && says "$word" && once && test ! -s out
}
sql() { sqlite3 -cmd '.timeout 10000' "$@"; }
run_sql() {
    if command -v sqlite3 >/dev/null; then run "$@"; else skip "$1" "no sqlite3 program"; fi
}
