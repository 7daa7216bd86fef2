/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Transactions of writes. One transaction from the request to the signed answer: BEGIN and api.<operation>, the answers
 * made and signed, api.journal_reply and COMMIT, and only then is anything sent.
 *
 * Messages that wait anyway share a transaction (a group); an idle daemon makes groups of one, so nobody waits for
 * company. A group fails as a whole: its members then run again, each alone. A COMMIT whose answer was lost is settled
 * the same way: the message id is asked for again, and what did commit comes back as a replay. Members are ordered by
 * slot, so that two groups do not lock each other out; two messages of one booking never share a group.
 */
#include "request_priv.h"

#include "clock.h"
#include "fault.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct group {
    struct live live;
    struct service *service;
    struct db_session *session;
    struct request *members[GROUP_MAX];
    unsigned n;
    unsigned nready; /* members whose answers are made */
    bool is_doomed;  /* an answer could not be made: its effect must not stand */
};

static void writes_ask(struct service *s);

/* ---- the end of a group ---- */

static void group_end(struct group *g)
{
    struct service *s = g->service;
    db_release(g->session); /* what is not committed is rolled back */
    for (unsigned i = 0; i < g->n; i++)
        g->members[i]->group = NULL;
    s->groups_in_flight--;
    live_end(&g->live);
}

static bool is_worth_another_try(const struct request *r, enum err err)
{
    return r->attempts < HANDLE_ATTEMPTS && (err == ERR_CONFLICT || err == ERR_UNCERTAIN || err == ERR_TIMEOUT);
}

static void write_fail(struct request *r, enum err err, const struct error *e)
{
    (void)error_set(&r->error, r->is_uncertain ? ERR_UNCERTAIN : err, "%s", e->detail);
    r->step = STEP_handle;
    request_resume(r, STEP_FAIL);
}

/* From the beginning of `handle`, alone. */
static void write_again(struct request *r)
{
    r->outcome = (struct booking_outcome){0};
    r->reply = (struct booking_reply){.method = r->request.method, .fields = r->fields};
    r->answer_octets = (struct span){0};
    r->step = STEP_handle;
    r->is_alone = true;
    r->service->metrics.group_reruns++;
    queue_push_front(&r->service->writes, r);
}

/* The whole group failed: those who shared run again alone, one who was alone is tried again or gives up. */
static void group_fail(struct group *g, enum err err, const struct error *e, bool is_commit_lost)
{
    struct service *s = g->service;
    struct error reason = *e;
    struct request *members[GROUP_MAX];
    unsigned n = g->n;
    memcpy(members, g->members, n * sizeof members[0]);
    group_end(g);
    for (unsigned i = n; i-- > 0;) {
        struct request *r = members[i];
        r->is_uncertain |= is_commit_lost;
        if (n > 1) {
            write_again(r);
        } else if (is_worth_another_try(r, err)) {
            r->attempts++;
            write_again(r);
        } else {
            write_fail(r, err, &reason);
        }
    }
    writes_ask(s);
}

/* ---- third round: committed ---- */

static void group_committed(void *arg, struct db_result *const *results, unsigned n, enum err err,
                            const struct error *e)
{
    (void)results;
    (void)n;
    struct group *g = arg;
    if (err != ERR_OK) {
        group_fail(g, err, e, err == ERR_UNCERTAIN || err == ERR_TIMEOUT);
        return;
    }
    FAULT_POINT(committed);
    struct service *s = g->service;
    struct request *members[GROUP_MAX];
    unsigned nmembers = g->n;
    memcpy(members, g->members, nmembers * sizeof members[0]);
    group_end(g);
    writes_ask(s);
    for (unsigned i = 0; i < nmembers; i++)
        request_resume(members[i], STEP_NEXT);
}

/* Every member answered, one of them without an answer to give: nothing of this transaction may stand. */
static void group_undo(struct group *g)
{
    struct service *s = g->service;
    struct request *members[GROUP_MAX];
    unsigned n = g->n;
    memcpy(members, g->members, n * sizeof members[0]);
    group_end(g);
    for (unsigned i = 0; i < n; i++) {
        if (members[i]->failed != ERR_OK)
            request_resume(members[i], STEP_NEXT);
        else
            write_again(members[i]);
    }
    writes_ask(s);
}

static const char *journal_status(const struct request *r)
{
    if (r->reply.status_code != NULL)
        return r->reply.status_code;
    return arena_printf(r->arena, "error %d", r->reply.error_code);
}

static void group_commit(struct group *g)
{
    struct db_call calls[GROUP_MAX + 1];
    unsigned n = 0;
    for (unsigned i = 0; i < g->n; i++) {
        struct request *r = g->members[i];
        if (r->failed == ERR_OK && r->outcome.kind == OUTCOME_NEW)
            calls[n++] = booking_journal_reply(&r->outcome, r->answer_octets, journal_status(r), r->arena);
    }
    calls[n++] = (struct db_call){.sql = "commit"};
    db_send(g->session, calls, n, group_committed, g);
    FAULT_POINT(journal_sent);
}

void group_member_ready(struct request *r)
{
    struct group *g = r->group;
    /* A reused message id made no effect; any other failure after api.<operation> did. */
    if (r->failed != ERR_OK && r->outcome.kind == OUTCOME_NEW)
        g->is_doomed = true;
    if (++g->nready < g->n)
        return;
    if (g->is_doomed)
        group_undo(g);
    else
        group_commit(g);
}

/* ---- second round: api.<operation> has answered ---- */

static enum step_result member_handled(struct request *r, const struct db_result *res)
{
    if (booking_outcome_read(r->arena, res, &r->outcome, &r->error) != ERR_OK)
        return STEP_FAIL;
    switch (r->outcome.kind) {
    case OUTCOME_REPLAY:
        return STEP_NEXT;
    case OUTCOME_REUSED:
        (void)error_set(&r->error, ERR_REUSED, "message id was used before with other content");
        return STEP_FAIL;
    case OUTCOME_NEW:
        break;
    }
    return r->op->result(&r->request, res, &r->reply, r->arena, &r->error) == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

static void group_handled(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct group *g = arg;
    if (err != ERR_OK || n != g->n + 1) {
        group_fail(g, err == ERR_UNCERTAIN ? ERR_CONFLICT : err, e, false); /* no COMMIT was sent: nothing stands */
        return;
    }
    FAULT_POINT(handle_done);
    enum step_result outcomes[GROUP_MAX];
    for (unsigned i = 0; i < g->n; i++)
        outcomes[i] = member_handled(g->members[i], results[i + 1]);
    /* The group may end, and be freed, while its last member is resumed: walk a copy. */
    struct request *members[GROUP_MAX];
    unsigned nmembers = g->n;
    memcpy(members, g->members, nmembers * sizeof members[0]);
    for (unsigned i = 0; i < nmembers; i++)
        request_resume(members[i], outcomes[i]);
}

/* ---- first round: members, BEGIN, api.<operation> each ---- */

static const char *first_slot(const struct request *r)
{
    return r->request.slot_ids.n > 0 && r->request.slot_ids.items[0] != NULL ? r->request.slot_ids.items[0] : "";
}

static int by_slot(const void *a, const void *b)
{
    const struct request *const *x = a;
    const struct request *const *y = b;
    return strcmp(first_slot(*x), first_slot(*y));
}

static bool is_same_booking(const struct request *a, const struct request *b)
{
    if (strcmp(a->message.message_id, b->message.message_id) == 0)
        return true;
    const char *x = a->request.book_id;
    const char *y = b->request.book_id;
    return x != NULL && y != NULL && strcasecmp(x, y) == 0;
}

static bool group_takes(const struct group *g, const struct request *r)
{
    if (r->is_alone && g->n > 0)
        return false;
    for (unsigned i = 0; i < g->n; i++)
        if (g->members[i]->is_alone || is_same_booking(g->members[i], r))
            return false;
    return true;
}

static void group_gather(struct group *g, unsigned wanted)
{
    while (g->n < wanted && g->service->writes.head != NULL && group_takes(g, g->service->writes.head)) {
        struct request *r = queue_pop(&g->service->writes);
        r->group = g;
        g->members[g->n++] = r;
    }
    qsort(g->members, g->n, sizeof g->members[0], by_slot);
}

static unsigned groups_max(const struct service *s)
{
    unsigned n = s->conf->db_connections;
    return n > 2 ? n - 1 : n; /* one is left for reads */
}

/* An even share of those who wait, so that free sessions are used before anybody has to share. */
static unsigned group_size(const struct service *s)
{
    unsigned sessions = groups_max(s) - s->groups_in_flight + 1;
    unsigned share = (s->writes.n + sessions - 1) / sessions;
    unsigned most = s->conf->db_batch_max < GROUP_MAX ? s->conf->db_batch_max : GROUP_MAX;
    return share < 1 ? 1 : share > most ? most : share;
}

static void group_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct service *s = arg;
    s->sessions_asked--;
    if (err != ERR_OK) {
        struct request *r = queue_pop(&s->writes); /* the asking was for the oldest */
        if (r != NULL)
            write_fail(r, err, e);
        writes_ask(s);
        return;
    }
    if (s->writes.head == NULL) {
        db_release(session);
        return;
    }
    struct arena *a = arena_new();
    struct group *g = arena_alloc(a, sizeof *g);
    live_begin(s, &g->live, a);
    g->service = s;
    g->session = session;
    s->groups_in_flight++;
    group_gather(g, group_size(s));
    s->metrics.groups++;
    s->metrics.group_members += g->n;
    FAULT_POINT(handle_begin);
    struct db_call calls[GROUP_MAX + 1] = {{.sql = "begin"}};
    for (unsigned i = 0; i < g->n; i++) {
        struct request *r = g->members[i];
        calls[i + 1] = r->op->call(&r->request, &r->message, &r->fields, r->arena);
    }
    db_send(session, calls, g->n + 1, group_handled, g);
    FAULT_POINT(handle_sent);
}

static void writes_ask(struct service *s)
{
    while (s->sessions_asked < s->writes.n && s->sessions_asked + s->groups_in_flight < groups_max(s)) {
        s->sessions_asked++;
        db_acquire(s->db, group_begin, s);
    }
}

void group_enqueue(struct request *r)
{
    queue_push(&r->service->writes, r);
    writes_ask(r->service);
}
