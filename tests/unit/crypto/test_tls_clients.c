/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C2, C5, C8: what a handshake makes of a client's certificate, of what it sends with it, and of a ticket it had; and
 * contexts that are made from others. The clock is the test's.
 */
#include "tls_pair.h"

#include "clock.h"

#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <time.h>

#define S_US     1000000LL
#define NOW_S    ((int64_t)2000000000)
#define DAY      ((int64_t)86400)
#define LIST_S   400 /* the list of the authority ends so long after NOW_S */
#define TICKET_S 600

static int64_t now_s;
static char dir[] = "/tmp/unit-tls-clients-XXXXXX";

static int64_t fake_wall_us(void)
{
    return now_s * S_US;
}

static uint64_t fake_mono_us(void)
{
    return (uint64_t)now_s * S_US;
}

static const char *path(const char *name)
{
    return arena_printf(pki_arena, "%s/%s", dir, name);
}

/* ---- a small PKI of P-256 ---- */

static EVP_PKEY *key_new(const char *file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = BIO_new_file(path(file), "w");
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    BIO_free(bio);
    return key;
}

static void extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
}

static X509 *cert_new(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by, bool is_authority, int64_t to_s)
{
    static long serial = 1;
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x));
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(NOW_S - 10 * DAY));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to_s);
    X509_set_pubkey(x, key);
    extension(x, issuer != NULL ? issuer : x, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    extension(x, issuer != NULL ? issuer : x, NID_key_usage,
              is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    assert_true(X509_sign(x, by, EVP_sha256()) > 0);
    return x;
}

static void certs_write(const char *file, X509 *a, X509 *b)
{
    BIO *bio = BIO_new_file(path(file), "w");
    assert_int_equal(PEM_write_bio_X509(bio, a), 1);
    if (b != NULL)
        assert_int_equal(PEM_write_bio_X509(bio, b), 1);
    BIO_free(bio);
}

static void list_write(const char *file, X509 *issuer, EVP_PKEY *by, int64_t to_s)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = ASN1_TIME_new();
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
    ASN1_TIME_set(t, (time_t)(NOW_S - DAY));
    X509_CRL_set1_lastUpdate(crl, t);
    ASN1_TIME_set(t, (time_t)to_s);
    X509_CRL_set1_nextUpdate(crl, t);
    assert_true(X509_CRL_sign(crl, by, EVP_sha256()) > 0);
    BIO *bio = BIO_new_file(path(file), "w");
    assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
    BIO_free(bio);
    X509_CRL_free(crl);
    ASN1_TIME_free(t);
}

static X509 *root, *leaf, *crowd[20];
static EVP_PKEY *root_key;

static int setup(void **state)
{
    if (pki_setup(state) != 0 || mkdtemp(dir) == NULL)
        return -1;
    clock_replace(fake_mono_us, fake_wall_us);
    root_key = key_new("root.key");
    EVP_PKEY *key = key_new("leaf.key");
    root = cert_new("Root", root_key, NULL, root_key, true, NOW_S + 100 * DAY);
    leaf = cert_new("Leaf", key, root, root_key, false, NOW_S + 90 * DAY);
    certs_write("root.pem", root, NULL);
    certs_write("leaf.pem", leaf, NULL);
    list_write("root.crl", root, root_key, NOW_S + LIST_S);
    X509 *soon = cert_new("Soon", key, root, root_key, false, NOW_S + LIST_S);
    certs_write("soon.pem", soon, NULL);
    X509_free(soon);
    EVP_PKEY_free(key);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"root.key", "root.pem", "leaf.key",  "leaf.pem", "root.crl",
                                        "soon.pem", "c.key",    "crowd.pem", "c.pem"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path(names[i]));
    for (size_t i = 0; i < sizeof crowd / sizeof crowd[0]; i++) {
        X509_free(crowd[i]);
    }
    X509_free(root);
    X509_free(leaf);
    EVP_PKEY_free(root_key);
    rmdir(dir);
    clock_replace(NULL, NULL);
    return pki_teardown(state);
}

static struct tls_ctx *ctx_with(struct arena *a, struct tls_conf conf)
{
    struct tls_ctx *ctx = NULL;
    struct error e = {0};
    enum err rc = tls_ctx_new(a, &conf, &ctx, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
    return ctx;
}

static struct tls_ctx *ctx_of_clients(struct arena *a, const char *crl)
{
    return ctx_with(a, (struct tls_conf){.cert_file = PKI("tlsec.pem"),
                                         .key_file = PKI("tlsec.key"),
                                         .client_ca_file = path("root.pem"),
                                         .client_crl_file = crl,
                                         .client_required = true});
}

/* ---- one client ---- */

static void client_open(struct pair *p, struct tls_ctx *ctx, int version, const char *cert)
{
    struct client_conf conf = {.version_max = version};
    pair_open(p, ctx, &conf);
    assert_int_equal(SSL_use_certificate_file(p->client, path(cert), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_use_PrivateKey_file(p->client, path("leaf.key"), SSL_FILETYPE_PEM), 1);
}

/* Whether it gets in, with the ticket it has, if any; takes the next one along. */
static bool comes_in(struct tls_ctx *ctx, int version, const char *cert, SSL_SESSION **session, bool *is_resumed,
                     const char **refused)
{
    static struct pair p;
    client_open(&p, ctx, version, cert);
    if (*session != NULL)
        assert_int_equal(SSL_set_session(p.client, *session), 1);
    bool is_in = is_connected(&p);
    *is_resumed = is_in && tls_is_resumed(p.server);
    *refused = tls_client_refused(p.server);
    if (is_in) {
        unsigned char print[32];
        talk(&p);
        assert_true(tls_peer_fingerprint(p.server, print));
        SSL_SESSION_free(*session);
        *session = SSL_get1_session(p.client);
    }
    SSL_shutdown(p.client);
    pair_close(&p);
    return is_in;
}

/*
 * Coming back every few minutes puts nothing off: ten minutes after a certificate was judged it is judged again, and
 * when its list, or it itself, has run out it is refused at the next coming. A model of three lines.
 */
static void C8_a_ticket_ends_with_its_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *crl;
        int64_t ends_s; /* nobody gets in from then on; 0: never */
    } rows[] = {{"leaf.pem", NULL, 0}, {"leaf.pem", "root.crl", LIST_S}, {"soon.pem", NULL, LIST_S}};
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct arena *a = arena_new();
            SSL_SESSION *session = NULL;
            now_s = NOW_S;
            struct tls_ctx *ctx = ctx_of_clients(a, rows[i].crl != NULL ? path(rows[i].crl) : NULL);
            int64_t judged_s = INT64_MIN / 2;
            for (int64_t at = 0; at <= 2000; at += 130) {
                bool is_resumed;
                const char *refused;
                now_s = NOW_S + at;
                bool is_over = rows[i].ends_s != 0 && at >= rows[i].ends_s;
                bool is_in = comes_in(ctx, version, rows[i].cert, &session, &is_resumed, &refused);
                if (is_in == is_over)
                    fail_msg("row %zu, version %x, after %d s: %s", i, (unsigned)version, (int)at,
                             is_in ? "let in" : "refused");
                assert_int_equal(refused != NULL, is_over);
                if (is_over)
                    continue;
                assert_int_equal(is_resumed, at - judged_s < TICKET_S);
                if (!is_resumed)
                    judged_s = at;
            }
            SSL_SESSION_free(session);
            arena_free(a);
        }
    }
}

/* C5: a new context of an old one's parts, the old one gone; and connections outlive both. */
static void C5_parts_are_lent(void **state)
{
    (void)state;
    static const char *const certs[] = {"tlsec", "tlsrsa", "tlsgost"};
    now_s = NOW_S;
    for (size_t i = 0; i < sizeof certs / sizeof certs[0]; i++) {
        static struct pair p, q;
        struct arena *old = arena_new(), *new = arena_new();
        struct tls_ctx *from = ctx_with(old, (struct tls_conf){.cert_file = pki_path(certs[i], ".pem"),
                                                               .key_file = pki_path(certs[i], ".key"),
                                                               .client_ca_file = path("root.pem"),
                                                               .client_crl_file = path("root.crl"),
                                                               .client_required = true});
        struct tls_ctx *identity = ctx_with(new, (struct tls_conf){.cert_file = "/nowhere", .identity_of = from});
        struct tls_ctx *clients = ctx_with(new, (struct tls_conf){.cert_file = PKI("tlsec.pem"),
                                                                  .key_file = PKI("tlsec.key"),
                                                                  .client_ca_file = "/nowhere",
                                                                  .clients_of = from,
                                                                  .client_required = true});
        assert_false(tls_ctx_is_shared(from));
        client_open(&q, from, TLS1_2_VERSION, "leaf.pem");
        assert_true(tls_ctx_is_shared(from));
        arena_free(old); /* the connection has the last reference */
        assert_true(is_connected(&q));
        talk(&q);
        pair_close(&q);

        pair_open(&p, identity, NULL);
        assert_true(is_connected(&p));
        X509 *served = SSL_get1_peer_certificate(p.client);
        struct cert *wanted = pki_cert(certs[i]);
        unsigned char *der = NULL;
        int n = i2d_X509(served, &der);
        assert_int_equal(n, (int)cert_der(wanted).n);
        assert_memory_equal(der, cert_der(wanted).p, (size_t)n);
        OPENSSL_free(der);
        X509_free(served);
        pair_close(&p);

        static const char *const shown[] = {"leaf.pem", NULL};
        for (int k = 0; k < 2; k++) {
            if (shown[k] != NULL)
                client_open(&p, clients, TLS1_2_VERSION, shown[k]);
            else
                pair_open(&p, clients, &(struct client_conf){.version_max = TLS1_2_VERSION});
            assert_int_equal(is_connected(&p), shown[k] != NULL);
            pair_close(&p);
        }
        arena_free(new);
    }
}

/* L1: what a stranger sends with his certificate costs him more than us: a crowd of authorities of one name that all
 * have signed each other is not gone through to its end. */
static unsigned verified;
int __real_X509_verify(X509 *x, EVP_PKEY *key);
int __wrap_X509_verify(X509 *x, EVP_PKEY *key);
int __wrap_X509_verify(X509 *x, EVP_PKEY *key)
{
    verified++;
    return __real_X509_verify(x, key);
}

static void L1_what_a_stranger_sends_costs_little(void **state)
{
    (void)state;
    static struct pair p;
    struct arena *a = arena_new();
    now_s = NOW_S;
    struct tls_ctx *ctx = ctx_of_clients(a, NULL);
    EVP_PKEY *key = key_new("c.key");
    client_open(&p, ctx, TLS1_2_VERSION, "leaf.pem");
    X509 *fake_root = cert_new("Root", key, NULL, key, true, NOW_S + DAY);
    X509 *mine = cert_new("Root", key, fake_root, key, false, NOW_S + DAY);
    assert_int_equal(SSL_use_certificate(p.client, mine), 1);
    assert_int_equal(SSL_use_PrivateKey(p.client, key), 1);
    for (size_t i = 0; i < sizeof crowd / sizeof crowd[0]; i++) {
        crowd[i] = cert_new("Root", key, fake_root, key, true, NOW_S + DAY);
        assert_int_equal(SSL_add1_chain_cert(p.client, crowd[i]), 1);
    }
    verified = 0;
    assert_false(is_connected(&p));
    assert_string_equal(tls_client_refused(p.server), "client certificate refused: of no authority that is believed");
    assert_in_range(verified, 1, 100);
    pair_close(&p);
    X509_free(fake_root);
    X509_free(mine);
    EVP_PKEY_free(key);
    arena_free(a);
}

/* ---- whose it was, when OpenSSL itself ends the handshake ---- */

/* In TLS 1.2 the client's flight can be read: its common name becomes no UTF-8. */
static void spoil_name(char *p, size_t n)
{
    char *at = memmem(p, n, "\x0C\x04Leaf", 6);
    if (at != NULL)
        at[3] = (char)0xFF;
}

/* CertificateVerify (15), alone in its record: the last byte of the signature. */
static void spoil_proof(char *p, size_t n)
{
    for (size_t at = 0, len; at + 6 <= n; at += 5 + len) {
        len = (size_t)(unsigned char)p[at + 3] << 8 | (unsigned char)p[at + 4];
        if (p[at] == 22 && p[at + 5] == 15 && at + 5 + len <= n)
            p[at + 4 + len] ^= 1;
    }
}

static const char *fingerprint_of(const unsigned char *der, size_t n)
{
    unsigned char digest[32];
    char *text = arena_alloc(pki_arena, 96);
    SHA256(der, n, digest);
    for (int i = 0; i < 32; i++)
        snprintf(text + 3 * i, 4, i < 31 ? "%02X:" : "%02X", digest[i]);
    return text;
}

static void L4_whose_certificate_it_was(void **state)
{
    (void)state;
    static struct pair p;
    void (*const spoils[])(char *, size_t) = {spoil_name, spoil_proof, NULL};
    struct arena *a = arena_new();
    struct tls_ctx *ctx = ctx_of_clients(a, NULL);
    now_s = NOW_S;
    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        unsigned char *der = NULL;
        int n = i2d_X509(leaf, &der);
        client_open(&p, ctx, TLS1_2_VERSION, "leaf.pem");
        p.spoil = spoils[i];
        assert_int_equal(is_connected(&p), spoils[i] == NULL);
        if (spoils[i] == spoil_name)
            spoil_name((char *)der, (size_t)n);
        const char *wanted = arena_printf(pki_arena,
                                          spoils[i] == spoil_name ? "certificate sha256 %s: "
                                                                  : "certificate sha256 %s, subject [",
                                          fingerprint_of(der, (size_t)n)),
                   *said = tls_failure(p.server);
        if (spoils[i] == NULL)
            assert_string_equal(said, "");
        else if (strncmp(said, wanted, strlen(wanted)) != 0 || strstr(said, ": ") == NULL)
            fail_msg("%zu: '%s' is not the beginning of '%s'", i, wanted, said);
        OPENSSL_free(der);
        pair_close(&p);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C8_a_ticket_ends_with_its_verdict),
        cmocka_unit_test(L4_whose_certificate_it_was),
        cmocka_unit_test(C5_parts_are_lent),
        cmocka_unit_test(L1_what_a_stranger_sends_costs_little),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
