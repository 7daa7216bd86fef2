/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whom to believe in a world, by RFC 5280 sections 5.2.4, 6.1 and 6.3.3 and docs/decisions/0305 and 0312, over the
 * numbers a world is made of: nothing of it has seen a certificate. Everything is tried, nothing is remembered.
 */
#pragma once

#include "worlds.h"

struct model {
    const struct world *w;
    int at;                   /* the instant */
    enum place as[CERTS_MAX]; /* where each counts as standing */
    bool believed[4][KEYS];   /* names and keys that are being proven: their lists speak of their own signers */
};

static bool model_is_over(const struct model *m, int from, int to)
{
    return m->at < from || m->at >= to;
}

/* ---- what is loaded ---- */

/* What nobody could judge is left out; of the leaf and what was sent it is told when they are judged. */
static bool model_is_odd(const struct wcert *c)
{
    return c->is_strange || c->is_double;
}

static bool model_has_issued(const struct wcert *issuer, const struct wcert *c)
{
    return issuer->name == c->issuer_name && issuer->key == c->signer_key;
}

/* Of clients' authorities, which are in one file, those that nobody else of it has issued are the anchors. */
static bool model_is_below(const struct world *w, int i)
{
    const struct wcert *c = &w->certs[i];
    if (model_has_issued(c, c))
        return false;
    for (int j = 0; j < w->ncerts; j++)
        if (j != i && w->certs[j].place == PLACE_ANCHOR && model_has_issued(&w->certs[j], c))
            return true;
    return false;
}

static struct model model_of(const struct world *w, int at)
{
    struct model m = {.w = w, .at = at};
    bool has_top = false;
    for (int i = 0; i < w->ncerts; i++) {
        m.as[i] = w->certs[i].place;
        has_top |= m.as[i] == PLACE_ANCHOR && !model_is_below(w, i);
    }
    for (int i = 0; i < w->ncerts; i++) {
        if (w->is_of_clients && has_top && m.as[i] == PLACE_ANCHOR && model_is_below(w, i))
            m.as[i] = PLACE_CHAIN;
        if (model_is_odd(&w->certs[i]) && (m.as[i] == PLACE_ANCHOR || m.as[i] == PLACE_CHAIN))
            m.as[i] = PLACE_NOWHERE;
        if (w->certs[i].wants_reasons && m.as[i] == PLACE_CHAIN)
            m.as[i] = PLACE_NOWHERE;
    }
    return m;
}

/* ---- lists ---- */

static bool model_is_list(const struct wlist *l)
{
    bool is_bad = l->is_strange || l->is_double || l->to == WITHOUT || l->scope >= SCOPE_REASONS ||
                  (l->base != WITHOUT && (l->number == WITHOUT || l->number < l->base));
    for (int i = 0; i < l->nentries; i++) {
        is_bad |= l->entries[i].ext == ENTRY_STRANGE || l->entries[i].ext == ENTRY_OTHER_ISSUER;
        is_bad |= l->entries[i].reason == CRL_REASON_REMOVE_FROM_CRL && l->base == WITHOUT;
    }
    return !is_bad;
}

static bool model_may_have_signed(const struct model *m, int i, const struct wlist *l)
{
    const struct wcert *c = &m->w->certs[i];
    return (m->as[i] == PLACE_ANCHOR || m->as[i] == PLACE_CHAIN) && c->name == l->name && c->key == l->key &&
           (c->usage == 0 || (c->usage & USE_LISTS) != 0);
}

static bool model_has_signer(const struct model *m, const struct wlist *l)
{
    bool has = false;
    for (int i = 0; i < m->w->ncerts; i++)
        has |= model_may_have_signed(m, i, l);
    return has && model_is_list(l);
}

static bool model_is_same_issuer(const struct model *m, const struct wlist *a, const struct wlist *b)
{
    return a->name == b->name && a->key == b->key && a->scope == b->scope && model_has_signer(m, a) &&
           model_has_signer(m, b);
}

/* Section 5.2.3; where one of a series has no number, all of it goes by date. */
static bool model_is_newer(const struct model *m, const struct wlist *a, const struct wlist *b)
{
    bool is_dated = false;
    for (int i = 0; i < m->w->nlists; i++) {
        const struct wlist *o = &m->w->lists[i];
        is_dated |= o->number == WITHOUT && o->base == WITHOUT && b->base == WITHOUT && model_is_same_issuer(m, o, b);
    }
    return !is_dated && a->number != b->number ? a->number > b->number : a->from > b->from;
}

static bool model_is_outdated(const struct model *m, const struct wlist *l)
{
    for (int i = 0; i < m->w->nlists && l->base == WITHOUT; i++) {
        const struct wlist *o = &m->w->lists[i];
        if (o != l && o->base == WITHOUT && o->from <= m->at && model_is_same_issuer(m, o, l) &&
            model_is_newer(m, o, l))
            return true;
    }
    return false;
}

static const struct wentry *model_entry(const struct wlist *l, const struct wcert *c)
{
    for (int i = 0; i < l->nentries; i++)
        if (l->entries[i].serial == c->serial)
            return &l->entries[i];
    return NULL;
}

static bool model_covers(const struct wlist *l, const struct wcert *c)
{
    bool is_authority = c->is_ca && (c->usage == 0 || (c->usage & USE_CERTS) != 0);
    return !(l->scope == SCOPE_USERS && is_authority) && !(l->scope == SCOPE_AUTHORITIES && !is_authority) &&
           !(l->scope == SCOPE_POINT && !(c->names_point && !c->wants_reasons));
}

/* The newest delta list that names it has the word about a hold of l. */
static bool model_hold_is_over(const struct model *m, const struct wlist *l, const struct wcert *c)
{
    const struct wlist *newest = NULL;
    for (int i = 0; i < m->w->nlists; i++) {
        const struct wlist *d = &m->w->lists[i];
        if (d->base != WITHOUT && d->from <= m->at && model_entry(d, c) != NULL && model_is_same_issuer(m, d, l) &&
            (newest == NULL || d->number > newest->number || (d->number == newest->number && d->from > newest->from)))
            newest = d;
    }
    const struct wentry *held = model_entry(l, c), *ended = newest != NULL ? model_entry(newest, c) : NULL;
    return held != NULL && ended != NULL && held->reason == CRL_REASON_CERTIFICATE_HOLD && l->number != WITHOUT &&
           l->number >= newest->base && newest->number > l->number && newest->to > m->at &&
           ended->reason == CRL_REASON_REMOVE_FROM_CRL;
}

static bool model_is_outdone(const struct model *m, const struct wlist *delta)
{
    for (int i = 0; i < m->w->nlists; i++) {
        const struct wlist *l = &m->w->lists[i];
        if (l->base == WITHOUT && l->number != WITHOUT && l->from <= m->at && l->number >= delta->number &&
            model_is_same_issuer(m, l, delta))
            return true;
    }
    return false;
}

static bool model_revokes(const struct model *m, const struct wlist *l, const struct wcert *c)
{
    const struct wentry *e = model_entry(l, c);
    return e != NULL && e->reason != CRL_REASON_REMOVE_FROM_CRL && !model_hold_is_over(m, l, c) &&
           (l->base == WITHOUT || !model_is_outdone(m, l));
}

/* ---- paths ---- */

enum errand_of { OF_LEAF, OF_LIST_SIGNER };
static bool model_leads(struct model *m, int *path, int n, enum errand_of what, int target);

/* Section 6.3.3 (f): the issuer on the path signed it, or somebody of its name who leads to the same anchor. */
static bool model_is_proven(struct model *m, int list, const int *path, int n, int i)
{
    const struct wlist *l = &m->w->lists[list];
    const struct wcert *c = &m->w->certs[path[i]];
    if (i + 1 < n ? model_may_have_signed(m, path[i + 1], l) : c->signer_key == l->key)
        return true;
    if (m->believed[l->name][l->key])
        return true;
    bool is = false;
    m->believed[l->name][l->key] = true;
    for (int s = 0; s < m->w->ncerts && !is; s++) {
        int other[CERTS_MAX + 1] = {s};
        is = model_may_have_signed(m, s, l) && model_leads(m, other, 1, OF_LIST_SIGNER, path[n - 1]);
    }
    m->believed[l->name][l->key] = false;
    return is;
}

static bool model_is_revoked_or_unknown(struct model *m, const int *path, int n, int i)
{
    const struct wcert *c = &m->w->certs[path[i]];
    bool has_whole = false, has_fresh = false, has_strange = false;
    for (int k = 0; k < m->w->nlists; k++) {
        const struct wlist *l = &m->w->lists[k];
        if (l->name != c->issuer_name)
            continue;
        if (!model_has_signer(m, l)) {
            has_strange = true;
            continue;
        }
        if (!model_covers(l, c) || model_is_outdated(m, l) || l->from > m->at)
            continue;
        if (!model_is_proven(m, k, path, n, i)) {
            has_strange = true;
            continue;
        }
        if (model_revokes(m, l, c))
            return true;
        has_whole |= l->base == WITHOUT;
        has_fresh |= l->base == WITHOUT && l->to > m->at;
    }
    if (i == n - 1)
        return false; /* an anchor is believed because it was put there */
    return !has_fresh && (m->w->is_required || (has_strange && !has_whole));
}

/* Dates, purposes, extensions, lengths; section 6.1.4 and what OpenSSL asks of an anchor too. */
static bool model_is_fit(const struct model *m, const int *path, int n, int i, enum errand_of what)
{
    const struct wcert *c = &m->w->certs[path[i]];
    bool is_anchor = i == n - 1;
    int between = 0;
    if (model_is_over(m, c->from, c->to) || model_is_odd(c) || (c->wants_reasons && (!is_anchor || i == 0)))
        return false;
    if (i == 0)
        return what != OF_LEAF || c->usage == 0 || (c->usage & USE_SIGN) != 0;
    for (int j = 1; j < i; j++)
        between += m->w->certs[path[j]].name != m->w->certs[path[j]].issuer_name;
    return c->is_ca && (c->usage == 0 || (c->usage & USE_CERTS) != 0) &&
           (i == 1 || c->pathlen == WITHOUT || between <= c->pathlen);
}

static bool model_path_is_good(struct model *m, const int *path, int n, enum errand_of what)
{
    bool is_good = true;
    for (int i = 0; i < n && is_good; i++)
        is_good = model_is_fit(m, path, n, i, what);
    for (int i = 0; i < n && is_good; i++)
        is_good = !model_is_revoked_or_unknown(m, path, n, i);
    return is_good;
}

static bool model_will_do(const struct model *m, int anchor, int target)
{
    const struct wcert *a = &m->w->certs[anchor], *b = &m->w->certs[target < 0 ? anchor : target];
    return a->name == b->name && a->key == b->key;
}

/* Every way on from the last of the path; target: the anchor it has to be, by name and key; -1: any. */
static bool model_leads(struct model *m, int *path, int n, enum errand_of what, int target)
{
    if (n == 1 && m->as[path[0]] == PLACE_ANCHOR && model_will_do(m, path[0], target))
        return model_path_is_good(m, path, n, what);
    if (model_has_issued(&m->w->certs[path[n - 1]], &m->w->certs[path[n - 1]]))
        return false; /* who has signed itself is the end of a path */
    for (int i = 0; i < m->w->ncerts; i++) {
        bool is_used =
            m->as[i] == PLACE_ANCHOR || m->as[i] == PLACE_CHAIN || (m->as[i] == PLACE_SENT && what == OF_LEAF);
        bool is_there = false;
        for (int j = 0; j < n; j++)
            is_there |= path[j] == i;
        if (!is_used || is_there || !model_has_issued(&m->w->certs[i], &m->w->certs[path[n - 1]]))
            continue;
        path[n] = i;
        if (m->as[i] != PLACE_ANCHOR ? model_leads(m, path, n + 1, what, target)
                                     : model_will_do(m, i, target) && model_path_is_good(m, path, n + 1, what))
            return true;
    }
    return false;
}

static bool model_believes(const struct world *w, int at)
{
    struct model m = model_of(w, at);
    int path[CERTS_MAX + 1] = {0};
    return model_leads(&m, path, 1, OF_LEAF, -1);
}
