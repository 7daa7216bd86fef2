/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* By which host and port a request came: what may be told to others as ours (RFC 9112 section 3.3). */
#include "conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* "every address of this machine" in any of its spellings, which is none to ask. */
static bool is_unspecified(const char *host, size_t n)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    bool is_bracketed = n > 1 && host[0] == '[';
    if (is_bracketed)
        host++, n -= 2;
    if (n == 0 || n >= sizeof text)
        return n == 0;
    memcpy(text, host, n);
    text[n] = '\0';
    if (!is_bracketed)
        return inet_aton(text, &v4) != 0 && v4.s_addr == 0;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return true;
    memcpy(&v4, v6.s6_addr + 12, sizeof v4);
    return IN6_IS_ADDR_UNSPECIFIED(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v4.s_addr == 0);
}

/* Without an empty port; NULL: no address. The parser has let in a host with a port and nothing else. */
static const char *asked_as(struct arena *a, const char *authority)
{
    size_t n = authority == NULL ? 0 : strlen(authority);
    const char *closing = n > 0 ? strchr(authority, ']') : NULL;
    const char *colon = n > 0 ? strchr(closing != NULL ? closing : authority, ':') : NULL;
    size_t host_n = colon != NULL ? (size_t)(colon - authority) : n;
    if (is_unspecified(authority, host_n))
        return NULL;
    return arena_strndup(a, authority, colon != NULL && colon[1] == '\0' ? host_n : n);
}

static const char *arrived_at(struct arena *a, const struct conn *c)
{
    struct sockaddr_storage local = {0};
    socklen_t size = sizeof local;
    uv_os_fd_t fd = -1;
    char text[CONN_PEER_SIZE];
    if (c == NULL || c->listener->is_pipe || uv_fileno(&c->io.any, &fd) != 0 ||
        getsockname(fd, (struct sockaddr *)&local, &size) != 0)
        return NULL;
    address_format((struct sockaddr *)&local, text, sizeof text);
    return arena_strdup(a, text);
}

const char *http_host(const struct http_request *req)
{
    const struct http_message *m = req->exchange->message;
    const char *asked = asked_as(m->arena, m->authority != NULL ? m->authority : http_message_header(m, "Host"));
    return asked != NULL ? asked : arrived_at(m->arena, req->exchange->conn);
}
