# The reader of traces: analysis, explanation, pictures.
noinst_LTLIBRARIES += libviz.la

libviz_la_SOURCES = \
	%D%/band.c \
	%D%/certainty.c \
	%D%/certainty.h \
	%D%/coverage.c \
	%D%/cycles.c \
	%D%/cycles.h \
	%D%/dot.c \
	%D%/draw.c \
	%D%/draw.h \
	%D%/explain.c \
	%D%/explain.h \
	%D%/label.c \
	%D%/label.h \
	%D%/list.c \
	%D%/load.c \
	%D%/peers.c \
	%D%/peers.h \
	%D%/picture.h \
	%D%/reader.c \
	%D%/reader.h \
	%D%/render.c \
	%D%/render.h \
	%D%/spacetime.c \
	%D%/spacetime.h \
	%D%/text.c \
	%D%/tool.c \
	%D%/tool.h \
	%D%/trace.c \
	%D%/trace.h \
	%D%/utf8.c \
	%D%/utf8.h \
	%D%/view.c \
	%D%/viz.h \
	%D%/waits.c \
	%D%/waits.h
libviz_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
libviz_la_LIBADD = $(SQLITE_LIBS) -lm

EXTRA_DIST += \
	tests/golden/abba.dot \
	tests/golden/abba.txt \
	tests/golden/group.dot \
	tests/golden/group.txt \
	tests/golden/hostile.txt \
	tests/golden/leak.dot \
	tests/golden/leak.txt \
	tests/golden/orders.dot \
	tests/golden/orders.txt \
	tests/golden/panic.dot \
	tests/golden/panic.txt \
	tests/traces/abba.sql \
	tests/traces/group.sql \
	tests/traces/hostile.sql \
	tests/traces/leak.sql \
	tests/traces/orders.sql \
	tests/traces/panic.sql
