/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is told of those who wait for locks: metrics, a note in /readyz, and now and then a line in the log, for which
 * the database is asked who holds the lock. Slots, methods and process numbers; nothing of any person.
 */
#include "request_private.h"

#include "fault.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOLD_AFTER_US      1000000 /* a wait that is over by then is everyday life */
#define TOLD_EVERY_US      10000000
#define HELD_TOLD_EVERY_US 60000000 /* nobody waits any more */
#define ASKED_EVERY_US     3000000

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

static void add_note(struct buf *notes_json, const char *text)
{
    if (notes_json->n > 0)
        buf_add_char(notes_json, ',');
    buf_add_json(notes_json, span_of(text));
}

/* A lock is a trouble as long as it is held: that all who waited for it have given up ends nothing. */
static uint64_t held_us(const struct service *s)
{
    uint64_t now_us = clock_mono_us(), longest = 0;
    for (unsigned i = 0; i < s->lane.watch.nholders; i++)
        if (now_us - s->lane.watch.holders[i].since_us > longest)
            longest = now_us - s->lane.watch.holders[i].since_us;
    return longest;
}

void slow_lane_notes_write(const struct service *s, struct buf *notes_json)
{
    char text[512];
    const struct lane_key *k = oldest_key(s);
    if (k != NULL && longest_us(s) >= TOLD_AFTER_US) {
        (void)snprintf(text, sizeof text, "messages that wait for a lock somebody holds: %u; for %" PRIu64 " s: %s",
                       waiting(s), longest_us(s) / 1000000, k->name);
        add_note(notes_json, text);
    }
    for (unsigned i = 0; i < s->lane.watch.nholders; i++) {
        const struct lane_holder *h = &s->lane.watch.holders[i];
        (void)snprintf(text, sizeof text,
                       "a lock that messages waited for (%s) is held by process %s of the database, role %s%s%s%s, for "
                       "%" PRIu64 " s or more",
                       h->what, h->pid, h->role, *h->program != '\0' ? " (" : "", h->program,
                       *h->program != '\0' ? ")" : "", (clock_mono_us() - h->since_us) / 1000000);
        add_note(notes_json, text);
    }
}

static void figure(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.9g\n", name, help, name, type, name, value);
}

void slow_lane_metrics_write(const struct service *s, struct buf *out)
{
    const struct slow_lane *l = &s->lane;
    figure(out, "zapisd_writes_waiting", "gauge", "Writes that wait for a transaction.", s->writes.n);
    figure(out, "zapisd_lock_waiting", "gauge", "Messages kept back because somebody holds a lock they need.",
           l->waiting);
    figure(out, "zapisd_lock_keys", "gauge", "Slots, bookings and methods of reading found locked.", l->nkeys);
    uint64_t longest = longest_us(s), held = held_us(s);
    figure(out, "zapisd_lock_longest_seconds", "gauge",
           "How long the oldest of these has been found locked, or a lock that was waited for is held.",
           (double)(longest > held ? longest : held) / 1e6);
    figure(out, "zapisd_lock_holders", "gauge",
           "Transactions of others that hold what messages waited for, though these may have given up.",
           l->watch.nholders);
    figure(out, "zapisd_lock_sessions", "gauge", "Sessions of those who try whether a lock has gone.", l->sessions);
    figure(out, "zapisd_lock_sessions_max", "gauge", "The share of sessions they may have.", slow_lane_share(s));
    figure(out, "zapisd_lock_hits_total", "counter", "Waits for a lock that were broken off.", (double)l->hits);
}

/* ---- who holds them ---- */

static const char *column(const struct db_result *res, unsigned row, const char *name)
{
    const char *text = db_text(res, row, db_column(res, name));
    return text != NULL ? text : "";
}

static struct lane_holder holder_read(const struct lane_watch *w, const struct db_result *res, unsigned row)
{
    const char *transaction = column(res, row, "holder_transaction");
    for (unsigned i = 0; i < w->nholders; i++)
        if (strcmp(w->holders[i].transaction, transaction) == 0)
            return w->holders[i];
    struct lane_holder h = {.since_us = clock_mono_us()};
    (void)snprintf(h.transaction, sizeof h.transaction, "%s", transaction);
    (void)snprintf(h.what, sizeof h.what, "%s", column(res, row, "what"));
    (void)snprintf(h.pid, sizeof h.pid, "%s", column(res, row, "holder_pid"));
    (void)snprintf(h.role, sizeof h.role, "%s", column(res, row, "holder_role"));
    (void)snprintf(h.program, sizeof h.program, "%s", column(res, row, "holder"));
    (void)snprintf(h.state, sizeof h.state, "%s", column(res, row, "holder_state"));
    return h;
}

/* Those that are waited for, and those of before that go on. */
static void holders_take(struct lane_watch *w, const struct db_result *res)
{
    struct lane_holder now[LANE_HOLDERS];
    unsigned n = 0;
    for (unsigned i = 0; i < db_rows(res) && n < LANE_HOLDERS; i++)
        if (*column(res, i, "holder_transaction") != '\0')
            now[n++] = holder_read(w, res, i);
    memcpy(w->holders, now, n * sizeof *now);
    w->nholders = n;
}

/* ---- the log ---- */

static void tell_waiting(struct service *s, const struct lane_key *k, const struct db_result *res)
{
    char n[16], keys[16], longest[24];
    bool is_known = res != NULL && db_rows(res) > 0;
    (void)snprintf(n, sizeof n, "%u", waiting(s));
    (void)snprintf(keys, sizeof keys, "%u", s->lane.nkeys);
    (void)snprintf(longest, sizeof longest, "%" PRIu64, longest_us(s) / 1000);
    log_event(LOG_LEVEL_WARNING, "lock-wait", "waiting", n, "keys", keys, "longest_ms", longest, "key", k->name,
              "relation", is_known ? db_text(res, 0, db_column(res, "what")) : NULL, "holder_pid",
              is_known ? db_text(res, 0, db_column(res, "holder_pid")) : NULL, "holder_role",
              is_known ? db_text(res, 0, db_column(res, "holder_role")) : NULL, "holder",
              is_known ? db_text(res, 0, db_column(res, "holder")) : NULL, "holder_state",
              is_known ? db_text(res, 0, db_column(res, "holder_state")) : NULL, "holder_open_ms",
              is_known ? db_text(res, 0, db_column(res, "holder_open_ms")) : NULL, NULL);
}

static void tell_held(const struct lane_holder *h)
{
    char held[24];
    (void)snprintf(held, sizeof held, "%" PRIu64, (clock_mono_us() - h->since_us) / 1000);
    log_event(LOG_LEVEL_WARNING, "lock-wait", "waiting", "0", "held_ms", held, "relation", h->what, "holder_pid",
              h->pid, "holder_role", h->role, "holder", *h->program != '\0' ? h->program : NULL, "holder_state",
              *h->state != '\0' ? h->state : NULL, NULL);
}

static void watch_tell(struct service *s, const struct db_result *res)
{
    struct lane_watch *w = &s->lane.watch;
    const struct lane_key *k = oldest_key(s);
    uint64_t every_us = k != NULL ? TOLD_EVERY_US : HELD_TOLD_EVERY_US;
    if ((k == NULL && w->nholders == 0) || (w->told_us != 0 && clock_mono_us() - w->told_us < every_us))
        return;
    w->told_us = clock_mono_us();
    w->is_told = true;
    if (k != NULL)
        tell_waiting(s, k, res);
    else
        tell_held(&w->holders[0]);
}

static void watch_end(struct lane_watch *w)
{
    arena_free(w->asking_in);
    w->asking_in = NULL;
    w->is_asking = false;
}

static void watch_answered(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct service *s = arg;
    struct lane_watch *w = &s->lane.watch;
    (void)e;
    bool is_known = err == ERR_OK && n == 1;
    if (is_known)
        holders_take(w, results[0]);
    watch_tell(s, is_known ? results[0] : NULL);
    db_release(w->session);
    w->session = NULL;
    watch_end(w);
}

static void watch_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct service *s = arg;
    struct lane_watch *w = &s->lane.watch;
    const char *known[LANE_HOLDERS];
    (void)e;
    if (err != ERR_OK) {
        watch_tell(s, NULL);
        watch_end(w);
        return;
    }
    for (unsigned i = 0; i < w->nholders; i++)
        known[i] = w->holders[i].transaction;
    w->asking_in = arena_new();
    const char **value = arena_alloc(w->asking_in, sizeof *value);
    *value = db_text_array(w->asking_in, known, w->nholders);
    struct db_call *call = arena_alloc(w->asking_in, sizeof *call);
    *call = (struct db_call){.sql = "select what, holder_pid, holder_role, holder, holder_state, holder_open_ms, "
                                    "holder_transaction from api.lock_holders($1::text[])",
                             .nparams = 1,
                             .values = value};
    w->session = session;
    FAULT_POINT(holders_begin);
    db_send(session, call, 1, watch_answered, s);
}

/* Asked while somebody waits in the database: else it would know nothing of it. And whether they who were found go on.
 */
static bool is_due(const struct service *s)
{
    const struct lane_watch *w = &s->lane.watch;
    uint64_t pause_us = w->nholders > 0 ? ASKED_EVERY_US : TOLD_AFTER_US;
    if (w->asked_us != 0 && clock_mono_us() - w->asked_us < pause_us)
        return false;
    bool is_seen = s->lane.sessions > 0 || longest_us(s) > 3 * TOLD_AFTER_US;
    return w->nholders > 0 || (is_seen && longest_us(s) >= TOLD_AFTER_US);
}

void slow_lane_watch_tick(struct service *s)
{
    struct lane_watch *w = &s->lane.watch;
    if (w->is_asking)
        return;
    if (s->lane.nkeys == 0 && w->nholders == 0 && w->is_told) {
        w->is_told = false;
        log_event(LOG_LEVEL_NOTICE, "lock-wait", "over", "yes", NULL);
    }
    if (!is_due(s))
        return;
    w->asked_us = clock_mono_us();
    w->is_asking = true;
    db_acquire(s->db, watch_begin, s);
}
