/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is told of those who wait for locks: metrics, a note in /readyz, and now and then a line in the log, for which
 * the database is asked who holds the lock. Slots, methods and process numbers; nothing of any person.
 */
#include "request_priv.h"

#include "log.h"

#include <inttypes.h>
#include <stdio.h>

#define TOLD_AFTER_US 1000000 /* a wait that is over by then is everyday life */
#define TOLD_EVERY_US 10000000

static const struct lane_key *oldest_key(const struct service *s)
{
    const struct lane_key *oldest = NULL;
    for (const struct lane_key *k = s->lane.first; k != NULL; k = k->next)
        if (oldest == NULL || k->since_us < oldest->since_us)
            oldest = k;
    return oldest;
}

static uint64_t longest_us(const struct service *s)
{
    const struct lane_key *k = oldest_key(s);
    return k == NULL ? 0 : clock_mono_us() - k->since_us;
}

/* Those kept, and those who try with a session. */
static unsigned waiting(const struct service *s)
{
    return s->lane.waiting + s->lane.sessions;
}

void slow_lane_notes_write(const struct service *s, struct buf *notes_json)
{
    char text[256];
    const struct lane_key *k = oldest_key(s);
    if (k == NULL || longest_us(s) < TOLD_AFTER_US)
        return;
    (void)snprintf(text, sizeof text, "messages that wait for a lock somebody holds: %u; for %" PRIu64 " s: %s",
                   waiting(s), longest_us(s) / 1000000, k->name);
    if (notes_json->n > 0)
        buf_add_char(notes_json, ',');
    buf_add_json(notes_json, span_of(text));
}

static void one(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.9g\n", name, help, name, type, name, value);
}

void slow_lane_metrics_write(const struct service *s, struct buf *out)
{
    const struct slow_lane *l = &s->lane;
    one(out, "zapisd_writes_waiting", "gauge", "Writes that wait for a transaction.", s->writes.n);
    one(out, "zapisd_lock_waiting", "gauge", "Messages kept back because somebody holds a lock they need.", l->waiting);
    one(out, "zapisd_lock_keys", "gauge", "Slots, bookings and methods of reading found locked.", l->nkeys);
    one(out, "zapisd_lock_longest_seconds", "gauge", "How long the oldest of these has been found locked.",
        (double)longest_us(s) / 1e6);
    one(out, "zapisd_lock_sessions", "gauge", "Sessions of those who try whether a lock has gone.", l->sessions);
    one(out, "zapisd_lock_sessions_max", "gauge", "The share of sessions they may have.", slow_lane_share(s));
    one(out, "zapisd_lock_hits_total", "counter", "Waits for a lock that were broken off.", (double)l->hits);
}

/* ---- the log ---- */

static void watch_tell(struct service *s, const struct db_result *res)
{
    char n[16], keys[16], longest[24];
    const struct lane_key *k = oldest_key(s);
    if (k == NULL)
        return; /* gone while the database was asked */
    bool is_known = res != NULL && db_rows(res) > 0;
    (void)snprintf(n, sizeof n, "%u", waiting(s));
    (void)snprintf(keys, sizeof keys, "%u", s->lane.nkeys);
    (void)snprintf(longest, sizeof longest, "%" PRIu64, longest_us(s) / 1000);
    s->lane.watch.is_told = true;
    log_event(LOG_LEVEL_WARNING, "lock-wait", "waiting", n, "keys", keys, "longest_ms", longest, "key", k->name,
              "relation", is_known ? db_text(res, 0, db_column(res, "what")) : NULL, "holder_pid",
              is_known ? db_text(res, 0, db_column(res, "holder_pid")) : NULL, "holder",
              is_known ? db_text(res, 0, db_column(res, "holder")) : NULL, "holder_state",
              is_known ? db_text(res, 0, db_column(res, "holder_state")) : NULL, "holder_open_ms",
              is_known ? db_text(res, 0, db_column(res, "holder_open_ms")) : NULL, NULL);
}

static void watch_answered(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct service *s = arg;
    struct lane_watch *w = &s->lane.watch;
    (void)e;
    watch_tell(s, err == ERR_OK && n == 1 ? results[0] : NULL);
    db_release(w->session);
    w->session = NULL;
    w->is_asking = false;
}

static void watch_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    static const struct db_call call = {
        .sql = "select what, holder_pid, holder, holder_state, holder_open_ms from api.lock_waits()"};
    struct service *s = arg;
    (void)e;
    if (err != ERR_OK) {
        watch_tell(s, NULL);
        s->lane.watch.is_asking = false;
        return;
    }
    s->lane.watch.session = session;
    db_send(session, &call, 1, watch_answered, s);
}

void slow_lane_watch_tick(struct service *s)
{
    struct lane_watch *w = &s->lane.watch;
    uint64_t now_us = clock_mono_us();
    if (w->is_asking)
        return;
    if (s->lane.nkeys == 0 && w->is_told) {
        w->is_told = false;
        log_event(LOG_LEVEL_NOTICE, "lock-wait", "over", "yes", NULL);
    }
    /* asked while somebody waits in the database: else it would know nothing of it */
    bool is_seen = s->lane.sessions > 0 || longest_us(s) > 3 * TOLD_AFTER_US;
    if (!is_seen || longest_us(s) < TOLD_AFTER_US || (w->told_us != 0 && now_us - w->told_us < TOLD_EVERY_US))
        return;
    w->told_us = now_us;
    w->is_asking = true;
    db_acquire(s->db, watch_begin, s);
}
