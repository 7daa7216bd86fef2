/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * SMEV 2: XML signatures (dsig), WS-Security (wsse), the smev:Message frame and the SOAP envelope. Clauses: SMEV
 * technical requirements, recommendations 2.5.x; RFC 3275 / XMLDSig Core; OASIS WSS 1.0 X.509 token profile.
 * Safe on any thread.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "crypto.h"
#include "error.h"
#include "xml.h"

#include <stdbool.h>

#define NS_SOAP         "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_DSIG         "http://www.w3.org/2000/09/xmldsig#"
#define NS_WSSE         "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define NS_WSU          "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define NS_SMEV_110801  "http://smev.gosuslugi.ru/rev110801"
#define NS_SMEV_111111  "http://smev.gosuslugi.ru/rev111111"
#define NS_SMEV_120315  "http://smev.gosuslugi.ru/rev120315"
#define ACTOR_SMEV      "http://smev.gosuslugi.ru/actors/smev"
#define ACTOR_RECIPIENT "http://smev.gosuslugi.ru/actors/recipient"

/* ---- dsig ---- */

#define DSIG_REFERENCES_MAX 16

/* One reference that was checked: the element it covers and the octets whose digest was right. */
struct dsig_reference {
    const char *uri;          /* without '#' */
    struct xml_node *element; /* the one element of the document with that Id */
    struct span octets;       /* canonical */
    enum digest_alg digest;
};
struct dsig_result {
    enum sign_alg alg;
    struct dsig_reference refs[DSIG_REFERENCES_MAX];
    unsigned nrefs;
};

/* Algorithm URI to enum, both families; false: not on the list. */
bool dsig_digest_alg(const char *uri, enum digest_alg *out);
bool dsig_sign_alg(const char *uri, enum sign_alg *out);
const char *dsig_digest_uri(enum digest_alg alg); /* the URN form for 2012, the http form for 2001: what we write */
const char *dsig_sign_uri(enum sign_alg alg);

/* ---- wsse ---- */

struct wsse_signature { /* one Security header with a signature */
    const char *actor;
    const struct cert *signer;
    struct dsig_result dsig;
};
struct wsse_result {
    struct wsse_signature smev;      /* actors/smev: the system that made the message; signer NULL when absent */
    struct wsse_signature recipient; /* actors/recipient: SMEV itself; signer NULL when absent */
    struct span body; /* canonical octets of soap:Body under the smev signature, or, when that is not there, the
                         recipient one; empty when nothing is signed: then there is nothing to read */
    const char *header_message_id; /* smev:Header/MessageId when covered by the recipient signature, else NULL; whether
                                      that signer is SMEV is for the caller to say */
    const char *header_message_class; /* smev:Header/MessageClass, likewise: REQUEST or RESPONSE */
};
struct wsse_policy {
    bool allow_gost2001;
    struct trust *trust; /* NULL: chains are not checked (--no-chain) */
    const struct cert_set
        *known; /* certificates that need not be read anew, alive as long as the result; may be NULL */
    int64_t now_s;
    bool require_smev;      /* an actors/smev signature must be there; true on smev2 listeners */
    bool require_recipient; /* an actors/recipient one too */
    int64_t age_max_s;      /* of what a wsu:Timestamp says; 0: any age */
};
/*
 * The envelope's structure (one Header, one Body that is the root's second child, no other children) and its
 * signatures. Required references: smev covers exactly soap:Body (that very element); recipient covers soap:Body and
 * smev:Header. A signature that is there is checked whether required or not. A Security header for another actor is
 * passed over. mustUnderstand headers other than these are ERR_MUST_UNDERSTAND. A wsu:Timestamp beside a signature
 * (WSS 1.0 section 10), covered by it or not, must be one (else ERR_SECURITY) and must hold now (else ERR_EXPIRED); who
 * leaves an uncovered one out gains nothing: the age of the message is told under the signature.
 */
MUST_CHECK enum err wsse_verify(struct arena *a, struct xml_doc *doc, const struct wsse_policy *policy,
                                struct wsse_result *out, struct error *e);

/*
 * A stored message to its document, for `zapisd dsig verify`: XML alone, a MIME body, or either with the head of an
 * HTTP request or answer in front. Of XOP what is not the content of an attachment is put back.
 */
MUST_CHECK enum err dsig_dump_read(struct arena *a, struct span dump, const struct xml_limits *limits,
                                   struct xml_doc **out, struct error *e);
/*
 * One line a signature, for `zapisd dsig verify`: any ds:Signature of the document, SMEV 2 or SMEV 3 form. A verdict of
 * ERR_OK is a good one; element, algorithms and signer are NULL when the signature could not be read that far. trust
 * NULL: chains are not checked. ERR_LIMIT for a document with more than DSIG_REPORT_MAX signatures.
 */
#define DSIG_REPORT_MAX 64
struct dsig_report_line {
    const char *element;
    const char *algorithms;
    const char *signer;
    enum err verdict;
    const char *reason;
};
MUST_CHECK enum err dsig_report(struct arena *a, struct xml_doc *doc, struct trust *trust, int64_t now_s,
                                bool allow_gost2001, struct dsig_report_line **lines, unsigned *n, struct error *e);

/*
 * urn://smev-gov-ru/xmldsig/transform: the normal form SMEV 3 hashes, from well-formed octets (in a signature: those
 * that exclusive C14N gave). ERR_SECURITY for what the form has no answer to (an element without namespace, an xml:
 * attribute), ERR_DOCTYPE, ERR_MALFORMED.
 */
MUST_CHECK enum err smev_transform(struct arena *a, struct span octets, struct buf *out, struct error *e);

/* ---- frame and envelope ---- */

struct smev_party {
    const char *code, *name;
};
struct smev_frame {
    const char *ns;                                                /* which revision */
    struct smev_party sender, recipient, originator;               /* originator.code NULL: absent */
    const char *service_name, *service_mnemonic, *service_version; /* either form, or none */
    const char *type_code, *status, *date, *exchange_type;
    const char *request_id_ref, *origin_request_id_ref, *service_code, *case_number, *oktmo;
    const char *test_msg; /* text of TestMsg, may be empty; NULL: absent. Whether it means a test is for the caller */
};
/*
 * soap:Body (its only child) to frame and bare element. SMEV 2: wrapper/{Message, MessageData/AppData}; the children of
 * AppData become those of the bare element. `method` gets the wrapper's local name ("bookRequest").
 * frame NULL: a plain listener, the wrapper itself is the bare element. A PING without AppData gives a bare element
 * without children.
 * ERR_ENVELOPE names what is missing, there twice, or in a namespace or revision that is not served.
 */
MUST_CHECK enum err smev_frame_read(struct arena *a, struct xml_node *body, struct smev_frame *frame,
                                    const char **method, struct xml_doc **bare, struct error *e);

/* The answer's frame: Sender and Recipient swapped, references copied, Status, Date and our own names set.
 * request_message_id may be NULL (no smev:Header: the caller came without SMEV in between). test_msg: the TestMsg of
 * the answer, which says that the request was taken for a test; NULL: none. */
void smev_frame_answer(struct arena *a, const struct smev_frame *request, const char *request_message_id,
                       const char *agency_name, const char *status, const char *test_msg, struct smev_frame *out);

/* The frame of a request of ours: Status REQUEST, Date now, with its zone. The rest is the caller's. */
void smev_frame_request(struct arena *a, struct smev_frame *f);

/*
 * The same as smev_frame_read() of an answer to us. AppData may be missing, as it is beside a REJECT: *bare is NULL
 * then.
 */
MUST_CHECK enum err smev_frame_read_answer(struct arena *a, struct xml_node *body, struct smev_frame *frame,
                                           const char **element, struct xml_doc **bare, struct error *e);

/*
 * Envelopes, written in canonical form at once so that signing needs no parse.
 * content: what stands inside the response element (soap_write_content), element: "bookResponse".
 * key NULL: unsigned. frame NULL: bare (plain listener).
 */
MUST_CHECK enum err envelope_write(struct arena *a, const char *element, struct span content,
                                   const struct smev_frame *frame, const struct key *key, struct buf *out,
                                   struct error *e);
/*
 * A SOAP fault; reference: the number the operator finds the cause by. is_of_body: what was wrong, or could not be
 * done, is of the Body and not of the envelope or its header blocks; then there is a detail (SOAP 1.1, 4.4), which is
 * empty.
 */
MUST_CHECK enum err envelope_write_fault(struct arena *a, enum err code, const char *reference, bool is_of_body,
                                         const struct key *key, struct buf *out, struct error *e);
/* Signs a ready envelope given as text (`zapisd dsig sign`): adds wsse:Security for the actor over soap:Body. */
MUST_CHECK enum err wsse_sign(struct arena *a, struct span envelope, const struct key *key, const char *actor,
                              struct buf *out, struct error *e);
/* Of an envelope that envelope_write() has signed: whether it was with key's certificate; the same with another
 * signature in the place of the one it has, and not an octet of Body changed. ERR_ENVELOPE: it is no such envelope. */
bool wsse_is_signed_by(struct arena *a, struct span envelope, const struct key *key);
MUST_CHECK enum err wsse_sign_anew(struct arena *a, struct span envelope, const struct key *key, struct buf *out,
                                   struct error *e);
