/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * ds:Signature read strictly: a list of what may stand there, everything else is refused. RFC 3275 allows far more
 * (XPath, XSLT, external references, HMAC, manifests); SMEV uses none of it, and each of those has been an attack.
 */
#include "dsig.h"

#include "ascii.h"
#include "told.h"

#include <string.h>

struct reading {
    struct arena *arena;
    const struct dsig_ids *ids;
    const struct dsig_rules *rules;
    struct dsig_parsed *out;
    struct error *e;
};

static bool check_attr_id(void *arg, const char *ns, const char *local, const char *value)
{
    (void)value;
    bool *ok = arg;
    *ok = !ns && strcmp(local, "Id") == 0;
    return *ok;
}

static bool check_attr_algorithm(void *arg, const char *ns, const char *local, const char *value)
{
    (void)value;
    bool *ok = arg;
    *ok = !ns && strcmp(local, "Algorithm") == 0;
    return *ok;
}

/* Type is advice to applications (XMLDSig Core 4.4.3); only a Manifest would change what is signed. */
static bool check_attr_reference(void *arg, const char *ns, const char *local, const char *value)
{
    bool *ok = arg;
    bool is_type = strcmp(local, "Type") == 0 && strcmp(value, NS_DSIG "Manifest") != 0;
    *ok = !ns && (strcmp(local, "URI") == 0 || strcmp(local, "Id") == 0 || is_type);
    return *ok;
}

static bool check_attr_prefix_list(void *arg, const char *ns, const char *local, const char *value)
{
    (void)value;
    bool *ok = arg;
    *ok = !ns && strcmp(local, "PrefixList") == 0;
    return *ok;
}

typedef bool (*attr_fn)(void *arg, const char *ns, const char *local, const char *value);

/* The element has the expected name, only the attributes the function lets pass, and no text beside its children. */
static enum err expect(const struct reading *r, const struct xml_node *node, const char *local, attr_fn attrs)
{
    if (!node)
        return error_set(r->e, ERR_SECURITY, "ds:%s is missing", local);
    if (!xml_is(node, NS_DSIG, local))
        return error_set(r->e, ERR_SECURITY, "<%s> (line %ld) stands where ds:%s is expected",
                         told_name(xml_local(node)), xml_line(node), local);
    bool ok = true;
    xml_each_attr(node, attrs, &ok);
    if (!ok)
        return error_set(r->e, ERR_SECURITY, "attribute not allowed on ds:%s (line %ld)", local, xml_line(node));
    return ERR_OK;
}

static enum err expect_container(const struct reading *r, const struct xml_node *node, const char *local, attr_fn attrs)
{
    enum err err = expect(r, node, local, attrs);
    if (err)
        return err;
    if (xml_has_stray_text(node))
        return error_set(r->e, ERR_SECURITY, "text or comment inside ds:%s (line %ld)", local, xml_line(node));
    return ERR_OK;
}

static enum err expect_empty(const struct reading *r, struct xml_node *node, const char *what)
{
    if (xml_first(node, NULL, NULL) || xml_has_stray_text(node))
        return error_set(r->e, ERR_SECURITY, "%s (line %ld) is not empty", what, xml_line(node));
    return ERR_OK;
}

static enum err read_algorithm(const struct reading *r, const struct xml_node *node, const char **out)
{
    *out = xml_attr(r->arena, node, NULL, "Algorithm");
    if (!*out)
        return error_set(r->e, ERR_SECURITY, "ds:%s (line %ld) names no algorithm", xml_local(node), xml_line(node));
    return ERR_OK;
}

static enum err read_base64(const struct reading *r, const struct xml_node *node, size_t size, struct span *out)
{
    const char *text = xml_text(r->arena, node);
    if (!text)
        return error_set(r->e, ERR_SECURITY, "ds:%s (line %ld) holds more than text", xml_local(node), xml_line(node));
    if (!base64_decode(r->arena, span_of(text), out))
        return error_set(r->e, ERR_SECURITY, "ds:%s (line %ld) is not base64", xml_local(node), xml_line(node));
    if (out->n != size)
        return error_set(r->e, ERR_SECURITY, "ds:%s (line %ld) has %zu bytes instead of %zu", xml_local(node),
                         xml_line(node), out->n, size);
    return ERR_OK;
}

static enum err read_prefix_list(const struct reading *r, const char *list, const char ***out)
{
    const char **prefixes = arena_array(r->arena, DSIG_PREFIXES_MAX + 1, sizeof *prefixes);
    size_t n = 0;
    for (const char *p = list; *p;) {
        if (ascii_is_blank(*p)) {
            p++;
            continue;
        }
        const char *start = p;
        while (*p && !ascii_is_blank(*p))
            p++;
        if (n == DSIG_PREFIXES_MAX)
            return error_set(r->e, ERR_LIMIT, "more than %d prefixes in InclusiveNamespaces", DSIG_PREFIXES_MAX);
        prefixes[n++] = arena_strndup(r->arena, start, (size_t)(p - start));
    }
    *out = n ? prefixes : NULL;
    return ERR_OK;
}

/* CanonicalizationMethod or Transform that has to be exclusive C14N without comments. */
static enum err read_exc_c14n(const struct reading *r, struct xml_node *node, const char ***prefixes)
{
    const char *uri;
    enum err err = read_algorithm(r, node, &uri);
    if (err)
        return err;
    if (strcmp(uri, URI_EXC_C14N) != 0)
        return error_set(r->e, ERR_ALGORITHM, "ds:%s (line %ld) is not exclusive C14N: %s", xml_local(node),
                         xml_line(node), told_uri(uri));
    if (xml_has_stray_text(node))
        return error_set(r->e, ERR_SECURITY, "text or comment inside ds:%s (line %ld)", xml_local(node),
                         xml_line(node));
    *prefixes = NULL;
    struct xml_node *child = xml_first(node, NULL, NULL);
    if (!child)
        return ERR_OK;
    if (r->rules->element && !r->rules->tolerant)
        return error_set(r->e, ERR_SECURITY, "<%s> inside ds:%s (line %ld), which SMEV 3 has empty",
                         told_name(xml_local(child)), xml_local(node), xml_line(node));
    if (!xml_is(child, URI_EXC_C14N, "InclusiveNamespaces") || xml_next(child, NULL, NULL))
        return error_set(r->e, ERR_SECURITY, "<%s> not allowed inside ds:%s", told_name(xml_local(child)),
                         xml_local(node));
    bool ok = true;
    xml_each_attr(child, check_attr_prefix_list, &ok);
    const char *list = xml_attr(r->arena, child, NULL, "PrefixList");
    if (!ok || !list)
        return error_set(r->e, ERR_SECURITY, "InclusiveNamespaces (line %ld) is not a PrefixList", xml_line(child));
    err = expect_empty(r, child, "InclusiveNamespaces");
    return err ? err : read_prefix_list(r, list, prefixes);
}

/* Every URI is looked at before the number of transforms, so that a foreign one is named as what it is. */
static enum err read_transforms(const struct reading *r, struct xml_node *transforms, struct dsig_parsed_reference *ref)
{
    enum err err = expect_container(r, transforms, "Transforms", check_attr_id);
    if (err)
        return err;
    unsigned n = 0, most = r->rules->tolerant ? 3 : 2;
    for (struct xml_node *t = xml_first(transforms, NULL, NULL); t; t = xml_next(t, NULL, NULL), n++) {
        err = expect(r, t, "Transform", check_attr_algorithm);
        if (err)
            return err;
        if (n == most)
            return error_set(r->e, ERR_LIMIT, "more than %u transforms in a reference", most);
        const char *uri = xml_attr(r->arena, t, NULL, "Algorithm");
        if (r->rules->tolerant && n == 0 && uri && strcmp(uri, URI_ENVELOPED) == 0) {
            ref->is_enveloped = true; /* removes nothing: dsig_resolve() wants the signature outside */
            err = expect_empty(r, t, "enveloped-signature");
        } else if (r->rules->smev3 && n == 1U + ref->is_enveloped && uri && strcmp(uri, URI_SMEV_TRANSFORM) == 0) {
            ref->smev_transform = true;
            err = expect_empty(r, t, "the SMEV transform");
        } else {
            err = read_exc_c14n(r, t, &ref->prefixes);
        }
        if (err)
            return err;
    }
    if (r->rules->element && !ref->smev_transform)
        return error_set(r->e, ERR_SECURITY, "the SMEV transform is missing from a reference");
    unsigned wanted = 1U + ref->is_enveloped + ref->smev_transform;
    if (n != wanted)
        return error_set(r->e, ERR_SECURITY, "%u transforms in a reference, exactly %s expected", n,
                         wanted == 1 ? "one is" : "two are");
    return ERR_OK;
}

static enum err read_digest(const struct reading *r, struct xml_node *method, struct xml_node *value,
                            struct dsig_parsed_reference *ref)
{
    enum err err = expect(r, method, "DigestMethod", check_attr_algorithm);
    if (err)
        return err;
    const char *uri;
    err = read_algorithm(r, method, &uri);
    if (err)
        return err;
    if (!dsig_digest_alg(uri, &ref->digest))
        return error_set(r->e, ERR_ALGORITHM, "digest algorithm not supported: %s", told_uri(uri));
    if (ref->digest == DIGEST_GOST94 && !r->rules->allow_gost2001)
        return error_set(r->e, ERR_ALGORITHM, "GOST R 34.11-94 is not enabled");
    err = expect_empty(r, method, "ds:DigestMethod");
    if (err)
        return err;
    err = expect(r, value, "DigestValue", check_attr_id);
    if (err)
        return err;
    return read_base64(r, value, digest_size(ref->digest), &ref->digest_value);
}

static enum err read_reference(const struct reading *r, struct xml_node *node, struct dsig_parsed_reference *ref)
{
    enum err err = expect_container(r, node, "Reference", check_attr_reference);
    if (err)
        return err;
    const char *uri = xml_attr(r->arena, node, NULL, "URI");
    if (!uri || uri[0] != '#' || !uri[1])
        return error_set(r->e, ERR_SECURITY, "reference (line %ld) does not name an element of this message by #Id",
                         xml_line(node));
    ref->id = uri + 1;
    struct xml_node *transforms = xml_first(node, NULL, NULL);
    err = read_transforms(r, transforms, ref);
    if (err)
        return err;
    struct xml_node *method = xml_next(transforms, NULL, NULL);
    struct xml_node *value = method ? xml_next(method, NULL, NULL) : NULL;
    err = read_digest(r, method, value, ref);
    if (err)
        return err;
    if (xml_next(value, NULL, NULL))
        return error_set(r->e, ERR_SECURITY, "unknown element at the end of ds:Reference (line %ld)", xml_line(node));
    return dsig_resolve(r->arena, r->ids, r->rules, r->out, ref->id, &ref->element, r->e);
}

static enum err read_signature_method(const struct reading *r, struct xml_node *node)
{
    enum err err = expect(r, node, "SignatureMethod", check_attr_algorithm);
    if (err)
        return err;
    const char *uri;
    err = read_algorithm(r, node, &uri);
    if (err)
        return err;
    if (!dsig_sign_alg(uri, &r->out->alg))
        return error_set(r->e, ERR_ALGORITHM, "signature algorithm not supported: %s", told_uri(uri));
    if (r->out->alg == SIGN_GOST2001 && !r->rules->allow_gost2001)
        return error_set(r->e, ERR_ALGORITHM, "GOST R 34.10-2001 is not enabled");
    return expect_empty(r, node, "ds:SignatureMethod");
}

static enum err read_signed_info(const struct reading *r, struct xml_node *info)
{
    enum err err = expect_container(r, info, "SignedInfo", check_attr_id);
    if (err)
        return err;
    r->out->signed_info = info;
    struct xml_node *c14n = xml_first(info, NULL, NULL);
    err = expect(r, c14n, "CanonicalizationMethod", check_attr_algorithm);
    if (err)
        return err;
    err = read_exc_c14n(r, c14n, &r->out->prefixes);
    if (err)
        return err;
    struct xml_node *method = xml_next(c14n, NULL, NULL);
    err = read_signature_method(r, method);
    if (err)
        return err;
    for (struct xml_node *n = xml_next(method, NULL, NULL); n; n = xml_next(n, NULL, NULL)) {
        if (r->out->nrefs == DSIG_REFERENCES_MAX)
            return error_set(r->e, ERR_LIMIT, "more than %d references in a signature", DSIG_REFERENCES_MAX);
        struct dsig_parsed_reference ref = {0};
        err = read_reference(r, n, &ref);
        if (err)
            return err;
        r->out->refs[r->out->nrefs++] = ref;
    }
    if (r->out->nrefs == 0)
        return error_set(r->e, ERR_SECURITY, "a signature without references");
    return ERR_OK;
}

static size_t value_size(enum sign_alg alg)
{
    return alg == SIGN_GOST2012_512 ? 128 : 64;
}

enum err dsig_read(struct arena *a, const struct dsig_ids *ids, struct xml_node *signature,
                   const struct dsig_rules *rules, struct dsig_parsed *out, struct error *e)
{
    *out = (struct dsig_parsed){.signature = signature};
    struct reading r = {a, ids, rules, out, e};
    enum err err = expect_container(&r, signature, "Signature", check_attr_id);
    if (err)
        return err;
    if (xml_has_comments(signature))
        return error_set(e, ERR_SECURITY, "comments inside ds:Signature (line %ld)", xml_line(signature));
    struct xml_node *info = xml_first(signature, NULL, NULL);
    err = read_signed_info(&r, info);
    if (err)
        return err;
    struct xml_node *value = xml_next(info, NULL, NULL);
    err = expect(&r, value, "SignatureValue", check_attr_id);
    if (err)
        return err;
    err = read_base64(&r, value, value_size(out->alg), &out->value);
    if (err)
        return err;
    struct xml_node *last = xml_next(value, NULL, NULL);
    if (!last)
        return ERR_OK;
    err = expect_container(&r, last, "KeyInfo", check_attr_id);
    if (err)
        return err;
    out->key_info = last;
    if (xml_next(last, NULL, NULL))
        return error_set(e, ERR_SECURITY, "<%s> not allowed inside ds:Signature",
                         told_name(xml_local(xml_next(last, NULL, NULL))));
    return ERR_OK;
}
