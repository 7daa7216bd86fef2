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
    if (l->pace.turns.waiting > 0 && !uv_is_active((uv_handle_t *)&l->pace.timer))
        (void)uv_timer_start(&l->pace.timer, on_pace, crowded ? CROWDED_PAUSE_MS : 0, 0);
}

static void on_pace(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    bool crowded = is_crowded(l);
    struct conn *c;
    for (unsigned n = crowded ? READINGS_CROWDED : READINGS_A_TURN; n > 0 && (c = turns_take(&l->pace.turns)) != NULL;
         n--) {
        c->rate_since_ms += uv_now(&l->uv) - c->paced_since_ms;
        conn_read_on(c);
    }
    pace_arm(l, crowded);
}

void pace_init(struct loop *l)
{
    turns_init(&l->pace.turns);
    l->pace.timer.data = l;
}

bool conn_is_bulk(const struct conn *c)
{
    const struct http_message *m = http_parser_message(c->parser);
    return c->claim.ledger != NULL && (c->state == CONN_LINGERING || (m != NULL && m->body.n > AT_ONCE_BYTES));
}

void conn_pace(struct conn *c)
{
    if (conn_is_paced(c))
        return;
    turns_join(&c->loop->pace.turns, &c->pace_turn, &c->key, c, false);
    c->paced_since_ms = uv_now(&c->loop->uv);
    pace_arm(c->loop, is_crowded(c->loop));
}

void conn_pace_leave(struct conn *c)
{
    turns_leave(&c->loop->pace.turns, &c->pace_turn);
}

bool conn_is_paced(const struct conn *c)
{
    return c->pace_turn.peer != NULL;
}
