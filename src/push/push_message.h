/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * updateBookingDetails of ours (order 329, item 17), as octets: the message made of a row of the outbox, for either of
 * the two roads, and what is said to it. Pure: no database, no socket, no log; safe on a worker.
 *
 * A message is made once for a row. Its octets are kept before the first of them leaves, and are what is sent whenever
 * it is sent again, over SMEV 2 for a day: there the portal knows it by CaseNumber, which is the message id, and by its
 * octets. Over SMEV 3 SMEV knows it by its MessageID.
 */
#pragma once

#include "booking.h"
#include "request.h"
#include "smev3.h"

/* Headers of the call, for client_post(). */
extern const char *const push_headers[];
/* An answer has some lines and a signature; what is longer is none. */
#define PUSH_ANSWER_MAX_BYTES (256U * 1024)

/* By what it goes. The keyring must be held (keyring_ref) by whoever hands it to a worker. */
struct push_way {
    const struct keyring *keys;
    const struct config_push *conf;   /* of keys */
    int64_t age_max_s;                /* [trust] message_age_max; 0: any */
    const struct config_smev3 *queue; /* of keys: over SMEV 3, as this queue's agency; NULL: over SMEV 2 */
};

struct push_message {
    const char *message_id, *case_number; /* equal: SMEV 2 gives the caller's message no other name; SMEV 3 has no case
                                             number, it is NULL */
    struct span octets;                   /* signed */
};
/*
 * ERR_AGENCY: nothing can be signed in the agency's name now, later perhaps. ERR_INPUT: the row cannot be told in the
 * form of the schema, now or later. Otherwise the machine's own troubles.
 */
MUST_CHECK enum err push_message_make(struct arena *a, const struct push_way *way, const struct booking_update *u,
                                      struct push_message *out, struct error *e);

/*
 * Whether the message that was kept of u is too old to be sent again: recipients refuse what was made a day ago (as we
 * do, [trust] message_age_max), and its signer's certificate may have ended since. Then it is made anew, under another
 * id; the portal hears at worst the same status of the booking twice. Not before answer_deadline is over: until then
 * the portal may have it and put its answer off. False when there is none, and over SMEV 3, which says so itself.
 */
bool push_message_is_stale(const struct push_way *way, const struct booking_update *u);
/* What was kept of an attempt is signed with the keys of now, or nothing can be signed now: it may go as it is. Else
 * push_message_make() signs it anew, under the id it has and with the same content. */
bool push_message_is_current(struct arena *a, const struct push_way *way, const struct booking_update *u);

/*
 * TAKEN: the portal has it. REFUSED: it says no, and would say so again. PENDING: it has got the message and will
 * answer later. FAILED: none of these was said by the portal; the same octets are to be sent again. QUEUED: SMEV 3 has
 * it, and will bring the portal's answer. STALE: SMEV 3 takes it no more under its id.
 */
enum push_verdict { PUSH_TAKEN, PUSH_REFUSED, PUSH_PENDING, PUSH_FAILED, PUSH_QUEUED, PUSH_STALE };
struct push_answer {
    enum push_verdict verdict;
    bool is_smev;       /* over SMEV 3: its word, about this message; else its endpoint is of no use */
    bool is_rare;       /* FAILED, and nothing of ours will be taken soon: somebody has to look */
    bool is_clock;      /* STALE to SMEV, and new: our clock is wrong, or SMEV's */
    const char *reason; /* for the log and for metrics: nothing of the peer's text */
    const char *words;  /* for the operator (Russian), with the portal's own words, which may be about a person: for the
                           database alone */
    const char
        *signed_as; /* what was found of the signature, for the journal: "good", "none", or the name of an error */
};
/*
 * What an answer to u's message message_id is. Believed is what the portal's certificate has signed (actors/smev) and,
 * where SMEV has countersigned, SMEV's; what it says must be from the portal, to the agency, and to this message: its
 * CaseNumber or RequestIdRef is the message id and no other booking is told; where the portal leaves out CaseNumber, it
 * names the booking and was made within these minutes. Then error decides (0, 5 taken; 2, 3, 4 refused; others failed),
 * and Status where it says more. A fault is believed as a refusal when it is signed and blames the caller
 * (SOAP 1.1, 4.4.1: soap:Client). content_type may be NULL.
 */
void push_answer_read(struct arena *a, const struct push_way *way, const struct booking_update *u,
                      const char *message_id, int http_status, const char *content_type, struct span body,
                      struct push_answer *out);

/*
 * What SMEV 3 says to SendRequest with this message id. Taken for a yes is what SMEV has signed about this message, and
 * a fault that says it has had it before; a fault is believed unsigned, as the protocol has it, by its row of the table
 * (smev3_fault.reaction). content_type may be NULL.
 */
void push_sent_read(struct arena *a, const struct push_way *way, const char *message_id, int http_status,
                    const char *content_type, struct span body, struct push_answer *out);

/* ---- what the portal says over SMEV 3, when it says it ---- */

struct push_said {
    const char *outcome;     /* of api.outbox_answer */
    const char *original_id; /* the message of ours that is answered; NULL: nobody says */
    const char *answer_id, *ack_id;
    const char *book_id; /* the booking that it tells; NULL: none */
    const char *reason;  /* for the log: nothing of the peer's text */
    const char *words;   /* as of push_answer; NULL: nothing to add */
};
/*
 * Of a response whose ЭП-СМЭВ is good. The portal's own answer: error 0, 5 or no error is a yes, 2, 3, 4 and
 * RequestRejected a no, another error means once more, as a new message; RequestStatus that it is at it. SMEV's
 * AsyncProcessingStatus is a no when it refuses. What cannot be understood is a no for somebody to look at.
 */
void push_said_read(struct arena *a, const struct smev3_response *r, struct push_said *out);
/* Of an answer of the portal's own, where its signature is wanted (require_sender_signature) and is not good but `word`
 * (ADAPTER_UNSIGNED ...): whatever it says, somebody has to look. */
void push_said_distrust(struct arena *a, const char *word, struct push_said *s);

/* ---- of both roads (push_words.c) ---- */

/* What an error code of the order means here (Appendix 2, item 2): 6 and 101 are seen beyond it: try again. */
enum push_verdict push_verdict_of_code(int code);
/* The code of error in updateBookingDetailsResponse; -1: it tells none. content may be NULL. */
int push_error_code(struct arena *a, struct xml_node *content, const char **message);
/* Text of an element wherever its namespace is, NULL when there is none: answers are read as leniently as requests. */
const char *push_text_below(struct arena *a, struct xml_node *parent, const char *local);
/* A peer's own words, behind a colon, in one line and cut; "" when it said nothing. */
const char *push_peer_words(struct arena *a, const char *text);
