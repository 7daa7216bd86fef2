/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * From files to struct config: the main file, then its drop-in directory. Owns the merging (a later file wins, a
 * repeated key within one file is a mistake) and the collecting of mistakes. The options themselves: config_table.h.
 */
#include "config.h"

#include "buf.h"
#include "config_check.h"
#include "config_ini.h"
#include "config_table.h"
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One [section]; named ones exist once per name. */
struct section {
    struct section *next;
    const char *word, *name; /* "listener", "internal"; name is "" for the others */
    const char *file;        /* where it was first opened */
    int line;
    const char *seen_file; /* the last file that had it, */
    int seen_line;         /* and where: once a file is enough */
    void *target;
    const char **set_file; /* a row of the table each: who set it last */
    int *set_line;
};

struct loader {
    struct arena *a;
    struct config *out;
    struct buf mistakes;
    const char *file; /* being read */
    struct section *sections, **last;
    struct section *current; /* NULL below a section that was not understood */
    const struct config_option *options;
    unsigned noptions;
    struct config_place **last_place;
};

static void mistake(struct loader *l, int line, const char *text)
{
    buf_printf(&l->mistakes, "%s:%d: %s\n", l->file, line, text);
}

static bool is_named(const char *word)
{
    return strcmp(word, "listener") == 0 || strcmp(word, "agency") == 0 || strcmp(word, "sender") == 0 ||
           strcmp(word, "push") == 0 || strcmp(word, "smev3") == 0;
}

static bool is_section_word(const struct loader *l, const char *word)
{
    for (unsigned i = 0; i < l->noptions; i++) {
        if (strcmp(l->options[i].section, word) == 0)
            return true;
    }
    return false;
}

static void *target_new(struct loader *l, const struct section *s)
{
    if (strcmp(s->word, "listener") == 0) {
        struct config_listener *t = arena_alloc(l->a, sizeof *t);
        *t = (struct config_listener){.name = s->name, .kind = LISTENER_UNSET, .file = s->file, .line = s->line};
        return t;
    }
    if (strcmp(s->word, "agency") == 0) {
        struct config_agency *t = arena_alloc(l->a, sizeof *t);
        *t = (struct config_agency){.code = s->name, .file = s->file, .line = s->line};
        return t;
    }
    if (strcmp(s->word, "sender") == 0) {
        struct config_sender *t = arena_alloc(l->a, sizeof *t);
        *t = (struct config_sender){.code = s->name, .file = s->file, .line = s->line};
        return t;
    }
    if (strcmp(s->word, "push") == 0) {
        struct config_push *t = arena_alloc(l->a, sizeof *t);
        *t = (struct config_push){.agency = s->name, .file = s->file, .line = s->line};
        return t;
    }
    if (strcmp(s->word, "smev3") == 0) {
        struct config_smev3 *t = arena_alloc(l->a, sizeof *t);
        *t = (struct config_smev3){.name = s->name, .file = s->file, .line = s->line};
        return t;
    }
    return l->out;
}

static struct section *section_new(struct loader *l, const char *word, const char *name, int line)
{
    struct section *s = arena_alloc(l->a, sizeof *s);
    *s = (struct section){.word = arena_strdup(l->a, word),
                          .name = arena_strdup(l->a, name),
                          .file = l->file,
                          .line = line,
                          .set_file = arena_array(l->a, l->noptions, sizeof(char *)),
                          .set_line = arena_array(l->a, l->noptions, sizeof(int))};
    s->target = target_new(l, s);
    for (unsigned i = 0; i < l->noptions; i++) {
        if (strcmp(l->options[i].section, word) == 0 && l->options[i].value_default != NULL &&
            option_set(l->a, i, l->options[i].value_default, s->target) != NULL)
            abort(); /* the table contradicts itself */
    }
    *l->last = s;
    l->last = &s->next;
    return s;
}

static struct section *section_find(const struct loader *l, const char *word, const char *name)
{
    for (struct section *s = l->sections; s != NULL; s = s->next) {
        if (strcmp(s->word, word) == 0 && strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

/* Letters that need no quoting wherever the name turns up: SQL, logs, metrics. */
static bool is_name(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(s);
    return n >= 1 && n <= 32 && strspn(s, allowed) == n;
}

static void on_section(void *arg, int line, const char *text)
{
    struct loader *l = arg;
    l->current = NULL;
    size_t n = strcspn(text, " \t");
    const char *word = arena_strndup(l->a, text, n);
    const char *name = text + n + strspn(text + n, " \t");
    if (!is_section_word(l, word)) {
        mistake(l, line, arena_printf(l->a, "there is no section [%s]", word));
        return;
    }
    if (is_named(word) && !is_name(name)) {
        mistake(l, line, arena_printf(l->a, "[%s NAME] needs a name of letters, digits, '-', '.', '_'", word));
        return;
    }
    if (!is_named(word) && *name != '\0') {
        mistake(l, line, arena_printf(l->a, "[%s] has no name", word));
        return;
    }
    struct section *s = section_find(l, word, name);
    if (s != NULL && s->seen_file == l->file)
        mistake(l, line, arena_printf(l->a, "[%s] was opened before, in line %d", text, s->seen_line));
    if (s == NULL)
        s = section_new(l, word, name, line);
    if (s->seen_file == NULL) {
        s->file = l->file;
        s->line = line;
    }
    s->seen_file = l->file;
    s->seen_line = line;
    l->current = s;
}

static void unknown_key(struct loader *l, int line, const char *key)
{
    static const char switches[] = "lenient_";
    const char *home = NULL;
    if (strncmp(key, switches, strlen(switches)) == 0) { /* what was a key for each departure is one list */
        mistake(l, line,
                arena_printf(
                    l->a, "'%s' is no key any more: the departures that are put right are named in one, lenient = %s",
                    key, LENIENT_ALL));
        return;
    }
    for (unsigned i = 0; i < l->noptions && home == NULL; i++) {
        if (strcmp(l->options[i].key, key) == 0)
            home = l->options[i].section;
    }
    mistake(l, line,
            home != NULL
                ? arena_printf(l->a, "'%s' is not a key of [%s]; it belongs to [%s]", key, l->current->word, home)
                : arena_printf(l->a, "'%s' is not a key of [%s]", key, l->current->word));
}

static void on_pair(void *arg, int line, const char *key, const char *value)
{
    struct loader *l = arg;
    struct section *s = l->current;
    if (s == NULL)
        return; /* its section was reported */
    unsigned i = 0;
    while (i < l->noptions && (strcmp(l->options[i].section, s->word) != 0 || strcmp(l->options[i].key, key) != 0))
        i++;
    if (i == l->noptions) {
        unknown_key(l, line, key);
        return;
    }
    if (s->set_file[i] == l->file && option_rules[i].kind != OPTION_FILES) {
        mistake(l, line, arena_printf(l->a, "%s was set before, in line %d", key, s->set_line[i]));
        return;
    }
    s->set_file[i] = l->file;
    s->set_line[i] = line;
    /* The value is not repeated in the message: it may be a secret. */
    const char *wrong = option_set(l->a, i, value, s->target);
    if (wrong != NULL)
        mistake(l, line, arena_printf(l->a, "%s: %s", key, wrong));
    struct config_place *place = arena_alloc(l->a, sizeof *place);
    *place = (struct config_place){
        .section = s->word, .name = s->name, .key = l->options[i].key, .file = l->file, .line = line};
    *l->last_place = place;
    l->last_place = &place->next;
}

static void on_mistake(void *arg, int line, const char *text)
{
    mistake(arg, line, text);
}

static void config_file_read(struct loader *l, const char *file)
{
    const struct ini_events events = {l, on_section, on_pair, on_mistake};
    struct error e = {0};
    l->file = file;
    l->current = NULL;
    if (ini_read(file, &events, &e) != ERR_OK)
        buf_printf(&l->mistakes, "%s\n", e.detail);
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);
    return n > k && strcmp(name + n - k, end) == 0;
}

static bool is_drop_in(const char *name)
{
    return ends_in(name, ".conf");
}

/* What editors and dpkg leave behind is nobody's mistake. */
static bool is_left_behind(const char *name)
{
    static const char *const ends[] = {"~", ".swp", ".bak", ".old", ".orig", ".save", ".rpmnew", ".rpmsave"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends_in(name, ends[i]))
            return true;
    return strstr(name, ".dpkg-") != NULL || strcmp(name, "README") == 0;
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* alphasort() follows the locale: the order must not depend on who starts us. */
static int by_name(const struct dirent **x, const struct dirent **y)
{
    return strcmp((*x)->d_name, (*y)->d_name);
}

static void read_drop_ins(struct loader *l, const char *path)
{
    const char *dir = arena_printf(l->a, "%s.d", path);
    struct dirent **names = NULL;
    file_at(dir);
    int n = scandir(dir, &names, is_visible, by_name);
    if (n < 0 && errno != ENOENT)
        buf_printf(&l->mistakes, "%s: cannot be read: %s\n", dir, strerror(errno));
    l->out->unread = arena_array(l->a, n > 0 ? (size_t)n : 1, sizeof *l->out->unread);
    for (int i = 0; i < n; i++) {
        const char *file = arena_printf(l->a, "%s/%s", dir, names[i]->d_name);
        if (is_drop_in(names[i]->d_name))
            config_file_read(l, file);
        else if (!is_left_behind(names[i]->d_name))
            l->out->unread[l->out->nunread++] = file;
        free(names[i]);
    }
    free(names);
}

static void check_required(struct loader *l)
{
    for (const struct section *s = l->sections; s != NULL; s = s->next) {
        for (unsigned i = 0; i < l->noptions; i++) {
            const struct config_option *o = &l->options[i];
            if (strcmp(o->section, s->word) != 0 || !o->is_required || s->set_file[i] != NULL)
                continue;
            buf_printf(&l->mistakes, "%s:%d: [%s%s%s] needs the key %s\n", s->file, s->line, s->word,
                       *s->name == '\0' ? "" : " ", s->name, o->key);
        }
    }
}

static void trust_section_check(struct loader *l)
{
    const struct config *c = l->out;
    const struct section *s = section_find(l, "trust", "");
    if (c->anchors != NULL && c->crl_required && c->crl == NULL)
        buf_printf(&l->mistakes, "%s:%d: [trust] needs the key crl, or crl_required = no\n", s->file, s->line);
    if (c->anchors == NULL && (c->chain != NULL || c->crl != NULL))
        buf_printf(&l->mistakes, "%s:%d: [trust] has chain or crl but no anchors\n", s->file, s->line);
}

static unsigned count_sections(const struct loader *l, const char *word)
{
    unsigned n = 0;
    for (const struct section *s = l->sections; s != NULL; s = s->next)
        n += strcmp(s->word, word) == 0;
    return n;
}

static void sections_gather(struct loader *l)
{
    struct config *c = l->out;
    c->listeners = arena_array(l->a, count_sections(l, "listener"), sizeof *c->listeners);
    c->agencies = arena_array(l->a, count_sections(l, "agency"), sizeof *c->agencies);
    c->senders = arena_array(l->a, count_sections(l, "sender"), sizeof *c->senders);
    c->pushes = arena_array(l->a, count_sections(l, "push"), sizeof *c->pushes);
    c->smev3s = arena_array(l->a, count_sections(l, "smev3"), sizeof *c->smev3s);
    for (const struct section *s = l->sections; s != NULL; s = s->next) {
        if (strcmp(s->word, "listener") == 0) {
            c->listeners[c->nlisteners++] = *(struct config_listener *)s->target;
        } else if (strcmp(s->word, "agency") == 0) {
            struct config_agency *t = s->target;
            if (t->name == NULL)
                t->name = t->code;
            c->agencies[c->nagencies++] = *t;
        } else if (strcmp(s->word, "sender") == 0) {
            struct config_sender *t = s->target;
            if (t->name == NULL)
                t->name = t->code;
            c->senders[c->nsenders++] = *t;
        } else if (strcmp(s->word, "push") == 0) {
            c->pushes[c->npushes++] = *(struct config_push *)s->target;
        } else if (strcmp(s->word, "smev3") == 0) {
            c->smev3s[c->nsmev3s++] = *(struct config_smev3 *)s->target;
        }
    }
}

enum err config_load(struct arena *a, const char *path, struct config *out, const char **mistakes, struct error *e)
{
    static const char *const singles[] = {"daemon", "log", "database", "limits", "trust", "admin"};
    struct loader l = {.a = a, .out = out};
    *out = (struct config){0};
    buf_init(&l.mistakes, a, 0);
    l.last = &l.sections;
    l.last_place = &out->places;
    out->path = arena_strdup(a, path);
    l.options = config_options(&l.noptions);
    l.file = arena_strdup(a, path);
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++)
        section_new(&l, singles[i], "", 1); /* they are there, written or not: they hold the defaults */

    config_file_read(&l, l.file);
    read_drop_ins(&l, path);
    check_required(&l);
    sections_gather(&l);
    trust_section_check(&l);
    config_check(out, path, &l.mistakes);

    *mistakes = l.mistakes.n > 0 ? l.mistakes.p : "";
    if (l.mistakes.n == 0)
        return ERR_OK;
    return error_set(e, ERR_CONFIG, "%.*s", (int)strcspn(l.mistakes.p, "\n"), l.mistakes.p);
}
