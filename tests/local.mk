# The test suite. A subject tests/test_SUBJECT.c is built for both engines: to add one, add a line
# to tests_simulated. Scripts print TAP as the programs do, and are listed in test_scripts.

tests_simulated = \
	%D%/test_alloc-sim.t \
	%D%/test_block-sim.t \
	%D%/test_chan-sim.t \
	%D%/test_cond-sim.t \
	%D%/test_ctx-sim.t \
	%D%/test_dump-sim.t \
	%D%/test_group-sim.t \
	%D%/test_fd-sim.t \
	%D%/test_mutex-sim.t \
	%D%/test_once-sim.t \
	%D%/test_random-sim.t \
	%D%/test_report-sim.t \
	%D%/test_run-sim.t \
	%D%/test_rwmutex-sim.t \
	%D%/test_select-sim.t \
	%D%/test_sem-sim.t \
	%D%/test_stats-sim.t \
	%D%/test_time-sim.t \
	%D%/test_timer-sim.t \
	%D%/test_waitgroup-sim.t
tests_threaded = $(tests_simulated:-sim.t=-threads.t)

# Tests of one library alone, or of its inside; their programs are called as their sources.
tests_of_threads = %D%/test_foreign.t %D%/test_process.t %D%/test_unguarded.t %D%/test_workers.t
tests_of_sim = %D%/test_accesses.t %D%/test_alone.t %D%/test_dpor.t %D%/test_explore.t %D%/test_heap.t \
	%D%/test_interpose.t %D%/test_libc.t %D%/test_scarce.t %D%/test_served.t %D%/test_shrink.t %D%/test_sim.t \
	%D%/test_strategies.t
tests_inside_threads = %D%/test_context.t %D%/test_context_portable.t %D%/test_modes.t \
	%D%/test_ends.t %D%/test_nonblock.t
tests_inside_trace = %D%/test_recording.t
tests_inside_sim = %D%/test_dependence.t %D%/test_recorder.t %D%/test_refused.t
tests_of_recordings = %D%/test_convert.t %D%/test_program.t
tests_of_viz = %D%/test_analysis.t %D%/test_forms.t %D%/test_hostile.t %D%/test_page.t %D%/test_viz.t
tests_alone = %D%/test_harness.t %D%/test_seal.t

test_scripts = \
	%D%/abi.sh \
	%D%/browser.sh \
	%D%/cc.sh \
	%D%/command.sh \
	%D%/completion.sh \
	%D%/determinism.sh \
	%D%/docs.sh \
	%D%/examples.sh \
	%D%/faults.sh \
	%D%/exported-symbols.sh \
	%D%/fuzz.sh \
	%D%/gallery.sh \
	%D%/gdb.sh \
	%D%/headers.sh \
	%D%/leaks.sh \
	%D%/http.sh \
	%D%/jobs.sh \
	%D%/layout.sh \
	%D%/man.sh \
	%D%/model.sh \
	%D%/outcomes.sh \
	%D%/packaging.sh \
	%D%/counts.sh \
	%D%/points.sh \
	%D%/races.sh \
	%D%/rare.sh \
	%D%/record.sh \
	%D%/refused.sh \
	%D%/recording.sh \
	%D%/readme.sh \
	%D%/samples.sh \
	%D%/search.sh \
	%D%/snapshot.sh \
	%D%/told.sh \
	%D%/tsan.sh

on_threads = $(tests_threaded) $(tests_of_threads)
# ThreadSanitizer watches threads, and the simulator has none.
if SANITIZE_THREAD
on_sim =
inside_sim =
of_recordings =
else
on_sim = $(tests_simulated) $(tests_of_sim)
inside_sim = $(tests_inside_sim)
of_recordings = $(tests_of_recordings)
endif
test_programs = $(on_threads) $(on_sim) $(tests_inside_threads) $(tests_inside_trace) $(inside_sim) \
	$(of_recordings) $(tests_of_viz) $(tests_alone)

if HAVE_CUNIT
TESTS += $(test_programs) $(test_scripts)
tested = $(check_LTLIBRARIES) $(test_programs)
endif

# ---- How they are built ----

# What tests/http.sh asks with.
check_PROGRAMS += %D%/http-client

# What tests/snapshot.sh explores.
check_PROGRAMS += %D%/habits
%C%_habits_LDADD = libpirn.la $(PTHREAD_LIBS)
%C%_habits_LDFLAGS = -no-install -Wl,-rpath,'$$ORIGIN/../.libs'

# What tests/fuzz.sh runs.
check_PROGRAMS += %D%/fuzz/trace
%C%_fuzz_trace_SOURCES = %D%/fuzz/trace.c
%C%_fuzz_trace_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
%C%_fuzz_trace_LDADD = libviz.la $(SQLITE_LIBS)

check_PROGRAMS += %D%/fuzz/schedule
%C%_fuzz_schedule_SOURCES = %D%/fuzz/schedule.c
%C%_fuzz_schedule_LDADD = sim/libpirn_sim_la-schedule.lo

check_PROGRAMS += %D%/fuzz/suppressions
%C%_fuzz_suppressions_SOURCES = %D%/fuzz/suppressions.c
%C%_fuzz_suppressions_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1

check_PROGRAMS += %D%/fuzz/options
%C%_fuzz_options_SOURCES = %D%/fuzz/options.c sim/cli/options.c
%C%_fuzz_options_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1
%C%_fuzz_options_LDADD = libviz.la libpirn-sim.la $(SQLITE_LIBS)
%C%_fuzz_options_LDFLAGS = -no-install -Wl,-rpath,'$$ORIGIN/../../.libs'

check_PROGRAMS += %D%/fuzz/recording
%C%_fuzz_recording_SOURCES = %D%/fuzz/recording.c
%C%_fuzz_recording_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1
%C%_fuzz_recording_LDADD = $(libpirn_sim_la_OBJECTS) librecording.la libviz.la $(SQLITE_LIBS) \
	$(BACKTRACE_LIBS) $(PTHREAD_LIBS)

# What tests/outcomes.sh compares: one source for both engines. The simulator's looks inside.
outcomes_sources = %D%/outcomes.c %D%/play.c %D%/play.h %D%/spec.c %D%/spec.h
check_PROGRAMS += %D%/outcomes-threads
%C%_outcomes_threads_SOURCES = $(outcomes_sources)
%C%_outcomes_threads_LDADD = libpirn.la $(PTHREAD_LIBS)
%C%_outcomes_threads_LDFLAGS = -no-install -Wl,-rpath,'$$ORIGIN/../.libs'
if !SANITIZE_THREAD
check_PROGRAMS += %D%/outcomes-sim
endif
%C%_outcomes_sim_SOURCES = $(outcomes_sources)
%C%_outcomes_sim_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1
%C%_outcomes_sim_LDADD = $(libpirn_sim_la_OBJECTS) $(SQLITE_LIBS) $(BACKTRACE_LIBS) $(PTHREAD_LIBS)

# For hours: see check-long.
check_PROGRAMS += %D%/soak
%C%_soak_LDADD = libpirn.la $(PTHREAD_LIBS)
%C%_soak_LDFLAGS = -no-install -Wl,-rpath,'$$ORIGIN/../.libs'

# What tests/record.sh records.
check_PROGRAMS += %D%/recorded
%C%_recorded_LDADD = libpirn.la $(PTHREAD_LIBS)
%C%_recorded_LDFLAGS = -no-install -Wl,-rpath,'$$ORIGIN/../.libs'

# What asks it about damage.
check_PROGRAMS += %D%/flipped
%C%_flipped_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1
%C%_flipped_LDADD = $(libpirn_sim_la_OBJECTS) librecording.la $(SQLITE_LIBS) $(BACKTRACE_LIBS) \
	$(PTHREAD_LIBS)

if HAVE_CUNIT
check_LTLIBRARIES += %D%/libharness.la
endif
%C%_libharness_la_SOURCES = %D%/harness.c %D%/harness.h
%C%_libharness_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%C%_libharness_la_LIBADD = $(CUNIT_LIBS)

TEST_CPPFLAGS = -I$(srcdir)/%D% $(CUNIT_CFLAGS) $(SQLITE_CFLAGS)
TEST_COMPILE = $(AM_V_CC)$(MKDIR_P) %D% && $(COMPILE) $(TEST_CPPFLAGS) -MMD -MP -c -o $@
# Not a wrapper script of libtool's but the program itself. libtool's own path to the library is
# lost where it has spaces.
TEST_LINK = $(AM_V_CCLD)$(LINK) -no-install -Wl,-rpath,'$$ORIGIN/../.libs'

%D%/%-threads.o: %D%/%.c
	$(TEST_COMPILE) $<
%D%/%-sim.o: %D%/%.c
	$(TEST_COMPILE) -DPIRN_SIMULATED=1 $<
%D%/test_%.o: %D%/test_%.c
	$(TEST_COMPILE) $<
$(tests_of_sim:.t=.o) $(tests_inside_sim:.t=.o) $(tests_of_recordings:.t=.o): TEST_CPPFLAGS += -DPIRN_SIMULATED=1
$(tests_inside_trace:.t=.o): TEST_CPPFLAGS += -DPIRN_RECORDED=1

$(on_threads): %.t: %.o %D%/support-threads.o %D%/libharness.la libpirn.la
	$(TEST_LINK) $^ $(CUNIT_LIBS) $(PTHREAD_LIBS)
$(on_sim): %.t: %.o %D%/support-sim.o %D%/libharness.la libpirn-sim.la
	$(TEST_LINK) $^ $(CUNIT_LIBS) $(SQLITE_LIBS) $(PTHREAD_LIBS)
# What is hidden in a library is not hidden among its objects.
$(tests_inside_threads): %.t: %.o %D%/libharness.la $(libpirn_la_OBJECTS)
	$(TEST_LINK) $^ $(CUNIT_LIBS) $(BACKTRACE_LIBS) $(PTHREAD_LIBS) -lm
$(tests_inside_trace): %.t: %.o %D%/libharness.la $(libpirn_trace_la_OBJECTS)
	$(TEST_LINK) $^ $(CUNIT_LIBS) $(SQLITE_LIBS) $(BACKTRACE_LIBS) $(PTHREAD_LIBS) -lm
$(filter %D%/test_dependence.t,$(inside_sim)): %D%/support-sim.o
$(inside_sim): %.t: %.o %D%/libharness.la $(libpirn_sim_la_OBJECTS)
	$(TEST_LINK) $^ $(CUNIT_LIBS) $(SQLITE_LIBS) $(BACKTRACE_LIBS) $(PTHREAD_LIBS)
# As the command is: of the library's inside no more than it has.
of_command = lib/core/libpirn_sim_la-program.lo lib/core/libpirn_sim_la-trace_kind.lo \
	sim/libpirn_sim_la-trace_file.lo sim/libpirn_sim_la-trace_schema.lo
$(of_recordings): %.t: %.o %D%/libharness.la $(of_command) librecording.la libviz.la libpirn-sim.la
	$(TEST_LINK) $^ $(CUNIT_LIBS) $(SQLITE_LIBS) $(BACKTRACE_LIBS) $(PTHREAD_LIBS)
$(tests_of_viz): %.t: %.o %D%/viz_support.o %D%/libharness.la libviz.la
	$(TEST_LINK) $^ $(CUNIT_LIBS) $(SQLITE_LIBS) $(PTHREAD_LIBS)
$(tests_alone): %.t: %.o %D%/libharness.la
	$(TEST_LINK) $^ $(CUNIT_LIBS)

%D%/viz_support.o: %D%/viz_support.c
	$(TEST_COMPILE) $<

test_objects = $(test_programs:.t=.o) %D%/support-threads.o %D%/support-sim.o %D%/viz_support.o
.SECONDARY: $(test_objects)
-include $(test_objects:.o=.d)

MOSTLYCLEANFILES += $(test_programs) $(test_objects) $(test_objects:.o=.d)

race_cases = %D%/races/atomics.c %D%/races/libc.c %D%/races/main.c %D%/races/memory.c %D%/races/races.h \
	%D%/races/structures.c %D%/races/sync.c %D%/races/values.c

models = %D%/model/alone.c %D%/model/below.c %D%/model/chan.c %D%/model/descriptor.c \
	%D%/model/join.c %D%/model/lock.c %D%/model/monitor.c %D%/model/park.c %D%/model/queue.c %D%/model/retire.c \
	%D%/model/run.c %D%/model/shim.h %D%/model/stats.c %D%/model/timers.c

abi_notes = layout layout.awk libpirn-sim.abi libpirn-sim.functions libpirn.abi libpirn.functions note.sh \
	public.suppr
EXTRA_DIST += $(abi_notes:%=%D%/abi/%)

fuzz_corpus = options/explore options/help options/replay options/one-run options/shrink schedule/bytes \
	schedule/hello schedule/philosophers suppressions/all-kinds suppressions/many-stars \
	recording/buffers recording/damaged recording/small trace/bytes trace/kinds trace/labels trace/page trace/steps
EXTRA_DIST += %D%/fuzz/guided $(fuzz_corpus:%=%D%/fuzz/corpus/%)

EXTRA_DIST += $(models) $(race_cases) $(test_scripts) %D%/counts/counts.c %D%/coverage.c %D%/refuse.c %D%/browser/driver.py %D%/browser/page.py %D%/docs.awk \
	%D%/docs-compare.awk %D%/analyze %D%/command-line.sh %D%/recorded-runs.sh %D%/cppcheck.txt %D%/sarif.schema.json %D%/tally %D%/tap.sh %D%/validate.py \
	%D%/support.c %D%/support.h %D%/viz_support.c %D%/viz_support.h %D%/refusal.h %D%/refused-malloc.h %D%/well_formed.h \
	$(tests_simulated:-sim.t=.c) $(tests_of_threads:.t=.c) $(tests_of_sim:.t=.c) $(tests_inside_threads:.t=.c) \
	$(tests_inside_trace:.t=.c) $(tests_inside_sim:.t=.c) $(tests_of_recordings:.t=.c) \
	$(tests_of_viz:.t=.c) $(tests_alone:.t=.c)

# ---- How they are run ----

TEST_EXTENSIONS = .t .sh
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
# A script that hangs is stopped. What counts its lines is slow.
if COVERAGE
SCRIPT_SECONDS = 1800
else
SCRIPT_SECONDS = 600
endif
SH_LOG_COMPILER = timeout -k 10 $(SCRIPT_SECONDS) $(SHELL)

# What a script may use. Options given to sanitizers by hand win over these:
#  - the simulator's library may be loaded ahead of the sanitizer's, and means to be;
#  - the runtime has signal stacks of its own;
#  - tasks that a run discards leave what they allocated.
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	CC='$(CC)'; CXX='$(CXX)'; NM='$(NM)'; \
	PATH='$(abs_top_builddir)':"$$PATH"; \
	export top_srcdir top_builddir CC CXX NM PATH; \
	unset PIRN_WORKERS PIRN_STACK_SIZE PIRN_REPLAY PIRN_SEED PIRN_DUMP PIRN_TRACE;
if SANITIZE
AM_TESTS_ENVIRONMENT += \
	: "$${PIRN_TEST_SLOWNESS=4}"; \
	: "$${ASAN_OPTIONS=verify_asan_link_order=0:use_sigaltstack=0:detect_leaks=0:abort_on_error=1}"; \
	: "$${UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1}"; \
	: "$${TSAN_OPTIONS=atexit_sleep_ms=0:second_deadlock_stack=1}"; \
	SANITIZED=yes; export SANITIZED PIRN_TEST_SLOWNESS ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS;
endif

# In place of Automake's rule, so that the count comes last, also when tests have failed.
test_results = $(TEST_LOGS:.log=.trs)
check-TESTS: $(tested)
	@test '@have_cunit@' = yes || { \
	  echo 'make check needs CUnit (Debian: libcunit1-dev), and configure to be run again' >&2; exit 1; }
	@rm -f $(TEST_LOGS) $(test_results) $(TEST_SUITE_LOG)
	@status=0; $(MAKE) $(AM_MAKEFLAGS) $(TEST_SUITE_LOG) || status=$$?; \
	AWK='$(AWK)' $(SHELL) $(srcdir)/%D%/tally $(test_results) || test $$status != 0 || status=1; \
	exit $$status

# What .ci/pre-commit runs.
quick_tests = %D%/abi.sh %D%/exported-symbols.sh %D%/headers.sh %D%/layout.sh %D%/man.sh %D%/test_chan-sim.t \
	%D%/test_chan-threads.t %D%/test_forms.t %D%/test_mutex-sim.t %D%/test_mutex-threads.t %D%/test_select-sim.t \
	%D%/test_select-threads.t %D%/test_sim.t
check-quick:
	@$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(quick_tests)'

# Is everything still there that programs rely on? And: what they rely on from now on.
check-abi:
	@$(MAKE) $(AM_MAKEFLAGS) check TESTS=%D%/abi.sh
abi-note: libpirn.la libpirn-sim.la
	@CC='$(CC)' NM='$(NM)' $(SHELL) $(srcdir)/%D%/abi/note.sh write .

CLANG_FORMAT = clang-format
formatted = cd '$(srcdir)' && find docs lib sim tests traces viz -name '*.[ch]' ! -path '*/found/*' -print | xargs $(CLANG_FORMAT)
check-format:
	@$(formatted) --dry-run -Werror
format:
	@$(formatted) -i

PIRN_REPEAT = 50
PIRN_SOAK_SECONDS = 60
longer = SCRIPT_SECONDS=3600
check-long:
	$(MAKE) $(AM_MAKEFLAGS) %D%/soak
	PIRN_TEST_TASKS=1000000 %D%/soak $(PIRN_SOAK_SECONDS)
	PIRN_TEST_KILLS=200 $(MAKE) $(AM_MAKEFLAGS) check $(longer) TESTS=%D%/faults.sh
	PIRN_TEST_MODELS=30 $(MAKE) $(AM_MAKEFLAGS) check $(longer) TESTS=%D%/model.sh
	if command -v clang >/dev/null; then $(MAKE) $(AM_MAKEFLAGS) fuzz PIRN_FUZZ_SECONDS=60; fi
	@for from in 1 1501 3001 4501 6001 7501 9001 10501 12001 13501; do \
	  echo "1000 programs from seed $$from on"; \
	  PIRN_TEST_PROGRAMS=1000 PIRN_TEST_FROM=$$from $(MAKE) $(AM_MAKEFLAGS) check $(longer) TESTS=%D%/outcomes.sh || exit 1; \
	done
	@n=1; while test $$n -le $(PIRN_REPEAT); do \
	  echo "round $$n of $(PIRN_REPEAT)"; \
	  PIRN_TEST_TASKS=1000000 PIRN_TEST_EVENTS=1000000 PIRN_FUZZ_ROUNDS=400 PIRN_FUZZ_SEED=$${n}000 $(MAKE) $(AM_MAKEFLAGS) check $(longer) || { echo "failed in round $$n"; exit 1; }; \
	  n=`expr $$n + 1`; \
	done

if COVERAGE
# Linked into everything, by configure.
BUILT_SOURCES = %D%/coverage.o
MOSTLYCLEANFILES += %D%/coverage.o
%D%/coverage.o: %D%/coverage.c
	$(AM_V_CC)$(MKDIR_P) %D% && $(CC) -D_GNU_SOURCE= $(CFLAGS) -std=gnu11 -fPIC -c -o $@ $<
AM_TESTS_ENVIRONMENT += \
	: "$${PIRN_TEST_SLOWNESS=4}"; : "$${PIRN_TEST_PROGRAMS=30}"; GCOV_ERROR_FILE=/dev/null; \
	COVERAGE=yes; export PIRN_TEST_SLOWNESS PIRN_TEST_PROGRAMS GCOV_ERROR_FILE COVERAGE;

# A process that is killed while it writes its counts may leave one that gcovr cannot read.
coverage:
	@find . -name '*.gcda' -exec rm -f {} +
	@status=0; $(MAKE) $(AM_MAKEFLAGS) check || status=$$?; \
	if test -n '$(GCOVR)'; then \
	  $(MKDIR_P) coverage && $(GCOVR) --gcov-ignore-parse-errors --root '$(srcdir)' --object-directory . \
	    --filter '$(abs_top_srcdir)/(lib|sim|viz)/' --print-summary --html-details coverage/index.html; \
	elif test -n '$(LCOV)'; then \
	  $(LCOV) --quiet --capture --directory . --output-file coverage.all && \
	  $(LCOV) --quiet --output-file coverage.info --extract coverage.all \
	    '$(abs_top_srcdir)/lib/*' '$(abs_top_srcdir)/sim/*' '$(abs_top_srcdir)/viz/*' && \
	  genhtml --quiet --output-directory coverage coverage.info; \
	else \
	  echo 'gcovr or lcov is needed' >&2; exit 1; \
	fi || exit; \
	echo "see coverage/index.html"; exit $$status
else
coverage:
	@echo 'configure with --enable-coverage first' >&2; exit 1
endif

# What reads the sources: ANALYZE names some of tidy, cppcheck and analyzer, FILES some C files.
ANALYZE =
FILES =
analyze:
	@$(SHELL) $(srcdir)/%D%/analyze '$(srcdir)' $(ANALYZE) $(FILES)

# For hours, with clang: FUZZ names some of these.
guided = schedule suppressions options recording trace
FUZZ = $(guided)
PIRN_FUZZ_SECONDS = 3600
fuzz: libpirn-sim.la librecording.la libviz.la
	@$(MKDIR_P) %D%/fuzz && $(SHELL) $(srcdir)/%D%/fuzz/guided . $(PIRN_FUZZ_SECONDS) $(FUZZ)

coverage-clean:
	find . -name '*.gc[dn][ao]' -exec rm -f {} +
	rm -rf coverage coverage.info coverage.all
fuzz-clean:
	rm -rf %D%/fuzz/*.corpus %D%/fuzz/*-guided
	rm -f $(guided:%=%D%/fuzz/%.log) $(guided:%=%D%/fuzz/%-crash-*) $(guided:%=%D%/fuzz/%-timeout-*)
clean-local: coverage-clean deb-clean fuzz-clean

.PHONY: abi-note analyze check-abi check-format check-long check-quick coverage coverage-clean format fuzz fuzz-clean
