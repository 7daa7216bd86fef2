/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * book (item 19): books, holds, confirms or moves. What needs the database (whose slot, free or not, limits) is
 * api.book's; here stand the fields by themselves. A request with bad fields is sent all the same, with their names:
 * SQL books nothing then, but tells what else is wrong and journals it.
 */
#include "booking_private.h"
#include "call.h"
#include "check.h"
#include "reply.h"

#include "ascii.h"

#include <string.h>

#define BLIND_REQUEST  "blind_request"
#define PERIOD_MAX_MIN 1000000 /* organizations bound it far lower (A23); this only keeps it an integer */

/* One or several parts of one visit (A6, A7), or the single blind_request, in exactly this spelling. */
static void check_slots(const struct strings *slots, struct field_errors *f)
{
    for (unsigned i = 0; i < slots->n && slots->n > 1 && !f->is_beyond; i++) {
        if (text_is(slots->items[i], BLIND_REQUEST))
            field_errors_add(f, "slotId", 1, "Значение blind_request должно быть единственным");
        for (unsigned k = 0; k < i; k++) {
            if (strcmp(slots->items[i], slots->items[k]) == 0)
                field_errors_add(f, "slotId", 1, "Интервал времени указан дважды");
        }
    }
}

/* A23: with a final booking the portal sends the period as well, and then it means nothing. 0 and none: the default. */
static void check_period(const struct booking_request *r, struct field_errors *f)
{
    if (r->preliminary && r->preliminary_period_min != NULL && !text_is_digits(r->preliminary_period_min))
        field_errors_add(f, "preliminaryReservationPeriod", 1,
                         "Период указывается целым числом минут, не меньше 0 и без знака");
}

void book_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
{
    (void)a;
    check_slots(&r->slot_ids, f);
    if (!r->preliminary)
        check_applicant(r, f);
    check_period(r, f);
}

struct json {
    struct buf b;
    bool has_member;
};

static void json_begin(struct json *j, struct arena *a)
{
    buf_init(&j->b, a, 256);
    buf_add_char(&j->b, '{');
    j->has_member = false;
}

static void json_name(struct json *j, const char *name)
{
    if (j->has_member)
        buf_add_char(&j->b, ',');
    j->has_member = true;
    buf_add_json(&j->b, span_of(name));
    buf_add_char(&j->b, ':');
}

static void json_add(struct json *j, const char *name, const char *value)
{
    if (value == NULL)
        return;
    json_name(j, name);
    buf_add_json(&j->b, span_of(value));
}

static struct span json_end(struct json *j)
{
    buf_add_char(&j->b, '}');
    return buf_span(&j->b);
}

/* The day alone; a wrong date is sent as it came. */
static const char *plain_day(const char *s, struct arena *a)
{
    return rule_date(s) ? arena_strndup(a, s, DATE_LENGTH) : s;
}

static struct span document_json(const struct user_document *doc, struct arena *a)
{
    struct json j;
    json_begin(&j, a);
    json_add(&j, "docType", doc->doc_type);
    json_add(&j, "docSeries", doc->doc_series);
    json_add(&j, "docNumber", doc->doc_number);
    json_add(&j, "issueDate", plain_day(doc->issue_date, a));
    json_add(&j, "validDate", plain_day(doc->valid_date, a));
    json_add(&j, "issuedBy", doc->issued_by);
    json_add(&j, "issueDept", doc->issue_dept);
    return json_end(&j);
}

/* One spelling for one number, so that limits per person (B5) cannot be passed by with blanks and hyphens. */
static const char *plain_digits(const char *s, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 16);
    for (; *s != '\0'; s++) {
        if (ascii_is_digit(*s))
            buf_add_char(&b, *s);
    }
    return b.n == 0 ? NULL : b.p;
}

/* A wrong number is sent as it came: nothing is booked with it. */
static const char *applicant_json(const struct applicant *p, struct arena *a)
{
    char phone[12];
    const char *mobile = rule_phone(p->mobile_phone, phone) ? arena_strdup(a, phone) : p->mobile_phone;
    const char *snils = rule_snils(p->user_snils) ? plain_digits(p->user_snils, a) : p->user_snils;
    struct json j;
    json_begin(&j, a);
    json_add(&j, "lastName", p->last_name);
    json_add(&j, "firstName", p->first_name);
    json_add(&j, "middleName", p->middle_name);
    json_add(&j, "email", p->email);
    json_add(&j, "mobilePhone", mobile);
    json_add(&j, "userSnils", snils);
    json_add(&j, "userLogin", p->user_login);
    if (p->user_doc != NULL) {
        json_name(&j, "userDoc");
        buf_add_span(&j.b, document_json(p->user_doc, a));
    }
    json_add(&j, "userINN", p->user_inn);
    json_add(&j, "businessINN", p->business_inn);
    json_add(&j, "businessOGRN", p->business_ogrn);
    json_add(&j, "businessName", p->business_name);
    json_add(&j, "caseNumber", p->case_number);
    return json_end(&j).p;
}

/* Of a request beyond its bounds what is wrong is not sent (L2); otherwise SQL tells it by the names that are. */
static const char *unless_beyond(const struct field_errors *bad, const char *field, const char *value)
{
    return bad != NULL && bad->is_beyond && field_errors_name(bad, field) ? NULL : value;
}

/* A hold asks for a time alone (Appendix 3, note). What is wrong with the applicant SQL tells when it is none after
 * all. */
static void add_later(struct call *c, const struct booking_request *r, struct arena *a)
{
    struct field_errors later = {.arena = a};
    if (r->preliminary)
        check_applicant(r, &later);
    call_add_fields(c, &later);
    call_add_words(c, &later);
}

struct db_call book_call(const struct booking_request *r, const struct booking_message *m,
                         const struct field_errors *bad, struct arena *a)
{
    struct call *c = call_new(a);
    call_add_message(c, m);
    call_add_text(c, unless_beyond(bad, "bookId", r->book_id));
    call_add_list(c, &r->slot_ids);
    call_add_text(c, r->organization_ids.n == 1 ? r->organization_ids.items[0] : NULL);
    call_add_text(c, r->user_type);
    call_add_text(c, r->user_kind);
    call_add_text(c, unless_beyond(bad, "esiaId", r->esia_id));
    call_add_text(c, applicant_json(&r->applicant, a));
    call_add_list(c, &r->service_ids);
    call_add_list(c, &r->area_ids);
    call_add_bool(c, r->preliminary);
    call_add_text(c, r->preliminary ? text_integer(a, r->preliminary_period_min, PERIOD_MAX_MIN) : NULL);
    call_add_attributes(c, &r->attributes);
    call_add_fields(c, bad);
    call_add_words(c, bad);
    add_later(c, r, a);
    return call_end(c, "select * from api.book(" CALL_MESSAGE ", $16::text, $17::text[], $18::text, $19::text, "
                       "$20::text, $21::text, $22::jsonb, $23::text[], $24::text[], $25::boolean, $26::int, "
                       "$27::jsonb, $28::text[], $29::text[], $30::text[], $31::text[])");
}

enum err book_result(const struct booking_request *r, const struct db_result *res, struct booking_reply *out,
                     struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    enum err err = reply_read_rows(res, out, a, e);
    if (err == ERR_OK && out->status_code == NULL) /* item 19 makes status obligatory */
        return error_set(e, ERR_INTERNAL, "an answer to book without a status");
    return err;
}
