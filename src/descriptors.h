/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* How many descriptors there may be, and what follows from it for connections and sessions. */
#pragma once

#include "config.h"

struct descriptors {
    unsigned limit;       /* of the process, after raising */
    unsigned wanted;      /* by the configuration, everything at its most */
    unsigned sessions;    /* database connections that fit; never fewer than one */
    unsigned connections; /* of all listeners together that fit beside them */
};

/* Raises the soft limit of the process to its hard one. */
void descriptors_raise(void);
/* open: descriptors that are open now, the listeners' own among them or not. */
void descriptors_fit(const struct config *conf, unsigned open, struct descriptors *out);
unsigned descriptors_open(void); /* of this process, now */
