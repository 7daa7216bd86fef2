/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Any element as any lenient request (M9): settled, as every request is, it stays so when it is settled again; what the
 * reading makes of it is what a parser would make of its octets, and, unless it found something wrong and left that
 * out, reading it once more changes nothing. The first byte chooses the method, the second the switches.
 */
#include "request/normalize.h"
#include "request/settle.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xml_init();
    return 0;
}

static struct buf octets_of(struct arena *a, struct xml_doc *doc)
{
    struct error e = {0};
    struct buf out;
    buf_init(&out, a, 0);
    if (xml_c14n(xml_root(doc), NULL, &out, &e) != ERR_OK)
        __builtin_trap();
    return out;
}

/* The octets of what the reading makes of it; *is_wrong: it is refused. */
static struct xml_doc *read_once(struct arena *a, struct xml_doc *doc, enum booking_method method,
                                 const struct config_reading *how, struct buf *out, bool *is_wrong)
{
    struct error e = {0};
    struct field_errors f = {.arena = a};
    struct normalized result;
    struct xml_doc *strict;
    if (normalize(a, xml_root(doc), method, how, &strict, &f, &result, &e) != ERR_OK)
        __builtin_trap();
    for (unsigned i = 0; i < f.n; i++)
        if (f.items[i].field[0] == '\0' || strlen(f.items[i].field) > 255)
            __builtin_trap();
    *out = octets_of(a, strict);
    *is_wrong = f.n > 0;
    return strict;
}

/* Its octets before the reading; what has a relative name of a namespace has none. */
static void settle(struct arena *a, struct xml_doc *bare, enum booking_method method)
{
    struct error e = {0};
    struct buf once;
    settle_request(a, xml_root(bare), method);
    buf_init(&once, a, 0);
    bool has_octets = xml_c14n(xml_root(bare), NULL, &once, &e) == ERR_OK;
    settle_request(a, xml_root(bare), method);
    if (!has_octets)
        return;
    struct buf twice = octets_of(a, bare);
    if (!span_equals(buf_span(&once), buf_span(&twice)))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    enum booking_method method = (enum booking_method)(data[0] % BOOKING_METHOD_COUNT);
    struct config_reading how = {.mode = READING_LENIENT};
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        how.lenient[i] = i >= 8 || (data[1] & 1U << i) != 0;
    struct span octets = {(const char *)data + 2, size - 2};
    struct arena *a = arena_new();
    struct error e = {0};
    struct xml_doc *doc, *bare, *parsed;
    struct buf first, second, canonical;
    if (xml_prescan(octets, &xml_limits_default, &e) == ERR_OK && xml_parse(a, octets, &doc, &e) == ERR_OK &&
        xml_regraft(a, xml_root(doc), SOAP_NS, "x", &bare, &e) == ERR_OK) {
        bool is_wrong = false;
        settle(a, bare, method);
        struct xml_doc *strict = read_once(a, bare, method, &how, &first, &is_wrong);
        if (xml_parse(a, buf_span(&first), &parsed, &e) != ERR_OK)
            __builtin_trap();
        canonical = octets_of(a, parsed);
        if (!span_equals(buf_span(&first), buf_span(&canonical)))
            __builtin_trap();
        bool was_wrong = is_wrong;
        (void)read_once(a, strict, method, &how, &second, &is_wrong);
        if (!was_wrong && (is_wrong || !span_equals(buf_span(&first), buf_span(&second))))
            __builtin_trap();
    }
    arena_free(a);
    return 0;
}
