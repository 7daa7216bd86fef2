/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C2, C8: whole worlds of certificates and lists from a seed: several authorities of one name, cross certificates,
 * reissued ones, keys for lists, authority key identifiers that are right or lie, lists whole, delta, of some points,
 * persons, reasons or issuers, extensions and entries nobody knows, wrong signers, and dates that begin and end
 * anywhere. What is judged of them must be what a model says that knows how each was made (worlds_model.h), neither
 * laxer nor stricter, for signers of messages and for clients of TLS; and no verdict is kept longer than it holds.
 *
 * ZAPISD_SEED=N begins with world N; ZAPISD_WORLDS=N takes so many.
 */
#include "worlds_model.h"

#include "crypto/crypto_private.h"

#define WORLDS  600
#define JUDGED  3 /* instants at which a world is judged: 0, 2, 4 */
#define HORIZON 12

static uint64_t seed;

static int upto(int n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((seed >> 33) % (uint64_t)n);
}

static bool one_in(int n)
{
    return upto(n) == 0;
}

/* ---- drawing ---- */

static int cert_add(struct world *w, struct wcert c)
{
    if (w->ncerts == CERTS_MAX)
        return upto(w->ncerts);
    c.serial = 1 + upto(9);
    w->certs[w->ncerts] = c;
    return w->ncerts++;
}

/* An authority; by: who issues it, -1: itself. */
static int authority_add(struct world *w, int name, int key, int by, enum place place)
{
    const struct wcert *issuer = by < 0 ? NULL : &w->certs[by];
    return cert_add(w, (struct wcert){.place = place,
                                      .name = name,
                                      .key = key,
                                      .issuer_name = issuer == NULL ? name : issuer->name,
                                      .signer_key = issuer == NULL ? key : issuer->key,
                                      .by = by < 0 ? w->ncerts : by,
                                      .from = LONG_AGO,
                                      .to = FAR_OFF,
                                      .usage = USE_CERTS | USE_LISTS,
                                      .pathlen = WITHOUT,
                                      .aki = (enum aki)upto(AKI_BOTH + 1),
                                      .is_ca = true});
}

static struct wlist *list_add(struct world *w, int by)
{
    if (w->nlists == LISTS_MAX)
        return &w->lists[upto(w->nlists)];
    struct wlist *l = &w->lists[w->nlists++];
    *l = (struct wlist){.name = w->certs[by].name,
                        .key = w->certs[by].key,
                        .by = by,
                        .number = 5,
                        .base = WITHOUT,
                        .from = LONG_AGO,
                        .to = FAR_OFF,
                        .aki = (enum aki)upto(AKI_BOTH + 1)};
    return l;
}

static void entry_add(struct wlist *l, int serial)
{
    static const int reasons[] = {WITHOUT, WITHOUT, CRL_REASON_KEY_COMPROMISE, CRL_REASON_CERTIFICATE_HOLD,
                                  CRL_REASON_REMOVE_FROM_CRL};
    for (int i = 0; i < l->nentries; i++)
        if (l->entries[i].serial == serial)
            return;
    if (l->nentries < ENTRIES_MAX)
        l->entries[l->nentries++] = (struct wentry){serial, reasons[upto(5)], one_in(3) ? upto(ENTRY_EXTS) : 0};
    const struct wentry *e = &l->entries[l->nentries - 1];
    if (e->reason == CRL_REASON_REMOVE_FROM_CRL && l->base == WITHOUT && !one_in(8))
        l->entries[l->nentries - 1].reason = WITHOUT;
}

/* Somebody's serial number in it, more often than not the leaf's or an authority's on its way. */
static int serial_of_somebody(const struct world *w)
{
    return one_in(4) ? 1 + upto(9) : w->certs[upto(w->ncerts < 4 ? w->ncerts : 4)].serial;
}

static void dates_draw(int *from, int *to)
{
    int a = upto(8) - 2, b = upto(8) - 2;
    *from = one_in(2) ? LONG_AGO : a < b ? a : b;
    *to = *from != LONG_AGO && one_in(2) ? FAR_OFF : 1 + (a < b ? b : a);
}

static int some_authority(const struct world *w)
{
    return 1 + upto(w->ncerts - 1);
}

/* What is usual. */
static void world_begin(struct world *w)
{
    *w = (struct world){.is_required = one_in(2), .is_of_clients = one_in(3), .ncerts = 1};
    int by = authority_add(w, 0, 0, -1, PLACE_ANCHOR);
    (void)list_add(w, by);
    for (int depth = upto(3); depth > 0; depth--) {
        by = authority_add(w, 3 - depth, 2 + depth, by, w->is_of_clients && one_in(3) ? PLACE_SENT : PLACE_CHAIN);
        if (w->certs[by].place != PLACE_SENT)
            (void)list_add(w, by);
    }
    w->certs[0] = (struct wcert){.place = PLACE_LEAF,
                                 .name = 3,
                                 .key = LEAF_KEY,
                                 .serial = 1 + upto(9),
                                 .issuer_name = w->certs[by].name,
                                 .signer_key = w->certs[by].key,
                                 .by = by,
                                 .from = LONG_AGO,
                                 .to = FAR_OFF,
                                 .usage = one_in(3) ? 0 : USE_SIGN,
                                 .pathlen = WITHOUT,
                                 .aki = (enum aki)upto(AKIS)};
}

/* Somebody on the way is held, and lists about changes say more of it: in time or not, of this list or of another. */
static void hold_begins(struct world *w)
{
    struct wlist *whole = &w->lists[upto(w->nlists < 3 ? w->nlists : 3)];
    int serial = 0;
    for (int i = 0; i < w->ncerts && i < 4; i++)
        if (w->certs[i].issuer_name == whole->name && w->certs[i].signer_key == whole->key &&
            (serial == 0 || one_in(2)))
            serial = w->certs[i].serial;
    if (serial == 0 || whole->nentries > 0)
        return;
    if (!one_in(3))
        whole->entries[whole->nentries++] = (struct wentry){serial, CRL_REASON_CERTIFICATE_HOLD, ENTRY_PLAIN};
    for (int n = 1 + upto(2); n > 0; n--) {
        struct wlist *delta = list_add(w, whole->by);
        *delta = *whole;
        delta->number = whole->number == WITHOUT ? 5 : whole->number - 1 + upto(4);
        delta->base = delta->number - upto(4);
        delta->from = one_in(3) ? upto(5) : LONG_AGO + upto(3);
        delta->to = one_in(3) ? delta->from + 1 + upto(6) : FAR_OFF;
        delta->nentries = 1;
        delta->entries[0] = (struct wentry){serial, one_in(3) ? WITHOUT : CRL_REASON_REMOVE_FROM_CRL, ENTRY_PLAIN};
    }
}

/* And who comes in addition. */
static void somebody_comes(struct world *w)
{
    static const enum place places[] = {PLACE_ANCHOR, PLACE_CHAIN, PLACE_CHAIN, PLACE_CHAIN, PLACE_SENT};
    enum place place = places[upto(w->is_of_clients ? 5 : 4)];
    int who = some_authority(w), i, n = w->ncerts;
    struct wcert again = w->certs[who];
    switch (upto(7)) {
    case 0: /* of one name, and another key */
        i = authority_add(w, again.name, upto(KEYS), one_in(2) ? -1 : some_authority(w), place);
        if (one_in(2))
            (void)list_add(w, i);
        break;
    case 1: /* another root that certifies this one, or this one another root */
        i = authority_add(w, upto(3), 1, -1, one_in(3) ? PLACE_NOWHERE : PLACE_ANCHOR);
        (void)list_add(w, i);
        (void)authority_add(w, again.name, again.key, i, PLACE_CHAIN);
        break;
    case 2: /* reissued: the old one may have run out */
        dates_draw(&again.from, &again.to);
        again.aki = (enum aki)upto(AKIS);
        again.place = again.place == PLACE_ANCHOR && !one_in(3) ? PLACE_ANCHOR : place;
        (void)cert_add(w, again);
        if (w->ncerts > n && again.by == who && again.issuer_name == again.name)
            w->certs[n].by = n;
        break;
    case 3: /* a key for lists alone */
        i = authority_add(w, again.name, one_in(4) ? again.key : upto(KEYS),
                          one_in(3)   ? -1
                          : one_in(2) ? who
                                      : again.by,
                          PLACE_CHAIN);
        if (i == n) {
            w->certs[i].usage = USE_LISTS;
            w->certs[i].is_ca = one_in(3);
            (void)list_add(w, i);
        }
        break;
    case 4:
    case 5:
        hold_begins(w);
        break;
    default: { /* a list beside the list */
        struct wlist *l = list_add(w, who);
        l->number = 2 + upto(7);
        l->base = one_in(2) ? WITHOUT : 1 + upto(l->number);
        l->scope = one_in(3) ? (enum scope)upto(SCOPES) : SCOPE_NONE;
        l->from = one_in(2) ? upto(7) - 1 : LONG_AGO + upto(3);
        for (int k = upto(3); k > 0; k--)
            entry_add(l, serial_of_somebody(w));
    }
    }
}

static void cert_spoil(struct world *w, struct wcert *c)
{
    static const int usages[] = {0, USE_CERTS, USE_LISTS, USE_SIGN, USE_ENCIPHER, USE_CERTS | USE_LISTS};
    switch (upto(10)) {
    case 0:
    case 1:
        dates_draw(&c->from, &c->to);
        break;
    case 2:
        c->is_strange = true;
        c->strange = upto(STRANGE);
        break;
    case 3:
        c->is_double = true;
        break;
    case 4:
        c->usage = usages[upto(6)];
        break;
    case 5:
        c->is_ca = !c->is_ca && c->place != PLACE_LEAF;
        break;
    case 6:
        c->pathlen = c->is_ca ? upto(2) : WITHOUT;
        break;
    case 7:
        c->signer_key = upto(KEYS);
        break;
    case 8:
        c->aki = (enum aki)upto(AKIS);
        c->by = upto(w->ncerts);
        break;
    default:
        c->names_point = true;
        c->wants_reasons = one_in(3);
    }
}

static void list_spoil(struct world *w, struct wlist *l)
{
    switch (upto(10)) {
    case 0:
        dates_draw(&l->from, &l->to);
        break;
    case 1:
        l->is_strange = true;
        l->strange = upto(STRANGE);
        break;
    case 2:
        l->is_double = one_in(2);
        l->has_passed_over = true;
        break;
    case 3:
        l->to = one_in(2) ? WITHOUT : FAR_OFF;
        break;
    case 4:
        l->number = WITHOUT;
        break;
    case 5:
        l->key = upto(KEYS);
        break;
    case 6:
        l->scope = (enum scope)upto(SCOPES);
        break;
    case 7:
        l->aki = (enum aki)upto(AKIS);
        l->by = upto(w->ncerts);
        break;
    default:
        entry_add(l, serial_of_somebody(w));
    }
}

static void world_draw(struct world *w)
{
    world_begin(w);
    for (int n = upto(5); n > 0; n--)
        somebody_comes(w);
    for (int n = upto(4); n > 0; n--) {
        if (one_in(2))
            cert_spoil(w, &w->certs[upto(w->ncerts)]);
        else
            list_spoil(w, &w->lists[upto(w->nlists)]);
    }
    /* of clients there is one file */
    for (int i = 1; i < w->ncerts; i++)
        if (w->is_of_clients && w->certs[i].place == PLACE_CHAIN)
            w->certs[i].place = PLACE_ANCHOR;
}

/* ---- telling ---- */

static void world_tell(const struct world *w)
{
    print_message("lists %s, for %s\n", w->is_required ? "required" : "not required",
                  w->is_of_clients ? "clients of TLS" : "messages");
    for (int i = 0; i < w->ncerts; i++) {
        const struct wcert *c = &w->certs[i];
        print_message(
            "cert %d place %d: %s key %d serial %d, by %s key %d; [%d, %d) usage %d ca %d pathlen %d%s%s%s%s\n", i,
            (int)c->place, world_names[c->name], c->key, c->serial, world_names[c->issuer_name], c->signer_key, c->from,
            c->to, c->usage, c->is_ca, c->pathlen, c->is_strange ? " strange" : "", c->is_double ? " double" : "",
            c->names_point ? " point" : "", c->wants_reasons ? " reasons" : "");
    }
    for (int i = 0; i < w->nlists; i++) {
        const struct wlist *l = &w->lists[i];
        print_message("list %d: %s key %d number %d base %d [%d, %d) scope %d%s%s", i, world_names[l->name], l->key,
                      l->number, l->base, l->from, l->to, (int)l->scope, l->is_strange ? " strange" : "",
                      l->is_double ? " double" : "");
        for (int k = 0; k < l->nentries; k++)
            print_message(" (%d reason %d ext %d)", l->entries[k].serial, l->entries[k].reason, l->entries[k].ext);
        print_message("\n");
    }
}

/* ---- judging ---- */

static enum err judge(const struct world *w, const struct made *m, const struct trust *t, int at,
                      struct trust_verdict *v, struct error *e)
{
    int64_t now_s = T0 + at * INSTANT;
    if (!w->is_of_clients)
        return trust_judge(t, forge_read(m->certs[0]), now_s, v, e);
    STACK_OF(X509) *sent = sk_X509_new_null();
    for (int i = 0; i < w->ncerts; i++)
        if (w->certs[i].place == PLACE_SENT)
            sk_X509_push(sent, m->certs[i]);
    enum err rc = trust_judge_client(t, m->certs[0], sent, 0, now_s, v, e);
    sk_X509_free(sent);
    return rc;
}

static struct {
    unsigned good, bad, shortened, by_reason[TRUST_NO_ISSUER + 1];
} seen;

static void judge_at(uint64_t number, const struct world *w, const struct made *m, const struct trust *t, int at)
{
    struct trust_verdict v = {0};
    struct error e = {0};
    bool is_believed = judge(w, m, t, at, &v, &e) == ERR_OK, is_good = model_believes(w, at);
    if (is_believed != is_good) {
        world_tell(w);
        fail_msg("ZAPISD_SEED=%d at %d: %s (%s), and the model says otherwise", (int)number, at,
                 is_believed ? "believed" : "refused", e.detail);
    }
    seen.by_reason[v.reason]++;
    seen.good += is_good;
    seen.bad += !is_good;
    for (int later = at + 1; is_good && later < HORIZON && T0 + later * INSTANT < v.end_s; later++)
        if (!model_believes(w, later)) {
            world_tell(w);
            fail_msg("ZAPISD_SEED=%d at %d: kept for %d s, and the model's ends at %d", (int)number, at,
                     (int)(v.end_s - T0 - at * INSTANT), later);
        }
    seen.shortened += is_good && v.end_s < T0 + at * INSTANT + 600;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void C8_as_the_model_says(void **state)
{
    (void)state;
    uint64_t first = number_of("ZAPISD_SEED", 1), n = number_of("ZAPISD_WORLDS", WORLDS);
    struct arena *kept = pki_arena;
    print_message("seeds %d to %d\n", (int)first, (int)(first + n - 1));
    for (uint64_t i = first; i < first + n; i++) {
        struct world w;
        struct made m;
        seed = 0x5280 + i * 7919;
        world_draw(&w);
        pki_arena = arena_new();
        world_make(&w, &m);
        struct trust *t = world_load(&w, &m);
        for (int at = 0; at < 2 * JUDGED; at += 2)
            judge_at(i, &w, &m, t, at);
        made_free(&m);
        arena_free(pki_arena);
        pki_arena = kept;
    }
    print_message(
        "%u believed, %u of them for less than ten minutes; %u refused: broken %u, dates %u, usage %u, revoked "
        "%u, no list %u, no issuer %u\n",
        seen.good, seen.shortened, seen.bad, seen.by_reason[TRUST_BROKEN], seen.by_reason[TRUST_DATES],
        seen.by_reason[TRUST_USAGE], seen.by_reason[TRUST_REVOKED], seen.by_reason[TRUST_NO_LIST],
        seen.by_reason[TRUST_NO_ISSUER]);
    /* A judge, or a model, who says the same of all has judged nothing. */
    for (int reason = TRUST_BROKEN; reason <= TRUST_NO_ISSUER && n >= WORLDS; reason++)
        assert_in_range(seen.by_reason[reason], 2, JUDGED * n / 2);
    if (n >= WORLDS) {
        assert_in_range(seen.good, JUDGED * n / 5, JUDGED * n * 4 / 5);
        assert_in_range(seen.shortened, 10, seen.good);
    }
}

static int teardown(void **state)
{
    keys_free();
    return forge_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(C8_as_the_model_says)};
    return cmocka_run_group_tests(tests, forge_setup, teardown);
}
