/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who signed is not whom the configuration names. Most often a sender has changed his certificate and nobody was told,
 * so the one with the same subject is looked for: his section is where the new one belongs, once its owner confirms
 * the fingerprint. What a message says of its sender is told only where it is a word of the configuration.
 */
#include "signer.h"

#include <string.h>

/* Whose certificate has the subject of this one: it may have been renewed. */
static const struct keyring_sender *namesake_of(const struct keyring *k, const struct cert *signer)
{
    for (unsigned i = 0; i < k->nsenders; i++)
        for (unsigned j = 0; j < k->senders[i].ncerts; j++)
            if (k->senders[i].certs[j].cert != NULL && cert_has_subject_of(k->senders[i].certs[j].cert, signer))
                return &k->senders[i];
    return NULL;
}

static const char *config_of(const struct request *r)
{
    return r->service->conf->path != NULL ? r->service->conf->path : "the configuration";
}

static const char *advice_to_add(struct request *r, const struct cert *signer, bool as_smev)
{
    const struct keyring_sender *old = namesake_of(r->keys, signer);
    if (old != NULL)
        return arena_printf(
            r->arena,
            "[sender %s] has one with this subject: once its owner confirms the fingerprint, add it there "
            "as another cert = (%s), then reload",
            old->code, config_of(r));
    return arena_printf(
        r->arena,
        "if it may call, and once its owner confirms the fingerprint, name it as cert = of a [sender CODE]"
        "%s (%s), then reload",
        as_smev ? " with smev = yes" : "", config_of(r));
}

enum err signer_unknown(struct request *r, const struct cert *signer, const struct keyring_sender *owner, bool as_smev)
{
    const char *who = cert_describe(r->arena, signer);
    if (owner == NULL)
        return cert_refused(&r->error, ERR_SENDER, who,
                            as_smev ? "the signer of actors/recipient is no [sender] of the configuration"
                                    : "the signer of actors/smev is no [sender] of the configuration",
                            advice_to_add(r, signer, as_smev));
    const char *why = arena_printf(r->arena,
                                   as_smev ? "the signer of actors/recipient is [sender %s], and not SMEV"
                                           : "the signer of actors/smev is [sender %s], which is SMEV itself",
                                   owner->code);
    const char *advice = arena_printf(r->arena,
                                      as_smev ? "if it is SMEV, its section wants smev = yes (%s)"
                                              : "if it is not SMEV, smev = yes is wrong there (%s)",
                                      config_of(r));
    return cert_refused(&r->error, ERR_SENDER, who, why, advice);
}

enum err signer_differs(struct request *r, const char *claimed)
{
    const struct keyring_sender *other = NULL;
    for (unsigned i = 0; claimed != NULL && i < r->keys->nsenders && other == NULL; i++)
        if (strcmp(r->keys->senders[i].code, claimed) == 0)
            other = &r->keys->senders[i];
    const char *advice =
        other == NULL
            ? arena_printf(r->arena,
                           "its owner has to write %s into smev:Sender/Code; or its section has the wrong code (%s)",
                           r->sender->code, config_of(r))
            : arena_printf(r->arena,
                           "the message says [sender %s]: if that one signs with it, its cert = belongs there (%s)",
                           other->code, config_of(r));
    return cert_refused(&r->error, ERR_SENDER, cert_describe(r->arena, r->wsse.smev.signer),
                        arena_printf(r->arena, "smev:Sender is not the signer, who is [sender %s]", r->sender->code),
                        advice);
}
