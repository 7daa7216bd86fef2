/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * How long a value may be and how many of them there may be (SPEC L2): the table of fields against the bound request,
 * before SQL. Unions and conditions of a filter are counted by check_filter().
 */
#include "bounds.h"

#include "characters.h"
#include "utf8.h"

#include <string.h>

/* ---- one value ---- */

static void tell_length(const char *field, unsigned length, struct field_errors *f)
{
    field_errors_beyond(f, field, arena_printf(f->arena, "Значение длиннее допустимого: не более %u символов", length));
}

static void check_text(const struct field *c, const char *told_as, const char *value, struct field_errors *f)
{
    unsigned n = 0, run = 0;
    uint32_t code, bad = 0;
    bool is_run_long = false;
    size_t rest = value == NULL ? 0 : strlen(value), step;
    for (; rest > 0; value += step, rest -= step) {
        step = utf8_next(value, rest, &code);
        if (step == 0)
            step = 1, code = 0xFFFE; /* libxml2 lets none through */
        if (++n > c->type->max) {
            tell_length(told_as, c->type->max, f);
            return;
        }
        run = character_is_mark(code) ? run + 1 : 0;
        is_run_long = is_run_long || run > BOUNDS_MARKS_MAX;
        if (bad == 0 && c->is_line && character_is_unseen(code))
            bad = code;
    }
    if (is_run_long)
        field_errors_beyond(
            f, told_as,
            arena_printf(f->arena, "Слишком много надстрочных знаков подряд: не более %d", BOUNDS_MARKS_MAX));
    if (bad != 0)
        field_errors_add(f, told_as, 1,
                         arena_printf(f->arena, "Значение содержит недопустимый символ U+%04X", (unsigned)bad));
}

/* False: they are too many, and not looked at. */
static bool check_number(const char *told_as, unsigned n, unsigned most, struct field_errors *f)
{
    if (most == 0 || n <= most)
        return true;
    field_errors_beyond(f, told_as, arena_printf(f->arena, "Слишком много значений: не более %u", most));
    return false;
}

/* ---- structures ---- */

static void check_list(const struct field *c, const struct strings *list, struct field_errors *f)
{
    if (!check_number(c->name, list->n, c->most, f))
        return;
    for (unsigned i = 0; i < list->n; i++)
        check_text(c, c->name, list->items[i], f);
}

static void check_attributes(const struct attributes *list, struct field_errors *f)
{
    if (!check_number("attributes", list->n, shape_Attributes.fields[0].most, f))
        return;
    for (unsigned i = 0; i < list->n; i++)
        bounds_check_shape(&shape_Attribute, &list->items[i], "attributes", f);
}

void bounds_check_shape(const struct shape *shape, const void *of, const char *told_as, struct field_errors *f)
{
    for (unsigned i = 0; i < shape->n; i++) {
        const struct field *c = &shape->fields[i];
        const void *at = (const char *)of + c->offset;
        const void *const *part = at;
        if (c->place == FIELD_TEXT || c->place == FIELD_EITHER)
            check_text(c, told_as != NULL ? told_as : c->name, *(const char *const *)at, f);
        else if (c->place == FIELD_LIST || c->place == FIELD_ONE)
            check_list(c, at, f);
        else if (c->shape == &shape_Attributes)
            check_attributes(at, f);
        else if (c->place == FIELD_SAME)
            bounds_check_shape(c->shape, of, told_as, f);
        else if (c->place == FIELD_PART && c->shape != &shape_Predicate && *part != NULL)
            bounds_check_shape(c->shape, *part, told_as, f);
    }
}

bool booking_check_case_number(const char *value, struct field_errors *f)
{
    static const struct field line = {.type = &field_types[FIELD_TYPE_Line], .is_line = true};
    unsigned before = f->n;
    check_text(&line, "CaseNumber", value, f);
    return f->n == before;
}

bool booking_text_is_seen(const char *s)
{
    uint32_t code;
    for (size_t rest = strlen(s), step; rest > 0; s += step, rest -= step) {
        step = utf8_next(s, rest, &code);
        if (step == 0 || character_is_unseen(code))
            return false;
    }
    return true;
}

void bounds_check(const struct booking_request *r, struct field_errors *f)
{
    bounds_check_shape(shape_of_request(r->method), r, NULL, f);
}

void booking_keep_fit(struct booking_request *r, const struct field_errors *bad)
{
    const struct {
        const char *field;
        struct strings *list;
    } lists[] = {{"slotId", &r->slot_ids},
                 {"organizationId", &r->organization_ids},
                 {"serviceId", &r->service_ids},
                 {"areaId", &r->area_ids}};
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
        if (field_errors_name(bad, lists[i].field))
            *lists[i].list = (struct strings){0};
    if (field_errors_name(bad, "userType"))
        r->user_type = NULL;
    if (field_errors_name(bad, "userKind"))
        r->user_kind = NULL;
    r->applicant = (struct applicant){0};
    r->attributes = (struct attributes){0};
    r->preliminary_period_min = NULL;
}
