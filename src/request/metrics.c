/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The service's counters in Prometheus text. Labels are names from our own tables, never anything a peer sent. */
#include "metrics.h"

static const char *const result_names[RESULT_COUNT] = {"ok", "refused", "input", "fault", "error"};
static const uint64_t bucket_us[METRICS_BUCKETS] = {500,   1000,   2500,   5000,    10000,   25000,
                                                    50000, 100000, 250000, 1000000, 5000000, 15000000};

void metrics_count(struct metrics *m, int method, enum metrics_result result, enum err code, uint64_t latency_us)
{
    m->requests[method < 0 ? BOOKING_METHOD_COUNT : method][result]++;
    if ((size_t)code < sizeof m->errors / sizeof m->errors[0])
        m->errors[code]++;
    unsigned b = 0;
    while (b < METRICS_BUCKETS && latency_us > bucket_us[b])
        b++;
    m->latency_buckets[b]++;
    m->latency_count++;
    m->latency_sum_us += latency_us;
}

static void metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metrics_write_latency(const struct metrics *m, struct buf *out)
{
    metrics_head(out, "zapisd_request_duration_seconds", "histogram", "From the whole request to its answer.");
    uint64_t seen = 0;
    for (unsigned b = 0; b < METRICS_BUCKETS; b++) {
        seen += m->latency_buckets[b];
        buf_printf(out, "zapisd_request_duration_seconds_bucket{le=\"%g\"} %llu\n", (double)bucket_us[b] / 1e6,
                   (unsigned long long)seen);
    }
    buf_printf(out, "zapisd_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n", (unsigned long long)m->latency_count);
    buf_printf(out, "zapisd_request_duration_seconds_sum %.6f\n", (double)m->latency_sum_us / 1e6);
    buf_printf(out, "zapisd_request_duration_seconds_count %llu\n", (unsigned long long)m->latency_count);
}

void metrics_write(const struct metrics *m, struct buf *out)
{
    metrics_head(out, "zapisd_requests_total", "counter", "Messages answered, by method and result.");
    for (int i = 0; i <= BOOKING_METHOD_COUNT; i++)
        for (int k = 0; k < RESULT_COUNT; k++)
            if (m->requests[i][k] > 0 || i < BOOKING_METHOD_COUNT)
                buf_printf(out, "zapisd_requests_total{operation=\"%s\",result=\"%s\"} %llu\n",
                           i < BOOKING_METHOD_COUNT ? booking_ops[i].name : "unknown", result_names[k],
                           (unsigned long long)m->requests[i][k]);
    metrics_head(out, "zapisd_errors_total", "counter", "Messages that failed, by the error's name.");
    static const enum err codes[] = {
#define X(name, blame, level, http, fault, queue, text, rejected) ERR_##name,
        ERRORS(X)
#undef X
    };
    for (size_t i = 1; i < sizeof codes / sizeof codes[0]; i++)
        buf_printf(out, "zapisd_errors_total{error=\"%s\"} %llu\n", error_name(codes[i]),
                   (unsigned long long)m->errors[codes[i]]);
    metrics_write_latency(m, out);
    metrics_head(out, "zapisd_replays_total", "counter", "Repeated messages answered from the journal.");
    buf_printf(out, "zapisd_replays_total %llu\n", (unsigned long long)m->replays);
    metrics_head(out, "zapisd_test_messages_total", "counter",
                 "Messages that said they were a test, those refused included; nothing of them lasts.");
    buf_printf(out, "zapisd_test_messages_total %llu\n", (unsigned long long)m->tests);
    metrics_head(out, "zapisd_transactions_total", "counter", "Transactions of writes sent to the database.");
    buf_printf(out, "zapisd_transactions_total %llu\n", (unsigned long long)m->groups);
    metrics_head(out, "zapisd_transaction_members_total", "counter", "Messages those transactions carried.");
    buf_printf(out, "zapisd_transaction_members_total %llu\n", (unsigned long long)m->group_members);
    metrics_head(out, "zapisd_transaction_reruns_total", "counter",
                 "Messages run again after a conflict or a lost commit.");
    buf_printf(out, "zapisd_transaction_reruns_total %llu\n", (unsigned long long)m->group_reruns);
    metrics_head(out, "zapisd_journal_dropped_total", "counter",
                 "Answers not sent because the journal refused them for themselves; must be 0.");
    buf_printf(out, "zapisd_journal_dropped_total %llu\n", (unsigned long long)m->journal_dropped);
    metrics_head(out, "zapisd_journal_unwritten_total", "counter",
                 "Faults that say come again and left before their row, because the journal could not be written.");
    buf_printf(out, "zapisd_journal_unwritten_total %llu\n", (unsigned long long)m->journal_unwritten);
}
