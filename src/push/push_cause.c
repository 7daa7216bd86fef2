/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Causes by road: who it is, and what the row says. Words of a key begin as data.lacks_key() wants them. */
#include "push_cause.h"

#include "clock.h"

const char *const push_who_names[PUSH_WHO_COUNT] = {
    [PUSH_BY_PORTAL] = "portal",
    [PUSH_BY_SMEV] = "smev",
    [PUSH_BY_AGENCY_KEY] = "agency-key",
    [PUSH_BY_OFFICIAL_KEY] = "official-key",
    [PUSH_BY_US] = "own",
};

const char *const push_who_closes[PUSH_WHO_COUNT] = {
    [PUSH_BY_PORTAL] = "the portal has not answered",
    [PUSH_BY_SMEV] = "SMEV has taken nothing that the portal is to be told",
    [PUSH_BY_AGENCY_KEY] = "our agency's key signs nothing, the portal is told nothing",
    [PUSH_BY_OFFICIAL_KEY] = "our official's key signs nothing, the portal is told nothing",
    [PUSH_BY_US] = "nothing leaves us for the portal",
};

static const struct row {
    enum push_who who;
    const char *words;
} by_smev2[PUSH_CAUSES] =
    {
        [PUSH_CAUSE_UNREACHED] = {PUSH_BY_PORTAL, "связи с порталом нет, не отправлено"},
        [PUSH_CAUSE_SILENT] = {PUSH_BY_PORTAL, "портал не ответил вовремя, повторим то же сообщение"},
        [PUSH_CAUSE_CUT] = {PUSH_BY_PORTAL, "связь оборвалась до ответа портала, повторим то же сообщение"},
        [PUSH_CAUSE_NO_WORD] = {PUSH_BY_PORTAL, NULL},
        [PUSH_CAUSE_AGENCY_KEY] = {PUSH_BY_AGENCY_KEY, "AGENCY: подписать нечем: ключ ведомства, см. zapisd check"},
        [PUSH_CAUSE_OFFICIAL_KEY] = {PUSH_BY_OFFICIAL_KEY, "AGENCY: подписать нечем: ключ должностного лица"},
        [PUSH_CAUSE_SETTINGS] = {PUSH_BY_US, "порталу не отправлено: см. zapisd check"},
        [PUSH_CAUSE_UNMADE] = {PUSH_BY_US, "сообщение не составлено: см. журнал программы"},
},
  by_smev3[PUSH_CAUSES] = {
      [PUSH_CAUSE_UNREACHED] = {PUSH_BY_SMEV, "связи со СМЭВ нет, не отправлено"},
      [PUSH_CAUSE_SILENT] = {PUSH_BY_SMEV, "СМЭВ не ответила вовремя, повторим то же сообщение"},
      [PUSH_CAUSE_CUT] = {PUSH_BY_SMEV, "связь оборвалась до ответа СМЭВ, повторим то же сообщение"},
      [PUSH_CAUSE_NO_WORD] = {PUSH_BY_SMEV, NULL},
      [PUSH_CAUSE_AGENCY_KEY] = {PUSH_BY_AGENCY_KEY, "AGENCY: подписать нечем: ключ ведомства, см. zapisd check"},
      [PUSH_CAUSE_OFFICIAL_KEY] = {PUSH_BY_OFFICIAL_KEY, "AGENCY: подписать нечем: ключ должностного лица"},
      [PUSH_CAUSE_SETTINGS] = {PUSH_BY_US, "в СМЭВ не отправлено: см. zapisd check"},
      [PUSH_CAUSE_UNMADE] = {PUSH_BY_US, "сообщение не составлено: см. журнал программы"},
};

static const struct row *row_of(enum push_cause cause, enum push_road road)
{
    return road == PUSH_ROAD_SMEV3 ? &by_smev3[cause] : &by_smev2[cause];
}

enum push_who push_who_of(enum push_cause cause, enum push_road road)
{
    return row_of(cause, road)->who;
}

const char *push_words_of(struct arena *a, enum push_cause cause, enum push_road road, const char *section)
{
    const char *words = row_of(cause, road)->words;
    if (cause != PUSH_CAUSE_OFFICIAL_KEY)
        return words;
    return arena_printf(a, "%s, official of smev3 %s, см. zapisd check", words, section);
}

enum push_cause push_cause_of_unmade(const struct push_way *way, enum err err)
{
    if (err != ERR_AGENCY)
        return PUSH_CAUSE_UNMADE;
    if (way->queue == NULL)
        return PUSH_CAUSE_AGENCY_KEY;
    bool is_official =
        keyring_lack(way->keys, way->conf->agency, way->queue->name, clock_wall_us() / 1000000) != KEYRING_LACKS_AGENCY;
    return is_official ? PUSH_CAUSE_OFFICIAL_KEY : PUSH_CAUSE_AGENCY_KEY;
}
