/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * libcurl's multi interface on the loop: it says which descriptors and which time it waits for, and is told. A
 * descriptor is never closed before its watch has ended, which would be the end of libuv.
 */
#include "client_private.h"

#include "log.h"

#include <stdlib.h>
#include <unistd.h>

#define KEPT_MAX 32 /* connections that wait for the next call */

struct socket_watch {
    struct client *client;
    struct socket_watch *next;
    curl_socket_t fd;
    int events;
    struct watch *watch;
};

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    log_event(LOG_LEVEL_ERROR, "client-broken", "call", what, NULL);
    abort();
}

/* ---- libcurl is told ---- */

static void collect(struct client *c)
{
    int left = 0;
    const CURLMsg *m;
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct client_call *call = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = m->data.result; /* m does not outlive the end of its transfer */
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        transfer_end(call->transfer, rc);
        client_call_over(call);
    }
    client_turn(c);
}

static void act(struct client *c, curl_socket_t fd, int what)
{
    int running = 0;
    (void)curl_multi_socket_action(c->multi, fd, what, &running);
    collect(c);
}

static void on_time(void *arg)
{
    struct client *c = arg;
    c->multi_timer = NULL;
    act(c, CURL_SOCKET_TIMEOUT, 0);
}

static bool is_watched(const struct client *c, const struct socket_watch *wanted)
{
    for (const struct socket_watch *w = c->watches; w != NULL; w = w->next)
        if (w == wanted)
            return true;
    return false;
}

/*
 * A broken socket is told as such, and as readable: what the peer said before it broke off is still to be had, and
 * libcurl gives up at once what is broken and nothing else. The watch is set again, since it is silent now.
 */
static void on_event(void *arg, int events)
{
    struct socket_watch *w = arg;
    struct client *c = w->client;
    int what =
        ((events & WATCH_READ) != 0 ? CURL_CSELECT_IN : 0) | ((events & WATCH_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    if ((events & WATCH_BROKEN) != 0)
        what = CURL_CSELECT_IN | CURL_CSELECT_ERR;
    int running = 0;
    (void)curl_multi_socket_action(c->multi, w->fd, what, &running);
    if ((events & WATCH_BROKEN) != 0 && is_watched(c, w))
        watch_update(w->watch, w->events);
    collect(c);
}

/* ---- libcurl tells ---- */

static int on_wanted_time(CURLM *multi, long ms, void *arg)
{
    struct client *c = arg;
    (void)multi;
    timer_stop(c->multi_timer);
    c->multi_timer = ms < 0 ? NULL : timer_start(c->loop, (uint64_t)ms, 0, on_time, c);
    return 0;
}

static void unwatch(struct client *c, curl_socket_t fd)
{
    for (struct socket_watch **link = &c->watches; *link != NULL; link = &(*link)->next) {
        struct socket_watch *w = *link;
        if (w->fd != fd)
            continue;
        *link = w->next;
        watch_stop(w->watch);
        free(w);
        return;
    }
}

static int on_wanted_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *per_socket)
{
    struct client *c = arg;
    struct socket_watch *w = per_socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        unwatch(c, fd);
        return 0;
    }
    int events = ((what & CURL_POLL_IN) != 0 ? WATCH_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? WATCH_WRITE : 0);
    if (w == NULL) {
        unwatch(c, fd);
        w = calloc(1, sizeof *w);
        must(w != NULL, "calloc");
        *w = (struct socket_watch){.client = c, .next = c->watches, .fd = fd, .events = events};
        w->watch = watch_start(c->loop, fd, events, on_event, w);
        c->watches = w;
        (void)curl_multi_assign(c->multi, fd, w);
    } else if (w->events != events) {
        w->events = events;
        watch_update(w->watch, events);
    }
    return 0;
}

static int on_wanted_close(void *arg, curl_socket_t fd)
{
    unwatch(arg, fd);
    return close(fd);
}

/* ---- calls ---- */

void multi_begin(struct client_call *call)
{
    struct client *c = call->client;
    struct transfer *t = call->transfer;
    if (!transfer_open(t, call->peer->papers)) {
        client_call_fail(call, CLIENT_UNSENT, ERR_SYSTEM, "libcurl refuses the call");
        return;
    }
    (void)curl_easy_setopt(t->easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_wanted_close);
    (void)curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, c);
    must(curl_multi_add_handle(c->multi, t->easy) == CURLM_OK, "curl_multi_add_handle");
    t->is_added = true;
}

void multi_end(struct client_call *call)
{
    struct transfer *t = call->transfer;
    if (t->is_added)
        must(curl_multi_remove_handle(call->client->multi, t->easy) == CURLM_OK, "curl_multi_remove_handle");
    t->is_added = false;
}

void multi_open(struct client *c)
{
    c->multi = curl_multi_init();
    must(c->multi != NULL, "curl_multi_init");
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_wanted_socket);
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_wanted_time);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    (void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_MAX);
}

void multi_close(struct client *c)
{
    (void)curl_multi_cleanup(c->multi); /* closes what was kept */
    while (c->watches != NULL)
        unwatch(c, c->watches->fd);
    timer_stop(c->multi_timer);
}
