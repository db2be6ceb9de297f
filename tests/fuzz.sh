#!/bin/sh
# What becomes of traces, recordings, schedules, suppressions and options that were made or changed at random
# (tests/fuzz/*.c).
# PIRN_FUZZ_ROUNDS and PIRN_FUZZ_SEED ask for other ones than make check does.
. "$top_srcdir/tests/tap.sh"
cd "$scratch" || exit 1

run "traces changed at random are shown or refused" \
    "$top_builddir/tests/fuzz/trace" "$top_srcdir" "${PIRN_FUZZ_ROUNDS-40}" "${PIRN_FUZZ_SEED-1}"
run "recordings made at random are read or refused" \
    "$top_builddir/tests/fuzz/recording" "${PIRN_FUZZ_ROUNDS-40}0" "${PIRN_FUZZ_SEED-1}"
run "schedules made at random are read or refused" \
    "$top_builddir/tests/fuzz/schedule" "${PIRN_FUZZ_ROUNDS-40}00" "${PIRN_FUZZ_SEED-1}"
run "files of suppressions made at random are read or refused" \
    "$top_builddir/tests/fuzz/suppressions" "${PIRN_FUZZ_ROUNDS-40}00" "${PIRN_FUZZ_SEED-1}"
run "options put together at random are taken or refused" \
    "$top_builddir/tests/fuzz/options" "${PIRN_FUZZ_ROUNDS-40}00" "${PIRN_FUZZ_SEED-1}"
done_testing
