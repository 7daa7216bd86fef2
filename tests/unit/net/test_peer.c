/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L3: who is one peer, and what he is called. Shares and turns are his; who is counted with others pays for them. An
 * address of IPv4 is itself whichever listener it came by (RFC 4291 section 2.5.5.2); of IPv6 a network of 64 bits is
 * one peer.
 */
#include "fixture.h"

static void sockaddr_of(const char *text, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof(*out));
    if (strchr(text, ':') == NULL) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(4321);
        assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
        return;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(4321);
    assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
}

static void test_who_is_one_peer_L3(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool is_one;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"::ffff:192.0.2.1", "::ffff:198.51.100.1", false},
        {"::ffff:192.0.2.1", "::1", false},
        {"2001:db8::1", "2001:db8::2", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"2001:db8::1", "::ffff:32.1.13.184", false},
        {"2001:db8::1", "32.1.13.184", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_storage a, b;
        struct peer_key key_a, key_b;
        sockaddr_of(rows[i].a, &a);
        sockaddr_of(rows[i].b, &b);
        peer_key_of((struct sockaddr *)&a, &key_a);
        peer_key_of((struct sockaddr *)&b, &key_b);
        if ((memcmp(&key_a, &key_b, sizeof(key_a)) == 0) != rows[i].is_one)
            fail_msg("%s and %s are %s peer", rows[i].a, rows[i].b, rows[i].is_one ? "not one" : "one");
    }
}

static void test_what_a_peer_is_called_L3(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1:4321"},
        {"::ffff:192.0.2.1", "192.0.2.1:4321"},
        {"::1", "[::1]:4321"},
        {"2001:db8::2", "[2001:db8::2]:4321"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_storage sa;
        char name[CONN_PEER_SIZE];
        sockaddr_of(rows[i][0], &sa);
        address_format((struct sockaddr *)&sa, name, sizeof(name));
        assert_string_equal(name, rows[i][1]);
    }
}

/* Through a listener of both families, as it is on the wire. */
static void test_a_listener_of_both_families_L3(void **state)
{
    (void)state;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        print_message("skipped: there is no IPv6 here\n");
        return;
    }
    close(fd);
    struct http_limits limits = patient_limits();
    struct server *s = server_start("[::]:0", &limits, NULL);
    static const char *const from[] = {"127.0.0.2", "127.0.0.3"};
    struct client c[2];
    for (int i = 0; i < 2; i++) {
        struct answer a;
        client_open_from(&c[i], s->port, from[i]);
        assert_true(client_say(&c[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_true(client_answer(&c[i], false, PATIENT_MS, &a));
        assert_int_equal(strncmp(s->last_peer, from[i], strlen(from[i])), 0);
    }
    for (int i = 0; i < 2; i++)
        client_close(&c[i]);
    server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_one_peer_L3),
        cmocka_unit_test(test_what_a_peer_is_called_L3),
        cmocka_unit_test(test_a_listener_of_both_families_L3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
