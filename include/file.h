/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Files that somebody else names. */
#pragma once

#include "error.h"

/*
 * ERR_CONFIG when there is a pipe, a socket or a device, which to open or read may hang for ever (L1); ERR_OK for all
 * else: a file that is not there, or a folder, is told by whoever opens it.
 */
MUST_CHECK enum err file_may_be_opened(const char *file, struct error *e);
