/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Properties of Unicode characters that the bounds of a text speak of. Private to booking. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Does it hang on the character before it? Putting such marks in order is quadratic in the length of their run, in
 * PostgreSQL's normalize() as well, which nothing can interrupt. Some marks that need no order are counted too.
 */
bool character_is_mark(uint32_t c);
bool character_is_space(uint32_t c);
/* Can nobody see it, or does it change how its neighbours are seen: what no name or number of a person has in it. */
bool character_is_unseen(uint32_t c);
