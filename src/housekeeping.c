/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Every minute: lapsed holds, interrupted closures, slots ahead, partitions of the journal. What is due and in which
 * order is api.housekeeping()'s affair, which does one piece a call and lets one instance in at a time; we call again
 * at once while it answers with a row. A session is taken for each piece anew, so that requests that wait come in
 * between. Nothing depends on it: a failure is logged and tried again a minute later.
 */
#include "housekeeping.h"

#include "arena.h"
#include "log.h"

#include <string.h>

#define HOUSEKEEPING_FIRST_MS   2000
#define HOUSEKEEPING_EVERY_MS   60000
#define HOUSEKEEPING_PIECES_MAX 600 /* of one minute; a bound for a task that never says it is done */

struct housekeeping {
    struct arena *arena;
    struct db_pool *db;
    struct timer *timer;
    struct db_session *session;
    unsigned pieces; /* done since the minute began */
    bool is_asking;
};

static void housekeeping_ask(struct housekeeping *h);

static void housekeeping_tell(const struct db_result *r)
{
    const char *task = db_text(r, 0, db_column(r, "task"));
    const char *did = db_text(r, 0, db_column(r, "did"));
    const char *failed = db_text(r, 0, db_column(r, "failed"));
    bool is_bad = failed != NULL && *failed == 't';
    log_event(is_bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "housekeeping", "task", task, is_bad ? "detail" : "did", did,
              NULL);
}

static void housekeeping_answered(void *arg, struct db_result *const *results, unsigned n, enum err err,
                                  const struct error *e)
{
    struct housekeeping *h = arg;
    bool is_more = false;
    if (err != ERR_OK) {
        log_event(LOG_LEVEL_WARNING, "housekeeping", "error", error_name(err), "detail", e->detail, NULL);
    } else if (n > 0 && db_rows(results[0]) > 0) {
        housekeeping_tell(results[0]);
        is_more = ++h->pieces < HOUSEKEEPING_PIECES_MAX;
    }
    db_release(h->session);
    h->session = NULL;
    h->is_asking = false;
    if (is_more)
        housekeeping_ask(h);
}

static void housekeeping_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct housekeeping *h = arg;
    if (err != ERR_OK) {
        log_event(LOG_LEVEL_WARNING, "housekeeping", "error", error_name(err), "detail", e->detail, NULL);
        h->is_asking = false;
        return;
    }
    static const struct db_call call = {.sql = "select task, did, failed from api.housekeeping()"};
    h->session = session;
    db_send(session, &call, 1, housekeeping_answered, h);
}

static void housekeeping_ask(struct housekeeping *h)
{
    h->is_asking = true;
    db_acquire(h->db, housekeeping_begin, h);
}

static void housekeeping_tick(void *arg)
{
    struct housekeeping *h = arg;
    if (h->is_asking)
        return;
    h->pieces = 0;
    housekeeping_ask(h);
}

struct housekeeping *housekeeping_start(struct loop *l, struct db_pool *db)
{
    struct arena *a = arena_new();
    struct housekeeping *h = arena_alloc(a, sizeof *h);
    h->arena = a;
    h->db = db;
    h->timer = timer_start(l, HOUSEKEEPING_FIRST_MS, HOUSEKEEPING_EVERY_MS, housekeeping_tick, h);
    return h;
}

void housekeeping_free(struct housekeeping *h)
{
    if (h == NULL)
        return;
    timer_stop(h->timer);
    arena_free(h->arena);
}
