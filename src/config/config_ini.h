/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Lines of one INI file with their numbers. The only user of inih. */
#pragma once

#include "config.h"

/* Longest line, line break included. A longer one is a mistake, never cut. */
#define INI_LINE_MAX    4096
#define INI_SECTION_MAX 48

struct ini_events {
    void *arg;
    void (*on_section)(void *arg, int line, const char *section);
    void (*on_pair)(void *arg, int line, const char *key, const char *value);
    void (*on_mistake)(void *arg, int line, const char *text); /* the line is left out and reading goes on */
};

/* ERR_CONFIG only when the file cannot be read. */
MUST_CHECK enum err ini_read(const char *file, const struct ini_events *events, struct error *e);
