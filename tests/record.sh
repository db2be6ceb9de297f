#!/bin/sh
# Real runs are recorded: all that they do, in an order that fits, however they end.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
examples=$top_builddir/docs/examples
recorded=$top_builddir/tests/recorded
trace=$scratch/trace.db
unset PIRN_TRACE

if ! command -v sqlite3 >/dev/null; then
    echo "1..0 # SKIP sqlite3 is not installed"
    exit 0
fi

# Runs a command that has to end with status $1.
ends() {
    expected=$1
    shift
    timeout 120 "$@" >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    test $status -eq "$expected" || { echo "the exit status is $status, not $expected"; return 1; }
}

# The command makes a trace of what was recorded.
ask() { "$pirn" list "$trace" >/dev/null && sqlite3 "$trace" "$1"; }

# The answer to a question about the trace.
answers() {
    answer=$(ask "$2")
    test "$answer" = "$1" || { echo "$2"; echo "the answer is $answer, not $1"; return 1; }
}

# Every query here is to find nothing.
sound() {
    answers ok 'PRAGMA integrity_check' &&
        answers 0 'SELECT count(*) FROM edge WHERE before >= after' &&
        answers 0 'SELECT count(*) FROM edge AS e WHERE
            NOT EXISTS (SELECT 1 FROM event WHERE run = e.run AND step = before) OR
            NOT EXISTS (SELECT 1 FROM event WHERE run = e.run AND step = after)' &&
        answers 0 'SELECT count(*) FROM edge AS e JOIN event AS a ON a.run = e.run AND a.step = before
            JOIN event AS b ON b.run = e.run AND b.step = after WHERE a.task = b.task AND a.task <> 0' &&
        answers 0 'SELECT count(*) FROM event AS e WHERE task <> 0 AND
            NOT EXISTS (SELECT 1 FROM task WHERE run = e.run AND id = e.task)' &&
        answers 0 'SELECT count(*) FROM event AS e WHERE object IS NOT NULL AND
            NOT EXISTS (SELECT 1 FROM object WHERE run = e.run AND id = e.object)' &&
        answers 0 'SELECT count(*) FROM task WHERE parent >= id' &&
        answers 0 'SELECT count(*) FROM (SELECT time, lag(time) OVER (PARTITION BY run ORDER BY step) AS before
            FROM event) WHERE time < before' &&
        answers 0 'SELECT count(*) FROM run JOIN (SELECT run, count(*) AS n FROM event GROUP BY run) ON run = id
            WHERE steps <> n'
}

# Channel by channel, of those that no select has to do with: who has received has been sent to.
channels='
    SELECT count(*) FROM (
        SELECT sum(op IN ("send", "try_send", "fire")) AS sent, sum(op IN ("recv", "try_recv")) AS received
        FROM event JOIN object ON object.run = event.run AND object.id = event.object
        WHERE kind = "channel" AND result = 0 AND object NOT IN (SELECT object FROM select_case WHERE object IS NOT NULL)
        GROUP BY event.run, event.object)'
fits() { answers 0 "$channels WHERE received > sent"; }
all_arrived() { answers 0 "$channels WHERE received <> sent"; }

# By locks: nobody has one that another has. (A wait on a condition gives its mutex up.)
locks_exclude() {
    answers 0 'SELECT count(*) FROM (
        SELECT op, task, lag(op) OVER w AS op_before FROM event
        JOIN object ON object.run = event.run AND object.id = event.object
        WHERE kind = "mutex" AND label IS NOT "gate" AND result = 0 AND op IN ("lock", "trylock", "unlock")
        WINDOW w AS (PARTITION BY event.run, event.object ORDER BY step))
        WHERE (op = "unlock") = (coalesce(op_before, "unlock") = "unlock")'
}

# viz reads, tells and draws it.
is_readable() {
    ends 0 "$pirn" list "$trace" && ends 0 "$pirn" explain "$trace" &&
        ends 0 "$pirn" view "$trace" -o "$scratch/picture.dot"
}

# Records into a new trace: by the environment, or by the command.
by_environment() {
    rm -f "$trace"
    wish=$trace${last:+,last=$last}
    status=$1
    shift
    ends "$status" env PIRN_TRACE="$wish" "$@"
}

by_command() {
    rm -f "$trace"
    status=$1
    shift
    ends "$status" "$pirn" record -o "$trace" ${last:+--last=$last} -- "$@"
}

outcome() { answers "$1" 'SELECT outcome FROM run'; }

records() {
    how=$1
    shift
    "$how" 0 "$@" && sound && outcome ok && fits && locks_exclude && is_readable
}

# Deadlocks, where they come.
records_anyhow() {
    rm -f "$trace"
    PIRN_TRACE=$trace timeout 60 "$@" >"$scratch/out" 2>&1
    cat "$scratch/out"
    sound && fits && is_readable
}

for workers in 1 2; do
    PIRN_WORKERS=$workers
    export PIRN_WORKERS
    for example in transactions-fixed pipeline sieve cancel; do
        run "$example is recorded, $workers workers" records by_environment "$examples/$example"
    done
    run "worker-pool is recorded by the command, $workers workers" by_command 0 "$examples/worker-pool"
    run "and what it has done is sound" sound
    for example in hello transactions philosophers late-start; do
        run "$example is recorded however it ends, $workers workers" records_anyhow "$examples/$example"
    done
    run "all operations are recorded, $workers workers" by_environment 0 "$recorded" everything
    run "in an order that fits" sound
    run "with channels that give what they were sent" all_arrived
    run "with locks that one task has at a time" locks_exclude
    run "and viz reads it" is_readable
    run "all were sent and received" answers "1250|1250" \
        'SELECT sum(op = "send"), sum(op = "recv") FROM event JOIN object ON object.run = event.run AND id = object
         WHERE label = "values" AND result = 0'
    unset PIRN_WORKERS
done

explains_deadlock() {
    by_environment 1 "$recorded" deadlock && outcome deadlock && sound &&
        answers 2 'SELECT count(*) FROM finding WHERE step IS NOT NULL AND object IS NOT NULL' &&
        ends 0 "$pirn" explain "$trace" && grep -q '^Deadlock: 2 tasks wait for each other' "$scratch/out" &&
        grep -q 'main waits to lock right, since' "$scratch/out" &&
        grep -q 'lock_right holds right, locked in step' "$scratch/out"
}
run "a deadlock on threads is explained as one in the simulator" explains_deadlock

ends_as() {
    by_environment "$1" "$recorded" "$2" && outcome "$3" && sound && is_readable &&
        ask 'SELECT message FROM run' | grep "$4"
}
run "a panic is recorded" ends_as 134 panic panic '^nothing goes any more, by task 1 (main)'
run "a misuse is recorded" ends_as 134 misuse misuse 'not locked: mutex balance'
run "an exit is recorded" ends_as 7 exit exit 'status 7'
if test "$SANITIZED" = yes; then
    skip "a crash is recorded" "the sanitizers see to it"
else
    run "a crash is recorded" ends_as 139 crash crash 'SIGSEGV'
fi

# How many steps the run has that `pirn list --json` tells of.
steps_of() { sed -n 's/.*"steps":\([0-9]*\).*/\1/p' | grep . || echo 0; }

# Ends a program that would go on for ever with signal $1, once something of it has been written.
killed_by() {
    rm -f "$trace"
    PIRN_TRACE=$trace "$recorded" forever &
    pid=$!
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        test -s "$trace" && test "$("$pirn" list --json "$trace" 2>/dev/null | steps_of)" -gt 10 && break
        sleep 0.5
    done
    kill "-$1" $pid
    wait $pid
    test $? -gt 128 && outcome crash && sound && is_readable && ask 'SELECT message FROM run' | grep "$2"
}
run "what was written before kill -9 is sound" killed_by KILL 'without a word'
run "SIGTERM is recorded as such" killed_by TERM SIGTERM

last=100
keeps_last() {
    "$1" 0 "$recorded" everything && sound && is_readable && answers "100|1|100" 'SELECT count(*), min(step), max(step) FROM event'
}
run "the last steps are kept" keeps_last by_environment
run "or so asked of the command" keeps_last by_command
deadlocks_at_last() {
    by_environment 1 "$recorded" deadlock && outcome deadlock && sound && is_readable
}
run "with fewer steps than are kept all are" deadlocks_at_last
last=8
run "a deadlock is among the last" deadlocks_at_last
last=

two_runs() {
    by_environment 0 "$examples/pipeline" && ends 0 env PIRN_TRACE="$trace" "$examples/pipeline" &&
        answers 2 'SELECT count(*) FROM run' && sound
}
run "a second run is added" two_runs

# Also where the file is a trace by now: beside it, and into it with the next command.
adds_to_trace() {
    two_runs && ends 0 env PIRN_TRACE="$trace" "$examples/pipeline" && test -s "$trace-recorded" &&
        answers 3 'SELECT count(*) FROM run' && test ! -e "$trace-recorded" && sound
}
run "and a third to what has been read" adds_to_trace

# What a program is still writing can be read; then, when it has ended, all.
reads_while_it_runs() {
    killed_by KILL 'without a word' || return 1
    rm -f "$trace"
    PIRN_TRACE=$trace "$recorded" forever &
    pid=$!
    i=0
    until test -s "$trace" || test $i -ge 50; do
        sleep 0.1
        i=$((i + 1))
    done
    "$pirn" list "$trace" >"$scratch/out" 2>&1
    cat "$scratch/out"
    kill -KILL $pid
    wait $pid
    grep -q 'still running' "$scratch/out" && outcome crash && sound
}
run "a run can be read before it has ended" reads_while_it_runs

elsewhere() {
    by_environment 0 "$examples/pipeline" && cp "$trace" "$scratch/kept" && mkdir "$scratch/other" &&
        mv "$trace" "$scratch/other/" && ends 0 "$pirn" explain "$scratch/other/trace.db" &&
        grep -q 'pipeline.c' "$scratch/out" && ends 0 "$pirn" merge "$trace" "$scratch/other/trace.db" &&
        ends 0 "$pirn" view "$trace#1" -o "$scratch/picture.dot" && sound
}
run "a recording is read wherever it is, by every command" elsewhere

# Whatever has become of a recording: a trace, or a message.
damaged() {
    size=$(wc -c <"$scratch/kept")
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        cp "$scratch/kept" "$trace"
        at=$((i * 7919 % 4096))
        for place in $at $((65536 + at)) $((131072 + at)); do
            test "$place" -lt "$size" && printf '\377\377\377\001' |
                dd of="$trace" bs=1 seek="$place" conv=notrunc 2>/dev/null
        done
        test $((i % 5)) -ne 0 || truncate -s $((size - i * 3000)) "$trace"
        timeout 60 "$pirn" list "$trace" >"$scratch/out" 2>&1
        status=$?
        test $status -le 3 || { cat "$scratch/out"; echo "damage $i: status $status"; return 1; }
    done
}
run "a damaged recording does no harm" damaged

many_steps() { by_environment 0 "$recorded" many 20000 && sound && answers "20000" 'SELECT count(*) FROM event WHERE op = "send" AND result = 0 AND task = 1'; }
run "of many steps none is lost" many_steps

# The program goes on where it cannot be recorded, and says why.
goes_on() {
    what=$1
    shift
    ends 0 "$@" && grep -q 'add up to 385' "$scratch/out" && grep "$what" "$scratch/out"
}
run "a folder that is not there is no reason to fail" goes_on 'cannot be accessed' \
    env PIRN_TRACE="$scratch/none/trace.db" "$examples/pipeline"
echo "no trace" >"$scratch/text"
run "a file that is no trace is left alone" goes_on 'nothing more of this run is recorded' \
    env PIRN_TRACE="$scratch/text" "$examples/pipeline"
run "as it was" test "$(cat "$scratch/text")" = "no trace"
run "nonsense is told" goes_on 'last=N keeps' env PIRN_TRACE="$trace,last=no" "$examples/pipeline"

is_full() {
    rm -f "$trace"
    # 512 or 1024 bytes each, as the shell has it; the signal would end the program.
    sh -c 'trap "" XFSZ; ulimit -f 500; exec "$@"' sh env PIRN_TRACE="$trace" "$recorded" many 20000 >"$scratch/out" 2>&1 || return 1
    cat "$scratch/out"
    grep -q 'nothing more of this run is recorded' "$scratch/out" && answers ok 'PRAGMA integrity_check'
}
run "a full disk does not stop the program" is_full

is_kept_out() {
    chmod a-w "$scratch/locked"
    goes_on 'nothing more of this run is recorded' env PIRN_TRACE="$scratch/locked/trace.db" "$examples/pipeline"
}
mkdir "$scratch/locked"
if test "$(id -u)" = 0; then
    skip "a read-only folder is told of" "root writes everywhere"
else
    run "a read-only folder is told of" is_kept_out
fi

environment_is_restored() {
    rm -f "$trace"
    PIRN_TRACE=$trace LD_PRELOAD='' ends 0 "$pirn" record -o "$trace" sh -c 'test -z "$LD_PRELOAD"'
}
run "what the program starts does not load the library too" environment_is_restored
tells_of_nothing() { by_command 2 "$recorded" && grep -q 'nothing was recorded' "$scratch/out"; }
run "a program without pirn_run is told of" tells_of_nothing

refuses_replay() {
    by_environment 0 "$examples/pipeline" && ends 2 "$pirn" replay "$trace#1" "$examples/pipeline" && grep -q 'recorded on threads' "$scratch/out"
}
run "a real run is not replayed" refuses_replay
run "record wants a program" ends 2 "$pirn" record
run "record wants a number" ends 2 "$pirn" record --last=0 true
run "record has help" ends 0 "$pirn" record --help
run "a simulated run is not recorded as well" ends 0 env PIRN_TRACE="$scratch/other.db" "$pirn" run --seed 1 "$examples/pipeline"
run "nor its file made" test ! -e "$scratch/other.db"
done_testing
