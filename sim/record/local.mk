# What makes traces of the recordings that libpirn-trace writes.
noinst_LTLIBRARIES += librecording.la

librecording_la_SOURCES = \
	%D%/convert.c \
	%D%/convert.h \
	%D%/damage.c \
	%D%/damage.h \
	%D%/drain.c \
	%D%/drain.h \
	%D%/modules.c \
	%D%/modules.h \
	%D%/read.c \
	%D%/read.h \
	%D%/rows.c \
	%D%/rows.h \
	%D%/table.c \
	%D%/table.h \
	lib/core/crc32c.c \
	lib/core/crc32c.h \
	lib/core/names.c \
	lib/core/recording.h \
	lib/core/seal.c \
	lib/core/seal.h \
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
