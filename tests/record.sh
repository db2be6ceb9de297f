#!/bin/sh
# Real runs are recorded: all that they do, in an order that fits, however they end.

. "$top_srcdir/tests/recorded-runs.sh"

examples=$top_builddir/docs/examples

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
    by_environment 0 "$examples/pipeline" && mkdir "$scratch/other" &&
        mv "$trace" "$scratch/other/" && ends 0 "$pirn" explain "$scratch/other/trace.db" &&
        grep -q 'pipeline.c' "$scratch/out" && ends 0 "$pirn" merge "$trace" "$scratch/other/trace.db" &&
        ends 0 "$pirn" view "$trace#1" -o "$scratch/picture.dot" && sound
}
run "a recording is read wherever it is, by every command" elsewhere

# What stands where the program was is looked at only if it is a file: a FIFO would be waited for.
is_not_waited_for() {
    mkdir "$scratch/moved" && cp "$recorded" "$scratch/moved/program" &&
        by_environment 7 env LD_LIBRARY_PATH="$top_builddir/.libs" "$scratch/moved/program" exit && rm "$scratch/moved/program" &&
        mkfifo "$scratch/moved/program" && touch -d '2001-01-01' "$scratch/moved/program" && timeout 60 "$pirn" list "$trace" && sound
}
run "a program that is no file any more is not waited for" is_not_waited_for

# A recording of several blocks, of which the second is full of steps; it is cut and changed below.
for i in 1 2 3 4 5 6 7 8 9 10; do
    PIRN_WORKERS=1 by_environment 0 "$recorded" many 20000 >"$scratch/.log" 2>&1
    mv "$trace" "$scratch/kept"
    test "$(dd if="$scratch/kept" bs=60000 skip=2 count=1 2>/dev/null | head -c 4096 | tr -d '\0' | wc -c)" -gt 1000 && break
done
kept_size=$(wc -c <"$scratch/kept")
head -c 8192 /dev/urandom >"$scratch/garbage"

# Makes the recording that was kept the trace again; cuts it behind $1 bytes, puts the bytes of $2 at $3.
again() {
    rm -f "$trace" "$trace"-*
    head -c "${1:-$kept_size}" "$scratch/kept" >"$trace"
    test -z "$2" || dd if="$2" of="$trace" bs=4096 seek="$3" oflag=seek_bytes conv=notrunc 2>/dev/null
    cp "$trace" "$scratch/before"
}

is_not_damaged() {
    again && ends 0 "$pirn" list "$trace" && test ! -s "$trace-damaged" && ! grep -q damaged "$scratch/out"
}
run "a whole recording is not called damaged" is_not_damaged
damaged=yes

# Some of it is read, and the file is kept as it was; $1: what is said.
says_and_keeps() {
    ends 0 "$pirn" list "$trace" && cmp "$scratch/before" "$trace-damaged" && sound &&
        grep "pirn: $trace: the recording is damaged: $1; the damaged file is kept as $trace-damaged\$" "$scratch/out" &&
        test "$(grep -c '^pirn: ' "$scratch/out")" = 1 && answers 1 'SELECT count(*) FROM run WHERE steps > 0' &&
        ask 'SELECT message FROM run' | grep 'the recording is damaged: ' && ends 0 "$pirn" explain "$trace" &&
        grep 'the recording is damaged' "$scratch/out"
}
is_cut() { again 70000 && says_and_keeps '[0-9]* of 120[0-9]* steps can be read'; }
run "a recording that was cut is told of, and kept" is_cut
is_cut_at_block() { again 131072 && says_and_keeps '[0-9]* of 120[0-9]* steps can be read'; }
run "so is one cut between two blocks" is_cut_at_block
has_garbage() { again "" "$scratch/garbage" 90000 && says_and_keeps '[0-9]* of 120[0-9]* steps can be read'; }
run "so is one with garbage in the middle" has_garbage
head -c 8192 /dev/zero >"$scratch/zeros"
has_hole() { again "" "$scratch/zeros" 90112 && says_and_keeps '[0-9]* of 120[0-9]* steps can be read'; }
run "so is one with a hole" has_hole
has_no_head() { again "" "$scratch/zeros" 131072 && says_and_keeps '[0-9]* of 120[0-9]* steps can be read'; }
run "so is one with a block whose head is gone" has_no_head
loses_block() {
    again && {
        head -c 131072 "$scratch/kept"
        tail -c +196609 "$scratch/kept"
    } >"$trace" && cp "$trace" "$scratch/before" && says_and_keeps '[0-9]* of 120[0-9]* steps can be read'
}
run "so is one that a block has been taken from" loses_block
is_kept_twice() {
    again 70000 && ends 0 "$pirn" list "$trace" && cp "$scratch/before" "$trace" && ends 0 "$pirn" list "$trace" &&
        grep "kept as $trace-damaged-2\$" "$scratch/out" && cmp "$scratch/before" "$trace-damaged" &&
        cmp "$scratch/before" "$trace-damaged-2"
}
run "a second one does not take the first one's place" is_kept_twice

has_nothing() {
    again "$1" && ends 3 "$pirn" list "$trace" && cmp "$scratch/before" "$trace" && test ! -e "$trace-damaged" &&
        test "$(wc -l <"$scratch/out")" = 1 &&
        grep "pirn: $trace: the recording is damaged: no step of a run can be read; the damaged file is left as it is" "$scratch/out" &&
        ends 3 "$pirn" explain "$trace" && cmp "$scratch/before" "$trace"
}
run "a recording of which nothing can be read is left as it is" has_nothing 3000
run "so is the beginning of a head" has_nothing 30
# Its head is that of an open block.
no_run_begun() {
    again 28 && {
        head -c 4 /dev/zero
        head -c 64 "$scratch/kept" | tail -c 32
        head -c 65472 /dev/zero
    } >>"$trace" && cp "$trace" "$scratch/before" && ends 3 "$pirn" list "$trace" &&
        grep 'holds no run' "$scratch/out" && cmp "$scratch/before" "$trace"
}
run "so is one of a program that was ended before its run began" no_run_begun

damaged_beside() {
    by_environment 0 "$examples/pipeline" && answers 1 'SELECT count(*) FROM run' &&
        head -c "$1" "$scratch/kept" >"$trace-recorded" && cp "$trace-recorded" "$scratch/before" &&
        ends 0 "$pirn" list "$trace" && grep 'the recording is damaged' "$scratch/out" &&
        cmp "$scratch/before" "$trace-recorded-damaged" && test ! -e "$trace-recorded" && sound &&
        answers "$2" 'SELECT count(*) FROM run'
}
run "what is damaged beside a trace comes into it as far as it can be read" damaged_beside 70000 2
rm -f "$trace-recorded-damaged"
run "and is put away where it cannot" damaged_beside 3000 1

# Whatever has become of a recording: a trace, with the damaged file kept, or a message.
is_handled() {
    timeout 60 "$pirn" list "$trace" >"$scratch/out" 2>&1
    status=$?
    if test $status -eq 0 || test $status -eq 1; then
        { test ! -e "$trace-damaged" || cmp "$scratch/before" "$trace-damaged"; } && test -s "$trace" && return
    elif test $status -eq 3 && grep -q '^pirn: ' "$scratch/out"; then
        cmp "$scratch/before" "$trace" && return
    fi
    cat "$scratch/out"
    echo "status $status, after $1"
    return 1
}

# The more rounds, the more places: PIRN_FUZZ_ROUNDS=1000 cuts at each multiple of 997.
rounds=${PIRN_FUZZ_ROUNDS-20}
cut_anywhere() {
    at=997
    step=$((kept_size / 997 / rounds * 997))
    test $step -gt 0 || step=997
    while test $at -lt "$kept_size"; do
        again $at
        is_handled "a cut at $at" && test -e "$trace-damaged" -o "$status" = 3 || return 1
        at=$((at + step))
    done
}
run "a recording cut anywhere is never lost, and never called whole" cut_anywhere
printf '\377' >"$scratch/byte"
flip_anywhere() {
    for i in $(seq "$rounds"); do
        at=$((i * 7919 % kept_size))
        # Every other one among the heads and what is told of the run.
        test $((i % 2)) -eq 0 || at=$((at % 2048 + at / 65536 * 65536))
        again "" "$scratch/byte" $at
        is_handled "another byte at $at" || return 1
        cmp -s "$scratch/before" "$scratch/kept" || test -e "$trace-damaged" -o "$status" = 3 || { echo "byte $at"; return 1; }
    done
}
run "with a byte that is another one neither" flip_anywhere

# A page of what is told of the run as a whole: its program and its places are not known then, but its steps are.
loses_program() {
    again "" "$scratch/byte" 200 && says_and_keeps '[0-9]* steps can be read' && answers '' 'SELECT path FROM program' &&
        answers 0 'SELECT count(*) FROM site WHERE line > 0'
}
run "without what is told of the program the steps are read" loses_program
loses_name() { again "" "$scratch/byte" 3 && says_and_keeps '[0-9]* steps can be read'; }
run "so they are where the first byte is another one" loses_name
printf 1 >"$scratch/one"
is_of_format_1() {
    for at in 0 65536 131072 196608; do
        test $at -ge "$kept_size" || dd if="$scratch/one" of="$1" bs=1 seek=$((at + 7)) conv=notrunc 2>/dev/null
    done
    cp "$1" "$scratch/before"
}
tells_of_format() {
    again && is_of_format_1 "$trace" && ends 3 "$pirn" list "$trace" && cmp "$scratch/before" "$trace" && test "$(wc -l <"$scratch/out")" = 1 &&
        grep "pirn: $trace: a recording of format 1, and this is pirn for format 2; read it with the pirn that it was recorded with" "$scratch/out"
}
run "a recording of another format is told of" tells_of_format
tells_of_format_beside() {
    by_environment 0 "$examples/pipeline" && answers 1 'SELECT count(*) FROM run' && cp "$scratch/kept" "$trace-recorded" &&
        is_of_format_1 "$trace-recorded" && ends 0 "$pirn" list "$trace" && grep 'a recording of format 1' "$scratch/out" &&
        cmp "$scratch/before" "$trace-recorded"
}
run "also beside a trace" tells_of_format_beside

# However a run has ended, its blocks have got their sums: that any bit is another one is noticed.
flips=$((rounds * 20))
is_summed() {
    rm -f "$trace"
    wish=$trace${last:+,last=$last}
    PIRN_TRACE=$wish "$@" >"$scratch/out" 2>&1
    cat "$scratch/out"
    "$top_builddir/tests/flipped" "$trace" $flips
}
run "any bit that is changed is noticed" "$top_builddir/tests/flipped" "$scratch/kept" $flips
run "also of a run with many threads" is_summed env PIRN_WORKERS=4 "$recorded" everything
run "also of a deadlock" is_summed "$recorded" deadlock
run "also of a panic" is_summed "$recorded" panic
run "also of a misuse" is_summed "$recorded" misuse
run "also of an exit" is_summed "$recorded" exit
run "also of two runs" is_summed sh -c '"$1" deadlock; "$1" many 1000' sh "$recorded"
last=100
run "also of the last steps" is_summed "$recorded" everything
run "also of those of a panic" is_summed "$recorded" panic
last=
# A thread that the signal meets while it takes a block leaves it open.
is_summed_at_signal() {
    for i in 1 2 3; do
        is_summed timeout -s TERM 1 "$recorded" forever && return
    done
    return 1
}
run "also of a signal" is_summed_at_signal
# Of so many steps few bytes are names, of which nothing is known.
is_looked_at() { by_environment 0 "$recorded" many 5000 && "$top_builddir/tests/flipped" "$trace" $flips open; }
run "of a process that was killed, what cannot have been written is noticed" is_looked_at
damaged=
rm -f "$trace" "$trace"-*

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
# Programs like ls close their standard error at the end, so that nothing that was written is lost unnoticed.
tells_after_closing() {
    by_command 0 ls "$top_srcdir/docs/examples" && grep -q 'hello.c' "$scratch/out" && grep -q 'nothing was recorded' "$scratch/out"
}
run "also where it closes its standard error" tells_after_closing
# In a file of its own that has the descriptor's number nothing is written.
leaves_descriptors_alone() {
    by_command 0 bash -c 'for fd in /proc/self/fd/*; do fd=${fd##*/}; test "$fd" -gt 2 && eval "exec $fd>>\"\$0\""; done; exec 2>&-; exit 0' \
        "$scratch/own" && test ! -s "$scratch/own"
}
if command -v bash >/dev/null; then
    run "a program's own files are left alone" leaves_descriptors_alone
else
    skip "a program's own files are left alone" "bash is not installed"
fi

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
