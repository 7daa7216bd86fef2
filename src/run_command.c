/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The daemon: start in order, run, stop in reverse order. SIGTERM and SIGINT drain: no new connections, what is in work
 * is finished, the journal is written. SIGHUP reloads (reload.c).
 */
#include "run_command.h"

#include "admin.h"
#include "clock.h"
#include "config.h"
#include "descriptors.h"
#include "fault.h"
#include "file.h"
#include "housekeeping.h"
#include "log.h"
#include "notify.h"
#include "preparation.h"
#include "readiness.h"
#include "reload.h"
#include "request.h"
#include "soap.h"
#include "start_guard.h"
#include "vigil.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_DEFAULT "/etc/zapisd/zapisd.conf"
#define TELL_TICK_MS   2000
#define SETTLE_MS      10000
#define SETTLE_HUNG_MS 2000 /* of those who wait for a disk or a name server */

struct daemon {
    struct arena *arena;
    const char *config_path;
    struct config conf;
    struct config written; /* the same as the files have it, before anything was fitted to the machine */
    struct preparation preparation;
    struct loop *loop;
    struct db_pool *db;
    struct service *service;
    struct readiness *readiness;
    struct vigil *vigil;
    struct housekeeping *housekeeping;
    struct reloader *reloader;
    struct listener **listeners;
    unsigned nlisteners, ndrained;
    struct admin *admin;
    struct timer *watchdog;
    struct timer *patience;
    struct timer *tell_tick;
    unsigned open_at_start; /* descriptors */
    bool is_stopping;
};

/* ---- stop ---- */

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
    FAULT_POINT(drained);
    loop_stop(d->loop);
}

static void daemon_listener_drained(void *arg)
{
    struct daemon *d = arg;
    if (++d->ndrained == d->nlisteners)
        service_drain(d->service, daemon_drained, d);
}

static void daemon_reload(void *arg, int signum)
{
    struct daemon *d = arg;
    (void)signum;
    reloader_ask(d->reloader);
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
    for (unsigned i = 0; i < d->nlisteners; i++)
        listener_drain(d->listeners[i], daemon_listener_drained, d);
}

/* ---- start ---- */

static bool daemon_is_ready(void *arg, struct buf *reasons_json)
{
    struct daemon *d = arg;
    bool is_served = vigil_read(d->vigil, reasons_json);
    return readiness_read(d->readiness, reasons_json) && is_served;
}

static void daemon_write_parties(void *arg, struct span reasons_json, struct buf *out)
{
    struct daemon *d = arg;
    vigil_write(d->vigil, reasons_json, out);
}

static bool daemon_read_agency(void *arg, const char *code, bool *is_ready, struct buf *reasons_json)
{
    struct daemon *d = arg;
    return vigil_read_agency(d->vigil, code, is_ready, reasons_json);
}

static void daemon_write_warnings(void *arg, struct buf *warnings_json)
{
    struct daemon *d = arg;
    housekeeping_warnings_read(d->housekeeping, warnings_json);
    reloader_warnings_read(d->reloader, warnings_json);
    service_notes_write(d->service, warnings_json);
    readiness_notes_write(d->readiness, warnings_json);
}

static void daemon_write_metrics(void *arg, struct buf *out)
{
    struct daemon *d = arg;
    service_metrics_write(d->service, out);
    housekeeping_metrics_write(d->housekeeping, out);
    vigil_metrics_write(d->vigil, out);
    reloader_metrics_write(d->reloader, out);
    buf_printf(out,
               "# HELP zapisd_log_lines_lost_total Lines that nobody read in time.\n"
               "# TYPE zapisd_log_lines_lost_total counter\nzapisd_log_lines_lost_total %" PRIu64 "\n",
               log_lines_lost());
    unsigned connections = 0;
    for (unsigned i = 0; i < d->nlisteners; i++)
        connections += listener_connections(d->listeners[i]);
    buf_printf(out,
               "# HELP zapisd_connections Open connections of the listeners.\n# TYPE zapisd_connections gauge\n"
               "zapisd_connections %u\n",
               connections);
    readiness_metrics_write(d->readiness, out);
}

static struct http_limits limits_of(const struct config *c)
{
    struct http_limits limits = http_limits_default;
    limits.body_max_bytes = c->body_max_bytes;
    limits.head_timeout_ms = c->head_timeout_ms;
    limits.body_timeout_ms = c->body_timeout_ms;
    limits.idle_timeout_ms = c->idle_timeout_ms;
    limits.write_timeout_ms = c->write_timeout_ms;
    limits.connections_max = c->connections_max;
    limits.pipeline_max = c->pipeline_max;
    return limits;
}

/* Where in the configuration it stands, before what the system said. */
static enum err daemon_cannot_listen(struct daemon *d, const char *section, const char *name, const struct error *why,
                                     struct error *e)
{
    return error_set(e, why->code, "%s: %s", config_at(d->arena, &d->conf, section, name, "address", CONFIG_LAST),
                     why->detail);
}

static enum err daemon_listen_one(struct daemon *d, unsigned i, struct error *e)
{
    const struct config_listener *c = &d->conf.listeners[i];
    struct endpoint *ep = arena_alloc(d->arena, sizeof *ep);
    *ep = (struct endpoint){.service = d->service, .conf = c};
    const struct tls_entry *tls = tls_set_find(vigil_tls(d->vigil), c->name);
    struct listener_conf lc = {.address = c->address,
                               .limits = limits_of(&d->conf),
                               .tls = tls != NULL ? tls->ctx : NULL,
                               .handler = request_on_http,
                               .arg = ep};
    struct error why = {0};
    if (listener_open(d->loop, &lc, &d->listeners[d->nlisteners], &why) != ERR_OK)
        return daemon_cannot_listen(d, "listener", c->name, &why, e);
    d->nlisteners++;
    log_event(LOG_LEVEL_NOTICE, "listening", "listener", c->name, "kind", c->kind == LISTENER_SMEV2 ? "smev2" : "plain",
              "address", c->address, "path", c->path, "tls", c->tls_cert != NULL ? "yes" : "no", NULL);
    return ERR_OK;
}

static enum err daemon_listen(struct daemon *d, struct error *e)
{
    d->listeners = arena_array(d->arena, d->conf.nlisteners + 1, sizeof *d->listeners);
    for (unsigned i = 0; i < d->conf.nlisteners; i++) {
        enum err err = daemon_listen_one(d, i, e);
        if (err != ERR_OK)
            return err;
    }
    if (d->conf.admin_address == NULL)
        return ERR_OK;
    struct admin_sources src = {.loop = d->loop,
                                .db = d->db,
                                .write_metrics = daemon_write_metrics,
                                .is_ready = daemon_is_ready,
                                .write_warnings = daemon_write_warnings,
                                .write_parties = daemon_write_parties,
                                .read_agency = daemon_read_agency,
                                .arg = d};
    struct error why = {0};
    if (admin_open(d->loop, d->conf.admin_address, &src, &d->admin, &why) != ERR_OK)
        return daemon_cannot_listen(d, "admin", "", &why, e);
    return ERR_OK;
}

static void daemon_take_tls(void *arg, const struct tls_set *tls)
{
    struct daemon *d = arg;
    for (unsigned i = 0; i < d->nlisteners; i++) {
        const struct tls_entry *entry = tls_set_find(tls, d->conf.listeners[i].name);
        if (entry != NULL)
            listener_set_tls(d->listeners[i], entry->ctx);
    }
}

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
    preparation_database(p);
    preparation_keys(p, NULL);
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
    return daemon_listen(d, e);
}

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
 * 3. Nothing goes on: a request, a reload or a connection that a worker brings home stays where it is.
 * 4. The workers come home: requests, filters of connections, attempts to connect, a reload. Until then all they work
 * with lives.
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
    if (d->service != NULL)
        service_free(d->service);
    loop_free(d->loop);
    soap_binding_fini();
}

static enum err command_config(struct arena *a, const char *path, struct config *conf)
{
    const char *mistakes = NULL;
    struct error e = {0};
    enum err err = config_load(a, path, conf, &mistakes, &e);
    if (err == ERR_OK)
        return ERR_OK;
    (void)fprintf(stderr, "%s\n", mistakes != NULL && *mistakes != '\0' ? mistakes : e.detail);
    return err;
}

int run_command(int argc, char **argv)
{
    struct arena *a = arena_new();
    struct daemon *d = arena_alloc(a, sizeof *d);
    d->arena = a;
    d->config_path = CONFIG_DEFAULT;
    for (int i = 1; i < argc; i++) {
        if ((strcmp(argv[i], "--config") != 0 && strcmp(argv[i], "-c") != 0) || i + 1 == argc) {
            (void)fputs("usage: zapisd [run] [--config FILE]\n", stderr);
            arena_free(a);
            return 2;
        }
        d->config_path = argv[++i];
    }
    file_watch_begin(FILE_SLOW_S);
    if (command_config(a, d->config_path, &d->conf) != ERR_OK) {
        file_watch_end();
        arena_free(a);
        return 1;
    }
    d->written = d->conf;
    enum log_level level;
    if (log_level_parse(d->conf.log_level, &level))
        log_set_level(level);
    struct error e = {0};
    int status = 0;
    log_event(LOG_LEVEL_NOTICE, "starting", "version", ZAPISD_VERSION, "schema", ZAPISD_NEWEST_MIGRATION, "config",
              d->config_path, NULL);
    descriptors_raise();
    d->open_at_start = descriptors_open();
    signals_hold(true);
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
    arena_free(a);
    return status;
}
