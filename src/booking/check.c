/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The shared field checks (order 329, Appendix 2, items 7 and 10 to 15). What the table of
 * fields says of one value is judged by the table; here stands what is the subject's.
 */
#include "check.h"

#include "characters.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

bool text_is(const char *s, const char *expected)
{
    return s != NULL && strcmp(s, expected) == 0;
}

/* Nothing, or what nobody could see: a required field is not filled by blanks. */
static bool is_blank(const char *s)
{
    size_t n = s == NULL ? 0 : strlen(s), step;
    uint32_t c;
    for (size_t i = 0; i < n; i += step) {
        step = utf8_next(s + i, n - i, &c);
        if (step == 0 || (!character_is_space(c) && !character_is_unseen(c)))
            return false;
    }
    return true;
}

bool text_is_digits(const char *s)
{
    return s != NULL && *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

const char *text_integer(struct arena *a, const char *s, int max)
{
    if (!text_is_digits(s))
        return NULL;
    unsigned long long value = strtoull(s, NULL, 10); /* ULLONG_MAX when it is longer than that */
    return arena_printf(a, "%llu", value < (unsigned long long)max ? value : (unsigned long long)max);
}

/* "Допускаются значения A, B и C" */
static const char *words_told(struct arena *a, const struct field_type *type)
{
    struct buf b;
    buf_init(&b, a, 64);
    buf_add_str(&b, "Допускаются значения ");
    for (unsigned i = 0; type->words[i] != NULL; i++)
        buf_printf(&b, "%s%s", i == 0 ? "" : type->words[i + 1] == NULL ? " и " : ", ", type->words[i]);
    return b.p;
}

void check_fields(const struct shape *shape, const void *of, struct field_errors *f)
{
    for (unsigned i = 0; i < shape->n; i++) {
        const struct field *c = &shape->fields[i];
        const void *at = (const char *)of + c->offset;
        bool is_list = c->place == FIELD_LIST || c->place == FIELD_ONE;
        if (!is_list && c->place != FIELD_TEXT)
            continue;
        const char *text = is_list ? NULL : *(const char *const *)at;
        unsigned n = is_list ? ((const struct strings *)at)->n : !is_blank(text);
        bool is_empty = c->place == FIELD_ONE ? n != 1 : n == 0;
        if (is_empty && c->is_required && c->type->min > 0)
            field_errors_add(f, c->name, 1, FIELD_REQUIRED);
        else if (text != NULL && c->type->kind == FIELD_WORD && !field_is_word(c->type, text))
            field_errors_add(f, c->name, 1, words_told(f->arena, c->type));
    }
}

void check_book_id(const struct booking_request *r, struct field_errors *f)
{
    if (r->book_id != NULL && !rule_book_id(r->book_id))
        field_errors_add(f, "bookId", 1, "Идентификатор заявления должен быть UUID или числом до 19 цифр");
}

/* Is the value one of "A, B C, D"? */
static bool is_listed(const char *list, const char *value)
{
    size_t n = strlen(value);
    for (const char *at = list; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ",");
        const char *next = at + len;
        while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
            len--;
        if (len == n && n > 0 && memcmp(at, value, n) == 0)
            return true;
        at = next;
    }
    return false;
}

/* doc_types: A9, what the configuration lets this caller send beside the order's two. */
static void check_document(const struct user_document *doc, const char *doc_types, struct field_errors *f)
{
    if (doc == NULL)
        return;
    if (doc->doc_type != NULL && !text_is(doc->doc_type, "PASSPORT") && !text_is(doc->doc_type, "MIL TICKET") &&
        !text_is(doc->doc_type, "MIL_TICKET") && !is_listed(doc_types, doc->doc_type))
        field_errors_add(f, "docType", 1, "Допускаются значения PASSPORT и MIL TICKET");
    check_fields(&shape_UserDocument, doc, f);
    if (doc->issue_date != NULL && !rule_date(doc->issue_date))
        field_errors_add(f, "issueDate", 1, "Дата выдачи указывается как ГГГГ-ММ-ДД");
    if (doc->valid_date != NULL && !rule_date(doc->valid_date))
        field_errors_add(f, "validDate", 1, "Дата окончания действия указывается как ГГГГ-ММ-ДД");
    else if (doc->valid_date != NULL && doc->issue_date != NULL && rule_date(doc->issue_date) &&
             strncmp(doc->valid_date, doc->issue_date, DATE_LENGTH) < 0)
        field_errors_add(f, "validDate", 1, "Дата окончания действия раньше даты выдачи");
}

/* Item 15 decides which form a number must have; a person's request may name a business of either form. */
static void check_business(const struct booking_request *r, struct field_errors *f)
{
    const struct applicant *p = &r->applicant;
    bool may_be_company = !text_is(r->user_kind, "PERSBUSINESS");
    bool may_be_entrepreneur = !text_is(r->user_kind, "BUSINESS");

    if (p->business_inn != NULL && !(may_be_company && rule_inn_business(p->business_inn, false)) &&
        !(may_be_entrepreneur && rule_inn_business(p->business_inn, true)))
        field_errors_add(f, "businessINN", 1,
                         !may_be_company ? "ИНН индивидуального предпринимателя: 12 цифр с верными контрольными цифрами"
                         : !may_be_entrepreneur ? "ИНН юридического лица: 10 цифр с верной контрольной цифрой"
                                                : "ИНН: 10 или 12 цифр с верными контрольными цифрами");
    if (p->business_ogrn != NULL && !(may_be_company && rule_ogrn(p->business_ogrn)) &&
        !(may_be_entrepreneur && rule_ogrnip(p->business_ogrn)))
        field_errors_add(f, "businessOGRN", 1,
                         !may_be_company ? "ОГРНИП: 15 цифр с верной контрольной цифрой"
                         : !may_be_entrepreneur ? "ОГРН: 13 цифр с верной контрольной цифрой"
                                                : "ОГРН: 13 цифр, ОГРНИП: 15 цифр, с верной контрольной цифрой");
}

void check_applicant(const struct booking_request *r, struct field_errors *f)
{
    const struct applicant *p = &r->applicant;
    char phone[12];

    if (p->email != NULL && !rule_email(p->email))
        field_errors_add(f, "email", 1, "Адрес электронной почты указан неверно");
    if (p->mobile_phone != NULL && !rule_phone(p->mobile_phone, phone))
        field_errors_add(f, "mobilePhone", 1, "Номер телефона указывается в формате 7 XXX XXX XX XX");
    if (p->user_snils != NULL && !rule_snils(p->user_snils))
        field_errors_add(f, "userSnils", 1, "СНИЛС: 11 цифр с верным контрольным числом");
    if (p->user_inn != NULL && !rule_inn_person(p->user_inn))
        field_errors_add(f, "userINN", 1, "ИНН физического лица: 12 цифр с верными контрольными цифрами");
    check_business(r, f);
    check_document(p->user_doc, r->doc_types, f);
}
