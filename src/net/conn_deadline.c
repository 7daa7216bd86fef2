/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Every state a peer can keep a connection in has an end (reliability F10). One timer a connection; it is left alone
 * while it would fire early enough, because moving it at every request costs more than one needless look.
 */
#include "conn.h"

#define RATE_WINDOW_MS 5000

enum overdue {
    OVERDUE_NOTHING,
    OVERDUE_HANDSHAKE,
    OVERDUE_IDLE,
    OVERDUE_HEAD,
    OVERDUE_BODY,
    OVERDUE_RATE,
    OVERDUE_WRITE,
    OVERDUE_LINGER
};

struct deadline {
    uint64_t at_ms;
    enum overdue what;
};

static void earlier(struct deadline *d, uint64_t at_ms, enum overdue what)
{
    if (d->what == OVERDUE_NOTHING || at_ms < d->at_ms)
        *d = (struct deadline){at_ms, what};
}

static size_t body_bytes(const struct conn *c)
{
    const struct http_message *m = http_parser_message(c->parser);
    return m == NULL ? 0 : m->body.n;
}

/*
 * The minimum rate of a body holds for every window of RATE_WINDOW_MS, not from its beginning: all but the last byte
 * at once buys no time. Begins the next window when this one has brought enough.
 */
static bool body_keeps_up(struct conn *c)
{
    size_t came = body_bytes(c) - c->rate_bytes;
    if (came < c->listener->limits.body_rate_min_bytes * RATE_WINDOW_MS / 1000)
        return false;
    c->rate_since_ms = uv_now(&c->loop->uv);
    c->rate_bytes = body_bytes(c);
    return true;
}

static struct deadline deadline_of(const struct conn *c)
{
    const struct http_limits *limits = &c->listener->limits;
    struct deadline d = {0, OVERDUE_NOTHING};
    if (c->writes > 0)
        earlier(&d, c->write_since_ms + limits->write_timeout_ms, OVERDUE_WRITE);
    if (c->state == CONN_LINGERING)
        earlier(&d, c->linger_since_ms + CONN_LINGER_MS, OVERDUE_LINGER);
    if (c->state != CONN_SERVING)
        return d;
    if (c->phase == HTTP_PHASE_HEAD)
        earlier(&d, c->phase_since_ms + limits->head_timeout_ms, OVERDUE_HEAD);
    if (c->phase == HTTP_PHASE_BODY) {
        earlier(&d, c->phase_since_ms + limits->body_timeout_ms, OVERDUE_BODY);
        if (limits->body_rate_min_bytes > 0 && !conn_is_paced(c)) /* else it is we who make it wait */
            earlier(&d, c->rate_since_ms + RATE_WINDOW_MS, OVERDUE_RATE);
    }
    if (c->tls != NULL && c->tls_stage != CONN_TLS_UP)
        earlier(&d, c->tls_since_ms + limits->head_timeout_ms, OVERDUE_HANDSHAKE); /* of all of it, waiting included */
    bool is_silent = c->tls != NULL && !c->tls_talking;
    if (c->phase == HTTP_PHASE_IDLE && c->in_work == 0 && c->held == NULL && (c->writes == 0 || is_silent))
        earlier(&d, c->phase_since_ms + (is_silent ? limits->head_timeout_ms : limits->idle_timeout_ms), OVERDUE_IDLE);
    return d;
}

static void on_deadline(uv_timer_t *timer)
{
    struct conn *c = timer->data;
    struct deadline d = deadline_of(c);
    if (d.what == OVERDUE_NOTHING)
        return;
    if (d.at_ms > uv_now(&c->loop->uv) || (d.what == OVERDUE_RATE && body_keeps_up(c))) {
        conn_arm(c);
        return;
    }
    if (d.what == OVERDUE_HEAD) {
        conn_refuse(c, 408, "the request head took too long", NULL);
    } else if (d.what == OVERDUE_BODY) {
        conn_refuse(c, 408, "the request body took too long", NULL);
    } else if (d.what == OVERDUE_RATE) {
        conn_refuse(c, 408, "the request body came too slowly", NULL);
    } else if (d.what == OVERDUE_WRITE) {
        refusal_tell(c->loop, LOG_LEVEL_INFO,
                     &(struct refusal){.reason = "the answer was not taken in time", .peer = c->peer});
        conn_reset(c);
    } else {
        if (d.what == OVERDUE_HANDSHAKE)
            handshake_late(c);
        conn_write_farewell(c);
        conn_close(c);
    }
}

void conn_enter_phase(struct conn *c)
{
    enum http_phase phase = http_parser_phase(c->parser);
    if (phase == c->phase)
        return;
    c->phase = phase;
    c->phase_since_ms = uv_now(&c->loop->uv);
    c->rate_since_ms = c->phase_since_ms;
    c->rate_bytes = body_bytes(c);
}

void conn_arm(struct conn *c)
{
    struct deadline d = deadline_of(c);
    if (d.what == OVERDUE_NOTHING)
        return; /* when it fires there is nothing to do, and it is not set again */
    uint64_t now_ms = uv_now(&c->loop->uv);
    uint64_t wait_ms = d.at_ms > now_ms ? d.at_ms - now_ms : 0;
    if (uv_is_active((uv_handle_t *)&c->timer) && uv_timer_get_due_in(&c->timer) <= wait_ms)
        return;
    (void)uv_timer_start(&c->timer, on_deadline, wait_ms, 0);
}
