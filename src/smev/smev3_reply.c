/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What SMEV answers to a call, so far that one knows which element it must have signed. Lenient where real messages
 * depart from the schemas (no Header, elements more or fewer), strict where two readers could read two things: one
 * Body, one answer in it, one message in that.
 */
#include "mime.h"
#include "smev.h"
#include "smev3_names.h"
#include "told.h"

#include <stdlib.h>
#include <string.h>

/* SMEV takes 5 MB of content; around it stand signatures and what the file store tells. */
const struct xml_limits smev3_xml_limits = {
    .size_max_bytes = (size_t)8 * 1024 * 1024,
    .start_tag_max_bytes = (size_t)32 * 1024,
    .attributes_max = 256,
    .namespaces_max = 64,
    .namespace_max_bytes = 256,
    .depth_max = 80,
    .elements_max = 60000,
    .name_max_bytes = 1024,
};

struct reader {
    struct arena *a;
    enum smev3_op op;
    struct smev3_reply *out;
    const struct smev3_namespaces *ns; /* of the answer */
    struct error *e;
};

/* ---- SOAP ---- */

static enum err read_envelope(const struct reader *r, struct xml_node *envelope, struct xml_node **answer)
{
    if (strcmp(xml_local(envelope), "Envelope") != 0)
        return error_set(r->e, ERR_ENVELOPE, "<%s> and no SOAP envelope", told_name(xml_local(envelope)));
    if (!xml_is(envelope, NS_SOAP, "Envelope"))
        return error_set(r->e, ERR_VERSION, "an envelope that is not of SOAP 1.1");
    struct xml_node *body = xml_first(envelope, NULL, NULL);
    if (body != NULL && xml_is(body, NS_SOAP, "Header"))
        body = xml_next(body, NULL, NULL);
    if (body == NULL || !xml_is(body, NS_SOAP, "Body") || xml_next(body, NULL, NULL) != NULL)
        return error_set(r->e, ERR_ENVELOPE, "an envelope without a Body, or with more than Header and Body");
    *answer = xml_first(body, NULL, NULL);
    if (*answer == NULL)
        return error_set(r->e, ERR_ENVELOPE, "an empty Body");
    if (xml_next(*answer, NULL, NULL) != NULL)
        return error_set(r->e, ERR_ENVELOPE, "two answers in one Body");
    return ERR_OK;
}

/* Whether the answer is one to this operation; false when e says why not. */
static bool is_answer(struct reader *r, const struct xml_node *answer)
{
    if (!smev3_is_types(xml_ns(answer), &r->out->version)) {
        (void)error_set(r->e, ERR_ENVELOPE, "<%s> of a namespace that is not SMEV 3's", told_name(xml_local(answer)));
        return false;
    }
    r->ns = smev3_namespaces(r->out->version);
    const char *due = smev3_op_name(r->op), *local = xml_local(answer);
    size_t n = strlen(due);
    bool is_due = strncmp(local, due, n) == 0 && strcmp(local + n, "Response") == 0;
    if (!is_due)
        (void)error_set(r->e, ERR_ENVELOPE, "<%s> where an answer to %s is due", told_name(local), due);
    return is_due;
}

/* ---- the message in it ---- */

/* The only child of this name. */
static enum err only_child(const struct reader *r, struct xml_node *parent, const char *ns, const char *local,
                           struct xml_node **out)
{
    *out = xml_first(parent, ns, local);
    if (*out != NULL && xml_next(*out, ns, local) != NULL)
        return error_set(r->e, ERR_ENVELOPE, "%s is there twice", local);
    return ERR_OK;
}

/* What is signed, its signature's place, and those within it. */
static enum err take_signed(const struct reader *r, struct xml_node *message, const char *local, enum smev3_kind kind)
{
    struct smev3_reply *out = r->out;
    enum err err = only_child(r, message, r->ns->types, local, &out->element);
    if (err == ERR_OK)
        err = only_child(r, message, r->ns->types, "SMEVSignature", &out->place);
    if (err == ERR_OK && out->element == NULL)
        return error_set(r->e, ERR_ENVELOPE, "<%s> without %s", xml_local(message), local);
    if (err == ERR_OK)
        out->kind = kind;
    return err;
}

static void take_inner(const struct reader *r, const char *data)
{
    struct smev3_reply *out = r->out;
    bool is_cancel = out->kind == SMEV3_CANCEL; /* says nothing but what it withdraws */
    out->sender = is_cancel ? xml_first(out->element, r->ns->basic, "MessageReference")
                            : xml_first(out->element, r->ns->types, data);
    out->sender_place = xml_first(out->element, r->ns->types, "SenderInformationSystemSignature");
    struct xml_node *content =
        out->sender != NULL ? xml_first(out->sender, r->ns->basic, "MessagePrimaryContent") : NULL;
    if (content == NULL)
        return;
    out->personal = xml_first(content, NULL, NULL);
    out->personal_place = xml_first(out->sender, r->ns->types, "PersonalSignature");
}

static const char *claimed_id(const struct reader *r)
{
    struct xml_node *metadata = xml_first(r->out->element, r->ns->types, "MessageMetadata");
    const char *id = metadata != NULL ? smev3_word(r->a, xml_first(metadata, r->ns->types, "MessageId")) : NULL;
    if (id == NULL && r->out->sender != NULL)
        id = smev3_word(r->a, xml_first(r->out->sender, r->ns->types, "MessageID"));
    return smev3_uuid(r->a, id);
}

/* `wrapper` of the answer holds one `local`, or, of 1.1, one Cancel. */
static enum err read_message(const struct reader *r, struct xml_node *answer, const char *wrapper, const char *local,
                             const char *data, enum smev3_kind kind)
{
    struct xml_node *message;
    enum err err = only_child(r, answer, r->ns->types, wrapper, &message);
    if (err != ERR_OK)
        return err;
    if (message == NULL) {
        r->out->kind = SMEV3_EMPTY;
        return xml_first(answer, NULL, NULL) == NULL
                   ? ERR_OK
                   : error_set(r->e, ERR_ENVELOPE, "<%s> where %s is due",
                               told_name(xml_local(xml_first(answer, NULL, NULL))), wrapper);
    }
    struct xml_node *cancel = kind == SMEV3_REQUEST ? xml_first(message, r->ns->types, "Cancel") : NULL;
    if (cancel != NULL && xml_first(message, r->ns->types, local) != NULL)
        return error_set(r->e, ERR_ENVELOPE, "a request and its withdrawal in one message");
    err = cancel != NULL ? take_signed(r, message, "Cancel", SMEV3_CANCEL) : take_signed(r, message, local, kind);
    if (err != ERR_OK)
        return err;
    take_inner(r, data);
    r->out->claimed_id = claimed_id(r);
    return ERR_OK;
}

static enum err read_statistics(const struct reader *r, struct xml_node *answer)
{
    unsigned n = xml_count(answer, r->ns->types, "QueueStatistics");
    struct smev3_queue *queues = arena_array(r->a, n, sizeof *queues);
    struct xml_node *at = xml_first(answer, r->ns->types, "QueueStatistics");
    for (unsigned i = 0; i < n; i++, at = xml_next(at, r->ns->types, "QueueStatistics")) {
        const char *name = xml_attr(r->a, at, NULL, "queueName"),
                   *pending = xml_attr(r->a, at, NULL, "pendingMessageNumber");
        queues[i].name = name != NULL ? name : "";
        queues[i].pending = pending != NULL ? strtoll(pending, NULL, 10) : 0;
    }
    r->out->queues = queues;
    r->out->nqueues = n;
    r->out->kind = SMEV3_STATISTICS;
    return ERR_OK;
}

static enum err read_answer(struct reader *r, struct xml_node *answer)
{
    switch (r->op) {
    case SMEV3_SEND_REQUEST:
    case SMEV3_SEND_RESPONSE:
        return take_signed(r, answer, "MessageMetadata", SMEV3_SENT);
    case SMEV3_GET_REQUEST:
        return read_message(r, answer, "RequestMessage", "Request", "SenderProvidedRequestData", SMEV3_REQUEST);
    case SMEV3_GET_RESPONSE:
        return read_message(r, answer, "ResponseMessage", "Response", "SenderProvidedResponseData", SMEV3_RESPONSE);
    case SMEV3_GET_STATUS:
        return read_message(r, answer, "SmevAsyncProcessingMessage", "AsyncProcessingStatusData", "-", SMEV3_STATUS);
    case SMEV3_ACK:
        r->out->kind = SMEV3_ACKED;
        return ERR_OK;
    case SMEV3_GET_STATISTICS:
        return read_statistics(r, answer);
    }
    return error_set(r->e, ERR_INTERNAL, "no such operation");
}

/* ---- the whole ---- */

static enum err read_document(struct reader *r, const struct mime_message *mime, int http_status)
{
    struct xml_doc *doc = NULL;
    struct xml_node *answer = NULL;
    enum err err = xml_prescan(mime->root, &smev3_xml_limits, r->e);
    if (err == ERR_OK)
        err = xml_parse(r->a, mime->root, &doc, r->e);
    if (err == ERR_OK)
        err = read_envelope(r, xml_root(doc), &answer);
    if (err != ERR_OK)
        return err;
    if (xml_is(answer, NS_SOAP, "Fault")) {
        r->out->kind = SMEV3_FAULT;
        smev3_fault_read(r->a, r->op, answer, &r->out->fault);
        return ERR_OK;
    }
    if (http_status != 200)
        return error_set(r->e, ERR_ENVELOPE, "<%s> with an error status", told_name(xml_local(answer)));
    if (!is_answer(r, answer))
        return r->e->code;
    err = read_answer(r, answer);
    return err != ERR_OK ? err : smev3_xop_resolve(r->a, xml_root(doc), mime, r->out, r->e);
}

enum err smev3_reply_read(struct arena *a, enum smev3_op op, int http_status, const char *content_type,
                          struct span body, struct smev3_reply *out, struct error *e)
{
    struct error why = {0};
    struct mime_message mime;
    struct reader r = {.a = a, .op = op, .out = out, .e = &why};
    *out = (struct smev3_reply){0};
    enum err err = mime_read(a, content_type, body, &mime_limits_default, &mime, &why);
    if (err == ERR_OK)
        err = read_document(&r, &mime, http_status);
    if (err == ERR_OK)
        return ERR_OK;
    *out = (struct smev3_reply){.claimed_id = out->claimed_id};
    return error_set(e, err, "HTTP %d to %s: %s", http_status, smev3_op_name(op), why.detail);
}

/* ---- what must be signed ---- */

bool smev3_kind_is_signed(enum smev3_kind kind)
{
    return kind == SMEV3_REQUEST || kind == SMEV3_CANCEL || kind == SMEV3_RESPONSE || kind == SMEV3_STATUS ||
           kind == SMEV3_SENT;
}

enum err smev3_reply_verify(struct arena *a, const struct smev3_reply *reply, const struct smev3_policy *policy,
                            struct smev3_signature *out, struct error *e)
{
    if (reply->element == NULL || reply->place == NULL)
        return error_set(e, ERR_SECURITY, "SMEV has not signed it");
    return smev3_verify(a, reply->element, reply->place, policy, out, e);
}
