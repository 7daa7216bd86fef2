/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Which child is missing, which too much? libxml2 stops at the first element that does not fit and lists at most ten
 * that would, the optional ones included: for a request whose last required field is absent the list does not even
 * contain it. So the children are played through the compiled content model once more; where the play stops we try
 * which elements, put in, let it go on.
 *
 * Costs are bounded by a budget of steps; when it is used up the children left are not looked at.
 */
#include "schema.h"

#include <libxml/hash.h>
#include <libxml/schemasInternals.h>
#include <libxml/xmlregexp.h>

#include <string.h>

#define EXPECTED_MAX 64  /* alternatives looked at in one place */
#define REPAIRS_MAX  16  /* elements put in before giving an element up as unexpected */
#define PUT_IN_MAX   256 /* of one parent */
#define NS_XSI       "http://www.w3.org/2001/XMLSchema-instance"

/* Elements that might come next. Tokens are libxml2's: "local|namespace", or "local". */
struct expected {
    const xmlChar *tokens[EXPECTED_MAX];
    size_t n;
};

/* The children of one element on their way through its content model. */
struct play {
    struct schema_play *of;
    struct arena *arena;
    xmlNode *parent;
    size_t n_children;
    xmlRegexpPtr model;
    const xmlChar **tokens; /* accepted or put in so far */
    size_t n, max;
    struct expected known;       /* all names the model was seen to expect anywhere */
    size_t before[EXPECTED_MAX]; /* the known name each was first seen behind; EXPECTED_MAX: it may come first */
};

static const xmlChar *href_of(const xmlNode *element)
{
    return element->ns == NULL ? NULL : element->ns->href;
}

static xmlNode *next_element(xmlNode *n)
{
    while (n != NULL && n->type != XML_ELEMENT_NODE)
        n = n->next;
    return n;
}

static bool is_token_of(const xmlChar *token, const xmlNode *element)
{
    size_t n = strlen(text_of(element->name));
    const xmlChar *href = href_of(element);
    if (strncmp(text_of(token), text_of(element->name), n) != 0)
        return false;
    return href == NULL ? token[n] == '\0' : token[n] == '|' && xmlStrEqual(token + n + 1, href);
}

static const xmlChar *token_new(struct arena *a, const xmlNode *element)
{
    const char *local = text_of(element->name);
    const xmlChar *href = href_of(element);
    return XML_CHARS(href == NULL ? local : arena_printf(a, "%s|%s", local, text_of(href)));
}

/* NULL: the model does not know the name. */
static const xmlChar *known_token(const struct play *p, const xmlNode *element)
{
    for (size_t i = 0; i < p->known.n; i++)
        if (is_token_of(p->known.tokens[i], element))
            return p->known.tokens[i];
    return NULL;
}

/* ---- playing ---- */

/* Plays what was accepted so far, then up to two tokens more; NULL when it does not go or the budget is used up. */
static xmlRegExecCtxtPtr play_through(const struct play *p, const xmlChar *one, const xmlChar *two)
{
    if (p->of->budget < p->n + 2) {
        p->of->budget = 0;
        return NULL;
    }
    p->of->budget -= (unsigned)p->n + 2;
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
static void play_learn(struct play *p, xmlRegExecCtxtPtr exec, size_t before)
{
    xmlChar *values[EXPECTED_MAX];
    int n = EXPECTED_MAX, negated = 0, terminal;
    if (exec == NULL || xmlRegExecNextValues(exec, &n, &negated, values, &terminal) != 0)
        return;
    for (int i = 0; i < n && p->known.n < EXPECTED_MAX; i++) {
        if (strchr(text_of(values[i]), '*') != NULL || is_among(&p->known, values[i]))
            continue;
        p->before[p->known.n] = before;
        p->known.tokens[p->known.n++] = values[i];
    }
}

static void play_learn_behind(struct play *p, size_t last)
{
    const xmlChar *way[EXPECTED_MAX];
    size_t at = EXPECTED_MAX;
    for (size_t i = last; i != EXPECTED_MAX; i = p->before[i])
        way[--at] = p->known.tokens[i];
    struct play there = *p;
    there.tokens = way + at;
    there.n = EXPECTED_MAX - at;
    xmlRegExecCtxtPtr exec = play_through(&there, NULL, NULL);
    play_learn(p, exec, last);
    xmlRegFreeExecCtxt(exec);
}

/* The names of the whole model: what may come first, and then what may come behind each of those. */
static void play_learn_all(struct play *p)
{
    play_learn_behind(p, EXPECTED_MAX);
    for (size_t i = 0; i < p->known.n; i++) /* known grows on the way */
        play_learn_behind(p, i);
}

/*
 * The elements that may follow. In a repeated choice libxml2 does not list what comes behind it, though it accepts it:
 * so every name known is tried.
 */
static void play_expected(struct play *p, struct expected *out)
{
    out->n = 0;
    for (size_t i = 0; i < p->known.n; i++)
        if (play_goes(p, NULL, p->known.tokens[i]))
            out->tokens[out->n++] = p->known.tokens[i];
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
        for (size_t k = set->n; leaves && k-- > 0;) /* from the end, where the required one stands */
            leaves = k == i || !play_goes(p, set->tokens[i], set->tokens[k]);
        if (leaves && found != NULL)
            return NULL;
        if (leaves)
            found = set->tokens[i];
    }
    return p->of->budget > p->n + 2 ? found : NULL;
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

/* Puts tokens in until next is accepted: in how many ways the last one could be chosen; 0 when next cannot be helped.
 */
static size_t play_put_in(struct play *p, const xmlChar *next)
{
    const xmlChar *put_in = NULL;
    size_t ways = 0;
    for (size_t i = 0; ways == 0 && i < REPAIRS_MAX && p->n + 1 < p->max; i++) {
        struct expected set;
        play_expected(p, &set);
        ways = repairs_of(p, &set, next, &put_in);
        if (ways == 0)
            put_in = required_of(p, &set);
        if (put_in == NULL)
            return 0;
        p->tokens[p->n++] = put_in;
    }
    return ways;
}

/* Of the tokens put in from first on, how many are there as children, only elsewhere? */
static unsigned count_elsewhere(struct play *p, size_t first)
{
    unsigned n = 0;
    for (size_t i = first; i < p->n && p->of->budget > p->n_children; i++) {
        p->of->budget -= (unsigned)p->n_children;
        xmlNode *c = next_element(p->parent->children);
        while (c != NULL && !is_token_of(p->tokens[i], c))
            c = next_element(c->next);
        n += c != NULL;
    }
    return n;
}

/*
 * Puts elements in until the child next (NULL: the end) is accepted, and tells of each. False, with nothing changed,
 * when next cannot be helped, or when it is plainly next that stands in the wrong place: several of those it would
 * need before it are there, elsewhere.
 */
static bool play_repair(struct play *p, const xmlChar *token, xmlNode *next)
{
    size_t n_before = p->n;
    size_t ways = play_put_in(p, token);
    if (ways == 0 || (next != NULL && count_elsewhere(p, n_before) > 1)) {
        p->n = n_before;
        return false;
    }
    for (size_t i = n_before; i < p->n; i++)
        p->of->on_missing(p->of->arg, p->parent, next, p->tokens[i], i + 1 == p->n && ways > 1);
    return true;
}

static void play_children(struct play *p)
{
    const xmlChar *refused = NULL; /* by the state we are still in */
    xmlRegExecCtxtPtr exec = NULL; /* NULL: to be brought there */
    xmlNode *next;
    for (xmlNode *c = next_element(p->parent->children); c != NULL; c = next) {
        next = next_element(c->next); /* c may go */
        const xmlChar *known = known_token(p, c);
        bool goes = false;
        if (refused == NULL || !is_token_of(refused, c)) {
            const xmlChar *token = known != NULL ? known : token_new(p->arena, c);
            if (exec == NULL && (exec = play_through(p, NULL, NULL)) == NULL)
                return;
            goes = xmlRegExecPushString(exec, token, NULL) >= 0;
            if (!goes) { /* exec stands where it failed and is of no more use */
                xmlRegFreeExecCtxt(exec);
                exec = NULL;
                goes = known != NULL && play_repair(p, token, c);
            }
            if (goes)
                p->tokens[p->n++] = token;
            refused = goes ? NULL : token;
        }
        if (!goes)
            p->of->on_unexpected(p->of->arg, c, known != NULL);
    }
    xmlRegFreeExecCtxt(exec);
    if (!play_goes(p, NULL, NULL))
        (void)play_repair(p, NULL, NULL);
}

/* ---- types: down from the root, one content model after the other ---- */

static xmlSchemaTypePtr type_of(xmlSchemaElementPtr declaration)
{
    return declaration == NULL || declaration->type != XML_SCHEMA_TYPE_ELEMENT ? NULL : declaration->subtypes;
}

static void note_type(xmlRegExecCtxtPtr exec, const xmlChar *token, void *declaration, void *element)
{
    (void)exec;
    (void)token;
    if (element != NULL)
        ((xmlNode *)element)->psvi = type_of(declaration);
}

/* True when the children fit as they are. Those that fit know their types from now on. */
static bool play_straight(xmlRegexpPtr model, xmlNode *parent)
{
    xmlRegExecCtxtPtr exec = xmlRegNewExecCtxt(model, note_type, NULL);
    bool goes = exec != NULL;
    for (xmlNode *c = next_element(parent->children); goes && c != NULL; c = next_element(c->next))
        goes = xmlRegExecPushString2(exec, c->name, href_of(c), c) >= 0;
    goes = goes && xmlRegExecPushString(exec, NULL, NULL) == 1;
    xmlRegFreeExecCtxt(exec);
    return goes;
}

void schema_play_root(const struct xml_schema *s, xmlNode *root)
{
    if (xmlStrEqual(href_of(root), s->compiled->targetNamespace))
        root->psvi = type_of(xmlHashLookup(s->compiled->elemDecl, root->name));
}

static void repair_children(struct schema_play *of, xmlRegexpPtr model, xmlNode *parent)
{
    struct play play = {.of = of, .arena = arena_new(), .parent = parent, .model = model};
    for (const xmlNode *c = next_element(parent->children); c != NULL; c = next_element(c->next))
        play.n_children++;
    play.max = play.n_children + PUT_IN_MAX;
    play.tokens = arena_array(play.arena, play.max, sizeof *play.tokens);
    play_learn_all(&play);
    play_children(&play);
    arena_free(play.arena);
}

bool schema_play_children(struct schema_play *of, xmlNode *parent)
{
    xmlSchemaTypePtr type = parent->psvi;
    if (type == NULL || type->contModel == NULL || xmlHasNsProp(parent, XML_CHARS("type"), XML_CHARS(NS_XSI)) != NULL)
        return true;
    if (play_straight(type->contModel, parent))
        return true;
    if (of->budget == 0)
        return false;
    repair_children(of, type->contModel, parent);
    (void)play_straight(type->contModel, parent);
    return true;
}
