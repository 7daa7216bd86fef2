/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Certificates with any octets for names, laid together byte by byte (X.690): the library would refuse to make most of
 * them. Nobody signed them. And what is true of the words of every certificate.
 */
#pragma once

#include "forge.h"

#include "utf8.h"

#include <openssl/sha.h>

struct part {
    const char *oid;
    int type; /* universal tag */
    const char *bytes;
    int n;      /* -1: as a string */
    bool joins; /* the one before, in one RDN */
};
#define UTF8(oid, text)                                                                                                \
    {                                                                                                                  \
        oid, V_ASN1_UTF8STRING, text, -1, false                                                                        \
    }
#define UTF8_TOO(oid, text)                                                                                            \
    {                                                                                                                  \
        oid, V_ASN1_UTF8STRING, text, -1, true                                                                         \
    }
#define BYTES(oid, type, string)                                                                                       \
    {                                                                                                                  \
        oid, type, string, (int)sizeof(string) - 1, false                                                              \
    }

static inline struct span der_join(struct span a, struct span b)
{
    char *p = arena_alloc(pki_arena, a.n + b.n + 1);
    if (a.n > 0)
        memcpy(p, a.p, a.n);
    if (b.n > 0)
        memcpy(p + a.n, b.p, b.n);
    return (struct span){p, a.n + b.n};
}

static inline struct span der_wrap(int tag, struct span inner)
{
    char head[5] = {(char)tag};
    size_t n = 1;
    if (inner.n < 128) {
        head[n++] = (char)inner.n;
    } else {
        int octets = inner.n > 0xFFFF ? 3 : inner.n > 0xFF ? 2 : 1;
        head[n++] = (char)(0x80 | octets);
        while (octets-- > 0)
            head[n++] = (char)(inner.n >> 8 * octets);
    }
    return der_join((struct span){head, n}, inner);
}

static inline struct span der_oid(const char *text)
{
    ASN1_OBJECT *o = OBJ_txt2obj(text, 1);
    assert_non_null(o);
    unsigned char *der = NULL;
    int n = i2d_ASN1_OBJECT(o, &der);
    struct span out = {arena_copy(pki_arena, (const char *)der, (size_t)n), (size_t)n};
    OPENSSL_free(der);
    ASN1_OBJECT_free(o);
    return out;
}

static inline struct span odd_name(const struct part *parts, size_t n)
{
    struct span all = {0}, rdn = {0};
    for (size_t i = 0; i < n && parts[i].oid != NULL; i++) {
        struct span value = {parts[i].bytes, parts[i].n >= 0 ? (size_t)parts[i].n : strlen(parts[i].bytes)};
        struct span one = der_wrap(0x30, der_join(der_oid(parts[i].oid), der_wrap(parts[i].type, value)));
        if (!parts[i].joins && rdn.n > 0) {
            all = der_join(all, der_wrap(0x31, rdn));
            rdn = (struct span){0};
        }
        rdn = der_join(rdn, one);
    }
    return der_wrap(0x30, rdn.n > 0 ? der_join(all, der_wrap(0x31, rdn)) : all);
}

static inline struct span odd_key(void)
{
    static struct span kept;
    if (kept.n > 0)
        return kept;
    EVP_PKEY *key = forge_key("g256a");
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    assert_true(n > 0);
    kept = (struct span){arena_copy(pki_arena, (const char *)der, (size_t)n), (size_t)n};
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return kept;
}

/* extensions: the SEQUENCE OF Extension, or nothing. */
static inline struct span odd_cert(struct span subject, struct span issuer, struct span serial, struct span extensions)
{
    static const char signature[66] = {0}, validity[] = "\x17\x0D"
                                                        "240101000000Z"
                                                        "\x17\x0D"
                                                        "300101000000Z";
    struct span alg = der_wrap(0x30, der_oid("1.2.643.7.1.1.3.2"));
    struct span tbs = der_join((struct span){"\xA0\x03\x02\x01\x02", 5}, der_wrap(0x02, serial));
    tbs = der_join(der_join(tbs, alg), issuer);
    tbs = der_join(tbs, der_wrap(0x30, (struct span){validity, sizeof validity - 1}));
    tbs = der_join(der_join(tbs, subject), odd_key());
    if (extensions.n > 0)
        tbs = der_join(tbs, der_wrap(0xA3, extensions));
    struct span all = der_join(der_wrap(0x30, tbs), alg);
    return der_wrap(0x30, der_join(all, der_wrap(0x03, (struct span){signature, 65})));
}

/* What `openssl x509 -fingerprint -sha256` would say: computed without the code under test. */
static inline const char *fingerprint_of(struct span der)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *text = arena_alloc(pki_arena, 96);
    SHA256((const unsigned char *)der.p, der.n, digest);
    for (int i = 0; i < 32; i++)
        snprintf(text + 3 * i, 4, i < 31 ? "%02X:" : "%02X", digest[i]);
    return text;
}

static inline unsigned count_of(const char *s, char c)
{
    unsigned n = 0;
    for (; *s != '\0'; s++)
        n += *s == c;
    return n;
}

/* True of the words of every certificate there is. */
static inline void look_at(struct span der, const char *words)
{
    const char *front = arena_printf(pki_arena, "certificate sha256 %s, ", fingerprint_of(der));
    size_t n = strlen(words);
    if (strncmp(words, front, strlen(front)) != 0)
        fail_msg("%s does not begin with %s", words, front);
    assert_true(n < CERT_WORDS_SIZE);
    for (size_t i = 0, taken; i < n; i += taken) {
        uint32_t c = 0;
        taken = utf8_next(words + i, n - i, &c);
        if (taken == 0 || c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
            (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029 || c == 0xFEFF)
            fail_msg("U+%04X at %zu of %s", (unsigned)c, i, words);
    }
    if (strcmp(words + strlen(front), "which cannot be read") == 0)
        return;
    if (count_of(words, '[') != 2 || count_of(words, ']') != 2)
        fail_msg("brackets: %s", words);
    const char *subject = strstr(words, ", subject ["), *issuer = strstr(words, "], issuer ["),
               *serial = strstr(words, "], serial ");
    assert_true(subject != NULL && issuer != NULL && serial != NULL && subject < issuer && issuer < serial);
}

static inline const char *words_of(struct span der)
{
    struct cert *c = NULL;
    struct error e = {0};
    const char *words = cert_describe_octets(pki_arena, der);
    look_at(der, words);
    if (cert_from_der(pki_arena, der, &c, &e) == ERR_OK)
        assert_string_equal(cert_describe(pki_arena, c), words);
    return words;
}
