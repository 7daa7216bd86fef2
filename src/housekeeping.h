/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What is due now and then, asked for every minute: api.housekeeping() does it, one piece a call. */
#pragma once

#include "db.h"
#include "net.h"

struct housekeeping;

struct housekeeping *housekeeping_start(struct loop *l, struct db_pool *db);
/* After db_pool_free(), which calls nobody any more; a piece that is under way is left to the database. */
void housekeeping_free(struct housekeeping *h); /* NULL is allowed */
