/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Clients of the simulation whose messages come by a queue: who waits is the inbox, so what is tried again is tried
 * again by it, and what is told is what it will send. What must hold (Q1, L1, B6): the answer that is told is the one
 * that is committed, with its effect, once, while the message was the teller's; a failure of ours is told to nobody.
 */
#include "heart.h"

#include "fake_server.h"
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LATE_US      (TICK_US + 10000)
#define AGAIN_MAX_US 300000
#define TAKINGS_MAX  4

static void queue_done(void *arg, const struct queue_outcome *outcome);

bool client_waits(const struct client *c)
{
    return c->exchange != NULL || c->is_in_work;
}

/* ---- the wire: as bare SOAP, but that the answer has an id of its own ---- */

static enum err queue_wrap(struct request *r, const char *element)
{
    static unsigned ids;
    char *id = r->queued->answer_id;
    if (*id == '\0')
        (void)snprintf(id, sizeof r->queued->answer_id, "answer-%u", ++ids);
    return origin_plain.wrap(r, element);
}

static enum err queue_recognize(struct request *r)
{
    static const char id[] = "of before";
    memcpy(r->queued->answer_id, id, sizeof id);
    return ERR_OK;
}

static bool queue_is_vouched(const struct request *r)
{
    (void)r;
    return true;
}

static const struct origin origin_queue = {.carrier = &carrier_queue,
                                           .channel = "portal",
                                           .verdict = "good",
                                           .is_vouched = queue_is_vouched,
                                           .wrap = queue_wrap,
                                           .recognize = queue_recognize};
static const struct source source = {.name = "queue", .channel = "portal", .origin = &origin_queue};

/* ---- in ---- */

static bool may_try_again(const struct client *c)
{
    return !world.is_over && world.drained == 0 && c->takings < TAKINGS_MAX && sim_now_us() < world.taken_until_us;
}

void client_take(void *arg)
{
    struct client *c = arg;
    struct error e = {0};
    if (world.is_over || world.drained > 0 || sim_now_us() > world.taken_until_us) {
        c->is_turned_away = true;
        return;
    }
    unsigned room = request_queue_room(world.service);
    struct queue_message m = {.inbox_id = c->number, .attempt = c->takings + 1, .octets = SPAN_LIT("<T:Request/>")};
    sim_tell("client %u is taken for the %uth time, kind %d %s", c->number, m.attempt, c->kind, c->message_id);
    enum err err = request_on_queue(world.service, &source, &m, queue_done, c, &e);
    if ((err == ERR_OK) != (room > 0) || (err != ERR_OK && err != ERR_BUSY))
        judge_fail("client %u finds room for %u, and is told %s", c->number, room, error_name(err));
    if (err == ERR_OK) {
        c->takings++;
        c->is_to_be_alone = false; /* each taking is a request of its own */
        c->is_in_work = true;
        c->deadline_us = sim_now_us() + world.conf.request_timeout_ms * 1000;
    } else if (world.service->drained != NULL) {
        c->is_turned_away = true;
    } else {
        (void)sim_after(1 + sim_below(AGAIN_MAX_US), client_take, c);
    }
}

/* ---- and out ---- */

static const struct server_row *row_of_message(const char *id)
{
    const struct server_row *row = server_rows();
    while (row != NULL && (row->kind != ROW_WRITE || strcmp(row->message_id, id) != 0))
        row = row->next;
    return row;
}

static void judge_kept(const struct client *c, const struct queue_outcome *o)
{
    const struct server_row *row = row_of_message(c->message_id);
    if (c->kept == NULL)
        judge_fail("client %u: an answer is told that is not kept", c->number);
    if (!span_equals(c->kept->answer, o->answer) || strcmp(c->kept->slot, o->answer_id) != 0)
        judge_fail("client %u: another answer is told than is kept", c->number);
    if (row == NULL || row->digest.p[0] != (char)c->content)
        judge_fail("client %u has the answer to another message", c->number);
    if (!span_equals(row->answer, o->answer))
        judge_fail("client %u: other bytes are told than the journal has", c->number);
    /* Where it was the first of its id, what it wanted and what it is told belong together. */
    if (row->client == c->number && (c->kind == CLIENT_JUNK) != queue_rejects(o->verdict))
        judge_fail("client %u is told %s", c->number, queue_verdict_words[o->verdict]);
}

/* What a COMMIT of unknown end has done is found again, and told as somebody else's. */
static void judge_again(const struct client *c, const struct queue_outcome *o)
{
    if (o->answer.n > 0 || o->answer_id != NULL || o->reason == NULL)
        judge_fail("client %u is told an answer, and nothing of it stands", c->number);
    if (c->kept != NULL && !c->is_kept_unknown)
        judge_fail("client %u is told %s, and it stands", c->number, o->reason);
}

static void queue_done(void *arg, const struct queue_outcome *o)
{
    struct client *c = arg;
    sim_tell("client %u is told %s %s", c->number, queue_verdict_words[o->verdict], o->reason != NULL ? o->reason : "");
    if (!c->is_in_work || c->is_answered || world.is_over)
        judge_fail("client %u is told twice, or too late", c->number);
    if (sim_now_us() > c->deadline_us + LATE_US)
        judge_fail("client %u is told %" PRIu64 " us late", c->number, sim_now_us() - c->deadline_us);
    c->is_in_work = false;
    c->request = NULL;
    c->answered_us = sim_now_us();
    if (o->verdict == QUEUE_PARK) {
        const struct server_row *row = row_of_message(c->message_id);
        if (strcmp(o->reason, "REUSED") != 0 || row == NULL || row->digest.p[0] == (char)c->content)
            judge_fail("client %u is put aside for %s", c->number, o->reason);
    } else if (o->verdict == QUEUE_AGAIN) {
        judge_again(c, o);
    } else {
        judge_kept(c, o);
    }
    if (o->verdict == QUEUE_AGAIN && may_try_again(c))
        (void)sim_after(1 + sim_below(AGAIN_MAX_US), client_take, c);
    else
        c->is_answered = true;
}
