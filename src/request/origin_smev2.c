/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * SMEV 2 over HTTP: signed messages in its frame. After `verify` nothing reads the document off the wire any more: the
 * octets whose digest was right are parsed anew by themselves, and that small document is all the later steps can see
 * (SPEC C3). Every answer is signed.
 */
#include "request_private.h"
#include "signer.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <string.h>

/* ---- verify ---- */

/* The actor's certificate stands for a sender of the configuration, and for SMEV itself only where it must (C2). */
static enum err verify_signers(struct request *r)
{
    r->sender = keyring_sender_of(r->keys, r->wsse.smev.signer);
    if (r->sender == NULL || r->sender->is_smev)
        return signer_unknown(r, r->wsse.smev.signer, r->sender, false);
    if (r->wsse.recipient.signer == NULL)
        return ERR_OK;
    const struct keyring_sender *smev = keyring_sender_of(r->keys, r->wsse.recipient.signer);
    return smev != NULL && smev->is_smev ? ERR_OK : signer_unknown(r, r->wsse.recipient.signer, smev, true);
}

static enum err smev2_verify(struct request *r)
{
    enum err err = origin_verify_signatures(r, true, r->source->require_recipient);
    if (err == ERR_OK)
        err = origin_digest(r, r->wsse.body);
    if (err == ERR_OK)
        err = verify_signers(r);
    if (err == ERR_OK)
        err = xml_parse(r->arena, r->wsse.body, &r->doc, &r->error);
    if (err != ERR_OK)
        return err;
    r->soap_body = xml_root(r->doc);
    FAULT_POINT(verified);
    return ERR_OK;
}

/* ---- unwrap ---- */

/* Who claims to send is who signed, and who is addressed is served here (C2, C6). */
static enum err unwrap_parties(struct request *r)
{
    if (r->frame.sender.code == NULL || strcmp(r->frame.sender.code, r->sender->code) != 0)
        return signer_differs(r, r->frame.sender.code);
    r->agency = r->frame.recipient.code == NULL ? NULL : keyring_agency_find(r->keys, r->frame.recipient.code);
    if (r->agency == NULL)
        return error_set(&r->error, ERR_RECIPIENT, "smev:Recipient is no agency of the configuration");
    const char *only = r->source->agency;
    if (only != NULL && strcmp(only, r->agency->code) != 0)
        return error_set(&r->error, ERR_RECIPIENT, "this listener serves agency %s only", only);
    /* Before anything is booked: an answer nobody would accept is no answer (L5). */
    r->is_recall = !keyring_agency_signs(r->agency, clock_wall_us() / 1000000);
    return ERR_OK;
}

static enum err smev2_unwrap(struct request *r, const char **element)
{
    r->reading = &r->sender->reading;
    enum err err = smev_frame_read(r->arena, r->soap_body, &r->frame, element, &r->bare, &r->error);
    if (err != ERR_OK)
        return err;
    if (r->wsse.header_message_id != NULL && !booking_text_is_seen(r->wsse.header_message_id))
        return error_set(&r->error, ERR_ENVELOPE, "smev:MessageId holds a character that nobody sees");
    return unwrap_parties(r);
}

static const char *smev2_message_id(struct request *r)
{
    if (r->wsse.header_message_id != NULL)
        return r->wsse.header_message_id;
    struct buf id;
    buf_init(&id, r->arena, 80);
    buf_add_str(&id, "body:");
    buf_add_hex(&id, r->message.digest, sizeof r->message.digest);
    return id.p;
}

static bool smev2_is_vouched(const struct request *r)
{
    return r->sender != NULL;
}

/* ---- accept: what the message is for, and when it was made ---- */

static bool is_ping(const struct request *r)
{
    return strcmp(r->frame.status, "PING") == 0;
}

/* SMEV asks whether the service is there: Status PING and nothing in AppData (V2). getRefsList never has anything. */
static bool is_bare_ping(const struct request *r)
{
    return is_ping(r) && r->request.method != BOOKING_GET_REFS_LIST && xml_first(xml_root(r->bare), NULL, NULL) == NULL;
}

/* A word of the recommendations as it is; whatever else stands there is not told to a log. */
static const char *word_of(const char *text)
{
    size_t len = strlen(text);
    return len <= 10 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len ? text : "(no word of SMEV's)";
}

/*
 * What a message is for is said by its Status, and by SMEV in MessageClass (V2). Only a request is executed; a PING
 * asks, and may be answered where asking changes nothing. A withdrawal, a batch, an answer gone astray have no effect.
 */
static enum err accept_status(struct request *r)
{
    const char *class = r->wsse.header_message_class;
    if (class != NULL && strcmp(class, "REQUEST") != 0)
        return error_set(&r->error, ERR_ENVELOPE, "smev:MessageClass %s: only a REQUEST is served", word_of(class));
    if (strcmp(r->frame.status, "REQUEST") == 0 || (is_ping(r) && (!r->op->is_write || is_bare_ping(r))))
        return ERR_OK;
    return error_set(&r->error, ERR_ENVELOPE, "smev:Status %s: %s is done for a REQUEST only", word_of(r->frame.status),
                     r->op->name);
}

/*
 * A captured message is of no use for long (C7): its effect is remembered by its octets for ever, and what it asks
 * after is not told to whoever kept it. smev:Date is signed by the sender. One without a zone is taken at its best.
 */
static enum err check_age(struct request *r, int64_t at_us, bool has_zone)
{
    const int64_t west_us = has_zone ? 0 : 12LL * 3600 * 1000000, east_us = has_zone ? 0 : 14LL * 3600 * 1000000;
    int64_t age_max_us = (int64_t)r->service->conf->message_age_max_ms * 1000, now_us = clock_wall_us();
    if (age_max_us == 0)
        return ERR_OK;
    if (at_us + west_us < now_us - age_max_us)
        return error_set(&r->error, ERR_EXPIRED, "the message was made %lld s ago",
                         (long long)((now_us - at_us - west_us) / 1000000));
    if (at_us - east_us > now_us + age_max_us)
        return error_set(&r->error, ERR_EXPIRED, "the message was made %lld s from now",
                         (long long)((at_us - east_us - now_us) / 1000000));
    return ERR_OK;
}

/* A single message out of its time is its sender's affair; when there are many, somebody's clock is wrong: told in the
 * log. */
static enum err age_note(struct request *r, enum err err)
{
    if (err == ERR_EXPIRED)
        log_bounded(LOG_LEVEL_WARNING, LOG_BURST, "message-age", "refused", "req", r->id, "sender",
                    r->sender != NULL ? r->sender->code : "", "detail", r->error.detail, NULL);
    return err;
}

/*
 * Item 25: a request tells when it was made, and in which zone. A departure is told like any other bad field; what is
 * good is held to its age.
 */
static enum err accept_date(struct request *r)
{
    bool has_zone;
    int64_t at_us;
    bool is_instant = clock_parse(r->frame.date, &at_us, &has_zone), is_taken = is_instant && has_zone;
    if (is_instant && !has_zone && reading_is_lenient(r)) {
        r->normalized.used[LENIENCY_date]++;
        is_taken = reading_allows(r, LENIENCY_date);
    }
    if (is_taken)
        return age_note(r, check_age(r, at_us, has_zone));
    field_errors_add(&r->fields, "Date", 1, "Укажите время создания сообщения с часовым поясом");
    return ERR_OK;
}

static enum err smev2_accept(struct request *r)
{
    if (accept_status(r) != ERR_OK)
        return r->error.code;
    r->is_ping = is_bare_ping(r);
    return r->is_ping ? ERR_OK : accept_date(r);
}

/* ---- wrap ---- */

/* smev:Status of an answer (facts: REQUEST is answered by RESULT, REJECT, INVALID or FAILURE). */
static const char *frame_status(int error_code)
{
    switch (error_code) {
    case 1:
        return "FAILURE";
    case 2:
        return "INVALID";
    case 4:
        return "REJECT";
    default:
        return "RESULT";
    }
}

/*
 * A fault may come before we know which agency was meant; it is signed all the same (V3), by the listener's or the
 * first that can. One whose own key is good no more is spoken for likewise.
 */
static const struct key *signing_key(const struct request *r)
{
    int64_t now_s = clock_wall_us() / 1000000;
    if (r->agency != NULL && (!request_is_fault(r) || keyring_agency_signs(r->agency, now_s)))
        return r->agency->key;
    const struct keyring_agency *only =
        r->source->agency != NULL ? keyring_agency_find(r->keys, r->source->agency) : NULL;
    if (only != NULL && keyring_agency_signs(only, now_s))
        return only->key;
    for (unsigned i = 0; i < r->keys->nagencies; i++)
        if (keyring_agency_signs(&r->keys->agencies[i], now_s))
            return r->keys->agencies[i].key;
    return NULL;
}

static enum err smev2_wrap(struct request *r, const char *element)
{
    if (element == NULL)
        return envelope_write_fault(r->arena, r->failed, r->id, r->is_body_reached, signing_key(r), &r->answer,
                                    &r->error);
    struct smev_frame frame;
    smev_frame_answer(r->arena, &r->frame, r->wsse.header_message_id, r->agency->name,
                      frame_status(r->reply.error_code), r->message.test ? r->frame.test_msg : NULL, &frame);
    return envelope_write(r->arena, element, buf_span(&r->content), &frame, signing_key(r), &r->answer, &r->error);
}

/* The newer revision is the usual one. */
static const struct description descriptions[] = {
    {"rev120315", "equeue-smev2-rev120315.wsdl"}, {"rev111111", "equeue-smev2-rev111111.wsdl"}, {NULL, NULL}};

const struct origin origin_smev2 = {
    .channel = "portal",
    .verdict = "good",
    .descriptions = descriptions,
    .carrier = &carrier_http,
    .verify = smev2_verify,
    .unwrap = smev2_unwrap,
    .accept = smev2_accept,
    .message_id = smev2_message_id,
    .is_vouched = smev2_is_vouched,
    .wrap = smev2_wrap,
};
