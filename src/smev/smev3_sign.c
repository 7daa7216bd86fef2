/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Writes signatures of SMEV 3 the way its recommendations want them: no text between elements, base64 in one line,
 * everything in canonical form, so that what is signed is what is sent. Whoever indents a message afterwards breaks it;
 * therefore this is handed octets and gives octets back.
 */
#include "smev3.h"

#include "ascii.h"
#include "clock.h"
#include "dsig.h"

#include <limits.h>
#include <string.h>

/*
 * The element by itself: what cannot be read alone cannot stand in an envelope and mean the same. It is of our own
 * writing: how much it may hold is bounded where it is written, not here.
 */
static enum err read_element(struct arena *a, struct span element, struct xml_node **out, const char **id,
                             struct error *e)
{
    struct xml_doc *doc = NULL;
    struct error why = {0};
    struct xml_limits limits = xml_limits_default;
    limits.size_max_bytes = element.n + 1;
    limits.elements_max = element.n < UINT_MAX ? (unsigned)element.n : UINT_MAX;
    enum err err = xml_prescan(element, &limits, &why);
    if (!err)
        err = xml_parse(a, element, &doc, &why);
    if (err)
        return error_set(e, ERR_INTERNAL, "what is to be signed is no element by itself: %s", why.detail);
    *out = xml_root(doc);
    *id = xml_attr(a, *out, NULL, "Id");
    if (xml_has_comments(*out))
        return error_set(e, ERR_INTERNAL, "what is to be signed holds comments, which a signature does not cover");
    return ERR_OK;
}

/* SignedInfo without its start tag, which bears the namespace when it is canonical by itself only. */
static enum err write_info(struct arena *a, struct xml_node *element, const char *id, enum sign_alg alg,
                           struct buf *out, struct error *e)
{
    struct buf octets;
    buf_init(&octets, a, 4096);
    enum err err = smev3_normal(a, element, &octets, e);
    if (err)
        return err;
    enum digest_alg digest_alg = sign_alg_digest(alg);
    unsigned char digest[DIGEST_MAX];
    err = digest_once(digest_alg, octets.p, octets.n, digest, e);
    if (err)
        return err;
    buf_add_strs(out,
                 "<ds:CanonicalizationMethod Algorithm=\"" URI_EXC_C14N "\"></ds:CanonicalizationMethod>"
                 "<ds:SignatureMethod Algorithm=\"",
                 dsig_sign_uri(alg), "\"></ds:SignatureMethod><ds:Reference URI=\"#", NULL);
    buf_add_xml_attr(out, span_of(id));
    buf_add_strs(out,
                 "\"><ds:Transforms><ds:Transform Algorithm=\"" URI_EXC_C14N "\"></ds:Transform><ds:Transform "
                 "Algorithm=\"" URI_SMEV_TRANSFORM "\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"",
                 dsig_digest_uri(digest_alg), "\"></ds:DigestMethod><ds:DigestValue>", NULL);
    buf_add_base64(out, digest, digest_size(digest_alg));
    buf_add_str(out, "</ds:DigestValue></ds:Reference></ds:SignedInfo>");
    return ERR_OK;
}

enum err smev3_write_signature(struct arena *a, struct xml_node *element, const char *id, const struct key *key,
                               struct buf *out, struct error *e)
{
    struct buf info, alone;
    buf_init(&info, a, 2048);
    buf_init(&alone, a, 2048);
    enum err err = write_info(a, element, id, key_alg(key), &info, e);
    if (err)
        return err;
    buf_add_str(&alone, "<ds:SignedInfo xmlns:ds=\"" NS_DSIG "\">");
    buf_add_span(&alone, buf_span(&info));
    unsigned char value[SIGNATURE_MAX];
    size_t value_n = 0;
    err = key_sign(key, alone.p, alone.n, value, &value_n, e);
    if (err)
        return err;
    struct span der = cert_der(key_cert(key));
    buf_add_str(out, "<ds:Signature xmlns:ds=\"" NS_DSIG "\"><ds:SignedInfo>");
    buf_add_span(out, buf_span(&info));
    buf_add_str(out, "<ds:SignatureValue>");
    buf_add_base64(out, value, value_n);
    buf_add_str(out, "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>");
    buf_add_base64(out, der.p, der.n);
    buf_add_str(out, "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>");
    return ERR_OK;
}

enum err smev3_sign(struct arena *a, struct span element, const struct key *key, struct buf *out, struct error *e)
{
    struct xml_node *node = NULL;
    const char *id = NULL;
    enum err err = read_element(a, element, &node, &id, e);
    if (err)
        return err;
    if (!id || !*id)
        return error_set(e, ERR_INTERNAL, "<%s> has no Id, and cannot be signed", xml_local(node));
    return smev3_write_signature(a, node, id, key, out, e);
}

enum err smev3_sign_personal(struct arena *a, struct span business, const struct key *official, struct buf *element,
                             struct buf *signature, struct error *e)
{
    struct xml_node *node = NULL;
    const char *id = NULL;
    enum err err = read_element(a, business, &node, &id, e);
    if (err)
        return err;
    if (id && *id) {
        buf_add_span(element, business);
        return smev3_write_signature(a, node, id, official, signature, e);
    }
    if (id || business.p[0] != '<')
        return error_set(e, ERR_INTERNAL, "<%s> cannot be given an Id", xml_local(node));
    char serial[UUID_TEXT_SIZE];
    uuid_v4(serial);
    size_t name = 1;
    while (!ascii_is_blank(business.p[name]) && business.p[name] != '>' && business.p[name] != '/')
        name++;
    struct buf with_id;
    buf_init(&with_id, a, business.n + 64);
    buf_add(&with_id, business.p, name);
    buf_add_strs(&with_id, " Id=\"ID_", serial, "\"", NULL);
    buf_add(&with_id, business.p + name, business.n - name);
    err = smev3_sign(a, buf_span(&with_id), official, signature, e);
    if (!err)
        buf_add_span(element, buf_span(&with_id));
    return err;
}
