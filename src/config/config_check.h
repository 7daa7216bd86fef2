/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Rules that no single value can break. */
#pragma once

#include "buf.h"
#include "config.h"

/* Adds "file:line: text" lines for everything that does not fit together; path and line 1 stand for "nowhere". */
void config_check(const struct config *c, const char *path, struct buf *mistakes);
