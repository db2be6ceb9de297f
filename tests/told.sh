#!/bin/sh
# What the command tells of runs: the failures of the gallery in words, forms that others read, the pictures of the documentation.

. "$top_srcdir/tests/tap.sh"

case $top_builddir in
/*) build=$top_builddir ;;
*) build=$(pwd)/$top_builddir ;;
esac
case $top_srcdir in
/*) source=$top_srcdir ;;
*) source=$(pwd)/$top_srcdir ;;
esac
pirn=$build/pirn
cd "$scratch" || exit 1

# Runs pirn, which has to end with status $1; what it says is in `out`.
gives() {
    expected=$1
    shift
    timeout -k 5 120 "$pirn" "$@" >out 2>&1 </dev/null
    status=$?
    test $status -eq "$expected" || { cat out; echo "status $status, not $expected: pirn $*"; return 1; }
}

says() { grep -q -e "$1" out || { cat out; echo "nothing says: $1"; return 1; }; }

# The failure of gallery program $1 as its schedule has it, into $1.db.
# shellcheck disable=SC2046 # options are words
gallery() {
    test -s "$1.db" ||
        gives 1 replay $(grep -o -e '--max-steps=[0-9]*' "$source/traces/$1/expect") --trace "$1.db" "$(cat "$source/traces/$1/schedule")" "$build/traces/$1/$1"
}

# ---- Words ----

lost() {
    gallery lost-wakeup && gives 0 explain lost-wakeup.db &&
        says 'The signal by download in step [0-9]* at lost-wakeup.c:13 woke nobody: it came before main waited in step [0-9]*' &&
        says 'signal finished (wakes 0)' && says 'wait? finished'
}
run "a signal that nobody heard is told, and the wait after it" lost

# However long the run was.
lost_among_many() {
    cat >long.sql <<-END
	DELETE FROM edge;
	DELETE FROM event WHERE op = 'exit';
	UPDATE task SET last_step = (SELECT max(step) FROM event WHERE task = id);
	UPDATE event SET step = step + 1000000 WHERE op = 'wait' OR step > (SELECT step FROM event WHERE op = 'signal');
	UPDATE finding SET step = (SELECT step FROM event WHERE op = 'wait');
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
	INSERT INTO event SELECT 1, (SELECT step FROM event WHERE op = 'signal') + i, 1,
	    CASE i % 3 WHEN 0 THEN 'yield' WHEN 1 THEN 'random' ELSE 'choose' END, NULL, i % 7, 1, 0 FROM n;
	UPDATE run SET steps = (SELECT count(*) FROM event);
	UPDATE task SET last_step = (SELECT max(step) FROM event WHERE task = id);
	END
    gallery lost-wakeup && cp lost-wakeup.db long.db && sqlite3 long.db <long.sql && gives 0 explain long.db &&
        says 'The signal by download .* woke nobody' && says 'signal finished (wakes 0)'
}
if command -v sqlite3 >/dev/null; then
    run "and is in the steps that lead there, hundreds of steps before" lost_among_many
else
    skip "and is in the steps that lead there, hundreds of steps before" "sqlite3 is not installed"
fi

diverted() {
    gallery missed-broadcast && gives 0 explain missed-broadcast.db && says 'The signal by .*, the last one, woke .* instead'
}
run "a signal that another heard is told" diverted

paths_are_short() {
    gallery lost-update && gives 0 explain lost-update.db && says '^Panic: assertion failed: .* (lost-update.c:[0-9]*)'
}
run "messages have places as others do" paths_are_short

# ---- Two runs ----

parts() {
    gives 1 explore --seed 1 --record=all --keep-going -n 20 --trace two.db "$build/traces/lost-wakeup/lost-wakeup" &&
        gives 0 diff two.db && says '^A: two.db#[0-9]*, deadlock' && says '^B: two.db#[0-9]*, ok' && says '^The first '
}
run "a failing run is compared with the nearest that passed" parts
passed_alone() {
    gives 0 list --json two.db && run=$(sed -n 's/.*"run":\([0-9]*\),"outcome":"ok".*/\1/p' out | head -n 1) &&
        gives 2 diff "two.db#$run" && says 'with which one is it compared'
}
run "one that passed has to be given the other" passed_alone
none_passed() { gallery lost-wakeup && gives 2 diff lost-wakeup.db && says 'record=all'; }
run "where none passed it says what to do" none_passed

# ---- For others to read ----

# Every failure of the gallery, in a form: $1 the command, $2 the form.
every() {
    for folder in "$source"/traces/*/; do
        name=$(basename "$folder")
        test -f "$folder/schedule" || continue
        gallery "$name" || return 1
        case $1 in
        explain) "$pirn" explain --format="$2" "$name.db" >"$name.$2" || return 1 ;;
        view) "$pirn" view --format="$2" -o "$name.$2" "$name.db" || return 1 ;;
        esac
    done
    test "$(find . -name "*.$2" | wc -l)" -ge 20
}

# The schema of the standard, where somebody has it: it comes with an npm package that is found where it is
# installed (npm install --global @microsoft/sarif-multitool-linux); or PIRN_SARIF_SCHEMA is its file.
official_schema=${PIRN_SARIF_SCHEMA:-$(npm root --global 2>/dev/null)/@microsoft/sarif-multitool-linux/sarif-2.1.0.json}

# By the schema $1.
sarif() {
    test -f orders.explain.sarif || every explain sarif || return 1
    cp "$source/tests/golden/orders.explain.sarif" . && PYTHONDONTWRITEBYTECODE=1 python3 "$source/tests/validate.py" sarif "$1" ./*.sarif
}
chrome() { every view chrome && python3 "$source/tests/validate.py" chrome ./*.chrome; }
if command -v python3 >/dev/null; then
    if python3 -c 'import jsonschema' 2>/dev/null; then
        run "SARIF is as SARIF 2.1.0 demands" sarif "$source/tests/sarif.schema.json"
        if test -n "$PIRN_SARIF_SCHEMA" || test -r "$official_schema"; then
            run "and as its own schema says" sarif "$official_schema"
        else
            skip "and as its own schema says" "it is not installed: npm install --global @microsoft/sarif-multitool-linux"
        fi
    else
        skip "SARIF is as SARIF 2.1.0 demands" "python3-jsonschema is not installed"
    fi
    run "traces for Chrome are as its trace event format demands" chrome
else
    skip "SARIF is as SARIF 2.1.0 demands" "python3 is not installed"
    skip "traces for Chrome are as its trace event format demands" "python3 is not installed"
fi

# ---- Pictures ----

# But for its version, Graphviz writes the same of the same.
without_version() { grep -v 'Generated by graphviz' "$1"; }

pictures_are_current() {
    mkdir pictures && sh "$source/docs/pictures.sh" "$build" pictures || return 1
    for picture in pictures/*.svg; do
        without_version "$picture" >new
        without_version "$source/docs/$(basename "$picture")" | diff - new >changes ||
            { head -n 10 changes; echo "$picture is not as it would be drawn today: make pictures"; return 1; }
    done
}
if ! command -v dot >/dev/null; then
    skip "the documentation has today's pictures" "Graphviz is not installed"
elif test "$SANITIZED" = yes; then
    skip "the documentation has today's pictures" "sanitizers run the examples in other orders"
elif grep -h 'Generated by graphviz' "$source/docs/transactions.svg" | grep -q -F "version $(dot -V 2>&1 | sed -n 's/.*version \([^ ]*\).*/\1/p')"; then
    run "the documentation has today's pictures" pictures_are_current
else
    skip "the documentation has today's pictures" "another version of Graphviz drew them"
fi
done_testing
