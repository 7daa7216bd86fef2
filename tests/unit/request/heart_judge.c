/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What must hold in every world of the simulation: L1, B6 and J4 as a client, an operator and the database see
 * them. Nothing here is computed by the code it judges, but the gauges that are compared with what they count. */
#include "heart.h"

#include "fake_db.h"
#include "fake_server.h"
#include "sim.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER_LATE_US   (TICK_US + 10000) /* a tick, and the way through a worker */
#define CALM_MAX_US      500000            /* whoever needs nothing that is locked */
#define CALM_COMPANY_US  4000000           /* whoever wants the same as one who does */
#define CALM_AFTER_US    4000000           /* whoever does himself, from the time the last lock went */
#define FAST_PATIENCE_US 100000            /* docs/decisions/0301 */
#define FAST_LEAST_US    5000
#define LOOK_EVERY_US    5000

void judge_fail(const char *fmt, ...)
{
    char why[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    print_error("at %.3f ms: %s; again: HEART_SEED=%" PRIu64 " HEART_TOLD=1\n", (double)sim_now_us() / 1000, why,
                world.seed);
    exit(1); /* nothing can be said of the next world in the ruins of this one */
}

void judge_misuse(const char *what)
{
    judge_fail("%s", what);
}

/* ---- COMMIT ---- */

static bool is_same(const struct client *a, const struct client *b)
{
    return strcmp(a->message_id, b->message_id) == 0 || strcmp(a->book_id, b->book_id) == 0;
}

void judge_writes_sent(const unsigned *clients, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct client *c = &world.clients[clients[i]];
        if (!client_waits(c))
            judge_fail("the write of client %u leaves, who has been answered", c->number);
        if (sim_now_us() >= client_until_us(c))
            judge_fail("the write of client %u leaves, whose time is over", c->number);
        if (n > 1 && c->is_to_be_alone)
            judge_fail("client %u shares a transaction again, and one has failed", c->number);
        for (unsigned k = 0; k < i; k++)
            if (is_same(c, &world.clients[clients[k]]))
                judge_fail("clients %u and %u share a transaction, and a booking", clients[k], c->number);
        c->sent_us = sim_now_us();
        *(n > 1 ? &c->sent_shared : &c->sent_alone) += 1;
    }
}

/* Who met a lock leaves the others to go on together; any other failure may be anybody's. */
void judge_writes_ended(const unsigned *clients, unsigned n, enum err err)
{
    world.fast_unheard += err == ERR_UNCERTAIN || err == ERR_TIMEOUT;
    for (unsigned i = 0; i < n; i++)
        world.clients[clients[i]].failures += err != ERR_OK;
    for (unsigned i = 0; i < n && n > 1 && err != ERR_OK && err != ERR_LOCKED; i++)
        world.clients[clients[i]].is_to_be_alone = true;
}

void judge_locked(unsigned client)
{
    world.clients[client].locks_met++;
}

static unsigned share(void)
{
    unsigned n = world.conf.db_connections / 4;
    return n > 0 ? n : 1;
}

void judge_commit_sent(const unsigned *clients, unsigned n, uint64_t since_us)
{
    for (unsigned i = 0; i < n; i++) {
        struct client *c = &world.clients[clients[i]];
        sim_tell("client %u: COMMIT", c->number);
        c->commits_sent++;
        if (!client_waits(c))
            judge_fail("COMMIT of client %u, who has been answered", c->number);
        if (sim_now_us() >= client_until_us(c))
            judge_fail("COMMIT of client %u, whose time is over", c->number);
        if ((c->going == CLIENT_RESETS && c->goes_us <= sim_now_us()) ||
            (c->going == CLIENT_ENDS && c->goes_us <= since_us))
            judge_fail("COMMIT of client %u, who has gone", c->number);
    }
}

void judge_commit_ended(const unsigned *clients, unsigned n, enum err err)
{
    for (unsigned i = 0; i < n; i++) {
        sim_tell("client %u: COMMIT is answered %s", clients[i], error_name(err));
        struct client *c = &world.clients[clients[i]];
        if (err == ERR_UNCERTAIN || err == ERR_TIMEOUT) {
            c->commits_unknown++;
            c->is_kept_unknown = true;
            c->unknown_us = sim_now_us();
        }
        c->is_to_be_alone |= n > 1 && err != ERR_OK;
        c->failures += err != ERR_OK;
    }
}

void judge_committed(const struct server_row *row)
{
    struct client *c = &world.clients[row->client];
    if (row->kind == ROW_WRITE)
        sim_tell("client %u: committed", c->number);
    if (row->kind == ROW_WRITE)
        c->write = row;
    else if (row->kind == ROW_KEPT)
        c->kept = row;
    else if (row->kind == ROW_EXCHANGE && c->nrows < CLIENT_ROWS_MAX)
        c->rows[c->nrows++] = row;
}

/* ---- the fast lane's budget ---- */

void judge_broken_off(unsigned client, uint64_t waited_us)
{
    const struct request *r = world.clients[client].request;
    if (r == NULL || r->is_slow)
        return;
    if (waited_us > FAST_PATIENCE_US)
        judge_fail("client %u waited %" PRIu64 " us for a lock in the fast lane", client, waited_us);
    world.fast_waits_us += waited_us;
    world.fast_waits++;
    uint64_t n = world.conf.db_connections, lived_us = sim_now_us() - world.began_us;
    if (world.fast_waits_us >
        (n + world.fast_unheard) * FAST_PATIENCE_US + lived_us * n / 4 + world.fast_waits * FAST_LEAST_US)
        judge_fail("waits in the fast lane took %" PRIu64 " us", world.fast_waits_us);
}

/* ---- answers ---- */

static bool is_write(const struct client *c)
{
    return c->kind == CLIENT_BOOK || c->kind == CLIENT_CANCEL;
}

static const struct server_row *row_of_message(const char *id)
{
    const struct server_row *row = server_rows();
    while (row != NULL && (row->kind != ROW_WRITE || strcmp(row->message_id, id) != 0))
        row = row->next;
    return row;
}

/* Success, or a refusal: it stands, and its bytes are the journal's. */
static void judge_written(const struct client *c, struct span answer)
{
    const struct server_row *row = row_of_message(c->message_id);
    if (row == NULL)
        judge_fail("client %u is told of what is not committed", c->number);
    if ((row->digest.p[0] == (char)c->content) && !span_equals(row->answer, answer))
        judge_fail("client %u gets other bytes than the journal has", c->number);
    if (row->digest.p[0] != (char)c->content)
        judge_fail("client %u gets the answer to another message", c->number);
}

static void judge_in_journal(const struct client *c, struct span answer)
{
    if (c->request == NULL || c->request->is_unwritten || answer.n == 0)
        return;
    for (unsigned i = 0; i < c->nrows; i++)
        if (span_equals(c->rows[i]->answer, answer))
            return;
    judge_fail("client %u gets an answer that is not in the journal", c->number);
}

/* What it needed was somebody else's while it was here: until when. */
static uint64_t held_until_us(const struct client *c)
{
    uint64_t until_us = 0;
    for (unsigned i = 0; i < world.nholders; i++)
        for (unsigned k = 0; k < c->nneeds; k++) {
            const struct holder *h = &world.holders[i];
            if (strcmp(h->name, c->needs[k]) == 0 && h->from_us < c->answered_us && h->to_us > c->at_us &&
                h->to_us > until_us)
                until_us = h->to_us;
        }
    return until_us;
}

static bool is_ever_held(const char *name)
{
    for (unsigned i = 0; i < world.nholders; i++)
        if (strcmp(world.holders[i].name, name) == 0)
            return true;
    return false;
}

/* Whether somebody who wants the same slot or booking wants something else that was locked at some time. */
static bool has_held_company(const struct client *c)
{
    for (unsigned i = 0; i < world.nclients; i++) {
        const struct client *other = &world.clients[i];
        bool is_company = false, is_held = false;
        for (unsigned k = 0; k < other->nneeds; k++) {
            is_held |= is_ever_held(other->needs[k]);
            for (unsigned m = 0; m < c->nneeds; m++)
                is_company |= strcmp(other->needs[k], c->needs[m]) == 0 && strcmp(c->needs[m], "table") != 0;
        }
        if (is_company && is_held)
            return true;
    }
    return false;
}

static void judge_calm(const struct client *c)
{
    uint64_t held_us = held_until_us(c);
    uint64_t begins_us = held_us > c->at_us ? held_us : c->at_us;
    uint64_t ends_us = begins_us + (held_us > 0 ? CALM_AFTER_US : has_held_company(c) ? CALM_COMPANY_US : CALM_MAX_US);
    if (c->going != CLIENT_STAYS || c->is_misshapen || c->kind == CLIENT_JUNK || c->failed == ERR_REUSED)
        return;
    if (ends_us >= client_until_us(c))
        return;
    if (c->status != 200)
        judge_fail("client %u (%s) is refused for nothing: %s", c->number, held_us > 0 ? "locked" : "free",
                   error_name(c->failed));
    if (c->answered_us > ends_us)
        judge_fail("client %u (%s) waited %" PRIu64 " us", c->number, held_us > 0 ? "locked" : "free",
                   c->answered_us - begins_us);
}

/* A COMMIT without an answer is asked for again, while there is time for it and a session to be had. */
static void judge_uncertain(const struct client *c)
{
    uint64_t waited_us = c->answered_us - c->unknown_us, patience_us = world.conf.db_acquire_timeout_ms * 1000;
    if (!is_write(c))
        judge_fail("client %u only reads, and is told of something uncertain", c->number);
    if (c->request != NULL && strcmp(c->request->error.detail, FAKE_DB_NO_SESSION) == 0)
        return; /* all connections broke at once */
    if (c->commits_unknown == 0 || c->failures >= HANDLE_ATTEMPTS || c->sent_us >= c->unknown_us ||
        world.is_ever_away || c->going != CLIENT_STAYS)
        return;
    if (waited_us + TICK_US < patience_us && c->answered_us + TICK_US < client_until_us(c))
        judge_fail("client %u is told of an uncertain COMMIT, and nobody has asked again", c->number);
}

void judge_answer(struct client *c, struct span answer)
{
    if (c->is_cut_off)
        return;
    if (c->answered_us > c->deadline_us + ANSWER_LATE_US)
        judge_fail("client %u is answered %" PRIu64 " us late: %s", c->number, c->answered_us - c->deadline_us,
                   error_name(c->failed));
    if (is_write(c) && c->failed == ERR_OK && c->status == 200)
        judge_written(c, answer);
    else if (c->kind != CLIENT_JUNK)
        judge_in_journal(c, answer);
    if (c->failed == ERR_UNCERTAIN)
        judge_uncertain(c);
    if (is_write(c) && (c->failed == ERR_INTERNAL || c->failed == ERR_CONFLICT) && c->sent_shared > 0 &&
        c->sent_alone == 0 && !c->is_misshapen && strstr(c->request->error.detail, "journal refuses") == NULL)
        judge_fail("client %u is refused for what others sent: %s", c->number, error_name(c->failed));
    if (is_write(c) && c->failed == ERR_UNCERTAIN && c->commits_unknown == 0 && row_of_message(c->message_id) == NULL)
        judge_fail("client %u is told of an uncertain COMMIT, and there was none", c->number);
    if (world.is_calm)
        judge_calm(c);
}

/* ---- gauges and what they count ---- */

static void judge_count(const char *what, size_t told, size_t counted)
{
    if (told != counted)
        judge_fail("%s: %zu are told, %zu are there", what, told, counted);
}

/* At the gate with room for it and for another session. */
static bool small_read_waits_for_nothing(const struct service *s)
{
    static const size_t small_bytes = 64 << 10;
    const struct reads *q = &s->reads;
    const struct request *r = q->small.head != NULL ? q->small.head : q->waiting.head;
    return r != NULL && q->estimate_bytes[r->op - booking_ops] <= small_bytes &&
           q->begun < 2 * world.conf.db_connections && q->taken_bytes + small_bytes <= world.conf.answers_max_bytes;
}

void judge_moment(void)
{
    static uint64_t looked_us;
    const struct service *s = world.service;
    size_t tickets = 0, with_rows_bytes = 0, largest = 0, let_in = 0, in_work = 0, slow = 0, kept = 0, keys = 0,
           queued = 0;
    if (world.is_over || (sim_now_us() >= looked_us && sim_now_us() - looked_us < LOOK_EVERY_US))
        return;
    looked_us = sim_now_us();
    unsigned long_waits = fake_db_waiting(world.pool, FAST_PATIENCE_US);
    if (long_waits > share())
        judge_fail("%u sessions wait for locks, the share is %u", long_waits, share());
    for (unsigned i = 0; i < world.nclients; i++) {
        const struct client *c = &world.clients[i];
        const struct request *r = c->request;
        in_work += client_waits(c);
        queued += c->is_in_work;
        if (c->write != NULL && c->is_queued && c->kept == NULL)
            judge_fail("client %u has an effect, and no answer is kept", i);
        if (client_waits(c) && sim_now_us() > c->deadline_us + ANSWER_LATE_US)
            judge_fail("client %u is not answered", c->number);
        if (r == NULL)
            continue;
        if (is_write(c) && r->has_met_lock && c->locks_met == 0)
            judge_fail("client %u waits in the slow lane for a lock that another met", c->number);
        tickets += r->ticket_bytes;
        with_rows_bytes += r->rows != NULL ? r->ticket_bytes : 0;
        largest = r->rows != NULL && r->ticket_bytes > largest ? r->ticket_bytes : largest;
        let_in += r->is_let_in;
        slow += r->is_slow;
    }
    for (const struct lane_key *k = s->lane.first; k != NULL; k = k->next) {
        keys++;
        kept += k->kept.n + k->tired.n;
        if (k->kept.n == 0 && (k->tried == NULL || k->tired.n > 0))
            judge_fail("nobody waits for %s", k->name);
    }
    judge_count("messages in work", s->in_work, in_work);
    judge_count("messages of queues in work", s->queued_in_work, queued);
    if (queued > 1 && queued > world.conf.requests_max / 4)
        judge_fail("%zu messages of queues are in work", queued);
    judge_count("bytes of tickets", s->reads.taken_bytes, tickets);
    /* One that does not fit by itself has short ones beside it, an eighth of the room at the most. */
    if (with_rows_bytes > world.conf.answers_max_bytes && with_rows_bytes - largest > world.conf.answers_max_bytes / 8)
        judge_fail("answers of %zu octets are made at once", with_rows_bytes);
    judge_count("reads let in", s->reads.begun, let_in);
    if (small_read_waits_for_nothing(s))
        judge_fail("a short answer waits behind long ones");
    judge_count("sessions of the slow lane", s->lane.sessions, slow);
    judge_count("keys", s->lane.nkeys, keys);
    judge_count("messages kept", s->lane.waiting, kept);
    if (slow > share())
        judge_fail("%zu sessions try for locks, the share is %u", slow, share());
}

void judge_quiet(void)
{
    const struct service *s = world.service;
    struct db_pool_stats stats;
    db_pool_read_stats(world.pool, &stats);
    for (unsigned i = 0; i < world.nclients; i++)
        if (!world.clients[i].is_answered && !world.clients[i].is_turned_away)
            judge_fail("client %u was never answered", i);
    judge_count("sessions that are had", stats.busy, 0);
    judge_count("messages in work", s->in_work, 0);
    judge_count("bytes of tickets", s->reads.taken_bytes, 0);
    judge_count("reads let in", s->reads.begun, 0);
    judge_count("reads that wait", s->reads.small.n + s->reads.waiting.n, 0);
    judge_count("reads that wait with their rows", s->reads.held.n, 0);
    judge_count("writes that wait", s->writes.n, 0);
    judge_count("sessions asked for", s->sessions_asked, 0);
    judge_count("groups", s->groups_in_flight, 0);
    judge_count("keys", s->lane.nkeys, 0);
    judge_count("messages kept", s->lane.waiting, 0);
    judge_count("sessions of the slow lane", s->lane.sessions, 0);
    judge_count("answers that wait for the journal", journal_waiting(s), 0);
    judge_count("sessions asked for by the journal", s->journal.asked, 0);
    judge_count("batches of the journal", s->journal.in_flight, 0);
    judge_count("what lives", s->live != NULL, 0);
}

/* ---- the end ---- */

static bool is_sure_failure(const struct client *c)
{
    return c->is_answered && !c->is_cut_off && c->failed != ERR_OK && c->failed != ERR_UNCERTAIN;
}

void judge_end(void)
{
    for (unsigned i = 0; i < world.nclients; i++) {
        const struct client *c = &world.clients[i];
        if (!c->is_answered && !c->is_turned_away && !c->is_queued) /* those wait in the inbox for another daemon */
            judge_fail("client %u was never answered", i);
        if (c->write != NULL && is_sure_failure(c))
            judge_fail("client %u was told %s, and it stands", i, error_name(c->failed));
        if (c->write != NULL && c->commits_sent == 0)
            judge_fail("client %u has an effect without a COMMIT", i);
        if (c->commits_unknown > 0 && is_sure_failure(c) && c->failed != ERR_REUSED && c->failed != ERR_INTERNAL &&
            c->failed != ERR_CRYPTO)
            judge_fail("client %u was told %s after a COMMIT of unknown end", i, error_name(c->failed));
    }
}
