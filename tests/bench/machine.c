/* machine.c - see compare.h. */
#include "tests/bench/compare.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

struct usage machine_usage(void) {
    unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    FILE *f = fopen("/proc/stat", "r");

    if (!f || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
                     &iowait, &irq, &softirq, &steal) != 8)
        die(1, "/proc/stat cannot be read");
    fclose(f);
    /* What interrupts take belongs to nobody; what the host of a virtual machine takes, to others.
     */
    return (struct usage){
        (double)(user + nice + system + idle + iowait + irq + softirq + steal) * tick,
        (double)(user + nice + system + steal) * tick,
    };
}

/* Copies the model of the first processor to `name`, or "" where the kernel does not tell it. */
static void processor(char name[LONGEST]) {
    char line[1024];
    FILE *f = fopen("/proc/cpuinfo", "r");

    *name = '\0';
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "model name : %127[^\n]", name) == 1) break;
    if (f) fclose(f);
}

void machine_describe(FILE *out) {
    struct utsname system;
    char model[LONGEST];

    processor(model);
    uname(&system);
    fprintf(out, "- %ld processors%s%s, %s %s, %s\n", sysconf(_SC_NPROCESSORS_ONLN),
            *model ? ": " : "", model, system.sysname, system.release, system.machine);
}

/* ---- Programs ------------------------------------------------------------------------------ */

char *machine_read(int fd) {
    size_t size = 0, room = 4096;
    char *text = malloc(room);

    while (text) {
        ssize_t n = read(fd, text + size, room - size - 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        size += (size_t)n;
        if (size == room - 1) text = realloc(text, room *= 2);
    }
    if (!text) die(1, "%s", strerror(ENOMEM));
    text[size] = '\0';
    return text;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

char *machine_run(const char *const argv[], double *cpu) {
    extern char **environ;
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    int ends[2], status, error;
    pid_t pid;

    if (pipe(ends) != 0) die(1, "pipe: %s", strerror(errno));
    error = posix_spawn_file_actions_init(&actions);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (!error) error = posix_spawn_file_actions_addclose(&actions, ends[0]);
    if (!error) error = posix_spawn_file_actions_addclose(&actions, ends[1]);
    if (!error) error = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    if (error) die(1, "%s: %s", argv[0], strerror(error));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);

    char *text = machine_read(ends[0]);
    close(ends[0]);
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR) die(1, "wait4: %s", strerror(errno));
    if (WIFSIGNALED(status)) die(1, "%s %s: %s", argv[0], argv[1], strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        die(1, "%s %s: exit status %d", argv[0], argv[1], WEXITSTATUS(status));
    *cpu += seconds(usage.ru_utime) + seconds(usage.ru_stime);
    return text;
}
