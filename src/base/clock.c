/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Both clocks, instants to text (always with a numeric offset: T1) and from it. */
#include "clock.h"

#include "ascii.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t (*mono_hook)(void);
static int64_t (*wall_hook)(void);

uint64_t clock_mono_us(void)
{
    if (mono_hook != NULL)
        return mono_hook();
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_nsec / 1000U;
}

int64_t clock_wall_us(void)
{
    if (wall_hook != NULL)
        return wall_hook();
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_replace(uint64_t (*mono_us)(void), int64_t (*wall_us)(void))
{
    mono_hook = mono_us;
    wall_hook = wall_us;
}

/* Division that rounds down for negative numbers too: instants before 1970. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && a < 0);
}

static void format(int64_t wall_s, const char *fraction, int offset_min, char out[CLOCK_TEXT_SIZE])
{
    time_t s = (time_t)(wall_s + (int64_t)offset_min * 60);
    unsigned offset = (unsigned)abs(offset_min);
    struct tm tm = {0};
    char date[24] = "";
    if (gmtime_r(&s, &tm) != NULL)
        strftime(date, sizeof date, "%FT%T", &tm);
    snprintf(out, CLOCK_TEXT_SIZE, "%s%s%c%02u:%02u", date, fraction, offset_min < 0 ? '-' : '+', offset / 60 % 100,
             offset % 60);
}

void clock_format(int64_t wall_us, int offset_min, char out[CLOCK_TEXT_SIZE])
{
    int64_t ms = floor_div(wall_us, 1000), s = floor_div(ms, 1000);
    char fraction[8];
    snprintf(fraction, sizeof fraction, ".%03u", (unsigned)(ms - s * 1000) % 1000);
    format(s, fraction, offset_min, out);
}

void clock_format_seconds(int64_t wall_s, int offset_min, char out[CLOCK_TEXT_SIZE])
{
    format(wall_s, "", offset_min, out);
}

int clock_local_offset_min(int64_t wall_us)
{
    time_t s = (time_t)floor_div(wall_us, 1000000);
    struct tm tm = {0};
    if (localtime_r(&s, &tm) == NULL)
        return 0;
    return (int)(tm.tm_gmtoff / 60);
}

/* n digits, not more than most; -1 otherwise. */
static int read_number(const char *s, unsigned n, int most)
{
    int value = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!ascii_is_digit(s[i]))
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value > most ? -1 : value;
}

/* XML Schema 3.2.7.3: nothing, Z, or up to fourteen hours either way. */
static bool read_zone(const char *s, bool *is_there, int *offset_min)
{
    *is_there = *s != '\0';
    *offset_min = 0;
    if (!*is_there || strcmp(s, "Z") == 0)
        return true;
    if (strnlen(s, 7) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
        return false;
    int hours = read_number(s + 1, 2, 14), minutes = read_number(s + 4, 2, hours == 14 ? 0 : 59);
    *offset_min = (s[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return hours >= 0 && minutes >= 0;
}

/* The day is one of the calendar when the C library, which carries over what is too much, leaves it as it is. */
static bool to_seconds(int year, int month, int day, int hour, int minute, int second, int64_t *out)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    time_t midnight = timegm(&tm);
    if (year < 1 || month < 1 || day < 1 || tm.tm_mon != month - 1 || tm.tm_mday != day)
        return false;
    *out = (int64_t)midnight + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return true;
}

bool clock_parse(const char *text, int64_t *wall_us, bool *has_zone)
{
    *wall_us = 0;
    *has_zone = false;
    size_t n = text == NULL ? 0 : strnlen(text, CLOCK_TEXT_SIZE + 1);
    if (n < 19 || n > CLOCK_TEXT_SIZE || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':')
        return false;
    int hour = read_number(text + 11, 2, 24), minute = read_number(text + 14, 2, hour == 24 ? 0 : 59),
        second = read_number(text + 17, 2, hour == 24 ? 0 : 59), offset_min;
    int64_t seconds;
    if (hour < 0 || minute < 0 || second < 0 ||
        !to_seconds(read_number(text, 4, 9999), read_number(text + 5, 2, 12), read_number(text + 8, 2, 31), hour,
                    minute, second, &seconds))
        return false;
    const char *rest = text + 19;
    if (*rest == '.') {
        if (!ascii_is_digit(*++rest))
            return false;
        while (ascii_is_digit(*rest))
            rest++;
    }
    bool is_there;
    if (!read_zone(rest, &is_there, &offset_min))
        return false;
    *has_zone = is_there;
    *wall_us = (seconds - (int64_t)offset_min * 60) * 1000000;
    return true;
}
