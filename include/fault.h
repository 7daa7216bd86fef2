/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Named places where a test build can be made to die or to stand still: "what if we are killed here?".
 *
 * Compiled in with -DZAPISD_FAULTS only; otherwise FAULT_POINT() is nothing. ZAPIS_FAULT=point:nth:action arms one of
 * them: at the nth pass (from 1) the action is taken, kill (SIGKILL to ourselves) or delay-MS (blocks the thread).
 */
#pragma once

/* clang-format off */
#define FAULT_POINTS(X) \
    X(request_accepted)   /* a whole HTTP request, nothing done with it */ \
    X(decoded)            /* verified, validated, bound */ \
    X(handle_begin)       /* a session is ours, nothing sent */ \
    X(handle_sent)        /* BEGIN and api.<operation> on their way */ \
    X(handle_done)        /* the effect stands in an open transaction */ \
    X(reply_written)      /* the answer is built, not signed */ \
    X(signed)             /* the answer is signed, not journalled */ \
    X(journal_sent)       /* api.journal_reply and COMMIT on their way */ \
    X(committed)          /* COMMIT answered, nothing sent to the client */ \
    X(answer_queued)      /* the answer is handed to the connection */ \
    X(read_journal_sent)  /* the journal's batch is on its way, its answers held */ \
    X(read_journalled)    /* it is committed, none of its answers sent */
/* clang-format on */

enum fault_point {
#define X(name) FAULT_##name,
    FAULT_POINTS(X)
#undef X
        FAULT_POINT_COUNT
};

#ifdef ZAPISD_FAULTS
void fault_init(void); /* reads ZAPIS_FAULT; a word it does not know ends the process */
void fault_pass(enum fault_point point);
void fault_list(void); /* prints the names, one a line */
#define FAULT_POINT(name) fault_pass(FAULT_##name)
#else
#define FAULT_POINT(name) ((void)0)
#endif
