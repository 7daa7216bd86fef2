/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One line an event on stderr: time, level, event word, key=value pairs. Under systemd the time is left out and the
 * level goes in front as <N>. Values with blanks, quotes or control characters are quoted and escaped, so that a line
 * is always one line. Personal data has no key.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* syslog numbers */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

void log_init(void);                                         /* looks at JOURNAL_STREAM; level starts at info */
void log_set_level(enum log_level level);                    /* safe at any time, from the loop thread */
bool log_level_parse(const char *word, enum log_level *out); /* error warning notice info debug */

/*
 * For a daemon (L1): from now on no line waits for whoever reads stderr. Up to 1 MiB of lines is kept for him; what
 * exceeds it is lost, counted, and told in a line where it is missing. log_flush() now and then sends what is kept;
 * log_end() gives the reader half a second for it.
 */
void log_never_wait(void);
void log_flush(void);
void log_end(void);
uint64_t log_lines_lost(void);

/*
 * A line from key, value pairs, ended by NULL: log_event(LOG_LEVEL_INFO, "request", "req", id, "method", name, NULL).
 * A NULL or empty value leaves its pair out. Thread-safe; one write(2) a line.
 */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/*
 * The same for what a stranger, or a database that is away, can bring about as often as it likes. Of each event and
 * kind the first `burst` lines (0: all) go out at once and one more every LOG_BOUNDED_EVERY_S; the rest are counted,
 * and a line "event kind=... suppressed=N" tells how many there were, at the latest at the next log_bounded_tick().
 * Event and kind are words of ours, never a peer's: there is room for LOG_BOUNDED_KINDS of them, and what comes later
 * shares one.
 */
#define LOG_BOUNDED_KINDS   96
#define LOG_BOUNDED_EVERY_S 10
#define LOG_BURST           5 /* where several first ones tell more than one: peers, paths */
void log_bounded(enum log_level level, unsigned burst, const char *event, const char *kind, ...)
    __attribute__((sentinel));
void log_bounded_tick(void); /* every few seconds: tells what was held back LOG_BOUNDED_EVERY_S ago or longer */
void log_bounded_end(void);  /* tells all that was held back; the counts begin anew */
