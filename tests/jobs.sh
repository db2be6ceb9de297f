#!/bin/sh
# Many processes and many machines: whoever shares an exploration, however it is interrupted and goes on, what comes of it
# is what one process would have found.

. "$top_srcdir/tests/command-line.sh"

nothing_left() { ls -A "$TMPDIR"; test -z "$(ls -A "$TMPDIR")"; }

# What the runs in a trace were, in their order, all that is recorded of them included, but for what is not theirs: times
# of the wall clock and the numbers of sites.
dump() {
    sql "$1" "SELECT $2, strategy, seed, schedule, outcome, message, steps, graph FROM run ORDER BY $2;
        SELECT run.$2, step, task, op, object, result, function, file, line FROM event JOIN run ON run.id = run
            LEFT JOIN site ON site.id = site ORDER BY run.$2, step;
        SELECT run.$2, before, after, kind FROM edge JOIN run ON run.id = run ORDER BY 1, 2, 3, 4;
        SELECT run.$2, finding.id, kind, step, other_step, object, finding.message FROM finding JOIN run ON run.id = run
            ORDER BY 1, 2;"
}
# The last but one line, with what was found, without the time it took.
figures() { grep ' distinct, ' out | sed 's/ in [0-9.e+-]* s ([a-z ]*)$//; s/ ([0-9]* of them before)//'; }
# All that is printed but for the name of the trace and for times.
said() { sed 's/[a-z0-9]*\.db/TRACE/g; s/ in [0-9.e+-]* s ([a-z ]*)$//' out; }

# gives, whether something is found or not.
explores() { gives 0 "$@" >log || test "$status" -eq 1 || { cat log; return 1; }; }
explore_one() { gives 1 explore -n 300 --seed=7 --keep-going --trace "$1" "$examples/philosophers" >log || { cat log; false; }; }

# ---- Many processes ----

as_one() {
    strategy=$1
    rm -f one.db many.db
    gives "$2" explore -n 150 --seed=3 --keep-going --record=all --strategy="$strategy" --trace one.db "$examples/$3" || return 1
    said >one && figures >one.figures
    for jobs in 2 3 7; do
        rm -f many.db
        gives "$2" explore -j $jobs -n 150 --seed=3 --keep-going --record=all --strategy="$strategy" --trace many.db "$examples/$3" ||
            return 1
        said | diff one - || return 1
        dump one.db id >expected && dump many.db id >found && test -s expected && cmp expected found || return 1
    done
}
for strategy in portfolio pct surw random; do
    run_sql "several processes find what one does: $strategy" as_one $strategy 1 philosophers
done
run_sql "several processes find what one does: no failure" as_one portfolio 0 transactions-fixed
run_sql "several processes find what one does: a leak in every run" as_one portfolio 1 worker-pool

same_first_failure() {
    for seed in 1 20 300; do
        gives 1 explore --seed=$seed "$examples/philosophers" && said >one || return 1
        gives 1 explore -j 4 --seed=$seed "$examples/philosophers" && said | diff one - || return 1
    done
}
few() {
    gives 0 explore -j 8 -n 1 --seed=2 "$examples/transactions-fixed" && prints '^1 run, 1 distinct' &&
        gives 0 explore -j 8 -n 17 --seed=2 --strategy=fifo "$examples/transactions-fixed" && prints '^17 runs, 1 distinct'
}
without_a_limit() {
    gives 0 explore -j 2 -t 0.5 "$examples/transactions-fixed" && prints '^[1-9][0-9]* runs, '
}
run "the first failure is the same" same_first_failure
run "more processes than runs" few
run "-t" without_a_limit
run "-j without a number" refuses 'no value for' 2 explore -j x ls
run "too many processes" refuses 'no value for' 2 explore -j 5000 ls

# ---- Many machines ----

shards() {
    of=$1
    shift
    rm -f whole.db merged.db shard*.db
    gives 1 explore -n 150 --seed=3 --keep-going "$@" --trace whole.db "$examples/philosophers" || return 1
    figures | sed 's/ failures*$//' >expected.figures
    shard=1
    while test $shard -le "$of"; do
        gives 1 explore -j $((shard % 2 + 1)) --shard=$shard/"$of" -n 150 --seed=3 --keep-going "$@" --trace shard$shard.db \
            "$examples/philosophers" || return 1
        shard=$((shard + 1))
    done
    gives 0 merge merged.db shard*.db && sed 's/ of [0-9]* traces*//; s/ failures*$//' out | diff expected.figures - || return 1
    dump whole.db seed >expected && dump merged.db seed >found && test -s expected && cmp expected found || return 1
    test "$(sql merged.db 'SELECT count(*) FROM program')" -eq 1 && gives 1 replay merged.db "$examples/philosophers" &&
        prints '^the same [0-9]* events'
}
for strategy in portfolio pct surw pos; do
    run_sql "three shards, merged, are the whole: $strategy" shards 3 --strategy=$strategy
done
run_sql "thirteen shards are the whole" shards 13
run_sql "two shards with all events are the whole" shards 2 --record=all
small_shard() {
    gives 0 explore --shard=2/2 --seed=1 -n 3 "$examples/transactions-fixed" && prints '^0 runs, 0 distinct, 0 failures' &&
        gives 0 explore -j 2 --shard=2/2 --seed=1 -n 5 "$examples/transactions-fixed" && prints '^1 run, 1 distinct'
}
run "a shard that has no run, or one" small_shard
shard_replay() {
    gives 1 explore --shard=2/3 --seed=9 --record=none "$examples/philosophers" || return 1
    grep '^FAIL' out >first
    sed -n 's/^replay: //p' out >command
    sh ./command >again 2>&1
    cat command again
    grep -q -F "$(cat first)" again
}
run "a failure of a shard is found again without a trace" shard_replay
for shard in 0/2 3/2 2 /2 1/ x/y 1/0; do run "--shard=$shard is refused" refuses 'no value for' 2 explore --shard=$shard --seed=1 ls; done
run "a shard needs a seed" refuses '--shard needs --seed' 2 explore --shard=1/2 "$examples/sieve"

# ---- Merging ----

explore_one a.db
gives 1 explore -n 20 --seed=500 --keep-going --trace b.db "$examples/philosophers" >log
gives 0 explore -n 5 --trace other.db "$examples/sieve" >log
printf 'Dear diary\n' >diary
: >nothing.db
head -c 5000 a.db >cut.db

appends() {
    rm -f sum.db
    gives 0 merge sum.db a.db && prints '^300 runs of 1 trace, ' && refuses 'sum.db: exists; --append' 2 merge sum.db b.db &&
        gives 0 merge --append sum.db b.db && prints '^320 runs of 1 trace and what was there, ' &&
        test "$(sql sum.db 'SELECT count(*) || count(DISTINCT program) || max(id) FROM run')" = 3201320
}
nothing_written() {
    rm -f new.db
    refuses "$@" && test ! -e new.db
}
other_program() {
    nothing_written 'other.db: recorded from sieve' 2 merge new.db a.db other.db &&
        gives 0 merge --any-program new.db a.db other.db && prints '^305 runs of 2 traces'
}
kept_as_it_was() {
    cp a.db kept.db
    refuses 'recorded from sieve' 2 merge --append kept.db b.db other.db && cmp a.db kept.db
}
dangling() {
    cp b.db dangling.db
    sql dangling.db 'UPDATE event SET site = 4711 WHERE step = 3' && nothing_written 'refers to site 4711' 2 merge new.db a.db dangling.db
}
keeps_shrunk() {
    cp b.db shrunk.db
    sql shrunk.db 'UPDATE run SET shrunk_from = id - 1 WHERE id = 7'
    rm -f new.db
    gives 0 merge new.db a.db shrunk.db && test "$(sql new.db 'SELECT id, shrunk_from FROM run WHERE shrunk_from')" = '307|306'
}
run_sql "--append, and only then" appends
run "a trace of another program" other_program
run "what is appended to stays as it was when that fails" kept_as_it_was
run "a file that does not exist" nothing_written 'nowhere.db: no such file' 2 merge new.db a.db nowhere.db
run "a file that is no trace" nothing_written 'diary: ' 2 merge new.db a.db diary
run "an empty file" nothing_written 'nothing.db: ' 2 merge new.db a.db nothing.db
run "a trace that was cut short" nothing_written 'cut.db: ' 3 merge new.db a.db cut.db
run "the same trace twice" nothing_written 'count twice' 2 merge new.db a.db ./a.db
run "a trace into itself" refuses 'a.db: ' 2 merge --append a.db a.db
run "over something else" refuses 'diary: ' 2 merge --append diary a.db
run "into a folder that does not exist" refuses 'nowhere/new.db: ' 3 merge nowhere/new.db a.db
run "merge without traces" refuses 'which traces' 2 merge new.db
run_sql "a row that refers to nothing" dangling
run_sql "a shrunk run refers to the one it was shrunk from" keeps_shrunk

# A journal that is too large for the disk is one way to fill it.
full_disk() {
    mkdir full && mount -t tmpfs -o size=200k none full || return 1
    nothing_written_there 3 merge full/new.db a.db b.db
    result=$?
    umount full
    return $result
}
nothing_written_there() { refuses 'disk is full, and nothing was written' "$@" && test -z "$(ls -A full)"; }
if test "$(id -u)" -eq 0 && mkdir probe && mount -t tmpfs -o size=200k none probe 2>/dev/null; then
    umount probe
    run "a full disk" full_disk
else
    skip "a full disk" "a small file system cannot be mounted"
fi

# ---- Interrupted, and going on ----

has_runs() { test "$(sql "$1" 'SELECT count(*) > 40 FROM run' 2>/dev/null)" = 1; }
# Tries a command again and again, for a minute at most.
wait_until() {
    i=0
    until "$@"; do
        i=$((i + 1))
        test $i -lt 600 || return 1
        sleep 0.1
    done
}
# Explores for ever in the background, until there are runs.
begin() {
    rm -f "$1"
    trace=$1
    shift
    "$pirn" explore -t 600 --trace "$trace" "$@" >out 2>err </dev/null &
    pid=$!
    wait_until has_runs "$trace" && return
    kill -KILL $pid
    cat out err
    return 1
}
ended() {
    wait $pid
    status=$?
    cat out err
    echo "status $status"
    test $status -eq "$1"
}
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
# Explores in the foreground, since what is in the background of a script ignores SIGINT. Meanwhile $1, a command, is called in
# the background with the id of the process.
meanwhile() {
    command=$1
    wanted=$2
    shift 2
    rm -f pid
    { wait_until test -s pid && $command "$(cat pid)"; } &
    sh -c 'echo $$ >pid.new; mv pid.new pid; exec "$@"' sh "$pirn" explore -t 600 "$@" >out 2>err </dev/null
    status=$?
    cat out err
    echo "status $status"
    wait
    test "$status" -eq "$wanted"
}
interrupt() { wait_until has_runs cc.db; kill -INT "$1"; }
terminate() { wait_until has_runs cc.db; kill -TERM "$1"; }
# What is in the trace is what the summary says, and a beginning of the exploration without a gap.
complete() {
    runs=$(sed -n 's/^\(interrupted: \)*\([0-9]*\) runs.*/\2/p' out)
    echo "$runs runs"
    test "$(sql "$1" 'PRAGMA integrity_check')" = ok &&
        test "$(sql "$1" 'SELECT count(*) || 0 || (max(seed) - min(seed) + 1) || 0 || (SELECT next FROM exploration) FROM run')" \
            = "${runs}0${runs}0$runs"
}
ends_cleanly() {
    rm -f cc.db
    meanwhile "$@" && prints '^interrupted: ' && complete cc.db && nothing_left
}
run_sql "SIGINT ends one process cleanly" ends_cleanly interrupt 130 --trace cc.db "$examples/transactions-fixed"
run_sql "SIGINT ends several cleanly" ends_cleanly interrupt 130 --trace cc.db -j 3 "$examples/transactions-fixed"
run_sql "SIGTERM ends one process cleanly" ends_cleanly terminate 143 --trace cc.db "$examples/transactions-fixed"
run_sql "SIGTERM ends several cleanly" ends_cleanly terminate 143 --trace cc.db -j 3 "$examples/transactions-fixed"
run_sql "what was found is the exit status" ends_cleanly interrupt 1 --trace cc.db --keep-going "$examples/philosophers"
run_sql "what several found is the exit status" ends_cleanly interrupt 1 --trace cc.db -j 2 --keep-going "$examples/philosophers"

# The program cannot answer, and the second signal ends it all.
interrupt_twice() {
    wait_until has_runs cc.db
    read -r program rest <<END
$(children "$1")
END
    kill -STOP "$program"
    kill -INT "$1"
    sleep 1
    kill -INT "$1"
}
second_signal() {
    rm -f cc.db
    meanwhile interrupt_twice 130 --trace cc.db -j "$1" "$examples/transactions-fixed" && prints '^interrupted: ' &&
        test "$(sql cc.db 'PRAGMA integrity_check')" = ok
}
run_sql "a second signal does not wait" second_signal 1
run_sql "a second signal does not wait for several" second_signal 2

# A run that takes for ever does not keep anybody waiting.
is_in_a_run() {
    for child in $(children "$1"); do
        grep -q '^stuck$' "/proc/$child/comm" 2>/dev/null && test -n "$(children "$child")" && return
    done
    return 1
}
interrupt_run() { wait_until is_in_a_run "$1"; kill -INT "$1"; }
build() {
    cat >"$1.c" && $CC -I"$top_srcdir/lib" "$1.c" -o "$1" -L"$top_builddir/.libs" -lpirn -Wl,-rpath,"$top_builddir/.libs"
}
interrupted_in_a_run() {
    build stuck <<'END' || return 1
#include <pirn.h>
#include <unistd.h>
static void body(void *arg) { (void)arg; for (;;) pause(); }
int main(void) { return pirn_run(NULL, body, NULL); }
END
    for jobs in 1 2; do
        meanwhile interrupt_run 130 --strategy=random -j $jobs --timeout=300 ./stuck && prints '^interrupted: 0 runs' || return 1
    done
}
if test -n "${SANITIZED-}"; then
    skip "an interruption in the middle of a run" "a plain program cannot load a sanitized library"
else
    run "an interruption in the middle of a run" interrupted_in_a_run
fi

estimate() { grep '^the probability that one more run ' out; }
goes_on() {
    rm -f whole.db parts.db
    explores explore -n 150 --seed=3 --keep-going --strategy="$1" --trace whole.db "$examples/philosophers" && { figures && estimate; } >expected || return 1
    explores explore -n 7 --seed=3 --keep-going --strategy="$1" --trace parts.db "$examples/philosophers" &&
        explores explore -n 80 -j 2 --keep-going --resume parts.db "$examples/philosophers" && prints '^87 runs (7 of them before)' &&
        explores explore -n 63 --keep-going --resume parts.db "$examples/philosophers" && { figures && estimate; } | diff expected - || return 1
    dump whole.db id >expected && dump parts.db id >found && test -s expected && cmp expected found &&
        test "$(sql parts.db 'SELECT count(*) FROM exploration')" -eq 1
}
after_a_failure() {
    rm -f parts.db
    gives 1 explore --seed=1 --trace parts.db "$examples/philosophers" && first=$(sed -n 's/^FAIL .* in run \([0-9]*\).*/\1/p' out) &&
        gives 1 explore --resume parts.db "$examples/philosophers" && second=$(sed -n 's/^FAIL .* in run \([0-9]*\).*/\1/p' out) &&
        test "$second" -gt "$first"
}
shard_goes_on() {
    rm -f whole.db parts.db
    gives 1 explore -n 150 --seed=3 --keep-going --trace whole.db "$examples/philosophers" || return 1
    for shard in 1 2; do
        gives 1 explore -n 50 --shard=$shard/2 --seed=3 --keep-going --trace parts.db "$examples/philosophers" || return 1
    done
    for shard in 1 2; do
        gives 1 explore -n 100 --shard=$shard/2 --keep-going --resume parts.db "$examples/philosophers" || return 1
    done
    dump whole.db seed >expected && dump parts.db seed >found && test -s expected && cmp expected found
}
as_it_began() {
    rm -f parts.db
    gives 0 explore -n 20 --seed=3 --allow=leak --trace parts.db "$examples/worker-pool" &&
        gives 0 explore -n 20 --resume parts.db "$examples/worker-pool" && prints '^40 runs (20 of them before)'
}
after_an_interruption() {
    begin cc.db -j 2 --seed=3 "$examples/transactions-fixed" && kill -TERM $pid && ended 143 && complete cc.db || return 1
    gives 0 explore -n 10 --resume cc.db "$examples/transactions-fixed" && total=$runs && complete cc.db && test "$runs" -eq $((total + 10))
}
nothing_to_go_on_with() {
    rm -f single.db
    gives 0 run --trace single.db "$examples/transactions-fixed" >log
    refuses 'no exploration to go on with' 2 explore --resume single.db "$examples/transactions-fixed"
}
for strategy in portfolio pct surw random; do
    run_sql "--resume goes on as if there had been no end: $strategy" goes_on $strategy
done
run "--resume goes on after a failure" after_a_failure
run_sql "--resume goes on with each shard" shard_goes_on
run "--resume has the options of the beginning" as_it_began
run_sql "--resume goes on after an interruption" after_an_interruption
run "--resume without an exploration" nothing_to_go_on_with
run "--resume of nothing" refuses 'no such file' 2 explore --resume nowhere.db "$examples/sieve"
run "--resume of something else" refuses 'diary' 2 explore --resume diary "$examples/sieve"
run "--resume with another program" refuses 'another program' 3 explore --resume a.db "$examples/sieve"
run "--resume with another seed" refuses '--seed cannot be given' 2 explore --resume a.db --seed=1 "$examples/philosophers"
run "--resume of a shard that is not there" refuses 'of this shard' 2 explore --resume a.db --shard=1/2 "$examples/philosophers"

# ---- Sudden ends ----

# The processes that perform runs: children of the program that the command has started.
worker() {
    read -r program rest <<END
$(children "$1")
END
    set -- $(children "$program")
    shift $((1 % $#))
    echo "$1"
}
told() { test "$(grep -c '^pirn: .* was killed by signal 9' err)" -ge "$1"; }
killed_worker() {
    begin kw.db -j 3 --seed=3 "$examples/transactions-fixed" || return 1
    for i in 1 2 3; do
        victim=$(worker $pid)
        kill -KILL "$victim" && wait_until told $i || { kill -KILL $pid; return 1; }
    done
    kill -TERM $pid
    ended 143 && complete kw.db && test "$(grep -c '^pirn: ' err)" -eq 3 || return 1
    gives 0 explore -n "$runs" --seed=3 --trace whole.db.$$ "$examples/transactions-fixed" >log &&
        dump whole.db.$$ id >expected && dump kw.db id >found && cmp expected found
}
gone() { test -z "$(ls "/proc/$1/fd" 2>/dev/null)"; }
killed_parent() {
    for i in 1 2 3 4 5 6; do
        begin kp.db -j 3 --keep-going --json "$examples/philosophers" || return 1
        # What the command has been told it need not have printed yet.
        wait_until grep -q '"trace_run":' out || { kill -KILL $pid; return 1; }
        read -r program rest <<END
$(children $pid)
END
        # By turns the command and the process that takes in the runs.
        if test $((i % 2)) -eq 0; then
            kill -KILL "$program" && ended 3 && says 'before it was done; what it has recorded is safe' || return 1
        else
            kill -KILL $pid
            wait $pid
            # The kernel kills the program, too, but need not be done; its journal would be taken for that of the next trace.
            wait_until gone "$program" || return 1
        fi
        test "$(sql kp.db 'PRAGMA integrity_check')" = ok &&
            test "$(sql kp.db 'SELECT count(*) = max(run.seed) - min(run.seed) + 1 AND count(*) = next FROM run, exploration')" -eq 1 || return 1
        sed -n 's/.*"trace_run":\([0-9]*\).*/\1/p' out | sort >reported
        sql kp.db 'SELECT id FROM run' | sort | comm -23 reported - >lost
        test -s reported && test ! -s lost || return 1
    done
}
# A run that is the end of whoever performs it, twice, is told and not tried for ever.
deadly() {
    build deadly <<'END' || return 1
#include <pirn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
/* Not the first runs, which one process performs for all. */
static void body(void *arg) {
    int count = open("count", O_CREAT | O_APPEND | O_RDWR, 0600);
    (void)arg;
    if (write(count, ".", 1) != 1 || lseek(count, 0, SEEK_END) <= 16) return;
    kill(getppid(), SIGKILL);
    for (;;) pause();
}
int main(void) { return pirn_run(NULL, body, NULL); }
END
    gives 3 explore --strategy=random -j 2 ./deadly
    says 'run [0-9]* (seed .*) was killed by signal 9 .*and so did the one before it'
}
run_sql "a worker that is killed costs nothing but its run, which is made again" killed_worker
run_sql "kill -9 of the rest loses nothing that was reported" killed_parent
if test -n "${SANITIZED-}"; then
    skip "a run that kills who performs it" "a plain program cannot load a sanitized library"
else
    run "a run that kills who performs it" deadly
fi

# ---- JUnit XML ----

well_formed() { if command -v xmllint >/dev/null; then xmllint --noout "$1"; else test -s "$1"; fi; }
count() { grep -c "$1" report.xml; }
passed() {
    gives 0 explore -n 20 --junit report.xml "$examples/transactions-fixed" && cat report.xml && well_formed report.xml &&
        grep -q '<testsuite name="pirn explore" tests="1" failures="0" errors="0" time="' report.xml &&
        grep -q '<testcase classname=".*transactions-fixed" name="explore"/>' report.xml &&
        grep -q '<property name="runs" value="20"/>' report.xml
}
failed() {
    gives 1 explore -j 2 --junit report.xml "$examples/philosophers" && cat report.xml && well_formed report.xml &&
        grep -q 'tests="1" failures="1" errors="0"' report.xml && grep -q '<failure type="deadlock" message="4 tasks' report.xml &&
        grep -q '^replay: .*pirn1:' report.xml && test "$(count '</testcase>')" -eq 1
}
markup() {
    cp "$examples/philosophers" "a<b> & \"c'"
    LD_LIBRARY_PATH=$top_builddir/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} gives 1 explore --junit report.xml "./a<b> & \"c'" &&
        cat report.xml && well_formed report.xml && grep -q 'classname="./a&lt;b&gt; &amp; &quot;c' report.xml
}
error() {
    gives 2 explore --junit report.xml ./nowhere && cat report.xml && well_formed report.xml &&
        grep -q 'tests="1" failures="0" errors="1"' report.xml && test "$(count '<error ')" -eq 1
}
run "--junit of an exploration that passes" passed
run "--junit of one that fails" failed
run "--junit with names that need escaping" markup
run "--junit of one that could not be" error
run "--junit into a folder that does not exist" refuses 'nowhere/x.xml: cannot be written' 2 explore --junit nowhere/x.xml "$examples/sieve"
run "nothing is left in the temporary folder" nothing_left

done_testing
