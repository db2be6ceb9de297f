#!/bin/sh
# The threaded runtime's own source, compiled against the simulator (tests/model): every schedule of
# small cases, or all those with few preemptions; and mutants of that source, each of which must be
# caught. docs/reliability.md has the table. PIRN_TEST_MODELS=SECONDS: larger cases too, each for so long.

. "$top_srcdir/tests/tap.sh"

if test "${SANITIZED:-no}" = yes; then
    skip 'the models of the runtime' 'a sanitizer has its own library'
    done_testing
fi
if ! command -v objcopy >/dev/null; then
    skip 'the models of the runtime' 'there is no objcopy'
    done_testing
fi

models=$top_srcdir/tests/model
flags="-std=gnu11 -O1 -D_GNU_SOURCE -w"

# The runtime's pirn_run and the rest of what it exports get other names than the simulator's.
sed -n 's/^ *\(pirn_[a-z0-9_]*\);/\1 runtime_\1/p' "$top_srcdir/lib/pirn.map" >"$scratch/names"

# compile SOURCE OBJECT [FLAG...]: what is mutated, in the folder of that name, is found first.
compile() {
    source=$1
    object=$2
    shift 2
    "$top_builddir/pirn" cc $flags "$@" -I"$top_srcdir" -I"$top_srcdir/lib" -I"$top_srcdir/sim" \
        -include "$models/shim.h" -c -o "$object" "$source"
}
compile_renamed() {
    compile "$@" && objcopy --redefine-syms="$scratch/names" "$object"
}

# One library of all parts; a model that includes one of these sources has its own.
parts='threads/alone threads/block threads/foreign threads/monitor threads/poller threads/runtime threads/search
    threads/stats threads/tasks threads/timers threads/worker core/block core/chan core/config core/ctx core/fd
    core/group core/label core/mutex core/names core/nonblock core/report core/select core/sem core/stack
    core/task core/text core/time core/timer core/wait core/waitgroup'
builds_runtime() {
    mkdir "$scratch/runtime" && compile "$models/below.c" "$scratch/below.o" || return 1
    for part in $parts; do
        compile_renamed "$top_srcdir/lib/$part.c" \
            "$scratch/runtime/$(echo "$part" | tr / -).o" || return 1
    done
    ar rc "$scratch/runtime.a" "$scratch"/runtime/*.o
}

# build MODEL PROGRAM [FLAG...]
build() {
    model=$1
    program=$2
    shift 2
    test "$model" != lock || set -- -DMODEL_LOCK=1 "$@"
    compile_renamed "$models/$model.c" "$program.o" "$@" &&
        "$top_builddir/pirn" cc -o "$program" "$program"*.o "$scratch/below.o" "$scratch/runtime.a"
}

built=
builds() {
    case " $built " in *" $1 "*) return ;; esac
    build "$1" "$scratch/$1" && built="$built $1"
}

# all MODEL CASE HOW: all there are pass. The number of executions becomes part of the title.
all() {
    if builds "$1" >"$scratch/said" 2>&1 &&
        timeout 900 "$scratch/$1" "$2" "$3" >"$scratch/said" 2>&1 && ! grep -q 'not all' "$scratch/said"; then
        run "$(sed -n '$p' "$scratch/said")" true
    else
        run "$1 $2 $3" sh -c 'cat "$1"; exit 1' sh "$scratch/said"
    fi
}

# some MODEL CASE HOW: nothing is found in the time that there is.
some() {
    if builds "$1" >"$scratch/said" 2>&1 &&
        MODEL_SECONDS=$PIRN_TEST_MODELS timeout 900 "$scratch/$1" "$2" "$3" >"$scratch/said" 2>&1; then
        run "$(sed -n '$p' "$scratch/said")" true
    else
        run "$1 $2 $3" sh -c 'cat "$1"; exit 1' sh "$scratch/said"
    fi
}

# caught 'WHAT IS WRONG' FILE EDIT MODEL CASE HOW AS: a mutant of lib/threads/FILE ends so.
caught() {
    run "caught as $7: $1 ($4 $5)" catches "$@"
}
catches() {
    rm -rf "$scratch/mutant"
    mkdir -p "$scratch/mutant/lib/threads" || return 1
    sed "$3" "$top_srcdir/lib/threads/$2" >"$scratch/mutant/lib/threads/$2" || return 1
    if cmp "$top_srcdir/lib/threads/$2" "$scratch/mutant/lib/threads/$2"; then
        echo "$3 changes nothing in $2"
        return 1
    fi
    case $2 in
    *.c)
        # A part of its own, unless the model includes it.
        grep -q "include \"lib/threads/$2\"" "$models/$4.c" ||
            compile_renamed "$scratch/mutant/lib/threads/$2" "$scratch/mutant/program-part.o" || return 1
        ;;
    esac
    build "$4" "$scratch/mutant/program" -I"$scratch/mutant" || return 1
    timeout 300 "$scratch/mutant/program" "$5" "$6" >"$scratch/said" 2>&1
    cat "$scratch/said"
    grep -q "$6: $7 in execution" "$scratch/said"
}

# in FUNCTION EDIT: an edit of one function.
in_function() {
    printf '/[ *]%s(/,/^}/{\n%s\n}\n' "$1" "$2"
}

run 'the runtime compiles against the simulator' builds_runtime

all lock two dpor
all lock three dpor
caught 'unlocks without release' lock.h 's/0, memory_order_release/0, memory_order_relaxed/' \
    lock two dpor race
caught 'locks without acquire' lock.h 's/memory_order_acquire, /memory_order_relaxed, /' \
    lock two dpor race

all queue woken dpor
all queue fresh dpor
all queue two-thieves dpor
caught 'a thief does not lock' search.c 's/if (!threads_trylock(&victim->lock)) return 0;//' \
    queue woken dpor panic
caught 'the owner does not lock' queue.h "$(in_function queue_take 's/queue_lock(worker);//')" \
    queue woken dpor race
caught 'a thief does not count what it takes' search.c 's/waiting_changed(victim, -moved);//' \
    queue woken dpor panic

all park one-worker dpor
all park one-wakes dpor
all park two-outside dpor
all park own dpor
all park own-help dpor
all park asleep dpor
all park two-workers dfs:depth=1
all park two-help dfs:depth=1
all park shared-workers dfs:depth=2
all park asleep-help dfs:depth=2
caught 'no last look before sleeping' search.c 's/(calm || !work_anywhere_for_sure())/(true)/' \
    park one-worker dpor deadlock
caught 'wakes without a word' worker.c '/atomic_store_explicit(&worker->wake, 1/d' \
    park one-worker dpor deadlock
caught 'gives the task, wakes nobody' worker.c "$(in_function wake_from_outside 's/worker_wake_one();//')" \
    park one-worker dpor deadlock
caught 'the shared list without a lock' worker.c \
    "$(in_function wake_from_outside 's/runtime_[a-z]*lock();//')" park two-outside dpor race
caught 'forgets threads that may come' search.c 's/runtime.foreign_count || //' \
    park one-worker dpor panic
caught 'offers no work' worker.c "$(in_function offer_work 's/memory_order_seq_cst)) \&\&/memory_order_seq_cst) \&\& false) \&\&/')" \
    park own-help dpor deadlock
caught 'searches for ever' search.c "$(in_function stop_searching '/atomic_fetch_sub/d')" \
    park own-help dpor deadlock

all alone two-workers dpor
all alone monitored dpor
all alone published dpor
all alone visited dpor
all alone visited-looked dpor
all alone visited-twice dfs:depth=2
caught 'who is alone looks at itself first' engine_threads.h \
    's/& ~mode & MODE_SHARED/\& ~atomic_load_explicit(\&threads_mode, mode = memory_order_relaxed) \& MODE_SHARED/; s/uint32_t mode = atomic_load.*acquire);/uint32_t mode;/' \
    alone monitored dpor race
caught 'goes inside without a look at who has come' engine_threads.h 's/& ~mode & MODE_SHARED/\& MODE_SHARED/' \
    alone two-workers dpor race
caught 'comes in without waiting' alone.c "$(in_function share_locked 's/wait_more(&threads_inside, tries)/break/')" \
    alone two-workers dpor race
caught 'comes in without acquire' alone.c "$(in_function share_locked 's/memory_order_acquire/memory_order_relaxed/')" \
    alone published dpor race
caught 'leaves without release' engine_threads.h "$(in_function threads_leave 's/memory_order_release/memory_order_relaxed/')" \
    alone published dpor race
caught 'alone beside another' alone.c 's/awake <= 1/awake <= 2/' alone monitored dpor race
caught 'alone beside a thread of the program' alone.c 's/ && threads_none_but(runtime.own_threads)//' \
    alone visited-looked dpor race

all timers wakes-one dpor
all timers earlier dpor
all timers disarmed dpor
all timers disarmed dfs:depth=2
all timers own-keeps dpor
all timers own dfs:depth=2
all timers asleep dfs:depth=2
all timers wakes-two dfs:depth=1
all timers alone dpor
all timers alone-visited dpor
caught 'arms without a word to who sleeps' timers.c "$(in_function timers_arm 's/worker_wake_one();/;/')" \
    timers wakes-one dpor deadlock
caught 'sleeps without a look at the time' search.c \
    "$(in_function rest 's/keeps_time = timers_next() < .*/keeps_time = false;/')" timers wakes-one dpor deadlock
caught 'disarms while it fires' timers.c '/while (atomic_load_explicit(&firing/s/while.*/;/' \
    timers disarmed dfs:depth=2 race
caught 'fires without release' timers.c 's/\(firing, NULL, \)memory_order_release/\1memory_order_relaxed/' \
    timers disarmed dfs:depth=2 race

caught 'the heap without its lock' timers.c \
    "$(in_function lock_heap 's/if (!threads_alone()) threads_lock(&lock);//')" timers alone dpor race

all chan unbuffered dpor
all chan buffered dpor
all chan closed dpor
caught 'wakes a thread that still sleeps' worker.c "$(in_function engine_wake '/futex_wake/d')" \
    chan unbuffered dpor deadlock
caught 'wakes a thread without release' worker.c \
    "$(in_function engine_wake '/task->foreign/,/futex_wake/s/memory_order_release/memory_order_relaxed/')" \
    chan unbuffered dpor race
caught 'is woken without acquire' worker.c "$(in_function park_thread 's/memory_order_acquire/memory_order_relaxed/')" \
    chan unbuffered dpor race

all join one dpor
all join abandoned dpor
all join one-after-another dpor
all join two-at-once dfs:depth=0
caught 'a helper ends though a call has been promised' block.c 's/helper_count > calls/helper_count > 0/' \
    join one dpor deadlock
caught 'the end does not wait for helpers' block.c \
    "$(in_function block_end 's/if (helpers\[i\].started) pthread_join.*/;/')" join one dpor race
caught 'helpers are not told of the end' block.c "$(in_function block_end '/pthread_cond_broadcast/d')" \
    join one dpor deadlock

all retire stopped dpor
all retire recruited dpor
all retire noticed dpor
all retire ended dpor
all retire handed-over dpor
all retire counted-twice dpor
caught 'retires though the run has ended' search.c \
    "$(in_function retire 's/ || atomic_load(&runtime.stopping)//')" retire stopped dpor deadlock
caught 'the end does not reach who has retired' runtime.c "$(in_function runtime_stop '/wake_retired/d')" \
    retire stopped dpor deadlock
caught 'the monitor sleeps without a second look' monitor.c \
    's/if (all_rest() && !atomic_load(&runtime.stopping)) futex_wait/futex_wait/' retire noticed dpor deadlock
caught 'who retires is counted twice' monitor.c "$(in_function count_spare 's/runtime_[a-z]*lock();.*//')" \
    retire counted-twice dpor deadlock

all monitor asked dpor
all monitor both-asked dpor
all monitor stopping dpor
all monitor stuck dpor
caught 'who looks up takes the word from others' worker.c \
    "$(in_function worker_interrupt_end 's/if (wanted) worker_interrupt_all();//')" monitor asked dpor panic
caught 'asks, and then says who is meant' worker.c \
    "$(in_function worker_preempt 's/atomic_store.*/worker_interrupt_all(); &/; s/^    worker_interrupt_all();$//')" \
    monitor asked dpor panic
caught 'has nobody take part for who is stuck' monitor.c "$(in_function watch 's/recruit();/;/')" \
    monitor stuck dpor deadlock

all stats looked-at dpor
caught 'looks at what has been started first' stats.c \
    "$(in_function add_totals 's/add_counts(stats, &runtime.counts);/stats->started = read_count(\&runtime.workers[0].counts.started); &/; s/stats->started += .*/;/; s/stats->started = read_count(&runtime.counts.started);//')" \
    stats looked-at dpor panic

all descriptor becomes-ready dpor
all descriptor task-comes dpor
all descriptor both dpor
caught 'sleeps at the post though it has been woken' poller.c 's/left >= 0 && !atomic_load(&worker->wake)/left >= 0/' \
    descriptor task-comes dpor deadlock
caught 'who is at the post is not told' poller.c 's/if (atomic_load(&sentry) != worker) {/{/' \
    descriptor task-comes dpor deadlock

all run once dfs:depth=1
all run once dfs:depth=2
all run shared-once dpor
all run one-worker dpor
all run discarded-one-worker dpor
all run slept-one-worker dpor
all run blocked dpor
all run discarded dfs:depth=1
all run visited dfs:depth=1
all run slept dfs:depth=1
all run two-workers dfs:depth=1
all run shared-two-workers dfs:depth=1
all run shared-visited dfs:depth=1
all run shared-slept dfs:depth=1
caught 'the end does not reach who sleeps' runtime.c \
    "$(in_function runtime_stop '/while (atomic_load(&runtime.idle_count)) worker_wake_one();/d')" \
    run once dfs:depth=1 deadlock
caught 'workers are not joined' runtime.c 's/pthread_join(runtime.workers.*/;/' run once dfs:depth=1 crash
caught 'a task unlocks before it has left its stack' worker.c \
    "$(in_function threads_park 's/worker->departure.arg = arg;/unlock_one(arg); worker->departure.arg = NULL;/')" \
    run two-workers dfs:depth=1 race
caught 'counts its own threads when others may look' runtime.c \
    '/^        runtime.own_threads = /d; /atomic_store(&runtime.may_be_alone, may_be_alone());/a runtime.own_threads = threads_own();' \
    run started-from-outside dpor race

if test -n "${PIRN_TEST_MODELS-}"; then
    some alone back-again dpor
    some alone visited-twice dpor
    all monitor stuck-longer dpor
    all chan two-senders dpor
    all run shared-twice dpor
    all run twice dfs:depth=2
    all run discarded dfs:depth=2
    all descriptor two-workers dfs:depth=1
    all park two-workers dfs:depth=2
    all park two-help dfs:depth=2
    all timers wakes-two dfs:depth=2
    all alone back-again dfs:depth=2
    all park shared-help dfs:depth=2
    all timers shared-two dfs:depth=2
    all timers own dfs:depth=3
    all run shared-discarded dfs:depth=2
    all run visited-one-worker dfs:depth=2
    some park shared-workers dpor
    some park shared-help dpor
    some park asleep-help dpor
    some park two-workers dpor
    some timers asleep dpor
    some timers own dpor
    some timers shared-two dpor
    some join two-at-once dpor
    some run shared-two-workers dpor
    some run shared-discarded dpor
    some run shared-slept dpor
    some run shared-visited dpor
    some run shared-started dpor
    some run visited-one-worker dpor
    some run started-from-outside dpor
    some run two-workers dfs:depth=2
    some descriptor two-workers dfs:depth=2
fi

done_testing
