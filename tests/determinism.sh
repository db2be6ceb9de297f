#!/bin/sh
# The same schedule is the same run: event for event, from process to process, wherever the program is in memory, and whichever
# way it was compiled.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
examples="hello transactions transactions-fixed worker-pool philosophers pipeline sieve echo"

# All that a trace says of its runs, but for times of the wall clock and the numbers of its first row.
dump() {
    sqlite3 "$1" "
        SELECT id, strategy, seed, schedule, outcome, message, steps, tasks, switches, preemptions, virtual_ns, graph FROM run;
        SELECT * FROM task; SELECT * FROM object; SELECT * FROM event; SELECT * FROM select_case; SELECT * FROM edge;
        SELECT * FROM finding; SELECT * FROM site;"
}

# What does not depend on the compiler either. At which line a function begins does, where it begins with a call
# that has been inlined: a task starts and ends there.
dump_steps() {
    sqlite3 "$1" "
        SELECT id, seed, outcome, steps, tasks, switches, preemptions, virtual_ns, graph FROM run;
        SELECT run, step, task, op, result, file, iif(op IN ('start', 'exit'), function, line), time FROM steps; SELECT * FROM select_case; SELECT * FROM edge;"
}

record() {
    rm -f "$1"
    "$pirn" explore -n 20 --seed 5 --keep-going --record=all --quiet --trace "$1" "$2" >/dev/null 2>&1
    test $? -le 1 && test "$(sqlite3 "$1" 'SELECT count(*) FROM run')" = 20
}

# The number of a descriptor is the kernel's to choose.
but_numbers() {
    dump "$1" | sed 's/descriptor [0-9]*/descriptor/g'
}
twice() {
    record "$scratch/a.db" "$top_builddir/docs/examples/$1" && record "$scratch/b.db" "$top_builddir/docs/examples/$1" || return 1
    but_numbers "$scratch/a.db" >"$scratch/a" && but_numbers "$scratch/b.db" >"$scratch/b" && test -s "$scratch/a" && cmp "$scratch/a" "$scratch/b"
}

built() {
    $CC "$1" -g -fno-optimize-sibling-calls -I"$top_srcdir/lib" "$top_srcdir/docs/examples/$2.c" -o "$scratch/$2" \
        -L"$top_builddir/.libs" -lpirn -Wl,-rpath,"$top_builddir/.libs"
}

both_builds() {
    built -O0 "$1" && record "$scratch/a.db" "$scratch/$1" && built -O2 "$1" && record "$scratch/b.db" "$scratch/$1" || return 1
    dump_steps "$scratch/a.db" >"$scratch/a" && dump_steps "$scratch/b.db" >"$scratch/b" && test -s "$scratch/a" &&
        diff "$scratch/a" "$scratch/b"
}

# Alone, so without the command that switches the randomisation of addresses off. The schedule that a failing run prints has a
# hash of all events in it.
same_schedule_everywhere() {
    for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
        for try in 1 2 3; do
            PIRN_SEED=$seed "$top_builddir/docs/examples/$1-sim" 2>&1 | grep -o 'pirn1:[A-Za-z0-9_-]*'
        done | sort | uniq -c
    done >"$scratch/schedules"
    cat "$scratch/schedules"
    # Some seed fails, and each that does is printed three times the same.
    grep -q '^ *3 pirn1:' "$scratch/schedules" && ! grep -qv '^ *3 pirn1:' "$scratch/schedules"
}

if ! command -v sqlite3 >/dev/null; then
    skip "the same events" "sqlite3 is not installed"
    done_testing
fi
for name in $examples; do
    run "$name does the same twice" twice "$name"
done
if test -n "${SANITIZED-}"; then
    skip "other builds" "a plain program cannot load a sanitized library"
else
    for name in $examples; do
        run "$name does the same at -O0 and -O2" both_builds "$name"
    done
fi
if test "$(cat /proc/sys/kernel/randomize_va_space)" = 2; then
    for name in hello worker-pool philosophers; do
        run "$name does the same at any address" same_schedule_everywhere "$name"
    done
else
    skip "the same at any address" "addresses are not randomised here"
fi
done_testing
