/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * HTTP/1.1 framing and answers, without sockets: what conn.c feeds and what the tests and the fuzzer call.
 *
 * The parser is a function of bytes alone: fed whole or one byte at a time it gives the same events. It is narrower
 * than RFC 9112 wherever two readers of one message have been known to disagree about where it ends.
 */
#pragma once

#include "buf.h"
#include "net.h"

enum http_event {
    HTTP_EV_MORE,    /* all bytes taken, nothing whole yet */
    HTTP_EV_HEAD,    /* the head is accepted and a body follows */
    HTTP_EV_REQUEST, /* a whole request: http_parser_take() it, then feed on */
    HTTP_EV_REFUSED, /* see http_parser_refusal(); the rest of the stream means nothing any more */
};

enum http_phase { HTTP_PHASE_IDLE, HTTP_PHASE_HEAD, HTTP_PHASE_BODY, HTTP_PHASE_REFUSED };

struct http_refusal {
    int status;
    const char *reason; /* static text; tells the peer what was wrong with the framing, nothing else */
    const char *path;   /* for the log, when it was read: valid as long as the parser; NULL otherwise */
};

/* Offsets into the head; both texts are NUL-terminated once the head is whole. */
struct http_field {
    size_t name;
    size_t name_n;
    size_t value; /* without the white space around it */
    size_t value_n;
};

/* A request that is being read, or has been. Everything in it but the body, itself included, lives in its arena. */
struct http_message {
    struct arena *arena;
    struct buf head;
    struct buf body; /* grows by itself, see body.c; has no arena */
    struct http_field *fields;
    unsigned field_count;
    const char *method;
    const char *path;
    const char *query;
    const char *authority; /* of an absolute target; NULL: it is a path */
    int version_minor;     /* 0, or 1 and whatever is said to be later */
    bool keep_alive;
    bool expects_continue;
    bool chunked;
    bool has_length;
    uint64_t length;
};

struct http_parser *http_parser_new(const struct http_limits *limits); /* limits must outlive it */
void http_parser_free(struct http_parser *p);                          /* NULL is allowed */
/* Takes bytes up to the next event; *used says how many. HTTP_EV_MORE means all of them. */
enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t n, size_t *used);
/* After HTTP_EV_REQUEST: the caller owns the message and the parser forgets it. */
struct http_message *http_parser_take(struct http_parser *p);
const struct http_message *http_parser_message(const struct http_parser *p); /* the one being read, or NULL */
struct http_refusal http_parser_refusal(const struct http_parser *p);
enum http_phase http_parser_phase(const struct http_parser *p);
/* The request being read, or refused, is a HEAD: its answer, whatever it says, has no content. */
bool http_parser_is_head(const struct http_parser *p);

void http_message_free(struct http_message *m); /* NULL is allowed */
const char *http_message_header(const struct http_message *m, const char *name);

size_t http_message_bytes(const struct http_message *m); /* memory it holds */

/* Asked before a body takes so many bytes more of memory; false: the request is refused with 503. */
typedef bool (*http_grow_fn)(void *arg, size_t more);
#define HTTP_REASON_NO_ROOM "no memory is left for unfinished requests"
void http_parser_ask(struct http_parser *p, http_grow_fn may_grow, void *arg);
void http_parser_give_up(struct http_parser *p, int status, const char *reason); /* drops what has come */
size_t http_parser_bytes(const struct http_parser *p);                           /* held by the unfinished request */

/* ---- bodies (body.c) ---- */

size_t body_capacity_for(const struct buf *b, size_t n); /* what n bytes more will make it */
void body_add(struct buf *b, const char *p, size_t n);
void body_free(struct buf *b);

/* ---- the head, line by line (http_head.c) ---- */

bool http_is_token_char(char c); /* RFC 9110 section 5.6.2 */
MUST_CHECK bool http_head_request_line(struct http_message *m, size_t start, size_t n, struct http_refusal *r);
MUST_CHECK bool http_head_field_line(struct http_message *m, size_t start, size_t n, const struct http_limits *limits,
                                     struct http_refusal *r);
/* What the fields mean together: is there a body, how long, does the connection stay. */
MUST_CHECK bool http_head_settle(struct http_message *m, const struct http_limits *limits, struct http_refusal *r);
void http_head_terminate(struct http_message *m); /* puts the NULs in; the head is no longer HTTP after it */

/* ---- the chunked coding (http_chunk.c) ---- */

struct http_chunk {
    int state;
    unsigned digits;
    unsigned extensions; /* bytes of them in this body */
    uint64_t left;       /* of the chunk */
    uint64_t total;      /* of the body so far, announced */
};
/* Walks over framing and the next piece of data; true: *used bytes are in order, *piece of them (n 0: none) are data.
 * *done: they end the body. */
MUST_CHECK bool http_chunk_walk(struct http_chunk *c, const char *data, size_t n, uint64_t total_max, size_t *used,
                                struct span *piece, bool *done, struct http_refusal *r);

/* ---- answers (http_answer.c) ---- */

#define HTTP_DATE_SIZE 30
void http_date_format(int64_t wall_s, char out[HTTP_DATE_SIZE]); /* "Sun, 06 Nov 1994 08:49:37 GMT", in any locale */
const char *http_status_text(int status);
/* Status line and headers with the empty line behind them. */
void http_answer_head(struct buf *out, const struct http_response *r, const char *date, bool close);
