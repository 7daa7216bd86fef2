/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the admin address is told: every part of the daemon adds its figures, its reasons and its warnings. */
#include "daemon.h"

#include "log.h"

#include <inttypes.h>

static bool daemon_is_ready(void *arg, struct buf *reasons_json)
{
    struct daemon *d = arg;
    bool is_served = vigil_read(d->vigil, reasons_json);
    return readiness_read(d->readiness, reasons_json) && is_served;
}

static void daemon_write_parties(void *arg, struct span reasons_json, struct buf *out)
{
    struct daemon *d = arg;
    vigil_write(d->vigil, reasons_json, out);
}

static bool daemon_read_agency(void *arg, const char *code, bool *is_ready, struct buf *reasons_json)
{
    struct daemon *d = arg;
    return vigil_read_agency(d->vigil, code, is_ready, reasons_json);
}

/* What the database knows of housekeeping, the outbox and the inbox: nobody who reads again is told of yesterday. */
static void look(struct daemon *d)
{
    housekeeping_look(d->housekeeping);
    push_look(d->push);
    queues_look(d->queues);
}

static void daemon_write_warnings(void *arg, struct buf *warnings_json)
{
    struct daemon *d = arg;
    look(d);
    housekeeping_warnings_read(d->housekeeping, warnings_json);
    reloader_warnings_read(d->reloader, warnings_json);
    service_notes_write(d->service, warnings_json);
    readiness_notes_write(d->readiness, warnings_json);
    push_notes_write(d->push, warnings_json);
    queues_notes_write(d->queues, warnings_json);
}

static void daemon_write_metrics(void *arg, struct buf *out)
{
    struct daemon *d = arg;
    look(d);
    service_metrics_write(d->service, out);
    housekeeping_metrics_write(d->housekeeping, out);
    push_metrics_write(d->push, out);
    vigil_metrics_write(d->vigil, out);
    reloader_metrics_write(d->reloader, out);
    queues_metrics_write(d->queues, out);
    buf_printf(out,
               "# HELP zapisd_log_lines_lost_total Lines that nobody read in time.\n"
               "# TYPE zapisd_log_lines_lost_total counter\nzapisd_log_lines_lost_total %" PRIu64 "\n",
               log_lines_lost());
    unsigned connections = 0;
    for (unsigned i = 0; i < d->nlisteners; i++)
        connections += listener_connections(d->listeners[i]);
    buf_printf(out,
               "# HELP zapisd_connections Open connections of the listeners.\n# TYPE zapisd_connections gauge\n"
               "zapisd_connections %u\n",
               connections);
    readiness_metrics_write(d->readiness, out);
}

enum err daemon_admin_open(struct daemon *d, struct error *e)
{
    if (d->conf.admin_address == NULL)
        return ERR_OK;
    struct admin_sources src = {.loop = d->loop,
                                .db = d->db,
                                .write_metrics = daemon_write_metrics,
                                .is_ready = daemon_is_ready,
                                .write_warnings = daemon_write_warnings,
                                .write_parties = daemon_write_parties,
                                .read_agency = daemon_read_agency,
                                .arg = d};
    struct error why = {0};
    if (admin_open(d->loop, d->conf.admin_address, &src, &d->admin, &why) != ERR_OK)
        return daemon_cannot_listen(d, "admin", "", &why, e);
    return ERR_OK;
}
