/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The daemon from the inside of its own files: daemon.c starts it, in order, and takes it down in reverse order;
 * daemon_listen.c opens the addresses of [listener]; daemon_admin.c says to the admin address how it is.
 */
#pragma once

#include "admin.h"
#include "client.h"
#include "config.h"
#include "housekeeping.h"
#include "preparation.h"
#include "push.h"
#include "queue.h"
#include "readiness.h"
#include "reload.h"
#include "request.h"
#include "vigil.h"

struct daemon {
    struct arena *arena;
    const char *config_path;
    struct config conf;
    struct config written; /* the same as the files have it, before anything was fitted to the machine */
    struct preparation preparation;
    struct loop *loop;
    struct db_pool *db;
    struct service *service;
    struct client *client; /* outgoing calls */
    struct push *push;
    struct readiness *readiness;
    struct vigil *vigil;
    struct housekeeping *housekeeping;
    struct reloader *reloader;
    struct queues *queues;
    struct listener **listeners;
    unsigned nlisteners, ndrained, ndraining; /* listeners that are drained; parts behind them that are not */
    struct admin *admin;
    struct timer *watchdog;
    struct timer *patience;
    struct timer *tell_tick;
    unsigned open_at_start; /* descriptors */
    bool is_stopping;
};

/*
 * From the start to the end. The caller has set arena, config_path and conf, and watches the files it reads
 * (file_watch_begin); that ends here once all is started. The exit status: 0 after an orderly end, 1
 * when it could not start.
 */
int daemon_run(struct daemon *d);

/* Opens what the configuration names; an error says file:line of the address first. */
MUST_CHECK enum err daemon_listen(struct daemon *d, struct error *e);
MUST_CHECK enum err daemon_cannot_listen(struct daemon *d, const char *section, const char *name,
                                         const struct error *why, struct error *e);
void daemon_take_tls(void *arg, const struct tls_set *tls); /* of a reload: arg is the daemon */

MUST_CHECK enum err daemon_admin_open(struct daemon *d, struct error *e);
