/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* May requests be sent here? Asks api.ready() every few seconds and remembers; /readyz reads what is remembered. */
#pragma once

#include "arena.h"
#include "buf.h"
#include "db.h"
#include "net.h"

#include <stdbool.h>
#include <stdint.h>

/* Asks the database for its time, in microseconds since 1970. */
#define READINESS_CLOCK_SQL    "select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us"
#define READINESS_CLOCK_ODD_US 5000000
/*
 * By how much our clock is ahead of the database's, at the least, when the answer was asked for at from_us and was
 * there at to_us, by our clock: however slow the way is, it is no difference.
 */
int64_t readiness_clock_offset_us(int64_t from_us, int64_t to_us, int64_t database_us);

struct readiness;

/* message_age_max_ms: 0 means that messages of any age are taken. */
struct readiness *readiness_start(struct loop *l, struct db_pool *db, uint64_t message_age_max_ms);
void readiness_free(struct readiness *r); /* after db_pool_free(), which calls nobody any more; NULL is allowed */
/* Adds the reasons against, as JSON strings with commas between; true when there is none. */
bool readiness_read(const struct readiness *r, struct buf *reasons_json);
void readiness_notes_write(const struct readiness *r, struct buf *notes_json); /* what is odd and no reason against */
void readiness_metrics_write(const struct readiness *r, struct buf *out);
void readiness_set_stopping(struct readiness *r);
