/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * inih does not tell line numbers, cuts long lines and section names in silence, and reports only the first bad line.
 * So the lines are fetched here, counted, and looked at before inih sees them; a line that is not what it should be is
 * reported and replaced by an empty one.
 */
#include "config_ini.h"

#include "file.h"
#include "utf8.h"

#include <errno.h>
#include <ini.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ini_reader {
    FILE *f;
    const struct ini_events *events;
    char *text; /* of the current line, getline() memory */
    size_t cap;
    int line;
    bool is_pair_due;    /* the line handed out must come back through on_pair() */
    bool is_in_section;  /* false before the first section and below one that was not readable */
    bool is_orphan_told; /* keys without a section are reported once */
};

/*
 * Values go into answers, reports and logs, so that what XML has no place for has none here, nor a line end of another
 * kind, nor DEL. A carriage return may end the line.
 */
static bool is_unwelcome(uint32_t c, bool is_at_end)
{
    if (c < 0x20)
        return c != '\t' && c != '\n' && !(c == '\r' && is_at_end);
    return (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || (c & 0xFFFE) == 0xFFFE;
}

static const char *check_characters(const char *s, size_t n)
{
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t c;
        len = utf8_next(s + i, n - i, &c);
        if (len == 0)
            return "the text is not UTF-8";
        if (is_unwelcome(c, s[strspn(s + i, "\r\n") + i] == '\0'))
            return "a control character in the text";
    }
    return NULL;
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t\r\n\f\v");
}

/* "[name]" and nothing else; name is trimmed in place. */
static const char *check_section(struct ini_reader *r, char *text)
{
    char *end = strchr(text, ']');
    if (end == NULL)
        return "']' is missing";
    if (*skip_blanks(end + 1) != '\0')
        return "something stands behind ']'";
    if (end - text - 1 > INI_SECTION_MAX)
        return "the section name is too long";
    *end = '\0';
    r->is_in_section = true;
    r->events->on_section(r->events->arg, r->line, text + 1);
    *end = ']';
    return NULL;
}

static const char *check_line(struct ini_reader *r, size_t n, size_t room)
{
    if (strlen(r->text) != n)
        return "a NUL character in the text";
    if (n + 1 > room)
        return "the line is too long";
    const char *wrong = check_characters(r->text, n);
    if (wrong != NULL)
        return wrong;
    char *text = r->text + (r->line == 1 && strncmp(r->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
    text += strspn(text, " \t\r\n\f\v");
    if (*text == '[') {
        r->is_in_section = false;
        return check_section(r, text);
    }
    if (*text == '\0' || *text == '#' || *text == ';')
        return NULL;
    if (!r->is_in_section) {
        bool is_told = r->is_orphan_told;
        r->is_orphan_told = true;
        return is_told ? "" : "a key outside of any section";
    }
    r->is_pair_due = true;
    return NULL;
}

static void settle_line(struct ini_reader *r)
{
    if (r->is_pair_due)
        r->events->on_mistake(r->events->arg, r->line, "expected 'key = value'");
    r->is_pair_due = false;
}

/* inih's fgets(): the next line into str, or an empty line in place of one that was reported. */
static char *read_line(char *str, int num, void *stream)
{
    struct ini_reader *r = stream;
    settle_line(r);
    ssize_t n = getline(&r->text, &r->cap, r->f);
    if (n < 0)
        return NULL;
    r->line++;
    size_t room = (size_t)num < INI_LINE_MAX ? (size_t)num : INI_LINE_MAX;
    const char *wrong = check_line(r, (size_t)n, room);
    if (wrong == NULL) {
        memcpy(str, r->text, (size_t)n + 1);
        return str;
    }
    if (*wrong != '\0')
        r->events->on_mistake(r->events->arg, r->line, wrong);
    memcpy(str, "\n", 2);
    return str;
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
    struct ini_reader *r = user;
    (void)section; /* cut at 49 characters: on_section() had the whole one */
    r->is_pair_due = false;
    r->events->on_pair(r->events->arg, r->line, name, value == NULL ? "" : value);
    return 1;
}

/* Its settings are globals: set once, whoever reads at the same time. */
static void settings_set(void)
{
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = ini_initial_alloc = INI_LINE_MAX;
    ini_allow_multiline = false;       /* an indented line is a line, not the rest of a value */
    ini_allow_inline_comments = false; /* "; " may stand in a connection string */
    ini_allow_no_value = false;
    ini_stop_on_first_error = false;
}

enum err ini_read(const char *file, const struct ini_events *events, struct error *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    enum err err = file_may_be_opened(file, e);
    if (err != ERR_OK)
        return err;
    struct ini_reader r = {.events = events, .f = fopen(file, "re")};
    struct stat st;
    if (r.f == NULL)
        return error_set(e, ERR_CONFIG, "%s: cannot be read: %s", file, strerror(errno));
    if (fstat(fileno(r.f), &st) != 0 || S_ISDIR(st.st_mode)) {
        fclose(r.f);
        return error_set(e, ERR_CONFIG, "%s: is not a file", file);
    }
    (void)pthread_once(&once, settings_set);
    /* What it says about bad lines was said already, line by line. */
    int rc = ini_parse_stream(read_line, &r, take_pair, &r);
    settle_line(&r);
    bool is_broken = rc == -2 || ferror(r.f) != 0;
    fclose(r.f);
    free(r.text);
    return is_broken ? error_set(e, ERR_CONFIG, "%s: cannot be read to the end", file) : ERR_OK;
}
