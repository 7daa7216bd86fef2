/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* L2, M10: every value, list and tree of a request is judged by its bound before there is a call for SQL. */
#include "booking_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAR_BYTES  (800 * 1024)
#define MARKS_MOST 30 /* UAX #15 */

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

/* What the table says of one field; type NULL: of the request itself. */
struct bound {
    const char *type, *element;
    unsigned length, count;
    bool is_line;
};

/* A request of the first method that has the element, with the value in it; false: nothing of it goes beyond a word. */
struct filled {
    struct booking_request r;
    struct user_document doc;
    struct time_slot slot;
    struct attribute attribute;
    struct predicate simple;
    struct predicate top;
};

static const char **text_of(struct filled *x, const char *type, const char *element)
{
    struct applicant *p = &x->r.applicant;
    const struct {
        const char *type, *element;
        const char **at;
        enum booking_method method;
    } all[] = {
        {NULL, "bookId", &x->r.book_id, BOOKING_BOOK},
        {NULL, "esiaId", &x->r.esia_id, BOOKING_BOOK},
        {NULL, "userType", &x->r.user_type, BOOKING_BOOK},
        {NULL, "userKind", &x->r.user_kind, BOOKING_BOOK},
        {NULL, "lastName", &p->last_name, BOOKING_BOOK},
        {NULL, "firstName", &p->first_name, BOOKING_BOOK},
        {NULL, "middleName", &p->middle_name, BOOKING_GET_SLOTS},
        {NULL, "email", &p->email, BOOKING_BOOK},
        {NULL, "mobilePhone", &p->mobile_phone, BOOKING_BOOK},
        {NULL, "userSnils", &p->user_snils, BOOKING_BOOK},
        {NULL, "userLogin", &p->user_login, BOOKING_BOOK},
        {NULL, "userINN", &p->user_inn, BOOKING_BOOK},
        {NULL, "businessINN", &p->business_inn, BOOKING_BOOK},
        {NULL, "businessOGRN", &p->business_ogrn, BOOKING_BOOK},
        {NULL, "businessName", &p->business_name, BOOKING_BOOK},
        {NULL, "caseNumber", &p->case_number, BOOKING_BOOK},
        {NULL, "preliminaryReservationPeriod", &x->r.preliminary_period_min, BOOKING_BOOK},
        {NULL, "parentRefItemValue", &x->r.parent_ref_item_value, BOOKING_GET_REF_ITEMS_LIST},
        {NULL, "treeFiltering", &x->r.tree_filtering, BOOKING_GET_REF_ITEMS_LIST},
        {NULL, "pageNum", &x->r.page_num, BOOKING_GET_REF_ITEMS_LIST},
        {NULL, "pageSize", &x->r.page_size, BOOKING_GET_REF_ITEMS_LIST},
        {NULL, "version", &x->r.version, BOOKING_GET_REF_ITEMS_LIST},
        {"Status", "statusCode", &x->r.status_code, BOOKING_UPDATE_BOOKING_DETAILS},
        {"Status", "statusMessage", &x->r.status_message, BOOKING_UPDATE_BOOKING_DETAILS},
        {"UserDocument", "docType", &x->doc.doc_type, BOOKING_BOOK},
        {"UserDocument", "docSeries", &x->doc.doc_series, BOOKING_BOOK},
        {"UserDocument", "docNumber", &x->doc.doc_number, BOOKING_BOOK},
        {"UserDocument", "issueDate", &x->doc.issue_date, BOOKING_BOOK},
        {"UserDocument", "validDate", &x->doc.valid_date, BOOKING_BOOK},
        {"UserDocument", "issuedBy", &x->doc.issued_by, BOOKING_BOOK},
        {"UserDocument", "issueDept", &x->doc.issue_dept, BOOKING_BOOK},
        {"TimeSlot", "slotId", &x->slot.slot_id, BOOKING_UPDATE_BOOKING_DETAILS},
        {"TimeSlot", "serviceId", &x->slot.service_id, BOOKING_UPDATE_BOOKING_DETAILS},
        {"TimeSlot", "organizationId", &x->slot.organization_id, BOOKING_UPDATE_BOOKING_DETAILS},
        {"TimeSlot", "areaId", &x->slot.area_id, BOOKING_UPDATE_BOOKING_DETAILS},
        {"TimeSlot", "visitTime", &x->slot.visit_time, BOOKING_UPDATE_BOOKING_DETAILS},
        {"TimeSlot", "bookEndTime", &x->slot.book_end_time, BOOKING_UPDATE_BOOKING_DETAILS},
        {"TimeSlot", "queueNumber", &x->slot.queue_number, BOOKING_UPDATE_BOOKING_DETAILS},
        {"TimeSlot", "duration", &x->slot.duration, BOOKING_UPDATE_BOOKING_DETAILS},
        {"Attribute", "name", &x->attribute.name, BOOKING_BOOK},
        {"Attribute", "value", &x->attribute.value, BOOKING_GET_SLOTS},
        {"SimplePredicate", "attributeName", &x->simple.attribute_name, BOOKING_GET_SLOTS},
        {"SimplePredicate", "condition", &x->simple.condition, BOOKING_GET_SLOTS},
        {"SimplePredicate", "value", &x->simple.value, BOOKING_GET_REF_ITEMS_LIST},
        {"LogicalUnionPredicate", "unionKind", &x->top.union_kind, BOOKING_GET_SLOTS},
    };
    *x = (struct filled){0};
    x->simple =
        (struct predicate){.kind = PREDICATE_SIMPLE, .attribute_name = "a", .condition = "equals", .value = "b"};
    x->top = (struct predicate){.kind = PREDICATE_UNION, .union_kind = "OR", .subs = &x->simple, .nsubs = 1};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        bool same_type = type == NULL ? all[i].type == NULL : all[i].type != NULL && strcmp(type, all[i].type) == 0;
        if (!same_type || strcmp(element, all[i].element) != 0)
            continue;
        x->r.method = all[i].method;
        if (type != NULL && strcmp(type, "UserDocument") == 0)
            p->user_doc = &x->doc;
        if (type != NULL && strcmp(type, "TimeSlot") == 0)
            x->r.timeslot = &x->slot;
        if (type != NULL && strcmp(type, "Attribute") == 0)
            x->r.attributes = (struct attributes){&x->attribute, 1};
        if (type != NULL && strstr(type, "Predicate") != NULL)
            x->r.filter = &x->top;
        return all[i].at;
    }
    return NULL;
}

static struct strings *list_of(struct filled *x, const char *element)
{
    const struct {
        const char *element;
        struct strings *at;
        enum booking_method method;
    } all[] = {
        {"slotId", &x->r.slot_ids, BOOKING_BOOK},
        {"organizationId", &x->r.organization_ids, BOOKING_GET_SLOTS},
        {"serviceId", &x->r.service_ids, BOOKING_GET_SLOTS},
        {"areaId", &x->r.area_ids, BOOKING_BOOK},
        {"refNames", &x->r.ref_names, BOOKING_GET_REF_ATTRIBUTES_LIST},
        {"refName", &x->r.ref_names, BOOKING_GET_REF_ITEMS_LIST},
        {"selectAttributes", &x->r.select_attributes, BOOKING_GET_REF_ITEMS_LIST},
        {"orderBy", &x->r.order_by, BOOKING_GET_REF_ITEMS_LIST},
    };
    *x = (struct filled){0};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(element, all[i].element) != 0)
            continue;
        x->r.method = all[i].method;
        return all[i].at;
    }
    return NULL;
}

/* What a field of the row is called in an error. */
static const char *field_of(const struct bound *b)
{
    if (b->type != NULL && strstr(b->type, "Predicate") != NULL)
        return "filter";
    if (b->type != NULL && strncmp(b->type, "Attribute", 9) == 0)
        return "attributes";
    return b->element;
}

static const char *repeated(struct arena *a, const char *filler, unsigned n)
{
    struct buf b;
    buf_init(&b, a, 64);
    for (unsigned i = 0; i < n; i++)
        buf_add_str(&b, filler);
    return b.p;
}

/* The message for the field, when it is one of those told of; *is_beyond as the checks left it. */
static const char *told(struct arena *a, const struct booking_request *r, const char *field, bool *is_beyond)
{
    struct field_errors f = {.arena = a};
    const char *message = NULL;
    booking_check(r, &f, a);
    *is_beyond = f.is_beyond;
    for (unsigned i = 0; i < f.n; i++) {
        assert_true((unsigned char)f.items[i].message[0] >= 0xD0); /* Russian */
        if (strcmp(f.items[i].field, field) == 0 && f.items[i].code == 1)
            message = f.items[i].message;
    }
    return message;
}

static void check_value(struct arena *a, const struct bound *b, struct filled *x, const char **at)
{
    /* a letter, an astral one, wild cards of SQL: what a character is made of does not matter */
    static const char *const fillers[] = {"x", "\xD0\xB6", "\xF0\x9D\x94\x84", "%", "_", "\\", "'", NULL};
    bool is_beyond;
    for (unsigned i = 0; fillers[i] != NULL; i++) {
        *at = repeated(a, fillers[i], b->length);
        (void)told(a, &x->r, field_of(b), &is_beyond);
        if (is_beyond)
            fail_msg("%s at its bound is beyond it", b->element);
        const unsigned over[] = {b->length + 1, FAR_BYTES};
        for (unsigned k = 0; k < 2; k++) {
            *at = repeated(a, fillers[i], over[k]);
            const char *message = told(a, &x->r, field_of(b), &is_beyond);
            if (!is_beyond || message == NULL)
                fail_msg("%s of %u characters passed", b->element, over[k]);
            assert_non_null(strstr(message, arena_printf(a, "не более %u символов", b->length)));
        }
    }
}

static void check_marks(struct arena *a, const struct bound *b, struct filled *x, const char **at)
{
    bool is_beyond;
    *at = arena_printf(a, "e%s", repeated(a, "\xCC\x81", MARKS_MOST));
    (void)told(a, &x->r, field_of(b), &is_beyond);
    assert_false(is_beyond);
    static const char *const marks[] = {"\xCC\x81", "\xCC\xA3\xCC\x81", "\xD6\xB0", "\xE0\xA5\x8D", "\xF0\x9D\x86\x85"};
    for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++) {
        *at = arena_printf(a, "e%s", repeated(a, marks[i], MARKS_MOST + 1));
        if (told(a, &x->r, field_of(b), &is_beyond) == NULL || !is_beyond)
            fail_msg("%s: a run of marks %u passed", b->element, i);
        /* letters between them part the runs */
        *at = repeated(a, arena_printf(a, "\xD0\xB8%s", marks[i]), b->length / 4);
        (void)told(a, &x->r, field_of(b), &is_beyond);
        assert_false(is_beyond);
    }
}

static const char *encoded(struct arena *a, uint32_t c)
{
    char s[5] = {0};
    if (c < 0x80) {
        s[0] = (char)c;
    } else if (c < 0x800) {
        s[0] = (char)(0xC0 | c >> 6);
        s[1] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        s[0] = (char)(0xE0 | c >> 12);
        s[1] = (char)(0x80 | (c >> 6 & 0x3F));
        s[2] = (char)(0x80 | (c & 0x3F));
    } else {
        s[0] = (char)(0xF0 | c >> 18);
        s[1] = (char)(0x80 | (c >> 12 & 0x3F));
        s[2] = (char)(0x80 | (c >> 6 & 0x3F));
        s[3] = (char)(0x80 | (c & 0x3F));
    }
    return arena_strdup(a, s);
}

/* Wherever a name, a number or an identifier stands; texts that are only compared with may hold anything. */
static void check_characters(struct arena *a, const struct bound *b, struct filled *x, const char **at)
{
    static const uint32_t unseen[] = {0x01,   0x1F,   0x7F,   0x80,   0x9F,    0xAD,    0x61C,   0x200B,
                                      0x200F, 0x202A, 0x202E, 0x2060, 0x2066,  0x2069,  0x3164,  0xE000,
                                      0xFDD0, 0xFEFF, 0xFFFE, 0xFFFF, 0x1FFFE, 0xE0020, 0x10FFFF};
    static const char *const seen[] = {"\t",       "\n",       "\r",           " ",
                                       "\xC2\xA0", "\xD1\x91", "\xE2\x84\x96", "\xF0\x9F\x98\x80"};
    bool is_beyond;
    for (unsigned i = 0; i < sizeof unseen / sizeof *unseen; i++) {
        *at = arena_printf(a, "a%sb", encoded(a, unseen[i]));
        const char *message = told(a, &x->r, field_of(b), &is_beyond);
        bool is_told = message != NULL && strstr(message, "недопустимый символ U+") != NULL;
        if (is_told != b->is_line)
            fail_msg("%s: U+%04X, which nobody sees, was %s", b->element, (unsigned)unseen[i],
                     is_told ? "refused" : "taken");
        assert_false(is_beyond); /* it is short: SQL may judge the rest */
    }
    for (unsigned i = 0; i < sizeof seen / sizeof *seen; i++) {
        *at = arena_printf(a, "a%sb", seen[i]);
        const char *message = told(a, &x->r, field_of(b), &is_beyond);
        assert_true(message == NULL || strstr(message, "недопустимый символ") == NULL);
    }
}

static void check_list(struct arena *a, const struct bound *b, struct filled *x, struct strings *list)
{
    bool is_beyond;
    unsigned most = b->count;
    const char **items = arena_array(a, 12000, sizeof *items);
    for (unsigned i = 0; i < 12000; i++)
        items[i] = arena_printf(a, "id-%u", i);
    *list = (struct strings){items, most};
    (void)told(a, &x->r, b->element, &is_beyond);
    assert_false(is_beyond);
    const unsigned over[] = {most + 1, 12000};
    for (unsigned k = 0; k < 2; k++) {
        list->n = over[k];
        const char *message = told(a, &x->r, b->element, &is_beyond);
        if (!is_beyond || message == NULL)
            fail_msg("%u of %s passed", over[k], b->element);
        assert_non_null(strstr(message, arena_printf(a, "не более %u", most)));
    }
    list->n = most;
    items[most - 1] = repeated(a, "x", b->length + 1); /* the last one is looked at too */
    assert_non_null(told(a, &x->r, b->element, &is_beyond));
    assert_true(is_beyond);
}

static unsigned texts, lists;

static void check_bound(const struct bound *b)
{
    struct arena *a = arena_new();
    struct filled x;
    struct strings *list = b->type == NULL ? list_of(&x, b->element) : NULL;
    const char *one = "";
    const char **at = &one;
    if (list != NULL && b->count > 0) {
        check_list(a, b, &x, list);
        lists++;
    }
    if (list != NULL)
        *list = (struct strings){at, 1};
    else
        at = text_of(&x, b->type, b->element);
    if (at != NULL) {
        check_value(a, b, &x, at);
        check_marks(a, b, &x, at);
        check_characters(a, b, &x, at);
        texts++;
    }
    arena_free(a);
}

static void check_fields_of(const struct shape *shape, const char *type)
{
    for (unsigned i = 0; i < shape->n; i++) {
        const struct field *c = &shape->fields[i];
        if (c->type != NULL)
            check_bound(&(struct bound){type, c->name, c->type->max, c->most, c->is_line});
    }
}

static void L2_every_field_to_its_bound(void **state)
{
    (void)state;
    static const enum booking_method methods[] = {BOOKING_BOOK, BOOKING_GET_REF_ITEMS_LIST,
                                                  BOOKING_GET_REF_ATTRIBUTES_LIST};
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++)
        check_fields_of(shape_of_request(methods[i]), NULL);
    /* organizationId, of which book has one */
    const struct field *many = &shape_of_request(BOOKING_GET_SLOTS)->fields[0];
    check_bound(&(struct bound){NULL, many->name, many->type->max, many->most, many->is_line});
#define X(type, owner) check_fields_of(&shape_##type, #type);
    FIELD_SHAPES(X)
#undef X
    assert_true(texts >= 50);
    assert_int_equal(lists, 7);
}

static void L2_attributes(void **state)
{
    struct attribute many[101];
    for (unsigned i = 0; i < 101; i++)
        many[i] = (struct attribute){"name", "value"};
    struct time_slot slot = {.attributes = {many, 100}};
    struct booking_request r = {.method = BOOKING_BOOK, .attributes = {many, 100}};
    bool is_beyond;
    assert_null(told(*state, &r, "attributes", &is_beyond));
    r.attributes.n = 101;
    assert_non_null(told(*state, &r, "attributes", &is_beyond));
    assert_true(is_beyond);
    r = (struct booking_request){.method = BOOKING_UPDATE_BOOKING_DETAILS, .timeslot = &slot};
    assert_null(told(*state, &r, "attributes", &is_beyond));
    assert_false(is_beyond);
    slot.attributes.n = 101;
    assert_non_null(told(*state, &r, "attributes", &is_beyond));
    assert_true(is_beyond);
}

/* A predicate that is neither one thing nor the other is walked all the same: SQL would be handed what is inside. */
static void L2_trees(void **state)
{
    enum { MANY = 12000 };
    struct predicate *subs = arena_array(*state, MANY, sizeof *subs);
    for (unsigned i = 0; i < MANY; i++)
        subs[i] = (struct predicate){.kind = PREDICATE_SIMPLE, .attribute_name = "a", .condition = "equals"};
    struct predicate top = {.kind = PREDICATE_UNION, .union_kind = "OR", .subs = subs, .nsubs = 199};
    struct booking_request r = {.method = BOOKING_GET_SLOTS, .filter = &top};
    bool is_beyond;
    assert_null(told(*state, &r, "filter", &is_beyond));
    top.kind = PREDICATE_BOTH;
    assert_non_null(told(*state, &r, "filter", &is_beyond)); /* wrong, but small */
    assert_false(is_beyond);
    for (unsigned kind = PREDICATE_UNION; kind <= PREDICATE_BOTH; kind++) {
        top = (struct predicate){.kind = kind, .union_kind = "OR", .subs = subs, .nsubs = 200};
        assert_non_null(told(*state, &r, "filter", &is_beyond));
        assert_true(is_beyond);
        top.nsubs = MANY;
        assert_non_null(told(*state, &r, "filter", &is_beyond));
        assert_true(is_beyond);
        struct predicate chain[64];
        chain[0] = top;
        chain[0].nsubs = 1;
        for (unsigned i = 1; i < 64; i++)
            chain[i] = (struct predicate){.kind = kind, .union_kind = "AND", .subs = &chain[i - 1], .nsubs = 1};
        r.filter = &chain[7];
        (void)told(*state, &r, "filter", &is_beyond);
        assert_false(is_beyond);
        r.filter = &chain[8];
        assert_non_null(told(*state, &r, "filter", &is_beyond));
        assert_true(is_beyond);
        r.filter = &chain[63];
        (void)told(*state, &r, "filter", &is_beyond);
        assert_true(is_beyond);
        r.filter = &top;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(L2_every_field_to_its_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(L2_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(L2_trees, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
