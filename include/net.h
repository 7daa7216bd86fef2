/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The event loop, descriptors, the worker pool, and HTTP/1.1 servers on it. The only user of libuv and of the HTTP
 * parser. Everything here is called from the loop thread unless it says otherwise; a callback never runs inside the
 * call that registered it.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "crypto.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- loop ---- */

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop() */
void loop_stop(struct loop *l);

typedef void (*loop_fn)(void *arg);
struct timer;
/* First after delay_ms, then every repeat_ms (0: once). timer_stop() frees it; a one-shot timer frees itself after fn.
 */
struct timer *timer_start(struct loop *l, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg);
void timer_stop(struct timer *t); /* NULL is allowed; never call it on a one-shot timer that has run */

typedef void (*signal_fn)(void *arg, int signum);
void loop_on_signal(struct loop *l, int signum, signal_fn fn, void *arg);

/* BROKEN, with both of the others: the socket has an error, and the watch is silent until watch_update(). */
enum watch_events { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_BROKEN = 4 };
struct watch;
typedef void (*watch_fn)(void *arg, int events);
struct watch *watch_start(struct loop *l, int fd, int events, watch_fn fn, void *arg);
void watch_update(struct watch *w, int events);
void watch_stop(struct watch *w); /* frees it; the descriptor stays open; NULL is allowed */

/* Longest time one turn of the loop took to come round: since the start, and since the last call of this function. */
struct loop_lag {
    double max_ms;
    double recent_ms;
    double sum_ms;
    uint64_t samples;
};
void loop_lag_read(struct loop *l, struct loop_lag *out);
void loop_lag_measure(struct loop *l); /* starts the measuring */

/* Bound for the connections of all listeners together; what comes beyond is answered with 503 and closed. */
void loop_set_connections_max(struct loop *l, unsigned n);

/* ---- memory of all listeners together ---- */

/*
 * Bound for what connections hold: unfinished requests, requests in work, answers not yet taken, themselves. When it is
 * reached, whoever holds most gives back first: of the peer with most the largest piece, an unfinished request (503)
 * before an answer (cut off), the oldest first. While there is enough, one peer may have all of it.
 */
#define NET_MEMORY_MAX_BYTES ((size_t)128 << 20)
struct net_memory {
    size_t max_bytes, held_bytes, highest_bytes;
    size_t connections_bytes, reading_bytes, working_bytes, writing_bytes;
    uint64_t taken_back; /* times somebody had to give back */
};
void loop_set_memory_max(struct loop *l, size_t bytes);
void loop_memory_read(const struct loop *l, struct net_memory *out);

/* ---- workers: for anything whose cost grows with the input ---- */

void worker_threads(unsigned n); /* before the first worker_run(); default: the number of processors */
/* work(arg) on a worker thread, then done(arg), if there is a done, on the loop thread. */
void worker_run(struct loop *l, loop_fn work, loop_fn done, void *arg);
/* The same in turn with the peers of http_worker_run(): all that is done for `whose` is one of them. There is a done.
 */
void worker_run_in_turn(struct loop *l, const char *whose, loop_fn work, loop_fn done, void *arg);
/* The same on a thread of its own: for what takes long and comes seldom, and whatever waits for a file or a name. */
void worker_run_alone(struct loop *l, loop_fn work, loop_fn done, void *arg);
unsigned worker_queued(const struct loop *l); /* submitted and not yet done, of either kind */
/*
 * Turns the loop until nothing is in work any more, done() included, while the owners are still there; everything else
 * that turns up is served as well. false: not within limit_ms, or on threads of their own, which may never end, not
 * within alone_ms after that; some work is still going on and its arg must live on.
 */
MUST_CHECK bool worker_settle(struct loop *l, uint64_t limit_ms, uint64_t alone_ms);

/* ---- TLS handshakes: on worker threads, a few at a time, peers in turn ---- */

struct tls_stats {
    unsigned waiting, working;
    uint64_t done;    /* resumed ones too */
    uint64_t resumed; /* cheap: the client had a ticket */
    uint64_t failed;  /* or broken off later */
    uint64_t crowded; /* cut off because too many waited */
    uint64_t gone;    /* the client had left before its turn came */
    uint64_t late;    /* over the deadline */
};
void loop_tls_read(const struct loop *l, struct tls_stats *out);

/* ---- HTTP/1.1 server ---- */

struct http_limits {
    size_t head_max_bytes;      /* request line and headers together: 16 KiB */
    unsigned headers_max;       /* 64 */
    size_t body_max_bytes;      /* 1 MiB */
    uint64_t head_timeout_ms;   /* from the first byte of a request; of a TLS handshake, all of it: 10 s */
    uint64_t body_timeout_ms;   /* 30 s, and */
    size_t body_rate_min_bytes; /* at least so many a second after the first 5 s: 500 */
    uint64_t idle_timeout_ms;   /* keep-alive without a request: 75 s */
    uint64_t write_timeout_ms;  /* an answer must be taken within: 30 s */
    unsigned pipeline_max;      /* requests of one connection in work at once: 8; behind a POST none */
    unsigned connections_max;   /* of one listener: 10,000; beyond: 503 and close */
};
extern const struct http_limits http_limits_default;

struct exchange; /* one request that waits for its answer */

struct http_request {
    const char *method; /* "POST" */
    const char *path;   /* "/equeue", percent-decoded, without the query */
    const char *query;  /* "wsdl"; "" when there is none */
    const char *peer;   /* "127.0.0.1:50312" or "unix" */
    struct span body;   /* valid until http_respond() */
    struct exchange *exchange;
    const unsigned char *client_fingerprint; /* SHA-256 of the TLS client certificate, or NULL */
    bool is_tls;
};
/* Value of a header, matched without regard to case, or NULL. Valid until http_respond(). */
const char *http_header(const struct http_request *req, const char *name);
/*
 * Host and port by which it was asked, "booking.example.org:8180": those of an absolute target, else of Host. Where
 * they are no address to ask again (0.0.0.0, [::]) or are not said, those at which it arrived; NULL: at a unix socket.
 * Valid until http_respond().
 */
const char *http_host(const struct http_request *req);

struct http_response {
    int status;
    const char *content_type;  /* NULL: no body expected */
    struct span body;          /* copied; or */
    struct arena *arena;       /* not NULL: body lies in it, and it is taken over, whatever becomes of the answer */
    const char *extra_headers; /* "Name: value\r\n"... or NULL */
    bool close;
};
/*
 * Called with a whole request. The handler answers now or later with exactly one http_respond(); answers leave in the
 * order of the requests whatever the order of the calls. When the client has gone away the exchange stays valid and
 * http_respond() does nothing but free it.
 */
typedef void (*http_handler_fn)(void *arg, const struct http_request *req);
void http_respond(struct exchange *x, const struct http_response *r);
/*
 * worker_run() for what is done for this exchange: peers in turn, so that a crowd of one peer's requests keeps another
 * peer waiting for one of them. The exchange may be answered meanwhile.
 */
void http_worker_run(struct loop *l, const struct exchange *x, loop_fn work, loop_fn done, void *arg);
/* Whether nobody waits for the answer any more. Of a client that has ended its side of the connection this is known
 * only a round trip after it was first asked. */
bool http_peer_gone(const struct exchange *x);

/*
 * Answers with a status and a plain text, counts it, and says so in the log at a bounded rate: peer, method, path
 * without its query, and for 415 the Content-Type. reason: a static text.
 */
void http_refuse(const struct http_request *req, int status, const char *reason, const char *text, const char *headers);

/* Everything turned away since the start, on all listeners of the loop. Status 0: cut off without an answer. */
struct net_refusal {
    int status;
    const char *reason;
    uint64_t count;
};
unsigned loop_refusals(const struct loop *l, const struct net_refusal **out);

struct listener;
struct listener_conf {
    const char *address; /* "127.0.0.1:8180", "[::1]:8180", "unix:/run/zapisd/plain.sock", or "fd:3" (inherited) */
    struct http_limits limits;
    struct tls_ctx *tls; /* NULL: no TLS; the listener takes a reference of its own */
    http_handler_fn handler;
    void *arg;
    bool is_admin; /* let in when the others have used up what there is */
};
MUST_CHECK enum err listener_open(struct loop *l, const struct listener_conf *conf, struct listener **out,
                                  struct error *e);
/* Who comes from now on begins with this one, or without TLS; who is there keeps what it began with. */
void listener_set_tls(struct listener *ls, struct tls_ctx *tls);
/* Stops accepting, lets running exchanges finish, closes idle connections; drained(arg) when the last one is gone. */
void listener_drain(struct listener *ls, loop_fn drained, void *arg);
void listener_free(struct listener *ls); /* closes everything at once */
unsigned listener_connections(const struct listener *ls);

/*
 * What listener_open() would do with an address, tried and undone, without disturbing whoever is there. TRY_OURS: a
 * process of this very program listens there; TRY_UNTRIED: it is handed over, or its folder made, when the service
 * starts. e says why not.
 */
enum address_try { TRY_GOOD, TRY_OURS, TRY_UNTRIED, TRY_BAD };
enum address_try address_try(const char *address, struct error *e);

/* Is the address loopback or a unix socket? */
bool address_is_local(const char *address);

/* ---- HTTP framing alone: a pure function of bytes, for tests and fuzzing ---- */

struct http_parser; /* see src/net/http.h for what the connection uses */
