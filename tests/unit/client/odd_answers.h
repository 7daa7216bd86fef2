/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the odd server does, by the first segment of the path. */
#pragma once

#include "odd_server.h"

#include <poll.h>

#define ODD_BODY "<answer>0123456789</answer>"
static const char odd_sized[] = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 27\r\n\r\n" ODD_BODY;
static const char odd_chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "9\r\n<answer>0\r\n12\r\n123456789</answer>\r\n0\r\nX-End: yes\r\n\r\n";

static bool odd_ends(const char *text, size_t n, struct odd_conn *c)
{
    (void)odd_send(c->fd, text, n);
    return false;
}

/* With RST, and what was not read is lost. */
static void odd_break(struct odd_conn *c)
{
    struct linger hard = {.l_onoff = 1};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

static void odd_wait(struct odd_conn *c, int ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    (void)poll(&p, 1, ms);
}

static bool odd_drip(struct odd_conn *c, unsigned long ms)
{
    if (!odd_say(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
        return false;
    while (odd_say(c->fd, "x"))
        (void)usleep((useconds_t)ms * 1000);
    return false;
}

static bool odd_endless(struct odd_conn *c, const char *text)
{
    while (odd_say(c->fd, text))
        ;
    return false;
}

static bool odd_echo(struct odd_conn *c, const struct odd_request *r, const char *first)
{
    char head[200];
    (void)snprintf(head, sizeof head, "%sHTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n",
                   first, r->body_n);
    return odd_say(c->fd, head) && odd_send(c->fd, r->body, r->body_n);
}

static bool odd_big(struct odd_conn *c, unsigned long n)
{
    char head[100];
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\n\r\n", n);
    bool is_good = odd_say(c->fd, head);
    char *body = malloc(n);
    memset(body, 'b', n);
    is_good = is_good && odd_send(c->fd, body, n);
    free(body);
    return is_good;
}

/* A kept connection that ends when it is used again: read first, or not even that. */
static bool odd_kept(struct odd_conn *c, const struct odd_request *r)
{
    if (c->asked == 0)
        return odd_echo(c, r, "");
    if (r->number == 1)
        odd_break(c);
    return false;
}

static bool odd_answer(struct odd_conn *c, struct odd_request *r)
{
#define IS(word) (strcmp(r->what, word) == 0)
    if (IS("echo"))
        return odd_echo(c, r, "");
    if (IS("cut"))
        return odd_ends(odd_sized, r->number, c);
    if (IS("cut-chunks"))
        return odd_ends(odd_chunked, r->number, c);
    if (IS("drip"))
        return odd_drip(c, r->number);
    if (IS("big"))
        return odd_big(c, r->number);
    if (IS("silent"))
        return odd_wait(c, r->number == 0 ? 60000 : (int)r->number), r->number != 0 && odd_echo(c, r, "");
    if (IS("nothing"))
        return false;
    if (IS("reset"))
        return odd_break(c), false;
    if (IS("head"))
        return odd_say(c->fd, "HTTP/1.1 200 OK\r\n") && odd_endless(c, "X-More: and more and more and more\r\n");
    if (IS("interim"))
        return odd_endless(c, "HTTP/1.1 100 Continue\r\n\r\n");
    if (IS("continue"))
        return odd_echo(c, r, "HTTP/1.1 100 Continue\r\n\r\n");
    if (IS("redirect"))
        return odd_say(c->fd, "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    if (IS("unauthorized"))
        return odd_say(c->fd, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
    if (IS("html"))
        return odd_say(c->fd, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>");
    if (IS("cookie"))
        return odd_say(c->fd, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; path=/\r\nContent-Length: 0\r\n\r\n");
    if (IS("packed"))
        return odd_say(c->fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
    if (IS("old"))
        return odd_ends("just words", 10, c);
    if (IS("deaf"))
        return odd_wait(c, 60000), false;
    if (IS("kept"))
        return odd_kept(c, r);
    if (IS("once"))
        return odd_echo(c, r, ""), false;
    if (IS("early")) /* an answer before the rest of the request, which is never read */
        return odd_break(c), odd_say(c->fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"), odd_wait(c, 300),
               false;
    return false;
}
