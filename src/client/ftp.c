/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One file of FTP, on a thread: libcurl waits there for the server's words in places, its last ones for as long as a
 * minute, even in its multi interface. Whoever is not waited for any more is told to come home.
 */
#include "client_private.h"

#include <stdlib.h>

struct ftp_job {
    struct client_call *call; /* NULL: nobody waits for it any more */
    struct client *client;    /* NULL: it is no more */
    struct ftp_job *next, **link;
    struct transfer *transfer;
};

static void on_thread(void *arg)
{
    struct ftp_job *j = arg;
    transfer_end(j->transfer, curl_easy_perform(j->transfer->easy));
    transfer_shut(j->transfer);
}

static void job_unlink(struct ftp_job *j)
{
    *j->link = j->next;
    if (j->next != NULL)
        j->next->link = j->link;
}

static void on_home(void *arg)
{
    struct ftp_job *j = arg;
    struct client *c = j->client;
    struct client_call *call = j->call;
    if (c != NULL) {
        job_unlink(j);
        c->nftp--;
    }
    if (call != NULL) {
        call->ftp = NULL;
        client_call_over(call);
    } else {
        transfer_free(j->transfer);
    }
    free(j);
    if (c != NULL)
        client_turn(c);
}

void ftp_begin(struct client_call *call)
{
    struct client *c = call->client;
    struct ftp_job *j = calloc(1, sizeof *j);
    if (j == NULL)
        abort();
    if (!transfer_open(call->transfer, call->peer->papers)) {
        free(j);
        client_call_fail(call, CLIENT_UNSENT, ERR_SYSTEM, "libcurl refuses the call");
        return;
    }
    *j = (struct ftp_job){.call = call, .client = c, .next = c->ftp, .link = &c->ftp, .transfer = call->transfer};
    if (j->next != NULL)
        j->next->link = &j->next;
    c->ftp = j;
    c->nftp++;
    call->ftp = j;
    worker_run_alone(c->loop, on_thread, on_home, j);
}

void ftp_abandon(struct client_call *call)
{
    atomic_store(&call->transfer->is_abandoned, true);
    call->ftp->call = NULL;
    call->ftp = NULL;
    call->transfer = NULL; /* the thread's, until it comes home */
}

void ftp_leave(struct client *c)
{
    while (c->ftp != NULL) {
        c->ftp->client = NULL;
        job_unlink(c->ftp);
    }
}
