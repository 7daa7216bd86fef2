/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Digests: GOST R 34.11-94 with the CryptoPro S-box, GOST R 34.11-2012 (RFC 6986), SHA-256. Looked up once, then
 * shared. */
#include "crypto_private.h"

#include <string.h>

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

/*
 * gost-engine 3.0.1 gives a wrong GOST R 34.11-94 digest of the empty text, and of that alone: it leaves out the block
 * of zeros. This is the right one.
 */
static const unsigned char gost94_of_nothing[32] = {
    0x98, 0x1e, 0x5f, 0x3c, 0xa3, 0x0c, 0x84, 0x14, 0x87, 0x83, 0x0f, 0x84, 0xfb, 0x43, 0x3e, 0x13,
    0xac, 0x11, 0x01, 0x56, 0x9b, 0x9c, 0x13, 0x58, 0x4a, 0xc4, 0x83, 0x23, 0x4c, 0xd6, 0x56, 0xc0,
};

enum err digest_once(enum digest_alg alg, const void *p, size_t n, unsigned char out[DIGEST_MAX], struct error *e)
{
    unsigned size = 0;
    if (alg == DIGEST_GOST94 && n == 0) {
        memcpy(out, gost94_of_nothing, sizeof gost94_of_nothing);
        return ERR_OK;
    }
    if (EVP_Digest(n > 0 ? p : "", n, out, &size, mds[alg], NULL) != 1 || size != digests[alg].size)
        return crypto_error(e, ERR_CRYPTO, "digest %s", digests[alg].name);
    return ERR_OK;
}
