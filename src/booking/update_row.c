/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A row of the outbox (M8): what the portal is to be told of a booking, and what was sent of it before. */
#include "json.h"
#include "reply.h"

static enum err read_whole_number(const struct db_result *res, unsigned row, const char *name, int64_t *out,
                                  struct error *e)
{
    int col = db_column(res, name);
    if (col < 0 || db_is_null(res, row, col))
        return error_set(e, ERR_INTERNAL, "an outbox row without %s", name);
    return db_int(res, row, col, out, e);
}

static enum err read_visit(struct arena *a, const struct db_result *res, unsigned row, struct booking_update *out,
                           struct error *e)
{
    const char *slot_id = reply_text(a, res, row, db_column(res, "slot_id"));
    if (slot_id == NULL)
        return ERR_OK;
    struct time_slot *s = arena_alloc(a, sizeof *s);
    *s = (struct time_slot){
        .slot_id = slot_id,
        .service_id = reply_text(a, res, row, db_column(res, "service_id")),
        .organization_id = reply_text(a, res, row, db_column(res, "organization_id")),
        .area_id = reply_text(a, res, row, db_column(res, "area_id")),
        .visit_time = reply_text(a, res, row, db_column(res, "visit_time")),
        .queue_number = reply_text(a, res, row, db_column(res, "queue_number")),
        .duration = reply_text(a, res, row, db_column(res, "duration")),
    };
    out->timeslot = s;
    if (s->organization_id == NULL || s->visit_time == NULL)
        return error_set(e, ERR_INTERNAL, "an outbox row with a visit at no place or time");
    return json_read_attributes(a, reply_text(a, res, row, db_column(res, "attributes")), &s->attributes, e);
}

enum err booking_update_read(struct arena *a, const struct db_result *res, unsigned row, struct booking_update *out,
                             struct error *e)
{
    *out = (struct booking_update){
        .agency_code = reply_text(a, res, row, db_column(res, "agency_code")),
        .message_id = reply_text(a, res, row, db_column(res, "message_id")),
        .book_id = reply_text(a, res, row, db_column(res, "book_id")),
        .esia_id = reply_text(a, res, row, db_column(res, "esia_id")),
        .status_code = reply_text(a, res, row, db_column(res, "status_code")),
        .status_message = reply_text(a, res, row, db_column(res, "status_message")),
    };
    int octets = db_column(res, "octets");
    enum err err = read_whole_number(res, row, "outbox_id", &out->outbox_id, e);
    if (err == ERR_OK)
        err = read_whole_number(res, row, "attempt", &out->attempt, e);
    if (err == ERR_OK && octets >= 0 && !db_is_null(res, row, octets))
        err = db_bytes(a, res, row, octets, &out->octets, e);
    if (err == ERR_OK && (out->octets.n > 0) != (out->message_id != NULL))
        err = error_set(e, ERR_INTERNAL, "an outbox row with half a message");
    if (err == ERR_OK && (out->agency_code == NULL || out->book_id == NULL || out->status_code == NULL))
        err = error_set(e, ERR_INTERNAL, "an outbox row without agency, booking or status");
    return err == ERR_OK ? read_visit(a, res, row, out, e) : err;
}
