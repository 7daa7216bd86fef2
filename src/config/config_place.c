/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Where in the files something stands, and what of it a reload does not take: for messages only. */
#include "config.h"

#include "buf.h"
#include "config_table.h"

#include <string.h>

static bool is_place(const struct config_place *p, const char *section, const char *name, const char *key)
{
    return strcmp(p->section, section) == 0 && strcmp(p->name, name) == 0 && strcmp(p->key, key) == 0;
}

static const char *section_at(struct arena *a, const struct config *c, const char *section, const char *name)
{
    for (unsigned i = 0; i < c->nlisteners && strcmp(section, "listener") == 0; i++)
        if (strcmp(c->listeners[i].name, name) == 0)
            return arena_printf(a, "%s:%d", c->listeners[i].file, c->listeners[i].line);
    for (unsigned i = 0; i < c->nagencies && strcmp(section, "agency") == 0; i++)
        if (strcmp(c->agencies[i].code, name) == 0)
            return arena_printf(a, "%s:%d", c->agencies[i].file, c->agencies[i].line);
    for (unsigned i = 0; i < c->nsenders && strcmp(section, "sender") == 0; i++)
        if (strcmp(c->senders[i].code, name) == 0)
            return arena_printf(a, "%s:%d", c->senders[i].file, c->senders[i].line);
    for (unsigned i = 0; i < c->npushes && strcmp(section, "push") == 0; i++)
        if (strcmp(c->pushes[i].agency, name) == 0)
            return arena_printf(a, "%s:%d", c->pushes[i].file, c->pushes[i].line);
    for (unsigned i = 0; i < c->nsmev3s && strcmp(section, "smev3") == 0; i++)
        if (strcmp(c->smev3s[i].name, name) == 0)
            return arena_printf(a, "%s:%d", c->smev3s[i].file, c->smev3s[i].line);
    return arena_printf(a, "%s:1", c->path);
}

const char *config_at(struct arena *a, const struct config *c, const char *section, const char *name, const char *key,
                      int nth)
{
    const struct config_place *found = NULL;
    int n = 0;
    for (const struct config_place *p = c->places; p != NULL; p = p->next) {
        if (is_place(p, section, name, key) && (nth == CONFIG_LAST || n++ == nth))
            found = p;
    }
    return found != NULL ? arena_printf(a, "%s:%d", found->file, found->line) : section_at(a, c, section, name);
}

bool config_sets(const struct config *c, const char *section, const char *name, const char *key)
{
    for (const struct config_place *p = c->places; p != NULL; p = p->next)
        if (is_place(p, section, name, key))
            return true;
    return false;
}

/* ---- what a reload does not take ---- */

static bool is_text(enum option_kind kind)
{
    switch (kind) {
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_DIRECTORY:
    case OPTION_ADDRESS:
    case OPTION_PATH:
    case OPTION_URL:
    case OPTION_ENDPOINT:
    case OPTION_FTP:
    case OPTION_CODE:
    case OPTION_WORD:
        return true;
    default:
        return false;
    }
}

static size_t size_of(const struct option_rule *r)
{
    switch (r->kind) {
    case OPTION_DURATION:
    case OPTION_SIZE:
        return sizeof(uint64_t);
    case OPTION_YES_NO:
    case OPTION_CONSENT:
        return sizeof(bool);
    case OPTION_WORDS:
        return option_words(r) * sizeof(bool);
    case OPTION_ENUM:
        return sizeof(enum listener_kind);
    default:
        return sizeof(unsigned);
    }
}

static bool is_same(unsigned i, const void *x, const void *y)
{
    const struct option_rule *r = &option_rules[i];
    const char *p = (const char *)x + r->offset, *q = (const char *)y + r->offset;
    if (!is_text(r->kind))
        return memcmp(p, q, size_of(r)) == 0;
    const char *s = NULL, *t = NULL;
    memcpy(&s, p, sizeof(char *));
    memcpy(&t, q, sizeof(char *));
    return s == NULL || t == NULL ? s == t : strcmp(s, t) == 0;
}

static void add_key(struct buf *out, const char *section, const char *name, const char *key)
{
    buf_printf(out, "%s[%s%s%s]%s%s", out->n > 0 ? ", " : "", section, *name != '\0' ? " " : "", name,
               *key != '\0' ? " " : "", key);
}

static void restart_keys_compare(struct buf *out, const char *section, const char *name, const void *x, const void *y)
{
    unsigned n;
    const struct config_option *o = config_options(&n);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(o[i].section, section) == 0 && !o[i].is_reloadable && !is_same(i, x, y))
            add_key(out, section, name, o[i].key);
    }
}

static const struct config_listener *listener_named(const struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->nlisteners; i++)
        if (strcmp(c->listeners[i].name, name) == 0)
            return &c->listeners[i];
    return NULL;
}

const char *config_restart_keys(struct arena *a, const struct config *running, const struct config *fresh)
{
    static const char *const singles[] = {"daemon", "log", "database", "limits", "trust", "admin"};
    struct buf out;
    buf_init(&out, a, 256);
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++)
        restart_keys_compare(&out, singles[i], "", running, fresh);
    for (unsigned i = 0; i < running->nlisteners; i++) {
        const struct config_listener *old = &running->listeners[i], *new = listener_named(fresh, old->name);
        if (new == NULL)
            add_key(&out, "listener", old->name, "");
        else
            restart_keys_compare(&out, "listener", old->name, old, new);
    }
    for (unsigned i = 0; i < fresh->nlisteners; i++)
        if (listener_named(running, fresh->listeners[i].name) == NULL)
            add_key(&out, "listener", fresh->listeners[i].name, "");
    return out.n > 0 ? out.p : "";
}
