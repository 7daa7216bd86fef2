/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What becomes of changes that the portal is to be told: whether there is somebody to sign them and somebody whose
 * answer would be believed. Nothing is called. Whether a filter of addresses lies between is asked of nobody
 * (docs/decisions/0309): the host that a drop-in must name is told.
 */
#include "preparation.h"

#include "crypto.h"
#include "file.h"

#include <string.h>

/* One finding of this party at least lets it serve. */
bool preparation_is_served(const struct preparation *p, enum finding_about about, const char *code)
{
    const struct findings *f = &p->found;
    for (unsigned i = 0; i < f->n; i++)
        if (f->items[i].about == about && strcmp(f->items[i].code, code) == 0 && !f->items[i].is_stopped)
            return true;
    return false;
}

/* The host of a URL that config_load() has taken, without brackets. */
static const char *host_of(struct arena *a, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    if (*host == '[')
        return arena_strndup(a, host + 1, strcspn(host + 1, "]"));
    return arena_strndup(a, host, strcspn(host, ":/?"));
}

static bool is_this_machine(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

void preparation_way(struct preparation *p, const char *section, const char *name, const char *key,
                     enum finding_level level, const char *text)
{
    preparation_add(p, (struct remark){.level = level,
                                       .about = arena_printf(p->arena, "%s %s", section, name),
                                       .at = config_at(p->arena, p->conf, section, name, key, CONFIG_LAST),
                                       .text = text});
}

static void bad(struct preparation *p, const struct config_push *push, const char *key, const char *text)
{
    preparation_way(p, "push", push->agency, key, FINDING_BAD, text);
}

/* All that can be seen from here at once: none hides another. What of its queue is of no use, the queue's own lines say
 * (preparation_smev3). */
static void tell_troubles(struct preparation *p, const struct config_push *push)
{
    const bool is_smev3 = push->road == PUSH_ROAD_SMEV3;
    struct cert *ca;
    struct error e = {0};
    if (!is_smev3 && !preparation_is_served(p, ABOUT_SENDER, push->portal))
        bad(p, push, "portal",
            arena_printf(p->arena,
                         "no certificate of %s is of use: none of its answers would be believed, what was sent is "
                         "sent again and again",
                         push->portal));
    if (!preparation_is_served(p, ABOUT_AGENCY, push->agency))
        bad(p, push, is_smev3 ? "queue" : "",
            "nothing can be signed in the name of this agency: what there is to tell waits");
    file_at(push->ca);
    if (!is_smev3 && push->ca != NULL && cert_load(p->arena, push->ca, &ca, &e) != ERR_OK)
        bad(p, push, "ca",
            arena_printf(p->arena, "%s; nothing reaches the portal, what there is to tell waits", e.detail));
}

const char *preparation_filter_text(struct preparation *p, const char *url)
{
    const char *host = host_of(p->arena, url);
    return is_this_machine(host) ? ""
                                 : arena_printf(p->arena,
                                                "; where a drop-in of the unit filters addresses "
                                                "(addresses.conf), IPAddressAllow must have %s",
                                                host);
}

static const char *reach_text(struct preparation *p, const struct config_push *push)
{
    const uint64_t ms = push->answer_deadline_ms;
    const bool is_short = ms < 120000;
    if (push->road == PUSH_ROAD_SMEV3)
        return arena_printf(
            p->arena, "changes go by SMEV 3 as [smev3 %s] says, and the portal's answers come by it within %llu %s",
            push->queue, (unsigned long long)(is_short ? ms / 1000 : ms / 60000), is_short ? "s" : "minutes");
    return arena_printf(p->arena, "changes go to %s, and %s must sign the answer%s", push->url, push->portal,
                        preparation_filter_text(p, push->url));
}

void preparation_push(struct preparation *p)
{
    for (unsigned i = 0; i < p->conf->npushes && p->keys != NULL; i++) {
        const struct config_push *push = &p->conf->pushes[i];
        const unsigned before = p->nbad;
        tell_troubles(p, push);
        if (p->nbad == before)
            preparation_way(p, "push", push->agency, "", FINDING_GOOD, reach_text(p, push));
    }
}
