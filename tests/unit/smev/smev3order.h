/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Which elements the calls of SMEV 3 consist of, and in which order: for tests where no schemas lie beside the source.
 * t: of the types, b: of the basic ones; ? at most once, + at least once, * any number.
 */
#pragma once

#include "smev3.h"
#include "xml.h"

#include <stdio.h>
#include <string.h>

#define ORDER_CALLER "t:CallerInformationSystemSignature"
static const struct {
    const char *parent, *children;
} smev3_orders[] = {
    {"SendRequestRequest", "t:SenderProvidedRequestData b:AttachmentContentList? " ORDER_CALLER},
    {"SendResponseRequest", "t:SenderProvidedResponseData b:AttachmentContentList? " ORDER_CALLER},
    {"GetRequestRequest", "b:MessageTypeSelector " ORDER_CALLER},
    {"GetResponseRequest", "b:MessageTypeSelector " ORDER_CALLER},
    {"AckRequest", "b:AckTargetMessage " ORDER_CALLER},
    {"GetStatusRequest", "b:Timestamp " ORDER_CALLER},
    {"MessageTypeSelector", "b:Timestamp b:NodeID?"},
    {"MessageTypeSelector", "b:NamespaceURI b:RootElementLocalName b:Timestamp b:NodeID?"},
    {"SenderProvidedRequestData",
     "t:MessageID t:ReferenceMessageID? t:TransactionCode? t:NodeID? t:EOL? b:MessagePrimaryContent "
     "t:PersonalSignature? "
     "b:AttachmentHeaderList? b:RefAttachmentHeaderList? t:BusinessProcessMetadata? t:TestMessage?"},
    {"SenderProvidedResponseData", "t:MessageID t:To b:MessagePrimaryContent t:PersonalSignature? "
                                   "b:AttachmentHeaderList? b:RefAttachmentHeaderList?"},
    {"SenderProvidedResponseData", "t:MessageID t:To t:RequestRejected+"},
    {"SenderProvidedResponseData", "t:MessageID t:To t:RequestStatus"},
    {"RequestRejected", "t:RejectionReasonCode t:RejectionReasonDescription"},
    {"RequestStatus", "t:StatusCode t:StatusParameter* t:StatusDescription"},
    {"StatusParameter", "t:Key t:Value"},
    {"MessagePrimaryContent", NULL}, /* anybody's, looked at by their own schemas */
    {"CallerInformationSystemSignature", NULL},
    {"PersonalSignature", NULL},
};

static inline bool smev3_order_is(struct xml_node *child, const char *token, size_t n,
                                  const struct smev3_namespaces *ns)
{
    const char *local = xml_local(child);
    return strlen(local) == n - 2 && strncmp(local, token + 2, n - 2) == 0 &&
           xml_is(child, *token == 't' ? ns->types : ns->basic, local);
}

/* By one row: every child has its place, and none is missing. */
static inline bool smev3_order_fits(struct xml_node *parent, const char *at, const struct smev3_namespaces *ns)
{
    struct xml_node *child = xml_first(parent, NULL, NULL);
    while (*at != '\0') {
        size_t whole = strcspn(at, " "), n = strcspn(at, " ?+*");
        char many = n < whole ? at[n] : '1';
        unsigned found = 0;
        for (; child != NULL && smev3_order_is(child, at, n, ns); child = xml_next(child, NULL, NULL))
            found++;
        if ((found == 0 && (many == '1' || many == '+')) || (found > 1 && (many == '1' || many == '?')))
            return false;
        at += whole;
        at += strspn(at, " ");
    }
    return child == NULL;
}

/* NULL: it and all below are as they must be; otherwise which is not. */
static inline const char *smev3_order_wrong(struct xml_node *node, const struct smev3_namespaces *ns)
{
    bool is_known = false, is_right = false;
    for (size_t i = 0; i < sizeof smev3_orders / sizeof smev3_orders[0]; i++) {
        if (strcmp(smev3_orders[i].parent, xml_local(node)) != 0)
            continue;
        if (smev3_orders[i].children == NULL)
            return NULL;
        is_known = true;
        is_right = is_right || smev3_order_fits(node, smev3_orders[i].children, ns);
    }
    struct xml_node *child = xml_first(node, NULL, NULL);
    if (is_known ? !is_right : child != NULL)
        return xml_local(node);
    for (const char *wrong; child != NULL; child = xml_next(child, NULL, NULL))
        if ((wrong = smev3_order_wrong(child, ns)) != NULL)
            return wrong;
    return NULL;
}
