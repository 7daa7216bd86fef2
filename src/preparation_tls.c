/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * TLS of the listeners. At a start all of it must be usable. At a reload a listener keeps, part by part, what the new
 * files are of no use for: a garbled certificate does not hold up a revocation list, and an authority's file with a
 * mistake does not hold up a new certificate.
 */
#include "preparation.h"

#include "clock.h"

#include <string.h>

#define KEPT "; what was loaded before stays"

enum tls_part { PART_IDENTITY, PART_CLIENTS, PART_CIPHERS, PART_NONE };

/* One listener: what is wanted of it, and what it has. */
struct making {
    struct preparation *p;
    const struct config_listener *l;
    const struct tls_entry *before; /* NULL: it does not run; its ctx NULL: it speaks no TLS */
    bool is_to_run;                 /* with what is made here */
    struct tls_entry entry;
    struct tls_conf conf;
    bool is_kept[PART_NONE];
};

static const char *at_of(const struct making *m, const char *key)
{
    return config_at(m->p->arena, m->p->conf, "listener", m->l->name, key, CONFIG_LAST);
}

static enum tls_part part_of(const struct making *m, const char *text)
{
    const struct config_listener *l = m->l;
    if (!m->is_kept[PART_IDENTITY] && (error_blames(text, l->tls_cert) || error_blames(text, l->tls_key)))
        return PART_IDENTITY;
    if (!m->is_kept[PART_CLIENTS] && ((l->tls_client_ca != NULL && error_blames(text, l->tls_client_ca)) ||
                                      (l->tls_client_crl != NULL && error_blames(text, l->tls_client_crl))))
        return PART_CLIENTS;
    return !m->is_kept[PART_CIPHERS] && strstr(text, "cipher list") != NULL ? PART_CIPHERS : PART_NONE;
}

static void keep_part(struct making *m, enum tls_part part)
{
    m->is_kept[part] = true;
    if (part == PART_IDENTITY)
        m->conf.identity_of = m->before->ctx;
    else if (part == PART_CIPHERS)
        m->conf.ciphers = m->before->ciphers;
    if (part != PART_CLIENTS)
        return;
    m->conf.clients_of = m->before->ctx;
    m->conf.client_required = m->before->client_required;
}

static void add_trouble(struct making *m, const char *at, const char *text)
{
    m->entry.troubles[m->entry.ntroubles++] = (struct tls_trouble){at, text};
}

static const char *at_of_mistake(struct making *m, const char *text)
{
    static const char *const keys[] = {"tls_key", "tls_cert", "tls_client_ca", "tls_client_crl"};
    const char *const files[] = {m->l->tls_key, m->l->tls_cert, m->l->tls_client_ca, m->l->tls_client_crl};
    return preparation_at(m->p, "listener", m->l->name, text, keys, files, 4, "tls_ciphers");
}

/* False: nothing can be made of it, and text says why. */
static bool make_ctx(struct making *m, const char **text)
{
    for (;;) {
        struct error e = {0};
        if (tls_ctx_new(m->p->tls->arena, &m->conf, &m->entry.ctx, &e) == ERR_OK)
            return true;
        *text = arena_strdup(m->p->arena, e.detail);
        enum tls_part part = part_of(m, *text);
        if (part == PART_NONE || m->before == NULL || m->before->ctx == NULL)
            return false;
        add_trouble(m, at_of_mistake(m, *text), arena_printf(m->p->arena, "%s%s", *text, KEPT));
        keep_part(m, part);
    }
}

/* ---- what can be used and is of no use ---- */

static bool identity_is_of_no_use(const struct making *m, int64_t now_s)
{
    return !m->is_kept[PART_IDENTITY] && !tls_is_current(m->entry.ctx, now_s) && tls_is_current(m->before->ctx, now_s);
}

static bool lets_nobody_in(const struct trust *clients, int64_t now_s)
{
    return trust_is_over(clients, now_s) || trust_lists_are_over(clients, now_s);
}

/* Lists in date are obeyed, whoever is left; files that let nobody in do not take the place of such that do. */
static bool clients_are_of_no_use(const struct making *m, int64_t now_s)
{
    const struct trust *next = tls_ctx_clients(m->entry.ctx), *before = tls_ctx_clients(m->before->ctx);
    return !m->is_kept[PART_CLIENTS] && next != NULL && before != NULL && lets_nobody_in(next, now_s) &&
           !lets_nobody_in(before, now_s);
}

static void tell_clients(struct making *m, int64_t now_s)
{
    struct arena *a = m->p->arena;
    if (trust_is_over(tls_ctx_clients(m->entry.ctx), now_s))
        add_trouble(m, at_of(m, "tls_client_ca"),
                    arena_printf(a, "%s: no anchor is in date%s", m->l->tls_client_ca, KEPT));
    else
        add_trouble(m, at_of(m, "tls_client_crl"),
                    arena_printf(a, "%s: no revocation list is in date%s", m->l->tls_client_crl, KEPT));
}

static bool keep_what_works(struct making *m, const char **text)
{
    int64_t now_s = clock_wall_us() / 1000000;
    bool is_again = false;
    const struct tls_ctx *made = m->entry.ctx; /* what is read is not read again */
    if (m->before == NULL || m->before->ctx == NULL)
        return true;
    if (identity_is_of_no_use(m, now_s)) {
        unsigned n;
        bool is_to_come = now_s < tls_ctx_own(m->entry.ctx, &n)->not_before;
        add_trouble(m, at_of(m, "tls_cert"),
                    arena_printf(m->p->arena, "%s: %s%s", m->l->tls_cert,
                                 is_to_come ? "is not valid yet" : "has expired", KEPT));
        keep_part(m, PART_IDENTITY);
        is_again = true;
    }
    if (clients_are_of_no_use(m, now_s)) {
        tell_clients(m, now_s);
        keep_part(m, PART_CLIENTS);
        is_again = true;
    }
    if (!is_again)
        return true;
    if (m->conf.identity_of == NULL)
        m->conf.identity_of = made;
    if (m->conf.clients_of == NULL)
        m->conf.clients_of = made;
    return make_ctx(m, text);
}

/* ---- telling ---- */

static void entry_tell(struct preparation *p, const struct tls_entry *e)
{
    unsigned first = p->found.n;
    const char *about = arena_printf(p->arena, "listener %s", e->name);
    tls_entry_judge(e, clock_wall_us() / 1000000, p->arena, &p->found);
    for (unsigned i = first; i < p->found.n; i++) {
        const struct finding *f = &p->found.items[i];
        preparation_add(p, (struct remark){.level = f->level, .about = about, .at = f->at, .text = f->text});
    }
}

/* At a start it is in the way; a daemon that runs goes on with what it has. */
static void tell_failure(struct making *m, const char *text)
{
    struct finding f = {.level = FINDING_BAD,
                        .about = ABOUT_LISTENER,
                        .code = m->l->name,
                        .at = at_of_mistake(m, text),
                        .subject = text,
                        .text = text,
                        .is_mistake = true};
    findings_add(m->p->arena, &m->p->found, f);
    preparation_add(m->p, (struct remark){.level = FINDING_BAD,
                                          .about = arena_printf(m->p->arena, "listener %s", m->l->name),
                                          .at = f.at,
                                          .text = text,
                                          .is_fatal = true,
                                          .is_kept = true});
}

/* Whatever else it is: what it was before goes on. */
static void keep_all(struct making *m, const char *text)
{
    struct tls_entry kept = *m->before;
    kept.ntroubles = 0;
    m->entry = kept;
    add_trouble(m, at_of_mistake(m, text), arena_printf(m->p->arena, "%s%s", text, KEPT));
    entry_tell(m->p, tls_set_add(m->p->tls, &m->entry));
}

static const struct tls_entry *entry_end(struct making *m)
{
    return m->is_to_run ? tls_set_add(m->p->tls, &m->entry) : &m->entry;
}

/* Of a listener that only a restart would open the files are looked at. */
static void prepare_one(struct preparation *p, const struct config_listener *l, const struct tls_set *previous)
{
    const char *text = NULL;
    struct making m = {.p = p, .l = l, .before = tls_set_find(previous, l->name)};
    m.is_to_run = previous == NULL || m.before != NULL;
    m.entry = (struct tls_entry){.name = l->name, .cert_file = l->tls_cert};
    m.conf = (struct tls_conf){.cert_file = l->tls_cert,
                               .key_file = l->tls_key,
                               .client_ca_file = l->tls_client_ca,
                               .client_crl_file = l->tls_client_crl,
                               .client_required = l->tls_client_required,
                               .ciphers = l->tls_ciphers};
    m.entry.cert_at = at_of(&m, "tls_cert");
    m.entry.ca_at = at_of(&m, "tls_client_ca");
    m.entry.crl_at = at_of(&m, "tls_client_crl");
    if (l->tls_cert == NULL) {
        (void)entry_end(&m);
    } else if (make_ctx(&m, &text) && keep_what_works(&m, &text)) {
        m.entry.ciphers = m.conf.ciphers;
        m.entry.client_required = m.conf.client_required;
        entry_tell(p, entry_end(&m));
    } else if (m.before != NULL) {
        keep_all(&m, text);
    } else {
        tell_failure(&m, text);
    }
}

static const struct config_listener *still_configured(const struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->nlisteners; i++)
        if (strcmp(c->listeners[i].name, name) == 0)
            return &c->listeners[i];
    return NULL;
}

void preparation_tls(struct preparation *p, const struct tls_set *previous)
{
    const struct config *c = p->conf;
    p->tls = tls_set_new(c->nlisteners + (previous != NULL ? previous->n : 0));
    for (unsigned i = 0; i < c->nlisteners; i++)
        prepare_one(p, &c->listeners[i], previous);
    for (unsigned i = 0; previous != NULL && i < previous->n; i++)
        if (still_configured(c, previous->entries[i].name) == NULL) /* it runs until the restart */
            entry_tell(p, tls_set_add(p->tls, &previous->entries[i]));
}
