/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One value at a time: text of the file into its member, or the reason why not. Knows nothing of files, sections and
 * other keys. A value is never repaired, rounded or cut.
 */
#include "config_table.h"

#include "ascii.h"
#include "buf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Digits at the front of text; *rest points behind them. No sign, no blanks, no overflow. */
static bool take_digits(const char *text, uint64_t *out, const char **rest)
{
    uint64_t v = 0;
    const char *p = text;
    for (; ascii_is_digit(*p); p++) {
        if (__builtin_mul_overflow(v, 10U, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return false;
    }
    *out = v;
    *rest = p;
    return p != text;
}

struct unit {
    const char *suffix;
    uint64_t factor;
    bool is_shown; /* in messages */
};

static const struct unit durations[] = {
    {"ms", 1, true}, {"s", 1000, true}, {"m", 60000, true}, {"h", 3600000, false}, {NULL, 0, false},
};
static const struct unit sizes[] = {
    {"B", 1, false}, {"KiB", 1024, true}, {"MiB", 1048576, true}, {"GiB", 1073741824, false}, {NULL, 0, false},
};

static bool take_units(const char *text, const struct unit *units, uint64_t *out)
{
    const char *rest;
    if (!take_digits(text, out, &rest))
        return false;
    for (const struct unit *u = units; u->suffix != NULL; u++) {
        if (strcmp(rest, u->suffix) == 0)
            return !__builtin_mul_overflow(*out, u->factor, out);
    }
    return false;
}

/* The largest shown unit that leaves nothing over. */
static const char *show_units(struct arena *a, uint64_t v, const struct unit *units)
{
    const struct unit *best = &units[0];
    for (const struct unit *u = units; u->suffix != NULL; u++) {
        if (u->is_shown && v >= u->factor && v % u->factor == 0)
            best = u;
    }
    return arena_printf(a, "%ju%s", (uintmax_t)(v / best->factor), best->suffix);
}

static const struct unit *units_of(const struct option_rule *r)
{
    return r->kind == OPTION_DURATION ? durations : r->kind == OPTION_SIZE ? sizes : NULL;
}

static const char *range_of(struct arena *a, const struct option_rule *r)
{
    const struct unit *units = units_of(r);
    if (units == NULL)
        return arena_printf(a, "%ju to %ju", (uintmax_t)r->least, (uintmax_t)r->most);
    return arena_printf(a, "%s to %s", show_units(a, r->least, units), show_units(a, r->most, units));
}

const char *config_range(struct arena *a, unsigned i)
{
    const struct option_rule *r = &option_rules[i];
    return r->kind == OPTION_COUNT || units_of(r) != NULL ? range_of(a, r) : NULL;
}

static const char *set_number(struct arena *a, const struct option_rule *r, const char *text, void *member)
{
    uint64_t v = 0;
    const char *rest = text;
    const struct unit *units = units_of(r);
    if (units != NULL) {
        if (!take_units(text, units, &v))
            return units == durations ? "expected a duration such as 500ms, 30s or 5m"
                                      : "expected a size such as 16KiB or 1MiB";
        if (v < r->least || v > r->most)
            return arena_printf(a, "expected %s", range_of(a, r));
        memcpy(member, &v, sizeof v);
        return NULL;
    }
    if (!take_digits(text, &v, &rest) || *rest != '\0' || v < r->least || v > r->most)
        return arena_printf(a, "expected a number from %s", range_of(a, r));
    unsigned count = (unsigned)v;
    memcpy(member, &count, sizeof count);
    return NULL;
}

/* Index of the n bytes at text in the words "a|b|c", or -1. */
static int word_index(const char *words, const char *text, size_t n)
{
    int i = 0;
    for (const char *w = words;; w++, i++) {
        size_t len = strcspn(w, "|");
        if (len == n && memcmp(w, text, n) == 0)
            return i;
        w += len;
        if (*w == '\0')
            return -1;
    }
}

static const char *set_word(struct arena *a, const struct option_rule *r, const char *text, void *member)
{
    int i = word_index(r->words, text, strlen(text));
    if (i < 0)
        return arena_printf(a, "expected %s", r->words);
    if (r->kind == OPTION_ENUM) {
        enum listener_kind kind = (enum listener_kind)i;
        memcpy(member, &kind, sizeof kind);
    } else if (r->kind == OPTION_CONSENT) {
        *(bool *)member = true;
    } else {
        const char *copy = arena_strdup(a, text);
        memcpy(member, &copy, sizeof copy);
    }
    return NULL;
}

unsigned option_words(const struct option_rule *r)
{
    unsigned n = 1;
    for (const char *w = r->words; *w != '\0'; w++)
        n += *w == '|';
    return n;
}

/* "a, b": a later line replaces the default and what was said before, whole. */
static const char *set_words(struct arena *a, const struct option_rule *r, const char *text, bool *member)
{
    static const char blanks[] = " \t";
    memset(member, 0, option_words(r) * sizeof *member);
    for (bool goes_on = true; goes_on;) {
        text += strspn(text, blanks);
        size_t n = strcspn(text, ","), len = n;
        while (len > 0 && strchr(blanks, text[len - 1]) != NULL)
            len--;
        int i = word_index(r->words, text, len);
        if (i < 0)
            return len == 0 ? "a word is missing between the commas"
                            : arena_printf(a, "'%.*s' is none of %s", (int)(len < 40 ? len : 40), text, r->words);
        member[i] = true;
        goes_on = text[n] == ',';
        text += n + goes_on;
    }
    return NULL;
}

static const char *set_yes_no(const char *text, void *member)
{
    bool is_yes = strcmp(text, "yes") == 0;
    if (!is_yes && strcmp(text, "no") != 0)
        return "expected yes or no";
    *(bool *)member = is_yes;
    return NULL;
}

static bool is_made_of(const char *text, const char *extra)
{
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr(extra, *text) == NULL)
            return false;
    }
    return true;
}

static const char *check_text(struct arena *a, enum option_kind kind, const char *text)
{
    switch (kind) {
    case OPTION_ADDRESS:
        return address_scope(text) != ADDRESS_BAD
                   ? NULL
                   : "expected 127.0.0.1:8181, [::1]:8181, unix:/path or fd:N (numbers only, no names)";
    case OPTION_FILE:
    case OPTION_FILES:
    case OPTION_DIRECTORY:
        return *text != '"' && *text != '\'' ? NULL : "a path is written without quotes";
    case OPTION_PATH:
        return *text == '/' && is_made_of(text, "/-._~") ? NULL : "expected a path such as /equeue";
    case OPTION_URL:
        return url_mistake(a, text);
    case OPTION_ENDPOINT:
        return endpoint_mistake(a, text);
    case OPTION_FTP:
        return ftp_mistake(a, text);
    case OPTION_CODE:
        return strlen(text) <= 32 && is_made_of(text, "-._") ? NULL : "expected letters, digits, '-', '.', '_'";
    default:
        return NULL;
    }
}

static void append_file(struct arena *a, struct config_sender *sender, const char *text)
{
    const char **certs = arena_array(a, sender->ncerts + 1, sizeof *certs);
    for (unsigned i = 0; i < sender->ncerts; i++)
        certs[i] = sender->certs[i];
    certs[sender->ncerts++] = arena_strdup(a, text);
    sender->certs = certs;
}

const char *option_set(struct arena *a, unsigned i, const char *text, void *target)
{
    const struct option_rule *r = &option_rules[i];
    void *member = (char *)target + r->offset;
    if (*text == '\0')
        return "the value is missing";
    switch (r->kind) {
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return set_number(a, r, text, member);
    case OPTION_YES_NO:
        return set_yes_no(text, member);
    case OPTION_WORD:
    case OPTION_ENUM:
    case OPTION_CONSENT:
        return set_word(a, r, text, member);
    case OPTION_WORDS:
        return set_words(a, r, text, member);
    default:
        break;
    }
    const char *wrong = check_text(a, r->kind, text);
    if (wrong != NULL)
        return wrong;
    if (r->kind == OPTION_FILES) {
        append_file(a, target, text);
        return NULL;
    }
    const char *copy = arena_strdup(a, text);
    memcpy(member, &copy, sizeof copy);
    return NULL;
}
