/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Names of certificates in words for the log, and the bounded text they are written into. */
#pragma once

#include "crypto_private.h"

/* Always ends with a NUL; what has no room is left out. cap is not 0. */
struct words {
    char *p;
    size_t cap, n;
};
void words_add(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Who holds a key may be a person; who issues certificates is an organization unless something says otherwise. */
enum name_of { NAME_OF_HOLDER, NAME_OF_AUTHORITY };

/*
 * At most some 250 bytes: "O=…, CN=…", "O=…, a person", "CN not told". is_person: the certificate says it elsewhere.
 */
void name_words(struct words *w, const X509_NAME *name, enum name_of whose, bool is_person);
/* Its other names, or attributes of the subject, are of a person. */
bool name_is_elsewhere_of_person(const X509 *x);
