/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Metrics and health on a listener of their own: /metrics (Prometheus text), /livez, /readyz (JSON with reasons). */
#pragma once

#include "buf.h"
#include "db.h"
#include "error.h"
#include "net.h"

#include <stdbool.h>

struct admin_sources {
    struct loop *loop;
    struct db_pool *db;
    void (*write_metrics)(void *arg, struct buf *out);            /* adds the program's own metrics */
    bool (*is_ready)(void *arg, struct buf *reasons_json);        /* adds "reason": strings, comma separated */
    void (*write_warnings)(void *arg, struct buf *warnings_json); /* the same, of what is no reason against */
    /* Adds further members of the object, each after a comma: who is served, and who is not. Is given the reasons
     * against serving anybody; none: ready. May be NULL. */
    void (*write_parties)(void *arg, struct span reasons_json, struct buf *out);
    /* For /readyz?agency=CODE: false when there is none of this code. May be NULL. */
    bool (*read_agency)(void *arg, const char *code, bool *is_ready, struct buf *reasons_json);
    void *arg;
};
struct admin;
MUST_CHECK enum err admin_open(struct loop *l, const char *address, const struct admin_sources *src, struct admin **out,
                               struct error *e);
void admin_free(struct admin *ad);
