/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A client as gSOAP's own tools make it from the served WSDL: client URL ORGANIZATION SERVICE BOOK-ID. Prints
 * "step status error" a line; the exit status is 0 when the transport worked.
 */
#include "EqueueSoap11.nsmap"
#include "soapH.h"

#include <stdio.h>

static int say(struct soap *s, const char *step, int rc, const struct ns1__Status *status,
               const struct ns1__Error *error)
{
    if (rc != SOAP_OK) {
        soap_print_fault(s, stderr);
        return 1;
    }
    (void)printf("%s %s %d\n", step, status != NULL ? status->statusCode : "-",
                 error != NULL ? error->errorDetail->errorCode : -1);
    return 0;
}

static int book(struct soap *s, char **argv, const char *step, char *slot, int preliminary)
{
    struct ns1__BookRequest q;
    struct ns1__BookResponse r;
    soap_default_ns1__BookRequest(s, &q);
    q.bookId = argv[4];
    q.__sizeslotId = 1;
    q.slotId = &slot;
    q.organizationId = argv[2];
    q.userType = ns1__UserType__QUALIFIED;
    q.userKind = ns1__UserKind__PHYSIC;
    q.esiaId = "1000000000";
    q.lastName = "Тестов";
    q.firstName = "Тест";
    q.__sizeserviceId = 1;
    q.serviceId = &argv[3];
    q.preliminaryReservation = preliminary ? xsd__boolean__true_ : xsd__boolean__false_;
    int minutes = 60;
    q.preliminaryReservationPeriod = preliminary ? &minutes : NULL;
    int rc = soap_call___ns1__book(s, argv[1], NULL, &q, &r);
    return say(s, step, rc, rc == SOAP_OK ? r.status : NULL, rc == SOAP_OK ? r.error : NULL);
}

static int slots(struct soap *s, char **argv, struct ns1__GetSlotsResponse *r)
{
    struct ns1__GetSlotsRequest q;
    soap_default_ns1__GetSlotsRequest(s, &q);
    q.__sizeorganizationId = 1;
    q.organizationId = &argv[2];
    q.userType = ns1__UserType__QUALIFIED;
    q.userKind = ns1__UserKind__PHYSIC;
    q.esiaId = "1000000000";
    q.__sizeserviceId = 1;
    q.serviceId = &argv[3];
    int rc = soap_call___ns1__getSlots(s, argv[1], NULL, &q, r);
    return say(s, "getSlots", rc, NULL, rc == SOAP_OK ? r->error : NULL);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    struct soap *s = soap_new1(SOAP_C_UTFSTRING | SOAP_IO_KEEPALIVE | SOAP_XML_STRICT);
    struct ns1__GetRefsListRequest refs = {};
    struct ns1__GetRefsListResponse refs_answer;
    int rc = soap_call___ns1__getRefsList(s, argv[1], NULL, &refs, &refs_answer);
    int failed = say(s, "getRefsList", rc, NULL, rc == SOAP_OK ? refs_answer.error : NULL);
    struct ns1__GetSlotsResponse free_slots;
    if (failed || slots(s, argv, &free_slots) || free_slots.slots == NULL || free_slots.slots->__sizeTimeSlot < 2)
        return 1;
    char *first = free_slots.slots->TimeSlot[0].slotId;
    char *second = free_slots.slots->TimeSlot[1].slotId;
    failed |= book(s, argv, "hold", first, 1);
    failed |= book(s, argv, "book", first, 0);
    failed |= book(s, argv, "move", second, 0);
    struct ns1__GetBookingStatusRequest status = {.bookId = argv[4], .esiaId = "1000000000"};
    struct ns1__GetBookingStatusResponse status_answer;
    rc = soap_call___ns1__getBookingStatus(s, argv[1], NULL, &status, &status_answer);
    failed |=
        say(s, "status", rc, rc == SOAP_OK ? status_answer.status : NULL, rc == SOAP_OK ? status_answer.error : NULL);
    struct ns1__Status booked = {.statusCode = "201"};
    struct ns1__UpdateBookingDetailsRequest update = {
        .bookId = argv[4], .esiaId = "1000000000", .timeslot = &free_slots.slots->TimeSlot[0], .status = &booked};
    struct ns1__UpdateBookingDetailsResponse update_answer;
    rc = soap_call___ns1__updateBookingDetails(s, argv[1], NULL, &update, &update_answer);
    failed |= say(s, "update", rc, NULL, rc == SOAP_OK ? update_answer.error : NULL);
    struct ns1__CancelBookingRequest cancel = {.bookId = argv[4], .esiaId = "1000000000"};
    struct ns1__CancelBookingResponse cancel_answer;
    rc = soap_call___ns1__cancelBooking(s, argv[1], NULL, &cancel, &cancel_answer);
    failed |=
        say(s, "cancel", rc, rc == SOAP_OK ? cancel_answer.status : NULL, rc == SOAP_OK ? cancel_answer.error : NULL);
    soap_destroy(s);
    soap_end(s);
    soap_free(s);
    return failed;
}
