/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The children of each structure, played through its fields. A child that stands behind its place has passed it; one
 * that stands before its place makes those missing that should come first, unless several of them are there, only
 * elsewhere: then it is plainly this one that is misplaced. Of a misplaced structure the inside is looked at all the
 * same, of what nobody knows it is not. What is there, only elsewhere, is called misplaced and never missing.
 *
 * One level of recursion a level of elements, which the prescan bounds.
 */
#include "structure.h"

#include "lexical.h"
#include "soap.h"
#include "wrong.h"

#include <string.h>

#define WRONG_MAX      100
#define NAME_MAX_BYTES 255 /* as fieldName can hold it */
#define NONE           SHAPE_FIELDS_MAX

struct walk {
    struct field_errors *fields;
    unsigned first; /* those before it were told by somebody else */
    struct structure *out;
    const char *root; /* what a name that is too long is told as */
};

static void tell(struct walk *w, const char *field, const char *message)
{
    w->out->is_wrong = true;
    if (strlen(field) > NAME_MAX_BYTES)
        field = w->root;
    for (unsigned i = w->first; i < w->fields->n; i++)
        if (strcmp(w->fields->items[i].field, field) == 0)
            return;
    if (w->fields->n - w->first < WRONG_MAX)
        field_errors_add(w->fields, field, 1, message);
}

static void wrong(struct walk *w, const char *field)
{
    tell(w, field, FIELD_BAD_VALUE);
}

static void check_attributes(struct walk *w, const struct xml_node *node)
{
    const char *message = wrong_attribute(w->fields->arena, node);
    if (message != NULL)
        tell(w, xml_local(node), message);
}

/* ---- values ---- */

static void check_value(struct walk *w, const struct field *c, struct xml_node *node)
{
    if (xml_first(node, NULL, NULL) != NULL)
        tell(w, c->name, FIELD_ELEMENTS);
    else if (!lexical_is_good(c->type, xml_peek_text(w->fields->arena, node)))
        wrong(w, c->name);
}

/* ---- the children of a structure ---- */

/* Where in the fields the play stands. */
struct play {
    const struct shape *shape;
    unsigned next;                   /* fields before it have passed */
    bool is_given[SHAPE_FIELDS_MAX]; /* a child has this name, wherever it stands */
    bool is_taken[SHAPE_FIELDS_MAX]; /* one stood in its place */
};

/* The field of this child; NONE: it has none. */
static unsigned field_of(const struct shape *shape, const struct xml_node *child)
{
    const char *ns = xml_ns(child), *local = xml_local(child);
    if (ns == NULL || strcmp(ns, SOAP_NS) != 0)
        return NONE;
    for (unsigned i = 0; i < shape->n; i++)
        if (shape->fields[i].name[0] == local[0] && strcmp(shape->fields[i].name, local) == 0)
            return i;
    return NONE;
}

/* Tells of the required fields from the present place up to another. One that is there elsewhere is told of there. */
static void tell_missing(struct walk *w, const struct play *p, unsigned to)
{
    for (unsigned i = p->next; i < to; i++)
        if (p->shape->fields[i].is_required && !p->is_given[i])
            tell(w, p->shape->fields[i].name, FIELD_REQUIRED);
}

/* Several of those that should stand before field i are there, elsewhere. */
static bool is_too_early(const struct play *p, unsigned i)
{
    unsigned n = 0;
    for (unsigned k = p->next; k < i; k++)
        n += p->shape->fields[k].is_required && !p->is_taken[k] && p->is_given[k];
    return n > 1;
}

/* May a child of field i stand here? If so, the play goes on behind it. */
static bool play_take(struct walk *w, struct play *p, unsigned i)
{
    const struct field *c = &p->shape->fields[i];
    bool is_other_order = i + 2 == p->next && c[1].place == FIELD_EITHER && !p->is_taken[i];
    if (i < p->next && !is_other_order)
        return false;
    if (p->shape->is_choice) {
        p->next = p->shape->n;
        p->is_taken[i] = true;
        return true;
    }
    if (is_too_early(p, i))
        return false;
    tell_missing(w, p, i);
    p->is_taken[i] = true;
    if (!is_other_order)
        p->next = c->is_many ? i : i + 1;
    return true;
}

/* Of a child that has no place in this structure. */
static const char *words_of_unknown(const struct play *p, const struct xml_node *child)
{
    const char *ns = xml_ns(child), *local = xml_local(child);
    bool is_ours = ns != NULL && strcmp(ns, SOAP_NS) == 0;
    if (is_ours)
        return field_is_known(local) ? FIELD_MISPLACED : FIELD_UNKNOWN;
    for (unsigned i = 0; i < p->shape->n; i++)
        if (strcmp(p->shape->fields[i].name, local) == 0)
            return FIELD_NAMESPACE;
    return FIELD_UNKNOWN;
}

/* Of a child that has one, but not here. */
static const char *words_of_displaced(const struct play *p, unsigned i)
{
    if (p->is_taken[i] && !p->shape->fields[i].is_many)
        return FIELD_TWICE;
    return p->shape->is_choice ? FIELD_BAD_VALUE
                               : FIELD_MISPLACED; /* of two that exclude each other check_filter() tells */
}

static void check_shape(struct walk *w, const struct shape *shape, struct xml_node *node);

static void check_child(struct walk *w, struct play *p, struct xml_node *child)
{
    unsigned i = field_of(p->shape, child);
    if (i == NONE) {
        tell(w, xml_local(child), words_of_unknown(p, child));
        return;
    }
    const struct field *c = &p->shape->fields[i];
    bool is_taken = play_take(w, p, i);
    if (!is_taken)
        tell(w, c->name, words_of_displaced(p, i));
    check_attributes(w, child);
    if (!is_taken && xml_first(child, NULL, NULL) == NULL)
        return; /* it is told of, and there is nothing in it */
    if (c->shape != NULL)
        check_shape(w, c->shape, child);
    else
        check_value(w, c, child);
}

static void check_shape(struct walk *w, const struct shape *shape, struct xml_node *node)
{
    struct play p = {.shape = shape};
    /* Blanks may stand between elements, but not where there can be none. */
    if (xml_has_words(node) || (shape->n == 0 && *xml_peek_text(w->fields->arena, node) != '\0'))
        tell(w, xml_local(node), FIELD_WORDS);
    for (struct xml_node *child = xml_first(node, NULL, NULL); child != NULL; child = xml_next(child, NULL, NULL)) {
        unsigned i = field_of(shape, child);
        if (i != NONE)
            p.is_given[i] = true;
    }
    for (struct xml_node *child = xml_first(node, NULL, NULL); child != NULL; child = xml_next(child, NULL, NULL))
        check_child(w, &p, child);
    if (shape->is_choice && p.next == 0)
        wrong(w, xml_local(node)); /* a choice has no name of its own */
    tell_missing(w, &p, shape->n);
}

void structure_check(struct xml_node *bare, enum booking_method method, struct field_errors *f, struct structure *out)
{
    struct walk w = {.fields = f, .first = f->n, .out = out, .root = xml_local(bare)};
    *out = (struct structure){0};
    check_attributes(&w, bare);
    check_shape(&w, shape_of_request(method), bare);
}
