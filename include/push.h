/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The delivery of the outbox (order 329, item 17; M8): what agencies have decided is told to the portal, for every
 * agency that has a [push CODE] (keyring_push), by calls of ours over SMEV 2, or by messages over SMEV 3, whose
 * answers it asks SMEV for.
 *
 * It has one session of the database at a time, and two workers. A row is taken for a lease that outlives its call;
 * what is sent is kept before its first octet leaves, and sent again as it is until the portal has said yes or no.
 * Whoever dies leaves its rows to the next daemon. Everything on the loop thread.
 */
#pragma once

#include "buf.h"
#include "client.h"
#include "db.h"
#include "net.h"
#include "request.h"

struct push;
/* Begins at once. What it is given lives longer. age_max_ms: of the portal's answers ([trust] message_age_max). */
struct push *push_start(struct loop *l, struct db_pool *db, struct client *client, struct service *service,
                        uint64_t age_max_ms);
/* Takes nothing new and asks for nothing, gives back what has not left; drained(arg) when what has left is answered and
 * what was given is written down and acknowledged. */
void push_drain(struct push *p, loop_fn drained, void *arg);
/*
 * The end, drained or not, in two halves, as of service_stop() and service_free(): after the first, which comes when
 * the pool is freed and while the client is not, nothing goes on; the second comes when the workers are home. Rows it
 * still has are left to their leases. NULL is allowed.
 */
void push_stop(struct push *p);
void push_free(struct push *p);

/* What asks SMEV for answers and what asks it for requests have pauses of their own: who hears that it is back, by the
 * section of this name, has the other ask at once. push: a struct push; on_heard is called likewise. */
void push_heard(void *push, const char *section);
void push_on_heard(struct push *p, void (*on_heard)(void *arg, const char *section), void *arg);

/* Somebody reads: how the outbox stands is asked for soon, though not for each reader. */
void push_look(struct push *p);
void push_metrics_write(const struct push *p, struct buf *out);      /* Prometheus text */
void push_notes_write(const struct push *p, struct buf *notes_json); /* as service_notes_write() */
