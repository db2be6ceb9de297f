# libpirn, the threaded runtime. lib/core is compiled a second time into libpirn-sim (sim/local.mk),
# and all of it once more into the library that records (threads/recording/local.mk).

core_sources = \
	%D%/core/block.c \
	%D%/core/chan.c \
	%D%/core/chan.h \
	%D%/core/cond.c \
	%D%/core/config.c \
	%D%/core/config.h \
	%D%/core/context.c \
	%D%/core/context.h \
	%D%/core/ctx.c \
	%D%/core/ctx.h \
	%D%/core/debugger.h \
	%D%/core/dump.c \
	%D%/core/dump.h \
	%D%/core/engine.h \
	%D%/core/fd.c \
	%D%/core/fd.h \
	%D%/core/group.c \
	%D%/core/group.h \
	%D%/core/label.c \
	%D%/core/label.h \
	%D%/core/mutex.c \
	%D%/core/names.c \
	%D%/core/mutex.h \
	%D%/core/nonblock.c \
	%D%/core/nonblock.h \
	%D%/core/note.c \
	%D%/core/once.c \
	%D%/core/report.c \
	%D%/core/report.h \
	%D%/core/rwmutex.c \
	%D%/core/sanitize.h \
	%D%/core/select.c \
	%D%/core/sem.c \
	%D%/core/sem.h \
	%D%/core/sleep.h \
	%D%/core/stack.c \
	%D%/core/stack.h \
	%D%/core/stats.c \
	%D%/core/symbol.c \
	%D%/core/symbol.h \
	%D%/core/task.c \
	%D%/core/task.h \
	%D%/core/text.c \
	%D%/core/time.c \
	%D%/core/timer.c \
	%D%/core/timer.h \
	%D%/core/wait.c \
	%D%/core/wait.h \
	%D%/core/waitgroup.c \
	%D%/core/waitgroup.h

include_HEADERS += %D%/pirn.h
pkgconfig_DATA += %D%/pirn.pc
lib_LTLIBRARIES += libpirn.la

# For CMake's find_package(Pirn), and PIRN_CHECK in configure.ac.
cmakedir = $(libdir)/cmake/Pirn
cmake_DATA = %D%/PirnConfig.cmake %D%/PirnConfigVersion.cmake
aclocaldir = $(datadir)/aclocal
dist_aclocal_DATA = %D%/pirn.m4

threads_sources = \
	%D%/threads/alone.c \
	%D%/threads/block.c \
	%D%/threads/dump.c \
	%D%/threads/engine_threads.h \
	%D%/threads/faults.c \
	%D%/threads/foreign.c \
	%D%/threads/futex.c \
	%D%/threads/lock.c \
	%D%/threads/lock.h \
	%D%/threads/machine.h \
	%D%/threads/monitor.c \
	%D%/threads/poller.c \
	%D%/threads/queue.h \
	%D%/threads/random.c \
	%D%/threads/recorded.h \
	%D%/threads/runtime.c \
	%D%/threads/runtime.h \
	%D%/threads/search.c \
	%D%/threads/stats.c \
	%D%/threads/tasks.c \
	%D%/threads/timers.c \
	%D%/threads/tuning.h \
	%D%/threads/worker.c

libpirn_la_SOURCES = $(core_sources) $(threads_sources) %D%/threads/record.c

libpirn_la_CPPFLAGS = $(AM_CPPFLAGS) $(BACKTRACE_CFLAGS)
libpirn_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libpirn_la_LDFLAGS = -no-undefined -version-info $(LIBRARY_VERSION) $(LIBRARY_LDFLAGS) \
	-Wl,--version-script=$(srcdir)/%D%/pirn.map
libpirn_la_LIBADD = $(BACKTRACE_LIBS) $(PTHREAD_LIBS)
EXTRA_libpirn_la_DEPENDENCIES = %D%/pirn.map
EXTRA_DIST += %D%/pirn.map

# gdb loads FILE-gdb.py below its auto-load folder along with the library FILE; the commands are in
# one place for both libraries.
dist_pkgdata_DATA = %D%/pirn-gdb.py
gdb_loaders = $(datadir)/gdb/auto-load$(libdir)
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(gdb_loaders)'
	@for name in libpirn libpirn-sim; do \
	  file='$(DESTDIR)$(gdb_loaders)'/$$name.so.$(LIBRARY_SUFFIX)-gdb.py; \
	  echo "  GEN      $$file"; \
	  { echo "# Loaded by gdb along with $$name."; echo 'import gdb'; \
	    echo 'gdb.execute("source $(pkgdatadir)/pirn-gdb.py")'; } >"$$file" || exit 1; \
	done
# Programs find a library in a folder that is no default one once ldconfig has seen it.
install-exec-hook:
	@if test -z '$(DESTDIR)' && test "`id -u`" = 0; then \
	  PATH="$$PATH:/usr/sbin:/sbin"; if command -v ldconfig >/dev/null; then ldconfig || :; fi; \
	fi
uninstall-local:
	rm -f '$(DESTDIR)$(gdb_loaders)'/libpirn.so.$(LIBRARY_SUFFIX)-gdb.py \
	  '$(DESTDIR)$(gdb_loaders)'/libpirn-sim.so.$(LIBRARY_SUFFIX)-gdb.py

# configure makes it where gcc is not the compiler.
distclean-local:
	rm -rf %D%/found
