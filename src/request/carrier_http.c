/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Messages over HTTP: a POST to a listener's path becomes a request, its exchange is what the answer goes back by. The
 * other methods are answered at once: with the WSDL, or with what is wrong.
 */
#include "request_private.h"

#include "fault.h"

#include <string.h>
#include <strings.h>

/* ---- in ---- */

/* Where the value of a parameter ends: between quotes a semicolon is a letter like any other (RFC 9110, 5.6.4). */
static const char *parameter_end(const char *p)
{
    if (*p != '"')
        return p + strcspn(p, ";");
    for (p++; *p != '\0' && *p != '"'; p++)
        p += p[0] == '\\' && p[1] != '\0';
    return *p == '"' ? p + 1 : p;
}

/* By its names, and in the quotes of other languages: whatever is said here, the prescan reads UTF-8 and nothing else.
 */
static bool is_utf8(struct span value)
{
    while (value.n > 0 && strchr(" \t", value.p[value.n - 1]) != NULL)
        value.n--;
    if (value.n > 1 && strchr("\"'", *value.p) != NULL && value.p[value.n - 1] == *value.p)
        value = (struct span){value.p + 1, value.n - 2};
    return (value.n == 5 && strncasecmp(value.p, "utf-8", 5) == 0) ||
           (value.n == 4 && strncasecmp(value.p, "utf8", 4) == 0);
}

/* text/xml and nothing else: SOAP 1.1 over HTTP. A charset other than UTF-8 contradicts what the prescan will demand.
 */
static bool content_type_is_soap11(const char *value)
{
    if (value == NULL || strncasecmp(value, "text/xml", 8) != 0 ||
        (value[8] != '\0' && strchr("; \t", value[8]) == NULL))
        return false;
    for (const char *p = strchr(value, ';'); p != NULL; p = strchr(p, ';')) {
        p += strspn(p, "; \t");
        bool is_charset = strncasecmp(p, "charset=", 8) == 0;
        p += strcspn(p, "=;");
        if (*p != '=')
            continue;
        const char *from = p + 1;
        p = parameter_end(from);
        if (is_charset && !is_utf8((struct span){from, (size_t)(p - from)}))
            return false;
    }
    return true;
}

void request_on_http(void *arg, const struct http_request *http)
{
    const struct endpoint *ep = arg;
    if (strcmp(http->path, ep->conf->path) != 0) {
        http_refuse(http, 404, "no such path", "not found\n", NULL);
        return;
    }
    if (strcmp(http->method, "POST") != 0) {
        wsdl_on_get(ep, http);
        return;
    }
    if (!content_type_is_soap11(http_header(http, "Content-Type"))) {
        http_refuse(http, 415, "not text/xml in UTF-8", "Content-Type: text/xml; charset=utf-8 expected\n", NULL);
        return;
    }
    bool is_stopping = ep->service->drained != NULL;
    if (is_stopping || ep->service->in_work - ep->service->queued_in_work >= ep->service->conf->requests_max) {
        http_refuse(http, 503, is_stopping ? "stopping" : "too many requests in work",
                    "Сервис перегружен, повторите запрос позже\n", "Retry-After: 2\r\n");
        return;
    }
    struct request *r =
        request_new(ep->service, &ep->source, http->body, http->peer); /* the body is valid until http_respond() */
    r->exchange = http->exchange;
    r->soap_action = arena_strdup(r->arena, http_header(http, "SOAPAction"));
    FAULT_POINT(request_accepted);
    request_begin(r);
}

/* ---- and out ---- */

static void http_work(struct request *r, loop_fn work, loop_fn done)
{
    http_worker_run(r->service->loop, r->exchange, work, done, r);
}

static bool http_is_gone(const struct request *r)
{
    return http_peer_gone(r->exchange);
}

static void http_send(struct request *r)
{
    bool is_handed_over = r->answer_octets.n > 0 && r->answer_octets.p == r->answer.p;
    r->http_status = request_is_fault(r) ? error_http_status(r->failed) : 200;
    http_respond(r->exchange,
                 &(struct http_response){.status = r->http_status,
                                         .content_type = "text/xml; charset=utf-8",
                                         .body = r->answer_octets,
                                         .arena = is_handed_over ? r->answer_arena : NULL,
                                         .extra_headers = r->http_status == 503 ? "Retry-After: 2\r\n" : NULL,
                                         .close = r->answer_octets.n == 0});
    r->exchange = NULL;
    if (is_handed_over)
        r->answer_arena = NULL;
}

/* Its connection is closed. */
static void http_abandon(struct request *r)
{
    if (r->exchange != NULL)
        http_respond(r->exchange, &(struct http_response){.status = 503, .close = true});
    r->exchange = NULL;
}

const struct carrier carrier_http = {
    .work = http_work, .is_gone = http_is_gone, .send = http_send, .abandon = http_abandon};
