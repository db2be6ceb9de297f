/* once-reentrant.c - the configuration is logged while it is loaded, and the log asks for it. */
#include <pirn.h>

#include <stdio.h>

static pirn_once loaded;
static bool verbose = true;

static void load(void *arg);

static bool is_verbose(void) {
    pirn_once_do(&loaded, load, NULL);
    return verbose;
}

static void log_line(const char *line) {
    if (is_verbose()) puts(line);
}

static void load(void *arg) {
    (void)arg;
    verbose = false;
    log_line("configuration loaded");
}

static void start(void *arg) {
    (void)arg;
    pirn_label(&loaded, "loaded");
    log_line("started");
}

int main(void) { return pirn_run(NULL, start, NULL) != 0; }
