/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Writes wsse:Security headers. SignedInfo is written in canonical form, so its bytes are signed as they stand. A ready
 * envelope is signed by splicing: not a byte of it is written anew but the Header gets a block and Body an Id.
 */
#include "clock.h"
#include "dsig.h"
#include "splice.h"

#include <string.h>

static enum err write_signed_info(enum sign_alg alg, const char *body_id, struct span body, struct buf *out,
                                  struct error *e)
{
    enum digest_alg digest_alg = sign_alg_digest(alg);
    unsigned char digest[DIGEST_MAX];
    enum err err = digest_once(digest_alg, body.p, body.n, digest, e);
    if (err)
        return err;
    buf_add_str(out, "<ds:SignedInfo xmlns:ds=\"" NS_DSIG "\">"
                     "<ds:CanonicalizationMethod Algorithm=\"" URI_EXC_C14N "\"></ds:CanonicalizationMethod>");
    buf_add_strs(out, "<ds:SignatureMethod Algorithm=\"", dsig_sign_uri(alg), "\"></ds:SignatureMethod>", NULL);
    buf_add_str(out, "<ds:Reference URI=\"#");
    buf_add_xml_attr(out, span_of(body_id));
    buf_add_str(out, "\"><ds:Transforms><ds:Transform Algorithm=\"" URI_EXC_C14N "\"></ds:Transform></ds:Transforms>");
    buf_add_strs(out, "<ds:DigestMethod Algorithm=\"", dsig_digest_uri(digest_alg),
                 "\"></ds:DigestMethod><ds:DigestValue>", NULL);
    buf_add_base64(out, digest, digest_size(digest_alg));
    buf_add_str(out, "</ds:DigestValue></ds:Reference></ds:SignedInfo>");
    return ERR_OK;
}

enum err wsse_write_security(struct arena *a, const struct key *key, const char *actor, const char *soap_prefix,
                             const char *body_id, struct span body, const char *serial, struct buf *out,
                             struct error *e)
{
    struct buf info;
    buf_init(&info, a, 2048);
    enum err err = write_signed_info(key_alg(key), body_id, body, &info, e);
    if (err)
        return err;
    unsigned char value[SIGNATURE_MAX];
    size_t value_n = 0;
    err = key_sign(key, info.p, info.n, value, &value_n, e);
    if (err)
        return err;
    struct span der = cert_der(key_cert(key));

    buf_add_str(out, "<wsse:Security xmlns:wsse=\"" NS_WSSE "\" ");
    if (soap_prefix && *soap_prefix)
        buf_add_strs(out, soap_prefix, ":actor=\"", NULL);
    else /* an attribute cannot use a default namespace */
        buf_add_str(out, "xmlns:soap=\"" NS_SOAP "\" soap:actor=\"");
    buf_add_xml_attr(out, span_of(actor));
    buf_add_str(out, "\"><wsse:BinarySecurityToken xmlns:wsu=\"" NS_WSU "\" EncodingType=\"" WSSE_BASE64_BINARY
                     "\" ValueType=\"" WSSE_X509V3 "\"");
    buf_add_strs(out, " wsu:Id=\"cert-", serial, "\">", NULL);
    buf_add_base64(out, der.p, der.n);
    buf_add_str(out, "</wsse:BinarySecurityToken><ds:Signature xmlns:ds=\"" NS_DSIG "\">");
    buf_add_span(out, buf_span(&info));
    buf_add_str(out, "<ds:SignatureValue>");
    buf_add_base64(out, value, value_n);
    buf_add_strs(out, "</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI=\"#cert-",
                 serial,
                 "\" ValueType=\"" WSSE_X509V3 "\"></wsse:Reference></wsse:SecurityTokenReference></ds:KeyInfo>"
                 "</ds:Signature></wsse:Security>",
                 NULL);
    return ERR_OK;
}

/* ---- splicing ---- */

/* A prefix that the text binds nowhere. */
static const char *free_prefix(struct arena *a, struct span text)
{
    for (unsigned i = 0; i < 100; i++) {
        const char *prefix = i ? arena_printf(a, "wsu%u", i) : "wsu";
        const char *binding = arena_printf(a, "xmlns:%s", prefix);
        if (!memmem(text.p, text.n, binding, strlen(binding)))
            return prefix;
    }
    return NULL;
}

static enum err parse_parts(struct arena *a, struct span text, struct xml_doc **doc, struct xml_node **header,
                            struct xml_node **body, struct error *e)
{
    enum err err = xml_prescan(text, &xml_limits_default, e);
    if (!err)
        err = xml_parse(a, text, doc, e);
    if (err)
        return err;
    struct xml_node *root = xml_root(*doc), *child = xml_first(root, NULL, NULL);
    *header = child && xml_is(child, NS_SOAP, "Header") ? child : NULL;
    *body = *header ? xml_next(*header, NULL, NULL) : child;
    if (!xml_is(root, NS_SOAP, "Envelope") || !*body || !xml_is(*body, NS_SOAP, "Body") || xml_next(*body, NULL, NULL))
        return error_set(e, ERR_ENVELOPE, "not a SOAP 1.1 envelope of one Header and one Body");
    return ERR_OK;
}

/* The actor may sign once, and what it signs may hold no comments: nobody would accept it. */
static enum err check_signable(struct arena *a, struct xml_node *header, const struct xml_node *body, const char *actor,
                               struct error *e)
{
    struct xml_node *s = header ? xml_first(header, NS_WSSE, "Security") : NULL;
    for (; s; s = xml_next(s, NS_WSSE, "Security")) {
        const char *theirs = xml_attr(a, s, NS_SOAP, "actor");
        if (theirs && strcmp(theirs, actor) == 0)
            return error_set(e, ERR_ENVELOPE, "the envelope is signed for this actor already");
    }
    if (xml_has_comments(body))
        return error_set(e, ERR_ENVELOPE, "soap:Body holds comments, which a signature does not cover");
    return ERR_OK;
}

/* The envelope with an Id on Body; the text itself when it has one. */
static enum err give_body_id(struct arena *a, struct span text, const struct splice_place *body, const char *serial,
                             const char **id, struct span *out, struct error *e)
{
    *out = text;
    if (*id)
        return ERR_OK;
    const char *prefix = free_prefix(a, text);
    if (!prefix)
        return error_set(e, ERR_ENVELOPE, "no free namespace prefix");
    *id = arena_printf(a, "body-%s", serial);
    *out = splice_insert(a, text, splice_name_end(text, body),
                         arena_printf(a, " xmlns:%s=\"" NS_WSU "\" %s:Id=\"%s\"", prefix, prefix, *id));
    return ERR_OK;
}

/* Puts the Security block in: into the Header there is, into <Header/>, or into a new Header before Body. */
static void splice_security(struct arena *a, const struct splice_place *header, const struct splice_place *body,
                            const char *prefix, struct span text, struct span security, struct buf *out)
{
    const char *qname = arena_printf(a, "%s%sHeader", prefix ? prefix : "", prefix ? ":" : "");
    size_t offset = header ? header->close : body->open, skip = 0;
    const char *before = "", *behind = "";
    if (!header) {
        before = arena_printf(a, "<%s>", qname);
        behind = arena_printf(a, "</%s>", qname);
    } else if (header->is_empty) {
        skip = strlen("/>");
        offset = header->open_end - skip;
        before = ">";
        behind = arena_printf(a, "</%s>", qname);
    }
    buf_add(out, text.p, offset);
    buf_add_str(out, before);
    buf_add_span(out, security);
    buf_add_str(out, behind);
    buf_add(out, text.p + offset + skip, text.n - offset - skip);
}

bool wsse_is_signed_by(struct arena *a, struct span envelope, const struct key *key)
{
    struct span der = cert_der(key_cert(key));
    struct buf b;
    buf_init(&b, a, der.n * 2);
    buf_add_base64(&b, der.p, der.n);
    buf_add_str(&b, "</wsse:BinarySecurityToken>");
    return memmem(envelope.p, envelope.n, b.p, b.n) != NULL;
}

enum err wsse_sign_anew(struct arena *a, struct span envelope, const struct key *key, struct buf *out, struct error *e)
{
    struct xml_doc *doc = NULL;
    struct xml_node *header = NULL, *body = NULL;
    struct splice_place at;
    struct buf bare;
    enum err err = parse_parts(a, envelope, &doc, &header, &body, e);
    if (err)
        return err;
    struct xml_node *security = header ? xml_first(header, NS_WSSE, "Security") : NULL;
    if (!security || xml_next(security, NS_WSSE, "Security") || !splice_find(envelope, xml_root(doc), security, &at))
        return error_set(e, ERR_ENVELOPE, "the envelope is not signed by one alone");
    buf_init(&bare, a, envelope.n);
    buf_add(&bare, envelope.p, at.open);
    buf_add(&bare, envelope.p + at.close_end, envelope.n - at.close_end);
    return wsse_sign(a, buf_span(&bare), key, ACTOR_SMEV, out, e);
}

enum err wsse_sign(struct arena *a, struct span envelope, const struct key *key, const char *actor, struct buf *out,
                   struct error *e)
{
    struct xml_doc *doc = NULL;
    struct xml_node *header = NULL, *body = NULL;
    enum err err = parse_parts(a, envelope, &doc, &header, &body, e);
    if (!err)
        err = check_signable(a, header, body, actor, e);
    if (err)
        return err;
    struct splice_place head = {0}, at = {0};
    if ((header && !splice_find(envelope, xml_root(doc), header, &head)) ||
        !splice_find(envelope, xml_root(doc), body, &at))
        return error_set(e, ERR_ENVELOPE, "cannot find Header and Body in the text");

    char serial[UUID_TEXT_SIZE];
    uuid_v4(serial);
    const char *id = xml_attr(a, body, NS_WSU, "Id");
    struct span text;
    err = give_body_id(a, envelope, &at, serial, &id, &text, e);
    if (!err)
        err = parse_parts(a, text, &doc, &header, &body, e);
    struct dsig_ids *ids;
    if (!err)
        err = dsig_ids_read(a, doc, true, &ids, e);
    if (err)
        return err;

    struct buf octets, security;
    buf_init(&octets, a, text.n);
    buf_init(&security, a, 8192);
    err = xml_c14n(body, NULL, &octets, e);
    const char *prefix = xml_prefix(header ? header : xml_root(doc));
    if (!err)
        err = wsse_write_security(a, key, actor, prefix, id, buf_span(&octets), serial, &security, e);
    if (err)
        return err;
    splice_security(a, header ? &head : NULL, &at, prefix, text, buf_span(&security), out);
    return ERR_OK;
}
