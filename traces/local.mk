# The trace's format, and the gallery.

EXTRA_DIST += \
	%D%/README.md \
	%D%/schema.sql
