/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the files of the log share. */
#pragma once

#include "clock.h"
#include "log.h"

#include <stdarg.h>
#include <stddef.h>

#define LOG_FRONT_SIZE (CLOCK_TEXT_SIZE + 16)

bool log_is_on(enum log_level level);
void log_pairs(enum log_level level, const char *event, va_list pairs); /* log_event() with its arguments in hand */
void log_send(const char *p, size_t n);                                 /* a whole line; src/base/log_send.c */
void log_front(enum log_level level, char out[LOG_FRONT_SIZE]);         /* what each line begins with */
