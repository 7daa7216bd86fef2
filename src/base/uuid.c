/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Identifiers: RFC 4122, version 4 for what is ours alone, version 1 for what SMEV asks the age of. */
#include "ascii.h"
#include "clock.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define GREGORIAN_100NS UINT64_C(0x01B21DD213814000) /* from 15 October 1582 to 1970 */
#define SECOND_100NS    UINT64_C(10000000)
#define SEQUENCES       0x4000u /* 4.1.5: fourteen bits */

static void fill_random(unsigned char *p, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = getrandom(p + have, size - have, 0);
        if (n > 0) {
            have += (size_t)n;
        } else if (errno != EINTR) {
            /* An identifier that may repeat is worse than a restart. */
            log_event(LOG_LEVEL_ERROR, "random", "error", strerror(errno), NULL);
            abort();
        }
    }
}

static void write_text(const unsigned char b[16], char out[UUID_TEXT_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    char *p = out;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[b[i] >> 4];
        *p++ = hex[b[i] & 15];
    }
    *p = '\0';
}

void uuid_v4(char out[UUID_TEXT_SIZE])
{
    unsigned char b[16];
    fill_random(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    write_text(b, out);
}

/* The node stays the same as long as the process lives (4.5), the clock sequence as long as the clock runs on (4.1.5);
 * and the instant of the last identifier. */
static struct {
    pthread_mutex_t lock;
    bool is_made;
    unsigned char tail[8]; /* variant and clock sequence, node */
    uint64_t last_100ns;
} v1 = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void v1_begin(void)
{
    fill_random(v1.tail, sizeof v1.tail);
    v1.tail[0] = (unsigned char)((v1.tail[0] & 0x3F) | 0x80);
    v1.tail[2] |= 1; /* multicast: no card has this address */
    v1.is_made = true;
}

/* The next one, not one by chance: none comes again before all have been. */
static void v1_next_sequence(void)
{
    unsigned next = ((v1.tail[0] & 0x3Fu) << 8 | v1.tail[1]) + 1;
    next %= SEQUENCES;
    v1.tail[0] = (unsigned char)(0x80 | next >> 8);
    v1.tail[1] = (unsigned char)next;
}

/* SMEV believes the instant: it is that of now, whatever was taken for now a while ago. A clock that stands still or
 * goes back a little is counted on from; one that was set back begins another sequence. */
void uuid_v1(char out[UUID_TEXT_SIZE])
{
    unsigned char b[16];
    pthread_mutex_lock(&v1.lock);
    uint64_t now = GREGORIAN_100NS + (uint64_t)clock_wall_us() * 10;
    if (!v1.is_made)
        v1_begin();
    if (now + SECOND_100NS <= v1.last_100ns)
        v1_next_sequence();
    else if (now <= v1.last_100ns)
        now = v1.last_100ns + 1;
    v1.last_100ns = now;
    memcpy(b + 8, v1.tail, sizeof v1.tail);
    pthread_mutex_unlock(&v1.lock);

    const unsigned shifts[8] = {24, 16, 8, 0, 40, 32, 56, 48}; /* time_low, time_mid, time_hi (4.1.2) */
    for (size_t i = 0; i < 8; i++)
        b[i] = (unsigned char)(now >> shifts[i]);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x10);
    write_text(b, out);
}

bool uuid_is_valid(const char *s)
{
    if (s == NULL || strnlen(s, UUID_TEXT_SIZE) != UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? s[i] != '-' : ascii_hex(s[i]) < 0)
            return false;
    }
    return true;
}

bool uuid_v1_time(const char *s, int64_t *wall_us)
{
    unsigned low, mid, high;
    *wall_us = 0;
    if (!uuid_is_valid(s) || s[14] != '1' || sscanf(s, "%8x-%4x-%4x", &low, &mid, &high) != 3)
        return false;
    uint64_t ticks = ((uint64_t)(high & 0xfff) << 48) | ((uint64_t)mid << 32) | low;
    *wall_us = ((int64_t)ticks - (int64_t)GREGORIAN_100NS) / 10;
    return true;
}
