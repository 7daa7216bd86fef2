/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Clients of the simulation: HTTP as request/ sees it, and, in place of decode.c, requests that come ready. */
#include "heart.h"

#include "fake_server.h"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- HTTP ---- */

struct exchange {
    struct client *client;
    char *body;
    bool is_asked; /* whether it is there, after it had ended */
};

static const char body[] = "<soap:Envelope/>";

void client_send(void *arg)
{
    struct client *c = arg;
    if (c->is_queued) {
        client_take(c);
        return;
    }
    struct exchange *x = calloc(1, sizeof *x);
    char peer[32];
    c->is_turned_away = world.is_over; /* nobody listens any more */
    if (c->is_turned_away) {
        free(x);
        return;
    }
    if (x == NULL || (x->body = malloc(sizeof body)) == NULL)
        abort();
    memcpy(x->body, body, sizeof body);
    x->client = c;
    c->exchange = x;
    (void)snprintf(peer, sizeof peer, "client:%u", c->number);
    sim_tell("client %u sends %d %s", c->number, c->kind, c->message_id);
    for (unsigned i = 0; i < c->nneeds; i++)
        sim_tell("client %u needs %s", c->number, c->needs[i]);
    request_on_http(&world.endpoint, &(struct http_request){.method = "POST",
                                                            .path = world.listener.path,
                                                            .query = "",
                                                            .peer = peer,
                                                            .body = {x->body, sizeof body - 1},
                                                            .exchange = x});
}

static void exchange_end(struct exchange *x)
{
    x->client->exchange = NULL;
    x->client->request = NULL;
    free(x->body);
    free(x);
}

const char *http_header(const struct http_request *req, const char *name)
{
    (void)req;
    return strcmp(name, "Content-Type") == 0 ? "text/xml" : NULL;
}

const char *http_host(const struct http_request *req)
{
    (void)req;
    return NULL;
}

void http_refuse(const struct http_request *req, int status, const char *reason, const char *text, const char *headers)
{
    struct client *c = req->exchange->client;
    (void)reason;
    (void)text;
    (void)headers;
    sim_tell("client %u is turned away", c->number);
    if (c->is_turned_away || c->is_answered)
        judge_fail("client %u is answered twice", c->number);
    c->is_turned_away = true;
    c->status = status;
    exchange_end(req->exchange);
}

void http_respond(struct exchange *x, const struct http_response *r)
{
    struct client *c = x->client;
    if (c->is_answered || c->is_turned_away)
        judge_fail("client %u is answered twice", c->number);
    c->is_answered = true;
    c->answered_us = sim_now_us();
    c->status = r->status;
    c->failed = c->request != NULL ? c->request->failed : ERR_OK;
    c->is_cut_off = world.is_over;
    sim_tell("client %u is answered %d %s %s", c->number, c->status, error_name(c->failed),
             c->request != NULL ? c->request->error.detail : "");
    judge_answer(c, r->body);
    exchange_end(x);
}

bool http_peer_gone(const struct exchange *x)
{
    const struct client *c = x->client;
    if (c->going == CLIENT_STAYS || sim_now_us() < c->goes_us)
        return false;
    bool was_asked = x->is_asked;
    ((struct exchange *)(uintptr_t)x)->is_asked = true;
    return c->going == CLIENT_RESETS || was_asked;
}

uint64_t client_until_us(const struct client *c)
{
    uint64_t reserve_us = world.conf.request_timeout_ms * 1000 / 4;
    return c->deadline_us - (reserve_us < 1000000 ? reserve_us : 1000000);
}

/* ---- the steps before `handle` ---- */

static enum booking_method method_of(const struct client *c)
{
    switch (c->kind) {
    case CLIENT_BOOK:
        return BOOKING_BOOK;
    case CLIENT_CANCEL:
        return BOOKING_CANCEL_BOOKING;
    case CLIENT_STATUS:
        return BOOKING_GET_BOOKING_STATUS;
    case CLIENT_REFS:
        return BOOKING_GET_REFS_LIST;
    case CLIENT_SLOTS:
    case CLIENT_JUNK:
        break;
    }
    return BOOKING_GET_SLOTS;
}

static void request_fill(struct request *r, const struct client *c)
{
    static const char *organizations[] = {"R7700018"};
    enum booking_method method = method_of(c);
    r->op = &booking_ops[method];
    r->reply.method = method;
    r->request = (struct booking_request){.method = method,
                                          .book_id = c->book_id,
                                          .organization_ids = {organizations, 1},
                                          .user_type = c->is_misshapen ? SERVER_WORD_MISSHAPEN : "SIMPLE",
                                          .user_kind = "PHYSIC"};
    r->request.slot_ids.items = arena_array(r->arena, 2, sizeof(const char *));
    for (unsigned i = 0; i < c->nslots; i++)
        r->request.slot_ids.items[r->request.slot_ids.n++] = c->slots[i];
    r->message = (struct booking_message){.sender_code = "",
                                          .recipient_code = "",
                                          .message_id = c->message_id,
                                          .method = r->op->name,
                                          .verdict = "good",
                                          .digest = {c->content},
                                          .by_id = c->is_queued};
    if (c->is_bad)
        field_errors_add(&r->fields, "esiaId", 1, NULL);
}

enum step_result step_prescan(struct request *r)
{
    struct client *c = r->queued != NULL ? r->queued->arg : &world.clients[strtoul(strchr(r->peer, ':') + 1, NULL, 10)];
    c->request = r;
    if (r->queued != NULL) {
        r->peer = arena_printf(r->arena, "inbox:%u", c->number);
        r->message.message_id = c->message_id;
        r->message.digest[0] = c->content;
    }
    if (c->kind == CLIENT_JUNK) {
        (void)error_set(&r->error, ERR_MALFORMED, "junk");
        return STEP_FAIL;
    }
    request_fill(r, c);
    return STEP_NEXT;
}

#define NOTHING(name)                                                                                                  \
    enum step_result step_##name(struct request *r)                                                                    \
    {                                                                                                                  \
        (void)r;                                                                                                       \
        return STEP_NEXT;                                                                                              \
    }
NOTHING(parse)
NOTHING(verify)
NOTHING(unwrap)
NOTHING(validate)
NOTHING(bind)
NOTHING(check)

enum err xml_schema_load(struct arena *a, const char *path, struct xml_schema **out, struct error *e)
{
    (void)a;
    (void)path;
    (void)e;
    *out = NULL;
    return ERR_OK;
}

/* ---- signing, which fails by lot ---- */

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
enum err __real_envelope_write(struct arena *a, const char *element, struct span content,
                               const struct smev_frame *frame, const struct key *key, struct buf *out, struct error *e);
enum err __wrap_envelope_write(struct arena *a, const char *element, struct span content,
                               const struct smev_frame *frame, const struct key *key, struct buf *out, struct error *e);
enum err __real_envelope_write_fault(struct arena *a, enum err code, const char *reference, bool is_of_body,
                                     const struct key *key, struct buf *out, struct error *e);
enum err __wrap_envelope_write_fault(struct arena *a, enum err code, const char *reference, bool is_of_body,
                                     const struct key *key, struct buf *out, struct error *e);

enum err __wrap_envelope_write(struct arena *a, const char *element, struct span content,
                               const struct smev_frame *frame, const struct key *key, struct buf *out, struct error *e)
{
    if (sim_chance(world.unsigned_per_mille))
        return error_set(e, ERR_CRYPTO, "it cannot be signed, by lot");
    return __real_envelope_write(a, element, content, frame, key, out, e);
}

enum err __wrap_envelope_write_fault(struct arena *a, enum err code, const char *reference, bool is_of_body,
                                     const struct key *key, struct buf *out, struct error *e)
{
    if (sim_chance(world.unsigned_per_mille))
        return error_set(e, ERR_CRYPTO, "it cannot be signed, by lot");
    return __real_envelope_write_fault(a, code, reference, is_of_body, key, out, e);
}
/* NOLINTEND(bugprone-reserved-identifier) */
