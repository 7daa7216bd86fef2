/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Who is called: which of the two endpoints of a queue, in which form, and what of it is silent. */
#include "adapter.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define CONNECT_MS  10000U
#define MESSAGE_MAX ((size_t)12 << 20)  /* structured content and attachments by value: 5 MB each, in base64 more */
#define SAID_MAX    ((size_t)256 << 10) /* what holds no message: some lines and a signature */
#define SILENT_US   UINT64_C(900000000) /* what was not asked again in that time is told no more */

enum smev3_version adapter_version(const struct config_smev3 *conf)
{
    static const enum smev3_version versions[] = {
        [SMEV3_SCHEMA_1_1] = SMEV3_1_1, [SMEV3_SCHEMA_1_2] = SMEV3_1_2, [SMEV3_SCHEMA_1_3] = SMEV3_1_3};
    return versions[conf->schema];
}

/* A reload may have taken the reserve away. */
const char *adapter_peer_endpoint(const struct adapter_peer *p, const struct config_smev3 *conf)
{
    return p->is_on_reserve && conf->endpoint_reserve != NULL ? conf->endpoint_reserve : conf->endpoint;
}

void adapter_peer_used(struct adapter_peer *p, const struct config_smev3 *conf, bool is_good)
{
    uint64_t now_us = clock_mono_us();
    if (is_good) {
        p->bad_since_us = 0;
        return;
    }
    if (p->bad_since_us == 0)
        p->bad_since_us = now_us;
    if (conf->endpoint_reserve == NULL || now_us - p->bad_since_us < conf->switch_after_ms * 1000)
        return;
    p->is_on_reserve = !p->is_on_reserve;
    p->bad_since_us = 0;
    log_event(LOG_LEVEL_WARNING, "queue", "source", conf->name, "endpoint", adapter_peer_endpoint(p, conf), "reason",
              "the other one is of no use", NULL);
}

void adapter_peer_failed(struct adapter_peer *p, const char *word)
{
    struct adapter_fault_count *f = p->faults, *last = f + ADAPTER_FAULT_WORDS - 1;
    while (f < last && f->word != NULL && strcmp(f->word, word) != 0)
        f++;
    f->word = f < last ? word : ADAPTER_FAULT_OTHER;
    f->n++;
}

/* ---- silence ---- */

static enum smev3_op op_of(unsigned kind)
{
    return kind == ADAPTER_KIND_STATUS      ? SMEV3_SEND_RESPONSE
           : kind == ADAPTER_KIND_REJECTION ? SMEV3_ACK
                                            : (enum smev3_op)kind;
}

const char *adapter_kind_name(unsigned kind)
{
    return kind == ADAPTER_KIND_STATUS      ? "RequestStatus"
           : kind == ADAPTER_KIND_REJECTION ? "Ack accepted=false"
                                            : smev3_op_name(op_of(kind));
}

/* A question that nothing answers is the fault of its queue; a change that nothing takes closes its lane. */
static bool is_told_by_caller(unsigned kind)
{
    return kind == SMEV3_GET_REQUEST || kind == SMEV3_GET_RESPONSE || kind == SMEV3_SEND_REQUEST;
}

void adapter_peer_heard(struct adapter_peer *p, const struct config_smev3 *conf, unsigned kind, const char *word)
{
    struct adapter_silence *s = &p->silences[kind];
    bool was_silent = s->since_us != 0;
    if (word != NULL) {
        s->n++;
        s->word = word;
        s->seen_us = clock_mono_us();
        s->since_us = was_silent ? s->since_us : s->seen_us;
    } else {
        s->since_us = 0;
    }
    if (was_silent != (word != NULL) && !is_told_by_caller(kind))
        log_bounded(word != NULL ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, 5, "smev3-silent", conf->name, "source",
                    conf->name, "operation", adapter_kind_name(kind), "fault", word != NULL ? word : "no", NULL);
}

bool adapter_peer_is_silent(const struct adapter_peer *p, unsigned kind)
{
    const struct adapter_silence *s = &p->silences[kind];
    return s->since_us != 0 && clock_mono_us() - s->seen_us < SILENT_US;
}

const char *adapter_peer_silences(struct arena *a, const struct adapter_peer *p)
{
    const char *all = NULL;
    for (unsigned kind = 0; kind < ADAPTER_KINDS; kind++) {
        const struct adapter_silence *s = &p->silences[kind];
        if (is_told_by_caller(kind) || !adapter_peer_is_silent(p, kind))
            continue;
        all = arena_printf(a, "%s%s%s (%s, for %" PRIu64 " s)", all != NULL ? all : "", all != NULL ? ", " : "",
                           adapter_kind_name(kind), s->word, (clock_mono_us() - s->since_us) / 1000000);
    }
    return all;
}

/* ---- a request ---- */

void adapter_request(struct arena *a, const struct adapter_peer *p, const struct config_smev3 *conf,
                     const char *endpoint, unsigned kind, struct span octets, uint64_t timeout_ms,
                     struct client_request *out)
{
    enum smev3_op op = op_of(kind);
    const char **headers = arena_array(a, 3, sizeof *headers);
    headers[0] = "Content-Type: text/xml; charset=UTF-8";
    headers[1] = arena_printf(a, "SOAPAction: \"%s\"", smev3_action(op));
    *out = (struct client_request){.url = endpoint,
                                   .whose = p->whose,
                                   .kind = kind,
                                   .headers = headers,
                                   .body = octets,
                                   .ca_file = strncmp(endpoint, "https:", 6) == 0 ? conf->ca : NULL,
                                   .connect_ms = timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS,
                                   .total_ms = timeout_ms,
                                   .answer_max_bytes =
                                       op == SMEV3_GET_REQUEST || op == SMEV3_GET_RESPONSE ? MESSAGE_MAX : SAID_MAX};
}
