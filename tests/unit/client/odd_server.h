/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A server of HTTP that does what it is asked to, a thread a connection: the first segment of the path says what is
 * done with the request, the number behind it how. It counts what it has seen, which is what a call's fate is judged
 * by.
 */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct odd_request {
    char head[8192];
    size_t head_n;
    char *body;
    size_t body_n;
    char what[64];
    unsigned long number;
};

struct odd_server {
    int fd, port;
    pthread_t thread;
    atomic_uint connections, requests, working, working_max, octets;
    atomic_uint numbered[100]; /* requests with this number in their path */
    char last_head[8192];
};

struct odd_conn {
    struct odd_server *s;
    int fd;
    unsigned asked; /* requests of this connection */
};

static bool odd_send(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool odd_say(int fd, const char *text)
{
    return odd_send(fd, text, strlen(text));
}

static bool odd_read_head(struct odd_conn *c, struct odd_request *r)
{
    while (r->head_n + 1 < sizeof r->head) {
        if (recv(c->fd, r->head + r->head_n, 1, 0) != 1)
            return false;
        atomic_fetch_add(&c->s->octets, 1);
        r->head[++r->head_n] = '\0';
        if (r->head_n >= 4 && strcmp(r->head + r->head_n - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static bool odd_read(struct odd_conn *c, struct odd_request *r)
{
    memset(r, 0, sizeof *r);
    if (!odd_read_head(c, r))
        return false;
    const char *path = strchr(r->head, ' ');
    if (path == NULL || sscanf(path, " /%63[a-z-]/%lu", r->what, &r->number) < 1)
        return false;
    const char *length = strcasestr(r->head, "\r\nContent-Length:");
    size_t wanted = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
    r->body = calloc(1, wanted + 1);
    bool is_left = strcmp(r->what, "early") == 0 || strcmp(r->what, "deaf") == 0;
    while (!is_left && r->body_n < wanted) {
        ssize_t n = recv(c->fd, r->body + r->body_n, wanted - r->body_n, 0);
        if (n <= 0)
            return false;
        r->body_n += (size_t)n;
    }
    memcpy(c->s->last_head, r->head, sizeof r->head);
    atomic_fetch_add(&c->s->requests, 1);
    if (r->number < 100)
        atomic_fetch_add(&c->s->numbered[r->number], 1);
    return true;
}

/* True: the connection is kept. */
static bool odd_answer(struct odd_conn *c, struct odd_request *r);

static void *odd_connection(void *arg)
{
    struct odd_conn *c = arg;
    struct odd_request r;
    bool is_kept = true;
    while (is_kept && odd_read(c, &r)) {
        unsigned now = atomic_fetch_add(&c->s->working, 1) + 1;
        unsigned max = atomic_load(&c->s->working_max);
        while (now > max && !atomic_compare_exchange_weak(&c->s->working_max, &max, now))
            ;
        is_kept = odd_answer(c, &r);
        atomic_fetch_sub(&c->s->working, 1);
        c->asked++;
        free(r.body);
        r.body = NULL;
    }
    free(r.body);
    close(c->fd);
    free(c);
    return NULL;
}

static void *odd_accept(void *arg)
{
    struct odd_server *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct odd_conn *c = calloc(1, sizeof *c);
        *c = (struct odd_conn){.s = s, .fd = fd};
        atomic_fetch_add(&s->connections, 1);
        pthread_t t;
        if (pthread_create(&t, NULL, odd_connection, c) != 0)
            abort();
        pthread_detach(t);
    }
}

static int odd_listen(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 256) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        abort();
    *port = ntohs(a.sin_port);
    return fd;
}

static void odd_start(struct odd_server *s)
{
    memset(s, 0, sizeof *s);
    s->fd = odd_listen(&s->port);
    if (pthread_create(&s->thread, NULL, odd_accept, s) != 0)
        abort();
}

static void odd_stop(struct odd_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}
