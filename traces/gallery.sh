#!/bin/sh
# Usage: gallery.sh record SOURCE BUILD     explores the programs of the gallery anew, and writes their files
#        gallery.sh index SOURCE            prints GALLERY.md
#        gallery.sh pictures SOURCE BUILD   draws the shrunk runs as BUILD/gallery/NAME.svg
#        gallery.sh plain SOURCE            filters messages: without what compilers and folders change
#
# NAMES="name name" in the environment: those alone.
#
# SOURCE is this folder, BUILD the folder in which Pirn was built.
#
# traces/NAME/expect says in lines "KEY VALUE" what is to be expected:
#   outcome, message   of the failure, the message as `plain` leaves it
#   options            of `pirn explore`, with strategy and seed
#   runs               after so many the failure is found
#   fixed              options with which nothing is found in NAME-fixed
# traces/NAME/schedule is that of the shrunk run, for `pirn replay`. It stays good when the program is
# built anew, as it says who goes on at each step and nothing of addresses; it is to be recorded anew when
# the program, or what counts as a step, has changed. tests/gallery.sh checks all of that.

command=$1
source=${2:?usage: gallery.sh record|index|pictures|plain SOURCE [BUILD]}
build=$3
most_runs=1000     # to find a failure, or to find none where there are too many schedules
most_classes=1000  # of schedules, to try all of them

failed() {
    echo "gallery: $*" >&2
    exit 1
}

names() {
    for folder in "$source"/*/; do basename "$folder"; done
}

# Messages without places, paths and names of functions: lines move, and a compiler may have put one
# function into another.
plain() { sed 's/ in [A-Za-z_0-9]* at .*//; s/, by task .*//; s/ ([^()]*)//g'; }

# What NAME/expect says of a key; nothing before it has been recorded.
value() { test ! -f "$source/$name/expect" || sed -n "s/^$1 //p" "$source/$name/expect"; }

# The limit of steps without which a livelock is another run.
max_steps() { value options | grep -o -e '--max-steps=[0-9]*'; }

# A member of the first JSON object of a type on standard input.
member() { sed -n "/\"type\":\"$1\"/{s/.*\"$2\":\"\{0,1\}\([^\"]*[^\",}]\)[\",}].*/\1/p;q;}"; }

record() {
    program=$build/traces/$name/$name
    options=$(value options)
    : "${options:=--strategy=portfolio --seed=1}"
    rm -f "$scratch"/*
    # shellcheck disable=SC2086 # options are words
    "$build/pirn" explore --json -n $most_runs $options --trace "$scratch/t.db" "$program" >"$scratch/found" </dev/null
    test $? -eq 1 || failed "$name: nothing was found"
    # shellcheck disable=SC2046
    "$build/pirn" shrink --json --samples=0 $(max_steps) "$scratch/t.db" "$program" >"$scratch/shrunk" </dev/null
    test $? -eq 1 || failed "$name: it could not be shrunk"
    member shrunk schedule <"$scratch/shrunk" >"$source/$name/schedule"
    test -s "$source/$name/schedule" || failed "$name: the shrunk run has no schedule"

    fixed="--strategy=dpor -n $most_classes $(max_steps)"
    # shellcheck disable=SC2086
    "$build/pirn" explore $fixed "$program-fixed" >"$scratch/fixed" </dev/null ||
        failed "$name-fixed: $(cat "$scratch/fixed")"
    grep -q '^exhausted' "$scratch/fixed" || fixed="--strategy=portfolio --seed=1 -n $most_runs $(max_steps)"
    # shellcheck disable=SC2086
    "$build/pirn" explore $fixed "$program-fixed" >"$scratch/fixed" </dev/null ||
        failed "$name-fixed: $(cat "$scratch/fixed")"

    {
        echo "outcome $(member failure outcome <"$scratch/found")"
        echo "message $(member failure message <"$scratch/found" | plain)"
        echo "options $options"
        echo "runs $(member summary runs <"$scratch/found")"
        echo "fixed $fixed" | sed 's/ *$//'
    } >"$scratch/expect"
    cp "$scratch/expect" "$source/$name/expect"
    echo "$name: $(value outcome), found after $(value runs), fixed: $(tail -n 1 "$scratch/fixed")"
}

index() {
    cat <<'END'
# The gallery

Bugs of concurrent programs, each as small as it can be: a program that has it, its repaired twin, and the schedule of the
simplest run that shows it. The page behind the name says what happens, what that teaches and how it is repaired. To see one, in
the folder in which Pirn was built (for the schedule, with SOURCE for that of the sources):

    make gallery                          builds them and draws the runs: gallery/NAME.svg
    ./pirn explore --seed=1 traces/ab-ba/ab-ba
    ./pirn replay "$(cat SOURCE/traces/ab-ba/schedule)" traces/ab-ba/ab-ba
    make check TESTS=tests/gallery.sh     checks that all below is so

*Runs* is how many runs `pirn explore` takes to find it, with the options in `NAME/expect` (all begin at seed 1); *all* says that
the repaired program is free of it under every schedule (`dpor` has covered them), otherwise under the first 1000 that were drawn.

END
    echo '| bug | outcome | what it is | program | repaired | runs | clean |'
    echo '| --- | --- | --- | --- | --- | ---: | --- |'
    for name in $(names); do
        title=$(sed -n '1s/^# //p' "$source/$name/README.md")
        case $(value fixed) in *dpor*) clean=all ;; *) clean=1000 ;; esac
        echo "| [$name]($name/README.md) | $(value outcome) | $title | [$name.c]($name/$name.c) | [$name-fixed.c]($name/$name-fixed.c) |" \
            "$(value runs) | $clean |"
    done
    for name in $(names); do
        test -f "$source/$name/$name.svg" || continue
        printf '\n%s, its shrunk run:\n\n![%s](%s/%s.svg)\n' "$(sed -n '1s/^# //p' "$source/$name/README.md")" "$name" "$name" "$name"
    done
}

draw() {
    rm -f "$scratch"/*
    # shellcheck disable=SC2046
    "$build/pirn" replay $(max_steps) --trace "$scratch/$name.db" "$(cat "$source/$name/schedule")" "$build/traces/$name/$name" >"$scratch/out" 2>&1 </dev/null
    test $? -eq 1 || failed "$name: $(cat "$scratch/out")"
    "$build/pirn" view "$scratch/$name.db" -o "$build/gallery/$name.svg" || failed "$name cannot be drawn"
}

case $command in
record | pictures) test -x "${build:?usage: gallery.sh $command SOURCE BUILD}/pirn" || failed "there is no pirn in $build" ;;
esac
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-gallery.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

case $command in
record)
    for name in ${NAMES:-$(names)}; do record; done
    index >"$scratch/index" && cp "$scratch/index" "$source/GALLERY.md"
    ;;
index) index ;;
plain) plain ;;
pictures)
    mkdir -p "$build/gallery" || exit 1
    for name in ${NAMES:-$(names)}; do draw; done
    echo "see $build/gallery"
    ;;
*) failed "there is no '$command': record, index, pictures or plain" ;;
esac
