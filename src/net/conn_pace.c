/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whoever sends more than one reading takes waits for his turn with the next one: peers in a circle, a few readings a
 * turn of the loop. While memory is short the circle turns slowly: what is read then is mostly thrown away again, and
 * whoever sends an ordinary request, which one reading takes, shall not notice.
 */
#include "conn.h"

#define AT_ONCE_BYTES    (32 * 1024) /* of a body: most are whole by then */
#define READINGS_A_TURN  16
#define READINGS_CROWDED 4
#define CROWDED_PAUSE_MS 4 /* 64 MB/s */
#define CROWDED_FOR_MS   1000

static void circle_add(struct pace *pace, struct ledger_peer *p)
{
    p->pace_next = NULL;
    p->pace_link = pace->end;
    *pace->end = p;
    pace->end = &p->pace_next;
}

static void circle_remove(struct pace *pace, struct ledger_peer *p)
{
    *p->pace_link = p->pace_next;
    if (p->pace_next != NULL)
        p->pace_next->pace_link = p->pace_link;
    else
        pace->end = p->pace_link;
}

static bool is_crowded(struct loop *l)
{
    uint64_t now_ms = uv_now(&l->uv);
    if (ledger_is_full(l->ledger)) {
        ledger_calm(l->ledger);
        l->pace.crowd_until_ms = now_ms + CROWDED_FOR_MS;
    }
    return now_ms < l->pace.crowd_until_ms;
}

static void on_pace(uv_timer_t *timer);

static void pace_arm(struct loop *l, bool crowded)
{
    if (l->pace.peers != NULL && !uv_is_active((uv_handle_t *)&l->pace.timer))
        (void)uv_timer_start(&l->pace.timer, on_pace, crowded ? CROWDED_PAUSE_MS : 0, 0);
}

static void on_pace(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    bool crowded = is_crowded(l);
    for (unsigned n = crowded ? READINGS_CROWDED : READINGS_A_TURN; n > 0 && l->pace.peers != NULL; n--) {
        struct ledger_peer *p = l->pace.peers;
        struct conn *c = p->paced;
        circle_remove(&l->pace, p);
        circle_add(&l->pace, p); /* leaving takes it out again when this was its last */
        c->rate_since_ms += uv_now(&l->uv) - c->paced_since_ms;
        conn_pace_leave(c);
        conn_read_on(c);
    }
    pace_arm(l, crowded);
}

void pace_init(struct loop *l)
{
    l->pace.end = &l->pace.peers;
    l->pace.timer.data = l;
}

bool conn_is_bulk(const struct conn *c)
{
    const struct http_message *m = http_parser_message(c->parser);
    return c->claim.ledger != NULL && (c->state == CONN_LINGERING || (m != NULL && m->body.n > AT_ONCE_BYTES));
}

void conn_pace(struct conn *c)
{
    struct ledger_peer *p = c->claim.peer;
    if (c->pace_link != NULL)
        return;
    if (p->paced == NULL)
        circle_add(&c->loop->pace, p);
    c->pace_next = NULL;
    c->pace_link = p->paced_end;
    *p->paced_end = c;
    p->paced_end = &c->pace_next;
    c->paced_since_ms = uv_now(&c->loop->uv);
    pace_arm(c->loop, is_crowded(c->loop));
}

void conn_pace_leave(struct conn *c)
{
    struct ledger_peer *p = c->claim.peer;
    if (c->pace_link == NULL)
        return;
    *c->pace_link = c->pace_next;
    if (c->pace_next != NULL)
        c->pace_next->pace_link = c->pace_link;
    else
        p->paced_end = c->pace_link;
    c->pace_link = NULL;
    if (p->paced == NULL)
        circle_remove(&c->loop->pace, p);
}
