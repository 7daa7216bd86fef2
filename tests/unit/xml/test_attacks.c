/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Messages made to cost time, memory or a file: refused at the gate at once, and what the gate lets through is
 * parsed and canonicalised in bounded time, measured by plain text beside it (L6). Where the parser is asked alone, it
 * refuses too: two locks on one door.
 */
#include "xml.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "growth.h"

/*
 * What plain text costs on this machine, at this moment, built in this way, is the measure: a step may cost so many
 * times as much an octet. The costs these attacks aim at are seconds and minutes, a thousand times that and more.
 */
#define DEARER_MAX   200
#define TRIES        5
#define OCTETS_LEAST (64 * 1024)

static void repeat(struct buf *b, const char *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        buf_add_str(b, s);
}

/* ---- makers ---- */

static void attributes_in_one_tag(struct buf *b)
{
    buf_add_str(b, "<r");
    for (unsigned i = 0; i < 50000; i++)
        buf_printf(b, " a%u=\"\"", i);
    buf_add_str(b, "/>");
}

static void attributes_in_one_long_tag(struct buf *b)
{
    buf_add_str(b, "<r");
    for (unsigned i = 0; i < 250; i++) {
        buf_printf(b, " a%u=\"", i);
        repeat(b, "xxxxxxxxxxxxxxxx", 16);
        buf_add_str(b, "\"");
    }
    buf_add_str(b, "/>");
}

static void declarations_on_the_root(struct buf *b)
{
    buf_add_str(b, "<r");
    for (unsigned i = 0; i < 4000; i++)
        buf_printf(b, " xmlns:n%u=\"u:%u\"", i, i);
    buf_add_str(b, ">");
    repeat(b, "<c/>", 20000);
    buf_add_str(b, "</r>");
}

static void declarations_over_many_levels(struct buf *b)
{
    for (unsigned i = 0; i < 60; i++)
        buf_printf(b, "<r xmlns:a%u=\"u:a\" xmlns:b%u=\"u:b\">", i, i);
    repeat(b, "<c/>", 20000);
    repeat(b, "</r>", 60);
}

/* Each leaf looks 62 prefixes up among some 15,000 attributes of its ancestors: seconds in exclusive C14N. */
static void attributes_over_many_levels(struct buf *b)
{
    buf_add_str(b, "<r");
    for (unsigned i = 0; i < 62; i++)
        buf_printf(b, " xmlns:p%u=\"u:%u\"", i, i);
    buf_add_str(b, ">");
    for (unsigned depth = 0; depth < 60; depth++) {
        buf_add_str(b, "<c");
        for (unsigned i = 0; i < 256; i++)
            buf_printf(b, " p0:a%u=\"\"", i);
        buf_add_str(b, ">");
    }
    for (unsigned leaf = 0; leaf < 5000; leaf++) {
        buf_add_str(b, "<l");
        for (unsigned i = 1; i < 62; i++)
            buf_printf(b, " p%u:a=\"\"", i);
        buf_add_str(b, "/>");
    }
    repeat(b, "</c>", 60);
    buf_add_str(b, "</r>");
}

static void attributes_on_many_tags(struct buf *b)
{
    buf_add_str(b, "<r>");
    for (unsigned tag = 0; tag < 2000; tag++) {
        buf_add_str(b, "<l");
        for (unsigned i = 0; i < 255; i++)
            buf_printf(b, " a%u=\"\"", i);
        buf_add_str(b, "/>");
    }
    buf_add_str(b, "</r>");
}

static void depth_100000(struct buf *b)
{
    repeat(b, "<a>", 100000);
    repeat(b, "</a>", 100000);
}

static void depth_unclosed(struct buf *b)
{
    repeat(b, "<a>", 1000000);
}

static void elements_250000(struct buf *b)
{
    buf_add_str(b, "<r>");
    repeat(b, "<a/>", 250000);
    buf_add_str(b, "</r>");
}

static void comments_500000(struct buf *b)
{
    buf_add_str(b, "<r>");
    repeat(b, "<!---->", 500000);
    buf_add_str(b, "</r>");
}

static void name_60k(struct buf *b)
{
    buf_add_str(b, "<");
    repeat(b, "n", 60000);
    buf_add_str(b, "/>");
}

static void text_10m(struct buf *b)
{
    buf_add_str(b, "<r>");
    repeat(b, "0123456789abcdef", 655360);
    buf_add_str(b, "</r>");
}

static void open_quote(struct buf *b)
{
    buf_add_str(b, "<r a=\"");
    repeat(b, "0123456789abcdef", 300000);
}

static void open_comment(struct buf *b)
{
    buf_add_str(b, "<r><!--");
    repeat(b, "- - - - - - - - ", 300000);
}

static void open_section(struct buf *b)
{
    buf_add_str(b, "<r><![CDATA[");
    repeat(b, "]]]]]]]]]]]]]]]]", 300000);
}

static void billion_laughs(struct buf *b)
{
    buf_add_str(b, "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY l0 \"lol\">");
    for (unsigned i = 1; i < 10; i++) {
        buf_printf(b, "<!ENTITY l%u \"", i);
        for (unsigned k = 0; k < 10; k++)
            buf_printf(b, "&l%u;", i - 1);
        buf_add_str(b, "\">");
    }
    buf_add_str(b, "]><l>&l9;</l>");
}

static void quadratic_entities(struct buf *b)
{
    buf_add_str(b, "<!DOCTYPE l [<!ENTITY a \"");
    repeat(b, "aaaaaaaaaaaaaaaa", 6000);
    buf_add_str(b, "\">]><l>");
    repeat(b, "&a;", 60000);
    buf_add_str(b, "</l>");
}

static void recursive_entities(struct buf *b)
{
    buf_add_str(b, "<!DOCTYPE l [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]><l x=\"&a;\">&a;</l>");
}

static void external_entity(struct buf *b)
{
    buf_add_str(b, "<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><l>&x;</l>");
}

static void external_subset(struct buf *b)
{
    buf_add_str(b, "<!DOCTYPE l SYSTEM \"file:///etc/hostname\"><l/>");
}

static void parameter_entity(struct buf *b)
{
    buf_add_str(b, "<!DOCTYPE l [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/p.dtd\">%p;]><l/>");
}

static void default_attributes(struct buf *b)
{
    buf_add_str(b, "<!DOCTYPE l [<!ATTLIST l Id ID \"body\" xmlns:p CDATA \"urn:p\">]><l/>");
}

struct attack {
    void (*make)(struct buf *b);
    enum err want;
    bool is_refused_by_parser; /* by itself, and in no time */
};

static const struct attack attacks[] = {
    {attributes_in_one_tag, ERR_LIMIT, false},
    {attributes_in_one_long_tag, ERR_LIMIT, false},
    {declarations_on_the_root, ERR_LIMIT, false},
    {declarations_over_many_levels, ERR_LIMIT, false},
    {attributes_over_many_levels, ERR_LIMIT, false},
    {attributes_on_many_tags, ERR_LIMIT, false},
    {depth_100000, ERR_LIMIT, true},
    {depth_unclosed, ERR_LIMIT, true},
    {elements_250000, ERR_LIMIT, false},
    {comments_500000, ERR_LIMIT, false},
    {name_60k, ERR_LIMIT, true},
    {text_10m, ERR_LIMIT, false},
    {open_quote, ERR_MALFORMED, true},
    {open_comment, ERR_MALFORMED, true},
    {open_section, ERR_MALFORMED, true},
    {billion_laughs, ERR_DOCTYPE, true},
    {quadratic_entities, ERR_DOCTYPE, true},
    {recursive_entities, ERR_DOCTYPE, true},
    {external_entity, ERR_DOCTYPE, true},
    {external_subset, ERR_DOCTYPE, true},
    {parameter_entity, ERR_DOCTYPE, true},
    {default_attributes, ERR_DOCTYPE, true},
};

/* Of prescan, parser and canonical form together; what one of them refuses goes no further. */
struct cost {
    enum err gate, parser, c14n;
    bool has_doc;
    double gate_ms, parser_ms, c14n_ms;
};

static double spent_ms(double *from_ms)
{
    double now_ms = growth_now_ms(), spent = now_ms - *from_ms;
    *from_ms = now_ms;
    return spent;
}

static struct cost cost_of(void (*make)(struct buf *b), size_t *octets, bool has_gate)
{
    struct arena *a = arena_new();
    struct buf b, out;
    struct error e = {.code = ERR_OK};
    struct xml_doc *doc = NULL;
    struct cost c = {.c14n = ERR_INTERNAL};
    buf_init(&b, a, 1024);
    buf_init(&out, a, 1024);
    make(&b);
    *octets = b.n;
    double from_ms = growth_now_ms();
    c.gate = has_gate ? xml_prescan(buf_span(&b), &xml_limits_default, &e) : ERR_OK;
    c.gate_ms = spent_ms(&from_ms);
    if (c.gate == ERR_OK) {
        c.parser = xml_parse(a, buf_span(&b), &doc, &e);
        c.parser_ms = spent_ms(&from_ms);
        c.has_doc = doc != NULL;
    }
    if (c.has_doc) {
        c.c14n = xml_c14n(xml_root(doc), NULL, &out, &e);
        c.c14n_ms = spent_ms(&from_ms);
    }
    arena_free(a);
    return c;
}

static void plain_text(struct buf *b)
{
    buf_add_str(b, "<r>");
    repeat(b, "0123456789abcdef", 262144);
    buf_add_str(b, "</r>");
}

/* How much dearer an octet of it is than one of plain text, beside it in each try; the least of some tries. */
static double dearer(void (*make)(struct buf *b), bool has_gate, struct cost *c)
{
    double least = 1e9;
    for (int i = 0; i < TRIES && least > DEARER_MAX; i++) {
        size_t octets, plain_octets;
        struct cost plain = cost_of(plain_text, &plain_octets, true);
        assert_int_equal(plain.gate, ERR_OK);
        assert_int_equal(plain.c14n, ERR_OK);
        *c = cost_of(make, &octets, has_gate);
        double plain_ms = plain.gate_ms + plain.parser_ms + plain.c14n_ms;
        double an_octet =
            (c->gate_ms + c->parser_ms + c->c14n_ms) / (double)(octets < OCTETS_LEAST ? OCTETS_LEAST : octets);
        double ratio = an_octet / (plain_ms / (double)plain_octets);
        least = ratio < least ? ratio : least;
    }
    return least;
}

static void attacks_are_refused_at_the_gate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        struct cost c;
        double ratio = dearer(attacks[i].make, true, &c);
        if (c.gate != attacks[i].want || ratio > DEARER_MAX)
            fail_msg("attack %zu: %s, %.1f times as dear as text", i, error_name(c.gate), ratio);
    }
}

static void the_parser_alone_refuses_what_it_can(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        if (!attacks[i].is_refused_by_parser)
            continue;
        struct cost c;
        enum err want = attacks[i].want == ERR_DOCTYPE ? ERR_DOCTYPE : ERR_MALFORMED;
        double ratio = dearer(attacks[i].make, false, &c);
        if (c.parser != want || ratio > DEARER_MAX || c.has_doc)
            fail_msg("attack %zu: %s, %.1f times as dear as text", i, error_name(c.parser), ratio);
    }
}

/* ---- the worst that passes ---- */

static void widest_tags(struct buf *b)
{
    buf_add_str(b, "<r>");
    for (unsigned tag = 0; tag < 195; tag++) {
        buf_add_str(b, "<l");
        for (unsigned i = 0; i < 256; i++)
            buf_printf(b, " a%03u=\"\"", i);
        buf_add_str(b, "/>");
    }
    buf_add_str(b, "</r>");
}

static void most_prefixes_in_most_leaves(struct buf *b)
{
    buf_add_str(b, "<r");
    for (unsigned i = 0; i < 64; i++)
        buf_printf(b, " xmlns:p%u=\"u:%u\"", i, i);
    buf_add_str(b, ">");
    for (unsigned depth = 0; depth < 61; depth++)
        buf_add_str(b, "<p0:c p0:a=\"\" p0:b=\"\" p0:c=\"\" p0:d=\"\" p0:e=\"\" p0:f=\"\">");
    for (unsigned leaf = 0; leaf < 780; leaf++) {
        buf_add_str(b, "<p1:l");
        for (unsigned i = 1; i < 64; i++)
            buf_printf(b, " p%u:a=\"\"", i);
        buf_add_str(b, "/>");
    }
    repeat(b, "</p0:c>", 61);
    buf_add_str(b, "</r>");
}

static void most_elements_deep_down(struct buf *b)
{
    buf_add_str(b, "<p:r xmlns:p=\"u:p\">");
    repeat(b, "<p:c>", 61);
    repeat(b, "<p:l><!----></p:l>t", 24900);
    repeat(b, "</p:c>", 61);
    buf_add_str(b, "</p:r>");
}

static void most_small_sections(struct buf *b)
{
    buf_add_str(b, "<r>");
    repeat(b, "x<![CDATA[y]]>", 49999);
    buf_add_str(b, "</r>");
}

static void most_references(struct buf *b)
{
    buf_add_str(b, "<r>");
    repeat(b, "&lt;", 5 * 1024 * 256 - 4);
    buf_add_str(b, "</r>");
}

static void longest_text(struct buf *b)
{
    buf_add_str(b, "<r>");
    repeat(b, "\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f", 327600);
    buf_add_str(b, "</r>");
}

static void what_passes_is_affordable(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*make)(struct buf *b);
    } heavy[] = {
        {"widest tags", widest_tags},
        {"most prefixes in most leaves", most_prefixes_in_most_leaves},
        {"most elements deep down", most_elements_deep_down},
        {"most small sections", most_small_sections},
        {"most references", most_references},
        {"longest text", longest_text},
    };
    for (size_t i = 0; i < sizeof heavy / sizeof heavy[0]; i++) {
        struct cost c;
        double ratio = dearer(heavy[i].make, true, &c);
        print_message("%s: prescan %.1f ms, parse %.1f ms, canonical form %.1f ms: %.1f times as dear as text\n",
                      heavy[i].name, c.gate_ms, c.parser_ms, c.c14n_ms, ratio);
        assert_int_equal(c.c14n, ERR_OK);
        assert_true(ratio <= DEARER_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks_are_refused_at_the_gate),
        cmocka_unit_test(the_parser_alone_refuses_what_it_can),
        cmocka_unit_test(what_passes_is_affordable),
    };
    return cmocka_run_group_tests(tests, xml_begin, xml_end);
}
