/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * XML Schema: compiled once, asked often. Tells which field a violation is about, so that order 329 item 3 can name
 * it; the words are our own, for those of libxml2 quote the value.
 */
#include "schema.h"

#include "loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIOLATIONS_MAX 100
/* Steps of repair per document: far more than a message of the service needs, a few milliseconds at the most. */
#define EXPLAIN_STEPS  20000

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
    const struct xml_schema *schema;
    const xmlNode *root;
    const xmlNode *last; /* reported last: a bad value is told of twice, as facet and as type */
    unsigned violations;
    unsigned budget;
    xml_violation_fn fn;
    void *arg;
};

struct finding {
    struct validation *v;
    const xmlError *error;
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

static void report(struct validation *v, const char *element, const char *words, const xmlError *error)
{
    char message[160];
    if (v->violations++ >= VIOLATIONS_MAX)
        return;
    snprintf(message, sizeof message, "%.64s: %s (libxml2 %d, line %d)", element, words, error->code, error->line);
    v->fn(v->arg, element, message);
}

static void on_child(void *arg, const char *local, bool is_missing)
{
    const struct finding *f = arg;
    report(f->v, local, is_missing ? "is missing" : "is not expected here", f->error);
}

/* libxml2 reports a wrong child on the child, a child missing at the end on the parent: only the words tell which. */
static bool is_about_child(const xmlError *error)
{
    return error->message == NULL || strstr(error->message, "Missing child element") == NULL;
}

static bool explain(struct validation *v, const xmlNode *n, const xmlError *error)
{
    const xmlNode *parent = is_about_child(error) ? n->parent : n;
    struct finding f = {.v = v, .error = error};
    if (error->code != XML_SCHEMAV_ELEMENT_CONTENT || parent == NULL || parent->type != XML_ELEMENT_NODE)
        return false;
    return schema_explain_children(v->schema, parent, &v->budget, on_child, &f);
}

static void on_violation(void *arg, xmlErrorPtr error)
{
    struct validation *v = arg;
    const xmlNode *n = error->node == NULL ? v->root : error->node;
    if (n->type == XML_ATTRIBUTE_NODE)
        n = n->parent;
    while (n->type != XML_ELEMENT_NODE && n->parent != NULL)
        n = n->parent;
    bool is_told = n == v->last;
    v->last = n;
    if (explain(v, n, error) || is_told)
        return;
    bool is_unexpected = error->code == XML_SCHEMAV_ELEMENT_CONTENT && is_about_child(error);
    report(v, text_of(n->name), is_unexpected ? "is not expected here" : words_of(error->code), error);
}

enum err xml_validate(const struct xml_schema *s, struct xml_doc *doc, xml_violation_fn fn, void *arg, struct error *e)
{
    struct validation v = {.schema = s, .budget = EXPLAIN_STEPS, .fn = fn, .arg = arg};
    v.root = node_of(xml_root(doc));
    xmlSchemaValidCtxtPtr ctxt = xmlSchemaNewValidCtxt(s->compiled);
    if (ctxt == NULL)
        return error_set(e, ERR_INTERNAL, "validation: out of memory");
    xmlSchemaSetValidStructuredErrors(ctxt, on_violation, &v);
    int rc = xmlSchemaValidateDoc(ctxt, (xmlDoc *)doc);
    xmlSchemaFreeValidCtxt(ctxt);
    if (rc < 0)
        return error_set(e, ERR_INTERNAL, "validation: libxml2 failed");
    if (rc == 0 && v.violations == 0)
        return ERR_OK;
    if (v.violations == 0) /* never a refusal without a field */
        fn(arg, text_of(v.root->name), "does not fit the schema");
    return error_set(e, ERR_INPUT, "%u violations of the schema", v.violations == 0 ? 1 : v.violations);
}
