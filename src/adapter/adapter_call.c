/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One call of SMEV, from words to words: on a worker signed, on the loop posted, on a worker read and verified. The
 * only place where this is done; what is special about an operation is what is asked and what is read of the answer.
 */
#include "adapter.h"

#include "clock.h"

#include <malloc.h>
#include <string.h>

#define TRIM_BYTES  ((size_t)256 << 10)
#define STATUS_CODE 1 /* nobody says which there are */
#define STATUS_TEXT "Запрос получен ведомством, ответ готовится"

struct adapter {
    struct arena *arena;
    struct loop *loop;
    struct client *client;
    struct service *service;
    struct adapter_call *first; /* all there are */
    bool is_over;
};

/* ---- all of them ---- */

struct adapter *adapter_new(struct loop *l, struct client *client, struct service *service)
{
    struct arena *a = arena_new_small();
    struct adapter *adapter = arena_alloc(a, sizeof *adapter);
    *adapter = (struct adapter){.arena = a, .loop = l, .client = client, .service = service};
    return adapter;
}

static bool is_not_waited_for(const struct adapter_call *c)
{
    bool is_owed = c->op != SMEV3_ACK && c->status_to == NULL;
    return !is_owed && c->http != NULL && clock_mono_us() - c->begun_us > ADAPTER_DRAIN_US;
}

unsigned adapter_calls(const struct adapter *adapter, const void *owner)
{
    unsigned n = 0;
    for (const struct adapter_call *c = adapter->first; c != NULL; c = c->next)
        n += (owner == NULL || c->owner == owner) && !is_not_waited_for(c);
    return n;
}

void adapter_stop(struct adapter *adapter)
{
    adapter->is_over = true;
    for (struct adapter_call *c = adapter->first; c != NULL; c = c->next) {
        client_cancel(c->http);
        c->http = NULL;
    }
}

void adapter_free(struct adapter *adapter)
{
    while (adapter->first != NULL)
        adapter_call_free(adapter->first);
    arena_free(adapter->arena);
}

struct adapter_call *adapter_call_new(struct adapter *adapter, const struct config_smev3 *conf,
                                      struct adapter_peer *peer, enum smev3_op op, adapter_fn done)
{
    struct arena *a = arena_new();
    struct adapter_call *c = arena_alloc(a, sizeof *c);
    *c = (struct adapter_call){.adapter = adapter, .arena = a, .conf = conf, .peer = peer, .op = op, .done = done};
    c->next = adapter->first;
    c->link = &adapter->first;
    if (c->next != NULL)
        c->next->link = &c->next;
    adapter->first = c;
    c->keys = service_keyring(adapter->service);
    keyring_ref(c->keys);
    return c;
}

void adapter_call_free(struct adapter_call *c)
{
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    keyring_unref(c->keys);
    arena_free(c->arena);
}

/* ---- what is asked ---- */

static enum err write_draft(struct adapter_call *c, struct smev3_draft *draft)
{
    enum smev3_version version = adapter_version(c->conf);
    const struct smev3_answer status = {.message_id = c->message_id,
                                        .to = c->status_to,
                                        .kind = SMEV3_IN_WORK,
                                        .text = STATUS_TEXT,
                                        .status_code = STATUS_CODE};
    switch (c->op) {
    case SMEV3_SEND_RESPONSE:
        return smev3_write_answer(c->arena, version, &status, draft, &c->error);
    case SMEV3_ACK:
        return smev3_write_ack(c->arena, version, c->message_id, !c->is_rejecting, draft, &c->error);
    case SMEV3_GET_STATUS:
        return smev3_write_get_status(c->arena, version, c->selector.now_us, draft, &c->error);
    default:
        return smev3_write_get(c->arena, version, c->op, &c->selector, draft, &c->error);
    }
}

static void on_worker_sign(void *arg)
{
    struct adapter_call *c = arg;
    struct smev3_draft draft;
    struct buf envelope;
    c->asked = c->stored;
    if (c->stored.n > 0)
        return;
    buf_init(&envelope, c->arena, 8192);
    c->err = write_draft(c, &draft);
    if (c->err == ERR_OK)
        c->err = smev3_write_signed(c->arena, &draft, c->key, &envelope, &c->error);
    c->asked = buf_span(&envelope);
}

/* ---- what is said ---- */

/* Of a signature that is not SMEV's: the journal's word. The place may be there and hold nothing. */
static const char *judge(struct adapter_call *c, struct xml_node *element, struct xml_node *place)
{
    struct smev3_signature signature;
    struct error why = {0};
    if (place == NULL || xml_first(place, NULL, NULL) == NULL)
        return ADAPTER_UNSIGNED;
    if (element == NULL)
        return error_name(ERR_SECURITY);
    struct arena *octets = arena_new(); /* as many as SMEV's, and nobody asks for these */
    enum err err = smev3_verify(octets, element, place, &c->others, &signature, &why);
    arena_free(octets);
    if (err != ERR_OK)
        return error_name(err);
    return (signature.forms & (SMEV3_FORM_ENVELOPED | SMEV3_FORM_PREFIXES)) != 0 ? ADAPTER_TOLERATED : ADAPTER_GOOD;
}

static void judge_sender(struct adapter_call *c)
{
    c->sender_word = judge(c, c->reply.sender, c->reply.sender_place);
    c->person_word = judge(c, c->reply.personal, c->reply.personal_place);
}

/* Documents, many times as large as what came, live as long as a worker has the call in hand. */
static void docs_free(struct adapter_call *c)
{
    xml_docs_free(c->arena);
    c->reply.element = c->reply.place = c->reply.sender = c->reply.sender_place = NULL;
    c->reply.personal = c->reply.personal_place = NULL;
}

static enum err digest_of(struct adapter_call *c, struct span octets, enum err err)
{
    return err != ERR_OK ? err : digest_once(DIGEST_SHA256, octets.p, octets.n, c->digest, &c->error);
}

/* Who repeats an old answer says yes to what SMEV has never heard. */
static enum err read_sent(struct adapter_call *c)
{
    enum err err = smev3_read_metadata(c->arena, c->signature.octets, &c->metadata, &c->error);
    const char *id = c->metadata.message_id;
    if (err != ERR_OK || id == NULL || (c->message_id != NULL && strcmp(id, c->message_id) == 0))
        return err;
    return error_set(&c->error, ERR_ENVELOPE, "the answer is about another message");
}

static enum err read_signed(struct adapter_call *c)
{
    const struct span octets = c->signature.octets;
    enum err err;
    switch (c->reply.kind) {
    case SMEV3_REQUEST:
        err = smev3_read_request(c->arena, octets, &c->request, &c->error);
        err = digest_of(c, c->request.content.octets, err);
        arena_give_back(c->arena, c->request.content.octets.p);
        c->request.content.octets = (struct span){0};
        return err;
    case SMEV3_CANCEL:
        err = smev3_read_cancel(c->arena, octets, &c->cancel, &c->error);
        return digest_of(c, c->cancel.content, err);
    case SMEV3_RESPONSE:
        return smev3_read_response(c->arena, octets, &c->response, &c->error);
    case SMEV3_STATUS:
        return smev3_read_status(c->arena, octets, &c->async, &c->error);
    default:
        return read_sent(c);
    }
}

static bool is_of_sender(enum smev3_kind kind)
{
    return kind == SMEV3_REQUEST || kind == SMEV3_RESPONSE || kind == SMEV3_CANCEL;
}

static void read_reply(struct adapter_call *c)
{
    c->err = smev3_reply_read(c->arena, c->op, c->status, c->content_type, c->answered, &c->reply, &c->error);
    c->is_read = c->err == ERR_OK;
    if (c->is_read && c->reply.kind == SMEV3_FAULT && c->reply.fault.name == NULL)
        (void)error_set(&c->error, ERR_ENVELOPE, "HTTP %d to %s: a SOAP fault that is none of SMEV's table", c->status,
                        smev3_op_name(c->op)); /* for people: err is none, and the word is the fault's */
    if (c->err != ERR_OK || !smev3_kind_is_signed(c->reply.kind))
        return;
    c->err = smev3_reply_verify(c->arena, &c->reply, &c->smev, &c->signature, &c->error);
    if (c->err == ERR_OK && is_of_sender(c->reply.kind))
        judge_sender(c);
    docs_free(c); /* what was verified is parsed anew, and may be as large */
    if (c->err == ERR_OK)
        c->err = read_signed(c);
    if (c->err == ERR_OK && c->understand != NULL)
        c->understand(c);
}

/* What was given and cannot be read or believed. */
static void find_claim(struct adapter_call *c)
{
    struct smev3_claim claim;
    if (c->err == ERR_OK || c->status != 200)
        return;
    c->is_claimed = smev3_scan(c->arena, c->op, c->answered, &claim) || c->reply.claimed_id != NULL;
    c->claimed_id = c->reply.claimed_id != NULL ? c->reply.claimed_id : claim.id;
    c->claimed_original = claim.original_id;
}

static void on_worker_read(void *arg)
{
    struct adapter_call *c = arg;
    struct error e = {0};
    read_reply(c);
    docs_free(c);
    if (c->answered.n > TRIM_BYTES)
        (void)malloc_trim(0); /* a document is small pieces, which malloc() would keep */
    if (c->err == ERR_OK && c->op != SMEV3_ACK && c->reply.kind != SMEV3_FAULT)
        return;
    find_claim(c);
    if (digest_once(DIGEST_SHA256, c->answered.p, c->answered.n, c->digest, &e) == ERR_OK)
        c->has_refused_digest = true; /* 12 MB are no work for the loop */
}

/* ---- the way ---- */

static void call_done(struct adapter_call *c)
{
    if (!adapter_call_is_good(c))
        adapter_peer_failed(c->peer, adapter_call_word(c));
    c->done(c);
}

static void on_loop_read(void *arg)
{
    struct adapter_call *c = arg;
    if (c->adapter->is_over)
        return; /* it stays where it is */
    adapter_peer_used(c->peer, c->conf, adapter_call_is_smevs(c));
    call_done(c);
}

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct adapter_call *c = arg;
    c->http = NULL;
    c->fate = answer->fate;
    if (answer->fate != CLIENT_ANSWERED) {
        c->err = error_set(&c->error, answer->error->code, "%s", answer->error->detail);
        adapter_peer_used(c->peer, c->conf, false);
        adapter_peer_heard(c->peer, c->conf, adapter_call_kind(c), adapter_call_word(c));
        call_done(c);
        return;
    }
    adapter_peer_heard(c->peer, c->conf, adapter_call_kind(c), NULL);
    c->status = answer->status;
    client_answer_keep(answer, c->arena);
    c->content_type = answer->content_type;
    c->answered = answer->body;
    worker_run(c->adapter->loop, on_worker_read, on_loop_read, c);
}

void adapter_call_post(struct adapter_call *c)
{
    struct client_request request;
    c->endpoint = arena_strdup(c->arena, adapter_peer_endpoint(c->peer, c->conf));
    adapter_request(c->arena, c->peer, c->conf, c->endpoint, adapter_call_kind(c), c->asked, c->conf->timeout_ms,
                    &request);
    c->http = client_post(c->adapter->client, &request, on_answer, c);
}

static void on_loop_signed(void *arg)
{
    struct adapter_call *c = arg;
    if (c->adapter->is_over)
        return;
    if (c->err != ERR_OK) {
        c->fate = CLIENT_UNSENT;
        call_done(c);
    } else if (c->ready != NULL) {
        c->ready(c);
    } else {
        adapter_call_post(c);
    }
}

void adapter_call_begin(struct adapter_call *c)
{
    int64_t now_us = clock_wall_us();
    c->key = keyring_signing_key(c->keys, c->conf->agency, now_us / 1000000);
    c->smev = keyring_smev3_policy(c->keys, c->arena, c->conf->smev, now_us / 1000000);
    c->others = keyring_smev3_policy(c->keys, c->arena, NULL, now_us / 1000000);
    c->selector.now_us = now_us;
    c->begun_us = clock_mono_us();
    worker_run(c->adapter->loop, on_worker_sign, on_loop_signed, c);
}
