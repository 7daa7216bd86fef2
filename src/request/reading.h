/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What one caller's reading (struct config_reading) means for a request and its answer, and how often it was needed. */
#pragma once

#include "buf.h"
#include "normalize.h"

struct request;

bool reading_is_lenient(const struct request *r);
bool reading_allows(const struct request *r, enum leniency kind);
struct soap_style reading_style(const struct request *r);

/* Messages that were read by a leniency, by who sent them; the loop thread's. Callers are the configuration's. */
struct leniency_counter {
    struct leniency_counter *next;
    const char *caller;
    uint64_t n[LENIENCY_COUNT];
};
void reading_count(struct leniency_counter **list, struct arena *a, const struct request *r);
void reading_metrics_write(const struct leniency_counter *list, struct buf *out);
/* "order,unknown"; NULL when none was needed. */
const char *reading_used(const struct request *r);
