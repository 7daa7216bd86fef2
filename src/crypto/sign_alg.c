/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The three signature algorithms: which digest and which kind of key belong to each. */
#include "crypto_private.h"

#include <openssl/objects.h>

static const struct {
    enum digest_alg digest;
    int key_nid;
} algs[SIGN_COUNT] = {
    [SIGN_GOST2001] = {DIGEST_GOST94, NID_id_GostR3410_2001},
    [SIGN_GOST2012_256] = {DIGEST_STREEBOG256, NID_id_GostR3410_2012_256},
    [SIGN_GOST2012_512] = {DIGEST_STREEBOG512, NID_id_GostR3410_2012_512},
};

enum digest_alg sign_alg_digest(enum sign_alg alg)
{
    return algs[alg].digest;
}

bool sign_alg_of_key(const EVP_PKEY *key, enum sign_alg *out)
{
    int nid = EVP_PKEY_get_base_id(key);
    for (int i = 0; i < SIGN_COUNT; i++) {
        if (algs[i].key_nid == nid) {
            *out = (enum sign_alg)i;
            return true;
        }
    }
    return false;
}
