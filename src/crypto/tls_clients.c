/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Client certificates of TLS: judged as the signers of messages are (trust.c), revocation included, by whoever computes
 * the handshake. What came with a certificate may help to build a path; what lists say, and whose they are, rests on
 * the operator's files alone.
 *
 * A client that comes back with a ticket is not judged again before its verdict ends: when something on its path runs
 * out, or the list of its issuer does, and after ten minutes at the latest. The end stands in the ticket, so that
 * coming back does not put it off.
 */
#include "tls_private.h"

#include "clock.h"

#include <openssl/err.h>

#include <string.h>

/* One word each: labels of a metric, heads of a line. */
static const struct {
    const char *text;
    int openssl; /* decides which alert the client gets */
} refusals[] = {
    [TRUST_GOOD] = {"", X509_V_OK},
    [TRUST_BROKEN] = {"client certificate refused: it cannot be judged", X509_V_ERR_CERT_REJECTED},
    [TRUST_DATES] = {"client certificate refused: not in date", X509_V_ERR_CERT_HAS_EXPIRED},
    [TRUST_USAGE] = {"client certificate refused: not for clients", X509_V_ERR_INVALID_PURPOSE},
    [TRUST_REVOKED] = {"client certificate refused: revoked", X509_V_ERR_CERT_REVOKED},
    [TRUST_NO_LIST] = {"client certificate refused: no revocation list to judge it by", X509_V_ERR_UNABLE_TO_GET_CRL},
    [TRUST_NO_ISSUER] = {"client certificate refused: of no authority that is believed",
                         X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
};

static int64_t now_s(void)
{
    return clock_wall_us() / 1000000;
}

/* ---- judging ---- */

/* Which one it was, and why, is what its owner will ask. */
static void note_refusal(struct tls *t, enum trust_reason reason, const X509 *x, const char *why)
{
    char who[CERT_WORDS_SIZE];
    struct error e = {0};
    x509_describe(x, who, sizeof who);
    t->refused = refusals[reason].text;
    (void)cert_refused(&e, ERR_TOKEN, who, why, trust_advice(reason, TRUST_OF_CLIENTS));
    tls_failure_set(t, e.detail);
}

/* In place of OpenSSL's own judgement. What that asks of a client is asked in trust_rules.c. */
static int on_certificate(X509_STORE_CTX *asked, void *arg)
{
    const struct tls_clients *c = arg;
    struct tls *t = SSL_get_app_data(X509_STORE_CTX_get_ex_data(asked, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509 *x = X509_STORE_CTX_get0_cert(asked);
    int auth_level = X509_VERIFY_PARAM_get_auth_level(X509_STORE_CTX_get0_param(asked));
    struct trust_verdict v;
    struct error e = {0};
    enum err rc = trust_judge_client(c->trust, x, X509_STORE_CTX_get0_untrusted(asked), auth_level, now_s(), &v, &e);
    if (rc == ERR_OK) {
        t->believed_until_s = v.end_s;
        X509_STORE_CTX_set_error(asked, X509_V_OK);
        return 1;
    }
    if (v.reason == TRUST_GOOD)
        v.reason = TRUST_BROKEN;
    note_refusal(t, v.reason, x, e.detail);
    X509_STORE_CTX_set_error(asked, refusals[v.reason].openssl);
    return 0;
}

/* ---- tickets ---- */

static int on_ticket_made(SSL *ssl, void *arg)
{
    const struct tls *t = SSL_get_app_data(ssl);
    (void)arg;
    if (t->believed_until_s == 0)
        return 1;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &t->believed_until_s, sizeof t->believed_until_s);
}

static SSL_TICKET_RETURN on_ticket_read(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_n,
                                        SSL_TICKET_STATUS status, void *arg)
{
    struct tls *t = SSL_get_app_data(ssl);
    void *data = NULL;
    size_t n = 0;
    int64_t until_s = 0;
    (void)name, (void)name_n, (void)arg;
    if (session == NULL || (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (SSL_SESSION_get0_peer(session) != NULL) {
        if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) != 1 || n != sizeof until_s)
            return SSL_TICKET_RETURN_IGNORE_RENEW;
        memcpy(&until_s, data, sizeof until_s);
        if (now_s() >= until_s)
            return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    t->believed_until_s = until_s;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- what it rests on ---- */

enum err tls_clients_load(const struct tls_conf *conf, struct tls_clients **out, struct error *e)
{
    struct trust_conf from = {.anchors_file = conf->client_ca_file,
                              .crl_file = conf->client_crl_file,
                              .crl_required = conf->client_crl_file != NULL,
                              .use = TRUST_OF_CLIENTS};
    struct arena *a = arena_new();
    struct tls_clients *c = arena_alloc(a, sizeof *c);
    c->arena = a;
    atomic_init(&c->refs, 1);
    enum err rc = trust_load(a, &from, &c->trust, e);
    if (rc == ERR_OK)
        *out = c;
    else
        arena_free(a);
    return rc;
}

void tls_clients_unref(struct tls_clients *c)
{
    if (c != NULL && atomic_fetch_sub(&c->refs, 1) == 1)
        arena_free(c->arena);
}

enum err tls_clients_ask(SSL_CTX *ctx, struct tls_clients *c, bool is_required, struct error *e)
{
    STACK_OF(X509_NAME) *names = trust_names(c->trust);
    if (names == NULL)
        return crypto_error(e, ERR_CRYPTO, "no memory for certificates");
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_cert_verify_callback(ctx, on_certificate, c);
    if (SSL_CTX_set_session_ticket_cb(ctx, on_ticket_made, on_ticket_read, NULL) != 1)
        return crypto_error(e, ERR_CRYPTO, "TLS cannot be set up");
    return ERR_OK;
}
