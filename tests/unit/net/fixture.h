/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A server with its loop in a thread of its own, and clients that speak raw bytes over blocking sockets.
 *
 * The handler answers by path: /echo gives the body back, /hold keeps the exchange until `hold_want` of them are there
 * and answers them last first, /keep keeps it until command 'r', /big gives BIG_BYTES, /worker answers from a job.
 */
#pragma once

#include "net.h"
#include "net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Times and sizes say nothing there. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER true
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER false
#endif

/* For ever, as a test sees it: what comes later than that never comes. No verdict is about how soon. */
#define PATIENT_MS 60000

#define HELD_MAX 64
#ifndef BIG_BYTES
#define BIG_BYTES (8 * 1024 * 1024)
#endif

struct server {
    struct loop *loop;
    struct listener *ls;
    struct watch *watch;
    pthread_t thread;
    int command[2];
    int done[2];
    int port;
    unsigned hold_want;
    struct exchange *held[HELD_MAX];
    unsigned held_n;
    atomic_uint requests;
    atomic_uint held_seen;
    atomic_uint gone_seen;
    atomic_uint gone_asked; /* of those held, each time they were asked for */
    atomic_uint off_loop;   /* handler calls on another thread: must stay 0 */
    atomic_bool drained;
    atomic_bool is_standing; /* the loop, in /stand, until may_go_on */
    atomic_bool may_go_on;
    unsigned connections;     /* as of command 'c' */
    struct loop_lag lag;      /* as of command 'm' */
    struct net_memory memory; /* as of command 'b' */
    struct tls_stats tls;     /* as of command 't' */
    uv_prepare_t turn;        /* from command 'w' to command 'q' */
    uint64_t turn_began_ns;
    uint64_t turn_longest_ns; /* processor time of the loop's thread: what others do on the machine is not in it */
    uint64_t turns_ns;        /* of all turns together */
    unsigned turns;
    char last_peer[64];
    char last_path[64];
    char last_fingerprint[65];
    char *big;
};

struct job {
    struct exchange *x;
    pthread_t ran_on;
};

static inline void answer_text(struct exchange *x, int status, const char *text)
{
    http_respond(x, &(struct http_response){.status = status, .content_type = "text/plain", .body = span_of(text)});
}

static inline void job_work(void *arg)
{
    struct job *j = arg;
    j->ran_on = pthread_self();
}

static inline void job_done(void *arg)
{
    struct job *j = arg;
    answer_text(j->x, 200, pthread_equal(j->ran_on, pthread_self()) ? "loop" : "worker");
    free(j);
}

static inline void held_release(struct server *s)
{
    while (s->held_n > 0) {
        struct exchange *x = s->held[--s->held_n];
        if (x->conn == NULL)
            atomic_fetch_add(&s->gone_seen, 1);
        answer_text(x, 200, x->message == NULL ? "gone" : x->request.path);
    }
}

static inline void on_request(void *arg, const struct http_request *req)
{
    struct server *s = arg;
    atomic_fetch_add(&s->requests, 1);
    if (!pthread_equal(pthread_self(), s->thread))
        atomic_fetch_add(&s->off_loop, 1);
    snprintf(s->last_peer, sizeof(s->last_peer), "%s", req->peer);
    snprintf(s->last_path, sizeof(s->last_path), "%s", req->path);
    s->last_fingerprint[0] = '\0';
    for (int i = 0; i < 32 && req->client_fingerprint != NULL; i++)
        snprintf(s->last_fingerprint + 2 * i, 3, "%02x", req->client_fingerprint[i]);
    if (strcmp(req->path, "/echo") == 0) {
        http_respond(req->exchange, &(struct http_response){.status = 200,
                                                            .content_type = http_header(req, "Content-Type"),
                                                            .body = req->body});
    } else if (strncmp(req->path, "/hold", 5) == 0 || strcmp(req->path, "/keep") == 0) {
        assert_true(s->held_n < HELD_MAX);
        s->held[s->held_n++] = req->exchange;
        atomic_fetch_add(&s->held_seen, 1);
        if (req->path[1] == 'h' && s->held_n == s->hold_want)
            held_release(s);
    } else if (strcmp(req->path, "/big") == 0) {
        http_respond(req->exchange, &(struct http_response){.status = 200,
                                                            .content_type = "application/octet-stream",
                                                            .body = {s->big, BIG_BYTES}});
    } else if (strcmp(req->path, "/worker") == 0) {
        struct job *j = calloc(1, sizeof(*j));
        assert_non_null(j);
        j->x = req->exchange;
        worker_run(s->loop, job_work, job_done, j);
    } else if (strcmp(req->path, "/close") == 0) {
        http_respond(req->exchange, &(struct http_response){.status = 200, .close = true});
    } else if (strcmp(req->path, "/fault") == 0) {
        http_respond(req->exchange, &(struct http_response){.status = 500,
                                                            .content_type = "text/xml; charset=utf-8",
                                                            .body = SPAN_LIT("<x/>"),
                                                            .extra_headers = "X-Request: 7\r\n"});
    } else if (strcmp(req->path, "/slow") == 0) {
        struct timespec t = {.tv_nsec = 120 * 1000000};
        nanosleep(&t, NULL); /* what must never be done on a loop, so that it is seen being measured */
        answer_text(req->exchange, 200, "slow");
    } else if (strcmp(req->path, "/stand") == 0) {
        struct timespec t = {.tv_nsec = 1000000};
        for (atomic_store(&s->is_standing, true); !atomic_load(&s->may_go_on);)
            nanosleep(&t, NULL);
        answer_text(req->exchange, 200, "stood");
    } else {
        answer_text(req->exchange, 200, "ok");
    }
}

static inline void on_drained(void *arg)
{
    struct server *s = arg;
    atomic_store(&s->drained, true);
}

static inline uint64_t thread_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void on_turn(uv_prepare_t *handle)
{
    struct server *s = handle->data;
    uint64_t now_ns = thread_cpu_ns();
    if (now_ns - s->turn_began_ns > s->turn_longest_ns)
        s->turn_longest_ns = now_ns - s->turn_began_ns;
    s->turns_ns += now_ns - s->turn_began_ns;
    s->turns++;
    s->turn_began_ns = now_ns;
}

static inline void turns_watch(struct server *s)
{
    assert_int_equal(uv_prepare_init(&s->loop->uv, &s->turn), 0);
    s->turn.data = s;
    s->turn_began_ns = thread_cpu_ns();
    assert_int_equal(uv_prepare_start(&s->turn, on_turn), 0);
}

static inline void on_command(void *arg, int events)
{
    struct server *s = arg;
    char c = 0;
    assert_int_equal(events & WATCH_READ, WATCH_READ);
    if (read(s->command[0], &c, 1) != 1)
        return;
    if (c == 's')
        loop_stop(s->loop);
    if (c == 'd')
        listener_drain(s->ls, on_drained, s);
    if (c == 'f') {
        listener_free(s->ls);
        s->ls = NULL;
    }
    if (c == 'r')
        held_release(s);
    if (c == 'p')
        for (unsigned i = 0; i < s->held_n; i++)
            atomic_fetch_add(&s->gone_asked, http_peer_gone(s->held[i]));
    if (c == 'c' && s->ls != NULL)
        s->connections = listener_connections(s->ls);
    if (c == 'l')
        loop_lag_measure(s->loop);
    if (c == 'b')
        loop_memory_read(s->loop, &s->memory);
    if (c == 'm')
        loop_lag_read(s->loop, &s->lag);
    if (c == 'w')
        turns_watch(s);
    if (c == 'q')
        uv_close((uv_handle_t *)&s->turn, NULL);
    if (c == 't')
        loop_tls_read(s->loop, &s->tls);
    assert_int_equal(write(s->done[1], &c, 1), 1);
}

/* Runs on the loop thread; returns when it has been carried out. */
static inline void server_command(struct server *s, char c)
{
    assert_int_equal(write(s->command[1], &c, 1), 1);
    char answer = 0;
    assert_int_equal(read(s->done[0], &answer, 1), 1);
    assert_int_equal(answer, c);
}

/* Whatever had come to the server's sockets has been looked at. */
static inline void server_turns(struct server *s)
{
    for (int i = 0; i < 10; i++)
        server_command(s, 'c');
}

/* The longest turn since command 'w' as a part of all of them, by the processor: no figure of one machine. */
static inline double server_longest_turn_share(struct server *s)
{
    server_command(s, 'q');
    server_turns(s);
    print_message("longest of %u turns: %.2f of %.2f ms of the processor\n", s->turns, (double)s->turn_longest_ns / 1e6,
                  (double)s->turns_ns / 1e6);
    return (double)s->turn_longest_ns / (double)s->turns_ns;
}

static inline unsigned server_connections(struct server *s)
{
    server_command(s, 'c');
    return s->connections;
}

static inline void *server_thread(void *arg)
{
    struct server *s = arg;
    loop_run(s->loop);
    return NULL;
}

/* A test that is about a limit of time sets it: in the others a slow machine runs into none. */
#define NEVER_MS ((uint64_t)3600 * 1000)
static inline struct http_limits patient_limits(void)
{
    struct http_limits limits = http_limits_default;
    limits.body_max_bytes = 256 * 1024;
    limits.head_timeout_ms = limits.body_timeout_ms = NEVER_MS;
    limits.idle_timeout_ms = limits.write_timeout_ms = NEVER_MS;
    limits.body_rate_min_bytes = 0;
    return limits;
}

/* Before server_start(): for the loops that come. 0: the default. */
static size_t memory_max_bytes;

static inline int listener_port(const struct listener *ls)
{
    struct sockaddr_storage sa = {0};
    socklen_t size = sizeof(sa);
    if (ls->is_pipe || getsockname(ls->fd, (struct sockaddr *)&sa, &size) != 0)
        return 0;
    struct sockaddr_in in; /* the port is at the same place in both families */
    memcpy(&in, &sa, sizeof in);
    return ntohs(in.sin_port);
}

static inline struct server *server_start(const char *address, const struct http_limits *limits, struct tls_ctx *tls)
{
    struct server *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->big = malloc(BIG_BYTES);
    assert_non_null(s->big);
    memset(s->big, 'b', BIG_BYTES);
    s->loop = loop_new();
    if (memory_max_bytes > 0)
        loop_set_memory_max(s->loop, memory_max_bytes);
    struct error e = {0};
    struct listener_conf conf = {.address = address, .limits = *limits, .tls = tls, .handler = on_request, .arg = s};
    if (listener_open(s->loop, &conf, &s->ls, &e) != ERR_OK)
        fail_msg("listener_open: %s", e.detail);
    s->port = listener_port(s->ls);
    assert_int_equal(pipe(s->command), 0);
    assert_int_equal(pipe(s->done), 0);
    s->watch = watch_start(s->loop, s->command[0], WATCH_READ, on_command, s);
    assert_int_equal(pthread_create(&s->thread, NULL, server_thread, s), 0);
    return s;
}

static inline void server_stop(struct server *s)
{
    server_command(s, 's');
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    assert_int_equal(atomic_load(&s->off_loop), 0);
    watch_stop(s->watch);
    loop_free(s->loop);
    for (unsigned i = 0; i < s->held_n; i++) { /* an exchange outlives its connection and the loop */
        assert_true(http_peer_gone(s->held[i]));
        answer_text(s->held[i], 200, "late");
    }
    for (int i = 0; i < 2; i++) {
        close(s->command[i]);
        close(s->done[i]);
    }
    free(s->big);
    free(s);
}

/* ---- client ---- */

struct client {
    int fd;
    char *buf;
    size_t n;
    size_t cap;
    bool eof;
    bool reset;
};

struct answer {
    int status;
    bool close;
    bool has_date;
    bool has_server;
    size_t body_n;
    char head[2048];
    char body[512]; /* its beginning */
};

static inline void client_init(struct client *c, int fd)
{
    *c = (struct client){.fd = fd, .cap = 64 * 1024};
    c->buf = malloc(c->cap);
    assert_non_null(c->buf);
}

static inline void client_open_from(struct client *c, int port, const char *from)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (from != NULL) {
        struct sockaddr_in own = {.sin_family = AF_INET};
        inet_pton(AF_INET, from, &own.sin_addr);
        assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    }
    inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
    int rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
    if (rc != 0)
        fail_msg("connect to port %d: %s", port, strerror(errno));
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    client_init(c, fd);
}

static inline void client_open(struct client *c, int port)
{
    client_open_from(c, port, NULL);
}

static inline void client_open_unix(struct client *c, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    client_init(c, fd);
}

static inline void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->buf);
    c->buf = NULL;
}

/* false: the other side has gone. */
static inline bool client_send(struct client *c, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t sent = send(c->fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline bool client_say(struct client *c, const char *text)
{
    return client_send(c, text, strlen(text));
}

/* Reads once, waiting at most so long; false: nothing came. */
static inline bool client_fill(struct client *c, int wait_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (c->eof || poll(&p, 1, wait_ms) <= 0)
        return false;
    if (c->n == c->cap) {
        c->cap *= 2;
        c->buf = realloc(c->buf, c->cap);
        assert_non_null(c->buf);
    }
    ssize_t got = recv(c->fd, c->buf + c->n, c->cap - c->n, 0);
    if (got <= 0) {
        c->eof = true;
        c->reset = got < 0;
        return false;
    }
    c->n += (size_t)got;
    return true;
}

static inline const char *header_in(const char *head, const char *name)
{
    for (const char *p = strstr(head, "\r\n"); p != NULL; p = strstr(p + 2, "\r\n"))
        if (strncasecmp(p + 2, name, strlen(name)) == 0 && p[2 + strlen(name)] == ':')
            return p + 2 + strlen(name) + 2;
    return NULL;
}

/* The next answer; false at the end of the stream or when nothing comes in time. */
static inline bool client_answer(struct client *c, bool is_head, int wait_ms, struct answer *a)
{
    memset(a, 0, sizeof(*a));
    const char *end = NULL;
    while ((end = memmem(c->buf, c->n, "\r\n\r\n", 4)) == NULL)
        if (!client_fill(c, wait_ms))
            return false;
    size_t head_n = (size_t)(end - c->buf) + 4;
    assert_true(head_n < sizeof(a->head));
    memcpy(a->head, c->buf, head_n);
    assert_int_equal(strncmp(a->head, "HTTP/1.1 ", 9), 0);
    a->status = (int)strtol(a->head + 9, NULL, 10);
    const char *connection = header_in(a->head, "Connection");
    a->close = connection != NULL && strncmp(connection, "close", 5) == 0;
    a->has_date = header_in(a->head, "Date") != NULL;
    const char *product = header_in(a->head, "Server");
    a->has_server = product != NULL && strncmp(product, "zapisd\r\n", 8) == 0;
    const char *length = header_in(a->head, "Content-Length");
    assert_true(length != NULL || a->status == 100 || a->status == 204);
    a->body_n = length == NULL || is_head ? 0 : strtoul(length, NULL, 10);
    while (c->n < head_n + a->body_n)
        if (!client_fill(c, wait_ms))
            return false;
    size_t copy = a->body_n < sizeof(a->body) - 1 ? a->body_n : sizeof(a->body) - 1;
    memcpy(a->body, c->buf + head_n, copy);
    memmove(c->buf, c->buf + head_n + a->body_n, c->n - head_n - a->body_n);
    c->n -= head_n + a->body_n;
    return true;
}

/* Did the server end the connection, in order and with nothing more said? */
static inline bool client_sees_end(struct client *c, int wait_ms)
{
    if (c->n > 0 || client_fill(c, wait_ms))
        return false;
    return c->eof && !c->reset;
}

static inline uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline void pause_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Polls, because the other side is a thread of its own. */
#define EVENTUALLY(condition)                                                                                          \
    do {                                                                                                               \
        uint64_t until_ = now_ms() + PATIENT_MS;                                                                       \
        bool is_met_ = false;                                                                                          \
        while (!(is_met_ = (condition)) && now_ms() < until_)                                                          \
            pause_ms(2);                                                                                               \
        if (!is_met_)                                                                                                  \
            fail_msg("never: %s", #condition);                                                                         \
    } while (0)
