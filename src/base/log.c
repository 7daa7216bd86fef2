/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Lines to stderr. Owns the level and the knowledge of who reads the other end. A line never holds a line break, a
 * terminal escape or a character that turns the direction of text, whatever the values were; it is at most
 * LINE_BYTES long, so that one write(2) to a pipe is whole.
 */
#include "log_private.h"

#include "clock.h"
#include "utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES  PIPE_BUF
#define VALUE_BYTES 1024

static _Atomic int level_max = LOG_LEVEL_INFO;
static bool to_journal;

static const struct {
    const char *word;
    enum log_level level;
} words[] = {
    {"error", LOG_LEVEL_ERROR}, {"warning", LOG_LEVEL_WARNING}, {"notice", LOG_LEVEL_NOTICE},
    {"info", LOG_LEVEL_INFO},   {"debug", LOG_LEVEL_DEBUG},
};

struct line {
    char p[LINE_BYTES];
    size_t n;
};

void log_init(void)
{
    atomic_store(&level_max, LOG_LEVEL_INFO);
    to_journal = false;
    /* systemd.exec(5): device and inode of the stream; inherited by children whose stderr goes elsewhere, so compare */
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return;
    char mine[64];
    snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    to_journal = strcmp(mine, stream) == 0;
}

void log_set_level(enum log_level level)
{
    atomic_store(&level_max, (int)level);
}

bool log_level_parse(const char *word, enum log_level *out)
{
    for (size_t i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i].word) == 0) {
            *out = words[i].level;
            return true;
        }
    }
    return false;
}

static const char *level_word(enum log_level level)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].level == level)
            return words[i].word;
    }
    return "info";
}

/* All or nothing, and always room for the closing quote and the line break. */
static bool line_add(struct line *l, const char *s, size_t n)
{
    if (n > sizeof l->p - 2 - l->n)
        return false;
    memcpy(l->p + l->n, s, n);
    l->n += n;
    return true;
}

static bool is_plain(const char *s)
{
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return true;
}

static bool add_escaped_char(struct line *l, const char *s, size_t left, size_t *taken)
{
    uint32_t c = 0;
    char text[16];
    *taken = utf8_next(s, left, &c);
    if (*taken == 0) {
        *taken = 1;
        snprintf(text, sizeof text, "\\x%02x", (unsigned)(unsigned char)*s);
    } else if (c == '"' || c == '\\') {
        snprintf(text, sizeof text, "\\%c", (char)c);
    } else if (c == '\n') {
        snprintf(text, sizeof text, "\\n");
    } else if (c == '\r') {
        snprintf(text, sizeof text, "\\r");
    } else if (c == '\t') {
        snprintf(text, sizeof text, "\\t");
    } else if (utf8_is_active(c)) {
        snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
    } else {
        return line_add(l, s, *taken);
    }
    return line_add(l, text, strlen(text));
}

static void add_value(struct line *l, const char *s)
{
    size_t n = strlen(s);
    if (n <= VALUE_BYTES && is_plain(s)) {
        line_add(l, s, n);
        return;
    }
    size_t shown = n > VALUE_BYTES ? VALUE_BYTES : n;
    if (!line_add(l, "\"", 1))
        return;
    for (size_t i = 0, taken; i < shown; i += taken) {
        if (!add_escaped_char(l, s + i, n - i, &taken)) {
            shown = i;
            break;
        }
    }
    if (shown < n)
        line_add(l, "...", 3);
    l->p[l->n++] = '"'; /* line_add() left room */
}

static void add_word(struct line *l, const char *s)
{
    /* Keys and event words are ours; should one ever not be a word, it must not break the line. */
    if (is_plain(s))
        line_add(l, s, strlen(s));
    else
        line_add(l, "?", 1);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load(&level_max);
}

void log_front(enum log_level level, char out[LOG_FRONT_SIZE])
{
    char now[CLOCK_TEXT_SIZE];
    int64_t wall_us = clock_wall_us();
    if (to_journal) {
        snprintf(out, LOG_FRONT_SIZE, "<%d>", (int)level);
        return;
    }
    clock_format(wall_us, clock_local_offset_min(wall_us), now);
    snprintf(out, LOG_FRONT_SIZE, "%s %s ", now, level_word(level));
}

void log_pairs(enum log_level level, const char *event, va_list pairs)
{
    if (!log_is_on(level))
        return;
    int saved = errno;
    struct line l;
    l.n = 0;
    char front[LOG_FRONT_SIZE];
    log_front(level, front);
    line_add(&l, front, strlen(front));
    add_word(&l, event);

    va_list ap;
    va_copy(ap, pairs);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        if (value == NULL || *value == '\0') /* detail="" tells nobody anything */
            continue;
        /* Never a key without its value: a full line ends before the pair. */
        if (l.n + strlen(key) + 8 > sizeof l.p)
            break;
        line_add(&l, " ", 1);
        add_word(&l, key);
        line_add(&l, "=", 1);
        add_value(&l, value);
    }
    va_end(ap);
    l.p[l.n++] = '\n';
    log_send(l.p, l.n);
    errno = saved;
}

void log_event(enum log_level level, const char *event, ...)
{
    va_list ap;
    va_start(ap, event);
    log_pairs(level, event, ap);
    va_end(ap);
}
