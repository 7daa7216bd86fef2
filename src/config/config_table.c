/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The option table as data: what everybody may see, and the rules that only the parser needs. */
#include "config_table.h"

#define TYPE_OPTION_COUNT     "number"
#define TYPE_OPTION_DURATION  "duration"
#define TYPE_OPTION_SIZE      "size"
#define TYPE_OPTION_YES_NO    "yes or no"
#define TYPE_OPTION_TEXT      "text"
#define TYPE_OPTION_FILE      "file"
#define TYPE_OPTION_FILES     "file, repeatable"
#define TYPE_OPTION_DIRECTORY "directory"
#define TYPE_OPTION_ADDRESS   "address"
#define TYPE_OPTION_PATH      "path"
#define TYPE_OPTION_URL       "URL"
#define TYPE_OPTION_ENDPOINT  "URL"
#define TYPE_OPTION_FTP       "URL"
#define TYPE_OPTION_CODE      "code"
#define TYPE_OPTION_WORD      "word"
#define TYPE_OPTION_ENUM      "word"
#define TYPE_OPTION_WORDS     "words"
#define TYPE_OPTION_CONSENT   "word"

static const struct config_option options[] = {
#define X(section_, key_, kind_, struct_, member_, default_, least_, most_, words_, reload_, required_, help_)         \
    {.section = section_,                                                                                              \
     .key = key_,                                                                                                      \
     .type = TYPE_##kind_,                                                                                             \
     .value_default = default_,                                                                                        \
     .help = help_,                                                                                                    \
     .is_reloadable = reload_,                                                                                         \
     .is_required = required_},
    CONFIG_OPTIONS(X)
#undef X
};

const struct option_rule option_rules[] = {
#define X(section_, key_, kind_, struct_, member_, default_, least_, most_, words_, reload_, required_, help_)         \
    {.kind = kind_, .offset = offsetof(struct struct_, member_), .least = least_, .most = most_, .words = words_},
    CONFIG_OPTIONS(X)
#undef X
};

const char *const leniency_names[LENIENCY_COUNT] = {
#define X(name) #name,
    LENIENCIES(X)
#undef X
};

const char *const listener_kind_words[LISTENER_UNSET] = {
#define X(kind, word, is_signed, row) [LISTENER_##kind] = word,
    LISTENER_KINDS(X)
#undef X
};

bool config_is_signed(const struct config_listener *l)
{
    static const bool rows[LISTENER_UNSET] = {
#define X(kind, word, is_signed, row) [LISTENER_##kind] = is_signed,
        LISTENER_KINDS(X)
#undef X
    };
    return l->kind != LISTENER_UNSET && rows[l->kind];
}

bool config_has_signed(const struct config *c)
{
    for (unsigned i = 0; i < c->nlisteners; i++)
        if (config_is_signed(&c->listeners[i]))
            return true;
    return false;
}

bool config_needs_trust(const struct config *c)
{
    return config_has_signed(c) || c->npushes > 0 || c->nsmev3s > 0;
}

const struct config_option *config_options(unsigned *n)
{
    *n = sizeof options / sizeof options[0];
    return options;
}
