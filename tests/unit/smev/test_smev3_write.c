/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q1, Q4, Q5: calls of SMEV 3. What is written is signed and verified as it stands, validates against the schemas of
 * all three versions (xmllint judges, where the folder with schemas lies beside the source), and cannot be what SMEV
 * refuses.
 */
#include "testkit.h"

#include "clock.h"
#include "smev3.h"
#include "smev3order.h"
#include "smev3words.h"
#include "xmllint.h"

#include <sys/stat.h>
#include <time.h>

#define NOW_US INT64_C(1793520000123000) /* 2026-11-01T08:00:00.123Z */
#define CONTENT                                                                                                        \
    "<?xml version=\"1.0\"?>\n<eq:bookResponse xmlns:eq=\"http://epgu.rtlabs.ru/equeue/ws/\" xmlns:un=\"urn:unused\">" \
    "\n<eq:bookId>Я &amp; &lt;</eq:bookId><eq:empty> </eq:empty></eq:bookResponse>\n"
#define SIGNATURE "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature>"

/* One of each call, in each of its forms; personal may be empty. */
#define KINDS 16
static enum err write_kind(unsigned kind, enum smev3_version v, struct span content, struct span personal,
                           struct smev3_draft *out, struct error *e)
{
    static const struct smev3_parameter parameters[] = {{"ключ", "<значение>"}, {"k", ""}};
    static const struct smev3_selector selectors[] = {
        {.now_us = NOW_US},
        {.now_us = NOW_US, .ns = "urn:a&b", .local = "bookRequest"},
        {.now_us = NOW_US, .ns = "urn:a", .local = "x", .node_id = "узел"},
        {.now_us = NOW_US, .ns = "", .local = "", .node_id = ""}};
    struct smev3_answer a = {.message_id = ID_1,
                             .to = " {\"sid\":1}\r\n",
                             .content = content,
                             .personal = personal,
                             .text = "Записи нет",
                             .status_code = -7};
    struct smev3_message m = {.message_id = ID_1, .content = content, .personal = personal};
    switch (kind) {
    case 0:
    case 1:
    case 2:
    case 3:
        return smev3_write_get(arena, v, SMEV3_GET_REQUEST, &selectors[kind], out, e);
    case 4:
        return smev3_write_get(arena, v, SMEV3_GET_RESPONSE, &selectors[2], out, e);
    case 5:
        return smev3_write_get_status(arena, v, NOW_US, out, e);
    case 6:
    case 7:
        return smev3_write_ack(arena, v, ID_2, kind == 6, out, e);
    case 8:
        return smev3_write_answer(arena, v, &a, out, e);
    case 9:
    case 10:
    case 11:
    case 12:
        a.kind = SMEV3_REJECTED;
        a.reject_code = (enum smev3_reject_code)(kind - 9);
        return smev3_write_answer(arena, v, &a, out, e);
    case 13:
        a.kind = SMEV3_IN_WORK;
        a.parameters = parameters;
        a.nparameters = COUNT(parameters);
        return smev3_write_answer(arena, v, &a, out, e);
    case 14:
        m.reference_message_id = ID_2;
        m.node_id = "node";
        m.eol_us = NOW_US;
        m.is_test = true;
        return smev3_write_message(arena, v, &m, out, e);
    default:
        return smev3_write_message(arena, v, &m, out, e);
    }
}

static struct smev3_draft write_well(unsigned kind, enum smev3_version v)
{
    struct smev3_draft draft;
    struct error e = {0};
    if (write_kind(kind, v, span_of(CONTENT), (struct span){0}, &draft, &e) != ERR_OK)
        fail_msg("%u: %s", kind, e.detail);
    return draft;
}

static struct xml_node *body_child(struct span envelope)
{
    struct xml_doc *doc = NULL;
    struct error e = {0};
    if (xml_prescan(envelope, &smev3_xml_limits, &e) != ERR_OK || xml_parse(arena, envelope, &doc, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    struct xml_node *header = xml_first(xml_root(doc), NULL, NULL);
    assert_true(xml_is(header, NS_SOAP, "Header")); /* PoorSOAPEnvelopeFormat is what SMEV says without it */
    assert_null(xml_first(header, NULL, NULL));
    struct xml_node *body = xml_next(header, NULL, NULL);
    assert_true(xml_is(body, NS_SOAP, "Body"));
    assert_null(xml_next(body, NULL, NULL));
    struct xml_node *child = xml_first(body, NULL, NULL);
    assert_null(xml_next(child, NULL, NULL));
    return child;
}

/* Written, signed, put together; read by who has not seen it; its signature verifies where the protocol has it. */
static void Q1_what_is_written_is_what_is_signed(void **state)
{
    (void)state;
    static const char *const roots[KINDS] = {
        "GetRequestRequest",   "GetRequestRequest",   "GetRequestRequest",   "GetRequestRequest",
        "GetResponseRequest",  "GetStatusRequest",    "AckRequest",          "AckRequest",
        "SendResponseRequest", "SendResponseRequest", "SendResponseRequest", "SendResponseRequest",
        "SendResponseRequest", "SendResponseRequest", "SendRequestRequest",  "SendRequestRequest"};
    for (unsigned i = 0; i < KINDS * 3; i++) {
        const struct kit_signer *signer = i % 2 == 0 ? &kit.signer : &kit.signer512;
        struct smev3_draft draft = write_well(i / 3, (enum smev3_version)(i % 3));
        struct buf signature, envelope;
        struct error e = {0};
        buf_init(&signature, arena, 2048);
        buf_init(&envelope, arena, 2048);
        assert_int_equal(smev3_sign(arena, draft.element, signer->key, &signature, &e), ERR_OK);
        smev3_write_envelope(&draft, buf_span(&signature), &envelope);
        struct xml_node *root = body_child(buf_span(&envelope));
        const struct smev3_namespaces *ns = smev3_namespaces(draft.version);
        assert_true(xml_is(root, ns->types, roots[i / 3]));
        struct xml_node *element = xml_first(root, NULL, NULL), *place = xml_next(element, NULL, NULL);
        assert_true(xml_is(place, ns->types, "CallerInformationSystemSignature"));
        assert_null(xml_next(place, NULL, NULL));
        assert_ptr_equal(smev3_signed(place), element);
        struct smev3_policy policy = {.trust = kit.trust, .now_s = kit.now_s};
        struct smev3_signature result;
        if (smev3_verify(arena, element, place, &policy, &result, &e) != ERR_OK)
            fail_msg("%u: %s", i, e.detail);
        assert_int_equal(result.forms, 0);
    }
}

/* C4: the official's signature within the system's; neither breaks the other. */
static void C4_an_officials_signature_goes_along(void **state)
{
    (void)state;
    static const unsigned kinds[] = {8, 15};
    for (size_t i = 0; i < COUNT(kinds) * 3; i++) {
        struct buf business, personal, signature, envelope;
        struct error e = {0};
        struct smev3_draft draft;
        buf_init(&business, arena, 1024);
        buf_init(&personal, arena, 1024);
        buf_init(&signature, arena, 1024);
        buf_init(&envelope, arena, 1024);
        const char *content = strchr(CONTENT, '\n') + 1; /* one element and nothing before it */
        if (smev3_sign_personal(arena, span_of(content), kit.other.key, &business, &personal, &e) != ERR_OK ||
            write_kind(kinds[i / 3], (enum smev3_version)(i % 3), buf_span(&business), buf_span(&personal), &draft,
                       &e) != ERR_OK ||
            smev3_sign(arena, draft.element, kit.signer.key, &signature, &e) != ERR_OK)
            fail_msg("%s", e.detail);
        smev3_write_envelope(&draft, buf_span(&signature), &envelope);
        struct xml_node *root = body_child(buf_span(&envelope));
        const struct smev3_namespaces *ns = smev3_namespaces(draft.version);
        struct xml_node *data = xml_first(root, NULL, NULL);
        struct xml_node *place = xml_first(data, ns->types, "PersonalSignature");
        struct smev3_policy policy = {.trust = kit.trust, .now_s = kit.now_s};
        struct smev3_signature result;
        assert_non_null(place);
        if (smev3_verify(arena, data, xml_next(data, NULL, NULL), &policy, &result, &e) != ERR_OK ||
            smev3_verify(arena, smev3_signed(place), place, &policy, &result, &e) != ERR_OK)
            fail_msg("%s", e.detail);
    }
}

static void Q1_words_of_calls(void **state)
{
    (void)state;
    char instant[CLOCK_TEXT_SIZE];
    clock_format(NOW_US, clock_local_offset_min(NOW_US), instant);
    assert_true(instant[23] == '+' || instant[23] == '-'); /* a zone, always */
    struct {
        unsigned kind;
        const char *words;
    } all[] = {
        {0, arena_printf(arena, "\"><b:Timestamp>%s</b:Timestamp></b:MessageTypeSelector>", instant)},
        {1, "<b:NamespaceURI>urn:a&amp;b</b:NamespaceURI><b:RootElementLocalName>bookRequest</b:RootElementLocalName>"},
        {2, "</b:Timestamp><b:NodeID>узел</b:NodeID>"},
        {3, "</b:Timestamp></b:MessageTypeSelector>"},
        {5, arena_printf(arena, "\">%s</b:Timestamp>", instant)},
        {6, " accepted=\"true\">" ID_2 "<"},
        {7, " accepted=\"false\">" ID_2 "<"},
        {8,
         "<t:To> {\"sid\":1}&#xD;\n</t:To><b:MessagePrimaryContent><ns1:bookResponse "
         "xmlns:ns1=\"http://epgu.rtlabs.ru/equeue/ws/\"><ns1:bookId>Я &amp; &lt;</ns1:bookId><ns1:empty></ns1:empty>"
         "</ns1:bookResponse></b:MessagePrimaryContent></t:SenderProvidedResponseData>"},
        {9, "<t:RejectionReasonCode>ACCESS_DENIED</t:RejectionReasonCode>"},
        {10, "<t:RejectionReasonCode>NO_DATA</t:RejectionReasonCode><t:RejectionReasonDescription>Записи "
             "нет</t:RejectionReasonDescription>"},
        {11, "<t:RejectionReasonCode>UNKNOWN_REQUEST_DESCRIPTION</t:RejectionReasonCode>"},
        {12, "<t:RejectionReasonCode>FAILURE</t:RejectionReasonCode>"},
        {13,
         "<t:StatusCode>-7</t:StatusCode><t:StatusParameter><t:Key>ключ</t:Key><t:Value>&lt;значение&gt;</t:Value>"},
        {14, arena_printf(arena,
                          "<t:MessageID>" ID_1 "</t:MessageID><t:ReferenceMessageID>" ID_2
                          "</t:ReferenceMessageID><t:NodeID>"
                          "node</t:NodeID><t:EOL>%s</t:EOL>",
                          instant)},
        {14, "</b:MessagePrimaryContent><t:TestMessage></t:TestMessage></t:SenderProvidedRequestData>"},
        {15, "</t:MessageID><b:MessagePrimaryContent>"},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        struct smev3_draft draft = write_well(all[i].kind, SMEV3_1_2);
        char *text = arena_strndup(arena, draft.element.p, draft.element.n);
        if (strstr(text, all[i].words) == NULL)
            fail_msg("%s: no %s", text, all[i].words);
    }
    static const char *const actions[] = {"urn:SendRequest",
                                          "urn:SendResponse",
                                          "urn:GetRequest",
                                          "urn:GetResponse",
                                          "urn:GetStatus",
                                          "urn:Ack",
                                          "urn:GetIncomingQueueStatistics"};
    for (size_t i = 0; i < COUNT(actions); i++)
        assert_string_equal(smev3_action((enum smev3_op)i), actions[i]);
}

/* What SMEV refuses whatever it is asked. */
static void Q1_what_cannot_be_written(void **state)
{
    (void)state;
    static const char *const ids[] = {NULL,
                                      "",
                                      "1",
                                      "0E8CFC01-5E81-11E4-A9FF-D4C9EFF07B77",
                                      "0e8cfc01-5e81-11e4-a9ff-d4c9eff07b7",
                                      "0e8cfc015e8111e4a9ffd4c9eff07b77",
                                      " 0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77",
                                      "{0e8cfc01-5e81-11e4-a9ff-d4c9eff07b7}",
                                      "0e8cfc01-5e81-11e4-a9ff-d4c9eff07b7A"};
    static const char *const contents[] = {"",
                                           " ",
                                           "text",
                                           "<a/>",
                                           "<a xmlns=\"urn:a\"/><a xmlns=\"urn:a\"/>",
                                           "<a xmlns=\"urn:a\"/>text",
                                           "<a xmlns=\"urn:a\">",
                                           "</b:MessagePrimaryContent>",
                                           "<t:x/>",
                                           "<a xmlns=\"urn:a\"><b:x/></a>",
                                           "<a xmlns=\"urn:a\"><b xmlns=\"\"/></a>",
                                           "<!DOCTYPE a><a xmlns=\"urn:a\"/>",
                                           "<a xmlns=\"urn:a\"/></b:MessagePrimaryContent>"};
    static const char *const blanks[] = {NULL, "", " ", "\r\n\t"};
    struct smev3_draft d;
    struct error e;
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct smev3_answer a = {.message_id = ids[i], .to = "x", .content = SPAN_LIT("<a xmlns=\"urn:a\"/>")};
        struct smev3_message m = {.message_id = ids[i], .content = a.content};
        struct smev3_message r = {.message_id = ID_1, .reference_message_id = ids[i], .content = a.content};
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_ack(arena, SMEV3_1_1, ids[i], true, &d, &e), ERR_INTERNAL);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_answer(arena, SMEV3_1_2, &a, &d, &e), ERR_INTERNAL);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_message(arena, SMEV3_1_3, &m, &d, &e), ERR_INTERNAL);
        memset(&e, 0, sizeof e);
        if (ids[i] != NULL)
            assert_int_equal(smev3_write_message(arena, SMEV3_1_3, &r, &d, &e), ERR_INTERNAL);
    }
    for (size_t i = 0; i < COUNT(contents); i++) {
        struct smev3_answer a = {.message_id = ID_1, .to = "x", .content = span_of(contents[i])};
        struct smev3_message m = {.message_id = ID_1, .content = a.content};
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_answer(arena, SMEV3_1_2, &a, &d, &e), ERR_INTERNAL);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_message(arena, SMEV3_1_3, &m, &d, &e), ERR_INTERNAL);
    }
    for (size_t i = 0; i < COUNT(blanks); i++) {
        struct smev3_answer a = {.message_id = ID_1, .to = blanks[i], .content = SPAN_LIT("<a xmlns=\"urn:a\"/>")};
        struct smev3_answer r = {.message_id = ID_1, .to = "x", .kind = SMEV3_REJECTED, .text = blanks[i]};
        struct smev3_answer s = {.message_id = ID_1, .to = "x", .kind = SMEV3_IN_WORK, .text = blanks[i]};
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_answer(arena, SMEV3_1_2, &a, &d, &e), ERR_INTERNAL);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_answer(arena, SMEV3_1_2, &r, &d, &e), ERR_INTERNAL);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_answer(arena, SMEV3_1_2, &s, &d, &e), ERR_INTERNAL);
    }
    static const enum smev3_response_kind kinds[] = {SMEV3_ASYNC, SMEV3_UNCLEAR};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct smev3_answer a = {.message_id = ID_1, .to = "x", .kind = kinds[i], .text = "x"};
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_answer(arena, SMEV3_1_2, &a, &d, &e), ERR_INTERNAL);
    }
    struct smev3_selector half[] = {
        {.ns = "urn:a"}, {.local = "x"}, {.ns = "", .local = "x"}, {.ns = "urn:a", .local = ""}};
    for (size_t i = 0; i < COUNT(half); i++) {
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_get(arena, SMEV3_1_2, SMEV3_GET_REQUEST, &half[i], &d, &e), ERR_INTERNAL);
    }
    struct smev3_selector any = {0};
    static const enum smev3_op others[] = {SMEV3_ACK, SMEV3_SEND_REQUEST, SMEV3_GET_STATUS, SMEV3_GET_STATISTICS};
    for (size_t i = 0; i < COUNT(others); i++) {
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_write_get(arena, SMEV3_1_2, others[i], &any, &d, &e), ERR_INTERNAL);
    }
}

/* The schemas' string-4000 counts characters. */
static void Q4_words_are_cut_between_characters(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, arena, 10000);
    for (unsigned i = 0; i < 4001; i++)
        buf_add_str(&text, "Я");
    struct smev3_answer a = {.message_id = ID_1, .to = "x", .kind = SMEV3_REJECTED, .text = text.p};
    struct smev3_draft d;
    struct error e = {0};
    assert_int_equal(smev3_write_answer(arena, SMEV3_1_2, &a, &d, &e), ERR_OK);
    const char *begin_at = strstr(arena_strndup(arena, d.element.p, d.element.n), "Description>");
    assert_int_equal(strcspn(begin_at + 12, "<"), 4000 * strlen("Я"));
}

static void T1_instants_have_the_machines_zone(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC0", "MSK-3", "NEG+9:30"};
    static const char *const ends[] = {"08:00:00.123+00:00<", "11:00:00.123+03:00<", "22:30:00.123-09:30<"};
    for (size_t i = 0; i < COUNT(zones); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        struct smev3_draft d = write_well(5, SMEV3_1_1);
        assert_non_null(strstr(arena_strndup(arena, d.element.p, d.element.n), ends[i]));
    }
    unsetenv("TZ");
    tzset();
}

/* Also where the schemas are not: which elements, and in which order. */
static void Q1_elements_are_in_their_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS * 3; i++) {
        struct smev3_draft draft = write_well(i / 3, (enum smev3_version)(i % 3));
        struct buf envelope;
        buf_init(&envelope, arena, 4096);
        smev3_write_envelope(&draft, SPAN_LIT(SIGNATURE), &envelope);
        const char *wrong = smev3_order_wrong(body_child(buf_span(&envelope)), smev3_namespaces(draft.version));
        if (wrong != NULL)
            fail_msg("%u: %s in %s", i, wrong, envelope.p);
    }
}

/* A judge that shares nothing with us, and knows no leniency. */
static void Q1_the_schemas_take_what_is_written(void **state)
{
    (void)state;
    static const char *const folders[] = {"smev3-1.1", "smev3-1.2-derived", "smev3-1.3"};
    struct stat st;
    if (stat(SHARED, &st) != 0) {
        fprintf(stderr, "skipped: no schemas beside the source\n");
        skip();
    }
    for (unsigned i = 0; i < KINDS * 3; i++) {
        struct smev3_draft draft = write_well(i / 3, (enum smev3_version)(i % 3));
        struct buf envelope;
        buf_init(&envelope, arena, 4096);
        smev3_write_envelope(&draft, SPAN_LIT(SIGNATURE), &envelope);
        const char *from = strstr(envelope.p, "<soap:Body>") + strlen("<soap:Body>");
        char *text = arena_strndup(arena, from, (size_t)(strstr(envelope.p, "</soap:Body>") - from));
        const char *version = smev3_namespaces(draft.version)->version;
        const char *schema =
            arena_printf(arena, SHARED "%s/smev-message-exchange-types-%s.xsd", folders[i % 3], version);
        if (!xmllint_is_valid_by(arena, schema, text))
            fail_msg("%s: %s", schema, text);
        if (i / 3 == 8) { /* and it judges */
            memcpy(strstr(text, "t:To"), "t:Ti", 4);
            memcpy(strstr(text, "/t:To"), "/t:Ti", 5);
            assert_false(xmllint_is_valid_by(arena, schema, text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(Q1_what_is_written_is_what_is_signed, begin, end),
        cmocka_unit_test_setup_teardown(C4_an_officials_signature_goes_along, begin, end),
        cmocka_unit_test_setup_teardown(Q1_words_of_calls, begin, end),
        cmocka_unit_test_setup_teardown(Q1_what_cannot_be_written, begin, end),
        cmocka_unit_test_setup_teardown(Q4_words_are_cut_between_characters, begin, end),
        cmocka_unit_test_setup_teardown(T1_instants_have_the_machines_zone, begin, end),
        cmocka_unit_test_setup_teardown(Q1_elements_are_in_their_order, begin, end),
        cmocka_unit_test_setup_teardown(Q1_the_schemas_take_what_is_written, begin, end),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
