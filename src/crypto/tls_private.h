/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the two files about TLS share: what a listener's connections begin with, and one of them. */
#pragma once

#include "crypto_private.h"

#include <openssl/ssl.h>

#include <stdatomic.h>

/* Whose clients are believed; may be lent to the next context. */
struct tls_clients {
    struct arena *arena;
    struct trust *trust;
    atomic_uint refs;
};

struct tls_ctx {
    SSL_CTX *ctx;
    struct arena *arena;
    struct tls_clients *clients; /* NULL: no client certificates are asked for */
    struct trust_item *own;
    unsigned nown;
    atomic_uint refs;
};

struct tls {
    struct tls_ctx *ctx;
    SSL *ssl;
    BIO *in, *out;                   /* owned by ssl */
    enum tls_status status;          /* once not TLS_OK it stays */
    char *failure;                   /* why it is TLS_FAILED; NULL: no words */
    const char *refused;             /* the client's certificate was, or there is none; a fixed text */
    bool has_shown;                  /* the client sent a certificate, or what it calls so */
    unsigned char shown[DIGEST_MAX]; /* SHA-256 of its octets */
    int64_t believed_until_s;        /* the client's certificate; 0: without one */
    bool is_shaken;                  /* the handshake is done */
    bool is_resumed;
    bool has_fresh;   /* a whole record has come since the last tls_handshake(), or more of what can never be one */
    bool is_odd;      /* no record can become of what comes in: it will be refused */
    unsigned head_n;  /* of the record that is coming in: bytes of its head */
    size_t body_left; /* and what its body lacks */
    unsigned chatter;
    unsigned char head[5];
};

/* tls.c: keeps the first words. */
void tls_failure_set(struct tls *t, const char *words);

/* tls_clients.c */
MUST_CHECK enum err tls_clients_load(const struct tls_conf *conf, struct tls_clients **out, struct error *e);
void tls_clients_unref(struct tls_clients *c);
/* Has ctx ask for certificates and judge them by c, and remember in tickets until when. */
MUST_CHECK enum err tls_clients_ask(SSL_CTX *ctx, struct tls_clients *c, bool is_required, struct error *e);
