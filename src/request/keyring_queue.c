/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What a keyring has for whoever asks queues of SMEV 3: where they are, and by whom what they give must be signed. */
#include "request_private.h"

#include <string.h>

void keyring_take_queues(struct keyring *k, const struct config *conf)
{
    k->queues = arena_array(k->arena, conf->nsmev3s + 1, sizeof *k->queues);
    for (unsigned i = 0; i < conf->nsmev3s; i++) {
        struct config_smev3 *to = &k->queues[k->nqueues++];
        config_smev3_copy(k->arena, &conf->smev3s[i], to);
        to->official_key = to->official_cert = NULL; /* files are read here, once */
    }
}

/* ---- officials ---- */

void keyring_take_officials(struct keyring *k, const struct config *conf, const struct keyring *previous)
{
    k->officials = arena_array(k->arena, conf->nsmev3s + 1, sizeof *k->officials);
    for (unsigned i = 0; i < conf->nsmev3s; i++) {
        const struct config_smev3 *from = &conf->smev3s[i];
        if (from->official_key == NULL)
            continue;
        struct keyring_agency *to = &k->officials[k->nofficials++];
        to->code = to->name = arena_strdup(k->arena, from->name);
        to->cert_file = arena_strdup(k->arena, from->official_cert);
        keyring_signer_load(k, to, previous != NULL ? keyring_official_find(previous, from->name) : NULL,
                            from->official_key,
                            config_at(k->arena, conf, "smev3", from->name, "official_key", CONFIG_LAST),
                            config_at(k->arena, conf, "smev3", from->name, "official_cert", CONFIG_LAST));
    }
}

const struct keyring_agency *keyring_official_find(const struct keyring *k, const char *queue)
{
    for (unsigned i = 0; i < k->nofficials; i++)
        if (strcmp(k->officials[i].code, queue) == 0)
            return &k->officials[i];
    return NULL;
}

enum err keyring_official_key(const struct keyring *k, const char *queue, int64_t now_s, const struct key **out,
                              struct error *e)
{
    const struct keyring_agency *official = keyring_official_find(k, queue);
    *out = NULL;
    if (official == NULL)
        return ERR_OK;
    if (!keyring_agency_signs(official, now_s))
        return error_set(e, ERR_AGENCY, "official of smev3 %s: nothing can be signed by this key now", queue);
    *out = official->key;
    return ERR_OK;
}

enum keyring_lack keyring_lack(const struct keyring *k, const char *agency, const char *queue, int64_t now_s)
{
    const struct keyring_agency *official = queue != NULL ? keyring_official_find(k, queue) : NULL;
    if (keyring_signing_key(k, agency, now_s) == NULL)
        return KEYRING_LACKS_AGENCY;
    return official != NULL && !keyring_agency_signs(official, now_s) ? KEYRING_LACKS_OFFICIAL : KEYRING_SIGNS;
}

/* ---- who signs what queues give ---- */

bool keyring_only_countersigns(const struct keyring *k, const struct keyring_sender *s)
{
    for (unsigned i = 0; i < k->nqueues; i++)
        if (strcmp(k->queues[i].smev, s->code) == 0)
            return false;
    return s->is_smev;
}

const struct config_smev3 *keyring_queue(const struct keyring *k, unsigned i)
{
    return i < k->nqueues ? &k->queues[i] : NULL;
}

struct smev3_policy keyring_smev3_policy(const struct keyring *k, struct arena *a, const char *smev, int64_t now_s)
{
    struct smev3_policy policy = {
        .allow_gost2001 = k->allow_gost2001, .trust = k->trust, .known = k->known, .now_s = now_s};
    const struct keyring_sender *s = smev != NULL ? keyring_sender_find(k, smev) : NULL;
    policy.tolerant = smev == NULL;
    if (smev == NULL)
        return policy;
    struct cert_set *signers = cert_set_new(a, s != NULL ? s->ncerts : 0);
    for (unsigned i = 0; s != NULL && i < s->ncerts; i++)
        if (s->certs[i].cert != NULL)
            cert_set_add(signers, s->certs[i].cert);
    policy.signers = signers;
    return policy;
}
