/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Which element is signed at which place of the schemas 1.1 to 1.3, and what of a signed element may be read
 * (docs/decisions/0327).
 */
#include "smev3.h"

#include "ascii.h"
#include "dsig.h"
#include "smev3_read.h"

#include <string.h>

#define NS_OF_SMEV3 "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/"
#define NS_XSI      "http://www.w3.org/2001/XMLSchema-instance"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Names alone: a schema has some of them in its basic namespace, and which version it is the reader of messages knows.
 */
static const struct {
    const char *place;
    const char *elements[6];
} places[] = {
    {"SMEVSignature", {"MessageMetadata", "Request", "Response", "Cancel", "AsyncProcessingStatusData"}},
    {"CallerInformationSystemSignature",
     {"SenderProvidedRequestData", "SenderProvidedResponseData", "MessageTypeSelector", "AckTargetMessage", "Timestamp",
      "MessageReference"}},
    {"SenderInformationSystemSignature",
     {"SenderProvidedRequestData", "SenderProvidedResponseData", "MessageReference"}},
    {"PersonalSignature", {"MessagePrimaryContent"}}, /* its one child */
};

static bool is_smev3(const struct xml_node *node, const char *local)
{
    const char *ns = xml_ns(node);
    return strcmp(xml_local(node), local) == 0 && ns && strncmp(ns, NS_OF_SMEV3, strlen(NS_OF_SMEV3)) == 0;
}

static bool is_among(const struct xml_node *node, const char *const *names)
{
    for (size_t i = 0; i < COUNT(places[0].elements) && names[i]; i++)
        if (is_smev3(node, names[i]))
            return true;
    return false;
}

/* The only sister with one of the names; it has to stand before the place. */
static struct xml_node *only_sister(struct xml_node *place, const char *const *names)
{
    struct xml_node *parent = xml_parent(place), *found = NULL;
    bool is_behind = false;
    for (struct xml_node *s = parent ? xml_first(parent, NULL, NULL) : NULL; s; s = xml_next(s, NULL, NULL)) {
        is_behind |= s == place;
        if (!is_among(s, names))
            continue;
        if (found || is_behind)
            return NULL;
        found = s;
    }
    return found;
}

bool smev3_is_place(const struct xml_node *node)
{
    for (size_t i = 0; i < COUNT(places); i++)
        if (is_smev3(node, places[i].place))
            return true;
    return false;
}

/* Of two places for one name the one of a message that SMEV delivers stands in Request, Response or Cancel. */
static const char *place_name(const struct xml_node *sister, const struct xml_node *parent)
{
    bool is_delivered = is_smev3(parent, "Request") || is_smev3(parent, "Response") || is_smev3(parent, "Cancel");
    for (size_t i = 0; i < COUNT(places); i++) {
        bool is_senders = strcmp(places[i].place, "SenderInformationSystemSignature") == 0;
        bool is_callers = strcmp(places[i].place, "CallerInformationSystemSignature") == 0;
        if (is_among(sister, places[i].elements) && !(is_senders && !is_delivered) && !(is_callers && is_delivered))
            return places[i].place;
    }
    return NULL;
}

const char *smev3_place_of(struct xml_node *element, struct xml_node **parent, struct xml_node **beside)
{
    struct xml_node *above = xml_parent(element);
    *beside = above && is_smev3(above, "MessagePrimaryContent") ? above : element;
    *parent = xml_parent(*beside);
    if (!*parent || (*beside == element && is_smev3(element, "MessagePrimaryContent")))
        return NULL;
    return place_name(*beside, *parent);
}

struct xml_node *smev3_signed(struct xml_node *place)
{
    for (size_t i = 0; i < COUNT(places); i++) {
        if (!is_smev3(place, places[i].place))
            continue;
        struct xml_node *found = only_sister(place, places[i].elements);
        if (!found || strcmp(xml_local(found), "MessagePrimaryContent") != 0)
            return found;
        struct xml_node *business = xml_first(found, NULL, NULL);
        return business && !xml_next(business, NULL, NULL) ? business : NULL;
    }
    return NULL;
}

/* The step between, as large as the element, does not stay. */
enum err smev3_normal_last(struct arena *document, const struct xml_node *element, struct buf *out, struct error *e)
{
    struct buf canonical;
    struct arena *work = arena_new();
    buf_init(&canonical, work, out->cap > 4096 ? out->cap : 4096);
    enum err err = xml_c14n(element, NULL, &canonical, e);
    if (document)
        xml_docs_free(document);
    if (!err)
        err = smev_transform(work, buf_span(&canonical), out, e);
    arena_free(work);
    return err;
}

enum err smev3_normal(struct arena *a, const struct xml_node *element, struct buf *out, struct error *e)
{
    (void)a;
    return smev3_normal_last(NULL, element, out, e);
}

const char *smev3_type_name(struct arena *a, const struct xml_node *node)
{
    const char *type = xml_attr(a, node, NS_XSI, "type");
    if (!type)
        return NULL;
    size_t n = strlen(type); /* as the type xs:QName is read: blanks around it are nothing */
    while (n && ascii_is_blank(type[n - 1]))
        n--;
    size_t from = n;
    while (from && type[from - 1] != ':' && !ascii_is_blank(type[from - 1]))
        from--;
    return arena_strndup(a, type + from, n - from);
}

void smev3_strip(struct xml_node *business)
{
    xml_drop_attr(business, NULL, "Id");
    for (struct xml_node *at = business; at; at = xml_walk(business, at))
        xml_drop_attr(at, NS_XSI, "type");
}
