/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The admin listener: /metrics, /livez, /readyz. It answers from what the process knows already and never asks the
 * database; that an answer comes at all says that the loop turns. No personal data, no per-citizen labels.
 */
#include "admin.h"

#include "exposition.h"

#include <stdlib.h>
#include <string.h>

/* A monitor asks every few seconds; one that leaks connections must not keep the others out for long (L3, L5). */
#define IDLE_MS 5000

struct admin {
    struct arena *arena;
    struct admin_sources sources;
    struct listener *listener;
};

static void answer(const struct http_request *req, int status, const char *type, struct span body, const char *headers)
{
    const struct http_response r = {
        .status = status, .content_type = type, .body = body, .extra_headers = headers, .close = true};
    http_respond(req->exchange, &r);
}

static void on_metrics(struct admin *ad, const struct http_request *req, struct arena *a)
{
    struct buf out;

    buf_init(&out, a, 16384);
    expose_build(&out);
    expose_process(&out);
    expose_loop(&out, ad->sources.loop);
    expose_net_memory(&out, ad->sources.loop);
    expose_refusals(&out, ad->sources.loop);
    if (ad->sources.db != NULL)
        expose_pool(&out, ad->sources.db);
    if (ad->sources.write_metrics != NULL)
        ad->sources.write_metrics(ad->sources.arg, &out);
    answer(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_span(&out), "Cache-Control: no-store\r\n");
}

static void on_livez(struct admin *ad, const struct http_request *req, struct arena *a)
{
    (void)ad;
    (void)a;
    answer(req, 200, "application/json", SPAN_LIT("{\"live\":true}\n"), "Cache-Control: no-store\r\n");
}

static bool pool_is_up(const struct db_pool *p)
{
    struct db_pool_stats st;
    db_pool_read_stats(p, &st);
    return st.idle + st.busy > 0;
}

/* Of the daemon: true when there is no reason against it. */
static bool read_daemon(struct admin *ad, struct arena *a, struct buf *reasons)
{
    bool is_ready = true;
    if (ad->sources.db != NULL && !pool_is_up(ad->sources.db)) {
        buf_add_json(reasons, SPAN_LIT("no database connection"));
        is_ready = false;
    }
    if (ad->sources.is_ready != NULL) {
        struct buf more;
        buf_init(&more, a, 256);
        is_ready &= ad->sources.is_ready(ad->sources.arg, &more);
        if (reasons->n > 0 && more.n > 0)
            buf_add_char(reasons, ',');
        buf_add_span(reasons, buf_span(&more));
    }
    return is_ready;
}

/* "agency=CODE" asks for one agency alone. False: it was not asked for, or there is none. */
static bool read_agency(struct admin *ad, struct arena *a, const char *code, bool *is_ready, struct buf *reasons)
{
    struct buf more;
    bool is_agency_ready = false;
    buf_init(&more, a, 256);
    if (ad->sources.read_agency == NULL || !ad->sources.read_agency(ad->sources.arg, code, &is_agency_ready, &more))
        return false;
    *is_ready &= is_agency_ready;
    if (reasons->n > 0 && more.n > 0)
        buf_add_char(reasons, ',');
    buf_add_span(reasons, buf_span(&more));
    return true;
}

static void on_readyz(struct admin *ad, const struct http_request *req, struct arena *a)
{
    static const char asks[] = "agency=";
    struct buf reasons, out;
    buf_init(&reasons, a, 256);
    bool is_ready = read_daemon(ad, a, &reasons);
    bool is_of_agency = strncmp(req->query, asks, sizeof asks - 1) == 0;
    if (is_of_agency && !read_agency(ad, a, req->query + sizeof asks - 1, &is_ready, &reasons)) {
        answer(req, 404, "text/plain; charset=utf-8", SPAN_LIT("no such agency\n"), NULL);
        return;
    }
    buf_init(&out, a, 256 + reasons.n);
    buf_printf(&out, "{\"ready\":%s,\"reasons\":[", is_ready ? "true" : "false");
    buf_add_span(&out, buf_span(&reasons));
    buf_add_str(&out, "]");
    if (!is_of_agency && ad->sources.write_warnings != NULL) {
        struct buf warnings;
        buf_init(&warnings, a, 256);
        ad->sources.write_warnings(ad->sources.arg, &warnings);
        buf_add_str(&out, ",\"warnings\":[");
        buf_add_span(&out, buf_span(&warnings));
        buf_add_str(&out, "]");
    }
    if (!is_of_agency && ad->sources.write_parties != NULL)
        ad->sources.write_parties(ad->sources.arg, is_ready ? (struct span){0} : buf_span(&reasons), &out);
    buf_add_str(&out, "}\n");
    answer(req, is_ready ? 200 : 503, "application/json", buf_span(&out), "Cache-Control: no-store\r\n");
}

static const struct {
    const char *path;
    void (*fn)(struct admin *ad, const struct http_request *req, struct arena *a);
} pages[] = {
    {"/metrics", on_metrics},
    {"/livez", on_livez},
    {"/readyz", on_readyz},
};

static void on_request(void *arg, const struct http_request *req)
{
    bool is_get = strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;

    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(req->path, pages[i].path) != 0)
            continue;
        if (!is_get) {
            http_refuse(req, 405, "method not served here", "method not allowed\n", "Allow: GET, HEAD\r\n");
            return;
        }
        struct arena *a = arena_new();
        pages[i].fn(arg, req, a);
        arena_free(a);
        return;
    }
    http_refuse(req, 404, "no such path", "not found: /metrics, /livez, /readyz\n", NULL);
}

enum err admin_open(struct loop *l, const char *address, const struct admin_sources *src, struct admin **out,
                    struct error *e)
{
    struct arena *a = arena_new();
    struct admin *ad = arena_alloc(a, sizeof *ad);
    struct listener_conf conf = {
        .address = address, .limits = http_limits_default, .handler = on_request, .arg = ad, .is_admin = true};

    *out = NULL;
    conf.limits.body_max_bytes = 4096;
    conf.limits.connections_max = 100;
    conf.limits.idle_timeout_ms = IDLE_MS;
    ad->arena = a;
    ad->sources = *src;
    enum err err = listener_open(l, &conf, &ad->listener, e);
    if (err != ERR_OK) {
        arena_free(a);
        return err;
    }
    *out = ad;
    return ERR_OK;
}

void admin_free(struct admin *ad)
{
    if (ad == NULL)
        return;
    listener_free(ad->listener);
    arena_free(ad->arena);
}
