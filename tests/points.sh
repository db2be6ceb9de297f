#!/bin/sh
# Places that have raced in one run are scheduling points in later ones: from the same run on, however many processes make
# them, and however often the exploration is interrupted.

. "$top_srcdir/tests/tap.sh"

pirn=$top_builddir/pirn
PIRN_CC=${CC%% *}
export PIRN_CC
cd "$scratch" || exit 1

if test "${SANITIZED:-no}" = yes; then
    skip 'racy places' 'a sanitizer has its own library'
    done_testing
fi

# Two tasks race in one run of thirty. What comes of it shows only if one is interrupted between its two accesses, and no
# run of the first sixteen from seed 1 tells of them.
cat >late.c <<'END_OF_C'
#include <pirn.h>
#include <stdlib.h>
static int counter;
static pirn_waitgroup group;
static void work(void *arg) {
    (void)arg;
    int before = counter;
    counter = before + 1;
}
static void both(void *arg) {
    (void)arg;
    if (rand() % 30) return;
    pirn_waitgroup_go(&group, work, 0);
    pirn_waitgroup_go(&group, work, 0);
    pirn_waitgroup_wait(&group);
    pirn_assert(counter == 2);
}
int main(void) {
    return pirn_run(0, both, 0);
}
END_OF_C
"$pirn" cc -O1 -o late late.c || exit 1

run_sql() {
    if command -v sqlite3 >/dev/null; then run "$@"; else skip "$1" "no sqlite3 program"; fi
}
sql() { sqlite3 -cmd '.timeout 10000' "$@"; }
explores() {
    "$pirn" explore "$@" ./late >out 2>&1 </dev/null
    status=$?
    cat out
    test $status -le 1
}
# All that is said but for times and how runs were kept apart, and what the runs were; schedules name the places.
said() { sed 's/[a-z0-9]*\.db/TRACE/g; s/ in [0-9.e+-]* s ([a-z ]*)$//' out; }
dump() { sql "$1" 'SELECT seed, strategy, schedule, outcome, message, steps, graph FROM run ORDER BY seed'; }

shows() {
    explores --seed 1 -n 16 --keep-going && grep -q '^16 runs.* 0 failures' out &&
        explores --seed 1 -n 600 --keep-going --allow=race && grep -q '^FAIL panic' out &&
        explores --seed 1 -n 600 --keep-going --allow=race --points=sync && grep -q ' 0 failures' out
}
run 'a race that only a later run has becomes points as well' shows

replays() {
    explores --seed 1 -n 600 --allow=race --trace first.db
    eval "set -- $(sed -n 's/^replay: //p' out)" && "$@" >out 2>&1
    cat out
    grep -q 'the same [0-9]* events' out && grep -q panic out
}
run 'the replay knows them' replays

alike() {
    rm -f ./*.db
    explores --seed 1 -n 600 --keep-going "$@" --trace one.db && said >expected && dump one.db >one && grep -q panic one || return 1
    for way in '-j 2' '-j 3' '--isolate=fork' '-j 2 --isolate=fork'; do
        rm -f other.db
        # shellcheck disable=SC2086 # words
        explores --seed 1 -n 600 --keep-going $way "$@" --trace other.db && said | diff expected - || return 1
        dump other.db | cmp one - || return 1
    done
}
for strategy in portfolio pos random; do
    run_sql "several processes use them from the same runs on: $strategy" alike --strategy=$strategy --allow=race
done
run_sql 'several processes use them from the same runs on: the race is told' alike

goes_on() {
    rm -f ./*.db
    explores --seed 1 -n 600 --keep-going --allow=race --trace whole.db && said >expected && dump whole.db >whole && grep -q panic whole || return 1
    explores --seed 1 -n 5 --keep-going --allow=race --trace parts.db || return 1
    for more in 11 150 1 40 60 93 240; do
        explores -n $more -j $((more % 2 + 1)) --keep-going --resume parts.db || return 1
    done
    dump parts.db | cmp whole -
}
run_sql 'an exploration that goes on knows them' goes_on

damaged() {
    rm -f ./*.db
    explores --seed 1 -n 600 --keep-going --allow=race --trace parts.db || return 1
    for text in x 9 '900:12' '17:zz' '300:1 200:2'; do
        sql parts.db "UPDATE exploration SET position = '$text'"
        "$pirn" explore -n 5 --resume parts.db ./late >out 2>&1 </dev/null
        status=$?
        cat out
        test $status -eq 3 && grep -q 'places that have raced is damaged' out || return 1
    done
}
run_sql 'a damaged list of them is refused' damaged

# A shard knows of its own runs and the first sixteen; it makes the same runs each time.
sharded() {
    for shard in 1 2; do
        rm -f ./*.db
        explores --seed 1 --shard=$shard/2 -n 1200 --keep-going --allow=race --trace one.db && said >expected &&
            dump one.db >one && grep -q '^FAIL panic' out || return 1
        explores --seed 1 --shard=$shard/2 -j 3 -n 1200 --keep-going --allow=race --trace other.db &&
            said | diff expected - && dump other.db | cmp one - || return 1
    done
}
run_sql 'a shard learns from its own runs' sharded

done_testing
