/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The rewriting of a lenient reading, driven by the table of fields (order 329, Appendix 2; resolutions A4, A5, A10,
 * A21, A30, A31). It sees the bare element only, which was made of verified octets, and never looks for a field outside
 * its place: it renames, reorders, unwraps and leaves out, and what could be read in two ways it does not read at all.
 *
 * One level of recursion a level of elements, which the prescan bounds.
 */
#include "normalize_gather.h"
#include "spelling.h"

#include <string.h>

#define DEPTH_MAX 64

/* ---- values ---- */

/* Letters in any case; of a condition's name the underscores do not count either. */
static bool is_word(const char *text, const char *word, bool skips_underscores)
{
    if (!skips_underscores)
        return spelling_is_same(text, word);
    for (;; text++, word++) {
        text += strspn(text, "_");
        word += strspn(word, "_");
        char one[2] = {*text, '\0'}, other[2] = {*word, '\0'};
        if (!spelling_is_same(one, other))
            return false;
        if (*text == '\0')
            return true;
    }
}

static const char *viewer_type(struct normalizer *z, const char *text)
{
    if (!z->is_allowed[LENIENCY_user_type] ||
        (!spelling_is_same(text, "ANONYMOUS") && !spelling_is_same(text, "BASIC")))
        return NULL;
    normalize_depart(z, LENIENCY_user_type, "userType");
    return "SIMPLE";
}

static bool is_of(const struct field *c, enum field_type_name type)
{
    return c->type == &field_types[type];
}

/* Words a value may be, or NULL: it may be any. Of truth values the schema lets blanks stand around them. */
static const char *const *words_of(const struct field *c)
{
    static const char *const truths[] = {"true", "false", "1", "0", NULL};
    return c->type->kind == FIELD_TRUTH ? truths : c->type->words;
}

/* The value as the schema spells it, or as it came: then the schema judges it. */
static const char *value_of(struct normalizer *z, const struct field *c, const char *text)
{
    const char *const *words = words_of(c);
    if (words == NULL)
        return text;
    const char *token = normalize_trimmed(z->arena, text);
    const char *other = is_of(c, FIELD_TYPE_UserType) && z->is_viewing ? viewer_type(z, token) : NULL;
    if (other != NULL)
        return other;
    for (unsigned i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], c->type->kind == FIELD_TRUTH ? token : text) == 0)
            return text;
    for (unsigned i = 0; z->is_allowed[LENIENCY_values] && words[i] != NULL; i++) {
        if (!is_word(token, words[i], is_of(c, FIELD_TYPE_Condition)))
            continue;
        normalize_depart(z, LENIENCY_values, c->name);
        return words[i];
    }
    return text;
}

/* ---- writing ---- */

/* A structure that only holds others of one kind: attributes/Attribute. NULL: it is not such a one. */
static const struct field *shape_item(const struct shape *shape)
{
    return shape->n == 1 && shape->fields[0].shape != NULL ? &shape->fields[0] : NULL;
}

/* An element in the one that is being written; NULL: it could not be made, which ends the reading. */
static struct xml_node *add(struct normalizer *z, const char *name, const char *text)
{
    struct xml_node *added = xml_add(z->at, name, text);
    if (added == NULL)
        z->is_without_memory = true;
    return added;
}

static void write_struct(struct normalizer *z, const struct shape *shape, struct xml_node *node, const char *name);

static void write_value(struct normalizer *z, const char *name, const char *value)
{
    (void)add(z, name, value);
}

static void write_text(struct normalizer *z, const struct field *c, struct xml_node *node)
{
    if (normalize_has_elements(node))
        normalize_wrong(z, c->name, FIELD_ELEMENTS);
    else
        write_value(z, c->name, value_of(z, c, xml_own_text(z->arena, node)));
}

static void write_element(struct normalizer *z, const struct field *c, struct xml_node *node)
{
    struct xml_node *up = z->at;
    z->at = add(z, c->name, NULL);
    write_struct(z, c->shape, node, c->name);
    z->at = up;
}

/* serviceId/string, as lists of text come out of some toolkits. */
static void write_wrapped_texts(struct normalizer *z, const struct field *c, struct xml_node *list)
{
    normalize_depart(z, LENIENCY_arrays, c->name);
    if (normalize_has_text(z, list))
        normalize_wrong(z, c->name, FIELD_BAD_VALUE);
    for (struct xml_node *n = xml_first(list, NULL, NULL); n != NULL; n = xml_next(n, NULL, NULL)) {
        if (!normalize_is_called(n, "string") && !normalize_is_called(n, "item") && !normalize_is_called(n, c->name)) {
            normalize_wrong(z, c->name, FIELD_BAD_VALUE); /* a value left out of a list would be another list */
            continue;
        }
        normalize_look_at_name(z, n, c->name, true);
        if (!normalize_is_nil(z, n, c->name))
            write_text(z, c, n);
    }
}

static void write_texts(struct normalizer *z, const struct field *c, const struct found *list)
{
    if (list->next == NULL && normalize_has_elements(list->node)) {
        write_wrapped_texts(z, c, list->node);
        return;
    }
    for (const struct found *at = list; at != NULL; at = at->next)
        write_text(z, c, at->node); /* one of several that is wrapped is a wrong value */
}

/* Is it the structure itself, or does it hold such structures under one of their names? */
enum form { FORM_EMPTY, FORM_ITSELF, FORM_HOLDER, FORM_BOTH };

static enum form form_of(struct xml_node *node, const struct shape *shape, const char *const names[4])
{
    unsigned form = FORM_EMPTY;
    for (struct xml_node *n = xml_first(node, NULL, NULL); n != NULL; n = xml_next(n, NULL, NULL)) {
        enum soap_namespace ns;
        bool is_exact;
        for (unsigned i = 0; i < 4; i++)
            if (normalize_is_called(n, names[i]))
                form |= FORM_HOLDER;
        if (normalize_namespace(n, &ns) && spelling_find(shape, xml_local(n), &is_exact) >= 0)
            form |= FORM_ITSELF;
    }
    return (enum form)form;
}

/* subs*, or one subs with Predicate* in it. */
static void write_parts(struct normalizer *z, const struct field *c, const struct found *list)
{
    const char *const names[4] = {c->name, c->shape->type, spelling_alias(c), "item"};
    for (const struct found *at = list; at != NULL; at = at->next) {
        enum form form = form_of(at->node, c->shape, names);
        if (form == FORM_EMPTY || form == FORM_ITSELF) {
            write_element(z, c, at->node);
            continue;
        }
        if (form == FORM_BOTH || list->next != NULL) {
            normalize_wrong(z, c->name, FIELD_BAD_VALUE);
            continue;
        }
        normalize_depart(z, LENIENCY_arrays, c->name);
        for (struct xml_node *n = xml_first(at->node, NULL, NULL); n != NULL; n = xml_next(n, NULL, NULL)) {
            if (!normalize_is_called(n, names[0]) && !normalize_is_called(n, names[1]) &&
                !normalize_is_called(n, names[2]) && !normalize_is_called(n, names[3])) {
                normalize_depart_unknown(z, n, c->name);
                continue;
            }
            normalize_look_at_name(z, n, c->name, true);
            if (!normalize_is_nil(z, n, c->name))
                write_element(z, c, n);
        }
    }
}

/* Toolkits write empty elements for what they have not got: a wrapper of one that comes out empty is none. */
static void write_holder(struct normalizer *z, const struct field *c, const struct field *item, struct xml_node *node)
{
    struct xml_node *up = z->at, *holder = add(z, c->name, NULL);
    z->at = holder;
    write_struct(z, c->shape, node, c->name); /* tells of whatever it leaves out */
    z->at = up;
    if (holder == NULL || item->is_many || normalize_has_elements(holder))
        return;
    xml_drop(holder);
    if (!normalize_has_elements(node) && !normalize_has_text(z, node))
        normalize_depart(z, LENIENCY_unknown, c->name);
}

/* attributes/Attribute*, or attributes* that are such structures themselves; userDoc/Document, or userDoc itself. */
static void write_wrapper(struct normalizer *z, const struct field *c, const struct found *list, unsigned n)
{
    const struct field *item = shape_item(c->shape);
    const char *const names[4] = {item->name, item->shape->type, spelling_alias(item), NULL};
    unsigned n_itself = 0;
    for (const struct found *at = list; at != NULL; at = at->next) {
        enum form form = form_of(at->node, item->shape, names);
        if (form == FORM_BOTH) {
            normalize_wrong(z, c->name, FIELD_BAD_VALUE);
            return;
        }
        n_itself += form == FORM_ITSELF;
    }
    if (n > 1 && (n_itself < n || !item->is_many)) {
        normalize_wrong(z, c->name, FIELD_TWICE);
        return;
    }
    if (n_itself == 0) {
        if (list != NULL)
            write_holder(z, c, item, list->node);
        return;
    }
    normalize_depart(z, LENIENCY_arrays, c->name);
    struct xml_node *up = z->at;
    z->at = add(z, c->name, NULL);
    for (const struct found *at = list; at != NULL; at = at->next)
        write_element(z, item, at->node);
    z->at = up;
}

/* A4 */
static bool write_status_text(struct normalizer *z, const struct field *c, struct xml_node *node)
{
    if (normalize_has_elements(node) || !normalize_has_text(z, node))
        return false;
    normalize_depart(z, LENIENCY_status, c->name);
    struct xml_node *up = z->at;
    z->at = add(z, c->name, NULL);
    write_value(z, c->shape->fields[0].name, normalize_trimmed(z->arena, xml_own_text(z->arena, node)));
    z->at = up;
    return true;
}

static void write_child(struct normalizer *z, const struct field *c, const struct found *list, unsigned n)
{
    bool is_wrapper = c->shape != NULL && !c->is_many && shape_item(c->shape) != NULL;
    if (!is_wrapper && !c->is_many && n > 1) {
        normalize_wrong(z, c->name, FIELD_TWICE); /* neither of them is taken */
        return;
    }
    if (list == NULL)
        return;
    if (is_wrapper)
        write_wrapper(z, c, list, n);
    else if (c->shape == NULL && c->is_many)
        write_texts(z, c, list);
    else if (c->shape == NULL)
        write_text(z, c, list->node);
    else if (c->is_many)
        write_parts(z, c, list);
    else if (c->shape != &shape_Status || !write_status_text(z, c, list->node))
        write_element(z, c, list->node);
}

static bool is_filled(struct normalizer *z, const struct found *list)
{
    return list != NULL && (normalize_has_elements(list->node) || normalize_has_text(z, list->node));
}

/* A31: who does not say what kind of person asks is a citizen, or a firm when it gives a firm's number. */
static bool write_user_kind(struct normalizer *z, const struct shape *shape, const struct gathered *g, unsigned i)
{
    bool is_exact;
    int inn = spelling_find(shape, "businessINN", &is_exact);
    if (!z->is_allowed[LENIENCY_user_kind] || g->n[i] > 1 || is_filled(z, g->first[i]))
        return false;
    normalize_depart(z, LENIENCY_user_kind, shape->fields[i].name);
    write_value(z, shape->fields[i].name, inn >= 0 && is_filled(z, g->first[inn]) ? "BUSINESS" : "PHYSIC");
    return true;
}

static void write_struct(struct normalizer *z, const struct shape *shape, struct xml_node *node, const char *name)
{
    if (z->depth == DEPTH_MAX) {
        z->is_too_deep = true;
        return;
    }
    z->depth++;
    struct gathered g;
    normalize_gather(z, shape, node, name, &g);
    for (unsigned i = 0; i < shape->n; i++)
        if (!is_of(&shape->fields[i], FIELD_TYPE_UserKind) || !write_user_kind(z, shape, &g, i))
            write_child(z, &shape->fields[i], g.first[i], g.n[i]);
    z->depth--;
}

enum err normalize(struct arena *a, struct xml_node *bare, enum booking_method method,
                   const struct config_reading *reading, struct xml_doc **out, struct field_errors *f,
                   struct normalized *result, struct error *e)
{
    const char *name = arena_printf(a, "%sRequest", booking_ops[method].name);
    struct normalizer z = {.arena = a, .fields = f, .result = result, .is_viewing = method == BOOKING_GET_SLOTS};
    memcpy(z.is_allowed, reading->lenient, sizeof z.is_allowed);
    *result = (struct normalized){.children = SOAP_CHILDREN_WS};
    enum err err = xml_build(a, bare, SOAP_NS, name, out, e);
    if (err != ERR_OK)
        return err;
    z.at = xml_root(*out);
    write_struct(&z, shape_of_request(method), bare, name);
    if (z.is_without_memory)
        return error_set(e, ERR_INTERNAL, "reading: out of memory");
    return z.is_too_deep ? error_set(e, ERR_LIMIT, "elements are nested too deep") : ERR_OK;
}
