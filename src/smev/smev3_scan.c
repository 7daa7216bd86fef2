/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whether octets that no reader takes hold a message, and which id it claims: by the names of elements alone, each
 * looked for a bounded number of times in one pass. It need not be XML, and what stands in it is anybody's word: it is
 * for people, who are to know what they are asked about.
 */
#include "smev.h"
#include "smev3_names.h"

#include <ctype.h>
#include <string.h>

#define PREFIX_MAX 64   /* bytes of a prefix before the name */
#define NEAR_BYTES 8192 /* from an element's beginning to its MessageId: the id comes first or second */
#define FIND_MOST  1000 /* elements of one name that are looked at */

static bool is_name_end(char c)
{
    return c == '>' || c == '/' || isspace((unsigned char)c) != 0;
}

/* Whether the name at p begins a start tag: '<', perhaps a prefix and ':'. */
static bool is_opened(struct span all, const char *p)
{
    if (p == all.p)
        return false;
    if (p[-1] == '<')
        return true;
    if (p[-1] != ':')
        return false;
    for (const char *at = p - 2; at >= all.p && p - at <= PREFIX_MAX; at--) {
        if (*at == '<')
            return at + 1 < p - 1;
        if (*at == '/' || *at == '>' || *at == ':' || isspace((unsigned char)*at) != 0)
            return false;
    }
    return false;
}

/* Where the name stands next; NULL: nowhere. */
static const char *next_named(const char *from, const char *end, const char *name, size_t n)
{
    for (; (size_t)(end - from) >= n; from++) {
        from = memchr(from, name[0], (size_t)(end - from) - n + 1);
        if (from == NULL || memcmp(from, name, n) == 0)
            return from;
    }
    return NULL;
}

/* Behind the name in the next start tag of it; NULL: there is none. */
static const char *next_opened(struct span all, const char *from, const char *name)
{
    size_t n = strlen(name);
    const char *end = all.p + all.n;
    for (unsigned i = 0; i < FIND_MOST && from < end; i++) {
        const char *at = next_named(from, end, name, n);
        if (at == NULL)
            return NULL;
        from = at + n;
        if (from < end && is_name_end(*from) && is_opened(all, at))
            return from;
    }
    return NULL;
}

static const char *last_opened(struct span all, const char *name)
{
    const char *last = NULL, *at = all.p;
    for (unsigned i = 0; i < FIND_MOST && (at = next_opened(all, at, name)) != NULL; i++)
        last = at;
    return last;
}

/* The UUID that is all there is in the element whose name ends here; NULL: there is another text. */
static const char *uuid_of(struct arena *a, struct span all, const char *name_end)
{
    const char *end = all.p + all.n, *p = memchr(name_end, '>', (size_t)(end - name_end));
    if (p == NULL)
        return NULL;
    for (p++; p < end && isspace((unsigned char)*p) != 0; p++)
        ;
    const char *stop = memchr(p, '<', (size_t)(end - p) < 64 ? (size_t)(end - p) : 64);
    if (stop == NULL)
        return NULL;
    while (stop > p && isspace((unsigned char)stop[-1]) != 0)
        stop--;
    return smev3_uuid(a, arena_strndup(a, p, (size_t)(stop - p)));
}

/* The first `local` within some bytes behind `from`. */
static const char *uuid_near(struct arena *a, struct span all, const char *from, const char *local)
{
    size_t left = (size_t)(all.p + all.n - from);
    struct span near = {all.p, (size_t)(from - all.p) + (left < NEAR_BYTES ? left : NEAR_BYTES)};
    const char *at = next_opened(near, from, local);
    return at != NULL ? uuid_of(a, near, at) : NULL;
}

/* What only such a message has; NULL: no message is asked for. */
static const char *data_of(enum smev3_op op)
{
    switch (op) {
    case SMEV3_GET_REQUEST:
        return "SenderProvidedRequestData";
    case SMEV3_GET_RESPONSE:
        return "SenderProvidedResponseData";
    case SMEV3_GET_STATUS:
        return "AsyncProcessingStatusData";
    default:
        return NULL;
    }
}

bool smev3_scan(struct arena *a, enum smev3_op op, struct span octets, struct smev3_claim *out)
{
    *out = (struct smev3_claim){0};
    if (octets.n == 0 || data_of(op) == NULL)
        return false;
    const char *data = next_opened(octets, octets.p, data_of(op)), *metadata = last_opened(octets, "MessageMetadata"),
               *original = op != SMEV3_GET_REQUEST ? next_opened(octets, octets.p, "OriginalMessageId") : NULL;
    if (original != NULL)
        out->original_id = uuid_of(a, octets, original);
    if (op == SMEV3_GET_STATUS) /* the only id in it */
        out->id = out->original_id;
    else if (metadata != NULL) /* what an Ack names */
        out->id = uuid_near(a, octets, metadata, "MessageId");
    if (out->id == NULL && data != NULL && op != SMEV3_GET_STATUS)
        out->id = uuid_near(a, octets, data, "MessageID");
    return data != NULL || metadata != NULL;
}
