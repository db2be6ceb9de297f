/* net.c - the row about sockets: an echo server and its clients, over the loopback device. */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum { CONNECTIONS = 64, SIZE = 64 };

/* Go's library does so for each of its connections. */
static void send_at_once(int fd) {
    int on = 1;
    bench_expect(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
}

/* Reads SIZE bytes. Returns false at the end of the stream. */
static bool read_message(int fd, char *message) {
    for (ssize_t got = 0, n; got < SIZE; got += n) {
        n = pirn_read(fd, message + got, (size_t)(SIZE - got), PIRN_FOREVER);
        if (n == 0 && got == 0) return false;
        bench_expect(n > 0, true);
    }
    return true;
}

static void serve_one(void *arg) {
    int fd = *(int *)arg;
    char message[SIZE];
    while (read_message(fd, message))
        bench_expect(pirn_write(fd, message, SIZE, PIRN_FOREVER), SIZE);
    bench_expect(pirn_close_fd(fd), 0);
}

struct server {
    int fd;
    pirn_waitgroup *connections;
};

static void serve(void *arg) {
    struct server *server = arg;
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = pirn_accept(server->fd, NULL, NULL, PIRN_FOREVER);
        bench_expect(fd >= 0, true);
        send_at_once(fd);
        bench_go(server->connections, serve_one, &fd, sizeof fd);
    }
}

struct client {
    int fd, number;
    uint64_t trips;
};

static atomic_ullong echoed;

static void ask(void *arg) {
    struct client *client = arg;
    char sent[SIZE], received[SIZE];

    memset(sent, client->number, SIZE);
    for (uint64_t i = 0; i < client->trips; i++) {
        memcpy(sent, &i, sizeof i);
        bench_expect(pirn_write(client->fd, sent, SIZE, PIRN_FOREVER), SIZE);
        bench_expect(read_message(client->fd, received), true);
        bench_expect(memcmp(sent, received, SIZE), 0);
    }
    atomic_fetch_add(&echoed, client->trips);
}

static void echo(struct bench *b) {
    pirn_waitgroup accepting = {0}, connections = {0}, asking = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    struct client clients[CONNECTIONS];
    struct server server = {socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                            &connections};

    bench_expect(server.fd >= 0, true);
    bench_expect(bind(server.fd, (struct sockaddr *)&address, length), 0);
    bench_expect(listen(server.fd, CONNECTIONS), 0);
    bench_expect(getsockname(server.fd, (struct sockaddr *)&address, &length), 0);
    bench_go(&accepting, serve, &server, sizeof server);
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        bench_expect(fd >= 0, true);
        bench_expect(pirn_connect(fd, (struct sockaddr *)&address, length, PIRN_FOREVER), 0);
        send_at_once(fd);
        clients[i] = (struct client){fd, i, b->count / CONNECTIONS};
    }
    pirn_waitgroup_wait(&accepting);

    bench_start(b);
    for (int i = 0; i < CONNECTIONS; i++) bench_go(&asking, ask, &clients[i], sizeof *clients);
    pirn_waitgroup_wait(&asking);
    bench_stop(b, b->count / CONNECTIONS * CONNECTIONS);
    bench_expect(echoed, b->units);

    for (int i = 0; i < CONNECTIONS; i++) bench_expect(pirn_close_fd(clients[i].fd), 0);
    pirn_waitgroup_wait(&connections);
    bench_expect(pirn_close_fd(server.fd), 0);
}

const struct row bench_net[] = {
    {"echo", "round trips/s", RATE, false, 2000, 640, echo},
    {0},
};
