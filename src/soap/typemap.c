/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The generated structs, member by member, into booking types (order 329, Appendix 2). Empty and absent become the
 * same here: NULL, and an empty item of a list is no item. Otherwise text stays as it came, since bookId and esiaId
 * are echoed; only what the schema calls a number, a date or a truth value loses the blanks around it, as XSD says.
 *
 * gSOAP's memory is freed unwiped, so a string is wiped as soon as it is copied.
 */
#include "typemap.h"

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

/* xs:integer allows a plus sign; nobody behind this wants to know. */
static const char *take_integer(struct arena *a, char *s)
{
    const char *token = take_token(a, s);
    return token != NULL && token[0] == '+' ? token + 1 : token;
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

static struct strings take_single(struct arena *a, char *item)
{
    return take_list(a, &item, 1);
}

static struct attributes take_attributes(struct arena *a, const struct eq__Attributes *in)
{
    struct attributes out = {0};
    if (in == NULL || in->__sizeAttribute <= 0)
        return out;
    out.items = arena_array(a, (size_t)in->__sizeAttribute, sizeof *out.items);
    for (int i = 0; i < in->__sizeAttribute; i++) {
        const char *name = take(a, in->Attribute[i].name);
        const char *value = take(a, in->Attribute[i].value);
        if (name != NULL)
            out.items[out.n++] = (struct attribute){name, value == NULL ? "" : value};
    }
    return out;
}

static const struct user_document *take_document(struct arena *a, const struct eq__UserDoc *in)
{
    if (in == NULL)
        return NULL;
    struct user_document *out = arena_alloc(a, sizeof *out);
    struct eq__UserDocument *doc = in->Document;
    if (doc == NULL)
        return out;
    *out = (struct user_document){
        .doc_type = take(a, doc->docType),
        .doc_series = take(a, doc->docSeries),
        .doc_number = take(a, doc->docNumber),
        .issue_date = take_token(a, doc->issueDate),
        .valid_date = take_token(a, doc->validDate),
        .issued_by = take(a, doc->issuedBy),
        .issue_dept = take(a, doc->issueDept),
    };
    return out;
}

static const struct time_slot *take_time_slot(struct arena *a, const struct eq__TimeSlot *in)
{
    if (in == NULL)
        return NULL;
    struct time_slot *out = arena_alloc(a, sizeof *out);
    *out = (struct time_slot){
        .slot_id = take(a, in->slotId),
        .service_id = take(a, in->serviceId),
        .organization_id = take(a, in->organizationId),
        .area_id = take(a, in->areaId),
        .visit_time = take_token(a, in->visitTime),
        .book_end_time = take_token(a, in->bookEndTime),
        .queue_number = take(a, in->queueNumber),
        .duration = take_integer(a, in->duration),
        .attributes = take_attributes(a, in->attributes),
    };
    return out;
}

/* The schema wants exactly one of the two; what it got otherwise is told to the check. Depth: gSOAP's maxlevel. */
static void take_predicate(struct arena *a, const struct eq__Predicate *in, struct predicate *out)
{
    out->kind = (in->simple != NULL ? PREDICATE_SIMPLE : 0) | (in->union_ != NULL ? PREDICATE_UNION : 0);
    if (in->simple != NULL) {
        out->attribute_name = take(a, in->simple->attributeName);
        out->condition = take(a, in->simple->condition);
        out->check_all_values = take_bool(a, in->simple->checkAllValues);
        out->value = take(a, in->simple->value);
    }
    if (in->union_ == NULL)
        return;
    out->union_kind = take(a, in->union_->unionKind);
    if (in->union_->__sizesubs <= 0)
        return;
    struct predicate *subs = arena_array(a, (size_t)in->union_->__sizesubs, sizeof *subs);
    out->subs = subs;
    out->nsubs = (unsigned)in->union_->__sizesubs;
    for (unsigned i = 0; i < out->nsubs; i++)
        take_predicate(a, &in->union_->subs[i], &subs[i]);
}

static const struct predicate *take_filter(struct arena *a, const struct eq__Predicate *in)
{
    if (in == NULL)
        return NULL;
    struct predicate *out = arena_alloc(a, sizeof *out);
    take_predicate(a, in, out);
    return out;
}

static const char *take_either(struct arena *a, char *one, char *other)
{
    const char *first = take(a, one);
    const char *second = take(a, other);
    return first != NULL ? first : second;
}

/*
 * Items 18 and 19 share the applicant's members but not a C type. E-mail and phone may come in either order, which
 * gives each two members: the one with an underscore is the other order's.
 */
#define TAKE_APPLICANT(a, in)                                                                                          \
    {                                                                                                                  \
        .last_name = take(a, (in)->lastName), .first_name = take(a, (in)->firstName),                                  \
        .middle_name = take(a, (in)->middleName), .email = take_either(a, (in)->email, (in)->email_),                  \
        .mobile_phone = take_either(a, (in)->mobilePhone, (in)->mobilePhone_), .user_snils = take(a, (in)->userSnils), \
        .user_login = take(a, (in)->userLogin), .user_doc = take_document(a, (in)->userDoc),                           \
        .user_inn = take(a, (in)->userINN), .business_inn = take(a, (in)->businessINN),                                \
        .business_ogrn = take(a, (in)->businessOGRN), .business_name = take(a, (in)->businessName),                    \
        .case_number = take(a, (in)->caseNumber)                                                                       \
    }

static void map_get_slots(struct arena *a, const struct eq__GetSlotsRequest *in, struct booking_request *out)
{
    out->organization_ids = take_list(a, in->organizationId, in->__sizeorganizationId);
    out->user_type = take(a, in->userType);
    out->user_kind = take(a, in->userKind);
    out->esia_id = take(a, in->esiaId);
    out->applicant = (struct applicant)TAKE_APPLICANT(a, in);
    out->service_ids = take_list(a, in->serviceId, in->__sizeserviceId);
    out->area_ids = take_list(a, in->areaId, in->__sizeareaId);
    out->filter = take_filter(a, in->filter);
    out->attributes = take_attributes(a, in->attributes);
}

static void map_book(struct arena *a, const struct eq__BookRequest *in, struct booking_request *out)
{
    out->book_id = take(a, in->bookId);
    out->slot_ids = take_list(a, in->slotId, in->__sizeslotId);
    out->organization_ids = take_single(a, in->organizationId);
    out->user_type = take(a, in->userType);
    out->user_kind = take(a, in->userKind);
    out->esia_id = take(a, in->esiaId);
    out->applicant = (struct applicant)TAKE_APPLICANT(a, in);
    out->service_ids = take_list(a, in->serviceId, in->__sizeserviceId);
    out->area_ids = take_list(a, in->areaId, in->__sizeareaId);
    out->preliminary = take_bool(a, in->preliminaryReservation);
    out->preliminary_period_min = take_integer(a, in->preliminaryReservationPeriod);
    out->attributes = take_attributes(a, in->attributes);
}

static void map_get_booking_status(struct arena *a, const struct eq__GetBookingStatusRequest *in,
                                   struct booking_request *out)
{
    out->book_id = take(a, in->bookId);
    out->esia_id = take(a, in->esiaId);
}

static void map_cancel_booking(struct arena *a, const struct eq__CancelBookingRequest *in, struct booking_request *out)
{
    out->book_id = take(a, in->bookId);
    out->esia_id = take(a, in->esiaId);
}

static void map_get_refs_list(struct arena *a, const struct eq__GetRefsListRequest *in, struct booking_request *out)
{
    (void)a; /* item 22 has no parameters */
    (void)in;
    (void)out;
}

static void map_get_ref_attributes_list(struct arena *a, const struct eq__GetRefAttributesListRequest *in,
                                        struct booking_request *out)
{
    out->ref_names = take_list(a, in->refNames, in->__sizerefNames);
}

static void map_get_ref_items_list(struct arena *a, const struct eq__GetRefItemsListRequest *in,
                                   struct booking_request *out)
{
    out->ref_names = take_single(a, in->refName);
    out->parent_ref_item_value = take(a, in->parentRefItemValue);
    out->tree_filtering = take(a, in->treeFiltering);
    out->select_attributes = take_list(a, in->selectAttributes, in->__sizeselectAttributes);
    out->filter = take_filter(a, in->filter);
    out->order_by = take_list(a, in->orderBy, in->__sizeorderBy);
    out->page_num = take_integer(a, in->pageNum);
    out->page_size = take_integer(a, in->pageSize);
    out->version = take(a, in->version);
}

static void map_update_booking_details(struct arena *a, const struct eq__UpdateBookingDetailsRequest *in,
                                       struct booking_request *out)
{
    out->book_id = take(a, in->bookId);
    out->esia_id = take(a, in->esiaId);
    out->timeslot = take_time_slot(a, in->timeslot);
    if (in->status == NULL)
        return;
    out->status_code = take(a, in->status->statusCode);
    out->status_message = take(a, in->status->statusMessage);
}

#define READER(method, Type, element)                                                                                  \
    static bool read_##method(struct soap *soap, struct arena *a, struct booking_request *out)                         \
    {                                                                                                                  \
        struct eq__##Type in;                                                                                          \
        soap_default_eq__##Type(soap, &in);                                                                            \
        if (soap_get_eq__##Type(soap, &in, "eq:" element, NULL) == NULL)                                               \
            return false;                                                                                              \
        map_##method(a, &in, out);                                                                                     \
        return true;                                                                                                   \
    }

READER(get_slots, GetSlotsRequest, "getSlotsRequest")
READER(book, BookRequest, "bookRequest")
READER(get_booking_status, GetBookingStatusRequest, "getBookingStatusRequest")
READER(cancel_booking, CancelBookingRequest, "cancelBookingRequest")
READER(get_refs_list, GetRefsListRequest, "getRefsListRequest")
READER(get_ref_attributes_list, GetRefAttributesListRequest, "getRefAttributesListRequest")
READER(get_ref_items_list, GetRefItemsListRequest, "getRefItemsListRequest")
READER(update_booking_details, UpdateBookingDetailsRequest, "updateBookingDetailsRequest")

const typemap_read_fn typemap_readers[BOOKING_METHOD_COUNT] = {
    [BOOKING_GET_SLOTS] = read_get_slots,
    [BOOKING_BOOK] = read_book,
    [BOOKING_GET_BOOKING_STATUS] = read_get_booking_status,
    [BOOKING_CANCEL_BOOKING] = read_cancel_booking,
    [BOOKING_GET_REFS_LIST] = read_get_refs_list,
    [BOOKING_GET_REF_ATTRIBUTES_LIST] = read_get_ref_attributes_list,
    [BOOKING_GET_REF_ITEMS_LIST] = read_get_ref_items_list,
    [BOOKING_UPDATE_BOOKING_DETAILS] = read_update_booking_details,
};
