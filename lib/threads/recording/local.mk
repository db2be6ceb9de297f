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
	lib/core/crc32c.c \
	lib/core/crc32c.h \
	lib/core/recording.h \
	%D%/hooks.c \
	%D%/load.c \
	%D%/run.c \
	%D%/run.h \
	lib/core/output.c \
	lib/core/output.h \
	lib/core/program.c \
	lib/core/program.h \
	lib/core/seal.c \
	lib/core/seal.h \
	lib/core/trace_kind.c \
	lib/core/trace_kind.h

libpirn_trace_la_CPPFLAGS = $(AM_CPPFLAGS) -DPIRN_RECORDED=1 $(BACKTRACE_CFLAGS)
libpirn_trace_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libpirn_trace_la_LIBTOOLFLAGS = --tag=disable-static
libpirn_trace_la_LDFLAGS = -module -shared -avoid-version -no-undefined $(LIBRARY_LDFLAGS) \
	-Wl,--version-script=$(srcdir)/lib/pirn.map
libpirn_trace_la_LIBADD = $(BACKTRACE_LIBS) $(PTHREAD_LIBS)
EXTRA_libpirn_trace_la_DEPENDENCIES = lib/pirn.map
