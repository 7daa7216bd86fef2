/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Certificates and lists with any extension there is, made at test time: the library signs what it is told to sign,
 * whether or not it would believe it.
 */
#pragma once

#include "pki.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string.h>
#include <time.h>

#define DAY       ((int64_t)86400)
#define FORGE_NOW ((int64_t)1750000000)
#define EXTS_MAX  6

/* name is a word of OpenSSL's configuration or an object identifier; value as there: "critical,DER:0500". */
struct forge_ext {
    const char *name, *value;
};

static inline EVP_PKEY *forge_key(const char *name)
{
    BIO *bio = BIO_new_file(pki_path(name, ".key"), "r");
    assert_non_null(bio);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key);
    return key;
}

static inline const EVP_MD *forge_digest(void)
{
    return EVP_get_digestbyname("md_gost12_256");
}

static inline X509_EXTENSION *forge_extension(const struct forge_ext *x, X509 *issuer, X509 *subject)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, subject, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *ext = X509V3_EXT_nconf(NULL, &ctx, x->name, x->value);
    if (ext == NULL)
        fail_msg("extension %s = %s cannot be made", x->name, x->value);
    return ext;
}

static inline X509_NAME *forge_name(const char *cn)
{
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Forge", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
    return name;
}

/* issuer NULL: by itself. The key is that of a certificate of make_pki.sh; serial tells copies apart. */
static inline X509 *forge_cert(const char *cn, const char *key_name, long serial, X509 *issuer, const char *issuer_key,
                               const struct forge_ext *exts, int64_t from, int64_t to)
{
    X509 *x = X509_new();
    X509_NAME *name = forge_name(cn);
    EVP_PKEY *key = forge_key(key_name), *by = forge_key(issuer_key);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_set_subject_name(x, name);
    X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : name);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from);
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to);
    X509_set_pubkey(x, key);
    for (int i = 0; exts != NULL && i < EXTS_MAX && exts[i].name != NULL; i++) {
        X509_EXTENSION *ext = forge_extension(&exts[i], issuer != NULL ? issuer : x, x);
        X509_add_ext(x, ext, -1);
        X509_EXTENSION_free(ext);
    }
    assert_true(X509_sign(x, by, forge_digest()) > 0);
    X509_NAME_free(name);
    EVP_PKEY_free(key);
    EVP_PKEY_free(by);
    return x;
}

struct forge_entry {
    long serial; /* 0: no more */
    int reason;  /* -1: none */
    struct forge_ext ext;
};

static inline X509_CRL *forge_crl(X509 *issuer, const char *issuer_key, const struct forge_ext *exts,
                                  const struct forge_entry *entries, unsigned nentries, int64_t from, int64_t to)
{
    X509_CRL *crl = X509_CRL_new();
    EVP_PKEY *by = forge_key(issuer_key);
    ASN1_TIME *t = ASN1_TIME_new();
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
    ASN1_TIME_set(t, (time_t)from);
    X509_CRL_set1_lastUpdate(crl, t);
    for (unsigned i = 0; i < nentries && entries[i].serial != 0; i++) {
        X509_REVOKED *r = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        ASN1_INTEGER_set(serial, entries[i].serial);
        X509_REVOKED_set_serialNumber(r, serial);
        X509_REVOKED_set_revocationDate(r, t);
        if (entries[i].reason >= 0) {
            ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
            ASN1_ENUMERATED_set(reason, entries[i].reason);
            X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0);
            ASN1_ENUMERATED_free(reason);
        }
        if (entries[i].ext.name != NULL) {
            X509_EXTENSION *ext = forge_extension(&entries[i].ext, issuer, NULL);
            X509_REVOKED_add_ext(r, ext, -1);
            X509_EXTENSION_free(ext);
        }
        ASN1_INTEGER_free(serial);
        X509_CRL_add0_revoked(crl, r);
    }
    if (to != 0) {
        ASN1_TIME_set(t, (time_t)to);
        X509_CRL_set1_nextUpdate(crl, t);
    }
    for (int i = 0; exts != NULL && i < EXTS_MAX && exts[i].name != NULL; i++) {
        X509_EXTENSION *ext = forge_extension(&exts[i], issuer, NULL);
        X509_CRL_add_ext(crl, ext, -1);
        X509_EXTENSION_free(ext);
    }
    assert_true(X509_CRL_sign(crl, by, forge_digest()) > 0);
    ASN1_TIME_free(t);
    EVP_PKEY_free(by);
    return crl;
}

/* ---- a store of them ---- */

static char forge_dir[] = "/tmp/unit-forge-XXXXXX";

static inline const char *forge_path(const char *name)
{
    return arena_printf(pki_arena, "%s/%s", forge_dir, name);
}

static inline const char *forge_write_certs(const char *name, X509 *const *xs, unsigned n)
{
    if (n == 0)
        return NULL;
    BIO *bio = BIO_new_file(forge_path(name), "w");
    for (unsigned i = 0; i < n; i++)
        PEM_write_bio_X509(bio, xs[i]);
    BIO_free(bio);
    return forge_path(name);
}

static inline const char *forge_write_crls(const char *name, X509_CRL *const *xs, unsigned n)
{
    if (n == 0)
        return NULL;
    BIO *bio = BIO_new_file(forge_path(name), "w");
    for (unsigned i = 0; i < n; i++)
        PEM_write_bio_X509_CRL(bio, xs[i]);
    BIO_free(bio);
    return forge_path(name);
}

static inline struct cert *forge_read(X509 *x)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    struct cert *c = NULL;
    struct error e = {0};
    enum err rc = cert_from_der(pki_arena, (struct span){arena_copy(pki_arena, der, (size_t)n), (size_t)n}, &c, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
    OPENSSL_free(der);
    return c;
}

static inline struct trust *forge_trust(X509 *const *anchors, unsigned nanchors, X509 *const *chain, unsigned nchain,
                                        X509_CRL *const *crls, unsigned ncrls, bool crl_required)
{
    struct trust_conf conf = {.anchors_file = forge_write_certs("anchors", anchors, nanchors),
                              .chain_file = forge_write_certs("chain", chain, nchain),
                              .crl_file = forge_write_crls("crls", crls, ncrls),
                              .crl_required = crl_required};
    struct trust *t = NULL;
    struct error e = {0};
    enum err rc = trust_load(pki_arena, &conf, &t, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
    return t;
}

/* why NULL: believed. */
static inline void forge_verdict(const char *row, struct trust *t, X509 *x, int64_t now_s, const char *why)
{
    struct error e = {0};
    enum err rc = trust_check(t, forge_read(x), now_s, NULL, &e);
    if (why == NULL ? rc != ERR_OK : rc != ERR_TOKEN || strstr(e.detail, why) == NULL)
        fail_msg("%s: %s '%s' instead of '%s'", row, error_name(rc), e.detail, why != NULL ? why : "believed");
}

static inline int forge_setup(void **state)
{
    return pki_setup(state) != 0 || mkdtemp(forge_dir) == NULL ? -1 : 0;
}

static inline int forge_teardown(void **state)
{
    static const char *const names[] = {"anchors", "chain", "crls"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(forge_path(names[i]));
    rmdir(forge_dir);
    return pki_teardown(state);
}
