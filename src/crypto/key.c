/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Our own keys: a private key is never without its certificate, and never leaves this file. GOST R 34.10-2012 only;
 * what we send is s || r, each big-endian, as gost-engine makes it and SMEV expects it.
 */
#include "crypto_private.h"

#include <string.h>

struct key {
    EVP_PKEY *pkey;
    struct cert *cert;
    enum sign_alg alg;
};

static void pkey_free(void *p)
{
    EVP_PKEY_free(p);
}

enum err key_load(struct arena *a, const char *key_file, const char *cert_file, struct key **out, struct error *e)
{
    struct key *k = arena_alloc(a, sizeof *k);
    BIO *bio = NULL;
    if (pem_open(key_file, "unencrypted private key", &bio, e) != ERR_OK)
        return e->code;
    k->pkey = PEM_read_bio_PrivateKey(bio, NULL, crypto_no_password, NULL);
    BIO_free(bio);
    if (k->pkey == NULL)
        return crypto_error(e, ERR_CONFIG, "%s: no unencrypted private key in PEM form", key_file);
    arena_defer(a, pkey_free, k->pkey);
    if (!sign_alg_of_key(k->pkey, &k->alg) || k->alg == SIGN_GOST2001)
        return error_set(e, ERR_CONFIG, "%s: the key is not GOST R 34.10-2012", key_file);
    enum err rc = cert_load(a, cert_file, &k->cert, e);
    if (rc != ERR_OK)
        return rc;
    if (!k->cert->is_gost || k->cert->alg != k->alg || X509_check_private_key(k->cert->x, k->pkey) != 1)
        return crypto_error(e, ERR_CONFIG, "%s does not belong to %s", key_file, cert_file);
    *out = k;
    return ERR_OK;
}

struct key *key_share(struct arena *a, const struct key *k)
{
    struct key *copy = arena_alloc(a, sizeof *copy);
    EVP_PKEY_up_ref(k->pkey);
    arena_defer(a, pkey_free, k->pkey);
    *copy = (struct key){.pkey = k->pkey, .cert = cert_share(a, k->cert), .alg = k->alg};
    return copy;
}

enum sign_alg key_alg(const struct key *k)
{
    return k->alg;
}

const struct cert *key_cert(const struct key *k)
{
    return k->cert;
}

enum err key_sign(const struct key *k, const void *p, size_t n, unsigned char out[SIGNATURE_MAX], size_t *out_n,
                  struct error *e)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t size = SIGNATURE_MAX, want = k->alg == SIGN_GOST2012_512 ? 128 : 64;
    enum err rc = ERR_OK;
    if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, digest_md(sign_alg_digest(k->alg)), NULL, k->pkey) != 1 ||
        EVP_DigestSign(ctx, out, &size, n > 0 ? p : (const void *)"", n) != 1)
        rc = crypto_error(e, ERR_CRYPTO, "signing failed");
    else if (size != want)
        rc = error_set(e, ERR_CRYPTO, "the signature came out with %zu bytes", size);
    EVP_MD_CTX_free(ctx);
    *out_n = rc == ERR_OK ? size : 0;
    return rc;
}
