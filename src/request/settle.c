/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What says nothing of its own is taken off before a request is read. It sees the bare element only, which was made of
 * verified octets; no value changes, and no field comes to stand elsewhere but those of userDoc in its Document.
 *
 * One level of recursion a level of elements, which the prescan bounds.
 */
#include "settle.h"

#include "normalize_gather.h"
#include "smev.h"

#include <string.h>

enum nil { NIL_NOT_SAID, NIL_FALSE, NIL_TRUE, NIL_NO_TRUTH };

static enum nil nil_of(struct arena *a, const struct xml_node *node)
{
    const char *value = xml_attr(a, node, NS_XSI, "nil");
    if (value == NULL)
        return NIL_NOT_SAID;
    value = normalize_trimmed(a, value);
    if (strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
        return NIL_TRUE;
    return strcmp(value, "false") == 0 || strcmp(value, "0") == 0 ? NIL_FALSE : NIL_NO_TRUTH;
}

static bool is_empty(struct arena *a, struct xml_node *node)
{
    return xml_first(node, NULL, NULL) == NULL && *normalize_trimmed(a, xml_own_text(a, node)) == '\0';
}

/* The field of this child, which has its name afterwards; -1: it has none. */
static int settle_name(const struct shape *shape, struct xml_node *child)
{
    enum soap_namespace ns;
    const char *local = xml_local(child);
    if (!normalize_namespace(child, &ns))
        return -1;
    for (unsigned i = 0; i < shape->n; i++)
        if (strcmp(shape->fields[i].name, local) == 0)
            return (int)i;
    const struct field *c = field_of_spelling(shape, local);
    if (c == NULL)
        return -1;
    xml_rename(child, c->name);
    return (int)(c - shape->fields);
}

/* True: it says that it is not there, and is gone. */
static bool settle_nil(struct arena *a, struct xml_node *child, bool is_alone)
{
    enum nil nil = nil_of(a, child);
    if (nil == NIL_FALSE)
        xml_drop_attr(child, NS_XSI, "nil");
    if (nil != NIL_TRUE || !is_alone || !is_empty(a, child))
        return false;
    xml_drop(child);
    return true;
}

/*
 * A structure of one structure, as userDoc/Document is sent (docs/decisions/0001), is printed by the order without it
 * (items 18 and 19: userDoc | UserDocument): the fields stand directly inside. Both at once are left as they are.
 */
static void settle_holder(struct xml_node *node, const struct shape *shape)
{
    const struct field *item = shape->n == 1 && shape->fields[0].place == FIELD_SAME ? &shape->fields[0] : NULL;
    bool is_direct = false, is_held = false;
    if (item == NULL)
        return;
    for (struct xml_node *child = xml_first(node, NULL, NULL); child != NULL; child = xml_next(child, NULL, NULL)) {
        is_held = is_held || normalize_is_called(child, item->name) || normalize_is_called(child, item->shape->type);
        is_direct = is_direct || settle_name(item->shape, child) >= 0;
    }
    if (is_direct && !is_held)
        (void)xml_enclose(node, item->name);
}

static void settle_shape(struct arena *a, const struct shape *shape, struct xml_node *node)
{
    unsigned n[SHAPE_FIELDS_MAX] = {0};
    for (struct xml_node *child = xml_first(node, NULL, NULL); child != NULL; child = xml_next(child, NULL, NULL)) {
        int i = settle_name(shape, child);
        if (i >= 0)
            n[i]++;
    }
    struct xml_node *next;
    for (struct xml_node *child = xml_first(node, NULL, NULL); child != NULL; child = next) {
        next = xml_next(child, NULL, NULL);
        int i = settle_name(shape, child);
        if (i < 0)
            continue;
        const struct field *c = &shape->fields[i];
        xml_drop_attr(child, NS_XSI, "type");
        xml_drop_attr(child, NS_SOAP, "encodingStyle");
        if (settle_nil(a, child, c->is_many || n[i] == 1) || c->shape == NULL)
            continue;
        settle_holder(child, c->shape);
        settle_shape(a, c->shape, child);
    }
}

void settle_request(struct arena *a, struct xml_node *bare, enum booking_method method)
{
    xml_drop_attr(bare, NS_XSI, "type");
    xml_drop_attr(bare, NS_SOAP, "encodingStyle");
    settle_shape(a, shape_of_request(method), bare);
}
