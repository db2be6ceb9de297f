# libpirn-trace, which is loaded in place of libpirn where a program is to be recorded: the threaded
# runtime compiled to tell of what it does. No program links with it.

lib_LTLIBRARIES += libpirn-trace.la

libpirn_trace_la_SOURCES = $(core_sources) $(threads_sources) \
	%D%/alive.c \
	%D%/alive.h \
	%D%/buffer.c \
	%D%/buffer.h \
	%D%/end.c \
	%D%/file.c \
	%D%/file.h \
	%D%/format.h \
	%D%/hooks.c \
	%D%/load.c \
	%D%/run.c \
	%D%/run.h \
	lib/core/output.c \
	lib/core/output.h \
	sim/program.c \
	sim/program.h \
	sim/trace_kind.c \
	sim/trace_kind.h

libpirn_trace_la_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_RECORDED=1 $(BACKTRACE_CFLAGS)
libpirn_trace_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libpirn_trace_la_LIBTOOLFLAGS = --tag=disable-static
libpirn_trace_la_LDFLAGS = -module -shared -avoid-version -no-undefined $(LIBRARY_LDFLAGS) \
	-Wl,--version-script=$(srcdir)/lib/pirn.map
libpirn_trace_la_LIBADD = $(BACKTRACE_LIBS) $(PTHREAD_LIBS)
EXTRA_libpirn_trace_la_DEPENDENCIES = lib/pirn.map

# The command makes traces of what that has written.
noinst_LTLIBRARIES += librecording.la

librecording_la_SOURCES = \
	%D%/convert.c \
	%D%/convert.h \
	%D%/damage.c \
	%D%/damage.h \
	%D%/drain.c \
	%D%/drain.h \
	%D%/format.h \
	%D%/modules.c \
	%D%/modules.h \
	%D%/read.c \
	%D%/read.h \
	%D%/rows.c \
	%D%/rows.h \
	%D%/table.c \
	%D%/table.h \
	lib/core/names.c \
	lib/core/symbol.c \
	lib/core/text.c \
	sim/log.h \
	sim/race/report.c \
	sim/race/report.h \
	sim/race/suppress.c \
	sim/recorder.c \
	sim/recorder.h \
	sim/recorder_own.h \
	sim/recorder_run.c \
	sim/rows.c \
	sim/rows.h \
	sim/task_names.c \
	sim/task_names.h
librecording_la_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_SIMULATED=1 $(SQLITE_CFLAGS) $(BACKTRACE_CFLAGS)
librecording_la_LIBADD = $(SQLITE_LIBS) $(BACKTRACE_LIBS)
