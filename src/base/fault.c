/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Fault points of a test build. Nothing of this file is in a build for use. */
#include "fault.h"

#ifdef ZAPISD_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {
#define X(name) #name,
    FAULT_POINTS(X)
#undef X
};

static int armed = -1;
static long delay_ms = -1; /* -1: kill */
static atomic_long left;

static void fault_refuse(const char *spec)
{
    (void)fprintf(stderr, "ZAPIS_FAULT=%s: expected point:nth:kill or point:nth:delay-MS\n", spec);
    exit(2);
}

void fault_init(void)
{
    const char *spec = getenv("ZAPIS_FAULT");
    if (spec == NULL || *spec == '\0')
        return;
    char point[64];
    char action[32];
    long nth = 0;
    if (sscanf(spec, "%63[^:]:%ld:%31s", point, &nth, action) != 3 || nth < 1)
        fault_refuse(spec);
    for (int i = 0; i < FAULT_POINT_COUNT; i++)
        if (strcmp(names[i], point) == 0)
            armed = i;
    if (armed < 0)
        fault_refuse(spec);
    if (strncmp(action, "delay-", 6) == 0)
        delay_ms = strtol(action + 6, NULL, 10);
    else if (strcmp(action, "kill") != 0)
        fault_refuse(spec);
    atomic_store(&left, nth);
}

void fault_pass(enum fault_point point)
{
    if ((int)point != armed || atomic_fetch_sub(&left, 1) != 1)
        return;
    if (delay_ms < 0) {
        (void)kill(getpid(), SIGKILL);
        for (;;)
            (void)pause();
    }
    struct timespec t = {delay_ms / 1000, (delay_ms % 1000) * 1000000L};
    (void)nanosleep(&t, NULL);
}

void fault_list(void)
{
    for (int i = 0; i < FAULT_POINT_COUNT; i++)
        (void)puts(names[i]);
}

#else
typedef int fault_points_are_compiled_out; /* a translation unit must not be empty */
#endif
