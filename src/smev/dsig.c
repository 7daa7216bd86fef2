/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Checks a signature that dsig_read.c has found to be well formed, and hands out the octets whose digests were right.
 * Those octets, and nothing else of the message, are what the rest of the program may read.
 */
#include "dsig.h"
#include "told.h"

#include <string.h>

#define BODY_BYTES 4096 /* as a rule */
#define INFO_BYTES 1536

static enum err canonical(struct arena *a, const struct xml_node *node, const char *const *prefixes, size_t usual,
                          struct span *out, struct error *e)
{
    struct buf b;
    buf_init(&b, a, usual);
    enum err err = xml_c14n(node, prefixes, &b, e);
    if (!err && b.n == 0) /* never: but the digest of nothing is known to everybody */
        err = error_set(e, ERR_INTERNAL, "canonical form is empty");
    *out = buf_span(&b);
    return err;
}

/* Room at once for what is nearly all of its document: a buffer that grows is there twice. */
static size_t room_for(const struct xml_node *element)
{
    size_t parsed = xml_parsed_bytes(element);
    return parsed > BODY_BYTES ? parsed + parsed / 16 : BODY_BYTES;
}

/* What is hashed. The step between, as large as the element, does not stay. */
static enum err transformed(struct arena *a, const struct dsig_parsed_reference *ref, struct span *out, struct error *e)
{
    if (!ref->smev_transform)
        return canonical(a, ref->element, ref->prefixes, BODY_BYTES, out, e);
    struct arena *work = arena_new();
    struct span octets;
    enum err err = canonical(work, ref->element, ref->prefixes, room_for(ref->element), &octets, e);
    if (!err) {
        struct buf b;
        buf_init(&b, a, octets.n + octets.n / 4);
        err = smev_transform(work, octets, &b, e);
        *out = buf_span(&b);
    }
    arena_free(work);
    return err;
}

static enum err check_reference(struct arena *a, const struct dsig_parsed_reference *ref, struct dsig_reference *out,
                                struct error *e)
{
    struct span octets;
    enum err err = transformed(a, ref, &octets, e);
    if (err)
        return err;
    unsigned char digest[DIGEST_MAX];
    err = digest_once(ref->digest, octets.p, octets.n, digest, e);
    if (err)
        return err;
    if (ref->digest_value.n != digest_size(ref->digest) ||
        memcmp(digest, ref->digest_value.p, ref->digest_value.n) != 0)
        return error_set(e, ERR_CHECK, "digest of <%s> (line %ld) differs", told_name(xml_local(ref->element)),
                         xml_line(ref->element));
    *out = (struct dsig_reference){ref->id, ref->element, octets, ref->digest};
    return ERR_OK;
}

enum err dsig_check(struct arena *a, const struct dsig_parsed *parsed, const struct cert *signer,
                    struct dsig_result *out, struct error *e)
{
    struct span info;
    enum err err = canonical(a, parsed->signed_info, parsed->prefixes, INFO_BYTES, &info, e);
    if (err)
        return err;
    err = cert_verify(signer, parsed->alg, info.p, info.n, parsed->value.p, parsed->value.n, e);
    if (err)
        return err;
    struct dsig_result good = {.alg = parsed->alg, .nrefs = parsed->nrefs};
    for (unsigned i = 0; i < parsed->nrefs; i++) {
        err = check_reference(a, &parsed->refs[i], &good.refs[i], e);
        if (err)
            return err;
    }
    *out = good; /* nothing is handed out unless all of it was right */
    return ERR_OK;
}
