/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Keys, certificates and anchors, as one thing that a reload replaces whole: a request keeps the keyring it began with.
 * What cannot be loaded is one party's trouble and stands beside its name. References are counted on the loop thread.
 */
#include "request_private.h"

#include "clock.h"

#include <string.h>

/* ---- agencies ---- */

void keyring_signer_load(struct keyring *k, struct keyring_agency *to, const struct keyring_agency *old,
                         const char *key_file, const char *key_at, const char *cert_at)
{
    struct error why = {0};
    to->at = cert_at;
    if (key_load(k->arena, key_file, to->cert_file, &to->key, &why) == ERR_OK)
        return;
    if (error_blames(why.detail, key_file))
        to->at = key_at;
    to->key = old != NULL && old->key != NULL ? key_share(k->arena, old->key) : NULL;
    to->trouble = arena_printf(k->arena, "%s%s", why.detail, to->key != NULL ? KEYRING_KEPT : "");
}

static void agency_load(struct keyring *k, const struct config *conf, const struct config_agency *c,
                        const struct keyring *previous)
{
    struct keyring_agency *to = &k->agencies[k->nagencies++];
    to->code = arena_strdup(k->arena, c->code);
    to->name = arena_strdup(k->arena, c->name);
    to->cert_file = arena_strdup(k->arena, c->cert);
    keyring_signer_load(k, to, previous != NULL ? keyring_agency_find(previous, c->code) : NULL, c->key,
                        config_at(k->arena, conf, "agency", c->code, "key", CONFIG_LAST),
                        config_at(k->arena, conf, "agency", c->code, "cert", CONFIG_LAST));
}

/* ---- senders ---- */

static bool cert_load_one(struct keyring *k, const char *code, const char *file, struct keyring_cert *to)
{
    struct error why = {0};
    struct cert *cert = NULL;
    to->file = arena_strdup(k->arena, file);
    if (cert_load(k->arena, file, &cert, &why) != ERR_OK) {
        to->trouble = arena_strdup(k->arena, why.detail);
        return false;
    }
    const struct keyring_sender *other = keyring_sender_of(k, cert);
    if (other == NULL)
        to->cert = cert;
    else
        to->trouble = arena_printf(k->arena, "%s stands for %s %s already", file,
                                   strcmp(other->code, code) == 0 ? "this sender," : "sender", other->code);
    return other == NULL;
}

/* A sender with a mistake stays as a whole what it was; the mistakes are told beside. */
void keyring_sender_keep(struct keyring *k, struct keyring_sender *to, const struct keyring_sender *old)
{
    struct keyring_cert *certs = arena_array(k->arena, to->ncerts + old->ncerts + 1, sizeof *certs);
    unsigned n = 0;
    for (unsigned i = 0; i < to->ncerts; i++) {
        if (to->certs[i].cert != NULL)
            continue;
        certs[n] = to->certs[i];
        certs[n++].trouble = arena_printf(k->arena, "%s%s", to->certs[i].trouble, KEYRING_KEPT);
    }
    for (unsigned i = 0; i < old->ncerts; i++) {
        const struct cert *cert = old->certs[i].cert;
        const struct keyring_sender *now = cert != NULL ? keyring_sender_of(k, cert) : NULL;
        if (cert != NULL && (now == NULL || now == to))
            certs[n++] = (struct keyring_cert){.file = arena_strdup(k->arena, old->certs[i].file),
                                               .at = arena_strdup(k->arena, old->certs[i].at),
                                               .cert = cert_share(k->arena, cert)};
    }
    to->certs = certs;
    to->ncerts = n;
}

const struct keyring_sender *keyring_sender_find(const struct keyring *k, const char *code)
{
    for (unsigned i = 0; k != NULL && i < k->nsenders; i++)
        if (strcmp(k->senders[i].code, code) == 0)
            return &k->senders[i];
    return NULL;
}

static void sender_load(struct keyring *k, const struct config *conf, const struct config_sender *c,
                        const struct keyring *previous)
{
    struct keyring_sender *to = &k->senders[k->nsenders++];
    bool is_good = true;
    to->code = arena_strdup(k->arena, c->code);
    to->name = arena_strdup(k->arena, c->name);
    to->is_smev = c->is_smev;
    to->test_message = c->test_message;
    config_reading_copy(k->arena, &c->reading, &to->reading);
    to->certs = arena_array(k->arena, c->ncerts + 1, sizeof *to->certs);
    for (unsigned i = 0; i < c->ncerts; i++) {
        to->certs[i].at = config_at(k->arena, conf, "sender", c->code, "cert", (int)i);
        is_good &= cert_load_one(k, c->code, c->certs[i], &to->certs[i]);
        to->ncerts++;
    }
    const struct keyring_sender *old = keyring_sender_find(previous, c->code);
    if (!is_good && old != NULL)
        keyring_sender_keep(k, to, old);
}

/* What a sender's messages bring along is read here, once. Whether it is believed is asked for each message. */
static void senders_known(struct keyring *k)
{
    size_t n = 0;
    for (unsigned i = 0; i < k->nsenders; i++)
        n += k->senders[i].ncerts;
    k->known = cert_set_new(k->arena, n);
    for (unsigned i = 0; i < k->nsenders; i++)
        for (unsigned j = 0; j < k->senders[i].ncerts; j++)
            if (k->senders[i].certs[j].cert != NULL)
                cert_set_add(k->known, k->senders[i].certs[j].cert);
}

/* ---- the whole ---- */

/* A signed listener that the new configuration has no more runs until the restart, and believes nobody unchecked. */
static enum err trust_of(struct keyring *k, const struct config *conf, const struct keyring *previous, struct error *e)
{
    bool is_needed = config_needs_trust(conf) || (previous != NULL && previous->trust != NULL);
    k->anchors_at = config_at(k->arena, conf, "trust", "", "anchors", CONFIG_LAST);
    k->chain_at = config_at(k->arena, conf, "trust", "", "chain", CONFIG_LAST);
    k->crl_at = config_at(k->arena, conf, "trust", "", "crl", CONFIG_LAST);
    k->allow_gost2001 = conf->allow_gost2001;
    if (!is_needed)
        return ERR_OK;
    if (conf->anchors == NULL)
        return error_set(e, ERR_CONFIG, "%s: [trust]: what runs with signatures needs anchors until the restart",
                         conf->path);
    struct trust_conf trust = {.anchors_file = conf->anchors,
                               .chain_file = conf->chain,
                               .crl_file = conf->crl,
                               .crl_required = conf->crl_required};
    struct error why = {0};
    enum err err = trust_load(k->arena, &trust, &k->trust, &why);
    if (err == ERR_OK)
        return ERR_OK;
    const char *at = k->anchors_at;
    if (error_blames(why.detail, conf->chain))
        at = k->chain_at;
    if (error_blames(why.detail, conf->crl))
        at = k->crl_at;
    return error_set(e, err, "%s: [trust]: %s", at, why.detail);
}

enum err keyring_load(const struct config *conf, const struct keyring *previous, struct keyring **out, struct error *e)
{
    struct arena *a = arena_new();
    struct keyring *k = arena_alloc(a, sizeof *k);
    k->arena = a;
    k->refs = 1;
    enum err err = trust_of(k, conf, previous, e);
    if (err != ERR_OK) {
        arena_free(a);
        return err;
    }
    k->agencies = arena_array(a, conf->nagencies + 1, sizeof *k->agencies);
    for (unsigned i = 0; i < conf->nagencies; i++)
        agency_load(k, conf, &conf->agencies[i], previous);
    k->senders = arena_array(a, conf->nsenders + 1, sizeof *k->senders);
    for (unsigned i = 0; i < conf->nsenders; i++)
        sender_load(k, conf, &conf->senders[i], previous);
    keyring_take_pushes(k, conf);
    keyring_take_queues(k, conf);
    keyring_take_officials(k, conf, previous);
    if (previous != NULL) {
        keyring_keep_senders(k, previous, clock_wall_us() / 1000000);
        keyring_keep_keys(k, previous, clock_wall_us() / 1000000);
    }
    senders_known(k);
    *out = k;
    return ERR_OK;
}

void keyring_ref(struct keyring *k)
{
    k->refs++;
}

static void keyring_free(void *arg)
{
    struct keyring *k = arg;
    arena_free(k->arena);
}

void keyring_unref(struct keyring *k)
{
    if (k == NULL || --k->refs > 0)
        return;
    if (k->loop != NULL)
        worker_run_alone(k->loop, keyring_free, NULL, k);
    else
        keyring_free(k);
}

const struct keyring_agency *keyring_agency_find(const struct keyring *k, const char *code)
{
    for (unsigned i = 0; i < k->nagencies; i++)
        if (strcmp(k->agencies[i].code, code) == 0)
            return &k->agencies[i];
    return NULL;
}

const struct keyring_sender *keyring_sender_of(const struct keyring *k, const struct cert *signer)
{
    for (unsigned i = 0; i < k->nsenders; i++)
        for (unsigned j = 0; j < k->senders[i].ncerts; j++)
            if (k->senders[i].certs[j].cert != NULL &&
                memcmp(cert_fingerprint(k->senders[i].certs[j].cert), cert_fingerprint(signer), 32) == 0)
                return &k->senders[i];
    return NULL;
}

bool keyring_agency_signs(const struct keyring_agency *agency, int64_t now_s)
{
    if (agency->key == NULL || atomic_load_explicit(&agency->is_refused, memory_order_relaxed))
        return false;
    const struct cert *c = key_cert(agency->key);
    return now_s >= cert_signs_from(c) && now_s < cert_signs_until(c);
}
