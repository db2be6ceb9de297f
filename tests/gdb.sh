#!/bin/sh
# The gdb commands: in a replayed run, on threads, and in a core file.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
examples=$top_builddir/docs/examples

skip_all() {
    skip "gdb commands" "$1"
    done_testing
}
test -z "${SANITIZED-}" || skip_all "gdb would show the sanitizer's start"
command -v gdb >/dev/null || skip_all "no gdb"
gdb -nx -batch -ex 'python import gdb.unwinder' 2>/dev/null || skip_all "this gdb has no Python"
gdb -nx -batch -ex run "$(command -v true)" 2>/dev/null | grep -q 'exited normally' || skip_all "gdb may not run programs here"
case $CC in
*clang*) skip_all "gcc's debugging information is shown" ;;
esac
cd "$scratch" || exit 1
HOME=$scratch # no settings of the user's
unset DEBUGINFOD_URLS
export HOME

"$pirn" explore --strategy=pos --seed=2 --quiet --trace hello.db "$examples/hello" >/dev/null
# Commands for a replay in gdb, which is $out then.
replayed() {
    until=$1
    shift
    printf 'set width 0\n' >commands
    for command; do
        printf '%s\n' "$command" >>commands
    done
    timeout 120 "$pirn" replay --until="$until" hello.db "$examples/hello" <commands >out 2>&1
    cat out
}

prints() { grep -q -e "$1" out || { echo "there is no line like: $1" && return 1; }; }

stops_at_step() {
    replayed 20 && prints '^step 20: task 3 (greet): recv channel 1, in greet at hello.c:16$' &&
        prints '16.*pirn_recv(names, &name);'
}

stops_at_the_first_step() {
    timeout 120 "$pirn" replay --gdb hello.db "$examples/hello" >out 2>&1 </dev/null
    cat out
    prints '^step 1: task 1 (main): start'
}

shows_tasks() {
    replayed 20 'pirn tasks' &&
        prints '  task 1 (main): waiting for waitgroup from hello.c:26, in hello at hello.c:28$' &&
        prints '  task 2 (greet): runnable; next: receiving from channel from hello.c:24, in greet at hello.c:16; started by task 1 in hello at hello.c:26$' &&
        prints '\* task 3 (greet): running; started by task 1 in hello at hello.c:27$' && prints '^3 tasks$'
}

shows_stacks() {
    replayed 20 'pirn bt 1' 'pirn bt 2 full' 'pirn bt 3' 'pirn bt 4' 'pirn bt greet' 'pirn bt main' &&
        prints '^#0  .*pirn_waitgroup_wait ' && prints '^#1  .* in hello .* at .*hello.c:28$' &&
        prints '^        name = 0x[0-9a-f]* "Barbara"$' && prints 'there is no task 4; pirn tasks lists them$' &&
        prints '2 tasks are called greet' && test "$(grep -c '^#0 .*pirn_recv ' out)" -eq 2 &&
        test "$(grep -c '^#0 .*pirn_waitgroup_wait ' out)" -eq 2 && test "$(grep -c '^#2' out)" -eq 0
}

shows_channels() {
    replayed 20 'pirn chan names' 'pirn chan 0' 'pirn chan' &&
        prints 'channel from hello.c:24: 3 of 5 values of 8 bytes, open$' && prints '  receiving: nobody$' &&
        prints 'a NULL channel' && prints 'which channel? pirn chan EXPR'
}

steps() {
    replayed 20 'pirn step' 'pirn step' 'pirn step 3' 'pirn until 26' 'pirn until 3' &&
        prints '^.*step 21: task 2 (greet): recv channel 1' && prints 'step 22: task 2 (greet): len channel 1' &&
        prints 'step 23: task 3 (greet): len channel 1' && prints 'step 26: ' && prints 'step 3 is over'
}

stops_at_the_finding() {
    replayed finding 'pirn tasks' 'pirn chan names' 'pirn bt 3' 'continue' &&
        prints '^deadlock: task 1 (main) is blocked waiting for waitgroup' &&
        prints 'task 3 (greet): receiving from channel from hello.c:24, in greet at hello.c:16; started' &&
        prints '  receiving: task 3 (greet), in greet at hello.c:16$' && prints '^pirn: deadlock: 2 tasks' &&
        prints 'exited with code 01'
}

is_the_same_run_again() {
    replayed 20 'run' 'pirn until 20' 'kill' 'pirn until 20' && test "$(grep -c 'step 20: task 3 (greet)' out)" -ge 2
}

refuses_misuse() {
    "$pirn" replay --until=never hello.db "$examples/hello" >out 2>&1
    test $? -eq 2 && prints "'never' is no value for --until" &&
        ! "$pirn" replay --gdb --json hello.db "$examples/hello" >out 2>&1 && prints '^pirn: --gdb goes with'
}

without_gdb() {
    mkdir -p none && PATH=$scratch/none "$pirn" replay --gdb hello.db "$examples/hello" >out 2>&1
    test $? -eq 3 && prints '^pirn: gdb is not installed'
}

# ---- On threads ----

before_the_start() {
    ! gdb -nx -q -batch -ex "source $top_srcdir/lib/pirn-gdb.py" -ex 'pirn tasks' "$examples/pipeline" >out 2>&1
    prints 'this program has not loaded libpirn (yet); start it first'
}

live_tasks() {
    printf '%s\n' 'set width 0' "source $top_srcdir/lib/pirn-gdb.py" 'break close_squares' 'run' 'pirn tasks' 'pirn bt main' \
        'pirn bt close_squares' 'pirn chan squares' 'pirn step' >commands
    timeout 120 gdb -nx -q -batch -x commands "$examples/pipeline" >out 2>&1
    cat out
    prints '^\* task [0-9]* (close_squares): running on thread [0-9]*; started by task 1 in pipeline at pipeline.c:[0-9]*$' &&
        prints '^  task 1 (main): ' && prints '^#[01] .* in pipeline ' && prints '^#0 .*close_squares ' &&
        prints '^channel squares: [012] of 2 values of 4 bytes, open$' && prints 'this program runs on threads'
}

crashes_with_core() {
    cat >crash.c <<'END'
#include <pirn.h>

PIRN_CHAN_TYPE(ints, int);
static ints jobs;

static void work(void *arg) {
    int job;
    ints_recv(jobs, &job);
    *(int *)arg = job;
}

static void crash(void *arg) {
    jobs = ints_new(3);
    pirn_label(jobs.chan, "jobs");
    pirn_go(work, arg);
    pirn_sleep(PIRN_MSEC);
    for (;;) *(volatile int *)arg = pirn_chan_len(jobs.chan) == 0;
}

int main(void) { return pirn_run(NULL, crash, NULL); }
END
    $CC -g -fno-optimize-sibling-calls -I"$top_srcdir/lib" crash.c -o crash -L"$top_builddir/.libs" -lpirn \
        -Wl,-rpath,"$top_builddir/.libs" || return 1
    (ulimit -c unlimited 2>/dev/null; exec ./crash) 2>/dev/null
    test $? -gt 128
}

shows_a_core() {
    timeout 120 gdb -nx -q -batch -ex "source $top_srcdir/lib/pirn-gdb.py" -ex 'set width 0' -ex 'pirn tasks' -ex 'pirn bt 1' \
        -ex 'pirn bt work' -ex 'pirn chan jobs' ./crash core* >out 2>&1
    cat out
    prints '^\* task 1 (main): running on thread 1$' && prints '^  task 2 (work): receiving from channel jobs, in ints_recv at crash.c:3; started' &&
        prints '^#0 .*crash .*crash.c:17$' && prints '^#[0-2] .* in work .*crash.c:8$' &&
        prints '^channel jobs: 0 of 3 values of 4 bytes, open$' && prints '^  receiving: task 2 (work), in ints_recv at crash.c:3$'
}

run "pirn replay --until STEP stops there" stops_at_step
run "pirn replay --gdb stops at the first step" stops_at_the_first_step
run "pirn tasks, in the simulator" shows_tasks
run "pirn bt, in the simulator" shows_stacks
run "pirn chan, in the simulator" shows_channels
run "pirn step and pirn until" steps
run "pirn replay --until finding stops there" stops_at_the_finding
run "run in gdb is the same run again" is_the_same_run_again
run "what is refused" refuses_misuse
run "without gdb" without_gdb
run "a program that does not run yet" before_the_start
run "the commands on threads" live_tasks
run "a program that crashes" crashes_with_core
if test -n "$(ls core* 2>/dev/null)"; then
    run "the commands in a core file" shows_a_core
else
    skip "the commands in a core file" "the system keeps no core files in the current folder"
fi
done_testing
