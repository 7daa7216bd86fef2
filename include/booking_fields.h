/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The table of fields: every parameter of every request (order 329, Appendix 2), in the order of the schema. Whatever
 * knows a field by its name takes it from here: strict and lenient reading (request), the binding (soap), what must be
 * filled and how long it may be (booking). A test compares it with schemas/equeue-types.xsd, both ways.
 *
 * The order names no lengths, so they are generous (SPEC L2; docs/limits.md). What is counted elsewhere: bytes, depth
 * and elements of a message by xml_prescan(), unions and conditions of a filter by check_filter().
 */
#pragma once

#include "booking.h"

#include <stddef.h>

/* ---- what a value may be ---- */

enum field_kind {
    FIELD_STRING,
    FIELD_WORD,    /* one of a list, without blanks around it */
    FIELD_TRUTH,   /* true, false, 1, 0 */
    FIELD_INTEGER, /* or nothing */
    FIELD_NUMBER,  /* 0 or more */
    FIELD_DAY,     /* or nothing */
    FIELD_INSTANT, /* with a numeric offset */
    FIELD_CODE,    /* three to nine digits */
};

struct field_type {
    const char *name; /* in the schema */
    enum field_kind kind;
    unsigned min, max;        /* characters of the value, blanks around it included */
    const char *const *words; /* of FIELD_WORD; NULL-ended */
};

/* A number, a date, a word: as long as blanks may make it (of words: in a lenient reading). */
#define FIELD_SHORT_MAX 64

/* X(type, name in the schema, kind, min, max, words). A name of a firm of four octets a character still fits an index.
 */
#define FIELD_TYPES(X)                                                                                                 \
    X(Id, "eq:Id", STRING, 1, 255, NULL)                                                                               \
    X(IdOrEmpty, "eq:IdOrEmpty", STRING, 0, 255, NULL)                                                                 \
    X(DocType, "eq:DocType", STRING, 1, 255, NULL)                                                                     \
    X(Line, "eq:Line", STRING, 0, 255, NULL)                                                                           \
    X(PersonName, "eq:PersonName", STRING, 0, 200, NULL)                                                               \
    X(FirmName, "eq:FirmName", STRING, 0, 600, NULL)                                                                   \
    X(Title, "eq:Title", STRING, 0, 1000, NULL)                                                                        \
    X(Text, "eq:Text", STRING, 0, 4000, NULL)                                                                          \
    X(UserType, "eq:UserType", WORD, 1, FIELD_SHORT_MAX, field_user_types)                                             \
    X(UserKind, "eq:UserKind", WORD, 1, FIELD_SHORT_MAX, field_user_kinds)                                             \
    X(Condition, "eq:Condition", WORD, 1, FIELD_SHORT_MAX, field_conditions)                                           \
    X(UnionKind, "eq:UnionKind", WORD, 1, FIELD_SHORT_MAX, field_union_kinds)                                          \
    X(TreeFiltering, "eq:TreeFiltering", WORD, 1, FIELD_SHORT_MAX, field_tree_filterings)                              \
    X(Truth, "xs:boolean", TRUTH, 1, FIELD_SHORT_MAX, NULL)                                                            \
    X(Number, "eq:Count", NUMBER, 1, FIELD_SHORT_MAX, NULL)                                                            \
    X(MinutesOrEmpty, "eq:MinutesOrEmpty", INTEGER, 0, FIELD_SHORT_MAX, NULL)                                          \
    X(DateOrEmpty, "eq:DateOrEmpty", DAY, 0, FIELD_SHORT_MAX, NULL)                                                    \
    X(ZonedDateTime, "eq:ZonedDateTime", INSTANT, 1, FIELD_SHORT_MAX, NULL)                                            \
    X(StatusCode, "eq:StatusCode", CODE, 1, FIELD_SHORT_MAX, NULL)

enum field_type_name {
#define X(type, name, kind, min, max, words) FIELD_TYPE_##type,
    FIELD_TYPES(X)
#undef X
        FIELD_TYPE_COUNT
};
extern const struct field_type field_types[FIELD_TYPE_COUNT];
/* Is it a word of the type, letter by letter? NULL is none. */
bool field_is_word(const struct field_type *type, const char *s);

/* ---- what there is ---- */

/* Where a field stands in the struct of its structure, at its offset. */
enum field_place {
    FIELD_TEXT,   /* const char *; NULL: absent or empty */
    FIELD_EITHER, /* the same, of one that may come before the one above it as well (A30) */
    FIELD_FLAG,   /* bool */
    FIELD_LIST,   /* struct strings */
    FIELD_ONE,    /* struct strings, of one value at the most */
    FIELD_PART,   /* a pointer to a struct of its own; NULL: absent */
    FIELD_SAME,   /* a structure whose fields stand in this very struct */
    FIELD_INSIDE, /* a struct in the struct */
    FIELD_ITEMS,  /* a counted array of structs: attributes, predicates */
};

enum {
    FIELD_MAY = 0,
    FIELD_MUST = 1, /* it must be there */
    FIELD_ANY = 2,  /* its text may hold characters that nobody sees: controls, bidi, zero width, private use */
};

/* X(place, element, member, type or structure, flags, how many; 0: one, or as a rule of its own says) */
/* item 7 */
#define FIELDS_UserDocument(X)                                                                                         \
    X(TEXT, docType, doc_type, DocType, FIELD_MUST, 0)                                                                 \
    X(TEXT, docSeries, doc_series, Line, FIELD_MAY, 0)                                                                 \
    X(TEXT, docNumber, doc_number, Id, FIELD_MUST, 0)                                                                  \
    X(TEXT, issueDate, issue_date, DateOrEmpty, FIELD_MAY, 0)                                                          \
    X(TEXT, validDate, valid_date, DateOrEmpty, FIELD_MAY, 0)                                                          \
    X(TEXT, issuedBy, issued_by, Title, FIELD_MAY, 0)                                                                  \
    X(TEXT, issueDept, issue_dept, Title, FIELD_MAY, 0)
#define FIELDS_UserDoc(X) X(SAME, Document, doc_type, UserDocument, FIELD_MUST, 0)

#define FIELDS_Attribute(X)                                                                                            \
    X(TEXT, name, name, Id, FIELD_MUST, 0)                                                                             \
    X(TEXT, value, value, Text, FIELD_MUST | FIELD_ANY, 0)
#define FIELDS_Attributes(X) X(ITEMS, Attribute, items, Attribute, FIELD_MAY, 100)

/* items 4 to 6: a predicate is one of two, and holds predicates */
#define FIELDS_SimplePredicate(X)                                                                                      \
    X(TEXT, attributeName, attribute_name, Id, FIELD_MAY, 0)                                                           \
    X(TEXT, condition, condition, Condition, FIELD_MAY, 0)                                                             \
    X(FLAG, checkAllValues, check_all_values, Truth, FIELD_MUST, 0)                                                    \
    X(TEXT, value, value, Title, FIELD_MAY | FIELD_ANY, 0)
#define FIELDS_LogicalUnionPredicate(X)                                                                                \
    X(TEXT, unionKind, union_kind, UnionKind, FIELD_MUST, 0)                                                           \
    X(ITEMS, subs, subs, Predicate, FIELD_MUST, 0)
#define FIELDS_Predicate(X)                                                                                            \
    X(SAME, simple, kind, SimplePredicate, FIELD_MAY, 0)                                                               \
    X(SAME, union, kind, LogicalUnionPredicate, FIELD_MAY, 0)

/* item 17; the structures of updateBookingDetails */
#define FIELDS_Status(X)                                                                                               \
    X(TEXT, statusCode, status_code, StatusCode, FIELD_MUST, 0)                                                        \
    X(TEXT, statusMessage, status_message, Text, FIELD_MAY | FIELD_ANY, 0)
#define FIELDS_TimeSlot(X)                                                                                             \
    X(TEXT, slotId, slot_id, Id, FIELD_MUST, 0)                                                                        \
    X(TEXT, serviceId, service_id, IdOrEmpty, FIELD_MAY, 0)                                                            \
    X(TEXT, organizationId, organization_id, Id, FIELD_MUST, 0)                                                        \
    X(TEXT, areaId, area_id, IdOrEmpty, FIELD_MUST, 0)                                                                 \
    X(TEXT, visitTime, visit_time, ZonedDateTime, FIELD_MUST, 0)                                                       \
    X(TEXT, bookEndTime, book_end_time, ZonedDateTime, FIELD_MAY, 0)                                                   \
    X(TEXT, queueNumber, queue_number, Line, FIELD_MAY, 0)                                                             \
    X(TEXT, duration, duration, Number, FIELD_MAY, 0)                                                                  \
    X(INSIDE, attributes, attributes, Attributes, FIELD_MAY, 0)

/* the applicant of items 18 and 19 */
#define FIELDS_APPLICANT(X)                                                                                            \
    X(TEXT, lastName, applicant.last_name, PersonName, FIELD_MAY, 0)                                                   \
    X(TEXT, firstName, applicant.first_name, PersonName, FIELD_MAY, 0)                                                 \
    X(TEXT, middleName, applicant.middle_name, PersonName, FIELD_MAY, 0)                                               \
    X(TEXT, email, applicant.email, Line, FIELD_MAY, 0)                                                                \
    X(EITHER, mobilePhone, applicant.mobile_phone, Line, FIELD_MAY, 0)                                                 \
    X(TEXT, userSnils, applicant.user_snils, Line, FIELD_MAY, 0)                                                       \
    X(TEXT, userLogin, applicant.user_login, Line, FIELD_MAY, 0)                                                       \
    X(PART, userDoc, applicant.user_doc, UserDoc, FIELD_MAY, 0)                                                        \
    X(TEXT, userINN, applicant.user_inn, Line, FIELD_MAY, 0)                                                           \
    X(TEXT, businessINN, applicant.business_inn, Line, FIELD_MAY, 0)                                                   \
    X(TEXT, businessOGRN, applicant.business_ogrn, Line, FIELD_MAY, 0)                                                 \
    X(TEXT, businessName, applicant.business_name, FirmName, FIELD_MAY, 0)                                             \
    X(TEXT, caseNumber, applicant.case_number, Line, FIELD_MAY, 0)

#define FIELDS_GetSlotsRequest(X)                                                                                      \
    X(LIST, organizationId, organization_ids, Id, FIELD_MUST, 500)                                                     \
    X(TEXT, userType, user_type, UserType, FIELD_MUST, 0)                                                              \
    X(TEXT, userKind, user_kind, UserKind, FIELD_MUST, 0)                                                              \
    X(TEXT, esiaId, esia_id, IdOrEmpty, FIELD_MUST, 0)                                                                 \
    FIELDS_APPLICANT(X)                                                                                                \
    X(LIST, serviceId, service_ids, IdOrEmpty, FIELD_MAY, 500)                                                         \
    X(LIST, areaId, area_ids, IdOrEmpty, FIELD_MAY, 500)                                                               \
    X(PART, filter, filter, Predicate, FIELD_MAY, 0)                                                                   \
    X(INSIDE, attributes, attributes, Attributes, FIELD_MAY, 0)
/* serviceId and areaId are not in the order's table, but the portal sends them */
#define FIELDS_BookRequest(X)                                                                                          \
    X(TEXT, bookId, book_id, Id, FIELD_MUST, 0)                                                                        \
    X(LIST, slotId, slot_ids, Id, FIELD_MUST, 50)                                                                      \
    X(ONE, organizationId, organization_ids, Id, FIELD_MUST, 0)                                                        \
    X(TEXT, userType, user_type, UserType, FIELD_MUST, 0)                                                              \
    X(TEXT, userKind, user_kind, UserKind, FIELD_MUST, 0)                                                              \
    X(TEXT, esiaId, esia_id, Id, FIELD_MUST, 0)                                                                        \
    FIELDS_APPLICANT(X)                                                                                                \
    X(LIST, serviceId, service_ids, IdOrEmpty, FIELD_MAY, 500)                                                         \
    X(LIST, areaId, area_ids, IdOrEmpty, FIELD_MAY, 500)                                                               \
    X(FLAG, preliminaryReservation, preliminary, Truth, FIELD_MUST, 0)                                                 \
    X(TEXT, preliminaryReservationPeriod, preliminary_period_min, MinutesOrEmpty, FIELD_MAY, 0)                        \
    X(INSIDE, attributes, attributes, Attributes, FIELD_MAY, 0)
#define FIELDS_GetBookingStatusRequest(X)                                                                              \
    X(TEXT, bookId, book_id, Id, FIELD_MUST, 0)                                                                        \
    X(TEXT, esiaId, esia_id, Id, FIELD_MUST, 0)
#define FIELDS_CancelBookingRequest(X)        FIELDS_GetBookingStatusRequest(X)
#define FIELDS_GetRefsListRequest(X)          /* item 22 has no parameters */
#define FIELDS_GetRefAttributesListRequest(X) X(LIST, refNames, ref_names, Id, FIELD_MUST, 100)
#define FIELDS_GetRefItemsListRequest(X)                                                                               \
    X(ONE, refName, ref_names, Id, FIELD_MUST, 0)                                                                      \
    X(TEXT, parentRefItemValue, parent_ref_item_value, Line, FIELD_MAY | FIELD_ANY, 0)                                 \
    X(TEXT, treeFiltering, tree_filtering, TreeFiltering, FIELD_MUST, 0)                                               \
    X(LIST, selectAttributes, select_attributes, IdOrEmpty, FIELD_MAY, 200)                                            \
    X(PART, filter, filter, Predicate, FIELD_MAY, 0)                                                                   \
    X(LIST, orderBy, order_by, IdOrEmpty, FIELD_MAY, 200)                                                              \
    X(TEXT, pageNum, page_num, Number, FIELD_MUST, 0)                                                                  \
    X(TEXT, pageSize, page_size, Number, FIELD_MUST, 0)                                                                \
    X(TEXT, version, version, Line, FIELD_MAY, 0)
#define FIELDS_UpdateBookingDetailsRequest(X)                                                                          \
    X(TEXT, bookId, book_id, Id, FIELD_MUST, 0)                                                                        \
    X(TEXT, esiaId, esia_id, Id, FIELD_MUST, 0)                                                                        \
    X(PART, timeslot, timeslot, TimeSlot, FIELD_MAY, 0)                                                                \
    X(SAME, status, status_code, Status, FIELD_MUST, 0)

/*
 * X(structure, field, other): names that the order spells otherwise than the portal does. Items 4 to 6 print Union,
 * Value and Subs; the general parameters of items 12 to 16 begin with other letters than the tables of the methods.
 * Each is the field, for every caller.
 */
#define FIELD_SPELLINGS(X)                                                                                             \
    X(Predicate, union, Union)                                                                                         \
    X(LogicalUnionPredicate, subs, Subs)                                                                               \
    X(SimplePredicate, value, Value)                                                                                   \
    X(GetSlotsRequest, userType, UserType)                                                                             \
    X(GetSlotsRequest, userKind, UserKind)                                                                             \
    X(GetSlotsRequest, mobilePhone, MobilePhone)                                                                       \
    X(BookRequest, slotId, SlotId)                                                                                     \
    X(BookRequest, userType, UserType)                                                                                 \
    X(BookRequest, userKind, UserKind)                                                                                 \
    X(BookRequest, mobilePhone, MobilePhone)                                                                           \
    X(GetRefItemsListRequest, version, Version)                                                                        \
    X(TimeSlot, slotId, SlotId)

/* ---- the same, for those who walk it ---- */

struct shape;
struct field {
    const char *name;
    enum field_place place;
    size_t offset;
    const struct field_type *type; /* NULL: a structure */
    const struct shape *shape;     /* NULL: a value */
    unsigned most;                 /* of a list: how many; 0: see FIELDS_ above */
    bool is_many, is_required;
    bool is_line; /* characters that nobody sees are no part of it */
};
struct shape {
    const char *type; /* its name in the schema */
    const struct field *fields;
    unsigned n;
    bool is_choice; /* exactly one of its fields */
};
#define SHAPE_FIELDS_MAX 32

/* The structures, requests apart. */
#define FIELD_SHAPES(X)                                                                                                \
    X(UserDocument, struct user_document)                                                                              \
    X(UserDoc, struct user_document)                                                                                   \
    X(Attribute, struct attribute)                                                                                     \
    X(Attributes, struct attributes)                                                                                   \
    X(SimplePredicate, struct predicate)                                                                               \
    X(LogicalUnionPredicate, struct predicate)                                                                         \
    X(Predicate, struct predicate)                                                                                     \
    X(Status, struct booking_request)                                                                                  \
    X(TimeSlot, struct time_slot)

#define X(type, owner) extern const struct shape shape_##type;
FIELD_SHAPES(X)
#undef X

/* The field that the order calls so elsewhere (FIELD_SPELLINGS); NULL: there is none in this structure. */
const struct field *field_of_spelling(const struct shape *shape, const char *name);
/* Is it the name of a field, of whatever structure of whatever request? Letters in their case. */
bool field_is_known(const char *name);

/* Its offsets are those of struct booking_request. */
const struct shape *shape_of_request(enum booking_method method);
