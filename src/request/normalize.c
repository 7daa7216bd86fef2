/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The rewriting of a lenient reading, driven by the table of fields (order 329, Appendix 2; resolutions A4, A5, A10,
 * A21, A30, A31). It sees the bare element only, which was made of verified octets, and never looks for a field outside
 * its place: it renames, reorders, unwraps and leaves out, and what could be read in two ways it does not read at all.
 *
 * One level of recursion a level of elements, which the prescan bounds.
 */
#include "normalize.h"

#include "spelling.h"

#include <string.h>

#define NS_XSI         "http://www.w3.org/2001/XMLSchema-instance"
#define DEPTH_MAX      64
#define WRONG_MAX      100 /* fields told of; the schema's check tells of as many */
#define NAME_MAX_BYTES 255 /* of an element, as fieldName can hold it */

struct normalizer {
    struct arena *arena;
    bool is_allowed[LENIENCY_COUNT];
    struct xml_node *at; /* what is being written; NULL: memory has run out */
    struct field_errors *fields;
    struct normalized *result;
    bool is_viewing; /* A10: whoever only looks may be anonymous */
    bool has_child;  /* result->children is settled */
    unsigned depth;
    bool is_too_deep, is_without_memory;
};

/* The children of one element, by their place in the shape. */
struct found {
    struct xml_node *node;
    struct found *next;
};
struct gathered {
    struct found *first[SHAPE_FIELDS_MAX], **last[SHAPE_FIELDS_MAX];
    unsigned n[SHAPE_FIELDS_MAX]; /* with those marked nil, which are not in the list */
};

/* ---- telling ---- */

static void wrong(struct normalizer *z, const char *field, const char *message)
{
    if (z->fields->n < WRONG_MAX && strlen(field) <= NAME_MAX_BYTES)
        field_errors_add(z->fields, arena_strdup(z->arena, field), 1, message);
}

static void depart(struct normalizer *z, enum leniency kind, const char *field)
{
    z->result->used[kind]++;
    if (!z->is_allowed[kind])
        wrong(z, field, FIELD_BAD_VALUE);
}

/* For the log, where only what looks like a name of a field is repeated. */
static bool is_plain_name(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    return strlen(s) <= 40 && s[strspn(s, letters)] == '\0';
}

/* A name longer than fieldName may be is told of as its parent's. */
static void depart_unknown(struct normalizer *z, const struct xml_node *node, const char *parent)
{
    const char *local = xml_local(node);
    if (z->result->first_unknown == NULL && is_plain_name(local))
        z->result->first_unknown = arena_strdup(z->arena, local);
    depart(z, LENIENCY_unknown, strlen(local) <= NAME_MAX_BYTES ? local : parent);
}

/* ---- looking ---- */

/* A structure that only holds others of one kind: attributes/Attribute. NULL: it is not such a one. */
static const struct field *shape_item(const struct shape *shape)
{
    return shape->n == 1 && shape->fields[0].shape != NULL ? &shape->fields[0] : NULL;
}

/* False: of a namespace that is none of the service's. */
static bool namespace_of(const struct xml_node *node, enum soap_namespace *out)
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

static bool is_called(const struct xml_node *node, const char *name)
{
    enum soap_namespace ns;
    return name != NULL && namespace_of(node, &ns) && spelling_is_same(xml_local(node), name);
}

static bool has_elements(struct xml_node *node)
{
    return xml_first(node, NULL, NULL) != NULL;
}

static const char *trimmed(struct arena *a, const char *s)
{
    static const char blanks[] = " \t\r\n";
    s += strspn(s, blanks);
    size_t n = strlen(s);
    while (n > 0 && strchr(blanks, s[n - 1]) != NULL)
        n--;
    return arena_strndup(a, s, n);
}

static bool has_own_text(struct normalizer *z, const struct xml_node *node)
{
    return *trimmed(z->arena, xml_own_text(z->arena, node)) != '\0';
}

struct attributes_seen {
    bool has_unknown, is_nil;
};

static bool on_attribute(void *arg, const char *ns, const char *local, const char *value)
{
    struct attributes_seen *seen = arg;
    if (ns == NULL || strcmp(ns, NS_XSI) != 0)
        seen->has_unknown = true;
    else if (strcmp(local, "nil") == 0)
        seen->is_nil = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    return true; /* the types of xsi:type are the shape's to say */
}

/* Marked nil: it is there to say that it is not. */
static bool is_nil(struct normalizer *z, struct xml_node *node, const char *field)
{
    struct attributes_seen seen = {0};
    xml_each_attr(node, on_attribute, &seen);
    if (seen.has_unknown || seen.is_nil)
        depart(z, LENIENCY_unknown, field);
    if (!seen.is_nil)
        return false;
    if (has_elements(node) || has_own_text(z, node))
        wrong(z, field, FIELD_BAD_VALUE);
    return true;
}

/* The departures of a child that has a place. */
static void look_at_name(struct normalizer *z, const struct xml_node *node, const char *field, bool is_exact)
{
    enum soap_namespace ns = SOAP_CHILDREN_WS;
    (void)namespace_of(node, &ns);
    if (!z->has_child && z->is_allowed[LENIENCY_namespaces])
        z->result->children = ns;
    z->has_child = true;
    if (ns != SOAP_CHILDREN_WS)
        depart(z, LENIENCY_namespaces, field);
    if (!is_exact)
        depart(z, LENIENCY_names, field);
}

static void gather(struct normalizer *z, const struct shape *shape, struct xml_node *parent, const char *parent_name,
                   struct gathered *g)
{
    unsigned rank_before = 0;
    *g = (struct gathered){0};
    for (unsigned i = 0; i < shape->n; i++)
        g->last[i] = &g->first[i];
    if (has_own_text(z, parent))
        wrong(z, parent_name, FIELD_BAD_VALUE);
    for (struct xml_node *node = xml_first(parent, NULL, NULL); node != NULL; node = xml_next(node, NULL, NULL)) {
        enum soap_namespace ns;
        bool is_exact = false;
        int i = namespace_of(node, &ns) ? spelling_find(shape, xml_local(node), &is_exact) : -1;
        if (i < 0) {
            depart_unknown(z, node, parent_name);
            continue;
        }
        const struct field *c = &shape->fields[i];
        look_at_name(z, node, c->name, is_exact);
        unsigned rank = (unsigned)i - (c->place == FIELD_EITHER);
        if (rank < rank_before)
            depart(z, LENIENCY_order, c->name);
        else
            rank_before = rank;
        g->n[i]++;
        if (is_nil(z, node, c->name))
            continue;
        struct found *found = arena_alloc(z->arena, sizeof *found);
        found->node = node;
        *g->last[i] = found;
        g->last[i] = &found->next;
    }
}

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
    depart(z, LENIENCY_user_type, "userType");
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
    const char *token = trimmed(z->arena, text);
    const char *other = is_of(c, FIELD_TYPE_UserType) && z->is_viewing ? viewer_type(z, token) : NULL;
    if (other != NULL)
        return other;
    for (unsigned i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], c->type->kind == FIELD_TRUTH ? token : text) == 0)
            return text;
    for (unsigned i = 0; z->is_allowed[LENIENCY_values] && words[i] != NULL; i++) {
        if (!is_word(token, words[i], is_of(c, FIELD_TYPE_Condition)))
            continue;
        depart(z, LENIENCY_values, c->name);
        return words[i];
    }
    return text;
}

/* ---- writing ---- */

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
    if (has_elements(node))
        wrong(z, c->name, FIELD_BAD_VALUE);
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
    depart(z, LENIENCY_arrays, c->name);
    if (has_own_text(z, list))
        wrong(z, c->name, FIELD_BAD_VALUE);
    for (struct xml_node *n = xml_first(list, NULL, NULL); n != NULL; n = xml_next(n, NULL, NULL)) {
        if (!is_called(n, "string") && !is_called(n, "item") && !is_called(n, c->name)) {
            wrong(z, c->name, FIELD_BAD_VALUE); /* a value left out of a list would be another list */
            continue;
        }
        look_at_name(z, n, c->name, true);
        if (!is_nil(z, n, c->name))
            write_text(z, c, n);
    }
}

static void write_texts(struct normalizer *z, const struct field *c, const struct found *list)
{
    if (list->next == NULL && has_elements(list->node)) {
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
            if (is_called(n, names[i]))
                form |= FORM_HOLDER;
        if (namespace_of(n, &ns) && spelling_find(shape, xml_local(n), &is_exact) >= 0)
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
            wrong(z, c->name, FIELD_BAD_VALUE);
            continue;
        }
        depart(z, LENIENCY_arrays, c->name);
        for (struct xml_node *n = xml_first(at->node, NULL, NULL); n != NULL; n = xml_next(n, NULL, NULL)) {
            if (!is_called(n, names[0]) && !is_called(n, names[1]) && !is_called(n, names[2]) &&
                !is_called(n, names[3])) {
                depart_unknown(z, n, c->name);
                continue;
            }
            look_at_name(z, n, c->name, true);
            if (!is_nil(z, n, c->name))
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
    if (holder == NULL || item->is_many || has_elements(holder))
        return;
    xml_drop(holder);
    if (!has_elements(node) && !has_own_text(z, node))
        depart(z, LENIENCY_unknown, c->name);
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
            wrong(z, c->name, FIELD_BAD_VALUE);
            return;
        }
        n_itself += form == FORM_ITSELF;
    }
    if (n > 1 && (n_itself < n || !item->is_many)) {
        wrong(z, c->name, FIELD_TWICE);
        return;
    }
    if (n_itself == 0) {
        if (list != NULL)
            write_holder(z, c, item, list->node);
        return;
    }
    depart(z, LENIENCY_arrays, c->name);
    struct xml_node *up = z->at;
    z->at = add(z, c->name, NULL);
    for (const struct found *at = list; at != NULL; at = at->next)
        write_element(z, item, at->node);
    z->at = up;
}

/* A4 */
static bool write_status_text(struct normalizer *z, const struct field *c, struct xml_node *node)
{
    if (has_elements(node) || !has_own_text(z, node))
        return false;
    depart(z, LENIENCY_status, c->name);
    struct xml_node *up = z->at;
    z->at = add(z, c->name, NULL);
    write_value(z, c->shape->fields[0].name, trimmed(z->arena, xml_own_text(z->arena, node)));
    z->at = up;
    return true;
}

static void write_child(struct normalizer *z, const struct field *c, const struct found *list, unsigned n)
{
    bool is_wrapper = c->shape != NULL && !c->is_many && shape_item(c->shape) != NULL;
    if (!is_wrapper && !c->is_many && n > 1) {
        wrong(z, c->name, FIELD_TWICE); /* neither of them is taken */
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
    return list != NULL && (has_elements(list->node) || has_own_text(z, list->node));
}

/* A31: who does not say what kind of person asks is a citizen, or a firm when it gives a firm's number. */
static bool write_user_kind(struct normalizer *z, const struct shape *shape, const struct gathered *g, unsigned i)
{
    bool is_exact;
    int inn = spelling_find(shape, "businessINN", &is_exact);
    if (!z->is_allowed[LENIENCY_user_kind] || g->n[i] > 1 || is_filled(z, g->first[i]))
        return false;
    depart(z, LENIENCY_user_kind, shape->fields[i].name);
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
    gather(z, shape, node, name, &g);
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
