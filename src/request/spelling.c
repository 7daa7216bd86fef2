/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "spelling.h"

#include <string.h>

const char *spelling_alias(const struct field *c)
{
    static const struct {
        const char *name, *alias;
    } others[] = {
        {"esiaId", "esiald"}, /* the order prints it with a small L once (A5) */
        {"Document", "UserDocument"},
    };
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(c->name, others[i].name) == 0)
            return others[i].alias;
    return NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool spelling_is_same(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

int spelling_find(const struct shape *shape, const char *name, bool *is_exact)
{
    *is_exact = false;
    for (unsigned i = 0; i < shape->n; i++) {
        const struct field *c = &shape->fields[i];
        const char *alias = spelling_alias(c);
        if (!spelling_is_same(c->name, name) && (alias == NULL || !spelling_is_same(alias, name)))
            continue;
        *is_exact = strcmp(c->name, name) == 0;
        return (int)i;
    }
    return -1;
}
