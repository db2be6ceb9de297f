#!/bin/sh
# Programs that are recorded in uncommon ways: what they are called with, where the libraries are, what
# is in the way, and how they end.

. "$top_srcdir/tests/recorded-runs.sh"

says() { grep -q -e "$1" "$scratch/out"; }

# ---- What the program is called with ----

hard=$(printf 'a "b" \\c\td\001')
long=$(printf '%9000s' x)
keeps_arguments() {
    ends 0 env PIRN_TRACE="$trace" "$recorded" many 2 "$hard" "$long" '' &&
        answers "6|9000|" "SELECT json_array_length(arguments), length(json_extract(arguments, '\$[4]')),
            json_extract(arguments, '\$[5]') FROM program" &&
        answers "$hard" "SELECT json_extract(arguments, '\$[3]') FROM program"
}
run "arguments are kept, whatever is in them" keeps_arguments
rm -f "$trace"

# ---- What is asked for ----

not_recorded() { ends 0 env PIRN_TRACE="$1" "$recorded" many 2 && test ! -e "$trace"; }
run "an empty wish is none" not_recorded ''
says_why() { not_recorded "$1" && says "$2" && says 'the program is not recorded'; }
run "a wish without a file is told of" says_why ',last=5' 'it names no file'
for wrong in last= last=0 last=100000001 last=99999999999999999999 last=1x; do
    run "so is $wrong" says_why "$trace,$wrong" 'last=N keeps the last N steps, 1 to 100000000'
done
run "so is a path that is too long" says_why "/$(printf '%5000s' x | tr ' ' x)" 'the path is too long'
is_a_name() {
    (cd "$scratch" && ends 0 env PIRN_TRACE="trace.db,first=5" "$recorded" many 2) &&
        mv "$scratch/trace.db,first=5" "$trace" && answers 1 'SELECT count(*) FROM run'
}
run "what is no option is part of the name, in the folder of then" is_a_name
rm -f "$trace"

# ---- What is in the way ----

is_kept_out() {
    ends 0 env PIRN_TRACE="$trace" "$recorded" many 2 && answers 1 'SELECT count(*) FROM run' &&
        echo "something else" >"$trace-recorded" && ends 0 env PIRN_TRACE="$trace" "$recorded" many 2 &&
        says 'no recording; move it away' && test "$(cat "$trace-recorded")" = "something else"
}
run "what is no recording is left alone beside a trace too" is_kept_out
is_a_folder() { ends 0 env PIRN_TRACE="$scratch" "$recorded" many 2 && says 'nothing more of this run is recorded'; }
run "a folder is no file" is_a_folder
rm -f "$trace" "$trace-recorded"

# ---- Where the libraries are ----

# The program loads libpirn from this folder.
mkdir "$scratch/a b" "$scratch/alone"
cp "$top_builddir"/.libs/libpirn.so* "$scratch/alone"
cp "$top_builddir"/.libs/libpirn.so* "$top_builddir"/.libs/libpirn-trace.so "$scratch/a b"
says_no_effect() {
    ends 0 env LD_LIBRARY_PATH="$1" PIRN_TRACE="$trace" "$recorded" many 2 && says 'PIRN_TRACE has no effect' &&
        test "$(grep -c 'no effect' "$scratch/out")" = 1 && test ! -e "$trace"
}
if test "$SANITIZED" = yes; then
    skip "without the library that records a program goes on" "sanitizers mind what is loaded first"
    skip "so where its folder has blanks" "sanitizers mind what is loaded first"
else
    run "without the library that records a program goes on" says_no_effect "$scratch/alone"
    run "so where its folder has blanks" says_no_effect "$scratch/a b"
fi
not_linked() {
    ends 0 env LD_PRELOAD="$top_builddir/.libs/libpirn.so" PIRN_TRACE="$trace" sh -c 'echo fine' && says fine && test ! -e "$trace"
}
run "a program that does not ask for the library by itself is not started anew" not_linked

# The C library's own part for threads, or another that is there.
other=$(ldd "$recorded" | sed -n 's/.*=> \(\/[^ ]*libc\.so[^ ]*\) .*/\1/p' | head -n 1)
keeps_preload() {
    ends 0 env LD_PRELOAD="$other" "$pirn" record -o "$trace" sh -c 'echo "it is $LD_PRELOAD."' && says "it is $other\\.\$"
}
records_beside() {
    ends 0 env LD_PRELOAD="$other" PIRN_TRACE="$trace" "$recorded" many 2 && answers 1 'SELECT count(*) FROM run'
}
if test -z "$other" || test "$SANITIZED" = yes; then
    skip "what else is to be loaded first is loaded" "sanitizers mind what is loaded first"
    skip "and by what the program starts" "sanitizers mind what is loaded first"
else
    run "what else is to be loaded first is loaded" records_beside
    rm -f "$trace"
    run "and by what the program starts" keeps_preload
fi
rm -f "$trace"

# ---- How they end ----

waits_alone() {
    ends 1 env PIRN_TRACE="$trace" "$recorded" stuck && answers 'deadlock|1' \
        'SELECT outcome, (SELECT count(*) FROM finding WHERE run = run.id) FROM run' &&
        sqlite3 "$trace" 'SELECT message FROM run' | grep '^1 task is blocked for ever: task 1 (main) is blocked receiving'
}
run "one task that waits for ever is told of by itself" waits_alone
rm -f "$trace"
many_wait() {
    ends 1 env PIRN_TRACE="$trace" "$recorded" stuck 1100 >/dev/null && answers 'deadlock|1100' 'SELECT outcome, tasks FROM run' &&
        answers 1000 "SELECT count(*) FROM finding" &&
        sqlite3 "$trace" 'SELECT message FROM run' | grep '^1100 tasks are blocked for ever; task [0-9]* (.*) is blocked receiving'
}
run "of many that wait for ever a thousand are told of" many_wait
rm -f "$trace"
exits() {
    ends "$1" env PIRN_TRACE="$trace" "$recorded" exit "$1" && answers "$2" 'SELECT outcome, message FROM run'
}
run "an exit with 0 is a good end" exits 0 'ok|'
rm -f "$trace"
run "another one has its number" exits 123 'exit|the program exited with status 123'
rm -f "$trace"
is_killed() {
    ends $((128 + $1)) env PIRN_TRACE="$trace${3:+,last=$3}" "$recorded" signal "$1" && answers "crash|the process was ended by $2|$4" \
        'SELECT outcome, message, (SELECT count(*) FROM finding WHERE run = run.id) FROM run'
}
if test "$SANITIZED" = yes; then
    skip "signals are told by their names" "the sanitizers see to them"
    skip "a signal that is sent ends a program that is not recorded, too" "the sanitizers see to it"
else
    signals() {
        is_killed 4 SIGILL '' 1 && rm "$trace" && is_killed 6 SIGABRT '' 1 && rm "$trace" && is_killed 7 SIGBUS '' 1 && rm "$trace" &&
            is_killed 8 SIGFPE '' 1 && rm "$trace" && is_killed 1 SIGHUP '' 0 && rm "$trace" && is_killed 8 SIGFPE 20 1
    }
    run "signals are told by their names" signals
    run "a signal that is sent ends a program that is not recorded, too" ends 139 "$recorded" signal 11
fi
rm -f "$trace"
overflows() {
    ends "$1" env PIRN_TRACE="$trace" "$recorded" overflow && says 'pirn: stack overflow: task 1 (main)' && answers 'crash' \
        'SELECT outcome FROM run' && sqlite3 "$trace" 'SELECT message FROM run' | grep '^stack overflow: task 1 (main)'
}
if test "$SANITIZED" = yes; then
    skip "a stack overflow is recorded" "the sanitizers see to it"
else
    run "a stack overflow is recorded" overflows 134
fi
rm -f "$trace"
splits() {
    ends 0 env PIRN_TRACE="$trace${1:+,last=$1}" "$recorded" split && answers 'ok|1' 'SELECT outcome, count(*) FROM run'
}
run "a process that forks is recorded, its child is not" splits ''
rm -f "$trace"
run "so where the last steps are kept" splits 50
rm -f "$trace"
has_timers() {
    ends 0 env PIRN_TRACE="$trace${1:+,last=$1}" "$recorded" timers && answers 'ok|1' \
        'SELECT outcome, (SELECT count(*) FROM task WHERE run = run.id AND daemon) FROM run' &&
        answers 4 "SELECT count(*) FROM event WHERE op = 'release'" &&
        answers 'last,other' "SELECT group_concat(label) FROM (SELECT label FROM object WHERE label IS NOT NULL ORDER BY label)" &&
        answers 20 'SELECT count(*) FROM select_case'
}
run "timers that timers and threads make are recorded" has_timers ''
rm -f "$trace"
run "also in the last steps" has_timers 1000
done_testing
