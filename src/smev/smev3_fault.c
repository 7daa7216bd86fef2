/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Faults of SMEV 3, and what each means for a message of ours: one table. A fault is known by the local name of its
 * detail's element, in the namespace of any version (three are declared at once in real ones); its code and description
 * may be there or not, whatever the schema says.
 */
#include "ascii.h"
#include "smev3_names.h"

#include <string.h>

#define ON(op)      (1U << (op))
#define ON_ALL      ((1U << SMEV3_OPS) - 1)
#define ON_REQUEST  ON(SMEV3_SEND_REQUEST)
#define ON_RESPONSE ON(SMEV3_SEND_RESPONSE)
#define ON_SEND     (ON_REQUEST | ON_RESPONSE)
#define ON_GET      (ON(SMEV3_GET_REQUEST) | ON(SMEV3_GET_RESPONSE) | ON(SMEV3_GET_STATUS) | ON(SMEV3_GET_STATISTICS))

static const struct {
    const char *name;
    unsigned ops;
    enum smev3_reaction reaction;
} faults[] = {
    {"SignatureVerificationFault", ON_ALL, SMEV3_STOP},
    {"InvalidContent", ON_ALL, SMEV3_PARK},
    {"SenderIsNotRegistered", ON_ALL, SMEV3_STOP},
    {"SMEVFailure", ON_ALL, SMEV3_AGAIN},
    {"UnknownMessageType", ON_GET, SMEV3_CONFIGURE},
    {"AccessDenied", ON_GET, SMEV3_SLOWER}, /* so a contractor's emulator answers who polls an empty queue too often */
    {"TargetMessageIsNotFound", ON(SMEV3_ACK), SMEV3_DONE},
    {"BusinessDataTypeIsNotSupported", ON_SEND, SMEV3_PARK},
    {"AttachmentContentMiscoordination", ON_SEND, SMEV3_PARK},
    {"AttachmentSizeLimitExceeded", ON_SEND, SMEV3_PARK},
    {"QuoteLimitExceeded", ON_SEND, SMEV3_AGAIN}, /* the recipient has to make room first */
    {"RecipientIsNotFound", ON_SEND, SMEV3_PARK},
    {"DestinationOverflow", ON_SEND, SMEV3_AGAIN},
    {"MessageIsAlreadySent", ON_SEND, SMEV3_DONE},
    {"InvalidMessageIdFormat", ON_SEND, SMEV3_NEW_ID},
    {"StaleMessageId", ON_SEND, SMEV3_NEW_ID},
    {"AccessDenied", ON_REQUEST, SMEV3_PARK},
    {"PersonalAccessDenied", ON_REQUEST, SMEV3_PARK},
    {"TransactionCodeInvalid", ON_REQUEST, SMEV3_PARK},
    {"EndOfLifeReached", ON_REQUEST, SMEV3_PARK},
    {"IncorrectResponseContentType", ON_RESPONSE, SMEV3_PARK},
};

/* Reasons of SignatureVerificationFault. */
static const char *const reasons[] = {"PoorSOAPEnvelopeFormat", "NoSignatureFound",      "IncorrectSignatureTarget",
                                      "SignatureIsInvalid",     "CertificateIsNotFound", "CertificateIsExpired"};
/* What may be told of a detail as it stands: numbers. */
static const char *const figures[] = {"PermittedTotalAttachmentSize", "RealTotalAttachmentSize",
                                      "RemainedTotalQuoteSize"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The name as the table has it. One that it has for other operations only is a name too, and no more than that. */
static void judge(enum smev3_op op, const char *local, struct smev3_fault *out)
{
    for (size_t i = 0; i < COUNT(faults); i++) {
        if (strcmp(faults[i].name, local) != 0)
            continue;
        out->name = faults[i].name;
        if (faults[i].ops & ON(op)) {
            out->is_foreseen = true;
            out->reaction = faults[i].reaction;
            return;
        }
    }
}

static const char *reason_of(struct arena *a, struct xml_node *detail)
{
    const char *said = smev3_word(a, xml_first(detail, NULL, "SignatureVerificationFault"));
    for (size_t i = 0; said != NULL && i < COUNT(reasons); i++)
        if (strcmp(said, reasons[i]) == 0)
            return reasons[i];
    return NULL;
}

static const char *figures_of(struct arena *a, struct xml_node *detail)
{
    struct buf b;
    buf_init(&b, a, 64);
    for (size_t i = 0; i < COUNT(figures); i++) {
        const char *said = smev3_word(a, xml_first(detail, NULL, figures[i]));
        if (said != NULL && *said != '\0' && strlen(said) < 20 && said[strspn(said, "0123456789")] == '\0')
            buf_add_strs(&b, b.n > 0 ? ", " : "", figures[i], "=", said, NULL);
    }
    return b.n > 0 ? b.p : "";
}

/* 100 of "SMEV-100:..."; a number of more than six digits is none. */
static unsigned number_of(const char *words)
{
    static const char mark[] = "SMEV-";
    if (words == NULL || strncmp(words, mark, sizeof mark - 1) != 0)
        return 0;
    unsigned n = 0, digits = 0;
    for (const char *p = words + sizeof mark - 1; ascii_is_digit(*p); p++) {
        if (++digits > 6)
            return 0;
        n = n * 10 + (unsigned)(*p - '0');
    }
    return n;
}

void smev3_fault_read(struct arena *a, enum smev3_op op, struct xml_node *fault, struct smev3_fault *out)
{
    *out = (struct smev3_fault){.reaction = SMEV3_AGAIN, .figures = ""};
    out->faultcode = smev3_word(a, xml_first(fault, NULL, "faultcode"));
    out->faultstring = smev3_word(a, xml_first(fault, NULL, "faultstring"));
    struct xml_node *detail = xml_first(fault, NULL, "detail");
    struct xml_node *at = detail != NULL ? xml_first(detail, NULL, NULL) : NULL;
    enum smev3_version version;
    while (at != NULL && !smev3_is_faults(xml_ns(at), &version))
        at = xml_next(at, NULL, NULL);
    if (at != NULL) {
        out->is_smevs = true;
        judge(op, xml_local(at), out);
        out->code = smev3_word(a, xml_first(at, NULL, "Code"));
        out->description = smev3_word(a, xml_first(at, NULL, "Description"));
        out->inner = reason_of(a, at);
        out->figures = figures_of(a, at);
    }
    out->number = number_of(out->description);
    if (out->number == 0)
        out->number = number_of(out->faultstring);
}
