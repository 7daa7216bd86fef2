/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Where messages come from: one row a wire. What is special about a wire stands in its row and nowhere else; the steps
 * ask the row. To add one: its row and functions in origin_<name>.c, a kind in include/config.h when a listener may
 * speak it, and a carrier when its messages do not come over HTTP.
 */
#pragma once

#include "config.h"
#include "net.h"

#include <stdbool.h>

struct request;
struct xml_node;

/* How messages come and answers leave. On the loop. A request has its carrier until send() or abandon(). */
struct carrier {
    /* work(r) on a worker, in the turn of whoever sent it; then done(r) on the loop. */
    void (*work)(struct request *r, loop_fn work, loop_fn done);
    bool (*is_gone)(const struct request *r); /* nobody is there to take the answer; asked again and again */
    void (*send)(struct request *r);          /* answer_octets; none: the message stays without an answer */
    void (*abandon)(struct request *r);       /* the end of the daemon: no answer will be made. Harmless after send() */
    /* Nobody waits: the message is stored, the error table says what it is told (QUEUE_VERDICTS), and its answer is
     * committed before it is sent (keep.c). */
    bool is_queue;
};

/* A file of wsdl_dir that describes the wire, and what ?wsdl= calls it: a revision of SMEV. NULL: there is but one. */
struct description {
    const char *revision, *file;
};

struct origin {
    bool reads_octets;                      /* `verify` reads the body itself: no `prescan`, no `parse` */
    const char *channel;                    /* who books there, when the listener's configuration says nothing */
    const char *verdict;                    /* on a message whose steps went well, for the journal */
    const struct description *descriptions; /* the first is what ?wsdl gets; ended by file NULL */
    const struct carrier *carrier;

    /*
     * From doc: soap_body is what its sender vouches for, and all that later steps see; message.digest is the digest of
     * that. sender is who signed; NULL where nobody does.
     */
    enum err (*verify)(struct request *r);
    /* From soap_body: reading, agency and bare, and frame when there is one; *element is the name of the method's
     * element. */
    enum err (*unwrap)(struct request *r, const char **element);
    /* When the method is known: may it be done by such a message? is_ping: it only asks whether we are there. */
    enum err (*accept)(struct request *r);
    const char *(*message_id)(struct request *r); /* what the message is called; see request.h */
    /* Somebody answers for it: a signer who is known, or on an unsigned wire whoever may reach the listener. */
    bool (*is_vouched)(const struct request *r);
    /* From content to answer: envelope, frame and signature around it. element NULL: the fault that `failed` says. */
    enum err (*wrap)(struct request *r, const char *element);
    /* On a worker, of an answer that is given once more (answer_octets): what must be known of it. NULL: nothing. */
    enum err (*recognize)(struct request *r);
};

#define X(kind, word, is_signed, row) extern const struct origin origin_##row;
LISTENER_KINDS(X)
#undef X
extern const struct origin origin_smev3;
extern const struct carrier carrier_http, carrier_queue;
const struct origin *origin_of(enum listener_kind kind);

/* For the rows: signatures that are there are good, and those that are required are there. Sets wsse. */
enum err origin_verify_signatures(struct request *r, bool requires_smev, bool requires_recipient);
enum err origin_digest(struct request *r, struct span covered); /* sets message.digest */
/* Of the method's element, with nothing of a frame around it: is it one of the service's? bare and *element are set. */
enum err origin_peel(struct request *r, struct xml_node *content, const char **element);
