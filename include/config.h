/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * /etc/zapisd/zapisd.conf and its drop-in directory zapisd.conf.d/ (*.conf in name order, later wins). INI; every key
 * is a row of the option table in config_table.h, which holds type, default and whether a reload takes it. An unknown
 * section or key, a bad value, a missing required key: an error with file:line. All mistakes are reported, not only
 * the first. Lines cert = FILE of one sender add up over all files; everything else a later file replaces.
 */
#pragma once

#include "arena.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a listener speaks; X(KIND, word, is_signed, row). What a kind means for a message is struct origin origin_<row>
 * (src/request/origin.h). LISTENER_UNSET counts them; it stands for a kind that was not given, and never leaves
 * config_load() with ERR_OK.
 */
#define LISTENER_KINDS(X)                                                                                              \
    X(SMEV2, "smev2", true, smev2)                                                                                     \
    X(PLAIN, "plain", false, plain)
enum listener_kind {
#define X(kind, word, is_signed, row) LISTENER_##kind,
    LISTENER_KINDS(X)
#undef X
        LISTENER_UNSET
};
extern const char *const listener_kind_words[LISTENER_UNSET];

/*
 * The departures a lenient reading may put right: words of the key `lenient` and labels of zapisd_leniency_total. What
 * each means is said in config_table.h.
 */
#define LENIENCIES(X)                                                                                                  \
    X(namespaces) X(order) X(names) X(unknown) X(arrays) X(values) X(user_kind) X(user_type) X(status) X(date)
enum leniency {
#define X(name) LENIENCY_##name,
    LENIENCIES(X)
#undef X
        LENIENCY_COUNT
};
extern const char *const leniency_names[LENIENCY_COUNT];

/* How the messages of one caller are read, and how its answers are shaped: of a [sender CODE], or of a plain
 * [listener NAME], whose callers have no code. */
enum reading_mode { READING_STRICT, READING_LENIENT };
struct config_reading {
    enum reading_mode mode;       /* reading = strict | lenient */
    bool lenient[LENIENCY_COUNT]; /* lenient = order, names: what a lenient reading puts right; nothing in a strict one
                                   */
    const char *doc_types;        /* doc_types = A, B: beside those of the order; NULL: none */
    bool omit_error_on_success, status_as_text, single_timeslot; /* of answers */
};

struct config_listener { /* [listener NAME] */
    const char *name;
    enum listener_kind kind; /* kind = smev2 | plain */
    const char *address;     /* address = 127.0.0.1:8181 | [::1]:8181 | unix:/path | fd:N */
    const char *path;        /* path = /equeue */
    const char *public_url;  /* public_url: written into the WSDL; NULL: the one that was asked */
    bool allow_remote_plain; /* plain_on_public_address = i-know-it-is-unsigned */
    const char *agency;      /* agency = CODE: only this agency's organizations; optional */
    const char *channel;     /* channel = portal | kiosk | call-centre | walk-in; NULL: by kind */
    const char *tls_cert, *tls_key, *tls_client_ca, *tls_client_crl, *tls_ciphers;
    bool tls_client_required;
    bool require_recipient;        /* require_recipient_signature = yes: an actors/recipient signature by SMEV too */
    struct config_reading reading; /* of a plain listener */
    bool refuse_test_messages;   /* refuse_test_messages = yes: a message with a TestMsg that means a test is a fault */
    bool update_booking_details; /* update_booking_details = yes: serve the portal's own method as well */
    const char *file;
    int line;
};
struct config_agency { /* [agency CODE]: who we are; CODE is the SMEV code */
    const char *code, *name;
    const char *key, *cert; /* PEM; signs answers in its name */
    const char *file;
    int line;
};
/* What in smev:TestMsg makes a message a test: a text other than false and 0 in it, or that it is there at all. */
enum test_message_rule { TEST_MESSAGE_TEXT, TEST_MESSAGE_PRESENT };
struct config_sender { /* [sender CODE]: who may call; CODE is the SMEV code */
    const char *code, *name;
    const char **certs;
    unsigned ncerts;                     /* cert = FILE, may be repeated (key change without a gap) */
    bool is_smev;                        /* smev = yes: this certificate is SMEV's own (actors/recipient) */
    enum test_message_rule test_message; /* test_message = text | present */
    struct config_reading reading;
    const char *file;
    int line;
};

/*
 * How an agency's changes reach the portal (updateBookingDetails, order 329 item 17): [push CODE], CODE of an agency.
 * An agency without one tells the portal nothing: what it has to say waits in the outbox.
 */
enum push_road { PUSH_ROAD_SMEV2, PUSH_ROAD_SMEV3 };   /* road: a signed call to url; through a queue of SMEV 3 */
enum push_revision { PUSH_REV120315, PUSH_REV111111 }; /* revision: of smev:Message */
struct config_push {
    const char *agency; /* whose changes, and in whose name they are signed */
    enum push_road road;
    const char *queue; /* name of a [smev3] of this agency; NULL: none, and the road is smev2 */
    const char *url;   /* http or https; scheme, host, port, path, perhaps a query. NULL with smev3, as the next two */
    const char
        *portal; /* portal = CODE of a sender: the Recipient, and whose certificate must have signed the answer */
    enum push_revision revision;
    const char *service_name;                                     /* NULL in rev111111 */
    const char *service_code, *exchange_type, *type_code, *oktmo; /* service_code, oktmo: may be NULL */
    uint64_t timeout_ms;                                          /* timeout = 30s: of one call */
    unsigned in_flight;                                           /* calls at once */
    uint64_t answer_deadline_ms; /* answer_deadline = 24h: how long it may put its answer off */
    const char *ca;              /* of https, which needs it; else NULL */
    const char *file;
    int line;
};

/*
 * A queue of SMEV 3 that is asked for requests: [smev3 NAME]. Several may be one agency's: one for each version of the
 * exchange, or each kind of request.
 */
enum files_policy { FILES_IGNORE, FILES_FETCH }; /* attachments: headers are kept alone; the files, too */
struct config_files {
    enum files_policy policy;
    const char *server, *dir;     /* ftp://host:port of SMEV's store; where files are kept. NULL without fetch */
    unsigned max;                 /* of one message; beyond: it is refused, */
    uint64_t size_max, sizes_max; /* as with a larger one, or more of them all together: bytes */
    uint64_t timeout_ms;          /* of one delivery, all files */
    unsigned deliveries;          /* after so many without its files the message is stored without them */
};
enum smev3_schema { SMEV3_SCHEMA_1_1, SMEV3_SCHEMA_1_2, SMEV3_SCHEMA_1_3 }; /* version */
struct config_smev3 {
    const char *name;
    const char *agency;   /* whose queue; in whose name calls and answers are signed */
    const char *mnemonic; /* NULL: the code of the agency */
    enum smev3_schema schema;
    const char *endpoint, *endpoint_reserve; /* http or https; the second may be NULL */
    uint64_t switch_after_ms;                /* the one that was of no use so long is left for the other */
    const char *smev;                        /* CODE of a sender with smev = yes: who signs for SMEV */
    const char *node_id;                     /* NULL: none */
    const char *ns, *roots;                  /* namespace, roots: which requests; both NULL: any */
    uint64_t poll_interval_ms;               /* between two questions to an empty queue, and up to half of it more */
    unsigned in_flight;                      /* calls of each kind at once, and messages in work */
    uint64_t timeout_ms;                     /* of one call */
    uint64_t status_after_ms;                /* RequestStatus when an answer takes longer; 0: never */
    bool require_sender_signature; /* a request without a good ЭП-ОВ is refused, an answer stops its row */
    bool refuse_test_messages;     /* a request with a TestMessage is refused */
    bool update_booking_details;   /* serve the portal's own method as well */
    const char *official_key, *official_cert; /* ЭП-СП on what is answered and told; both NULL: none is made */
    struct config_files files;                /* of a request */
    const char *ca;                           /* of https: who may be at the other end */
    const char *channel;                      /* NULL: portal */
    struct config_reading reading;
    const char *file;
    int line;
};

/* Where a key was set: for every line of the files that was understood, in their order. */
struct config_place {
    struct config_place *next;
    const char *section, *name, *key; /* name: "" for sections that have none */
    const char *file;
    int line;
};

struct config {
    const char *path; /* the main file */
    struct config_place *places;
    const char **unread; /* files among the drop-ins that are none by their name */
    unsigned nunread;
    /* [daemon] */
    unsigned workers;          /* 0: one a processor */
    uint64_t drain_timeout_ms; /* drain_timeout = 30s */
    const char *schema_dir, *wsdl_dir, *sql_dir;
    uint64_t request_timeout_ms; /* request_timeout = 15s: from the whole request to the answer */
    unsigned requests_max;       /* in work at once; beyond: 503 */
    /* [log] */
    const char *log_level;
    /* [database] */
    const char *conninfo;
    unsigned db_connections, db_batch_max;
    uint64_t db_acquire_timeout_ms, db_statement_timeout_ms;
    /* [limits] */
    uint64_t body_max_bytes, head_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms;
    unsigned connections_max, pipeline_max;
    size_t buffers_max_bytes;                         /* held for all connections together */
    unsigned slots_max;                               /* TimeSlot elements of one getSlots answer: 20,000 */
    unsigned ref_items_max;                           /* items of one getRefItemsList answer: 10,000 */
    uint64_t answers_max_bytes;                       /* reads in work and their answers, all together: 64 MiB */
    uint64_t refused_peer_bytes, refused_total_bytes; /* kept an hour of what nobody vouches for: 4 MiB, 64 MiB */
    uint64_t repeats_bytes; /* journalled an hour of one signed message that is sent again and again: 256 MiB */
    unsigned filter_depth_max, filter_nodes_max;
    /* [trust] */
    const char *anchors, *chain, *crl;
    bool crl_required, allow_gost2001;
    uint64_t message_age_max_ms; /* message_age_max = 24h: of a signed message, either way; 0: any */
    /* [admin] */
    const char *admin_address; /* 127.0.0.1:8182 */

    struct config_listener *listeners;
    unsigned nlisteners;
    struct config_agency *agencies;
    unsigned nagencies;
    struct config_sender *senders;
    unsigned nsenders;
    struct config_push *pushes;
    unsigned npushes;
    struct config_smev3 *smev3s;
    unsigned nsmev3s;
};

/* path: the main file. ERR_CONFIG: *mistakes has one "file:line: text" a line. */
MUST_CHECK enum err config_load(struct arena *a, const char *path, struct config *out, const char **mistakes,
                                struct error *e);

/*
 * "file:line" of a key, for messages about what it names. nth counts the lines of a repeatable key from 0; CONFIG_LAST:
 * the line that won. Where the key was not set: of its section, else of the main file.
 */
#define CONFIG_LAST (-1)
const char *config_at(struct arena *a, const struct config *c, const char *section, const char *name, const char *key,
                      int nth);
bool config_sets(const struct config *c, const char *section, const char *name, const char *key);

/* Whole copies, strings and all, of sections kept for longer than the configuration they come from: a reload frees it.
 */
void config_reading_copy(struct arena *a, const struct config_reading *from, struct config_reading *to);
void config_push_copy(struct arena *a, const struct config_push *from, struct config_push *to);
void config_smev3_copy(struct arena *a, const struct config_smev3 *from, struct config_smev3 *to);

/* Whether a signature vouches for the messages of this listener; of any listener. */
bool config_is_signed(const struct config_listener *l);
bool config_has_signed(const struct config *c);
/* Whether the daemon signs and verifies at all, on its listeners, towards the portal or at a queue of
 * SMEV 3. */
bool config_needs_trust(const struct config *c);

/* Which keys differ that a reload does not take, as "[section] key, ..."; "" when there are none. */
const char *config_restart_keys(struct arena *a, const struct config *running, const struct config *fresh);

/* The option table as text: for tests, which compare it with the manual page and conf/zapisd.conf. */
struct config_option {
    const char *section, *key, *type, *value_default, *help;
    bool is_reloadable, is_required;
};
const struct config_option *config_options(unsigned *n);
/* The least and the most a number, size or duration of row i may be, as "8MiB to 16384MiB"; NULL: it is none of them.
 */
const char *config_range(struct arena *a, unsigned i);
