/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * HTTP through the TLS filter. The client is openssl s_client: another program, so that both ends cannot share a
 * mistake. Certificates are made on the spot; the GOST part says that it is skipped where the engine is missing.
 */
#include "fixture.h"

#include "pair.h"

#include <sys/stat.h>

static bool have_gost;

static const char *in_dir(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", pair_dir, name);
    return out;
}

static size_t file_read(const char *name, char *out, size_t cap)
{
    char path[128];
    FILE *f = fopen(in_dir(path, name), "r");
    if (f == NULL) {
        out[0] = '\0';
        return 0;
    }
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    fclose(f);
    return n;
}

static void file_write(const char *name, const char *text)
{
    char path[128];
    FILE *f = fopen(in_dir(path, name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    pairs_begin();
    assert_true(pair_make("server", PAIR_EC) && pair_make("client", PAIR_EC));
    have_gost = pair_make("gost", PAIR_GOST);
    return 0;
}

struct tls_server {
    struct arena *arena;
    struct server *server;
};

static void tls_server_start(struct tls_server *t, const char *name, bool client_required,
                             const struct http_limits *limits)
{
    char cert[128];
    char key[128];
    char ca[128];
    char file[32];
    snprintf(file, sizeof(file), "%s.pem", name);
    in_dir(cert, file);
    snprintf(file, sizeof(file), "%s.key", name);
    in_dir(key, file);
    struct tls_conf conf = {.cert_file = cert,
                            .key_file = key,
                            .client_ca_file = in_dir(ca, "client.pem"),
                            .client_required = client_required};
    struct tls_ctx *ctx = NULL;
    struct error e = {0};
    t->arena = arena_new();
    if (tls_ctx_new(t->arena, &conf, &ctx, &e) != ERR_OK)
        fail_msg("tls_ctx_new: %s", e.detail);
    t->server = server_start("127.0.0.1:0", limits, ctx);
}

static void tls_server_stop(struct tls_server *t)
{
    server_stop(t->server);
    arena_free(t->arena);
}

/* Sends the file "request", keeps what comes in "answer" and what s_client has to say in "said". */
static int s_client(int port, const char *options)
{
    return shell("cd %s && timeout 20 openssl s_client -connect 127.0.0.1:%d -CAfile server.pem -quiet -ign_eof %s "
                 "<request >answer 2>said",
                 pair_dir, port, options);
}

static const char two_requests[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                                   "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

static void answer_expect_two(void)
{
    char got[4096];
    char said[4096];
    file_read("answer", got, sizeof(got));
    file_read("said", said, sizeof(said));
    const char *first = strstr(got, "\r\n\r\nhelloHTTP/1.1 200 OK\r\n");
    if (first == NULL || strstr(first, "Connection: close\r\n") == NULL ||
        strcmp(got + strlen(got) - 6, "\r\n\r\nok") != 0)
        fail_msg("answers: %s\nsaid: %s", got, said);
    assert_null(strstr(said, "unexpected eof")); /* close_notify came before the end of the stream */
}

static void test_handshake_and_two_requests(void **state)
{
    (void)state;
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    struct http_limits limits = patient_limits();
    struct tls_server t;
    tls_server_start(&t, "server", false, &limits);
    file_write("request", two_requests);
    for (unsigned i = 0; i < 2; i++) {
        s_client(t.server->port, versions[i]);
        answer_expect_two();
        assert_int_equal(atomic_load(&t.server->requests), 2 * (i + 1));
        assert_string_equal(t.server->last_fingerprint, "");
    }
    tls_server_stop(&t);
}

static void test_client_certificate_is_seen(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct tls_server t;
    char hex[256];
    char expected[65];
    size_t n = 0;
    tls_server_start(&t, "server", true, &limits);
    file_write("request", two_requests);
    s_client(t.server->port, "-cert client.pem -key client.key");
    answer_expect_two();
    assert_int_equal(shell("cd %s && openssl x509 -in client.pem -noout -fingerprint -sha256 >fp", pair_dir), 0);
    file_read("fp", hex, sizeof(hex));
    for (const char *p = strchr(hex, '=') + 1; *p != '\0' && *p != '\n' && n < 64; p++)
        if (*p != ':')
            expected[n++] = (char)(*p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p);
    expected[n] = '\0';
    assert_int_equal(n, 64);
    assert_string_equal(t.server->last_fingerprint, expected);
    tls_server_stop(&t);
}

static void test_without_the_required_certificate(void **state)
{
    (void)state;
    static const char *const options[] = {"-tls1_2", "-tls1_3", "-tls1_2 -cert server.pem -key server.key",
                                          "-tls1_3 -cert server.pem -key server.key"};
    struct http_limits limits = patient_limits();
    struct tls_server t;
    char got[512];
    tls_server_start(&t, "server", true, &limits);
    file_write("request", two_requests);
    for (size_t i = 0; i < 4; i++) {
        s_client(t.server->port, options[i]);
        assert_int_equal(file_read("answer", got, sizeof(got)), 0);
    }
    assert_int_equal(atomic_load(&t.server->requests), 0);
    EVENTUALLY(server_connections(t.server) == 0);
    tls_server_stop(&t);
}

static void test_plaintext_to_a_tls_port(void **state)
{
    (void)state;
    static const char *const rubbish[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01\x02",
                                          "\x16\x03\x01\xff\xff rubbish", "\x80\x2e\x01\x03\x01"};
    struct http_limits limits = patient_limits();
    limits.head_timeout_ms = 300;
    struct tls_server t;
    tls_server_start(&t, "server", false, &limits);
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        struct client c;
        client_open(&c, t.server->port);
        assert_true(client_say(&c, rubbish[i]));
        while (client_fill(&c, PATIENT_MS))
            ;
        assert_true(c.eof);
        if (c.n > 0)
            assert_int_equal(c.buf[0], 0x15); /* an alert, and nothing of HTTP */
        client_close(&c);
    }
    assert_int_equal(atomic_load(&t.server->requests), 0);
    EVENTUALLY(server_connections(t.server) == 0);
    tls_server_stop(&t);
}

static void test_silent_handshake_F10(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    limits.head_timeout_ms = 300;
    struct tls_server t;
    tls_server_start(&t, "server", false, &limits);
    struct client c;
    uint64_t began = now_ms();
    client_open(&c, t.server->port);
    assert_true(client_sees_end(&c, PATIENT_MS));
    assert_true(now_ms() - began >= 290);
    client_close(&c);
    tls_server_stop(&t);
}

static void test_large_answer(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct tls_server t;
    tls_server_start(&t, "server", false, &limits);
    file_write("request", "GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    s_client(t.server->port, "");
    char path[128];
    struct stat st;
    assert_int_equal(stat(in_dir(path, "answer"), &st), 0);
    assert_true(st.st_size > BIG_BYTES + 200 && st.st_size < BIG_BYTES + 1000);
    assert_int_equal(shell("cd %s && tail -c 2 answer | grep -q '^ok$'", pair_dir), 0);
    tls_server_stop(&t);
}

static void test_more_requests_than_the_pipeline(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    limits.pipeline_max = 2;
    struct tls_server t;
    tls_server_start(&t, "server", false, &limits);
    char all[8192] = "";
    size_t n = 0;
    for (int i = 0; i < 99; i++)
        n += (size_t)snprintf(all + n, sizeof(all) - n, "GET /worker HTTP/1.1\r\nHost: a\r\n\r\n");
    snprintf(all + n, sizeof(all) - n, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    file_write("request", all);
    s_client(t.server->port, "");
    assert_int_equal(atomic_load(&t.server->requests), 100);
    assert_int_equal(shell("cd %s && test $(grep -c 'HTTP/1.1 200 OK' answer) = 100", pair_dir), 0);
    tls_server_stop(&t);
}

/* ---- one byte at a time ---- */

struct relay {
    int listening;
    int to_port;
};

static void *relay_thread(void *arg)
{
    struct relay *r = arg;
    struct client server;
    int client = accept(r->listening, NULL, NULL);
    client_open(&server, r->to_port);
    struct pollfd p[2] = {{.fd = client, .events = POLLIN}, {.fd = server.fd, .events = POLLIN}};
    char block[4096];
    for (;;) {
        if (poll(p, 2, 10000) <= 0)
            break;
        int from = p[0].revents != 0 ? 0 : 1;
        ssize_t n = recv(p[from].fd, block, sizeof(block), 0);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            if (send(p[1 - from].fd, block + i, 1, MSG_NOSIGNAL) != 1)
                n = 0;
    }
    close(client);
    client_close(&server);
    return NULL;
}

static void test_one_byte_at_a_time(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct tls_server t;
    tls_server_start(&t, "server", false, &limits);
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t size = sizeof(sa);
    inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
    struct relay r = {.listening = socket(AF_INET, SOCK_STREAM, 0), .to_port = t.server->port};
    assert_int_equal(bind(r.listening, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(r.listening, 1), 0);
    getsockname(r.listening, (struct sockaddr *)&sa, &size);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, relay_thread, &r), 0);
    file_write("request", two_requests);
    s_client(ntohs(sa.sin_port), "");
    answer_expect_two();
    pthread_join(thread, NULL);
    close(r.listening);
    tls_server_stop(&t);
}

static void test_gost(void **state)
{
    (void)state;
    if (!have_gost) {
        print_message("skipped: openssl has no GOST engine here\n");
        skip();
    }
    struct http_limits limits = patient_limits();
    struct tls_server t;
    tls_server_start(&t, "gost", false, &limits);
    file_write("request", two_requests);
    s_client(t.server->port, "-engine gost -tls1_2 -CAfile gost.pem -verify_return_error");
    answer_expect_two();
    tls_server_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_and_two_requests),
        cmocka_unit_test(test_client_certificate_is_seen),
        cmocka_unit_test(test_without_the_required_certificate),
        cmocka_unit_test(test_plaintext_to_a_tls_port),
        cmocka_unit_test(test_silent_handshake_F10),
        cmocka_unit_test(test_large_answer),
        cmocka_unit_test(test_more_requests_than_the_pipeline),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_gost),
    };
    return cmocka_run_group_tests(tests, setup, pairs_end);
}
