/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M8, C2, C3, C7: what the portal's answer means, and what is none. The envelopes are the kit's, not the daemon's
 * writer. Statuses: guidelines 2.5; error codes: order 329, Appendix 2, item 2; faults: SOAP 1.1, 4.4.1.
 */
#include "push_kit.h"

#include "utf8.h"

#define OURS  "0b5ca8a0-ccd5-11f0-8000-0123456789ab" /* the message that is answered */
#define OTHER "0b5ca8a1-ccd5-11f0-8000-0123456789ab"
#define SAYS  "Время & место заняты: Образцов Иван"

/* What an answer says; NULL: as a good one, "": the field is left out. */
struct say {
    const char *ns, *element, *sender, *recipient, *status, *date, *request_id_ref, *case_number, *data;
};

static const char *field(struct arena *a, const char *name, const char *value)
{
    return *value == '\0' ? "" : arena_printf(a, "<smev:%s>%s</smev:%s>", name, value, name);
}

static const char *date_off(struct arena *a, int64_t off_s)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format_seconds(clock_wall_us() / 1000000 + off_s, 180, text);
    return arena_strdup(a, text);
}

static const char *error_of(struct arena *a, const char *code)
{
    return arena_printf(a,
                        "<eq:bookId>%s</eq:bookId><eq:esiaId>%s</eq:esiaId><eq:error><eq:errorDetail><eq:errorCode>%s</"
                        "eq:errorCode><eq:errorMessage>Время &amp; место заняты: Образцов Иван</eq:errorMessage></"
                        "eq:errorDetail></eq:error>",
                        push_update.book_id, push_update.esia_id, code);
}

static char *body_of(struct arena *a, const struct say *s)
{
    const char *ns = OR(s->ns, NS_SMEV_120315), *element = OR(s->element, "updateBookingDetailsResponse");
    const char *data = OR(s->data, error_of(a, "0"));
    return arena_printf(
        a,
        "<S:Body wsu:Id=\"body\"><eq:%s xmlns:eq=\"" SOAP_NS "\"><smev:Message xmlns:smev=\"%s\"><smev:Sender><smev:"
        "Code>%s</smev:Code><smev:Name>p</smev:Name></smev:Sender><smev:Recipient><smev:Code>%s</smev:Code><smev:"
        "Name>a</smev:Name></smev:Recipient><smev:TypeCode>GSRV</smev:TypeCode>%s%s<smev:ExchangeType>2</"
        "smev:ExchangeType>%s%s</smev:Message>%s</eq:%s></S:Body>",
        element, ns, OR(s->sender, PORTAL), OR(s->recipient, AGENCY), field(a, "Status", OR(s->status, "RESULT")),
        field(a, "Date", OR(s->date, date_off(a, 0))), field(a, "RequestIdRef", OR(s->request_id_ref, "")),
        field(a, "CaseNumber", OR(s->case_number, OURS)),
        *data == '\0' ? ""
                      : arena_printf(a,
                                     "<smev:MessageData xmlns:smev=\"%s\"><smev:AppData>%s</smev:AppData></"
                                     "smev:MessageData>",
                                     ns, data),
        element);
}

static struct push_answer read_text(struct arena *a, const char *text, int http, const char *type)
{
    struct push_way way = push_way_of(AGENCY);
    struct push_answer out = {.verdict = 99};
    push_answer_read(a, &way, &push_update, OURS, http, type, span_of(text), &out);
    assert_non_null(out.reason);
    assert_non_null(out.words);
    /* J3: the portal's words are for the database alone */
    assert_null(strstr(out.reason, "Образцов"));
    assert_true(strlen(out.words) < 1200 && strpbrk(out.words, "\r\n") == NULL);
    /* J1: what the journal says of the signature; nothing is a yes or a no without a good one */
    assert_non_null(out.signed_as);
    assert_true(out.verdict == PUSH_FAILED || strcmp(out.signed_as, "good") == 0);
    return out;
}

static const char *signed_by(struct arena *a, const struct kit_signer *signer, const char *body)
{
    return kit_make(a, &(struct recipe){.signer = signer, .body = body});
}

static void expect(struct arena *a, const char *what, const char *text, enum push_verdict verdict, const char *reason)
{
    struct push_answer out = read_text(a, text, 200, "text/xml; charset=utf-8");
    if (out.verdict != verdict || strstr(out.reason, reason) == NULL)
        fail_msg("%s: verdict %d (%s; %s) instead of %d (%s)", what, out.verdict, out.reason, out.words, verdict,
                 reason);
}

static void M8_what_the_portal_says(void **state)
{
    (void)state;
    static const struct {
        const char *status, *code; /* code NULL: no AppData */
        enum push_verdict verdict;
    } rows[] = {
        {"RESULT", "0", PUSH_TAKEN},    {"RESULT", "5", PUSH_TAKEN},      {"RESULT", NULL, PUSH_TAKEN},
        {"RESULT", "1", PUSH_FAILED},   {"RESULT", "2", PUSH_REFUSED},    {"RESULT", "3", PUSH_REFUSED},
        {"RESULT", "4", PUSH_REFUSED},  {"RESULT", "6", PUSH_FAILED},     {"RESULT", "101", PUSH_FAILED},
        {"RESULT", "-1", PUSH_TAKEN},   {"RESULT", " 4\n", PUSH_REFUSED}, {"RESULT", "4294967296", PUSH_TAKEN},
        {"REJECT", "4", PUSH_REFUSED},  {"REJECT", NULL, PUSH_REFUSED},   {"REJECT", "0", PUSH_REFUSED},
        {"REJECT", "1", PUSH_REFUSED},  {"INVALID", "2", PUSH_REFUSED},   {"INVALID", NULL, PUSH_REFUSED},
        {"FAILURE", "1", PUSH_FAILED},  {"FAILURE", NULL, PUSH_FAILED},   {"FAILURE", "0", PUSH_FAILED},
        {"FAILURE", "2", PUSH_REFUSED}, {"ACCEPT", NULL, PUSH_PENDING},   {"ACCEPT", "0", PUSH_TAKEN},
        {"ACCEPT", "1", PUSH_FAILED},   {"PROCESS", NULL, PUSH_PENDING},  {"NOTIFY", NULL, PUSH_FAILED},
        {"REQUEST", NULL, PUSH_FAILED}, {"PING", NULL, PUSH_FAILED},      {"CANCEL", "0", PUSH_FAILED},
        {"STATE", NULL, PUSH_FAILED},   {"PACKET", NULL, PUSH_FAILED},    {"result", NULL, PUSH_FAILED},
    };
    static const char *const revisions[] = {NS_SMEV_120315, NS_SMEV_111111};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        struct say s = {.ns = revisions[i % 2],
                        .status = rows[i].status,
                        .data = rows[i].code != NULL ? error_of(a, rows[i].code) : ""};
        const char *what = arena_printf(a, "%s, error %s", rows[i].status, OR(rows[i].code, "absent"));
        expect(a, what, signed_by(a, &kit.other, body_of(a, &s)), rows[i].verdict, "Status");
        arena_free(a);
    }
}

/* The operator reads the portal's own words, the log does not: read_text() looks at every reason. */
static void M8_J3_the_portals_words(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct say s = {.status = "REJECT", .data = error_of(a, "4")};
    struct push_answer out = read_text(a, signed_by(a, &kit.other, body_of(a, &s)), 200, NULL);
    assert_string_equal(out.reason, "error 4, Status REJECT");
    assert_string_equal(out.words, "портал отказал: ошибка 4, Status REJECT: " SAYS);
    /* long, in many lines, with what acts on a screen */
    struct buf b;
    buf_init(&b, a, 8192);
    buf_add_str(&b, "<eq:error><eq:errorDetail><eq:errorCode>4</eq:errorCode><eq:errorMessage>");
    for (unsigned i = 0; i < 1000; i++)
        buf_add_str(&b, i % 2 == 0 ? "щ\n" : "\xE2\x80\xAE");
    buf_add_str(&b, "</eq:errorMessage></eq:errorDetail></eq:error>");
    s.data = b.p;
    out = read_text(a, signed_by(a, &kit.other, body_of(a, &s)), 200, NULL);
    assert_int_equal(out.verdict, PUSH_REFUSED);
    assert_null(strstr(out.words, "\xE2\x80\xAE"));
    assert_true(utf8_cut(out.words, strlen(out.words)) == strlen(out.words));
    arena_free(a);
}

/* C2, C7: a good signature over what is of another call says nothing. */
static void M8_C7_an_answer_to_another_call_is_none(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const char *foreign = "<eq:bookId>x</eq:bookId><eq:esiaId>1000300890</eq:esiaId><eq:error><eq:errorDetail><eq:"
                          "errorCode>0</eq:errorCode></eq:errorDetail></eq:error>";
    const char *nobody = "<eq:bookId></eq:bookId><eq:esiaId></eq:esiaId><eq:error><eq:errorDetail><eq:errorCode>0</"
                         "eq:errorCode></eq:errorDetail></eq:error>";
    const char *capitals = kit_replace(a, error_of(a, "0"), "6b9f2c1e", "6B9F2C1E");
    const struct {
        const char *what;
        struct say say;
        enum push_verdict verdict;
        const char *reason;
    } rows[] = {
        {"another CaseNumber", {.case_number = OTHER}, PUSH_FAILED, "another message"},
        {"another CaseNumber, our booking", {.case_number = "12"}, PUSH_FAILED, "another message"},
        {"our number in the reference", {.case_number = OTHER, .request_id_ref = OURS}, PUSH_TAKEN, "error 0"},
        {"SMEV's number in the reference", {.request_id_ref = OTHER}, PUSH_TAKEN, "error 0"},
        {"no number, our booking", {.case_number = ""}, PUSH_TAKEN, "error 0"},
        {"no number, SMEV's reference, our booking",
         {.case_number = "", .request_id_ref = OTHER},
         PUSH_TAKEN,
         "error 0"},
        {"no number, another booking", {.case_number = "", .data = foreign}, PUSH_FAILED, "another message"},
        {"our number, another booking", {.data = foreign}, PUSH_FAILED, "another message"},
        {"our number, our booking in capitals", {.data = capitals}, PUSH_TAKEN, "error 0"},
        {"our number, no booking", {.data = nobody}, PUSH_TAKEN, "error 0"},
        {"no number, no booking", {.case_number = "", .data = nobody}, PUSH_FAILED, "another message"},
        {"no number, nothing inside", {.case_number = "", .data = ""}, PUSH_FAILED, "another message"},
        {"no number, of this morning", {.case_number = "", .date = date_off(a, -3600)}, PUSH_FAILED, "another message"},
        {"no number, of tonight", {.case_number = "", .date = date_off(a, 3600)}, PUSH_FAILED, "another message"},
        {"another Sender", {.sender = "OTHER0001"}, PUSH_FAILED, "Sender is not the portal"},
        {"the agency as Sender", {.sender = AGENCY}, PUSH_FAILED, "Sender is not the portal"},
        {"another Recipient", {.recipient = "BBBB00002"}, PUSH_FAILED, "Recipient is not the agency"},
        {"another method", {.element = "bookResponse"}, PUSH_FAILED, "another method"},
        {"our own request", {.element = "updateBookingDetailsRequest"}, PUSH_FAILED, "another method"},
        {"of last week", {.date = date_off(a, -7 * 86400)}, PUSH_FAILED, "of another time"},
        {"of next week", {.date = date_off(a, 7 * 86400)}, PUSH_FAILED, "of another time"},
        {"of an hour ago", {.date = date_off(a, -3600)}, PUSH_TAKEN, "error 0"},
        {"no date", {.date = ""}, PUSH_FAILED, "Date"},
        {"no instant", {.date = "yesterday"}, PUSH_FAILED, "of another time"},
        {"no Status", {.status = ""}, PUSH_FAILED, "Status is missing"},
        {"a revision nobody serves", {.ns = NS_SMEV_110801}, PUSH_FAILED, "rev110801"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(a, rows[i].what, signed_by(a, &kit.other, body_of(a, &rows[i].say)), rows[i].verdict, rows[i].reason);
    arena_free(a);
}

static void M8_C2_only_the_portal_is_believed(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct say good = {0};
    const char *body = body_of(a, &good), *text = signed_by(a, &kit.other, body);
    expect(a, "good", text, PUSH_TAKEN, "error 0");
    expect(a, "a stranger", signed_by(a, &kit.stranger, body), PUSH_FAILED, "signature: ");
    expect(a, "the agency itself", signed_by(a, &kit.signer, body), PUSH_FAILED, "signed by somebody else: ");
    expect(a, "SMEV in the portal's place", signed_by(a, &kit.signer512, body), PUSH_FAILED, "signed by somebody else");
    expect(a, "of 2001", signed_by(a, &kit.signer2001, body), PUSH_FAILED, "signature: ");
    expect(a, "SMEV's actor alone",
           kit_make(a, &(struct recipe){.signer = &kit.other, .actor = ACTOR_RECIPIENT, .body = body}), PUSH_FAILED,
           "signature: ");
    expect(a, "a changed word", kit_replace(a, text, ">RESULT<", ">REJECT<"), PUSH_FAILED, "signature: ");
    expect(a, "a changed value", kit_make(a, &(struct recipe){.signer = &kit.other, .body = body, .value = "AAAA"}),
           PUSH_FAILED, "signature: ");
    expect(a, "Body not covered",
           kit_make(a, &(struct recipe){.signer = &kit.other, .body = body, .refs = {{.uri = "#token"}}, .nrefs = 1}),
           PUSH_FAILED, "signature: ");
    expect(a, "two bodies",
           kit_make(a, &(struct recipe){.signer = &kit.other, .body = body, .after_body = "<S:Body/>"}), PUSH_FAILED,
           "signature: ");
    const char *bare =
        arena_printf(a, "<S:Envelope xmlns:S=\"" NS_SOAP "\" xmlns:wsu=\"" NS_WSU "\">%s</S:Envelope>", body);
    expect(a, "unsigned", bare, PUSH_FAILED, "signature: SECURITY");
    const struct {
        const char *text, *word;
    } words[] = {{text, "good"},
                 {kit_replace(a, text, ">RESULT<", ">REJECT<"), "CHECK"},
                 {signed_by(a, &kit.signer, body), "SENDER"},
                 {bare, "SECURITY"},
                 {"<", "MALFORMED"},
                 {"", "none"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_string_equal(read_text(a, words[i].text, 200, "text/xml").signed_as, words[i].word);
    arena_free(a);
}

/* SOAP 1.1, 4.4.1: a Client fault is not to be sent again unchanged, whoever says so being who he says. */
static void M8_faults(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum push_verdict verdict;
        const char *reason;
    } rows[] = {
        {"S:Client", PUSH_REFUSED, "fault Client"},
        {"S:Client.Schema", PUSH_REFUSED, "fault Client"},
        {" S:Client\n", PUSH_REFUSED, "fault Client"},
        {"S:Server", PUSH_FAILED, "fault Server"},
        {"Server", PUSH_FAILED, "fault Server"},
        {"S:MustUnderstand", PUSH_FAILED, "fault MustUnderstand"},
        {"wsse:FailedCheck", PUSH_FAILED, "fault FailedCheck"},
        {"wsse:Clientele", PUSH_FAILED, "fault Clientele"},
        {"Образцов Иван", PUSH_FAILED, "fault (no plain name)"},
        {"", PUSH_FAILED, "fault without a code"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        const char *body =
            arena_printf(a,
                         "<S:Body wsu:Id=\"body\"><S:Fault><faultcode>%s</faultcode><faultstring>Образцов "
                         "Иван</faultstring></S:Fault></S:Body>",
                         rows[i].code);
        expect(a, rows[i].code, signed_by(a, &kit.other, body), rows[i].verdict, rows[i].reason);
        const char *bare =
            arena_printf(a, "<S:Envelope xmlns:S=\"" NS_SOAP "\" xmlns:wsu=\"" NS_WSU "\">%s</S:Envelope>", body);
        struct push_answer out = read_text(a, bare, 500, "text/xml");
        assert_int_equal(out.verdict, PUSH_FAILED);
        assert_non_null(strstr(out.reason, "HTTP 500, a fault nobody has signed"));
        arena_free(a);
    }
}

static void M8_what_is_no_answer_at_all(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct say good = {0};
    const char *text = signed_by(a, &kit.other, body_of(a, &good));
    char *large = arena_alloc(a, PUSH_ANSWER_MAX_BYTES + strlen(text) + 1);
    memset(large, ' ', PUSH_ANSWER_MAX_BYTES);
    memcpy(large + PUSH_ANSWER_MAX_BYTES, text, strlen(text) + 1);
    const struct {
        const char *text, *type, *reason;
        int http;
    } rows[] = {
        {"", "text/xml", "HTTP 202, empty", 202},
        {"", NULL, "HTTP 503, empty", 503},
        {"<html><body>Service Unavailable<br></body></html>", "text/html; charset=utf-8", "a page (HTML)", 503},
        {"<html><body><p>Образцов Иван</p></body></html>", "TEXT/HTML", "HTTP 200, signature: ENVELOPE", 200},
        {"<!DOCTYPE html><html/>", "text/html", "a page (HTML)", 502},
        {"<!DOCTYPE x><x/>", "text/xml", "DOCTYPE", 200},
        {"Образцов Иван", "text/plain", "MALFORMED", 404},
        {"<?xml version=\"1.0\" encoding=\"windows-1251\"?><a/>", "text/xml", "ENCODING", 200},
        {"<a>\xCF\xF0</a>", "text/xml; charset=windows-1251", "ENCODING", 200},
        {large, "text/xml", "LIMIT", 200},
        {arena_strndup(a, text, strlen(text) - 1), "text/xml", "MALFORMED", 200},
        {arena_strndup(a, text, strlen(text) / 2), "text/xml", "MALFORMED", 200},
        {"<S:Envelope xmlns:S=\"http://www.w3.org/2003/05/soap-envelope\"><S:Body/></S:Envelope>", "text/xml",
         "VERSION", 200},
        {"{\"error\":0}", "application/json", "MALFORMED", 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct push_answer out = read_text(a, rows[i].text, rows[i].http, rows[i].type);
        if (out.verdict != PUSH_FAILED || strstr(out.reason, rows[i].reason) == NULL)
            fail_msg("row %zu: %d, %s", i, out.verdict, out.reason);
    }
    /* what the status of HTTP says is of no weight beside a signature, nor what the type claims */
    assert_int_equal(read_text(a, text, 500, "text/html").verdict, PUSH_TAKEN);
    assert_int_equal(read_text(a, text, 200, NULL).verdict, PUSH_TAKEN);
    arena_free(a);
}

/* C3: no byte of an answer can be changed into another verdict. */
static void M8_C3_no_byte_turns_a_no_into_a_yes(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct say no = {.status = "REJECT", .data = error_of(a, "4")};
    char *text = arena_strdup(a, signed_by(a, &kit.other, body_of(a, &no)));
    for (size_t i = 0; i < strlen(text); i += 5) {
        struct arena *one = arena_new();
        char kept = text[i];
        text[i] = kept == '4' ? '0' : (char)(kept ^ 1);
        struct push_answer out = read_text(one, text, 200, NULL);
        if (out.verdict != PUSH_FAILED && out.verdict != PUSH_REFUSED)
            fail_msg("octet %zu, '%c': %s", i, kept, out.reason);
        text[i] = kept;
        arena_free(one);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(M8_what_the_portal_says),
        cmocka_unit_test(M8_J3_the_portals_words),
        cmocka_unit_test(M8_C7_an_answer_to_another_call_is_none),
        cmocka_unit_test(M8_C2_only_the_portal_is_believed),
        cmocka_unit_test(M8_faults),
        cmocka_unit_test(M8_what_is_no_answer_at_all),
        cmocka_unit_test(M8_C3_no_byte_turns_a_no_into_a_yes),
    };
    return cmocka_run_group_tests(tests, push_setup, push_teardown);
}
