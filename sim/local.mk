# libpirn-sim, the simulator, and the command. The core is the one of libpirn, compiled for the
# other engine.

include_HEADERS += %D%/pirn-cunit.h %D%/pirn-sim.h
pkgconfig_DATA += %D%/pirn-sim.pc
lib_LTLIBRARIES += libpirn-sim.la

libpirn_sim_la_SOURCES = $(core_sources) \
	%D%/again.c \
	%D%/ages.c %D%/allocated.c %D%/allocated.h \
	%D%/again.h \
	%D%/certainty.c \
	%D%/control.h \
	%D%/debugger.c \
	%D%/dependence.c \
	%D%/dependence.h \
	%D%/dpor.h \
	%D%/dpor_branches.c \
	%D%/dpor_cases.c \
	%D%/dpor_order.c \
	%D%/dpor_position.c \
	%D%/dpor_prefixes.c \
	%D%/dpor_races.c \
	%D%/dpor_races.h \
	%D%/dpor_sequences.c \
	%D%/dump.c \
	%D%/engine.c \
	%D%/engine_sim.h \
	%D%/events.c \
	%D%/expect.c \
	%D%/explore.c \
	%D%/explore.h \
	%D%/faults.c \
	%D%/fds.c \
	%D%/finish.c \
	%D%/footprint.c \
	%D%/guide.c \
	%D%/guide.h \
	%D%/jobs.c \
	%D%/jobs.h \
	%D%/interpose.c \
	%D%/keeper.c \
	%D%/keeper.h \
	%D%/log.c \
	%D%/log.h \
	%D%/marks.c \
	%D%/notes.c \
	%D%/objects.c \
	%D%/orders.c \
	%D%/orders.h \
	lib/core/output.c \
	lib/core/output.h \
	%D%/outcome.c \
	%D%/outside.c \
	%D%/outside.h \
	%D%/pending.c \
	lib/core/program.c \
	lib/core/program.h \
	%D%/race/atomics.c \
	%D%/race/atomics.h \
	%D%/race/calls.c \
	%D%/race/calls.h \
	%D%/race/clock.c \
	%D%/race/found.c \
	%D%/race/heap.c \
	%D%/race/kept.h \
	%D%/race/libc.c \
	%D%/race/libc.h \
	%D%/race/live.c \
	%D%/race/memory.c \
	%D%/race/places.c \
	%D%/race/places.h \
	%D%/race/points.c \
	%D%/race/race.h \
	%D%/race/report.c \
	%D%/race/report.h \
	%D%/race/shadow.c \
	%D%/race/shadow.h \
	%D%/race/suppress.c \
	%D%/race/tsan.c \
	%D%/random.h \
	%D%/recorder.c \
	%D%/recorder.h \
	%D%/recorder_own.h \
	%D%/recorder_run.c \
	%D%/remembered.c \
	%D%/remembered.h \
	%D%/reorder.c \
	%D%/reorder.h \
	%D%/rows.c \
	%D%/rows.h \
	%D%/run.c \
	%D%/schedule.c \
	%D%/schedule.h \
	%D%/searches.c \
	%D%/searches.h \
	%D%/serve.c \
	%D%/serve.h \
	%D%/share.h \
	%D%/shrink.c \
	%D%/shrink.h \
	%D%/sim.h \
	%D%/snapshot.c \
	%D%/snapshot.h \
	%D%/step.h \
	%D%/strategies.h \
	%D%/strategy.c \
	%D%/strategy.h \
	%D%/strategy_dfs.c \
	%D%/strategy_dpor.c \
	%D%/strategy_fifo.c \
	%D%/strategy_guided.c \
	%D%/strategy_pct.c \
	%D%/strategy_portfolio.c \
	%D%/strategy_pos.c \
	%D%/strategy_random.c \
	%D%/strategy_replay.c \
	%D%/strategy_surw.c \
	%D%/subtrees.c \
	%D%/subtrees.h \
	%D%/systematic.c \
	%D%/systematic.h \
	%D%/task_names.c \
	%D%/task_names.h \
	%D%/timers.c \
	%D%/trace_file.c \
	%D%/trace_file.h \
	lib/core/trace_kind.c \
	lib/core/trace_kind.h

nodist_libpirn_sim_la_SOURCES = %D%/trace_schema.c
CLEANFILES += %D%/trace_schema.c

# The trace format as a string.
%D%/trace_schema.c: traces/schema.sql
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
	  echo 'extern const char trace_schema[];'; \
	  echo 'const char trace_schema[] ='; \
	  $(SED) -e 's/["\\]/\\&/g' -e 's/^/    "/' -e 's/$$/\\n"/' $<; \
	  echo '    ;'; } >$@.new && mv -f $@.new $@

libpirn_sim_la_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1 $(SQLITE_CFLAGS) $(BACKTRACE_CFLAGS)
libpirn_sim_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden -fno-tree-slp-vectorize
libpirn_sim_la_LDFLAGS = -no-undefined -version-info $(LIBRARY_VERSION) $(LIBRARY_LDFLAGS) \
	-Wl,--version-script=$(srcdir)/%D%/pirn-sim.map -Wl,--exclude-libs,ALL -Wl,-z,nodelete
libpirn_sim_la_LIBADD = $(SQLITE_LIBS) $(BACKTRACE_LIBS) $(PTHREAD_LIBS)
EXTRA_libpirn_sim_la_DEPENDENCIES = %D%/pirn-sim.map
EXTRA_DIST += %D%/pirn-sim.map

bin_PROGRAMS += %D%/cli/pirn
%C%_cli_pirn_SOURCES = \
	%D%/cli/annotate.c \
	%D%/cli/annotate.h \
	%D%/cli/cc.c \
	%D%/cli/command.h \
	%D%/cli/debug.c \
	%D%/cli/debug.h \
	%D%/cli/explore.c \
	%D%/cli/find.c \
	%D%/cli/junit.c \
	%D%/cli/junit.h \
	%D%/cli/launch.c \
	%D%/cli/launch.h \
	%D%/cli/main.c \
	%D%/cli/merge.c \
	%D%/cli/options.c \
	%D%/cli/options.h \
	%D%/cli/progress.c \
	%D%/cli/progress.h \
	%D%/cli/record.c \
	%D%/cli/recordings.c \
	%D%/cli/recordings.h \
	%D%/cli/replay.c \
	%D%/cli/report.c \
	%D%/cli/report.h \
	%D%/cli/resume.c \
	%D%/cli/resume.h \
	%D%/cli/run.c \
	%D%/cli/scratch.c \
	%D%/cli/scratch.h \
	%D%/cli/shrink.c \
	%D%/cli/shrink.h \
	%D%/cli/source.c \
	%D%/cli/source.h \
	lib/core/program.c \
	lib/core/program.h \
	%D%/schedule.c \
	%D%/schedule.h \
	%D%/trace_file.c \
	%D%/trace_file.h \
	lib/core/trace_kind.c \
	lib/core/trace_kind.h
nodist_%C%_cli_pirn_SOURCES = %D%/trace_schema.c %D%/cli/debug_commands.c
%C%_cli_pirn_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1 -DINCLUDE_FOLDER='"$(includedir)"' \
	$(SQLITE_CFLAGS)
%C%_cli_pirn_LDADD = libviz.la librecording.la libpirn-sim.la $(SQLITE_LIBS) $(PTHREAD_LIBS)

# What `pirn cc` finds beside the library's folder, as when both are installed.
noinst_DATA += include/pirn.h include/pirn-sim.h
MOSTLYCLEANFILES += include/pirn.h include/pirn-sim.h
include/pirn.h: lib/pirn.h
	$(AM_V_GEN)$(MKDIR_P) include && cp $< $@
include/pirn-sim.h: sim/pirn-sim.h
	$(AM_V_GEN)$(MKDIR_P) include && cp $< $@

CLEANFILES += %D%/cli/debug_commands.c

# The commands for gdb as a string.
%D%/cli/debug_commands.c: lib/pirn-gdb.py
	$(AM_V_GEN)$(MKDIR_P) %D%/cli && { \
	  echo 'extern const char debug_commands[];'; \
	  echo 'const char debug_commands[] ='; \
	  $(SED) -e 's/["\\]/\\&/g' -e 's/^/    "/' -e 's/$$/\\n"/' $<; \
	  echo '    ;'; } >$@.new && mv -f $@.new $@

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/cli/completion/pirn
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = %D%/cli/completion/_pirn

# The command to use from here. (What libtool makes of the one to be installed is a script, until
# then.)
noinst_DATA += pirn
MOSTLYCLEANFILES += pirn
pirn: $(%C%_cli_pirn_OBJECTS) $(%C%_cli_pirn_DEPENDENCIES)
	$(AM_V_CCLD)$(LINK) -no-install -Wl,-rpath,'$$ORIGIN/.libs' $(%C%_cli_pirn_OBJECTS) $(%C%_cli_pirn_LDADD)
