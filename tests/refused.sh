#!/bin/sh
# The command where a call that it makes fails: memory, descriptors, processes, folders. Each is told in one line, and nothing
# is left behind.

. "$top_srcdir/tests/command-line.sh"

if test -n "${SANITIZED-}"; then
    skip "calls that fail" "a sanitizer needs them for itself"
    done_testing
fi

$CC -std=gnu11 -D_GNU_SOURCE= -I"$top_srcdir" -w -shared -fPIC -o refuse.so "$top_srcdir/tests/refuse.c" -ldl || exit 1

# refused CALL,N,ERRNO[,on] ARGUMENT...: runs pirn where that call fails; $refusals of them did.
refused() {
    PIRN_TEST_REFUSE=$1
    shift
    : >refusals
    LD_PRELOAD=$PWD/refuse.so PIRN_TEST_REFUSE=$PIRN_TEST_REFUSE PIRN_TEST_REFUSE_IN=pirn PIRN_TEST_REFUSED=$PWD/refusals \
        timeout 60 "$pirn" "$@" >out 2>err </dev/null
    status=$?
    refusals=$(($(wc -c <refusals)))
    cat out err
    echo "status $status, $refusals refused: $PIRN_TEST_REFUSE: pirn $*"
}
nothing_left() { ls -A "$TMPDIR"; test -z "$(ls -A "$TMPDIR")"; }

# tells WORDS STATUS CALL,N,ERRNO ARGUMENT...: it ends so, with one message that has the words.
tells() {
    words=$1
    wanted=$2
    shift 2
    refused "$@"
    test $refusals -gt 0 && test $status -eq "$wanted" && says "$words" && once && nothing_left
}
# does STATUS CALL,N,ERRNO ARGUMENT...: does without.
does() {
    wanted=$1
    shift
    refused "$@"
    test $refusals -gt 0 && test $status -eq "$wanted" && ! says '^pirn: ' && nothing_left
}

gives 1 explore --seed 1 --trace a.db "$examples/philosophers" 3 >log || { cat log; exit 1; }
gives 1 explore --seed 2 --trace b.db "$examples/philosophers" 3 >log || { cat log; exit 1; }
schedule=$(gives 1 explore --seed 1 --json "$examples/philosophers" 3 >log; sed -n 's/.*"schedule":"\([^"]*\)".*/\1/p' out)
prog=$examples/philosophers

EEXIST=17 EMFILE=24 ECONNRESET=104 ENOMEM=12 EINTR=4 EAGAIN=11 EACCES=13 ENOSPC=28

# ---- Starting a program ----

run "no socket" tells 'cannot make a socket: ' 3 socketpair,1,$EMFILE explore "$prog"
run "no pipe" tells 'cannot make a pipe: ' 3 pipe2,1,$EMFILE explore "$prog"
run "no process" tells 'cannot make a process: ' 3 fork,1,$EAGAIN explore "$prog"
run "no file for the options" tells 'cannot pass on the options: ' 3 memfd_create,1,$EMFILE explore "$prog"
run "no file for what the program prints" tells "cannot keep the program's output: " 3 memfd_create,2,$EMFILE explore "$prog"
run "no memory for the options" tells 'cannot pass on the options: ' 3 write,1,$ENOSPC explore "$prog"
run "no memory for the schedule" tells 'cannot pass on the options: ' 3 write,2,$ENOSPC replay "$schedule" "$prog" 3
run "a library that cannot be found" tells 'cannot find libpirn-sim.so' 3 dladdr,1,0 explore "$prog"
run "a library whose path cannot be told" tells 'cannot find libpirn-sim.so' 3 realpath,1,$EACCES explore "$prog"
run "no memory for the environment" tells 'philosophers: cannot be run: Cannot allocate memory' 2 malloc,1,$ENOMEM,child explore "$prog"
run "a program that cannot be started" tells 'cannot be run: ' 2 execv,1,$EACCES explore "$prog"

# ---- Calls that are interrupted ----

for call in write read recv waitpid; do
    run "$call is interrupted" does 0 $call,1,$EINTR explore -n 20 --seed 1 "$examples/transactions-fixed"
done
run "a socket that was reset is read to its end" does 0 recv,2,$ECONNRESET explore -n 20 --seed 1 "$examples/transactions-fixed"

# ---- Replaying ----

run "a trace whose path cannot be told" tells 'a.db: Permission denied' 3 realpath,1,$EACCES replay a.db "$prog" 3

# A gdb that shows what it is called with.
mkdir bin
printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >bin/gdb
chmod +x bin/gdb
with_gdb() { PATH=$PWD/bin:$PATH "$@"; }
run "no file for the commands of gdb" with_gdb tells 'cannot hand the commands to gdb: ' 3 memfd_create,1,$EMFILE replay --gdb a.db "$prog" 3
run "no room for the commands of gdb" with_gdb tells 'cannot hand the commands to gdb: ' 3 write,1,$ENOSPC replay --gdb a.db "$prog" 3
run "no library for gdb" with_gdb tells 'cannot find libpirn-sim.so' 3 dladdr,1,0 replay --gdb a.db "$prog" 3
debugs() {
    LD_PRELOAD=$PWD/refuse.so PATH=$PWD/bin:$PATH gives 0 replay --until=4 a.db "$prog" 3 'a b' &&
        prints '^set environment LD_PRELOAD /.*libpirn-sim.*:.*refuse\.so$' && prints '^pirn until 4$' && prints '^a b$'
}
run "gdb gets what is preloaded, and the arguments" debugs
no_gdb() (
    mkdir without
    for tool in timeout cat grep; do ln -s "$(command -v $tool)" without || return 1; done
    (PATH=$PWD/without && refuses 'gdb is not installed' 3 replay --gdb a.db "$prog" 3) || return 1
    : >without/gdb
    PATH=$PWD/without && refuses 'cannot start gdb: Permission denied' 3 replay --gdb a.db "$prog" 3
)
run "gdb that is not there, or cannot be started" no_gdb
run "gdb and --json" refuses '--gdb goes with neither' 2 replay --gdb --json a.db "$prog" 3
run "gdb and --trace" refuses '--gdb goes with neither' 2 replay --gdb --trace c.db a.db "$prog" 3
run "gdb for a program that is none" refuses 'no such program' 2 replay --gdb a.db ./nowhere

# ---- Memory, one allocation after the other ----

# each_refused CALL WORDS STATUS ARGUMENT...: without the n-th, for each n, it ends as always, or says so in these words.
# `prepare` comes before, `complete` looks at what there is if all went well; the larger `coarse`, the fewer are left out.
prepare() { :; }
complete() { :; }
coarse=2
each_refused() {
    call=$1
    words=$2
    wanted=$3
    shift 3
    for more in '' ,on; do
        n=1
        while :; do
            prepare
            refused $call,$n,$error$more "$@" >log
            test $refusals -gt 0 || break
            if test $status -ne "$wanted" || says '^pirn: '; then
                test $status -le 3 && once && says "$words" && nothing_left || { cat log; return 1; }
            else
                complete || { cat log; return 1; }
            fi
            n=$((n + 1 + n / coarse))
        done
        test $status -eq "$wanted" && test $n -gt 1 || { cat log; return 1; }
    done
}
error=$ENOMEM
run "memory to replay" each_refused malloc 'memory' 1 replay a.db "$prog" 3
run "memory to explore" each_refused malloc 'memory' 1 explore --seed 1 --annotate=gcc --trace c.db "$prog" 3
prepare() { rm -f new.db new.db-journal; }
complete() { test -s new.db; }
coarse=1000
run "memory to record" each_refused malloc 'memory' 0 record -o new.db "$examples/pipeline"
coarse=2
run "memory to merge" each_refused malloc 'memory' 0 merge new.db a.db b.db
error=$ENOSPC
run "room to merge" each_refused pwrite64 'full\|cannot be accessed' 0 merge new.db a.db b.db
error=$EACCES
run "reading to merge" each_refused pread64 'cannot [a-z]* it\|cannot be\|damaged' 0 merge new.db a.db b.db
merges() { gives 0 merge new.db a.db b.db && prints ' runs of 2 traces, .* 2 failures'; }
prepare
run "and then it is merged" merges

# ---- Recordings ----

# One that is whole, one that was cut.
rm -f whole
PIRN_WORKERS=1 PIRN_TRACE=whole "$top_builddir/tests/recorded" many 2000 >log 2>&1
head -c 70000 whole >cut
# $1 becomes rec.db; the rest of it, with another run, rec.db-recorded.
take() { rm -f rec.db* && cp "$1" rec.db; }
kept() { cmp "$1" "$2" && test "$(ls -d rec.db* | wc -l)" -eq "$3"; }
# Where no trace can be made beside it, it is one as long as the command needs it.
elsewhere() { take whole && does 0 "$@" list rec.db && prints threads && kept whole rec.db 1; }
run "no file beside a recording" elsewhere mkstemp,1,$EACCES
run "a recording that somebody still writes" elsewhere flock,1,$EAGAIN
nowhere() { take whole && TMPDIR=$PWD/nowhere tells 'nowhere/pirn-.*no folder can be made there: .*; set TMPDIR' 3 mkstemp,1,$EACCES list rec.db && kept whole rec.db 1; }
run "no file beside a recording, nor elsewhere" nowhere
not_replaced() { take "$1" && tells 'rec.db: cannot be replaced: ' 3 rename,1,$EACCES list rec.db && kept "$1" rec.db 1; }
run "a recording that cannot be replaced" not_replaced whole
run "a damaged one that cannot be replaced" not_replaced cut
any_mode() { take whole && does 0 fchmod,1,$EACCES list rec.db && ! cmp -s whole rec.db; }
run "a trace whose mode cannot be set" any_mode
left_as_it_is() { take cut && refused "$@" list rec.db && test $status -eq 0 && once && says 'the damaged file is left as it is' && kept cut rec.db 1 && nothing_left; }
run "a damaged one that cannot have another name" left_as_it_is link,1,$EACCES
run "nor any of the next names" left_as_it_is link,1,$EEXIST,on
next_name() { take cut && refused link,1,$EEXIST list rec.db && test $status -eq 0 && once && kept cut rec.db-damaged-2 2; }
run "a name that another has taken by now" next_name
damaged_elsewhere() { take cut && refused mkstemp,1,$EACCES list rec.db && test $status -eq 0 && once && says 'left as it is' && kept cut rec.db 1; }
run "a damaged one beside which there can be no file" damaged_elsewhere
beside() { rm -f rec.db* && cp trace.db rec.db && cp "$1" rec.db-recorded; }
take whole && gives 0 list rec.db >log && cp rec.db trace.db
not_put_away() { beside cut && tells 'the recording is damaged, and cannot be put away: ' 3 rename,1,$EACCES list rec.db; }
run "a damaged one beside a trace that cannot be put away" not_put_away
still_written() { beside whole && refused flock,1,$EAGAIN list rec.db && test $status -eq 0 && once && says 'still records into it' && kept whole rec.db-recorded 2; }
run "one beside a trace that somebody still writes" still_written
by_option() {
    take whole && cp whole with#sign && gives 2 replay rec.db#7 && says 'rec.db' && gives 0 list with#sign && prints threads &&
        take whole && does 0 mkstemp,1,$EACCES view rec.db#1 -o picture.dot && test -s picture.dot &&
        does 0 mkstemp,1,$EACCES explain --format=json rec.db && kept whole rec.db 1
}
run "one that is named with a run" by_option
error=$ENOMEM
rm -f small
PIRN_TRACE=small "$examples/pipeline" >log 2>&1
prepare() { take small; }
complete() { prints threads; }
run "memory to read a recording" each_refused malloc 'memory' 0 list rec.db

# ---- Compiling ----

printf '#!/bin/sh\necho "$@" >>calls\n' >fake
chmod +x fake
compiled() { rm -f calls && "$@"; }
run "no process to compile" tells 'cannot make a process: ' 3 fork,1,$EAGAIN cc --cc=./fake -o x one.c
run "no library to link with" tells 'cannot find libpirn-sim.so' 3 dladdr,2,0 cc --cc=./fake -o x one.c
run "none of headers" does 0 dladdr,1,0 cc --cc=./fake -c one.c
run "the wait for a compiler is interrupted" does 0 waitpid,1,$EINTR cc --cc=./fake -o x one.c
unasked() { compiled does 0 popen,1,$EAGAIN cc --cc=./fake -c one.c && ! grep -e -Wno-tsan calls && grep -e -fsanitize=thread calls; }
run "a compiler that cannot be asked is taken for clang" unasked
run "no library to record with" tells 'cannot find libpirn-trace.so' 3 dladdr,1,0 record "$examples/pipeline"
unknown_folder() { refused getcwd,1,$EACCES explore -q --seed 1 --annotate=gcc "$prog" 3 && test $status -eq 1 && prints '^[./][^ ]*philosophers.c:[0-9]*: error: deadlock'; }
run "a folder that is not known" unknown_folder
run "a command that does not know where it lies" does 1 readlink,1,$EACCES explore -q --seed 1 "$prog" 3

done_testing
