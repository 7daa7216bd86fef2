/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Messages of SMEV 3 with one signature, written here and not by what is tested. A form is an envelope with the element
 * to be signed (Id="A") and the word @SIG@ at the place of its signature; edits change the signature before it is made,
 * so that what is wrong with it is its form alone.
 */
#pragma once

#include "testkit.h"

#include "smev3.h"

#define SMEV3_NS(part, version) "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/" part version
#define SMEV_TRANSFORM          "urn://smev-gov-ru/xmldsig/transform"
#define NS_EQ                   "http://epgu.rtlabs.ru/equeue/ws/"

#define ENVELOPE3(version, inside)                                                                                     \
    "<S:Envelope xmlns:S=\"" NS_SOAP "\" xmlns:t=\"" SMEV3_NS("", version) "\" xmlns:b=\"" SMEV3_NS(                   \
        "basic/", version) "\"><S:Header></S:Header><S:Body>" inside "</S:Body></S:Envelope>"
#define METADATA3(type)                                                                                                \
    "<t:MessageId>0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageId><t:MessageType>" type "</t:MessageType><t:Sender>" \
    "<t:Mnemonic>TEST01</t:Mnemonic><t:HumanReadableName>Проверка</t:HumanReadableName></t:Sender>"            \
    "<t:SendingTimestamp>2026-11-01T10:00:00.000+03:00</t:SendingTimestamp><t:DestinationName>unknown"                 \
    "</t:DestinationName><t:Recipient><t:Mnemonic>TEST02</t:Mnemonic><t:HumanReadableName>Ведомство"          \
    "</t:HumanReadableName></t:Recipient><t:SupplementaryData><t:InteractionType>NotDetected</t:InteractionType>"      \
    "</t:SupplementaryData><t:Status>requestIsQueued</t:Status>"
#define BUSINESS3(word)                                                                                                \
    "<q:cancelBookingRequest xmlns:q=\"" NS_EQ "\"><q:bookId>" word "</q:bookId></q:cancelBookingRequest>"
#define REQUEST3(id, word)                                                                                             \
    "<t:Request" id "><t:SenderProvidedRequestData Id=\"B\"><t:MessageID>0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77"         \
    "</t:MessageID><b:MessagePrimaryContent>" BUSINESS3(                                                               \
        word) "</b:MessagePrimaryContent></t:SenderProvidedRequestData>"                                               \
              "<t:MessageMetadata>" METADATA3(                                                                         \
                  "REQUEST") "</t:MessageMetadata><t:ReplyTo>reply</t:ReplyTo></t:Request>"
#define RESPONSE3(id, word)                                                                                            \
    "<t:Response" id "><t:OriginalMessageId>1e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:OriginalMessageId>"                \
    "<t:SenderProvidedResponseData><t:MessageID>0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageID><t:To>x</t:To>"      \
    "<b:MessagePrimaryContent>" BUSINESS3(word) "</b:MessagePrimaryContent></t:SenderProvidedResponseData>"            \
                                                "<t:MessageMetadata>" METADATA3(                                       \
                                                    "RESPONSE") "</t:MessageMetadata></t:Response>"
#define CANCEL3(id, word)                                                                                              \
    "<t:Cancel" id "><b:MessageReference>1e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</b:MessageReference><t:MessageID>"       \
    "0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageID><t:MessageMetadata>" METADATA3(                                 \
        "CANCEL") "<t:DestinationName>" word "</t:DestinationName></t:MessageMetadata></t:Cancel>"
#define BY_SMEV   "<t:SMEVSignature>@SIG@</t:SMEVSignature>"
#define BY_CALLER "<t:CallerInformationSystemSignature>@SIG@</t:CallerInformationSystemSignature>"

#define REQUEST_11                                                                                                     \
    ENVELOPE3("1.1", "<t:GetRequestResponse><t:RequestMessage>" REQUEST3(" Id=\"A\"", "GOOD") BY_SMEV                  \
              "</t:RequestMessage></t:GetRequestResponse>")
#define RESPONSE_12                                                                                                    \
    ENVELOPE3("1.2", "<t:GetResponseResponse><t:ResponseMessage>" RESPONSE3(" Id=\"A\"", "GOOD") BY_SMEV               \
              "</t:ResponseMessage></t:GetResponseResponse>")
#define CANCEL_11                                                                                                      \
    ENVELOPE3("1.1", "<t:GetRequestResponse><t:RequestMessage>" CANCEL3(" Id=\"A\"", "GOOD") BY_SMEV                   \
              "</t:RequestMessage></t:GetRequestResponse>")
#define METADATA_13                                                                                                    \
    ENVELOPE3("1.3", "<t:SendResponseResponse><t:MessageMetadata Id=\"A\">" METADATA3(                                 \
                         "GOOD") "</t:MessageMetadata>" BY_SMEV "</t:SendResponseResponse>")
#define SELECTOR_11                                                                                                    \
    ENVELOPE3("1.1", "<t:GetRequestRequest><b:MessageTypeSelector Id=\"A\"><b:NamespaceURI>urn:GOOD</b:NamespaceURI>"  \
                     "<b:RootElementLocalName>x</b:RootElementLocalName><b:Timestamp>2026-11-01T10:00:00.000+03:00"    \
                     "</b:Timestamp></b:MessageTypeSelector>" BY_CALLER "</t:GetRequestRequest>")
#define ACK_13                                                                                                         \
    ENVELOPE3("1.3",                                                                                                   \
              "<t:AckRequest><b:AckTargetMessage Id=\"A\" accepted=\"true\">GOOD</b:AckTargetMessage>" BY_CALLER       \
              "</t:AckRequest>")

#define SIGNATURE3                                                                                                     \
    "<ds:Signature xmlns:ds=\"" NS_DSIG "\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\"/>"    \
    "<ds:SignatureMethod Algorithm=\"@SIGN@\"/><ds:Reference URI=\"#A\"><ds:Transforms>" TRANSFORM(EXC_C14N)           \
        TRANSFORM(SMEV_TRANSFORM) "</ds:Transforms><ds:DigestMethod Algorithm=\"@METHOD@\"/><ds:DigestValue>@DIGEST@"  \
                                  "</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>@VALUE@</"       \
                                  "ds:SignatureValue><ds:KeyInfo>"                                                     \
                                  "<ds:X509Data><ds:X509Certificate>@CERT@</ds:X509Certificate></ds:X509Data></"       \
                                  "ds:KeyInfo></ds:Signature>"

/* What is done to a signature before it is made: pairs of words, each there at least once. */
struct edits {
    const char *pairs[12][2];
};
static const struct edits kit3_plain;

static inline struct smev3_policy kit3_policy(void)
{
    return (struct smev3_policy){.trust = kit.trust, .now_s = kit.now_s};
}

static char *kit3_digest(struct arena *a, const char *text, bool is_smev, enum digest_alg alg)
{
    struct error e = {0};
    struct xml_doc *doc = NULL;
    assert_int_equal(xml_parse(a, span_of(kit_replace(a, text, "@SIG@", "")), &doc, &e), ERR_OK);
    struct xml_node *element = kit_find(a, xml_root(doc), "A");
    struct buf canonical, octets;
    buf_init(&canonical, a, 4096);
    buf_init(&octets, a, 4096);
    assert_non_null(element);
    assert_int_equal(xml_c14n(element, NULL, &canonical, &e), ERR_OK);
    if (!is_smev)
        octets = canonical;
    else
        assert_int_equal(smev_transform(a, buf_span(&canonical), &octets, &e), ERR_OK);
    unsigned char digest[DIGEST_MAX];
    char encoded[256];
    assert_int_equal(digest_once(alg, octets.p, octets.n, digest, &e), ERR_OK);
    kit_base64(a, digest, digest_size(alg), encoded);
    return arena_strdup(a, encoded);
}

/* The signature over the element of the form, edited; a whole ds:Signature. */
static char *kit3_signature(struct arena *a, const char *form, const struct kit_signer *s, const struct edits *edits)
{
    char *sig = arena_strdup(a, SIGNATURE3), value[256];
    for (size_t i = 0; i < 12 && edits->pairs[i][0]; i++)
        sig = kit_replace(a, sig, edits->pairs[i][0], edits->pairs[i][1]);
    struct span der = cert_der(s->cert);
    struct buf cert;
    buf_init(&cert, a, 4096);
    buf_add_base64(&cert, der.p, der.n);
    const char *const words[][2] = {
        {"@SIGN@", dsig_sign_uri(s->alg)},
        {"@METHOD@", dsig_digest_uri(sign_alg_digest(s->alg))},
        {"@DIGEST@", kit3_digest(a, form, strstr(sig, SMEV_TRANSFORM), sign_alg_digest(s->alg))},
        {"@CERT@", cert.p}};
    for (size_t i = 0; i < 4; i++)
        sig = strstr(sig, words[i][0]) ? kit_replace(a, sig, words[i][0], words[i][1]) : sig;
    struct error e = {0};
    struct xml_doc *doc = NULL;
    if (xml_parse(a, span_of(sig), &doc, &e) != ERR_OK)
        fail_msg("%s\n%s", e.detail, sig);
    struct xml_node *info = xml_root(doc);
    while (info && !xml_is(info, NS_DSIG, "SignedInfo"))
        info = xml_walk(xml_root(doc), info);
    struct buf octets;
    buf_init(&octets, a, 4096);
    if (!info || !strstr(sig, "@VALUE@") || xml_c14n(info, NULL, &octets, &e) != ERR_OK)
        return sig;
    kit_sign_octets(a, s, buf_span(&octets), value);
    return kit_replace(a, sig, "@VALUE@", value);
}

static inline char *kit3_make(struct arena *a, const char *form, const struct kit_signer *s, const struct edits *edits)
{
    return kit_replace(a, form, "@SIG@", kit3_signature(a, form, s, edits));
}

/* By the protocol's path, as a reader has it: Body, the operation's element, the message in it, its signature's place.
 */
static inline struct xml_node *kit3_place(struct xml_node *root)
{
    struct xml_node *at = xml_first(root, NULL, NULL);
    at = at && xml_is(at, NS_SOAP, "Header") ? xml_next(at, NULL, NULL) : at;
    if (!at || !xml_is(at, NS_SOAP, "Body") || xml_next(at, NULL, NULL) || xml_count(at, NULL, NULL) != 1)
        return NULL;
    at = xml_first(at, NULL, NULL);
    struct xml_node *child = xml_first(at, NULL, NULL);
    if (child && !xml_next(child, NULL, NULL) && strstr(xml_local(child), "Message"))
        at = child;
    unsigned places = xml_count(at, NULL, "SMEVSignature");
    if (places + xml_count(at, NULL, "CallerInformationSystemSignature") != 1)
        return NULL;
    return xml_first(at, NULL, places ? "SMEVSignature" : "CallerInformationSystemSignature");
}

static inline enum err kit3_verify(struct arena *a, const char *text, const struct smev3_policy *policy,
                                   struct smev3_signature *out, struct error *e)
{
    struct xml_doc *doc = NULL;
    *out = (struct smev3_signature){0};
    enum err err = kit_parse(a, text, &doc, e);
    if (err)
        return err;
    struct xml_node *place = kit3_place(xml_root(doc));
    struct xml_node *element = place ? smev3_signed(place) : NULL;
    if (!element)
        return error_set(e, ERR_ENVELOPE, "no element to be signed");
    return smev3_verify(a, element, place, policy, out, e);
}
