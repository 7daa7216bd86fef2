/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C1, by somebody else's arithmetic: libgcrypt verifies what we sign, we verify what it signs, and both digest alike at
 * every length. It takes the digest as a big-endian number (so reversed), and r and s apart (we have s || r); the
 * public key in a certificate is X || Y, each little-endian.
 */
#include "pki.h"

#ifdef HAVE_GCRYPT

#include <gcrypt.h>
#include <openssl/x509.h>
#include <string.h>

static const struct {
    const char *name, *curve;
    enum sign_alg alg;
} kinds[] = {
    {"g256a", "GOST2001-CryptoPro-A", SIGN_GOST2012_256},
    {"g256tca", "GOST2012-256-A", SIGN_GOST2012_256},
    {"g512a", "GOST2012-512-tc26-A", SIGN_GOST2012_512},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static int md_of(enum digest_alg alg)
{
    switch (alg) {
    case DIGEST_GOST94:
        return GCRY_MD_GOSTR3411_CP;
    case DIGEST_STREEBOG256:
        return GCRY_MD_STRIBOG256;
    case DIGEST_STREEBOG512:
        return GCRY_MD_STRIBOG512;
    default:
        return GCRY_MD_SHA256;
    }
}

static void C1_digests_agree_at_every_length(void **state)
{
    (void)state;
    unsigned char m[300], ours[DIGEST_MAX], theirs[DIGEST_MAX];
    for (size_t i = 0; i < sizeof m; i++)
        m[i] = (unsigned char)(i * 73 + 5);
    for (int alg = 0; alg < DIGEST_COUNT; alg++) {
        for (size_t n = 0; n <= sizeof m; n++) {
            struct error e = {0};
            assert_int_equal(digest_once((enum digest_alg)alg, m, n, ours, &e), ERR_OK);
            gcry_md_hash_buffer(md_of((enum digest_alg)alg), theirs, m, n);
            assert_memory_equal(ours, theirs, digest_size((enum digest_alg)alg));
        }
    }
}

/* half: bytes of one number. out: 04 || X || Y, big-endian. */
static void public_point(const struct cert *c, size_t half, unsigned char *out)
{
    const unsigned char *der = (const unsigned char *)cert_der(c).p;
    X509 *x = d2i_X509(NULL, &der, (long)cert_der(c).n);
    assert_non_null(x);
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x);
    const unsigned char *p = ASN1_STRING_get0_data(bits);
    p += (p[1] & 0x80) != 0 ? 3 : 2; /* the header of the OCTET STRING inside */
    out[0] = 4;
    for (size_t i = 0; i < half; i++) {
        out[1 + i] = p[half - 1 - i];
        out[1 + half + i] = p[2 * half - 1 - i];
    }
    X509_free(x);
}

static gcry_sexp_t data_of(enum sign_alg alg, const void *m, size_t n)
{
    unsigned char h[64], reversed[64];
    size_t size = digest_size(sign_alg_digest(alg));
    gcry_sexp_t data;
    gcry_md_hash_buffer(md_of(sign_alg_digest(alg)), h, m, n);
    for (size_t i = 0; i < size; i++)
        reversed[i] = h[size - 1 - i];
    assert_int_equal(gcry_sexp_build(&data, NULL, "(data (flags gost) (value %b))", (int)size, reversed), 0);
    return data;
}

static void C1_libgcrypt_verifies_our_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct key *k = pki_key(kinds[i].name);
        unsigned char sig[SIGNATURE_MAX], q[129];
        size_t n = 0;
        struct error e = {0};
        assert_int_equal(key_sign(k, "zapisd", 6, sig, &n, &e), ERR_OK);
        int half = (int)n / 2;
        public_point(key_cert(k), (size_t)half, q);
        gcry_sexp_t pub, val;
        assert_int_equal(
            gcry_sexp_build(&pub, NULL, "(public-key (ecc (curve %s) (q %b)))", kinds[i].curve, 2 * half + 1, q), 0);
        assert_int_equal(gcry_sexp_build(&val, NULL, "(sig-val (gost (r %b)(s %b)))", half, sig + half, half, sig), 0);
        gcry_sexp_t good = data_of(kinds[i].alg, "zapisd", 6), other = data_of(kinds[i].alg, "zapise", 6);
        assert_int_equal(gcry_pk_verify(val, good, pub), 0);
        assert_int_not_equal(gcry_pk_verify(val, other, pub), 0);
        gcry_sexp_release(pub);
        gcry_sexp_release(val);
        gcry_sexp_release(good);
        gcry_sexp_release(other);
    }
}

/* Hexadecimal digits without leading zeros, of either number. */
static size_t unhex(struct span in, unsigned char *out, size_t cap)
{
    size_t digits = 0, n = 0;
    while (digits < in.n && in.p[digits] != '\n')
        digits++;
    for (size_t i = 0; i < digits && n < cap; n++) {
        size_t take = i == 0 && digits % 2 != 0 ? 1 : 2;
        out[n] = (unsigned char)strtoul(take == 1 ? (char[]){in.p[i], 0} : (char[]){in.p[i], in.p[i + 1], 0}, NULL, 16);
        i += take;
    }
    return n;
}

/* The number name of a signature, big-endian in size bytes. */
static void take_number(gcry_sexp_t sig, const char *name, unsigned char *out, size_t size)
{
    gcry_sexp_t part = gcry_sexp_find_token(sig, name, 0);
    gcry_mpi_t mpi = gcry_sexp_nth_mpi(part, 1, GCRYMPI_FMT_USG);
    unsigned char raw[80];
    size_t n = 0;
    assert_int_equal(gcry_mpi_print(GCRYMPI_FMT_USG, raw, sizeof raw, &n, mpi), 0);
    assert_true(n <= size);
    memset(out, 0, size);
    memcpy(out + size - n, raw, n);
    gcry_mpi_release(mpi);
    gcry_sexp_release(part);
}

static void C1_we_verify_signatures_of_libgcrypt(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct cert *c = pki_cert(kinds[i].name);
        unsigned char d[64], q[129], sig[SIGNATURE_MAX];
        size_t half = kinds[i].alg == SIGN_GOST2012_512 ? 64 : 32;
        size_t dn = unhex(pki_read(kinds[i].name, ".d"), d, sizeof d);
        assert_in_range(dn, half - 3, half);
        public_point(c, half, q);
        gcry_sexp_t key, val, data = data_of(kinds[i].alg, "hello", 5);
        assert_int_equal(gcry_sexp_build(&key, NULL, "(private-key (ecc (curve %s) (q %b) (d %b)))", kinds[i].curve,
                                         (int)(2 * half + 1), q, (int)dn, d),
                         0);
        for (int round = 0; round < 10; round++) {
            assert_int_equal(gcry_pk_sign(&val, data, key), 0);
            take_number(val, "s", sig, half);
            take_number(val, "r", sig + half, half);
            struct error e = {0};
            enum err rc = cert_verify(c, kinds[i].alg, "hello", 5, sig, 2 * half, &e);
            assert_string_equal(e.detail, "");
            assert_int_equal(rc, ERR_OK);
            assert_int_equal(cert_verify(c, kinds[i].alg, "hallo", 5, sig, 2 * half, &e), ERR_CHECK);
            gcry_sexp_release(val);
        }
        gcry_sexp_release(key);
        gcry_sexp_release(data);
    }
}

int main(void)
{
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C1_digests_agree_at_every_length),
        cmocka_unit_test(C1_libgcrypt_verifies_our_signatures),
        cmocka_unit_test(C1_we_verify_signatures_of_libgcrypt),
    };
    return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}

#else

int main(void)
{
    puts("skipped: libgcrypt was not there when this was built");
    return 0;
}

#endif
