/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Outgoing calls of a loop: HTTP/1.1, HTTPS and FTP. The only user of libcurl. A call asks exactly the address it was
 * given: no redirects, no proxies, no netrc, nothing of the environment; no cookies, no decoding, no Expect. An HTTP
 * connection is kept for the next call to the same peer, half a minute long. Names and files are read on threads of
 * their own. Everything here is called from the loop thread; fn never runs inside the call that registered it.
 */
#pragma once

#include "buf.h"
#include "error.h"
#include "net.h"

#include <stddef.h>
#include <stdint.h>

/* At once in work; what comes beyond waits for its turn, peer by peer in turn. No kind of call to a peer has more
   of them than are left for all others. Of FTP eight, and two of a peer, each on a thread. */
#define CLIENT_CALLS_MAX       128
#define CLIENT_PEER_CALLS_MAX  16 /* of one kind to a peer */
#define CLIENT_KINDS           9
#define CLIENT_DESCRIPTORS_MAX 208 /* of those, of connections that are kept, of FTP and of threads */

struct client;

MUST_CHECK enum err client_init(struct error *e); /* once, after crypto_init(), before threads */
void client_fini(void);

struct client *client_new(struct loop *l);
void client_free(struct client *c); /* calls in work end; their fn hears nothing any more; NULL is allowed */

struct client_request {
    const char *url;             /* http:// https:// ; ftp:// for client_get() only; no user in it */
    const char *whose;           /* for whom; NULL: nobody's. Each has his own share of the calls to a peer, */
    unsigned kind;               /* and each kind of his calls, below CLIENT_KINDS, a share of its own */
    const char *const *headers;  /* "Name: value"; ended by NULL; may be NULL */
    struct span body;            /* of a POST; lives until fn */
    const char *user, *password; /* of FTP; NULL: none */
    int file;                    /* of FTP: where its octets are written, on the thread; 0: they become the body */
    const char *ca_file, *cert_file, *key_file; /* of https, PEM. Whoever is not signed by ca_file is not spoken to */
    uint64_t connect_ms, total_ms; /* deadlines: of names, TCP and TLS together; of all, waiting for a turn included */
    size_t answer_max_bytes;       /* of the body; beyond: broken off. Of heads 64 KiB */
};

/*
 * What is known of the request's fate. ANSWERED: an HTTP answer came whole, whatever its status (of an answer that
 * tells no length the end of the connection is the end); of FTP: the whole file has come. UNSENT: surely not one byte
 * of the request left. UNCERTAIN: it may have arrived. The same request never leaves twice.
 */
enum client_fate { CLIENT_ANSWERED, CLIENT_UNSENT, CLIENT_UNCERTAIN };

struct client_kept;
struct client_answer { /* valid during fn */
    enum client_fate fate;
    int status; /* of HTTP; 0 unless ANSWERED. Of FTP: the server's last word, whatever the fate; 0: none */
    const char *content_type; /* NULL: none was told */
    struct span body;
    struct client_kept *kept;  /* for client_answer_keep() */
    const struct error *error; /* NULL when ANSWERED. ERR_TIMEOUT, ERR_LIMIT, ERR_CONFIG, ERR_INTERNAL: r->file takes
                                  no octets, else ERR_SYSTEM */
    bool is_announced;         /* of ERR_LIMIT, FTP: the server said beforehand that it is so long */
};

/* From within fn, of what was ANSWERED: content_type and body live as long as a; nothing is copied. Once. */
void client_answer_keep(const struct client_answer *answer, struct arena *a);

/* The call is over: cancelling it is no longer possible. */
typedef void (*client_fn)(void *arg, const struct client_answer *answer);

struct client_call;
/* What is copied: all of r but its body; file is duplicated. A mistake in r is told to fn as UNSENT, ERR_CONFIG. */
struct client_call *client_post(struct client *c, const struct client_request *r, client_fn fn, void *arg);
struct client_call *client_get(struct client *c, const struct client_request *r, client_fn fn, void *arg);
/* For how long it has been in work without an octet of the answer's body; 0: it waits for its turn, or some have come.
 */
bool client_call_has_turn(const struct client_call *call);
uint64_t client_call_silent_us(const struct client_call *call);
void client_cancel(struct client_call *call); /* fn is not called; NULL is allowed */
