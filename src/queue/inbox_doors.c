/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "inbox_doors.h"

const struct inbox_text inbox_texts[INBOX_DOORS] = {
    [INBOX_KNOWN] = {"select api.inbox_known($1, $2, $3) as is_known", 3},
    [INBOX_STORE] = {"select outcome, inbox_id from api.inbox_store($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
                     "$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)",
                     25},
    [INBOX_ACKED] = {"select api.inbox_acked($1, $2, $3, $4, $5, $6)", 6},
    [INBOX_UNACKED] = {"select * from api.inbox_unacked($1, $2, $3, $4)", 4},
    [INBOX_TAKE] = {"select * from api.inbox_take($1, $2, $3, $4, $5, $6)", 6},
    [INBOX_ANSWERED] = {"select api.inbox_answered($1, $2, $3, $4, $5, $6, $7, false) as is_ours", 7},
    [INBOX_AGAIN] = {"select api.inbox_again($1, $2, $3, $4) as is_ours", 4},
    [INBOX_SIGNED] = {"select api.inbox_signed($1, $2) as due", 2},
    [INBOX_PARK] = {"select api.inbox_park($1, $2, $3) as is_ours", 3},
    [INBOX_UNSENT_TAKE] = {"select * from api.inbox_unsent_take($1, $2, $3, $4, $5, $6)", 6},
    [INBOX_RENEWED] = {"select api.inbox_renewed($1, $2, $3, $4) as is_ours", 4},
    [INBOX_SENT] = {"select api.inbox_sent($1, $2, $3, $4, $5, $6, $7, $8, $9) as is_ours", 9},
    [INBOX_SLOW_TAKE] = {"select inbox_id, reply_to from api.inbox_slow_take($1, $2, $3, $4, $5)", 5},
    [INBOX_SLOW_STILL] = {"select api.inbox_slow_still($1) as is_still", 1},
    [INBOX_SLOW_SAID] = {"select api.inbox_slow_said($1, $2, $3, $4, $5, $6)", 6},
    [INBOX_POLLED] = {"select api.inbox_polled($1, $2, $3)", 3},
    [INBOX_REFUSED] = {"select api.inbox_refused($1, $2, $3, $4)", 4},
    [INBOX_UNREAD] = {"select api.inbox_unread($1, $2, $3, $4)", 4},
    [INBOX_UNREAD_TAKE] = {"select message_id from api.inbox_unread_take($1, $2, $3)", 3},
    [INBOX_UNREAD_SAID] = {"select api.inbox_unread_said($1, $2)", 2},
    [INBOX_SECTIONS] = {"select api.inbox_sections($1, $2, $3, $4, $5)", 5},
    [INBOX_STATE] = {"select * from api.inbox_state()", 0},
    [INBOX_UNHEARD] = {"select api.journal_unheard($1, $2, $3, $4, $5, $6)", 6},
};
