/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * SMEV 3: what stands on its wire, without sockets and without rows. Clauses: recommendations for the work with the
 * unified electronic service of SMEV, 3.3 to 3.5; the schemas of message exchange 1.1, 1.2 and 1.3. Safe on any thread.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "crypto.h"
#include "error.h"
#include "xml.h"

#include <stdbool.h>

/* ---- signatures (recommendations, section 4; docs/decisions/0327) ---- */

/* What of a signature's form is not as the recommendations write it, though the signature is good. */
enum smev3_form {
    SMEV3_FORM_ENVELOPED = 1, /* enveloped-signature in front of the two transforms */
    SMEV3_FORM_PREFIXES = 2,  /* InclusiveNamespaces */
    SMEV3_FORM_IDS = 4,       /* Id attributes on parts of ds:Signature, or Type on ds:Reference */
    SMEV3_FORM_BLANKS = 8,    /* blank text between its elements */
    SMEV3_FORM_LINES = 16,    /* blanks within base64 */
};

struct smev3_policy {
    bool allow_gost2001;
    bool tolerant;                  /* enveloped-signature and InclusiveNamespaces are no refusal: for the ЭП-ОВ and
                                       ЭП-СП of peers, whose verdict is only told; never for ЭП-СМЭВ */
    struct trust *trust;            /* chain, dates, revocation; NULL: not asked about */
    const struct cert_set *signers; /* one of these must have signed, else ERR_SENDER; NULL: whoever trust
                                       believes, which is never enough for ЭП-СМЭВ */
    const struct cert_set *known;   /* need not be read anew; alive as long as the result; may be NULL */
    int64_t now_s;
};

struct smev3_signature {
    const struct cert *signer;
    enum sign_alg alg;
    enum digest_alg digest;
    unsigned forms;     /* enum smev3_form, those that were met */
    struct span octets; /* what was hashed: the element in the normal form of the SMEV transform, a document by itself.
                           Nothing else of the message is signed: parse these anew (xml_parse) and read there */
};

/*
 * Checks that `element` is signed by the one ds:Signature which is all that stands in `place` (SMEVSignature,
 * CallerInformationSystemSignature, SenderInformationSystemSignature, PersonalSignature). Both are found by the caller
 * by their places in the protocol (smev3_signed()), never by an Id: the signature's only reference must be '#' and the
 * Id of this very element, however many others in the envelope bear the same. Exactly two transforms, exclusive C14N
 * and urn://smev-gov-ru/xmldsig/transform, in this order; SignedInfo by exclusive C14N; certificate in
 * X509Data/X509Certificate.
 *
 * ERR_SECURITY (no signature, its form, another element), ERR_ALGORITHM, ERR_CHECK, ERR_TOKEN_UNAVAILABLE, ERR_TOKEN
 * (chain, dates, CRL), ERR_SENDER; e says whose certificate came with it and why it was refused. out is written only
 * when all of it is good.
 */
MUST_CHECK enum err smev3_verify(struct arena *a, struct xml_node *element, struct xml_node *place,
                                 const struct smev3_policy *policy, struct smev3_signature *out, struct error *e);

/*
 * The element that the protocol has signed by the signature at this place: of its sisters before it the one of the
 * names that belong to the place, or for PersonalSignature the one child of MessagePrimaryContent before it. NULL when
 * it is none of the places of schemas 1.1 to 1.3, or there is no such element, or several.
 */
struct xml_node *smev3_signed(struct xml_node *place);

/* An element's normal form by itself: exclusive C14N, then the SMEV transform. Of the business element it is the same
 * however often, and through whichever version, a message is delivered: its digest is what makes two messages one. */
MUST_CHECK enum err smev3_normal(struct arena *a, const struct xml_node *element, struct buf *out, struct error *e);

/*
 * The transform loses what a prefix within content stands for: no signature covers it. Of xsi:type the local name is
 * all that may be read ("InvalidContent"); NULL: no such attribute.
 */
const char *smev3_type_name(struct arena *a, const struct xml_node *node);
/* Makes a verified business element what our schemas know: takes off the Id of its ЭП-СП and every xsi:type below. */
void smev3_strip(struct xml_node *business);

/*
 * A ds:Signature for one of the places, over `element`: one element given as octets which may stand in any envelope as
 * they are (all its prefixes declared on it or below; ERR_INTERNAL when they cannot) and whose unqualified attribute Id
 * is there once. No text between elements, base64 in one line, algorithms by the key. The octets must go to the wire
 * as they were given here.
 */
MUST_CHECK enum err smev3_sign(struct arena *a, struct span element, const struct key *key, struct buf *out,
                               struct error *e);
/* ЭП-СП: the business element with an Id of its own, if it has none yet, and the ds:Signature over it. */
MUST_CHECK enum err smev3_sign_personal(struct arena *a, struct span business, const struct key *official,
                                        struct buf *element, struct buf *signature, struct error *e);

/*
 * Signs the one element of this local name of a ready message given as text (`zapisd dsig sign --smev3`): an Id is
 * added where it has none, and the place of its signature where there is none; an empty place is filled. Not a byte
 * else is written anew. ERR_ENVELOPE: no such element, or several; nothing that the schemas have signed; signed
 * already.
 */
MUST_CHECK enum err smev3_sign_message(struct span message, const char *local, const struct key *key, struct buf *out,
                                       struct error *e);

/*
 * A message of ours (SendResponse, SendRequest) that was kept as it was written by smev3_write_envelope(). Whether its
 * signatures are by these very certificates: ЭП-ОВ by key's; ЭП-СП by official's, or none where official is NULL or it
 * has no business element.
 */
bool smev3_is_signed_by(struct arena *a, struct span envelope, const struct key *key, const struct key *official);
/* The same message with these signatures, and under message_id (NULL: its own); every other octet of what is said
 * stays. ERR_INTERNAL: it is no such message. */
MUST_CHECK enum err smev3_sign_anew(struct span envelope, const char *message_id, const struct key *key,
                                    const struct key *official, struct buf *out, struct error *e);

/* ---- versions and operations ---- */

enum smev3_version { SMEV3_1_1, SMEV3_1_2, SMEV3_1_3 };

struct smev3_namespaces {
    const char *version; /* "1.2" */
    const char *service, *types, *basic, *faults;
};
const struct smev3_namespaces *smev3_namespaces(enum smev3_version version);

enum smev3_op {
    SMEV3_SEND_REQUEST,
    SMEV3_SEND_RESPONSE,
    SMEV3_GET_REQUEST,
    SMEV3_GET_RESPONSE,
    SMEV3_GET_STATUS,
    SMEV3_ACK,
    SMEV3_GET_STATISTICS, /* GetIncomingQueueStatistics; 1.1 only */
};
const char *smev3_op_name(enum smev3_op op); /* "GetRequest" */
const char *smev3_action(enum smev3_op op);  /* of the header SOAPAction, without quotes: "urn:GetRequest" */

/* ---- faults ---- */

enum smev3_reaction {
    SMEV3_AGAIN,     /* the same message again, with back-off, for ever; so is every fault that is not in the table */
    SMEV3_SLOWER,    /* the same, and ask less often: SMEV answers AccessDenied to who polls too much */
    SMEV3_DONE,      /* it has been done before: success */
    SMEV3_PARK,      /* this message will never be taken: stop it, alarm, go on with others */
    SMEV3_NEW_ID,    /* the same content under a new MessageID; look at the clock */
    SMEV3_STOP,      /* nothing of ours will be taken: alarm (certificate, signature, registration); again, rarely */
    SMEV3_CONFIGURE, /* the configuration names what SMEV does not know: alarm; again, rarely */
};
struct smev3_fault {
    enum smev3_reaction reaction; /* to this fault of this operation */
    bool is_smevs;                /* its detail is an element of SMEV's, whether the table has it or not */
    bool is_foreseen;             /* the table has it for this operation */
    const char *name;             /* local name of the detail's element, of the table; NULL: none, or unknown */
    const char *inner;            /* of SignatureVerificationFault: "CertificateIsExpired"; NULL */
    unsigned number;              /* 100 of "SMEV-100:..."; 0: none */
    /* As they came. May quote a message: for the journal, never for the log. NULL: absent. */
    const char *faultcode, *faultstring, *code, *description;
    const char *figures; /* of the limits it names: "PermittedTotalAttachmentSize=5242880, ..."; "" when none */
};

/* ---- reading what SMEV answers ---- */

enum smev3_kind {
    SMEV3_EMPTY,      /* nothing in the queue */
    SMEV3_REQUEST,    /* GetRequest: element is T:Request */
    SMEV3_CANCEL,     /* GetRequest of 1.1: T:Cancel */
    SMEV3_RESPONSE,   /* GetResponse: T:Response */
    SMEV3_STATUS,     /* GetStatus: T:AsyncProcessingStatusData */
    SMEV3_SENT,       /* Send*: T:MessageMetadata */
    SMEV3_ACKED,      /* Ack: nothing in it, nothing signed */
    SMEV3_STATISTICS, /* nothing signed */
    SMEV3_FAULT,
};
struct smev3_attachment { /* of AttachmentContentList: outside of every signature; for SignaturePKCS7 of its header */
    const char *id;
    struct span octets;
};
struct smev3_queue {
    const char *name;
    int64_t pending;
};
struct smev3_reply {
    enum smev3_kind kind;
    enum smev3_version version; /* of the answer, which need not be the call's */
    struct xml_node *element;   /* what SMEV must have signed, and the place of its signature, for smev3_verify(). */
    struct xml_node *place;     /* NULL: this kind has none, or it is missing */
    struct xml_node *sender;    /* SenderProvided...Data within it, and SenderInformationSystemSignature; NULL: none */
    struct xml_node *sender_place;
    struct xml_node *personal; /* the business element, and PersonalSignature; NULL: none */
    struct xml_node *personal_place;
    const char *claimed_id; /* its message id as nobody has signed it: only for an Ack that says accepted=false; NULL */
    bool has_include;       /* an xop:Include stood within the business element: no method of ours has any */
    const struct smev3_attachment *attachments;
    unsigned nattachments;
    const struct smev3_queue *queues;
    unsigned nqueues;
    struct smev3_fault fault;
};
/*
 * An HTTP answer to a call of ours: MIME, XML, SOAP 1.1 with or without a Header, and which element of it is what.
 * xop:Include within `element` is put back as base64 before anybody hashes it (the document is no longer what came);
 * one in AttachmentContentList becomes an attachment; elsewhere it is an error, as is one whose cid nobody bears or
 * that two bear; within the business element, which is refused for it, such a one stays as it is. Nothing of a reply
 * but kind, version and fault counts before smev3_verify() says so; values are read of the octets that gave
 * (smev3_read_...). Fails for what is no answer to this operation: HTML, an empty body, two messages in one, another
 * method's answer, an error status without a fault (ERR_MALFORMED, ERR_ENVELOPE, ERR_LIMIT ...; the words say which);
 * all of it means: again. claimed_id may be there all the same. Costs: linear; the document is about ten times the root
 * part, and 4/3 of what is put back.
 */
MUST_CHECK enum err smev3_reply_read(struct arena *a, enum smev3_op op, int http_status, const char *content_type,
                                     struct span body, struct smev3_reply *out, struct error *e);

bool smev3_kind_is_signed(enum smev3_kind kind);
/* Of a reply of such a kind: that SMEV has signed its element, at the place the protocol names. ERR_SECURITY: it has
 * not, or there is no such element; else as smev3_verify(). */
MUST_CHECK enum err smev3_reply_verify(struct arena *a, const struct smev3_reply *reply,
                                       const struct smev3_policy *policy, struct smev3_signature *out, struct error *e);

struct smev3_claim {
    const char *id;          /* what an Ack would name; NULL: none that is a UUID */
    const char *original_id; /* the message of ours that is answered; NULL likewise, and of a request */
};
/*
 * Whether octets that came to this question for messages, and that smev3_reply_read() did not take or SMEV has not
 * signed, hold one all the same, and the ids that it claims. For people: they may be anybody's, and where another
 * reader would find others. False for other operations. Linear.
 */
bool smev3_scan(struct arena *a, enum smev3_op op, struct span octets, struct smev3_claim *out);

/*
 * ---- reading what was verified: octets are those of smev3_signature ----
 *
 * Each reads them anew, into a document that is freed with a; whoever has no use any more for the first one, which is
 * as large, calls xml_docs_free() before.
 */

extern const struct xml_limits smev3_xml_limits;

struct smev3_metadata {
    const char *message_id, *message_type, *sender, *sender_name, *recipient, *status; /* sender: its Mnemonic */
    const char *sent, *delivered; /* as they stand; NULL: absent, as with all of these, or no instant */
    int64_t sent_us, delivered_us;
};
struct smev3_file { /* a header of AttachmentHeaderList or RefAttachmentHeaderList, with its row of FSAttachmentsList */
    bool is_stored; /* in the file store; else it came with the message */
    const char *id; /* contentId or uuid */
    const char *mime_type, *hash, *signature; /* base64; NULL: absent */
    const char *file_name;                    /* of FSAttachment, else of the header */
    const char *user, *password;              /* until the Ack; personal like a password: never to the log */
};
/* What is wrong with a message that was well signed: it is acked, and refused in these words (smev3_trouble_text). */
enum smev3_trouble {
    SMEV3_FINE,
    SMEV3_NO_CONTENT,   /* nothing in MessagePrimaryContent, or not there */
    SMEV3_TWO_CONTENTS, /* two elements there, or text beside one: content is the first */
    SMEV3_INCLUDE,      /* xop:Include within it: told by smev3_reply.has_include, no longer seen in the octets */
};
const char *smev3_trouble_text(enum smev3_trouble trouble); /* Russian, for a citizen; "" of SMEV3_FINE */

struct smev3_content {
    const char *ns, *local; /* of the business element; NULL with octets empty: none that could be read */
    struct span octets;     /* its normal form by itself (smev3_normal): what identity is a digest of */
};
struct smev3_request {
    enum smev3_version version;
    const char *message_id; /* lower case, always there; of SenderProvidedRequestData, else of MessageMetadata */
    const char *ack_id;     /* what an Ack must name: the same, unless SMEV called it otherwise */
    const char *reference_message_id, *transaction_code, *node_id; /* NULL: absent; node_id also when empty */
    const char *eol;                                               /* NULL: none, or no instant */
    int64_t eol_us;
    bool is_test;
    bool is_broadcast;    /* it says so: nobody is to be answered, whatever else there is */
    const char *reply_to; /* opaque, copied to the answer; NULL: absent, empty or longer than anybody writes it */
    struct smev3_metadata metadata;
    enum smev3_trouble trouble;
    struct smev3_content content;
    const struct smev3_file *files;
    unsigned nfiles;
};
/* Of T:Request. ERR_ENVELOPE only when it has no message id that is a UUID. Everything else is told in `trouble`. */
MUST_CHECK enum err smev3_read_request(struct arena *a, struct span octets, struct smev3_request *out, struct error *e);

struct smev3_cancel {
    enum smev3_version version;
    const char *message_id, *ack_id;
    const char *target;  /* MessageReference: the request that is withdrawn; NULL: none that is a UUID */
    struct span content; /* the same as it stands, a UUID in lower case: what identity is a digest of */
    struct smev3_metadata metadata;
};
MUST_CHECK enum err smev3_read_cancel(struct arena *a, struct span octets, struct smev3_cancel *out, struct error *e);

struct smev3_rejection {
    const char *code, *text;
};
struct smev3_parameter {
    const char *key, *value;
};
struct smev3_async { /* AsyncProcessingStatus: what SMEV itself says of a message of ours */
    const char *original_id;
    const char *category;     /* "requestIsRejectedBySmev" */
    const char *details;      /* NULL: absent; may quote a message */
    const char *fault;        /* of xsi:type, whose prefix no signature covers: "InvalidContent"; NULL */
    const char *code, *words; /* SmevFault's Code and Description; NULL: absent */
    bool is_refusal;          /* the message will not arrive; else it goes on */
};
enum smev3_response_kind {
    SMEV3_CONTENT,
    SMEV3_REJECTED, /* RequestRejected */
    SMEV3_IN_WORK,  /* RequestStatus */
    SMEV3_ASYNC,    /* AsyncProcessingStatus */
    SMEV3_UNCLEAR,  /* none of these, or two: to be acked, and looked at by somebody */
};
struct smev3_response {
    enum smev3_version version;
    enum smev3_response_kind kind;
    const char *message_id, *ack_id;
    const char *original_id; /* the message of ours that is answered; NULL: nobody says */
    const char *original_transaction_code, *reference_message_id, *to;
    struct smev3_metadata metadata;
    enum smev3_trouble trouble; /* of SMEV3_CONTENT */
    struct smev3_content content;
    const struct smev3_rejection *rejections; /* of SMEV3_REJECTED: at least one */
    unsigned nrejections;
    int64_t status_code; /* of SMEV3_IN_WORK */
    const char *status_text;
    const struct smev3_parameter *parameters;
    unsigned nparameters;
    struct smev3_async async; /* of SMEV3_ASYNC */
    const struct smev3_file *files;
    unsigned nfiles;
};
/* Of T:Response. ERR_ENVELOPE only when it has no message id that is a UUID. */
MUST_CHECK enum err smev3_read_response(struct arena *a, struct span octets, struct smev3_response *out,
                                        struct error *e);
/* Of T:AsyncProcessingStatusData (GetStatus). The only id in it, for an Ack too, is original_id. */
MUST_CHECK enum err smev3_read_status(struct arena *a, struct span octets, struct smev3_async *out, struct error *e);
/* Of T:MessageMetadata (Send*). Whether message_id is the one that was sent is for the caller to say. */
MUST_CHECK enum err smev3_read_metadata(struct arena *a, struct span octets, struct smev3_metadata *out,
                                        struct error *e);

/* ---- writing ---- */

/* A call in the making. The element goes to the wire octet by octet as it stands here. */
struct smev3_draft {
    enum smev3_version version;
    enum smev3_op op;
    struct span element; /* for smev3_sign() */
};
/*
 * Elements to be signed. ERR_INTERNAL for what SMEV would refuse whatever it is told: a MessageID that is no lower-case
 * UUID, an empty To, a content that is not one element with a namespace. Instants get the offset of the machine's zone;
 * nothing is indented. node_id, reference_message_id may be NULL.
 */
struct smev3_selector {
    const char *ns, *local; /* of the business element; both NULL: any */
    const char *node_id;
    int64_t now_us;
};
MUST_CHECK enum err smev3_write_get(struct arena *a, enum smev3_version version, enum smev3_op op,
                                    const struct smev3_selector *s, struct smev3_draft *out, struct error *e);
MUST_CHECK enum err smev3_write_get_status(struct arena *a, enum smev3_version version, int64_t now_us,
                                           struct smev3_draft *out, struct error *e);
MUST_CHECK enum err smev3_write_ack(struct arena *a, enum smev3_version version, const char *message_id, bool accepted,
                                    struct smev3_draft *out, struct error *e);

enum smev3_reject_code {
    SMEV3_REJECT_ACCESS_DENIED,
    SMEV3_REJECT_NO_DATA,
    SMEV3_REJECT_UNKNOWN_REQUEST_DESCRIPTION,
    SMEV3_REJECT_FAILURE,
};
struct smev3_answer {
    const char *message_id;        /* uuid_v1, made when it is first stored */
    const char *to;                /* ReplyTo of the request */
    enum smev3_response_kind kind; /* SMEV3_CONTENT, SMEV3_REJECTED or SMEV3_IN_WORK */
    struct span content;           /* the business element; any prefixes */
    struct span personal;          /* ds:Signature of ЭП-СП over it (smev3_sign_personal gave both); empty: none */
    enum smev3_reject_code reject_code;
    const char *text; /* of a rejection or a status: Russian, the citizen reads it; cut at 4,000 characters */
    int32_t status_code;
    const struct smev3_parameter *parameters;
    unsigned nparameters;
};
MUST_CHECK enum err smev3_write_answer(struct arena *a, enum smev3_version version, const struct smev3_answer *what,
                                       struct smev3_draft *out, struct error *e);

struct smev3_message { /* SendRequest */
    const char *message_id, *reference_message_id, *node_id;
    int64_t eol_us; /* 0: none */
    bool is_test;
    struct span content, personal;
};
MUST_CHECK enum err smev3_write_message(struct arena *a, enum smev3_version version, const struct smev3_message *what,
                                        struct smev3_draft *out, struct error *e);

/* The whole envelope, its Header empty, with the ds:Signature smev3_sign() made of draft->element. Added to out. */
void smev3_write_envelope(const struct smev3_draft *draft, struct span signature, struct buf *out);
/* The same, signed here. ERR_AGENCY: there is no key (NULL); out has grown by nothing then, as after any error. */
MUST_CHECK enum err smev3_write_signed(struct arena *a, const struct smev3_draft *draft, const struct key *key,
                                       struct buf *out, struct error *e);
