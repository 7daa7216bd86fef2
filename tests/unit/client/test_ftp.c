/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Files of FTP (Q6), from a server that shares nothing with libcurl. One that does not say its last word stops nobody:
 * not the loop, and not the call beyond its deadline (L1).
 */
#include "client_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/zapisd-ftp-XXXXXX";
static pid_t server_pid;
static int ftp_port;

static void file_write(const char *name, size_t n)
{
    char path[100];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        (void)fputc((int)(i * 7 & 0xff), f);
    (void)fclose(f);
}

static int ftp_setup(void **state)
{
    int out[2];
    if (group_setup(state) != 0 || mkdtemp(folder) == NULL || pipe(out) != 0)
        return -1;
    file_write("file.bin", 3000);
    file_write("late.bin", 3000);
    file_write("slow.bin", 60000);
    file_write("large.bin", 100001);
    server_pid = fork();
    if (server_pid == 0) {
        (void)dup2(out[1], 1);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(127);
        execl("/usr/bin/python3", "python3", "-B", TESTS_DIR "/unit/client/ftp_server.py", folder, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    int n = fscanf(said, "%d", &ftp_port);
    (void)fclose(said);
    return n == 1 ? 0 : -1;
}

static int ftp_teardown(void **state)
{
    char command[100];
    (void)kill(server_pid, SIGKILL);
    (void)waitpid(server_pid, NULL, 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return group_teardown(state) + system(command);
}

static struct client_request file_request(char url[200], const char *path)
{
    (void)snprintf(url, 200, "ftp://127.0.0.1:%d%s", ftp_port, path);
    struct client_request r = request_to(url);
    r.user = "test-user";
    r.password = "test:pass@word";
    return r;
}

static struct outcome fetched(const char *path)
{
    char url[200];
    struct outcome o;
    struct client_request r = file_request(url, path);
    finish(&r, &o, false);
    return o;
}

static void test_file_Q6(void **state)
{
    (void)state;
    struct outcome o = fetched("/file.bin");
    assert_string_equal(o.words, "");
    assert_int_equal(o.fate, CLIENT_ANSWERED);
    assert_int_equal(o.body_n, 3000);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal((unsigned char)o.body[i], i * 7 & 0xff);
}

static void test_file_that_is_not_given_Q6(void **state)
{
    (void)state;
    char url[200];
    struct client_request r = file_request(url, "/file.bin");
    struct outcome o = fetched("/nothing.bin");
    assert_int_not_equal(o.fate, CLIENT_ANSWERED);
    assert_int_equal(o.code, ERR_SYSTEM);
    r.password = "wrong";
    finish(&r, &o, false);
    assert_int_equal(o.fate, CLIENT_UNSENT);
    r.user = r.password = NULL; /* nobody's password is guessed */
    finish(&r, &o, false);
    assert_int_equal(o.fate, CLIENT_UNSENT);
    o = fetched("/large.bin");
    assert_int_equal(o.fate, CLIENT_UNCERTAIN);
    assert_int_equal(o.code, ERR_LIMIT);
    assert_int_equal(o.body_n, 0);
    o = fetched("/../../../../etc/passwd");
    assert_int_not_equal(o.fate, CLIENT_ANSWERED);
}

/* What the server said, of the protocol (RFC 959): whether trying again is of use is the caller's to say. */
static void test_last_word_Q6(void **state)
{
    (void)state;
    char url[200];
    struct client_request r = file_request(url, "/file.bin");
    struct outcome o = fetched("/nothing.bin");
    assert_int_equal(o.status, 550);
    r.password = "wrong";
    finish(&r, &o, false);
    assert_int_equal(o.status, 530);
    r = request_to(url_to(url, "127.0.0.1", 1, "/"));
    memcpy(url, "ftp:", 4);
    memmove(url + 4, url + 5, strlen(url + 5) + 1); /* ftp://127.0.0.1:1/: nobody is there */
    finish(&r, &o, false);
    assert_int_equal(o.fate, CLIENT_UNSENT);
    assert_int_equal(o.status, 0);
}

static struct outcome fetched_to(int file, const char *path, size_t most)
{
    char url[200];
    struct outcome o;
    struct client_request r = file_request(url, path);
    r.file = file;
    r.answer_max_bytes = most;
    finish(&r, &o, false);
    return o;
}

static int temporary(void)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/draft", folder);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file > 0);
    return file;
}

static void test_into_a_file_Q6(void **state)
{
    (void)state;
    unsigned char octets[4000];
    struct stat st;
    int file = temporary();
    struct outcome o = fetched_to(file, "/file.bin", 3000);
    assert_int_equal(o.fate, CLIENT_ANSWERED);
    assert_int_equal(o.body_n, 0);
    assert_int_equal(pread(file, octets, sizeof octets, 0), 3000);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(octets[i], i * 7 & 0xff);
    (void)close(file);
    file = temporary();
    o = fetched_to(file, "/large.bin", 100000); /* a byte too long */
    assert_int_equal(o.code, ERR_LIMIT);
    assert_int_equal(fstat(file, &st), 0);
    assert_in_range(st.st_size, 0, 100000);
    (void)close(file);
    file = open("/dev/full", O_RDWR | O_CLOEXEC);
    o = fetched_to(file, "/file.bin", 3000);
    assert_int_equal(o.code, ERR_INTERNAL); /* ours, not the server's */
    (void)close(file);
    o = fetched_to(file, "/file.bin", 3000);
    assert_int_equal(o.code, ERR_INTERNAL);
}

static unsigned ticks;

static void on_tick(void *arg)
{
    (void)arg;
    ticks++;
}

/* The loop turns, the call ends at its deadline, the threads are told to come home. */
static void test_server_that_is_slow_L1(void **state)
{
    (void)state;
    static const char *const paths[] = {"/late.bin", "/slow.bin", "/late.bin"};
    char urls[3][200];
    struct outcome o[3] = {0};
    struct timer *t = timer_start(loop, 10, 10, on_tick, NULL);
    uint64_t began_us = clock_mono_us();
    ticks = 0;
    calls_left = 3;
    for (int i = 0; i < 3; i++) {
        struct client_request r = file_request(urls[i], paths[i]);
        r.total_ms = 700;
        client_get(client, &r, on_answer, &o[i]);
    }
    loop_run(loop);
    assert_true(clock_mono_us() - began_us >= 650000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(o[i].code, ERR_TIMEOUT);
        assert_int_equal(o[i].fate, CLIENT_UNCERTAIN);
    }
    assert_int_equal(o[2].fate, CLIENT_UNSENT); /* two at once */
    assert_in_range(ticks, 10, 100000);
    assert_int_equal(posted("/echo").fate, CLIENT_ANSWERED);
    assert_int_equal(fetched("/file.bin").fate, CLIENT_ANSWERED);
    timer_stop(t);
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void test_ends(void **state)
{
    (void)state;
    for (unsigned moment = 0; moment < 4; moment++) {
        for (int is_free = 0; is_free < 2; is_free++) {
            char url[200];
            struct outcome o = {0};
            client_setup(NULL);
            struct client_request r = file_request(url, "/slow.bin");
            struct client_call *call = client_get(client, &r, on_answer, &o);
            timer_start(loop, moment * 40, 0, stop, NULL);
            loop_run(loop);
            if (is_free == 0)
                client_cancel(call);
            client_free(client);
            assert_true(worker_settle(loop, 5000, 5000)); /* it comes home, before the file is read */
            assert_int_equal(o.told, 0);
            loop_free(loop);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_file_Q6),        CLIENT_TEST(test_file_that_is_not_given_Q6), CLIENT_TEST(test_last_word_Q6),
        CLIENT_TEST(test_into_a_file_Q6), CLIENT_TEST(test_server_that_is_slow_L1),    cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, ftp_setup, ftp_teardown);
}
