/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whether anybody still waits for an answer. The end of what a client sends looks the same from one that has closed its
 * connection and from one that has only said its last word and listens. To something said the one answers with a reset
 * and the other with silence; so a client who has ended is sent the only thing that may precede any answer, a
 * 100 Continue, and the socket is looked at again when the question is put again. Asked for a socket that is still
 * open both ways it costs nothing.
 */
#include "conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static bool pipe_is_closed(int fd)
{
    struct pollfd p = {.fd = fd};
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* TCP_ESTABLISHED until the peer ends, then TCP_CLOSE_WAIT, and TCP_CLOSE after a reset. */
static int tcp_state(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_state : TCP_CLOSE;
}

/* Once, and not while a worker has the TLS filter: the question is put again. */
static void conn_probe(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (c->probed || c->tls_broken || c->tls_lent || (c->state != CONN_SERVING && c->state != CONN_FINISHING))
        return;
    c->probed = true;
    conn_write_plain(c, text, sizeof text - 1);
}

static bool conn_peer_gone(struct conn *c, const struct exchange *x)
{
    uv_os_fd_t fd = -1;
    if (c->reading && !c->eof)
        return false;
    if (uv_fileno(&c->io.any, &fd) != 0)
        return true;
    if (c->listener->is_pipe)
        return pipe_is_closed(fd);
    int state = tcp_state(fd);
    if (state == TCP_CLOSE_WAIT && x->message != NULL && x->message->version_minor == 1)
        conn_probe(c);
    return state == TCP_CLOSE;
}

bool http_peer_gone(const struct exchange *x)
{
    return x->conn == NULL || conn_peer_gone(x->conn, x);
}
