/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What becomes of requests in queues of SMEV 3: whether there is somebody in whose name to ask and answer, and somebody
 * whose signature makes a message SMEV's. Nothing is called.
 */
#include "preparation.h"

#include "crypto.h"
#include "file.h"
#include "queue.h"

/* NULL: everything that can be seen from here is as it must be. */
static const char *trouble_of(struct preparation *p, const struct config_smev3 *q, const char **key)
{
    struct cert *ca;
    struct error e = {0};
    *key = "smev";
    if (!preparation_is_served(p, ABOUT_SENDER, q->smev))
        return arena_printf(
            p->arena, "no certificate of %s is of use: nothing that the queue gives would be believed, it stays there",
            q->smev);
    *key = "agency";
    if (!preparation_is_served(p, ABOUT_AGENCY, q->agency))
        return "nothing can be signed in the name of this agency: its queue is not asked";
    *key = "official_key";
    if (q->official_key != NULL && !preparation_is_served(p, ABOUT_OFFICIAL, q->name))
        return "nothing can be signed by its official: requests are taken, their answers wait";
    *key = "ca";
    file_at(q->ca);
    if (q->ca != NULL && cert_load(p->arena, q->ca, &ca, &e) != ERR_OK)
        return arena_printf(p->arena, "%s; SMEV is not reached", e.detail);
    *key = "files_dir";
    if (q->files.policy == FILES_FETCH && file_store_check(q->files.dir, &e) != ERR_OK)
        return arena_printf(p->arena, "%s; requests with files stay in the queue", e.detail);
    return NULL;
}

static const char *reach_text(struct preparation *p, const struct config_smev3 *q)
{
    const char *words[] = {"1.1", "1.2", "1.3"};
    const char *reserve = q->endpoint_reserve == NULL ? ""
                                                      : arena_printf(p->arena, " or %s%s", q->endpoint_reserve,
                                                                     preparation_filter_text(p, q->endpoint_reserve));
    const char *files = q->files.policy == FILES_IGNORE
                            ? ""
                            : arena_printf(p->arena, "; files are fetched from %s into %s%s", q->files.server,
                                           q->files.dir, preparation_filter_text(p, q->files.server));
    return arena_printf(p->arena, "requests to %s (mnemonic %s) are taken by schemas %s, signed by %s, from %s%s%s%s%s",
                        q->agency, q->mnemonic != NULL ? q->mnemonic : q->agency, words[q->schema], q->smev,
                        q->endpoint, preparation_filter_text(p, q->endpoint), reserve, files,
                        q->official_key != NULL ? "; answers are signed by an official too" : "");
}

void preparation_smev3(struct preparation *p)
{
    for (unsigned i = 0; i < p->conf->nsmev3s && p->keys != NULL; i++) {
        const struct config_smev3 *q = &p->conf->smev3s[i];
        const char *key = "", *trouble = trouble_of(p, q, &key);
        preparation_add(p, (struct remark){.level = trouble != NULL ? FINDING_BAD : FINDING_GOOD,
                                           .about = arena_printf(p->arena, "smev3 %s", q->name),
                                           .at = config_at(p->arena, p->conf, "smev3", q->name,
                                                           trouble != NULL ? key : "", CONFIG_LAST),
                                           .text = trouble != NULL ? trouble : reach_text(p, q)});
    }
}
