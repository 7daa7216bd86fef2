/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* V2: smev:Message read and answered, in the revisions and editions seen in the field. SMEV recommendations 2.5.x. */
#include "smev/dsig.h"

#include "clock.h"
#include "soap.h"
#include "xml.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define SENDER     "<m:Sender><m:Code> PGU001001\n</m:Code><m:Name>ЕПГУ</m:Name></m:Sender>"
#define RECIPIENT  "<m:Recipient><m:Code>AAAA00001</m:Code><m:Name>Агентство</m:Name></m:Recipient>"
#define ORIGINATOR "<m:Originator><m:Code>ORIG00001</m:Code><m:Name>О</m:Name></m:Originator>"
#define REQUIRED                                                                                                       \
    "<m:TypeCode>GSRV</m:TypeCode><m:Status>REQUEST</m:Status><m:Date>2026-11-22T10:45:00+03:00</"                     \
    "m:Date><m:ExchangeType>2</m:ExchangeType>"
#define DATA "<m:MessageData><m:AppData><eq:bookId>1</eq:bookId></m:AppData></m:MessageData>"
#define WRAP_NS(ns, inside)                                                                                            \
    "<s:Body xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" ns "\"><eq:bookRequest xmlns:eq=\"" SOAP_NS "\">" inside              \
    "</eq:bookRequest></s:Body>"
#define WRAP(inside) WRAP_NS(NS_SMEV_120315, inside)

static enum err read_frame(struct arena *a, const char *text, struct smev_frame *frame, const char **method,
                           struct xml_doc **bare, struct error *e)
{
    struct xml_doc *doc = NULL;
    enum err err = xml_parse(a, span_of(text), &doc, e);
    if (err)
        fail_msg("bad test: %s", text);
    return smev_frame_read(a, xml_root(doc), frame, method, bare, e);
}

static void test_editions(void **state)
{
    (void)state;
    static const char *const texts[] = {
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP_NS(NS_SMEV_111111, "<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT ORIGINATOR "<m:ServiceName>EQUEUE</m:ServiceName>" REQUIRED
             "<m:ServiceCode>1</m:ServiceCode><m:TestMsg/><m:OKTMO>45</m:OKTMO></m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT
             "<m:Service><m:Mnemonic>EQUEUE</m:Mnemonic><m:Version>1.00</m:Version></m:Service>" REQUIRED
             "</m:Message>" DATA),
        WRAP("\n<m:Message>\n" REQUIRED RECIPIENT SENDER "<x xmlns=\"urn:new\"/><m:Newer/></m:Message>\n" DATA
             "<more xmlns=\"urn:x\"/>"),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "<m:SubMessages><m:SubMessage><m:Status>REQUEST</m:Status></"
             "m:SubMessage></m:SubMessages></m:Message>" DATA),
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct arena *a = arena_new();
        struct smev_frame f;
        const char *method;
        struct xml_doc *bare;
        struct error e = {0};
        enum err err = read_frame(a, texts[i], &f, &method, &bare, &e);
        if (err)
            fail_msg("%s: %s", texts[i], e.detail);
        assert_string_equal(method, "bookRequest");
        assert_string_equal(f.sender.code, "PGU001001");
        assert_string_equal(f.recipient.code, "AAAA00001");
        assert_string_equal(f.status, "REQUEST");
        assert_string_equal(f.exchange_type, "2");
        assert_true(xml_is(xml_root(bare), SOAP_NS, "bookRequest"));
        assert_string_equal(xml_text(a, xml_first(xml_root(bare), SOAP_NS, "bookId")), "1");
        assert_null(xml_first(xml_root(bare), NS_SMEV_120315, NULL));
        assert_int_equal(f.test_msg != NULL, i == 2);
        assert_int_equal(f.originator.code != NULL, i == 2);
        if (i == 2) {
            assert_string_equal(f.service_name, "EQUEUE");
            assert_string_equal(f.oktmo, "45");
        }
        if (i == 3) {
            assert_string_equal(f.service_mnemonic, "EQUEUE");
            assert_string_equal(f.service_version, "1.00");
        }
        arena_free(a);
    }
}

/* What real frames leave empty: nothing here rests on it, and it goes back as it came, an Originator without a code
 * not. */
static void test_what_may_be_empty_V2(void **state)
{
    (void)state;
#define FILLED(type, exchange)                                                                                         \
    "<m:TypeCode>" type "</m:TypeCode><m:Status>REQUEST</m:Status><m:Date>\n 2026-11-22T10:45:00+03:00 </m:Date>"      \
    "<m:ExchangeType>" exchange "</m:ExchangeType>"
    static const char *const texts[] = {
        WRAP("<m:Message>" SENDER RECIPIENT FILLED("GSRV", "") "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT FILLED("", " ") "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT "<m:Originator><m:Code/><m:Name/></m:Originator>" REQUIRED
             "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT
             "<m:Originator><m:Code>\t</m:Code><m:Name>Имя</m:Name></m:Originator>" REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT "<m:Originator/>" REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message><m:Sender><m:Code>PGU001001</m:Code><m:Name/></m:Sender><m:Recipient><m:Code>AAAA00001"
             "</m:Code></m:Recipient><m:ServiceName/>" REQUIRED
             "<m:RequestIdRef/><m:OriginRequestIdRef/><m:ServiceCode/>"
             "<m:CaseNumber/><m:TestMsg/><m:OKTMO/></m:Message>" DATA),
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct arena *a = arena_new();
        struct smev_frame f, answer;
        const char *method;
        struct xml_doc *bare;
        struct buf out;
        struct error e = {0};
        if (read_frame(a, texts[i], &f, &method, &bare, &e) != ERR_OK)
            fail_msg("%s: %s", texts[i], e.detail);
        assert_string_equal(f.sender.code, "PGU001001");
        assert_string_equal(f.date, "2026-11-22T10:45:00+03:00");
        assert_null(f.originator.code);
        assert_null(f.originator.name);
        smev_frame_answer(a, &f, NULL, NULL, "RESULT", NULL, &answer);
        buf_init(&out, a, 512);
        smev_frame_write(&answer, &out);
        assert_null(strstr(out.p, "Originator>"));
        assert_int_equal(strstr(out.p, "<smev:ExchangeType></smev:ExchangeType>") != NULL, i < 2);
        arena_free(a);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct arena *texts = arena_new();
    char *long_name = arena_alloc(texts, 2000);
    memset(long_name, 'n', 1999);
    const char *const rows[] = {
        "<s:Body xmlns:s=\"" NS_SOAP "\"/>",
        "<s:Body xmlns:s=\"" NS_SOAP "\">text</s:Body>",
        "<s:Body xmlns:s=\"" NS_SOAP "\"><a/><b/></s:Body>",
        "<s:Body xmlns:s=\"" NS_SOAP "\">t<bookRequest/></s:Body>",
        "<s:Body xmlns:s=\"" NS_SOAP "\"><evil:bookRequest xmlns:evil=\"urn:evil\"/></s:Body>",
        "<s:Body xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_SMEV_120315 "\" xmlns:eq=\"" SOAP_NS
        "\"><bookRequest xmlns=\"urn:evil\"><m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>" DATA
        "</bookRequest></s:Body>",
        WRAP(""),
        WRAP(DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>"),
        WRAP("<m:Message/>" DATA),
        WRAP("<m:Message>" RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER SENDER RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT ORIGINATOR ORIGINATOR REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "<m:Status>PING</m:Status></m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED
             "<m:CaseNumber>1</m:CaseNumber><m:CaseNumber>2</m:CaseNumber></m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "<m:CaseNumber><m:x/></m:CaseNumber></m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "<m:CaseNumber>a<!-- c -->b</m:CaseNumber></m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT "<m:TypeCode/><m:Status/><m:Date>2026-11-22T10:45:00+03:00</m:Date>"
             "<m:ExchangeType/></m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT "<m:TypeCode/><m:Status>REQUEST</m:Status><m:Date/>"
             "<m:ExchangeType/></m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT "<m:TypeCode/><m:Status>REQUEST</m:Status><m:Date>2026-11-22T10:45:00+03:00"
             "</m:Date></m:Message>" DATA), /* ExchangeType is not even there */
        WRAP("<m:Message>" SENDER RECIPIENT "<m:Originator><m:Code/><m:Code>ORIG00001</m:Code></m:Originator>" REQUIRED
             "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER "<m:Recipient><m:Code/></m:Recipient>" REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message><m:Sender/>" RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message><m:Sender><m:Code> </m:Code></m:Sender>" RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message><m:Sender><m:Code>A</m:Code><m:Code>B</m:Code></m:Sender>" RECIPIENT REQUIRED
             "</m:Message>" DATA),
        WRAP("<m:Message><m:Sender><Code>PGU001001</Code></m:Sender>" RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message><m:Message>" SENDER RECIPIENT REQUIRED
             "</m:Message>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message><o:Message xmlns:o=\"" NS_SMEV_111111 "\"/>" DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>" DATA DATA),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message><m:MessageData/>"),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED
             "</m:Message><m:MessageData><m:AppData/><m:AppData/></m:MessageData>"),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED
             "</m:Message><m:MessageData><m:AppData>text</m:AppData></m:MessageData>"),
        WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message><o:MessageData xmlns:o=\"" NS_SMEV_111111
             "\"><o:AppData/></o:MessageData>"),
        WRAP_NS(NS_SMEV_110801, "<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>" DATA),
        WRAP_NS("http://smev.gosuslugi.ru/rev999999", "<m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>" DATA),
        arena_printf(texts,
                     WRAP("<m:Message>" SENDER RECIPIENT REQUIRED "<m:CaseNumber>%s</m:CaseNumber></m:Message>" DATA),
                     long_name),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *a = arena_new();
        struct smev_frame f;
        const char *method;
        struct xml_doc *bare;
        struct error e = {0};
        enum err err = read_frame(a, rows[i], &f, &method, &bare, &e);
        if (err != ERR_ENVELOPE)
            fail_msg("%s: %s (%s)", rows[i], error_name(err), e.detail);
        assert_null(bare);
        assert_true(e.detail[0] != 0);
        assert_null(strstr(e.detail, "ЕПГУ")); /* no values in what is logged */
        arena_free(a);
    }
    arena_free(texts);
}

static void test_wrapper_namespaces(void **state)
{
    (void)state;
    static const char *const openings[] = {"<eq:bookRequest xmlns:eq=\"" SOAP_NS "\" ",
                                           "<eq:bookRequest xmlns:eq=\"" SOAP_NS "types/\" "};
    for (size_t i = 0; i < COUNT(openings); i++) {
        struct arena *a = arena_new();
        char *text =
            arena_printf(a,
                         "<s:Body xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_SMEV_120315
                         "\">%s><m:Message>" SENDER RECIPIENT REQUIRED "</m:Message>" DATA "</eq:bookRequest></s:Body>",
                         openings[i]);
        struct smev_frame f;
        const char *method;
        struct xml_doc *bare;
        struct error e = {0};
        assert_int_equal(read_frame(a, text, &f, &method, &bare, &e), ERR_OK);
        assert_true(xml_is(xml_root(bare), SOAP_NS, "bookRequest"));
        arena_free(a);
    }
    struct arena *a = arena_new();
    struct smev_frame f;
    const char *method;
    struct xml_doc *bare;
    struct error e = {0};
    char *none = arena_printf(
        a,
        "<s:Body xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_SMEV_120315
        "\"><bookRequest><m:Message>" SENDER RECIPIENT REQUIRED
        "</m:Message><m:MessageData><m:AppData><bookId>1</bookId></m:AppData></m:MessageData></bookRequest></s:Body>");
    assert_int_equal(read_frame(a, none, &f, &method, &bare, &e), ERR_OK);
    assert_string_equal(method, "bookRequest");
    arena_free(a);
}

static void test_ping(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct smev_frame f;
    const char *method;
    struct xml_doc *bare;
    struct error e = {0};
    static const char ping[] = WRAP(
        "<m:Message>" SENDER RECIPIENT "<m:TypeCode>GSRV</m:TypeCode><m:Status>PING</m:Status>"
        "<m:Date>2026-11-22T10:45:00+03:00</m:Date><m:ExchangeType>2</m:ExchangeType></m:Message><m:MessageData/>");
    assert_int_equal(read_frame(a, ping, &f, &method, &bare, &e), ERR_OK);
    assert_true(xml_is(xml_root(bare), SOAP_NS, "bookRequest"));
    assert_null(xml_first(xml_root(bare), NULL, NULL));
    assert_string_equal(f.status, "PING");
    arena_free(a);
}

static void test_plain_body(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const char *method;
    struct xml_doc *bare;
    struct error e = {0};
    assert_int_equal(read_frame(a, WRAP("<eq:bookId>1</eq:bookId>"), NULL, &method, &bare, &e), ERR_OK);
    assert_string_equal(xml_text(a, xml_first(xml_root(bare), SOAP_NS, "bookId")), "1");
    arena_free(a);
}

static int64_t fixed_wall_us(void)
{
    return 1795343100LL * 1000000;
}

static void test_answer(void **state)
{
    (void)state;
    clock_replace(NULL, fixed_wall_us);
    struct arena *a = arena_new();
    struct smev_frame request = {
        .ns = NS_SMEV_111111,
        .sender = {"PGU001001", "ЕПГУ"},
        .recipient = {"AAAA00001", "как назвал нас портал"},
        .originator = {"ORIG00001", "О"},
        .service_name = "EQUEUE",
        .type_code = "GSRV",
        .status = "REQUEST",
        .date = "2020-01-01T00:00:00+03:00",
        .exchange_type = "3",
        .request_id_ref = "theirs",
        .service_code = "1000",
        .case_number = "42",
        .test_msg = "да",
    };
    struct smev_frame f;
    smev_frame_answer(a, &request, "MSG-1", "Наше имя", "RESULT", NULL, &f);
    assert_string_equal(f.ns, NS_SMEV_111111);
    assert_string_equal(f.sender.code, "AAAA00001");
    assert_string_equal(f.sender.name, "Наше имя");
    assert_string_equal(f.recipient.code, "PGU001001");
    assert_string_equal(f.recipient.name, "ЕПГУ");
    assert_string_equal(f.originator.code, "ORIG00001");
    assert_string_equal(f.status, "RESULT");
    assert_string_equal(f.exchange_type, "3");
    assert_string_equal(f.request_id_ref, "MSG-1");
    assert_string_equal(f.origin_request_id_ref, "MSG-1");
    assert_string_equal(f.service_code, "1000");
    assert_string_equal(f.case_number, "42");
    assert_string_equal(f.service_name, "EQUEUE");
    assert_null(f.test_msg);
    size_t n = strlen(f.date);
    assert_int_equal(n, strlen("2026-11-22T10:45:00.000+03:00")); /* T1: an offset, never Z */
    assert_true(f.date[n - 6] == '+' || f.date[n - 6] == '-');
    request.origin_request_id_ref = "CHAIN";
    smev_frame_answer(a, &request, NULL, NULL, "REJECT", "да", &f);
    assert_string_equal(f.test_msg, "да");
    assert_null(f.request_id_ref);
    assert_string_equal(f.origin_request_id_ref, "CHAIN");
    assert_string_equal(f.sender.name, "как назвал нас портал");
    clock_replace(NULL, NULL);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_editions), cmocka_unit_test(test_what_may_be_empty_V2),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_wrapper_namespaces),
        cmocka_unit_test(test_ping),     cmocka_unit_test(test_plain_body),
        cmocka_unit_test(test_answer),
    };
    return cmocka_run_group_tests(tests, xml_begin, xml_end);
}
