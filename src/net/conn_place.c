/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The place a connection takes at the door, of its listener's and of all there are. It is given up as soon as the
 * descriptor is closed, so that whoever was waiting for it can have it in the same turn. Those of an admin address are
 * asked for by nobody outside.
 */
#include "conn.h"

#include <sys/socket.h>

#define LOOKS_MAX 8

void conn_place_begin(struct conn *c)
{
    if (c->turned_away)
        return;
    places_join(&c->listener->places, &c->place, &c->key, c);
    if (!c->listener->is_admin)
        places_join(&c->loop->places, &c->place_of_all, &c->key, c);
    conn_place_set(c);
}

/* Not earlier than a worker has given the filter back: until then it costs what it cost. */
void conn_place_end(struct conn *c)
{
    if (c->has_left)
        return;
    c->has_left = true;
    places_leave(&c->place);
    places_leave(&c->place_of_all);
    listener_place_free(c->listener, c);
}

static bool is_untaken(const struct conn *c)
{
    return c->state != CONN_SERVING || c->in_work > 0;
}

static enum place_kind kind_of(const struct conn *c)
{
    if (c->state == CONN_CLOSED || c->tls_lent)
        return PLACE_IN_WORK;
    for (const struct exchange *x = c->first; x != NULL; x = x->next)
        if (x->state == EXCHANGE_WORKING)
            return PLACE_IN_WORK;
    if (c->listener->is_admin)
        return PLACE_IDLE; /* nothing there is worth more than the next question: the oldest first */
    if (is_untaken(c))
        return PLACE_UNTAKEN;
    return c->phase == HTTP_PHASE_BODY ? PLACE_UNFINISHED : PLACE_IDLE;
}

void conn_place_set(struct conn *c)
{
    enum place_kind kind = kind_of(c);
    places_set(&c->place, kind);
    places_set(&c->place_of_all, kind);
}

void conn_place_keep(struct conn *c)
{
    places_set(&c->place, PLACE_IN_WORK);
    places_set(&c->place_of_all, PLACE_IN_WORK);
}

/* Something has come that was not read yet: the rest of a request, perhaps. */
static bool has_news(const struct conn *c)
{
    uv_os_fd_t fd = -1;
    char byte;
    return c->reading && uv_fileno(&c->io.any, &fd) == 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void place_give_up(struct conn *c)
{
    char text[] = CONN_NO_PLACE;
    uv_buf_t buf = uv_buf_init(text, sizeof(text) - 1);
    bool is_begun = c->phase == HTTP_PHASE_HEAD || c->phase == HTTP_PHASE_BODY;
    const char *reason = c->listener->is_admin ? CONN_REASON_PLACE_ADMIN : CONN_REASON_PLACE;
    refusal_tell(c->loop, LOG_LEVEL_WARNING, &(struct refusal){.reason = reason, .peer = c->peer});
    if (is_untaken(c)) {
        conn_reset(c);
        return;
    }
    if (c->tls == NULL && is_begun)
        (void)uv_try_write(&c->io.stream, &buf, 1);
    conn_write_farewell(c);
    conn_close(c);
}

bool conn_place_take(struct places *all, const struct peer_key *newcomer)
{
    struct place *p = places_to_give(all, newcomer);
    for (unsigned n = 1; p != NULL && n < LOOKS_MAX && has_news(p->owner); n++) {
        places_renew(p);
        p = places_to_give(all, newcomer);
    }
    if (p == NULL)
        return false;
    place_give_up(p->owner);
    return true;
}
