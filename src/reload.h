/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* New keys, certificates, anchors, lists, TLS of the listeners and the log level, without a restart and without holding
 * the loop. */
#pragma once

#include "buf.h"
#include "config.h"
#include "vigil.h"

struct reloader;

/* Has the listeners that run begin with these contexts from now on. */
typedef void (*reload_tls_fn)(void *arg, const struct tls_set *tls);
/* running: what the daemon was started with, for the keys that a reload does not take. */
struct reloader *reloader_new(struct loop *l, struct service *s, struct vigil *v, const struct config *running,
                              const char *config_path, reload_tls_fn take_tls, void *arg);
/*
 * Reads the configuration and all it names, judges it on a thread of its own and hands the result over on the loop;
 * when it cannot be used the old ones stay and one line says why. Asked while a reload is under way: once more after
 * it, however often it was asked, for the files may have changed since they were read; and beside it when it has been
 * slow, for a file may hang for ever. A few are left behind so, no more.
 */
void reloader_ask(struct reloader *r);
/* For /readyz, until a reload is taken as a whole: JSON strings with commas between. */
void reloader_warnings_read(const struct reloader *r, struct buf *warnings_json);
void reloader_metrics_write(const struct reloader *r, struct buf *out);
void reloader_stop(struct reloader *r); /* what comes home later is not taken; NULL is allowed */
void reloader_free(struct reloader *r); /* after worker_settle(); NULL is allowed */
