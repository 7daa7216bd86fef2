/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A signature of SMEV 3 is judged from its place: the caller says which element must be signed and where the signature
 * stands, and all that is asked of the reference is whether it names that element. What is signed is told as octets.
 */
#include "smev3.h"

#include "ascii.h"
#include "dsig.h"
#include "told.h"

#include <string.h>

struct judging {
    struct arena *arena;
    const struct smev3_policy *policy;
    struct xml_node *element, *place;
    struct error *e;
};

/* The one ds:Signature that is all there is in a place; NULL when e says why there is none. */
static struct xml_node *only_signature(struct xml_node *place, struct error *e)
{
    struct xml_node *signature = xml_first(place, NULL, NULL);
    const char *name = told_name(xml_local(place));
    if (!signature)
        (void)error_set(e, ERR_SECURITY, "<%s> (line %ld) is empty", name, xml_line(place));
    else if (!xml_is(signature, NS_DSIG, "Signature"))
        (void)error_set(e, ERR_SECURITY, "<%s> (line %ld) holds something else than ds:Signature", name,
                        xml_line(place));
    else if (xml_next(signature, NULL, NULL))
        (void)error_set(e, ERR_SECURITY, "<%s> (line %ld) holds more than one signature", name, xml_line(place));
    else if (xml_has_stray_text(place))
        (void)error_set(e, ERR_SECURITY, "text or comment inside <%s> (line %ld)", name, xml_line(place));
    else
        return signature;
    return NULL;
}

/* The element stands beside the place, or is a child of what does: nothing else is a place of the protocol. */
static enum err check_nearness(const struct judging *j)
{
    struct xml_node *above = xml_parent(j->place), *parent = xml_parent(j->element);
    if (j->element != j->place && above && parent && parent != j->place &&
        (parent == above || xml_parent(parent) == above))
        return ERR_OK;
    return error_set(j->e, ERR_SECURITY, "<%s> (line %ld) is not beside <%s> (line %ld)",
                     told_name(xml_local(j->element)), xml_line(j->element), told_name(xml_local(j->place)),
                     xml_line(j->place));
}

/* ---- form ---- */

static bool is_of_form(void *arg, const char *ns, const char *local, const char *value)
{
    (void)value;
    unsigned *forms = arg;
    if (!ns && (strcmp(local, "Id") == 0 || strcmp(local, "Type") == 0))
        *forms |= SMEV3_FORM_IDS;
    return true;
}

static bool has_blank(const char *text)
{
    for (; *text != '\0'; text++)
        if (ascii_is_blank(*text))
            return true;
    return false;
}

/* Of a signature that was read already: what stands in it is on the list of dsig_read.c. */
static unsigned forms_of(struct arena *a, struct xml_node *signature, const struct dsig_parsed *parsed)
{
    unsigned forms = parsed->refs[0].is_enveloped ? SMEV3_FORM_ENVELOPED : 0;
    for (struct xml_node *at = signature; at; at = xml_walk(signature, at)) {
        xml_each_attr(at, is_of_form, &forms);
        if (has_blank(xml_own_text(a, at)))
            forms |= xml_first(at, NULL, NULL) ? SMEV3_FORM_BLANKS : SMEV3_FORM_LINES;
        if (xml_is(at, URI_EXC_C14N, "InclusiveNamespaces"))
            forms |= SMEV3_FORM_PREFIXES;
    }
    return forms;
}

/* ---- signer ---- */

static enum err read_signer(const struct judging *j, const struct xml_node *token, const struct cert **signer,
                            const char **advice)
{
    const struct smev3_policy *policy = j->policy;
    enum err err = wsse_read_cert(j->arena, token, policy->signers ? policy->signers : policy->known, signer, j->e);
    if (err)
        return err;
    if (policy->signers && cert_set_find(policy->signers, cert_der(*signer)) != *signer) {
        *advice =
            "if it is a new one of SMEV's, confirm its fingerprint with the operator of SMEV, then name it in the "
            "configuration";
        return error_set(j->e, ERR_SENDER, "the signer of <%s> is none of the certificates configured for it",
                         told_name(xml_local(j->place)));
    }
    enum trust_reason reason;
    if (!policy->trust)
        return ERR_OK;
    err = trust_check(policy->trust, *signer, policy->now_s, &reason, j->e);
    if (err)
        *advice = trust_advice(reason, TRUST_OF_MESSAGES);
    return err;
}

/* ---- all of it ---- */

static enum err judge(const struct judging *j, struct xml_node **token, const char **advice,
                      struct smev3_signature *out)
{
    enum err err = check_nearness(j);
    if (err)
        return err;
    struct xml_node *signature = only_signature(j->place, j->e);
    if (!signature)
        return j->e->code;
    struct dsig_rules rules = {.allow_gost2001 = j->policy->allow_gost2001,
                               .smev3 = true,
                               .element = j->element,
                               .tolerant = j->policy->tolerant};
    struct dsig_parsed parsed;
    err = dsig_read(j->arena, NULL, signature, &rules, &parsed, j->e);
    if (!err)
        err = dsig_find_x509(&parsed, token, j->e);
    if (err)
        return err;
    const struct cert *signer = NULL;
    err = read_signer(j, *token, &signer, advice);
    struct dsig_result result;
    if (!err)
        err = dsig_check(j->arena, &parsed, signer, &result, j->e);
    if (err)
        return err;
    *out = (struct smev3_signature){.signer = signer,
                                    .alg = result.alg,
                                    .digest = result.refs[0].digest,
                                    .forms = forms_of(j->arena, signature, &parsed),
                                    .octets = result.refs[0].octets};
    return ERR_OK;
}

enum err smev3_verify(struct arena *a, struct xml_node *element, struct xml_node *place,
                      const struct smev3_policy *policy, struct smev3_signature *out, struct error *e)
{
    *out = (struct smev3_signature){0};
    struct error why = {0};
    struct judging j = {a, policy, element, place, &why};
    const char *advice = NULL;
    struct xml_node *token = NULL;
    struct smev3_signature good = {0};
    enum err err = judge(&j, &token, &advice, &good);
    if (err)
        return wsse_refuse(a, token, err, why.detail, advice ? advice : wsse_advice(err), e);
    *out = good;
    return ERR_OK;
}
