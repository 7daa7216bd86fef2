/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The generated structs, member by member, into booking types: the table of fields expanded once more. Empty and absent
 * become the same here: NULL, and an empty item of a list is no item. Otherwise text stays as it came, since bookId and
 * esiaId are echoed; only what the schema calls a number, a date or a truth value loses the blanks around it, as XSD
 * says.
 *
 * gSOAP's memory is freed unwiped, so a string is wiped as soon as it is copied.
 */
#include "typemap.h"

#include "booking_fields.h"
#include "eqH.h"

#include <string.h>

static const char *take(struct arena *a, char *s)
{
    if (s == NULL || *s == '\0')
        return NULL;
    size_t n = strlen(s);
    char *copy = arena_strndup(a, s, n);
    explicit_bzero(s, n);
    return copy;
}

/* White space facet "collapse" of dates and numbers; they have no blanks inside. */
static const char *take_token(struct arena *a, char *s)
{
    static const char blanks[] = " \t\r\n";
    if (s == NULL)
        return NULL;
    char *from = s + strspn(s, blanks);
    size_t n = strlen(from);
    while (n > 0 && strchr(blanks, from[n - 1]) != NULL)
        n--;
    const char *copy = n == 0 ? NULL : arena_strndup(a, from, n);
    explicit_bzero(s, strlen(s));
    return copy;
}

static const char *take_value(struct arena *a, char *s, const struct field_type *type)
{
    if (type->kind == FIELD_STRING || type->kind == FIELD_WORD || type->kind == FIELD_CODE)
        return take(a, s);
    const char *token = take_token(a, s);
    bool is_integer = type->kind == FIELD_INTEGER || type->kind == FIELD_NUMBER;
    return is_integer && token != NULL && token[0] == '+' ? token + 1 : token; /* nobody behind this wants the sign */
}

static bool take_bool(struct arena *a, char *s)
{
    const char *token = take_token(a, s);
    return token != NULL && (strcmp(token, "true") == 0 || strcmp(token, "1") == 0);
}

static struct strings take_list(struct arena *a, char **items, int n)
{
    struct strings out = {0};
    if (items == NULL || n <= 0)
        return out;
    out.items = arena_array(a, (size_t)n, sizeof *out.items);
    for (int i = 0; i < n; i++) {
        const char *item = take(a, items[i]);
        if (item != NULL)
            out.items[out.n++] = item;
    }
    return out;
}

static struct strings take_one(struct arena *a, char *item)
{
    return take_list(a, &item, 1);
}

/* ---- a row of the table: from *in of the generated types to *out of ours ---- */

#define VALUE(type)                        &field_types[FIELD_TYPE_##type]
#define TAKE_TEXT(element, member, type)   out->member = take_value(a, in->element, VALUE(type));
#define TAKE_FLAG(element, member, type)   out->member = take_bool(a, in->element);
#define TAKE_LIST(element, member, type)   out->member = take_list(a, in->element, in->__size##element);
#define TAKE_ONE(element, member, type)    out->member = take_one(a, in->element);
#define TAKE_PART(element, member, type)   out->member = take_##type(a, in->element);
#define TAKE_INSIDE(element, member, type) TAKE_PART(element, member, type)
#define TAKE_SAME(element, member, type)                                                                               \
    if (in->element != NULL)                                                                                           \
        map_##type(a, in->element, out);
#define TAKE(place, element, member, type, flags, most) TAKE_##place(element, member, type)

/* Two orders are good, which gives each of the pair two members: the one with an underscore is the other order's. */
#define TAKE_EITHER(element, member, type)                                                                             \
    TAKE_TEXT(element, member, type)                                                                                   \
    if (out->member == NULL)                                                                                           \
        out->member = take(a, in->element##_);                                                                         \
    if (out->applicant.email == NULL)                                                                                  \
        out->applicant.email = take(a, in->email_);

static struct attributes take_Attributes(struct arena *a, const struct eq__Attributes *list)
{
    struct attributes all = {0};
    if (list == NULL || list->__sizeAttribute <= 0)
        return all;
    all.items = arena_array(a, (size_t)list->__sizeAttribute, sizeof *all.items);
    for (int i = 0; i < list->__sizeAttribute; i++) {
        const struct eq__Attribute *in = &list->Attribute[i];
        struct attribute *out = &all.items[all.n];
        FIELDS_Attribute(TAKE);
        all.n += out->name != NULL;
        if (out->value == NULL)
            out->value = "";
    }
    return all;
}

static const struct user_document *take_UserDoc(struct arena *a, const struct eq__UserDoc *doc)
{
    if (doc == NULL)
        return NULL;
    struct user_document *out = arena_alloc(a, sizeof *out);
    const struct eq__UserDocument *in = doc->Document;
    if (in != NULL) {
        FIELDS_UserDocument(TAKE);
    }
    return out;
}

static const struct time_slot *take_TimeSlot(struct arena *a, const struct eq__TimeSlot *in)
{
    if (in == NULL)
        return NULL;
    struct time_slot *out = arena_alloc(a, sizeof *out);
    FIELDS_TimeSlot(TAKE);
    return out;
}

static void map_SimplePredicate(struct arena *a, const struct eq__SimplePredicate *in, struct predicate *out)
{
    FIELDS_SimplePredicate(TAKE);
}

/* The schema wants exactly one of the two; what it got otherwise is told to the check. Depth: gSOAP's maxlevel. */
static void map_Predicate(struct arena *a, const struct eq__Predicate *in, struct predicate *out)
{
    out->kind = (in->simple != NULL ? PREDICATE_SIMPLE : 0) | (in->union_ != NULL ? PREDICATE_UNION : 0);
    if (in->simple != NULL)
        map_SimplePredicate(a, in->simple, out);
    if (in->union_ == NULL)
        return;
    out->union_kind = take(a, in->union_->unionKind);
    if (in->union_->__sizesubs <= 0)
        return;
    struct predicate *subs = arena_array(a, (size_t)in->union_->__sizesubs, sizeof *subs);
    out->subs = subs;
    out->nsubs = (unsigned)in->union_->__sizesubs;
    for (unsigned i = 0; i < out->nsubs; i++)
        map_Predicate(a, &in->union_->subs[i], &subs[i]);
}

static const struct predicate *take_Predicate(struct arena *a, const struct eq__Predicate *in)
{
    if (in == NULL)
        return NULL;
    struct predicate *out = arena_alloc(a, sizeof *out);
    map_Predicate(a, in, out);
    return out;
}

static void map_Status(struct arena *a, const struct eq__Status *in, struct booking_request *out)
{
    FIELDS_Status(TAKE);
}

#define READER(Type, element)                                                                                          \
    static void map_##Type(struct arena *a, const struct eq__##Type *in, struct booking_request *out)                  \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        (void)in;                                                                                                      \
        (void)out;                                                                                                     \
        FIELDS_##Type(TAKE);                                                                                           \
    }                                                                                                                  \
    static bool read_##Type(struct soap *soap, struct arena *a, struct booking_request *out)                           \
    {                                                                                                                  \
        struct eq__##Type in;                                                                                          \
        soap_default_eq__##Type(soap, &in);                                                                            \
        if (soap_get_eq__##Type(soap, &in, element, NULL) == NULL)                                                     \
            return false;                                                                                              \
        map_##Type(a, &in, out);                                                                                       \
        return true;                                                                                                   \
    }
#define X(METHOD, file, name, Type, flags, check) READER(Type##Request, "eq:" #name "Request")
BOOKING_METHODS(X)
#undef X

const typemap_read_fn typemap_readers[BOOKING_METHOD_COUNT] = {
#define X(METHOD, file, name, Type, flags, check) [BOOKING_##METHOD] = read_##Type##Request,
    BOOKING_METHODS(X)
#undef X
};
