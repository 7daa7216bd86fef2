/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the queue says to the database: doors of sql/api, one text each, so that each is parsed once a connection. What
 * they take and promise is said in sql/api/<door>.sql.
 */
#pragma once

enum inbox_door {
    INBOX_KNOWN,
    INBOX_STORE,
    INBOX_ACKED,
    INBOX_UNACKED,
    INBOX_TAKE,
    INBOX_ANSWERED,
    INBOX_AGAIN,
    INBOX_SIGNED,
    INBOX_PARK,
    INBOX_UNSENT_TAKE,
    INBOX_RENEWED,
    INBOX_SENT,
    INBOX_SLOW_TAKE,
    INBOX_SLOW_STILL,
    INBOX_SLOW_SAID,
    INBOX_POLLED,
    INBOX_REFUSED,
    INBOX_UNREAD,
    INBOX_UNREAD_TAKE,
    INBOX_UNREAD_SAID,
    INBOX_SECTIONS,
    INBOX_STATE,
    INBOX_UNHEARD,
    INBOX_DOORS
};
extern const struct inbox_text {
    const char *sql;
    unsigned nparams;
} inbox_texts[INBOX_DOORS];
