/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The journal of what nobody vouches for: messages that were not understood, or whose signature is not that of a
 * sender. Anybody can send as many of them as he likes, so they have a table, a queue and a budget of their own and
 * come last: a peer has so many bytes an hour, all together have so many, the queue is short, and it is written when no
 * other work waits for the database. What finds no room is not kept; it is counted, and the count is journalled in its
 * place. The answer never waits for any of this.
 *
 * Here too go the faults that say "come again" because the journal itself could not be written (journal.c), and the
 * repeats of one signed message beyond what they may add to the journal (repeats.c).
 *
 * Kept are digest and size, the message itself up to REFUSED_WHOLE_BYTES (any honest one), of a longer one its
 * beginning, and the answer.
 */
#include "request_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define REFUSED_WHOLE_BYTES (16u << 10)
#define REFUSED_HEAD_BYTES  (4u << 10)
#define REFUSED_ROW_BYTES   256u /* what a row takes beside its octets */
#define REFUSED_QUEUE_BYTES (1u << 20)
#define REFUSED_BATCH       16
#define REFUSED_PEERS       256 /* known by name; further ones share the last place */
#define REFUSED_PEER_SIZE   64
#define REFUSED_HOUR_US     3600000000u
#define REFUSED_SUMMARY_US  60000000u
#define REFUSED_RETRY_US    1000000u
#define REFUSED_OTHERS      "others"
#define REFUSED_NOT_KEPT    "not kept"
#define REFUSED_REPEAT      "repeat"

struct refused_entry {
    struct refused_entry *next;
    struct arena *arena;
    struct booking_refused row;
};

struct refused_peer {
    char name[REFUSED_PEER_SIZE];
    uint64_t kept_bytes;
    uint64_t dropped, dropped_bytes; /* since the last summary */
};

struct refused {
    const struct config *conf;
    struct refused_entry *head, **tail;
    size_t bytes; /* of the entries in the queue */
    struct refused_peer peers[REFUSED_PEERS];
    unsigned npeers;
    uint64_t kept_bytes;                         /* of all peers */
    uint64_t hour_us, summary_us, not_before_us; /* when the hour began, when counts were last told, the next try */
    bool is_busy;
    uint64_t written, dropped; /* since the start */
    uint64_t untold;           /* dropped and not yet in the log */
    struct refused_entry *batch[REFUSED_BATCH];
    unsigned nbatch;
    struct service *service;
    struct db_session *session;
};

bool request_is_unverified(const struct request *r)
{
    return !r->source->origin->is_vouched(r);
}

/* ---- peers ---- */

/* A machine, whatever port it comes from; of an IPv6 address its network, of which one machine has all. */
static void refused_peer_name(const char *peer, char out[REFUSED_PEER_SIZE])
{
    const char *end = strrchr(peer, ':');
    struct in6_addr in6;
    if (*peer != '[' || end == NULL) {
        size_t n = end == NULL ? strlen(peer) : (size_t)(end - peer);
        (void)snprintf(out, REFUSED_PEER_SIZE, "%.*s", (int)n, peer);
        return;
    }
    char text[REFUSED_PEER_SIZE];
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(peer + 1, "]%"), peer + 1);
    if (inet_pton(AF_INET6, text, &in6) != 1) {
        (void)snprintf(out, REFUSED_PEER_SIZE, "%s", text);
        return;
    }
    memset(in6.s6_addr + 8, 0, 8);
    (void)inet_ntop(AF_INET6, &in6, text, sizeof text);
    (void)snprintf(out, REFUSED_PEER_SIZE, "[%.50s]/64", text);
}

static struct refused_peer *refused_peer_find(struct refused *j, const char *peer)
{
    char name[REFUSED_PEER_SIZE];
    refused_peer_name(peer, name);
    for (unsigned i = 0; i < j->npeers; i++)
        if (strcmp(j->peers[i].name, name) == 0)
            return &j->peers[i];
    if (j->npeers == REFUSED_PEERS)
        return &j->peers[REFUSED_PEERS - 1];
    struct refused_peer *p = &j->peers[j->npeers++];
    *p = (struct refused_peer){0};
    (void)snprintf(p->name, sizeof p->name, "%s", j->npeers == REFUSED_PEERS ? REFUSED_OTHERS : name);
    return p;
}

static void refused_peer_drop(struct refused *j, const char *peer, uint64_t messages, uint64_t bytes)
{
    struct refused_peer *p = refused_peer_find(j, peer);
    p->dropped += messages;
    p->dropped_bytes += bytes;
    j->dropped += messages;
    j->untold += messages;
}

/* ---- the queue ---- */

static size_t row_bytes(const struct booking_refused *row)
{
    return row->head.n + row->answer.n + REFUSED_ROW_BYTES;
}

static struct refused_entry *entry_new(const struct booking_refused *row)
{
    struct arena *a = arena_new();
    struct refused_entry *e = arena_alloc(a, sizeof *e);
    e->arena = a;
    e->row = *row;
    e->row.listener = arena_strdup(a, row->listener);
    e->row.peer = arena_strdup(a, row->peer);
    e->row.request_id = arena_strdup(a, row->request_id);
    e->row.digest.p = arena_copy(a, row->digest.p, row->digest.n);
    e->row.head.p = arena_copy(a, row->head.p, row->head.n);
    e->row.answer.p = arena_copy(a, row->answer.p, row->answer.n);
    return e;
}

static void entry_push(struct refused *j, struct refused_entry *e)
{
    e->next = NULL;
    *j->tail = e;
    j->tail = &e->next;
    j->bytes += row_bytes(&e->row);
}

static struct refused_entry *entry_pop(struct refused *j)
{
    struct refused_entry *e = j->head;
    if (e == NULL)
        return NULL;
    j->head = e->next;
    if (j->head == NULL)
        j->tail = &j->head;
    j->bytes -= row_bytes(&e->row);
    return e;
}

static bool is_within_budget(const struct refused *j, const struct refused_peer *p, size_t bytes)
{
    return p->kept_bytes + bytes <= j->conf->refused_peer_bytes &&
           j->kept_bytes + bytes <= j->conf->refused_total_bytes && j->bytes + bytes <= REFUSED_QUEUE_BYTES;
}

void refused_add(const struct request *r)
{
    struct refused *j = r->service->refused;
    struct booking_refused row = {
        .listener = r->source->name,
        .peer = r->peer,
        .request_id = r->id,
        .reason = r->failed != ERR_OK ? error_name(r->failed) : REFUSED_REPEAT,
        .messages = 1,
        .bytes = r->body.n,
        .digest = {(const char *)r->body_digest, sizeof r->body_digest},
        .head = {r->body.p, r->body.n <= REFUSED_WHOLE_BYTES ? r->body.n : REFUSED_HEAD_BYTES},
        .answer = r->answer_octets,
    };
    struct refused_peer *p = refused_peer_find(j, r->peer);
    size_t bytes = row_bytes(&row);
    if (!is_within_budget(j, p, bytes)) {
        refused_peer_drop(j, r->peer, 1, r->body.n);
        return;
    }
    p->kept_bytes += bytes;
    j->kept_bytes += bytes;
    entry_push(j, entry_new(&row));
    FAULT_POINT(refused_kept);
}

/* ---- what was not kept is told of ---- */

static void refused_summarise(struct refused *j)
{
    if (j->untold > 0) {
        char count[24];
        (void)snprintf(count, sizeof count, "%llu", (unsigned long long)j->untold);
        log_event(LOG_LEVEL_NOTICE, "refused-not-kept", "messages", count, NULL);
    }
    j->untold = 0;
    for (unsigned i = 0; i < j->npeers; i++) {
        struct refused_peer *p = &j->peers[i];
        if (p->dropped == 0 || j->bytes > 2 * REFUSED_QUEUE_BYTES)
            continue;
        struct booking_refused row = {.listener = "",
                                      .peer = p->name,
                                      .request_id = "",
                                      .reason = REFUSED_NOT_KEPT,
                                      .messages = p->dropped,
                                      .bytes = p->dropped_bytes};
        entry_push(j, entry_new(&row));
        p->dropped = p->dropped_bytes = 0;
    }
}

static void refused_keep_time(struct refused *j, bool is_last)
{
    uint64_t now_us = clock_mono_us();
    bool is_hour_over = now_us - j->hour_us >= REFUSED_HOUR_US;
    if (is_last || is_hour_over || now_us - j->summary_us >= REFUSED_SUMMARY_US) {
        refused_summarise(j);
        j->summary_us = now_us;
    }
    if (is_hour_over) {
        j->npeers = 0;
        j->kept_bytes = 0;
        j->hour_us = now_us;
    }
}

/* ---- writing ---- */

/* What could not be written is not tried again: there may be more of it than anybody wants. */
static void refused_drop_batch(struct refused *j)
{
    for (unsigned i = 0; i < j->nbatch; i++)
        refused_peer_drop(j, j->batch[i]->row.peer, j->batch[i]->row.messages, j->batch[i]->row.bytes);
    j->not_before_us = clock_mono_us() + REFUSED_RETRY_US;
}

static void refused_end(struct refused *j, enum err err)
{
    if (j->session != NULL)
        db_release(j->session);
    j->session = NULL;
    j->is_busy = false;
    if (err == ERR_OK)
        j->written += j->nbatch;
    else
        refused_drop_batch(j);
    FAULT_POINT(refused_written);
    for (unsigned i = 0; i < j->nbatch; i++)
        arena_free(j->batch[i]->arena);
    j->nbatch = 0;
}

static void refused_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    (void)results;
    (void)n;
    (void)e;
    refused_end(arg, err);
}

static void refused_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct refused *j = arg;
    struct db_call calls[REFUSED_BATCH];
    struct refused_entry *next;
    (void)e;
    if (err != ERR_OK) {
        refused_end(j, err);
        return;
    }
    j->session = session;
    while (j->nbatch < REFUSED_BATCH && (next = entry_pop(j)) != NULL) {
        calls[j->nbatch] = booking_journal_refused(&next->row, next->arena);
        j->batch[j->nbatch++] = next;
    }
    FAULT_POINT(refused_begin);
    db_send(session, calls, j->nbatch, refused_done, j);
    FAULT_POINT(refused_sent);
}

/* Only when there is a session that nobody else wants. */
static bool is_database_idle(const struct service *s)
{
    struct db_pool_stats stats;
    db_pool_read_stats(s->db, &stats);
    return stats.idle > 0 && stats.waiting == 0 && s->journal.waiting.n == 0;
}

void refused_tick(struct service *s)
{
    struct refused *j = s->refused;
    bool is_last = s->drained != NULL && s->in_work == 0;
    j->service = s;
    refused_keep_time(j, is_last);
    if (j->is_busy || j->head == NULL || clock_mono_us() < j->not_before_us || !is_database_idle(s))
        return;
    j->is_busy = true;
    db_acquire(s->db, refused_begin, j);
}

/* At the end of the service: what waits is written, unless there is no database to write it. */
bool refused_is_idle(const struct refused *j)
{
    return !j->is_busy && (j->head == NULL || clock_mono_us() < j->not_before_us || !is_database_idle(j->service));
}

struct refused *refused_new(struct arena *a, const struct config *conf)
{
    struct refused *j = arena_alloc(a, sizeof *j);
    j->conf = conf;
    j->tail = &j->head;
    j->hour_us = j->summary_us = clock_mono_us();
    return j;
}

void refused_fini(struct service *s)
{
    for (struct refused_entry *e; (e = entry_pop(s->refused)) != NULL;)
        arena_free(e->arena);
    for (unsigned i = 0; i < s->refused->nbatch; i++)
        arena_free(s->refused->batch[i]->arena);
}

void refused_metrics_write(const struct refused *j, struct buf *out)
{
    buf_printf(out,
               "# HELP zapisd_refused_journalled_total Rows about messages nobody vouches for.\n"
               "# TYPE zapisd_refused_journalled_total counter\nzapisd_refused_journalled_total %llu\n"
               "# HELP zapisd_refused_not_kept_total Such messages beyond the budget: counted, not kept.\n"
               "# TYPE zapisd_refused_not_kept_total counter\nzapisd_refused_not_kept_total %llu\n",
               (unsigned long long)j->written, (unsigned long long)j->dropped);
}
