/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Algorithm URIs of XML signatures: the only list there is. What is not in these tables does not exist for us, so
 * nothing can be negotiated down. Each algorithm has two or three spellings in the field; we accept all, write one.
 */
#include "smev.h"

#include <string.h>

#define HTTP_FORM "http://www.w3.org/2001/04/xmldsig-more#"
#define URN_FORM  "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"

/* The first row of an algorithm is the spelling we write. */
static const struct {
    const char *uri;
    enum digest_alg alg;
} digests[] = {
    {HTTP_FORM "gostr3411", DIGEST_GOST94},
    {URN_FORM "gostr3411", DIGEST_GOST94},
    {URN_FORM "gostr34112012-256", DIGEST_STREEBOG256},
    {HTTP_FORM "gostr34112012-256", DIGEST_STREEBOG256},
    {URN_FORM "gostr34112012-512", DIGEST_STREEBOG512},
    {HTTP_FORM "gostr34112012-512", DIGEST_STREEBOG512},
};

static const struct {
    const char *uri;
    enum sign_alg alg;
} signatures[] = {
    {HTTP_FORM "gostr34102001-gostr3411", SIGN_GOST2001},
    {URN_FORM "gostr34102001-gostr3411", SIGN_GOST2001},
    {URN_FORM "gostr34102012-gostr34112012-256", SIGN_GOST2012_256},
    {HTTP_FORM "gostr34102012-gostr34112012-256", SIGN_GOST2012_256},
    {URN_FORM "gostr34102012-gostr34112012-512", SIGN_GOST2012_512},
    {HTTP_FORM "gostr34102012-gostr34112012-512", SIGN_GOST2012_512},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool dsig_digest_alg(const char *uri, enum digest_alg *out)
{
    for (size_t i = 0; uri && i < COUNT(digests); i++) {
        if (strcmp(digests[i].uri, uri) == 0) {
            *out = digests[i].alg;
            return true;
        }
    }
    return false;
}

bool dsig_sign_alg(const char *uri, enum sign_alg *out)
{
    for (size_t i = 0; uri && i < COUNT(signatures); i++) {
        if (strcmp(signatures[i].uri, uri) == 0) {
            *out = signatures[i].alg;
            return true;
        }
    }
    return false;
}

const char *dsig_digest_uri(enum digest_alg alg)
{
    for (size_t i = 0; i < COUNT(digests); i++) {
        if (digests[i].alg == alg)
            return digests[i].uri;
    }
    return NULL;
}

const char *dsig_sign_uri(enum sign_alg alg)
{
    for (size_t i = 0; i < COUNT(signatures); i++) {
        if (signatures[i].alg == alg)
            return signatures[i].uri;
    }
    return NULL;
}
