/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The XML declaration (productions 23 to 26, 32, 80), and the encodings that are refused by their first bytes. */
#include "prescan.h"

#include <strings.h>

static bool scan_declared(struct scan *s, const char *name, struct span *value)
{
    const unsigned char *from = s->p;
    if (!scan_take_blanks(s) || !scan_take(s, name)) {
        s->p = from;
        return false;
    }
    scan_take_blanks(s);
    bool has_equals = scan_take(s, "=");
    scan_take_blanks(s);
    if (!has_equals || s->p == s->end || (*s->p != '"' && *s->p != '\''))
        return scan_fail(s, ERR_MALFORMED, "bad XML declaration");
    unsigned char quote = *s->p++;
    from = s->p;
    while (s->p<s->end && * s->p != quote && * s->p> 0x20 && *s->p < 0x7f)
        s->p++;
    if (s->p == s->end || *s->p != quote)
        return scan_fail(s, ERR_MALFORMED, "bad XML declaration");
    *value = (struct span){(const char *)from, (size_t)(s->p - from)};
    s->p++;
    return true;
}

/* "UTF8" is no name of IANA's list (XML 1.0, 4.3.3), but nothing else can be meant by it. */
static bool is_utf8(struct span name)
{
    return (name.n == 5 && strncasecmp(name.p, "utf-8", 5) == 0) ||
           (name.n == 4 && strncasecmp(name.p, "utf8", 4) == 0);
}

/* Behind "<?xml". */
static bool scan_declaration(struct scan *s)
{
    struct span value = {NULL, 0};
    if (!scan_declared(s, "version", &value))
        return scan_fail(s, ERR_MALFORMED, "XML declaration without a version");
    if (!span_is(value, "1.0"))
        return scan_fail(s, ERR_MALFORMED, "XML of another version");
    if (scan_declared(s, "encoding", &value) && !is_utf8(value))
        return scan_fail(s, ERR_ENCODING, "another encoding declared");
    if (s->code == ERR_OK && scan_declared(s, "standalone", &value) && !span_is(value, "yes") && !span_is(value, "no"))
        return scan_fail(s, ERR_MALFORMED, "bad XML declaration");
    if (s->code != ERR_OK)
        return false;
    scan_take_blanks(s);
    return scan_take(s, "?>") || scan_fail(s, ERR_MALFORMED, "bad XML declaration");
}

bool scan_beginning(struct scan *s)
{
    if (scan_take(s, "\x4c\x6f\xa7\x94")) /* "<?xm" of an EBCDIC page */
        return scan_fail(s, ERR_ENCODING, "EBCDIC");
    scan_take(s, "\xef\xbb\xbf");
    if (s->end - s->p > 5 && scan_is_at(s, "<?xml") && xml_is_blank(s->p[5])) {
        s->p += 5;
        return scan_declaration(s);
    }
    return true;
}
