/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who of the configuration is served now: the keyring is judged again and again by a worker, what has changed is
 * logged, and /readyz reads what was found last. Everything is called on the loop thread.
 */
#pragma once

#include "net.h"
#include "request.h"

struct vigil;

struct vigil *vigil_start(struct loop *l, struct service *s, const struct findings *first);
void vigil_take(struct vigil *v, const struct findings *f); /* after a reload: its findings, logged already */
/* Listeners whose file has another certificate than the one in use, with commas between; "": none. */
const char *vigil_other_tls(const struct vigil *v, const struct findings *f, struct arena *a);
void vigil_stop(struct vigil *v); /* what comes home later is not looked at; NULL is allowed */
void vigil_free(struct vigil *v); /* after worker_settle(); NULL is allowed */

/* Adds reasons against serving anybody, as JSON strings with commas between; true when there is none. */
bool vigil_read(const struct vigil *v, struct buf *reasons_json);
/*
 * Adds ,"agencies":{CODE:{"ready":...,"reasons":[...],"warnings":[...]}},"senders":{...},"troubles":[...].
 * daemon_reasons: JSON strings against serving anybody, which are everybody's; none when the daemon is ready.
 */
void vigil_write(const struct vigil *v, struct span daemon_reasons, struct buf *out);
/* Of one agency alone; false when the configuration has none of this code. */
bool vigil_read_agency(const struct vigil *v, const char *code, bool *is_ready, struct buf *reasons_json);
void vigil_metrics_write(const struct vigil *v, struct buf *out);
