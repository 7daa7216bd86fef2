/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The rows of the error table of error.h, looked up by code. Owns no state; never logs. */
#include "error.h"

#include "log.h"
#include "utf8.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct error_row {
    const char *name;
    enum blame blame;
    enum log_level level;
    int http;
    const char *fault;
    enum queue_verdict queue;
    const char *text, *rejection;
};

static const struct error_row rows[] = {
#define X(name, blame, level, http, fault, queue, text, rejected)                                                      \
    {#name, blame, level, http, fault, QUEUE_##queue, text, rejected},
    ERRORS(X)
#undef X
};

const char *const queue_verdict_words[] = {
#define X(name) #name,
    QUEUE_VERDICTS(X)
#undef X
};

static const struct error_row *error_row(enum err code)
{
    size_t i = (size_t)code;
    return &rows[i < sizeof rows / sizeof rows[0] ? i : (size_t)ERR_INTERNAL];
}

enum err error_set(struct error *e, enum err code, const char *fmt, ...)
{
    if (e == NULL || e->code != ERR_OK)
        return code;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->detail, sizeof e->detail, fmt, ap);
    va_end(ap);
    e->code = code;
    if (n <= 0)
        snprintf(e->detail, sizeof e->detail, "no reason given (%s)", error_name(code));
    else if ((size_t)n >= sizeof e->detail)
        e->detail[utf8_cut(e->detail, sizeof e->detail - 1)] = '\0'; /* no half letter at the end */
    return code;
}

bool error_blames(const char *detail, const char *file)
{
    static const char *const after[] = {": ", " does not belong to "};
    size_t n = file != NULL ? strlen(file) : 0;
    if (n == 0 || strncmp(detail, file, n) != 0)
        return false;
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++)
        if (strncmp(detail + n, after[i], strlen(after[i])) == 0)
            return true;
    return false;
}

const char *error_name(enum err code)
{
    return error_row(code)->name;
}

const char *error_text(enum err code)
{
    return error_row(code)->text;
}

const char *error_faultcode(enum err code)
{
    return error_row(code)->fault;
}

int error_http_status(enum err code)
{
    return error_row(code)->http;
}

enum queue_verdict error_queue(enum err code)
{
    return error_row(code)->queue;
}

const char *error_rejection(enum err code)
{
    return error_row(code)->rejection;
}

enum blame error_blame(enum err code)
{
    return error_row(code)->blame;
}

int error_log_level(enum err code)
{
    return (int)error_row(code)->level;
}
