/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a reference means, and which certificate comes with a signature. Who wants an element signed that stands at a
 * place of SMEV 3 names it, and nothing is looked up; who only reports on signatures looks around.
 */
#include "dsig.h"
#include "told.h"

#include <string.h>

#define NEARBY_MAX 16 /* elements with one Id that are looked through */

static bool is_inside(struct xml_node *node, const struct xml_node *ancestor)
{
    for (; node; node = xml_parent(node)) {
        if (node == ancestor)
            return true;
    }
    return false;
}

/*
 * SMEV 3 lets one Id occur in nested messages: the element meant is the nearest one before the signature, beside it or
 * beside one of its ancestors, or a child of such a sibling.
 */
static struct xml_node *resolve_nearby(const struct dsig_ids *ids, struct xml_node *signature, size_t first, size_t n)
{
    for (struct xml_node *at = signature; xml_parent(at); at = xml_parent(at)) {
        struct xml_node *found = NULL;
        unsigned matches = 0;
        for (struct xml_node *s = xml_first(xml_parent(at), NULL, NULL); s && s != at; s = xml_next(s, NULL, NULL)) {
            for (size_t i = first; i < first + n; i++) {
                struct xml_node *candidate = dsig_ids_at(ids, i);
                if (candidate == s || xml_parent(candidate) == s) {
                    found = candidate;
                    matches++;
                }
            }
        }
        if (matches)
            return matches == 1 ? found : NULL;
    }
    return NULL;
}

/* Its unqualified Id, and no other spelling: that is the one the schemas of SMEV 3 have. */
static enum err resolve_at_place(struct arena *a, const struct dsig_rules *rules, const char *id, struct error *e)
{
    const char *own = xml_attr(a, rules->element, NULL, "Id");
    if (!own)
        return error_set(e, ERR_SECURITY, "<%s> (line %ld) has no Id, though it is what must be signed",
                         told_name(xml_local(rules->element)), xml_line(rules->element));
    if (strcmp(own, id) != 0)
        return error_set(e, ERR_SECURITY, "the reference does not name <%s> (line %ld), which must be signed",
                         told_name(xml_local(rules->element)), xml_line(rules->element));
    return ERR_OK;
}

static enum err look_up(const struct dsig_ids *ids, const struct dsig_rules *rules, const struct dsig_parsed *parsed,
                        const char *id, struct xml_node **out, struct error *e)
{
    size_t first, n = dsig_ids_find(ids, id, &first);
    *out = NULL;
    if (n == 1)
        *out = dsig_ids_at(ids, first);
    else if (n > 1 && n <= NEARBY_MAX && rules->smev3)
        *out = resolve_nearby(ids, parsed->signature, first, n);
    if (!*out)
        return error_set(e, ERR_SECURITY, "%s with the Id a reference names", n ? "several elements" : "no element");
    return ERR_OK;
}

enum err dsig_resolve(struct arena *a, const struct dsig_ids *ids, const struct dsig_rules *rules,
                      const struct dsig_parsed *parsed, const char *id, struct xml_node **out, struct error *e)
{
    enum err err = rules->element ? resolve_at_place(a, rules, id, e) : look_up(ids, rules, parsed, id, out, e);
    if (err)
        return err;
    if (rules->element)
        *out = rules->element;
    if (is_inside(parsed->signature, *out) || is_inside(*out, parsed->signature))
        return error_set(e, ERR_SECURITY, "a reference covers its own signature");
    for (unsigned i = 0; i < parsed->nrefs; i++) {
        if (parsed->refs[i].element == *out)
            return error_set(e, ERR_SECURITY, "two references to one element");
    }
    return ERR_OK;
}

enum err dsig_find_x509(const struct dsig_parsed *parsed, struct xml_node **out, struct error *e)
{
    if (!parsed->key_info || xml_count(parsed->key_info, NS_DSIG, "X509Data") != 1)
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "ds:KeyInfo holds no ds:X509Data, or several");
    struct xml_node *data = xml_first(parsed->key_info, NS_DSIG, "X509Data");
    if (xml_count(data, NS_DSIG, "X509Certificate") != 1)
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "ds:X509Data does not hold exactly one certificate");
    *out = xml_first(data, NS_DSIG, "X509Certificate");
    return ERR_OK;
}
