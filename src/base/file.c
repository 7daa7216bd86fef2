/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "file.h"

#include <sys/stat.h>

enum err file_may_be_opened(const char *file, struct error *e)
{
    struct stat st;
    if (stat(file, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return ERR_OK;
    return error_set(e, ERR_CONFIG, "%s: is not a file but a pipe, socket or device", file);
}
