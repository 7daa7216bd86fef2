/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One certificate: read once, everything asked of it later is worked out here, so that threads only read. Whether it is
 * to be believed is decided in trust.c.
 */
#include "crypto_private.h"
#include "file.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

static void x509_free(void *x)
{
    X509_free(x);
}

bool time_of_asn1(const ASN1_TIME *t, int64_t *out)
{
    struct tm tm;
    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

/* RFC 2253, but letters beyond ASCII as they are. */
static const char *subject_text(struct arena *a, const X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text = NULL;
    char *p;
    if (bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(x), 0,
                                          XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
        long n = BIO_get_mem_data(bio, &p);
        text = arena_copy(a, p, n > 0 ? (size_t)n : 0);
    }
    BIO_free(bio);
    return text;
}

enum err pem_open(const char *file, const char *what, BIO **out, struct error *e)
{
    enum err err = file_may_be_opened(file, e);
    if (err != ERR_OK)
        return err;
    BIO *bio = BIO_new_file(file, "re");
    if (bio == NULL) {
        ERR_clear_error();
        return error_set(e, ERR_CONFIG, "%s: cannot be read: %s", file, strerror(errno));
    }
    unsigned char head[2] = {0};
    int n = BIO_read(bio, head, sizeof head);
    enum err rc = ERR_OK;
    if (n < 0)
        rc = crypto_error(e, ERR_CONFIG, "%s: cannot be read", file);
    else if (n == 0)
        rc = error_set(e, ERR_CONFIG, "%s: is empty: no %s in PEM form", file, what);
    else if (n == 2 && head[0] == 0x30 && (head[1] & 0x80) != 0) /* SEQUENCE, its length in several bytes */
        rc = error_set(e, ERR_CONFIG, "%s: is DER: no %s in PEM form (openssl can convert it)", file, what);
    else if (BIO_seek(bio, 0) < 0)
        rc = crypto_error(e, ERR_CONFIG, "%s: cannot be read", file);
    if (rc != ERR_OK)
        BIO_free(bio);
    else
        *out = bio;
    return rc;
}

static enum err read_dates(struct cert *c, enum err refuse, struct error *e)
{
    if (!time_of_asn1(X509_get0_notBefore(c->x), &c->not_before) ||
        !time_of_asn1(X509_get0_notAfter(c->x), &c->not_after))
        return crypto_error(e, refuse, "the certificate has an unreadable date");
    c->signs_from = INT64_MIN;
    c->signs_until = INT64_MAX;
    int critical = -1;
    PKEY_USAGE_PERIOD *period = X509_get_ext_d2i(c->x, NID_private_key_usage_period, &critical, NULL);
    if (period == NULL)
        return critical == -1 ? ERR_OK : crypto_error(e, refuse, "the certificate has an unreadable key usage period");
    bool is_good = (period->notBefore == NULL || time_of_asn1(period->notBefore, &c->signs_from)) &&
                   (period->notAfter == NULL || time_of_asn1(period->notAfter, &c->signs_until));
    PKEY_USAGE_PERIOD_free(period);
    return is_good ? ERR_OK : crypto_error(e, refuse, "the certificate has an unreadable key usage period");
}

enum err cert_wrap(struct arena *a, X509 *x, enum err refuse, struct cert **out, struct error *e)
{
    struct cert *c = arena_alloc(a, sizeof *c);
    arena_defer(a, x509_free, x);
    c->x = x;
    int n = i2d_X509(x, NULL);
    if (n <= 0)
        return crypto_error(e, refuse, "the certificate cannot be encoded");
    unsigned char *der = arena_alloc(a, (size_t)n), *to = der;
    i2d_X509(x, &to);
    c->der = (struct span){(const char *)der, (size_t)n};
    enum err rc = digest_once(DIGEST_SHA256, der, (size_t)n, c->fingerprint, e);
    if (rc != ERR_OK)
        return rc;
    c->subject = subject_text(a, x);
    if (c->subject == NULL)
        return crypto_error(e, refuse, "the certificate has an unreadable subject");
    rc = read_dates(c, refuse, e);
    if (rc != ERR_OK)
        return rc;
    c->pub = X509_get0_pubkey(x); /* checks that the point lies on its curve */
    if (c->pub == NULL)
        return crypto_error(e, refuse, "the certificate has an unusable public key");
    c->is_gost = sign_alg_of_key(c->pub, &c->alg);
    *out = c;
    return ERR_OK;
}

enum err cert_from_der(struct arena *a, struct span der, struct cert **out, struct error *e)
{
    const unsigned char *p = (const unsigned char *)der.p;
    if (der.n == 0 || der.n > INT_MAX)
        return error_set(e, ERR_TOKEN, "the certificate is empty");
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    if (x == NULL)
        return crypto_error(e, ERR_TOKEN, "the certificate is not DER");
    enum err rc = cert_wrap(a, x, ERR_TOKEN, out, e);
    if (rc != ERR_OK)
        return rc;
    /* Nothing behind it, and no second spelling of the same: the fingerprint must be that of the bytes we were given.
     */
    if (!span_equals((*out)->der, der))
        return error_set(e, ERR_TOKEN, "the certificate is not strict DER");
    return ERR_OK;
}

enum err cert_load(struct arena *a, const char *pem_file, struct cert **out, struct error *e)
{
    BIO *bio = NULL;
    enum err rc = pem_open(pem_file, "certificate", &bio, e);
    if (rc != ERR_OK)
        return rc;
    X509 *x = PEM_read_bio_X509(bio, NULL, crypto_no_password, NULL);
    BIO_free(bio);
    if (x == NULL)
        return crypto_error(e, ERR_CONFIG, "%s: no certificate in PEM form", pem_file);
    char who[CERT_WORDS_SIZE];
    struct error why = {0};
    x509_describe(x, who, sizeof who);
    rc = cert_wrap(a, x, ERR_CONFIG, out, &why);
    return rc == ERR_OK ? rc : error_set(e, rc, "%s: %s (%s)", pem_file, why.detail, who);
}

struct cert *cert_share(struct arena *a, const struct cert *c)
{
    struct cert *copy = arena_alloc(a, sizeof *copy);
    *copy = *c;
    X509_up_ref(c->x);
    arena_defer(a, x509_free, c->x);
    copy->der.p = arena_copy(a, c->der.p, c->der.n);
    copy->subject = arena_strdup(a, c->subject);
    return copy;
}

struct span cert_der(const struct cert *c)
{
    return c->der;
}

const unsigned char *cert_fingerprint(const struct cert *c)
{
    return c->fingerprint;
}

const char *cert_subject(const struct cert *c)
{
    return c->subject;
}

bool cert_has_subject_of(const struct cert *c, const struct cert *other)
{
    const X509_NAME *name = X509_get_subject_name(c->x);
    return X509_NAME_entry_count(name) > 0 && X509_NAME_cmp(name, X509_get_subject_name(other->x)) == 0;
}

int64_t cert_signs_from(const struct cert *c)
{
    return c->signs_from > c->not_before ? c->signs_from : c->not_before;
}

int64_t cert_signs_until(const struct cert *c)
{
    return c->signs_until < c->not_after ? c->signs_until : c->not_after;
}

int64_t cert_not_after(const struct cert *c)
{
    return c->not_after;
}

enum err cert_sign_alg(const struct cert *c, enum sign_alg *out, struct error *e)
{
    if (!c->is_gost)
        return error_set(e, ERR_ALGORITHM, "the certificate holds no GOST key");
    *out = c->alg;
    return ERR_OK;
}

enum err cert_verify(const struct cert *c, enum sign_alg alg, const void *p, size_t n, const void *sig, size_t sig_n,
                     struct error *e)
{
    if (!c->is_gost || c->alg != alg)
        return error_set(e, ERR_ALGORITHM, "the key of the certificate is of another kind than the signature");
    size_t want = alg == SIGN_GOST2012_512 ? 128 : 64;
    if (sig_n != want)
        return error_set(e, ERR_CHECK, "the signature has %zu bytes, not %zu", sig_n, want);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum err rc = ERR_OK;
    if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, digest_md(sign_alg_digest(alg)), NULL, c->pub) != 1)
        rc = crypto_error(e, ERR_CRYPTO, "the check cannot begin");
    else if (EVP_DigestVerify(ctx, sig, sig_n, n > 0 ? p : (const void *)"", n) != 1)
        rc = crypto_error(e, ERR_CHECK, "the signature is wrong"); /* negative too: numbers out of range */
    EVP_MD_CTX_free(ctx);
    return rc;
}
