/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A compiled schema, and the questions libxml2 does not answer: which elements are missing, and what is wrong behind
 * the first one that does not fit?
 */
#pragma once

#include "xml_private.h"

#include <libxml/xmlschemas.h>

struct xml_schema {
    xmlSchemaPtr compiled; /* read only once compiled: threads share it */
};

/* ---- children against content models (schema_children.c) ---- */

struct schema_play {
    unsigned budget; /* steps that may still be made: repairs are tried out, and the input is hostile */
    /* token ("local|namespace") is missing before next (NULL: at the end). is_choice: others would do as well. */
    void (*on_missing)(void *arg, xmlNode *parent, xmlNode *next, const xmlChar *token, bool is_choice);
    /* The child does not belong there; it may be taken out. is_known: the parent has such children. */
    void (*on_unexpected)(void *arg, xmlNode *child, bool is_known);
    void *arg;
};

/* Gives the root its type (in psvi), if it has one. */
void schema_play_root(const struct xml_schema *s, xmlNode *root);
/*
 * Plays the children of an element that has a type through its content model, and gives them theirs. False when they do
 * not fit and nothing could be done about it, for the budget had been used up before.
 */
bool schema_play_children(struct schema_play *p, xmlNode *parent);

/* ---- documents without wrong children (schema_repair.c) ---- */

typedef void (*schema_tell_fn)(void *arg, const char *local, bool is_missing, const char *words, long line);

struct schema_repair;
/* Works on a copy. fn is told of each child that is missing or unexpected. NULL when out of memory. */
struct schema_repair *schema_repair_new(const struct xml_schema *s, const xmlDoc *doc, schema_tell_fn fn, void *arg);
void schema_repair_free(struct schema_repair *r);
/*
 * The next document to validate: the copy with its children put right, then what was taken out of it. NULL at the end.
 */
xmlDoc *schema_repair_next(struct schema_repair *r);
/* Put in by the repair: what is wrong with it, is no fault of the sender. */
bool schema_repair_is_ours(const xmlNode *n);
