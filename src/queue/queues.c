/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* All queues: which there are, by the keyring the service has; their clock; the end. */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- which there are ---- */

static struct queue_source *find(const struct queues *q, const struct config_smev3 *conf)
{
    for (struct queue_source *s = q->sources; s != NULL; s = s->next)
        if (!s->is_retired && queue_source_is_same(s, conf))
            return s;
    return NULL;
}

static bool is_wanted(const struct keyring *k, const struct queue_source *s)
{
    const struct config_smev3 *conf;
    for (unsigned i = 0; (conf = keyring_queue(k, i)) != NULL; i++)
        if (queue_source_is_same(s, conf))
            return true;
    return false;
}

static void inherit_counts(const struct queue_source *from, struct queue_source *to)
{
    to->counts = from->counts;
    memcpy(to->peer.faults, from->peer.faults, sizeof to->peer.faults);
    for (unsigned i = 0; i < ADAPTER_KINDS; i++)
        to->peer.silences[i].n = from->peer.silences[i].n;
}

/* The day of what is kept apart is the section's, however often it is changed. */
static void inherit_day(const struct queue_source *from, struct queue_source *to)
{
    if (from->refused.began_us != 0 && from->refused.n >= to->refused.n)
        to->refused = from->refused;
}

/* The counters go with the name and the agency. */
static void inherit(const struct queues *q, struct queue_source *to)
{
    for (const struct queue_source *s = q->sources; s != NULL; s = s->next)
        if (s->is_retired && strcmp(s->conf.name, to->conf.name) == 0 && strcmp(s->conf.agency, to->conf.agency) == 0) {
            inherit_counts(s, to);
            inherit_day(s, to);
        }
}

static void take_keyring(struct queues *q, struct keyring *k)
{
    const struct config_smev3 *conf;
    keyring_ref(k);
    keyring_unref(q->keys);
    q->keys = k;
    q->reading++;
    q->state_due_us = 0;
    for (struct queue_source *s = q->sources; s != NULL; s = s->next) {
        s->is_retired = s->is_retired || !is_wanted(k, s);
        queue_source_hope(s);
    }
    for (unsigned i = 0; (conf = keyring_queue(k, i)) != NULL; i++) {
        if (find(q, conf) != NULL)
            continue;
        struct queue_source *s = queue_source_new(q, conf);
        inherit(q, s);
        s->next = q->sources;
        q->sources = s;
        log_event(LOG_LEVEL_NOTICE, "queue", "source", s->conf.name, "agency", s->conf.agency, "endpoint",
                  s->conf.endpoint, NULL);
    }
}

static void free_retired(struct queues *q)
{
    for (struct queue_source **at = &q->sources; *at != NULL;) {
        struct queue_source *s = *at;
        if (!s->is_retired || !queue_source_is_idle(s)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        arena_free(s->arena);
    }
}

/* ---- the clock ---- */

static bool is_drained(const struct queues *q)
{
    for (const struct queue_source *s = q->sources; s != NULL; s = s->next)
        if (!queue_source_is_drained(s))
            return false;
    return queue_writes_are_done(q) && !q->is_asking_state;
}

static void on_tick(void *arg)
{
    struct queues *q = arg;
    if (q->is_stopped)
        return;
    if (q->drained == NULL && service_keyring(q->service) != q->keys)
        take_keyring(q, service_keyring(q->service));
    for (struct queue_source *s = q->sources; s != NULL; s = s->next)
        queue_source_go(s);
    queue_writes_go(q);
    free_retired(q);
    queue_state_go(q);
    if (q->drained != NULL && is_drained(q)) {
        loop_fn drained = q->drained;
        q->is_stopped = true; /* told once */
        drained(q->drained_arg);
    }
}

/* ---- begin and end ---- */

static void owner_name(struct queues *q)
{
    char host[32] = "";
    char id[UUID_TEXT_SIZE];
    (void)gethostname(host, sizeof host - 1);
    uuid_v4(id);
    (void)snprintf(q->owner, sizeof q->owner, "%s:%ld:%.8s", host, (long)getpid(), id);
}

struct queues *queues_start(struct loop *l, struct db_pool *db, struct service *s, struct client *c,
                            uint64_t request_timeout_ms)
{
    struct arena *a = arena_new();
    struct queues *q = arena_alloc(a, sizeof *q);
    q->arena = a;
    q->loop = l;
    q->db = db;
    q->service = s;
    q->client = c;
    q->adapter = adapter_new(l, c, s);
    q->request_timeout_ms = request_timeout_ms;
    q->last_write = &q->writes;
    q->last_held = &q->held;
    owner_name(q);
    q->tick = timer_start(l, QUEUE_TICK_MS, QUEUE_TICK_MS, on_tick, q);
    return q;
}

void queues_on_heard(struct queues *q, void (*on_heard)(void *arg, const char *section), void *arg)
{
    q->on_heard = on_heard;
    q->heard_arg = arg;
}

void queues_heard(void *queues, const char *section)
{
    struct queues *q = queues;
    for (struct queue_source *s = q->sources; s != NULL; s = s->next)
        if (!s->is_retired && s->pace.faults > 0 && s->untrusted_us == 0 && strcmp(s->conf.name, section) == 0)
            adapter_pace_hope(&s->pace);
}

void queues_drain(struct queues *q, loop_fn drained, void *arg)
{
    q->drained = drained;
    q->drained_arg = arg;
    timer_stop(q->tick);
    q->tick = timer_start(q->loop, 1, QUEUE_DRAIN_TICK_MS, on_tick, q);
}

void queues_stop(struct queues *q)
{
    if (q == NULL)
        return;
    q->is_stopped = q->is_over = true;
    adapter_stop(q->adapter);
    timer_stop(q->tick);
    timer_stop(q->late);
    q->tick = q->late = NULL;
}

void queues_free(struct queues *q)
{
    if (q == NULL)
        return;
    for (struct queue_source *s = q->sources; s != NULL; s = s->next)
        queue_files_end(s); /* before the calls they are in */
    adapter_free(q->adapter);
    while (q->jobs != NULL)
        queue_job_free(q->jobs);
    for (struct queue_source *s = q->sources, *next; s != NULL; s = next) {
        next = s->next;
        arena_free(s->look);
        arena_free(s->telling);
        arena_free(s->waking);
        arena_free(s->slow);
        queue_refusals_free(s);
        arena_free(s->saying);
        arena_free(s->arena);
    }
    keyring_unref(q->keys);
    arena_free(q->unserved_in);
    arena_free(q->arena);
}
