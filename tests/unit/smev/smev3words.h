/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* For the tests of SMEV 3: its names, ids of messages, and an arena a test. */
#pragma once

#include "arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SHARED   SOURCE_DIR "/../shared/smev/" /* collected messages and schemas, where they lie beside the source */
#define SAMPLES  SHARED "signed-samples/"
#define TYPES    "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/"
#define ID_1     "0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77"
#define ID_2     "1e8cfc01-5e81-11e4-a9ff-d4c9eff07b77"
#define ID_3     "2e8cfc01-5e81-11e4-a9ff-d4c9eff07b77"

static struct arena *arena; /* of the test that runs: begin and end are its setup and teardown */

static inline int begin(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}
