/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A visit of several intervals as one (A6): how long it takes from its beginning to its end, breaks included. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Days since 0000-03-01 of the proleptic Gregorian calendar: years begin in March, so that the leap day is the last. */
static long days_of(int year, int month, int day)
{
    if (month <= 2) {
        year--;
        month += 12;
    }
    return 365L * year + year / 4 - year / 100 + year / 400 + (153L * (month - 3) + 2) / 5 + day - 1;
}

/* yyyy-MM-ddThh:mm:ss+hh:mm, as SQL writes it (T1). */
static bool read_minutes(const char *s, long *out)
{
    int year, month, day, hour, minute, second, zone_hour, zone_minute, end = 0;
    char sign;
    if (s == NULL || sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%c%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
                            &sign, &zone_hour, &zone_minute, &end) != 9)
        return false;
    if (s[end] != '\0' || (sign != '+' && sign != '-'))
        return false;
    long offset = zone_hour * 60L + zone_minute;
    *out = days_of(year, month, day) * 1440 + hour * 60L + minute - (sign == '+' ? offset : -offset);
    return true;
}

const char *booking_visit_minutes(struct arena *a, const struct time_slot *slots, unsigned n)
{
    long start = 0, last = 0;
    for (unsigned i = 0; i < n; i++) {
        long from;
        if (!read_minutes(slots[i].visit_time, &from) || !text_is_digits(slots[i].duration))
            return NULL;
        long to = from + strtol(slots[i].duration, NULL, 10);
        start = i == 0 || from < start ? from : start;
        last = i == 0 || to > last ? to : last;
    }
    return n == 0 ? NULL : arena_printf(a, "%ld", last - start);
}
