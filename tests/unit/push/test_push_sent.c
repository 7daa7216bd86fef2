/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q5, M8: updateBookingDetails over SMEV 3 as it leaves, what SMEV's answer to it means, and what the portal's own
 * does. Faults: the schemas' words; error codes: order 329, Appendix 2, item 2. The envelopes are the kit's.
 */
#include "push_kit.h"

#include "../smev/smev3kit.h"

#define OURS  "0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77" /* as METADATA3 has it */
#define OTHER "1e8cfc01-5e81-11e4-a9ff-d4c9eff07b77"
#define SAYS  "Образцов-Тайный"
#define SENT                                                                                                           \
    ENVELOPE3("1.2", "<t:SendRequestResponse><t:MessageMetadata Id=\"A\">" METADATA3(                                  \
                         "REQUEST") "</t:MessageMetadata>" BY_SMEV "</t:SendRequestResponse>")

static const struct config_smev3 queue = {.name = "main",
                                          .agency = AGENCY,
                                          .schema = SMEV3_SCHEMA_1_2,
                                          .endpoint = "http://s/",
                                          .smev = "SMEV00001",
                                          .node_id = "node & 1"};

static struct push_way way_of(const struct config_smev3 *q)
{
    struct push_way way = push_way_of(AGENCY);
    way.queue = q;
    return way;
}

static void Q5_V2_a_message_is_signed_under_an_id_of_its_own(void **state)
{
    (void)state;
    static const enum smev3_schema schemas[] = {SMEV3_SCHEMA_1_1, SMEV3_SCHEMA_1_2, SMEV3_SCHEMA_1_3};
    static const char *const versions[] = {"1.1", "1.2", "1.3"};
    for (unsigned i = 0; i < 3; i++) {
        struct arena *a = arena_new();
        struct config_smev3 q = queue;
        struct push_message m, again;
        struct smev3_signature signature;
        struct xml_doc *doc;
        struct error e = {0};
        q.schema = schemas[i];
        struct push_way way = way_of(&q);
        struct smev3_policy policy = kit3_policy();
        assert_int_equal(push_message_make(a, &way, &push_update, &m, &e), ERR_OK);
        assert_null(m.case_number);
        assert_int_equal(m.message_id[14], '1');
        const char *text = arena_strndup(a, m.octets.p, m.octets.n);
        assert_non_null(strstr(text, arena_printf(a, "message-exchange/types/%s\"", versions[i])));
        if (kit3_verify(a, text, &policy, &signature, &e) != ERR_OK)
            fail_msg("%s", e.detail);
        assert_int_equal(signature.forms, 0);
        assert_int_equal(xml_parse(a, signature.octets, &doc, &e), ERR_OK);
        assert_string_equal(push_text_below(a, xml_root(doc), "MessageID"), m.message_id);
        assert_string_equal(push_text_below(a, xml_root(doc), "NodeID"), q.node_id);
        struct xml_node *content = xml_first(xml_first(xml_root(doc), NULL, "MessagePrimaryContent"), NULL, NULL);
        assert_true(xml_is(content, SOAP_NS, "updateBookingDetailsRequest"));
        assert_string_equal(push_text_below(a, content, "bookId"), push_update.book_id);
        assert_int_equal(push_message_make(a, &way, &push_update, &again, &e), ERR_OK);
        assert_string_not_equal(again.message_id, m.message_id);
        arena_free(a);
    }
}

static struct push_answer sent(struct arena *a, int status, const char *type, const char *text, const char *id)
{
    struct push_way way = way_of(&queue);
    struct push_answer answer;
    push_sent_read(a, &way, id, status, type, span_of(text), &answer);
    assert_non_null(answer.reason);
    assert_null(strstr(answer.reason, SAYS));
    assert_non_null(answer.signed_as); /* J1 */
    return answer;
}

static void Q5_C2_queued_is_what_smev_has_signed_of_this_message(void **state)
{
    (void)state;
    static const struct edits enveloped = {
        {{TRANSFORM(EXC_C14N), TRANSFORM(NS_DSIG "enveloped-signature") TRANSFORM(EXC_C14N)}}};
    struct arena *a = arena_new();
    const char *good = kit3_make(a, SENT, &kit.signer512, &kit3_plain);
    const struct {
        const char *text, *id;
        enum push_verdict verdict;
        const char *signed_as;
    } rows[] = {
        {good, OURS, PUSH_QUEUED, "good"},
        {good, OTHER, PUSH_FAILED, "good"},
        {kit3_make(a, SENT, &kit.signer, &kit3_plain), OURS, PUSH_FAILED, "SENDER"}, /* the agency's own */
        {kit3_make(a, SENT, &kit.other, &kit3_plain), OURS, PUSH_FAILED, "SENDER"},  /* the portal's */
        {kit3_make(a, SENT, &kit.signer512, &enveloped), OURS, PUSH_FAILED, "ALGORITHM"},
        {kit_replace(a, SENT, BY_SMEV, ""), OURS, PUSH_FAILED, "SECURITY"},
        {kit_replace(a, good, "requestIsQueued", "requestIsRejected"), OURS, PUSH_FAILED, "CHECK"},
        {kit_replace(a, good, "SendRequestResponse", "SendResponseResponse"), OURS, PUSH_FAILED, "ENVELOPE"},
        {"<html/>", OURS, PUSH_FAILED, "ENVELOPE"},
        {"", OURS, PUSH_FAILED, "MALFORMED"},
        {"<", OURS, PUSH_FAILED, "MALFORMED"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct push_answer answer = sent(a, 200, "text/xml", rows[i].text, rows[i].id);
        if (answer.verdict != rows[i].verdict)
            fail_msg("row %zu: verdict %d, %s", i, (int)answer.verdict, answer.reason);
        if (strcmp(answer.signed_as, rows[i].signed_as) != 0)
            fail_msg("row %zu: %s", i, answer.signed_as);
        assert_int_equal(answer.words != NULL, answer.verdict != PUSH_QUEUED);
        assert_int_equal(answer.is_smev, answer.verdict == PUSH_QUEUED); /* else the other endpoint is asked (Q1) */
    }
    arena_free(a);
}

static const char *fault_text(struct arena *a, const char *name)
{
    return arena_printf(
        a,
        "<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body><S:Fault><faultcode>S:Server</"
        "faultcode><faultstring>x</faultstring><detail><f:%s xmlns:f=\"" SMEV3_NS(
            "faults/", "1.2") "\" xmlns:b=\"" SMEV3_NS("basic/", "1.2") "\"><b:"
                                                                        "Description>SMEV-1: " SAYS
                                                                        "</b:Description></f:%s></detail></S:Fault></"
                                                                        "S:Body></S:Envelope>",
        name, name);
}

static int64_t made_us;
static const int64_t now_us = 1800000000000000;

static int64_t wall_made(void)
{
    return made_us;
}

static void Q3_Q5_faults_of_a_send(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum push_verdict verdict;
        bool is_rare;
    } rows[] = {
        {"MessageIsAlreadySent", PUSH_QUEUED, false},
        {"StaleMessageId", PUSH_STALE, false},
        {"InvalidMessageIdFormat", PUSH_STALE, false},
        {"AccessDenied", PUSH_REFUSED, false},
        {"PersonalAccessDenied", PUSH_REFUSED, false},
        {"EndOfLifeReached", PUSH_REFUSED, false},
        {"TransactionCodeInvalid", PUSH_REFUSED, false},
        {"BusinessDataTypeIsNotSupported", PUSH_REFUSED, false},
        {"RecipientIsNotFound", PUSH_REFUSED, false},
        {"InvalidContent", PUSH_REFUSED, false},
        {"SMEVFailure", PUSH_FAILED, false},
        {"DestinationOverflow", PUSH_FAILED, false},
        {"SenderIsNotRegistered", PUSH_FAILED, true},
        {"SignatureVerificationFault", PUSH_FAILED, true},
        {"UnknownMessageType", PUSH_FAILED, true},
        {"TargetMessageIsNotFound", PUSH_FAILED, false}, /* not of this operation */
        {"Unheard", PUSH_FAILED, false},                 /* of no table, as a fault of a gateway's */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        struct push_answer answer = sent(a, 500, "text/xml", fault_text(a, rows[i].name), OURS);
        if (answer.verdict != rows[i].verdict || answer.is_rare != rows[i].is_rare)
            fail_msg("%s: verdict %d, %s", rows[i].name, (int)answer.verdict, answer.reason);
        assert_non_null(strstr(answer.words, SAYS)); /* for the database */
        assert_int_equal(answer.is_smev, strcmp(rows[i].name, "Unheard") != 0);
        assert_int_equal(strncmp(answer.words, "вместо СМЭВ", strlen("вместо СМЭВ")) == 0, !answer.is_smev);
        bool is_registration =
            strstr("AccessDenied UnknownMessageType", rows[i].name) != NULL; /* O3: not SMEV's failure */
        assert_int_equal(strncmp(answer.words, "нет регистрации в СМЭВ: ", strlen("нет регистрации в СМЭВ: ")) == 0,
                         is_registration);
        arena_free(a);
    }
}

/* An id that is new and stale to SMEV is a trouble of a clock; one that was kept for long is none. */
static void Q3_L4_a_new_id_that_is_stale_is_told_as_the_clocks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t made_s;
        bool is_clock;
    } rows[] = {{"StaleMessageId", 0, true},          {"StaleMessageId", -3540, true},
                {"StaleMessageId", -3660, false},     {"StaleMessageId", -86400, false},
                {"StaleMessageId", 7200, true},       {"StaleMessageId", 365 * 86400, true},
                {"InvalidMessageIdFormat", 0, false}, {"SMEVFailure", 7200, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        char id[UUID_TEXT_SIZE];
        made_us = now_us + rows[i].made_s * 1000000;
        clock_replace(NULL, wall_made);
        uuid_v1(id);
        made_us = now_us;
        struct push_answer answer = sent(a, 500, "text/xml", fault_text(a, rows[i].name), id);
        clock_replace(NULL, NULL);
        if (answer.is_clock != rows[i].is_clock)
            fail_msg("%s made %ld s from now: %s", rows[i].name, (long)rows[i].made_s, answer.words);
        assert_int_equal(strstr(answer.words, "неверны часы") != NULL, answer.is_clock);
        arena_free(a);
    }
}

static struct smev3_response response_of(const char *local, const char *inside, struct arena *a)
{
    const char *text = arena_printf(a, "<q:%s xmlns:q=\"" SOAP_NS "\">%s</q:%s>", local, inside, local);
    return (struct smev3_response){.kind = SMEV3_CONTENT,
                                   .message_id = OTHER,
                                   .ack_id = OTHER,
                                   .original_id = OURS,
                                   .content = {.ns = SOAP_NS, .local = local, .octets = span_of(text)}};
}

#define CODE(n)                                                                                                        \
    "<q:bookId>B1</q:bookId><q:error><q:errorDetail><q:errorCode>" n "</q:errorCode><q:errorMessage>" SAYS             \
    "</q:errorMessage></q:errorDetail></q:error>"

static void Q5_M8_what_the_portal_says(void **state)
{
    (void)state;
    static const struct {
        const char *local, *inside, *outcome;
        bool has_words;
    } rows[] = {
        {"updateBookingDetailsResponse", CODE("0"), "answered", false},
        {"updateBookingDetailsResponse", CODE("5"), "answered", false},
        {"updateBookingDetailsResponse", "<q:bookId>B1</q:bookId>", "answered", false},
        {"updateBookingDetailsResponse", "", "answered", false},
        {"updateBookingDetailsResponse", CODE("2"), "stopped", true},
        {"updateBookingDetailsResponse", CODE(" 3 "), "stopped", true},
        {"updateBookingDetailsResponse", CODE("4"), "stopped", true},
        {"updateBookingDetailsResponse", CODE("1"), "afresh", true},
        {"updateBookingDetailsResponse", CODE("6"), "afresh", true},
        {"updateBookingDetailsResponse", CODE("101"), "afresh", true},
        {"updateBookingDetailsResponse", CODE("x"), "stopped", false},
        {"updateBookingDetailsResponse", CODE(""), "stopped", false},
        {"updateBookingDetailsResponse", CODE("99999999999"), "stopped", false},
        {"updateBookingDetailsResponse", "<q:error/>", "stopped", false},
        {"bookResponse", CODE("0"), "stopped", false},
        {"updateBookingDetailsRequest", CODE("0"), "stopped", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        struct smev3_response r = response_of(rows[i].local, rows[i].inside, a);
        struct push_said said;
        push_said_read(a, &r, &said);
        if (strcmp(said.outcome, rows[i].outcome) != 0)
            fail_msg("row %zu: %s, %s", i, said.outcome, said.reason);
        assert_int_equal(said.words != NULL && strstr(said.words, SAYS) != NULL, rows[i].has_words);
        assert_null(strstr(said.reason, SAYS));
        assert_string_equal(said.original_id, OURS);
        assert_string_equal(said.ack_id, OTHER);
        if (strstr(rows[i].inside, "bookId") != NULL && strcmp(rows[i].local, "updateBookingDetailsResponse") == 0)
            assert_string_equal(said.book_id, "B1");
        arena_free(a);
    }
}

static void Q5_what_is_no_content(void **state)
{
    (void)state;
    static const struct smev3_rejection rejections[] = {{"NO_DATA", SAYS}, {NULL, NULL}};
    const struct {
        struct smev3_response r;
        const char *outcome;
        bool has_words;
    } rows[] = {
        {{.kind = SMEV3_REJECTED, .rejections = rejections, .nrejections = 2}, "stopped", true},
        {{.kind = SMEV3_REJECTED, .rejections = rejections + 1, .nrejections = 1}, "stopped", false},
        {{.kind = SMEV3_IN_WORK, .status_code = 7, .status_text = SAYS}, "in_work", true},
        {{.kind = SMEV3_IN_WORK}, "in_work", false},
        {{.kind = SMEV3_ASYNC,
          .async = {.original_id = OURS,
                    .category = "requestIsRejectedBySmev",
                    .fault = "InvalidContent",
                    .words = SAYS,
                    .is_refusal = true}},
         "stopped",
         true},
        {{.kind = SMEV3_ASYNC, .async = {.original_id = OURS, .details = SAYS, .is_refusal = true}}, "stopped", true},
        {{.kind = SMEV3_ASYNC, .async = {.original_id = OURS, .category = "requestIsQueued"}}, "in_work", false},
        {{.kind = SMEV3_UNCLEAR}, "stopped", false},
        {{.kind = SMEV3_CONTENT, .trouble = SMEV3_NO_CONTENT}, "stopped", false},
        {{.kind = SMEV3_CONTENT, .trouble = SMEV3_TWO_CONTENTS}, "stopped", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        struct push_said said;
        push_said_read(a, &rows[i].r, &said);
        if (strcmp(said.outcome, rows[i].outcome) != 0)
            fail_msg("row %zu: %s, %s", i, said.outcome, said.reason);
        assert_int_equal(said.words != NULL && strstr(said.words, SAYS) != NULL, rows[i].has_words);
        assert_null(strstr(said.reason, SAYS));
        if (rows[i].r.kind == SMEV3_ASYNC)
            assert_string_equal(said.original_id, OURS);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Q5_V2_a_message_is_signed_under_an_id_of_its_own),
        cmocka_unit_test(Q5_C2_queued_is_what_smev_has_signed_of_this_message),
        cmocka_unit_test(Q3_Q5_faults_of_a_send),
        cmocka_unit_test(Q3_L4_a_new_id_that_is_stale_is_told_as_the_clocks),
        cmocka_unit_test(Q5_M8_what_the_portal_says),
        cmocka_unit_test(Q5_what_is_no_content),
    };
    return cmocka_run_group_tests(tests, push_setup, push_teardown);
}
