/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A message as operators keep it: the XML alone, a MIME body, or a whole HTTP request or answer with its head. What
 * XOP moved into parts is put back, or no digest would be right.
 */
#include "ascii.h"
#include "dsig.h"
#include "smev3_names.h"
#include "smev_mime.h"

#include <string.h>
#include <strings.h>

struct dump {
    struct span type; /* of Content-Type; empty: it does not say */
    struct span body;
    bool is_mime; /* there is more around the XML than the XML */
};

/* The line at the beginning of s, without its end; s goes behind it. */
static struct span take_line(struct span *s)
{
    const char *end = memchr(s->p, '\n', s->n);
    size_t n = end ? (size_t)(end - s->p) : s->n, all = end ? n + 1 : n;
    struct span line = {s->p, n && s->p[n - 1] == '\r' ? n - 1 : n};
    *s = (struct span){s->p + all, s->n - all};
    return line;
}

static bool begins(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

/* Does it begin with the first line of HTTP, or with a header? "<" and a boundary are neither. */
static bool has_head(struct span dump)
{
    struct span line = take_line(&dump);
    if (begins(line, "HTTP/") || memmem(line.p, line.n, " HTTP/1.", 8))
        return true;
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    for (const char *p = line.p; colon && p < colon; p++)
        if (!((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') && *p != '-')
            return false;
    return colon && colon != line.p;
}

static enum err read_head(struct arena *a, struct dump *d, struct error *e)
{
    struct buf type;
    buf_init(&type, a, 256);
    for (bool is_type = false; d->body.n;) {
        struct span line = take_line(&d->body);
        if (!line.n)
            break;
        if (begins(line, "Transfer-Encoding:") && memmem(line.p, line.n, "chunked", 7))
            return error_set(e, ERR_MALFORMED, "a body in chunks: store it without them, or with its XML alone");
        if (!ascii_is_blank(line.p[0]))
            is_type = begins(line, "Content-Type:");
        if (!is_type)
            continue;
        size_t skip = ascii_is_blank(line.p[0]) ? 0 : strlen("Content-Type:");
        buf_add(&type, line.p + skip, line.n - skip);
        buf_add_char(&type, ' '); /* a header may go on in the next line */
    }
    d->type = buf_span(&type);
    return ERR_OK;
}

/* A MIME body by itself: its first line is the boundary. */
static enum err guess_type(struct arena *a, struct dump *d, struct error *e)
{
    struct span rest = d->body, line = take_line(&rest);
    while (line.n && ascii_is_blank(line.p[line.n - 1]))
        line.n--;
    if (memchr(line.p, '"', line.n) || memchr(line.p, '\\', line.n))
        return error_set(e, ERR_MALFORMED, "the first line is no boundary of MIME");
    d->type = span_of(arena_printf(a, "multipart/related; type=\"application/xop+xml\"; boundary=\"%.*s\"",
                                   (int)(line.n - 2), line.p + 2));
    return ERR_OK;
}

static enum err read_outside(struct arena *a, struct span dump, struct dump *d, struct error *e)
{
    static const char bom[] = "\xEF\xBB\xBF";
    struct span s = dump;
    if (begins(s, bom))
        s = (struct span){s.p + strlen(bom), s.n - strlen(bom)};
    while (s.n && ascii_is_blank(s.p[0]))
        s = (struct span){s.p + 1, s.n - 1};
    *d = (struct dump){.body = dump};
    if (!begins(s, "--") && !has_head(s))
        return ERR_OK; /* XML, or it will be said that it is none */
    d->body = s;
    d->is_mime = true;
    return begins(s, "--") ? guess_type(a, d, e) : read_head(a, d, e);
}

/* The content of attachments is outside of every signature, and stays outside of the document. */
static void drop_attachments(struct xml_node *root)
{
    for (struct xml_node *at = root; at; at = xml_walk(root, at)) {
        struct xml_node *above = xml_parent(at);
        if (!above || !xml_is(at, xml_ns(above), "Content") || !xml_is(above, NULL, "AttachmentContent"))
            continue;
        xml_drop(xml_first(at, NS_XOP, "Include"));
    }
}

static enum err put_back(struct arena *a, struct xml_doc *doc, const struct mime_message *mime, struct error *e)
{
    struct xml_node *root = xml_root(doc), *body = xml_first(root, NULL, "Body");
    struct smev3_reply reply = {.element = body ? xml_first(body, NULL, NULL) : NULL};
    drop_attachments(root);
    return smev3_xop_resolve(a, root, mime, &reply, e);
}

enum err dsig_dump_read(struct arena *a, struct span dump, const struct xml_limits *limits, struct xml_doc **out,
                        struct error *e)
{
    struct dump d;
    struct mime_message mime = {.root = dump};
    struct mime_limits mime_limits = mime_limits_default;
    mime_limits.size_max_bytes = limits->size_max_bytes;
    enum err err = read_outside(a, dump, &d, e);
    if (!err && d.is_mime)
        err = mime_read(a, d.type.p, d.body, &mime_limits, &mime, e);
    if (!err)
        err = xml_prescan(mime.root, limits, e);
    if (!err)
        err = xml_parse(a, mime.root, out, e);
    return err || !mime.is_xop ? err : put_back(a, *out, &mime, e);
}
