/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * How long the loop makes others wait. Two measures, the greater one counts: the longest turn (all callbacks between
 * two sleeps, sleep taken off) and how late a timer of ours came. The first sees what we did, the second also what the
 * machine did to us.
 */
#include "loop.h"

#define SAMPLE_MS 50

static void sample_add(struct loop_lag *lag, uint64_t ns)
{
    double ms = (double)ns / 1e6;
    if (ms > lag->max_ms)
        lag->max_ms = ms;
    if (ms > lag->recent_ms)
        lag->recent_ms = ms;
    lag->sum_ms += ms;
    lag->samples++;
}

static void turn_begin(struct loop *l)
{
    l->turn_began_ns = uv_hrtime();
    l->turn_idle_ns = uv_metrics_idle_time(&l->uv);
}

void lag_turn(struct loop *l)
{
    if (l->turn_began_ns != 0) {
        uint64_t all_ns = uv_hrtime() - l->turn_began_ns;
        uint64_t idle_ns = uv_metrics_idle_time(&l->uv) - l->turn_idle_ns;
        uint64_t busy_ns = all_ns > idle_ns ? all_ns - idle_ns : 0;
        if (busy_ns > l->turn_longest_ns)
            l->turn_longest_ns = busy_ns;
    }
    turn_begin(l);
}

static void on_lag_timer(uv_timer_t *handle)
{
    struct loop *l = handle->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t late_ns = now_ns > l->lag_due_ns ? now_ns - l->lag_due_ns : 0;
    sample_add(&l->lag, late_ns > l->turn_longest_ns ? late_ns : l->turn_longest_ns);
    l->turn_longest_ns = 0;
    l->lag_due_ns = now_ns + SAMPLE_MS * UINT64_C(1000000);
    uv_update_time(&l->uv);
    (void)uv_timer_start(handle, on_lag_timer, SAMPLE_MS, 0);
}

void loop_lag_measure(struct loop *l)
{
    if (l->lag_on)
        return;
    l->lag_on = true;
    l->turn_began_ns = 0;
    l->lag_due_ns = uv_hrtime() + SAMPLE_MS * UINT64_C(1000000);
    uv_update_time(&l->uv);
    (void)uv_timer_start(&l->lag_timer, on_lag_timer, SAMPLE_MS, 0);
}

void loop_lag_read(struct loop *l, struct loop_lag *out)
{
    *out = l->lag;
    l->lag.recent_ms = 0;
}
