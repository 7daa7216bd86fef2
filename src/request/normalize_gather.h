/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a lenient reading sees of an element, and what it tells of it: the children by their place in the table of
 * fields, and every departure from the schema once. Nothing is written here. Part of normalize.c.
 */
#pragma once

#include "booking_fields.h"
#include "normalize.h"

struct normalizer {
    struct arena *arena;
    bool is_allowed[LENIENCY_COUNT];
    struct xml_node *at; /* what is being written; NULL: memory has run out */
    struct field_errors *fields;
    struct normalized *result;
    bool is_viewing; /* A10: whoever only looks may be anonymous */
    bool has_child;  /* result->children is settled */
    unsigned depth;
    bool is_too_deep, is_without_memory;
};

/* The children of one element, by their place in the shape. */
struct found {
    struct xml_node *node;
    struct found *next;
};
struct gathered {
    struct found *first[SHAPE_FIELDS_MAX], **last[SHAPE_FIELDS_MAX];
    unsigned n[SHAPE_FIELDS_MAX]; /* with those marked nil, which are not in the list */
};

/* A field that is wrong: error 1, once a field; more than the schema's check tells of are not told. */
void normalize_wrong(struct normalizer *z, const char *field, const char *message);
/* A departure is counted; one that is not allowed makes its field wrong. */
void normalize_depart(struct normalizer *z, enum leniency kind, const char *field);
/* An element that has no place. */
void normalize_depart_unknown(struct normalizer *z, const struct xml_node *node, const char *parent);
/* The departures of a child that has a place. */
void normalize_look_at_name(struct normalizer *z, const struct xml_node *node, const char *field, bool is_exact);

/* False: of a namespace that is none of the service's. */
bool normalize_namespace(const struct xml_node *node, enum soap_namespace *out);
bool normalize_is_called(const struct xml_node *node, const char *name); /* in any case, in any of these namespaces */
bool normalize_has_elements(struct xml_node *node);
bool normalize_has_text(struct normalizer *z, const struct xml_node *node); /* of its own, blanks apart */
const char *normalize_trimmed(struct arena *a, const char *s);
/* Marked nil: it is there to say that it is not. */
bool normalize_is_nil(struct normalizer *z, struct xml_node *node, const char *field);

void normalize_gather(struct normalizer *z, const struct shape *shape, struct xml_node *parent, const char *parent_name,
                      struct gathered *g);
