/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * How the cost of something grows with its size, in time of the processor beside itself: no figure of one machine, busy
 * or sanitized, decides. What grows as its size does costs sixteen times as much for sixteen times as much, and some
 * times that where the small one fits into a cache that others want too and the large one does not; what grows with the
 * square, 256 times.
 */
#pragma once

#include <stdio.h>
#include <time.h>

#define GROWTH_MOST  64 /* between the two */
#define GROWTH_TRIES 6  /* a machine that does something else meanwhile leaves one of them alone */

static inline double growth_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* cost_ms: what size n costs. Whether it grows about as fast as n, from n / 16 to n. */
static inline int growth_is_linear(double (*cost_ms)(void *arg, unsigned n), void *arg, unsigned n, const char *title)
{
    double small = 1e9, large = 1e9;
    for (int i = 0; i < GROWTH_TRIES; i++) {
        double s = cost_ms(arg, n / 16), l = cost_ms(arg, n);
        small = s < small ? s : small;
        large = l < large ? l : large;
        if (large < GROWTH_MOST * small || large < 2)
            break;
    }
    printf("%s: %.2f ms for %u, %.2f ms for %u\n", title, small, n / 16, large, n);
    return large < GROWTH_MOST * small || large < 2;
}
