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

EXTRA_DIST += %D%/architecture.md %D%/benchmarks.md %D%/exploring.md %D%/page.md %D%/races.md \
	%D%/reading-pictures.md %D%/recording.md %D%/reliability.md \
	%D%/reading-causal.svg %D%/reading-channels.svg %D%/reading-diff.svg %D%/reading-locks.svg \
	%D%/transactions.svg \
	%D%/examples/published.c %D%/examples/demo.sh %D%/examples/strategies.sh $(examples:%=%D%/examples/%.c)

dist_man_MANS = %D%/man/pirn.1
