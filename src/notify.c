/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A datagram a word, to the socket that $NOTIFY_SOCKET names. A manager that does not listen is no reason to stop, nor
 * to wait: what it has no room for is owed, the last of each word in the order they were said, and sent when it has.
 */
#include "notify.h"

#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_BYTES 320

enum word { WORD_READY, WORD_RELOADING, WORD_STOPPING, WORD_STATUS, WORDS };
struct notice {
    enum word word;
    char text[TEXT_BYTES];
};
static struct notice owed[WORDS];
static unsigned nowed;

/* 0: there is no manager, or none that is named as the manual has it. */
static socklen_t manager_address(struct sockaddr_un *sa)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t n = name != NULL ? strlen(name) : 0;
    if (n < 2 || n >= sizeof sa->sun_path || (name[0] != '/' && name[0] != '@'))
        return 0;
    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(sa->sun_path, name, n);
    if (name[0] == '@')
        sa->sun_path[0] = '\0'; /* of the abstract name space */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static bool is_sent(const char *text)
{
    static int fd = -1;
    struct sockaddr_un sa;
    socklen_t n = manager_address(&sa);
    if (n == 0)
        return true;
    if (fd < 0)
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&sa, n) >= 0;
}

static void owed_remove(unsigned at)
{
    nowed--;
    memmove(&owed[at], &owed[at + 1], (nowed - at) * sizeof owed[0]);
}

void notify_tick(void)
{
    while (nowed > 0 && is_sent(owed[0].text))
        owed_remove(0);
}

static void say(enum word word, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(enum word word, const char *fmt, ...)
{
    va_list ap;
    for (unsigned i = 0; i < nowed; i++)
        if (owed[i].word == word)
            owed_remove(i); /* it is there once at most: what was to be said is no news any more */
    struct notice *last = &owed[nowed++];
    last->word = word;
    va_start(ap, fmt);
    (void)vsnprintf(last->text, sizeof last->text, fmt, ap);
    va_end(ap);
    notify_tick();
}

void notify_ready(void)
{
    say(WORD_READY, "READY=1");
}

/* The time stamp is for managers of version 253 and later: with Type=notify-reload they wait for a READY=1 after it. */
void notify_reloading(void)
{
    say(WORD_RELOADING, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_us());
}

void notify_stopping(void)
{
    say(WORD_STOPPING, "STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' '; /* a line of its own would be another assignment */
    say(WORD_STATUS, "STATUS=%s", text);
}

static uint64_t variable_number(const char *variable)
{
    const char *text = getenv(variable);
    if (text == NULL || text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 19)
        return 0;
    return strtoull(text, NULL, 10);
}

uint64_t notify_watchdog_interval_ms(void)
{
    uint64_t usec = variable_number("WATCHDOG_USEC");
    if (usec == 0 || (getenv("WATCHDOG_PID") != NULL && variable_number("WATCHDOG_PID") != (uint64_t)getpid()))
        return 0;
    return usec / 2000 > 0 ? usec / 2000 : 1;
}

void notify_watchdog(void)
{
    notify_tick();
    (void)is_sent("WATCHDOG=1"); /* the next one will do */
}
