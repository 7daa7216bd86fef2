/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who of the configuration would be believed today, found out before anybody calls: by trust_judge(), which is what
 * judges the signers of messages. What `check`, a start, a reload, /readyz and the metrics say comes from here.
 */
#include "request_private.h"

#include "clock.h"

#include <string.h>

#define DAY_S 86400

struct judge {
    struct keyring *keys; /* NULL: lists and authorities alone are told of */
    int64_t now_s;
    struct arena *a;
    struct findings *out;
};

/* Of what is near, hours and minutes: lists live for days. */
static const char *days_text(struct judge *j, int64_t end_s)
{
    bool is_over = end_s <= j->now_s;
    long long s = (long long)(is_over ? j->now_s - end_s : end_s - j->now_s);
    long long n = s < 2LL * 3600 ? s / 60 : s < 2LL * DAY_S ? s / 3600 : s / DAY_S;
    const char *unit = s < 2LL * 3600 ? "minutes" : s < 2LL * DAY_S ? "hours" : "days";
    return arena_printf(j->a, is_over ? "ended %lld %s ago" : "%lld %s left", n, unit);
}

/* A list says itself how long it lives: the last quarter of it is soon, for the next one is usually there by then. */
static enum finding_level level_of_list(const struct judge *j, const struct trust_item *t)
{
    return (t->not_after - j->now_s) * 4 < t->not_after - t->not_before ? FINDING_SOON : FINDING_GOOD;
}

static enum finding_level level_of_end(const struct judge *j, int64_t end_s)
{
    return end_s - j->now_s < (int64_t)FINDING_SOON_DAYS * DAY_S ? FINDING_SOON : FINDING_GOOD;
}

/* ---- one certificate ---- */

const char *keyring_objection(const struct keyring *k, const struct cert *c, int64_t now_s, struct arena *a,
                              enum trust_reason *reason)
{
    struct trust_verdict v = {.reason = TRUST_BROKEN};
    struct error why = {0};
    enum sign_alg alg;
    *reason = TRUST_BROKEN;
    if (cert_sign_alg(c, &alg, &why) != ERR_OK)
        return arena_strdup(a, why.detail);
    if (alg == SIGN_GOST2001 && !k->allow_gost2001) /* ours is never one: key_load() */
        return "its key is GOST R 34.10-2001 and allow_gost2001 = no";
    *reason = TRUST_GOOD;
    if (k->trust != NULL && trust_judge(k->trust, c, now_s, &v, &why) != ERR_OK) {
        *reason = v.reason;
        return arena_strdup(a, why.detail);
    }
    *reason = TRUST_DATES;
    if (now_s < cert_signs_from(c))
        return "it is not valid yet";
    if (now_s >= cert_signs_until(c))
        return "it has expired";
    *reason = TRUST_GOOD;
    return NULL;
}

static const char *cert_text(struct judge *j, const char *file, const struct cert *c, const char *what)
{
    return arena_printf(j->a, "%s: %s (%s)", file, what, cert_describe(j->a, c));
}

/* ---- senders ---- */

static struct finding judge_cert(struct judge *j, const struct keyring_sender *s, const struct keyring_cert *c)
{
    struct finding f = {.about = ABOUT_SENDER, .code = arena_strdup(j->a, s->code), .at = arena_strdup(j->a, c->at)};
    enum trust_reason reason;
    f.subject = arena_strdup(j->a, c->file);
    f.level = FINDING_BAD;
    f.is_stopped = true;
    f.is_smev = keyring_only_countersigns(j->keys, s);
    if (c->cert == NULL) {
        f.is_mistake = true;
        f.text = arena_strdup(j->a, c->trouble);
        return f;
    }
    const char *why = keyring_objection(j->keys, c->cert, j->now_s, j->a, &reason);
    if (why != NULL) {
        f.is_by_list = reason == TRUST_REVOKED;
        f.text = cert_text(j, c->file, c->cert, why);
        return f;
    }
    f.is_stopped = false;
    f.level = level_of_end(j, cert_signs_until(c->cert));
    f.text = cert_text(j, c->file, c->cert, days_text(j, cert_signs_until(c->cert)));
    return f;
}

/* An old certificate beside a good one is what a change of keys looks like: worth a word, no harm. A file that cannot
 * be read is a mistake wherever it stands. */
static void judge_sender(struct judge *j, const struct keyring_sender *s)
{
    unsigned first = j->out->n;
    bool is_served = false;
    for (unsigned i = 0; i < s->ncerts; i++) {
        struct finding f = judge_cert(j, s, &s->certs[i]);
        is_served |= !f.is_stopped;
        findings_add(j->a, j->out, f);
    }
    for (unsigned i = 0; i < s->ncerts && is_served; i++) {
        struct finding *f = &j->out->items[first + i];
        f->is_stopped = false;
        if (f->level == FINDING_BAD && s->certs[i].cert != NULL)
            f->level = FINDING_WARN;
    }
}

/* ---- agencies ---- */

/* Peers may believe whom we were not told to believe: then we sign, and say it. Its own dates are looked at for each
 * message. */
bool keyring_is_refusal(enum trust_reason reason)
{
    return reason == TRUST_BROKEN || reason == TRUST_USAGE || reason == TRUST_REVOKED;
}

/* what: becomes of it while it cannot sign. */
static void judge_signer(struct judge *j, struct keyring_agency *g, enum finding_about about, const char *what)
{
    struct finding f = {.about = about, .code = arena_strdup(j->a, g->code), .at = arena_strdup(j->a, g->at)};
    enum trust_reason reason = TRUST_GOOD;
    f.subject = arena_strdup(j->a, g->cert_file);
    f.level = FINDING_BAD;
    if (g->key == NULL) {
        f.is_stopped = f.is_mistake = true;
        f.text = arena_printf(j->a, "%s; %s", g->trouble, what);
        findings_add(j->a, j->out, f);
        return;
    }
    const struct cert *c = key_cert(g->key);
    const char *why = keyring_objection(j->keys, c, j->now_s, j->a, &reason);
    atomic_store_explicit(&g->is_refused, keyring_is_refusal(reason), memory_order_relaxed);
    f.is_stopped = !keyring_agency_signs(g, j->now_s);
    if (g->trouble != NULL) {
        struct finding kept = f;
        kept.is_stopped = false;
        kept.is_mistake = true;
        kept.text = arena_strdup(j->a, g->trouble);
        findings_add(j->a, j->out, kept);
    }
    if (why == NULL)
        f.level = level_of_end(j, cert_signs_until(c));
    else if (reason == TRUST_NO_LIST)
        f.level = FINDING_WARN;
    f.text = cert_text(
        j, g->cert_file, c,
        why == NULL ? days_text(j, cert_signs_until(c))
        : f.is_stopped
            ? arena_printf(j->a, "%s; %s", why, what)
            : arena_printf(j->a, "%s; a portal that trusts the same authorities as [trust] will refuse its answers",
                           why));
    findings_add(j->a, j->out, f);
}

/* ---- what it rests on ---- */

static const char *item_words(struct judge *j, const struct trust_item *t, const struct trust_place *place,
                              enum finding_level *level)
{
    bool is_over = j->now_s >= t->not_after;
    if (t->refused != NULL) {
        *level = FINDING_BAD;
        return t->sha256 == NULL ? arena_printf(j->a, "not used: %s", t->refused)
                                 : arena_printf(j->a, "not used: %s (certificate sha256 %s)", t->refused, t->sha256);
    }
    *level = FINDING_GOOD;
    if (t->is_superseded)
        return "there is a newer one";
    *level = FINDING_WARN;
    if (j->now_s < t->not_before)
        return "is not valid yet";
    if (is_over && t->kind == TRUST_CRL && place->is_strict) {
        *level = FINDING_BAD;
        return arena_printf(j->a, "%s: whom this authority issued is refused", days_text(j, t->not_after));
    }
    if (!is_over && t->lacks_list && place->is_strict)
        return "there is no revocation list of it: whom it issued is refused";
    if (!is_over)
        *level = t->kind == TRUST_CRL ? level_of_list(j, t) : level_of_end(j, t->not_after);
    return days_text(j, t->not_after);
}

static void judge_item(struct judge *j, const struct trust_item *t, const struct trust_place *place)
{
    static const char *const kinds[] = {"anchor", "authority", "revocation list of"};
    struct finding f = {
        .about = place->about, .code = arena_strdup(j->a, place->code), .at = arena_strdup(j->a, place->at[t->kind])};
    const char *what = item_words(j, t, place, &f.level);
    f.subject = arena_printf(j->a, "%s%s [%s], %s %s", place->of, kinds[t->kind], t->label,
                             t->kind == TRUST_CRL ? "number" : "serial", t->serial);
    f.text = arena_printf(j->a, "%s: %s", f.subject, what);
    findings_add(j->a, j->out, f);
}

void findings_add_trust(const struct trust *t, const struct trust_place *place, int64_t now_s, struct arena *a,
                        struct findings *f)
{
    struct judge j = {.now_s = now_s, .a = a, .out = f};
    unsigned n = 0;
    const struct trust_item *items = trust_items(t, &n);
    for (unsigned i = 0; i < n; i++)
        judge_item(&j, &items[i], place);
}

void keyring_judge(struct keyring *k, int64_t now_s, struct arena *a, struct findings *f)
{
    struct judge j = {.keys = k, .now_s = now_s, .a = a, .out = f};
    struct trust_place place = {
        .about = ABOUT_TRUST,
        .code = "",
        .of = "",
        .at = {[TRUST_ANCHOR] = k->anchors_at, [TRUST_CHAIN] = k->chain_at, [TRUST_CRL] = k->crl_at}};
    if (k->trust != NULL)
        findings_add_trust(k->trust, &place, now_s, a, f);
    for (unsigned i = 0; i < k->nagencies; i++)
        judge_signer(&j, &k->agencies[i], ABOUT_AGENCY, "nothing is booked in its name");
    for (unsigned i = 0; i < k->nofficials; i++)
        judge_signer(&j, &k->officials[i], ABOUT_OFFICIAL, "what is answered by this queue waits");
    for (unsigned i = 0; i < k->nsenders && k->trust != NULL; i++)
        judge_sender(&j, &k->senders[i]);
}

/* ---- metrics ---- */

void keyring_metrics_write(const struct keyring *k, struct buf *out)
{
    int64_t now_s = clock_wall_us() / 1000000;
    buf_add_str(out, "# HELP zapisd_certificate_expiry_timestamp_seconds notAfter of a certificate in use.\n"
                     "# TYPE zapisd_certificate_expiry_timestamp_seconds gauge\n");
    for (unsigned i = 0; i < k->nagencies; i++)
        if (k->agencies[i].key != NULL)
            buf_printf(out, "zapisd_certificate_expiry_timestamp_seconds{usage=\"sign\",agency=\"%s\"} %lld\n",
                       k->agencies[i].code, (long long)cert_not_after(key_cert(k->agencies[i].key)));
    for (unsigned i = 0; i < k->nofficials; i++)
        if (k->officials[i].key != NULL)
            buf_printf(out, "zapisd_certificate_expiry_timestamp_seconds{usage=\"official\",queue=\"%s\"} %lld\n",
                       k->officials[i].code, (long long)cert_not_after(key_cert(k->officials[i].key)));
    if (k->trust != NULL)
        buf_printf(out, "zapisd_certificate_expiry_timestamp_seconds{usage=\"anchor\",agency=\"\"} %lld\n",
                   (long long)trust_anchor_not_after(k->trust));
    buf_add_str(out, "# HELP zapisd_agency_ready Whether an answer can be signed in the name of an agency.\n"
                     "# TYPE zapisd_agency_ready gauge\n");
    for (unsigned i = 0; i < k->nagencies; i++)
        buf_printf(out, "zapisd_agency_ready{agency=\"%s\"} %d\n", k->agencies[i].code,
                   keyring_agency_signs(&k->agencies[i], now_s));
    if (k->trust == NULL)
        return;
    buf_add_str(out, "# HELP zapisd_sender_certificate_expiry_timestamp_seconds Until when a certificate of a sender "
                     "may sign.\n# TYPE zapisd_sender_certificate_expiry_timestamp_seconds gauge\n");
    for (unsigned i = 0; i < k->nsenders; i++)
        for (unsigned m = 0; m < k->senders[i].ncerts; m++)
            if (k->senders[i].certs[m].cert != NULL)
                buf_printf(out,
                           "zapisd_sender_certificate_expiry_timestamp_seconds{sender=\"%s\",number=\"%u\"} %lld\n",
                           k->senders[i].code, m + 1, (long long)cert_signs_until(k->senders[i].certs[m].cert));
    buf_printf(out,
               "# HELP zapisd_crl_next_update_timestamp_seconds nextUpdate of the revocation list, 0 without one.\n"
               "# TYPE zapisd_crl_next_update_timestamp_seconds gauge\n"
               "zapisd_crl_next_update_timestamp_seconds %lld\n",
               (long long)trust_crl_next_update(k->trust));
}
