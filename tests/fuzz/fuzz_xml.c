/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The way of foreign bytes through the XML module. What must hold for any input:
 *  - a document that the gate and the parser let through keeps to the limits when it is counted in the tree, and has no
 *    document type, no processing instruction and no entity in its canonical form;
 *  - the canonical form passes gate and parser again and is its own canonical form;
 *  - taking the children into another document does not change their octets;
 *  - validation ends, and refuses only with a field.
 */
#include "xml.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "does not hold: %s\n", #condition);                                                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Small, so that short inputs reach them. */
static const struct xml_limits limits = {
    .size_max_bytes = 65536,
    .start_tag_max_bytes = 256,
    .attributes_max = 6,
    .namespaces_max = 5,
    .namespace_max_bytes = 64,
    .depth_max = 6,
    .elements_max = 40,
    .name_max_bytes = 24,
};

static struct arena *for_ever; /* still pointed to at exit, so no leak */
static struct xml_schema *schema;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct error e = {.code = ERR_OK};
    xml_init();
    for_ever = arena_new();
    MUST(xml_schema_load(for_ever, SOURCE_DIR "/tests/unit/xml/vectors/schema/booking.xsd", &schema, &e) == ERR_OK);
    return 0;
}

static bool count_attribute(void *arg, const char *ns, const char *local, const char *value)
{
    unsigned *n = arg;
    (void)ns;
    MUST(strlen(local) <= limits.name_max_bytes && value != NULL);
    (*n)++;
    return true;
}

static unsigned depth_of(struct xml_node *n)
{
    unsigned depth = 1;
    while ((n = xml_parent(n)) != NULL)
        depth++;
    return depth;
}

static void check_limits(struct xml_node *root)
{
    unsigned elements = 0, attributes = 0;
    for (struct xml_node *at = root; at != NULL; at = xml_walk(root, at)) {
        unsigned own = 0;
        elements++;
        MUST(depth_of(at) <= limits.depth_max);
        MUST(strlen(xml_local(at)) <= limits.name_max_bytes);
        MUST(xml_ns(at) == NULL || strlen(xml_ns(at)) <= limits.namespace_max_bytes);
        xml_each_attr(at, count_attribute, &own);
        MUST(own <= limits.attributes_max);
        attributes += own;
    }
    MUST(elements <= limits.elements_max && attributes <= limits.elements_max);
}

/* Reading must not fall over; whatever xml_text() gives has no elements or comments in it. */
static void check_reading(struct arena *a, struct xml_node *root)
{
    for (struct xml_node *at = root; at != NULL; at = xml_walk(root, at)) {
        const char *text = xml_text(a, at);
        MUST(text == NULL || (xml_first(at, NULL, NULL) == NULL && !xml_has_comments(at)));
        MUST(xml_attr(a, at, "urn:none", "none") == NULL);
        (void)xml_has_stray_text(at);
    }
}

static bool canonical(struct arena *a, const struct xml_node *n, const char *const *prefixes, struct span *out)
{
    struct buf b;
    struct error e = {.code = ERR_OK};
    buf_init(&b, a, 256);
    enum err rc = xml_c14n(n, prefixes, &b, &e);
    MUST(rc == ERR_OK || rc == ERR_MALFORMED);
    *out = buf_span(&b);
    return rc == ERR_OK;
}

static void check_canonical(struct arena *a, struct xml_node *root)
{
    static const char *const prefixes[] = {"p", "#default", NULL};
    static const struct xml_limits wide = {
        .size_max_bytes = 1U << 24,
        .start_tag_max_bytes = 1U << 24,
        .attributes_max = 1U << 16,
        .namespaces_max = 1U << 16,
        .namespace_max_bytes = 1U << 16,
        .depth_max = 256,
        .elements_max = 1U << 16,
        .name_max_bytes = 1U << 16,
    };
    struct span first, second, third;
    struct xml_doc *again = NULL;
    struct error e = {.code = ERR_OK};
    if (!canonical(a, root, NULL, &first))
        return;
    MUST(xml_prescan(first, &wide, &e) == ERR_OK);
    MUST(xml_parse(a, first, &again, &e) == ERR_OK);
    MUST(!xml_has_comments(xml_root(again)));
    MUST(canonical(a, xml_root(again), NULL, &second));
    MUST(span_equals(first, second));
    (void)canonical(a, root, prefixes, &third);
}

static void note_field(void *arg, const char *element, const char *message)
{
    unsigned *n = arg;
    MUST(*element != '\0' && *message != '\0');
    (*n)++;
}

static void check_validation(struct xml_doc *doc)
{
    unsigned n = 0;
    struct error e = {.code = ERR_OK};
    enum err rc = xml_validate(schema, doc, note_field, &n, &e);
    MUST((rc == ERR_OK && n == 0) || (rc == ERR_INPUT && n > 0 && n <= 100));
}

static bool add_children(struct arena *a, struct xml_node *parent, struct buf *out)
{
    for (struct xml_node *c = xml_first(parent, NULL, NULL); c != NULL; c = xml_next(c, NULL, NULL)) {
        struct span octets;
        if (!canonical(a, c, NULL, &octets))
            return false;
        buf_add_span(out, octets);
    }
    return true;
}

static void check_regraft(struct arena *a, struct xml_node *root)
{
    struct xml_node *content = xml_first(root, NULL, NULL);
    struct xml_doc *bare = NULL;
    struct buf before, after;
    struct error e = {.code = ERR_OK};
    if (content == NULL)
        return;
    buf_init(&before, a, 256);
    buf_init(&after, a, 256);
    bool has_form = add_children(a, content, &before);
    MUST(xml_regraft(a, content, "urn:test:booking", "bookRequest", &bare, &e) == ERR_OK);
    MUST(xml_first(content, NULL, NULL) == NULL);
    if (add_children(a, xml_root(bare), &after) && has_form)
        MUST(span_equals(buf_span(&before), buf_span(&after)));
    check_validation(bare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct span bytes = {(const char *)data, size};
    struct xml_doc *doc = NULL;
    struct error e = {.code = ERR_OK};
    if (size == 0)
        bytes.p = NULL;
    enum err gate = xml_prescan(bytes, &limits, &e);
    e.code = ERR_OK;
    enum err parser = xml_parse(a, bytes, &doc, &e);
    MUST((parser == ERR_OK) == (doc != NULL));
    MUST(gate != ERR_DOCTYPE || parser != ERR_OK);
    if (gate == ERR_OK && parser == ERR_OK) {
        check_limits(xml_root(doc));
        check_reading(a, xml_root(doc));
        check_canonical(a, xml_root(doc));
        check_validation(doc);
        check_regraft(a, xml_root(doc));
    }
    arena_free(a);
    return 0;
}
