/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Calls of SMEV 3, written as they are signed and sent: nothing is indented, every prefix is declared where it is first
 * used, an element with a signature over it stands alone. What SMEV refuses whatever it is asked (an id that is no
 * UUID in lower case, an instant without zone) cannot be written.
 */
#include "clock.h"
#include "smev.h"
#include "smev3_names.h"

#include <string.h>

#define ID_ATTRIBUTE " Id=\"SIGNED_BY_CALLER\""
#define TEXT_MAX     4000 /* characters of a description: the schemas' string-4000 */

struct writer {
    struct buf b;
    struct arena *a;
    const struct smev3_namespaces *ns;
    struct error *e;
};

/* ---- small steps ---- */

static enum err refuse(const struct writer *w, const char *what)
{
    return error_set(w->e, ERR_INTERNAL, "a message to SMEV was to have %s", what);
}

/* Opens the element to be signed; t is the prefix of the version's types, b of its basic ones. */
static void open_signed(struct writer *w, struct arena *a, enum smev3_version version, const char *qname,
                        struct error *e)
{
    *w = (struct writer){.a = a, .ns = smev3_namespaces(version), .e = e};
    buf_init(&w->b, a, 2048);
    buf_add_strs(&w->b, "<", qname, " xmlns:b=\"", w->ns->basic, "\" xmlns:t=\"", w->ns->types, "\"" ID_ATTRIBUTE,
                 NULL);
}

static void add_text(struct writer *w, const char *qname, struct span text)
{
    buf_add_strs(&w->b, "<", qname, ">", NULL);
    buf_add_xml_text(&w->b, text);
    buf_add_strs(&w->b, "</", qname, ">", NULL);
}

/* The same, unless it is absent or empty. */
static void add_word(struct writer *w, const char *qname, const char *text)
{
    if (text != NULL && *text != '\0')
        add_text(w, qname, span_of(text));
}

static void add_instant(struct writer *w, const char *qname, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(wall_us, clock_local_offset_min(wall_us), text);
    add_text(w, qname, span_of(text));
}

static bool is_lower_uuid(const char *s)
{
    return uuid_is_valid(s) && s[strspn(s, "0123456789abcdef-")] == '\0';
}

static enum err add_id(struct writer *w, const char *qname, const char *id)
{
    if (!is_lower_uuid(id))
        return refuse(w, "an id that is no UUID in lower case");
    add_text(w, qname, span_of(id));
    return ERR_OK;
}

/* Not more characters than the schemas have room for, and never half of one. */
static struct span cut(const char *text)
{
    struct span s = span_of(text);
    size_t characters = 0;
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] & 0xC0) != 0x80 && ++characters > TEXT_MAX)
            return (struct span){s.p, i};
    return s;
}

/* The business element in the transform's normal form: one element, whole, that needs no prefix of ours. */
static enum err add_content(struct writer *w, struct span content, struct span personal)
{
    struct error why = {0};
    buf_add_str(&w->b, "<b:MessagePrimaryContent>");
    if (smev_transform(w->a, content, &w->b, &why) != ERR_OK)
        return refuse(w, "a content that is not one element with a namespace");
    buf_add_str(&w->b, "</b:MessagePrimaryContent>");
    if (personal.n > 0) {
        buf_add_str(&w->b, "<t:PersonalSignature>");
        buf_add_span(&w->b, personal);
        buf_add_str(&w->b, "</t:PersonalSignature>");
    }
    return ERR_OK;
}

static enum err finish(struct writer *w, const char *qname, enum smev3_version version, enum smev3_op op,
                       struct smev3_draft *out)
{
    buf_add_strs(&w->b, "</", qname, ">", NULL);
    *out = (struct smev3_draft){.version = version, .op = op, .element = buf_span(&w->b)};
    return ERR_OK;
}

/* ---- questions ---- */

enum err smev3_write_get(struct arena *a, enum smev3_version version, enum smev3_op op, const struct smev3_selector *s,
                         struct smev3_draft *out, struct error *e)
{
    struct writer w;
    open_signed(&w, a, version, "b:MessageTypeSelector", e);
    if (op != SMEV3_GET_REQUEST && op != SMEV3_GET_RESPONSE)
        return refuse(&w, "a selector where none belongs");
    bool has_ns = s->ns != NULL && *s->ns != '\0', has_local = s->local != NULL && *s->local != '\0';
    if (has_ns != has_local)
        return refuse(&w, "half of a selector");
    buf_add_char(&w.b, '>');
    add_word(&w, "b:NamespaceURI", s->ns);
    add_word(&w, "b:RootElementLocalName", s->local);
    add_instant(&w, "b:Timestamp", s->now_us);
    add_word(&w, "b:NodeID", s->node_id);
    return finish(&w, "b:MessageTypeSelector", version, op, out);
}

enum err smev3_write_get_status(struct arena *a, enum smev3_version version, int64_t now_us, struct smev3_draft *out,
                                struct error *e)
{
    struct writer w;
    char text[CLOCK_TEXT_SIZE];
    open_signed(&w, a, version, "b:Timestamp", e);
    clock_format(now_us, clock_local_offset_min(now_us), text);
    buf_add_strs(&w.b, ">", text, NULL);
    return finish(&w, "b:Timestamp", version, SMEV3_GET_STATUS, out);
}

enum err smev3_write_ack(struct arena *a, enum smev3_version version, const char *message_id, bool accepted,
                         struct smev3_draft *out, struct error *e)
{
    struct writer w;
    open_signed(&w, a, version, "b:AckTargetMessage", e);
    if (!is_lower_uuid(message_id))
        return refuse(&w, "an id that is no UUID in lower case");
    buf_add_strs(&w.b, " accepted=\"", accepted ? "true" : "false", "\">", message_id, NULL);
    return finish(&w, "b:AckTargetMessage", version, SMEV3_ACK, out);
}

/* ---- answers and messages ---- */

static void add_rejection(struct writer *w, const struct smev3_answer *what)
{
    static const char *const codes[] = {
        [SMEV3_REJECT_ACCESS_DENIED] = "ACCESS_DENIED",
        [SMEV3_REJECT_NO_DATA] = "NO_DATA",
        [SMEV3_REJECT_UNKNOWN_REQUEST_DESCRIPTION] = "UNKNOWN_REQUEST_DESCRIPTION",
        [SMEV3_REJECT_FAILURE] = "FAILURE",
    };
    buf_add_str(&w->b, "<t:RequestRejected>");
    add_text(w, "t:RejectionReasonCode", span_of(codes[what->reject_code]));
    add_text(w, "t:RejectionReasonDescription", cut(what->text));
    buf_add_str(&w->b, "</t:RequestRejected>");
}

static void add_status(struct writer *w, const struct smev3_answer *what)
{
    buf_add_str(&w->b, "<t:RequestStatus>");
    buf_printf(&w->b, "<t:StatusCode>%d</t:StatusCode>", what->status_code);
    for (unsigned i = 0; i < what->nparameters; i++) {
        buf_add_str(&w->b, "<t:StatusParameter>");
        add_text(w, "t:Key", span_of(what->parameters[i].key));
        add_text(w, "t:Value", span_of(what->parameters[i].value));
        buf_add_str(&w->b, "</t:StatusParameter>");
    }
    add_text(w, "t:StatusDescription", cut(what->text));
    buf_add_str(&w->b, "</t:RequestStatus>");
}

/* Blank text is nothing to who reads what the signature covers. */
static bool is_blank(const char *s)
{
    return s == NULL || s[strspn(s, " \t\r\n")] == '\0';
}

static enum err add_answer(struct writer *w, const struct smev3_answer *what)
{
    if (what->kind == SMEV3_CONTENT)
        return add_content(w, what->content, what->personal);
    if (is_blank(what->text))
        return refuse(w, "no words");
    if (what->kind == SMEV3_REJECTED)
        add_rejection(w, what);
    else if (what->kind == SMEV3_IN_WORK)
        add_status(w, what);
    else
        return refuse(w, "an answer that only SMEV makes");
    return ERR_OK;
}

enum err smev3_write_answer(struct arena *a, enum smev3_version version, const struct smev3_answer *what,
                            struct smev3_draft *out, struct error *e)
{
    struct writer w;
    open_signed(&w, a, version, "t:SenderProvidedResponseData", e);
    buf_add_char(&w.b, '>');
    enum err err = add_id(&w, "t:MessageID", what->message_id);
    if (err == ERR_OK && is_blank(what->to))
        err = refuse(&w, "nobody to go to");
    if (err == ERR_OK) {
        add_text(&w, "t:To", span_of(what->to));
        err = add_answer(&w, what);
    }
    return err != ERR_OK ? err : finish(&w, "t:SenderProvidedResponseData", version, SMEV3_SEND_RESPONSE, out);
}

enum err smev3_write_message(struct arena *a, enum smev3_version version, const struct smev3_message *what,
                             struct smev3_draft *out, struct error *e)
{
    struct writer w;
    open_signed(&w, a, version, "t:SenderProvidedRequestData", e);
    buf_add_char(&w.b, '>');
    enum err err = add_id(&w, "t:MessageID", what->message_id);
    if (err == ERR_OK && what->reference_message_id != NULL)
        err = add_id(&w, "t:ReferenceMessageID", what->reference_message_id);
    if (err != ERR_OK)
        return err;
    add_word(&w, "t:NodeID", what->node_id);
    if (what->eol_us != 0)
        add_instant(&w, "t:EOL", what->eol_us);
    err = add_content(&w, what->content, what->personal);
    if (err != ERR_OK)
        return err;
    if (what->is_test)
        buf_add_str(&w.b, "<t:TestMessage></t:TestMessage>");
    return finish(&w, "t:SenderProvidedRequestData", version, SMEV3_SEND_REQUEST, out);
}

/* ---- the envelope ---- */

void smev3_write_envelope(const struct smev3_draft *draft, struct span signature, struct buf *out)
{
    const char *op = smev3_op_name(draft->op);
    buf_add_strs(out,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"" NS_SOAP
                 "\"><soap:Header></soap:Header><soap:Body><t:",
                 op, "Request xmlns:t=\"", smev3_namespaces(draft->version)->types, "\">", NULL);
    buf_add_span(out, draft->element);
    buf_add_str(out, "<t:CallerInformationSystemSignature>");
    buf_add_span(out, signature);
    buf_add_strs(out, "</t:CallerInformationSystemSignature></t:", op, "Request></soap:Body></soap:Envelope>", NULL);
}
