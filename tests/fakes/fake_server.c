/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the request layer sees of PostgreSQL; see fake_server.h. */
#include "fake_server.h"

#include "fake_db_result.h"
#include "fake_locks.h"
#include "sim.h"

#include <stdio.h>

#define LOCKS_MAX 40
#define CALLS_MAX 80

enum { /* places of parameters; api.* has the message first (booking/call.c) */
       AT_PEER = 2,
       AT_MESSAGE_ID = 5,
       AT_VERDICT = 7,
       AT_DIGEST = 10,
       AT_BOOK_ID = 15,
       AT_SLOTS = 16,
       AT_USER_TYPE = 18,
       AT_EXCHANGE_ANSWER = 16,
       AT_REPLY_ANSWER = 3,
};

struct statement {
    const char *sql;
    struct span *values;
};

struct backend {
    struct lock_waiter waiter; /* first: it is who owns locks */
    struct backend *next;
    struct arena *arena;  /* of the pipeline: statements and results */
    struct arena *writes; /* of the transaction: its rows */
    struct server_row *rows;
    struct statement *statements;
    struct server_answer answer;
    unsigned n, at, nneeds, ngot;
    const char *needs[LOCKS_MAX];
    uint64_t lock_us, statement_us, waits_since_us;
    struct sim_event *step, *limit, *found_out;
    backend_fn fn; /* NULL: idle */
    void *arg;
    bool is_open, is_failed, is_abandoned;
};

static struct server_conf conf;
static struct arena *store; /* committed rows */
static struct server_row *committed_rows;
static unsigned long long journal_ids;
static struct backend *backends;

void server_begin(const struct server_conf *c)
{
    conf = *c;
    store = arena_new();
    committed_rows = NULL;
    journal_ids = 0;
}

void server_set_errors(unsigned error_per_mille)
{
    conf.error_per_mille = error_per_mille;
}

const struct server_row *server_rows(void)
{
    return committed_rows;
}

bool server_hold(const char *name)
{
    return lock_hold_outside(name);
}

void server_let_go(const char *name)
{
    lock_let_go_outside(name);
}

/* ---- statements ---- */

static bool calls(const struct statement *s, const char *function)
{
    return strstr(s->sql, function) != NULL;
}

static bool is_write(const struct statement *s)
{
    return calls(s, " api.book(") || calls(s, " api.cancel_booking(");
}

bool server_writer(const struct db_call *call, unsigned *client)
{
    const char *peer = strstr(call->sql, " api.book(") != NULL || strstr(call->sql, " api.cancel_booking(") != NULL
                           ? call->values[AT_PEER]
                           : NULL;
    if (peer != NULL)
        *client = (unsigned)strtoul(strrchr(peer, ':') + 1, NULL, 10);
    return peer != NULL;
}

static const char *value(const struct statement *s, unsigned i)
{
    return s->values[i].p;
}

static unsigned client_of(const struct statement *s, unsigned at)
{
    const char *peer = value(s, at), *end = peer + strlen(peer);
    while (end > peer && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return (unsigned)strtoul(end, NULL, 10);
}

static void needs(struct backend *b, const char *kind, const char *name)
{
    if (b->nneeds < LOCKS_MAX)
        b->needs[b->nneeds++] = arena_printf(b->arena, "%s%s", kind, name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of each of an array's items, in order. */
static void needs_list(struct backend *b, const char *kind, const char *array)
{
    const char **items = NULL;
    unsigned n = 0;
    struct error ignored = {0};
    if (array == NULL || db_parse_text_array(b->arena, array, &items, &n, &ignored) != ERR_OK || n == 0)
        return;
    qsort(items, n, sizeof *items, by_text);
    for (unsigned i = 0; i < n; i++)
        needs(b, kind, items[i]);
}

static void statement_needs(struct backend *b, const struct statement *s)
{
    b->nneeds = b->ngot = 0;
    if (calls(s, "api.journal_"))
        needs(b, "journal", "");
    else if (calls(s, "api.get_slots"))
        needs(b, "read ", "getSlots");
    else if (calls(s, "api.get_booking_status"))
        needs(b, "read ", "getBookingStatus");
    if (calls(s, "api.get_slots") || calls(s, "api.get_booking_status") || is_write(s))
        needs(b, "table", "");
    if (calls(s, "api.journal_answer("))
        needs(b, "message ", value(s, AT_MESSAGE_ID));
    if (calls(s, "api.inbox_answered("))
        needs(b, "inbox ", value(s, 0));
    if (calls(s, "api.lock_bookings"))
        needs_list(b, "booking ", value(s, 0));
    if (!is_write(s))
        return;
    needs(b, "message ", value(s, AT_MESSAGE_ID));
    if (value(s, AT_BOOK_ID) != NULL)
        needs(b, "booking ", value(s, AT_BOOK_ID));
    if (calls(s, "api.book(") && strstr(value(s, AT_SLOTS), "blind_request") == NULL)
        needs_list(b, conf.shares_slots ? "read slot " : "slot ", value(s, AT_SLOTS));
}

/* ---- what they answer ---- */

static struct db_result *result(struct backend *b, const char *const *names, unsigned rows)
{
    struct db_result *res = arena_alloc(b->arena, sizeof *res);
    *res = (struct db_result){.names = names, .rows = rows};
    res->cells = arena_array(b->arena, (size_t)rows * fake_columns(names) + 1, sizeof *res->cells);
    return res;
}

static void cell(struct db_result *res, unsigned row, const char *name, const char *text)
{
    const char **cells = (const char **)(uintptr_t)res->cells;
    cells[row * fake_columns(res->names) + (unsigned)db_column(res, name)] = text;
}

static const struct server_row *row_of_message(const char *message_id)
{
    const struct server_row *row = committed_rows;
    while (row != NULL && (row->kind != ROW_WRITE || strcmp(row->message_id, message_id) != 0))
        row = row->next;
    return row;
}

static unsigned taken(const struct server_row *rows, const char *slot)
{
    unsigned n = 0;
    for (; rows != NULL; rows = rows->next)
        n += rows->is_effect && rows->slot != NULL && strcmp(rows->slot, slot) == 0;
    return n;
}

static struct span copy(struct arena *a, struct span s)
{
    return (struct span){arena_copy(a, s.p, s.n), s.n};
}

static struct server_row *row_new(struct backend *b, enum server_row_kind kind, unsigned client)
{
    if (b->writes == NULL)
        b->writes = arena_new();
    struct server_row *row = arena_alloc(b->writes, sizeof *row);
    *row = (struct server_row){.next = b->rows, .kind = kind, .client = client};
    row->journal_id = arena_printf(b->writes, "%llu", ++journal_ids);
    b->rows = row;
    return row;
}

static struct db_result *answer_admission(struct backend *b)
{
    static const char *const names[] = {"kind",       "error_code", "error_message", "status_code", "status_message",
                                        "journal_id", "journal_at", "stored",        NULL};
    return result(b, names, 1);
}

/* NULL: it is new, and remembered. */
static struct server_row *admit(struct backend *b, const struct statement *s, struct db_result *res)
{
    const struct server_row *old = row_of_message(value(s, AT_MESSAGE_ID));
    if (old != NULL) {
        bool is_same = span_equals(old->digest, s->values[AT_DIGEST]);
        struct buf hex;
        buf_init(&hex, b->arena, 2 * old->answer.n + 3);
        buf_add_str(&hex, "\\x");
        buf_add_hex(&hex, old->answer.p, old->answer.n);
        cell(res, 0, "kind", is_same ? "stored" : "reused");
        cell(res, 0, "stored", is_same ? hex.p : NULL);
        return NULL;
    }
    struct server_row *row = row_new(b, ROW_WRITE, client_of(s, AT_PEER));
    row->message_id = arena_strdup(b->writes, value(s, AT_MESSAGE_ID));
    row->digest = copy(b->writes, s->values[AT_DIGEST]);
    cell(res, 0, "kind", "answer");
    cell(res, 0, "journal_id", arena_strdup(b->arena, row->journal_id));
    cell(res, 0, "journal_at", "2026-11-28 10:00:00+00");
    return row;
}

/* Of a message that changed nothing, with its answer. */
static struct db_result *answer_once(struct backend *b, const struct statement *s)
{
    struct db_result *res = answer_admission(b);
    struct server_row *row = admit(b, s, res);
    if (row != NULL)
        row->answer = copy(b->writes, s->values[AT_EXCHANGE_ANSWER]);
    return res;
}

/* Whose the message is, says the row of the inbox: who is answered is nobody's any more. */
static struct db_result *answer_kept(struct backend *b, const struct statement *s)
{
    static const char *const names[] = {"is_ours", NULL};
    struct db_result *res = result(b, names, 1);
    unsigned client = (unsigned)strtoul(value(s, 0), NULL, 10);
    bool is_ours = !sim_chance(conf.lost_per_mille);
    for (const struct server_row *row = committed_rows; row != NULL; row = row->next)
        is_ours = is_ours && (row->kind != ROW_KEPT || row->client != client);
    cell(res, 0, "is_ours", is_ours ? "t" : "f");
    if (!is_ours)
        return res;
    struct server_row *row = row_new(b, ROW_KEPT, client);
    row->slot = arena_strdup(b->writes, value(s, 2));
    row->answer = copy(b->writes, s->values[3]);
    return res;
}

static struct db_result *answer_write(struct backend *b, const struct statement *s)
{
    struct db_result *res = answer_admission(b);
    struct server_row *row = admit(b, s, res);
    if (row == NULL)
        return res;
    bool is_book = calls(s, "api.book(");
    const char *slot = is_book ? value(s, AT_SLOTS) : NULL;
    bool is_full = slot != NULL && taken(committed_rows, slot) + taken(b->rows, slot) >= conf.slot_capacity;
    const char *word = is_book ? value(s, AT_USER_TYPE) : NULL;
    bool is_misshapen = word != NULL && strcmp(word, SERVER_WORD_MISSHAPEN) == 0;
    row->slot = arena_strdup(b->writes, slot);
    row->is_effect = !is_full;
    cell(res, 0, "error_code", is_misshapen ? NULL : is_full ? "4" : "0");
    cell(res, 0, "status_code", is_full ? "208" : is_book ? "101" : "106");
    cell(res, 0, "status_message", "so");
    return res;
}

/* Each interval at an instant of its own, in one area. */
static struct db_result *answer_slots(struct backend *b)
{
    static const char *const names[] = {"kind",      "error_code", "visit_at",        "visit_offsets", "slot_ids",
                                        "area_keys", "durations",  "organization_id", "zone",          NULL};
    struct db_result *res = result(b, names, 2 + conf.read_rows);
    cell(res, 0, "kind", "answer");
    cell(res, 0, "error_code", "0");
    cell(res, 1, "kind", "area");
    cell(res, 1, "area_keys", "{7}");
    cell(res, 1, "organization_id", "R7700018");
    cell(res, 1, "zone", "1");
    for (unsigned i = 2; i < 2 + conf.read_rows; i++) {
        cell(res, i, "kind", "slots");
        cell(res, i, "visit_at", "1796108400");
        cell(res, i, "visit_offsets", "{180}");
        cell(res, i, "slot_ids", "{6f1c0000-0000-4000-8000-000000000000}");
        cell(res, i, "area_keys", "{7}");
        cell(res, i, "durations", "{15}");
    }
    return res;
}

static struct db_result *answer_read(struct backend *b)
{
    static const char *const names[] = {
        "kind",         "error_code", "status_code", "status_message", "slot_id", "organization_id", "visit_at",
        "visit_offset", "name",       NULL};
    struct db_result *res = result(b, names, 1 + conf.read_rows);
    cell(res, 0, "kind", "answer");
    cell(res, 0, "error_code", "0");
    cell(res, 0, "status_code", "101");
    cell(res, 0, "status_message", "so");
    cell(res, 0, "name", "book");
    for (unsigned i = 1; i <= conf.read_rows; i++) {
        cell(res, i, "kind", "slot");
        cell(res, i, "name", "book");
        cell(res, i, "slot_id", "6f1c0000-0000-4000-8000-000000000000");
        cell(res, i, "organization_id", "R7700018");
        cell(res, i, "visit_at", "1796108400");
        cell(res, i, "visit_offset", "180");
    }
    return res;
}

static void journal(struct backend *b, const struct statement *s)
{
    if (calls(s, "api.journal_reply(")) {
        for (struct server_row *row = b->rows; row != NULL; row = row->next)
            if (strcmp(row->journal_id, value(s, 0)) == 0)
                row->answer = copy(b->writes, s->values[AT_REPLY_ANSWER]);
        return;
    }
    bool is_exchange = calls(s, "api.journal_exchange(");
    struct server_row *row =
        row_new(b, is_exchange ? ROW_EXCHANGE : ROW_REFUSED, client_of(s, is_exchange ? AT_PEER : 1));
    row->answer = copy(b->writes, is_exchange ? s->values[AT_EXCHANGE_ANSWER] : s->values[8]);
    row->verdict = is_exchange ? arena_strdup(b->writes, value(s, AT_VERDICT)) : NULL;
}

/* ---- transactions ---- */

static void transaction_end(struct backend *b)
{
    arena_free(b->writes);
    b->writes = NULL;
    b->rows = NULL;
    lock_give_up_all(&b->waiter);
}

static void transaction_commit(struct backend *b)
{
    struct server_row *row, *in_order = NULL;
    for (struct server_row *next = b->rows; (row = next) != NULL; in_order = row) {
        next = row->next;
        row->next = in_order;
    }
    for (; (row = in_order) != NULL; committed_rows = row) {
        in_order = row->next;
        struct server_row *kept = arena_alloc(store, sizeof *kept);
        *kept = *row;
        kept->message_id = arena_strdup(store, row->message_id);
        kept->journal_id = arena_strdup(store, row->journal_id);
        kept->slot = arena_strdup(store, row->slot);
        kept->verdict = arena_strdup(store, row->verdict);
        kept->digest = copy(store, row->digest);
        kept->answer = copy(store, row->answer);
        if (row->kind == ROW_WRITE && row_of_message(row->message_id) != NULL)
            conf.misused("a message has a second effect");
        if (row->kind == ROW_WRITE && row->answer.n == 0)
            conf.misused("an effect without its answer in the journal");
        kept->next = committed_rows;
        row = kept;
        conf.committed(kept);
    }
    b->rows = NULL;
    transaction_end(b);
}

void backend_roll_back(struct backend *b)
{
    transaction_end(b);
    b->is_open = b->is_failed = false;
}

bool backend_in_transaction(const struct backend *b)
{
    return b->is_open;
}

unsigned backend_writes(const struct backend *b, unsigned *clients, unsigned most)
{
    unsigned n = 0;
    for (const struct server_row *row = b->rows; row != NULL && n < most; row = row->next) {
        bool is_known = row->kind != ROW_WRITE && row->kind != ROW_KEPT;
        for (unsigned i = 0; i < n; i++)
            is_known |= clients[i] == row->client;
        if (!is_known)
            clients[n++] = row->client;
    }
    return n;
}

uint64_t backend_waits_us(const struct backend *b)
{
    return b->waiter.lock == NULL ? 0 : sim_now_us() - b->waits_since_us;
}

bool backend_journals(const struct backend *b)
{
    return b->at < b->n && calls(&b->statements[b->at], "api.journal_");
}

/* ---- a pipeline ---- */

static void backend_step(void *arg);
static void backend_begin(struct backend *b);

static void backend_dispose(struct backend *b)
{
    struct backend **at = &backends;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    sim_cancel(b->step);
    sim_cancel(b->limit);
    sim_cancel(b->found_out);
    lock_leave(&b->waiter);
    transaction_end(b);
    arena_free(b->arena);
    free(b);
}

static void backend_found_out(void *arg)
{
    struct backend *b = arg;
    b->found_out = NULL;
    backend_dispose(b);
}

static void backend_sync(struct backend *b)
{
    backend_fn fn = b->fn;
    b->fn = NULL;
    if (!b->is_open && b->answer.error.code == ERR_OK)
        transaction_commit(b);
    else if (!b->is_open)
        transaction_end(b);
    fn(b->arg, &b->answer);
}

static void backend_fail(struct backend *b, enum err err, const char *why)
{
    (void)error_set(&b->answer.error, err, "%s", why);
    b->answer.n = b->at;
    if (err == ERR_LOCKED && is_write(&b->statements[b->at]))
        conf.locked(client_of(&b->statements[b->at], AT_PEER));
    transaction_end(b); /* what was done is undone at once, and the locks go */
    b->is_failed = b->is_open;
    backend_sync(b);
}

static enum err drawn_error(void)
{
    return (enum err)SIM_PICK(ERR_CONFLICT, ERR_CONFLICT, ERR_DATABASE, ERR_INTERNAL, ERR_TIMEOUT, ERR_LOCKED);
}

static void statement_done(struct backend *b, struct db_result *res)
{
    static const char *const nothing[] = {"", NULL};
    b->answer.results[b->at++] = res != NULL ? res : result(b, nothing, 0);
    b->answer.n = b->at;
    b->nneeds = b->ngot = 0;
    backend_begin(b);
}

static void statement_carry_out(struct backend *b)
{
    const struct statement *s = &b->statements[b->at];
    struct db_result *res = NULL;
    if (sim_chance(conf.error_per_mille)) {
        backend_fail(b, drawn_error(), "by lot");
        return;
    }
    if (strcmp(s->sql, "begin") == 0) {
        b->is_open = true;
    } else if (strcmp(s->sql, "commit") == 0) {
        bool is_failed = b->is_failed;
        b->is_open = b->is_failed = false;
        if (is_failed) {
            backend_fail(b, ERR_DATABASE, "COMMIT was answered by ROLLBACK");
            return;
        }
        transaction_commit(b);
    } else if (b->is_failed) {
        backend_fail(b, ERR_DATABASE, "the transaction is aborted");
        return;
    } else if (calls(s, "api.journal_answer(")) {
        res = answer_once(b, s);
    } else if (calls(s, "api.inbox_answered(")) {
        res = answer_kept(b, s);
    } else if (calls(s, "api.journal_")) {
        journal(b, s);
    } else if (is_write(s)) {
        res = answer_write(b, s);
    } else if (calls(s, "api.get_")) {
        res = calls(s, "api.get_slots") ? answer_slots(b) : answer_read(b);
    }
    statement_done(b, res);
}

/* It took too long: the wait for a lock, or all of the statement. */
static void backend_limit(void *arg)
{
    struct backend *b = arg;
    uint64_t waited_us = backend_waits_us(b);
    b->limit = NULL;
    lock_leave(&b->waiter);
    if (waited_us < b->lock_us) {
        backend_fail(b, ERR_TIMEOUT, "57014");
        return;
    }
    const struct statement *s = &b->statements[b->at];
    if (!b->is_abandoned && is_write(s))
        conf.broken_off(client_of(s, AT_PEER), waited_us);
    backend_fail(b, ERR_LOCKED, "55P03");
}

static void backend_granted(struct lock_waiter *w)
{
    struct backend *b = (struct backend *)w;
    sim_cancel(b->limit);
    b->limit = NULL;
    b->step = sim_after(0, backend_step, b);
}

/* Its locks one by one, then the deed. */
static void backend_step(void *arg)
{
    struct backend *b = arg;
    b->step = NULL;
    while (b->ngot < b->nneeds) {
        const char *name = b->needs[b->ngot++];
        bool is_own = strncmp(name, "message ", 8) == 0 || strncmp(name, "booking ", 8) == 0 ||
                      strncmp(name, "slot ", 5) == 0 || strncmp(name, "inbox ", 6) == 0;
        if (lock_take(name, !is_own, &b->waiter))
            continue;
        b->waits_since_us = sim_now_us();
        b->limit = sim_after(b->lock_us < b->statement_us ? b->lock_us : b->statement_us, backend_limit, b);
        return;
    }
    statement_carry_out(b);
}

static void backend_begin(struct backend *b)
{
    if (b->at == b->n) {
        backend_sync(b);
        return;
    }
    const struct statement *s = &b->statements[b->at];
    bool is_commit = strcmp(s->sql, "commit") == 0;
    uint64_t takes_us = sim_between(10, is_commit ? conf.commit_max_us : conf.statement_max_us);
    if (sim_chance(conf.slow_per_mille))
        takes_us = sim_below(conf.slow_us);
    statement_needs(b, s);
    b->step = sim_after(takes_us, backend_step, b);
}

struct backend *backend_new(void)
{
    struct backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    b->waiter.granted = backend_granted;
    b->next = backends;
    backends = b;
    return b;
}

void backend_forget(struct backend *b)
{
    arena_free(b->arena);
    b->arena = NULL;
}

void backend_run(struct backend *b, const struct db_call *list, unsigned n, struct db_patience p, uint64_t statement_ms,
                 backend_fn fn, void *arg)
{
    if (b->fn != NULL || n > CALLS_MAX)
        conf.misused("two calls of one session at once");
    backend_forget(b);
    b->arena = arena_new();
    b->statements = arena_array(b->arena, n + 1, sizeof *b->statements);
    for (unsigned i = 0; i < n; i++) {
        b->statements[i].sql = list[i].sql;
        b->statements[i].values = arena_array(b->arena, list[i].nparams + 1, sizeof(struct span));
        for (unsigned k = 0; k < list[i].nparams; k++) {
            const char *v = list[i].values[k];
            bool is_binary = list[i].is_binary != NULL && list[i].is_binary[k] != 0;
            size_t size = v == NULL ? 0 : is_binary ? (size_t)list[i].lengths[k] : strlen(v);
            b->statements[i].values[k] = (struct span){v == NULL ? NULL : arena_copy(b->arena, v, size), size};
        }
    }
    if (!b->is_open) {
        b->lock_us = (p.lock_ms != 0 ? p.lock_ms : DB_LOCK_MS) * 1000;
        b->statement_us = (statement_ms > 0 ? statement_ms : 1) * 1000;
    }
    b->answer = (struct server_answer){.results = arena_array(b->arena, n + 1, sizeof(struct db_result *))};
    b->n = n;
    b->at = 0;
    b->fn = fn;
    b->arg = arg;
    backend_begin(b);
}

static void backend_unheard(void *arg, const struct server_answer *a)
{
    struct backend *b = arg;
    (void)a;
    b->found_out = sim_after(sim_below(20000), backend_found_out, b);
}

void backend_abandon(struct backend *b, uint64_t found_out_us)
{
    b->is_abandoned = true;
    if (b->fn != NULL) {
        b->fn = backend_unheard;
        b->arg = b;
    } else {
        b->found_out = sim_after(found_out_us, backend_found_out, b);
    }
}

void backend_kill(struct backend *b)
{
    backend_dispose(b);
}

void server_end(void)
{
    while (backends != NULL)
        backend_dispose(backends);
    if (locks_held() > 0)
        conf.misused("a lock outlives its owner");
    arena_free(store);
    store = NULL;
}
