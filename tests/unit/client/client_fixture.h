/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A call, and what became of it; the odd server it goes to. */
#pragma once

#include "client.h"

#include "clock.h"
#include "crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "odd_answers.h"

static struct odd_server server;
static struct loop *loop;
static struct client *client;
static unsigned calls_left; /* until the loop stops */

struct outcome {
    unsigned told;
    enum client_fate fate;
    int status;
    enum err code;
    char words[1024], type[100];
    char body[20000];
    size_t body_n;
};

static void on_answer(void *arg, const struct client_answer *a)
{
    struct outcome *o = arg;
    o->told++;
    o->fate = a->fate;
    o->status = a->status;
    o->code = a->error == NULL ? ERR_OK : a->error->code;
    (void)snprintf(o->words, sizeof o->words, "%s", a->error == NULL ? "" : a->error->detail);
    (void)snprintf(o->type, sizeof o->type, "%s", a->content_type == NULL ? "" : a->content_type);
    o->body_n = a->body.n;
    if (a->body.n > 0)
        memcpy(o->body, a->body.p, a->body.n < sizeof o->body ? a->body.n : sizeof o->body);
    if (--calls_left == 0)
        loop_stop(loop);
}

static inline const char *url_to(char out[200], const char *host, int port, const char *path)
{
    (void)snprintf(out, 200, "http://%s:%d%s", host, port, path);
    return out;
}

static inline struct client_request request_to(const char *url)
{
    return (struct client_request){.url = url,
                                   .body = SPAN_LIT("<question/>"),
                                   .connect_ms = 20000,
                                   .total_ms = 20000,
                                   .answer_max_bytes = 100000};
}

static inline void finish(const struct client_request *r, struct outcome *o, bool is_post)
{
    *o = (struct outcome){0};
    calls_left = 1;
    assert_non_null((is_post ? client_post : client_get)(client, r, on_answer, o));
    assert_int_equal(o->told, 0); /* never inside the call that registered it */
    loop_run(loop);
    assert_int_equal(o->told, 1);
}

static inline struct outcome posted(const char *path)
{
    char url[200];
    struct outcome o;
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, path));
    finish(&r, &o, true);
    return o;
}

static inline int client_setup(void **state)
{
    (void)state;
    loop = loop_new();
    client = client_new(loop);
    return 0;
}

static inline int client_teardown(void **state)
{
    (void)state;
    client_free(client);
    loop_free(loop);
    return 0;
}

static inline int group_setup(void **state)
{
    struct error e = {0};
    (void)state;
    odd_start(&server);
    if (crypto_init(&e) == ERR_OK && client_init(&e) == ERR_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", e.detail);
    return -1;
}

static inline int group_teardown(void **state)
{
    (void)state;
    odd_stop(&server);
    client_fini();
    crypto_fini();
    return 0;
}

#define CLIENT_TEST(f) cmocka_unit_test_setup_teardown(f, client_setup, client_teardown)
