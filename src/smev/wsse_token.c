/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * From KeyInfo to a certificate: OASIS WSS X.509 token profile, by direct reference only. The key of a signature is
 * never taken from anywhere else (KeyValue, RetrievalMethod, X509Data, a token of another header).
 */
#include "dsig.h"
#include "told.h"

#include <string.h>

#define TOKEN_MAX_BYTES (64 * 1024) /* of base64; a certificate has two or three KiB */

enum err wsse_read_cert(struct arena *a, const struct xml_node *node, const struct cert_set *known,
                        const struct cert **out, struct error *e)
{
    const char *text = xml_text(a, node);
    struct span der;
    if (text && strlen(text) > TOKEN_MAX_BYTES)
        return error_set(e, ERR_LIMIT, "<%s> (line %ld) is longer than %d bytes", xml_local(node), xml_line(node),
                         TOKEN_MAX_BYTES);
    if (!text || !base64_decode(a, span_of(text), &der) || der.n == 0)
        return error_set(e, ERR_TOKEN, "<%s> (line %ld) is not base64", xml_local(node), xml_line(node));
    *out = cert_set_find(known, der);
    if (*out)
        return ERR_OK;
    struct error why = {0};
    struct cert *fresh = NULL;
    enum err err = cert_from_der(a, der, &fresh, &why);
    if (err == ERR_SYSTEM || err == ERR_INTERNAL || err == ERR_CRYPTO)
        return error_set(e, err, "%s", why.detail);
    if (err)
        return error_set(e, ERR_TOKEN, "<%s> (line %ld) holds no certificate: %s", xml_local(node), xml_line(node),
                         why.detail);
    *out = fresh;
    return ERR_OK;
}

const char *wsse_advice(enum err err)
{
    switch (err) {
    case ERR_ALGORITHM:
        return "its owner has to sign with GOST R 34.10-2012; that of 2001 is taken with allow_gost2001 = yes only";
    case ERR_CHECK:
        return "whoever has it did not sign what came: what is between its owner and us changes messages, or its "
               "owner's software signs wrongly";
    case ERR_EXPIRED:
        return "is the clock right, here and at its owner's?";
    default:
        return NULL;
    }
}

enum err wsse_refuse(struct arena *a, const struct xml_node *token, enum err err, const char *why, const char *advice,
                     struct error *e)
{
    const char *text = token && error_blame(err) == BLAME_CLIENT ? xml_text(a, token) : NULL;
    struct span der;
    if (!text || strlen(text) > TOKEN_MAX_BYTES || !base64_decode(a, span_of(text), &der) || der.n == 0)
        return error_set(e, err, "%s", why);
    return cert_refused(e, err, cert_describe_octets(a, der), why, advice);
}

static enum err check_token_type(struct arena *a, const struct xml_node *node, const char *attr, const char *expected,
                                 struct error *e)
{
    const char *value = xml_attr(a, node, NULL, attr);
    if (value && strcmp(value, expected) != 0)
        return error_set(e, ERR_TOKEN, "%s of <%s> not supported: %s", attr, xml_local(node), told_uri(value));
    return ERR_OK;
}

/* The only element child, when it has the expected name; NULL otherwise. */
static struct xml_node *only_child(struct xml_node *parent, const char *ns, const char *local)
{
    struct xml_node *child = xml_first(parent, NULL, NULL);
    if (!child || xml_has_stray_text(parent) || !xml_is(child, ns, local) || xml_next(child, NULL, NULL))
        return NULL;
    return child;
}

enum err wsse_find_token(struct arena *a, const struct dsig_ids *ids, struct xml_node *security,
                         const struct dsig_parsed *parsed, struct xml_node **token, struct error *e)
{
    if (!parsed->key_info)
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "the signature has no ds:KeyInfo");
    struct xml_node *str = only_child(parsed->key_info, NS_WSSE, "SecurityTokenReference");
    struct xml_node *ref = str ? only_child(str, NS_WSSE, "Reference") : NULL;
    if (!ref || xml_first(ref, NULL, NULL) || xml_has_stray_text(ref))
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "ds:KeyInfo is not one reference to a security token");
    const char *uri = xml_attr(a, ref, NULL, "URI");
    if (!uri || uri[0] != '#' || !uri[1])
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "the token reference does not name a token of this message by #Id");
    size_t first;
    if (dsig_ids_find(ids, uri + 1, &first) != 1)
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "no token with the Id the reference names");
    struct xml_node *found = dsig_ids_at(ids, first);
    if (xml_parent(found) != security || !xml_is(found, NS_WSSE, "BinarySecurityToken"))
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "the reference names something else than a token of its own header");
    enum err err = check_token_type(a, ref, "ValueType", WSSE_X509V3, e);
    if (!err)
        err = check_token_type(a, found, "ValueType", WSSE_X509V3, e);
    if (!err)
        err = check_token_type(a, found, "EncodingType", WSSE_BASE64_BINARY, e);
    if (err)
        return err;
    *token = found;
    return ERR_OK;
}
