/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* May requests be sent here? Asks api.ready() every few seconds and remembers; /readyz reads what is remembered. */
#pragma once

#include "arena.h"
#include "buf.h"
#include "db.h"
#include "net.h"

#include <stdbool.h>

struct readiness;

struct readiness *readiness_start(struct loop *l, struct db_pool *db);
void readiness_free(struct readiness *r); /* after db_pool_free(), which calls nobody any more; NULL is allowed */
/* Adds the reasons against, as JSON strings with commas between; true when there is none. */
bool readiness_read(const struct readiness *r, struct buf *reasons_json);
void readiness_set_stopping(struct readiness *r);
