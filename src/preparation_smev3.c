/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What becomes of requests in queues of SMEV 3: whether there is somebody in whose name to ask and answer, and somebody
 * whose signature makes a message SMEV's. Nothing is called.
 */
#include "preparation.h"

#include "crypto.h"
#include "file.h"
#include "queue.h"

static void bad(struct preparation *p, const struct config_smev3 *q, const char *key, const char *text)
{
    preparation_way(p, "smev3", q->name, key, FINDING_BAD, text);
}

/* All that can be seen from here at once: none hides another. */
static void tell_troubles(struct preparation *p, const struct config_smev3 *q)
{
    struct cert *ca;
    struct error e = {0};
    if (!preparation_is_served(p, ABOUT_SENDER, q->smev))
        bad(p, q, "smev",
            arena_printf(p->arena,
                         "no certificate of %s is of use: nothing that the queue gives would be believed, it stays "
                         "there",
                         q->smev));
    if (!preparation_is_served(p, ABOUT_AGENCY, q->agency))
        bad(p, q, "agency", "nothing can be signed in the name of this agency: its queue is not asked");
    if (q->official_key != NULL && !preparation_is_served(p, ABOUT_OFFICIAL, q->name))
        bad(p, q, "official_key", "nothing can be signed by its official: requests are taken, their answers wait");
    file_at(q->ca);
    if (q->ca != NULL && cert_load(p->arena, q->ca, &ca, &e) != ERR_OK)
        bad(p, q, "ca", arena_printf(p->arena, "%s; SMEV is not reached", e.detail));
    if (q->files.policy == FILES_FETCH && file_store_check(q->files.dir, &e) != ERR_OK)
        bad(p, q, "files_dir", arena_printf(p->arena, "%s; requests with files stay in the queue", e.detail));
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
        const unsigned before = p->nbad;
        tell_troubles(p, q);
        if (p->nbad == before)
            preparation_way(p, "smev3", q->name, "", FINDING_GOOD, reach_text(p, q));
    }
}
