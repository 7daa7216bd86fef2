/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A client, its peers, and whose turn it is. A peer is who is called, for whom and with which files: each kind of call
 * to it has a share of the calls in work, so that what is silent keeps nothing else waiting, and peers take turns.
 */
#include "client_private.h"

#include "clock.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define PEERS_KEPT      64                   /* what is known of them is forgotten beyond, the longest unasked first */
#define READING_MAX     4                    /* threads that wait for names and files */
#define FTP_CALLS_MAX   8                    /* threads that wait for a server of FTP */
#define FTP_PEER_MAX    2                    /* of them, for one server */
#define PAPERS_FRESH_US ((uint64_t)60000000) /* read again by who calls later */
#define PAPERS_AGAIN_US ((uint64_t)10000000) /* when that failed */
#define PAPERS_OLD_US   ((uint64_t)3600000000) /* who calls later waits for what is read; until then nobody does */

enum err client_init(struct error *e)
{
    (void)unsetenv("SSLKEYLOGFILE"); /* libcurl would write the keys of every session into it */
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
        return error_set(e, ERR_SYSTEM, "libcurl does not start");
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
    if (tls != NULL && strncmp(tls, "OpenSSL/", 8) == 0)
        return ERR_OK;
    client_fini();
    return error_set(e, ERR_SYSTEM, "libcurl is built with %s: GOST needs OpenSSL (package libcurl4)",
                     tls == NULL ? "no TLS" : tls);
}

void client_fini(void)
{
    curl_global_cleanup();
}

struct client *client_new(struct loop *l)
{
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->loop = l;
    multi_open(c);
    return c;
}

/* ---- peers ---- */

static void peer_free(struct peer *p)
{
    p->client->npeers--;
    if (p->reading != NULL)
        papers_abandon(p->reading);
    papers_free(p->papers);
    arena_free(p->arena);
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    while (c->calls != NULL)
        client_call_drop(c->calls);
    ftp_leave(c);
    while (c->peers != NULL) {
        struct peer *p = c->peers;
        c->peers = p->next;
        peer_free(p);
    }
    multi_close(c);
    free(c);
}

static void peers_forget(struct client *c)
{
    struct peer **link = &c->peers;
    while (c->npeers >= PEERS_KEPT && *link != NULL) {
        struct peer *p = *link;
        if (p->ncalls > 0 || p->reading != NULL) {
            link = &p->next;
            continue;
        }
        *link = p->next;
        peer_free(p);
    }
}

static void peer_last(struct client *c, struct peer *p)
{
    struct peer **link = &c->peers;
    while (*link != NULL)
        link = &(*link)->next;
    p->next = NULL;
    *link = p;
}

static const char *or_none(const char *s)
{
    return s == NULL ? "" : s;
}

struct peer *client_peer(struct client *c, const struct peer_key *k)
{
    struct arena *a = arena_new_small();
    const char *key = arena_printf(a, "%s\n%s\n%s\n%s\n%s\n%s\n%s", or_none(k->whose), k->scheme, k->host, k->port,
                                   or_none(k->ca_file), or_none(k->cert_file), or_none(k->key_file));
    for (struct peer *p = c->peers; p != NULL; p = p->next) {
        if (strcmp(p->key, key) == 0) {
            arena_free(a);
            return p;
        }
    }
    peers_forget(c);
    struct peer *p = arena_alloc(a, sizeof *p);
    *p = (struct peer){.client = c,
                       .arena = a,
                       .key = key,
                       .host = arena_strdup(a, k->host),
                       .port = arena_strdup(a, k->port),
                       .ca_file = arena_strdup(a, k->ca_file),
                       .cert_file = arena_strdup(a, k->cert_file),
                       .key_file = arena_strdup(a, k->key_file),
                       .is_ftp = strcmp(k->scheme, "ftp") == 0};
    p->waiting_end = &p->waiting;
    c->npeers++;
    peer_last(c, p);
    return p;
}

/* ---- papers ---- */

/* A name server or a disk that hangs does not stop the calls to whom they told of within the hour. */
static bool peer_is_known(const struct peer *p)
{
    return p->papers != NULL && (p->papers_again_us == UINT64_MAX || clock_mono_us() < p->papers_us + PAPERS_OLD_US);
}

static void peer_read(struct peer *p)
{
    struct client *c = p->client;
    if (p->reading != NULL || (p->papers != NULL && clock_mono_us() < p->papers_again_us))
        return;
    if (p->papers == NULL && (p->papers = papers_without_reading(p)) != NULL) {
        p->papers_us = clock_mono_us();
        p->papers_again_us = UINT64_MAX;
        return;
    }
    if (c->nreading == READING_MAX)
        return;
    p->reading = papers_begin(p);
    c->nreading++;
}

static void peer_fail(struct peer *p, const struct error *e)
{
    while (p->waiting != NULL)
        client_call_fail(p->waiting, CLIENT_UNSENT, e->code, e->detail);
}

static void peer_learn(struct peer *p, struct papers *papers)
{
    papers_free(p->papers);
    p->papers = papers;
    p->papers_us = clock_mono_us();
    p->papers_again_us = p->papers_us + PAPERS_FRESH_US;
}

static void peer_learn_nothing(struct peer *p, struct papers *papers)
{
    if (peer_is_known(p)) {
        p->papers_again_us = clock_mono_us() + PAPERS_AGAIN_US;
        log_bounded(LOG_LEVEL_WARNING, 1, "client", "papers", "host", p->host, "detail", papers->error.detail, "advice",
                    "what was read before is used", NULL);
    } else {
        papers_free(p->papers);
        p->papers = NULL;
        peer_fail(p, &papers->error);
    }
    papers_free(papers);
}

void papers_home(struct peer *p, struct papers *papers)
{
    p->reading = NULL;
    p->client->nreading--;
    if (papers->error.code == ERR_OK)
        peer_learn(p, papers);
    else
        peer_learn_nothing(p, papers);
    for (struct client_call *call = p->waiting; call != NULL; call = call->next_waiting)
        client_call_wait(call);
    client_turn(p->client);
}

/* ---- turns ---- */

static bool kind_has_room(const struct peer *p, unsigned kind)
{
    unsigned left = CLIENT_CALLS_MAX - p->client->nworking;
    return p->nkind[kind] < CLIENT_PEER_CALLS_MAX && p->nkind[kind] < left &&
           (!p->is_ftp || (p->client->nftp < FTP_CALLS_MAX && p->nworking < FTP_PEER_MAX));
}

/* The first whose kind has room; NULL: none. */
static struct client_call *peer_may_begin(const struct peer *p)
{
    struct client_call *call = p->waiting;
    if (call == NULL || !peer_is_known(p))
        return NULL;
    while (call != NULL && !kind_has_room(p, call->kind))
        call = call->next_waiting;
    return call;
}

/* Of the peers that may begin, that whose turn was longest ago; it goes to the end. */
static struct client_call *call_next(struct client *c)
{
    for (struct peer **link = &c->peers; *link != NULL; link = &(*link)->next) {
        struct peer *p = *link;
        struct client_call *call = peer_may_begin(p);
        if (call == NULL)
            continue;
        *link = p->next;
        peer_last(c, p);
        return call;
    }
    return NULL;
}

void client_turn(struct client *c)
{
    for (struct peer *p = c->peers; p != NULL; p = p->next)
        if (p->waiting != NULL)
            peer_read(p);
    while (c->nworking < CLIENT_CALLS_MAX) {
        struct client_call *call = call_next(c);
        if (call == NULL)
            return;
        client_call_begin(call);
    }
}
