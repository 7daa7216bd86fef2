/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A row of the outbox from step to step. Its octets are made once and kept before they leave; whoever is killed at any
 * moment leaves the same octets to be sent again, or nothing that was sent. When the key is another by then they are
 * signed anew, and kept again.
 */
#include "push_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <string.h>

#define CONNECT_MAX_MS 10000
#define PENDING_MS     60000 /* who will answer later is asked again after */
#define SOON_MS        1000
#define RARE_MS        300000 /* who takes nothing of ours is asked again after */

/* ---- the end of an attempt ---- */

void push_row_end(struct push_row *r)
{
    struct push *p = r->push;
    push_row_leave_turn(r);
    *r->link = r->next;
    if (r->next != NULL)
        r->next->link = r->link;
    p->nrows--;
    r->lane->nrows--;
    keyring_unref(r->keys);
    arena_free(r->arena);
}

static void row_tell(struct push_row *r, const char *outcome, const char *reason)
{
    r->step = PUSH_TELL;
    r->outcome = outcome;
    r->reason = reason;
    push_row_leave_turn(r);
    push_line_add(&r->push->for_database, r);
    push_go(r->push);
}

static void row_again(struct push_row *r, const char *outcome, uint64_t ms, const char *reason)
{
    r->again_ms = ms;
    r->has_again = true;
    row_tell(r, outcome, reason);
}

/* Nothing of it has left: the next may have it at once. */
void push_row_give_back(struct push_row *r)
{
    row_again(r, "unsent", 0, NULL);
}

/* who: is to be looked at, unless all is well. */
static void row_count(struct push_row *r, enum push_outcome kind, enum push_who who)
{
    r->kind = kind;
    r->who = who;
    r->lane->outcomes[kind]++;
    if (kind != PUSH_OUTCOME_taken && kind != PUSH_OUTCOME_pending && kind != PUSH_OUTCOME_queued)
        push_tell_failed(r);
}

/* Whoever is called by this road, or is to be looked at for that. */
static enum push_who who_of(const struct push_row *r, enum push_cause cause)
{
    return push_who_of(cause, r->way.conf->road);
}

/* What waits for a key is due at once when there is one: its lane alone knows pauses, and a reload ends them. */
static uint64_t pause_ms(const struct push_row *r, enum push_cause cause)
{
    if (cause == PUSH_CAUSE_AGENCY_KEY || cause == PUSH_CAUSE_OFFICIAL_KEY)
        return SOON_MS;
    return r->answer.is_rare ? RARE_MS : push_pause_ms((unsigned)r->update.attempt);
}

/* No word of the portal's. words: of NO_WORD. */
static void row_failed(struct push_row *r, enum push_outcome kind, enum push_cause cause, const char *reason,
                       const char *words)
{
    enum push_who who = who_of(r, cause);
    const char *known = push_words_of(r->arena, cause, r->way.conf->road, r->way.conf->queue);
    push_lane_failed(r->lane, who, reason);
    r->answer.reason = reason;
    row_count(r, kind, who);
    bool is_unsent = kind == PUSH_OUTCOME_unsent || kind == PUSH_OUTCOME_unmade;
    row_again(r, is_unsent ? "unsent" : "again", pause_ms(r, cause), known != NULL ? known : words);
}

void push_row_told(struct push_row *r, bool is_ours)
{
    FAULT_POINT(push_told);
    r->lane->take_us = 0; /* the next of its booking may go */
    if (!is_ours)
        log_bounded(LOG_LEVEL_NOTICE, 1, "push", "late", "outcome", "late", "agency", r->lane->agency, "detail",
                    "another daemon has a row whose attempt ended here, or it was changed by hand", NULL);
    push_row_end(r);
}

/* ---- workers ---- */

static void on_worker(void *arg)
{
    struct push_row *r = arg;
    if (r->step == PUSH_MAKE) {
        if (!FAULT_FAILS(push_made, ERR_CRYPTO, &r->error))
            r->error.code = push_message_make(r->arena, &r->way, &r->update, &r->message, &r->error);
        return;
    }
    if (r->way.queue != NULL)
        push_sent_read(r->arena, &r->way, r->message.message_id, r->http_status, r->content_type, r->body, &r->answer);
    else
        push_answer_read(r->arena, &r->way, &r->update, r->message.message_id, r->http_status, r->content_type, r->body,
                         &r->answer);
}

static void workers_go(struct push *p);
static void row_made(struct push_row *r);
static void row_read(struct push_row *r);

static void on_worked(void *arg)
{
    struct push_row *r = arg;
    struct push *p = r->push;
    p->nworking--;
    if (p->is_stopped)
        return;
    if (r->step == PUSH_MAKE)
        row_made(r);
    else
        row_read(r);
    workers_go(p);
}

static void workers_go(struct push *p)
{
    while (p->nworking < PUSH_WORKERS && p->for_worker.first != NULL) {
        p->nworking++;
        worker_run_in_turn(p->loop, "push", on_worker, on_worked, push_line_take(&p->for_worker));
    }
}

static void row_work(struct push_row *r, enum push_step step)
{
    r->step = step;
    push_line_add(&r->push->for_worker, r);
    workers_go(r->push);
}

/* ---- taken ---- */

void push_row_begin(struct push *p, struct push_lane *l, struct keyring *keys, const struct db_result *res,
                    unsigned row, uint64_t lease_us)
{
    struct arena *a = arena_new_small();
    struct push_row *r = arena_alloc(a, sizeof *r);
    *r = (struct push_row){.push = p, .lane = l, .arena = a, .keys = keys, .lease_us = lease_us, .next = p->rows};
    r->link = &p->rows;
    if (r->next != NULL)
        r->next->link = &r->next;
    p->rows = r;
    p->nrows++;
    l->nrows++;
    keyring_ref(keys);
    r->way = (struct push_way){keys, keyring_push_of(keys, l->agency), p->age_max_s, NULL};
    if (r->way.conf->road == PUSH_ROAD_SMEV3)
        r->way.queue = push_queue_conf(keys, r->way.conf->queue);
    FAULT_POINT(push_taken);
    if (booking_update_read(a, res, row, &r->update, &r->error) != ERR_OK) {
        r->answer.reason = r->error.detail;
        row_count(r, PUSH_OUTCOME_unmade, PUSH_BY_US);
        row_tell(r, "stopped", "строка исходящих не читается: см. журнал программы");
        return;
    }
    r->message = (struct push_message){r->update.message_id, r->way.queue != NULL ? NULL : r->update.message_id,
                                       r->update.octets};
    if (p->is_draining || (r->message.octets.n > 0 && !push_message_is_stale(&r->way, &r->update) &&
                           push_message_is_current(a, &r->way, &r->update)))
        push_row_wait(r); /* to be given back, or sent as it is */
    else
        row_work(r, PUSH_MAKE);
}

/* What cannot be told in the form of the schema stops for a person; what cannot be signed now, waits for a key. */
static void row_made(struct push_row *r)
{
    if (r->error.code == ERR_OK) {
        push_row_wait(r);
        return;
    }
    if (r->error.code != ERR_INPUT) {
        row_failed(r, PUSH_OUTCOME_unmade, push_cause_of_unmade(&r->way, r->error.code),
                   arena_strdup(r->arena, r->error.detail), NULL);
        return;
    }
    r->answer.reason = r->error.detail;
    row_count(r, PUSH_OUTCOME_unmade, PUSH_BY_US);
    row_tell(r, "stopped", arena_printf(r->arena, "сообщение не составить: %s", r->error.detail));
}

/* ---- kept, sent, answered ---- */

static enum push_cause cause_of(enum client_fate fate, enum err code)
{
    if (fate == CLIENT_UNSENT)
        return code == ERR_CONFIG ? PUSH_CAUSE_SETTINGS : PUSH_CAUSE_UNREACHED;
    return code == ERR_TIMEOUT ? PUSH_CAUSE_SILENT : PUSH_CAUSE_CUT;
}

static void endpoint_used(const struct push_row *r, bool is_good)
{
    if (r->way.queue != NULL)
        adapter_peer_used(&push_source(r->push, r->way.queue)->peer, r->way.queue, is_good);
}

static void endpoint_heard(const struct push_row *r, const char *word)
{
    if (r->way.queue != NULL)
        adapter_peer_heard(&push_source(r->push, r->way.queue)->peer, r->way.queue, SMEV3_SEND_REQUEST, word);
}

static void row_answered(struct push_row *r, const struct client_answer *a)
{
    if (a->fate == CLIENT_ANSWERED && FAULT_TAKEN(push_heard)) {
        row_failed(r, PUSH_OUTCOME_uncertain, PUSH_CAUSE_CUT, "the fault point push_heard", NULL);
        return;
    }
    if (a->fate != CLIENT_ANSWERED) {
        endpoint_used(r, false);
        endpoint_heard(r, a->error->code == ERR_SYSTEM ? "UNREACHABLE" : error_name(a->error->code));
        row_failed(r, a->fate == CLIENT_UNSENT ? PUSH_OUTCOME_unsent : PUSH_OUTCOME_uncertain,
                   cause_of(a->fate, a->error->code), arena_strdup(r->arena, a->error->detail), NULL);
        return;
    }
    endpoint_heard(r, NULL);
    r->http_status = a->status;
    client_answer_keep(a, r->arena);
    r->content_type = a->content_type;
    r->body = a->body;
    row_work(r, PUSH_READ);
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct push_row *r = arg;
    r->call = NULL;
    push_row_leave_turn(r);
    push_lane_answered(r->lane);
    row_answered(r, a);
    push_go(r->push);
}

static void request_to_smev3(struct push_row *r, struct client_request *out)
{
    const struct config_smev3 *conf = r->way.queue;
    const struct adapter_peer *peer = &push_source(r->push, conf)->peer;
    adapter_request(r->arena, peer, conf, adapter_peer_endpoint(peer, conf), SMEV3_SEND_REQUEST, r->message.octets,
                    r->way.conf->timeout_ms, out);
}

static void row_post(struct push_row *r)
{
    const struct config_push *c = r->way.conf;
    struct client_request request = {.url = c->url,
                                     .whose = c->agency,
                                     .headers = push_headers,
                                     .body = r->message.octets,
                                     .ca_file = c->ca,
                                     .connect_ms = c->timeout_ms < CONNECT_MAX_MS ? c->timeout_ms : CONNECT_MAX_MS,
                                     .total_ms = c->timeout_ms,
                                     .answer_max_bytes = PUSH_ANSWER_MAX_BYTES};
    if (r->way.queue != NULL)
        request_to_smev3(r, &request);
    r->step = PUSH_POST;
    r->peer = request.url;
    r->call = client_post(r->push->client, &request, on_answer, r);
    FAULT_POINT(push_posted);
}

/* Kept and not sent in time is nobody's harm: the lease ends, and the next sends the same. */
void push_row_kept(struct push_row *r, bool is_ours)
{
    FAULT_POINT(push_kept);
    if (!is_ours || !push_row_fits_lease(r)) {
        push_row_end(r);
        return;
    }
    if (r->push->is_draining) {
        push_row_give_back(r);
        return;
    }
    row_post(r);
}

/* How long ago it was sent first: its id says when it was made. */
static bool is_overdue(const struct push_row *r)
{
    int64_t made_us;
    return uuid_v1_time(r->message.message_id, &made_us) &&
           clock_wall_us() - made_us > (int64_t)r->way.conf->answer_deadline_ms * 1000;
}

/* SMEV 2 brings no answer of its own accord: who will answer later is asked again, until it is too late; then a person
 * looks (api.outbox_result: queued, for no time at all). */
static void row_pending(struct push_row *r)
{
    push_lane_heard(r->lane);
    row_count(r, PUSH_OUTCOME_pending, PUSH_BY_PORTAL);
    if (!is_overdue(r)) {
        row_again(r, "again", PENDING_MS, r->answer.words);
        return;
    }
    r->again_ms = SOON_MS;
    r->has_again = true;
    row_tell(r, "queued", r->answer.words);
}

static void row_read(struct push_row *r)
{
    endpoint_used(r, r->answer.is_smev);
    switch (r->answer.verdict) {
    case PUSH_TAKEN:
        push_lane_heard(r->lane);
        row_count(r, PUSH_OUTCOME_taken, PUSH_BY_PORTAL);
        row_tell(r, "answered", NULL);
        break;
    case PUSH_REFUSED:
        push_lane_heard(r->lane);
        row_count(r, PUSH_OUTCOME_refused, who_of(r, PUSH_CAUSE_NO_WORD));
        row_tell(r, "stopped", r->answer.words);
        break;
    case PUSH_PENDING:
        row_pending(r);
        break;
    case PUSH_QUEUED: /* the portal's answer comes by itself (push_poll.c), perhaps it has come */
        push_lane_queued(r->lane);
        r->lane->clock_us = 0;
        row_count(r, PUSH_OUTCOME_queued, PUSH_BY_SMEV);
        r->again_ms = r->way.conf->answer_deadline_ms;
        r->has_again = true;
        row_tell(r, "queued", r->answer.words);
        break;
    case PUSH_STALE:
        push_lane_queued(r->lane);
        if (r->answer.is_clock)
            push_tell_clock(r);
        row_count(r, PUSH_OUTCOME_stale, PUSH_BY_SMEV);
        row_again(r, "afresh", push_pause_ms((unsigned)r->update.attempt), r->answer.words);
        break;
    case PUSH_FAILED:
        row_failed(r, PUSH_OUTCOME_failed, PUSH_CAUSE_NO_WORD, r->answer.reason, r->answer.words);
        break;
    }
}

/* ---- drain ---- */

/* Those with a worker or the database come by themselves. */
void push_rows_give_back(struct push *p)
{
    unsigned n = p->for_worker.n;
    for (unsigned i = 0; i < n; i++) {
        struct push_row *r = push_line_take(&p->for_worker);
        if (r->step == PUSH_MAKE)
            push_row_give_back(r);
        else
            push_line_add(&p->for_worker, r);
    }
    push_lanes_go(p);
    for (struct push_row *r = p->for_database.first; r != NULL; r = r->next_waiting) {
        if (r->step != PUSH_KEEP)
            continue;
        push_row_leave_turn(r);
        r->step = PUSH_TELL;
        r->outcome = "unsent";
        r->has_again = true;
    }
}
