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
#define SOAP_NS          "http://epgu.rtlabs.ru/equeue/ws/"
#define SOAP_NS_ENVELOPE "http://schemas.xmlsoap.org/soap/envelope/"

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
 * The content of {SOAP_NS}<method>Response in canonical form, prefix "eq" left to be declared by the caller's wrapper:
 * "<eq:bookId>...</eq:bookId>...". Never contains another namespace.
 */
MUST_CHECK enum err soap_write_content(struct arena *a, const struct booking_reply *reply, struct buf *out,
                                       struct error *e);
