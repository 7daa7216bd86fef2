/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The door: a few connections a turn, so that those inside are not kept waiting; those that are too many are told so.
 *
 * Not libuv's own accepting: when descriptors run out that closes whoever waits without a word. Here a spare one is
 * given up for a moment, and each is answered with 503, counted and told of. Before it comes to that the number of
 * connections is bounded by what loop_set_connections_max() says; what else needs descriptors (database, files at a
 * reload, /metrics) is left out of it.
 */
#include "conn.h"

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG         1024
#define ACCEPTED_A_TURN 32
#define TURNED_AWAY_MAX 128 /* who are being told so at the same time; more are cut off without a word */
#define PAUSE_MS        100 /* no accepting for so long, when not even the spare descriptor helps */
#define ADMIN_BESIDE    2   /* connections of an admin address, beside the bound for all */
#define MAKE_WAY_MAX    16  /* for one newcomer: a plain connection holds less memory than one with TLS */

void loop_set_connections_max(struct loop *l, unsigned n)
{
    l->connections_max = n;
}

static unsigned turned_away_max(const struct loop *l)
{
    return l->connections_max / 4 < TURNED_AWAY_MAX ? l->connections_max / 4 : TURNED_AWAY_MAX;
}

struct shortage {
    const char *reason; /* NULL: there is none */
    struct places *places;
};

static struct shortage shortage_of(struct listener *ls)
{
    struct loop *l = ls->loop;
    unsigned beside = ls->is_admin ? ADMIN_BESIDE : 0;
    if (ls->connections >= ls->limits.connections_max)
        return (struct shortage){"too many connections", &ls->places};
    if (l->connections >= l->connections_max + beside)
        return (struct shortage){"too many connections for the descriptors there are", &l->places};
    if (!ls->is_admin && ledger_is_full_of_connections(l->ledger))
        return (struct shortage){"no memory is left for connections", &l->places};
    return (struct shortage){NULL, NULL};
}

/* False: it has gone again. */
static bool fd_key(int fd, struct peer_key *out)
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
        return false;
    peer_key_of((const struct sockaddr *)&peer, out);
    return true;
}

/*
 * Who has most makes way. At an admin address the newcomer's own peer may be asked too: a connection there ends with
 * its answer, so the oldest of those that wait has nothing to ask, and all monitors of one machine are one peer.
 */
static bool make_way(struct listener *ls, struct places *short_of, const struct peer_key *newcomer)
{
    return conn_place_take(short_of, newcomer) || (ls->is_admin && conn_place_take(&ls->places, NULL));
}

/* The reason why there is no place; NULL: there is one. */
static const char *place_find(struct listener *ls, int fd)
{
    struct peer_key key;
    struct shortage s = shortage_of(ls);
    if (s.reason == NULL || !fd_key(fd, &key))
        return s.reason;
    for (unsigned n = 0; s.reason != NULL && n < MAKE_WAY_MAX && make_way(ls, s.places, &key); n++)
        s = shortage_of(ls);
    return s.reason;
}

static void say_no(const struct listener *ls, int fd)
{
    static const char text[] = CONN_NO_PLACE;
    char heard[4096];
    if (ls->tls == NULL)
        (void)send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    (void)recv(fd, heard, sizeof(heard), MSG_DONTWAIT); /* else the reset overtakes the answer */
    close(fd);
}

static void fd_peer(int fd, char out[CONN_PEER_SIZE])
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    out[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0)
        address_format((const struct sockaddr *)&peer, out, CONN_PEER_SIZE);
}

/* NULL: it could not be taken, and is closed. */
static struct conn *conn_open(struct listener *ls, int fd)
{
    struct conn *c = conn_new(ls->loop, ls, ls->is_pipe);
    ls->connections++;
    int rc = ls->is_pipe ? uv_pipe_open(&c->io.pipe, fd) : uv_tcp_open(&c->io.tcp, fd);
    if (rc == 0)
        return c;
    refusal_tell(ls->loop, LOG_LEVEL_ERROR, &(struct refusal){.reason = "accept failed", .detail = uv_strerror(rc)});
    close(fd);
    conn_close(c);
    return NULL;
}

/* A few are answered at leisure, so that no reset overtakes the answer; in a crowd it is said and shut: it takes no
 * memory that somebody else was to have. */
static void turn_away(struct listener *ls, int fd, const char *reason)
{
    if (ls->tls != NULL || ledger_is_full_of_connections(ls->loop->ledger) ||
        ls->turned_away >= turned_away_max(ls->loop)) {
        char peer[CONN_PEER_SIZE];
        fd_peer(fd, peer);
        refusal_tell(ls->loop, LOG_LEVEL_WARNING, &(struct refusal){.status = 503, .reason = reason, .peer = peer});
        say_no(ls, fd);
        return;
    }
    struct conn *c = conn_open(ls, fd);
    if (c == NULL)
        return;
    c->turned_away = true;
    ls->connections--;
    ls->turned_away++;
    conn_begin(c);
    refusal_tell(ls->loop, LOG_LEVEL_WARNING, &(struct refusal){.status = 503, .reason = reason, .peer = c->peer});
    conn_refuse(c, 503, reason, "Retry-After: 5\r\n");
}

static void let_in(struct listener *ls, int fd)
{
    const char *reason = place_find(ls, fd);
    if (reason != NULL) {
        turn_away(ls, fd, reason);
        return;
    }
    struct conn *c = conn_open(ls, fd);
    if (c != NULL)
        conn_begin(c);
}

/* ---- without descriptors ---- */

static void accept_spare_open(struct loop *l)
{
    if (l->spare_fd < 0)
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_pause_over(uv_timer_t *timer);

static void accept_pause(struct listener *ls)
{
    (void)uv_poll_stop(&ls->io);
    (void)uv_timer_start(&ls->pause, on_pause_over, PAUSE_MS, 0);
}

/* Gives up the spare descriptor for as long as it takes to refuse one, or to find somebody who makes way for it. */
static bool refuse_one(struct listener *ls, int error)
{
    struct loop *l = ls->loop;
    int fd = -1;
    if (l->spare_fd >= 0) {
        close(l->spare_fd);
        l->spare_fd = -1;
        fd = accept4(ls->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    struct peer_key key;
    if (fd >= 0 && fd_key(fd, &key) && make_way(ls, &l->places, &key)) {
        accept_spare_open(l);
        let_in(ls, fd);
        return true;
    }
    if (fd >= 0)
        say_no(ls, fd);
    refusal_tell(l, LOG_LEVEL_ERROR,
                 &(struct refusal){
                     .status = fd >= 0 ? 503 : 0, .reason = "no descriptor is left", .detail = uv_strerror(-error)});
    accept_spare_open(l);
    if (fd < 0)
        accept_pause(ls);
    return fd >= 0;
}

static bool accept_failed(struct listener *ls, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return refuse_one(ls, error);
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return true; /* the connection failed before we had it: nobody's trouble but that client's */
    default:
        refusal_tell(ls->loop, LOG_LEVEL_ERROR,
                     &(struct refusal){.reason = "accept failed", .detail = uv_strerror(-error)});
        accept_pause(ls);
        return false;
    }
}

/* ---- the door ---- */

static void on_acceptable(uv_poll_t *handle, int status, int events)
{
    struct listener *ls = handle->data;
    bool goes_on = status == 0 && (events & UV_READABLE) != 0;
    for (unsigned n = 0; goes_on && n < ACCEPTED_A_TURN && !uv_is_closing((uv_handle_t *)handle); n++) {
        bool is_without = !ls->is_admin && FAULT_TAKEN(accepting);
        int fd = is_without ? -1 : accept4(ls->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            let_in(ls, fd);
        else
            goes_on = accept_failed(ls, is_without ? EMFILE : errno);
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    struct listener *ls = timer->data;
    accept_spare_open(ls->loop);
    (void)uv_poll_start(&ls->io, UV_READABLE, on_acceptable);
}

int accept_begin(struct listener *ls, int fd)
{
    if (listen(fd, BACKLOG) != 0)
        return -errno;
    int rc = uv_poll_init(&ls->loop->uv, &ls->io, fd); /* makes it non-blocking, inherited or not */
    if (rc != 0)
        return rc;
    (void)uv_timer_init(&ls->loop->uv, &ls->pause);
    ls->fd = fd;
    ls->handles = 2;
    ls->io.data = ls->pause.data = ls;
    accept_spare_open(ls->loop);
    return uv_poll_start(&ls->io, UV_READABLE, on_acceptable);
}

void accept_end(struct listener *ls, uv_close_cb closed)
{
    if (ls->handles == 0 || uv_is_closing((uv_handle_t *)&ls->io))
        return;
    uv_close((uv_handle_t *)&ls->pause, closed);
    uv_close((uv_handle_t *)&ls->io, closed);
    close(ls->fd); /* whoever comes now is refused by the system */
    ls->fd = -1;
}
