/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A file of the tree, or one that a test has made, read whole. */
#pragma once

#include "buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* With a NUL behind it. The test fails when there is no such file. */
static inline struct span whole_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        fail_msg("%s is not there", path);
    struct buf b;
    char part[8192];
    buf_init(&b, a, sizeof part);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_add(&b, part, n);
    fclose(f);
    return b.n > 0 ? buf_span(&b) : SPAN_LIT("");
}
