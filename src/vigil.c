/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "vigil.h"

#include "clock.h"
#include "log.h"
#include "preparation.h"

#include <stdlib.h>
#include <string.h>

#define VIGIL_EVERY_MS 10000

/* The findings about one agency, sender or listener, which stand together; those of [trust] have no name. */
struct party {
    enum finding_about about;
    const char *code;
    const struct finding *items;
    unsigned n;
};

/* What a look found. */
struct look {
    struct arena *arena;
    struct findings all;
    const struct finding **sorted; /* [all.n], by what they are about */
    struct party *parties;
    unsigned nparties;
};

struct vigil {
    struct arena *arena;
    struct loop *loop;
    struct service *service;
    struct timer *timer;
    struct look *kept; /* the last; NULL: not yet */
    bool is_busy, is_stopped;
    struct tls_set *tls; /* in use */
    struct tls_retired *retired;
    struct keyring *keys;       /* being judged by a worker, */
    struct tls_set *judged_tls; /* as this is, */
    struct look *found;         /* who writes here */
};

/* ---- a look ---- */

static struct look *look_new(void)
{
    struct arena *a = arena_new();
    struct look *k = arena_alloc(a, sizeof *k);
    k->arena = a;
    return k;
}

static void look_free(struct look *k)
{
    if (k != NULL)
        arena_free(k->arena);
}

static int finding_compare(const struct finding *a, const struct finding *b)
{
    int order = (int)a->about - (int)b->about;
    if (order == 0)
        order = strcmp(a->code, b->code);
    if (order == 0)
        order = strcmp(a->at, b->at);
    return order != 0 ? order : strcmp(a->subject, b->subject);
}

/* What is said twice of one thing, a mistake and what goes on in spite of it, stays in its order. */
static int by_subject_in_order(const void *a, const void *b)
{
    const struct finding *x = *(const struct finding *const *)a, *y = *(const struct finding *const *)b;
    int order = finding_compare(x, y);
    return order != 0 ? order : (x > y) - (x < y);
}

static bool is_finding_of(const struct party *p, const struct finding *f)
{
    return p != NULL && p->about == f->about && strcmp(p->code, f->code) == 0;
}

/* When all is found: there are thousands where a region has one instance. May run on a worker. */
static void look_sort(struct look *k)
{
    unsigned n = k->all.n;
    k->sorted = arena_array(k->arena, n + 1, sizeof(struct finding *));
    k->parties = arena_array(k->arena, n + 1, sizeof *k->parties);
    struct party *last = NULL;
    for (unsigned i = 0; i < n; i++) {
        const struct finding *f = k->sorted[i] = &k->all.items[i];
        if (!is_finding_of(last, f)) {
            last = &k->parties[k->nparties++];
            *last = (struct party){.about = f->about, .code = f->code, .items = f};
        }
        last->n++;
    }
    qsort(k->sorted, n, sizeof *k->sorted, by_subject_in_order);
}

/* ---- judging ---- */

static void keep(struct vigil *v, struct look *k)
{
    look_free(v->kept);
    v->kept = k;
}

/* Of each that is found what was found of it before, or NULL. */
static const struct finding **pair_up(const struct look *was, const struct look *is)
{
    const struct finding **old = arena_array(is->arena, is->all.n + 1, sizeof(struct finding *));
    unsigned at = 0;
    for (unsigned i = 0; i < is->all.n; i++) {
        const struct finding *item = is->sorted[i];
        while (at < was->all.n && finding_compare(was->sorted[at], item) < 0)
            at++;
        if (at < was->all.n && finding_compare(was->sorted[at], item) == 0)
            old[item - is->all.items] = was->sorted[at++];
    }
    return old;
}

/* States are not logged, changes are. */
static void log_news(const struct vigil *v, const struct look *k)
{
    static const enum log_level levels[] = {LOG_LEVEL_NOTICE, LOG_LEVEL_WARNING, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR};
    const struct finding **before = pair_up(v->kept, k);
    for (unsigned i = 0; i < k->all.n; i++) {
        const struct finding *item = &k->all.items[i], *old = before[i];
        if (old != NULL ? old->level != item->level || old->is_stopped != item->is_stopped
                        : item->level != FINDING_GOOD)
            log_event(levels[item->level], item->level == FINDING_GOOD ? "trouble-over" : "trouble", "about",
                      finding_abouts[item->about], "code", item->code, "at", item->at, "detail", item->text, NULL);
    }
}

static void judge_work(void *arg)
{
    struct vigil *v = arg;
    int64_t now_s = clock_wall_us() / 1000000;
    keyring_judge(v->keys, now_s, v->found->arena, &v->found->all);
    tls_set_judge(v->judged_tls, now_s, v->found->arena, &v->found->all);
    look_sort(v->found);
}

static void judge_done(void *arg)
{
    struct vigil *v = arg;
    bool is_current = !v->is_stopped && service_keyring(v->service) == v->keys && v->tls == v->judged_tls;
    v->is_busy = false;
    keyring_unref(v->keys);
    tls_set_unref(v->judged_tls);
    if (is_current) {
        log_news(v, v->found);
        keep(v, v->found);
    } else {
        look_free(v->found);
    }
    v->found = NULL;
}

static void copy_finding(struct look *to, struct finding item)
{
    item.code = arena_strdup(to->arena, item.code);
    item.at = arena_strdup(to->arena, item.at);
    item.subject = arena_strdup(to->arena, item.subject);
    item.text = arena_strdup(to->arena, item.text);
    findings_add(to->arena, &to->all, item);
}

static void vigil_tick(void *arg)
{
    struct vigil *v = arg;
    tls_retired_look(&v->retired, v->loop);
    if (v->is_busy)
        return;
    v->is_busy = true;
    v->judged_tls = v->tls;
    tls_set_ref(v->judged_tls);
    v->keys = service_keyring(v->service);
    keyring_ref(v->keys);
    v->found = look_new();
    worker_run(v->loop, judge_work, judge_done, v);
}

void vigil_take(struct vigil *v, const struct findings *f, struct tls_set *tls)
{
    struct look *k = look_new();
    struct tls_set *before = v->tls;
    for (unsigned i = 0; i < f->n; i++)
        copy_finding(k, f->items[i]);
    look_sort(k);
    keep(v, k);
    v->tls = tls;
    tls_retire(&v->retired, before, tls);
    tls_set_unref(before);
}

struct tls_set *vigil_tls(const struct vigil *v)
{
    return v->tls;
}

struct vigil *vigil_start(struct loop *l, struct service *s, const struct findings *first, struct tls_set *tls)
{
    struct arena *a = arena_new();
    struct vigil *v = arena_alloc(a, sizeof *v);
    *v = (struct vigil){.arena = a, .loop = l, .service = s};
    vigil_take(v, first, tls);
    v->timer = timer_start(l, VIGIL_EVERY_MS, VIGIL_EVERY_MS, vigil_tick, v);
    return v;
}

void vigil_stop(struct vigil *v)
{
    if (v == NULL)
        return;
    timer_stop(v->timer);
    v->is_stopped = true;
}

void vigil_free(struct vigil *v)
{
    if (v == NULL)
        return;
    look_free(v->kept);
    tls_set_unref(v->tls);
    tls_retired_free(&v->retired);
    arena_free(v->arena);
}

/* ---- telling ---- */

static void add_text(struct buf *out, const char *text)
{
    if (out->n > 0)
        buf_add_char(out, ',');
    buf_add_json(out, span_of(text));
}

static bool has(const struct vigil *v, enum finding_about about)
{
    for (unsigned i = 0; i < v->kept->nparties; i++)
        if (v->kept->parties[i].about == about)
            return true;
    return false;
}

bool vigil_read(const struct vigil *v, struct buf *reasons_json)
{
    bool can_sign = !has(v, ABOUT_AGENCY) || findings_signs(&v->kept->all);
    bool is_believed = !has(v, ABOUT_SENDER) || findings_is_believed(&v->kept->all);
    if (!can_sign)
        add_text(reasons_json, "no agency can sign");
    if (!is_believed)
        add_text(reasons_json, "no sender would be believed");
    return can_sign && is_believed;
}

static bool party_is_served(const struct party *p)
{
    bool is_served = true;
    for (unsigned i = 0; i < p->n; i++)
        is_served &= !p->items[i].is_stopped;
    return is_served;
}

/* What is bad of one party: reasons when it is not served, else warnings (NULL: of no interest); true: it is served. */
static bool party_read(const struct party *p, struct buf *reasons, struct buf *warnings)
{
    bool is_served = party_is_served(p);
    struct buf *to = is_served ? warnings : reasons;
    for (unsigned i = 0; i < p->n && to != NULL; i++)
        if (p->items[i].level == FINDING_BAD)
            add_text(to, p->items[i].text);
    return is_served;
}

/* A party that is not ready has a reason: its own, and those of the daemon, which concern everybody. */
static void party_write(const struct party *p, struct span daemon_reasons, struct arena *a, struct buf *out)
{
    struct buf reasons, warnings;
    buf_init(&reasons, a, 256);
    buf_init(&warnings, a, 256);
    bool is_ready = party_read(p, &reasons, &warnings) && daemon_reasons.n == 0;
    if (reasons.n > 0 && daemon_reasons.n > 0)
        buf_add_char(&reasons, ',');
    buf_add_span(&reasons, daemon_reasons);
    buf_add_json(out, span_of(p->code));
    buf_printf(out, ":{\"ready\":%s,\"reasons\":[", is_ready ? "true" : "false");
    buf_add_span(out, buf_span(&reasons));
    buf_add_str(out, "],\"warnings\":[");
    buf_add_span(out, buf_span(&warnings));
    buf_add_str(out, "]}");
}

static void parties_write(const struct vigil *v, enum finding_about about, struct span daemon_reasons, struct buf *out)
{
    const char *comma = "";
    struct arena *a = arena_new();
    for (unsigned i = 0; i < v->kept->nparties; i++) {
        if (v->kept->parties[i].about != about)
            continue;
        buf_add_str(out, comma);
        comma = ",";
        party_write(&v->kept->parties[i], daemon_reasons, a, out);
    }
    arena_free(a);
}

/* An official is no key of the answer: whose trouble it is the text must say. */
static void trouble_write(const struct finding *f, struct arena *a, struct buf *out)
{
    const char *text = f->text;
    if (f->about == ABOUT_OFFICIAL)
        text = arena_printf(a, "%s %s: %s", finding_abouts[f->about], f->code, f->text);
    buf_add_json(out, span_of(text));
}

void vigil_write(const struct vigil *v, struct span daemon_reasons, struct buf *out)
{
    buf_add_str(out, ",\"agencies\":{");
    parties_write(v, ABOUT_AGENCY, daemon_reasons, out);
    buf_add_str(out, "},\"senders\":{");
    parties_write(v, ABOUT_SENDER, daemon_reasons, out);
    buf_add_str(out, "},\"listeners\":{");
    parties_write(v, ABOUT_LISTENER, daemon_reasons, out);
    buf_add_str(out, "},\"troubles\":[");
    bool is_first = true;
    struct arena *a = arena_new_small();
    for (unsigned i = 0; i < v->kept->all.n; i++) {
        if (v->kept->all.items[i].level == FINDING_GOOD)
            continue;
        buf_add_str(out, is_first ? "" : ",");
        trouble_write(&v->kept->all.items[i], a, out);
        is_first = false;
    }
    buf_add_str(out, "]");
    arena_free(a);
}

bool vigil_read_agency(const struct vigil *v, const char *code, bool *is_ready, struct buf *reasons_json)
{
    for (unsigned i = 0; i < v->kept->nparties; i++) {
        const struct party *p = &v->kept->parties[i];
        if (p->about != ABOUT_AGENCY || strcmp(p->code, code) != 0)
            continue;
        *is_ready = party_read(p, reasons_json, NULL);
        return true;
    }
    *is_ready = false;
    return false;
}

void vigil_metrics_write(const struct vigil *v, struct buf *out)
{
    unsigned n[4] = {0};
    const struct look *k = v->kept;
    for (unsigned i = 0; i < k->all.n; i++)
        n[k->all.items[i].level]++;
    buf_add_str(out, "# HELP zapisd_trust_findings Certificates, anchors and revocation lists of the configuration, by "
                     "what the last look found.\n# TYPE zapisd_trust_findings gauge\n");
    for (unsigned i = 0; i < 4; i++)
        buf_printf(out, "zapisd_trust_findings{level=\"%s\"} %u\n", i == FINDING_BAD ? "bad" : finding_words[i], n[i]);
    tls_set_metrics_write(v->tls, out);
    buf_add_str(out, "# HELP zapisd_sender_ready Whether a sender has a certificate that would be believed.\n"
                     "# TYPE zapisd_sender_ready gauge\n");
    for (unsigned i = 0; i < k->nparties; i++)
        if (k->parties[i].about == ABOUT_SENDER)
            buf_printf(out, "zapisd_sender_ready{sender=\"%s\"} %d\n", k->parties[i].code,
                       party_is_served(&k->parties[i]));
}
