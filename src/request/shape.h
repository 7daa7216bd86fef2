/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a request of each method is made of (order 329, Appendix 2): the table a lenient reading works from. It says
 * what schemas/equeue-types.xsd says, and a test compares the two; only the spellings of lenient callers are its own.
 */
#pragma once

#include "booking.h"

/* What a lenient reading knows about a field beside its name. */
enum shape_role {
    ROLE_NONE,
    ROLE_USER_KIND,   /* A31: may be missing */
    ROLE_VIEWER_TYPE, /* A10: whoever only looks may be anonymous */
    ROLE_STATUS,      /* A4: plain text may stand for the structure */
    ROLE_CONDITION,   /* A21: underscores do not count */
};

struct shape;
struct shape_child {
    const char *name;
    const char *alias;         /* another spelling in use; NULL: none */
    const struct shape *shape; /* NULL: text */
    const char *const *values; /* of text: the words it must be one of; NULL: any */
    bool is_many;
    bool is_beside; /* may stand before the child above as well (A30), in a strict reading too */
    enum shape_role role;
};
struct shape {
    const char *type; /* its name in the schema */
    const struct shape_child *children;
    unsigned n;
};
#define SHAPE_CHILDREN_MAX 32

const struct shape *shape_of_request(enum booking_method method);
/* A structure that only holds others of one kind: attributes/Attribute. NULL: it is not such a one. */
const struct shape_child *shape_item(const struct shape *shape);
/* The child of this name, in any case of its letters; -1: none. *is_exact: in this spelling. */
int shape_find(const struct shape *shape, const char *name, bool *is_exact);
/* ASCII letters in any case. */
bool shape_is_name(const char *a, const char *b);
