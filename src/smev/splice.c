/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The text is known to be well formed (it was parsed), without DTD: its tags need counting only, for the elements of a
 * document stand in it in the order in which they are walked through.
 */
#include "splice.h"

#include <string.h>

/* Behind a tag's '>', minding quoted attribute values. */
static const char *tag_end(const char *p, const char *end)
{
    char quote = 0;
    for (; p < end; p++) {
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (*p == '"' || *p == '\'')
            quote = *p;
        else if (*p == '>')
            return p + 1;
    }
    return NULL;
}

/* Behind the markup that is no tag (comment, CDATA, declaration); NULL when p is a tag. */
static const char *skip_no_tag(const char *p, const char *end)
{
    static const char *const pairs[][2] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        size_t n = strlen(pairs[i][0]);
        if ((size_t)(end - p) < n || memcmp(p, pairs[i][0], n) != 0)
            continue;
        const char *stop = memmem(p + n, (size_t)(end - p) - n, pairs[i][1], strlen(pairs[i][1]));
        return stop ? stop + strlen(pairs[i][1]) : end;
    }
    return NULL;
}

/* The next tag at or behind p; *next: behind it. NULL: no more. */
static const char *next_tag(const char *p, const char *end, const char **next)
{
    while (p < end && (p = memchr(p, '<', (size_t)(end - p))) != NULL) {
        const char *behind = skip_no_tag(p, end);
        if (!behind) {
            *next = tag_end(p, end);
            return *next ? p : NULL;
        }
        p = behind;
    }
    return NULL;
}

static size_t count_before(struct xml_node *root, const struct xml_node *node)
{
    size_t n = 0;
    for (struct xml_node *at = root; at && at != node; at = xml_walk(root, at))
        n++;
    return n;
}

bool splice_find(struct span text, struct xml_node *root, struct xml_node *node, struct splice_place *out)
{
    *out = (struct splice_place){0};
    const char *end = text.p + text.n, *next = text.p;
    size_t left = count_before(root, node);
    unsigned depth = 0; /* below the element, itself included; 0: not come to yet */
    for (const char *p; (p = next_tag(next, end, &next)) != NULL;) {
        bool is_end = p[1] == '/', is_empty = next[-2] == '/';
        if (!depth && (is_end || left-- > 0))
            continue;
        if (!depth)
            *out = (struct splice_place){.open = (size_t)(p - text.p), .open_end = (size_t)(next - text.p)};
        if (!depth && is_empty) {
            out->is_empty = true;
            out->close = out->close_end = out->open_end;
            return true;
        }
        if (is_end && depth == 1) {
            out->close = (size_t)(p - text.p);
            out->close_end = (size_t)(next - text.p);
            return true;
        }
        if (is_end)
            depth--;
        else if (!is_empty)
            depth++;
    }
    return false;
}

struct span splice_insert(struct arena *a, struct span text, size_t offset, const char *what)
{
    struct buf b;
    buf_init(&b, a, text.n + strlen(what) + 1);
    buf_add(&b, text.p, offset);
    buf_add_str(&b, what);
    buf_add(&b, text.p + offset, text.n - offset);
    return buf_span(&b);
}

size_t splice_name_end(struct span text, const struct splice_place *at)
{
    size_t end = at->open + 1;
    while (end < at->open_end && !strchr(" \t\r\n/>", text.p[end]))
        end++;
    return end;
}
