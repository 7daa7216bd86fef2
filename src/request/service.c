/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What all requests share: configuration, schema, keyring, database, queues. Made once; a reload changes the keyring
 * only. */
#include "request_private.h"

#define TICK_MS 50

void queue_init(struct request_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
    q->n = 0;
}

void queue_push(struct request_queue *q, struct request *r)
{
    r->next = NULL;
    *q->tail = r;
    q->tail = &r->next;
    q->n++;
}

void queue_push_front(struct request_queue *q, struct request *r)
{
    r->next = q->head;
    q->head = r;
    if (r->next == NULL)
        q->tail = &r->next;
    q->n++;
}

struct request *queue_pop(struct request_queue *q)
{
    struct request *r = q->head;
    if (r == NULL)
        return NULL;
    q->head = r->next;
    if (q->head == NULL)
        q->tail = &q->head;
    q->n--;
    r->next = NULL;
    return r;
}

void live_begin(struct service *s, struct live *l, struct arena *a)
{
    *l = (struct live){.next = s->live, .link = &s->live, .arena = a};
    if (l->next != NULL)
        l->next->link = &l->next;
    s->live = l;
}

void live_leave(struct live *l)
{
    *l->link = l->next;
    if (l->next != NULL)
        l->next->link = l->link;
}

void live_end(struct live *l)
{
    live_leave(l);
    arena_free(l->arena);
}

static void service_tick(void *arg)
{
    struct service *s = arg;
    journal_tick(s);
    requests_sweep(&s->reads.small, 0);
    requests_sweep(&s->reads.waiting, 0);
    requests_sweep(&s->reads.held, 0);
    reads_start(s);
    uint64_t now_us = clock_mono_us(), patience_us = s->conf->db_acquire_timeout_ms * 1000;
    requests_sweep(&s->writes, now_us > patience_us ? now_us - patience_us : 0); /* 0: the machine has just started */
    slow_lane_tick(s);
    slow_lane_watch_tick(s);
    refused_tick(s);
    if (s->drained == NULL || s->in_work > 0 || !refused_is_idle(s->refused))
        return;
    timer_stop(s->journal_timer);
    s->journal_timer = NULL;
    s->drained(s->drained_arg);
}

enum err service_new(struct loop *l, struct db_pool *db, const struct config *conf, struct keyring *keys,
                     struct service **out, struct error *e)
{
    struct arena *a = arena_new();
    struct service *s = arena_alloc(a, sizeof *s);
    *s =
        (struct service){.arena = a, .loop = l, .db = db, .conf = conf, .keys = keys, .xml_limits = xml_limits_default};
    s->xml_limits.size_max_bytes = conf->body_max_bytes;
    reads_init(&s->reads);
    queue_init(&s->writes);
    slow_lane_init(s);
    journal_init(&s->journal);
    s->refused = refused_new(a, conf);
    s->repeats = repeats_new(a, conf);
    const char *path = arena_printf(a, "%s/equeue-bare.xsd", conf->schema_dir);
    enum err err = xml_schema_load(a, path, &s->schema, e);
    if (err != ERR_OK) {
        arena_free(a);
        return err;
    }
    s->wsdl = wsdl_read(a, conf);
    keys->loop = l;
    s->journal_timer = timer_start(l, TICK_MS, TICK_MS, service_tick, s);
    *out = s;
    return ERR_OK;
}

void service_set_keyring(struct service *s, struct keyring *keys)
{
    keyring_unref(s->keys);
    keys->loop = s->loop;
    s->keys = keys;
}

struct keyring *service_keyring(const struct service *s)
{
    return s->keys;
}

void service_stop(struct service *s)
{
    timer_stop(s->journal_timer);
    s->journal_timer = NULL;
    s->is_stopped = true;
}

void service_free(struct service *s)
{
    while (s->live != NULL)
        live_end(s->live);
    refused_fini(s);
    slow_lane_fini(s);
    keyring_unref(s->keys);
    arena_free(s->arena);
}

void service_drain(struct service *s, loop_fn drained, void *arg)
{
    s->drained = drained;
    s->drained_arg = arg;
}

void service_notes_write(const struct service *s, struct buf *notes_json)
{
    slow_lane_notes_write(s, notes_json);
    journal_notes_write(s, notes_json);
}

void service_metrics_write(const struct service *s, struct buf *out)
{
    metrics_write(&s->metrics, out);
    keyring_metrics_write(s->keys, out);
    reading_metrics_write(s->leniencies, out);
    refused_metrics_write(s->refused, out);
    buf_printf(
        out,
        "# HELP zapisd_requests_in_work Messages being worked on.\n# TYPE zapisd_requests_in_work gauge\n"
        "zapisd_requests_in_work %u\n"
        "# HELP zapisd_queue_messages_in_work Those of them that came by a queue.\n"
        "# TYPE zapisd_queue_messages_in_work gauge\nzapisd_queue_messages_in_work %u\n"
        "# HELP zapisd_journal_waiting Answers held until they are in the journal.\n# TYPE zapisd_journal_waiting "
        "gauge\n"
        "zapisd_journal_waiting %u\n"
        "# HELP zapisd_reads_waiting Reads that wait for memory or for their turn.\n# TYPE zapisd_reads_waiting gauge\n"
        "zapisd_reads_waiting %u\n"
        "# HELP zapisd_reads_bytes Memory of reads and their answers.\n# TYPE zapisd_reads_bytes gauge\n"
        "zapisd_reads_bytes %zu\n",
        s->in_work, s->queued_in_work, journal_waiting(s), s->reads.small.n + s->reads.waiting.n + s->reads.held.n,
        s->reads.taken_bytes);
    slow_lane_metrics_write(s, out);
    journal_metrics_write(s, out);
}

bool source_serves(const struct source *source, const struct booking_op *op)
{
    return op->is_served || source->serves_updates;
}
