/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Digests: GOST R 34.11-94 with the CryptoPro S-box, GOST R 34.11-2012 (RFC 6986), SHA-256. Looked up once, then
 * shared. */
#include "crypto_private.h"

enum err digest_init(struct error *e);
void digest_fini(void);

/* The engine's are legacy methods that live as long as it does; SHA-256 comes from the default provider. */
static const EVP_MD *mds[DIGEST_COUNT];
static EVP_MD *sha256;

static const struct {
    const char *name;
    size_t size;
} digests[DIGEST_COUNT] = {
    [DIGEST_GOST94] = {"md_gost94", 32},
    [DIGEST_STREEBOG256] = {"md_gost12_256", 32},
    [DIGEST_STREEBOG512] = {"md_gost12_512", 64},
    [DIGEST_SHA256] = {"SHA256", 32},
};

enum err digest_init(struct error *e)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    for (int i = 0; i < DIGEST_COUNT; i++) {
        mds[i] = i == DIGEST_SHA256 ? sha256 : EVP_get_digestbyname(digests[i].name);
        if (mds[i] == NULL || EVP_MD_get_size(mds[i]) != (int)digests[i].size)
            return crypto_error(e, ERR_CRYPTO, "no digest %s", digests[i].name);
    }
    return ERR_OK;
}

void digest_fini(void)
{
    EVP_MD_free(sha256);
    sha256 = NULL;
    for (int i = 0; i < DIGEST_COUNT; i++)
        mds[i] = NULL;
}

const EVP_MD *digest_md(enum digest_alg alg)
{
    return mds[alg];
}

size_t digest_size(enum digest_alg alg)
{
    return digests[alg].size;
}

enum err digest_once(enum digest_alg alg, const void *p, size_t n, unsigned char out[DIGEST_MAX], struct error *e)
{
    unsigned size = 0;
    if (EVP_Digest(n > 0 ? p : "", n, out, &size, mds[alg], NULL) != 1 || size != digests[alg].size)
        return crypto_error(e, ERR_CRYPTO, "digest %s", digests[alg].name);
    return ERR_OK;
}
