/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Keys, certificates and anchors, as one thing that a reload replaces whole: a request keeps the keyring it began with,
 * and a bad new one never takes the place of a good old one. References are counted on the loop thread only.
 */
#include "request_priv.h"

#include "clock.h"

#include <string.h>

static enum err keyring_load_agencies(struct keyring *k, const struct config *conf, struct error *e)
{
    k->agencies = arena_array(k->arena, conf->nagencies + 1, sizeof *k->agencies);
    for (unsigned i = 0; i < conf->nagencies; i++) {
        const struct config_agency *c = &conf->agencies[i];
        struct keyring_agency *to = &k->agencies[k->nagencies++];
        to->code = arena_strdup(k->arena, c->code);
        to->name = arena_strdup(k->arena, c->name);
        struct error why = {0};
        if (key_load(k->arena, c->key, c->cert, &to->key, &why) != ERR_OK)
            return error_set(e, ERR_CONFIG, "%s:%d: [agency %s]: %s", c->file, c->line, c->code, why.detail);
    }
    return ERR_OK;
}

static enum err keyring_load_senders(struct keyring *k, const struct config *conf, struct error *e)
{
    k->senders = arena_array(k->arena, conf->nsenders + 1, sizeof *k->senders);
    for (unsigned i = 0; i < conf->nsenders; i++) {
        const struct config_sender *c = &conf->senders[i];
        struct keyring_sender *to = &k->senders[k->nsenders++];
        to->code = arena_strdup(k->arena, c->code);
        to->name = arena_strdup(k->arena, c->name);
        to->is_smev = c->is_smev;
        to->test_message = c->test_message;
        to->reading = c->reading;
        to->reading.doc_types = arena_strdup(k->arena, c->reading.doc_types);
        to->fingerprints = arena_array(k->arena, c->ncerts + 1, sizeof *to->fingerprints);
        for (unsigned j = 0; j < c->ncerts; j++) {
            struct cert *cert;
            struct error why = {0};
            if (cert_load(k->arena, c->certs[j], &cert, &why) != ERR_OK)
                return error_set(e, ERR_CONFIG, "%s:%d: [sender %s]: %s", c->file, c->line, c->code, why.detail);
            if (keyring_sender_of(k, cert) != NULL)
                return error_set(e, ERR_CONFIG, "%s:%d: [sender %s]: %s stands for another sender too", c->file,
                                 c->line, c->code, c->certs[j]);
            memcpy(to->fingerprints[to->nfingerprints++], cert_fingerprint(cert), 32);
        }
    }
    return ERR_OK;
}

static enum err keyring_load_trust(struct keyring *k, const struct config *conf, struct error *e)
{
    bool is_needed = false;
    for (unsigned i = 0; i < conf->nlisteners; i++)
        is_needed |= conf->listeners[i].kind == LISTENER_SMEV2;
    if (!is_needed)
        return ERR_OK;
    struct trust_conf trust = {.anchors_file = conf->anchors,
                               .chain_file = conf->chain,
                               .crl_file = conf->crl,
                               .crl_required = conf->crl_required};
    return trust_load(k->arena, &trust, &k->trust, e);
}

enum err keyring_load(const struct config *conf, struct keyring **out, struct error *e)
{
    struct arena *a = arena_new();
    struct keyring *k = arena_alloc(a, sizeof *k);
    k->arena = a;
    k->refs = 1;
    enum err err = keyring_load_agencies(k, conf, e);
    if (err == ERR_OK)
        err = keyring_load_senders(k, conf, e);
    if (err == ERR_OK)
        err = keyring_load_trust(k, conf, e);
    if (err != ERR_OK) {
        arena_free(a);
        return err;
    }
    *out = k;
    return ERR_OK;
}

static void keyring_free(void *arg)
{
    struct keyring *k = arg;
    arena_free(k->arena);
}

static void keyring_freed(void *arg)
{
    (void)arg;
}

void keyring_unref(struct keyring *k)
{
    if (k == NULL || --k->refs > 0)
        return;
    if (k->loop != NULL)
        worker_run_alone(k->loop, keyring_free, keyring_freed, k);
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
        for (unsigned j = 0; j < k->senders[i].nfingerprints; j++)
            if (memcmp(k->senders[i].fingerprints[j], cert_fingerprint(signer), 32) == 0)
                return &k->senders[i];
    return NULL;
}

void keyring_metrics_write(const struct keyring *k, struct buf *out)
{
    buf_add_str(out, "# HELP zapisd_certificate_expiry_timestamp_seconds notAfter of a certificate in use.\n"
                     "# TYPE zapisd_certificate_expiry_timestamp_seconds gauge\n");
    for (unsigned i = 0; i < k->nagencies; i++)
        buf_printf(out, "zapisd_certificate_expiry_timestamp_seconds{usage=\"sign\",agency=\"%s\"} %lld\n",
                   k->agencies[i].code, (long long)cert_not_after(key_cert(k->agencies[i].key)));
    if (k->trust == NULL)
        return;
    buf_printf(out, "zapisd_certificate_expiry_timestamp_seconds{usage=\"anchor\",agency=\"\"} %lld\n",
               (long long)trust_anchor_not_after(k->trust));
    buf_printf(out,
               "# HELP zapisd_crl_next_update_timestamp_seconds nextUpdate of the revocation list, 0 without one.\n"
               "# TYPE zapisd_crl_next_update_timestamp_seconds gauge\n"
               "zapisd_crl_next_update_timestamp_seconds %lld\n",
               (long long)trust_crl_next_update(k->trust));
}

bool keyring_is_in_date(const struct keyring *k, struct buf *reasons_json)
{
    int64_t now = clock_wall_us() / 1000000;
    for (unsigned i = 0; i < k->nagencies; i++) {
        const struct cert *c = key_cert(k->agencies[i].key);
        if (now >= cert_not_before(c) && now < cert_not_after(c))
            continue;
        buf_printf(reasons_json, "%s\"the signing certificate of %s is out of date\"", reasons_json->n > 0 ? "," : "",
                   k->agencies[i].code);
        return false;
    }
    return true;
}
