/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Which child is missing? libxml2 stops at the first element that does not fit and lists at most ten that would, the
 * optional ones included: for a request whose last required field is absent the list does not even contain it. So the
 * children are played through the compiled content model once more; where the play stops we try which elements, put
 * in, let it go on.
 *
 * Costs are bounded by a budget of steps; when it is used up nothing more is said.
 */
#include "schema.h"

#include <libxml/hash.h>
#include <libxml/schemasInternals.h>
#include <libxml/xmlregexp.h>

#include <string.h>

#define EXPECTED_MAX 64 /* alternatives looked at in one place */
#define REPAIRS_MAX  16 /* elements put in before giving an element up as unexpected */
#define DEPTH_MAX    256
#define NS_XSI       "http://www.w3.org/2001/XMLSchema-instance"

/* Elements that might come next. */
struct expected {
    const xmlChar *tokens[EXPECTED_MAX];
    size_t n;
};

/* The children of one element on their way through its content model. */
struct play {
    struct arena *arena;
    xmlRegexpPtr model;
    const xmlChar **tokens; /* accepted or put in so far; each "local|namespace", or "local" */
    size_t n;
    unsigned *budget;
    struct expected known; /* all names the model was seen to expect anywhere */
    schema_children_fn fn;
    void *arg;
};

static const xmlChar *token_of(struct arena *a, const xmlNode *element)
{
    const char *local = text_of(element->name);
    return XML_CHARS(element->ns == NULL ? local : arena_printf(a, "%s|%s", local, text_of(element->ns->href)));
}

static const char *token_local(struct arena *a, const xmlChar *token)
{
    return arena_strndup(a, text_of(token), strcspn(text_of(token), "|"));
}

static const xmlNode *next_element(const xmlNode *n)
{
    while (n != NULL && n->type != XML_ELEMENT_NODE)
        n = n->next;
    return n;
}

/* ---- playing ---- */

/* Plays what was accepted so far, then up to two tokens more; NULL when it does not go or the budget is used up. */
static xmlRegExecCtxtPtr play_through(const struct play *p, const xmlChar *one, const xmlChar *two)
{
    if (*p->budget < p->n + 2)
        return NULL;
    *p->budget -= (unsigned)p->n + 2;
    xmlRegExecCtxtPtr exec = xmlRegNewExecCtxt(p->model, NULL, NULL);
    bool goes = exec != NULL;
    for (size_t i = 0; goes && i < p->n; i++)
        goes = xmlRegExecPushString(exec, p->tokens[i], NULL) >= 0;
    goes = goes && (one == NULL || xmlRegExecPushString(exec, one, NULL) >= 0);
    goes = goes && (two == NULL || xmlRegExecPushString(exec, two, NULL) >= 0);
    if (goes)
        return exec;
    xmlRegFreeExecCtxt(exec);
    return NULL;
}

/* Does it go on with put_in (NULL: nothing) and then next? next NULL means the end of the parent. */
static bool play_goes(const struct play *p, const xmlChar *put_in, const xmlChar *next)
{
    xmlRegExecCtxtPtr exec = play_through(p, put_in, next);
    bool goes = exec != NULL && (next != NULL || xmlRegExecPushString(exec, NULL, NULL) == 1);
    xmlRegFreeExecCtxt(exec);
    return goes;
}

static bool is_among(const struct expected *set, const xmlChar *token)
{
    for (size_t i = 0; i < set->n; i++)
        if (xmlStrEqual(set->tokens[i], token))
            return true;
    return false;
}

/* Wildcards are no names and are left out. The strings are the model's and stay. */
static void play_learn(struct play *p, xmlRegExecCtxtPtr exec)
{
    xmlChar *values[EXPECTED_MAX];
    int n = EXPECTED_MAX, negated = 0, terminal;
    if (exec == NULL || xmlRegExecNextValues(exec, &n, &negated, values, &terminal) != 0)
        return;
    for (int i = 0; i < n && p->known.n < EXPECTED_MAX; i++)
        if (strchr(text_of(values[i]), '*') == NULL && !is_among(&p->known, values[i]))
            p->known.tokens[p->known.n++] = values[i];
}

/*
 * The elements that may follow. In a repeated choice libxml2 does not list what comes behind it, though it accepts it:
 * so every name seen so far is tried.
 */
static void play_expected(struct play *p, struct expected *out)
{
    xmlRegExecCtxtPtr exec = play_through(p, NULL, NULL);
    play_learn(p, exec);
    xmlRegFreeExecCtxt(exec);
    out->n = 0;
    for (size_t i = 0; i < p->known.n; i++) { /* known grows on the way */
        exec = play_through(p, p->known.tokens[i], NULL);
        play_learn(p, exec);
        if (exec != NULL)
            out->tokens[out->n++] = p->known.tokens[i];
        xmlRegFreeExecCtxt(exec);
    }
}

/* ---- repairing ---- */

/*
 * The alternative that leaves the others behind: after an optional element the rest of its run may still follow, after
 * the required one none. NULL when there is not exactly one such.
 */
static const xmlChar *required_of(const struct play *p, const struct expected *set)
{
    const xmlChar *found = NULL;
    for (size_t i = 0; i < set->n; i++) {
        bool leaves = true;
        for (size_t k = 0; leaves && k < set->n; k++)
            leaves = k == i || !play_goes(p, set->tokens[i], set->tokens[k]);
        if (leaves && found != NULL)
            return NULL;
        if (leaves)
            found = set->tokens[i];
    }
    return *p->budget > p->n + 2 ? found : NULL;
}

/* The alternatives that, put in, let next follow at once: how many, and the first of them. */
static size_t repairs_of(const struct play *p, const struct expected *set, const xmlChar *next, const xmlChar **first)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++) {
        if (!play_goes(p, set->tokens[i], next))
            continue;
        if (n++ == 0)
            *first = set->tokens[i];
    }
    return n;
}

/*
 * Puts elements in until next is accepted, and tells of each. parent is named instead when one of several would do: a
 * choice has no name of its own. False, with nothing changed, when next cannot be helped.
 */
static bool play_repair(struct play *p, const xmlChar *next, const char *parent)
{
    size_t n_before = p->n;
    const xmlChar *put_in = NULL;
    size_t ways = 0;
    while (ways == 0 && p->n - n_before < REPAIRS_MAX) {
        struct expected set;
        play_expected(p, &set);
        ways = repairs_of(p, &set, next, &put_in);
        if (ways == 0)
            put_in = required_of(p, &set);
        if (put_in == NULL)
            break;
        p->tokens[p->n++] = put_in;
    }
    if (ways == 0) {
        p->n = n_before;
        return false;
    }
    for (size_t i = n_before; i < p->n; i++)
        p->fn(p->arg, i + 1 == p->n && ways > 1 ? parent : token_local(p->arena, p->tokens[i]), true);
    return true;
}

static xmlRegExecCtxtPtr play_again(const struct play *p, xmlRegExecCtxtPtr failed)
{
    xmlRegFreeExecCtxt(failed); /* it stands where it failed */
    return play_through(p, NULL, NULL);
}

static void play_children(struct play *p, const xmlNode *parent, size_t n_children)
{
    const char *name = text_of(parent->name);
    const xmlChar *last = NULL;
    p->tokens = arena_array(p->arena, (n_children + 1) * (REPAIRS_MAX + 1), sizeof *p->tokens);
    xmlRegExecCtxtPtr exec = play_through(p, NULL, NULL);
    play_learn(p, exec);
    for (const xmlNode *c = next_element(parent->children); exec != NULL && c != NULL; c = next_element(c->next)) {
        const xmlChar *token = token_of(p->arena, c);
        bool goes = xmlRegExecPushString(exec, token, NULL) >= 0;
        if (goes || play_repair(p, token, name))
            p->tokens[p->n++] = token;
        else
            p->fn(p->arg, text_of(c->name), false);
        if (!goes)
            exec = play_again(p, exec);
        else if (!xmlStrEqual(token, last)) /* a long list teaches nothing new */
            play_learn(p, exec);
        last = token;
    }
    if (exec != NULL && !play_goes(p, NULL, NULL))
        (void)play_repair(p, NULL, name);
    xmlRegFreeExecCtxt(exec);
}

/* ---- the type of an element: down from the root, one content model after the other ---- */

static void note_declaration(xmlRegExecCtxtPtr exec, const xmlChar *token, void *declaration, void *out)
{
    (void)exec;
    (void)token;
    if (out != NULL)
        *(xmlSchemaElementPtr *)out = declaration;
}

/* The declaration of child in the type of its parent; NULL when the play does not come that far. */
static xmlSchemaElementPtr declaration_below(struct arena *a, xmlSchemaTypePtr type, const xmlNode *child,
                                             unsigned *budget)
{
    xmlSchemaElementPtr found = NULL;
    if (type->contModel == NULL)
        return NULL;
    xmlRegExecCtxtPtr exec = xmlRegNewExecCtxt(type->contModel, note_declaration, NULL);
    bool goes = exec != NULL;
    for (const xmlNode *c = next_element(child->parent->children); goes; c = next_element(c->next)) {
        goes = *budget > 0 && xmlRegExecPushString(exec, token_of(a, c), c == child ? &found : NULL) >= 0 && c != child;
        *budget -= *budget > 0;
    }
    xmlRegFreeExecCtxt(exec);
    return found;
}

static xmlSchemaTypePtr type_of(xmlSchemaElementPtr declaration)
{
    return declaration == NULL || declaration->type != XML_SCHEMA_TYPE_ELEMENT ? NULL : declaration->subtypes;
}

static xmlSchemaTypePtr type_of_root(const struct xml_schema *s, const xmlNode *root)
{
    const xmlChar *ns = root->ns == NULL ? NULL : root->ns->href;
    if (!xmlStrEqual(ns, s->compiled->targetNamespace))
        return NULL;
    return type_of(xmlHashLookup(s->compiled->elemDecl, root->name));
}

static xmlSchemaTypePtr type_of_node(struct arena *a, const struct xml_schema *s, const xmlNode *n, unsigned *budget)
{
    const xmlNode *path[DEPTH_MAX];
    size_t depth = 0;
    for (; n != NULL && n->type == XML_ELEMENT_NODE; n = n->parent) {
        if (depth == DEPTH_MAX || xmlHasNsProp(n, XML_CHARS("type"), XML_CHARS(NS_XSI)) != NULL)
            return NULL;
        path[depth++] = n;
    }
    if (depth == 0)
        return NULL;
    xmlSchemaTypePtr type = type_of_root(s, path[--depth]);
    while (type != NULL && depth > 0)
        type = type_of(declaration_below(a, type, path[--depth], budget));
    return type;
}

struct telling {
    schema_children_fn fn;
    void *arg;
    unsigned told;
};

static void count_and_tell(void *arg, const char *local, bool is_missing)
{
    struct telling *t = arg;
    t->told++;
    t->fn(t->arg, local, is_missing);
}

bool schema_explain_children(const struct xml_schema *s, const xmlNode *parent, unsigned *budget, schema_children_fn fn,
                             void *arg)
{
    struct arena *a = arena_new();
    struct telling telling = {.fn = fn, .arg = arg};
    xmlSchemaTypePtr type = type_of_node(a, s, parent, budget);
    size_t n_children = 0;
    for (const xmlNode *c = next_element(parent->children); c != NULL; c = next_element(c->next))
        n_children++;
    if (type != NULL && type->contModel != NULL && n_children < *budget) {
        struct play play = {
            .arena = a, .model = type->contModel, .budget = budget, .fn = count_and_tell, .arg = &telling};
        play_children(&play, parent, n_children);
    }
    arena_free(a);
    return telling.told > 0;
}
