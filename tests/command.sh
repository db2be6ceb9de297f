#!/bin/sh
# The pirn command: what it refuses and how, what it finds, and that what it has recorded survives.

. "$top_srcdir/tests/command-line.sh"

# ---- Usage ----

no_arguments() { gives 2 && grep -q '^usage: pirn' err && test ! -s out; }
helps() { gives 0 "$1" --help && prints '^usage: pirn' && test ! -s err && fits_screen; }
# Shows what is too wide, or the whole of what is too long.
fits_screen() {
    awk 'length > 80 { print FILENAME ":" FNR ": " $0; wide = 1 } END { exit wide }' out &&
        { test "$(wc -l <out)" -le 24 || { cat out && return 1; }; }
}
version() { gives 0 --version && prints '^pirn [0-9]'; }
top_help() { gives 0 --help && prints '^usage: pirn' && prints explore && test ! -s err && fits_screen; }
# What the short help of an option leaves out, the long one tells.
whole_help() {
    gives 0 explore --help && sed -n 's/^  *--/--/; /^More/,/^$/p' out | grep -o -e '--[a-z-]*' | grep -vx -e --help >names
    test -s names && gives 0 explore --help=all && prints '^  -n, --runs' || return 1
    while read -r name; do prints "^ *${name}[= ]" || return 1; done <names
    awk 'length > 80 { print; wide = 1 } END { exit wide }' out
}

run "without arguments it shows its usage" no_arguments
run "--help fits a screen" top_help
run "--help=all tells of every option" whole_help
run "a misspelt --help=all" refuses "'none' is no value for --help, which takes all" 2 explore --help=none
run "--version" version
run "a misspelt subcommand" refuses "did you mean 'explore'" 2 exlpore
run "an unknown subcommand" refuses "there is no subcommand 'frobnicate'" 2 frobnicate
run "no program" refuses 'which program' 2 explore
run "no schedule" refuses 'which run' 2 replay
# Each help ends with a command to copy.
shows_example() { gives 0 "$1" --help && tail -n 1 out | grep -q "^  pirn "; }
for subcommand in $("$pirn" --help | sed -n 's/^  \([a-z]*\)  *[^ ].*  .*/\1/p' | grep -vx pirn); do
    run "$subcommand --help fits a screen" helps $subcommand
    run "$subcommand --help has an example" shows_example $subcommand
done
for subcommand in run explore replay shrink; do
    run "$subcommand: a misspelt option" refuses "'--max-stepps'; did you mean '--max-steps'?" 2 $subcommand --max-stepps=3 ls
done
for subcommand in list coverage explain view merge; do
    run "$subcommand: a misspelt option" refuses "'--hepl'; did you mean '--help'?" 2 $subcommand --hepl ls
done
run "an option like none" refuses "unknown option '--xyzzy'$" 2 explore --xyzzy ls
run "an option cut short too much" refuses "'--re' is ambiguous: --resume, --record" 2 explore --re=1 ls
run "an unknown option" refuses "'--frobnicate'" 2 explore --frobnicate ls
run "an option without its argument" refuses 'needs an argument' 2 explore --trace
run "an option of another subcommand" refuses "'-n'" 2 run -n 3 ls
for option in -n0 -nx -n-1 -t0 -t1x --seed=0x --seed=99999999999999999999 --strategy=x --strategy=random:depth=2 --strategy=pct:depth=0 --strategy=pct:x \
    --record=x --allow=leak,x \
    --max-steps=0 --timers=never --isolate=thread --timeout=-1 --color=x --points=x; do
    run "$option is refused" refuses 'no value for' 2 explore $option ls
done

strategies() {
    gives 0 explore --strategy=help || return 1
    for strategy in portfolio random pct pos surw dfs dpor fifo; do prints "^$strategy  *[a-z]" || return 1; done
}
run "--strategy=help lists them" strategies

# ---- Programs that are none ----

mkdir folder
echo data >data
printf '#!/nowhere/sh\n' >bad-script
printf 'MZ' >bad-binary
printf '#!/bin/sh\necho hello\necho oops >&2\nexit 7\n' >my-script
chmod +x bad-script bad-binary my-script

run "a program that does not exist" refuses 'no such program' 2 explore ./nowhere
run "a name that is not in PATH" refuses 'no such program' 2 run nowhere-at-all
run "a name that is in the folder only" refuses 'did you mean ./my-script' 2 run my-script
run "a folder" refuses 'a folder' 2 run ./folder
run "a file that is not executable" refuses 'not executable' 2 run ./data
run "a script without its interpreter" refuses 'interpreter' 2 run ./bad-script
run "a file in no format for programs" refuses 'cannot be run' 2 run ./bad-binary

uses_neither() { refuses 'ended with status 7 without calling pirn_run.*-lpirn' 2 explore ./my-script && says '| hello' && says '| oops'; }
is_silent() { refuses 'within 0.3 s' 2 explore --timeout=0.3 sleep 100; }
if test -n "${SANITIZED-}"; then
    skip "programs that use neither library" "a plain program cannot load a sanitized library"
else
    run "a program that uses neither library" uses_neither
    run "a program that never gets to pirn_run" is_silent
fi

# ---- Exploring ----

replay_line() { sed -n 's/^replay: //p' "$1"; }
finds() { gives 1 explore "$@" && prints '^FAIL deadlock in run' && prints '^replay: '; }
pasted() {
    finds "$@" || return 1
    replay_line out >command
    sh ./command >out 2>err </dev/null
    status=$?
    cat command out err
    test $status -eq 1 && prints '^deadlock: ' && prints '^the same [0-9]* events'
}
fixed() { gives 0 explore -n 200 "$examples/transactions-fixed" && prints '^200 runs, .* 0 failures in '; }
traced() {
    rm -f orders.db
    pasted --trace orders.db "$examples/transactions" && grep -q 'replay orders.db#' command &&
        gives 0 list orders.db && prints deadlock && ! grep ' $' out
}
picture() {
    finds --trace picture.db "$examples/transactions" || return 1
    sed -n 's/^picture: //p' out | sed 's/run\.svg/run.txt/' >command
    cat command
    sh ./command && test -s run.txt
}
read_again() {
    rm -f read.db
    call explore -n 20 --seed 1 --record=all --keep-going --trace read.db "$examples/philosophers"
    test "$status" -eq 1 && gives 0 stats read.db && prints '^read.db: 20 runs' && prints '^  philosopher 0 ' || return 1
    gives 0 diff 'read.db#1' '#2' && prints '^A: read.db#1, ' && prints '^The first ' || return 1
    gives 0 explain --format=json read.db && prints '"outcome":"deadlock"' || return 1
    gives 0 view --graph=lock-order read.db && prints 'fork 1'
}
odd_names() {
    mkdir -p "it's a 100% odd/fol der"
    cp "$examples/transactions-sim" "it's a 100% odd/fol der/-prog"
    # Where it lies its library is not found beside it.
    LD_LIBRARY_PATH=$top_builddir/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
    pasted --trace "-odd ' name#3.db" "it's a 100% odd/fol der/-prog" 'an "argument"' '*' '$HOME' ''
}
json() {
    gives 1 explore --json "$examples/transactions" && prints '^{"type":"failure","outcome":"deadlock"' &&
        prints '^{"type":"summary","runs":' && test "$(grep -vc '^{.*}$' out)" -eq 0
}
# A line for each finding, at its call, as compilers and GitHub have it.
annotates() {
    gives 1 explore -q --seed=1 --annotate=gcc "$examples/hello" &&
        prints '/hello\.c:[0-9]*: error: deadlock: task 1 (main) is blocked waiting for' &&
        gives 1 explore -q --seed=1 --annotate=github "$examples/hello" &&
        prints '^::error file=.*hello\.c,line=[0-9]*,title=deadlock::task 1 (main) is blocked waiting for' &&
        refuses "'vi' is no value for --annotate" 2 explore --annotate=vi "$examples/hello"
}
quiet() { gives 1 explore -q "$examples/transactions" && test "$(wc -l <out)" -le 3 && test ! -s err; }
allowed() { gives 1 explore -n 20 "$examples/worker-pool" && gives 0 explore -n 20 --allow=leak "$examples/worker-pool"; }
every_strategy() {
    for strategy in portfolio:depth=2 random pct pct:depth=4 pos surw dfs:depth=2 dpor; do
        finds --strategy=$strategy -n 5000 "$examples/philosophers" 2 || return 1
    done
}
covers_all() {
    gives 1 explore --strategy=dpor --keep-going "$examples/philosophers" 3 && prints '^exhausted: ' || return 1
    runs=$(sed -n 's/^\([0-9]*\) runs, \([0-9]*\) distinct.*/\1 \2/p' out)
    test -n "$runs" && test "${runs% *}" = "${runs#* }" || return 1
    gives 0 explore --strategy=dpor -n 2 --keep-going "$examples/philosophers" 3 && prints '^not exhausted: '
}
# What the runs before taught the strategy is part of the exploration.
without_a_schedule() {
    for strategy in random pct surw portfolio; do
        finds --record=none --seed=100 --strategy=$strategy -n 5000 "$examples/philosophers" || return 1
        first=$(grep '^FAIL' out)
        replay_line out >command
        cat command
        sh ./command >again 2>&1
        test $? -eq 1 && grep '^FAIL' again | sed 's/ in run [^:]*//' >a && echo "$first" | sed 's/ in run [^:]*//' | diff - a || return 1
    done
}
one_kind() {
    gives 1 explore -n 500 --seed 5 --keep-going "$examples/philosophers" && prints '^ *[0-9]* of deadlock: ' || return 1
    test "$(grep -c '^FAIL' out)" -eq 1 && test "$(grep -c ' of deadlock: ' out)" -eq 1 || return 1
    sed -n 's/^ *the shortest, [0-9]* steps: //p' out >command
    cat command
    sh ./command >out 2>err </dev/null
    test $? -eq 1 && prints '^the same [0-9]* events'
}
estimates() {
    gives 0 explore -n 300 --seed 1 "$examples/transactions-fixed" && prints 'one more run .* is about [0-9.]* %$' || return 1
    gives 0 explore -n 300 --seed 1 --strategy=fifo "$examples/transactions-fixed" && ! grep 'one more run' out || return 1
    gives 1 explore --seed 1 "$examples/hello" && ! grep 'one more run' out || return 1
    gives 0 explore -n 300 --seed 1 --json "$examples/transactions-fixed" && prints '"type":"summary".*"unseen":0\.'
}
# A deadlock of philosophers is made one with a single preemption, or a few.
few='^shrunk: [0-9]* steps, [0-9]* switches, [0-9]* preemptions -> [0-9]* steps, [0-9]* switches, [1-4] preemption'
shrinks() {
    rm -f small.db
    gives 1 explore --seed 3 --strategy=random --trace small.db "$examples/philosophers" 5 || return 1
    gives 1 shrink small.db "$examples/philosophers" 5 && prints "$few" && prints '^It became certain with step [0-9]* (' || return 1
    replay_line out >command
    cat command
    sh ./command >out 2>err </dev/null
    test $? -eq 1 && prints '^deadlock: ' && prints '^the same [0-9]* events' || return 1
    gives 0 list --json small.db && prints '"shrunk_from":'
}
shrinks_again() {
    gives 1 shrink "small.db#$(sql small.db 'SELECT max(id) FROM run')" "$examples/philosophers" 5 &&
        gives 0 list small.db && test "$(grep -c ' shrink ' out)" -eq 1
}
shrinks_a_schedule() {
    schedule=$(sql small.db "SELECT schedule FROM run WHERE outcome = 'deadlock' LIMIT 1")
    gives 1 shrink "$schedule" "$examples/philosophers" 5 && prints "$few" && prints '^replay: .*pirn1:' || return 1
    gives 1 shrink --json --samples=0 "$schedule" "$examples/philosophers" 5 && prints '"type":"shrunk"' &&
        prints '"minimal":true' && ! grep '"certain"' out || return 1
    gives 1 shrink -n 3 "$schedule" "$examples/philosophers" 5 && prints 'may become smaller'
}
shrinks_what_it_finds() {
    gives 1 explore --shrink --seed 1 --keep-going -n 50 "$examples/philosophers" 4 && test "$(grep -c '^shrunk: ' out)" -eq 1 &&
        test "$(grep -c '^The way there' out)" -eq 1 && prints '^50 runs'
}
# Interrupted, shrinking ends with the smallest run so far: in the foreground, since what is in the background of a script
# ignores SIGINT. $1: a command that tells when it is time.
interrupted_when() {
    command=$1
    shift
    rm -f pid
    { i=0; until { test -s pid && $command "$(cat pid)"; } || test $i -eq 600; do i=$((i + 1)); sleep 0.1; done; kill -INT "$(cat pid)"; } &
    sh -c 'echo $$ >pid.new; mv pid.new pid; exec "$@"' sh "$pirn" "$@" >out 2>err </dev/null
    status=$?
    wait
    cat out err
    echo "status $status: pirn $*"
}
# Every run takes a while, so that there is time; it notes that it has begun.
slow_philosophers() {
    sed 's/^int main(/static void note(void) { FILE *file = fopen("begun", "a"); fputc(46, file); fclose(file); }\nint main(/
        s/^#include <pirn.h>/#include <pirn.h>\n#include <poll.h>\n#include <stdio.h>/' "$top_srcdir/docs/examples/philosophers.c" >slow.c
    cat >>slow.c <<'END'
__attribute__((destructor)) static void slowly(void) { note(); poll(NULL, 0, 20); }
END
    $CC -I"$top_srcdir/lib" slow.c -o slow -L"$top_builddir/.libs" -lpirn -Wl,-rpath,"$top_builddir/.libs"
}
some_runs() { test "$(wc -c <begun)" -ge 40; }
keeps_the_best() {
    slow_philosophers || return 1
    rm -f slow.db
    gives 1 explore --seed 3 --strategy=random --trace slow.db ./slow 5 && : >begun || return 1
    interrupted_when some_runs shrink slow.db ./slow 5
    test "$status" -eq 1 && prints '^shrunk: ' && prints 'may become smaller' && prints '^replay: ' || return 1
    test "$(sql slow.db "SELECT count(*) FROM run WHERE strategy = 'shrink' AND outcome = 'deadlock'")" -eq 1 || return 1
    replay_line out >command
    sh ./command >out 2>err </dev/null
    test $? -eq 1 && prints '^deadlock: ' && prints '^the same [0-9]* events'
}
first_is_shrunk() { test -n "$(sql slow.db "SELECT 1 FROM run WHERE outcome != 'ok'" 2>/dev/null)" && some_runs; }
keeps_what_is_explored() {
    rm -f slow.db
    : >begun
    interrupted_when first_is_shrunk explore --shrink --seed 3 --strategy=random --trace slow.db ./slow 5
    test "$status" -eq 1 && prints '^shrunk: ' && prints '^interrupted: .* 1 failure' || return 1
    test "$(sql slow.db "SELECT count(*) FROM run WHERE strategy = 'shrink'")" -eq 1
}
shrinks_no_other() {
    gives 4 shrink small.db "$examples/philosophers" 4 && says 'other things\|schedule' && test "$(grep -c '^pirn: ' err)" -eq 1 || return 1
    gives 0 explore -n 1 --trace fine.db "$examples/transactions-fixed" &&
        refuses 'nothing to shrink' 2 shrink fine.db "$examples/transactions-fixed" &&
        refuses 'no such program' 2 shrink small.db ./nowhere && refuses 'no such file' 2 shrink nowhere.db ./nowhere &&
        gives 2 shrink small.db && says 'it was recorded with: .* shrink small.db -- '
}
covers() {
    gives 0 explore -n 300 --seed 1 --trace fixed.db "$examples/transactions-fixed" &&
        prints 'pairs of calls on one object came in one order only: pirn coverage fixed.db$' || return 1
    gives 0 coverage fixed.db && prints '^lock in check at transactions-fixed.c:[0-9]* before lock in transfer at .*: in [0-9]* runs' &&
        prints 'came in one order only$' || return 1
    # The locks of two transfers come in both.
    ! grep 'lock in transfer at .* before lock in transfer' out && gives 0 coverage --json fixed.db && test "$(grep -vc '^{.*}$' out)" -eq 0
}
keeps_going() { gives 1 explore -n 50 --keep-going "$examples/worker-pool" && prints '^50 runs,'; }
in_time() { gives 0 explore -t 0.3 "$examples/sieve" && prints '^[1-9][0-9]* runs'; }
same_seed() {
    gives 0 explore -n 3 --seed 0x51 --record=all --trace seeds.db "$examples/pipeline" &&
        gives 0 explore -n 3 --seed 81 --record=all --trace seeds.db "$examples/pipeline" &&
        test "$(sql seeds.db 'SELECT count(DISTINCT schedule) = 3 AND count(*) = 6 FROM run')" -eq 1
}
nothing_left() { ls -A "$TMPDIR"; test -z "$(ls -A "$TMPDIR")"; }

run "a deadlock is found, and the replay command works when pasted" pasted "$examples/transactions"
run "the same with a program linked with libpirn-sim" pasted "$examples/transactions-sim"
run "the same recorded into a trace" traced
run "the trace is counted, compared, and written for others" read_again
run "the same with names that need quoting" odd_names
run "the picture command works when pasted" picture
run "the repaired version is fine" fixed
run "--json prints objects" json
run "--annotate" annotates
run "--quiet prints the failure alone" quiet
run "--allow" allowed
run "--keep-going" keeps_going
run "every strategy finds a deadlock" every_strategy
run "dpor says when everything is covered" covers_all
run "a failure that was not recorded is found again" without_a_schedule
run "deadlocks of one kind are told once, with the shortest" one_kind
run "how much is unseen" estimates
run_sql "a failing run is shrunk" shrinks
run_sql "a shrunk run stays as it is" shrinks_again
if test -n "${SANITIZED-}"; then
    skip "shrinking that is interrupted" "a plain program cannot load a sanitized library"
else
    run_sql "an interruption keeps the smallest run so far" keeps_the_best
    run_sql "an interruption of explore --shrink, too" keeps_what_is_explored
fi
run_sql "a schedule is shrunk" shrinks_a_schedule
run "--shrink" shrinks_what_it_finds
run_sql "what cannot be shrunk" shrinks_no_other
run "pairs of calls that came in one order" covers
run "-t" in_time
run_sql "a seed decides the run" same_seed
run "nothing is left in the temporary folder" nothing_left

interrupted() {
    "$pirn" explore -t 60 "$examples/sieve" >out 2>err &
    pid=$!
    sleep 1
    kill -TERM $pid
    wait $pid
    status=$?
    cat out err
    test $status -eq 143 && prints '^interrupted: ' && nothing_left
}
full_output() {
    "$pirn" explore -n 5 "$examples/sieve" >/dev/full 2>err </dev/null
    status=$?
    cat err
    test $status -eq 3 && says 'cannot write to standard output'
}
run "an interrupted exploration says how far it came" interrupted
if test -c /dev/full; then
    run "output that cannot be written" full_output
else
    skip "output that cannot be written" "no /dev/full"
fi

# ---- One run ----

runs() { gives 0 run --seed=1 "$examples/pipeline" && prints 385 && says '^ok: [0-9]* steps'; }
fails() { gives 1 run --trace one.db --seed=1 "$examples/worker-pool" && says '^FAIL leak' && says '^replay: '; }
run "run shows what the program prints" runs
run "run tells of a failure" fails

# ---- Replaying ----

finds --trace replay.db "$examples/transactions" >/dev/null
schedule=$(gives 1 explore --json "$examples/transactions" >/dev/null; sed -n 's/.*"schedule":"\([^"]*\)".*/\1/p' out)
damaged=$(printf '%s' "$schedule" | sed 's/\(pirn1:..........\)./\1-/')

other_program() { gives 4 replay replay.db "$examples/pipeline" && prints '^diverged: ' && prints 'another'; }
without_program() { gives 2 replay replay.db && says 'recorded with: .*replay replay.db -- .*transactions'; }
again() {
    rm -f again.db
    for i in 1 2 3 4 5 6 7 8 9 10; do
        for j in 1 2 3 4 5 6 7 8 9 10; do
            gives 1 replay --trace again.db replay.db "$examples/transactions" >log || { cat log; return 1; }
        done
    done
    dump='SELECT step, task, op, object, result, function, file, line, time FROM event LEFT JOIN site ON site.id = site WHERE run = '
    first=$(sql replay.db "SELECT min(id) FROM run WHERE outcome <> 'ok'")
    sql replay.db "$dump $first ORDER BY step" >expected
    test -s expected || return 1
    for run in $(sql again.db 'SELECT id FROM run'); do
        sql again.db "$dump $run ORDER BY step" >found
        cmp expected found || return 1
    done
    test "$(sql again.db 'SELECT count(*) FROM run')" -eq 100
}
run "replay with another program" other_program
run "replay without a program suggests the recorded one" without_program
run "a damaged schedule" refuses 'schedule' 2 replay "$damaged" "$examples/transactions"
run "half a schedule" refuses 'schedule' 2 replay "$(printf '%.30s' "$schedule")" "$examples/transactions"
run "no schedule at all" refuses 'schedule' 2 replay pirn1: "$examples/transactions"
run "a run that is not in the trace" refuses '999' 2 replay replay.db#999 "$examples/transactions"
run_sql "replay does the same events, 100 times of 100" again

# ---- Files that are no traces ----

printf 'Dear diary, I have a feeling that somebody is going to write over me today, and I shall not like it at all. Sigh.\n' >diary
cp diary diary.was
: >empty.db
head -c 5000 replay.db >cut.db
cp replay.db torn.db
dd if=/dev/zero of=torn.db bs=1 seek=4096 count=12000 conv=notrunc 2>/dev/null

foreign() { refuses 'not a .*trace' 2 explore --trace diary "$examples/sieve" && cmp diary diary.was; }
foreign_database() {
    sql other.db 'CREATE TABLE t(x)' && cp other.db other.was
    refuses 'another program' 2 explore --trace other.db "$examples/sieve" && cmp other.db other.was
}
empty() { gives 0 explore -n 2 --trace empty.db "$examples/sieve" && gives 0 list empty.db; }
cut() {
    call explore --trace cut.db "$examples/sieve"
    test "$status" -eq 2 -o "$status" -eq 3 && says 'cut.db' && test "$(grep -c '^pirn: ' err)" -eq 1 || return 1
    call replay cut.db "$examples/sieve"
    test "$status" -eq 2 -o "$status" -eq 3 && says 'cut.db'
}
torn() {
    call explore --trace torn.db "$examples/sieve"
    test "$status" -eq 2 -o "$status" -eq 3 && says 'torn.db' || return 1
    call replay torn.db "$examples/sieve"
    test "$status" -eq 2 -o "$status" -eq 3 && says 'torn.db'
}
run "a text file is no trace" foreign
run_sql "a database of another program is no trace" foreign_database
run "replay from a text file" refuses 'not a .*trace' 2 replay diary "$examples/sieve"
run "replay from nothing" refuses 'no such file' 2 replay nothing.db "$examples/sieve"
run "an empty file becomes a trace" empty
run "a trace that was cut short" cut
run "a trace that was written over" torn
run "a folder as a trace" refuses 'folder' 2 explore --trace folder "$examples/sieve"
run "a trace in a folder that does not exist" refuses 'No such file' 3 explore --trace nowhere/x.db "$examples/sieve"

# What only the superuser could write. He gives the command away to somebody who cannot.
unwritable() {
    mkdir locked && chmod 555 locked
    if test "$(id -u)" -eq 0; then
        chmod 755 "$scratch"
        setpriv --reuid=65534 --clear-groups "$pirn" explore --trace locked/x.db "$examples/sieve" >out 2>err </dev/null
    else
        "$pirn" explore --trace locked/x.db "$examples/sieve" >out 2>err </dev/null
    fi
    status=$?
    cat out err
    test $status -eq 3 && says 'Permission denied' && test "$(grep -c '^pirn: ' err)" -eq 1
}
if test "$(id -u)" -ne 0 || setpriv --reuid=65534 --clear-groups test -x "$examples/sieve" 2>/dev/null; then
    run "a trace in a folder that may not be written to" unwritable
else
    skip "a trace in a folder that may not be written to" "nobody else may run the programs"
fi

full_disk() {
    call explore --keep-going -n 100000 --json --record=all --trace disk/x.db "$examples/worker-pool" >log
    tail -n 3 log
    test "$status" -eq 3 && says 'disk is full' && test "$(grep -c '^pirn: ' err)" -eq 1 && reported_are_there disk/x.db
}
if test "$(id -u)" -eq 0 && mkdir disk && mount -t tmpfs -o size=600k none disk 2>/dev/null; then
    trap 'umount -l "$scratch/disk"; rm -rf "$scratch"' EXIT
    mounted=1
else
    mounted=
fi

# ---- Sudden ends, and company ----

# Every run that the output in `out` reports is in the trace, which is sound.
reported_are_there() {
    sed -n 's/.*"trace_run":\([0-9]*\).*/\1/p' out | sort -n >reported
    test "$(sql "$1" 'PRAGMA integrity_check')" = ok || { echo "$1 is damaged"; return 1; }
    # The end may have come before the first table.
    test "$(sql "$1" "SELECT count(*) FROM sqlite_master WHERE name = 'run'")" = 1 || { test ! -s reported; return; }
    sql "$1" 'SELECT id FROM run ORDER BY id' | sort >recorded
    sort reported | comm -23 - recorded >lost
    test ! -s lost || { echo 'reported and lost:'; cat lost; return 1; }
    test "$(sql "$1" "SELECT count(*) FROM run WHERE outcome <> 'ok' AND id NOT IN (SELECT run FROM event)")" -eq 0
}
killed() {
    rm -f killed.db
    total=0
    for i in 1 2 3 4 5 6 7 8 9 10; do
        "$pirn" explore --keep-going -t 20 --json --trace killed.db "$examples/worker-pool" >out 2>err &
        pid=$!
        sleep "0.$(awk -v seed="$$$i" 'BEGIN { srand(seed); print int(rand() * 70) + 10 }')"
        # By turns the command and the process that performs the runs; the other one must notice.
        victim=$pid
        test $((i % 2)) -eq 0 && read -r victim rest <"/proc/$pid/task/$pid/children"
        kill -KILL ${victim:-$pid}
        wait $pid
        status=$?
        test $((i % 2)) -eq 0 && test $status -ne 3 && test $status -ne 1 && { cat err; echo "status $status"; return 1; }
        reported_are_there killed.db || return 1
        total=$((total + $(wc -l <reported)))
    done
    echo "$total runs reported"
    test $total -gt 0
}
together() {
    rm -f both.db
    "$pirn" explore -n 150 --keep-going --trace both.db "$examples/worker-pool" >one 2>&1 &
    pid=$!
    "$pirn" explore -n 150 --keep-going --trace both.db "$examples/worker-pool" >two 2>&1
    first=$?
    wait $pid
    second=$?
    tail -n 2 one two
    test "$first $second" = '1 1' && test "$(sql both.db 'PRAGMA integrity_check')" = ok &&
        test "$(sql both.db 'SELECT count(*) || count(DISTINCT program) FROM run')" = 3002
}
run_sql "kill -9 at any moment loses nothing that was reported" killed
run_sql "two explorations record into one file" together
if test -n "$mounted"; then
    run_sql "a full disk is told once, and what was reported is there" full_disk
else
    skip "a full disk is told once, and what was reported is there" "a small file system cannot be mounted"
fi
done_testing
