/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * How the delivery goes: metrics, notes of /readyz, lines of the log at a bounded rate. None of them says of a person
 * anything, nor a word of the portal's: those are in the database, with the row (last_error).
 */
#include "push_private.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLOCK_TOLD_US 3600000000u /* what was seen then says nothing of now */

static const char *const outcome_names[] = {
#define X(name) #name,
    PUSH_OUTCOMES(X)
#undef X
};

static const char *const said_names[] = {
#define X(name) #name,
    PUSH_SAIDS(X)
#undef X
};

void push_tell_failed(const struct push_row *r)
{
    bool is_refused = r->kind == PUSH_OUTCOME_refused;
    char id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, r->update.outbox_id);
    log_bounded(LOG_LEVEL_WARNING, 1, "push", outcome_names[r->kind], "outcome", outcome_names[r->kind], "agency",
                r->lane->agency, "outbox_id", id, "by", push_who_names[r->who], "reason", r->answer.reason, "advice",
                is_refused ? "what the portal says: select * from admin.outbox where state = 'stopped'" : NULL, NULL);
}

void push_tell_clock(struct push_row *r)
{
    char age[40];
    int64_t made_us = 0;
    (void)uuid_v1_time(r->message.message_id, &made_us);
    (void)snprintf(age, sizeof age, "%" PRId64, (clock_wall_us() - made_us) / 1000000);
    r->lane->clock_us = clock_mono_us();
    log_bounded(LOG_LEVEL_ERROR, 1, "clock", "stale", "state", "refused", "agency", r->lane->agency, "age_s", age,
                "detail", "SMEV calls a MessageID stale that is so old by our clock: ours is wrong, or SMEV's", NULL);
}

/* What had no effect, and what is a no, somebody may want to see; the words are in the database. */
void push_tell_said(const struct push_poll *q, enum push_said_kind kind)
{
    static const char *const advices[PUSH_SAID_COUNT] = {
        [PUSH_SAID_stopped] = "what the portal says: select * from admin.outbox where state = 'stopped'",
        [PUSH_SAID_unknown] =
            "an answer to nothing of ours, perhaps another program's: not acknowledged; admin.inbox_unread",
        [PUSH_SAID_parked] =
            "SMEV refuses an answer that it had taken: select * from admin.inbox where state = 'parked'",
        [PUSH_SAID_other] = "an answer that tells another booking: it is in the journal",
    };
    if (kind == PUSH_SAID_answered || kind == PUSH_SAID_in_work || kind == PUSH_SAID_noted)
        return;
    log_bounded(kind == PUSH_SAID_late ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, 1, "push-answer", said_names[kind],
                "outcome", said_names[kind], "agency", q->source->agency, "source", q->source->name, "message_id",
                q->said.answer_id, "reason", q->said.reason, "advice", advices[kind], NULL);
}

void push_tell_source(const struct push_source *s)
{
    bool is_good = s->fault[0] == '\0';
    log_bounded(is_good ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, 5, "push-answers", s->name, "source", s->name, "fault",
                is_good ? "no" : s->fault, "detail", s->detail[0] != '\0' ? s->detail : NULL, NULL);
}

void push_tell_operation(const struct push_source *s, const char *operation, const char *fault)
{
    bool is_good = fault[0] == '\0';
    log_bounded(is_good ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, 5, "push-untaken", s->name, "source", s->name, "what",
                operation, "fault", is_good ? "no" : fault, NULL);
}

void push_tell_recovered(const struct push_lane *l, enum push_who who)
{
    log_bounded(LOG_LEVEL_NOTICE, 1, "push", "recovered", "outcome", "recovered", "agency", l->agency, "by",
                push_who_names[who], NULL);
}

/* ---- metrics ---- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP zapisd_%s %s\n# TYPE zapisd_%s %s\n", name, help, name, type);
}

static void write_rows(const struct push *p, struct buf *out)
{
    static const char line[] = "zapisd_outbox_rows{agency=\"%s\",state=\"%s\"} %" PRId64 "\n";
    head(out, "outbox_rows", "gauge", "Changes the portal is to be told, by state, as the database said last.");
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next) {
        buf_printf(out, line, l->agency, "waiting", l->waiting);
        buf_printf(out, line, l->agency, "sending", l->sending);
        buf_printf(out, line, l->agency, "sent", l->sent);
        buf_printf(out, line, l->agency, "stopped", l->stopped);
        buf_printf(out, line, l->agency, "held", l->held);
    }
    head(out, "outbox_oldest_seconds", "gauge", "Since the oldest change was made that the portal has not taken.");
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next)
        buf_printf(out, "zapisd_outbox_oldest_seconds{agency=\"%s\"} %" PRId64 "\n", l->agency, l->oldest_s);
}

static bool gives_no_errors(const struct push_source *s)
{
    return s->is_asked && s->status_fault[0] != '\0';
}

static bool is_slow_at_fault(const struct push_source *s)
{
    return *push_source_slow_fault(s) != '\0';
}

static void write_silences(const struct push *p, struct buf *out)
{
    static const unsigned kinds[] = {SMEV3_SEND_REQUEST, SMEV3_GET_RESPONSE, SMEV3_GET_STATUS, SMEV3_ACK};
    static const unsigned n = sizeof kinds / sizeof kinds[0];
    head(out, "push_unanswered_total", "counter", "Calls of SMEV 3 that came to no answer, by operation.");
    for (const struct push_source *s = p->sources; s != NULL; s = s->next)
        for (unsigned i = 0; i < n; i++)
            buf_printf(out, "zapisd_push_unanswered_total{source=\"%s\",agency=\"%s\",operation=\"%s\"} %" PRIu64 "\n",
                       s->name, s->agency, adapter_kind_name(kinds[i]), s->peer.silences[kinds[i]].n);
    head(out, "push_silent", "gauge", "1 while SMEV 3 does not answer what we ask or tell by that operation.");
    for (const struct push_source *s = p->sources; s != NULL; s = s->next)
        for (unsigned i = 0; i < n; i++)
            buf_printf(out, "zapisd_push_silent{source=\"%s\",agency=\"%s\",operation=\"%s\"} %d\n", s->name, s->agency,
                       adapter_kind_name(kinds[i]), adapter_peer_is_silent(&s->peer, kinds[i]));
}

static void write_answers(const struct push *p, struct buf *out)
{
    static const struct {
        const char *operation;
        bool (*is_now)(const struct push_source *s);
    } refusals[] = {{"Ack", push_source_is_untaken}, {"GetStatus", gives_no_errors}, {"GetResponse", is_slow_at_fault}};
    head(out, "push_answers_total", "counter", "What came out of SMEV 3's queues of answers, by what became of it.");
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next)
        for (int i = 0; i < PUSH_SAID_COUNT; i++)
            buf_printf(out, "zapisd_push_answers_total{agency=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", l->agency,
                       said_names[i], l->saids[i]);
    head(out, "push_polls_total", "counter", "Questions for answers, by what came of them.");
    for (const struct push_source *s = p->sources; s != NULL; s = s->next)
        for (int i = 0; i < ADAPTER_RESULTS; i++)
            buf_printf(out, "zapisd_push_polls_total{source=\"%s\",agency=\"%s\",result=\"%s\"} %" PRIu64 "\n", s->name,
                       s->agency, adapter_result_names[i], s->polls[i]);
    head(out, "push_acks_total", "counter", "Acknowledgements of answers, by what came of them.");
    for (const struct push_source *s = p->sources; s != NULL; s = s->next)
        buf_printf(out,
                   "zapisd_push_acks_total{source=\"%s\",agency=\"%s\",result=\"ok\"} %" PRIu64
                   "\nzapisd_push_acks_total{source=\"%s\",agency=\"%s\",result=\"failed\"} %" PRIu64 "\n",
                   s->name, s->agency, s->acks, s->name, s->agency, s->acks_failed);
    head(out, "push_refused", "gauge",
         "1 while SMEV refuses our Acks of answers, gives no errors by GetStatus, or does not say by GetResponse "
         "what became of our answers to requests.");
    for (const struct push_source *s = p->sources; s != NULL; s = s->next)
        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
            buf_printf(out, "zapisd_push_refused{source=\"%s\",agency=\"%s\",operation=\"%s\"} %d\n", s->name,
                       s->agency, refusals[i].operation, refusals[i].is_now(s));
    write_silences(p, out);
    head(out, "push_last_poll_timestamp_seconds", "gauge",
         "When SMEV 3 last said what there is of answers, of each queue that is asked for them; 0: never yet.");
    for (const struct push_source *s = p->sources; s != NULL; s = s->next)
        if (s->is_asked)
            buf_printf(out, "zapisd_push_last_poll_timestamp_seconds{source=\"%s\",agency=\"%s\"} %" PRId64 "\n",
                       s->name, s->agency, s->good_s);
}

void push_metrics_write(const struct push *p, struct buf *out)
{
    write_rows(p, out);
    write_answers(p, out);
    push_locked_metrics(p, out);
    head(out, "push_attempts_total", "counter", "Messages to the portal, by what became of them.");
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next)
        for (int i = 0; i < PUSH_OUTCOME_COUNT; i++)
            buf_printf(out, "zapisd_push_attempts_total{agency=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", l->agency,
                       outcome_names[i], l->outcomes[i]);
    head(out, "push_last_answer_timestamp_seconds", "gauge", "When the portal last said something of its own.");
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next)
        buf_printf(out, "zapisd_push_last_answer_timestamp_seconds{agency=\"%s\"} %" PRId64 "\n", l->agency,
                   l->success_s);
    head(out, "push_is_closed", "gauge",
         "1: one message at a time is tried, for by: portal: it is away or fails; smev: SMEV is away or takes nothing; "
         "agency-key, official-key: nothing can be signed; own: nothing leaves us.");
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next)
        for (enum push_who who = 0; who < PUSH_WHO_COUNT; who++)
            buf_printf(out, "zapisd_push_is_closed{agency=\"%s\",by=\"%s\"} %d\n", l->agency, push_who_names[who],
                       l->closed_us != 0 && push_lane_who(l) == who);
}

/* ---- notes ---- */

static void note(struct buf *notes_json, const char *text)
{
    if (notes_json->n > 0)
        buf_add_char(notes_json, ',');
    buf_add_json(notes_json, span_of(text));
}

/* "5 s", "12 min" */
static const char *since(int64_t at_s, char out[32])
{
    int64_t s = clock_wall_us() / 1000000 - at_s;
    (void)snprintf(out, 32, s < 60 ? "%" PRId64 " s" : "%" PRId64 " min", s < 0 ? 0 : s < 60 ? s : s / 60);
    return out;
}

static void operations_note(const struct push_source *s, struct buf *notes_json)
{
    char text[400];
    if (push_source_is_untaken(s)) {
        (void)snprintf(text, sizeof text, "agency %s: [smev3 %s]: SMEV refuses our Ack of the portal's answers: %s",
                       s->agency, s->name, s->untaken);
        note(notes_json, text);
    }
    if (gives_no_errors(s)) {
        (void)snprintf(text, sizeof text, "agency %s: [smev3 %s] does not give errors of notifications (GetStatus): %s",
                       s->agency, s->name, s->status_fault);
        note(notes_json, text);
    }
}

static void silences_note(const struct push_source *s, struct buf *notes_json)
{
    struct arena *a = notes_json->arena;
    const char *silences = adapter_peer_silences(a, &s->peer);
    if (silences != NULL)
        note(notes_json, arena_printf(a, "agency %s: [smev3 %s]: SMEV leaves without an answer what it is told: %s",
                                      s->agency, s->name, silences));
}

static void slow_note(const struct push_source *s, struct buf *notes_json)
{
    char text[400];
    const char *fault = push_source_slow_fault(s);
    if (*fault == '\0')
        return;
    (void)snprintf(text, sizeof text,
                   "agency %s: [smev3 %s] does not say what became of our answers (GetResponse without NodeID): %s",
                   s->agency, s->name, fault);
    note(notes_json, text);
}

static void sources_note(const struct push *p, struct buf *notes_json)
{
    for (const struct push_source *s = p->sources; s != NULL; s = s->next) {
        char text[600];
        if (s->is_asked && adapter_pace_repeated(&s->pace) > 0) {
            (void)snprintf(text, sizeof text,
                           "agency %s: [smev3 %s] gives again and again answers that were acknowledged (%u in a row): "
                           "is there a cache between SMEV and us?",
                           s->agency, s->name, adapter_pace_repeated(&s->pace));
            note(notes_json, text);
        }
        operations_note(s, notes_json);
        silences_note(s, notes_json);
        slow_note(s, notes_json);
        char time[32];
        if (!s->is_asked || s->fault[0] == '\0')
            continue;
        (void)snprintf(text, sizeof text,
                       "agency %s: the portal's answers have not come out of [smev3 %s] for %s: %s%s%s", s->agency,
                       s->name, since(s->fault_since_s, time), s->fault, s->detail[0] != '\0' ? ": " : "", s->detail);
        note(notes_json, text);
    }
}

/* Answers are on their way that no section would ask for by itself. */
static void strays_note(const struct push *p, const struct push_lane *l, struct buf *notes_json)
{
    const struct push_source *s = p->sources;
    if (l->nnodes == 0)
        return;
    const struct keyring *keys = service_keyring(p->service);
    while (s != NULL && (strcmp(s->agency, l->agency) != 0 || s->stray_fault[0] == '\0'))
        s = s->next;
    for (unsigned i = 0; i < l->nnodes; i++) {
        char text[600];
        const struct push_node *n = &l->nodes[i];
        if (!push_is_stray(keys, l->agency, n))
            continue;
        const char *what = push_stray_queue(keys, l->agency) != NULL ? "it is asked by that, too, until all are over"
                                                                     : "nobody takes the answers";
        const char *colon = s != NULL ? ": " : "", *fault = s != NULL ? s->stray_fault : "";
        if (n->id[0] == '\0')
            (void)snprintf(text, sizeof text,
                           "agency %s: %" PRId64
                           " changes were sent without a NodeID, as no [smev3] of its asks now: %s%s%s",
                           l->agency, n->changes, what, colon, fault);
        else
            (void)snprintf(text, sizeof text,
                           "agency %s: %" PRId64
                           " changes were sent with NodeID %s, which no [smev3] of its has now: %s%s%s",
                           l->agency, n->changes, n->id, what, colon, fault);
        note(notes_json, text);
    }
}

static void locked_note(const struct push *p, struct buf *notes_json)
{
    char text[200];
    if (db_locked_s(&p->locked) == 0)
        return;
    (void)snprintf(text, sizeof text,
                   "somebody holds rows or tables of the outbox in the database, what the portal is to be told waits, "
                   "for %" PRIu64 " s: admin.locks()",
                   db_locked_s(&p->locked));
    note(notes_json, text);
}

static void clock_note(const struct push_lane *l, struct buf *notes_json)
{
    char text[300];
    if (l->clock_us == 0 || clock_mono_us() - l->clock_us > CLOCK_TOLD_US)
        return;
    (void)snprintf(
        text, sizeof text,
        "agency %s: SMEV calls numbers of changes stale that are new: this machine's clock is wrong, or SMEV's",
        l->agency);
    note(notes_json, text);
}

void push_notes_write(const struct push *p, struct buf *notes_json)
{
    locked_note(p, notes_json);
    sources_note(p, notes_json);
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next) {
        clock_note(l, notes_json);
        strays_note(p, l, notes_json);
    }
    for (const struct push_lane *l = p->lanes; l != NULL; l = l->next) {
        char text[400], time[32];
        if (l->closed_us == 0)
            continue;
        since(l->since_s, time);
        if (push_lane_is_ill(l) && push_lane_who(l) == PUSH_BY_PORTAL)
            (void)snprintf(text, sizeof text, "agency %s: the portal has answered with failures alone for %s: %s",
                           l->agency, time, l->ill_reason);
        else
            (void)snprintf(text, sizeof text, "agency %s: %s for %s: %s", l->agency, push_who_closes[push_lane_who(l)],
                           time, l->reason);
        note(notes_json, text);
    }
}
