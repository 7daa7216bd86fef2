/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * An answer as canonical text (Exclusive XML Canonicalization 1.0), ready to be signed without being parsed: prefix
 * "eq" on every element, no attributes, start and end tag for empty elements too. The order of children is that of the
 * response types in schemas/equeue-types.xsd (order 329, items 17 to 24). Why not gSOAP's writer: it is canonical but
 * for U+007F (docs/decisions/0001-interface.md).
 */
#include "soap.h"

#include <string.h>

static void open_tag(struct buf *b, const char *name)
{
    buf_add(b, "<eq:", 4);
    buf_add_str(b, name);
    buf_add_char(b, '>');
}

static void close_tag(struct buf *b, const char *name)
{
    buf_add(b, "</eq:", 5);
    buf_add_str(b, name);
    buf_add_char(b, '>');
}

/* Length of a character at p that XML 1.0 cannot hold: C0 controls, U+FFFE, U+FFFF. 0: it is an ordinary one. */
static size_t unwritable(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x20)
        return u[0] == '\t' || u[0] == '\n' || u[0] == '\r' ? 0 : 1;
    return u[0] == 0xEF && u[1] == 0xBF && (u[2] == 0xBE || u[2] == 0xBF) ? 3 : 0;
}

/* An operator's text may hold what XML cannot: such a character becomes U+FFFD instead of spoiling the answer. */
static void add_text(struct buf *b, const char *s)
{
    const char *from = s;
    for (const char *p = s; *p != '\0';) {
        size_t n = unwritable(p);
        if (n == 0) {
            p++;
            continue;
        }
        buf_add_xml_text(b, (struct span){from, (size_t)(p - from)});
        buf_add_str(b, "\xEF\xBF\xBD");
        p += n;
        from = p;
    }
    buf_add_xml_text(b, span_of(from));
}

static void add_element(struct buf *b, const char *name, const char *text)
{
    open_tag(b, name);
    add_text(b, text == NULL ? "" : text);
    close_tag(b, name);
}

static void add_optional(struct buf *b, const char *name, const char *text)
{
    if (text != NULL && *text != '\0')
        add_element(b, name, text);
}

static void add_attributes(struct buf *b, const char *item, const struct attributes *list)
{
    if (list->n == 0)
        return;
    open_tag(b, "attributes");
    for (unsigned i = 0; i < list->n; i++) {
        open_tag(b, item);
        add_element(b, "name", list->items[i].name);
        add_element(b, "value", list->items[i].value);
        close_tag(b, item);
    }
    close_tag(b, "attributes");
}

/* item 2 */
static void add_error_detail(struct buf *b, int code, const char *message)
{
    open_tag(b, "errorDetail");
    open_tag(b, "errorCode");
    buf_printf(b, "%d", code);
    close_tag(b, "errorCode");
    add_optional(b, "errorMessage", message);
    close_tag(b, "errorDetail");
}

/* items 1 and 3; code 0 is sent too (A11) */
static void add_error(struct buf *b, const struct booking_reply *r)
{
    open_tag(b, "error");
    add_error_detail(b, r->error_code, r->error_message);
    if (r->fields.n > 0) {
        open_tag(b, "fieldErrors");
        for (unsigned i = 0; i < r->fields.n; i++) {
            const struct field_error *f = &r->fields.items[i];
            open_tag(b, "FieldError");
            add_element(b, "fieldName", f->field);
            add_error_detail(b, f->code, f->message);
            close_tag(b, "FieldError");
        }
        close_tag(b, "fieldErrors");
    }
    close_tag(b, "error");
}

/* A4: a structure wherever the order says Status */
static void add_status(struct buf *b, const struct booking_reply *r)
{
    if (r->status_code == NULL)
        return;
    open_tag(b, "status");
    add_element(b, "statusCode", r->status_code);
    add_optional(b, "statusMessage", r->status_message);
    close_tag(b, "status");
}

/* item 18; TimeSlot in the list of getSlots, timeSlot elsewhere (A5), repeated when a visit has several (A6) */
static void add_time_slots(struct buf *b, const char *name, const struct booking_reply *r)
{
    for (unsigned i = 0; i < r->nslots; i++) {
        const struct time_slot *s = &r->slots[i];
        open_tag(b, name);
        add_element(b, "slotId", s->slot_id);
        add_optional(b, "serviceId", s->service_id);
        add_element(b, "organizationId", s->organization_id);
        add_element(b, "areaId", s->area_id);
        add_element(b, "visitTime", s->visit_time);
        add_optional(b, "bookEndTime", s->book_end_time);
        add_optional(b, "queueNumber", s->queue_number);
        add_optional(b, "duration", s->duration);
        add_attributes(b, "Attribute", &s->attributes);
        close_tag(b, name);
    }
}

static void add_refs_list(struct buf *b, const struct booking_reply *r)
{
    open_tag(b, "refsList");
    for (unsigned i = 0; i < r->nrefs; i++) {
        open_tag(b, "RefInfo");
        add_element(b, "name", r->refs[i].name);
        add_element(b, "title", r->refs[i].title);
        add_element(b, "kind", r->refs[i].kind);
        close_tag(b, "RefInfo");
    }
    close_tag(b, "refsList");
}

static void add_ref_attributes_list(struct buf *b, const struct booking_reply *r)
{
    open_tag(b, "refAttributesList");
    for (unsigned i = 0; i < r->nref_attributes; i++) {
        const struct ref_attribute_info *info = &r->ref_attributes[i];
        open_tag(b, "RefAttributeInfo");
        add_element(b, "refName", info->ref_name);
        add_element(b, "name", info->name);
        add_element(b, "title", info->title);
        add_element(b, "type", info->type);
        add_optional(b, "attrRefName", info->attr_ref_name);
        add_element(b, "allowFiltering", info->allow_filtering ? "true" : "false");
        close_tag(b, "RefAttributeInfo");
    }
    close_tag(b, "refAttributesList");
}

/* item 8; as deep as the book is, which SQL bounds */
static void add_ref_items(struct buf *b, const char *name, const struct ref_item *items, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        open_tag(b, name);
        add_optional(b, "parentItem", items[i].parent_item);
        if (items[i].nchildren > 0) {
            open_tag(b, "children");
            add_ref_items(b, "RefItem", items[i].children, items[i].nchildren);
            close_tag(b, "children");
        }
        add_attributes(b, "RefAttribute", &items[i].attributes);
        close_tag(b, name);
    }
}

static void add_book_key(struct buf *b, const struct booking_reply *r)
{
    add_element(b, "bookId", r->book_id);
    add_element(b, "esiaId", r->esia_id);
}

/* A list that is empty on success is there and empty; beside an error it is left out. */
static bool has_list(const struct booking_reply *r, unsigned n)
{
    return n > 0 || r->error_code == 0;
}

enum err soap_write_content(struct arena *a, const struct booking_reply *r, struct buf *out, struct error *e)
{
    (void)a; /* everything goes straight to the buffer */
    switch (r->method) {
    case BOOKING_GET_SLOTS:
        if (has_list(r, r->nslots)) {
            open_tag(out, "slots");
            add_time_slots(out, "TimeSlot", r);
            close_tag(out, "slots");
        }
        break;
    case BOOKING_BOOK:
    case BOOKING_GET_BOOKING_STATUS:
        add_book_key(out, r);
        add_status(out, r);
        add_time_slots(out, "timeSlot", r);
        break;
    case BOOKING_CANCEL_BOOKING:
        add_book_key(out, r);
        add_status(out, r);
        break;
    case BOOKING_UPDATE_BOOKING_DETAILS:
        add_book_key(out, r);
        break;
    case BOOKING_GET_REFS_LIST:
        if (has_list(r, r->nrefs))
            add_refs_list(out, r);
        break;
    case BOOKING_GET_REF_ATTRIBUTES_LIST:
        if (has_list(r, r->nref_attributes))
            add_ref_attributes_list(out, r);
        break;
    case BOOKING_GET_REF_ITEMS_LIST:
        add_element(out, "totalItems", r->total_items == NULL ? "0" : r->total_items);
        add_ref_items(out, "items", r->items, r->nitems);
        add_optional(out, "version", r->version);
        break;
    case BOOKING_METHOD_COUNT:
    default:
        return error_set(e, ERR_INTERNAL, "no answer for method %d", (int)r->method);
    }
    add_error(out, r);
    return ERR_OK;
}
