/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whose turn it is, and the end in every state: names that hang, peers that are silent, calls that are cancelled, a
 * client that is freed. Nobody's slow act stops the others (L1).
 */
#include "client_fixture.h"

#include <dlfcn.h>
#include <netdb.h>

/* ---- a name server of our own, of libcurl too ---- */

static atomic_uint asked, asked_on_the_loop, hanging, is_away;
static atomic_bool is_released;
static pthread_t loop_thread;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT,
                                                                                                "getaddrinfo");
    atomic_fetch_add(&asked, 1);
    atomic_fetch_add(&asked_on_the_loop, pthread_equal(pthread_self(), loop_thread) ? 1 : 0);
    if (strstr(name, "hang") != NULL) {
        atomic_fetch_add(&hanging, 1);
        while (!atomic_load(&is_released))
            (void)usleep(5000);
        atomic_fetch_sub(&hanging, 1);
    }
    if (strstr(name, "nowhere") != NULL || atomic_load(&is_away) != 0)
        return EAI_AGAIN;
    return real("127.0.0.1", service, hints, out);
}

static uint64_t skipped_us;

static uint64_t clock_later(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000 + skipped_us;
}

static struct outcome asked_by_name(const char *host, uint64_t connect_ms)
{
    char url[200];
    struct outcome o;
    struct client_request r = request_to(url_to(url, host, server.port, "/echo"));
    r.connect_ms = connect_ms;
    finish(&r, &o, true);
    return o;
}

static void test_names_are_looked_up_once(void **state)
{
    (void)state;
    unsigned before = asked;
    for (int i = 0; i < 3; i++)
        assert_int_equal(asked_by_name("portal.test", 5000).fate, CLIENT_ANSWERED);
    assert_int_equal(asked, before + 1);
    assert_non_null(strstr(server.last_head, "Host: portal.test:"));
    clock_replace(clock_later, NULL);
    skipped_us = 61000000; /* asked again after a minute; while the name server is away, what was known serves on */
    atomic_store(&is_away, 1);
    assert_int_equal(asked_by_name("portal.test", 5000).fate, CLIENT_ANSWERED);
    assert_int_equal(asked, before + 2);
    atomic_store(&is_away, 0);
    skipped_us += 11000000;
    assert_int_equal(asked_by_name("portal.test", 5000).fate, CLIENT_ANSWERED);
    assert_int_equal(asked, before + 3);
    skipped_us = 0;
    clock_replace(NULL, NULL);
    assert_int_equal(asked_on_the_loop, 0);
}

static void test_name_that_is_not_there(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct outcome o = asked_by_name("nowhere.test", 5000);
        assert_int_equal(o.fate, CLIENT_UNSENT);
        assert_int_equal(o.code, ERR_SYSTEM);
        assert_non_null(strstr(o.words, "nowhere.test"));
    }
}

/* It costs its own calls their time, and nobody else's; as many threads hang as may, and not one more. */
static void test_name_server_that_hangs_L1(void **state)
{
    (void)state;
    char urls[8][200];
    struct outcome o[8] = {0};
    atomic_store(&is_released, false);
    calls_left = 8;
    for (int i = 0; i < 8; i++) {
        char host[30];
        (void)snprintf(host, sizeof host, "hang%d.test", i);
        struct client_request r = request_to(url_to(urls[i], host, server.port, "/echo"));
        r.connect_ms = i < 4 ? 300 : 20000;
        r.total_ms = 300;
        client_post(client, &r, on_answer, &o[i]);
    }
    loop_run(loop);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(o[i].fate, CLIENT_UNSENT);
        assert_int_equal(o[i].code, ERR_TIMEOUT);
    }
    assert_in_range(hanging, 1, 4);
    assert_int_equal(posted("/echo").fate, CLIENT_ANSWERED);
    atomic_store(&is_released, true);
    assert_int_equal(asked_by_name("hang0.test", 5000).fate, CLIENT_ANSWERED);
    assert_int_equal(asked_on_the_loop, 0);
}

/* ---- turns ---- */

static void test_many_calls_at_once(void **state)
{
    (void)state;
    enum { CALLS = 200 };
    char url[200];
    struct outcome *o = calloc(CALLS, sizeof *o);
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/silent/10"));
    unsigned connections = server.connections;
    server.working_max = 0;
    calls_left = CALLS;
    for (int i = 0; i < CALLS; i++)
        client_post(client, &r, on_answer, &o[i]);
    loop_run(loop);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(o[i].told, 1);
        assert_int_equal(o[i].fate, CLIENT_ANSWERED);
    }
    assert_in_range(server.working_max, 2, CLIENT_PEER_CALLS_MAX);
    assert_in_range(server.connections - connections, 2, CLIENT_PEER_CALLS_MAX);
    free(o);
}

/* A crowd of calls to peers that are silent: whoever else is called is answered meanwhile. */
static void test_silent_peers_keep_nobody_waiting_L1(void **state)
{
    (void)state;
    enum { PEERS = 3, CALLS = 40 };
    static struct outcome silent[PEERS * CALLS];
    static char urls[PEERS][200];
    static const char *const hosts[PEERS] = {"one.test", "two.test", "three.test"};
    for (int i = 0; i < PEERS * CALLS; i++) {
        silent[i] = (struct outcome){0};
        struct client_request r = request_to(url_to(urls[i % PEERS], hosts[i % PEERS], server.port, "/silent"));
        client_post(client, &r, on_answer, &silent[i]);
    }
    assert_int_equal(posted("/echo").fate, CLIENT_ANSWERED);
    assert_int_equal(posted("/echo").status, 200);
    for (int i = 0; i < PEERS * CALLS; i++)
        assert_int_equal(silent[i].told, 0);
}

/* Nor does a crowd for one caller keep another one's calls to the same peer waiting. */
static void test_each_caller_has_his_share_L1(void **state)
{
    (void)state;
    enum { CALLS = 40 };
    static struct outcome silent[CALLS];
    char url[200], other[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/silent"));
    r.whose = "one";
    for (int i = 0; i < CALLS; i++) {
        silent[i] = (struct outcome){0};
        client_post(client, &r, on_answer, &silent[i]);
    }
    struct outcome o;
    r.url = url_to(other, "127.0.0.1", server.port, "/echo");
    r.whose = "two";
    finish(&r, &o, true);
    assert_int_equal(o.fate, CLIENT_ANSWERED);
    assert_int_equal(silent[CALLS - 1].told, 0);
}

/* Of one caller, to one peer: each kind by itself, whichever of the others is silent; and all kinds of a silent peer
 * leave the others some. */
static void test_each_kind_has_its_share_L1(void **state)
{
    (void)state;
    enum { CALLS = 40 };
    static struct outcome silent[CLIENT_KINDS * CALLS];
    char url[200], other[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/silent"));
    for (unsigned kind = 0; kind + 1 < CLIENT_KINDS; kind++) {
        struct outcome o;
        r.url = url;
        r.kind = kind;
        for (int i = 0; i < CALLS; i++) {
            silent[kind * CALLS + (unsigned)i] = (struct outcome){0};
            client_post(client, &r, on_answer, &silent[kind * CALLS + (unsigned)i]);
        }
        r.url = url_to(other, "127.0.0.1", server.port, "/echo");
        r.kind = kind + 1;
        finish(&r, &o, true);
        assert_int_equal(o.fate, CLIENT_ANSWERED);
    }
    struct outcome o;
    r.whose = "another";
    finish(&r, &o, true);
    assert_int_equal(o.fate, CLIENT_ANSWERED);
    assert_int_equal(silent[0].told, 0);
}

/* No turn in time: nothing of it has left. */
static void test_deadline_while_waiting_for_a_turn(void **state)
{
    (void)state;
    enum { CALLS = CLIENT_PEER_CALLS_MAX + 5 };
    static struct outcome o[CALLS];
    char url[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/deaf/77"));
    calls_left = CALLS;
    for (int i = 0; i < CALLS; i++) {
        o[i] = (struct outcome){0};
        r.total_ms = i < CLIENT_PEER_CALLS_MAX ? 600 : 200;
        client_post(client, &r, on_answer, &o[i]);
    }
    loop_run(loop);
    unsigned unsent = 0;
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(o[i].code, ERR_TIMEOUT);
        unsent += o[i].fate == CLIENT_UNSENT;
    }
    for (int i = CLIENT_PEER_CALLS_MAX; i < CALLS; i++)
        assert_int_equal(o[i].fate, CLIENT_UNSENT);
    assert_true(server.numbered[77] <= CALLS - unsent); /* UNSENT is never said of what the server has seen */
}

/* ---- ends ---- */

static void stop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void run_for(uint64_t ms)
{
    timer_start(loop, ms, 0, stop, NULL);
    loop_run(loop);
}

/* Calls in each state there is: in wait for a name, for a turn, for an answer, within one, and over. */
enum { STATES = 7 };

static struct outcome ends[STATES + 20];

static void begin_all(struct client_call *calls[STATES])
{
    static char urls[STATES][200];
    const char *const where[STATES] = {"hang9.test", "127.0.0.1", "127.0.0.1", "127.0.0.1",
                                       "127.0.0.1",  "127.0.0.1", "x.test"};
    const char *const paths[STATES] = {"/echo", "/silent", "/drip/5", "/head", "/echo", "/nothing", "/deaf"};
    static char *body;
    if (body == NULL)
        body = calloc(1, (size_t)8 << 20);
    memset(ends, 0, sizeof ends);
    for (int i = 0; i < STATES; i++) {
        struct client_request r = request_to(url_to(urls[i], where[i], server.port, paths[i]));
        if (i == 6)
            r.body = (struct span){body, (size_t)8 << 20}; /* half of it on its way */
        calls[i] = client_post(client, &r, on_answer, &ends[i]);
    }
}

static void crowd(struct client_call *calls[20])
{
    static char url[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/silent"));
    for (int i = 0; i < 20; i++)
        calls[i] = client_post(client, &r, on_answer, &ends[STATES + i]);
}

static void test_cancel_in_every_state(void **state)
{
    (void)state;
    atomic_store(&is_released, false);
    for (unsigned moment = 0; moment < 8; moment++) {
        struct client_call *calls[STATES], *more[20];
        client_setup(NULL);
        calls_left = 1000;
        begin_all(calls);
        crowd(more);
        run_for(moment * 3);
        for (int i = 0; i < STATES; i++)
            if (ends[i].told == 0)
                client_cancel(calls[i]);
        for (int i = 0; i < 20; i++)
            client_cancel(more[19 - i]);
        client_cancel(NULL);
        unsigned told[STATES];
        for (int i = 0; i < STATES; i++)
            told[i] = ends[i].told;
        run_for(30);
        for (int i = 0; i < STATES; i++)
            assert_int_equal(ends[i].told, told[i]);
        assert_int_equal(ends[0].told + ends[STATES].told + ends[STATES + 19].told, 0);
        assert_int_equal(posted("/echo").status, 200); /* places and connections are there again */
        atomic_store(&is_released, true);
        client_teardown(NULL);
        atomic_store(&is_released, false);
    }
    atomic_store(&is_released, true);
}

static void test_free_in_every_state(void **state)
{
    (void)state;
    for (unsigned moment = 0; moment < 8; moment++) {
        struct client_call *calls[STATES], *more[20];
        client_setup(NULL);
        atomic_store(&is_released, false);
        calls_left = 1000;
        begin_all(calls);
        crowd(more);
        run_for(moment * 3);
        unsigned told = 1000 - calls_left;
        client_free(client);
        run_for(20);
        assert_int_equal(1000 - calls_left, told);
        atomic_store(&is_released, true);
        run_for(20); /* the thread comes home to nobody */
        loop_free(loop);
    }
    client_free(NULL);
}

/* From within fn: another call, the end of a third, the end of all. */
struct chain {
    unsigned left;
    struct client_call *other;
    bool is_end;
};

static void on_chain(void *arg, const struct client_answer *a)
{
    struct chain *n = arg;
    static char url[200];
    assert_int_equal(a->fate, CLIENT_ANSWERED);
    client_cancel(n->other);
    n->other = NULL;
    if (n->left-- > 0) {
        struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/echo"));
        client_post(client, &r, on_chain, n);
        r.url = url_to(url, "127.0.0.1", server.port, "/silent");
        n->other = client_post(client, &r, on_chain, n);
        return;
    }
    if (n->is_end) {
        client_free(client);
        client = NULL;
    }
    assert_int_equal(a->body.n, 11); /* valid during fn, whatever it does */
    assert_memory_equal(a->body.p, "<question/>", 11);
    loop_stop(loop);
}

static void test_calls_from_within(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct chain n = {.left = 5, .is_end = i == 1};
        char url[200];
        struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/echo"));
        client_post(client, &r, on_chain, &n);
        loop_run(loop);
        assert_int_equal(n.left, (unsigned)-1);
    }
}

static int remember_thread(void **state)
{
    loop_thread = pthread_self();
    return group_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_names_are_looked_up_once),
        CLIENT_TEST(test_name_that_is_not_there),
        CLIENT_TEST(test_name_server_that_hangs_L1),
        CLIENT_TEST(test_many_calls_at_once),
        CLIENT_TEST(test_silent_peers_keep_nobody_waiting_L1),
        CLIENT_TEST(test_each_caller_has_his_share_L1),
        CLIENT_TEST(test_each_kind_has_its_share_L1),
        CLIENT_TEST(test_deadline_while_waiting_for_a_turn),
        cmocka_unit_test(test_cancel_in_every_state),
        cmocka_unit_test(test_free_in_every_state),
        CLIENT_TEST(test_calls_from_within),
    };
    return cmocka_run_group_tests(tests, remember_thread, group_teardown);
}
