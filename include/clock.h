/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Time and identifiers. Deadlines use the monotonic clock only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t clock_mono_us(void);
int64_t clock_wall_us(void); /* since 1970, UTC */

#define CLOCK_TEXT_SIZE 40
/* "2026-11-22T10:45:00.000+03:00", offset in minutes; never Z (the portal reads the last six characters as the zone).
 */
void clock_format(int64_t wall_us, int offset_min, char out[CLOCK_TEXT_SIZE]);
/* The same to the second, without a fraction: as instants stand on the wire (T1); of the years 1000 to
 * 9999. */
void clock_format_seconds(int64_t wall_s, int offset_min, char out[CLOCK_TEXT_SIZE]);
int clock_local_offset_min(int64_t wall_us); /* of the machine's zone at that instant */

/*
 * An xs:dateTime (XML Schema 3.2.7) with a year of four digits that exists in the calendar. *wall_us: the instant since
 * 1970, to the second, a text without a zone read as UTC; *has_zone: whether it says which. False: it is none, and both
 * are left as 0 and false.
 */
bool clock_parse(const char *text, int64_t *wall_us, bool *has_zone);

#define UUID_TEXT_SIZE 37
void uuid_v4(char out[UUID_TEXT_SIZE]); /* lower case, from getrandom(2) */
/*
 * RFC 4122, version 1, lower case: what SMEV 3 asks of a MessageID, whose age it reads there. Node (with the multicast
 * bit) and clock sequence are random; safe on any thread. No two are the same. The instant is that of now: a clock that
 * goes back by less than a second is counted on from; one that was set back begins the next sequence.
 */
void uuid_v1(char out[UUID_TEXT_SIZE]);
/* When it was made, since 1970; false: it is none of version 1. */
bool uuid_v1_time(const char *s, int64_t *wall_us);
bool uuid_is_valid(const char *s); /* any case, RFC 4122 layout */

/* Replaces both clocks; for tests only. NULL restores the system's. */
void clock_replace(uint64_t (*mono_us)(void), int64_t (*wall_us)(void));
