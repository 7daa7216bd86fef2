/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Queues of SMEV 3 from the inside. queues.c has all of them and their clock; queue_source.c is one of them: where it
 * stands and what it may do next; queue_poll.c, queue_ack.c and queue_send.c are the three kinds of calls
 * (adapter.h), queue_names.c the names that are asked for; queue_files.c and queue_store.c what becomes of a message
 * between the first two (queue_drafts.c: and of a file that is none), queue_refused.c what is not SMEV's,
 * queue_unread.c what of that was given up by hand; queue_look.c takes what is due out of the inbox, queue_work.c has
 * it worked on, queue_answer.c signs, queue_status.c tells who waits long, queue_refusal.c whether SMEV takes what we
 * tell it; queue_write.c tells the database, queue_state.c asks it.
 */
#pragma once

#include "queue.h"

#include "adapter.h"
#include "clock.h"

#include "file_store.h"
#include "inbox_doors.h"

#define QUEUE_TICK_MS       200
#define QUEUE_DRAIN_TICK_MS 20
#define QUEUE_LOOK_US       2000000u /* from one look into the inbox to the next when nothing is known to be there */
#define QUEUE_UNACKED_US    10000000u
#define QUEUE_STATE_US      10000000u
#define QUEUE_STATED_US     1000000u /* who reads on and on has it asked so often */
#define QUEUE_TOLD_US       60000000u
#define QUEUE_REFUSAL_US    900000000u /* what was not refused again in that time is refused no more */
#define QUEUE_FAULT_SIZE    64
#define QUEUE_OF_USE_US     UINT64_C(600000000) /* SMEV brings it again after 15 minutes */
#define QUEUE_HELD_MOST     16u                 /* messages that somebody holds, and the queue is asked all the same */
#define QUEUE_LOOKS_MAX     2                   /* sessions that look, of all queues together */
#define QUEUE_NO_REPLY_TO   "REPLY_TO"          /* a refusal that cannot be sent: it has no address */
#define QUEUE_RECIPIENT     "RECIPIENT" /* nor this one, with whom it names and what else is the matter behind it */
#define QUEUE_INCLUDE       "INCLUDE"   /* a refusal that the steps say: the method answers for itself */
#define QUEUE_BROKEN_MAX    64          /* messages whose files were not given, that are remembered */

/* What is counted, since the start. */
struct queue_counts {
    uint64_t polls[ADAPTER_RESULTS];
    uint64_t stored_new, stored_known, stored_other, refused, unkept, rejected;
    uint64_t acks, acks_failed;
    uint64_t worked[3]; /* answered, again, parked */
    uint64_t sent, sent_again, sent_parked, renewed, statuses;
    uint64_t files_kept, files_refused, files_again, files_parked, files_own, files_put_off; /* the first: of files */
};

/* What the database says of a source, of all instances. */
struct queue_standing {
    int64_t unacked, unacked_s, unanswered, unanswered_s, unsent, unsent_s, parked, unread, unread_answers, to_say;
    int64_t foreign_answers, refused_answers; /* to nothing of ours; ours, of parked, that SMEV refused late */
    char foreign_id[UUID_TEXT_SIZE];
    char unread_id[UUID_TEXT_SIZE]; /* what one of those claims; "": none was found */
};

/* A message whose files were not given, by its id. */
struct queue_broken {
    char id[UUID_TEXT_SIZE];
    unsigned times;
    uint64_t seen_us;
    bool is_over; /* with files or without, it is stored */
};

/* How SMEV refuses what we tell it, whatever it gives us meanwhile. */
struct queue_refusal {
    char fault[QUEUE_FAULT_SIZE]; /* "": it takes it */
    char told[QUEUE_FAULT_SIZE];  /* what of it the database knows */
    uint64_t seen_us, told_us;
    struct arena *telling;
};
enum queue_word { QUEUE_WORD_ACK, QUEUE_WORD_RESPONSE, QUEUE_WORDS };

struct queue_source {
    struct queue_source *next;
    struct queues *queues;
    struct arena *arena;
    struct config_smev3 conf; /* strings of its arena */
    enum smev3_version version;
    struct source source;
    struct queue_name *names; /* queue_names.c: that are asked for; none: whatever there is */
    unsigned nnames;
    bool is_retired; /* the configuration has it no more: it finishes */
    struct adapter_peer peer;
    /* questions */
    struct adapter_pace pace;
    unsigned polls;
    char fault[QUEUE_FAULT_SIZE]; /* why nothing was given; "": all is well */
    char detail[200];             /* of it, as the log has it; "": none */
    char told[QUEUE_FAULT_SIZE];  /* what of it the database knows */
    uint64_t told_us, good_us;    /* when it was told, when SMEV last answered; 0: never */
    struct adapter_day refused, unheard;
    struct queue_refusal refusals[QUEUE_WORDS];
    uint64_t untrusted_us; /* when somebody strange has signed last; 0: SMEV has since */
    uint64_t unheard_us;   /* since when SMEV has answered no call from here; 0: it does */
    struct queue_fetch *fetches;
    struct queue_fetch *for_files, **last_for_files; /* that wait for a place there, first come first */
    unsigned nfor_files;
    size_t for_files_size;
    struct queue_status *statuses; /* under way */
    struct queue_broken fileless[QUEUE_BROKEN_MAX];
    struct queue_kept *kept, **last_kept; /* what the database did not take, first come first */
    unsigned nkept;                       /* with those that it is told now */
    uint64_t kept_due_us;
    uint64_t fetch_moved_us; /* when fetching files of a message last began or ended */
    uint64_t files_own_us;   /* when a file could not be kept here last; 0: one was since */
    uint64_t sweep_due_us;   /* when drafts are looked for again */
    int64_t clock_offset_us; /* ours ahead of SMEV's, when it last delivered */
    uint64_t clock_told_us;  /* when that was; 0: never */
    /* what is under way */
    unsigned fetching, storing, refusing, acking, rejecting, working, sending, writing;
    unsigned nstatuses, nbehind; /* of statuses; answers that wait for one of them, and are not counted as being sent */
    unsigned held;               /* of those that are stored: that somebody holds at a console */
    unsigned taking;             /* of those that are stored: to be worked on at once */
    unsigned to_send;            /* of those that are worked on: the answer is sent at once */
    bool is_behind;              /* something may be due in the inbox that nobody has in hand */
    bool is_looking;
    struct arena *look, *telling, *slow, *saying, *waking; /* while that lasts; NULL */
    bool lacks_key;                                        /* something may wait in the inbox for a key of ours */
    uint64_t wake_due_us;
    uint64_t look_due_us, unacked_due_us, slow_due_us;
    struct queue_counts counts;
    struct queue_standing standing;
};

struct queue_write;
struct queues {
    struct arena *arena;
    struct loop *loop;
    struct db_pool *db;
    struct service *service;
    struct keyring *keys; /* whose queues these are */
    struct timer *tick;
    struct queue_source *sources;
    struct client *client;
    struct adapter *adapter;
    struct queue_job *jobs;
    char owner[64];
    uint64_t request_timeout_ms;
    unsigned looks, fetching, taking;
    bool is_stopped, is_over; /* nothing begins; nothing goes on */
    loop_fn drained;
    void *drained_arg;
    void (*on_heard)(void *arg, const char *section); /* SMEV gives messages again; NULL: nobody wants to know */
    void *heard_arg;
    /* queue_write.c */
    struct queue_write *writes, **last_write;
    struct queue_write *held, **last_held; /* whose row somebody holds */
    struct queue_write *batch;
    struct timer *late;
    struct db_session *session;
    bool is_writing;
    /* the question how all of them stand */
    struct db_session *state_session;
    bool is_asking_state;
    unsigned reading, asked_reading,
        told_reading; /* of the configuration: which there is, and whose sections are told */
    uint64_t state_due_us, stated_us, sections_us; /* when the database was told which sections there are */
    struct db_locked locked;                       /* rows or tables of the inbox */
    struct arena *unserved_in;
    const char *unserved; /* of it: sections that are no more and have messages: "old (3), ..."; "": there are none */
    int64_t unserved_messages;
};

/* ---- queue_source.c ---- */

struct queue_source *queue_source_new(struct queues *q, const struct config_smev3 *conf);
bool queue_source_is_same(const struct queue_source *s, const struct config_smev3 *conf);
bool queue_source_is_idle(const struct queue_source *s);
bool queue_source_is_drained(const struct queue_source *s); /* but for calls that a drain does not wait for */
void queue_source_go(struct queue_source *s);               /* whatever is due */
/* fault NULL: SMEV answers as it should. */
void queue_source_set_fault(struct queue_source *s, const char *fault, const char *detail);
/* Of each call that is over: whether SMEV is to be reached from here. Who cannot leaves what others can send to them.
 */
void queue_source_heard(struct queue_source *s, const struct adapter_call *c);
bool queue_source_is_cut_off(struct queue_source *s);
void queue_source_lacks_key(struct queue_source *s); /* something failed so: due as soon as all can sign */
void queue_source_hope(
    struct queue_source *s); /* the configuration was read anew: no trouble of before is waited for */

/* ---- queue_refusal.c: what SMEV says of what we tell it ---- */

/* Of an Ack or a SendResponse that is over: a fault that means us, or that nobody foresaw, is told at once. */
void queue_refusal_judge(struct queue_source *s, const struct adapter_call *c);
/* Of each: what is refused now, and by what fault; NULL: it is taken. */
const char *queue_refusal_now(const struct queue_source *s, enum queue_word which);
extern const char *const queue_refusal_words[QUEUE_WORDS]; /* as the protocol calls them */
void queue_refusals_free(struct queue_source *s);

/* ---- the three kinds ---- */

/* A call of this source, which is its owner. */
struct adapter_call *queue_call(struct queue_source *s, enum smev3_op op, adapter_fn done, void *arg);

void queue_poll_begin(struct queue_source *s);
/* is_left: its row may have been passed over for being locked by this. */
void queue_ack_begin(struct queue_source *s, int64_t inbox_id, const char *ack_id, bool is_left);

/* ---- queue_names.c ---- */

void queue_names_read(struct queue_source *s);
void queue_names_hope(struct queue_source *s);
void queue_name_ask(struct queue_source *s, struct smev3_selector *out); /* whose turn it is */
void queue_name_answered(struct queue_source *s, const struct adapter_call *c, bool has_more);
/* An empty answer, or a name that is unknown: the next question is at once while another one gives, or in that part of
 * the interval that is one name's. */
void queue_names_rest(struct queue_source *s);
/* It waits by itself, while the others are asked for; false: it is nothing of that kind, or there are no others. */
bool queue_name_is_unknown(struct queue_source *s, const struct adapter_call *c);
/* The first that SMEV did not know when it was asked for last; NULL: none. */
const char *queue_name_unknown(const struct queue_source *s);

/* ---- queue_store.c ---- */

/* A message, its files and the call it came by; then it is acknowledged. c is freed. */
void queue_store(struct adapter_call *c);
/* What the database did not take is tried again while it is of use. */
void queue_store_go(struct queue_source *s);
/* What is refused without being looked at; NULL: the steps say what becomes of it. */
const char *queue_store_refusal(const struct adapter_call *c);
const char *queue_mnemonic(const struct config_smev3 *conf); /* by which SMEV knows us */

/* ---- queue_files.c, queue_file.c, queue_drafts.c ---- */

/* A file was asked of the store, once; in the arena of the message's call. */
struct queue_file_call {
    struct queue_file_call *next;
    const char *url, *outcome;
    const struct file_kept *kept; /* what it turned out to be; NULL: it was not had */
    const char *verdict;          /* of its Hash; NULL: it was not had */
};
/* A message whose files are fetched, or were: the arg of its call (NULL: no file of it is asked for), in its arena. */
struct queue_fetch {
    struct queue_fetch *next, **link; /* of the source, while it lasts */
    struct queue_source *source;
    struct adapter_call *call;
    struct file_kept *kept;                     /* as many as it has files; name "": it is not kept. NULL: none is */
    const char *refusal, *parked;               /* what they make of the message; NULL: nothing */
    struct queue_file_call *calls, **last_call; /* in order */
    const char *url;                            /* of the last of them */
    unsigned at, tries, goes;                   /* goes: how often it has given way */
    uint64_t came_us;
    uint64_t until_us,
        again_us;   /* until_us 0: nothing was asked yet; again_us: of the next try; 0: something is under way */
    uint64_t bytes; /* of what is kept already */
    struct file_draft draft;
    struct client_call *http;
    enum err err; /* of a thread */
    struct error error;
    bool is_other; /* it is not the file that was signed */
};

#define QUEUE_WAITS_MAX  64 /* messages of one queue that wait for a place, */
#define QUEUE_WAITS_SIZE ((size_t)4 << 20)

/* ---- queue_places.c: messages whose files are fetched, and the line of those that wait for a place ---- */
bool queue_places_are_full(const struct queue_source *s);
void queue_place_take(struct queue_fetch *f);
bool queue_place_may_wait(const struct queue_source *s, const struct adapter_call *c);
void queue_place_wait(struct queue_fetch *f);
struct queue_fetch *queue_place_next(struct queue_source *s); /* who waits longest */
void queue_place_put_off(struct queue_source *s, struct adapter_call *c);
void queue_place_drop(struct queue_fetch *f);
void queue_places_go(struct queue_source *s, uint64_t now_us); /* who is silent gives way, who waits begins */
void queue_fetch_begin(struct queue_fetch *f);
void queue_fetch_over(struct queue_fetch *f);

/* Fetches the files of a message where that is asked for, and stores it; or lets it go: it comes again. c is freed. */
void queue_files_begin(struct adapter_call *c);
void queue_files_go(struct queue_source *s);
bool queue_files_wait(const struct queue_source *s); /* messages that were delivered of late: the store gave no files */
bool queue_files_cannot_be_kept(const struct queue_source *s); /* here, of late */
bool queue_files_hold(const struct queue_source *s); /* the queue is not asked: there may be no place for files */
void queue_files_end(struct queue_source *s);        /* all is over; what is a draft is none */
void queue_draft_drop(struct queue_fetch *f);        /* there is none any more; the disk hears it by and by */
void queue_files_sweep(struct queue_source *s);      /* what a process that was killed left behind */
/* Where it lies, on server ("" to ask whether it could be told at all); NULL: the message does not say so. */
const char *queue_file_url(struct arena *a, const char *server, const struct smev3_file *file);
/* Is this the digest that the header names: base64 of GOST R 34.11-94 or 34.11-2012 of 256 bits? */
bool queue_file_is_hashed(struct arena *a, const char *hash, const struct file_kept *kept);
/* The octets of one that came within the message; p NULL: it did not. */
struct span queue_file_within(const struct adapter_call *c, const struct smev3_file *file);

/* The last file was asked for in vain, or came and was looked at: for the journal (J1). ftp: the code of its answer. */
void queue_file_in_vain(struct queue_fetch *f, int ftp, const struct error *e);
void queue_file_had(struct queue_fetch *f);

/* ---- queue_refused.c ---- */

/* Its row by its id; of those that are remembered the one not seen for longest makes room. */
struct queue_broken *queue_broken_find(struct queue_broken rows[QUEUE_BROKEN_MAX], const char *id);

/* An answer that is not SMEV's, or none: told, and kept apart. c is freed. */
void queue_refused_begin(struct adapter_call *c);
/* queue_unread.c: what somebody has decided is not to come again is said to SMEV. */
void queue_unread_say(struct queue_source *s);

/* ---- queue_state.c ---- */

/* What became of a statement about the inbox: told, and whether somebody holds its rows or tables. */
void queue_database_said(struct queues *q, enum err err, const struct error *e);

/* The database is told which sections there are, when they have changed, and asked how all of them stand. */
void queue_state_go(struct queues *q);
/* What somebody strange has signed would have come again by now. */
bool queue_is_untrusted_over(const struct queue_source *s);

/* A row that was taken: of the inbox, until its word is said. */
struct queue_job {
    struct queue_job *next, **link;
    struct arena *arena;
    struct queue_source *source;
    int64_t inbox_id, attempt;
    const char *reply_to, *refusal, *answer_id;
    struct span octets, answer;
    int64_t sending;   /* the how manieth this is */
    bool is_afresh;    /* somebody wants it signed anew */
    bool is_spent;     /* SMEV had taken it under its id, and refused it later */
    bool needs_id;     /* SMEV takes it no more under the one it has */
    bool is_renewed;   /* it has had another */
    uint64_t again_us; /* it was given back, for that while; 0: it was not */
    bool is_sent;      /* SMEV has it: it has no place among those that are sent any more */
    bool is_to_send;   /* as soon as it is answered: it has a place among those that are sent */
    struct queue_message message;
    /* of a worker's making */
    struct keyring *keys;
    const struct key *key, *official; /* key NULL: nothing can be signed now */
    enum err err;
    struct error error;
    char new_id[UUID_TEXT_SIZE];
    struct span made;
};
struct queue_job *queue_job_new(struct queue_source *s);
/* Whether what is stored now may be worked on at once. */
bool queue_work_has_room(const struct queue_source *s);
/* How long who works on a message, or sends an answer, has it to himself; as text, in a. */
const char *queue_work_lease(const struct queue_source *s, struct arena *a);
const char *queue_send_lease(const struct queue_source *s, struct arena *a);
void queue_work_begin(struct queue_job *j);
void queue_send_begin(struct queue_job *j);
void queue_send_go_on(struct queue_job *j);
void queue_job_free(struct queue_job *j);
/* On a worker, of a job: RequestRejected with the words of its refusal; its answer as it can be sent today, under
 * new_id: made is empty when that is what is kept. Set err and made. */
void queue_answer_reject(void *job);
void queue_answer_renew(void *job);

void queue_look_begin(struct queue_source *s);
/* Something was left in the inbox, or there is room for what was left there. */
void queue_look_soon(struct queue_source *s);
void queue_look_left(struct queue_source *s, uint64_t in_us); /* in that while */

/* ---- queue_status.c: who waits long is told so ---- */

void queue_status_go(struct queue_source *s);
/* The answer of j is about to leave: a RequestStatus to the same message that has not left does not; true: one has, and
 * queue_send_go_on(j) is called when it is over. */
bool queue_status_is_before(struct queue_source *s, struct queue_job *j);

/* ---- queue_write.c ---- */

typedef void (*queue_write_fn)(void *arg, const struct db_result *r, enum err err);
/*
 * Says one of the doors, in turn with all others, several in a transaction; fn is called once, but not after
 * queues_stop(). values are of arena, which lives until fn; lengths[i] >= 0: bytea.
 */
struct queue_write *queue_write_new(struct queue_source *s, struct arena *a, enum inbox_door door, queue_write_fn fn,
                                    void *arg);
void queue_write_text(struct queue_write *w, const char *text); /* the next parameter; NULL is NULL */
void queue_write_int(struct queue_write *w, int64_t n);
void queue_write_octets(struct queue_write *w, struct span octets);
void queue_write_begin(struct queue_write *w); /* once more, after fn, if its arena lives */
/* While somebody holds its row it is said again: so long, not the ten seconds of what has a place that others wait for.
 * is_kept: what else the database does not take its caller keeps. */
void queue_write_insist(struct queue_write *w, uint64_t most_us, bool is_kept);
/* What somebody has held is said again when it is due. */
void queue_writes_go(struct queues *q);
/* The same, with the next that does not wait, in 50 ms at the latest: for what may be lost. */
void queue_write_begin_late(struct queue_write *w);
/* The row that journal_refused() makes of an answer that is no message, and of what was asked. */
void queue_write_refused(struct adapter_call *c, const char *reason, queue_write_fn fn, void *arg);
/* A SendResponse about the message of row_id, and what SMEV said to it, with nothing else to be said of either. */
void queue_write_exchange(struct adapter_call *c, const char *outcome, queue_write_fn fn, void *arg);
/* A question that left and whose answer was lost. */
void queue_write_unheard(struct adapter_call *c, queue_write_fn fn, void *arg);
bool queue_writes_are_done(const struct queues *q);
