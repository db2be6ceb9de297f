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

EXTRA_DIST += %D%/architecture.md %D%/benchmarks.md %D%/debugging.md %D%/exploring.md %D%/page.md %D%/races.md \
	%D%/reading-pictures.md %D%/recording.md %D%/reliability.md %D%/testing.md \
	%D%/reading-causal.svg %D%/reading-channels.svg %D%/reading-diff.svg %D%/reading-locks.svg \
	%D%/transactions.svg \
	%D%/examples/published.c %D%/examples/demo.sh %D%/examples/strategies.sh $(examples:%=%D%/examples/%.c)

# A project to copy, with build files for each build system.
sample_project = CMakeLists.txt Makefile.am Makefile.plain configure.ac lambda.cpp main.c meson.build squares.c \
	squares.h test.c
EXTRA_DIST += $(sample_project:%=%D%/samples/project/%)

sample_tests = check.c cmocka.c cunit.c explored.h gtest.cpp plain.c stock.c stock.h workflow.yml
EXTRA_DIST += $(sample_tests:%=%D%/samples/testing/%)

dist_man_MANS = %D%/man/pirn.1

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
