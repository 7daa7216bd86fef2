/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "start_guard.h"

#include "log.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#define ENOUGH SIGUSR1 /* the start's word to the guard; a cancelled thread might take a signal with it */

static pthread_t guard;
static bool is_guarded;

static void guarded_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    sigaddset(out, ENOUGH);
}

static void *guard_run(void *arg)
{
    sigset_t ours;
    int signum = 0;
    (void)arg;
    guarded_signals(&ours);
    while (sigwait(&ours, &signum) != 0)
        ;
    if (signum == ENOUGH)
        return NULL;
    log_event(LOG_LEVEL_NOTICE, "stopping", "signal", signum == SIGINT ? "SIGINT" : "SIGTERM", "while", "starting",
              NULL);
    log_event(LOG_LEVEL_NOTICE, "stopped", NULL);
    _exit(0);
}

void start_guard_begin(void)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    is_guarded = pthread_create(&guard, NULL, guard_run, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void start_guard_end(void)
{
    if (!is_guarded)
        return;
    (void)pthread_kill(guard, ENOUGH);
    (void)pthread_join(guard, NULL);
    is_guarded = false;
}
