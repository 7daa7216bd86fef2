/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Signs an element of a ready message of SMEV 3, by splicing: what was written by others is not written anew, for it
 * may hold other signatures.
 */
#include "smev3.h"

#include "clock.h"
#include "dsig.h"
#include "splice.h"
#include "told.h"

#include <limits.h>
#include <string.h>

struct message {
    struct arena *arena;
    const char *local;
    struct error *e;
    /* as of the text that was read last */
    struct span text;
    struct xml_node *root, *element, *parent, *beside, *place;
    const char *place_name;
};

static enum err find_element(struct message *m)
{
    m->element = NULL;
    for (struct xml_node *at = m->root; at; at = xml_walk(m->root, at)) {
        if (strcmp(xml_local(at), m->local) != 0)
            continue;
        if (m->element)
            return error_set(m->e, ERR_ENVELOPE, "several elements %s in the message", told_name(m->local));
        m->element = at;
    }
    if (!m->element)
        return error_set(m->e, ERR_ENVELOPE, "no element %s in the message", told_name(m->local));
    return ERR_OK;
}

static enum err find_place(struct message *m)
{
    m->place_name = smev3_place_of(m->element, &m->parent, &m->beside);
    if (!m->place_name)
        return error_set(m->e, ERR_ENVELOPE, "the schemas of SMEV 3 have no signature for %s where it stands",
                         told_name(m->local));
    unsigned n = xml_count(m->parent, NULL, m->place_name);
    m->place = n ? xml_first(m->parent, NULL, m->place_name) : NULL;
    if (n > 1 || (m->place && (xml_first(m->place, NULL, NULL) || xml_has_stray_text(m->place))))
        return error_set(m->e, ERR_ENVELOPE, "there is something in %s already", m->place_name);
    return ERR_OK;
}

/* Reads it anew: nodes of before are gone. */
static enum err message_read(struct message *m, struct span text)
{
    struct xml_doc *doc = NULL;
    xml_docs_free(m->arena);
    struct xml_limits limits = xml_limits_default;
    limits.size_max_bytes = text.n + 1;
    limits.elements_max = text.n < UINT_MAX ? (unsigned)text.n : UINT_MAX; /* its owner's, not a peer's */
    enum err err = xml_prescan(text, &limits, m->e);
    if (!err)
        err = xml_parse(m->arena, text, &doc, m->e);
    if (err)
        return err;
    m->text = text;
    m->root = xml_root(doc);
    err = find_element(m);
    if (!err)
        err = find_place(m);
    if (!err && xml_has_comments(m->element))
        err = error_set(m->e, ERR_ENVELOPE, "%s holds comments, which a signature does not cover", told_name(m->local));
    return err;
}

static enum err locate(struct message *m, struct xml_node *node, struct splice_place *at)
{
    if (splice_find(m->text, m->root, node, at))
        return ERR_OK;
    return error_set(m->e, ERR_INTERNAL, "cannot find <%s> in the text", told_name(xml_local(node)));
}

static enum err give_id(struct message *m)
{
    if (xml_attr(m->arena, m->element, NULL, "Id"))
        return ERR_OK;
    struct splice_place at;
    enum err err = locate(m, m->element, &at);
    if (err)
        return err;
    char serial[UUID_TEXT_SIZE];
    uuid_v4(serial);
    return message_read(m, splice_insert(m->arena, m->text, splice_name_end(m->text, &at),
                                         arena_printf(m->arena, " Id=\"ID_%s\"", serial)));
}

/* Its place in the sequence of the schemas: behind MessagePrimaryContent, or last. It is of its parent's namespace. */
static enum err give_place(struct message *m)
{
    if (m->place)
        return ERR_OK;
    struct splice_place beside, parent;
    enum err err = locate(m, m->beside, &beside);
    if (!err)
        err = locate(m, m->parent, &parent);
    if (err)
        return err;
    const char *prefix = xml_prefix(m->parent);
    const char *name = prefix ? arena_printf(m->arena, "%s:%s", prefix, m->place_name) : m->place_name;
    size_t offset = m->beside == m->element ? parent.close : beside.close_end;
    return message_read(m, splice_insert(m->arena, m->text, offset, arena_printf(m->arena, "<%s></%s>", name, name)));
}

static enum err fill_place(struct message *m, const char *signature)
{
    struct splice_place at;
    enum err err = locate(m, m->place, &at);
    if (err)
        return err;
    /* Blanks between its tags go: the recommendations want no text nodes there. */
    const char *before = at.is_empty ? ">" : "", *behind = "";
    size_t from = at.is_empty ? at.open_end - strlen("/>") : at.open_end, to = at.close;
    if (at.is_empty)
        behind = arena_printf(m->arena, "</%.*s>", (int)(splice_name_end(m->text, &at) - at.open - 1),
                              m->text.p + at.open + 1);
    struct buf b;
    buf_init(&b, m->arena, m->text.n + strlen(signature) + 64);
    buf_add(&b, m->text.p, from);
    buf_add_strs(&b, before, signature, behind, NULL);
    buf_add(&b, m->text.p + to, m->text.n - to);
    m->text = buf_span(&b);
    return ERR_OK;
}

static enum err sign(struct arena *a, struct span message, const char *local, const struct key *key, struct buf *out,
                     struct error *e)
{
    struct message m = {.arena = a, .local = local, .e = e};
    enum err err = message_read(&m, message);
    if (!err)
        err = give_id(&m);
    if (!err)
        err = give_place(&m);
    if (!err && smev3_signed(m.place) != m.element) /* others would look elsewhere */
        err =
            error_set(e, ERR_ENVELOPE, "%s would not be taken for the signature of %s", m.place_name, told_name(local));
    struct buf signature;
    buf_init(&signature, a, 8192);
    if (!err)
        err = smev3_write_signature(a, m.element, xml_attr(a, m.element, NULL, "Id"), key, &signature, e);
    if (!err)
        err = fill_place(&m, signature.p);
    if (!err)
        buf_add_span(out, m.text);
    return err;
}

enum err smev3_sign_message(struct span message, const char *local, const struct key *key, struct buf *out,
                            struct error *e)
{
    struct arena *own = arena_new(); /* documents are many times as large as their text */
    const char *name = arena_strdup(own, local);
    enum err err = sign(own, message, name, key, out, e);
    arena_free(own);
    return err;
}
