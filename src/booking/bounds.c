/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * How long a value may be and how many of them there may be (SPEC L2): one table for the check below, which stands
 * before SQL; the schema and docs/limits.md are tested against it. The order (329, Appendix 2) names no lengths, so
 * they are generous. What is counted elsewhere: bytes, depth and elements of a message by xml_prescan(), unions and
 * conditions of a filter by check_filter().
 */
#include "bounds.h"

#include "characters.h"
#include "utf8.h"

#include <stddef.h>
#include <string.h>

/* Where in its structure a row's value stands. BARE: nowhere, only one of a few words goes on from here. */
enum place { BARE, TEXT, LIST };

struct row {
    struct booking_bound bound;
    enum place place;
    size_t offset;
    unsigned methods; /* bits of those that have it; 0: wherever the member is filled */
};

#define WORD_MAX   64 /* a number, a date, a word of a list, with the blanks around it */
#define ID_MAX     255
#define PERSON_MAX 200
#define FIRM_MAX   600 /* with four octets a character it still fits an index */
#define TITLE_MAX  1000
#define TEXT_MAX   4000

#define REQUEST(member)  offsetof(struct booking_request, member)
#define DOCUMENT(member) offsetof(struct user_document, member)
#define SLOT(member)     offsetof(struct time_slot, member)
#define FREE             false
#define LINE             true

/* type (NULL: the request itself), element, characters, values, whether it is a line; where it stands */
static const struct row rows[] = {
    {{NULL, "bookId", ID_MAX, 0, LINE}, TEXT, REQUEST(book_id), 0},
    {{NULL, "esiaId", ID_MAX, 0, LINE}, TEXT, REQUEST(esia_id), 0},
    {{NULL, "slotId", ID_MAX, 50, LINE}, LIST, REQUEST(slot_ids), 0},
    {{NULL, "organizationId", ID_MAX, 500, LINE}, LIST, REQUEST(organization_ids), 0},
    {{NULL, "userType", WORD_MAX, 0, LINE}, TEXT, REQUEST(user_type), 0},
    {{NULL, "userKind", WORD_MAX, 0, LINE}, TEXT, REQUEST(user_kind), 0},
    {{NULL, "lastName", PERSON_MAX, 0, LINE}, TEXT, REQUEST(applicant.last_name), 0},
    {{NULL, "firstName", PERSON_MAX, 0, LINE}, TEXT, REQUEST(applicant.first_name), 0},
    {{NULL, "middleName", PERSON_MAX, 0, LINE}, TEXT, REQUEST(applicant.middle_name), 0},
    {{NULL, "email", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.email), 0},
    {{NULL, "mobilePhone", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.mobile_phone), 0},
    {{NULL, "userSnils", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.user_snils), 0},
    {{NULL, "userLogin", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.user_login), 0},
    {{NULL, "userINN", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.user_inn), 0},
    {{NULL, "businessINN", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.business_inn), 0},
    {{NULL, "businessOGRN", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.business_ogrn), 0},
    {{NULL, "businessName", FIRM_MAX, 0, LINE}, TEXT, REQUEST(applicant.business_name), 0},
    {{NULL, "caseNumber", ID_MAX, 0, LINE}, TEXT, REQUEST(applicant.case_number), 0},
    {{NULL, "serviceId", ID_MAX, 500, LINE}, LIST, REQUEST(service_ids), 0},
    {{NULL, "areaId", ID_MAX, 500, LINE}, LIST, REQUEST(area_ids), 0},
    {{NULL, "preliminaryReservation", WORD_MAX, 0, LINE}, BARE, 0, 0},
    {{NULL, "preliminaryReservationPeriod", WORD_MAX, 0, LINE}, TEXT, REQUEST(preliminary_period_min), 0},
    {{NULL, "refNames", ID_MAX, 100, LINE}, LIST, REQUEST(ref_names), 1U << BOOKING_GET_REF_ATTRIBUTES_LIST},
    {{NULL, "refName", ID_MAX, 0, LINE}, LIST, REQUEST(ref_names), 1U << BOOKING_GET_REF_ITEMS_LIST},
    {{NULL, "parentRefItemValue", ID_MAX, 0, FREE}, TEXT, REQUEST(parent_ref_item_value), 0},
    {{NULL, "treeFiltering", WORD_MAX, 0, LINE}, TEXT, REQUEST(tree_filtering), 0},
    {{NULL, "selectAttributes", ID_MAX, 200, LINE}, LIST, REQUEST(select_attributes), 0},
    {{NULL, "orderBy", ID_MAX, 200, LINE}, LIST, REQUEST(order_by), 0},
    {{NULL, "pageNum", WORD_MAX, 0, LINE}, TEXT, REQUEST(page_num), 0},
    {{NULL, "pageSize", WORD_MAX, 0, LINE}, TEXT, REQUEST(page_size), 0},
    {{NULL, "version", ID_MAX, 0, LINE}, TEXT, REQUEST(version), 0},
    {{"Status", "statusCode", WORD_MAX, 0, LINE}, TEXT, REQUEST(status_code), 0},
    {{"Status", "statusMessage", TEXT_MAX, 0, FREE}, TEXT, REQUEST(status_message), 0},

    {{"UserDocument", "docType", ID_MAX, 0, LINE}, TEXT, DOCUMENT(doc_type), 0},
    {{"UserDocument", "docSeries", ID_MAX, 0, LINE}, TEXT, DOCUMENT(doc_series), 0},
    {{"UserDocument", "docNumber", ID_MAX, 0, LINE}, TEXT, DOCUMENT(doc_number), 0},
    {{"UserDocument", "issueDate", WORD_MAX, 0, LINE}, TEXT, DOCUMENT(issue_date), 0},
    {{"UserDocument", "validDate", WORD_MAX, 0, LINE}, TEXT, DOCUMENT(valid_date), 0},
    {{"UserDocument", "issuedBy", TITLE_MAX, 0, LINE}, TEXT, DOCUMENT(issued_by), 0},
    {{"UserDocument", "issueDept", TITLE_MAX, 0, LINE}, TEXT, DOCUMENT(issue_dept), 0},

    {{"TimeSlot", "slotId", ID_MAX, 0, LINE}, TEXT, SLOT(slot_id), 0},
    {{"TimeSlot", "serviceId", ID_MAX, 0, LINE}, TEXT, SLOT(service_id), 0},
    {{"TimeSlot", "organizationId", ID_MAX, 0, LINE}, TEXT, SLOT(organization_id), 0},
    {{"TimeSlot", "areaId", ID_MAX, 0, LINE}, TEXT, SLOT(area_id), 0},
    {{"TimeSlot", "visitTime", WORD_MAX, 0, LINE}, TEXT, SLOT(visit_time), 0},
    {{"TimeSlot", "bookEndTime", WORD_MAX, 0, LINE}, TEXT, SLOT(book_end_time), 0},
    {{"TimeSlot", "queueNumber", ID_MAX, 0, LINE}, TEXT, SLOT(queue_number), 0},
    {{"TimeSlot", "duration", WORD_MAX, 0, LINE}, TEXT, SLOT(duration), 0},

    {{"Attributes", "Attribute", 0, 100, FREE}, BARE, 0, 0},
    {{"Attribute", "name", ID_MAX, 0, LINE}, BARE, 0, 0},
    {{"Attribute", "value", TEXT_MAX, 0, FREE}, BARE, 0, 0},

    {{"SimplePredicate", "attributeName", ID_MAX, 0, LINE}, BARE, 0, 0},
    {{"SimplePredicate", "condition", WORD_MAX, 0, LINE}, BARE, 0, 0},
    {{"SimplePredicate", "checkAllValues", WORD_MAX, 0, LINE}, BARE, 0, 0},
    {{"SimplePredicate", "value", TITLE_MAX, 0, FREE}, BARE, 0, 0},
    {{"LogicalUnionPredicate", "unionKind", WORD_MAX, 0, LINE}, BARE, 0, 0},
};
#define ROWS (sizeof rows / sizeof *rows)

unsigned booking_bounds(const struct booking_bound *out[BOOKING_BOUNDS_MAX])
{
    _Static_assert(ROWS <= BOOKING_BOUNDS_MAX, "");
    for (size_t i = 0; i < ROWS; i++)
        out[i] = &rows[i].bound;
    return (unsigned)ROWS;
}

static bool is_of(const struct row *row, const char *type)
{
    return row->bound.type == NULL ? type == NULL : type != NULL && strcmp(row->bound.type, type) == 0;
}

static const struct booking_bound *bound_of(const char *type, const char *element)
{
    for (size_t i = 0; i < ROWS; i++)
        if (is_of(&rows[i], type) && strcmp(rows[i].bound.element, element) == 0)
            return &rows[i].bound;
    return NULL;
}

/* ---- one value ---- */

static void tell_length(const char *field, unsigned length, struct field_errors *f)
{
    field_errors_beyond(f, field, arena_printf(f->arena, "Значение длиннее допустимого: не более %u символов", length));
}

void bounds_check_text(const struct booking_bound *bound, const char *field, const char *value, struct field_errors *f)
{
    unsigned n = 0, run = 0;
    uint32_t c, bad = 0;
    bool is_run_long = false;
    size_t rest = value == NULL ? 0 : strlen(value), step;
    for (; rest > 0; value += step, rest -= step) {
        step = utf8_next(value, rest, &c);
        if (step == 0)
            step = 1, c = 0xFFFE; /* libxml2 lets none through */
        if (++n > bound->length) {
            tell_length(field, bound->length, f);
            return;
        }
        run = character_is_mark(c) ? run + 1 : 0;
        is_run_long = is_run_long || run > BOUNDS_MARKS_MAX;
        if (bad == 0 && bound->is_line && character_is_unseen(c))
            bad = c;
    }
    if (is_run_long)
        field_errors_beyond(
            f, field, arena_printf(f->arena, "Слишком много надстрочных знаков подряд: не более %d", BOUNDS_MARKS_MAX));
    if (bad != 0)
        field_errors_add(f, field, 1,
                         arena_printf(f->arena, "Значение содержит недопустимый символ U+%04X", (unsigned)bad));
}

static void check_list(const struct booking_bound *bound, const struct strings *list, struct field_errors *f)
{
    if (bound->count > 0 && list->n > bound->count) {
        field_errors_beyond(f, bound->element,
                            arena_printf(f->arena, "Слишком много значений: не более %u", bound->count));
        return;
    }
    for (unsigned i = 0; i < list->n; i++)
        bounds_check_text(bound, bound->element, list->items[i], f);
}

/* ---- structures ---- */

static void check_members(const char *type, const void *of, enum booking_method method, struct field_errors *f)
{
    for (size_t i = 0; of != NULL && i < ROWS; i++) {
        const char *at = (const char *)of + rows[i].offset;
        if (!is_of(&rows[i], type) || (rows[i].methods != 0 && (rows[i].methods & 1U << method) == 0))
            continue;
        if (rows[i].place == LIST)
            check_list(&rows[i].bound, (const struct strings *)(const void *)at, f);
        else if (rows[i].place == TEXT)
            bounds_check_text(&rows[i].bound, rows[i].bound.element, *(const char *const *)(const void *)at, f);
    }
}

static void check_attributes(const struct attributes *list, struct field_errors *f)
{
    const struct booking_bound *many = bound_of("Attributes", "Attribute");
    if (list->n > many->count) {
        field_errors_beyond(f, "attributes",
                            arena_printf(f->arena, "Слишком много значений: не более %u", many->count));
        return;
    }
    for (unsigned i = 0; i < list->n; i++) {
        bounds_check_text(bound_of("Attribute", "name"), "attributes", list->items[i].name, f);
        bounds_check_text(bound_of("Attribute", "value"), "attributes", list->items[i].value, f);
    }
}

void bounds_check_simple(const struct predicate *p, struct field_errors *f)
{
    bounds_check_text(bound_of("SimplePredicate", "attributeName"), "filter", p->attribute_name, f);
    bounds_check_text(bound_of("SimplePredicate", "condition"), "filter", p->condition, f);
    bounds_check_text(bound_of("SimplePredicate", "value"), "filter", p->value, f);
}

void bounds_check_union(const struct predicate *p, struct field_errors *f)
{
    bounds_check_text(bound_of("LogicalUnionPredicate", "unionKind"), "filter", p->union_kind, f);
}

void bounds_check(const struct booking_request *r, struct field_errors *f)
{
    check_members(NULL, r, r->method, f);
    check_members("Status", r, r->method, f);
    check_members("UserDocument", r->applicant.user_doc, r->method, f);
    check_members("TimeSlot", r->timeslot, r->method, f);
    check_attributes(&r->attributes, f);
    if (r->timeslot != NULL)
        check_attributes(&r->timeslot->attributes, f);
}
