# The trace's format, and the gallery: for each bug traces/NAME/NAME.c and the repaired
# NAME-fixed.c, built with the simulator's library for `make check` alone. To add one, add its name
# here and its folder with the two programs and README.md, and say `make gallery-record`.

gallery = ab-ba aba add-inside barrier-reuse check-then-act deadline-against-completion \
	dining-philosophers double-checked double-close double-unlock error-channel fan-in \
	forgotten-cancel forgotten-close forgotten-unlock group-limit if-not-while lock-and-channel \
	lost-update lost-wakeup missed-broadcast negative-waitgroup once-reentrant \
	pipeline-early-exit polite-livelock reader-writer-reader recursive-read select-priority \
	semaphore-twice send-on-closed sleep-is-no-wait starved-done three-locks ticker-stopped \
	timeout-leak timer-against-stop try-lock-skips undrained-results use-before-init \
	wait-for-itself

gallery_programs = $(foreach name,$(gallery),%D%/$(name)/$(name) %D%/$(name)/$(name)-fixed)
gallery_objects = $(gallery_programs:=.o)

$(gallery_objects): %.o: %.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(COMPILE) -fno-optimize-sibling-calls -MMD -MP -c -o $@ $<
# As the examples, no wrapper scripts of libtool's.
$(gallery_programs): %: %.o libpirn-sim.la
	$(AM_V_CCLD)$(LINK) -no-install -Wl,-rpath,'$$ORIGIN/../../.libs' $^ $(SQLITE_LIBS) $(PTHREAD_LIBS)

.SECONDARY: $(gallery_objects)
-include $(gallery_objects:.o=.d)

# One target for all, so that make does not tell of each that it is there.
check_DATA = %D%/gallery.stamp
%D%/gallery.stamp: $(gallery_programs)
	$(AM_V_at)touch $@

# The pictures of all shrunk runs, in the build folder.
gallery: $(gallery_programs) pirn
	@$(SHELL) $(srcdir)/%D%/gallery.sh pictures $(srcdir)/%D% .

# Explores the programs anew and writes what is to be expected of them, their shrunk schedules and
# the index into the source folder. Look at what has changed.
gallery-record: $(gallery_programs) pirn
	@$(SHELL) $(srcdir)/%D%/gallery.sh record $(srcdir)/%D% .

.PHONY: gallery gallery-record

MOSTLYCLEANFILES += $(gallery_programs) $(gallery_objects) $(gallery_objects:.o=.d) \
	%D%/gallery.stamp
CLEANFILES += $(gallery:%=gallery/%.svg)

EXTRA_DIST += \
	%D%/README.md \
	%D%/schema.sql \
	%D%/GALLERY.md \
	%D%/gallery.sh \
	$(foreach name,ab-ba lost-wakeup timeout-leak,%D%/$(name)/$(name).svg) \
	$(gallery_programs:=.c) \
	$(foreach name,$(gallery),$(addprefix %D%/$(name)/,README.md expect schedule))
