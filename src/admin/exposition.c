/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Process, loop and pool in Prometheus' text format 0.0.4. Names of process metrics are the ones every client library
 * uses, so that ready-made dashboards fit. A figure that cannot be read is left out, never invented.
 */
#include "exposition.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void figure(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    family(out, name, type, help);
    buf_printf(out, "%s %.17g\n", name, value);
}

void expose_build(struct buf *out)
{
    family(out, "zapisd_build_info", "gauge", "Version of the program; always 1.");
    buf_printf(out, "zapisd_build_info{version=\"%s\"} 1\n", ZAPISD_VERSION);
}

/* ---- process ---- */

static bool proc_line_read(const char *path, char *line, size_t cap)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    size_t n = fread(line, 1, cap - 1, f);
    line[n] = '\0';
    fclose(f);
    return n > 0;
}

static void write_memory(struct buf *out)
{
    char line[256];
    unsigned long size, resident;
    long page = sysconf(_SC_PAGESIZE);

    if (page <= 0 || !proc_line_read("/proc/self/statm", line, sizeof line) ||
        sscanf(line, "%lu %lu", &size, &resident) != 2)
        return;
    figure(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", (double)size * (double)page);
    figure(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
           (double)resident * (double)page);
}

static void write_descriptors(struct buf *out)
{
    struct rlimit limit;
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");

    if (d != NULL) {
        for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
            n += entry->d_name[0] != '.';
        closedir(d);
        figure(out, "process_open_fds", "gauge", "Number of open file descriptors.",
               n > 0 ? n - 1 : 0); /* not d's own */
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        figure(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.", (double)limit.rlim_cur);
}

/* Field 22 of stat(5), in clock ticks after boot; the command in field 2 may hold blanks and brackets. */
static void write_start_time(struct buf *out)
{
    char line[1024];
    struct timespec wall, boot;
    unsigned long long ticks;
    long ticks_a_second = sysconf(_SC_CLK_TCK);

    if (ticks_a_second <= 0 || !proc_line_read("/proc/self/stat", line, sizeof line))
        return;
    const char *p = strrchr(line, ')');
    if (p == NULL ||
        sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1)
        return;
    if (clock_gettime(CLOCK_REALTIME, &wall) != 0 || clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
        return;
    double booted = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9 - (double)boot.tv_sec - (double)boot.tv_nsec / 1e9;
    figure(out, "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.",
           booted + (double)ticks / (double)ticks_a_second);
}

static void write_cpu(struct buf *out)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return;
    figure(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

void expose_process(struct buf *out)
{
    write_memory(out);
    write_descriptors(out);
    write_start_time(out);
    write_cpu(out);
}

/* ---- loop and workers ---- */

static void write_tls(struct buf *out, struct loop *l)
{
    struct tls_stats st;

    loop_tls_read(l, &st);
    const struct {
        const char *result;
        uint64_t n;
    } rows[] = {
        {"done", st.done - st.resumed}, {"resumed", st.resumed}, {"failed", st.failed},
        {"crowded", st.crowded},        {"gone", st.gone},       {"late", st.late},
    };
    family(out, "zapisd_tls_handshakes", "gauge", "TLS handshakes in the hands of a worker, and waiting for one.");
    buf_printf(out, "zapisd_tls_handshakes{state=\"working\"} %u\n", st.working);
    buf_printf(out, "zapisd_tls_handshakes{state=\"waiting\"} %u\n", st.waiting);
    family(
        out, "zapisd_tls_handshakes_total", "counter",
        "TLS handshakes by their end: done, resumed with a ticket, failed, cut off because too many waited (crowded), "
        "not begun because the client had left (gone), over the deadline (late).");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        buf_printf(out, "zapisd_tls_handshakes_total{result=\"%s\"} %" PRIu64 "\n", rows[i].result, rows[i].n);
}

void expose_loop(struct buf *out, struct loop *l)
{
    struct loop_lag lag = {0};

    loop_lag_read(l, &lag);
    family(out, "zapisd_loop_lag_seconds", "gauge",
           "Longest time one turn of the event loop came late: since the start, and since the last scrape.");
    buf_printf(out, "zapisd_loop_lag_seconds{window=\"max\"} %.9g\n", lag.max_ms / 1000);
    buf_printf(out, "zapisd_loop_lag_seconds{window=\"recent\"} %.9g\n", lag.recent_ms / 1000);
    family(out, "zapisd_loop_turn_lag_seconds", "summary", "Lateness of the turns of the event loop.");
    buf_printf(out, "zapisd_loop_turn_lag_seconds_sum %.9g\n", lag.sum_ms / 1000);
    buf_printf(out, "zapisd_loop_turn_lag_seconds_count %" PRIu64 "\n", lag.samples);
    figure(out, "zapisd_worker_queued", "gauge", "Jobs given to the worker threads and not yet done.",
           worker_queued(l));
    write_tls(out, l);
}

void expose_net_memory(struct buf *out, const struct loop *l)
{
    struct net_memory m;

    loop_memory_read(l, &m);
    family(out, "zapisd_net_bytes", "gauge", "Memory that connections hold, by what for.");
    buf_printf(out, "zapisd_net_bytes{for=\"connections\"} %zu\n", m.connections_bytes);
    buf_printf(out, "zapisd_net_bytes{for=\"unfinished_requests\"} %zu\n", m.reading_bytes);
    buf_printf(out, "zapisd_net_bytes{for=\"requests_in_work\"} %zu\n", m.working_bytes);
    buf_printf(out, "zapisd_net_bytes{for=\"answers_not_taken\"} %zu\n", m.writing_bytes);
    figure(out, "zapisd_net_bytes_highest", "gauge", "The most that was held at once since the start.",
           (double)m.highest_bytes);
    figure(out, "zapisd_net_bytes_max", "gauge", "The bound: buffers_max.", (double)m.max_bytes);
    figure(out, "zapisd_net_given_back_total", "counter",
           "Times a connection lost its request or answer because memory was short.", (double)m.taken_back);
}

void expose_refusals(struct buf *out, const struct loop *l)
{
    const struct net_refusal *list;
    unsigned n = loop_refusals(l, &list);

    family(out, "zapisd_http_refused_total", "counter",
           "Requests and connections turned away before a message was read; status 0: cut off without an answer.");
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, "zapisd_http_refused_total{status=\"%d\",reason=\"%s\"} %" PRIu64 "\n", list[i].status,
                   list[i].reason, list[i].count);
}

/* ---- database pool ---- */

void expose_pool(struct buf *out, const struct db_pool *p)
{
    struct db_pool_stats st;

    db_pool_read_stats(p, &st);
    family(out, "zapisd_db_pool_connections", "gauge", "Database connections by state.");
    buf_printf(out, "zapisd_db_pool_connections{state=\"idle\"} %u\n", st.idle);
    buf_printf(out, "zapisd_db_pool_connections{state=\"busy\"} %u\n", st.busy);
    buf_printf(out, "zapisd_db_pool_connections{state=\"connecting\"} %u\n", st.connecting);
    figure(out, "zapisd_db_pool_waiting", "gauge", "Requests that wait for a database connection.", st.waiting);
    figure(out, "zapisd_db_connections_lost_total", "counter", "Established database connections lost or given up.",
           (double)st.lost);
}
