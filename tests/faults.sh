#!/bin/sh
# What happens to traces when the command, the disk or somebody else fails, and what a stranger's trace or a planted link can do.
# tests/command.sh and tests/jobs.sh have the ordinary cases. PIRN_TEST_KILLS: how many explorations are killed.

. "$top_srcdir/tests/command-line.sh"

kills=${PIRN_TEST_KILLS:-20}

# The trace is sound, has every run that `out` reports, whole, and no row that refers to none.
sound() {
    sed -n 's/.*"trace_run":\([0-9]*\).*/\1/p' out | sort >reported
    test "$(sql "$1" 'PRAGMA integrity_check')" = ok || { echo "$1 is damaged"; return 1; }
    # The end may have come before the first table.
    test "$(sql "$1" "SELECT count(*) FROM sqlite_master WHERE name = 'run'")" = 1 || { test ! -s reported; return; }
    test -z "$(sql "$1" 'PRAGMA foreign_key_check')" || { echo 'a row refers to nothing'; return 1; }
    sql "$1" 'SELECT id FROM run' | sort >recorded
    comm -23 reported recorded >lost
    test ! -s lost || { echo 'reported and lost:'; cat lost; return 1; }
    test "$(sql "$1" "SELECT count(*) FROM run WHERE outcome <> 'ok' AND steps <> (SELECT count(*) FROM event WHERE event.run = run.id)")" -eq 0
}

# ---- kill -9 ----

# From the first moments of a new file to the middle of a large one, one process or three, the command or its first child.
killed() {
    total=0
    i=0
    # In ms; where the machine has so much else to do that nothing is reported by then, longer.
    within=400
    rm -f killed.db
    while test $i -lt "$kills"; do
        test $((i % 5)) -eq 0 && rm -f killed.db killed.db-*
        "$pirn" explore --keep-going -t 20 --json -j $((i % 2 * 2 + 1)) --trace killed.db "$examples/worker-pool" >out 2>err </dev/null &
        pid=$!
        sleep "$(awk -v seed="$$$i" -v within=$within 'BEGIN { srand(seed); printf "%.3f", rand() * within / 1000 }')"
        victim=$pid
        test $((i % 4)) -ge 2 && read -r victim rest <"/proc/$pid/task/$pid/children"
        kill -KILL ${victim:-$pid}
        wait $pid
        test ! -e killed.db || sound killed.db || { echo "after kill $i"; return 1; }
        total=$((total + $(sed -n 's/.*"trace_run":/&/p' out | wc -l)))
        test $total -eq 0 && test $((i % 4)) -eq 3 && test $within -lt 10000 && within=$((2 * within))
        i=$((i + 1))
    done
    echo "$total runs reported before $kills ends"
    test $total -gt 0 || return 1
    # Nothing has to be repaired before it is used again.
    gives 1 explore --keep-going -n 20 --json --trace killed.db "$examples/worker-pool" >log && sound killed.db
}
run_sql "kill -9 at $kills random moments loses nothing that was reported" killed

# ---- Files that cannot grow, or change ----

# A limit of the file's size: the same to the command as a full disk, and no mount is needed. In blocks of 512 bytes.
cannot_grow() {
    rm -f limited.db
    for blocks in 200 600 1200; do
        rm -f limited.db limited.db-*
        (
            trap '' XFSZ
            ulimit -f $blocks
            exec "$pirn" explore --keep-going -n 100000 --json --record=all --trace limited.db "$examples/worker-pool" >out 2>err </dev/null
        )
        status=$?
        tail -n 2 out
        cat err
        echo "status $status with $blocks blocks"
        test $status -eq 3 && once || return 1
        test ! -s limited.db || sound limited.db || return 1
    done
}
cut_off() { ulimit -f 16 && (trap '' XFSZ; head -c 100000 /dev/zero >big) 2>/dev/null; test "$(wc -c <big)" -lt 100000; }
if (cut_off); then
    run_sql "a trace that must not grow is told once, and what was reported is there" cannot_grow
else
    skip "a trace that must not grow is told once, and what was reported is there" "file sizes cannot be limited"
fi

as_nobody() {
    if test "$(id -u)" -eq 0; then setpriv --reuid=65534 --clear-groups "$@"; else "$@"; fi
}
# An old trace in a folder where nothing may be made: it can be read, replayed and listed, and is not written to.
read_only() {
    chmod 755 "$scratch"
    mkdir locked && gives 1 explore --seed=1 --trace locked/old.db "$examples/worker-pool" || return 1
    cp locked/old.db old.was
    chmod 444 locked/old.db && chmod 555 locked || return 1
    as_nobody "$pirn" explore --trace locked/old.db "$examples/worker-pool" >out 2>err </dev/null
    status=$?
    cat out err
    test $status -eq 3 && says 'locked/old.db' && once && cmp old.was locked/old.db || return 1
    as_nobody "$pirn" list locked/old.db >out 2>err </dev/null && grep -q leak out || { cat out err; return 1; }
    as_nobody "$pirn" replay locked/old.db "$examples/worker-pool" >out 2>err </dev/null
    status=$?
    cat out err
    test $status -eq 1 && grep -q '^the same [0-9]* events' out && cmp old.was locked/old.db
}
if test "$(id -u)" -ne 0 || setpriv --reuid=65534 --clear-groups test -x "$examples/sieve" 2>/dev/null; then
    run "a trace that may only be read is used, and not changed" read_only
else
    skip "a trace that may only be read is used, and not changed" "nobody else may run the programs"
fi

# Three writers, of two programs, one with several processes.
together() {
    rm -f all.db
    "$pirn" explore -n 150 --keep-going --trace all.db "$examples/worker-pool" >one 2>&1 </dev/null &
    first=$!
    "$pirn" explore -n 150 -j 2 --keep-going --trace all.db "$examples/philosophers" >two 2>&1 </dev/null &
    second=$!
    "$pirn" explore -n 150 --trace all.db "$examples/transactions-fixed" >three 2>&1 </dev/null || { cat three; return 1; }
    wait $first
    wait $second
    tail -n 2 one two three
    : >out
    sound all.db && test "$(sql all.db 'SELECT group_concat(n) FROM (SELECT count(*) AS n FROM run GROUP BY program)')" = 150,150,150
}
run_sql "three explorations record into one file" together

# ---- Traces of other versions, and of strangers ----

other_version() {
    rm -f later.db
    gives 1 explore --seed=1 --trace later.db "$examples/worker-pool" && sql later.db 'PRAGMA user_version = 99' && cp later.db later.was || return 1
    for command in 'explore --trace later.db' 'explore --resume later.db' 'replay later.db' 'shrink later.db'; do
        # shellcheck disable=SC2086
        "$pirn" $command "$examples/worker-pool" >out 2>err </dev/null
        status=$?
        cat out err
        test $status -ge 2 && says 'later.db' && says 'format 99' && once || { echo "status $status: $command"; return 1; }
    done
    for command in 'list later.db' 'explain later.db' 'merge new.db later.db'; do
        # shellcheck disable=SC2086
        gives 2 $command || test "$status" -ge 2 && says 'format 99' && once || return 1
    done
    cmp later.db later.was
}
run_sql "a trace of another version is refused by all, and not changed" other_version

# A trace names the program that it was recorded with; that is for the reader. Nothing in it is run.
only_data() {
    rm -f stranger.db
    gives 1 explore --seed=1 --trace stranger.db "$examples/worker-pool" || return 1
    printf '#!/bin/sh\ntouch "%s/run"\n' "$scratch" >evil
    chmod +x evil
    sql stranger.db "UPDATE program SET path = '$scratch/evil', arguments = '[\"\$(touch $scratch/run)\", \"; touch $scratch/run\"]'" || return 1
    for command in 'replay stranger.db' 'list stranger.db' 'explain stranger.db' 'shrink stranger.db' 'coverage stranger.db'; do
        # shellcheck disable=SC2086
        gives 0 $command
        test ! -e run || { echo "$command has run what the trace says"; return 1; }
    done
    # The command that it suggests is safe to paste: what is in the trace is quoted. The program is the reader's choice.
    gives 2 replay stranger.db && grep -q "'" err
}
run_sql "nothing that a trace says is run" only_data

# ---- Planted links ----

# A folder where others may write: what the command makes for itself cannot be foreseen, so no link can wait for it; and the
# victim's file stays as it is.
planted() {
    echo precious >victim
    chmod 1777 "$TMPDIR"
    for name in pirn pirn.db pirn-0 pirn-1 pirn.log pirn-$$; do ln -s "$scratch/victim" "$TMPDIR/$name"; done
    gives 1 explore --seed=1 "$examples/transactions" && test "$(cat victim)" = precious || return 1
    command -v strace >/dev/null || return 0
    strace -f -qq -e trace=openat,open,creat -o calls "$pirn" explore --seed=1 "$examples/transactions" >out 2>err </dev/null
    grep -q "$TMPDIR/pirn-[A-Za-z0-9]\{6\}/.*O_CREAT" calls || return 1
    # Every file made in the shared folder is made anew, or in a folder of the command's own.
    grep "\"$TMPDIR/.*O_CREAT" calls | grep -v "O_EXCL\|$TMPDIR/pirn-[A-Za-z0-9]\{6\}/" && return 1
    test "$(cat victim)" = precious
}
run "no file in the shared temporary folder is foreseen" planted

# A dangling link or one to something else in place of a side file of the trace.
side_files() {
    for end in -journal -wal -shm; do
        rm -f linked.db*
        echo precious >victim
        ln -s "$scratch/victim" "linked.db$end"
        "$pirn" explore -n 5 --trace linked.db "$examples/transactions-fixed" >out 2>err </dev/null
        status=$?
        cat out err
        test "$(cat victim)" = precious || { echo "written through linked.db$end, status $status"; return 1; }
        test $status -eq 0 -o $status -eq 3 || return 1
    done
}
run "nothing is written through links beside a trace" side_files

# Files that the user names, in a folder like /tmp: nothing is written through what somebody else has put there. The folder's
# owner and the user may have links as they like.
named() {
    example=$examples/transactions
    mkdir shared && chmod 1777 shared && chmod 755 "$scratch" || return 1
    gives 1 explore --seed=1 --trace own.db "$example" && mkdir elsewhere && chmod 777 elsewhere || return 1
    setpriv --reuid=65534 --clear-groups ln -s "$scratch/elsewhere/victim" shared/link || return 1
    setpriv --reuid=65534 --clear-groups ln -s "$scratch/elsewhere" shared/way || return 1
    setpriv --reuid=65534 --clear-groups sh -c 'echo precious >shared/file; chmod 666 shared/file' || return 1
    for name in link way/victim file; do
        for use in 'explore --trace' 'explore --junit' 'record -o' 'merge'; do
            with=$example
            test "$use" != merge || with=own.db
            # shellcheck disable=SC2086
            "$pirn" $use shared/$name "$with" >out 2>err </dev/null
            status=$?
            cat out err
            echo "status $status: $use shared/$name"
            test ! -e elsewhere/victim && test "$(cat shared/file)" = precious && says 'belongs to somebody else\|not a trace\|: exists' || return 1
            case $use in record*) ;; *) test $status -ge 2 && once || return 1 ;; esac
        done
        gives 3 view --format=txt own.db -o shared/$name && says 'belongs to somebody else' && once && test ! -e elsewhere/victim || return 1
    done
    # A link of one's own, and new files.
    ln -s "$scratch/elsewhere/mine.db" shared/mine && gives 1 explore --seed=1 --trace shared/mine "$example" &&
        test -s elsewhere/mine.db || return 1
    gives 1 explore --seed=1 --trace shared/new.db --junit shared/new.xml "$example" && gives 0 list shared/new.db &&
        test -s shared/new.xml && gives 0 view own.db -o shared/new.txt && test -s shared/new.txt
}
if test "$(id -u)" -eq 0 && setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
    run "nothing is written through what others put where a file is named" named
else
    skip "nothing is written through what others put where a file is named" "only root can play somebody else"
fi

done_testing
