/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What tests of documents begin and end with: the library, a schema, a schema's own text as a document. */
#pragma once

#include "whole_file.h"
#include "xml.h"

/* For cmocka_run_group_tests(): the library alone. */
static inline int xml_begin(void **state)
{
    (void)state;
    xml_init();
    return 0;
}

static inline int xml_end(void **state)
{
    (void)state;
    xml_fini();
    return 0;
}

/* The library, and a schema in *state. */
struct xml_fixture {
    struct arena *a;
    struct xml_schema *schema;
};

static inline int xml_fixture_begin(void **state, const char *schema)
{
    static struct xml_fixture f;
    struct error e = {.code = ERR_OK};
    xml_init();
    f.a = arena_new();
    if (xml_schema_load(f.a, schema, &f.schema, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    *state = &f;
    return 0;
}

static inline int xml_fixture_end(void **state)
{
    struct xml_fixture *f = *state;
    arena_free(f->a);
    return xml_end(state);
}

/* The first element of a file, in a document that lives as long as a. */
static inline struct xml_node *xml_file(struct arena *a, const char *path)
{
    struct xml_doc *doc;
    struct error e = {.code = ERR_OK};
    if (xml_parse(a, whole_file(a, path), &doc, &e) != ERR_OK)
        fail_msg("%s: %s", path, e.detail);
    return xml_root(doc);
}
