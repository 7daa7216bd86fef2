/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Rows to answers (order 329, Appendix 2, items 1 to 3 and 18 to 21). The first row tells how it went, "field" rows
 * which fields are wrong, "slot" rows the intervals in time order. Values are copied: rows die with their session.
 */
#include "reply.h"

#include "clock.h"
#include "json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What clock_format_seconds() writes, and offsets of XML Schema (3.2.7.3). */
#define YEAR_1000_S     (-30610224000LL)
#define YEAR_10000_S    253402300800LL
#define OFFSET_MOST_MIN (14 * 60)

const char *reply_error_text(int error_code)
{
    static const char *const texts[] = {
        "ОК",
        "Внутренняя ошибка системы",
        "Ошибка во входных параметрах",
        "Необходимая информация не найдена",
        "Отказ в бронировании",
        "Ваш справочник имеет актуальную версию",
    };
    return error_code >= 0 && error_code < (int)(sizeof texts / sizeof *texts) ? texts[error_code] : texts[1];
}

const char *reply_text(struct arena *a, const struct db_result *res, unsigned row, int col)
{
    const char *text = col < 0 ? NULL : db_text(res, row, col);
    return text == NULL || *text == '\0' ? NULL : arena_strdup(a, text);
}

void reply_begin(const struct booking_request *r, struct booking_reply *out, struct arena *a)
{
    out->method = r->method;
    out->book_id = r->book_id;
    out->esia_id = r->esia_id;
    if (out->fields.arena == NULL)
        out->fields.arena = a;
}

/* book must tell a status whatever happened (item 19): 207 for wrong data, 208 for everything else (M2, A32). */
static const char *status_of_error(const struct booking_request *r, int error_code)
{
    if (r->method != BOOKING_BOOK)
        return NULL;
    return error_code == 2 || error_code == 3 ? "207" : "208";
}

void booking_reply_error(const struct booking_request *r, int error_code, const char *message,
                         const struct field_errors *f, struct booking_reply *out)
{
    *out = (struct booking_reply){
        .method = r->method,
        .book_id = r->book_id,
        .esia_id = r->esia_id,
        .status_code = status_of_error(r, error_code),
        .error_code = error_code,
        .error_message = message == NULL ? reply_error_text(error_code) : message,
    };
    if (out->status_code != NULL)
        out->status_message = strcmp(out->status_code, "207") == 0
                                  ? "Заявление не зарегистрировано, проверьте введенные данные"
                                  : "Запрашиваемое время не может быть забронировано";
    if (f != NULL)
        out->fields = *f;
}

static enum err read_code(const struct db_result *res, unsigned row, int *out, struct error *e)
{
    int64_t code = 0;
    enum err err = db_int(res, row, db_column(res, "error_code"), &code, e);
    if (err != ERR_OK)
        return err;
    if (code < 0 || code > 999)
        return error_set(e, ERR_INTERNAL, "error code %lld from SQL", (long long)code);
    *out = (int)code;
    return ERR_OK;
}

enum err reply_read_answer(const struct db_result *res, unsigned row, struct booking_reply *out, struct arena *a,
                           struct error *e)
{
    enum err err = read_code(res, row, &out->error_code, e);
    out->error_message = reply_text(a, res, row, db_column(res, "error_message"));
    if (out->error_message == NULL)
        out->error_message = reply_error_text(out->error_code);
    out->status_code = reply_text(a, res, row, db_column(res, "status_code"));
    out->status_message = reply_text(a, res, row, db_column(res, "status_message"));
    return err;
}

/* What we found wrong ourselves has been told: that SQL cannot find an absent or misshapen value in its books is no
 * news. */
enum err reply_read_field(const struct db_result *res, unsigned row, struct booking_reply *out, struct arena *a,
                          struct error *e)
{
    int code = 0;
    enum err err = read_code(res, row, &code, e);
    const char *field = reply_text(a, res, row, db_column(res, "field"));
    if (err != ERR_OK)
        return err;
    if (field == NULL)
        return error_set(e, ERR_INTERNAL, "a field row without a field");
    if (!field_errors_name(&out->fields, field))
        field_errors_add(&out->fields, field, code, reply_text(a, res, row, db_column(res, "error_message")));
    return ERR_OK;
}

enum err reply_end(struct booking_reply *out, struct error *e)
{
    if (out->error_code == 0 && out->fields.n > 0)
        return error_set(e, ERR_INTERNAL, "success in spite of %u bad fields", out->fields.n);
    return ERR_OK;
}

static void find_columns(const struct db_result *res, struct answer_columns *c)
{
    c->kind = db_column(res, "kind");
    c->slot_id = db_column(res, "slot_id");
    c->service_id = db_column(res, "service_id");
    c->organization_id = db_column(res, "organization_id");
    c->area_id = db_column(res, "area_id");
    c->visit_at = db_column(res, "visit_at");
    c->visit_offset = db_column(res, "visit_offset");
    c->book_end_at = db_column(res, "book_end_at");
    c->book_end_offset = db_column(res, "book_end_offset");
    c->queue_number = db_column(res, "queue_number");
    c->duration = db_column(res, "duration");
    c->attributes = db_column(res, "attributes");
}

/* An integer of SQL within its bounds. */
static enum err read_within(const struct db_result *res, unsigned row, int col, int64_t min, int64_t max, int64_t *out,
                            struct error *e)
{
    enum err err = db_int(res, row, col, out, e);
    if (err == ERR_OK && (*out < min || *out > max))
        return error_set(e, ERR_INTERNAL, "a number from SQL out of its bounds: %lld", (long long)*out);
    return err;
}

/* The portal takes the last six characters as the zone (T1): an instant without its offset would be a wrong time. */
enum err reply_instant(int64_t at_s, int64_t offset_min, const char **text, struct arena *a, struct error *e)
{
    if (at_s < YEAR_1000_S || at_s >= YEAR_10000_S || offset_min < -OFFSET_MOST_MIN || offset_min > OFFSET_MOST_MIN)
        return error_set(e, ERR_INTERNAL, "an instant from SQL out of its bounds: %lld, %lld", (long long)at_s,
                         (long long)offset_min);
    char wire[CLOCK_TEXT_SIZE];
    clock_format_seconds(at_s, (int)offset_min, wire);
    *text = arena_strdup(a, wire);
    return ERR_OK;
}

static enum err read_instant(const struct db_result *res, unsigned row, int at, int offset, int64_t *at_s,
                             const char **text, struct arena *a, struct error *e)
{
    int64_t offset_min = 0;
    enum err err = db_int(res, row, at, at_s, e);
    if (err == ERR_OK)
        err = db_int(res, row, offset, &offset_min, e);
    return err == ERR_OK ? reply_instant(*at_s, offset_min, text, a, e) : err;
}

static enum err read_times(const struct db_result *res, unsigned row, const struct answer_columns *c,
                           struct time_slot *out, struct arena *a, struct error *e)
{
    int64_t end_s = 0, minutes = -1;
    enum err err = read_instant(res, row, c->visit_at, c->visit_offset, &out->visit_at_s, &out->visit_time, a, e);
    if (err == ERR_OK && c->book_end_at >= 0 && !db_is_null(res, row, c->book_end_at))
        err = read_instant(res, row, c->book_end_at, c->book_end_offset, &end_s, &out->book_end_time, a, e);
    if (err == ERR_OK && out->duration != NULL)
        err = read_within(res, row, c->duration, 0, INT_MAX, &minutes, e);
    out->duration_min = (int)minutes;
    return err;
}

static enum err read_slot(const struct db_result *res, unsigned row, const struct answer_columns *c,
                          struct time_slot *out, struct arena *a, struct error *e)
{
    *out = (struct time_slot){
        .slot_id = reply_text(a, res, row, c->slot_id),
        .service_id = reply_text(a, res, row, c->service_id),
        .organization_id = reply_text(a, res, row, c->organization_id),
        .area_id = reply_text(a, res, row, c->area_id),
        .queue_number = reply_text(a, res, row, c->queue_number),
        .duration = reply_text(a, res, row, c->duration),
    };
    if (out->slot_id == NULL || out->organization_id == NULL)
        return error_set(e, ERR_INTERNAL, "a slot row without slot or organization");
    enum err err = read_times(res, row, c, out, a, e);
    if (err != ERR_OK)
        return err;
    return json_read_attributes(a, c->attributes < 0 ? NULL : db_text(res, row, c->attributes), &out->attributes, e);
}

enum err reply_read_rows(const struct db_result *res, struct booking_reply *out, struct arena *a, struct error *e)
{
    struct answer_columns c = {0};
    find_columns(res, &c);
    unsigned n = db_rows(res);
    if (n == 0 || c.kind < 0 || db_text(res, 0, c.kind) == NULL || strcmp(db_text(res, 0, c.kind), "answer") != 0)
        return error_set(e, ERR_INTERNAL, "no answer row from SQL");
    enum err err = reply_read_answer(res, 0, out, a, e);
    if (err != ERR_OK)
        return err;
    out->slots = arena_array(a, n, sizeof *out->slots);
    for (unsigned row = 1; row < n && err == ERR_OK; row++) {
        const char *kind = db_text(res, row, c.kind);
        if (kind != NULL && strcmp(kind, "field") == 0)
            err = reply_read_field(res, row, out, a, e);
        else if (kind != NULL && strcmp(kind, "slot") == 0)
            err = read_slot(res, row, &c, &out->slots[out->nslots++], a, e);
        else
            err = error_set(e, ERR_INTERNAL, "a row of unknown kind from SQL");
    }
    return err != ERR_OK ? err : reply_end(out, e);
}
