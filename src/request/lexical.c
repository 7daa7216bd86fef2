/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Values by their type. Blanks around numbers, dates and truth values do not count (white space facet "collapse"), in
 * texts and words they do. Cited sections are those of XML Schema part 2. A value is read where it stands: no memory.
 */
#include "lexical.h"

#include "ascii.h"

#include <string.h>

/* What is left of a value; p goes forward, end is where its last blanks begin. */
struct reader {
    const char *p, *end;
};

static struct reader read_collapsed(const char *text)
{
    static const char blanks[] = " \t\r\n";
    struct reader r = {text + strspn(text, blanks), text + strlen(text)};
    while (r.end > r.p && strchr(blanks, r.end[-1]) != NULL)
        r.end--;
    return r;
}

static bool accept(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static unsigned count_digits(const struct reader *r)
{
    unsigned n = 0;
    while (r->p + n < r->end && ascii_is_digit(r->p[n]))
        n++;
    return n;
}

/* ---- numbers (3.2.2, 3.3.13, 3.3.20) ---- */

#define DIGITS_MAX 24 /* without leading zeros; libxml2 counts no further, and nothing here is that large */

static bool is_integer(struct reader r, bool may_be_negative)
{
    bool is_negative = accept(&r, '-');
    if (!is_negative)
        (void)accept(&r, '+');
    unsigned n = count_digits(&r);
    if (n == 0 || r.p + n != r.end)
        return false;
    while (accept(&r, '0'))
        n--;
    return n <= DIGITS_MAX && (n == 0 || !is_negative || may_be_negative);
}

static bool is_truth(struct reader r)
{
    static const char *const words[] = {"true", "false", "1", "0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((size_t)(r.end - r.p) == strlen(words[i]) && memcmp(r.p, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* ---- days and instants (3.2.7, 3.2.9) ---- */

static bool accept_two(struct reader *r, unsigned max, unsigned *out)
{
    if (count_digits(r) < 2)
        return false;
    *out = (unsigned)(r->p[0] - '0') * 10 + (unsigned)(r->p[1] - '0');
    r->p += 2;
    return *out <= max;
}

static bool accept_year(struct reader *r, int64_t *year)
{
    (void)accept(r, '-'); /* a leap year before our era is one by its number alone */
    unsigned n = count_digits(r);
    if (n < 4 || (n > 4 && *r->p == '0'))
        return false;
    for (*year = 0; n > 0; n--, r->p++)
        if (__builtin_mul_overflow(*year, 10, year) || __builtin_add_overflow(*year, *r->p - '0', year))
            return false;
    return *year != 0;
}

static bool accept_day(struct reader *r)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year;
    unsigned month, day;
    if (!accept_year(r, &year) || !accept(r, '-') || !accept_two(r, 12, &month) || month == 0 || !accept(r, '-') ||
        !accept_two(r, 31, &day) || day == 0)
        return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && is_leap);
}

/* Z, or up to fourteen hours either way. */
static bool accept_zone(struct reader *r)
{
    unsigned hours, minutes;
    if (accept(r, 'Z'))
        return true;
    if (!accept(r, '+') && !accept(r, '-'))
        return false;
    return accept_two(r, 14, &hours) && accept(r, ':') && accept_two(r, 59, &minutes) && (hours < 14 || minutes == 0);
}

/* 24:00:00 is the end of the day (3.2.7.1). */
static bool accept_time(struct reader *r)
{
    unsigned hours, minutes, seconds;
    if (!accept_two(r, 24, &hours) || !accept(r, ':') || !accept_two(r, 59, &minutes) || !accept(r, ':') ||
        !accept_two(r, 59, &seconds))
        return false;
    bool is_whole = minutes == 0 && seconds == 0;
    if (accept(r, '.')) {
        unsigned n = count_digits(r);
        if (n == 0)
            return false;
        for (; n > 0; n--, r->p++)
            is_whole = is_whole && *r->p == '0';
    }
    return hours < 24 || is_whole;
}

static bool is_day(struct reader r)
{
    return accept_day(&r) && (r.p == r.end || (accept_zone(&r) && r.p == r.end));
}

/* With an offset that is written out. */
static bool is_instant(struct reader r)
{
    return accept_day(&r) && accept(&r, 'T') && accept_time(&r) && r.p < r.end && *r.p != 'Z' && accept_zone(&r) &&
           r.p == r.end;
}

/* ---- texts ---- */

static bool is_string(const struct field_type *type, const char *text)
{
    unsigned n = 0;
    for (const char *p = text; *p != '\0' && n <= type->max; p++)
        n += ((unsigned char)*p & 0xC0) != 0x80; /* characters, not octets */
    return n >= type->min && n <= type->max;
}

static bool is_code(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n >= 3 && n <= 9 && text[n] == '\0';
}

bool lexical_is_good(const struct field_type *type, const char *text)
{
    switch (type->kind) {
    case FIELD_STRING:
        return is_string(type, text);
    case FIELD_WORD:
        return field_is_word(type, text);
    case FIELD_TRUTH:
        return is_truth(read_collapsed(text));
    case FIELD_INTEGER:
        return *text == '\0' || is_integer(read_collapsed(text), true);
    case FIELD_NUMBER:
        return is_integer(read_collapsed(text), false);
    case FIELD_DAY:
        return *text == '\0' || is_day(read_collapsed(text));
    case FIELD_INSTANT:
        return is_instant(read_collapsed(text));
    case FIELD_CODE:
        return is_code(text);
    }
    return false;
}
