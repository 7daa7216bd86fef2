/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Listeners: an address bound, connections counted, draining, the end (reliability F11). Who is let in: accept.c.
 */
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

const struct http_limits http_limits_default = {
    .head_max_bytes = 16 * 1024,
    .headers_max = 64,
    .body_max_bytes = 1024 * 1024,
    .head_timeout_ms = 10 * 1000,
    .body_timeout_ms = 30 * 1000,
    .body_rate_min_bytes = 500,
    .idle_timeout_ms = 75 * 1000,
    .write_timeout_ms = 30 * 1000,
    .pipeline_max = 8,
    .connections_max = 10 * 1000,
};

/* ---- end ---- */

static void path_unlink(struct listener *ls)
{
    struct stat st;
    if (ls->unlink_path == NULL)
        return;
    /* a successor may have put its own socket there */
    if (lstat(ls->unlink_path, &st) == 0 && st.st_dev == ls->unlink_dev && st.st_ino == ls->unlink_ino)
        (void)unlink(ls->unlink_path);
    free(ls->unlink_path);
    ls->unlink_path = NULL;
}

static void drained_tell(void *arg)
{
    struct listener *ls = arg;
    loop_fn drained = ls->drained;
    ls->drained = NULL;
    if (drained != NULL)
        drained(ls->drained_arg);
}

static void end_if_empty(struct listener *ls)
{
    if (ls->handles > 0 || ls->conns != NULL)
        return;
    if (ls->freed) {
        places_fini(&ls->places);
        tls_ctx_unref(ls->tls);
        free(ls);
    } else if (ls->draining && ls->drained != NULL) {
        loop_chore(ls->loop, &ls->chore);
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *ls = handle->data;
    ls->handles--;
    end_if_empty(ls);
}

static void accepting_stop(struct listener *ls)
{
    path_unlink(ls);
    accept_end(ls, on_listener_closed);
}

void listener_place_free(struct listener *ls, const struct conn *c)
{
    ls->loop->connections--;
    if (c->turned_away)
        ls->turned_away--;
    else
        ls->connections--;
}

void listener_conn_gone(struct listener *ls)
{
    end_if_empty(ls);
}

void listener_drain(struct listener *ls, loop_fn drained, void *arg)
{
    if (ls->draining)
        return;
    ls->draining = true;
    ls->drained = drained;
    ls->drained_arg = arg;
    accepting_stop(ls);
    for (struct conn *c = ls->conns; c != NULL; c = c->next)
        conn_drain(c);
    end_if_empty(ls);
}

void listener_free(struct listener *ls)
{
    if (ls == NULL || ls->freed)
        return;
    ls->freed = true;
    ls->drained = NULL;
    loop_chore_drop(ls->loop, &ls->chore);
    *ls->link = ls->next;
    if (ls->next != NULL)
        ls->next->link = ls->link;
    accepting_stop(ls);
    for (struct conn *c = ls->conns; c != NULL; c = c->next)
        conn_close(c);
    end_if_empty(ls);
}

void listener_set_tls(struct listener *ls, struct tls_ctx *tls)
{
    struct tls_ctx *before = ls->tls;
    ls->tls = tls != NULL ? tls_ctx_ref(tls) : NULL;
    tls_ctx_unref(before);
}

unsigned listener_connections(const struct listener *ls)
{
    return ls->connections;
}

/* ---- beginning ---- */

static void path_remember(struct listener *ls, const char *path)
{
    struct stat st;
    if (path == NULL || lstat(path, &st) != 0)
        return;
    ls->unlink_path = net_alloc(strlen(path) + 1);
    memcpy(ls->unlink_path, path, strlen(path));
    ls->unlink_dev = st.st_dev;
    ls->unlink_ino = st.st_ino;
}

/* The kernel's share of a connection; inherited by those that are accepted. Left alone it would grow to megabytes. */
static void buffers_set(int fd)
{
    static const int receive = 64 * 1024, send = 128 * 1024;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send));
}

enum err listener_open(struct loop *l, const struct listener_conf *conf, struct listener **out, struct error *e)
{
    int fd = -1;
    bool is_pipe = false;
    const char *path = NULL;
    const struct http_limits *limits = &conf->limits;
    *out = NULL;
    if (limits->pipeline_max == 0 || limits->connections_max == 0 || limits->headers_max == 0 ||
        limits->head_max_bytes == 0)
        return error_set(e, ERR_CONFIG, "listen address %s: a limit is zero", conf->address);
    enum err rc = address_bind(conf->address, &fd, &is_pipe, &path, e);
    if (rc != ERR_OK)
        return rc;
    struct listener *ls = net_alloc(sizeof(*ls));
    ls->loop = l;
    ls->limits = *limits;
    listener_set_tls(ls, conf->tls);
    ls->handler = conf->handler;
    ls->arg = conf->arg;
    ls->is_pipe = is_pipe;
    ls->chore.fn = drained_tell;
    ls->chore.arg = ls;
    ls->is_admin = conf->is_admin;
    ls->next = l->listeners;
    ls->link = &l->listeners;
    if (ls->next != NULL)
        ls->next->link = &ls->next;
    l->listeners = ls;
    path_remember(ls, path);
    if (!is_pipe)
        buffers_set(fd);
    int uv = accept_begin(ls, fd);
    if (uv != 0) {
        if (ls->handles == 0) /* else it goes with the handles */
            close(fd);
        listener_free(ls);
        return error_set(e, ERR_CONFIG, "listen address %s: %s", conf->address, uv_strerror(uv));
    }
    *out = ls;
    return ERR_OK;
}
