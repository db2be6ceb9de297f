/*
 * echo.c - a server that sends back what it gets, and three clients that check it.
 *
 * Each connection has a task of its own, which reads and writes as if it were alone. The listening
 * socket is closed under the task that accepts: that ends the server.
 */
#include <pirn.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CLIENTS = 3 };

static int listener;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t length = sizeof address.sun_family; /* the kernel makes up the name */
static pirn_waitgroup server, clients;
static pirn_sem echoed;

static void echo(void *arg) {
    int fd = *(int *)arg;
    char buffer[64];
    ssize_t n;
    while ((n = pirn_read(fd, buffer, sizeof buffer, PIRN_FOREVER)) > 0)
        pirn_write(fd, buffer, (size_t)n, PIRN_FOREVER);
    pirn_close_fd(fd);
}

static void serve(void *arg) {
    int fd;
    (void)arg;
    while ((fd = pirn_accept(listener, NULL, NULL, PIRN_FOREVER)) >= 0)
        pirn_waitgroup_go_copy(&server, echo, &fd, sizeof fd);
}

static void ask(void *arg) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char sent[32], got[32];
    size_t size, have = 0;
    ssize_t n = 1;

    size = (size_t)snprintf(sent, sizeof sent, "hello from client %d", *(int *)arg);
    if (pirn_connect(fd, (struct sockaddr *)&address, length, PIRN_FOREVER) == 0 &&
        pirn_write(fd, sent, size, PIRN_FOREVER) == (ssize_t)size)
        for (; have < size && n > 0; have += n > 0 ? (size_t)n : 0)
            n = pirn_read(fd, got + have, size - have, PIRN_FOREVER);
    if (have == size && memcmp(sent, got, size) == 0) pirn_sem_release(&echoed, 1);
    pirn_close_fd(fd);
}

static void run(void *arg) {
    (void)arg;
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, CLIENTS)) {
        perror("echo");
        return;
    }
    length = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &length);
    pirn_waitgroup_go(&server, serve, NULL);
    for (int i = 1; i <= CLIENTS; i++) pirn_waitgroup_go_copy(&clients, ask, &i, sizeof i);
    pirn_waitgroup_wait(&clients);
    pirn_close_fd(listener);
    pirn_waitgroup_wait(&server);
    pirn_assert(pirn_sem_acquire(&echoed, CLIENTS, PIRN_NOW) == 0);
    printf("%d clients got back what they had sent\n", CLIENTS);
}

int main(void) { return pirn_run(NULL, run, NULL) != 0; }
