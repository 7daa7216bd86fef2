/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C1, V2, V3: what we write. Body is written in canonical form by hand and signed as text; here a parser and a
 * canonicaliser look at it, byte by byte, and the verifier takes it for what it is.
 */
#include "testkit.h"

#include "clock.h"
#include "soap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* blanks at both ends, all that is escaped, signs beyond the BMP, what only looks like markup */
#define NASTY    "  <&>\"'\r\n\t]]> &amp; <!-- --> \xC2\xA0 Ёё \xF0\x9F\x98\x80 \xE2\x80\xAE  "

static const struct kit_signer *const signers[] = {&kit.signer, &kit.signer512};

static struct smev_frame nasty_frame(const char *ns)
{
    return (struct smev_frame){
        .ns = ns,
        .sender = {"AAAA00001", NASTY},
        .recipient = {"PGU001001", "Портал"},
        .originator = {"ORIG00001", ""},
        .service_mnemonic = "EQUEUE<",
        .service_version = "1.00",
        .type_code = "GSRV",
        .status = "RESULT",
        .date = "2026-11-22T10:45:00.000+03:00",
        .exchange_type = "2",
        .request_id_ref = "a\"b",
        .origin_request_id_ref = "c&d",
        .service_code = "10000000001",
        .case_number = NASTY,
        .oktmo = "45000000",
        .test_msg = "проба",
    };
}

static struct span nasty_content(struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 256);
    buf_add_str(&b, "<eq:bookId>");
    buf_add_xml_text(&b, span_of(NASTY));
    buf_add_str(&b, "</eq:bookId><eq:empty></eq:empty><eq:list><eq:item>1</eq:item></eq:list>");
    return buf_span(&b);
}

/* The text between the first byte of <soap:Body and the last of its end tag. */
static struct span body_of(struct span text)
{
    const char *start = memmem(text.p, text.n, "<soap:Body", 10);
    assert_non_null(start);
    const char *end = memmem(start, (size_t)(text.p + text.n - start), "</soap:Body>", 12);
    assert_non_null(end);
    return (struct span){start, (size_t)(end - start) + 12};
}

/* c14n(Body) of what was written is what was written. */
static void assert_canonical(struct arena *a, struct span text)
{
    struct error e = {0};
    struct xml_doc *doc = NULL;
    assert_int_equal(kit_parse(a, text.p, &doc, &e), ERR_OK);
    struct xml_node *body = xml_first(xml_root(doc), NS_SOAP, "Body");
    struct buf canonical;
    buf_init(&canonical, a, text.n);
    assert_int_equal(xml_c14n(body, NULL, &canonical, &e), ERR_OK);
    struct span written = body_of(text);
    assert_int_equal(canonical.n, written.n);
    assert_memory_equal(canonical.p, written.p, written.n);
    struct xml_node *n = xml_root(doc);
    while (n && !xml_is(n, NS_DSIG, "SignedInfo"))
        n = xml_walk(xml_root(doc), n);
    if (!n)
        return;
    buf_reset(&canonical);
    assert_int_equal(xml_c14n(n, NULL, &canonical, &e), ERR_OK);
    assert_non_null(memmem(text.p, text.n, canonical.p, canonical.n));
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const revisions[] = {NS_SMEV_120315, NS_SMEV_111111};
    for (size_t i = 0; i < COUNT(signers); i++) {
        for (size_t j = 0; j < COUNT(revisions); j++) {
            struct arena *a = arena_new();
            struct smev_frame frame = nasty_frame(revisions[j]);
            struct buf out;
            buf_init(&out, a, 1024);
            struct error e = {0};
            assert_int_equal(envelope_write(a, "bookResponse", nasty_content(a), &frame, signers[i]->key, &out, &e),
                             ERR_OK);
            assert_canonical(a, buf_span(&out));

            struct wsse_policy policy = kit_policy();
            struct wsse_result result;
            enum err err = kit_verify(a, out.p, &policy, &result, &e);
            if (err)
                fail_msg("%s: %s", error_name(err), e.detail);
            assert_int_equal(result.smev.dsig.alg, signers[i]->alg);
            assert_memory_equal(cert_fingerprint(result.smev.signer), cert_fingerprint(signers[i]->cert), 32);
            assert_true(span_equals(result.body, body_of(buf_span(&out))));

            struct xml_doc *doc = NULL, *bare = NULL;
            struct smev_frame back;
            const char *method;
            assert_int_equal(xml_parse(a, result.body, &doc, &e), ERR_OK);
            assert_int_equal(smev_frame_read(a, xml_root(doc), &back, &method, &bare, &e), ERR_OK);
            assert_string_equal(method, "bookResponse");
            assert_string_equal(back.ns, revisions[j]);
            assert_string_equal(back.sender.code, "AAAA00001");
            assert_string_equal(back.recipient.name, "Портал");
            assert_string_equal(back.originator.code, "ORIG00001");
            assert_string_equal(back.service_mnemonic, "EQUEUE<");
            assert_string_equal(back.service_version, "1.00");
            assert_null(back.service_name);
            assert_string_equal(back.request_id_ref, "a\"b");
            assert_string_equal(back.origin_request_id_ref, "c&d");
            assert_string_equal(back.oktmo, "45000000");
            assert_string_equal(back.test_msg, "проба");
            struct xml_node *id = xml_first(xml_root(bare), SOAP_NS, "bookId");
            assert_string_equal(xml_text(a, id), NASTY);
            arena_free(a);
        }
    }
}

static void test_plain_envelope(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf out;
    buf_init(&out, a, 0);
    struct error e = {0};
    assert_int_equal(envelope_write(a, "getSlotsResponse", nasty_content(a), NULL, NULL, &out, &e), ERR_OK);
    assert_canonical(a, buf_span(&out));
    assert_null(strstr(out.p, "Header"));
    assert_null(strstr(out.p, "smev"));
    assert_null(strstr(out.p, "wsu"));
    struct xml_doc *doc = NULL, *bare = NULL;
    const char *method;
    assert_int_equal(kit_parse(a, out.p, &doc, &e), ERR_OK);
    assert_int_equal(smev_frame_read(a, xml_first(xml_root(doc), NS_SOAP, "Body"), NULL, &method, &bare, &e), ERR_OK);
    assert_string_equal(method, "getSlotsResponse");
    assert_true(xml_is(xml_root(bare), SOAP_NS, "getSlotsResponse"));
    assert_int_equal(envelope_write(a, "a b", nasty_content(a), NULL, NULL, &out, &e), ERR_INTERNAL);
    arena_free(a);
}

/* Two messages never bear the same Ids; key files and the like never get in. */
static void test_ids_differ(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf one, two;
    buf_init(&one, a, 0);
    buf_init(&two, a, 0);
    struct error e = {0};
    assert_int_equal(envelope_write(a, "x", SPAN_LIT(""), NULL, kit.signer.key, &one, &e), ERR_OK);
    assert_int_equal(envelope_write(a, "x", SPAN_LIT(""), NULL, kit.signer.key, &two, &e), ERR_OK);
    const char *id = strstr(one.p, "wsu:Id=\"body-");
    assert_non_null(id);
    assert_null(strstr(two.p, arena_strndup(a, id, 13 + 36)));
    arena_free(a);
}

static void test_faults(void **state)
{
    (void)state;
    static const char *const codes[] = {"soap:Client",
                                        "soap:Server",
                                        "soap:MustUnderstand",
                                        "soap:VersionMismatch",
                                        "wsse:InvalidSecurity",
                                        "wsse:FailedCheck",
                                        "wsse:UnsupportedAlgorithm",
                                        "wsse:InvalidSecurityToken",
                                        "wsse:SecurityTokenUnavailable",
                                        "wsse:FailedAuthentication",
                                        "wsse:MessageExpired"}; /* WSS 1.1, section 12 */
    for (enum err code = ERR_MALFORMED; code <= ERR_SYSTEM; code++) {
        for (unsigned round = 0; round < 4; round++) {
            bool is_signed = round % 2 != 0, is_of_body = round >= 2;
            struct arena *a = arena_new();
            struct buf out;
            buf_init(&out, a, 0);
            struct error e = {0};
            assert_int_equal(
                envelope_write_fault(a, code, "Z<1>", is_of_body, is_signed ? kit.signer.key : NULL, &out, &e), ERR_OK);
            assert_canonical(a, buf_span(&out));
            struct xml_doc *doc = NULL;
            assert_int_equal(kit_parse(a, out.p, &doc, &e), ERR_OK);
            struct xml_node *fault = xml_first(xml_first(xml_root(doc), NS_SOAP, "Body"), NS_SOAP, "Fault");
            struct xml_node *faultcode = xml_first(fault, NULL, "faultcode"),
                            *text = xml_first(fault, NULL, "faultstring");
            /* 4.4: detail is there when it is the Body that could not be processed, and only then; it is the last */
            struct xml_node *detail = xml_next(text, NULL, NULL);
            assert_int_equal(detail != NULL, is_of_body);
            if (is_of_body)
                assert_true(strcmp(xml_local(detail), "detail") == 0 && xml_ns(detail) == NULL &&
                            !xml_next(detail, NULL, NULL));
            assert_null(xml_ns(faultcode)); /* SOAP 1.1: the children of Fault are in no namespace */
            unsigned known = 0;
            for (size_t i = 0; i < COUNT(codes); i++)
                known += strcmp(codes[i], xml_text(a, faultcode)) == 0;
            assert_int_equal(known, 1);
            if (error_faultcode(code))
                assert_string_equal(xml_text(a, faultcode), error_faultcode(code));
            assert_non_null(strstr(xml_text(a, text), "Z<1>"));
            if (error_faultcode(code))
                assert_non_null(strstr(xml_text(a, text), error_text(code)));
            struct wsse_policy policy = kit_policy();
            struct wsse_result result;
            assert_int_equal(wsse_verify(a, doc, &policy, &result, &e), is_signed ? ERR_OK : ERR_SECURITY);
            arena_free(a);
        }
    }
}

/* ---- `dsig sign` ---- */

static void test_sign_ready_envelopes(void **state)
{
    (void)state;
    static const char *const envelopes[] = {
        "<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body><x xmlns=\"urn:x\"/></S:Body></S:Envelope>",
        "<?xml version=\"1.0\"?>\n<!-- > < --><S:Envelope xmlns:S=\"" NS_SOAP
        "\">\n <S:Header/>\n <S:Body ><x/></S:Body>\n</S:Envelope>\n",
        "<S:Envelope xmlns:S=\"" NS_SOAP
        "\"><S:Header a='/>' ><h xmlns=\"urn:h\"><S:Header/></h></S:Header><S:Body/></S:Envelope>",
        "<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Header\n/><S:Body\n/></S:Envelope>",
        "<Envelope xmlns=\"" NS_SOAP "\"><Body><x xmlns=\"\">a</x></Body></Envelope>",
        "<Envelope xmlns=\"" NS_SOAP "\"><Header></Header><Body><Body/></Body></Envelope>",
        "<a:Envelope xmlns:a=\"" NS_SOAP "\"><b:Header xmlns:b=\"" NS_SOAP
        "\"><x xmlns=\"urn:x\"><![CDATA[</b:Header>]]></x></b:Header>"
        "<c:Body xmlns:c=\"" NS_SOAP "\">t</c:Body></a:Envelope>",
        "<S:Envelope xmlns:S=\"" NS_SOAP "\" xmlns:wsu=\"urn:mine\"><S:Body wsu:a=\"1\"><wsu:x/></S:Body></S:Envelope>",
        "<S:Envelope xmlns:S=\"" NS_SOAP "\" xmlns:u=\"" NS_WSU "\"><S:Body u:Id=\"mine\"><x/></S:Body></S:Envelope>",
        "<S:Envelope xmlns:S=\"" NS_SOAP
        "\" xmlns:xs=\"urn:xs\"><S:Body><x i:type=\"xs:t\" xmlns:i=\"urn:i\"/></S:Body></S:Envelope>",
        "<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Header><wsse:Security xmlns:wsse=\"" NS_WSSE
        "\" S:actor=\"urn:other\"/></S:Header>"
        "<S:Body><x>&#13; a &gt; b </x></S:Body></S:Envelope>",
    };
    for (size_t i = 0; i < COUNT(envelopes); i++) {
        for (size_t j = 0; j < COUNT(signers); j++) {
            struct arena *a = arena_new();
            struct buf out;
            buf_init(&out, a, 0);
            struct error e = {0};
            enum err err = wsse_sign(a, span_of(envelopes[i]), signers[j]->key, ACTOR_SMEV, &out, &e);
            if (err)
                fail_msg("%s: %s (%s)", envelopes[i], error_name(err), e.detail);
            struct wsse_policy policy = kit_policy();
            struct wsse_result result;
            err = kit_verify(a, out.p, &policy, &result, &e);
            if (err)
                fail_msg("%s: %s (%s)\n%s", envelopes[i], error_name(err), e.detail, out.p);
            /* signed once more for the same actor: no */
            struct buf again;
            buf_init(&again, a, 0);
            assert_int_equal(wsse_sign(a, buf_span(&out), signers[j]->key, ACTOR_SMEV, &again, &e), ERR_ENVELOPE);
            /* for another actor: yes, and the first stays good */
            memset(&e, 0, sizeof e);
            assert_int_equal(wsse_sign(a, buf_span(&out), kit.other.key, "urn:another", &again, &e), ERR_OK);
            assert_int_equal(kit_verify(a, again.p, &policy, &result, &e), ERR_OK);
            arena_free(a);
        }
    }
    static const struct {
        const char *text;
        enum err expected;
    } refused[] = {
        {"", ERR_MALFORMED},
        {"not XML", ERR_MALFORMED},
        {"<x/>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"/>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Header/></S:Envelope>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body/><S:Body/></S:Envelope>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body><!-- c --></S:Body></S:Envelope>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"http://www.w3.org/2003/05/soap-envelope\"><S:Body/></S:Envelope>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body Id=\"a\"><x Id=\"a\"/></S:Body></S:Envelope>", ERR_SECURITY},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct arena *a = arena_new();
        struct buf out;
        buf_init(&out, a, 0);
        struct error e = {0};
        enum err err = wsse_sign(a, span_of(refused[i].text), kit.signer.key, ACTOR_SMEV, &out, &e);
        if (err != refused[i].expected)
            fail_msg("%s: %s (%s)", refused[i].text, error_name(err), e.detail);
        assert_int_equal(out.n, 0);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),           cmocka_unit_test(test_plain_envelope),
        cmocka_unit_test(test_ids_differ),           cmocka_unit_test(test_faults),
        cmocka_unit_test(test_sign_ready_envelopes),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
