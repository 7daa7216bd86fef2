/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A row of the outbox as a signed message: in the frame of SMEV 2, or of SMEV 3. */
#include "push_message.h"

#include "adapter.h"

#include "clock.h"
#include "soap.h"

const char *const push_headers[] = {"Content-Type: text/xml; charset=utf-8", "SOAPAction: \"updateBookingDetails\"",
                                    NULL};

static void frame_fill(struct arena *a, const struct push_way *way, const char *case_number, struct smev_frame *out)
{
    static const char *const revisions[] = {[PUSH_REV120315] = NS_SMEV_120315, [PUSH_REV111111] = NS_SMEV_111111};
    const struct config_push *c = way->conf;
    *out = (struct smev_frame){.ns = revisions[c->revision],
                               .sender = keyring_party(way->keys, c->agency),
                               .recipient = keyring_party(way->keys, c->portal),
                               .service_name = c->service_name,
                               .type_code = c->type_code,
                               .exchange_type = c->exchange_type,
                               .service_code = c->service_code,
                               .case_number = case_number,
                               .oktmo = c->oktmo};
    smev_frame_request(a, out);
}

#define HOUR_MS  3600000U
#define AHEAD_US INT64_C(300000000) /* two machines' clocks may differ so */

bool push_message_is_stale(const struct push_way *way, const struct booking_update *u)
{
    if (way->queue != NULL)
        return false; /* SMEV 3 says so itself, once it has looked whether it has had it */
    /* An hour less than a day: it is on its way for a while. */
    uint64_t patience_ms = way->conf->answer_deadline_ms + HOUR_MS;
    int64_t good_us = (int64_t)(patience_ms > 23 * HOUR_MS ? patience_ms : 23 * HOUR_MS) * 1000, made_us;
    if (u->octets.n == 0 || !uuid_v1_time(u->message_id, &made_us))
        return false;
    int64_t age_us = clock_wall_us() - made_us; /* of one that was made by a wrong clock, less than nothing */
    return age_us > good_us || age_us < -AHEAD_US;
}

static enum err smev2_make(struct arena *a, const struct push_way *way, const struct key *key, struct span content,
                           struct push_message *out, struct error *e)
{
    struct buf octets;
    struct smev_frame frame;
    buf_init(&octets, a, 16384);
    out->case_number = out->message_id;
    frame_fill(a, way, out->case_number, &frame);
    enum err err = envelope_write(a, "updateBookingDetailsRequest", content, &frame, key, &octets, e);
    out->octets = buf_span(&octets);
    return err;
}

/* The content, with the signature of the official when the queue has one. */
static enum err official_sign(struct arena *a, const struct push_way *way, struct span business,
                              struct smev3_message *out, struct error *e)
{
    const struct key *official;
    struct buf element, signature;
    enum err err = keyring_official_key(way->keys, way->queue->name, clock_wall_us() / 1000000, &official, e);
    out->content = business;
    if (err != ERR_OK || official == NULL)
        return err;
    buf_init(&element, a, business.n + 256);
    buf_init(&signature, a, 4096);
    err = smev3_sign_personal(a, business, official, &element, &signature, e);
    out->content = buf_span(&element);
    out->personal = buf_span(&signature);
    return err;
}

static enum err smev3_make(struct arena *a, const struct push_way *way, const struct key *key, struct span content,
                           struct push_message *out, struct error *e)
{
    struct buf business, octets;
    struct smev3_draft draft;
    struct smev3_message message = {.message_id = out->message_id, .node_id = way->queue->node_id};
    buf_init(&business, a, content.n + 256);
    buf_init(&octets, a, content.n + 16384);
    buf_add_str(&business, "<eq:updateBookingDetailsRequest xmlns:eq=\"" SOAP_NS "\">");
    buf_add(&business, content.p, content.n);
    buf_add_str(&business, "</eq:updateBookingDetailsRequest>");
    enum err err = official_sign(a, way, buf_span(&business), &message, e);
    if (err == ERR_OK)
        err = smev3_write_message(a, adapter_version(way->queue), &message, &draft, e);
    if (err == ERR_OK)
        err = smev3_write_signed(a, &draft, key, &octets, e);
    out->octets = buf_span(&octets);
    return err;
}

/* ---- what was kept ---- */

bool push_message_is_current(struct arena *a, const struct push_way *way, const struct booking_update *u)
{
    int64_t now_s = clock_wall_us() / 1000000;
    struct error e = {0};
    const struct key *key = keyring_signing_key(way->keys, way->conf->agency, now_s), *official = NULL;
    if (key == NULL)
        return true; /* there is nothing better */
    if (way->queue == NULL)
        return wsse_is_signed_by(a, u->octets, key);
    if (keyring_official_key(way->keys, way->queue->name, now_s, &official, &e) != ERR_OK)
        return true;
    return smev3_is_signed_by(a, u->octets, key, official);
}

/* Under the id it has, with what it says: only the signatures are others. */
static enum err sign_anew(struct arena *a, const struct push_way *way, const struct booking_update *u,
                          const struct key *key, struct push_message *out, struct error *e)
{
    struct buf octets;
    const struct key *official = NULL;
    enum err err = ERR_OK;
    buf_init(&octets, a, u->octets.n + 8192);
    out->message_id = u->message_id;
    if (way->queue == NULL) {
        out->case_number = out->message_id;
        err = wsse_sign_anew(a, u->octets, key, &octets, e);
    } else {
        err = keyring_official_key(way->keys, way->queue->name, clock_wall_us() / 1000000, &official, e);
        if (err == ERR_OK)
            err = smev3_sign_anew(u->octets, NULL, key, official, &octets, e);
    }
    out->octets = buf_span(&octets);
    return err;
}

enum err push_message_make(struct arena *a, const struct push_way *way, const struct booking_update *u,
                           struct push_message *out, struct error *e)
{
    char id[UUID_TEXT_SIZE];
    struct buf content;
    *out = (struct push_message){0};
    const struct key *key = keyring_signing_key(way->keys, way->conf->agency, clock_wall_us() / 1000000);
    if (key == NULL)
        return error_set(e, ERR_AGENCY, "nothing can be signed in the name of %s now", way->conf->agency);
    if (u->octets.n > 0 && !push_message_is_stale(way, u))
        return sign_anew(a, way, u, key, out, e);
    uuid_v1(id);
    buf_init(&content, a, 2048);
    out->message_id = arena_strdup(a, id);
    enum err err = soap_write_update(a, u, &content, e);
    if (err != ERR_OK)
        return err;
    return way->queue != NULL ? smev3_make(a, way, key, buf_span(&content), out, e)
                              : smev2_make(a, way, key, buf_span(&content), out, e);
}
