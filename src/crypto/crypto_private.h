/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the files of this folder share. No other folder includes it: OpenSSL's types end here. */
#pragma once

#include "crypto.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/*
 * The one translator: sets code with the given words and OpenSSL's first reason behind them, and empties the thread's
 * error queue, so that nothing old is blamed on the next call. Returns code.
 */
enum err crypto_error(struct error *e, enum err code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Never asks: an encrypted PEM file cannot be read by a daemon. */
int crypto_no_password(char *buf, int size, int is_writing, void *arg);

/* See cert_describe(). cap: CERT_WORDS_SIZE. */
void x509_describe(const X509 *x, char *out, size_t cap);
void digest_describe(const unsigned char digest[32], char *out, size_t cap); /* as far as its fingerprint goes */

struct cert {
    X509 *x;
    EVP_PKEY *pub; /* owned by x */
    struct span der;
    unsigned char fingerprint[DIGEST_MAX]; /* SHA-256: 32 of them */
    const char *subject;
    int64_t not_before, not_after;
    int64_t signs_from, signs_until; /* privateKeyUsagePeriod; without it: for ever */
    bool is_gost;
    enum sign_alg alg; /* when is_gost */
};

/* The digest of a signature algorithm as OpenSSL wants it. */
const EVP_MD *digest_md(enum digest_alg alg);

/* By the OpenSSL number of a key type; false when it is none of ours. */
bool sign_alg_of_key(const EVP_PKEY *key, enum sign_alg *out);

/* x joins the arena whatever comes out. refuse: the code for a certificate that cannot be used. */
MUST_CHECK enum err cert_wrap(struct arena *a, X509 *x, enum err refuse, struct cert **out, struct error *e);

/* Of an authority, for the log: organization and common name, unless that is a person's. And a number in hexadecimal
 * digits, or "-". */
const char *name_label(struct arena *a, const X509_NAME *name);
const char *integer_text(struct arena *a, const ASN1_INTEGER *n);
const char *x509_fingerprint_text(struct arena *a, const X509 *x); /* SHA-256: AB:CD:… */

/* Opens a file that must be PEM; one that is empty, or DER, is called so. what: "certificate", "revocation list". */
MUST_CHECK enum err pem_open(const char *file, const char *what, BIO **out, struct error *e);

/* Seconds since 1970; false when t is not a time. */
bool time_of_asn1(const ASN1_TIME *t, int64_t *out);

/*
 * trust_judge() for the certificate of a TLS client, in the middle of the handshake. sent: what came with it, which may
 * help to build a path; may be NULL.
 */
MUST_CHECK enum err trust_judge_client(const struct trust *t, X509 *x, STACK_OF(X509) * sent, int auth_level,
                                       int64_t now_s, struct trust_verdict *v, struct error *e);
/* The names of the authorities that are used, for the client to choose by; NULL without memory. The caller's. */
STACK_OF(X509_NAME) * trust_names(const struct trust *t);
