/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * HTTPS to openssl s_server, by GOST suites and others: who is believed is who stands in ca and bears the host's name,
 * whatever the machine's own configuration says; nobody else hears a byte (Q3).
 */
#include "client_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/zapisd-tls-XXXXXX";

static int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *fmt, ...)
{
    char command[2048];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command);
}

static const char *in_folder(char out[100], const char *name)
{
    (void)snprintf(out, 100, "%s/%s", folder, name);
    return out;
}

/* NAME.key and NAME.pem, its own authority. */
static bool pair_make(const char *name, const char *kind, const char *names)
{
    return shell("cd %s && OPENSSL_CONF=/etc/ssl/openssl.cnf openssl req -x509 %s -nodes -days 2 -subj /CN=%s -addext "
                 "subjectAltName=%s -keyout %s.key -out %s.pem >/dev/null 2>&1",
                 folder, kind, name, names, name, name) == 0;
}

#define EC   "-newkey ec -pkeyopt ec_paramgen_curve:P-256"
#define GOST "-engine gost -newkey gost2012_256 -pkeyopt paramset:A"

static int tls_setup(void **state)
{
    char path[100];
    assert_non_null(mkdtemp(folder));
    /* What another program on this machine may wish: none of our suites, and every session's keys in a file. */
    assert_int_equal(shell("printf 'openssl_conf = i\\n[i]\\nssl_conf = s\\n[s]\\nsystem_default = d\\n[d]\\n"
                           "MinProtocol = TLSv1.3\\nCiphersuites = TLS_AES_128_CCM_8_SHA256\\n' >%s/machine.cnf",
                           folder),
                     0);
    setenv("OPENSSL_CONF", in_folder(path, "machine.cnf"), 1);
    setenv("SSLKEYLOGFILE", in_folder(path, "keys.log"), 1);
    if (!pair_make("ec", EC, "IP:127.0.0.1") || !pair_make("gost", GOST, "IP:127.0.0.1") ||
        !pair_make("elsewhere", GOST, "DNS:elsewhere.test") || !pair_make("us", GOST, "DNS:us.test"))
        return -1;
    return group_setup(state);
}

static int tls_teardown(void **state)
{
    return group_teardown(state) + shell("rm -rf %s", folder);
}

/* ---- openssl s_server ---- */

struct s_server {
    pid_t pid;
    int port;
};

static struct s_server s_server_start(const char *name, const char *options)
{
    struct s_server s;
    char command[500], line[200];
    int out[2];
    assert_int_equal(pipe(out), 0);
    (void)snprintf(command, sizeof command,
                   "cd %s && exec openssl s_server -engine gost -cert %s.pem -key %s.key -accept 127.0.0.1:0 -www %s "
                   "2>/dev/null",
                   folder, name, name, options);
    s.pid = fork();
    if (s.pid == 0) {
        (void)dup2(out[1], 1);
        setenv("OPENSSL_CONF", "/etc/ssl/openssl.cnf", 1);
        unsetenv("SSLKEYLOGFILE");
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    s.port = 0;
    while (s.port == 0 && fgets(line, sizeof line, said) != NULL)
        (void)sscanf(line, "ACCEPT 127.0.0.1:%d", &s.port);
    assert_int_not_equal(s.port, 0);
    (void)fclose(said);
    return s;
}

static void s_server_stop(const struct s_server *s)
{
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
}

static char url[200], ca[100], cert[100], key[100];

static struct client_request secret_request(int port, const char *path, const char *ca_name)
{
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d%s", port, path);
    struct client_request r = request_to(url);
    r.ca_file = in_folder(ca, ca_name);
    return r;
}

static struct outcome got(const struct s_server *s, const char *ca_name, const char *own)
{
    struct outcome o;
    char name[50];
    struct client_request r = secret_request(s->port, "/", ca_name);
    if (own != NULL) {
        (void)snprintf(name, sizeof name, "%s.pem", own);
        r.cert_file = in_folder(cert, name);
        (void)snprintf(name, sizeof name, "%s.key", own);
        r.key_file = in_folder(key, name);
    }
    finish(&r, &o, false);
    return o;
}

static void expect_page(const struct outcome *o, const char *suite)
{
    char body[sizeof o->body + 1] = "";
    memcpy(body, o->body, o->body_n < sizeof o->body ? o->body_n : sizeof o->body);
    assert_string_equal(o->words, "");
    assert_int_equal(o->fate, CLIENT_ANSWERED);
    assert_int_equal(o->status, 200);
    const char *line = strstr(body, "Cipher is ");
    if (line == NULL || strncmp(line + 10, suite, strlen(suite)) != 0)
        fail_msg("not by %s: %.60s", suite, line == NULL ? body : line);
}

static void test_by_gost(void **state)
{
    (void)state;
    struct s_server s = s_server_start("gost", "");
    for (int i = 0; i < 3; i++) {
        struct outcome o = got(&s, "gost.pem", NULL);
        expect_page(&o, "GOST2012-");
    }
    s_server_stop(&s);
    static const char *const suites[] = {"LEGACY-GOST2012-GOST8912-GOST8912", "IANA-GOST2012-GOST8912-GOST8912",
                                         "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC"};
    for (unsigned i = 0; i < 3; i++) {
        char options[100];
        (void)snprintf(options, sizeof options, "-cipher %s", suites[i]);
        s = s_server_start("gost", options);
        struct outcome o = got(&s, "gost.pem", NULL);
        expect_page(&o, suites[i]);
        s_server_stop(&s);
    }
}

static void test_by_others(void **state)
{
    (void)state;
    struct s_server s = s_server_start("ec", "-tls1_2");
    struct outcome o = got(&s, "ec.pem", NULL);
    expect_page(&o, "ECDHE-");
    s_server_stop(&s);
    s = s_server_start("ec", "");
    o = got(&s, "ec.pem", NULL);
    expect_page(&o, "TLS_");
    s_server_stop(&s);
    s = s_server_start("ec", "-tls1_1 -cipher DEFAULT:@SECLEVEL=0");
    o = got(&s, "ec.pem", NULL);
    assert_int_equal(o.fate, CLIENT_UNSENT);
    s_server_stop(&s);
}

static void test_who_is_not_believed_Q3(void **state)
{
    (void)state;
    struct s_server s = s_server_start("gost", "");
    static const char *const others[] = {"elsewhere.pem", "ec.pem"};
    for (unsigned i = 0; i < 2; i++) {
        struct outcome o = got(&s, others[i], NULL);
        assert_int_equal(o.fate, CLIENT_UNSENT);
        assert_int_equal(o.code, ERR_SYSTEM);
        assert_non_null(strstr(o.words, "certificate"));
    }
    s_server_stop(&s);
    s = s_server_start("elsewhere", ""); /* believed, under another name */
    struct outcome o = got(&s, "elsewhere.pem", NULL);
    assert_int_equal(o.fate, CLIENT_UNSENT);
    s_server_stop(&s);
}

static void test_own_certificate(void **state)
{
    (void)state;
    struct s_server s = s_server_start("gost", "-Verify 1 -verify_return_error -CAfile us.pem -tls1_2");
    struct outcome o = got(&s, "gost.pem", "us");
    expect_page(&o, "GOST2012-");
    o = got(&s, "gost.pem", NULL);
    assert_int_equal(o.fate, CLIENT_UNSENT);
    o = got(&s, "gost.pem", "elsewhere");
    assert_int_equal(o.fate, CLIENT_UNSENT);
    s_server_stop(&s);
}

static void test_files_that_are_of_no_use(void **state)
{
    (void)state;
    struct s_server s = s_server_start("gost", "");
    char path[100];
    assert_int_equal(mkfifo(in_folder(path, "pipe.pem"), 0600), 0);
    assert_int_equal(shell(": >%s/empty.pem; echo nothing >%s/words.pem", folder, folder), 0);
    static const char *const names[] = {"nothing.pem", "pipe.pem", "empty.pem"};
    for (unsigned i = 0; i < 3; i++) {
        struct outcome o = got(&s, names[i], NULL);
        assert_int_equal(o.fate, CLIENT_UNSENT);
        assert_int_equal(o.code, ERR_CONFIG);
        assert_non_null(strstr(o.words, names[i]));
    }
    assert_int_equal(got(&s, "words.pem", NULL).fate, CLIENT_UNSENT);
    s_server_stop(&s);
}

static void test_keys_of_sessions_are_not_written(void **state)
{
    (void)state;
    char path[100];
    assert_int_equal(access(in_folder(path, "keys.log"), F_OK), -1);
}

/* ---- a server of ours, for POST ---- */

static void on_request(void *arg, const struct http_request *req)
{
    (void)arg;
    http_respond(req->exchange, &(struct http_response){.status = 200, .content_type = "text/xml", .body = req->body});
}

static void test_post_and_kept_connection(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct error e = {0};
    struct tls_conf conf = {.cert_file = in_folder(cert, "gost.pem"), .key_file = in_folder(key, "gost.key")};
    struct listener_conf at = {.limits = http_limits_default, .handler = on_request};
    struct listener *ls;
    struct tls_stats stats;
    char address[40];
    int port, fd = odd_listen(&port);
    (void)snprintf(address, sizeof address, "fd:%d", fd);
    assert_int_equal(tls_ctx_new(a, &conf, &at.tls, &e), ERR_OK);
    at.address = address;
    assert_int_equal(listener_open(loop, &at, &ls, &e), ERR_OK);
    for (int i = 0; i < 5; i++) {
        struct outcome o;
        struct client_request r = secret_request(port, "/", "gost.pem");
        finish(&r, &o, true);
        assert_string_equal(o.words, "");
        assert_int_equal(o.fate, CLIENT_ANSWERED);
        assert_int_equal(o.body_n, 11);
    }
    loop_tls_read(loop, &stats);
    assert_int_equal(stats.done, 1);
    listener_free(ls);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_by_gost),
        CLIENT_TEST(test_by_others),
        CLIENT_TEST(test_who_is_not_believed_Q3),
        CLIENT_TEST(test_own_certificate),
        CLIENT_TEST(test_files_that_are_of_no_use),
        CLIENT_TEST(test_post_and_kept_connection),
        CLIENT_TEST(test_keys_of_sessions_are_not_written),
    };
    return cmocka_run_group_tests(tests, tls_setup, tls_teardown);
}
