/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A call as it goes to the wire: what was drafted, signed, in its envelope. */
#include "smev3.h"

enum err smev3_write_signed(struct arena *a, const struct smev3_draft *draft, const struct key *key, struct buf *out,
                            struct error *e)
{
    struct buf signature;
    if (key == NULL)
        return error_set(e, ERR_AGENCY, "nothing can be signed in the name of this agency");
    buf_init(&signature, a, 4096);
    enum err err = smev3_sign(a, draft->element, key, &signature, e);
    if (err == ERR_OK)
        smev3_write_envelope(draft, buf_span(&signature), out);
    return err;
}
