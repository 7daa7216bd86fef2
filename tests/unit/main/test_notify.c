/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * O2, L1: the words the service manager gets, after sd_notify(3), and that nobody waits for one who does not listen.
 * The manager is a datagram socket of the test.
 */
#include "notify.c"

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>

#define WORDS_MAX 4096

static int manager = -1;
static char folder[] = "/tmp/znotify.XXXXXX", name[64];
static uint64_t now_us = 1000000;

static uint64_t fake_mono_us(void)
{
    return now_us;
}

/* ---- the manager ---- */

static void manager_open(const char *address)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(address);
    memcpy(sa.sun_path, address, n);
    if (address[0] == '@')
        sa.sun_path[0] = '\0';
    setenv("NOTIFY_SOCKET", address, 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(manager >= 0);
    assert_return_code(bind(manager, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                       errno);
}

static void manager_close(void)
{
    close(manager);
    unlink(name);
    nowed = 0;
    unsetenv("NOTIFY_SOCKET");
}

/* False: nothing is there. */
static bool manager_hears(char out[TEXT_BYTES])
{
    ssize_t n = recv(manager, out, TEXT_BYTES - 1, 0);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Somebody else says so much that nothing goes in any more. */
static unsigned manager_fill(void)
{
    struct sockaddr_un sa;
    socklen_t n = manager_address(&sa);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unsigned filled = 0;
    assert_true(fd >= 0);
    while (sendto(fd, "X=1", 3, MSG_DONTWAIT, (struct sockaddr *)&sa, n) == 3)
        filled++;
    assert_int_equal(errno, EAGAIN);
    close(fd);
    return filled;
}

static void assert_heard(const char *text)
{
    char heard[TEXT_BYTES];
    assert_true(manager_hears(heard));
    assert_string_equal(heard, text);
}

static int open_path(void **state)
{
    (void)state;
    clock_replace(fake_mono_us, NULL);
    snprintf(name, sizeof name, "%s/s", folder);
    manager_open(name);
    return 0;
}

static int close_path(void **state)
{
    (void)state;
    manager_close();
    clock_replace(NULL, NULL);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    alarm(120); /* who waits for the manager waits for ever */
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* ---- the words ---- */

static void O2_the_words_are_those_of_the_manual(void **state)
{
    char heard[TEXT_BYTES];
    (void)state;
    notify_ready();
    assert_heard("READY=1");
    notify_stopping();
    assert_heard("STOPPING=1");
    notify_watchdog();
    assert_heard("WATCHDOG=1");
    notify_reloading();
    assert_heard("RELOADING=1\nMONOTONIC_USEC=1000000");
    notify_tick();
    assert_false(manager_hears(heard)); /* each once */
}

static void O2_a_status_is_one_assignment_whatever_it_says(void **state)
{
    char heard[TEXT_BYTES], longer[1000];
    (void)state;
    notify_status("%u requests", 7u);
    assert_heard("STATUS=7 requests");
    notify_status("two\nlines\nSTOPPING=1");
    assert_true(manager_hears(heard));
    assert_null(strchr(heard, '\n'));
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    notify_status("%s", longer);
    assert_true(manager_hears(heard));
    assert_in_range(strlen(heard), 100, 300);
}

static void O2_an_abstract_socket_and_none(void **state)
{
    static const char *const none[] = {"", "@", "/", "relative/socket", "vsock:2:1234", "/nonexistent/socket"};
    char abstract[64], longer[200];
    (void)state;
    snprintf(abstract, sizeof abstract, "@zapisd-test-%d", (int)getpid());
    name[0] = '\0';
    manager_open(abstract);
    notify_ready();
    assert_heard("READY=1");
    manager_close();
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++) {
        setenv("NOTIFY_SOCKET", none[i], 1);
        notify_ready();
        notify_watchdog();
    }
    memset(longer, '/', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    setenv("NOTIFY_SOCKET", longer, 1);
    notify_ready();
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    assert_int_equal(nowed, 0);
}

static void O2_the_watchdog_is_fed_twice_as_often(void **state)
{
    static const char *const odd[] = {"", "0", "x", "-5", "10s", " 7", "99999999999999999999999"};
    char pid[16];
    (void)state;
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(notify_watchdog_interval_ms(), 0);
    for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        setenv("WATCHDOG_USEC", odd[i], 1);
        assert_int_equal(notify_watchdog_interval_ms(), 0);
    }
    setenv("WATCHDOG_USEC", "10000000", 1);
    assert_int_equal(notify_watchdog_interval_ms(), 5000);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_interval_ms(), 5000);
    setenv("WATCHDOG_PID", "1", 1); /* meant for somebody else */
    assert_int_equal(notify_watchdog_interval_ms(), 0);
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "500", 1);
    assert_int_equal(notify_watchdog_interval_ms(), 1);
    unsetenv("WATCHDOG_USEC");
}

/* ---- a manager that does not listen ---- */

static void L1_a_manager_that_is_stopped_is_not_waited_for(void **state)
{
    char heard[TEXT_BYTES];
    (void)state;
    unsigned filled = manager_fill();
    assert_true(filled > 0);
    notify_ready();
    for (unsigned i = 0; i < 1000; i++)
        notify_watchdog();
    for (unsigned i = 0; i < 1000; i++) {
        notify_reloading();
        notify_status("reload %u", i);
        notify_ready();
        notify_tick();
    }
    notify_stopping();
    for (unsigned i = 0; i < filled; i++)
        assert_heard("X=1");
    assert_false(manager_hears(heard));
    notify_tick();
    assert_heard("RELOADING=1\nMONOTONIC_USEC=1000000");
    assert_heard("STATUS=reload 999");
    assert_heard("READY=1");
    assert_heard("STOPPING=1");
    notify_tick();
    assert_false(manager_hears(heard));
}

static struct {
    char all[WORDS_MAX][TEXT_BYTES]; /* in the order they were said */
    unsigned n, heard;               /* up to there he has heard of them, or has missed them */
    char last[WORDS][TEXT_BYTES];    /* that he has heard */
} said;

static enum word word_of(const char *text)
{
    return text[0] == 'S' ? (text[3] == 'T' ? WORD_STATUS : WORD_STOPPING)
                          : (text[2] == 'A' ? WORD_READY : WORD_RELOADING);
}

static void note(const char *fmt, uint64_t number)
{
    assert_true(said.n < WORDS_MAX);
    (void)snprintf(said.all[said.n++], TEXT_BYTES, "%s%.0" PRIu64, fmt, number);
}

static void listen_for(uint64_t n)
{
    char heard[TEXT_BYTES];
    for (; n > 0 && manager_hears(heard); n--) {
        if (strcmp(heard, "X=1") == 0 || strcmp(heard, "WATCHDOG=1") == 0)
            continue;
        while (said.heard < said.n && strcmp(said.all[said.heard], heard) != 0)
            said.heard++;
        if (said.heard++ >= said.n)
            fail_msg("out of order: %s", heard);
        (void)snprintf(said.last[word_of(heard)], TEXT_BYTES, "%s", heard);
    }
}

static void say_something(uint64_t dice, unsigned step)
{
    switch (dice % 8) {
    case 0:
        notify_ready();
        note("READY=1", 0);
        break;
    case 1:
        now_us++;
        notify_reloading();
        note("RELOADING=1\nMONOTONIC_USEC=", now_us);
        break;
    case 2:
        notify_status("%u", step);
        note("STATUS=", step);
        break;
    case 3:
        if (dice % 64 > 8)
            break;
        notify_stopping();
        note("STOPPING=1", 0);
        break;
    case 4:
        notify_watchdog();
        break;
    case 5:
        (void)manager_fill();
        break;
    case 6:
        notify_tick();
        break;
    default:
        listen_for(dice % 128 / 8);
    }
}

/* Whatever he hears when, is in the order it was said, and at last he knows what was said last. */
static void L4_what_must_not_be_lost_arrives_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t dice = seed;
        memset(&said, 0, sizeof said);
        for (unsigned step = 1; step <= 200; step++) {
            dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
            say_something(dice >> 40, step);
        }
        while (nowed > 0) {
            listen_for(10);
            notify_tick();
        }
        listen_for(UINT64_MAX);
        char last[WORDS][TEXT_BYTES] = {""};
        for (unsigned i = 0; i < said.n; i++)
            (void)snprintf(last[word_of(said.all[i])], TEXT_BYTES, "%s", said.all[i]);
        for (unsigned w = 0; w < WORDS; w++)
            assert_string_equal(said.last[w], last[w]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(O2_the_words_are_those_of_the_manual, open_path, close_path),
        cmocka_unit_test_setup_teardown(O2_a_status_is_one_assignment_whatever_it_says, open_path, close_path),
        cmocka_unit_test(O2_an_abstract_socket_and_none),
        cmocka_unit_test(O2_the_watchdog_is_fed_twice_as_often),
        cmocka_unit_test_setup_teardown(L1_a_manager_that_is_stopped_is_not_waited_for, open_path, close_path),
        cmocka_unit_test_setup_teardown(L4_what_must_not_be_lost_arrives_in_order, open_path, close_path),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
