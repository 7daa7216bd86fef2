/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The TLS filter against a client in the same process, memory to memory: every kind of certificate, cut at every byte,
 * and what must not work: old versions, weak suites, renegotiation, strangers, noise.
 */
#include "tls_pair.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

/* ---- what OpenSSL holds ---- */

static size_t openssl_bytes;

static void *counted_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    openssl_bytes -= p != NULL ? malloc_usable_size(p) : 0;
    void *more = realloc(p, n);
    openssl_bytes += more != NULL ? malloc_usable_size(more) : 0;
    return more;
}

static void *counted_malloc(size_t n, const char *file, int line)
{
    return counted_realloc(NULL, n, file, line);
}

static void counted_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    openssl_bytes -= p != NULL ? malloc_usable_size(p) : 0;
    free(p);
}

static const struct {
    const char *cert;
    int version; /* the most the client offers */
    const char *ciphers;
    int negotiated;
} good[] = {
    {"tlsgost", TLS1_2_VERSION, "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC", TLS1_2_VERSION},
    {"tlsgost", TLS1_2_VERSION, "GOST2012-MAGMA-MAGMAOMAC", TLS1_2_VERSION},
    {"tlsgost", TLS1_2_VERSION, "IANA-GOST2012-GOST8912-GOST8912", TLS1_2_VERSION},
    {"tlsgost", TLS1_3_VERSION, NULL, TLS1_2_VERSION},
    {"tlsrsa", TLS1_3_VERSION, NULL, TLS1_3_VERSION},
    {"tlsec", TLS1_3_VERSION, NULL, TLS1_3_VERSION},
    {"tlsrsa", TLS1_2_VERSION, NULL, TLS1_2_VERSION},
    {"tlsec", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", TLS1_2_VERSION},
};
#define GOOD (sizeof good / sizeof good[0])

static void every_kind_of_certificate_connects(void **state)
{
    (void)state;
    static struct pair p;
    for (size_t i = 0; i < GOOD; i++) {
        struct client_conf conf = {.version_max = good[i].version, .ciphers = good[i].ciphers};
        pair_open(&p, server_of(good[i].cert, NULL, false, NULL), &conf);
        if (!is_connected(&p))
            fail_msg("row %zu does not connect", i);
        assert_int_equal(SSL_version(p.client), good[i].negotiated);
        if (good[i].ciphers != NULL)
            assert_string_equal(SSL_get_cipher_name(p.client), good[i].ciphers);
        talk(&p);
        talk(&p);
        assert_false(tls_peer_fingerprint(p.server, (unsigned char[32]){0}));
        assert_null(SSL_get_current_compression(p.client));
        pair_close(&p);
    }
}

/* The whole conversation a byte at a time, then with one cut at every place. */
static void cut_at_every_byte(void **state)
{
    (void)state;
    static struct pair p;
    static const char *const certs[] = {"tlsgost", "tlsec"};
    for (size_t i = 0; i < 2; i++) {
        struct tls_ctx *ctx = server_of(certs[i], NULL, false, NULL);
        pair_open(&p, ctx, NULL);
        p.grain = 1;
        assert_true(is_connected(&p));
        talk(&p);
        size_t hello = 0;
        pair_close(&p);
        for (size_t cut = 1; hello == 0 || cut < hello; cut += 3) {
            char part[16384];
            pair_open(&p, ctx, NULL);
            SSL_do_handshake(p.client);
            int n = BIO_read(p.from_client, part, sizeof part);
            hello = (size_t)n;
            assert_int_equal(tls_feed(p.server, part, cut), TLS_OK);
            server_reads(&p);
            assert_int_equal(p.status, TLS_OK);
            assert_int_equal(tls_pending(p.server, part + 8192, 1), 0); /* half a hello is answered by nothing */
            assert_int_equal(tls_feed(p.server, part + cut, hello - cut), TLS_OK);
            server_reads(&p);
            assert_true(is_connected(&p));
            talk(&p);
            pair_close(&p);
        }
    }
}

/* Bytes behind which a reader who has lost his place would wait: they look like the head of a record that has not all
 * come. 0: there are none behind the first record. */
static size_t misleading_cut(const unsigned char *flight, size_t n)
{
    size_t first = 5 + ((size_t)flight[3] << 8 | flight[4]);
    for (size_t cut = first + 1; cut + 5 < n; cut++) {
        const unsigned char *rest = flight + cut;
        size_t length = (size_t)rest[3] << 8 | rest[4];
        if (rest[0] >= 20 && rest[0] <= 23 && length <= 16384 && cut + 5 + length > n)
            return cut;
    }
    return 0;
}

/* L1: the client's second flight, of several records, in two pieces: when all of it has come it is gone on with. */
static void L1_a_flight_may_be_cut_anywhere(void **state)
{
    (void)state;
    static struct pair p;
    static unsigned char flight[16384];
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct client_conf conf = {.version_max = version, .cert = "client"};
        struct tls_ctx *ctx = server_of("tlsec", "clientca.pem", true, NULL);
        unsigned found = 0;
        for (unsigned i = 0; found < 5; i++) {
            assert_true(i < 1000);
            pair_open(&p, ctx, &conf);
            SSL_do_handshake(p.client);
            int n = BIO_read(p.from_client, flight, sizeof flight);
            assert_int_equal(tls_feed(p.server, flight, (size_t)n), TLS_OK);
            server_reads(&p);
            for (size_t k; (k = tls_pending(p.server, flight, sizeof flight)) > 0;)
                assert_int_equal(BIO_write(p.to_client, flight, (int)k), (int)k);
            SSL_do_handshake(p.client);
            n = BIO_read(p.from_client, flight, sizeof flight);
            assert_true(n > 5);
            size_t cut = misleading_cut(flight, (size_t)n);
            if (cut > 0) {
                found++;
                assert_int_equal(tls_feed(p.server, flight, cut), TLS_OK);
                server_reads(&p);
                assert_false(tls_is_shaken(p.server));
                assert_int_equal(tls_feed(p.server, flight + cut, (size_t)n - cut), TLS_OK);
                server_reads(&p);
                if (!tls_is_shaken(p.server))
                    fail_msg("version %x: it waits, though all %d bytes have come (cut at %zu)", (unsigned)version, n,
                             cut);
                assert_true(is_connected(&p));
                talk(&p);
            }
            pair_close(&p);
        }
    }
}

static void much_data_goes_through_both_ways(void **state)
{
    (void)state;
    static struct pair p;
    static char out[60000], back[60000];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 7 + i / 256);
    for (size_t i = 0; i < 3; i++) {
        static const char *const certs[] = {"tlsgost", "tlsrsa", "tlsec"};
        pair_open(&p, server_of(certs[i], NULL, false, NULL), NULL);
        p.grain = 997;
        assert_true(is_connected(&p));
        assert_int_equal(SSL_write(p.client, out, sizeof out), sizeof out);
        pair_carry(&p);
        assert_int_equal(p.got_n, sizeof out);
        assert_memory_equal(p.got, out, sizeof out);
        assert_int_equal(tls_write(p.server, out, sizeof out), TLS_OK);
        pair_carry(&p);
        assert_int_equal(client_reads(&p, back, sizeof back), sizeof back);
        assert_memory_equal(back, out, sizeof out);
        pair_close(&p);
    }
}

/* L3: however much has gone through, and however it was cut, a filter that waits holds little: half of it for suites
 * whose own keys take 16 KiB. */
static void L3_a_filter_that_waits_is_small(void **state)
{
    (void)state;
    static struct pair p;
    static char out[60000], back[60000];
    static const size_t grains[] = {1460, 16384, sizeof p.part};
    for (size_t i = 0; i < GOOD * 3; i++) {
        struct client_conf conf = {.version_max = good[i / 3].version, .ciphers = good[i / 3].ciphers};
        pair_open(&p, server_of(good[i / 3].cert, NULL, false, NULL), &conf);
        p.grain = grains[i % 3];
        assert_true(is_connected(&p));
        for (int round = 0; round < 2; round++) {
            p.got_n = 0;
            assert_int_equal(SSL_write(p.client, out, sizeof out), sizeof out);
            pair_carry(&p);
            assert_int_equal(p.got_n, sizeof out);
            assert_int_equal(tls_write(p.server, out, sizeof out), TLS_OK);
            pair_carry(&p);
            assert_int_equal(client_reads(&p, back, sizeof back), sizeof back);
        }
        size_t before = openssl_bytes;
        tls_free(p.server);
        p.server = NULL;
        if (before - openssl_bytes > (size_t)32 * 1024)
            fail_msg("row %zu: a filter that waits held %zu bytes", i / 3, before - openssl_bytes);
        pair_close(&p);
    }
}

static void client_certificates(void **state)
{
    (void)state;
    static struct pair p;
    static const struct {
        const char *cert;
        bool required, connects, has_print;
    } rows[] = {
        {"client", true, true, true},   {"client", false, true, true},    {NULL, false, true, false},
        {NULL, true, false, false},     {"stranger", true, false, false}, {"stranger", false, false, false},
        {"tlsrsa", true, false, false},
    };
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            unsigned char print[32];
            struct client_conf conf = {.cert = rows[i].cert, .version_max = version};
            pair_open(&p, server_of("tlsec", "clientca.pem", rows[i].required, NULL), &conf);
            is_connected(&p);
            if ((p.status == TLS_OK) != rows[i].connects)
                fail_msg("row %zu, version %x", i, (unsigned)version);
            assert_int_equal(tls_peer_fingerprint(p.server, print), rows[i].has_print);
            if (rows[i].has_print)
                assert_memory_equal(print, cert_fingerprint(pki_cert(rows[i].cert)), 32);
            if (rows[i].connects)
                talk(&p);
            else
                assert_int_equal(tls_write(p.server, "x", 1), TLS_FAILED);
            pair_close(&p);
        }
    }
}

static void old_versions_and_weak_suites_do_not_connect(void **state)
{
    (void)state;
    static struct pair p;
    static const struct client_conf rows[] = {
        {.version_min = TLS1_VERSION, .version_max = TLS1_1_VERSION, .ciphers = "ALL:@SECLEVEL=0"},
        {.version_min = TLS1_1_VERSION, .version_max = TLS1_1_VERSION, .ciphers = "ALL:@SECLEVEL=0"},
        {.version_max = TLS1_2_VERSION, .ciphers = "AES128-SHA"},           /* no forward secrecy */
        {.version_max = TLS1_2_VERSION, .ciphers = "AES256-GCM-SHA384"},    /* nor here */
        {.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-SHA"}, /* MAC then encrypt */
        {.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES256-SHA384"},
        {.version_max = TLS1_2_VERSION, .ciphers = "aNULL:@SECLEVEL=0"},
        {.version_max = TLS1_2_VERSION, .ciphers = "eNULL:@SECLEVEL=0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pair_open(&p, server_of("tlsrsa", NULL, false, NULL), &rows[i]);
        assert_false(is_connected(&p));
        assert_int_equal(p.status, TLS_FAILED);
        pair_close(&p);
        if (rows[i].version_min == 0)
            continue;
        /* The operator's own list may weaken the suites, not the version. */
        pair_open(&p, server_of("tlsrsa", NULL, false, "ALL:@SECLEVEL=0"), &rows[i]);
        assert_false(is_connected(&p));
        assert_int_equal(p.status, TLS_FAILED);
        pair_close(&p);
    }
}

static void renegotiation_is_refused(void **state)
{
    (void)state;
    static struct pair p;
    static const char *const certs[] = {"tlsgost", "tlsrsa"};
    for (size_t i = 0; i < 2; i++) {
        struct client_conf conf = {.version_max = TLS1_2_VERSION};
        pair_open(&p, server_of(certs[i], NULL, false, NULL), &conf);
        assert_true(is_connected(&p));
        talk(&p);
        char part[16384];
        assert_int_equal(SSL_renegotiate(p.client), 1);
        SSL_do_handshake(p.client);
        int n = BIO_read(p.from_client, part, sizeof part);
        assert_true(n > 0);
        assert_int_equal(tls_feed(p.server, part, (size_t)n), TLS_OK);
        server_reads(&p);
        size_t k = tls_pending(p.server, part, sizeof part);
        assert_in_range(k, 7, 100); /* an alert, and no hello */
        assert_int_equal(BIO_write(p.to_client, part, (int)k), (int)k);
        ERR_clear_error();
        assert_int_not_equal(SSL_do_handshake(p.client), 1);
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
        pair_close(&p);
    }
}

/* L1: what a client may say beside data is counted; it costs the server no more than so many answers. */
static void L1_chatter_after_the_handshake_is_bounded(void **state)
{
    (void)state;
    static struct pair p;
    static char said[65536], heard[65536];
    for (size_t much = 0; much < 2; much++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct client_conf conf = {.version_max = version};
            size_t n = 0, answers = 0;
            pair_open(&p, server_of("tlsrsa", NULL, false, NULL), &conf);
            assert_true(is_connected(&p));
            talk(&p);
            for (int i = 0; i < (much ? 500 : 20); i++) {
                /* TLS 1.2: a client that asks for one handshake after another, here as one hello said over and over */
                if (version == TLS1_3_VERSION)
                    assert_int_equal(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
                else if (i == 0)
                    assert_int_equal(SSL_renegotiate(p.client), 1);
                else
                    break;
                SSL_do_handshake(p.client);
                n += (size_t)BIO_read(p.from_client, said + n, (int)(sizeof said - n));
            }
            assert_int_equal(tls_feed(p.server, said, n), TLS_OK);
            server_reads(&p);
            for (size_t k; (k = tls_pending(p.server, heard, sizeof heard)) > 0;)
                answers += k;
            assert_in_range(answers, 0, 4096);
            if (version == TLS1_3_VERSION)
                assert_int_equal(p.status, much ? TLS_FAILED : TLS_OK);
            assert_int_equal(p.got_n, 0);
            pair_close(&p);
        }
    }
}

/* L1: who comes back with a ticket costs no signature; his certificate is known still; other contexts know nothing. */
static void L1_tickets_are_taken_back(void **state)
{
    (void)state;
    static struct pair p;
    static const struct {
        const char *cert, *client_cert;
        int version;
    } rows[] = {
        {"tlsgost", NULL, TLS1_2_VERSION},   {"tlsrsa", NULL, TLS1_2_VERSION},    {"tlsrsa", NULL, TLS1_3_VERSION},
        {"tlsec", "client", TLS1_2_VERSION}, {"tlsec", "client", TLS1_3_VERSION},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct client_conf conf = {.version_max = rows[i].version, .cert = rows[i].client_cert};
        const char *ca = rows[i].client_cert != NULL ? "clientca.pem" : NULL;
        struct tls_ctx *ctx = server_of(rows[i].cert, ca, ca != NULL, NULL);
        pair_open(&p, ctx, &conf);
        assert_true(is_connected(&p));
        talk(&p);
        assert_false(tls_is_resumed(p.server));
        SSL_SESSION *session = SSL_get1_session(p.client);
        SSL_shutdown(p.client);
        pair_close(&p);
        for (int other = 0; other < 2; other++) {
            unsigned char print[32];
            pair_open(&p, other ? server_of(rows[i].cert, ca, ca != NULL, NULL) : ctx, &conf);
            assert_int_equal(SSL_set_session(p.client, session), 1);
            assert_true(is_connected(&p));
            talk(&p);
            if (tls_is_resumed(p.server) != !other)
                fail_msg("row %zu, %s", i, other ? "taken by another context" : "not taken back");
            assert_int_equal(tls_peer_fingerprint(p.server, print), ca != NULL);
            if (ca != NULL)
                assert_memory_equal(print, cert_fingerprint(pki_cert("client")), 32);
            pair_close(&p);
        }
        SSL_SESSION_free(session);
    }
}

static void noise_is_refused_and_stays_refused(void **state)
{
    (void)state;
    static struct pair p;
    struct tls_ctx *ctx = server_of("tlsec", NULL, false, NULL);
    static const struct span noise[] = {
        SPAN_LIT("GET /equeue HTTP/1.1\r\nHost: x\r\n\r\n"),
        SPAN_LIT("\x16\x03\x01\xff\xff\x01\x02\x03\x04"),
        SPAN_LIT("\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff"),
        SPAN_LIT("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"), /* SSL 2 */
        SPAN_LIT("\x15\x03\x03\x00\x02\x02\x28"),                 /* an alert */
        SPAN_LIT("\x17\x03\x03\x00\x04\x00\x00\x00\x00"),         /* data before the handshake */
        SPAN_LIT("\x14\x03\x03\x00\x01\x01"),
    };
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
        size_t n;
        char out[16];
        pair_open(&p, ctx, NULL);
        assert_int_equal(tls_feed(p.server, noise[i].p, noise[i].n), TLS_OK);
        enum tls_status first = tls_has_step(p.server) ? tls_handshake(p.server) : TLS_OK;
        if (first == TLS_OK) { /* still waiting for the rest of a record that never ends */
            char zeros[20000] = {0};
            assert_int_equal(tls_feed(p.server, zeros, sizeof zeros), TLS_OK);
            assert_true(tls_has_step(p.server));
            first = tls_handshake(p.server);
        }
        assert_int_equal(first, TLS_FAILED);
        assert_int_equal(tls_feed(p.server, "x", 1), TLS_FAILED);
        assert_int_equal(tls_read(p.server, out, sizeof out, &n), TLS_FAILED);
        assert_int_equal(tls_write(p.server, "x", 1), TLS_FAILED);
        tls_close_notify(p.server);
        pair_close(&p);
    }
}

/* One changed byte of ciphertext, anywhere: the bytes behind it are never given out. */
static void changed_ciphertext_is_refused(void **state)
{
    (void)state;
    static struct pair p;
    static const char *const certs[] = {"tlsgost", "tlsec"};
    for (size_t i = 0; i < 2; i++) {
        struct tls_ctx *ctx = server_of(certs[i], NULL, false, NULL);
        for (size_t at = 5, n = 6; at < n; at += 2) {
            char part[1024];
            pair_open(&p, ctx, NULL);
            assert_true(is_connected(&p));
            SSL_write(p.client, "secret", 6);
            n = (size_t)BIO_read(p.from_client, part, sizeof part);
            part[at] ^= 0x20;
            assert_int_equal(tls_feed(p.server, part, n), TLS_OK);
            server_reads(&p);
            assert_int_equal(p.status, TLS_FAILED);
            assert_int_equal(p.got_n, 0);
            pair_close(&p);
        }
    }
}

static void closing_is_told_from_breaking(void **state)
{
    (void)state;
    static struct pair p;
    pair_open(&p, server_of("tlsec", NULL, false, NULL), NULL);
    assert_int_equal(tls_write(p.server, "early", 5), TLS_FAILED); /* before the handshake */
    assert_true(is_connected(&p));
    talk(&p);
    SSL_write(p.client, "last", 4);
    SSL_shutdown(p.client);
    pair_carry(&p);
    assert_int_equal(p.got_n, 4); /* what came before the end is still given out */
    assert_int_equal(p.status, TLS_CLOSED);
    assert_int_equal(tls_write(p.server, "answer", 6), TLS_OK); /* half closed: the answer may still go */
    tls_close_notify(p.server);
    pair_carry(&p);
    char out[16];
    assert_int_equal(client_reads(&p, out, sizeof out), 6);
    assert_int_equal(SSL_get_shutdown(p.client) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    pair_close(&p);
    tls_free(NULL);
}

static void O2_files_and_lists_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        struct tls_conf conf;
        const char *named;
    } bad[] = {
        {{.cert_file = PKI("missing.pem"), .key_file = PKI("tlsec.key")}, "missing.pem"},
        {{.cert_file = PKI("garbage.pem"), .key_file = PKI("tlsec.key")}, "garbage.pem"},
        {{.cert_file = PKI("tlsec.pem"), .key_file = PKI("missing.key")}, "missing.key"},
        {{.cert_file = PKI("tlsec.pem"), .key_file = PKI("client.key")}, "client.key"},
        {{.cert_file = PKI("tlsec.pem"), .key_file = PKI("tlsrsa.key")}, "tlsrsa.key"},
        {{.cert_file = PKI("g256a.pem"), .key_file = PKI("encrypted.key")}, "encrypted.key"},
        {{.cert_file = PKI("tlsec.pem"), .key_file = PKI("tlsec.key"), .client_ca_file = PKI("missing.pem")},
         "missing.pem"},
        {{.cert_file = PKI("tlsec.pem"), .key_file = PKI("tlsec.key"), .client_ca_file = PKI("empty.pem")},
         "empty.pem"},
        {{.cert_file = PKI("tlsec.pem"), .key_file = PKI("tlsec.key"), .client_required = true}, "of no issuer"},
        {{.cert_file = PKI("tlsec.pem"), .key_file = PKI("tlsec.key"), .ciphers = "NO-SUCH-SUITE"}, "cipher list"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tls_ctx *ctx = NULL;
        struct error e = {0};
        enum err rc = tls_ctx_new(pki_arena, &bad[i].conf, &ctx, &e);
        if (rc != ERR_CONFIG || strstr(e.detail, bad[i].named) == NULL)
            fail_msg("row %zu: %s '%s'", i, error_name(rc), e.detail);
        assert_null(ctx);
    }
}

int main(void)
{
    CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free); /* before anything of it is there */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_certificate_connects),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(L1_a_flight_may_be_cut_anywhere),
        cmocka_unit_test(much_data_goes_through_both_ways),
        cmocka_unit_test(L3_a_filter_that_waits_is_small),
        cmocka_unit_test(client_certificates),
        cmocka_unit_test(old_versions_and_weak_suites_do_not_connect),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(L1_chatter_after_the_handshake_is_bounded),
        cmocka_unit_test(L1_tickets_are_taken_back),
        cmocka_unit_test(noise_is_refused_and_stays_refused),
        cmocka_unit_test(changed_ciphertext_is_refused),
        cmocka_unit_test(closing_is_told_from_breaking),
        cmocka_unit_test(O2_files_and_lists_that_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
