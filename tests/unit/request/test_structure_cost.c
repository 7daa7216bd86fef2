/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What finding all wrong fields (M10) costs when the sender means harm: requests of as many elements as the limits
 * allow, none of which fits; and what the schema costs, should it be asked after all.
 */
#include "growth.h"
#include "request/structure.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int begin(void **state)
{
    return xml_fixture_begin(state, SOURCE_DIR "/schemas/equeue-bare.xsd");
}

#define E(name, content) "<" name ">" content "</" name ">"
#define REQUEST(name)    "<" name "Request xmlns='http://epgu.rtlabs.ru/equeue/ws/'>"
#define ID               E("bookId", "1")
#define SLOT             E("slotId", "s")
#define ORG              E("organizationId", "o")
#define TYPE             E("userType", "SIMPLE")
#define KIND             E("userKind", "PHYSIC")
#define ESIA             E("esiaId", "1")
#define PRE              E("preliminaryReservation", "false")
#define REST             ORG TYPE KIND ESIA
#define DOC(inside)      E("userDoc", E("Document", inside))
#define ATTR(inside)     E("attributes", E("Attribute", inside))

static void note(void *arg, const char *element, const char *message)
{
    unsigned *told = arg;
    assert_true(*element != '\0' && *message != '\0');
    (*told)++;
}

static double validate_ms(struct xml_fixture *f, const struct buf *b, enum booking_method method)
{
    struct arena *a = arena_new();
    struct xml_doc *doc = NULL;
    struct error e = {.code = ERR_OK};
    struct field_errors found = {.arena = a};
    struct structure s;
    unsigned told = 0;
    assert_int_equal(xml_prescan(buf_span(b), &xml_limits_default, &e), ERR_OK);
    assert_int_equal(xml_parse(a, buf_span(b), &doc, &e), ERR_OK);
    double from_ms = growth_now_ms();
    structure_check(xml_root(doc), method, &found, &s);
    assert_int_equal(xml_validate(f->schema, doc, note, &told, &e), ERR_INPUT);
    double ms = growth_now_ms() - from_ms;
    assert_in_range(found.n, 1, 100);
    assert_in_range(told, 1, 100);
    arena_free(a);
    return ms;
}

static const struct {
    const char *title, *head, *unit, *tail;
    unsigned n;
} garbage[] = {
    {"the same unknown", REQUEST("book"), "<u/>", "</bookRequest>", 49990},
    {"numbered unknown", REQUEST("book"), "<u%u/>", "</bookRequest>", 49990},
    {"slots, bookId missing", REQUEST("book"), SLOT, REST PRE "</bookRequest>", 49900},
    {"slots and unknown by turns", REQUEST("book") ID, SLOT "<u/>", REST PRE "</bookRequest>", 24900},
    {"bookId again and again", REQUEST("book"), ID, "</bookRequest>", 49990},
    {"names in the wrong order", REQUEST("book") ID SLOT REST, E("firstName", "x") E("lastName", "x"),
     PRE "</bookRequest>", 24900},
    {"names and unknown by turns", REQUEST("book") ID SLOT REST PRE, E("lastName", "x") "<u/>", "</bookRequest>",
     24900},
    {"empty attributes", REQUEST("book") ID SLOT REST PRE "<attributes>", "<Attribute/>", "</attributes></bookRequest>",
     49900},
    {"documents again and again", REQUEST("book") ID SLOT REST, DOC(E("docNumber", "")), PRE "</bookRequest>", 16600},
    {"values before names", REQUEST("book") ID SLOT REST PRE "<attributes>",
     E("Attribute", E("value", "") E("name", "")), "</attributes></bookRequest>", 16600},
    {"predicates without a kind", REQUEST("getSlots") ORG TYPE KIND ESIA "<filter><union>", E("subs", "<union/>"),
     "</union></filter></getSlotsRequest>", 24900},
    {"documents without a number", REQUEST("book") ID SLOT REST DOC("") PRE "<attributes>",
     E("Attribute", "<name/><value/><value/>"), "</attributes></bookRequest>", 12400},
    {"valid but for the last", REQUEST("book") ID SLOT REST PRE "<attributes>",
     E("Attribute", E("name", "n") E("value", "")), "</attributes><unknown/></bookRequest>", 16600},
    {"attributes again and again", REQUEST("book") ID SLOT REST PRE, ATTR(E("name", "")), "</bookRequest>", 16600},
};

struct heap {
    struct xml_fixture *f;
    unsigned kind;
};

static double heap_ms(void *arg, unsigned n)
{
    const struct heap *h = arg;
    struct arena *a = arena_new();
    struct buf b;
    buf_init(&b, a, 0);
    buf_add_str(&b, garbage[h->kind].head);
    for (unsigned k = 0; k < n; k++) {
        const char *number = strstr(garbage[h->kind].unit, "%u");
        buf_add_str(&b, number == NULL ? garbage[h->kind].unit : arena_printf(a, "<u%u/>", k));
    }
    buf_add_str(&b, garbage[h->kind].tail);
    bool is_book = strstr(garbage[h->kind].head, "bookRequest") != NULL;
    double ms = validate_ms(h->f, &b, is_book ? BOOKING_BOOK : BOOKING_GET_SLOTS);
    arena_free(a);
    return ms;
}

/* 50,000 elements of each cost some 40 ms more than one look of libxml2 at the most; and no heap grows faster than its
 * size. */
static void garbage_is_affordable(void **state)
{
    for (unsigned i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
        assert_true(growth_is_linear(heap_ms, &(struct heap){*state, i}, garbage[i].n, garbage[i].title));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_affordable),
    };
    return cmocka_run_group_tests(tests, begin, xml_fixture_end);
}
