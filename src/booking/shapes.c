/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The table of fields as data: types, structures, requests. */
#include "booking_fields.h"

#include <string.h>

static const char *const field_user_types[] = {"SIMPLE", "QUALIFIED", NULL};
static const char *const field_user_kinds[] = {"PHYSIC", "BUSINESS", "PERSBUSINESS", NULL};
static const char *const field_union_kinds[] = {"AND", "OR", NULL};
static const char *const field_tree_filterings[] = {"ONELEVEL", "SUBTREE", NULL};
/* A21: both spellings are in use */
static const char *const field_conditions[] = {"equals",
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

const struct field_type field_types[FIELD_TYPE_COUNT] = {
#define X(type, name_, kind_, min_, max_, words_)                                                                      \
    [FIELD_TYPE_##type] = {.name = (name_), .kind = FIELD_##kind_, .min = (min_), .max = (max_), .words = (words_)},
    FIELD_TYPES(X)
#undef X
};

bool field_is_word(const struct field_type *type, const char *s)
{
    for (const char *const *word = type->words; s != NULL && *word != NULL; word++)
        if (strcmp(*word, s) == 0)
            return true;
    return false;
}

/* A row is a value or a structure, as its place says. */
#define VALUE(type_) .type = &field_types[FIELD_TYPE_##type_]
#define SHAPE(type_) .shape = &shape_##type_
#define OF_TEXT      VALUE
#define OF_EITHER    VALUE
#define OF_FLAG      VALUE
#define OF_LIST      VALUE
#define OF_ONE       VALUE
#define OF_PART      SHAPE
#define OF_SAME      SHAPE
#define OF_INSIDE    SHAPE
#define OF_ITEMS     SHAPE
#define ROW(place_, element, member, type_, flags, most_)                                                              \
    {.name = #element,                                                                                                 \
     .place = FIELD_##place_,                                                                                          \
     .offset = offsetof(OWNER, member),                                                                                \
     OF_##place_(type_),                                                                                               \
     .most = (most_),                                                                                                  \
     .is_many = FIELD_##place_ == FIELD_LIST || FIELD_##place_ == FIELD_ITEMS,                                         \
     .is_required = ((flags)&FIELD_MUST) != 0,                                                                         \
     .is_line = ((flags)&FIELD_ANY) == 0},

/* The last one is of no field: a request may have none. */
#define FIELDS(type) static const struct field fields_##type[] = {FIELDS_##type(ROW){0}};

#define OWNER struct user_document
FIELDS(UserDocument)
FIELDS(UserDoc)
#undef OWNER
#define OWNER struct attribute
FIELDS(Attribute)
#undef OWNER
#define OWNER struct attributes
FIELDS(Attributes)
#undef OWNER
#define OWNER struct predicate
FIELDS(SimplePredicate)
FIELDS(LogicalUnionPredicate)
FIELDS(Predicate)
#undef OWNER
#define OWNER struct time_slot
FIELDS(TimeSlot)
#undef OWNER
#define OWNER struct booking_request
FIELDS(Status)
#define X(METHOD, file, name, Type, flags, check) FIELDS(Type##Request)
BOOKING_METHODS(X)
#undef X

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof *(array)) - 1)
#define OF(type_)    .type = #type_, .fields = fields_##type_, .n = COUNT(fields_##type_)

const struct shape shape_UserDocument = {OF(UserDocument)};
const struct shape shape_UserDoc = {OF(UserDoc)};
const struct shape shape_Attribute = {OF(Attribute)};
const struct shape shape_Attributes = {OF(Attributes)};
const struct shape shape_SimplePredicate = {OF(SimplePredicate)};
const struct shape shape_LogicalUnionPredicate = {OF(LogicalUnionPredicate)};
const struct shape shape_Predicate = {OF(Predicate), .is_choice = true};
const struct shape shape_Status = {OF(Status)};
const struct shape shape_TimeSlot = {OF(TimeSlot)};

static const struct shape requests[BOOKING_METHOD_COUNT] = {
#define X(METHOD, file, name, Type, flags, check) [BOOKING_##METHOD] = {OF(Type##Request)},
    BOOKING_METHODS(X)
#undef X
};
_Static_assert(COUNT(fields_GetSlotsRequest) <= SHAPE_FIELDS_MAX && COUNT(fields_BookRequest) <= SHAPE_FIELDS_MAX, "");

const struct shape *shape_of_request(enum booking_method method)
{
    return &requests[method];
}

/* ---- names ---- */

static const struct field *field_find(const struct shape *shape, const char *name)
{
    for (unsigned i = 0; i < shape->n; i++)
        if (strcmp(shape->fields[i].name, name) == 0)
            return &shape->fields[i];
    return NULL;
}

const struct field *field_of_spelling(const struct shape *shape, const char *name)
{
    static const struct {
        const char *type, *name, *other;
    } all[] = {
#define X(type, name, other) {#type, #name, #other},
        FIELD_SPELLINGS(X)
#undef X
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].other, name) == 0 && strcmp(all[i].type, shape->type) == 0)
            return field_find(shape, all[i].name);
    return NULL;
}

bool field_is_known(const char *name)
{
    static const struct shape *const shapes[] = {
#define X(type, owner) &shape_##type,
        FIELD_SHAPES(X)
#undef X
    };
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (field_find(shapes[i], name) != NULL)
            return true;
    for (unsigned i = 0; i < BOOKING_METHOD_COUNT; i++)
        if (field_find(&requests[i], name) != NULL)
            return true;
    return false;
}
