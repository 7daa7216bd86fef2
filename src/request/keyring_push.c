/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The keyring towards the portal: in whose name what is signed, for whom, and whose answer is believed. */
#include "request_private.h"

#include <string.h>

void keyring_take_pushes(struct keyring *k, const struct config *conf)
{
    k->pushes = arena_array(k->arena, conf->npushes + 1, sizeof *k->pushes);
    for (unsigned i = 0; i < conf->npushes; i++)
        config_push_copy(k->arena, &conf->pushes[i], &k->pushes[k->npushes++]);
}

const struct config_push *keyring_push(const struct keyring *k, unsigned i)
{
    return i < k->npushes ? &k->pushes[i] : NULL;
}

const struct config_push *keyring_push_of(const struct keyring *k, const char *agency)
{
    for (unsigned i = 0; i < k->npushes; i++)
        if (strcmp(k->pushes[i].agency, agency) == 0)
            return &k->pushes[i];
    return NULL;
}

const struct key *keyring_signing_key(const struct keyring *k, const char *agency, int64_t now_s)
{
    const struct keyring_agency *a = keyring_agency_find(k, agency);
    return a != NULL && keyring_agency_signs(a, now_s) ? a->key : NULL;
}

struct smev_party keyring_party(const struct keyring *k, const char *code)
{
    const struct keyring_agency *agency = keyring_agency_find(k, code);
    const struct keyring_sender *sender = keyring_sender_find(k, code);
    return (struct smev_party){.code = code,
                               .name = agency != NULL   ? agency->name
                                       : sender != NULL ? sender->name
                                                        : code};
}

struct wsse_policy keyring_policy(const struct keyring *k, int64_t now_s, int64_t age_max_s)
{
    return (struct wsse_policy){.allow_gost2001 = k->allow_gost2001,
                                .trust = k->trust,
                                .known = k->known,
                                .now_s = now_s,
                                .require_smev = true,
                                .age_max_s = age_max_s};
}

bool keyring_is_signer(const struct keyring *k, const char *code, const struct cert *signer)
{
    const struct keyring_sender *s = keyring_sender_of(k, signer);
    if (s == NULL)
        return false;
    return code == NULL ? s->is_smev : !s->is_smev && strcmp(s->code, code) == 0;
}
