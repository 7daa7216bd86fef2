/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Bytes to documents and back, within limits. The only user of libxml2. Safe on any thread; one document belongs to
 * one thread at a time.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct xml_doc;
struct xml_node; /* an element, always */
struct xml_schema;

void xml_init(void); /* once, before any thread */
void xml_fini(void);

/* ---- prescan: what is refused before libxml2 sees a byte (facts: quadratic attribute and namespace costs) ---- */

struct xml_limits {
    size_t size_max_bytes;        /* of the whole message */
    size_t start_tag_max_bytes;   /* 32 KiB */
    unsigned attributes_max;      /* of one start tag: 256; of all open elements together twice as many */
    unsigned namespaces_max;      /* xmlns declarations in scope at once: 64 */
    unsigned namespace_max_bytes; /* of the name in one of them: 256; it may be written again at each element */
    unsigned depth_max;           /* 64; 256 at the most */
    unsigned elements_max;        /* 50,000, comments and CDATA sections included; and as many attributes */
    unsigned name_max_bytes;      /* of one name: 1,024 */
};
extern const struct xml_limits xml_limits_default;

/*
 * One pass over the bytes, no memory. Refuses: not UTF-8 (overlong forms, surrogates, other encodings by BOM, by
 * declaration or by NUL bytes: ERR_ENCODING), control characters, DOCTYPE (ERR_DOCTYPE), processing instructions
 * other than the XML declaration, entity references other than the five and characters (ERR_MALFORMED), and anything
 * over a limit (ERR_LIMIT). A UTF-8 BOM is let through. What passes may still be malformed: xml_parse() decides.
 */
MUST_CHECK enum err xml_prescan(struct span bytes, const struct xml_limits *limits, struct error *e);

/* ---- documents ---- */

/*
 * No network, no DTD (ERR_DOCTYPE), no entities, no huge nodes, no undeclared prefixes (ERR_MALFORMED). The document is
 * freed with a. Call xml_prescan() first.
 */
MUST_CHECK enum err xml_parse(struct arena *a, struct span bytes, struct xml_doc **out, struct error *e);
struct xml_node *xml_root(struct xml_doc *doc);
size_t xml_parsed_bytes(const struct xml_node *node); /* of which its document was made; 0: it was not parsed */
/* Frees all documents of a now: they are some ten times as large as their octets. Names of nodes go with them. */
void xml_docs_free(struct arena *a);

/* Element children in document order; ns or local NULL means any. NULL when there is none. */
struct xml_node *xml_first(struct xml_node *parent, const char *ns, const char *local);
struct xml_node *xml_next(struct xml_node *node, const char *ns, const char *local);
struct xml_node *xml_parent(struct xml_node *node); /* NULL for the root */
/* Next element in document order below top (top itself is never returned); start with at == top. NULL at the end. */
struct xml_node *xml_walk(struct xml_node *top, struct xml_node *at);
unsigned xml_count(struct xml_node *parent, const char *ns, const char *local);
bool xml_is(const struct xml_node *node, const char *ns, const char *local);
const char *xml_local(const struct xml_node *node);
const char *xml_ns(const struct xml_node *node);     /* NULL: no namespace */
const char *xml_prefix(const struct xml_node *node); /* NULL: default */
/* Value of an attribute; ns NULL means: in no namespace. NULL when absent. Copied into a. */
const char *xml_attr(struct arena *a, const struct xml_node *node, const char *ns, const char *local);
/* Calls fn for each attribute until it returns false; values are valid during the call only. */
void xml_each_attr(const struct xml_node *node,
                   bool (*fn)(void *arg, const char *ns, const char *local, const char *value), void *arg);
/* The text, CDATA included, of an element with nothing else in it ("" when empty); NULL with elements or comments. */
const char *xml_text(struct arena *a, const struct xml_node *node);
/* The text and CDATA directly below the element, elements and comments left out; "" when there is none. */
const char *xml_own_text(struct arena *a, const struct xml_node *node);
/* The same, without a copy where it stands in one piece: it goes with the document then. */
const char *xml_peek_text(struct arena *a, const struct xml_node *node);
/* True when there is text between the elements, as XML Schema sees it: anything but blanks, or a CDATA section. */
bool xml_has_words(const struct xml_node *node);
/* True when there is non-blank text, a comment or a CDATA section directly below the element. */
bool xml_has_stray_text(const struct xml_node *node);
bool xml_has_comments(const struct xml_node *node); /* anywhere below */
long xml_line(const struct xml_node *node);

/*
 * Exclusive canonical form (without comments) of the subtree, as http://www.w3.org/2001/10/xml-exc-c14n# has it.
 * inclusive_prefixes: NULL, or a NULL-ended list (InclusiveNamespaces PrefixList; "#default" for the default one) of at
 * most 32 (ERR_LIMIT). Added to out. ERR_MALFORMED when there is no canonical form: a relative namespace name.
 */
MUST_CHECK enum err xml_c14n(const struct xml_node *node, const char *const *inclusive_prefixes, struct buf *out,
                             struct error *e);

/*
 * A new document whose root is {ns}local (prefix "eq") and holds the element children of `content` with their
 * namespaces put in order: what was declared around them is declared on the root. `content` loses them. Used to peel
 * the SMEV frame off. The result is freed with a.
 */
MUST_CHECK enum err xml_regraft(struct arena *a, struct xml_node *content, const char *ns, const char *local,
                                struct xml_doc **out, struct error *e);

/*
 * A new document with an empty root {ns}local (prefix "eq"), which shares the names of another one; freed with a. */
MUST_CHECK enum err xml_build(struct arena *a, const struct xml_node *beside, const char *ns, const char *local,
                              struct xml_doc **out, struct error *e);
/* A new last child, in the namespace of its parent, with this text (NULL: none). NULL when out of memory or parent is.
 */
struct xml_node *xml_add(struct xml_node *parent, const char *local, const char *text);
/*
 * Puts the child elements of parent, in their order, into a new one of this name, its last child and in its namespace;
 * text and comments stay. The new one, or NULL when out of memory, and all is as it was.
 */
struct xml_node *xml_enclose(struct xml_node *parent, const char *local);
/* Puts this text in place of all that the element holds. False when out of memory, or it is longer than INT_MAX. */
MUST_CHECK bool xml_put_text(struct xml_node *node, struct span text);
/* Takes an element out, with all in it. NULL: nothing to do. */
void xml_drop(struct xml_node *node);
/* Takes an attribute off, if it is there; ns NULL means: in no namespace. */
void xml_drop_attr(struct xml_node *node, const char *ns, const char *local);
/* Another local name, in the same namespace. */
void xml_rename(struct xml_node *node, const char *local);

/* ---- schemas ---- */

/* Compiles an XSD from a file; its includes and imports are read from the same directory only. Shared by all threads.
 */
MUST_CHECK enum err xml_schema_load(struct arena *a, const char *path, struct xml_schema **out, struct error *e);

/*
 * Told of an element once: the local name of the one nearest to the violation, and the message for the log, without any
 * content. What stands behind a wrong child is not looked at: whoever wants all that is wrong must know the fields.
 */
typedef void (*xml_violation_fn)(void *arg, const char *element, const char *message);
/*
 * ERR_OK when the document is valid; ERR_INPUT otherwise, after on_violation was called at least once (at most 100
 * times). The document stays as it is.
 */
MUST_CHECK enum err xml_validate(const struct xml_schema *s, struct xml_doc *doc, xml_violation_fn on_violation,
                                 void *arg, struct error *e);
