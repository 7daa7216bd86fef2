/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Counters of the service, written by the loop thread only, read by the admin listener. */
#pragma once

#include "booking.h"
#include "buf.h"
#include "error.h"

#include <stdint.h>

enum metrics_result { RESULT_OK, RESULT_REFUSED, RESULT_INPUT, RESULT_FAULT, RESULT_ERROR, RESULT_COUNT };

#define METRICS_BUCKETS 12

struct metrics {
    uint64_t requests[BOOKING_METHOD_COUNT + 1][RESULT_COUNT]; /* the last row: no method known */
    uint64_t latency_buckets[METRICS_BUCKETS + 1];
    uint64_t latency_count, latency_sum_us;
    uint64_t errors[64]; /* by enum err */
    uint64_t replays;
    uint64_t tests;
    uint64_t groups, group_members, group_reruns;
    uint64_t journal_dropped, journal_unwritten;
};

void metrics_count(struct metrics *m, int method, enum metrics_result result, enum err code, uint64_t latency_us);
void metrics_write(const struct metrics *m, struct buf *out);
