/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the files of this folder share.
 *
 *   client.c   a client, its peers, and whose turn it is
 *   client_call.c  a call from its request to its fn
 *   papers.c   what must be known of a peer before it is called: addresses and files, read on a thread
 *   easy.c     how libcurl is told of a call, and what it tells
 *   multi.c    libcurl's multi interface on the loop
 *   ftp.c      one file of FTP, on a thread
 */
#pragma once

#include "client.h"

#include "arena.h"

#include <curl/curl.h>

#include <stdatomic.h>
#include <stdbool.h>

/* ---- papers ---- */

struct papers {
    struct arena *arena;
    const char *resolve; /* "host:port:address,..." for CURLOPT_RESOLVE; NULL: the host is an address */
    struct span ca, cert, key;
    struct error error;
};

struct peer;
struct papers *papers_without_reading(const struct peer *p); /* NULL: there is something to read */
/* Begins to read, on a thread; papers_home() comes later. */
struct reading *papers_begin(struct peer *p);
void papers_abandon(struct reading *r); /* papers_home() will not come */
void papers_free(struct papers *p);

/* ---- peers ---- */

/* Who is called, for whom, and with what. Turns are taken peer by peer; connections are kept by host and files. */
struct peer {
    struct client *client;
    struct peer *next;
    struct arena *arena;
    const char *key; /* all of what follows in one text */
    const char *host, *port;
    const char *ca_file, *cert_file, *key_file;
    bool is_ftp;
    struct papers *papers;               /* NULL: not read yet */
    uint64_t papers_us, papers_again_us; /* when they were read, when they are to be read anew (UINT64_MAX: never) */
    struct reading *reading;             /* a thread is at it */
    struct client_call *waiting, **waiting_end;
    unsigned ncalls, nworking;    /* all of it; in work, */
    unsigned nkind[CLIENT_KINDS]; /* and of each kind */
};

struct peer_key {
    const char *whose, *scheme, *host, *port;
    const char *ca_file, *cert_file, *key_file;
};
struct peer *client_peer(struct client *c, const struct peer_key *k);
void papers_home(struct peer *p, struct papers *papers);

/* ---- the client ---- */

struct socket_watch;

struct client {
    struct loop *loop;
    CURLM *multi;
    struct timer *multi_timer;
    struct socket_watch *watches;
    struct peer *peers; /* whose turn comes first stands first */
    struct client_call *calls;
    struct ftp_job *ftp;
    unsigned npeers, nworking, nreading, nftp;
};

void client_turn(struct client *c); /* begins what may begin */

/* ---- calls ---- */

enum call_state { CALL_WAITING, CALL_WORKING, CALL_OVER };

/* What libcurl works with; of FTP a thread has it, which may come home when nobody waits for it any more. */
struct transfer {
    struct arena *arena;
    CURL *easy;
    struct curl_slist *headers, *resolve;
    const char *url, *user, *password;
    struct span body;
    bool is_post, is_ftp;
    uint64_t connect_ms, total_ms;
    size_t answer_max_bytes;
    struct buf answer;
    int file, file_errno; /* file -1: octets go to answer */
    size_t file_bytes;
    size_t head_bytes;
    bool is_added, head_is_whole, was_sent, is_again, is_too_long, is_announced;
    atomic_bool has_begun, has_octets, is_abandoned;
    char words[CURL_ERROR_SIZE];
    curl_socket_t open[4]; /* of FTP: 0: none */
    /* the outcome */
    enum client_fate fate;
    int status;
    const char *content_type;
    struct error error;
};

struct client_call {
    struct arena *arena;
    struct client *client;
    struct client_call *next, **link; /* all of the client */
    struct client_call *next_waiting; /* of the peer */
    struct peer *peer;                /* NULL: the request is wrong */
    unsigned kind;
    enum call_state state;
    struct transfer *transfer;
    struct timer *timer; /* the deadline; when it is over, the turn of fn */
    uint64_t until_us, begun_us, connect_ms;
    struct ftp_job *ftp;
    enum client_fate fate; /* when error says that it ended without libcurl */
    struct error error;
    client_fn fn;
    void *arg;
};

void client_call_begin(struct client_call *call); /* its turn has come */
/* The transfer has its outcome, or the call has none: then fate and error are set. */
void client_call_over(struct client_call *call);
void client_call_fail(struct client_call *call, enum client_fate fate, enum err code, const char *words);
void client_call_drop(struct client_call *call); /* without a word; frees it */
void client_call_wait(struct client_call *call); /* sets its deadline anew, by what it waits for */

/* ---- libcurl ---- */

MUST_CHECK bool transfer_open(struct transfer *t, const struct papers *papers); /* false: no memory of libcurl's */
bool transfer_has_left(struct transfer *t);          /* any octet of the request; of FTP, once logged in */
const char *transfer_late_words(struct transfer *t); /* when its deadline is over */
void transfer_end(struct transfer *t, CURLcode rc);  /* reads the outcome */
void transfer_shut(struct transfer *t);              /* of FTP: libcurl's part ends at once */
void transfer_end_curl(struct transfer *t);          /* what libcurl has of it; the answer stays */
void transfer_free(struct transfer *t);

void multi_open(struct client *c);
void multi_close(struct client *c);
void multi_begin(struct client_call *call);
void multi_end(struct client_call *call); /* before the transfer is freed */

void ftp_begin(struct client_call *call);
void ftp_abandon(struct client_call *call); /* takes its transfer */
void ftp_leave(struct client *c);           /* threads that come home find nobody */
