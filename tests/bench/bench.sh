#!/bin/sh
# The benchmarks do what they say, and their table can be made. Nothing is said about times.

. "$top_srcdir/tests/tap.sh"

bench=$top_builddir/tests/bench/bench
compare=$top_builddir/tests/bench/compare
explorer=$top_builddir/tests/bench/explorer

# Runs a row with the small count on each number of workers; the row checks its results itself.
small() {
    for workers in 1 2 4; do
        PIRN_WORKERS=$workers "$bench" "$1" "$2" >"$scratch/out" || return 1
        grep -Ex -e '-?[0-9.]+ [0-9.]+ [0-9.]+' "$scratch/out" || {
            cat "$scratch/out"
            return 1
        }
    done
}

# A benchmark that is its own peer.
table() {
    PIRN_BENCH_RUNS=2 PIRN_BENCH_WORKERS="1 3" "$compare" --quick --peer "$bench" "$@" "$bench" \
        yield ring >"$scratch/table" || return 1
    cat "$scratch/table"
    test "$(grep -Ec '^(yield|ring) +[13] +ns/(yield|hop) .* %' "$scratch/table")" -eq 4
}

# The table takes the place of what is between the marks, and of nothing else.
document() {
    cat >"$scratch/document.md" <<'END'
before
<!-- make bench-doc: begin -->
an old table
<!-- make bench-doc: end -->
after
END
    table --update "$scratch/document.md" || return 1
    cat "$scratch/document.md"
    test "$(sed -n '1p;$p' "$scratch/document.md" | tr '\n' ' ')" = "before after " &&
        test "$(grep -c '^<!-- make bench-doc' "$scratch/document.md")" -eq 2 &&
        test "$(grep -Ec '^\| (yield|ring) ' "$scratch/document.md")" -eq 4 &&
        ! grep 'an old table' "$scratch/document.md"
}

# Ends with status $1.
ends() {
    expected=$1
    shift
    "$@"
    test $? -eq "$expected"
}

# Runs a row of the simulator's once.
simulated() {
    "$explorer" "$1" "$2" >"$scratch/out" || return 1
    grep -Ex -e '[0-9.]+ [0-9.]+ [0-9.]+' "$scratch/out"
}

# A peer that has but one of the rows.
lacking_peer() {
    cat >"$scratch/peer" <<'END'
#!/bin/sh
case $1 in
--version) echo 1 ;;
counter-random) echo 1 1 1 ;;
*) echo none ;;
esac
END
    chmod +x "$scratch/peer"
    PIRN_BENCH_RUNS=2 PIRN_BENCH_WORKERS=1 "$compare" --quick --called Other --peer "$scratch/peer" \
        "$explorer" counter-random queue-random >"$scratch/table" || return 1
    cat "$scratch/table"
    grep -E '^counter-random +1 +runs/s( +[0-9.]+){6} ' "$scratch/table" &&
        grep -E '^queue-random +1 +runs/s( +[0-9.]+){2} +(! )?[0-9]+ %' "$scratch/table" &&
        grep -F 'Other best' "$scratch/table"
}

# A line for each peer, what is slower said first; a row of the size asked for.
each_peer() {
    cat >"$scratch/document.md" <<'END'
<!-- make bench-peers-doc: begin -->
<!-- make bench-peers-doc: end -->
END
    for value in 1 9; do
        cat >"$scratch/p$value" <<END
#!/bin/sh
case \$1 in
--version) echo 'p$value, made up' ;;
*) echo '$value 1 1' ;;
esac
END
    done
    cat >"$scratch/ours" <<'END'
#!/bin/sh
case $1 in
--list) printf 'row\tscaled\tless\t1\t1\tns\n' ;;
--version) echo 1 ;;
*) echo "$2 1 1" ;;
esac
END
    chmod +x "$scratch/p1" "$scratch/p9" "$scratch/ours"
    PIRN_BENCH_RUNS=2 PIRN_BENCH_WORKERS=1 "$compare" --each --called peer --peer "$scratch/p1" --peer "$scratch/p9" \
        --name bench-peers-doc --update "$scratch/document.md" "$scratch/ours" row=3 >"$scratch/table" || return 1
    cat "$scratch/table" "$scratch/document.md"
    grep -Eq '^row +1 +ns( +3.00){2}( +1.00){2}( +3.00){2} +3.00 to 3.00 .* p1$' "$scratch/table" &&
        grep -Eq '^\| row .* 0.33 \|.* p9 +\|$' "$scratch/document.md" &&
        grep -n 'times that of' "$scratch/document.md" >"$scratch/slower" &&
        grep -qx '[0-9]*:- `row` with 1 worker: 3.00 times that of p1' "$scratch/slower" &&
        test "$(wc -l <"$scratch/slower")" -eq 1 &&
        test "$(cut -d: -f1 "$scratch/slower")" -lt "$(grep -n '^| row ' "$scratch/document.md" | head -n 1 | cut -d: -f1)"
}

# The programs in threads, fibers and coroutines, as far as they can be had, check their results.
others() {
    found=$(sh "$top_srcdir/tests/bench/peers/build-others" "$scratch/others" "$CC" "$CXX" "${PYTHON-python3}") || return 1
    set --
    for peer in $found; do set -- "$@" --peer "$peer"; done
    PIRN_BENCH_RUNS=1 PIRN_BENCH_WORKERS="1 2" "$compare" --quick --each --called peer "$@" \
        "$bench" spawn skynet pingpong unbuffered buffered select_2 mutex_8 parked sleepers >"$scratch/table" || return 1
    cat "$scratch/table"
    test "$(grep -c '%  pthreads$' "$scratch/table")" -eq 16
}

wrong_result() {
    cat >"$scratch/wrong" <<'END'
#!/bin/sh
case $1 in
--list) printf 'row\tscaled\tless\t1\t1\tns\n' ;;
--version) echo 1 ;;
*) exit 1 ;;
esac
END
    chmod +x "$scratch/wrong"
    ends 1 "$compare" --quick "$scratch/wrong"
}

"$bench" --list >"$scratch/rows" || exit 1
while IFS='	' read -r row _ _ _ few _; do
    run "$row has the right results" small "$row" "$few"
done <"$scratch/rows"
"$explorer" --list >"$scratch/rows" || exit 1
while IFS='	' read -r row _ _ _ few _; do
    run "$row has the right results" simulated "$row" "$few"
done <"$scratch/rows"
run "a table is made" table
run "a peer may lack rows" lacking_peer
run "a table is put into a document" document
# How runs a second grow with processes is measured, whatever it is.
jobs() {
    PIRN_BENCH_RUNS=2 PIRN_BENCH_COUNT=60 sh "$top_srcdir/tests/bench/jobs.sh" "$top_builddir" 2 3 >"$scratch/jobs" || return 1
    cat "$scratch/jobs"
    test "$(grep -Ec '^explore -j [123] +-?[0-9]+ runs/s +-?[0-9.]+ times -j 1' "$scratch/jobs")" -eq 3
}
run "explorations in several processes are measured" jobs
run "each peer has a line, and what is slower comes first" each_peer
if test -n "${SANITIZED-}"; then
    skip "the peers have the right results" "a sanitizer is no concern of theirs"
else
    run "the peers have the right results" others
fi
run "a count that is none is refused" ends 2 "$compare" --quick "$bench" yield=0
run "a row that does not exist is refused" ends 2 "$compare" --quick "$bench" no_such_row
run "a benchmark that fails is a failure" wrong_result
done_testing
