/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Queues of SMEV 3, asked for requests: polled, verified, stored, acknowledged, handed to the steps, answered
 * (docs/decisions/0329).
 *
 * A queue is a [smev3 NAME] of the keyring that the service has; when that is replaced, queues that are new or changed
 * begin and those that are gone finish what they have. Each goes by itself: what is the matter with one stops no other.
 * Everything here is called from the loop thread.
 */
#pragma once

#include "buf.h"
#include "client.h"
#include "db.h"
#include "net.h"
#include "request.h"

struct queues;

/* request_timeout_ms: how long the steps may take over a message. */
struct queues *queues_start(struct loop *l, struct db_pool *db, struct service *s, struct client *c,
                            uint64_t request_timeout_ms);
/* Asks no more, and finishes what was fetched; then drained(arg), never within this call. Before service_drain(). */
void queues_drain(struct queues *q, loop_fn drained, void *arg);
/* Nothing goes on any more; what workers bring home stays where it is. NULL is allowed, as below. */
void queues_stop(struct queues *q);
void queues_free(struct queues *q); /* after worker_settle(), client_free() and db_pool_free() */
/* Whether files of messages can be kept in this folder, as far as can be seen; ERR_CONFIG: why not. May wait for a
 * disk. */
MUST_CHECK enum err file_store_check(const char *folder, struct error *e);
/* As push_heard() and push_on_heard(). queues: a struct queues. */
void queues_heard(void *queues, const char *section);
void queues_on_heard(struct queues *q, void (*on_heard)(void *arg, const char *section), void *arg);
/* Somebody reads: how the inbox stands is asked for soon, though not for each reader. NULL is allowed. */
void queues_look(struct queues *q);
/* What an operator should know though requests may be sent here: JSON strings, comma separated. */
void queues_notes_write(const struct queues *q, struct buf *notes_json);
void queues_metrics_write(const struct queues *q, struct buf *out); /* Prometheus text */
