/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The subject: the methods of order 329, Appendix 2. Knows no XML, no sockets, no signatures.
 *
 * An operation is a row of booking_ops[]: its name, whether it writes, a check of the fields (no database), the SQL
 * call it makes, and how rows become the answer; it comes from a row of BOOKING_METHODS. The rules that need the
 * database are behind sql/api/<operation>.sql.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "db.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The methods, one row each: whatever goes by method is made of this table (the enum, booking_ops[], the shapes of
 * requests, their readers).
 *
 * X(METHOD, file, name, Type, flags, check)
 *
 * METHOD: BOOKING_<METHOD>. file: src/booking/<file>.c, which has <file>_call and <file>_result. name: SOAPAction, and
 * the element's name before Request and Response. Type: of the schema, before Request and Response. check:
 * <file>_check, or NULL where what the table of fields says (booking_fields.h) is all there is to check.
 */
/* clang-format off */
#define BOOKING_METHODS(X) \
    X(GET_SLOTS, get_slots, getSlots, GetSlots, OP_SERVED | OP_ASKS_BOOKS, get_slots_check) \
    X(BOOK, book, book, Book, OP_WRITES | OP_SERVED | OP_REMEMBERS, book_check) \
    X(GET_BOOKING_STATUS, get_booking_status, getBookingStatus, GetBookingStatus, OP_SERVED, NULL) \
    X(CANCEL_BOOKING, cancel_booking, cancelBooking, CancelBooking, OP_WRITES | OP_SERVED, NULL) \
    X(GET_REFS_LIST, get_refs_list, getRefsList, GetRefsList, OP_SERVED, NULL) \
    X(GET_REF_ATTRIBUTES_LIST, get_ref_attributes_list, getRefAttributesList, GetRefAttributesList, \
      OP_SERVED | OP_ASKS_BOOKS, NULL) \
    X(GET_REF_ITEMS_LIST, get_ref_items_list, getRefItemsList, GetRefItemsList, OP_SERVED | OP_ASKS_BOOKS, \
      get_ref_items_list_check) \
    /* By the order ours to call at the portal; served where the configuration says so (A2). */ \
    X(UPDATE_BOOKING_DETAILS, update_booking_details, updateBookingDetails, UpdateBookingDetails, OP_WRITES, \
      update_booking_details_check)
/* clang-format on */
enum {
    OP_WRITES = 1,     /* journalled in its own transaction; otherwise before the answer leaves */
    OP_SERVED = 2,     /* everywhere; otherwise where the listener says so */
    OP_ASKS_BOOKS = 4, /* a read whose values SQL looks up in reference books: asked even when fields are bad (M10) */
    OP_REMEMBERS = 8,  /* a write that keeps what was wrong: called beyond a bound, too, with what is within */
};
enum booking_method {
#define X(METHOD, file, name, Type, flags, check) BOOKING_##METHOD,
    BOOKING_METHODS(X)
#undef X
        BOOKING_METHOD_COUNT
};

struct strings {
    const char **items;
    unsigned n;
};

struct attribute {
    const char *name;
    const char *value;
};
struct attributes {
    struct attribute *items;
    unsigned n;
};

/* Items 4 to 6: a condition on an attribute, or several predicates under AND or OR. */
struct predicate {
    enum { PREDICATE_NEITHER, PREDICATE_SIMPLE, PREDICATE_UNION, PREDICATE_BOTH } kind;
    const char *attribute_name, *condition, *value; /* simple */
    bool check_all_values;
    const char *union_kind; /* union */
    const struct predicate *subs;
    unsigned nsubs;
};

/* Item 7. Empty strings and absent elements are both NULL here. */
struct user_document {
    const char *doc_type, *doc_series, *doc_number, *issue_date, *valid_date, *issued_by, *issue_dept;
};

/* The applicant block of items 18 and 19. */
struct applicant {
    const char *last_name, *first_name, *middle_name, *email, *mobile_phone, *user_snils, *user_login;
    const struct user_document *user_doc; /* NULL when absent */
    const char *user_inn, *business_inn, *business_ogrn, *business_name, *case_number;
};

struct time_slot {
    const char *slot_id, *service_id, *organization_id, *area_id, *visit_time, *book_end_time, *queue_number, *duration;
    struct attributes attributes;
    int64_t
        visit_at_s; /* of an answer: what visit_time tells, seconds since 1970; duration_min: -1 where none is told */
    int duration_min;
};

/* A request of any method; each uses the members its table in Appendix 2 has. */
struct booking_request {
    enum booking_method method;
    const char *book_id, *esia_id;
    struct strings slot_ids, organization_ids, service_ids, area_ids; /* book: exactly one organization */
    const char *user_type, *user_kind;
    struct applicant applicant;
    bool preliminary;
    const char *preliminary_period_min; /* decimal digits, or NULL */
    struct attributes attributes;
    const struct predicate *filter;              /* NULL when absent */
    unsigned filter_depth_max, filter_nodes_max; /* unions inside each other; predicates in all; 0: 8 and 200 */
    /* reference books */
    struct strings ref_names; /* getRefItemsList: exactly one */
    const char *parent_ref_item_value, *tree_filtering;
    struct strings select_attributes, order_by;
    const char *page_num, *page_size; /* decimal digits */
    const char *version;
    /* updateBookingDetails */
    const struct time_slot *timeslot; /* NULL when absent */
    const char *status_code, *status_message;
    /* Not of the message: what this caller may use as docType beside the order's values (A9), with commas between */
    const char *doc_types;
    bool in_any_case; /* and whether names of reference books may be spelled in any case (A5) */
};

/* Item 3: 1 bad value, 2 not in the reference book. */
struct field_error {
    const char *field;
    int code;
    const char *message;
};
struct field_errors {
    struct arena *arena;
    struct field_error *items;
    unsigned n, cap;
    bool is_beyond; /* a bound is exceeded: SQL is not asked, nothing of the request goes there */
};
/* The order's own words for code 1; what the schema's violations are called. */
#define FIELD_BAD_VALUE "Недопустимое значение поля"
#define FIELD_REQUIRED  "Не заполнено обязательное поле"
/* One per field and code: the first text stays, but any text is better than FIELD_BAD_VALUE. Strings are kept, not
 * copied. */
void field_errors_add(struct field_errors *f, const char *field, int code, const char *message);
bool field_errors_name(const struct field_errors *f, const char *field);
/* A value, a list or a tree beyond its bound (L2): code 1, and is_beyond. */
void field_errors_beyond(struct field_errors *f, const char *field, const char *message);

struct ref_info {
    const char *name, *title, *kind;
};
struct ref_attribute_info {
    const char *ref_name, *name, *title, *type, *attr_ref_name;
    bool allow_filtering;
};
struct ref_item {
    const char *parent_item;
    struct ref_item *children;
    unsigned nchildren;
    struct attributes attributes;
};

/* An answer of any method, the error structure of items 1-3 included. */
struct booking_reply {
    enum booking_method method;
    const char *book_id, *esia_id;            /* echoed byte for byte */
    const char *status_code, *status_message; /* NULL: no status */
    struct time_slot *slots;
    unsigned nslots;
    struct ref_info *refs;
    unsigned nrefs;
    struct ref_attribute_info *ref_attributes;
    unsigned nref_attributes;
    struct ref_item *items;
    unsigned nitems;
    const char *total_items, *version;
    bool is_respelled;         /* a reference book was asked for by its name in another case */
    int error_code;            /* 0 ok .. 5 up to date */
    const char *error_message; /* Russian */
    struct field_errors fields;
};

/*
 * Minutes from the start of the first of these intervals (of an answer) to the end of the last one, as text; NULL when
 * the length of one is not known.
 */
const char *booking_visit_minutes(struct arena *a, const struct time_slot *slots, unsigned n);

/*
 * One change that the portal is to be told, as it was when it was made (item 17): a row that the outbox gives out.
 * Empty and absent are both NULL.
 */
struct booking_update {
    int64_t outbox_id, attempt; /* a result of an earlier attempt is not taken */
    const char *agency_code;    /* in whose name */
    const char *message_id;     /* of the message made for it before; NULL: none was, and octets are empty */
    struct span octets;         /* that message, signed: what is sent again is the same */
    const char *book_id, *esia_id, *status_code, *status_message;
    const struct time_slot *timeslot; /* the one interval of the whole visit (A6); NULL: nothing is told of it */
};
/* Strings are copied into a. ERR_INTERNAL for a row of another form. */
MUST_CHECK enum err booking_update_read(struct arena *a, const struct db_result *res, unsigned row,
                                        struct booking_update *out, struct error *e);

/* What is journalled with the call, and what keys idempotency (B6). Times are ours; the portal's stay in the body. */
struct booking_message {
    const char *listener, *channel; /* portal, kiosk, call-centre, walk-in */
    const char *peer;
    const char *sender_code;    /* verified; "" on a plain listener */
    const char *recipient_code; /* the agency's SMEV code; "" on a plain listener that serves all */
    const char *message_id;     /* never empty: smev:MessageId, or made by us (see request.h) */
    const char *method;
    const char *verdict;      /* "good", "unsigned", or the name of the error */
    const char *portal_time;  /* smev:Date as sent where it is an instant, else NULL (item 15) */
    const char *case_number;  /* of smev:Message where it fits (booking_check_case_number), else NULL */
    unsigned char digest[32]; /* SHA-256 of the verified octets: same id with another digest is ERR_REUSED */
    int64_t received_us;      /* wall clock */
    unsigned slots_max;       /* TimeSlot elements of one getSlots answer; 0: 20,000 */
    unsigned ref_items_max;   /* items of one getRefItemsList answer; 0: 10,000 */
    bool test;                /* smev:TestMsg: answer as usual, no lasting effect */
    struct span body;         /* the request as it came */
    bool by_id;               /* sender and message_id are all its name; else what its sender signed is one, too */
};

struct booking_op {
    const char *name; /* "book": SOAPAction, and the element name before Request/Response */
    bool is_write, is_served, asks_books, remembers; /* OP_WRITES, OP_SERVED, OP_ASKS_BOOKS, OP_REMEMBERS */
    /* Adds every bad field to f that its rules find. Part of booking_check(); NULL: it has no rules of its own. */
    void (*check)(const struct booking_request *r, struct field_errors *f, struct arena *a);
    /* The SQL call. bad: the fields found wrong so far; a write passes them on so that nothing is booked. With
     * bad->is_beyond only of an operation that remembers, after booking_keep_fit(). */
    struct db_call (*call)(const struct booking_request *r, const struct booking_message *m,
                           const struct field_errors *bad, struct arena *a);
    /*
     * Rows to answer. out is zero but for out->fields, which may hold what the checks found (with an arena): rows add
     * to it. An answer that tells of success in spite of bad fields is ERR_INTERNAL, so that its transaction is rolled
     * back.
     */
    enum err (*result)(const struct booking_request *r, const struct db_result *res, struct booking_reply *out,
                       struct arena *a, struct error *e);
};
extern const struct booking_op booking_ops[BOOKING_METHOD_COUNT];
/* NULL: no such operation. Whether it is served is a question of is_served and the listener. */
const struct booking_op *booking_op_by_name(const char *name, enum booking_method *method);

/* What the table of fields says, then the rules of the operation: adds every bad field to f. With f->is_beyond op->call
 * must not be made, unless the operation remembers. */
void booking_check(const struct booking_request *r, struct field_errors *f, struct arena *a);
/*
 * A case number that came beside the request (smev:CaseNumber) has the bounds of caseNumber (docs/limits.md): adds what
 * is wrong with it to f, as CaseNumber; true: it fits. NULL fits.
 */
bool booking_check_case_number(const char *value, struct field_errors *f);
/* Is there no character in it that nobody sees (docs/limits.md)? */
bool booking_text_is_seen(const char *s);
/* Takes out of r what bad names and all that a person has filled in; bookId and esiaId stay for the echo, and op->call
 * leaves them out when bad names them. So r is within its bounds. */
void booking_keep_fit(struct booking_request *r, const struct field_errors *bad);

/* What a write's rows say besides the answer. Read it before op->result. */
struct booking_outcome {
    enum { OUTCOME_NEW, OUTCOME_REPLAY, OUTCOME_REUSED } kind;
    const char *journal_id, *journal_at; /* OUTCOME_NEW: where the answer goes */
    struct span stored;                  /* OUTCOME_REPLAY: the signed answer, byte for byte */
};
MUST_CHECK enum err booking_outcome_read(struct arena *a, const struct db_result *res, struct booking_outcome *out,
                                         struct error *e);

/* The answer for bad fields found before a database was needed (reads), and for a readable request that failed. */
void booking_reply_error(const struct booking_request *r, int error_code, const char *message,
                         const struct field_errors *f, struct booking_reply *out);

/* Of rows of getSlots: octets of long texts that several intervals share, once for each of them; 0 of rows not read.
 */
size_t booking_shared_bytes(const struct db_result *res, struct arena *a);

/* locks the bookings of several writes that share a transaction, before them all */
struct db_call booking_lock(const char *const *book_ids, unsigned n, struct arena *a);
/* journal of the signed answer, in the transaction of its write */
struct db_call booking_journal_reply(const struct booking_outcome *o, struct span answer, const char *status,
                                     struct arena *a);
/* the signed answer this message had before ("stored"; no row: it had none), without asking what it would do now */
struct db_call booking_recall(const struct booking_message *m, struct arena *a);
/* journal of a whole exchange (reads, faults), outside of any other transaction; is_kept: see struct db_call */
struct db_call booking_journal_exchange(const struct booking_message *m, struct span answer, bool is_kept,
                                        const char *status, struct arena *a);
/* likewise of what changed nothing, but remembered (a read of a queue): one row as booking_outcome_read() takes it */
struct db_call booking_journal_answer(const struct booking_message *m, struct span answer, bool is_kept,
                                      const char *status, struct arena *a);

/* A row of the journal of what nobody vouches for (J4). */
struct booking_refused {
    const char *listener, *peer, *request_id;
    const char *reason; /* name of the error; "not kept": counts messages that found no room */
    uint64_t messages;  /* 1, or how many were not kept */
    uint64_t bytes;     /* of all of them */
    struct span digest; /* SHA-256 of the message; empty when it stands for many */
    struct span head;   /* all of a short message, the beginning of a long one */
    struct span answer;
};
/* head and answer are not copied: is_kept of struct db_call */
struct db_call booking_journal_refused(const struct booking_refused *r, struct arena *a);

/* Of a date without its zone. */
#define DATE_LENGTH 10
/* Pure checks (booking/rules.c); true when the value may stand. Cited clause by clause there. */
bool rule_snils(const char *s);                           /* 11 digits, blanks and hyphens allowed, check number */
bool rule_inn_person(const char *s);                      /* 12 digits, two check digits */
bool rule_inn_business(const char *s, bool entrepreneur); /* 10 digits; 12 for an entrepreneur */
bool rule_ogrn(const char *s);                            /* 13 digits, check digit */
bool rule_ogrnip(const char *s);                          /* 15 digits, check digit */
bool rule_phone(const char *s, char out[12]); /* 7XXXXXXXXXX once everything but digits is gone; written to out */
bool rule_email(const char *s);
bool rule_date(const char *s);    /* YYYY-MM-DD, a day that exists; a zone may stand behind it */
bool rule_book_id(const char *s); /* UUID, or 1 to 19 digits (A1) */
