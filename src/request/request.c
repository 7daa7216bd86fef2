/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The life of one message. REQUEST_STEPS in request_private.h is the whole story; this file walks it.
 *
 * Steps marked WORKER run one after the other on a worker thread, in one hop; steps marked LOOP run on the loop. A step
 * goes on, waits (and is resumed from the loop), or fails. A failure is an ordinary answer: the walk goes on at
 * `reply`, which writes the fault, and signing, journalling and sending do not change.
 */
#include "request_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <string.h>
#include <strings.h>

#define FREE_AWAY_BYTES ((size_t)4 << 20)

enum step_place { WORKER, LOOP };

static const struct {
    const char *name;
    enum step_place place;
    enum step_result (*run)(struct request *r);
} steps[] = {
#define X(name, where) {#name, where, step_##name},
    REQUEST_STEPS(X)
#undef X
};

static void request_run(struct request *r);

/* A step that fails at or after `reply` has no better answer to give than the one it failed to make. */
static void request_fail(struct request *r)
{
    r->failed =
        r->error.code == ERR_OK ? error_set(&r->error, ERR_INTERNAL, "step failed without a reason") : r->error.code;
    r->step = STEP_reply;
}

static void request_advance(struct request *r, enum step_result result)
{
    if (result == STEP_NEXT)
        r->step++;
    else if (result == STEP_RECALL)
        r->step = STEP_handle;
    else if (result == STEP_ANSWERED)
        r->step = STEP_reply;
    else
        request_fail(r);
}

static void request_walk(struct request *r)
{
    unsigned failures = 0;
    while (r->step < STEP_COUNT && steps[r->step].place == WORKER) {
        enum step_result result = steps[r->step].run(r);
        if (result == STEP_FAIL && ++failures > 2) {
            r->step = STEP_commit; /* not even a fault could be written: the connection is closed without one */
            r->answer_octets = (struct span){0};
            return;
        }
        request_advance(r, result);
    }
}

/*
 * Between two hops a request may wait, and many may: what it has of the message then is its values. Its documents, many
 * times as large as what came and perhaps for the most part nobody's, live as long as one worker has it in hand (L3).
 */
static void request_work(void *arg)
{
    struct request *r = arg;
    request_walk(r);
    xml_docs_free(r->arena);
    r->doc = r->bare = NULL;
    r->soap_body = NULL;
}

static void request_worked(void *arg)
{
    struct request *r = arg;
    if (!r->service->is_stopped)
        request_run(r);
}

static void request_run(struct request *r)
{
    while (r->step < STEP_COUNT) {
        if (steps[r->step].place == WORKER) {
            http_worker_run(r->service->loop, r->exchange, request_work, request_worked, r);
            return;
        }
        enum request_step at = r->step;
        enum step_result result = steps[at].run(r);
        if (result == STEP_WAIT || at == STEP_send)
            return; /* waits for request_resume(); or has been sent, and is gone */
        request_advance(r, result);
    }
}

void request_resume(struct request *r, enum step_result result)
{
    request_advance(r, result);
    request_run(r);
}

const char *request_method(const struct request *r)
{
    return r->op != NULL ? r->op->name : "-";
}

static void request_cleanup(void *arg)
{
    struct request *r = arg;
    if (r->exchange != NULL) /* stopped in the middle: its connection is closed */
        http_respond(r->exchange, &(struct http_response){.status = 503, .close = true});
    arena_free(r->answer_arena);
    keyring_unref(r->keys);
}

static void arena_free_work(void *arg)
{
    arena_free(arg);
}

void live_end_away(struct service *s, struct live *l)
{
    struct arena *a = l->arena;
    live_leave(l);
    worker_run(s->loop, arena_free_work, NULL, a);
}

/* Wiping and giving back what a large answer took is a worker's work, too. */
void request_free(struct request *r)
{
    struct arena *a = r->arena;
    reads_give_back(r);
    if (arena_size(a) < FREE_AWAY_BYTES) {
        live_end(&r->live);
        return;
    }
    arena_run_deferred(a, request_cleanup); /* connection and keyring are the loop's */
    live_end_away(r->service, &r->live);
}

static void request_begin(const struct endpoint *ep, const struct http_request *http)
{
    struct service *s = ep->service;
    struct arena *a = arena_new();
    struct request *r = arena_alloc(a, sizeof *r);
    r->arena = a;
    live_begin(s, &r->live, a);
    arena_defer(a, request_cleanup, r);
    r->service = s;
    r->endpoint = ep;
    r->exchange = http->exchange;
    r->keys = s->keys;
    r->keys->refs++;
    r->started_us = clock_mono_us();
    r->deadline_us = r->started_us + s->conf->request_timeout_ms * 1000;
    r->body = http->body; /* valid until http_respond() */
    r->peer = arena_strdup(a, http->peer);
    r->soap_action = arena_strdup(a, http_header(http, "SOAPAction"));
    r->fields.arena = a;
    uuid_v4(r->id);
    s->in_work++;
    FAULT_POINT(request_accepted);
    request_run(r);
}

/* text/xml and nothing else: SOAP 1.1 over HTTP. A charset other than UTF-8 contradicts what the prescan will demand.
 */
static bool content_type_is_soap11(const char *value)
{
    if (value == NULL || strncasecmp(value, "text/xml", 8) != 0 ||
        (value[8] != '\0' && strchr("; \t", value[8]) == NULL))
        return false;
    const char *charset = strcasestr(value, "charset=");
    if (charset == NULL)
        return true;
    charset += 8;
    charset += *charset == '"';
    return strncasecmp(charset, "utf-8", 5) == 0 && (charset[5] == '\0' || strchr("\"; \t", charset[5]) != NULL);
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
    if (is_stopping || ep->service->in_work >= ep->service->conf->requests_max) {
        http_refuse(http, 503, is_stopping ? "stopping" : "too many requests in work",
                    "Сервис перегружен, повторите запрос позже\n", "Retry-After: 2\r\n");
        return;
    }
    request_begin(ep, http);
}
