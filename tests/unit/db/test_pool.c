/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who gets a session and when: order, limits, a database that is away, comes back, restarts or cannot be found
 * (F2, F4; O5 several hosts; L6).
 */
#include "pgtest.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

static const struct db_conf quick = {
    .connections = 2, .acquire_timeout_ms = 500, .statement_timeout_ms = PGTEST_PATIENT_MS, .reconnect_max_ms = 300};

static void open_pool(struct bench *b, const char *conninfo, unsigned connections, uint64_t acquire_timeout_ms)
{
    struct db_conf conf = quick;
    conf.conninfo = conninfo;
    conf.connections = connections;
    conf.acquire_timeout_ms = acquire_timeout_ms;
    bench_open(b, &conf);
}

static void expect_works(struct bench *b)
{
    struct answer a;
    struct db_session *s = bench_acquire(b);
    assert_int_equal(bench_run(b, s, &a, "select 'works'", NULL, NULL), ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 0), "works");
    db_release(s);
}

/* ---- a crowd ---- */

enum { CROWD = 64 };

struct crowd {
    struct bench *bench;
    unsigned served, at_once, most_at_once;
    bool is_registering;
    struct guest {
        struct crowd *crowd;
        struct db_session *session;
        unsigned number;
    } guests[CROWD];
};

static void guest_on_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct guest *g = arg;
    (void)e;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(atol(db_text(results[0], 0, 0)), g->number);
    db_release(g->session);
    g->crowd->at_once--;
    if (g->crowd->served == CROWD && g->crowd->at_once == 0)
        loop_stop(g->crowd->bench->loop);
}

static void guest_on_session(void *arg, struct db_session *s, enum err err, const struct error *e)
{
    struct guest *g = arg;
    struct crowd *c = g->crowd;
    char number[16];
    const char *const values[] = {number};
    const struct db_call calls[] = {{.sql = "select $1::int", .nparams = 1, .values = values},
                                    {.sql = "select pg_sleep(0.002)"}};
    (void)e;
    assert_int_equal(err, ERR_OK);
    assert_false(c->is_registering);
    assert_int_equal(g->number, c->served); /* in the order of asking */
    c->served++;
    if (++c->at_once > c->most_at_once)
        c->most_at_once = c->at_once;
    g->session = s;
    snprintf(number, sizeof number, "%u", g->number);
    db_send(s, calls, 2, guest_on_done, g);
}

static void sixty_four_wait_for_two_in_the_order_of_asking(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    static struct crowd c;
    c = (struct crowd){.bench = &b};
    open_pool(&b, pgtest.conninfo, 2, PGTEST_PATIENT_MS);
    c.is_registering = true;
    for (unsigned i = 0; i < CROWD; i++) {
        c.guests[i] = (struct guest){.crowd = &c, .number = i};
        db_acquire(b.pool, guest_on_session, &c.guests[i]);
    }
    c.is_registering = false;
    assert_int_equal(bench_stats(&b).waiting, CROWD);
    loop_run(b.loop);
    assert_int_equal(c.served, CROWD);
    assert_int_equal(c.most_at_once, 2);
    assert_int_equal(bench_stats(&b).waiting, 0);
    assert_int_equal(bench_stats(&b).idle, 2);
    bench_close(&b);
}

/* A guest who asks again from inside his callback must not keep the loop from turning. */
struct greedy {
    struct bench *bench;
    unsigned turns, beats;
};

static void greedy_on_session(void *arg, struct db_session *s, enum err err, const struct error *e)
{
    struct greedy *g = arg;
    (void)e;
    assert_int_equal(err, ERR_OK);
    db_release(s);
    g->turns++;
    db_acquire(g->bench->pool, greedy_on_session, g);
}

static void greedy_on_beat(void *arg)
{
    struct greedy *g = arg;
    if (++g->beats == 10)
        loop_stop(g->bench->loop);
}

static void asking_again_and_again_does_not_stop_the_loop(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    struct greedy g = {.bench = &b};
    open_pool(&b, pgtest.conninfo, 2, PGTEST_PATIENT_MS);
    expect_works(&b);
    db_acquire(b.pool, greedy_on_session, &g);
    struct timer *beat = timer_start(b.loop, 5, 5, greedy_on_beat, &g);
    loop_run(b.loop); /* until ten beats were heard */
    assert_true(g.turns > 10);
    timer_stop(beat);
    bench_close(&b);
}

/* ---- time-outs ---- */

static void a_full_pool_says_busy_in_time(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    open_pool(&b, pgtest.conninfo, 2, 400);
    struct db_session *one = bench_acquire(&b), *two = bench_acquire(&b);
    assert_ptr_not_equal(one, two);
    assert_int_equal(bench_stats(&b).busy, 2);
    bool is_before = false;
    uint64_t began_us = clock_mono_us();
    assert_int_equal(bench_refused_before(&b, 550, &is_before), ERR_BUSY);
    assert_true(clock_mono_us() - began_us >= 400000);
    assert_true(is_before);
    db_release(one);
    expect_works(&b);
    db_release(two);
    bench_close(&b);
}

static void no_database_is_said_so(void **state)
{
    struct bench b;
    bool is_before = false;
    (void)state;
    open_pool(&b, "host=/nonexistent user=postgres", 4, 400);
    uint64_t began_us = clock_mono_us();
    assert_int_equal(bench_refused_before(&b, 550, &is_before), ERR_DATABASE);
    assert_true(clock_mono_us() - began_us >= 350000);
    assert_true(is_before);
    /* once it has been away that long nobody waits for it */
    for (int i = 0; i < 10; i++) {
        assert_int_equal(bench_refused_before(&b, 350, &is_before), ERR_DATABASE);
        assert_true(is_before);
    }
    assert_int_equal(bench_stats(&b).connecting, 4);
    bench_close(&b);
}

static void a_bad_connection_string_is_no_crash(void **state)
{
    static const char *const bad[] = {"nonsense",
                                      "host",
                                      "port=abc host=127.0.0.1",
                                      "postgresql://[::1",
                                      "host=a,b hostaddr=127.0.0.1",
                                      "sslmode=perhaps",
                                      "no_such_key=1"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bench b;
        struct db_session *s;
        open_pool(&b, bad[i], 2, 50);
        assert_int_equal(bench_try_acquire(&b, &s), ERR_DATABASE);
        bench_close(&b);
    }
}

static void an_unknown_role_is_no_database(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    struct db_session *s;
    char conninfo[600];
    snprintf(conninfo, sizeof conninfo, "host=%s port=%u user=nobody_of_that_name dbname=postgres", pgtest.socket,
             pgtest.port);
    open_pool(&b, conninfo, 2, 300);
    assert_int_equal(bench_try_acquire(&b, &s), ERR_DATABASE);
    bench_close(&b);
}

/* The other end of the attempts: those that live from one turn of our loop to another. */
struct silent_peer {
    int listener, attempt; /* -1: none */
    unsigned seen_again;
};

static void on_turn(void *arg)
{
    struct silent_peer *s = arg;
    char what_they_say[1024];
    if (s->attempt < 0) {
        s->attempt = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        while (s->attempt >= 0 && recv(s->attempt, what_they_say, sizeof what_they_say, 0) > 0)
            ;
        return;
    }
    ssize_t n = recv(s->attempt, what_they_say, sizeof what_they_say, 0);
    if (n > 0 || (n < 0 && errno == EAGAIN)) {
        s->seen_again++;
        return;
    }
    close(s->attempt);
    s->attempt = -1;
}

/* A listener that accepts and never says a word: the attempt ends by itself, the loop turns meanwhile. */
static void a_silent_server_does_not_hold_the_loop(void **state)
{
    struct bench b;
    struct db_session *s;
    char conninfo[100];
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct silent_peer silent = {.listener = fd, .attempt = -1};
    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%u connect_timeout=1 user=postgres", ntohs(sa.sin_port));
    open_pool(&b, conninfo, 2, 200);
    assert_int_equal(bench_try_acquire(&b, &s), ERR_DATABASE);
    /* A loop that waited for the server would turn between the attempts alone, and see each of them ended. */
    struct timer *beat = timer_start(b.loop, 5, 5, on_turn, &silent);
    BENCH_UNTIL(&b, silent.seen_again >= 20);
    timer_stop(beat);
    if (silent.attempt >= 0)
        close(silent.attempt);
    assert_int_equal(bench_stats(&b).connecting, 2);
    bench_close(&b);
    close(fd);
}

/* ---- where to connect ---- */

static void names_are_looked_up(void **state)
{
    NEEDS_SERVER();
    const char *const forms[] = {
        "host=localhost port=%u user=postgres dbname=postgres",
        "host=no-such-host.invalid,localhost port=%u user=postgres dbname=postgres",
        "host=127.0.0.1 port=%u user=postgres dbname=postgres",
        "host=db.example.invalid hostaddr=127.0.0.1 port=%u user=postgres dbname=postgres",
        "postgresql://postgres@localhost:%u/postgres?target_session_attrs=read-write",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct bench b;
        char conninfo[300];
        const char *at = strstr(forms[i], "%u");
        snprintf(conninfo, sizeof conninfo, "%.*s%u%s", (int)(at - forms[i]), forms[i], pgtest.port, at + 2);
        open_pool(&b, conninfo, 2, PGTEST_PATIENT_MS);
        expect_works(&b);
        bench_close(&b);
    }
}

static void a_name_without_address_is_no_database(void **state)
{
    struct bench b;
    struct db_session *s;
    (void)state;
    open_pool(&b, "host=no-such-host.invalid user=postgres", 2, 300);
    assert_int_equal(bench_try_acquire(&b, &s), ERR_DATABASE);
    bench_close(&b); /* perhaps in the middle of a lookup */
}

static void closing_in_the_middle_of_a_lookup(void **state)
{
    struct bench b;
    (void)state;
    for (int i = 0; i < 20; i++) {
        open_pool(&b, "host=localhost,no-such-host.invalid port=1 user=postgres", 2, 300);
        bench_sleep(&b, (uint64_t)i % 4);
        bench_close(&b);
    }
}

/* ---- a resolver that hangs, or takes its time ---- */

static atomic_uint names_asked;
static atomic_bool are_names_held;
static atomic_uint name_takes_ms;

int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    atomic_fetch_add(&names_asked, 1);
    for (unsigned ms = 0; ms < atomic_load(&name_takes_ms) || atomic_load(&are_names_held); ms++)
        usleep(1000);
    return __real_getaddrinfo(name, service, hints, out);
}

static void job_work(void *arg)
{
    (void)arg;
}

static void job_done(void *arg)
{
    *(bool *)arg = true;
}

/* The pool of workers has one thread here: verifying and signing go on, and nobody asks the resolver twice. */
static void L1_a_resolver_that_hangs_takes_no_workers_place(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    char conninfo[200];
    bool is_done = false;
    snprintf(conninfo, sizeof conninfo, "host=localhost port=%u connect_timeout=1 user=postgres dbname=postgres",
             pgtest.port);
    atomic_store(&names_asked, 0);
    atomic_store(&are_names_held, true);
    open_pool(&b, conninfo, 3, PGTEST_PATIENT_MS);
    BENCH_UNTIL(&b, atomic_load(&names_asked) == 1);
    for (int i = 0; i < 5; i++) {
        is_done = false;
        worker_run(b.loop, job_work, job_done, &is_done);
        BENCH_UNTIL(&b, is_done);
        bench_sleep(&b, 700); /* past all patience: longer is as good */
    }
    assert_int_equal(atomic_load(&names_asked), 1);
    atomic_store(&are_names_held, false);
    expect_works(&b);
    bench_close(&b);
}

/* It answers, but each time later than an attempt may take: what it said is used all the same. */
static void O5_a_resolver_that_is_slow_is_waited_for(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    char conninfo[200];
    snprintf(conninfo, sizeof conninfo,
             "host=localhost,localhost port=%u,%u connect_timeout=1 user=postgres dbname=postgres", pgtest.port,
             pgtest.port);
    atomic_store(&name_takes_ms, 2500);
    open_pool(&b, conninfo, 2, PGTEST_PATIENT_MS);
    BENCH_UNTIL(&b, bench_stats(&b).idle > 0);
    expect_works(&b);
    atomic_store(&name_takes_ms, 0);
    bench_close(&b);
}

/* More connections than are made at once, with names: all of them come. */
static void O5_many_connections_come_in_turns(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    char conninfo[200];
    snprintf(conninfo, sizeof conninfo, "host=localhost port=%u user=postgres dbname=postgres", pgtest.port);
    open_pool(&b, conninfo, 40, PGTEST_PATIENT_MS);
    BENCH_UNTIL(&b, bench_stats(&b).idle == 40);
    bench_close(&b);
}

static void the_second_host_serves_when_the_first_is_down(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    char conninfo[600];
    snprintf(conninfo, sizeof conninfo,
             "host=127.0.0.1,%s,127.0.0.1 port=%u,%u,%u user=postgres dbname=postgres target_session_attrs=read-write",
             pgtest.socket, pgtest_free_port(), pgtest.port, pgtest.port);
    open_pool(&b, conninfo, 2, PGTEST_PATIENT_MS);
    expect_works(&b);
    bench_close(&b);
}

/*
 * A machine that is gone answers nothing, not even with a refusal: here a socket whose queue of connections is full,
 * and one that takes connections and says nothing. Each host has its share of the time, wherever it stands in the list
 * (O5).
 */
struct silent {
    int listener, clients[8];
    unsigned port;
};

static void silent_open(struct silent *s, bool takes_connections)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&sa, n), 0);
    assert_int_equal(listen(s->listener, takes_connections ? 64 : 0), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&sa, &n), 0);
    s->port = ntohs(sa.sin_port);
    for (size_t i = 0; i < sizeof s->clients / sizeof *s->clients; i++) {
        s->clients[i] = takes_connections ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (!takes_connections)
            (void)connect(s->clients[i], (struct sockaddr *)&sa, n);
    }
}

static void silent_close(struct silent *s)
{
    for (size_t i = 0; i < sizeof s->clients / sizeof *s->clients; i++)
        if (s->clients[i] >= 0)
            close(s->clients[i]);
    close(s->listener);
}

static void silent_hosts_have_a_share_of_the_time_each(void **state)
{
    NEEDS_SERVER();
    struct silent dead, mute;
    silent_open(&dead, false);
    silent_open(&mute, true);
    const struct {
        const char *before, *behind; /* the socket */
        unsigned ports[4];
    } rows[] = {
        {"127.0.0.1,", "", {dead.port, pgtest.port}},
        {"127.0.0.1,", "", {mute.port, pgtest.port}},
        {"127.0.0.1,127.0.0.1,", "", {dead.port, mute.port, pgtest.port}},
        {"127.0.0.1,", ",127.0.0.1", {mute.port, pgtest.port, dead.port}},
        {"localhost,localhost,127.0.0.1", NULL, {mute.port, dead.port, pgtest.port}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;
        char hosts[300], ports[60] = "", conninfo[600];
        struct db_session *sessions[3];
        snprintf(hosts, sizeof hosts, "%s%s%s", rows[i].before, rows[i].behind != NULL ? pgtest.socket : "",
                 rows[i].behind != NULL ? rows[i].behind : "");
        for (size_t k = 0; k < 4 && rows[i].ports[k] != 0; k++)
            snprintf(ports + strlen(ports), sizeof ports - strlen(ports), "%s%u", k > 0 ? "," : "", rows[i].ports[k]);
        snprintf(conninfo, sizeof conninfo, "host=%s port=%s connect_timeout=1 user=postgres dbname=postgres", hosts,
                 ports);
        open_pool(&b, conninfo, 3, PGTEST_PATIENT_MS);
        expect_works(&b);
        /* those that come after it know where to begin: all at once, whatever the first host does */
        for (size_t k = 0; k < 3; k++)
            sessions[k] = bench_acquire(&b);
        for (size_t k = 0; k < 3; k++)
            db_release(sessions[k]);
        bench_close(&b);
    }
    silent_close(&dead);
    silent_close(&mute);
}

/*
 * A machine that dies while connections to it are established: here a relay before the server that stops to relay,
 * without a word, one connection or all of them.
 */
enum { RELAYED_MAX = 16, ALL = -1, NONE = -2, NEXT = -3 };
struct relay {
    int listener;
    unsigned port;
    int pairs[RELAYED_MAX][2];
    unsigned n;
    atomic_int frozen; /* which: a number, ALL, NONE, or the NEXT that says something */
    atomic_bool is_over;
    pthread_t thread;
};

static void relay_take(struct relay *r)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)pgtest.port)};
    int client = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK);
    if (client < 0)
        return;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(r->n < RELAYED_MAX);
    assert_int_equal(connect(server, (struct sockaddr *)&sa, sizeof sa), 0);
    r->pairs[r->n][0] = client;
    r->pairs[r->n++][1] = server;
}

static void relay_move(int from, int to)
{
    char bytes[4096];
    ssize_t n = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        (void)send(to, bytes, (size_t)n, MSG_NOSIGNAL);
    else if (n == 0)
        (void)shutdown(to, SHUT_WR);
}

static void *relay_run(void *arg)
{
    struct relay *r = arg;
    while (!atomic_load(&r->is_over)) {
        int frozen = atomic_load(&r->frozen);
        if (frozen != ALL)
            relay_take(r);
        for (unsigned i = 0; i < r->n && frozen != ALL; i++) {
            char byte;
            if (frozen == NEXT && recv(r->pairs[i][0], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
                atomic_store(&r->frozen, frozen = (int)i);
            if (frozen == (int)i)
                continue;
            relay_move(r->pairs[i][0], r->pairs[i][1]);
            relay_move(r->pairs[i][1], r->pairs[i][0]);
        }
        usleep(500);
    }
    return NULL;
}

static void relay_open(struct relay *r)
{
    struct silent s;
    silent_open(&s, true);
    *r = (struct relay){.listener = s.listener, .port = s.port};
    assert_int_equal(fcntl(r->listener, F_SETFL, O_NONBLOCK), 0);
    atomic_init(&r->frozen, NONE);
    assert_int_equal(pthread_create(&r->thread, NULL, relay_run, r), 0);
}

static void relay_close(struct relay *r)
{
    atomic_store(&r->is_over, true);
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    for (unsigned i = 0; i < r->n; i++) {
        close(r->pairs[i][0]);
        close(r->pairs[i][1]);
    }
    close(r->listener);
}

static void open_relayed_pool(struct bench *b, struct relay *r, char conninfo[200])
{
    struct db_conf conf = quick;
    struct db_session *sessions[4];
    relay_open(r);
    snprintf(conninfo, 200, "host=127.0.0.1,127.0.0.1 port=%u,%u connect_timeout=1 user=postgres dbname=postgres",
             r->port, pgtest.port);
    conf.conninfo = conninfo;
    conf.connections = 4;
    conf.acquire_timeout_ms = PGTEST_PATIENT_MS;
    conf.statement_timeout_ms = 2000;
    bench_open(b, &conf);
    for (size_t i = 0; i < 4; i++)
        sessions[i] = bench_acquire(b);
    for (size_t i = 0; i < 4; i++)
        db_release(sessions[i]);
    assert_int_equal(r->n, 4);
    assert_int_equal(bench_stats(b).idle, 4);
}

/* L1: one timeout for all of its connections; afterwards the host behind it serves. */
static void a_machine_that_dies_costs_one_timeout(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    struct relay r;
    struct answer a;
    char conninfo[200];
    open_relayed_pool(&b, &r, conninfo);
    atomic_store(&r.frozen, ALL);
    struct db_session *s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "select 1", NULL, NULL), ERR_TIMEOUT);
    assert_int_equal(bench_stats(&b).idle, 0);
    db_release(s);
    for (size_t i = 0; i < 8; i++)
        expect_works(&b);
    assert_int_equal(bench_stats(&b).lost, 4);
    bench_close(&b);
    relay_close(&r);
}

/* One connection alone that hangs says nothing of the others: the host was heard meanwhile. */
static void one_silent_connection_is_no_dead_machine(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    struct relay r;
    struct answer hangs;
    char conninfo[200];
    const struct db_call call = {.sql = "select 1"};
    open_relayed_pool(&b, &r, conninfo);
    struct db_session *s = bench_acquire(&b);
    atomic_store(&r.frozen, NEXT);
    bench_start(&b, s, &call, 1, &hangs);
    BENCH_UNTIL(&b, atomic_load(&r.frozen) >= 0);
    expect_works(&b); /* another is heard while this one hangs */
    (void)bench_wait(&hangs);
    assert_int_equal(hangs.err, ERR_TIMEOUT);
    assert_int_equal(bench_stats(&b).idle, 3);
    assert_int_equal(bench_stats(&b).lost, 1);
    db_release(s);
    expect_works(&b);
    bench_close(&b);
    relay_close(&r);
}

/* The filter under libpq has bytes of its own waiting: a mebibyte both ways would stall if anybody forgot them. */
static void through_tls(void **state)
{
    NEEDS_SERVER();
    enum { SIZE = 1 << 20 };
    char conninfo[600];
    struct bench b;
    struct answer a;
    struct error e = {.code = ERR_OK};
    struct span back;
    if (pgtest_shell(
            NULL, 0,
            "cd / && pg_private_run openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
            "-keyout \"$PG_PRIVATE_DATA/server.key\" -out \"$PG_PRIVATE_DATA/server.crt\" 2>/dev/null") != 0) {
        print_message("SKIPPED: no openssl command\n");
        skip();
    }
    pgtest_sql("alter system set ssl = on");
    pgtest_sql("select pg_reload_conf()");
    /* a session that begins afterwards has it */
    for (int i = 0; i < PGTEST_PATIENT_LOOKS && strcmp(pgtest_sql("show ssl"), "on") != 0; i++)
        pgtest_connect_admin();
    snprintf(conninfo, sizeof conninfo, "host=localhost port=%u user=postgres dbname=postgres sslmode=require",
             pgtest.port);
    open_pool(&b, conninfo, 3, PGTEST_PATIENT_MS);
    struct db_session *s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "select ssl from pg_stat_ssl where pid = pg_backend_pid()", NULL, NULL),
                     ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 0), "t");
    struct arena *arena = arena_new();
    unsigned char *bytes = arena_alloc(arena, SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 48271u >> 9);
    const char *const values[] = {(const char *)bytes};
    const struct db_call call = {.sql = "select $1::bytea",
                                 .nparams = 1,
                                 .values = values,
                                 .lengths = (const int[]){SIZE},
                                 .is_binary = (const unsigned char[]){1}};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(bench_send(&b, s, &call, 1, &a), ERR_OK);
        assert_int_equal(db_bytes(arena, a.results[0], 0, 0, &back, &e), ERR_OK);
        assert_int_equal(back.n, SIZE);
        assert_memory_equal(back.p, bytes, SIZE);
    }
    db_release(s);
    bench_close(&b);
    arena_free(arena);
    pgtest_sql("alter system reset ssl");
    pgtest_sql("select pg_reload_conf()");
}

/* After a switch-over the old primary is a standby: its sessions must not be kept. */
static void a_server_become_read_only_is_left(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    struct answer a;
    open_pool(&b, pgtest.conninfo, 1, PGTEST_PATIENT_MS);
    struct db_session *s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "set default_transaction_read_only = on", NULL, NULL), ERR_OK);
    assert_int_equal(bench_run(&b, s, &a, "create table never (k int)", NULL, NULL), ERR_DATABASE);
    db_release(s);
    s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "show default_transaction_read_only", NULL, NULL), ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 0), "off");
    db_release(s);
    bench_close(&b);
}

static void connections_have_our_settings(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    struct answer a;
    open_pool(&b, pgtest.conninfo, 1, PGTEST_PATIENT_MS);
    struct db_session *s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "show application_name", "show client_encoding", NULL), ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 0), "zapisd");
    assert_string_equal(db_text(a.results[1], 0, 0), "UTF8");
    db_release(s);
    bench_close(&b);
}

/* ---- F2: the server stops at once and starts again ---- */

static void a_restart_is_ridden_through(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    struct answer a;
    struct db_session *s;
    open_pool(&b, pgtest.conninfo, 4, 1000);
    expect_works(&b);
    BENCH_UNTIL(&b, bench_stats(&b).idle == 4);
    struct db_session *held = bench_acquire(&b);
    assert_int_equal(bench_run(&b, held, &a, "begin", "select 1", NULL), ERR_OK);
    const struct db_call call = {.sql = "select pg_sleep(600)"};
    bench_start(&b, held, &call, 1, &a);
    BENCH_UNTIL_SQL(&b, "select exists (select from pg_stat_activity where wait_event = 'PgSleep')");

    assert_int_equal(
        pgtest_shell(NULL, 0,
                     "pg_private_run \"$pg_test_bin/pg_ctl\" -D \"$PG_PRIVATE_DATA\" -m immediate -w stop >/dev/null"),
        0);
    assert_int_equal(bench_wait(&a), ERR_UNCERTAIN);
    assert_int_equal(bench_run(&b, held, &a, "commit", NULL, NULL), ERR_DATABASE);
    db_release(held);
    BENCH_UNTIL(&b, bench_stats(&b).idle + bench_stats(&b).busy == 0);
    assert_int_equal(bench_stats(&b).lost, 4);
    assert_int_equal(bench_try_acquire(&b, &s), ERR_DATABASE);

    assert_int_equal(
        pgtest_shell(NULL, 0,
                     "PG_PRIVATE_OPTIONS='-c listen_addresses=127.0.0.1 -p %u -c fsync=off' pg_private_start %s",
                     pgtest.port, pgtest.dir),
        0);
    pgtest_connect_admin();
    BENCH_UNTIL(&b, bench_stats(&b).idle == 4);
    expect_works(&b);
    bench_close(&b);
}

static void more_connections_than_the_server_gives(void **state)
{
    NEEDS_SERVER();
    struct bench b;
    pgtest_sql("create role few login connection limit 3");
    char conninfo[600];
    snprintf(conninfo, sizeof conninfo, "host=%s port=%u user=few dbname=postgres", pgtest.socket, pgtest.port);
    open_pool(&b, conninfo, 6, PGTEST_PATIENT_MS);
    for (int i = 0; i < 5; i++) {
        expect_works(&b);
        bench_sleep(&b, 100);
    }
    BENCH_UNTIL(&b, bench_stats(&b).idle == 3 && bench_stats(&b).connecting == 3);
    bench_close(&b);
}

static void closing_at_any_moment(void **state)
{
    NEEDS_SERVER();
    for (int i = 0; i < 12; i++) {
        struct bench b;
        struct answer a = {.bench = &b};
        open_pool(&b, pgtest.conninfo, 3, PGTEST_PATIENT_MS);
        bench_sleep(&b, (uint64_t)i);
        if (i > 6) {
            struct db_session *s = bench_acquire(&b);
            const struct db_call call = {.sql = "select pg_sleep(600)"};
            bench_start(&b, s, &call, 1, &a);
        }
        bench_close(&b);
        assert_false(a.is_done);
    }
    db_pool_free(NULL);
}

static int start(void **state)
{
    (void)state;
    worker_threads(1);
    pgtest_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_wait_for_two_in_the_order_of_asking),
        cmocka_unit_test(asking_again_and_again_does_not_stop_the_loop),
        cmocka_unit_test(a_full_pool_says_busy_in_time),
        cmocka_unit_test(no_database_is_said_so),
        cmocka_unit_test(a_bad_connection_string_is_no_crash),
        cmocka_unit_test(an_unknown_role_is_no_database),
        cmocka_unit_test(a_silent_server_does_not_hold_the_loop),
        cmocka_unit_test(names_are_looked_up),
        cmocka_unit_test(a_name_without_address_is_no_database),
        cmocka_unit_test(closing_in_the_middle_of_a_lookup),
        cmocka_unit_test(L1_a_resolver_that_hangs_takes_no_workers_place),
        cmocka_unit_test(O5_a_resolver_that_is_slow_is_waited_for),
        cmocka_unit_test(O5_many_connections_come_in_turns),
        cmocka_unit_test(the_second_host_serves_when_the_first_is_down),
        cmocka_unit_test(silent_hosts_have_a_share_of_the_time_each),
        cmocka_unit_test(a_machine_that_dies_costs_one_timeout),
        cmocka_unit_test(one_silent_connection_is_no_dead_machine),
        cmocka_unit_test(through_tls),
        cmocka_unit_test(a_server_become_read_only_is_left),
        cmocka_unit_test(connections_have_our_settings),
        cmocka_unit_test(a_restart_is_ridden_through),
        cmocka_unit_test(more_connections_than_the_server_gives),
        cmocka_unit_test(closing_at_any_moment),
    };
    return cmocka_run_group_tests(tests, start, pgtest_teardown);
}
