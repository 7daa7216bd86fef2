/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * For a start and for `check`, which read file after file and would hang without a word: a second thread that looks
 * where the first one is, and says it.
 */
#include "clock.h"
#include "file.h"
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static struct {
    struct file_trace trace;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_running, is_over;
    unsigned after_s;
} watch = {.trace = FILE_TRACE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_over_within(unsigned s)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)s;
    (void)pthread_mutex_lock(&watch.lock);
    while (!watch.is_over && pthread_cond_timedwait(&watch.over, &watch.lock, &until) == 0)
        ;
    bool is_over = watch.is_over;
    (void)pthread_mutex_unlock(&watch.lock);
    return is_over;
}

/* Of each file once at first, and then after twice the time. */
static void *watch_run(void *arg)
{
    uint64_t told_since_us = 0, tell_at_s = 0;
    (void)arg;
    while (!is_over_within(1)) {
        char file[FILE_TRACE_BYTES], seconds[24];
        uint64_t since_us = file_trace_read(&watch.trace, file);
        uint64_t age_s = (clock_mono_us() - since_us) / 1000000;
        if (since_us != told_since_us)
            tell_at_s = watch.after_s;
        told_since_us = since_us;
        if (file[0] == '\0' || age_s < tell_at_s)
            continue;
        (void)snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)age_s);
        log_event(LOG_LEVEL_WARNING, "slow-file", "at", file, "seconds", seconds, NULL);
        tell_at_s = 2 * (age_s + 1);
    }
    return NULL;
}

void file_watch_begin(unsigned after_s)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    watch.after_s = after_s;
    watch.is_over = false;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&watch.over, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the main thread's */
    watch.is_running = pthread_create(&watch.thread, NULL, watch_run, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    file_trace(&watch.trace);
    file_at(NULL);
}

void file_watch_end(void)
{
    file_trace(NULL);
    if (!watch.is_running)
        return;
    (void)pthread_mutex_lock(&watch.lock);
    watch.is_over = true;
    (void)pthread_cond_signal(&watch.over);
    (void)pthread_mutex_unlock(&watch.lock);
    (void)pthread_join(watch.thread, NULL);
    (void)pthread_cond_destroy(&watch.over);
    watch.is_running = false;
}
