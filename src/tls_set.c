/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "tls_set.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

/* ---- the set ---- */

struct tls_set *tls_set_new(unsigned room)
{
    struct arena *a = arena_new();
    struct tls_set *s = arena_alloc(a, sizeof *s);
    *s = (struct tls_set){.arena = a, .refs = 1, .entries = arena_array(a, room + 1, sizeof(struct tls_entry))};
    return s;
}

void tls_set_ref(struct tls_set *s)
{
    s->refs++;
}

void tls_set_unref(struct tls_set *s)
{
    if (s != NULL && --s->refs == 0)
        arena_free(s->arena);
}

static void set_ctx_let_go(void *p)
{
    tls_ctx_unref(p);
}

struct tls_entry *tls_set_add(struct tls_set *s, const struct tls_entry *e)
{
    struct tls_entry *to = &s->entries[s->n++];
    *to = *e;
    if (e->ctx != NULL)
        arena_defer(s->arena, set_ctx_let_go, tls_ctx_ref(e->ctx));
    to->name = arena_strdup(s->arena, e->name);
    to->ciphers = arena_strdup(s->arena, e->ciphers);
    to->cert_file = arena_strdup(s->arena, e->cert_file);
    to->cert_at = arena_strdup(s->arena, e->cert_at);
    to->ca_at = arena_strdup(s->arena, e->ca_at);
    to->crl_at = arena_strdup(s->arena, e->crl_at);
    for (unsigned i = 0; i < e->ntroubles; i++)
        to->troubles[i] = (struct tls_trouble){arena_strdup(s->arena, e->troubles[i].at),
                                               arena_strdup(s->arena, e->troubles[i].text)};
    return to;
}

const struct tls_entry *tls_set_find(const struct tls_set *s, const char *name)
{
    for (unsigned i = 0; s != NULL && i < s->n; i++)
        if (strcmp(s->entries[i].name, name) == 0)
            return &s->entries[i];
    return NULL;
}

/* ---- what was replaced ---- */

struct tls_retired {
    struct tls_retired *next;
    struct tls_ctx *ctx;
};

static bool is_used(const struct tls_set *s, const struct tls_ctx *ctx)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->entries[i].ctx == ctx)
            return true;
    return false;
}

void tls_retire(struct tls_retired **list, const struct tls_set *before, const struct tls_set *next)
{
    for (unsigned i = 0; before != NULL && i < before->n; i++) {
        struct tls_ctx *ctx = before->entries[i].ctx;
        if (ctx == NULL || is_used(next, ctx))
            continue;
        struct tls_retired *r = calloc(1, sizeof *r);
        if (r == NULL)
            continue; /* whoever has it last frees it, slow or not */
        *r = (struct tls_retired){*list, tls_ctx_ref(ctx)};
        *list = r;
    }
}

static void ctx_free_work(void *arg)
{
    tls_ctx_unref(arg);
}

void tls_retired_look(struct tls_retired **list, struct loop *l)
{
    for (struct tls_retired *r; (r = *list) != NULL;) {
        if (tls_ctx_is_shared(r->ctx)) {
            list = &r->next;
            continue;
        }
        *list = r->next;
        worker_run_alone(l, ctx_free_work, NULL, r->ctx);
        free(r);
    }
}

void tls_retired_free(struct tls_retired **list)
{
    for (struct tls_retired *r; (r = *list) != NULL; free(r)) {
        *list = r->next;
        tls_ctx_unref(r->ctx);
    }
}

/* ---- judging ---- */

static bool is_current(const struct trust_item *item, int64_t now_s)
{
    return item->refused == NULL && now_s >= item->not_before && now_s < item->not_after;
}

bool tls_is_current(const struct tls_ctx *ctx, int64_t now_s)
{
    unsigned n;
    return is_current(tls_ctx_own(ctx, &n), now_s);
}

static struct finding finding_of(const struct tls_entry *e, const char *at, struct arena *a)
{
    return (struct finding){.about = ABOUT_LISTENER, .code = arena_strdup(a, e->name), .at = arena_strdup(a, at)};
}

static const char *when(const struct trust_item *item, int64_t now_s, struct arena *a)
{
    long long days = (long long)((item->not_after - now_s) / DAY_S);
    if (item->refused != NULL)
        return arena_strdup(a, item->refused);
    if (is_current(item, now_s))
        return arena_printf(a, "%lld days left", days);
    return now_s < item->not_before ? "is not valid yet" : "has expired";
}

/* One of its chain that is out of date may be there for old callers only. */
static void judge_own(const struct tls_entry *e, const struct trust_item *item, bool is_first, int64_t now_s,
                      struct arena *a, struct findings *f)
{
    struct finding found = finding_of(e, e->cert_at, a);
    bool is_good = is_current(item, now_s);
    bool is_soon = item->not_after - now_s < (int64_t)FINDING_SOON_DAYS * DAY_S;
    found.is_stopped = is_first && !is_good;
    found.level = is_good ? (is_soon ? FINDING_SOON : FINDING_GOOD) : is_first ? FINDING_BAD : FINDING_WARN;
    found.subject = is_first ? arena_strdup(a, e->cert_file)
                             : arena_printf(a, "%s: the authority [%s] behind the certificate, serial %s", e->cert_file,
                                            item->label, item->serial);
    found.text = arena_printf(a, "%s: %s%s", found.subject, when(item, now_s, a),
                              found.is_stopped ? ": callers will not connect" : "");
    findings_add(a, f, found);
}

static void judge_clients(const struct tls_entry *e, const struct trust *clients, int64_t now_s, struct arena *a,
                          struct findings *f)
{
    struct trust_place place = {.about = ABOUT_LISTENER,
                                .code = e->name,
                                .of = "of clients: ",
                                .at = {[TRUST_ANCHOR] = e->ca_at, [TRUST_CHAIN] = e->ca_at, [TRUST_CRL] = e->crl_at},
                                .is_strict = true};
    findings_add_trust(clients, &place, now_s, a, f);
    if (!trust_is_over(clients, now_s))
        return;
    struct finding found = finding_of(e, e->ca_at, a);
    found.level = FINDING_BAD;
    found.subject = found.text = "of clients: no anchor is in date: no client's certificate is believed";
    findings_add(a, f, found);
}

void tls_entry_judge(const struct tls_entry *e, int64_t now_s, struct arena *a, struct findings *f)
{
    unsigned n = 0;
    for (unsigned i = 0; i < e->ntroubles; i++) {
        struct finding found = finding_of(e, e->troubles[i].at, a);
        found.level = FINDING_BAD;
        found.is_mistake = true;
        found.subject = found.text = arena_strdup(a, e->troubles[i].text);
        findings_add(a, f, found);
    }
    const struct trust_item *own = e->ctx != NULL ? tls_ctx_own(e->ctx, &n) : NULL;
    for (unsigned i = 0; i < n; i++)
        judge_own(e, &own[i], i == 0, now_s, a, f);
    if (e->ctx != NULL && tls_ctx_clients(e->ctx) != NULL)
        judge_clients(e, tls_ctx_clients(e->ctx), now_s, a, f);
}

void tls_set_judge(const struct tls_set *s, int64_t now_s, struct arena *a, struct findings *f)
{
    for (unsigned i = 0; i < s->n; i++)
        tls_entry_judge(&s->entries[i], now_s, a, f);
}

/* ---- metrics ---- */

enum gauge { GAUGE_CERTIFICATE, GAUGE_CLIENT_CA, GAUGE_CLIENT_CRL, GAUGES };

static bool gauge_read(const struct tls_ctx *ctx, enum gauge which, int64_t *out)
{
    unsigned n;
    const struct trust *clients = tls_ctx_clients(ctx);
    if (which == GAUGE_CERTIFICATE) {
        *out = tls_ctx_own(ctx, &n)->not_after;
        return true;
    }
    if (clients == NULL)
        return false;
    *out = which == GAUGE_CLIENT_CA ? trust_anchor_not_after(clients) : trust_crl_next_update(clients);
    return which == GAUGE_CLIENT_CA || *out != 0;
}

void tls_set_metrics_write(const struct tls_set *s, struct buf *out)
{
    static const struct {
        const char *name, *help;
    } gauges[GAUGES] = {
        {"zapisd_tls_certificate_expiry_timestamp_seconds", "notAfter of a listener's certificate in use."},
        {"zapisd_tls_client_ca_expiry_timestamp_seconds", "Earliest notAfter of the anchors of a listener's clients."},
        {"zapisd_tls_client_crl_next_update_timestamp_seconds",
         "Earliest nextUpdate of the revocation lists a listener's clients are judged by."},
    };
    for (unsigned g = 0; g < GAUGES; g++) {
        buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", gauges[g].name, gauges[g].help, gauges[g].name);
        for (unsigned i = 0; i < s->n; i++) {
            int64_t value = 0;
            if (s->entries[i].ctx != NULL && gauge_read(s->entries[i].ctx, (enum gauge)g, &value))
                buf_printf(out, "%s{listener=\"%s\"} %lld\n", gauges[g].name, s->entries[i].name, (long long)value);
        }
    }
}
