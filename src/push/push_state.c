/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* How the outbox stands, as the database says now and then, and soon after somebody has read it. */
#include "push_private.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>

#define STATE_MS 10000
#define LOOK_MS  1000 /* who reads on and on has it asked so often */
#define STATES   2    /* statements of it */

static int64_t number(const struct db_result *res, unsigned row, const char *name)
{
    struct error e = {0};
    int64_t out = 0;
    return db_int(res, row, db_column(res, name), &out, &e) == ERR_OK ? out : 0;
}

void push_look(struct push *p)
{
    if (p == NULL)
        return;
    if (p->state_us > p->stated_us + LOOK_MS * 1000)
        p->state_us = p->stated_us + LOOK_MS * 1000;
    push_store_ask(p);
}

static void lane_read(struct push *p, const struct db_result *res, unsigned i)
{
    const char *agency = db_text(res, i, db_column(res, "agency_code"));
    if (agency == NULL)
        return;
    struct push_lane *l = push_lane(p, agency);
    l->waiting = number(res, i, "waiting");
    l->sending = number(res, i, "sending");
    l->sent = number(res, i, "sent");
    l->stopped = number(res, i, "stopped");
    l->held = number(res, i, "held");
    l->oldest_s = number(res, i, "oldest_s");
    l->nnodes = 0;
}

static void node_read(struct push *p, const struct db_result *res, unsigned i)
{
    const char *agency = db_text(res, i, db_column(res, "agency_code"));
    const char *node = db_text(res, i, db_column(res, "node_id"));
    struct push_lane *l = agency != NULL ? push_lane(p, agency) : NULL;
    if (l == NULL || node == NULL || l->nnodes == PUSH_NODES || strlen(node) >= sizeof l->nodes[0].id)
        return;
    struct push_node *n = &l->nodes[l->nnodes++];
    n->changes = number(res, i, "changes");
    (void)snprintf(n->id, sizeof n->id, "%s", node);
}

static void on_state(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct push *p = arg;
    p->stated_us = clock_mono_us();
    p->state_us = p->stated_us + STATE_MS * 1000;
    if (err != ERR_OK || n != STATES) {
        push_store_failed(p, "state", err, e);
        return;
    }
    for (unsigned i = 0; i < db_rows(results[0]); i++)
        lane_read(p, results[0], i);
    for (unsigned i = 0; i < db_rows(results[1]); i++)
        node_read(p, results[1], i);
    push_store_good(p);
    push_go(p);
}

bool push_state_is_due(const struct push *p)
{
    const struct keyring *keys = service_keyring(p->service);
    bool is_wanted = keyring_push(keys, 0) != NULL || keyring_queue(keys, 0) != NULL;
    return !p->is_draining && is_wanted && clock_mono_us() >= p->state_us;
}

void push_state_send(struct push *p)
{
    static const struct db_call states[STATES] = {
        {.sql = "select agency_code, waiting, sending, sent, stopped, held, oldest_s from api.outbox_state()"},
        {.sql = "select agency_code, node_id, changes from api.outbox_nodes()"}};
    db_send(p->session, states, STATES, on_state, p);
}
