/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The daemon, from its start to its end: started in order, taken down in reverse order. SIGTERM and SIGINT drain: no
 * new connections, what is in work is finished, the journal is written. SIGHUP reloads (reload.c).
 */
#include "daemon.h"

#include "clock.h"
#include "descriptors.h"
#include "fault.h"
#include "file.h"
#include "log.h"
#include "notify.h"
#include "soap.h"
#include "start_guard.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define TELL_TICK_MS   2000
#define SETTLE_MS      10000
#define SETTLE_HUNG_MS 2000 /* of those who wait for a disk or a name server */

static enum err daemon_start(struct daemon *d, struct error *e);
static void daemon_watch(struct daemon *d);
static void daemon_finish(struct daemon *d, int status);

/*
 * Ours are held back while nobody listens to them, at the beginning and at the end; a second SIGHUP in the last
 * millisecond would be the end of an orderly end. No other thread takes any (worker.c).
 */
static void signals_hold(bool is_held)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    (void)pthread_sigmask(is_held ? SIG_BLOCK : SIG_UNBLOCK, &ours, NULL);
}

int daemon_run(struct daemon *d)
{
    struct error e = {0};
    int status = 0;
    signals_hold(true); /* whoever reads the first line may end it in order */
    log_event(LOG_LEVEL_NOTICE, "starting", "version", ZAPISD_VERSION, "schema", ZAPISD_NEWEST_MIGRATION, "config",
              d->config_path, NULL);
    descriptors_raise();
    d->open_at_start = descriptors_open();
    start_guard_begin();
    bool is_started = daemon_start(d, &e) == ERR_OK;
    start_guard_end();
    file_watch_end();
    if (is_started) {
        log_never_wait();
        daemon_watch(d);
        signals_hold(false);
        FAULT_POINT(start_listening);
        log_event(LOG_LEVEL_NOTICE, "started", NULL);
        notify_ready();
        loop_run(d->loop);
    } else {
        log_event(LOG_LEVEL_ERROR, "start-failed", "error", error_name(e.code), "detail", e.detail, NULL);
        status = 1;
    }
    daemon_finish(d, status);
    log_bounded_end();
    if (status == 0)
        log_event(LOG_LEVEL_NOTICE, "stopped", NULL);
    log_end();
    return status;
}

/* ---- start ---- */

static void daemon_stop(void *arg, int signum);
static void daemon_reload(void *arg, int signum);

static void daemon_share_descriptors(struct daemon *d)
{
    struct descriptors fit;
    char limit[16], wanted[16], connections[16], sessions[16];
    descriptors_fit(&d->conf, d->open_at_start, &fit);
    loop_set_connections_max(d->loop, fit.connections);
    d->conf.db_connections = fit.sessions;
    if (fit.limit >= fit.wanted)
        return;
    (void)snprintf(limit, sizeof limit, "%u", fit.limit);
    (void)snprintf(wanted, sizeof wanted, "%u", fit.wanted);
    (void)snprintf(connections, sizeof connections, "%u", fit.connections);
    (void)snprintf(sessions, sizeof sessions, "%u", fit.sessions);
    log_event(LOG_LEVEL_WARNING, "few-descriptors", "limit", limit, "wanted", wanted, "connections", connections,
              "database_connections", sessions, "advice", "raise LimitNOFILE (ulimit -n) or lower connections_max",
              NULL);
}

/* The same looks that `check` takes; the addresses are taken in earnest. */
static enum err daemon_prepare(struct daemon *d, struct error *e)
{
    struct preparation *p = &d->preparation;
    *p = (struct preparation){.arena = d->arena, .conf = &d->conf};
    preparation_files(p);
    preparation_settings(p);
    preparation_database(p);
    preparation_keys(p, NULL);
    preparation_push(p);
    preparation_smev3(p);
    preparation_tls(p, NULL);
    preparation_paths(p);
    preparation_log(p);
    const struct remark *fatal = preparation_fatal(p);
    if (fatal == NULL)
        return ERR_OK;
    keyring_unref(p->keys);
    tls_set_unref(p->tls);
    return error_set(e, ERR_CONFIG, "%s: %s", fatal->at, fatal->text);
}

static enum err daemon_start(struct daemon *d, struct error *e)
{
    if (client_init(e) != ERR_OK)
        return e->code;
    soap_binding_init();
    worker_threads(d->conf.workers);
    d->loop = loop_new();
    loop_set_memory_max(d->loop, d->conf.buffers_max_bytes);
    daemon_share_descriptors(d);
    loop_on_signal(d->loop, SIGTERM, daemon_stop, d);
    loop_on_signal(d->loop, SIGINT, daemon_stop, d);
    loop_on_signal(d->loop, SIGHUP, daemon_reload, d);
    if (daemon_prepare(d, e) != ERR_OK)
        return e->code;
    struct keyring *keys = d->preparation.keys;
    struct db_conf db = {.conninfo = d->conf.conninfo,
                         .connections = d->conf.db_connections,
                         .acquire_timeout_ms = d->conf.db_acquire_timeout_ms,
                         .statement_timeout_ms = d->conf.db_statement_timeout_ms,
                         .reconnect_max_ms = 5000};
    d->db = db_pool_new(d->loop, &db);
    if (FAULT_FAILS(start_prepared, ERR_SYSTEM, e) ||
        service_new(d->loop, d->db, &d->conf, keys, &d->service, e) != ERR_OK) {
        keyring_unref(keys);
        tls_set_unref(d->preparation.tls);
        return e->code;
    }
    d->vigil = vigil_start(d->loop, d->service, &d->preparation.found, d->preparation.tls);
    d->reloader = reloader_new(d->loop, d->service, d->vigil, &d->written, d->config_path, daemon_take_tls, d);
    d->readiness = readiness_start(d->loop, d->db, d->conf.message_age_max_ms);
    d->housekeeping = housekeeping_start(d->loop, d->db);
    d->client = client_new(d->loop);
    d->push = push_start(d->loop, d->db, d->client, d->service, d->conf.message_age_max_ms);
    if (daemon_listen(d, e) != ERR_OK)
        return e->code;
    d->queues = queues_start(d->loop, d->db, d->service, d->client, d->conf.request_timeout_ms);
    queues_on_heard(d->queues, push_heard, d->push);
    push_on_heard(d->push, queues_heard, d->queues);
    return daemon_admin_open(d, e);
}

/* ---- while it runs ---- */

static void daemon_watchdog(void *arg)
{
    (void)arg;
    notify_watchdog();
}

static void daemon_tell_tick(void *arg)
{
    (void)arg;
    log_bounded_tick();
    log_flush();
    notify_tick();
}

static void daemon_watch(struct daemon *d)
{
    d->tell_tick = timer_start(d->loop, TELL_TICK_MS, TELL_TICK_MS, daemon_tell_tick, d);
    loop_lag_measure(d->loop);
    uint64_t every_ms = notify_watchdog_interval_ms();
    if (every_ms > 0)
        d->watchdog = timer_start(d->loop, every_ms, every_ms, daemon_watchdog, d);
}

static void daemon_reload(void *arg, int signum)
{
    struct daemon *d = arg;
    (void)signum;
    reloader_ask(d->reloader);
}

/* ---- stop: drain, and not longer than the drain timeout ---- */

static void daemon_stop_now(void *arg)
{
    struct daemon *d = arg;
    d->patience = NULL;
    log_event(LOG_LEVEL_WARNING, "stopping", "reason", "the drain timeout has passed", NULL);
    loop_stop(d->loop);
}

static void daemon_drained(void *arg)
{
    struct daemon *d = arg;
    if (--d->ndraining > 0)
        return;
    FAULT_POINT(drained);
    loop_stop(d->loop);
}

/* A part of what brings messages in: a listener, or the queues. */
static void daemon_part_drained(void *arg)
{
    struct daemon *d = arg;
    if (++d->ndrained == d->nlisteners + 1)
        service_drain(d->service, daemon_drained, d);
}

static void daemon_stop(void *arg, int signum)
{
    struct daemon *d = arg;
    if (d->is_stopping)
        return;
    FAULT_POINT(stop_begun);
    d->is_stopping = true;
    reloader_stop(d->reloader);
    notify_stopping();
    log_event(LOG_LEVEL_NOTICE, "stopping", "signal", signum == SIGINT ? "SIGINT" : "SIGTERM", NULL);
    readiness_set_stopping(d->readiness);
    d->patience = timer_start(d->loop, d->conf.drain_timeout_ms, 0, daemon_stop_now, d);
    d->ndraining = 2; /* the service, and the delivery of the outbox */
    push_drain(d->push, daemon_drained, d);
    for (unsigned i = 0; i < d->nlisteners; i++)
        listener_drain(d->listeners[i], daemon_part_drained, d);
    queues_drain(d->queues, daemon_part_drained, d);
}

/* ---- the end ---- */

/* Nobody can call in from here on but workers on their way home. */
static void daemon_silence(struct daemon *d)
{
    signals_hold(true);
    d->is_stopping = true;
    timer_stop(d->watchdog);
    timer_stop(d->patience);
    timer_stop(d->tell_tick);
    admin_free(d->admin);
    for (unsigned i = d->nlisteners; i-- > 0;)
        listener_free(d->listeners[i]);
    reloader_stop(d->reloader);
    vigil_stop(d->vigil);
    db_pool_free(d->db);
    readiness_free(d->readiness);
    housekeeping_free(d->housekeeping);
    push_stop(d->push);
    queues_stop(d->queues);
    client_free(d->client);
    if (d->service != NULL)
        service_stop(d->service);
}

/*
 * The order of taking down; parts that daemon_start() did not reach are NULL.
 *
 * 1. Nothing comes in: timers, admin and listeners end. Their connections are closed; exchanges whose answers are still
 *    being made become orphans, to which http_respond() says nothing.
 * 2. The database is let go without a word: who holds a session or waits for one is not called back, and who lives by
 *    nothing else (readiness, housekeeping) ends with it. What was not committed the server rolls back; what was is in
 *    the journal, and a retry gets its answer.
 * 3. Nothing goes on: calls of ours are broken off, and a request, a message, a reload or a connection that a worker
 *    brings home stays where it is.
 * 4. The workers come home: requests, filters of connections, attempts to connect, a reload. Until then all that they
 *    work with lives.
 * 5. Only then is it freed. A worker who does not come home (a disk or a name server that hangs) is not waited for for
 *    ever: the process ends without freeing anything under his hands.
 */
static void daemon_finish(struct daemon *d, int status)
{
    if (d->loop == NULL)
        return;
    daemon_silence(d);
    FAULT_POINT(silenced);
    if (!worker_settle(d->loop, SETTLE_MS, SETTLE_HUNG_MS)) {
        log_event(LOG_LEVEL_WARNING, "stopping", "reason", "a worker does not come home and is left behind", NULL);
        log_bounded_end();
        log_end();
        _exit(status);
    }
    reloader_free(d->reloader);
    vigil_free(d->vigil);
    push_free(d->push);
    queues_free(d->queues);
    if (d->service != NULL)
        service_free(d->service);
    loop_free(d->loop);
    soap_binding_fini();
    client_fini();
}
