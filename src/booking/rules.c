/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whether a value can be what it claims to be: check numbers and forms, nothing else. No database, no memory, and no
 * word of the value in any message. Each rule cites where it is published.
 */
#include "booking.h"

#include "ascii.h"
#include "clock.h"

#include <string.h>

/* Exactly n digits and nothing else, into d. */
static bool read_digits(const char *s, unsigned n, int *d)
{
    if (s == NULL || strnlen(s, n + 1) != n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (!ascii_is_digit(s[i]))
            return false;
        d[i] = s[i] - '0';
    }
    return true;
}

static int weigh(const int *d, const int *weights, unsigned n)
{
    int sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += d[i] * weights[i];
    return sum;
}

/* Remainder of a number of n digits. */
static int remainder_of(const int *d, unsigned n, int divisor)
{
    int rest = 0;
    for (unsigned i = 0; i < n; i++)
        rest = (rest * 10 + d[i]) % divisor;
    return rest;
}

/*
 * SNILS: the Pension Fund's rule of the check number (board order 192p of 31.07.2006, annex; 9 digits weighed 9..1,
 * modulo 101, where 100 counts as 00). It holds for numbers above 001-001-998; older ones have none.
 */
bool rule_snils(const char *s)
{
    char plain[12];
    unsigned n = 0;
    for (; s != NULL && *s != '\0'; s++) {
        if (*s == ' ' || *s == '-')
            continue;
        if (n == 11)
            return false;
        plain[n++] = *s;
    }
    plain[n] = '\0';
    int d[11];
    if (!read_digits(plain, 11, d))
        return false;
    int number = 0, sum = 0;
    for (int i = 0; i < 9; i++) {
        number = number * 10 + d[i];
        sum += d[i] * (9 - i);
    }
    if (number <= 1001998)
        return number > 0;
    return sum % 101 % 100 == d[9] * 10 + d[10];
}

/* INN: structure by order ММВ-7-6/435@ of the tax service, 29.06.2012; the weights are its published ones. No region is
 * 00. */
bool rule_inn_person(const char *s)
{
    static const int w11[] = {7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
    static const int w12[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
    int d[12];
    if (!read_digits(s, 12, d) || (d[0] == 0 && d[1] == 0))
        return false;
    return weigh(d, w11, 10) % 11 % 10 == d[10] && weigh(d, w12, 11) % 11 % 10 == d[11];
}

static bool is_inn_company(const char *s)
{
    static const int w10[] = {2, 4, 10, 3, 5, 9, 4, 6, 8};
    int d[10];
    if (!read_digits(s, 10, d) || (d[0] == 0 && d[1] == 0))
        return false;
    return weigh(d, w10, 9) % 11 % 10 == d[9];
}

bool rule_inn_business(const char *s, bool entrepreneur)
{
    return entrepreneur ? rule_inn_person(s) : is_inn_company(s);
}

/* OGRN and OGRNIP: order of the Ministry of Finance 165n of 30.10.2017; the first digit tells the kind of record. */
bool rule_ogrn(const char *s)
{
    int d[13];
    if (!read_digits(s, 13, d) || (d[0] != 1 && d[0] != 5))
        return false;
    return remainder_of(d, 12, 11) % 10 == d[12];
}

bool rule_ogrnip(const char *s)
{
    int d[15];
    if (!read_digits(s, 15, d) || d[0] != 3)
        return false;
    return remainder_of(d, 14, 13) % 10 == d[14];
}

/* Appendix 2, item 12: 7 XXX XXX XX XX; callers separate the groups as they like. */
bool rule_phone(const char *s, char out[12])
{
    unsigned n = 0;
    for (; s != NULL && *s != '\0'; s++) {
        if (!ascii_is_digit(*s))
            continue;
        if (n == 11)
            return false;
        out[n++] = *s;
    }
    out[n] = '\0';
    return n == 11 && out[0] == '7';
}

static bool is_ascii_alnum(char c)
{
    return ascii_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_beyond_ascii(char c)
{
    return (unsigned char)c >= 0x80; /* RFC 6531: international addresses are addresses */
}

/* RFC 5321 4.1.2: dot-string; quoted local parts exist on paper only. */
static bool is_local_part(const char *s, size_t n)
{
    static const char specials[] = "!#$%&'*+-/=?^_`{|}~";
    if (n == 0 || n > 64 || s[0] == '.' || s[n - 1] == '.')
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.' ? s[i + 1] == '.'
                        : !is_ascii_alnum(s[i]) && !is_beyond_ascii(s[i]) && strchr(specials, s[i]) == NULL)
            return false;
    }
    return true;
}

/* RFC 1035 2.3.1: labels of letters, digits and inner hyphens; at least two of them, the last not a number. */
static bool is_domain(const char *s)
{
    size_t n = strlen(s), label = 0;
    unsigned labels = 1;
    bool is_number = true;
    if (n == 0 || n > 253)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.') {
            if (label == 0 || s[i - 1] == '-')
                return false;
            labels++;
            label = 0;
            is_number = true;
            continue;
        }
        if (!is_ascii_alnum(s[i]) && !is_beyond_ascii(s[i]) && (s[i] != '-' || label == 0))
            return false;
        is_number = is_number && ascii_is_digit(s[i]);
        if (++label > 63)
            return false;
    }
    return labels >= 2 && label > 0 && s[n - 1] != '-' && !is_number;
}

bool rule_email(const char *s)
{
    const char *at = s == NULL ? NULL : strrchr(s, '@');
    if (at == NULL || strlen(s) > 254)
        return false;
    return is_local_part(s, (size_t)(at - s)) && is_domain(at + 1);
}

static bool is_leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Two digits and not more than max; -1 otherwise. */
static int two_digits(const char *s, int max)
{
    if (!ascii_is_digit(s[0]) || !ascii_is_digit(s[1]))
        return -1;
    int value = (s[0] - '0') * 10 + (s[1] - '0');
    return value > max ? -1 : value;
}

/* XML Schema 3.2.7.3: Z, or up to fourteen hours either way. */
static bool is_zone(const char *s)
{
    if (strcmp(s, "Z") == 0)
        return true;
    if (strnlen(s, 7) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
        return false;
    int hours = two_digits(s + 1, 14), minutes = two_digits(s + 4, 59);
    return hours >= 0 && minutes >= 0 && (hours < 14 || minutes == 0);
}

/*
 * XML Schema 3.2.9. A day on a document has no zone, but some toolkits write that of their machine behind every
 * xs:date; it is no part of the day.
 */
bool rule_date(const char *s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (s == NULL || strnlen(s, DATE_LENGTH) != DATE_LENGTH || s[4] != '-' || s[7] != '-' ||
        (s[DATE_LENGTH] != '\0' && !is_zone(s + DATE_LENGTH)))
        return false;
    int value[3] = {0};
    for (int i = 0, part = 0; i < 10; i++) {
        if (i == 4 || i == 7)
            part++;
        else if (ascii_is_digit(s[i]))
            value[part] = value[part] * 10 + (s[i] - '0');
        else
            return false;
    }
    int year = value[0], month = value[1], day = value[2];
    if (year < 1 || month < 1 || month > 12)
        return false;
    int last = days[month - 1] + (month == 2 && is_leap_year(year));
    return day >= 1 && day <= last;
}

/* Appendix 2, item 10, and A1: a UUID by the comment, a Number by the table. */
bool rule_book_id(const char *s)
{
    if (uuid_is_valid(s))
        return true;
    size_t n = s == NULL ? 0 : strnlen(s, 20);
    if (n == 0 || n > 19)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!ascii_is_digit(s[i]))
            return false;
    }
    return true;
}
