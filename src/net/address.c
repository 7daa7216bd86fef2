/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Where to listen: "127.0.0.1:8180", "[::1]:8180", "unix:/path", "fd:3". Numbers only: a name server has no
 * say in where a daemon can be reached.
 */
#include "conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX      "unix:"
#define FD_PREFIX        "fd:"
#define SOCKET_FILE_MODE 0660

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool number_parse(const char *text, long max, long *out)
{
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 9)
        return false;
    char *end = NULL;
    *out = strtol(text, &end, 10);
    return *end == '\0' && *out <= max;
}

static bool inet_parse(const char *address, struct sockaddr_storage *out, socklen_t *size)
{
    const char *colon = strrchr(address, ':');
    long port = 0;
    char host[INET6_ADDRSTRLEN] = "";
    if (colon == NULL || !number_parse(colon + 1, 65535, &port))
        return false;
    bool is_v6 = address[0] == '[' && colon > address + 1 && colon[-1] == ']';
    const char *from = is_v6 ? address + 1 : address;
    size_t n = (size_t)((is_v6 ? colon - 1 : colon) - from);
    if (n == 0 || n >= sizeof(host))
        return false;
    memcpy(host, from, n);
    host[n] = '\0';
    memset(out, 0, sizeof(*out));
    if (is_v6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *size = sizeof(*v6);
        return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    *size = sizeof(*v4);
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4->sin_addr) == 1;
}

static bool sockaddr_is_local(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_UNIX)
        return true;
    if (sa->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24 == 127;
    if (sa->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
    return false;
}

bool address_is_local(const char *address)
{
    struct sockaddr_storage sa = {0};
    socklen_t size = sizeof(sa);
    long fd = -1;
    if (starts_with(address, UNIX_PREFIX))
        return true;
    if (starts_with(address, FD_PREFIX))
        return number_parse(address + strlen(FD_PREFIX), 65535, &fd) &&
               getsockname((int)fd, (struct sockaddr *)&sa, &size) == 0 && sockaddr_is_local((struct sockaddr *)&sa);
    return inet_parse(address, &sa, &size) && sockaddr_is_local((struct sockaddr *)&sa);
}

bool address_is_v4(const struct sockaddr *sa, struct in_addr *v4)
{
    const struct sockaddr_in6 *v6 = (const void *)sa;
    if (sa->sa_family == AF_INET)
        *v4 = ((const struct sockaddr_in *)(const void *)sa)->sin_addr;
    else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        memcpy(v4, v6->sin6_addr.s6_addr + 12, sizeof(*v4));
    else
        return false;
    return true;
}

void address_format(const struct sockaddr *sa, char *out, size_t n)
{
    char host[INET6_ADDRSTRLEN] = "";
    struct in_addr v4;
    if (address_is_v4(sa, &v4)) {
        inet_ntop(AF_INET, &v4, host, sizeof(host));
        snprintf(out, n, "%s:%u", host, ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port));
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)sa;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        snprintf(out, n, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        snprintf(out, n, "unix");
    }
}

/* ---- binding ---- */

static enum err inherited(const char *address, int *fd, bool *is_pipe, struct error *e)
{
    long number = -1;
    struct sockaddr_storage sa = {0};
    socklen_t size = sizeof(sa);
    int type = 0;
    socklen_t type_size = sizeof(type);
    if (!number_parse(address + strlen(FD_PREFIX), 65535, &number))
        return error_set(e, ERR_CONFIG, "listen address \"%s\": not a descriptor number", address);
    if (getsockname((int)number, (struct sockaddr *)&sa, &size) != 0 ||
        getsockopt((int)number, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM)
        return error_set(e, ERR_CONFIG, "listen address \"%s\": no stream socket was inherited there", address);
    (void)fcntl((int)number, F_SETFD, FD_CLOEXEC);
    *fd = (int)number;
    *is_pipe = sa.ss_family == AF_UNIX;
    return ERR_OK;
}

/* A file left behind by a process that died is ours to remove; one that somebody answers on is not. */
static enum err stale_remove(const char *path, const struct sockaddr_un *un, struct error *e)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : error_set(e, ERR_CONFIG, "socket %s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return error_set(e, ERR_CONFIG, "socket %s: a file of another kind is in its place", path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return error_set(e, ERR_SYSTEM, "socket: %s", strerror(errno));
    bool dead = connect(probe, (const struct sockaddr *)un, sizeof(*un)) != 0 && errno == ECONNREFUSED;
    close(probe);
    if (!dead)
        return error_set(e, ERR_CONFIG, "socket %s: another process listens there", path);
    if (unlink(path) != 0)
        return error_set(e, ERR_CONFIG, "socket %s: %s", path, strerror(errno));
    return ERR_OK;
}

static enum err unix_bind(const char *path, int *fd, struct error *e)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof(un.sun_path))
        return error_set(e, ERR_CONFIG, "socket \"%s\": an absolute path of at most %zu bytes is needed", path,
                         sizeof(un.sun_path) - 1);
    memcpy(un.sun_path, path, strlen(path));
    enum err rc = stale_remove(path, &un, e);
    if (rc != ERR_OK)
        return rc;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return error_set(e, ERR_SYSTEM, "socket: %s", strerror(errno));
    mode_t before = umask(0777 & ~SOCKET_FILE_MODE); /* no moment in which everybody may connect */
    int bound = bind(s, (const struct sockaddr *)&un, sizeof(un));
    int why = errno;
    umask(before);
    if (bound != 0) {
        close(s);
        return error_set(e, ERR_CONFIG, "socket %s: %s", path, strerror(why));
    }
    (void)chmod(path, SOCKET_FILE_MODE);
    *fd = s;
    return ERR_OK;
}

static enum err inet_bind(const char *address, int *fd, struct error *e)
{
    struct sockaddr_storage sa;
    socklen_t size = 0;
    if (!inet_parse(address, &sa, &size))
        return error_set(e, ERR_CONFIG,
                         "listen address \"%s\": expected 127.0.0.1:8180, [::1]:8180, unix:/path or fd:3", address);
    int s = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return error_set(e, ERR_SYSTEM, "socket: %s", strerror(errno));
    int on = 1;
    (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(s, (const struct sockaddr *)&sa, size) != 0) {
        int why = errno;
        close(s);
        return error_set(e, ERR_CONFIG, "listen address %s: %s", address, strerror(why));
    }
    *fd = s;
    return ERR_OK;
}

enum err address_bind(const char *address, int *fd, bool *is_pipe, const char **path_made, struct error *e)
{
    *is_pipe = false;
    *path_made = NULL;
    if (starts_with(address, FD_PREFIX))
        return inherited(address, fd, is_pipe, e);
    if (!starts_with(address, UNIX_PREFIX))
        return inet_bind(address, fd, e);
    const char *path = address + strlen(UNIX_PREFIX);
    enum err rc = unix_bind(path, fd, e);
    if (rc != ERR_OK)
        return rc;
    *is_pipe = true;
    *path_made = path;
    return ERR_OK;
}
