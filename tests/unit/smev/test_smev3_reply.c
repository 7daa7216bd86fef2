/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q1, Q6: which element of an answer SMEV must have signed, and what is no answer. Messages follow the schemas of
 * message exchange and real ones that depart from them; when the folder with collected ones lies beside the source,
 * they are read.
 */
#include "growth.h"
#include "smev.h"
#include "smev3.h"
#include "smev3words.h"
#include "whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define XOP_NS       "xmlns:xop=\"http://www.w3.org/2004/08/xop/include\""
#define INCLUDE(cid) "<xop:Include " XOP_NS " href=\"cid:" cid "\"/>"

static const char *envelope(const char *version, const char *inside)
{
    return arena_printf(arena,
                        "<S:Envelope xmlns:S=\"" NS_SOAP "\" xmlns:t=\"" TYPES "%s\" xmlns:b=\"" TYPES
                        "basic/%s\"><S:Body>%s</S:Body></S:Envelope>",
                        version, version, inside);
}

static enum err read_as(enum smev3_op op, int status, const char *type, const char *text, struct smev3_reply *r,
                        struct error *e)
{
    memset(e, 0, sizeof *e);
    return smev3_reply_read(arena, op, status, type, span_of(text), r, e);
}

static void read_well(enum smev3_op op, const char *text, struct smev3_reply *r)
{
    struct error e;
    if (read_as(op, 200, "text/xml", text, r, &e) != ERR_OK)
        fail_msg("%s", e.detail);
}

#define METADATA "<t:MessageMetadata><t:MessageId>" ID_1 "</t:MessageId></t:MessageMetadata>"
#define REQUEST                                                                                                        \
    "<t:Request Id=\"R\"><t:SenderProvidedRequestData Id=\"S\"><t:MessageID>" ID_1 "</t:MessageID>"                    \
    "<b:MessagePrimaryContent><q:x xmlns:q=\"urn:q\"/></b:MessagePrimaryContent><t:PersonalSignature/>"                \
    "</t:SenderProvidedRequestData>" METADATA "<t:SenderInformationSystemSignature/></t:Request>"
#define RESPONSE    "<t:Response Id=\"R\"><t:SenderProvidedResponseData/>" METADATA "</t:Response>"
#define SIGNATURE   "<t:SMEVSignature/>"
#define GET(inside) "<t:GetRequestResponse><t:RequestMessage>" inside "</t:RequestMessage></t:GetRequestResponse>"

static void Q1_what_must_be_signed(void **state)
{
    (void)state;
    static const struct {
        const char *inside, *element;
        enum smev3_op op;
        enum smev3_kind kind;
    } answers[] = {
        {"<t:GetRequestResponse/>", NULL, SMEV3_GET_REQUEST, SMEV3_EMPTY},
        {"<t:GetResponseResponse></t:GetResponseResponse>", NULL, SMEV3_GET_RESPONSE, SMEV3_EMPTY},
        {"<t:GetStatusResponse> </t:GetStatusResponse>", NULL, SMEV3_GET_STATUS, SMEV3_EMPTY},
        {GET(REQUEST SIGNATURE), "Request", SMEV3_GET_REQUEST, SMEV3_REQUEST},
        {GET("<t:Cancel>" METADATA "</t:Cancel>" SIGNATURE), "Cancel", SMEV3_GET_REQUEST, SMEV3_CANCEL},
        {GET("<t:New/>" REQUEST "<t:New/>" SIGNATURE), "Request", SMEV3_GET_REQUEST, SMEV3_REQUEST},
        {"<t:GetResponseResponse><t:ResponseMessage>" RESPONSE SIGNATURE "</t:ResponseMessage></t:GetResponseResponse>",
         "Response", SMEV3_GET_RESPONSE, SMEV3_RESPONSE},
        {"<t:GetStatusResponse><t:SmevAsyncProcessingMessage><t:AsyncProcessingStatusData/>" SIGNATURE
         "</t:SmevAsyncProcessingMessage></t:GetStatusResponse>",
         "AsyncProcessingStatusData", SMEV3_GET_STATUS, SMEV3_STATUS},
        {"<t:SendRequestResponse>" METADATA SIGNATURE "</t:SendRequestResponse>", "MessageMetadata", SMEV3_SEND_REQUEST,
         SMEV3_SENT},
        {"<t:SendResponseResponse>" METADATA SIGNATURE "</t:SendResponseResponse>", "MessageMetadata",
         SMEV3_SEND_RESPONSE, SMEV3_SENT},
        {"<t:AckResponse/>", NULL, SMEV3_ACK, SMEV3_ACKED},
        {"<t:GetIncomingQueueStatisticsResponse/>", NULL, SMEV3_GET_STATISTICS, SMEV3_STATISTICS},
    };
    static const char *const versions[] = {"1.1", "1.2", "1.3"};
    for (size_t i = 0; i < COUNT(answers) * COUNT(versions); i++) {
        struct smev3_reply r;
        read_well(answers[i / 3].op, envelope(versions[i % 3], answers[i / 3].inside), &r);
        assert_int_equal(r.kind, answers[i / 3].kind);
        assert_int_equal(r.version, i % 3);
        assert_int_equal(r.element != NULL, answers[i / 3].element != NULL);
        assert_int_equal(r.place != NULL, answers[i / 3].element != NULL);
        if (r.element == NULL)
            continue;
        assert_string_equal(xml_local(r.element), answers[i / 3].element);
        assert_string_equal(xml_local(r.place), "SMEVSignature");
        assert_ptr_equal(xml_parent(r.place), xml_parent(r.element));
        assert_ptr_equal(smev3_signed(r.place), r.element);
    }
}

static void C4_signatures_within(void **state)
{
    (void)state;
    struct smev3_reply r;
    read_well(SMEV3_GET_REQUEST, envelope("1.1", GET(REQUEST SIGNATURE)), &r);
    assert_string_equal(r.claimed_id, ID_1);
    assert_true(xml_is(r.personal, "urn:q", "x"));
    assert_ptr_equal(smev3_signed(r.sender_place), r.sender);
    assert_ptr_equal(smev3_signed(r.personal_place), r.personal);
    read_well(SMEV3_GET_REQUEST,
              envelope("1.1", GET("<t:Cancel><b:MessageReference>" ID_2 "</b:MessageReference>" METADATA
                                  "<t:SenderInformationSystemSignature/></t:Cancel>" SIGNATURE)),
              &r);
    assert_string_equal(xml_local(r.sender), "MessageReference"); /* a withdrawal says no more */
    assert_ptr_equal(smev3_signed(r.sender_place), r.sender);
    assert_null(r.personal);
    read_well(SMEV3_GET_RESPONSE,
              envelope("1.2", "<t:GetResponseResponse><t:ResponseMessage>" RESPONSE
                              "</t:ResponseMessage></t:GetResponseResponse>"),
              &r);
    assert_null(r.place); /* unsigned: to be refused by who asks */
    assert_null(r.sender_place);
    assert_null(r.personal);
    assert_null(r.personal_place);
}

static void Q1_queues(void **state)
{
    (void)state;
    struct smev3_reply r;
    read_well(SMEV3_GET_STATISTICS,
              envelope("1.1",
                       "<t:GetIncomingQueueStatisticsResponse><t:QueueStatistics queueName=\"a\" "
                       "pendingMessageNumber=\"12\"/><t:QueueStatistics/></t:GetIncomingQueueStatisticsResponse>"),
              &r);
    assert_int_equal(r.nqueues, 2);
    assert_string_equal(r.queues[0].name, "a");
    assert_int_equal(r.queues[0].pending, 12);
    assert_string_equal(r.queues[1].name, "");
}

/* All of these mean: again. The words tell the operator which. */
static void Q1_what_is_no_answer(void **state)
{
    (void)state;
    static const struct {
        const char *inside, *words;
        enum err err;
    } bad[] = {
        {"", "empty Body", ERR_ENVELOPE},
        {"<t:GetRequestResponse/><t:GetRequestResponse/>", "two answers", ERR_ENVELOPE},
        {"<t:GetResponseResponse/>", "GetResponseResponse> where an answer to GetRequest", ERR_ENVELOPE},
        {"<t:GetRequestRequest/>", "where an answer to GetRequest", ERR_ENVELOPE},
        {"<t:GetRequest/>", "where an answer to GetRequest", ERR_ENVELOPE},
        {"<t:AckResponse/>", "where an answer to GetRequest", ERR_ENVELOPE},
        {"<b:GetRequestResponse/>", "namespace", ERR_ENVELOPE},
        {"<GetRequestResponse/>", "namespace", ERR_ENVELOPE},
        {"<t:GetRequestResponse xmlns:t=\"" TYPES "1.4\"/>", "namespace", ERR_ENVELOPE},
        {"<t:GetRequestResponse xmlns:t=\"" TYPES "1.10\"/>", "namespace", ERR_ENVELOPE},
        {"<t:GetRequestResponse><t:ResponseMessage/></t:GetRequestResponse>", "where RequestMessage", ERR_ENVELOPE},
        {"<t:GetRequestResponse><b:RequestMessage/></t:GetRequestResponse>", "where RequestMessage", ERR_ENVELOPE},
        {"<t:GetRequestResponse><t:Request/></t:GetRequestResponse>", "where RequestMessage", ERR_ENVELOPE},
        {"<t:GetRequestResponse><t:RequestMessage>" REQUEST "</t:RequestMessage><t:RequestMessage>" REQUEST
         "</t:RequestMessage></t:GetRequestResponse>",
         "twice", ERR_ENVELOPE},
        {GET(""), "without Request", ERR_ENVELOPE},
        {GET("<t:Response/>"), "without Request", ERR_ENVELOPE},
        {GET("<x:Request xmlns:x=\"" TYPES "1.3\"/>"), "without Request", ERR_ENVELOPE},
        {GET("<t:x>" REQUEST "</t:x>" SIGNATURE), "without Request", ERR_ENVELOPE},
        {GET(REQUEST REQUEST SIGNATURE), "twice", ERR_ENVELOPE},
        {GET(REQUEST SIGNATURE SIGNATURE), "twice", ERR_ENVELOPE},
        {GET(REQUEST "<t:Cancel/>" SIGNATURE), "withdrawal", ERR_ENVELOPE},
        {GET("<t:Cancel/><t:Cancel/>" SIGNATURE), "twice", ERR_ENVELOPE},
    };
    struct smev3_reply r;
    struct error e;
    for (size_t i = 0; i < COUNT(bad); i++) {
        enum err err = read_as(SMEV3_GET_REQUEST, 200, "text/xml", envelope("1.1", bad[i].inside), &r, &e);
        if (err != bad[i].err || strstr(e.detail, bad[i].words) == NULL)
            fail_msg("%zu: %s (%s)", i, error_name(err), e.detail);
        assert_null(r.element);
        assert_null(r.place);
    }
}

static void Q1_what_is_not_even_SOAP(void **state)
{
    (void)state;
    static const struct {
        const char *type, *text, *words;
        int status;
        enum err err;
    } bad[] = {
        {"text/xml", "", "HTTP 200 to GetRequest: an empty body", 200, ERR_MALFORMED},
        {"text/xml", "", "HTTP 502 to GetRequest: an empty body", 502, ERR_MALFORMED},
        {NULL, "", "HTTP 202 to GetRequest: an empty body", 202, ERR_MALFORMED},
        {"text/html", "<html></html>", "HTTP 503 to GetRequest: an HTML page", 503, ERR_MALFORMED},
        {"text/xml", "<html></html>", "<html> and no SOAP", 200, ERR_ENVELOPE},
        {"text/xml", "<!DOCTYPE html><html></html>", "DOCTYPE", 200, ERR_DOCTYPE},
        {"text/xml", "<Envelope/>", "SOAP 1.1", 200, ERR_VERSION},
        {"text/xml", "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"/>", "SOAP 1.1", 200, ERR_VERSION},
        {"text/xml", "<Envelope xmlns=\"" NS_SOAP "\"/>", "without a Body", 200, ERR_ENVELOPE},
        {"text/xml", "<Envelope xmlns=\"" NS_SOAP "\"><Header/></Envelope>", "without a Body", 200, ERR_ENVELOPE},
        {"text/xml", "<Envelope xmlns=\"" NS_SOAP "\"><Body/><Body/></Envelope>", "more than", 200, ERR_ENVELOPE},
        {"text/xml", "<Envelope xmlns=\"" NS_SOAP "\"><Header/><Header/><Body/></Envelope>", "more than", 200,
         ERR_ENVELOPE},
        {"text/xml", "<Envelope xmlns=\"" NS_SOAP "\"><Body/><Header/></Envelope>", "more than", 200, ERR_ENVELOPE},
        {"text/xml", "<Envelope xmlns=\"" NS_SOAP "\"><x/><Body/></Envelope>", "without a Body", 200, ERR_ENVELOPE},
        {"text/xml", "<Envelope xmlns=\"" NS_SOAP "\"><Body><x xmlns=\"urn:x\"/></Body></Envelope>", "error status",
         500, ERR_ENVELOPE},
        {"text/xml", "<a><b></a>", "HTTP 200", 200, ERR_MALFORMED},
        {"text/xml", "{\"error\": 1}", "HTTP 500", 500, ERR_MALFORMED},
        {"text/xml", "\xFF\xFE<\0", "HTTP 200", 200, ERR_ENCODING},
        {"multipart/related; boundary=b", "--b\r\n\r\n<a/>", "cut off", 200, ERR_MALFORMED},
    };
    struct smev3_reply r;
    struct error e;
    for (size_t i = 0; i < COUNT(bad); i++) {
        enum err err = read_as(SMEV3_GET_REQUEST, bad[i].status, bad[i].type, bad[i].text, &r, &e);
        if (err != bad[i].err || strstr(e.detail, bad[i].words) == NULL)
            fail_msg("%zu: %s (%s)", i, error_name(err), e.detail);
        assert_null(r.claimed_id);
    }
    static const int statuses[] = {201, 204, 301, 302,
                                   400, 404, 500, 503}; /* a good answer under another status is none */
    for (size_t i = 0; i < COUNT(statuses); i++) {
        assert_int_equal(read_as(SMEV3_ACK, statuses[i], "text/xml", envelope("1.1", "<t:AckResponse/>"), &r, &e),
                         ERR_ENVELOPE);
        assert_int_equal(r.kind, 0);
    }
}

/* ---- octets that no reader takes ---- */

#define DATA(inside) "<t:SenderProvidedRequestData>" inside "</t:SenderProvidedRequestData>"
#define SAYS(inside) "<t:MessageMetadata>" inside "</t:MessageMetadata>"
#define KIBIBYTE                                                                                                       \
    TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64    \
        TEXT_64 TEXT_64
#define TEXT_64         "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-0123456789"
#define MORE_THAN_8_KIB KIBIBYTE KIBIBYTE KIBIBYTE KIBIBYTE KIBIBYTE KIBIBYTE KIBIBYTE KIBIBYTE

static bool is_same(const char *x, const char *y)
{
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* Of exactly these octets, so that a checker of memory sees who reads beyond them. */
static bool scan(const char *octets, size_t n, const char **id)
{
    char *own = malloc(n > 0 ? n : 1);
    assert_non_null(own);
    memcpy(own, octets, n);
    struct smev3_claim claim = {"not set", "not set"};
    bool is_there = smev3_scan(arena, SMEV3_GET_REQUEST, (struct span){own, n}, &claim);
    free(own);
    assert_null(claim.original_id);
    *id = claim.id;
    return is_there;
}

/* Q1: what is beyond the limits, has a DOCTYPE or is no XML is asked about by the id that it claims: MessageMetadata's
 * MessageId is what an Ack names, then the sender's MessageID. */
static void Q1_an_id_that_octets_claim(void **state)
{
    (void)state;
    static const char *const good[] = {
        "<!DOCTYPE x [<!ENTITY e \"e\">]>" DATA("<t:MessageID>" ID_1 "</t:MessageID>"),
        DATA("<t:MessageID>" ID_2 "</t:MessageID>") SAYS("<t:MessageId>" ID_1 "</t:MessageId>"),
        SAYS("<t:MessageId>" ID_1 "</t:MessageId>") "<t:cut off",
        SAYS("<t:MessageType>REQUEST</t:MessageType><t:MessageId>" ID_1 "</t:MessageId>"),
        "<MessageMetadata Id=\"x\"><MessageId Id=\"y\">\r\n " ID_1 "\t</MessageId>",
        "<ns-2.x:MessageMetadata\n><other:MessageId >0E8CFC01-5E81-11E4-A9FF-D4C9EFF07B77<",
        SAYS("<t:MessageId>" ID_2 "</t:MessageId>") SAYS("<t:MessageId>" ID_1 "</t:MessageId>"), /* the outer is last */
        SAYS("<t:MessageId>none</t:MessageId>") DATA("<t:MessageID>" ID_1 "</t:MessageID>"),
        DATA("<t:MessageID>" ID_1 "</t:MessageID>" MORE_THAN_8_KIB),
    };
    const char *id;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!scan(good[i], strlen(good[i]), &id) || id == NULL || strcmp(id, ID_1) != 0)
            fail_msg("%zu: %s", i, id != NULL ? id : "none");
    struct buf deep;
    buf_init(&deep, arena, 4096);
    for (unsigned i = 0; i < 200; i++)
        buf_add_str(&deep, "<x>");
    buf_add_str(&deep, GET(REQUEST SIGNATURE));
    assert_true(scan(deep.p, deep.n, &id));
    assert_string_equal(id, ID_1);
    static const char zeros[] = "\xFF\0<t:MessageMetadata>\0<t:MessageId>" ID_1 "</";
    assert_true(scan(zeros, sizeof zeros - 1, &id));
    assert_string_equal(id, ID_1);
}

#define REPLIES(inside) "<t:SenderProvidedResponseData>" inside "</t:SenderProvidedResponseData>"
#define ANSWERS(id)     "<t:OriginalMessageId>" id "</t:OriginalMessageId>"

/* Q5: an answer claims its own id, and that of the message which it answers; an error of a notification has the latter
 * alone, and is acknowledged by it. Nothing of it is found where something else was asked for. */
static void Q5_ids_that_an_answer_claims(void **state)
{
    (void)state;
    static const struct {
        enum smev3_op op;
        const char *octets;
        bool is_there;
        const char *id, *original;
    } rows[] = {
        {SMEV3_GET_RESPONSE, ANSWERS(ID_2) REPLIES("<t:MessageID>" ID_1 "</t:MessageID>"), true, ID_1, ID_2},
        {SMEV3_GET_RESPONSE, ANSWERS(ID_2) REPLIES("") SAYS("<t:MessageId>" ID_1 "</t:MessageId>"), true, ID_1, ID_2},
        {SMEV3_GET_RESPONSE, SAYS("<t:MessageId>" ID_1 "</t:MessageId>"), true, ID_1, NULL},
        {SMEV3_GET_RESPONSE, REPLIES(ANSWERS(ID_2)), true, NULL, ID_2}, /* AsyncProcessingStatus */
        {SMEV3_GET_RESPONSE, ANSWERS(ID_2) ANSWERS(ID_1) REPLIES(""), true, NULL, ID_2},
        {SMEV3_GET_RESPONSE, ANSWERS("1") REPLIES("<t:MessageID>" ID_1 "</t:MessageID>"), true, ID_1, NULL},
        {SMEV3_GET_RESPONSE, ANSWERS(ID_2) "<t:cut", false, NULL, ID_2},
        {SMEV3_GET_RESPONSE, DATA("<t:MessageID>" ID_1 "</t:MessageID>"), false, NULL, NULL},
        {SMEV3_GET_REQUEST, ANSWERS(ID_2) DATA("<t:MessageID>" ID_1 "</t:MessageID>"), true, ID_1, NULL},
        {SMEV3_GET_STATUS, "<t:AsyncProcessingStatusData>" ANSWERS(ID_1), true, ID_1, ID_1},
        {SMEV3_GET_STATUS, "<t:AsyncProcessingStatusData><t:MessageID>" ID_1 "</t:MessageID>", true, NULL, NULL},
        {SMEV3_ACK, SAYS("<t:MessageId>" ID_1 "</t:MessageId>"), false, NULL, NULL},
        {SMEV3_SEND_REQUEST, SAYS("<t:MessageId>" ID_1 "</t:MessageId>"), false, NULL, NULL},
        {SMEV3_GET_RESPONSE, "", false, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct smev3_claim claim = {"not set", "not set"};
        bool is_there = smev3_scan(arena, rows[i].op, span_of(rows[i].octets), &claim);
        if (is_there != rows[i].is_there || !is_same(claim.id, rows[i].id) ||
            !is_same(claim.original_id, rows[i].original))
            fail_msg("%zu: %d, %s, %s", i, is_there, claim.id != NULL ? claim.id : "none",
                     claim.original_id != NULL ? claim.original_id : "none");
    }
}

static void Q1_octets_that_claim_no_id(void **state)
{
    (void)state;
    static const char *const nameless[] = {
        DATA(""),
        "<t:SenderProvidedRequestData/>",
        "<t:MessageMetadata>",
        "<t:MessageMetadata ",
        DATA("<t:MessageID/>"),
        DATA("<t:MessageID></t:MessageID>"),
        DATA("<t:MessageID> \n </t:MessageID>"),
        DATA("<t:MessageID>1</t:MessageID>"),
        DATA("<t:MessageID>0e8cfc01-5e81-11e4-a9ff-d4c9eff07b7</t:MessageID>"),
        DATA("<t:MessageID>" ID_1 "0</t:MessageID>"),
        DATA("<t:MessageID>{" ID_1 "}</t:MessageID>"),
        DATA("<t:MessageID>0e8cfc01 5e81-11e4-a9ff-d4c9eff07b77</t:MessageID>"),
        DATA("<t:MessageID>ge8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageID>"),
        DATA("<t:MessageID>" ID_1 " " ID_2 "</t:MessageID>"),
        DATA("<t:MessageID><![CDATA[" ID_1 "]]></t:MessageID>"),
        DATA("<t:MessageID><x>" ID_1 "</x></t:MessageID>"),
        DATA("<t:MessageID>&#48;e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageID>"),
        DATA("<t:MessageID>" TEXT_64 ID_1 "</t:MessageID>"),
        DATA("<t:MessageID id=\"" ID_1 "\"/>"),
        DATA("<t:messageid>" ID_1 "</t:messageid>"),
        DATA("<t:MessageId>" ID_1 "</t:MessageId>"), /* the metadata's name */
        SAYS("<t:MessageID>" ID_1 "</t:MessageID>"), /* the sender's */
        DATA("<t:MessageIDs>" ID_1 "</t:MessageIDs>"),
        DATA("<t:XMessageID>" ID_1 "</t:XMessageID>"),
        DATA("t:MessageID>" ID_1 "</t:MessageID>"),
        DATA("</t:MessageID>" ID_1 "<"),
        DATA(MORE_THAN_8_KIB "<t:MessageID>" ID_1 "</t:MessageID>"),
        SAYS(MORE_THAN_8_KIB "<t:MessageId>" ID_1 "</t:MessageId>"),
        "<t:MessageID>" ID_1 "</t:MessageID>" DATA(""),    /* before it is not within it */
        "<t:SenderProvidedRequestData><t:MessageID>" ID_1, /* perhaps cut off */
        DATA("<t:MessageID"),
        DATA("<t:MessageID "),
    };
    static const char *const nothing[] = {
        "",
        "<",
        "<html><body>502 Bad Gateway</body></html>",
        "<S:Fault><faultcode>S:Server</faultcode></S:Fault>",
        "<t:MessageID>" ID_1 "</t:MessageID><t:MessageId>" ID_1 "</t:MessageId>",
        "MessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "t:MessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "</t:MessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "</MessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "<t:MessageMetadat><t:MessageId>" ID_1 "</t:MessageId>",
        "<t:MessageMetadatas><t:MessageId>" ID_1 "</t:MessageId>",
        "<t:XMessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "<XMessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "<:MessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "<a:b:MessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "<a b:MessageMetadata=\"\"><t:MessageId>" ID_1 "</t:MessageId>",
        "<a x=\"MessageMetadata\"><t:MessageId>" ID_1 "</t:MessageId>",
        "<" TEXT_64 TEXT_64 ":MessageMetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "<t:messagemetadata><t:MessageId>" ID_1 "</t:MessageId>",
        "&lt;t:MessageMetadata&gt;&lt;t:MessageId&gt;" ID_1,
        "%3Ct:MessageMetadata%3E%3Ct:MessageId%3E" ID_1,
        "<t:MessageMetadata",
        "<t:SenderProvidedRequestData",
    };
    const char *id;
    for (size_t i = 0; i < COUNT(nameless); i++)
        if (!scan(nameless[i], strlen(nameless[i]), &id) || id != NULL)
            fail_msg("a message without an id %zu: %s", i, id != NULL ? id : "not seen");
    for (size_t i = 0; i < COUNT(nothing); i++)
        if (scan(nothing[i], strlen(nothing[i]), &id) || id != NULL)
            fail_msg("no message %zu: %s", i, id != NULL ? id : "seen");
    static const char wide[] = "<\0M\0e\0s\0s\0a\0g\0e\0M\0e\0t\0a\0d\0a\0t\0a\0>";
    assert_false(scan(wide, sizeof wide, &id));
    assert_null(id);
}

/* Wherever it is cut off, the id is the whole one or none. */
static void Q1_a_message_cut_off_anywhere(void **state)
{
    (void)state;
    const char *text = GET(REQUEST SIGNATURE), *id;
    size_t first = 0;
    for (size_t n = 0; n <= strlen(text); n++) {
        bool is_there = scan(text, n, &id);
        assert_true(is_there || id == NULL);
        assert_true(id == NULL || strcmp(id, ID_1) == 0);
        if (id != NULL && first == 0)
            first = n;
        assert_true(first == 0 || id != NULL);
    }
    assert_ptr_equal(text + first, strstr(text, ID_1) + strlen(ID_1 "<"));
}

/* Names that open nothing, and elements without an id between them. */
static double scan_cost_ms(void *arg, unsigned n)
{
    struct buf b;
    struct smev3_claim claim;
    buf_init(&b, arena, 1 << 20);
    for (unsigned i = 0; i < n; i++)
        buf_add_str(&b, i % 900 == 899 ? "<t:MessageMetadata>" : "</" TEXT_64 ":MessageMetadata>");
    double began = growth_now_ms();
    *(bool *)arg = smev3_scan(arena, SMEV3_GET_RESPONSE, buf_span(&b), &claim);
    return growth_now_ms() - began;
}

static void L2_cost_of_a_scan_grows_as_the_octets(void **state)
{
    (void)state;
    bool is_there = false;
    assert_true(growth_is_linear(scan_cost_ms, &is_there, 20000, "names of elements that open none"));
    assert_true(is_there);
}

/* ---- XOP ---- */

static const char *multipart(const char *inside)
{
    return arena_printf(arena,
                        "--b\r\nContent-Type: application/xop+xml; type=\"text/xml\"\r\n\r\n%s"
                        "\r\n--b\r\nContent-ID: <one@urn://x>\r\n\r\n\x01\x02\xFF\xFE"
                        "\r\n--b\r\nContent-ID: <two>\r\n\r\nsecond"
                        "\r\n--b\r\nContent-ID: <empty>\r\n\r\n\r\n--b--",
                        envelope("1.2", inside));
}

static enum err read_parts(const char *inside, struct smev3_reply *r, struct error *e)
{
    return read_as(SMEV3_GET_REQUEST, 200, "multipart/related; boundary=b", multipart(inside), r, e);
}

#define SIGNED(headers, content)                                                                                       \
    "<t:Request><t:SenderProvidedRequestData><t:MessageID>" ID_1 "</t:MessageID><b:MessagePrimaryContent><q:x "        \
    "xmlns:q=\"urn:q\">" content "</q:x></b:MessagePrimaryContent><b:AttachmentHeaderList>" headers                    \
    "</b:AttachmentHeaderList></t:SenderProvidedRequestData>" METADATA "</t:Request>"
#define HEADER(signature) "<b:AttachmentHeader><b:SignaturePKCS7>" signature "</b:SignaturePKCS7></b:AttachmentHeader>"
#define ATTACHED(content)                                                                                              \
    "<b:AttachmentContentList><b:AttachmentContent><b:Id>a</b:Id><b:Content>" content                                  \
    "</b:Content></b:AttachmentContent></b:AttachmentContentList>"

static void Q6_what_is_put_back_and_what_is_attached(void **state)
{
    (void)state;
    struct smev3_reply r;
    struct error e;
    assert_int_equal(read_parts(GET(SIGNED(HEADER(INCLUDE("one%40urn%3A%2F%2Fx")) HEADER(INCLUDE("empty")), "")
                                        ATTACHED(INCLUDE("two")) SIGNATURE),
                                &r, &e),
                     ERR_OK);
    struct buf octets;
    buf_init(&octets, arena, 1024);
    assert_int_equal(smev3_normal(arena, r.element, &octets, &e), ERR_OK);
    assert_non_null(strstr(octets.p, "SignaturePKCS7>AQL//g==<"));
    assert_non_null(strstr(octets.p, "SignaturePKCS7></"));
    assert_null(strstr(octets.p, "Include"));
    assert_false(r.has_include);
    assert_int_equal(r.nattachments, 1);
    assert_string_equal(r.attachments[0].id, "a");
    assert_true(span_is(r.attachments[0].octets, "second"));

    assert_int_equal(read_parts(GET(SIGNED("", INCLUDE("two")) SIGNATURE), &r, &e), ERR_OK);
    assert_true(r.has_include); /* it can be verified, acked and refused */
    assert_non_null(xml_text(arena, r.personal));

    /* one that means nothing stays as it was signed: it is refused all the same, and need not come for ever */
    assert_int_equal(read_parts(GET(SIGNED("", INCLUDE("two") INCLUDE("one%40urn%3A%2F%2Fx")) SIGNATURE), &r, &e),
                     ERR_OK);
    assert_true(r.has_include);
    assert_int_equal(read_parts(GET(SIGNED("", INCLUDE("six")) SIGNATURE), &r, &e), ERR_OK);
    assert_true(r.has_include);
    assert_non_null(r.element);

    read_well(SMEV3_GET_REQUEST, envelope("1.2", GET(SIGNED("", "") ATTACHED("AQL/\n/g==") SIGNATURE)), &r);
    assert_int_equal(r.attachments[0].octets.n, 4);
    assert_false(r.has_include);
}

static void Q6_includes_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        GET(SIGNED(HEADER(INCLUDE("three")), "") SIGNATURE),
        GET(SIGNED(HEADER(INCLUDE("one")), "") SIGNATURE),
        GET(SIGNED(HEADER("<xop:Include " XOP_NS "/>"), "") SIGNATURE),
        GET(SIGNED(HEADER("<xop:Include " XOP_NS " href=\"two\"/>"), "") SIGNATURE),
        GET(SIGNED(HEADER("<xop:Include " XOP_NS " href=\"http://two\"/>"), "") SIGNATURE),
        GET(SIGNED(HEADER("<xop:Include " XOP_NS " xop:href=\"cid:two\"/>"), "") SIGNATURE),
        GET(SIGNED(HEADER(INCLUDE("two")) HEADER(INCLUDE("two")), "") SIGNATURE),
        GET(SIGNED(HEADER(INCLUDE("two")), "") ATTACHED(INCLUDE("two")) SIGNATURE),
        GET(SIGNED(HEADER(INCLUDE("two") INCLUDE("empty")), "") SIGNATURE),
        GET(SIGNED(HEADER("QQ==" INCLUDE("two")), "") SIGNATURE),
        GET(SIGNED(HEADER(INCLUDE("two") "<b:x/>"), "") SIGNATURE),
        GET(SIGNED("", "") ATTACHED(INCLUDE("three")) SIGNATURE),
        GET(SIGNED("", "") ATTACHED("") "<t:SMEVSignature>" INCLUDE("two") "</t:SMEVSignature>"),
        GET(SIGNED("", "") ATTACHED("<b:x/>") SIGNATURE),
        GET(SIGNED("", "") ATTACHED("!") SIGNATURE),
        GET(SIGNED("", "") INCLUDE("two") SIGNATURE),
        "<t:GetRequestResponse>" INCLUDE("two") "</t:GetRequestResponse>",
    };
    struct smev3_reply r;
    struct error e;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (read_parts(bad[i], &r, &e) != ERR_ENVELOPE)
            fail_msg("%zu: %s", i, e.detail);
    assert_int_equal(read_parts(bad[0], &r, &e), ERR_ENVELOPE);
    assert_string_equal(r.claimed_id, ID_1); /* so that it need not come for ever */
    /* without MIME there is nothing to include */
    assert_int_equal(read_as(SMEV3_GET_REQUEST, 200, "text/xml",
                             envelope("1.2", GET(SIGNED(HEADER(INCLUDE("two")), "") SIGNATURE)), &r, &e),
                     ERR_ENVELOPE);
}

static void L2_bounds_of_an_answer(void **state)
{
    (void)state;
    struct smev3_reply r;
    struct error e;
    struct buf b;
    buf_init(&b, arena, (size_t)9 << 20);
    buf_add_str(&b, "--b\r\nContent-Type: application/xop+xml\r\n\r\n");
    buf_add_str(&b, envelope("1.2", GET(SIGNED(HEADER(INCLUDE("two")), "") SIGNATURE)));
    buf_add_str(&b, "\r\n--b\r\nContent-ID: <two>\r\n\r\n");
    for (size_t i = 0; i < (size_t)6500000 / 10; i++)
        buf_add(&b, "0123456789", 10);
    buf_add_str(&b, "\r\n--b--");
    assert_int_equal(read_as(SMEV3_GET_REQUEST, 200, "multipart/related; boundary=b", b.p, &r, &e), ERR_LIMIT);
    assert_string_equal(r.claimed_id, ID_1);
    buf_reset(&b);
    for (unsigned i = 0; i < 81; i++)
        buf_add_str(&b, "<t:x>");
    assert_int_equal(read_as(SMEV3_GET_REQUEST, 200, NULL, b.p, &r, &e), ERR_LIMIT);
}

/* ---- costs ---- */

/* A request with n files in parts, each with a signature that was moved to a part as well. */
static double cost_ms(void *arg, unsigned n)
{
    size_t *most = arg;
    struct arena *own = arena_new();
    struct buf b, headers, contents;
    struct error e = {0};
    struct smev3_reply r;
    buf_init(&b, arena, 1 << 20);
    buf_init(&headers, arena, 1 << 20);
    buf_init(&contents, arena, 1 << 20);
    for (unsigned i = 0; i < n; i++) {
        buf_printf(&headers,
                   "<b:AttachmentHeader><b:SignaturePKCS7><xop:Include "
                   "href=\"cid:s%u\"/></b:SignaturePKCS7></b:AttachmentHeader>",
                   i);
        buf_printf(&contents,
                   "<b:AttachmentContent><b:Id>i%u</b:Id><b:Content><xop:Include "
                   "href=\"cid:f%u\"/></b:Content></b:AttachmentContent>",
                   i, i);
    }
    buf_add_strs(&b,
                 "--b\r\nContent-Type: application/xop+xml\r\n\r\n<S:Envelope xmlns:S=\"" NS_SOAP "\" " XOP_NS
                 " xmlns:t=\"" TYPES "1.2\" xmlns:b=\"" TYPES
                 "basic/1.2\"><S:Body><t:GetRequestResponse><t:RequestMessage><t:Request>"
                 "<b:AttachmentHeaderList>",
                 headers.p, "</b:AttachmentHeaderList></t:Request><b:AttachmentContentList>", contents.p,
                 "</b:AttachmentContentList></t:RequestMessage></t:GetRequestResponse></S:Body></S:Envelope>", NULL);
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, "\r\n--b\r\nContent-ID: <s%u>\r\n\r\n%0500u\r\n--b\r\nContent-ID: <f%u>\r\n\r\n%01000u", i, i, i,
                   i);
    buf_add_str(&b, "\r\n--b--");
    double began = growth_now_ms();
    assert_int_equal(
        smev3_reply_read(own, SMEV3_GET_REQUEST, 200, "multipart/related; boundary=b", buf_span(&b), &r, &e), ERR_OK);
    double took = growth_now_ms() - began;
    assert_int_equal(r.nattachments, n);
    *most = arena_size(own) * 100 / b.n;
    arena_free(own);
    return took;
}

/* L2: 4,000 parts, half of them put back. Beside the document, which is libxml2's, memory is bounded by the body. */
static void L2_cost_grows_as_the_answer(void **state)
{
    (void)state;
    size_t share = 0;
    assert_true(growth_is_linear(cost_ms, &share, 2000, "parts that are included"));
    printf("memory beside the document: %zu %% of the body\n", share);
    assert_true(share < 200);
}

/* ---- real ones ---- */

static void Q1_real_messages(void **state)
{
    (void)state;
    static const struct {
        const char *file, *type, *element;
        enum smev3_op op;
        enum smev3_kind kind;
        enum smev3_version version;
        int status;
        enum err err;
    } real[] = {
        {"smev3-gost2012-256/v12-GetResponseResponse.xml", "text/xml", "Response", SMEV3_GET_RESPONSE, SMEV3_RESPONSE,
         SMEV3_1_2, 200, ERR_OK},
        {"smev3-gost2012-256/v12-SendRequestResponse.xml", "text/xml", "MessageMetadata", SMEV3_SEND_REQUEST,
         SMEV3_SENT, SMEV3_1_2, 200, ERR_OK},
        {"smev3-gost2012-256/v11-SendRequestResponse.xml", "text/xml", "MessageMetadata", SMEV3_SEND_REQUEST,
         SMEV3_SENT, SMEV3_1_1, 200, ERR_OK},
        {"smev3-prettyprinted/GetRequestResponsePersonalSignature.xml", "text/xml", "Request", SMEV3_GET_REQUEST,
         SMEV3_REQUEST, SMEV3_1_1, 200, ERR_OK},
        {"smev3-prettyprinted/SendResponseResponseOK.xml", "text/xml", "MessageMetadata", SMEV3_SEND_RESPONSE,
         SMEV3_SENT, SMEV3_1_1, 200, ERR_OK},
        {"smev3-prettyprinted/v12-GetResponseResponce_InvalidContent.xml", "text/xml", "Response", SMEV3_GET_RESPONSE,
         SMEV3_RESPONSE, SMEV3_1_2, 200, ERR_OK},
        {"unsigned/GetResponseResponce_EmptyQueue.xml", "text/xml", NULL, SMEV3_GET_RESPONSE, SMEV3_EMPTY, SMEV3_1_2,
         200, ERR_OK},
        {"unsigned/GetResponseResponce_MultipartEmptyQueue.http.txt",
         "multipart/related; type=\"application/xop+xml\"; boundary=f438a15e-9b5b-491f-9b47-aba4d00b8837; "
         "start=\"<root.message@cxf.apache.org>\"",
         NULL, SMEV3_GET_RESPONSE, SMEV3_EMPTY, SMEV3_1_2, 200, ERR_OK},
        {"unsigned/SoapFaultResponse.xml", "text/xml", NULL, SMEV3_ACK, SMEV3_FAULT, SMEV3_1_1, 500, ERR_OK},
        {"unsigned/SoapFaultResponse_SignatureVerificationFault.xml", "text/xml", NULL, SMEV3_ACK, SMEV3_FAULT,
         SMEV3_1_1, 500, ERR_OK},
        /* their parts are not there */
        {"smev3-xop/GetRequestResponseAttachMTOM.xml", "text/xml", NULL, SMEV3_GET_REQUEST, SMEV3_EMPTY, SMEV3_1_1, 200,
         ERR_ENVELOPE},
        {"smev3-xop/GetRequestResponseAttachFTP.xml", "text/xml", NULL, SMEV3_GET_REQUEST, SMEV3_EMPTY, SMEV3_1_1, 200,
         ERR_ENVELOPE},
        /* calls are no answers, and answers of another operation neither */
        {"smev3-gost2001/AckRequest.xml", "text/xml", NULL, SMEV3_ACK, SMEV3_EMPTY, SMEV3_1_1, 200, ERR_ENVELOPE},
        {"smev3-gost2012-256/v12-SendRequestResponse.xml", "text/xml", NULL, SMEV3_SEND_RESPONSE, SMEV3_EMPTY,
         SMEV3_1_1, 200, ERR_ENVELOPE},
    };
    struct stat st;
    if (stat(SAMPLES, &st) != 0) {
        fprintf(stderr, "skipped: no collected messages beside the source\n");
        skip();
    }
    for (size_t i = 0; i < COUNT(real); i++) {
        struct smev3_reply r;
        struct error e = {0};
        struct span text = whole_file(arena, arena_printf(arena, SAMPLES "%s", real[i].file));
        enum err err = smev3_reply_read(arena, real[i].op, real[i].status, real[i].type, text, &r, &e);
        if (err != real[i].err)
            fail_msg("%s: %s", real[i].file, e.detail);
        assert_int_equal(r.kind, real[i].kind);
        assert_int_equal(r.version, real[i].version);
        assert_int_equal(r.element != NULL, real[i].element != NULL);
        if (r.element != NULL)
            assert_string_equal(xml_local(r.element), real[i].element);
        if (r.element != NULL)
            assert_non_null(r.place);
        if (strstr(real[i].file, "SignatureVerificationFault") != NULL)
            assert_int_equal(r.fault.reaction, SMEV3_STOP);
    }
}

int main(void)
{
    xml_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(Q1_what_must_be_signed, begin, end),
        cmocka_unit_test_setup_teardown(C4_signatures_within, begin, end),
        cmocka_unit_test_setup_teardown(Q1_queues, begin, end),
        cmocka_unit_test_setup_teardown(Q1_what_is_no_answer, begin, end),
        cmocka_unit_test_setup_teardown(Q1_what_is_not_even_SOAP, begin, end),
        cmocka_unit_test_setup_teardown(Q1_an_id_that_octets_claim, begin, end),
        cmocka_unit_test_setup_teardown(Q5_ids_that_an_answer_claims, begin, end),
        cmocka_unit_test_setup_teardown(Q1_octets_that_claim_no_id, begin, end),
        cmocka_unit_test_setup_teardown(Q1_a_message_cut_off_anywhere, begin, end),
        cmocka_unit_test_setup_teardown(L2_cost_of_a_scan_grows_as_the_octets, begin, end),
        cmocka_unit_test_setup_teardown(Q6_what_is_put_back_and_what_is_attached, begin, end),
        cmocka_unit_test_setup_teardown(Q6_includes_that_are_none, begin, end),
        cmocka_unit_test_setup_teardown(L2_bounds_of_an_answer, begin, end),
        cmocka_unit_test_setup_teardown(L2_cost_grows_as_the_answer, begin, end),
        cmocka_unit_test_setup_teardown(Q1_real_messages, begin, end),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    xml_fini();
    return rc;
}
