# The documentation, and its examples: each program NAME.c is built with libpirn as NAME and with
# libpirn-sim as NAME-sim.

examples = hello transactions transactions-fixed worker-pool philosophers late-start pipeline sieve cancel \
	echo http-echo wordcount service

examples_on_threads = $(examples:%=%D%/examples/%)
examples_on_sim = $(examples:%=%D%/examples/%-sim)
EXAMPLE_COMPILE = $(AM_V_CC)$(MKDIR_P) %D%/examples && $(COMPILE) -fno-optimize-sibling-calls -MMD -MP -c -o $@

%D%/examples/%.o: %D%/examples/%.c
	$(EXAMPLE_COMPILE) $<
# No wrapper scripts of libtool's: the command is shown programs as users have them. libtool's own
# path to the library is lost where it has spaces.
EXAMPLE_LINK = $(AM_V_CCLD)$(LINK) -no-install -Wl,-rpath,'$$ORIGIN/../../.libs'
$(examples_on_threads): %: %.o libpirn.la
	$(EXAMPLE_LINK) $^ $(PTHREAD_LIBS)
$(examples_on_sim): %-sim: %.o libpirn-sim.la
	$(EXAMPLE_LINK) $^ $(SQLITE_LIBS) $(PTHREAD_LIBS)

example_objects = $(examples:%=%D%/examples/%.o)
.SECONDARY: $(example_objects)
-include $(example_objects:.o=.d)

noinst_DATA += $(examples_on_threads) $(examples_on_sim)

MOSTLYCLEANFILES += $(examples_on_threads) $(examples_on_sim) $(example_objects) $(example_objects:.o=.d)
# What the demonstration makes.
CLEANFILES += transactions.db transactions.svg transactions.txt

EXTRA_DIST += %D%/architecture.md %D%/benchmarks.md %D%/coming-from-go.md %D%/coming-from-pthreads.md \
	%D%/debugging.md %D%/exploring.md %D%/limits.md %D%/page.md %D%/performance.md %D%/races.md \
	%D%/reading-pictures.md %D%/recording.md %D%/releasing.md %D%/reliability.md %D%/testing.md %D%/tutorial.md \
	%D%/reading-causal.svg %D%/reading-channels.svg %D%/reading-diff.svg %D%/reading-locks.svg \
	%D%/transactions.svg %D%/pictures.sh \
	%D%/examples/published.c %D%/examples/demo.sh %D%/examples/strategies.sh $(examples:%=%D%/examples/%.c)

# Draws the pictures of the documentation anew, in the source folder; tests/told.sh sees whether that is due.
.PHONY: pictures
pictures: pirn $(examples_on_threads)
	@$(SHELL) $(srcdir)/%D%/pictures.sh . $(srcdir)/%D%

# A project to copy, with build files for each build system.
sample_project = CMakeLists.txt Makefile.am Makefile.plain configure.ac lambda.cpp main.c meson.build squares.c \
	squares.h test.c
EXTRA_DIST += $(sample_project:%=%D%/samples/project/%)

sample_tests = check.c cmocka.c cunit.c explored.h gtest.cpp plain.c stock.c stock.h workflow.yml
EXTRA_DIST += $(sample_tests:%=%D%/samples/testing/%)

# ---- The manual: a page for each subcommand pirn-NAME, and for each family of functions ----

function_pages = \
	%D%/man/pirn_block.3 \
	%D%/man/pirn_chan.3 \
	%D%/man/pirn_cond.3 \
	%D%/man/pirn_ctx.3 \
	%D%/man/pirn_dump.3 \
	%D%/man/pirn_fd.3 \
	%D%/man/pirn_go.3 \
	%D%/man/pirn_group.3 \
	%D%/man/pirn_label.3 \
	%D%/man/pirn_mutex.3 \
	%D%/man/pirn_note_read.3 \
	%D%/man/pirn_once.3 \
	%D%/man/pirn_random.3 \
	%D%/man/pirn_run.3 \
	%D%/man/pirn_rwmutex.3 \
	%D%/man/pirn_select.3 \
	%D%/man/pirn_sem.3 \
	%D%/man/pirn_sim_explore.3 \
	%D%/man/pirn_time.3 \
	%D%/man/pirn_timer.3 \
	%D%/man/pirn_waitgroup.3
dist_man_MANS = $(function_pages) \
	%D%/man/pirn-cc.1 \
	%D%/man/pirn-coverage.1 \
	%D%/man/pirn-diff.1 \
	%D%/man/pirn-explain.1 \
	%D%/man/pirn-explore.1 \
	%D%/man/pirn-list.1 \
	%D%/man/pirn-merge.1 \
	%D%/man/pirn-record.1 \
	%D%/man/pirn-replay.1 \
	%D%/man/pirn-run.1 \
	%D%/man/pirn-shrink.1 \
	%D%/man/pirn-stats.1 \
	%D%/man/pirn-trace.5 \
	%D%/man/pirn-view.1 \
	%D%/man/pirn.1 \
	%D%/man/pirn.7
EXTRA_DIST += %D%/man/links.sh

# Each function is a page that leads to that of its family.
MAN_LINKS = (cd '$(srcdir)' && $(SHELL) %D%/man/links.sh $(function_pages))
install-data-hook:
	@$(MAN_LINKS) | while read -r name family; do \
	  echo ".so man3/$$family.3" >'$(DESTDIR)$(man3dir)'/$$name.3 || exit; \
	  chmod 644 '$(DESTDIR)$(man3dir)'/$$name.3 || exit; \
	done
uninstall-hook:
	@$(MAN_LINKS) | while read -r name family; do rm -f '$(DESTDIR)$(man3dir)'/$$name.3; done
	@for folder in '$(pkgdatadir)' '$(libdir)/cmake/Pirn'; do \
	  test ! -d '$(DESTDIR)'"$$folder" || rmdir '$(DESTDIR)'"$$folder" 2>/dev/null || :; \
	done

check-docs:
	@$(MAKE) $(AM_MAKEFLAGS) check TESTS='tests/docs.sh tests/man.sh tests/readme.sh'

.PHONY: check-docs

# ---- Packages for Debian ----

debian_files = changelog.in control.in copyright libpirn-dev.examples libpirn-dev.install libpirn0.install \
	libpirn0.lintian-overrides not-installed pirn.docs pirn.install rules source/format
EXTRA_DIST += $(debian_files:%=%D%/debian/%)

DEB_MAINTAINER = The Pirn developers <pirn@users.noreply.github.com>

# libpirn0, libpirn-dev and pirn, in the folder deb, from the release archive, which is not tested
# here again. lintian, where it is installed, must find no error.
deb: dist
	@command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null || { \
	  echo 'make deb needs dpkg-dev and debhelper' >&2; exit 1; }
	rm -rf deb && $(MKDIR_P) deb && tar -xf $(distdir).tar.xz -C deb
	cp -R deb/$(distdir)/docs/debian deb/$(distdir)/debian && chmod +x deb/$(distdir)/debian/rules
	cd deb/$(distdir)/debian && date=`date -R $${SOURCE_DATE_EPOCH:+-d @$$SOURCE_DATE_EPOCH}` && \
	for file in changelog control; do \
	  $(SED) -e 's/{VERSION}/$(PACKAGE_VERSION)/' -e 's/{MAINTAINER}/$(DEB_MAINTAINER)/' -e "s/{DATE}/$$date/" \
	    $$file.in >$$file && rm $$file.in || exit 1; \
	done
	cd deb/$(distdir) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	  DEB_BUILD_OPTIONS="$${DEB_BUILD_OPTIONS-nocheck parallel=`nproc`}" dpkg-buildpackage -us -uc -b
	@rm -rf deb/$(distdir)
	@if command -v lintian >/dev/null; then lintian --fail-on error --allow-root deb/*.changes; else \
	  echo 'lintian is not installed, so the packages have not been checked' >&2; fi
	@ls deb/*.deb
deb-clean:
	rm -rf deb

.PHONY: deb deb-clean
