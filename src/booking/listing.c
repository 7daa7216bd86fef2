/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The rows of getSlots to its answer (docs/decisions/0321). Thousands of intervals share a few instants and areas: a
 * row "slots" tells one instant and lists of what lies there, a row "area" what an area's key stands for. So what they
 * share is read once, and is one text in memory.
 */
#include "listing.h"

#include "clock.h"
#include "json.h"
#include "reply.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define UUID_CHARS 36

struct columns {
    int kind, visit_at, visit_offsets, slot_ids, area_keys, durations, service_id, own_services;
    int organization_id, area_id, zone, attributes;
};

struct area {
    int64_t key;
    const char *organization_id, *area_id;
    const char *service_id; /* the only one it is for; NULL: several */
    struct attributes attributes;
    unsigned zone; /* from 0 */
};

struct listing {
    const struct db_result *res;
    struct arena *arena;
    struct error *e;
    struct columns c;
    struct area *areas; /* by key */
    unsigned nareas;
    int64_t *keys, *minutes, *offsets; /* of the row that is read */
    const char **times;                /* of the row that is read, by zone; NULL: not written yet */
};

static struct columns find_columns(const struct db_result *res)
{
    return (struct columns){
        .kind = db_column(res, "kind"),
        .visit_at = db_column(res, "visit_at"),
        .visit_offsets = db_column(res, "visit_offsets"),
        .slot_ids = db_column(res, "slot_ids"),
        .area_keys = db_column(res, "area_keys"),
        .durations = db_column(res, "durations"),
        .service_id = db_column(res, "service_id"),
        .own_services = db_column(res, "own_services"),
        .organization_id = db_column(res, "organization_id"),
        .area_id = db_column(res, "area_id"),
        .zone = db_column(res, "zone"),
        .attributes = db_column(res, "attributes"),
    };
}

static bool is_kind(const struct listing *l, unsigned row, const char *kind)
{
    const char *is = db_text(l->res, row, l->c.kind);
    return is != NULL && strcmp(is, kind) == 0;
}

/* ---- lists as PostgreSQL writes them ---- */

static unsigned list_length(const char *text)
{
    unsigned n = text != NULL && text[0] == '{' && text[1] != '}';
    for (; n > 0 && *text != '\0'; text++)
        n += *text == ',';
    return n;
}

/* The whole number behind *at, which stands on a brace or a comma and then on the next one; nothing else is there. */
static bool take_number(const char **at, int64_t *out)
{
    char *end;
    long long value = strtoll(*at + 1, &end, 10);
    if (end == *at + 1 || (*end != ',' && *end != '}'))
        return false;
    *at = end;
    *out = value;
    return true;
}

/* Into out, which has room for `most`; 0: not a list of 1 to `most` numbers. */
static unsigned read_numbers(const struct db_result *res, unsigned row, int col, int64_t *out, unsigned most)
{
    const char *at = db_text(res, row, col);
    unsigned n = 0;
    if (at == NULL || *at != '{')
        return 0;
    do {
        if (n == most || !take_number(&at, &out[n]))
            return 0;
        n++;
    } while (*at == ',');
    return strcmp(at, "}") == 0 ? n : 0;
}

/* Cuts n of them out of their list. */
static bool cut_uuids(char *list, unsigned n, struct time_slot *slots)
{
    if (strlen(list) != (size_t)n * (UUID_CHARS + 1) + 1 || *list != '{')
        return false;
    for (unsigned i = 0; i < n; i++) {
        char *uuid = list + 1 + (size_t)i * (UUID_CHARS + 1);
        if (uuid[UUID_CHARS] != (i + 1 < n ? ',' : '}'))
            return false;
        uuid[UUID_CHARS] = '\0';
        if (strlen(uuid) != UUID_CHARS)
            return false;
        slots[i].slot_id = uuid;
    }
    return true;
}

/* ---- areas ---- */

static enum err read_area(struct listing *l, unsigned row)
{
    struct area *area = &l->areas[l->nareas];
    int64_t zone = 0;
    bool has_key = read_numbers(l->res, row, l->c.area_keys, &area->key, 1) == 1;
    enum err err = db_int(l->res, row, l->c.zone, &zone, l->e);
    if (err != ERR_OK)
        return err;
    area->organization_id = reply_text(l->arena, l->res, row, l->c.organization_id);
    area->area_id = reply_text(l->arena, l->res, row, l->c.area_id);
    area->service_id = reply_text(l->arena, l->res, row, l->c.service_id);
    area->zone = (unsigned)zone - 1;
    if (!has_key || area->organization_id == NULL || zone < 1 || zone > UINT_MAX)
        return error_set(l->e, ERR_INTERNAL, "an area row without key, organization or zone");
    l->nareas++;
    return json_read_attributes(l->arena, db_text(l->res, row, l->c.attributes), &area->attributes, l->e);
}

static int compare_areas(const void *a, const void *b)
{
    int64_t first = ((const struct area *)a)->key, second = ((const struct area *)b)->key;
    return (first > second) - (first < second);
}

static const struct area *find_area(const struct listing *l, int64_t key)
{
    struct area wanted = {.key = key};
    return bsearch(&wanted, l->areas, l->nareas, sizeof wanted, compare_areas);
}

/* ---- intervals ---- */

struct instant {
    int64_t at_s;
    unsigned n, nminutes, nzones;
    const char *service_id;    /* of those that name none */
    const char **own_services; /* NULL: none names one */
};

static enum err read_own_services(struct listing *l, unsigned row, struct instant *t)
{
    unsigned n = 0;
    enum err err = db_parse_text_array(l->arena, db_text(l->res, row, l->c.own_services), &t->own_services, &n, l->e);
    if (err == ERR_OK && t->own_services != NULL && n != t->n)
        return error_set(l->e, ERR_INTERNAL, "services of %u intervals, not of %u", n, t->n);
    return err;
}

/* The instant in the zone of an area, written once for all that share it. */
static enum err tell_time(struct listing *l, const struct instant *t, unsigned zone, const char **out)
{
    if (zone >= t->nzones)
        return error_set(l->e, ERR_INTERNAL, "no zone %u from SQL", zone);
    enum err err = ERR_OK;
    if (l->times[zone] == NULL)
        err = reply_instant(t->at_s, l->offsets[zone], &l->times[zone], l->arena, l->e);
    *out = l->times[zone];
    return err;
}

static enum err tell_duration(struct listing *l, const struct instant *t, unsigned i, struct time_slot *slot)
{
    int64_t minutes = l->minutes[t->nminutes == 1 ? 0 : i];
    if (minutes < 0 || minutes > INT_MAX)
        return error_set(l->e, ERR_INTERNAL, "an interval of %lld minutes", (long long)minutes);
    bool is_as_before = i > 0 && slot[-1].duration_min == minutes;
    slot->duration = is_as_before ? slot[-1].duration : arena_printf(l->arena, "%lld", (long long)minutes);
    slot->duration_min = (int)minutes;
    return ERR_OK;
}

static enum err tell_slot(struct listing *l, const struct instant *t, unsigned i, struct time_slot *slot)
{
    const struct area *area = find_area(l, l->keys[i]);
    if (area == NULL)
        return error_set(l->e, ERR_INTERNAL, "an interval in an area nobody tells of");
    const char *own = t->own_services == NULL ? NULL : t->own_services[i];
    const char *meant = t->service_id != NULL ? t->service_id : area->service_id;
    slot->service_id = own != NULL && *own != '\0' ? own : meant;
    slot->organization_id = area->organization_id;
    slot->area_id = area->area_id;
    slot->attributes = area->attributes;
    slot->visit_at_s = t->at_s;
    enum err err = tell_time(l, t, area->zone, &slot->visit_time);
    return err == ERR_OK ? tell_duration(l, t, i, slot) : err;
}

/* The room for lists is as large as the longest of them needs, so that a row is known to fit. */
static enum err read_instant(struct listing *l, unsigned row, unsigned most, struct booking_reply *out)
{
    struct instant t = {.n = read_numbers(l->res, row, l->c.area_keys, l->keys, most)};
    struct time_slot *slots = out->slots + out->nslots;
    char *ids = arena_strdup(l->arena, db_text(l->res, row, l->c.slot_ids));
    enum err err = db_int(l->res, row, l->c.visit_at, &t.at_s, l->e);
    if (err != ERR_OK)
        return err;
    t.nminutes = read_numbers(l->res, row, l->c.durations, l->minutes, most);
    t.nzones = read_numbers(l->res, row, l->c.visit_offsets, l->offsets, most);
    t.service_id = reply_text(l->arena, l->res, row, l->c.service_id);
    if (t.n == 0 || t.nzones == 0 || (t.nminutes != 1 && t.nminutes != t.n) || ids == NULL ||
        !cut_uuids(ids, t.n, slots))
        return error_set(l->e, ERR_INTERNAL, "lists from SQL that are none, or not of one length");
    memset(l->times, 0, t.nzones * sizeof *l->times);
    err = read_own_services(l, row, &t);
    for (unsigned i = 0; i < t.n && err == ERR_OK; i++)
        err = tell_slot(l, &t, i, &slots[i]);
    out->nslots += t.n;
    return err;
}

/* ---- what it will take ---- */

#define LONG_BYTES 128 /* shorter texts are no more than what every interval says besides */

struct shared {
    int64_t key;
    size_t bytes;
};

static int compare_shared(const void *a, const void *b)
{
    int64_t first = ((const struct shared *)a)->key, second = ((const struct shared *)b)->key;
    return (first > second) - (first < second);
}

static size_t text_bytes(const struct db_result *res, unsigned row, int col)
{
    const char *text = db_text(res, row, col);
    return text == NULL ? 0 : strlen(text);
}

/* Areas whose intervals bear long texts; how many they are. */
static unsigned find_shared(const struct listing *l, struct shared *out)
{
    unsigned n = 0;
    for (unsigned row = 1; row < db_rows(l->res); row++) {
        if (!is_kind(l, row, "area") || read_numbers(l->res, row, l->c.area_keys, &out[n].key, 1) != 1)
            continue;
        out[n].bytes = text_bytes(l->res, row, l->c.attributes) + text_bytes(l->res, row, l->c.organization_id) +
                       text_bytes(l->res, row, l->c.area_id) + text_bytes(l->res, row, l->c.service_id);
        n += out[n].bytes > LONG_BYTES;
    }
    qsort(out, n, sizeof *out, compare_shared);
    return n;
}

/* Of the areas that a row's intervals lie in. */
static size_t shared_by_areas(const char *keys, const struct shared *shared, unsigned n)
{
    size_t bytes = 0;
    struct shared wanted = {0};
    while (n > 0 && keys != NULL && (*keys == '{' || *keys == ',') && take_number(&keys, &wanted.key)) {
        const struct shared *found = bsearch(&wanted, shared, n, sizeof *shared, compare_shared);
        bytes += found == NULL ? 0 : found->bytes;
    }
    return bytes;
}

size_t booking_shared_bytes(const struct db_result *res, struct arena *a)
{
    struct listing l = {.res = res, .c = find_columns(res)};
    struct shared *shared = arena_array(a, db_rows(res) + 1, sizeof *shared);
    unsigned n = find_shared(&l, shared);
    size_t bytes = 0;
    for (unsigned row = 1; row < db_rows(res); row++) {
        if (!is_kind(&l, row, "slots"))
            continue;
        const char *keys = db_text(res, row, l.c.area_keys);
        size_t service = text_bytes(res, row, l.c.service_id);
        bytes += shared_by_areas(keys, shared, n);
        bytes += service > LONG_BYTES ? service * list_length(keys) : 0;
    }
    return bytes;
}

/* ---- all rows ---- */

/* How many intervals there are, and room for the longest list of a row. */
static unsigned make_room(struct listing *l, struct booking_reply *out)
{
    unsigned all = 0, most = 1;
    for (unsigned row = 1; row < db_rows(l->res); row++) {
        unsigned n = list_length(db_text(l->res, row, l->c.area_keys));
        unsigned nzones = list_length(db_text(l->res, row, l->c.visit_offsets));
        all += n;
        most = n > most ? n : most;
        most = nzones > most ? nzones : most;
    }
    out->slots = arena_array(l->arena, all, sizeof *out->slots);
    l->areas = arena_array(l->arena, db_rows(l->res), sizeof *l->areas);
    l->keys = arena_array(l->arena, most, sizeof *l->keys);
    l->minutes = arena_array(l->arena, most, sizeof *l->minutes);
    l->offsets = arena_array(l->arena, most, sizeof *l->offsets);
    l->times = arena_array(l->arena, most, sizeof *l->times);
    return most;
}

static enum err read_areas_and_fields(struct listing *l, struct booking_reply *out)
{
    enum err err = ERR_OK;
    for (unsigned row = 1; row < db_rows(l->res) && err == ERR_OK; row++) {
        if (is_kind(l, row, "field"))
            err = reply_read_field(l->res, row, out, l->arena, l->e);
        else if (is_kind(l, row, "area"))
            err = read_area(l, row);
        else if (!is_kind(l, row, "slots"))
            err = error_set(l->e, ERR_INTERNAL, "a row of unknown kind from SQL");
    }
    qsort(l->areas, l->nareas, sizeof *l->areas, compare_areas);
    return err;
}

enum err listing_read(const struct db_result *res, struct booking_reply *out, struct arena *a, struct error *e)
{
    struct listing l = {.res = res, .arena = a, .e = e, .c = find_columns(res)};
    if (db_rows(res) == 0 || !is_kind(&l, 0, "answer"))
        return error_set(e, ERR_INTERNAL, "no answer row from SQL");
    enum err err = reply_read_answer(res, 0, out, a, e);
    if (err != ERR_OK)
        return err;
    unsigned most = make_room(&l, out);
    err = read_areas_and_fields(&l, out);
    for (unsigned row = 1; row < db_rows(res) && err == ERR_OK; row++)
        if (is_kind(&l, row, "slots"))
            err = read_instant(&l, row, most, out);
    return err != ERR_OK ? err : reply_end(out, e);
}
