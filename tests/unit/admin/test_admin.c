/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * O2: metrics and health over a real socket. The client runs on a thread of its own and speaks raw HTTP; the metrics
 * are read by a checker of the text format written from its description, not from our writer.
 */
#include "admin.h"
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 65536 };

static struct loop *loop;
static struct db_pool *pool;
static struct admin *admin;
static char dir[64], path[108];
static bool program_is_ready;
static const char *program_reasons;

static void write_own(void *arg, struct buf *out)
{
    assert_ptr_equal(arg, &program_is_ready);
    buf_add_str(
        out,
        "# HELP zapisd_test_total A counter of the test.\n# TYPE zapisd_test_total counter\nzapisd_test_total 7\n");
}

static bool own_is_ready(void *arg, struct buf *reasons)
{
    assert_ptr_equal(arg, &program_is_ready);
    buf_add_str(reasons, program_reasons);
    return program_is_ready;
}

static void open_with(struct db_pool *p, bool has_own)
{
    const struct admin_sources src = {.loop = loop,
                                      .db = p,
                                      .write_metrics = has_own ? write_own : NULL,
                                      .is_ready = has_own ? own_is_ready : NULL,
                                      .arg = &program_is_ready};
    struct error e = {.code = ERR_OK};
    char address[128];
    snprintf(address, sizeof address, "unix:%s", path);
    if (admin_open(loop, address, &src, &admin, &e) != ERR_OK)
        fail_msg("%s", e.detail);
}

static int open_loop(void **state)
{
    (void)state;
    log_init();
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(dir, sizeof dir, "/tmp/zadmin.XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    loop = loop_new();
    loop_lag_measure(loop);
    program_is_ready = true;
    program_reasons = "";
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    admin_free(admin);
    db_pool_free(pool);
    admin = NULL;
    pool = NULL;
    loop_free(loop);
    unlink(path);
    rmdir(dir);
    return 0;
}

/* ---- the client ---- */

struct client {
    const char *request;
    char answer[ANSWER_MAX];
    int is_done;
    struct timer *poll;
};
static int came_before = -1; /* the next question is asked there */

static int knock(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    close(fd);
    return -1;
}

static void *client_run(void *arg)
{
    struct client *c = arg;
    size_t n = 0;
    ssize_t got;
    int fd = came_before >= 0 ? came_before : knock();
    came_before = -1;
    if (fd >= 0 && send(fd, c->request, strlen(c->request), MSG_NOSIGNAL) == (ssize_t)strlen(c->request))
        while (n < ANSWER_MAX - 1 && (got = read(fd, c->answer + n, ANSWER_MAX - 1 - n)) > 0)
            n += (size_t)got;
    c->answer[n] = '\0';
    close(fd);
    __atomic_store_n(&c->is_done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void client_poll(void *arg)
{
    struct client *c = arg;
    if (__atomic_load_n(&c->is_done, __ATOMIC_ACQUIRE))
        loop_stop(loop);
}

static const char *ask(const char *method, const char *what)
{
    static struct client c;
    static char request[512];
    pthread_t thread;

    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n", method, what,
             strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    c.request = request;
    c.is_done = 0;
    assert_int_equal(pthread_create(&thread, NULL, client_run, &c), 0);
    c.poll = timer_start(loop, 2, 2, client_poll, &c);
    loop_run(loop);
    timer_stop(c.poll);
    pthread_join(thread, NULL);
    return c.answer;
}

static void expect_in(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL)
        fail_msg("no \"%s\" in:\n%s", text, answer);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

/* ---- the text format 0.0.4 ---- */

static size_t name_length(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == ':')
        n++;
    return n > 0 && !isdigit((unsigned char)s[0]) ? n : 0;
}

static const char *skip_labels(const char *s)
{
    if (*s != '{')
        return s;
    do {
        s++;
        size_t n = name_length(s);
        assert_true(n > 0);
        s += n;
        assert_memory_equal(s, "=\"", 2);
        for (s += 2; *s != '"'; s++) {
            assert_true(*s != '\n' && *s != '\0');
            if (*s == '\\')
                s++;
        }
        s++;
    } while (*s == ',');
    assert_int_equal(*s, '}');
    return s + 1;
}

/* HELP, TYPE, then samples of that family and no other; no family twice. Returns the number of families. */
static unsigned check_format(const char *text)
{
    char family[128] = "", type[32] = "", seen[16384] = "";
    unsigned families = 0;

    assert_int_equal(text[strlen(text) - 1], '\n');
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t n;
        if (strncmp(line, "# HELP ", 7) == 0) {
            char key[140];
            n = name_length(line + 7);
            assert_in_range(n, 1, sizeof family - 1);
            snprintf(family, sizeof family, "%.*s", (int)n, line + 7);
            snprintf(key, sizeof key, " %s ", family);
            if (strstr(seen, key) != NULL)
                fail_msg("%s comes twice", family);
            strncat(seen, key, sizeof seen - strlen(seen) - 1);
            type[0] = '\0';
            assert_int_equal(line[7 + n], ' ');
            families++;
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) {
            n = name_length(line + 7);
            assert_int_equal(n, strlen(family));
            assert_memory_equal(line + 7, family, n);
            assert_int_equal(sscanf(line + 7 + n, " %31[a-z]", type), 1);
            assert_true(strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0 || strcmp(type, "summary") == 0 ||
                        strcmp(type, "histogram") == 0);
            if (strcmp(type, "counter") == 0)
                assert_string_equal(family + n - 6, "_total");
            continue;
        }
        assert_true(type[0] != '\0');
        n = name_length(line);
        bool is_compound = strcmp(type, "summary") == 0 || strcmp(type, "histogram") == 0;
        assert_true(is_compound ? n > strlen(family) : n == strlen(family));
        assert_memory_equal(line, family, strlen(family));
        const char *value = skip_labels(line + n);
        char *end;
        assert_int_equal(*value, ' ');
        strtod(value, &end);
        assert_true(end > value);
        assert_int_equal(*end, '\n');
    }
    return families;
}

static double value_of(const char *text, const char *sample)
{
    size_t n = strlen(sample);
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1)
        if (strncmp(line, sample, n) == 0 && line[n] == ' ')
            return strtod(line + n, NULL);
    fail_msg("no sample %s", sample);
    return 0;
}

/* ---- the tests ---- */

static void metrics_are_well_formed_and_true(void **state)
{
    (void)state;
    const struct db_conf conf = {.conninfo = "host=/nonexistent", .connections = 3};
    pool = db_pool_new(loop, &conf);
    open_with(pool, true);
    const char *answer = ask("GET", "/metrics");
    expect_in(answer, "HTTP/1.1 200 ");
    expect_in(answer, "text/plain; version=0.0.4");
    const char *text = body_of(answer);
    assert_true(check_format(text) >= 12);
    assert_int_equal((int)value_of(text, "zapisd_test_total"), 7);
    assert_int_equal((int)value_of(text, "zapisd_build_info{version=\"" ZAPISD_VERSION "\"}"), 1);
    assert_int_equal((int)value_of(text, "zapisd_db_pool_connections{state=\"connecting\"}"), 3);
    assert_int_equal((int)value_of(text, "zapisd_db_pool_connections{state=\"idle\"}"), 0);
    assert_int_equal((int)value_of(text, "zapisd_db_pool_connections{state=\"busy\"}"), 0);
    assert_int_equal((int)value_of(text, "zapisd_db_pool_waiting"), 0);
    assert_int_equal((int)value_of(text, "zapisd_db_connections_lost_total"), 0);
    double rss = value_of(text, "process_resident_memory_bytes");
    assert_true(rss > 1e6 && rss < value_of(text, "process_virtual_memory_bytes"));
    double fds = value_of(text, "process_open_fds");
    assert_true(fds >= 5 && fds < value_of(text, "process_max_fds"));
    double started = value_of(text, "process_start_time_seconds");
    assert_true(started > (double)time(NULL) - 300 && started < (double)time(NULL) + 2);
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    assert_true(value_of(text, "process_cpu_seconds_total") <=
                (double)spent.tv_sec + (double)spent.tv_nsec / 1e9 + 0.02);
}

static void hold_the_loop(void *arg)
{
    (void)arg;
    usleep(400000);
}

/* Prometheus' own opinion, where it is installed. */
static void promtool_agrees(void **state)
{
    (void)state;
    if (system("command -v promtool >/dev/null") != 0) {
        print_message("SKIPPED: promtool is not installed\n");
        skip();
    }
    const struct db_conf conf = {.conninfo = "host=/nonexistent", .connections = 3};
    pool = db_pool_new(loop, &conf);
    open_with(pool, true);
    const char *text = body_of(ask("GET", "/metrics"));
    FILE *f = popen("promtool check metrics >&2", "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(pclose(f), 0);
}

static void late_turns_are_seen(void **state)
{
    (void)state;
    open_with(NULL, false);
    ask("GET", "/metrics");
    timer_start(loop, 1, 0, hold_the_loop, NULL);
    for (int i = 0; i < 10; i++)
        ask("GET", "/livez");
    const char *text = body_of(ask("GET", "/metrics"));
    check_format(text);
    double max = value_of(text, "zapisd_loop_lag_seconds{window=\"max\"}");
    assert_true(max > 0.2);
    assert_true(value_of(text, "zapisd_loop_lag_seconds{window=\"recent\"}") > 0.2);
    assert_true(value_of(text, "zapisd_loop_turn_lag_seconds_count") > 0);
    double recent;
    for (int windows = 0; windows < 20; windows++) { /* each is a new one; on a busy machine the first is late, too */
        text = body_of(ask("GET", "/metrics"));
        recent = value_of(text, "zapisd_loop_lag_seconds{window=\"recent\"}");
        assert_true(value_of(text, "zapisd_loop_lag_seconds{window=\"max\"}") >= max);
        if (recent < max)
            return;
    }
    fail_msg("a lag of %f s is recent for good", max);
}

static void alive_is_said_while_the_loop_turns(void **state)
{
    (void)state;
    open_with(NULL, false);
    const char *answer = ask("GET", "/livez");
    expect_in(answer, "HTTP/1.1 200 ");
    expect_in(answer, "application/json");
    expect_in(answer, "no-store");
    expect_in(answer, "{\"live\":true}");
}

static void readiness_gives_its_reasons(void **state)
{
    (void)state;
    const struct db_conf conf = {.conninfo = "host=/nonexistent", .connections = 3};
    open_with(NULL, true);
    const char *answer = ask("GET", "/readyz");
    expect_in(answer, "HTTP/1.1 200 ");
    expect_in(answer, "{\"ready\":true,\"reasons\":[]}");

    program_is_ready = false;
    program_reasons = "\"key expired\",\"draining\"";
    answer = ask("GET", "/readyz");
    expect_in(answer, "HTTP/1.1 503 ");
    expect_in(answer, "{\"ready\":false,\"reasons\":[\"key expired\",\"draining\"]}");

    admin_free(admin);
    unlink(path);
    pool = db_pool_new(loop, &conf);
    open_with(pool, true);
    answer = ask("GET", "/readyz");
    expect_in(answer, "HTTP/1.1 503 ");
    expect_in(answer, "{\"ready\":false,\"reasons\":[\"no database connection\",\"key expired\",\"draining\"]}");
    program_is_ready = true; /* the database alone is reason enough */
    program_reasons = "";
    answer = ask("GET", "/readyz");
    expect_in(answer, "HTTP/1.1 503 ");
    expect_in(answer, "{\"ready\":false,\"reasons\":[\"no database connection\"]}");
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const absent[] = {"/", "/metrics/", "/Metrics", "/readyz2", "/equeue", "/livez/..", "//livez"};
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS"};
    open_with(NULL, true);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        const char *answer = ask("GET", absent[i]);
        if (strncmp(answer, "HTTP/1.1 404 ", 13) != 0 && strncmp(answer, "HTTP/1.1 400 ", 13) != 0)
            fail_msg("%s: %s", absent[i], answer);
    }
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const char *answer = ask(methods[i], "/readyz");
        if (strncmp(answer, "HTTP/1.1 405 ", 13) != 0 && strncmp(answer, "HTTP/1.1 501 ", 13) != 0)
            fail_msg("%s: %s", methods[i], answer);
        if (strncmp(answer, "HTTP/1.1 405 ", 13) == 0) /* RFC 9110, 15.5.6: what is served here, and not elsewhere */
            expect_in(answer, "\r\nAllow: GET, HEAD\r\n");
    }
    expect_in(ask("GET", "/livez?verbose"), "HTTP/1.1 200 ");
}

static void a_taken_address_is_an_error_not_a_crash(void **state)
{
    (void)state;
    struct admin *second = (struct admin *)1;
    struct error e = {.code = ERR_OK};
    const struct admin_sources src = {.loop = loop};
    open_with(NULL, false);
    assert_int_not_equal(admin_open(loop, "256.0.0.1:x", &src, &second, &e), ERR_OK);
    assert_null(second);
    assert_true(e.detail[0] != '\0');
    admin_free(NULL);
}

/* ---- a crowd at the door ---- */

#define CROWD 150 /* more than there are places */

static int crowd[CROWD];

static void crowd_renew(unsigned first, unsigned n, const char *says)
{
    for (unsigned i = first; i < first + n; i++) {
        int *fd = &crowd[i % CROWD];
        if (*fd >= 0)
            close(*fd);
        *fd = knock();
        assert_int_equal(send(*fd, says, strlen(says), MSG_NOSIGNAL), (ssize_t)strlen(says));
    }
}

/* All of them are one peer with the monitor, whatever they do in their places, and as fast as they renew them. */
static void L1_L3_a_crowd_on_the_same_machine_keeps_no_monitor_out(void **state)
{
    static const char *const says[] = {
        "",
        "G",
        "GET /metrics HTTP/1.1\r\nHost: a\r\n",
        "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n.",
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", /* and does not look at the answer */
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /",
    };
    (void)state;
    open_with(NULL, true);
    for (unsigned i = 0; i < CROWD; i++)
        crowd[i] = -1;
    for (unsigned i = 0; i < sizeof says / sizeof *says; i++) {
        for (unsigned round = 0; round < 20; round++) {
            crowd_renew(round * 40, round == 0 ? CROWD : 40, says[i]);
            expect_in(ask("GET", round % 2 == 0 ? "/metrics" : "/readyz"), "HTTP/1.1 200 ");
            int slow = knock(); /* and asks after others have come */
            crowd_renew(round * 40 + 40, 20, says[i]);
            expect_in(ask("GET", "/livez"), "HTTP/1.1 200 ");
            came_before = slow;
            expect_in(ask("GET", "/livez"), "HTTP/1.1 200 ");
        }
    }
    expect_in(ask("GET", "/metrics"), "another question to the admin address took the place");
    for (unsigned i = 0; i < CROWD; i++)
        close(crowd[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(metrics_are_well_formed_and_true),
        T(promtool_agrees),
        T(late_turns_are_seen),
        T(alive_is_said_while_the_loop_turns),
        T(readiness_gives_its_reasons),
        T(anything_else_is_refused),
        T(a_taken_address_is_an_error_not_a_crash),
        T(L1_L3_a_crowd_on_the_same_machine_keeps_no_monitor_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
