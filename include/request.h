/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The life of one message, as a list of steps (src/request/request.c).
 *
 * A message is the one its sender signed: what is remembered (B6) is the SHA-256 of the octets under actors/smev, which
 * nobody can change and no cut of the rest leaves out, and beside it smev:Header/MessageId when SMEV's signature covers
 * it, so that the same id with other content is refused by name. A message id is that one; otherwise "body:" and the
 * digest; on a plain listener "req:" and a UUID made for this request, which only serves to settle an uncertain COMMIT
 * (the same book again is recognised by bookId and content in SQL).
 */
#pragma once

#include "arena.h"
#include "booking.h"
#include "config.h"
#include "crypto.h"
#include "db.h"
#include "error.h"
#include "net.h"
#include "smev.h"
#include "xml.h"

/* What a reload replaces as a whole: keys, certificates, anchors. Counted on the loop thread only. */
struct keyring;
MUST_CHECK enum err keyring_load(const struct config *conf, struct keyring **out, struct error *e);
void keyring_unref(struct keyring *k);
/* False when a signing certificate is not yet or no longer valid; adds "reason" strings, comma separated. */
bool keyring_is_in_date(const struct keyring *k, struct buf *reasons_json);

struct service; /* everything requests share: configuration, schemas, keyring, pool */
MUST_CHECK enum err service_new(struct loop *l, struct db_pool *db, const struct config *conf, struct keyring *keys,
                                struct service **out, struct error *e);
void service_set_keyring(struct service *s,
                         struct keyring *keys); /* takes it over; requests in work keep the old one */
const struct keyring *service_keyring(const struct service *s);
/*
 * The end, drained or not, in two halves. After service_stop() nothing goes on: no request takes another step, and what
 * the workers have of it comes home to stay. service_free() comes when nothing can call back any more: listeners and
 * pool are freed, worker_settle() said so. Messages it still has go without an answer; reads it has not yet written to
 * the journal are told to the log.
 */
void service_stop(struct service *s);
void service_free(struct service *s);
/* Takes no new requests; drained(arg) when nothing is in work and the journal is written. */
void service_drain(struct service *s, loop_fn drained, void *arg);
unsigned service_in_work(const struct service *s);
/* What an operator should know though requests may be sent here: JSON strings, comma separated. */
void service_notes_write(const struct service *s, struct buf *notes_json);
void service_metrics_write(const struct service *s, struct buf *out); /* Prometheus text */

/* The handler of a listener: net calls it, arg is a struct endpoint. */
struct endpoint {
    struct service *service;
    const struct config_listener *conf;
};
void request_on_http(void *arg, const struct http_request *http);
