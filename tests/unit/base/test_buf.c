/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Spans, the buffer, and the notations: Canonical XML 1.0 section 2.3, RFC 8259, RFC 4648 section 10. */
#include "ascii.h"
#include "buf.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SPAN(s) ((struct span){(s), sizeof(s) - 1})

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static void spans_compare_by_content(void **state)
{
    (void)state;
    assert_true(span_equals(span_of(NULL), span_of("")));
    assert_true(span_is(SPAN("ab"), "ab"));
    assert_false(span_is(SPAN("ab"), "abc"));
    assert_false(span_is(SPAN("abc"), "ab"));
    assert_false(span_equals(SPAN("a\0b"), SPAN("a\0c")));
    assert_int_equal(span_of(NULL).n, 0);
    assert_null(span_of(NULL).p);
}

static void buffer_grows_and_stays_terminated(void **state)
{
    struct buf b;
    buf_init(&b, *state, 0);
    assert_int_equal(buf_span(&b).n, 0);
    for (int i = 0; i < 5000; i++) {
        buf_add_char(&b, (char)('a' + i % 26));
        assert_int_equal(b.p[b.n], 0);
    }
    assert_int_equal(b.n, 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(b.p[i], 'a' + i % 26);
    char *memory = b.p;
    buf_reset(&b);
    assert_int_equal(b.n, 0);
    assert_string_equal(b.p, "");
    buf_add(&b, "a\0b", 3); /* NUL is a byte like any other */
    assert_int_equal(b.n, 3);
    assert_ptr_equal(b.p, memory);
    buf_add(&b, NULL, 0);
    buf_add_str(&b, NULL);
    buf_add_span(&b, (struct span){0});
    assert_int_equal(b.n, 3);
    buf_reset(&b);
    buf_printf(&b, "%s", "");
    buf_printf(&b, "%d,%s", 5, "я");
    assert_string_equal(b.p, "5,я");
}

static void adding_a_buffer_to_itself_works(void **state)
{
    struct buf b;
    buf_init(&b, *state, 4);
    buf_add_str(&b, "0123456789");
    for (int i = 0; i < 8; i++)
        buf_add(&b, b.p, b.n);
    assert_int_equal(b.n, 2560);
    assert_memory_equal(b.p + 2550, "0123456789", 10);
}

static void room_is_written_and_taken(void **state)
{
    struct buf b;
    buf_init(&b, *state, 0);
    assert_non_null(buf_room(&b, 0));
    assert_int_equal(b.n, 0);
    for (size_t i = 0; i < 300; i++) {
        char *to = buf_room(&b, i);
        memset(to, 'a' + (int)(i % 26), i);
        buf_taken(&b, to + i / 2); /* less than there was room for */
        assert_int_equal(b.p[b.n], '\0');
    }
    assert_int_equal(b.n, 150 * 149);
    assert_int_equal(b.p[b.n - 1], 'a' + 299 % 26);
    assert_int_equal(b.p[0], 'a' + 2);
}

static void check(void **state, void (*add)(struct buf *, struct span), struct span in, const char *want)
{
    struct buf b;
    buf_init(&b, *state, 0);
    buf_add_char(&b, '|');
    add(&b, in);
    assert_string_equal(b.p + 1, want);
}

static void xml_is_escaped_as_canonical_xml_wants(void **state)
{
    check(state, buf_add_xml_text, SPAN("a<b>&\r\n\t\"'ю"), "a&lt;b&gt;&amp;&#xD;\n\t\"'ю");
    check(state, buf_add_xml_attr, SPAN("a<b>&\r\n\t\"'ю"), "a&lt;b>&amp;&#xD;&#xA;&#x9;&quot;'ю");
    check(state, buf_add_xml_text, SPAN(""), "");
    check(state, buf_add_xml_attr, (struct span){0}, "");
    check(state, buf_add_xml_text, SPAN("]]>"), "]]&gt;");
    check(state, buf_add_xml_text, SPAN("&amp;"), "&amp;amp;");
}

/* Char of XML 1.0 (production 2), as the standard writes it. */
static bool is_xml_char(uint32_t c)
{
    return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
           (c >= 0x10000 && c <= 0x10FFFF);
}

/* Octets of c as UTF-8 would have them, a surrogate's too. */
static size_t encode(uint32_t c, char out[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[n] | c);
    return n;
}

/* What goes onto the wire is XML whoever wrote the text: a file, a database, a peer (L4, L5). */
static void every_character_xml_forbids_is_replaced(void **state)
{
    void (*const adds[])(struct buf *, struct span) = {buf_add_xml_text, buf_add_xml_attr};
    struct buf b;
    buf_init(&b, *state, 64);
    for (size_t k = 0; k < 2; k++)
        for (uint32_t c = 0; c <= 0x10FFFF; c++) {
            char in[6] = "x";
            size_t n = encode(c, in + 1);
            in[1 + n] = 'y';
            buf_reset(&b);
            adds[k](&b, (struct span){in, n + 2});
            bool is_replaced = b.n >= 5 && memcmp(b.p + 1, "\xEF\xBF\xBD", 3) == 0;
            assert_int_equal(b.p[0], 'x');
            assert_int_equal(b.p[b.n - 1], 'y');
            assert_int_equal(is_replaced, !is_xml_char(c) || c == 0xFFFD);
        }
}

/* A text cut off amid a character, and octets of another encoding. */
static void every_stray_octet_is_replaced(void **state)
{
    for (unsigned c = 0x80; c <= 0xFF; c++) {
        char in[] = {'x', (char)c, '\0'};
        check(state, buf_add_xml_text, span_of(in), "x\xEF\xBF\xBD");
        check(state, buf_add_xml_attr, span_of(in), "x\xEF\xBF\xBD");
    }
}

static void json_is_always_one_string(void **state)
{
    check(state, buf_add_json, SPAN("a\"b\\c/\n\x01\x7f я"), "\"a\\\"b\\\\c/\\u000a\\u0001\\u007f я\"");
    check(state, buf_add_json, SPAN(""), "\"\"");
    check(state, buf_add_json, SPAN("a\0b"), "\"a\\u0000b\"");
    check(state, buf_add_json, SPAN("\xff\xc0\xaf"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* overlong '/' */
    check(state, buf_add_json, SPAN("\xe0\x80\xaf"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check(state, buf_add_json, SPAN("\xf0\x80\x80\xaf"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check(state, buf_add_json, SPAN("\xed\xa0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* surrogate */
    check(state, buf_add_json, SPAN("\xd1"), "\"\xEF\xBF\xBD\"");                                 /* half a letter */
    check(state, buf_add_json, SPAN("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");
    check(state, buf_add_json, SPAN("\xf4\x90\x80\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void hex_is_lower_case(void **state)
{
    struct buf b;
    buf_init(&b, *state, 0);
    buf_add_hex(&b, "\x00\x7f\x80\xff", 4);
    assert_string_equal(b.p, "007f80ff");
}

static const struct {
    struct span plain;
    const char *text;
} rfc4648[] = {
    {{"", 0}, ""},
    {{"f", 1}, "Zg=="},
    {{"fo", 2}, "Zm8="},
    {{"foo", 3}, "Zm9v"},
    {{"foob", 4}, "Zm9vYg=="},
    {{"fooba", 5}, "Zm9vYmE="},
    {{"foobar", 6}, "Zm9vYmFy"},
    {{"\xfb\xff\xbe", 3}, "+/++"},
    {{"\0\0\0", 3}, "AAAA"},
};

static void base64_vectors_both_ways(void **state)
{
    for (size_t i = 0; i < sizeof rfc4648 / sizeof rfc4648[0]; i++) {
        struct buf b;
        buf_init(&b, *state, 1);
        buf_add_base64(&b, rfc4648[i].plain.p, rfc4648[i].plain.n);
        assert_true(span_is(buf_span(&b), rfc4648[i].text));
        struct span out;
        assert_true(base64_decode(*state, span_of(rfc4648[i].text), &out));
        assert_true(span_equals(out, rfc4648[i].plain));
        assert_non_null(out.p);
    }
}

static void base64_of_all_lengths_returns(void **state)
{
    unsigned char raw[256];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (unsigned char)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof raw; n++) {
        struct buf b;
        struct span out;
        buf_init(&b, *state, 1);
        buf_add_base64(&b, raw, n);
        assert_int_equal(b.n, (n + 2) / 3 * 4);
        assert_true(base64_decode(*state, buf_span(&b), &out));
        assert_true(span_equals(out, (struct span){(char *)raw, n}));
    }
}

static void base64_takes_blanks_between(void **state)
{
    struct span out;
    assert_true(base64_decode(*state, SPAN(" Z m\t9\r\nv Y g = \n = "), &out));
    assert_true(span_is(out, "foob"));
    assert_true(base64_decode(*state, SPAN(" \n"), &out));
    assert_int_equal(out.n, 0);
}

static void base64_refuses_everything_else(void **state)
{
    static const struct span bad[] = {
        SPAN_LIT("Z"),
        SPAN_LIT("Zg"),
        SPAN_LIT("Zg="),
        SPAN_LIT("Zg==="),
        SPAN_LIT("Zm8"),
        SPAN_LIT("Zm8=="),
        SPAN_LIT("Zm9v="),
        SPAN_LIT("Zm9v===="),
        SPAN_LIT("="),
        SPAN_LIT("===="),
        SPAN_LIT("=Zm9"),
        SPAN_LIT("Zg==Zg=="),
        SPAN_LIT("Z=g="),
        SPAN_LIT("Zm9v\0"),
        SPAN_LIT("Zm9v\0Zm9v"),
        SPAN_LIT("Zm-_"),
        SPAN_LIT("Zm9v<!-- -->"),
        SPAN_LIT("Zm9v&#13;"),
        SPAN_LIT("Zm9v."),
        SPAN_LIT("Zm9v\v"),
        SPAN_LIT("Zm9v\xa0"),
        SPAN_LIT("Zm9v\xd1\x8f"),
        SPAN_LIT("Zh=="),
        SPAN_LIT("Zm9="),
        SPAN_LIT("Z/=="),
        SPAN_LIT("ZmE1Yg"),
        SPAN_LIT("Zm9vA"),
        SPAN_LIT("\f"),
        SPAN_LIT("Zm9v,Zm9v"),
        SPAN_LIT("\"Zm9v\""),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span out = {"x", 1};
        if (base64_decode(*state, bad[i], &out))
            fail_msg("accepted: %.*s", (int)bad[i].n, bad[i].p);
        assert_int_equal(out.n, 0);
    }
}

/* RFC 3629 section 3: the ends of each length, and the examples of section 7. */
static void characters_become_utf8(void **state)
{
    static const struct {
        uint32_t code;
        const char *bytes;
    } cases[] = {{0x01, "\x01"},
                 {0x7F, "\x7F"},
                 {0x80, "\xC2\x80"},
                 {0x7FF, "\xDF\xBF"},
                 {0x800, "\xE0\xA0\x80"},
                 {0xFFFF, "\xEF\xBF\xBF"},
                 {0x10000, "\xF0\x90\x80\x80"},
                 {0x10FFFF, "\xF4\x8F\xBF\xBF"},
                 {0x2262, "\xE2\x89\xA2"},
                 {0xD55C, "\xED\x95\x9C"},
                 {0x65E5, "\xE6\x97\xA5"},
                 {0x233B4, "\xF0\xA3\x8E\xB4"}};
    struct buf b;
    buf_init(&b, *state, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t back = 0;
        buf_reset(&b);
        buf_add_utf8(&b, cases[i].code);
        assert_string_equal(b.p, cases[i].bytes);
        assert_int_equal(utf8_next(b.p, b.n, &back), b.n);
        assert_int_equal(back, cases[i].code);
    }
}

/* RFC 5234 appendix B.1: DIGIT and HEXDIG; XML 1.0 production 3: white space. Every octet is asked about. */
static void ascii_has_ten_digits_and_four_blanks(void **state)
{
    (void)state;
    static const char hex[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF";
    for (int i = 1; i < 256; i++) {
        char c = (char)i;
        const char *small = strchr(hex, c), *large = strchr(capitals, c);
        assert_int_equal(ascii_hex(c), small != NULL ? small - hex : large != NULL ? large - capitals : -1);
        assert_int_equal(ascii_is_digit(c), small != NULL && small - hex < 10);
        assert_int_equal(ascii_is_blank(c), strchr(" \t\r\n", c) != NULL);
    }
    assert_false(ascii_is_blank('\0') || ascii_is_digit('\0') || ascii_hex('\0') >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare_by_content),
        cmocka_unit_test_setup_teardown(buffer_grows_and_stays_terminated, setup, teardown),
        cmocka_unit_test_setup_teardown(adding_a_buffer_to_itself_works, setup, teardown),
        cmocka_unit_test_setup_teardown(room_is_written_and_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(xml_is_escaped_as_canonical_xml_wants, setup, teardown),
        cmocka_unit_test_setup_teardown(every_character_xml_forbids_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(every_stray_octet_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(characters_become_utf8, setup, teardown),
        cmocka_unit_test(ascii_has_ten_digits_and_four_blanks),
        cmocka_unit_test_setup_teardown(json_is_always_one_string, setup, teardown),
        cmocka_unit_test_setup_teardown(hex_is_lower_case, setup, teardown),
        cmocka_unit_test_setup_teardown(base64_vectors_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(base64_of_all_lengths_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(base64_takes_blanks_between, setup, teardown),
        cmocka_unit_test_setup_teardown(base64_refuses_everything_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
