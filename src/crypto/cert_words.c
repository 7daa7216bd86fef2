/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A certificate in words, for whoever has to find out which one was refused, and the one line that tells a refusal.
 * The fingerprint comes first: it is ours to compute, says which certificate it is beyond doubt, and can be compared
 * with what its owner reads to us. Names come from whoever made the certificate, and never name a person
 * (name_words.c).
 */
#include "name_words.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SERIAL_DIGITS     40 /* RFC 5280 section 4.1.2.2: twenty octets */
#define WHY_BYTES         180
#define FINGERPRINT_BYTES 96

const char *name_label(struct arena *a, const X509_NAME *name)
{
    char text[CERT_WORDS_SIZE];
    struct words w = {.p = text, .cap = sizeof text};
    text[0] = '\0';
    name_words(&w, name, NAME_OF_AUTHORITY, false);
    return arena_strdup(a, text);
}

const char *integer_text(struct arena *a, const ASN1_INTEGER *n)
{
    BIGNUM *bn = n == NULL ? NULL : ASN1_INTEGER_to_BN(n, NULL);
    char *hex = bn == NULL ? NULL : BN_bn2hex(bn);
    const char *text = arena_strdup(a, hex != NULL ? hex : "-");
    OPENSSL_free(hex);
    BN_free(bn);
    return text;
}

/* As `openssl x509 -fingerprint -sha256` writes it. */
static void fingerprint_text(const unsigned char digest[32], char out[FINGERPRINT_BYTES])
{
    for (int i = 0; i < 32; i++)
        (void)snprintf(out + 3 * i, 4, i < 31 ? "%02X:" : "%02X", digest[i]);
}

const char *x509_fingerprint_text(struct arena *a, const X509 *x)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    char text[FINGERPRINT_BYTES];
    (void)X509_digest(x, EVP_sha256(), digest, NULL);
    fingerprint_text(digest, text);
    return arena_strdup(a, text);
}

static void fingerprint_add(struct words *w, const unsigned char digest[32])
{
    char text[FINGERPRINT_BYTES];
    fingerprint_text(digest, text);
    words_add(w, "certificate sha256 %s", text);
}

static void serial_add(struct words *w, const X509 *x)
{
    BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    char *hex = bn != NULL ? BN_bn2hex(bn) : NULL;
    bool is_long = hex != NULL && strlen(hex) > SERIAL_DIGITS;
    words_add(w, ", serial %.*s%s", SERIAL_DIGITS, hex != NULL ? hex : "?", is_long ? "..." : "");
    OPENSSL_free(hex);
    BN_free(bn);
}

/* Who has issued itself is not known to be an authority. */
static void names_add(struct words *w, const X509 *x)
{
    const X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);
    bool is_own = X509_NAME_cmp(subject, issuer) == 0, is_person = name_is_elsewhere_of_person(x);
    words_add(w, ", subject [");
    name_words(w, subject, NAME_OF_HOLDER, is_person);
    words_add(w, "], issuer [");
    name_words(w, issuer, is_own ? NAME_OF_HOLDER : NAME_OF_AUTHORITY, is_own && is_person);
    words_add(w, "]");
    serial_add(w, x);
    ERR_clear_error();
}

void x509_describe(const X509 *x, char *out, size_t cap)
{
    struct words w = {.p = out, .cap = cap};
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    out[0] = '\0';
    (void)X509_digest(x, EVP_sha256(), digest, NULL);
    fingerprint_add(&w, digest);
    names_add(&w, x);
}

void digest_describe(const unsigned char digest[32], char *out, size_t cap)
{
    struct words w = {.p = out, .cap = cap};
    out[0] = '\0';
    fingerprint_add(&w, digest);
}

const char *cert_describe(struct arena *a, const struct cert *c)
{
    char text[CERT_WORDS_SIZE] = "";
    struct words w = {.p = text, .cap = sizeof text};
    fingerprint_add(&w, c->fingerprint);
    names_add(&w, c->x);
    return arena_strdup(a, text);
}

const char *cert_describe_octets(struct arena *a, struct span der)
{
    char text[CERT_WORDS_SIZE] = "";
    struct words w = {.p = text, .cap = sizeof text};
    unsigned char digest[DIGEST_MAX] = {0};
    struct error ignored = {0};
    const unsigned char *p = (const unsigned char *)der.p;
    if (der.n == 0 || der.n > INT_MAX || digest_once(DIGEST_SHA256, der.p, der.n, digest, &ignored) != ERR_OK)
        return "no certificate";
    fingerprint_add(&w, digest);
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    if (x != NULL)
        names_add(&w, x);
    else
        words_add(&w, ", which cannot be read");
    X509_free(x);
    ERR_clear_error();
    return arena_strdup(a, text);
}

const char *cert_fingerprint_text(struct arena *a, const struct cert *c)
{
    char text[FINGERPRINT_BYTES];
    fingerprint_text(c->fingerprint, text);
    return arena_strdup(a, text);
}

enum err cert_refused(struct error *e, enum err code, const char *who, const char *why, const char *advice)
{
    return error_set(e, code, "%s: %.*s%s%s", who, WHY_BYTES, why, advice != NULL ? "; " : "",
                     advice != NULL ? advice : "");
}

/* ---- what to do ---- */

const char *trust_advice(enum trust_reason reason, enum trust_use use)
{
    bool is_client = use == TRUST_OF_CLIENTS;
    switch (reason) {
    case TRUST_DATES:
        return is_client ? "its owner needs one that is in date, an authority out of date is replaced in "
                           "tls_client_ca; is the clock here right?"
                         : "its owner has to sign with one that is in date, an authority out of date is replaced in "
                           "chain or anchors of [trust]; is the clock here right?";
    case TRUST_USAGE:
        return is_client ? "its owner needs one for clients (clientAuth)"
                         : "its owner has to sign with one that is for signatures";
    case TRUST_REVOKED:
        return is_client ? "its owner needs another one" : "its owner has to sign with another one";
    case TRUST_NO_LIST:
        return is_client ? "a list of its issuer that is in date belongs into tls_client_crl of the [listener], then "
                           "reload"
                         : "a list of its issuer that is in date belongs into crl of [trust], then reload";
    case TRUST_NO_ISSUER:
        return is_client ? "if its issuer is to be believed, the issuer's certificate belongs into tls_client_ca of "
                           "the [listener], then reload"
                         : "if its issuer is to be believed, the issuer's certificate belongs into anchors (a root) "
                           "or chain of [trust], then reload";
    case TRUST_GOOD:
    case TRUST_BROKEN:
        break;
    }
    return "its owner needs one of another make: his authority has to be asked";
}
