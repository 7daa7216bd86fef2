/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * SMEV 3, by way of a queue: T:Request as SMEV has signed it, which was verified before it was stored. The business
 * element is the method's bare element; what is hashed of it is what is bound: its normal form by itself, in which
 * blank text is gone (SPEC Q1, Q2). The answer is a SendResponseRequest in the agency's name.
 */
#include "request_private.h"

#include "clock.h"
#include "fault.h"

#include <string.h>

/* ---- verify: it was; here it is read ---- */

/* It was read when it was stored, by the same rules: what cannot be read now is our trouble, not the sender's. */
static enum err read_stored(struct request *r)
{
    struct error why = {0};
    struct queued *q = r->queued;
    enum err err = smev3_read_request(r->arena, r->body, &q->read, &why);
    if (err == ERR_OK && (q->read.is_broadcast || q->read.reply_to == NULL || q->read.metadata.sender == NULL))
        err = error_set(&why, ERR_ENVELOPE, "nobody has sent it, or nobody is to be answered");
    if (err != ERR_OK)
        return error_set(&r->error, ERR_INTERNAL, "stored message %lld cannot be read: %s",
                         (long long)q->message.inbox_id, why.detail);
    if (q->message.has_include && q->read.trouble == SMEV3_FINE)
        q->read.trouble = SMEV3_INCLUDE;
    r->message.sender_code = q->read.metadata.sender;
    r->message.message_id = q->read.message_id;
    r->frame.date = q->read.metadata.sent;
    r->frame.test_msg = q->read.is_test ? "true" : NULL;
    return ERR_OK;
}

/* Before anything is done: an answer that cannot be signed is none (L5). */
static enum err find_agency(struct request *r)
{
    r->agency = keyring_agency_find(r->keys, r->source->agency);
    if (r->agency == NULL)
        return error_set(&r->error, ERR_AGENCY, "agency %s is not there any more", r->source->agency);
    if (!keyring_agency_signs(r->agency, clock_wall_us() / 1000000))
        return request_cannot_sign(r);
    const struct key *official;
    return keyring_official_key(r->keys, r->source->name, clock_wall_us() / 1000000, &official, &r->error);
}

static enum err smev3_verify_stored(struct request *r)
{
    const struct smev3_request *read = &r->queued->read;
    enum err err = read_stored(r);
    if (err == ERR_OK)
        err = find_agency(r);
    if (err == ERR_OK)
        err = origin_digest(r, read->content.octets);
    if (err != ERR_OK)
        return err;
    if (read->trouble == SMEV3_NO_CONTENT)
        return error_set(&r->error, ERR_ENVELOPE, "MessagePrimaryContent holds no element");
    err = xml_prescan(read->content.octets, &r->service->xml_limits, &r->error);
    if (err == ERR_OK)
        err = xml_parse(r->arena, read->content.octets, &r->doc, &r->error);
    if (err != ERR_OK)
        return err;
    r->soap_body = xml_root(r->doc);
    FAULT_POINT(verified);
    return ERR_OK;
}

/* ---- unwrap, accept ---- */

static enum err smev3_unwrap(struct request *r, const char **element)
{
    r->reading = r->source->reading;
    smev3_strip(r->soap_body);
    return origin_peel(r, r->soap_body, element);
}

static void refuse(struct request *r, const char *field, const char *message)
{
    field_errors_add(&r->fields, field, 1, message);
    r->is_refused = true;
}

/*
 * A method of the order was meant: it answers for itself what is wrong around it. After EOL its sender wants no answer
 * any more, and must not be surprised by an effect.
 */
static enum err smev3_accept(struct request *r)
{
    const struct smev3_request *read = &r->queued->read;
    if (read->trouble != SMEV3_FINE)
        refuse(r, "MessagePrimaryContent", smev3_trouble_text(read->trouble));
    if (read->eol != NULL && read->eol_us <= clock_wall_us())
        refuse(r, "EOL", "Срок ожидания ответа истёк, запрос не выполнен. Направьте его снова");
    return ERR_OK;
}

static const char *smev3_message_id(struct request *r)
{
    return r->message.message_id;
}

/* SMEV has signed it: it would not have been stored otherwise. */
static bool smev3_is_vouched(const struct request *r)
{
    (void)r;
    return true;
}

/* ---- wrap ---- */

static struct span business_of(struct request *r, const char *element)
{
    struct buf b;
    buf_init(&b, r->arena, r->content.n + 256);
    buf_add_strs(&b, "<eq:", element, " xmlns:eq=\"" SOAP_NS "\">", NULL);
    buf_add_span(&b, buf_span(&r->content));
    buf_add_strs(&b, "</eq:", element, ">", NULL);
    return buf_span(&b);
}

static enum smev3_reject_code reject_code(enum queue_verdict verdict)
{
    switch (verdict) {
    case QUEUE_ACCESS_DENIED:
        return SMEV3_REJECT_ACCESS_DENIED;
    case QUEUE_UNKNOWN_REQUEST_DESCRIPTION:
        return SMEV3_REJECT_UNKNOWN_REQUEST_DESCRIPTION;
    default:
        return SMEV3_REJECT_FAILURE;
    }
}

static void write_rejection(const struct request *r, struct smev3_answer *w)
{
    enum smev3_trouble trouble = r->queued->read.trouble;
    w->kind = SMEV3_REJECTED;
    w->reject_code = reject_code(error_queue(r->failed));
    w->text = trouble != SMEV3_FINE ? smev3_trouble_text(trouble) : error_rejection(r->failed);
}

/* The business element, with the signature of the official when the queue has one: a refusal has neither. */
static enum err write_content(struct request *r, struct span business, struct smev3_answer *w)
{
    const struct key *official;
    struct buf element, signature;
    enum err err = keyring_official_key(r->keys, r->source->name, clock_wall_us() / 1000000, &official, &r->error);
    w->content = business;
    if (err != ERR_OK || official == NULL)
        return err;
    buf_init(&element, r->arena, business.n + 256);
    buf_init(&signature, r->arena, 4096);
    err = smev3_sign_personal(r->arena, business, official, &element, &signature, &r->error);
    w->content = buf_span(&element);
    w->personal = buf_span(&signature);
    return err;
}

/* Its id is made once: what is tried again is signed again, under the same one. */
static enum err smev3_wrap(struct request *r, const char *element)
{
    struct queued *q = r->queued;
    struct smev3_answer w = {.message_id = q->answer_id, .to = q->read.reply_to, .kind = SMEV3_CONTENT};
    struct smev3_draft draft;
    enum err err = ERR_OK;
    if (q->answer_id[0] == '\0')
        uuid_v1(q->answer_id);
    if (element != NULL)
        err = write_content(r, business_of(r, element), &w);
    else
        write_rejection(r, &w);
    if (err == ERR_OK)
        err = smev3_write_answer(r->arena, q->message.version, &w, &draft, &r->error);
    if (err == ERR_OK)
        err = smev3_write_signed(r->arena, &draft, r->agency->key, &r->answer, &r->error);
    return err;
}

/* An answer of before has its own id. */
static enum err smev3_recognize(struct request *r)
{
    struct xml_doc *doc;
    enum err err = xml_parse(r->arena, r->answer_octets, &doc, &r->error);
    if (err != ERR_OK)
        return err;
    const char *id = NULL;
    for (struct xml_node *root = xml_root(doc), *at = root; id == NULL && (at = xml_walk(root, at)) != NULL;)
        if (xml_is(at, NULL, "MessageID"))
            id = xml_text(r->arena, at);
    if (id == NULL || strlen(id) >= sizeof r->queued->answer_id)
        return error_set(&r->error, ERR_INTERNAL, "the answer of the first time has no MessageID");
    memcpy(r->queued->answer_id, id, strlen(id) + 1);
    return ERR_OK;
}

const struct origin origin_smev3 = {
    .reads_octets = true,
    .channel = "portal",
    .verdict = "good",
    .carrier = &carrier_queue,
    .verify = smev3_verify_stored,
    .unwrap = smev3_unwrap,
    .accept = smev3_accept,
    .message_id = smev3_message_id,
    .is_vouched = smev3_is_vouched,
    .wrap = smev3_wrap,
    .recognize = smev3_recognize,
};
