#!/bin/sh
# Rare ways to use the command: from odd places, with closed descriptors, on terminals, with programs that speak another language.

. "$top_srcdir/tests/command-line.sh"

nothing_left() { ls -A "$TMPDIR"; test -z "$(ls -A "$TMPDIR")"; }
build() {
    cat >"$1.c"
    $CC -g -w -I"$top_srcdir/lib" "$1.c" -o "${2:-$1}" -L"$top_builddir/.libs" -lpirn -Wl,-rpath,"$top_builddir/.libs"
}
schedule=$(gives 1 explore --seed 1 --trace a.db --json "$examples/philosophers" 3 >log; sed -n 's/.*"schedule":"\([^"]*\)".*/\1/p' out)
gives 1 explore --seed 2 --trace b.db "$examples/philosophers" 3 >log

# ---- How it is called ----

mkdir bin
ln -s "$pirn" bin/pirn
called_as() { sed -n 's/^replay: \(.*\) replay .*/\1/p' out | grep -qxF -e "$1"; }
by_path() {
    PATH=$PWD/bin:$PATH gives 1 explore -q --seed 1 "$examples/philosophers" 3 && called_as pirn || return 1
    (
        PATH=/nowhere::/usr/bin:/bin
        command -v pirn && exit 0
        pirn=bin/pirn
        gives 1 explore -q --seed 1 "$examples/philosophers" 3 && called_as bin/pirn
    )
}
by_no_path() {
    (
        PATH=/usr/bin:/bin
        command -v pirn && exit 0
        bash -c 'exec -a pirn "$@"' sh "$pirn" explore -q --seed 1 "$examples/philosophers" 3 >out </dev/null
        cat out
        called_as "$(readlink -f "$pirn")"
    )
}
another_first() {
    mkdir other && printf '#!/bin/sh\n' >other/pirn && chmod +x other/pirn || return 1
    PATH=$PWD/other:$PWD/bin:$PATH gives 1 explore -q --seed 1 "$examples/philosophers" 3 && called_as "$pirn"
}
run "it calls itself as it was called" by_path
run "it does not call itself by another's name" another_first
if command -v bash >/dev/null; then
    run "it knows where it lies" by_no_path
else
    skip "it knows where it lies" "there is no bash"
fi
# What it opens must not get the numbers of descriptors that are closed.
closed() {
    "$pirn" explore -q --seed 1 --trace closed.db "$examples/philosophers" 3 <&- >&- 2>&-
    test $? -eq 1 && gives 0 list closed.db && prints deadlock && "$pirn" --version <&- 2>&- | grep '^pirn '
}
run "all descriptors are closed" closed
helps() {
    "$pirn" explore --help >expected && gives 0 help explore && cmp out expected && "$pirn" --help >expected &&
        gives 0 help && cmp out expected && gives 0 -h && cmp out expected
}
run "pirn help, pirn -h, pirn help SUBCOMMAND" helps
run "an unknown option" refuses "unknown option '--explore'; pirn --help" 2 --explore
printf '#!/bin/sh\n' >program
chmod +x program
run "a program in place of the subcommand" refuses "no subcommand './program'; to run that program: pirn run ./program" 2 ./program

# ---- Where it lies ----

odd="a folder: with both"
if test -n "${SANITIZED-}" || readelf -d "$pirn" 2>/dev/null | grep -q '(RPATH)'; then
    skip "a library whose path has blanks" "it is found elsewhere"
else
    mkdir "$odd"
    cp "$top_builddir"/.libs/libpirn-sim.so.? "$top_builddir"/.libs/libpirn-trace.so* "$odd"
    LINKED=$PWD/link
    ln -s "$odd" link
    in_odd() {
        # In LD_LIBRARY_PATH colons part folders; a link has none, and is not what the library is loaded for.
        LD_LIBRARY_PATH=$LINKED "$@"
    }
    runs_odd() {
        in_odd gives 1 explore --seed 1 --trace odd.db "$examples/philosophers" 3 && in_odd gives 1 replay odd.db "$examples/philosophers" 3 &&
            in_odd gives 1 explore --seed 1 -j 2 "$examples/philosophers" 3
    }
    records_odd() { in_odd gives 0 record -o odd-record.db "$examples/pipeline" && gives 0 list odd-record.db && prints ok; }
    run "a library whose path has blanks" runs_odd
    run "to record with such" records_odd
    run "gdb with such" in_odd refuses 'whose path holds a space or a colon' 2 replay --gdb a.db "$examples/philosophers" 3
    incomplete() { rm "$odd"/libpirn-trace.so* && in_odd refuses 'cannot find libpirn-trace.so' 3 record "$examples/pipeline"; }
    run "no library to record with" incomplete
fi

# ---- Programs that are none ----

printf '#!/bin/sh\nfor i in $(seq 500); do echo "line $i"; done\nexit 4\n' >talks
printf '#!/bin/sh\nhead -c 5000 /dev/zero | tr "\\0" x\nprintf "\\n"\n' >one-line
printf '#!/bin/sh\nkill -SEGV $$\n' >crashes
chmod +x talks one-line crashes
last_words() {
    gives 2 explore ./talks && says 'ended with status 4 ' && says '^  | line 500$' && ! says '^  | line 1$' &&
        test "$(grep '^  | ' err | sed -n 1p | grep -c '^  | line [0-9]*$')" -eq 1 && test "$(grep '^  | ' err | wc -c)" -lt 4096
}
one_line() { gives 2 explore ./one-line && says '^  | x*$' && test "$(grep -c '^  | ' err)" -eq 1; }
if test -n "${SANITIZED-}"; then
    skip "the last words of a program" "a plain program cannot load a sanitized library"
else
    run "of many words the last are shown" last_words
    run "of one long line the end" one_line
    run "a crash before pirn_run" refuses 'was killed by signal 11 ' 2 explore ./crashes
fi

test -n "${SANITIZED-}" || build stranger <<'END'
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
/* Begins before the library, and says what one of another version might. */
__attribute__((constructor)) static void speak(void) {
    const char *control = getenv("PIRN_CONTROL");
    int messages;
    if (!control) return;
    while (*control++ != ',') continue;
    messages = atoi(control);
    send(messages, "PIRN 0.0", 8, 0);
    pause();
}
int main(void) { return 0; }
END
stranger() { refuses 'are of different versions' 3 explore ./stranger && refuses 'are of different versions' 3 replay "$schedule" ./stranger; }
if test -n "${SANITIZED-}"; then
    skip "a library of another version" "a plain program cannot load a sanitized library"
else
    run "a library of another version" stranger
fi

# ---- Merging, recording, replaying ----

merges() {
    gives 0 merge -q m.db a.db b.db && test ! -s out && refuses 'm.db: exists; --append adds to it' 2 merge m.db a.db &&
        : >empty.db && gives 0 merge empty.db a.db && prints ' runs* of 1 trace, .* 1 failure$' &&
        gives 0 merge --append new.db a.db && prints ' of 1 trace, ' && gives 0 merge --append new.db b.db &&
        prints ' of 1 trace and what was there, .* 2 failures$'
}
run "merge, quietly, into what is empty, and into what is not there" merges
run "merge into nothing" refuses 'into which trace' 2 merge
run "merge twice the same" refuses 'are the same file' 2 merge x.db a.db ./a.db
nothing_merged() {
    word=$1
    shift
    gives "$@" && says "$word" && once && test ! -e x.db
}
# Each as no recorder makes it; what is asked of a row is asked of one that comes by merging.
foreign_rows() {
    cp a.db foreign.db && sql foreign.db "PRAGMA foreign_keys = OFF; UPDATE run SET program = 99" &&
        nothing_merged 'refers to program 99, which does not exist' 2 merge x.db foreign.db || return 1
    for change in "line = 'many'" 'file = NULL'; do
        cp a.db foreign.db && sql foreign.db "PRAGMA writable_schema = ON;
            UPDATE sqlite_master SET sql = replace(replace(sql, ') STRICT', ')'), 'NOT NULL', '') WHERE name = 'site'" &&
            sql foreign.db "UPDATE site SET $change" && nothing_merged 'not as a trace is made: table site: ' 2 merge x.db foreign.db || return 1
    done
}
run_sql "merge what is not as a trace is made" foreign_rows

for option in --last=0 --last=x --last=1000000000 --last=; do
    run "record $option" refuses "is no value for --last, which takes a number" 2 record $option "$examples/pipeline"
done
run "record into no file" refuses "is no value for --output, which takes" 2 record -o '' "$examples/pipeline"
run "record with an unknown option" refuses "'--lasst'; did you mean '--last" 2 record --lasst=3 "$examples/pipeline"
run "record nothing" refuses 'which program' 2 record -o r.db
run "record what is not there" refuses 'no such program' 2 record ./nowhere
printf 'MZ' >binary
chmod +x binary
run "record what cannot be run" refuses './binary: cannot be run: ' 2 record ./binary

replays() {
    gives 1 replay --json "$schedule" "$examples/philosophers" 3 && prints '^{"type":"replay",.*"outcome":"deadlock".*"same":true}$' &&
        gives 4 replay --json "$schedule" "$examples/philosophers" 4 && prints '"same":false}$' &&
        gives 0 explore -q -n 1 --record=all --trace fine.db "$examples/transactions-fixed" &&
        gives 0 replay -q fine.db "$examples/transactions-fixed" && ! prints '^ok$' &&
        gives 0 replay fine.db "$examples/transactions-fixed" && prints '^ok$' && prints '^the same ' &&
        gives 1 replay -q a.db "$examples/philosophers" 3 && prints '^deadlock: ' && ! prints '^the same '
}
run "replay --json, replay --quiet" replays
# Cut short by a crash, it cannot be compared step by step.
shorter() {
    build fragile <<'END' || return 1
#include <pirn.h>
#include <stdlib.h>
static void body(void *arg) {
    for (int i = 0; i < 10; i++) {
        pirn_yield();
        if (getenv("FRAGILE") && i >= atoi(getenv("FRAGILE"))) *(volatile int *)0 = i;
    }
}
int main(void) { return pirn_run(0, body, 0); }
END
    FRAGILE=7 gives 1 explore --json -n 1 --seed 1 ./fragile || return 1
    cut=$(sed -n 's/.*"schedule":"\([^"]*\)".*/\1/p' out)
    FRAGILE=7 gives 1 replay "$cut" ./fragile && FRAGILE=2 gives 4 replay "$cut" ./fragile &&
        prints '^diverged: .* [0-9] steps instead of 9'
}
if test -n "${SANITIZED-}"; then
    skip "a replay that crashes earlier" "the sanitizers see to crashes"
else
    run "a replay that crashes earlier" shorter
fi

# ---- What is told of an exploration ----

explored() {
    gives 2 explore --shrink --record=none "$examples/philosophers" && says '^pirn: .*--shrink starts from runs that have been recorded' || return 1
    gives 1 explore --keep-going --shard=1/2 --seed=1 --strategy=dfs:depth=1 "$examples/philosophers" 2 &&
        prints '^exhausted: every schedule of shard 1/2 is covered' || return 1
    gives 1 explore --keep-going --json --strategy=dfs:depth=1 "$examples/philosophers" 2 && prints '"exhausted":true,"repeated":' || return 1
    gives 0 explore --json --strategy=dfs -n 1 "$examples/transactions-fixed" && prints '"exhausted":false'
}
run "what a search has covered" explored

# Failures of more kinds than are told one by one.
many_kinds() {
    build kinds <<'END' || return 1
#include <pirn.h>
static void wait_on(void *chan) { pirn_recv(chan, 0); }
static void body(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    pirn_label(chan, "chan %d", (int)pirn_choose(1000000));
    pirn_go(wait_on, chan);
    pirn_yield();
}
int main(void) { return pirn_run(0, body, 0); }
END
    gives 1 explore --keep-going --record=none --strategy=random --seed 1 -n 300 ./kinds >log && tail -n 3 log && prints '^ *[0-9]* of other kinds$'
}
if test -n "${SANITIZED-}"; then
    skip "failures of very many kinds" "a plain program cannot load a sanitized library"
else
    run "failures of very many kinds" many_kinds
fi

# On a terminal, `$1` columns wide; what went there is in `out`.
on_terminal() {
    columns=$1
    shift
    script -qec "stty cols $columns; exec $*" /dev/null >out 2>err </dev/null
    status=$?
    tr '\r' '\n' <out >lines
    cat lines err
}
progress() {
    export TERM=xterm
    on_terminal 100 "'$pirn' explore --seed 1 -t 0.5 '$examples/transactions-fixed'"
    grep -q '^\[[#.]*\] [0-9]* runs, [0-9]*/s, [0-9]* distinct, 0 failures' lines && grep -q '[0-9] runs, .* in [0-9.]* s' lines || return 1
    on_terminal 30 "'$pirn' explore --seed 1 -t 0.5 '$examples/transactions-fixed'"
    grep -q '^\[[#.]*\] [0-9]* r' lines && ! grep '^\[[#.]*\] .* distinct' lines || return 1
    on_terminal 100 "'$pirn' explore --seed 1 --keep-going --record=none -n 100 '$examples/philosophers' 3"
    grep -q '^FAIL deadlock' lines || grep -q 'FAIL.* deadlock' lines || return 1
    on_terminal 100 "'$pirn' explore --quiet --seed 1 -n 300 '$examples/transactions-fixed'"
    ! grep '^\[[#.]*\] ' lines || return 1
    export TERM=dumb
    on_terminal 100 "'$pirn' explore --seed 1 -n 300 '$examples/transactions-fixed'"
    ! grep '^\[[#.]*\] ' lines
}
if command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    run "a terminal sees how far it is" progress
else
    skip "a terminal sees how far it is" "there is no program script"
fi

# Lines for servers: names with signs that mean something there, sources elsewhere, and none.
annotates() {
    mkdir -p src && cd src || return 1
    sed 's/^#include "/&..\//' "$top_srcdir/docs/examples/hello.c" | build 'a,b:100%'
    cd .. && call explore -q --seed=1 --annotate=github 'src/a,b:100%'
    test "$status" -eq 1 && prints '^::error file=src/a%2Cb%3A100%25\.c,line=[0-9]*,title=deadlock::task 1' || return 1
    (cd bin && call explore -q --seed=1 --annotate=gcc '../src/a,b:100%' && grep "^$scratch/src/a,b:100%\.c:[0-9]*: error: deadlock: " out) || return 1
    strip -o bare 'src/a,b:100%' && call explore -q --seed=1 --annotate=gcc ./bare
    test "$status" -eq 1 && prints '^error: deadlock: task 1' || return 1
    call explore -q --seed=1 --annotate=github ./bare
    test "$status" -eq 1 && prints '^::error title=deadlock::task 1'
}
if test -n "${SANITIZED-}"; then
    skip "--annotate with odd names, and without places" "a plain program cannot load a sanitized library"
else
    run "--annotate with odd names, and without places" annotates
fi
run "nothing is left in the temporary folder" nothing_left

done_testing
