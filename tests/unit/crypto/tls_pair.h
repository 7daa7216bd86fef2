/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A TLS filter of ours and a client of OpenSSL's, memory to memory. */
#pragma once

#include "pki.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string.h>

static inline struct tls_ctx *server_of(const char *name, const char *client_ca, bool required, const char *ciphers)
{
    struct tls_conf conf = {.cert_file = pki_path(name, ".pem"),
                            .key_file = pki_path(name, ".key"),
                            .client_ca_file = client_ca != NULL ? pki_path(client_ca, "") : NULL,
                            .client_required = required,
                            .ciphers = ciphers};
    struct tls_ctx *ctx = NULL;
    struct error e = {0};
    enum err rc = tls_ctx_new(pki_arena, &conf, &ctx, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
    return ctx;
}

/* Both ends of one connection. What the client sends may be held back. */
struct pair {
    struct tls *server;
    SSL *client;
    SSL_CTX *client_ctx;
    BIO *to_client, *from_client;
    void (*spoil)(char *p, size_t n); /* what the client sends, on its way; NULL: nothing is done to it */
    size_t grain;                     /* bytes carried at once */
    size_t total;                     /* bytes the server was fed */
    enum tls_status status;
    char got[70000]; /* plain bytes at the server */
    size_t got_n;
    char part[70000]; /* on their way */
};

struct client_conf {
    int version_max, version_min;
    const char *ciphers, *cert;
};

static inline void pair_open(struct pair *p, struct tls_ctx *ctx, const struct client_conf *conf)
{
    memset(p, 0, sizeof *p);
    p->grain = 16384;
    p->server = tls_new(ctx);
    p->client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(p->client_ctx, 0); /* the client offers what it is told, the server must mind */
    if (conf != NULL && conf->version_min != 0)
        assert_int_equal(SSL_CTX_set_min_proto_version(p->client_ctx, conf->version_min), 1);
    if (conf != NULL && conf->version_max != 0)
        assert_int_equal(SSL_CTX_set_max_proto_version(p->client_ctx, conf->version_max), 1);
    if (conf != NULL && conf->ciphers != NULL)
        assert_int_equal(SSL_CTX_set_cipher_list(p->client_ctx, conf->ciphers), 1);
    if (conf != NULL && conf->cert != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_file(p->client_ctx, pki_path(conf->cert, ".pem"), SSL_FILETYPE_PEM),
                         1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(p->client_ctx, pki_path(conf->cert, ".key"), SSL_FILETYPE_PEM), 1);
    }
    p->client = SSL_new(p->client_ctx);
    p->to_client = BIO_new(BIO_s_mem());
    p->from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(p->client, p->to_client, p->from_client);
    SSL_set_connect_state(p->client);
}

static inline void pair_close(struct pair *p)
{
    tls_free(p->server);
    SSL_free(p->client);
    SSL_CTX_free(p->client_ctx);
    ERR_clear_error();
}

static inline void server_reads(struct pair *p)
{
    size_t n;
    if (tls_has_step(p->server) && (p->status = tls_handshake(p->server)) != TLS_OK)
        return;
    do {
        p->status = tls_read(p->server, p->got + p->got_n, sizeof p->got - p->got_n, &n);
        p->got_n += n;
    } while (p->status == TLS_OK && n > 0);
}

/* Carries bytes both ways until nothing moves. */
static inline void pair_carry(struct pair *p)
{
    char *part = p->part;
    bool has_moved = true;
    while (has_moved) {
        has_moved = false;
        if (!SSL_is_init_finished(p->client))
            SSL_do_handshake(p->client);
        int n;
        while ((n = BIO_read(p->from_client, part, (int)p->grain)) > 0) {
            has_moved = true;
            p->total += (size_t)n;
            if (p->spoil != NULL)
                p->spoil(part, (size_t)n);
            if (tls_feed(p->server, part, (size_t)n) == TLS_OK)
                server_reads(p);
        }
        for (size_t k; (k = tls_pending(p->server, part, p->grain)) > 0;) {
            has_moved = true;
            assert_int_equal(BIO_write(p->to_client, part, (int)k), (int)k);
        }
    }
}

/* Bytes the client can read now. */
static inline size_t client_reads(struct pair *p, char *out, size_t cap)
{
    size_t total = 0, n;
    while (total < cap && SSL_read_ex(p->client, out + total, cap - total, &n) == 1)
        total += n;
    return total;
}

static inline bool is_connected(struct pair *p)
{
    pair_carry(p);
    return SSL_is_init_finished(p->client) && p->status == TLS_OK;
}

static inline void talk(struct pair *p)
{
    char answer[64] = "";
    assert_int_equal(SSL_write(p->client, "question", 8), 8);
    pair_carry(p);
    assert_int_equal(p->status, TLS_OK);
    assert_int_equal(p->got_n, 8);
    assert_memory_equal(p->got, "question", 8);
    assert_int_equal(tls_write(p->server, "answer", 6), TLS_OK);
    pair_carry(p);
    assert_int_equal(client_reads(p, answer, sizeof answer), 6);
    assert_string_equal(answer, "answer");
    p->got_n = 0;
}
