/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The children of an element by their place, and the departures that are seen on the way. */
#include "normalize_gather.h"

#include "settle.h"
#include "spelling.h"
#include "told.h"

#include <string.h>

#define WRONG_MAX      100 /* fields told of; the schema's check tells of as many */
#define NAME_MAX_BYTES 255 /* of an element, as fieldName can hold it */

/* ---- telling ---- */

void normalize_wrong(struct normalizer *z, const char *field, const char *message)
{
    if (z->fields->n < WRONG_MAX && strlen(field) <= NAME_MAX_BYTES)
        field_errors_add(z->fields, arena_strdup(z->arena, field), 1, message);
}

void normalize_depart(struct normalizer *z, enum leniency kind, const char *field)
{
    static const char *const words[LENIENCY_COUNT] = {[LENIENCY_order] = FIELD_MISPLACED,
                                                      [LENIENCY_unknown] = FIELD_UNKNOWN,
                                                      [LENIENCY_namespaces] = FIELD_NAMESPACE};
    z->result->used[kind]++;
    if (!z->is_allowed[kind])
        normalize_wrong(z, field, words[kind] != NULL ? words[kind] : FIELD_BAD_VALUE);
}

/* A name longer than fieldName may be is told of as its parent's. */
void normalize_depart_unknown(struct normalizer *z, const struct xml_node *node, const char *parent)
{
    const char *local = xml_local(node);
    if (z->result->first_unknown == NULL && told_is_name(local))
        z->result->first_unknown = arena_strdup(z->arena, local);
    normalize_depart(z, LENIENCY_unknown, strlen(local) <= NAME_MAX_BYTES ? local : parent);
}

/* ---- looking ---- */

bool normalize_namespace(const struct xml_node *node, enum soap_namespace *out)
{
    const char *ns = xml_ns(node);
    if (ns == NULL)
        *out = SOAP_CHILDREN_BARE;
    else if (strcmp(ns, SOAP_NS) == 0)
        *out = SOAP_CHILDREN_WS;
    else if (strcmp(ns, SOAP_NS_TYPES) == 0)
        *out = SOAP_CHILDREN_TYPES;
    else
        return false;
    return true;
}

bool normalize_is_called(const struct xml_node *node, const char *name)
{
    enum soap_namespace ns;
    return name != NULL && normalize_namespace(node, &ns) && spelling_is_same(xml_local(node), name);
}

bool normalize_has_elements(struct xml_node *node)
{
    return xml_first(node, NULL, NULL) != NULL;
}

const char *normalize_trimmed(struct arena *a, const char *s)
{
    static const char blanks[] = " \t\r\n";
    s += strspn(s, blanks);
    size_t n = strlen(s);
    while (n > 0 && strchr(blanks, s[n - 1]) != NULL)
        n--;
    return arena_strndup(a, s, n);
}

bool normalize_has_text(struct normalizer *z, const struct xml_node *node)
{
    return *normalize_trimmed(z->arena, xml_own_text(z->arena, node)) != '\0';
}

struct attributes_seen {
    bool has_unknown, is_nil;
};

/* The type of a field is the shape's to say, and where a schema is may be said of any element. */
static bool on_attribute(void *arg, const char *ns, const char *local, const char *value)
{
    static const char *const passed[] = {"type", "schemaLocation", "noNamespaceSchemaLocation"};
    struct attributes_seen *seen = arg;
    bool is_xsi = ns != NULL && strcmp(ns, NS_XSI) == 0, is_passed = false;
    for (unsigned i = 0; is_xsi && i < sizeof passed / sizeof *passed; i++)
        is_passed = is_passed || strcmp(local, passed[i]) == 0;
    if (is_xsi && strcmp(local, "nil") == 0) {
        seen->is_nil = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
        is_passed = seen->is_nil || strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
    }
    seen->has_unknown = seen->has_unknown || !is_passed;
    return true;
}

bool normalize_is_nil(struct normalizer *z, struct xml_node *node, const char *field)
{
    struct attributes_seen seen = {0};
    xml_each_attr(node, on_attribute, &seen);
    if (seen.has_unknown || seen.is_nil) {
        if (!z->is_allowed[LENIENCY_unknown]) /* the first text stays */
            normalize_wrong(z, field, wrong_attribute(z->arena, node));
        normalize_depart(z, LENIENCY_unknown, field);
    }
    if (!seen.is_nil)
        return false;
    if (normalize_has_elements(node) || normalize_has_text(z, node))
        normalize_wrong(z, field, FIELD_BAD_VALUE);
    return true;
}

void normalize_look_at_name(struct normalizer *z, const struct xml_node *node, const char *field, bool is_exact)
{
    enum soap_namespace ns = SOAP_CHILDREN_WS;
    (void)normalize_namespace(node, &ns);
    if (!z->has_child && z->is_allowed[LENIENCY_namespaces])
        z->result->children = ns;
    z->has_child = true;
    if (ns != SOAP_CHILDREN_WS)
        normalize_depart(z, LENIENCY_namespaces, field);
    if (!is_exact)
        normalize_depart(z, LENIENCY_names, field);
}

void normalize_gather(struct normalizer *z, const struct shape *shape, struct xml_node *parent, const char *parent_name,
                      struct gathered *g)
{
    unsigned rank_before = 0;
    *g = (struct gathered){0};
    for (unsigned i = 0; i < shape->n; i++)
        g->last[i] = &g->first[i];
    if (normalize_has_text(z, parent))
        normalize_wrong(z, parent_name, FIELD_WORDS);
    for (struct xml_node *node = xml_first(parent, NULL, NULL); node != NULL; node = xml_next(node, NULL, NULL)) {
        enum soap_namespace ns;
        bool is_exact = false;
        int i = normalize_namespace(node, &ns) ? spelling_find(shape, xml_local(node), &is_exact) : -1;
        if (i < 0) {
            normalize_depart_unknown(z, node, parent_name);
            continue;
        }
        const struct field *c = &shape->fields[i];
        normalize_look_at_name(z, node, c->name, is_exact);
        unsigned rank = (unsigned)i - (c->place == FIELD_EITHER);
        if (rank < rank_before)
            normalize_depart(z, LENIENCY_order, c->name);
        else
            rank_before = rank;
        g->n[i]++;
        if (normalize_is_nil(z, node, c->name))
            continue;
        struct found *found = arena_alloc(z->arena, sizeof *found);
        found->node = node;
        *g->last[i] = found;
        g->last[i] = &found->next;
    }
}
