/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Revocation lists of 20 MB take a second to read, and a file may lie on a disk that hangs: neither is for the loop. */
#include "reload.h"

#include "config.h"
#include "log.h"
#include "notify.h"

struct reloader {
    struct arena *arena;
    struct loop *loop;
    struct service *service;
    const char *config_path;
    bool is_reading, is_wanted_again, is_stopped;
};

/* One reading: the thread's until it comes home. */
struct reading {
    struct arena *arena;
    struct reloader *reloader;
    struct config conf;
    const char *mistakes;
    struct keyring *keys; /* NULL: refused, and error says why */
    struct error error;
};

static void reading_work(void *arg)
{
    struct reading *g = arg;
    struct keyring *keys = NULL;
    if (config_load(g->arena, g->reloader->config_path, &g->conf, &g->mistakes, &g->error) == ERR_OK &&
        keyring_load(&g->conf, &keys, &g->error) == ERR_OK)
        g->keys = keys;
}

static void reading_take(struct reading *g)
{
    enum log_level level;
    if (g->keys == NULL) {
        log_event(LOG_LEVEL_ERROR, "reload", "result", "refused", "detail",
                  g->mistakes != NULL ? g->mistakes : g->error.detail, NULL);
        return;
    }
    service_set_keyring(g->reloader->service, g->keys);
    if (log_level_parse(g->conf.log_level, &level))
        log_set_level(level);
    log_event(LOG_LEVEL_NOTICE, "reload", "result", "taken", NULL);
}

static void reading_done(void *arg)
{
    struct reading *g = arg;
    struct reloader *r = g->reloader;
    bool is_wanted_again = r->is_wanted_again;
    r->is_reading = r->is_wanted_again = false;
    if (r->is_stopped)
        keyring_unref(g->keys);
    else
        reading_take(g);
    arena_free(g->arena);
    if (r->is_stopped)
        return;
    if (is_wanted_again)
        reloader_ask(r);
    else
        notify_ready();
}

void reloader_ask(struct reloader *r)
{
    if (r->is_stopped)
        return;
    r->is_wanted_again = r->is_reading;
    if (r->is_reading)
        return;
    notify_reloading();
    struct arena *a = arena_new();
    struct reading *g = arena_alloc(a, sizeof *g);
    *g = (struct reading){.arena = a, .reloader = r};
    r->is_reading = true;
    worker_run_alone(r->loop, reading_work, reading_done, g);
}

struct reloader *reloader_new(struct loop *l, struct service *s, const char *config_path)
{
    struct arena *a = arena_new();
    struct reloader *r = arena_alloc(a, sizeof *r);
    *r = (struct reloader){.arena = a, .loop = l, .service = s, .config_path = config_path};
    return r;
}

void reloader_stop(struct reloader *r)
{
    if (r != NULL)
        r->is_stopped = true;
}

void reloader_free(struct reloader *r)
{
    if (r != NULL)
        arena_free(r->arena);
}
