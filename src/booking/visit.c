/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A visit of several intervals as one (A6): how long it takes from its beginning to its end, breaks included. */
#include "booking.h"

const char *booking_visit_minutes(struct arena *a, const struct time_slot *slots, unsigned n)
{
    int64_t start_s = 0, end_s = 0;
    for (unsigned i = 0; i < n; i++) {
        if (slots[i].duration_min < 0)
            return NULL;
        int64_t from_s = slots[i].visit_at_s, to_s = from_s + (int64_t)slots[i].duration_min * 60;
        start_s = i == 0 || from_s < start_s ? from_s : start_s;
        end_s = i == 0 || to_s > end_s ? to_s : end_s;
    }
    return n == 0 ? NULL : arena_printf(a, "%lld", (long long)(end_s - start_s) / 60);
}
