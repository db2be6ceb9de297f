/*
 * http-echo.c - an HTTP/1.1 server that answers with what it got: the body of a POST or PUT, the
 * target of a GET.
 *
 * Usage: http-echo [-p PORT] [-w WORKERS] [-n CONNECTIONS] [-t SECONDS] [-c CLIENTS]
 *
 *     -p PORT         to listen on at 127.0.0.1; 0, the default: any, which is printed
 *     -w WORKERS      threads; 0, the default: one for each processor
 *     -n CONNECTIONS  at most at once, 10000 by default; who comes then waits to be accepted
 *     -t SECONDS      that a connection may be idle, a request may take to come, and an answer to
 *                     be taken; 10 by default
 *     -c CLIENTS      try it out: that many clients of its own ask, and then it ends
 *
 * Each connection has a task of its own, which reads and writes as if it were alone; what takes too
 * long is ended by the deadlines of pirn_read and pirn_write. SIGTERM or SIGINT cancels a context.
 * Then nobody is accepted any more, connections without a request under way are closed, the
 * others get their answer, and the program ends with status 0. A second signal ends it at once.
 *
 * It keeps connections alive, takes pipelined requests, and bodies of known length and in chunks.
 * Whatever is not quite right is refused, so that no proxy before it can see other requests than it
 * does (RFC 9112, section 11.2).
 */
#include <pirn.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_LIMIT = 8192,       /* bytes of the request line and all header fields */
    CHUNK_LINE_LIMIT = 256,  /* bytes of the line before a chunk */
    BODY_LIMIT = 1024 * 1024 /* bytes */
};

#define LINGER PIRN_SEC /* that the other side has to read the last answer */

struct connection {
    struct connection *next, *previous; /* guarded by `lock` */
    bool idle;                          /* waits for a request; guarded by `lock` */
    int fd;
    int64_t deadline;  /* for what is being done */
    size_t start, end; /* of what has been read but not yet used */
    size_t limit;      /* bytes that may still come in lines */
    char buffer[HEAD_LIMIT];
};

static long timeout = 10, most = 10000; /* -t, -n */
static int port, demonstrations;        /* -p, -c */

static int listener;
static pirn_ctx *serving; /* cancelled when it is time to end */
static pirn_sem room;     /* for further connections */
static pirn_waitgroup staff, connections, clients;
static pirn_sem satisfied; /* clients */

static pirn_mutex lock;
static struct connection *first;
static long now_open, most_open, answered; /* guarded by `lock`, as is `first` */

/* ---- Reading ------------------------------------------------------------------------------- */

/* What is read returns 0, the HTTP status to refuse the request with, or this: there is nobody to
 * answer to. */
enum { GONE = -1 };

/* Reads some more; there is room for it. */
static int fill(struct connection *c) {
    ssize_t n;
    if (c->start == c->end) c->start = c->end = 0;
    if (c->end == sizeof c->buffer) {
        memmove(c->buffer, c->buffer + c->start, c->end - c->start);
        c->end -= c->start;
        c->start = 0;
    }
    n = pirn_read(c->fd, c->buffer + c->end, sizeof c->buffer - c->end, c->deadline);
    if (n == -ETIMEDOUT) return 408;
    if (n <= 0) return GONE;
    c->end += (size_t)n;
    return 0;
}

/* Reads a line of at most c->limit bytes, without its CRLF; it stays until the next is read. */
static int read_line(struct connection *c, int too_long, char **line) {
    size_t seen = 0, size;
    char *end;
    int rc;

    while (!(end = memchr(c->buffer + c->start + seen, '\n', c->end - c->start - seen))) {
        seen = c->end - c->start;
        if (seen >= c->limit) return too_long;
        rc = fill(c);
        if (rc) return rc;
    }
    *line = c->buffer + c->start;
    size = (size_t)(end - *line) + 1;
    if (size > c->limit) return too_long;
    c->limit -= size;
    c->start += size;
    if (size < 2 || end[-1] != '\r') return 400;
    *--end = '\0';
    for (const char *p = *line; p < end; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f) return 400;
    return 0;
}

struct text {
    char *bytes;
    size_t size, room;
};

static int append(struct text *text, const char *bytes, size_t size) {
    if (size > text->room - text->size) {
        size_t bigger = 2 * text->room > text->size + size ? 2 * text->room : text->size + size;
        char *moved = realloc(text->bytes, bigger);
        if (!moved) return 503;
        text->bytes = moved;
        text->room = bigger;
    }
    if (size) memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    return 0;
}

/* Reads that many bytes; `text` may be NULL if nobody wants them. */
static int read_bytes(struct connection *c, size_t size, struct text *text) {
    while (size > 0) {
        size_t n = c->end - c->start;
        int rc = n ? 0 : fill(c);
        if (n > size) n = size;
        if (n && text) rc = append(text, c->buffer + c->start, n);
        if (rc) return rc;
        c->start += n;
        size -= n;
    }
    return 0;
}

/* ---- Requests ------------------------------------------------------------------------------ */

struct request {
    enum { GET, HEAD, POST, PUT, METHODS } method;
    int minor; /* of the version, HTTP/1.minor */
    bool host, has_length, chunked, expects_100, keep_alive;
    size_t length;
    struct text echo;
};

static const char *const methods[METHODS] = {"GET", "HEAD", "POST", "PUT"};

static bool is_token(const char *text) {
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *text && text[strspn(text, allowed)] == '\0';
}

static int parse_request_line(struct request *request, char *line) {
    char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version) return 400;
    *target++ = *version++ = '\0';
    if (!is_token(line)) return 400;
    if (*target != '/' && strncasecmp(target, "http://", 7) && strcmp(target, "*")) return 400;
    for (const char *p = target; *p; p++)
        if (*p <= ' ' || *p > '~') return 400;
    if (strlen(version) != 8 || memcmp(version, "HTTP/", 5) || version[6] != '.') return 400;
    if (version[5] < '0' || version[5] > '9' || version[7] < '0' || version[7] > '9') return 400;
    if (version[5] != '1') return 505;
    request->minor = version[7] - '0';
    request->keep_alive = request->minor > 0;
    for (int i = 0; i < METHODS; i++) {
        if (strcmp(line, methods[i])) continue;
        request->method = i;
        return i == GET || i == HEAD ? append(&request->echo, target, strlen(target)) : 0;
    }
    return 501;
}

/* Reads the number at *text, and goes behind it. */
static int parse_size(const char **text, size_t base, size_t *size) {
    static const char digits[] = "0123456789abcdef";
    const char *begin = *text, *digit;

    for (*size = 0; **text && (digit = memchr(digits, tolower((unsigned char)**text), base));
         ++*text) {
        *size = *size * base + (size_t)(digit - digits);
        if (*size > BODY_LIMIT) return 413;
    }
    return *text > begin ? 0 : 400;
}

static int parse_content_length(struct request *request, const char *value) {
    size_t length;
    int rc = parse_size(&value, 10, &length);
    if (rc || *value || (request->has_length && length != request->length)) return rc ? rc : 400;
    request->has_length = true;
    request->length = length;
    return 0;
}

/* A list of options; of interest are `close` and `keep-alive`. */
static void parse_connection(struct request *request, char *value) {
    char *rest;
    for (char *option = strtok_r(value, ", \t", &rest); option;
         option = strtok_r(NULL, ", \t", &rest)) {
        if (strcasecmp(option, "close") == 0) request->keep_alive = false;
        if (strcasecmp(option, "keep-alive") == 0 && request->minor == 0)
            request->keep_alive = true;
    }
}

static int parse_field(struct request *request, char *line) {
    char *value = strchr(line, ':'), *end;

    if (!value) return 400;
    *value++ = '\0';
    if (!is_token(line)) return 400; /* so is a line folded onto the one before */
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && strchr(" \t", end[-1]);) *--end = '\0';

    if (strcasecmp(line, "Host") == 0) {
        if (request->host) return 400;
        request->host = true;
    } else if (strcasecmp(line, "Content-Length") == 0) {
        return parse_content_length(request, value);
    } else if (strcasecmp(line, "Transfer-Encoding") == 0) {
        if (request->chunked) return 400;
        if (strcasecmp(value, "chunked")) return 501;
        request->chunked = true;
    } else if (strcasecmp(line, "Connection") == 0) {
        parse_connection(request, value);
    } else if (strcasecmp(line, "Expect") == 0) {
        if (strcasecmp(value, "100-continue")) return 417;
        request->expects_100 = request->minor > 0;
    }
    return 0;
}

static int read_head(struct connection *c, struct request *request) {
    char *line;
    int rc;

    c->limit = HEAD_LIMIT;
    do rc = read_line(c, 414, &line);
    while (rc == 0 && *line == '\0'); /* some send an empty line after a body */
    if (rc == 0) rc = parse_request_line(request, line);
    while (rc == 0 && (rc = read_line(c, 431, &line)) == 0 && *line)
        rc = parse_field(request, line);
    if (rc) return rc;
    if (request->minor > 0 && !request->host) return 400;
    /* Two lengths: who says which one another server would believe? */
    if (request->chunked && (request->has_length || request->minor == 0)) return 400;
    return 0;
}

static int read_chunks(struct connection *c, struct text *text) {
    size_t size, total = 0;
    char *line;
    const char *text_of_size;
    int rc;

    do {
        c->limit = CHUNK_LINE_LIMIT;
        rc = read_line(c, 400, &line);
        if (rc) return rc;
        text_of_size = line;
        rc = parse_size(&text_of_size, 16, &size);
        if (rc) return rc;
        text_of_size += strspn(text_of_size, " \t");
        if (*text_of_size && *text_of_size != ';') return 400; /* extensions mean nothing here */
        total += size;
        if (total > BODY_LIMIT) return 413;
        rc = read_bytes(c, size, text);
        if (rc) return rc;
        if (size == 0) break;
        c->limit = sizeof "\r\n" - 1;
        rc = read_line(c, 400, &line);
    } while (rc == 0);
    c->limit = HEAD_LIMIT;
    while (rc == 0 && (rc = read_line(c, 431, &line)) == 0 && *line) /* trailer fields */
        if (!strchr(line, ':')) rc = 400;
    return rc;
}

/* Reads a request up to its end. */
static int read_request(struct connection *c, struct request *request) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct text *text = NULL; /* a GET's body means nothing */
    int rc = read_head(c, request);

    if (rc) return rc;
    if (request->method == POST || request->method == PUT) text = &request->echo;
    if (request->expects_100 && (request->chunked || request->length > 0) && c->start == c->end &&
        pirn_write(c->fd, go_on, sizeof go_on - 1, c->deadline) < (ssize_t)sizeof go_on - 1)
        return GONE;
    return request->chunked ? read_chunks(c, text) : read_bytes(c, request->length, text);
}

/* ---- Answers ------------------------------------------------------------------------------- */

static const char *reason(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 417:
        return "Expectation Failed";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    default:
        return "HTTP Version Not Supported";
    }
}

/* Returns whether all of it was written. */
static bool answer(struct connection *c, int status, const struct request *request, bool keep) {
    char head[256], date[64], refusal[64];
    const char *body = request->echo.bytes;
    size_t length = request->echo.size;
    time_t now = time(NULL);
    struct tm tm;
    ssize_t size;

    if (status != 200) {
        length = (size_t)snprintf(refusal, sizeof refusal, "%d %s\n", status, reason(status));
        body = refusal;
    }
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    size = snprintf(
        head, sizeof head,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status,
        reason(status), date, status == 200 ? "application/octet-stream" : "text/plain", length,
        keep ? request->minor ? "" : "Connection: keep-alive\r\n" : "Connection: close\r\n");
    c->deadline = pirn_now() + timeout * PIRN_SEC;
    if (pirn_write(c->fd, head, (size_t)size, c->deadline) != size) return false;
    if (status == 200 && request->method == HEAD) return true;
    return pirn_write(c->fd, body, length, c->deadline) == (ssize_t)length;
}

/* Gives the other side time to read the last answer: a close with something unread would reset the
 * connection, and could take the answer away. */
static void linger(struct connection *c) {
    c->deadline = pirn_now() + LINGER;
    shutdown(c->fd, SHUT_WR);
    while (pirn_read(c->fd, c->buffer, sizeof c->buffer, c->deadline) > 0 &&
           pirn_now() < c->deadline)
        ;
}

/* ---- Connections --------------------------------------------------------------------------- */

/* Waits for the next request; returns whether there is one. */
static bool next_request(struct connection *c) {
    bool there = true;

    c->deadline = pirn_now() + timeout * PIRN_SEC;
    if (c->start == c->end) {
        pirn_mutex_lock(&lock);
        there = c->idle = pirn_ctx_err(serving) == 0;
        pirn_mutex_unlock(&lock);
        if (there) there = fill(c) == 0;
    }
    pirn_mutex_lock(&lock);
    c->idle = false;
    answered += there;
    pirn_mutex_unlock(&lock);
    c->deadline = pirn_now() + timeout * PIRN_SEC;
    return there;
}

/* Reads a request and answers it; returns whether there may be a next one. */
static bool converse(struct connection *c) {
    struct request request = {0};
    int status = read_request(c, &request);
    bool keep = status == 0 && request.keep_alive && pirn_ctx_err(serving) == 0;
    bool written = status != GONE && answer(c, status ? status : 200, &request, keep);

    free(request.echo.bytes);
    if (written && !keep) linger(c);
    return written && keep;
}

static void serve(void *arg) {
    struct connection c;
    int one = 1;

    c.fd = *(int *)arg;
    c.start = c.end = 0;
    c.idle = false;
    c.previous = NULL;
    /* An answer is written in two parts; the second should not wait for the first's receipt. */
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    pirn_mutex_lock(&lock);
    c.next = first;
    if (first) first->previous = &c;
    first = &c;
    if (++now_open > most_open) most_open = now_open;
    pirn_mutex_unlock(&lock);

    while (next_request(&c) && converse(&c))
        ;

    pirn_mutex_lock(&lock);
    *(c.previous ? &c.previous->next : &first) = c.next;
    if (c.next) c.next->previous = c.previous;
    now_open--;
    pirn_mutex_unlock(&lock);
    pirn_close_fd(c.fd);
    pirn_sem_release(&room, 1);
}

static void accept_all(void *arg) {
    (void)arg;
    while (pirn_ctx_err(serving) == 0) {
        int fd, rc;
        pirn_sem_acquire(&room, 1, PIRN_FOREVER);
        fd = pirn_accept(listener, NULL, NULL, PIRN_FOREVER);
        rc = fd < 0 ? fd : pirn_waitgroup_go_copy(&connections, serve, &fd, sizeof fd);
        if (rc == 0) continue;
        if (fd >= 0) pirn_close_fd(fd);
        pirn_sem_release(&room, 1);
        /* A client that has gone again, or no memory: such things pass. */
        pirn_recv_until(pirn_ctx_done(serving), NULL, pirn_now() + 10 * PIRN_MSEC);
    }
}

/* Ends the connections that wait for a request: they read the end. */
static void end_idle(void) {
    pirn_mutex_lock(&lock);
    for (struct connection *c = first; c; c = c->next)
        if (c->idle) shutdown(c->fd, SHUT_RD);
    pirn_mutex_unlock(&lock);
}

/* ---- Clients of its own -------------------------------------------------------------------- */

/* Sends two requests at once and looks at both answers. */
static void ask(void *arg) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), number = *(int *)arg;
    char sent[256], got[1024], *second;
    size_t have = 0;
    ssize_t n = 1;

    snprintf(sent, sizeof sent,
             "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
             "5\r\nbody \r\n4\r\n%04d\r\n0\r\n\r\n"
             "GET /%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             number, number);
    if (pirn_connect(fd, (struct sockaddr *)&address, sizeof address, PIRN_FOREVER) == 0 &&
        pirn_write(fd, sent, strlen(sent), PIRN_FOREVER) == (ssize_t)strlen(sent))
        for (; n > 0 && have<sizeof got - 1; have += n> 0 ? (size_t)n : 0)
            n = pirn_read(fd, got + have, sizeof got - 1 - have, PIRN_FOREVER);
    got[have] = '\0';
    snprintf(sent, sizeof sent, "\r\n\r\nbody %04dHTTP/1.1 200 OK\r\n", number);
    second = strstr(got, sent);
    snprintf(sent, sizeof sent, "\r\n\r\n/%d", number);
    if (second && strcmp(got + have - strlen(sent), sent) == 0) pirn_sem_release(&satisfied, 1);
    pirn_close_fd(fd);
}

static void demonstrate(void *arg) {
    (void)arg;
    for (int i = 1; i <= demonstrations; i++)
        if (pirn_waitgroup_go_copy(&clients, ask, &i, sizeof i)) break;
    pirn_waitgroup_wait(&clients);
    pirn_ctx_cancel(serving);
}

/* ---- The program --------------------------------------------------------------------------- */

/* Waits for a signal that asks for the end. */
static void watch_signals(void *arg) {
    int signals = *(int *)arg;
    struct signalfd_siginfo info;
    if (pirn_read(signals, &info, sizeof info, PIRN_FOREVER) > 0) pirn_ctx_cancel(serving);
}

/* Returns the memory of the process at its peak, in KiB. */
static double peak_memory(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss;
}

static int open_listener(void) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, SOMAXCONN) ||
        getsockname(fd, (struct sockaddr *)&address, &length)) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    port = ntohs(address.sin_port);
    return fd;
}

static void run(void *arg) {
    int *result = arg, signals;
    double before = peak_memory();
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    *result = signals < 0 ? -errno : open_listener();
    if (*result < 0) return;
    listener = *result;
    *result = -ENOMEM;
    serving = pirn_ctx_with_cancel(NULL);
    if (!serving) return;
    pirn_sem_init(&room, most);
    *result = pirn_waitgroup_go_copy(&staff, watch_signals, &signals, sizeof signals);
    if (*result == 0) *result = pirn_waitgroup_go(&staff, accept_all, NULL);
    if (*result == 0 && demonstrations) *result = pirn_waitgroup_go(&staff, demonstrate, NULL);
    if (*result) return;
    printf("listening on port %d\n", port);
    fflush(stdout);

    pirn_recv(pirn_ctx_done(serving), NULL);
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    pirn_close_fd(signals);
    pirn_close_fd(listener);
    end_idle();
    pirn_waitgroup_wait(&staff); /* first, as it is accept_all who adds to the connections */
    pirn_waitgroup_wait(&connections);
    pirn_ctx_unref(serving);
    printf("%ld requests, at most %ld connections at once", answered, most_open);
    if (most_open > 0)
        printf(", %.1f KiB of memory for each", (peak_memory() - before) / most_open);
    printf("\n");
    if (demonstrations && pirn_sem_acquire(&satisfied, demonstrations, PIRN_NOW)) *result = -EPROTO;
}

/* Asks for as many descriptors as the connections need, as far as the hard limit goes. */
static void raise_limit(void) {
    const rlim_t others = 32 + (rlim_t)demonstrations;
    rlim_t needed = (rlim_t)most + others;
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed) return;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed) return;
    most = limit.rlim_cur > others ? (long)(limit.rlim_cur - others) : 1;
    fprintf(stderr, "http-echo: no more than %ld connections: only %llu files may be open\n", most,
            (unsigned long long)limit.rlim_cur);
}

static long number(const char *text, long least, long greatest) {
    char *end;
    long n = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && n >= least && n <= greatest ? n : -1;
}

int main(int argc, char **argv) {
    pirn_config config = {0};
    bool usage = false;
    sigset_t mask;
    int option, rc, result = 0;

    while ((option = getopt(argc, argv, "p:w:n:t:c:")) != -1) switch (option) {
        case 'p':
            usage |= (port = (int)number(optarg, 0, 65535)) < 0;
            break;
        case 'w':
            usage |= (config.workers = (int)number(optarg, 0, 1024)) < 0;
            break;
        case 'n':
            usage |= (most = number(optarg, 1, 10000000)) < 0;
            break;
        case 't':
            usage |= (timeout = number(optarg, 1, 1000000)) < 0;
            break;
        case 'c':
            usage |= (demonstrations = (int)number(optarg, 1, 9999)) < 0;
            break;
        default:
            usage = true;
        }
    if (usage || optind < argc) {
        fprintf(stderr, "usage: http-echo [-p PORT] [-w WORKERS] [-n CONNECTIONS] [-t SECONDS] "
                        "[-c CLIENTS]\n");
        return 2;
    }
    raise_limit();
    /* Blocked in every thread, the signals wait for who reads them. */
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    rc = pirn_run(&config, run, &result);
    if (rc == 0) rc = result;
    if (rc < 0) fprintf(stderr, "http-echo: %s\n", strerror(-rc));
    return rc != 0;
}
