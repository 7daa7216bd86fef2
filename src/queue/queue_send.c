/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * SendResponse: the octets that were kept, until SMEV says that it has them. Whoever sends them twice does no harm,
 * they have one id, however old it is; a new one is taken when SMEV says that it takes the old one no more, and never
 * before it was asked: it may have the answer, and would have two. What was signed with another key than today's is
 * signed anew first, and kept.
 */
#include "queue_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define AGAIN_FIRST_US 500000u

static void send_over(struct queue_job *j)
{
    struct queue_source *s = j->source;
    if (!j->is_sent)
        s->sending--;
    queue_look_soon(s);
    queue_job_free(j);
}

struct sent {
    struct queue_job *job;
    struct adapter_call *call;
};

static void on_sent(void *arg, const struct db_result *r, enum err err)
{
    struct sent *t = arg;
    struct adapter_call *c = t->call;
    (void)r;
    (void)err; /* unsaid: its lease ends, and SMEV says that it has it */
    send_over(t->job);
    adapter_call_free(c);
}

/* outcome: sent, again, park */
static void say(struct queue_job *j, struct adapter_call *c, const char *outcome, uint64_t again_us)
{
    struct sent *t = arena_alloc(c->arena, sizeof *t);
    *t = (struct sent){j, c};
    bool is_sent = strcmp(outcome, "sent") == 0;
    const char *peer = c->signature.octets.n > 0 ? "good" : NULL;
    struct queue_write *w = queue_write_new(j->source, c->arena, INBOX_SENT, on_sent, t);
    queue_write_int(w, j->inbox_id);
    queue_write_int(w, j->attempt);
    queue_write_text(w, outcome);
    queue_write_text(w, is_sent && adapter_call_is_good(c) ? NULL : adapter_call_word(c));
    queue_write_text(w, arena_printf(c->arena, "%" PRIu64 " ms", again_us / 1000));
    queue_write_text(w, c->endpoint != NULL ? c->endpoint : "");
    queue_write_text(w, peer);
    queue_write_octets(w, c->asked);
    queue_write_octets(w, c->answered);
    if (!is_sent) {
        queue_write_begin(w);
        return;
    }
    j->is_sent = true;
    j->source->sending--;
    queue_write_insist(w, QUEUE_OF_USE_US, false);
    queue_write_begin_late(w);
}

static uint64_t pause_of(const struct queue_job *j, enum smev3_reaction reaction)
{
    unsigned n = j->sending > 0 && j->sending < 32 ? (unsigned)j->sending : 32;
    bool is_rare = reaction == SMEV3_STOP || reaction == SMEV3_CONFIGURE;
    return is_rare ? ADAPTER_PAUSE_MAX_US : adapter_pause_us(n, AGAIN_FIRST_US);
}

static void renew(struct queue_job *j, bool needs_id);

static void on_kept(void *arg, const struct db_result *r, enum err err)
{
    (void)r;
    (void)err; /* the log has it */
    adapter_call_free(arg);
}

static void send_failed(struct queue_job *j, struct adapter_call *c)
{
    struct queue_source *s = j->source;
    enum smev3_reaction reaction = adapter_call_reaction(c);
    if (reaction == SMEV3_NEW_ID && !j->is_renewed) {
        renew(j, true);
        queue_write_exchange(c, adapter_call_word(c), on_kept, c);
        return;
    }
    if (reaction == SMEV3_PARK) {
        s->counts.sent_parked++;
        log_event(LOG_LEVEL_ERROR, "queue-parked", "source", s->conf.name, "inbox",
                  arena_printf(c->arena, "%" PRId64, j->inbox_id), "error", adapter_call_word(c), NULL);
        say(j, c, "park", 0);
        return;
    }
    s->counts.sent_again++;
    log_bounded(LOG_LEVEL_WARNING, 5, "queue-unsent", s->conf.name, "source", s->conf.name, "error",
                adapter_call_word(c), "detail", c->error.detail, NULL);
    say(j, c, "again", pause_of(j, reaction));
}

static void send_done(struct adapter_call *c)
{
    struct queue_job *j = c->arg;
    queue_source_heard(j->source, c);
    queue_refusal_judge(j->source, c);
    if (adapter_call_is_done(c)) {
        FAULT_POINT(queue_sent);
        j->source->counts.sent++;
        say(j, c, "sent", 0);
    } else {
        send_failed(j, c);
    }
}

void queue_send_go_on(struct queue_job *j)
{
    struct adapter_call *c = queue_call(j->source, SMEV3_SEND_RESPONSE, send_done, j);
    c->stored = j->answer;
    c->message_id = j->answer_id;
    c->row_id = j->inbox_id;
    adapter_call_begin(c);
}

static void send_call(struct queue_job *j)
{
    if (!queue_status_is_before(j->source, j))
        queue_send_go_on(j);
}

/* ---- signed anew ---- */

/* Not said: the row keeps the answer as it was, under an id that SMEV does not take; its lease ends and it comes again.
 */
static void on_renewed(void *arg, const struct db_result *r, enum err err)
{
    struct queue_job *j = arg;
    const char *is_ours = err == ERR_OK ? db_text(r, 0, db_column(r, "is_ours")) : NULL;
    if (is_ours == NULL || *is_ours != 't') {
        send_over(j);
        return;
    }
    j->source->counts.renewed++;
    j->answer = j->made;
    j->answer_id = arena_strdup(j->arena, j->new_id);
    send_call(j);
}

static void on_made(void *arg)
{
    struct queue_job *j = arg;
    if (j->source->queues->is_over)
        return;
    if (j->err != ERR_OK)
        log_event(LOG_LEVEL_ERROR, "queue-unsent", "source", j->source->conf.name, "error", error_name(j->err),
                  "detail", j->error.detail, NULL);
    if (j->err != ERR_OK && j->needs_id) {
        send_over(j);
        return;
    }
    if (j->err != ERR_OK || j->made.n == 0) { /* as it is, for good or ill */
        send_call(j);
        return;
    }
    struct queue_write *w = queue_write_new(j->source, j->arena, INBOX_RENEWED, on_renewed, j);
    queue_write_int(w, j->inbox_id);
    queue_write_int(w, j->attempt);
    queue_write_text(w, j->new_id);
    queue_write_octets(w, j->made);
    queue_write_begin(w);
}

static void renew(struct queue_job *j, bool needs_id)
{
    const struct config_smev3 *conf = &j->source->conf;
    int64_t now_s = clock_wall_us() / 1000000;
    struct error e = {0};
    j->needs_id = needs_id;
    j->is_renewed = j->is_renewed || needs_id;
    j->key = keyring_signing_key(j->keys, conf->agency, now_s);
    if (keyring_official_key(j->keys, conf->name, now_s, &j->official, &e) != ERR_OK)
        j->key = NULL;
    worker_run(j->source->queues->loop, queue_answer_renew, on_made, j);
}

void queue_send_begin(struct queue_job *j)
{
    j->source->sending++;
    if (j->is_to_send)
        send_call(j); /* it was signed just now */
    else
        renew(j, j->is_spent);
}
