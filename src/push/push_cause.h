/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What keeps a change from being told, and who is to be looked at for it: SMEV, the portal, or we. By SMEV 2 whoever is
 * called answers for the portal; by SMEV 3 it is SMEV that is called, and the portal's word comes later. Pure.
 */
#pragma once

#include "push_message.h"

/* Who, by the names of the log (by=) and of the metrics. */
enum push_who { PUSH_BY_PORTAL, PUSH_BY_SMEV, PUSH_BY_AGENCY_KEY, PUSH_BY_OFFICIAL_KEY, PUSH_BY_US, PUSH_WHO_COUNT };
extern const char *const push_who_names[PUSH_WHO_COUNT];
/* What /readyz says of a lane that is closed for it: "agency CODE: " and this, " for 5 s: " and the last reason. */
extern const char *const push_who_closes[PUSH_WHO_COUNT];

enum push_cause {
    PUSH_CAUSE_UNREACHED,    /* no connection; nothing has left */
    PUSH_CAUSE_SILENT,       /* no answer in time */
    PUSH_CAUSE_CUT,          /* the connection ended before it */
    PUSH_CAUSE_NO_WORD,      /* something came, and it was no answer; its own words say what */
    PUSH_CAUSE_AGENCY_KEY,   /* nothing can be signed in the agency's name */
    PUSH_CAUSE_OFFICIAL_KEY, /* nor by its official; over SMEV 3 alone */
    PUSH_CAUSE_SETTINGS,     /* as we are configured it cannot leave */
    PUSH_CAUSE_UNMADE,       /* the machine's own trouble */
    PUSH_CAUSES
};
enum push_who push_who_of(enum push_cause cause, enum push_road road);
/* For last_error; of a or for ever. section: of [smev3]. NULL: of NO_WORD. */
const char *push_words_of(struct arena *a, enum push_cause cause, enum push_road road, const char *section);
/* Of a message that push_message_make() did not make. */
enum push_cause push_cause_of_unmade(const struct push_way *way, enum err err);
