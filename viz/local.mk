# The reader of traces: analysis, explanation, pictures.
noinst_LTLIBRARIES += libviz.la

libviz_la_SOURCES = \
	%D%/backoff.c \
	%D%/backoff.h \
	%D%/band.c \
	%D%/certainty.c \
	%D%/certainty.h \
	%D%/coverage.c \
	%D%/check.c \
	%D%/check.h \
	%D%/cycles.c \
	%D%/cycles.h \
	%D%/diff.c \
	%D%/dot.c \
	%D%/draw.c \
	%D%/draw.h \
	%D%/explain.c \
	%D%/explain.h \
	%D%/export.c \
	%D%/export.h \
	%D%/graph.c \
	%D%/graph.h \
	%D%/json.c \
	%D%/json.h \
	%D%/label.c \
	%D%/label.h \
	%D%/list.c \
	%D%/load.c \
	%D%/locks.c \
	%D%/locks.h \
	%D%/order.c \
	%D%/order.h \
	%D%/page.c \
	%D%/page.h \
	%D%/page_hash.c \
	%D%/page_nearest.c \
	%D%/page_run.c \
	%D%/page_source.c \
	%D%/peers.c \
	%D%/peers.h \
	%D%/picture.h \
	%D%/predict.c \
	%D%/predict.h \
	%D%/reader.c \
	%D%/reader.h \
	%D%/render.c \
	%D%/render.h \
	%D%/report.c \
	%D%/report.h \
	%D%/sarif.c \
	%D%/spacetime.c \
	%D%/spacetime.h \
	%D%/stats.c \
	%D%/tell.c \
	%D%/text.c \
	%D%/tool.c \
	%D%/tool.h \
	%D%/trace.c \
	%D%/trace.h \
	%D%/usage.c \
	%D%/usage.h \
	%D%/utf8.c \
	%D%/utf8.h \
	%D%/view.c \
	%D%/viz.h \
	%D%/waits.c \
	%D%/waits.h \
	lib/core/output.c \
	lib/core/output.h
nodist_libviz_la_SOURCES = %D%/page_files.c
libviz_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
libviz_la_LIBADD = $(SQLITE_LIBS) -lm

# The page's template, style and script as strings.
page_files = \
	$(srcdir)/%D%/page/page.html \
	$(srcdir)/%D%/page/page.css \
	$(srcdir)/%D%/page/model.js \
	$(srcdir)/%D%/page/pane.js \
	$(srcdir)/%D%/page/page.js
%D%/page_files.c: $(page_files)
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
	  echo '#include "viz/page.h"'; \
	  for kind in html css js; do \
	    echo "const char page_$$kind[] ="; \
	    for file in $(page_files); do \
	      case $$file in *.$$kind) cat "$$file" ;; esac; \
	    done | $(SED) -e 's/["\\]/\\&/g' -e 's/^/    "/' -e 's/$$/\\n"/'; \
	    echo '    ;'; \
	  done; } >$@.new && mv -f $@.new $@
CLEANFILES += %D%/page_files.c

EXTRA_DIST += \
	%D%/page/model.js \
	%D%/page/page.css \
	%D%/page/page.html \
	%D%/page/page.js \
	%D%/page/pane.js \
	tests/golden/abba.dot \
	tests/golden/abba.txt \
	tests/golden/group.dot \
	tests/golden/group.txt \
	tests/golden/hostile.txt \
	tests/golden/leak.dot \
	tests/golden/leak.txt \
	tests/golden/orders-causal.dot \
	tests/golden/orders-causal.txt \
	tests/golden/orders-channels.dot \
	tests/golden/orders-log.txt \
	tests/golden/orders-wait-for.dot \
	tests/golden/orders.dot \
	tests/golden/orders.explain.github \
	tests/golden/orders.explain.json \
	tests/golden/orders.explain.junit \
	tests/golden/orders.explain.markdown \
	tests/golden/orders.explain.sarif \
	tests/golden/orders.json \
	tests/golden/orders.mmd \
	tests/golden/orders.shiviz \
	tests/golden/orders.trace \
	tests/golden/orders.txt \
	tests/golden/panic.dot \
	tests/golden/panic.mmd \
	tests/golden/panic.txt \
	tests/golden/race.dot \
	tests/golden/race.txt \
	tests/traces/abba.sql \
	tests/traces/group.sql \
	tests/traces/hostile.sql \
	tests/traces/leak.sql \
	tests/traces/orders.sql \
	tests/traces/panic.sql \
	tests/traces/race.sql
