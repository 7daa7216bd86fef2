/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The listeners of the configuration: each an address, a service behind it, and TLS where there is any. */
#include "daemon.h"

#include "log.h"

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
enum err daemon_cannot_listen(struct daemon *d, const char *section, const char *name, const struct error *why,
                              struct error *e)
{
    return error_set(e, why->code, "%s: %s", config_at(d->arena, &d->conf, section, name, "address", CONFIG_LAST),
                     why->detail);
}

static enum err daemon_listen_one(struct daemon *d, unsigned i, struct error *e)
{
    const struct config_listener *c = &d->conf.listeners[i];
    struct endpoint *ep = arena_alloc(d->arena, sizeof *ep);
    endpoint_init(ep, d->service, c);
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
    log_event(LOG_LEVEL_NOTICE, "listening", "listener", c->name, "kind", listener_kind_words[c->kind], "address",
              c->address, "path", c->path, "tls", c->tls_cert != NULL ? "yes" : "no", NULL);
    return ERR_OK;
}

enum err daemon_listen(struct daemon *d, struct error *e)
{
    d->listeners = arena_array(d->arena, d->conf.nlisteners + 1, sizeof *d->listeners);
    for (unsigned i = 0; i < d->conf.nlisteners; i++) {
        enum err err = daemon_listen_one(d, i, e);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

void daemon_take_tls(void *arg, const struct tls_set *tls)
{
    struct daemon *d = arg;
    for (unsigned i = 0; i < d->nlisteners; i++) {
        const struct tls_entry *entry = tls_set_find(tls, d->conf.listeners[i].name);
        if (entry != NULL)
            listener_set_tls(d->listeners[i], entry->ctx);
    }
}
