/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * From rows, or from a failure, to signed octets, and out: reply, sign, send.
 *
 * Three kinds of answer leave by this door: the method's own, an ordinary answer with error 2 (bad fields), and a SOAP
 * fault. The peer of a fault learns the table's text and a reference number; the cause stays in the log.
 */
#include "request_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <stdio.h>

#define HAND_OVER_BYTES ((size_t)256 << 10) /* what is less is copied */

static bool is_fault(const struct request *r)
{
    return r->failed != ERR_OK && (r->op == NULL || error_faultcode(r->failed) != NULL);
}

enum step_result step_reply(struct request *r)
{
    if (r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY)
        return STEP_NEXT;
    if (is_fault(r) || r->is_ping)
        return STEP_NEXT; /* has no content of its own; step_sign writes all of it */
    if (r->failed != ERR_OK) {
        int code = r->failed == ERR_INPUT ? 2 : 1;
        booking_reply_error(&r->request, code, error_text(r->failed), &r->fields, &r->reply);
    }
    buf_init(&r->content, r->arena, 1024 + 400 * (size_t)r->reply.nslots);
    struct soap_style style = reading_style(r);
    enum err err = soap_write_content(r->arena, &r->reply, &style, &r->content, &r->error);
    if (FAULT_FAILS(reply_written, ERR_INTERNAL, &r->error))
        return STEP_FAIL;
    return err == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

/* smev:Status of an answer (facts: REQUEST is answered by RESULT, REJECT, INVALID or FAILURE). */
static const char *frame_status(int error_code)
{
    switch (error_code) {
    case 1:
        return "FAILURE";
    case 2:
        return "INVALID";
    case 4:
        return "REJECT";
    default:
        return "RESULT";
    }
}

/*
 * A fault may come before we know which agency was meant; it is signed all the same (V3), by the listener's or the
 * first that can. One whose own key is good no more is spoken for likewise.
 */
static const struct key *signing_key(const struct request *r)
{
    int64_t now_s = clock_wall_us() / 1000000;
    if (r->endpoint->conf->kind == LISTENER_PLAIN)
        return NULL;
    if (r->agency != NULL && (!is_fault(r) || keyring_agency_signs(r->agency, now_s)))
        return r->agency->key;
    const struct keyring_agency *only =
        r->endpoint->conf->agency != NULL ? keyring_agency_find(r->keys, r->endpoint->conf->agency) : NULL;
    if (only != NULL && keyring_agency_signs(only, now_s))
        return only->key;
    for (unsigned i = 0; i < r->keys->nagencies; i++)
        if (keyring_agency_signs(&r->keys->agencies[i], now_s))
            return r->keys->agencies[i].key;
    return NULL;
}

enum step_result step_sign(struct request *r)
{
    if (r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY) {
        r->answer_octets = r->outcome.stored;
        journal_digest(r);
        return STEP_NEXT;
    }
    arena_free(r->answer_arena); /* of one that could not be sent */
    r->answer_arena = r->content.n >= HAND_OVER_BYTES ? arena_new() : NULL;
    buf_init(&r->answer, r->answer_arena != NULL ? r->answer_arena : r->arena, r->content.n + 8192);
    enum err err;
    if (is_fault(r)) {
        err = envelope_write_fault(r->arena, r->failed, r->id, signing_key(r), &r->answer, &r->error);
    } else {
        struct smev_frame frame;
        if (r->has_frame)
            smev_frame_answer(r->arena, &r->frame, r->wsse.header_message_id, r->agency->name,
                              frame_status(r->reply.error_code), r->message.test ? r->frame.test_msg : NULL, &frame);
        const char *element = arena_printf(r->arena, "%sResponse", r->op->name);
        err = envelope_write(r->arena, element, buf_span(&r->content), r->has_frame ? &frame : NULL, signing_key(r),
                             &r->answer, &r->error);
    }
    if (err != ERR_OK)
        return STEP_FAIL;
    r->answer_octets = buf_span(&r->answer);
    journal_digest(r);
    return FAULT_FAILS(signed, ERR_CRYPTO, &r->error) ? STEP_FAIL : STEP_NEXT;
}

static enum metrics_result result_of(const struct request *r)
{
    if (is_fault(r))
        return error_blame(r->failed) == BLAME_CLIENT ? RESULT_FAULT : RESULT_ERROR;
    switch (r->reply.error_code) {
    case 1:
        return RESULT_ERROR;
    case 2:
        return RESULT_INPUT;
    case 3:
    case 4:
        return RESULT_REFUSED;
    default:
        return RESULT_OK;
    }
}

/* Lines of one kind that go out at once; 0: all of them. */
static unsigned log_burst(const struct request *r)
{
    if (r->failed != ERR_OK && error_blame(r->failed) == BLAME_SERVER)
        return 1;
    bool is_known = r->sender != NULL || (r->op != NULL && r->endpoint->conf->kind == LISTENER_PLAIN);
    return is_known || r->failed == ERR_OK ? 0 : LOG_BURST;
}

/*
 * The one line of a request. No field a person filled in has a key here. A message that nobody vouches for may come as
 * often as a stranger likes, and a database that is away fails everything: those lines are bounded, each kind for
 * itself.
 */
static void log_request(const struct request *r, uint64_t took_us, int http_status)
{
    char took[32];
    char size[32];
    char status[16];
    (void)snprintf(took, sizeof took, "%llu", (unsigned long long)took_us);
    (void)snprintf(size, sizeof size, "%zu", r->body.n);
    (void)snprintf(status, sizeof status, "%d", http_status);
    bool is_replay = r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY;
    enum log_level level = r->failed != ERR_OK ? (enum log_level)error_log_level(r->failed) : LOG_LEVEL_INFO;
    log_bounded(level, log_burst(r), "request", error_name(r->failed), "req", r->id, "listener",
                r->endpoint->conf->name, "peer", r->peer, "method", request_method(r), "sender",
                r->sender != NULL ? r->sender->code : NULL, "agency", r->agency != NULL ? r->agency->code : NULL,
                "error", r->failed != ERR_OK ? error_name(r->failed) : NULL, "detail",
                r->failed != ERR_OK ? r->error.detail : NULL, "status",
                is_fault(r) || is_replay ? NULL : r->reply.status_code, "lenient", reading_used(r), "unknown",
                r->normalized.first_unknown, "replay", is_replay ? "yes" : NULL, "test", r->message.test ? "yes" : NULL,
                "http", status, "bytes_in", size, "us", took, "journal", r->is_unwritten ? "apart" : NULL, NULL);
}

enum step_result step_send(struct request *r)
{
    struct service *s = r->service;
    int http_status = is_fault(r) ? error_http_status(r->failed) : 200;
    bool is_replay = r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY;
    bool is_handed_over = r->answer_octets.n > 0 && r->answer_octets.p == r->answer.p;
    http_respond(r->exchange, &(struct http_response){.status = http_status,
                                                      .content_type = "text/xml; charset=utf-8",
                                                      .body = r->answer_octets,
                                                      .arena = is_handed_over ? r->answer_arena : NULL,
                                                      .extra_headers = http_status == 503 ? "Retry-After: 2\r\n" : NULL,
                                                      .close = r->answer_octets.n == 0});
    r->exchange = NULL;
    if (is_handed_over)
        r->answer_arena = NULL;
    s->in_work--;
    FAULT_POINT(answer_queued);
    uint64_t took_us = clock_mono_us() - r->started_us;
    log_request(r, took_us, http_status);
    s->metrics.replays += is_replay;
    s->metrics.tests += r->message.test;
    reading_count(&s->leniencies, s->arena, r);
    metrics_count(&s->metrics, r->op != NULL ? (int)(r->op - booking_ops) : -1, result_of(r), r->failed, took_us);
    request_free(r);
    return STEP_NEXT;
}
