/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * XML Schema: compiled once, asked often. Tells which field a violation is about, so that order 329 item 3 can name
 * it; the words are our own, for those of libxml2 quote the value.
 */
#include "loader.h"
#include "xml_private.h"

#include <libxml/xmlschemas.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIOLATIONS_MAX 100

struct xml_schema {
    xmlSchemaPtr compiled; /* read only once compiled: threads share it */
};

/* ---- loading ---- */

static void schema_cleanup(void *schema)
{
    xmlSchemaFree(schema);
}

/* The first complaint is the cause. The file is the operator's, so libxml2 may speak for itself. */
static void on_compile_error(void *arg, xmlErrorPtr error)
{
    struct error *e = arg;
    const char *words = error->message == NULL ? "" : error->message;
    (void)error_set(e, ERR_CONFIG, "schema %s, line %d: %.*s", error->file == NULL ? "" : error->file, error->line,
                    (int)strcspn(words, "\n"), words);
}

static enum err compile(const char *path, xmlSchemaPtr *out, struct error *e)
{
    struct error first = {.code = ERR_OK};
    xmlSchemaParserCtxtPtr ctxt = xmlSchemaNewParserCtxt(path);
    if (ctxt == NULL)
        return error_set(e, ERR_INTERNAL, "schema: out of memory");
    xmlSchemaSetParserStructuredErrors(ctxt, on_compile_error, &first);
    xmlSchemaPtr compiled = xmlSchemaParse(ctxt);
    xmlSchemaFreeParserCtxt(ctxt);
    if (compiled == NULL || first.code != ERR_OK) { /* a warning is an import that was passed over */
        xmlSchemaFree(compiled);
        return error_set(e, ERR_CONFIG, "%s", first.code == ERR_OK ? "schema: no reason given" : first.detail);
    }
    *out = compiled;
    return ERR_OK;
}

enum err xml_schema_load(struct arena *a, const char *path, struct xml_schema **out, struct error *e)
{
    char *whole = realpath(path, NULL);
    if (whole == NULL)
        return error_set(e, ERR_CONFIG, "schema %s: cannot be found", path);
    const char *directory = arena_strndup(a, whole, (size_t)(strrchr(whole, '/') - whole));
    xmlSchemaPtr compiled = NULL;
    schema_loader_allow(directory);
    enum err rc = compile(whole, &compiled, e);
    schema_loader_allow(NULL);
    free(whole);
    if (rc != ERR_OK)
        return rc;
    arena_defer(a, schema_cleanup, compiled);
    *out = arena_alloc(a, sizeof **out);
    (*out)->compiled = compiled;
    return ERR_OK;
}

/* ---- validating ---- */

struct validation {
    const xmlNode *root;
    struct arena *arena; /* of the names; NULL: nothing to tell so far */
    const char *names[VIOLATIONS_MAX];
    unsigned n;
    xml_violation_fn fn;
    void *arg;
};

static const char *words_of(int code)
{
    static const struct {
        int code;
        const char *words;
    } known[] = {
        {XML_SCHEMAV_CVC_MINLENGTH_VALID, "value is too short"},
        {XML_SCHEMAV_CVC_MAXLENGTH_VALID, "value is too long"},
        {XML_SCHEMAV_CVC_LENGTH_VALID, "value is of the wrong length"},
        {XML_SCHEMAV_CVC_PATTERN_VALID, "value does not have the required form"},
        {XML_SCHEMAV_CVC_ENUMERATION_VALID, "value is not one of the list"},
        {XML_SCHEMAV_CVC_MININCLUSIVE_VALID, "value is too small"},
        {XML_SCHEMAV_CVC_MAXINCLUSIVE_VALID, "value is too large"},
        {XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1, "value is not of the required type"},
        {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_1, "must be empty"},
        {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_2, "has elements inside"},
        {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_3, "has text between its elements"},
        {XML_SCHEMAV_CVC_TYPE_3_1_1, "has attributes although its type has none"},
        {XML_SCHEMAV_CVC_TYPE_3_1_2, "has elements inside"},
        {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1, "has an unknown attribute"},
        {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2, "has an unknown attribute"},
        {XML_SCHEMAV_CVC_COMPLEX_TYPE_4, "lacks an attribute"},
        {XML_SCHEMAV_CVC_ELT_1, "is not an element of the schema"},
        {XML_SCHEMAV_CVC_ELT_3_1, "may not be nil"},
        {XML_SCHEMAV_ELEMENT_CONTENT, "wrong elements inside"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].code == code)
            return known[i].words;
    return "does not fit the schema";
}

static bool is_told(const struct validation *v, const char *element)
{
    for (unsigned i = 0; i < v->n; i++)
        if (strcmp(v->names[i], element) == 0)
            return true;
    return false;
}

static void tell(struct validation *v, const char *element, const char *words, int code, long line)
{
    char message[160];
    if (v->n == VIOLATIONS_MAX || is_told(v, element))
        return;
    if (v->arena == NULL)
        v->arena = arena_new();
    v->names[v->n++] = arena_strdup(v->arena, element);
    snprintf(message, sizeof message, "%.64s: %s (libxml2 %d, line %ld)", element, words, code, line);
    v->fn(v->arg, element, message);
}

/* An element that must be empty: what stands inside is what is wrong. False when that is only text. */
static bool tell_children(struct validation *v, const xmlNode *parent)
{
    bool any = false;
    for (const xmlNode *c = parent->children; c != NULL; c = c->next) {
        if (c->type != XML_ELEMENT_NODE)
            continue;
        tell(v, text_of(c->name), "not expected here", XML_SCHEMAV_CVC_COMPLEX_TYPE_2_1, xmlGetLineNo(c));
        any = true;
    }
    return any;
}

static void on_violation(void *arg, xmlErrorPtr error)
{
    struct validation *v = arg;
    const xmlNode *n = error->node == NULL ? v->root : error->node;
    if (n->type == XML_ATTRIBUTE_NODE)
        n = n->parent;
    while (n->type != XML_ELEMENT_NODE && n->parent != NULL)
        n = n->parent;
    if (error->code == XML_SCHEMAV_CVC_COMPLEX_TYPE_2_1 && tell_children(v, n))
        return;
    tell(v, text_of(n->name), words_of(error->code), error->code, error->line);
}

enum err xml_validate(const struct xml_schema *s, struct xml_doc *doc, xml_violation_fn fn, void *arg, struct error *e)
{
    struct validation v = {.root = node_of(xml_root(doc)), .fn = fn, .arg = arg};
    xmlSchemaValidCtxtPtr ctxt = xmlSchemaNewValidCtxt(s->compiled);
    if (ctxt == NULL)
        return error_set(e, ERR_INTERNAL, "validation: out of memory");
    xmlSchemaSetValidStructuredErrors(ctxt, on_violation, &v);
    int rc = xmlSchemaValidateDoc(ctxt, (xmlDoc *)doc);
    xmlSchemaFreeValidCtxt(ctxt);
    if (rc > 0 && v.n == 0) /* never a refusal without a field */
        tell(&v, xml_local(xml_root(doc)), "does not fit the schema", rc, 0);
    arena_free(v.arena);
    if (rc < 0)
        return error_set(e, ERR_INTERNAL, "validation: libxml2 failed");
    return v.n > 0 ? error_set(e, ERR_INPUT, "%u violations of the schema", v.n) : ERR_OK;
}
