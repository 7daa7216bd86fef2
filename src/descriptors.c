/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Descriptors are shared out before anybody takes them: the database first, since without it nobody is served; some for
 * what comes and goes (files at a reload, /metrics, a session made anew); connections get the rest, and are told when
 * there are too many. A limit that does not fit the configuration is a warning, not the end: fewer are served.
 */
#include "descriptors.h"

#include "client.h"

#include <dirent.h>
#include <sys/resource.h>

#define PASSING       16 /* for what comes and goes, when there are plenty */
#define PASSING_LEAST 4
#define LOOP_OWN      8 /* libuv, signals, the spare one */

void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

unsigned descriptors_open(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return 16;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += entry->d_name[0] != '.';
    (void)closedir(d);
    return n > 0 ? n - 1 : 0; /* not d's own */
}

static unsigned less(unsigned a, unsigned b)
{
    return a > b ? a - b : 0;
}

void descriptors_fit(const struct config *conf, unsigned open, struct descriptors *out)
{
    struct rlimit limit = {.rlim_cur = 1024};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    unsigned own =
        open + LOOP_OWN + conf->nlisteners + 1 + (conf->npushes + conf->nsmev3s > 0 ? CLIENT_DESCRIPTORS_MAX : 0);
    unsigned connections = conf->connections_max * conf->nlisteners;
    out->limit = limit.rlim_cur > 100000000 ? 100000000 : (unsigned)limit.rlim_cur;
    out->wanted = own + PASSING + conf->db_connections + connections;
    unsigned passing = out->limit >= out->wanted ? PASSING : PASSING_LEAST;
    unsigned rest = less(out->limit, own + passing);
    out->sessions = conf->db_connections <= rest / 2 ? conf->db_connections : rest / 2;
    if (out->sessions == 0)
        out->sessions = 1;
    rest = less(rest, out->sessions);
    out->connections = rest < connections ? rest : connections;
    if (out->connections == 0)
        out->connections = 1; /* the spare one tells the others */
}
