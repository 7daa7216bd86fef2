/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The table of origins, and what several rows do in the same way. */
#include "request_private.h"

#include "clock.h"

#include <string.h>

const struct origin *origin_of(enum listener_kind kind)
{
    static const struct origin *const origins[LISTENER_UNSET] = {
#define X(kind, word, is_signed, row) [LISTENER_##kind] = &origin_##row,
        LISTENER_KINDS(X)
#undef X
    };
    return origins[kind];
}

enum err origin_verify_signatures(struct request *r, bool requires_smev, bool requires_recipient)
{
    const struct config *conf = r->service->conf;
    struct wsse_policy policy = {
        .allow_gost2001 = conf->allow_gost2001,
        .trust = r->keys->trust,
        .known = r->keys->known,
        .now_s = clock_wall_us() / 1000000,
        .age_max_s = (int64_t)(conf->message_age_max_ms / 1000),
        .require_smev = requires_smev,
        .require_recipient = requires_recipient,
    };
    return wsse_verify(r->arena, r->doc, &policy, &r->wsse, &r->error);
}

enum err origin_digest(struct request *r, struct span covered)
{
    unsigned char digest[DIGEST_MAX];
    enum err err = digest_once(DIGEST_SHA256, covered.p, covered.n, digest, &r->error);
    if (err == ERR_OK)
        memcpy(r->message.digest, digest, sizeof r->message.digest);
    return err;
}
