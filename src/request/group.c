/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Transactions of writes, in the order of time:
 *
 *   wait       group_enqueue() puts a request into the queue and a session is asked for
 *   handle     group_begin(): the session is here; members are gathered; BEGIN and api.<operation> of each are sent
 *   reply      group_handled(): each member goes on by itself: its answer is made and signed on a worker
 *   commit     group_member_ready(), of the last one: api.journal_reply of each and COMMIT are sent (group_commit.c)
 *   send       group_committed(): now, and not before, the answers leave
 *
 * Messages that wait anyway share a transaction (a group); an idle daemon makes groups of one, so nobody waits for
 * company. Two messages about one booking never share. So that two groups do not wait for each other in a ring, a group
 * locks the bookings of its members first, in one order, takes its members in the order of their slots, and the
 * database does not let it wait for a place while it has a later one (data.stand_back).
 *
 * Three things may go wrong, and stand at the end of this file:
 *   group_locked()  one member met a lock: it goes to the slow lane (slow_lane.c), the others run again without it;
 *   group_undo()    an answer could not be made, or there is nobody left to give it to: roll back, the others again;
 *   group_fail()    the database failed: each runs again alone, or is given up when it was alone already.
 *
 * An unanswered COMMIT is settled by group_fail(), too: the message is sent to api.<operation> again, and what did
 * commit comes back as a repeat, with the stored answer.
 */
#include "group.h"

#include "clock.h"
#include "fault.h"

#include <stdlib.h>
#include <string.h>

static void group_begin(void *arg, struct db_session *session, enum err err, const struct error *e);
static void group_handled(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e);
static void group_locked(struct group *g, unsigned which);

/* ---- wait: a request in the queue, a session asked for ---- */

/* Sessions for as many as wait, within what there may be of groups at once. One that comes takes the eldest along. */
void group_ask(struct service *s)
{
    while (s->sessions_asked < s->writes.n && s->sessions_asked + s->groups_in_flight < group_most(s)) {
        s->sessions_asked++;
        db_acquire(s->db, group_begin, s);
    }
}

void group_enqueue(struct request *r)
{
    r->queued_us = clock_mono_us();
    queue_push(&r->service->writes, r);
    FAULT_POINT(write_queued);
    group_ask(r->service);
}

void group_enqueue_first(struct request *r)
{
    r->queued_us = clock_mono_us();
    r->is_alone |= r->trial != NULL;
    queue_push_front(&r->service->writes, r);
    group_ask(r->service);
}

/* ---- handle: members, BEGIN, api.<operation> of each ---- */

static struct group *group_new(struct service *s, struct db_session *session, uint64_t patience_ms)
{
    struct arena *a = arena_new();
    struct group *g = arena_alloc(a, sizeof *g);
    live_begin(s, &g->live, a);
    g->service = s;
    g->session = session;
    g->patience_ms = patience_ms;
    s->groups_in_flight++;
    return g;
}

/* The earliest of its members' ends: of is request_until_us() or request_commit_until_us(). */
uint64_t group_until_us(const struct group *g, uint64_t (*of)(const struct request *r))
{
    uint64_t until_us = UINT64_MAX;
    for (unsigned i = 0; i < g->n; i++)
        until_us = of(g->members[i]) < until_us ? of(g->members[i]) : until_us;
    return until_us;
}

/* Where api.<operation> of the first member stands in the pipeline: behind BEGIN, and when there are several behind the
 * locks of their bookings. */
static unsigned group_first_call(const struct group *g)
{
    return g->n > 1 ? 2 : 1;
}

static struct db_call group_lock_call(struct group *g)
{
    const char *ids[GROUP_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < g->n; i++)
        if (g->members[i]->request.book_id != NULL)
            ids[n++] = g->members[i]->request.book_id;
    return booking_lock(ids, n, g->live.arena);
}

static void group_send(struct group *g)
{
    struct service *s = g->service;
    s->metrics.groups++;
    s->metrics.group_members += g->n;
    g->sent_us = clock_mono_us();
    struct db_call calls[GROUP_MAX + 2] = {{.sql = "begin"}, group_lock_call(g)};
    unsigned first = group_first_call(g);
    for (unsigned i = 0; i < g->n; i++) {
        struct request *r = g->members[i];
        calls[first + i] = r->op->call(&r->request, &r->message, &r->fields, r->arena);
    }
    FAULT_POINT(handle_begin);
    db_send_within(g->session, (struct db_patience){g->patience_ms, group_until_us(g, request_until_us)}, calls,
                   first + g->n, group_handled, g);
    FAULT_POINT(handle_sent);
}

static void group_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct service *s = arg;
    s->sessions_asked--;
    if (err != ERR_OK) {
        /* The session was asked for the eldest of those who wait: it is told. When all sessions are only busy
         * (ERR_BUSY), service_tick() gives up who has waited too long. */
        struct request *r = err == ERR_BUSY ? NULL : queue_pop(&s->writes);
        if (r != NULL)
            request_give_up(r, err, e);
        group_ask(s);
        return;
    }
    if (s->writes.head == NULL) {
        db_release(session);
        return;
    }
    struct request *nobody[GROUP_MAX];
    struct group *g = group_new(s, session, slow_lane_fast_patience_ms(s));
    group_gather(g, group_size(s));
    if (g->n > 0)
        group_send(g);
    else
        (void)group_end(g, nobody); /* all who waited have been given up, or wait for locks */
}

void group_try(struct request *r, struct db_session *session, uint64_t patience_ms)
{
    struct group *g = group_new(r->service, session, patience_ms);
    r->group = g;
    g->members[g->n++] = r;
    group_send(g);
}

/* ---- reply: api.<operation> has answered; each member goes on to make and sign its answer ---- */

bool group_is_over(const struct group *g)
{
    struct error ignored = {0};
    for (unsigned i = 0; i < g->n; i++)
        if (request_is_over(g->members[i], &ignored) != ERR_OK)
            return true;
    return false;
}

static enum step_result member_handled(struct request *r, const struct db_result *res)
{
    if (booking_outcome_read(r->arena, res, &r->outcome, &r->error) != ERR_OK)
        return STEP_FAIL;
    switch (r->outcome.kind) {
    case OUTCOME_REPLAY:
        return FAULT_FAILS(replay_read, ERR_DATABASE, &r->error) ? STEP_FAIL : STEP_NEXT;
    case OUTCOME_REUSED:
        (void)error_set(&r->error, ERR_REUSED, "message id was used before with other content");
        return STEP_FAIL;
    case OUTCOME_NEW:
        break;
    }
    if (FAULT_FAILS(effect_read, ERR_DATABASE, &r->error))
        return STEP_FAIL;
    return r->op->result(&r->request, res, &r->reply, r->arena, &r->error) == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

static void group_handled(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct group *g = arg;
    unsigned first = group_first_call(g);
    if (err == ERR_LOCKED && n >= first && n < first + g->n) {
        group_locked(g, n - first);
        return;
    }
    if (err != ERR_OK || n != first + g->n) {
        group_fail(g, err == ERR_UNCERTAIN ? ERR_CONFLICT : err, e, false); /* no COMMIT was sent: nothing stands */
        return;
    }
    FAULT_POINT(handle_done);
    (void)group_is_over(g); /* sends for news of the clients, which has come by the time COMMIT is to be sent */
    enum step_result outcomes[GROUP_MAX];
    for (unsigned i = 0; i < g->n; i++)
        outcomes[i] = member_handled(g->members[i], results[first + i]);
    /* When the last member is resumed the group may end, and is freed then: from here on only the copy is read. */
    struct request *members[GROUP_MAX];
    unsigned nmembers = g->n;
    memcpy(members, g->members, nmembers * sizeof members[0]);
    for (unsigned i = 0; i < nmembers; i++)
        slow_lane_passed(members[i]);
    for (unsigned i = 0; i < nmembers; i++)
        request_resume(members[i], outcomes[i]);
}

/* ---- what may go wrong ---- */

/* The group is gone and its session given back, which rolls back what is not committed. Returns how many were in it. */
unsigned group_end(struct group *g, struct request *members[GROUP_MAX])
{
    unsigned n = g->n;
    db_release(g->session);
    for (unsigned i = 0; i < n; i++) {
        members[i] = g->members[i];
        members[i]->group = NULL;
    }
    g->service->groups_in_flight--;
    live_end(&g->live);
    return n;
}

/* The request is again what it was when `handle` began. */
static void write_reset(struct request *r)
{
    r->outcome = (struct booking_outcome){0};
    r->reply = (struct booking_reply){.method = r->request.method, .fields = r->fields};
    r->answer_octets = (struct span){0};
    r->step = STEP_handle;
    r->service->metrics.group_reruns++;
}

static void write_again(struct request *r, bool is_alone)
{
    write_reset(r);
    r->is_alone |= is_alone;
    r->queued_us = clock_mono_us();
    queue_push_front(&r->service->writes, r);
    FAULT_POINT(write_again);
}

/* One member met a lock; the others have done nothing wrong. */
static void group_locked(struct group *g, unsigned which)
{
    struct service *s = g->service;
    /* It may be less than the patience: for a place the database does not always let a group wait (data.stand_back). */
    uint64_t took_ms = (clock_mono_us() - g->sent_us) / 1000;
    uint64_t waited_ms = took_ms < g->patience_ms ? took_ms : g->patience_ms;
    struct request *members[GROUP_MAX];
    unsigned n = group_end(g, members);
    FAULT_POINT(group_locked);
    for (unsigned i = n; i-- > 0;)
        if (i != which)
            write_again(members[i], false);
    write_reset(members[which]);
    slow_lane_locked(members[which], waited_ms);
    group_ask(s);
}

/* Nothing of this transaction may stand: one member has no answer to give, or nobody is there to take it. */
void group_undo(struct group *g)
{
    struct service *s = g->service;
    struct request *members[GROUP_MAX];
    unsigned n = group_end(g, members);
    FAULT_POINT(group_undone);
    for (unsigned i = 0; i < n; i++) {
        struct error e = {0};
        if (members[i]->failed != ERR_OK)
            request_resume(members[i], STEP_NEXT);
        else if (request_is_over(members[i], &e) != ERR_OK)
            request_give_up(members[i], e.code, &e);
        else
            write_again(members[i], false);
    }
    group_ask(s);
}

static bool is_worth_another_try(const struct request *r, enum err err)
{
    return r->attempts < HANDLE_ATTEMPTS &&
           (err == ERR_CONFLICT || err == ERR_UNCERTAIN || err == ERR_TIMEOUT || err == ERR_LOCKED) &&
           clock_mono_us() < request_until_us(r);
}

/* The whole group failed: those who shared run again alone, one who was alone is tried again or gives up. */
void group_fail(struct group *g, enum err err, const struct error *e, bool is_commit_lost)
{
    struct service *s = g->service;
    struct error reason = *e; /* e is the session's, which group_end() gives back */
    struct request *members[GROUP_MAX];
    unsigned n = group_end(g, members);
    FAULT_POINT(group_failed);
    for (unsigned i = n; i-- > 0;) {
        struct request *r = members[i];
        r->is_uncertain |= is_commit_lost;
        slow_lane_failed(r);
        if (n > 1) {
            write_again(r, true);
        } else if (is_worth_another_try(r, err)) {
            r->attempts++;
            write_again(r, true);
        } else {
            request_give_up(r, err, &reason);
        }
    }
    group_ask(s);
}
