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

#define ENVELOPE_BYTES  6144                /* with its signature and a certificate, as a rule */
#define FITS_PART       0.97                /* intervals are not of one length */
#define HAND_OVER_BYTES ((size_t)256 << 10) /* what is less is copied */

bool request_is_fault(const struct request *r)
{
    return r->failed != ERR_OK && (r->op == NULL || error_faultcode(r->failed) != NULL);
}

/*
 * More than the wire carries. Of intervals those that fit are told, the earliest, as beyond slots_max (docs/limits.md);
 * of a reference book the caller has to ask for less. False: there is nothing to make smaller.
 */
static bool reply_shrink(struct request *r, size_t most)
{
    struct booking_reply *reply = &r->reply;
    if (reply->nslots > 1) {
        unsigned fits = (unsigned)((double)reply->nslots * (double)most / (double)r->content.n * FITS_PART);
        reply->nslots = fits > 0 ? fits : 1;
        return true;
    }
    if (reply->nitems == 0)
        return false;
    struct field_errors wrong = {.arena = r->arena};
    field_errors_add(&wrong, "pageSize", 1,
                     "Ответ больше, чем передаёт СМЭВ: запросите справочник меньшими страницами");
    booking_reply_error(&r->request, 2, NULL, &wrong, reply);
    return true;
}

static enum err reply_write(struct request *r)
{
    struct soap_style style = reading_style(r);
    size_t most = r->source->answer_max_bytes;
    buf_init(&r->content, r->arena, 1024 + 400 * (size_t)r->reply.nslots);
    enum err err = soap_write_content(r->arena, &r->reply, &style, &r->content, &r->error);
    while (err == ERR_OK && most > 0 && r->content.n > most && reply_shrink(r, most)) {
        buf_reset(&r->content);
        err = soap_write_content(r->arena, &r->reply, &style, &r->content, &r->error);
    }
    return err;
}

enum step_result step_reply(struct request *r)
{
    if (r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY)
        return STEP_NEXT;
    if (request_is_fault(r) || r->is_ping)
        return STEP_NEXT; /* has no content of its own; step_sign writes all of it */
    if (r->failed != ERR_OK) {
        int code = r->failed == ERR_INPUT ? 2 : 1;
        booking_reply_error(&r->request, code, error_text(r->failed), &r->fields, &r->reply);
    }
    enum err err = reply_write(r);
    if (FAULT_FAILS(reply_written, ERR_INTERNAL, &r->error))
        return STEP_FAIL;
    return err == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

enum step_result step_sign(struct request *r)
{
    if (r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY) {
        r->answer_octets = r->outcome.stored;
        journal_digest(r);
        enum err (*recognize)(struct request *) = r->source->origin->recognize;
        return recognize == NULL || recognize(r) == ERR_OK ? STEP_NEXT : STEP_FAIL;
    }
    arena_free(r->answer_arena); /* of one that could not be sent */
    r->answer_arena = r->content.n >= HAND_OVER_BYTES ? arena_new() : NULL;
    buf_init(&r->answer, r->answer_arena != NULL ? r->answer_arena : r->arena, r->content.n + ENVELOPE_BYTES);
    const char *element = request_is_fault(r) ? NULL : arena_printf(r->arena, "%sResponse", r->op->name);
    enum err err = r->source->origin->wrap(r, element);
    if (err != ERR_OK)
        return STEP_FAIL;
    r->answer_octets = buf_span(&r->answer);
    journal_digest(r);
    return FAULT_FAILS(signed, ERR_CRYPTO, &r->error) ? STEP_FAIL : STEP_NEXT;
}

static enum metrics_result result_of(const struct request *r)
{
    if (request_is_fault(r))
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
    return r->source->origin->is_vouched(r) || r->failed == ERR_OK ? 0 : LOG_BURST;
}

static const char *sender_of(const struct request *r)
{
    if (r->sender != NULL)
        return r->sender->code;
    return request_is_queued(r) ? r->message.sender_code : NULL;
}

/*
 * The one line of a request. No field a person filled in has a key here. A message that nobody vouches for may come as
 * often as a stranger likes, and a database that is away fails everything: those lines are bounded, each kind for
 * itself.
 */
static void log_request(const struct request *r, uint64_t took_us)
{
    char took[32];
    char size[32];
    char status[16];
    (void)snprintf(took, sizeof took, "%llu", (unsigned long long)took_us);
    (void)snprintf(size, sizeof size, "%zu", r->body.n);
    (void)snprintf(status, sizeof status, "%d", r->http_status);
    bool is_replay = r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY;
    enum log_level level = r->failed != ERR_OK ? (enum log_level)error_log_level(r->failed) : LOG_LEVEL_INFO;
    log_bounded(level, log_burst(r), "request", error_name(r->failed), "req", r->id, "listener", r->source->name,
                "peer", r->peer, "method", request_method(r), "sender", sender_of(r), "agency",
                r->agency != NULL ? r->agency->code : NULL, "error", r->failed != ERR_OK ? error_name(r->failed) : NULL,
                "detail", r->failed != ERR_OK ? r->error.detail : NULL, "status",
                request_is_fault(r) || is_replay ? NULL : r->reply.status_code, "lenient", reading_used(r), "unknown",
                r->normalized.first_unknown, "verdict",
                request_is_queued(r) ? queue_verdict_words[error_queue(r->failed)] : NULL, "replay",
                is_replay ? "yes" : NULL, "test", r->message.test ? "yes" : NULL, "http",
                r->http_status != 0 ? status : NULL, "bytes_in", size, "us", took, "journal",
                r->is_unwritten ? "apart" : NULL, NULL);
}

enum step_result step_send(struct request *r)
{
    struct service *s = r->service;
    bool is_replay = r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY;
    r->source->origin->carrier->send(r);
    s->in_work--;
    FAULT_POINT(answer_queued);
    uint64_t took_us = clock_mono_us() - r->started_us;
    log_request(r, took_us);
    s->metrics.replays += is_replay;
    s->metrics.tests += r->message.test;
    reading_count(&s->leniencies, s->arena, r);
    metrics_count(&s->metrics, r->op != NULL ? (int)(r->op - booking_ops) : -1, result_of(r), r->failed, took_us);
    request_free(r);
    return STEP_NEXT;
}
