/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The namespaces of the SMEV 3 transform (rules 4 and 5): what the prefixes of the input are bound to, and which
 * numbers were issued to namespaces in the output. A number is never issued twice.
 */
#pragma once

#include "arena.h"
#include "buf.h"

#include <stdbool.h>

#define ISSUED_TEXT_MAX 16

struct ns_binding { /* of the input */
    struct span prefix, uri;
    size_t number; /* in issued, as it was when last asked for */
    unsigned id;   /* what that one was: another stands there when this is no longer so */
};
struct issued { /* of the output */
    struct span uri;
    unsigned id;
    char text[ISSUED_TEXT_MAX]; /* "ns12:" */
    size_t n;
};
struct smev_prefixes { /* all zero but the arena in the beginning */
    struct arena *arena;
    struct ns_binding *bindings;
    size_t nbindings, bindings_cap;
    struct issued *issued;
    size_t nissued, issued_cap;
    unsigned last_id;
};

/* What is bound and issued within an element is gone behind it. */
struct smev_prefixes_mark {
    size_t nbindings, nissued;
};
struct smev_prefixes_mark smev_prefixes_enter(const struct smev_prefixes *p);
void smev_prefixes_leave(struct smev_prefixes *p, struct smev_prefixes_mark mark);

void smev_prefixes_bind(struct smev_prefixes *p, struct span prefix, struct span uri);
/* NULL: it is bound to nothing. Good until the next smev_prefixes_bind(). */
struct ns_binding *smev_prefixes_find(struct smev_prefixes *p, struct span prefix);
/* Which of the issued is this namespace's; true: it was issued just now, and is to be declared. */
bool smev_prefixes_number(struct smev_prefixes *p, struct ns_binding *ns, size_t *number);
/* Writes its declaration. */
void smev_prefixes_declare(const struct smev_prefixes *p, size_t number, struct buf *out);
/* Both: the number, declared in out when it is new. */
size_t smev_prefixes_use(struct smev_prefixes *p, struct ns_binding *ns, struct buf *out);
