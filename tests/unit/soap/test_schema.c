/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * V1, V4, M9, A31: what the schema lets pass and what it refuses, and the form of the files of the contract that the
 * daemon's textual rewriting relies on. xmllint judges.
 */
#include "soap.h"
#include "whole_file.h"

#include "xmllint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CONTRACT      BUILD_DIR "/contract"
#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof *(array)))

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static const char *element(struct arena *a, const char *name, const char *content)
{
    return arena_printf(a, "<%s xmlns=\"" SOAP_NS "\">%s</%s>", name, content, name);
}

#define BOOK_KEYS    "<bookId>1</bookId><slotId>s</slotId><organizationId>R</organizationId>"
#define BOOK_USER    "<userType>SIMPLE</userType><userKind>PHYSIC</userKind><esiaId>1</esiaId>"
#define BOOK_END     "<preliminaryReservation>false</preliminaryReservation>"
#define DOC(content) "<userDoc><Document>" content "</Document></userDoc>"
#define SLOTS_START                                                                                                    \
    "<organizationId>R</organizationId><userType>SIMPLE</userType><userKind>PHYSIC</userKind><esiaId></esiaId>"
#define SIMPLE                                                                                                         \
    "<simple><attributeName>DATE</attributeName><condition>equals</condition><checkAllValues>true</checkAllValues></"  \
    "simple>"

static const struct {
    const char *name, *content;
    bool is_valid;
} cases[] = {
    {"bookRequest", BOOK_KEYS BOOK_USER BOOK_END, true},
    {"bookRequest", BOOK_KEYS BOOK_USER "<email>a</email><mobilePhone>b</mobilePhone>" BOOK_END, true},
    {"bookRequest", BOOK_KEYS BOOK_USER "<mobilePhone>b</mobilePhone><email>a</email>" BOOK_END, true}, /* A30 */
    {"bookRequest", BOOK_KEYS BOOK_USER "<email>a</email><email>b</email>" BOOK_END, false},
    {"bookRequest", BOOK_KEYS BOOK_USER "<serviceId></serviceId><areaId></areaId>" BOOK_END, true},
    {"bookRequest", BOOK_KEYS BOOK_USER BOOK_END "<preliminaryReservationPeriod></preliminaryReservationPeriod>", true},
    {"bookRequest", BOOK_KEYS BOOK_USER BOOK_END "<preliminaryReservationPeriod>-1</preliminaryReservationPeriod>",
     true},
    {"bookRequest", BOOK_KEYS BOOK_USER BOOK_END "<preliminaryReservationPeriod>1h</preliminaryReservationPeriod>",
     false},
    {"bookRequest", BOOK_KEYS BOOK_USER BOOK_END "<attributes/>", true},
    {"bookRequest", BOOK_KEYS BOOK_USER "<userSnils>no number at all</userSnils>" BOOK_END,
     true}, /* a rule's business */
    {"bookRequest", BOOK_KEYS BOOK_USER DOC("<docType>PASSPORT</docType><docNumber>1</docNumber>") BOOK_END, true},
    {"bookRequest",
     BOOK_KEYS BOOK_USER DOC("<docType>MIL TICKET</docType><docNumber>1</docNumber><issueDate/>") BOOK_END, true},
    {"bookRequest", BOOK_KEYS BOOK_USER DOC("<docType>VISA</docType><docNumber>1</docNumber>") BOOK_END,
     true}, /* A9: a rule's business */
    {"bookRequest", BOOK_KEYS BOOK_USER DOC("<docType></docType><docNumber>1</docNumber>") BOOK_END, false},
    {"bookRequest", BOOK_KEYS BOOK_USER DOC("<docType>PASSPORT</docType>") BOOK_END, false},
    {"bookRequest",
     BOOK_KEYS BOOK_USER DOC("<docType>PASSPORT</docType><docNumber>1</docNumber><issueDate>1.1.2020</issueDate>")
         BOOK_END,
     false},
    {"bookRequest", BOOK_KEYS BOOK_USER "<userDoc/>" BOOK_END, false},
    {"bookRequest", BOOK_USER BOOK_END, false},
    {"bookRequest", "<slotId>s</slotId><organizationId>R</organizationId>" BOOK_USER BOOK_END, false},
    {"bookRequest", "<bookId>1</bookId><organizationId>R</organizationId>" BOOK_USER BOOK_END, false},
    {"bookRequest", "<bookId>1</bookId><slotId>s</slotId>" BOOK_USER BOOK_END, false},
    {"bookRequest", BOOK_KEYS "<userKind>PHYSIC</userKind><esiaId>1</esiaId>" BOOK_END, false},
    {"bookRequest", BOOK_KEYS "<userType>SIMPLE</userType><esiaId>1</esiaId>" BOOK_END, false}, /* A31 */
    {"bookRequest", BOOK_KEYS "<userType>SIMPLE</userType><userKind>PHYSIC</userKind>" BOOK_END, false},
    {"bookRequest", BOOK_KEYS "<userType>SIMPLE</userType><userKind>PHYSIC</userKind><esiaId></esiaId>" BOOK_END,
     false}, /* A10 */
    {"bookRequest", BOOK_KEYS BOOK_USER, false},
    {"bookRequest", BOOK_KEYS BOOK_USER "<preliminaryReservation>yes</preliminaryReservation>", false},
    {"bookRequest", BOOK_KEYS "<userType>simple</userType><userKind>PHYSIC</userKind><esiaId>1</esiaId>" BOOK_END,
     false},
    {"bookRequest", BOOK_KEYS "<userType>SIMPLE</userType><userKind>ROBOT</userKind><esiaId>1</esiaId>" BOOK_END,
     false},
    {"bookRequest", BOOK_KEYS "<organizationId>R2</organizationId>" BOOK_USER BOOK_END, false},
    {"bookRequest", BOOK_KEYS BOOK_USER BOOK_END "<filter>" SIMPLE "</filter>", false},
    {"bookRequest", BOOK_KEYS BOOK_USER "<junk/>" BOOK_END, false},
    {"bookRequest", BOOK_KEYS BOOK_USER "text" BOOK_END, false},
    {"getSlotsRequest", SLOTS_START, true}, /* A10 */
    {"getSlotsRequest", "<organizationId>R2</organizationId>" SLOTS_START "<areaId></areaId>", true},
    {"getSlotsRequest", "<organizationId></organizationId>" SLOTS_START, false},
    {"getSlotsRequest", SLOTS_START "<filter>" SIMPLE "</filter>", true},
    {"getSlotsRequest",
     SLOTS_START "<filter><union><unionKind>AND</unionKind><subs>" SIMPLE "</subs><subs>" SIMPLE
                 "</subs></union></filter>",
     true},
    {"getSlotsRequest", SLOTS_START "<filter></filter>", false}, /* neither simple nor union */
    {"getSlotsRequest", SLOTS_START "<filter>" SIMPLE SIMPLE "</filter>", false},
    {"getSlotsRequest", SLOTS_START "<filter><union><unionKind>XOR</unionKind><subs>" SIMPLE "</subs></union></filter>",
     false},
    {"getSlotsRequest", SLOTS_START "<filter><union><unionKind>OR</unionKind></union></filter>", false},
    {"getSlotsRequest",
     SLOTS_START "<filter><simple><condition>like</condition><checkAllValues>true</checkAllValues></simple></filter>",
     false},
    {"getSlotsRequest",
     SLOTS_START "<filter><simple><condition>GREATER_THAN_OR_EQUALS</condition><checkAllValues>true</checkAllValues></"
                 "simple></filter>",
     true}, /* A21 */
    {"getSlotsRequest", SLOTS_START "<filter><simple><condition>equals</condition></simple></filter>", false},
    {"getSlotsRequest", SLOTS_START "<attributes><Attribute><value>1</value></Attribute></attributes>", false},
    {"getSlotsRequest", "<userType>SIMPLE</userType><userKind>PHYSIC</userKind><esiaId>1</esiaId>", false},
    {"getBookingStatusRequest", "<bookId>1</bookId><esiaId>1</esiaId>", true},
    {"getBookingStatusRequest", "<esiaId>1</esiaId><bookId>1</bookId>", false},
    {"getBookingStatusRequest", "<bookId>1</bookId>", false},
    {"cancelBookingRequest", "<bookId>1</bookId><esiaId>1</esiaId>", true},
    {"cancelBookingRequest", "<bookId></bookId><esiaId>1</esiaId>", false},
    {"getRefsListRequest", "", true},
    {"getRefsListRequest", "<refName>a</refName>", false},
    {"getRefAttributesListRequest", "<refNames>a</refNames><refNames>b</refNames>", true},
    {"getRefAttributesListRequest", "", false},
    {"getRefItemsListRequest",
     "<refName>a</refName><treeFiltering>ONELEVEL</treeFiltering><pageNum>0</pageNum><pageSize>0</pageSize>", true},
    {"getRefItemsListRequest",
     "<refName>a</refName><treeFiltering>ALL</treeFiltering><pageNum>0</pageNum><pageSize>0</pageSize>", false},
    {"getRefItemsListRequest",
     "<refName>a</refName><treeFiltering>SUBTREE</treeFiltering><pageNum>-1</pageNum><pageSize>0</pageSize>", false},
    {"getRefItemsListRequest", "<refName>a</refName><treeFiltering>SUBTREE</treeFiltering><pageNum>1</pageNum>", false},
    {"updateBookingDetailsRequest",
     "<bookId>1</bookId><esiaId>1</esiaId><status><statusCode>206001</statusCode></status>", true},
    {"updateBookingDetailsRequest", "<bookId>1</bookId><esiaId>1</esiaId><status><statusCode>20</statusCode></status>",
     false},
    {"updateBookingDetailsRequest",
     "<bookId>1</bookId><esiaId>1</esiaId><timeslot><slotId>s</slotId><organizationId>o</organizationId>"
     "<areaId/><visitTime>2026-12-03T10:00:00Z</visitTime></timeslot><status><statusCode>201</statusCode></status>",
     false}, /* T1 */
    {"makeCoffeeRequest", "", false},
};

static void requests(void **state)
{
    for (unsigned i = 0; i < LENGTH(cases); i++) {
        if (xmllint_is_valid(*state, "equeue-bare.xsd", element(*state, cases[i].name, cases[i].content)) !=
            cases[i].is_valid)
            fail_msg("%s %s should be %s", cases[i].name, cases[i].content, cases[i].is_valid ? "valid" : "invalid");
    }
}

static void long_values(void **state) /* case 23: an identifier of 300 characters */
{
    char id[301];
    memset(id, '1', sizeof id - 1);
    id[300] = '\0';
    static const char format[] = "<bookId>%s</bookId><esiaId>1</esiaId>";
    assert_false(xmllint_is_valid(*state, "equeue-bare.xsd",
                                  element(*state, "cancelBookingRequest", arena_printf(*state, format, id))));
    id[255] = '\0';
    assert_true(xmllint_is_valid(*state, "equeue-bare.xsd",
                                 element(*state, "cancelBookingRequest", arena_printf(*state, format, id))));
}

/*
 * V2, V4: what is taken has both forms of naming the service (Message by itself), what is offered has the one of its
 * revision's own edition, and no other revision.
 */
static void frames(void **state)
{
    static const char *const services[] = {
        "", "<s:ServiceName>EQUEUE</s:ServiceName>",
        "<s:Service><s:Mnemonic>EQUEUE</s:Mnemonic><s:Version>1.00</s:Version></s:Service>"};
    static const char *const revisions[] = {"rev120315", "rev111111", "rev999999"};
    static const bool is_offered[3][3] = {{true, true, false}, {true, false, false}, {false, false, false}};
    for (unsigned r = 0; r < LENGTH(revisions); r++) {
        for (unsigned s = 0; s < LENGTH(services); s++) {
            const char *message = arena_printf(
                *state,
                "<s:Message xmlns:s=\"http://smev.gosuslugi.ru/%s\"><s:Sender><s:Code>PGU001001"
                "</s:Code><s:Name>ЕПГУ</s:Name></s:Sender><s:Recipient><s:Code>AAAA00001</s:Code><s:Name>А</s:Name></"
                "s:Recipient>%s"
                "<s:TypeCode>GSRV</s:TypeCode><s:Status>REQUEST</s:Status><s:Date>2026-11-22T10:45:00.000+03:00</"
                "s:Date>"
                "<s:ExchangeType>2</s:ExchangeType><s:OKTMO>45000000</s:OKTMO></s:Message>",
                revisions[r], services[s]);
            const char *text = arena_printf(*state,
                                            "<eq:bookRequest xmlns:eq=\"" SOAP_NS "\">%s<s:MessageData "
                                            "xmlns:s=\"http://smev.gosuslugi.ru/%s\"><s:AppData>"
                                            "<eq:bookId>1</eq:bookId></s:AppData></s:MessageData></eq:bookRequest>",
                                            message, revisions[r]);
            for (unsigned other = 0; other < 2; other++) {
                const char *taken = arena_printf(*state, SOURCE_DIR "/schemas/smev-%s.xsd", revisions[other]);
                const char *offered = arena_printf(*state, CONTRACT "/equeue-smev2-%s.xsd", revisions[other]);
                assert_int_equal(xmllint_is_valid_by(*state, taken, message), r == other);
                assert_int_equal(xmllint_is_valid_by(*state, offered, text), r == other && is_offered[r][s]);
            }
        }
    }
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static void v1_files_can_be_rewritten(void **state)
{
    static const char *const files[] = {
        "equeue-plain.wsdl", "equeue-smev2-rev120315.wsdl", "equeue-smev2-rev111111.wsdl",
        "equeue-bare.xsd",   "equeue-smev2-rev120315.xsd",  "equeue-smev2-rev111111.xsd",
        "equeue-types.xsd",  "smev-rev120315.xsd",          "smev-rev111111.xsd"};
    for (unsigned i = 0; i < LENGTH(files); i++) {
        const char *text = whole_file(*state, arena_printf(*state, CONTRACT "/%s", files[i])).p;
        bool is_wsdl = i < 3;
        assert_int_equal(count(text, "soap:address location=\"http://localhost/equeue\""), is_wsdl);
        for (const char *at = text; (at = strstr(at, "schemaLocation")) != NULL; at++) {
            char name[64];
            assert_int_equal(sscanf(at, "schemaLocation=\"%63[a-z0-9-].xsd\"", name), 1);
            assert_int_equal(access(arena_printf(*state, CONTRACT "/%s.xsd", name), R_OK), 0);
        }
        if (!is_wsdl)
            continue;
        for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
            const char *name = booking_ops[m].name;
            assert_int_equal(count(text, arena_printf(*state, "soapAction=\"%s\"", name)), 1);
            assert_int_equal(count(text, arena_printf(*state, "element=\"eq:%sRequest\"", name)), 1);
            assert_int_equal(count(text, arena_printf(*state, "element=\"eq:%sResponse\"", name)), 1);
        }
    }
}

#define ELEMENT "<xs:element name=\"%s%s\" type=\"%s\"/>"

/* The elements of all schemas and the operations of all descriptions are those of the methods, and no others. */
static void v1_elements_are_those_of_the_methods(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *name, *type, *request, *response;
    } methods[] = {
#define X(METHOD, file, name, Type, flags, check) {#name, #Type, "eq:" #Type "Request", "eq:" #Type "Response"},
        BOOKING_METHODS(X)
#undef X
    };
    const char *bare = whole_file(a, SOURCE_DIR "/schemas/equeue-bare.xsd").p;
    for (unsigned i = 0; i < BOOKING_METHOD_COUNT; i++) {
        assert_int_equal(count(bare, arena_printf(a, ELEMENT, methods[i].name, "Request", methods[i].request)), 1);
        assert_int_equal(count(bare, arena_printf(a, ELEMENT, methods[i].name, "Response", methods[i].response)), 1);
    }
    assert_int_equal(count(bare, "<xs:element "), 2 * BOOKING_METHOD_COUNT);
    static const char *const revisions[] = {"rev120315", "rev111111"};
    for (unsigned r = 0; r < LENGTH(revisions); r++) {
        const char *path = arena_printf(a, CONTRACT "/equeue-smev2-%s.xsd", revisions[r]);
        const char *framed = whole_file(a, path).p;
        for (unsigned i = 0; i < BOOKING_METHOD_COUNT; i++) {
            assert_int_equal(count(framed, arena_printf(a, ELEMENT, methods[i].name, "Request", "eq:Frame")), 1);
            assert_int_equal(count(framed, arena_printf(a, ELEMENT, methods[i].name, "Response", "eq:Frame")), 1);
        }
        assert_int_equal(count(framed, "<xs:element name="), 2 * BOOKING_METHOD_COUNT);
        assert_int_equal(count(framed, "<xs:element "), 2 * BOOKING_METHOD_COUNT + 2); /* Message, MessageData */
        assert_int_equal(count(framed, "smev.gosuslugi.ru/"), count(framed, "\"http://smev.gosuslugi.ru/rev1"));
        assert_int_equal(count(framed, revisions[r]), 4);
        assert_null(strstr(framed, revisions[1 - r])); /* V4 */
    }
    static const char *const files[] = {CONTRACT "/equeue-plain.wsdl", CONTRACT "/equeue-smev2-rev120315.wsdl",
                                        CONTRACT "/equeue-smev2-rev111111.wsdl"};
    for (unsigned i = 0; i < LENGTH(files); i++) {
        const char *text = whole_file(a, files[i]).p;
        for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
            const char *operation = arena_printf(a, "<wsdl:operation name=\"%s\">", methods[m].name);
            assert_int_equal(count(text, operation), 2); /* of the port type, of the binding */
        }
        assert_int_equal(count(text, "<wsdl:operation "), 2 * BOOKING_METHOD_COUNT);
        assert_int_equal(count(text, "<wsdl:message "), 2 * BOOKING_METHOD_COUNT);
        assert_int_equal(count(text, "soapAction="), BOOKING_METHOD_COUNT);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(requests), TEST(long_values), TEST(frames), TEST(v1_files_can_be_rewritten),
                                       TEST(v1_elements_are_those_of_the_methods)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
