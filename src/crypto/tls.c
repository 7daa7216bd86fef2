/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * TLS as a filter over two memory BIOs: ciphertext in, plain bytes out, and back. Server side only. Never touches a
 * socket and never blocks. TLS 1.2 (RFC 5246; GOST suites of RFC 9189) and 1.3; no renegotiation, no compression.
 *
 * What a handshake costs (a signature by RSA, a client's chain) is paid in tls_handshake() alone, so that the caller
 * can have it done away from his loop. A client that comes back with a ticket (RFC 5077, RFC 8446) costs neither; the
 * keys of the tickets live and die with the context (tls_ctx.c), and nothing is kept for those who do not come back.
 * Client certificates are judged in tls_clients.c.
 */
#include "tls_private.h"

#include "log.h"

#include <openssl/buffer.h>
#include <openssl/err.h>

#include <stdlib.h>
#include <string.h>

/* Messages beside the data after the handshake, such as changes of keys. None is dear, thousands a second are. */
#define CHATTER_MAX 32

/* Of each memory BIO, while there is nothing in it. */
#define ROOM_KEPT_BYTES 4096

#define RECORD_HEAD_BYTES 5
#define RECORD_BODY_MAX   (16384 + 2048)

static size_t number_of(const unsigned char *p)
{
    return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

/*
 * A certificate that cannot even be read is refused within OpenSSL: here its octets pass by. RFC 5246 section 7.4.2: a
 * list of certificates; RFC 8446 section 4.4.2: a context before it. Lengths of three bytes.
 */
static void shown_keep(struct tls *t, int version, const unsigned char *p, size_t n)
{
    struct error ignored = {0};
    size_t at = 4;
    if (n < 4 || p[0] != SSL3_MT_CERTIFICATE)
        return;
    if (version == TLS1_3_VERSION && n > at)
        at += 1 + (size_t)p[at];
    at += 3;
    if (at + 3 > n || number_of(p + at) == 0 || number_of(p + at) > n - at - 3)
        return;
    t->has_shown = digest_once(DIGEST_SHA256, p + at + 3, number_of(p + at), t->shown, &ignored) == ERR_OK;
}

static void on_message(int is_sent, int version, int type, const void *p, size_t n, SSL *ssl, void *arg)
{
    struct tls *t = arg;
    (void)ssl;
    if (t != NULL && is_sent == 0 && type == SSL3_RT_HANDSHAKE)
        shown_keep(t, version, p, n);
    /* an alert of ours says no to a renegotiation */
    if (t != NULL && t->is_shaken && type == (is_sent ? SSL3_RT_ALERT : SSL3_RT_HANDSHAKE))
        t->chatter++;
}

struct tls *tls_new(struct tls_ctx *ctx)
{
    struct tls *t = calloc(1, sizeof *t);
    SSL *ssl = SSL_new(ctx->ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (t == NULL || ssl == NULL || in == NULL || out == NULL) {
        log_event(LOG_LEVEL_ERROR, "memory", "why", "exhausted", NULL); /* as an arena would */
        abort();
    }
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    *t = (struct tls){.ctx = tls_ctx_ref(ctx), .ssl = ssl, .in = in, .out = out, .status = TLS_OK};
    SSL_set_app_data(ssl, t);
    SSL_set_msg_callback(ssl, on_message);
    SSL_set_msg_callback_arg(ssl, t);
    return t;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    tls_ctx_unref(t->ctx);
    free(t->failure);
    free(t);
}

void tls_failure_set(struct tls *t, const char *words)
{
    if (t->failure == NULL)
        t->failure = strdup(words);
}

/* Whose certificate it was, where it came so far: a client that does not prove to have its key is told of, too. */
static void tls_note_failure(struct tls *t)
{
    unsigned long first = ERR_peek_error();
    const char *reason = first == 0 ? NULL : ERR_reason_error_string(first);
    const X509 *peer = t->is_shaken ? NULL : SSL_get0_peer_certificate(t->ssl);
    struct error e = {0};
    char who[CERT_WORDS_SIZE];
    if (ERR_GET_REASON(first) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        t->refused = "client certificate refused: there is none";
    if (reason == NULL)
        reason = "ended during the handshake";
    if (peer != NULL)
        x509_describe(peer, who, sizeof who);
    else
        digest_describe(t->shown, who, sizeof who);
    bool is_whose = peer != NULL || (t->has_shown && !t->is_shaken);
    if (is_whose)
        (void)cert_refused(&e, ERR_CHECK, who, reason, NULL);
    tls_failure_set(t, is_whose ? e.detail : reason);
}

/* A memory BIO keeps all the room it ever needed. What has been taken out of it leaves no more than this behind. */
static void room_give_back(BIO *b)
{
    BUF_MEM *room = NULL;
    if (BIO_ctrl_pending(b) > 0 || BIO_get_mem_ptr(b, &room) != 1 || room->max <= ROOM_KEPT_BYTES)
        return;
    BUF_MEM *fresh = BUF_MEM_new();
    if (fresh != NULL)
        (void)BIO_set_mem_buf(b, fresh, BIO_CLOSE);
}

static enum tls_status tls_fail(struct tls *t)
{
    if (t->failure == NULL)
        tls_note_failure(t);
    ERR_clear_error();
    t->status = TLS_FAILED;
    return t->status;
}

/* What a call that gave no bytes means. */
static enum tls_status tls_outcome(struct tls *t, int rc)
{
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_OK;
    case SSL_ERROR_ZERO_RETURN:
        t->status = TLS_CLOSED;
        return t->status;
    default:
        return tls_fail(t);
    }
}

/*
 * Where in the stream of records we are, so that half a record need not be looked at. Followed to the last byte,
 * whatever has become whole on the way: a flight comes in pieces that end anywhere.
 */
static void records_follow(struct tls *t, const unsigned char *p, size_t n)
{
    t->has_fresh |= t->is_odd;
    while (n > 0 && !t->is_odd) {
        if (t->head_n < RECORD_HEAD_BYTES) {
            t->head[t->head_n++] = *p++;
            n--;
            t->body_left = (size_t)(t->head[3] << 8 | t->head[4]);
            bool is_odd = t->head[0] < SSL3_RT_CHANGE_CIPHER_SPEC || t->head[0] > SSL3_RT_APPLICATION_DATA;
            if (is_odd || (t->head_n == RECORD_HEAD_BYTES && t->body_left > RECORD_BODY_MAX))
                t->has_fresh = t->is_odd = true;
        }
        size_t part = t->head_n < RECORD_HEAD_BYTES ? 0 : n < t->body_left ? n : t->body_left;
        p += part;
        n -= part;
        t->body_left -= part;
        if (t->head_n == RECORD_HEAD_BYTES && t->body_left == 0) {
            t->head_n = 0;
            t->has_fresh = true;
        }
    }
}

enum tls_status tls_feed(struct tls *t, const void *p, size_t n)
{
    if (t->status != TLS_OK)
        return t->status;
    if (!t->is_shaken)
        records_follow(t, p, n);
    size_t done = 0;
    while (done < n) {
        size_t part = 0;
        if (BIO_write_ex(t->in, (const char *)p + done, n - done, &part) != 1 || part == 0)
            return tls_fail(t);
        done += part;
    }
    return TLS_OK;
}

bool tls_has_step(const struct tls *t)
{
    return t->status == TLS_OK && !t->is_shaken && t->has_fresh;
}

enum tls_status tls_handshake(struct tls *t)
{
    if (t->status != TLS_OK || t->is_shaken)
        return t->status;
    ERR_clear_error(); /* SSL_get_error() looks at the queue */
    t->has_fresh = false;
    int rc = SSL_do_handshake(t->ssl);
    room_give_back(t->in);
    if (rc != 1)
        return tls_outcome(t, rc);
    t->is_shaken = true;
    t->is_resumed = SSL_session_reused(t->ssl) == 1;
    return TLS_OK;
}

bool tls_is_shaken(const struct tls *t)
{
    return t->is_shaken;
}

size_t tls_unread(const struct tls *t)
{
    return BIO_ctrl_pending(t->in);
}

bool tls_is_resumed(const struct tls *t)
{
    return t->is_resumed;
}

bool tls_is_slow(const struct tls *t)
{
    return t->is_shaken && strstr(SSL_get_cipher_name(t->ssl), "GOST") != NULL;
}

enum tls_status tls_read(struct tls *t, void *p, size_t cap, size_t *n)
{
    *n = 0;
    if (t->status != TLS_OK || !t->is_shaken)
        return t->status;
    size_t before, left = BIO_ctrl_pending(t->in);
    unsigned idle = 0;
    do { /* a pass, or two, for each message that is not data */
        before = left;
        ERR_clear_error();
        int rc = SSL_read_ex(t->ssl, p, cap, n);
        if (t->chatter > CHATTER_MAX) {
            explicit_bzero(p, cap);
            *n = 0;
            tls_failure_set(t, "too many messages that are not data");
            return tls_fail(t);
        }
        if (rc == 1)
            break;
        *n = 0;
        if (tls_outcome(t, rc) != TLS_OK)
            return t->status;
        left = BIO_ctrl_pending(t->in);
        idle = left < before ? 0 : idle + 1;
    } while (left > 0 && idle < 2);
    room_give_back(t->in);
    return TLS_OK;
}

enum tls_status tls_write(struct tls *t, const void *p, size_t n)
{
    if (t->status == TLS_FAILED || !t->is_shaken)
        return TLS_FAILED;
    ERR_clear_error();
    size_t done = 0;
    while (done < n) { /* memory takes everything: no partial writes, no waiting */
        size_t part = 0;
        if (SSL_write_ex(t->ssl, (const char *)p + done, n - done, &part) != 1 || part == 0)
            return tls_fail(t);
        done += part;
    }
    return TLS_OK;
}

const char *tls_failure(const struct tls *t)
{
    return t->failure != NULL ? t->failure : "";
}

const char *tls_client_refused(const struct tls *t)
{
    return t->status == TLS_FAILED ? t->refused : NULL;
}

void tls_close_notify(struct tls *t)
{
    if (t->status == TLS_FAILED || !t->is_shaken)
        return;
    SSL_shutdown(t->ssl);
    ERR_clear_error();
}

size_t tls_pending(struct tls *t, void *p, size_t cap)
{
    size_t n = 0;
    if (cap == 0 || BIO_read_ex(t->out, p, cap, &n) != 1)
        return 0;
    room_give_back(t->out);
    return n;
}

bool tls_peer_fingerprint(const struct tls *t, unsigned char out[32])
{
    const X509 *peer = t->is_shaken ? SSL_get0_peer_certificate(t->ssl) : NULL;
    unsigned n = 0;
    return peer != NULL && X509_digest(peer, digest_md(DIGEST_SHA256), out, &n) == 1 && n == 32;
}
