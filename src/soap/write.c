/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * An answer, and the one request of ours, as canonical text (Exclusive XML Canonicalization 1.0), ready to be signed
 * without being parsed: one prefix on every element, declared where it is first used, no attributes, start and end tag
 * for empty elements too. The order of children is that of the response types in schemas/equeue-types.xsd (order 329,
 * items 17 to 24). Why not gSOAP's writer: it is canonical but for U+007F (docs/decisions/0001-interface.md).
 */
#include "soap.h"

#include <string.h>

struct writer {
    struct buf *b;
    struct arena *arena;
    const struct soap_style *style;
    unsigned depth;
};

/* The prefix with its colon, by namespace of the children. "eq" is declared by the element around the content. */
static const char *const prefixes[] = {
    [SOAP_CHILDREN_WS] = "eq:", [SOAP_CHILDREN_TYPES] = "eqt:", [SOAP_CHILDREN_BARE] = ""};

static void open_tag(struct writer *w, const char *name)
{
    buf_add_char(w->b, '<');
    buf_add_str(w->b, prefixes[w->style->children]);
    buf_add_str(w->b, name);
    if (w->depth++ == 0 && w->style->children == SOAP_CHILDREN_TYPES)
        buf_add_str(w->b, " xmlns:eqt=\"" SOAP_NS_TYPES "\"");
    buf_add_char(w->b, '>');
}

static void close_tag(struct writer *w, const char *name)
{
    w->depth--;
    buf_add(w->b, "</", 2);
    buf_add_str(w->b, prefixes[w->style->children]);
    buf_add_str(w->b, name);
    buf_add_char(w->b, '>');
}

static void add_element(struct writer *w, const char *name, const char *text)
{
    open_tag(w, name);
    buf_add_xml_text(w->b, span_of(text == NULL ? "" : text));
    close_tag(w, name);
}

static void add_optional(struct writer *w, const char *name, const char *text)
{
    if (text != NULL && *text != '\0')
        add_element(w, name, text);
}

static void add_attributes(struct writer *w, const char *item, const struct attributes *list)
{
    if (list->n == 0)
        return;
    open_tag(w, "attributes");
    for (unsigned i = 0; i < list->n; i++) {
        open_tag(w, item);
        add_element(w, "name", list->items[i].name);
        add_element(w, "value", list->items[i].value);
        close_tag(w, item);
    }
    close_tag(w, "attributes");
}

/* item 2 */
static void add_error_detail(struct writer *w, int code, const char *message)
{
    open_tag(w, "errorDetail");
    open_tag(w, "errorCode");
    buf_printf(w->b, "%d", code);
    close_tag(w, "errorCode");
    add_optional(w, "errorMessage", message);
    close_tag(w, "errorDetail");
}

/* items 1 and 3; code 0 is sent too (A11), and in item 17 always */
static void add_error(struct writer *w, const struct booking_reply *r)
{
    if (w->style->omit_error_on_success && r->error_code == 0 && r->fields.n == 0 &&
        r->method != BOOKING_UPDATE_BOOKING_DETAILS)
        return;
    open_tag(w, "error");
    add_error_detail(w, r->error_code, r->error_message);
    if (r->fields.n > 0) {
        open_tag(w, "fieldErrors");
        for (unsigned i = 0; i < r->fields.n; i++) {
            const struct field_error *f = &r->fields.items[i];
            open_tag(w, "FieldError");
            add_element(w, "fieldName", f->field);
            add_error_detail(w, f->code, f->message);
            close_tag(w, "FieldError");
        }
        close_tag(w, "fieldErrors");
    }
    close_tag(w, "error");
}

/* A4: a structure wherever the order says Status; some callers want the code alone where it is read, not made */
static void add_status(struct writer *w, const struct booking_reply *r)
{
    if (r->status_code == NULL)
        return;
    if (w->style->status_as_text && r->method != BOOKING_BOOK) {
        add_element(w, "status", r->status_code);
        return;
    }
    open_tag(w, "status");
    add_element(w, "statusCode", r->status_code);
    add_optional(w, "statusMessage", r->status_message);
    close_tag(w, "status");
}

/* item 18; TimeSlot in the list of getSlots, timeSlot elsewhere (A5) */
static void add_time_slot(struct writer *w, const char *name, const struct time_slot *s)
{
    open_tag(w, name);
    add_element(w, "slotId", s->slot_id);
    add_optional(w, "serviceId", s->service_id);
    add_element(w, "organizationId", s->organization_id);
    add_element(w, "areaId", s->area_id);
    add_element(w, "visitTime", s->visit_time);
    add_optional(w, "bookEndTime", s->book_end_time);
    add_optional(w, "queueNumber", s->queue_number);
    add_optional(w, "duration", s->duration);
    add_attributes(w, "Attribute", &s->attributes);
    close_tag(w, name);
}

enum err soap_write_update(struct arena *a, const struct booking_update *u, struct buf *out, struct error *e)
{
    static const struct soap_style as_the_schema = {0};
    struct writer w = {.b = out, .arena = a, .style = &as_the_schema};
    const struct time_slot *s = u->timeslot;
    if (u->book_id == NULL || u->esia_id == NULL || u->status_code == NULL)
        return error_set(e, ERR_INPUT, "bookId, esiaId or status is missing");
    if (s != NULL && (s->slot_id == NULL || s->organization_id == NULL || s->visit_time == NULL))
        return error_set(e, ERR_INPUT, "slotId, organizationId or visitTime is missing");
    add_element(&w, "bookId", u->book_id);
    add_element(&w, "esiaId", u->esia_id);
    if (s != NULL)
        add_time_slot(&w, "timeslot", s);
    open_tag(&w, "status");
    add_element(&w, "statusCode", u->status_code);
    add_optional(&w, "statusMessage", u->status_message);
    close_tag(&w, "status");
    return ERR_OK;
}

static void add_time_slots(struct writer *w, const char *name, const struct booking_reply *r)
{
    for (unsigned i = 0; i < r->nslots; i++)
        add_time_slot(w, name, &r->slots[i]);
}

/* A6: the intervals of one visit, repeated in the order of time, or the first one made as long as all of them. */
static void add_visit(struct writer *w, const struct booking_reply *r)
{
    if (!w->style->single_timeslot || r->nslots < 2) {
        add_time_slots(w, "timeSlot", r);
        return;
    }
    struct time_slot whole = r->slots[0];
    whole.duration = booking_visit_minutes(w->arena, r->slots, r->nslots);
    add_time_slot(w, "timeSlot", &whole);
}

static void add_refs_list(struct writer *w, const struct booking_reply *r)
{
    open_tag(w, "refsList");
    for (unsigned i = 0; i < r->nrefs; i++) {
        open_tag(w, "RefInfo");
        add_element(w, "name", r->refs[i].name);
        add_element(w, "title", r->refs[i].title);
        add_element(w, "kind", r->refs[i].kind);
        close_tag(w, "RefInfo");
    }
    close_tag(w, "refsList");
}

static void add_ref_attributes_list(struct writer *w, const struct booking_reply *r)
{
    open_tag(w, "refAttributesList");
    for (unsigned i = 0; i < r->nref_attributes; i++) {
        const struct ref_attribute_info *info = &r->ref_attributes[i];
        open_tag(w, "RefAttributeInfo");
        add_element(w, "refName", info->ref_name);
        add_element(w, "name", info->name);
        add_element(w, "title", info->title);
        add_element(w, "type", info->type);
        add_optional(w, "attrRefName", info->attr_ref_name);
        add_element(w, "allowFiltering", info->allow_filtering ? "true" : "false");
        close_tag(w, "RefAttributeInfo");
    }
    close_tag(w, "refAttributesList");
}

/* item 8; as deep as the book is, which SQL bounds */
static void add_ref_items(struct writer *w, const char *name, const struct ref_item *items, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        open_tag(w, name);
        add_optional(w, "parentItem", items[i].parent_item);
        if (items[i].nchildren > 0) {
            open_tag(w, "children");
            add_ref_items(w, "RefItem", items[i].children, items[i].nchildren);
            close_tag(w, "children");
        }
        add_attributes(w, "RefAttribute", &items[i].attributes);
        close_tag(w, name);
    }
}

static void add_book_key(struct writer *w, const struct booking_reply *r)
{
    add_element(w, "bookId", r->book_id);
    add_element(w, "esiaId", r->esia_id);
}

/* A list that is empty on success is there and empty; beside an error it is left out. */
static bool has_list(const struct booking_reply *r, unsigned n)
{
    return n > 0 || r->error_code == 0;
}

enum err soap_write_content(struct arena *a, const struct booking_reply *r, const struct soap_style *style,
                            struct buf *out, struct error *e)
{
    static const struct soap_style as_the_schema = {0};
    struct writer w = {.b = out, .arena = a, .style = style == NULL ? &as_the_schema : style};
    switch (r->method) {
    case BOOKING_GET_SLOTS:
        if (has_list(r, r->nslots)) {
            open_tag(&w, "slots");
            add_time_slots(&w, "TimeSlot", r);
            close_tag(&w, "slots");
        }
        break;
    case BOOKING_BOOK:
    case BOOKING_GET_BOOKING_STATUS:
        add_book_key(&w, r);
        add_status(&w, r);
        add_visit(&w, r);
        break;
    case BOOKING_CANCEL_BOOKING:
        add_book_key(&w, r);
        add_status(&w, r);
        break;
    case BOOKING_UPDATE_BOOKING_DETAILS:
        add_book_key(&w, r);
        break;
    case BOOKING_GET_REFS_LIST:
        if (has_list(r, r->nrefs))
            add_refs_list(&w, r);
        break;
    case BOOKING_GET_REF_ATTRIBUTES_LIST:
        if (has_list(r, r->nref_attributes))
            add_ref_attributes_list(&w, r);
        break;
    case BOOKING_GET_REF_ITEMS_LIST:
        add_element(&w, "totalItems", r->total_items == NULL ? "0" : r->total_items);
        add_ref_items(&w, "items", r->items, r->nitems);
        add_optional(&w, "version", r->version);
        break;
    case BOOKING_METHOD_COUNT: /* no default: the compiler tells of a method without an answer */
        return error_set(e, ERR_INTERNAL, "no answer for method %d", (int)r->method);
    }
    add_error(&w, r);
    return ERR_OK;
}
