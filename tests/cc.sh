#!/bin/sh
# `pirn cc` as a compiler, and what the reports of races say.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
PIRN_CC=${CC%% *}
export PIRN_CC

if test "${SANITIZED:-no}" = yes; then
    skip 'pirn cc' 'a sanitizer has its own library'
    done_testing
fi

# Runs a command that has to end with status $1; its output goes to $scratch/out and is shown.
ends() {
    expected=$1
    shift
    "$@" >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    test $status -eq "$expected" || { echo "the exit status is $status, not $expected" && return 1; }
}

# Each of the lines has to be in the output of the last command; blanks around do not matter.
says() {
    for line; do
        grep -qF -e "$line" "$scratch/out" || { echo "missing: $line" && return 1; }
    done
}

cd "$scratch" || exit 1

cat >bank.h <<'END'
void deposit(int amount);
extern int balance;
END
cat >bank.c <<'END'
#include "bank.h"
int balance;
static void add(int amount) {
    balance += amount;
}
void deposit(int amount) {
    add(amount);
}
END
cat >main.c <<'END'
#include <pirn.h>
#include "bank.h"
static pirn_mutex lock;
static pirn_waitgroup tellers;
static void teller(void *arg) {
    (void)arg;
    deposit(1);
}
static void careful(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    deposit(1);
    pirn_mutex_unlock(&lock);
}
static void open_bank(void *arg) {
    (void)arg;
    pirn_label(&lock, "vault");
    pirn_waitgroup_go(&tellers, teller, 0);
    pirn_waitgroup_go(&tellers, careful, 0);
    pirn_waitgroup_wait(&tellers);
}
int main(void) {
    return pirn_run(0, open_bank, 0);
}
END

# ---- The compiler ----

all_at_once() { "$pirn" cc -O1 -fno-inline -o bank main.c bank.c -lpirn && ls -l bank; }
run 'compiles and links in one command' all_at_once
alone() {
    ends 1 ./bank && says 'pirn: race: data race on balance' 'the same run again: set PIRN_REPLAY='
}
run 'a program that is run alone tells of its races, and exits with 1' alone

step_by_step() {
    "$pirn" cc -c -MMD main.c && "$pirn" cc -c -MMD bank.c -o other.o && test -s main.d &&
        test -s other.d && "$pirn" cc -o steps main.o other.o && ends 1 ./steps &&
        says 'data race on balance'
}
run 'compiles and links in several' step_by_step

dependencies() {
    "$pirn" cc -MMD -o with-d main.c bank.c && grep bank.h with-d-main.d && test -s with-d-bank.d
}
run 'writes dependencies beside the program' dependencies

other_forms() {
    "$pirn" cc -E bank.c | grep 'balance += amount' && "$pirn" cc -S -o bank.s bank.c &&
        grep __tsan_func_entry bank.s && "$pirn" cc -fsyntax-only bank.c &&
        "$pirn" cc --version | grep -i -e gcc -e clang
}
run 'preprocesses, makes assembly, answers questions' other_forms

with_library() {
    "$pirn" cc -fPIC -shared -o libbank.so bank.c &&
        "$pirn" cc -o dynamic main.c -L. -lbank -Wl,-rpath,"$PWD" && ends 1 ./dynamic &&
        says 'data race on balance' 'in add at bank.c:4'
}
run 'makes a shared library, whose accesses are seen too' with_library

response_file() {
    printf '%s\n' '-o "with file"' 'main.c bank.c' -lpirn >arguments &&
        "$pirn" cc @arguments && ends 1 './with file'
}
run 'reads arguments from a file' response_file

by_make() {
    printf '%s\n' 'made: main.o bank.o' '	$(CC) -o $@ $^ -lpirn' >Makefile &&
        ${MAKE:-make} CC="$pirn cc" && ends 1 ./made
}
if test "${pirn#* }" = "$pirn"; then
    run 'is the compiler of a build' by_make
else
    skip 'is the compiler of a build' 'its path has blanks'
fi

no_library_of_theirs() {
    readelf -d bank >dynamic.txt && cat dynamic.txt && grep libpirn-sim dynamic.txt &&
        ! grep -e libtsan -e 'libpirn\.so' dynamic.txt
}
run 'links libpirn-sim, and no other runtime' no_library_of_theirs

errors() {
    echo 'int x = ;' >wrong.c && mkdir temporary && ! TMPDIR=$PWD/temporary "$pirn" cc -o wrong wrong.c &&
        test -z "$(ls temporary)" && ends 2 "$pirn" cc && ends 2 "$pirn" cc --cc=no-such-compiler -c bank.c &&
        says 'no-such-compiler: cannot be run'
}
run 'passes on errors, and leaves nothing behind' errors

help() { ends 0 "$pirn" cc --help && says 'weak memory' 'out of scope' '--cc=COMPILER'; }
run 'says what is out of scope' help

# ---- The report ----

explored() {
    ends 1 "$pirn" explore --seed 1 --trace bank.db ./bank &&
        says 'FAIL race in run 1' 'data race on balance: task ' 'called in deposit at bank.c:7' \
            'called in teller at main.c:7' 'called in careful at main.c:12' \
            'holding no lock' 'holding mutex vault, since careful at main.c:11' \
            'started by task 1 (main) in open_bank at main.c:18' \
            'started by task 1 (main) in open_bank at main.c:19' \
            'the memory is byte 0 of the variable balance' 'has synchronised with nothing that task ' \
            'to order them: hold mutex vault for both' 'replay: '
}
run 'the report: variable, both stacks, locks, starts, what would order them' explored

replayed() {
    ends 1 "$pirn" replay bank.db ./bank && says 'race: data race on balance' 'the same ' &&
        command=$(sqlite3 bank.db 'SELECT schedule FROM run WHERE id = 1') &&
        ends 1 "$pirn" replay "$command" ./bank && says 'race: data race on balance'
}
if command -v sqlite3 >/dev/null; then
    run 'the race again, from the trace and from the schedule' replayed
else
    skip 'the race again, from the trace and from the schedule' 'there is no sqlite3'
fi

once_a_pair() {
    ends 1 "$pirn" explore --seed 1 -n 50 --keep-going ./bank && says '50 runs' '50 failures' &&
        test "$(grep -c '^FAIL' out)" -eq 1
}
run 'one report a pair of lines' once_a_pair

allowed() {
    ends 0 "$pirn" explore --seed 1 -n 50 --allow=race ./bank && says '0 failures'
}
run '--allow=race' allowed

suppressed() {
    for pattern in race:^deposit$ race:bank.c 'race:bal*ce' 'race_top:^add' 'race:^t*er$'; do
        printf '# those of the bank\n\n%s\nmutex:whatever\n' "$pattern" >known
        ends 0 "$pirn" explore --seed 1 -n 20 --suppress known ./bank || return 1
    done
    for pattern in race:^eposit race:nothing race_top:deposit; do
        echo "$pattern" >known
        ends 1 "$pirn" explore --seed 1 -n 20 --suppress known ./bank || return 1
    done
    echo 'nonsense' >known
    ends 2 "$pirn" explore --suppress known ./bank && says 'known:1: not a suppression' &&
        ends 2 "$pirn" explore --suppress missing ./bank && says 'No such file'
}
run '--suppress' suppressed

# ---- Points ----

cat >lost.c <<'END'
#include <pirn.h>
static int counter;
static pirn_waitgroup group;
static void work(void *arg) {
    (void)arg;
    int before = counter;
    counter = before + 1;
}
static void both(void *arg) {
    (void)arg;
    pirn_waitgroup_go(&group, work, 0);
    pirn_waitgroup_go(&group, work, 0);
    pirn_waitgroup_wait(&group);
    pirn_assert(counter == 2);
}
int main(void) {
    return pirn_run(0, both, 0);
}
END

# An update is lost only if a task is interrupted between its two accesses.
learned() {
    "$pirn" cc -O1 -o lost lost.c && ends 1 "$pirn" explore --seed 1 --allow=race ./lost &&
        says 'panic' 'store counter' &&
        eval "set -- $(sed -n 's/^replay: //p' out)" && ends 1 "$@" && says 'panic' 'the same '
}
run 'racy places become points in later runs, and the replay knows them' learned
by_access() {
    ends 1 "$pirn" explore --seed 1 --points=access --allow=race ./lost && says 'panic' &&
        eval "set -- $(sed -n 's/^replay: //p' out)" && ends 1 "$@" && says 'panic' 'the same '
}
run '--points=access' by_access
by_sync() {
    ends 0 "$pirn" explore --seed 1 --points=sync --allow=race ./lost && says '0 failures' &&
        ends 2 "$pirn" explore --points=everywhere ./lost
}
run '--points=sync' by_sync

# ---- Without the compiler's help ----

noted() {
    sed -e 's/int before = counter;/pirn_note_read(\&counter, sizeof counter);/' \
        -e 's/counter = before + 1;/pirn_note_write(\&counter, sizeof counter);/' \
        -e 's/pirn_assert.*//' lost.c >noted.c &&
        ${CC} -g -I"$top_srcdir/lib" -o noted noted.c -L"$top_builddir/.libs" -lpirn \
            -Wl,-rpath,"$top_builddir/.libs" && ends 1 "$pirn" explore --seed 1 ./noted &&
        says 'data race on counter' 'in work at noted.c:7'
    # ... and on threads it is nothing.
    ends 0 ./noted
}
run 'pirn_note_read and pirn_note_write' noted

# The first note comes late, when much has been ordered already.
cat >in-turn.c <<'END'
#include <pirn.h>
static int counter;
static pirn_mutex lock;
static pirn_waitgroup group;
static void work(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    pirn_note_write(&counter, sizeof counter);
    pirn_mutex_unlock(&lock);
}
static void both(void *arg) {
    (void)arg;
    pirn_waitgroup_go(&group, work, 0);
    pirn_waitgroup_go(&group, work, 0);
    pirn_waitgroup_wait(&group);
    pirn_note_read(&counter, sizeof counter);
}
int main(void) {
    return pirn_run(0, both, 0);
}
END
noted_in_turn() {
    ${CC} -g -I"$top_srcdir/lib" -o in-turn in-turn.c -L"$top_builddir/.libs" -lpirn \
        -Wl,-rpath,"$top_builddir/.libs" && ends 0 "$pirn" explore --seed 1 -n 200 ./in-turn &&
        says '0 failures'
}
run 'notes of a correct program' noted_in_turn

# A fence is no reason for gcc to warn, or -Werror would end the build.
fences() {
    printf '%s\n' '#include <stdatomic.h>' \
        'void publish(atomic_int *flag) {' \
        '    atomic_thread_fence(memory_order_release);' \
        '    atomic_store_explicit(flag, 1, memory_order_relaxed);' '}' >fence.c &&
        "$pirn" cc -O2 -Wall -Wextra -Werror -c fence.c
}
run 'fences pass -Werror' fences

# ---- The documentation ----

# What it shows is what is printed.
documented() {
    cp "$top_srcdir/docs/examples/published.c" . && "$pirn" cc --cc=gcc -O1 -o published published.c &&
        "$pirn" explore --seed 1 ./published >out
    awk '/^The way there/ { exit } { print }' out | sed -e 's/^./    &/' -e '/^ *$/d' >printed
    awk '/^    FAIL/ { inside = 1 } /^[^ ]/ { inside = 0 } inside' "$top_srcdir/docs/races.md" |
        sed '/^ *$/d' >shown
    test -s shown && diff -u shown printed
}
if command -v gcc >/dev/null; then
    run 'docs/races.md shows what is printed' documented
else
    skip 'docs/races.md shows what is printed' 'there is no gcc'
fi

# ---- The heap ----

cat >heap.c <<'END'
#include <pirn.h>
#include <stdlib.h>
static char *make(void) { return malloc(10); }
static void drop(char *it) { free(it); }
static void body(void *arg) {
    (void)arg;
    char *it = make();
    it[3] = 1;
    drop(it);
    __asm__ volatile("" : "+r"(it));
    it[3] = 2;
}
int main(void) {
    return pirn_run(0, body, 0);
}
END
after_free() {
    "$pirn" cc -w -O1 -fno-inline -o heap heap.c && ends 1 "$pirn" explore --seed 1 ./heap &&
        says 'misuse' 'used after free: task 1 (main) writes 1 byte in body at heap.c:11' \
            'freed 10 bytes in drop at heap.c:4' 'called in body at heap.c:9' \
            'byte 3 of a heap block of 10 bytes, allocated by task 1 (main)' 'in make at heap.c:3'
}
run 'use after free: who freed it, who allocated it' after_free

cat >raced.c <<'END'
#include <pirn.h>
#include <stdlib.h>
static struct {
    int number;
    pirn_mutex mutex;
} desk;
static pirn_waitgroup group;
static int *form;
static void sign(void *arg) {
    (void)arg;
    pirn_mutex_lock(&desk.mutex);
    *form = ++desk.number;
    pirn_mutex_unlock(&desk.mutex);
}
static void body(void *arg) {
    form = malloc(sizeof *form);
    pirn_waitgroup_go(&group, sign, arg);
    free(form);
    pirn_waitgroup_wait(&group);
}
int main(void) { return pirn_run(0, body, 0); }
END
# With the order that is missing, and once; a lock without a label goes by the variable that it is.
raced_after_free() {
    "$pirn" cc -w -O1 -fno-inline -o raced raced.c && ends 1 "$pirn" explore --seed 1 --strategy fifo ./raced &&
        says 'misuse' 'used after free: task 2 (sign) writes 4 bytes in sign at raced.c:12' \
            'holding mutex desk+8, since sign at raced.c:11' 'freed 4 bytes in body at raced.c:18' \
            'last synchronised with task 1 (main)' 'to order them: free it only after' &&
        test "$(grep -c 'in step [0-9]*, task 2' "$scratch/out")" -eq 1
}
run 'use after free that nothing orders' raced_after_free

cat >inlined.c <<'END'
#include <pirn.h>
static struct account {
    long number;
    int balance;
} accounts[4];
static pirn_mutex ledger;
static inline __attribute__((always_inline)) void deposit(struct account *to) {
    to->balance++;
}
static inline __attribute__((always_inline)) void pay(int number) {
    deposit(&accounts[number]);
}
static void teller(void *arg) {
    pirn_mutex_lock(arg);
    pay(2);
    pirn_mutex_unlock(arg);
}
static void auditor(void *arg) {
    pay(2);
}
static void body(void *arg) {
    pirn_go(teller, &ledger);
    pirn_go(auditor, 0);
}
int main(void) { return pirn_run(0, body, 0); }
END
inlined() {
    for level in -O0 -O2; do
        "$pirn" cc -w $level -o inlined inlined.c && ends 1 "$pirn" explore --seed 1 ./inlined &&
            says 'in deposit at inlined.c:8' 'called in pay at inlined.c:11' 'called in teller at inlined.c:15' \
                'called in auditor at inlined.c:19' 'hold mutex ledger for both' &&
            test "$(grep -c 'called in pay' "$scratch/out")" -eq 2 || return 1
        echo 'race:^auditor$' >suppressed
        ends 0 "$pirn" explore --seed 1 -n 50 --suppress suppressed ./inlined || return 1
        echo 'race_top:^auditor$' >suppressed
        ends 1 "$pirn" explore --seed 1 -n 50 --suppress suppressed ./inlined || return 1
    done
}
run 'calls that are inlined are calls' inlined

done_testing
