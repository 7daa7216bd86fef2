/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A bad configuration never replaces a good one (promise 6): what a reload must not take, of one agency or as a whole.
 * Revocation is obeyed: what is kept is judged by the lists and anchors that come with the new configuration.
 */
#include "request_private.h"

#include <string.h>

/* ---- one agency ---- */

/* NULL: k would let it sign now. Without a path to our own anchors it signs all the same: others may believe more. */
static const char *why_not(const struct keyring *k, const struct cert *c, int64_t now_s, struct arena *a)
{
    enum trust_reason reason;
    const char *why = keyring_objection(k, c, now_s, a, &reason);
    if (why != NULL && keyring_is_refusal(reason))
        return why;
    if (now_s < cert_signs_from(c))
        return "it is not valid yet";
    return now_s >= cert_signs_until(c) ? "it has expired" : NULL;
}

void keyring_keep_keys(struct keyring *next, const struct keyring *previous, int64_t now_s)
{
    for (unsigned i = 0; i < next->nagencies; i++) {
        struct keyring_agency *to = &next->agencies[i];
        const struct keyring_agency *old = keyring_agency_find(previous, to->code);
        if (to->key == NULL || to->trouble != NULL || old == NULL || old->key == NULL)
            continue;
        const char *why = why_not(next, key_cert(to->key), now_s, next->arena);
        if (why == NULL || why_not(next, key_cert(old->key), now_s, next->arena) != NULL)
            continue;
        to->trouble = arena_printf(next->arena, "%s: %s (%s)" KEYRING_KEPT, to->cert_file, why,
                                   cert_describe(next->arena, key_cert(to->key)));
        to->key = key_share(next->arena, old->key);
    }
}

/* ---- the whole ---- */

bool findings_signs(const struct findings *f)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->items[i].about == ABOUT_AGENCY && !f->items[i].is_stopped)
            return true;
    return false;
}

bool findings_is_believed(const struct findings *f)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->items[i].about == ABOUT_SENDER && !f->items[i].is_stopped && !f->items[i].is_smev)
            return true;
    return false;
}

/* A list may be why nobody is left, or a file is unreadable and what was loaded before stays. */
static bool may_be_taken(const struct findings *f)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->items[i].about == ABOUT_SENDER && !f->items[i].is_smev &&
            (f->items[i].is_by_list || f->items[i].is_mistake))
            return true;
    return false;
}

static bool is_obeyed(enum trust_reason reason)
{
    return reason == TRUST_REVOKED || reason == TRUST_NO_LIST;
}

/* c does its work with now, and next has no list against it. */
static bool is_lost(const struct keyring *now, const struct keyring *next, const struct cert *c, int64_t now_s,
                    struct arena *a)
{
    enum trust_reason reason;
    if (keyring_objection(now, c, now_s, a, &reason) != NULL)
        return false;
    return keyring_objection(next, c, now_s, a, &reason) == NULL || !is_obeyed(reason);
}

static bool callers_are_lost(const struct keyring *now, const struct keyring *next, int64_t now_s, struct arena *a)
{
    for (unsigned i = 0; i < now->nsenders; i++)
        for (unsigned j = 0; j < now->senders[i].ncerts && !now->senders[i].is_smev; j++)
            if (now->senders[i].certs[j].cert != NULL && is_lost(now, next, now->senders[i].certs[j].cert, now_s, a))
                return true;
    return false;
}

static bool signers_are_lost(const struct keyring *now, const struct keyring *next, int64_t now_s, struct arena *a)
{
    for (unsigned i = 0; i < now->nagencies; i++) {
        enum trust_reason reason;
        if (!keyring_agency_signs(&now->agencies[i], now_s))
            continue;
        if (keyring_objection(next, key_cert(now->agencies[i].key), now_s, a, &reason) == NULL ||
            reason != TRUST_REVOKED)
            return true;
    }
    return false;
}

const char *keyring_loss(const struct keyring *now, const struct keyring *next, const struct findings *f, int64_t now_s,
                         struct arena *a)
{
    static const char nobody_believed[] = "no sender would be believed", nobody_signs[] = "no agency could sign";
    bool is_believed = next->trust == NULL || findings_is_believed(f);
    if (now == NULL) /* whose agencies keep what they sign with */
        return !is_believed && !may_be_taken(f) ? nobody_believed : NULL;
    bool needs_signer = now->trust != NULL || next->nagencies > 0;
    if (needs_signer && !findings_signs(f) && signers_are_lost(now, next, now_s, a))
        return nobody_signs;
    return !is_believed && callers_are_lost(now, next, now_s, a) ? nobody_believed : NULL;
}
