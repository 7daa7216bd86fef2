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

static void keep_key(struct keyring *next, struct keyring_agency *to, const struct keyring_agency *old, int64_t now_s)
{
    if (to->key == NULL || to->trouble != NULL || old == NULL || old->key == NULL)
        return;
    const char *why = why_not(next, key_cert(to->key), now_s, next->arena);
    if (why == NULL || why_not(next, key_cert(old->key), now_s, next->arena) != NULL)
        return;
    to->trouble = arena_printf(next->arena, "%s: %s (%s)" KEYRING_KEPT, to->cert_file, why,
                               cert_describe(next->arena, key_cert(to->key)));
    to->key = key_share(next->arena, old->key);
}

void keyring_keep_keys(struct keyring *next, const struct keyring *previous, int64_t now_s)
{
    for (unsigned i = 0; i < next->nagencies; i++)
        keep_key(next, &next->agencies[i], keyring_agency_find(previous, next->agencies[i].code), now_s);
    for (unsigned i = 0; i < next->nofficials; i++)
        keep_key(next, &next->officials[i], keyring_official_find(previous, next->officials[i].code), now_s);
}

/* ---- one sender ---- */

static const char *objection_to(const struct keyring *k, const struct cert *c, int64_t now_s)
{
    enum trust_reason reason;
    return keyring_objection(k, c, now_s, k->arena, &reason);
}

/* k would believe one of s's certificates now. */
static bool is_of_use(const struct keyring *k, const struct keyring_sender *s, int64_t now_s)
{
    for (unsigned i = 0; i < s->ncerts; i++)
        if (s->certs[i].cert != NULL && objection_to(k, s->certs[i].cert, now_s) == NULL)
            return true;
    return false;
}

static bool sender_has(const struct keyring_sender *s, const struct cert *c)
{
    for (unsigned i = 0; i < s->ncerts; i++)
        if (s->certs[i].cert != NULL && memcmp(cert_fingerprint(s->certs[i].cert), cert_fingerprint(c), 32) == 0)
            return true;
    return false;
}

/* What is new of it and of no use becomes a mistake. False: nothing is new; what was taken away is the operator's word.
 */
static bool mistakes_marked(struct keyring *next, struct keyring_sender *to, const struct keyring_sender *old,
                            int64_t now_s)
{
    bool is_any = false;
    for (unsigned i = 0; i < to->ncerts; i++) {
        struct keyring_cert *c = &to->certs[i];
        if (c->cert == NULL || sender_has(old, c->cert))
            continue;
        c->trouble = arena_printf(next->arena, "%s: %s (%s)", c->file, objection_to(next, c->cert, now_s),
                                  cert_describe(next->arena, c->cert));
        c->cert = NULL;
        is_any = true;
    }
    return is_any;
}

void keyring_keep_senders(struct keyring *next, const struct keyring *previous, int64_t now_s)
{
    bool is_anybody = false;
    for (unsigned i = 0; i < next->nsenders; i++)
        is_anybody |= !keyring_only_countersigns(next, &next->senders[i]) && is_of_use(next, &next->senders[i], now_s);
    for (unsigned i = 0; i < next->nsenders && next->trust != NULL; i++) {
        struct keyring_sender *to = &next->senders[i];
        const struct keyring_sender *old = keyring_sender_find(previous, to->code);
        if (old == NULL || is_of_use(next, to, now_s) || !is_of_use(next, old, now_s))
            continue;
        if ((is_anybody || to->is_smev) && mistakes_marked(next, to, old, now_s))
            keyring_sender_keep(next, to, old);
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

/* c does its work with now, and next has no list against it. That a list is missing or has run out is no word against
 * anybody: in the place of one that is in date such a file is a mistake like any other. */
static bool is_lost(const struct keyring *now, const struct keyring *next, const struct cert *c, int64_t now_s,
                    struct arena *a)
{
    enum trust_reason reason;
    if (keyring_objection(now, c, now_s, a, &reason) != NULL)
        return false;
    return keyring_objection(next, c, now_s, a, &reason) == NULL || reason != TRUST_REVOKED;
}

static bool callers_are_lost(const struct keyring *now, const struct keyring *next, int64_t now_s, struct arena *a)
{
    for (unsigned i = 0; i < now->nsenders; i++)
        for (unsigned j = 0; j < now->senders[i].ncerts && !keyring_only_countersigns(now, &now->senders[i]); j++)
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
