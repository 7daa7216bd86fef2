/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * V3, C2, C3: the envelope, its WS-Security headers by actor, the token and its certificate. SOAP 1.1 section 4;
 * WSS 1.0 X.509 token profile; what SMEV writes.
 */
#include "testkit.h"

#include "clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the envelope ---- */

static void test_envelope_structure(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct recipe recipe;
        enum err expected;
    } rows[] = {
        {"SOAP 1.2", {.envelope_ns = "http://www.w3.org/2003/05/soap-envelope"}, ERR_VERSION},
        {"no SOAP at all", {.envelope_ns = "urn:x"}, ERR_VERSION},
        {"text in front of Header", {.before_header = "x"}, ERR_ENVELOPE},
        {"text between Header and Body", {.between = "x"}, ERR_ENVELOPE},
        {"text behind Body", {.after_body = "x"}, ERR_ENVELOPE},
        {"CDATA behind Body", {.after_body = "<![CDATA[ ]]>"}, ERR_ENVELOPE},
        {"comment between", {.between = "<!-- c -->"}, ERR_OK},
        {"comments in front and behind", {.before_header = "<!-- c -->", .after_body = "<!----> <!-- -->"}, ERR_OK},
        {"a comment does not hide text", {.between = "<!-- c -->x<!-- c -->"}, ERR_ENVELOPE},
        {"element in front of Header", {.before_header = "<x/>"}, ERR_ENVELOPE},
        {"element between", {.between = "<x/>"}, ERR_ENVELOPE},
        {"element behind Body", {.after_body = "<x/>"}, ERR_ENVELOPE},
        {"two Headers", {.between = "<S:Header/>"}, ERR_ENVELOPE},
        {"Header behind Body", {.after_body = "<S:Header/>"}, ERR_ENVELOPE},
        {"two Bodies", {.after_body = "<S:Body/>"}, ERR_ENVELOPE},
        {"empty Body first", {.between = "<S:Body/>"}, ERR_ENVELOPE},
        {"Body of SOAP 1.2",
         {.between = "<e:Body xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"/>"},
         ERR_ENVELOPE},
        {"text inside Header", {.header_first = "x"}, ERR_ENVELOPE},
        {"comment inside Header", {.header_first = "<!-- c -->", .header_last = "<!-- c -->"}, ERR_OK},
        {"CDATA inside Header", {.header_first = "<![CDATA[ ]]>"}, ERR_ENVELOPE},
        {"text inside Security", {.security_first = "x"}, ERR_SECURITY},
        {"comment inside Security", {.security_first = "<!-- c -->", .security_last = "<!-- c -->"}, ERR_OK},
        {"Envelope inside Header", {.header_first = "<S:Envelope><S:Body/></S:Envelope>"}, ERR_OK},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        kit_expect(rows[i].what, &rows[i].recipe, rows[i].expected);

    static const struct {
        const char *text;
        enum err expected;
    } texts[] = {
        {"<x/>", ERR_ENVELOPE},
        {"<Envelope/>", ERR_VERSION},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"/>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Header/></S:Envelope>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><Body/></S:Envelope>", ERR_ENVELOPE},
        {"<S:Body xmlns:S=\"" NS_SOAP "\"/>", ERR_ENVELOPE},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body/></S:Envelope>", ERR_SECURITY},
        {"<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Header/><S:Body/></S:Envelope>", ERR_SECURITY},
    };
    struct wsse_policy policy = kit_policy();
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct arena *a = arena_new();
        struct wsse_result result;
        struct error e = {0};
        assert_int_equal(kit_verify(a, texts[i].text, &policy, &result, &e), texts[i].expected);
        arena_free(a);
    }
}

static void test_must_understand(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum err expected;
    } rows[] = {
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"1\"/>", ERR_MUST_UNDERSTAND},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"true\"/>", ERR_MUST_UNDERSTAND},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"yes\"/>", ERR_MUST_UNDERSTAND},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"\"/>", ERR_MUST_UNDERSTAND},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"1\" S:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"/>",
         ERR_MUST_UNDERSTAND},
        {"<Security xmlns=\"urn:x\" S:mustUnderstand=\"1\" S:actor=\"" ACTOR_SMEV "\"/>", ERR_MUST_UNDERSTAND},
        {"<wsse:Security S:mustUnderstand=\"1\"/>", ERR_MUST_UNDERSTAND},
        {"<wsse:Security S:mustUnderstand=\"1\" S:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"/>",
         ERR_MUST_UNDERSTAND},
        {"<wsse:Security S:mustUnderstand=\"1\" S:actor=\"\"/>", ERR_MUST_UNDERSTAND},
        {"<wsse:Security S:mustUnderstand=\"1\" actor=\"" ACTOR_SMEV "\"/>", ERR_MUST_UNDERSTAND},
        {"<wsse:Security S:mustUnderstand=\"1\" S:actor=\"" ACTOR_SMEV " \"/>", ERR_MUST_UNDERSTAND},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"1\" S:actor=\"\n" ACTOR_SMEV " \"/>", ERR_MUST_UNDERSTAND},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"1\" S:actor=\" \"/>", ERR_MUST_UNDERSTAND},
        /* SOAP 1.1, 4.2.2: for somebody else, whatever it is */
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"1\" S:actor=\"urn:other\"/>", ERR_OK},
        {"<wsse:Security S:mustUnderstand=\"1\" S:actor=\"urn:other\"/>", ERR_OK},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"1\" S:actor=\"" ACTOR_SMEV " urn:other\"/>", ERR_OK},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"0\"/>", ERR_OK},
        {"<x xmlns=\"urn:x\" S:mustUnderstand=\"false\"/>", ERR_OK},
        {"<x xmlns=\"urn:x\" mustUnderstand=\"1\"/>", ERR_OK},
        {"<wsse:Security/>", ERR_OK},
        {"<wsse:Security S:actor=\"urn:other\"><anything xmlns=\"\"/></wsse:Security>", ERR_OK},
        {"<x xmlns=\"urn:x\"/>", ERR_OK},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct recipe first = {.header_first = rows[i].header};
        kit_expect(rows[i].header, &first, rows[i].expected);
        struct recipe last = {.header_last = rows[i].header};
        kit_expect(rows[i].header, &last, rows[i].expected);
    }
    struct recipe ours = {.security_attrs = "S:mustUnderstand=\"1\""};
    kit_expect("our own Security must be understood, and is", &ours, ERR_OK);
}

static void test_security_headers(void **state)
{
    (void)state;
    struct recipe twice = {.header_last = "<wsse:Security S:actor=\"" ACTOR_SMEV "\"/>"};
    kit_expect("two for one actor", &twice, ERR_SECURITY);
    struct recipe twice_first = {.header_first = "<wsse:Security S:actor=\"" ACTOR_SMEV "\"/>"};
    kit_expect("two for one actor, the empty one first", &twice_first, ERR_SECURITY);
    struct recipe other = {.actor = "urn:other"};
    kit_expect("signed for somebody else", &other, ERR_SECURITY);
    struct recipe next = {.actor = "http://schemas.xmlsoap.org/soap/actor/next"};
    kit_expect("signed for the next", &next, ERR_SECURITY);
    struct recipe empty_recipient = {.header_last = "<wsse:Security S:actor=\"" ACTOR_RECIPIENT "\"/>"};
    kit_expect("an empty header for the recipient", &empty_recipient, ERR_SECURITY);
    static const char *const contents[] = {
        "<ds:Signature/>",
        "<wsse:UsernameToken/>",
        "<x xmlns=\"urn:x\"/>",
        "<wsse:BinarySecurityToken>AAAA</wsse:BinarySecurityToken>",
        "<S:Body/>",
        "<ds:KeyInfo/>",
        "<wsu:Timestamp/><wsu:Timestamp/>",
        "<wsse:Security/>",
        "<Signature xmlns=\"urn:x\"/>",
    };
    for (size_t i = 0; i < COUNT(contents); i++) {
        struct recipe first = {.security_first = contents[i]};
        kit_expect(contents[i], &first, ERR_SECURITY);
        struct recipe last = {.security_last = contents[i]};
        kit_expect(contents[i], &last, ERR_SECURITY);
    }
    struct recipe stamp = {.security_first =
                               "<wsu:Timestamp><wsu:Created>2026-01-01T00:00:00Z</wsu:Created></wsu:Timestamp>"};
    kit_expect("a Timestamp nobody signed is passed over", &stamp, ERR_OK);

    struct arena *a = arena_new();
    struct recipe plain = {0};
    char *text = kit_make(a, &plain);
    const char *start = strstr(text, "<ds:Signature>"),
               *end = strstr(text, "</ds:Signature>") + strlen("</ds:Signature>");
    char *signature = arena_strndup(a, start, (size_t)(end - start));
    struct wsse_policy policy = kit_policy();
    struct wsse_result result;
    struct error e = {0};
    assert_int_equal(kit_verify(a, kit_replace(a, text, signature, ""), &policy, &result, &e), ERR_SECURITY);
    memset(&e, 0, sizeof e);
    assert_int_equal(kit_verify(a, kit_replace(a, text, signature, arena_printf(a, "%s%s", signature, signature)),
                                &policy, &result, &e),
                     ERR_SECURITY);
    memset(&e, 0, sizeof e);
    char *wrapped = kit_replace(a, text, signature, arena_printf(a, "<x xmlns=\"\">%s</x>", signature));
    assert_int_equal(kit_verify(a, wrapped, &policy, &result, &e), ERR_SECURITY);
    arena_free(a);
}

/* ---- duplicate Ids: before any cryptography ---- */

static void test_duplicate_ids(void **state)
{
    (void)state;
    static const char *const ids[] = {"wsu:Id=\"body\"", "Id=\"body\"", "ID=\"body\"", "id=\"body\"", "xml:id=\"body\"",
                                      "Id=\"token\"", "xml:id=\"bo&#100;y\"",
                                      /* what the type of an Id does not see */
                                      "xml:id=\" body \"", "xml:id=\"&#9;body\"", "wsu:Id=\"body&#10;\"",
                                      "Id=\"  token\""};
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(ids); i++) {
        const char *element = arena_printf(a, "<x %s xmlns=\"urn:x\"/>", ids[i]);
        struct recipe header = {.header_last = element};
        kit_expect(element, &header, ERR_SECURITY);
        struct recipe first = {.header_first = element};
        kit_expect(element, &first, ERR_SECURITY);
        struct recipe body = {.body = arena_printf(a, "<S:Body wsu:Id=\"body\">%s</S:Body>", element)};
        kit_expect(element, &body, ERR_SECURITY);
        struct recipe stamp = {.security_last = arena_printf(a, "<wsu:Timestamp>%s</wsu:Timestamp>", element)};
        kit_expect(element, &stamp, ERR_SECURITY);
    }
    /* said twice of one element, in whatever spellings, it is one */
    struct recipe both = {.body = "<S:Body wsu:Id=\"body\" Id=\"body\"><x/></S:Body>"};
    kit_expect("one element, two Ids", &both, ERR_OK);
    struct recipe all = {
        .body = "<S:Body ID=\"body\" id=\"body\" xml:id=\"body\" wsu:Id=\"body\" Id=\"body\"><x/></S:Body>"};
    kit_expect("one element, five Ids", &all, ERR_OK);
    struct recipe apart = {.body = "<S:Body wsu:Id=\"body\" Id=\"other\"><x/></S:Body>"};
    kit_expect("one element of two names", &apart, ERR_OK);
    struct recipe token = {.token_attrs = TOKEN_TYPES " Id=\"token\""};
    kit_expect("a token with two Ids", &token, ERR_OK);
    struct recipe between = {.header_last = "<x xmlns=\"urn:x\" Id=\"body\"/>",
                             .body = "<S:Body wsu:Id=\"body\" Id=\"body\"><x/></S:Body>"};
    kit_expect("and a third one elsewhere", &between, ERR_SECURITY);
    struct recipe inside = {.body = "<S:Body wsu:Id=\"body\" Id=\"body\"><x xml:id=\"body\"/></S:Body>"};
    kit_expect("and a third one inside", &inside, ERR_SECURITY);
    struct recipe refs = {.body = "<S:Body wsu:Id=\"body\" Id=\"other\"><x/></S:Body>",
                          .refs = {{.uri = "#body"}, {.uri = "#other"}},
                          .nrefs = 2};
    kit_expect("one element by both of its names", &refs, ERR_SECURITY);
    struct recipe unsigned_parts = {.header_last = "<x xmlns=\"urn:x\" Id=\"a\"/><y xmlns=\"urn:x\" ID=\"a\"/>"};
    kit_expect("an Id nobody refers to", &unsigned_parts, ERR_SECURITY);
    struct recipe foreign = {.header_last = "<x xmlns=\"urn:x\" xmlns:f=\"urn:f\" f:Id=\"body\"/>"};
    kit_expect("an attribute that is no Id", &foreign, ERR_OK);
    static const char *const attrs[] = {"Id", "ID", "id", "xml:id"};
    for (size_t i = 0; i < COUNT(attrs); i++) {
        struct recipe r = {.body = arena_printf(a, "<S:Body %s=\"body\"><x/></S:Body>", attrs[i])};
        kit_expect(attrs[i], &r, ERR_OK);
    }
    arena_free(a);
}

/* ---- the token ---- */

static void test_key_info(void **state)
{
    (void)state;
    static const char *const unavailable[] = {
        "",
        "<ds:KeyInfo/>",
        "<ds:KeyInfo><ds:KeyName>signer</ds:KeyName></ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue></ds:KeyInfo>",
        "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://127.0.0.1:1/cert\"/></ds:KeyInfo>",
        "<ds:KeyInfo><ds:RetrievalMethod URI=\"#token\"/></ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial/></ds:X509Data></ds:KeyInfo>",
        "<ds:KeyInfo><ds:PGPData/></ds:KeyInfo>",
        "<ds:KeyInfo>" STR("#token") STR("#token") "</ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyName>x</ds:KeyName>" STR("#token") "</ds:KeyInfo>",
        "<ds:KeyInfo>" STR("#token") "<ds:X509Data/></ds:KeyInfo>",
        "<ds:KeyInfo>" STR("token") "</ds:KeyInfo>",
        "<ds:KeyInfo>" STR("") "</ds:KeyInfo>",
        "<ds:KeyInfo>" STR("#") "</ds:KeyInfo>",
        "<ds:KeyInfo>" STR("#nosuch") "</ds:KeyInfo>",
        "<ds:KeyInfo>" STR("#body") "</ds:KeyInfo>",
        "<ds:KeyInfo>" STR("http://127.0.0.1:1/cert#token") "</ds:KeyInfo>",
        "<ds:KeyInfo>" STR("file:///etc/ssl/cert.pem") "</ds:KeyInfo>",
        "<ds:KeyInfo><wsse:SecurityTokenReference/></ds:KeyInfo>",
        "<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference/></wsse:SecurityTokenReference></ds:KeyInfo>",
        "<ds:KeyInfo><wsse:SecurityTokenReference><wsse:KeyIdentifier>AAAA</wsse:KeyIdentifier></"
        "wsse:SecurityTokenReference></ds:KeyInfo>",
        "<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Embedded><wsse:BinarySecurityToken/></wsse:Embedded>"
        "</wsse:SecurityTokenReference></ds:KeyInfo>",
        "<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI=\"#token\"/><wsse:Reference URI=\"#token\"/>"
        "</wsse:SecurityTokenReference></ds:KeyInfo>",
        "<ds:KeyInfo><wsse:SecurityTokenReference>x<wsse:Reference "
        "URI=\"#token\"/></wsse:SecurityTokenReference></ds:KeyInfo>",
        "<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference "
        "wsu:URI=\"#token\"/></wsse:SecurityTokenReference></ds:KeyInfo>",
    };
    for (size_t i = 0; i < COUNT(unavailable); i++) {
        struct recipe r = {.key_info = unavailable[i]};
        kit_expect(unavailable[i], &r, ERR_TOKEN_UNAVAILABLE);
    }
    struct recipe text = {.key_info = "<ds:KeyInfo>x" STR("#token") "</ds:KeyInfo>"};
    kit_expect("text inside KeyInfo", &text, ERR_SECURITY);
    struct recipe comment = {.key_info = "<ds:KeyInfo><ds:KeyName>a<!-- c --></ds:KeyName></ds:KeyInfo>"};
    kit_expect("a comment anywhere inside the signature", &comment, ERR_SECURITY);
    struct recipe two = {.key_info =
                             "<ds:KeyInfo>" STR("#token") "</ds:KeyInfo><ds:KeyInfo>" STR("#token") "</ds:KeyInfo>"};
    kit_expect("two KeyInfo", &two, ERR_SECURITY);
    struct recipe type = {
        .key_info = "<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI=\"#token\" ValueType=\"urn:x\"/>"
                    "</wsse:SecurityTokenReference></ds:KeyInfo>"};
    kit_expect("a reference to another kind of token", &type, ERR_TOKEN);
}

static char *token_of(struct arena *a, const struct cert *c, const char *id)
{
    struct buf b;
    buf_init(&b, a, 2048);
    buf_printf(&b, "<wsse:BinarySecurityToken wsu:Id=\"%s\">", id);
    buf_add_base64(&b, cert_der(c).p, cert_der(c).n);
    buf_add_str(&b, "</wsse:BinarySecurityToken>");
    return b.p;
}

static void test_token(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        enum err expected;
    } rows[] = {
        {"", ERR_TOKEN_UNAVAILABLE},
        {"<wsse:BinarySecurityToken>AAAA</wsse:BinarySecurityToken>", ERR_TOKEN_UNAVAILABLE},
        {"<wsse:BinarySecurityToken wsu:Id=\"token\"/>", ERR_TOKEN},
        {"<wsse:BinarySecurityToken wsu:Id=\"token\">AAAA</wsse:BinarySecurityToken>", ERR_TOKEN},
        {"<wsse:BinarySecurityToken wsu:Id=\"token\">*</wsse:BinarySecurityToken>", ERR_TOKEN},
        {"<wsse:BinarySecurityToken wsu:Id=\"token\"><x xmlns=\"\"/></wsse:BinarySecurityToken>", ERR_TOKEN},
        {"<wsse:BinarySecurityToken wsu:Id=\"token\">A<!-- c -->AAA</wsse:BinarySecurityToken>", ERR_TOKEN},
        {"<wsu:Timestamp wsu:Id=\"token\">AAAA</wsu:Timestamp>", ERR_TOKEN_UNAVAILABLE},
        {"<BinarySecurityToken xmlns=\"urn:x\" wsu:Id=\"token\">AAAA</BinarySecurityToken>", ERR_SECURITY},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct recipe r = {.token = rows[i].token};
        kit_expect(rows[i].token, &r, rows[i].expected);
    }
    struct recipe untyped = {.token_attrs = ""};
    kit_expect("a token that does not tell its type", &untyped, ERR_OK);
    struct recipe hex = {.token_attrs = "EncodingType=\"http://docs.oasis-open.org/wss/2004/01/"
                                        "oasis-200401-wss-soap-message-security-1.0#HexBinary\""};
    kit_expect("another encoding", &hex, ERR_TOKEN);
    struct recipe pkcs7 = {
        .token_attrs =
            "ValueType=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#PKCS7\""};
    kit_expect("another kind of token", &pkcs7, ERR_TOKEN);

    struct arena *a = arena_new();
    char *token = token_of(a, kit.signer.cert, "token");
    struct recipe elsewhere = {.token = "", .header_first = token};
    kit_expect("the token outside its Security", &elsewhere, ERR_TOKEN_UNAVAILABLE);
    struct recipe other_header = {.token = "",
                                  .header_first = arena_printf(a, "<wsse:Security>%s</wsse:Security>", token)};
    kit_expect("the token in another Security", &other_header, ERR_TOKEN_UNAVAILABLE);
    struct recipe deeper = {.token = arena_printf(a, "<wsu:Timestamp>%s</wsu:Timestamp>", token)};
    kit_expect("the token deeper down", &deeper, ERR_TOKEN_UNAVAILABLE);
    struct recipe two = {.security_last = token_of(a, kit.other.cert, "second")};
    kit_expect("two tokens", &two, ERR_SECURITY);
    arena_free(a);
}

/* ---- certificates that were read before (C2) ---- */

static void verify_known(const char *what, const struct recipe *r, const struct wsse_policy *policy, enum err expected,
                         const struct cert *signer)
{
    struct arena *a = arena_new();
    struct wsse_result result;
    struct error e = {0};
    enum err err = kit_verify(a, kit_make(a, r), policy, &result, &e);
    if (err != expected)
        fail_msg("%s: %s (%s) instead of %s", what, error_name(err), e.detail, error_name(expected));
    assert_ptr_equal(result.smev.signer, signer);
    arena_free(a);
}

/* That a certificate need not be read anew says nothing of whether it is believed, nor of what its key has signed. */
static void C2_a_known_certificate_is_judged_all_the_same(void **state)
{
    (void)state;
    struct cert_set *known = cert_set_new(kit.arena, 3);
    cert_set_add(known, kit.signer.cert);
    cert_set_add(known, kit.signer2001.cert);
    cert_set_add(known, kit.stranger.cert);
    struct wsse_policy policy = kit_policy();
    policy.known = known;
    struct recipe good = {0};
    verify_known("a known one", &good, &policy, ERR_OK, kit.signer.cert);
    struct recipe forged = {.token_cert = kit.signer.cert, .signer = &kit.other};
    verify_known("signed by another key", &forged, &policy, ERR_CHECK, NULL);
    struct recipe stranger = {.signer = &kit.stranger};
    verify_known("whom nobody vouches for", &stranger, &policy, ERR_TOKEN, NULL);
    policy.now_s = cert_not_after(kit.signer.cert) + 1;
    verify_known("when its time is over", &good, &policy, ERR_TOKEN, NULL);
    policy.now_s = cert_signs_from(kit.signer.cert) - 1;
    verify_known("before its time", &good, &policy, ERR_TOKEN, NULL);

    struct arena *a = arena_new();
    struct wsse_result result;
    struct error e = {0};
    struct recipe other = {.signer = &kit.other};
    policy.now_s = kit.now_s;
    assert_int_equal(kit_verify(a, kit_make(a, &other), &policy, &result, &e), ERR_OK);
    assert_true(span_equals(cert_der(result.smev.signer), cert_der(kit.other.cert)));
    arena_free(a);
}

/* ---- the time stamp (C7; WSS 1.0 section 10) ---- */

static const char *stamp_time(struct arena *a, const char *local, int64_t at_s)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_s * 1000000, 180, text);
    return arena_printf(a, "<wsu:%s>%s</wsu:%s>", local, text, local);
}

static void verify_stamp(struct arena *a, const char *inner, int64_t age_max_s, enum err expected)
{
    struct recipe stamped = {.security_last = arena_printf(a, "<wsu:Timestamp>%s</wsu:Timestamp>", inner)};
    struct wsse_policy policy = kit_policy();
    struct wsse_result result;
    struct error e = {0};
    policy.age_max_s = age_max_s;
    enum err err = kit_verify(a, kit_make(a, &stamped), &policy, &result, &e);
    if (err != expected)
        fail_msg("%s: %s instead of %s (%s)", inner, error_name(err), error_name(expected), e.detail);
}

static void C7_time_stamps(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const int64_t now_s = kit.now_s, hour_s = 3600;
    const struct {
        int64_t created_s, expires_s; /* from now; 0: not there */
        int64_t age_max_s;
        enum err expected;
    } rows[] = {
        {0, 0, hour_s, ERR_OK},
        {-60, 60, hour_s, ERR_OK},
        {-60, 0, hour_s, ERR_OK},
        {0, 60, hour_s, ERR_OK},
        {60, 120, hour_s, ERR_OK}, /* clocks differ */
        {-60, -1, hour_s, ERR_EXPIRED},
        {0, -1, 0, ERR_EXPIRED}, /* whatever the age may be */
        {-hour_s - 1, 60, hour_s, ERR_EXPIRED},
        {-hour_s - 1, 60, 0, ERR_OK},
        {hour_s + 1, 2 * hour_s, hour_s, ERR_EXPIRED},
        {60, 30, hour_s, ERR_SECURITY},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *created = rows[i].created_s ? stamp_time(a, "Created", now_s + rows[i].created_s) : "";
        const char *expires = rows[i].expires_s ? stamp_time(a, "Expires", now_s + rows[i].expires_s) : "";
        verify_stamp(a, arena_printf(a, "%s%s", created, expires), rows[i].age_max_s, rows[i].expected);
    }
    const char *good = stamp_time(a, "Created", now_s);
    const char *const garbled[] = {
        "<wsu:Created/>",
        "<wsu:Created>today</wsu:Created>",
        "<wsu:Expires>2099-02-30T00:00:00Z</wsu:Expires>",
        "<wsu:Expires>2099-01-01</wsu:Expires>",
        "<wsu:Expires><x>2099-01-01T00:00:00Z</x></wsu:Expires>",
        arena_printf(a, "%s%s", good, good),
        arena_printf(a, "%s%s<wsu:Expires>never</wsu:Expires>", good, stamp_time(a, "Expires", now_s + 60)),
        arena_printf(a, "%s forever", good),
        arena_printf(a, "%s<!-- forever -->", good),
    };
    for (size_t i = 0; i < COUNT(garbled); i++)
        verify_stamp(a, garbled[i], hour_s, ERR_SECURITY);
    arena_free(a);
}

/* ---- the certificate (C2) ---- */

static void test_certificates(void **state)
{
    (void)state;
    struct recipe stranger = {.signer = &kit.stranger};
    kit_expect("no chain to an anchor", &stranger, ERR_TOKEN);
    struct recipe claimed = {.signer = &kit.stranger, .token_cert = kit.signer.cert};
    kit_expect("another's certificate", &claimed, ERR_CHECK);
    struct recipe swapped = {.token_cert = kit.other.cert};
    kit_expect("the certificate of another trusted system", &swapped, ERR_CHECK);
    struct recipe kinds = {.token_cert = kit.signer512.cert};
    kit_expect("a certificate with a key of another kind", &kinds, ERR_ALGORITHM);

    struct arena *a = arena_new();
    struct recipe plain = {0};
    char *text = kit_make(a, &plain);
    struct wsse_policy policy = kit_policy();
    struct wsse_result result;
    struct error e = {0};
    policy.now_s = cert_not_after(kit.signer.cert) + 86400;
    assert_int_equal(kit_verify(a, text, &policy, &result, &e), ERR_TOKEN);
    memset(&e, 0, sizeof e);
    policy.now_s = cert_signs_from(kit.signer.cert) - 86400;
    assert_int_equal(kit_verify(a, text, &policy, &result, &e), ERR_TOKEN);
    memset(&e, 0, sizeof e);
    policy.trust = NULL; /* chains are not checked */
    assert_int_equal(kit_verify(a, text, &policy, &result, &e), ERR_OK);

    /* who signed is told, so that the sender can be held to it */
    struct recipe other = {.signer = &kit.other};
    policy = kit_policy();
    memset(&e, 0, sizeof e);
    assert_int_equal(kit_verify(a, kit_make(a, &other), &policy, &result, &e), ERR_OK);
    assert_memory_equal(cert_fingerprint(result.smev.signer), cert_fingerprint(kit.other.cert), 32);
    assert_string_equal(result.smev.actor, ACTOR_SMEV);
    assert_null(result.recipient.signer);
    assert_null(result.header_message_id);
    arena_free(a);
}

/* ---- SMEV's own signature ---- */

#define SMEV_HEADER(id) "<smev:Header xmlns:smev=\"" NS_SMEV_120315 "\" wsu:Id=\"h\">" id "</smev:Header>"
#define MESSAGE_ID      "<smev:MessageId>F3C71274-BA99-A159-89EB-21F6901DBF3B</smev:MessageId>"

static enum err verify_recipient(const char *what, const struct recipe *r, enum err expected, const char *message_id)
{
    struct arena *a = arena_new();
    struct wsse_policy policy = kit_policy();
    policy.require_smev = false;
    policy.require_recipient = true;
    struct wsse_result result;
    struct error e = {0};
    enum err err = kit_verify(a, kit_make(a, r), &policy, &result, &e);
    if (err != expected)
        fail_msg("%s: %s (%s)", what, error_name(err), e.detail);
    if (!err) {
        assert_non_null(result.recipient.signer);
        assert_null(result.smev.signer);
        assert_non_null(memmem(result.body.p, result.body.n, "GOOD", 4));
        if (message_id)
            assert_string_equal(result.header_message_id, message_id);
        else
            assert_null(result.header_message_id);
    }
    arena_free(a);
    return err;
}

static void test_recipient_signature(void **state)
{
    (void)state;
    const struct recipe_ref h = {.uri = "#h"}, body = {.uri = "#body"};
    static const char id[] = "F3C71274-BA99-A159-89EB-21F6901DBF3B";
    struct recipe good = {
        .actor = ACTOR_RECIPIENT, .header_last = SMEV_HEADER(MESSAGE_ID), .refs = {h, body}, .nrefs = 2};
    verify_recipient("Header and Body", &good, ERR_OK, id);
    struct recipe turned = {
        .actor = ACTOR_RECIPIENT, .header_last = SMEV_HEADER(MESSAGE_ID), .refs = {body, h}, .nrefs = 2};
    verify_recipient("Body and Header", &turned, ERR_OK, id);
    struct recipe no_id = {.actor = ACTOR_RECIPIENT, .header_last = SMEV_HEADER(""), .refs = {h, body}, .nrefs = 2};
    verify_recipient("no MessageId", &no_id, ERR_OK, NULL);
    struct recipe two_ids = {
        .actor = ACTOR_RECIPIENT, .header_last = SMEV_HEADER(MESSAGE_ID MESSAGE_ID), .refs = {h, body}, .nrefs = 2};
    verify_recipient("two MessageIds", &two_ids, ERR_ENVELOPE, NULL);
    struct recipe empty = {
        .actor = ACTOR_RECIPIENT, .header_last = SMEV_HEADER("<smev:MessageId/>"), .refs = {h, body}, .nrefs = 2};
    verify_recipient("an empty MessageId", &empty, ERR_ENVELOPE, NULL);
    struct recipe comment = {.actor = ACTOR_RECIPIENT,
                             .header_last = SMEV_HEADER("<smev:MessageId>a<!-- c -->b</smev:MessageId>"),
                             .refs = {h, body},
                             .nrefs = 2};
    verify_recipient("a comment inside MessageId", &comment, ERR_ENVELOPE, NULL);
    struct recipe beside = {.actor = ACTOR_RECIPIENT,
                            .header_last =
                                SMEV_HEADER("<!-- c -->" MESSAGE_ID "<!-- <smev:MessageId>x</smev:MessageId> -->"),
                            .refs = {h, body},
                            .nrefs = 2};
    verify_recipient("comments beside MessageId", &beside, ERR_OK, id);
    struct recipe only_body = {.actor = ACTOR_RECIPIENT, .header_last = SMEV_HEADER(MESSAGE_ID), .refs = {body}};
    verify_recipient("Body alone", &only_body, ERR_SECURITY, NULL);
    struct recipe only_header = {.actor = ACTOR_RECIPIENT, .header_last = SMEV_HEADER(MESSAGE_ID), .refs = {h}};
    verify_recipient("Header alone", &only_header, ERR_SECURITY, NULL);
    struct recipe inner = {.actor = ACTOR_RECIPIENT,
                           .header_last = "<smev:Header xmlns:smev=\"" NS_SMEV_120315
                                          "\"><smev:MessageId wsu:Id=\"h\">x</smev:MessageId></smev:Header>",
                           .refs = {h, body},
                           .nrefs = 2};
    verify_recipient("a piece of Header", &inner, ERR_SECURITY, NULL);
    struct recipe absent = {.actor = ACTOR_RECIPIENT, .refs = {body}};
    verify_recipient("no Header", &absent, ERR_SECURITY, NULL);
    struct recipe wrapped = {.actor = ACTOR_RECIPIENT,
                             .header_last = "<x xmlns=\"urn:x\">" SMEV_HEADER(
                                 MESSAGE_ID) "</x><smev:Header xmlns:smev=\"" NS_SMEV_120315
                                             "\"><smev:MessageId>EVIL</smev:MessageId></smev:Header>",
                             .refs = {h, body},
                             .nrefs = 2};
    verify_recipient("the signed Header moved into a wrapper", &wrapped, ERR_SECURITY, NULL);
    struct recipe two_headers = {.actor = ACTOR_RECIPIENT,
                                 .header_last = SMEV_HEADER(MESSAGE_ID) "<s:Header xmlns:s=\"" NS_SMEV_111111 "\"/>",
                                 .refs = {h, body},
                                 .nrefs = 2};
    verify_recipient("two Headers", &two_headers, ERR_ENVELOPE, NULL);
    struct recipe missing = {0};
    verify_recipient("no recipient signature", &missing, ERR_SECURITY, NULL);
    /* under the maker's signature alone MessageId is nobody's word */
    struct recipe maker = {.header_last = SMEV_HEADER(MESSAGE_ID), .refs = {h, body}, .nrefs = 2};
    struct arena *a = arena_new();
    struct wsse_policy policy = kit_policy();
    struct wsse_result result;
    struct error e = {0};
    assert_int_equal(kit_verify(a, kit_make(a, &maker), &policy, &result, &e), ERR_OK);
    assert_null(result.header_message_id);
    arena_free(a);
}

/* ---- own vectors, made by lxml and the openssl program ---- */

static void verify_vector(const char *name, bool through_smev)
{
    struct arena *a = arena_new();
    struct span text = whole_file(a, arena_printf(a, TESTS_DIR "/unit/smev/vectors/%s", name));
    assert_true(text.n > 0);
    struct error e = {0};
    struct trust *trust = NULL;
    struct trust_conf conf = {.anchors_file = TESTS_DIR "/unit/smev/vectors/ca.pem"};
    assert_int_equal(trust_load(a, &conf, &trust, &e), ERR_OK);
    struct wsse_policy policy = {.allow_gost2001 = true, .trust = trust, .now_s = 1800000000, .require_smev = true};
    policy.require_recipient = through_smev;
    struct wsse_result result;
    enum err err = kit_verify(a, text.p, &policy, &result, &e);
    if (err)
        fail_msg("%s: %s (%s)", name, error_name(err), e.detail);
    assert_non_null(memmem(result.body.p, result.body.n, "00000000-0000-4000-8000-000000000001", 36));
    if (through_smev)
        assert_string_equal(result.header_message_id, "F3C71274-BA99-A159-89EB-21F6901DBF3B");

    struct xml_doc *doc = NULL, *bare = NULL;
    struct smev_frame frame;
    const char *method = NULL;
    assert_int_equal(xml_parse(a, result.body, &doc, &e), ERR_OK);
    assert_int_equal(smev_frame_read(a, xml_root(doc), &frame, &method, &bare, &e), ERR_OK);
    assert_string_equal(method, "cancelBookingRequest");
    assert_string_equal(frame.recipient.name, "Агентство <&> \"А\"");
    assert_string_equal(frame.ns, NS_SMEV_120315);

    memset(&e, 0, sizeof e);
    char *changed = kit_replace(a, text.p, "000000000001", "000000000002");
    assert_int_equal(kit_verify(a, changed, &policy, &result, &e), ERR_CHECK);
    arena_free(a);
}

static void test_vectors(void **state)
{
    (void)state;
    verify_vector("request-256.xml", false);
    verify_vector("request-512.xml", false);
    verify_vector("request-2001.xml", false);
    verify_vector("request-through-smev.xml", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelope_structure),
        cmocka_unit_test(test_must_understand),
        cmocka_unit_test(test_security_headers),
        cmocka_unit_test(test_duplicate_ids),
        cmocka_unit_test(test_key_info),
        cmocka_unit_test(test_token),
        cmocka_unit_test(C2_a_known_certificate_is_judged_all_the_same),
        cmocka_unit_test(C7_time_stamps),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_recipient_signature),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
