/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Sections that somebody keeps for longer than the configuration they were read in: a reload frees that one. */
#include "config.h"

void config_reading_copy(struct arena *a, const struct config_reading *from, struct config_reading *to)
{
    *to = *from;
    to->doc_types = arena_strdup(a, from->doc_types);
}

void config_push_copy(struct arena *a, const struct config_push *from, struct config_push *to)
{
    *to = *from;
    to->agency = arena_strdup(a, from->agency);
    to->queue = arena_strdup(a, from->queue);
    to->url = arena_strdup(a, from->url);
    to->portal = arena_strdup(a, from->portal);
    to->service_name = arena_strdup(a, from->service_name);
    to->service_code = arena_strdup(a, from->service_code);
    to->exchange_type = arena_strdup(a, from->exchange_type);
    to->type_code = arena_strdup(a, from->type_code);
    to->oktmo = arena_strdup(a, from->oktmo);
    to->ca = arena_strdup(a, from->ca);
    to->file = arena_strdup(a, from->file);
}

void config_smev3_copy(struct arena *a, const struct config_smev3 *from, struct config_smev3 *to)
{
    *to = *from;
    to->name = arena_strdup(a, from->name);
    to->agency = arena_strdup(a, from->agency);
    to->mnemonic = arena_strdup(a, from->mnemonic);
    to->endpoint = arena_strdup(a, from->endpoint);
    to->endpoint_reserve = arena_strdup(a, from->endpoint_reserve);
    to->smev = arena_strdup(a, from->smev);
    to->node_id = arena_strdup(a, from->node_id);
    to->ns = arena_strdup(a, from->ns);
    to->roots = arena_strdup(a, from->roots);
    to->official_key = arena_strdup(a, from->official_key);
    to->official_cert = arena_strdup(a, from->official_cert);
    to->files.server = arena_strdup(a, from->files.server);
    to->files.dir = arena_strdup(a, from->files.dir);
    to->ca = arena_strdup(a, from->ca);
    to->channel = arena_strdup(a, from->channel);
    to->file = arena_strdup(a, from->file);
    config_reading_copy(a, &from->reading, &to->reading);
}
