/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The name in a certificate in words, for the log. An organization and its common name are told, a person never is: the
 * common name only of a name that has an organization and, beside it, nothing but what an organization is described by.
 * So what we do not know keeps it back, too. Of a person the organization is told, unless it is the person (a sole
 * trader, a notary). Decision 0323 has the list.
 *
 * Whoever makes a certificate writes into it what he likes: values are cut, and nothing in them acts on the reader's
 * screen or ends a bracket.
 */
#include "name_words.h"

#include "utf8.h"

#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PART_BYTES 96

enum attribute { OF_ORGANIZATION, ORGANIZATION, COMMON_NAME, REGISTERED, TAX_NUMBER, SURNAME, TRADER, MAIL, OTHER };

/* What describes an organization; of the rest those that decide about the organization's name, too. */
static const struct {
    const char *oid;
    enum attribute is;
} attributes[] = {
    {"2.5.4.3", COMMON_NAME},
    {"2.5.4.10", ORGANIZATION},
    {"1.2.643.100.1", REGISTERED}, /* OGRN */
    {"1.2.643.100.4", REGISTERED}, /* INN of a legal entity */
    {"1.2.643.3.131.1.1", TAX_NUMBER},
    {"2.5.4.4", SURNAME},
    {"1.2.643.100.5", TRADER}, /* OGRNIP */
    {"1.2.840.113549.1.9.1", MAIL},
    {"0.9.2342.19200300.100.1.3", MAIL},
    {"2.5.4.6", OF_ORGANIZATION},                    /* country */
    {"2.5.4.7", OF_ORGANIZATION},                    /* locality */
    {"2.5.4.8", OF_ORGANIZATION},                    /* state */
    {"2.5.4.9", OF_ORGANIZATION},                    /* street */
    {"2.5.4.11", OF_ORGANIZATION},                   /* unit */
    {"2.5.4.15", OF_ORGANIZATION},                   /* kind of business */
    {"2.5.4.17", OF_ORGANIZATION},                   /* postal code */
    {"2.5.4.18", OF_ORGANIZATION},                   /* post office box */
    {"2.5.4.97", OF_ORGANIZATION},                   /* organizationIdentifier */
    {"0.9.2342.19200300.100.1.25", OF_ORGANIZATION}, /* DC */
};

struct facts {
    char organization[4 * PART_BYTES], common[4 * PART_BYTES], surname[PART_BYTES]; /* UTF-8, as it stands there */
    size_t organization_n, common_n, surname_n;
    unsigned norganizations, ncommons;
    bool is_registered, is_person, is_trader, has_mail;
};

/* ---- writing ---- */

void words_add(struct words *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(w->p + w->n, w->cap - w->n, fmt, ap);
    va_end(ap);
    if (n > 0)
        w->n = (size_t)n < w->cap - w->n ? w->n + (size_t)n : w->cap - 1;
}

/* At most PART_BYTES of it. */
static void words_add_foreign(struct words *w, const char *s, size_t n)
{
    char out[PART_BYTES + 4];
    size_t used = 0;
    for (size_t i = 0, taken; i < n; i += taken) {
        uint32_t c = 0;
        taken = utf8_next(s + i, n - i, &c);
        bool is_raw = taken > 0 && !utf8_is_active(c) && c != '[' && c != ']';
        const char *from = is_raw ? s + i : taken > 0 && c == '[' ? "(" : taken > 0 && c == ']' ? ")" : "?";
        if (taken == 0)
            taken = 1;
        size_t len = is_raw ? taken : 1;
        if (used + len > PART_BYTES) {
            memcpy(out + used, "...", 4);
            used += 3;
            break;
        }
        memcpy(out + used, from, len);
        used += len;
    }
    words_add(w, "%.*s", (int)used, out);
}

/* ---- letters ---- */

static uint32_t letter_lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    return c >= 0x400 && c <= 0x40F ? c + 0x50 : c;
}

static bool is_letter(uint32_t c)
{
    uint32_t l = letter_lower(c);
    return (l >= 'a' && l <= 'z') || (l >= 0xDF && l <= 0x24F && l != 0xF7) || (l >= 0x430 && l <= 0x52F);
}

/* Small letters, points where there are none, and one blank around each word: " иванов и и ". Returns its length. */
static size_t fold_words(const char *s, size_t n, uint32_t *out, size_t cap)
{
    size_t used = 0;
    out[used++] = ' ';
    for (size_t i = 0, taken; i < n && used + 2 < cap; i += taken) {
        uint32_t c = 0;
        taken = utf8_next(s + i, n - i, &c);
        taken += taken == 0;
        c = letter_lower(c);
        c = c == 0x451 ? 0x435 : c; /* ё is written е */
        if (is_letter(c) || (c >= '0' && c <= '9') || c == '-')
            out[used++] = c;
        else if (out[used - 1] != ' ')
            out[used++] = ' ';
    }
    if (out[used - 1] != ' ')
        out[used++] = ' ';
    return used;
}

static bool holds(const char *s, size_t n, const char *wanted, size_t wanted_n)
{
    uint32_t all[4 * PART_BYTES + 4], one[PART_BYTES + 4];
    size_t all_n = fold_words(s, n, all, sizeof all / sizeof *all);
    size_t one_n = fold_words(wanted, wanted_n, one, sizeof one / sizeof *one);
    return one_n > 1 && memmem(all, all_n * sizeof *all, one, one_n * sizeof *one) != NULL;
}

/* ---- what looks like somebody's name ---- */

static bool ends_like_a_patronymic(const char *word, size_t n)
{
    static const char *const ends[] = {"вич", "вна", "чна", "ВИЧ", "ВНА", "ЧНА", "vich", "vna", "VICH", "VNA"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t len = strlen(ends[i]);
        if (n > len + 2 && memcmp(word + n - len, ends[i], len) == 0)
            return true;
    }
    return false;
}

/* A letter and a point: initials. */
static bool is_initial(const char *word, size_t n)
{
    uint32_t c = 0;
    size_t len = utf8_next(word, n, &c);
    return len > 0 && n > len && word[len] == '.' && is_letter(c) && letter_lower(c) != c;
}

enum capitals { NO_NAME, FIRST_CAPITAL, ALL_CAPITALS, ONE_LETTER };

static enum capitals capitals_of(const char *word, size_t n)
{
    uint32_t c = 0;
    unsigned large = 0, small = 0;
    for (size_t i = 0, taken; i < n; i += taken) {
        taken = utf8_next(word + i, n - i, &c);
        bool is_large = is_letter(c) && letter_lower(c) != c;
        if ((i == 0 && !is_large) || (c >= '0' && c <= '9'))
            return NO_NAME;
        large += is_large;
        small += is_letter(c) && !is_large;
    }
    return large + small == 1 ? ONE_LETTER : small > 0 ? FIRST_CAPITAL : ALL_CAPITALS;
}

/* How far a word goes that begins here; what is no UTF-8 is in no word. */
static size_t word_length(const char *s, size_t n)
{
    size_t len = 0;
    uint32_t c = 0;
    for (size_t taken; len < n && (taken = utf8_next(s + len, n - len, &c)) > 0; len += taken)
        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '\'')
            break;
    return len;
}

/* is_strict: two to four words with capitals, written alike, are enough. */
static bool looks_like_a_person(const char *s, size_t n, bool is_strict)
{
    unsigned words = 0, first = 0, all = 0;
    for (size_t at = 0, len; at<n; at += len> 0 ? len : 1) {
        len = word_length(s + at, n - at);
        if (len == 0)
            continue;
        if (ends_like_a_patronymic(s + at, len) || is_initial(s + at, len))
            return true;
        enum capitals capitals = capitals_of(s + at, len);
        words++;
        first += capitals == FIRST_CAPITAL || capitals == ONE_LETTER;
        all += capitals == ALL_CAPITALS || capitals == ONE_LETTER;
    }
    return is_strict && words >= 2 && words <= 4 && (first == words || all == words);
}

static bool is_called_a_trader(const char *s, size_t n)
{
    static const char *const ways[] = {"ИП",     "Индивидуальный предприниматель", "Глава КФХ", "КФХ", "Нотариус",
                                       "Адвокат"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (holds(s, n, ways[i], strlen(ways[i])))
            return true;
    return false;
}

/* ---- what is in a name ---- */

static enum attribute attribute_of(const X509_NAME_ENTRY *entry)
{
    char oid[80] = "";
    OBJ_obj2txt(oid, sizeof oid, X509_NAME_ENTRY_get_object(entry), 1);
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (strcmp(oid, attributes[i].oid) == 0)
            return attributes[i].is;
    return OTHER;
}

/* "?" where it is no text. */
static size_t value_read(const X509_NAME_ENTRY *entry, char *out, size_t cap)
{
    unsigned char *text = NULL;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    size_t len = n < 0 ? 1 : (size_t)n < cap ? (size_t)n : cap;
    memcpy(out, n < 0 ? "?" : (const char *)text, len);
    OPENSSL_free(text);
    return len;
}

/* Ten digits, filled up with two noughts where a person's twelve stand. */
static bool is_legal_number(const char *s, size_t n)
{
    bool is_filled = n == 12 && memcmp(s, "00", 2) == 0;
    for (size_t i = 0; i < n; i++)
        is_filled = is_filled && s[i] >= '0' && s[i] <= '9';
    return is_filled;
}

static void facts_add(struct facts *f, const X509_NAME_ENTRY *entry)
{
    char number[16];
    switch (attribute_of(entry)) {
    case ORGANIZATION:
        if (f->norganizations++ == 0)
            f->organization_n = value_read(entry, f->organization, sizeof f->organization);
        break;
    case COMMON_NAME:
        if (f->ncommons++ == 0)
            f->common_n = value_read(entry, f->common, sizeof f->common);
        break;
    case REGISTERED:
        f->is_registered = true;
        break;
    case TAX_NUMBER:
        if (is_legal_number(number, value_read(entry, number, sizeof number)))
            f->is_registered = true;
        else
            f->is_person = true;
        break;
    case SURNAME:
        f->is_person = true;
        f->surname_n = value_read(entry, f->surname, sizeof f->surname);
        break;
    case TRADER:
        f->is_person = f->is_trader = true;
        break;
    case MAIL:
        f->has_mail = true;
        break;
    case OTHER:
        f->is_person = true;
        break;
    case OF_ORGANIZATION:
        break;
    }
}

static void facts_read(const X509_NAME *name, bool is_person, struct facts *f)
{
    *f = (struct facts){.is_person = is_person};
    for (int i = 0; i < X509_NAME_entry_count(name); i++)
        facts_add(f, X509_NAME_get_entry(name, i));
}

/* A hospital may be named after a doctor: who is registered is an organization, whatever it is called. */
static bool may_tell_organization(const struct facts *f)
{
    if (f->norganizations == 0 || f->is_trader || holds(f->organization, f->organization_n, f->surname, f->surname_n))
        return false;
    if (f->is_registered)
        return true;
    bool is_common = f->common_n == f->organization_n && memcmp(f->common, f->organization, f->common_n) == 0;
    return !is_called_a_trader(f->organization, f->organization_n) &&
           !looks_like_a_person(f->organization, f->organization_n, is_common);
}

/* An authority is an organization, and writes under an address of e-mail. */
static bool may_tell_common(const struct facts *f, enum name_of whose)
{
    if (f->ncommons == 0 || f->is_person)
        return false;
    if (whose == NAME_OF_AUTHORITY)
        return !looks_like_a_person(f->common, f->common_n, false);
    if (!may_tell_organization(f) || f->has_mail)
        return false;
    return f->is_registered || !looks_like_a_person(f->common, f->common_n, true);
}

/* ---- the whole ---- */

static void part_add(struct words *w, const char *before, const char *what, const char *value, size_t n, unsigned count)
{
    words_add(w, "%s%s=", before, what);
    words_add_foreign(w, value, n);
    if (count > 1)
        words_add(w, " (and %u more)", count - 1);
}

void name_words(struct words *w, const X509_NAME *name, enum name_of whose, bool is_person)
{
    struct facts f;
    facts_read(name, is_person, &f);
    bool has_organization = may_tell_organization(&f), has_common = may_tell_common(&f, whose);
    const char *before = has_organization ? ", " : "";
    if (has_organization)
        part_add(w, "", "O", f.organization, f.organization_n, f.norganizations);
    if (has_common)
        part_add(w, before, "CN", f.common, f.common_n, f.ncommons);
    else if (f.is_person)
        words_add(w, "%sa person", before);
    else if (f.ncommons > 0 || !has_organization)
        words_add(w, "%s%s", before, X509_NAME_entry_count(name) == 0 ? "empty" : "CN not told");
}

/* ---- elsewhere in the certificate ---- */

static bool is_person_in(const GENERAL_NAME *name)
{
    struct facts f;
    if (name->type == GEN_EMAIL)
        return true;
    if (name->type != GEN_DIRNAME)
        return false;
    facts_read(name->d.directoryName, false, &f);
    return f.is_person || f.has_mail;
}

bool name_is_elsewhere_of_person(const X509 *x)
{
    bool is = X509_get_ext_by_NID(x, NID_subject_directory_attributes, -1) >= 0; /* date of birth, sex */
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !is; i++)
        is = is_person_in(sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return is;
}
