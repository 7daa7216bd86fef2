/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What may be repeated of a peer's words where people read: in the log, and in a text that stays with a booking (J3). A
 * stranger may call an element, a path or a namespace by somebody's name and telephone. Nothing is kept here.
 */
#pragma once

#include <stdbool.h>

/* Does it look like the name of a field: letters of ASCII and _, 40 at most? */
bool told_is_name(const char *s);
/* s when it is such a name, else "(no plain name)". */
const char *told_name(const char *s);
/* s when it is the name of a namespace, an algorithm or an encoding that senders of signed SOAP use, else "(not a known
 * one)". */
const char *told_uri(const char *s);
/* s when it looks like a path or a type of content: 100 characters of ASCII at most, without a number that could be
 * somebody's; else "(not told)". NULL stays. */
const char *told_path(const char *s);
