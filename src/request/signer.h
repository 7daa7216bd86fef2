/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A signature is good, its certificate believed, and it is not whom the configuration names: in words, with advice. */
#pragma once

#include "request_private.h"

/*
 * ERR_SENDER: signer is no sender of the configuration; or is one, owner, and the wrong kind. as_smev: SMEV itself is
 * wanted there (actors/recipient), otherwise anybody else.
 */
enum err signer_unknown(struct request *r, const struct cert *signer, const struct keyring_sender *owner, bool as_smev);
/* ERR_SENDER: it is r->sender, and smev:Sender/Code says somebody else; claimed may be NULL. */
enum err signer_differs(struct request *r, const char *claimed);
