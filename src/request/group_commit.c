/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The end of a group: its answers are made, and journalled with COMMIT; then they may leave. See group.c. */
#include "group.h"

#include "fault.h"

static void group_kept(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e);
static void group_committed(void *arg, struct db_result *const *results, unsigned n, enum err err,
                            const struct error *e);

/* ---- commit: all answers are made ---- */

static bool has_new_effect(const struct request *r)
{
    return r->failed == ERR_OK && r->outcome.kind == OUTCOME_NEW;
}

static const char *journal_status(const struct request *r)
{
    if (r->reply.status_code != NULL)
        return r->reply.status_code;
    return arena_printf(r->arena, "error %d", r->reply.error_code);
}

/* Of a queue, and answered: whose the message is decides whether the group may commit. */
static bool is_to_be_kept(const struct request *r)
{
    return request_is_queued(r) && r->failed == ERR_OK;
}

static void group_send_last(struct group *g, const struct db_call *calls, unsigned n, db_done_fn done)
{
    db_send_within(g->session, (struct db_patience){g->patience_ms, group_until_us(g, request_commit_until_us)}, calls,
                   n, done, g);
}

/* Without a message of a queue COMMIT goes along; else it waits to hear that each of those is still ours. */
static void group_commit(struct group *g)
{
    struct db_call calls[2 * GROUP_MAX + 1];
    unsigned n = 0, nkept = 0;
    for (unsigned i = 0; i < g->n; i++) {
        struct request *r = g->members[i];
        if (has_new_effect(r))
            calls[n++] = booking_journal_reply(&r->outcome, r->answer_octets, journal_status(r), r->arena);
    }
    for (unsigned i = 0; i < g->n; i++)
        if (is_to_be_kept(g->members[i])) {
            calls[n++] = keep_call(g->members[i]);
            nkept++;
        }
    if (nkept == 0)
        calls[n++] = (struct db_call){.sql = "commit"};
    FAULT_POINT(commit_begin);
    group_send_last(g, calls, n, nkept == 0 ? group_committed : group_kept);
    FAULT_POINT(journal_sent);
}

/* The answers of the last so many calls say of each whether it is ours. */
static bool group_is_ours(struct group *g, struct db_result *const *results, unsigned n)
{
    bool are_ours = true;
    unsigned at = n;
    for (unsigned i = g->n; i-- > 0;)
        if (is_to_be_kept(g->members[i]) && !keep_is_ours(results[--at])) {
            keep_lost(g->members[i]);
            are_ours = false;
        }
    return are_ours;
}

static void group_kept(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    static const struct db_call commit = {.sql = "commit"};
    struct group *g = arg;
    if (err != ERR_OK) {
        group_fail(g, err == ERR_UNCERTAIN ? ERR_CONFLICT : err, e, false); /* no COMMIT was sent: nothing stands */
        return;
    }
    FAULT_POINT(queue_kept);
    if (group_is_ours(g, results, n) && !group_is_over(g))
        group_send_last(g, &commit, 1, group_committed);
    else
        group_undo(g);
}

void group_member_ready(struct request *r)
{
    struct group *g = r->group;
    /* A reused message id made no effect; any other failure after api.<operation> did. */
    if (r->failed != ERR_OK && r->outcome.kind == OUTCOME_NEW)
        g->is_doomed = true;
    if (++g->nready < g->n)
        return;
    if (g->is_doomed || group_is_over(g))
        group_undo(g);
    else
        group_commit(g);
}

/* ---- send ---- */

static void group_committed(void *arg, struct db_result *const *results, unsigned nresults, enum err err,
                            const struct error *e)
{
    (void)results;
    (void)nresults;
    struct group *g = arg;
    if (err != ERR_OK) {
        FAULT_POINT(commit_lost);
        group_fail(g, err, e, err == ERR_UNCERTAIN || err == ERR_TIMEOUT);
        return;
    }
    FAULT_POINT(committed);
    struct service *s = g->service;
    struct request *members[GROUP_MAX];
    unsigned n = group_end(g, members);
    group_ask(s);
    for (unsigned i = 0; i < n; i++) {
        members[i]->is_journalled = has_new_effect(members[i]) || is_to_be_kept(members[i]);
        request_resume(members[i], STEP_NEXT);
    }
}
