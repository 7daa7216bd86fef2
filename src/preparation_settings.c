/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Settings that stand in the files and change nothing. The daemon runs with them, and whoever wrote them believes
 * something that is not so: each is a warning with its line. What contradicts itself is a mistake: config_check.c.
 */
#include "preparation.h"

#include "net.h"

#include <string.h>

struct setting {
    const char *section, *name, *key;
};

static void remark(struct preparation *p, struct setting s, const char *text)
{
    preparation_add(
        p, (struct remark){.level = FINDING_WARN,
                           .about = arena_printf(p->arena, "%s%s%s", s.section, *s.name != '\0' ? " " : "", s.name),
                           .at = config_at(p->arena, p->conf, s.section, s.name, s.key, CONFIG_LAST),
                           .text = text});
}

static void look_at(struct preparation *p, struct setting s, const char *why)
{
    if (config_sets(p->conf, s.section, s.name, s.key))
        remark(p, s, arena_printf(p->arena, "%s has no effect: %s", s.key, why));
}

static void look_at_reading(struct preparation *p, const char *section, const char *name,
                            const struct config_reading *reading)
{
    if (reading->mode == READING_STRICT)
        look_at(p, (struct setting){section, name, "lenient"}, "nothing is put right without reading = lenient");
}

/* Those that say nothing but what holds anyway pass config_check(); they do not hold for the senders, either. */
static void look_at_signed(struct preparation *p, const struct config_listener *l)
{
    static const char *const keys[] = {"reading",        "lenient",        "doc_types", "omit_error_on_success",
                                       "status_as_text", "single_timeslot"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        look_at(p, (struct setting){"listener", l->name, keys[i]},
                "how signed messages are read and answered is said in [sender CODE]");
}

static void look_at_listener(struct preparation *p, const struct config_listener *l)
{
    if (config_is_signed(l)) {
        look_at_signed(p, l);
        return;
    }
    look_at_reading(p, "listener", l->name, &l->reading);
    if (address_is_local(l->address))
        look_at(p, (struct setting){"listener", l->name, "plain_on_public_address"}, "the address is local");
}

static bool is_served_unsigned(const struct config *c, const char *agency)
{
    for (unsigned i = 0; i < c->nlisteners; i++)
        if (c->listeners[i].agency != NULL && strcmp(c->listeners[i].agency, agency) == 0)
            return true;
    return false;
}

/* Who signs, and who would be believed, of a daemon that neither signs nor verifies. */
static void look_at_parties(struct preparation *p)
{
    const struct config *c = p->conf;
    static const char nobody[] = "has no effect: there is no smev2 listener, no way to the portal and no queue";
    for (unsigned i = 0; i < c->nagencies; i++)
        if (!is_served_unsigned(c, c->agencies[i].code))
            remark(p, (struct setting){"agency", c->agencies[i].code, "key"}, nobody);
    for (unsigned i = 0; i < c->nsenders; i++)
        remark(p, (struct setting){"sender", c->senders[i].code, "cert"}, nobody);
    if (c->anchors != NULL)
        remark(p, (struct setting){"trust", "", "anchors"}, nobody);
}

void preparation_settings(struct preparation *p)
{
    const struct config *c = p->conf;
    for (unsigned i = 0; i < c->nlisteners; i++)
        look_at_listener(p, &c->listeners[i]);
    for (unsigned i = 0; i < c->nsenders; i++)
        look_at_reading(p, "sender", c->senders[i].code, &c->senders[i].reading);
    for (unsigned i = 0; i < c->nsmev3s; i++)
        look_at_reading(p, "smev3", c->smev3s[i].name, &c->smev3s[i].reading);
    if (!config_needs_trust(c))
        look_at_parties(p);
}
