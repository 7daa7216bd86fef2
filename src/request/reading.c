/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The step `normalize`: every request is settled (settle.h); then a lenient caller's is rewritten before the schema
 * sees it, a strict caller's passes by. Who the caller is: the signer, or on a plain listener the listener. What was
 * put right is counted and logged by kind.
 */
#include "reading.h"

#include "request_private.h"
#include "settle.h"

#include <string.h>

bool reading_is_lenient(const struct request *r)
{
    return r->reading != NULL && r->reading->mode == READING_LENIENT;
}

bool reading_allows(const struct request *r, enum leniency kind)
{
    return reading_is_lenient(r) && r->reading->lenient[kind];
}

enum step_result step_normalize(struct request *r)
{
    settle_request(r->arena, xml_root(r->bare), r->request.method);
    if (!reading_is_lenient(r))
        return STEP_NEXT;
    /* What the wrapper needed was noted while it was taken off. */
    const struct normalized outside = r->normalized;
    struct xml_doc *strict;
    if (normalize(r->arena, xml_root(r->bare), r->request.method, r->reading, &strict, &r->fields, &r->normalized,
                  &r->error) != ERR_OK)
        return STEP_FAIL;
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        r->normalized.used[i] += outside.used[i];
    r->bare = strict;
    return STEP_NEXT;
}

struct soap_style reading_style(const struct request *r)
{
    if (r->reading == NULL)
        return (struct soap_style){0};
    return (struct soap_style){.children = r->normalized.children,
                               .omit_error_on_success = r->reading->omit_error_on_success,
                               .status_as_text = r->reading->status_as_text,
                               .single_timeslot = r->reading->single_timeslot};
}

static bool is_used(const struct request *r)
{
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        if (r->normalized.used[i] > 0)
            return true;
    return false;
}

const char *reading_used(const struct request *r)
{
    if (!is_used(r))
        return NULL;
    struct buf b;
    buf_init(&b, r->arena, 64);
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        if (r->normalized.used[i] > 0)
            buf_printf(&b, "%s%s", b.n > 0 ? "," : "", leniency_names[i]);
    return b.p;
}

static const char *caller_of(const struct request *r)
{
    return r->sender != NULL ? r->sender->code : r->source->name;
}

void reading_count(struct leniency_counter **list, struct arena *a, const struct request *r)
{
    if (!is_used(r))
        return;
    struct leniency_counter *c = *list;
    while (c != NULL && strcmp(c->caller, caller_of(r)) != 0)
        c = c->next;
    if (c == NULL) {
        c = arena_alloc(a, sizeof *c);
        c->caller = arena_strdup(a, caller_of(r)); /* a reload may take the sender away */
        c->next = *list;
        *list = c;
    }
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        c->n[i] += r->normalized.used[i] > 0;
}

void reading_metrics_write(const struct leniency_counter *list, struct buf *out)
{
    buf_add_str(out, "# HELP zapisd_leniency_total Messages that needed a leniency to be read, granted or not.\n"
                     "# TYPE zapisd_leniency_total counter\n");
    for (const struct leniency_counter *c = list; c != NULL; c = c->next)
        for (unsigned i = 0; i < LENIENCY_COUNT; i++)
            if (c->n[i] > 0)
                buf_printf(out, "zapisd_leniency_total{kind=\"%s\",sender=\"%s\"} %llu\n", leniency_names[i], c->caller,
                           (unsigned long long)c->n[i]);
}
