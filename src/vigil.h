/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who of the configuration is served now: the keyring is judged again and again by a worker, what has changed is
 * logged, and /readyz reads what was found last. Everything is called on the loop thread.
 */
#pragma once

#include "net.h"
#include "request.h"
#include "tls_set.h"

struct vigil;

/* The reference to tls is taken over. */
struct vigil *vigil_start(struct loop *l, struct service *s, const struct findings *first, struct tls_set *tls);
/* After a reload: its findings, logged already, and TLS as it is now. What is replaced is freed away from the loop,
 * when its last connection has ended. */
void vigil_take(struct vigil *v, const struct findings *f, struct tls_set *tls);
struct tls_set *vigil_tls(const struct vigil *v); /* in use; valid until the next vigil_take() */
void vigil_stop(struct vigil *v);                 /* what comes home later is not looked at; NULL is allowed */
void vigil_free(struct vigil *v);                 /* after worker_settle(); NULL is allowed */

/* Adds reasons against serving anybody, as JSON strings with commas between; true when there is none. */
bool vigil_read(const struct vigil *v, struct buf *reasons_json);
/*
 * Adds ,"agencies":{CODE:{"ready":...,"reasons":[...],"warnings":[...]}},"senders":{...},"listeners":{...} (those with
 * TLS),"troubles":[...].
 * daemon_reasons: JSON strings against serving anybody, which are everybody's; none when the daemon is ready.
 */
void vigil_write(const struct vigil *v, struct span daemon_reasons, struct buf *out);
/* Of one agency alone; false when the configuration has none of this code. */
bool vigil_read_agency(const struct vigil *v, const char *code, bool *is_ready, struct buf *reasons_json);
void vigil_metrics_write(const struct vigil *v, struct buf *out);
