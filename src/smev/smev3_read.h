/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Verified octets while they are read. */
#pragma once

#include "smev3_names.h"

struct smev3_octets {
    struct arena *a;
    struct arena *document; /* of the root: nothing that is read points into it */
    struct xml_node *root;
    size_t n;                          /* of them */
    const struct smev3_namespaces *ns; /* of the root: one message is of one version */
};
/* Headers of files in `data`, those of the file store with the row of the root's FSAttachmentsList that has their uuid.
 */
void smev3_read_files(const struct smev3_octets *o, struct xml_node *data, const struct smev3_file **files,
                      unsigned *n);
/* smev3_normal() of the last that is wanted of a document, which is freed as soon as it is written down: both are
 * large. */
MUST_CHECK enum err smev3_normal_last(struct arena *document, const struct xml_node *element, struct buf *out,
                                      struct error *e);
