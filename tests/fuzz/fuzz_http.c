/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * HTTP framing: arbitrary bytes. Beyond not crashing, the invariant: fed whole, byte by byte, or cut where the first
 * input byte says, the parser tells the same story; and another reader finds the same requests in what it lets in.
 */
#include "net/http.h"

#include "unit/net/witness.h"

#include <stdlib.h>
#include <string.h>

#define STORY_MAX 64

struct story {
    unsigned n;
    uint64_t events[STORY_MAX];
};

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * UINT64_C(1099511628211);
    return h;
}

static void tell(struct story *s, uint64_t event)
{
    if (s->n < STORY_MAX)
        s->events[s->n++] = event;
}

static uint64_t message_hash(const struct http_message *m)
{
    uint64_t h = UINT64_C(14695981039346656037);
    h = mix(h, m->method, strlen(m->method));
    h = mix(h, m->path, strlen(m->path));
    h = mix(h, m->query, strlen(m->query));
    h = mix(h, &m->keep_alive, sizeof(m->keep_alive));
    h = mix(h, m->body.p, m->body.n);
    for (unsigned i = 0; i < m->field_count; i++)
        h = mix(h, m->head.p + m->fields[i].value, m->fields[i].value_n);
    return h;
}

static void feed(struct http_parser *p, const char *data, size_t n, struct story *s)
{
    size_t done = 0;
    while (done < n && http_parser_phase(p) != HTTP_PHASE_REFUSED) {
        size_t used = 0;
        enum http_event event = http_parser_feed(p, data + done, n - done, &used);
        done += used;
        if (event == HTTP_EV_HEAD) {
            tell(s, 1);
        } else if (event == HTTP_EV_REFUSED) {
            struct http_refusal why = http_parser_refusal(p);
            tell(s, (uint64_t)why.status);
        } else if (event == HTTP_EV_REQUEST) {
            struct http_message *m = http_parser_take(p);
            (void)http_message_header(m, "SOAPAction");
            tell(s, message_hash(m));
            http_message_free(m);
        } else if (done != n) {
            abort();
        }
    }
}

static const struct http_limits limits = {
    .head_max_bytes = 1024, .headers_max = 12, .body_max_bytes = 2048, .pipeline_max = 8, .connections_max = 1};

static void story_of(const char *data, size_t n, size_t cut, size_t step, struct story *s)
{
    struct http_parser *p = http_parser_new(&limits);
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < n;) {
        size_t take = i == 0 && cut > 0 ? cut : step;
        take = take > n - i ? n - i : take;
        feed(p, data + i, take, s);
        i += take;
    }
    tell(s, (uint64_t)http_parser_phase(p) << 32);
    http_parser_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size < 2)
        return 0;
    const char *data = (const char *)input + 1;
    size_t n = size - 1;
    struct story whole;
    struct story bytewise;
    struct story cut;
    story_of(data, n, 0, n, &whole);
    story_of(data, n, 0, 1, &bytewise);
    story_of(data, n, input[0] % n, n, &cut);
    if (memcmp(&whole, &bytewise, sizeof(whole)) != 0 || memcmp(&whole, &cut, sizeof(whole)) != 0)
        abort();
    struct confrontation all = {.limits = &limits};
    if (witness_confront(&all, data, n) != NULL)
        abort();
    return 0;
}
