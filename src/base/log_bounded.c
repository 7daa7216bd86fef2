/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Lines whose number somebody else decides. One bucket an event and kind: full at first, refilled slowly; what finds it
 * empty is counted, never lost without a word. Owns the buckets.
 */
#include "clock.h"
#include "log_private.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_BYTES 48
#define EVERY_US   ((uint64_t)LOG_BOUNDED_EVERY_S * 1000000)

struct bucket {
    char event[WORD_BYTES];
    char kind[WORD_BYTES];
    enum log_level level;
    unsigned lines;         /* that may still go out */
    uint64_t refilled_us;   /* when the last one was added */
    uint64_t held_back;     /* not yet told of */
    uint64_t held_since_us; /* the first of them */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct bucket buckets[LOG_BOUNDED_KINDS];
static unsigned nbuckets;

static bool is_named(const struct bucket *b, const char *event, const char *kind)
{
    return strncmp(b->event, event, WORD_BYTES - 1) == 0 && strncmp(b->kind, kind, WORD_BYTES - 1) == 0;
}

static struct bucket *bucket_find(const char *event, const char *kind, unsigned burst, uint64_t now_us)
{
    for (unsigned i = 0; i < nbuckets; i++)
        if (is_named(&buckets[i], event, kind))
            return &buckets[i];
    if (nbuckets == LOG_BOUNDED_KINDS)
        return &buckets[LOG_BOUNDED_KINDS - 1];
    struct bucket *b = &buckets[nbuckets++];
    *b = (struct bucket){.lines = burst, .refilled_us = now_us};
    bool is_last = nbuckets == LOG_BOUNDED_KINDS;
    snprintf(b->event, sizeof b->event, "%s", is_last ? "other" : event);
    snprintf(b->kind, sizeof b->kind, "%s", is_last ? "many" : kind);
    return b;
}

static void bucket_refill(struct bucket *b, unsigned burst, uint64_t now_us)
{
    uint64_t due = now_us < b->refilled_us ? 0 : (now_us - b->refilled_us) / EVERY_US;
    if (due == 0)
        return;
    b->refilled_us += due * EVERY_US;
    b->lines = due >= burst - b->lines ? burst : b->lines + (unsigned)due;
}

static void bucket_tell(struct bucket *b)
{
    char count[24];
    snprintf(count, sizeof count, "%llu", (unsigned long long)b->held_back);
    b->held_back = 0;
    log_event(b->level, b->event, "kind", b->kind, "suppressed", count, NULL);
}

/* May the line go out? */
static bool bucket_take(enum log_level level, unsigned burst, const char *event, const char *kind)
{
    uint64_t now_us = clock_mono_us();
    struct bucket *b = bucket_find(event, kind, burst, now_us);
    b->level = level;
    if (b->lines < burst)
        bucket_refill(b, burst, now_us);
    else
        b->refilled_us = now_us;
    if (b->lines == 0) {
        if (b->held_back++ == 0)
            b->held_since_us = now_us;
        return false;
    }
    b->lines--;
    if (b->held_back > 0)
        bucket_tell(b);
    return true;
}

void log_bounded(enum log_level level, unsigned burst, const char *event, const char *kind, ...)
{
    if (!log_is_on(level))
        return;
    bool may_go = true;
    if (burst > 0) {
        pthread_mutex_lock(&lock);
        may_go = bucket_take(level, burst, event, kind);
        pthread_mutex_unlock(&lock);
    }
    if (!may_go)
        return;
    va_list ap;
    va_start(ap, kind);
    log_pairs(level, event, ap);
    va_end(ap);
}

void log_bounded_tick(void)
{
    uint64_t now_us = clock_mono_us();
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < nbuckets; i++)
        if (buckets[i].held_back > 0 && now_us - buckets[i].held_since_us >= EVERY_US)
            bucket_tell(&buckets[i]);
    pthread_mutex_unlock(&lock);
}

void log_bounded_end(void)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < nbuckets; i++)
        if (buckets[i].held_back > 0)
            bucket_tell(&buckets[i]);
    nbuckets = 0;
    pthread_mutex_unlock(&lock);
}
