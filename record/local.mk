# libpirn-trace, which is loaded in place of libpirn where a program is to be recorded: the threaded
# runtime compiled to tell of what it does, and who writes that down. No program links with it.

lib_LTLIBRARIES += libpirn-trace.la

libpirn_trace_la_SOURCES = $(core_sources) $(threads_sources) \
	%D%/buffer.c \
	%D%/buffer.h \
	%D%/drain.c \
	%D%/drain.h \
	%D%/end.c \
	%D%/hooks.c \
	%D%/load.c \
	%D%/rows.c \
	%D%/rows.h \
	%D%/run.c \
	%D%/run.h \
	%D%/table.c \
	%D%/table.h \
	sim/log.c \
	sim/log.h \
	sim/outcome.c \
	sim/program.c \
	sim/program.h \
	sim/race/report.c \
	sim/race/report.h \
	sim/race/suppress.c \
	sim/recorder.c \
	sim/recorder.h \
	sim/rows.c \
	sim/rows.h \
	sim/task_names.c \
	sim/task_names.h \
	sim/trace_file.c \
	sim/trace_file.h \
	sim/trace_kind.c \
	sim/trace_kind.h
nodist_libpirn_trace_la_SOURCES = sim/trace_schema.c

libpirn_trace_la_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_RECORDED=1 $(SQLITE_CFLAGS) $(BACKTRACE_CFLAGS)
libpirn_trace_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libpirn_trace_la_LIBTOOLFLAGS = --tag=disable-static
libpirn_trace_la_LDFLAGS = -module -shared -avoid-version -no-undefined $(LIBRARY_LDFLAGS) \
	-Wl,--version-script=$(srcdir)/lib/pirn.map
libpirn_trace_la_LIBADD = $(SQLITE_LIBS) $(BACKTRACE_LIBS) $(PTHREAD_LIBS)
EXTRA_libpirn_trace_la_DEPENDENCIES = lib/pirn.map
