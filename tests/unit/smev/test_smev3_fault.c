/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q3: what a fault of SMEV 3 means for a message of ours. The rows are those of the schemas' words (faults 1.1 to 1.3)
 * and of the recommendations, written down here once more; the shapes are those of real answers.
 */
#include "smev.h"
#include "smev3.h"
#include "smev3words.h"

#include <stdio.h>
#include <string.h>

static void read_fault(enum smev3_op op, const char *text, struct smev3_reply *reply)
{
    struct error e = {0};
    if (smev3_reply_read(arena, op, 500, "text/xml; charset=utf-8", span_of(text), reply, &e) != ERR_OK)
        fail_msg("%s in %s", e.detail, text);
    assert_int_equal(reply->kind, SMEV3_FAULT);
    assert_null(reply->element);
    assert_null(reply->place);
}

static const char *fault_of(const char *version, const char *name, const char *inside)
{
    return arena_printf(
        arena,
        "<soap:Envelope xmlns:soap=\"" NS_SOAP "\"><soap:Body><soap:Fault><faultcode>soap:Server</faultcode>"
        "<faultstring>Сообщение</faultstring><detail><f:%s xmlns:f=\"" TYPES "faults/%s\" xmlns=\"" TYPES
        "basic/%s\">%s</f:%s></detail></soap:Fault></soap:Body></soap:Envelope>",
        name, version, version, inside, name);
}

#define ALL  SMEV3_SEND_REQUEST, SMEV3_SEND_RESPONSE, SMEV3_GET_REQUEST, SMEV3_GET_RESPONSE, SMEV3_GET_STATUS, SMEV3_ACK
#define GET  SMEV3_GET_REQUEST, SMEV3_GET_RESPONSE, SMEV3_GET_STATUS
#define SEND SMEV3_SEND_REQUEST, SMEV3_SEND_RESPONSE
#define NONE (-1)

static const struct {
    const char *name;
    enum smev3_reaction reaction;
    int ops[7];
} rows[] = {
    {"SignatureVerificationFault", SMEV3_STOP, {ALL, NONE}},
    {"InvalidContent", SMEV3_PARK, {ALL, NONE}},
    {"SenderIsNotRegistered", SMEV3_STOP, {ALL, NONE}},
    {"SMEVFailure", SMEV3_AGAIN, {ALL, NONE}},
    {"UnknownMessageType", SMEV3_CONFIGURE, {GET, NONE}},
    {"AccessDenied", SMEV3_SLOWER, {GET, NONE}},
    {"TargetMessageIsNotFound", SMEV3_DONE, {SMEV3_ACK, NONE}},
    {"BusinessDataTypeIsNotSupported", SMEV3_PARK, {SEND, NONE}},
    {"AttachmentContentMiscoordination", SMEV3_PARK, {SEND, NONE}},
    {"AttachmentSizeLimitExceeded", SMEV3_PARK, {SEND, NONE}},
    {"QuoteLimitExceeded", SMEV3_AGAIN, {SEND, NONE}},
    {"RecipientIsNotFound", SMEV3_PARK, {SEND, NONE}},
    {"DestinationOverflow", SMEV3_AGAIN, {SEND, NONE}},
    {"MessageIsAlreadySent", SMEV3_DONE, {SEND, NONE}},
    {"InvalidMessageIdFormat", SMEV3_NEW_ID, {SEND, NONE}},
    {"StaleMessageId", SMEV3_NEW_ID, {SEND, NONE}},
    {"AccessDenied", SMEV3_PARK, {SMEV3_SEND_REQUEST, NONE}},
    {"PersonalAccessDenied", SMEV3_PARK, {SMEV3_SEND_REQUEST, NONE}},
    {"TransactionCodeInvalid", SMEV3_PARK, {SMEV3_SEND_REQUEST, NONE}},
    {"EndOfLifeReached", SMEV3_PARK, {SMEV3_SEND_REQUEST, NONE}},
    {"IncorrectResponseContentType", SMEV3_PARK, {SMEV3_SEND_RESPONSE, NONE}},
};

/* The reaction some row has for this; AGAIN when none has. */
static enum smev3_reaction due(const char *name, int op)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        for (const int *at = rows[i].ops; *at != NONE; at++)
            if (*at == op && strcmp(rows[i].name, name) == 0)
                return rows[i].reaction;
    return SMEV3_AGAIN;
}

static void Q3_each_fault_of_each_operation(void **state)
{
    (void)state;
    static const int ops[] = {ALL};
    static const char *const versions[] = {"1.1", "1.2", "1.3"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(ops) * COUNT(versions); j++) {
            struct smev3_reply reply;
            int op = ops[j / COUNT(versions)];
            read_fault((enum smev3_op)op, fault_of(versions[j % COUNT(versions)], rows[i].name, ""), &reply);
            assert_string_equal(reply.fault.name, rows[i].name);
            if (reply.fault.reaction != due(rows[i].name, op))
                fail_msg("%s of %s: %d", rows[i].name, smev3_op_name((enum smev3_op)op), (int)reply.fault.reaction);
            bool is_foreseen = false; /* some row has it for this operation */
            for (size_t k = 0; k < COUNT(rows); k++)
                for (const int *at = rows[k].ops; *at != NONE; at++)
                    is_foreseen |= *at == op && strcmp(rows[k].name, rows[i].name) == 0;
            assert_int_equal(reply.fault.is_foreseen, is_foreseen);
            assert_true(reply.fault.is_smevs);
            assert_null(reply.fault.code);
            assert_null(reply.fault.description);
            assert_null(reply.fault.inner);
            assert_int_equal(reply.fault.number, 0);
            assert_string_equal(reply.fault.figures, "");
        }
    }
}

static void Q3_what_is_no_fault_of_the_table_is_tried_again(void **state)
{
    (void)state;
    static const char *const details[] = {
        "",
        "<detail/>",
        "<detail>AccessDenied</detail>",
        "<detail><AccessDenied/></detail>",
        "<detail><AccessDenied xmlns=\"urn:x\"/></detail>",
        "<detail><AccessDenied xmlns=\"" TYPES "1.2\"/></detail>",
        "<detail><AccessDenied xmlns=\"" TYPES "faults/1.4\"/></detail>",
        "<detail><AccessDenied xmlns=\"" TYPES "faults/1.20\"/></detail>",
        "<detail><accessDenied xmlns=\"" TYPES "faults/1.2\"/></detail>",
        "<detail><AccessDenie xmlns=\"" TYPES "faults/1.2\"/></detail>",
        "<detail><AccessDeniedX xmlns=\"" TYPES "faults/1.2\"/></detail>",
        "<detail><RequestIsNotFound xmlns=\"" TYPES "faults/1.2\"/></detail>",
        "<detail><x xmlns=\"" TYPES "faults/1.2\"><AccessDenied/></x></detail>",
        "<AccessDenied xmlns=\"" TYPES "faults/1.2\"/>",
        "<detail><stackTrace xmlns=\"urn:x\">at ru.smev</stackTrace></detail>",
    };
    for (size_t i = 0; i < COUNT(details); i++) {
        struct smev3_reply reply;
        const char *text = arena_printf(arena,
                                        "<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body><S:Fault><faultcode>S:Client"
                                        "</faultcode><faultstring>x</faultstring>%s</S:Fault></S:Body></S:Envelope>",
                                        details[i]);
        read_fault(SMEV3_GET_REQUEST, text, &reply);
        assert_int_equal(reply.fault.reaction, SMEV3_AGAIN);
        assert_false(reply.fault.is_foreseen);
        assert_null(reply.fault.name);
        bool is_smevs = strstr(details[i], "<detail>") != NULL && strstr(details[i], "faults/1.2\"") != NULL;
        assert_int_equal(reply.fault.is_smevs, is_smevs); /* else it is a gateway's, to all appearances */
    }
}

static void Q3_faults_as_they_come(void **state)
{
    (void)state;
    struct smev3_reply r;
    read_fault(SMEV3_ACK, /* three versions at once, another faultcode, an empty detail element, no Header */
               "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"" NS_SOAP "\"><SOAP-ENV:Body><SOAP-ENV:Fault>"
               "<faultcode>SOAP-ENV:Client</faultcode><faultstring xml:lang=\"ru\"> Не найдено </faultstring><detail>"
               "<ns6:TargetMessageIsNotFound xmlns=\"" TYPES "basic/1.1\" xmlns:ns2=\"" TYPES "1.2\" xmlns:ns6=\"" TYPES
               "faults/1.3\" xmlns:ns7=\"" TYPES
               "faults/1.1\"/></detail></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>",
               &r);
    assert_int_equal(r.fault.reaction, SMEV3_DONE);
    assert_string_equal(r.fault.name, "TargetMessageIsNotFound");
    assert_string_equal(r.fault.faultcode, "SOAP-ENV:Client");
    assert_string_equal(r.fault.faultstring, "Не найдено");

    read_fault(SMEV3_GET_REQUEST,
               fault_of("1.2", "SignatureVerificationFault",
                        "<Code>tsmev3:AREA:CORE2 : TR:SYNC:SPS:4</Code><Description>SMEV-100:Срок истёк</Description>"
                        "<f:SignatureVerificationFault>CertificateIsExpired</f:SignatureVerificationFault>"),
               &r);
    assert_int_equal(r.fault.reaction, SMEV3_STOP);
    assert_string_equal(r.fault.inner, "CertificateIsExpired");
    assert_string_equal(r.fault.code, "tsmev3:AREA:CORE2 : TR:SYNC:SPS:4");
    assert_string_equal(r.fault.description, "SMEV-100:Срок истёк");
    assert_int_equal(r.fault.number, 100);

    read_fault(SMEV3_SEND_RESPONSE,
               fault_of("1.1", "AttachmentSizeLimitExceeded",
                        "<f:PermittedTotalAttachmentSize>5242880</f:PermittedTotalAttachmentSize>"
                        "<f:RealTotalAttachmentSize> 7000000 </f:RealTotalAttachmentSize>"),
               &r);
    assert_string_equal(r.fault.figures, "PermittedTotalAttachmentSize=5242880, RealTotalAttachmentSize=7000000");
}

/* J3: what a peer wrote is no figure and no reason unless it is one of those that are known. */
static void Q3_words_that_are_none_of_the_known_are_not_told(void **state)
{
    (void)state;
    static const char *const insides[] = {
        "<f:SignatureVerificationFault>Иванов</f:SignatureVerificationFault>",
        "<f:SignatureVerificationFault>certificateIsExpired</f:SignatureVerificationFault>",
        "<f:SignatureVerificationFault><x/></f:SignatureVerificationFault>",
        "<f:RealTotalAttachmentSize>Иванов</f:RealTotalAttachmentSize>",
        "<f:RealTotalAttachmentSize></f:RealTotalAttachmentSize>",
        "<f:RealTotalAttachmentSize>-5</f:RealTotalAttachmentSize>",
        "<f:RealTotalAttachmentSize>11111111111111111111</f:RealTotalAttachmentSize>",
        "<Description>SMEV-</Description>",
        "<Description>SMEV-1234567: x</Description>",
        "<Description>x SMEV-100: x</Description>",
        "<Description>smev-100: x</Description>",
    };
    for (size_t i = 0; i < COUNT(insides); i++) {
        struct smev3_reply r;
        read_fault(SMEV3_SEND_REQUEST, fault_of("1.3", "SignatureVerificationFault", insides[i]), &r);
        assert_null(r.fault.inner);
        assert_string_equal(r.fault.figures, "");
        assert_int_equal(r.fault.number, 0);
    }
}

int main(void)
{
    xml_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(Q3_each_fault_of_each_operation, begin, end),
        cmocka_unit_test_setup_teardown(Q3_what_is_no_fault_of_the_table_is_tried_again, begin, end),
        cmocka_unit_test_setup_teardown(Q3_faults_as_they_come, begin, end),
        cmocka_unit_test_setup_teardown(Q3_words_that_are_none_of_the_known_are_not_told, begin, end),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    xml_fini();
    return rc;
}
