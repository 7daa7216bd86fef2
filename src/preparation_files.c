/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who else may read our keys, or write what we believe. Modes of the file and of every folder above it: whoever may
 * write a folder may put another file there. Under an ACL the group bits show its mask, so what it grants is seen.
 */
#include "preparation.h"

#include "file.h"
#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct named {
    const char *section, *name, *key;
    int nth;
    const char *file;
    bool is_secret;
};

static void remark(struct preparation *p, const struct named *n, enum finding_level level, const char *text)
{
    preparation_add(
        p, (struct remark){.level = level,
                           .about = arena_printf(p->arena, "%s%s%s", n->section, *n->name != '\0' ? " " : "", n->name),
                           .at = config_at(p->arena, p->conf, n->section, n->name, n->key, n->nth),
                           .text = text});
}

/* root's group writes as root may; the service's own may write what is the service's. */
static bool is_foreign_group(const struct stat *st)
{
    return st->st_gid != 0 && st->st_gid != getegid();
}

static bool is_foreign_owner(const struct stat *st)
{
    return st->st_uid != 0 && st->st_uid != geteuid();
}

/* In a folder with the sticky bit others may add files, and touch none of ours. */
static const char *folder_open(struct preparation *p, const char *file)
{
    char *folder = arena_strdup(p->arena, file);
    struct stat st;
    for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
        slash[slash == folder ? 1 : 0] = '\0';
        file_at(folder);
        if (stat(folder, &st) == 0 && (st.st_mode & S_ISVTX) == 0 &&
            ((st.st_mode & S_IWOTH) != 0 || ((st.st_mode & S_IWGRP) != 0 && is_foreign_group(&st))))
            return arena_strdup(p->arena, folder);
        if (slash == folder)
            break;
    }
    return NULL;
}

static void look_at_modes(struct preparation *p, const struct named *n, const struct stat *st)
{
    if ((st->st_mode & S_IWOTH) != 0)
        remark(p, n, FINDING_BAD, arena_printf(p->arena, "%s: anybody may write it (chmod o-w)", n->file));
    else if ((st->st_mode & S_IWGRP) != 0 && is_foreign_group(st))
        remark(p, n, FINDING_BAD, arena_printf(p->arena, "%s: its group may write it (chmod g-w)", n->file));
    else if (is_foreign_owner(st))
        remark(p, n, FINDING_WARN,
               arena_printf(p->arena, "%s: belongs to neither root nor the service's user, who may write it", n->file));
}

static void file_look_at(struct preparation *p, const struct named *n)
{
    struct stat st;
    file_at(n->file);
    if (n->file == NULL || stat(n->file, &st) != 0)
        return; /* that it cannot be read is told by whoever reads it */
    const char *folder = folder_open(p, n->file);
    look_at_modes(p, n, &st);
    if (folder != NULL)
        remark(p, n, FINDING_BAD,
               arena_printf(p->arena, "%s: others may write the folder %s, and replace it", n->file, folder));
    if (!n->is_secret)
        return;
    if ((st.st_mode & S_IROTH) != 0)
        remark(p, n, FINDING_BAD, arena_printf(p->arena, "%s: anybody may read this secret (chmod o-r)", n->file));
    else if ((st.st_mode & S_IRGRP) != 0 && is_foreign_group(&st))
        remark(p, n, FINDING_WARN, arena_printf(p->arena, "%s: its group may read this secret", n->file));
}

/* A file, or a folder of them. */
static void look_at_lists(struct preparation *p, const struct named *n)
{
    const char **files = NULL;
    struct stat st;
    file_look_at(p, n);
    int count = n->file != NULL && file_is_folder(n->file) ? file_lists_in(p->arena, n->file, &files) : 0;
    for (int i = 0; i < count; i++) {
        struct named one = *n;
        one.file = files[i];
        if (stat(one.file, &st) == 0)
            look_at_modes(p, &one, &st);
    }
}

static void look_at_configuration(struct preparation *p)
{
    const char *last = NULL;
    bool is_secret = strstr(p->conf->conninfo, "password") != NULL;
    file_look_at(p, &(struct named){"database", "", "conninfo", CONFIG_LAST, p->conf->path, is_secret});
    for (const struct config_place *place = p->conf->places; place != NULL; place = place->next) {
        if (strcmp(place->file, p->conf->path) != 0 && (last == NULL || strcmp(last, place->file) != 0))
            file_look_at(p,
                         &(struct named){place->section, place->name, place->key, CONFIG_LAST, place->file, is_secret});
        last = place->file;
    }
}

/* Metrics and readiness have no authentication: where anybody may ask them is the operator's to know. */
static void look_at_admin(struct preparation *p)
{
    const char *address = p->conf->admin_address;
    if (address == NULL || strncmp(address, "fd:", 3) == 0 || address_is_local(address))
        return;
    remark(p, &(struct named){"admin", "", "address", CONFIG_LAST, NULL, false}, FINDING_WARN,
           arena_printf(p->arena, "%s: metrics and readiness are open to whoever reaches this address", address));
}

void preparation_files(struct preparation *p)
{
    const struct config *c = p->conf;
    look_at_configuration(p);
    for (unsigned i = 0; i < c->nunread; i++)
        preparation_add(p, (struct remark){.level = FINDING_WARN,
                                           .about = "configuration",
                                           .at = c->unread[i],
                                           .text = "is not read: its name does not end in .conf"});
    file_look_at(p, &(struct named){"trust", "", "anchors", CONFIG_LAST, c->anchors, false});
    file_look_at(p, &(struct named){"trust", "", "chain", CONFIG_LAST, c->chain, false});
    look_at_lists(p, &(struct named){"trust", "", "crl", CONFIG_LAST, c->crl, false});
    for (unsigned i = 0; i < c->nagencies; i++) {
        file_look_at(p, &(struct named){"agency", c->agencies[i].code, "key", CONFIG_LAST, c->agencies[i].key, true});
        file_look_at(p,
                     &(struct named){"agency", c->agencies[i].code, "cert", CONFIG_LAST, c->agencies[i].cert, false});
    }
    for (unsigned i = 0; i < c->nsenders; i++)
        for (unsigned j = 0; j < c->senders[i].ncerts; j++)
            file_look_at(p,
                         &(struct named){"sender", c->senders[i].code, "cert", (int)j, c->senders[i].certs[j], false});
    for (unsigned i = 0; i < c->nlisteners; i++) {
        const struct config_listener *l = &c->listeners[i];
        file_look_at(p, &(struct named){"listener", l->name, "tls_key", CONFIG_LAST, l->tls_key, true});
        file_look_at(p, &(struct named){"listener", l->name, "tls_cert", CONFIG_LAST, l->tls_cert, false});
        file_look_at(p, &(struct named){"listener", l->name, "tls_client_ca", CONFIG_LAST, l->tls_client_ca, false});
        look_at_lists(p, &(struct named){"listener", l->name, "tls_client_crl", CONFIG_LAST, l->tls_client_crl, false});
    }
    for (unsigned i = 0; i < c->npushes; i++)
        file_look_at(p, &(struct named){"push", c->pushes[i].agency, "ca", CONFIG_LAST, c->pushes[i].ca, false});
    for (unsigned i = 0; i < c->nsmev3s; i++) {
        const struct config_smev3 *q = &c->smev3s[i];
        file_look_at(p, &(struct named){"smev3", q->name, "official_key", CONFIG_LAST, q->official_key, true});
        file_look_at(p, &(struct named){"smev3", q->name, "official_cert", CONFIG_LAST, q->official_cert, false});
        file_look_at(p, &(struct named){"smev3", q->name, "ca", CONFIG_LAST, q->ca, false});
    }
    look_at_admin(p);
}
