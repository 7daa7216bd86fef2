/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the service manager is told, after sd_notify(3). Without a service manager every call does nothing. None waits
 * for it: what a manager that is busy or stopped does not take now is said again by notify_tick(). One thread.
 */
#pragma once

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void); /* followed by notify_ready() when the verdict is known, whatever it is */
void notify_stopping(void);
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* one line, no personal data */
void notify_tick(void);                                                         /* every few seconds */

/* How often notify_watchdog() must be called: half of what the manager asked for; 0 when it asked for nothing. */
uint64_t notify_watchdog_interval_ms(void);
void notify_watchdog(void);
