/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Keys and trust, schemas, addresses. TLS: preparation_tls.c; who may read and write the files: preparation_files.c;
 * what is set and changes nothing: preparation_settings.c.
 */
#include "preparation.h"

#include "clock.h"
#include "db.h"
#include "file.h"
#include "log.h"
#include "net.h"
#include "xml.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void preparation_add(struct preparation *p, struct remark r)
{
    if (p->n == p->room) {
        unsigned room = p->room * 2 + 16;
        struct remark *more = arena_array(p->arena, room, sizeof *more);
        if (p->n > 0)
            memcpy(more, p->remarks, p->n * sizeof *more);
        p->remarks = more;
        p->room = room;
    }
    p->remarks[p->n++] = r;
    p->nfatal += r.is_fatal;
    p->nbad += r.level == FINDING_BAD;
}

const struct remark *preparation_fatal(const struct preparation *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->remarks[i].is_fatal)
            return &p->remarks[i];
    return NULL;
}

/* What there is to say of anchors and lists, with their file: "conf:4: /etc/zapisd/ca.crl: revocation list ... ended 3
 * days ago; "; "": nothing. */
static const char *trust_words(const struct preparation *p)
{
    static const char *const keys[] = {"crl", "chain", "anchors"};
    const char *const files[] = {p->conf->crl, p->conf->chain, p->conf->anchors};
    const char *said = "";
    for (unsigned i = 0; i < p->found.n; i++) {
        const struct finding *f = &p->found.items[i];
        const char *file = NULL;
        if (f->about != ABOUT_TRUST || (f->level != FINDING_WARN && f->level != FINDING_BAD))
            continue;
        for (unsigned k = 0; k < sizeof keys / sizeof *keys && file == NULL; k++)
            if (files[k] != NULL && strcmp(f->at, config_at(p->arena, p->conf, "trust", "", keys[k], CONFIG_LAST)) == 0)
                file = files[k];
        said = arena_printf(p->arena, "%s%s: %s%s%s; ", said, f->at, file != NULL ? file : "", file != NULL ? ": " : "",
                            f->text);
    }
    return said;
}

const char *preparation_refusal(const struct preparation *p, const struct keyring *previous)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->remarks[i].is_fatal && !p->remarks[i].is_kept)
            return arena_printf(p->arena, "%s: %s", p->remarks[i].at, p->remarks[i].text);
    const char *loss = keyring_loss(previous, p->keys, &p->found, clock_wall_us() / 1000000, p->arena);
    if (loss == NULL)
        return NULL;
    for (unsigned i = 0; i < p->found.n; i++)
        if (p->found.items[i].is_stopped && p->found.items[i].about != ABOUT_LISTENER)
            return arena_printf(p->arena, "%s with it: %s%s: %s", loss, trust_words(p), p->found.items[i].at,
                                p->found.items[i].text);
    return arena_printf(p->arena, "%s with it", loss);
}

void preparation_log(const struct preparation *p)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct remark *r = &p->remarks[i];
        if (r->level != FINDING_GOOD)
            log_event(r->level == FINDING_BAD ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "trouble", "about", r->about, "at",
                      r->at, "detail", r->text, NULL);
    }
}

const char *preparation_at(struct preparation *p, const char *section, const char *name, const char *text,
                           const char *const *keys, const char *const *files, unsigned n, const char *otherwise)
{
    for (unsigned i = 0; i < n; i++)
        if (error_blames(text, files[i]))
            return config_at(p->arena, p->conf, section, name, keys[i], CONFIG_LAST);
    return config_at(p->arena, p->conf, section, name, otherwise, CONFIG_LAST);
}

/* ---- keys ---- */

/* "conf:12: [trust]: text" is taken apart again: remarks have their place apart. */
static void add_trust_error(struct preparation *p, const struct error *e)
{
    const char *mark = strstr(e->detail, ": [trust]: ");
    struct remark r = {.level = FINDING_BAD, .about = "trust", .at = "", .is_fatal = true};
    r.text = arena_strdup(p->arena, mark != NULL ? mark + strlen(": [trust]: ") : e->detail);
    if (mark != NULL)
        r.at = arena_strndup(p->arena, e->detail, (size_t)(mark - e->detail));
    preparation_add(p, r);
}

void preparation_keys(struct preparation *p, const struct keyring *previous)
{
    static const char *const words[] = {[ABOUT_AGENCY] = "agency ",
                                        [ABOUT_SENDER] = "sender ",
                                        [ABOUT_TRUST] = "trust",
                                        [ABOUT_OFFICIAL] = "official of smev3 "};
    struct error e = {0};
    unsigned first = p->found.n;
    if (keyring_load(p->conf, previous, &p->keys, &e) != ERR_OK) {
        p->keys = NULL;
        add_trust_error(p, &e);
        return;
    }
    keyring_judge(p->keys, clock_wall_us() / 1000000, p->arena, &p->found);
    for (unsigned i = first; i < p->found.n; i++) {
        const struct finding *f = &p->found.items[i];
        preparation_add(p, (struct remark){.level = f->level,
                                           .about = arena_printf(p->arena, "%s%s", words[f->about], f->code),
                                           .at = f->at,
                                           .text = f->text});
    }
}

/* ---- database ---- */

/* The daemon starts with it, is not ready and says why. */
void preparation_database(struct preparation *p)
{
    const char *mistake = db_conninfo_mistake(p->arena, p->conf->conninfo);
    if (mistake != NULL)
        preparation_add(p, (struct remark){.level = FINDING_BAD,
                                           .about = "database",
                                           .at = config_at(p->arena, p->conf, "database", "", "conninfo", CONFIG_LAST),
                                           .text = arena_printf(p->arena, "conninfo: %s", mistake)});
}

/* ---- schemas ---- */

void preparation_paths(struct preparation *p)
{
    struct xml_schema *schema;
    struct error e = {0};
    struct arena *scratch = arena_new(); /* only a look */
    const char *path = arena_printf(p->arena, "%s/equeue-bare.xsd", p->conf->schema_dir);
    struct remark r = {.about = "schema", .text = path};
    file_at(path);
    if (xml_schema_load(scratch, path, &schema, &e) != ERR_OK)
        r = (struct remark){.level = FINDING_BAD,
                            .about = "schema",
                            .at = config_at(p->arena, p->conf, "daemon", "", "schema_dir", CONFIG_LAST),
                            .text = arena_printf(p->arena, "schema_dir: %s", e.detail),
                            .is_fatal = true};
    arena_free(scratch);
    preparation_add(p, r);
    for (unsigned i = 0; wsdl_file_name(i) != NULL; i++) {
        path = arena_printf(p->arena, "%s/%s", p->conf->wsdl_dir, wsdl_file_name(i));
        r = (struct remark){.about = "wsdl", .text = path};
        file_at(path);
        if (access(path, R_OK) != 0)
            r = (struct remark){.level = FINDING_BAD,
                                .about = "wsdl",
                                .at = config_at(p->arena, p->conf, "daemon", "", "wsdl_dir", CONFIG_LAST),
                                .text =
                                    arena_printf(p->arena, "wsdl_dir: %s: cannot be read: %s", path, strerror(errno))};
        preparation_add(p, r);
    }
}

/* ---- addresses ---- */

static void address_one(struct preparation *p, const char *section, const char *name, const char *address)
{
    static const enum finding_level levels[] = {
        [TRY_GOOD] = FINDING_GOOD, [TRY_OURS] = FINDING_GOOD, [TRY_UNTRIED] = FINDING_WARN, [TRY_BAD] = FINDING_BAD};
    struct error e = {0};
    enum address_try result = address_try(address, &e);
    preparation_add(p,
                    (struct remark){.level = levels[result],
                                    .about = arena_printf(p->arena, "%s%s%s", section, *name != '\0' ? " " : "", name),
                                    .at = result == TRY_GOOD || result == TRY_OURS
                                              ? NULL
                                              : config_at(p->arena, p->conf, section, name, "address", CONFIG_LAST),
                                    .text = arena_strdup(p->arena, result == TRY_GOOD ? address : e.detail),
                                    .is_fatal = result == TRY_BAD});
}

void preparation_addresses(struct preparation *p)
{
    for (unsigned i = 0; i < p->conf->nlisteners; i++)
        address_one(p, "listener", p->conf->listeners[i].name, p->conf->listeners[i].address);
    if (p->conf->admin_address != NULL)
        address_one(p, "admin", "", p->conf->admin_address);
}
