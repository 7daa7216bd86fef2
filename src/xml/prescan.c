/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The gate before the parser: one pass over the bytes that knows the outlines of XML 1.0 (tags, comments, sections,
 * references) and counts. Owns no memory and never looks back. It does not check that tags match or that names are
 * unique: the parser does, on input that can no longer make it slow.
 *
 * Why these counts: libxml2 compares the attributes of a tag pairwise, canonicalisation sorts them the same way and
 * looks up each prefix among those of all open elements; a few megabytes of tags so made cost seconds. And it writes
 * the name of a namespace again at each element that uses it, wherever it was declared: a long one, once, and many
 * small elements would be gigabytes.
 */
#include "prescan.h"

#include "ascii.h"

#include <string.h>

const struct xml_limits xml_limits_default = {
    .size_max_bytes = (size_t)5 * 1024 * 1024,
    .start_tag_max_bytes = (size_t)32 * 1024,
    .attributes_max = 256,
    .namespaces_max = 64,
    .namespace_max_bytes = 256,
    .depth_max = 64,
    .elements_max = 50000,
    .name_max_bytes = 1024,
};

/* ---- small steps ---- */

/* Whatever was due here: bytes that cannot be UTF-8 text are named as such. */
static bool is_foreign(const struct scan *s)
{
    uint32_t code;
    if (s->p == s->end)
        return false;
    return *s->p == 0 || (xml_char_is(*s->p, CHAR_WIDE) && xml_wide_char(s->p, s->end, &code) == 0);
}

bool scan_fail(struct scan *s, enum err code, const char *what)
{
    if (code == ERR_MALFORMED && is_foreign(s))
        code = ERR_ENCODING, what = "bytes that are not UTF-8 text";
    s->code = error_set(s->e, code, "%s at byte %zu", what, (size_t)(s->p - s->begin));
    return false;
}

bool scan_take_blanks(struct scan *s)
{
    const unsigned char *from = s->p;
    while (s->p < s->end && xml_is_blank(*s->p))
        s->p++;
    return s->p > from;
}

/* One character of several bytes. */
static bool step_wide(struct scan *s)
{
    uint32_t code;
    if (s->end - s->p >= 2 && s->p[0] >= 0xc2 && s->p[0] <= 0xdf && (s->p[1] & 0xc0U) == 0x80) {
        s->p += 2; /* Cyrillic, for the most part */
        return true;
    }
    size_t n = xml_wide_char(s->p, s->end, &code);
    if (n == 0 || !xml_is_char(code))
        return scan_fail(s, ERR_MALFORMED, "not a character");
    s->p += n;
    return true;
}

/* Goes on to the next byte of class stop, checking all bytes on the way; true at the end of input too. */
static bool skip_to(struct scan *s, unsigned stop)
{
    for (;;) {
        const unsigned char *p = s->p, *end = s->end;
        while (p < end && !xml_char_is(*p, stop | CHAR_BAD | CHAR_WIDE))
            p++;
        s->p = p;
        if (s->p == s->end || xml_char_is(*s->p, stop))
            return true;
        if (xml_char_is(*s->p, CHAR_BAD))
            return scan_fail(s, ERR_MALFORMED, "control character");
        if (!step_wide(s))
            return false;
    }
}

static bool is_name_start(unsigned char c)
{
    return xml_char_is(c, CHAR_NAME) && c != '-' && c != '.' && (c < '0' || c > '9');
}

static bool scan_name(struct scan *s, struct span *name)
{
    const unsigned char *from = s->p, *p = from, *end = s->end;
    if (p == end)
        return scan_fail(s, ERR_MALFORMED, "end of input where a name is due");
    if (!is_name_start(*p))
        return scan_fail(s, ERR_MALFORMED, "no name where one is due");
    for (;;) {
        while (p < end && (xml_char_class[*p] & (CHAR_NAME | CHAR_WIDE)) == CHAR_NAME)
            p++;
        s->p = p;
        if (p == end || !xml_char_is(*p, CHAR_NAME))
            break;
        if (!step_wide(s))
            return false;
        p = s->p;
    }
    *name = (struct span){(const char *)from, (size_t)(s->p - from)};
    if (name->n > s->limits->name_max_bytes)
        return scan_fail(s, ERR_LIMIT, "name too long");
    return true;
}

static bool count_node(struct scan *s)
{
    if (s->nodes >= s->limits->elements_max)
        return scan_fail(s, ERR_LIMIT, "too many elements");
    s->nodes++;
    return true;
}

/* ---- references: the five, and characters ---- */

static bool scan_char_reference(struct scan *s)
{
    unsigned base = scan_take(s, "x") ? 16 : 10;
    const unsigned char *from = s->p;
    uint32_t code = 0;
    for (int digit; s->p < s->end && (digit = ascii_hex((char)*s->p)) >= 0 && digit < (int)base; s->p++)
        if (code <= 0x10ffff) /* enough to know that it is too large */
            code = code * base + (uint32_t)digit;
    if (s->p == from || !scan_take(s, ";") || !xml_is_char(code))
        return scan_fail(s, ERR_MALFORMED, "bad character reference");
    return true;
}

static bool scan_reference(struct scan *s)
{
    static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    if (scan_take(s, "&#"))
        return scan_char_reference(s);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (scan_take(s, known[i]))
            return true;
    return scan_fail(s, ERR_MALFORMED, "entity reference");
}

/* ---- tags ---- */

static bool scan_value(struct scan *s)
{
    if (s->p == s->end || (*s->p != '"' && *s->p != '\''))
        return scan_fail(s, ERR_MALFORMED, "no quote before an attribute value");
    unsigned char quote = *s->p++;
    for (;;) {
        if (!skip_to(s, quote == '"' ? CHAR_QUOT_END : CHAR_APOS_END))
            return false;
        if (s->p == s->end)
            return scan_fail(s, ERR_MALFORMED, "end of input in an attribute value");
        if (*s->p == '<')
            return scan_fail(s, ERR_MALFORMED, "'<' in an attribute value");
        if (*s->p == quote)
            break;
        if (!scan_reference(s))
            return false;
    }
    s->p++;
    return true;
}

static bool is_xmlns(struct span name)
{
    return span_is(name, "xmlns") || (name.n > 6 && memcmp(name.p, "xmlns:", 6) == 0);
}

static bool scan_attribute(struct scan *s, struct level *tag)
{
    const struct xml_limits *l = s->limits;
    struct span name;
    if (!scan_name(s, &name))
        return false;
    tag->attributes++;
    s->attributes++;
    if (tag->attributes > l->attributes_max || s->attributes > l->elements_max ||
        (size_t)s->open.attributes + tag->attributes > (size_t)l->attributes_max * 2)
        return scan_fail(s, ERR_LIMIT, "too many attributes");
    if (is_xmlns(name))
        tag->namespaces++;
    if (s->open.namespaces + tag->namespaces > l->namespaces_max)
        return scan_fail(s, ERR_LIMIT, "too many namespace declarations");
    scan_take_blanks(s);
    if (!scan_take(s, "="))
        return scan_fail(s, ERR_MALFORMED, "no '=' after an attribute name");
    scan_take_blanks(s);
    const unsigned char *value = s->p;
    if (!scan_value(s))
        return false;
    if (is_xmlns(name) && (size_t)(s->p - value) - 2 > l->namespace_max_bytes)
        return scan_fail(s, ERR_LIMIT, "the name of a namespace is too long");
    return true;
}

static void scan_open_element(struct scan *s, const struct level *tag)
{
    s->levels[s->depth++] = *tag;
    s->open.attributes += tag->attributes;
    s->open.namespaces += tag->namespaces;
}

/* At "<" of a start tag. */
static bool scan_start_tag(struct scan *s)
{
    const struct xml_limits *l = s->limits;
    const unsigned char *from = s->p;
    struct level tag = {0};
    struct span name;
    if (s->depth == 0 && s->has_root)
        return scan_fail(s, ERR_MALFORMED, "second root element");
    if (s->depth >= l->depth_max || s->depth >= DEPTH_CAP)
        return scan_fail(s, ERR_LIMIT, "elements nested too deep");
    s->p++;
    s->has_root = true;
    if (!count_node(s) || !scan_name(s, &name))
        return false;
    for (;;) {
        bool blank = scan_take_blanks(s);
        bool is_empty = scan_take(s, "/>");
        bool is_end = is_empty || scan_take(s, ">");
        if ((size_t)(s->p - from) > l->start_tag_max_bytes)
            return scan_fail(s, ERR_LIMIT, "start tag too long");
        if (is_end && !is_empty)
            scan_open_element(s, &tag);
        if (is_end)
            return true;
        if (s->p == s->end)
            return scan_fail(s, ERR_MALFORMED, "end of input in a start tag");
        if (!blank)
            return scan_fail(s, ERR_MALFORMED, "no blank before an attribute");
        if (!scan_attribute(s, &tag))
            return false;
    }
}

/* Behind "</". */
static bool scan_end_tag(struct scan *s)
{
    struct span name;
    if (s->depth == 0)
        return scan_fail(s, ERR_MALFORMED, "end tag without a start");
    if (!scan_name(s, &name))
        return false;
    scan_take_blanks(s);
    if (!scan_take(s, ">"))
        return scan_fail(s, ERR_MALFORMED, "end tag does not end");
    const struct level *tag = &s->levels[--s->depth];
    s->open.attributes -= tag->attributes;
    s->open.namespaces -= tag->namespaces;
    return true;
}

/* ---- comments, sections, what is refused ---- */

/* Behind "<!--". */
static bool scan_comment(struct scan *s)
{
    if (!count_node(s))
        return false;
    for (;;) {
        if (!skip_to(s, CHAR_HYPHEN))
            return false;
        if (s->p == s->end)
            return scan_fail(s, ERR_MALFORMED, "end of input in a comment");
        if (scan_take(s, "-->"))
            return true;
        if (scan_is_at(s, "--"))
            return scan_fail(s, ERR_MALFORMED, "'--' in a comment");
        s->p++;
    }
}

/* Behind "<![CDATA[". */
static bool scan_cdata(struct scan *s)
{
    if (s->depth == 0)
        return scan_fail(s, ERR_MALFORMED, "CDATA section outside the root element");
    if (!count_node(s))
        return false;
    for (;;) {
        if (!skip_to(s, CHAR_BRACKET))
            return false;
        if (s->p == s->end)
            return scan_fail(s, ERR_MALFORMED, "end of input in a CDATA section");
        if (scan_take(s, "]]>"))
            return true;
        s->p++;
    }
}

static bool scan_markup(struct scan *s)
{
    if (s->end - s->p >= 2 && xml_char_is(s->p[1], CHAR_NAME))
        return scan_start_tag(s);
    if (scan_take(s, "</"))
        return scan_end_tag(s);
    if (scan_take(s, "<!--"))
        return scan_comment(s);
    if (scan_take(s, "<![CDATA["))
        return scan_cdata(s);
    if (scan_is_at(s, "<!DOCTYPE"))
        return scan_fail(s, ERR_DOCTYPE, "DOCTYPE");
    if (scan_is_at(s, "<!"))
        return scan_fail(s, ERR_MALFORMED, "declaration");
    if (scan_is_at(s, "<?"))
        return scan_fail(s, ERR_MALFORMED, "processing instruction");
    return scan_start_tag(s);
}

static bool scan_text(struct scan *s)
{
    if (s->depth == 0) {
        scan_take_blanks(s);
        return s->p == s->end || *s->p == '<' || scan_fail(s, ERR_MALFORMED, "text outside the root element");
    }
    if (!skip_to(s, CHAR_TEXT_END))
        return false;
    return s->p == s->end || *s->p == '<' || scan_reference(s);
}

/* ---- the whole ---- */

static bool scan_document(struct scan *s)
{
    if (!scan_beginning(s))
        return false;
    while (s->p < s->end)
        if (!(*s->p == '<' ? scan_markup(s) : scan_text(s)))
            return false;
    if (!s->has_root)
        return scan_fail(s, ERR_MALFORMED, "no root element");
    return s->depth == 0 || scan_fail(s, ERR_MALFORMED, "end of input in an element");
}

enum err xml_prescan(struct span bytes, const struct xml_limits *limits, struct error *e)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n > limits->size_max_bytes)
        return error_set(e, ERR_LIMIT, "message of %zu bytes", bytes.n);
    if (bytes.n == 0)
        return error_set(e, ERR_MALFORMED, "empty message");
    struct scan s = {.begin = p, .p = p, .end = p + bytes.n, .limits = limits, .e = e, .code = ERR_OK};
    return scan_document(&s) ? ERR_OK : s.code;
}
