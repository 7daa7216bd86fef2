/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Named places where a test build can be made to die, to stand still, to fail or to be cut in half: "what if it happens
 * here?". Compiled in with -DZAPISD_FAULTS only; otherwise the macros below are nothing.
 *
 * ZAPIS_FAULT=point:nth:action[,...] arms points: at the nth pass (from 1; "3+": at each from the third on) the action
 * is taken. ZAPIS_FAULT_BOARD=FILE shares counters and arming with a test while the daemon runs (fault.c). An action
 * without a meaning at a point is refused aloud.
 *
 *   kill      SIGKILL to ourselves
 *   delay-MS  blocks the thread
 *   fail      the step ends as its real failure would end it
 *   half      a half of what leaves next leaves, then the connection is cut, and the process goes on
 *   half-kill the same, and the process dies
 */
#pragma once

#include <stdbool.h>

/*
 * The kind says what `fail` and `half` mean there:
 *
 *   STEP     nothing: there is no failure of its own to report
 *   FAILS    fail: the function at hand reports an error
 *   CALLS    what leaves next is a call to the database. fail: the connection is found broken, nothing leaves;
 *            half: a half of it leaves
 *   AWAITS   the call is on its way. fail: the connection breaks, the server may carry out all of it
 *   ANSWERS  what leaves next is an answer to a client. fail: his connection is found broken; half: a half leaves
 */
/* clang-format off */
#define FAULT_POINTS(X) \
    /* a message, until it waits for the database */ \
    X(accepting,            FAILS)   /* somebody knocks; fail: no descriptor is left for him */ \
    X(request_accepted,     STEP)    /* a whole HTTP request, nothing done with it */ \
    X(verified,             STEP)    /* its signer is known, what it wants is not */ \
    X(decoded,              STEP)    /* verified, validated, bound */ \
    X(write_queued,         STEP)    /* a write waits for a transaction; others may wait with it */ \
    /* a group: one transaction, one message or several */ \
    X(handle_begin,         CALLS)   /* a session is ours, nothing sent */ \
    X(handle_sent,          AWAITS)  /* BEGIN and api.<operation> on their way; nothing can stand yet */ \
    X(handle_done,          STEP)    /* the effects stand in an open transaction */ \
    X(effect_read,          FAILS)   /* one effect of it is made; fail: its row cannot be read, all of them are undone */ \
    X(replay_read,          FAILS)   /* the message was known: the answer of the first time; fail: it cannot be read */ \
    X(group_failed,         STEP)    /* all is rolled back, or will be; its members wait for nothing yet */ \
    X(group_locked,         STEP)    /* one met a lock: all is rolled back, nobody runs again yet */ \
    X(group_undone,         STEP)    /* every member had its effect, all are undone; nobody runs again yet */ \
    X(write_again,          STEP)    /* one member of a failed group is as new, the others may not be */ \
    X(reply_written,        FAILS)   /* fail: the content cannot be written; a fault in its place */ \
    X(signed,               FAILS)   /* signed, not journalled; fail: OpenSSL cannot sign */ \
    X(commit_begin,         CALLS)   /* every answer is signed; neither journal rows nor COMMIT have left */ \
    X(journal_sent,         AWAITS)  /* api.journal_reply and COMMIT on their way: they may stand or not */ \
    X(commit_lost,          STEP)    /* COMMIT was never answered, and nobody has asked again */ \
    X(committed,            STEP)    /* COMMIT answered, nothing sent to the clients */ \
    /* reads */ \
    X(read_begin,           CALLS)   /* a session is ours, nothing sent */ \
    X(read_sent,            AWAITS)  /* the statement is on its way */ \
    X(read_answered,        STEP)    /* its rows have come, the session is not given back */ \
    X(rows_read,            FAILS)   /* on a worker; fail: the rows make no answer */ \
    /* queues of SMEV 3 */ \
    X(queue_polled,         STEP)    /* a message was given, verified, not stored */ \
    X(queue_file_come,      STEP)    /* a file of it was fetched into a draft, nobody has looked at it */ \
    X(queue_file_sync,      FAILS)   /* it is the right one, not yet on the disk; fail: the disk takes it not */ \
    X(queue_file_named,     STEP)    /* it has its name, which the disk need not have yet */ \
    X(queue_file_kept,      STEP)    /* it is kept, the message is not stored */ \
    X(queue_stored,         STEP)    /* it is stored, SMEV does not know */ \
    X(queue_acked,          STEP)    /* SMEV knows, the database does not know that it does */ \
    X(queue_taken,          STEP)    /* it is leased, nothing done with it */ \
    X(queue_keep_begin,     CALLS)   /* the answer to a read or to what is rejected is made, nothing of it has left */ \
    X(queue_keep_sent,      AWAITS)  /* it is on its way; nothing can stand yet */ \
    X(queue_kept,           STEP)    /* effect, journal and answer stand in an open transaction, COMMIT has not left */ \
    X(queue_answered,       STEP)    /* effect and answer are committed, nothing is sent */ \
    X(queue_sent,           STEP)    /* SMEV has the answer, the database does not know */ \
    /* the slow lane */ \
    X(lane_kept,            STEP)    /* it met a lock and is kept until its key's turn */ \
    X(lane_try,             FAILS)   /* its turn; fail: no session in time */ \
    X(lane_passed,          STEP)    /* the lock has gone: those who waited for the same are still kept */ \
    X(lane_given_up,        STEP)    /* its time is over, and it is told so next */ \
    X(holders_begin,        CALLS)   /* who holds what is waited for is about to be asked */ \
    /* the journal of what has no transaction of its own */ \
    X(read_journal_begin,   CALLS)   /* a session is ours; the batch's answers are held */ \
    X(read_journal_sent,    AWAITS)  /* the journal's batch is on its way, its answers held */ \
    X(read_journalled,      STEP)    /* it is committed, none of its answers sent */ \
    X(journal_failed,       STEP)    /* it was not written, or nobody knows: its rows wait for the next try */ \
    X(journal_given_up,     STEP)    /* not in time: "come again" goes in the answer's place */ \
    X(journal_refused,      STEP)    /* the database takes all but this row: a fault goes in the answer's place */ \
    X(refused_kept,         STEP)    /* a row about a message nobody vouches for waits in memory; its answer leaves */ \
    X(refused_begin,        CALLS)   /* such rows are about to be written; their answers have left long ago */ \
    X(refused_sent,         AWAITS)  /* they are on their way */ \
    X(refused_written,      STEP)    /* they are written, or given up */ \
    /* answers and connections of clients */ \
    X(answer_queued,        STEP)    /* the answer is handed to the connection */ \
    X(answer_begin,         ANSWERS) /* its turn on the connection has come, no byte has left */ \
    X(answer_written,       STEP)    /* all bytes are the kernel's */ \
    X(client_closed,        STEP)    /* a connection of a client is given up, its descriptor still open */ \
    /* the database's connections */ \
    X(connect_begin,        FAILS)   /* on a thread, before names are looked up; fail: no host can be reached */ \
    X(connected,            STEP)    /* a connection is up, nobody has it yet */ \
    X(connection_lost,      STEP)    /* the loss is noticed, its holder does not know */ \
    X(rollback_begin,       CALLS)   /* given back with its transaction open; ROLLBACK has not left */ \
    X(ready_begin,          CALLS)   /* the database is about to be asked whether all is well */ \
    /* housekeeping: the nth pass is the nth piece of any task */ \
    X(housekeeping_begin,   CALLS)   /* a piece has its session, its transaction has not begun */ \
    X(housekeeping_sent,    AWAITS)  /* BEGIN, the piece and COMMIT are on their way */ \
    X(housekeeping_done,    STEP)    /* the piece is committed, and nobody has noted it */ \
    X(housekeeping_failed,  STEP)    /* it was not, or nobody knows; a pause is set */ \
    X(housekeeping_tell,    CALLS)   /* the database is about to be told of a failure it could not note itself */ \
    /* the outbox on its way to the portal */ \
    X(push_take_begin,      CALLS)   /* a session is ours, rows that are due are about to be taken */ \
    X(push_take_sent,       AWAITS)  /* the taking is on its way */ \
    X(push_taken,           STEP)    /* a row is ours for a while; nothing is made of it */ \
    X(push_made,            FAILS)   /* on a worker, before it is signed; fail: OpenSSL cannot sign */ \
    X(push_write_begin,     CALLS)   /* messages are about to be kept, or outcomes to be written down */ \
    X(push_write_sent,      AWAITS)  /* they are on their way */ \
    X(push_kept,            STEP)    /* its message is kept, no octet of it has left */ \
    X(push_posted,          STEP)    /* it is libcurl's */ \
    X(push_heard,           FAILS)   /* an answer came, nobody has read it; fail: it is lost */ \
    X(push_told,            STEP)    /* its outcome is written down */ \
    X(push_said_given,      STEP)    /* SMEV 3 gave an answer, it is read and verified, nothing is written down */ \
    X(push_said_begin,      CALLS)   /* answers are about to be written down */ \
    X(push_said_sent,       AWAITS)  /* they are on their way */ \
    X(push_said_kept,       STEP)    /* one is written down, SMEV does not know */ \
    X(push_said_acked,      STEP)    /* and knows */ \
    /* reload */ \
    X(reload_read,          FAILS)   /* on a thread: all files are read; fail: one of them could not be */ \
    X(reload_begin,         STEP)    /* what was read is good, nothing of it is in use */ \
    X(reload_keys,          STEP)    /* the new keys are in use, the new TLS and findings are not */ \
    X(reload_done,          STEP)    /* all of it is in use, the manager is not told */ \
    /* start and stop */ \
    X(start_prepared,       FAILS)   /* files are read, the pool connects; fail: the schema does not load */ \
    X(start_listening,      STEP)    /* the doors are open, "started" is not said */ \
    X(stop_begun,           STEP)    /* told to end: the doors are still open */ \
    X(drained,              STEP)    /* nothing is in work any more, the loop still turns */ \
    X(silenced,             STEP)    /* connections and database are closed, workers not home */ \
    /* zapisd migrate */ \
    X(migrate_table,        CALLS)   /* an empty database: its first transaction has not begun */ \
    X(migrate_begun,        CALLS)   /* a transaction of one file is open, its lock ours, the file not run */ \
    X(migrate_ran,          CALLS)   /* the file has run, it is not recorded */ \
    X(migrate_recorded,     CALLS)   /* it is recorded, COMMIT has not left */ \
    X(migrate_committed,    CALLS)   /* between two files */ \
    X(functions_begun,      CALLS)   /* the transaction of all functions is open, the records of before deleted */ \
    X(functions_between,    CALLS)   /* all of them once, without their bodies having been looked into */ \
    X(functions_recorded,   CALLS)   /* run twice and recorded, COMMIT has not left */ \
    X(rights_begun,         CALLS)   /* rights are about to be put right */ \
    X(demo_ran,             CALLS)   /* the demonstration is loaded, it is not recorded */
/* clang-format on */

enum fault_point {
#define X(name, kind) FAULT_##name,
    FAULT_POINTS(X)
#undef X
        FAULT_POINT_COUNT
};

#ifdef ZAPISD_FAULTS
#include "error.h"

void fault_init(void);                   /* a setting it does not understand ends the process */
bool fault_pass(enum fault_point point); /* true: the step at hand is to fail */
void fault_list(void);                   /* prints each name and the actions it knows, one point a line */
#define FAULT_POINT(name)         ((void)fault_pass(FAULT_##name))
#define FAULT_TAKEN(name)         fault_pass(FAULT_##name)
/* True: e says err, as a failure of its own would. */
#define FAULT_FAILS(name, err, e) (FAULT_TAKEN(name) && error_set((e), (err), "the fault point " #name) != ERR_OK)
#else
#define FAULT_POINT(name)         ((void)0)
#define FAULT_TAKEN(name)         false
#define FAULT_FAILS(name, err, e) ((void)(e), false)
#endif
