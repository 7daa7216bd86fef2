/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Connections, exchanges and listeners from the inside of this folder.
 *
 *   listener   accepts, counts, drains
 *   conn       one client: bytes in, requests out, answers in order, deadlines
 *   exchange   one request until its answer is on the wire; may outlive its connection, then it is an orphan
 */
#pragma once

#include "http.h"
#include "log.h"
#include "loop.h"
#include "places.h"

#include <netinet/in.h>
#include <sys/types.h>

#define CONN_PEER_SIZE 56
#define CONN_LINGER_MS 2000

enum exchange_state {
    EXCHANGE_WORKING,  /* the handler has it, and owes an answer */
    EXCHANGE_ANSWERED, /* waits until the answers to earlier requests are out */
    EXCHANGE_WRITING,  /* the answer is in the hands of libuv */
};

struct exchange {
    struct conn *conn; /* NULL: the client has gone */
    struct exchange *next;
    enum exchange_state state;
    struct http_message *message; /* NULL once answered */
    struct http_request request;
    bool is_head;
    bool keep_alive;
    struct arena *answer_arena; /* NULL until answered */
    struct http_response answer;
    uv_write_t write;
    unsigned char fingerprint[32];
    struct peer_key key;
    size_t weight; /* bytes of memory, as the ledger has them */
    enum ledger_kind weight_kind;
    struct ledger *orphan_ledger; /* where its bytes are counted when its connection has gone; NULL: it has not */
};

enum conn_state {
    CONN_SERVING,   /* requests are read */
    CONN_FINISHING, /* no more are read; the answers that are still owed go out */
    CONN_LINGERING, /* all is said; waiting for the peer to have read it */
    CONN_CLOSED,    /* the handles are on their way out */
};

enum conn_tls_stage {
    CONN_TLS_SHAKING, /* waits for more of the handshake */
    CONN_TLS_QUEUED,  /* waits for a worker, or has one */
    CONN_TLS_UP,      /* bytes go through */
};

/* What a worker works with beside the filter that was lent to him. */
struct loan {
    enum tls_status status;
    uint64_t cost_us; /* of a step of the handshake */
    char *plain;      /* read by him; [cap] */
    size_t n, cap;
    struct exchange *exchange; /* or to be written by him, a piece a turn */
    struct buf head;
    struct span body;
    struct arena *sealed_in; /* the ciphertext so far; NULL: not begun, or the exchange has it */
    struct buf sealed;
    size_t sealed_n; /* bytes of the body that are in it */
    bool is_broken, is_sealed;
};

struct conn {
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    uv_timer_t timer;
    uv_shutdown_t shutdown;
    struct loop *loop;
    struct listener *listener;
    struct conn *next;
    struct conn **link;
    struct chore chore;

    enum conn_state state;
    bool turned_away; /* it came when there was no place: it gets a 503 and is counted apart from the others */
    bool has_left;    /* it is counted no more; its handles are not closed yet */
    bool reading;
    bool eof;            /* the peer will send nothing more; it may still listen */
    bool owes_linger;    /* something was said that the peer must be able to read */
    bool wants_continue; /* a 100 is due once the answers before it are out */
    bool probed;         /* a 100 was sent to see whether the peer is there (conn_peer.c) */
    bool tls_talking;    /* decrypted bytes have been seen */
    bool tls_broken;
    unsigned handles; /* who still needs this struct: the socket, the timer, a worker who has the TLS filter */

    struct http_parser *parser;
    struct tls *tls; /* NULL: none */
    enum conn_tls_stage tls_stage;
    bool tls_lent; /* a worker has it: nobody else may touch it */
    bool has_fingerprint;
    unsigned tls_steps; /* of the handshake, given to workers */
    unsigned tls_bytes; /* heard before its end */
    size_t tls_unread;  /* ciphertext that waits in the filter; while it is lent, what waited then */
    uint64_t tls_since_ms;
    struct loan loan;
    unsigned char fingerprint[32];
    struct turn handshake_turn; /* its turn while a handshake waits for a worker */
    struct errand errand;       /* its turn while much is to be encrypted or decrypted by a worker */
    struct peer_key key;
    struct claim claim;               /* on memory, see ledger.h */
    struct place place, place_of_all; /* its listener's, and the loop's */
    size_t working_bytes, writing_bytes;
    struct turn pace_turn; /* its turn while it waits to read on */
    uint64_t paced_since_ms;
    uint64_t rate_since_ms; /* the window in which the body must keep its minimum rate */
    size_t rate_bytes;      /* of the body, when it began */
    struct exchange *first; /* those that are not being written yet, in the order of the requests */
    struct exchange **last;
    struct exchange *unsafe; /* in work; what comes behind it waits for its end. NULL: none */
    unsigned in_work;        /* exchanges from the whole request until the answer is written */
    unsigned writes;         /* of any kind, begun and not ended */
    char *held;              /* bytes that came when no more requests could be taken; NULL: none */
    size_t held_at;
    size_t held_n;

    enum http_phase phase;
    uint64_t phase_since_ms;
    uint64_t write_since_ms;
    uint64_t linger_since_ms;
    char peer[CONN_PEER_SIZE];
};

struct conn *conn_new(struct loop *l, struct listener *ls, bool is_pipe); /* its handle is ready for uv_accept() */
void conn_begin(struct conn *c);                                          /* after uv_accept() */
void conn_drain(struct conn *c);                                          /* finish what is begun, then close */
void conn_close(struct conn *c);  /* at once; orphans what the handlers still have */
void conn_reset(struct conn *c);  /* the same, and what was not taken is thrown away */
void conn_let_go(struct conn *c); /* by one of `handles`; the last one frees it */
void conn_tls_failed(struct conn *c);
void conn_queue_add(struct conn *c, struct exchange *x);

/* ---- bytes into requests (conn_take.c) ---- */

bool conn_may_take_bytes(const struct conn *c);
void conn_take_bytes(struct conn *c, const char *p, size_t n); /* plain ones, off the wire or out of the filter */
void conn_take_held(struct conn *c); /* those that came while no more requests could be taken */
void conn_held_drop(struct conn *c);
void conn_eof(struct conn *c);
/* Answers by itself, and reads no more. reason is a static text; extra_headers may be NULL. */
void conn_refuse(struct conn *c, int status, const char *reason, const char *extra_headers);

/* ---- TLS (conn_tls.c) ---- */

void conn_tls_begin(struct conn *c);
void conn_tls_hear(struct conn *c, const char *p, size_t n); /* ciphertext off the wire; nothing while it is lent */
void conn_tls_take(struct conn *c);                          /* what may be decrypted and taken now */
bool conn_tls_is_bulk(const struct conn *c, size_t n);       /* so many bytes are a worker's work */
/* work(c) on a worker, then done(c) on the loop, which calls conn_tls_take_back() before it touches the filter. */
void conn_tls_lend(struct conn *c, loop_fn work, loop_fn done);
/* The same in the turn of its peer. is_begun: it is lent already, and this is the next piece of it. */
void conn_tls_lend_in_turn(struct conn *c, loop_fn work, loop_fn done, bool is_begun);
void conn_tls_call_off(struct conn *c);  /* it is closed: what waits for its turn is done() with at once */
bool conn_tls_take_back(struct conn *c); /* false: it was closed meanwhile, and c is gone perhaps */
void conn_tls_stepped(struct conn *c, enum tls_status status);

/* ---- handshakes, by workers (handshake.c) ---- */

void handshake_join(struct conn *c);
void handshake_leave(struct conn *c); /* harmless when it does not wait there */
void handshake_late(struct conn *c);
void peer_key_of(const struct sockaddr *sa, struct peer_key *out);

/* ---- deadlines (conn_deadline.c) ---- */

void conn_enter_phase(struct conn *c); /* after every step of the parser */
void conn_arm(struct conn *c);

/* ---- memory (conn_memory.c) ---- */

void conn_memory_begin(struct conn *c); /* when the peer is known */
void conn_weigh(struct conn *c);        /* after anything that may have changed what it holds */
void conn_memory_end(struct conn *c);
void exchange_weigh(struct exchange *x);  /* the same after a change of its state or bytes */
void exchange_orphan(struct exchange *x); /* its connection goes; it stays */
void exchange_unweigh(struct exchange *x);

/* ---- places (conn_place.c) ---- */

/* Said to whom nothing more can be said: there is no time to wait until it is read. */
#define CONN_NO_PLACE                                                                                                  \
    "HTTP/1.1 503 Service Unavailable\r\nServer: zapisd\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: "    \
    "5\r\n\r\n"
#define CONN_REASON_PLACE       "a peer with fewer connections took the place"
#define CONN_REASON_PLACE_ADMIN "another question to the admin address took the place"

void conn_place_begin(struct conn *c); /* when the peer is known */
void conn_place_set(struct conn *c);   /* after anything that may have changed what it would lose */
void conn_place_keep(struct conn *c);  /* from now on there is something in work; until the next conn_place_set() */
void conn_place_end(struct conn *c);   /* harmless when repeated */
/* Ends a connection for the newcomer's sake, see places_to_give(); nobody's call may be on its stack. False: none has
 * to make way. */
bool conn_place_take(struct places *all, const struct peer_key *newcomer);

/* ---- turns at reading (conn_pace.c) ---- */

bool conn_is_bulk(const struct conn *c); /* what it sends takes more than one reading */
void conn_pace(struct conn *c);          /* it has read enough for this turn */
void conn_pace_leave(struct conn *c);
bool conn_is_paced(const struct conn *c);
void conn_read_on(struct conn *c); /* conn.c: its turn has come */

/* ---- exchanges (exchange.c) ---- */

struct exchange *exchange_new(struct conn *c, struct http_message *m);   /* m NULL: an answer of our own */
void exchange_answer(struct exchange *x, const struct http_response *r); /* copies r */
void exchange_free(struct exchange *x);

/* ---- what was turned away (refusal.c) ---- */

struct refusal {
    int status;         /* 0: cut without an answer */
    const char *reason; /* a static text of ours; the metric's label */
    const char *peer;
    const char *method, *path, *content_type, *detail; /* NULL: not known */
};
void refusal_tell(struct loop *l, enum log_level level, const struct refusal *r); /* counts it too */

/* ---- writing (conn_write.c) ---- */

void conn_write_exchange(struct conn *c, struct exchange *x, bool close); /* takes x */
void conn_write_plain(struct conn *c, const char *p, size_t n);
void conn_write_tls_pending(struct conn *c);
void conn_write_farewell(struct conn *c); /* TLS close_notify, without waiting for it */

/* ---- listeners (listener.c) ---- */

struct listener {
    uv_poll_t io;
    uv_timer_t pause; /* of accepting */
    int fd;
    struct loop *loop;
    struct listener *next;
    struct listener **link;
    struct http_limits limits;
    struct tls_ctx *tls;
    http_handler_fn handler;
    void *arg;
    bool is_pipe;
    bool is_admin;
    unsigned handles; /* of the two above, how many are not closed yet */
    bool draining;
    bool freed;
    loop_fn drained;
    void *drained_arg;
    struct chore chore;
    struct conn *conns;
    unsigned connections;
    unsigned turned_away;
    struct places places;
    char *unlink_path; /* a socket file of our own making */
    dev_t unlink_dev;
    ino_t unlink_ino;
};

/* ---- the door (accept.c) ---- */

int accept_begin(struct listener *ls, int fd);            /* takes a bound socket; 0, or an error of libuv */
void accept_end(struct listener *ls, uv_close_cb closed); /* closed is called for each of its handles */

void listener_place_free(struct listener *ls, const struct conn *c);
void listener_conn_gone(struct listener *ls);

/* A bound socket, not yet listening (address.c). *path_made is set for a unix socket of our own making. */
MUST_CHECK enum err address_bind(const char *address, int *fd, bool *is_pipe, const char **path_made, struct error *e);
void address_format(const struct sockaddr *sa, char *out, size_t n); /* "127.0.0.1:50312", "[::1]:1", "unix" */
/* The peer is one of IPv4, whichever kind of socket it came by: through "[::]:80" all of IPv4 lies in one network. */
bool address_is_v4(const struct sockaddr *sa, struct in_addr *v4);
