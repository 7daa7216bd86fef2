/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The filter of getSlots and getRefItemsList (items 4 to 6; P1, P2, P4): its form and size are judged here, its names
 * and values in SQL, which knows the attributes. It travels as one jsonb parameter with the order's own names.
 */
#include "bounds.h"
#include "call.h"
#include "check.h"

#include <string.h>

#define DEPTH_MAX_DEFAULT 8
#define NODES_MAX_DEFAULT 200

struct filter_walk {
    struct field_errors *fields;
    unsigned depth_max, nodes_max, nodes;
};

static void walk_add(const struct filter_walk *w, const char *message)
{
    field_errors_add(w->fields, "filter", 1, message);
}

/* The tree is larger than it may be: it is not looked at any further. */
static void walk_beyond(const struct filter_walk *w, const char *message)
{
    field_errors_beyond(w->fields, "filter", message);
}

/* What the form of the message has shown to be wrong is told by that element's name, and once. */
static void check_form(const struct filter_walk *w, const struct predicate *p)
{
    static const char *const elements[] = {"simple", "union", "subs"};
    if (p->kind == PREDICATE_SIMPLE || p->kind == PREDICATE_UNION)
        return;
    const char *told = "filter";
    for (unsigned i = 0; i < w->fields->n; i++)
        for (unsigned k = 0; k < sizeof elements / sizeof elements[0]; k++)
            if (strcmp(w->fields->items[i].field, elements[k]) == 0)
                told = elements[k];
    field_errors_add(w->fields, told, 1, "Предикат содержит либо simple, либо union");
}

static void check_simple(const struct filter_walk *w, const struct predicate *p)
{
    bounds_check_shape(&shape_SimplePredicate, p, "filter", w->fields);
    if (p->attribute_name == NULL)
        walk_add(w, "В условии фильтра не указан атрибут");
    if (p->condition == NULL && p->value != NULL)
        walk_add(w, "В условии фильтра есть значение, но не указано, как с ним сравнивать");
    if (p->condition != NULL && !field_is_word(&field_types[FIELD_TYPE_Condition], p->condition))
        field_errors_add(w->fields, "condition", 1,
                         "Допускаются условия equals, notEquals, greaterThan, lessThan, greaterThanOrEquals, "
                         "lessThanOrEquals, contains, startsWith, endsWith и wordStarts");
}

static void check_union(const struct filter_walk *w, const struct predicate *p)
{
    bounds_check_shape(&shape_LogicalUnionPredicate, p, "filter", w->fields);
    if (p->union_kind == NULL)
        field_errors_add(w->fields, "unionKind", 1, FIELD_REQUIRED);
    else if (!field_is_word(&field_types[FIELD_TYPE_UnionKind], p->union_kind))
        field_errors_add(w->fields, "unionKind", 1, "Условия объединяются как AND или OR");
    if (p->nsubs == 0)
        field_errors_add(w->fields, "subs", 1, FIELD_REQUIRED);
}

/* depth: unions around p. What is beyond a limit is not looked at, so that a limit bounds this walk too. */
static void check_node(struct filter_walk *w, const struct predicate *p, unsigned depth)
{
    if (++w->nodes > w->nodes_max) {
        walk_beyond(w, arena_printf(w->fields->arena, "В фильтре слишком много условий: не более %u", w->nodes_max));
        return;
    }
    check_form(w, p);
    if (p->kind == PREDICATE_SIMPLE || p->kind == PREDICATE_BOTH)
        check_simple(w, p);
    if (p->kind == PREDICATE_SIMPLE || p->kind == PREDICATE_NEITHER)
        return;
    if (depth == w->depth_max) {
        walk_beyond(w,
                    arena_printf(w->fields->arena, "Слишком большая вложенность фильтра: не более %u", w->depth_max));
        return;
    }
    check_union(w, p);
    for (unsigned i = 0; i < p->nsubs && w->nodes <= w->nodes_max; i++)
        check_node(w, &p->subs[i], depth + 1);
}

void check_filter(const struct booking_request *r, struct field_errors *f)
{
    struct filter_walk w = {.fields = f,
                            .depth_max = r->filter_depth_max == 0 ? DEPTH_MAX_DEFAULT : r->filter_depth_max,
                            .nodes_max = r->filter_nodes_max == 0 ? NODES_MAX_DEFAULT : r->filter_nodes_max};
    if (r->filter != NULL)
        check_node(&w, r->filter, 0);
}

static void add_member(struct buf *b, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_printf(b, ",\"%s\":", name);
    buf_add_json(b, span_of(value));
}

static void add_predicate(struct buf *b, const struct predicate *p)
{
    if (p->kind == PREDICATE_SIMPLE) {
        buf_printf(b, "{\"checkAllValues\":%s", p->check_all_values ? "true" : "false");
        add_member(b, "attributeName", p->attribute_name);
        add_member(b, "condition", p->condition);
        add_member(b, "value", p->value);
        buf_add_char(b, '}');
        return;
    }
    buf_add_str(b, "{\"unionKind\":");
    buf_add_json(b, span_of(p->union_kind));
    buf_add_str(b, ",\"subs\":[");
    for (unsigned i = 0; i < p->nsubs; i++) {
        if (i > 0)
            buf_add_char(b, ',');
        add_predicate(b, &p->subs[i]);
    }
    buf_add_str(b, "]}");
}

void call_add_filter(struct call *c, const struct predicate *p)
{
    struct buf b;
    if (p == NULL) {
        call_add_text(c, NULL);
        return;
    }
    buf_init(&b, c->arena, 256);
    add_predicate(&b, p);
    call_add_text(c, b.p);
}
