/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * How all queues stand, of all instances, as the database says: for metrics, /readyz, and what is due rarely. After
 * each change of the configuration it is told first which sections there are, so that messages of one that is gone are
 * known at once; a daemon without any tells that, too. Told again while there are any: another daemon's sections are
 * there as long as it says so.
 */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECTIONS_VALUES 5
#define SECTIONS_LEASE  "60 s" /* said each QUEUE_STATE_US: a daemon that is gone is missed as late as this */

static int64_t number(const struct db_result *r, unsigned row, const char *name)
{
    int64_t n = 0;
    struct error e = {0};
    int col = db_column(r, name);
    return col < 0 || db_is_null(r, row, col) || db_int(r, row, col, &n, &e) != ERR_OK ? 0 : n;
}

static void row_read(const struct db_result *r, unsigned i, struct queue_standing *out)
{
    *out = (struct queue_standing){
        .unacked = number(r, i, "unacked"),
        .unacked_s = number(r, i, "unacked_s"),
        .unanswered = number(r, i, "unanswered"),
        .unanswered_s = number(r, i, "unanswered_s"),
        .unsent = number(r, i, "unsent"),
        .unsent_s = number(r, i, "unsent_s"),
        .parked = number(r, i, "parked"),
        .unread = number(r, i, "unread"),
        .unread_answers = number(r, i, "unread_answers"),
        .foreign_answers = number(r, i, "foreign_answers"),
        .refused_answers = number(r, i, "refused_answers"),
        .to_say = number(r, i, "to_say"),
    };
    const char *id = db_text(r, i, db_column(r, "unread_id"));
    const char *foreign = db_text(r, i, db_column(r, "foreign_id"));
    (void)snprintf(out->unread_id, sizeof out->unread_id, "%s", id != NULL ? id : "");
    (void)snprintf(out->foreign_id, sizeof out->foreign_id, "%s", foreign != NULL ? foreign : "");
}

static void standing_read(struct queues *q, const struct db_result *r)
{
    for (struct queue_source *s = q->sources; s != NULL; s = s->next) {
        s->standing = (struct queue_standing){0};
        for (unsigned i = 0; i < db_rows(r); i++) {
            const char *name = db_text(r, i, db_column(r, "source")),
                       *agency = db_text(r, i, db_column(r, "agency_code"));
            if (name != NULL && agency != NULL && strcmp(name, s->conf.name) == 0 &&
                strcmp(agency, s->conf.agency) == 0)
                row_read(r, i, &s->standing);
        }
    }
}

/* Whoever has renamed a section sees it in the log, behind the reload, and when all of it is over. */
static void unserved_read(struct queues *q, const struct db_result *r)
{
    struct arena *a = arena_new_small();
    const char *all = "";
    q->unserved_messages = 0;
    for (unsigned i = 0; i < db_rows(r); i++) {
        int64_t n = number(r, i, "unserved");
        if (n == 0)
            continue;
        q->unserved_messages += n;
        all = arena_printf(a, "%s%s%s (%" PRId64 ")", all, *all != '\0' ? ", " : "",
                           db_text(r, i, db_column(r, "source")), n);
    }
    if (strcmp(all, q->unserved != NULL ? q->unserved : "") != 0)
        log_event(*all != '\0' ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, "queue-unserved", "sections",
                  *all != '\0' ? all : "none", "detail",
                  *all != '\0' ? "messages wait that no [smev3] has, by its name, agency and version: admin.check()"
                               : "all messages have a section",
                  NULL);
    arena_free(q->unserved_in);
    q->unserved_in = a;
    q->unserved = all;
}

/* ---- who holds it ---- */

void queue_database_said(struct queues *q, enum err err, const struct error *e)
{
    if (err == ERR_OK)
        return;
    if (err == ERR_LOCKED)
        db_locked_seen(&q->locked);
    log_bounded(LOG_LEVEL_WARNING, 5, "queue-database", error_name(err), "error", error_name(err), "detail", e->detail,
                "advice", err == ERR_LOCKED ? "who holds it: select * from admin.locks()" : NULL, NULL);
}

/* ---- the question ---- */

static void state_end(struct queues *q)
{
    if (q->state_session != NULL)
        db_release(q->state_session);
    q->state_session = NULL;
    q->is_asking_state = false;
}

static void on_state(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct queues *q = arg;
    (void)e;
    if (err == ERR_OK) {
        standing_read(q, results[n - 1]);
        unserved_read(q, results[n - 1]);
        q->told_reading = q->asked_reading;
    }
    state_end(q);
}

/* Those of the keyring; a section that finishes is none. */
static void sections_call(struct queues *q, struct arena *a, struct db_call *call, const char *values[SECTIONS_VALUES])
{
    const struct config_smev3 *conf;
    unsigned n = 0;
    while (keyring_queue(q->keys, n) != NULL)
        n++;
    const char **names[3];
    for (unsigned i = 0; i < 3; i++)
        names[i] = arena_array(a, n + 1, sizeof **names);
    for (unsigned i = 0; (conf = keyring_queue(q->keys, i)) != NULL; i++) {
        names[0][i] = conf->name;
        names[1][i] = conf->agency;
        names[2][i] = smev3_namespaces(adapter_version(conf))->version;
    }
    values[0] = q->owner;
    values[1] = SECTIONS_LEASE;
    for (unsigned i = 0; i < 3; i++)
        values[2 + i] = db_text_array(a, names[i], n);
    q->sections_us = clock_mono_us();
    *call = (struct db_call){.sql = inbox_texts[INBOX_SECTIONS].sql, .nparams = SECTIONS_VALUES, .values = values};
}

static void on_state_session(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct queues *q = arg;
    struct db_call calls[2];
    const char *values[SECTIONS_VALUES];
    unsigned n = 0;
    (void)e;
    q->state_session = session;
    if (err != ERR_OK) {
        state_end(q);
        return;
    }
    struct arena *a = arena_new_small();
    q->asked_reading = q->reading;
    if (q->told_reading != q->reading || clock_mono_us() - q->sections_us >= QUEUE_STATE_US)
        sections_call(q, a, &calls[n++], values);
    calls[n++] = (struct db_call){.sql = inbox_texts[INBOX_STATE].sql};
    db_send(session, calls, n, on_state, q);
    arena_free(a);
}

void queue_state_go(struct queues *q)
{
    bool is_of_interest = q->sources != NULL || q->told_reading != q->reading || q->unserved_messages > 0;
    if (!is_of_interest || q->keys == NULL || q->is_asking_state || q->drained != NULL ||
        clock_mono_us() < q->state_due_us)
        return;
    q->is_asking_state = true;
    q->stated_us = clock_mono_us();
    q->state_due_us = q->stated_us + QUEUE_STATE_US; /* who wants it sooner says so meanwhile */
    db_acquire(q->db, on_state_session, q);
}

void queues_look(struct queues *q)
{
    if (q == NULL || q->is_stopped)
        return;
    if (q->state_due_us > q->stated_us + QUEUE_STATED_US)
        q->state_due_us = q->stated_us + QUEUE_STATED_US;
    queue_state_go(q);
}
