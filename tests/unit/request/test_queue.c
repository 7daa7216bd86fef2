/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Messages of a queue of SMEV 3 between the inbox and the database: what they are called, what of them is bound, and
 * what is answered to each (Q1, Q2, L5). What becomes of them in the database is in test_heart.c. Messages are written
 * here by hand; answers are verified as SMEV does.
 */
#include "request/request_private.h"

#include "../smev/testkit.h"
#include "smev3.h"

#define ID_1           "0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77"
#define ID_2           "1e8cfc01-5e81-11e4-a9ff-d4c9eff07b77"
#define REPLYTO        " {\"sid\":1,\"x\":\"&lt;Я&gt;\"} "
#define TO             " {\"sid\":1,\"x\":\"<Я>\"} "
#define COUNT(x)       (sizeof(x) / sizeof *(x))
#define CANCEL(inside) "<q:cancelBookingRequest xmlns:q=\"" SOAP_NS "\">" inside "</q:cancelBookingRequest>"
#define BOTH           "<q:bookId>52f7e417-23dd-4f3c-999a-1cf196e81220</q:bookId><q:esiaId>1000000000</q:esiaId>"

static struct config conf = {.request_timeout_ms = 15000, .requests_max = 8, .body_max_bytes = 1 << 20};
static struct service service;
static struct keyring keys;
static struct keyring_agency agency = {.code = "TEST02", .name = "Ведомство"};
static struct source source;

static const struct config_smev3 queue = {.name = "queue", .agency = "TEST02"};
static const struct config_smev3 open_queue = {
    .name = "queue", .agency = "TEST02", .update_booking_details = true, .refuse_test_messages = true};

static int setup(void **state)
{
    struct error e = {0};
    int rc = kit_setup(state);
    if (rc != 0)
        return rc;
    soap_binding_init();
    agency.key = kit.signer.key;
    keys = (struct keyring){.refs = 1, .agencies = &agency, .nagencies = 1};
    service = (struct service){.conf = &conf, .keys = &keys, .xml_limits = xml_limits_default};
    source_of_queue(&source, &queue);
    return xml_schema_load(kit.arena, SOURCE_DIR "/schemas/equeue-bare.xsd", &service.schema, &e) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    soap_binding_fini();
    return kit_teardown(state);
}

/* ---- a message, and its way as far as the database ---- */

struct message {
    const char *version, *id, *content, *delivered, *data; /* data: at the end of SenderProvidedRequestData */
};

static const char *message_write(const struct message *m)
{
    const char *version = OR(m->version, "1.1");
    return arena_printf(
        kit.arena,
        "<r:Request xmlns:r=\"urn://x-artefacts-smev-gov-ru/services/message-exchange/types/%s\" Id=\"A\">"
        "<r:SenderProvidedRequestData Id=\"B\"><r:MessageID>%s</r:MessageID>%s"
        "<p:MessagePrimaryContent xmlns:p=\"urn://x-artefacts-smev-gov-ru/services/message-exchange/types/basic/%s\">%s"
        "</p:MessagePrimaryContent>%s</r:SenderProvidedRequestData><r:MessageMetadata><r:MessageId>%s</r:MessageId>"
        "<r:MessageType>REQUEST</r:MessageType><r:Sender><r:Mnemonic>MNSV00</r:Mnemonic></r:Sender>"
        "<r:SendingTimestamp>2026-11-01T10:00:00.000+03:00</r:SendingTimestamp><r:DeliveryTimestamp>%s"
        "</r:DeliveryTimestamp></r:MessageMetadata><r:ReplyTo>" REPLYTO "</r:ReplyTo></r:Request>",
        version, OR(m->id, ID_1), strstr(OR(m->data, ""), "EOL") != NULL ? m->data : "", version,
        OR(m->content, CANCEL(BOTH)), strstr(OR(m->data, ""), "EOL") == NULL ? OR(m->data, "") : "", OR(m->id, ID_1),
        OR(m->delivered, "2026-11-01T10:00:01.000+03:00"));
}

static bool are_includes;

static struct request *begin(const char *octets)
{
    struct request *r = request_new(&service, &source, span_of(octets), "");
    r->queued = arena_alloc(r->arena, sizeof *r->queued);
    *r->queued = (struct queued){
        .message = {.inbox_id = 1, .attempt = 1, .version = SMEV3_1_2, .octets = r->body, .has_include = are_includes}};
    r->message.by_id = true;
    return r;
}

static struct request *read_octets(const char *octets)
{
    static enum step_result (*const steps[])(struct request *) = {
        step_prescan, step_parse, step_verify, step_unwrap, step_normalize, step_validate, step_bind, step_check};
    struct request *r = begin(octets);
    for (size_t i = 0; i < COUNT(steps) && r->failed == ERR_OK; i++)
        if (steps[i](r) != STEP_NEXT)
            r->failed = r->error.code;
    return r;
}

static struct request *read_message(const struct message *m)
{
    struct request *r = read_octets(message_write(m));
    if (r->failed == ERR_OK && r->fields.n == 0)
        assert_non_null(r->op);
    return r;
}

static void end(struct request *r)
{
    live_end(&r->live);
}

static void assert_digest_of(const struct request *r, const char *normal)
{
    unsigned char digest[DIGEST_MAX];
    struct error e = {0};
    assert_int_equal(digest_once(DIGEST_SHA256, normal, strlen(normal), digest, &e), ERR_OK);
    assert_memory_equal(r->message.digest, digest, 32);
}

/* ---- what a message is called ---- */

static void Q1_identity_is_of_the_business_element_alone(void **state)
{
    (void)state;
    /* the transform by hand (recommendations, 4.4): prefixes by number, declared where they are first used */
    static const char normal[] = "<ns1:cancelBookingRequest xmlns:ns1=\"" SOAP_NS "\"><ns1:bookId>52f7e417-23dd-4f3c-"
                                 "999a-1cf196e81220</ns1:bookId><ns1:esiaId>1000000000</ns1:esiaId>"
                                 "</ns1:cancelBookingRequest>";
    static const struct message same[] = {
        {.version = "1.1"},
        {.version = "1.2"},
        {.version = "1.3"},
        {.delivered = "2026-11-20T10:00:00.000+03:00"},
        {.data = "<r:TestMessage/>"},
        {.content =
             "<cancelBookingRequest xmlns=\"" SOAP_NS "\">\n <bookId>52f7e417-23dd-4f3c-999a-1cf196e81220</bookId>\t"
             "<z:esiaId xmlns:z=\"" SOAP_NS "\" xmlns:un=\"urn:unused\">1000000000</z:esiaId></cancelBookingRequest>"},
        {.content = "\n" CANCEL(BOTH) "<!-- nothing -->"},
    };
    for (size_t i = 0; i < COUNT(same); i++) {
        struct request *r = read_message(&same[i]);
        if (r->failed != ERR_OK)
            fail_msg("%zu: %s", i, r->error.detail);
        assert_string_equal(r->message.sender_code, "MNSV00");
        assert_string_equal(r->message.message_id, ID_1);
        assert_string_equal(r->message.recipient_code, "TEST02");
        assert_true(r->message.by_id);
        assert_digest_of(r, normal);
        assert_string_equal(r->request.book_id, "52f7e417-23dd-4f3c-999a-1cf196e81220");
        assert_int_equal(r->message.test, i == 4);
        end(r);
    }
    struct request *first = read_message(&same[0]);
    struct request *other =
        read_message(&(struct message){.content = CANCEL("<q:bookId>1</q:bookId><q:esiaId>1</q:esiaId>")});
    struct request *second = read_message(&(struct message){.id = ID_2});
    assert_memory_not_equal(first->message.digest, other->message.digest, 32);
    assert_memory_equal(first->message.digest, second->message.digest, 32);
    assert_string_equal(second->message.message_id, ID_2);
    end(first);
    end(other);
    end(second);
}

/* Q2: what was hashed is what is bound: blank text is in neither. */
static void Q2_blank_text_is_nothing(void **state)
{
    (void)state;
    struct request *blank = read_message(&(struct message){
        .content = CANCEL("<q:bookId>52f7e417-23dd-4f3c-999a-1cf196e81220</q:bookId><q:esiaId> \n </q:esiaId>")});
    struct request *empty = read_message(&(struct message){
        .content = CANCEL("<q:bookId>52f7e417-23dd-4f3c-999a-1cf196e81220</q:bookId><q:esiaId></q:esiaId>")});
    assert_memory_equal(blank->message.digest, empty->message.digest, 32);
    assert_null(blank->request.esia_id);
    assert_null(empty->request.esia_id);
    assert_int_equal(blank->fields.n, empty->fields.n);
    end(blank);
    end(empty);
}

/* C4: the Id of an official's signature is none of our schema's, and no mistake. */
static void C4_an_id_on_the_root_is_taken_off(void **state)
{
    (void)state;
    struct request *r = read_message(&(struct message){.content = "<q:cancelBookingRequest Id=\"P\" xmlns:q=\"" SOAP_NS
                                                                  "\">" BOTH "</q:cancelBookingRequest>"});
    assert_int_equal(r->failed, ERR_OK);
    assert_int_equal(r->fields.n, 0);
    assert_int_equal(r->request.method, BOOKING_CANCEL_BOOKING);
    end(r);
    /* below the root it is no such thing */
    r = read_message(&(struct message){.content = CANCEL("<q:bookId Id=\"P\">1</q:bookId><q:esiaId>1</q:esiaId>")});
    assert_true(field_errors_name(&r->fields, "bookId"));
    end(r);
}

/* ---- what is answered ---- */

/* Makes the answer, if there is to be one, and verifies it; what it holds behind To. NULL: silence. */
static struct xml_node *answer_of(struct request *r)
{
    struct xml_doc *doc;
    struct error e = {0};
    if (request_is_silent(r))
        return NULL;
    if (r->failed == ERR_OK)
        r->reply.status_code = "106", r->reply.status_message = "Отменено";
    assert_int_equal(step_reply(r), STEP_NEXT);
    if (step_sign(r) != STEP_NEXT)
        fail_msg("%s", r->error.detail);
    assert_int_equal(xml_parse(kit.arena, r->answer_octets, &doc, &e), ERR_OK);
    const char *types = smev3_namespaces(SMEV3_1_2)->types; /* the queue's version, whatever the message says */
    struct xml_node *body = xml_first(xml_root(doc), NS_SOAP, "Body");
    struct xml_node *call = xml_first(body, types, "SendResponseRequest");
    struct xml_node *data = xml_first(call, types, "SenderProvidedResponseData");
    struct smev3_policy policy = {.trust = kit.trust, .now_s = kit.now_s};
    struct smev3_signature signature;
    if (smev3_verify(kit.arena, data, xml_next(data, NULL, NULL), &policy, &signature, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    struct xml_node *id = xml_first(data, types, "MessageID"), *to = xml_next(id, NULL, NULL);
    const char *uuid = xml_text(kit.arena, id);
    assert_string_equal(uuid, r->queued->answer_id);
    assert_true(uuid_is_valid(uuid) && uuid[14] == '1');
    assert_true(xml_is(to, types, "To"));
    assert_string_equal(xml_text(kit.arena, to), TO);
    return xml_next(to, NULL, NULL);
}

static void Q1_a_method_answers_for_itself(void **state)
{
    (void)state;
    struct request *r = read_message(&(struct message){0});
    struct xml_node *content = answer_of(r);
    assert_string_equal(xml_local(content), "MessagePrimaryContent");
    assert_true(xml_is(xml_first(content, NULL, NULL), SOAP_NS, "cancelBookingResponse"));
    assert_int_equal(xml_count(content, NULL, NULL), 1);
    char id[UUID_TEXT_SIZE];
    memcpy(id, r->queued->answer_id, sizeof id);
    assert_int_equal(step_sign(r), STEP_NEXT); /* another try: the same id */
    assert_string_equal(r->queued->answer_id, id);
    struct span first = {arena_copy(kit.arena, r->answer_octets.p, r->answer_octets.n), r->answer_octets.n};
    end(r);
    r = read_message(&(struct message){0}); /* and once more, when it has been answered */
    r->outcome = (struct booking_outcome){.kind = OUTCOME_REPLAY, .stored = first};
    assert_int_equal(step_reply(r), STEP_NEXT);
    assert_int_equal(step_sign(r), STEP_NEXT);
    assert_true(span_equals(r->answer_octets, first));
    assert_string_equal(r->queued->answer_id, id);
    end(r);
}

/* M10: where a method was meant, its own answer tells what is wrong. */
static void M10_bad_fields_are_told_by_the_method(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "<q:getSlotsRequest xmlns:q=\"" SOAP_NS "\"></q:getSlotsRequest>",
        "<q:getBookingStatusRequest xmlns:q=\"" SOAP_NS "\"><q:bookId>?</q:bookId><q:x/></q:getBookingStatusRequest>",
    };
    for (size_t i = 0; i < COUNT(contents); i++) {
        struct request *r = read_message(&(struct message){.content = contents[i]});
        assert_true(r->fields.n > 0);
        r->failed = ERR_INPUT;
        struct xml_node *content = answer_of(r);
        assert_string_equal(xml_local(content), "MessagePrimaryContent");
        assert_int_equal(r->reply.error_code, 2);
        end(r);
    }
}

/* Structured content over SMEV 3 is 5 MB at most (recommendations 3.3): the earliest intervals, a smaller page. */
static void L2_no_answer_is_more_than_the_wire_carries(void **state)
{
    (void)state;
    const unsigned many = 3000;
    const size_t most = 200000;
    struct time_slot *slots = arena_array(kit.arena, many, sizeof *slots);
    struct ref_item *items = arena_array(kit.arena, many, sizeof *items);
    struct attribute name = {"name", "Отдел по работе с гражданами, где принимают всех"};
    for (unsigned i = 0; i < many; i++) {
        slots[i] = (struct time_slot){.slot_id = arena_printf(kit.arena, "slot-%05u", i),
                                      .organization_id = arena_printf(kit.arena, "%0*u", (int)(1 + i / 20), i)};
        items[i] = (struct ref_item){.attributes = {&name, 1}};
    }
    source.answer_max_bytes = most;
    struct request *r = read_message(&(struct message){.content = "<q:getSlotsRequest xmlns:q=\"" SOAP_NS "\"/>"});
    r->failed = ERR_OK;
    r->reply = (struct booking_reply){.method = BOOKING_GET_SLOTS, .slots = slots, .nslots = many};
    assert_int_equal(step_reply(r), STEP_NEXT);
    assert_in_range(r->content.n, most / 2, most);
    assert_non_null(strstr(r->content.p, "slot-00000"));
    char last[24];
    snprintf(last, sizeof last, "slot-%05u", r->reply.nslots - 1);
    assert_non_null(strstr(r->content.p, last));
    snprintf(last, sizeof last, "slot-%05u", r->reply.nslots);
    assert_null(strstr(r->content.p, last));
    r->reply = (struct booking_reply){.method = BOOKING_GET_REF_ITEMS_LIST, .items = items, .nitems = many};
    assert_int_equal(step_reply(r), STEP_NEXT);
    assert_in_range(r->content.n, 1, most);
    assert_int_equal(r->reply.error_code, 2);
    assert_true(field_errors_name(&r->reply.fields, "pageSize"));
    source.answer_max_bytes = 0; /* HTTP */
    r->reply = (struct booking_reply){.method = BOOKING_GET_SLOTS, .slots = slots, .nslots = many};
    assert_int_equal(step_reply(r), STEP_NEXT);
    assert_non_null(strstr(r->content.p, "slot-02999"));
    end(r);
    source_of_queue(&source, &queue);
    assert_int_equal(source.answer_max_bytes, 5000000);
}

#define PAST "<r:EOL>2026-11-01T10:00:00+03:00</r:EOL>"

/* Q4: where a method of the order was meant, it says itself what is wrong around it; nothing is done, and the database
 * is not asked, not even by a method that remembers what is wrong. */
static void Q4_a_method_tells_of_what_is_around_it(void **state)
{
    (void)state;
    static const char book[] = "<q:bookRequest xmlns:q=\"" SOAP_NS "\">" BOTH "</q:bookRequest>";
    const struct {
        struct message message;
        bool has_include;
        const char *method, *field;
    } all[] = {
        {{.data = PAST}, false, "cancelBookingResponse", "EOL"},
        {{.content = book, .data = PAST}, false, "bookResponse", "EOL"},
        {{.content = "<q:getRefsListRequest xmlns:q=\"" SOAP_NS "\"/>", .data = PAST},
         false,
         "getRefsListResponse",
         "EOL"},
        {{.content = CANCEL(BOTH) CANCEL(BOTH)}, false, "cancelBookingResponse", "MessagePrimaryContent"},
        {{.content = CANCEL(BOTH) "<q:x xmlns:q=\"urn:x\"/>"}, false, "cancelBookingResponse", "MessagePrimaryContent"},
        {{.content = CANCEL(BOTH) "words"}, false, "cancelBookingResponse", "MessagePrimaryContent"},
        {{.content = CANCEL(BOTH)}, true, "cancelBookingResponse", "MessagePrimaryContent"},
        {{.content = book}, true, "bookResponse", "MessagePrimaryContent"},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        are_includes = all[i].has_include;
        struct request *r = read_message(&all[i].message);
        are_includes = false;
        if (r->failed != ERR_INPUT)
            fail_msg("%zu: %s", i, error_name(r->failed));
        struct xml_node *answer = answer_of(r);
        assert_string_equal(xml_local(answer), "MessagePrimaryContent");
        assert_string_equal(xml_local(xml_first(answer, NULL, NULL)), all[i].method);
        assert_int_equal(r->reply.error_code, 2);
        assert_true(field_errors_name(&r->reply.fields, all[i].field));
        assert_string_equal(r->reply.fields.items[0].field, all[i].field);
        if (strcmp(all[i].method, "getRefsListResponse") != 0)
            assert_non_null(r->reply.book_id);
        end(r);
    }
}

static void Q1_poison_is_rejected(void **state)
{
    (void)state;
    struct buf deep;
    buf_init(&deep, kit.arena, 4096);
    for (unsigned i = 0; i < 65; i++)
        buf_add_str(&deep, "<q:a>");
    for (unsigned i = 0; i < 65; i++)
        buf_add_str(&deep, "</q:a>");
    buf_add_char(&deep, '\0');
    const struct {
        struct message message;
        const char *code;
    } all[] = {
        {{.content = "<q:dropBookingRequest xmlns:q=\"" SOAP_NS "\"/>"}, "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = "<q:cancelBooking xmlns:q=\"" SOAP_NS "\"/>"}, "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = "<q:cancelBookingResponse xmlns:q=\"" SOAP_NS "\"/>"}, "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = "<q:cancelBookingRequest xmlns:q=\"urn:another\">" BOTH "</q:cancelBookingRequest>"},
         "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = "<q:CancelBookingRequest xmlns:q=\"" SOAP_NS "\">" BOTH "</q:CancelBookingRequest>"},
         "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = "<q:updateBookingDetailsRequest xmlns:q=\"" SOAP_NS "\"/>"}, "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = "<q:x xmlns:q=\"urn:x\"/>" CANCEL(BOTH)}, "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = "words"}, "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = " "}, "UNKNOWN_REQUEST_DESCRIPTION"},
        {{.content = arena_printf(kit.arena, CANCEL("%s"), deep.p)}, "FAILURE"},
        {{.content = "<q:dropBookingRequest xmlns:q=\"" SOAP_NS "\"/>", .data = PAST}, "UNKNOWN_REQUEST_DESCRIPTION"},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        struct request *r = read_message(&all[i].message);
        if (r->failed == ERR_OK)
            fail_msg("%zu is taken", i);
        assert_string_equal(queue_verdict_words[error_queue(r->failed)], all[i].code);
        assert_string_equal(r->message.message_id, ID_1); /* remembered and journalled under its own name */
        struct xml_node *rejected = answer_of(r);
        assert_string_equal(xml_local(rejected), "RequestRejected");
        struct xml_node *code = xml_first(rejected, NULL, NULL), *text = xml_next(code, NULL, NULL);
        assert_string_equal(xml_text(kit.arena, code), all[i].code);
        assert_true(strlen(xml_text(kit.arena, text)) > 40 && (unsigned char)xml_text(kit.arena, text)[0] >= 0xd0);
        end(r);
    }
    struct request *r = read_message(&(struct message){.data = "<r:EOL>2126-11-01T10:00:00+03:00</r:EOL>"});
    assert_int_equal(r->failed, ERR_OK);
    end(r);
}

/* A2, Q6: what a section may say of a queue as it may of a listener. */
static void A2_switches_of_a_queue(void **state)
{
    (void)state;
    const struct message update = {.content = "<q:updateBookingDetailsRequest xmlns:q=\"" SOAP_NS "\">" BOTH
                                              "<q:status><q:statusCode>301</q:statusCode></q:status>"
                                              "</q:updateBookingDetailsRequest>"};
    source_of_queue(&source, &open_queue);
    struct request *r = read_message(&(struct message){.data = "<r:TestMessage/>"});
    assert_int_equal(error_queue(r->failed), QUEUE_ACCESS_DENIED);
    assert_string_equal(xml_local(answer_of(r)), "RequestRejected");
    end(r);
    r = read_message(&update);
    assert_int_equal(r->failed, ERR_OK);
    assert_int_equal(r->request.method, BOOKING_UPDATE_BOOKING_DETAILS);
    end(r);
    source_of_queue(&source, &queue);
    r = read_message(&update);
    assert_int_equal(error_queue(r->failed), QUEUE_UNKNOWN_REQUEST_DESCRIPTION);
    end(r);
    r = read_message(&(struct message){.data = "<r:TestMessage/>"});
    assert_int_equal(r->failed, ERR_OK);
    end(r);
}

/* L5, Q1: what is our trouble is told to nobody. */
static void L5_trouble_of_ours_is_no_answer(void **state)
{
    (void)state;
    const char *good = message_write(&(struct message){0});
    const char *const unreadable[] = {"", "<r:Request", "<r:Request xmlns:r=\"urn:x\"/>",
                                      arena_strndup(kit.arena, good, strlen(good) - 1),
                                      arena_printf(kit.arena, "<!DOCTYPE a>%s", good)};
    for (size_t i = 0; i < COUNT(unreadable); i++) {
        struct request *r = read_octets(unreadable[i]);
        assert_int_equal(r->failed, ERR_INTERNAL);
        assert_null(answer_of(r));
        end(r);
    }
    agency.key = NULL;
    struct request *r = read_octets(good);
    assert_int_equal(r->failed, ERR_AGENCY);
    assert_null(answer_of(r));
    end(r);
    agency.key = kit.signer.key;
    keys.nagencies = 0;
    r = read_octets(good);
    assert_int_equal(r->failed, ERR_AGENCY);
    assert_null(answer_of(r));
    end(r);
    keys.nagencies = 1;
    r = read_octets(good);
    r->failed = ERR_REUSED;
    assert_null(answer_of(r));
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Q1_identity_is_of_the_business_element_alone),
        cmocka_unit_test(Q2_blank_text_is_nothing),
        cmocka_unit_test(C4_an_id_on_the_root_is_taken_off),
        cmocka_unit_test(Q1_a_method_answers_for_itself),
        cmocka_unit_test(M10_bad_fields_are_told_by_the_method),
        cmocka_unit_test(L2_no_answer_is_more_than_the_wire_carries),
        cmocka_unit_test(Q1_poison_is_rejected),
        cmocka_unit_test(Q4_a_method_tells_of_what_is_around_it),
        cmocka_unit_test(A2_switches_of_a_queue),
        cmocka_unit_test(L5_trouble_of_ours_is_no_answer),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
