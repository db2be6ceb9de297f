# The benchmarks of the threaded runtime and of the simulator; docs/benchmarks.md tells how to use
# them.

check_PROGRAMS += %D%/bench %D%/compare %D%/explorer

# Plain CFLAGS, -O2 unless configure was told otherwise, as a user's program has them.
%C%_bench_SOURCES = \
	%D%/bench.c \
	%D%/bench.h \
	%D%/channels.c \
	%D%/locks.c \
	%D%/net.c \
	%D%/selects.c \
	%D%/sleep.c \
	%D%/tasks.c \
	%D%/timers.c
%C%_bench_LDADD = libpirn.la $(PTHREAD_LIBS)
# The program itself, not a wrapper script, with the shared library.
%C%_bench_LDFLAGS = -no-install -Wl,-rpath,'$$ORIGIN/../../.libs'

%C%_compare_SOURCES = %D%/compare.c %D%/compare.h %D%/machine.c %D%/table.c

%C%_explorer_SOURCES = %D%/explorer.c
%C%_explorer_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1 $(SQLITE_CFLAGS)
%C%_explorer_LDADD = libpirn-sim.la $(SQLITE_LIBS) $(PTHREAD_LIBS)
%C%_explorer_LDFLAGS = -no-install -Wl,-rpath,'$$ORIGIN/../../.libs'

peers = \
	%D%/peers/build-others \
	%D%/peers/coroutines.py \
	%D%/peers/fibers.cpp \
	%D%/peers/threads.c \
	%D%/peers/build-relacy \
	%D%/peers/relacy.cpp \
	%D%/peers/build \
	%D%/peers/go.mod \
	%D%/peers/channels.go \
	%D%/peers/locks.go \
	%D%/peers/main.go \
	%D%/peers/net.go \
	%D%/peers/selects.go \
	%D%/peers/tasks.go \
	%D%/peers/timers.go
EXTRA_DIST += $(peers)

if HAVE_CUNIT
TESTS += %D%/bench.sh
endif
EXTRA_DIST += %D%/bench.sh %D%/counter.c %D%/isolation.sh %D%/jobs.sh %D%/memory.c %D%/races.sh %D%/record.sh %D%/scale.sh

# Numbers of processes for bench-jobs; none: 2.
JOBS =

# Names of rows, or ROW=COUNT; none: all. Go commands; the better one of several is the peer.
BENCH =
GO = go

# The same of the simulator. Options with which the C++ compiler finds Relacy where it is not
# installed, as -I FOLDER.
BENCH_SIM =
RELACY =

# The rows for bench-peers, with counts that threads of the system can bear, too.
BENCH_PEERS =
PYTHON = python3

BENCH_COMPARE = peers=`$(SHELL) $(srcdir)/%D%/peers/build %D%/go $(GO)` && \
	%D%/compare --built '$(CC) $(CFLAGS)' `for peer in $$peers; do echo "--peer $$peer"; done`

BENCH_SIM_COMPARE = peer=`$(SHELL) $(srcdir)/%D%/peers/build-relacy %D%/relacy $(CXX) -O2 $(RELACY)` && \
	PIRN_BENCH_WORKERS=1 %D%/compare --built '$(CC) $(CFLAGS)' --called Relacy $${peer:+--peer "$$peer"}

BENCH_PEERS_COMPARE = peers=`$(SHELL) $(srcdir)/%D%/peers/build %D%/go $(GO)` && \
	others=`$(SHELL) $(srcdir)/%D%/peers/build-others %D%/others '$(CC)' '$(CXX)' $(PYTHON)` && \
	%D%/compare --each --built '$(CC) $(CFLAGS)' --called peer \
	  `for peer in $$others $$peers; do echo "--peer $$peer"; done`
peers_rows = spawn skynet=10000 pingpong unbuffered buffered select_2 mutex_8 parked=1000 sleepers=1000

if SANITIZE
bench bench-doc bench-jobs bench-peers bench-peers-doc bench-races bench-record bench-scale bench-sim bench-sim-doc:
	@echo 'configure without --enable-sanitizers first' >&2; exit 1
else
bench: %D%/bench %D%/compare
	@test '$(BENCH)' = isolation || { $(BENCH_COMPARE) %D%/bench $(filter-out isolation,$(BENCH)); }
	@case ' $(BENCH) ' in \
	  *' isolation '*|'  ') $(SHELL) $(srcdir)/%D%/isolation.sh . ;; \
	esac
	@test -n '$(BENCH)' || { echo && $(MAKE) $(AM_MAKEFLAGS) bench-sim && echo && $(MAKE) $(AM_MAKEFLAGS) bench-jobs && echo && $(MAKE) $(AM_MAKEFLAGS) bench-races; }
bench-jobs: pirn docs/examples/transactions-fixed
	@$(SHELL) $(srcdir)/%D%/jobs.sh . $(JOBS)
bench-record: docs/examples/service docs/examples/transactions-fixed tests/recorded libpirn-trace.la
	@$(SHELL) $(srcdir)/%D%/record.sh .
bench-scale: tests/recorded pirn libpirn-trace.la
	@$(SHELL) $(srcdir)/%D%/scale.sh .
bench-sim: %D%/explorer %D%/compare
	@$(BENCH_SIM_COMPARE) %D%/explorer $(BENCH_SIM)
bench-sim-doc: %D%/explorer %D%/compare
	@$(BENCH_SIM_COMPARE) --name bench-sim-doc --update $(srcdir)/docs/benchmarks.md %D%/explorer
bench-peers: %D%/bench %D%/compare
	@$(BENCH_PEERS_COMPARE) %D%/bench $(if $(BENCH_PEERS),$(BENCH_PEERS),$(peers_rows))
bench-peers-doc: %D%/bench %D%/compare
	@$(BENCH_PEERS_COMPARE) --name bench-peers-doc --update $(srcdir)/docs/benchmarks.md \
	  %D%/bench $(peers_rows)
bench-races: pirn
	@$(SHELL) $(srcdir)/%D%/races.sh '$(abs_top_srcdir)' '$(abs_top_builddir)' '$(firstword $(CC))'
bench-doc: %D%/bench %D%/compare
	@$(BENCH_COMPARE) --update $(srcdir)/docs/benchmarks.md %D%/bench
endif

bench-clean:
	rm -rf %D%/go %D%/others %D%/relacy
clean-local: bench-clean

.PHONY: bench bench-clean bench-doc bench-jobs bench-peers bench-peers-doc bench-races bench-record bench-scale bench-sim bench-sim-doc
