/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is refused before the parser sees it: XML 1.0 (Fifth Edition) by production, RFC 3629 by table, and sizes.
 * The list of attacks is in test_attacks.c.
 */
#include "whole_file.h"
#include "xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    enum err want;
    const char *bytes;
    size_t n;
};

#define CASE(want, s)                                                                                                  \
    {                                                                                                                  \
        ERR_##want, (s), sizeof(s) - 1                                                                                 \
    }

/* ---- right ---- */

static const struct sample right[] = {
    CASE(OK, "<a/>"),
    CASE(OK, "<a></a>"),
    CASE(OK, "<a ></a\n>"),
    CASE(OK, "\n \t\r\n<a/>\n"),
    CASE(OK, "\xef\xbb\xbf<a/>"),
    CASE(OK, "\xef\xbb\xbf<?xml version='1.0'?><a/>"),
    CASE(OK, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"),
    CASE(OK, "<?xml version='1.0' encoding='utf-8' standalone='yes'?><a/>"),
    CASE(OK, "<?xml version = \"1.0\"\n\tencoding = 'Utf-8'  standalone=\"no\" ?>\n<a/>"),
    CASE(OK, "<?xml version=\"1.0\" standalone='no'?><a/>"),
    CASE(OK, "<a>text</a>"),
    CASE(OK, "<a>\xd1\x82\xd0\xb5\xd0\xba\xd1\x81\xd1\x82</a>"),
    CASE(OK, "<\xd0\xb0 \xd0\xb1='\xd0\xb2'/>"),
    CASE(OK, "<a>\xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbd</a>"),
    CASE(OK, "<a>\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbd \xf0\x90\x80\x80</a>"),
    CASE(OK, "<a>\xc2\x85\xe2\x80\xa8 DEL \x7f</a>"),
    CASE(OK, "<a b='>'/>"),
    CASE(OK, "<a b='/>' c=\"'\" d='\"'><b/></a>"),
    CASE(OK, "<a b = 'c'\n\td=\"e\" />"),
    CASE(OK, "<a>></a>"),
    CASE(OK, "<a>&lt;&gt;&amp;&quot;&apos;</a>"),
    CASE(OK, "<a b='&lt;&gt;&amp;&quot;&apos;'/>"),
    CASE(OK, "<a>&#9;&#10;&#xd;&#x20;&#xD7FF;&#xE000;&#xfffd;&#x10000;&#x10FFFF;&#1114111;</a>"),
    CASE(OK, "<a b='&#x0000000041;'>&#000065;</a>"),
    CASE(OK, "<a><!-- <b> & <!DOCTYPE x> <? --></a>"),
    CASE(OK, "<!----><a><!-- - - --></a><!--x--> "),
    CASE(OK, "<a><![CDATA[<b> & ]] ]> <!DOCTYPE <?x ?> <!-- ]]></a>"),
    CASE(OK, "<a><![CDATA[]]]]></a>"),
    CASE(OK, "<a><![CDATA[]]><![CDATA[]]]]]]></a>"),
    CASE(OK, "<x:a xmlns:x='urn:x' xmlns=''><x:b/></x:a>"),
    CASE(OK, "<_a-b.c1 :x='1'/>"),
    CASE(OK, "<xml/>"),
    CASE(OK, "<a><b></b><b/><c>1</c>text<d>2</d></a>"),
};

/* ---- not UTF-8 (RFC 3629 section 3 and 10; XML 1.0 appendix F) ---- */

static const struct sample encodings[] = {
    CASE(ENCODING, "<a>\x80</a>"),
    CASE(ENCODING, "<a>\xbf</a>"),
    CASE(ENCODING, "<a>\xc0\x80</a>"), /* NUL in disguise */
    CASE(ENCODING, "<a>\xc0\xbc"
                   "b></a>"), /* '<' in two bytes */
    CASE(ENCODING, "<a>\xc1\xbf</a>"),
    CASE(ENCODING, "<a>\xc2</a>"),
    CASE(ENCODING, "<a>\xc2"),
    CASE(ENCODING, "<a>\xc2\x7f</a>"),
    CASE(ENCODING, "<a>\xc2\xc0</a>"),
    CASE(ENCODING, "<a>\xe0\x80\xbc</a>"), /* '<' in three bytes */
    CASE(ENCODING, "<a>\xe0\x9f\xbf</a>"),
    CASE(ENCODING, "<a>\xe2\x82</a>"),
    CASE(ENCODING, "<a>\xe2\x82"),
    CASE(ENCODING, "<a>\xe2\x28\xa1</a>"),
    CASE(ENCODING, "<a>\xe2\x82\x28</a>"),
    CASE(ENCODING, "<a>\xed\xa0\x80</a>"), /* surrogates */
    CASE(ENCODING, "<a>\xed\xbf\xbf</a>"),
    CASE(ENCODING, "<a>\xed\xa0\xbd\xed\xb8\x80</a>"), /* CESU-8 */
    CASE(ENCODING, "<a>\xf0\x80\x80\xbc</a>"),
    CASE(ENCODING, "<a>\xf0\x8f\xbf\xbf</a>"),
    CASE(ENCODING, "<a>\xf0\x9f\x98</a>"),
    CASE(ENCODING, "<a>\xf0\x9f"),
    CASE(ENCODING, "<a>\xf0\x28\x8c\xbc</a>"),
    CASE(ENCODING, "<a>\xf4\x90\x80\x80</a>"), /* U+110000 */
    CASE(ENCODING, "<a>\xf5\x80\x80\x80</a>"),
    CASE(ENCODING, "<a>\xf8\x88\x80\x80\x80</a>"),
    CASE(ENCODING, "<a>\xfc\x84\x80\x80\x80\x80</a>"),
    CASE(ENCODING, "<a>\xfe</a>"),
    CASE(ENCODING, "<a>\xff</a>"),
    CASE(ENCODING, "<a b='\xc0\xaf'/>"),
    CASE(ENCODING, "<a b='\xed\xa0\x80'/>"),
    CASE(ENCODING, "<a \xe0='1'/>"),
    CASE(ENCODING, "<\xff/>"),
    CASE(ENCODING, "<a\xff/>"),
    CASE(ENCODING, "<a></a\xff>"),
    CASE(ENCODING, "<a b=\xff/>"),
    CASE(ENCODING, "<a><!-- \xc0\x80 --></a>"),
    CASE(ENCODING, "<!-- \xff --><a/>"),
    CASE(ENCODING, "<a><![CDATA[\xed\xbf\xbf]]></a>"),
    CASE(ENCODING, "<a/>\xff"),
    CASE(ENCODING, "\x80<a/>"),
    CASE(ENCODING, "<a>\xd0</a>"),
    CASE(ENCODING, "<a>\xcf\xf0\xe8\xe2\xe5\xf2</a>"), /* windows-1251 */
    CASE(ENCODING, "\xff\xfe<\0a\0/\0>\0"),            /* UTF-16LE */
    CASE(ENCODING, "\xfe\xff\0<\0a\0/\0>"),            /* UTF-16BE */
    CASE(ENCODING, "<\0a\0/\0>\0"),                    /* without a BOM */
    CASE(ENCODING, "\0<\0a\0/\0>"),
    CASE(ENCODING, "<\0?\0x\0m\0l\0 \0v\0"),
    CASE(ENCODING, "\0<\0?\0x\0m\0l\0 \0v"),
    CASE(ENCODING, " \0<\0a\0/\0>\0"),
    CASE(ENCODING, "\xff\xfe\0\0<\0\0\0a\0\0\0/\0\0\0>\0\0\0"), /* UTF-32LE */
    CASE(ENCODING, "\0\0\xfe\xff\0\0\0<\0\0\0a\0\0\0/\0\0\0>"), /* UTF-32BE */
    CASE(ENCODING, "<\0\0\0a\0\0\0/\0\0\0>\0\0\0"),
    CASE(ENCODING, "\0\0\0<\0\0\0a\0\0\0/\0\0\0>"),
    CASE(ENCODING, "\0\0<\0\0\0a\0"),                                                                       /* 2143 */
    CASE(ENCODING, "\0<\0\0\0a\0\0"),                                                                       /* 3412 */
    CASE(ENCODING, "\x4c\x6f\xa7\x94\x93\x40\xa5\x85\x99\xa2\x89\x96\x95\x7e\x7f\xf1\x4b\xf0\x7f\x6f\x6e"), /* EBCDIC */
    CASE(ENCODING, "\xef\xbb\xbf\xff\xfe<\0a\0/\0>\0"),
    CASE(ENCODING, "<a>\0</a>"),
    CASE(ENCODING, "<a b='\0'/>"),
    CASE(ENCODING, "<a\0/>"),
    CASE(ENCODING, "<a \0/>"),
    CASE(ENCODING, "<a></a\0>"),
    CASE(ENCODING, "<a/>\0"),
    CASE(ENCODING, "\0"),
    CASE(ENCODING, "<!--\0--><a/>"),
    CASE(ENCODING, "<a><![CDATA[\0]]></a>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='UTF-16'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='utf-16le'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='UTF-7'?><a>+ADw-b+AD4-</a>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='windows-1251'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='KOI8-R'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='IBM037'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='ISO-8859-1'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='US-ASCII'?><a/>"),
    CASE(OK, "<?xml version='1.0' encoding='UTF8'?><a/>"),
    CASE(OK, "<?xml version='1.0' encoding='utf8'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='UTF8X'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='UTF'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding='UTF-8x'?><a/>"),
    CASE(ENCODING, "<?xml version='1.0' encoding=''?><a/>"),
    CASE(ENCODING, "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-16'?><a/>"),
};

/* ---- document types ---- */

static const struct sample doctypes[] = {
    CASE(DOCTYPE, "<!DOCTYPE a><a/>"),
    CASE(DOCTYPE, "<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x.dtd'><a/>"),
    CASE(DOCTYPE, "<!DOCTYPE a PUBLIC '-//X' 'file:///etc/passwd'><a/>"),
    CASE(DOCTYPE, "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
    CASE(DOCTYPE, "<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><a>&b;</a>"),
    CASE(DOCTYPE, "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]><a/>"),
    CASE(DOCTYPE, "<!-- c --><!DOCTYPE a><a/>"),
    CASE(DOCTYPE, " \n<!DOCTYPE"),
    CASE(DOCTYPE, "<a><!DOCTYPE a></a>"),
    CASE(DOCTYPE, "<a/><!DOCTYPE a>"),
    CASE(DOCTYPE, "\xef\xbb\xbf<!DOCTYPE a><a/>"),
    CASE(DOCTYPE, "<a><!-- --><!DOCTYPE b></a>"),
    CASE(DOCTYPE, "<a><![CDATA[]]><!DOCTYPE b></a>"),
};

/* ---- not XML, or XML we do not take ---- */

static const struct sample malformed[] = {
    CASE(MALFORMED, ""),
    CASE(MALFORMED, " "),
    CASE(MALFORMED, "\xef\xbb\xbf"),
    CASE(MALFORMED, "\xef\xbb\xbf\xef\xbb\xbf<a/>"),
    CASE(MALFORMED, "<a/>\xef\xbb\xbf"),
    CASE(MALFORMED, "x"),
    CASE(MALFORMED, "{\"a\":1}"),
    CASE(MALFORMED, "+ADw-a/+AD4-"), /* UTF-7 */
    CASE(MALFORMED, "text<a/>"),
    CASE(MALFORMED, "<a/>text"),
    CASE(MALFORMED, "<a/>&#32;"),
    CASE(MALFORMED, "&lt;a/>"),
    CASE(MALFORMED, "<a/><b/>"),
    CASE(MALFORMED, "<a></a><b></b>"),
    CASE(MALFORMED, "<!-- only -->"),
    CASE(MALFORMED, "<?xml version='1.0'?>"),
    CASE(MALFORMED, "<"),
    CASE(MALFORMED, "<a"),
    CASE(MALFORMED, "<a "),
    CASE(MALFORMED, "<a b"),
    CASE(MALFORMED, "<a b="),
    CASE(MALFORMED, "<a b='"),
    CASE(MALFORMED, "<a b='c"),
    CASE(MALFORMED, "<a b='c'"),
    CASE(MALFORMED, "<a/"),
    CASE(MALFORMED, "<a>"),
    CASE(MALFORMED, "<a><b></b>"),
    CASE(MALFORMED, "<a></"),
    CASE(MALFORMED, "<a></a"),
    CASE(MALFORMED, "<a></>"),
    CASE(MALFORMED, "</a>"),
    CASE(MALFORMED, "<a/></a>"),
    CASE(MALFORMED, "<a></a b='c'>"),
    CASE(MALFORMED, "<a></ a>"),
    CASE(MALFORMED, "< a/>"),
    CASE(MALFORMED, "<1/>"),
    CASE(MALFORMED, "<-a/>"),
    CASE(MALFORMED, "<.a/>"),
    CASE(MALFORMED, "<a><></a>"),
    CASE(MALFORMED, "<a/ >"),
    CASE(MALFORMED, "<a//>"),
    CASE(MALFORMED, "<a b>"),
    CASE(MALFORMED, "<a b=c/>"),
    CASE(MALFORMED, "<a b=\"c'/>"),
    CASE(MALFORMED, "<a b='c'd='e'/>"),
    CASE(MALFORMED, "<a b='c',d='e'/>"),
    CASE(MALFORMED, "<a 1='c'/>"),
    CASE(MALFORMED, "<a b='<'/>"),
    CASE(MALFORMED, "<a b='x<y'/>"),
    CASE(MALFORMED, "<a b='&'/>"),
    CASE(MALFORMED, "<a b='&lt'/>"),
    CASE(MALFORMED, "<a b='&x;'/>"),
    CASE(MALFORMED, "<a b=''"),
    CASE(MALFORMED, "<a>&</a>"),
    CASE(MALFORMED, "<a>& </a>"),
    CASE(MALFORMED, "<a>&;</a>"),
    CASE(MALFORMED, "<a>&amp</a>"),
    CASE(MALFORMED, "<a>&LT;</a>"),
    CASE(MALFORMED, "<a>&nbsp;</a>"),
    CASE(MALFORMED, "<a>&x;</a>"),
    CASE(MALFORMED, "<a>&lt"),
    CASE(MALFORMED, "<a>&#;</a>"),
    CASE(MALFORMED, "<a>&#x;</a>"),
    CASE(MALFORMED, "<a>&#X41;</a>"),
    CASE(MALFORMED, "<a>&#-1;</a>"),
    CASE(MALFORMED, "<a>&#65</a>"),
    CASE(MALFORMED, "<a>&#6 5;</a>"),
    CASE(MALFORMED, "<a>&#4A;</a>"),
    CASE(MALFORMED, "<a>&#xG;</a>"),
    CASE(MALFORMED, "<a>&#0;</a>"),
    CASE(MALFORMED, "<a>&#x0;</a>"),
    CASE(MALFORMED, "<a>&#8;</a>"),
    CASE(MALFORMED, "<a>&#11;</a>"),
    CASE(MALFORMED, "<a>&#x1F;</a>"),
    CASE(MALFORMED, "<a>&#xD800;</a>"),
    CASE(MALFORMED, "<a>&#xDFFF;</a>"),
    CASE(MALFORMED, "<a>&#xFFFE;</a>"),
    CASE(MALFORMED, "<a>&#65535;</a>"),
    CASE(MALFORMED, "<a>&#x110000;</a>"),
    CASE(MALFORMED, "<a>&#4294967361;</a>"), /* 65 modulo 2^32 */
    CASE(MALFORMED, "<a>&#x100000000000000041;</a>"),
    CASE(MALFORMED, "<a b='&#0;'/>"),
    CASE(MALFORMED, "<a>\x01</a>"),
    CASE(MALFORMED, "<a>\x08</a>"),
    CASE(MALFORMED, "<a>\x0b</a>"),
    CASE(MALFORMED, "<a>\x0c</a>"),
    CASE(MALFORMED, "<a>\x0e</a>"),
    CASE(MALFORMED, "<a>\x1b[31m</a>"),
    CASE(MALFORMED, "<a>\x1f</a>"),
    CASE(MALFORMED, "<a b='\x01'/>"),
    CASE(MALFORMED, "<a\x01/>"),
    CASE(MALFORMED, "<a \x0c/>"),
    CASE(MALFORMED, "\x01<a/>"),
    CASE(MALFORMED, "<a/>\x1a"),
    CASE(MALFORMED, "<!--\x02--><a/>"),
    CASE(MALFORMED, "<a><![CDATA[\x03]]></a>"),
    CASE(MALFORMED, "<a>\xef\xbf\xbe</a>"),
    CASE(MALFORMED, "<a>\xef\xbf\xbf</a>"),
    CASE(MALFORMED, "<a b='\xef\xbf\xbf'/>"),
    CASE(MALFORMED, "<a><!--\xef\xbf\xbe--></a>"),
    CASE(MALFORMED, "<a><!-- -- --></a>"),
    CASE(MALFORMED, "<a><!-- --->"),
    CASE(MALFORMED, "<a><!--->--></a>x"),
    CASE(MALFORMED, "<a><!-- "),
    CASE(MALFORMED, "<a><!-- -"),
    CASE(MALFORMED, "<a><!- x --></a>"),
    CASE(MALFORMED, "<!-- x <a/>"),
    CASE(MALFORMED, "<a><![CDATA[ ]]</a>"),
    CASE(MALFORMED, "<a><![CDATA[ ]] ></a>"),
    CASE(MALFORMED, "<a><![CDATA[</a>"),
    CASE(MALFORMED, "<a><![cdata[]]></a>"),
    CASE(MALFORMED, "<a><![CDATA []]></a>"),
    CASE(MALFORMED, "<a><![INCLUDE[]]></a>"),
    CASE(MALFORMED, "<![CDATA[x]]><a/>"),
    CASE(MALFORMED, "<a/><![CDATA[]]>"),
    CASE(MALFORMED, "<!doctype a><a/>"),
    CASE(MALFORMED, "<!DOC a><a/>"),
    CASE(MALFORMED, "<!ENTITY a 'b'><a/>"),
    CASE(MALFORMED, "<!ELEMENT a ANY><a/>"),
    CASE(MALFORMED, "<a><!ATTLIST a b CDATA ''></a>"),
    CASE(MALFORMED, "<a><?p?></a>"),
    CASE(MALFORMED, "<?p x?><a/>"),
    CASE(MALFORMED, "<?xml-stylesheet href='x.xsl' type='text/xsl'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0'?><?xml-stylesheet href='x'?><a/>"),
    CASE(MALFORMED, "<a/><?p?>"),
    CASE(MALFORMED, "<a><?xml version='1.0'?></a>"),
    CASE(MALFORMED, " <?xml version='1.0'?><a/>"),
    CASE(MALFORMED, "\n<?xml version='1.0'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0'?><?xml version='1.0'?><a/>"),
    CASE(MALFORMED, "<?XML version='1.0'?><a/>"),
    CASE(MALFORMED, "<?xml?><a/>"),
    CASE(MALFORMED, "<?xml ?><a/>"),
    CASE(MALFORMED, "<?xml encoding='UTF-8'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.1'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.1' encoding='UTF-8'?><a>\xc2\x85</a>"),
    CASE(MALFORMED, "<?xml version='2.0'?><a/>"),
    CASE(MALFORMED, "<?xml version='1'?><a/>"),
    CASE(MALFORMED, "<?xml version=1.0?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0\"?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0'encoding='UTF-8'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0' standalone='maybe'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0' standalone='YES'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0' encoding='UTF-8' extra='x'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0' version='1.0'?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0' encoding?><a/>"),
    CASE(MALFORMED, "<?xml version='1.0' encoding='UTF-8><a/>"),
    CASE(MALFORMED, "<?xml version='1.0'><a/>"),
    CASE(MALFORMED, "<?xml version='1.0'"),
    CASE(MALFORMED, "<?xml "),
    CASE(MALFORMED, "<?xml"),
};

static void check_samples(const struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        /* A copy of the exact size: AddressSanitizer sees any look past the end. */
        char *bytes = malloc(samples[i].n == 0 ? 1 : samples[i].n);
        memcpy(bytes, samples[i].bytes, samples[i].n);
        struct error e = {.code = ERR_OK};
        enum err got = xml_prescan((struct span){bytes, samples[i].n}, &xml_limits_default, &e);
        free(bytes);
        if (got != samples[i].want)
            fail_msg("%zu: %s: wanted %s, got %s (%s)", i, samples[i].bytes, error_name(samples[i].want),
                     error_name(got), e.detail);
        assert_int_equal(e.code, got);
    }
}

#define CHECK_ALL(table)                                                                                               \
    static void table##_are_told_apart(void **state)                                                                   \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        check_samples(table, sizeof table / sizeof table[0]);                                                          \
    }
CHECK_ALL(right)
CHECK_ALL(encodings)
CHECK_ALL(doctypes)
CHECK_ALL(malformed)

/* Each byte alone in text: RFC 3629 lets through what is below 0x80, production 2 takes the controls away. */
static void single_bytes_in_text(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char bytes[] = "<a>x</a>";
        bytes[3] = (char)c;
        enum err want = ERR_OK;
        if (c == 0 || c >= 0x80)
            want = ERR_ENCODING;
        else if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == '<' || c == '&')
            want = ERR_MALFORMED;
        struct error e = {.code = ERR_OK};
        assert_int_equal(xml_prescan((struct span){bytes, 8}, &xml_limits_default, &e), want);
    }
}

/* All pairs of bytes: exactly the two-byte forms of RFC 3629 section 4 and pairs of plain characters pass. */
static void pairs_of_bytes_in_text(void **state)
{
    (void)state;
    unsigned passed = 0;
    for (unsigned pair = 0; pair < 65536; pair++) {
        unsigned char bytes[] = {'<', 'a', '>', (unsigned char)(pair >> 8), (unsigned char)pair, '<', '/', 'a', '>'};
        bool is_two = bytes[3] >= 0xc2 && bytes[3] <= 0xdf && bytes[4] >= 0x80 && bytes[4] <= 0xbf;
        bool is_plain = true;
        for (int i = 3; i < 5; i++)
            is_plain = is_plain && bytes[i] < 0x80 && bytes[i] != '<' && bytes[i] != '&' &&
                       (bytes[i] >= 0x20 || bytes[i] == '\t' || bytes[i] == '\n' || bytes[i] == '\r');
        struct error e = {.code = ERR_OK};
        enum err got = xml_prescan((struct span){(const char *)bytes, sizeof bytes}, &xml_limits_default, &e);
        assert_int_equal(got == ERR_OK, is_two || is_plain);
        passed += got == ERR_OK;
    }
    assert_int_equal(passed, 30 * 64 + 97 * 97);
}

/* A good message cut anywhere is refused, as MALFORMED or, in the middle of a character, as ENCODING. */
static void every_prefix_of_a_message_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><!-- c --><a xmlns:x='u' b=\"&lt;\">"
                                "\xd1\x82<x:c/>&#x41;<![CDATA[ ]] ]]></a>";
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        struct error e = {.code = ERR_OK};
        char *copy = malloc(n == 0 ? 1 : n);
        memcpy(copy, whole, n);
        enum err got = xml_prescan((struct span){copy, n}, &xml_limits_default, &e);
        free(copy);
        if (got != ERR_MALFORMED && got != ERR_ENCODING)
            fail_msg("prefix of %zu bytes: %s", n, error_name(got));
    }
    struct error e = {.code = ERR_OK};
    assert_int_equal(xml_prescan((struct span){whole, sizeof whole - 1}, &xml_limits_default, &e), ERR_OK);
}

static void detail_says_where_but_not_what(void **state)
{
    (void)state;
    struct error e = {.code = ERR_OK};
    assert_int_equal(xml_prescan(SPAN_LIT("<a>IVANOV &IVANOV;</a>"), &xml_limits_default, &e), ERR_MALFORMED);
    assert_non_null(strstr(e.detail, "at byte 10"));
    assert_null(strstr(e.detail, "IVANOV"));
}

/* ---- limits: the last that passes, and the first that does not ---- */

struct gauge {
    struct arena *a;
    struct xml_limits limits;
};

static enum err scan(const struct gauge *g, const struct buf *b)
{
    struct error e = {.code = ERR_OK};
    return xml_prescan(buf_span(b), &g->limits, &e);
}

static void add_times(struct buf *b, const char *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        buf_add_str(b, s);
}

static enum err with_size(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, n);
    buf_add_str(&b, "<a/>");
    while (b.n < n)
        buf_add_char(&b, ' ');
    return scan(g, &b);
}

static enum err with_tag(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, n + 32);
    buf_add_str(&b, "<r><b c='");
    while (b.n < n) /* <r> before it, '/> behind */
        buf_add_char(&b, '>');
    buf_add_str(&b, "'/></r>");
    return scan(g, &b);
}

static enum err with_attributes(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r><b");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, " a%u=''", i);
    buf_add_str(&b, "/></r>");
    return scan(g, &b);
}

static enum err with_open_attributes(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r>");
    add_times(&b, "<b a='' b='' c='' d='' e='' f='' g='' h=''>", n);
    return scan(g, &b);
}

static enum err with_total_attributes(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r>");
    for (; n >= 10; n -= 10)
        buf_add_str(&b, "<b a='' b='' c='' d='' e='' f='' g='' h='' i='' j=''/>");
    add_times(&b, "<b a=''/>", n);
    buf_add_str(&b, "</r>");
    return scan(g, &b);
}

static enum err with_namespaces(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r xmlns='u'>");
    for (unsigned i = 0; i + 1 < n; i += 2)
        buf_printf(&b, i + 2 < n ? "<b xmlns:p%u='u' xmlns:q%u='u'>" : "<b xmlns:p%u='u'>", i, i);
    for (unsigned i = 0; i + 1 < n; i += 2)
        buf_add_str(&b, "</b>");
    buf_add_str(&b, "</r>");
    return scan(g, &b);
}

static enum err with_namespaces_closed(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r>");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, i % 2 == 0 ? "<b xmlns:p%u='u'/>" : "<b xmlns:p%u='u'></b>", i);
    buf_add_str(&b, "</r>");
    return scan(g, &b);
}

static enum err with_depth(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    add_times(&b, "<b>", n - 1);
    buf_add_str(&b, "<c/>");
    add_times(&b, "</b>", n - 1);
    return scan(g, &b);
}

static enum err with_elements(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r>");
    add_times(&b, "<b/>", n - 1);
    buf_add_str(&b, "</r>");
    return scan(g, &b);
}

static enum err with_comments(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r>");
    add_times(&b, "<!---->", n - 1);
    buf_add_str(&b, "</r>");
    return scan(g, &b);
}

static enum err with_sections(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, 64);
    buf_add_str(&b, "<r>");
    add_times(&b, "<![CDATA[]]>", n - 1);
    buf_add_str(&b, "</r>");
    return scan(g, &b);
}

static enum err with_element_name(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, n);
    buf_add_char(&b, '<');
    add_times(&b, "n", n);
    buf_add_str(&b, "/>");
    return scan(g, &b);
}

static enum err with_attribute_name(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, n);
    buf_add_str(&b, "<a ");
    add_times(&b, "n", n);
    buf_add_str(&b, "=''/>");
    return scan(g, &b);
}

static enum err with_namespace_name(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, n);
    buf_add_str(&b, "<a b='");
    add_times(&b, "v", 2 * n); /* other values may be longer */
    buf_add_str(&b, "' xmlns:p='");
    add_times(&b, "u", n);
    buf_add_str(&b, "'/>");
    return scan(g, &b);
}

static enum err with_default_namespace_name(const struct gauge *g, unsigned n)
{
    struct buf b;
    buf_init(&b, g->a, n);
    buf_add_str(&b, "<a xmlns=\"");
    add_times(&b, "u", n);
    buf_add_str(&b, "\"></a>");
    return scan(g, &b);
}

static void limits_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum err (*make)(const struct gauge *g, unsigned n);
        unsigned last_good;
    } gauges[] = {
        {"size", with_size, 5 * 1024 * 1024},
        {"start tag", with_tag, 32 * 1024},
        {"attributes", with_attributes, 256},
        {"attributes in all", with_total_attributes, 50000},
        {"namespaces in scope", with_namespaces, 64},
        {"name of a namespace", with_namespace_name, 256},
        {"name of the default namespace", with_default_namespace_name, 256},
        {"depth", with_depth, 64},
        {"elements", with_elements, 50000},
        {"comments", with_comments, 50000},
        {"sections", with_sections, 50000},
        {"element name", with_element_name, 1024},
        {"attribute name", with_attribute_name, 1024},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        struct gauge g = {arena_new(), xml_limits_default};
        enum err good = gauges[i].make(&g, gauges[i].last_good), bad = gauges[i].make(&g, gauges[i].last_good + 1);
        arena_free(g.a);
        if (good != ERR_OK || bad != ERR_LIMIT)
            fail_msg("%s: %s, then %s", gauges[i].name, error_name(good), error_name(bad));
    }
}

static void namespaces_leave_scope_with_their_element(void **state)
{
    (void)state;
    struct gauge g = {arena_new(), xml_limits_default};
    assert_int_equal(with_namespaces_closed(&g, 5000), ERR_OK);
    arena_free(g.a);
}

/* Twice attributes_max, over all open elements together. */
static void attributes_of_open_elements_are_counted(void **state)
{
    (void)state;
    struct gauge g = {arena_new(), xml_limits_default};
    g.limits.attributes_max = 100;
    assert_int_equal(with_open_attributes(&g, 25), ERR_MALFORMED); /* 200, and then the input ends */
    assert_int_equal(with_open_attributes(&g, 26), ERR_LIMIT);
    arena_free(g.a);
}

/* A configured limit beyond what the scanner can count is not an overflow. */
static void depth_beyond_the_parser_is_capped(void **state)
{
    (void)state;
    struct gauge g = {arena_new(), xml_limits_default};
    g.limits.depth_max = 100000;
    assert_int_equal(with_depth(&g, 256), ERR_OK);
    assert_int_equal(with_depth(&g, 257), ERR_LIMIT);
    assert_int_equal(with_depth(&g, 99999), ERR_LIMIT);
    arena_free(g.a);
}

/* L2: what docs/limits.md promises of the message around the fields. */
static void the_limits_are_those_of_the_page(void **state)
{
    (void)state;
    const struct xml_limits *l = &xml_limits_default;
    const struct {
        const char *row;
        size_t is, said;
    } rows[] = {
        {"| start tag | 32 KiB |", l->start_tag_max_bytes, 32768},
        {"| attributes of a start tag | 256 |", l->attributes_max, 256},
        {"| namespace declarations in scope | 64 |", l->namespaces_max, 64},
        {"| name of a namespace | 256 bytes |", l->namespace_max_bytes, 256},
        {"| elements inside each other | 64 |", l->depth_max, 64},
        {"| elements, comments and sections | 50,000 |", l->elements_max, 50000},
        {"| name of an element | 1,024 bytes |", l->name_max_bytes, 1024},
    };
    struct arena *a = arena_new();
    const char *page = whole_file(a, SOURCE_DIR "/docs/limits.md").p;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strstr(page, rows[i].row) == NULL)
            fail_msg("docs/limits.md: no row %s", rows[i].row);
        assert_int_equal(rows[i].is, rows[i].said);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_are_told_apart),
        cmocka_unit_test(encodings_are_told_apart),
        cmocka_unit_test(doctypes_are_told_apart),
        cmocka_unit_test(malformed_are_told_apart),
        cmocka_unit_test(single_bytes_in_text),
        cmocka_unit_test(pairs_of_bytes_in_text),
        cmocka_unit_test(every_prefix_of_a_message_is_refused),
        cmocka_unit_test(detail_says_where_but_not_what),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(namespaces_leave_scope_with_their_element),
        cmocka_unit_test(attributes_of_open_elements_are_counted),
        cmocka_unit_test(depth_beyond_the_parser_is_capped),
        cmocka_unit_test(the_limits_are_those_of_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
