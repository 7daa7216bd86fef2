/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Values of a message, from the octets its signature covers and from nothing else (docs/decisions/0002, 0328). Read by
 * name and namespace, whatever stands between: real messages have elements that their schema has not, and lack others.
 * A message that cannot be understood is told so and not refused: it must still leave the queue.
 */
#include "smev3_read.h"
#include "clock.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX_BYTES 16000 /* the schemas' longest, 4,000 characters; what is longer is nothing */

/* ---- small steps ---- */

/* The first child of this name among the version's types; parent may be NULL. */
static struct xml_node *child_of(const struct smev3_octets *o, struct xml_node *parent, const char *local)
{
    return parent != NULL ? xml_first(parent, o->ns->types, local) : NULL;
}

static const char *child_word(const struct smev3_octets *o, struct xml_node *parent, const char *local)
{
    const char *text = smev3_word(o->a, child_of(o, parent, local));
    return text != NULL && strlen(text) <= WORD_MAX_BYTES ? text : NULL;
}

/* As it stands, blanks and all; NULL: absent or empty. */
static const char *child_text(const struct smev3_octets *o, struct xml_node *parent, const char *local)
{
    struct xml_node *node = child_of(o, parent, local);
    const char *text = node != NULL ? xml_text(o->a, node) : NULL;
    return text != NULL && *text != '\0' && strlen(text) <= WORD_MAX_BYTES ? text : NULL;
}

static const char *child_uuid(const struct smev3_octets *o, struct xml_node *parent, const char *local)
{
    return smev3_uuid(o->a, child_word(o, parent, local));
}

static void close_octets(struct smev3_octets *o)
{
    arena_free(o->document);
}

static bool parse_octets(struct span octets, const char *local, struct smev3_octets *o, enum smev3_version *version,
                         struct error *e)
{
    struct xml_doc *doc = NULL;
    if (xml_prescan(octets, &smev3_xml_limits, e) != ERR_OK || xml_parse(o->document, octets, &doc, e) != ERR_OK)
        return false;
    o->root = xml_root(doc);
    if (strcmp(xml_local(o->root), local) != 0 || !smev3_is_types(xml_ns(o->root), version)) {
        (void)error_set(e, ERR_ENVELOPE, "what was verified is no %s of SMEV 3", local);
        return false;
    }
    o->ns = smev3_namespaces(*version);
    return true;
}

/* The octets as a document whose root is this element of one of the versions; false when e says why not. */
static bool open_octets(struct arena *a, struct span octets, const char *local, struct smev3_octets *o,
                        enum smev3_version *version, struct error *e)
{
    *o = (struct smev3_octets){.a = a, .n = octets.n, .document = arena_new()};
    if (parse_octets(octets, local, o, version, e))
        return true;
    close_octets(o);
    return false;
}

/* A text that is no instant is as good as none. */
static void read_instant(const char *text, const char **out, int64_t *out_us)
{
    bool has_zone, is_instant = text != NULL && clock_parse(text, out_us, &has_zone);
    *out = is_instant ? text : NULL;
}

/* ---- MessageMetadata ---- */

static void read_metadata(const struct smev3_octets *o, struct xml_node *node, struct smev3_metadata *out)
{
    struct xml_node *sender = child_of(o, node, "Sender"), *recipient = child_of(o, node, "Recipient");
    *out = (struct smev3_metadata){0};
    out->message_id = child_uuid(o, node, "MessageId");
    out->message_type = child_word(o, node, "MessageType");
    out->sender = child_word(o, sender, "Mnemonic");
    out->sender_name = child_word(o, sender, "HumanReadableName");
    out->recipient = child_word(o, recipient, "Mnemonic");
    out->status = child_word(o, node, "Status");
    read_instant(child_word(o, node, "SendingTimestamp"), &out->sent, &out->sent_us);
    read_instant(child_word(o, node, "DeliveryTimestamp"), &out->delivered, &out->delivered_us);
}

enum err smev3_read_metadata(struct arena *a, struct span octets, struct smev3_metadata *out, struct error *e)
{
    struct smev3_octets o;
    enum smev3_version version;
    *out = (struct smev3_metadata){0};
    if (!open_octets(a, octets, "MessageMetadata", &o, &version, e))
        return e->code;
    read_metadata(&o, o.root, out);
    close_octets(&o);
    return ERR_OK;
}

/* The message's id, and what an Ack names: of 1.1 the sender's own, later what SMEV calls it. */
static enum err read_ids(const char *own, const char *metadata, enum smev3_version version, const char **message_id,
                         const char **ack_id, struct error *e)
{
    *message_id = own != NULL ? own : metadata;
    *ack_id = version == SMEV3_1_1 || metadata == NULL ? *message_id : metadata;
    return *message_id != NULL ? ERR_OK : error_set(e, ERR_ENVELOPE, "a message without a MessageID that is a UUID");
}

/* ---- MessagePrimaryContent ---- */

/* What an Include names is in no part: by which cid it does so is another thing with each delivery. */
static void drop_cids(struct xml_node *business)
{
    for (struct xml_node *at = business; at != NULL; at = xml_walk(business, at))
        if (xml_is(at, NS_XOP, "Include"))
            xml_drop_attr(at, NULL, "href");
}

/* The last that is read: the document goes with it. */
static enum err read_content(const struct smev3_octets *o, struct xml_node *data, struct smev3_content *out,
                             enum smev3_trouble *trouble, struct error *e)
{
    struct xml_node *holder = data != NULL ? xml_first(data, o->ns->basic, "MessagePrimaryContent") : NULL;
    struct xml_node *business = holder != NULL ? xml_first(holder, NULL, NULL) : NULL;
    *trouble = SMEV3_NO_CONTENT;
    if (business == NULL)
        return ERR_OK;
    bool is_alone = xml_next(business, NULL, NULL) == NULL && !xml_has_words(holder) &&
                    xml_next(holder, o->ns->basic, "MessagePrimaryContent") == NULL;
    *trouble = is_alone ? SMEV3_FINE : SMEV3_TWO_CONTENTS;
    struct buf normal;
    drop_cids(business);
    out->ns = arena_strdup(o->a, xml_ns(business));
    out->local = arena_strdup(o->a, xml_local(business));
    buf_init(&normal, o->a, o->n + 1);
    enum err err = smev3_normal_last(o->document, business, &normal, e);
    out->octets = buf_span(&normal);
    return err;
}

const char *smev3_trouble_text(enum smev3_trouble trouble)
{
    switch (trouble) {
    case SMEV3_FINE:
        break;
    case SMEV3_NO_CONTENT:
        return "Запрос не содержит сведений, которые можно обработать";
    case SMEV3_TWO_CONTENTS:
        return "Запрос содержит больше одного документа. Направьте каждый отдельным запросом";
    case SMEV3_INCLUDE:
        return "Сведения запроса вынесены во вложение. Направьте запрос без вложений";
    }
    return "";
}

/* ---- requests ---- */

static void read_request_data(const struct smev3_octets *o, struct xml_node *data, struct smev3_request *out)
{
    const char *node_id = child_word(o, data, "NodeID");
    out->reference_message_id = child_uuid(o, data, "ReferenceMessageID");
    out->transaction_code = child_text(o, data, "TransactionCode");
    out->node_id = node_id != NULL && *node_id != '\0' ? node_id : NULL;
    read_instant(child_word(o, data, "EOL"), &out->eol, &out->eol_us);
    out->is_test = child_of(o, data, "TestMessage") != NULL;
}

static enum err read_request(const struct smev3_octets *o, struct smev3_request *out, struct error *e)
{
    struct xml_node *data = child_of(o, o->root, "SenderProvidedRequestData");
    read_metadata(o, child_of(o, o->root, "MessageMetadata"), &out->metadata);
    enum err err = read_ids(child_uuid(o, data, "MessageID"), out->metadata.message_id, out->version, &out->message_id,
                            &out->ack_id, e);
    if (err != ERR_OK)
        return err;
    const char *type = out->metadata.message_type;
    read_request_data(o, data, out);
    out->reply_to = child_text(o, o->root, "ReplyTo");
    out->is_broadcast = type != NULL && strcmp(type, "BROADCAST") == 0;
    smev3_read_files(o, data, &out->files, &out->nfiles);
    return read_content(o, data, &out->content, &out->trouble, e);
}

enum err smev3_read_request(struct arena *a, struct span octets, struct smev3_request *out, struct error *e)
{
    struct smev3_octets o;
    *out = (struct smev3_request){0};
    if (!open_octets(a, octets, "Request", &o, &out->version, e))
        return e->code;
    enum err err = read_request(&o, out, e);
    close_octets(&o);
    return err;
}

enum err smev3_read_cancel(struct arena *a, struct span octets, struct smev3_cancel *out, struct error *e)
{
    struct smev3_octets o;
    *out = (struct smev3_cancel){0};
    if (!open_octets(a, octets, "Cancel", &o, &out->version, e))
        return e->code;
    read_metadata(&o, child_of(&o, o.root, "MessageMetadata"), &out->metadata);
    const char *reference = smev3_word(a, xml_first(o.root, o.ns->basic, "MessageReference"));
    out->target = smev3_uuid(a, reference);
    if (reference != NULL)
        out->content = span_of(out->target != NULL ? out->target : reference);
    enum err err = read_ids(child_uuid(&o, o.root, "MessageID"), out->metadata.message_id, out->version,
                            &out->message_id, &out->ack_id, e);
    close_octets(&o);
    return err;
}

/* ---- what SMEV says of a message of ours ---- */

static bool is_refusal(const char *category)
{
    static const char *const refusals[] = {"requestIsRejectedBySmev", "responseIsRejectedBySmev", "doesNotExist",
                                           "cancelled"};
    for (size_t i = 0; category != NULL && i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcmp(category, refusals[i]) == 0)
            return true;
    return false;
}

static void read_async(const struct smev3_octets *o, struct xml_node *node, struct smev3_async *out)
{
    struct xml_node *fault = child_of(o, node, "SmevFault");
    out->original_id = child_uuid(o, node, "OriginalMessageId");
    out->category = child_word(o, node, "StatusCategory");
    out->details = child_word(o, node, "StatusDetails");
    if (fault != NULL) {
        out->fault = smev3_type_name(o->a, fault);
        out->code = smev3_word(o->a, xml_first(fault, o->ns->basic, "Code"));
        out->words = smev3_word(o->a, xml_first(fault, o->ns->basic, "Description"));
    }
    out->is_refusal = fault != NULL || is_refusal(out->category);
}

enum err smev3_read_status(struct arena *a, struct span octets, struct smev3_async *out, struct error *e)
{
    struct smev3_octets o;
    enum smev3_version version;
    *out = (struct smev3_async){0};
    if (!open_octets(a, octets, "AsyncProcessingStatusData", &o, &version, e))
        return e->code;
    struct xml_node *status = child_of(&o, o.root, "AsyncProcessingStatus");
    enum err err = status != NULL ? ERR_OK : error_set(e, ERR_ENVELOPE, "no AsyncProcessingStatus");
    if (err == ERR_OK)
        read_async(&o, status, out);
    close_octets(&o);
    return err;
}

/* ---- responses ---- */

static void read_rejections(const struct smev3_octets *o, struct xml_node *data, struct smev3_response *out)
{
    struct smev3_rejection *all = arena_array(o->a, xml_count(data, o->ns->types, "RequestRejected"), sizeof *all);
    struct xml_node *at = child_of(o, data, "RequestRejected");
    for (; at != NULL; at = xml_next(at, o->ns->types, "RequestRejected")) {
        all[out->nrejections].code = child_word(o, at, "RejectionReasonCode");
        all[out->nrejections++].text = child_word(o, at, "RejectionReasonDescription");
    }
    out->rejections = all;
}

static void read_in_work(const struct smev3_octets *o, struct xml_node *status, struct smev3_response *out)
{
    struct smev3_parameter *all = arena_array(o->a, xml_count(status, o->ns->types, "StatusParameter"), sizeof *all);
    const char *code = child_word(o, status, "StatusCode");
    struct xml_node *at = child_of(o, status, "StatusParameter");
    for (; at != NULL; at = xml_next(at, o->ns->types, "StatusParameter")) {
        all[out->nparameters].key = child_word(o, at, "Key");
        all[out->nparameters++].value = child_word(o, at, "Value");
    }
    out->parameters = all;
    out->status_code = code != NULL ? strtoll(code, NULL, 10) : 0;
    out->status_text = child_word(o, status, "StatusDescription");
}

static void read_response_data(const struct smev3_octets *o, struct xml_node *data, struct smev3_response *out)
{
    struct xml_node *rejected = child_of(o, data, "RequestRejected"), *in_work = child_of(o, data, "RequestStatus"),
                    *async = child_of(o, data, "AsyncProcessingStatus"),
                    *content = data != NULL ? xml_first(data, o->ns->basic, "MessagePrimaryContent") : NULL;
    out->to = child_text(o, data, "To");
    out->kind = SMEV3_UNCLEAR;
    if ((rejected != NULL) + (in_work != NULL) + (async != NULL) + (content != NULL) != 1)
        return;
    if (rejected != NULL) {
        out->kind = SMEV3_REJECTED;
        read_rejections(o, data, out);
    } else if (in_work != NULL) {
        out->kind = SMEV3_IN_WORK;
        read_in_work(o, in_work, out);
    } else if (async != NULL) {
        out->kind = SMEV3_ASYNC;
        read_async(o, async, &out->async);
    } else {
        out->kind = SMEV3_CONTENT;
    }
}

static enum err read_response(const struct smev3_octets *o, struct smev3_response *out, struct error *e)
{
    struct xml_node *data = child_of(o, o->root, "SenderProvidedResponseData");
    read_metadata(o, child_of(o, o->root, "MessageMetadata"), &out->metadata);
    enum err err = read_ids(child_uuid(o, data, "MessageID"), out->metadata.message_id, out->version, &out->message_id,
                            &out->ack_id, e);
    if (err != ERR_OK)
        return err;
    read_response_data(o, data, out);
    out->original_id = child_uuid(o, o->root, "OriginalMessageId");
    if (out->original_id == NULL)
        out->original_id = out->async.original_id;
    out->original_transaction_code = child_text(o, o->root, "OriginalTransactionCode");
    out->reference_message_id = child_uuid(o, o->root, "ReferenceMessageID");
    smev3_read_files(o, data, &out->files, &out->nfiles);
    return out->kind == SMEV3_CONTENT ? read_content(o, data, &out->content, &out->trouble, e) : ERR_OK;
}

enum err smev3_read_response(struct arena *a, struct span octets, struct smev3_response *out, struct error *e)
{
    struct smev3_octets o;
    *out = (struct smev3_response){0};
    if (!open_octets(a, octets, "Response", &o, &out->version, e))
        return e->code;
    enum err err = read_response(&o, out, e);
    close_octets(&o);
    return err;
}
