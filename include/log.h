/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One line an event on stderr: time, level, event word, key=value pairs. Under systemd the time is left out and the
 * level goes in front as <N>. Values with blanks, quotes or control characters are quoted and escaped, so that a line
 * is always one line. Personal data has no key.
 */
#pragma once

#include <stdbool.h>

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
 * A line from key, value pairs, ended by NULL: log_event(LOG_LEVEL_INFO, "request", "req", id, "method", name, NULL).
 * A NULL value leaves its pair out. Thread-safe; one write(2) a line.
 */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
