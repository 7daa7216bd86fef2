/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Known answers: GOST R 34.11-2012 (RFC 6986 section 10), GOST R 34.11-94 with the CryptoPro S-box, FIPS 180-4. */
#include "pki.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* RFC 6986 prints its messages last byte first; here they stand as they are digested. */
#define M1 "012345678901234567890123456789012345678901234567890123456789012"
#define M2                                                                                                             \
    "\xd1\xe5\x20\xe2\xe5\xf2\xf0\xe8\x2c\x20\xd1\xf2\xf0\xe8\xe1\xee\xe6\xe8\x20\xe2\xed\xf3\xf6\xe8\x2c\x20"         \
    "\xe2\xe5\xfe\xf2\xfa\x20\xf1\x20\xec\xee\xf0\xff\x20\xf1\xf2\xf0\xe5\xeb\xe0\xec\xe8\x20\xed\xe0\x20\xf5"         \
    "\xf0\xe0\xe1\xf0\xfb\xff\x20\xef\xeb\xfa\xea\xfb\x20\xc8\xe3\xee\xf0\xe5\xe2\xfb"

static const struct {
    enum digest_alg alg;
    const char *message, *digest;
} answers[] = {
    {DIGEST_STREEBOG512, M1,
     "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa"
     "00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"},
    {DIGEST_STREEBOG256, M1, "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"},
    {DIGEST_STREEBOG512, M2,
     "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376"
     "035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"},
    {DIGEST_STREEBOG256, M2, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"},
    {DIGEST_STREEBOG512, "",
     "8e945da209aa869f0455928529bcae4679e9873ab707b55315f56ceb98bef0a7"
     "362f715528356ee83cda5f2aac4c6ad2ba3a715c1bcd81cb8e9f90bf4c1c1a8a"},
    {DIGEST_STREEBOG256, "", "3f539a213e97c802cc229d474c6aa32a825a360b2a933a949fd925208d9ce1bb"},
    {DIGEST_GOST94, "", "981e5f3ca30c841487830f84fb433e13ac1101569b9c13584ac483234cd656c0"},
    {DIGEST_GOST94, "a", "e74c52dd282183bf37af0079c9f78055715a103f17e3133ceff1aacf2f403011"},
    {DIGEST_GOST94, "abc", "b285056dbf18d7392d7677369524dd14747459ed8143997e163b2986f92fd42c"},
    {DIGEST_GOST94, "message digest", "bc6041dd2aa401ebfa6e9886734174febdb4729aa972d60f549ac39b29721ba0"},
    {DIGEST_GOST94, "The quick brown fox jumps over the lazy dog",
     "9004294a361a508c586fe53d1f1b02746765e71b765472786e4770d565830a76"},
    {DIGEST_GOST94, "This is message, length=32 bytes",
     "2cefc2f7b7bdc514e18ea57fa74ff357e7fa17d652c75f69cb1be7893ede48eb"},
    {DIGEST_GOST94, "Suppose the original message has length = 50 bytes",
     "c3730c5cbccacf915ac292676f21e8bd4ef75331d9405e5f1a61dc3130a65011"},
    {DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
};

static void assert_hex(const unsigned char *digest, size_t n, const char *expected)
{
    struct arena *a = arena_new();
    struct buf hex;
    buf_init(&hex, a, 0);
    buf_add_hex(&hex, digest, n);
    assert_string_equal(hex.p, expected);
    arena_free(a);
}

static void check(size_t i)
{
    unsigned char out[DIGEST_MAX];
    struct error e = {0};
    assert_int_equal(digest_once(answers[i].alg, answers[i].message, strlen(answers[i].message), out, &e), ERR_OK);
    assert_hex(out, digest_size(answers[i].alg), answers[i].digest);
}

static void C1_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        check(i);
    struct error e = {0};
    unsigned char out[DIGEST_MAX];
    assert_int_equal(digest_once(DIGEST_SHA256, NULL, 0, out, &e), ERR_OK);
    assert_int_equal(out[0], 0xe3);
}

static void sizes_and_pairs(void **state)
{
    (void)state;
    assert_int_equal(digest_size(DIGEST_GOST94), 32);
    assert_int_equal(digest_size(DIGEST_STREEBOG256), 32);
    assert_int_equal(digest_size(DIGEST_STREEBOG512), 64);
    assert_int_equal(digest_size(DIGEST_SHA256), 32);
    assert_int_equal(sign_alg_digest(SIGN_GOST2001), DIGEST_GOST94);
    assert_int_equal(sign_alg_digest(SIGN_GOST2012_256), DIGEST_STREEBOG256);
    assert_int_equal(sign_alg_digest(SIGN_GOST2012_512), DIGEST_STREEBOG512);
}

static void *many(void *p)
{
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
            unsigned char out[DIGEST_MAX], want[4];
            struct error e = {0};
            unsigned first = (unsigned)strtoul((char[]){answers[i].digest[0], answers[i].digest[1], 0}, NULL, 16);
            want[0] = (unsigned char)first;
            if (digest_once(answers[i].alg, answers[i].message, strlen(answers[i].message), out, &e) != ERR_OK ||
                out[0] != want[0])
                *(int *)p = 1;
        }
    }
    return NULL;
}

static void two_threads_digest_at_once(void **state)
{
    (void)state;
    pthread_t one, two;
    int bad1 = 0, bad2 = 0;
    pthread_create(&one, NULL, many, &bad1);
    pthread_create(&two, NULL, many, &bad2);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    assert_int_equal(bad1 + bad2, 0);
}

static int file_of(const void *p, size_t n)
{
    int file = memfd_create("digest", MFD_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(write(file, p, n), (ssize_t)n);
    return file;
}

static void Q6_of_a_file(void **state)
{
    (void)state;
    struct error e = {0};
    unsigned char out[2][DIGEST_MAX], once[DIGEST_MAX];
    uint64_t size = 0;
    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const enum digest_alg algs[] = {answers[i].alg};
        int file = file_of(answers[i].message, strlen(answers[i].message));
        assert_int_equal(digest_file(file, algs, 1, out, &size, &e), ERR_OK);
        assert_int_equal(size, strlen(answers[i].message));
        assert_hex(out[0], digest_size(answers[i].alg), answers[i].digest);
        (void)close(file);
    }
    static unsigned char large[3 * 65536 + 1]; /* more than one piece, and a byte beyond the last */
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (unsigned char)(i * 31 + i / 251);
    const enum digest_alg both[] = {DIGEST_GOST94, DIGEST_SHA256};
    int file = file_of(large, sizeof large);
    assert_int_equal(digest_file(file, both, 2, out, &size, &e), ERR_OK);
    assert_int_equal(size, sizeof large);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(digest_once(both[i], large, sizeof large, once, &e), ERR_OK);
        assert_memory_equal(out[i], once, 32);
    }
    (void)close(file);
    assert_int_equal(digest_file(file, both, 2, out, &size, &e), ERR_SYSTEM);
}

static void a_second_start_changes_nothing(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(crypto_init(&e), ERR_OK);
    crypto_fini();
    assert_int_equal(crypto_init(&e), ERR_OK);
    check(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C1_known_answers),
        cmocka_unit_test(sizes_and_pairs),
        cmocka_unit_test(two_threads_digest_at_once),
        cmocka_unit_test(Q6_of_a_file),
        cmocka_unit_test(a_second_start_changes_nothing),
    };
    return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
