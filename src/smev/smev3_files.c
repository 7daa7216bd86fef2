/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What files a message tells of. Nothing is fetched here. */
#include "smev3_read.h"

#include <stdlib.h>
#include <string.h>

static struct xml_node *basic(const struct smev3_octets *o, struct xml_node *parent, const char *local)
{
    return parent != NULL ? xml_first(parent, o->ns->basic, local) : NULL;
}

static const char *word(const struct smev3_octets *o, struct xml_node *parent, const char *local)
{
    const char *text = smev3_word(o->a, basic(o, parent, local));
    return text != NULL && *text != '\0' ? text : NULL;
}

static int compare_ids(const void *l, const void *r)
{
    return strcmp(((const struct smev3_file *)l)->id, ((const struct smev3_file *)r)->id);
}

/* Rows of FSAttachmentsList, by uuid. */
static struct smev3_file *read_rows(const struct smev3_octets *o, unsigned *n)
{
    struct xml_node *list = basic(o, o->root, "FSAttachmentsList");
    struct smev3_file *rows =
        arena_array(o->a, list != NULL ? xml_count(list, o->ns->basic, "FSAttachment") : 0, sizeof *rows);
    *n = 0;
    for (struct xml_node *at = basic(o, list, "FSAttachment"); at != NULL;
         at = xml_next(at, o->ns->basic, "FSAttachment")) {
        const char *id = word(o, at, "uuid");
        if (id == NULL)
            continue;
        rows[(*n)++] = (struct smev3_file){.id = id,
                                           .user = word(o, at, "UserName"),
                                           .password = word(o, at, "Password"),
                                           .file_name = word(o, at, "FileName")};
    }
    if (*n > 0)
        qsort(rows, *n, sizeof *rows, compare_ids);
    return rows;
}

static void read_header(const struct smev3_octets *o, struct xml_node *at, bool is_stored, struct smev3_file *out)
{
    const char *id = word(o, at, is_stored ? "uuid" : "contentId");
    out->is_stored = is_stored;
    out->id = id != NULL ? id : "";
    out->mime_type = word(o, at, "MimeType");
    out->hash = word(o, at, "Hash");
    out->signature = word(o, at, "SignaturePKCS7");
    out->file_name = word(o, at, "FileName");
}

void smev3_read_files(const struct smev3_octets *o, struct xml_node *data, const struct smev3_file **files, unsigned *n)
{
    struct xml_node *sent = basic(o, data, "AttachmentHeaderList"), *stored = basic(o, data, "RefAttachmentHeaderList");
    unsigned count = (sent != NULL ? xml_count(sent, o->ns->basic, "AttachmentHeader") : 0) +
                     (stored != NULL ? xml_count(stored, o->ns->basic, "RefAttachmentHeader") : 0);
    struct smev3_file *all = arena_array(o->a, count, sizeof *all);
    unsigned nrows;
    const struct smev3_file *rows = read_rows(o, &nrows);
    *n = 0;
    for (struct xml_node *at = basic(o, sent, "AttachmentHeader"); at != NULL;
         at = xml_next(at, o->ns->basic, "AttachmentHeader"))
        read_header(o, at, false, &all[(*n)++]);
    for (struct xml_node *at = basic(o, stored, "RefAttachmentHeader"); at != NULL;
         at = xml_next(at, o->ns->basic, "RefAttachmentHeader")) {
        struct smev3_file *file = &all[(*n)++];
        read_header(o, at, true, file);
        const struct smev3_file *row = nrows > 0 ? bsearch(file, rows, nrows, sizeof *rows, compare_ids) : NULL;
        if (row == NULL)
            continue;
        file->user = row->user;
        file->password = row->password;
        file->file_name = row->file_name != NULL ? row->file_name : file->file_name;
    }
    *files = all;
}
