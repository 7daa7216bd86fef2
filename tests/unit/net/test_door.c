/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1, L3: one address that has taken every place keeps nobody out, whatever it is that is short (connections_max,
 * descriptors, memory), whatever it does in its places, with TLS or without. A request in work is never the price.
 */
#include "fixture.h"

#include "pair.h"

#include <sys/resource.h>

#define PLACES   300
#define FLOODER  "127.0.0.2"
#define NEWCOMER "127.0.0.3"
#define REQUEST  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static struct client crowd[PLACES];

static int setup(void **state)
{
    (void)state;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    pairs_begin();
    return pair_make("server", PAIR_EC) ? 0 : -1;
}

struct door {
    struct arena *arena;
    struct server *s;
};

static void door_open(struct door *d, unsigned connections_max, bool tls)
{
    struct http_limits limits = patient_limits();
    limits.connections_max = connections_max;
    d->arena = arena_new();
    d->s = server_start("127.0.0.1:0", &limits, tls ? pair_ctx(d->arena, "server") : NULL);
}

static void door_shut(struct door *d)
{
    server_stop(d->s);
    arena_free(d->arena);
}

static void crowd_open(struct server *s, unsigned n, const char *says)
{
    for (unsigned i = 0; i < n; i++) {
        client_open_from(&crowd[i], s->port, FLOODER);
        assert_true(client_say(&crowd[i], says));
    }
    server_turns(s);
}

static void crowd_close(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        client_close(&crowd[i]);
}

static unsigned crowd_left(unsigned n)
{
    unsigned left = 0;
    for (unsigned i = 0; i < n; i++) {
        while (client_fill(&crowd[i], 0))
            ;
        left += !crowd[i].eof;
    }
    return left;
}

static void assert_served(struct server *s, struct client *c, const char *from)
{
    struct answer a;
    client_open_from(c, s->port, from);
    assert_true(client_say(c, REQUEST));
    assert_true(client_answer(c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
}

static void assert_turned_away(struct server *s, const char *from)
{
    struct client c;
    struct answer a;
    client_open_from(&c, s->port, from);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 503);
    client_close(&c);
}

static uint64_t told(struct server *s)
{
    const struct net_refusal *all;
    server_turns(s);
    unsigned n = loop_refusals(s->loop, &all);
    for (unsigned i = 0; i < n; i++)
        if (strcmp(all[i].reason, CONN_REASON_PLACE) == 0)
            return all[i].count;
    return 0;
}

/* ---- what the one address does with its places ---- */

static void L1_L3_one_address_cannot_take_every_place(void **state)
{
    (void)state;
    static const char *const says[] = {
        "",                                                              /* silent */
        "POST /echo HTTP/1.1\r\nHost: a\r\nX: ",                         /* a head that does not end */
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n.", /* a body that does not */
        REQUEST,                                                         /* kept alive */
        "GET /big HTTP/1.1\r\nHost: a\r\n\r\n",                          /* an answer that is not taken */
    };
    for (unsigned i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
        struct door d;
        struct client c[3];
        unsigned places = i < 4 ? PLACES : 12;
        door_open(&d, places, false);
        crowd_open(d.s, places, says[i]);
        EVENTUALLY(server_connections(d.s) == places);
        assert_turned_away(d.s, FLOODER); /* it makes no way for itself */
        for (unsigned k = 0; k < 3; k++)
            assert_served(d.s, &c[k], NEWCOMER);
        assert_in_range(server_connections(d.s), places - 3, places);
        assert_int_equal(told(d.s), 3);
        if (i != 4)
            assert_int_equal(crowd_left(places), places - 3); /* and not one more than was needed */
        for (unsigned k = 0; k < 3; k++)
            client_close(&c[k]);
        crowd_close(places);
        door_shut(&d);
    }
}

/* Silent ones, and ones in the midst of their handshake. */
static void L1_L3_nor_with_tls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct door d;
        door_open(&d, PLACES, true);
        crowd_open(d.s, PLACES, i == 0 ? "" : "\x16\x03\x01");
        EVENTUALLY(server_connections(d.s) == PLACES);
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(shell("cd %s && printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | "
                                   "timeout 60 openssl s_client -bind %s:0 -connect 127.0.0.1:%d -quiet -ign_eof "
                                   "2>/dev/null | grep -q '^ok$'",
                                   pair_dir, NEWCOMER, d.s->port),
                             0);
        assert_int_equal(crowd_left(PLACES), PLACES - 1); /* one after the other: one place was enough */
        assert_int_equal(told(d.s), 1);
        crowd_close(PLACES);
        door_shut(&d);
    }
}

/* ---- whatever is short ---- */

static void L3_nor_all_memory_for_connections(void **state)
{
    (void)state;
    struct door d;
    struct client c;
    memory_max_bytes = (size_t)1 << 20;
    door_open(&d, 10000, false);
    for (unsigned i = 0; i < PLACES; i++)
        client_open_from(&crowd[i], d.s->port, FLOODER);
    server_turns(d.s);
    assert_in_range(server_connections(d.s), 20, PLACES - 1); /* memory was short, not anything else */
    assert_served(d.s, &c, NEWCOMER);
    assert_int_equal(told(d.s), 1);
    client_close(&c);
    crowd_close(PLACES);
    door_shut(&d);
    memory_max_bytes = 0;
}

static void L3_nor_all_descriptors(void **state)
{
    (void)state;
    struct door d;
    struct client c;
    door_open(&d, 10000, false);
    loop_set_connections_max(d.s->loop, 50);
    crowd_open(d.s, 50, "");
    EVENTUALLY(server_connections(d.s) == 50);
    assert_served(d.s, &c, NEWCOMER);
    assert_int_equal(told(d.s), 1);
    client_close(&c);
    crowd_close(50);
    door_shut(&d);
}

/* ---- who makes way, and who does not ---- */

static void L3_a_request_in_work_makes_no_way(void **state)
{
    (void)state;
    struct door d;
    struct answer a;
    door_open(&d, 40, false);
    crowd_open(d.s, 40, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    EVENTUALLY(atomic_load(&d.s->held_seen) == 40);
    assert_turned_away(d.s, NEWCOMER);
    assert_int_equal(told(d.s), 0);
    server_command(d.s, 'r');
    for (unsigned i = 0; i < 40; i++) {
        assert_true(client_answer(&crowd[i], false, PATIENT_MS, &a));
        assert_int_equal(a.status, 200);
    }
    crowd_close(40);
    door_shut(&d);
}

/* The oldest goes; the one that has just asked for something stays. */
static void L3_the_oldest_idle_one_makes_way(void **state)
{
    (void)state;
    struct door d;
    struct client c;
    struct answer a;
    door_open(&d, 30, false);
    crowd_open(d.s, 30, "");
    EVENTUALLY(server_connections(d.s) == 30);
    assert_true(client_say(&crowd[0], REQUEST));
    assert_true(client_answer(&crowd[0], false, PATIENT_MS, &a));
    server_turns(d.s);
    assert_served(d.s, &c, NEWCOMER);
    assert_true(client_sees_end(&crowd[1], PATIENT_MS));
    assert_int_equal(crowd_left(30), 29);
    client_close(&c);
    crowd_close(30);
    door_shut(&d);
}

/* What has arrived and was not read yet may be the next request of an honest client: another one makes way. */
static void L3_a_request_on_its_way_in_is_no_idleness(void **state)
{
    (void)state;
    struct door d;
    struct client stander, c;
    struct answer a;
    door_open(&d, 31, false);
    crowd_open(d.s, 30, "");
    client_open_from(&stander, d.s->port, "127.0.0.4");
    EVENTUALLY(server_connections(d.s) == 31);
    assert_true(client_say(&stander, "GET /stand HTTP/1.1\r\nHost: a\r\n\r\n"));
    EVENTUALLY(atomic_load(&d.s->is_standing));
    client_open_from(&c, d.s->port, NEWCOMER); /* the loop will see it first */
    assert_true(client_say(&c, REQUEST));
    assert_true(client_say(&crowd[0], REQUEST));
    atomic_store(&d.s->may_go_on, true);
    assert_true(client_answer(&crowd[0], false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
    assert_true(client_sees_end(&crowd[1], PATIENT_MS));
    client_close(&stander);
    client_close(&c);
    crowd_close(30);
    door_shut(&d);
}

/* Many share what there is: nobody has two more than the one who comes, so nobody is asked. */
static void L3_equals_take_nothing_from_each_other(void **state)
{
    (void)state;
    struct door d;
    char from[20];
    door_open(&d, 20, false);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(from, sizeof(from), "127.0.1.%u", 1 + i);
        client_open_from(&crowd[i], d.s->port, from);
    }
    EVENTUALLY(server_connections(d.s) == 20);
    assert_turned_away(d.s, NEWCOMER);
    assert_turned_away(d.s, "127.0.1.1");
    assert_int_equal(crowd_left(20), 20);
    crowd_close(20);
    door_shut(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L1_L3_one_address_cannot_take_every_place),
        cmocka_unit_test(L1_L3_nor_with_tls),
        cmocka_unit_test(L3_nor_all_memory_for_connections),
        cmocka_unit_test(L3_nor_all_descriptors),
        cmocka_unit_test(L3_a_request_in_work_makes_no_way),
        cmocka_unit_test(L3_the_oldest_idle_one_makes_way),
        cmocka_unit_test(L3_a_request_on_its_way_in_is_no_idleness),
        cmocka_unit_test(L3_equals_take_nothing_from_each_other),
    };
    return cmocka_run_group_tests(tests, setup, pairs_end);
}
