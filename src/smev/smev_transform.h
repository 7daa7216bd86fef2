/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * urn://smev-gov-ru/xmldsig/transform: the normal form SMEV 3 hashes, made from the octets exclusive C14N gave.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "error.h"

/* ERR_SECURITY for what the form has no answer to: an element without namespace, an xml: attribute. */
MUST_CHECK enum err smev_transform(struct arena *a, struct span octets, struct buf *out, struct error *e);
