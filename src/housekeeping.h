/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is due now and then, task by task: api.housekeeping(task) does it, one piece a call. Each task has its own
 * clock, deadline, pause after a failure and numbers.
 */
#pragma once

#include "buf.h"
#include "db.h"
#include "net.h"

struct housekeeping;

struct housekeeping *housekeeping_start(struct loop *l, struct db_pool *db);
/* Somebody reads: what the database is behind with is asked for soon, though not for each reader. */
void housekeeping_look(struct housekeeping *h);
/* Adds the numbers of each task in Prometheus' text format. */
void housekeeping_metrics_write(const struct housekeeping *h, struct buf *out);
/* Adds what the database is behind with, as JSON strings with commas between; nothing when all is well. */
void housekeeping_warnings_read(const struct housekeeping *h, struct buf *warnings_json);
/* After db_pool_free(), which calls nobody any more; a piece that is under way is left to the database. */
void housekeeping_free(struct housekeeping *h); /* NULL is allowed */
