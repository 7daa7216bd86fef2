/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "wrong.h"

#include "settle.h"
#include "told.h"

#include <string.h>

struct search {
    struct arena *arena;
    const char *found;
};

/* No type has attributes. What settle_request() leaves of xsi:nil is on a field that is not empty, or is no truth. */
static bool on_attribute(void *arg, const char *ns, const char *local, const char *value)
{
    struct search *s = arg;
    (void)value;
    bool is_xsi = ns != NULL && strcmp(ns, NS_XSI) == 0;
    if (is_xsi && (strcmp(local, "schemaLocation") == 0 || strcmp(local, "noNamespaceSchemaLocation") == 0))
        return true;
    if (is_xsi && strcmp(local, "nil") == 0)
        s->found = "Атрибут xsi:nil здесь не допускается";
    else if (!told_is_name(local))
        s->found = "Атрибут поля не предусмотрен";
    else
        s->found = arena_printf(s->arena, "Атрибут %s%s не предусмотрен", is_xsi ? "xsi:" : "", local);
    return false;
}

const char *wrong_attribute(struct arena *a, const struct xml_node *node)
{
    struct search s = {.arena = a};
    xml_each_attr(node, on_attribute, &s);
    return s.found;
}
