/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M8, V2, V3: updateBookingDetails as it leaves. The frame has the fields and the order of the guidelines (2.4, 2.5),
 * the content those of the order's item 17: xmllint judges both, which shares nothing with the writer.
 */
#include "push_kit.h"

#include "xmllint.h"

static const char *canonical(struct arena *a, struct xml_node *n)
{
    struct buf b;
    struct error e = {0};
    buf_init(&b, a, 4096);
    assert_int_equal(xml_c14n(n, NULL, &b, &e), ERR_OK);
    return b.p;
}

/* What the portal would have of the octets: signature, frame, content. */
struct received {
    struct wsse_result wsse;
    struct smev_frame frame;
    const char *element, *message, *content;
};

static struct received receive(struct arena *a, struct span octets)
{
    struct received r;
    struct xml_doc *doc = NULL, *bare = NULL;
    struct error e = {0};
    struct wsse_policy policy = kit_policy();
    assert_int_equal(xml_prescan(octets, &xml_limits_default, &e), ERR_OK);
    assert_int_equal(xml_parse(a, octets, &doc, &e), ERR_OK);
    if (wsse_verify(a, doc, &policy, &r.wsse, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    assert_int_equal(xml_parse(a, r.wsse.body, &doc, &e), ERR_OK);
    struct xml_node *wrapper = xml_first(xml_root(doc), SOAP_NS, "updateBookingDetailsRequest");
    assert_non_null(wrapper);
    r.message = canonical(a, xml_first(wrapper, NULL, "Message"));
    if (smev_frame_read(a, xml_root(doc), &r.frame, &r.element, &bare, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    r.content = canonical(a, xml_root(bare));
    return r;
}

static struct push_message make(struct arena *a, const char *agency, const struct booking_update *u)
{
    struct push_message m;
    struct push_way way = push_way_of(agency);
    struct error e = {0};
    if (push_message_make(a, &way, u, &m, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    return m;
}

/* The local names in the order they stand in. */
static const char *names_of(struct arena *a, const char *text)
{
    struct xml_doc *doc = NULL;
    struct error e = {0};
    struct buf b;
    buf_init(&b, a, 256);
    assert_int_equal(xml_parse(a, span_of(text), &doc, &e), ERR_OK);
    for (struct xml_node *n = xml_first(xml_root(doc), NULL, NULL); n != NULL; n = xml_next(n, NULL, NULL))
        buf_printf(&b, "%s ", xml_local(n));
    return b.p;
}

static void M8_V2_frame_and_content_are_valid(void **state)
{
    (void)state;
    static const struct {
        const char *agency, *ns, *schema, *names, *type, *exchange, *service;
    } rows[] = {
        {AGENCY, NS_SMEV_120315, "smev-rev120315.xsd",
         "Sender Recipient ServiceName TypeCode Status Date ExchangeType ServiceCode CaseNumber OKTMO ", "GSRV", "2",
         "PguEqueue"},
        {"BBBB00002", NS_SMEV_111111, "smev-rev111111.xsd",
         "Sender Recipient TypeCode Status Date ExchangeType CaseNumber ", "GFNC", "0", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        struct push_message m = make(a, rows[i].agency, &push_update);
        struct received r = receive(a, m.octets);
        assert_true(xmllint_is_valid(a, rows[i].schema, r.message));
        assert_true(xmllint_is_valid(a, "equeue-bare.xsd", r.content));
        assert_true(xmllint_is_valid_by(a, BUILD_DIR "/contract/equeue-bare.xsd", r.content));
        assert_string_equal(names_of(a, r.message), rows[i].names);
        assert_string_equal(names_of(a, r.content), "bookId esiaId timeslot status ");
        assert_string_equal(r.element, "updateBookingDetailsRequest");
        assert_string_equal(r.frame.ns, rows[i].ns);
        assert_string_equal(r.frame.sender.code, rows[i].agency);
        assert_string_equal(r.frame.recipient.code, PORTAL);
        assert_string_equal(r.frame.recipient.name, "ЕПГУ");
        assert_string_equal(r.frame.status, "REQUEST");
        assert_string_equal(r.frame.type_code, rows[i].type);
        assert_string_equal(r.frame.exchange_type, rows[i].exchange);
        if (rows[i].service != NULL)
            assert_string_equal(r.frame.service_name, rows[i].service);
        assert_string_equal(r.frame.case_number, m.case_number);
        /* signed by the agency, in its name alone */
        assert_memory_equal(cert_fingerprint(r.wsse.smev.signer), cert_fingerprint(kit.signer.cert), 32);
        assert_null(r.wsse.recipient.signer);
        arena_free(a);
    }
}

/* T1: the date has its numeric offset, and is now. */
static void M8_T1_the_date_is_now_with_its_zone(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct received r = receive(a, make(a, AGENCY, &push_update).octets);
    bool has_zone;
    int64_t at_us;
    assert_true(clock_parse(r.frame.date, &at_us, &has_zone));
    assert_true(has_zone);
    assert_null(strchr(r.frame.date, 'Z'));
    assert_true(llabs(at_us - clock_wall_us()) < 600LL * 1000000);
    arena_free(a);
}

/* What is told is what the row says, and the same row is told in the same words; each message has a name of its own. */
static void M8_the_same_row_is_the_same_content(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct push_message x = make(a, AGENCY, &push_update), y = make(a, AGENCY, &push_update);
    struct received p = receive(a, x.octets), q = receive(a, y.octets);
    assert_string_equal(p.content, q.content);
    assert_string_not_equal(x.message_id, y.message_id);
    assert_true(uuid_is_valid(x.message_id));
    assert_int_equal(x.message_id[14], '1'); /* of version 1, whose age can be read */
    p.frame.date = q.frame.date = p.frame.case_number = q.frame.case_number = "";
    assert_string_equal(p.frame.sender.name, "Агентство \"А\" & <Б>");
    assert_string_equal(p.frame.service_code, "00&1");
    assert_non_null(strstr(p.content, "<eq:statusCode>201</eq:statusCode><eq:statusMessage>Забронировано: \"да\" &amp; "
                                      "&lt;нет&gt;</eq:statusMessage>"));
    assert_non_null(strstr(p.content, "<eq:visitTime>2026-12-02T09:45:00+03:00</eq:visitTime>"));
    arena_free(a);
}

/* Item 17: of a cancellation no interval is told; what SQL left out is left out. */
static void M8_what_is_absent_is_left_out(void **state)
{
    (void)state;
    static const struct time_slot bare_slot = {
        .slot_id = "s", .organization_id = "R", .visit_time = "2026-12-02T09:45:00+12:00"};
    struct arena *a = arena_new();
    struct booking_update u = push_update;
    u.timeslot = NULL;
    u.status_code = "302001";
    u.status_message = NULL;
    struct received r = receive(a, make(a, AGENCY, &u).octets);
    assert_string_equal(r.content, "<eq:updateBookingDetailsRequest xmlns:eq=\"" SOAP_NS
                                   "\"><eq:bookId>6b9f2c1e-0000-4000-8000-000000000001</eq:bookId><eq:esiaId>1000300890"
                                   "</eq:esiaId><eq:status><eq:statusCode>302001</eq:statusCode></eq:status>"
                                   "</eq:updateBookingDetailsRequest>");
    assert_true(xmllint_is_valid(a, "equeue-bare.xsd", r.content));
    u.timeslot = &bare_slot;
    r = receive(a, make(a, AGENCY, &u).octets);
    assert_true(xmllint_is_valid(a, "equeue-bare.xsd", r.content));
    assert_non_null(strstr(r.content, "<eq:areaId></eq:areaId>"));
    assert_null(strstr(r.content, "serviceId"));
    arena_free(a);
}

static void M8_what_cannot_be_told_is_no_message(void **state)
{
    (void)state;
    static const struct time_slot broken[] = {{.organization_id = "R", .visit_time = "t"},
                                              {.slot_id = "s", .visit_time = "t"},
                                              {.slot_id = "s", .organization_id = "R"}};
    struct arena *a = arena_new();
    struct push_way way = push_way_of(AGENCY);
    for (unsigned i = 0; i < 6; i++) {
        struct push_message m;
        struct error e = {0};
        struct booking_update u = push_update;
        if (i == 0)
            u.book_id = NULL;
        else if (i == 1)
            u.esia_id = NULL;
        else if (i == 2)
            u.status_code = NULL;
        else
            u.timeslot = &broken[i - 3];
        assert_int_equal(push_message_make(a, &way, &u, &m, &e), ERR_INPUT);
        assert_int_equal(m.octets.n, 0);
    }
    arena_free(a);
}

static int64_t later_us;
static int64_t later(void)
{
    return later_us;
}

/* C7: what was made a day ago is refused for its date, however often it is sent. */
static void M8_a_kept_message_is_good_for_a_day(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct booking_update u = push_update;
    static const struct config_smev3 queue;
    struct push_way way = push_way_of(AGENCY), patient = push_way_of("BBBB00002"), smev3 = way;
    smev3.queue = &queue;
    assert_false(push_message_is_stale(&way, &u)); /* there is none */
    struct push_message m = make(a, AGENCY, &u);
    int64_t made_us = clock_wall_us();
    u.message_id = m.message_id;
    u.octets = m.octets;
    static const struct {
        int64_t after_s;
        bool is_stale, is_stale_there; /* answer_deadline = 1h, 48h */
    } rows[] = {
        {0, false, false},        {-240, false, false},      {-360, true, true}, /* made by a clock that was ahead */
        {-86400 * 3, true, true}, {22 * 3600, false, false}, {24 * 3600, true, false},
        {48 * 3600, true, false}, {50 * 3600, true, true},   {86400 * 30, true, true}};
    clock_replace(NULL, later);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        later_us = made_us + rows[i].after_s * 1000000;
        assert_int_equal(push_message_is_stale(&way, &u), rows[i].is_stale);
        assert_int_equal(push_message_is_stale(&patient, &u), rows[i].is_stale_there);
        assert_false(push_message_is_stale(&smev3, &u)); /* Q5: SMEV says so itself, when it has not had it */
    }
    u.message_id = "m-1"; /* an id that is none of ours tells no age */
    assert_false(push_message_is_stale(&way, &u));
    clock_replace(NULL, NULL);
    arena_free(a);
}

/* C5: what was kept and signed with a key that is another's now is signed anew: one message, one content. */
static void C5_the_key_was_replaced(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct booking_update u = push_update;
    struct push_way way = push_way_of(AGENCY);
    struct push_message m = make(a, AGENCY, &u), again;
    struct buf old;
    struct error e = {0};
    u.message_id = m.message_id;
    u.octets = m.octets;
    assert_true(push_message_is_current(a, &way, &u));
    buf_init(&old, a, 16384);
    assert_int_equal(wsse_sign_anew(a, m.octets, kit.signer512.key, &old, &e), ERR_OK);
    assert_true(wsse_is_signed_by(a, buf_span(&old), kit.signer512.key));
    assert_false(wsse_is_signed_by(a, buf_span(&old), kit.signer.key));
    u.octets = buf_span(&old);
    assert_false(push_message_is_current(a, &way, &u));
    if (push_message_make(a, &way, &u, &again, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    assert_string_equal(again.message_id, m.message_id);
    assert_string_equal(again.case_number, m.case_number);
    struct received first = receive(a, m.octets), then = receive(a, again.octets);
    assert_memory_equal(cert_fingerprint(then.wsse.smev.signer), cert_fingerprint(kit.signer.cert), 32);
    assert_int_equal(first.wsse.body.n, then.wsse.body.n);
    assert_memory_equal(first.wsse.body.p, then.wsse.body.p, first.wsse.body.n);
    u.octets = again.octets;
    assert_true(push_message_is_current(a, &way, &u));
    static const char *const wrong[] = {"", "x", "<a/>",
                                        "<soap:Envelope xmlns:soap=\"" NS_SOAP "\"><soap:Body/></soap:Envelope>"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_not_equal(wsse_sign_anew(a, span_of(wrong[i]), kit.signer.key, &old, &e), ERR_OK);
    way = push_way_of("DEAD00003"); /* who can sign nothing sends what he has */
    u.octets = buf_span(&old);
    assert_true(push_message_is_current(a, &way, &u));
    arena_free(a);
}

/* L5: an agency whose key is of no use has nothing signed by another one. */
static void M8_L5_nobody_signs_for_another(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct push_message m;
    struct push_way way = push_way_of("DEAD00003");
    struct error e = {0};
    assert_int_equal(push_message_make(a, &way, &push_update, &m, &e), ERR_AGENCY);
    assert_non_null(strstr(e.detail, "DEAD00003"));
    arena_free(a);
}

/* A reload frees the configuration: the ways of a keyring stay. */
static void M8_C5_the_ways_are_the_keyrings(void **state)
{
    (void)state;
    assert_string_equal(keyring_push(push_keys, 0)->agency, AGENCY);
    assert_ptr_equal(keyring_push(push_keys, 1), keyring_push_of(push_keys, "BBBB00002"));
    assert_null(keyring_push(push_keys, 3));
    assert_null(keyring_push_of(push_keys, PORTAL));
    for (unsigned i = 0; push_headers[i] != NULL; i++)
        assert_null(strpbrk(push_headers[i], "\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(M8_V2_frame_and_content_are_valid),
        cmocka_unit_test(M8_T1_the_date_is_now_with_its_zone),
        cmocka_unit_test(M8_the_same_row_is_the_same_content),
        cmocka_unit_test(M8_what_is_absent_is_left_out),
        cmocka_unit_test(M8_what_cannot_be_told_is_no_message),
        cmocka_unit_test(M8_L5_nobody_signs_for_another),
        cmocka_unit_test(C5_the_key_was_replaced),
        cmocka_unit_test(M8_C5_the_ways_are_the_keyrings),
        cmocka_unit_test(M8_a_kept_message_is_good_for_a_day),
    };
    return cmocka_run_group_tests(tests, push_setup, push_teardown);
}
