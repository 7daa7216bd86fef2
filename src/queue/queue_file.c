/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* One file of a message: where it lies, whether it is the one whose Hash SMEV has signed, and how it was asked for. */
#include "queue_private.h"

#include "ascii.h"

#include <string.h>

#define NAME_MAX_BYTES 500 /* of a path in the store */

/* RFC 3986, 2.3; everything else is written as %XX, so that no name becomes another command of FTP or another path. */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii_is_digit((char)c) || strchr("-._~", c) != NULL;
}

static void add_segment(struct buf *url, const char *p, size_t n)
{
    buf_add_char(url, '/');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c != '\0' && is_unreserved(c))
            buf_add_char(url, (char)c);
        else
            buf_printf(url, "%%%02X", c);
    }
}

/* Segments of a path, one after the other; false: one is empty or leads elsewhere, or has a control character. */
static bool add_path(struct buf *url, const char *path)
{
    for (const char *p = path; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    while (*path != '\0') {
        size_t n = strcspn(path, "/");
        if (n == 0 || (n == 1 && *path == '.') || (n == 2 && memcmp(path, "..", 2) == 0))
            return false;
        add_segment(url, path, n);
        path += n + (path[n] == '/');
    }
    return true;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

const char *queue_file_url(struct arena *a, const char *server, const struct smev3_file *file)
{
    struct buf url;
    const char *name = file->file_name != NULL ? file->file_name : "";
    size_t n = strlen(server);
    name += strspn(name, "/"); /* real ones begin with one */
    if (file->user == NULL || has_control(file->user) || (file->password != NULL && has_control(file->password)))
        return NULL;
    if (strchr(file->id, '/') != NULL || *file->id == '\0' || *name == '\0' ||
        strlen(file->id) + strlen(name) > NAME_MAX_BYTES)
        return NULL;
    buf_init(&url, a, 256);
    buf_add(&url, server, n > 0 && server[n - 1] == '/' ? n - 1 : n);
    if (!add_path(&url, file->id) || !add_path(&url, name))
        return NULL;
    buf_add_char(&url, '\0');
    return url.p;
}

bool queue_file_is_hashed(struct arena *a, const char *hash, const struct file_kept *kept)
{
    struct span octets;
    return hash != NULL && base64_decode(a, span_of(hash), &octets) && octets.n == 32 &&
           (memcmp(octets.p, kept->gost94, 32) == 0 || memcmp(octets.p, kept->streebog256, 32) == 0);
}

struct span queue_file_within(const struct adapter_call *c, const struct smev3_file *file)
{
    for (unsigned i = 0; i < c->reply.nattachments; i++)
        if (*file->id != '\0' && strcmp(c->reply.attachments[i].id, file->id) == 0)
            return (struct span){c->reply.attachments[i].octets.p != NULL ? c->reply.attachments[i].octets.p : "",
                                 c->reply.attachments[i].octets.n};
    return (struct span){0};
}

/* ---- what was asked for ---- */

static struct queue_file_call *asked(struct queue_fetch *f, const char *outcome)
{
    struct queue_file_call *k = arena_alloc(f->call->arena, sizeof *k);
    *k = (struct queue_file_call){.url = f->url, .outcome = outcome};
    *f->last_call = k;
    f->last_call = &k->next;
    return k;
}

void queue_file_in_vain(struct queue_fetch *f, int ftp, const struct error *e)
{
    const char *word = e->code == ERR_LIMIT    ? "FILES_SIZE"
                       : e->code == ERR_SYSTEM ? "UNREACHABLE" /* as of other calls */
                                               : error_name(e->code);
    (void)asked(f, ftp >= 400 ? arena_printf(f->call->arena, "%d", ftp) : word);
}

void queue_file_had(struct queue_fetch *f)
{
    struct file_kept *kept = arena_alloc(f->call->arena, sizeof *kept);
    struct queue_file_call *k = asked(f, f->is_other ? "FILE_DIGEST" : "OK");
    *kept = f->kept[f->at];
    k->kept = kept;
    k->verdict = f->is_other ? "hash: other" : "hash: good";
}
