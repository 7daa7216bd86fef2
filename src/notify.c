/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The only user of libsystemd. A manager that does not listen is no reason to stop: results are not looked at. */
#include "notify.h"

#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

/* The time stamp is for managers of version 253 and later: with Type=notify-reload they wait for a READY=1 after it. */
void notify_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_us());
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' '; /* a line of its own would be another assignment */
    sd_notifyf(0, "STATUS=%s", text);
}

uint64_t notify_watchdog_interval_ms(void)
{
    uint64_t usec = 0;
    if (sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    return usec / 2000 > 0 ? usec / 2000 : 1;
}

void notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}
