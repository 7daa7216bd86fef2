/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What was turned away, and why: a counter a reason and a line at a bounded rate, so that no client is refused without
 * a trace and no crowd of them fills the log. Paths come without
 * their query, and are told like types of content only where they are of a harmless form (told.h).
 */
#include "conn.h"

#include "log.h"
#include "told.h"

#include <stdio.h>
#include <string.h>

static void refusal_count(struct loop *l, int status, const char *reason)
{
    unsigned i = 0;
    while (i < l->nrefusals && (l->refusals[i].status != status || strcmp(l->refusals[i].reason, reason) != 0))
        i++;
    if (i == LOOP_REFUSALS_MAX) {
        l->refusals[i - 1].count++;
        return;
    }
    if (i == l->nrefusals)
        l->refusals[l->nrefusals++] =
            (struct net_refusal){.status = status, .reason = i + 1 < LOOP_REFUSALS_MAX ? reason : "other"};
    l->refusals[i].count++;
}

void refusal_tell(struct loop *l, enum log_level level, const struct refusal *r)
{
    char code[12];
    refusal_count(l, r->status, r->reason);
    (void)snprintf(code, sizeof(code), "%d", r->status);
    log_bounded(level, LOG_BURST, r->status == 0 ? "connection-cut" : "http-refused", r->reason, "peer", r->peer,
                "status", r->status == 0 ? NULL : code, "reason", r->reason, "method", r->method, "path",
                told_path(r->path), "content_type", told_path(r->content_type), "detail", r->detail, NULL);
}

void http_refuse(const struct http_request *req, int status, const char *reason, const char *text, const char *headers)
{
    struct exchange *x = req->exchange;
    struct refusal r = {.status = status,
                        .reason = reason,
                        .peer = req->peer,
                        .method = req->method,
                        .path = req->path,
                        .content_type = status == 415 ? http_header(req, "Content-Type") : NULL};
    if (status == 415 && r.content_type == NULL)
        r.content_type = "none";
    if (x->conn != NULL)
        refusal_tell(x->conn->loop, LOG_LEVEL_INFO, &r);
    http_respond(x, &(struct http_response){.status = status,
                                            .content_type = "text/plain; charset=utf-8",
                                            .body = span_of(text),
                                            .extra_headers = headers});
}

unsigned loop_refusals(const struct loop *l, const struct net_refusal **out)
{
    *out = l->refusals;
    return l->nrefusals;
}
