/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A message of ours that was kept, with other signatures: those of a certificate that has ended since, or was replaced,
 * nobody takes. What is said stays, octet for octet; it is cut out of the text and signed where it stands.
 */
#include "smev3_names.h"

#include "clock.h"
#include "splice.h"

#include <limits.h>
#include <string.h>

#define CERT_OPEN  "<ds:X509Certificate>"
#define CERT_CLOSE "</ds:X509Certificate>"

/* ---- who has signed ---- */

/* The text of the next certificate; *rest begins behind it. Text and attributes hold no tags: what is found is markup.
 */
static struct span next_cert(struct span *rest)
{
    const char *open = memmem(rest->p, rest->n, CERT_OPEN, strlen(CERT_OPEN));
    if (open == NULL)
        return (struct span){0};
    const char *from = open + strlen(CERT_OPEN), *end = rest->p + rest->n;
    const char *to = memmem(from, (size_t)(end - from), CERT_CLOSE, strlen(CERT_CLOSE));
    if (to == NULL)
        return (struct span){0};
    *rest = (struct span){to, (size_t)(end - to)};
    return (struct span){from, (size_t)(to - from)};
}

static bool is_cert_of(struct arena *a, struct span text, const struct key *key)
{
    struct span der = cert_der(key_cert(key));
    struct buf b;
    buf_init(&b, a, der.n * 2);
    buf_add_base64(&b, der.p, der.n);
    return text.n == b.n && memcmp(text.p, b.p, b.n) == 0;
}

bool smev3_is_signed_by(struct arena *a, struct span envelope, const struct key *key, const struct key *official)
{
    static const char content[] = ":MessagePrimaryContent>";
    bool wants_official = official != NULL && memmem(envelope.p, envelope.n, content, sizeof content - 1) != NULL;
    struct span rest = envelope, first = next_cert(&rest), second = next_cert(&rest);
    if (first.n == 0 || next_cert(&rest).n > 0 || (second.n > 0) != wants_official)
        return false;
    if (!wants_official)
        return is_cert_of(a, first, key);
    return is_cert_of(a, first, official) && is_cert_of(a, second, key);
}

/* ---- another signature ---- */

/* The text, read; data is the element that the agency signs. */
struct kept {
    struct arena *arena;
    struct span text;
    struct xml_node *root, *data;
    struct error *e;
};

static enum err kept_read(struct kept *k, struct span text)
{
    struct xml_doc *doc = NULL;
    struct error why = {0};
    struct xml_limits limits = xml_limits_default;
    xml_docs_free(k->arena);
    limits.size_max_bytes = text.n + 1;
    limits.elements_max = text.n < UINT_MAX ? (unsigned)text.n : UINT_MAX;
    k->text = text;
    k->data = NULL;
    enum err err = xml_prescan(text, &limits, &why);
    if (err == ERR_OK)
        err = xml_parse(k->arena, text, &doc, &why);
    if (err != ERR_OK)
        return error_set(k->e, ERR_INTERNAL, "a message that was kept cannot be read: %s", why.detail);
    k->root = xml_root(doc);
    for (struct xml_node *at = k->root; at != NULL && k->data == NULL; at = xml_walk(k->root, at))
        if (xml_is(at, NULL, "SenderProvidedResponseData") || xml_is(at, NULL, "SenderProvidedRequestData"))
            k->data = at;
    return k->data != NULL ? ERR_OK : error_set(k->e, ERR_INTERNAL, "a message that was kept is none of ours");
}

/* `what` in the place of the octets from..to; nodes of before are gone. */
static enum err replace(struct kept *k, size_t from, size_t to, const char *what)
{
    struct buf b;
    buf_init(&b, k->arena, k->text.n + strlen(what) + 1);
    buf_add(&b, k->text.p, from);
    buf_add_str(&b, what);
    buf_add(&b, k->text.p + to, k->text.n - to);
    return kept_read(k, buf_span(&b));
}

static enum err locate(struct kept *k, struct xml_node *node, struct splice_place *at)
{
    return splice_find(k->text, k->root, node, at)
               ? ERR_OK
               : error_set(k->e, ERR_INTERNAL, "cannot find an element of a kept message in its text");
}

static enum err cut(struct kept *k, struct xml_node *node)
{
    struct splice_place at;
    if (node == NULL)
        return ERR_OK;
    enum err err = locate(k, node, &at);
    return err != ERR_OK ? err : replace(k, at.open, at.close_end, "");
}

static struct xml_node *business_of(const struct kept *k)
{
    struct xml_node *content = xml_first(k->data, NULL, "MessagePrimaryContent");
    return content != NULL ? xml_first(content, NULL, NULL) : NULL;
}

/* Where no official signs, the Id that was for his signature is nothing that a schema of ours knows. */
static enum err cut_id(struct kept *k)
{
    static const char mark[] = " Id=\"";
    struct splice_place at;
    struct xml_node *business = business_of(k);
    if (business == NULL || xml_attr(k->arena, business, NULL, "Id") == NULL)
        return ERR_OK;
    enum err err = locate(k, business, &at);
    if (err != ERR_OK)
        return err;
    const char *tag = k->text.p + at.open, *from = memmem(tag, at.open_end - at.open, mark, sizeof mark - 1);
    const char *to = from != NULL ? memchr(from + sizeof mark - 1, '"', at.open_end - at.open) : NULL;
    if (to == NULL)
        return error_set(k->e, ERR_INTERNAL, "cannot find the Id of a kept message's content");
    return replace(k, (size_t)(from - k->text.p), (size_t)(to + 1 - k->text.p), "");
}

static enum err put_id(struct kept *k, const char *message_id)
{
    struct splice_place at;
    struct xml_node *id = xml_first(k->data, NULL, "MessageID");
    if (id == NULL || !uuid_is_valid(message_id))
        return error_set(k->e, ERR_INTERNAL, "a message that was kept has no MessageID, or is to have none");
    enum err err = locate(k, id, &at);
    return err != ERR_OK ? err : replace(k, at.open_end, at.close, message_id);
}

static enum err sign_one(struct kept *k, struct xml_node *element, const struct key *key)
{
    struct buf b;
    buf_init(&b, k->arena, k->text.n + 8192);
    enum err err = smev3_sign_message(k->text, xml_local(element), key, &b, k->e);
    return err != ERR_OK ? err : kept_read(k, buf_span(&b));
}

static enum err sign_kept(struct arena *a, struct span envelope, const char *message_id, const struct key *key,
                          const struct key *official, struct buf *out, struct error *e)
{
    struct kept k = {.arena = a, .e = e};
    enum err err = kept_read(&k, envelope);
    if (err == ERR_OK)
        err = cut(&k, xml_next(k.data, NULL, "CallerInformationSystemSignature"));
    if (err == ERR_OK)
        err = cut(&k, xml_first(k.data, NULL, "PersonalSignature"));
    if (err == ERR_OK && message_id != NULL)
        err = put_id(&k, message_id);
    if (err == ERR_OK && official == NULL)
        err = cut_id(&k);
    else if (err == ERR_OK && business_of(&k) != NULL)
        err = sign_one(&k, business_of(&k), official);
    if (err == ERR_OK)
        err = sign_one(&k, k.data, key);
    if (err == ERR_OK)
        buf_add_span(out, k.text);
    return err;
}

enum err smev3_sign_anew(struct span envelope, const char *message_id, const struct key *key,
                         const struct key *official, struct buf *out, struct error *e)
{
    struct arena *own = arena_new();
    enum err err = sign_kept(own, envelope, message_id, key, official, out, e);
    arena_free(own);
    return err;
}
