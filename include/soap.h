/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Data binding between bare elements (<method>Request, <method>Response) and booking types. The only user of gSOAP's
 * generated code; gSOAP reads and writes memory, never a socket. Safe on any thread (a context per thread).
 */
#pragma once

#include "arena.h"
#include "booking.h"
#include "buf.h"
#include "error.h"

/* gSOAP has a soap_bind() of its own, hence the longer name below. */
#define SOAP_NS       "http://epgu.rtlabs.ru/equeue/ws/"
#define SOAP_NS_TYPES "http://epgu.rtlabs.ru/equeue/ws/types/"

void soap_binding_init(void); /* once, before any thread */
void soap_binding_fini(void);

/*
 * Canonical octets of a bare {SOAP_NS}<method>Request element into a request. All strings are copied into a.
 * It judges no value: missing is NULL, a bad enumeration or number is taken as it came (a bad truth value is false),
 * unknown elements are passed over. So a request with schema violations can still be checked, and its bookId and
 * esiaId echoed. ERR_INPUT only when the octets are not such an element at all.
 */
MUST_CHECK enum err soap_bind_request(struct arena *a, enum booking_method method, struct span octets,
                                      struct booking_request *out, struct error *e);

/*
 * The content of {SOAP_NS}updateBookingDetailsRequest (item 17) in canonical form, prefix "eq" left to be declared by
 * the wrapper: bookId, esiaId, one timeslot where there is one, status as a structure. The same for the same u.
 * ERR_INPUT: something is missing that the schema wants.
 */
MUST_CHECK enum err soap_write_update(struct arena *a, const struct booking_update *u, struct buf *out,
                                      struct error *e);

/* Which namespace the fields of a message are in: that of the messages, that of the types, or none. */
enum soap_namespace { SOAP_CHILDREN_WS, SOAP_CHILDREN_TYPES, SOAP_CHILDREN_BARE };

/* How an answer is shaped for its caller. All zero: as the schema has it. */
struct soap_style {
    enum soap_namespace children;
    bool omit_error_on_success; /* A11: no error with code 0, where the order lets it be left out */
    bool status_as_text;        /* A4: getBookingStatus and cancelBooking give the code alone */
    bool single_timeslot;       /* A6: one timeSlot for the whole visit */
};

/*
 * The content of {SOAP_NS}<method>Response in canonical form, prefix "eq" left to be declared by the caller's wrapper:
 * "<eq:bookId>...</eq:bookId>...". With another namespace of the children in style (NULL: none of its departures) each
 * top element declares it, under the prefix "eqt", or all are without one; then the caller declares no default.
 */
MUST_CHECK enum err soap_write_content(struct arena *a, const struct booking_reply *reply,
                                       const struct soap_style *style, struct buf *out, struct error *e);
