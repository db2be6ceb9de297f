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

# ---- Arguments ----

# Compilers that note what they are called with: an argument a line, and a line "end". What they tell of themselves is in
# `macro`; a source called bad.c they refuse, with dead.c they are killed.
cat >fake <<'END'
#!/bin/sh
case " $* " in
*' -E '*) cat macro; exit ;;
*' bad.c '*) exit 3 ;;
*' dead.c '*) kill -9 $$ ;;
esac
printf '%s\n' "$@" end >>calls
END
chmod +x fake
for name in my-gcc my-g++ my-clang; do ln -s fake $name; done
echo __clang__ >macro
fake() {
    rm -f calls
    "$pirn" cc --cc=./fake "$@" && cat calls
}
# The $1-th call has all of the lines, one after the other somewhere; or has not this line.
call() { awk -v want="$1" '/^end$/ { n++; next } n + 1 == want' calls; }
has() {
    n=$1
    shift
    call "$n" | tr '\n' ' ' | grep -qF -e "$* " || { echo "call $n has no: $*" && return 1; }
}
lacks() { ! call "$1" | grep -qx -e "$2" || { echo "call $1 has: $2" && return 1; }; }

no_real_library() {
    fake -o prog one.c -l pirn -l m -lpirn -lpirn-sim ./libpirn.so libpirn.a /x/libpirn.so.1 libpirn-sim.so \
        /x/libpirn-sim.so.1.2 libpirnx.a -lz || return 1
    has 2 -l m libpirnx.a -lz && test "$(call 2 | grep -c pirn-sim)" -eq 1 && lacks 2 '.*libpirn[.-].*' && lacks 2 pirn &&
        lacks 1 -l && lacks 1 'lib.*' && lacks 1 -lz
}
run 'no library of Pirn but the simulator is linked' no_real_library
of_each_step() {
    fake -O2 -oprog -MD -MF deps.d -MT it -DX -D Y=1 -I inc -L dir -Ldir2 -Wl,-z,now -z relro -shared -fsanitize=thread \
        one.c two.o || return 1
    has 1 -O2 -MD -MF deps.d -MT it -DX -D Y=1 -I inc -fsanitize=thread && has 1 -U_FORTIFY_SOURCE && has 1 one.c && lacks 1 two.o &&
        lacks 1 -shared && lacks 1 -L && lacks 1 -Ldir2 && lacks 1 '-Wl.*' && lacks 1 -z && lacks 1 prog &&
        has 2 -o prog -O2 -DX -D Y=1 -I inc -L dir -Ldir2 -Wl,-z,now -z relro -shared && has 2 two.o -Wl,--wrap=malloc &&
        lacks 2 '-M.*' && lacks 2 -fsanitize=thread && lacks 2 one.c
}
run 'each step gets its options' of_each_step
languages() {
    echo 'int x;' >text && fake -x c text -xc++ - -x none three.o -MMD && has 1 -MF text.d -c && has 1 -xc text && has 2 -xc++ - &&
        has 3 three.o && lacks 3 text && lacks 3 '-x.*' && lacks 3 -
}
run 'the language is said' languages
relocatable() { fake -r -o part.o one.c two.c && lacks 3 '.*pirn-sim' && lacks 3 '.*--wrap.*' && has 3 -o part.o -r; }
run 'objects that are linked into one get no library' relocatable
linked_alone() { fake one.o -o prog && has 1 one.o && has 1 -lpirn-sim && lacks 1 -fsanitize=thread && test "$(grep -c '^end$' calls)" -eq 1; }
run 'objects alone are linked at once' linked_alone
unfinished() { fake one.c -o && fake one.c -x && fake one.o -l && has 1 one.o -l && fake -o; }
run 'an option without what belongs to it is left to the compiler' unfinished
quoted() {
    printf '%s\n' "'a b.c' \"c\\\"d.c\" e\\ f.c" '' '"" g.c' >arguments
    printf '\t%s' "'h\\i.c' @none.c last.c\\" >>arguments
    fake -c @arguments @missing && call 1 >got && for word in 'a b.c' 'c"d.c' 'e f.c' '' g.c 'h\i.c' @none.c last.c @missing; do
        grep -qxF -e "$word" got || { echo "missing: $word" && return 1; }
    done
}
run 'quotes in a file of arguments' quoted
gives_up() {
    mkdir -p temporary
    (export TMPDIR="$PWD/temporary" && ends 3 "$pirn" cc --cc=./fake -o prog one.c bad.c two.c && ends 137 "$pirn" cc --cc=./fake -o prog dead.c) &&
        rm -f calls && ! "$pirn" cc --cc=./fake -o prog bad.c && test ! -e calls && test -z "$(ls temporary)" &&
        (export TMPDIR="$PWD/nowhere" && ends 3 "$pirn" cc --cc=./fake -o prog one.c && says 'nowhere/pirn-' 'TMPDIR may name another') &&
        (export TMPDIR= && ends 0 "$pirn" cc --cc=./fake -o prog one.c)
}
run 'the first compilation that fails is the last' gives_up
kinds() {
    for name in my-gcc my-g++ fake; do
        rm -f calls && "$pirn" cc --cc=./$name -c one.c && has 1 -Wno-tsan || return 1
    done
    rm -f calls && "$pirn" cc --cc=./my-clang -c one.c && lacks 1 -Wno-tsan || return 1
    for macro in 1 ''; do
        printf '%s' "$macro" >macro
        fake -c one.c && lacks 1 -Wno-tsan && has 1 -fsanitize=thread || return 1
    done
    PATH=$PWD:$PATH && rm -f calls && "$pirn" cc --cc=my-gcc -c one.c && has 1 -Wno-tsan
}
run 'gcc and others are told apart' kinds
which_compiler() {
    ends 2 "$pirn" cc --cc= -c one.c && ends 2 "$pirn" cc --cc=./fake && says 'what is to be compiled' &&
        ends 0 "$pirn" cc -h && rm -f calls && PIRN_CC=./fake ends 0 "$pirn" cc -c one.c && has 1 one.c &&
        ln -s "$PWD/fake" cc && (PATH=$PWD:$PATH PIRN_CC='' && export PATH PIRN_CC && rm -f calls && ends 0 "$pirn" cc -c two.c && has 1 two.c)
}
run 'which compiler' which_compiler
rm -f cc

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
    # A '*' gives back what it has taken, '$' is the end only at the end, what others suppress means nothing.
    for pattern in 'race:^d*o*t$' 'race:*si*' 'race_top:a*d*d' 'race:b*k.c$' 'race:bank$' 'race:*'; do
        printf 'thread:x\n  \t\ndeadlock:y\nsignal:z\n\t%s \t\r\n' "$pattern" >known
        ends 0 "$pirn" explore --seed 1 -n 20 --suppress known ./bank || return 1
    done
    for pattern in 'race:dep$it' 'race:d*ox' 'race:^dep*x*t$' 'race:b$*' 'race:$b' 'race:deposits' race_top:balance; do
        echo "$pattern" >known
        ends 1 "$pirn" explore --seed 1 -n 20 --suppress known ./bank || return 1
    done
    for line in nonsense race: raced:x rac:x race_tap:x :x; do
        echo "$line" >known
        ends 2 "$pirn" explore --suppress known ./bank && says 'known:1: not a suppression' || return 1
    done
    ends 2 "$pirn" explore --suppress . ./bank && says 'cannot be read' &&
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

# What there is to tell of memory, locks and starts, each where it is.
cat >kinds.c <<'END'
#include <pirn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static int global, *shared;
static atomic_int flag;
static pirn_mutex left, right;
static pirn_rwmutex door;
static pirn_waitgroup group;
static void store(void *arg) { *(int *)arg = 1; }
static void hold_two(void *arg) {
    pirn_mutex_lock(&left);
    pirn_mutex_trylock(&right);
    store(arg);
    pirn_mutex_unlock(&right);
    pirn_mutex_unlock(&left);
}
static void hold_read(void *arg) {
    pirn_rwmutex_rlock(&door);
    pirn_rwmutex_runlock(&door);
    pirn_rwmutex_tryrlock(&door);
    store(arg);
    pirn_rwmutex_runlock(&door);
}
static void hold_none(void *arg) {
    pirn_mutex_lock(&left);
    pirn_mutex_unlock(&left);
    pirn_rwmutex_lock(&door);
    pirn_rwmutex_unlock(&door);
    store(arg);
}
static void publish(void *arg) { atomic_store_explicit((atomic_int *)arg, 1, memory_order_relaxed); }
static const char *mode;
static void body(void *arg) {
    int local = 0;
    pirn_fn *one = store, *other = store;
    void *it = &global;
    if (!strcmp(mode, "stack")) it = &local;
    if (!strcmp(mode, "before")) {
        it = shared;
        if (!shared && (shared = malloc(sizeof *shared))) return;
    }
    if (!strcmp(mode, "mapped")) it = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!strcmp(mode, "two")) one = hold_two;
    if (!strcmp(mode, "read")) one = hold_read;
    if (!strcmp(mode, "none")) one = hold_none;
    if (!strcmp(mode, "atomic")) one = publish, it = &flag;
    if (!strcmp(mode, "timer")) pirn_timer_func(0, other, it);
    pirn_waitgroup_go(&group, one, it);
    if (strcmp(mode, "timer")) pirn_waitgroup_go(&group, other, it);
    pirn_waitgroup_wait(&group);
    pirn_sleep(PIRN_SEC);
}
int main(int argc, char **argv) {
    mode = argv[1];
    return pirn_run(0, body, 0);
}
END
kind() {
    mode=$1
    shift
    ends 1 "$pirn" explore --seed 1 --strategy fifo --isolate=none ./kinds "$mode" && says "$@"
}
kinds_of_memory() {
    "$pirn" cc -w -O1 -fno-inline -o kinds kinds.c &&
        kind stack 'data race on the stack of task 1 (main): task' 'the memory is on the stack of task 1 (main)' 'publish it with release' &&
        kind before 'data race on a heap block of 4 bytes: ' 'byte 0 of a heap block of 4 bytes, allocated before the run' &&
        kind mapped 'data race: task' 'the memory has no name' &&
        kind global 'the memory is byte 0 of the variable global' 'hold one mutex for both' &&
        kind two 'holding mutex left, since hold_two at kinds.c:13, mutex right, since hold_two at kinds.c:14' 'hold mutex left for both' &&
        kind read 'for reading, since hold_read at kinds.c:22' 'hold rwmutex door for both, and for writing where one writes' &&
        test "$(grep -c 'for reading, since' out)" -eq 1 && kind none 'hold one mutex for both' && ! grep 'holding mutex' out &&
        kind atomic 'atomically w' 'the memory is byte 0 of the variable flag' 'make both accesses atomic' &&
        kind timer 'started by a timer in body at kinds.c:'
}
run 'the report: kinds of memory, locks and starts' kinds_of_memory

done_testing
