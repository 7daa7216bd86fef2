/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The table of Appendix 2's requests, children in the order of the schema. */
#include "shape.h"

#include <string.h>

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof *(array)))
#define SHAPE(type_, list)                                                                                             \
    {                                                                                                                  \
        .type = (type_), .children = (list), .n = COUNT(list)                                                          \
    }

#define TEXT(name_)                                                                                                    \
    {                                                                                                                  \
        .name = (name_)                                                                                                \
    }
#define TEXTS(name_)                                                                                                   \
    {                                                                                                                  \
        .name = (name_), .is_many = true                                                                               \
    }
#define WORD(name_, values_)                                                                                           \
    {                                                                                                                  \
        .name = (name_), .values = (values_)                                                                           \
    }
#define PART(name_, shape_)                                                                                            \
    {                                                                                                                  \
        .name = (name_), .shape = &(shape_)                                                                            \
    }
#define PARTS(name_, shape_)                                                                                           \
    {                                                                                                                  \
        .name = (name_), .shape = &(shape_), .is_many = true                                                           \
    }
/* The order prints esiaId with a small L once (A5). */
#define ESIA_ID                                                                                                        \
    {                                                                                                                  \
        .name = "esiaId", .alias = "esiald"                                                                            \
    }
#define USER_KIND                                                                                                      \
    {                                                                                                                  \
        .name = "userKind", .values = user_kinds, .role = ROLE_USER_KIND                                               \
    }

static const char *const truths[] = {"true", "false", "1", "0", NULL};
static const char *const user_types[] = {"SIMPLE", "QUALIFIED", NULL};
static const char *const user_kinds[] = {"PHYSIC", "BUSINESS", "PERSBUSINESS", NULL};
static const char *const union_kinds[] = {"AND", "OR", NULL};
static const char *const tree_filterings[] = {"ONELEVEL", "SUBTREE", NULL};
static const char *const conditions[] = {"equals",
                                         "notEquals",
                                         "greaterThan",
                                         "lessThan",
                                         "greaterThanOrEquals",
                                         "lessThanOrEquals",
                                         "contains",
                                         "startsWith",
                                         "endsWith",
                                         "wordStarts",
                                         "EQUALS",
                                         "NOT_EQUALS",
                                         "GREATER_THAN",
                                         "LESS_THAN",
                                         "GREATER_THAN_OR_EQUALS",
                                         "LESS_THAN_OR_EQUALS",
                                         "CONTAINS",
                                         "STARTS_WITH",
                                         "ENDS_WITH",
                                         "WORD_STARTS",
                                         NULL};

/* item 7 */
static const struct shape_child document_children[] = {TEXT("docType"),   TEXT("docSeries"), TEXT("docNumber"),
                                                       TEXT("issueDate"), TEXT("validDate"), TEXT("issuedBy"),
                                                       TEXT("issueDept")};
static const struct shape document = SHAPE("UserDocument", document_children);
static const struct shape_child user_doc_children[] = {
    {.name = "Document", .alias = "UserDocument", .shape = &document}};
static const struct shape user_doc = SHAPE("UserDoc", user_doc_children);

static const struct shape_child attribute_children[] = {TEXT("name"), TEXT("value")};
static const struct shape attribute = SHAPE("Attribute", attribute_children);
static const struct shape_child attributes_children[] = {PARTS("Attribute", attribute)};
static const struct shape attributes = SHAPE("Attributes", attributes_children);

/* items 4 to 6: a predicate holds predicates */
static const struct shape predicate;
static const struct shape_child simple_children[] = {
    TEXT("attributeName"),
    {.name = "condition", .values = conditions, .role = ROLE_CONDITION},
    WORD("checkAllValues", truths),
    TEXT("value"),
};
static const struct shape simple = SHAPE("SimplePredicate", simple_children);
static const struct shape_child union_children[] = {WORD("unionKind", union_kinds), PARTS("subs", predicate)};
static const struct shape logical_union = SHAPE("LogicalUnionPredicate", union_children);
static const struct shape_child predicate_children[] = {PART("simple", simple), PART("union", logical_union)};
static const struct shape predicate = SHAPE("Predicate", predicate_children);

static const struct shape_child status_children[] = {TEXT("statusCode"), TEXT("statusMessage")};
static const struct shape status = SHAPE("Status", status_children);
static const struct shape_child time_slot_children[] = {
    TEXT("slotId"),      TEXT("serviceId"), TEXT("organizationId"),
    TEXT("areaId"),      TEXT("visitTime"), TEXT("bookEndTime"),
    TEXT("queueNumber"), TEXT("duration"),  PART("attributes", attributes)};
static const struct shape time_slot = SHAPE("TimeSlot", time_slot_children);

#define APPLICANT                                                                                                      \
    TEXT("lastName"), TEXT("firstName"), TEXT("middleName"), TEXT("email"),                                            \
        {.name = "mobilePhone", .is_beside = true}, TEXT("userSnils"), TEXT("userLogin"), PART("userDoc", user_doc),   \
        TEXT("userINN"), TEXT("businessINN"), TEXT("businessOGRN"), TEXT("businessName"), TEXT("caseNumber")

static const struct shape_child get_slots_children[] = {
    TEXTS("organizationId"),
    {.name = "userType", .values = user_types, .role = ROLE_VIEWER_TYPE},
    USER_KIND,
    ESIA_ID,
    APPLICANT,
    TEXTS("serviceId"),
    TEXTS("areaId"),
    PART("filter", predicate),
    PART("attributes", attributes),
};
static const struct shape_child book_children[] = {
    TEXT("bookId"),
    TEXTS("slotId"),
    TEXT("organizationId"),
    WORD("userType", user_types),
    USER_KIND,
    ESIA_ID,
    APPLICANT,
    TEXTS("serviceId"),
    TEXTS("areaId"),
    WORD("preliminaryReservation", truths),
    TEXT("preliminaryReservationPeriod"),
    PART("attributes", attributes),
};
static const struct shape_child book_key_children[] = {TEXT("bookId"), ESIA_ID};
static const struct shape_child ref_attributes_children[] = {TEXTS("refNames")};
static const struct shape_child ref_items_children[] = {
    TEXT("refName"),           TEXT("parentRefItemValue"), WORD("treeFiltering", tree_filterings),
    TEXTS("selectAttributes"), PART("filter", predicate),  TEXTS("orderBy"),
    TEXT("pageNum"),           TEXT("pageSize"),           TEXT("version"),
};
static const struct shape_child update_children[] = {
    TEXT("bookId"),
    ESIA_ID,
    PART("timeslot", time_slot),
    {.name = "status", .shape = &status, .role = ROLE_STATUS},
};

static const struct shape requests[BOOKING_METHOD_COUNT] = {
    [BOOKING_GET_SLOTS] = SHAPE("GetSlotsRequest", get_slots_children),
    [BOOKING_BOOK] = SHAPE("BookRequest", book_children),
    [BOOKING_GET_BOOKING_STATUS] = SHAPE("GetBookingStatusRequest", book_key_children),
    [BOOKING_CANCEL_BOOKING] = SHAPE("CancelBookingRequest", book_key_children),
    [BOOKING_GET_REFS_LIST] = {.type = "GetRefsListRequest"},
    [BOOKING_GET_REF_ATTRIBUTES_LIST] = SHAPE("GetRefAttributesListRequest", ref_attributes_children),
    [BOOKING_GET_REF_ITEMS_LIST] = SHAPE("GetRefItemsListRequest", ref_items_children),
    [BOOKING_UPDATE_BOOKING_DETAILS] = SHAPE("UpdateBookingDetailsRequest", update_children),
};
_Static_assert(COUNT(get_slots_children) <= SHAPE_CHILDREN_MAX && COUNT(book_children) <= SHAPE_CHILDREN_MAX, "");

const struct shape *shape_of_request(enum booking_method method)
{
    return &requests[method];
}

const struct shape_child *shape_item(const struct shape *shape)
{
    return shape->n == 1 && shape->children[0].shape != NULL ? &shape->children[0] : NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool shape_is_name(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

int shape_find(const struct shape *shape, const char *name, bool *is_exact)
{
    *is_exact = false;
    for (unsigned i = 0; i < shape->n; i++) {
        const struct shape_child *c = &shape->children[i];
        if (!shape_is_name(c->name, name) && (c->alias == NULL || !shape_is_name(c->alias, name)))
            continue;
        *is_exact = strcmp(c->name, name) == 0;
        return (int)i;
    }
    return -1;
}
