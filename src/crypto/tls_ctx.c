/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the connections of a listener begin with. A reload makes a new one; connections keep theirs. Of one that is made
 * anew, the certificate with its key and whose clients are believed may be those of the one before: what is of no use
 * never takes the place of what works, and neither of them holds up the other.
 */
#include "tls_private.h"

#include "file.h"

#include <openssl/err.h>

/* Names that this engine or this OpenSSL lacks are passed over. Everything else is forward secret and authenticated. */
#define CIPHERS                                                                                                        \
    "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC:GOST2012-MAGMA-MAGMAOMAC:IANA-GOST2012-GOST8912-GOST8912:"                     \
    "LEGACY-GOST2012-GOST8912-GOST8912:ECDHE+AESGCM:ECDHE+CHACHA20"

/* As long as a verdict on a chain is kept (trust.c). */
#define TICKET_LIFE_S 600

static void ctx_free(void *p)
{
    SSL_CTX_free(p);
}

static void clients_free(void *p)
{
    tls_clients_unref(p);
}

/* ---- certificate and key ---- */

static enum err load_identity(SSL_CTX *ctx, const struct tls_conf *conf, struct error *e)
{
    SSL_CTX_set_default_passwd_cb(ctx, crypto_no_password);
    if (file_may_be_opened(conf->cert_file, e) != ERR_OK)
        return e->code;
    if (SSL_CTX_use_certificate_chain_file(ctx, conf->cert_file) != 1)
        return crypto_error(e, ERR_CONFIG, "%s: no usable certificate", conf->cert_file);
    if (file_may_be_opened(conf->key_file, e) != ERR_OK)
        return e->code;
    if (SSL_CTX_use_PrivateKey_file(ctx, conf->key_file, SSL_FILETYPE_PEM) != 1)
        return crypto_error(e, ERR_CONFIG, "%s: no usable private key for %s", conf->key_file, conf->cert_file);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return crypto_error(e, ERR_CONFIG, "%s does not belong to %s", conf->key_file, conf->cert_file);
    return ERR_OK;
}

static enum err lend_identity(SSL_CTX *ctx, SSL_CTX *from, struct error *e)
{
    STACK_OF(X509) *chain = NULL;
    if (SSL_CTX_get0_chain_certs(from, &chain) != 1 ||
        SSL_CTX_use_cert_and_key(ctx, SSL_CTX_get0_certificate(from), SSL_CTX_get0_privatekey(from), chain, 1) != 1)
        return crypto_error(e, ERR_CRYPTO, "the certificate in use cannot be used again");
    return ERR_OK;
}

static void own_add(struct tls_ctx *c, const X509 *x)
{
    struct trust_item *item = &c->own[c->nown++];
    *item = (struct trust_item){.label = name_label(c->arena, X509_get_subject_name(x)),
                                .serial = integer_text(c->arena, X509_get0_serialNumber(x))};
    if (!time_of_asn1(X509_get0_notBefore(x), &item->not_before) ||
        !time_of_asn1(X509_get0_notAfter(x), &item->not_after))
        item->refused = "it has an unreadable date";
}

static void own_note(struct tls_ctx *c)
{
    STACK_OF(X509) *chain = NULL;
    (void)SSL_CTX_get0_chain_certs(c->ctx, &chain);
    int n = chain != NULL ? sk_X509_num(chain) : 0;
    c->own = arena_array(c->arena, (size_t)n + 1, sizeof *c->own);
    own_add(c, SSL_CTX_get0_certificate(c->ctx));
    for (int i = 0; i < n; i++)
        own_add(c, sk_X509_value(chain, i));
}

/* ---- clients ---- */

static enum err clients_of(struct tls_ctx *c, const struct tls_conf *conf, struct error *e)
{
    if (conf->clients_of != NULL) {
        c->clients = conf->clients_of->clients;
        if (c->clients != NULL)
            atomic_fetch_add(&c->clients->refs, 1);
    } else if (conf->client_ca_file != NULL) {
        enum err rc = tls_clients_load(conf, &c->clients, e);
        if (rc != ERR_OK)
            return rc;
    }
    if (c->clients != NULL)
        arena_defer(c->arena, clients_free, c->clients);
    else if (conf->client_required)
        return error_set(e, ERR_CONFIG, "client certificates are required, but of no issuer");
    return c->clients != NULL ? tls_clients_ask(c->ctx, c->clients, conf->client_required, e) : ERR_OK;
}

/* ---- the whole ---- */

static enum err ctx_set_up(struct tls_ctx *c, const struct tls_conf *conf, struct error *e)
{
    static const unsigned char session_id[] = "zapisd";
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(c->ctx, SSL_MODE_AUTO_RETRY); /* we want to see each message that is not data */
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(c->ctx, TICKET_LIFE_S);
    if (SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_session_id_context(c->ctx, session_id, sizeof session_id - 1) != 1)
        return crypto_error(e, ERR_CRYPTO, "TLS cannot be set up");
    if (SSL_CTX_set_cipher_list(c->ctx, conf->ciphers != NULL ? conf->ciphers : CIPHERS) != 1)
        return crypto_error(e, ERR_CONFIG, "the cipher list names nothing usable");
    return ERR_OK;
}

static enum err ctx_make(struct tls_ctx *c, const struct tls_conf *conf, struct error *e)
{
    c->ctx = SSL_CTX_new(TLS_server_method());
    if (c->ctx == NULL)
        return crypto_error(e, ERR_CRYPTO, "TLS does not start");
    arena_defer(c->arena, ctx_free, c->ctx);
    enum err rc = ctx_set_up(c, conf, e);
    if (rc == ERR_OK)
        rc = conf->identity_of != NULL ? lend_identity(c->ctx, conf->identity_of->ctx, e)
                                       : load_identity(c->ctx, conf, e);
    if (rc == ERR_OK)
        rc = clients_of(c, conf, e);
    if (rc == ERR_OK)
        own_note(c);
    return rc;
}

static void ctx_let_go(void *p)
{
    tls_ctx_unref(p);
}

enum err tls_ctx_new(struct arena *a, const struct tls_conf *conf, struct tls_ctx **out, struct error *e)
{
    struct arena *own = arena_new();
    struct tls_ctx *c = arena_alloc(own, sizeof *c);
    c->arena = own;
    atomic_init(&c->refs, 1);
    enum err rc = ctx_make(c, conf, e);
    if (rc != ERR_OK) {
        arena_free(own);
        return rc;
    }
    arena_defer(a, ctx_let_go, c);
    *out = c;
    return ERR_OK;
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx)
{
    atomic_fetch_add(&ctx->refs, 1);
    return ctx;
}

void tls_ctx_unref(struct tls_ctx *ctx)
{
    if (ctx != NULL && atomic_fetch_sub(&ctx->refs, 1) == 1)
        arena_free(ctx->arena);
}

bool tls_ctx_is_shared(const struct tls_ctx *ctx)
{
    return atomic_load(&ctx->refs) > 1;
}

const struct trust_item *tls_ctx_own(const struct tls_ctx *ctx, unsigned *n)
{
    *n = ctx->nown;
    return ctx->own;
}

const struct trust *tls_ctx_clients(const struct tls_ctx *ctx)
{
    return ctx->clients != NULL ? ctx->clients->trust : NULL;
}
