/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What SMEV moved into MIME parts (XML-binary Optimized Packaging 1.0). It does so with any base64, even where it is
 * signed: there the text has to stand again before anybody hashes it. The content of attachments is outside of every
 * signature and stays where it is.
 */
#include "mime.h"
#include "smev3_names.h"

#include <string.h>

struct xop {
    struct arena *a;
    const struct mime_message *mime;
    struct smev3_reply *reply;
    bool *is_used; /* of each part */
    size_t room;   /* bytes that may still be put back */
    struct error *e;
};

/* What is wrong with an Include; NULL: it means *part. It is alone in its parent, and nobody else means the same. */
static const char *find_fault(const struct xop *x, struct xml_node *include, const struct mime_part **part)
{
    struct xml_node *holder = xml_parent(include);
    *part = NULL;
    if (!x->mime->is_xop || holder == NULL)
        return "in what is no XOP message";
    if (xml_next(xml_first(holder, NULL, NULL), NULL, NULL) != NULL || xml_has_words(holder))
        return "is not alone";
    const char *href = xml_attr(x->a, include, NULL, "href");
    *part = href != NULL ? mime_find(x->a, x->mime, href) : NULL;
    if (*part == NULL)
        return "names a part that is not there";
    return x->is_used[*part - x->mime->parts] ? "names a part that another one names" : NULL;
}

/* The part an Include means; NULL when e says what is wrong with it. */
static const struct mime_part *find_part(const struct xop *x, struct xml_node *include)
{
    const struct mime_part *part;
    const char *fault = find_fault(x, include, &part);
    if (fault != NULL || part == NULL) {
        (void)error_set(x->e, ERR_ENVELOPE, "xop:Include (line %ld) %s", xml_line(include), fault);
        return NULL;
    }
    x->is_used[part - x->mime->parts] = true;
    return part;
}

static enum err put_back(struct xop *x, struct xml_node *holder, struct span octets)
{
    struct buf text;
    size_t n = (octets.n + 2) / 3 * 4;
    if (n > x->room)
        return error_set(x->e, ERR_LIMIT, "what xop:Include puts back is longer than a message may be");
    x->room -= n;
    buf_init(&text, x->a, n + 1);
    buf_add_base64(&text, octets.p, octets.n);
    if (!xml_put_text(holder, (struct span){n > 0 ? text.p : "", n}))
        return error_set(x->e, ERR_INTERNAL, "xop:Include: out of memory");
    return ERR_OK;
}

static bool is_within(struct xml_node *node, const struct xml_node *top)
{
    while (node != NULL && node != top)
        node = xml_parent(node);
    return node != NULL && top != NULL;
}

/* Content of AttachmentContent: by reference, or written out by a peer without MTOM. */
static enum err read_attachment(struct xop *x, struct xml_node *node, struct smev3_attachment *out)
{
    struct xml_node *content = xml_first(node, NULL, "Content");
    struct xml_node *include = content != NULL ? xml_first(content, NS_XOP, "Include") : NULL;
    const char *id = smev3_word(x->a, xml_first(node, NULL, "Id"));
    out->id = id != NULL ? id : "";
    if (include != NULL) {
        const struct mime_part *part = find_part(x, include);
        if (part == NULL)
            return x->e->code;
        out->octets = part->octets;
        return ERR_OK;
    }
    const char *text = content != NULL ? xml_text(x->a, content) : NULL;
    if (text == NULL || !base64_decode(x->a, span_of(text), &out->octets))
        return error_set(x->e, ERR_ENVELOPE, "an attachment (line %ld) without content", xml_line(node));
    return ERR_OK;
}

static enum err read_attachments(struct xop *x, struct xml_node *list)
{
    unsigned n = xml_count(list, NULL, "AttachmentContent");
    struct smev3_attachment *all = arena_array(x->a, n, sizeof *all);
    x->reply->attachments = all;
    struct xml_node *at = xml_first(list, NULL, "AttachmentContent");
    for (; at != NULL; at = xml_next(at, NULL, "AttachmentContent")) {
        enum err err = read_attachment(x, at, &all[x->reply->nattachments++]);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* Every Include of the envelope, in one walk: attachments were seen to, what is signed is put back, others are none. */
static enum err put_all_back(struct xop *x, struct xml_node *envelope, const struct xml_node *list)
{
    for (struct xml_node *at = envelope; (at = xml_walk(envelope, at)) != NULL;) {
        if (!xml_is(at, NS_XOP, "Include") || is_within(at, list))
            continue;
        if (!is_within(at, x->reply->element) || at == x->reply->element)
            return error_set(x->e, ERR_ENVELOPE, "xop:Include (line %ld) where nothing can be attached", xml_line(at));
        struct xml_node *holder = xml_parent(at);
        const struct mime_part *part;
        bool is_business = is_within(at, x->reply->personal);
        x->reply->has_include |= is_business;
        if (is_business && find_fault(x, at, &part) != NULL)
            continue; /* it is refused whatever it means: it stays as it was signed */
        part = find_part(x, at);
        if (part == NULL)
            return x->e->code;
        enum err err = put_back(x, holder, part->octets);
        if (err != ERR_OK)
            return err;
        at = holder;
    }
    return ERR_OK;
}

enum err smev3_xop_resolve(struct arena *a, struct xml_node *envelope, const struct mime_message *mime,
                           struct smev3_reply *reply, struct error *e)
{
    size_t max = smev3_xml_limits.size_max_bytes;
    struct xop x = {
        .a = a, .mime = mime, .reply = reply, .room = max - (mime->root.n < max ? mime->root.n : max), .e = e};
    x.is_used = arena_array(a, mime->nparts + (size_t)1, sizeof *x.is_used);
    struct xml_node *message = reply->element != NULL ? xml_parent(reply->element) : NULL, *list = NULL;
    enum smev3_version version;
    for (list = message != NULL ? xml_first(message, NULL, "AttachmentContentList") : NULL;
         list != NULL && !smev3_is_basic(xml_ns(list), &version);)
        list = xml_next(list, NULL, "AttachmentContentList");
    enum err err = list != NULL ? read_attachments(&x, list) : ERR_OK;
    return err != ERR_OK ? err : put_all_back(&x, envelope, list);
}
