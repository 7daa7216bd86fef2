/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The Ids of a document. A signature names what it covers by an Id; which attribute is an Id is a matter of opinion
 * between libraries, and signature wrapping lives on that difference. So every spelling counts, in signed and unsigned
 * parts alike, and an Id that two elements have refuses the document before any cryptography. One element may say the
 * same Id in several spellings: whichever of them a library knows, it means that element. Blanks around and within an
 * Id are nothing to who reads it as the type it is (xml:id 1.0, section 4; xs:ID): the Id without them counts as well.
 */
#include "dsig.h"

#include "ascii.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct id_entry {
    const char *value;
    struct xml_node *element;
};

struct dsig_ids {
    struct id_entry *entries;
    size_t n, cap;
};

struct collector {
    struct arena *arena;
    struct dsig_ids *ids;
    struct xml_node *element;
};

static bool is_id_name(const char *ns, const char *local)
{
    if (!ns)
        return strcmp(local, "Id") == 0 || strcmp(local, "ID") == 0 || strcmp(local, "id") == 0;
    if (strcmp(ns, NS_WSU) == 0)
        return strcmp(local, "Id") == 0;
    return strcmp(ns, NS_XML) == 0 && strcmp(local, "id") == 0;
}

/* XML Schema, whiteSpace collapse. */
static char *collapsed(struct arena *a, const char *value)
{
    char *all = arena_strdup(a, value), *to = all;
    for (const char *s = value; *s != '\0'; s++)
        if (!ascii_is_blank(*s))
            *to++ = *s;
        else if (to != all && !ascii_is_blank(s[1]) && s[1] != '\0')
            *to++ = ' ';
    *to = '\0';
    return all;
}

static void collect(struct collector *c, const char *value)
{
    struct dsig_ids *ids = c->ids;
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? ids->cap * 2 : 32;
        struct id_entry *grown = arena_array(c->arena, cap, sizeof *grown);
        if (ids->n)
            memcpy(grown, ids->entries, ids->n * sizeof *grown);
        ids->entries = grown;
        ids->cap = cap;
    }
    ids->entries[ids->n++] = (struct id_entry){value, c->element};
}

static bool collect_attr(void *arg, const char *ns, const char *local, const char *value)
{
    struct collector *c = arg;
    if (!is_id_name(ns, local))
        return true;
    const char *as_type = collapsed(c->arena, value);
    collect(c, as_type);
    if (strcmp(as_type, value) != 0)
        collect(c, arena_strdup(c->arena, value));
    return true;
}

static int compare_entries(const void *l, const void *r)
{
    const struct id_entry *a = l, *b = r;
    int order = strcmp(a->value, b->value);
    if (order != 0)
        return order;
    uintptr_t x = (uintptr_t)a->element, y = (uintptr_t)b->element; /* only so that those of one stand together */
    return (x > y) - (x < y);
}

/* Of an Id that one element says several times one stays. */
static void ids_drop_repeated(struct dsig_ids *ids)
{
    size_t n = 0;
    for (size_t i = 0; i < ids->n; i++)
        if (n == 0 || compare_entries(&ids->entries[n - 1], &ids->entries[i]) != 0)
            ids->entries[n++] = ids->entries[i];
    ids->n = n;
}

enum err dsig_ids_read(struct arena *a, struct xml_doc *doc, bool unique, struct dsig_ids **out, struct error *e)
{
    struct dsig_ids *ids = arena_alloc(a, sizeof *ids);
    struct xml_node *root = xml_root(doc);
    struct collector c = {a, ids, root};
    xml_each_attr(root, collect_attr, &c);
    for (struct xml_node *n = xml_walk(root, root); n; n = xml_walk(root, n)) {
        c.element = n;
        xml_each_attr(n, collect_attr, &c);
    }
    if (ids->n)
        qsort(ids->entries, ids->n, sizeof *ids->entries, compare_entries);
    ids_drop_repeated(ids);
    for (size_t i = 1; unique && i < ids->n; i++) {
        if (strcmp(ids->entries[i - 1].value, ids->entries[i].value) == 0)
            return error_set(e, ERR_SECURITY, "Id occurs more than once (lines %ld and %ld)",
                             xml_line(ids->entries[i - 1].element), xml_line(ids->entries[i].element));
    }
    *out = ids;
    return ERR_OK;
}

size_t dsig_ids_find(const struct dsig_ids *ids, const char *id, size_t *first)
{
    size_t low = 0, high = ids->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(ids->entries[middle].value, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = 0;
    while (low + n < ids->n && strcmp(ids->entries[low + n].value, id) == 0)
        n++;
    *first = low;
    return n;
}

struct xml_node *dsig_ids_at(const struct dsig_ids *ids, size_t i)
{
    return ids->entries[i].element;
}
