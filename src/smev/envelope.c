/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Answers on their way out. soap:Body is written in exclusive canonical form at once: its bytes are what is signed, no
 * parser stands between. That is why Body declares again what the envelope declared already: canonical form of a
 * subtree begins with just the prefixes it uses. Clauses: SOAP 1.1 section 4; exclusive XML canonicalization 1.0.
 */
#include "clock.h"
#include "dsig.h"
#include "soap.h"

#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static bool is_name(const char *s)
{
    for (const char *p = s; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (!letter && (p == s || *p < '0' || *p > '9'))
            return false;
    }
    return *s != 0;
}

/* Opens Body; with an Id only when it will be signed. */
static void open_body(struct buf *b, const char *id)
{
    buf_add_str(b, "<soap:Body xmlns:soap=\"" NS_SOAP "\"");
    if (id)
        buf_add_strs(b, " xmlns:wsu=\"" NS_WSU "\" wsu:Id=\"", id, "\"", NULL);
    buf_add_char(b, '>');
}

/* The envelope around a finished Body. `declarations` are for QNames in its text, which canonical form does not see. */
static enum err write_envelope(struct arena *a, struct span body, const char *id, const char *serial,
                               const char *declarations, const struct key *key, struct buf *out, struct error *e)
{
    size_t n_before = out->n;
    buf_add_str(out, XML_DECLARATION "<soap:Envelope xmlns:soap=\"" NS_SOAP "\"");
    buf_add_str(out, declarations);
    buf_add_char(out, '>');
    if (key) {
        buf_add_str(out, "<soap:Header>");
        enum err err = wsse_write_security(a, key, ACTOR_SMEV, "soap", id, body, serial, out, e);
        if (err) {
            out->n = n_before;
            return err;
        }
        buf_add_str(out, "</soap:Header>");
    }
    buf_add_span(out, body);
    buf_add_str(out, "</soap:Envelope>");
    return ERR_OK;
}

enum err envelope_write(struct arena *a, const char *element, struct span content, const struct smev_frame *frame,
                        const struct key *key, struct buf *out, struct error *e)
{
    if (!is_name(element))
        return error_set(e, ERR_INTERNAL, "not an element name");
    char serial[UUID_TEXT_SIZE];
    uuid_v4(serial);
    const char *id = key ? arena_printf(a, "body-%s", serial) : NULL;

    struct buf body;
    buf_init(&body, a, content.n + 4096);
    open_body(&body, id);
    buf_add_strs(&body, "<eq:", element, " xmlns:eq=\"" SOAP_NS "\">", NULL);
    if (frame) {
        smev_frame_write(frame, &body);
        buf_add_str(&body, "<smev:MessageData xmlns:smev=\"");
        buf_add_xml_attr(&body, span_of(frame->ns));
        buf_add_str(&body, "\"><smev:AppData>");
    }
    buf_add_span(&body, content);
    if (frame)
        buf_add_str(&body, "</smev:AppData></smev:MessageData>");
    buf_add_strs(&body, "</eq:", element, "></soap:Body>", NULL);
    return write_envelope(a, buf_span(&body), id, serial, "", key, out, e);
}

enum err envelope_write_fault(struct arena *a, enum err code, const char *reference, bool is_of_body,
                              const struct key *key, struct buf *out, struct error *e)
{
    char serial[UUID_TEXT_SIZE];
    uuid_v4(serial);
    const char *id = key ? arena_printf(a, "body-%s", serial) : NULL;
    const char *faultcode = error_faultcode(code);
    const char *text = error_faultcode(code) ? error_text(code) : error_text(ERR_INTERNAL);

    struct buf body;
    buf_init(&body, a, 1024);
    open_body(&body, id);
    buf_add_str(&body, "<soap:Fault><faultcode>");
    buf_add_xml_text(&body, span_of(faultcode ? faultcode : "soap:Server"));
    buf_add_str(&body, "</faultcode><faultstring>");
    buf_add_xml_text(&body, span_of(text));
    if (reference) {
        buf_add_str(&body, ". Номер для обращения: ");
        buf_add_xml_text(&body, span_of(reference));
    }
    buf_add_str(&body, "</faultstring>");
    if (is_of_body) /* SOAP 1.1, 4.4: that it is there says so; what went wrong is in the log */
        buf_add_str(&body, "<detail></detail>");
    buf_add_str(&body, "</soap:Fault></soap:Body>");
    return write_envelope(a, buf_span(&body), id, serial, " xmlns:wsse=\"" NS_WSSE "\"", key, out, e);
}
