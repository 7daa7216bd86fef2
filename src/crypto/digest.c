/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Digests: GOST R 34.11-94 with the CryptoPro S-box, GOST R 34.11-2012 (RFC 6986), SHA-256. Looked up once, then
 * shared. */
#include "crypto_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES 65536

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

/* ---- of a file ---- */

/* Each piece goes to all of them; *size: so far. */
static enum err read_pieces(int file, EVP_MD_CTX **contexts, unsigned n, uint64_t *size, struct error *e)
{
    unsigned char piece[PIECE_BYTES];
    for (*size = 0;;) {
        ssize_t some = pread(file, piece, sizeof piece, (off_t)*size);
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return error_set(e, ERR_SYSTEM, "a file cannot be read: %s", strerror(errno));
        if (some == 0)
            return ERR_OK;
        for (unsigned i = 0; i < n; i++)
            if (EVP_DigestUpdate(contexts[i], piece, (size_t)some) != 1)
                return crypto_error(e, ERR_CRYPTO, "digest of a file");
        *size += (uint64_t)some;
    }
}

static enum err finish_one(EVP_MD_CTX *context, enum digest_alg alg, uint64_t size, unsigned char out[DIGEST_MAX],
                           struct error *e)
{
    unsigned length = 0;
    if (size == 0)
        return digest_once(alg, "", 0, out, e);
    if (EVP_DigestFinal_ex(context, out, &length) != 1 || length != digests[alg].size)
        return crypto_error(e, ERR_CRYPTO, "digest %s", digests[alg].name);
    return ERR_OK;
}

enum err digest_file(int file, const enum digest_alg *algs, unsigned n, unsigned char (*out)[DIGEST_MAX],
                     uint64_t *size, struct error *e)
{
    EVP_MD_CTX *contexts[DIGEST_COUNT] = {NULL};
    enum err err = n <= DIGEST_COUNT ? ERR_OK : error_set(e, ERR_INTERNAL, "more digests than there are");
    for (unsigned i = 0; i < n && err == ERR_OK; i++) {
        contexts[i] = EVP_MD_CTX_new();
        if (contexts[i] == NULL || EVP_DigestInit_ex(contexts[i], mds[algs[i]], NULL) != 1)
            err = crypto_error(e, ERR_CRYPTO, "digest %s", digests[algs[i]].name);
    }
    if (err == ERR_OK)
        err = read_pieces(file, contexts, n, size, e);
    for (unsigned i = 0; i < n && err == ERR_OK; i++)
        err = finish_one(contexts[i], algs[i], *size, out[i], e);
    for (unsigned i = 0; i < n && i < DIGEST_COUNT; i++)
        EVP_MD_CTX_free(contexts[i]);
    return err;
}
