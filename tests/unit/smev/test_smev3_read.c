/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q1, Q5, Q6: values of messages, from the octets a signature covers. What real messages lack, or have beside the
 * schema, is in here; a message that cannot be understood must still be known well enough to leave the queue.
 */
#include "crypto.h"
#include "smev.h"
#include "smev3.h"
#include "smev3words.h"
#include "whole_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What a signature over this element would cover. */
static struct span octets_of(const char *version, const char *local, const char *inside)
{
    const char *text =
        arena_printf(arena, "<t:%s xmlns:t=\"" TYPES "%s\" xmlns:b=\"" TYPES "basic/%s\" Id=\"R\">%s</t:%s>", local,
                     version, version, inside, local);
    struct buf out;
    struct error e = {0};
    struct xml_doc *doc = NULL;
    buf_init(&out, arena, 1024);
    if (xml_parse(arena, span_of(text), &doc, &e) != ERR_OK || smev3_normal(arena, xml_root(doc), &out, &e) != ERR_OK)
        fail_msg("%s: %s", text, e.detail);
    return buf_span(&out);
}

static void read_request(const char *version, const char *inside, struct smev3_request *r)
{
    struct error e = {0};
    if (smev3_read_request(arena, octets_of(version, "Request", inside), r, &e) != ERR_OK)
        fail_msg("%s", e.detail);
}

static void read_response(const char *version, const char *inside, struct smev3_response *r)
{
    struct error e = {0};
    if (smev3_read_response(arena, octets_of(version, "Response", inside), r, &e) != ERR_OK)
        fail_msg("%s", e.detail);
}

#define CONTENT "<b:MessagePrimaryContent>\n<q:x xmlns:q=\"urn:q\"><q:y> </q:y></q:x> </b:MessagePrimaryContent>"
#define DATA(inside)                                                                                                   \
    "<t:SenderProvidedRequestData Id=\"S\"><t:MessageID>" ID_1 "</t:MessageID>" inside "</"                            \
    "t:SenderProvidedRequestData>"
#define METADATA(inside) "<t:MessageMetadata>" inside "</t:MessageMetadata>"
#define MESSAGE_ID(id)   "<t:MessageId>" id "</t:MessageId>"

static void Q1_a_request_with_all_there_is(void **state)
{
    (void)state;
    struct smev3_request r;
    read_request(
        "1.3",
        DATA("<t:ReferenceMessageID>" ID_2 "</t:ReferenceMessageID><t:TransactionCode> c </t:TransactionCode>"
             "<t:NodeID>n</t:NodeID><t:EOL>2026-12-01T10:00:00.5+03:00</t:EOL>" CONTENT
             "<t:PersonalSignature/><b:AttachmentHeaderList><b:AttachmentHeader><b:contentId>a.jpg</b:contentId>"
             "<b:MimeType>image/jpeg</b:MimeType><b:SignaturePKCS7>QQ==</b:SignaturePKCS7></b:AttachmentHeader>"
             "</b:AttachmentHeaderList><b:RefAttachmentHeaderList><b:RefAttachmentHeader><b:uuid>u2</b:uuid>"
             "<b:Hash>aGFzaA==</b:Hash><b:MimeType>application/zip</b:MimeType></b:RefAttachmentHeader>"
             "<b:RefAttachmentHeader><b:uuid>u3</b:uuid><b:FileName>named.zip</b:FileName></b:RefAttachmentHeader>"
             "</b:RefAttachmentHeaderList><t:BusinessProcessMetadata><z xmlns=\"urn:z\"/>"
             "</t:BusinessProcessMetadata><t:TestMessage/>")
            METADATA(MESSAGE_ID(
                ID_1) "<t:MessageType>REQUEST</t:MessageType><t:Sender><t:Mnemonic>TEST01"
                      "</t:Mnemonic><t:HumanReadableName>Проверка</t:HumanReadableName></t:Sender>"
                      "<t:SendingTimestamp>2026-11-01T10:00:00+03:00</t:SendingTimestamp><t:Recipient><t:Mnemonic>"
                      "TEST02</t:Mnemonic></t:Recipient><t:DeliveryTimestamp>2026-11-01T10:00:01+03:00"
                      "</t:DeliveryTimestamp><t:Status>responseIsDelivered</t:Status>") "<b:FSAttachmentsList><b:"
                                                                                        "FSAttachment><b:uuid>u9</"
                                                                                        "b:uuid></"
                                                                                        "b:FSAttachment><b:"
                                                                                        "FSAttachment>"
                                                                                        "<b:uuid>u2</"
                                                                                        "b:uuid><b:UserName>user</"
                                                                                        "b:UserName><b:Password>word</"
                                                                                        "b:Password><b:FileName>/u2.zip"
                                                                                        "</b:FileName></"
                                                                                        "b:FSAttachment></"
                                                                                        "b:FSAttachmentsList><t:"
                                                                                        "ReplyTo> {\"sid\":1} "
                                                                                        "</t:ReplyTo>",
        &r);
    assert_int_equal(r.version, SMEV3_1_3);
    assert_string_equal(r.message_id, ID_1);
    assert_string_equal(r.ack_id, ID_1);
    assert_string_equal(r.reference_message_id, ID_2);
    assert_string_equal(r.transaction_code, " c ");
    assert_string_equal(r.node_id, "n");
    assert_string_equal(r.eol, "2026-12-01T10:00:00.5+03:00");
    assert_int_equal(r.eol_us, INT64_C(1796108400000000));
    assert_true(r.is_test);
    assert_false(r.is_broadcast);
    assert_string_equal(r.reply_to, " {\"sid\":1} "); /* opaque: not a blank of it is ours */
    assert_string_equal(r.metadata.sender, "TEST01");
    assert_string_equal(r.metadata.sender_name, "Проверка");
    assert_string_equal(r.metadata.recipient, "TEST02");
    assert_string_equal(r.metadata.message_type, "REQUEST");
    assert_string_equal(r.metadata.status, "responseIsDelivered");
    assert_string_equal(r.metadata.sent, "2026-11-01T10:00:00+03:00");
    assert_int_equal(r.metadata.delivered_us - r.metadata.sent_us, 1000000);
    assert_int_equal(r.trouble, SMEV3_FINE);
    assert_string_equal(r.content.ns, "urn:q");
    assert_string_equal(r.content.local, "x");
    assert_true(span_is(r.content.octets, "<ns1:x xmlns:ns1=\"urn:q\"><ns1:y></ns1:y></ns1:x>"));
    assert_int_equal(r.nfiles, 3);
    assert_false(r.files[0].is_stored);
    assert_string_equal(r.files[0].id, "a.jpg");
    assert_string_equal(r.files[0].signature, "QQ==");
    assert_null(r.files[0].user);
    assert_true(r.files[1].is_stored);
    assert_string_equal(r.files[1].hash, "aGFzaA==");
    assert_string_equal(r.files[1].user, "user");
    assert_string_equal(r.files[1].password, "word");
    assert_string_equal(r.files[1].file_name, "/u2.zip");
    assert_string_equal(r.files[2].file_name, "named.zip");
    assert_null(r.files[2].password);
}

/* One message, delivered twice and through two versions: its business element is the same octets (identity is theirs).
 */
static void Q3_a_redelivery_is_the_same_content(void **state)
{
    (void)state;
    struct smev3_request one, two;
    read_request("1.1",
                 DATA("<b:MessagePrimaryContent><a:x xmlns:a=\"urn:q\" xmlns:n=\"urn:unused\"><a:y></a:y></a:x>"
                      "</b:MessagePrimaryContent>")
                     METADATA(MESSAGE_ID(ID_1) "<t:DeliveryTimestamp>2026-11-01T10:00:01+03:00</t:DeliveryTimestamp>"),
                 &one);
    read_request("1.3", DATA(CONTENT) METADATA(MESSAGE_ID(ID_1)), &two);
    assert_true(span_equals(one.content.octets, two.content.octets));
}

static void Q1_what_a_request_may_lack(void **state)
{
    (void)state;
    struct smev3_request r;
    read_request("1.2", DATA("<t:NodeID/><t:EOL>soon</t:EOL>" CONTENT), &r);
    assert_string_equal(r.message_id, ID_1);
    assert_string_equal(r.ack_id, ID_1);
    assert_null(r.node_id);
    assert_null(r.eol);
    assert_int_equal(r.eol_us, 0);
    assert_null(r.metadata.sender);
    assert_null(r.metadata.sent);
    assert_null(r.transaction_code);
    assert_null(r.reply_to);
    assert_false(
        r.is_broadcast); /* MR33: a broadcast is one that says so; this one wants an answer and hides whither */
    assert_false(r.is_test);
    assert_int_equal(r.nfiles, 0);
    read_request("1.1", DATA(CONTENT) METADATA("<t:MessageType>BROADCAST</t:MessageType>") "<t:ReplyTo>x</t:ReplyTo>",
                 &r);
    assert_true(r.is_broadcast);
    char *longer = arena_alloc(arena, 16002); /* XSD 1.1: 4,000 characters, of four octets at the most */
    memset(longer, 'x', 16001);
    const char *const useless[] = {"", "<t:ReplyTo/>", "<t:ReplyTo></t:ReplyTo>",
                                   arena_printf(arena, "<t:ReplyTo>%s</t:ReplyTo>", longer)};
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        read_request(
            "1.2",
            arena_printf(arena, DATA(CONTENT) METADATA("<t:MessageType>REQUEST</t:MessageType>") "%s", useless[i]), &r);
        assert_false(r.is_broadcast); /* Q4: it is not closed without a word */
        assert_null(r.reply_to);
    }
    read_request("1.2", METADATA(MESSAGE_ID("0E8CFC01-5E81-11E4-A9FF-D4C9EFF07B77")), &r);
    assert_string_equal(r.message_id, ID_1);
    assert_int_equal(r.trouble, SMEV3_NO_CONTENT);
}

/* XSD 1.1: SenderProvidedRequestData/MessageID; 1.3: MessageMetadata/MessageId. */
static void Q1_what_an_ack_names(void **state)
{
    (void)state;
    static const char *const versions[] = {"1.1", "1.2", "1.3"};
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct smev3_request r;
        read_request(versions[i], DATA(CONTENT) METADATA(MESSAGE_ID(ID_2)), &r);
        assert_string_equal(r.message_id, ID_1);
        assert_string_equal(r.ack_id, i == 0 ? ID_1 : ID_2);
    }
}

static void Q4_requests_that_cannot_be_understood(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        enum smev3_trouble trouble;
    } poison[] = {
        {"", SMEV3_NO_CONTENT},
        {"<b:MessagePrimaryContent/>", SMEV3_NO_CONTENT},
        {"<b:MessagePrimaryContent>text</b:MessagePrimaryContent>", SMEV3_NO_CONTENT},
        {"<t:MessagePrimaryContent><q xmlns=\"urn:q\"/></t:MessagePrimaryContent>", SMEV3_NO_CONTENT},
        {"<x:MessagePrimaryContent xmlns:x=\"" TYPES "basic/1.3\"><q xmlns=\"urn:q\"/></x:MessagePrimaryContent>",
         SMEV3_NO_CONTENT},
        {"<b:MessagePrimaryContent><q xmlns=\"urn:q\"/><q xmlns=\"urn:q\"/></b:MessagePrimaryContent>",
         SMEV3_TWO_CONTENTS},
        {"<b:MessagePrimaryContent><q xmlns=\"urn:q\"/>text</b:MessagePrimaryContent>", SMEV3_TWO_CONTENTS},
        {CONTENT CONTENT, SMEV3_TWO_CONTENTS},
    };
    for (size_t i = 0; i < COUNT(poison); i++) {
        struct smev3_request r;
        read_request("1.1", arena_printf(arena, DATA("%s") "<t:ReplyTo>x</t:ReplyTo>", poison[i].content), &r);
        assert_int_equal(r.trouble, poison[i].trouble);
        assert_int_equal(r.content.ns == NULL, r.trouble == SMEV3_NO_CONTENT); /* what was meant is told by the first */
        assert_int_equal(r.content.octets.n == 0, r.trouble == SMEV3_NO_CONTENT);
        assert_string_equal(r.message_id, ID_1);
        assert_string_equal(r.reply_to, "x");
        assert_true(strlen(smev3_trouble_text(r.trouble)) > 20);
    }
    assert_string_equal(smev3_trouble_text(SMEV3_FINE), "");
    assert_true(strlen(smev3_trouble_text(SMEV3_INCLUDE)) > 20);
}

/* L2: of what stands around the business element nothing longer than the schemas allow is handed on. */
static void L2_values_of_a_message(void **state)
{
    (void)state;
    for (int n = 16000; n <= 16001; n++) {
        struct smev3_request r;
        const char *text = arena_printf(arena, "%0*d", n, 0);
        read_request(
            "1.2",
            arena_printf(arena,
                         DATA("<t:TransactionCode>%s</t:TransactionCode><t:NodeID>%s</t:NodeID>" CONTENT)
                             METADATA("<t:Sender><t:Mnemonic>%s</t:Mnemonic></t:Sender>") "<t:ReplyTo>%s</t:ReplyTo>",
                         text, text, text, text),
            &r);
        const char *const values[] = {r.transaction_code, r.node_id, r.metadata.sender, r.reply_to};
        for (size_t i = 0; i < COUNT(values); i++)
            assert_int_equal(values[i] != NULL, n == 16000);
    }
}

static void Q1_octets_that_are_no_message(void **state)
{
    (void)state;
    static const char *const ids[] = {"",
                                      "<t:MessageID/>",
                                      "<t:MessageID>1</t:MessageID>",
                                      "<b:MessageID>" ID_1 "</b:MessageID>",
                                      "<t:MessageID>" ID_1 "0</t:MessageID>",
                                      "<t:MessageID>{" ID_1 "}</t:MessageID>",
                                      "<t:MessageID><t:x/></t:MessageID>"};
    struct error e;
    struct smev3_request r;
    struct smev3_response p;
    struct smev3_cancel c;
    struct smev3_async s;
    struct smev3_metadata m;
    for (size_t i = 0; i < COUNT(ids); i++) {
        memset(&e, 0, sizeof e);
        const char *data = arena_printf(arena, "<t:SenderProvidedRequestData>%s</t:SenderProvidedRequestData>", ids[i]);
        assert_int_equal(smev3_read_request(arena, octets_of("1.2", "Request", data), &r, &e), ERR_ENVELOPE);
        memset(&e, 0, sizeof e);
        data = arena_printf(arena, "<t:SenderProvidedResponseData>%s</t:SenderProvidedResponseData>", ids[i]);
        assert_int_equal(smev3_read_response(arena, octets_of("1.2", "Response", data), &p, &e), ERR_ENVELOPE);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_read_cancel(arena, octets_of("1.1", "Cancel", ids[i]), &c, &e), ERR_ENVELOPE);
    }
    static const struct {
        const char *version, *local;
    } roots[] = {{"1.2", "Requests"},
                 {"1.4", "Request"},
                 {"1.2", "MessageID"},
                 {"basic/1.2", "Request"},
                 {"faults/1.2", "Response"}};
    for (size_t i = 0; i < COUNT(roots); i++) {
        struct span octets = octets_of(roots[i].version, roots[i].local, DATA(CONTENT));
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_read_request(arena, octets, &r, &e), ERR_ENVELOPE);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_read_response(arena, octets, &p, &e), ERR_ENVELOPE);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_read_cancel(arena, octets, &c, &e), ERR_ENVELOPE);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_read_status(arena, octets, &s, &e), ERR_ENVELOPE);
        memset(&e, 0, sizeof e);
        assert_int_equal(smev3_read_metadata(arena, octets, &m, &e), ERR_ENVELOPE);
    }
    static const char *const none[] = {"", " ", "text", "<a", "<!DOCTYPE a><a/>", "<a/>"};
    for (size_t i = 0; i < COUNT(none); i++) {
        memset(&e, 0, sizeof e);
        assert_int_not_equal(smev3_read_request(arena, span_of(none[i]), &r, &e), ERR_OK);
    }
    memset(&e, 0, sizeof e);
    assert_int_equal(smev3_read_status(arena, octets_of("1.2", "AsyncProcessingStatusData", "<t:x/>"), &s, &e),
                     ERR_ENVELOPE);
}

static void Q1_a_request_that_is_withdrawn(void **state)
{
    (void)state;
    struct error e = {0};
    struct smev3_cancel c;
    assert_int_equal(
        smev3_read_cancel(arena,
                          octets_of("1.1", "Cancel",
                                    "<b:MessageReference Id=\"M\">" ID_2 "</b:MessageReference><t:MessageID>" ID_1
                                    "</t:MessageID>" METADATA("<t:MessageType>CANCEL</t:MessageType>")),
                          &c, &e),
        ERR_OK);
    assert_string_equal(c.message_id, ID_1);
    assert_string_equal(c.target, ID_2);
    assert_string_equal(c.metadata.message_type, "CANCEL");
}

/* Q3: what makes two deliveries one message is what the sender has said, and nothing of what SMEV says around it. */
static void Q3_a_withdrawal_is_what_it_withdraws(void **state)
{
    (void)state;
    static const struct {
        const char *version, *reference, *around, *content;
    } rows[] = {
        {"1.1", ID_2, METADATA("<t:DeliveryTimestamp>2026-11-30T05:00:00Z</t:DeliveryTimestamp>"), ID_2},
        {"1.1", " " ID_2 "\n", METADATA("<t:DeliveryTimestamp>2026-11-30T05:15:00Z</t:DeliveryTimestamp>"), ID_2},
        {"1.2", "1E8CFC01-5E81-11E4-A9FF-D4C9EFF07B77", METADATA("<t:Status>x</t:Status>"), ID_2},
        {"1.1", ID_3, METADATA(""), ID_3},
        {"1.1", "number 1", METADATA(""), "number 1"},
        {"1.1", "", METADATA(""), ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error e = {0};
        struct smev3_cancel c;
        const char *inside = arena_printf(
            arena, "<b:MessageReference Id=\"M%zu\">%s</b:MessageReference><t:MessageID>" ID_1 "</t:MessageID>%s", i,
            rows[i].reference, rows[i].around);
        assert_int_equal(smev3_read_cancel(arena, octets_of(rows[i].version, "Cancel", inside), &c, &e), ERR_OK);
        assert_string_equal(arena_strndup(arena, c.content.p, c.content.n), rows[i].content);
    }
}

/* Q3: nobody bears the cid, and the next delivery may have another. */
static void Q3_an_include_of_nothing_is_the_same_by_any_cid(void **state)
{
    (void)state;
    static const char *const cids[] = {"href=\"cid:a@x\"", "href=\"cid:b@x\"", ""};
    const char *first = NULL;
    for (size_t i = 0; i < COUNT(cids); i++) {
        struct error e = {0};
        struct smev3_request r;
        const char *content = arena_printf(
            arena,
            "<t:SenderProvidedRequestData><t:MessageID>" ID_1 "</t:MessageID><b:MessagePrimaryContent><q:a "
            "xmlns:q=\"urn:q\" href=\"kept\"><x:Include xmlns:x=\"http://www.w3.org/2004/08/xop/include\" %s/></q:a>"
            "</b:MessagePrimaryContent></t:SenderProvidedRequestData>",
            cids[i]);
        assert_int_equal(smev3_read_request(arena, octets_of("1.2", "Request", content), &r, &e), ERR_OK);
        const char *octets = arena_strndup(arena, r.content.octets.p, r.content.octets.n);
        assert_non_null(strstr(octets, "kept"));
        if (first == NULL)
            first = octets;
        assert_string_equal(octets, first);
    }
}

/* ---- responses ---- */

#define ANSWER(inside)                                                                                                 \
    "<t:SenderProvidedResponseData><t:MessageID>" ID_1 "</t:MessageID><t:To>x</t:To>" inside                           \
    "</t:SenderProvidedResponseData>"

static void Q5_answers_of_the_portal(void **state)
{
    (void)state;
    struct smev3_response r;
    read_response("1.2",
                  "<t:OriginalMessageId>" ID_2
                  "</t:OriginalMessageId><t:OriginalTransactionCode>c</t:OriginalTransactionCode>"
                  "<t:ReferenceMessageID>" ID_3 "</t:ReferenceMessageID>" ANSWER(CONTENT) METADATA(MESSAGE_ID(ID_1)),
                  &r);
    assert_int_equal(r.kind, SMEV3_CONTENT);
    assert_string_equal(r.message_id, ID_1);
    assert_string_equal(r.original_id, ID_2);
    assert_string_equal(r.original_transaction_code, "c");
    assert_string_equal(r.reference_message_id, ID_3);
    assert_string_equal(r.to, "x");
    assert_string_equal(r.content.local, "x");
    read_response("1.1",
                  ANSWER("<t:RequestRejected><t:RejectionReasonCode>NO_DATA</t:RejectionReasonCode>"
                         "<t:RejectionReasonDescription> Нет </t:RejectionReasonDescription></t:RequestRejected>"
                         "<t:RequestRejected/>"),
                  &r);
    assert_int_equal(r.kind, SMEV3_REJECTED);
    assert_null(r.original_id);
    assert_int_equal(r.nrejections, 2);
    assert_string_equal(r.rejections[0].code, "NO_DATA");
    assert_string_equal(r.rejections[0].text, "Нет");
    assert_null(r.rejections[1].code);
    read_response(
        "1.3",
        ANSWER("<t:RequestStatus><t:StatusCode>-7</t:StatusCode><t:StatusParameter><t:Key>k</t:Key><t:Value>v"
               "</t:Value></t:StatusParameter><t:StatusDescription>В работе</t:StatusDescription></t:RequestStatus>"),
        &r);
    assert_int_equal(r.kind, SMEV3_IN_WORK);
    assert_int_equal(r.status_code, -7);
    assert_string_equal(r.status_text, "В работе");
    assert_int_equal(r.nparameters, 1);
    assert_string_equal(r.parameters[0].key, "k");
    assert_string_equal(r.parameters[0].value, "v");
}

#define XSI "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:f=\"" TYPES "faults/1.2\" xsi:type="

static void Q5_what_SMEV_says_of_a_message_of_ours(void **state)
{
    (void)state;
    static const struct {
        const char *inside, *category, *fault, *code;
        bool is_refusal;
    } says[] = {
        {"<t:StatusCategory>requestIsRejectedBySmev</t:StatusCategory><t:SmevFault " XSI
         "\"f:InvalidContent\"><b:Code>c"
         "</b:Code><b:Description>d</b:Description><f:ValidationError "
         "errorPosition=\"-1\">x</f:ValidationError></t:SmevFault>",
         "requestIsRejectedBySmev", "InvalidContent", "c", true},
        {"<t:StatusCategory>requestIsRejectedBySmev</t:StatusCategory>", "requestIsRejectedBySmev", NULL, NULL, true},
        {"<t:StatusCategory>responseIsRejectedBySmev</t:StatusCategory>", "responseIsRejectedBySmev", NULL, NULL, true},
        {"<t:StatusCategory>doesNotExist</t:StatusCategory>", "doesNotExist", NULL, NULL, true},
        {"<t:StatusCategory>requestIsQueued</t:StatusCategory>", "requestIsQueued", NULL, NULL, false},
        {"<t:StatusCategory>messageIsDelivered</t:StatusCategory>", "messageIsDelivered", NULL, NULL, false},
        {"<t:StatusCategory>somethingNew</t:StatusCategory><t:SmevFault/>", "somethingNew", NULL, NULL, true},
        {"<t:SmevFault><t:Code>of another namespace</t:Code></t:SmevFault>", NULL, NULL, NULL, true},
        {"", NULL, NULL, NULL, false},
    };
    for (size_t i = 0; i < COUNT(says); i++) {
        struct smev3_response r;
        struct smev3_async s;
        struct error e = {0};
        const char *status = arena_printf(arena,
                                          "<t:AsyncProcessingStatus><t:OriginalMessageId>" ID_2
                                          "</t:OriginalMessageId>%s</t:AsyncProcessingStatus>",
                                          says[i].inside);
        read_response("1.2", arena_printf(arena, ANSWER("%s"), status), &r);
        assert_int_equal(r.kind, SMEV3_ASYNC);
        assert_int_equal(smev3_read_status(arena, octets_of("1.2", "AsyncProcessingStatusData", status), &s, &e),
                         ERR_OK);
        const struct smev3_async *both[] = {&r.async, &s};
        assert_string_equal(r.original_id, ID_2);
        for (size_t j = 0; j < COUNT(both); j++) {
            assert_string_equal(both[j]->original_id, ID_2);
            assert_int_equal(both[j]->is_refusal, says[i].is_refusal);
            assert_true((both[j]->category != NULL) == (says[i].category != NULL));
            if (says[i].category != NULL)
                assert_string_equal(both[j]->category, says[i].category);
            assert_true((both[j]->fault != NULL) == (says[i].fault != NULL));
            if (says[i].fault != NULL)
                assert_string_equal(both[j]->fault, says[i].fault);
            assert_true((both[j]->code != NULL) == (says[i].code != NULL));
        }
    }
}

static void Q5_answers_that_are_unclear(void **state)
{
    (void)state;
    static const char *const unclear[] = {
        "",
        "<t:Other/>",
        CONTENT "<t:RequestRejected/>",
        CONTENT "<t:RequestStatus/>",
        "<t:RequestStatus/><t:RequestRejected/>",
        "<t:AsyncProcessingStatus/><t:RequestRejected/>",
        "<b:RequestRejected/>",
        "<t:MessagePrimaryContent/>",
    };
    for (size_t i = 0; i < COUNT(unclear); i++) {
        struct smev3_response r;
        read_response("1.2", arena_printf(arena, ANSWER("%s"), unclear[i]), &r);
        assert_int_equal(r.kind, SMEV3_UNCLEAR);
        assert_string_equal(r.ack_id, ID_1);
    }
    struct smev3_response r;
    read_response("1.2", ANSWER("<b:MessagePrimaryContent/>"), &r);
    assert_int_equal(r.kind, SMEV3_CONTENT);
    assert_int_equal(r.trouble, SMEV3_NO_CONTENT);
}

static void Q5_what_was_sent(void **state)
{
    (void)state;
    struct smev3_metadata m;
    struct error e = {0};
    assert_int_equal(
        smev3_read_metadata(
            arena,
            octets_of("1.2", "MessageMetadata",
                      MESSAGE_ID(ID_1) "<t:MessageType>REQUEST</t:MessageType><t:SendingTimestamp>"
                                       "yesterday</t:SendingTimestamp><t:Status>requestIsQueued</t:Status>"),
            &m, &e),
        ERR_OK);
    assert_string_equal(m.message_id, ID_1);
    assert_string_equal(m.status, "requestIsQueued");
    assert_null(m.sent);
    assert_int_equal(m.sent_us, 0);
}

/* ---- real ones ---- */

/* From an answer as it came to what its signature covers, and to its values. */
static struct span real_octets(const char *file, enum smev3_op op)
{
    struct smev3_reply reply;
    struct smev3_signature signature;
    struct error e = {0};
    struct span text = whole_file(arena, arena_printf(arena, SAMPLES "%s", file));
    struct smev3_policy policy = {.allow_gost2001 = true};
    if (smev3_reply_read(arena, op, 200, "text/xml", text, &reply, &e) != ERR_OK ||
        smev3_verify(arena, reply.element, reply.place, &policy, &signature, &e) != ERR_OK)
        fail_msg("%s: %s", file, e.detail);
    return signature.octets;
}

static void Q5_real_messages_that_verify(void **state)
{
    (void)state;
    struct stat st;
    if (stat(SAMPLES, &st) != 0) {
        fprintf(stderr, "skipped: no collected messages beside the source\n");
        skip();
    }
    struct error e = {0};
    struct smev3_response r;
    struct smev3_metadata m;
    assert_int_equal(crypto_init(&e), ERR_OK);
    struct span octets = real_octets("smev3-gost2012-256/v12-GetResponseResponse.xml", SMEV3_GET_RESPONSE);
    assert_int_equal(smev3_read_response(arena, octets, &r, &e), ERR_OK);
    assert_string_equal(r.message_id, "c0938f39-9a55-11ea-8ec7-2dd0b486eb66");
    assert_string_equal(r.original_id, "39f52a38-9a54-11ea-b23a-3316e2108089");
    assert_string_equal(r.metadata.sender, "GGER03_3T");
    assert_null(r.metadata.sender_name);
    assert_string_equal(r.metadata.status, "messageIsDelivered");
    assert_int_equal(r.metadata.delivered_us, INT64_C(1589951157000000));
    assert_int_equal(r.kind, SMEV3_CONTENT);
    assert_string_equal(r.content.ns, "urn://x-artefacts-gis-ergz-public/2.0.0");
    assert_string_equal(r.content.local, "PublicPrintOutResponse");
    octets = real_octets("smev3-gost2012-256/v11-SendRequestResponse.xml", SMEV3_SEND_REQUEST);
    assert_int_equal(smev3_read_metadata(arena, octets, &m, &e), ERR_OK);
    assert_non_null(m.message_id);
    octets = real_octets("smev3-gost2012-256/v12-SendRequestResponse.xml", SMEV3_SEND_REQUEST);
    assert_int_equal(smev3_read_metadata(arena, octets, &m, &e), ERR_OK);
    assert_string_equal(m.status, "requestIsQueued");
    crypto_fini();
}

/* These were indented after signing: what they say is read all the same, of what would have been signed. */
static void Q5_real_messages_that_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum smev3_op op;
    } files[] = {{"smev3-prettyprinted/v12-GetResponseResponce_InvalidContent.xml", SMEV3_GET_RESPONSE},
                 {"smev3-prettyprinted/GetRequestResponsePersonalSignature.xml", SMEV3_GET_REQUEST}};
    struct stat st;
    if (stat(SAMPLES, &st) != 0) {
        fprintf(stderr, "skipped: no collected messages beside the source\n");
        skip();
    }
    struct buf octets[2];
    struct error e = {0};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct smev3_reply reply;
        struct span text = whole_file(arena, arena_printf(arena, SAMPLES "%s", files[i].file));
        buf_init(&octets[i], arena, text.n);
        assert_int_equal(smev3_reply_read(arena, files[i].op, 200, "text/xml", text, &reply, &e), ERR_OK);
        assert_int_equal(smev3_normal(arena, reply.element, &octets[i], &e), ERR_OK);
    }
    struct smev3_response r;
    assert_int_equal(smev3_read_response(arena, buf_span(&octets[0]), &r, &e), ERR_OK);
    assert_int_equal(r.kind, SMEV3_ASYNC);
    assert_true(r.async.is_refusal);
    assert_string_equal(r.async.fault, "InvalidContent");
    assert_string_equal(r.async.code, "tsmev3:P:TSMEV3_ASYNC_CORE1:TR:ASYNC:PP:BSV:3");
    assert_string_equal(r.original_id, "ac9fbf27-8b8c-11eb-9086-e2bf794ac2e9");
    struct smev3_request q;
    assert_int_equal(smev3_read_request(arena, buf_span(&octets[1]), &q, &e), ERR_OK);
    assert_string_equal(q.content.ns, "urn://x-artefacts-gibdd-gov-ru/breach/root/1.0");
    assert_non_null(q.reply_to);
    assert_non_null(strstr(q.content.octets.p, "PERSONAL_SIGNATURE"));
}

int main(void)
{
    xml_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(Q1_a_request_with_all_there_is, begin, end),
        cmocka_unit_test_setup_teardown(Q3_a_redelivery_is_the_same_content, begin, end),
        cmocka_unit_test_setup_teardown(Q1_what_a_request_may_lack, begin, end),
        cmocka_unit_test_setup_teardown(Q1_what_an_ack_names, begin, end),
        cmocka_unit_test_setup_teardown(Q4_requests_that_cannot_be_understood, begin, end),
        cmocka_unit_test_setup_teardown(L2_values_of_a_message, begin, end),
        cmocka_unit_test_setup_teardown(Q1_octets_that_are_no_message, begin, end),
        cmocka_unit_test_setup_teardown(Q1_a_request_that_is_withdrawn, begin, end),
        cmocka_unit_test_setup_teardown(Q3_a_withdrawal_is_what_it_withdraws, begin, end),
        cmocka_unit_test_setup_teardown(Q3_an_include_of_nothing_is_the_same_by_any_cid, begin, end),
        cmocka_unit_test_setup_teardown(Q5_answers_of_the_portal, begin, end),
        cmocka_unit_test_setup_teardown(Q5_what_SMEV_says_of_a_message_of_ours, begin, end),
        cmocka_unit_test_setup_teardown(Q5_answers_that_are_unclear, begin, end),
        cmocka_unit_test_setup_teardown(Q5_what_was_sent, begin, end),
        cmocka_unit_test_setup_teardown(Q5_real_messages_that_verify, begin, end),
        cmocka_unit_test_setup_teardown(Q5_real_messages_that_do_not, begin, end),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    xml_fini();
    return rc;
}
