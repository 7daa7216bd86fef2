/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "vigil.h"

#include "clock.h"
#include "log.h"
#include "preparation.h"

#include <string.h>

#define VIGIL_EVERY_MS 10000

struct vigil {
    struct arena *arena;
    struct loop *loop;
    struct service *service;
    struct timer *timer;
    struct arena *kept_in; /* what was found last */
    struct findings kept;
    bool is_busy, is_stopped;
    struct keyring *keys; /* being judged by a worker */
    struct arena *found_in;
    struct findings found;
};

/* ---- judging ---- */

static void keep(struct vigil *v, struct arena *in, const struct findings *f)
{
    arena_free(v->kept_in);
    v->kept_in = in;
    v->kept = *f;
}

static const struct finding *kept_like(const struct vigil *v, const struct finding *f)
{
    for (unsigned i = 0; i < v->kept.n; i++) {
        const struct finding *k = &v->kept.items[i];
        if (k->about == f->about && strcmp(k->code, f->code) == 0 && strcmp(k->at, f->at) == 0 &&
            strcmp(k->subject, f->subject) == 0)
            return k;
    }
    return NULL;
}

/* States are not logged, changes are. */
static void log_news(const struct vigil *v, const struct findings *f)
{
    static const char *const kinds[] = {"agency", "sender", "trust", "listener"};
    static const enum log_level levels[] = {LOG_LEVEL_NOTICE, LOG_LEVEL_WARNING, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR};
    for (unsigned i = 0; i < f->n; i++) {
        const struct finding *item = &f->items[i], *old = kept_like(v, item);
        if (old != NULL ? old->level != item->level || old->is_stopped != item->is_stopped
                        : item->level != FINDING_GOOD)
            log_event(levels[item->level], item->level == FINDING_GOOD ? "trouble-over" : "trouble", "about",
                      kinds[item->about], "code", item->code, "at", item->at, "detail", item->text, NULL);
    }
}

static void judge_work(void *arg)
{
    struct vigil *v = arg;
    keyring_judge(v->keys, clock_wall_us() / 1000000, v->found_in, &v->found);
}

static void judge_done(void *arg)
{
    struct vigil *v = arg;
    bool is_current = !v->is_stopped && service_keyring(v->service) == v->keys;
    v->is_busy = false;
    keyring_unref(v->keys);
    if (is_current) {
        log_news(v, &v->found);
        keep(v, v->found_in, &v->found);
    } else {
        arena_free(v->found_in);
    }
}

static void copy_finding(struct findings *to, struct arena *a, struct finding item)
{
    item.code = arena_strdup(a, item.code);
    item.at = arena_strdup(a, item.at);
    item.subject = arena_strdup(a, item.subject);
    item.text = arena_strdup(a, item.text);
    findings_add(a, to, item);
}

/* The certificates for TLS are those of the start, whatever was read since. */
static void copy_listeners(const struct vigil *v, struct findings *to, struct arena *a)
{
    for (unsigned i = 0; i < v->kept.n; i++) {
        struct finding item = v->kept.items[i];
        if (item.about != ABOUT_LISTENER)
            continue;
        preparation_tls_judge(&item, clock_wall_us() / 1000000, a);
        copy_finding(to, a, item);
    }
}

static void vigil_tick(void *arg)
{
    struct vigil *v = arg;
    if (v->is_busy)
        return;
    v->is_busy = true;
    v->keys = service_keyring(v->service);
    keyring_ref(v->keys);
    v->found_in = arena_new();
    v->found = (struct findings){0};
    copy_listeners(v, &v->found, v->found_in);
    worker_run(v->loop, judge_work, judge_done, v);
}

void vigil_take(struct vigil *v, const struct findings *f)
{
    struct arena *a = arena_new();
    struct findings copy = {0};
    bool is_first = v->kept_in == NULL;
    copy_listeners(v, &copy, a);
    for (unsigned i = 0; i < f->n; i++)
        if (is_first || f->items[i].about != ABOUT_LISTENER)
            copy_finding(&copy, a, f->items[i]);
    keep(v, a, &copy);
}

const char *vigil_other_tls(const struct vigil *v, const struct findings *f, struct arena *a)
{
    const char *names = "";
    for (unsigned i = 0; i < f->n; i++) {
        const struct finding *item = &f->items[i], *used = item->about == ABOUT_LISTENER ? kept_like(v, item) : NULL;
        if (used != NULL && (used->from_s != item->from_s || used->until_s != item->until_s))
            names = arena_printf(a, "%s%s[listener %s] another certificate in %s", names, *names != '\0' ? ", " : "",
                                 item->code, item->subject);
    }
    return names;
}

struct vigil *vigil_start(struct loop *l, struct service *s, const struct findings *first)
{
    struct arena *a = arena_new();
    struct vigil *v = arena_alloc(a, sizeof *v);
    *v = (struct vigil){.arena = a, .loop = l, .service = s};
    vigil_take(v, first);
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
    arena_free(v->kept_in);
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
    for (unsigned i = 0; i < v->kept.n; i++)
        if (v->kept.items[i].about == about)
            return true;
    return false;
}

bool vigil_read(const struct vigil *v, struct buf *reasons_json)
{
    bool can_sign = !has(v, ABOUT_AGENCY) || findings_signs(&v->kept);
    bool is_believed = !has(v, ABOUT_SENDER) || findings_is_believed(&v->kept);
    if (!can_sign)
        add_text(reasons_json, "no agency can sign");
    if (!is_believed)
        add_text(reasons_json, "no sender would be believed");
    return can_sign && is_believed;
}

/* What is bad of one party: reasons when it is not served, else warnings (NULL: of no interest); true: it is served. */
static bool party_read(const struct vigil *v, enum finding_about about, const char *code, struct buf *reasons,
                       struct buf *warnings)
{
    bool is_served = true;
    for (unsigned i = 0; i < v->kept.n; i++)
        if (v->kept.items[i].about == about && strcmp(v->kept.items[i].code, code) == 0)
            is_served &= !v->kept.items[i].is_stopped;
    struct buf *to = is_served ? warnings : reasons;
    for (unsigned i = 0; i < v->kept.n && to != NULL; i++) {
        const struct finding *f = &v->kept.items[i];
        if (f->about == about && strcmp(f->code, code) == 0 && f->level == FINDING_BAD)
            add_text(to, f->text);
    }
    return is_served;
}

static bool is_first_of(const struct vigil *v, unsigned i)
{
    const struct finding *f = &v->kept.items[i];
    for (unsigned j = 0; j < i; j++)
        if (v->kept.items[j].about == f->about && strcmp(v->kept.items[j].code, f->code) == 0)
            return false;
    return true;
}

/* A party that is not ready has a reason: its own, and those of the daemon, which concern everybody. */
static void parties_write(const struct vigil *v, enum finding_about about, struct span daemon_reasons, struct buf *out)
{
    bool is_first = true;
    struct arena *a = arena_new();
    for (unsigned i = 0; i < v->kept.n; i++) {
        const struct finding *f = &v->kept.items[i];
        if (f->about != about || !is_first_of(v, i))
            continue;
        struct buf reasons, warnings;
        buf_init(&reasons, a, 256);
        buf_init(&warnings, a, 256);
        bool is_ready = party_read(v, about, f->code, &reasons, &warnings) && daemon_reasons.n == 0;
        if (reasons.n > 0 && daemon_reasons.n > 0)
            buf_add_char(&reasons, ',');
        buf_add_span(&reasons, daemon_reasons);
        buf_add_str(out, is_first ? "" : ",");
        buf_add_json(out, span_of(f->code));
        buf_printf(out, ":{\"ready\":%s,\"reasons\":[", is_ready ? "true" : "false");
        buf_add_span(out, buf_span(&reasons));
        buf_add_str(out, "],\"warnings\":[");
        buf_add_span(out, buf_span(&warnings));
        buf_add_str(out, "]}");
        is_first = false;
    }
    arena_free(a);
}

void vigil_write(const struct vigil *v, struct span daemon_reasons, struct buf *out)
{
    buf_add_str(out, ",\"agencies\":{");
    parties_write(v, ABOUT_AGENCY, daemon_reasons, out);
    buf_add_str(out, "},\"senders\":{");
    parties_write(v, ABOUT_SENDER, daemon_reasons, out);
    buf_add_str(out, "},\"troubles\":[");
    bool is_first = true;
    for (unsigned i = 0; i < v->kept.n; i++) {
        if (v->kept.items[i].level == FINDING_GOOD)
            continue;
        buf_add_str(out, is_first ? "" : ",");
        buf_add_json(out, span_of(v->kept.items[i].text));
        is_first = false;
    }
    buf_add_str(out, "]");
}

bool vigil_read_agency(const struct vigil *v, const char *code, bool *is_ready, struct buf *reasons_json)
{
    bool is_there = false;
    for (unsigned i = 0; i < v->kept.n; i++)
        is_there |= v->kept.items[i].about == ABOUT_AGENCY && strcmp(v->kept.items[i].code, code) == 0;
    *is_ready = is_there && party_read(v, ABOUT_AGENCY, code, reasons_json, NULL);
    return is_there;
}

void vigil_metrics_write(const struct vigil *v, struct buf *out)
{
    unsigned n[4] = {0};
    for (unsigned i = 0; i < v->kept.n; i++)
        n[v->kept.items[i].level]++;
    buf_add_str(out, "# HELP zapisd_trust_findings Certificates, anchors and revocation lists of the configuration, by "
                     "what the last look found.\n# TYPE zapisd_trust_findings gauge\n");
    for (unsigned i = 0; i < 4; i++)
        buf_printf(out, "zapisd_trust_findings{level=\"%s\"} %u\n", i == FINDING_BAD ? "bad" : finding_words[i], n[i]);
    buf_add_str(out,
                "# HELP zapisd_tls_certificate_expiry_timestamp_seconds notAfter of a listener's certificate in use.\n"
                "# TYPE zapisd_tls_certificate_expiry_timestamp_seconds gauge\n");
    for (unsigned i = 0; i < v->kept.n; i++)
        if (v->kept.items[i].about == ABOUT_LISTENER)
            buf_printf(out, "zapisd_tls_certificate_expiry_timestamp_seconds{listener=\"%s\"} %lld\n",
                       v->kept.items[i].code, (long long)v->kept.items[i].until_s);
    buf_add_str(out, "# HELP zapisd_sender_ready Whether a sender has a certificate that would be believed.\n"
                     "# TYPE zapisd_sender_ready gauge\n");
    struct arena *a = arena_new();
    for (unsigned i = 0; i < v->kept.n; i++) {
        const struct finding *f = &v->kept.items[i];
        struct buf ignored;
        if (f->about != ABOUT_SENDER || !is_first_of(v, i))
            continue;
        buf_init(&ignored, a, 256);
        buf_printf(out, "zapisd_sender_ready{sender=\"%s\"} %d\n", f->code,
                   party_read(v, ABOUT_SENDER, f->code, &ignored, NULL));
    }
    arena_free(a);
}
