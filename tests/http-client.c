/*
 * http-client.c - what tests/http.sh asks an HTTP server with. It uses nothing of Pirn's.
 *
 *     http-client [-b] PORT                      sends what it reads, as it comes, and prints what
 *                                                it gets, until the server closes; -b: each byte on
 *                                                its own
 *     http-client -n CONNECTIONS [-r ROUNDS] PORT
 *                                                opens that many connections and, with all of them
 *                                                open, in each round asks on every one and then
 *                                                looks at every answer
 *
 * Exit status: 0; 1 when the server did not do as it should; 77 when the limits of this process
 * are too low.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE = 120 /* s: longer than any server needs */ };

static void die(const char *what) {
    fprintf(stderr, "http-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_connection(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    return fd;
}

/* Returns whether all was sent: the server may refuse before it has read everything. */
static int send_all(int fd, const char *bytes, ssize_t size, ssize_t portion) {
    for (ssize_t sent = 0, n; sent < size; sent += n) {
        n = write(fd, bytes + sent, (size_t)(size - sent < portion ? size - sent : portion));
        if (n < 0) return 0;
    }
    return 1;
}

static int converse(int fd, ssize_t portion) {
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    static char bytes[65536];
    ssize_t n;

    for (;;) {
        int ready = poll(fds, 2, PATIENCE * 1000);
        if (ready == 0) errno = ETIMEDOUT;
        if (ready <= 0) die("poll");
        if (fds[1].revents) {
            n = read(0, bytes, sizeof bytes);
            if (n <= 0 || !send_all(fd, bytes, n, portion)) fds[1].fd = -1;
        }
        if (fds[0].revents) {
            n = read(fd, bytes, sizeof bytes);
            if (n < 0) die("read");
            if (n == 0) return 0;
            if (write(1, bytes, (size_t)n) != n) die("write");
        }
    }
}

/* Reads an answer, which has to be 200 and end with the body. */
static void check_answer(int fd, const char *body) {
    static const char status[] = "HTTP/1.1 200 OK\r\n";
    char got[1024], end[128];
    size_t have = 0, expected;
    ssize_t n = 1;

    expected = (size_t)snprintf(end, sizeof end, "\r\n\r\n%s", body);
    while (have < sizeof got - 1 &&
           (have < expected || memcmp(got + have - expected, end, expected) != 0)) {
        n = read(fd, got + have, sizeof got - 1 - have);
        if (n == 0) errno = ECONNRESET;
        if (n <= 0) die("read");
        have += (size_t)n;
    }
    if (have < sizeof status || memcmp(got, status, sizeof status - 1) != 0 ||
        have == sizeof got - 1) {
        fprintf(stderr, "http-client: not an answer with \"%s\": %.*s\n", body, (int)have, got);
        exit(1);
    }
}

static int hold(int port, int count, int rounds) {
    struct rlimit limit;
    int *fds = malloc(sizeof *fds * (size_t)count);
    char body[64], request[256];

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < (rlim_t)count + 16) return 77;
    if (!fds) die("malloc");
    for (int i = 0; i < count; i++) fds[i] = open_connection(port);
    for (int round = 1; round <= rounds; round++) {
        for (int i = 0; i < count; i++) {
            int size = snprintf(body, sizeof body, "connection %d, round %d", i, round);
            size = snprintf(request, sizeof request,
                            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s",
                            size, body);
            if (!send_all(fds[i], request, size, size)) die("write");
        }
        for (int i = 0; i < count; i++) {
            snprintf(body, sizeof body, "connection %d, round %d", i, round);
            check_answer(fds[i], body);
        }
    }
    printf("%d connections, %d rounds\n", count, rounds);
    return 0;
}

int main(int argc, char **argv) {
    int option, count = 0, rounds = 1, port;
    ssize_t portion = 65536;

    while ((option = getopt(argc, argv, "bn:r:")) != -1) switch (option) {
        case 'b':
            portion = 1;
            break;
        case 'n':
            count = atoi(optarg);
            break;
        case 'r':
            rounds = atoi(optarg);
            break;
        default:
            return 2;
        }
    if (optind != argc - 1) return 2;
    port = atoi(argv[optind]);
    signal(SIGPIPE, SIG_IGN);
    return count ? hold(port, count, rounds) : converse(open_connection(port), portion);
}
