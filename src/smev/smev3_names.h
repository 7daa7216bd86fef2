/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Names of SMEV 3 as its files share them. */
#pragma once

#include "smev3.h"

#define SMEV3_VERSIONS 3
#define SMEV3_OPS      7
#define NS_XOP         "http://www.w3.org/2004/08/xop/include"

/* Which version's types, basic types or faults a namespace is; false: none. ns may be NULL. */
bool smev3_is_types(const char *ns, enum smev3_version *out);
bool smev3_is_basic(const char *ns, enum smev3_version *out);
bool smev3_is_faults(const char *ns, enum smev3_version *out);

/* soap:Fault of an answer to op. */
void smev3_fault_read(struct arena *a, enum smev3_op op, struct xml_node *fault, struct smev3_fault *out);

/* The text of an element without blanks around it; NULL: absent, or with elements in it. node may be NULL. */
const char *smev3_word(struct arena *a, const struct xml_node *node);
/* A UUID in lower case; NULL: the text is none. text may be NULL. */
const char *smev3_uuid(struct arena *a, const char *text);

/* What is put back and what is attached (XML-binary Optimized Packaging 1.0). */
struct mime_message;
MUST_CHECK enum err smev3_xop_resolve(struct arena *a, struct xml_node *envelope, const struct mime_message *mime,
                                      struct smev3_reply *reply, struct error *e);
