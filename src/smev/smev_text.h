/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Text as the SMEV 3 transform reads and writes it. */
#pragma once

#include "arena.h"
#include "buf.h"

#include <stdbool.h>

/* Text or an attribute value without its references; false when one is unknown or out of range. */
bool smev_text_decode(struct arena *a, struct span in, struct span *out);
/* Order by UTF-16 code units, less than 0, 0, more than 0. */
int smev_text_compare(struct span a, struct span b);
void smev_text_write_attr(struct buf *out, struct span s);
/* One text node, whole: where '>' is escaped depends on its length. */
void smev_text_write(struct buf *out, struct span s);
